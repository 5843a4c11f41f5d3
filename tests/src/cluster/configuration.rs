//! What an istiod sent to one proxy.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Everything that an istiod sent to one proxy, as JSON.
#[derive(Debug)]
pub struct Configuration {
    /// The proxy's node.
    pub node: Value,
    /// CDS.
    pub clusters: Vec<Value>,
    /// EDS.
    pub endpoints: Vec<Value>,
    /// LDS.
    pub listeners: Vec<Value>,
    /// RDS.
    pub routes: Vec<Value>,
    /// ECDS, as Istio's agent passes it on: the modules are local files.
    pub extensions: Vec<Value>,
}

impl Configuration {
    pub(super) fn read(node: Value, folder: &Path) -> Result<Self> {
        let read = |kind: &str| resources(&folder.join(format!("{kind}.json")));
        Ok(Self {
            node,
            clusters: read("clusters")?,
            endpoints: read("endpoints")?,
            listeners: read("listeners")?,
            routes: read("routes")?,
            extensions: read("extensions")?,
        })
    }

    /// The part of the listeners, or of the extensions, with this `name`, wherever it is.
    pub fn named(&self, name: &str) -> Option<&Value> {
        let mut all = self.listeners.iter().chain(&self.extensions).chain(&self.clusters);
        all.find_map(|value| find(value, &|inner| inner["name"] == name))
    }

    /// The configuration of the filter, as the proxy is to load it.
    pub fn filter(&self) -> Result<&Value> {
        let ours = |value: &Value| value["root_id"] == "ledgerline";
        let found = self.extensions.iter().find_map(|one| find(one, &ours));
        found.with_context(|| format!("the filter in {:#?}", self.extensions))
    }

    /// The hosts that the routes lead anywhere, without ports, in order.
    pub fn hosts(&self) -> Vec<&str> {
        let hosts = self.routes.iter().filter_map(|route| route["virtual_hosts"].as_array());
        let domains = hosts.flatten().filter_map(|host| host["domains"].as_array());
        let mut names: Vec<_> = domains.flatten().filter_map(Value::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn resources(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let answer: Value = serde_json::from_str(&text)?;
    Ok(answer["resources"].as_array().cloned().unwrap_or_default())
}

fn find<'a>(value: &'a Value, wanted: &dyn Fn(&Value) -> bool) -> Option<&'a Value> {
    if wanted(value) {
        return Some(value);
    }
    match value {
        Value::Object(object) => object.values().find_map(|inner| find(inner, wanted)),
        Value::Array(items) => items.iter().find_map(|inner| find(inner, wanted)),
        _ => None,
    }
}
