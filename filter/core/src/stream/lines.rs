//! Finds the ends of lines, sixteen bytes at a time.

use wide::u8x16;

const LANES: usize = 16;

/// The place of the first line feed or carriage return.
#[inline]
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    let either =
        |block: u8x16| block.simd_eq(u8x16::splat(b'\n')) | block.simd_eq(u8x16::splat(b'\r'));
    first(bytes, either, |byte| matches!(byte, b'\n' | b'\r'))
}

/// The place of the first line feed.
#[inline]
pub(super) fn line_feed(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| block.simd_eq(u8x16::splat(b'\n')), |byte| byte == b'\n')
}

#[inline]
fn first(
    bytes: &[u8],
    in_block: impl Fn(u8x16) -> u8x16,
    is_it: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<LANES>();
    for (index, block) in blocks.iter().enumerate() {
        let places = in_block(u8x16::new(*block)).to_bitmask();
        if places != 0 {
            let place = places.trailing_zeros() as usize;
            return Some(index.saturating_mul(LANES).saturating_add(place));
        }
    }
    let place = rest.iter().position(|byte| is_it(*byte))?;
    Some(bytes.len().saturating_sub(rest.len()).saturating_add(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_one_is_found(bytes in prop::collection::vec(
            prop::sample::select(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x8a\x8d\r\n".to_vec()), 0..80,
        )) {
            let feed = bytes.iter().position(|byte| *byte == b'\n');
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            prop_assert_eq!((line_feed(&bytes), line_end(&bytes)), (feed, end));
        }
    }
}
