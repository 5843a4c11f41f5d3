//! Answers in the shapes of the OpenAI API: chat completions, responses, embeddings, models,
//! errors.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference>.

use serde_json::{Value, json};

use super::provider::Event;

/// The pieces of the text that every model says.
pub const WORDS: [&str; 4] = ["One ", "entry ", "per ", "call."];

/// The answer of `POST /v1/chat/completions`.
pub fn completion(model: &str) -> Value {
    json!({
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": WORDS.concat(), "refusal": null},
            "logprobs": null,
            "finish_reason": "stop"
        }],
        "usage": completion_usage()
    })
}

/// The events of a streamed chat completion, `[DONE]` included.
pub fn completion_events(model: &str, include_usage: bool) -> Vec<Event> {
    let chunk = |choices: Value| {
        json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": model,
            "choices": choices
        })
    };
    let choice = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]))
    };
    let mut events = vec![choice(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(WORDS.map(|word| choice(json!({"content": word}), Value::Null)));
    events.push(choice(json!({}), json!("stop")));
    if include_usage {
        let mut usage = chunk(json!([]));
        usage["usage"] = completion_usage();
        events.push(usage);
    }
    let done = Event { name: None, data: "[DONE]".into() };
    events
        .into_iter()
        .map(|data| Event { name: None, data: data.to_string() })
        .chain([done])
        .collect()
}

/// The answer of `POST /v1/responses`.
pub fn response(model: &str) -> Value {
    response_object(model, "completed", json!([output_item("completed", json!([output_text()]))]))
}

/// The named events of a streamed response.
pub fn response_events(model: &str) -> Vec<Event> {
    let place = json!({"item_id": "msg_simulated", "output_index": 0, "content_index": 0});
    let with = |more: Value| merged(&place, &more);
    let empty_part = json!({"type": "output_text", "text": "", "annotations": []});
    let mut events = vec![
        ("response.created", json!({"response": response_object(model, "in_progress", json!([]))})),
        (
            "response.output_item.added",
            json!({"output_index": 0, "item": output_item("in_progress", json!([]))}),
        ),
        ("response.content_part.added", with(json!({"part": empty_part}))),
    ];
    events.extend(
        WORDS.map(|word| {
            ("response.output_text.delta", with(json!({"delta": word, "logprobs": []})))
        }),
    );
    events.extend([
        ("response.output_text.done", with(json!({"text": WORDS.concat(), "logprobs": []}))),
        ("response.content_part.done", with(json!({"part": output_text()}))),
        (
            "response.output_item.done",
            json!({"output_index": 0, "item": output_item("completed", json!([output_text()]))}),
        ),
        ("response.completed", json!({"response": response(model)})),
    ]);
    let numbered = |(number, (name, data)): (usize, (&'static str, Value))| {
        let data = merged(&data, &json!({"type": name, "sequence_number": number}));
        Event { name: Some(name), data: data.to_string() }
    };
    events.into_iter().enumerate().map(numbered).collect()
}

/// The answer of `POST /v1/embeddings`.
pub fn embeddings(model: &str) -> Value {
    json!({
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.125]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3}
    })
}

/// The answer of `GET /v1/models`, which both APIs can read.
pub fn models() -> Value {
    let id = "simulated-1";
    json!({
        "object": "list",
        "data": [{
            "id": id, "object": "model", "created": 1_790_000_000, "owned_by": "simulator",
            "type": "model", "display_name": "Simulated 1", "created_at": "2026-09-21T00:00:00Z"
        }],
        "has_more": false, "first_id": id, "last_id": id
    })
}

/// The body of a refusal.
pub fn error(status: u16) -> Value {
    let message = format!("the simulator was asked for status {status}");
    json!({"error": {"message": message, "type": "simulated", "param": null, "code": null}})
}

fn completion_usage() -> Value {
    json!({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11})
}

fn response_object(model: &str, status: &str, output: Value) -> Value {
    let usage = json!({
        "input_tokens": 7, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 11
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

fn output_item(status: &str, content: Value) -> Value {
    json!({
        "type": "message", "id": "msg_simulated", "role": "assistant",
        "status": status, "content": content
    })
}

fn output_text() -> Value {
    json!({"type": "output_text", "text": WORDS.concat(), "annotations": []})
}

fn merged(left: &Value, right: &Value) -> Value {
    let fields = [left, right].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
}
