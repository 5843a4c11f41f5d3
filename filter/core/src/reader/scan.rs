//! Passes over what nobody asked for, 64 bytes at a time.
//!
//! A string ends with the first quote that is not escaped, an object or array where its brackets
//! outside strings are balanced. Both are told from bit masks with one bit per byte, the first byte
//! in the lowest bit, without a branch on any single byte ("Parsing Gigabytes of JSON per Second",
//! Langdale and Lemire, 2019).

use wide::u8x16;

const LANES: usize = 16;
const WIDE: usize = 64;

/// Where the string ends whose content `bytes` begins with or goes on with. `is_escaped` says
/// whether the first byte is escaped, and afterwards whether the next one will be.
#[inline]
pub(super) fn string_end(bytes: &[u8], is_escaped: &mut bool) -> Option<usize> {
    if let (Some(block), false) = (bytes.first_chunk::<LANES>(), *is_escaped) {
        let block = u8x16::new(*block);
        let quotes = equal(block, b'"');
        let before = quotes.wrapping_sub(1) & !quotes;
        if quotes != 0 && equal(block, b'\\') & before == 0 {
            return Some(quotes.trailing_zeros() as usize);
        }
    }
    long_string_end(bytes, is_escaped)
}

fn long_string_end(bytes: &[u8], is_escaped: &mut bool) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<WIDE>();
    let mut at = 0_usize;
    for block in blocks {
        if *is_escaped || Block::of(block).holds_quote_or_backslash() {
            let ends = Block::of(block).quotes(WIDE, is_escaped);
            if ends != 0 {
                return Some(at.saturating_add(ends.trailing_zeros() as usize));
            }
        }
        at = at.saturating_add(WIDE);
    }
    let ends = Block::of_rest(rest).quotes(rest.len(), is_escaped);
    (ends != 0).then(|| at.saturating_add(ends.trailing_zeros() as usize))
}

/// An object or array that is passed over, behind its first bracket.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// How many brackets are open.
    depth: u64,
    is_escaped: bool,
    in_string: bool,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { depth: 1, ..Self::default() }
    }

    /// Behind its last bracket, if `bytes` hold it.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let (blocks, rest) = bytes.as_chunks::<WIDE>();
        let mut at = 0_usize;
        for block in blocks {
            let block = Block::of(block);
            let is_content = self.in_string && !self.is_escaped;
            if is_content && !block.holds_quote_or_backslash() {
                at = at.saturating_add(WIDE);
                continue;
            }
            if let Some(end) = self.pass(&block, WIDE) {
                return Some(at.saturating_add(end));
            }
            at = at.saturating_add(WIDE);
        }
        let end = self.pass(&Block::of_rest(rest), rest.len())?;
        Some(at.saturating_add(end))
    }

    #[inline]
    fn pass(&mut self, block: &Block, len: usize) -> Option<usize> {
        let quotes = block.quotes(len, &mut self.is_escaped);
        let strings = within(quotes) ^ if self.in_string { u64::MAX } else { 0 };
        self.in_string = strings.leading_ones() > 0;
        let (opens, closes) = (block.opens() & !strings, block.closes() & !strings);
        if u64::from(closes.count_ones()) >= self.depth {
            return self.count(opens, closes);
        }
        let depth = self.depth.saturating_add(opens.count_ones().into());
        self.depth = depth.saturating_sub(closes.count_ones().into());
        None
    }

    /// Bracket by bracket, as the last one may be among them.
    fn count(&mut self, opens: u64, closes: u64) -> Option<usize> {
        let mut brackets = opens | closes;
        while brackets != 0 {
            let lowest = brackets & brackets.wrapping_neg();
            if opens & lowest != 0 {
                self.depth = self.depth.saturating_add(1);
            } else {
                self.depth = self.depth.saturating_sub(1);
            }
            if self.depth == 0 {
                return Some((lowest.trailing_zeros() as usize).saturating_add(1));
            }
            brackets &= !lowest;
        }
        None
    }
}

/// Of every byte whether the quotes up to and with it are odd in number.
#[inline]
fn within(quotes: u64) -> u64 {
    let mut within = quotes;
    for shift in [1, 2, 4, 8, 16, 32] {
        within ^= within << shift;
    }
    within
}

/// 64 bytes.
struct Block([u8x16; 4]);

impl Block {
    #[inline]
    fn of(bytes: &[u8; WIDE]) -> Self {
        let mut lanes = [u8x16::default(); 4];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<LANES>().0) {
            *lane = u8x16::new(*bytes);
        }
        Self(lanes)
    }

    /// Of fewer bytes: those that are missing are zero.
    fn of_rest(rest: &[u8]) -> Self {
        let mut block = [0; WIDE];
        block.iter_mut().zip(rest).for_each(|(byte, rest)| *byte = *rest);
        Self::of(&block)
    }

    #[inline]
    fn holds_quote_or_backslash(&self) -> bool {
        let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
        let [first, second, third, fourth] =
            self.0.map(|lane| lane.simd_eq(quote) | lane.simd_eq(backslash));
        (first | second | third | fourth).any()
    }

    /// The quotes that are not escaped, of the first `len` bytes.
    #[inline]
    fn quotes(&self, len: usize, is_escaped: &mut bool) -> u64 {
        let backslashes = self.mask(|lane| equal(lane, b'\\'));
        self.mask(|lane| equal(lane, b'"')) & !escaped(backslashes, len, is_escaped)
    }

    /// `{` and `[`, which are one bit apart.
    #[inline]
    fn opens(&self) -> u64 {
        self.mask(|lane| equal(lane | u8x16::splat(0x20), b'{'))
    }

    #[inline]
    fn closes(&self) -> u64 {
        self.mask(|lane| equal(lane | u8x16::splat(0x20), b'}'))
    }

    #[inline]
    fn mask(&self, of: impl Fn(u8x16) -> u32) -> u64 {
        let [first, second, third, fourth] = self.0.map(|lane| u64::from(of(lane)));
        first | second << 16 | third << 32 | fourth << 48
    }
}

#[inline]
fn equal(lane: u8x16, byte: u8) -> u32 {
    lane.simd_eq(u8x16::splat(byte)).to_bitmask()
}

/// The bytes behind an odd number of backslashes. `carry` is whether the first byte is one of them,
/// and afterwards whether the byte behind the `len` bytes is.
#[inline]
fn escaped(backslashes: u64, len: usize, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
    if backslashes == 0 {
        *carry = *carry && len == 0;
        return first;
    }
    let backslashes = backslashes & !first;
    let behind = backslashes << 1 | first;
    let odd_starts = backslashes & !EVEN & !behind;
    let (sequences, overflows) = odd_starts.overflowing_add(backslashes);
    let escaped = (EVEN ^ sequences << 1) & behind;
    *carry = if len < WIDE { escaped >> len & 1 == 1 } else { overflows };
    escaped
}

/// Whether a number or a word ends before `byte`.
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':' | b'"' | b'[' | b']' | b'{' | b'}')
}
