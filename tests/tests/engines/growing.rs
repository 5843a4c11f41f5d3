//! A ledger that grows as Envoy's does, without an Envoy: what was written is known.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// A ledger folder whose live file is appended to, and renamed.
#[derive(Debug)]
pub(crate) struct Growing {
    folder: PathBuf,
    live: File,
    lines: Vec<String>,
    segments: usize,
}

/// How what arrived compares with what was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Lines that were written and did not arrive.
    pub(crate) missing: usize,
    /// Lines that arrived and were never written so.
    pub(crate) strange: usize,
    /// Lines that arrived once more.
    pub(crate) duplicates: usize,
}

impl Growing {
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("segments"))?;
        let live = open(folder)?;
        Ok(Self { folder: folder.into(), live, lines: Vec::new(), segments: 0 })
    }

    /// Adds lines of some hundred bytes each.
    pub(crate) fn write(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.write_line("sales-assistant"))
    }

    /// Adds one line of about 60 KiB.
    pub(crate) fn write_long(&mut self) -> Result<()> {
        self.write_line(&"a".repeat(60 * 1024))
    }

    /// Renames the live file twice, as `ledgerline rotate` does, and begins another.
    pub(crate) fn rotate(&mut self) -> Result<()> {
        self.segments += 1;
        let draining = self.folder.join(format!("entries-{}.draining", self.segments));
        fs::rename(self.folder.join("entries.jsonl"), &draining)?;
        self.live = open(&self.folder)?;
        let name = format!("segments/{}.jsonl", self.segments);
        Ok(fs::rename(draining, self.folder.join(name))?)
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn compare<'a>(&self, arrived: impl IntoIterator<Item = &'a str>) -> Arrived {
        let mut times: BTreeMap<_, usize> =
            self.lines.iter().map(|line| (line.as_str(), 0)).collect();
        let mut strange = 0;
        for line in arrived {
            match times.get_mut(line) {
                Some(count) => *count += 1,
                None => strange += 1,
            }
        }
        Arrived {
            missing: times.values().filter(|count| **count == 0).count(),
            strange,
            duplicates: times.values().map(|count| count.saturating_sub(1)).sum(),
        }
    }

    fn write_line(&mut self, agent: &str) -> Result<()> {
        let number = self.lines.len();
        let line = format!(
            r#"{{"timestamp":"2026-06-30T12:34:56.{:06}Z","agent_id":"{agent}","user_id":null,"endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,"request_hash":null,"response_hash":null,"outcome":"success","correlation_id":"call-{number}"}}"#,
            number % 1_000_000
        );
        self.live.write_all(format!("{line}\n").as_bytes())?;
        self.lines.push(line);
        Ok(())
    }
}

fn open(folder: &Path) -> Result<File> {
    Ok(File::options().create(true).append(true).open(folder.join("entries.jsonl"))?)
}
