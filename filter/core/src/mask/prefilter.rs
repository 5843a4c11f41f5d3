//! The places of a body at which a secret can begin.
//!
//! A prompt of a megabyte holds perhaps a hundred such places, and the masker must not spend on the
//! rest of it. Two facts find them. Every token that is worth masking has a run of at least
//! [`MIN_RUN`] characters out of a small set (letters, digits, `-_.+/~` and the two that begin an
//! escape), and English has few such runs. And a user and a password stand behind a colon, which is
//! rare too. Sixteen bytes at a time are sorted into the two sets, without a branch on any of
//! them.

use wide::{i8x16, u8x16};

use super::class::{TOKEN, is_in};

/// The shortest run of token characters that is looked at.
pub(super) const MIN_RUN: usize = 16;

/// The next place to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A colon.
    Anchor(usize),
    /// A run of at least [`MIN_RUN`] token characters begins here, or went on before here.
    Run(usize),
    /// Nothing more. The bytes end within a run that is still too short and begins here; if they
    /// do not, it is their length.
    End(usize),
}

/// Bytes that are sorted once, 64 at a time, however many events they hold.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where the bytes begin that were sorted last, if any were.
    base: Option<usize>,
    /// Of these, the anchors, the first byte in the lowest bit.
    anchors: u64,
    /// Those that belong to a long enough run.
    runs: u64,
    /// Where the run begins within which they end.
    start: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, base: None, anchors: 0, runs: 0, start: 0 }
    }

    /// The first event at or behind `from`. Bytes before it are looked at only to know how long a
    /// run has been going on.
    #[inline]
    pub(super) fn next(&mut self, from: usize) -> Event {
        let mut base = match self.base {
            Some(base) if from.wrapping_sub(base) < WIDE => base,
            _ => {
                self.start = run_before(self.bytes.get(..from).unwrap_or(self.bytes));
                self.sort(from);
                from
            }
        };
        let mut ahead = u64::MAX.wrapping_shl(from.wrapping_sub(base) as u32);
        loop {
            let events = (self.anchors | self.runs) & ahead;
            if events != 0 {
                let at = base.saturating_add(events.trailing_zeros() as usize);
                let is_anchor = self.anchors & events & events.wrapping_neg() != 0;
                return if is_anchor { Event::Anchor(at) } else { Event::Run(at) };
            }
            base = base.saturating_add(WIDE);
            if base >= self.bytes.len() {
                return Event::End(start_before_end(self.bytes).max(from));
            }
            let start = self.start;
            self.sort(base);
            if self.runs & 1 == 1 && start < base {
                // It began too late in the bytes before to be long enough there.
                return Event::Run(start.max(from));
            }
            ahead = u64::MAX;
        }
    }

    /// Sorts the bytes at `base`.
    #[inline]
    fn sort(&mut self, base: usize) {
        let (mut tokens, mut anchors) = (0_u64, 0_u64);
        let rest = self.bytes.get(base..).unwrap_or_default();
        let (blocks, rest) = rest.get(..WIDE).unwrap_or(rest).as_chunks::<LANES>();
        let last = (!rest.is_empty()).then(|| Marks::of_rest(rest));
        let mut shift = 0_u32;
        for marks in blocks.iter().map(Marks::of).chain(last) {
            tokens |= u64::from(marks.tokens).wrapping_shl(shift);
            anchors |= u64::from(marks.anchors).wrapping_shl(shift);
            shift = shift.saturating_add(16);
        }
        let head = tokens.trailing_ones();
        let reach = base.saturating_add(head as usize).saturating_sub(self.start);
        let is_long = head > 0 && reach >= MIN_RUN;
        let head = if is_long { !u64::MAX.checked_shl(head).unwrap_or(0) } else { 0 };
        if tokens != u64::MAX {
            let tail = tokens.leading_ones() as usize;
            self.start = base.saturating_add(WIDE).saturating_sub(tail);
        }
        (self.base, self.anchors, self.runs) = (Some(base), anchors, long_runs(tokens) | head);
    }
}

/// Of the bits in `tokens` those that stand in a row of at least [`MIN_RUN`].
#[inline]
fn long_runs(tokens: u64) -> u64 {
    let mut runs = tokens;
    for shift in [1, 2, 4, 8] {
        runs &= runs >> shift;
    }
    for shift in [1, 2, 4, 8] {
        runs |= runs << shift;
    }
    runs
}

/// Where the run begins within which `bytes` end, if it is too short yet; else their length.
fn start_before_end(bytes: &[u8]) -> usize {
    let start = run_before(bytes);
    if bytes.len().saturating_sub(start) < MIN_RUN { start } else { bytes.len() }
}

/// Where the run begins within which `before` ends, as far as it matters.
#[inline]
fn run_before(before: &[u8]) -> usize {
    match before.last() {
        Some(byte) if is_token(*byte) => {
            let run = before.iter().rev().take(MIN_RUN).take_while(|byte| is_token(**byte));
            before.len().saturating_sub(run.count())
        }
        _ => before.len(),
    }
}

/// The places of the signs, all but letters and digits, in the run that some bytes begin with.
pub(super) struct Signs<'a> {
    rest: &'a [u8],
    at: usize,
    signs: u16,
    end: usize,
}

impl<'a> Signs<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut signs = Self { rest: bytes, at: 0, signs: 0, end: 0 };
        signs.load();
        signs
    }

    /// Takes the next sixteen bytes, or what there is.
    #[inline]
    fn load(&mut self) {
        let marks = match self.rest.split_first_chunk::<LANES>() {
            Some((block, rest)) => {
                self.rest = rest;
                Marks::of(block)
            }
            None => {
                let marks = Marks::of_rest(self.rest);
                self.rest = &[];
                marks
            }
        };
        let run = marks.tokens.trailing_ones();
        let behind = u16::MAX.checked_shl(run).unwrap_or(0);
        self.signs = marks.tokens & !marks.letters & !behind;
        self.end = self.at.saturating_add(run as usize);
        if behind != 0 {
            self.rest = &[];
        }
    }

    /// Where the run ends, once all its signs were seen.
    pub(super) fn end(&self) -> usize {
        self.end
    }
}

impl Iterator for Signs<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.signs == 0 {
            if self.rest.is_empty() {
                return None;
            }
            self.at = self.at.saturating_add(LANES);
            self.load();
        }
        let place = self.signs.trailing_zeros() as usize;
        self.signs &= self.signs.wrapping_sub(1);
        Some(self.at.saturating_add(place))
    }
}

/// Whether `byte` is one of the characters that runs are made of.
pub(super) fn is_token(byte: u8) -> bool {
    is_in(byte, TOKEN)
}

const LANES: usize = 16;
const WIDE: usize = 64;

/// Which of sixteen bytes are what, the first one in the lowest bit.
#[derive(Clone, Copy)]
struct Marks {
    tokens: u16,
    /// Those of the tokens that are letters or digits.
    letters: u16,
    anchors: u16,
}

impl Marks {
    /// Of fewer than sixteen bytes: those that are missing are nothing.
    fn of_rest(rest: &[u8]) -> Self {
        let mut block = [0; LANES];
        block.iter_mut().zip(rest).for_each(|(lane, byte)| *lane = *byte);
        Self::of(&block)
    }

    /// Two look-ups tell a byte's set: one by its lower half, one by its upper half. Where both
    /// have a bit, the byte is of that set.
    #[inline]
    fn of(block: &[u8; LANES]) -> Self {
        let bytes = u8x16::new(*block);
        let lower = u8x16::new(LOWER).shuffle_zeroing(bytes & u8x16::splat(0x0f));
        let upper = u8x16::new(UPPER).shuffle_zeroing(bytes.unbounded_shr_scalar(4));
        let sets = lower & upper;
        let zero = i8x16::splat(0);
        let letters = sets & u8x16::splat(LETTER_SETS);
        Self {
            tokens: sets.cast_signed().simd_gt(zero).to_bitmask() as u16,
            letters: letters.cast_signed().simd_gt(zero).to_bitmask() as u16,
            // The highest bit of a lane is the one that a bit mask takes.
            anchors: sets.to_bitmask() as u16,
        }
    }
}

/// The sets by upper half: `%+-./`, digits, letters in three rows, `\_`, `~`, and `:`.
const UPPER: [u8; LANES] = [0, 0, 1, 2 | ANCHOR_SET, 4, 8 | 32, 4, 16 | 64, 0, 0, 0, 0, 0, 0, 0, 0];
const LETTER_SETS: u8 = 2 | 4 | 8 | 16;
const ANCHOR_SET: u8 = 128;
/// The sets by lower half.
const LOWER: [u8; LANES] = [
    2 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    1 | 2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    2 | 4 | 8 | 16,
    4 | 8 | 16 | ANCHOR_SET,
    1 | 4,
    4 | 32,
    1 | 4,
    1 | 4 | 64,
    1 | 4 | 32,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Byte by byte.
    fn naive(bytes: &[u8], from: usize) -> Event {
        let run_at = |at: usize| {
            let back = bytes[..at].iter().rev().take(MIN_RUN).take_while(|b| is_token(**b)).count();
            (at - back, bytes[at..].iter().take_while(|b| is_token(**b)).count() + back)
        };
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            if *byte == b':' {
                return Event::Anchor(at);
            }
            if is_token(*byte) && run_at(at).1 >= MIN_RUN {
                return Event::Run(at);
            }
        }
        let open = bytes.iter().rev().take(MIN_RUN).take_while(|b| is_token(**b)).count();
        Event::End(if open == MIN_RUN { bytes.len() } else { (bytes.len() - open).max(from) })
    }

    #[test]
    fn every_byte_is_sorted_as_the_table_says() {
        for byte in 0..=255 {
            let marks = Marks::of(&[byte; LANES]);
            assert_eq!(marks.tokens == u16::MAX, is_token(byte), "{byte}");
            assert_eq!(marks.anchors == u16::MAX, byte == b':', "{byte}");
        }
    }

    proptest! {
        #[test]
        fn blocks_find_what_single_bytes_find(text in "[a-z:= \\-\"]{0,30}[a-z\\-]{10,90}[a-z:= ]{0,90}([a-z]{10,30} ){0,4}[a-z:]{0,20}", from in 0_usize..150) {
            let from = from.min(text.len());
            let mut cursor = Cursor::new(text.as_bytes());
            prop_assert_eq!(cursor.next(from), naive(text.as_bytes(), from));
            // Bytes that are sorted already are read the same way.
            for from in from..=text.len() {
                prop_assert_eq!(cursor.next(from), naive(text.as_bytes(), from));
            }
        }
    }
}
