//! `ledgerline protect`: what keeps a ledger from being rewritten on this machine.
//!
//! ```text
//! ledger/entries.jsonl: append-only by the kernel (chattr +a)
//! ```
//!
//! Two attributes of an inode do it: *append-only* on the file that a gateway writes, *immutable* on
//! a finished one. They hold against the account of the gateway and against every process without
//! `CAP_LINUX_IMMUTABLE`, and not against root or whoever can write the disk itself. Where the file
//! system has no attributes, or the right to set them is missing, only file modes are left, and the
//! tool says so.

use std::{
    ffi::OsStr,
    fmt,
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::Args;
use rustix::{
    fs::{IFlags, OFlags, ioctl_getflags, ioctl_setflags},
    io::Errno,
};

use crate::{
    fault::Fault,
    ledger::{LIVE, PRESSURE, PRESSURE_SPARE, RECEIPTS, SEGMENTS},
    plain::Shown,
    say::{say, tell},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the kernel keeps the ledger append-only; 1 only file modes do; 2 it could not be asked.")]
pub(crate) struct Options {
    /// The ledger folder; its entries.jsonl and pressure are created where they are missing. With --lift
    /// also an archive, which `ship` filled
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Begin a ledger here: create the folder, or take one that holds other things
    #[arg(long, conflicts_with = "lift")]
    create: bool,
    /// Take the protection off every file of a ledger or an archive, at any depth, to delete it on purpose
    #[arg(long)]
    lift: bool,
}

/// What keeps a file as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// An inode attribute, which only `CAP_LINUX_IMMUTABLE` can take off.
    Kernel,
    /// File modes, and why not more.
    ModesOnly(&'static str),
}

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    match options.lift {
        true => lift_all(&options.folder),
        false => protect(&options.folder, options.create),
    }
}

fn protect(folder: &Path, may_begin: bool) -> Result<(), Fault> {
    if !may_begin {
        check_is_ledger(folder)?;
    }
    say(&keep(folder)?)
}

/// Creates what a gateway needs in `folder`, has the kernel keep the ledger append-only, and says how far that
/// goes. Where only file modes keep it that is a [`Fault::Refused`].
pub fn keep(folder: &Path) -> Result<String, Fault> {
    let live = folder.join(LIVE);
    create(folder, &live).map_err(|error| Fault::io(&live, &error))?;
    for name in [PRESSURE, PRESSURE_SPARE] {
        let path = folder.join(name);
        create_pressure(&path).map_err(|error| Fault::io(&path, &error))?;
    }
    let protection = append_only(&live).map_err(|error| Fault::io(&live, &error))?;
    let text = format!("{}: {protection}", live.shown());
    match protection {
        Protection::Kernel => Ok(format!("{text}\n{}", kernel_text(&live))),
        Protection::ModesOnly(_) => Err(Fault::Refused(format!("{text}\n{MODES_TEXT}"))),
    }
}

/// What is append-only cannot be deleted, so a name that was mistyped must not become a ledger.
fn check_is_ledger(folder: &Path) -> Result<(), Fault> {
    let unasked = |text: &str| Fault::NoAnswer(format!("error: {}: {text}", folder.shown()));
    let items = match folder.read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(unasked(
                "no such folder: is the name right? --create begins a ledger there",
            ));
        }
        items => items.map_err(|error| Fault::io(folder, &error))?,
    };
    let names: io::Result<Vec<_>> = items.map(|item| item.map(|item| item.file_name())).collect();
    let names = names.map_err(|error| Fault::io(folder, &error))?;
    let is_ledger = names.iter().any(|name| name == LIVE);
    // What stands in a new file system, and what a gateway or a shipper may have left.
    let is_expected = |name: &OsStr| {
        let name = name.to_string_lossy();
        let known = [
            "lost+found",
            "connections.jsonl",
            "ship.lock",
            PRESSURE,
            PRESSURE_SPARE,
            RECEIPTS,
            "shipped.next",
            SEGMENTS,
        ];
        known.contains(&&*name) || name.starts_with("entries")
    };
    match names.iter().find(|name| !is_expected(name)) {
        Some(other) if !is_ledger => Err(unasked(&format!(
            "no {LIVE}, but other things in it, such as {}: is the name right? --create begins a ledger there",
            Path::new(other).shown()
        ))),
        _ => Ok(()),
    }
}

fn kernel_text(live: &Path) -> String {
    format!(
        "  Nobody without CAP_LINUX_IMMUTABLE can overwrite, cut, rename or delete it; lines can be added.\n  \
         Root can lift this (chattr -a {}), and can write the disk itself: write-once storage \
         (ledgerline ship) holds against root.",
        live.shown()
    )
}

const MODES_TEXT: &str = "  The owner of the file and root can rewrite it at any time. \
    Until entries are in write-once storage (ledgerline ship) nothing keeps them from it.";

fn create(folder: &Path, live: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
    create_live(live, file_mode(folder)?).map(drop).or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    })
}

/// The gateway looks for this file from its start (`ledgerline ship` says by it that the disk is full); the spare takes its
/// name then, because a full disk makes no new one.
fn create_pressure(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o640).open(path) {
        Ok(mut file) => file.write_all(b"0"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A folder that a group may write is shared with the gateway's account: so is the file.
fn file_mode(folder: &Path) -> io::Result<u32> {
    Ok(folder.metadata()?.mode() & 0o660 | 0o600)
}

/// A live file that was not there before, exactly with this mode.
pub(crate) fn create_live(live: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).mode(mode).open(live)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// What became of the files below a folder.
#[derive(Default)]
struct Lifted {
    files: u64,
    /// Protected, and by their names nothing that this program protects.
    others: Vec<PathBuf>,
    failures: Vec<String>,
}

fn lift_all(folder: &Path) -> Result<(), Fault> {
    let mut lifted = Lifted::default();
    folder.read_dir().map_err(|error| Fault::io(folder, &error))?;
    lifted.below(folder);
    let (name, count) = (folder.shown(), lifted.files);
    say(&format!("{name}: protection taken off {count} files"))?;
    for other in &lifted.others {
        tell(&format!("{}: left as it is: no file of a ledger or an archive", other.shown()));
    }
    match lifted.failures.as_slice() {
        [] => Ok(()),
        failures => Err(Fault::NoAnswer(failures.join("\n"))),
    }
}

/// Takes the protection off every file of a ledger or an archive, without a word.
pub fn lift_from(folder: &Path) {
    Lifted::default().below(folder);
}

impl Lifted {
    /// No link is followed: it may lead anywhere.
    fn below(&mut self, folder: &Path) {
        let items = match folder.read_dir() {
            Ok(items) => items,
            Err(error) => return self.failed(folder, &error),
        };
        for item in items {
            let (path, kind) = match item.and_then(|item| Ok((item.path(), item.file_type()?))) {
                Ok(item) => item,
                Err(error) => return self.failed(folder, &error),
            };
            match kind.is_dir() {
                true => self.below(&path),
                false => self.file(path),
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        if !is_ours(&path) {
            if is_protected(&path) {
                self.others.push(path);
            }
            return;
        }
        match lift(&path) {
            Ok(was_protected) => self.files += u64::from(was_protected),
            Err(error) => self.failed(&path, &error),
        }
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.failures.push(format!("error: {}: {error}", path.shown()));
    }
}

/// By its name a file of a ledger or an object of an archive, also one that was not finished.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_known = [PRESSURE, PRESSURE_SPARE, RECEIPTS].contains(&&*name);
    let ends = [".jsonl", ".jsonl.gz", ".draining"].iter().any(|end| name.ends_with(end));
    is_known || ends || name.starts_with('.') && name.contains(".jsonl")
}

fn is_protected(path: &Path) -> bool {
    let is_file = path.symlink_metadata().is_ok_and(|file| file.is_file());
    let flags = is_file.then(|| File::open(path).ok()).flatten();
    let flags = flags.and_then(|file| ioctl_getflags(&file).ok());
    flags.is_some_and(|flags| flags.intersects(IFlags::APPEND | IFlags::IMMUTABLE))
}

/// From now on the file only grows.
pub(crate) fn append_only(path: &Path) -> io::Result<Protection> {
    keep_append_only(&open_plainly(path)?)
}

/// As [`append_only`], of a file that is open.
pub(crate) fn keep_append_only(file: &File) -> io::Result<Protection> {
    set(file, IFlags::APPEND)
}

/// From now on the file does not change, has one name, and stays.
pub(crate) fn keep_immutable(file: &File) -> io::Result<Protection> {
    set(file, IFlags::IMMUTABLE)
}

/// Takes both attributes off; whether there was one. A file that is no regular one has none.
pub(crate) fn lift(path: &Path) -> io::Result<bool> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(false);
    }
    lift_of(&open_plainly(path)?)
}

/// As [`lift`], of a file that is open.
pub(crate) fn lift_of(file: &File) -> io::Result<bool> {
    let Ok(flags) = ioctl_getflags(file) else { return Ok(false) };
    let lifted = flags.difference(IFlags::APPEND | IFlags::IMMUTABLE);
    if flags == lifted {
        return Ok(false);
    }
    ioctl_setflags(file, lifted).map(|()| true).map_err(|error| unlifted(error.into()))
}

/// A regular file itself: no link is followed, no pipe waited for.
fn open_plainly(path: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "no regular file")),
    }
}

fn unlifted(error: io::Error) -> io::Error {
    let fix = "the kernel's protection is on, and taking it off needs CAP_LINUX_IMMUTABLE";
    io::Error::new(error.kind(), format!("{fix} ({error})"))
}

fn set(file: &File, flag: IFlags) -> io::Result<Protection> {
    let flags = match ioctl_getflags(file) {
        Ok(flags) => flags,
        Err(error) => return modes_only(error),
    };
    if flags.contains(flag) {
        return Ok(Protection::Kernel);
    }
    match ioctl_setflags(file, flags | flag) {
        Ok(()) => Ok(Protection::Kernel),
        Err(error) => modes_only(error),
    }
}

fn modes_only(error: Errno) -> io::Result<Protection> {
    match error {
        Errno::PERM | Errno::ACCESS => {
            Ok(Protection::ModesOnly("setting inode attributes needs CAP_LINUX_IMMUTABLE"))
        }
        Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS => {
            Ok(Protection::ModesOnly("this file system keeps no inode attributes"))
        }
        error => Err(error.into()),
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel => f.write_str("append-only by the kernel (chattr +a)"),
            Self::ModesOnly(why) => write!(f, "file modes only: {why}"),
        }
    }
}
