//! The OpenTelemetry Collector, started and killed.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ledgerline_tests::process::{Supervised, eventually};
use ledgerline_tests::storage::free_port;
use ledgerline_tests::workspace::{self, Needed};

use crate::{PATIENCE, shipped};

/// A collector with one of the shipped configurations, in a folder of its own.
#[derive(Debug)]
pub(crate) struct Collector {
    program: PathBuf,
    configuration: &'static str,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    health: u16,
    process: Option<Supervised>,
}

impl Collector {
    /// One that does not run yet; `None` where there is no collector, which was said.
    pub(crate) fn new(configuration: &'static str, folder: &Path) -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Collector)? else { return Ok(None) };
        let health = free_port()?;
        let collector = Self {
            program,
            configuration,
            environment: Vec::new(),
            folder: folder.into(),
            health,
            process: None,
        };
        let health = format!("127.0.0.1:{health}");
        Ok(Some(collector.with("LEDGERLINE_HEALTH", &health).with("LEDGERLINE_METRICS", "none")))
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says whether the configuration loads; what the collector says if not.
    pub(crate) fn validate(&self) -> Result<()> {
        let output = self.command("validate").output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Starts it and waits until its pipelines run.
    pub(crate) async fn start(&mut self) -> Result<()> {
        let log =
            File::options().create(true).append(true).open(self.folder.join("otelcol.log"))?;
        let mut command = self.command("");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // The folder is the test's; nothing of it goes with the process.
        let mut process = Supervised::spawn(&mut command, &self.folder.join("nothing"))?;
        let healthy = eventually(PATIENCE, || match process.ended() {
            Some(status) => Some(Err(status)),
            None => is_healthy(self.health).then_some(Ok(())),
        });
        match healthy.await {
            Some(Ok(())) => self.process = Some(process),
            Some(Err(status)) => bail!("the collector ended with {status}: {}", self.log()),
            None => bail!("the collector is not healthy for {PATIENCE:?}: {}", self.log()),
        }
        Ok(())
    }

    /// Ends it at once (SIGKILL).
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Asks it to end, and waits.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        process.terminate(Duration::from_secs(60)).await.map(drop)
    }

    /// The last lines that it wrote.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("otelcol.log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        if !subcommand.is_empty() {
            command.arg(subcommand);
        }
        command
            .arg("--config")
            .arg(shipped(self.configuration))
            .arg("--feature-gates=stanza.synchronousLogEmitter")
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
