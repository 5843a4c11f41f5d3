//! What stands in an object: the sum of its lines, and, where it is short, the lines themselves.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::{
    check_sink::canary::KIND,
    ledger::{Content, GZIP},
};

/// Adds up the lines of an object, which may be gzip: that is seen by how it begins.
pub(super) struct Reader {
    begin: Vec<u8>,
    state: Option<State>,
    most: usize,
    is_broken: bool,
}

enum State {
    Plain(Sum),
    Packed(Box<MultiGzDecoder<Sum>>),
}

/// All of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// The first half of the SHA-256 of its lines, as a name has it.
    pub(super) sum: String,
    /// Its lines; `None` if there is more of them than was asked for.
    pub(super) lines: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Sum {
    hash: Sha256,
    kept: Option<Vec<u8>>,
    most: usize,
}

impl Sum {
    fn new(most: usize) -> Self {
        Self { hash: Sha256::new(), kept: Some(Vec::new()), most }
    }

    fn whole(self) -> Whole {
        let sum = self.hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Whole { sum, lines: self.kept }
    }
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        self.kept.take_if(|kept| kept.len() > self.most);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Reader {
    /// One that keeps lines of at most so many bytes.
    pub(super) fn keeping(most: usize) -> Self {
        Self { begin: Vec::new(), state: None, most, is_broken: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.state.is_none() {
            self.begin.extend_from_slice(bytes);
            if self.begin.len() >= GZIP.len() {
                self.open();
            }
            return;
        }
        self.write(bytes);
    }

    fn open(&mut self) {
        let (begin, sum) = (std::mem::take(&mut self.begin), Sum::new(self.most));
        self.state = Some(match begin.starts_with(&GZIP) {
            true => State::Packed(Box::new(MultiGzDecoder::new(sum))),
            false => State::Plain(sum),
        });
        self.write(&begin);
    }

    fn write(&mut self, bytes: &[u8]) {
        let written = match &mut self.state {
            Some(State::Plain(sum)) => sum.write_all(bytes),
            Some(State::Packed(packed)) => packed.write_all(bytes),
            None => Ok(()),
        };
        self.is_broken |= written.is_err();
    }

    /// `None` of gzip that is broken.
    pub(super) fn finish(mut self) -> Option<Whole> {
        if self.state.is_none() {
            self.open();
        }
        let sum = match self.state? {
            State::Plain(sum) => sum,
            State::Packed(packed) => packed.finish().ok()?,
        };
        (!self.is_broken).then(|| sum.whole())
    }
}

impl Whole {
    /// Whether all of it is what `check-sink` writes: its lines say so.
    pub(super) fn is_canary(&self) -> bool {
        let Some(lines) = &self.lines else { return false };
        let is_canary = |line: &[u8]| {
            let content = Content::of(line);
            content.entry().is_some_and(|entry| entry.kind().as_deref() == Some(KIND))
        };
        let mut lines =
            lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
        lines.peek().is_some() && lines.all(is_canary)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    fn read(pieces: &[&[u8]], most: usize) -> Option<Whole> {
        let mut reader = Reader::keeping(most);
        pieces.iter().for_each(|piece| reader.push(piece));
        reader.finish()
    }

    fn sum(pieces: &[&[u8]]) -> Option<String> {
        read(pieces, 0).map(|whole| whole.sum)
    }

    #[test]
    fn lines_add_up_the_same_packed_or_plain_and_in_any_pieces() {
        let text = b"one\ntwo\n".repeat(50);
        let name = crate::ship::segment_name(&text);
        let expected = super::super::name::sum_of(&format!("{name}.jsonl.gz"));
        assert!(expected.is_some(), "{name}");
        let two_members = [packed(&text[..100]), packed(&text[100..])].concat();
        for body in [text.clone(), packed(&text), two_members] {
            for cut in 0..=body.len() {
                let (first, second) = body.split_at(cut);
                assert_eq!(sum(&[first, second]), expected, "cut at {cut}");
            }
            let single: Vec<_> = body.chunks(1).collect();
            assert_eq!(sum(&single), expected);
            assert_eq!(read(&single, text.len()).unwrap().lines.as_deref(), Some(&*text));
            assert_eq!(read(&single, text.len() - 1).unwrap().lines, None, "more than was asked");
        }
        let whole = packed(&text);
        assert_eq!(sum(&[&whole[..whole.len() - 9]]), None, "broken gzip has no lines");
        assert_ne!(sum(&[&packed(b"forged\n")]), expected);
        assert!(sum(&[]).is_some() && sum(&[b"x"]).is_some());
    }

    #[test]
    fn a_bomb_takes_no_memory() {
        let whole = read(&[&packed(&vec![b'x'; 64 << 20])], 4096).unwrap();
        assert_eq!(whole.lines, None);
    }

    #[test]
    fn a_canary_is_told_by_what_every_line_says() {
        let canary = |line: &str| line.replace("KIND", r#""kind":"canary""#);
        let line = concat!(
            r#"{"timestamp":"2026-11-21T15:52:01.000001Z","agent_id":null,"user_id":null,"endpoint":null,"#,
            r#""method":null,"status":null,"request_hash":null,"response_hash":null,"outcome":null,"#,
            r#""correlation_id":"0123456789abcdef0123456789abcdef",KIND}"#,
            "\n"
        );
        let of = |text: &str| read(&[text.as_bytes()], 4096).unwrap().is_canary();
        assert!(of(&canary(line)));
        assert!(of(&canary(line).repeat(2)));
        assert!(!of(&line.replace("KIND", r#""kind":"call""#)));
        assert!(!of(&(canary(line) + &line.replace("KIND", r#""kind":"call""#))));
        assert!(!of(&(canary(line) + "no entry\n")));
        assert!(!of("") && !of("\n"));
    }
}
