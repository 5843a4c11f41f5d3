//! A call to a model.
//!
//! An answer comes as one document or as many. Within a document members stand in any order, so what
//! depends on another member waits for the document's end: whether `status` is that of an answer is
//! told by `object`, and both are told by nobody before.

use super::{
    Clues, MAX_NAME_BYTES, MAX_WORD_BYTES,
    api::Api,
    borrowed,
    choices::Choices,
    fields::{Answered, Asked, ChoiceMember, Member, RunMember, Word},
    is_cut,
    names::Names,
    operations::{self, Answer},
    text_of, trouble,
    usage::{Count, Run, Usage},
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
    answer: Answer,
    /// Whether it asks for an answer that was made before.
    is_look_up: bool,
    /// The model that the path names.
    path_model: Option<Text>,
    /// The model that the body names.
    body_model: Option<Text>,
    body_names_model: bool,
    /// Whether the body names several models: then none is the model that was asked.
    has_models: bool,
    response_model: Option<Text>,
    response_id: Option<Text>,
    /// What earlier answers on the same connection used.
    settled: Usage,
    /// What this answer used, by its latest word.
    usage: Usage,
    finish_reasons: Names,
    choices: Choices,
    /// Whether the answer said that it is whole.
    has_ended: bool,
    tools: Names,
    error_type: Option<Text>,
    verdict: Option<(Outcome, Reason)>,
    document: Document,
}

/// What the document that passes has said.
#[derive(Debug, Default)]
struct Document {
    id: String,
    name: String,
    kind: String,
    object: String,
    status: String,
    status_reason: String,
    usage: Usage,
    /// What its choice used, where that says so.
    choice_usage: Usage,
    /// What one of its answers used, and all of them.
    usage_of_one: Usage,
    usage_of_all: Usage,
    run: UsedRun,
    /// Whether it says that somebody waited for the answer.
    was_waited_for: bool,
    /// Whether another answer begins with it.
    begins_answer: bool,
    completes_answer: bool,
    /// Whether it is a part of an answer over a connection that carries several.
    goes_on: bool,
    /// Whether it says why the model stopped.
    has_reason: bool,
    part: Part,
    item: Part,
    has_error: bool,
    /// By [`Word`].
    error_words: [String; 4],
    /// What stands in the place of an error, if that is no object.
    error_text: String,
    /// The finish reason that says that something went wrong.
    bad_reason: String,
}

/// A run of the model, of several for one answer.
#[derive(Debug, Default)]
struct UsedRun {
    kind: String,
    usage: Usage,
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
            answer: api.answer,
            is_look_up: clues.method == b"GET",
            path_model,
            body_model: None,
            body_names_model: api.body_names_model,
            has_models: false,
            response_model: None,
            response_id: None,
            settled: Usage::default(),
            usage: Usage::default(),
            finish_reasons: Names::default(),
            choices: Choices::default(),
            has_ended: false,
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

    /// Whether a form is worth reading: one that goes to a model, and not to be kept.
    pub(super) fn wants_form(&self) -> bool {
        self.has_operation() && matches!(self.answer, Answer::Words | Answer::State)
    }

    /// Takes note of what stands at a place of the request.
    pub(super) fn note_asked(&mut self, rules: &Rules, field: Asked, value: Value<'_>) {
        if !self.has_operation() {
            return;
        }
        match (field, value) {
            (Asked::Model, value) => {
                if let Some(model) = text_of(value) {
                    note(&mut self.body_model, rules, own_name(model));
                }
            }
            (Asked::ModelOfOne, value) => self.note_one_model(rules, value),
            (Asked::Version, value) => {
                let is_name = self.operation == Some(operations::PREDICT);
                if let (Some(version), true) =
                    (text_of(value), is_name && self.body_model.is_none())
                {
                    note(&mut self.body_model, rules, version);
                }
            }
            (Asked::Agent, value)
                if text_of(value).is_some() && RUN_AGENTS.contains(&self.provider) =>
            {
                self.operation = Some(operations::INVOKE_AGENT);
            }
            (Asked::Choices, Value::Number(count)) => self.choices.ask(count),
            (Asked::Prompt, Value::Text { .. }) => self.choices.note_prompt(),
            (Asked::Prompt | Asked::PromptPart, Value::Number(_)) => {
                self.choices.note_number();
            }
            _ => {}
        }
    }

    /// One model of several requests in one, which may ask for others, too.
    fn note_one_model(&mut self, rules: &Rules, value: Value<'_>) {
        let Some(model) = text_of(value).filter(|_| !self.has_models) else { return };
        let had = self.body_model.is_some();
        if note(&mut self.body_model, rules, own_name(model)) && had {
            self.body_model = None;
            self.has_models = true;
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
            Answered::Error => {
                document.has_error |= says_error(value);
                document.note_error_text(value);
            }
            Answered::ErrorWord(word) => document.note_error_word(word, value),
            Answered::ErrorCode => document.note_error_word(Word::Code, value),
            Answered::Success => document.has_error |= value == Value::False,
            Answered::CodeOfZero => {
                if !matches!(value, Value::Number(0) | Value::Null) {
                    document.has_error = true;
                    document.note_error_word(Word::Number, value);
                }
            }
            Answered::Kind => keep(&mut document.kind, value),
            Answered::Object => keep(&mut document.object, value),
            Answered::Status if is_number(value) => document.note_error_word(Word::Number, value),
            // Of anything else but an error it is not known what it means to a call that is not known.
            _ if self.operation.is_none() => {}
            Answered::Status => keep(&mut document.status, value),
            Answered::StatusReason => keep(&mut document.status_reason, value),
            Answered::Count(count) => {
                if let Value::Number(number) = value {
                    document.usage.set(count, number);
                }
            }
            Answered::ChoiceCount(count) => {
                if let Value::Number(number) = value {
                    document.choice_usage.set(count, number);
                }
            }
            Answered::CountOfOne(count) => {
                if let Value::Number(number) = value {
                    document.usage_of_one.set(count, number);
                }
            }
            Answered::MoonshotCached => {
                if let (Value::Number(number), Some("moonshot_ai")) = (value, self.provider) {
                    document.usage.set(Count::CacheReadPart, number);
                }
            }
            Answered::One => document.note_one(value),
            Answered::Run(member) => document.note_run(member, value),
            Answered::Choice(member) => self.note_choice(rules, member, value),
            Answered::Background => document.was_waited_for |= value == Value::False,
            Answered::OwnName => keep(&mut document.name, value),
            Answered::TurnComplete => document.completes_answer |= value == Value::True,
            Answered::Turn => document.goes_on = true,
            Answered::Part(member) => {
                if let Some(tool) = document.part.note(member, value) {
                    self.tools.add(rules, tool, MAX_NAME_BYTES);
                }
            }
            Answered::Item(member) => {
                document.item.note(member, value);
            }
            Answered::Id => keep(&mut document.id, value),
            Answered::EventId => {
                if let Some(id) = text_of(value) {
                    document.begins_answer |= note(&mut self.response_id, rules, id);
                }
            }
            Answered::Model => {
                if let Some(model) = text_of(value) {
                    note(&mut self.response_model, rules, model);
                }
            }
            Answered::FinishReason => {
                let is_reason = self.note_reason(rules, value);
                self.document.has_reason |= is_reason;
            }
            Answered::Tool => {
                self.tools.add(rules, text_of(value).unwrap_or_default(), MAX_NAME_BYTES);
            }
            Answered::OllamaMark => {
                self.provider.get_or_insert("ollama");
            }
            Answered::Embedded
            | Answered::Message
            | Answered::Jsonrpc
            | Answered::Method
            | Answered::Ok
            | Answered::Errors
            | Answered::Result
            | Answered::IsError
            | Answered::ProtocolVersion => {}
        }
    }

    fn note_choice(&mut self, rules: &Rules, member: ChoiceMember, value: Value<'_>) {
        match (member, value) {
            (ChoiceMember::Whole, Value::Begin) => self.choices.begin(),
            (ChoiceMember::Whole, Value::End) => self.choices.end(),
            (ChoiceMember::Index, Value::Number(index)) => self.choices.note_index(index),
            (ChoiceMember::FinishReason, value) if self.note_reason(rules, value) => {
                self.choices.note_reason();
            }
            _ => {}
        }
    }

    /// Takes note of why the model stopped, and tells whether it did.
    fn note_reason(&mut self, rules: &Rules, value: Value<'_>) -> bool {
        // DashScope says `"null"` until there is a reason.
        let Some(reason) = text_of(value).filter(|reason| *reason != "null") else { return false };
        self.finish_reasons.add(rules, reason, MAX_WORD_BYTES);
        if trouble::is_bad_reason(reason) {
            self.document.has_error = true;
            keep(&mut self.document.bad_reason, value);
        }
        true
    }

    /// A document of the answer ended. `name` is that of the event that it came in.
    pub(super) fn end_document(&mut self, rules: &Rules, name: &[u8]) {
        self.end_usage();
        self.end_turn();
        self.end_id(rules);
        self.choices.end_document();
        if self.operation.is_some() {
            self.end_status(rules);
            self.end_kind(rules);
            if self.document.kind.starts_with("response.") {
                let tool = self.document.item.tool().unwrap_or_default();
                self.tools.add(rules, tool, MAX_NAME_BYTES);
            }
        }
        self.end_error(rules, name);
        self.document.clear();
    }

    /// Of several answers over one connection the last one counts: who hangs up in the middle of it
    /// does not have what was asked for, however many came before.
    fn end_turn(&mut self) {
        let Document { begins_answer, completes_answer, goes_on, has_reason, .. } = self.document;
        if begins_answer {
            self.choices.begin_anew();
        }
        if begins_answer || goes_on {
            self.has_ended = false;
        }
        self.has_ended |= completes_answer || has_reason;
    }

    /// The stream ended by its own mark.
    pub(super) fn end_stream(&mut self) {
        self.has_ended = true;
    }

    /// Events of an assistant's run carry the ids of much else. A thing of Google's has a name.
    fn end_id(&mut self, rules: &Rules) {
        let Document { id, name, object, .. } = &self.document;
        let is_other = object.starts_with("thread.") && object != "thread.run";
        let is_thing = matches!(self.answer, Answer::Thing | Answer::Cache | Answer::State);
        let id = if id.is_empty() && is_thing { name } else { id };
        if self.operation.is_some() && !id.is_empty() && !is_other {
            note(&mut self.response_id, rules, id);
        }
    }

    /// Some kinds of events say by themselves that an answer is whole, or that a tool is called.
    fn end_kind(&mut self, rules: &Rules) {
        let Document { kind, name, status, .. } = &self.document;
        if ENDS_ONE.contains(&&**kind) {
            self.choices.end_next();
        }
        let is_pulled = self.operation == Some(operations::MODEL) && status == "success";
        self.has_ended |= is_pulled || ENDS_ALL.contains(&&**kind);
        if CALLS_TOOL.contains(&&**kind) {
            self.tools.add(rules, name, MAX_NAME_BYTES);
        }
    }

    /// Within one answer the latest count is the total so far. Over one WebSocket several answers
    /// come, each with an id of its own, and what they used adds up.
    fn end_usage(&mut self) {
        let document = &self.document;
        // What it took to transcribe the user's own speech was no part of the answer.
        if document.kind.starts_with("conversation.item.") {
            return;
        }
        // What was used while somebody waited was counted then.
        let is_looked_up = document.was_waited_for && self.is_look_up;
        if self.operation.is_none() || is_looked_up {
            return;
        }
        if document.begins_answer {
            self.settle();
        }
        let Document { usage, usage_of_all, choice_usage, .. } = &self.document;
        let is_of_choice = usage.is_empty() && self.choices.is_single();
        self.usage.update(usage_of_all);
        self.usage.update(if is_of_choice { choice_usage } else { usage });
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
        let is_one_of =
            |statuses: &[&str]| statuses.iter().any(|end| end.eq_ignore_ascii_case(status));
        let is_state = self.answer == Answer::State && !object.starts_with("thread.message");
        if !(is_response || is_event || is_state) || !is_one_of(END_STATUSES) {
            return;
        }
        let reason = if status_reason.is_empty() { status } else { status_reason };
        self.finish_reasons.add(rules, reason, MAX_WORD_BYTES);
        self.has_ended = true;
        self.document.has_error |= is_one_of(FAILED_STATUSES);
    }

    fn end_error(&mut self, rules: &Rules, name: &[u8]) {
        let exception = exception(name);
        let document = &self.document;
        let has_failed = document.has_error
            || document.kind == "error"
            || document.object == "error"
            || document.kind == "response.failed"
            || document.kind == "conversation.response.error"
            || name == b"error"
            || exception.is_some();
        if !has_failed {
            return;
        }
        // Mistral says the type of an error where others say that of an object.
        let own_type = if document.object == "error" { &*document.kind } else { "" };
        let [code, kind, status, number] = &document.error_words;
        let of_document = [code, kind, status, &document.error_text, number].map(|word| &**word);
        let beside = [&*document.kind, &*document.status].map(trouble::later).into_iter().flatten();
        let all = exception.into_iter().chain(of_document).chain([own_type]).chain(beside);
        let bad_reason = Some(&*document.bad_reason).filter(|reason| !reason.is_empty());
        let is_of_call = self.operation.is_some() && self.answer != Answer::Thing;
        if is_of_call && self.verdict.is_none() {
            self.verdict = Some(trouble::verdict(all.clone().chain(bad_reason)));
        }
        let said = all.filter(|word| trouble::is_word(word));
        // A name says more than a number does.
        let is_name = |word: &&str| word.bytes().any(|byte| !byte.is_ascii_digit());
        let word = said.clone().find(is_name).or_else(|| said.clone().next()).or(bad_reason);
        if let (None, Some(word)) = (&self.error_type, word) {
            self.error_type = Some(Text::masked(rules, word.as_bytes(), MAX_WORD_BYTES));
        }
    }

    pub(super) fn verdict(&self) -> Option<(Outcome, Reason)> {
        self.verdict
    }

    /// Whether the model said why it stopped, in all choices that were asked for, or the provider
    /// what went wrong.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended || self.verdict.is_some() || self.choices.have_ended()
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
            input_tokens: usage.input().or_else(|| usage.total().filter(|_| self.has_no_output())),
            output_tokens: usage.output(),
            cache_read_input_tokens: usage.cache_read(),
            cache_creation_input_tokens: match self.answer {
                Answer::Cache => usage.total(),
                _ => usage.cache_creation(),
            },
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

    /// Whether all that a call uses is input.
    fn has_no_output(&self) -> bool {
        let words = [operations::EMBEDDINGS, operations::RERANK];
        self.answer == Answer::Cache || self.operation.is_some_and(|word| words.contains(&word))
    }

    fn request_model(&self) -> Option<&Text> {
        let (path, body) = (self.path_model.as_ref(), self.body_model.as_ref());
        if self.body_names_model { body.or(path) } else { path.or(body) }
    }
}

impl Document {
    fn note_error_word(&mut self, word: Word, value: Value<'_>) {
        if let Some(place) = self.error_words.get_mut(word as usize) {
            note_word(place, value);
        }
    }

    fn note_error_text(&mut self, value: Value<'_>) {
        note_word(&mut self.error_text, value);
    }

    /// One answer of several begins or ends.
    fn note_one(&mut self, value: Value<'_>) {
        match value {
            Value::Begin => self.usage_of_one = Usage::default(),
            Value::End if !self.usage_of_one.is_empty() => {
                self.usage_of_all.add(&self.usage_of_one);
            }
            _ => {}
        }
    }

    fn note_run(&mut self, member: RunMember, value: Value<'_>) {
        let UsedRun { kind, usage } = &mut self.run;
        match (member, value) {
            (RunMember::Whole, Value::Begin) => {
                kind.clear();
                *usage = Usage::default();
            }
            (RunMember::Whole, Value::End) => {
                let run = if COUNTED_RUNS.contains(&&**kind) { Run::Counted } else { Run::Beside };
                self.usage.add_run(run, usage);
            }
            (RunMember::Type, value) => keep(kind, value),
            (RunMember::Count(count), Value::Number(number)) => usage.set(count, number),
            _ => {}
        }
    }

    /// Ready for the next document, with the room that this one had.
    fn clear(&mut self) {
        let Self { id, name, kind, object, status, status_reason, part, item, .. } = self;
        let texts = [id, name, kind, object, status, status_reason];
        let texts = texts.into_iter().chain([&mut self.bad_reason, &mut self.error_text]);
        let texts = texts.chain(&mut self.error_words);
        texts.for_each(String::clear);
        part.clear();
        item.clear();
        self.usage = Usage::default();
        self.choice_usage = Usage::default();
        self.usage_of_all = Usage::default();
        self.was_waited_for = false;
        self.begins_answer = false;
        self.completes_answer = false;
        self.goes_on = false;
        self.has_reason = false;
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
        let calls = ["_call", "tool_use", "function.call", "tool.execution"];
        if !calls.iter().any(|end| self.kind.ends_with(end)) {
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

/// Takes note of a word for an error. A number is one only where there is none.
fn note_word(place: &mut String, value: Value<'_>) {
    match value {
        Value::Number(number) if place.is_empty() && number > 0 => {
            place.push_str(&number.to_string());
        }
        Value::Text { text, .. } if !text.trim().is_empty() => text.trim().clone_into(place),
        _ => {}
    }
}

/// Whether it is a number, also one in a text.
fn is_number(value: Value<'_>) -> bool {
    let digits = |text: &str| text.trim().bytes().all(|byte| byte.is_ascii_digit());
    matches!(value, Value::Number(_)) || text_of(value).is_some_and(digits)
}

/// `null`, `""`, `false` and 0 say that there was none.
pub(super) fn says_error(value: Value<'_>) -> bool {
    match value {
        Value::Begin | Value::True => true,
        Value::Number(number) => number > 0,
        value => text_of(value).is_some(),
    }
}

/// A model as its provider calls it, without where it is kept.
fn own_name(model: &str) -> &str {
    let is_google = model.starts_with("projects/") || model.starts_with("publishers/");
    let name = model.rsplit_once("/models/").map(|(_, name)| name).filter(|_| is_google);
    name.or(model.strip_prefix("models/")).unwrap_or(model)
}

/// The exception that an event of AWS is named after.
fn exception(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let exception = name.strip_prefix("exception:").or_else(|| name.strip_prefix("error:"));
    exception.or(name.ends_with("Exception").then_some(name))
}

/// The statuses in which an answer ends, and of these those of one that failed.
const END_STATUSES: &[&str] = &[
    "completed",
    "incomplete",
    "failed",
    "cancelled",
    "canceled",
    "expired",
    "requires_action",
    "budget_exceeded",
    "succeeded",
    "error",
];
const FAILED_STATUSES: &[&str] = &["failed", "expired", "error"];

/// Events that end one of several images, or all that a model says.
const ENDS_ONE: &[&str] = &["image_generation.completed", "image_edit.completed"];
const ENDS_ALL: &[&str] =
    &["transcript.text.done", "speech.audio.done", "conversation.response.done"];

/// Mistral's events of tools, which name them.
const CALLS_TOOL: &[&str] = &["function.call.delta", "tool.execution.started"];

/// The runs of a model that the counts of an answer hold, by Anthropic's words.
const COUNTED_RUNS: &[&str] = &["message", "fallback_message"];

/// Whose body names an agent in place of a model.
const RUN_AGENTS: &[Option<&str>] =
    &[Some("mistral_ai"), Some("gcp.gemini"), Some("gcp.vertex_ai")];

/// Bedrock's headers.
const TOKEN_HEADERS: &[(&str, Count)] = &[
    ("x-amzn-bedrock-input-token-count", Count::PlainInput),
    ("x-amzn-bedrock-output-token-count", Count::Output),
    ("x-amzn-bedrock-cache-read-input-token-count", Count::CacheRead),
    ("x-amzn-bedrock-cache-write-input-token-count", Count::CacheCreation),
];
