//! What is asked for, by method and path.
//!
//! The words are those of OpenTelemetry; where it has none, they are the provider's own noun. One
//! word stands for one kind of thing, whoever has it: all rerankers have `rerank`.
//!
//! | word | whose | means |
//! |---|---|---|
//! | `chat`, `text_completion`, `generate_content`, `embeddings` | OpenTelemetry's | a model answers |
//! | `create_agent`, `invoke_agent`, `retrieval` | OpenTelemetry's | an agent is made, or runs; something is searched |
//! | `realtime` | ours | a conversation over a socket |
//! | `image_generation`, `video_generation`, `speech`, `transcription`, `translation`, `ocr` | ours | a model makes it, or reads it |
//! | `moderation`, `classification`, `rerank`, `predict` | ours | a model judges; `predict` where the path does not tell what |
//! | `count_tokens` | ours | what was only counted is no usage |
//! | `batch`, `file`, `cache`, `conversation`, `vector_store`, `fine_tuning`, `evaluation`, `model` | ours | something that the provider keeps is made, looked at or removed |
//!
//! The kind of answer that Bedrock's `invoke` gives depends on the model, so it has the widest word.

/// What a call is about by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) word: &'static str,
    pub(super) naming: Naming,
    pub(super) answer: Answer,
}

/// Where the model is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// In the body alone.
    Body,
    /// In the path, which is what the provider goes by; in the body only where the path has none.
    Path,
    /// In the path or in the query, where the body does not name it.
    PathOrBody,
}

/// What the answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    /// What the model says.
    #[default]
    Words,
    /// The state of an answer: its `status` says whether it is there, and whether it failed.
    State,
    /// The state of something else that the provider keeps. That this is well says nothing about
    /// the call, nor does an error in it.
    Thing,
    /// A cache that was made, with the tokens that went into it.
    Cache,
}

/// Where a path tells its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere: nobody else has such a path.
    AnyHost,
    /// At a known provider: elsewhere it may mean anything.
    KnownHost,
}

/// By which method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Any,
    Get,
    Post,
}

impl Verb {
    /// Whether a request with this method is one; of a method that is not known it may be.
    pub(super) fn is(self, method: &[u8]) -> bool {
        method.is_empty()
            || match self {
                Self::Any => true,
                Self::Get => method == b"GET",
                Self::Post => method == b"POST",
            }
    }
}

pub(super) const BATCH: &str = "batch";
pub(super) const CACHE: &str = "cache";
pub(super) const CHAT: &str = "chat";
pub(super) const CLASSIFICATION: &str = "classification";
pub(super) const COMPLETION: &str = "text_completion";
pub(super) const CONVERSATION: &str = "conversation";
pub(super) const COUNT_TOKENS: &str = "count_tokens";
pub(super) const CREATE_AGENT: &str = "create_agent";
pub(super) const EMBEDDINGS: &str = "embeddings";
pub(super) const EVALUATION: &str = "evaluation";
pub(super) const FILE: &str = "file";
pub(super) const FINE_TUNING: &str = "fine_tuning";
pub(super) const GENERATE: &str = "generate_content";
pub(super) const IMAGE: &str = "image_generation";
pub(super) const INVOKE_AGENT: &str = "invoke_agent";
pub(super) const MODEL: &str = "model";
pub(super) const MODERATION: &str = "moderation";
pub(super) const OCR: &str = "ocr";
pub(super) const PREDICT: &str = "predict";
pub(super) const REALTIME: &str = "realtime";
pub(super) const RERANK: &str = "rerank";
pub(super) const RETRIEVAL: &str = "retrieval";
pub(super) const SPEECH: &str = "speech";
pub(super) const TRANSCRIPTION: &str = "transcription";
pub(super) const TRANSLATION: &str = "translation";
pub(super) const VECTOR_STORE: &str = "vector_store";
pub(super) const VIDEO: &str = "video_generation";

/// No operation is known, in spite of the rows that follow.
pub(super) const NONE: &str = "";

/// Method, path, where that path tells it, the word, where the model is named, and what the answer
/// is. The first that matches decides; `*` stands for anything.
pub(super) const OPERATIONS: &[(Verb, &str, Reach, &str, Naming, Answer)] = {
    use Answer::{Cache, State, Thing, Words};
    use Naming::{Body, Path, PathOrBody};
    use Reach::{AnyHost, KnownHost};
    use Verb::{Any, Get, Post};
    &[
        // OpenAI's chat, and what speaks like it. Other methods are about answers that are kept.
        (Post, "*/async/chat/completions", KnownHost, CHAT, Body, State),
        (Get, "*/async/chat/completions/*", KnownHost, CHAT, Body, State),
        (Get, "*/async/chat/completions", KnownHost, CHAT, Body, Thing),
        (Post, "*/agents/completions", KnownHost, CHAT, Body, Words),
        (Post, "*/chat/completions", AnyHost, CHAT, PathOrBody, Words),
        (Post, "*/v1/completions", AnyHost, COMPLETION, Body, Words),
        (Post, "*/completions", KnownHost, COMPLETION, PathOrBody, Words),
        // OpenAI's responses. In the background, their tokens come with a later look at them.
        (Post, "*/v1/responses/input_tokens", AnyHost, COUNT_TOKENS, Body, Words),
        (Post, "*/responses/input_tokens", KnownHost, COUNT_TOKENS, Body, Words),
        (Post, "*/v1/responses/compact", AnyHost, CHAT, Body, Words),
        (Post, "*/responses/compact", KnownHost, CHAT, Body, Words),
        (Any, "*/v1/responses", AnyHost, CHAT, Body, Words),
        (Any, "*/responses", KnownHost, CHAT, PathOrBody, Words),
        (Post, "*/v1/responses/*/cancel", AnyHost, CHAT, Body, Words),
        (Post, "*/responses/*/cancel", KnownHost, CHAT, Body, Words),
        (Any, "*/responses/*/*", AnyHost, NONE, Body, Thing),
        (Get, "*/v1/responses/*", AnyHost, CHAT, Body, Words),
        (Get, "*/responses/*", KnownHost, CHAT, Body, Words),
        (Any, "*/responses/*", KnownHost, CHAT, Body, Thing),
        (Post, "*/v1/embeddings", AnyHost, EMBEDDINGS, Body, Words),
        (Post, "*/embeddings", KnownHost, EMBEDDINGS, PathOrBody, Words),
        (Post, "*/multimodalembeddings", KnownHost, EMBEDDINGS, Body, Words),
        (Post, "*/contextualizedembeddings", KnownHost, EMBEDDINGS, Body, Words),
        (Any, "*/v1/realtime", AnyHost, REALTIME, PathOrBody, Words),
        (Any, "*/realtime", KnownHost, REALTIME, PathOrBody, Words),
        (Post, "*/v1/images/generations", AnyHost, IMAGE, Body, Words),
        (Post, "*/v1/images/edits", AnyHost, IMAGE, Body, Words),
        (Post, "*/v1/images/variations", AnyHost, IMAGE, Body, Words),
        (Post, "*/images/generations", KnownHost, IMAGE, PathOrBody, Words),
        (Post, "*/images/edits", KnownHost, IMAGE, PathOrBody, Words),
        (Post, "*/images/variations", KnownHost, IMAGE, PathOrBody, Words),
        (Post, "*/v1/audio/speech", AnyHost, SPEECH, Body, Words),
        (Post, "*/v1/audio/transcriptions", AnyHost, TRANSCRIPTION, Body, Words),
        (Post, "*/v1/audio/translations", AnyHost, TRANSLATION, Body, Words),
        (Post, "*/audio/speech", KnownHost, SPEECH, PathOrBody, Words),
        (Post, "*/audio/transcriptions", KnownHost, TRANSCRIPTION, PathOrBody, Words),
        (Post, "*/audio/translations", KnownHost, TRANSLATION, PathOrBody, Words),
        (Post, "*/v1/moderations", AnyHost, MODERATION, Body, Words),
        (Post, "*/moderations", KnownHost, MODERATION, Body, Words),
        (Post, "*/classifications", KnownHost, CLASSIFICATION, Body, Words),
        (Post, "*/v1/classify", KnownHost, CLASSIFICATION, Body, Words),
        (Any, "*/videos/*/content", KnownHost, FILE, Body, Thing),
        (Any, "*/videos/characters*", KnownHost, FILE, Body, Thing),
        (Post, "*/v1/videos", AnyHost, VIDEO, Body, State),
        (Post, "*/videos", KnownHost, VIDEO, Body, State),
        (Post, "*/videos/*", KnownHost, VIDEO, Body, State),
        (Get, "*/videos/*", KnownHost, VIDEO, Body, State),
        (Any, "*/v1/videos", KnownHost, VIDEO, Body, Thing),
        (Any, "*/v1/videos/*", KnownHost, VIDEO, Body, Thing),
        (Post, "*/v1/ocr", KnownHost, OCR, Body, Words),
        // Anthropic.
        (Post, "*/v1/messages/count_tokens", AnyHost, COUNT_TOKENS, Body, Words),
        (Post, "*/v1/messages", AnyHost, CHAT, Body, Words),
        (Get, "*/v1/messages/batches/*/results", AnyHost, BATCH, Body, Thing),
        (Any, "*/v1/messages/batches", AnyHost, BATCH, Body, Thing),
        (Any, "*/v1/messages/batches/*", AnyHost, BATCH, Body, Thing),
        (Post, "*/v1/complete", KnownHost, COMPLETION, Body, Words),
        // Gemini and Vertex AI.
        (Post, "*:generateContent", AnyHost, GENERATE, Path, Words),
        (Post, "*:streamGenerateContent", AnyHost, GENERATE, Path, Words),
        (Post, "*:embedContent", AnyHost, EMBEDDINGS, Path, Words),
        (Post, "*:batchEmbedContents", AnyHost, EMBEDDINGS, Path, Words),
        (Post, "*:countTokens", AnyHost, COUNT_TOKENS, Path, Words),
        (Post, "*:computeTokens", AnyHost, COUNT_TOKENS, Path, Words),
        (Post, "*/count-tokens:rawPredict", AnyHost, COUNT_TOKENS, Body, Words),
        (Post, "*:rawPredict", AnyHost, CHAT, Path, Words),
        (Post, "*:streamRawPredict", AnyHost, CHAT, Path, Words),
        (Post, "*:predict", KnownHost, PREDICT, Path, Words),
        (Post, "*:serverStreamingPredict", KnownHost, PREDICT, Path, Words),
        (Post, "*:predictLongRunning", KnownHost, PREDICT, Path, State),
        (Post, "*:fetchPredictOperation", KnownHost, PREDICT, Path, State),
        (Get, "*/models/*/operations/*", KnownHost, PREDICT, Path, State),
        (Post, "*:batchGenerateContent", AnyHost, BATCH, Path, Thing),
        (Post, "*:asyncBatchEmbedContent", AnyHost, BATCH, Path, Thing),
        (Any, "*/batchPredictionJobs*", KnownHost, BATCH, Body, Thing),
        (Post, "*/interactions", KnownHost, GENERATE, Body, State),
        (Post, "*/interactions/*/cancel", KnownHost, GENERATE, Body, State),
        (Get, "*/interactions/*", KnownHost, GENERATE, Body, State),
        (Post, "*/cachedContents", KnownHost, CACHE, Body, Cache),
        (Any, "*/cachedContents*", KnownHost, CACHE, Body, Thing),
        (Post, "*/reasoningEngines/*:query", KnownHost, INVOKE_AGENT, Body, Words),
        (Post, "*/reasoningEngines/*:streamQuery", KnownHost, INVOKE_AGENT, Body, Words),
        (Any, "*BidiGenerateContent", AnyHost, REALTIME, Body, Words),
        (Any, "*BidiGenerateContentConstrained", AnyHost, REALTIME, Body, Words),
        (Any, "*/tunedModels*", KnownHost, FINE_TUNING, Body, Thing),
        (Any, "*/tuningJobs*", KnownHost, FINE_TUNING, Body, Thing),
        (Any, "*/fileSearchStores*", KnownHost, VECTOR_STORE, Body, Thing),
        (Any, "*/ragCorpora*", KnownHost, VECTOR_STORE, Body, Thing),
        // Bedrock.
        (Post, "*/model/*/converse", AnyHost, CHAT, Path, Words),
        (Post, "*/model/*/converse-stream", AnyHost, CHAT, Path, Words),
        (Post, "*/model/*/invoke", AnyHost, GENERATE, Path, Words),
        (Post, "*/model/*/invoke-with-response-stream", AnyHost, GENERATE, Path, Words),
        (Post, "*/model/*/invoke-with-bidirectional-stream", AnyHost, REALTIME, Path, Words),
        (Post, "*/model/*/count-tokens", AnyHost, COUNT_TOKENS, Path, Words),
        (Any, "*/async-invoke*", KnownHost, GENERATE, Body, State),
        (Post, "*/agents/*/agentAliases/*/sessions/*/text", KnownHost, INVOKE_AGENT, Body, Words),
        (Post, "*/knowledgebases/*/retrieve", KnownHost, RETRIEVAL, Body, Words),
        (Any, "*/model-invocation-job*", KnownHost, BATCH, Body, Thing),
        // Ollama.
        (Post, "/api/chat", AnyHost, CHAT, Body, Words),
        (Post, "/api/generate", AnyHost, COMPLETION, Body, Words),
        (Post, "/api/embed", AnyHost, EMBEDDINGS, Body, Words),
        (Post, "/api/embeddings", AnyHost, EMBEDDINGS, Body, Words),
        (Post, "/api/pull", KnownHost, MODEL, Body, Words),
        (Post, "/api/push", KnownHost, MODEL, Body, Words),
        (Post, "/api/create", KnownHost, MODEL, Body, Words),
        (Any, "/api/delete", KnownHost, MODEL, Body, Words),
        (Post, "/api/copy", KnownHost, MODEL, Body, Words),
        (Post, "/api/show", KnownHost, MODEL, Body, Words),
        // Cohere, Voyage, Jina, Perplexity, Mistral.
        (Post, "*/v1/sonar", KnownHost, CHAT, Body, Words),
        (Post, "*/async/sonar", KnownHost, CHAT, Body, State),
        (Get, "*/async/sonar/*", KnownHost, CHAT, Body, State),
        (Get, "*/async/sonar", KnownHost, CHAT, Body, Thing),
        (Post, "*/v1/agent", KnownHost, CHAT, Body, Words),
        (Post, "*/v1/agent/*/cancel", KnownHost, CHAT, Body, Words),
        (Get, "*/v1/agent/*", KnownHost, CHAT, Body, Words),
        (Post, "*/v1/chat", KnownHost, CHAT, Body, Words),
        (Post, "*/v2/chat", KnownHost, CHAT, Body, Words),
        (Post, "*/v1/embed", KnownHost, EMBEDDINGS, Body, Words),
        (Post, "*/v2/embed", KnownHost, EMBEDDINGS, Body, Words),
        (Post, "*/v1/generate", KnownHost, COMPLETION, Body, Words),
        (Post, "*/v1/rerank", AnyHost, RERANK, Body, Words),
        (Post, "*/v2/rerank", AnyHost, RERANK, Body, Words),
        (Post, "*/rerank", KnownHost, RERANK, Body, Words),
        (Post, "*/reranking", KnownHost, RERANK, Body, Words),
        (Post, "*/ranking:rank", KnownHost, RERANK, Body, Words),
        (Post, "*/tokenize", KnownHost, COUNT_TOKENS, Body, Words),
        (Any, "*/embed-jobs*", KnownHost, BATCH, Body, Thing),
        (Post, "*/vector_stores/*/search", KnownHost, RETRIEVAL, Body, Words),
        (Post, "*/search", KnownHost, RETRIEVAL, Body, Words),
        (Post, "*/v1/conversations", KnownHost, CHAT, Body, Words),
        (Post, "*/conversations/*/restart", KnownHost, CHAT, Body, Words),
        (Any, "*/conversations/*/*", KnownHost, CONVERSATION, Body, Thing),
        (Post, "*/v1/conversations/*", KnownHost, CHAT, Body, Words),
        // Agents and their conversations.
        (Post, "*/threads/runs", KnownHost, INVOKE_AGENT, Body, State),
        (Post, "*/threads/*/runs", KnownHost, INVOKE_AGENT, Body, State),
        (Any, "*/threads/*/runs/*/steps*", KnownHost, CONVERSATION, Body, Thing),
        (Any, "*/threads/*/runs/*", KnownHost, INVOKE_AGENT, Body, State),
        (Any, "*/threads*", KnownHost, CONVERSATION, Body, Thing),
        (Any, "*/v1/conversations*", KnownHost, CONVERSATION, Body, Thing),
        (Post, "*/assistants", KnownHost, CREATE_AGENT, Body, Thing),
        (Post, "*/v1/agents", KnownHost, CREATE_AGENT, Body, Thing),
        (Post, "*/v1beta/agents", KnownHost, CREATE_AGENT, Body, Thing),
        // What else a provider keeps.
        (Any, "*/vector_stores*", KnownHost, VECTOR_STORE, Body, Thing),
        (Any, "*/batch/jobs*", KnownHost, BATCH, Body, Thing),
        (Any, "*/batches*", KnownHost, BATCH, Body, Thing),
        (Any, "*/files*", KnownHost, FILE, Body, Thing),
        (Any, "*/uploads*", KnownHost, FILE, Body, Thing),
        (Any, "*/fine_tuning/jobs*", KnownHost, FINE_TUNING, Body, Thing),
        (Any, "*/fine-tunes*", KnownHost, FINE_TUNING, Body, Thing),
        (Any, "*/v1/evals*", KnownHost, EVALUATION, Body, Thing),
        // watsonx, DashScope, and others with words of their own.
        (Post, "/ml/v1/text/chat*", KnownHost, CHAT, Body, Words),
        (Post, "/ml/v1/text/generation*", KnownHost, COMPLETION, Body, Words),
        (Post, "/ml/v1/text/tokenization", KnownHost, COUNT_TOKENS, Body, Words),
        (Post, "/ml/v1/deployments/*/text/chat*", KnownHost, CHAT, PathOrBody, Words),
        (Post, "/ml/v1/deployments/*/text/generation*", KnownHost, COMPLETION, PathOrBody, Words),
        (Post, "/ml/v1/deployments/*/ai_service*", KnownHost, INVOKE_AGENT, Body, Words),
        (Post, "*/services/aigc/text-generation/*", KnownHost, CHAT, Body, Words),
        (Post, "*/services/aigc/multimodal-generation/*", KnownHost, CHAT, Body, Words),
        (Post, "*/services/aigc/text2image/*", KnownHost, IMAGE, Body, State),
        (Post, "*/services/aigc/image2image/*", KnownHost, IMAGE, Body, State),
        (Post, "*/services/aigc/image-generation/*", KnownHost, IMAGE, Body, State),
        (Post, "*/services/aigc/image2video/*", KnownHost, VIDEO, Body, State),
        (Post, "*/services/aigc/video-generation/*", KnownHost, VIDEO, Body, State),
        (Post, "*/services/audio/asr/*", KnownHost, TRANSCRIPTION, Body, State),
        (Post, "*/apps/*/completion", KnownHost, INVOKE_AGENT, Body, Words),
        (Post, "*/services/embeddings/*", KnownHost, EMBEDDINGS, Body, Words),
        (Post, "*/services/rerank/*", KnownHost, RERANK, Body, Words),
        // Vercel, which names the model in a header.
        (Post, "*/ai/language-model", KnownHost, CHAT, Body, Words),
        (Post, "*/ai/embedding-model", KnownHost, EMBEDDINGS, Body, Words),
        (Post, "*/ai/image-model", KnownHost, IMAGE, Body, Words),
        (Post, "*/ai/video-model", KnownHost, VIDEO, Body, Words),
        (Post, "*/ai/reranking-model", KnownHost, RERANK, Body, Words),
        (Post, "*/text/chatcompletion_v2", KnownHost, CHAT, Body, Words),
        (Post, "*/serving-endpoints/*/invocations", KnownHost, PREDICT, PathOrBody, Words),
        (Post, "*/ai/run/*", KnownHost, PREDICT, PathOrBody, Words),
        (Post, "*/models/*/predictions", KnownHost, PREDICT, Path, State),
        (Post, "*/v1/predictions", KnownHost, PREDICT, Body, State),
        (Any, "*/v1/predictions/*", KnownHost, PREDICT, Body, State),
        (Post, "*/v1/inference/*", KnownHost, PREDICT, PathOrBody, Words),
        (Post, "*/stable-image/*", KnownHost, IMAGE, Body, Words),
        (Post, "*/v1/image_generation", KnownHost, IMAGE, Body, Words),
        (Post, "*/v1/video_generation", KnownHost, VIDEO, Body, Words),
        (Post, "*/text-to-speech/*", KnownHost, SPEECH, Body, Words),
        (Post, "*/speech-to-text", KnownHost, TRANSCRIPTION, Body, Words),
        (Any, "*/v1/speak", KnownHost, SPEECH, PathOrBody, Words),
        (Any, "*/v1/listen", KnownHost, TRANSCRIPTION, PathOrBody, Words),
        (Any, "*/v2/listen", KnownHost, TRANSCRIPTION, PathOrBody, Words),
        (Post, "*/v2/transcript", KnownHost, TRANSCRIPTION, Body, State),
        (Get, "*/v2/transcript/*", KnownHost, TRANSCRIPTION, Body, State),
    ]
};
