//! Elements of XML.

use super::{MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::{Look, Miss},
    names::Meaning,
    window::Window,
};

impl Reader<'_> {
    /// `<name>…</name>`, `<entry key="name">…</entry>`.
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
        let (start, stops) = match behind(window, gap.end, b"<![CDATA[") {
            Ok(start) => (start, &b"]"[..]),
            Err(Miss::Absent) => (gap.end, &b""[..]),
            Err(Miss::Unknown) => return Err(Wait::Until(gap.end)),
        };
        let probe = self.bare(window, start, stops)?;
        if !matches!(probe.ended_by, Some(b'<' | b']'))
            && !(probe.ended_by.is_some_and(|byte| byte.is_ascii_whitespace()))
        {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, start, probe, Place::Strong)
    }

    /// `<key>name</key><string>…</string>` of a property list.
    pub(super) fn property(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let wait = |miss| Wait::of(miss, name.end);
        let key = behind(window, sign.next, b"/key>").map_err(wait)?;
        let gap = window.spaces(key, MAX_SPACES, false).map_err(wait)?;
        let start = behind(window, gap.end, b"<string>").map_err(wait)?;
        let probe = self.bare(window, start, b"")?;
        match probe.ended_by {
            Some(b'<') => self.judged(window, name, meaning, start, probe, Place::Strong),
            _ => Err(Wait::Absent),
        }
    }
}

/// Behind `text`, which begins at `at` in any escape.
fn behind(window: Window<'_>, at: usize, text: &[u8]) -> Look<usize> {
    let mut at = at;
    for expected in text {
        match window.glyph(at)? {
            glyph if glyph.byte == *expected => at = glyph.next,
            _ => return Err(Miss::Absent),
        }
    }
    Ok(at)
}
