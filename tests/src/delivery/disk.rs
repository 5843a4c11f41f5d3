//! A disk of a few megabytes, to be filled up.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A file system of its own, mounted until this value goes. Mounting needs root.
#[derive(Debug)]
pub struct SmallDisk {
    place: TempDir,
}

/// Of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// In memory.
    Tmpfs,
    /// In a file, through a loop device.
    Ext4,
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tmpfs => "tmpfs",
            Self::Ext4 => "ext4",
        })
    }
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

    /// Mounts a file system with so many bytes and few inodes; `None` for whoever may not mount, which is said.
    pub fn mount_as(kind: FileSystem, bytes: u64) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: a disk to fill up: mounting one needs root");
            return Ok(None);
        }
        let place = tempfile::Builder::new().prefix("ledgerline-disk-").tempdir()?;
        let mut mount = Command::new("mount");
        match kind {
            FileSystem::Tmpfs => {
                mount.args(["-t", "tmpfs", "-o", &format!("size={bytes},nr_inodes={INODES}")]);
                mount.arg("ledgerline-disk");
            }
            FileSystem::Ext4 => {
                let image = place.path().join("image");
                std::fs::File::create(&image)?.set_len(bytes)?;
                let make = Command::new("mkfs.ext4")
                    .args(["-q", "-m", "0", "-N", &INODES.to_string()])
                    .arg(&image)
                    .status();
                if !make.is_ok_and(|status| status.success()) {
                    eprintln!("SKIPPED: an ext4 to fill up: there is no mkfs.ext4");
                    return Ok(None);
                }
                mount.args(["-o", "loop"]).arg(image);
            }
        }
        let status = mount.arg(place.path()).status().context("start mount")?;
        if !status.success() {
            eprintln!("SKIPPED: a disk to fill up: {kind:?} cannot be mounted here");
            return Ok(None);
        }
        Ok(Some(Self { place }))
    }

    /// Takes every byte and every inode that there is.
    pub fn take_all(&self) -> Result<()> {
        let mut filler = std::fs::File::create(self.filler())?;
        // Names before bytes: a folder grows with them.
        let folder = self.path().join("fillers");
        let _ = std::fs::create_dir(&folder);
        for number in 0.. {
            if std::fs::File::create(folder.join(number.to_string())).is_err() {
                break;
            }
        }
        let mut chunk = vec![b'x'; 1 << 20];
        while !chunk.is_empty() {
            if filler.write_all(&chunk).is_err() {
                chunk.truncate(chunk.len() / 2);
            }
        }
        Ok(())
    }

    /// Free bytes and inodes.
    pub fn free(&self) -> Result<(u64, u64)> {
        let space = rustix::fs::statvfs(self.path())?;
        Ok((space.f_bavail * space.f_frsize, space.f_favail))
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

    /// Gives back what [`Self::take_all`] took.
    pub fn give_all_back(&self) -> Result<()> {
        std::fs::remove_dir_all(self.path().join("fillers"))?;
        self.give_back()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

/// So few that they can be used up at once.
const INODES: u32 = 256;

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("--lazy").arg(self.path()).stderr(Stdio::null());
        let _ = unmount.status();
    }
}
