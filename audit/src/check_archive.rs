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
};

use clap::Args;
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
GOVERNANCE. A second version with the same lines is what a retry leaves, and is only counted. A shipper puts its receipts into the \
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

/// As much of a receipt as is asked for here.
#[derive(Deserialize)]
struct Receipt {
    name: String,
    url: String,
    version: Option<String>,
    until: Option<String>,
    confirmed_at: Option<String>,
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
        if name.starts_with(name::RECEIPTS) { MAX_RECEIPTS } else { MAX_CANARY }
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
        let Some(lines) = lines else { return Ok(()) };
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.receipt_line(line).await?;
        }
        Ok(())
    }

    async fn receipts_of(&mut self, file: &Path) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault::io(file, &error);
        let mut reader = BufReader::new(File::open(file).map_err(fault)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(fault)?;
            match line.strip_suffix(b"\n").unwrap_or(&line) {
                [] if line.is_empty() => return Ok(()),
                [] => {}
                line => self.receipt_line(line).await?,
            }
        }
    }

    async fn receipt_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        match serde_json::from_slice::<Receipt>(line) {
            Ok(receipt) if receipt.url == self.place => self.receipt(&receipt).await,
            _ => {
                self.report.counts.other_lines += 1;
                Ok(())
            }
        }
    }

    async fn receipt(&mut self, receipt: &Receipt) -> Result<(), Fault> {
        self.report.counts.receipts += 1;
        let held = self.archive.held(receipt).await?;
        match receipt.problem(&held) {
            None => Ok(()),
            Some(problem) => self.report.problem(&problem),
        }
    }
}

/// A store keeps whole seconds.
const SLACK: SignedDuration = SignedDuration::from_secs(1);

impl Receipt {
    fn problem(&self, held: &Held) -> Option<Problem> {
        let until = self.until.as_deref().and_then(|until| until.parse::<Timestamp>().ok());
        let (kind, text) = match (held, until) {
            (Held::Missing, _) => {
                let at = self.confirmed_at.as_deref().unwrap_or("a time that it does not say");
                (Kind::Missing, format!("missing: a receipt of {at} names it"))
            }
            (Held::Locked(lock), Some(until)) if lock.until < until - SLACK => {
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
        ] {
            assert_eq!(
                receipt(until).problem(&held).map(|found| found.problem),
                problem,
                "{until}"
            );
        }
    }
}
