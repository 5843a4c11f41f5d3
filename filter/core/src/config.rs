//! What the operator decided, checked once and then never wrong again.
//!
//! The configuration is written as JSON, or as a Struct inside an Envoy or Istio manifest. It is read into [`Settings`], which is the documented form, and compiled into a
//! [`Config`]. A key that nobody knows, a header name that cannot exist, an allow-list that would
//! log a credential: each refuses to load with a sentence that names the key and the fix, because a
//! filter that starts with half a configuration records half of the truth.

use std::{fmt, marker::PhantomData, rc::Rc};

use prost::Message as _;
use prost_types::value::Kind;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use crate::{
    credential::{self, Fingerprints},
    digest::Reading,
    endpoint::{Form, GatewayAuthorities},
    gate::GateRules,
    headers::{HOP_BY_HOP, HeaderTable, Role, is_credential, is_framing},
    identity::Claim,
    key::{Key, MIN_KEY_BYTES},
    limits::REMAINING,
    mask::{PLACEHOLDER, Rules, RulesError},
    meaning::{Meaning, RESPONSE_HEADERS, Tables},
    policy::{Action, HOST_PATTERN, HostPattern, Policies, Policy},
};

/// The configuration as it is written. Every key may be left out; the defaults are those of
/// `envoy/egress.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which request headers say who calls. All of it is recorded as claimed.
    #[serde(deserialize_with = "object")]
    pub identity: IdentitySettings,
    /// Where the correlation id comes from and how it is passed on.
    #[serde(deserialize_with = "object")]
    pub correlation: CorrelationSettings,
    /// Which headers are removed from a call, and which are logged.
    #[serde(deserialize_with = "object")]
    pub headers: HeaderSettings,
    /// How the endpoint is found and written.
    #[serde(deserialize_with = "object")]
    pub endpoint: EndpointSettings,
    /// The gateway's way to the provider and back.
    #[serde(deserialize_with = "object")]
    pub upstream: UpstreamSettings,
    /// What is recorded of streams.
    #[serde(deserialize_with = "object")]
    pub stream: StreamSettings,
    /// What is a secret, and what becomes of one.
    #[serde(deserialize_with = "object")]
    pub mask: MaskSettings,
    /// What differs for the requests to some hosts. The first entry that names a host counts.
    #[serde(deserialize_with = "objects")]
    pub hosts: Vec<HostSettings>,
    /// How bodies are hashed.
    #[serde(deserialize_with = "object")]
    pub hash: HashSettings,
}

/// Request headers that name the caller; in each list the first one that is present counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// Headers that hold the agent's name (entry key `agent_id`).
    pub agent_id: Vec<String>,
    /// Headers that hold the agent's version (`agent.version`).
    pub agent_version: Vec<String>,
    /// Headers that hold the agent's deployment (`agent.deployment`).
    pub agent_deployment: Vec<String>,
    /// Headers that hold the calling user (`user_id`).
    pub user_id: Vec<String>,
    /// Headers that hold the session (`session_id`).
    pub session_id: Vec<String>,
    /// Whether the headers named above are removed before the call leaves. What clients send of
    /// their own accord goes on all the same, because it is meant for the provider:
    /// `agent-session-id`, `baggage`, `conversation_id`, `mcp-session-id`, `openai-organization`,
    /// `openai-project`, `openai-safety-identifier`, `originator`, `session-id`, `session_id`,
    /// `thread-id`, `traceparent`, `user-agent`, `x-app`, `x-cagent-session-id`,
    /// `x-claude-code-agent-id`, `x-claude-code-parent-agent-id`, `x-claude-code-session-id`,
    /// `x-claude-remote-container-id`, `x-claude-remote-session-id`, `x-client-app`,
    /// `x-client-request-id`, `x-codex-window-id`, `x-goog-api-client`,
    /// `x-stainless-package-version`.
    pub strip: bool,
    /// More headers that are read here and go on to the provider, too.
    pub keep: Vec<String>,
}

/// Headers that clients and SDKs send of their own accord. To read one takes nothing from the
/// provider that it is meant for; `headers.strip_request` removes one all the same.
const CLIENTS_OWN: [&str; 25] = [
    "agent-session-id",
    "baggage",
    "conversation_id",
    "mcp-session-id",
    "openai-organization",
    "openai-project",
    "openai-safety-identifier",
    "originator",
    "session-id",
    "session_id",
    "thread-id",
    "traceparent",
    "user-agent",
    "x-app",
    "x-cagent-session-id",
    "x-claude-code-agent-id",
    "x-claude-code-parent-agent-id",
    "x-claude-code-session-id",
    "x-claude-remote-container-id",
    "x-claude-remote-session-id",
    "x-client-app",
    "x-client-request-id",
    "x-codex-window-id",
    "x-goog-api-client",
    "x-stainless-package-version",
];

/// Where the correlation id comes from and how it is passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CorrelationSettings {
    /// Request headers that may hold the id; the first usable one counts. Of `traceparent` the
    /// trace id is taken.
    pub from: Vec<String>,
    /// The request header under which the id goes upstream; null to pass nothing on.
    pub header: Option<String>,
}

/// Which headers are removed from a call, and which are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HeaderSettings {
    /// Request headers removed before the call leaves, besides those of `identity`.
    pub strip_request: Vec<String>,
    /// Response headers removed before the answer reaches the caller.
    pub strip_response: Vec<String>,
    /// Request headers logged with their values. Everything else is never logged.
    pub log_request: Vec<String>,
    /// Response headers logged with their values. Everything else is never logged.
    pub log_response: Vec<String>,
}

/// How the endpoint is found and written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSettings {
    /// `path` for host and path, `host` for the host alone.
    pub form: Form,
    /// Names by which clients address the gateway itself (`name` or `name:port`): a request to one
    /// of them names its true host in the first path segment.
    pub gateway_authorities: Vec<String>,
}

/// The gateway's way to the provider and back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamSettings {
    /// Whether the gateway is asked, at the end of each call, how often it tried. Turn it off only
    /// where no route retries: then it is a question less per call, and nothing is missed.
    pub attempts: bool,
    /// Of whom the gateway asks for answers without compression, so that they can be looked into.
    pub plain_answers: PlainAnswers,
}

/// Who is asked for answers without compression: `accept-encoding` becomes `identity`, and a
/// WebSocket gets no extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlainAnswers {
    /// Providers of models, calls to a model at any host, MCP servers, and services whose answers are
    /// understood.
    #[default]
    Known,
    /// Everybody.
    Always,
    /// Nobody.
    Never,
}

impl PlainAnswers {
    /// Whether a call that is about this is one of them.
    pub(crate) fn applies(self, meaning: Option<&Meaning>) -> bool {
        match self {
            Self::Known => meaning.is_some_and(Meaning::wants_plain_answer),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What is recorded of streams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StreamSettings {
    /// Whether an entry lists the hash of each event, as many as fit, and not only the last one.
    /// This needs `hash.key_env`: an event is a word or two, which can be guessed from a plain hash.
    pub list_events: bool,
}

/// What is a secret, besides what is known as one anyway, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MaskSettings {
    /// What stands in place of a secret.
    pub placeholder: String,
    /// More names of fields whose values are secret, in any spelling (`api_key` is `apiKey`).
    pub names: Vec<String>,
    /// Names of fields whose values are not secret after all.
    pub except_names: Vec<String>,
    /// More shapes of secrets.
    #[serde(deserialize_with = "objects")]
    pub rules: Vec<RuleSettings>,
    /// Whether secrets in requests are replaced in the call itself, before it leaves: in the body, the
    /// path, the query, headers and trailers, but for the credential with which the call is made.
    pub outbound: bool,
    /// Whether what only looks like a secret in a text (code, configurations, command lines) is replaced
    /// there, too; without it, what its shape or its name settles.
    pub outbound_likely: bool,
    /// What becomes of a request that holds a credential of another provider than the one that is
    /// called, wherever it stands.
    pub secret_to_wrong_host: Action,
}

/// A shape of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// The name under which entries count it.
    pub name: String,
    /// A regular expression; all of what it matches is the secret.
    pub pattern: String,
}

/// What differs for the requests to some hosts; what is left out is as in `mask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// The hosts: `api.example.com`, `*.example.com` for every name below, or `*`.
    pub hosts: Vec<String>,
    /// Whether they may be called at all; `deny` answers 403. Left out it is `allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Action>,
    /// As `mask.outbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_outbound: Option<bool>,
    /// As `mask.outbound_likely`.
    pub mask_outbound_likely: Option<bool>,
    /// As `mask.secret_to_wrong_host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_to_wrong_host: Option<Action>,
}

/// How bodies are hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HashSettings {
    /// The environment variable that holds a key; with it the hashes are HMAC-SHA-256, and entries
    /// have the fingerprint of the credential. Null for plain SHA-256.
    pub key_env: Option<String>,
    /// The id of that key in entries.
    pub key_id: Option<String>,
}

impl Default for MaskSettings {
    fn default() -> Self {
        Self {
            placeholder: PLACEHOLDER.into(),
            names: Vec::new(),
            except_names: Vec::new(),
            rules: Vec::new(),
            outbound: false,
            outbound_likely: false,
            secret_to_wrong_host: Action::Allow,
        }
    }
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            agent_id: owned(&["x-agent-id"]),
            agent_version: owned(&["x-agent-version"]),
            agent_deployment: owned(&["x-agent-deployment"]),
            user_id: owned(&["x-user-id"]),
            session_id: owned(&[
                "x-session-id",
                "x-claude-code-session-id",
                "session-id",
                "session_id",
            ]),
            strip: true,
            keep: Vec::new(),
        }
    }
}

impl Default for CorrelationSettings {
    fn default() -> Self {
        Self {
            from: owned(&["x-correlation-id", "x-trace-id", "traceparent", "x-request-id"]),
            header: Some("x-correlation-id".into()),
        }
    }
}

impl Default for HeaderSettings {
    fn default() -> Self {
        Self {
            strip_request: owned(&["x-forwarded-client-cert"]),
            strip_response: Vec::new(),
            log_request: owned(&["user-agent"]),
            log_response: Vec::new(),
        }
    }
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self { form: Form::Path, gateway_authorities: owned(&["127.0.0.1", "localhost", "[::1]"]) }
    }
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self { attempts: true, plain_answers: PlainAnswers::Known }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Reads a struct from a JSON object only: serde's derive would take an array as well, and an empty
/// one would silently stand for the defaults.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// The same for each member of a list.
fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Member<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            object(deserializer).map(Self)
        }
    }

    let members = Vec::<Member<T>>::deserialize(deserializer)?;
    Ok(members.into_iter().map(|Member(member)| member).collect())
}

/// The whole document, which is an object too.
#[derive(Deserialize)]
struct Document(#[serde(deserialize_with = "object")] Settings);

impl Settings {
    /// Reads settings as a host hands them over. Istio turns a Struct into JSON; Envoy hands it
    /// over as it is encoded (seen on 1.37 and 1.40, whose API documentation promises JSON).
    ///
    /// # Errors
    /// As [`Settings::from_json`].
    pub fn from_plugin(configuration: &[u8]) -> Result<Self, ConfigError> {
        match Self::from_json(configuration) {
            // A Struct begins with a byte that is a line feed in JSON, so JSON is tried first.
            Err(error) => match prost_types::Struct::decode(configuration) {
                Ok(settings) => {
                    Self::from_json(json_object(settings, MAX_DEPTH).to_string().as_bytes())
                }
                Err(_) => Err(error),
            },
            settings => settings,
        }
    }

    /// Reads settings from JSON. No bytes at all stand for the defaults.
    ///
    /// # Errors
    /// On malformed JSON, an unknown key, or a value of the wrong type, with the key's path.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let mut reader = serde_json::Deserializer::from_slice(json);
        let Document(settings) =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| {
                ConfigError::new(error.path().to_string(), error.inner().to_string())
            })?;
        reader.end().map_err(|error| ConfigError::new(".", error.to_string()))?;
        Ok(settings)
    }
}

/// Deeper than any settings, and shallow enough for the stack of a Wasm VM.
const MAX_DEPTH: u8 = 16;

fn json_object(settings: prost_types::Struct, depth: u8) -> Value {
    settings.fields.into_iter().map(|(key, value)| (key, json_value(value, depth))).collect()
}

fn json_value(value: prost_types::Value, depth: u8) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::NumberValue(number)) => json_number(number),
        Some(Kind::StructValue(members)) => json_object(members, depth),
        Some(Kind::ListValue(list)) => {
            list.values.into_iter().map(|value| json_value(value, depth)).collect()
        }
    }
}

/// A Struct has no integers; a number without a fraction stands for one.
fn json_number(number: f64) -> Value {
    let is_integer = number.fract() == 0.0 && number.abs() < 9e15;
    if is_integer { (number as i64).into() } else { number.into() }
}

/// Why a configuration does not load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: String,
    problem: String,
}

impl ConfigError {
    fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "." | "?" => f.write_str(&self.problem),
            key => write!(f, "{key}: {}", self.problem),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The compiled configuration, shared by all calls.
#[derive(Clone, Debug)]
pub struct Config {
    /// What request header names mean.
    pub(crate) request_headers: HeaderTable,
    /// What response header names mean.
    pub(crate) response_headers: HeaderTable,
    /// The header under which the correlation id goes upstream.
    pub(crate) correlation_header: Option<Box<str>>,
    /// How much of the target an entry names.
    pub(crate) endpoint_form: Form,
    /// Names of the gateway itself.
    pub(crate) gateway_authorities: GatewayAuthorities,
    /// Whether the number of upstream attempts is wanted.
    pub(crate) upstream_attempts: bool,
    /// What is secret, and under which key bodies are hashed.
    pub(crate) reading: Reading,
    /// The rules by which request bodies are watched.
    pub(crate) gates: GateRules,
    /// Makes fingerprints of credentials, if there is a key.
    pub(crate) fingerprints: Option<Fingerprints>,
    /// What may leave for which host.
    pub(crate) policies: Policies,
    /// Where model and tool calls say what they are about.
    pub(crate) tables: Rc<Tables>,
    /// Of whom answers without compression are asked for.
    pub(crate) plain_answers: PlainAnswers,
    /// Whether entries list the events of a stream.
    pub(crate) list_events: bool,
}

/// Response headers in which providers name a request, in the order of trust.
const UPSTREAM_REQUEST_ID: [&str; 5] =
    ["x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray"];

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    /// Compiles settings that need nothing from the environment.
    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        Self::compile(settings, |_| None)
    }
}

impl Config {
    /// Compiles settings; `environment` gives the value of an environment variable, if it is set.
    ///
    /// # Errors
    /// On anything that cannot work as it is written, with the key, its place and the fix. A value
    /// of the environment is never part of it.
    pub fn compile(
        settings: Settings,
        environment: impl FnOnce(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let correlation_header = match &settings.correlation.header {
            Some(name) => Some(outgoing_name("correlation.header", name)?.into()),
            None => None,
        };
        let key = hash_key(&settings.hash, environment)?;
        let rules = Rc::new(rules(&settings.mask)?);
        Ok(Self {
            request_headers: request_table(&settings, &rules)?,
            response_headers: response_table(&settings.headers, &rules)?,
            correlation_header,
            endpoint_form: settings.endpoint.form,
            gateway_authorities: authorities(&settings.endpoint.gateway_authorities)?,
            upstream_attempts: settings.upstream.attempts,
            fingerprints: key.as_ref().and_then(Fingerprints::new),
            gates: GateRules::new(&rules),
            reading: Reading { rules, key },
            policies: policies(&settings)?,
            tables: Rc::new(Tables::new()),
            plain_answers: settings.upstream.plain_answers,
            list_events: list_events(&settings)?,
        })
    }

    /// What is secret, and under which key bodies are hashed.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Compiles settings without the environment in which they will run: a key is taken to be there.
    ///
    /// # Errors
    /// As [`Config::compile`].
    pub fn check(settings: Settings) -> Result<Self, ConfigError> {
        Self::compile(settings, |_| Some(vec![0; MIN_KEY_BYTES]))
    }
}

fn rules(mask: &MaskSettings) -> Result<Rules, ConfigError> {
    let own: Vec<_> =
        mask.rules.iter().map(|rule| (rule.name.clone(), rule.pattern.clone())).collect();
    Rules::new(&mask.placeholder, &mask.names, &mask.except_names, &own).map_err(
        |RulesError { list, index, problem }| match list {
            "placeholder" => ConfigError::new("mask.placeholder", problem),
            list => ConfigError::new(format!("mask.{list}[{index}]"), problem),
        },
    )
}

fn list_events(settings: &Settings) -> Result<bool, ConfigError> {
    if settings.stream.list_events && settings.hash.key_env.is_none() {
        let problem = "needs a key: an event is a word or two, which can be guessed from its plain \
                       hash; name the key's environment variable in `hash.key_env`";
        return Err(ConfigError::new("stream.list_events", problem));
    }
    Ok(settings.stream.list_events)
}

fn policies(settings: &Settings) -> Result<Policies, ConfigError> {
    let otherwise = Policy {
        call: Action::Allow,
        mask_outbound: settings.mask.outbound,
        mask_outbound_likely: settings.mask.outbound_likely,
        secret_to_wrong_host: settings.mask.secret_to_wrong_host,
    };
    let rules = settings.hosts.iter().enumerate().map(|(index, host)| {
        let policy = Policy {
            call: host.call.unwrap_or(otherwise.call),
            mask_outbound: host.mask_outbound.unwrap_or(otherwise.mask_outbound),
            mask_outbound_likely: host
                .mask_outbound_likely
                .unwrap_or(otherwise.mask_outbound_likely),
            secret_to_wrong_host: host
                .secret_to_wrong_host
                .unwrap_or(otherwise.secret_to_wrong_host),
        };
        Ok((host_patterns(&format!("hosts[{index}].hosts"), &host.hosts)?, policy))
    });
    Ok(Policies::new(rules.collect::<Result<_, _>>()?, otherwise))
}

fn host_patterns(key: &str, patterns: &[String]) -> Result<Box<[HostPattern]>, ConfigError> {
    if patterns.is_empty() {
        return Err(ConfigError::new(key, format!("names no host; write {HOST_PATTERN}")));
    }
    let read = patterns.iter().enumerate().map(|(index, pattern)| {
        HostPattern::parse(pattern).map_err(|problem| {
            let text = format!("expected {HOST_PATTERN}; {}", problem.as_str());
            ConfigError::new(format!("{key}[{index}]"), text)
        })
    });
    read.collect()
}

fn hash_key(
    hash: &HashSettings,
    environment: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Result<Option<Key>, ConfigError> {
    let (variable, id) = match (&hash.key_env, &hash.key_id) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let problem = "there is no key; name its environment variable in `hash.key_env`";
            return Err(ConfigError::new("hash.key_id", problem));
        }
        (Some(variable), id) => (variable, key_id(id.as_deref())?),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if variable.is_empty() || !variable.bytes().all(is_name) {
        let problem = "expected the name of an environment variable, not its value, such as \
                       `LEDGERLINE_HASH_KEY`";
        return Err(ConfigError::new("hash.key_env", problem));
    }
    let Some(secret) = environment(variable) else {
        let problem = format!(
            "`{variable}` is not set; set it for Envoy, and list it in \
             `vm_config.environment_variables.host_env_keys`"
        );
        return Err(ConfigError::new("hash.key_env", problem));
    };
    let problem = || {
        format!(
            "`{variable}` has {} bytes, at least {MIN_KEY_BYTES} are needed; make one with \
             `openssl rand -hex 32`",
            secret.len()
        )
    };
    Key::new(id, &secret).map(Some).ok_or_else(|| ConfigError::new("hash.key_env", problem()))
}

fn key_id(id: Option<&str>) -> Result<&str, ConfigError> {
    let is_id = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    id.filter(is_id).ok_or_else(|| {
        let problem =
            "a key needs an id: 1 to 64 letters, digits, `-`, `_` and `.`, such as `2026-06`";
        ConfigError::new("hash.key_id", problem)
    })
}

fn request_table(settings: &Settings, rules: &Rules) -> Result<HeaderTable, ConfigError> {
    let mut table = HeaderTable::default();
    for (name, role) in [
        (":authority", Role::Authority),
        (":method", Role::Method),
        (":path", Role::Path),
        ("content-type", Role::ContentType),
        ("content-encoding", Role::ContentEncoding),
        ("traceparent", Role::TraceParent),
        ("upgrade", Role::Upgrade),
        ("connection", Role::Connection),
        ("te", Role::Te),
        ("accept", Role::Accept),
        ("accept-encoding", Role::AcceptEncoding),
        ("sec-websocket-extensions", Role::WebsocketExtensions),
        ("connect-protocol-version", Role::ConnectProtocol),
        ("mcp-method", Role::McpMethod),
        ("mcp-name", Role::McpName),
        ("mcp-protocol-version", Role::McpProtocolVersion),
        ("mcp-session-id", Role::McpSessionId),
        ("x-stainless-retry-count", Role::RetryCount),
        ("amz-sdk-request", Role::RetryAttempt),
    ] {
        table.add(name, role);
    }
    HOP_BY_HOP.into_iter().for_each(|name| table.add(name, Role::Strip));
    if settings.hash.key_env.is_some() {
        for (rank, name) in (0..).zip(credential::HEADERS) {
            table.add(name, Role::Credential(rank));
        }
    }
    let identity = &settings.identity;
    let kept = kept_names(identity)?;
    for (key, names, claim) in [
        ("identity.agent_id", &identity.agent_id, Claim::AgentId),
        ("identity.agent_version", &identity.agent_version, Claim::AgentVersion),
        ("identity.agent_deployment", &identity.agent_deployment, Claim::AgentDeployment),
        ("identity.user_id", &identity.user_id, Claim::UserId),
        ("identity.session_id", &identity.session_id, Claim::SessionId),
    ] {
        for (rank, name) in loggable_names(key, names, rules)? {
            table.add(&name, Role::Claim(claim, rank));
            if identity.strip && !kept.contains(&name) {
                table.add(removable(key, &name)?, Role::Strip);
            }
        }
    }
    for (rank, name) in loggable_names("correlation.from", &settings.correlation.from, rules)? {
        let is_trace = name == "traceparent";
        table.add(
            &name,
            if is_trace { Role::CorrelationTrace(rank) } else { Role::Correlation(rank) },
        );
    }
    if let Some(name) = &settings.correlation.header {
        table.add(&outgoing_name("correlation.header", name)?, Role::CorrelationOut);
    }
    add_lists(
        &mut table,
        rules,
        ("headers.log_request", &settings.headers.log_request),
        ("headers.strip_request", &settings.headers.strip_request),
    )?;
    Ok(table)
}

fn response_table(headers: &HeaderSettings, rules: &Rules) -> Result<HeaderTable, ConfigError> {
    let mut table = HeaderTable::default();
    for (name, role) in [
        (":status", Role::Status),
        ("content-type", Role::ContentType),
        ("content-encoding", Role::ContentEncoding),
        ("content-length", Role::ContentLength),
        ("retry-after", Role::RetryAfter),
        ("retry-after-ms", Role::RetryAfterMs),
        ("grpc-status", Role::GrpcStatus),
        ("connection", Role::Connection),
    ] {
        table.add(name, role);
    }
    HOP_BY_HOP.into_iter().for_each(|name| table.add(name, Role::Strip));
    for (name, limit) in REMAINING {
        table.add(name, Role::Remaining(limit));
    }
    for name in RESPONSE_HEADERS {
        table.add(name, Role::Meaning);
    }
    for (rank, name) in (0..).zip(UPSTREAM_REQUEST_ID) {
        table.add(name, Role::UpstreamRequestId(rank));
    }
    add_lists(
        &mut table,
        rules,
        ("headers.log_response", &headers.log_response),
        ("headers.strip_response", &headers.strip_response),
    )?;
    Ok(table)
}

/// The headers that go on to the provider though they say who calls.
fn kept_names(identity: &IdentitySettings) -> Result<Vec<String>, ConfigError> {
    let own = identity.keep.iter().enumerate();
    let own = own.map(|(index, name)| header_name(&format!("identity.keep[{index}]"), name));
    CLIENTS_OWN.into_iter().map(|name| Ok(name.to_owned())).chain(own).collect()
}

type List<'a> = (&'static str, &'a [String]);

fn add_lists(
    table: &mut HeaderTable,
    rules: &Rules,
    log: List<'_>,
    strip: List<'_>,
) -> Result<(), ConfigError> {
    for (_, name) in loggable_names(log.0, log.1, rules)? {
        table.add(&name, Role::Log);
    }
    for (index, name) in strip.1.iter().enumerate() {
        let key = format!("{}[{index}]", strip.0);
        let name = header_name(&key, name)?;
        table.add(removable(&key, &name)?, Role::Strip);
    }
    Ok(())
}

/// Names whose values will stand in entries, with their rank in the list.
fn loggable_names(
    key: &str,
    names: &[String],
    rules: &Rules,
) -> Result<Vec<(u8, String)>, ConfigError> {
    const MOST: usize = 32;
    if names.len() > MOST {
        return Err(ConfigError::new(
            key,
            format!("{} names, at most {MOST} are allowed", names.len()),
        ));
    }
    let checked = names.iter().zip(0_u8..).map(|(name, rank)| {
        let key = format!("{key}[{rank}]");
        let lower = header_name(&key, name)?;
        if is_credential(&lower) {
            let problem = format!("`{lower}` carries a credential and is never logged; remove it");
            return Err(ConfigError::new(key, problem));
        }
        if rules.is_secret_name(name) {
            let problem = format!(
                "the value of `{name}` is secret (see mask.names) and never logged; remove it"
            );
            return Err(ConfigError::new(key, problem));
        }
        Ok((rank, lower))
    });
    checked.collect()
}

/// A header name in lower case (RFC 9110, section 5.1: a token).
fn header_name(key: &str, name: &str) -> Result<String, ConfigError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(is_token) {
        let problem = "expected a header name: letters, digits and `-`, such as `x-agent-id`";
        return Err(ConfigError::new(key, problem));
    }
    Ok(name.to_ascii_lowercase())
}

/// A name that the filter may set on a request.
fn outgoing_name(key: &str, name: &str) -> Result<String, ConfigError> {
    let name = header_name(key, name)?;
    if is_credential(&name) || is_framing(&name) || HOP_BY_HOP.contains(&&*name) {
        let problem =
            format!("`{name}` has a meaning of its own; use a name such as `x-correlation-id`");
        return Err(ConfigError::new(key, problem));
    }
    Ok(name)
}

fn removable<'a>(key: &str, name: &'a str) -> Result<&'a str, ConfigError> {
    if is_framing(name) {
        let problem =
            format!("`{name}` frames the message and cannot be removed; take it off the list");
        return Err(ConfigError::new(key, problem));
    }
    Ok(name)
}

fn authorities(names: &[String]) -> Result<GatewayAuthorities, ConfigError> {
    let checked = names.iter().enumerate().map(|(index, name)| {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
            let key = format!("endpoint.gateway_authorities[{index}]");
            return Err(ConfigError::new(
                key,
                "expected `name` or `name:port`, such as `gateway:10000`",
            ));
        }
        Ok(name.to_ascii_lowercase().into())
    });
    Ok(GatewayAuthorities::new(checked.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(json: &str) -> Result<Config, ConfigError> {
        Settings::from_json(json.as_bytes()).and_then(Config::try_from)
    }

    #[test]
    fn an_absent_configuration_stands_for_the_defaults() {
        assert_eq!(Settings::from_json(b" \n").unwrap(), Settings::default());
        assert_eq!(Settings::from_json(b"{}").unwrap(), Settings::default());
        load("").unwrap();
    }

    #[test]
    fn settings_read_back_what_they_print() {
        let settings = Settings::default();
        let json = serde_json::to_vec(&settings).unwrap();
        assert_eq!(Settings::from_json(&json).unwrap(), settings);
    }

    #[test]
    fn a_struct_reads_like_json() {
        let settings = Settings::from_plugin(br#"{"endpoint":{"form":"host"}}"#).unwrap();
        assert_eq!(settings.endpoint.form, Form::Host);
        let text = |text: &str| prost_types::Value { kind: Some(Kind::StringValue(text.into())) };
        let object = |members: Vec<(&str, prost_types::Value)>| prost_types::Struct {
            fields: members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        };
        let nested =
            |members| prost_types::Value { kind: Some(Kind::StructValue(object(members))) };
        let encoded =
            object(vec![("endpoint", nested(vec![("form", text("host"))]))]).encode_to_vec();
        assert_eq!(Settings::from_plugin(&encoded).unwrap(), settings);
        let encoded =
            object(vec![("endpoint", nested(vec![("form", text("url"))]))]).encode_to_vec();
        let message = Settings::from_plugin(&encoded).unwrap_err().to_string();
        assert!(message.starts_with("endpoint.form: unknown variant `url`"), "{message}");
    }

    #[test]
    fn numbers_of_a_struct_are_integers_where_they_can_be() {
        assert_eq!(json_number(3.0).to_string(), "3");
        assert_eq!(json_number(3.5).to_string(), "3.5");
        assert_eq!(json_number(f64::NAN), Value::Null);
    }

    #[test]
    fn a_wrong_configuration_names_the_key_and_the_fix() {
        for (json, error) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("[]", "invalid type: sequence, expected an object"),
            (r#"{"identity":[]}"#, "identity: invalid type: sequence, expected an object"),
            (r#"{} {}"#, "trailing characters at line 1 column 4"),
            (r#"{"identiy":{}}"#, "identiy: unknown field `identiy`, expected one of"),
            (r#"{"headers":{"log_reqest":[]}}"#, "headers.log_reqest: unknown field"),
            (
                r#"{"headers":{"log_request":"a"}}"#,
                "headers.log_request: invalid type: string \"a\"",
            ),
            (
                r#"{"identity":{"user_id":["x-user-id",7]}}"#,
                "identity.user_id[1]: invalid type: integer",
            ),
            (
                r#"{"endpoint":{"form":"url"}}"#,
                "endpoint.form: unknown variant `url`, expected `path` or",
            ),
            (
                r#"{"headers":{"log_request":["User-Agent","X-Api-Key"]}}"#,
                "headers.log_request[1]: `x-api-key` carries a credential and is never logged",
            ),
            (
                r#"{"identity":{"user_id":["authorization"]}}"#,
                "identity.user_id[0]: `authorization` carries",
            ),
            (
                r#"{"mask":{"names":["customer"]},"headers":{"log_request":["via","Customer"]}}"#,
                "headers.log_request[1]: the value of `Customer` is secret (see mask.names)",
            ),
            (
                r#"{"headers":{"strip_request":["Content-Length"]}}"#,
                "headers.strip_request[0]: `content-length` frames the message",
            ),
            (
                r#"{"headers":{"strip_response":["a b"]}}"#,
                "headers.strip_response[0]: expected a header name",
            ),
            (
                r#"{"headers":{"strip_request":[":path"]}}"#,
                "headers.strip_request[0]: expected a header name",
            ),
            (
                r#"{"correlation":{"header":"authorization"}}"#,
                "correlation.header: `authorization` has a",
            ),
            (r#"{"correlation":{"header":""}}"#, "correlation.header: expected a header name"),
            (r#"{"mask":{"placeholder":""}}"#, "mask.placeholder: expected"),
            (r#"{"mask":{"names":["ok","?"]}}"#, "mask.names[1]: expected"),
            (
                r#"{"mask":{"rules":[["a","b"]]}}"#,
                "mask.rules[0]: invalid type: sequence, expected",
            ),
            (r#"{"mask":{"rules":[{"name":"a"}]}}"#, "mask.rules[0]: missing field `pattern`"),
            (r#"{"mask":{"rules":[{"name":"a","pattern":"("}]}}"#, "mask.rules[0]: "),
            (
                r#"{"mask":{"secret_to_wrong_host":"block"}}"#,
                "mask.secret_to_wrong_host: unknown variant `block`, expected `allow` or",
            ),
            (r#"{"hosts":[{"hosts":[]}]}"#, "hosts[0].hosts: names no host; write"),
            (r#"{"hosts":[{"hosts":["a.b","a b"]}]}"#, "hosts[0].hosts[1]: expected `api.example"),
            (r#"{"hosts":[{"mask_outbound":true}]}"#, "hosts[0]: missing field `hosts`"),
            (
                r#"{"hosts":[{"hosts":["*"],"call":"block"}]}"#,
                "hosts[0].call: unknown variant `block`, expected `allow` or",
            ),
            (r#"{"hash":{"key_id":"k"}}"#, "hash.key_id: there is no key"),
            (r#"{"stream":{"list_events":true}}"#, "stream.list_events: needs a key"),
            (r#"{"upstream":{"plain_answers":"sometimes"}}"#, "upstream.plain_answers: unknown"),
            (r#"{"hash":{"key_env":"K"}}"#, "hash.key_id: a key needs an id"),
            (r#"{"hash":{"key_env":"a b","key_id":"k"}}"#, "hash.key_env: expected the name"),
            (r#"{"hash":{"key_env":"K","key_id":"k"}}"#, "hash.key_env: `K` is not set; set it"),
            (
                r#"{"endpoint":{"gateway_authorities":["http://gw"]}}"#,
                "endpoint.gateway_authorities[0]: expected `name` or `name:port`",
            ),
        ] {
            let message = load(json).unwrap_err().to_string();
            assert!(message.starts_with(error), "{json}: {message}");
        }
    }

    #[test]
    fn a_key_comes_from_the_environment_and_stays_out_of_errors() {
        let settings = |json: &str| Settings::from_json(json.as_bytes()).unwrap();
        let with_id = r#"{"hash":{"key_env":"HASH_KEY","key_id":"k1"}}"#;
        let config = Config::compile(settings(with_id), |name| {
            (name == "HASH_KEY").then(|| vec![b'x'; MIN_KEY_BYTES])
        });
        let config = config.unwrap();
        assert_eq!(config.reading.key.as_ref().map(Key::id), Some("k1"));
        assert!(config.fingerprints.is_some() && !format!("{config:?}").contains("xxxx"));
        let short = Config::compile(settings(with_id), |_| Some(b"hunter2".to_vec()));
        let message = short.unwrap_err().to_string();
        assert!(message.starts_with("hash.key_env: `HASH_KEY` has 7 bytes, at least 32"));
        assert!(!message.contains("hunter2"), "{message}");
        Config::check(settings(with_id)).unwrap();
        Config::check(settings(r#"{"hash":{"key_env":"HASH_KEY"}}"#)).unwrap_err();
    }

    #[test]
    fn what_a_host_leaves_open_is_as_for_all() {
        let config = load(
            r#"{"mask":{"outbound":true},"hosts":[
                {"hosts":["a.example"],"secret_to_wrong_host":"deny"},
                {"hosts":["*.example"],"mask_outbound":false},
                {"hosts":["c.test"],"call":"deny"}]}"#,
        );
        let policies = config.unwrap().policies;
        for (host, call, mask_outbound, secret_to_wrong_host) in [
            ("a.example", Action::Allow, true, Action::Deny),
            ("b.example", Action::Allow, false, Action::Allow),
            ("c.test", Action::Deny, true, Action::Allow),
            ("other.test", Action::Allow, true, Action::Allow),
        ] {
            let policy = Policy { call, mask_outbound, secret_to_wrong_host, ..Policy::default() };
            assert_eq!(policies.of(host.as_bytes()), policy, "{host}");
        }
    }

    #[test]
    fn identity_headers_are_stripped_unless_told_otherwise() {
        let roles =
            |json| load(json).unwrap().request_headers.find(b"x-user-id").unwrap().1.to_vec();
        assert_eq!(roles("{}"), [Role::Claim(Claim::UserId, 0), Role::Strip]);
        assert_eq!(roles(r#"{"identity":{"strip":false}}"#), [Role::Claim(Claim::UserId, 0)]);
    }

    #[test]
    fn what_clients_send_of_their_own_accord_is_read_and_goes_on() {
        let is_stripped = |json: &str, name: &str| {
            let config = load(json).unwrap();
            let (_, roles) = config.request_headers.find(name.as_bytes()).unwrap();
            assert!(matches!(roles[0], Role::Claim(Claim::SessionId, _)), "{json} {name}");
            roles.contains(&Role::Strip)
        };
        let own = r#"{"identity":{"session_id":["X-Claude-Code-Session-Id","x-ours","x-theirs"],
            "keep":["X-Theirs"]}}"#;
        for (json, name, stripped) in [
            ("{}", "x-session-id", true),
            ("{}", "x-claude-code-session-id", false),
            ("{}", "session-id", false),
            ("{}", "session_id", false),
            (own, "x-claude-code-session-id", false),
            (own, "x-ours", true),
            (own, "x-theirs", false),
            (r#"{"headers":{"strip_request":["session-id"]}}"#, "session-id", true),
        ] {
            assert_eq!(is_stripped(json, name), stripped, "{json} {name}");
        }
        let message = load(r#"{"identity":{"keep":["x-ok","a b"]}}"#).unwrap_err().to_string();
        assert!(message.starts_with("identity.keep[1]: expected a header name"), "{message}");
    }

    #[test]
    fn headers_of_one_hop_never_go_on_and_cannot_be_ours() {
        let config = load("{}").unwrap();
        for name in HOP_BY_HOP {
            for table in [&config.request_headers, &config.response_headers] {
                assert!(table.find(name.as_bytes()).unwrap().1.contains(&Role::Strip), "{name}");
            }
            let json = format!(r#"{{"correlation":{{"header":"{name}"}}}}"#);
            assert!(load(&json).unwrap_err().to_string().contains("has a meaning of its own"));
        }
        for key in ["headers.log_request", "headers.log_response", "identity.agent_id"] {
            for name in ["Proxy-Authorization", "proxy-authenticate", "proxy-authentication-info"] {
                let (section, key) = key.split_once('.').unwrap();
                let json = format!(r#"{{"{section}":{{"{key}":["{name}"]}}}}"#);
                let message = load(&json).unwrap_err().to_string();
                assert!(message.contains("carries a credential and is never logged"), "{message}");
            }
        }
    }

    #[test]
    fn a_correlation_id_need_not_be_passed_on() {
        assert_eq!(load(r#"{"correlation":{"header":null}}"#).unwrap().correlation_header, None);
    }
}
