#![no_main]
//! Names, signs and values in every notation and in every escape: each byte of the input is a piece of them.

use ledgerline_core::mask::Syntax;
use libfuzzer_sys::fuzz_target;

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "password", "api_key", "token", "secret", "key", "PASSWORD", "X-API-Key", "value", "name", "by", "Authorization", "cookie", "curl ",
    "mysql ", "login ", "user ", "ENV ", "IDENTIFIED ", "kind: Secret\n", "data:\n  ", "pass%77ord", "pass\\u0077ord", "contraseña", "密码", "key2",
    "_", "-", ".", " ", "\n", "\t", "\\n", "\\t", "\\\\n", "=", ":", "==", "=>", ":=", "::", ":::=", "?=", "<-", "!=", ",", ";", "&", "?", "#",
    "(", ")", "[", "]", "{", "}", "<", ">", "</", "\"", "'", "`", "\\\"", "\\\\\\\"", "\\u0022", "%22", "%2522", "\\", "%", "%2", "%5B", "%5D",
    "\\u00", "*", "|\n ", "--", "-p ", "-u ", "@", "://", "a:b@", "hunter2x-Fake9", "A1b2C3d4E5f6G7h8", "x", "sk-", "ghp_", "eyJ", "s.", "LS0tLS1CRUdJTi",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "\n> ", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "cGFzc3dvcmQ6IGh1bnRlcjI=", "Bearer ", "Basic ",
    "17", "\"logprob\"", "\"type\":", "true", "arn:", "\r\n", "\u{1b}[31m", "is ", "var ", "string ", ": str", "\0", "\u{feff}", "Content-Transfer-Encoding: base64\r\n\r\n",
];

fuzz_target!(|input: &[u8]| {
    let Some((sizes, pieces)) = input.split_first_chunk::<2>() else { return };
    let pieces = pieces.iter().map(|byte| PIECES[usize::from(*byte) % PIECES.len()].as_bytes());
    let mut body = sizes.to_vec();
    body.extend(pieces.flatten());
    for syntax in [Syntax::Text, Syntax::Json, Syntax::Form] {
        ledgerline_fuzz::check(&body, &syntax);
    }
    // The same in UTF-16.
    let wide = body.iter().enumerate().flat_map(|(place, byte)| match place {
        0 | 1 => [*byte].to_vec(),
        _ => [*byte, 0].to_vec(),
    });
    ledgerline_fuzz::check(&wide.collect::<Vec<_>>(), &Syntax::Utf16);
});
