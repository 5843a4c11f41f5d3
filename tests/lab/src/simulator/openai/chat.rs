//! Chat completions.

use serde_json::{Value, json};

use super::{ARGUMENTS, WORDS};
use crate::simulator::stream::Event;

/// The answer of `POST /v1/chat/completions`.
pub fn completion(model: &str) -> Value {
    let message = json!({"role": "assistant", "content": WORDS.concat(), "refusal": null});
    answer(model, &message, "stop")
}

/// The answer that calls a tool.
pub(super) fn tool_call(model: &str, tool: &str) -> Value {
    let function = json!({"name": tool, "arguments": ARGUMENTS.concat()});
    let call = json!({"id": CALL_ID, "type": "function", "function": function});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    answer(model, &message, "tool_calls")
}

/// The events of a streamed chat completion, `[DONE]` included.
pub fn completion_events(model: &str, include_usage: bool) -> Vec<Event> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(WORDS.map(|word| json!({"content": word})));
    events(model, deltas, "stop", include_usage)
}

/// The events of a streamed answer with two choices, one behind the other; the second may be left unfinished.
pub(super) fn choices_events(model: &str, unfinished: bool) -> Vec<Event> {
    let mut events = completion_events(model, false);
    events.pop();
    let second = completion_events(model, false)
        .into_iter()
        .map(|event| Event { data: event.data.replace(r#""index":0"#, r#""index":1"#), ..event });
    events.extend(second.take(if unfinished { 2 } else { usize::MAX }));
    events
}

/// The events of a streamed answer that calls a tool.
pub(super) fn tool_call_events(model: &str, tool: &str, include_usage: bool) -> Vec<Event> {
    let call = |fields: Value| json!({"tool_calls": [fields]});
    let function = json!({"name": tool, "arguments": ""});
    let mut deltas = vec![
        json!({"role": "assistant", "content": null}),
        call(json!({"index": 0, "id": CALL_ID, "type": "function", "function": function})),
    ];
    deltas.extend(ARGUMENTS.map(|part| call(json!({"index": 0, "function": {"arguments": part}}))));
    events(model, deltas, "tool_calls", include_usage)
}

/// A stream that ends with an error in the middle of the text.
pub(super) fn broken_events(model: &str) -> Vec<Event> {
    let mut events = completion_events(model, false);
    events.truncate(3);
    let error = json!({"message": "The server had an error", "type": "server_error"});
    events.push(Event::unnamed(json!({"error": error})));
    events
}

const CALL_ID: &str = "call_simulated";

fn answer(model: &str, message: &Value, reason: &str) -> Value {
    json!({
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [
            {"index": 0, "message": message, "logprobs": null, "finish_reason": reason}
        ],
        "usage": usage(),
        "service_tier": "default",
        "system_fingerprint": "fp_simulated"
    })
}

/// Usage is an event of its own, without a choice, and only where it was asked for.
fn events(model: &str, deltas: Vec<Value>, reason: &str, include_usage: bool) -> Vec<Event> {
    let chunk = |choices: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": model,
            "service_tier": "default",
            "choices": choices
        });
        if include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let choice = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]))
    };
    let mut chunks: Vec<_> = deltas.into_iter().map(|delta| choice(delta, Value::Null)).collect();
    chunks.push(choice(json!({}), json!(reason)));
    if include_usage {
        let mut last = chunk(json!([]));
        last["usage"] = usage();
        chunks.push(last);
    }
    let padded = chunks.into_iter().enumerate().map(|(number, mut chunk)| {
        chunk["obfuscation"] = json!(obfuscation(number));
        Event::unnamed(chunk)
    });
    padded.chain([Event::unnamed("[DONE]")]).collect()
}

/// The characters with which OpenAI hides the length of a word.
fn obfuscation(number: usize) -> String {
    "hTq7Vw2Lr9Zk4".chars().cycle().skip(number * 5).take(number * 3 % 11 + 1).collect()
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 31,
        "completion_tokens": 14,
        "total_tokens": 45,
        "prompt_tokens_details": {
            "cached_tokens": 8, "cache_write_tokens": 2, "audio_tokens": 0
        },
        "completion_tokens_details": {
            "reasoning_tokens": 5, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        }
    })
}
