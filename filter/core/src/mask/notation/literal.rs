//! What stands where a value is expected: a literal in quotes, or a bare word.

use super::{MAX_SPACES, Place, Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    look::Miss,
    names::{Family, Meaning},
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

impl Reader<'_> {
    /// In quotes or bare.
    pub(super) fn assigned(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if first.is_quote() {
            return self.literal(window, name, meaning, at, Place::Quoted);
        }
        let second = window.glyph(first.next);
        if matches!(first.byte, b'@' | b'b' | b'r' | b'u' | b'f' | b'L' | b'N' | b'$' | b'&') {
            match second {
                Ok(glyph) if glyph.is_quote() => {
                    return self.literal(window, name, meaning, first.next, Place::Quoted);
                }
                Err(Miss::Unknown) => return Err(Wait::Until(at)),
                _ => {}
            }
        }
        if let Some(open) = wrapped(window, at)? {
            return self.literal(window, name, meaning, open, Place::QuotedLoosely);
        }
        let stops: &'static [u8] = match name.is_in_connection() {
            true => b";&",
            false if place == Place::Code => b",",
            false => b"",
        };
        let probe =
            Probe::read(window, at, Ends::Bare(stops)).map_err(|miss| Wait::of(miss, at))?;
        let place = if stops == b";&" { Place::Strong } else { place };
        self.judged(window, name, meaning, at, probe, place)
    }

    /// A literal in quotes.
    pub(super) fn literal(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if !first.is_quote() {
            return Err(Wait::Absent);
        }
        let start = first.next;
        let ends =
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        self.judged_quoted(name, meaning, start, probe, ends, place)
    }

    pub(super) fn judged_quoted(
        self,
        name: &Name<'_>,
        meaning: Meaning,
        start: usize,
        probe: Probe,
        ends: Ends,
        place: Place,
    ) -> Sought {
        let counts = Counts::of(probe.text());
        let is_closed = probe.is_long
            || matches!((ends, probe.ended_by), (Ends::Quote { byte, .. }, Some(end)) if end == byte);
        if !is_closed || counts.all == 0 || !self.fits(place, meaning, &probe, &counts, name) {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, ends))
    }

    pub(super) fn bare(
        self,
        window: Window<'_>,
        at: usize,
        stops: &'static [u8],
    ) -> Result<Probe, Wait> {
        Probe::read(window, at, Ends::Bare(stops)).map_err(|miss| Wait::of(miss, at))
    }

    pub(super) fn judged(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        start: usize,
        mut probe: Probe,
        place: Place,
    ) -> Sought {
        let has_more = probe.ended_by == Some(b' ')
            && matches!(place, Place::Line | Place::Code)
            && goes_on(window, probe.end).map_err(|miss| Wait::of(miss, start))?;
        let is_bounded = matches!(place, Place::Strong | Place::Environment | Place::Option);
        probe.trim(window, start, is_bounded);
        let counts = Counts::of(probe.text());
        if counts.all == 0 || !self.fits(place, meaning, &probe, &counts, name) {
            return Err(Wait::Absent);
        }
        if has_more
            && !(counts.is_random(16) && counts.digits >= 2
                || meaning.family == Family::Password
                    && counts.is_mixed(8)
                    && !value::is_slug(probe.text()))
        {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, Ends::Bare(b"")))
    }
}

/// The literal in a call that only wraps it: `String::from("…")`, `sensitive("…")`.
fn wrapped(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MOST: usize = 32;
    const WRAPPERS: &[&[u8]] = &[
        b"from",
        b"String",
        b"Some",
        b"new",
        b"sensitive",
        b"SecretStr",
        b"SecretString",
        b"Secret",
        b"bytes",
        b"str",
        b"unicode",
        b"b64decode",
        b"atob",
        b"MD5",
        b"md5",
        b"crypt",
        b"PASSWORD",
    ];
    let rest = window.from(at);
    let is_callee = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:. ".contains(byte);
    let callee = rest.iter().take(MOST).take_while(|byte| is_callee(byte)).count();
    let name = rest.get(..callee).unwrap_or_default();
    if !name.first().is_some_and(u8::is_ascii_alphabetic) {
        return Ok(None);
    }
    match rest.get(callee) {
        None if !window.is_last && callee < MOST => return Err(Wait::Until(at)),
        Some(b'(') => {}
        _ => return Ok(None),
    }
    let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric();
    let last = name.rsplit(is_sign).next().unwrap_or_default();
    let words = name.split(|byte| *byte == b' ').count();
    let is_wrapper = WRAPPERS.contains(&last) && (words == 1 || name.starts_with(b"new "));
    let open = at.saturating_add(callee).saturating_add(1);
    match window.glyph(open) {
        Ok(glyph) => Ok((is_wrapper && glyph.is_quote()).then_some(open)),
        Err(miss) if is_wrapper => Err(Wait::of(miss, at)),
        Err(_) => Ok(None),
    }
}

/// Whether a word follows on the line.
pub(super) fn goes_on(window: Window<'_>, at: usize) -> Result<bool, Miss> {
    let gap = window.spaces(at, MAX_SPACES, false)?;
    if gap.has_line_end {
        return Ok(false);
    }
    match window.glyph(gap.end) {
        Ok(glyph) => Ok(glyph.byte.is_ascii_alphanumeric()),
        Err(Miss::Absent) => Ok(false),
        Err(Miss::Unknown) => Err(Miss::Unknown),
    }
}
