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
//! | [`sse`](Kind::Sse) | the lines up to and with the blank line that dispatches them |
//! | [`ndjson`](Kind::Ndjson) | a line that is not blank, and blank ones before it |
//! | [`eventstream`](Kind::Eventstream) | a frame without its checksum, the last 4 bytes |
//! | [`websocket`](Kind::Websocket) | a byte, 1 for text or 2 for binary, and the whole message |
//! | [`grpc`](Kind::Grpc) | a message with the 5 bytes before it |
//! | [`chunked`](Kind::Chunked) | the digest of everything up to a full 64 KiB |
//!
//! Text is framed behind the masker of the body. In binary frames only the payload can be masked,
//! so their framers hold a masker of their own.

mod chain;
mod eventstream;
mod grpc;
mod lines;
mod masked;
mod name;
mod ndjson;
mod sse;
mod websocket;

use crate::{
    digest::{Digest, Reading},
    mask::Masked,
    words::words,
};
use chain::Chain;
use eventstream::Eventstream;
use grpc::Grpc;
use ndjson::Ndjson;
use sse::Sse;
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
        /// Nothing divides it: blocks of 64 KiB.
        Chunked = "chunked",
    }
}

impl Kind {
    /// From the value of `content-type`; `None` if nothing in the body says where an event ends.
    /// A body in a content-encoding shows no frames either. A WebSocket has no content type: it
    /// follows status 101.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let media_type = content_type.split(|byte| *byte == b';').next()?.trim_ascii();
        let is = |types: &[&[u8]]| types.iter().any(|name| media_type.eq_ignore_ascii_case(name));
        if is(&[b"text/event-stream"]) {
            return Some(Self::Sse);
        }
        if is(&NDJSON) {
            return Some(Self::Ndjson);
        }
        if is(&[b"application/vnd.amazon.eventstream"]) {
            return Some(Self::Eventstream);
        }
        let (grpc, format) = media_type.split_at_checked(GRPC.len())?;
        let is_grpc = grpc.eq_ignore_ascii_case(GRPC) && matches!(format, [] | [b'+', ..]);
        is_grpc.then_some(Self::Grpc)
    }
}

impl Kind {
    /// Whether the caller sends events, too.
    pub fn is_two_way(self) -> bool {
        matches!(self, Self::Websocket | Self::Grpc)
    }

    /// How many links are listed of each direction.
    fn max_listed(self) -> usize {
        if self.is_two_way() { MAX_LISTED_EVENTS / 2 } else { MAX_LISTED_EVENTS }
    }
}

const NDJSON: [&[u8]; 6] = [
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/jsonl",
    b"application/x-jsonl",
    b"application/jsonlines",
    b"application/stream+json",
];

const GRPC: &[u8] = b"application/grpc";

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
    chain: Chain,
    framer: Framer,
}

#[derive(Clone, Debug)]
enum Framer {
    Sse(Box<Sse>),
    Ndjson(Ndjson),
    Eventstream(Box<Eventstream>),
    Websocket(Box<Websocket>),
    Grpc(Grpc),
    Chunked,
}

impl Stream {
    /// A stream of which nothing was seen yet; `list_events` if every link is wanted, as far as
    /// [`MAX_LISTED_EVENTS`] allows.
    pub fn new(kind: Kind, reading: &Reading, list_events: bool) -> Self {
        let max_listed = if list_events { kind.max_listed() } else { 0 };
        let framer = match kind {
            Kind::Sse => Framer::Sse(Box::default()),
            Kind::Ndjson => Framer::Ndjson(Ndjson::default()),
            Kind::Eventstream => Framer::Eventstream(Box::new(Eventstream::new(reading))),
            Kind::Websocket => Framer::Websocket(Box::new(Websocket::new(reading))),
            Kind::Grpc => Framer::Grpc(Grpc::default()),
            Kind::Chunked => Framer::Chunked,
        };
        Self { chain: Chain::new(kind, reading, max_listed), framer }
    }

    /// How it is divided into events.
    pub fn kind(&self) -> Kind {
        match self.framer {
            Framer::Sse(_) => Kind::Sse,
            Framer::Ndjson(_) => Kind::Ndjson,
            Framer::Eventstream(_) => Kind::Eventstream,
            Framer::Websocket(_) => Kind::Websocket,
            Framer::Grpc(_) => Kind::Grpc,
            Framer::Chunked => Kind::Chunked,
        }
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
        matches!(self.framer, Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked)
    }

    /// The next bytes, in order. A stream in blocks takes none: see [`Stream::link`].
    pub fn push(&mut self, bytes: &[u8], said: &mut dyn FnMut(Said<'_>)) {
        let chain = &mut self.chain;
        match &mut self.framer {
            Framer::Sse(sse) => sse.push(bytes, chain, said),
            Framer::Ndjson(lines) => lines.push(bytes, chain, said),
            Framer::Eventstream(frames) => frames.push(bytes, chain, said),
            Framer::Websocket(frames) => frames.push(bytes, chain, said),
            Framer::Grpc(messages) => messages.push(bytes, chain, said),
            Framer::Chunked => {}
        }
    }

    /// No more bytes follow: because it is `complete`, or because it broke off. What was begun and
    /// not ended is no event. The links of a stream that broke off are the first ones of the whole.
    pub fn finish(&mut self, complete: bool, said: &mut dyn FnMut(Said<'_>)) {
        match &mut self.framer {
            Framer::Sse(sse) if complete => sse.finish(&mut self.chain, said),
            Framer::Ndjson(lines) if complete => lines.finish(&mut self.chain, said),
            _ => {}
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
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Chunked => false,
        }
    }

    /// What was replaced in the payload of frames; `None` if this is not where it is masked.
    pub fn masked(&self) -> Option<&Masked> {
        match &self.framer {
            Framer::Eventstream(frames) => Some(frames.masked()),
            Framer::Websocket(frames) => Some(frames.masked()),
            Framer::Sse(_) | Framer::Ndjson(_) | Framer::Grpc(_) | Framer::Chunked => None,
        }
    }
}

#[cfg(test)]
mod tests;
