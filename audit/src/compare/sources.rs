//! The files of one side, and what stands in them.

use std::{
    ffi::OsStr,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::otlp;
use crate::{
    fault::Fault,
    ledger::{self, Content, Line},
    plain::Shown,
    progress::Progress,
};

/// What a file of entries ends with, without `.gz`.
const ENDINGS: [&str; 4] = ["jsonl", "json", "txt", "draining"];

/// Files beside the entries that hold none.
const OTHERS: [&str; 2] = ["connections.jsonl", "shipped.jsonl"];

/// The files that were named or found, sorted, each once.
#[derive(Debug)]
pub(super) struct Sources(Vec<PathBuf>);

impl Sources {
    pub(super) fn find(paths: &[PathBuf]) -> Result<Self, Fault> {
        let mut files = Vec::new();
        for path in paths {
            find(path, &mut files).map_err(|error| Fault::io(path, &error))?;
        }
        files.sort();
        files.dedup();
        if files.is_empty() {
            let names: Vec<_> = paths.iter().map(|path| path.shown()).collect();
            let names = names.join(", ");
            return Err(Fault::NoAnswer(format!("error: {names}: no files with entries")));
        }
        Ok(Self(files))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A file that is its own witness proves nothing.
    pub(super) fn check_apart(&self, other: &Self) -> Result<(), Fault> {
        match self.0.iter().find(|file| other.0.contains(file)) {
            None => Ok(()),
            Some(file) => {
                let file = file.shown();
                Err(Fault::NoAnswer(format!("error: {file}: on both sides; name it once")))
            }
        }
    }

    /// Reads all of them, as far as `each` wants it.
    pub(super) fn for_each(
        &self,
        mut each: impl FnMut(&Content<'_>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut progress = Progress::new(true);
        let mut before = 0;
        for file in &self.0 {
            let read = read(file, &mut |bytes| progress.show(before + bytes), &mut each);
            match read.map_err(|error| Fault::io(file, &error))? {
                ControlFlow::Continue(bytes) => before += bytes,
                ControlFlow::Break(()) => break,
            }
        }
        Ok(())
    }
}

/// A path that was named is taken as it is; of a folder, what looks like entries.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.canonicalize()?);
        return Ok(());
    }
    for item in fs::read_dir(path)? {
        let item = item?;
        // A link to a folder is not followed: it may lead back.
        if item.file_type()?.is_dir() || item.path().is_file() && holds_entries(&item.path()) {
            find(&item.path(), files)?;
        }
    }
    Ok(())
}

fn holds_entries(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.contains(&ending) && !OTHERS.contains(&name)
}

/// Reads one file; how many bytes it had.
fn read(
    file: &Path,
    show: &mut impl FnMut(u64),
    each: &mut impl FnMut(&Content<'_>) -> ControlFlow<()>,
) -> std::io::Result<ControlFlow<(), u64>> {
    let mut lines = ledger::open_with(file, otlp::MAX_DOCUMENT_BYTES)?;
    let is_canarys = file.parent().is_some_and(|folder| folder.ends_with("canary"));
    loop {
        let bytes = lines.bytes();
        show(bytes);
        match lines.next_of_closed()? {
            None => return Ok(ControlFlow::Continue(bytes)),
            Some(line) if is_canarys && is_old_canary(line.bytes) => {}
            Some(line) => {
                if read_line(line, each).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
}

/// Before its lines had a kind, `check-sink` wrote one like this below `canary/`.
fn is_old_canary(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Canary {
        #[serde(rename = "canary")]
        _canary: String,
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "about")]
        _about: String,
    }
    serde_json::from_slice::<Canary>(line).is_ok()
}

fn read_line(
    line: Line<'_>,
    each: &mut impl FnMut(&Content<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if !otlp::is_document(line.bytes) {
        return each(&line.read());
    }
    match otlp::bodies(line.bytes) {
        Some(bodies) => bodies.iter().try_for_each(|body| each(&Content::of(body.as_bytes()))),
        None => each(&Content::Torn("not a whole OTLP document".to_owned())),
    }
}
