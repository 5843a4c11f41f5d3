//! The shipped bootstrap, changed only where a test cannot use it as it is.
//!
//! What users run is `envoy/egress.yaml`; a test that ran a configuration of its own would prove
//! nothing about it. So the file is read, and these things are replaced: ports, file paths, and
//! whatever a test names. Hosts of a test get copies of the first virtual host and of the cluster
//! `providers`, with all their limits and timeouts; what differs is the address, and TLS where a
//! test does without.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::discovery::DENIAL;
use crate::workspace;

/// A host that the gateway allows, and where its calls go.
#[derive(Clone, Debug)]
pub struct Host {
    name: String,
    upstream: Upstream,
    address: SocketAddr,
    timeout: Option<String>,
}

/// How the gateway speaks to a host.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// HTTP/1.1 in the clear.
    Http1,
    /// HTTP/2 in the clear.
    Http2,
    /// TLS, HTTP/2 or HTTP/1.1 as agreed; the certificate must name the host.
    Tls {
        /// The certificate that must have signed the host's, in PEM.
        trusted_ca: String,
    },
}

impl Host {
    /// A host whose calls go to `address`.
    pub fn new(name: &str, upstream: Upstream, address: SocketAddr) -> Self {
        Self { name: name.to_owned(), upstream, address, timeout: None }
    }

    /// Gives the provider this long (`"0.3s"`) for its whole answer.
    pub fn timeout(mut self, timeout: &str) -> Self {
        self.timeout = Some(timeout.to_owned());
        self
    }
}

/// Where a listener, and the admin, has its port.
const PORT: &str = "/address/socket_address/port_value";

/// An Envoy bootstrap as JSON.
#[derive(Clone, Debug)]
pub struct Bootstrap(Value);

impl Bootstrap {
    /// Reads a YAML or JSON file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let value = serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(Self(value))
    }

    /// Reads a file with the lay-out of `envoy/egress.yaml` as `envoy/suit.sh` makes it for this Envoy.
    pub fn suited(path: &Path, version: &str) -> Result<Self> {
        let text = workspace::suited(path, version)?;
        Ok(Self(serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?))
    }

    /// A part of one, to be changed as the whole.
    pub(super) fn of(part: Value) -> Self {
        Self(part)
    }

    /// The document, for changes that have no method.
    pub fn document(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The ports of the listeners and of the admin; 0 stands for a free one.
    pub fn ports(&self) -> Vec<u16> {
        let listeners = self.0["static_resources"]["listeners"].as_array();
        let places = listeners.into_iter().flatten().chain([&self.0["admin"]]);
        let ports = places.filter_map(|place| place.pointer(PORT)?.as_u64()?.try_into().ok());
        ports.collect()
    }

    /// The prefix of the statistics of the HTTP connection manager.
    pub fn stat_prefix(&mut self) -> Result<String> {
        let manager = self.http_connection_manager()?;
        Ok(manager["stat_prefix"].as_str().context("stat_prefix")?.to_owned())
    }

    /// Lets the kernel choose the ports of the admin and of every listener.
    pub fn use_free_ports(&mut self) {
        let free = |place: &mut Value| {
            if let Some(port) = place.pointer_mut(PORT) {
                *port = json!(0);
            }
        };
        free(&mut self.0["admin"]);
        let listeners = self.0["static_resources"]["listeners"].as_array_mut();
        listeners.into_iter().flatten().for_each(free);
    }

    /// Listens for calls on `port`.
    pub fn use_port(&mut self, port: u16) -> Result<()> {
        let listeners = self.0["static_resources"]["listeners"].as_array_mut();
        let mut egress = listeners.into_iter().flatten().filter(|one| one["name"] == "egress");
        let place = egress.next().and_then(|listener| listener.pointer_mut(PORT));
        *place.context("the port of the listener `egress`")? = json!(port);
        Ok(())
    }

    /// Has the admin listen on `port`, and the listener `metrics` find it there.
    pub fn use_admin_port(&mut self, port: u16) -> Result<()> {
        const ENDPOINT: &str = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint";
        let clusters = self.0["static_resources"]["clusters"].as_array_mut();
        let mut admin = clusters.into_iter().flatten().filter(|one| one["name"] == "admin");
        let endpoint = admin.next().and_then(|cluster| cluster.pointer_mut(ENDPOINT));
        let place = endpoint.and_then(|endpoint| endpoint.pointer_mut(PORT));
        *place.context("the port of the cluster `admin`")? = json!(port);
        *self.0["admin"].pointer_mut(PORT).context("the port of the admin")? = json!(port);
        Ok(())
    }

    /// Writes the ledger into `folder`.
    pub fn use_ledger_folder(&mut self, folder: &Path) {
        for_each_object(&mut self.0, &mut |object| {
            for key in ["path", "filename"] {
                let path = object.get(key).and_then(Value::as_str);
                if let Some(name) = path.and_then(|path| path.strip_prefix("ledger/")) {
                    let path = folder.join(name).display().to_string();
                    object.insert(key.into(), path.into());
                }
            }
        });
    }

    /// Loads the filter from `module`.
    pub fn use_module(&mut self, module: &Path) {
        for_each_object(&mut self.0, &mut |object| {
            let file = object.get("filename").and_then(Value::as_str);
            if file.is_some_and(|file| file.ends_with("ledgerline.wasm")) {
                object.insert("filename".into(), module.display().to_string().into());
            }
        });
    }

    /// Merges into the configuration of the filter, as RFC 7396 has it: null removes a key.
    pub fn merge_plugin_configuration(&mut self, patch: &Value) {
        for_each_object(&mut self.0, &mut |object| {
            if object.get("root_id").is_some_and(|id| id == "ledgerline") {
                merge_text(&mut object["configuration"]["value"], patch);
            }
        });
    }

    /// Takes the configuration of the filter out, and has Envoy read it from `file` instead.
    pub(super) fn discover_filter(&mut self, file: &Path) -> Result<Value> {
        let stats = &mut self.0["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"];
        let stats = stats.as_array_mut().context("stats_matcher")?;
        stats.push(json!({"prefix": "extension_config_discovery."}));
        // Envoy takes no configuration from elsewhere without a name of its own.
        merge(&mut self.0, &json!({"node": {"id": "gateway", "cluster": "gateway"}}));
        let filter = find(&mut self.0, &|value| value["config"]["root_id"] == "ledgerline");
        let filter = filter.context("the configuration of the filter")?;
        let kind = filter["@type"].clone();
        let source = json!({"path_config_source": {"path": file}, "initial_fetch_timeout": "0s"});
        let shipped = filter.take();
        let filters = self.http_connection_manager()?["http_filters"].as_array_mut();
        let ours = filters.into_iter().flatten().find(|one| one["name"] == "ledgerline");
        let ours = ours.context("the HTTP filter `ledgerline`")?;
        *ours = json!({
            "name": "ledgerline",
            "config_discovery": {"config_source": source, "type_urls": [kind, DENIAL]},
        });
        Ok(shipped)
    }

    /// Puts HTTP filters directly before (`offset` 0) or behind (`offset` 1) the filter.
    pub fn insert_http_filters(&mut self, offset: usize, filters: &[Value]) -> Result<()> {
        let manager = self.http_connection_manager()?;
        let chain = manager["http_filters"].as_array_mut().context("http_filters")?;
        let ours = chain.iter().position(|filter| filter["name"] == "ledgerline");
        let place = ours.context("the HTTP filter `ledgerline`")? + offset;
        chain.splice(place..place, filters.iter().cloned());
        Ok(())
    }

    /// Allows a host, and sends its calls to an address of its own.
    pub fn add_host(&mut self, host: &Host) -> Result<()> {
        let cluster = host.cluster(&self.cluster("providers")?)?;
        let clusters = self.0["static_resources"]["clusters"].as_array_mut();
        clusters.context("static_resources.clusters")?.push(cluster);
        let hosts = self.virtual_hosts()?;
        // Not the first one: that is the host that was added last, with a time limit that may be its own.
        let shipped = hosts.iter().find(|host| host["name"] == "allowed");
        let mut allowed = shipped.context("the virtual host `allowed`")?.clone();
        // Envoy wants every name in one virtual host only, and some are on the allow-list already.
        for domains in hosts.iter_mut().filter_map(|other| other["domains"].as_array_mut()) {
            domains.retain(|domain| domain != host.name.as_str());
        }
        allowed["name"] = json!(host.name);
        allowed["domains"] = json!([host.name]);
        for_each_object(&mut allowed, &mut |object| {
            if object.contains_key("cluster") {
                object.insert("cluster".into(), json!(host.name));
                if let Some(timeout) = &host.timeout {
                    object.insert("timeout".into(), json!(timeout));
                }
            }
        });
        hosts.insert(0, allowed);
        Ok(())
    }

    /// Adds a name to the allow-list as it ships: calls go where that name leads.
    pub fn allow_domain(&mut self, domain: &str) -> Result<()> {
        let hosts = self.virtual_hosts()?.iter_mut();
        let mut lists = hosts.filter(|host| host["name"] == "allowed");
        let domains = lists.next().and_then(|host| host["domains"].as_array_mut());
        domains.context("the virtual host `allowed`")?.push(json!(domain));
        Ok(())
    }

    /// The document as it is given to Envoy.
    pub fn to_json(&self) -> String {
        format!("{:#}", self.0)
    }

    fn cluster(&self, name: &str) -> Result<Value> {
        let clusters = self.0["static_resources"]["clusters"].as_array();
        let cluster = clusters.and_then(|all| all.iter().find(|one| one["name"] == name));
        cluster.cloned().with_context(|| format!("the cluster `{name}`"))
    }

    fn virtual_hosts(&mut self) -> Result<&mut Vec<Value>> {
        let manager = self.http_connection_manager()?;
        let hosts = manager["route_config"]["virtual_hosts"].as_array_mut();
        hosts.context("route_config.virtual_hosts")
    }

    fn http_connection_manager(&mut self) -> Result<&mut Value> {
        find(&mut self.0, &|value| {
            let kind = value["@type"].as_str();
            kind.is_some_and(|kind| kind.ends_with("HttpConnectionManager"))
        })
        .context("an HTTP connection manager")
    }
}

impl Host {
    /// A copy of the shipped cluster that goes to a fixed address instead of asking DNS.
    fn cluster(&self, shipped: &Value) -> Result<Value> {
        let ip = self.address.ip().to_string();
        let socket_address = json!({"address": ip, "port_value": self.address.port()});
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket_address}}});
        let mut cluster = shipped.clone();
        let patch = json!({
            "name": self.name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "cluster_type": null,
            "lb_policy": null,
            "load_assignment": {
                "cluster_name": self.name,
                "endpoints": [{"lb_endpoints": [endpoint]}]
            }
        });
        merge(&mut cluster, &patch);
        match &self.upstream {
            Upstream::Tls { trusted_ca } => trust(&mut cluster, trusted_ca)?,
            Upstream::Http1 => drop_tls(&mut cluster, "http_protocol_options")?,
            Upstream::Http2 => drop_tls(&mut cluster, "http2_protocol_options")?,
        }
        Ok(cluster)
    }
}

fn trust(cluster: &mut Value, ca: &str) -> Result<()> {
    let validation = find(cluster, &|value| value.get("trusted_ca").is_some());
    validation.context("trusted_ca")?["trusted_ca"] = json!({"inline_string": ca});
    Ok(())
}

/// Without TLS nothing negotiates the version of HTTP, so it has to be said.
fn drop_tls(cluster: &mut Value, version: &str) -> Result<()> {
    merge(cluster, &json!({"transport_socket": null}));
    let options = find(cluster, &|value| value.get("auto_config").is_some());
    let options = options.context("auto_config")?;
    let version_options = options["auto_config"][version].clone();
    let patch = json!({
        "auto_config": null,
        "upstream_http_protocol_options": null,
        "explicit_http_config": {version: version_options}
    });
    merge(options, &patch);
    Ok(())
}

fn for_each_object(value: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|inner| for_each_object(inner, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| for_each_object(inner, change)),
        _ => {}
    }
}

fn find<'a>(value: &'a mut Value, wanted: &dyn Fn(&Value) -> bool) -> Option<&'a mut Value> {
    if wanted(value) {
        return Some(value);
    }
    match value {
        Value::Object(object) => object.values_mut().find_map(|inner| find(inner, wanted)),
        Value::Array(items) => items.iter_mut().find_map(|inner| find(inner, wanted)),
        _ => None,
    }
}

/// Merges into JSON that is written as text, or into a structure.
fn merge_text(target: &mut Value, patch: &Value) {
    let Some(text) = target.as_str() else { return merge(target, patch) };
    let mut value = serde_json::from_str(text).unwrap_or_default();
    merge(&mut value, patch);
    *target = value.to_string().into();
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        match (value, &mut *target) {
            (Value::Null, Value::Object(fields)) => drop(fields.remove(key)),
            (value, target) => merge(&mut target[key], value),
        }
    }
}
