#![no_main]
//! Forms, URL-encoded and in parts.

use ledgerline_core::mask::Syntax;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    ledgerline_fuzz::check(input, &Syntax::Form);
    ledgerline_fuzz::check(input, &Syntax::Multipart((*b"b-1").into()));
});
