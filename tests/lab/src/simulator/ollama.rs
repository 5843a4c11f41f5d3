//! Answers in the shapes of Ollama: chat, which streams unless told not to.
//!
//! Shapes: <https://github.com/ollama/ollama/blob/main/docs/api.md>.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::WORDS;
use super::reply::{Asked, Reply};
use super::stream::{Framing, Streamed};

/// The answer of `POST /api/chat`.
pub fn reply(asked: &Asked) -> Reply {
    let model = asked.model();
    let tool = asked.tool("/tools/0/function/name", &["tool"]);
    let called = tool.map(|tool| {
        let call = json!({"function": {"name": tool, "arguments": {"city": "Paris"}}});
        json!({"role": "assistant", "content": "", "tool_calls": [call]})
    });
    if asked.body["stream"] == false {
        let message = called.unwrap_or_else(|| text(&WORDS.concat()));
        return Reply::json(last(model, &message));
    }
    let said = match called {
        Some(called) => vec![unfinished(model, &called)],
        None => WORDS.iter().map(|word| unfinished(model, &text(word))).collect(),
    };
    let lines = said.into_iter().chain([last(model, &text(""))]);
    let events = lines.map(|line| Bytes::from(format!("{line}\n"))).collect();
    Reply::stream(Streamed { framing: Framing::Ndjson, events })
}

fn text(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn unfinished(model: &str, message: &Value) -> Value {
    let created_at = "2026-11-20T12:00:00.000000Z";
    json!({"model": model, "created_at": created_at, "message": message, "done": false})
}

fn last(model: &str, message: &Value) -> Value {
    let mut last = unfinished(model, message);
    last["done"] = json!(true);
    last["done_reason"] = json!("stop");
    last["total_duration"] = json!(4_000_000);
    last["load_duration"] = json!(1_000_000);
    last["prompt_eval_count"] = json!(53);
    last["prompt_eval_duration"] = json!(1_000_000);
    last["eval_count"] = json!(26);
    last["eval_duration"] = json!(2_000_000);
    last
}
