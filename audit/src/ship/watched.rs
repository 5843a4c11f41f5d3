//! A file that only grows, held open while it is watched.
//!
//! ```text
//! looked at    …line 41⏎ line 42⏎            so long, and how it ended
//! cut          …line 41⏎                     shorter: so many bytes are gone
//! cut, grown   line 99⏎ line 100⏎ line 101⏎  longer, and something else stands where it ended: all of it is gone
//! ```
//!
//! Whoever removes or renames it takes only its name: what it holds can still be read here.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::dir::{Identity, identity_of};

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) file: File,
    pub(super) identity: Identity,
    pub(super) len: u64,
    /// How it ended then.
    tail: Vec<u8>,
}

/// No two lines end alike so far back: each holds an id of its own.
const TAIL: u64 = 256;

impl Watched {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let mut watched = Self { identity: identity_of(&file)?, file, len: 0, tail: Vec::new() };
        watched.remember(watched.file.metadata()?.len())?;
        Ok(watched)
    }

    /// How many of the bytes that stood there at the last look are gone, as far as can be told.
    pub(super) fn look(&mut self) -> io::Result<u64> {
        let len = self.file.metadata()?.len();
        let gone = match len < self.len {
            true => self.len - len,
            false if self.ends_as_before()? => 0,
            false => self.len,
        };
        if len != self.len || gone > 0 {
            self.remember(len)?;
        }
        Ok(gone)
    }

    fn ends_as_before(&self) -> io::Result<bool> {
        Ok(self.read_before(self.len)? == self.tail)
    }

    fn remember(&mut self, len: u64) -> io::Result<()> {
        self.tail = self.read_before(len)?;
        self.len = len;
        Ok(())
    }

    fn read_before(&self, end: u64) -> io::Result<Vec<u8>> {
        let count = end.min(TAIL);
        let mut bytes = vec![0; usize::try_from(count).map_err(io::Error::other)?];
        match self.file.read_exact_at(&mut bytes, end - count) {
            // It has just become shorter, which the next look tells.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
            read => read.map(|()| bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_gone_shows_however_the_file_grew_since() {
        for (keep, more, gone) in [
            (8, "", 0),
            (8, "new\n", 0),
            (4, "", 4),
            (0, "", 8),
            (0, "12345678", 8),
            (0, "other lines\n", 8),
            (4, "other\n", 8),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"abc\ndef\n").unwrap();
            let mut watched = Watched::new(file.try_clone().unwrap()).unwrap();
            assert_eq!(watched.look().unwrap(), 0);
            file.set_len(keep).unwrap();
            io::Seek::seek(&mut file, io::SeekFrom::End(0)).unwrap();
            file.write_all(more.as_bytes()).unwrap();
            assert_eq!(watched.look().unwrap(), gone, "{keep} {more}");
            assert_eq!(watched.look().unwrap(), 0, "said once");
        }
    }
}
