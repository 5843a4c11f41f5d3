//! Tokens beside their probabilities: what a model says of a piece of text is no secret.

use super::name::Name;
use crate::mask::{look::Miss, value, window::Window};

/// Whether a token stands beside its probability: on either side, within its object.
pub(super) fn is_beside_probabilities(
    window: Window<'_>,
    name: &Name<'_>,
    end: usize,
) -> Result<bool, Miss> {
    let before = name.near(PROBABILITY_REACH);
    let before = before.text();
    let object = value::open_bracket(before, b"{").unwrap_or(0);
    if names_probability(before.get(object..).unwrap_or_default()) {
        return Ok(true);
    }
    let rest = window.from(end);
    let near = rest.get(..PROBABILITY_REACH).unwrap_or(rest);
    let object = near.iter().position(|byte| matches!(byte, b'{' | b'}' | b'\\' | b'%'));
    match object.and_then(|at| near.get(at)) {
        Some(b'{' | b'}') => {
            return Ok(names_probability(near.get(..object.unwrap_or(0)).unwrap_or_default()));
        }
        None if near.len() == PROBABILITY_REACH => return Ok(names_probability(near)),
        _ => {}
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
const PROBABILITY_REACH: usize = 112;
const PROBABILITY_BYTES: usize = 2048;

fn names_probability(text: &[u8]) -> bool {
    let may_begin = |(_, byte): &(usize, &u8)| matches!(byte, b'l' | b't' | b'"');
    let rest = |at: usize| text.get(at..).unwrap_or_default();
    text.iter().enumerate().filter(may_begin).any(|(at, _)| is_probability(rest(at)))
}

/// What a `token` stands beside in a list of probabilities: those themselves, ids, ranks, bytes.
fn is_probability(text: &[u8]) -> bool {
    match text {
        [b'l', b'o', b'g', b'p' | b'P', b'r', b'o', b'b', ..]
        | [b'l', b'o', b'g', b'_', b'p', b'r', b'o', b'b', ..]
        | [b't', b'o', b'k', b'e', b'n', b'I', b'd', ..]
        | [b'"', b'r', b'a', b'n', b'k', ..]
        | [b'"', b'b', b'y', b't', b'e', b's', ..]
        | [b'"', b'p', b'r', b'o', b'b', ..]
        | [b'"', b's', b'c', b'o', b'r', b'e', ..]
        | [b'"', b's', b't', b'a', b'r', b't', b'_', b'o', ..]
        | [b'"', b'e', b'n', b't', b'i', b't', b'y', b'"', ..]
        | [b'"', b'l', b'e', b'm', b'm', b'a', b'"', ..] => true,
        [b't', b'o', b'k', b'e', b'n', b'_', rest @ ..] => {
            rest.starts_with(b"id") || rest.starts_with(b"str")
        }
        _ => false,
    }
}
