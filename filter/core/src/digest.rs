//! The digest of a body: SHA-256 over the bytes as they crossed the gateway, with every secret in
//! them replaced.
//!
//! A 2 GB upload and a ten-hour stream need the same few hundred bytes of state, because each chunk
//! is hashed as it passes and then forgotten. The end of a body is a type: an HTTP message can end
//! in its headers, with its last chunk, with trailers, or not at all, and only who knows which one
//! it was can say what a digest covers.

use std::{fmt, ops::Deref, rc::Rc};

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest as _, Sha256};

use crate::{
    json,
    key::Key,
    mask::{Masked, Masker, Rules, Scan, Syntax},
    stream::{Said, Stream},
    words::words,
};

/// A SHA-256 digest, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The digest of `bytes` in one step.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 digits.
    pub(crate) fn to_hex(self) -> Hex {
        let mut digits = [0; 64];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = json::hex(byte);
        }
        Hex(digits)
    }
}

/// The digits of a [`Digest`].
pub(crate) struct Hex([u8; 64]);

impl Deref for Hex {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse_hex(&text)
            .map(Self)
            .ok_or_else(|| de::Error::custom("expected 64 lower-case hexadecimal digits"))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

words! {
    /// How a body ended.
    pub enum End {
        /// With its last byte, or in the headers if there was no body.
        Complete = "complete",
        /// With trailers after its last byte.
        Trailers = "trailers",
        /// The far side (the upstream) broke it off.
        Reset = "reset",
        /// The near side (the client) broke it off.
        Aborted = "aborted",
        /// The gateway answered itself: the response body is the gateway's own, or the request body
        /// was not read to its end because of that answer.
        LocalReply = "local_reply",
    }
}

/// How bodies are read: what is secret in them, and under which key they are hashed.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What is secret.
    pub rules: Rc<Rules>,
    /// The key; without one the digest is plain SHA-256.
    pub key: Option<Key>,
}

/// The bytes of a block of a body that nothing else divides.
pub const BLOCK_BYTES: usize = 64 * 1024;

/// One body on its way: its running digest, its length, and its end once it has one.
#[derive(Clone, Debug, Default)]
pub struct Body {
    digest: Running,
    /// The digest at the end of each block, chained, if that is wanted.
    blocks: Option<Box<Blocks>>,
    scan: Option<Scan>,
    /// None if the bytes cannot be looked into.
    masker: Option<Masker>,
    bytes: u64,
    end: Option<End>,
}

/// A body digest over its life.
#[derive(Clone, Debug, Default)]
enum Running {
    /// No body can pass, or none was announced yet.
    #[default]
    Closed,
    Open(Hasher),
    Done(Digest),
    /// A chunk passed that the host did not hand over: no digest can be true any more.
    Lost,
}

/// The chain over the blocks of a body: each link holds the digest of the body up to there, so a
/// prefix can be proven, and nothing is hashed twice.
#[derive(Clone, Debug)]
struct Blocks {
    stream: Stream,
    /// Bytes up to the end of the block that the body is in.
    left: usize,
}

/// Hashes `bytes`, with a stop at the end of each block.
fn absorb(hasher: &mut Hasher, blocks: &mut Option<Box<Blocks>>, mut bytes: &[u8]) {
    if let Some(blocks) = blocks {
        while let Some((head, rest)) = bytes.split_at_checked(blocks.left) {
            hasher.update(head);
            blocks.stream.link(hasher.finish());
            blocks.left = BLOCK_BYTES;
            bytes = rest;
        }
        blocks.left = blocks.left.saturating_sub(bytes.len());
    }
    hasher.update(bytes);
}

/// SHA-256, or HMAC-SHA-256 if there is a key.
#[derive(Clone, Debug)]
pub(crate) enum Hasher {
    Plain(Sha256),
    Keyed(Box<Hmac<Sha256>>),
}

impl Hasher {
    pub(crate) fn new(key: Option<&Key>) -> Self {
        match key {
            Some(key) => Self::Keyed(Box::new(key.mac())),
            None => Self::Plain(Sha256::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(sha) => sha2::Digest::update(sha, bytes),
            Self::Keyed(mac) => mac.update(bytes),
        }
    }

    pub(crate) fn finish(&self) -> Digest {
        match self.clone() {
            Self::Plain(sha) => Digest(sha.finalize().into()),
            Self::Keyed(mac) => Digest(mac.finalize().into_bytes().into()),
        }
    }
}

impl Body {
    /// A body may follow the headers, written in `syntax`.
    pub fn open(&mut self, reading: &Reading, syntax: Syntax) {
        if self.is_closed() {
            self.digest = Running::Open(Hasher::new(reading.key.as_ref()));
            self.scan = Some(syntax.scan());
            self.masker = match syntax {
                Syntax::Opaque => None,
                syntax => Some(Masker::new(Rc::clone(&reading.rules), syntax)),
            };
        }
    }

    /// The body is divided by nothing but its length: its blocks become the events of `stream`, which
    /// is of [`Kind::Chunked`](crate::stream::Kind::Chunked).
    pub fn link_blocks(&mut self, stream: Stream) {
        self.blocks = Some(Box::new(Blocks { stream, left: BLOCK_BYTES }));
    }

    /// The body is divided into events after all.
    pub(crate) fn unlink_blocks(&mut self) {
        self.blocks = None;
    }

    /// The blocks as a stream, if they are linked.
    pub fn blocks(&self) -> Option<&Stream> {
        self.blocks.as_ref().map(|blocks| &blocks.stream)
    }

    /// Whether no body was announced, which is not the same as one of no bytes.
    pub fn is_closed(&self) -> bool {
        matches!(self.digest, Running::Closed)
    }

    /// The next bytes, in order. There is nothing to push to before [`Body::open`].
    pub fn push(&mut self, chunk: &[u8]) {
        self.push_to(chunk, &mut |_| {});
    }

    /// The next bytes, in order; what is decided of them by now also goes to `view`, masked.
    pub fn push_to(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8])) {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        let Self { digest: Running::Open(hasher), masker, blocks, .. } = self else { return };
        let mut take = |bytes: &[u8]| {
            absorb(hasher, blocks, bytes);
            view(bytes);
        };
        match masker {
            Some(masker) => masker.push(chunk, &mut take),
            None => take(chunk),
        }
    }

    /// The next bytes of a body in frames, which `stream` finds, masks and hashes: a stream whose
    /// kind [is framed](crate::stream::Kind::is_framed).
    pub fn push_frames(
        &mut self,
        chunk: &[u8],
        stream: &mut Stream,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        if let Running::Open(hasher) = &mut self.digest {
            stream.push_frames(chunk, Some(hasher), said);
        }
    }

    /// A body in frames ended.
    pub fn finish_frames(&mut self, end: End, stream: &mut Stream, said: &mut dyn FnMut(Said<'_>)) {
        self.end.get_or_insert(end);
        if let Running::Open(hasher) = &mut self.digest {
            let is_complete = matches!(end, End::Complete | End::Trailers);
            stream.finish_frames(is_complete, Some(hasher), said);
            self.digest = Running::Done(hasher.finish());
        }
    }

    /// Bytes passed that could not be read; the digest is given up rather than be wrong.
    pub fn lose(&mut self) {
        self.digest = Running::Lost;
        self.blocks = None;
    }

    /// The message ended. The first end counts: later ones are echoes of it.
    pub fn finish(&mut self, end: End) {
        self.finish_to(end, &mut |_| {});
    }

    /// The message ended; what was not decided before goes to `view`.
    pub fn finish_to(&mut self, end: End, view: &mut dyn FnMut(&[u8])) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        let Self { digest: Running::Open(hasher), masker, blocks, .. } = self else { return };
        if let Some(masker) = masker {
            masker.finish(&mut |bytes| {
                absorb(hasher, blocks, bytes);
                view(bytes);
            });
        }
        // Of a body that was announced and never came there is nothing to tell a hash of.
        let has_come = self.bytes > 0 || matches!(end, End::Complete | End::Trailers);
        self.digest = match has_come {
            true => Running::Done(hasher.finish()),
            false => Running::Closed,
        };
    }

    /// The gateway wrote this body itself, whatever end it came to.
    pub fn answer_locally(&mut self) {
        self.finish(End::LocalReply);
        self.end = Some(End::LocalReply);
    }

    /// What looked like the end of the message was none by the words of its protocol.
    pub(crate) fn tear(&mut self, end: End) {
        self.end = Some(end);
    }

    /// The digest of all bytes that crossed; `None` until the end, if no body could pass, or if a
    /// chunk was lost.
    pub fn digest(&self) -> Option<Digest> {
        match self.digest {
            Running::Done(digest) => Some(digest),
            Running::Closed | Running::Open(_) | Running::Lost => None,
        }
    }

    /// Whether a chunk was lost.
    pub fn is_lost(&self) -> bool {
        matches!(self.digest, Running::Lost)
    }

    /// How far the body is looked into, if one could pass.
    pub fn scan(&self) -> Option<Scan> {
        self.masker.as_ref().map(Masker::scan).or(self.scan)
    }

    /// What was replaced so far; `None` if the body is not looked into.
    pub fn masked(&self) -> Option<&Masked> {
        self.masker.as_ref().map(Masker::masked)
    }

    /// Whether the bytes are looked into.
    pub fn is_scanned(&self) -> bool {
        self.masker.as_ref().is_some_and(|masker| masker.scan() != Scan::Opaque)
    }

    /// Payload bytes that crossed so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How it ended, once it did.
    pub fn end(&self) -> Option<End> {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn opened(reading: &Reading, syntax: Syntax) -> Body {
        let mut body = Body::default();
        body.open(reading, syntax);
        body
    }

    fn ended(chunks: &[&[u8]]) -> Body {
        let mut body = opened(&Reading::default(), Syntax::Text);
        chunks.iter().for_each(|chunk| body.push(chunk));
        body.finish(End::Complete);
        body
    }

    #[test]
    fn digests_are_those_of_sha256sum() {
        assert_eq!(ended(&[]).digest().unwrap().to_string(), EMPTY);
        assert_eq!(ended(&[b"abc"]).digest().unwrap().to_string(), ABC);
        assert_eq!(ended(&[b"a", b"", b"bc"]).digest().unwrap().to_string(), ABC);
    }

    #[test]
    fn a_message_without_a_body_has_no_digest() {
        let mut body = Body::default();
        body.finish(End::Complete);
        assert_eq!((body.digest(), body.bytes(), body.end()), (None, 0, Some(End::Complete)));
    }

    #[test]
    fn the_digest_is_that_of_the_masked_view() {
        let json = br#"{"password":"hunter2","n":1}"#;
        let view = br#"{"password":"***REDACTED***","n":1}"#;
        for (syntax, hashed, masked) in [
            (Syntax::Json, &view[..], Some(1)),
            (Syntax::Text, &view[..], Some(1)),
            (Syntax::Opaque, &json[..], None),
        ] {
            let mut body = opened(&Reading::default(), syntax.clone());
            json.chunks(3).for_each(|chunk| body.push(chunk));
            body.finish(End::Complete);
            assert_eq!(body.digest(), Some(Digest::of(hashed)), "{syntax:?}");
            assert_eq!((body.bytes(), body.scan()), (json.len() as u64, Some(syntax.scan())));
            let counts = body.masked().map(|masked| masked.counts().values().sum());
            assert_eq!(counts, masked);
        }
    }

    #[test]
    fn a_keyed_digest_is_an_hmac() {
        let key = Key::new("k", &[7; 32]).unwrap();
        let mac = key.sign(b"abc");
        let mut body = opened(&Reading { key: Some(key), ..Reading::default() }, Syntax::Text);
        body.push(b"ab");
        body.push(b"c");
        body.finish(End::Complete);
        assert_eq!(body.digest(), Some(Digest(mac)));
    }

    #[test]
    fn the_first_end_counts() {
        let mut body = ended(&[b"abc"]);
        body.finish(End::Aborted);
        assert_eq!(body.end(), Some(End::Complete));
        assert_eq!(body.digest().unwrap().to_string(), ABC);
    }

    #[test]
    fn a_lost_chunk_leaves_no_digest() {
        let mut body = opened(&Reading::default(), Syntax::Text);
        body.push(b"a");
        body.lose();
        body.push(b"c");
        body.finish(End::Complete);
        assert_eq!((body.digest(), body.is_lost()), (None, true));
    }

    #[test]
    fn hex_reads_back_and_refuses_anything_else() {
        let digest = Digest::of(b"abc");
        let json = format!("\"{digest}\"");
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        for bad in ["", "ba", &ABC.to_uppercase(), &format!("{ABC}00"), &format!("{}é", &ABC[..62])]
        {
            assert!(serde_json::from_str::<Digest>(&format!("\"{bad}\"")).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_split_of_a_body_has_the_digest_of_the_whole(
            bytes: Vec<u8>,
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let body = ended(&chunks);
            prop_assert_eq!(body.digest(), Some(Digest::of(&bytes)));
            prop_assert_eq!(body.bytes(), bytes.len() as u64);
        }
    }
}
