//! Secrets that are known by what stands before a colon or an equals sign.
//!
//! `"password": "…"` in JSON, `?sig=…` in a URL, `password=…` in a form, `name="password"` in a
//! part of a multipart body, `postgres://user:password@host`, `123456:AA…` of a Telegram bot.
//!
//! Each is found from the sign on: first backwards to the name, which is over and done with, then
//! forwards to the value, of which only the beginning must be at hand.

use super::{
    class::{ALNUM, BASE64, DOT, TILDE, WORD, is_in},
    embed::{Backwards, Content, Embedding, MAX_LEVEL, Quote, level_of},
    look::{Look, Miss},
    names::{Meaning, Names},
    skip::{Skip, Skipped, ends_userinfo},
    syntax::Syntax,
    tree::Tree,
    window::{ANY_ESCAPE, Step, Window, hex},
};

/// The rule for everything that is found by its name.
pub(super) const NAME_RULE: &str = "name";
const USERINFO_RULE: &str = "url-userinfo";
const TELEGRAM_RULE: &str = "telegram-bot-api-token";

/// The longest name that is read, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// The most spaces between a name, its sign and its value.
const MAX_SPACES: usize = 16;
/// The longest user and password that are waited for. Longer ones are taken for what they are
/// without an `@`: no host name is that long.
const MAX_USERINFO: usize = 320;
/// The longest piece of text of a log probability.
const MAX_LOGPROB: usize = 160;
/// The longest headers of a part of a multipart body, behind its name.
const MAX_PART_HEADERS: usize = 1024;

/// A secret value.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) rule: &'static str,
    /// Where it begins.
    pub(super) start: usize,
    /// How its end is found.
    pub(super) skip: Skip,
}

/// A secret value, or why there is none.
pub(super) type Sought = Result<Value, Wait>;

/// Why no secret value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is none.
    Absent,
    /// It takes more bytes to tell, of which none before this place is secret.
    Until(usize),
}

impl Wait {
    fn of(miss: Miss, hold: usize) -> Self {
        match miss {
            Miss::Absent => Self::Absent,
            Miss::Unknown => Self::Until(hold),
        }
    }
}

/// A colon or an equals sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) byte: u8,
    pub(super) at: usize,
    /// The place behind it.
    pub(super) behind: usize,
    /// How often it was percent-encoded.
    pub(super) layers: u8,
    /// Whether it is written as an escape of JSON, as its neighbours may be too.
    pub(super) is_unicode: bool,
}

impl Sign {
    /// Whether the bytes around the sign rule out that a secret follows: most do.
    #[inline]
    pub(super) fn is_plain(self, window: Window<'_>, names: &Names, syntax: &Syntax) -> bool {
        let next = window.byte(self.behind);
        match (self.byte, window.before(self.at)) {
            (b':', [.., third, before, last, b'\\', b'"'] | [.., third, before, last, b'"']) => {
                !names.may_end(*third, *before, *last)
            }
            (b':', [.., last]) if last.is_ascii_alphabetic() => {
                !matches!(next, Some(b'/' | b'\\' | b'%') | None)
            }
            (b':', [.., last]) if last.is_ascii_digit() => {
                !matches!(next, Some(b'A' | b'/' | b'\\' | b'%') | None)
            }
            (b':', [.., last]) => !is_space(*last) && *last != b'"',
            (_, [.., third, before, last]) => {
                let may_end = names.may_end(*third, *before, *last);
                !is_name(*last) || !may_end && !matches!(syntax, Syntax::Multipart(_))
            }
            _ => false,
        }
    }

    /// The value behind it, if that is secret.
    pub(super) fn look(self, window: Window<'_>, names: &Names, syntax: &Syntax) -> Sought {
        match self.byte {
            b':' => self.colon(window, names),
            _ => self.equals(window, names, syntax),
        }
    }

    fn before<'w>(self, window: Window<'w>) -> Backwards<'w> {
        Backwards::new(window.before(self.at), self.layers)
    }

    fn colon(self, window: Window<'_>, names: &Names) -> Sought {
        let last = self.before(window).peek();
        match last {
            Some(b'"' | b' ' | b'\t' | b'\n' | b'\r' | b'+') => self.member(window, names),
            Some(byte) if byte.is_ascii_digit() => match self.telegram(window) {
                Err(Wait::Absent) => self.userinfo(window),
                found => found,
            },
            Some(byte) if byte.is_ascii_alphabetic() => self.userinfo(window),
            _ => Err(Wait::Absent),
        }
    }

    /// A member of a JSON object.
    fn member(self, window: Window<'_>, names: &Names) -> Sought {
        let mut before = self.before(window);
        before.drop_while(MAX_SPACES, is_space);
        if before.next() != Some(b'"') {
            return Err(Wait::Absent);
        }
        let backslashes = before.drop_while(MAX_SPACES, |byte| byte == b'\\');
        let embedding = Embedding { level: level_of(backslashes), layers: self.layers };
        if embedding.level > MAX_LEVEL {
            return Err(Wait::Absent);
        }
        let name = before.take(MAX_NAME_BYTES).take_while(|byte| *byte != b'"');
        let meaning = names.meaning(name, false);
        if meaning == Meaning::Plain {
            return Err(Wait::Absent);
        }
        let value = spaces(window, self.behind, self.layers);
        let value = value.map_err(|miss| Wait::of(miss, self.behind))?;
        self.json_value(window, value, embedding, meaning)
    }

    fn json_value(
        self,
        window: Window<'_>,
        at: usize,
        json: Embedding,
        meaning: Meaning,
    ) -> Sought {
        let skip = match window.layered(at, self.layers) {
            Step::Char(b'{' | b'[', _) => Skip::Tree(Box::new(Tree::new(json))),
            Step::Char(b'-' | b'0'..=b'9', _) => Skip::Number(json),
            Step::Char(b'"' | b'\\', _) => return json_string(window, at, json, meaning),
            Step::Unknown => return Err(Wait::Until(at)),
            _ => return Err(Wait::Absent),
        };
        Ok(Value { rule: NAME_RULE, start: at, skip })
    }

    /// `scheme://user:password@host`.
    fn userinfo(self, window: Window<'_>) -> Sought {
        let start = window.follow(self.behind, b"//");
        let start = start.map_err(|miss| Wait::of(miss, self.behind))?;
        let layers = if self.is_unicode { ANY_ESCAPE } else { self.layers };
        let (mut at, mut length, mut has_password) = (start, 0_usize, false);
        loop {
            match window.layered(at, layers) {
                Step::Char(b'@', _) => break,
                Step::Unknown => return Err(Wait::Until(start)),
                Step::Char(byte, next) if !ends_userinfo(byte) => {
                    has_password |= byte == b':';
                    at = next;
                }
                _ => return Err(Wait::Absent),
            }
            length = length.saturating_add(1);
            if length == MAX_USERINFO {
                break;
            }
        }
        // A name alone is no secret (`ssh://git@host`), unless it is as long as a token.
        if !has_password && length < 20 {
            return Err(Wait::Absent);
        }
        Ok(Value { rule: USERINFO_RULE, start, skip: Skip::Userinfo(layers) })
    }

    /// `digits:A` and 34 more characters.
    fn telegram(self, window: Window<'_>) -> Sought {
        let unknown = |miss| Wait::of(miss, self.behind);
        window.one(self.behind, |byte| byte == b'A').map_err(unknown)?;
        let digits = window.unescaped_before(self.at).take(17).take_while(u8::is_ascii_digit);
        if !(5..=16).contains(&digits.count()) {
            return Err(Wait::Absent);
        }
        window.least(self.behind, WORD, 35).map_err(unknown)?;
        Ok(Value { rule: TELEGRAM_RULE, start: self.behind, skip: Skip::Token(WORD) })
    }

    fn equals(self, window: Window<'_>, names: &Names, syntax: &Syntax) -> Sought {
        let before = self.before(window);
        if !before.peek().is_some_and(is_name) {
            return Err(Wait::Absent);
        }
        if let Syntax::Multipart(boundary) = syntax
            && self.layers == 0
            && ends_with_name(window.before(self.at))
        {
            return self.part(window, names, boundary);
        }
        let name = Name::before(before, syntax);
        let is_cookie = || names.is_session_cookie(name.letters());
        if name.place == Place::Elsewhere && !is_cookie() {
            return Err(Wait::Absent);
        }
        let in_query = matches!(name.place, Place::Query | Place::Field);
        if names.meaning(name.letters(), in_query) == Meaning::Plain {
            return Err(Wait::Absent);
        }
        match name.place {
            Place::Environment => self.variable(window),
            Place::Field => not_empty(Skip::Field, window, self.behind, self.behind),
            _ => not_empty(Skip::Query(self.layers), window, self.behind, self.behind),
        }
    }

    /// `API_KEY=…` as in a shell or an `.env` file: eight characters of a token at least.
    fn variable(self, window: Window<'_>) -> Sought {
        const LEAST: usize = 8;
        let start = match window.raw(self.behind) {
            Step::Char(b'\'', next) => next,
            _ => match Embedding::default().quote_at(window, self.behind) {
                Quote::At { end, .. } => end,
                Quote::Unknown => return Err(Wait::Until(self.behind)),
                Quote::Absent => self.behind,
            },
        };
        let class = BASE64 | WORD | DOT | TILDE;
        window.least(start, class, LEAST).map_err(|miss| Wait::of(miss, start))?;
        Ok(Value { rule: NAME_RULE, start, skip: Skip::Query(0) })
    }

    /// `Content-Disposition: form-data; name="password"`, the rest of the headers, a blank line.
    fn part(self, window: Window<'_>, names: &Names, boundary: &[u8]) -> Sought {
        let rest = window.from(self.behind);
        let headers = rest.get(..MAX_PART_HEADERS).unwrap_or(rest);
        let is_cut = headers.len() == rest.len() && !window.is_last;
        let (name, quoted) = match headers.strip_prefix(b"\"") {
            Some(name) => (name, 1_usize),
            None => (headers, 0),
        };
        let end = name.iter().position(|byte| matches!(byte, b'"' | b';' | b'\r' | b'\n'));
        let missing = if is_cut { Wait::Until(self.behind) } else { Wait::Absent };
        let end = end.ok_or(missing)?;
        let name = name.get(..end).unwrap_or_default();
        if names.meaning(name.iter().rev().copied(), true) == Meaning::Plain {
            return Err(Wait::Absent);
        }
        let after_name = end.saturating_add(quoted);
        let blank = blank_line(headers.get(after_name..).unwrap_or_default()).ok_or(missing)?;
        let start = self.behind.saturating_add(after_name).saturating_add(blank);
        let delimiter = [b"--", boundary].concat();
        let value = window.from(start);
        if value.starts_with(&delimiter) {
            return Err(Wait::Absent);
        }
        if delimiter.starts_with(value) && !window.is_last {
            return Err(Wait::Until(self.behind));
        }
        not_empty(Skip::Part(delimiter.into()), window, start, self.behind)
    }
}

/// The value at `start`, unless it is empty; if nobody knows yet, no byte before `hold` is secret.
fn not_empty(mut skip: Skip, window: Window<'_>, start: usize, hold: usize) -> Sought {
    match skip.run(window, start) {
        Skipped::Done(end) if end == start => Err(Wait::Absent),
        Skipped::More(end) if end == start => Err(Wait::Until(hold)),
        _ => Ok(Value { rule: NAME_RULE, start, skip }),
    }
}

/// A name before an equals sign.
#[derive(Clone, Copy)]
struct Name<'a> {
    /// It, and what stands before it.
    before: Backwards<'a>,
    length: usize,
    place: Place,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a query, behind `?` or `&`.
    Query,
    /// In a form.
    Field,
    /// In an environment variable: capitals only.
    Environment,
    Elsewhere,
}

impl<'a> Name<'a> {
    fn before(before: Backwards<'a>, syntax: &Syntax) -> Self {
        let mut rest = before;
        let length = rest.drop_while(MAX_NAME_BYTES, is_name);
        let name = Self { before, length, place: Place::Elsewhere };
        // The end of an escape looks like the beginning of the name: `\u0026sig`, `\nKEY`, `%26sig`.
        let (delimiter, escape) = match (rest.peek(), name.first_five()) {
            (Some(b'\\'), [b'u', b'0', b'0', high, low]) => (hex(high, low), 5),
            (Some(b'\\'), [b'n' | b't' | b'r' | b'b' | b'f', ..]) => (Some(b'\n'), 1),
            (Some(b'%'), [high, low, ..]) => (hex(high, low), 2),
            (delimiter, _) => (delimiter, 0),
        };
        let name = Self { length: length.saturating_sub(escape), ..name };
        let is_form = *syntax == Syntax::Form && before.is_plain() && escape == 0;
        let place = match delimiter {
            Some(b'&') | None if is_form => Place::Field,
            Some(b'&' | b'?') => Place::Query,
            Some(b';') if rest.rest.ends_with(b"&amp;") => Place::Query,
            _ if before.is_plain() && name.is_variable() => Place::Environment,
            _ => Place::Elsewhere,
        };
        Self { place, ..name }
    }

    /// Its characters, last one first.
    fn letters(self) -> impl Iterator<Item = u8> {
        self.before.take(self.length)
    }

    /// Its first five characters; zeros if it is shorter than that.
    fn first_five(self) -> [u8; 5] {
        let mut five = [0; 5];
        let places = five.iter_mut().take(self.length).rev();
        let letters = self.letters().skip(self.length.saturating_sub(5));
        places.zip(letters).for_each(|(place, byte)| *place = byte);
        five
    }

    /// Whether it is written like an environment variable, and is not the working directory.
    fn is_variable(self) -> bool {
        let is_capital = |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        let is_directory = self.letters().eq(*b"DWP") || self.letters().eq(*b"DWPDLO");
        self.letters().all(is_capital) && !is_directory
    }
}

/// Whether a parameter called `name` stands there (names of parameters have no case).
fn ends_with_name(before: &[u8]) -> bool {
    before.last_chunk::<5>().is_some_and(|end| {
        let (space, name) = (end.first(), end.get(1..).unwrap_or_default());
        matches!(space, Some(b' ' | b';' | b'\t')) && name.eq_ignore_ascii_case(b"name")
    })
}

/// Whether `byte` may stand in the name of a parameter or a field.
fn is_name(byte: u8) -> bool {
    is_in(byte, ALNUM) || b"_-.[]".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'+')
}

/// Behind the spaces at `at`.
fn spaces(window: Window<'_>, at: usize, layers: u8) -> Look<usize> {
    let mut at = at;
    for _ in 0..=MAX_SPACES {
        match window.layered(at, layers) {
            Step::Char(byte, next) if is_space(byte) => at = next,
            Step::Unknown => return Err(Miss::Unknown),
            _ => break,
        }
    }
    Ok(at)
}

fn json_string(window: Window<'_>, at: usize, json: Embedding, meaning: Meaning) -> Sought {
    let start = match json.quote_at(window, at) {
        Quote::At { level, start, end } if level == json.level && start == at => end,
        Quote::Unknown => return Err(Wait::Until(at)),
        _ => return Err(Wait::Absent),
    };
    match json.content(window, start) {
        Content::Closed(end) if end == start => return Err(Wait::Absent),
        Content::Open(end) if end == start => return Err(Wait::Until(start)),
        _ => {}
    }
    if meaning == Meaning::Token {
        match is_logprob(window, start, json) {
            Some(true) => return Err(Wait::Absent),
            Some(false) => {}
            None => return Err(Wait::Until(start)),
        }
    }
    Ok(Value { rule: NAME_RULE, start, skip: Skip::String(json) })
}

/// Whether the string at `at` is followed by a member `logprob`, if that is known.
fn is_logprob(window: Window<'_>, at: usize, json: Embedding) -> Option<bool> {
    let is_far = |end: usize| end.saturating_sub(at) > MAX_LOGPROB;
    let end = match json.content(window, at) {
        Content::Closed(end) if !is_far(end) => end,
        Content::Open(end) if !is_far(end) => return None,
        _ => return Some(false),
    };
    let Quote::At { end, .. } = json.quote_at(window, end) else { return Some(false) };
    let text = [b",", json.quote().as_slice(), b"logprob"].concat();
    let mut at = end;
    for expected in text {
        match window.raw(skip_raw_spaces(window, at)) {
            Step::Char(byte, next) if byte == expected => at = next,
            Step::Unknown => return None,
            _ => return Some(false),
        }
    }
    Some(true)
}

fn skip_raw_spaces(window: Window<'_>, at: usize) -> usize {
    let spaces = window.from(at).iter().take(MAX_SPACES).take_while(|byte| is_space(**byte));
    at.saturating_add(spaces.count())
}

/// Behind the first blank line.
fn blank_line(headers: &[u8]) -> Option<usize> {
    let crlf = headers.windows(4).position(|four| four == b"\r\n\r\n");
    let lf = headers.windows(2).position(|two| two == b"\n\n");
    match (crlf, lf) {
        (Some(crlf), Some(lf)) if lf < crlf => Some(lf.saturating_add(2)),
        (Some(crlf), _) => Some(crlf.saturating_add(4)),
        (None, lf) => lf.map(|lf| lf.saturating_add(2)),
    }
}
