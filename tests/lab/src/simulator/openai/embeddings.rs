//! Embeddings.

use serde_json::{Value, json};

use crate::simulator::eventstream::base64;

/// The vector of every text.
const VECTOR: [f32; 3] = [0.25, -0.5, 0.125];

/// The answer of `POST /v1/embeddings`; in base64 the numbers are little-endian.
pub fn embeddings(model: &str, in_base64: bool) -> Value {
    let bytes: Vec<_> = VECTOR.iter().flat_map(|number| number.to_le_bytes()).collect();
    let vector = if in_base64 { json!(base64(&bytes)) } else { json!(VECTOR) };
    json!({
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 9, "total_tokens": 9}
    })
}
