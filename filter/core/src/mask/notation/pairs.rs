//! Names and values that are members of their own: `{"name": "DB_PASSWORD", "value": "…"}`.

use super::{
    MAX_SPACES, Place, Reader, Sought, Wait,
    name::{Name, is_name},
};
use crate::mask::{
    value::{ends_with_any_case, rfind},
    window::Window,
};

impl Reader<'_> {
    /// `"name": "DB_PASSWORD", "value": "…"`.
    pub(super) fn pair(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let follow = self.follow(window, name)?;
        let Some(sign) = follow.sign else { return Err(Wait::Absent) };
        let is_option = name.dashes > 0 && follow.spaces > 0;
        if !is_option && !matches!(sign.byte, b':' | b'=') {
            return Err(Wait::Absent);
        }
        let near = name.near(200);
        let near = near.text();
        let Some(owner) = pair_owner(near) else { return Err(Wait::Absent) };
        let Some(meaning) = self.names.meaning(owner, false) else { return Err(Wait::Absent) };
        let owned = Name::of(owner, name);
        if is_option {
            return self.assigned(window, &owned, meaning, follow.at, Place::Option);
        }
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        if gap.has_line_end && follow.quote.is_none() {
            return Err(Wait::Absent);
        }
        self.assigned(window, &owned, meaning, gap.end, Place::Strong)
    }
}

/// The name in `"name": "DB_PASSWORD", "value` or `- name: DB_PASSWORD\n  value`, which ends before the
/// word for the value: that of the nearest word that names.
fn pair_owner(near: &[u8]) -> Option<&[u8]> {
    let open = near.iter().rposition(|byte| matches!(byte, b'}' | b']'));
    let near = near.get(open.map_or(0, |open| open.saturating_add(1))..).unwrap_or_default();
    let near = behind_value(near);
    let mut end = near.len();
    while let Some(last) = near.get(..end)?.iter().rposition(|byte| is_name(*byte)) {
        let before = near.get(..last)?.iter().rposition(|byte| !is_name(*byte));
        let start = before.map_or(0, |before| before.saturating_add(1));
        let word = near.get(start..=last)?;
        if names_a_pair(word)
            && let Some(owner) = owner_in(near.get(last.saturating_add(1)..)?, word)
        {
            return Some(owner);
        }
        end = start;
    }
    None
}

/// Whether what follows such a word is a name.
fn names_a_pair(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"--").unwrap_or(word);
    let ends = |end: &[u8]| ends_with_any_case(word, end);
    match word.last() {
        Some(b'd' | b'D') => matches!(word, b"id" | b"Id" | b"ID") || ends(b"field"),
        Some(b'y' | b'Y') => matches!(word, b"key" | b"Key") || word.ends_with(b"Key"),
        Some(b'e' | b'E') => ends(b"name") || ends(b"variable"),
        Some(b'r' | b'R') => ends(b"header"),
        Some(b'm') => ends(b"param"),
        Some(b'l') => word == b"label",
        Some(b'h') => word == b"path",
        _ => false,
    }
}

/// The name behind `word` and a sign. Of a path it is the last part.
fn owner_in<'n>(rest: &'n [u8], word: &[u8]) -> Option<&'n [u8]> {
    let is_sign = |byte: &u8| b"\"'`:= \\\t".contains(byte);
    let skipped = rest.iter().take_while(|byte| is_sign(byte)).count();
    let signs = rest.get(..skipped)?;
    let has_sign = signs.iter().any(|byte| matches!(byte, b':' | b'=' | b'"'));
    let is_option = word.starts_with(b"--") && !signs.is_empty();
    let owner = rest.get(skipped..)?;
    let is_owner = |byte: u8| is_name(byte) || matches!(byte, b' ' | b'/');
    let end = owner.iter().position(|byte| !is_owner(*byte)).unwrap_or(owner.len());
    let owner = owner.get(..end)?.trim_ascii();
    let owner = match is_option {
        true => owner.split(u8::is_ascii_whitespace).next()?,
        false => owner,
    };
    let owner = owner.rsplit(|byte| *byte == b'/').next()?;
    ((has_sign || is_option) && !owner.is_empty()).then_some(owner)
}

/// Behind the last value of another pair, which took the names before it.
fn behind_value(near: &[u8]) -> &[u8] {
    let Some(at) = rfind(near, b"alue") else { return near };
    let rest = near.get(at.saturating_add(4)..).unwrap_or_default();
    match rest.first() {
        Some(b'"' | b'\'' | b':' | b'=' | b'\\') => rest,
        _ => near,
    }
}
