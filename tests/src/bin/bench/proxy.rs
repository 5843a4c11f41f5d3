//! The proxies under measurement: the shipped gateway, and the same without its filter.
//!
//! Both are made from `envoy/egress.yaml`. What has nothing to do with the filter is taken away from
//! both, which makes Envoy cheaper and the ratio harder: DNS, the guard against private addresses, TLS,
//! and all hosts but the provider. One worker, because figures of one core are asked for.
//!
//! The shipped gateway also logs calls that are still under way. Such lines say so, and count for
//! nothing here: a call counts when it ended.

use std::fs::{File, read_to_string};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::envoy::{Admin, Bootstrap, Host, Upstream};
use ledgerline_tests::process::{Supervised, eventually};
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::load::HOST;

/// Milliseconds between two writes of the access log.
const FLUSH_INTERVAL: &str = "50";

/// How long a proxy may take to write its access log.
const LOG_PATIENCE: Duration = Duration::from_secs(30);

/// What an entry has that was written before its call ended.
const PROVISIONAL: &str = r#""provisional":true"#;

/// How proxies are started.
#[derive(Clone)]
pub(crate) struct Launch {
    /// The version of Envoy.
    pub(crate) envoy: String,
    /// The core of all its threads.
    pub(crate) core: usize,
    /// Where its calls go.
    pub(crate) provider: Provider,
}

/// The provider behind a proxy.
#[derive(Clone, Copy)]
pub(crate) enum Provider {
    /// One call at a time on each connection.
    Http1(SocketAddr),
    /// Many calls on each connection.
    Http2 {
        address: SocketAddr,
        /// On one connection.
        streams: usize,
        /// On all of them.
        calls: usize,
    },
}

/// What is in the proxy.
pub(crate) enum Flavour {
    /// No filter, and a JSON access log of Envoy's own fields.
    Plain,
    /// The filter and its loggers, as shipped.
    Ledgerline {
        /// How the report calls it.
        name: String,
        /// The build of the filter.
        module: PathBuf,
    },
    /// The filter and one logger without a condition.
    WithoutFallback {
        /// The build of the filter.
        module: PathBuf,
    },
    /// What another bootstrap says.
    Other {
        /// How the report calls it.
        name: String,
        /// In place of `envoy/egress.yaml`.
        bootstrap: PathBuf,
    },
}

impl Flavour {
    /// How the report calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Plain => "Envoy",
            Self::Ledgerline { name, .. } | Self::Other { name, .. } => name,
            Self::WithoutFallback { .. } => "without fallback",
        }
    }

    fn bootstrap(&self, provider: Provider, folder: &Path) -> Result<Bootstrap> {
        let mut bootstrap = match self {
            Self::Other { bootstrap, .. } => Bootstrap::read(bootstrap)?,
            _ => Bootstrap::read(&workspace::egress_bootstrap()?)?,
        };
        bootstrap.add_host(&provider.host())?;
        bootstrap.use_free_ports();
        reduce(bootstrap.document())?;
        provider.make_room(bootstrap.document())?;
        match self {
            Self::Plain => drop_filter(bootstrap.document())?,
            Self::Ledgerline { module, .. } => bootstrap.use_module(module),
            Self::WithoutFallback { module } => {
                bootstrap.use_module(module);
                drop_fallback(bootstrap.document())?;
            }
            Self::Other { .. } => {}
        }
        bootstrap.use_ledger_folder(folder);
        Ok(bootstrap)
    }
}

impl Provider {
    fn host(&self) -> Host {
        match self {
            Self::Http1(address) => Host::new(HOST, Upstream::Http1, *address),
            Self::Http2 { address, .. } => Host::new(HOST, Upstream::Http2, *address),
        }
    }

    /// As shipped, the gateway takes 10,000 calls at a time and refuses more, and puts as many on one
    /// connection as the provider allows. For calls over HTTP/2 both limits are the bench's own. The
    /// shipped limit of client connections stays: a few hundred are enough for any number of streams.
    fn make_room(&self, bootstrap: &mut Value) -> Result<()> {
        let Self::Http2 { streams, calls, .. } = self else { return Ok(()) };
        let cluster = array(bootstrap, "/static_resources/clusters")?.first_mut();
        let cluster = cluster.context("the cluster of the bench")?;
        let thresholds = cluster.pointer_mut("/circuit_breakers/thresholds/0");
        let thresholds = thresholds.context("circuit_breakers")?;
        thresholds["max_requests"] = json!(calls + 1);
        thresholds["max_pending_requests"] = json!(calls + 1);
        let options = "/typed_extension_protocol_options\
            /envoy.extensions.upstreams.http.v3.HttpProtocolOptions\
            /explicit_http_config/http2_protocol_options";
        let options = cluster.pointer_mut(options).context("http2_protocol_options")?;
        options["max_concurrent_streams"] = json!(streams);
        Ok(())
    }
}

/// Keeps the way of the calls, the host of the bench, and of the HTTP filters ours and the last.
fn reduce(bootstrap: &mut Value) -> Result<()> {
    array(bootstrap, "/static_resources/listeners")?.retain(|one| one["name"] == "egress");
    let clusters = array(bootstrap, "/static_resources/clusters")?;
    clusters.retain(|cluster| cluster["name"] == HOST);
    let manager = http_connection_manager(bootstrap)?;
    let chain = manager["http_filters"].as_array_mut().context("http_filters")?;
    chain.retain(|filter| filter["name"] == "ledgerline" || filter["name"] == "router");
    let hosts = array(manager, "/route_config/virtual_hosts")?;
    hosts.retain(|host| host["name"] == HOST);
    Ok(())
}

fn array<'v>(value: &'v mut Value, pointer: &'static str) -> Result<&'v mut Vec<Value>> {
    value.pointer_mut(pointer).and_then(Value::as_array_mut).context(pointer)
}

fn drop_filter(bootstrap: &mut Value) -> Result<()> {
    let manager = http_connection_manager(bootstrap)?;
    let chain = manager["http_filters"].as_array_mut().context("http_filters")?;
    ensure!(chain.len() == 2, "envoy/egress.yaml lacks the filter `ledgerline` or `router`");
    chain.retain(|filter| filter["name"] == "router");
    manager["access_log"] = plain_access_log();
    // Without it a call is logged when it ended, and not before.
    manager["access_log_options"] = json!({});
    Ok(())
}

/// Twelve fields, as an operator who wants to know what happens would choose them.
fn plain_access_log() -> Value {
    json!([{
        "name": "calls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "ledger/entries.jsonl",
            "log_format": {"json_format": {
                "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%",
                "method": "%REQ(:METHOD)%",
                "path": "%REQ(:PATH)%",
                "status": "%RESPONSE_CODE%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "flags": "%RESPONSE_FLAGS%",
                "request_id": "%REQ(X-REQUEST-ID)%",
                "bytes_received": "%BYTES_RECEIVED%",
                "bytes_sent": "%BYTES_SENT%",
                "upstream": "%UPSTREAM_HOST%",
                "duration_ms": "%DURATION%",
                "user_agent": "%REQ(USER-AGENT)%",
            }},
        },
    }])
}

fn drop_fallback(bootstrap: &mut Value) -> Result<()> {
    let loggers = http_connection_manager(bootstrap)?["access_log"].as_array_mut();
    let loggers = loggers.context("access_log")?;
    loggers.truncate(1);
    let first = loggers.first_mut().and_then(Value::as_object_mut);
    first.context("an access logger")?.remove("filter");
    Ok(())
}

fn http_connection_manager(bootstrap: &mut Value) -> Result<&mut Value> {
    let path = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    bootstrap.pointer_mut(path).context("the HTTP connection manager")
}

/// An Envoy that runs; it ends when dropped.
pub(crate) struct Proxy {
    name: String,
    process: Supervised,
    address: SocketAddr,
    admin: Admin,
    log: PathBuf,
}

impl Proxy {
    /// Starts it on one core and waits until it serves.
    pub(crate) async fn start(launch: &Launch, flavour: &Flavour) -> Result<Self> {
        eprintln!("starting {}", flavour.name());
        let folder = tempfile::Builder::new().prefix("ledgerline-bench-").tempdir()?.keep();
        let bootstrap = flavour.bootstrap(launch.provider, &folder)?;
        let mut command = command(launch, &bootstrap, &folder)?;
        let mut process = Supervised::spawn(&mut command, &folder)?;
        let ready = wait_until_ready(&mut process, &folder).await;
        let (admin, address) = ready.map_err(|error| {
            let log = read_to_string(folder.join("envoy.log")).unwrap_or_default();
            error.context(format!("{} does not start:\n{log}", flavour.name()))
        })?;
        let log = folder.join("entries.jsonl");
        Ok(Self { name: flavour.name().to_owned(), process, address, admin, log })
    }

    /// How the report calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time of all threads up to now, exact where they sleep.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // A thread may end while the list is read; those that do the work stay.
            let account = read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            nanos += account
                .split(' ')
                .next()
                .and_then(|time| time.parse::<u64>().ok())
                .unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Waits until the access log has the lines of so many calls that ended, and answers them.
    pub(crate) async fn ended_calls(&self, calls: usize) -> Result<Vec<String>> {
        let written = || self.final_lines().ok().filter(|lines| lines.len() >= calls);
        let lines = eventually(LOG_PATIENCE, written).await;
        let lines = lines.map_or_else(|| self.final_lines(), Ok)?;
        ensure!(
            lines.len() == calls,
            "{} lines in the access log after {calls} calls",
            lines.len()
        );
        Ok(lines)
    }

    fn final_lines(&self) -> Result<Vec<String>> {
        Ok(final_lines(&read_to_string(&self.log)?).map(str::to_owned).collect())
    }

    /// Empties the access log, which Envoy appends to, so that a long run fills no disk.
    pub(crate) fn empty_log(&self) -> Result<()> {
        Ok(File::options().write(true).open(&self.log)?.set_len(0)?)
    }

    /// The memory that it holds now, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.process.resident_bytes()
    }

    /// Begins a new account of the most memory that it held.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        // proc_pid_clear_refs(5): 5 resets the peak resident set size.
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")?)
    }

    /// The most memory that it held since then, in bytes.
    pub(crate) fn peak_resident_bytes(&self) -> Result<u64> {
        self.process.peak_bytes()
    }

    /// Fails if a filter died since the start: the figures would be those of its absence.
    pub(crate) async fn check_for_traps(&self) -> Result<()> {
        let reloads = self.admin.stats("^wasm[.].*vm_reload").await?;
        let died: Vec<_> = reloads.0.iter().filter(|(_, count)| **count > 0).collect();
        ensure!(died.is_empty(), "the filter of {} trapped: {died:?}", self.name);
        Ok(())
    }
}

fn command(launch: &Launch, bootstrap: &Bootstrap, folder: &Path) -> Result<Command> {
    let configuration = folder.join("bootstrap.json");
    std::fs::write(&configuration, bootstrap.to_json())?;
    let log = File::create(folder.join("envoy.log"))?;
    let mut command = Command::new("taskset");
    command
        .current_dir(workspace::root())
        .args(["--cpu-list", &launch.core.to_string()])
        .arg(workspace::envoy(&launch.envoy)?)
        .arg("--config-path")
        .arg(configuration)
        .arg("--admin-address-path")
        .arg(folder.join("admin"))
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"])
        .args(["--file-flush-interval-msec", FLUSH_INTERVAL])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// Those of calls that ended. The last line may be half written.
fn final_lines(log: &str) -> impl Iterator<Item = &str> {
    let whole = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.filter(|line| !line.contains(PROVISIONAL))
}

async fn wait_until_ready(process: &mut Supervised, folder: &Path) -> Result<(Admin, SocketAddr)> {
    let admin = Admin::when_ready(process, folder).await?;
    let egress = admin.listeners().await?.get("egress").copied();
    Ok((admin, egress.context("a listener `egress`")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_ended_count() {
        let log = "{\"a\":1}\n{\"a\":2,\"provisional\":true}\n{\"a\":3}\n{\"a\":";
        assert_eq!(final_lines(log).collect::<Vec<_>>(), ["{\"a\":1}", "{\"a\":3}"]);
    }
}
