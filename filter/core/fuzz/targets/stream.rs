#![no_main]
//! Streams of every kind, whole and in pieces. The first byte says which kind.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some((kind, input)) = input.split_first() {
        ledgerline_fuzz::check_stream(*kind, input);
    }
});
