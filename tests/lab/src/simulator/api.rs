//! Which provider's API a path belongs to.
//!
//! | path | API |
//! |---|---|
//! | `/v1/chat/completions`, `/v1/responses`, `/v1/embeddings`, `/v1/models` | [`openai`] |
//! | `/v1/images`, `/v1/audio`, `/v1/moderations`, `/v1/batches`, `/v1/files` | [`openai`] |
//! | the same behind `/openai/v1` (Groq) or `/openai/deployments/<name>` (Azure) | [`openai`] |
//! | `/v1/messages` | [`anthropic`] |
//! | `/v1beta/models/<model>:<method>` | [`gemini`] |
//! | `/model/<model>/<operation>` | [`bedrock`] |
//! | `/api/chat` | [`ollama`] |
//!
//! A prompt can ask for what goes wrong: see [`Wish`](super::reply::Wish).

use super::reply::{Asked, Reply};
use super::{anthropic, bedrock, gemini, ollama, openai};

/// The answer to a call; none if no provider has such a path.
pub fn reply(path: &[&str], asked: &Asked, request_id: &str) -> Option<Reply> {
    let reply = match path {
        ["v1", "messages"] => named(anthropic::reply(asked), "request-id", request_id),
        ["v1", "messages", "count_tokens"] => {
            named(anthropic::count_tokens(), "request-id", request_id)
        }
        ["v1", "messages", "batches"] => named(anthropic::batch(), "request-id", request_id),
        ["v1" | "v1beta", "cachedContents"] => gemini::cached_content(),
        ["v1" | "v1beta", "interactions"] => gemini::interaction(asked.model()),
        ["v1" | "v1beta", "models", action] if action.contains(':') => {
            let (model, method) = action.split_once(':')?;
            gemini::reply(model, method, asked)?
        }
        ["model", _, operation] => {
            named(bedrock::reply(operation, asked)?, "x-amzn-requestid", request_id)
        }
        ["api", "chat"] => ollama::reply(asked),
        ["openai", "deployments", _, api @ ..] => {
            let reply = openai::reply(api, asked)?.with(&[("x-ms-region", "Simulated")]);
            named(reply, "apim-request-id", request_id)
        }
        ["v1", api @ ..] | ["openai", "v1", api @ ..] => {
            named(openai::reply(api, asked)?, "x-request-id", request_id)
        }
        _ => return None,
    };
    Some(reply)
}

fn named(reply: Reply, header: &'static str, request_id: &str) -> Reply {
    reply.with(&[(header, request_id)])
}
