//! One character of a text, however it is escaped, and what the escape tells of where it stands.
//!
//! A quote may cross as `"`, as `\"`, as `\\\"`, as `\u0022` (System.Text.Json), as `%22` or `%255C%22`;
//! a line end as `\n`. All of them are read here as the character that they stand for. Of a quote it
//! matters how deep it lies, because it ends what a quote of its own depth began: see [`Embedding`].

use super::{
    embed::{Embedding, Quote, level_of, level_of_unicode},
    look::{Look, Miss},
    window::{Step, Window, hex},
};

/// More backslashes before one character are not looked through.
const MAX_BACKSLASHES: usize = 32;

/// A character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    pub(super) byte: u8,
    /// The place behind it.
    pub(super) next: usize,
    /// How deep it lies, as far as its escape tells: plain characters lie at 0.
    pub(super) depth: Embedding,
}

impl Glyph {
    fn plain(byte: u8, next: usize) -> Self {
        Self { byte, next, depth: Embedding::default() }
    }

    pub(super) fn is_space(self) -> bool {
        matches!(self.byte, b' ' | b'\t' | b'\n' | b'\r')
    }

    pub(super) fn is_quote(self) -> bool {
        matches!(self.byte, b'"' | b'\'' | b'`')
    }
}

impl Window<'_> {
    /// The character at `at`; absent at the end of the body.
    #[inline]
    pub(super) fn glyph(self, at: usize) -> Look<Glyph> {
        match self.byte(at) {
            Some(b'%') => self.percent_glyph(at),
            Some(b'\\') => self.backslash_glyph(at),
            Some(byte) => Ok(Glyph::plain(byte, at.saturating_add(1))),
            None if self.is_last => Err(Miss::Absent),
            None => Err(Miss::Unknown),
        }
    }

    fn percent_glyph(self, at: usize) -> Look<Glyph> {
        let (byte, next) = match self.unescaped(at) {
            Step::Char(byte, next) => (byte, next),
            Step::End => return Err(Miss::Absent),
            Step::Unknown => return Err(Miss::Unknown),
        };
        let layers = u8::try_from(next.saturating_sub(at) / 2).unwrap_or(0);
        let depth = Embedding { level: 0, layers };
        if byte == b'\\' && layers > 0 {
            return match depth.quote_at(self, at) {
                Quote::At { level, end, .. } => {
                    Ok(Glyph { byte: b'"', next: end, depth: Embedding { level, layers } })
                }
                Quote::Unknown => Err(Miss::Unknown),
                Quote::Absent => {
                    Ok(self.escaped_letter(next).unwrap_or(Glyph { byte, next, depth }))
                }
            };
        }
        Ok(Glyph { byte, next, depth })
    }

    /// `n` behind a backslash that is written as `%5C`.
    fn escaped_letter(self, at: usize) -> Option<Glyph> {
        let space = white_space(self.byte(at)?)?;
        Some(Glyph::plain(space, at.saturating_add(1)))
    }

    fn backslash_glyph(self, at: usize) -> Look<Glyph> {
        let run = self.from(at).iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\');
        let count = run.count();
        let letter = at.saturating_add(count);
        let behind = letter.saturating_add(1);
        let itself = Glyph::plain(b'\\', at.saturating_add(1));
        match self.byte(letter) {
            _ if count == MAX_BACKSLASHES => Ok(itself),
            Some(b'"') => Ok(Glyph {
                byte: b'"',
                next: behind,
                depth: Embedding { level: level_of(count), layers: 0 },
            }),
            Some(b'u') => self.unicode_glyph(behind, count).map(|glyph| glyph.unwrap_or(itself)),
            Some(byte @ (b'/' | b'\'' | b'`')) => Ok(Glyph::plain(byte, behind)),
            Some(byte) => Ok(white_space(byte).map_or(itself, |space| Glyph::plain(space, behind))),
            None if self.is_last => Ok(itself),
            None => Err(Miss::Unknown),
        }
    }

    /// The four digits behind `\u`, if they are those of an ASCII character.
    fn unicode_glyph(self, at: usize, backslashes: usize) -> Look<Option<Glyph>> {
        let digits = self.from(at);
        let digits = digits.get(..4).unwrap_or(digits);
        if digits.iter().take(2).any(|digit| *digit != b'0') {
            return Ok(None);
        }
        let &[_, _, high, low] = digits else {
            return if self.is_last { Ok(None) } else { Err(Miss::Unknown) };
        };
        let byte = hex(high, low).filter(u8::is_ascii);
        let depth = Embedding { level: level_of_unicode(backslashes), layers: 0 };
        Ok(byte.map(|byte| Glyph { byte, next: at.saturating_add(4), depth }))
    }

    /// Behind the white space at `at`, at most `most` characters of it. A `+` is one where it is
    /// written in a form.
    pub(super) fn spaces(self, at: usize, most: usize, in_form: bool) -> Look<Gap> {
        let mut gap = Gap { end: at, ..Gap::default() };
        for _ in 0..most {
            match self.glyph(gap.end) {
                Ok(glyph) if glyph.is_space() || in_form && glyph.byte == b'+' => {
                    gap.has_line_end |= matches!(glyph.byte, b'\n' | b'\r');
                    gap.count = gap.count.saturating_add(1);
                    gap.end = glyph.next;
                }
                Err(Miss::Unknown) => return Err(Miss::Unknown),
                _ => break,
            }
        }
        Ok(gap)
    }
}

/// White space.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// The place behind it.
    pub(super) end: usize,
    pub(super) count: usize,
    pub(super) has_line_end: bool,
}

fn white_space(letter: u8) -> Option<u8> {
    match letter {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}
