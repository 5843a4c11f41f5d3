//! A folder by its handle: what is below it is reached by name, never by a way that somebody could bend.
//!
//! ```text
//! segments/20261121T155310.000001Z.jsonl -> /etc/shadow     a link: refused, its target is not touched
//! entries-….draining                     a FIFO             refused, nobody waits for it
//! segments -> elsewhere                  swapped meanwhile  the handle is still the folder that was locked
//! ```
//!
//! Every name is opened without following and without waiting, and what is no regular file is an error.

use std::{
    ffi::CStr,
    fs::{File, Permissions},
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, CWD, FallocateFlags, FileType, Mode, OFlags, RenameFlags, Stat, fallocate, fstat,
        linkat, mkdirat, openat, renameat, renameat_with, statat, unlinkat,
    },
    io::Errno,
};

/// A folder that was opened once.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// Which file or folder it is, whatever it is called: device and inode.
pub(super) type Identity = (u64, u64);

/// One name in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) len: u64,
    pub(super) is_regular: bool,
    pub(super) mark: Mark,
}

/// By what a file is known again, besides its name and length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) inode: u64,
    /// When it was last written to.
    pub(super) modified: (i64, i64),
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// Neither a link is followed nor a FIFO waited for.
const PLAINLY: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Dir {
    /// The folder that the path leads to now.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let fd = openat(CWD, path, FOLDER, Mode::empty())?;
        Ok(Self { fd, path: path.to_path_buf() })
    }

    /// The folder of this name in it, no link to one.
    pub(super) fn below(&self, name: &str) -> io::Result<Self> {
        let fd = openat(&self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { fd, path: self.path.join(name) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        Ok(identity(&fstat(&self.fd)?))
    }

    /// Which file or folder has the name now; `None`: nothing has it.
    pub(super) fn identity_of(&self, name: &str) -> io::Result<Option<Identity>> {
        match self.stat(name) {
            Ok(stat) => Ok(Some(identity(&stat))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// When a name was last added or taken, to the nanosecond.
    pub(super) fn changed(&self) -> io::Result<(i64, i64)> {
        let metadata = File::from(self.fd.try_clone()?).metadata()?;
        Ok((metadata.mtime(), metadata.mtime_nsec()))
    }

    pub(super) fn create_folder(&self, name: &str, mode: u32) -> io::Result<()> {
        match mkdirat(&self.fd, name, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => self.sync(),
        }
    }

    /// Opens a regular file to read.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OFlags::RDONLY)
    }

    /// Opens a regular file to write over what is there.
    pub(super) fn write(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OFlags::RDWR)
    }

    /// Opens a regular file to add to it.
    pub(super) fn append(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OFlags::RDWR | OFlags::APPEND)
    }

    /// Opens a regular file to add to it, and makes it where it is missing.
    pub(super) fn append_or_create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        regular(openat(&self.fd, name, flags | PLAINLY, Mode::from_raw_mode(mode))?.into())
    }

    /// A file that was not there before, exactly with this mode, opened to add to it.
    pub(super) fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | PLAINLY;
        let file = File::from(openat(&self.fd, name, flags, Mode::from_raw_mode(mode))?);
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(file)
    }

    fn open_regular(&self, name: &str, flags: OFlags) -> io::Result<File> {
        match openat(&self.fd, name, flags | PLAINLY, Mode::empty()) {
            Ok(fd) => regular(fd.into()),
            Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => Err(not_regular()),
            Err(error) => Err(error.into()),
        }
    }

    fn stat(&self, name: &str) -> io::Result<Stat> {
        Ok(statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// All names, each with what it is.
    pub(super) fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                entries.extend(self.entry(entry.file_name())?);
            }
        }
        Ok(entries)
    }

    /// What has the name now; `None`: nothing.
    pub(super) fn entry(&self, name: impl AsRef<CStr>) -> io::Result<Option<Entry>> {
        let name = name.as_ref();
        let stat = match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            stat => stat?,
        };
        // No name of ours is anything but text.
        let is_regular =
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && name.to_str().is_ok();
        let len = u64::try_from(stat.st_size).unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Some(Entry { name, len, is_regular, mark: Mark::of_stat(&stat) }))
    }

    /// Moves a name, over whatever has the other one.
    pub(super) fn rename(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        Ok(renameat(&self.fd, from, &to.fd, name)?)
    }

    /// Moves a name to one that is free, in one step and without a new inode; where the file system cannot,
    /// by a second name for the same file.
    pub(super) fn rename_new(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        match renameat_with(&self.fd, from, &to.fd, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => {
                linkat(&self.fd, from, &to.fd, name, AtFlags::empty())?;
                self.remove(from)
            }
            renamed => Ok(renamed?),
        }
    }

    /// Two files change their names in one step: nothing is allocated, so a full disk cannot refuse it.
    pub(super) fn exchange(&self, one: &str, other: &str) -> io::Result<()> {
        Ok(renameat_with(&self.fd, one, &self.fd, other, RenameFlags::EXCHANGE)?)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    pub(super) fn remove_if_there(&self, name: &str) -> io::Result<()> {
        match self.remove(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// New, moved and removed names are on disk when this returns.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Free bytes of its file system for this account, and free inodes where it counts them.
    pub(super) fn free(&self) -> io::Result<(u64, Option<u64>)> {
        let stat = rustix::fs::fstatvfs(&self.fd)?;
        let inodes = (stat.f_files > 0).then_some(stat.f_favail);
        Ok((stat.f_bavail.saturating_mul(stat.f_frsize), inodes))
    }

    /// Takes the folder itself for this process, however its files are replaced.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.fd, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Mark {
    fn of_stat(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            modified: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or_default()),
        }
    }

    /// Of an open file, with its length.
    pub(super) fn of(file: &File) -> io::Result<(Self, u64)> {
        let metadata = file.metadata()?;
        let mark =
            Self { inode: metadata.ino(), modified: (metadata.mtime(), metadata.mtime_nsec()) };
        Ok((mark, metadata.len()))
    }
}

fn identity(stat: &Stat) -> Identity {
    (stat.st_dev, stat.st_ino)
}

/// Which file it is.
pub(super) fn identity_of(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

fn not_regular() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidInput,
        "no regular file: a link, a folder or a pipe is not touched",
    )
}

/// Has the file system keep room behind the end of a file, so that what is added there cannot find the disk full.
pub(super) fn keep_room(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes)?)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_neither_followed_nor_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        fs::write(place.path().join("file"), "x").unwrap();
        fs::create_dir(place.path().join("folder")).unwrap();
        symlink("file", place.path().join("link")).unwrap();
        symlink("nowhere", place.path().join("dangling")).unwrap();
        symlink("folder", place.path().join("folder-link")).unwrap();
        rustix::fs::mknodat(
            CWD,
            place.path().join("fifo"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for name in ["folder", "link", "dangling", "folder-link", "fifo"] {
            assert!(dir.read(name).is_err(), "{name}");
            assert!(dir.write(name).is_err(), "{name}");
            assert!(dir.append(name).is_err(), "{name}");
            assert!(dir.append_or_create(name, 0o600).is_err(), "{name}");
        }
        assert!(dir.read("file").is_ok() && dir.below("folder").is_ok());
        assert!(dir.below("folder-link").is_err());
        assert!(!place.path().join("nowhere").exists());
        let regular = dir.list().unwrap().into_iter().filter(|entry| entry.is_regular);
        assert_eq!(regular.map(|entry| entry.name).collect::<Vec<_>>(), ["file"]);
    }

    #[test]
    fn a_name_that_is_no_text_is_seen_and_is_none_of_ours() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let place = tempfile::tempdir().unwrap();
        let name = OsStr::from_bytes(b"20261121T120000.000001Z\xff.jsonl");
        fs::write(place.path().join(name), "x").unwrap();
        let entries = Dir::open(place.path()).unwrap().list().unwrap();
        let [entry] = &*entries else { panic!("{entries:?}") };
        assert!(!entry.is_regular && entry.name.starts_with("20261121T"));
    }

    #[test]
    fn a_name_that_is_taken_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        fs::write(place.path().join("a"), "a").unwrap();
        fs::write(place.path().join("b"), "b").unwrap();
        let error = dir.rename_new("a", &dir, "b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        dir.exchange("a", "b").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("a")).unwrap(), "b");
        dir.rename_new("a", &dir, "c").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("c")).unwrap(), "b");
    }

    #[test]
    fn room_that_is_kept_is_no_length() {
        let file = tempfile::tempfile().unwrap();
        if let Err(error) = keep_room(&file, 0, 1 << 16) {
            eprintln!("skipped: {error}");
            return;
        }
        let metadata = file.metadata().unwrap();
        assert!(metadata.len() == 0 && metadata.blocks() > 0);
    }
}
