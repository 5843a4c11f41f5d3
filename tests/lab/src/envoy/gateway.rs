//! A gateway that runs.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::admin::Admin;
use super::bootstrap::{Bootstrap, Host, Upstream};
use super::discovery::Discovery;
use super::trouble::{NotStarted, TakenPort};
use crate::ledger::Ledger;
use crate::process::Supervised;
use crate::simulator::Simulator;
use crate::workspace;

/// How long calls may take to end once nobody waits for them.
const QUIET_PATIENCE: Duration = Duration::from_secs(20);

/// A port on which nothing listens (tcpmux, RFC 1078, long dead).
const CLOSED_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Real hosts that tests lead to the simulator.
const PROVIDERS: [&str; 7] = [
    "api.openai.com",
    "simulated.openai.azure.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
    "api.mistral.ai",
    "api.groq.com",
];

/// A running Envoy with the filter; it ends when dropped.
#[derive(Debug)]
pub struct Gateway {
    process: Supervised,
    scratch: PathBuf,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    admin: Admin,
    stat_prefix: String,
    ledger: Ledger,
    connections: PathBuf,
}

impl Gateway {
    /// A gateway of the given Envoy version, from the shipped bootstrap.
    pub fn builder(version: &str) -> Result<Builder> {
        Ok(Builder {
            envoy: workspace::envoy(version)?,
            bootstrap: Bootstrap::suited(&workspace::egress_bootstrap()?, version)?,
            module: workspace::module()?,
            ports: Ports::Free,
            with_metrics: false,
            ledger_folder: None,
            concurrency: 2,
            flush_interval_ms: 10,
            arguments: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of a host in path style.
    pub fn url(&self, host: &str) -> String {
        format!("http://{}/{host}", self.address)
    }

    /// Envoy's admin interface.
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// Where Prometheus connects, if it can: see [`Builder::with_metrics`].
    pub fn metrics_address(&self) -> Result<SocketAddr> {
        self.metrics.context("a listener `metrics`")
    }

    /// What Prometheus reads.
    pub async fn metrics(&self) -> Result<String> {
        Admin(self.metrics_address()?).get("/stats/prometheus").await
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The log of connections that never became a request, line by line.
    pub fn connections(&self) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(&self.connections).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).context(line.to_owned())).collect()
    }

    /// Envoy's own log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.join("envoy.log")).unwrap_or_default()
    }

    /// The process, for what only a process can tell or suffer.
    pub fn process(&mut self) -> &mut Supervised {
        &mut self.process
    }

    /// The memory that Envoy holds now, in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.process.resident_bytes()
    }

    /// How many requests Envoy counted.
    pub async fn requests(&self) -> Result<u64> {
        self.http_stat("downstream_rq_total").await
    }

    /// Waits until no request is under way and the ledger has a line for each one that was counted.
    pub async fn quiesce(&self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + QUIET_PATIENCE;
        while self.http_stat("downstream_rq_active").await? > 0 {
            ensure!(tokio::time::Instant::now() < deadline, "requests do not end: {self}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let counted = self.requests().await?;
        self.ledger.wait_for_count(usize::try_from(counted)?).await.map(drop)
    }

    /// Fails if a filter died in any thread since the start.
    pub async fn check_for_traps(&self) -> Result<()> {
        let reloads = self.admin.stats("^wasm[.].*vm_reload").await?;
        let died: Vec<_> = reloads.0.iter().filter(|(_, count)| **count > 0).collect();
        ensure!(died.is_empty(), "the filter trapped: {died:?}");
        ensure!(!self.log().contains("[critical]"), "Envoy logged a critical error");
        Ok(())
    }

    /// Ends Envoy gracefully; open calls are cut, and their entries written.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.process.terminate(QUIET_PATIENCE).await
    }

    /// Keeps configuration, log and ledger for a person, and says where they are.
    pub fn explain(&self) -> String {
        self.process.keep_scratch();
        let mut text = format!("files of this gateway: {}\n", self.scratch.display());
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(30)) {
            let _ = writeln!(text, "envoy: {line}");
        }
        text
    }

    async fn http_stat(&self, name: &str) -> Result<u64> {
        let name = format!("http.{}.{name}", self.stat_prefix);
        self.admin.stats(&format!("^{name}$")).await?.get(&name)
    }
}

impl std::fmt::Display for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.explain())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{self}");
        }
    }
}

/// A gateway that does not run yet.
#[derive(Debug)]
pub struct Builder {
    envoy: PathBuf,
    bootstrap: Bootstrap,
    module: PathBuf,
    ports: Ports,
    with_metrics: bool,
    ledger_folder: Option<PathBuf>,
    concurrency: u32,
    flush_interval_ms: u32,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// The ports of a gateway, all on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Those that the kernel gives.
    Free,
    /// Those of the bootstrap.
    AsWritten,
    /// This one for calls, and free ones for admin and metrics.
    Calls(u16),
}

impl Builder {
    /// Adds the hosts under which tests know the simulator, and two that cannot be reached.
    ///
    /// | host | leads to |
    /// |---|---|
    /// | `provider.test` | well-formed answers, HTTP/1.1 |
    /// | `h2.provider.test` | the same over HTTP/2 |
    /// | `tls.provider.test` | the same over TLS |
    /// | `untrusted.provider.test` | the same over TLS, with a certificate for another name |
    /// | `faulty.test` | answers that break |
    /// | `impatient.test` | the same, with 0.3 s for an answer |
    /// | `refused.test` | a closed port |
    pub fn simulator(self, simulator: &Simulator) -> Result<Self> {
        let tls = || Upstream::Tls { trusted_ca: simulator.authority().root_pem() };
        let (plain, faulty) = (simulator.address(), simulator.faulty_address());
        self.host(&Host::new("provider.test", Upstream::Http1, plain))?
            .host(&Host::new("h2.provider.test", Upstream::Http2, plain))?
            .host(&Host::new("tls.provider.test", tls(), simulator.tls_address()))?
            .host(&Host::new("untrusted.provider.test", tls(), simulator.tls_address()))?
            .host(&Host::new("faulty.test", Upstream::Http1, faulty))?
            .host(&Host::new("impatient.test", Upstream::Http1, faulty).timeout("0.3s"))?
            .host(&Host::new("refused.test", Upstream::Http1, CLOSED_PORT))
    }

    /// Leads the hosts of real providers, which the filter knows by their names, to the simulator.
    pub fn providers(self, simulator: &Simulator) -> Result<Self> {
        PROVIDERS.into_iter().try_fold(self, |builder, name| {
            builder.host(&Host::new(name, Upstream::Http1, simulator.address()))
        })
    }

    /// Allows one more host.
    pub fn host(mut self, host: &Host) -> Result<Self> {
        self.bootstrap.add_host(host)?;
        Ok(self)
    }

    /// Adds a name to the allow-list as it ships: calls go where that name leads.
    pub fn allow_domain(mut self, domain: &str) -> Result<Self> {
        self.bootstrap.allow_domain(domain)?;
        Ok(self)
    }

    /// Merges into the configuration of the filter.
    pub fn plugin(mut self, configuration: &Value) -> Self {
        self.bootstrap.merge_plugin_configuration(configuration);
        self
    }

    /// Loads the filter from another file.
    pub fn module(mut self, module: PathBuf) -> Self {
        self.module = module;
        self
    }

    /// Puts HTTP filters before ours.
    pub fn filters_before(mut self, filters: &[Value]) -> Result<Self> {
        self.bootstrap.insert_http_filters(0, filters)?;
        Ok(self)
    }

    /// Puts HTTP filters behind ours.
    pub fn filters_behind(mut self, filters: &[Value]) -> Result<Self> {
        self.bootstrap.insert_http_filters(1, filters)?;
        Ok(self)
    }

    /// Takes the filter from `file`, where it has to lie before the start, and every new one that is
    /// put there.
    pub fn discover_filter(mut self, file: &Path) -> Result<(Self, Discovery)> {
        let discovery = Discovery::new(&mut self.bootstrap, file)?;
        Ok((self, discovery))
    }

    /// Changes the bootstrap in a way that has no method.
    pub fn adapt(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(self.bootstrap.document());
        self
    }

    /// Runs this many worker threads, each with its own filter; 2 if nobody says otherwise.
    pub fn concurrency(mut self, concurrency: u32) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Writes entries to their file this often; every 10 ms if nobody says otherwise, so that tests need not wait.
    pub fn flush_interval_ms(mut self, interval: u32) -> Self {
        self.flush_interval_ms = interval;
        self
    }

    /// Adds arguments to Envoy's command line.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Sets an environment variable of Envoy.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on other ports than free ones.
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Adds to the ledger in `folder`, which stays; without this it is a folder that goes.
    pub fn ledger_folder(mut self, folder: PathBuf) -> Self {
        self.ledger_folder = Some(folder);
        self
    }

    /// Lets the listener `metrics` find the admin, whose port is then chosen before Envoy starts.
    pub fn with_metrics(mut self) -> Self {
        self.with_metrics = true;
        self
    }

    /// Starts Envoy and waits until it serves.
    pub async fn start(mut self) -> Result<Gateway> {
        let scratch = tempfile::Builder::new().prefix("ledgerline-").tempdir()?;
        let ledger_folder = self.ledger_folder.take().unwrap_or_else(|| scratch.path().into());
        std::fs::create_dir_all(&ledger_folder)?;
        self.bootstrap.use_ledger_folder(&ledger_folder);
        self.bootstrap.use_module(&self.module);
        self.settle_ports()?;
        let ledger = Ledger::from_now_on(&ledger_folder.join("entries.jsonl"));
        let mut process = Supervised::spawn(&mut self.command(scratch.path())?, scratch.path())?;
        let scratch = TempDir::keep(scratch);
        let failed = |error: anyhow::Error| error.context(NotStarted::of(&scratch));
        let admin = Admin::when_ready(&mut process, &scratch).await.map_err(failed)?;
        let listeners = admin.listeners().await?;
        Ok(Gateway {
            process,
            address: listeners.get("egress").copied().context("a listener `egress`")?,
            metrics: listeners.get("metrics").copied(),
            admin,
            stat_prefix: self.bootstrap.stat_prefix()?,
            ledger,
            connections: ledger_folder.join("connections.jsonl"),
            scratch,
        })
    }

    fn settle_ports(&mut self) -> Result<()> {
        match self.ports {
            Ports::AsWritten => {}
            Ports::Free => self.bootstrap.use_free_ports(),
            Ports::Calls(port) => {
                self.bootstrap.use_free_ports();
                self.bootstrap.use_port(port)?;
                self.with_metrics = true;
            }
        }
        if self.with_metrics && self.ports != Ports::AsWritten {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            self.bootstrap.use_admin_port(free.local_addr()?.port())?;
        }
        // Envoy's listeners would share a port with whoever else allows it, another Envoy for one.
        for port in self.bootstrap.ports() {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            free.with_context(|| TakenPort(port))?;
        }
        Ok(())
    }

    fn command(&self, scratch: &Path) -> Result<Command> {
        let configuration = scratch.join("bootstrap.json");
        std::fs::write(&configuration, self.bootstrap.to_json())?;
        let log = File::create(scratch.join("envoy.log"))?;
        let mut command = Command::new(&self.envoy);
        command
            .current_dir(workspace::root())
            .arg("--config-path")
            .arg(configuration)
            .arg("--admin-address-path")
            .arg(scratch.join("admin"))
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--file-flush-interval-msec", &self.flush_interval_ms.to_string()])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}
