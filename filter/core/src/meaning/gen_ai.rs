//! A call to a model.
//!
//! An answer comes as one document or as many. Within a document members stand in any order, so what
//! depends on another member waits for the document's end: whether `status` is that of an answer is
//! told by `object`, and both are told by nobody before.

use super::{
    Clues, MAX_NAME_BYTES, MAX_WORD_BYTES,
    api::Api,
    borrowed,
    fields::{Answered, Member, Word},
    is_cut,
    names::Names,
    text_of, trouble,
    usage::{Count, Usage},
};
use crate::{
    entry::GenAi,
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::Value,
    text::Text,
};

/// Names the exception of an AWS answer, such as `ThrottlingException:http://…`.
pub(super) const ERROR_HEADER: &str = "x-amzn-errortype";

/// What a call to a model was about, as far as it is known.
#[derive(Debug)]
pub(super) struct ModelCall {
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    /// The model that the path names.
    path_model: Option<Text>,
    /// The model that the body names.
    body_model: Option<Text>,
    body_names_model: bool,
    response_model: Option<Text>,
    response_id: Option<Text>,
    /// What earlier answers on the same connection used.
    settled: Usage,
    /// What this answer used, by its latest word.
    usage: Usage,
    finish_reasons: Names,
    tools: Names,
    error_type: Option<Text>,
    verdict: Option<(Outcome, Reason)>,
    document: Document,
}

/// What the document that passes has said.
#[derive(Debug, Default)]
struct Document {
    kind: String,
    object: String,
    status: String,
    status_reason: String,
    usage: Usage,
    /// Whether another answer begins with it.
    begins_answer: bool,
    completes_answer: bool,
    part: Part,
    item: Part,
    has_error: bool,
    /// By [`Word`].
    error_words: [String; 3],
}

/// A part of an answer that may be the call of a tool.
#[derive(Debug, Default)]
struct Part {
    kind: String,
    name: String,
}

impl ModelCall {
    pub(super) fn new(rules: &Rules, clues: &Clues<'_>) -> Option<Self> {
        let api = Api::of(clues)?;
        let path_model =
            api.model.as_deref().map(|model| Text::masked(rules, model, MAX_NAME_BYTES));
        Some(Self {
            provider: api.provider,
            operation: api.operation,
            path_model,
            body_model: None,
            body_names_model: api.body_names_model,
            response_model: None,
            response_id: None,
            settled: Usage::default(),
            usage: Usage::default(),
            finish_reasons: Names::default(),
            tools: Names::default(),
            error_type: None,
            verdict: None,
            document: Document::default(),
        })
    }

    pub(super) fn has_provider(&self) -> bool {
        self.provider.is_some()
    }

    pub(super) fn has_operation(&self) -> bool {
        self.operation.is_some()
    }

    pub(super) fn note_asked_model(&mut self, rules: &Rules, value: Value<'_>) {
        if let (Some(model), true) = (text_of(value), self.has_operation()) {
            note(&mut self.body_model, rules, model.strip_prefix("models/").unwrap_or(model));
        }
    }

    pub(super) fn response_header(&mut self, rules: &Rules, name: &str, value: &[u8]) {
        if name == ERROR_HEADER {
            let word = value.split(|byte| *byte == b':').next().unwrap_or_default();
            self.error_type = Some(Text::masked(rules, word.trim_ascii(), MAX_WORD_BYTES));
        }
        let known = TOKEN_HEADERS.iter().find(|(known, _)| *known == name);
        let number = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
        if let (Some((_, count)), Some(number)) = (known, number) {
            self.usage.set(*count, number);
        }
    }

    /// Takes note of what stands at a place of the answer.
    pub(super) fn note(&mut self, rules: &Rules, field: Answered, value: Value<'_>) {
        let document = &mut self.document;
        match field {
            Answered::Error => document.has_error |= says_error(value),
            Answered::ErrorWord(word) => document.note_error_word(word, value),
            Answered::ErrorCode => document.note_error_word(Word::Code, value),
            Answered::Kind => keep(&mut document.kind, value),
            Answered::Object => keep(&mut document.object, value),
            // Of anything else but an error it is not known what it means to a call that is not known.
            _ if self.operation.is_none() => {}
            Answered::Status => keep(&mut document.status, value),
            Answered::StatusReason => keep(&mut document.status_reason, value),
            Answered::Count(count) => {
                if let Value::Number(number) = value {
                    document.usage.set(count, number);
                }
            }
            Answered::TurnComplete => document.completes_answer |= value == Value::True,
            Answered::Part(member) => {
                if let Some(tool) = document.part.note(member, value) {
                    self.tools.add(rules, tool, MAX_NAME_BYTES);
                }
            }
            Answered::Item(member) => {
                document.item.note(member, value);
            }
            Answered::Id | Answered::EventId => {
                if let Some(id) = text_of(value) {
                    let is_other = note(&mut self.response_id, rules, id);
                    document.begins_answer |= is_other && field == Answered::EventId;
                }
            }
            Answered::Model => {
                if let Some(model) = text_of(value) {
                    note(&mut self.response_model, rules, model);
                }
            }
            Answered::FinishReason => {
                let reason = text_of(value).unwrap_or_default();
                self.finish_reasons.add(rules, reason, MAX_WORD_BYTES);
            }
            Answered::Tool => {
                self.tools.add(rules, text_of(value).unwrap_or_default(), MAX_NAME_BYTES);
            }
            Answered::OllamaMark => {
                self.provider.get_or_insert("ollama");
            }
            Answered::Embedded
            | Answered::Message
            | Answered::Method
            | Answered::Result
            | Answered::IsError
            | Answered::ProtocolVersion => {}
        }
    }

    /// A document of the answer ended. `name` is that of the event that it came in.
    pub(super) fn end_document(&mut self, rules: &Rules, name: &[u8]) {
        self.end_usage();
        if self.operation.is_some() {
            self.end_status(rules);
            if self.document.kind.starts_with("response.") {
                let tool = self.document.item.tool().unwrap_or_default();
                self.tools.add(rules, tool, MAX_NAME_BYTES);
            }
        }
        self.end_error(rules, name);
        self.document.clear();
    }

    /// Within one answer the latest count is the total so far. Over one WebSocket several answers
    /// come, each with an id of its own, and what they used adds up.
    fn end_usage(&mut self) {
        let document = &self.document;
        // What it took to transcribe the user's own speech was no part of the answer.
        if document.kind.starts_with("conversation.") {
            return;
        }
        if document.begins_answer {
            self.settle();
        }
        self.usage.update(&self.document.usage);
        if self.document.completes_answer {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.settled.add(&std::mem::take(&mut self.usage));
    }

    /// OpenAI's responses have no finish reason: they have a status, and where that is not
    /// `completed` the details of it.
    fn end_status(&mut self, rules: &Rules) {
        let Document { object, status, status_reason, .. } = &self.document;
        let is_response = object == "response" || object == "realtime.response";
        let is_event = self.document.kind.starts_with("response.");
        if (is_response || is_event) && END_STATUSES.contains(&&**status) {
            let reason = if status_reason.is_empty() { status } else { status_reason };
            self.finish_reasons.add(rules, reason, MAX_WORD_BYTES);
        }
    }

    fn end_error(&mut self, rules: &Rules, name: &[u8]) {
        let exception = exception(name);
        let document = &self.document;
        let has_failed = document.has_error
            || document.kind == "error"
            || document.object == "error"
            || document.kind == "response.failed"
            || name == b"error"
            || exception.is_some();
        if !has_failed {
            return;
        }
        // Mistral says the type of an error where others say that of an object.
        let own_type = if document.object == "error" { &*document.kind } else { "" };
        let of_document = document.error_words.iter().map(|word| &**word);
        let words = exception.into_iter().chain(of_document).chain([own_type]);
        let mut words = words.filter(|word| !word.is_empty());
        if self.operation.is_some() && self.verdict.is_none() {
            self.verdict = Some(trouble::verdict(words.clone()));
        }
        let is_name = |word: &&str| word.bytes().any(|byte| !byte.is_ascii_digit());
        if let (None, Some(word)) = (&self.error_type, words.find(is_name)) {
            self.error_type = Some(Text::masked(rules, word.as_bytes(), MAX_WORD_BYTES));
        }
    }

    pub(super) fn verdict(&self) -> Option<(Outcome, Reason)> {
        self.verdict
    }

    /// Whether the model said why it stopped, or the provider what went wrong.
    pub(super) fn has_ended(&self) -> bool {
        !self.finish_reasons.is_empty() || self.verdict.is_some()
    }

    pub(super) fn entry(&self) -> GenAi<'_> {
        let mut usage = self.settled;
        usage.add(&self.usage);
        GenAi {
            provider: self.provider.map(Into::into),
            operation: self.operation.map(Into::into),
            request_model: borrowed(self.request_model()),
            response_model: borrowed(self.response_model.as_ref()),
            response_id: borrowed(self.response_id.as_ref()),
            input_tokens: usage.input(),
            output_tokens: usage.output(),
            cache_read_input_tokens: usage.cache_read(),
            cache_creation_input_tokens: usage.cache_creation(),
            reasoning_output_tokens: usage.reasoning(),
            finish_reasons: self.finish_reasons.to_list(),
            tools: self.tools.to_list(),
            error_type: borrowed(self.error_type.as_ref()),
        }
    }

    /// Keys of the entry, each with whether its value was longer than what is kept.
    pub(super) fn cut_keys(&self) -> [(&'static str, bool); 6] {
        [
            ("gen_ai.request_model", is_cut(self.request_model())),
            ("gen_ai.response_model", is_cut(self.response_model.as_ref())),
            ("gen_ai.response_id", is_cut(self.response_id.as_ref())),
            ("gen_ai.finish_reasons", self.finish_reasons.is_cut()),
            ("gen_ai.tools", self.tools.is_cut()),
            ("gen_ai.error_type", is_cut(self.error_type.as_ref())),
        ]
    }

    fn request_model(&self) -> Option<&Text> {
        match self.body_names_model {
            true => self.body_model.as_ref().or(self.path_model.as_ref()),
            false => self.path_model.as_ref(),
        }
    }
}

impl Document {
    fn note_error_word(&mut self, word: Word, value: Value<'_>) {
        if let Some(place) = self.error_words.get_mut(word as usize) {
            keep(place, value);
        }
    }

    /// Ready for the next document, with the room that this one had.
    fn clear(&mut self) {
        let Self { kind, object, status, status_reason, part, item, error_words, .. } = self;
        let texts = [kind, object, status, status_reason].into_iter().chain(error_words);
        texts.for_each(String::clear);
        part.clear();
        item.clear();
        self.usage = Usage::default();
        self.begins_answer = false;
        self.completes_answer = false;
        self.has_error = false;
    }
}

impl Part {
    /// Takes note of a member; at the end of the part the answer is the tool that it calls.
    fn note(&mut self, member: Member, value: Value<'_>) -> Option<&str> {
        match (member, value) {
            (Member::Whole, Value::Begin) => self.clear(),
            (Member::Whole, Value::End) => return self.tool(),
            (Member::Whole, _) => {}
            (Member::Type, value) => keep(&mut self.kind, value),
            (Member::Name, value) => keep(&mut self.name, value),
        }
        None
    }

    /// The tool's name, or where the provider's own tools have none, the type of the call.
    fn tool(&self) -> Option<&str> {
        if !self.kind.ends_with("_call") && !self.kind.ends_with("tool_use") {
            return None;
        }
        Some(if self.name.is_empty() { &self.kind } else { &self.name })
    }

    fn clear(&mut self) {
        self.kind.clear();
        self.name.clear();
    }
}

/// Takes note of a name, and tells whether it is another one than before.
fn note(place: &mut Option<Text>, rules: &Rules, name: &str) -> bool {
    // It comes again with each event of a stream.
    if place.as_ref().is_some_and(|known| *known.text == *name) {
        return false;
    }
    let text = Text::masked(rules, name.as_bytes(), MAX_NAME_BYTES);
    let is_other = place.as_ref().is_some_and(|known| *known != text);
    *place = Some(text);
    is_other
}

fn keep(place: &mut String, value: Value<'_>) {
    if let Some(text) = text_of(value) {
        place.clear();
        place.push_str(text);
    }
}

/// `null` and `""` say that there was none.
fn says_error(value: Value<'_>) -> bool {
    value == Value::Begin || text_of(value).is_some()
}

/// The exception that an event of AWS is named after.
fn exception(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let exception = name.strip_prefix("exception:").or_else(|| name.strip_prefix("error:"));
    exception.or(name.ends_with("Exception").then_some(name))
}

/// The statuses in which an answer of OpenAI's ends.
const END_STATUSES: &[&str] = &["completed", "incomplete", "failed", "cancelled"];

/// Bedrock's headers.
const TOKEN_HEADERS: &[(&str, Count)] = &[
    ("x-amzn-bedrock-input-token-count", Count::PlainInput),
    ("x-amzn-bedrock-output-token-count", Count::Output),
    ("x-amzn-bedrock-cache-read-input-token-count", Count::CacheRead),
    ("x-amzn-bedrock-cache-write-input-token-count", Count::CacheCreation),
];
