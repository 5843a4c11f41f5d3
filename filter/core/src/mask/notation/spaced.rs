//! Names and values with a space between them: options, statements, sentences.

use super::{Follow, Place, Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    glyph::Glyph,
    look::Miss,
    names::{Family, Meaning},
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

/// Before a name that a program sets: `aws configure set …`, `set -x …`.
const SETS: [&[u8]; 4] = [b" set ", b"set -x ", b"set -gx ", b"set -Ux "];
/// Before a password in a sentence: `log in as bob with password …`.
const WITH: [&[u8]; 6] = [b"with ", b"and ", b"using ", b"the ", b", ", b"/ "];

impl Reader<'_> {
    /// `--name …`, `ENV NAME …`, `login x password …`, `password "…"`, `password is …`.
    pub(super) fn behind_space(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        first: Glyph,
    ) -> Sought {
        if follow.quote.is_some() {
            return match name.is_attribute() {
                true => self.attributes(window, name, meaning, follow.at),
                false => Err(Wait::Absent),
            };
        }
        if name.is_element() {
            return self.attributes(window, name, meaning, follow.at);
        }
        if name.dashes > 0 {
            return self.assigned(window, name, meaning, follow.at, Place::Option);
        }
        if first.is_quote() {
            return self.statement(window, name, meaning, follow.at);
        }
        let typed = typed_value(window, follow.at)?;
        if let Some(at) = typed {
            return self.assigned(window, name, meaning, at, Place::Code);
        }
        if name.is_behind(&[b"ENV ", b"ARG "]) {
            return self.assigned(window, name, meaning, follow.at, Place::Environment);
        }
        if name.is_behind(&SETS) {
            return self.assigned(window, name, meaning, follow.at, Place::Option);
        }
        if name.is_behind_login() {
            return self.assigned(window, name, meaning, follow.at, Place::Strong);
        }
        if let Some(at) = behind_for(window, follow.at)? {
            return self.literal(window, name, meaning, at, Place::QuotedLoosely);
        }
        if let Some(at) = behind_is(window, follow.at)? {
            return self.sentence(window, name, meaning, at);
        }
        if meaning.family == Family::Password {
            if let Some(at) = behind_whom(window, follow.at)? {
                return self.sentence(window, name, meaning, at);
            }
            if name.is_behind(&WITH) {
                return self.sentence(window, name, meaning, follow.at);
            }
        }
        self.random_word(window, name, meaning, follow.at)
    }

    /// `password "…";`: the statement ends behind it.
    pub(super) fn statement(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        let start = first.next;
        let ends =
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        if probe.is_long {
            return Err(Wait::Absent);
        }
        let close = window.glyph(probe.end).map_err(|miss| Wait::of(miss, start))?;
        let is_end = match window.glyph(close.next) {
            Ok(glyph) => {
                matches!(glyph.byte, b'\n' | b'\r' | b';' | b')')
                    || glyph.is_quote()
                    // Prose writes names in backticks: "pass `strict=False` to it".
                    || glyph.byte == b' ' && close.byte != b'`'
            }
            Err(Miss::Absent) => true,
            Err(Miss::Unknown) => return Err(Wait::Until(start)),
        };
        match is_end {
            true => self.judged_quoted(name, meaning, start, probe, ends, Place::QuotedLoosely),
            false => Err(Wait::Absent),
        }
    }

    /// `the password is …`: one word, with a digit or a sign in it.
    pub(super) fn sentence(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if first.is_quote() {
            return self.literal(window, name, meaning, at, Place::QuotedLoosely);
        }
        let mut probe = self.bare(window, at, b"")?;
        probe.trim(window, at, false);
        let counts = Counts::of(probe.text());
        let text = probe.text();
        // What a person says of a password or a code, whatever follows.
        let is_plain = match meaning.family {
            Family::Password => {
                value::is_word_with_number(text, &counts)
                    && !value::is_harmless(text, &counts, name.text(), self.names)
            }
            Family::Number => counts.only_digits() && (4..=8).contains(&counts.all),
            _ => false,
        };
        if is_plain {
            return Ok(likely(at, &probe, Ends::Bare(b"")));
        }
        let fits = match meaning.family {
            Family::Password => counts.is_mixed(8) && !value::is_slug(text),
            _ => counts.is_random(12),
        };
        match fits {
            true => self.judged(window, name, meaning, at, probe, Place::Code),
            false => Err(Wait::Absent),
        }
    }

    /// A random value right behind a name.
    pub(super) fn random_word(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        let mut probe = self.bare(window, at, b"")?;
        probe.trim(window, at, false);
        let counts = Counts::of(probe.text());
        if counts.digits < 3 || !counts.is_random(16) {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, at, probe, Place::Code)
    }
}

/// Behind `string = ` of `var x string = "…"`.
pub(super) fn typed_value(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MAX_TYPE: usize = 24;
    let wait = |miss| Wait::of(miss, at);
    let mut end = behind_accessors(window, at)?;
    for place in 0..MAX_TYPE {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        match glyph.byte {
            b' ' if place > 0 || end > at => {
                let sign = match window.glyph(glyph.next) {
                    Ok(sign) => sign,
                    Err(Miss::Absent) => return Ok(None),
                    Err(miss) => return Err(wait(miss)),
                };
                if sign.byte != b'=' {
                    return Ok(None);
                }
                let gap = window.spaces(sign.next, 4, false).map_err(wait)?;
                let first = match window.glyph(gap.end) {
                    Ok(first) => first,
                    Err(Miss::Absent) => return Ok(None),
                    Err(miss) => return Err(wait(miss)),
                };
                return Ok((gap.count > 0 && first.is_quote()).then_some(gap.end));
            }
            byte if byte.is_ascii_alphanumeric() || b"_*[].&".contains(&byte) => end = glyph.next,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Behind `is `, `was ` or `=`.
fn behind_is(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    let mut end = at;
    for expected in *b"is" {
        match window.glyph(end) {
            Ok(glyph) if glyph.byte == expected => end = glyph.next,
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
            _ => return Ok(None),
        }
    }
    let mut gap = window.spaces(end, 3, false).map_err(|miss| Wait::of(miss, at))?;
    if let Ok(colon) = window.glyph(gap.end)
        && colon.byte == b':'
    {
        gap = window.spaces(colon.next, 3, false).map_err(|miss| Wait::of(miss, at))?;
    }
    Ok((gap.count > 0 && !gap.has_line_end).then_some(gap.end))
}

/// Behind `for bob is ` or `for bob: ` of a sentence.
fn behind_whom(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MOST: usize = 56;
    let (mut end, mut last) = (at, [0_u8; 3]);
    for place in 0..MOST {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        if b"for ".get(place).is_some_and(|expected| *expected != glyph.byte) {
            return Ok(None);
        }
        if glyph.byte == b' ' && (last[2] == b':' || last == *b" is") {
            return Ok(Some(glyph.next));
        }
        if !glyph.byte.is_ascii_alphanumeric() && !b" @._-:`'".contains(&glyph.byte) {
            return Ok(None);
        }
        last = [last[1], last[2], glyph.byte];
        end = glyph.next;
    }
    Ok(None)
}

/// Behind `{ get; set; }` of a property in C#.
fn behind_accessors(window: Window<'_>, at: usize) -> Result<usize, Wait> {
    const MOST: usize = 40;
    let mut end = at;
    for place in 0..MOST {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => break,
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        match glyph.byte {
            b'{' if place == 0 => {}
            b'}' if place > 0 => return Ok(glyph.next),
            byte if place > 0 && (byte.is_ascii_lowercase() || b"; ".contains(&byte)) => {}
            _ => break,
        }
        end = glyph.next;
    }
    Ok(at)
}

/// Behind `FOR 'user'@'host' = ` of `SET PASSWORD`, where a literal begins.
fn behind_for(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MOST: usize = 80;
    let wait = |miss| match miss {
        Miss::Absent => Ok(None),
        Miss::Unknown => Err(Wait::Until(at)),
    };
    let mut end = at;
    for place in 0..MOST {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(miss) => return wait(miss),
        };
        let expected = b"for ".get(place);
        if expected.is_some_and(|byte| *byte != glyph.byte.to_ascii_lowercase()) {
            return Ok(None);
        }
        end = glyph.next;
        match glyph.byte {
            b'=' => {
                let gap = match window.spaces(end, 4, false) {
                    Ok(gap) => gap,
                    Err(miss) => return wait(miss),
                };
                return match window.glyph(gap.end) {
                    Ok(first) => Ok(first.is_quote().then_some(gap.end)),
                    Err(miss) => wait(miss),
                };
            }
            b'\n' | b';' => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}
