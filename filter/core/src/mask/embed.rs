//! JSON that may stand inside JSON strings, or inside a URL.
//!
//! A tool call carries its arguments as JSON in a string, so its quotes are written `\"`; one level
//! further in, `\\\"`. In general a quote behind `k` backslashes belongs to the level that is the
//! number of trailing ones of `k` in binary (0, 1, 3, 7 … backslashes for the levels 0, 1, 2, 3 …),
//! and all further backslashes belong to the text before it. In a form or a URL each of these
//! characters may be percent-encoded as well.

use super::window::{Step, Window, hex};

/// How deep a JSON text lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Embedding {
    /// JSON strings around it.
    pub(super) level: u32,
    /// Times that it was percent-encoded.
    pub(super) layers: u8,
}

/// Deeper levels are not looked into.
pub(super) const MAX_LEVEL: u32 = 4;

/// Backslashes that are looked at together. Invariant: a multiple of `2 << MAX_LEVEL`, so that
/// leaving as many of them behind changes no level.
const MAX_RUN: usize = 64;
const STEP: usize = 32;

/// The level of a quote behind `backslashes`.
pub(super) fn level_of(backslashes: usize) -> u32 {
    backslashes.trailing_ones()
}

/// The level of a quote that is written as `\u0022` behind `backslashes`: each level doubles them.
pub(super) fn level_of_unicode(backslashes: usize) -> u32 {
    backslashes.trailing_zeros().saturating_add(1)
}

/// The backslashes that belong to a quote of `level`.
fn backslashes_of(level: u32) -> usize {
    (1_usize << level.min(MAX_LEVEL)).saturating_sub(1)
}

/// What came of looking for a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// It is of this level, begins here and ends there.
    At {
        level: u32,
        start: usize,
        end: usize,
    },
    /// Something else.
    Absent,
    Unknown,
}

/// How a string goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Up to here and further.
    Open(usize),
    /// Up to here, where its closing quote begins, or where it is broken off.
    Closed(usize),
}

impl Embedding {
    /// The characters of its quotes.
    pub(super) fn quote(self) -> Vec<u8> {
        let mut quote = Vec::new();
        (0..backslashes_of(self.level)).for_each(|_| self.write(b"5C", b'\\', &mut quote));
        self.write(b"22", b'"', &mut quote);
        quote
    }

    fn write(self, digits: &[u8], character: u8, out: &mut Vec<u8>) {
        if self.layers == 0 {
            return out.push(character);
        }
        out.push(b'%');
        (1..self.layers).for_each(|_| out.extend_from_slice(b"25"));
        out.extend_from_slice(digits);
    }

    /// The quote at `at`, of any level, with the backslashes that belong to it.
    pub(super) fn quote_at(self, window: Window<'_>, at: usize) -> Quote {
        let (mut behind, mut backslashes) = (at, 0_usize);
        while backslashes < MAX_RUN {
            match window.layered(behind, self.layers) {
                Step::Char(b'\\', next) => behind = next,
                Step::Char(b'"', end) => {
                    let level = level_of(backslashes);
                    let start = self.back(behind, backslashes_of(level));
                    return Quote::At { level, start, end };
                }
                Step::Char(b'u', digits) if backslashes > 0 => {
                    return self.unicode_quote(window, behind, digits, backslashes);
                }
                Step::Unknown => return Quote::Unknown,
                _ => return Quote::Absent,
            }
            backslashes = backslashes.saturating_add(1);
        }
        Quote::Absent
    }

    /// The quote that is written as `\u0022`, of which the digits are at `digits`.
    fn unicode_quote(
        self,
        window: Window<'_>,
        letter: usize,
        digits: usize,
        backslashes: usize,
    ) -> Quote {
        let mut end = digits;
        for digit in *b"0022" {
            match window.layered(end, self.layers) {
                Step::Char(byte, next) if byte == digit => end = next,
                Step::Unknown => return Quote::Unknown,
                _ => return Quote::Absent,
            }
        }
        let level = level_of_unicode(backslashes);
        let own = 1_usize << level.saturating_sub(1).min(MAX_LEVEL);
        Quote::At { level, start: self.back(letter, own), end }
    }

    /// The place `backslashes` before `at`.
    fn back(self, at: usize, backslashes: usize) -> usize {
        let width = if self.layers == 0 {
            1
        } else {
            usize::from(self.layers).saturating_mul(2).saturating_add(1)
        };
        at.saturating_sub(backslashes.saturating_mul(width))
    }

    /// How far the string goes on whose content is at `at`. A line feed breaks it off: no JSON
    /// string holds one.
    pub(super) fn content(self, window: Window<'_>, at: usize) -> Content {
        let mut at = at;
        loop {
            at = self.plain(window, at);
            match window.layered(at, self.layers) {
                Step::Char(b'"', _) | Step::Char(b'\n', _) => return Content::Closed(at),
                Step::Char(b'\\', _) => match self.backslashes(window, at) {
                    Ok(next) => at = next,
                    Err(content) => return content,
                },
                Step::Char(_, next) => at = next,
                Step::End => return Content::Closed(at),
                Step::Unknown => return Content::Open(at),
            }
        }
    }

    /// Behind the characters that cannot end a string.
    fn plain(self, window: Window<'_>, at: usize) -> usize {
        let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | b'\n' | b'%');
        at.saturating_add(window.from(at).iter().take_while(is_plain).count())
    }

    /// Behind the backslashes at `at` and what they escape, or how the string goes on there.
    fn backslashes(self, window: Window<'_>, at: usize) -> Result<usize, Content> {
        let (mut behind, mut count) = (at, 0_usize);
        loop {
            match window.layered(behind, self.layers) {
                Step::Char(b'\\', next) => {
                    behind = next;
                    count = count.saturating_add(1);
                }
                Step::Char(b'"', next) => {
                    let level = level_of(count);
                    if level > self.level {
                        return Ok(next);
                    }
                    return Err(Content::Closed(self.back(behind, backslashes_of(level))));
                }
                Step::Char(b'\n', _) => return Ok(behind),
                Step::Char(b'u', next) if count > 0 => {
                    return match self.unicode_quote(window, behind, next, count) {
                        Quote::At { level, end, .. } if level > self.level => Ok(end),
                        Quote::At { start, .. } => Err(Content::Closed(start)),
                        Quote::Absent => Ok(next),
                        Quote::Unknown => Err(Content::Open(at)),
                    };
                }
                Step::Char(_, next) => return Ok(next),
                Step::End => return Err(Content::Closed(behind)),
                Step::Unknown => return Err(Content::Open(at)),
            }
            if count == MAX_RUN {
                return Ok(self.back(behind, MAX_RUN.saturating_sub(STEP)));
            }
        }
    }
}

/// The characters before a place, last one first, in a text that was percent-encoded `layers`
/// times.
#[derive(Clone, Copy)]
pub(super) struct Backwards<'a> {
    pub(super) rest: &'a [u8],
    layers: u8,
}

impl<'a> Backwards<'a> {
    pub(super) fn new(before: &'a [u8], layers: u8) -> Self {
        Self { rest: before, layers }
    }

    /// The last character, which is left where it is.
    pub(super) fn peek(self) -> Option<u8> {
        let mut all = self;
        all.next()
    }

    fn escaped(&self) -> Option<(u8, &'a [u8])> {
        if self.layers == 0 {
            return None;
        }
        let (mut rest, [high, low]) = self.rest.split_last_chunk::<2>()?;
        let byte = hex(*high, *low)?;
        for _ in 1..self.layers {
            rest = rest.strip_suffix(b"25")?;
        }
        Some((byte, rest.strip_suffix(b"%")?))
    }
}

impl Iterator for Backwards<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match self.escaped() {
            Some(escaped) => escaped,
            None => self.rest.split_last().map(|(byte, rest)| (*byte, rest))?,
        };
        self.rest = rest;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str, level: u32, is_last: bool) -> Content {
        let window = Window { bytes: text.as_bytes(), is_last };
        Embedding { level, layers: 0 }.content(window, 0)
    }

    #[test]
    fn a_string_ends_at_a_quote_of_its_level() {
        for (text, level, end) in [
            (r#"ab"c"#, 0, 2),
            (r#"a\"b"c"#, 0, 4),
            (r#"a\\"c"#, 0, 3),
            (r#"ab\"c"#, 1, 2),
            (r#"a\\\"b\"c"#, 1, 6),
            (r#"a\\\\\"c"#, 1, 5),
            (r#"ab"c"#, 1, 2),
            (r#"a\\\"c"#, 2, 1),
        ] {
            assert_eq!(content(text, level, true), Content::Closed(end), "{text}");
        }
    }

    #[test]
    fn a_long_run_of_backslashes_is_left_behind_in_pieces() {
        for backslashes in [63, 64, 65, 200, 201] {
            let text = format!("{}\"b\"", "\\".repeat(backslashes));
            let end = if backslashes % 2 == 0 { backslashes } else { backslashes + 2 };
            assert_eq!(content(&text, 0, true), Content::Closed(end), "{backslashes}");
        }
    }

    #[test]
    fn what_may_be_a_closing_quote_is_waited_for() {
        assert_eq!(content("ab\\", 1, false), Content::Open(2));
        assert_eq!(content("ab", 1, false), Content::Open(2));
        assert_eq!(content("ab\\", 1, true), Content::Closed(3));
    }
}
