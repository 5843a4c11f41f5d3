//! Names and values with a sign between them: `=`, `:`, `=>`, `:=`, `==` and their kin, in code and in
//! configurations.

use super::{Follow, MAX_SPACES, Place, Reader, Sought, Wait, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::{Look, Miss},
    names::{Family, Meaning},
    window::Window,
};

impl Reader<'_> {
    /// `name=`, `name = `, `name == `, `name => `.
    pub(super) fn equals(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let second = window.glyph(sign.next);
        match second {
            Ok(glyph) if glyph.byte == b'=' => return self.comparison(window, name, meaning, sign),
            Ok(glyph) if glyph.byte == b'>' => {
                return self.value(window, name, meaning, glyph.next, Place::Code);
            }
            Ok(glyph) if glyph.byte == b'~' => return Err(Wait::Absent),
            Err(Miss::Unknown) => return Err(Wait::Until(sign.next)),
            Err(Miss::Absent) => return Err(Wait::Absent),
            Ok(_) => {}
        }
        let is_adjacent = follow.spaces == 0 && follow.quote.is_none();
        if meaning.family == Family::Credential
            && let Some(open) = tuple(window, sign.next)?
        {
            return self.second(window, name, open);
        }
        if is_adjacent && name.is_in_query(self.syntax) {
            return self.field(window, name, meaning, sign);
        }
        if is_adjacent {
            match self.field(window, name, meaning, sign) {
                Err(Wait::Absent) => {}
                found => return found,
            }
        }
        let place = match is_adjacent {
            false => Place::Code,
            true if name.dashes > 0 => Place::Option,
            true if name.is_variable() => Place::Environment,
            true if name.is_assigned_bare() => Place::Strong,
            true => Place::Line,
        };
        self.value(window, name, meaning, sign.next, place)
    }

    /// `name: …`.
    pub(super) fn colon(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let second = match window.glyph(sign.next) {
            Ok(glyph) => glyph,
            Err(miss) => return Err(Wait::of(miss, sign.next)),
        };
        match second.byte {
            b'=' => return self.value(window, name, meaning, second.next, Place::Code),
            b':' => {
                let wait = |miss| Wait::of(miss, second.next);
                let third = window.glyph(second.next).map_err(wait)?;
                let last = match third.byte {
                    // `:::=` of make.
                    b':' => window.glyph(third.next).map_err(wait)?,
                    _ => third,
                };
                return if last.byte == b'=' {
                    self.value(window, name, meaning, last.next, Place::Line)
                } else {
                    Err(Wait::Absent)
                };
            }
            b'/' | b'-' => return Err(Wait::Absent),
            // The quote that opened before the name: `"Password:"` is a label.
            _ if second.is_quote() && follow.quote.is_none() && name.is_within(second) => {
                return Err(Wait::Absent);
            }
            _ => {}
        }
        // `arn:aws:secret:…`, `a:secret:b`.
        if name.before.first() == Some(b':') && !second.is_space() {
            return Err(Wait::Absent);
        }
        if follow.quote.is_none() && name.is_header() {
            match self.header(window, name, meaning, sign.next) {
                Err(Wait::Absent) => {}
                found => return found,
            }
        }
        let start = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        if start.has_line_end && follow.quote.is_none() {
            return Err(Wait::Absent);
        }
        if let Some(typed) = behind_type(window, start.end)? {
            return self.assigned(window, name, meaning, typed, Place::Code);
        }
        let block = self.block(window, start.end)?;
        if let Some(at) = block {
            return self.assigned(window, name, meaning, at, Place::Line);
        }
        let place = if start.count == 0 { Place::Code } else { Place::Line };
        self.assigned(window, name, meaning, start.end, place)
    }

    /// `name：…`, with the signs of Chinese and Japanese.
    pub(super) fn wide_colon(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let behind = match sign.byte {
            b'\\' => behind_escaped_sign(window, sign),
            _ => behind_wide_sign(window, sign),
        };
        match behind.map_err(|miss| Wait::of(miss, sign.next))? {
            Some(behind) => self.value(window, name, meaning, behind, Place::Line),
            None => Err(Wait::Absent),
        }
    }

    /// Behind `|` or `>` and a line end: a block of YAML.
    pub(super) fn block(self, window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
        let wait = |miss| Wait::of(miss, at);
        let Ok(first) = window.glyph(at) else { return Ok(None) };
        if !matches!(first.byte, b'|' | b'>') {
            return Ok(None);
        }
        let mut behind = first.next;
        if let Ok(sign) = window.glyph(behind)
            && matches!(sign.byte, b'-' | b'+' | b'0'..=b'9')
        {
            behind = sign.next;
        }
        let gap = window.spaces(behind, MAX_SPACES, false).map_err(wait)?;
        Ok(gap.has_line_end.then_some(gap.end))
    }

    /// `+=`, `?=`, `?:`, `??=`, `||=`, `.=`, `<-`.
    pub(super) fn compound(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let wait = |miss| Wait::of(miss, sign.next);
        let second = window.glyph(sign.next).map_err(wait)?;
        let behind = match (sign.byte, second.byte) {
            (b'?' | b'+' | b'.', b'=') | (b'?', b':') | (b'<', b'-') => second.next,
            (b'?', b'?') | (b'|', b'|') => {
                let third = window.glyph(second.next).map_err(wait)?;
                if third.byte != b'=' {
                    return Err(Wait::Absent);
                }
                third.next
            }
            _ => return Err(Wait::Absent),
        };
        self.value(window, name, meaning, behind, Place::Code)
    }

    /// `name == "…"`, `name != "…"`.
    pub(super) fn comparison(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        const MAX_SIGNS: usize = 2;
        if !matches!(
            meaning.family,
            Family::Password | Family::Secret | Family::Key | Family::Token | Family::Own
        ) {
            return Err(Wait::Absent);
        }
        let wait = |miss| Wait::of(miss, sign.next);
        let mut behind = sign.next;
        let mut count = 0_usize;
        while count < MAX_SIGNS {
            let glyph = window.glyph(behind).map_err(wait)?;
            if glyph.byte != b'=' {
                break;
            }
            behind = glyph.next;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(behind, 2, false).map_err(wait)?;
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// Behind a sign and white space.
    pub(super) fn value(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let gap = window.spaces(at, MAX_SPACES, false).map_err(|miss| Wait::of(miss, at))?;
        if gap.has_line_end
            || gap.count > 0 && matches!(place, Place::Environment | Place::Option | Place::Strong)
        {
            return Err(Wait::Absent);
        }
        self.assigned(window, name, meaning, gap.end, place)
    }
}

/// Behind `：` or `＝`, of which `sign` is the first byte.
fn behind_wide_sign(window: Window<'_>, sign: Glyph) -> Look<Option<usize>> {
    let second = window.glyph(sign.next)?;
    let third = window.glyph(second.next)?;
    let is_sign = matches!((second.byte, third.byte), (0xBC, 0x9A | 0x9D));
    Ok(is_sign.then_some(third.next))
}

/// The same behind `\uff1a` or `\uff1d`, of which `sign` is the first backslash.
fn behind_escaped_sign(window: Window<'_>, sign: Glyph) -> Look<Option<usize>> {
    let at = sign.next.saturating_sub(1);
    let rest = window.from(at);
    let backslashes = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
    match rest.get(backslashes..).unwrap_or_default().get(..5) {
        Some(code) => {
            let is_sign = [b"uff1a", b"uff1d"].iter().any(|sign| code.eq_ignore_ascii_case(*sign));
            Ok(is_sign.then_some(at.saturating_add(backslashes).saturating_add(5)))
        }
        None if window.is_last => Ok(None),
        None => Err(Miss::Unknown),
    }
}

/// The bracket behind a sign: that of `auth=("user", "…")`.
fn tuple(window: Window<'_>, at: usize) -> Result<Option<Glyph>, Wait> {
    let wait = |miss| Wait::of(miss, at);
    let gap = window.spaces(at, 2, false).map_err(wait)?;
    match window.glyph(gap.end) {
        Ok(glyph) => Ok((glyph.byte == b'(').then_some(glyph)),
        Err(Miss::Absent) => Ok(None),
        Err(miss) => Err(wait(miss)),
    }
}

/// Behind `str = `, where a type stands between the sign of a name and its value.
fn behind_type(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MAX_TYPE: usize = 48;
    let (mut end, mut before) = (at, 0_u8);
    for place in 0..MAX_TYPE {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        let is_type = glyph.byte.is_ascii_alphanumeric() || b"_&<>[]|., ?*'".contains(&glyph.byte);
        if glyph.byte == b'=' && place > 0 && before == b' ' {
            let gap = window.spaces(glyph.next, 4, false).map_err(|miss| Wait::of(miss, at))?;
            return Ok((gap.count > 0 && !gap.has_line_end).then_some(gap.end));
        }
        if !is_type || place == 0 && !glyph.byte.is_ascii_alphabetic() && glyph.byte != b'&' {
            return Ok(None);
        }
        (before, end) = (glyph.byte, glyph.next);
    }
    Ok(None)
}
