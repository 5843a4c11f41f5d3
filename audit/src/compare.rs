//! `ledgerline compare`: does the file say what its witness says?
//!
//! ```text
//! different: 2997 entries in both, 0 only in the ledger, 3 only in the witness
//!   ledger: 3009 entries in 4 files, 12 of them duplicates
//!   witness: 3000 entries in 1 file
//! only in the witness, so the ledger lost or changed something:
//!   2026-06-30T12:34:56.000000Z c9f8e7 api.stripe.com/v1/charges
//! ```
//!
//! The gateway may write each entry twice: into its file, which is the ledger, and over the network to
//! a collector, the witness. The witness misses what was written while the collector was down. What
//! only the witness has is what this command looks for: a line that was lost, changed or deleted in
//! the file.
//!
//! Lines are compared by their SHA-256, so memory grows by some 50 bytes per entry, whatever is in
//! it. Engines deliver some lines twice; a duplicate is counted, and is no difference.

mod otlp;
mod sources;

use std::{
    collections::{HashMap, HashSet},
    fmt::{self, Write as _},
    ops::ControlFlow,
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::sources::Sources;
use crate::{
    check_sink::canary,
    fault::Fault,
    format::Format,
    ledger::{Content, Counts, Whole},
    plain::plain,
    say::{say, say_json},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// What the gateway wrote: files, or folders with such files
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    ledger: Vec<PathBuf>,
    /// The copy that went another way: files, or folders with such files
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    witness: Vec<PathBuf>,
    /// Of the entries that only one side has, print so many of each side
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    list: usize,
    /// For a person, or one JSON object
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  ledgerline compare --ledger ledger/ --witness witness/
  ledgerline compare --ledger entries.jsonl bucket/ --witness witness.jsonl --list 100

A path is a file or a folder. A file holds entries as lines (.jsonl, .txt, .draining), or OTLP as the
OpenTelemetry Collector's file exporter writes it (.jsonl, .json); each also compressed (.gz). Of a
folder all such files are read, except connections.jsonl and shipped.jsonl, which hold no entries.
What check-sink wrote to try a storage is passed over, by its kind, and by its name where an older one wrote it.

Only in the ledger: the collector did not take it. Envoy's counter logs_dropped says how many there were.
Only in the witness: the ledger lost or changed it. Find out why.

Exit codes: 0 the same; 1 different, or lines that are no entries; 2 the question could not be asked.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let ledger = Sources::find(&options.ledger)?;
    let witness = Sources::find(&options.witness)?;
    ledger.check_apart(&witness)?;
    let mut seen = Seen::default();
    let mut report = Report {
        ledger: seen.read(&ledger, |times| &mut times.in_ledger)?,
        witness: seen.read(&witness, |times| &mut times.in_witness)?,
        ..Report::default()
    };
    report.count(&seen);
    report.ledger.list(&ledger, options.list, |hash| seen.times(hash).in_witness == 0)?;
    report.witness.list(&witness, options.list, |hash| seen.times(hash).in_ledger == 0)?;
    report.print(options.format)?;
    report.verdict()
}

type Hash = [u8; 32];

/// How often a line is on each side, by its hash.
#[derive(Debug, Default)]
struct Seen(HashMap<Hash, Times>);

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    in_ledger: u32,
    in_witness: u32,
}

/// What is said of two sides.
#[derive(Debug, Default, Serialize)]
struct Report {
    equal: bool,
    /// How many entries both sides have, each counted once.
    both: u64,
    ledger: Side,
    witness: Side,
}

/// What one side holds.
#[derive(Debug, Default, Serialize)]
struct Side {
    files: usize,
    /// Whole entries, duplicates among them.
    entries: u64,
    /// Of these, entries that were there before.
    duplicates: u64,
    /// How many entries only this side has, each counted once.
    only_here: u64,
    /// The first of them.
    first_only_here: Vec<Named>,
    /// What `check-sink` wrote; no entries of a call, and not compared.
    canaries: u64,
    /// Lines that are not just an entry.
    torn_lines: u64,
    /// Of these, lines with a whole entry behind the tear, which counts as an entry.
    recovered: u64,
    #[serde(skip)]
    problem: Option<String>,
}

/// As much of an entry as is told. None of it is secret.
#[derive(Debug, Serialize)]
struct Named {
    timestamp: String,
    correlation_id: Option<String>,
    endpoint: Option<String>,
}

impl Seen {
    fn times(&self, hash: &Hash) -> Times {
        self.0.get(hash).copied().unwrap_or_default()
    }

    fn read(
        &mut self,
        sources: &Sources,
        of_side: impl Fn(&mut Times) -> &mut u32,
    ) -> Result<Side, Fault> {
        let mut side = Side { files: sources.len(), ..Side::default() };
        let mut counts = Counts::default();
        sources.for_each(|content| {
            counts.add(content);
            if is_canary(content) {
                side.canaries += 1;
            } else if let Some(whole) = content.entry() {
                let times = of_side(self.0.entry(hash(whole.bytes)).or_default());
                side.entries += 1;
                side.duplicates += u64::from(*times > 0);
                *times = times.saturating_add(1);
            }
            ControlFlow::Continue(())
        })?;
        (side.torn_lines, side.recovered) = (counts.torn, counts.recovered);
        side.problem = counts.problem();
        Ok(side)
    }
}

impl Side {
    /// Reads the files once more, for the names of the entries that only this side has.
    fn list(
        &mut self,
        sources: &Sources,
        most: usize,
        is_only_here: impl Fn(&Hash) -> bool,
    ) -> Result<(), Fault> {
        let wanted = most.min(usize::try_from(self.only_here).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(());
        }
        let mut listed = HashSet::new();
        sources.for_each(|content| {
            if let Some(whole) = content.entry().filter(|_| !is_canary(content)) {
                let hash = hash(whole.bytes);
                if is_only_here(&hash) && listed.insert(hash) {
                    self.first_only_here.push(Named::of(whole));
                }
            }
            match listed.len() == wanted {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
    }

    fn text(&self) -> String {
        let files = if self.files == 1 { "file" } else { "files" };
        let entries = format!("{} entries in {} {files}", self.entries, self.files);
        let duplicates = match self.duplicates {
            0 => String::new(),
            count => format!(", {count} of them duplicates"),
        };
        let problem = self.problem.as_ref().map(|problem| format!("; {problem}"));
        format!("{entries}{duplicates}{}", problem.unwrap_or_default())
    }
}

impl Report {
    fn count(&mut self, seen: &Seen) {
        for times in seen.0.values() {
            match (times.in_ledger, times.in_witness) {
                (_, 0) => self.ledger.only_here += 1,
                (0, _) => self.witness.only_here += 1,
                _ => self.both += 1,
            }
        }
        let sides = [&self.ledger, &self.witness];
        self.equal = sides.iter().all(|side| side.only_here == 0 && side.torn_lines == 0);
    }

    fn print(&self, format: Format) -> Result<(), Fault> {
        match format {
            Format::Text => say(&self.text()),
            Format::Json => {
                let text = serde_json::to_string(self)
                    .map_err(|error| Fault::NoAnswer(format!("error: the report: {error}")))?;
                say_json(&text)
            }
        }
    }

    fn text(&self) -> String {
        let verdict = if self.equal { "equal" } else { "different" };
        let mut text = format!(
            "{verdict}: {} entries in both, {} only in the ledger, {} only in the witness\n  \
             ledger: {}\n  witness: {}",
            self.both,
            self.ledger.only_here,
            self.witness.only_here,
            self.ledger.text(),
            self.witness.text(),
        );
        let lost = "only in the witness: the ledger lost or changed it";
        list_text(&mut text, lost, &self.witness);
        let missed = "only in the ledger: the witness did not get it";
        list_text(&mut text, missed, &self.ledger);
        text
    }

    /// The report is what there is to say; the fault is only about the exit code.
    fn verdict(&self) -> Result<(), Fault> {
        match self.equal {
            true if self.both == 0 => {
                Err(Fault::NoAnswer("error: no entry on either side, nothing was compared".into()))
            }
            true => Ok(()),
            false => Err(Fault::Refused("the ledger and its witness differ".into())),
        }
    }
}

fn list_text(text: &mut String, title: &str, side: &Side) {
    if side.first_only_here.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}");
    for named in &side.first_only_here {
        let _ = write!(text, "\n  {named}");
    }
    let rest = side.only_here.saturating_sub(side.first_only_here.len() as u64);
    if rest > 0 {
        let _ = write!(text, "\n  and {rest} more (--list shows more)");
    }
}

impl Named {
    fn of(whole: &Whole<'_>) -> Self {
        Self {
            timestamp: whole.timestamp().to_string(),
            correlation_id: whole.correlation_id().map(ToOwned::to_owned),
            endpoint: whole.endpoint().map(ToOwned::to_owned),
        }
    }
}

impl fmt::Display for Named {
    /// What a caller chose is escaped: it is printed on a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| plain(value.as_deref().unwrap_or("-")).into_owned();
        write!(f, "{} {} {}", self.timestamp, text(&self.correlation_id), text(&self.endpoint))
    }
}

/// Whether `check-sink` wrote it, by its kind.
fn is_canary(content: &Content<'_>) -> bool {
    let kind = content.entry().and_then(Whole::kind);
    kind.is_some_and(|kind| kind == canary::KIND)
}

fn hash(line: &[u8]) -> Hash {
    Sha256::digest(line).into()
}
