//! JSON documents, one per line (`application/x-ndjson`, JSON Lines, JSON text sequences).
//!
//! A line feed ends a line; a document may be as long as it likes, and its last line needs no line
//! feed. Some servers send empty lines to keep a connection alive: such a line is no event, and its
//! bytes belong to the next one. In a JSON text sequence (RFC 7464) a record separator, U+001E,
//! stands before each document; it counts as white space.

use super::{Said, chain::Chain, lines::line_feed};

/// Finds the lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Ndjson {
    /// Whether the line so far holds something.
    is_written: bool,
}

impl Ndjson {
    pub(super) fn push(&mut self, bytes: &[u8], chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        let mut rest = bytes;
        while let Some((line, later)) = line_feed(rest).and_then(|end| rest.split_at_checked(end)) {
            self.say(line, said);
            chain.take(line);
            chain.take(b"\n");
            rest = later.get(1..).unwrap_or_default();
            if self.is_written {
                self.end(chain, said);
            }
        }
        self.say(rest, said);
        chain.take(rest);
    }

    /// The last line needs no line feed.
    pub(super) fn finish(&mut self, chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        if self.is_written {
            self.end(chain, said);
        }
    }

    fn end(&mut self, chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        self.is_written = false;
        chain.end();
        said(Said::End { name: b"" });
    }

    /// Hands over a piece of a line, without the space before the document.
    fn say(&mut self, piece: &[u8], said: &mut dyn FnMut(Said<'_>)) {
        let piece = if self.is_written { piece } else { document(piece) };
        if !piece.is_empty() {
            self.is_written = true;
            said(Said::Content(piece));
        }
    }
}

/// What begins with the first byte that is no white space.
fn document(piece: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == RECORD_SEPARATOR;
    let start = piece.iter().position(|byte| !is_space(byte)).unwrap_or(piece.len());
    piece.get(start..).unwrap_or_default()
}

const RECORD_SEPARATOR: u8 = 0x1e;
