//! Base64 (RFC 4648, section 4), decoded as it passes.

/// Decodes text that comes in pieces. Padding ends a text, and another one may follow; whatever else
/// is no digit is passed over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    /// The bits of the digits so far, fewer than eight of them.
    bits: u32,
    count: u32,
}

impl Decoder {
    /// The next piece of the text; the bytes that it completes go to `decoded`.
    pub(crate) fn push(&mut self, text: &[u8], decoded: &mut dyn FnMut(&[u8])) {
        for block in text.chunks(BLOCK) {
            let mut bytes = [0; BLOCK];
            let mut free = bytes.iter_mut();
            for byte in block.iter().filter_map(|character| self.decode(*character)) {
                if let Some(place) = free.next() {
                    *place = byte;
                }
            }
            let length = BLOCK.saturating_sub(free.len());
            decoded(bytes.get(..length).unwrap_or_default());
        }
    }

    /// The text ended. Nothing is left then that makes a byte.
    pub(crate) fn finish(&mut self) {
        *self = Self::default();
    }

    fn decode(&mut self, character: u8) -> Option<u8> {
        if character == b'=' {
            self.finish();
        }
        self.bits = self.bits << 6 | u32::from(digit(character)?);
        self.count = self.count.wrapping_add(6);
        if self.count < 8 {
            return None;
        }
        self.count = self.count.wrapping_sub(8);
        let byte = self.bits >> self.count;
        self.bits &= (1_u32 << self.count).wrapping_sub(1);
        u8::try_from(byte).ok()
    }
}

/// How many characters are decoded at a time.
const BLOCK: usize = 256;

/// The six bits of a digit, in either alphabet.
pub(crate) fn digit(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(character.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(character.wrapping_sub(b'0').wrapping_add(52)),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for group in bytes.chunks(3) {
            let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
                << (8 * (3 - group.len()));
            for place in 0..4 {
                let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
                text.push(if place <= group.len() { digit } else { b'=' });
            }
        }
        text
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back_in_any_split(bytes: Vec<u8>, at: prop::sample::Index) {
            let text = encoded(&bytes);
            let (head, tail) = text.split_at(at.index(text.len() + 1));
            let (mut decoder, mut decoded) = (Decoder::default(), Vec::new());
            for piece in [head, tail] {
                decoder.push(piece, &mut |bytes| decoded.extend_from_slice(bytes));
            }
            prop_assert_eq!(decoded, bytes);
        }
    }
}
