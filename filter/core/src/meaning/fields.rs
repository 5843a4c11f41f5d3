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
    /// The model of one request of several.
    ModelOfOne,
    /// The version of a model, by which Replicate asks for it.
    Version,
    /// The agent that is asked, instead of a model.
    Agent,
    /// How many answers there shall be to each prompt, and one of several prompts: a text, or a
    /// part of one that comes as numbers.
    Choices,
    Prompt,
    PromptPart,
    /// A JSON-RPC message: its version, its method, the name of what it is for, the version of MCP.
    Jsonrpc,
    Method,
    Name,
    ProtocolVersion,
    /// Its id, whose absence makes it a notification; what it answers to, if it is no call.
    RpcId,
    RpcAnswer,
    /// The resource that it is for, or one of several; the prompt or resource that it refers to.
    Uri,
    OneUri,
    RefName,
    /// The trace that it belongs to.
    TraceParent,
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
    /// A name of its own, which a thing may have instead of an id, and an event of a tool's.
    OwnName,
    Count(Count),
    /// The same in one of several choices, and in one of several answers, which add up.
    ChoiceCount(Count),
    CountOfOne(Count),
    /// What Moonshot read from a cache; others use its word for something else.
    MoonshotCached,
    /// One of several answers.
    One,
    /// A run of the model, of several for one answer.
    Run(RunMember),
    FinishReason,
    /// One of several choices that the model offers.
    Choice(ChoiceMember),
    /// Whether the answer was made in the background, and not while its caller waited.
    Background,
    /// How OpenAI's responses ended, and why if not as they should.
    Status,
    StatusReason,
    /// An answer over a connection that carries several is complete.
    TurnComplete,
    /// Something of the next one.
    Turn,
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
    /// Whether it went well: `ok` and `success`, and codes of which 0 means so.
    Ok,
    Success,
    CodeOfZero,
    /// One of several errors.
    Errors,
    /// What only Ollama says.
    OllamaMark,
    /// A document within the document.
    Embedded,
    /// JSON-RPC messages of a server: one of several, its version, its method, and what a result
    /// says.
    Message,
    Jsonrpc,
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

/// A member of a run of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunMember {
    /// The run itself.
    Whole,
    Type,
    Count(Count),
}

/// A member of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChoiceMember {
    /// The choice itself.
    Whole,
    Index,
    FinishReason,
}

/// Which of the words for an error. The earlier ones say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Code,
    Type,
    Status,
    Number,
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
    // `response`: OpenAI Realtime, and Responses over a WebSocket. `model_id`: watsonx, ElevenLabs.
    // `speech_model`: AssemblyAI. `version`: Replicate.
    (&["", "setup", "session", "response"], &[("model", Asked::Model)]),
    (
        &[""],
        &[
            ("model_id", Asked::Model),
            ("speech_model", Asked::Model),
            ("version", Asked::Version),
            ("agent", Asked::Agent),
            ("agent_id", Asked::Agent),
        ],
    ),
    // Anthropic's batches.
    (&["requests[].params"], &[("model", Asked::ModelOfOne)]),
    // What Perplexity is to answer later.
    (&["request"], &[("model", Asked::Model)]),
    // How many choices there will be. `request`: Gemini's code assistants.
    (
        &["", "generationConfig", "generation_config", "request.generationConfig"],
        &[("n", Asked::Choices), ("candidateCount", Asked::Choices)],
    ),
    (
        &[""],
        &[
            ("num_generations", Asked::Choices),
            ("prompt[]", Asked::Prompt),
            ("prompt[][]", Asked::PromptPart),
        ],
    ),
    // MCP: a JSON-RPC message, alone or among others (until 2025-03-26).
    (
        &["", "[]"],
        &[
            ("jsonrpc", Asked::Jsonrpc),
            ("method", Asked::Method),
            ("params.name", Asked::Name),
            ("id", Asked::RpcId),
            ("result{}", Asked::RpcAnswer),
            ("error{}", Asked::RpcAnswer),
            ("params.uri", Asked::Uri),
            ("params.notifications.resourceSubscriptions[]", Asked::OneUri),
            ("params.ref.name", Asked::RefName),
            ("params.ref.uri", Asked::Uri),
            ("params._meta.traceparent", Asked::TraceParent),
            ("params.protocolVersion", Asked::ProtocolVersion),
            (r"params._meta.io\.modelcontextprotocol/protocolVersion", Asked::ProtocolVersion),
        ],
    ),
    (&["[]"], &[("{}", Asked::Message)]),
];

/// Answers: bodies, and what events, lines, frames and messages of a stream say.
const ANSWERED: Table<Answered> = {
    use Answered::{
        Background, Choice, ChoiceCount, CodeOfZero, Count as N, CountOfOne, Embedded, Error,
        ErrorCode, ErrorWord, Errors, EventId, FinishReason, Id, IsError, Item, Jsonrpc, Kind,
        Message, Method, Model, Object, Ok, OllamaMark, One, OwnName, Part, ProtocolVersion, Run,
        Status, StatusReason, Success, Tool, Turn, TurnComplete,
    };
    use Count::{
        BilledInput, CacheCreation, CacheCreationPart, CacheRead, CacheReadPart, Input, Output,
        PlainInput, Reasoning, Thoughts, ToolInput, Total,
    };
    &[
        // Who answered. `message`: Anthropic's `message_start`. `[]`: Gemini's stream as an array.
        // `response` in it: Gemini's code assistants. `interaction`: events of Gemini's interactions.
        (&["", "message", "interaction"], &[("id", Id), ("model", Model)]),
        (&["", "[]", "response", "[].response"], &[("responseId", Id), ("modelVersion", Model)]),
        (&["response"], &[("id", EventId), ("model", Model)]),
        // The results of Anthropic's batches, one a line.
        (&["result.message"], &[("id", EventId), ("model", Model)]),
        (&["session"], &[("model", Model)]),
        (&[""], &[("conversation_id", Id), ("model_id", Model), ("name", OwnName)]),
        (&["", "response"], &[("background", Background)]),
        (&[""], &[("type", Kind), ("event_type", Kind), ("object", Object)]),
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
                "result.usage",
                "result.message.usage",
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
                ("inputTokens.total", N(Input)),
                ("inputTokens.cacheRead", N(CacheReadPart)),
                ("inputTokens.cacheWrite", N(CacheCreationPart)),
                ("cacheReadInputTokens", N(CacheRead)),
                ("cacheReadInputTokenCount", N(CacheRead)),
                ("cacheWriteInputTokens", N(CacheCreation)),
                ("cacheWriteInputTokenCount", N(CacheCreation)),
                ("tokens.input_tokens", N(PlainInput)),
            ],
        ),
        (
            &[
                "usage",
                "response.usage",
                "x_groq.usage",
                "delta.usage",
                "metadata.usage",
                "result.usage",
                "result.message.usage",
            ],
            &[
                ("total_tokens", N(Total)),
                ("completion_tokens", N(Output)),
                ("completion_tokens_details.reasoning_tokens", N(Reasoning)),
                ("output_tokens", N(Output)),
                ("output_tokens_details.reasoning_tokens", N(Reasoning)),
                ("output_tokens_details.thinking_tokens", N(Reasoning)),
                ("outputTokens", N(Output)),
                ("outputTokens.total", N(Output)),
                ("outputTokens.reasoning", N(Reasoning)),
                ("tokens.output_tokens", N(Output)),
            ],
        ),
        // Moonshot, and its streams.
        (&["usage"], &[("cached_tokens", Answered::MoonshotCached)]),
        (
            &["choices[].usage"],
            &[
                ("prompt_tokens", ChoiceCount(Input)),
                ("cached_tokens", ChoiceCount(CacheReadPart)),
                ("completion_tokens", ChoiceCount(Output)),
                ("completion_tokens_details.reasoning_tokens", ChoiceCount(Reasoning)),
                ("total_tokens", ChoiceCount(Total)),
            ],
        ),
        // Anthropic: the runs of the model that one answer took.
        (
            &[
                "usage.iterations[]",
                "message.usage.iterations[]",
                "result.message.usage.iterations[]",
            ],
            &[
                ("{}", Run(RunMember::Whole)),
                ("type", Run(RunMember::Type)),
                ("input_tokens", Run(RunMember::Count(PlainInput))),
                ("output_tokens", Run(RunMember::Count(Output))),
                ("cache_read_input_tokens", Run(RunMember::Count(CacheRead))),
                ("cache_creation_input_tokens", Run(RunMember::Count(CacheCreation))),
            ],
        ),
        // Cohere, version 1, and its embeddings.
        (
            &["meta.tokens", "response.meta.tokens"],
            &[("input_tokens", N(PlainInput)), ("output_tokens", N(Output))],
        ),
        (&["meta.billed_units", "response.meta.billed_units"], &[("input_tokens", N(BilledInput))]),
        // Gemini's interactions.
        (
            &["usage", "interaction.usage"],
            &[
                ("total_input_tokens", N(Input)),
                ("total_cached_tokens", N(CacheReadPart)),
                ("total_tool_use_tokens", N(ToolInput)),
                ("total_output_tokens", N(Output)),
                ("total_thought_tokens", N(Thoughts)),
            ],
        ),
        // Gemini, also live, and within what its code assistants wrap around an answer.
        (
            &[
                "usageMetadata",
                "[].usageMetadata",
                "response.usageMetadata",
                "[].response.usageMetadata",
            ],
            &[
                ("totalTokenCount", N(Total)),
                ("promptTokenCount", N(Input)),
                ("toolUsePromptTokenCount", N(ToolInput)),
                ("cachedContentTokenCount", N(CacheReadPart)),
                ("candidatesTokenCount", N(Output)),
                ("responseTokenCount", N(Output)),
                ("thoughtsTokenCount", N(Thoughts)),
            ],
        ),
        // Gemini's batches, embeddings by Vertex AI, and the models of DashScope's applications: many
        // answers in one document.
        (
            &["response.inlinedResponses.inlinedResponses[]", "predictions[]", "usage.models[]"],
            &[
                ("{}", One),
                ("response.usageMetadata.promptTokenCount", CountOfOne(Input)),
                ("response.usageMetadata.toolUsePromptTokenCount", CountOfOne(ToolInput)),
                ("response.usageMetadata.cachedContentTokenCount", CountOfOne(CacheReadPart)),
                ("response.usageMetadata.candidatesTokenCount", CountOfOne(Output)),
                ("response.usageMetadata.thoughtsTokenCount", CountOfOne(Thoughts)),
                ("embeddings.statistics.token_count", CountOfOne(Input)),
                ("input_tokens", CountOfOne(PlainInput)),
                ("output_tokens", CountOfOne(Output)),
            ],
        ),
        // watsonx, and Replicate.
        (&["results[]"], &[("input_token_count", N(Input)), ("generated_token_count", N(Output))]),
        (&[""], &[("input_token_count", N(Input))]),
        (&["metrics"], &[("input_token_count", N(Input)), ("output_token_count", N(Output))]),
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
        (
            &["choices[]", "response.choices[]", "output.choices[]"],
            &[
                ("{}", Choice(ChoiceMember::Whole)),
                ("index", Choice(ChoiceMember::Index)),
                ("finish_reason", Choice(ChoiceMember::FinishReason)),
            ],
        ),
        (&["", "delta", "output", "result"], &[("finish_reason", FinishReason)]),
        (&["", "delta"], &[("stop_reason", FinishReason)]),
        (&["", "messageStop"], &[("stopReason", FinishReason)]),
        (&[""], &[("done_reason", FinishReason)]),
        (&[""], &[("finishReason", FinishReason), ("finishReason.unified", FinishReason)]),
        (&["outputs[]", "results[]"], &[("stop_reason", FinishReason)]),
        (&["results[]"], &[("completionReason", FinishReason)]),
        (
            &[
                "candidates[]",
                "[].candidates[]",
                "response.candidates[]",
                "[].response.candidates[]",
            ],
            &[
                ("{}", Choice(ChoiceMember::Whole)),
                ("index", Choice(ChoiceMember::Index)),
                ("finishReason", Choice(ChoiceMember::FinishReason)),
                ("content.parts[].functionCall.name", Tool),
            ],
        ),
        (&["", "[]", "response", "[].response"], &[("promptFeedback.blockReason", FinishReason)]),
        (
            &["", "response", "interaction"],
            &[
                ("status", Status),
                ("incomplete_details.reason", StatusReason),
                ("status_details.reason", StatusReason),
            ],
        ),
        (&["serverContent"], &[("turnComplete", TurnComplete), ("modelTurn{}", Turn)]),
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
        (&["toolCall"], &[("{}", Turn), ("functionCalls[].name", Tool)]),
        (
            &["output.message.content[]", "start", "contentBlockStart.start"],
            &[("toolUse.name", Tool)],
        ),
        (
            &[
                "content[]",
                "content_block",
                "output[]",
                "response.output[]",
                "outputs[]",
                "steps[]",
                "step",
                "interaction.steps[]",
            ],
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
                // Of a gateway that hands on what the provider said, and in a list.
                "error.error",
                "error[]",
                "choices[].error",
                "response.error",
                "response.status_details.error",
                "x_groq.error",
                "last_error",
                "interaction.error",
            ],
            &[
                ("", Error),
                ("{}", Error),
                ("type", ErrorWord(Word::Type)),
                ("status", ErrorWord(Word::Status)),
                ("status_code", ErrorWord(Word::Number)),
                ("statusCode", ErrorWord(Word::Number)),
                ("http_code", ErrorWord(Word::Number)),
            ],
        ),
        (
            &[
                "error.error",
                "error[]",
                "choices[].error",
                "response.error",
                "response.status_details.error",
                "x_groq.error",
                "last_error",
                "interaction.error",
            ],
            &[("code", ErrorWord(Word::Code))],
        ),
        (&["error", "[].error"], &[("code", ErrorCode)]),
        // OpenAI's `error` event and Mistral's errors, which are no object of their own.
        (
            &[""],
            &[
                ("code", ErrorWord(Word::Code)),
                ("error_type", ErrorWord(Word::Type)),
                ("error_code", ErrorWord(Word::Number)),
                ("status_code", ErrorWord(Word::Number)),
                ("statusCode", ErrorWord(Word::Number)),
            ],
        ),
        // A good status and an answer that says no: z.ai and Cloudflare, MiniMax, and services
        // that are no models.
        (&[""], &[("success", Success), ("ok", Ok), ("errcode", CodeOfZero)]),
        (&["base_resp"], &[("status_code", CodeOfZero)]),
        (
            &["errors[]", "[].errors[]"],
            &[
                ("", Errors),
                ("{}", Errors),
                ("extensions.code", ErrorWord(Word::Code)),
                ("code", ErrorWord(Word::Number)),
                ("type", ErrorWord(Word::Type)),
            ],
        ),
        // Bedrock's streams of other people's models.
        (&["bytes~"], &[("", Embedded)]),
        // MCP: a JSON-RPC message, alone or among others.
        (
            &["", "[]"],
            &[
                ("jsonrpc", Jsonrpc),
                ("method", Method),
                ("result{}", Answered::Result),
                ("result.isError", IsError),
                ("result.protocolVersion", ProtocolVersion),
            ],
        ),
        (&["[]"], &[("{}", Message)]),
    ]
};
