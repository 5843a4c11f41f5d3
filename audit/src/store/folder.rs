//! A folder of this machine whose files the kernel protects.
//!
//! ```text
//! lsattr:  ----i---------e------- 2026/11/21/20261121T155252.123456Z_….jsonl
//! ```
//!
//! A file gets its name only when it is whole and on the disk: it is written without a name, or under
//! a hidden one, and then linked, which never replaces. After that it is made read-only and, where the
//! file system and the rights allow, immutable. The flag stops the service account and every mistake.
//! It stops nobody with `CAP_LINUX_IMMUTABLE`, and it has no end: an operator takes it off when the
//! retention is over.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{AtFlags, CWD, IFlags, Mode, OFlags};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::{Held, Kind, Object, SinkUrl, Sought, StoreError, Written};

/// Files under one folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    url: SinkUrl,
    path: PathBuf,
}

/// What a file that is finished may be: read.
const MODE: u32 = 0o440;
const FOLDER_MODE: u32 = 0o750;
/// A mount that hangs answers nothing, and ends no call.
const PATIENCE: Duration = Duration::from_secs(60);

impl Folder {
    pub(crate) fn open(url: &SinkUrl, path: &Path) -> Result<Self, StoreError> {
        let folder = Self { url: url.clone(), path: path.to_owned() };
        create_folders(path).map_err(|error| folder.error("open", "", &error))?;
        Ok(folder)
    }

    pub(crate) async fn put(&self, object: &Object) -> Result<Written, StoreError> {
        let (folder, object) = (self.clone(), object.clone());
        self.blocking("put", move || folder.write(&object)).await
    }

    pub(crate) async fn held(&self, sought: &Sought) -> Result<Held, StoreError> {
        let (folder, sought) = (self.clone(), sought.clone());
        self.blocking("read", move || folder.look(&sought)).await
    }

    pub(crate) async fn remove(&self, object: &Object) -> Result<(), StoreError> {
        let path = self.file(&object.name)?;
        fs::remove_file(path).map_err(|error| self.error("delete", &object.name, &error))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        verb: &str,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let busy = |why: String| StoreError::new(Kind::Busy, verb, &self.url, why);
        match timeout(PATIENCE, tokio::task::spawn_blocking(work)).await {
            Ok(done) => done.map_err(|_| busy("the thread was lost".to_owned()))?,
            Err(_) => Err(busy(format!("no answer for {} s", PATIENCE.as_secs()))
                .fix("look at the mount, or the disk: it hangs")),
        }
    }

    fn write(&self, object: &Object) -> Result<Written, StoreError> {
        let path = self.file(&object.name)?;
        match write_once(&path, &object.body) {
            Ok(()) => Ok(Written::Created { version: None }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.protect_again(&path, object)?;
                Ok(Written::Exists)
            }
            Err(error) => Err(self.error("put", &object.name, &error)),
        }
    }

    /// Whoever was stopped between the name and the flag left a whole file without the flag.
    fn protect_again(&self, path: &Path, object: &Object) -> Result<(), StoreError> {
        if self.look(&object.sought())? == (Held::Unlocked { version: None }) {
            let file = File::open(path).map_err(|error| self.error("put", &object.name, &error))?;
            protect(&file);
        }
        Ok(())
    }

    fn look(&self, sought: &Sought) -> Result<Held, StoreError> {
        let path = self.file(&sought.name)?;
        let look = || -> io::Result<Held> {
            let file = open_plainly(&path)?;
            if sha256(&file)? != sought.sha256 {
                return Ok(Held::Different);
            }
            Ok(match is_immutable(&file) {
                true => Held::Immutable,
                false => Held::Unlocked { version: None },
            })
        };
        look().map_err(|error| self.error("read", &sought.name, &error))
    }

    /// A name is a way down from the folder, and never one out of it.
    fn file(&self, name: &str) -> Result<PathBuf, StoreError> {
        let is_down = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if is_down && !name.contains('\0') {
            return Ok(self.path.join(name));
        }
        Err(StoreError::wrong("put", &self.url, "the object's name is no way into the folder"))
    }

    fn error(&self, verb: &str, name: &str, error: &io::Error) -> StoreError {
        let place = if name.is_empty() { self.url.to_string() } else { self.url.address(name) };
        let (kind, fix) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (Kind::Busy, Some("make room on its file system"))
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                (Kind::Refused, Some("let this user write in the folder"))
            }
            ErrorKind::NotADirectory => (Kind::Wrong, Some("name a folder")),
            ErrorKind::NotFound if verb == "read" => (Kind::Refused, Some("put it again")),
            _ if verb == "delete" => (Kind::Refused, None),
            _ => (Kind::Busy, None),
        };
        let is_missing = verb == "read" && error.kind() == ErrorKind::NotFound;
        let told = StoreError::new(kind, verb, &place, error.to_string()).missing(is_missing);
        match fix {
            Some(fix) => told.fix(fix),
            None => told,
        }
    }
}

/// Whether the kernel holds a file as it is.
pub(crate) fn is_immutable(file: &File) -> bool {
    rustix::fs::ioctl_getflags(file).is_ok_and(|flags| flags.contains(IFlags::IMMUTABLE))
}

fn write_once(path: &Path, body: &[u8]) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Err(ErrorKind::NotADirectory.into()) };
    create_folders(folder)?;
    let draft = Draft::new(folder, path)?;
    let file = draft.file();
    { file }.write_all(body)?;
    file.set_permissions(fs::Permissions::from_mode(MODE))?;
    file.sync_all()?;
    draft.link(path)?;
    sync_folder(folder)?;
    let Draft { file, hidden } = &draft;
    hidden.remove();
    protect(file);
    Ok(())
}

/// Best effort here: what came of it is asked by [`Folder::held`].
fn protect(file: &File) {
    if let Ok(flags) = rustix::fs::ioctl_getflags(file) {
        let _ = rustix::fs::ioctl_setflags(file, flags | IFlags::IMMUTABLE);
    }
}

/// A file that nobody can mistake for an object: it has no name yet, or a hidden one.
struct Draft {
    file: File,
    hidden: Hidden,
}

/// The hidden name of a draft, where the file system knows no files without a name.
struct Hidden(Option<PathBuf>);

impl Draft {
    fn new(folder: &Path, path: &Path) -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, folder, flags, Mode::from_raw_mode(MODE)) {
            Ok(file) => Ok(Self { file: file.into(), hidden: Hidden(None) }),
            Err(_) => Self::hidden(folder, path),
        }
    }

    fn hidden(folder: &Path, path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = folder.join(format!(".{name}.{}.part", std::process::id()));
        let _ = fs::remove_file(&hidden);
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(MODE).open(&hidden)?;
        Ok(Self { file, hidden: Hidden(Some(hidden)) })
    }

    fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, unless the name is taken.
    fn link(&self, path: &Path) -> io::Result<()> {
        match &self.hidden.0 {
            Some(hidden) => fs::hard_link(hidden, path),
            None => {
                let from = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                Ok(rustix::fs::linkat(CWD, from, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
            }
        }
    }
}

impl Hidden {
    fn remove(&self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Creates a folder and what it lies in, and writes each new name to the disk.
fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    create_folders(parent)?;
    match fs::DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A regular file, and nothing that a link leads to.
pub(crate) fn open_plainly(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

fn sha256(mut file: &File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A folder whose files lose their flags before it goes.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn folder(&self) -> Folder {
            let path = self.0.path().join("sink");
            Folder::open(&SinkUrl::Folder { path: path.clone() }, &path).unwrap()
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join("sink").join(name)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            unflag(self.0.path());
        }
    }

    fn unflag(path: &Path) {
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => unflag(&entry.path()),
                kind if kind.is_file() => set_immutable(&entry.path(), false),
                _ => {}
            }
        }
    }

    fn set_immutable(path: &Path, is_on: bool) {
        let file = File::open(path).unwrap();
        let Ok(mut flags) = rustix::fs::ioctl_getflags(&file) else { return };
        flags.set(IFlags::IMMUTABLE, is_on);
        let _ = rustix::fs::ioctl_setflags(&file, flags);
    }

    fn object(name: &str, body: &'static str) -> Object {
        let sha256 = Sha256::digest(body).into();
        Object {
            name: name.into(),
            body: Bytes::from_static(body.as_bytes()),
            sha256,
            encoding: None,
        }
    }

    fn put(folder: &Folder, object: &Object) -> Written {
        folder.write(object).unwrap()
    }

    const CREATED: Written = Written::Created { version: None };

    #[test]
    fn a_file_is_written_once_and_read_only() {
        let place = Place::new();
        let (folder, first) = (place.folder(), object("2026/11/a.jsonl", "1\n"));
        assert_eq!(put(&folder, &first), CREATED);
        assert_eq!(put(&folder, &object("2026/11/a.jsonl", "2\n")), Written::Exists);
        assert_eq!(fs::read_to_string(place.file("2026/11/a.jsonl")).unwrap(), "1\n");
        let mode = fs::metadata(place.file("2026/11/a.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn nothing_but_the_file_is_left() {
        let place = Place::new();
        let folder = place.folder();
        put(&folder, &object("a.jsonl", "1\n"));
        put(&folder, &object("a.jsonl", "1\n"));
        assert_eq!(fs::read_dir(place.file("")).unwrap().count(), 1);
    }

    #[test]
    fn it_is_immutable_exactly_if_the_kernel_says_so() {
        let place = Place::new();
        let (folder, first) = (place.folder(), object("a.jsonl", "1\n"));
        put(&folder, &first);
        let held = folder.look(&first.sought()).unwrap();
        let can_be_removed = fs::remove_file(place.file("a.jsonl")).is_ok();
        assert_eq!(held == Held::Immutable, !can_be_removed);
        assert_ne!(held == Held::Unlocked { version: None }, !can_be_removed);
    }

    #[test]
    fn a_file_that_lost_its_flag_is_unlocked_and_gets_it_again_with_the_next_put() {
        let place = Place::new();
        let (folder, first) = (place.folder(), object("a.jsonl", "1\n"));
        put(&folder, &first);
        let before = folder.look(&first.sought()).unwrap();
        set_immutable(&place.file("a.jsonl"), false);
        assert_eq!(folder.look(&first.sought()).unwrap(), Held::Unlocked { version: None });
        assert_eq!(put(&folder, &first), Written::Exists);
        assert_eq!(folder.look(&first.sought()).unwrap(), before);
    }

    #[test]
    fn other_bytes_under_the_name_are_told_and_get_no_flag() {
        let place = Place::new();
        let (folder, first) = (place.folder(), object("a.jsonl", "1\n"));
        fs::write(place.file("a.jsonl"), "forged\n").unwrap();
        assert_eq!(put(&folder, &first), Written::Exists);
        assert_eq!(folder.look(&first.sought()).unwrap(), Held::Different);
        fs::remove_file(place.file("a.jsonl")).unwrap();
    }

    #[test]
    fn a_link_under_the_name_is_not_followed() {
        let place = Place::new();
        let (folder, first) = (place.folder(), object("a.jsonl", "1\n"));
        fs::write(place.file("elsewhere"), "1\n").unwrap();
        std::os::unix::fs::symlink(place.file("elsewhere"), place.file("a.jsonl")).unwrap();
        folder.write(&first).unwrap_err();
        folder.look(&first.sought()).unwrap_err();
    }

    #[test]
    fn a_file_system_without_nameless_files_gets_a_hidden_draft() {
        let place = Place::new();
        place.folder();
        let (path, hidden) =
            (place.file("a.jsonl"), Draft::hidden(&place.file(""), &place.file("a.jsonl")));
        let draft = hidden.unwrap();
        assert!(!path.exists());
        draft.link(&path).unwrap();
        assert_eq!(draft.link(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        drop(draft);
        assert_eq!(fs::read_dir(place.file("")).unwrap().count(), 1);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let place = Place::new();
        for name in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a\0b"] {
            let error = place.folder().write(&object(name, "1\n")).unwrap_err();
            assert_eq!(error.kind(), Kind::Wrong, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_gone_is_refused_loudly() {
        let place = Place::new();
        let error = place.folder().look(&object("a.jsonl", "1\n").sought()).unwrap_err();
        assert!(error.kind() == Kind::Refused && error.is_missing());
    }
}
