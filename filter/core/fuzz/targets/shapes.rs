#![no_main]
//! Plain text, and the ids and names that stand in an entry. In the latter the value behind a secret's name counts whatever it
//! looks like, so the two do not agree in all; both only have to come to an end.

use ledgerline_core::mask::Syntax;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    ledgerline_fuzz::check(input, &Syntax::Text);
    if let Ok(text) = std::str::from_utf8(input) {
        let _masked = ledgerline_fuzz::rules().mask_text(text);
    }
});
