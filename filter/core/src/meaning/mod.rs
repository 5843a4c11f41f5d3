//! What a call was about: the model and its tokens, or the tool of an MCP server.
//!
//! Two calls to the same host are both `POST`, both 200 and both 40 KB long. One asked a model for a
//! summary; the other one was cut off by the provider in its third second, which it said in an event
//! in the middle of a stream whose status was a good one. That is in the bodies, and nowhere else.
//!
//! [`api`] tells from host and path who was called and for what. [`fields`] names the places of JSON
//! documents that count, for all providers in one table each way: their names do not clash, so
//! nobody has to know beforehand in whose words an answer is written. A [`Reader`] hands over what
//! stands there as the bytes pass; [`gen_ai`] and [`mcp`] gather it.
//!
//! Only structure counts. A text that a model wrote may say `"error"` or `"usage"` as often as it
//! likes: it is a string at a place that nobody asked for.
//!
//! Whatever is gathered is bounded, printable and without secrets, and what was not said stays
//! unknown.

mod api;
mod base64;
mod fields;
mod gen_ai;
mod mcp;
mod names;
mod trouble;
mod usage;

use std::{borrow::Cow, rc::Rc};

use crate::{
    entry::{GenAi, Mcp},
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::{Reader, Value},
    text::Text,
};
use base64::Decoder;
pub use fields::Tables;
use fields::{Answered, Asked};
use gen_ai::ModelCall;
use mcp::McpCall;

/// The longest model, id or tool name that is kept, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The longest reason or error word that is kept, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// The response headers that say something here, in lower case.
pub const RESPONSE_HEADERS: &[&str] = &[
    mcp::SESSION_HEADER,
    gen_ai::ERROR_HEADER,
    "x-amzn-bedrock-input-token-count",
    "x-amzn-bedrock-output-token-count",
    "x-amzn-bedrock-cache-read-input-token-count",
    "x-amzn-bedrock-cache-write-input-token-count",
];

/// What the headers of a request say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clues<'c> {
    /// The host that is called, with its port if it has one.
    pub host: &'c [u8],
    /// The path with its query, without the host of a path-style request.
    pub path: &'c [u8],
    /// `mcp-method`.
    pub mcp_method: Option<&'c [u8]>,
    /// `mcp-name`, as on the wire.
    pub mcp_name: Option<&'c [u8]>,
    /// `mcp-protocol-version`.
    pub mcp_protocol_version: Option<&'c [u8]>,
    /// `mcp-session-id`.
    pub mcp_session_id: Option<&'c [u8]>,
    /// Whether `accept` names both `application/json` and `text/event-stream`, which MCP demands of
    /// its clients.
    pub accepts_events: bool,
}

/// What one call was about, as far as it is known by now.
#[derive(Debug)]
pub struct Meaning {
    tables: Rc<Tables>,
    rules: Rc<Rules>,
    model: Option<ModelCall>,
    mcp: Option<McpCall>,
    request: Reader,
    response: Reader,
    embedded: Embedded,
}

impl Meaning {
    /// What the request headers tell; none if the call is neither to a model nor possibly to an MCP
    /// server. Then there is nothing to look for in its bodies.
    pub fn new(tables: &Rc<Tables>, rules: &Rc<Rules>, clues: &Clues<'_>) -> Option<Box<Self>> {
        let model = ModelCall::new(rules, clues);
        let mcp = McpCall::new(rules, clues);
        if model.is_none() && mcp.is_none() {
            return None;
        }
        Some(Box::new(Self {
            tables: Rc::clone(tables),
            rules: Rc::clone(rules),
            model,
            mcp,
            request: Reader::default(),
            response: Reader::default(),
            embedded: Embedded::default(),
        }))
    }

    /// Whether it is certain who is called: a provider by its host, or an MCP server. Their answers
    /// are asked for without compression, so that they can be read.
    pub fn is_known_provider(&self) -> bool {
        self.is_mcp() || self.model.as_ref().is_some_and(ModelCall::has_provider)
    }

    /// The next bytes of a JSON document that the caller sends: its body, or a message of its
    /// WebSocket.
    pub fn request(&mut self, view: &[u8]) {
        let Self { tables, rules, model, mcp, request, .. } = self;
        request.push(&tables.asked, view, &mut |field, value| {
            note_asked(rules, model, mcp, field, value);
        });
    }

    /// That document ended, as a whole or because nothing more of it will come.
    pub fn end_request(&mut self) {
        let Self { tables, rules, model, mcp, request, .. } = self;
        request.finish(&tables.asked, &mut |field, value| {
            note_asked(rules, model, mcp, field, value);
        });
        if let Some(mcp) = mcp {
            mcp.end_request_message();
        }
    }

    /// Whether the answer is worth reading, by what is known of the request.
    pub fn wants_response(&self) -> bool {
        self.model.is_some() || self.is_mcp()
    }

    /// A response header; of use are those of [`RESPONSE_HEADERS`].
    pub fn response_header(&mut self, name: &str, value: &[u8]) {
        let Self { rules, model, mcp, .. } = self;
        if let Some(model) = model {
            model.response_header(rules, name, value);
        }
        if let Some(mcp) = mcp {
            mcp.response_header(rules, name, value);
        }
    }

    /// The next bytes of a JSON document of the answer: its body, or what one event, line, frame or
    /// message says.
    pub fn response(&mut self, view: &[u8]) {
        let Self { tables, rules, model, mcp, response, embedded, .. } = self;
        response.push(&tables.answered, view, &mut |field, value| {
            if field == Answered::Embedded {
                embedded.push(tables, value, &mut |field, value| {
                    note_answered(rules, model, mcp, field, value);
                });
            } else {
                note_answered(rules, model, mcp, field, value);
            }
        });
    }

    /// That document ended. `name` is the name of the event that it came in, empty if it had none.
    pub fn end_response(&mut self, name: &[u8]) {
        let Self { tables, rules, model, mcp, response, embedded, .. } = self;
        let note = &mut |field, value: Value<'_>| note_answered(rules, model, mcp, field, value);
        response.finish(&tables.answered, note);
        embedded.finish(tables, note);
        if let Some(model) = model {
            model.end_document(rules, name);
        }
        if let Some(mcp) = mcp {
            mcp.end_response_message();
        }
    }

    /// What went wrong, by the word of the answer itself, whatever its status.
    pub fn verdict(&self) -> Option<(Outcome, Reason)> {
        match self.known_mcp() {
            Some(mcp) => mcp.verdict(),
            None => self.model.as_ref()?.verdict(),
        }
    }

    /// What the call to a model was about, if it was one.
    pub fn gen_ai(&self) -> Option<GenAi<'_>> {
        if self.is_mcp() { None } else { Some(self.model.as_ref()?.entry()) }
    }

    /// What the call to an MCP server was about, if it was one.
    pub fn mcp(&self) -> Option<Mcp<'_>> {
        self.known_mcp().map(McpCall::entry)
    }

    /// Keys of the entry whose values were longer than what is kept.
    pub fn cut_keys(&self) -> impl Iterator<Item = &'static str> {
        let mcp = self.known_mcp().map(McpCall::cut_keys);
        let model = match mcp {
            Some(_) => None,
            None => self.model.as_ref().map(ModelCall::cut_keys),
        };
        let keys = mcp.into_iter().flatten().chain(model.into_iter().flatten());
        keys.filter(|(_, is_cut)| *is_cut).map(|(key, _)| key)
    }

    fn known_mcp(&self) -> Option<&McpCall> {
        self.mcp.as_ref().filter(|mcp| mcp.is_certain())
    }

    fn is_mcp(&self) -> bool {
        self.known_mcp().is_some()
    }
}

fn note_asked(
    rules: &Rules,
    model: &mut Option<ModelCall>,
    mcp: &mut Option<McpCall>,
    field: Asked,
    value: Value<'_>,
) {
    match (field, model, mcp) {
        (Asked::Model, Some(model), _) => model.note_asked_model(rules, value),
        (Asked::Model, None, _) | (_, _, None) => {}
        (field, _, Some(mcp)) => mcp.note_asked(rules, field, value),
    }
}

fn note_answered(
    rules: &Rules,
    model: &mut Option<ModelCall>,
    mcp: &mut Option<McpCall>,
    field: Answered,
    value: Value<'_>,
) {
    if let Some(mcp) = mcp {
        mcp.note_answered(rules, field, value);
    }
    if let Some(model) = model {
        model.note(rules, field, value);
    }
}

/// The document within a document of Bedrock's streams: `{"bytes":"<base64 of JSON>"}`.
#[derive(Debug, Default)]
struct Embedded {
    decoder: Decoder,
    reader: Reader,
}

impl Embedded {
    fn push(
        &mut self,
        tables: &Tables,
        value: Value<'_>,
        found: &mut dyn FnMut(Answered, Value<'_>),
    ) {
        let Self { decoder, reader } = self;
        match value {
            Value::Piece(piece) => decoder.push(piece, &mut |bytes| {
                reader.push(&tables.answered, bytes, found);
            }),
            Value::End => self.finish(tables, found),
            _ => {}
        }
    }

    fn finish(&mut self, tables: &Tables, found: &mut dyn FnMut(Answered, Value<'_>)) {
        let Self { decoder, reader } = self;
        decoder.finish();
        reader.finish(&tables.answered, found);
    }
}

fn borrowed(text: Option<&Text>) -> Option<Cow<'_, str>> {
    text.map(|text| Cow::Borrowed(&*text.text))
}

fn is_cut(text: Option<&Text>) -> bool {
    text.is_some_and(|text| text.cut)
}

/// The text of a value. An empty one says nothing.
fn text_of<'v>(value: Value<'v>) -> Option<&'v str> {
    match value {
        Value::Text { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    }
}
