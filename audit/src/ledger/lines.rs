//! The lines of a file that may still grow, each in bounded memory.
//!
//! A line of any length is read: of one that is too long only the end is kept, because that is where a
//! whole entry would be.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use ledgerline_core::entry::MAX_ENTRY_BYTES;

use super::line::Line;

/// The lines of a ledger that may still grow.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    /// The line was given out; the next one takes its place.
    is_taken: bool,
    /// How much of the beginning of the line is not held any more.
    cut: u64,
    /// Invariant: of a line at least so many of its last bytes are held, and at most twice as many.
    keep: usize,
    number: u64,
    bytes: u64,
}

/// The lines of a file. One that begins as gzip does is decompressed, whatever its name: stores and
/// their clients unpack what is called `.gz`, or keep it packed under another name.
pub(crate) fn open(path: &Path) -> io::Result<Lines<Box<dyn BufRead>>> {
    open_with(path, MAX_ENTRY_BYTES)
}

/// The same for lines that may be longer than an entry: the last `keep` bytes of each are held.
pub(crate) fn open_with(path: &Path, keep: usize) -> io::Result<Lines<Box<dyn BufRead>>> {
    let mut file = BufReader::new(File::open(path)?);
    let reader: Box<dyn BufRead> = match file.fill_buf()?.starts_with(&GZIP) {
        true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        false => Box::new(file),
    };
    Ok(Lines::new(reader, keep))
}

/// How a member of gzip begins (RFC 1952, 2.3.1); no text in UTF-8 has the second byte there.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

impl<R: BufRead> Lines<R> {
    /// Reads from the start of `reader`, and holds the last `keep` bytes of a long line.
    pub(crate) fn new(reader: R, keep: usize) -> Self {
        Self { reader, line: Vec::new(), is_taken: false, cut: 0, keep, number: 0, bytes: 0 }
    }

    /// The next whole line; `None` if there is no more for now.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let is_whole = self.advance()?;
        Ok(is_whole.then(|| self.take_line()))
    }

    /// The next line of a file that nobody writes to: the last one needs no line feed.
    pub(crate) fn next_of_closed(&mut self) -> io::Result<Option<Line<'_>>> {
        let is_whole = self.advance()?;
        Ok((is_whole || !self.line.is_empty()).then(|| self.take_line()))
    }

    /// What stands behind the last line feed, if anything.
    pub(crate) fn rest(&mut self) -> Option<Line<'_>> {
        let is_left = !self.is_taken && !self.line.is_empty();
        is_left.then(|| self.take_line())
    }

    /// How many bytes were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads on to the end of a line; false where the file ends before.
    fn advance(&mut self) -> io::Result<bool> {
        if self.is_taken {
            self.line.clear();
            self.cut = 0;
            self.is_taken = false;
        }
        while self.line.last() != Some(&b'\n') {
            if self.read_some()? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take_line(&mut self) -> Line<'_> {
        self.is_taken = true;
        self.number += 1;
        let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Line { number: self.number, bytes, cut: self.cut }
    }

    /// Adds what is at hand, up to the line feed, and lets go of what is too much.
    fn read_some(&mut self) -> io::Result<usize> {
        let available = match self.reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return self.read_some(),
            available => available?,
        };
        let part = available.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let part = part.get(..self.keep.min(part.len())).unwrap_or(part);
        let count = part.len();
        self.line.extend_from_slice(part);
        self.reader.consume(count);
        self.bytes += count as u64;
        // One more than `keep`, so that a line that is too long by one byte is seen to be so.
        let surplus = self.line.len().saturating_sub(self.keep + 1);
        if surplus > self.keep {
            self.line.drain(..surplus);
            self.cut += surplus as u64;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{
        super::{Content, Whole},
        *,
    };

    fn entry(agent: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"{agent}","user_id":null,"endpoint":null,"method":null,"status":null,"request_hash":null,"response_hash":null,"outcome":"error","correlation_id":null}}"#
        )
    }

    /// What is recovered of a text: `whole`, `recovered` with the agent, or `torn`.
    fn contents(text: &[u8], keep: usize) -> Vec<String> {
        let mut lines = Lines::new(BufReader::with_capacity(7, text), keep);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push(describe(line));
        }
        found.extend(lines.rest().map(describe));
        assert_eq!(lines.bytes(), text.len() as u64);
        found
    }

    fn describe(line: Line<'_>) -> String {
        let agent = |whole: &Whole<'_>| whole.call().unwrap().entry.agent_id.unwrap().into_owned();
        match line.read() {
            Content::Entry(whole) => format!("whole {}", agent(&whole)),
            Content::Recovered(whole) => format!("recovered {}", agent(&whole)),
            Content::Torn(_) => "torn".to_owned(),
        }
    }

    #[test]
    fn wherever_a_line_is_torn_the_entry_behind_it_is_recovered() {
        let (first, second) = (entry("first"), entry("second"));
        for cut in 1..first.len() {
            let text = format!("{}{second}\n{first}\n", &first[..cut]);
            assert_eq!(
                contents(text.as_bytes(), MAX_ENTRY_BYTES),
                ["recovered second", "whole first"],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_entry_that_is_torn_itself_is_none() {
        let (first, second) = (entry("first"), entry("second"));
        for (text, expected) in [
            (format!("{}{}\n", &first[..40], &second[..50]), "torn"),
            (format!("{first}{}\n", &second[..50]), "torn"),
            (format!("{}{}{second}\n", &first[..40], &first[..50]), "recovered second"),
            (format!("{first}{second}\n"), "recovered second"),
            (format!("{}{second}", &first[..40]), "recovered second"),
            (format!("{second} x\n"), "torn"),
            ("\n".to_owned(), "torn"),
            (first[..80].to_owned(), "torn"),
        ] {
            assert_eq!(contents(text.as_bytes(), MAX_ENTRY_BYTES), [expected], "{text}");
        }
    }

    #[test]
    fn a_line_of_any_length_is_read_in_bounded_memory() {
        let good = entry("good");
        let hostile = io::repeat(b'{').take(50 << 20).chain(good.as_bytes()).chain(&b"\n"[..]);
        let text = hostile.chain(good.as_bytes()).chain(&b"\n"[..]);
        let mut lines = Lines::new(BufReader::new(text), MAX_ENTRY_BYTES);
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "recovered good");
        assert!(lines.line.capacity() <= 4 * MAX_ENTRY_BYTES, "{}", lines.line.capacity());
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "whole good");
        assert!(lines.next_line().unwrap().is_none() && lines.rest().is_none());
    }

    #[test]
    fn an_entry_may_have_exactly_its_greatest_length() {
        let room = MAX_ENTRY_BYTES - entry("").len();
        let (most, more) = (entry(&"a".repeat(room)), entry(&"a".repeat(room + 1)));
        let text = format!("{most}\n{more}\n{{{most}\n{{{more}\n");
        let found = contents(text.as_bytes(), MAX_ENTRY_BYTES);
        let words: Vec<_> = found.iter().map(|found| found.split(' ').next().unwrap()).collect();
        assert_eq!(words, ["whole", "torn", "recovered", "torn"]);
    }

    #[test]
    fn a_line_that_grows_is_read_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entries.jsonl");
        let mut file = File::create(&path).unwrap();
        let text = entry("slow");
        file.write_all(&text.as_bytes()[..60]).unwrap();
        let mut lines = open(&path).unwrap();
        assert!(lines.next_line().unwrap().is_none());
        file.write_all(&text.as_bytes()[60..]).unwrap();
        assert!(lines.next_line().unwrap().is_none());
        file.write_all(b"\n").unwrap();
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "whole slow");
    }

    #[test]
    fn a_compressed_file_is_known_by_its_content_and_of_several_members_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entries.jsonl");
        let member = |agent: &str| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(format!("{}\n", entry(agent)).as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let whole = [member("one"), member("two")].concat();
        std::fs::write(&path, &whole).unwrap();
        let mut lines = open(&path).unwrap();
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "whole one");
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "whole two");
        assert!(lines.next_line().unwrap().is_none());
        let unpacked = folder.path().join("unpacked.jsonl.gz");
        std::fs::write(&unpacked, format!("{}\n", entry("plain"))).unwrap();
        let mut lines = open(&unpacked).unwrap();
        assert_eq!(describe(lines.next_line().unwrap().unwrap()), "whole plain");
        std::fs::write(&path, &whole[..whole.len() - 12]).unwrap();
        let mut lines = open(&path).unwrap();
        lines.next_line().unwrap();
        assert!(lines.next_line().is_err(), "a cut file is no whole one");
    }
}
