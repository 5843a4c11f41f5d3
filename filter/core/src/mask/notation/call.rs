//! Arguments of calls: `setPassword("…")`, `("password", "…")`.

use super::{Follow, MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{
    glyph::Glyph,
    names::{Family, Meaning},
    window::Window,
};

impl Reader<'_> {
    /// `("name", "…")`.
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
        let is_first = before.find(|byte| !matches!(byte, b' ' | b'\\' | b'\n')) == Some(b'(');
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        if !is_first || first.byte != quote.byte || first.depth != quote.depth {
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
            Family::Secret | Family::Key | Family::Token | Family::BareToken | Family::Password
        );
        if follow.quote.is_some() || follow.spaces > 0 || !is_setter && !is_alone {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(sign.next, 2, false).map_err(|miss| Wait::of(miss, sign.next))?;
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }
}
