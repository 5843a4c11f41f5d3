//! The ledger folder: which file is what, and who may work in it.

use std::{
    cell::{Cell, RefCell},
    ffi::CString,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::dir::{Dir, Entry, Identity, Mark, identity_of};
use crate::{
    fault::Fault,
    ledger::{
        DRAINING_END, DRAINING_START, LIVE, PRESSURE, PRESSURE_SPARE, RECEIPTS, SEALED_END,
        SEGMENTS, object,
    },
    plain::Shown,
};

/// The file that becomes the live one; with lines in it, the one that was live before.
pub(super) const NEXT: &str = "entries.next";
/// Lines of a file without a name, on their way back.
pub(super) const RESCUE: &str = "entries.rescue";
const LOCK: &str = "ship.lock";

/// A ledger folder that nobody else rotates or ships; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
    segments: RefCell<Dir>,
    lock: RefCell<File>,
    /// The latest stamp of a sealed file, once they were listed: what is kept is not listed with each rotation.
    latest: Cell<Option<Timestamp>>,
    has_listed: Cell<bool>,
}

/// A file that was renamed away from the gateway, or one that is sealed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamped {
    pub(super) stamp: String,
    /// For messages; it is opened by its name below a handle.
    pub(super) path: PathBuf,
    pub(super) len: u64,
    pub(super) mark: Mark,
}

/// What has taken the place of something that must stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Swapped {
    Folder,
    Segments,
    Lock,
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
        let dir = Dir::open(path).map_err(|error| Fault::io(path, &error))?;
        let lock = take_both_locks(&dir)?;
        let segments = dir.create_folder(SEGMENTS, 0o750).and_then(|()| dir.below(SEGMENTS));
        let segments = segments.map_err(|error| Fault::io(&path.join(SEGMENTS), &error))?;
        Ok(Self {
            dir,
            segments: RefCell::new(segments),
            lock: RefCell::new(lock),
            latest: Cell::default(),
            has_listed: Cell::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(super) fn live(&self) -> PathBuf {
        self.path().join(LIVE)
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.path().join(SEGMENTS)
    }

    /// Opens a renamed file to read.
    pub(super) fn open_draining(&self, file: &Stamped) -> io::Result<File> {
        self.dir.read(&file.draining_name())
    }

    /// Opens a sealed file to read.
    pub(super) fn open_sealed(&self, file: &Stamped) -> io::Result<File> {
        self.segments.borrow().read(&file.name())
    }

    pub(super) fn remove_sealed(&self, file: &Stamped) -> io::Result<()> {
        self.segments.borrow().remove(&file.name())
    }

    /// A renamed file becomes a sealed one.
    pub(super) fn move_to_sealed(&self, file: &Stamped) -> io::Result<Stamped> {
        let segments = self.segments.borrow();
        self.dir.rename_new(&file.draining_name(), &segments, &file.name())?;
        self.note_stamp(&file.stamp);
        Ok(self.sealed_file(file.stamp.clone(), file.len, file.mark))
    }

    pub(super) fn draining_file(&self, stamp: String, len: u64) -> Stamped {
        let path = self.path().join(format!("{DRAINING_START}{stamp}{DRAINING_END}"));
        Stamped { stamp, path, len, mark: Mark::default() }
    }

    fn sealed_file(&self, stamp: String, len: u64, mark: Mark) -> Stamped {
        let path = self.segments().join(format!("{stamp}{SEALED_END}"));
        Stamped { stamp, path, len, mark }
    }

    /// The sealed file of this stamp as it is now; `None`: there is none.
    pub(super) fn sealed_now(&self, stamp: &str) -> io::Result<Option<Stamped>> {
        let name = CString::new(format!("{stamp}{SEALED_END}")).map_err(io::Error::other)?;
        let entry = self.segments.borrow().entry(name)?.filter(|entry| entry.is_regular);
        Ok(entry.map(|entry| self.sealed_file(stamp.to_owned(), entry.len, entry.mark)))
    }

    /// How long the live file is; 0 if there is none.
    pub(super) fn live_len(&self) -> u64 {
        let live = self.dir.read(LIVE).and_then(|file| file.metadata());
        live.map_or(0, |file| file.len())
    }

    /// Files that the gateway may still hold open, oldest first.
    pub(super) fn draining(&self) -> io::Result<Vec<Stamped>> {
        let entries = self.dir.list()?;
        let mut files: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.is_regular)
            .filter_map(|Entry { name, len, .. }| {
                let stamp = name.strip_prefix(DRAINING_START)?.strip_suffix(DRAINING_END)?;
                read_stamp(stamp).is_some().then(|| self.draining_file(stamp.to_owned(), len))
            })
            .collect();
        files.sort();
        Ok(files)
    }

    /// Sealed files, oldest first.
    pub(super) fn sealed(&self) -> io::Result<Vec<Stamped>> {
        let entries = self.segments.borrow().list()?;
        let mut files: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.is_regular)
            .filter_map(|Entry { name, len, mark, .. }| {
                let stamp = sealed_stamp(&name)?.to_owned();
                Some(self.sealed_file(stamp, len, mark))
            })
            .collect();
        files.sort();
        self.has_listed.set(true);
        files.iter().for_each(|file| self.note_stamp(&file.stamp));
        Ok(files)
    }

    fn note_stamp(&self, stamp: &str) {
        let at = read_stamp(stamp).filter(|at| *at <= far_ahead());
        self.latest.set(self.latest.get().max(at));
    }

    /// When the folder of sealed files last changed.
    pub(super) fn segments_changed(&self) -> io::Result<(i64, i64)> {
        self.segments.borrow().changed()
    }

    /// What nobody ships: files beside the sealed ones that no rotation named, and whatever has the name of one of ours
    /// and is no regular file.
    pub(super) fn strange(&self) -> io::Result<Vec<PathBuf>> {
        Ok([self.strange_above()?, self.strange_sealed()?].concat())
    }

    /// Of those, the ones in the folder itself.
    pub(super) fn strange_above(&self) -> io::Result<Vec<PathBuf>> {
        let is_ours = |name: &str| {
            let stamp =
                name.strip_prefix(DRAINING_START).and_then(|n| n.strip_suffix(DRAINING_END));
            stamp.is_some_and(|stamp| read_stamp(stamp).is_some())
                || matches!(
                    name,
                    LIVE | NEXT | RESCUE | RECEIPTS | LOCK | PRESSURE | PRESSURE_SPARE
                )
        };
        let found = self.dir.list()?.into_iter().filter(|e| !e.is_regular && is_ours(&e.name));
        Ok(found.map(|entry| self.path().join(entry.name)).collect())
    }

    /// Of those, the ones among the sealed files.
    pub(super) fn strange_sealed(&self) -> io::Result<Vec<PathBuf>> {
        let found = self.segments.borrow().list()?.into_iter();
        let found = found.filter(|entry| !entry.is_regular || sealed_stamp(&entry.name).is_none());
        Ok(found.map(|entry| self.segments().join(entry.name)).collect())
    }

    /// The bytes of all files in the folder itself, without those that are sealed.
    pub(super) fn len_above(&self) -> io::Result<u64> {
        let entries = self.dir.list()?;
        Ok(entries.iter().filter(|entry| entry.is_regular).map(|entry| entry.len).sum())
    }

    /// What has been put in the place of what this process holds.
    pub(super) fn swapped(&self) -> io::Result<Vec<Swapped>> {
        let mut swapped = Vec::new();
        let now = Dir::open(self.path()).and_then(|dir| dir.identity()).ok();
        if now != Some(self.dir.identity()?) {
            swapped.push(Swapped::Folder);
        }
        let is_same = |name: &str, held: Identity| {
            Ok::<_, io::Error>(self.dir.identity_of(name)? == Some(held))
        };
        if !is_same(SEGMENTS, self.segments.borrow().identity()?)? {
            swapped.push(Swapped::Segments);
        }
        if !is_same(LOCK, identity_of(&self.lock.borrow())?)? {
            swapped.push(Swapped::Lock);
        }
        Ok(swapped)
    }

    /// Goes on with the folder of sealed files that is there now, or a new one, and moves into it what the one before
    /// still holds; how many files that were.
    pub(super) fn retake_segments(&self) -> io::Result<u64> {
        if self.dir.below(SEGMENTS).is_err() {
            // Whatever is in the place of the folder: a link, a file, or nothing.
            self.dir.remove_if_there(SEGMENTS)?;
            self.dir.create_folder(SEGMENTS, 0o750)?;
        }
        let now = self.dir.below(SEGMENTS)?;
        let before = self.segments.replace(now);
        let now = self.segments.borrow();
        let mut moved = 0;
        for entry in before.list().unwrap_or_default() {
            if !entry.is_regular || sealed_stamp(&entry.name).is_none() {
                continue;
            }
            let was_protected =
                before.read(&entry.name).and_then(|file| crate::protect::lift_of(&file));
            if before.rename_new(&entry.name, &now, &entry.name).is_ok() {
                moved += 1;
                if was_protected.is_ok_and(|was| was) {
                    now.read(&entry.name).and_then(|file| crate::protect::keep_immutable(&file))?;
                }
            }
        }
        now.sync()?;
        Ok(moved)
    }

    /// Locks the file that has the lock's name now.
    pub(super) fn retake_lock(&self) -> io::Result<()> {
        let file = self.dir.append_or_create(LOCK, 0o640)?;
        match file.try_lock() {
            Ok(()) => {
                self.lock.replace(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(io::Error::other("somebody else has locked it")),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// A stamp that sorts behind every earlier one, also where the clock went back.
    pub(super) fn next_stamp(&self, latest_shipped: Option<&str>) -> io::Result<String> {
        if !self.has_listed.get() {
            self.sealed()?;
        }
        let draining = self.draining()?;
        let known = draining.iter().map(|file| file.stamp.as_str()).chain(latest_shipped);
        let latest = known.filter_map(read_stamp).filter(|stamp| *stamp <= far_ahead()).max();
        let latest = latest.max(self.latest.get());
        let mut stamp = stamp_after(Timestamp::now(), latest);
        while self.is_taken(&stamp)? {
            stamp = stamp_after(Timestamp::now(), read_stamp(&stamp));
        }
        Ok(stamp)
    }

    fn is_taken(&self, stamp: &str) -> io::Result<bool> {
        let sealed = self.segments.borrow().identity_of(&format!("{stamp}{SEALED_END}"))?;
        Ok(sealed.is_some()
            || self.dir.identity_of(&format!("{DRAINING_START}{stamp}{DRAINING_END}"))?.is_some())
    }

    /// Renamed, created and deleted files are on disk when this returns.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.segments.borrow().sync().and_then(|()| self.dir.sync())
    }
}

impl Stamped {
    /// Its name in the folder of sealed files.
    pub(super) fn name(&self) -> String {
        format!("{}{SEALED_END}", self.stamp)
    }

    pub(super) fn draining_name(&self) -> String {
        format!("{DRAINING_START}{}{DRAINING_END}", self.stamp)
    }
}

/// The folder, which nobody can put another in the place of; and the file, which an earlier version looks at.
fn take_both_locks(dir: &Dir) -> Result<File, Fault> {
    let path = dir.path().join(LOCK);
    let is_ours = dir.lock().map_err(|error| Fault::io(dir.path(), &error))?;
    let file = dir.append_or_create(LOCK, 0o640).map_err(|error| Fault::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) if is_ours => Ok(file),
        Ok(()) | Err(TryLockError::WouldBlock) => Err(Fault::NoAnswer(format!(
            "error: {}: another ledgerline ships or rotates this folder; one at a time can",
            path.shown()
        ))),
        Err(TryLockError::Error(error)) => Err(Fault::io(&path, &error)),
    }
}

/// The stamp of a sealed file's name.
fn sealed_stamp(name: &str) -> Option<&str> {
    name.strip_suffix(SEALED_END).filter(|stamp| read_stamp(stamp).is_some())
}

/// No clock is wrong by so much: a stamp beyond is nobody's, and none has to sort behind it.
fn far_ahead() -> Timestamp {
    let years = jiff::SignedDuration::from_hours(24 * 3650);
    Timestamp::now().checked_add(years).unwrap_or(Timestamp::MAX)
}

fn stamp_after(now: Timestamp, latest: Option<Timestamp>) -> String {
    let next = latest.and_then(|at| at.checked_add(jiff::SignedDuration::from_micros(1)).ok());
    object::compact(format!("{:.6}", next.map_or(now, |next| next.max(now))))
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
            (Some(Timestamp::MAX), "20261121T120000.000000Z"),
            (Some(at("2026-11-21T11:00:00Z")), "20261121T120000.000000Z"),
            (Some(noon), "20261121T120000.000001Z"),
            (Some(at("2026-11-21T13:00:00.999999Z")), "20261121T130001.000000Z"),
        ] {
            let stamp = stamp_after(noon, latest);
            assert_eq!(stamp, expected);
            let is_end = latest == Some(Timestamp::MAX);
            assert!(is_end || latest < read_stamp(&stamp), "{stamp}");
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
    fn a_stamp_at_the_end_of_time_stops_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        for stamp in
            ["99991230T215959.999999Z", "99991230T220000.999999Z", "99991231T235959.999999Z"]
        {
            std::fs::write(place.path().join(format!("segments/{stamp}.jsonl")), "x").unwrap();
            let next = folder.next_stamp(Some(stamp)).unwrap();
            assert!(next.starts_with("20"), "{next}");
        }
    }

    #[test]
    fn a_lock_that_is_replaced_lets_no_second_one_in() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::open(place.path()).unwrap();
        assert_eq!(first.swapped().unwrap(), []);
        std::fs::remove_file(place.path().join(LOCK)).unwrap();
        assert!(matches!(Folder::open(place.path()), Err(Fault::NoAnswer(_))));
        assert_eq!(first.swapped().unwrap(), [Swapped::Lock]);
        first.retake_lock().unwrap();
        assert_eq!(first.swapped().unwrap(), []);
    }

    #[test]
    fn sealed_files_come_back_from_a_folder_that_was_moved_away() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let name = "20261121T120000.000001Z.jsonl";
        std::fs::write(place.path().join(SEGMENTS).join(name), "x").unwrap();
        std::fs::rename(place.path().join(SEGMENTS), place.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", place.path().join(SEGMENTS)).unwrap();
        assert_eq!(folder.swapped().unwrap(), [Swapped::Segments]);
        assert_eq!(folder.retake_segments().unwrap(), 1);
        assert!(place.path().join(SEGMENTS).join(name).exists());
        assert!(!place.path().join("elsewhere").join(name).exists());
        assert_eq!(folder.swapped().unwrap(), []);
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
