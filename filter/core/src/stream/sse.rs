//! Server-sent events (WHATWG HTML, section 9.2).
//!
//! ```text
//! : a comment, to keep the connection alive
//! event: message_stop
//! data: {"type":"message_stop"}
//!
//! ```
//!
//! Lines end with LF, CRLF or CR. A blank line dispatches the event if it has any `data`; if not,
//! the lines so far belong to the next one. The last event of a body that is complete needs no blank
//! line, and no line end: browsers drop such an event, many SDKs do not, and providers send what
//! went wrong in it. Of a body that broke off it is none.
//!
//! Providers also send what went wrong as a block of bare JSON between the events, or behind them.
//! In a block without `data` so far, a line that begins with a bracket, where the name of a field should
//! stand, is data, and so are all others up to the blank line.

use super::{Said, chain::Chain, lines::line_end, name::Name};

/// Finds the events.
#[derive(Clone, Debug, Default)]
pub(super) struct Sse {
    mark: Mark,
    place: Place,
    name: Name,
    has_data: bool,
    /// A CR ended the line before: an LF that follows belongs to it.
    after_return: bool,
    /// That line dispatched an event, whose bytes end when it is known whether an LF follows.
    is_dispatched: bool,
    /// The lines of the block are those of a document, without the names of fields.
    is_bare: bool,
    /// How much of the mark at the end of many streams the data of the event under way is.
    done: Done,
}

/// Where in a line the bytes are.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the name of the field, of which so much is known.
    Field([u8; MAX_FIELD_BYTES], usize),
    /// Behind the colon, where one space does not count.
    Space(Field),
    Value(Field),
}

impl Default for Place {
    fn default() -> Self {
        Self::Field([0; MAX_FIELD_BYTES], 0)
    }
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Data,
    Event,
    /// A comment, `id`, `retry`, or what no client knows.
    Other,
}

/// One more than the longest field that matters.
const MAX_FIELD_BYTES: usize = 6;

impl Field {
    fn of(name: &[u8]) -> Self {
        match name {
            b"data" => Self::Data,
            b"event" => Self::Event,
            _ => Self::Other,
        }
    }
}

impl Sse {
    pub(super) fn push(&mut self, bytes: &[u8], chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        let mut rest = self.skip_mark(bytes, chain);
        // What belongs to the event under way and is not hashed yet; `rest` is its end.
        let mut event = rest;
        while let Some(next) = rest.first() {
            if self.after_return {
                self.after_return = false;
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                if self.is_dispatched {
                    event = self.link(event, rest, chain);
                }
                if *next == b'\n' {
                    continue;
                }
            }
            let Some((line, end)) = line_end(rest).and_then(|end| rest.split_at_checked(end))
            else {
                self.read(rest, said);
                break;
            };
            self.read(line, said);
            self.end_line(said);
            if self.is_dispatched {
                self.say_end(said);
            }
            self.after_return = end.first() == Some(&b'\r');
            rest = end.get(1..).unwrap_or_default();
            if self.is_dispatched && !self.after_return {
                event = self.link(event, rest, chain);
            }
        }
        chain.take(event);
    }

    /// The body is complete: so is an event whose blank line is missing.
    pub(super) fn finish(&mut self, chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        if !matches!(self.place, Place::Field(_, 0)) {
            self.end_line(said);
        }
        if self.has_data {
            self.say_end(said);
            self.link(&[], &[], chain);
        } else if self.is_dispatched {
            self.link(&[], &[], chain);
        }
    }

    /// Whether the event under way says so far that it is the last one, with `[DONE]`.
    pub(super) fn is_done(&self) -> bool {
        self.has_data && self.done.is_whole()
    }

    /// The event says no more: a line dispatched it, or the body is complete.
    fn say_end(&mut self, said: &mut dyn FnMut(Said<'_>)) {
        said(Said::End { name: self.name.as_bytes() });
        self.name.clear();
        (self.has_data, self.is_bare) = (false, false);
        self.done = Done::default();
    }

    /// Ends the bytes of the event with what of `bytes` is before `rest`.
    fn link<'b>(&mut self, bytes: &[u8], rest: &'b [u8], chain: &mut Chain) -> &'b [u8] {
        let length = bytes.len().saturating_sub(rest.len());
        chain.link(bytes.get(..length).unwrap_or_default());
        self.is_dispatched = false;
        rest
    }

    /// The next bytes of a line.
    fn read(&mut self, bytes: &[u8], said: &mut dyn FnMut(Said<'_>)) {
        let mut rest = bytes;
        if let (Place::Field(_, 0), Some(first)) = (&self.place, rest.first())
            && (self.is_bare || !self.has_data && matches!(first, b'{' | b'['))
        {
            self.is_bare = true;
            self.begin_value(Field::Data, said);
            self.place = Place::Value(Field::Data);
        }
        if let Place::Field(name, known) = &mut self.place {
            let Some(field) = read_field(name, known, &mut rest) else { return };
            self.begin_value(field, said);
        }
        let (Place::Space(field) | Place::Value(field)) = self.place else { return };
        if rest.is_empty() {
            return;
        }
        if matches!(self.place, Place::Space(_)) {
            rest = rest.strip_prefix(b" ").unwrap_or(rest);
            self.place = Place::Value(field);
        }
        match field {
            Field::Data if !rest.is_empty() => self.say(rest, said),
            Field::Event => self.name.push(rest),
            Field::Data | Field::Other => {}
        }
    }

    fn begin_value(&mut self, field: Field, said: &mut dyn FnMut(Said<'_>)) {
        self.place = Place::Space(field);
        match field {
            Field::Data if self.has_data => self.say(b"\n", said),
            Field::Data => self.has_data = true,
            Field::Event => self.name.clear(),
            Field::Other => {}
        }
    }

    fn say(&mut self, data: &[u8], said: &mut dyn FnMut(Said<'_>)) {
        self.done.push(data);
        said(Said::Content(data));
    }

    fn end_line(&mut self, said: &mut dyn FnMut(Said<'_>)) {
        match self.place {
            Place::Field(_, 0) if self.has_data => self.is_dispatched = true,
            // A block without data is nothing, nor is its name.
            Place::Field(_, 0) => self.name.clear(),
            // A line without a colon is a field without a value.
            Place::Field(name, known) => {
                self.begin_value(Field::of(name.get(..known).unwrap_or_default()), said);
            }
            Place::Space(_) | Place::Value(_) => {}
        }
        self.place = Place::default();
    }

    /// A byte order mark before the first line belongs to the first event, not to its first field.
    fn skip_mark<'b>(&mut self, bytes: &'b [u8], chain: &mut Chain) -> &'b [u8] {
        let mut rest = bytes;
        while let Mark::Known(known) = self.mark {
            let Some((byte, later)) = rest.split_first() else { break };
            if MARK.get(known) == Some(byte) {
                self.mark = Mark::Known(known.saturating_add(1));
                rest = later;
                continue;
            }
            if (1..MARK.len()).contains(&known) {
                self.place = Place::Value(Field::Other);
            }
            self.mark = Mark::Passed;
        }
        chain.take(bytes.get(..bytes.len().saturating_sub(rest.len())).unwrap_or_default());
        rest
    }
}

/// The mark at the end of many streams, as the only data of an event. Unlike the one of a whole document
/// it may be asked before the event is over, when what follows a space may still be held back: so no
/// space is passed over.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    matched: usize,
    is_other: bool,
}

impl Done {
    const MARK: &[u8] = b"[DONE]";

    fn push(&mut self, data: &[u8]) {
        let expected = Self::MARK.get(self.matched..).unwrap_or_default();
        self.is_other |= !expected.starts_with(data);
        self.matched = self.matched.saturating_add(data.len());
    }

    fn is_whole(self) -> bool {
        !self.is_other && self.matched == Self::MARK.len()
    }
}

/// What a file may begin with: U+FEFF in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How far a byte order mark was seen.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Known(usize),
    Passed,
}

impl Default for Mark {
    fn default() -> Self {
        Self::Known(0)
    }
}

/// Reads the name of a field up to its colon; `None` if it goes on behind `rest`.
fn read_field(
    name: &mut [u8; MAX_FIELD_BYTES],
    known: &mut usize,
    rest: &mut &[u8],
) -> Option<Field> {
    while let Some((byte, later)) = rest.split_first() {
        *rest = later;
        if *byte == b':' {
            return Some(Field::of(name.get(..*known).unwrap_or_default()));
        }
        match name.get_mut(*known) {
            Some(place) => *place = *byte,
            None => return Some(Field::Other),
        }
        *known = known.saturating_add(1);
    }
    None
}
