//! Tokens beside their probabilities: what a model says of a piece of text is no secret.

use super::{LOOK_BACK, name::Name};
use crate::mask::{look::Miss, vocabulary::BESIDE_A_TOKEN, window::Window};

/// Whether a token stands beside its probability: on either side, within its object.
pub(super) fn is_beside_probabilities(
    window: Window<'_>,
    name: &Name<'_>,
    end: usize,
) -> Result<bool, Miss> {
    let before = name.near(LOOK_BACK);
    let before = before.text();
    let object = before.iter().rposition(|byte| matches!(byte, b'{' | b'}'));
    if names_probability(before.get(object.unwrap_or(0)..).unwrap_or_default()) {
        return Ok(true);
    }
    let (mut behind, mut length, mut at) = ([0_u8; PROBABILITY_REACH], 0_usize, end);
    let mut miss = None;
    for place in &mut behind {
        match window.glyph(at) {
            Ok(glyph) if matches!(glyph.byte, b'{' | b'}') => break,
            Ok(glyph) if glyph.next.saturating_sub(end) <= PROBABILITY_BYTES => {
                *place = glyph.byte;
                length = length.saturating_add(1);
                at = glyph.next;
            }
            Ok(_) | Err(Miss::Absent) => break,
            Err(Miss::Unknown) => {
                miss = Some(Miss::Unknown);
                break;
            }
        }
    }
    match (names_probability(behind.get(..length).unwrap_or_default()), miss) {
        (false, Some(miss)) => Err(miss),
        (is_named, _) => Ok(is_named),
    }
}

/// How far from a token it is looked for its probability: in characters, however each is escaped, and
/// in bytes.
const PROBABILITY_REACH: usize = 160;
const PROBABILITY_BYTES: usize = 2048;

fn names_probability(text: &[u8]) -> bool {
    let begins = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        BESIDE_A_TOKEN.iter().any(|piece| rest.starts_with(piece))
    };
    let may_begin = |(_, byte): &(usize, &u8)| matches!(byte, b'l' | b't' | b'"');
    text.iter().enumerate().filter(may_begin).any(|(at, _)| begins(at))
}
