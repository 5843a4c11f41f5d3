//! The entry: one line of evidence for one call.
//!
//! ```json
//! {"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"sales-assistant","user_id":"u_12345",
//!  "endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,
//!  "request_hash":"ba78…15ad","response_hash":"e3b0…b855","outcome":"success",
//!  "correlation_id":"c9f8e7", …}
//! ```
//!
//! The first ten keys are the contract with the outside: they are always there, in this order, and
//! their meaning does not change. Every later key is left out when it would be empty. Numbers are
//! integers; unknown is `null` or absent, never `0` or `""`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use crate::{
    digest::{Digest, End},
    json::Object,
    mask::Scan,
    outcome::{Outcome, Reason},
    stream::Kind,
    time::Timestamp,
    version::HttpVersion,
    words::words,
};

/// No entry is longer than this, in bytes, without its line feed. The bounds of the single fields
/// add up to less, so nothing has to be thrown away at the end.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// One entry. As a line it is pure ASCII: everything else is written as `\uXXXX`.
///
/// Keys that this version does not know are passed over when a line is read: filters and those who
/// read their ledgers are of different ages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry<'a> {
    /// When the request headers arrived: RFC 3339, UTC, microseconds.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub timestamp: Timestamp,
    /// The agent that called, by name; null if nobody said.
    #[serde(borrow)]
    pub agent_id: Option<Cow<'a, str>>,
    /// The user on whose behalf it called; null if nobody said.
    pub user_id: Option<Cow<'a, str>>,
    /// Host and path without the query, or the host alone; null if the request named no host.
    pub endpoint: Option<Cow<'a, str>>,
    /// The request method as on the wire; null if the request was not understood.
    pub method: Option<Cow<'a, str>>,
    /// The response status as on the wire; null if no response came.
    pub status: Option<u16>,
    /// SHA-256 of the request body as it crossed the gateway, secrets replaced; null if no body could
    /// pass.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-f]{64}$")))]
    pub request_hash: Option<Digest>,
    /// SHA-256 of the response body as it crossed the gateway, secrets replaced; null if no body
    /// could pass.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-f]{64}$")))]
    pub response_hash: Option<Digest>,
    /// How the call ended.
    pub outcome: Outcome,
    /// One id for a workflow of several calls; null only if the filter itself failed.
    pub correlation_id: Option<Cow<'a, str>>,
    /// The key under which both hashes are an HMAC-SHA-256; absent if they are plain.
    #[serde(default)]
    pub hash_key_id: Option<Cow<'a, str>>,
    /// Why the call did not plainly succeed.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The word of a service that is no model for what went wrong behind a good status
    /// (`error.type`).
    #[serde(default)]
    pub error_type: Option<Cow<'a, str>>,
    /// True on an entry that was written before the call ended. If no other follows for the same
    /// call, the gateway or the filter failed on the way.
    #[serde(default)]
    pub provisional: bool,
    /// The session or conversation that the call belongs to.
    #[serde(default)]
    pub session_id: Option<Cow<'a, str>>,
    /// More about the agent.
    #[serde(default)]
    pub agent: Option<Agent<'a>>,
    /// The request, once it was seen.
    #[serde(default)]
    pub request: Option<Message<'a>>,
    /// The response, once it was seen.
    #[serde(default)]
    pub response: Option<Message<'a>>,
    /// The call as a stream, if its answer came as one.
    #[serde(default)]
    pub stream: Option<Stream>,
    /// What a call to a model was about.
    #[serde(default)]
    pub gen_ai: Option<GenAi<'a>>,
    /// What a call to an MCP server was about.
    #[serde(default)]
    pub mcp: Option<Mcp<'a>>,
    /// Where the gateway sent the call.
    #[serde(default)]
    pub upstream: Option<Upstream<'a>>,
    /// What was said about trying again.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// What the provider says is left of its limits.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// The W3C trace id of the request.
    #[serde(default)]
    pub trace_id: Option<Cow<'a, str>>,
    /// Fingerprint of the credential that the call used: 32 digits of an HMAC-SHA-256.
    #[serde(default)]
    pub credential: Option<Cow<'a, str>>,
    /// How long it took.
    #[serde(default)]
    pub timing: Option<Timing>,
    /// Keys whose values were longer than what is kept.
    #[serde(default)]
    pub truncated: Vec<Cow<'a, str>>,
}

/// More about the agent that called.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Agent<'a> {
    /// Its name, the same as `agent_id`.
    #[serde(default, borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Its version.
    #[serde(default)]
    pub version: Option<Cow<'a, str>>,
    /// The deployment that it runs in.
    #[serde(default)]
    pub deployment: Option<Cow<'a, str>>,
    /// How far to trust it.
    pub source: Source,
}

words! {
    /// Where an identity comes from.
    pub enum Source {
        /// The caller said so, and nobody checked.
        Claimed = "claimed",
    }
}

/// One of the two messages of a call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message<'a> {
    /// Payload bytes that crossed, without framing.
    pub bytes: u64,
    /// The version of HTTP that the caller spoke; of the request only.
    #[serde(default)]
    pub http_version: Option<HttpVersion>,
    /// Media type without parameters.
    #[serde(rename = "type", default, borrow)]
    pub media_type: Option<Cow<'a, str>>,
    /// Content-encoding of the bytes that were hashed.
    #[serde(default)]
    pub encoding: Option<Cow<'a, str>>,
    /// How the message ended, once it did.
    #[serde(default)]
    pub end: Option<End>,
    /// How far the body was looked into for secrets, if one could pass.
    #[serde(default)]
    pub scan: Option<Scan>,
    /// How many secrets were replaced before the body was hashed, and in a head that left, by rule.
    #[serde(default)]
    pub masked: Option<Cow<'a, BTreeMap<Box<str>, u64>>>,
    /// Headers on the operator's allow-list.
    #[serde(default)]
    pub headers: Option<Cow<'a, BTreeMap<Box<str>, String>>>,
}

/// A call as a stream.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stream {
    /// How the stream is divided into events.
    pub kind: Kind,
    /// When its first byte crossed.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When its last byte crossed; while it goes on, the last one so far.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// The answer's part of it.
    #[serde(flatten)]
    pub response: Flow,
    /// The request's part of it, where both sides talk.
    #[serde(default)]
    pub request: Option<Flow>,
}

/// One direction of a stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flow {
    /// Whole events that crossed.
    #[serde(default)]
    pub events: u64,
    /// Pieces in which the bytes came to the gateway.
    #[serde(default)]
    pub chunks: u64,
    /// The hash chain over the events.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-f]{64}$")))]
    #[serde(default)]
    pub chunk_chain: Option<Digest>,
    /// Every link of that chain, from the first event on, if the operator wants them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    #[serde(default)]
    pub event_hashes: Vec<Digest>,
    /// The code with which this side closed its WebSocket (RFC 6455, section 7.4); 1005 if its close
    /// frame held none. Absent if no close frame came from it.
    #[serde(default)]
    pub close_code: Option<u16>,
}

/// What a call to a model was about. The names are those of OpenTelemetry's semantic conventions for
/// generative AI, version 1.41.1, without their prefixes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GenAi<'a> {
    /// Who runs the model (`gen_ai.provider.name`), by the host that was called.
    #[serde(default, borrow)]
    pub provider: Option<Cow<'a, str>>,
    /// What was asked for (`gen_ai.operation.name`).
    #[serde(default)]
    pub operation: Option<Cow<'a, str>>,
    /// The model that was asked for (`gen_ai.request.model`).
    #[serde(default)]
    pub request_model: Option<Cow<'a, str>>,
    /// The model that answered (`gen_ai.response.model`).
    #[serde(default)]
    pub response_model: Option<Cow<'a, str>>,
    /// The provider's id of the answer (`gen_ai.response.id`).
    #[serde(default)]
    pub response_id: Option<Cow<'a, str>>,
    /// All input tokens, cached ones among them (`gen_ai.usage.input_tokens`).
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// All output tokens (`gen_ai.usage.output_tokens`).
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Input tokens read from a cache (`gen_ai.usage.cache_read.input_tokens`).
    #[serde(default)]
    pub cache_read_input_tokens: Option<u64>,
    /// Input tokens written to a cache (`gen_ai.usage.cache_creation.input_tokens`).
    #[serde(default)]
    pub cache_creation_input_tokens: Option<u64>,
    /// Output tokens spent on reasoning (`gen_ai.usage.reasoning.output_tokens`).
    #[serde(default)]
    pub reasoning_output_tokens: Option<u64>,
    /// Why the model stopped, each reason once (`gen_ai.response.finish_reasons`).
    #[serde(default)]
    pub finish_reasons: Vec<Cow<'a, str>>,
    /// Tools that the model called, each name once (`gen_ai.tool.name`).
    #[serde(default)]
    pub tools: Vec<Cow<'a, str>>,
    /// The provider's word for what went wrong (`error.type`).
    #[serde(default)]
    pub error_type: Option<Cow<'a, str>>,
}

/// What a call to an MCP server was about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mcp<'a> {
    /// The JSON-RPC method (`mcp.method.name`), of several the first.
    #[serde(default, borrow)]
    pub method: Option<Cow<'a, str>>,
    /// The tool that was called (`gen_ai.tool.name`).
    #[serde(default)]
    pub tool: Option<Cow<'a, str>>,
    /// The prompt that was asked for (`gen_ai.prompt.name`).
    #[serde(default)]
    pub prompt: Option<Cow<'a, str>>,
    /// The resource that was asked for (`mcp.resource.uri`), without query and userinfo.
    #[serde(default)]
    pub resource_uri: Option<Cow<'a, str>>,
    /// The session that the server opened (`mcp.session.id`).
    #[serde(default)]
    pub session_id: Option<Cow<'a, str>>,
    /// The version of the protocol (`mcp.protocol.version`).
    #[serde(default)]
    pub protocol_version: Option<Cow<'a, str>>,
    /// How many messages the request held, if more than one.
    #[serde(default)]
    pub messages: Option<u64>,
    /// Of several messages: all methods, each once, if there is more than one.
    #[serde(default)]
    pub methods: Vec<Cow<'a, str>>,
    /// The same of tools.
    #[serde(default)]
    pub tools: Vec<Cow<'a, str>>,
    /// The same of prompts.
    #[serde(default)]
    pub prompts: Vec<Cow<'a, str>>,
    /// The same of resources.
    #[serde(default)]
    pub resource_uris: Vec<Cow<'a, str>>,
    /// The JSON-RPC error code of the answer (`rpc.response.status_code`).
    #[serde(default)]
    pub error_code: Option<i64>,
    /// Keys of this object, and `trace_id`, that header and body disagree on; the header's value
    /// stands.
    #[serde(default)]
    pub conflicts: Vec<Cow<'a, str>>,
}

/// What was said about trying again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retry {
    /// Which try this was, by the client's own count; 0 is the first.
    #[serde(default)]
    pub count: Option<u64>,
    /// After how many milliseconds the provider wants the next one.
    #[serde(default)]
    pub after_ms: Option<u64>,
}

/// What the provider says is left of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateLimit {
    /// Requests.
    #[serde(default)]
    pub remaining_requests: Option<u64>,
    /// Tokens of both kinds.
    #[serde(default)]
    pub remaining_tokens: Option<u64>,
    /// Input tokens.
    #[serde(default)]
    pub remaining_input_tokens: Option<u64>,
    /// Output tokens.
    #[serde(default)]
    pub remaining_output_tokens: Option<u64>,
}

/// Where the gateway sent the call.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Upstream<'a> {
    /// The host that was called.
    #[serde(default, borrow)]
    pub host: Option<Cow<'a, str>>,
    /// The address that it had, as `ip:port`.
    #[serde(default)]
    pub address: Option<Cow<'a, str>>,
    /// The provider's own id of the request.
    #[serde(default)]
    pub request_id: Option<Cow<'a, str>>,
    /// How often the gateway tried, if more than once.
    #[serde(default)]
    pub attempts: Option<u64>,
}

/// How long a call took, by a monotonic clock, from the arrival of its request headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timing {
    /// Microseconds to the end of the call.
    pub duration_us: u64,
    /// Microseconds to the response headers.
    #[serde(default)]
    pub first_byte_us: Option<u64>,
}

impl Entry<'_> {
    /// Appends the entry to `line` as one line of ASCII JSON, without a line feed.
    pub fn write_to(&self, line: &mut Vec<u8>) {
        Object::write(line, |json| {
            json.text("timestamp", Some(&self.timestamp.to_string()));
            json.text("agent_id", self.agent_id.as_deref());
            json.text("user_id", self.user_id.as_deref());
            json.text("endpoint", self.endpoint.as_deref());
            json.text("method", self.method.as_deref());
            json.number("status", self.status.map(u64::from));
            json.text("request_hash", self.request_hash.map(Digest::to_hex).as_deref());
            json.text("response_hash", self.response_hash.map(Digest::to_hex).as_deref());
            json.text("outcome", Some(self.outcome.as_str()));
            json.text("correlation_id", self.correlation_id.as_deref());
            json.some_text("hash_key_id", self.hash_key_id.as_deref());
            json.some_text("reason", self.reason.map(Reason::as_str));
            json.some_text("error_type", self.error_type.as_deref());
            json.some_true("provisional", self.provisional);
            json.some_text("session_id", self.session_id.as_deref());
            if let Some(agent) = &self.agent {
                json.object("agent", |json| agent.write_members(json));
            }
            for (name, message) in [("request", &self.request), ("response", &self.response)] {
                if let Some(message) = message {
                    json.object(name, |json| message.write_members(json));
                }
            }
            if let Some(stream) = &self.stream {
                json.object("stream", |json| stream.write_members(json));
            }
            if let Some(gen_ai) = &self.gen_ai {
                json.object("gen_ai", |json| gen_ai.write_members(json));
            }
            if let Some(mcp) = &self.mcp {
                json.object("mcp", |json| mcp.write_members(json));
            }
            if let Some(upstream) = &self.upstream {
                json.object("upstream", |json| upstream.write_members(json));
            }
            if let Some(retry) = &self.retry {
                json.object("retry", |json| retry.write_members(json));
            }
            if let Some(rate_limit) = &self.rate_limit {
                json.object("rate_limit", |json| rate_limit.write_members(json));
            }
            json.some_text("trace_id", self.trace_id.as_deref());
            json.some_text("credential", self.credential.as_deref());
            if let Some(timing) = &self.timing {
                json.object("timing", |json| timing.write_members(json));
            }
            json.some_texts("truncated", &self.truncated);
        });
    }
}

impl Agent<'_> {
    fn write_members(&self, json: &mut Object<'_>) {
        json.some_text("name", self.name.as_deref());
        json.some_text("version", self.version.as_deref());
        json.some_text("deployment", self.deployment.as_deref());
        json.text("source", Some(self.source.as_str()));
    }
}

impl Message<'_> {
    fn write_members(&self, json: &mut Object<'_>) {
        json.number("bytes", Some(self.bytes));
        json.some_text("http_version", self.http_version.map(HttpVersion::as_str));
        json.some_text("type", self.media_type.as_deref());
        json.some_text("encoding", self.encoding.as_deref());
        json.some_text("end", self.end.map(End::as_str));
        json.some_text("scan", self.scan.map(Scan::as_str));
        if let Some(masked) = &self.masked {
            json.object("masked", |json| {
                masked.iter().for_each(|(rule, count)| json.foreign_number(rule, *count));
            });
        }
        if let Some(headers) = &self.headers {
            json.object("headers", |json| {
                headers.iter().for_each(|(name, value)| json.foreign(name, value));
            });
        }
    }
}

impl Stream {
    fn write_members(&self, json: &mut Object<'_>) {
        json.text("kind", Some(self.kind.as_str()));
        json.some_text("started_at", self.started_at.map(|at| at.to_string()).as_deref());
        json.some_text("ended_at", self.ended_at.map(|at| at.to_string()).as_deref());
        self.response.write_members(json);
        if let Some(request) = &self.request {
            json.object("request", |json| request.write_members(json));
        }
    }
}

impl Flow {
    fn write_members(&self, json: &mut Object<'_>) {
        json.number("events", Some(self.events));
        json.number("chunks", Some(self.chunks));
        json.some_text("chunk_chain", self.chunk_chain.map(Digest::to_hex).as_deref());
        let hashes: Vec<_> = self.event_hashes.iter().map(|hash| hash.to_hex()).collect();
        json.some_texts("event_hashes", &hashes);
        json.some_number("close_code", self.close_code.map(u64::from));
    }
}

impl GenAi<'_> {
    fn write_members(&self, json: &mut Object<'_>) {
        json.some_text("provider", self.provider.as_deref());
        json.some_text("operation", self.operation.as_deref());
        json.some_text("request_model", self.request_model.as_deref());
        json.some_text("response_model", self.response_model.as_deref());
        json.some_text("response_id", self.response_id.as_deref());
        json.some_number("input_tokens", self.input_tokens);
        json.some_number("output_tokens", self.output_tokens);
        json.some_number("cache_read_input_tokens", self.cache_read_input_tokens);
        json.some_number("cache_creation_input_tokens", self.cache_creation_input_tokens);
        json.some_number("reasoning_output_tokens", self.reasoning_output_tokens);
        json.some_texts("finish_reasons", &self.finish_reasons);
        json.some_texts("tools", &self.tools);
        json.some_text("error_type", self.error_type.as_deref());
    }
}

impl Mcp<'_> {
    fn write_members(&self, json: &mut Object<'_>) {
        json.some_text("method", self.method.as_deref());
        json.some_text("tool", self.tool.as_deref());
        json.some_text("prompt", self.prompt.as_deref());
        json.some_text("resource_uri", self.resource_uri.as_deref());
        json.some_text("session_id", self.session_id.as_deref());
        json.some_text("protocol_version", self.protocol_version.as_deref());
        json.some_number("messages", self.messages);
        json.some_texts("methods", &self.methods);
        json.some_texts("tools", &self.tools);
        json.some_texts("prompts", &self.prompts);
        json.some_texts("resource_uris", &self.resource_uris);
        json.some_integer("error_code", self.error_code);
        json.some_texts("conflicts", &self.conflicts);
    }
}

impl Retry {
    fn write_members(self, json: &mut Object<'_>) {
        json.some_number("count", self.count);
        json.some_number("after_ms", self.after_ms);
    }
}

impl RateLimit {
    fn write_members(self, json: &mut Object<'_>) {
        json.some_number("remaining_requests", self.remaining_requests);
        json.some_number("remaining_tokens", self.remaining_tokens);
        json.some_number("remaining_input_tokens", self.remaining_input_tokens);
        json.some_number("remaining_output_tokens", self.remaining_output_tokens);
    }
}

impl Upstream<'_> {
    fn write_members(&self, json: &mut Object<'_>) {
        json.some_text("host", self.host.as_deref());
        json.some_text("address", self.address.as_deref());
        json.some_text("request_id", self.request_id.as_deref());
        json.some_number("attempts", self.attempts);
    }
}

impl Timing {
    fn write_members(&self, json: &mut Object<'_>) {
        json.number("duration_us", Some(self.duration_us));
        json.some_number("first_byte_us", self.first_byte_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(entry: &Entry<'_>) -> String {
        let mut line = Vec::new();
        entry.write_to(&mut line);
        String::from_utf8(line).unwrap()
    }

    fn bare() -> Entry<'static> {
        Entry {
            timestamp: Timestamp::from_nanos(0),
            agent_id: None,
            user_id: None,
            endpoint: None,
            method: None,
            status: None,
            request_hash: None,
            response_hash: None,
            outcome: Outcome::Error,
            correlation_id: Some("c".into()),
            hash_key_id: None,
            reason: None,
            error_type: None,
            provisional: false,
            session_id: None,
            agent: None,
            request: None,
            response: None,
            stream: None,
            gen_ai: None,
            mcp: None,
            upstream: None,
            retry: None,
            rate_limit: None,
            trace_id: None,
            credential: None,
            timing: None,
            truncated: Vec::new(),
        }
    }

    #[test]
    fn the_first_ten_keys_are_always_there_in_this_order() {
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00.000000Z","agent_id":null,"user_id":null,"#,
            r#""endpoint":null,"method":null,"status":null,"request_hash":null,"#,
            r#""response_hash":null,"outcome":"error","correlation_id":"c"}"#
        );
        assert_eq!(line(&bare()), expected);
    }

    #[test]
    fn a_full_entry_reads_back_as_it_was_written() {
        let entry = Entry {
            agent_id: Some("sales-assistant".into()),
            endpoint: Some("api.stripe.com/v1/charges".into()),
            status: Some(200),
            request_hash: Some(Digest::of(b"abc")),
            outcome: Outcome::PolicyBlocked,
            hash_key_id: Some("k1".into()),
            reason: Some(Reason::HostNotAllowed),
            provisional: true,
            agent: Some(Agent {
                name: Some("sales-assistant".into()),
                version: None,
                deployment: Some("eu-1".into()),
                source: Source::Claimed,
            }),
            request: Some(Message {
                http_version: Some(HttpVersion::Http2),
                bytes: u64::MAX,
                media_type: Some("application/json".into()),
                encoding: None,
                end: Some(End::LocalReply),
                scan: Some(Scan::Json),
                masked: Some(Cow::Owned([("jwt".into(), 2)].into())),
                headers: Some(Cow::Owned(
                    [("user-agent".into(), "caf\u{e9} \u{1f980}".into())].into(),
                )),
            }),
            stream: Some(Stream {
                kind: Kind::Sse,
                started_at: Some(Timestamp::from_nanos(1_000)),
                ended_at: None,
                response: Flow {
                    events: 2,
                    chunks: 1,
                    chunk_chain: Some(Digest::of(b"b")),
                    event_hashes: vec![Digest::of(b"a"), Digest::of(b"b")],
                    close_code: Some(1011),
                },
                request: Some(Flow::default()),
            }),
            gen_ai: Some(GenAi {
                provider: Some("openai".into()),
                output_tokens: Some(0),
                tools: vec!["search".into()],
                ..GenAi::default()
            }),
            mcp: Some(Mcp {
                method: Some("tools/call".into()),
                resource_uri: Some("file:///a".into()),
                methods: vec!["tools/call".into(), "resources/read".into()],
                error_code: Some(-32_020),
                conflicts: vec!["tool".into()],
                ..Mcp::default()
            }),
            upstream: Some(Upstream { attempts: Some(2), ..Upstream::default() }),
            retry: Some(Retry { count: Some(0), after_ms: Some(250) }),
            rate_limit: Some(RateLimit { remaining_tokens: Some(9), ..RateLimit::default() }),
            credential: Some("0123456789abcdef0123456789abcdef".into()),
            timing: Some(Timing { duration_us: 1, first_byte_us: None }),
            truncated: vec!["endpoint".into()],
            ..bare()
        };
        let line = line(&entry);
        assert!(
            line.contains(r#""type":"application/json""#) && line.contains(r#""provisional":true"#)
        );
        assert_eq!(serde_json::from_str::<Entry<'_>>(&line).unwrap(), entry);
    }

    #[test]
    fn a_key_of_a_later_version_is_passed_over_at_any_depth() {
        for later in [
            r#""stream":{"kind":"sse","events":1,"chunks":1,"x":1}"#,
            r#""stream":{"kind":"sse","request":{"events":1,"chunks":1,"x":1}}"#,
            r#""agent":{"source":"claimed","x":1}"#,
            r#""request":{"bytes":1,"x":1}"#,
            r#""gen_ai":{"x":1}"#,
            r#""mcp":{"x":1}"#,
            r#""x":1"#,
        ] {
            let line = line(&bare()).replace('}', &format!(",{later}}}"));
            let known = line.replace(r#","x":1"#, "").replace(r#""x":1"#, "").replace(",}", "}");
            assert_eq!(
                serde_json::from_str::<Entry<'_>>(&line).unwrap(),
                serde_json::from_str::<Entry<'_>>(&known).unwrap(),
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_is_one_line_of_ascii() {
        let entry = Entry { agent_id: Some("é\u{1f980}\n\u{7f}\"\\".into()), ..bare() };
        let line = line(&entry);
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
        assert!(line.contains(r#""\u00e9\ud83e\udd80\u000a\u007f\"\\""#), "{line}");
        assert_eq!(serde_json::from_str::<Entry<'_>>(&line).unwrap(), entry);
    }
}
