//! Comparisons whose literal stands first: `if ("…" == password)`, `"…".equals(password)`.
//!
//! A value that stands before its name has passed when the name comes. So these are looked for where a
//! condition begins, forwards.

use super::{Place, Reader, Sought, Wait, name::is_name};
use crate::mask::{
    glyph::Glyph,
    look::Miss,
    names::Family,
    notation::name::Name,
    value::{Ends, Probe},
    window::Window,
};

/// Words that a condition stands behind.
const WORDS: [&[u8]; 9] =
    [b"if", b"elif", b"return", b"assert", b"while", b"and", b"or", b"unless", b"when"];

impl Reader<'_> {
    /// The literal behind such a word, if it is compared with something secret.
    pub(super) fn reversed(self, window: Window<'_>, name: &Name<'_>) -> Option<Sought> {
        let is_word = name.dashes == 0 && WORDS.contains(&name.text());
        is_word.then(|| self.literal_first(window, name))
    }

    fn literal_first(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let wait = |miss| Wait::of(miss, name.end);
        let quote = opening(window, name.end).map_err(wait)?;
        let Some(quote) = quote else { return Err(Wait::Absent) };
        let ends =
            Ends::Quote { byte: quote.byte, level: quote.depth.level, layers: quote.depth.layers };
        let probe = Probe::read(window, quote.next, ends).map_err(wait)?;
        if probe.is_long || probe.ended_by != Some(quote.byte) {
            return Err(Wait::Absent);
        }
        let close = window.glyph(probe.end).map_err(wait)?;
        let Some(operand) = operand(window, close.next).map_err(wait)? else {
            return Err(Wait::Absent);
        };
        let end = name_end(window, operand).map_err(wait)?;
        let other = Name::before(window, end, None);
        let text = other.text();
        let text = text.strip_prefix(b"get").unwrap_or(text);
        let meaning = self.names.meaning(text, false).filter(|meaning| {
            use Family::{Key, Own, Password, Secret, Token};
            matches!(meaning.family, Password | Secret | Key | Token | Own)
        });
        match meaning {
            Some(meaning) => {
                self.judged_quoted(&other, meaning, quote.next, probe, ends, Place::QuotedLoosely)
            }
            None => Err(Wait::Absent),
        }
    }
}

/// The quote behind spaces and brackets.
fn opening(window: Window<'_>, at: usize) -> Result<Option<Glyph>, Miss> {
    const MOST: usize = 4;
    let mut at = at;
    for _ in 0..MOST {
        match window.glyph(at)? {
            glyph if glyph.byte == b'"' || glyph.byte == b'\'' => return Ok(Some(glyph)),
            Glyph { byte: b' ' | b'(' | b'!', next, .. } => at = next,
            _ => break,
        }
    }
    Ok(None)
}

/// Behind `==`, `!=`, `===`, `!==` or `.equals(`.
fn operand(window: Window<'_>, at: usize) -> Result<Option<usize>, Miss> {
    const MOST: usize = 24;
    let gap = window.spaces(at, 2, false)?;
    let (mut at, mut signs, mut is_call) = (gap.end, 0_usize, false);
    for place in 0..MOST {
        let glyph = window.glyph(at)?;
        match glyph.byte {
            b'=' | b'!' if !is_call => signs = signs.saturating_add(1),
            b'.' if place == 0 => is_call = true,
            b'(' if is_call => return Ok(Some(glyph.next)),
            byte if is_call && byte.is_ascii_alphabetic() => {}
            b' ' if signs >= 2 => {}
            _ => return Ok((signs >= 2).then_some(at)),
        }
        at = glyph.next;
    }
    Ok(None)
}

fn name_end(window: Window<'_>, at: usize) -> Result<usize, Miss> {
    const MOST: usize = 96;
    let mut at = at;
    for _ in 0..MOST {
        match window.glyph(at) {
            Ok(glyph) if is_name(glyph.byte) => at = glyph.next,
            Ok(_) | Err(Miss::Absent) => break,
            Err(Miss::Unknown) => return Err(Miss::Unknown),
        }
    }
    Ok(at)
}
