//! Bodies whose bytes are known at every offset, and the running digest of bodies seen.
//!
//! An aborted call has no "right" hash known beforehand: how much crossed is a race. But the bytes
//! of a [`Pattern`] depend on their offset only, so a test can ask afterwards for the digest of the
//! first `n` bytes, whatever `n` turned out to be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};

/// The SHA-256 of a whole body, lower-case hex, as in an entry.
pub fn sha256(bytes: &[u8]) -> String {
    let mut tally = Tally::default();
    tally.push(bytes);
    tally.sha256()
}

/// How many bytes of a body were seen so far, and their digest.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    hasher: Sha256,
    bytes: u64,
}

impl Tally {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The number of bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of the bytes so far, lower-case hex.
    pub fn sha256(&self) -> String {
        self.hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A body of `length` bytes that are a function of their offset; generated as it is read, never
/// held.
#[derive(Clone, Debug)]
pub struct Pattern {
    length: u64,
    position: u64,
    step: usize,
    tells_size: bool,
}

impl Pattern {
    /// A body of `length` bytes, in frames of up to 64 KiB.
    pub fn new(length: u64) -> Self {
        Self::in_steps(length, 64 * 1024)
    }

    /// A body of `length` bytes, in frames of up to `step` bytes.
    pub fn in_steps(length: u64, step: usize) -> Self {
        Self { length, position: 0, step, tells_size: true }
    }

    /// The same without telling its size, so that HTTP/1.1 carries it in chunks.
    pub fn without_size(self) -> Self {
        Self { tells_size: false, ..self }
    }

    /// Size and digest of the whole.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let mut rest = Self { position: 0, ..self.clone() };
        while let Some(bytes) = rest.next_bytes() {
            tally.push(&bytes);
        }
        tally
    }

    /// The digest of the whole.
    pub fn sha256(&self) -> String {
        self.tally().sha256()
    }

    /// The next bytes, `None` at the end.
    pub fn next_bytes(&mut self) -> Option<Bytes> {
        let remaining = self.length - self.position;
        if remaining == 0 {
            return None;
        }
        let start = (self.position % BLOCK.len() as u64) as usize;
        let size =
            self.step.min(BLOCK.len() - start).min(remaining.try_into().unwrap_or(usize::MAX));
        self.position += size as u64;
        Some(BLOCK.slice(start..start + size))
    }
}

impl Body for Pattern {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next_bytes().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.position == self.length
    }

    fn size_hint(&self) -> SizeHint {
        if self.tells_size {
            SizeHint::with_exact(self.length - self.position)
        } else {
            SizeHint::default()
        }
    }
}

/// A prime number of bytes, so that a lost or repeated buffer of the usual powers of two shifts the
/// rest.
static BLOCK: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..1_048_573)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_equals_the_known_digest() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
    }

    #[test]
    fn a_shorter_pattern_is_a_prefix_of_a_longer_one() {
        let bytes = |length| {
            let mut pattern = Pattern::new(length);
            std::iter::from_fn(|| pattern.next_bytes()).flatten().collect::<Vec<u8>>()
        };
        let long = bytes(3_000_000);
        for length in [0, 1, 65_536, 1_048_573, 1_048_574, 2_999_999] {
            assert_eq!(bytes(length), long[..length as usize]);
            assert_eq!(Pattern::new(length).sha256(), sha256(&long[..length as usize]));
        }
    }
}
