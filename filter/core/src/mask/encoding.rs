//! How the characters of a body are written, as far as its first bytes tell.
//!
//! A body that says `application/json` may be in UTF-16, which only its first bytes show, or compressed
//! with no header that says so. UTF-16 is looked into: each of its units becomes one to three bytes, as
//! CESU-8 writes them (Unicode TR 26), and what the masker lets through becomes units again. So any body
//! of whole units comes out as it went in. UTF-32 and compressed bytes are opaque.

/// What the first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// UTF-8, ASCII, or anything else whose letters are single bytes.
    Narrow,
    Wide(Order),
    /// UTF-32 or compressed.
    Opaque,
}

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The more significant one.
    Big,
    /// The less significant one.
    Little,
}

/// As many bytes tell.
pub(super) const SNIFFED: usize = 4;

const COMPRESSED: [&[u8]; 12] = [
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x9c",
    b"\x78\xda",
    b"\xfd7zX",
    b"BZh9",
    b"PK\x03\x04",
    b"\x04\x22\x4d\x18",
    b"\x1f\x9d",
    b"\x78\x01",
    b"7z\xbc\xaf",
    b"\xff\x06\0\0",
];

/// Whether two bytes are enough to tell that each letter is a byte: both are of ASCII, and begin nothing
/// that is compressed.
pub(super) fn is_plain(first: &[u8]) -> bool {
    let is_letter = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    first.len() >= 2
        && first.iter().all(is_letter)
        && !COMPRESSED.iter().any(|magic| magic.starts_with(first))
}

/// What a body is that begins like this; `is_declared` if its headers say UTF-16, `is_json` if they say
/// JSON, which no byte begins that is no letter and no sign.
pub(super) fn sniff(first: &[u8], is_declared: bool, is_json: bool) -> Sniffed {
    let by_bytes = match first {
        [0xFF, 0xFE, 0, 0, ..]
        | [0, 0, 0xFE, 0xFF, ..]
        | [1..=255, 0, 0, 0, ..]
        | [0, 0, 0, 1..=255, ..] => Sniffed::Opaque,
        [0xFF, 0xFE, ..] => Sniffed::Wide(Order::Little),
        [0xFE, 0xFF, ..] => Sniffed::Wide(Order::Big),
        [1..=255, 0, 1..=255, 0, ..] | [1..=255, 0] => Sniffed::Wide(Order::Little),
        [0, 1..=255, 0, 1..=255, ..] | [0, 1..=255] => Sniffed::Wide(Order::Big),
        first if COMPRESSED.iter().any(|magic| first.starts_with(magic)) => Sniffed::Opaque,
        [0xEF, 0xBB, 0xBF, ..] => Sniffed::Narrow,
        [0..=8 | 11 | 14..=29 | 31 | 0x80..=0xFF, ..] if is_json => Sniffed::Opaque,
        _ => Sniffed::Narrow,
    };
    match by_bytes {
        Sniffed::Narrow if is_declared => Sniffed::Wide(Order::Big),
        sniffed => sniffed,
    }
}

/// UTF-16 on its way through the masker.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    order: Order,
    /// The first byte of a unit whose second one is to come.
    half: Option<u8>,
    /// The beginning of a unit that comes out.
    rest: Vec<u8>,
}

impl Wide {
    pub(super) fn new(order: Order) -> Self {
        Self { order, half: None, rest: Vec::new() }
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// `chunk` as the masker reads it.
    pub(super) fn narrow(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut narrow = Vec::with_capacity(chunk.len());
        for byte in chunk {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let unit = match self.order {
                Order::Big => u16::from_be_bytes([first, *byte]),
                Order::Little => u16::from_le_bytes([first, *byte]),
            };
            push_unit(unit, &mut narrow);
        }
        narrow
    }

    /// What the masker lets through, as it is written in the body.
    pub(super) fn widen(&mut self, bytes: &[u8], view: &mut dyn FnMut(&[u8])) {
        let mut wide = Vec::with_capacity(bytes.len().saturating_mul(2));
        for byte in bytes {
            self.rest.push(*byte);
            let Some(unit) = unit(&self.rest) else { continue };
            self.rest.clear();
            let pair = match self.order {
                Order::Big => unit.to_be_bytes(),
                Order::Little => unit.to_le_bytes(),
            };
            wide.extend_from_slice(&pair);
        }
        if !wide.is_empty() {
            view(&wide);
        }
    }

    /// The byte that no other one followed.
    pub(super) fn end(&mut self) -> Option<u8> {
        self.half.take()
    }

    /// How many bytes of the body stand for `held` ones, and what was not even read.
    pub(super) fn held(&self, held: &[u8]) -> usize {
        width(held).saturating_add(usize::from(self.half.is_some()))
    }
}

/// How many bytes of the body stand for these of the masker's.
pub(super) fn width(narrow: &[u8]) -> usize {
    let units = narrow.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    units.saturating_mul(2)
}

fn push_unit(unit: u16, out: &mut Vec<u8>) {
    let low = (unit & 0x3F) as u8 | 0x80;
    let middle = (unit >> 6 & 0x3F) as u8;
    match unit {
        0..0x80 => out.push(unit as u8),
        0x80..0x800 => out.extend_from_slice(&[0xC0 | middle, low]),
        _ => out.extend_from_slice(&[0xE0 | (unit >> 12) as u8, 0x80 | middle, low]),
    }
}

/// The unit that these bytes are, if they are a whole one.
fn unit(bytes: &[u8]) -> Option<u16> {
    let bits = |byte: u8| u16::from(byte & 0x3F);
    match *bytes {
        [byte @ 0..0x80] => Some(u16::from(byte)),
        [first @ 0xC0..0xE0, second] => Some(u16::from(first & 0x1F) << 6 | bits(second)),
        [first @ 0xE0..=0xFF, second, third] => {
            Some(u16::from(first & 0x0F) << 12 | bits(second) << 6 | bits(third))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_bytes_tell() {
        for (first, sniffed) in [
            (&b"{\"a\""[..], Sniffed::Narrow),
            (b"", Sniffed::Narrow),
            (b"{\0\"\0", Sniffed::Wide(Order::Little)),
            (b"\0{\0\"", Sniffed::Wide(Order::Big)),
            (b"\xff\xfe{\0", Sniffed::Wide(Order::Little)),
            (b"\xfe\xff\0{", Sniffed::Wide(Order::Big)),
            (b"{\0\0\0", Sniffed::Opaque),
            (b"\0\0\0{", Sniffed::Opaque),
            (b"\xff\xfe\0\0", Sniffed::Opaque),
            (b"\x1f\x8b\x08\0", Sniffed::Opaque),
            (b"x = 1", Sniffed::Narrow),
        ] {
            assert_eq!(sniff(first, false, false), sniffed, "{first:?}");
        }
    }

    proptest! {
        #[test]
        fn any_units_come_out_as_they_went_in(units: Vec<u16>, cut in 0_usize..50) {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            let mut wide = Wide::new(Order::Big);
            let mut out = Vec::new();
            let (head, rest) = bytes.split_at(cut.min(bytes.len()));
            for chunk in [head, rest] {
                let narrow = wide.narrow(chunk);
                for byte in narrow {
                    wide.widen(&[byte], &mut |bytes| out.extend_from_slice(bytes));
                }
            }
            prop_assert_eq!(out, bytes);
        }
    }
}
