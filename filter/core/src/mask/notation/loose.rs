//! Names and values with anything between them that people, documents and programs put there.
//!
//! ```text
//! **API Key:** `…`     process.env.DB_PASSWORD || "…"     Das Passwort lautet …     <meta name="csrf-token" content="…">
//! ```
//!
//! Nobody lists these notations. So where none of the known ones is met, the next few words are looked at: signs and short
//! words are passed over, and the first other word is the value if nothing but a secret looks like it.

use super::{Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::Miss,
    names::{Family, Meaning},
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

/// How far it is looked, in characters.
const REACH: usize = 64;
/// The most words that are passed over, and the longest of them.
const MAX_WORDS: usize = 6;
const MAX_WORD: usize = 12;

impl Reader<'_> {
    /// The value behind a name, over signs and short words.
    pub(super) fn loose(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning) -> Sought {
        use Family::{Credential, Key, Password, Secret, Token};
        if !matches!(meaning.family, Password | Secret | Key | Token | Credential) || meaning.is_odd
        {
            return Err(Wait::Absent);
        }
        let wait = |miss| Wait::of(miss, name.end);
        let (mut at, mut quote, mut words) = (name.end, None, 0_usize);
        while at.saturating_sub(name.end) < REACH && words <= MAX_WORDS {
            let glyph = window.glyph(at).map_err(wait)?;
            if !is_word(glyph.byte) {
                if !is_between(glyph.byte) {
                    break;
                }
                quote = glyph.is_quote().then_some(glyph);
                at = glyph.next;
                continue;
            }
            match short_word(window, at).map_err(wait)? {
                Some(end) => at = end,
                None => return self.loose_value(window, name, meaning, at, quote),
            }
            words = words.saturating_add(1);
        }
        Err(Wait::Absent)
    }

    fn loose_value(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        quote: Option<Glyph>,
    ) -> Sought {
        let ends = match quote {
            Some(quote) => Ends::Quote {
                byte: quote.byte,
                level: quote.depth.level,
                layers: quote.depth.layers,
            },
            None => Ends::Bare(b",;)]}"),
        };
        let mut probe = Probe::read(window, at, ends).map_err(|miss| Wait::of(miss, name.end))?;
        if quote.is_none() {
            probe.trim(window, at, false);
        }
        let text = probe.text();
        let counts = Counts::of(text);
        let is_word = quote.is_none()
            && meaning.family == Family::Password
            && counts.all >= 8
            && counts.digits >= 2
            && value::is_word_with_number(text, &counts);
        let fits = is_word || value::is_plainly_secret(text, &counts);
        match fits && !value::is_harmless(text, &counts, name.text(), self.names) {
            true => Ok(likely(at, &probe, ends)),
            false => Err(Wait::Absent),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_$+!#%^&/".contains(&byte)
}

/// What may stand between a name and its value besides words.
fn is_between(byte: u8) -> bool {
    b" \t\"'`*:=-()[]{}<>|,.?~;\\".contains(&byte)
}

/// Behind a word of letters alone that is none of a value.
fn short_word(window: Window<'_>, at: usize) -> Result<Option<usize>, Miss> {
    let mut end = at;
    for _ in 0..=MAX_WORD {
        match window.glyph(end) {
            Ok(glyph) if glyph.byte.is_ascii_alphabetic() || glyph.byte >= 0x80 => end = glyph.next,
            Ok(Glyph { byte: b'_', next, .. }) if end > at => end = next,
            Ok(glyph) if is_word(glyph.byte) && end > at => return Ok(None),
            Ok(Glyph { byte: b'|' | b'&' | b'/' | b'#', next, .. }) if end == at => {
                return Ok(Some(next));
            }
            Ok(_) if end == at => return Ok(None),
            Ok(_) | Err(Miss::Absent) => return Ok(Some(end)),
            Err(Miss::Unknown) => return Err(Miss::Unknown),
        }
    }
    Ok(None)
}
