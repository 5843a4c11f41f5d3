//! The hash chain of streams, as the filter makes it and as `tests/vectors/chain.py` does.
//!
//! The vectors are for whoever writes a third implementation; here they hold the first two together.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use ledgerline_core::{
    digest::{Body, Digest, End, Reading},
    key::Key,
    mask::Syntax,
    stream::{Kind, Stream},
};
use ledgerline_tests::workspace;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    kind: Kind,
    /// In base64.
    stream: String,
    /// How often that makes the stream.
    repeat: usize,
    /// In hexadecimal digits.
    key: Option<String>,
    complete: bool,
    /// What is replaced in frames. The masker knows it by its name.
    secrets: Vec<String>,
    links: Vec<Digest>,
    chunk_chain: Option<Digest>,
    body_hash: Digest,
}

fn folder() -> PathBuf {
    workspace::root().join("tests/vectors")
}

fn vectors() -> Vec<Vector> {
    let text = fs::read_to_string(folder().join("stream.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        base64(&self.stream).repeat(self.repeat)
    }

    fn reading(&self) -> Reading {
        let key = self.key.as_deref().map(|digits| Key::new("k", &hex(digits)).unwrap());
        Reading { key, ..Reading::default() }
    }

    /// The stream and its body as the filter sees them, in chunks of one size.
    fn stream(&self, size: usize) -> (Stream, Digest) {
        let (bytes, reading) = (self.bytes(), self.reading());
        let mut stream = Stream::new(self.kind, &reading, true);
        if self.kind.is_framed() {
            let mut body = Body::default();
            body.open(&reading, Syntax::Opaque);
            bytes.chunks(size).for_each(|chunk| body.push_frames(chunk, &mut stream, &mut |_| {}));
            let end = if self.complete { End::Complete } else { End::Reset };
            body.finish_frames(end, &mut stream, &mut |_| {});
            return (stream, body.digest().unwrap());
        }
        if self.kind == Kind::Chunked {
            for end in (1..=bytes.len() / BLOCK_BYTES).map(|count| count * BLOCK_BYTES) {
                stream.link(digest(&reading, bytes.get(..end).unwrap()));
            }
        }
        bytes.chunks(size).for_each(|chunk| stream.push(chunk, &mut |_| {}));
        stream.finish(self.complete, &mut |_| {});
        (stream, digest(&reading, &bytes))
    }
}

const BLOCK_BYTES: usize = 64 * 1024;

fn digest(reading: &Reading, bytes: &[u8]) -> Digest {
    let mut body = Body::default();
    body.open(reading, Syntax::Opaque);
    body.push(bytes);
    body.finish(End::Complete);
    body.digest().unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().as_chunks::<2>().0;
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn base64(text: &str) -> Vec<u8> {
    let value = |character: u8| match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for character in text.bytes().filter(|character| *character != b'=') {
        (bits, count) = (bits << 6 | u32::from(value(character)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

fn python(arguments: &[&str]) -> Output {
    let script = folder().join("chain.py");
    let output = Command::new("python3").arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_filter_makes_the_chains_of_the_vectors() {
    let vectors = vectors();
    assert!(vectors.len() > 30);
    for vector in vectors {
        for size in [1, 7, 64, 1 << 20] {
            let (stream, body) = vector.stream(size);
            assert_eq!(body, vector.body_hash, "in chunks of {size}: {vector:?}");
            assert_eq!(stream.event_hashes(), vector.links, "in chunks of {size}: {vector:?}");
            assert_eq!(stream.chain(), vector.chunk_chain, "{vector:?}");
            assert_eq!(stream.events(), vector.links.len() as u64, "{vector:?}");
        }
    }
}

#[test]
fn the_script_makes_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream");
    for vector in vectors() {
        fs::write(&file, vector.bytes()).unwrap();
        let mut arguments = vec![vector.kind.as_str(), file.to_str().unwrap()];
        if let Some(key) = &vector.key {
            arguments.extend(["--key-hex", key]);
        }
        if !vector.complete {
            arguments.push("--aborted");
        }
        arguments.extend(vector.secrets.iter().flat_map(|secret| ["--secret", secret]));
        let chain = vector.chunk_chain.map_or("none".to_owned(), |chain| chain.to_string());
        let wanted = format!("{} {chain}\n", vector.links.len());
        assert_eq!(String::from_utf8_lossy(&python(&arguments).stdout), wanted, "{vector:?}");
        arguments.push("--body");
        let wanted = format!("{}\n", vector.body_hash);
        assert_eq!(String::from_utf8_lossy(&python(&arguments).stdout), wanted, "{vector:?}");
    }
}
