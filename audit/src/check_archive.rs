//! `ledgerline check-archive`: is what a shipper confirmed still there, and still what it was?
//!
//! ```text
//! 2026/11/21/…_512_9f86….jsonl.gz version 3HL4…: holds other lines than its name says (the latest version)
//! 2026/11/21/…_498_11c0….jsonl.gz: missing: a receipt of 2026-11-21T15:53:02Z names it
//! s3://ledger-archive/egress: does not hold: 2 problems; 1439 versions of 1438 segments read, 1439 receipts asked
//! ```
//!
//! Who may only write cannot delete, but can put another version over a name, and whoever reads the
//! bucket plainly gets that one. So every version is read: a segment's name holds the SHA-256 of its
//! lines. Each version is asked for its lock, and each receipt for its object. Nothing is kept of what
//! was read, so memory does not grow with the bucket. It takes the rights of an auditor: to list, and
//! to read versions and locks.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use aws_sdk_s3::types::ObjectVersion;
use clap::Args;
use flate2::write::MultiGzDecoder;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    check_sink::days,
    fault::Fault,
    ledger::GZIP,
    plain::plain,
    progress::Progress,
    say::say,
    store::{
        Lock, LockMode, SinkUrl,
        s3::{Answer, Limits, S3, Trouble, lock_of_head},
    },
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// s3://bucket/prefix, as `ship --to` has it
    url: SinkUrl,
    /// Receipts of a shipper, such as ledger/shipped.jsonl: each object that they name must be there
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipts: Vec<PathBuf>,
    /// How long each version must be locked from when it was written, in days
    #[arg(long, default_value = "180d", value_parser = days, value_name = "DAYS")]
    retention: u32,
    /// AWS profile of the auditor; without it, the default chain of credentials
    #[arg(long, value_name = "NAME")]
    auditor_profile: Option<String>,
}

const AFTER_HELP: &str = "\
Example:
  ledgerline check-archive s3://ledger-archive/egress --receipts ledger/shipped.jsonl --auditor-profile auditor

Said of each: a segment that a receipt names and that is missing, a version that holds other lines than its name says, a name that a \
delete marker hides, a version without a lock, with a lock that is shorter than --retention or than its receipt says, or with \
GOVERNANCE. A second version with the same lines is what a retry leaves, and is only counted. Without receipts nobody can know what \
is missing. What check-sink did to its own objects is reported as well: its report names them.

Exit codes: 0 all of it holds; 1 something does not; 2 it could not be asked.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    if options.url.bucket().is_none() || !options.url.to_string().starts_with("s3://") {
        let text = "only s3:// can be listed so far; for the others compare what was downloaded";
        return Err(Fault::NoAnswer(format!("error: {}: {text}", options.url)));
    }
    crate::ship::block_on(async {
        let profile = options.auditor_profile.as_deref();
        let store = S3::open(&options.url, profile, None).await;
        let store = store.map_err(|error| Fault::NoAnswer(format!("error: {error}")))?;
        let mut check = Check { options, store, counts: Counts::default(), last: String::new() };
        check.versions().await?;
        for file in &options.receipts {
            check.receipts(file).await?;
        }
        check.verdict()
    })
}

#[derive(Debug, Default)]
struct Counts {
    problems: u64,
    segments: u64,
    versions: u64,
    bytes: u64,
    /// Objects that are not named as a segment.
    others: u64,
    receipts: u64,
    /// Lines of the receipts that are of another store, or no receipts.
    elsewhere: u64,
}

struct Check<'a> {
    options: &'a Options,
    store: S3,
    counts: Counts,
    /// The name of the version before.
    last: String,
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

impl Check<'_> {
    fn problem(&mut self, name: &str, text: &str) -> Result<(), Fault> {
        self.counts.problems += 1;
        say(&format!("{}: {text}", plain(name)))
    }

    /// The store did not answer: what it holds is not known.
    fn unasked(&self, what: &str, answer: &Answer) -> Fault {
        Fault::NoAnswer(format!("error: {what}: {}: {answer}", self.options.url))
    }

    fn prefix(&self) -> String {
        let prefix = self.options.url.prefix();
        if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
    }

    /// Every version below the prefix, page after page.
    async fn versions(&mut self) -> Result<(), Fault> {
        let (prefix, mut progress) = (self.prefix(), Progress::new(true));
        let (mut key, mut version) = (None, None);
        loop {
            let request = self.store.client.list_object_versions().bucket(&self.store.bucket);
            let request =
                request.prefix(&prefix).set_key_marker(key).set_version_id_marker(version);
            let page = request.send().await;
            let page = page.map_err(|error| self.unasked("list versions", &Answer::of(&error)))?;
            for marker in page.delete_markers().iter().filter(|it| it.is_latest() == Some(true)) {
                let name = marker.key().unwrap_or_default();
                self.problem(
                    name.strip_prefix(&prefix).unwrap_or(name),
                    "a delete marker hides it",
                )?;
            }
            for found in page.versions() {
                self.version(found, &prefix).await?;
                progress.show(self.counts.bytes);
            }
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            key = page.next_key_marker().map(ToOwned::to_owned);
            version = page.next_version_id_marker().map(ToOwned::to_owned);
            if key.is_none() {
                return Err(self.unasked("list versions", &Answer::of_trouble(Trouble::Broken)));
            }
        }
    }

    async fn version(&mut self, found: &ObjectVersion, prefix: &str) -> Result<(), Fault> {
        let key = found.key().unwrap_or_default();
        let name = key.strip_prefix(prefix).unwrap_or(key);
        let Some(sum) = sum_of(name) else {
            self.counts.others += 1;
            return Ok(());
        };
        self.counts.segments += u64::from(name != self.last);
        self.counts.versions += 1;
        name.clone_into(&mut self.last);
        let version = found.version_id();
        let latest = if found.is_latest() == Some(true) { " (the latest version)" } else { "" };
        let place = format!("{name} version {}", version.unwrap_or("-"));
        match self.lines_of(key, version, found.size()).await {
            Ok(Some(read)) if read == sum => {}
            Ok(Some(_)) => {
                self.problem(&place, &format!("holds other lines than its name says{latest}"))?;
            }
            Ok(None) => self.problem(&place, &format!("is broken gzip{latest}"))?,
            Err(answer) => return Err(self.unasked(&place, &answer)),
        }
        let written = found.last_modified().map(aws_smithy_types::DateTime::secs);
        let written = written.and_then(|second| Timestamp::from_second(second).ok());
        let lock = self.lock(key, version).await.map_err(|answer| self.unasked(&place, &answer))?;
        match lock_problem(lock, written, self.options.retention) {
            Some(problem) => self.problem(&place, &problem),
            None => Ok(()),
        }
    }

    async fn lock(&self, key: &str, version: Option<&str>) -> Result<Option<Lock>, Answer> {
        match lock_of_head(&self.store.head(key, version).await?) {
            Some(lock) => Ok(Some(lock)),
            None => self.store.retention(key, version).await,
        }
    }

    /// The first half of the SHA-256 of the lines in an object; `None` if they cannot be unpacked.
    async fn lines_of(
        &mut self,
        key: &str,
        version: Option<&str>,
        size: Option<i64>,
    ) -> Result<Option<String>, Answer> {
        let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        let request = self.store.client.get_object().bucket(&self.store.bucket).key(key);
        let request = request.set_version_id(version.map(ToOwned::to_owned)).customize();
        let sent = request.config_override(Limits::of(size).config()).send().await;
        let mut body = sent.map_err(|error| Answer::of(&error))?.body;
        let mut lines = Lines::default();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| Answer::of_trouble(Trouble::Broken))?;
            self.counts.bytes += chunk.len() as u64;
            lines.push(&chunk);
        }
        Ok(lines.finish())
    }

    async fn receipts(&mut self, file: &Path) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault::io(file, &error);
        let reader = BufReader::new(File::open(file).map_err(fault)?);
        for line in reader.split(b'\n') {
            let line = line.map_err(fault)?;
            match serde_json::from_slice::<Receipt>(&line) {
                Ok(receipt) if receipt.url == self.options.url.to_string() => {
                    self.counts.receipts += 1;
                    self.receipt(&receipt).await?;
                }
                _ => self.counts.elsewhere += 1,
            }
        }
        Ok(())
    }

    async fn receipt(&mut self, receipt: &Receipt) -> Result<(), Fault> {
        let name = &receipt.name;
        let key = format!("{}{name}", self.prefix());
        let lock = match self.lock(&key, receipt.version.as_deref()).await {
            Err(answer) if matches!(answer.status(), Some(400 | 404 | 405)) => {
                let at = receipt.confirmed_at.as_deref().unwrap_or("a time that it does not say");
                return self
                    .problem(name, &format!("missing: a receipt of {} names it", plain(at)));
            }
            lock => lock.map_err(|answer| self.unasked(name, &answer))?,
        };
        let promised = receipt.until.as_deref().and_then(|until| until.parse::<Timestamp>().ok());
        match (promised, lock) {
            (Some(promised), Some(lock)) if lock.until >= promised - SLACK => Ok(()),
            (Some(promised), Some(lock)) => self.problem(
                name,
                &format!("its lock ends {}, its receipt says {promised}", lock.until),
            ),
            (Some(promised), None) => {
                self.problem(name, &format!("no lock, its receipt says until {promised}"))
            }
            (None, _) => Ok(()),
        }
    }

    fn verdict(&self) -> Result<(), Fault> {
        let Counts { problems, segments, versions, others, receipts, elsewhere, .. } = self.counts;
        let word = if problems == 0 { "holds" } else { "does not hold" };
        let mut text = format!(
            "{}: {word}: {problems} problems; {versions} versions of {segments} segments read, {receipts} receipts asked",
            self.options.url
        );
        if others > 0 {
            text += &format!("; {others} other objects passed over");
        }
        if elsewhere > 0 {
            text += &format!("; {elsewhere} lines that are no receipts of this store");
        }
        match problems {
            0 => say(&text),
            _ => Err(Fault::Refused(text)),
        }
    }
}

/// A store keeps whole seconds.
const SLACK: SignedDuration = SignedDuration::from_secs(1);

fn lock_problem(lock: Option<Lock>, written: Option<Timestamp>, days: u32) -> Option<String> {
    let Some(lock) = lock else { return Some("no lock keeps it".to_owned()) };
    if lock.mode == LockMode::Governance {
        return Some("its lock is GOVERNANCE, which can be bypassed".to_owned());
    }
    // As `ship` has it: the default began when the object was written, a day earlier at most.
    let days_less_one = SignedDuration::from_hours(24 * i64::from(days.saturating_sub(1)));
    let least = written?.checked_add(days_less_one).ok()?;
    (lock.until < least).then(|| format!("its lock ends {}, {days} days are required", lock.until))
}

/// What a segment's name says of its lines: half of their SHA-256. `None` of another name.
fn sum_of(name: &str) -> Option<String> {
    let name = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".jsonl")?;
    let stem = match name.rsplit_once("-again-") {
        Some((stem, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) => stem,
        _ => name,
    };
    let (rest, sum) = stem.rsplit_once('_')?;
    let is_sum = sum.len() == 32 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_sum && rest.split('/').count() == 4 && rest.matches('_').count() >= 3)
        .then(|| sum.to_owned())
}

/// Adds up the lines of an object, which may be gzip: that is seen by how it begins.
#[derive(Default)]
struct Lines {
    begin: Vec<u8>,
    state: Option<State>,
    is_broken: bool,
}

enum State {
    Plain(Sum),
    Packed(Box<MultiGzDecoder<Sum>>),
}

#[derive(Debug, Default)]
struct Sum(Sha256);

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
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
        let begin = std::mem::take(&mut self.begin);
        self.state = Some(match begin.starts_with(&GZIP) {
            true => State::Packed(Box::new(MultiGzDecoder::new(Sum::default()))),
            false => State::Plain(Sum::default()),
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

    fn finish(mut self) -> Option<String> {
        if self.state.is_none() {
            self.open();
        }
        let sum = match self.state? {
            State::Plain(sum) => sum,
            State::Packed(packed) => packed.finish().ok()?,
        };
        let half =
            |sum: Sum| sum.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (!self.is_broken).then(|| half(sum))
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

    fn sum(pieces: &[&[u8]]) -> Option<String> {
        let mut lines = Lines::default();
        pieces.iter().for_each(|piece| lines.push(piece));
        lines.finish()
    }

    #[test]
    fn lines_add_up_the_same_packed_or_plain_and_in_any_pieces() {
        let text = b"one\ntwo\n".repeat(50);
        let name = crate::ship::segment_name(&text);
        let expected = sum_of(&format!("{name}.jsonl.gz"));
        assert!(expected.is_some(), "{name}");
        let two_members = [packed(&text[..100]), packed(&text[100..])].concat();
        for body in [text.clone(), packed(&text), two_members] {
            for cut in 0..=body.len() {
                let (first, second) = body.split_at(cut);
                assert_eq!(sum(&[first, second]), expected, "cut at {cut}");
            }
            let single: Vec<_> = body.chunks(1).collect();
            assert_eq!(sum(&single), expected);
        }
        let whole = packed(&text);
        assert_eq!(sum(&[&whole[..whole.len() - 9]]), None, "broken gzip has no lines");
        assert_ne!(sum(&[&packed(b"forged\n")]), expected);
        assert!(sum(&[]).is_some() && sum(&[b"x"]).is_some());
    }

    #[test]
    fn only_the_name_of_a_segment_says_what_is_in_it() {
        let good = "2026/11/21/20261121T155252.123456Z_20261121T155310.000001Z_gateway-1_512_9f86d081884c7d659a2feaa0c55ad015";
        for end in [".jsonl", ".jsonl.gz", "-again-2.jsonl.gz"] {
            assert_eq!(
                sum_of(&format!("{good}{end}")).unwrap(),
                "9f86d081884c7d659a2feaa0c55ad015"
            );
        }
        for name in [
            "",
            "a.jsonl",
            "canary/1-first.jsonl",
            "receipts/2026/11/21/x.jsonl",
            &good[..90],
            &format!("{good}.txt"),
        ] {
            assert_eq!(sum_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_lock_that_is_missing_soft_or_short_is_a_problem() {
        let written = Timestamp::UNIX_EPOCH;
        let lock = |mode, days: i64| {
            let until = written + SignedDuration::from_hours(24 * days);
            Some(Lock { mode, until })
        };
        for (lock, is_good) in [
            (lock(LockMode::Compliance, 180), true),
            (lock(LockMode::Compliance, 179), true),
            (lock(LockMode::Compliance, 178), false),
            (lock(LockMode::Governance, 400), false),
            (None, false),
        ] {
            assert_eq!(lock_problem(lock, Some(written), 180).is_none(), is_good, "{lock:?}");
        }
    }
}
