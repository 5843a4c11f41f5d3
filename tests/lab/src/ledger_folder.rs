//! A folder for a ledger that goes again, whatever the kernel keeps in it.

use std::path::Path;

use anyhow::Result;
use ledgerline_audit::protect;
use tempfile::TempDir;

/// A ledger folder whose files the kernel may protect, removed all the same in the end.
#[derive(Debug)]
pub struct LedgerFolder(TempDir);

impl LedgerFolder {
    /// A new one below `parent`, on whatever file system that is.
    pub fn new_in(parent: &Path) -> Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("ledgerline-ledger-").tempdir_in(parent)?))
    }

    /// A new one where temporary files lie.
    pub fn new() -> Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for LedgerFolder {
    fn drop(&mut self) {
        protect::lift_from(self.path());
    }
}
