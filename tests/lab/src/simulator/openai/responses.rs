//! Responses.

use serde_json::{Value, json};

use super::{ARGUMENTS, WORDS};
use crate::simulator::stream::Event;

/// The answer of `POST /v1/responses`.
pub fn response(model: &str) -> Value {
    object(model, "completed", json!([message("completed", json!([text()]))]))
}

/// The answer that calls a function.
pub(super) fn function_call(model: &str, tool: &str) -> Value {
    object(model, "completed", json!([call("completed", tool, &ARGUMENTS.concat())]))
}

/// The answer that says that it failed.
pub(super) fn failed(model: &str) -> Value {
    let mut object = object(model, "failed", json!([]));
    object["error"] = json!({"code": "server_error", "message": "The model failed."});
    object
}

/// The named events of a streamed response.
pub fn response_events(model: &str) -> Vec<Event> {
    let place = json!({"item_id": "msg_simulated", "output_index": 0, "content_index": 0});
    let with = |more: Value| merged(&place, &more);
    let empty_part = json!({"type": "output_text", "text": "", "annotations": []});
    let mut events = begun(model);
    events.extend([
        ("response.output_item.added", item(message("in_progress", json!([])))),
        ("response.content_part.added", with(json!({"part": empty_part}))),
    ]);
    let pad = |word: &str| "x".repeat(16_usize.saturating_sub(word.len()));
    events.extend(WORDS.map(|word| {
        let delta = json!({"delta": word, "logprobs": [], "obfuscation": pad(word)});
        ("response.output_text.delta", with(delta))
    }));
    events.extend([
        ("response.output_text.done", with(json!({"text": WORDS.concat(), "logprobs": []}))),
        ("response.content_part.done", with(json!({"part": text()}))),
        ("response.output_item.done", item(message("completed", json!([text()])))),
        ("response.completed", json!({"response": response(model)})),
    ]);
    numbered(events)
}

/// The events of a response that calls a function.
pub(super) fn function_call_events(model: &str, tool: &str) -> Vec<Event> {
    let place = json!({"item_id": "fc_simulated", "output_index": 0});
    let with = |more: Value| merged(&place, &more);
    let mut events = begun(model);
    events.push(("response.output_item.added", item(call("in_progress", tool, ""))));
    events.extend(
        ARGUMENTS
            .map(|part| ("response.function_call_arguments.delta", with(json!({"delta": part})))),
    );
    let arguments = ARGUMENTS.concat();
    events.extend([
        (
            "response.function_call_arguments.done",
            with(json!({"name": tool, "arguments": arguments})),
        ),
        ("response.output_item.done", item(call("completed", tool, &arguments))),
        ("response.completed", json!({"response": function_call(model, tool)})),
    ]);
    numbered(events)
}

/// The events of a response that fails.
pub(super) fn failed_events(model: &str) -> Vec<Event> {
    let mut events = begun(model);
    events.push(("response.failed", json!({"response": failed(model)})));
    numbered(events)
}

/// A stream that ends with an error.
pub(super) fn broken_events(model: &str) -> Vec<Event> {
    let mut events = begun(model);
    let error = json!({"code": "server_error", "message": "The server failed.", "param": null});
    events.push(("error", error));
    numbered(events)
}

type Named = (&'static str, Value);

fn begun(model: &str) -> Vec<Named> {
    let object = json!({"response": object(model, "in_progress", json!([]))});
    vec![("response.created", object.clone()), ("response.in_progress", object)]
}

fn numbered(events: Vec<Named>) -> Vec<Event> {
    let numbered = |(number, (name, data)): (usize, Named)| {
        let data = merged(&json!({"type": name, "sequence_number": number}), &data);
        Event::named(name, data)
    };
    events.into_iter().enumerate().map(numbered).collect()
}

fn object(model: &str, status: &str, output: Value) -> Value {
    let usage = json!({
        "input_tokens": 37, "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 4},
        "output_tokens": 18, "output_tokens_details": {"reasoning_tokens": 6},
        "total_tokens": 55
    });
    json!({
        "id": "resp_simulated",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": if status == "completed" { usage } else { Value::Null }
    })
}

fn item(item: Value) -> Value {
    json!({"output_index": 0, "item": item})
}

fn message(status: &str, content: Value) -> Value {
    json!({
        "type": "message", "id": "msg_simulated", "role": "assistant",
        "status": status, "content": content
    })
}

fn call(status: &str, tool: &str, arguments: &str) -> Value {
    json!({
        "type": "function_call", "id": "fc_simulated", "call_id": "call_simulated",
        "name": tool, "arguments": arguments, "status": status
    })
}

fn text() -> Value {
    json!({"type": "output_text", "text": WORDS.concat(), "annotations": []})
}

fn merged(left: &Value, right: &Value) -> Value {
    let fields = [left, right].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
}
