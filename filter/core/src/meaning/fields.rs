//! The places in JSON documents that count, and what stands there.
//!
//! One table for all providers each way. Objects of the same kind stand at several places: the
//! usage of tokens in an answer, in an event that carries an answer, in the message that an event
//! starts. So a table is a list of kinds, each with its places and its members.

use super::usage::Count;
use crate::reader::Paths;

/// What stands at a place of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The model that is asked.
    Model,
    /// A JSON-RPC message: its version, its method, the name of what it is for, the version of MCP.
    Jsonrpc,
    Method,
    Name,
    ProtocolVersion,
    /// A JSON-RPC message of several.
    Message,
}

/// What stands at a place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// What kind of event or object this is (`type`, `object`).
    Kind,
    Object,
    /// The answer's id; where a connection carries several, each event says which it belongs to.
    Id,
    EventId,
    Model,
    Count(Count),
    FinishReason,
    /// How OpenAI's responses ended, and why if not as they should.
    Status,
    StatusReason,
    /// An answer over a connection that carries several is complete.
    TurnComplete,
    Tool,
    /// Something in the answer that may be the call of a tool.
    Part(Member),
    /// The same in an event, whose kind tells whether it is the model's.
    Item(Member),
    /// An error, and the provider's words for it.
    Error,
    ErrorWord(Word),
    /// A JSON-RPC error code.
    ErrorCode,
    /// What only Ollama says.
    OllamaMark,
    /// A document within the document.
    Embedded,
    /// JSON-RPC messages of a server: one of several, its method, and what a result says.
    Message,
    Method,
    Result,
    IsError,
    ProtocolVersion,
}

/// A member of a part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// The part itself.
    Whole,
    Type,
    Name,
}

/// Which of the words for an error. The earlier ones say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Code,
    Type,
    Status,
}

/// The tables, compiled.
#[derive(Debug)]
pub struct Tables {
    pub(super) asked: Paths<Asked>,
    pub(super) answered: Paths<Answered>,
}

impl Default for Tables {
    fn default() -> Self {
        Self { asked: compiled(ASKED), answered: compiled(ANSWERED) }
    }
}

impl Tables {
    /// Compiles the tables, once for all calls.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Each kind of object: the places where it stands, and its members. The member `""` is the place
/// itself, and `{}` the object there.
type Table<F> = &'static [(&'static [&'static str], &'static [(&'static str, F)])];

fn compiled<F: Copy>(table: Table<F>) -> Paths<F> {
    let of_kind = |(places, members): &(&[&str], &[(&str, F)])| -> Vec<(String, F)> {
        let at = |place: &&str| {
            members.iter().map(|(name, field)| (joined(place, name), *field)).collect()
        };
        places.iter().flat_map(|place| -> Vec<_> { at(place) }).collect()
    };
    let paths: Vec<(String, F)> = table.iter().flat_map(of_kind).collect();
    let paths: Vec<(&str, F)> = paths.iter().map(|(path, field)| (&**path, *field)).collect();
    Paths::new(&paths)
}

fn joined(place: &str, member: &str) -> String {
    let is_own = place.is_empty() || member.is_empty() || member == "{}";
    if is_own { format!("{place}{member}") } else { format!("{place}.{member}") }
}

/// Requests.
const ASKED: Table<Asked> = &[
    // OpenAI, Anthropic, Mistral, Ollama, … in the body. `setup`: Gemini Live. `session` and
    // `response`: OpenAI Realtime, and Responses over a WebSocket.
    (&["", "setup", "session", "response"], &[("model", Asked::Model)]),
    // MCP: a JSON-RPC message, alone or among others (until 2025-03-26).
    (
        &["", "[]"],
        &[
            ("jsonrpc", Asked::Jsonrpc),
            ("method", Asked::Method),
            ("params.name", Asked::Name),
            ("params.protocolVersion", Asked::ProtocolVersion),
            (r"params._meta.io\.modelcontextprotocol/protocolVersion", Asked::ProtocolVersion),
        ],
    ),
    (&["[]"], &[("{}", Asked::Message)]),
];

/// Answers: bodies, and what events, lines, frames and messages of a stream say.
const ANSWERED: Table<Answered> = {
    use Answered::{
        Count as N, Embedded, Error, ErrorCode, ErrorWord, EventId, FinishReason, Id, IsError,
        Item, Kind, Message, Method, Model, Object, OllamaMark, Part, ProtocolVersion, Status,
        StatusReason, Tool, TurnComplete,
    };
    use Count::{
        CacheCreation, CacheCreationPart, CacheRead, CacheReadPart, Input, Output, PlainInput,
        Reasoning, Thoughts, ToolInput, Total,
    };
    &[
        // Who answered. `message`: Anthropic's `message_start`. `[]`: Gemini's stream as an array.
        (&["", "message"], &[("id", Id), ("model", Model)]),
        (&["", "[]"], &[("responseId", Id), ("modelVersion", Model)]),
        (&["response"], &[("id", EventId), ("model", Model)]),
        (&["session"], &[("model", Model)]),
        (&[""], &[("type", Kind), ("object", Object)]),
        // OpenAI and its like, Anthropic, Cohere, and Bedrock, which has names of its own. `x_groq`:
        // Groq's streams. `delta`: Cohere's. `metadata`: Amazon Nova's. `message`: the start of an
        // answer of Anthropic's, which knows the input and not yet the output.
        (
            &[
                "usage",
                "message.usage",
                "response.usage",
                "x_groq.usage",
                "delta.usage",
                "metadata.usage",
            ],
            &[
                ("prompt_tokens", N(Input)),
                ("prompt_tokens_details.cached_tokens", N(CacheReadPart)),
                ("prompt_tokens_details.cache_write_tokens", N(CacheCreationPart)),
                ("prompt_cache_hit_tokens", N(CacheReadPart)),
                ("input_tokens", N(PlainInput)),
                ("input_tokens_details.cached_tokens", N(CacheReadPart)),
                ("input_tokens_details.cache_write_tokens", N(CacheCreationPart)),
                ("input_token_details.cached_tokens", N(CacheReadPart)),
                ("cache_read_input_tokens", N(CacheRead)),
                ("cache_creation_input_tokens", N(CacheCreation)),
                ("inputTokens", N(PlainInput)),
                ("cacheReadInputTokens", N(CacheRead)),
                ("cacheReadInputTokenCount", N(CacheRead)),
                ("cacheWriteInputTokens", N(CacheCreation)),
                ("cacheWriteInputTokenCount", N(CacheCreation)),
                ("tokens.input_tokens", N(PlainInput)),
            ],
        ),
        (
            &["usage", "response.usage", "x_groq.usage", "delta.usage", "metadata.usage"],
            &[
                ("total_tokens", N(Total)),
                ("completion_tokens", N(Output)),
                ("completion_tokens_details.reasoning_tokens", N(Reasoning)),
                ("output_tokens", N(Output)),
                ("output_tokens_details.reasoning_tokens", N(Reasoning)),
                ("output_tokens_details.thinking_tokens", N(Reasoning)),
                ("outputTokens", N(Output)),
                ("tokens.output_tokens", N(Output)),
            ],
        ),
        // Cohere, version 1, and its embeddings.
        (&["meta.tokens"], &[("input_tokens", N(PlainInput)), ("output_tokens", N(Output))]),
        (&["meta.billed_units"], &[("input_tokens", N(PlainInput))]),
        // Gemini, also live.
        (
            &["usageMetadata", "[].usageMetadata"],
            &[
                ("promptTokenCount", N(Input)),
                ("toolUsePromptTokenCount", N(ToolInput)),
                ("cachedContentTokenCount", N(CacheReadPart)),
                ("candidatesTokenCount", N(Output)),
                ("responseTokenCount", N(Output)),
                ("thoughtsTokenCount", N(Thoughts)),
            ],
        ),
        // Bedrock: the last chunk of a stream, whatever the model; and models with words of their own.
        (
            &["amazon-bedrock-invocationMetrics"],
            &[
                ("inputTokenCount", N(PlainInput)),
                ("outputTokenCount", N(Output)),
                ("cacheReadInputTokenCount", N(CacheRead)),
                ("cacheWriteInputTokenCount", N(CacheCreation)),
            ],
        ),
        (
            &[""],
            &[
                ("prompt_token_count", N(Input)),
                ("generation_token_count", N(Output)),
                ("inputTextTokenCount", N(Input)),
                ("totalOutputTextTokenCount", N(Output)),
            ],
        ),
        // Ollama.
        (
            &[""],
            &[
                ("prompt_eval_count", N(Input)),
                ("eval_count", N(Output)),
                ("load_duration", OllamaMark),
            ],
        ),
        // Why the model stopped.
        (&["choices[]", "", "delta"], &[("finish_reason", FinishReason)]),
        (&["", "delta"], &[("stop_reason", FinishReason)]),
        (&["", "messageStop"], &[("stopReason", FinishReason)]),
        (&[""], &[("done_reason", FinishReason)]),
        (&["outputs[]"], &[("stop_reason", FinishReason)]),
        (&["results[]"], &[("completionReason", FinishReason)]),
        (
            &["", "[]"],
            &[
                ("candidates[].finishReason", FinishReason),
                ("promptFeedback.blockReason", FinishReason),
            ],
        ),
        (
            &["", "response"],
            &[
                ("status", Status),
                ("incomplete_details.reason", StatusReason),
                ("status_details.reason", StatusReason),
            ],
        ),
        (&["serverContent"], &[("turnComplete", TurnComplete)]),
        // The tools that it calls.
        (
            &["choices[].message", "choices[].delta", "message"],
            &[
                ("tool_calls[].function.name", Tool),
                ("tool_calls[].custom.name", Tool),
                ("function_call.name", Tool),
            ],
        ),
        (&["delta.message"], &[("tool_calls.function.name", Tool)]),
        (&["", "[]"], &[("candidates[].content.parts[].functionCall.name", Tool)]),
        (&["toolCall"], &[("functionCalls[].name", Tool)]),
        (
            &["output.message.content[]", "start", "contentBlockStart.start"],
            &[("toolUse.name", Tool)],
        ),
        (
            &["content[]", "content_block", "output[]", "response.output[]"],
            &[
                ("{}", Part(Member::Whole)),
                ("type", Part(Member::Type)),
                ("name", Part(Member::Name)),
            ],
        ),
        (
            &["item"],
            &[
                ("{}", Item(Member::Whole)),
                ("type", Item(Member::Type)),
                ("name", Item(Member::Name)),
            ],
        ),
        // What went wrong.
        (
            &[
                "error",
                "[].error",
                "choices[].error",
                "response.error",
                "response.status_details.error",
                "x_groq.error",
            ],
            &[
                ("", Error),
                ("{}", Error),
                ("type", ErrorWord(Word::Type)),
                ("status", ErrorWord(Word::Status)),
            ],
        ),
        (
            &["choices[].error", "response.error", "response.status_details.error"],
            &[("code", ErrorWord(Word::Code))],
        ),
        (&["error", "[].error"], &[("code", ErrorCode)]),
        // OpenAI's `error` event and Mistral's errors, which are no object of their own.
        (&[""], &[("code", ErrorWord(Word::Code))]),
        // Bedrock's streams of other people's models.
        (&["bytes~"], &[("", Embedded)]),
        // MCP: a JSON-RPC message, alone or among others.
        (
            &["", "[]"],
            &[
                ("method", Method),
                ("result{}", Answered::Result),
                ("result.isError", IsError),
                ("result.protocolVersion", ProtocolVersion),
            ],
        ),
        (&["[]"], &[("{}", Message)]),
    ]
};
