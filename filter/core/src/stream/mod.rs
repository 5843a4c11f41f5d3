//! A body that comes as a stream of events.

use crate::words::words;

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
