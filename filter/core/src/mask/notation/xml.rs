//! Elements of XML.

use super::{MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{glyph::Glyph, names::Meaning, window::Window};

impl Reader<'_> {
    /// `<name>…</name>`.
    pub(super) fn element(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        let probe = self.bare(window, gap.end, b"")?;
        if probe.ended_by != Some(b'<')
            && !(probe.ended_by.is_some_and(|byte| byte.is_ascii_whitespace()))
        {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, gap.end, probe, Place::Strong)
    }
}
