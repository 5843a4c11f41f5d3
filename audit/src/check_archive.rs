//! `ledgerline check-archive`: is what a shipper confirmed still there, and still what it was?
//!
//! ```text
//! 2026/11/21/…_512_9f86….jsonl.gz version 3HL4…: holds other lines than its name says (the latest version)
//! 2026/11/21/…_498_11c0….jsonl.gz: missing: a receipt of 2026-11-21T15:53:02Z names it
//! s3://ledger-archive/egress: does not hold: 2 problems; 1439 versions of 1438 objects read, 1438 receipts asked
//! ```
//!
//! Who may only write cannot delete, but can put another version over a name, and whoever reads the
//! bucket plainly gets that one. So every version is read: the name of a segment, and of an object of
//! receipts, holds the SHA-256 of its lines. Each version is asked for its lock, and each receipt for
//! its object: the receipts in the bucket, and those that are named besides. Nothing is kept of what
//! was read but the findings of one name at a time, so memory does not grow with the bucket. It takes
//! the rights of an auditor: to list, and to read versions and locks.

mod bucket;
mod content;
mod folder;
mod group;
mod name;
mod report;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    pin::pin,
};

use clap::Args;
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use self::{
    bucket::Bucket,
    content::Whole,
    folder::Folder,
    group::Group,
    report::{Kind, Problem, Report},
};
use crate::{
    check_sink::days,
    fault::Fault,
    format::Format,
    ledger::object,
    progress::Progress,
    store::{Lock, LockMode, SinkUrl},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// s3://bucket/prefix or file:///folder, as `ship --to` has it
    url: SinkUrl,
    /// Receipts of a shipper, such as ledger/shipped.jsonl, besides those in the bucket: each object that they name must be there
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipts: Vec<PathBuf>,
    /// How long each version must be locked from when it was written, in days
    #[arg(long, default_value = "180d", value_parser = days, value_name = "DAYS")]
    retention: u32,
    /// AWS profile of the auditor; without it, the default chain of credentials
    #[arg(long, value_name = "NAME")]
    auditor_profile: Option<String>,
    /// The file:///folder is a copy of this address: receipts of that count, and locks, which no copy has, are not looked at
    #[arg(long, value_name = "URL")]
    copy_of: Option<SinkUrl>,
    /// For a person, or the same facts as JSON: one line for each problem, and the verdict as the last
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Example:
  ledgerline check-archive s3://ledger-archive/egress --receipts ledger/shipped.jsonl --auditor-profile auditor

Said of each: a segment that a receipt names and that is missing, a version that holds other lines than its name says, a name that a \
delete marker hides, a version without a lock, with a lock that is shorter than --retention or than its receipt says, or with \
GOVERNANCE; and what receipts say was lost or dropped before it was shipped. A second version with the same lines is what a retry leaves, and is only counted. A shipper puts its receipts into the \
bucket, and those are asked; what it confirmed since then stands in its shipped.jsonl alone. What no receipt names can be missing \
unseen. The objects of check-sink are known by what stands in them, and passed over with all their versions.

Exit codes: 0 all of it holds; 1 something does not; 2 it could not be asked, or nothing is there.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let report = Report::new(&options.url, options.retention, options.format);
    let place = options.copy_of.as_ref().unwrap_or(&options.url).to_string();
    crate::ship::block_on(async {
        let archive = Archive::open(options).await?;
        let progress = Progress::new(true);
        let mut check = Check { archive: &archive, place, report, group: None, progress, read: 0 };
        match &archive {
            Archive::Bucket(bucket) => bucket.walk(&mut check).await?,
            Archive::Folder(folder) => folder.walk(&mut check).await?,
        }
        check.close()?;
        for file in &options.receipts {
            check.receipts_of(file).await?;
        }
        check.report.verdict()
    })
}

/// What can be listed and read.
enum Archive {
    Bucket(Bucket),
    Folder(Folder),
}

/// What a receipt names, as it is.
enum Held {
    Missing,
    Immutable,
    Locked(Lock),
    Unlocked,
}

impl Archive {
    async fn open(options: &Options) -> Result<Self, Fault> {
        let (url, days) = (&options.url, options.retention);
        match url {
            SinkUrl::S3 { .. } if options.copy_of.is_some() => Err(Fault::NoAnswer(
                "error: --copy-of: a copy is a folder: name it as file:///folder".to_owned(),
            )),
            SinkUrl::S3 { .. } => {
                let profile = options.auditor_profile.as_deref();
                Ok(Self::Bucket(Bucket::open(url, profile, days).await?))
            }
            SinkUrl::Folder { path } => {
                Ok(Self::Folder(Folder::open(url, path, options.copy_of.is_some())?))
            }
            SinkUrl::Azure { .. } | SinkUrl::Google { .. } => Err(Fault::NoAnswer(format!(
                "error: {url}: only s3:// and file:// can be listed so far: download it, and check file:///folder --copy-of {url}"
            ))),
        }
    }

    async fn held(&self, receipt: &Receipt) -> Result<Held, Fault> {
        match self {
            Self::Bucket(bucket) => bucket.held(&receipt.name, receipt.version.as_deref()).await,
            Self::Folder(folder) => folder.held(&receipt.name),
        }
    }
}

/// One version of one name, read.
struct Seen<'a> {
    name: &'a str,
    version: Option<&'a str>,
    is_latest: bool,
    /// `None` of gzip that is broken.
    whole: Option<Whole>,
    /// What is wrong with its lock.
    lock_problem: Option<(Kind, String)>,
}

struct Check<'a> {
    archive: &'a Archive,
    /// Where to, as receipts have it.
    place: String,
    report: Report,
    /// The versions of one name, until the next name.
    group: Option<Group>,
    progress: Progress,
    read: u64,
}

/// What a line of receipts says.
enum Line {
    /// This object is there.
    Receipt(Receipt),
    /// The same, of an object of receipts.
    Archived(Receipt),
    /// Something never arrived.
    Lost(Problem),
    /// Nothing about this store.
    Other,
}

/// As much of a receipt as is asked for here.
#[derive(Deserialize)]
struct Receipt {
    name: String,
    url: String,
    version: Option<String>,
    until: Option<String>,
    /// Of a segment.
    confirmed_at: Option<String>,
    /// Of receipts.
    at: Option<String>,
}

/// The lines of a shipper, by what they begin with.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Archived { archived: Receipt },
    Lost { lost: Lost },
    Dropped { dropped: Dropped },
    Receipt(Receipt),
}

#[derive(Deserialize)]
struct Lost {
    what: String,
    bytes: u64,
    why: String,
    at: String,
}

#[derive(Deserialize)]
struct Dropped {
    file: String,
    entries: u64,
    at: String,
}

impl Line {
    fn read(line: &[u8], place: &str) -> Self {
        let (receipt, of): (Receipt, fn(Receipt) -> Self) = match serde_json::from_slice(line) {
            // What a shipper leaves out of its own file names no object.
            Ok(Said::Archived { archived }) if archived.name == object::RECEIPTS_FOLDER => {
                return Self::Other;
            }
            Ok(Said::Archived { archived }) => (archived, Self::Archived),
            Ok(Said::Receipt(receipt)) => (receipt, Self::Receipt),
            Ok(Said::Lost { lost: Lost { what, bytes, why, at } }) => {
                let text = format!("lost at {at}: {bytes} bytes: {why}");
                return Self::Lost(Problem::new(Kind::Lost, &what, &text));
            }
            Ok(Said::Dropped { dropped: Dropped { file, entries, at } }) => {
                let text = format!("dropped at {at} to make room: {entries} entries");
                return Self::Lost(Problem::new(Kind::Dropped, &file, &text));
            }
            Err(_) => return Self::Other,
        };
        if receipt.url == place { of(receipt) } else { Self::Other }
    }
}

/// A line of a shipper has some hundred bytes.
const MAX_LINE: u64 = 64 << 10;
/// More than a shipper puts into one object of receipts.
const MAX_RECEIPTS: usize = 16 << 20;
/// More than check-sink writes.
const MAX_CANARY: usize = 4 << 10;

impl Check<'_> {
    /// How much of an object is to be held at a time.
    fn kept_of(name: &str) -> usize {
        if name.starts_with(object::RECEIPTS_FOLDER) { MAX_RECEIPTS } else { MAX_CANARY }
    }

    /// Versions of one name come one after the other.
    fn group(&mut self, name: &str) -> Result<&mut Group, Fault> {
        if self.group.as_ref().is_none_or(|group| group.name() != name) {
            self.close()?;
        }
        Ok(self.group.get_or_insert_with(|| Group::new(name)))
    }

    fn close(&mut self) -> Result<(), Fault> {
        self.group.take().map_or(Ok(()), |group| group.close(&mut self.report))
    }

    /// So many bytes more are read.
    fn show(&mut self, bytes: usize) {
        self.read += bytes as u64;
        self.progress.show(self.read);
    }

    fn pass_over(&mut self) {
        self.report.counts.other_objects += 1;
    }

    fn problem(&mut self, kind: Kind, name: &str, text: &str) -> Result<(), Fault> {
        self.group(name)?.add(Problem::new(kind, name, text));
        Ok(())
    }

    async fn version(&mut self, seen: Seen<'_>) -> Result<(), Fault> {
        let lines = self.group(seen.name)?.take(seen);
        self.receipts_in(lines.as_deref().unwrap_or_default()).await
    }

    async fn receipts_of(&mut self, file: &Path) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault::io(file, &error);
        let mut reader = BufReader::new(File::open(file).map_err(fault)?);
        loop {
            let mut lines = Vec::new();
            while lines.len() < AT_A_TIME
                && (&mut reader).take(MAX_LINE).read_until(b'\n', &mut lines).map_err(fault)? > 0
            {
            }
            if lines.is_empty() {
                return Ok(());
            }
            self.receipts_in(&lines).await?;
        }
    }

    /// Takes some lines of receipts; several objects are asked for at a time.
    async fn receipts_in(&mut self, lines: &[u8]) -> Result<(), Fault> {
        let mut receipts = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match Line::read(line, &self.place) {
                Line::Receipt(receipt) => receipts.push((receipt, 1)),
                Line::Archived(receipt) => receipts.push((receipt, 0)),
                Line::Lost(problem) => self.report.problem(&problem)?,
                Line::Other => self.report.counts.other_lines += 1,
            }
        }
        let archive = self.archive;
        let asked = stream::iter(receipts).map(async |(receipt, count)| {
            let held = archive.held(&receipt).await;
            (receipt, count, held)
        });
        let mut asked = pin!(asked.buffered(ASKED_AT_A_TIME));
        while let Some((receipt, count, held)) = asked.next().await {
            self.report.counts.receipts += count;
            if let Some(problem) = receipt.problem(&held?) {
                self.report.problem(&problem)?;
            }
        }
        Ok(())
    }
}

/// So many bytes of a file of receipts, and one line more, are held at a time.
const AT_A_TIME: usize = 1 << 20;
/// How many objects are asked for at a time.
const ASKED_AT_A_TIME: usize = 8;

/// A store keeps whole seconds.
const SLACK: SignedDuration = SignedDuration::from_secs(1);

/// Whoever wrote the receipt chose the time: it may be the first that there is.
fn less_slack(until: Timestamp) -> Timestamp {
    until.checked_sub(SLACK).unwrap_or(Timestamp::MIN)
}

impl Receipt {
    fn problem(&self, held: &Held) -> Option<Problem> {
        let until = self.until.as_deref().and_then(|until| until.parse::<Timestamp>().ok());
        let (kind, text) = match (held, until) {
            (Held::Missing, _) => {
                let at = self.confirmed_at.as_deref().or(self.at.as_deref());
                let at = at.unwrap_or("a time that it does not say");
                (Kind::Missing, format!("missing: a receipt of {at} names it"))
            }
            (Held::Locked(lock), Some(until)) if lock.until < less_slack(until) => {
                let text = format!("its lock ends {}, its receipt says {until}", lock.until);
                (Kind::ShortLock, text)
            }
            (Held::Unlocked, Some(until)) => {
                (Kind::NoLock, format!("no lock, its receipt says until {until}"))
            }
            _ => return None,
        };
        let problem = Problem::new(kind, &self.name, &text);
        Some(Problem { version: self.version.clone(), ..problem })
    }
}

fn lock_problem(
    lock: Option<Lock>,
    written: Option<Timestamp>,
    days: u32,
) -> Option<(Kind, String)> {
    let Some(lock) = lock else { return Some((Kind::NoLock, "no lock keeps it".to_owned())) };
    if lock.mode == LockMode::Governance {
        let text = "its lock is GOVERNANCE, which can be bypassed";
        return Some((Kind::Governance, text.to_owned()));
    }
    // As `ship` has it: the default began when the object was written, a day earlier at most.
    let days_less_one = SignedDuration::from_hours(24 * i64::from(days.saturating_sub(1)));
    let least = written?.checked_add(days_less_one).ok()?;
    let text = || format!("its lock ends {}, {days} days are required", lock.until);
    (lock.until < least).then(|| (Kind::ShortLock, text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(mode: LockMode, days: i64) -> Lock {
        Lock { mode, until: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days) }
    }

    #[test]
    fn a_lock_that_is_missing_soft_or_short_is_a_problem() {
        use LockMode::{Compliance, Governance};
        for (lock, problem) in [
            (Some(lock(Compliance, 180)), None),
            (Some(lock(Compliance, 179)), None),
            (Some(lock(Compliance, 178)), Some(Kind::ShortLock)),
            (Some(lock(Governance, 400)), Some(Kind::Governance)),
            (None, Some(Kind::NoLock)),
        ] {
            let found = lock_problem(lock, Some(Timestamp::UNIX_EPOCH), 180).map(|(kind, _)| kind);
            assert_eq!(found, problem, "{lock:?}");
        }
    }

    #[test]
    fn a_receipt_is_held_to_what_is_there() {
        let receipt = |until: &str| {
            let text = format!(r#"{{"name":"n","url":"s3://b","version":"v"{until}}}"#);
            serde_json::from_str::<Receipt>(&text).unwrap()
        };
        let dated = r#","until":"1970-06-30T00:00:00Z""#;
        for (until, held, problem) in [
            (dated, Held::Locked(lock(LockMode::Compliance, 180)), None),
            (dated, Held::Locked(lock(LockMode::Compliance, 179)), Some(Kind::ShortLock)),
            (dated, Held::Unlocked, Some(Kind::NoLock)),
            (dated, Held::Missing, Some(Kind::Missing)),
            ("", Held::Missing, Some(Kind::Missing)),
            ("", Held::Immutable, None),
            ("", Held::Unlocked, None),
            (
                r#","until":"-009999-01-02T01:59:59Z""#,
                Held::Locked(lock(LockMode::Compliance, 1)),
                None,
            ),
            (
                r#","until":"9999-12-30T22:00:00Z""#,
                Held::Locked(lock(LockMode::Compliance, 1)),
                Some(Kind::ShortLock),
            ),
        ] {
            assert_eq!(
                receipt(until).problem(&held).map(|found| found.problem),
                problem,
                "{until}"
            );
        }
    }

    #[test]
    fn every_line_of_a_shipper_says_something() {
        let read = |line: &str| match Line::read(line.as_bytes(), "s3://b") {
            Line::Receipt(receipt) | Line::Archived(receipt) => receipt.name,
            Line::Lost(problem) => format!("{:?} {}", problem.problem, problem.text),
            Line::Other => "other".to_owned(),
        };
        for (line, said) in [
            (r#"{"name":"n","url":"s3://b","file":"f"}"#, "n"),
            (r#"{"name":"n","url":"s3://c"}"#, "other"),
            (
                r#"{"archived":{"name":"receipts/n","url":"s3://b","mode":"m","at":"t"}}"#,
                "receipts/n",
            ),
            (
                r#"{"archived":{"name":"receipts/","url":"s3://b","mode":"compacted","at":"t"}}"#,
                "other",
            ),
            (r#"{"lost":{"what":"f","bytes":3,"why":"w","at":"t"}}"#, "Lost lost at t: 3 bytes: w"),
            (
                r#"{"dropped":{"file":"f","start":0,"entries":3,"bytes":9,"at":"t"}}"#,
                "Dropped dropped at t to make room: 3 entries",
            ),
            ("{", "other"),
        ] {
            assert_eq!(read(line), said, "{line}");
        }
    }
}
