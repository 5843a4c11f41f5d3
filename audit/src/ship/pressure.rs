//! Telling the gateway to take no calls, on a disk that takes no byte.
//!
//! ```text
//! pressure        0        pressure        1        two files, made while there was room; the spare is written over, byte for
//! pressure.spare  0   ──▶  pressure.spare  0        byte, and then both change their names in one step
//! ```
//!
//! A full disk refuses every new file and every new byte. Nothing here is new when it matters: the spare has its length
//! and its inode already, and an exchange of two names allocates nothing. The gateway looks for a file that is *moved* to
//! its name (inotify), which an exchange is. What the gateway is told is said only after it was read back.

use std::{
    io::{self, ErrorKind, Read},
    os::unix::fs::FileExt,
};

use super::dir::Dir;
use crate::ledger::{PRESSURE, PRESSURE_SPARE};

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    TakeCalls,
    RefuseCalls,
}

impl Says {
    fn text(self) -> &'static [u8] {
        match self {
            Self::TakeCalls => b"0",
            Self::RefuseCalls => b"1",
        }
    }
}

const MODE: u32 = 0o640;
/// No word of ours is longer.
const MOST: u64 = 16;

/// What the gateway reads now; `None`: nothing, or nothing that makes sense.
pub(super) fn read(dir: &Dir) -> Option<Says> {
    let mut text = String::new();
    dir.read(PRESSURE).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    match text.trim() {
        "0" => Some(Says::TakeCalls),
        "1" => Some(Says::RefuseCalls),
        _ => None,
    }
}

/// Makes both files, if they are not there; the gateway may look from now on.
pub(super) fn prepare(dir: &Dir) -> io::Result<()> {
    prepare_spare(dir)?;
    match read(dir) {
        Some(_) => Ok(()),
        None => say(dir, Says::TakeCalls),
    }
}

/// Tells the gateway; it is told when this returns.
pub(super) fn say(dir: &Dir, says: Says) -> io::Result<()> {
    if read(dir) == Some(says) {
        return Ok(());
    }
    write_spare(dir, says)?;
    match dir.exchange(PRESSURE_SPARE, PRESSURE) {
        Ok(()) => {}
        // A file system without exchange, or nothing there to exchange with.
        Err(_) => dir.rename(PRESSURE_SPARE, dir, PRESSURE)?,
    }
    // The next spare; without room it is made when there is some.
    let _ = prepare_spare(dir);
    match read(dir) {
        Some(now) if now == says => Ok(()),
        _ => Err(io::Error::other("it was written, and does not say so")),
    }
}

fn write_spare(dir: &Dir, says: Says) -> io::Result<()> {
    prepare_spare(dir)?;
    dir.write(PRESSURE_SPARE)?.write_all_at(says.text(), 0)
}

/// A file of one byte that is on the disk. What is no regular file of one byte gives way.
fn prepare_spare(dir: &Dir) -> io::Result<()> {
    if dir.write(PRESSURE_SPARE).is_ok_and(|file| file.metadata().is_ok_and(|file| file.len() == 1))
    {
        return Ok(());
    }
    dir.remove_if_there(PRESSURE_SPARE)?;
    let file = match dir.create(PRESSURE_SPARE, MODE) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => dir.write(PRESSURE_SPARE)?,
        file => file?,
    };
    file.write_all_at(Says::TakeCalls.text(), 0).and_then(|()| file.sync_all())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn it_says_what_it_was_told_whatever_lay_there() {
        type Lay = fn(&std::path::Path);
        let lays: [(&str, Lay); 6] = [
            ("nothing", |_| ()),
            ("an old one", |path| fs::write(path.join(PRESSURE), "0").unwrap()),
            ("a torn one", |path| fs::write(path.join(PRESSURE), "").unwrap()),
            ("a link", |path| symlink("/etc/hostname", path.join(PRESSURE)).unwrap()),
            ("a spare link", |path| symlink("/etc/hostname", path.join(PRESSURE_SPARE)).unwrap()),
            ("a long spare", |path| fs::write(path.join(PRESSURE_SPARE), "0000").unwrap()),
        ];
        for (what, lay) in lays {
            let place = tempfile::tempdir().unwrap();
            let dir = Dir::open(place.path()).unwrap();
            lay(place.path());
            prepare(&dir).unwrap();
            for says in [Says::RefuseCalls, Says::RefuseCalls, Says::TakeCalls, Says::RefuseCalls] {
                say(&dir, says).unwrap();
                let text = fs::read(place.path().join(PRESSURE)).unwrap();
                assert_eq!((text.as_slice(), read(&dir)), (says.text(), Some(says)), "{what}");
            }
        }
    }
}
