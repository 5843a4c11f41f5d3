use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::Supervised;

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
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !probe() {
            if let Some(status) = self.process.ended() {
                bail!("{} ended with {status}; {}", self.name, self.log());
            }
            if tokio::time::Instant::now() >= deadline {
                bail!("{} does not serve within {PATIENCE:?}; {}", self.name, self.log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The last lines that the server wrote; its files stay for a person.
    pub(super) fn log(&self) -> String {
        self.process.keep_scratch();
        let text = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        let lines = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        format!("files: {}; its log ends:\n{lines}", self.folder.display())
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
