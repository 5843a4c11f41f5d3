//! Length-prefixed messages of gRPC.
//!
//! A message stands behind five bytes: whether it is compressed, and its length (gRPC over HTTP/2,
//! "Length-Prefixed-Message"). It is protobuf, which without its schema cannot be looked into, so
//! it is hashed as it crossed and says nothing.

use super::{Said, chain::Chain};

const HEAD_BYTES: usize = 5;

/// Finds the messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Grpc {
    head: [u8; HEAD_BYTES],
    /// How much of the head is known.
    known: usize,
    /// How much of the message is to come.
    left: u64,
    is_broken: bool,
}

impl Grpc {
    pub(super) fn push(&mut self, bytes: &[u8], chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        let mut rest = bytes;
        while !self.is_broken && !rest.is_empty() {
            rest = if self.known < HEAD_BYTES {
                self.read_head(rest, chain)
            } else {
                self.pass(rest, chain)
            };
            if self.known == HEAD_BYTES && self.left == 0 && !self.is_broken {
                self.known = 0;
                chain.end();
                said(Said::End { name: b"" });
            }
        }
    }

    fn read_head<'b>(&mut self, bytes: &'b [u8], chain: &mut Chain) -> &'b [u8] {
        let missing = HEAD_BYTES.saturating_sub(self.known);
        let (piece, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        let places = self.head.iter_mut().skip(self.known);
        places.zip(piece).for_each(|(place, byte)| *place = *byte);
        self.known = self.known.saturating_add(piece.len());
        if self.known == HEAD_BYTES {
            let [flags, length @ ..] = self.head;
            self.left = u64::from(u32::from_be_bytes(length));
            self.is_broken = flags > 1;
            chain.take(&self.head);
        }
        rest
    }

    fn pass<'b>(&mut self, bytes: &'b [u8], chain: &mut Chain) -> &'b [u8] {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (piece, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        self.left = self.left.saturating_sub(piece.len() as u64);
        chain.take(piece);
        rest
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }
}
