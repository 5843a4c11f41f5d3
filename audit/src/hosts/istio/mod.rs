//! What the three ways through Istio have in common.
//!
//! The mesh knows port 80 of a host and no other, so a client's own TLS on 443 has no way around the
//! filter. The port where the host speaks TLS is the `targetPort`, and TLS begins where the filter is.

pub(super) mod ambient;
pub(super) mod gateway;
pub(super) mod mesh_wide;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    object::{object, object_name},
    policy::Host,
};

const NETWORKING: &str = "networking.istio.io/v1";
const SECURITY: &str = "security.istio.io/v1";

/// Where a client's call arrives before TLS is added.
const PLAIN_PORT: u16 = 80;

/// More hosts than that no ServiceEntry takes.
const MAX_HOSTS: usize = 256;

/// What the mesh knows of the hosts: an object for each port where they speak TLS.
fn service_entries(namespace: &str, hosts: &[Host]) -> Vec<Value> {
    let mut by_port = BTreeMap::<u16, Vec<&Host>>::new();
    hosts.iter().for_each(|host| by_port.entry(host.port).or_default().push(host));
    let mut entries = Vec::new();
    for (port, hosts) in by_port {
        for (part, hosts) in hosts.chunks(MAX_HOSTS).enumerate() {
            entries.push(service_entry(namespace, port, part, hosts));
        }
    }
    entries
}

fn service_entry(namespace: &str, port: u16, part: usize, hosts: &[&Host]) -> Value {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let mut name = "ledgerline-hosts".to_owned();
    if !hosts.first().is_some_and(|host| host.has_usual_port()) {
        name += &format!("-{port}");
    }
    if part > 0 {
        name += &format!("-part-{}", part + 1);
    }
    let spec = json!({
        "exportTo": ["*"],
        "hosts": names,
        "location": "MESH_EXTERNAL",
        "ports": [{ "name": "http", "number": PLAIN_PORT, "protocol": "HTTP", "targetPort": port }],
        "resolution": "DNS",
    });
    object(namespace, NETWORKING, "ServiceEntry", &name, spec)
}

/// The route to a host. Without `retries` Istio's own would send a call a second time.
fn route(namespace: &str, gateway: &str, export_to: &str, host: &Host) -> Value {
    let destination = json!({ "host": host.name, "port": { "number": PLAIN_PORT } });
    let spec = json!({
        "exportTo": [export_to],
        "gateways": [gateway],
        "hosts": [host.name],
        "http": [{ "retries": { "attempts": 0 }, "route": [{ "destination": destination }] }],
    });
    object(namespace, NETWORKING, "VirtualService", &object_name(&host.name), spec)
}

/// TLS towards a host. Istio checks the certificate's name by itself only where no `sni` is given, so
/// both stand here; `caCertificates` is its default, without which `istioctl analyze` warns.
fn tls(namespace: &str, export_to: &str, host: &Host) -> Value {
    let spec = json!({
        "exportTo": [export_to],
        "host": host.name,
        "trafficPolicy": {
            "connectionPool": {
                "http": { "idleTimeout": IDLE_TIMEOUT },
                "tcp": { "connectTimeout": "5s" },
            },
            "tls": {
                "caCertificates": "system",
                "mode": "SIMPLE",
                "sni": host.name,
                "subjectAltNames": [host.name],
            },
        },
    });
    object(namespace, NETWORKING, "DestinationRule", &object_name(&host.name), spec)
}

/// Shorter than the usual 60 s of load balancers: a call on a connection that they just closed fails.
const IDLE_TIMEOUT: &str = "50s";

/// A rule that refuses a namespace every host but these, at the proxy that `attachment` names.
fn only(namespace: &str, hosts: &[String], attachment: (&str, Value)) -> Value {
    let mut rule = json!({ "from": [{ "source": { "namespaces": [namespace] } }] });
    if let (false, Value::Object(rule)) = (hosts.is_empty(), &mut rule) {
        let to = json!([{ "operation": { "notHosts": with_any_port(hosts) } }]);
        rule.insert("to".to_owned(), to);
    }
    denial(&format!("ledgerline-only-{namespace}"), rule, attachment)
}

fn denial(name: &str, rule: Value, (key, attachment): (&str, Value)) -> Value {
    let spec = json!({ "action": "DENY", "rules": [rule], key: attachment });
    let namespace = super::object::NAMESPACE;
    let mut policy = object(namespace, SECURITY, "AuthorizationPolicy", &object_name(name), spec);
    // That it refuses whatever is not HTTP, too, `istioctl analyze` finds worth a warning; it is meant so.
    let suppressed = json!({ "galley.istio.io/analyze-suppress": "IST0133" });
    if let Some(Value::Object(metadata)) = policy.get_mut("metadata") {
        metadata.insert("annotations".to_owned(), suppressed);
    }
    policy
}

/// What a client may write as the host of a call.
fn with_any_port(hosts: &[String]) -> Vec<String> {
    hosts.iter().flat_map(|host| [host.clone(), format!("{host}:*")]).collect()
}
