//! The ends of the words of a body that may be the end of a secret's name.
//!
//! A word is a run of letters, digits, `_`, `-`, `.` and of bytes beyond ASCII. A megabyte of prose has
//! a hundred and seventy thousand of them, and nineteen of twenty are ruled out by their last three
//! letters. So bytes are sorted into sets, sixteen at a time, and only the ends are looked at.
//!
//! ```text
//! password_old = …      the word ends like a name
//! API_KEY_ACME = …      a part of it does, and what follows it is somebody's own word
//! ```

use wide::{i8x16, u8x16};

use super::{names::Names, notation::is_name};

const LANES: usize = 16;
const WIDE: usize = 64;

/// The most bytes behind a part that ends like a name, up to the end of its word.
const MAX_TAIL: usize = 40;

/// A word that may be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The byte that tells of it: a look that begins here finds it again.
    pub(super) from: usize,
    /// The place behind it, unless it goes on behind the bytes.
    pub(super) end: Option<usize>,
}

/// Bytes that are sorted once, 64 at a time.
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    is_last: bool,
    /// Where the bytes begin that were sorted last, if any were.
    base: Option<usize>,
    /// Of these, the last ones of words and of their parts, the first byte in the lowest bit.
    ends: u64,
}

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8], is_last: bool) -> Self {
        Self { bytes, is_last, base: None, ends: 0 }
    }

    /// The first word that may be a name by what ends at or behind `from`.
    #[inline]
    pub(super) fn next(&mut self, from: usize, names: &Names) -> Option<Word> {
        let mut base = match self.base {
            Some(base) if from.wrapping_sub(base) < WIDE => base,
            _ => {
                self.sort(from);
                from
            }
        };
        let mut ends = self.ends & u64::MAX.wrapping_shl(from.wrapping_sub(base) as u32);
        loop {
            while ends != 0 {
                let at = base.saturating_add(ends.trailing_zeros() as usize);
                ends &= ends.wrapping_sub(1);
                let next = at.saturating_add(1);
                if self.bytes.get(next).is_some_and(|byte| is_sign(*byte)) {
                    if let Some(word) = self.word_of_part(at, names) {
                        return Some(word);
                    }
                } else if self.may_end(at, names) {
                    return Some(Word { from: at, end: Some(next) });
                }
            }
            base = base.saturating_add(WIDE);
            if base >= self.bytes.len() {
                return None;
            }
            self.sort(base);
            ends = self.ends;
        }
    }

    #[inline]
    fn may_end(&self, at: usize, names: &Names) -> bool {
        match self.bytes.get(at.wrapping_sub(2)..=at) {
            Some(&[third, before, last]) => may_end(names, self.bytes, at, [third, before, last]),
            _ => may_end(names, self.bytes, at, last_three(self.bytes, at)),
        }
    }

    /// The word of a part that may end a name, with somebody's own word behind it.
    #[inline]
    fn word_of_part(&self, at: usize, names: &Names) -> Option<Word> {
        match self.bytes.get(at.wrapping_sub(2)..=at) {
            Some(&[third, before, last]) if names.may_end(third, before, last) => {
                self.with_tail(at)
            }
            _ => None,
        }
    }

    #[cold]
    fn with_tail(&self, at: usize) -> Option<Word> {
        let sign = at.saturating_add(1);
        let rest = self.bytes.get(sign..).unwrap_or_default();
        let tail = rest.iter().take(MAX_TAIL).take_while(|byte| is_name(**byte)).count();
        let is_own_word = rest.get(1).is_none_or(u8::is_ascii_alphanumeric);
        if tail == MAX_TAIL || !is_own_word {
            return None;
        }
        let is_whole = tail < rest.len() || self.is_last;
        Some(Word { from: at, end: is_whole.then_some(sign.saturating_add(tail)) })
    }

    #[inline]
    fn sort(&mut self, base: usize) {
        let rest = self.bytes.get(base..).unwrap_or_default();
        let (blocks, tail) = rest.get(..WIDE).unwrap_or(rest).as_chunks::<LANES>();
        let (mut words, mut signs, mut shift) = (0_u64, 0_u64, 0_u32);
        for block in blocks {
            let marks = marks(block);
            words |= u64::from(marks.words).wrapping_shl(shift);
            signs |= u64::from(marks.signs).wrapping_shl(shift);
            shift = shift.saturating_add(16);
        }
        if !tail.is_empty() {
            let mut block = [0; LANES];
            block.iter_mut().zip(tail).for_each(|(lane, byte)| *lane = *byte);
            let marks = marks(&block);
            words |= u64::from(marks.words).wrapping_shl(shift);
            signs |= u64::from(marks.signs).wrapping_shl(shift);
        }
        let follows = match rest.get(WIDE) {
            Some(byte) => is_name(*byte),
            None if rest.len() == WIDE => !self.is_last,
            None => false,
        };
        let mut next = words >> 1 | u64::from(follows) << 63;
        if rest.len() < WIDE && !self.is_last && !rest.is_empty() {
            next |= 1_u64.wrapping_shl(rest.len().saturating_sub(1) as u32);
        }
        let next_is_sign = rest.get(WIDE).is_some_and(|byte| is_sign(*byte));
        let parts = words & !signs & (signs >> 1 | u64::from(next_is_sign) << 63);
        (self.base, self.ends) = (Some(base), words & !next | parts);
    }
}

#[cold]
fn last_three(bytes: &[u8], at: usize) -> [u8; 3] {
    let byte = |back: usize| {
        at.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or_default()
    };
    [byte(2), byte(1), byte(0)]
}

/// Whether the word whose last byte is at `at` may end a name.
#[inline]
fn may_end(names: &Names, bytes: &[u8], at: usize, last: [u8; 3]) -> bool {
    let [third, before, end] = last;
    if end.is_ascii_digit() || third == b'%' || third == b'0' {
        return may_end_otherwise(names, bytes, at, last);
    }
    if end == b'-' {
        // The first line of a private key.
        return before == b'-' && third == b'-';
    }
    if before == b'-' && third == b' ' {
        return b"uUpPawbNk".contains(&end);
    }
    if matches!((before | 0x20, end | 0x20), (b'i', b'd')) && !third.is_ascii_alphanumeric() {
        return is_behind_key(bytes, at);
    }
    names.may_end(third, before, end) || begins_comparison(bytes, at)
}

/// Whether a literal may follow the word: that of a condition.
#[inline]
fn begins_comparison(bytes: &[u8], at: usize) -> bool {
    let is_near =
        matches!(bytes.get(at.saturating_add(2)), None | Some(b'"' | b'\'' | b'\\' | b'!' | b'('));
    is_near && is_condition(bytes, at)
}

#[cold]
fn is_condition(bytes: &[u8], at: usize) -> bool {
    const WORDS: [&[u8]; 8] =
        [b"if", b"return", b"assert", b"while", b"and", b"or", b"unless", b"when"];
    let is_apart = matches!(bytes.get(at.saturating_add(1)), None | Some(b' ' | b'('));
    let near = bytes.get(at.saturating_sub(6)..=at).unwrap_or_default();
    is_apart && WORDS.iter().any(|word| near.ends_with(word))
}

/// Whether the `id` that ends at `at` is that of a key: an `id` alone is none, and there are many.
fn is_behind_key(bytes: &[u8], at: usize) -> bool {
    let near = bytes.get(at.saturating_sub(5)..at.saturating_sub(2)).unwrap_or_default();
    near.eq_ignore_ascii_case(b"key")
}

/// A word whose last letter is written as an escape, or that has a number behind it.
#[cold]
fn may_end_otherwise(names: &Names, bytes: &[u8], at: usize, last: [u8; 3]) -> bool {
    let near = bytes.get(at.saturating_sub(23)..=at).unwrap_or_default();
    if let [.., b'\\', b'u', _, third, before, end] = *near
        && names.may_end_escaped(third, before, end)
    {
        return true;
    }
    if last[0] == b'%' || matches!(near, [.., b'\\', b'u', b'0', b'0', _, _]) {
        let mut before = super::window::UnescapedBefore::new(near);
        let mut byte = || before.next().unwrap_or_default();
        let (end, before, third) = (byte(), byte(), byte());
        return end.is_ascii_alphabetic() && names.may_end(third, before, end);
    }
    let digits = near.iter().rev().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let word = near.get(..near.len().saturating_sub(digits)).unwrap_or_default();
    match word {
        [.., third, before, end] if digits < 5 => names.may_end(*third, *before, *end),
        _ => false,
    }
}

/// Whether a byte divides the parts of a word.
#[inline]
fn is_sign(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
}

/// Of sixteen bytes, the first one in the lowest bit.
struct Marks {
    /// Which may stand in a word.
    words: u16,
    /// Which of these divide its parts.
    signs: u16,
}

/// Two look-ups tell: one by a byte's lower half, one by its upper half. Where both have a bit, it may stand in a word.
#[inline]
fn marks(block: &[u8; LANES]) -> Marks {
    let bytes = u8x16::new(*block);
    let lower = u8x16::new(LOWER).shuffle_zeroing(bytes & u8x16::splat(0x0f));
    let upper = u8x16::new(UPPER).shuffle_zeroing(bytes.unbounded_shr_scalar(4));
    let sets = lower & upper;
    let any = |sets: u8x16| sets.cast_signed().simd_gt(i8x16::splat(0)).to_bitmask() as u16;
    Marks { words: any(sets), signs: any(sets & u8x16::splat(SIGNS)) }
}

/// The sets of `-.` and of `_`.
const SIGNS: u8 = 1 | 16;

/// The sets by upper half: `-.`, digits, letters in two rows, `_` with the rest of the letters, and what is
/// not ASCII, without 0xEF.
const UPPER: [u8; LANES] = [0, 0, 1, 2, 4, 8 | 16, 4, 8, 32, 32, 32, 32, 32, 32, 64, 32];
/// The sets by lower half.
const LOWER: [u8; LANES] = {
    const ALL: u8 = 32 | 64;
    [
        2 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        2 | 4 | 8 | ALL,
        4 | 8 | ALL,
        4 | ALL,
        4 | ALL,
        1 | 4 | ALL,
        1 | 4 | ALL,
        4 | 16 | 32,
    ]
};

/// The last quote of `bytes`.
pub(super) fn last_quote(bytes: &[u8]) -> Option<usize> {
    let (rest, blocks) = bytes.as_rchunks::<LANES>();
    let mut end = bytes.len();
    for block in blocks.iter().rev() {
        let start = end.saturating_sub(LANES);
        let quotes = u8x16::new(*block).simd_eq(u8x16::splat(b'"')).to_bitmask() as u16;
        if quotes != 0 {
            return Some(
                start.saturating_add(15_usize.saturating_sub(quotes.leading_zeros() as usize)),
            );
        }
        end = start;
    }
    rest.iter().rposition(|byte| *byte == b'"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_sorted_as_the_table_says() {
        for byte in 0..=255 {
            let Marks { words, signs } = marks(&[byte; LANES]);
            assert_eq!(words == u16::MAX, is_name(byte), "{byte}");
            assert_eq!(signs == u16::MAX, is_sign(byte), "{byte}");
        }
    }

    /// The same, byte by byte.
    fn naive(bytes: &[u8], from: usize, is_last: bool, names: &Names) -> Vec<Word> {
        let (mut found, mut at) = (Vec::new(), from);
        while at < bytes.len() {
            let next = bytes.get(at + 1).copied();
            let is_in = is_name(bytes[at]);
            let tells = names.may_end(
                bytes.get(at.wrapping_sub(2)).copied().unwrap_or_default(),
                bytes.get(at.wrapping_sub(1)).copied().unwrap_or_default(),
                bytes[at],
            );
            if is_in && !is_sign(bytes[at]) && next.is_some_and(is_sign) {
                let tail = bytes[at + 1..].iter().take_while(|byte| is_name(**byte)).count();
                let end = at + 1 + tail;
                let is_own_word = bytes.get(at + 2).is_none_or(u8::is_ascii_alphanumeric);
                if at >= 2 && tells && tail < MAX_TAIL && is_own_word {
                    let is_whole = end < bytes.len() || is_last;
                    found.push(Word { from: at, end: is_whole.then_some(end) });
                    at = end;
                    continue;
                }
            } else if is_in
                && next.map_or(is_last, |next| !is_name(next))
                && may_end(names, bytes, at, last_three(bytes, at))
            {
                found.push(Word { from: at, end: Some(at + 1) });
            }
            at += 1;
        }
        found
    }

    proptest! {
        #[test]
        fn the_ends_are_those_that_single_bytes_tell(
            text in "([a-z]{0,9}(password|api_key|token2|é|pass|_|[.-])?[ :=%\"-]{0,3}){0,24}",
            from in 0_usize..150,
            is_last: bool,
        ) {
            let names = Names::new(&[], &[]);
            let bytes = text.as_bytes();
            let mut words = Words::new(bytes, is_last);
            let (mut found, mut at) = (Vec::new(), from);
            while let Some(word) = words.next(at, &names) {
                found.push(word);
                at = word.end.unwrap_or(bytes.len());
            }
            prop_assert_eq!(found, naive(bytes, from, is_last, &names));
        }

        #[test]
        fn the_last_quote_is_found(text in "[a-z\"]{0,80}[a-z]{0,40}") {
            prop_assert_eq!(last_quote(text.as_bytes()), text.rfind('"'));
        }
    }
}
