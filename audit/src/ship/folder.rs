//! The ledger folder: which file is what, and who may work in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::segment::compact;
use crate::{
    fault::Fault,
    ledger::{DRAINING_END, DRAINING_START, LIVE, PRESSURE, RECEIPTS, SEALED_END, SEGMENTS},
    plain::Shown,
};

/// A ledger folder that nobody else rotates or ships; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// A file that was renamed away from the gateway, or one that is sealed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamped {
    pub(super) stamp: String,
    pub(super) path: PathBuf,
    pub(super) len: u64,
}

impl Folder {
    /// Takes the folder.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        if !path.is_dir() {
            return Err(Fault::NoAnswer(format!(
                "error: {}: no such folder: --from names the folder that holds {LIVE}",
                path.shown()
            )));
        }
        let lock = take_lock(&path.join("ship.lock"))?;
        let folder = Self { path: path.to_path_buf(), _lock: lock };
        folder.create_segments().map_err(|error| Fault::io(&folder.segments(), &error))?;
        Ok(folder)
    }

    fn create_segments(&self) -> io::Result<()> {
        match DirBuilder::new().mode(0o750).create(self.segments()) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => sync(&self.path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn live(&self) -> PathBuf {
        self.path.join(LIVE)
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.path.join(SEGMENTS)
    }

    pub(super) fn receipts(&self) -> PathBuf {
        self.path.join(RECEIPTS)
    }

    pub(super) fn pressure(&self) -> PathBuf {
        self.path.join(PRESSURE)
    }

    pub(super) fn draining_path(&self, stamp: &str) -> PathBuf {
        self.path.join(format!("{DRAINING_START}{stamp}{DRAINING_END}"))
    }

    pub(super) fn sealed_path(&self, stamp: &str) -> PathBuf {
        self.segments().join(format!("{stamp}{SEALED_END}"))
    }

    /// How long the live file is; 0 if there is none.
    pub(super) fn live_len(&self) -> u64 {
        self.live().metadata().map_or(0, |file| file.len())
    }

    /// Files that the gateway may still hold open, oldest first.
    pub(super) fn draining(&self) -> io::Result<Vec<Stamped>> {
        stamped(&self.path, DRAINING_START, DRAINING_END)
    }

    /// Sealed files, oldest first.
    pub(super) fn sealed(&self) -> io::Result<Vec<Stamped>> {
        stamped(&self.segments(), "", SEALED_END)
    }

    /// Files beside the sealed ones that nobody here named, and so nobody ships.
    pub(super) fn foreign(&self) -> io::Result<Vec<PathBuf>> {
        let is_ours = |name: &str| {
            name.strip_suffix(SEALED_END).is_some_and(|stamp| read_stamp(stamp).is_some())
        };
        let files = fs::read_dir(self.segments())?.flatten();
        let foreign = files.filter(|file| !file.file_name().to_str().is_some_and(is_ours));
        Ok(foreign.map(|file| file.path()).collect())
    }

    /// The bytes of all files in the folder.
    pub(super) fn len(&self) -> io::Result<u64> {
        let len = |folder: &Path| -> io::Result<u64> {
            let files = fs::read_dir(folder)?.flatten().filter_map(|file| file.metadata().ok());
            Ok(files.filter(fs::Metadata::is_file).map(|file| file.len()).sum())
        };
        Ok(len(&self.path)? + len(&self.segments())?)
    }

    /// What the file system still takes from this account.
    pub(super) fn free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// A stamp that sorts behind every earlier one, also where the clock went back.
    pub(super) fn next_stamp(&self, latest_shipped: Option<&str>) -> io::Result<String> {
        let known = [self.draining()?, self.sealed()?].concat();
        let known = known.iter().map(|file| file.stamp.as_str()).chain(latest_shipped);
        let latest = known.filter_map(read_stamp).max();
        Ok(stamp_after(Timestamp::now(), latest))
    }

    /// Renamed, created and deleted files are on disk when this returns.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.segments()).and_then(|()| sync(&self.path))
    }
}

impl Stamped {
    /// Its name in the folder of sealed files.
    pub(super) fn name(&self) -> String {
        format!("{}{SEALED_END}", self.stamp)
    }
}

fn take_lock(path: &Path) -> Result<File, Fault> {
    let options = OpenOptions::new().write(true).create(true).mode(0o640).clone();
    let file = options.open(path).map_err(|error| Fault::io(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Fault::NoAnswer(format!(
            "error: {}: another ledgerline ships or rotates this folder; one at a time can",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(Fault::io(path, &error)),
    }
}

/// Names in the folder are on disk when this returns.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn stamped(folder: &Path, start: &str, end: &str) -> io::Result<Vec<Stamped>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|name| name.strip_prefix(start)?.strip_suffix(end));
        let Some(stamp) = stamp.filter(|stamp| read_stamp(stamp).is_some()) else { continue };
        let Ok(file) = entry.metadata() else { continue };
        files.push(Stamped { stamp: stamp.to_owned(), path: entry.path(), len: file.len() });
    }
    files.sort();
    Ok(files)
}

fn stamp_after(now: Timestamp, latest: Option<Timestamp>) -> String {
    let next = latest.map(|latest| latest + jiff::SignedDuration::from_micros(1));
    compact(format!("{:.6}", next.map_or(now, |next| next.max(now))))
}

/// The time that a stamp (or the name of a sealed file) tells.
pub(super) fn read_stamp(text: &str) -> Option<Timestamp> {
    let stamp = text.strip_suffix(SEALED_END).unwrap_or(text);
    let at = DateTime::strptime("%Y%m%dT%H%M%S%.fZ", stamp).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_later_than_every_earlier_one() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let noon = at("2026-11-21T12:00:00Z");
        for (latest, expected) in [
            (None, "20261121T120000.000000Z"),
            (Some(at("2026-11-21T11:00:00Z")), "20261121T120000.000000Z"),
            (Some(noon), "20261121T120000.000001Z"),
            (Some(at("2026-11-21T13:00:00.999999Z")), "20261121T130001.000000Z"),
        ] {
            let stamp = stamp_after(noon, latest);
            assert_eq!(stamp, expected);
            assert!(latest < read_stamp(&stamp), "{stamp}");
        }
    }

    #[test]
    fn only_stamped_files_are_taken_for_sealed_ones() {
        for (text, is_stamp) in [
            ("20261121T120000.000001Z.jsonl", true),
            ("20261121T120000.000001Z", true),
            ("notes.jsonl", false),
            ("20261121", false),
            ("", false),
        ] {
            assert_eq!(read_stamp(text).is_some(), is_stamp, "{text}");
        }
    }

    #[test]
    fn a_folder_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(Fault::NoAnswer(_))));
        drop(first);
        assert!(Folder::open(folder.path()).is_ok());
    }
}
