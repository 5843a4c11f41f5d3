//! The leaves of a JSON object or array that stands under a secret's name.
//!
//! `"credentials":{"user":"a","password":"b"}` must lose what is in it, and
//! `"password":{"type":"string"}`, which describes a parameter of a tool, must stay what it is, or
//! no model could call the tool. So the structure and the keys stay; strings and numbers go, but for
//! those under the words of JSON Schema and of OpenAPI. An example or a default goes only if it looks like
//! a secret.

use super::{
    embed::{Content, Embedding, Quote},
    look::Miss,
    skip::is_number,
    value::{self, Ends, Probe},
    vocabulary::{SAMPLE_WORDS, SCHEMA_WORDS},
    window::{Step, Window},
};

/// Objects and arrays that are told apart. What lies deeper is all taken for arrays, and so for
/// values.
const MAX_DEPTH: u32 = 64;

/// A walk through one object or array.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) embedding: Embedding,
    mode: Mode,
    /// Invariant: bit `n` says whether the container at depth `n + 1` is an object.
    objects: u64,
    depth: u32,
    expects_key: bool,
    /// Whether the last key was a word of JSON Schema.
    describes: bool,
    /// Whether it was one whose value is an example.
    shows: bool,
    key: Key,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Between,
    Key,
    /// A string or a number that stays.
    Kept,
    /// A string of which nothing was seen yet.
    Opened,
    Masked,
    Number,
}

/// The beginning of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Key {
    bytes: [u8; 24],
    length: usize,
}

/// What the walk came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// Everything up to here stays.
    Keep(usize),
    /// A secret begins here; `quoted` if the placeholder needs quotes of its own.
    Replace { quoted: bool },
    /// Everything up to here goes.
    Drop(usize),
    /// What follows is not known yet.
    More,
    /// It ends here.
    Done,
}

impl Tree {
    /// A walk that begins at the bracket of an object or an array.
    pub(super) fn new(embedding: Embedding) -> Self {
        Self {
            embedding,
            mode: Mode::Between,
            objects: 0,
            depth: 0,
            expects_key: false,
            describes: false,
            shows: false,
            key: Key::default(),
        }
    }

    /// The next step from `at` on.
    pub(super) fn step(&mut self, window: Window<'_>, at: usize) -> Walk {
        match self.mode {
            Mode::Between => self.between(window, at),
            Mode::Key => self.in_key(window, at),
            Mode::Kept => self.in_string(window, at, Walk::Keep),
            Mode::Opened => self.opened(window, at),
            Mode::Masked => self.in_string(window, at, Walk::Drop),
            Mode::Number => self.in_number(window, at),
        }
    }

    fn between(&mut self, window: Window<'_>, at: usize) -> Walk {
        let (byte, next) = match window.layered(at, self.embedding.layers) {
            Step::Char(byte, next) => (byte, next),
            Step::End => return Walk::Done,
            Step::Unknown => return Walk::More,
        };
        match byte {
            b'"' | b'\\' => return self.open_string(window, at),
            b'{' | b'[' => self.push(byte == b'{'),
            b'}' | b']' => self.pop(),
            b',' => {
                self.expects_key = self.is_object();
                self.describes &= !self.is_object();
                self.shows &= !self.is_object();
            }
            b':' => self.expects_key = false,
            b'-' | b'0'..=b'9' if !self.describes && !self.shows => {
                self.mode = Mode::Number;
                return Walk::Replace { quoted: true };
            }
            b'+' | b'%' if self.embedding.layers > 0 => {}
            byte if byte.is_ascii_alphanumeric() || b" \t\r\n-.+".contains(&byte) => {}
            _ => return Walk::Done,
        }
        Walk::Keep(next)
    }

    /// Whether the bracket that it began with is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.depth == 0 && matches!(self.mode, Mode::Between)
    }

    fn push(&mut self, is_object: bool) {
        if self.depth < MAX_DEPTH {
            let bit = 1_u64 << self.depth;
            self.objects = if is_object { self.objects | bit } else { self.objects & !bit };
        }
        self.depth = self.depth.saturating_add(1);
        self.expects_key = self.is_object();
        self.describes &= !self.is_object();
        self.shows &= !self.is_object();
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.describes = false;
        self.shows = false;
    }

    fn is_object(&self) -> bool {
        match self.depth.checked_sub(1) {
            Some(bit) if bit < MAX_DEPTH => self.objects >> bit & 1 == 1,
            _ => false,
        }
    }

    fn open_string(&mut self, window: Window<'_>, at: usize) -> Walk {
        match self.embedding.quote_at(window, at) {
            Quote::At { level, start, end } if level == self.embedding.level && start == at => {
                self.key = Key::default();
                self.mode = match (self.expects_key, self.describes) {
                    (true, _) => Mode::Key,
                    (false, true) => Mode::Kept,
                    (false, false) => Mode::Opened,
                };
                Walk::Keep(end)
            }
            Quote::Unknown => Walk::More,
            _ => Walk::Done,
        }
    }

    fn in_key(&mut self, window: Window<'_>, at: usize) -> Walk {
        match self.embedding.content(window, at) {
            Content::Open(end) if end == at => Walk::More,
            Content::Closed(end) if end == at => {
                self.describes = self.key.is_one_of(SCHEMA_WORDS);
                self.shows = self.key.is_one_of(SAMPLE_WORDS);
                self.close(window, end)
            }
            Content::Open(end) | Content::Closed(end) => {
                self.key.push(window.bytes.get(at..end).unwrap_or_default());
                Walk::Keep(end)
            }
        }
    }

    fn opened(&mut self, window: Window<'_>, at: usize) -> Walk {
        match self.embedding.content(window, at) {
            Content::Open(end) if end == at => Walk::More,
            Content::Closed(end) if end == at => self.close(window, end),
            _ => match self.is_sample(window, at) {
                None => Walk::More,
                Some(true) => {
                    self.mode = Mode::Kept;
                    Walk::Keep(at)
                }
                Some(false) => {
                    self.mode = Mode::Masked;
                    Walk::Replace { quoted: false }
                }
            },
        }
    }

    /// Whether the string at `at` is an example and no secret, if that is known.
    fn is_sample(&self, window: Window<'_>, at: usize) -> Option<bool> {
        if !self.shows {
            return Some(false);
        }
        let Embedding { level, layers } = self.embedding;
        let ends = Ends::Quote { byte: b'"', level, layers };
        match Probe::read(window, at, ends) {
            Ok(probe) => Some(!probe.is_long && !value::may_be_password(probe.text())),
            Err(Miss::Absent) => Some(true),
            Err(Miss::Unknown) => None,
        }
    }

    fn in_string(&mut self, window: Window<'_>, at: usize, go: fn(usize) -> Walk) -> Walk {
        match self.embedding.content(window, at) {
            Content::Open(end) if end == at => Walk::More,
            Content::Open(end) => go(end),
            Content::Closed(end) if end == at => self.close(window, end),
            Content::Closed(end) => go(end),
        }
    }

    fn in_number(&mut self, window: Window<'_>, at: usize) -> Walk {
        match window.layered(at, self.embedding.layers) {
            Step::Char(byte, next) if is_number(byte) => Walk::Drop(next),
            Step::Unknown => Walk::More,
            _ => {
                self.mode = Mode::Between;
                Walk::Keep(at)
            }
        }
    }

    /// Behind the quote that closes a string.
    fn close(&mut self, window: Window<'_>, at: usize) -> Walk {
        match self.embedding.quote_at(window, at) {
            Quote::At { level, start, end } if level == self.embedding.level && start == at => {
                self.mode = Mode::Between;
                Walk::Keep(end)
            }
            Quote::Unknown => Walk::More,
            _ => Walk::Done,
        }
    }
}

impl Key {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
            }
            self.length = self.length.saturating_add(1);
        }
    }

    fn is_one_of(&self, words: &str) -> bool {
        let key = self.bytes.get(..self.length).unwrap_or_default();
        words.split_ascii_whitespace().any(|word| word.as_bytes() == key)
    }
}
