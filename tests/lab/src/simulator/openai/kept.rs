//! What is no chat: images, audio, moderations, and what the provider keeps.

use serde_json::{Value, json};

use super::responses::{failed, response};
use crate::simulator::reply::{Asked, Reply};

/// The answer to a call of `api`, the path behind `/v1/`; none if there is no such API here.
pub(super) fn reply(api: &[&str], asked: &Asked) -> Option<Reply> {
    let model = &format!("{}-2026-09-21", asked.model());
    let answer = match api {
        ["images", "generations" | "edits"] => images(),
        ["audio", "transcriptions"] => transcription(),
        ["moderations"] => moderation(model),
        ["responses"] if asked.body["background"] == true => in_background(model, "queued"),
        ["responses", "resp_failed"] => failed(model),
        ["responses", _] => {
            let mut answer = response(model);
            answer["background"] = json!(true);
            answer
        }
        ["responses", _, "cancel"] => in_background(model, "cancelled"),
        ["batches"] => batch(&Value::Null, "validating"),
        ["batches", _] => batch(&usage(), "completed"),
        ["files"] => file(),
        _ => return None,
    };
    Some(Reply::json(answer))
}

fn images() -> Value {
    let usage = json!({
        "input_tokens": 71, "output_tokens": 72, "total_tokens": 143,
        "input_tokens_details": {"text_tokens": 11, "image_tokens": 60}
    });
    json!({"created": 1_790_000_000, "data": [{"b64_json": "aGk="}], "usage": usage})
}

fn transcription() -> Value {
    let usage = json!({
        "type": "tokens", "input_tokens": 73, "output_tokens": 74, "total_tokens": 147,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 73}
    });
    json!({"text": super::WORDS.concat(), "usage": usage})
}

fn moderation(model: &str) -> Value {
    let result = json!({"flagged": false, "categories": {}, "category_scores": {}});
    json!({"id": "modr-simulated", "model": model, "results": [result]})
}

/// A response that is not there yet, or never will be.
fn in_background(model: &str, status: &str) -> Value {
    let mut answer = response(model);
    answer["background"] = json!(true);
    answer["status"] = json!(status);
    answer["output"] = json!([]);
    answer["usage"] = Value::Null;
    answer
}

fn batch(usage: &Value, status: &str) -> Value {
    json!({
        "id": "batch_simulated", "object": "batch", "endpoint": "/v1/responses", "errors": null,
        "input_file_id": "file-simulated", "completion_window": "24h", "status": status,
        "created_at": 1_790_000_000, "usage": usage
    })
}

fn usage() -> Value {
    json!({
        "input_tokens": 75, "output_tokens": 76, "total_tokens": 151,
        "input_tokens_details": {"cached_tokens": 7}, "output_tokens_details": {"reasoning_tokens": 6}
    })
}

fn file() -> Value {
    json!({
        "id": "file-simulated", "object": "file", "bytes": 2, "created_at": 1_790_000_000,
        "filename": "batch.jsonl", "purpose": "batch", "status": "processed"
    })
}
