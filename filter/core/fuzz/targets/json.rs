#![no_main]
//! JSON, whole and in pieces, and what only looks like it.

use ledgerline_core::mask::Syntax;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| ledgerline_fuzz::check(input, &Syntax::Json));
