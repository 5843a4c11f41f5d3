//! An archive in a folder, where `ship --to file:///…` put it, or a copy of a bucket.

use std::{
    fs,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use super::{
    Check, Held, Seen,
    content::{Reader, Whole},
    name::sum_of,
    report::Kind,
};
use crate::{
    fault::Fault,
    store::{SinkUrl, is_immutable, open_plainly},
};

pub(super) struct Folder {
    path: PathBuf,
    /// No copy is locked as what it is a copy of.
    is_copy: bool,
}

impl Folder {
    pub(super) fn open(url: &SinkUrl, path: &Path, is_copy: bool) -> Result<Self, Fault> {
        match path.is_dir() {
            true => Ok(Self { path: path.to_owned(), is_copy }),
            false => Err(Fault::NoAnswer(format!("error: {url}: no such folder"))),
        }
    }

    /// Folder by folder: of each only the names are held.
    pub(super) async fn walk(&self, check: &mut Check<'_>) -> Result<(), Fault> {
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for item in fs::read_dir(&folder).map_err(|error| Fault::io(&folder, &error))? {
                let item = item.map_err(|error| Fault::io(&folder, &error))?;
                let path = item.path();
                let kind = item.file_type().map_err(|error| Fault::io(&path, &error))?;
                match kind.is_dir() {
                    true => folders.push(path),
                    false => self.file(&path, kind.is_file(), check).await?,
                }
            }
        }
        Ok(())
    }

    async fn file(
        &self,
        path: &Path,
        is_regular: bool,
        check: &mut Check<'_>,
    ) -> Result<(), Fault> {
        let name = path.strip_prefix(&self.path).ok().and_then(Path::to_str);
        let Some(name) = name.filter(|name| sum_of(name).is_some()) else {
            check.pass_over();
            return Ok(());
        };
        if !is_regular {
            return check.problem(Kind::OtherContent, name, "is no regular file");
        }
        let (whole, is_immutable) =
            read(path, name, check).map_err(|error| Fault::io(path, &error))?;
        let text = "nothing keeps it from being deleted: the kernel's immutable flag is off";
        let lock_problem =
            (!is_immutable && !self.is_copy).then(|| (Kind::NoLock, text.to_owned()));
        check.version(Seen { name, version: None, is_latest: true, whole, lock_problem }).await
    }

    pub(super) fn held(&self, name: &str) -> Result<Held, Fault> {
        let is_down = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_down || name.contains('\0') {
            return Ok(Held::Missing);
        }
        let path = self.path.join(name);
        match open_plainly(&path) {
            Ok(file) if is_immutable(&file) => Ok(Held::Immutable),
            // Of a copy only that it is there is asked.
            Ok(_) if self.is_copy => Ok(Held::Immutable),
            Ok(_) => Ok(Held::Unlocked),
            Err(error) if is_missing(&error) => Ok(Held::Missing),
            Err(error) => Err(Fault::io(&path, &error)),
        }
    }
}

/// Nothing is there, or something that is no file.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::Other)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// What is in a file, and whether the kernel keeps it.
fn read(path: &Path, name: &str, check: &mut Check<'_>) -> io::Result<(Option<Whole>, bool)> {
    let mut file = open_plainly(path)?;
    let mut reader = Reader::keeping(Check::kept_of(name));
    let mut chunk = vec![0; 64 << 10];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((reader.finish(), is_immutable(&file))),
            count => {
                reader.push(chunk.get(..count).unwrap_or_default());
                check.show(count);
            }
        }
    }
}
