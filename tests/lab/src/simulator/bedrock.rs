//! Answers in the shapes of Amazon Bedrock: the Converse API, and models invoked in their own words.
//!
//! Shapes: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The
//! model is in the path, and streams are binary.

use bytes::Bytes;
use serde_json::{Value, json};

use super::anthropic;
use super::eventstream::{base64, frame};
use super::openai::{ARGUMENTS, WORDS};
use super::reply::{Asked, Reply, Wish};
use super::stream::{Framing, Streamed};

/// The name that an invoked model gives itself, which is not the one that Bedrock gives it.
const MODEL: &str = "claude-simulated-1";

/// The answer of `POST /model/<model>/<operation>`; none if there is no such operation.
pub fn reply(operation: &str, asked: &Asked) -> Option<Reply> {
    if asked.is_throttled() {
        let error = json!({"message": "Too many requests, please wait before trying again."});
        let reply = Reply::json(error).with_status(429);
        return Some(reply.with(&[("x-amzn-errortype", "ThrottlingException")]));
    }
    let tool = asked.tool("/toolConfig/tools/0/toolSpec/name", &["toolResult"]);
    let reply = match operation {
        "converse" => Reply::json(conversation(tool)),
        "converse-stream" if asked.wishes(Wish::BreakOff) => {
            stream(vec![event("messageStart", &json!({"role": "assistant"})), exception()])
        }
        "converse-stream" => stream(conversation_events(tool)),
        "invoke" => Reply::json(uncounted(anthropic::message(MODEL))).with(&[
            ("x-amzn-bedrock-input-token-count", "47"),
            ("x-amzn-bedrock-output-token-count", "20"),
            ("x-amzn-bedrock-invocation-latency", "12"),
        ]),
        "invoke-with-response-stream" => stream(invocation_events()),
        _ => return None,
    };
    Some(reply)
}

fn conversation(tool: Option<&str>) -> Value {
    let input: Value = serde_json::from_str(&ARGUMENTS.concat()).unwrap_or_default();
    let (content, reason) = match tool {
        Some(tool) => (
            json!({"toolUse": {"toolUseId": "tooluse_simulated", "name": tool, "input": input}}),
            "tool_use",
        ),
        None => (json!({"text": WORDS.concat()}), "end_turn"),
    };
    json!({
        "output": {"message": {"role": "assistant", "content": [content]}},
        "stopReason": reason,
        "usage": usage(),
        "metrics": {"latencyMs": 12}
    })
}

fn conversation_events(tool: Option<&str>) -> Vec<Bytes> {
    let mut events = vec![event("messageStart", &json!({"role": "assistant"}))];
    let delta =
        |delta: Value| event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": delta}));
    match tool {
        Some(tool) => {
            let start = json!({"toolUse": {"toolUseId": "tooluse_simulated", "name": tool}});
            let start = json!({"contentBlockIndex": 0, "start": start});
            events.push(event("contentBlockStart", &start));
            events.extend(ARGUMENTS.map(|part| delta(json!({"toolUse": {"input": part}}))));
        }
        None => events.extend(WORDS.map(|word| delta(json!({"text": word})))),
    }
    let reason = if tool.is_some() { "tool_use" } else { "end_turn" };
    events.extend([
        event("contentBlockStop", &json!({"contentBlockIndex": 0})),
        event("messageStop", &json!({"stopReason": reason})),
        event("metadata", &json!({"usage": usage(), "metrics": {"latencyMs": 12}})),
    ]);
    events
}

/// The events of an Anthropic model, each in base64; the last one has Bedrock's own count.
fn invocation_events() -> Vec<Bytes> {
    let mut events = anthropic::message_events(MODEL);
    if let Some(last) = events.last_mut() {
        let mut data: Value = serde_json::from_str(&last.data).unwrap_or_default();
        data["amazon-bedrock-invocationMetrics"] = json!({
            "inputTokenCount": 21, "outputTokenCount": 23,
            "cacheReadInputTokenCount": 34, "cacheWriteInputTokenCount": 13,
            "invocationLatency": 12, "firstByteLatency": 5
        });
        last.data = data.to_string();
    }
    let chunk =
        |data: &str| event("chunk", &json!({"bytes": base64(data.as_bytes()), "p": "abcd"}));
    events.iter().map(|event| chunk(&event.data)).collect()
}

/// Not every vendor's answer counts tokens: headers do.
fn uncounted(mut message: Value) -> Value {
    if let Some(members) = message.as_object_mut() {
        members.remove("usage");
    }
    message
}

/// The whole input is 58: Bedrock counts beside it what a cache held or took.
fn usage() -> Value {
    json!({
        "inputTokens": 43, "outputTokens": 19, "totalTokens": 77,
        "cacheReadInputTokens": 10, "cacheWriteInputTokens": 5
    })
}

fn event(kind: &str, payload: &Value) -> Bytes {
    let headers =
        [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

fn exception() -> Bytes {
    let headers = [
        (":exception-type", "throttlingException"),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, json!({"message": "Too many tokens"}).to_string().as_bytes())
}

fn stream(events: Vec<Bytes>) -> Reply {
    Reply::stream(Streamed { framing: Framing::Eventstream, events })
}
