//! A store's process: started, killed and started again on the same ports and the same data.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::process::{Supervised, eventually, log_tail};
use crate::workspace;

/// How long a store may take to answer. Ceph needs 10 s; a machine that also compiles needs more.
const PATIENCE: Duration = Duration::from_secs(120);

/// A store's process and its folder, which goes when this value goes.
#[derive(Debug)]
pub(super) struct Server {
    command: Mutex<Command>,
    process: Mutex<Option<Supervised>>,
    folder: PathBuf,
    port: u16,
    is_tls: bool,
}

/// A folder for one store, on a real disk: a `tmpfs` has no extended attributes of users.
pub(super) fn scratch(name: &str) -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(workspace::scratch()?)?)
}

impl Server {
    /// Starts `command`, which serves HTTP on `port`, and waits until it does.
    pub(super) async fn start(command: Command, folder: TempDir, port: u16) -> Result<Self> {
        Self::start_as(command, folder, port, false).await
    }

    /// The same, by TLS: it is there when it listens.
    pub(super) async fn start_tls(command: Command, folder: TempDir, port: u16) -> Result<Self> {
        Self::start_as(command, folder, port, true).await
    }

    async fn start_as(command: Command, folder: TempDir, port: u16, is_tls: bool) -> Result<Self> {
        let folder = TempDir::keep(folder);
        let command = Mutex::new(command);
        let server = Self { command, process: Mutex::default(), folder, port, is_tls };
        server.restart().await?;
        Ok(server)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the process with all its children at once (SIGKILL). Its data stays.
    pub(super) fn kill(&self) {
        if let Some(mut process) = locked(&self.process).take() {
            process.keep_scratch();
            process.kill();
        }
    }

    /// Starts the process again on its data.
    pub(super) async fn restart(&self) -> Result<()> {
        self.kill();
        let process = {
            let log = File::options().create(true).append(true).open(self.log_file())?;
            let mut command = locked(&self.command);
            command.stdin(std::process::Stdio::null()).stdout(log.try_clone()?).stderr(log);
            Supervised::spawn(&mut command, &self.folder)?
        };
        *locked(&self.process) = Some(process);
        match eventually(PATIENCE, || self.answers()).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(error),
            None => bail!("no answer on port {} for {PATIENCE:?}; {}", self.port, self.log()),
        }
    }

    /// The last lines that the process wrote.
    pub(super) fn log(&self) -> String {
        log_tail(&self.log_file(), |_| true)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// `None`: not yet.
    fn answers(&self) -> Option<Result<()>> {
        let mut process = locked(&self.process);
        let ended = process.as_mut().and_then(Supervised::ended);
        if let Some(status) = ended {
            return Some(Err(anyhow::anyhow!("the store ended ({status}); {}", self.log())));
        }
        let is_up = if self.is_tls { listens(self.port) } else { speaks_http(self.port) };
        is_up.then_some(Ok(()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if locked(&self.process).is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A store may listen before it serves: only an answer counts.
fn speaks_http(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/")
    };
    ask().unwrap_or(false)
}

/// A test that failed while it held the lock left the value as good as before.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
