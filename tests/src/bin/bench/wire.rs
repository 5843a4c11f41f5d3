//! HTTP/1.1 on a keep-alive connection, as little of it as two ends need that know each other.
//!
//! It stands on both sides of the proxy and must cost less than the proxy, so nothing is parsed that is
//! not used, and bodies are counted and forgotten. It believes what Envoy writes; a general client it
//! is not.

use std::ops::ControlFlow;

use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is asked for in one read.
const READ_BYTES: usize = 256 * 1024;

/// The last chunk of a body without trailers, behind the chunk before it (RFC 9112, section 7.1).
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// One end of a connection.
pub(crate) struct Wire {
    stream: TcpStream,
    received: BytesMut,
}

/// The head of a message.
pub(crate) struct Head {
    /// The request line or the status line.
    pub(crate) line: String,
    /// How the body is delimited.
    pub(crate) framing: Framing,
}

/// How a body is delimited.
#[derive(Clone, Copy)]
pub(crate) enum Framing {
    /// By its length; 0 if there is none.
    Length(u64),
    /// By its last chunk.
    Chunked,
}

impl Wire {
    /// Takes over a fresh connection.
    pub(crate) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: BytesMut::new() })
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.context("the proxy closed a connection while written to")
    }

    /// Writes `length` bytes: `block` as often as it takes.
    pub(crate) async fn write_blocks(&mut self, block: &[u8], length: u64) -> Result<()> {
        let mut left = usize::try_from(length)?;
        while left > 0 {
            let piece = block.get(..left).unwrap_or(block);
            self.write(piece).await?;
            left -= piece.len();
        }
        Ok(())
    }

    /// Reads the next head; an error if the peer closes instead.
    pub(crate) async fn head(&mut self) -> Result<Head> {
        loop {
            if let Some(size) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = Head::parse(self.received.get(..size).unwrap_or_default());
                self.received.advance(size + 4);
                return head;
            }
            self.read().await?;
        }
    }

    /// Reads a body to its end and forgets it; answers how many reads brought it.
    pub(crate) async fn skip(&mut self, framing: Framing) -> Result<usize> {
        let mut reads = 0;
        let mut left = framing;
        while let ControlFlow::Continue(rest) = self.forget(left) {
            left = rest;
            self.read().await?;
            reads += 1;
        }
        Ok(reads)
    }

    /// Forgets what has been received of a body; breaks at its end.
    fn forget(&mut self, left: Framing) -> ControlFlow<(), Framing> {
        match left {
            Framing::Length(length) => {
                let here = length.min(self.received.len() as u64);
                self.received.advance(usize::try_from(here).unwrap_or_default());
                match length - here {
                    0 => ControlFlow::Break(()),
                    rest => ControlFlow::Continue(Framing::Length(rest)),
                }
            }
            Framing::Chunked if self.received.ends_with(LAST_CHUNK) => {
                self.received.clear();
                ControlFlow::Break(())
            }
            Framing::Chunked => {
                // What may be the beginning of the last chunk stays.
                let kept = self.received.len().min(LAST_CHUNK.len() - 1);
                self.received.advance(self.received.len() - kept);
                ControlFlow::Continue(left)
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        self.received.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.received).await? {
            0 => bail!("the proxy closed a keep-alive connection"),
            _ => Ok(()),
        }
    }
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines = std::str::from_utf8(bytes)?.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let mut framing = Framing::Length(0);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunked;
            }
        }
        Ok(Self { line, framing })
    }
}
