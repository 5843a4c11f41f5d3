//! Does anybody still have a file open for writing? The kernel knows.
//!
//! It grants a *read lease* on a file exactly when nobody has it open for writing (fcntl(2),
//! `F_SETLEASE`). The lease is given back at once: only the answer is wanted.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, RawFd},
};

/// The kernel's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writers {
    None,
    Some,
    /// This file system, or these rights, have no leases.
    Unknown,
}

/// Asks about a file that is open for reading only.
pub(super) fn writers(file: &File) -> Writers {
    let fd = file.as_raw_fd();
    // Whoever opens the file for writing in the moment of the lease has a signal sent to us. By
    // default it is SIGIO, which kills; SIGURG is ignored unless somebody asks for it.
    let granted =
        fcntl(fd, F_SETSIG, libc::SIGURG).and_then(|()| fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK));
    match granted {
        Ok(()) => {
            // A lease that stays ends with the file descriptor.
            let _ = fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
            Writers::None
        }
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Writers::Some,
        Err(_) => Writers::Unknown,
    }
}

/// From `asm-generic/fcntl.h`; the libc crate does not have it for every target.
const F_SETSIG: libc::c_int = 10;

fn fcntl(fd: RawFd, command: libc::c_int, argument: libc::c_int) -> io::Result<()> {
    // SAFETY: the commands above take an int and touch no memory of this process.
    match unsafe { libc::fcntl(fd, command, argument) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    fn an_open_writer_shows_until_it_closes() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let reader = File::open(&path).unwrap();
        if writers(&reader) == Writers::Unknown {
            eprintln!("skipped: no leases on {}", path.display());
            return;
        }
        let writer = OpenOptions::new().append(true).open(&path).unwrap();
        assert_eq!(writers(&reader), Writers::Some);
        assert_eq!(writers(&reader), Writers::Some);
        drop(writer);
        assert_eq!(writers(&reader), Writers::None);
        assert_eq!(writers(&reader), Writers::None);
    }
}
