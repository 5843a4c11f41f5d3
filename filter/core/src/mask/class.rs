//! Classes of characters, as bit sets that a table gives for each byte.

/// A set of characters.
pub(super) type Class = u16;

pub(super) const DIGIT: Class = 1;
pub(super) const LOWER_HEX: Class = 1 << 1;
pub(super) const LOWER_REST: Class = 1 << 2;
pub(super) const UPPER_HEX: Class = 1 << 3;
pub(super) const UPPER_REST: Class = 1 << 4;
pub(super) const DASH: Class = 1 << 5;
pub(super) const UNDERSCORE: Class = 1 << 6;
pub(super) const DOT: Class = 1 << 7;
/// `+` and `/`, as in base64.
pub(super) const PLUS_SLASH: Class = 1 << 8;
pub(super) const EQUALS: Class = 1 << 9;
pub(super) const TILDE: Class = 1 << 10;
pub(super) const COLON: Class = 1 << 11;
pub(super) const AT: Class = 1 << 12;
/// Space, tab, line feed, carriage return.
pub(super) const SPACE: Class = 1 << 13;
/// What may stand within a token or an escape of one: see [`super::prefilter`].
pub(super) const TOKEN: Class = 1 << 14;
pub(super) const COMMA: Class = 1 << 15;

pub(super) const LOWER: Class = LOWER_HEX | LOWER_REST;
pub(super) const UPPER: Class = UPPER_HEX | UPPER_REST;
pub(super) const ALNUM: Class = DIGIT | LOWER | UPPER;
pub(super) const HEX: Class = DIGIT | LOWER_HEX | UPPER_HEX;
/// The alphabet of base64url without padding (RFC 4648, section 5).
pub(super) const WORD: Class = ALNUM | DASH | UNDERSCORE;
/// The alphabet of base64 with padding (RFC 4648, section 4).
pub(super) const BASE64: Class = ALNUM | PLUS_SLASH | EQUALS;

const TABLE: [Class; 256] = table();

/// The classes that `byte` belongs to.
pub(super) fn class_of(byte: u8) -> Class {
    TABLE.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether `byte` belongs to `class`.
pub(super) fn is_in(byte: u8, class: Class) -> bool {
    class_of(byte) & class != 0
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated while compiling"
)]
const fn table() -> [Class; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT | TOKEN,
            b'a'..=b'f' => LOWER_HEX | TOKEN,
            b'g'..=b'z' => LOWER_REST | TOKEN,
            b'A'..=b'F' => UPPER_HEX | TOKEN,
            b'G'..=b'Z' => UPPER_REST | TOKEN,
            b'-' => DASH | TOKEN,
            b'_' => UNDERSCORE | TOKEN,
            b'.' => DOT | TOKEN,
            b'+' | b'/' => PLUS_SLASH | TOKEN,
            b'~' => TILDE | TOKEN,
            b'%' | b'\\' => TOKEN,
            b'=' => EQUALS,
            b':' => COLON,
            b'@' => AT,
            b' ' | b'\t' | b'\n' | b'\r' => SPACE,
            b',' => COMMA,
            _ => 0,
        };
        byte += 1;
    }
    table
}
