//! A segment: whole lines of one sealed file, which become one object.
//!
//! ```text
//! 2026/11/21/20261121T155252.123456Z_20261121T155310.000001Z_gateway-1_512_9f86d081….jsonl.gz
//!            earliest entry          latest entry            host      entries  SHA-256, first half
//! ```
//!
//! Everything in the name comes from the bytes and the host, so whoever ships the same lines again
//! finds the name taken, and a duplicate is recognised. Names sort by time.
//!
//! Bytes are never dropped: a line that is no entry (a file system was full) is counted, and goes
//! along as it is. Where a good entry stands behind a torn one on the same line, both count.

use std::{fs::File, io, os::unix::fs::FileExt, time::UNIX_EPOCH};

use bytes::Bytes;
use ledgerline_core::time::Timestamp;

use crate::ledger::{Content, object};

/// The bytes of one segment, and what is in them.
#[derive(Debug)]
pub(super) struct Segment {
    /// Where it begins in its file.
    pub(super) start: u64,
    pub(super) bytes: Bytes,
    pub(super) count: Count,
}

/// What lines hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Good entries.
    pub(super) entries: u64,
    /// Lines that are no entry, or begin with something that is none.
    pub(super) torn: u64,
    /// The earliest and the latest timestamp.
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

impl Segment {
    /// The segment that begins at `start`, of at most `most` bytes; `None` at the end of the file.
    pub(super) fn read(file: &File, start: u64, most: u64) -> io::Result<Option<Self>> {
        let rest = file.metadata()?.len().saturating_sub(start);
        let mut bytes = read_at(file, start, rest.min(most))?;
        let mut end = cut(&bytes, bytes.len() as u64 == rest);
        if end.is_none() && most < MAX_LINE {
            bytes = read_at(file, start, rest.min(MAX_LINE))?;
            end = first_line(&bytes);
        }
        bytes.truncate(end.unwrap_or(bytes.len()));
        if bytes.is_empty() {
            return Ok(None);
        }
        let count = Count::of_file(&bytes, file)?;
        Ok(Some(Self { start, bytes: bytes.into(), count }))
    }

    /// The segment of exactly these bytes; `None` if the file does not reach so far.
    pub(super) fn exactly(file: &File, start: u64, end: u64) -> io::Result<Option<Self>> {
        let len = end.saturating_sub(start);
        if len == 0 || len > MOST_EXACTLY || file.metadata()?.len() < end {
            return Ok(None);
        }
        let bytes = read_at(file, start, len)?;
        let count = Count::of_file(&bytes, file)?;
        Ok(Some(Self { start, bytes: bytes.into(), count }))
    }

    /// Whether an object of this name, on whatever host it was named, holds these lines.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let stem = object::stem_of(name);
        let ours = self.name("");
        let Some((times, rest)) = ours.split_once("__") else { return false };
        let host = stem.strip_prefix(times).and_then(|stem| stem.strip_suffix(rest));
        host.is_some_and(|host| host.len() > 1 && host.starts_with('_') && host.ends_with('_'))
    }

    /// Where the next one begins.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The name of its object, without the ending.
    pub(super) fn name(&self, host: &str) -> String {
        let span = self.count.span.unwrap_or_default();
        object::stem(span, host, self.count.entries, &self.bytes)
    }
}

/// What [`Segment::name`] calls these lines on this host.
pub(crate) fn segment_name(lines: &[u8]) -> String {
    let segment =
        Segment { start: 0, bytes: Bytes::copy_from_slice(lines), count: Count::of(lines) };
    segment.name(&host_word(&rustix::system::uname().nodename().to_string_lossy()))
}

/// Whatever a receipt says: no object of ours was larger.
const MOST_EXACTLY: u64 = 1 << 30;

/// A line without an end is cut here: no entry is that long.
const MAX_LINE: u64 = 1 << 20;

fn read_at(file: &File, start: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(count).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

/// Where to cut a window, so that lines stay whole; `None` if no line ends in it.
fn cut(window: &[u8], is_last: bool) -> Option<usize> {
    match is_last {
        true => Some(window.len()),
        false => window.iter().rposition(|byte| *byte == b'\n').map(|last| last + 1),
    }
}

fn first_line(window: &[u8]) -> Option<usize> {
    window.iter().position(|byte| *byte == b'\n').map(|end| end + 1)
}

fn modified(file: &File) -> io::Result<Timestamp> {
    let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}

/// A host name as it may stand in an object's name.
pub(super) fn host_word(host: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '-' };
    let word: String = host.chars().map(allowed).take(MAX_HOST).collect();
    if word.is_empty() { "unnamed".to_owned() } else { word }
}

const MAX_HOST: usize = 64;

impl Count {
    /// Where no line tells a time, the file does.
    fn of_file(bytes: &[u8], file: &File) -> io::Result<Self> {
        let mut count = Self::of(bytes);
        if count.span.is_none() {
            let at = modified(file)?;
            count.span = Some((at, at));
        }
        Ok(count)
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut count = Self::default();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.for_each(|line| count.add(line.strip_suffix(b"\n").unwrap_or(line)));
        count
    }

    fn add(&mut self, line: &[u8]) {
        let content = Content::of(line);
        self.torn += u64::from(!matches!(content, Content::Entry(_)));
        let Some(entry) = content.entry() else { return };
        self.entries += 1;
        let at = entry.timestamp();
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn entry(second: u8) -> String {
        format!(
            concat!(
                r#"{{"timestamp":"2026-11-21T15:52:{:02}.000001Z","agent_id":null,"user_id":null,"#,
                r#""endpoint":"a/b","method":"GET","status":200,"request_hash":null,"response_hash":null,"#,
                r#""outcome":"success","correlation_id":"x"}}"#,
                "\n"
            ),
            second
        )
    }

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn segments(file: &File, most: u64) -> Vec<Segment> {
        let mut start = 0;
        std::iter::from_fn(|| {
            let segment = Segment::read(file, start, most).unwrap()?;
            start = segment.end();
            Some(segment)
        })
        .collect()
    }

    #[test]
    fn every_size_cuts_at_line_ends_and_drops_nothing() {
        let text: String = (0..20).map(entry).collect::<String>() + "torn tail";
        let file = file(&text);
        let one = entry(0).len() as u64;
        for most in [1, 50, one - 1, one, 3 * one, 1000, 1 << 20] {
            let segments = segments(&file, most);
            let joined: Vec<u8> = segments.iter().flat_map(|s| s.bytes.to_vec()).collect();
            assert_eq!(joined, text.as_bytes(), "{most}");
            assert_eq!(segments.iter().map(|s| s.count.entries).sum::<u64>(), 20, "{most}");
            assert_eq!(segments.iter().map(|s| s.count.torn).sum::<u64>(), 1, "{most}");
            let (_, whole) = segments.split_last().unwrap();
            assert!(whole.iter().all(|s| s.bytes.ends_with(b"\n")), "{most}");
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let text = "x".repeat(3 << 20);
        let sizes: Vec<_> = segments(&file(&text), 1000).iter().map(|s| s.bytes.len()).collect();
        assert_eq!(sizes, [1 << 20; 3]);
    }

    #[test]
    fn the_name_comes_from_the_bytes_and_sorts_by_time() {
        let file = file(&(entry(7) + &entry(3) + "{\n"));
        let name = segments(&file, 1 << 20).pop().unwrap().name("gw.example");
        let sum = object::half_sum((entry(7) + &entry(3) + "{\n").as_bytes());
        assert_eq!(
            name,
            format!(
                "2026/11/21/20261121T155203.000001Z_20261121T155207.000001Z_gw.example_2_{sum}"
            )
        );
    }

    #[test]
    fn a_name_is_that_of_its_lines_and_of_no_others() {
        let (one, other) = (file(&(entry(7) + &entry(3))), file(&(entry(7) + &entry(4))));
        let segment = segments(&one, 1 << 20).pop().unwrap();
        let name = segment.name("gw_1-again-x");
        for end in [".jsonl", ".jsonl.gz", "-again-3.jsonl.gz"] {
            assert!(segment.is_named(&format!("{name}{end}")), "{end}");
            assert!(!segments(&other, 1 << 20).pop().unwrap().is_named(&format!("{name}{end}")));
        }
        assert!(!segment.is_named("") && !segment.is_named(".jsonl"));
        let len = one.metadata().unwrap().len();
        let again = Segment::exactly(&one, 0, len).unwrap().unwrap();
        assert_eq!(again.name("h"), segment.name("h"));
        assert!(Segment::exactly(&one, 0, len + 1).unwrap().is_none());
        assert!(Segment::exactly(&one, 5, 5).unwrap().is_none());
        assert!(Segment::exactly(&one, 9, 5).unwrap().is_none());
    }

    #[test]
    fn without_a_timestamp_the_file_gives_the_time() {
        let segment = segments(&file("no entry\n"), 100).pop().unwrap();
        assert_eq!((segment.count.entries, segment.count.torn), (0, 1));
        assert!(segment.name("h").starts_with("20"), "{}", segment.name("h"));
    }

    #[test]
    fn torn_lines_are_counted_and_the_entry_behind_is_found() {
        let good = entry(1);
        for (text, entries, torn) in [
            (good.clone(), 1, 0),
            (good.trim_end().to_owned(), 1, 0),
            (good[..40].to_owned() + "\n", 0, 1),
            (good[..40].to_owned() + &good, 1, 1),
            (good[..40].to_owned() + &good[..60] + &good, 1, 1),
            ("\n".to_owned(), 0, 1),
            ("\0\0\0\n".to_owned() + &good, 1, 1),
            ("{}\n[]\n\"timestamp\"\n".to_owned(), 0, 3),
            (format!("{}{good}", "x".repeat(200_000)), 1, 1),
        ] {
            let count = Count::of(text.as_bytes());
            assert_eq!((count.entries, count.torn), (entries, torn), "{text:.80}");
        }
    }

    #[test]
    fn a_host_cannot_leave_its_place_in_the_name() {
        for (host, word) in
            [("gw-1.example", "gw-1.example"), ("a/b_c ü", "a-b-c--"), ("", "unnamed")]
        {
            assert_eq!(host_word(host), word);
        }
        assert_eq!(host_word(&"x".repeat(500)).len(), 64);
    }
}
