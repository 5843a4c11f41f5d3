//! Header lines in a text.

use super::commands::cookies;
use super::{Place, Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    names::{Family, Meaning},
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

impl Reader<'_> {
    /// A header line in a text.
    pub(super) fn header(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        const SCHEMES: [&[u8]; 10] = [
            b"bearer",
            b"basic",
            b"token",
            b"apikey",
            b"key",
            b"bot",
            b"negotiate",
            b"digest",
            b"sso-key",
            b"oauth",
        ];
        let gap = window.spaces(at, 4, false).map_err(|miss| Wait::of(miss, at))?;
        if gap.has_line_end {
            return Err(Wait::Absent);
        }
        let start = gap.end;
        if name.is_cookie() {
            return Ok(cookies(start));
        }
        let probe = self.bare(window, start, b"")?;
        let text = probe.text();
        let is_scheme = SCHEMES.iter().any(|scheme| text.eq_ignore_ascii_case(scheme));
        if !is_scheme || probe.ended_by != Some(b' ') {
            if text.starts_with(b"AWS4-") || meaning.family == Family::Credential {
                return self.credential(start, probe, 12, false);
            }
            return self.judged(window, name, meaning, start, probe, Place::Strong);
        }
        let is_basic = text.eq_ignore_ascii_case(b"basic");
        let behind = window.spaces(probe.end, 2, false).map_err(|miss| Wait::of(miss, start))?;
        let credential = self.bare(window, behind.end, b"")?;
        self.credential(behind.end, credential, 8, is_basic)
    }

    pub(super) fn credential(
        self,
        start: usize,
        probe: Probe,
        least: usize,
        is_basic: bool,
    ) -> Sought {
        let text = probe.text();
        let counts = Counts::of(text);
        let is_letters = counts.only_letters() && counts.all >= 20;
        let fits = counts.is_random(least)
            || least <= 8 && (counts.is_mixed(8) || is_letters && counts.is_no_word())
            || is_basic && is_basic_credential(text);
        let is_harmless = !is_basic && value::is_harmless(text, &counts, b"", self.names)
            || value::is_placeholder(text)
            || text.starts_with(b"AWS4-")
            || value::is_code(text);
        if !fits && !self.is_own_text || is_harmless && !probe.is_long {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, Ends::Bare(b"")))
    }
}

/// `user:password` in base64, of any length.
fn is_basic_credential(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    text.len() >= 4 && text.iter().all(is_base64) && decoded_has_colon(text)
}

fn decoded_has_colon(text: &[u8]) -> bool {
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(byte.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0').wrapping_add(52)),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut bits, mut count) = (0_u32, 0_u32);
    for value in text.iter().map_while(digit) {
        bits = bits << 6 | u32::from(value);
        count = count.saturating_add(6);
        if count >= 8 {
            count = count.saturating_sub(8);
            let byte = (bits >> count & 0xff) as u8;
            match byte {
                b':' => return true,
                byte if byte.is_ascii_control() => return false,
                _ => {}
            }
        }
    }
    // Of a long one the colon may lie behind what was read.
    text.len() >= value::MAX_PROBE
}
