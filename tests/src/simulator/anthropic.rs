//! Answers in the shapes of the Anthropic API: messages.
//!
//! Shapes: <https://docs.anthropic.com/en/api/messages>.

use serde_json::{Value, json};

use super::openai::WORDS;
use super::provider::Event;

/// The answer of `POST /v1/messages`.
pub fn message(model: &str) -> Value {
    let mut message = unfinished(model);
    message["content"] = json!([{"type": "text", "text": WORDS.concat(), "citations": null}]);
    message["stop_reason"] = json!("end_turn");
    message["usage"]["output_tokens"] = json!(4);
    message
}

/// The named events of a streamed message.
pub fn message_events(model: &str) -> Vec<Event> {
    let delta = |text| {
        let delta = json!({"type": "text_delta", "text": text});
        ("content_block_delta", json!({"index": 0, "delta": delta}))
    };
    let stop = json!({"stop_reason": "end_turn", "stop_sequence": null});
    let block = json!({"type": "text", "text": ""});
    let mut events = vec![
        ("message_start", json!({"message": unfinished(model)})),
        ("content_block_start", json!({"index": 0, "content_block": block})),
        ("ping", json!({})),
    ];
    events.extend(WORDS.map(delta));
    events.extend([
        ("content_block_stop", json!({"index": 0})),
        ("message_delta", json!({"delta": stop, "usage": {"output_tokens": 4}})),
        ("message_stop", json!({})),
    ]);
    let named = |(name, mut data): (&'static str, Value)| {
        data["type"] = json!(name);
        Event { name: Some(name), data: data.to_string() }
    };
    events.into_iter().map(named).collect()
}

fn unfinished(model: &str) -> Value {
    json!({
        "id": "msg_simulated",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": 7, "output_tokens": 1}
    })
}
