//! Envoy's own view of itself, read over its admin interface on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Call;

/// The admin interface of one Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub SocketAddr);

impl Admin {
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
