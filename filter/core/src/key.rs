//! The operator's key: who has it can check a digest, and who has not cannot guess one.
//!
//! A short prompt can be guessed from its plain SHA-256: hash every likely prompt and compare. With
//! a key the digest is an HMAC-SHA-256 (RFC 2104), and so is the fingerprint of a credential; an
//! entry names the key by its id, so that keys can be changed. The key itself never leaves this
//! type: it is kept as the two states that HMAC begins with, and `Debug` prints a mark.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The least that a key must have, in bytes: as many as the digest (RFC 2104, section 3).
pub const MIN_KEY_BYTES: usize = 32;

/// A key and the id by which entries name it.
#[derive(Clone)]
pub struct Key {
    id: Box<str>,
    mac: Hmac<Sha256>,
}

impl Key {
    /// The key made of `secret`; `None` if it has fewer than [`MIN_KEY_BYTES`].
    pub fn new(id: &str, secret: &[u8]) -> Option<Self> {
        if secret.len() < MIN_KEY_BYTES {
            return None;
        }
        Some(Self { id: id.into(), mac: Hmac::new_from_slice(secret).ok()? })
    }

    /// The id, which is no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for one more purpose: what is made with it says nothing about what this one makes.
    pub(crate) fn derive(&self, purpose: &str) -> Option<Self> {
        Self::new(&self.id, &self.sign(purpose.as_bytes()))
    }

    /// The HMAC-SHA-256 of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 32] {
        self.mac().chain_update(message).finalize().into_bytes().into()
    }

    /// An HMAC-SHA-256 that has seen nothing yet.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        self.mac.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}: ***)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_shows_itself() {
        let key = Key::new("k1", &[b'x'; MIN_KEY_BYTES]).unwrap();
        assert_eq!(format!("{key:?}"), "Key(k1: ***)");
    }

    #[test]
    fn a_short_key_is_none() {
        assert!(Key::new("k1", &[b'x'; MIN_KEY_BYTES - 1]).is_none());
    }

    /// RFC 4231, test case 6: a key that is longer than a block.
    #[test]
    fn it_signs_as_rfc_4231_says() {
        let key = Key::new("k1", &[0xaa; 131]).unwrap();
        let signed = key.sign(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(signed[..4], [0x60, 0xe4, 0x31, 0x59]);
        assert_ne!(key.derive("a").unwrap().sign(b"x"), key.derive("b").unwrap().sign(b"x"));
    }
}
