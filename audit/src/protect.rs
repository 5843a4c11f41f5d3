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
    fmt,
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::Args;
use rustix::{
    fs::{IFlags, ioctl_getflags, ioctl_setflags},
    io::Errno,
};

use crate::{
    fault::Fault,
    say::say,
    ship::{LIVE, PRESSURE, SEGMENTS},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the kernel keeps the ledger append-only; 1 only file modes do; 2 it could not be asked.")]
pub(crate) struct Options {
    /// The ledger folder; it, its entries.jsonl and pressure are created where they are missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Take the protection off every file of the folder, to delete it on purpose
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
        false => protect(&options.folder),
    }
}

fn protect(folder: &Path) -> Result<(), Fault> {
    let live = folder.join(LIVE);
    create(folder, &live).map_err(|error| Fault::io(&live, &error))?;
    create_pressure(&folder.join(PRESSURE)).map_err(|error| Fault::io(folder, &error))?;
    let protection = append_only(&live).map_err(|error| Fault::io(&live, &error))?;
    let text = format!("{}: {protection}", live.display());
    match protection {
        Protection::Kernel => say(&format!("{text}\n{}", kernel_text(&live))),
        Protection::ModesOnly(_) => Err(Fault::Refused(format!("{text}\n{MODES_TEXT}"))),
    }
}

fn kernel_text(live: &Path) -> String {
    format!(
        "  Nobody without CAP_LINUX_IMMUTABLE can overwrite, cut, rename or delete it; lines can be added.\n  \
         Root can lift this (chattr -a {}), and can write the disk itself: write-once storage \
         (ledgerline ship) holds against root.",
        live.display()
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

/// The gateway looks for this file from its start (`ledgerline ship` says by it that the disk is full).
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

fn lift_all(folder: &Path) -> Result<(), Fault> {
    let mut count: u64 = 0;
    for folder in [folder.to_path_buf(), folder.join(SEGMENTS)] {
        let Ok(entries) = folder.read_dir() else { continue };
        for entry in entries {
            let path = entry.map_err(|error| Fault::io(&folder, &error))?.path();
            count += u64::from(lift(&path).map_err(|error| Fault::io(&path, &error))?);
        }
    }
    folder.metadata().map_err(|error| Fault::io(folder, &error))?;
    say(&format!("{}: protection taken off {count} files", folder.display()))
}

/// From now on the file only grows.
pub(crate) fn append_only(path: &Path) -> io::Result<Protection> {
    set(&File::open(path)?, IFlags::APPEND)
}

/// From now on the file does not change, has one name, and stays.
pub(crate) fn immutable(path: &Path) -> io::Result<Protection> {
    set(&File::open(path)?, IFlags::IMMUTABLE)
}

/// Takes both attributes off; whether there was one. A file that is no regular one has none.
pub(crate) fn lift(path: &Path) -> io::Result<bool> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(false);
    }
    let file = File::open(path)?;
    let Ok(flags) = ioctl_getflags(&file) else { return Ok(false) };
    let lifted = flags.difference(IFlags::APPEND | IFlags::IMMUTABLE);
    if flags == lifted {
        return Ok(false);
    }
    ioctl_setflags(&file, lifted).map(|()| true).map_err(|error| unlifted(error.into()))
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
