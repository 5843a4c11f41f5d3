//! What the headers of a message say about its body.

use std::borrow::Cow;

use crate::{
    entry::Message,
    headers::{LoggedHeaders, Role, media_type},
    mask::{Masked, Rules, Syntax},
    passage::Passage,
    stream::{Kind, values},
    text::Text,
};

/// What the headers say about a body.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) media_type: Option<Text>,
    pub(super) encoding: Option<Text>,
    pub(super) logged: LoggedHeaders,
    pub(super) written_in: Option<Syntax>,
    /// How the body is divided into events, by its type.
    pub(super) kind: Option<Kind>,
    pub(super) has_length: bool,
    /// Whether its bytes are compressed, or encoded in another way.
    pub(super) is_encoded: bool,
}

impl Content {
    /// Takes note of a header that both messages have.
    pub(super) fn note(&mut self, rules: &Rules, role: Role, name: &str, value: &[u8]) {
        match role {
            Role::ContentType => {
                self.media_type = Some(media_type(rules, value));
                self.kind = self.kind.or(Kind::of(value));
                self.write_in(syntax_of(value));
            }
            Role::ContentEncoding => {
                self.encoding = Some(Text::masked(rules, value.trim_ascii(), 64));
                if Syntax::of(b"", value) == Syntax::Opaque {
                    self.write_in(Syntax::Opaque);
                    self.is_encoded = true;
                }
            }
            Role::ContentLength => self.has_length = true,
            Role::Log => self.logged.push(rules, name, value),
            _ => {}
        }
    }

    /// Of several headers the first counts, unless one of them says that the body cannot be looked
    /// into.
    pub(super) fn write_in(&mut self, syntax: Syntax) {
        if self.written_in.is_none() || syntax == Syntax::Opaque {
            self.written_in = Some(syntax);
        }
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.written_in.clone().unwrap_or(Syntax::Text)
    }

    /// How an answer of this content is divided into events. Of one that is encoded nobody sees the
    /// events, and one of a known length is no stream.
    pub(super) fn stream_kind(&self) -> Option<Kind> {
        match self.kind {
            Some(kind) if !self.is_encoded => Some(kind),
            _ if self.has_length => None,
            _ => Some(Kind::Chunked),
        }
    }

    /// Whether the headers say how an answer is divided into events.
    pub(super) fn names_stream(&self) -> bool {
        self.kind.is_some() || self.is_encoded
    }

    /// What an entry says of the message whose body took this `passage`.
    pub(super) fn message<'a>(&'a self, passage: &'a Passage) -> Message<'a> {
        let headers = self.logged.values();
        let body = passage.body();
        let masked = passage.masked().map(Masked::counts).filter(|counts| !counts.is_empty());
        Message {
            http_version: None,
            bytes: body.bytes(),
            media_type: borrowed(&self.media_type),
            encoding: borrowed(&self.encoding),
            end: body.end(),
            scan: passage.scan(),
            masked: masked.map(Cow::Borrowed),
            headers: (!headers.is_empty()).then_some(Cow::Borrowed(headers)),
        }
    }
}

/// How a body of this content type is written. Envoy joins several content types by a comma, and
/// nobody knows which of them the provider believes: one that cannot be looked into is enough.
fn syntax_of(content_type: &[u8]) -> Syntax {
    let syntaxes = || values(content_type).map(|value| Syntax::of(value, b""));
    if Kind::of(content_type).is_some_and(Kind::is_framed)
        || syntaxes().any(|syntax| syntax == Syntax::Opaque)
    {
        return Syntax::Opaque;
    }
    syntaxes().next().unwrap_or(Syntax::Text)
}

/// A text for an entry, unless it is empty.
pub(super) fn borrowed(text: &Option<Text>) -> Option<Cow<'_, str>> {
    text.as_ref().map(|text| Cow::Borrowed(&*text.text)).filter(|text| !text.is_empty())
}
