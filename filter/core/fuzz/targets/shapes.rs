#![no_main]
//! Plain text, and the ids and names that stand in an entry.

use ledgerline_core::mask::Syntax;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    ledgerline_fuzz::check(input, &Syntax::Text);
    if let Ok(text) = std::str::from_utf8(input) {
        let masked = ledgerline_fuzz::rules().mask_text(text).into_owned();
        assert_eq!(masked.as_bytes(), ledgerline_fuzz::view(input, &Syntax::Text), "as a body");
    }
});
