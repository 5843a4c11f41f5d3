//! Arguments of calls: `setPassword("…")`, `("password", "…")`, `auth=("bob", "…")`.

use super::{Follow, MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::Look,
    names::{Family, Meaning},
    window::Window,
};

impl Reader<'_> {
    /// `("name", "…")`, `["name", "…"]`.
    pub(super) fn argument(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let Some(quote) = follow.quote else { return Err(Wait::Absent) };
        let mut before = name.before;
        before.next();
        let opening = before.find(|byte| !matches!(byte, b' ' | b'\\' | b'\n'));
        let is_first = matches!(opening, Some(b'(' | b'['));
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        if !is_first && name.dashes == 0 || first.byte != quote.byte || first.depth != quote.depth {
            return Err(Wait::Absent);
        }
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// `setName("…")`.
    pub(super) fn call(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let is_setter = name.begins_with(&[b"set", b"with", b"add", b"Set", b"With", b"Add"]);
        let is_alone = matches!(
            meaning.family,
            Family::Secret
                | Family::Key
                | Family::Token
                | Family::BareToken
                | Family::Password
                | Family::Credential
        );
        if follow.quote.is_some() || follow.spaces > 0 {
            return Err(Wait::Absent);
        }
        if meaning.family == Family::Credential {
            match self.second(window, name, sign) {
                Err(Wait::Absent) => {}
                found => return found,
            }
        }
        if !is_setter && !is_alone {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(sign.next, 2, false).map_err(|miss| Wait::of(miss, sign.next))?;
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// `("user", "…")` behind the name of what takes both: `auth=(…)`, `HTTPBasicAuth(…)`, `login(…)`.
    pub(super) fn second(self, window: Window<'_>, name: &Name<'_>, open: Glyph) -> Sought {
        let wait = |miss| Wait::of(miss, open.next);
        let start = window.spaces(open.next, 2, false).map_err(wait)?.end;
        let Some(first) = behind_argument(window, start).map_err(wait)? else {
            return Err(Wait::Absent);
        };
        let comma = window.glyph(first).map_err(wait)?;
        if comma.byte != b',' {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(comma.next, MAX_SPACES, false).map_err(wait)?;
        self.literal(window, name, Meaning::password(), gap.end, Place::QuotedLoosely)
    }
}

/// Behind a first argument that names who it is: a literal or a variable.
fn behind_argument(window: Window<'_>, at: usize) -> Look<Option<usize>> {
    const MOST: usize = 64;
    let first = window.glyph(at)?;
    let is_quoted = first.is_quote();
    let mut at = if is_quoted { first.next } else { at };
    for _ in 0..MOST {
        let glyph = window.glyph(at)?;
        match glyph.byte {
            byte if is_quoted && byte == first.byte => return Ok(Some(glyph.next)),
            b'\n' => break,
            _ if is_quoted => {}
            byte if byte.is_ascii_alphanumeric() || b"_.$".contains(&byte) => {}
            _ => return Ok(Some(at)),
        }
        at = glyph.next;
    }
    Ok(None)
}
