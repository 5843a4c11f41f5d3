//! `envoy/sinks/lease.yaml`, added to a gateway as it says.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::workspace;

/// A shipper that the gateway asks with each call.
#[derive(Clone, Debug)]
pub struct Lease {
    snippet: Value,
    port: u16,
}

impl Lease {
    /// Of a shipper that listens on this port of this machine.
    pub fn of(port: u16) -> Result<Self> {
        let path = workspace::root().join("envoy/sinks/lease.yaml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self { snippet: serde_saphyr::from_str(&text)?, port })
    }

    /// Adds each list to the one of the same name; `None`: the bootstrap has no such place.
    pub fn add_to(&self, bootstrap: &mut Value) -> Option<()> {
        let listeners = list(bootstrap, "/static_resources/listeners")?;
        let egress = listeners.iter_mut().find(|listener| listener["name"] == "egress")?;
        let manager = egress.pointer_mut("/filter_chains/0/filters/0/typed_config")?;
        let filters = list(manager, "/http_filters")?;
        let resolve = filters.iter().position(|filter| filter["name"] == "resolve")?;
        filters.splice(resolve..resolve, self.items("http_filters")?);
        let mappers = list(manager, "/local_reply_config/mappers")?;
        mappers.splice(0..0, self.items("mappers")?);
        let mut clusters = self.items("clusters")?;
        for cluster in &mut clusters {
            let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
            let port = cluster.pointer_mut(&format!("{address}/socket_address/port_value"))?;
            *port = json!(self.port);
        }
        list(bootstrap, "/static_resources/clusters")?.extend(clusters);
        Some(())
    }

    fn items(&self, name: &str) -> Option<Vec<Value>> {
        self.snippet[name].as_array().cloned()
    }
}

fn list<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Vec<Value>> {
    value.pointer_mut(pointer)?.as_array_mut()
}
