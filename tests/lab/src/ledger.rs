//! Reads a ledger file as an auditor would: every line is checked before it is believed.

use std::borrow::Borrow;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The keys that every entry begins with, in this order.
pub const FIRST_KEYS: [&str; 10] = [
    "timestamp",
    "agent_id",
    "user_id",
    "endpoint",
    "method",
    "status",
    "request_hash",
    "response_hash",
    "outcome",
    "correlation_id",
];

/// How long a line may take from the end of its call to the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// A ledger file that grows while it is read.
#[derive(Debug)]
pub struct Ledger {
    read: Mutex<ReadSoFar>,
}

#[derive(Debug)]
struct ReadSoFar {
    tail: Tail,
    entries: Vec<Entry>,
}

impl Ledger {
    /// What is added from now on to the file at `path`, which may come later.
    pub fn from_now_on(path: &Path) -> Self {
        Self { read: Mutex::new(ReadSoFar { tail: Tail::from_now_on(path), entries: Vec::new() }) }
    }

    /// All entries now, in the order of the file.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        self.with_entries(<[Entry]>::to_vec)
    }

    /// The entries with this correlation id that are in the file now.
    pub fn entries_of(&self, correlation_id: &str) -> Result<Vec<Entry>> {
        let same = |entry: &&Entry| entry["correlation_id"] == correlation_id;
        self.with_entries(|entries| entries.iter().filter(same).cloned().collect())
    }

    /// Waits for the first entry for which `wanted` holds.
    pub async fn wait_for(&self, wanted: impl Fn(&Entry) -> bool) -> Result<Entry> {
        let find = || self.with_entries(|entries| entries.iter().find(|e| wanted(e)).cloned());
        let Some(entry) = self.poll(find).await? else {
            bail!("no such entry within {PATIENCE:?}; {}", self.tail());
        };
        Ok(entry)
    }

    /// Waits for the entry of one call: the final one, or the first provisional one.
    pub async fn wait_for_call(&self, correlation_id: &str, provisional: bool) -> Result<Entry> {
        let is_wanted = |entry: &Entry| {
            entry["correlation_id"] == correlation_id
                && (entry["provisional"] == true) == provisional
        };
        self.wait_for(is_wanted)
            .await
            .with_context(|| format!("waiting for the entry of {correlation_id}"))
    }

    /// Waits until the file has `count` entries.
    pub async fn wait_for_count(&self, count: usize) -> Result<Vec<Entry>> {
        let enough = || {
            let entries = self.entries()?;
            Ok((entries.len() >= count).then_some(entries))
        };
        let Some(entries) = self.poll(enough).await? else {
            let found = self.entries()?.len();
            bail!("{found} entries instead of {count} within {PATIENCE:?}; {}", self.tail());
        };
        Ok(entries)
    }

    async fn poll<T>(&self, probe: impl Fn() -> Result<Option<T>>) -> Result<Option<T>> {
        crate::process::eventually(PATIENCE, || probe().transpose()).await.transpose()
    }

    fn with_entries<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> Result<T> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.advance()?;
        Ok(look(&read.entries))
    }

    fn tail(&self) -> String {
        let entries = self.entries().unwrap_or_default();
        let last: Vec<_> = entries.iter().rev().take(5).rev().map(Entry::line).collect();
        format!("the last of {} entries:\n{}", entries.len(), last.join("\n"))
    }
}

impl ReadSoFar {
    fn advance(&mut self) -> Result<()> {
        for line in self.tail.lines()? {
            let number = self.entries.len() + 1;
            self.entries.push(Entry::parse(&line).with_context(|| format!("entry {number}"))?);
        }
        Ok(())
    }
}

/// The whole lines that are added to a file, and to the one that takes its name when it is rotated.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
}

impl Tail {
    /// What is added from now on to the file at `path`, which may come later.
    pub fn from_now_on(path: &Path) -> Self {
        let file = File::open(path).ok();
        let offset =
            file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |file| file.len());
        Self { path: path.into(), file, offset }
    }

    /// The lines that were added since the last time, without their line feeds.
    pub fn lines(&mut self) -> Result<Vec<Vec<u8>>> {
        // Who writes the next file has closed the one before.
        let next = File::open(&self.path).ok();
        let next = next.filter(|next| next.metadata().is_ok_and(|next| next.len() > 0));
        let mut lines = self.lines_of_file()?;
        if let Some(next) = next
            && !self.is_open(&next)?
        {
            self.file = Some(next);
            self.offset = 0;
            lines.extend(self.lines_of_file()?);
        }
        Ok(lines)
    }

    fn lines_of_file(&mut self) -> Result<Vec<Vec<u8>>> {
        let Some(file) = &mut self.file else { return Ok(Vec::new()) };
        let mut added = Vec::new();
        file.seek(SeekFrom::Start(self.offset))?;
        file.read_to_end(&mut added)?;
        let lines = added.split_inclusive(|byte| *byte == b'\n');
        let whole: Vec<_> = lines.filter_map(|line| line.strip_suffix(b"\n")).collect();
        self.offset += whole.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
        Ok(whole.into_iter().map(<[u8]>::to_vec).collect())
    }

    fn is_open(&self, other: &File) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        Ok(file.metadata()?.ino() == other.metadata()?.ino())
    }
}

/// One line of a ledger; its keys are read as of a JSON value: `entry["response"]["end"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    line: String,
    value: Value,
}

impl Entry {
    /// Parses a line without its line feed, and checks what holds for every entry.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let shown = String::from_utf8_lossy(line);
        ensure!(line.is_ascii(), "not ASCII: {shown}");
        let value: Value =
            serde_json::from_slice(line).with_context(|| format!("not JSON: {shown}"))?;
        let Keys(keys) =
            serde_json::from_slice(line).with_context(|| format!("no object: {shown}"))?;
        let contract = keys.iter().take(FIRST_KEYS.len());
        ensure!(contract.eq(FIRST_KEYS.iter()), "the first keys are {keys:?}: {shown}");
        Ok(Self { line: shown.into_owned(), value })
    }

    /// The line as it is in the file.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// A value that must be text; empty if it is not.
    pub fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_default()
    }

    /// Fails unless the entry has all that is expected; `null` stands for a key that is null or
    /// absent.
    #[track_caller]
    pub fn check(&self, expected: impl Borrow<Value>) -> Result<()> {
        let (expected, caller) = (expected.borrow(), Location::caller());
        match difference(&self.value, expected, "") {
            Some(key) => bail!("{caller}: {key} is not as in {expected}\nin {self}"),
            None => Ok(()),
        }
    }
}

fn difference(actual: &Value, expected: &Value, key: &str) -> Option<String> {
    let Value::Object(fields) = expected else {
        return (actual != expected).then(|| key.to_owned());
    };
    let mut fields = fields.iter();
    fields.find_map(|(name, field)| difference(&actual[name], field, &format!("{key}.{name}")))
}

impl Deref for Entry {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// The keys of an object in the order in which they are written.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(InOrder).map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(keys: &[&str]) -> String {
        let pairs: Vec<_> = keys.iter().map(|key| format!(r#""{key}":null"#)).collect();
        format!("{{{}}}", pairs.join(","))
    }

    #[test]
    fn a_line_with_the_first_ten_keys_in_order_is_an_entry() {
        assert!(Entry::parse(line(&FIRST_KEYS).as_bytes()).is_ok());
    }

    #[test]
    fn a_check_finds_the_key_that_differs_however_deep() -> Result<()> {
        let entry = Entry { line: String::new(), value: json!({"a": {"b": 1, "c": null}}) };
        entry.check(json!({}))?;
        entry.check(json!({"a": {"b": 1, "c": null, "d": null}, "e": null}))?;
        for wrong in [json!({"a": {"b": 2}}), json!({"a": null}), json!({"e": {"f": 1}})] {
            assert!(entry.check(wrong).is_err());
        }
        Ok(())
    }

    #[test]
    fn a_line_in_another_order_is_refused() {
        let mut keys = FIRST_KEYS;
        keys.swap(3, 4);
        assert!(Entry::parse(line(&keys).as_bytes()).is_err());
        assert!(Entry::parse(line(&FIRST_KEYS[..9]).as_bytes()).is_err());
    }

    #[test]
    fn a_line_that_is_not_ascii_or_not_an_object_is_refused() {
        let accented = line(&FIRST_KEYS).replacen("null", "\"é\"", 1);
        for bad in [accented.as_str(), "-", "", "[]", "null"] {
            assert!(Entry::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
