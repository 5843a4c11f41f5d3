//! A ledger folder: where the lines of a live file go once they are finished.
//!
//! ```text
//! ledger/entries.jsonl                     the gateway writes
//! ledger/entries-20261121T….draining       renamed, the gateway may still hold it open
//! ledger/segments/20261121T….jsonl         sealed, to be shipped
//! ledger/shipped.jsonl                     receipts of what a storage has
//! ```

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The file that the gateway writes.
pub(crate) const LIVE: &str = "entries.jsonl";
/// What the gateway's overload manager reads: 1 while it shall take no calls.
pub(crate) const PRESSURE: &str = "pressure";
/// What takes that name when it has to say something else.
pub(crate) const PRESSURE_SPARE: &str = "pressure.spare";
/// Where sealed files are.
pub(crate) const SEGMENTS: &str = "segments";
/// What a storage confirmed.
pub(crate) const RECEIPTS: &str = "shipped.jsonl";
/// What a finished file is called until it is sealed: this, a time, and [`DRAINING_END`].
pub(crate) const DRAINING_START: &str = "entries-";
pub(crate) const DRAINING_END: &str = ".draining";
pub(crate) const SEALED_END: &str = ".jsonl";

/// The finished files beside a live one, oldest first, and not that file itself.
pub(crate) fn finished(live: &Path) -> io::Result<Vec<PathBuf>> {
    if !is_live(live) {
        return Ok(Vec::new());
    }
    let folder = folder_of(live);
    let inode = live.metadata().map(|file| file.ino()).ok();
    let mut files = named(&folder.join(SEGMENTS), "", SEALED_END, inode)?;
    files.extend(named(folder, DRAINING_START, DRAINING_END, inode)?);
    Ok(files)
}

/// Whether this is the name of the file that a gateway writes.
pub(crate) fn is_live(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == LIVE)
}

fn folder_of(live: &Path) -> &Path {
    live.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Regular files, no links, in the order of their names, which are times.
fn named(folder: &Path, start: &str, end: &str, but: Option<u64>) -> io::Result<Vec<PathBuf>> {
    let items = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        items => items?,
    };
    let mut files = Vec::new();
    for item in items {
        let item = item?;
        let name = item.file_name();
        let is_named =
            name.to_str().is_some_and(|name| name.starts_with(start) && name.ends_with(end));
        if is_named && item.file_type()?.is_file() && Some(item.metadata()?.ino()) != but {
            files.push(item.path());
        }
    }
    files.sort();
    Ok(files)
}

/// What of a ledger is in a storage, and not here any more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Away {
    pub(crate) objects: u64,
    pub(crate) entries: u64,
    /// Where the last of them went.
    pub(crate) url: String,
}

/// As much of a receipt as is asked for here.
#[derive(Deserialize)]
struct Receipt {
    file: String,
    entries: u64,
    url: String,
}

/// What a file of receipts says of those that were left out of it, once the storage had them too.
#[derive(Deserialize)]
struct Marker {
    archived: Archived,
}

#[derive(Deserialize)]
struct Archived {
    url: String,
    gone: Gone,
}

#[derive(Deserialize)]
struct Gone {
    objects: u64,
    entries: u64,
}

impl Away {
    fn add(&mut self, objects: u64, entries: u64, url: String) {
        self.objects = self.objects.saturating_add(objects);
        self.entries = self.entries.saturating_add(entries);
        self.url = url;
    }
}

/// Reads the receipts beside a live file for what is only in a storage.
pub(crate) fn away(live: &Path) -> io::Result<Away> {
    let folder = folder_of(live);
    let receipts = match File::open(folder.join(RECEIPTS)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Away::default()),
        file => BufReader::new(file?),
    };
    let here: HashSet<_> = named(&folder.join(SEGMENTS), "", SEALED_END, None)?
        .into_iter()
        .filter_map(|path| path.file_name().map(ToOwned::to_owned))
        .collect();
    let mut away = Away::default();
    for line in receipts.split(b'\n') {
        let line = line?;
        if let Ok(Marker { archived: Archived { url, gone } }) = serde_json::from_slice(&line)
            && gone.objects > 0
        {
            away.add(gone.objects, gone.entries, url);
            continue;
        }
        let Ok(receipt) = serde_json::from_slice::<Receipt>(&line) else { continue };
        if !here.contains(std::ffi::OsStr::new(&receipt.file)) {
            away.add(1, receipt.entries, receipt.url);
        }
    }
    Ok(away)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_live_file_the_finished_ones_are_found_oldest_first_and_no_links() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path(SEGMENTS)).unwrap();
        for name in [
            "segments/2.jsonl",
            "segments/1.jsonl",
            "segments/x.tmp",
            "entries-3.draining",
            LIVE,
            "other.jsonl",
        ] {
            fs::write(path(name), "").unwrap();
        }
        fs::hard_link(path(LIVE), path("entries-4.draining")).unwrap();
        std::os::unix::fs::symlink(path("other.jsonl"), path("segments/0.jsonl")).unwrap();
        let found = finished(&path(LIVE)).unwrap();
        let wanted = ["segments/1.jsonl", "segments/2.jsonl", "entries-3.draining"].map(path);
        assert_eq!(found, wanted, "the live file under its next name is read once");
        assert!(finished(&path("other.jsonl")).unwrap().is_empty());
        assert!(finished(&path("nowhere/entries.jsonl")).unwrap().is_empty());
    }

    #[test]
    fn what_is_in_a_storage_alone_is_counted() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        assert_eq!(away(&path(LIVE)).unwrap(), Away::default());
        fs::create_dir(path(SEGMENTS)).unwrap();
        fs::write(path("segments/2.jsonl"), "").unwrap();
        let receipt = |file: &str| {
            format!("{{\"file\":\"{file}\",\"entries\":3,\"url\":\"s3://b/a\",\"later\":1}}\n")
        };
        let text = receipt("1.jsonl") + "no receipt\n\n" + &receipt("2.jsonl");
        fs::write(path(RECEIPTS), &text).unwrap();
        let url = "s3://b/a".to_owned();
        assert_eq!(away(&path(LIVE)).unwrap(), Away { objects: 1, entries: 3, url });
        let marker = |gone: &str| format!("{{\"archived\":{{\"url\":\"s3://b/a\"{gone}}}}}\n");
        let text = marker(",\"gone\":{\"objects\":7,\"entries\":70}") + &marker("") + &text;
        fs::write(path(RECEIPTS), text).unwrap();
        let url = "s3://b/a".to_owned();
        assert_eq!(away(&path(LIVE)).unwrap(), Away { objects: 8, entries: 73, url });
    }
}
