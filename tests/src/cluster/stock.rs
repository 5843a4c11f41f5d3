//! Makes files for a stock Envoy of what istiod sent to Istio's own.
//!
//! Changed is only where things are: the xDS server becomes files, the certificates of the agent
//! become files, addresses of pods and of the outside lead to loopback, and the volume of the
//! ledger is a folder. And what stock Envoy does not have is left out, by name ([`NOT_STOCK`]):
//! anything else that it could not load would be an error.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::configuration::Configuration;

/// Extensions of Istio's Envoy that stock Envoy does not have, and what goes with them.
pub const NOT_STOCK: [(&str, &str); 5] = [
    ("istio.metadata_exchange", "names of the peers' workloads, for metrics"),
    ("istio.stats", "Istio's metrics"),
    ("istio.alpn", "istio's own protocol names between proxies"),
    ("istio-peer-metadata", "names of the peers' workloads, for metrics"),
    ("waypoint_upstream_peer_metadata", "names of the peers' workloads, for metrics"),
];

/// Where the overlays have the ledger.
const LEDGER: &str = "/var/lib/ledgerline/";
/// Where they have it in a pod without a volume of its own.
const OUTPUT: &str = "/dev/stdout";

/// Where things are on this machine.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// Takes the files that Envoy subscribes to.
    pub(super) folder: &'a Path,
    /// Stands for the volume of the ledger.
    pub(super) ledger: &'a Path,
    /// Where an address of the mesh, or a name outside, is really served.
    pub(super) addresses: &'a BTreeMap<String, SocketAddr>,
    /// The secrets by the names under which a proxy asks its agent for them.
    pub(super) secrets: &'a BTreeMap<String, Value>,
}

/// Writes everything; the two files of listeners and of clusters lead to all the others.
pub(super) fn write(configuration: &Configuration, places: &Places) -> Result<(PathBuf, PathBuf)> {
    let writer = Writer { configuration, places };
    let mut listeners = configuration.listeners.clone();
    for listener in &mut listeners {
        writer.make_stock(listener)?;
        if has_socket(listener) {
            listener["address"]["socket_address"] =
                json!({"address": "127.0.0.1", "port_value": 0});
            listener["bind_to_port"] = json!(true);
        }
    }
    let mut clusters = configuration.clusters.clone();
    clusters.iter_mut().try_for_each(|cluster| writer.make_stock(cluster))?;
    Ok((writer.file("listeners", &listeners)?, writer.file("clusters", &clusters)?))
}

/// Whether connections from outside of the proxy reach a listener.
pub(super) fn has_socket(listener: &Value) -> bool {
    listener["address"]["socket_address"].is_object()
}

struct Writer<'a> {
    configuration: &'a Configuration,
    places: &'a Places<'a>,
}

impl Writer<'_> {
    fn make_stock(&self, value: &mut Value) -> Result<()> {
        match value {
            Value::Array(items) => {
                items.retain(is_stock);
                items.iter_mut().try_for_each(|item| self.make_stock(item))
            }
            Value::Object(fields) => {
                fields.values_mut().try_for_each(|field| self.make_stock(field))?;
                self.subscribe(value)?;
                self.move_address(value);
                self.move_ledger(value);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A resource that something refers to by name gets a file of its own: Envoy takes exactly one.
    fn subscribe(&self, value: &mut Value) -> Result<()> {
        let name = value["name"].as_str().unwrap_or_default().to_owned();
        let made = self.configuration;
        if value.get("sds_config").is_some() {
            let secret = self.places.secrets.get(&name);
            let secret = secret.with_context(|| format!("nobody has the secret {name}"))?;
            value["sds_config"] = self.source("secret", &name, secret.clone())?;
        }
        if value.get("config_discovery").is_some() {
            let extension = self.resource(&made.extensions, "name", &name)?;
            value["config_discovery"]["config_source"] =
                self.source("extension", &name, extension)?;
        }
        if let Some(name) = value["rds"]["route_config_name"].as_str().map(str::to_owned) {
            let route = self.resource(&made.routes, "name", &name)?;
            value["rds"]["config_source"] = self.source("route", &name, route)?;
        }
        if value.get("eds_cluster_config").is_some() {
            let service = value["eds_cluster_config"]["service_name"].as_str();
            let name = service.map_or(name, str::to_owned);
            let endpoints = self.resource(&made.endpoints, "cluster_name", &name)?;
            value["eds_cluster_config"]["eds_config"] =
                self.source("endpoints", &name, endpoints)?;
        }
        Ok(())
    }

    fn resource(&self, all: &[Value], key: &str, name: &str) -> Result<Value> {
        let mut found = all.iter().find(|one| one[key] == name).cloned();
        let found = found.as_mut().with_context(|| format!("istiod did not send {name}"))?;
        self.make_stock(found)?;
        Ok(found.take())
    }

    fn source(&self, kind: &str, name: &str, resource: Value) -> Result<Value> {
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = self.file(&format!("{kind}-{plain}"), &[resource])?;
        Ok(json!({"path_config_source": {"path": path}, "resource_api_version": "V3"}))
    }

    fn file(&self, name: &str, resources: &[Value]) -> Result<PathBuf> {
        let path = self.places.folder.join(format!("{name}.json"));
        let answer = json!({"version_info": "1", "resources": resources});
        std::fs::write(&path, format!("{answer:#}")).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    fn move_address(&self, value: &mut Value) {
        let name = value["address"].as_str();
        if let Some(place) = name.and_then(|name| self.places.addresses.get(name)) {
            value["address"] = json!(place.ip().to_string());
            value["port_value"] = json!(place.port());
        }
    }

    fn move_ledger(&self, value: &mut Value) {
        let file = match value["path"].as_str() {
            Some(OUTPUT) => Some("entries.jsonl"),
            path => path.and_then(|path| path.strip_prefix(LEDGER)),
        };
        if let Some(file) = file {
            value["path"] = json!(self.places.ledger.join(file));
        }
    }
}

fn is_stock(value: &Value) -> bool {
    !NOT_STOCK.iter().any(|(name, _)| value["name"] == *name)
}
