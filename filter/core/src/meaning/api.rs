//! Which API a call is to, by its host, its method and its path.
//!
//! The host tells who runs the model, the path what is asked of it. They are told apart because
//! neither needs the other: a gateway of a company speaks OpenAI's paths under a name of its own, and
//! who answers behind it is not known here. Then the provider stays unknown, while the operation is
//! known.

use std::borrow::Cow;

use super::{
    Clues,
    operations::{
        Answer, EMBEDDINGS, GENERATE, IMAGE, NONE, Naming, OPERATIONS, Operation, PREDICT, Reach,
        VIDEO,
    },
    providers::PROVIDERS,
};
use crate::mask::hex;

/// What host and path tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Api<'c> {
    /// `gen_ai.provider.name`.
    pub(super) provider: Option<&'static str>,
    /// `gen_ai.operation.name`.
    pub(super) operation: Option<&'static str>,
    /// What the answer is.
    pub(super) answer: Answer,
    /// The model, where the path names it.
    pub(super) model: Option<Cow<'c, [u8]>>,
    /// Whether a model that the body names counts more than that of the path.
    pub(super) body_names_model: bool,
}

impl<'c> Api<'c> {
    /// The API that a request is made to; none if neither its host nor its path is known.
    pub(super) fn of(clues: &Clues<'c>) -> Option<Self> {
        let (path, query) = split_path(clues.path);
        let provider = provider(clues.host, path);
        let Some(operation) = operation(clues.method, path, provider.is_some()) else {
            return provider.map(|provider| Self { provider: Some(provider), ..Self::default() });
        };
        let Operation { word, naming, answer } = operation;
        let model = naming.model(path, query);
        let word = model.as_deref().map_or(word, |model| word_for(word, model));
        Some(Self {
            provider,
            operation: Some(word),
            answer,
            model,
            body_names_model: naming != Naming::Path,
        })
    }
}

/// What Bedrock's InvokeModel and Google's predict are asked for depends on the model.
fn word_for(word: &'static str, model: &[u8]) -> &'static str {
    if !matches!(word, GENERATE | PREDICT) {
        return word;
    }
    let names = |parts: &[&str]| parts.iter().any(|part| contains(model, part.as_bytes()));
    match () {
        () if names(&["embed"]) => EMBEDDINGS,
        () if word == PREDICT && names(&["imagen", "imagegeneration"]) => IMAGE,
        () if word == PREDICT && names(&["veo-"]) => VIDEO,
        () => word,
    }
}

/// Path and query, the path without a slash at its end.
fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let (path, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (path.strip_suffix(b"/").unwrap_or(path), query)
}

fn provider(host: &[u8], path: &[u8]) -> Option<&'static str> {
    let name = host_name(host);
    let is_at = |pattern: &str| match pattern.starts_with("*:") {
        true => matches(pattern, host),
        false => matches(pattern, name),
    };
    let (.., provider) =
        PROVIDERS.iter().find(|(at, under, _)| is_at(at) && matches(under, path))?;
    Some(*provider)
}

/// A host without its port and without the dot of the root.
pub(super) fn host_name(host: &[u8]) -> &[u8] {
    let name = match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) => host.get(..colon).unwrap_or_default(),
        None => host,
    };
    name.strip_suffix(b".").unwrap_or(name)
}

fn operation(method: &[u8], path: &[u8], is_known_host: bool) -> Option<Operation> {
    let known = OPERATIONS.iter().find(|(verb, pattern, reach, ..)| {
        (is_known_host || *reach == Reach::AnyHost) && verb.is(method) && matches(pattern, path)
    });
    let (.., word, naming, answer) = *known?;
    (word != NONE).then_some(Operation { word, naming, answer })
}

/// Whether `text` is as `pattern` says, in which `*` stands for anything; in any case.
pub(super) fn matches(pattern: &str, text: &[u8]) -> bool {
    // Most patterns of a table are told by their last byte to be none of these.
    if let (Some(last), Some(end)) = (pattern.as_bytes().last(), text.last())
        && *last != b'*'
        && !last.eq_ignore_ascii_case(end)
    {
        return false;
    }
    let mut pieces = pattern.split('*').map(str::as_bytes);
    let Some(rest) = pieces.next().and_then(|first| strip_prefix(text, first)) else {
        return false;
    };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    // The end goes first: it tells most texts apart, and is found at once.
    let Some(mut rest) = strip_suffix(rest, last) else { return false };
    pieces.all(|piece| {
        let found = rest.windows(piece.len()).position(|bytes| bytes.eq_ignore_ascii_case(piece));
        let behind = found.and_then(|at| rest.get(at.saturating_add(piece.len())..));
        rest = behind.unwrap_or_default();
        behind.is_some()
    })
}

fn strip_prefix<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn strip_suffix<'t>(text: &'t [u8], suffix: &[u8]) -> Option<&'t [u8]> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(rest)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|bytes| bytes.eq_ignore_ascii_case(part))
}

impl Naming {
    fn model<'c>(self, path: &'c [u8], query: &'c [u8]) -> Option<Cow<'c, [u8]>> {
        if self == Self::Body {
            return None;
        }
        let of_path =
            MODEL_IN_PATH.iter().find_map(|(before, behind)| between(path, before, behind));
        let model = of_path.or_else(|| parameter(query, b"model="))?;
        Some(percent_decoded(model)).filter(|model| !model.is_empty())
    }
}

/// The value of the first parameter of a query that begins like this.
fn parameter<'q>(query: &'q [u8], name: &[u8]) -> Option<&'q [u8]> {
    query.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(name))
}

/// What lies in `path` between the last `before` and the first `behind` after it.
fn between<'p>(path: &'p [u8], before: &str, behind: &str) -> Option<&'p [u8]> {
    let (before, behind) = (before.as_bytes(), behind.as_bytes());
    let start = path.windows(before.len()).rposition(|bytes| bytes == before)?;
    let rest = path.get(start.saturating_add(before.len())..)?;
    if behind.is_empty() {
        return Some(rest);
    }
    rest.get(..rest.windows(behind.len()).position(|bytes| bytes == behind)?)
}

fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => hex(*high, *low).map(|byte| (byte, behind)),
            _ => None,
        };
        match escaped {
            Some((byte, behind)) => {
                decoded.push(byte);
                rest = behind;
            }
            None => {
                decoded.push(*byte);
                rest = behind;
            }
        }
    }
    Cow::Owned(decoded)
}

/// Before and behind the name of a model, or of a deployment of one, in a path; what has nothing
/// behind it ends with the path.
const MODEL_IN_PATH: &[(&str, &str)] = &[
    ("/deployments/", "/"),
    ("/models/", "/predictions"),
    ("/models/", "/operations/"),
    ("/models/", "/v1/"),
    ("/models/", ":"),
    ("/tunedModels/", ":"),
    ("/endpoints/", ":"),
    ("/model/", "/"),
    ("/serving-endpoints/", "/"),
    ("/ai/run/", ""),
    ("/v1/inference/", ""),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::operations::*;

    #[test]
    fn host_and_path_tell_provider_operation_and_model() {
        let bedrock = "bedrock-runtime.us-east-1.amazonaws.com";
        let gemini = "generativelanguage.googleapis.com";
        let vertex = "us-east5-aiplatform.googleapis.com";
        for (host, path, provider, operation, model) in [
            ("api.openai.com", "/v1/chat/completions", "openai", CHAT, ""),
            ("eu.api.openai.com", "/v1/responses", "openai", CHAT, ""),
            ("API.OpenAI.com:443", "/v1/embeddings", "openai", EMBEDDINGS, ""),
            (
                "api.openai.com.",
                "/v1/realtime?model=gpt-realtime",
                "openai",
                REALTIME,
                "gpt-realtime",
            ),
            ("api.openai.com", "/v1/models/gpt-5", "openai", "", ""),
            ("api.openai.com", "/v1/responses/resp_1", "openai", CHAT, ""),
            ("chatgpt.com", "/backend-api/codex/responses", "openai", CHAT, ""),
            ("chatgpt.com", "/", "", "", ""),
            ("evil-api.openai.com.example", "/v1/models", "", "", ""),
            ("notapi.openai.com", "/v1/models", "", "", ""),
            (
                "r.openai.azure.com",
                "/openai/deployments/my-gpt/chat/completions?api-version=2025-01-01",
                "azure.ai.openai",
                CHAT,
                "my-gpt",
            ),
            ("r.openai.azure.com", "/openai/v1/responses", "azure.ai.openai", CHAT, ""),
            ("r.services.ai.azure.com", "/openai/v1/responses", "azure.ai.openai", CHAT, ""),
            ("r.services.ai.azure.com", "/anthropic/v1/messages", "azure.ai.inference", CHAT, ""),
            ("r.cognitiveservices.azure.com", "/vision/v3.2/analyze", "", "", ""),
            ("api.anthropic.com", "/v1/messages?beta=true", "anthropic", CHAT, ""),
            ("api.anthropic.com", "/v1/messages/count_tokens", "anthropic", COUNT_TOKENS, ""),
            ("api.anthropic.com", "/v1/messages/batches", "anthropic", BATCH, ""),
            (
                gemini,
                "/v1beta/models/gemini-2.5-flash:generateContent?key=k",
                "gcp.gemini",
                GENERATE,
                "gemini-2.5-flash",
            ),
            (gemini, "/v1/models/g:streamGenerateContent?alt=sse", "gcp.gemini", GENERATE, "g"),
            (gemini, "/v1beta/models/e:batchEmbedContents", "gcp.gemini", EMBEDDINGS, "e"),
            (
                gemini,
                "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
                "gcp.gemini",
                REALTIME,
                "",
            ),
            (
                vertex,
                "/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict",
                "gcp.vertex_ai",
                CHAT,
                "claude@1",
            ),
            (
                vertex,
                "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
                "gcp.vertex_ai",
                COUNT_TOKENS,
                "",
            ),
            (
                bedrock,
                "/model/anthropic.claude-v1%3A0/converse",
                "aws.bedrock",
                CHAT,
                "anthropic.claude-v1:0",
            ),
            (bedrock, "/model/a%2Fb%zz/converse-stream", "aws.bedrock", CHAT, "a/b%zz"),
            (
                bedrock,
                "/model/amazon.titan-embed-text-v2%3A0/invoke",
                "aws.bedrock",
                EMBEDDINGS,
                "amazon.titan-embed-text-v2:0",
            ),
            (bedrock, "/model/m/invoke-with-response-stream", "aws.bedrock", GENERATE, "m"),
            ("gateway.internal:10000", "/model/m/converse", "", CHAT, "m"),
            ("api.groq.com", "/openai/v1/chat/completions", "groq", CHAT, ""),
            (
                "proxy.individual.githubcopilot.com",
                "/v1/engines/gpt-41-copilot/completions",
                "github_copilot",
                COMPLETION,
                "",
            ),
            ("proxy.business.githubcopilot.com", "/", "github_copilot", "", ""),
            ("proxy.enterprise.githubcopilot.com", "/", "github_copilot", "", ""),
            ("telemetry.business.githubcopilot.com", "/", "", "", ""),
            ("coding.dashscope.aliyuncs.com", "/apps/anthropic/v1/messages", "dashscope", CHAT, ""),
            ("coding-intl.dashscope.aliyuncs.com", "/v1/chat/completions", "dashscope", CHAT, ""),
            ("cn-hongkong.dashscope.aliyuncs.com", "/", "dashscope", "", ""),
            (
                "adb-1234567890.12.azuredatabricks.net",
                "/ai-gateway/mlflow/v1/chat/completions",
                "databricks",
                CHAT,
                "",
            ),
            ("w.cloud.databricks.us", "/ai-gateway/anthropic/v1/messages", "databricks", CHAT, ""),
            (
                "w.databricks.azure.cn",
                "/serving-endpoints/m/invocations",
                "databricks",
                PREDICT,
                "m",
            ),
            ("w.cloud.databricks.com", "/api/2.0/jobs", "", "", ""),
            ("aws-external-anthropic.us-west-2.api.aws", "/v1/messages", "anthropic", CHAT, ""),
            ("eu.openrouter.ai", "/api/v1/chat/completions", "openrouter", CHAT, ""),
            ("r.cognitiveservices.azure.us", "/openai/v1/responses", "azure.ai.openai", CHAT, ""),
            ("inference.generativeai.us-luke-1.oci.oraclegovcloud.com", "/", "oci", "", ""),
            ("api-uw.minimax.io", "/v1/text/chatcompletion_v2", "minimax", CHAT, ""),
            ("api.eu.residency.elevenlabs.io", "/v1/text-to-speech/v", "elevenlabs", SPEECH, ""),
            ("api.deepseek.com", "/chat/completions", "deepseek", CHAT, ""),
            ("api.mistral.ai", "/v1/fim/completions", "mistral_ai", COMPLETION, ""),
            ("api.cohere.com", "/v2/chat", "cohere", CHAT, ""),
            ("localhost:11434", "/api/chat", "ollama", CHAT, ""),
            ("localhost:11434", "/v1/chat/completions", "ollama", CHAT, ""),
            ("models.internal", "/api/generate", "", COMPLETION, ""),
            ("llm.internal:8000", "/v1/chat/completions", "", CHAT, ""),
            ("llm.internal:8000", "/v1/messages/", "", CHAT, ""),
            ("shop.example", "/responses", "", "", ""),
            ("shop.example", "/v2/chat", "", "", ""),
            ("", "", "", "", ""),
        ] {
            let clues = Clues { host: host.as_bytes(), path: path.as_bytes(), ..Clues::default() };
            let api = Api::of(&clues).unwrap_or_default();
            let of = |word: Option<&'static str>| word.unwrap_or_default();
            let named = api.model.as_deref().unwrap_or_default();
            assert_eq!(
                (of(api.provider), of(api.operation), std::str::from_utf8(named).unwrap()),
                (provider, operation, model),
                "{host} {path}"
            );
        }
    }

    #[test]
    fn method_and_path_tell_what_is_asked_of_a_provider() {
        let openai = "api.openai.com";
        let gemini = "generativelanguage.googleapis.com";
        let vertex = "europe-west4-aiplatform.googleapis.com";
        let google = "/v1/projects/p/locations/l/publishers/google/models";
        let at_vertex = |rest: &str| format!("{google}/{rest}");
        let imagen = at_vertex("imagen-4.0-generate-001:predict");
        let embed = at_vertex("text-embedding-005:predict");
        let veo = at_vertex("veo-3.1-generate-001:predictLongRunning");
        let custom = "/v1/projects/p/locations/l/endpoints/77:predict";
        for (method, host, path, operation, model) in [
            ("POST", openai, "/v1/images/generations", IMAGE, ""),
            ("POST", openai, "/v1/images/edits", IMAGE, ""),
            ("POST", "r.openai.azure.com", "/openai/deployments/d/images/generations", IMAGE, "d"),
            ("POST", openai, "/v1/audio/speech", SPEECH, ""),
            ("POST", openai, "/v1/audio/transcriptions", TRANSCRIPTION, ""),
            ("POST", "api.groq.com", "/openai/v1/audio/transcriptions", TRANSCRIPTION, ""),
            ("POST", "whisper.internal", "/v1/audio/transcriptions", TRANSCRIPTION, ""),
            ("POST", openai, "/v1/audio/translations", TRANSLATION, ""),
            ("POST", openai, "/v1/moderations", MODERATION, ""),
            ("POST", openai, "/v1/videos", VIDEO, ""),
            ("GET", openai, "/v1/videos/video_1", VIDEO, ""),
            ("GET", openai, "/v1/videos/video_1/content", FILE, ""),
            ("POST", openai, "/v1/videos/video_1/remix", VIDEO, ""),
            ("POST", openai, "/v1/batches", BATCH, ""),
            ("GET", openai, "/v1/batches/batch_1", BATCH, ""),
            ("POST", openai, "/v1/files", FILE, ""),
            ("GET", openai, "/v1/files/file-1/content", FILE, ""),
            ("POST", openai, "/v1/uploads/u/parts", FILE, ""),
            ("POST", openai, "/v1/responses/compact", CHAT, ""),
            ("POST", openai, "/v1/responses/input_tokens", COUNT_TOKENS, ""),
            ("GET", openai, "/v1/responses/resp_1?stream=true", CHAT, ""),
            ("POST", openai, "/v1/responses/resp_1/cancel", CHAT, ""),
            ("GET", openai, "/v1/responses/resp_1/input_items", "", ""),
            ("DELETE", openai, "/v1/responses/resp_1", CHAT, ""),
            ("DELETE", "survey.example", "/v1/responses/1", "", ""),
            ("GET", openai, "/v1/videos?limit=2", VIDEO, ""),
            ("DELETE", openai, "/v1/videos/video_1", VIDEO, ""),
            ("GET", "r.openai.azure.com", "/openai/responses/resp_1", CHAT, ""),
            ("GET", openai, "/v1/chat/completions", "", ""),
            ("GET", openai, "/v1/models", "", ""),
            ("POST", openai, "/v1/assistants", CREATE_AGENT, ""),
            ("POST", openai, "/v1/threads/runs", INVOKE_AGENT, ""),
            ("POST", openai, "/v1/threads/thread_1/runs", INVOKE_AGENT, ""),
            ("GET", openai, "/v1/threads/thread_1/runs/run_1", INVOKE_AGENT, ""),
            ("POST", openai, "/v1/threads/thread_1/messages", CONVERSATION, ""),
            ("POST", openai, "/v1/conversations", CHAT, ""),
            ("GET", openai, "/v1/conversations/conv_1", CONVERSATION, ""),
            ("POST", openai, "/v1/vector_stores/vs_1/search", RETRIEVAL, ""),
            ("POST", openai, "/v1/vector_stores/vs_1/files", VECTOR_STORE, ""),
            ("POST", openai, "/v1/fine_tuning/jobs", FINE_TUNING, ""),
            ("POST", openai, "/v1/evals/eval_1/runs", EVALUATION, ""),
            ("GET", "api.anthropic.com", "/v1/messages/batches/msgbatch_1/results", BATCH, ""),
            ("POST", "api.anthropic.com", "/v1/files", FILE, ""),
            ("POST", gemini, "/v1beta/models/g:batchGenerateContent", BATCH, "g"),
            ("GET", gemini, "/v1beta/batches/b1", BATCH, ""),
            ("POST", gemini, "/v1beta/interactions", GENERATE, ""),
            ("GET", gemini, "/v1beta/interactions/v1_x", GENERATE, ""),
            ("POST", gemini, "/v1beta/cachedContents", CACHE, ""),
            ("GET", gemini, "/v1beta/cachedContents/c", CACHE, ""),
            ("POST", gemini, "/upload/v1beta/files", FILE, ""),
            (
                "POST",
                gemini,
                "/v1beta/models/imagen-4.0-generate-001:predict",
                IMAGE,
                "imagen-4.0-generate-001",
            ),
            ("POST", vertex, &imagen, IMAGE, "imagen-4.0-generate-001"),
            ("POST", vertex, &embed, EMBEDDINGS, "text-embedding-005"),
            ("POST", vertex, &veo, VIDEO, "veo-3.1-generate-001"),
            ("POST", vertex, custom, PREDICT, "77"),
            ("POST", "cloudcode-pa.googleapis.com", "/v1internal:generateContent", GENERATE, ""),
            ("POST", "api.mistral.ai", "/v1/conversations", CHAT, ""),
            ("POST", "api.mistral.ai", "/v1/conversations/conv_1", CHAT, ""),
            ("GET", "api.mistral.ai", "/v1/conversations/conv_1/history", CONVERSATION, ""),
            ("POST", "api.mistral.ai", "/v1/ocr", OCR, ""),
            ("POST", "api.mistral.ai", "/v1/chat/moderations", MODERATION, ""),
            ("POST", "api.mistral.ai", "/v1/agents", CREATE_AGENT, ""),
            ("POST", "api.mistral.ai", "/v1/batch/jobs", BATCH, ""),
            ("POST", "api.cohere.com", "/v2/rerank", RERANK, ""),
            ("POST", "api.cohere.com", "/v1/classify", CLASSIFICATION, ""),
            ("POST", "api.voyageai.com", "/v1/rerank", RERANK, ""),
            ("POST", "api.voyageai.com", "/v1/contextualizedembeddings", EMBEDDINGS, ""),
            ("POST", "api.jina.ai", "/v1/embeddings", EMBEDDINGS, ""),
            ("POST", "api.perplexity.ai", "/search", RETRIEVAL, ""),
            ("GET", "api.perplexity.ai", "/async/chat/completions/x", CHAT, ""),
            ("GET", "api.perplexity.ai", "/async/chat/completions", CHAT, ""),
            ("POST", "api.perplexity.ai", "/v1/sonar", CHAT, ""),
            ("POST", "api.perplexity.ai", "/v1/async/sonar", CHAT, ""),
            ("GET", "api.perplexity.ai", "/v1/async/sonar/x", CHAT, ""),
            ("GET", "api.perplexity.ai", "/v1/async/sonar", CHAT, ""),
            ("POST", "api.perplexity.ai", "/v1/agent", CHAT, ""),
            ("POST", "ai-gateway.vercel.sh", "/v3/ai/language-model", CHAT, ""),
            ("POST", "ai-gateway.vercel.sh", "/v1/ai/embedding-model", EMBEDDINGS, ""),
            ("POST", "ai-gateway.vercel.sh", "/v3/ai/image-model", IMAGE, ""),
            ("POST", "integrate.api.nvidia.com", "/v1/retrieval/nvidia/reranking", RERANK, ""),
            (
                "POST",
                "dashscope.aliyuncs.com",
                "/api/v1/services/aigc/image-generation/generation",
                IMAGE,
                "",
            ),
            ("POST", "dashscope-intl.aliyuncs.com", "/api/v1/apps/a1/completion", INVOKE_AGENT, ""),
            ("POST", "api.deepseek.com", "/beta/completions", COMPLETION, ""),
            ("POST", "localhost:11434", "/api/pull", MODEL, ""),
            ("GET", "localhost:11434", "/api/tags", "", ""),
            ("POST", "us-south.ml.cloud.ibm.com", "/ml/v1/text/chat_stream?version=x", CHAT, ""),
            (
                "POST",
                "us-south.ml.cloud.ibm.com",
                "/ml/v1/deployments/d1/text/chat_stream?version=x",
                CHAT,
                "d1",
            ),
            ("POST", "eu-de.ml.cloud.ibm.com", "/ml/v1/deployments/d1/text/chat", CHAT, "d1"),
            (
                "POST",
                "eu-de.ml.cloud.ibm.com",
                "/ml/v1/deployments/d1/text/generation_stream",
                COMPLETION,
                "d1",
            ),
            (
                "POST",
                "eu-de.ml.cloud.ibm.com",
                "/ml/v1/deployments/d1/text/generation",
                COMPLETION,
                "d1",
            ),
            (
                "POST",
                "api.replicate.com",
                "/v1/models/meta/llama-4/predictions",
                PREDICT,
                "meta/llama-4",
            ),
            ("GET", "api.replicate.com", "/v1/predictions/p1", PREDICT, ""),
            (
                "POST",
                "api.cloudflare.com",
                "/client/v4/accounts/a/ai/run/@cf/meta/llama-3",
                PREDICT,
                "@cf/meta/llama-3",
            ),
            (
                "POST",
                "api.deepgram.com",
                "/v1/listen?model=nova-3&language=en",
                TRANSCRIPTION,
                "nova-3",
            ),
            ("POST", "api.elevenlabs.io", "/v1/text-to-speech/voice", SPEECH, ""),
            (
                "POST",
                "w.cloud.databricks.com",
                "/serving-endpoints/my-llm/invocations",
                PREDICT,
                "my-llm",
            ),
            (
                "POST",
                "router.huggingface.co",
                "/hf-inference/models/a/b/v1/chat/completions",
                CHAT,
                "a/b",
            ),
            (
                "POST",
                "bedrock-agent-runtime.us-east-1.amazonaws.com",
                "/agents/A/agentAliases/B/sessions/C/text",
                INVOKE_AGENT,
                "",
            ),
            ("POST", "shop.example", "/v1/batches", "", ""),
            ("POST", "shop.example", "/search", "", ""),
            ("GET", "shop.example", "/v1/videos/1", "", ""),
        ] {
            let clues = Clues {
                host: host.as_bytes(),
                path: path.as_bytes(),
                method: method.as_bytes(),
                ..Clues::default()
            };
            let api = Api::of(&clues).unwrap_or_default();
            let named = api.model.as_deref().unwrap_or_default();
            let named = std::str::from_utf8(named).unwrap();
            let seen = (api.operation.unwrap_or_default(), named);
            assert_eq!(seen, (operation, model), "{method} {host} {path}");
        }
    }

    #[test]
    fn hosts_tell_their_provider() {
        for (hosts, provider) in [
            (
                &["router.huggingface.co", "x.us-east-1.aws.endpoints.huggingface.cloud"][..],
                "hugging_face",
            ),
            (&["api.cerebras.ai"], "cerebras"),
            (&["integrate.api.nvidia.com", "ai.api.nvidia.com"], "nvidia"),
            (&["api.deepinfra.com"], "deepinfra"),
            (&["models.github.ai"], "github_models"),
            (&["api.z.ai", "open.bigmodel.cn"], "z_ai"),
            (
                &[
                    "dashscope.aliyuncs.com",
                    "dashscope-intl.aliyuncs.com",
                    "dashscope-us.aliyuncs.com",
                ],
                "dashscope",
            ),
            (&["api.sambanova.ai"], "sambanova"),
            (&["api.githubcopilot.com", "api.business.githubcopilot.com"], "github_copilot"),
            (&["us-south.ml.cloud.ibm.com", "eu-de.ml.cloud.ibm.com"], "ibm.watsonx.ai"),
            (&["ai-gateway.vercel.sh"], "vercel"),
            (&["gateway.ai.cloudflare.com"], "cloudflare"),
            (&["api.together.xyz"], "together"),
            (&["api.fireworks.ai"], "fireworks"),
            (&["api.replicate.com"], "replicate"),
            (&["api.novita.ai"], "novita"),
            (&["api.tokenfactory.nebius.com", "api.studio.nebius.com"], "nebius"),
            (&["inference.baseten.co", "model-1.api.baseten.co"], "baseten"),
            (&["api.ai21.com"], "ai21"),
            (&["api.voyageai.com"], "voyage_ai"),
            (&["api.jina.ai", "deepsearch.jina.ai"], "jina_ai"),
            (&["api.moonshot.ai", "api.moonshot.cn", "api.kimi.com"], "moonshot_ai"),
            (&["api.minimax.io", "api.minimaxi.com"], "minimax"),
            (&["api.stability.ai"], "stability_ai"),
            (&["api.elevenlabs.io", "api.eu.residency.elevenlabs.io"], "elevenlabs"),
            (&["api.deepgram.com", "api.eu.deepgram.com"], "deepgram"),
            (&["api.assemblyai.com", "api.eu.assemblyai.com"], "assemblyai"),
            (&["eu.api.openai.com", "us.api.openai.com"], "openai"),
            (
                &[
                    "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
                    "bedrock.eu-west-1.amazonaws.com",
                ],
                "aws.bedrock",
            ),
            (&["aiplatform.googleapis.com", "aiplatform.eu.rep.googleapis.com"], "gcp.vertex_ai"),
            (&["us-east-1.api.x.ai"], "x_ai"),
            (
                &[
                    "huggingface.co",
                    "cerebras.ai",
                    "api.github.com",
                    "cloudflare.com",
                    "evil-api.z.ai.example",
                ],
                "",
            ),
        ] {
            for host in hosts {
                let seen = super::provider(host.as_bytes(), b"/v1/chat/completions");
                assert_eq!(seen.unwrap_or_default(), provider, "{host}");
            }
        }
        let databricks = b"dbc-1.cloud.databricks.com".as_slice();
        assert_eq!(provider(databricks, b"/serving-endpoints/m/invocations"), Some("databricks"));
        assert_eq!(provider(databricks, b"/api/2.0/jobs"), None);
    }

    #[test]
    fn no_piece_between_two_stars_is_empty() {
        let hosts = PROVIDERS.iter().flat_map(|(host, path, _)| [host, path]);
        let paths = OPERATIONS.iter().map(|(_, pattern, ..)| pattern);
        assert!(hosts.chain(paths).all(|pattern| !pattern.contains("**")));
    }

    #[test]
    fn patterns_stand_for_the_whole_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a*bc*c", "abc", false),
            ("*a*", "bab", true),
            ("*", "", true),
            ("A*", "ab", true),
        ] {
            assert_eq!(matches(pattern, text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
