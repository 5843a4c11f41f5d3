//! The version of HTTP that a caller spoke.

use crate::words::words;

words! {
    /// A version of HTTP, by the words of OpenTelemetry's `network.protocol.version`.
    pub enum HttpVersion {
        /// HTTP/1.0.
        Http10 = "1.0",
        /// HTTP/1.1.
        Http11 = "1.1",
        /// HTTP/2.
        Http2 = "2",
        /// HTTP/3.
        Http3 = "3",
    }
}

impl HttpVersion {
    /// Reads Envoy's name of a protocol (its attribute `request.protocol`).
    pub fn of_protocol(protocol: &[u8]) -> Option<Self> {
        match protocol {
            b"HTTP/1.0" => Some(Self::Http10),
            b"HTTP/1.1" => Some(Self::Http11),
            b"HTTP/2" => Some(Self::Http2),
            b"HTTP/3" => Some(Self::Http3),
            _ => None,
        }
    }
}
