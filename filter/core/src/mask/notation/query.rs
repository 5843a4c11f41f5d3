//! Fields of a form and of a query.

use super::{
    Reader, Sought, Wait,
    name::{Name, is_name},
    not_empty,
    stand_in::is_no_literal,
};
use crate::mask::{
    glyph::Glyph,
    look::Miss,
    names::{Meaning, Names},
    skip::Skip,
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

impl Reader<'_> {
    /// The value of a field of a form or of a query, of which the name settles the matter.
    pub(super) fn field(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let layers = sign.depth.layers;
        let start = sign.next;
        if name.is_in_form(self.syntax) && layers == 0 {
            return not_empty(Skip::Field, window, start);
        }
        if Names::is_session_cookie(name.text()) {
            return not_empty(Skip::Query(layers), window, start);
        }
        let is_in_query = name.is_in_query(self.syntax);
        if !is_in_query && !self.is_own_text {
            return self.first_field(window, name, meaning, sign);
        }
        let ends = Ends::Bare(b"&;,#<>`{}[]|^)");
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let counts = Counts::of(probe.text());
        let is_cut_short = probe.ended_by.is_some_and(|byte| matches!(byte, b'{' | b'<' | b'['));
        let text = probe.text();
        let is_weak = [&b"key"[..], b"sig", b"signature", b"hmac"]
            .iter()
            .any(|weak| name.text().eq_ignore_ascii_case(weak));
        if !probe.is_long && is_weak && !(counts.is_mixed(6) || counts.is_random(8)) {
            return Err(Wait::Absent);
        }
        if !probe.is_long
            && (is_cut_short && text.len() < 4 || value::is_stand_in(text, &counts, self.names))
        {
            return Err(Wait::Absent);
        }
        not_empty(Skip::Query(layers), window, start)
    }

    /// `password=…&a=…` in a text: another field behind it shows that it is the first one of a form.
    pub(super) fn first_field(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        const MAX_NEXT: usize = 48;
        if !meaning.is_settled() || name.dashes > 0 {
            return Err(Wait::Absent);
        }
        let start = sign.next;
        let ends = Ends::Bare(b"&=;,#<>`{}[]|^)");
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let end = behind_padding(window, &probe).map_err(|miss| Wait::of(miss, start))?;
        let Some(end) = end else { return Err(Wait::Absent) };
        let counts = Counts::of(probe.text());
        if counts.all == 0 || is_no_literal(probe.text(), &counts, name.text(), self.names) {
            return Err(Wait::Absent);
        }
        let wait = |miss| Wait::of(miss, start);
        let mut at = window.glyph(end).map_err(wait)?.next;
        for place in 0..MAX_NEXT {
            let glyph = window.glyph(at).map_err(wait)?;
            match glyph.byte {
                b'=' if place > 0 => {
                    return not_empty(Skip::Query(sign.depth.layers), window, start);
                }
                byte if is_name(byte) || matches!(byte, b'[' | b']') => at = glyph.next,
                _ => break,
            }
        }
        Err(Wait::Absent)
    }
}

/// The `&` behind a value, and behind the equals signs that base64 ends with.
fn behind_padding(window: Window<'_>, probe: &Probe) -> Result<Option<usize>, Miss> {
    const MOST: usize = 3;
    if !matches!(probe.ended_by, Some(b'&' | b'=')) {
        return Ok(None);
    }
    let mut at = probe.end;
    for _ in 0..MOST {
        match window.glyph(at)? {
            Glyph { byte: b'=', next, .. } => at = next,
            Glyph { byte: b'&', .. } => return Ok(Some(at)),
            _ => break,
        }
    }
    Ok(None)
}
