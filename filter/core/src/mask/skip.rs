//! What is left out of the view once a secret has begun, up to where it ends.
//!
//! A secret may be longer than any chunk: a certificate's key, a megabyte under `"secret":`. So its
//! end is not waited for: the placeholder is written when it begins, and the state here says what
//! to leave out of the chunks that follow.

use super::{
    class::{BASE64, Class, is_in},
    cookies::Cookies,
    embed::{Content, Embedding},
    encoded,
    look::Miss,
    names::Meaning,
    pem,
    tree::Tree,
    value::Ends,
    window::{ANY_ESCAPE, Step, Window},
};

/// What is being left out.
#[derive(Clone, Debug)]
pub(super) enum Skip {
    /// Characters of a class, in any escape.
    Token(Class),
    /// The body of a private key, up to the dashes of its last line.
    Pem,
    /// The lines of a key of PuTTY.
    Putty,
    /// Base64 on any number of lines.
    Lines,
    /// The content of a JSON string.
    String(Embedding),
    /// A JSON number.
    Number(Embedding),
    /// A JSON object or array, of which the leaves are judged one by one.
    Tree(Box<Tree>),
    /// Those cookies of a line that are secret.
    Cookies(Box<Cookies>),
    /// The value of a query parameter, in a text that was percent-encoded so many times.
    Query(u8),
    /// The value of a form field.
    Field,
    /// The user and the password of a URL, in a text that was percent-encoded so many times.
    Userinfo(u8),
    /// The rest of a part of a multipart body, up to a line that begins with this.
    Part(Box<[u8]>),
    /// The rest of a value in a text.
    Rest(Ends),
    /// The content of a JSON string of which nothing is known yet.
    Opened(Embedding),
    /// White space before the value of a JSON member, which stays; then the value.
    Gap { json: Embedding, is_behind_colon: bool, meaning: Meaning },
    /// So many bytes.
    Bytes(usize),
}

/// How far the window was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// Up to here, where it ends.
    Done(usize),
    /// Up to here, and what follows is not known yet.
    More(usize),
}

impl Skip {
    /// Leaves out what it can from `at` on.
    pub(super) fn run(&mut self, window: Window<'_>, at: usize) -> Skipped {
        match self {
            Self::Token(class) => token(window, at, *class),
            Self::Pem => pem(window, at),
            Self::Putty => putty(window, at),
            Self::Lines => encoded::skip(window, at),
            Self::String(embedding) => match embedding.content(window, at) {
                Content::Open(end) => Skipped::More(end),
                Content::Closed(end) => Skipped::Done(end),
            },
            Self::Number(json) => while_char(window, at, json.layers, is_number),
            Self::Tree(_) | Self::Cookies(_) | Self::Gap { .. } | Self::Opened(_) => {
                Skipped::Done(at)
            }
            Self::Rest(ends) => rest(window, at, *ends),
            Self::Query(layers) => query(window, at, *layers),
            Self::Field => while_char(window, at, 0, |byte| !matches!(byte, b'&' | b'\r' | b'\n')),
            Self::Userinfo(layers) => while_char(window, at, *layers, |byte| !ends_userinfo(byte)),
            Self::Part(delimiter) => part(window, at, delimiter),
            Self::Bytes(count) => bytes(window, at, count),
        }
    }
}

/// Up to where a value in a text ends.
fn rest(window: Window<'_>, at: usize, ends: Ends) -> Skipped {
    let mut at = at;
    loop {
        match window.glyph(at) {
            Ok(glyph) if ends.at(glyph) => return Skipped::Done(at),
            Ok(glyph) => at = glyph.next,
            Err(Miss::Absent) => return Skipped::Done(at),
            Err(Miss::Unknown) => return Skipped::More(at),
        }
    }
}

/// The characters of a JSON number (RFC 8259, section 6).
pub(super) fn is_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Whether `byte` cannot stand in a query parameter that lies in a text.
pub(super) fn ends_query(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"&\"'\\<>`{}[]|^,;#)".contains(&byte)
}

/// Whether `byte` cannot stand in the user or password of a URL (RFC 3986, section 3.2.1).
pub(super) fn ends_userinfo(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"@/?#\"\\<>`{}[]|^".contains(&byte)
}

fn token(window: Window<'_>, at: usize, class: Class) -> Skipped {
    let mut at = at;
    loop {
        let plain = window.from(at).iter().take_while(|byte| is_in(**byte, class)).count();
        at = at.saturating_add(plain);
        match window.unescaped(at) {
            Step::Char(byte, next) if is_in(byte, class) => at = next,
            Step::Unknown => return Skipped::More(at),
            _ => return Skipped::Done(at),
        }
    }
}

fn putty(window: Window<'_>, at: usize) -> Skipped {
    let mut at = at;
    loop {
        match window.glyph(at) {
            Ok(glyph) if glyph.is_space() || is_in(glyph.byte, BASE64) => at = glyph.next,
            Err(Miss::Unknown) => return Skipped::More(at),
            _ => return Skipped::Done(at),
        }
    }
}

fn pem(window: Window<'_>, at: usize) -> Skipped {
    let mut at = at;
    loop {
        at = match token(window, at, BASE64) {
            Skipped::Done(end) => end,
            more => return more,
        };
        match pem::next(window, at) {
            Ok(pem::Next::Line(next)) => at = next,
            Ok(pem::Next::Last(end)) => return Skipped::Done(end),
            Err(Miss::Absent) => return Skipped::Done(at),
            Err(Miss::Unknown) => return Skipped::More(at),
        }
    }
}

/// Through escapes as in JSON, unless they stand for what ends the value.
fn query(window: Window<'_>, at: usize, layers: u8) -> Skipped {
    let mut at = at;
    loop {
        let end = match while_char(window, at, layers, |byte| !ends_query(byte)) {
            Skipped::Done(end) if window.byte(end) == Some(b'\\') => end,
            skipped => return skipped,
        };
        match window.unescaped(end) {
            Step::Char(byte, next) if !ends_query(byte) => at = next,
            Step::Unknown => return Skipped::More(end),
            _ => return Skipped::Done(end),
        }
    }
}

fn while_char(window: Window<'_>, at: usize, layers: u8, is: impl Fn(u8) -> bool) -> Skipped {
    let mut at = at;
    loop {
        match window.layered(at, layers) {
            Step::Char(byte, next) if is(byte) && is_own(window, at, layers, &is) => at = next,
            Step::Unknown => return Skipped::More(at),
            _ => return Skipped::Done(at),
        }
    }
}

/// Whether the byte at `at` belongs too, read as it is: a raw `&` ends an encoded value as well.
fn is_own(window: Window<'_>, at: usize, layers: u8, is: impl Fn(u8) -> bool) -> bool {
    match window.byte(at) {
        Some(b'%') if layers > 0 => true,
        Some(b'\\') if layers == ANY_ESCAPE => true,
        Some(byte) => is(byte),
        None => true,
    }
}

fn part(window: Window<'_>, at: usize, delimiter: &[u8]) -> Skipped {
    let rest = window.from(at);
    // The line break before the delimiter is a part of it (RFC 2046, section 5.1.1).
    for (offset, byte) in rest.iter().enumerate() {
        if !matches!(byte, b'\r' | b'\n') {
            continue;
        }
        let line = rest.get(offset..).unwrap_or_default();
        let line = line.strip_prefix(b"\r").unwrap_or(line);
        let line = line.strip_prefix(b"\n").unwrap_or(line);
        if line.starts_with(delimiter) {
            return Skipped::Done(at.saturating_add(offset));
        }
        if delimiter.starts_with(line) && !window.is_last {
            return Skipped::More(at.saturating_add(offset));
        }
    }
    Skipped::More(window.bytes.len())
}

fn bytes(window: Window<'_>, at: usize, count: &mut usize) -> Skipped {
    let here = window.from(at).len().min(*count);
    *count = count.saturating_sub(here);
    let end = at.saturating_add(here);
    if *count == 0 { Skipped::Done(end) } else { Skipped::More(end) }
}
