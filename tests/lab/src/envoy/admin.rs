//! Envoy's own view of itself, read over its admin interface on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::client::Call;
use crate::process::{Supervised, eventually};

/// The admin interface of one Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub SocketAddr);

/// How long an Envoy may take to start on a busy machine.
const START_PATIENCE: Duration = Duration::from_secs(60);

impl Admin {
    /// Waits until an Envoy that writes its admin address to `folder/admin` serves.
    pub async fn when_ready(process: &mut Supervised, folder: &Path) -> Result<Self> {
        let address = eventually(START_PATIENCE, || {
            let address = std::fs::read_to_string(folder.join("admin")).ok();
            let address = address.and_then(|text| text.trim().parse::<SocketAddr>().ok());
            process.ended().map(Err).or(address.map(Ok))
        });
        let admin = match address.await {
            Some(Ok(address)) => Self(address),
            Some(Err(status)) => bail!("Envoy ended with {status}"),
            None => bail!("no admin address within {START_PATIENCE:?}"),
        };
        let deadline = tokio::time::Instant::now() + START_PATIENCE;
        while admin.get("/ready").await.is_err() {
            ensure!(process.ended().is_none(), "Envoy ended");
            ensure!(tokio::time::Instant::now() < deadline, "not ready within {START_PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(admin)
    }

    /// Reads a page.
    pub async fn get(&self, path: &str) -> Result<String> {
        let answer = Call::get("admin", path).send(self.0).await?;
        ensure!(answer.status == 200, "admin {path}: status {}", answer.status);
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The addresses of all listeners by name.
    pub async fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        let listeners: Value = serde_json::from_str(&self.get("/listeners?format=json").await?)?;
        let mut addresses = BTreeMap::new();
        for listener in listeners["listener_statuses"].as_array().into_iter().flatten() {
            let address = &listener["local_address"]["socket_address"];
            let (ip, port) = (address["address"].as_str(), &address["port_value"]);
            if let (Some(name), Some(ip)) = (listener["name"].as_str(), ip) {
                addresses.insert(name.to_owned(), format!("{ip}:{port}").parse()?);
            }
        }
        Ok(addresses)
    }

    /// All counters and gauges whose name matches the regular expression.
    pub async fn stats(&self, pattern: &str) -> Result<Stats> {
        let text = self.get(&format!("/stats?filter={pattern}")).await?;
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        let numbers = pairs.filter_map(|(name, value)| Some((name.into(), value.parse().ok()?)));
        Ok(Stats(numbers.collect()))
    }
}

/// Counters and gauges at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats(pub BTreeMap<String, u64>);

impl Stats {
    /// The value of one; an error if Envoy does not have it.
    pub fn get(&self, name: &str) -> Result<u64> {
        self.0.get(name).copied().with_context(|| format!("no statistic {name}"))
    }
}
