//! What the headers of a response say, and what is to change on them.

use super::{Edits, content::Content, note_nominated, request::Request};
use crate::{
    config::Config,
    digest::End,
    entry::{RateLimit, Retry},
    headers::Role,
    mask::{Rules, Syntax},
    meaning::Meaning,
    outcome::{SWITCHING_PROTOCOLS, is_final},
    passage::Passage,
    stream::{Failure, Kind, Stream},
    text::{MAX_TEXT_BYTES, Text},
};

/// The response, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) seen_after_us: Option<u64>,
    pub(super) status: Option<u16>,
    /// The headers that came last are not those of the answer: that is yet to come.
    pub(super) is_informational: bool,
    pub(super) retry_after: bool,
    pub(super) retry: Retry,
    pub(super) rate_limit: RateLimit,
    /// The word of gRPC for how the call ended, once it came.
    pub(super) grpc_status: Option<u64>,
    /// Reads what went wrong with a call of Connect.
    pub(super) failure: Option<Box<Failure>>,
    pub(super) upstream_request_id: Option<(u8, Text)>,
    /// What its `connection` names: not even its trailers take that along.
    pub(super) nominated: Vec<Box<str>>,
    pub(super) content: Content,
    pub(super) passage: Passage,
}

impl Response {
    /// Reads the headers: what to change on them.
    pub(super) fn read<'c, 'h>(
        &mut self,
        config: &'c Config,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        mut meaning: Option<&mut Meaning>,
    ) -> Edits<'c> {
        let rules = &config.reading.rules;
        let mut edits = Edits::default();
        self.is_informational = false;
        for (name, value) in headers {
            let Some((name, roles)) = config.response_headers.find(name) else { continue };
            if self.is_informational {
                break;
            }
            for role in roles {
                match (*role, &mut meaning) {
                    (Role::Strip, _) => edits.remove.push(name.into()),
                    (Role::Connection, _) => {
                        note_nominated(value, &mut self.nominated, &mut edits);
                    }
                    (Role::Meaning, Some(meaning)) => meaning.response_header(name, value),
                    (role, _) => self.note(rules, role, name, value),
                }
            }
        }
        edits
    }

    fn note(&mut self, rules: &Rules, role: Role, name: &str, value: &[u8]) {
        match role {
            Role::Status => self.note_status(value),
            Role::RetryAfter => {
                self.retry_after = true;
                self.retry.note_after(value);
            }
            Role::RetryAfterMs => self.retry.note_after_ms(value),
            Role::Remaining(limit) => self.rate_limit.note(limit, value),
            Role::GrpcStatus => self.note_grpc_status(value),
            Role::UpstreamRequestId(rank) => self.claim_request_id(rules, rank, value),
            role => self.content.note(rules, role, name, value),
        }
    }

    /// A body may follow the headers of the answer to `request`.
    pub(super) fn open(&mut self, config: &Config, request: &mut Request) {
        let is_switched = self.status == Some(SWITCHING_PROTOCOLS);
        let is_websocket = request.content.kind == Some(Kind::Websocket);
        if is_switched {
            self.content.write_in(Syntax::Opaque);
        } else if is_websocket {
            request.passage.close_stream();
        }
        if request.is_connect && self.status.is_some_and(|status| status >= 400) {
            self.failure = Some(Box::default());
        }
        self.passage.open(&config.reading, self.content.syntax());
        let (kind, is_named) = match is_switched {
            true => (is_websocket.then_some(Kind::Websocket), true),
            false => (self.content.stream_kind(), self.content.names_stream()),
        };
        if let Some(kind) = kind {
            self.passage.open_stream(&config.reading, kind, config.list_events);
        }
        let is_text = kind.is_some_and(|kind| matches!(kind, Kind::Sse | Kind::Ndjson));
        if is_text && !self.content.has_length {
            // Unless its first bytes show that it is none.
            self.passage.open_stream(&config.reading, Kind::Chunked, config.list_events);
        }
        if is_text || !is_named {
            self.passage.sniff(&config.reading, config.list_events);
        }
    }

    /// How the call ended by gRPC's numbers, if it is one of gRPC's kin and said so.
    pub(super) fn grpc_status(&self) -> Option<u64> {
        self.grpc_status.or_else(|| self.passage.stream()?.grpc_status())
    }

    /// Whether HTTP ended as it should, and the stream in it did not: it stops within a frame, holds
    /// what is no frame, or nothing says how the call of gRPC or one of its kin ended. The request was
    /// of the kind `asked`.
    pub(super) fn is_cut_short(&self, asked: Option<Kind>) -> bool {
        let has_ended = matches!(self.passage.body().end(), Some(End::Complete | End::Trailers));
        let is_torn = self.passage.stream().is_some_and(Stream::is_torn);
        has_ended && (is_torn || self.grpc_status().is_none() && self.lacks_status(asked))
    }

    /// Whether nothing says how a call of gRPC or one of its kin ended, where that can be read.
    fn lacks_status(&self, asked: Option<Kind>) -> bool {
        use Kind::{Connect, Grpc, GrpcWeb, GrpcWebText};
        let is_empty = self.passage.body().bytes() == 0;
        match (self.content.kind, asked) {
            (Some(Grpc), _) => true,
            (Some(GrpcWeb | GrpcWebText | Connect), _) if is_empty => true,
            (None, Some(Grpc | GrpcWeb | GrpcWebText | Connect)) => true,
            _ => self.passage.stream().is_some_and(Stream::lacks_last),
        }
    }

    /// The status comes before all other headers.
    fn note_status(&mut self, value: &[u8]) {
        let status = parse_status(value);
        self.status = status.filter(|status| is_final(*status));
        self.is_informational =
            status.is_some_and(|status| (100..200).contains(&status) && !is_final(status));
    }

    pub(super) fn note_grpc_status(&mut self, value: &[u8]) {
        let status = std::str::from_utf8(value).ok().and_then(|status| status.parse().ok());
        self.grpc_status = self.grpc_status.or(status);
    }

    fn claim_request_id(&mut self, rules: &Rules, rank: u8, value: &[u8]) {
        let id = value.trim_ascii();
        let outranked =
            self.upstream_request_id.as_ref().is_some_and(|(standing, _)| *standing <= rank);
        if !id.is_empty() && !outranked {
            self.upstream_request_id = Some((rank, Text::masked(rules, id, MAX_TEXT_BYTES)));
        }
    }
}

fn parse_status(value: &[u8]) -> Option<u16> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
