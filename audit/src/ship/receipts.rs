//! Receipts: what a store confirmed, one line per object, in `shipped.jsonl`.
//!
//! ```json
//! {"name":"2026/11/21/…jsonl.gz","url":"s3://bucket/egress","endpoint":"https://s3.eu-central-1.amazonaws.com","version":"3HL4…",
//!  "mode":"COMPLIANCE","until":"2027-05-20T15:53:01Z","retention_seconds":15552000,"sha256":"9f86…","bytes":81234,
//!  "entries":512,"torn":0,"confirmed_at":"2026-11-21T15:53:02Z","file":"20261121T155310.000001Z.jsonl","start":0,"end":901234}
//! {"dropped":{"file":"20261121T155310.000001Z.jsonl","start":0,"entries":512,"bytes":901234,"at":"…"}}
//! {"lost":{"what":"segments/20261121T155310.000001Z.jsonl","bytes":901234,"why":"it was taken away unshipped","at":"…"}}
//! {"archived":{"name":"receipts/2026/11/21/…jsonl.gz",…,"lines":1440,"end":648000}}
//! ```
//!
//! They are the position of the shipper: what has a receipt of *this* store is not shipped again. They are no reason to
//! delete: before a file goes, the store itself is asked again for what the receipt names. So a receipt of another store
//! counts for nothing here, and a forged one only costs a question.
//!
//! A receipt is on disk before anything relies on it, in room that is kept for it while there is some; on a disk without
//! even that, it waits in memory and is written as soon as something was deleted. A line that was cut by a crash is cut
//! off at the next start; its object is then put once more and recognised.
//!
//! The file is bounded: its lines go to the bucket as well, and what is there is left out of the file once the sealed file
//! that it speaks of is gone. It is read line by line, and of each receipt only its place is kept in memory.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{File, Metadata},
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dir::{Dir, identity_of, keep_room};
use crate::ledger::{RECEIPTS, object};

/// The receipts of a ledger folder.
#[derive(Debug)]
pub(super) struct Receipts {
    file: File,
    /// The length of the file up to its last whole line.
    len: u64,
    /// Up to where there is room that nobody else can take.
    kept: u64,
    /// When this process last changed the file.
    written: Option<(i64, i64)>,
    place: Place,
    covered: BTreeMap<String, Covered>,
    latest: Option<String>,
    /// Up to where the lines are in the bucket.
    archived: u64,
    /// What earlier runs say to have carried there behind it: the bucket was not asked yet.
    claims: VecDeque<Claim>,
    /// Nothing but receipts was read so far.
    begins_with_receipts: bool,
    /// Lines behind all of that, leaving aside those that only say so.
    fresh: u64,
    /// What the disk had no room for.
    pending: VecDeque<Line>,
    /// Lines that could not be read.
    pub(super) unreadable: u64,
    /// Files that have receipts of other stores, by what those are called.
    pub(super) elsewhere: BTreeMap<String, BTreeSet<String>>,
    /// How often somebody else has written into the file, or replaced it.
    disturbed: u64,
    /// How often that was told.
    told: u64,
}

/// A store, as a receipt names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Where to, without secrets.
    pub(super) url: String,
    /// Who answers for it, where an address alone does not say.
    pub(super) endpoint: Option<String>,
}

/// Which bytes of a file are confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Covered {
    /// By the start of each range.
    ranges: BTreeMap<u64, Range>,
    /// When the last one was confirmed.
    last_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    end: u64,
    kept: Where,
    /// Whether the store itself said so to this process.
    is_asked: bool,
}

/// Where the whole receipt is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Disk { at: u64, len: u32 },
    Memory(Box<Receipt>),
}

impl Covered {
    /// Up to where there is no gap.
    fn end(&self) -> u64 {
        reach(self.ranges.iter())
    }

    fn asked_end(&self) -> u64 {
        reach(self.ranges.iter().filter(|(_, range)| range.is_asked))
    }
}

fn reach<'a>(ranges: impl Iterator<Item = (&'a u64, &'a Range)>) -> u64 {
    ranges.fold(0, |reached, (start, range)| match *start <= reached {
        true => reached.max(range.end),
        false => reached,
    })
}

/// One object that the store holds and keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The object's name below the URL.
    pub(super) name: String,
    /// Where to, without secrets.
    pub(super) url: String,
    /// Who answers there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// `COMPLIANCE`, `GOVERNANCE`, `immutable` for the kernel's attribute, or `unknown` if the store does
    /// not say and that was allowed.
    pub(super) mode: String,
    /// Until when the store keeps it; absent where it keeps it for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Moment>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retention_seconds: Option<u64>,
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

/// What disappeared before it was shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lost {
    pub(super) what: String,
    pub(super) bytes: u64,
    pub(super) why: String,
    pub(super) at: Moment,
}

/// Lines of this file that are in the bucket, up to one of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Archived {
    pub(super) name: String,
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Moment>,
    pub(super) sha256: String,
    pub(super) lines: u64,
    pub(super) end: u64,
    /// The latest sealed file that any receipt so far speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) latest: Option<String>,
    /// What receipts spoke of that are left out of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gone: Option<Gone>,
    pub(super) at: Moment,
}

/// Receipts that stand in the bucket alone, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) objects: u64,
    pub(super) entries: u64,
}

/// Which lines an earlier run says to have carried to the bucket, and which line says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    start: u64,
    end: u64,
    line: (u64, u32),
}

/// Some whole lines that are not in the bucket yet.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
    pub(super) end: u64,
    /// When the first and the last of them were written.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Chunk {
    /// Whether an object of this name, on whatever host it was named, holds these lines.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let stem = object::stem_of(name);
        let end = format!("_{}_{}", self.lines, object::half_sum(&self.bytes));
        stem.starts_with(object::RECEIPTS_FOLDER) && stem.ends_with(&end)
    }
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Dropped { dropped: Dropped },
    Lost { lost: Lost },
    Archived { archived: Archived },
    Receipt(Receipt),
}

impl Line {
    fn at(&self) -> Timestamp {
        match self {
            Self::Dropped { dropped } => dropped.at.0,
            Self::Lost { lost } => lost.at.0,
            Self::Archived { archived } => archived.at.0,
            Self::Receipt(receipt) => receipt.confirmed_at.0,
        }
    }
}

/// A line of ours has some hundred bytes.
const MAX_LINE: u64 = 64 << 10;
/// Room for some thousand receipts.
const ROOM: u64 = 512 << 10;
/// Below this the file is not worth to be written anew.
const COMPACT_FROM: u64 = 1 << 20;
const DRAFT: &str = "shipped.next";
/// More than is ever carried to the bucket at a time.
const MOST_CLAIMED: u64 = 16 << 20;
/// How a file that was written anew says what was left out of it.
const COMPACTED: &str = "compacted";

impl Receipts {
    /// Reads what there is, and cuts off a last line that a crash left unfinished. Of all receipts those are kept in mind
    /// that speak of a file that is `present` and of this `place`.
    pub(super) fn open(dir: &Dir, present: &BTreeSet<String>, place: Place) -> io::Result<Self> {
        if dir.identity_of(RECEIPTS)?.is_none() && dir.identity_of(DRAFT)?.is_some() {
            // Killed between the two names of a file that was written anew.
            dir.rename(DRAFT, dir, RECEIPTS)?;
        }
        let file = dir.append_or_create(RECEIPTS, 0o640)?;
        let mut receipts = Self {
            file,
            len: 0,
            kept: 0,
            written: None,
            place,
            covered: BTreeMap::new(),
            latest: None,
            archived: 0,
            claims: VecDeque::new(),
            begins_with_receipts: true,
            fresh: 0,
            pending: VecDeque::new(),
            unreadable: 0,
            elsewhere: BTreeMap::new(),
            disturbed: 0,
            told: 0,
        };
        receipts.read(present)?;
        receipts.keep_room();
        Ok(receipts)
    }

    fn read(&mut self, present: &BTreeSet<String>) -> io::Result<()> {
        let mut reader = BufReader::with_capacity(256 << 10, self.file.try_clone()?);
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            let at = self.len;
            let is_whole = line.ends_with(b"\n");
            if !is_whole && line.len() as u64 == MAX_LINE {
                self.unreadable += 1;
                self.len += MAX_LINE + skip_line(&mut reader)?;
                continue;
            }
            if !is_whole {
                break;
            }
            self.len += line.len() as u64;
            self.take_line(&line, at, present);
        }
        self.fresh = self.count_fresh()?;
        self.elsewhere.retain(|_, files| {
            files.retain(|file| !self.covered.contains_key(file));
            !files.is_empty()
        });
        let size = self.file.metadata()?.len();
        if size > self.len { self.cut() } else { Ok(()) }
    }

    fn take_line(&mut self, line: &[u8], at: u64, present: &BTreeSet<String>) {
        let line_read = serde_json::from_slice(line);
        let is_begin = self.begins_with_receipts;
        self.begins_with_receipts &= matches!(line_read, Ok(Line::Receipt(_)));
        match line_read {
            Ok(Line::Archived { archived }) => {
                self.take_archived(archived, at, line.len(), is_begin)
            }
            Ok(Line::Receipt(receipt)) => {
                self.note_latest(Some(receipt.file.clone()));
                if present.contains(&receipt.file) {
                    let len = u32::try_from(line.len()).unwrap_or_default();
                    self.take_receipt(&receipt, Where::Disk { at, len });
                }
            }
            Ok(Line::Dropped { .. } | Line::Lost { .. }) => {}
            Err(_) => self.unreadable += u64::from(line.len() > 1),
        }
    }

    /// Lines of the bucket of another store are not in this one. That the lines before a file that was written anew are
    /// there counts where such a file has it: behind nothing but receipts that are still needed.
    fn take_archived(&mut self, archived: Archived, at: u64, len: usize, is_begin: bool) {
        self.note_latest(archived.latest);
        if !self.place.is(&archived.url, archived.endpoint.as_ref()) {
            return;
        }
        let start = self.claims.back().map_or(self.archived, |claim| claim.end);
        let end = archived.end;
        if archived.mode == COMPACTED {
            self.archived = if is_begin && end == at { at } else { self.archived };
        // What was said before the file was written anew counts bytes that are not there any more.
        } else if end > start && end <= at {
            let line = (at, u32::try_from(len).unwrap_or_default());
            self.claims.push_back(Claim { start, end, line });
        }
    }

    fn take_receipt(&mut self, receipt: &Receipt, kept: Where) {
        if self.place.is(&receipt.url, receipt.endpoint.as_ref()) {
            self.cover(receipt, kept, false);
        } else {
            let files = self.elsewhere.entry(place_text(receipt)).or_default();
            files.insert(receipt.file.clone());
        }
    }

    /// Adds a receipt; it is on disk when this returns, unless the disk is full: then it is written when there is room.
    pub(super) fn add(&mut self, receipt: Receipt) -> io::Result<()> {
        self.note_latest(Some(receipt.file.clone()));
        let kept = match self.append_or_hold(Line::Receipt(receipt.clone()))? {
            Some((at, len)) => Where::Disk { at, len },
            None => Where::Memory(Box::new(receipt.clone())),
        };
        self.cover(&receipt, kept, true);
        Ok(())
    }

    /// Says that entries were dropped; it is on disk when this returns.
    pub(super) fn add_dropped(&mut self, dropped: Dropped) -> io::Result<()> {
        self.append(&Line::Dropped { dropped }).map(drop)
    }

    /// Says that entries were lost; it is on disk when this returns, or waits for room.
    pub(super) fn add_lost(&mut self, lost: Lost) -> io::Result<()> {
        self.append_or_hold(Line::Lost { lost }).map(drop)
    }

    /// Says which lines are in the bucket.
    pub(super) fn add_archived(&mut self, archived: Archived, chunk: &Chunk) -> io::Result<()> {
        let end = archived.end;
        self.look_for_changes()?;
        if !self.holds(chunk) {
            // Somebody has changed them meanwhile: what stands there now is carried, too.
            return Ok(());
        }
        self.append(&Line::Archived { archived })?;
        (self.archived, self.fresh) = (end, self.fresh.saturating_sub(chunk.lines));
        Ok(())
    }

    fn holds(&self, chunk: &Chunk) -> bool {
        let mut now = vec![0; chunk.bytes.len()];
        let start = chunk.end.checked_sub(now.len() as u64);
        let read = start.map(|start| self.file.read_exact_at(&mut now, start));
        read.is_some_and(|read| read.is_ok()) && now == chunk.bytes
    }

    /// The next lines of which an earlier run says that they are in the bucket, with what it says; `None`: no more.
    pub(super) fn claimed(&self) -> io::Result<Option<(Chunk, Archived)>> {
        let Some(claim) = self.claims.front() else { return Ok(None) };
        if claim.end - claim.start > MOST_CLAIMED {
            return Err(io::Error::other("nobody carries so much at a time"));
        }
        let mut line = vec![0; claim.line.1 as usize];
        self.file.read_exact_at(&mut line, claim.line.0)?;
        match serde_json::from_slice(&line)? {
            Line::Archived { archived } => {
                Ok(Some((self.window(claim.start, claim.end)?, archived)))
            }
            _ => Err(io::Error::other("a line has changed since it was read")),
        }
    }

    /// The bucket holds what was claimed.
    pub(super) fn note_claim_asked(&mut self) {
        let claim = self.claims.pop_front();
        self.archived = claim.map_or(self.archived, |claim| claim.end.max(self.archived));
    }

    /// The bucket does not: these lines and all that follow are carried there.
    pub(super) fn disbelieve_claims(&mut self) -> io::Result<()> {
        self.claims.clear();
        self.fresh = self.count_fresh()?;
        Ok(())
    }

    /// Up to where this sealed file has receipts, whether or not the store was asked for them.
    pub(super) fn end(&self, file: &str) -> u64 {
        self.covered.get(file).map_or(0, Covered::end)
    }

    /// Up to where the store itself has said so to this process.
    pub(super) fn asked_end(&self, file: &str) -> u64 {
        self.covered.get(file).map_or(0, Covered::asked_end)
    }

    /// When the last object of this sealed file was confirmed.
    pub(super) fn last_at(&self, file: &str) -> Option<Timestamp> {
        self.covered.get(file).map(|covered| covered.last_at)
    }

    /// The latest name of a sealed file that has a receipt, whether or not the file is still there.
    pub(super) fn latest_file(&self) -> Option<&str> {
        self.latest.as_deref()
    }

    /// The whole receipts of a sealed file.
    pub(super) fn of(&self, file: &str) -> Vec<io::Result<Receipt>> {
        let ranges = self.covered.get(file).map(|covered| covered.ranges.values());
        ranges.into_iter().flatten().map(|range| self.load(&range.kept)).collect()
    }

    /// Files of which a receipt was only read, and the store not asked.
    pub(super) fn unasked(&self) -> Vec<String> {
        let is_unasked = |covered: &Covered| covered.ranges.values().any(|range| !range.is_asked);
        let files = self.covered.iter().filter(|(_, covered)| is_unasked(covered));
        files.map(|(file, _)| file.clone()).collect()
    }

    /// The store keeps what the receipts of this file name.
    pub(super) fn note_asked(&mut self, file: &str) {
        if let Some(covered) = self.covered.get_mut(file) {
            covered.ranges.values_mut().for_each(|range| range.is_asked = true);
        }
    }

    fn load(&self, kept: &Where) -> io::Result<Receipt> {
        match kept {
            Where::Memory(receipt) => Ok((**receipt).clone()),
            Where::Disk { at, len } => {
                let mut line = vec![0; *len as usize];
                self.file.read_exact_at(&mut line, *at)?;
                Ok(serde_json::from_slice(&line)?)
            }
        }
    }

    /// Nothing is believed of this file any more, or it is gone.
    pub(super) fn forget(&mut self, file: &str) {
        self.covered.remove(file);
    }

    fn note_latest(&mut self, file: Option<String>) {
        self.latest = self.latest.take().max(file);
    }

    fn cover(&mut self, receipt: &Receipt, kept: Where, is_asked: bool) {
        let covered = self.covered.entry(receipt.file.clone()).or_default();
        covered.ranges.insert(receipt.start, Range { end: receipt.end, kept, is_asked });
        covered.last_at = receipt.confirmed_at.0;
    }

    /// `None`: there is no room, and the line waits.
    fn append_or_hold(&mut self, line: Line) -> io::Result<Option<(u64, u32)>> {
        match self.flush().and_then(|()| self.append(&line)) {
            Ok(place) => Ok(Some(place)),
            Err(error) if is_full(&error) => {
                self.pending.push_back(line);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes what waits for room.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some(line) = self.pending.front().cloned() {
            let (at, len) = self.append(&line)?;
            self.pending.pop_front();
            let Line::Receipt(receipt) = line else { continue };
            let covered = self.covered.get_mut(&receipt.file);
            if let Some(range) = covered.and_then(|c| c.ranges.get_mut(&receipt.start)) {
                range.kept = Where::Disk { at, len };
            }
        }
        Ok(())
    }

    /// How often somebody else has changed the file since this was last asked.
    pub(super) fn take_disturbed(&mut self) -> u64 {
        self.disturbed - std::mem::replace(&mut self.told, self.disturbed)
    }

    /// How many lines wait for room.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.len
    }

    fn append(&mut self, line: &Line) -> io::Result<(u64, u32)> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.look_for_changes()?;
        let at = self.len;
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.len += text.len() as u64,
            Err(error) => {
                self.cut()?;
                return Err(error);
            }
        }
        self.fresh += u64::from(is_fresh(&text));
        self.keep_room();
        Ok((at, u32::try_from(text.len()).unwrap_or_default()))
    }

    /// Whoever else has added something, or cut something off, or written over it: the next line is a line of its own all
    /// the same, and what is carried to the bucket is counted anew.
    fn look_for_changes(&mut self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        let size = metadata.len();
        if size == self.len && self.written == Some(modified(&metadata)) {
            return Ok(());
        }
        self.disturbed += 1;
        let mut last = [0];
        let is_line =
            size == 0 || self.file.read_exact_at(&mut last, size - 1).map(|()| last == *b"\n")?;
        self.len = size;
        self.archived = self.archived.min(size);
        self.claims.clear();
        if !is_line {
            self.file.write_all(b"\n")?;
            self.len += 1;
        }
        self.fresh = self.count_fresh()?;
        self.keep_room();
        Ok(())
    }

    /// Room behind the end; and what the file looks like after the last change of our own.
    fn keep_room(&mut self) {
        if self.kept < self.len + ROOM / 2 && keep_room(&self.file, self.len, ROOM).is_ok() {
            self.kept = self.len + ROOM;
        }
        self.written = self.file.metadata().ok().as_ref().map(modified);
    }

    /// Lines that are not in the bucket, as far as is known.
    fn count_fresh(&self) -> io::Result<u64> {
        let from = self.claims.back().map_or(self.archived, |claim| claim.end);
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(from))?;
        let rest = file.take(self.len.saturating_sub(from));
        let mut reader = BufReader::with_capacity(256 << 10, rest);
        let (mut line, mut fresh) = (Vec::new(), 0);
        while reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
            fresh += u64::from(is_fresh(&line));
            line.clear();
        }
        Ok(fresh)
    }

    /// A half-written line would tear the next one, too.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::End(0))?;
        self.file.sync_all()?;
        self.kept = 0;
        self.keep_room();
        Ok(())
    }

    /// Whether the name is still that of the file that is written; if not, a copy of it takes the name.
    pub(super) fn watch(&mut self, dir: &Dir) -> io::Result<bool> {
        if dir.identity_of(RECEIPTS)? == Some(identity_of(&self.file)?) {
            self.look_for_changes()?;
            return Ok(true);
        }
        self.disturbed += 1;
        let file = draft(dir)?;
        copy(&self.file, 0, self.len, &file)?;
        self.put_in_place(dir, file)?;
        Ok(false)
    }

    fn put_in_place(&mut self, dir: &Dir, file: File) -> io::Result<()> {
        file.sync_all()?;
        dir.rename(DRAFT, dir, RECEIPTS)?;
        dir.sync()?;
        self.file = file;
        self.kept = 0;
        self.keep_room();
        Ok(())
    }

    /// The next lines for the bucket, at most so many bytes of them; `None`: there is nothing new.
    pub(super) fn chunk(&mut self, most: u64) -> io::Result<Option<Chunk>> {
        self.look_for_changes()?;
        let mut start = self.archived;
        // What only says what is in the bucket is no reason to carry anything there.
        while self.fresh > 0 && self.claims.is_empty() && start < self.len {
            let end = (self.len - start).min(most.max(MAX_LINE)) + start;
            let chunk = self.window(start, end)?;
            if chunk.lines > 0 {
                return Ok(Some(chunk));
            }
            start = chunk.end;
        }
        Ok(None)
    }

    /// The whole lines that end between two places.
    fn window(&self, start: u64, end: u64) -> io::Result<Chunk> {
        let len = end.min(self.len).saturating_sub(start);
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, start)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.truncate(whole);
        let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let at = |line: Option<&&[u8]>| {
            line.and_then(|line| serde_json::from_slice::<Line>(line).ok()).map(|line| line.at())
        };
        let (first, last) = (at(lines.first()), at(lines.last()));
        let lines = lines.iter().filter(|line| is_fresh(line)).count() as u64;
        let end = start + bytes.len() as u64;
        let first = first.or(last).unwrap_or_default();
        Ok(Chunk { bytes, lines, end, first, last: last.unwrap_or(first) })
    }

    /// How many lines are not in the bucket.
    pub(super) fn fresh(&self) -> u64 {
        self.fresh
    }

    /// Leaves out what is in the bucket and speaks of no file that is still here, if that is at least half of it.
    pub(super) fn compact(&mut self, dir: &Dir) -> io::Result<bool> {
        self.compact_from(dir, COMPACT_FROM)
    }

    fn compact_from(&mut self, dir: &Dir, least: u64) -> io::Result<bool> {
        let needed: u64 = self.carried().map(|(_, _, len)| u64::from(len)).sum();
        if !self.claims.is_empty() || self.archived < least || needed > self.archived / 2 {
            return Ok(false);
        }
        let mut file = draft(dir)?;
        let (mut moved, mut len) = (BTreeMap::new(), 0);
        for (_, at, count) in self.carried() {
            copy(&self.file, at, u64::from(count), &file)?;
            moved.insert(at, len);
            len += u64::from(count);
        }
        let marker = self.marker(len, self.gone(&moved)?)?;
        file.write_all(&marker)?;
        let (carried, tail) = (len, len + marker.len() as u64);
        copy(&self.file, self.archived, self.len - self.archived, &file)?;
        let before = self.archived;
        for range in self.covered.values_mut().flat_map(|covered| covered.ranges.values_mut()) {
            if let Where::Disk { at, .. } = &mut range.kept {
                *at = moved.get(at).copied().unwrap_or_else(|| at.saturating_sub(before) + tail);
            }
        }
        self.len = tail + (self.len - self.archived);
        self.archived = carried;
        self.put_in_place(dir, file)?;
        Ok(true)
    }

    /// The receipts before what is not archived that are still needed.
    fn carried(&self) -> impl Iterator<Item = (u64, u64, u32)> {
        let ranges = self.covered.values().flat_map(|covered| covered.ranges.iter());
        ranges.filter_map(|(start, range)| match range.kept {
            Where::Disk { at, len } if at < self.archived => Some((*start, at, len)),
            _ => None,
        })
    }

    /// Adds up what is left out: all receipts before what is not archived, but those that are `carried`.
    fn gone(&self, carried: &BTreeMap<u64, u64>) -> io::Result<Gone> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(256 << 10, file.take(self.archived));
        let (mut gone, mut at, mut line) = (Gone::default(), 0, Vec::new());
        while reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
            match serde_json::from_slice(&line) {
                Ok(Line::Receipt(receipt)) if !carried.contains_key(&at) => {
                    gone.add(1, receipt.entries);
                }
                Ok(Line::Archived { archived: Archived { gone: Some(before), .. } }) => {
                    gone.add(before.objects, before.entries);
                }
                _ => {}
            }
            at += line.len() as u64;
            line.clear();
        }
        Ok(gone)
    }

    /// Says that all before it is in the bucket.
    fn marker(&self, end: u64, gone: Gone) -> io::Result<Vec<u8>> {
        let archived = Archived {
            name: object::RECEIPTS_FOLDER.to_owned(),
            url: self.place.url.clone(),
            endpoint: self.place.endpoint.clone(),
            version: None,
            mode: COMPACTED.to_owned(),
            until: None,
            sha256: String::new(),
            lines: 0,
            end,
            latest: self.latest.clone(),
            gone: Some(gone),
            at: Moment(Timestamp::now()),
        };
        let mut text = serde_json::to_vec(&Line::Archived { archived })?;
        text.push(b'\n');
        Ok(text)
    }
}

impl Gone {
    fn add(&mut self, objects: u64, entries: u64) {
        self.objects = self.objects.saturating_add(objects);
        self.entries = self.entries.saturating_add(entries);
    }
}

impl Place {
    /// Whether this store is meant. What an earlier version wrote names no endpoint: the store is asked anyway.
    fn is(&self, url: &str, endpoint: Option<&String>) -> bool {
        let is_same_endpoint = match (&self.endpoint, endpoint) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        self.url == url && is_same_endpoint
    }
}

/// Whether a line has to go to the bucket. Those that only say what is there do not, or they would never end.
fn is_fresh(line: &[u8]) -> bool {
    !line.starts_with(b"{\"archived\":")
}

fn modified(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

fn place_text(receipt: &Receipt) -> String {
    match &receipt.endpoint {
        Some(endpoint) => format!("{} at {endpoint}", receipt.url),
        None => receipt.url.clone(),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn draft(dir: &Dir) -> io::Result<File> {
    dir.remove_if_there(DRAFT)?;
    dir.create(DRAFT, 0o640)
}

fn copy(from: &File, at: u64, len: u64, mut to: &File) -> io::Result<()> {
    let (mut at, end) = (at, at + len);
    let mut buffer = vec![0; 256 << 10];
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..most).unwrap_or_default();
        from.read_exact_at(part, at)?;
        to.write_all(part)?;
        at += most as u64;
    }
    Ok(())
}

/// The rest of a line that is longer than any of ours; how long it is.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(skipped);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(bytes.len(), |end| end + 1);
        reader.consume(count);
        skipped += count as u64;
        if end.is_some() {
            return Ok(skipped);
        }
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
            endpoint: None,
            version: None,
            mode: "immutable".into(),
            until: None,
            retention_seconds: Some(1),
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

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn dir(&self) -> Dir {
            Dir::open(self.0.path()).unwrap()
        }

        fn open(&self) -> Receipts {
            self.open_for("file:///x", None)
        }

        fn open_for(&self, url: &str, endpoint: Option<&str>) -> Receipts {
            let present = ["a", "b", "c"].map(str::to_owned).into();
            let place = Place { url: url.into(), endpoint: endpoint.map(str::to_owned) };
            Receipts::open(&self.dir(), &present, place).unwrap()
        }

        fn path(&self) -> std::path::PathBuf {
            self.0.path().join(RECEIPTS)
        }

        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn a_torn_last_line_is_cut_at_every_byte_and_nothing_else() {
        let fixture = Fixture::new();
        let mut receipts = fixture.open();
        receipts.add(receipt("a", 0, 10)).unwrap();
        let first = fixture.text().len();
        receipts.add(receipt("a", 10, 20)).unwrap();
        let whole = fixture.text();
        for cut in first..=whole.len() {
            fs::write(fixture.path(), &whole[..cut]).unwrap();
            let mut receipts = fixture.open();
            let is_whole = cut == whole.len();
            assert_eq!(receipts.end("a"), if is_whole { 20 } else { 10 }, "{cut}");
            assert_eq!(receipts.unreadable, 0);
            receipts.add(receipt("b", 0, 5)).unwrap();
            let again = fixture.open();
            assert_eq!((again.end("b"), again.unreadable), (5, 0), "{cut}");
        }
    }

    #[test]
    fn only_what_is_covered_from_the_start_counts() {
        let fixture = Fixture::new();
        let mut receipts = fixture.open();
        for (file, start, stop, expected) in
            [("a", 5, 9, 0), ("a", 0, 4, 4), ("a", 4, 5, 9), ("a", 8, 12, 12), ("a", 20, 22, 12)]
        {
            receipts.add(receipt(file, start, stop)).unwrap();
            assert_eq!(receipts.end(file), expected, "{start}..{stop}");
        }
    }

    #[test]
    fn a_dropped_file_is_no_confirmed_one() {
        let fixture = Fixture::new();
        let at = Moment(Timestamp::UNIX_EPOCH);
        let dropped = Dropped { file: "a".into(), start: 0, entries: 3, bytes: 9, at };
        fixture.open().add_dropped(dropped).unwrap();
        let receipts = fixture.open();
        assert_eq!((receipts.end("a"), receipts.unreadable), (0, 0));
        assert!(fixture.text().starts_with(r#"{"dropped":{"file":"a""#));
    }

    #[test]
    fn a_receipt_of_another_store_counts_for_nothing() {
        let fixture = Fixture::new();
        let mut here = fixture.open_for("s3://b/p", Some("https://one"));
        let mut signed = receipt("a", 0, 10);
        (signed.url, signed.endpoint) = ("s3://b/p".into(), Some("https://one".into()));
        here.add(signed).unwrap();
        for (url, endpoint, end) in [
            ("s3://b/p", Some("https://one"), 10),
            ("s3://b/p", Some("https://two"), 0),
            ("s3://b/p", None, 10),
            ("s3://b/q", Some("https://one"), 0),
            ("file:///x", None, 0),
        ] {
            let receipts = fixture.open_for(url, endpoint);
            assert_eq!(receipts.end("a"), end, "{url} {endpoint:?}");
            assert_eq!(receipts.elsewhere.len(), usize::from(end == 0));
            assert_eq!(receipts.unasked().len(), usize::from(end > 0), "it was only read");
        }
    }

    #[test]
    fn the_latest_name_is_remembered() {
        let fixture = Fixture::new();
        let mut receipts = fixture.open();
        receipts.add(receipt("a", 0, 1)).unwrap();
        receipts.add(receipt("z", 0, 1)).unwrap();
        receipts.forget("z");
        assert_eq!((receipts.latest_file(), receipts.end("z")), (Some("z"), 0));
        assert_eq!(fixture.open().latest_file(), Some("z"));
    }

    #[test]
    fn a_file_that_is_replaced_or_cut_or_added_to_is_made_whole_again() {
        let fixture = Fixture::new();
        let dir = fixture.dir();
        let mut receipts = fixture.open();
        receipts.add(receipt("a", 0, 1)).unwrap();
        assert!(receipts.watch(&dir).unwrap());
        fs::remove_file(fixture.path()).unwrap();
        assert!(!receipts.watch(&dir).unwrap());
        fs::write(fixture.path().with_extension("other"), "{}\n").unwrap();
        fs::rename(fixture.path().with_extension("other"), fixture.path()).unwrap();
        assert!(!receipts.watch(&dir).unwrap());
        let mut text = fixture.text();
        text.push_str("forged without an end");
        fs::write(fixture.path(), text).unwrap();
        receipts.add(receipt("b", 0, 2)).unwrap();
        assert_eq!(receipts.disturbed, 3);
        let again = fixture.open();
        assert_eq!((again.end("a"), again.end("b"), again.unreadable), (1, 2, 1));
        assert_eq!(receipts.of("b")[0].as_ref().unwrap().end, 2);
    }

    #[test]
    fn what_is_archived_and_gone_is_left_out_and_the_rest_stays() {
        let fixture = Fixture::new();
        let dir = fixture.dir();
        let mut receipts = fixture.open();
        for number in 0..500 {
            let file = format!("gone-{number:03}");
            receipts.add(receipt(&file, 0, 1)).unwrap();
            receipts.forget(&file);
        }
        receipts.add(receipt("a", 0, 7)).unwrap();
        let lines = archive_all(&mut receipts);
        assert_eq!((lines, receipts.fresh()), (501, 0));
        receipts.add(receipt("b", 0, 9)).unwrap();
        let before = fixture.text().len();
        assert!(receipts.compact_from(&dir, 1000).unwrap());
        assert!(!receipts.compact_from(&dir, 1000).unwrap(), "once is enough");
        assert!(fixture.text().len() < before / 20, "{}", fixture.text());
        for receipts in [receipts, fixture.open()] {
            assert_eq!((receipts.end("a"), receipts.end("b"), receipts.fresh()), (7, 9, 1));
            assert_eq!(receipts.of("a")[0].as_ref().unwrap().end, 7);
            assert_eq!(receipts.of("b")[0].as_ref().unwrap().end, 9);
            assert_eq!(receipts.latest_file(), Some("gone-499"));
            assert_eq!(receipts.unreadable, 0);
        }
    }

    /// Whoever asks for what is not here any more learns the same before and after, however often.
    #[test]
    fn what_is_left_out_is_still_counted() {
        let fixture = Fixture::new();
        let dir = fixture.dir();
        let away = || crate::ledger::away(&fixture.0.path().join("entries.jsonl")).unwrap();
        fs::create_dir(fixture.0.path().join("segments")).unwrap();
        fs::write(fixture.0.path().join("segments/a"), "").unwrap();
        let mut receipts = fixture.open();
        for round in 1..=3 {
            for number in 0..200 {
                let file = format!("gone-{round}-{number:03}");
                receipts.add(Receipt { entries: 5, ..receipt(&file, 0, 1) }).unwrap();
                receipts.forget(&file);
            }
            archive_all(&mut receipts);
            let before = away();
            assert!(receipts.compact_from(&dir, 1000).unwrap());
            assert_eq!(away(), before, "round {round}");
            assert_eq!((before.objects, before.entries), (200 * round, 1000 * round));
        }
    }

    fn archive_all(receipts: &mut Receipts) -> u64 {
        let mut lines = 0;
        while let Some(chunk) = receipts.chunk(1).unwrap() {
            lines += chunk.lines;
            let archived = Archived {
                name: "receipts/x".into(),
                url: "file:///x".into(),
                endpoint: None,
                version: None,
                mode: "immutable".into(),
                until: None,
                sha256: String::new(),
                lines: chunk.lines,
                end: chunk.end,
                latest: receipts.latest_file().map(str::to_owned),
                gone: None,
                at: Moment(Timestamp::UNIX_EPOCH),
            };
            receipts.add_archived(archived, &chunk).unwrap();
        }
        lines
    }

    const FOREIGN: &str = r#"{"archived":{"name":"receipts/x"}}"#;

    /// What says only what is in the bucket is never carried there: a line of that kind that nobody can read, and none at all.
    #[test]
    fn nothing_is_carried_for_ever() {
        for text in [FOREIGN, "{\"archived\":", "{}", "\n", ""] {
            let fixture = Fixture::new();
            fs::write(fixture.path(), format!("{text}\n")).unwrap();
            let mut receipts = fixture.open();
            assert!(archive_all(&mut receipts) <= 2, "{text}");
            assert_eq!(receipts.fresh(), 0, "{text}");
        }
        let fixture = Fixture::new();
        let mut receipts = fixture.open();
        (0..50).for_each(|_| receipts.add(receipt("a", 0, 10)).unwrap());
        fs::OpenOptions::new().write(true).open(fixture.path()).unwrap().set_len(0).unwrap();
        assert_eq!((archive_all(&mut receipts), receipts.fresh()), (0, 0));
        receipts.add(receipt("a", 0, 10)).unwrap();
        assert_eq!((archive_all(&mut receipts), receipts.fresh()), (1, 0));
    }

    #[test]
    fn what_is_changed_in_place_is_told_and_carried() {
        let fixture = Fixture::new();
        let dir = fixture.dir();
        let mut receipts = fixture.open();
        receipts.add(receipt("a", 0, 10)).unwrap();
        assert!(receipts.watch(&dir).unwrap());
        assert_eq!(receipts.take_disturbed(), 0);
        let forged = fixture.text().replace("\"entries\":1", "\"entries\":7");
        fs::write(fixture.path(), forged).unwrap();
        assert!(receipts.watch(&dir).unwrap());
        assert_eq!((receipts.take_disturbed(), receipts.take_disturbed()), (1, 0));
        fs::write(fixture.path(), "").unwrap();
        assert!(receipts.watch(&dir).unwrap());
        assert_eq!((receipts.take_disturbed(), receipts.fresh()), (1, 0));
        assert!(receipts.of("a")[0].is_err(), "its receipt is gone");
    }

    #[test]
    fn what_another_run_says_to_have_carried_is_asked_for_before_anything_is_left_out() {
        let fixture = Fixture::new();
        let dir = fixture.dir();
        let at = Moment(Timestamp::UNIX_EPOCH);
        let lost = || Lost { what: "x".into(), bytes: 1, why: "y".into(), at };
        for forged in ["receipts/2026/11/21/x", "receipts/"] {
            let mut receipts = fixture.open();
            (0..200).for_each(|_| receipts.add_lost(lost()).unwrap());
            let mode = if forged == "receipts/" { COMPACTED } else { "immutable" };
            let text = fixture.text();
            let line = format!(
                r#"{{"archived":{{"name":"{forged}","url":"file:///x","mode":"{mode}","sha256":"","lines":9,"end":{},"at":"{at}"}}}}"#,
                text.len(),
                at = Timestamp::UNIX_EPOCH
            );
            fs::write(fixture.path(), format!("{text}{line}\n")).unwrap();
            let mut receipts = fixture.open();
            assert!(!receipts.compact_from(&dir, 1000).unwrap(), "{forged}");
            receipts.disbelieve_claims().unwrap();
            assert!(!receipts.compact_from(&dir, 1000).unwrap(), "{forged}");
            assert!(receipts.fresh() >= 200, "{forged}");
        }
    }

    #[test]
    fn a_claim_is_the_lines_that_it_names() {
        let fixture = Fixture::new();
        let mut receipts = fixture.open();
        receipts.add(receipt("a", 0, 10)).unwrap();
        let first = receipts.chunk(1).unwrap().unwrap();
        archive_all(&mut receipts);
        receipts.add(receipt("a", 10, 20)).unwrap();
        let mut again = fixture.open();
        let (claimed, _) = again.claimed().unwrap().unwrap();
        assert_eq!((&claimed.bytes, again.fresh()), (&first.bytes, 1));
        let name = format!("receipts/2026/11/21/a_b_gw_1_{}", object::half_sum(&first.bytes));
        for end in [".jsonl", ".jsonl.gz", "-again-3.jsonl.gz"] {
            assert!(claimed.is_named(&format!("{name}{end}")), "{end}");
        }
        assert!(!claimed.is_named(&name.replace("receipts/", "")));
        assert!(!claimed.is_named(&name.replace("_1_", "_2_")));
        assert!(again.chunk(1).unwrap().is_none(), "the bucket is asked first");
        again.note_claim_asked();
        assert!(again.claimed().unwrap().is_none());
        assert_eq!(again.chunk(1).unwrap().unwrap().lines, 1);
    }

    #[test]
    fn receipts_that_were_only_read_confirm_nothing() {
        let fixture = Fixture::new();
        fixture.open().add(receipt("a", 0, 10)).unwrap();
        let mut receipts = fixture.open();
        assert_eq!((receipts.end("a"), receipts.asked_end("a")), (10, 0));
        receipts.add(receipt("a", 10, 20)).unwrap();
        assert_eq!((receipts.end("a"), receipts.asked_end("a")), (20, 0), "a gap before it");
        receipts.note_asked("a");
        assert_eq!(receipts.asked_end("a"), 20);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let fixture = Fixture::new();
        fixture.open().add(receipt("a", 0, 10)).unwrap();
        let text = format!("{}\n{}", "x".repeat(3 << 20), fixture.text());
        fs::write(fixture.path(), text).unwrap();
        let receipts = fixture.open();
        assert_eq!((receipts.end("a"), receipts.unreadable), (10, 1));
        assert_eq!(receipts.of("a")[0].as_ref().unwrap().end, 10);
    }
}
