//! The name of an event, as much of it as is kept.

/// The longest name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A short piece of text out of a stream: what is longer is cut.
#[derive(Clone, Debug)]
pub(super) struct Name {
    bytes: [u8; MAX_NAME_BYTES],
    length: usize,
}

impl Default for Name {
    fn default() -> Self {
        Self { bytes: [0; MAX_NAME_BYTES], length: 0 }
    }
}

impl Name {
    pub(super) fn push(&mut self, piece: &[u8]) {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        let taken = free.len().min(piece.len());
        free.iter_mut().zip(piece).for_each(|(place, byte)| *place = *byte);
        self.length = self.length.saturating_add(taken);
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut() {
        let mut name = Name::default();
        name.push(b"message");
        name.push(b"_stop");
        assert_eq!(name.as_bytes(), b"message_stop");
        name.push(&[b'x'; 100]);
        assert_eq!(name.as_bytes().len(), MAX_NAME_BYTES);
        name.clear();
        assert!(name.as_bytes().is_empty());
    }
}
