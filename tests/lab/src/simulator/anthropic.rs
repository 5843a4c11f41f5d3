//! Answers in the shapes of the Anthropic API: messages.
//!
//! Shapes: <https://docs.anthropic.com/en/api/messages>. `input_tokens` counts what no cache held;
//! `message_start` holds the first numbers, `message_delta` the last.

use serde_json::{Value, json};

use super::openai::{ARGUMENTS, WORDS};
use super::reply::{Asked, Reply, Wish};
use super::stream::{Event, Streamed};

/// The answer of `POST /v1/messages`.
pub fn reply(asked: &Asked) -> Reply {
    if asked.is_throttled() {
        let error = error("rate_limit_error", "Number of requests has exceeded your rate limit");
        let reply = Reply::json(error).with_status(429);
        return reply.with(&[("retry-after", "1")]).with(&HEADERS);
    }
    let model = asked.model();
    let tool = asked.tool("/tools/0/name", &["tool_result"]);
    let reply = match (tool, asked.streams()) {
        (Some(tool), true) => events(&tool_use_events(model, tool)),
        (Some(tool), false) => Reply::json(tool_use(model, tool)),
        (None, true) if asked.wishes(Wish::BreakOff) => events(&broken_events(model)),
        (None, true) => events(&message_events(model)),
        (None, false) => Reply::json(message(model)),
    };
    reply.with(&HEADERS)
}

/// The answer of `POST /v1/messages/count_tokens`.
pub fn count_tokens() -> Reply {
    Reply::json(json!({"input_tokens": 68})).with(&HEADERS)
}

/// The answer of `POST /v1/messages/batches`.
pub fn batch() -> Reply {
    let counts = json!({
        "processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0
    });
    Reply::json(json!({
        "id": "msgbatch_simulated", "type": "message_batch", "processing_status": "in_progress",
        "request_counts": counts, "created_at": "2026-09-21T00:00:00Z",
        "expires_at": "2026-09-22T00:00:00Z", "ended_at": null, "results_url": null
    }))
    .with(&HEADERS)
}

/// A message of text.
pub fn message(model: &str) -> Value {
    let text = json!([{"type": "text", "text": WORDS.concat(), "citations": null}]);
    finished(model, &text, "end_turn")
}

/// The named events of a streamed message.
pub fn message_events(model: &str) -> Vec<Event> {
    let mut events = begun(model, &json!({"type": "text", "text": ""}));
    events.push(("ping", json!({})));
    events.extend(WORDS.map(|text| delta(json!({"type": "text_delta", "text": text}))));
    ended(events, "end_turn")
}

/// A message that uses a tool.
fn tool_use(model: &str, tool: &str) -> Value {
    let input: Value = serde_json::from_str(&ARGUMENTS.concat()).unwrap_or_default();
    let block = json!({"type": "tool_use", "id": TOOL_USE_ID, "name": tool, "input": input});
    finished(model, &json!([block]), "tool_use")
}

fn tool_use_events(model: &str, tool: &str) -> Vec<Event> {
    let block = json!({"type": "tool_use", "id": TOOL_USE_ID, "name": tool, "input": {}});
    let mut events = begun(model, &block);
    events.extend(
        ARGUMENTS.map(|part| delta(json!({"type": "input_json_delta", "partial_json": part}))),
    );
    ended(events, "tool_use")
}

/// A stream that ends as an overloaded provider ends it, after a good status.
fn broken_events(model: &str) -> Vec<Event> {
    let mut events = begun(model, &json!({"type": "text", "text": ""}));
    events.push(("error", error("overloaded_error", "Overloaded")));
    named(events)
}

const TOOL_USE_ID: &str = "toolu_simulated";

const HEADERS: [(&str, &str); 12] = [
    ("anthropic-organization-id", "6a2b6a56-2d5c-4f0e-8b1a-simulated00"),
    ("anthropic-ratelimit-requests-limit", "50"),
    ("anthropic-ratelimit-requests-remaining", "48"),
    ("anthropic-ratelimit-requests-reset", "2026-11-20T12:00:01Z"),
    ("anthropic-ratelimit-tokens-limit", "48000"),
    ("anthropic-ratelimit-tokens-remaining", "47000"),
    ("anthropic-ratelimit-tokens-reset", "2026-11-20T12:00:02Z"),
    ("anthropic-ratelimit-input-tokens-limit", "40000"),
    ("anthropic-ratelimit-input-tokens-remaining", "39000"),
    ("anthropic-ratelimit-output-tokens-limit", "8000"),
    ("anthropic-ratelimit-output-tokens-remaining", "7900"),
    ("cf-ray", "9a1b2c3d4e5f6789-FRA"),
];

type Named = (&'static str, Value);

fn events(events: &[Event]) -> Reply {
    Reply::stream(Streamed::sse(events))
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": null})
}

fn finished(model: &str, content: &Value, reason: &str) -> Value {
    let mut message = unfinished(model);
    message["content"] = content.clone();
    message["stop_reason"] = json!(reason);
    message["usage"]["output_tokens"] = json!(23);
    message
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
        "usage": {
            "input_tokens": 21,
            "cache_creation_input_tokens": 13,
            "cache_read_input_tokens": 34,
            "output_tokens": 2,
            "service_tier": "standard"
        }
    })
}

fn begun(model: &str, block: &Value) -> Vec<Named> {
    vec![
        ("message_start", json!({"message": unfinished(model)})),
        ("content_block_start", json!({"index": 0, "content_block": block})),
    ]
}

fn delta(delta: Value) -> Named {
    ("content_block_delta", json!({"index": 0, "delta": delta}))
}

fn ended(mut events: Vec<Named>, reason: &str) -> Vec<Event> {
    let stop = json!({"stop_reason": reason, "stop_sequence": null});
    events.extend([
        ("content_block_stop", json!({"index": 0})),
        ("message_delta", json!({"delta": stop, "usage": {"output_tokens": 23}})),
        ("message_stop", json!({})),
    ]);
    named(events)
}

fn named(events: Vec<Named>) -> Vec<Event> {
    let named = |(name, mut data): Named| {
        data["type"] = json!(name);
        Event::named(name, data)
    };
    events.into_iter().map(named).collect()
}
