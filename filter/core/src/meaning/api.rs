//! Which API a call is to, by its host and its path.
//!
//! The host tells who runs the model, the path what is asked of it. They are told apart because
//! neither needs the other: a gateway of a company speaks OpenAI's paths under a name of its own, and
//! who answers behind it is not known here. Then the provider stays unknown, while the operation is
//! known.

use std::borrow::Cow;

use super::Clues;
use crate::mask::hex;

/// What host and path tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Api<'c> {
    /// `gen_ai.provider.name`.
    pub(super) provider: Option<&'static str>,
    /// `gen_ai.operation.name`.
    pub(super) operation: Option<&'static str>,
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
        let (operation, name_model) = match operation(path, provider.is_some()) {
            Some((operation, name_model)) => (Some(operation), name_model),
            None => (None, Naming::Body),
        };
        if provider.is_none() && operation.is_none() {
            return None;
        }
        let model = name_model.model(path, query);
        // What Bedrock's InvokeModel is asked for depends on the model.
        let operation = operation.map(|operation| match &model {
            Some(model) if operation == GENERATE && contains(model, b"embed") => EMBEDDINGS,
            _ => operation,
        });
        Some(Self { provider, operation, model, body_names_model: name_model != Naming::Path })
    }
}

/// Path and query, the path without a slash at its end.
fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let (path, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (path.strip_suffix(b"/").unwrap_or(path), query)
}

fn provider(host: &[u8], path: &[u8]) -> Option<&'static str> {
    let name = match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) => host.get(..colon).unwrap_or_default(),
        None => host,
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    let is_at = |pattern: &str| match pattern.starts_with("*:") {
        true => matches(pattern, host),
        false => matches(pattern, name),
    };
    let (.., provider) =
        PROVIDERS.iter().find(|(at, under, _)| is_at(at) && matches(under, path))?;
    Some(*provider)
}

fn operation(path: &[u8], is_known_host: bool) -> Option<(&'static str, Naming)> {
    let known = OPERATIONS.iter().find(|(pattern, reach, ..)| {
        (is_known_host || *reach == Reach::AnyHost) && matches(pattern, path)
    });
    known.map(|(_, _, operation, naming)| (*operation, *naming))
}

/// Whether `text` is as `pattern` says, in which `*` stands for anything; in any case.
fn matches(pattern: &str, text: &[u8]) -> bool {
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

/// Where the model is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// In the body alone.
    Body,
    /// In the path, which is what the provider goes by.
    Path,
    /// In the path or in the query, where the body does not name it.
    PathOrBody,
}

impl Naming {
    fn model<'c>(self, path: &'c [u8], query: &'c [u8]) -> Option<Cow<'c, [u8]>> {
        if self == Self::Body {
            return None;
        }
        let of_path =
            MODEL_IN_PATH.iter().find_map(|(before, behind)| between(path, before, *behind));
        let of_query =
            || query.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(b"model="));
        let model = of_path.or_else(of_query).filter(|model| !model.is_empty())?;
        Some(percent_decoded(model))
    }
}

/// What lies in `path` between the last `before` and the first `behind` after it.
fn between<'p>(path: &'p [u8], before: &str, behind: u8) -> Option<&'p [u8]> {
    let before = before.as_bytes();
    let start = path.windows(before.len()).rposition(|bytes| bytes == before)?;
    path.get(start.saturating_add(before.len())..)?.split(|byte| *byte == behind).next()
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

/// Where a path tells its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Anywhere: nobody else has such a path.
    AnyHost,
    /// At a known provider: elsewhere it may mean anything.
    KnownHost,
}

const CHAT: &str = "chat";
const COMPLETION: &str = "text_completion";
const COUNT_TOKENS: &str = "count_tokens";
const EMBEDDINGS: &str = "embeddings";
const GENERATE: &str = "generate_content";
const REALTIME: &str = "realtime";

/// Who runs the models: host, path, and the word of OpenTelemetry, or the provider's own name where
/// it has none. The first that matches decides. A pattern of a port begins with `*:`.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("*:11434", "*", "ollama"),
    ("api.openai.com", "*", "openai"),
    ("*.api.openai.com", "*", "openai"),
    ("chatgpt.com", "/backend-api/codex/*", "openai"),
    ("*.openai.azure.com", "*", "azure.ai.openai"),
    ("*.cognitiveservices.azure.com", "/openai/*", "azure.ai.openai"),
    ("*.services.ai.azure.com", "*/openai/*", "azure.ai.openai"),
    ("*.services.ai.azure.com", "*", "azure.ai.inference"),
    ("*.models.ai.azure.com", "*", "azure.ai.inference"),
    ("models.inference.ai.azure.com", "*", "azure.ai.inference"),
    ("api.anthropic.com", "*", "anthropic"),
    ("generativelanguage.googleapis.com", "*", "gcp.gemini"),
    ("*aiplatform.googleapis.com", "*", "gcp.vertex_ai"),
    ("aiplatform.*.rep.googleapis.com", "*", "gcp.vertex_ai"),
    ("bedrock-runtime*.amazonaws.com", "*", "aws.bedrock"),
    ("bedrock-runtime*.amazonaws.com.cn", "*", "aws.bedrock"),
    ("bedrock-runtime*.api.aws", "*", "aws.bedrock"),
    ("bedrock-mantle.*.api.aws", "*", "aws.bedrock"),
    ("*.bedrock-runtime*.amazonaws.com", "*", "aws.bedrock"),
    ("api.mistral.ai", "*", "mistral_ai"),
    ("codestral.mistral.ai", "*", "mistral_ai"),
    ("api.groq.com", "*", "groq"),
    ("api.deepseek.com", "*", "deepseek"),
    ("api.x.ai", "*", "x_ai"),
    ("*.api.x.ai", "*", "x_ai"),
    ("api.cohere.com", "*", "cohere"),
    ("api.cohere.ai", "*", "cohere"),
    ("api.perplexity.ai", "*", "perplexity"),
    ("api.moonshot.ai", "*", "moonshot_ai"),
    ("api.moonshot.cn", "*", "moonshot_ai"),
    ("api.together.xyz", "*", "together"),
    ("api.together.ai", "*", "together"),
    ("api.fireworks.ai", "*", "fireworks"),
    ("openrouter.ai", "/api/*", "openrouter"),
    ("ollama.com", "/api/*", "ollama"),
];

/// What is asked for: path, where that path tells it, the word of OpenTelemetry, and where the model
/// is named. The first that matches decides.
///
/// `count_tokens` and `realtime` are our own words: OpenTelemetry has none for them. Tokens that were
/// only counted are no usage. The kind of answer that Bedrock's `invoke` gives depends on the model,
/// so it has the widest word.
const OPERATIONS: &[(&str, Reach, &str, Naming)] = {
    use Naming::{Body, Path, PathOrBody};
    use Reach::{AnyHost, KnownHost};
    &[
        ("*/agents/completions", KnownHost, CHAT, Body),
        ("*/chat/completions", AnyHost, CHAT, PathOrBody),
        ("*/v1/completions", AnyHost, COMPLETION, Body),
        ("*/completions", KnownHost, COMPLETION, PathOrBody),
        ("*/v1/responses/input_tokens", AnyHost, COUNT_TOKENS, Body),
        ("*/v1/responses", AnyHost, CHAT, Body),
        ("*/responses", KnownHost, CHAT, Body),
        ("*/v1/embeddings", AnyHost, EMBEDDINGS, Body),
        ("*/embeddings", KnownHost, EMBEDDINGS, PathOrBody),
        ("*/v1/realtime", AnyHost, REALTIME, PathOrBody),
        ("*/realtime", KnownHost, REALTIME, PathOrBody),
        ("*/v1/messages/count_tokens", AnyHost, COUNT_TOKENS, Body),
        ("*/v1/messages", AnyHost, CHAT, Body),
        ("*:generateContent", AnyHost, GENERATE, Path),
        ("*:streamGenerateContent", AnyHost, GENERATE, Path),
        ("*:embedContent", AnyHost, EMBEDDINGS, Path),
        ("*:batchEmbedContents", AnyHost, EMBEDDINGS, Path),
        ("*:countTokens", AnyHost, COUNT_TOKENS, Path),
        ("*/count-tokens:rawPredict", AnyHost, COUNT_TOKENS, Body),
        ("*:rawPredict", AnyHost, CHAT, Path),
        ("*:streamRawPredict", AnyHost, CHAT, Path),
        ("*BidiGenerateContent", AnyHost, REALTIME, Body),
        ("*/model/*/converse", AnyHost, CHAT, Path),
        ("*/model/*/converse-stream", AnyHost, CHAT, Path),
        ("*/model/*/invoke", AnyHost, GENERATE, Path),
        ("*/model/*/invoke-with-response-stream", AnyHost, GENERATE, Path),
        ("*/model/*/count-tokens", AnyHost, COUNT_TOKENS, Path),
        ("/api/chat", AnyHost, CHAT, Body),
        ("/api/generate", AnyHost, COMPLETION, Body),
        ("/api/embed", AnyHost, EMBEDDINGS, Body),
        ("/api/embeddings", AnyHost, EMBEDDINGS, Body),
        ("*/v1/chat", KnownHost, CHAT, Body),
        ("*/v2/chat", KnownHost, CHAT, Body),
        ("*/v1/embed", KnownHost, EMBEDDINGS, Body),
        ("*/v2/embed", KnownHost, EMBEDDINGS, Body),
        ("*/v1/generate", KnownHost, COMPLETION, Body),
    ]
};

/// Before and behind the name of a model, or of a deployment of one, in a path.
const MODEL_IN_PATH: &[(&str, u8)] =
    &[("/deployments/", b'/'), ("/models/", b':'), ("/tunedModels/", b':'), ("/model/", b'/')];

#[cfg(test)]
mod tests {
    use super::*;

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
            ("api.openai.com", "/v1/responses/resp_1", "openai", "", ""),
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
            ("api.anthropic.com", "/v1/messages/batches", "anthropic", "", ""),
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
    fn no_piece_between_two_stars_is_empty() {
        let hosts = PROVIDERS.iter().flat_map(|(host, path, _)| [host, path]);
        let paths = OPERATIONS.iter().map(|(pattern, ..)| pattern);
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
