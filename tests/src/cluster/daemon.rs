//! A server of the control plane: started, waited for, and gone with its value.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Supervised, eventually, log_tail};

/// How long a control plane may take to start on a machine that also compiles.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that runs until this value goes, with its files.
#[derive(Debug)]
pub(super) struct Daemon {
    name: &'static str,
    process: Supervised,
    folder: PathBuf,
}

impl Daemon {
    /// Starts `command`, whose files lie in `folder`.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        folder: TempDir,
    ) -> Result<Self> {
        let log = File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = Supervised::spawn(command, folder.path())?;
        Ok(Self { name, process, folder: TempDir::keep(folder) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until `probe` says that the server serves.
    pub(super) async fn until(&mut self, probe: impl Fn() -> bool) -> Result<()> {
        let process = &mut self.process;
        let serves = || if probe() { Some(None) } else { process.ended().map(Some) };
        match eventually(PATIENCE, serves).await {
            Some(None) => Ok(()),
            Some(Some(status)) => bail!("{} ended with {status}; {}", self.name, self.log()),
            None => bail!("{} does not serve within {PATIENCE:?}; {}", self.name, self.log()),
        }
    }

    /// The last lines that the server wrote; its files stay for a person.
    pub(super) fn log(&self) -> String {
        self.process.keep_scratch();
        let tail = log_tail(&self.folder.join("log"), |_| true);
        format!("files: {}; {tail}", self.folder.display())
    }
}

/// A folder for one server or one test.
pub(super) fn scratch(name: &str) -> Result<TempDir> {
    let builder = tempfile::Builder::new().prefix(&format!("ledgerline-{name}-")).tempdir();
    builder.context("a folder for the test")
}

/// A folder inside that of a server, which goes with it.
pub(super) fn scratch_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let inside = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(folder);
    Ok(inside.context("a folder for the test")?.keep())
}
