//! Length-prefixed messages: gRPC, gRPC-web and the streams of Connect.
//!
//! A message stands behind five bytes: flags, and its length (gRPC over HTTP/2,
//! "Length-Prefixed-Message"). It is nearly always protobuf, which without its schema cannot be read,
//! so it says nothing; secrets are found in it by their shape, unless it is compressed.
//!
//! | dialect | flag | how the call ended stands in |
//! |---|---|---|
//! | [`Dialect::Grpc`] | 1: compressed | HTTP trailers |
//! | [`Dialect::Web`] | and 128: the last message | that message, as lines of HTTP/1.1 trailers |
//! | [`Dialect::Connect`] | and 2: the last message | that message, as JSON |
//!
//! Sources: grpc/grpc, `doc/PROTOCOL-WEB.md`; connectrpc.com, "Connect Protocol Reference".

use super::{Said, masked::Payload, tape::Tape};
use crate::{
    base64::Decoder,
    digest::{Hasher, Reading},
    mask::Masked,
    reader::{Paths, Reader, Value},
};

const HEAD_BYTES: usize = 5;
const COMPRESSED: u8 = 1;

/// Whose messages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Grpc,
    Web,
    Connect,
}

impl Dialect {
    /// The flag of the message that tells how the call ended.
    fn last(self) -> u8 {
        match self {
            Self::Grpc => 0,
            Self::Web => 0x80,
            Self::Connect => 2,
        }
    }
}

/// Finds the messages.
#[derive(Clone, Debug)]
pub(super) struct Grpc {
    dialect: Dialect,
    head: [u8; HEAD_BYTES],
    /// How much of the head is known.
    known: usize,
    /// How much of the message is to come.
    left: u64,
    payload: Payload,
    closing: Closing,
    /// Whether the last message was met, and was compressed.
    has_opaque_last: bool,
    /// Whether a compressed message was met.
    is_opaque: bool,
    is_broken: bool,
}

impl Grpc {
    pub(super) fn new(dialect: Dialect, reading: &Reading) -> Self {
        Self {
            dialect,
            head: [0; HEAD_BYTES],
            known: 0,
            left: 0,
            payload: Payload::new(reading),
            closing: Closing::default(),
            has_opaque_last: false,
            is_opaque: false,
            is_broken: false,
        }
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        tape: &mut Tape<'_>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let mut rest = bytes;
        while !self.is_broken && !rest.is_empty() {
            rest = if self.known < HEAD_BYTES {
                self.read_head(rest, tape)
            } else {
                self.pass(rest, tape)
            };
            if self.known == HEAD_BYTES && self.left == 0 && !self.is_broken {
                self.end(tape, said);
            }
        }
        if !rest.is_empty() {
            self.payload.pass(rest, tape);
        }
    }

    /// No more bytes follow. A message that was begun is no event.
    pub(super) fn finish(&mut self, tape: &mut Tape<'_>) {
        if self.is_broken {
            self.payload.pass_end(tape);
        } else {
            let is_masked = self.payload.finish(tape.chain, &mut |_| {});
            tape.break_off(is_masked);
        }
    }

    fn read_head<'b>(&mut self, bytes: &'b [u8], tape: &mut Tape<'_>) -> &'b [u8] {
        if self.known == 0 {
            tape.begin();
        }
        let missing = HEAD_BYTES.saturating_sub(self.known);
        let (piece, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        tape.cross(piece);
        let places = self.head.iter_mut().skip(self.known);
        places.zip(piece).for_each(|(place, byte)| *place = *byte);
        self.known = self.known.saturating_add(piece.len());
        if self.known == HEAD_BYTES {
            self.begin(tape);
        }
        rest
    }

    fn begin(&mut self, tape: &mut Tape<'_>) {
        let [flags, length @ ..] = self.head;
        if flags & !(COMPRESSED | self.dialect.last()) != 0 {
            self.is_broken = true;
            return tape.forget();
        }
        self.left = u64::from(u32::from_be_bytes(length));
        self.is_opaque |= flags & COMPRESSED != 0;
        tape.chain.take(&self.head);
    }

    fn pass<'b>(&mut self, bytes: &'b [u8], tape: &mut Tape<'_>) -> &'b [u8] {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (piece, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        self.left = self.left.saturating_sub(piece.len() as u64);
        tape.cross(piece);
        if self.is_compressed() {
            tape.chain.take(piece);
            return rest;
        }
        self.payload.push(piece, tape.chain, &mut |_| {});
        if self.is_last() {
            self.closing.push(self.dialect, piece);
        }
        rest
    }

    fn end(&mut self, tape: &mut Tape<'_>, said: &mut dyn FnMut(Said<'_>)) {
        match (self.is_last(), self.is_compressed()) {
            (true, true) => self.has_opaque_last = true,
            (true, false) => self.closing.end(self.dialect),
            (false, _) => {}
        }
        self.known = 0;
        let is_masked = self.payload.finish(tape.chain, &mut |_| {});
        tape.end(is_masked);
        said(Said::End { name: b"" });
    }

    fn is_compressed(&self) -> bool {
        self.head[0] & COMPRESSED != 0
    }

    fn is_last(&self) -> bool {
        self.head[0] & self.dialect.last() != 0
    }

    /// How the call ended, by gRPC's numbers, once its last message said so.
    pub(super) fn status(&self) -> Option<u64> {
        self.closing.status
    }

    /// Whether a message was begun and not ended, or what came is none.
    pub(super) fn is_torn(&self) -> bool {
        self.is_broken || self.known > 0
    }

    /// Whether no message said how the call ended where one should; what a compressed one said cannot
    /// be told. gRPC itself says that in trailers.
    pub(super) fn lacks_last(&self) -> bool {
        self.dialect != Dialect::Grpc && self.status().is_none() && !self.has_opaque_last
    }

    pub(super) fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    pub(super) fn masked(&self) -> &Masked {
        self.payload.masked()
    }
}

/// gRPC-web in base64, each piece of it padded or not. Its digest is that of the text; if something
/// in a message was replaced, that of the messages.
#[derive(Clone, Debug)]
pub(super) struct GrpcText {
    pub(super) messages: Grpc,
    decoder: Decoder,
    decoded: Hasher,
}

impl GrpcText {
    pub(super) fn new(reading: &Reading) -> Self {
        Self {
            messages: Grpc::new(Dialect::Web, reading),
            decoder: Decoder::default(),
            decoded: Hasher::new(reading.key.as_ref()),
        }
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        tape: &mut Tape<'_>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        tape.cross(bytes);
        let Self { messages, decoder, decoded } = self;
        let Tape { chain, before, .. } = tape;
        let mut inner = Tape { chain, body: Some(decoded), before };
        decoder.push(bytes, &mut |bytes| messages.push(bytes, &mut inner, said));
    }

    pub(super) fn finish(&mut self, tape: &mut Tape<'_>) {
        let Self { messages, decoded, .. } = self;
        let Tape { chain, body, before } = tape;
        messages.finish(&mut Tape { chain, body: Some(decoded), before });
        if let (Some(body), false) = (body, messages.masked().counts().is_empty()) {
            **body = decoded.clone();
        }
    }
}

/// Reads how the call ended.
#[derive(Clone, Debug, Default)]
struct Closing {
    line: Line,
    document: Option<Box<Document>>,
    status: Option<u64>,
}

impl Closing {
    fn push(&mut self, dialect: Dialect, piece: &[u8]) {
        match dialect {
            Dialect::Connect => self.document.get_or_insert_default().push(piece),
            _ => piece.iter().for_each(|byte| self.step(*byte)),
        }
    }

    fn end(&mut self, dialect: Dialect) {
        match dialect {
            Dialect::Connect => {
                self.status = self.document.take().unwrap_or_default().status();
            }
            _ => self.step(b'\n'),
        }
    }

    fn step(&mut self, byte: u8) {
        if !matches!(byte, b'\r' | b'\n') {
            return self.line.push(byte);
        }
        let line = std::mem::take(&mut self.line);
        self.status = self.status.or(line.grpc_status());
    }
}

/// As much of a line as `grpc-status: 16` takes, with some space.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    bytes: [u8; 32],
    length: usize,
}

impl Line {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    fn grpc_status(&self) -> Option<u64> {
        let line = std::str::from_utf8(self.bytes.get(..self.length)?).ok()?;
        let (name, value) = line.split_once(':')?;
        let is_status = name.trim().eq_ignore_ascii_case("grpc-status");
        is_status.then(|| value.trim().parse().ok())?
    }
}

/// The body of a failed call of Connect that is no stream: `{"code":"unavailable"}`.
#[derive(Debug)]
pub(crate) struct Failure {
    paths: Paths<Word>,
    reader: Reader,
    code: Option<u64>,
}

impl Default for Failure {
    fn default() -> Self {
        let paths = Paths::new(&[("code", Word::Code)]);
        Self { paths, reader: Reader::default(), code: None }
    }
}

impl Failure {
    /// The next bytes of the body.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let Self { paths, reader, code } = self;
        reader.push(paths, piece, &mut |_, value| {
            if let Value::Text { text, .. } = value {
                *code = code_of(text);
            }
        });
    }

    /// Its code, by gRPC's numbers, if it is one.
    pub(crate) fn code(&self) -> Option<u64> {
        self.code
    }
}

/// The last message of a stream of Connect: `{"error":{"code":"unavailable"}}`.
#[derive(Clone, Debug)]
struct Document {
    paths: Paths<Word>,
    reader: Reader,
    /// Its first byte that is no white space: that of an object, or it is none.
    first: Option<u8>,
    has_error: bool,
    code: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Error,
    Code,
}

impl Default for Document {
    fn default() -> Self {
        let paths = Paths::new(&[("error{}", Word::Error), ("error.code", Word::Code)]);
        Self { paths, reader: Reader::default(), first: None, has_error: false, code: None }
    }
}

impl Document {
    fn push(&mut self, piece: &[u8]) {
        let Self { paths, reader, first, has_error, code } = self;
        *first = first.or(piece.trim_ascii_start().first().copied());
        reader.push(paths, piece, &mut |word, value| match (word, value) {
            (Word::Error, _) => *has_error = true,
            (Word::Code, Value::Text { text, .. }) => *code = code_of(text),
            (Word::Code, _) => {}
        });
    }

    /// By gRPC's numbers; an error that nobody knows is the unknown one.
    fn status(&self) -> Option<u64> {
        const UNKNOWN: u64 = 2;
        match (self.has_error, self.code) {
            (true, code) => Some(code.unwrap_or(UNKNOWN)),
            (false, _) => self.first.is_none_or(|first| first == b'{').then_some(0),
        }
    }
}

/// The number of a word of Connect's, which are those of gRPC.
fn code_of(word: &str) -> Option<u64> {
    const WORDS: [&str; 16] = [
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    WORDS.iter().zip(1..).find_map(|(known, number)| (*known == word).then_some(number))
}
