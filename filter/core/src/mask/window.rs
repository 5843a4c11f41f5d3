//! The bytes that the masker has at hand, read as themselves or through their escapes.
//!
//! `sk-` may cross as `sk%2D`, as `sk%252D`, or as `sk\u002d`; a slash as `\/`. Looking for secrets
//! in every possible decoding of a body would take as many passes. So the body stays as it is, and
//! only where a secret may stand it is read character by character, each escape as the character
//! that it stands for.

/// A piece of a body. What lies before it was forgotten, what follows it may not be known yet.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether the body ends where the window ends.
    pub(super) is_last: bool,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A character and the place behind it.
    Char(u8, usize),
    /// The end of the body.
    End,
    /// Nobody knows yet.
    Unknown,
}

/// More layers of escapes than real callers use.
const MAX_LAYERS: usize = 3;
/// In place of a number of layers: a text that is escaped in any way.
pub(super) const ANY_ESCAPE: u8 = u8::MAX;
/// More backslashes before one character are not looked through: JSON three times in JSON has eight.
const MAX_BACKSLASHES: usize = 8;

impl<'a> Window<'a> {
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn from(self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    pub(super) fn before(self, at: usize) -> &'a [u8] {
        self.bytes.get(..at).unwrap_or(self.bytes)
    }

    /// The same, as if the body ended at `end`: no look goes on behind it.
    pub(super) fn up_to(self, end: usize) -> Self {
        self.bytes.get(..end).map_or(self, |bytes| Self { bytes, is_last: true })
    }

    fn missing(self) -> Step {
        if self.is_last { Step::End } else { Step::Unknown }
    }

    /// The byte at `at` as it is.
    pub(super) fn raw(self, at: usize) -> Step {
        match self.byte(at) {
            Some(byte) => Step::Char(byte, at.saturating_add(1)),
            None => self.missing(),
        }
    }

    /// The character at `at` in a text that was percent-encoded `layers` times: `%22` stands for a
    /// quote at one layer, `%2522` at two. Other characters stand for themselves.
    pub(super) fn layered(self, at: usize, layers: u8) -> Step {
        if layers == ANY_ESCAPE {
            return self.unescaped(at);
        }
        if layers == 0 || self.byte(at) != Some(b'%') {
            return self.raw(at);
        }
        let digits = usize::from(layers).saturating_mul(2).saturating_add(at).saturating_sub(1);
        let fives = self.bytes.get(at.saturating_add(1)..digits).unwrap_or_default();
        if fives.chunks(2).any(|pair| pair != b"25") {
            return self.raw(at);
        }
        match (self.byte(digits), self.byte(digits.saturating_add(1))) {
            (Some(high), Some(low)) => match hex(high, low) {
                Some(byte) => Step::Char(byte, digits.saturating_add(2)),
                None => self.raw(at),
            },
            _ if self.is_last => self.raw(at),
            _ => Step::Unknown,
        }
    }

    /// The character at `at` through any escape: percent-encoded up to three times, or escaped as
    /// in JSON (`\/`, `\u002d`) behind any number of backslashes.
    pub(super) fn unescaped(self, at: usize) -> Step {
        match self.byte(at) {
            Some(b'%') => self.percent(at),
            Some(b'\\') => self.backslash(at),
            _ => self.raw(at),
        }
    }

    fn percent(self, at: usize) -> Step {
        let mut digits = at.saturating_add(1);
        for _ in 0..MAX_LAYERS {
            let behind = digits.saturating_add(2);
            match (self.byte(digits), self.byte(digits.saturating_add(1))) {
                (Some(b'2'), Some(b'5')) => digits = behind,
                (Some(high), Some(low)) => return self.decoded(at, digits, hex(high, low)),
                (Some(high), None) if hex(high, b'0').is_none() => {
                    return self.decoded(at, digits, None);
                }
                _ if self.is_last => return self.decoded(at, digits, None),
                _ => return Step::Unknown,
            }
        }
        self.decoded(at, digits, None)
    }

    /// `%25` that is followed by no more digits stands for a percent sign.
    fn decoded(self, at: usize, digits: usize, byte: Option<u8>) -> Step {
        match byte {
            Some(byte) => Step::Char(byte, digits.saturating_add(2)),
            None => Step::Char(b'%', digits.max(at.saturating_add(1))),
        }
    }

    fn backslash(self, at: usize) -> Step {
        let most = MAX_BACKSLASHES.saturating_add(1);
        let run = self.from(at).iter().take(most).take_while(|byte| **byte == b'\\');
        let escaped = at.saturating_add(run.count());
        let itself = Step::Char(b'\\', at.saturating_add(1));
        match self.byte(escaped) {
            Some(b'/') => Step::Char(b'/', escaped.saturating_add(1)),
            Some(b'u') => self.unicode(escaped.saturating_add(1)).unwrap_or(itself),
            Some(_) => itself,
            None if self.is_last => itself,
            None => Step::Unknown,
        }
    }

    /// The four digits behind `\u`; `None` if they are not those of an ASCII character.
    fn unicode(self, at: usize) -> Option<Step> {
        let digits = self.bytes.get(at..)?;
        let digits = digits.get(..4).unwrap_or(digits);
        let zeros = digits.get(..2).unwrap_or(digits);
        if zeros.iter().any(|digit| *digit != b'0') {
            return None;
        }
        match digits {
            [_, _, high, low] => {
                let byte = hex(*high, *low).filter(u8::is_ascii)?;
                Some(Step::Char(byte, at.saturating_add(4)))
            }
            _ if self.is_last => None,
            _ => Some(Step::Unknown),
        }
    }

    /// Whether a word may begin at `at`: what stands before it is no letter and no digit, except
    /// as part of an escape (the `n` of `\n`, the `20` of `%20`).
    pub(super) fn is_boundary(self, at: usize) -> bool {
        match self.before(at).last() {
            Some(last) if last.is_ascii_alphanumeric() => {
                !self.unescaped_before(at).next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            }
            _ => true,
        }
    }

    /// The characters before `at` through any escape, last one first.
    pub(super) fn unescaped_before(self, at: usize) -> UnescapedBefore<'a> {
        UnescapedBefore { rest: self.before(at) }
    }
}

/// See [`Window::unescaped_before`].
#[derive(Clone, Copy)]
pub(super) struct UnescapedBefore<'a> {
    rest: &'a [u8],
}

impl<'a> UnescapedBefore<'a> {
    /// The characters of `bytes`, last one first.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next character, which is left where it is.
    pub(super) fn first(mut self) -> Option<u8> {
        self.next()
    }

    /// What is left, as it is written.
    pub(super) fn raw(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether the next character is no escape.
    pub(super) fn is_plain_end(&self) -> bool {
        escape_before(self.rest).is_none()
    }
}

impl Iterator for UnescapedBefore<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match escape_before(self.rest) {
            Some(escape) => escape,
            None => self.rest.split_last().map(|(byte, rest)| (*byte, rest))?,
        };
        self.rest = rest;
        Some(byte)
    }
}

/// The character that an escape at the end of `before` stands for, and what stands before it.
fn escape_before(before: &[u8]) -> Option<(u8, &[u8])> {
    match before {
        [rest @ .., b'\\', letter @ (b'n' | b't' | b'r' | b'b' | b'f' | b'/')] => {
            let byte = if *letter == b'/' { b'/' } else { b'\n' };
            Some((byte, without_backslashes(rest)))
        }
        [.., high, low] => {
            let byte = hex(*high, *low)?;
            let rest = before.get(..before.len().saturating_sub(2)).unwrap_or_default();
            if let Some(rest) = rest.strip_suffix(b"\\u00") {
                return Some((byte, without_backslashes(rest)));
            }
            without_percent(rest).map(|rest| (byte, rest))
        }
        _ => None,
    }
}

fn without_backslashes(mut rest: &[u8]) -> &[u8] {
    for _ in 0..MAX_BACKSLASHES {
        match rest.strip_suffix(b"\\") {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    rest
}

/// What stands before `%`, `%25` or `%2525`: a percent sign through its layers.
fn without_percent(mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_LAYERS {
        if let Some(before) = rest.strip_suffix(b"%") {
            return Some(before);
        }
        rest = rest.strip_suffix(b"25")?;
    }
    None
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}
