//! A call to an MCP server.
//!
//! Three generations of the protocol are in use at once. Since 2026-07-28 each request says its
//! method, and the tool, prompt or resource that it is for, in headers; since 2025-03-26, only in
//! its body. Headers are seen first and count first. A body that says otherwise would make this
//! record one thing and the server do another, so that is written down.
//!
//! A request without any of those headers is one to an MCP server if its client accepts both kinds
//! of answer, as the protocol demands, and its body is a JSON-RPC call.
//!
//! The first generation, of 2024, has two connections. One waits for the server's events, of which
//! the first names the address for the other; there the client posts its messages, and the answers
//! come as events of the first:
//!
//! ```text
//! GET /sse                          event: endpoint
//!                                   data: /messages?session_id=0cafcb6e
//! POST /messages?session_id=0cafcb6e    {"jsonrpc":"2.0","id":1,"method":"tools/call",…}
//!                                   data: {"jsonrpc":"2.0","id":1,"result":…}
//! ```
//!
//! A connection on which the server speaks when it likes, of whatever generation, has no end but
//! that its client hangs up.

use super::{
    Clues, MAX_NAME_BYTES, MAX_WORD_BYTES, borrowed,
    fields::{Answered, Asked},
    is_cut,
    names::Names,
    text_of, trouble,
};
use crate::{
    base64::Decoder,
    correlation,
    entry::Mcp,
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::{MAX_VALUE_BYTES, Value},
    text::Text,
};

/// Names the session, in requests and in the answer that opens it.
pub(super) const SESSION_HEADER: &str = "mcp-session-id";

/// What a call to an MCP server was about, as far as it is known.
#[derive(Debug)]
pub(super) struct McpCall {
    /// Whether it is one: by its headers, or since its body said so.
    is_certain: bool,
    channel: Channel,
    said_by_headers: Said,
    /// The name of a header whose method is known from the body alone.
    header_name: Option<Vec<u8>>,
    said_by_body: SaidByBody,
    session_id: Option<Text>,
    /// The version that the server settled on when the session began.
    settled_version: Option<Text>,
    messages: u64,
    /// How many of them want an answer, and how many have one.
    requests: u64,
    answers: u64,
    asked: AskedMessage,
    answered: AnsweredMessage,
    error_code: Option<i64>,
    verdict: Option<(Outcome, Reason)>,
    /// The beginning of an event that may name an address.
    address: Vec<u8>,
}

/// What a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    /// Messages of the client, and the answers to them.
    Call,
    /// Whatever the server has to say.
    Listening,
    /// The same, if the first event names an address for the client's messages.
    EventsOf2024,
    /// Messages of the client, whose answers come elsewhere.
    MessagesOf2024,
}

/// What headers say.
#[derive(Debug, Default)]
struct Said {
    method: Option<Text>,
    tool: Option<Text>,
    prompt: Option<Text>,
    resource_uri: Option<Text>,
    protocol_version: Option<Text>,
    trace_id: Option<Box<str>>,
}

/// What the messages of a body say.
#[derive(Debug, Default)]
struct SaidByBody {
    methods: Names,
    tools: Names,
    prompts: Names,
    resource_uris: Names,
    protocol_version: Option<Text>,
    trace_id: Option<Box<str>>,
}

/// The message of the request that passes.
#[derive(Debug, Default)]
struct AskedMessage {
    is_jsonrpc: bool,
    has_id: bool,
    is_answer: bool,
    method: Option<Text>,
    name: Option<Text>,
    reference: Option<Text>,
    resource_uris: Names,
    trace_id: Option<Box<str>>,
}

/// The message of the answer that passes.
#[derive(Debug, Default)]
struct AnsweredMessage {
    is_jsonrpc: bool,
    /// Whether it is the server's own request or notification, and no answer; and one of MCP's.
    has_method: bool,
    has_own_method: bool,
    has_result: bool,
    has_error: bool,
    error_code: Option<i64>,
    is_tool_error: bool,
}

impl McpCall {
    pub(super) fn new(rules: &Rules, clues: &Clues<'_>) -> Option<Self> {
        let headers =
            [clues.mcp_method, clues.mcp_name, clues.mcp_protocol_version, clues.mcp_session_id];
        let is_certain = headers.iter().any(Option::is_some);
        let channel = Channel::of(clues, is_certain)?;
        let text = |value: &[u8]| Text::masked(rules, value.trim_ascii(), MAX_NAME_BYTES);
        let session_id = match (clues.mcp_session_id, channel) {
            (None, Channel::MessagesOf2024) => session_of(clues.path),
            (id, _) => id,
        };
        let mut call = Self {
            is_certain,
            channel,
            said_by_headers: Said {
                method: clues.mcp_method.map(text),
                protocol_version: clues.mcp_protocol_version.map(text),
                trace_id: clues.trace_id.map(Into::into),
                ..Said::default()
            },
            header_name: clues.mcp_name.map(decoded),
            said_by_body: SaidByBody::default(),
            session_id: session_id.map(text),
            settled_version: None,
            messages: 0,
            requests: 0,
            answers: 0,
            asked: AskedMessage::default(),
            answered: AnsweredMessage::default(),
            error_code: None,
            verdict: None,
            address: Vec::new(),
        };
        let method = call.said_by_headers.method.clone();
        call.take_header_name(rules, method.as_ref());
        Some(call)
    }

    pub(super) fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Whether the answer should be read. What comes elsewhere is none.
    pub(super) fn wants_plain_answer(&self) -> bool {
        self.is_certain || self.channel != Channel::MessagesOf2024
    }

    /// Whether the answer may tell that this is a call to an MCP server.
    pub(super) fn is_told_by_answer(&self) -> bool {
        self.channel == Channel::EventsOf2024
    }

    /// The trace that the messages belong to, by their own word.
    pub(super) fn trace_id(&self) -> Option<&str> {
        self.said_by_body.trace_id.as_deref()
    }

    pub(super) fn response_header(&mut self, rules: &Rules, name: &str, value: &[u8]) {
        if name == SESSION_HEADER && !value.is_empty() {
            self.session_id = Some(Text::masked(rules, value.trim_ascii(), MAX_NAME_BYTES));
        }
    }

    /// Takes note of what stands at a place of the request.
    pub(super) fn note_asked(&mut self, rules: &Rules, field: Asked, value: Value<'_>) {
        let text =
            || text_of(value).map(|text| Text::masked(rules, text.as_bytes(), MAX_NAME_BYTES));
        let message = &mut self.asked;
        match (field, value) {
            (Asked::Message, Value::Begin) => *message = AskedMessage::default(),
            (Asked::Message, Value::End) => self.end_request_message(rules),
            (Asked::Jsonrpc, value) => message.is_jsonrpc = text_of(value) == Some("2.0"),
            (Asked::RpcId, value) => message.has_id = value != Value::Null,
            (Asked::RpcAnswer, _) => message.is_answer = true,
            (Asked::Method, _) => message.method = text(),
            (Asked::Name, _) => message.name = text(),
            (Asked::RefName, _) => message.reference = text(),
            (Asked::Uri | Asked::OneUri, Value::Text { text, cut }) if !text.is_empty() => {
                message.resource_uris.add_text(resource_uri(rules, text.as_bytes(), cut));
            }
            (Asked::TraceParent, value) => {
                let trace_id =
                    text_of(value).and_then(|text| correlation::trace_id(text.as_bytes()));
                message.trace_id = trace_id.map(Into::into);
            }
            (Asked::ProtocolVersion, _) => {
                let version = &mut self.said_by_body.protocol_version;
                *version = version.take().or_else(text);
            }
            _ => {}
        }
        self.is_certain |= self.asked.is_jsonrpc && self.is_own_message();
    }

    /// Whether what passes is a message of MCP's, and not of another that speaks JSON-RPC.
    fn is_own_message(&self) -> bool {
        let AskedMessage { method, is_answer, .. } = &self.asked;
        match (self.channel, method) {
            (Channel::MessagesOf2024, Some(method)) => is_own_method(&method.text),
            (Channel::MessagesOf2024, None) => *is_answer,
            (_, method) => method.is_some(),
        }
    }

    /// A message of the request ended, or the body did.
    pub(super) fn end_request_message(&mut self, rules: &Rules) {
        let message = std::mem::take(&mut self.asked);
        if !message.is_jsonrpc {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        let wants_answer = message.has_id && message.method.is_some();
        self.requests = self.requests.saturating_add(wants_answer.into());
        if self.said_by_headers.method.is_none() {
            self.take_header_name(rules, message.method.as_ref());
        }
        self.said_by_body.take(message);
    }

    /// Takes note of what stands at a place of the answer.
    pub(super) fn note_answered(&mut self, rules: &Rules, field: Answered, value: Value<'_>) {
        let message = &mut self.answered;
        match (field, value) {
            (Answered::Message, Value::Begin) => *message = AnsweredMessage::default(),
            (Answered::Message, Value::End) => self.end_response_message(),
            (Answered::Jsonrpc, value) => message.is_jsonrpc = text_of(value) == Some("2.0"),
            (Answered::Method, value) => {
                message.has_method = text_of(value).is_some();
                message.has_own_method = text_of(value).is_some_and(is_own_method);
            }
            (Answered::Result, Value::Begin) => message.has_result = true,
            (Answered::Error, Value::Begin) => message.has_error = true,
            (Answered::ErrorCode, Value::Number(code)) => {
                message.error_code = i64::try_from(code).ok()
            }
            (Answered::ErrorCode, Value::Negative(code)) => message.error_code = Some(code),
            (Answered::IsError, value) => message.is_tool_error = value == Value::True,
            (Answered::ProtocolVersion, value) => {
                if let Some(version) = text_of(value) {
                    let version = Text::masked(rules, version.as_bytes(), MAX_WORD_BYTES);
                    self.settled_version = Some(version);
                }
            }
            _ => {}
        }
    }

    /// The next bytes of an event that may name an address.
    pub(super) fn note_event(&mut self, bytes: &[u8]) {
        if self.channel == Channel::EventsOf2024 && !self.is_certain {
            let room = MAX_VALUE_BYTES.saturating_sub(self.address.len());
            self.address.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// An event of this name ended, or a document that is none.
    pub(super) fn end_event(&mut self, rules: &Rules, name: &[u8]) {
        let address = std::mem::take(&mut self.address);
        if self.channel == Channel::EventsOf2024 && !self.is_certain {
            self.end_first_event(rules, name, &address);
            return;
        }
        self.end_response_message();
    }

    /// The first event tells what is listened to: one of 2024 names the address, any other is a
    /// message of the server's own. An empty one only gives its client an id to come back with.
    fn end_first_event(&mut self, rules: &Rules, name: &[u8], event: &[u8]) {
        let message = std::mem::take(&mut self.answered);
        if event.trim_ascii().is_empty() {
            return;
        }
        if name == b"endpoint" {
            self.is_certain = true;
            let id = session_of(event);
            self.session_id = id.map(|id| Text::masked(rules, id, MAX_NAME_BYTES));
            return;
        }
        self.is_certain = message.is_jsonrpc && message.has_own_method;
        self.channel = if self.is_certain { Channel::Listening } else { Channel::Call };
    }

    /// A message of the answer ended. Of several the first that went wrong counts.
    fn end_response_message(&mut self) {
        let message = std::mem::take(&mut self.answered);
        if message.has_method {
            return;
        }
        let is_answer = message.has_result || message.has_error;
        self.answers = self.answers.saturating_add(is_answer.into());
        if self.verdict.is_some() {
            return;
        }
        if message.has_error {
            // A number counts like a word.
            let number = message.error_code.map(|code| code.to_string());
            self.verdict = Some(trouble::verdict(number.as_deref()));
            self.error_code = message.error_code;
        } else if message.is_tool_error {
            self.verdict = Some((Outcome::Error, Reason::ToolError));
        }
    }

    pub(super) fn verdict(&self) -> Option<(Outcome, Reason)> {
        self.verdict
    }

    /// Whether the answers have come, or none is waited for: a server that is listened to may
    /// always say more.
    pub(super) fn has_ended(&self) -> bool {
        let method = self.method().map(|method| &*method.text);
        let is_listening = matches!(self.channel, Channel::Listening | Channel::EventsOf2024)
            || method == Some("subscriptions/listen");
        is_listening || self.answers > 0 && self.answers >= self.requests
    }

    pub(super) fn entry(&self) -> Mcp<'_> {
        let body = &self.said_by_body;
        Mcp {
            method: borrowed(self.method()),
            tool: borrowed(self.tool()),
            prompt: borrowed(self.prompt()),
            resource_uri: borrowed(self.resource_uri()),
            session_id: borrowed(self.session_id.as_ref()),
            protocol_version: borrowed(self.protocol_version()),
            messages: Some(self.messages).filter(|messages| *messages > 1),
            methods: body.methods.to_list_of_several(),
            tools: body.tools.to_list_of_several(),
            prompts: body.prompts.to_list_of_several(),
            resource_uris: body.resource_uris.to_list_of_several(),
            error_code: self.error_code,
            conflicts: self.conflicts().map(Into::into).collect(),
        }
    }

    /// Keys of the entry, each with whether its value was longer than what is kept.
    pub(super) fn cut_keys(&self) -> [(&'static str, bool); 10] {
        let body = &self.said_by_body;
        let is_list_cut = |names: &Names| names.is_cut() && !names.to_list_of_several().is_empty();
        [
            ("mcp.method", is_cut(self.method())),
            ("mcp.tool", is_cut(self.tool())),
            ("mcp.prompt", is_cut(self.prompt())),
            ("mcp.resource_uri", is_cut(self.resource_uri())),
            ("mcp.session_id", is_cut(self.session_id.as_ref())),
            ("mcp.protocol_version", is_cut(self.protocol_version())),
            ("mcp.methods", is_list_cut(&body.methods)),
            ("mcp.tools", is_list_cut(&body.tools)),
            ("mcp.prompts", is_list_cut(&body.prompts)),
            ("mcp.resource_uris", is_list_cut(&body.resource_uris)),
        ]
    }

    // What the headers say, or else the body.

    fn method(&self) -> Option<&Text> {
        self.said_by_headers.method.as_ref().or(self.said_by_body.methods.first())
    }

    fn tool(&self) -> Option<&Text> {
        self.said_by_headers.tool.as_ref().or(self.said_by_body.tools.first())
    }

    fn prompt(&self) -> Option<&Text> {
        self.said_by_headers.prompt.as_ref().or(self.said_by_body.prompts.first())
    }

    fn resource_uri(&self) -> Option<&Text> {
        self.said_by_headers.resource_uri.as_ref().or(self.said_by_body.resource_uris.first())
    }

    fn protocol_version(&self) -> Option<&Text> {
        let settled = || self.settled_version.as_ref();
        let by_body = || self.said_by_body.protocol_version.as_ref();
        self.said_by_headers.protocol_version.as_ref().or_else(settled).or_else(by_body)
    }

    fn conflicts(&self) -> impl Iterator<Item = &'static str> {
        let Self { said_by_headers: headers, said_by_body: body, .. } = self;
        let differ = |by_header: Option<&Text>, by_body: Option<&Text>| {
            by_header.zip(by_body).is_some_and(|(by_header, by_body)| by_header != by_body)
        };
        let one =
            |by_header: &Option<Text>, by_body: &Names| differ(by_header.as_ref(), by_body.first());
        let keys = [
            ("method", one(&headers.method, &body.methods)),
            ("tool", one(&headers.tool, &body.tools)),
            ("prompt", one(&headers.prompt, &body.prompts)),
            ("resource_uri", one(&headers.resource_uri, &body.resource_uris)),
            (
                "protocol_version",
                differ(headers.protocol_version.as_ref(), body.protocol_version.as_ref()),
            ),
            (
                "trace_id",
                headers.trace_id.as_ref().zip(body.trace_id.as_ref()).is_some_and(|(a, b)| a != b),
            ),
        ];
        keys.into_iter().filter(|(_, differ)| *differ).map(|(key, _)| key)
    }

    /// The name in a header belongs to what the method is about.
    fn take_header_name(&mut self, rules: &Rules, method: Option<&Text>) {
        let said = &mut self.said_by_headers;
        let Some((place, is_uri)) = (match method.map(|method| &*method.text) {
            Some("tools/call") => Some((&mut said.tool, false)),
            Some("prompts/get") => Some((&mut said.prompt, false)),
            Some("resources/read" | "resources/subscribe" | "resources/unsubscribe") => {
                Some((&mut said.resource_uri, true))
            }
            _ => None,
        }) else {
            return;
        };
        let Some(name) = self.header_name.take() else { return };
        *place = Some(match is_uri {
            true => resource_uri(rules, &name, false),
            false => Text::masked(rules, &name, MAX_NAME_BYTES),
        });
    }
}

impl Channel {
    /// What a call may carry, if it may be one to an MCP server.
    fn of(clues: &Clues<'_>, is_certain: bool) -> Option<Self> {
        let is_get = clues.method == b"GET";
        match () {
            () if is_certain && is_get => Some(Self::Listening),
            () if is_certain => Some(Self::Call),
            () if is_get => clues.waits_for_events.then_some(Self::EventsOf2024),
            () if clues.accepts_events => Some(Self::Call),
            () => takes_messages(clues.path).then_some(Self::MessagesOf2024),
        }
    }
}

impl SaidByBody {
    fn take(&mut self, message: AskedMessage) {
        let AskedMessage { method, name, reference, resource_uris, trace_id, .. } = message;
        let named = match method.as_ref().map(|method| &*method.text) {
            Some("tools/call") => name.map(|name| (&mut self.tools, name)),
            Some("prompts/get") => name.map(|name| (&mut self.prompts, name)),
            Some("completion/complete") => reference.map(|name| (&mut self.prompts, name)),
            _ => None,
        };
        if let Some((place, name)) = named {
            place.add_text(name);
        }
        let is_about_resources = method.as_ref().is_some_and(|method| {
            method.text.starts_with("resources/")
                || matches!(&*method.text, "completion/complete" | "subscriptions/listen")
        });
        if is_about_resources {
            self.resource_uris.add_all(resource_uris);
        }
        if let Some(method) = method {
            self.methods.add_text(method);
        }
        self.trace_id = self.trace_id.take().or(trace_id);
    }
}

/// Whether a path may be an address of 2024 for messages.
fn takes_messages(path: &[u8]) -> bool {
    let (path, query) = split(path);
    session_of_query(query).is_some() || behind_messages(path).is_some()
}

/// The session of an address of 2024: in its query, or the last part of its path.
fn session_of(path: &[u8]) -> Option<&[u8]> {
    let (path, query) = split(path);
    session_of_query(query).or_else(|| behind_messages(path).filter(|id| !id.is_empty()))
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// `session_id`, `sessionId`, `SessionID`.
fn session_of_query(query: &[u8]) -> Option<&[u8]> {
    query.split(|byte| *byte == b'&').find_map(|pair| {
        let (name, id) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        let letters = name.iter().filter(|byte| !b"_-".contains(byte));
        let is_session = letters.map(u8::to_ascii_lowercase).eq(*b"sessionid");
        id.get(1..).filter(|id| is_session && !id.is_empty())
    })
}

/// What stands behind `/message` or `/messages` in a path: one part at most.
fn behind_messages(path: &[u8]) -> Option<&[u8]> {
    let mut parts = path.strip_suffix(b"/").unwrap_or(path).rsplit(|byte| *byte == b'/');
    let is_word = |part: &[u8]| matches!(part, b"message" | b"messages");
    let last = parts.next()?;
    if is_word(last) {
        return Some(&[]);
    }
    parts.next().filter(|part| is_word(part)).map(|_| last)
}

/// Whether MCP has such a method, in any of its generations.
fn is_own_method(method: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "tools/",
        "prompts/",
        "resources/",
        "notifications/",
        "completion/",
        "logging/",
        "sampling/",
        "roots/",
        "elicitation/",
        "tasks/",
        "server/",
        "subscriptions/",
    ];
    matches!(method, "initialize" | "ping")
        || FAMILIES.iter().any(|family| method.starts_with(family))
}

/// A resource as an endpoint is named: without userinfo, and without the query, which may hold
/// anything.
fn resource_uri(rules: &Rules, uri: &[u8], cut: bool) -> Text {
    let named = uri.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let is_cut = cut && named.len() == uri.len();
    let mut text = Text::masked(rules, &without_userinfo(named), MAX_VALUE_BYTES);
    text.cut |= is_cut;
    text
}

fn without_userinfo(uri: &[u8]) -> Vec<u8> {
    const BEHIND_SCHEME: &[u8] = b"://";
    let scheme = uri.windows(BEHIND_SCHEME.len()).position(|bytes| bytes == BEHIND_SCHEME);
    let Some((scheme, rest)) =
        scheme.and_then(|at| uri.split_at_checked(at.saturating_add(BEHIND_SCHEME.len())))
    else {
        return uri.to_vec();
    };
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    [scheme, host, path].concat()
}

/// A name as the header has it: plain, or as `=?base64?…?=` where it is not printable ASCII.
fn decoded(header: &[u8]) -> Vec<u8> {
    let header = header.trim_ascii();
    let encoded = header.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    let Some(encoded) = encoded else { return header.to_vec() };
    let mut name = Vec::new();
    Decoder::default().push(encoded, &mut |bytes| name.extend_from_slice(bytes));
    name
}
