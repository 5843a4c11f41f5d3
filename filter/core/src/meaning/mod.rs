//! What a call was about: the model and its tokens, the tool of an MCP server, or a service that
//! says what went wrong behind a good status.
//!
//! Two calls to the same host are both `POST`, both 200 and both 40 KB long. One asked a model for a
//! summary; the other one was cut off by the provider in its third second, which it said in an event
//! in the middle of a stream whose status was a good one. That is in the bodies, and nowhere else.
//!
//! [`api`] tells from host and path who was called and for what, by the tables of [`providers`] and
//! [`operations`]. [`fields`] names the places of JSON
//! documents that count, for all providers in one table each way: their names do not clash, so
//! nobody has to know beforehand in whose words an answer is written. A [`Reader`] hands over what
//! stands there as the bytes pass; [`gen_ai`], [`mcp`] and [`service`] gather it.
//!
//! Only structure counts. A text that a model wrote may say `"error"` or `"usage"` as often as it
//! likes: it is a string at a place that nobody asked for.
//!
//! Whatever is gathered is bounded, printable and without secrets, and what was not said stays
//! unknown.

mod api;
mod choices;
mod done;
mod fields;
mod form;
mod gen_ai;
mod mcp;
mod names;
mod operations;
mod providers;
mod service;
mod trouble;
mod usage;

use std::{borrow::Cow, rc::Rc};

use crate::{
    base64::Decoder,
    entry::{GenAi, Mcp},
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::{Reader, Value},
    text::Text,
};
use done::Done;
pub use fields::Tables;
use fields::{Answered, Asked};
use form::Form;
use gen_ai::ModelCall;
use mcp::McpCall;
use service::ServiceCall;

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
    /// `:method`; empty if it is not known.
    pub method: &'c [u8],
    /// The trace id of a valid `traceparent`.
    pub trace_id: Option<&'c str>,
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
    /// Whether `accept` names `text/event-stream`, which who waits for a server's events asks for.
    pub waits_for_events: bool,
}

/// What one call was about, as far as it is known by now.
#[derive(Debug)]
pub struct Meaning {
    tables: Rc<Tables>,
    rules: Rc<Rules>,
    model: Option<ModelCall>,
    mcp: Option<McpCall>,
    service: Option<ServiceCall>,
    request: Asking,
    response: Reader,
    done: Done,
    embedded: Embedded,
}

/// How the document that the caller sends is written: its first byte tells.
#[derive(Debug)]
enum Asking {
    Json(Reader),
    Form(Box<Form>),
    /// In a form that nobody needs to read.
    Nothing,
}

impl Default for Asking {
    fn default() -> Self {
        Self::Json(Reader::default())
    }
}

impl Asking {
    /// Whether nothing of the document was read yet.
    fn is_new(&self) -> bool {
        matches!(self, Self::Json(reader) if reader.is_new())
    }
}

impl Meaning {
    /// What the request headers tell; none if the call is neither to a model nor possibly to an MCP
    /// server, nor to a service whose answers are understood. Then there is nothing to look for in
    /// its bodies.
    pub fn new(tables: &Rc<Tables>, rules: &Rc<Rules>, clues: &Clues<'_>) -> Option<Box<Self>> {
        let model = ModelCall::new(rules, clues);
        let mcp = McpCall::new(rules, clues);
        let service = if model.is_none() { ServiceCall::new(clues) } else { None };
        if model.is_none() && mcp.is_none() && service.is_none() {
            return None;
        }
        Some(Box::new(Self {
            tables: Rc::clone(tables),
            rules: Rc::clone(rules),
            model,
            mcp,
            service,
            request: Asking::default(),
            response: Reader::default(),
            done: Done::default(),
            embedded: Embedded::default(),
        }))
    }

    /// Whether the answer should come without compression, so that it can be read: whatever is known
    /// of the call by now, and from what may be an MCP server, since the first call to one is known
    /// for sure only by its body.
    pub fn wants_plain_answer(&self) -> bool {
        let Self { model, mcp, service, .. } = self;
        mcp.as_ref().is_some_and(McpCall::wants_plain_answer)
            || service.is_some()
            || model.as_ref().is_some_and(|model| model.has_provider() || model.has_operation())
    }

    /// The next bytes of a document that the caller sends: its body, or a message of its WebSocket.
    pub fn request(&mut self, view: &[u8]) {
        let Self { tables, rules, model, mcp, request, .. } = self;
        if request.is_new() && Form::begins_with(view) {
            let is_wanted = model.as_ref().is_some_and(ModelCall::wants_form);
            *request = if is_wanted { Asking::Form(Box::default()) } else { Asking::Nothing };
        }
        match request {
            Asking::Json(reader) => reader.push(&tables.asked, view, &mut |field, value| {
                note_asked(rules, model, mcp, field, value);
            }),
            Asking::Form(form) => form.push(view, &mut |field, value, cut| {
                let text = &String::from_utf8_lossy(value);
                note_asked(rules, model, mcp, field, Value::Text { text, cut });
            }),
            Asking::Nothing => {}
        }
    }

    /// That document ended, as a whole or because nothing more of it will come.
    pub fn end_request(&mut self) {
        let Self { tables, rules, model, mcp, request, .. } = self;
        match request {
            Asking::Json(reader) => reader.finish(&tables.asked, &mut |field, value| {
                note_asked(rules, model, mcp, field, value);
            }),
            Asking::Form(_) | Asking::Nothing => *request = Asking::default(),
        }
        if let Some(mcp) = mcp {
            mcp.end_request_message(rules);
        }
    }

    /// Whether the request is worth reading. Where the operation is not known, its model says nothing.
    pub fn wants_request(&self) -> bool {
        self.mcp.is_some() || self.model.as_ref().is_some_and(ModelCall::has_operation)
    }

    /// Whether the answer is worth reading, by what is known of the request.
    pub fn wants_response(&self) -> bool {
        let may_be_mcp = || self.mcp.as_ref().is_some_and(McpCall::is_told_by_answer);
        self.model.is_some() || self.service.is_some() || self.is_mcp() || may_be_mcp()
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
        let Self { tables, rules, model, mcp, service, response, done, embedded, .. } = self;
        done.push(view);
        if let Some(mcp) = mcp {
            mcp.note_event(view);
        }
        let note = &mut |field, value: Value<'_>| {
            note_answered(rules, model, mcp, service, field, value);
        };
        response.push(&tables.answered, view, &mut |field, value| match field {
            Answered::Embedded => embedded.push(tables, value, note),
            field => note(field, value),
        });
    }

    /// That document ended, as a whole or because nothing more of it will come. `name` is the name
    /// of the event that it came in, empty if it had none.
    pub fn end_response(&mut self, name: &[u8]) {
        let Self { tables, rules, model, mcp, service, response, done, embedded, .. } = self;
        let note = &mut |field, value: Value<'_>| {
            note_answered(rules, model, mcp, service, field, value);
        };
        response.finish(&tables.answered, note);
        embedded.finish(tables, note);
        let is_done = done.finish();
        if let Some(model) = model {
            model.end_document(rules, name);
            if is_done {
                model.end_stream();
            }
        }
        if let Some(mcp) = mcp {
            mcp.end_event(rules, name);
        }
        if let Some(service) = service {
            service.end_document(rules);
        }
    }

    /// What went wrong, by the word of the answer itself, whatever its status.
    pub fn verdict(&self) -> Option<(Outcome, Reason)> {
        match (self.known_mcp(), &self.model) {
            (Some(mcp), _) => mcp.verdict(),
            (None, Some(model)) => model.verdict(),
            (None, None) => self.service.as_ref()?.verdict(),
        }
    }

    /// The word of a service that is no model for what went wrong.
    pub fn error_type(&self) -> Option<&str> {
        let service = self.service.as_ref().filter(|_| !self.is_mcp())?;
        service.error_type().map(|word| &*word.text)
    }

    /// The trace that an MCP message says that it belongs to.
    pub fn trace_id(&self) -> Option<&str> {
        self.known_mcp()?.trace_id()
    }

    /// Whether the answer is at its end by its own words, whatever may still come. Many clients hang
    /// up on a stream as soon as they have heard them.
    pub fn has_ended(&self) -> bool {
        match self.known_mcp() {
            Some(mcp) => mcp.has_ended(),
            None => self.model.as_ref().is_some_and(ModelCall::has_ended),
        }
    }

    /// What the call to a model was about, if it was one. Of several answers over one WebSocket the
    /// tokens are added up, the reasons and tools are those of all, and model and id are the last.
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

#[inline(never)]
fn note_asked(
    rules: &Rules,
    model: &mut Option<ModelCall>,
    mcp: &mut Option<McpCall>,
    field: Asked,
    value: Value<'_>,
) {
    if let Some(model) = model {
        model.note_asked(rules, field, value);
    }
    if let Some(mcp) = mcp {
        mcp.note_asked(rules, field, value);
    }
}

#[inline(never)]
fn note_answered(
    rules: &Rules,
    model: &mut Option<ModelCall>,
    mcp: &mut Option<McpCall>,
    service: &mut Option<ServiceCall>,
    field: Answered,
    value: Value<'_>,
) {
    if let Some(service) = service {
        service.note(field, value);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meaning(host: &str, path: &str) -> Box<Meaning> {
        let clues = Clues { host: host.as_bytes(), path: path.as_bytes(), ..Clues::default() };
        new(&clues).unwrap()
    }

    fn new(clues: &Clues<'_>) -> Option<Box<Meaning>> {
        Meaning::new(&Rc::default(), &Rc::default(), clues)
    }

    #[test]
    fn a_call_to_neither_has_no_meaning() {
        let clues = Clues { host: b"api.stripe.com", path: b"/v1/charges", ..Clues::default() };
        assert!(new(&clues).is_none());
    }

    #[test]
    fn answers_are_asked_for_plain_where_somebody_known_gives_them() {
        assert!(meaning("api.openai.com", "/v1/models").wants_plain_answer());
        assert!(!meaning("api.openai.com", "/v1/models").wants_request());
        assert!(meaning("llm.example", "/v1/messages").wants_request());
        assert!(meaning("llm.example", "/v1/messages").wants_plain_answer());
        let clues = Clues { accepts_events: true, ..Clues::default() };
        assert!(new(&clues).unwrap().wants_plain_answer());
        let clues = Clues { mcp_method: Some(b"ping"), ..Clues::default() };
        assert!(new(&clues).unwrap().wants_plain_answer());
    }

    #[test]
    fn whether_it_is_mcp_is_told_by_the_body_as_it_passes() {
        let clues = Clues { accepts_events: true, ..Clues::default() };
        let mut meaning = new(&clues).unwrap();
        meaning.request(br#"{"jsonrpc":"2.0","params":{"name":"lookup"},"#);
        assert!(!meaning.wants_response());
        meaning.request(br#""method":"tools/call""#);
        assert!(meaning.wants_response());
        meaning.end_request();
        assert_eq!(meaning.mcp().unwrap().tool.as_deref(), Some("lookup"));
        assert_eq!(meaning.gen_ai(), None);
    }

    #[test]
    fn headers_of_mcp_count_more_than_a_host_of_models() {
        let clues = Clues { host: b"api.x.ai", mcp_method: Some(b"ping"), ..Clues::default() };
        let meaning = new(&clues).unwrap();
        assert_eq!(meaning.mcp().unwrap().method.as_deref(), Some("ping"));
        assert_eq!(meaning.gen_ai(), None);
    }

    #[test]
    fn what_is_too_long_or_too_much_is_cut_and_said() {
        let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
        meaning.request(format!(r#"{{"model":"{}"}}"#, "m".repeat(1000)).as_bytes());
        meaning.end_request();
        for index in 0..100 {
            let tool = format!(r#"{{"function":{{"name":"tool-{index}"}}}}"#);
            let document = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{tool}]}}}}]}}"#);
            meaning.response(document.as_bytes());
            meaning.end_response(b"");
        }
        let gen_ai = meaning.gen_ai().unwrap();
        assert_eq!(gen_ai.request_model.map(|model| model.len()), Some(MAX_NAME_BYTES));
        assert_eq!(gen_ai.tools.len(), 16);
        let cut: Vec<_> = meaning.cut_keys().collect();
        assert_eq!(cut, ["gen_ai.request_model", "gen_ai.tools"]);
    }

    #[test]
    fn secrets_and_control_characters_do_not_get_into_an_entry() {
        let secret = format!("{}-{}", "sk-ant-api03", "aB3".repeat(31));
        let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
        meaning.request(format!(r#"{{"model":"{secret}"}}"#).as_bytes());
        meaning.response(format!(r#"{{"id":"{secret}","model":"a\u001b[2J"}}"#).as_bytes());
        meaning.end_response(b"");
        let gen_ai = meaning.gen_ai().unwrap();
        assert_eq!(gen_ai.request_model.as_deref(), Some("***REDACTED***"));
        assert_eq!(gen_ai.response_id.as_deref(), Some("***REDACTED***"));
        assert_eq!(gen_ai.response_model.as_deref(), Some("a\u{fffd}[2J"));
    }

    #[test]
    fn only_structure_says_that_something_went_wrong() {
        use Outcome::{Error, Throttled};
        use Reason::{ApplicationError, Overloaded};
        for (document, name, expected) in [
            (r#"{"error":null}"#, "", None),
            (r#"{"error":""}"#, "", None),
            (r#"{"error":false}"#, "", None),
            (r#"{"choices":[{"message":{"content":"{\"error\":{}}","error":{}}}]}"#, "", None),
            (r#"{"metadata":{"error":{"type":"overloaded_error"}}}"#, "", None),
            (r#"["error"]"#, "", None),
            ("error", "", None),
            (r#"{"error":{}}"#, "", Some((Error, ApplicationError))),
            (r#"{"error":"no"}"#, "", Some((Error, ApplicationError))),
            ("", "error", Some((Error, ApplicationError))),
            ("{}", "exception:internalServerException", Some((Error, ApplicationError))),
            ("{}", "exception:serviceUnavailableException", Some((Throttled, Overloaded))),
            (r#"{"x_groq":{"error":"over capacity"}}"#, "", Some((Error, ApplicationError))),
            (r#"{"choices":[{"error":{"code":"overloaded"}}]}"#, "", Some((Throttled, Overloaded))),
            (r#"{"error":[]}"#, "", None),
        ] {
            let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
            meaning.response(document.as_bytes());
            meaning.end_response(name.as_bytes());
            assert_eq!(meaning.verdict(), expected, "{document} {name}");
        }
    }

    #[test]
    fn words_and_numbers_for_an_error_stand_in_many_places() {
        for (document, reason, word) in [
            (r#"{"error":429}"#, "rate_limited", Some("429")),
            (r#"{"error":429.0}"#, "rate_limited", Some("429")),
            (r#"{"error":"429"}"#, "rate_limited", Some("429")),
            (r#"{"error":"overloaded"}"#, "overloaded", Some("overloaded")),
            (r#"{"error":"x","status":429}"#, "rate_limited", Some("x")),
            (r#"{"status":"429","error":"a sentence"}"#, "rate_limited", Some("429")),
            (r#"{"error":"a sentence","statusCode":503}"#, "overloaded", Some("503")),
            (r#"{"error":"no","code":429.0}"#, "rate_limited", Some("no")),
            (r#"{"error":{"code":"429 "}}"#, "rate_limited", Some("429")),
            (r#"{"error":{"error":{"code":429}}}"#, "rate_limited", Some("429")),
            (
                r#"{"error":{"error":{"type":"overloaded_error"}}}"#,
                "overloaded",
                Some("overloaded_error"),
            ),
            (r#"{"error":{"statusCode":429}}"#, "rate_limited", Some("429")),
            (r#"{"error":[{"code":429}]}"#, "rate_limited", Some("429")),
            (r#"{"error":["overloaded"]}"#, "overloaded", Some("overloaded")),
            (r#"{"error":[{}]}"#, "application_error", None),
            (r#"[{"error":"429"}]"#, "rate_limited", Some("429")),
            (r#"{"choices":[{"error":"429"}]}"#, "rate_limited", Some("429")),
            (
                r#"{"error":{"code":"rateLimitExceeded"}}"#,
                "rate_limited",
                Some("rateLimitExceeded"),
            ),
            (
                r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
                "overloaded",
                Some("overloaded"),
            ),
            (r#"{"error":"Too Many Requests"}"#, "rate_limited", None),
            (r#"{"error":"Rate limit of sk-1 reached, wait"}"#, "application_error", None),
            (r#"{"error":{"type":"Rate limit of sk-1 reached, wait"}}"#, "application_error", None),
            (
                r#"{"type":"overloaded_error","error":"no, really"}"#,
                "overloaded",
                Some("overloaded_error"),
            ),
            (r#"{"error":"x","status":"RESOURCE_EXHAUSTED"}"#, "rate_limited", Some("x")),
            (r#"{"error":true,"status":"failed"}"#, "application_error", None),
            (r#"{"error":{"error":null,"code":"x"}}"#, "application_error", Some("x")),
        ] {
            for piece in 1..=document.len() {
                let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
                document.as_bytes().chunks(piece).for_each(|bytes| meaning.response(bytes));
                meaning.end_response(b"");
                let said = meaning.verdict().map(|(_, reason)| reason.as_str());
                assert_eq!(said, Some(reason), "{document}");
                assert_eq!(meaning.gen_ai().unwrap().error_type.as_deref(), word, "{document}");
            }
        }
    }

    #[test]
    fn of_several_answers_over_one_connection_the_last_one_has_to_end() {
        let created = r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#;
        let done = r#"{"type":"response.done","response":{"id":"r","status":"completed"}}"#;
        let completed = done.replace("done", "completed");
        let of = |text: &str, id: &str| text.replace("\"r\"", &format!("\"{id}\""));
        let delta = r#"{"type":"response.output_text.delta","response_id":"r2","delta":"a"}"#;
        let item = r#"{"type":"conversation.item.created","item":{"id":"i"}}"#;
        let turn = r#"{"serverContent":{"modelTurn":{"parts":[]}}}"#;
        let whole = r#"{"serverContent":{"turnComplete":true}}"#;
        let (c1, d1, e1) = (of(created, "r1"), of(done, "r1"), of(&completed, "r1"));
        let (c2, d2) = (of(created, "r2"), of(done, "r2"));
        let openai = ("api.openai.com", "/v1/realtime");
        let gemini = (
            "generativelanguage.googleapis.com",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        );
        for ((host, path), messages, expected) in [
            (openai, &[&*c1, &d1][..], true),
            (openai, &[&*c1, &d1, item], true),
            (openai, &[&*c1, &e1], true),
            (openai, &[&*c1, &d1, &c2], false),
            (openai, &[&*c1, &d1, &c2, delta], false),
            (openai, &[&*c1, &e1, &c2, delta], false),
            (openai, &[&*c1, &d1, &c2, delta, &d2], true),
            (openai, &[&*d1, &d2], true),
            (gemini, &[r#"{"setupComplete":{}}"#, turn], false),
            (gemini, &[turn, r#"{"serverContent":{"generationComplete":true}}"#], false),
            (gemini, &[turn, whole], true),
            (
                gemini,
                &[turn, r#"{"usageMetadata":{},"serverContent":{"turnComplete":true}}"#],
                true,
            ),
            (gemini, &[turn, whole, r#"{"sessionResumptionUpdate":{}}"#], true),
            (gemini, &[turn, whole, turn], false),
            (gemini, &[turn, whole, r#"{"toolCall":{"functionCalls":[{"name":"f"}]}}"#], false),
            (gemini, &[turn, whole, turn, whole], true),
        ] {
            let mut meaning = meaning(host, path);
            for message in messages {
                meaning.response(message.as_bytes());
                meaning.end_response(b"");
            }
            assert_eq!(meaning.has_ended(), expected, "{messages:?}");
        }
    }

    #[test]
    fn what_a_client_of_mcp_listens_to_shows_by_its_first_event() {
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
        for (events, is_mcp, session) in [
            (&[("endpoint", "/message")][..], true, None),
            (&[("endpoint", "http://h/message")], true, None),
            (&[("endpoint", "/message/abc")], true, Some("abc")),
            (&[("endpoint", "/messages/?session_id=a1&x=y")], true, Some("a1")),
            (&[("endpoint", "/m?x=y&SessionID=q")], true, Some("q")),
            (&[("", ""), ("endpoint", "/message")], true, None),
            (&[("message", notification)], true, None),
            (&[("", ""), ("", notification)], true, None),
            (&[("", r#"{"jsonrpc":"2.0","method":"eth_subscription"}"#)], false, None),
            (&[("", r#"{"method":"notifications/message"}"#)], false, None),
            (&[("", "{}"), ("", notification)], false, None),
            (&[], false, None),
        ] {
            let clues = Clues {
                host: b"mcp.example",
                path: b"/mcp",
                method: b"GET",
                waits_for_events: true,
                ..Clues::default()
            };
            let mut meaning = new(&clues).unwrap();
            for (name, event) in events {
                if meaning.wants_response() {
                    meaning.response(event.as_bytes());
                    meaning.end_response(name.as_bytes());
                }
            }
            assert_eq!(meaning.mcp().is_some(), is_mcp, "{events:?}");
            assert_eq!(meaning.has_ended(), is_mcp, "{events:?}");
            let said = meaning.mcp().and_then(|mcp| mcp.session_id.map(|id| id.into_owned()));
            assert_eq!(said.as_deref(), session, "{events:?}");
        }
    }

    #[test]
    fn messages_of_2024_go_to_addresses_of_many_forms() {
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#;
        for (path, session) in [
            ("/message?SessionID=a", Some("a")),
            ("/x?sessionid=a", Some("a")),
            ("/message/a", Some("a")),
            ("/mcp/messages/a/", Some("a")),
            ("/message", None),
            ("/messages/", None),
        ] {
            let clues = Clues {
                host: b"mcp.example",
                path: path.as_bytes(),
                method: b"POST",
                ..Clues::default()
            };
            let mut meaning = new(&clues).unwrap();
            assert!(!meaning.wants_plain_answer(), "{path}");
            meaning.request(call);
            meaning.end_request();
            let mcp = meaning.mcp().unwrap();
            assert_eq!((mcp.tool.as_deref(), mcp.session_id.as_deref()), (Some("t"), session));
        }
        for path in ["/x/y", "/message/a/b", "/messagesX", "/x?session=a", "/"] {
            let clues = Clues {
                host: b"mcp.example",
                path: path.as_bytes(),
                method: b"POST",
                ..Clues::default()
            };
            assert!(new(&clues).is_none(), "{path}");
        }
    }

    #[test]
    fn a_json_rpc_error_whose_number_means_later_is_a_throttle() {
        for (code, reason) in [
            ("429", "rate_limited"),
            ("429.0", "rate_limited"),
            ("503", "overloaded"),
            ("-32603", "application_error"),
            ("null", "application_error"),
        ] {
            let clues = Clues { mcp_method: Some(b"tools/call"), ..Clues::default() };
            let mut meaning = new(&clues).unwrap();
            let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code}}}}}"#);
            meaning.response(answer.as_bytes());
            meaning.end_response(b"");
            assert_eq!(meaning.verdict().unwrap().1.as_str(), reason, "{code}");
        }
    }

    #[test]
    fn choices_may_be_asked_for_with_a_point() {
        for (n, expected) in [("2.0", false), ("2", false), ("1.0", true), ("1.5", true)] {
            let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
            meaning.request(format!(r#"{{"n":{n}}}"#).as_bytes());
            meaning.end_request();
            meaning.response(br#"{"choices":[{"index":0,"finish_reason":"stop"}]}"#);
            meaning.end_response(b"");
            assert_eq!(meaning.has_ended(), expected, "{n}");
        }
    }

    #[test]
    fn answers_of_vercel_and_of_dashscopes_applications_have_counts() {
        for (host, path, answer) in [
            (
                "ai-gateway.vercel.sh",
                "/v3/ai/language-model",
                r#"{"finishReason":{"unified":"stop","raw":"x"},"usage":{"inputTokens":{"total":7},"outputTokens":{"total":3}}}"#,
            ),
            (
                "ai-gateway.vercel.sh",
                "/v3/ai/language-model",
                r#"{"type":"finish","finishReason":"stop","usage":{"inputTokens":7,"outputTokens":3}}"#,
            ),
            (
                "dashscope.aliyuncs.com",
                "/api/v1/apps/a/completion",
                r#"{"output":{"finish_reason":"stop"},"usage":{"models":[{"input_tokens":5,"output_tokens":1},{"input_tokens":2,"output_tokens":2}]}}"#,
            ),
        ] {
            let mut meaning = meaning(host, path);
            meaning.response(answer.as_bytes());
            meaning.end_response(b"");
            let gen_ai = meaning.gen_ai().unwrap();
            assert_eq!((gen_ai.input_tokens, gen_ai.output_tokens), (Some(7), Some(3)), "{answer}");
            assert_eq!(gen_ai.finish_reasons, ["stop"]);
        }
    }

    #[test]
    fn an_error_of_an_unknown_operation_has_a_type_and_no_verdict() {
        let mut meaning = meaning("api.openai.com", "/v1/organization/costs");
        meaning.response(
            br#"{"model":"m","error":{"code":"invalid_api_key"},"usage":{"prompt_tokens":1}}"#,
        );
        meaning.end_response(b"");
        let gen_ai = meaning.gen_ai().unwrap();
        let expected = GenAi {
            provider: Some("openai".into()),
            error_type: Some("invalid_api_key".into()),
            ..GenAi::default()
        };
        assert_eq!(gen_ai, expected);
        assert_eq!(meaning.verdict(), None);
    }

    #[test]
    fn a_status_is_a_finish_reason_only_of_a_response() {
        for (document, expected) in [
            (r#"{"status":"completed","object":"response"}"#, &["completed"][..]),
            (r#"{"type":"response.done","response":{"status":"cancelled"}}"#, &["cancelled"]),
            (r#"{"type":"response.created","response":{"status":"in_progress"}}"#, &[]),
            (r#"{"object":"chat.completion","status":"completed"}"#, &[]),
            (r#"{"status":"completed"}"#, &[]),
        ] {
            let mut meaning = meaning("api.openai.com", "/v1/responses");
            meaning.response(document.as_bytes());
            meaning.end_response(b"");
            assert_eq!(meaning.gen_ai().unwrap().finish_reasons, expected, "{document}");
        }
    }

    #[test]
    fn unknown_counts_stay_unknown() {
        for usage in [
            "null",
            "{}",
            r#"{"prompt_tokens":null}"#,
            r#"{"prompt_tokens":-1}"#,
            r#"{"prompt_tokens":1.5}"#,
        ] {
            let mut meaning = meaning("api.openai.com", "/v1/chat/completions");
            meaning.response(format!(r#"{{"usage":{usage}}}"#).as_bytes());
            meaning.end_response(b"");
            assert_eq!(meaning.gen_ai().unwrap().input_tokens, None, "{usage}");
        }
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            "(/model/|/v1|%|[a-z]|:generateContent|\\?model=){0,6}".prop_map(String::into_bytes),
            r#"([\[\]{}:,]|"(error|usage|type|bytes|output|item|jsonrpc|name|x)"|null|[0-9]{1,3}){0,40}"#
                .prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn anything_may_come_in_any_state(
            host in any_bytes(),
            path in any_bytes(),
            name in proptest::option::of(any_bytes()),
            bodies in proptest::collection::vec((0_u8..5, any_bytes()), 0..12),
        ) {
            let clues = Clues {
                host: &host, path: &path, mcp_name: name.as_deref(), accepts_events: true, ..Clues::default()
            };
            let mut meaning = new(&clues).unwrap();
            for (what, bytes) in bodies {
                match what {
                    0 => meaning.request(&bytes),
                    1 => meaning.end_request(),
                    2 => meaning.response(&bytes),
                    3 => meaning.end_response(&bytes),
                    _ => RESPONSE_HEADERS.iter().for_each(|name| meaning.response_header(name, &bytes)),
                }
                meaning.cut_keys().for_each(drop);
                prop_assert!(meaning.gen_ai().is_none() || meaning.mcp().is_none());
            }
        }
    }
}
