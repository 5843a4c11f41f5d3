//! A call to an MCP server.
//!
//! Two generations of the protocol are in use at once. Since 2026-07-28 each request says its method
//! and the tool in headers; before, only in its body. Headers are seen first and count first. A body
//! that says otherwise would make this record one thing and the server do another, so that is
//! written down.
//!
//! A request without any of those headers is one to an MCP server if its client accepts both kinds
//! of answer, as the protocol demands, and its body is a JSON-RPC call.

use super::{
    Clues, MAX_NAME_BYTES, MAX_WORD_BYTES,
    base64::Decoder,
    borrowed,
    fields::{Answered, Asked},
    is_cut, text_of,
};
use crate::{
    entry::Mcp,
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::Value,
    text::Text,
};

/// Names the session, in requests and in the answer that opens it.
pub(super) const SESSION_HEADER: &str = "mcp-session-id";

/// What a call to an MCP server was about, as far as it is known.
#[derive(Debug)]
pub(super) struct McpCall {
    /// Whether it is one: by its headers, or since its body said so.
    is_certain: bool,
    said_by_headers: Said,
    /// The name of a header whose method is known from the body alone.
    header_name: Option<Text>,
    said_by_body: Said,
    session_id: Option<Text>,
    /// The version that the server settled on when the session began.
    settled_version: Option<Text>,
    messages: u64,
    asked: AskedMessage,
    answered: AnsweredMessage,
    error_code: Option<i64>,
    verdict: Option<(Outcome, Reason)>,
    /// Whether the server answered a request; it may say other things before.
    has_answered: bool,
}

/// What headers or body say.
#[derive(Debug, Default)]
struct Said {
    method: Option<Text>,
    tool: Option<Text>,
    prompt: Option<Text>,
    protocol_version: Option<Text>,
}

/// The message of the request that passes.
#[derive(Debug, Default)]
struct AskedMessage {
    is_jsonrpc: bool,
    method: Option<Text>,
    name: Option<Text>,
}

/// The message of the answer that passes.
#[derive(Debug, Default)]
struct AnsweredMessage {
    /// Whether it is the server's own request or notification, and no answer.
    has_method: bool,
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
        if !is_certain && !clues.accepts_events {
            return None;
        }
        let text = |value: &[u8]| Text::masked(rules, value.trim_ascii(), MAX_NAME_BYTES);
        let mut said_by_headers = Said {
            method: clues.mcp_method.map(text),
            protocol_version: clues.mcp_protocol_version.map(text),
            ..Said::default()
        };
        let method = said_by_headers.method.clone();
        let mut header_name = clues.mcp_name.map(|name| decoded(rules, name));
        said_by_headers.take_name(method.as_ref(), &mut header_name);
        Some(Self {
            is_certain,
            said_by_headers,
            header_name,
            said_by_body: Said::default(),
            session_id: clues.mcp_session_id.map(text),
            settled_version: None,
            messages: 0,
            asked: AskedMessage::default(),
            answered: AnsweredMessage::default(),
            error_code: None,
            verdict: None,
            has_answered: false,
        })
    }

    pub(super) fn is_certain(&self) -> bool {
        self.is_certain
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
            (Asked::Message, Value::End) => self.end_request_message(),
            (Asked::Jsonrpc, value) => message.is_jsonrpc = text_of(value) == Some("2.0"),
            (Asked::Method, _) => message.method = text(),
            (Asked::Name, _) => message.name = text(),
            (Asked::ProtocolVersion, _) => {
                let version = &mut self.said_by_body.protocol_version;
                *version = version.take().or_else(text);
            }
            (Asked::Model | Asked::Message, _) => {}
        }
        self.is_certain |= self.asked.is_jsonrpc && self.asked.method.is_some();
    }

    /// A message of the request ended, or the body did.
    pub(super) fn end_request_message(&mut self) {
        let AskedMessage { is_jsonrpc, method, mut name } = std::mem::take(&mut self.asked);
        if !is_jsonrpc {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        self.said_by_body.take_name(method.as_ref(), &mut name);
        if self.said_by_headers.method.is_none() {
            self.said_by_headers.take_name(method.as_ref(), &mut self.header_name);
        }
        let first = &mut self.said_by_body.method;
        *first = first.take().or(method);
    }

    /// Takes note of what stands at a place of the answer.
    pub(super) fn note_answered(&mut self, rules: &Rules, field: Answered, value: Value<'_>) {
        let message = &mut self.answered;
        match (field, value) {
            (Answered::Message, Value::Begin) => *message = AnsweredMessage::default(),
            (Answered::Message, Value::End) => self.end_response_message(),
            (Answered::Method, value) => message.has_method = text_of(value).is_some(),
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

    /// A message of the answer ended. Of several the first that went wrong counts.
    pub(super) fn end_response_message(&mut self) {
        let message = std::mem::take(&mut self.answered);
        if message.has_method || self.verdict.is_some() {
            return;
        }
        self.has_answered |= message.has_result || message.has_error;
        if message.has_error {
            self.verdict = Some((Outcome::Error, Reason::ApplicationError));
            self.error_code = message.error_code;
        } else if message.is_tool_error {
            self.verdict = Some((Outcome::Error, Reason::ToolError));
        }
    }

    pub(super) fn verdict(&self) -> Option<(Outcome, Reason)> {
        self.verdict
    }

    /// Whether the answer has come. To several requests several come, and it is not known how many.
    pub(super) fn has_ended(&self) -> bool {
        self.has_answered && self.messages < 2
    }

    pub(super) fn entry(&self) -> Mcp<'_> {
        Mcp {
            method: borrowed(self.either(|said| &said.method)),
            tool: borrowed(self.either(|said| &said.tool)),
            prompt: borrowed(self.either(|said| &said.prompt)),
            session_id: borrowed(self.session_id.as_ref()),
            protocol_version: borrowed(self.protocol_version()),
            messages: Some(self.messages).filter(|messages| *messages > 1),
            error_code: self.error_code,
            conflicts: self.conflicts().map(Into::into).collect(),
        }
    }

    /// Keys of the entry, each with whether its value was longer than what is kept.
    pub(super) fn cut_keys(&self) -> [(&'static str, bool); 5] {
        [
            ("mcp.method", is_cut(self.either(|said| &said.method))),
            ("mcp.tool", is_cut(self.either(|said| &said.tool))),
            ("mcp.prompt", is_cut(self.either(|said| &said.prompt))),
            ("mcp.session_id", is_cut(self.session_id.as_ref())),
            ("mcp.protocol_version", is_cut(self.protocol_version())),
        ]
    }

    /// What the headers say, or else the body.
    fn either(&self, of: impl for<'s> Fn(&'s Said) -> &'s Option<Text>) -> Option<&Text> {
        of(&self.said_by_headers).as_ref().or(of(&self.said_by_body).as_ref())
    }

    fn protocol_version(&self) -> Option<&Text> {
        let settled = || self.settled_version.as_ref();
        let by_body = || self.said_by_body.protocol_version.as_ref();
        self.said_by_headers.protocol_version.as_ref().or_else(settled).or_else(by_body)
    }

    fn conflicts(&self) -> impl Iterator<Item = &'static str> {
        let Self { said_by_headers: headers, said_by_body: body, .. } = self;
        let differ = |by_headers: &Option<Text>, by_body: &Option<Text>| {
            by_headers.is_some() && by_body.is_some() && by_headers != by_body
        };
        let keys = [
            ("method", differ(&headers.method, &body.method)),
            ("tool", differ(&headers.tool, &body.tool)),
            ("prompt", differ(&headers.prompt, &body.prompt)),
            ("protocol_version", differ(&headers.protocol_version, &body.protocol_version)),
        ];
        keys.into_iter().filter(|(_, differ)| *differ).map(|(key, _)| key)
    }
}

impl Said {
    /// The name belongs to what the method is about. Of several tools or prompts the first counts.
    fn take_name(&mut self, method: Option<&Text>, name: &mut Option<Text>) {
        let place = match method.map(|method| &*method.text) {
            Some("tools/call") => &mut self.tool,
            Some("prompts/get") => &mut self.prompt,
            _ => return,
        };
        *place = place.take().or_else(|| name.take());
    }
}

/// A name as the header has it: plain, or as `=?base64?…?=` where it is not printable ASCII.
fn decoded(rules: &Rules, header: &[u8]) -> Text {
    let header = header.trim_ascii();
    let encoded = header.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    let Some(encoded) = encoded else { return Text::masked(rules, header, MAX_NAME_BYTES) };
    let mut name = Vec::new();
    Decoder::default().push(encoded, &mut |bytes| name.extend_from_slice(bytes));
    Text::masked(rules, &name, MAX_NAME_BYTES)
}
