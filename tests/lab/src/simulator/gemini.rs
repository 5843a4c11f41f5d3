//! Answers in the shapes of the Gemini API: generated content and embeddings.
//!
//! Shapes: <https://ai.google.dev/api/generate-content>. The model is in the path, every event of a
//! stream is a whole answer, and the last count of tokens is the one that holds. A stream that is not
//! asked for as events is one JSON array.

use serde_json::{Value, json};

use super::openai::WORDS;
use super::reply::{Asked, Reply};
use super::stream::{Event, Streamed};

/// The answer of `POST /v1beta/models/<model>:<method>`; none if there is no such method.
pub fn reply(model: &str, method: &str, asked: &Asked) -> Option<Reply> {
    let model = &format!("{model}-001");
    let tool = asked.tool("/tools/0/functionDeclarations/0/name", &["functionResponse"]);
    let reply = match (method, tool) {
        ("generateContent", Some(tool)) => Reply::json(tool_call(model, tool)),
        ("generateContent", None) => Reply::json(answer(model, &text(&WORDS.concat()), 15)),
        ("streamGenerateContent", None) if !asked.query.contains("alt=sse") => {
            Reply::json(answers(model).into())
        }
        ("streamGenerateContent", Some(tool)) => events(&[tool_call(model, tool)]),
        ("streamGenerateContent", None) => events(&answers(model)),
        ("embedContent", _) => Reply::json(json!({"embedding": embedding()})),
        ("batchEmbedContents", _) => Reply::json(json!({"embeddings": [embedding()]})),
        _ => return None,
    };
    Some(reply.with(&[("server-timing", "gfet4t7; dur=12"), ("vary", "Origin")]))
}

/// The answer of `POST /v1beta/cachedContents`.
pub fn cached_content() -> Reply {
    Reply::json(json!({
        "name": "cachedContents/simulated", "model": "models/simulated-1",
        "usageMetadata": {"totalTokenCount": 77}, "expireTime": "2026-09-21T00:00:00Z"
    }))
}

/// The answer of `POST /v1beta/interactions`.
pub fn interaction(model: &str) -> Reply {
    let usage = json!({
        "total_input_tokens": 78, "total_output_tokens": 79, "total_thought_tokens": 8,
        "total_cached_tokens": 9, "total_tokens": 165
    });
    let said = json!([{"type": "text", "text": WORDS.concat()}]);
    Reply::json(json!({
        "id": "interaction-simulated", "object": "interaction", "status": "completed",
        "model": model, "steps": [{"type": "model_output", "content": said}], "usage": usage
    }))
}

fn answers(model: &str) -> Vec<Value> {
    let last = WORDS.len() - 1;
    let mut answers: Vec<_> =
        WORDS.iter().zip(1..).map(|(word, tokens)| answer(model, &text(word), tokens)).collect();
    for unfinished in answers.iter_mut().take(last) {
        if let Some(candidate) =
            unfinished.pointer_mut("/candidates/0").and_then(Value::as_object_mut)
        {
            candidate.remove("finishReason");
        }
    }
    if let Some(tokens) = answers.get_mut(last) {
        tokens["usageMetadata"] = usage(15);
    }
    answers
}

fn tool_call(model: &str, tool: &str) -> Value {
    answer(model, &json!({"functionCall": {"name": tool, "args": {"city": "Paris"}}}), 15)
}

fn answer(model: &str, part: &Value, candidates_tokens: u64) -> Value {
    json!({
        "candidates": [{
            "content": {"parts": [part], "role": "model"},
            "finishReason": "STOP",
            "index": 0
        }],
        "usageMetadata": usage(candidates_tokens),
        "modelVersion": model,
        "responseId": "gemini-simulated"
    })
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

fn usage(candidates_tokens: u64) -> Value {
    json!({
        "promptTokenCount": 41,
        "candidatesTokenCount": candidates_tokens,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 12,
        "totalTokenCount": 41 + candidates_tokens + 7,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 41}]
    })
}

fn embedding() -> Value {
    json!({"values": [0.25, -0.5, 0.125]})
}

fn events(answers: &[Value]) -> Reply {
    let events: Vec<_> = answers.iter().map(Event::unnamed).collect();
    Reply::stream(Streamed::sse(&events))
}
