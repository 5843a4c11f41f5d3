//! Header pairs in the form in which a proxy-wasm host hands them over.
//!
//! ```text
//! count: u32 | (name length: u32, value length: u32) × count | (name 0x00 value 0x00) × count
//! ```
//!
//! All integers are little-endian (proxy-wasm ABI 0.2.1, "Serialized Header Maps"). The SDK copies
//! each name and value into a vector of its own; here they stay where they are. A map that ends
//! early yields what it held: nothing in it can make this code panic or read outside of it.

/// The pairs of one serialized header map, in wire order, duplicates included.
#[derive(Clone, Debug)]
pub(crate) struct Pairs<'a> {
    lengths: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(map: &'a [u8]) -> Self {
        Self::parse(map).unwrap_or(Self { lengths: &[], bytes: &[] })
    }

    fn parse(map: &'a [u8]) -> Option<Self> {
        let (count, rest) = take_u32(map)?;
        let (lengths, bytes) = rest.split_at_checked(count.checked_mul(8)?)?;
        Some(Self { lengths, bytes })
    }

    fn take_pair(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (name_length, rest) = take_u32(self.lengths)?;
        let (value_length, rest) = take_u32(rest)?;
        let (name, bytes) = take_terminated(self.bytes, name_length)?;
        let (value, bytes) = take_terminated(bytes, value_length)?;
        *self = Self { lengths: rest, bytes };
        Some((name, value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.take_pair()
    }
}

/// A header map in the same form, for the host to read.
pub(crate) fn serialize(pairs: &[(&str, &str)]) -> Vec<u8> {
    let length = |text: &str| u32::try_from(text.len()).unwrap_or_default().to_le_bytes();
    let mut map = u32::try_from(pairs.len()).unwrap_or_default().to_le_bytes().to_vec();
    pairs.iter().for_each(|(name, value)| map.extend([length(name), length(value)].concat()));
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        map.extend_from_slice(text.as_bytes());
        map.push(0);
    }
    map
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn take_terminated(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    Some((taken, rest.split_first()?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_duplicates() {
        let pairs = [(":method", "GET"), ("via", "a"), ("via", ""), ("", "x")];
        let read: Vec<_> = Pairs::new(&serialize(&pairs))
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()))
            .collect();
        let expected = pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(read, expected);
        assert_eq!(Pairs::new(&[]).count(), 0);
    }

    #[test]
    fn no_prefix_and_no_flipped_byte_of_a_map_does_harm() {
        let map = serialize(&[(":method", "GET"), ("via", "a")]);
        for end in 0..map.len() {
            assert!(Pairs::new(&map[..end]).count() <= 2);
        }
        for at in 0..map.len() {
            for byte in [0x00, 0x7f, 0xff] {
                let mut bent = map.clone();
                bent[at] = byte;
                let _ = Pairs::new(&bent).count();
            }
        }
    }
}
