//! Elements of XML.

use super::{MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::{Look, Miss},
    names::Meaning,
    window::Window,
};

/// What holds the value of an element that is named by an attribute.
const VALUE: [&[u8]; 3] = [b"<value>", b"<Value>", b"<string>"];

impl Reader<'_> {
    /// `<name type="…">…`, `<setting name="name" type="…"><value>…`: behind the attributes.
    pub(super) fn attributes(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        let is_element = name.is_element();
        const MOST: usize = 96;
        let wait = |miss| Wait::of(miss, name.end);
        let mut at = at;
        for _ in 0..MOST {
            let glyph = window.glyph(at).map_err(wait)?;
            match glyph.byte {
                b'>' => {
                    if is_element {
                        return self.element(window, name, meaning, glyph);
                    }
                    let gap = window.spaces(glyph.next, MAX_SPACES, false).map_err(wait)?;
                    return match behind_any(window, gap.end, &VALUE).map_err(wait)? {
                        Some(_) => self.element(window, name, meaning, glyph),
                        // Of `<a id="password" href="…">` the text is none.
                        None => Err(Wait::Absent),
                    };
                }
                b'<' | b'\n' => break,
                _ => at = glyph.next,
            }
        }
        Err(Wait::Absent)
    }

    /// `<name>…</name>`, `<entry key="name">…</entry>`, `<Setting Name="name"><Value>…`.
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
        let wait = |miss| Wait::of(miss, gap.end);
        let at = behind_any(window, gap.end, &VALUE).map_err(wait)?;
        let at = at.unwrap_or(gap.end);
        let cdata = behind_any(window, at, &[b"<![CDATA["]).map_err(wait)?;
        let (start, stops) = match cdata {
            Some(start) => (start, &b"]"[..]),
            None => (at, &b""[..]),
        };
        let probe = self.bare(window, start, stops)?;
        if !matches!(probe.ended_by, Some(b'<' | b']'))
            && !(probe.ended_by.is_some_and(|byte| byte.is_ascii_whitespace()))
        {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, start, probe, Place::Strong)
    }

    /// `<key>name</key><string>…</string>` of a property list, `<name>name</name><value>…` of XML-RPC.
    pub(super) fn property(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let wait = |miss| Wait::of(miss, name.end);
        let key = behind_any(window, sign.next, &[b"/key>", b"/name>"]).map_err(wait)?;
        let Some(key) = key else { return Err(Wait::Absent) };
        let gap = window.spaces(key, MAX_SPACES, false).map_err(wait)?;
        let value = behind_any(window, gap.end, &VALUE).map_err(wait)?;
        let Some(value) = value else { return Err(Wait::Absent) };
        // `<value><string>…` of XML-RPC.
        let start = behind_any(window, value, &VALUE).map_err(wait)?.unwrap_or(value);
        let probe = self.bare(window, start, b"")?;
        match probe.ended_by {
            Some(b'<') => self.judged(window, name, meaning, start, probe, Place::Strong),
            _ => Err(Wait::Absent),
        }
    }
}

/// Behind the one of these that begins at `at`, if any does.
fn behind_any(window: Window<'_>, at: usize, texts: &[&[u8]]) -> Look<Option<usize>> {
    for text in texts {
        match behind(window, at, text) {
            Err(Miss::Absent) => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
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
