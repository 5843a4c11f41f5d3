//! Lines with their multiplicity: what stood in a file, what stands in a store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// How often each line occurs.
#[derive(Clone, Debug, Default)]
pub struct Lines(BTreeMap<Vec<u8>, u64>);

impl Lines {
    /// All lines of a ledger folder, shipped or not: the live file, files that are being rotated, and sealed ones.
    pub fn in_ledger(folder: &Path) -> Result<Self> {
        let mut lines = Self::default();
        for file in ledger_files(folder)? {
            let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
            lines.add(&bytes);
        }
        Ok(lines)
    }

    /// Adds each line of `bytes`; a last one without a line feed counts, too.
    pub fn add(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.add_line(line.strip_suffix(b"\n").unwrap_or(line));
        }
    }

    /// Adds one line, without its line feed.
    pub fn add_line(&mut self, line: &[u8]) {
        *self.0.entry(line.to_vec()).or_default() += 1;
    }

    /// How many lines, each as often as it occurs.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many lines occur again.
    pub fn repeated(&self) -> u64 {
        self.count() - self.0.len() as u64
    }

    /// How many of these lines are not in `other` at all.
    pub fn missing_in(&self, other: &Self) -> u64 {
        self.0.keys().filter(|line| !other.0.contains_key(*line)).count() as u64
    }

    /// How many are no JSON.
    pub fn torn(&self) -> u64 {
        self.0.keys().filter(|line| serde_json::from_slice::<Value>(line).is_err()).count() as u64
    }

    /// The correlation ids of all entries, torn lines left aside.
    pub fn correlation_ids(&self) -> BTreeSet<String> {
        let id = |entry: Value| Some(entry["correlation_id"].as_str()?.to_owned());
        self.entries().into_iter().filter_map(id).collect()
    }

    /// All entries, each once, torn lines left aside.
    pub fn entries(&self) -> Vec<Value> {
        self.0.keys().filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

fn ledger_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in [folder.to_owned(), folder.join("segments")] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_live = name == "entries.jsonl" || name.ends_with(".draining");
            let is_sealed = folder.ends_with("segments") && name.ends_with(".jsonl");
            if is_live || is_sealed {
                files.push(path);
            }
        }
    }
    Ok(files)
}
