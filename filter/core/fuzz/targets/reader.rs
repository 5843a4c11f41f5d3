#![no_main]
//! What is found in JSON, whole and in pieces, and in what only looks like it.

use ledgerline_core::reader::{MAX_VALUE_BYTES, Paths, Reader, Value};
use libfuzzer_sys::fuzz_target;

const TABLE: &[(&str, usize)] = &[
    ("", 0),
    ("{}", 1),
    ("model", 2),
    ("usage.input_tokens", 3),
    ("choices[].finish_reason", 4),
    ("choices[].delta{}", 5),
    ("[].method", 6),
    ("[][]", 7),
    ("bytes~", 8),
    ("error", 9),
    ("error{}", 10),
    ("error.type", 11),
];

// The first two bytes say how the rest comes in chunks.
fuzz_target!(|input: &[u8]| {
    let Some((sizes, document)) = input.split_first_chunk::<2>() else { return };
    let whole = read(document, &[document.len().max(1)]);
    let chunked = read(document, &sizes.map(|size| usize::from(size) % 41 + 1));
    assert_eq!(whole, chunked, "the same bytes in other chunks");
});

/// What was found, one line each; the pieces of a string are joined.
fn read(document: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (paths, mut reader, mut found) = (Paths::new(TABLE), Reader::default(), Vec::new());
    let mut rest = document;
    for size in sizes.iter().cycle() {
        let (chunk, later) = rest.split_at(rest.len().min(*size));
        reader.push(&paths, chunk, &mut |field, value| note(&mut found, field, value));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    reader.finish(&paths, &mut |field, value| note(&mut found, field, value));
    assert!(found.len() <= 64 + 64 * document.len(), "{} bytes were found", found.len());
    reader.push(&paths, br#"{"error":"x"}"#, &mut |field, value| {
        let next = match field {
            1 => matches!(value, Value::Begin | Value::End),
            _ => field == 9 && value == Value::Text { text: "x", cut: false },
        };
        assert!(next, "the next document does not begin from a clean state: {field} {value:?}");
    });
    found
}

fn note(found: &mut Vec<u8>, field: usize, value: Value<'_>) {
    match value {
        Value::Piece(piece) => found.extend_from_slice(piece),
        Value::Text { text, cut } => {
            assert!(text.len() <= MAX_VALUE_BYTES, "a text of {} bytes", text.len());
            found.extend_from_slice(format!("\n{field} {cut} {text}").as_bytes());
        }
        value => found.extend_from_slice(format!("\n{field} {value:?}").as_bytes()),
    }
}
