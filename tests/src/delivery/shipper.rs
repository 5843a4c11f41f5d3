//! `ledgerline ship` as a process that can be killed and started again.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::client::{Answer, Call};
use crate::process::{Supervised, eventually};
use crate::workspace;

/// How long the last segments may take once nothing is in their way.
const PATIENCE: Duration = Duration::from_secs(120);

/// How `ledgerline ship` is started.
#[derive(Clone, Debug)]
pub struct Shipping {
    /// The ledger folder.
    pub from: PathBuf,
    /// Where to.
    pub to: String,
    /// Where Envoy's admin listens, if a gateway runs.
    pub admin: Option<SocketAddr>,
    /// The environment: credentials, endpoint.
    pub environment: Vec<(String, String)>,
    /// More arguments.
    pub arguments: Vec<String>,
}

/// A running `ledgerline ship --follow`.
#[derive(Debug)]
pub struct Shipper {
    process: Supervised,
    address: SocketAddr,
    log: PathBuf,
    scratch: PathBuf,
}

impl Shipping {
    /// Starts it to follow the ledger.
    pub fn follow(&self) -> Result<Shipper> {
        self.start(&["--follow"])
    }

    /// Starts it to ship what is there, and to end.
    pub fn start_once(&self) -> Result<Shipper> {
        self.start(&[])
    }

    fn start(&self, arguments: &[&str]) -> Result<Shipper> {
        let address = free_address()?;
        let scratch = TempDir::new()?;
        let log = scratch.path().join("ship.log");
        let mut command = self.command()?;
        command.args(["--listen", &address.to_string()]).args(arguments);
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let process = Supervised::spawn(&mut command, scratch.path())?;
        Ok(Shipper { process, address, log, scratch: scratch.keep() })
    }

    /// Runs it once, to its end.
    pub async fn once(&self) -> Result<std::process::Output> {
        let mut command = tokio::process::Command::from(self.command()?);
        let run = command.kill_on_drop(true).output();
        Ok(tokio::time::timeout(PATIENCE, run).await.context("ship does not end")??)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(workspace::tool()?);
        command.arg("ship").arg("--from").arg(&self.from).args(["--to", &self.to]);
        match self.admin {
            Some(admin) => command.args(["--reopen", &format!("http://{admin}")]),
            None => command.args(["--reopen", "none"]),
        };
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

impl Shipper {
    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Asks it to end (SIGTERM) and waits.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        self.process.terminate(PATIENCE).await
    }

    /// The exit status if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// What it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The most memory that it ever held, in bytes.
    pub fn peak_bytes(&self) -> Result<u64> {
        self.process.peak_bytes()
    }

    /// Whether it says that it is healthy, and what it says.
    pub async fn health(&self) -> Result<(bool, String)> {
        let answer = self.get("/healthz").await?;
        Ok((answer.status == 200, String::from_utf8_lossy(&answer.body).into_owned()))
    }

    /// The sum of a metric over its labels; 0 if it is not there.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let answer = self.get("/metrics").await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let values = text.lines().filter_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            let is_it = key.split('{').next() == Some(name);
            if is_it { value.parse::<f64>().ok() } else { None }
        });
        Ok(values.fold(0.0, |sum, value| sum + value))
    }

    /// Waits until it has confirmed everything that was in the ledger.
    pub async fn wait_until_empty(&mut self, ledger: &Path) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.ended() {
                bail!("ship ended with {status}:\n{}", self.log());
            }
            if live_is_empty(ledger)
                && self
                    .metric("ledgerline_ship_unconfirmed_segments")
                    .await
                    .is_ok_and(|left| left == 0.0)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.process.keep_scratch();
        bail!(
            "not everything was shipped within {PATIENCE:?} ({}):\n{}",
            self.scratch.display(),
            self.log()
        )
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        Call::get("localhost", path).send(self.address).await
    }
}

/// Waits until a shipper answers, or has ended.
pub async fn when_up(shipper: &mut Shipper) -> Result<()> {
    let address = shipper.address;
    let is_up = || {
        let connected = std::net::TcpStream::connect(address).is_ok();
        (connected || shipper.ended().is_some()).then_some(connected)
    };
    match eventually(PATIENCE, is_up).await {
        Some(true) => Ok(()),
        _ => bail!("ship is not up:\n{}", shipper.log()),
    }
}

fn live_is_empty(ledger: &Path) -> bool {
    std::fs::metadata(ledger.join("entries.jsonl")).is_ok_and(|live| live.len() == 0)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
