//! A body that comes as a stream of events.
//!
//! The answer of a model comes in pieces, for minutes, and often breaks off: the caller has seen
//! enough, or a deadline passes. What was said until then counts, so the record of a stream is a
//! [`chain`] of hashes with a link for each event.
//!
//! A framer finds where the events of one kind end, whatever chunks the bytes come in, and hands
//! over what an event says. It keeps a few bytes of state: the head of a frame, the name of an
//! event. The bytes of an event pass on as they come.
//!
//! | kind | an event |
//! |---|---|
//! | [`sse`](Kind::Sse) | the lines up to and with the blank line that dispatches them; bare JSON counts as data |
//! | [`ndjson`](Kind::Ndjson) | a line that is not blank, and blank ones before it |
//! | [`eventstream`](Kind::Eventstream) | a frame without its checksum, the last 4 bytes |
//! | [`websocket`](Kind::Websocket) | a byte, 1 for text or 2 for binary, and the whole message |
//! | [`grpc`](Kind::Grpc), [`grpc_web`](Kind::GrpcWeb), [`connect`](Kind::Connect) | a message with the 5 bytes before it |
//! | [`grpc_web_text`](Kind::GrpcWebText) | the same, out of base64 |
//! | [`chunked`](Kind::Chunked) | the digest of everything up to a full 64 KiB |
//!
//! Text is framed behind the masker of the body. In binary frames only the payload can be masked,
//! so their framers hold a masker of their own, and write down the digest of the body, too: see
//! [`tape`].

mod chain;
mod eventstream;
mod grpc;
mod lines;
mod masked;
mod media;
mod name;
mod ndjson;
mod sniff;
mod sse;
mod tape;
mod websocket;

use crate::{
    digest::{Digest, Hasher, Reading},
    mask::{Masked, Scan},
    words::words,
};
use chain::Chain;
use eventstream::Eventstream;
pub(crate) use grpc::Failure;
use grpc::{Dialect, Grpc, GrpcText};
pub(crate) use media::{media_types, values};
use ndjson::Ndjson;
pub(crate) use sniff::{Look, MAX_SNIFFED, Sniff};
use sse::Sse;
use tape::Tape;
use websocket::Websocket;

/// No more links than these are listed in an entry, of both directions together: a tenth of the
/// longest entry, which has to hold all the rest besides.
pub const MAX_LISTED_EVENTS: usize = 96;

words! {
    /// How a stream is divided into events.
    pub enum Kind {
        /// Server-sent events: `text/event-stream`.
        Sse = "sse",
        /// One JSON document per line.
        Ndjson = "ndjson",
        /// Frames of `application/vnd.amazon.eventstream`.
        Eventstream = "eventstream",
        /// Messages of a WebSocket.
        Websocket = "websocket",
        /// Length-prefixed messages of gRPC.
        Grpc = "grpc",
        /// Length-prefixed messages of gRPC-web.
        GrpcWeb = "grpc_web",
        /// The same in base64.
        GrpcWebText = "grpc_web_text",
        /// Enveloped messages of a stream of Connect.
        Connect = "connect",
        /// Nothing divides it: blocks of 64 KiB.
        Chunked = "chunked",
    }
}

impl Kind {
    /// From the value of `content-type`; `None` if nothing in the body says where an event ends.
    /// Envoy joins several content types by a comma: the first that says so counts. A body in a
    /// content-encoding shows no frames. A WebSocket has no content type: it follows status 101.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        media_types(content_type).find_map(|media_type| Self::of_one(&media_type))
    }

    fn of_one(media_type: &[u8]) -> Option<Self> {
        const GRPC: &[u8] = b"application/grpc";
        const CONNECT: &[u8] = b"application/connect+";
        match media_type {
            b"text/event-stream" => Some(Self::Sse),
            b"application/vnd.amazon.eventstream" => Some(Self::Eventstream),
            _ if NDJSON.contains(&media_type) || media_type.ends_with(b"+json-seq") => {
                Some(Self::Ndjson)
            }
            _ if media_type.starts_with(CONNECT) => Some(Self::Connect),
            _ => match media_type.strip_prefix(GRPC)? {
                [] | [b'+', ..] => Some(Self::Grpc),
                b"-web-text" => Some(Self::GrpcWebText),
                b"-web" => Some(Self::GrpcWeb),
                web if web.starts_with(b"-web-text+") => Some(Self::GrpcWebText),
                web if web.starts_with(b"-web+") => Some(Self::GrpcWeb),
                _ => None,
            },
        }
    }

    /// Whether the caller sends events, too.
    pub fn is_two_way(self) -> bool {
        !matches!(self, Self::Sse | Self::Ndjson | Self::Eventstream | Self::Chunked)
    }

    /// Whether it is binary frames that hold the events: a masker for text finds nothing safe to
    /// replace in the body itself.
    pub fn is_framed(self) -> bool {
        !matches!(self, Self::Sse | Self::Ndjson | Self::Chunked)
    }

    /// How many links are listed of each direction.
    fn max_listed(self) -> usize {
        if self.is_two_way() { MAX_LISTED_EVENTS / 2 } else { MAX_LISTED_EVENTS }
    }
}

const NDJSON: [&[u8]; 16] = [
    b"application/x-ndjson",
    b"application/ndjson",
    b"text/x-ndjson",
    b"text/ndjson",
    b"application/jsonl",
    b"application/x-jsonl",
    b"text/jsonl",
    b"application/jsonlines",
    b"application/x-jsonlines",
    b"application/json-lines",
    b"application/x-json-lines",
    b"application/stream+json",
    b"application/x-json-stream",
    b"application/json-seq",
    b"application/x-ldjson",
    b"application/ldjson",
];

/// What a stream says, with its secrets replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'s> {
    /// A piece of what the event under way says: the data of a server-sent event, a line, the
    /// payload of a frame.
    Content(&'s [u8]),
    /// The event is whole.
    End {
        /// Its name, at most 74 bytes: the `event` field of a server-sent event, the `:event-type`
        /// of a frame, `exception:` and its type for an exception. Empty if it has none.
        name: &'s [u8],
    },
}

/// One direction of a stream on its way.
#[derive(Clone, Debug)]
pub struct Stream {
    kind: Kind,
    chain: Chain,
    framer: Framer,
    /// The digest of the body where the event under way began, if frames are written down in it.
    before: Option<Hasher>,
}

#[derive(Clone, Debug)]
enum Framer {
    Sse(Box<Sse>),
    Ndjson(Ndjson),
    Eventstream(Box<Eventstream>),
    Websocket(Box<Websocket>),
    Grpc(Box<Grpc>),
    GrpcText(Box<GrpcText>),
    Chunked,
}

impl Stream {
    /// A stream of which nothing was seen yet; `list_events` if every link is wanted, as far as
    /// [`MAX_LISTED_EVENTS`] allows.
    pub fn new(kind: Kind, reading: &Reading, list_events: bool) -> Self {
        let max_listed = if list_events { kind.max_listed() } else { 0 };
        let messages = |dialect| Framer::Grpc(Box::new(Grpc::new(dialect, reading)));
        let framer = match kind {
            Kind::Sse => Framer::Sse(Box::default()),
            Kind::Ndjson => Framer::Ndjson(Ndjson::default()),
            Kind::Eventstream => Framer::Eventstream(Box::new(Eventstream::new(reading))),
            Kind::Websocket => Framer::Websocket(Box::new(Websocket::new(reading))),
            Kind::Grpc => messages(Dialect::Grpc),
            Kind::GrpcWeb => messages(Dialect::Web),
            Kind::GrpcWebText => Framer::GrpcText(Box::new(GrpcText::new(reading))),
            Kind::Connect => messages(Dialect::Connect),
            Kind::Chunked => Framer::Chunked,
        };
        Self { kind, chain: Chain::new(kind, reading, max_listed), framer, before: None }
    }

    /// How it is divided into events.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The same, with so many links listed: for those who have the memory.
    #[must_use]
    pub fn listing(mut self, max_events: usize) -> Self {
        self.chain.list(max_events);
        self
    }

    /// Whether it wants the masked view of the body, not the bytes as they crossed: those kinds
    /// whose frames are text. The others mask what is in a frame themselves.
    pub fn takes_view(&self) -> bool {
        !self.kind.is_framed()
    }

    /// The next bytes, in order. A stream in blocks takes none: see [`Stream::link`].
    pub fn push(&mut self, bytes: &[u8], said: &mut dyn FnMut(Said<'_>)) {
        self.push_frames(bytes, None, said);
    }

    /// The same, and `body` takes the digest of the frames.
    pub(crate) fn push_frames(
        &mut self,
        bytes: &[u8],
        body: Option<&mut Hasher>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let Self { chain, framer, before, .. } = self;
        let mut tape = Tape { chain, body, before };
        match framer {
            Framer::Sse(sse) => sse.push(bytes, tape.chain, said),
            Framer::Ndjson(lines) => lines.push(bytes, tape.chain, said),
            Framer::Eventstream(frames) => frames.push(bytes, &mut tape, said),
            Framer::Websocket(frames) => frames.push(bytes, &mut tape, said),
            Framer::Grpc(messages) => messages.push(bytes, &mut tape, said),
            Framer::GrpcText(text) => text.push(bytes, &mut tape, said),
            Framer::Chunked => {}
        }
    }

    /// No more bytes follow: because it is `complete`, or because it broke off. Of text that is
    /// complete the last event needs no end of its own; apart from that, what was begun and not ended
    /// is no event. The links of a stream that broke off are the first ones of the whole.
    pub fn finish(&mut self, complete: bool, said: &mut dyn FnMut(Said<'_>)) {
        self.finish_frames(complete, None, said);
    }

    /// The same, and `body` has the digest of the frames.
    pub(crate) fn finish_frames(
        &mut self,
        complete: bool,
        body: Option<&mut Hasher>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let Self { chain, framer, before, .. } = self;
        let mut tape = Tape { chain, body, before };
        match framer {
            Framer::Sse(sse) if complete => sse.finish(tape.chain, said),
            Framer::Ndjson(lines) if complete => lines.finish(tape.chain, said),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked => {}
            Framer::Eventstream(frames) => frames.finish(&mut tape),
            Framer::Websocket(frames) => frames.finish(&mut tape),
            Framer::Grpc(messages) => messages.finish(&mut tape),
            Framer::GrpcText(text) => text.finish(&mut tape),
        }
    }

    /// An event of a stream in blocks: the digest of the body so far, at each full block.
    pub fn link(&mut self, prefix: Digest) {
        self.chain.link(&prefix.0);
    }

    /// Whole events so far.
    pub fn events(&self) -> u64 {
        self.chain.events()
    }

    /// The last link of the chain; `None` before the first event.
    pub fn chain(&self) -> Option<Digest> {
        self.chain.last()
    }

    /// The links from the first event on, if they are wanted.
    pub fn event_hashes(&self) -> &[Digest] {
        self.chain.links()
    }

    /// Whether there are more events than are listed.
    pub fn is_cut(&self) -> bool {
        self.chain.is_cut()
    }

    /// Whether the bytes stopped being frames of their kind: no event was found from there on.
    pub fn is_broken(&self) -> bool {
        match &self.framer {
            Framer::Eventstream(frames) => frames.is_broken(),
            Framer::Websocket(frames) => frames.is_broken(),
            Framer::Grpc(messages) => messages.is_broken(),
            Framer::GrpcText(text) => text.messages.is_broken(),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked => false,
        }
    }

    /// Whether no client can read this to its end: it holds what is no frame, or stops in the middle of
    /// one. Text and blocks end anywhere, a WebSocket has its close frame for it.
    pub fn is_torn(&self) -> bool {
        match &self.framer {
            Framer::Eventstream(frames) => frames.is_broken() || frames.is_unfinished(),
            Framer::Grpc(messages) => messages.is_torn(),
            Framer::GrpcText(text) => text.messages.is_torn(),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Websocket(_) | Framer::Chunked => false,
        }
    }

    /// Whether there was no message, or none that can be read, that says how the call ended, in a
    /// stream of which it is the last one.
    pub fn lacks_last(&self) -> bool {
        match &self.framer {
            Framer::Grpc(messages) => messages.lacks_last(),
            Framer::GrpcText(text) => text.messages.lacks_last(),
            _ => false,
        }
    }

    /// What was replaced in the payload of frames; `None` if this is not where it is masked.
    pub fn masked(&self) -> Option<&Masked> {
        match &self.framer {
            Framer::Eventstream(frames) => Some(frames.masked()),
            Framer::Websocket(frames) => Some(frames.masked()),
            Framer::Grpc(messages) => Some(messages.masked()),
            Framer::GrpcText(text) => Some(text.messages.masked()),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked => None,
        }
    }

    /// How far frames were looked into; `None` if this is not where it is masked.
    pub fn scan(&self) -> Option<Scan> {
        let (is_opaque, scan) = match &self.framer {
            Framer::Eventstream(_) => (false, Scan::Json),
            Framer::Websocket(frames) => (frames.is_opaque(), Scan::Json),
            Framer::Grpc(messages) => (messages.is_opaque(), Scan::Text),
            Framer::GrpcText(text) => (text.messages.is_opaque(), Scan::Text),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked => return None,
        };
        Some(if is_opaque { Scan::Opaque } else { scan })
    }

    /// The code with which this side closed its WebSocket, once it did.
    pub fn close_code(&self) -> Option<u16> {
        match &self.framer {
            Framer::Websocket(frames) => frames.close_code(),
            _ => None,
        }
    }

    /// Whether the event under way says that it is the last one: it may be dispatched or not.
    pub fn is_done(&self) -> bool {
        matches!(&self.framer, Framer::Sse(sse) if sse.is_done())
    }

    /// How the call ended by the last message, in the numbers of gRPC, where a message says so.
    pub fn grpc_status(&self) -> Option<u64> {
        match &self.framer {
            Framer::Grpc(messages) => messages.status(),
            Framer::GrpcText(text) => text.messages.status(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
