//! Test-only: hashes memory of the VM on demand, to show what SHA-256 alone costs in this VM.
//!
//! Built with the feature `hash-kernel` only. The request header `x-ledgerline-hash-kernel` says how
//! many blocks of 64 KiB to hash. No byte of them comes from the host, so the CPU time of such a
//! request is that of the hash function and of next to nothing else.

use std::hint::black_box;

use ledgerline_core::digest::Digest;

/// As large as the slices in which bodies are hashed.
const BLOCK_BYTES: usize = 64 * 1024;

pub(crate) fn run<'h>(headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) {
    let mut headers = headers;
    let count = headers.find(|(name, _)| *name == b"x-ledgerline-hash-kernel");
    let count = count.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse::<u32>().ok());
    let block = vec![0x5a; BLOCK_BYTES];
    for _ in 0..count.unwrap_or_default() {
        black_box(Digest::of(black_box(&block)));
    }
}
