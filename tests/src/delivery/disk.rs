//! A disk of a few megabytes, to be filled up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A memory file system of its own, mounted until this value goes. Mounting needs root.
#[derive(Debug)]
pub struct SmallDisk {
    place: TempDir,
}

impl SmallDisk {
    /// Mounts `bytes` of space; `None` for whoever may not mount, which is said.
    pub fn mount(bytes: u64) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: a disk to fill up: mounting one needs root");
            return Ok(None);
        }
        let place = tempfile::Builder::new().prefix("ledgerline-disk-").tempdir()?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "ledgerline-disk"])
            .arg(place.path())
            .status()
            .context("start mount")?;
        ensure!(status.success(), "mount a tmpfs: {status}");
        Ok(Some(Self { place }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Takes all but `bytes` of what is free.
    pub fn leave(&self, bytes: u64) -> Result<()> {
        let space = rustix::fs::statvfs(self.path())?;
        let taken = (space.f_bavail * space.f_frsize).saturating_sub(bytes);
        let mut filler = std::fs::File::create(self.filler())?;
        filler.write_all(&vec![b'x'; usize::try_from(taken)?])?;
        Ok(())
    }

    /// Gives back what was taken.
    pub fn give_back(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("--lazy").arg(self.path()).stderr(Stdio::null());
        let _ = unmount.status();
    }
}
