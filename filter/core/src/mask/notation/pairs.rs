//! Names and values that are members of their own: `{"name": "DB_PASSWORD", "value": "…"}`.

use super::{
    MAX_SPACES, Place, Reader, Sought, Wait,
    name::{Name, is_name},
};
use crate::mask::{value::rfind, window::Window};

impl Reader<'_> {
    /// `"name": "DB_PASSWORD", "value": "…"`.
    pub(super) fn pair(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let follow = self.follow(window, name)?;
        let Some(sign) = follow.sign.filter(|sign| matches!(sign.byte, b':' | b'=')) else {
            return Err(Wait::Absent);
        };
        let near = name.near(200);
        let near = near.text();
        let Some(owner) = pair_owner(near) else { return Err(Wait::Absent) };
        let Some(meaning) = self.names.meaning(owner, false) else { return Err(Wait::Absent) };
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        if gap.has_line_end && follow.quote.is_none() {
            return Err(Wait::Absent);
        }
        let owned = Name::of(owner, name);
        self.assigned(window, &owned, meaning, gap.end, Place::Strong)
    }
}

/// The name in `"name": "DB_PASSWORD", "value` or `- name: DB_PASSWORD\n  value`, which ends before the
/// word for the value.
fn pair_owner(near: &[u8]) -> Option<&[u8]> {
    const WORDS: [&[u8]; 9] =
        [b"name", b"key", b"Name", b"Key", b"id", b"header", b"param", b"variable", b"field"];
    let open = near.iter().rposition(|byte| matches!(byte, b'}' | b']'));
    let near = near.get(open.map_or(0, |open| open.saturating_add(1))..).unwrap_or_default();
    let near = behind_value(near);
    WORDS.iter().find_map(|word| {
        // The `key` within `"secret_key"` names nothing.
        let mut rest = near;
        let at = loop {
            let at = rfind(rest, word)?;
            rest = rest.get(..at).unwrap_or_default();
            if *word != b"key" || rest.last().is_none_or(|byte| !is_name(*byte)) {
                break at;
            }
        };
        let rest = near.get(at.saturating_add(word.len())..)?;
        let is_sign = |byte: &u8| b"\"'`:= \\\t".contains(byte);
        let skipped = rest.iter().take_while(|byte| is_sign(byte)).count();
        let has_sign = rest.get(..skipped)?.iter().any(|byte| matches!(byte, b':' | b'=' | b'"'));
        let owner = rest.get(skipped..)?;
        let end =
            owner.iter().position(|byte| !is_name(*byte) && *byte != b' ').unwrap_or(owner.len());
        let owner = owner.get(..end)?.trim_ascii();
        (has_sign && !owner.is_empty() && owner.len() < owner.len().max(end).saturating_add(1))
            .then_some(owner)
    })
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
