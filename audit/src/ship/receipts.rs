//! Receipts: what the store confirmed, one line per object, in `shipped.jsonl`.
//!
//! ```json
//! {"name":"2026/11/21/…jsonl.gz","url":"s3://bucket/audit","version":"3HL4…","mode":"COMPLIANCE",
//!  "until":"2027-05-20T15:53:01Z","sha256":"9f86…","bytes":81234,"entries":512,"torn":0,
//!  "confirmed_at":"2026-11-21T15:53:02Z","file":"20261121T155310.000001Z.jsonl","start":0,"end":901234}
//! {"dropped":{"file":"20261121T155310.000001Z.jsonl","start":0,"entries":512,"bytes":901234,"at":"…"}}
//! ```
//!
//! They are the position of the shipper: what has a receipt is never shipped again, and only a file
//! that is covered by receipts from its first to its last byte may go. A receipt is on disk before
//! anything relies on it. A line that was cut by a crash is cut off at the next start; its object is
//! then put once more and recognised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The receipts of a ledger folder.
#[derive(Debug)]
pub(super) struct Receipts {
    file: File,
    /// The length of the file up to its last whole line.
    len: u64,
    covered: BTreeMap<String, Covered>,
    /// Lines that could not be read.
    pub(super) unreadable: u64,
}

/// Which bytes of a file are confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Covered {
    /// The end of each range by its start.
    ranges: BTreeMap<u64, u64>,
    /// When the last one was confirmed.
    pub(super) last_at: Timestamp,
}

impl Covered {
    /// Up to where there is no gap.
    pub(super) fn end(&self) -> u64 {
        let reach = |reached: u64, (start, end): (&u64, &u64)| match *start <= reached {
            true => reached.max(*end),
            false => reached,
        };
        self.ranges.iter().fold(0, reach)
    }
}

/// One object that the store holds and keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The object's name below the URL.
    pub(super) name: String,
    /// Where to, without secrets.
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// `COMPLIANCE`, `GOVERNANCE`, `immutable` for the kernel's attribute, or `unknown` if the store does
    /// not say and that was allowed.
    pub(super) mode: String,
    /// Until when the store keeps it; absent where it keeps it for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Moment>,
    /// Of the object as stored.
    pub(super) sha256: String,
    /// Of the object as stored.
    pub(super) bytes: u64,
    pub(super) entries: u64,
    pub(super) torn: u64,
    pub(super) confirmed_at: Moment,
    /// The sealed file, and which of its bytes.
    pub(super) file: String,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Entries that were deleted without having been shipped, to make room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub(super) file: String,
    pub(super) start: u64,
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) at: Moment,
}

/// A time as RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Moment(pub(super) Timestamp);

impl TryFrom<String> for Moment {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.0.to_string()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Dropped { dropped: Dropped },
    Receipt(Receipt),
}

impl Receipts {
    /// Reads what there is, and cuts off a last line that a crash left unfinished.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let options = OpenOptions::new().read(true).append(true).create(true).mode(0o640).clone();
        let mut file = options.open(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut receipts =
            Self { file, len: whole as u64, covered: BTreeMap::new(), unreadable: 0 };
        if whole < text.len() {
            receipts.cut()?;
        }
        text.get(..whole).unwrap_or_default().split(|b| *b == b'\n').for_each(|l| receipts.read(l));
        Ok(receipts)
    }

    fn read(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(Line::Receipt(receipt)) => self.cover(&receipt),
            Ok(Line::Dropped { .. }) => {}
            Err(_) => self.unreadable += u64::from(!line.is_empty()),
        }
    }

    /// Adds a receipt; it is on disk when this returns.
    pub(super) fn add(&mut self, receipt: Receipt) -> io::Result<()> {
        let line = Line::Receipt(receipt);
        self.append(&line)?;
        if let Line::Receipt(receipt) = &line {
            self.cover(receipt);
        }
        Ok(())
    }

    /// Says that entries were dropped; it is on disk when this returns.
    pub(super) fn add_dropped(&mut self, dropped: Dropped) -> io::Result<()> {
        self.append(&Line::Dropped { dropped })
    }

    /// Up to where this sealed file is confirmed.
    pub(super) fn end(&self, file: &str) -> u64 {
        self.covered.get(file).map_or(0, Covered::end)
    }

    /// When the last object of this sealed file was confirmed.
    pub(super) fn last_at(&self, file: &str) -> Option<Timestamp> {
        self.covered.get(file).map(|covered| covered.last_at)
    }

    /// The latest name of a sealed file that has a receipt, whether or not the file is still there.
    pub(super) fn latest_file(&self) -> Option<&str> {
        self.covered.last_key_value().map(|(file, _)| file.as_str())
    }

    /// Forgets all files but these, and the latest name.
    pub(super) fn keep_only(&mut self, files: &BTreeSet<String>) {
        let latest = self.latest_file().map(ToOwned::to_owned);
        self.covered.retain(|file, _| files.contains(file) || latest.as_ref() == Some(file));
    }

    fn cover(&mut self, receipt: &Receipt) {
        let covered = self.covered.entry(receipt.file.clone()).or_default();
        let end = covered.ranges.entry(receipt.start).or_default();
        *end = receipt.end.max(*end);
        covered.last_at = receipt.confirmed_at.0;
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.len += text.len() as u64,
            Err(_) => self.cut()?,
        }
        written
    }

    /// A half-written line would tear the next one, too.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::End(0))?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn receipt(file: &str, start: u64, end: u64) -> Receipt {
        let at = Moment(Timestamp::UNIX_EPOCH);
        Receipt {
            name: "n".into(),
            url: "file:///x".into(),
            version: None,
            mode: "immutable".into(),
            until: None,
            sha256: "00".into(),
            bytes: 1,
            entries: 1,
            torn: 0,
            confirmed_at: at,
            file: file.into(),
            start,
            end,
        }
    }

    #[test]
    fn a_torn_last_line_is_cut_at_every_byte_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shipped.jsonl");
        let mut receipts = Receipts::open(&path).unwrap();
        receipts.add(receipt("a", 0, 10)).unwrap();
        let first = fs::read(&path).unwrap().len();
        receipts.add(receipt("a", 10, 20)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in first..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut receipts = Receipts::open(&path).unwrap();
            let is_whole = cut == whole.len();
            assert_eq!(receipts.end("a"), if is_whole { 20 } else { 10 }, "{cut}");
            assert_eq!(receipts.unreadable, 0);
            receipts.add(receipt("b", 0, 5)).unwrap();
            let again = Receipts::open(&path).unwrap();
            assert_eq!((again.end("b"), again.unreadable), (5, 0), "{cut}");
        }
    }

    #[test]
    fn only_what_is_covered_from_the_start_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut receipts = Receipts::open(&folder.path().join("s")).unwrap();
        for (file, start, stop, expected) in [
            ("a", 5, 9, 0),
            ("a", 0, 4, 4),
            ("a", 0, 3, 4),
            ("a", 4, 5, 9),
            ("a", 8, 12, 12),
            ("a", 20, 22, 12),
        ] {
            receipts.add(receipt(file, start, stop)).unwrap();
            assert_eq!(receipts.end(file), expected, "{start}..{stop}");
        }
    }

    #[test]
    fn a_dropped_file_is_no_confirmed_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let at = Moment(Timestamp::UNIX_EPOCH);
        let dropped = Dropped { file: "a".into(), start: 0, entries: 3, bytes: 9, at };
        Receipts::open(&path).unwrap().add_dropped(dropped).unwrap();
        let receipts = Receipts::open(&path).unwrap();
        assert_eq!((receipts.end("a"), receipts.unreadable), (0, 0));
        assert!(fs::read_to_string(&path).unwrap().starts_with(r#"{"dropped":{"file":"a""#));
    }

    #[test]
    fn the_latest_name_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut receipts = Receipts::open(&folder.path().join("s")).unwrap();
        receipts.add(receipt("a", 0, 1)).unwrap();
        receipts.add(receipt("b", 0, 1)).unwrap();
        receipts.keep_only(&BTreeSet::new());
        assert_eq!((receipts.latest_file(), receipts.end("a")), (Some("b"), 0));
    }
}
