//! An answer that comes as a stream of events, and the proof of any of its prefixes.

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// One server-sent event.
#[derive(Clone, Debug)]
pub struct Event {
    /// The value of the `event` field, where the API names its events.
    pub name: Option<&'static str>,
    /// The value of the `data` field.
    pub data: String,
}

impl Event {
    /// An event without a name.
    pub fn unnamed(data: impl ToString) -> Self {
        Self { name: None, data: data.to_string() }
    }

    /// An event with a name.
    pub fn named(name: &'static str, data: impl ToString) -> Self {
        Self { name: Some(name), data: data.to_string() }
    }

    /// The event on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let name = self.name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        Bytes::from(format!("{name}data: {}\n\n", self.data))
    }
}

/// How a stream is divided into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document per line.
    Ndjson,
    /// Amazon's binary frames.
    Eventstream,
}

impl Framing {
    /// The word of the entry key `stream.kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Ndjson => "ndjson",
            Self::Eventstream => "eventstream",
        }
    }

    /// The media type by which providers announce it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Eventstream => "application/vnd.amazon.eventstream",
        }
    }
}

/// A stream as it was handed to the wire, event by event.
#[derive(Clone, Debug)]
pub struct Streamed {
    /// How the events are divided.
    pub framing: Framing,
    /// The bytes of each event.
    pub events: Vec<Bytes>,
}

impl Streamed {
    /// A stream of server-sent events.
    pub fn sse(events: &[Event]) -> Self {
        Self { framing: Framing::Sse, events: events.iter().map(Event::to_bytes).collect() }
    }

    /// The whole body in pieces that respect no border of an event.
    pub fn pieces(&self) -> Vec<Bytes> {
        /// A prime number: the cuts fall on other places of each event.
        const PIECE_BYTES: usize = 97;
        let whole = self.events.concat();
        whole.chunks(PIECE_BYTES).map(Bytes::copy_from_slice).collect()
    }

    /// The hash chain over the first `count` events, in lower-case hex, written after the
    /// description of `stream.chunk_chain` and not after the filter.
    pub fn chain(&self, count: usize) -> String {
        let label = format!("ledgerline.stream.v1:{}", self.framing.word());
        let mut link = Sha256::digest(label);
        for event in self.events.iter().take(count) {
            let said = match self.framing {
                // The last four bytes are the checksum of the frame.
                Framing::Eventstream => event.get(..event.len().saturating_sub(4)),
                Framing::Sse | Framing::Ndjson => event.get(..),
            };
            link = Sha256::new().chain_update(link).chain_update(said.unwrap_or(event)).finalize();
        }
        link.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
