//! Answers in the shapes of the OpenAI API, which Azure, Mistral, Groq and many others speak too.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference>. Each API counts other tokens, so that
//! a number in an entry tells where it was read.

mod chat;
mod embeddings;
mod kept;
mod responses;

use serde_json::{Value, json};

use super::reply::{Asked, Reply, Wish};
use super::stream::Streamed;

pub use self::chat::{completion, completion_events};
pub use self::embeddings::embeddings;
pub use self::responses::{response, response_events};

/// The pieces of the text that every model says.
pub const WORDS: [&str; 4] = ["One ", "entry ", "per ", "call."];

/// The arguments with which every model calls a tool, in pieces.
pub const ARGUMENTS: [&str; 3] = ["{\"city\":", "\"Par", "is\"}"];

/// The answer to a call of `api`, the path behind `/v1/`; none if there is no such API.
pub fn reply(api: &[&str], asked: &Asked) -> Option<Reply> {
    if asked.is_throttled() {
        return Some(Reply::json(throttled()).with_status(429).with(&THROTTLED).with(&HEADERS));
    }
    if let Some(reply) = kept::reply(api, asked) {
        return Some(reply.with(&HEADERS));
    }
    let model = &format!("{}-2026-09-21", asked.model());
    let include_usage = asked.body["stream_options"]["include_usage"] == true;
    let reply = match (api, asked.streams()) {
        (["chat", "completions"], true) => match asked.tool("/tools/0/function/name", &["tool"]) {
            Some(tool) => events(&chat::tool_call_events(model, tool, include_usage)),
            None if asked.wishes(Wish::BreakOff) => events(&chat::broken_events(model)),
            None if asked.body["n"] == 2 => {
                events(&chat::choices_events(model, asked.wishes(Wish::Linger)))
            }
            None => events(&completion_events(model, include_usage)),
        },
        (["chat", "completions"], false) => {
            Reply::json(match asked.tool("/tools/0/function/name", &["tool"]) {
                Some(tool) => chat::tool_call(model, tool),
                None => completion(model),
            })
        }
        (["responses"], true) => match asked.tool("/tools/0/name", &["function_call_output"]) {
            Some(tool) => events(&responses::function_call_events(model, tool)),
            None if asked.wishes(Wish::BreakOff) => events(&responses::broken_events(model)),
            None if asked.wishes(Wish::Fail) => events(&responses::failed_events(model)),
            None => events(&response_events(model)),
        },
        (["responses"], false) => {
            Reply::json(match asked.tool("/tools/0/name", &["function_call_output"]) {
                Some(tool) => responses::function_call(model, tool),
                None if asked.wishes(Wish::Fail) => responses::failed(model),
                None => response(model),
            })
        }
        (["embeddings"], _) => {
            Reply::json(embeddings(asked.model(), asked.body["encoding_format"] == "base64"))
        }
        (["models"], _) => Reply::json(models()),
        _ => return None,
    };
    Some(reply.with(&HEADERS))
}

/// The answer of `GET /v1/models`, which the SDKs of Anthropic and OpenAI can both read.
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

fn throttled() -> Value {
    json!({"error": {
        "message": "Rate limit reached for requests", "type": "requests", "param": null,
        "code": "rate_limit_exceeded"
    }})
}

const HEADERS: [(&str, &str); 9] = [
    ("openai-organization", "simulated"),
    ("openai-processing-ms", "12"),
    ("openai-version", "2020-10-01"),
    ("x-ratelimit-limit-requests", "500"),
    ("x-ratelimit-remaining-requests", "499"),
    ("x-ratelimit-reset-requests", "120ms"),
    ("x-ratelimit-limit-tokens", "30000"),
    ("x-ratelimit-remaining-tokens", "29941"),
    ("cf-ray", "9a1b2c3d4e5f6789-FRA"),
];

const THROTTLED: [(&str, &str); 2] = [("retry-after-ms", "250"), ("retry-after", "1")];

fn events(events: &[super::stream::Event]) -> Reply {
    Reply::stream(Streamed::sse(events))
}
