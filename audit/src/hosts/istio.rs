//! Istio with sidecars and an egress gateway.
//!
//! ```text
//! sidecar ──mTLS──▶ ledgerline-gateway ──TLS──▶ api.example.com
//!   ServiceEntry, port 80            VirtualService and DestinationRule of the host,
//!   VirtualService ledgerline-to-gateway            which only the gateway knows
//! ```
//!
//! The mesh knows port 80 of a host and no other, so a client's own TLS on 443 has no way around the
//! gateway; the port where the host speaks TLS is the `targetPort`, to which only the gateway gets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    object::{GATEWAY, NAMESPACE, PLAIN_PORT, object, object_name},
    policy::{Host, Policy},
};

const NETWORKING: &str = "networking.istio.io/v1";
const SECURITY: &str = "security.istio.io/v1";

/// More hosts than that no ServiceEntry takes.
const MAX_HOSTS: usize = 256;

pub(super) fn objects(policy: &Policy) -> Vec<Value> {
    let mut objects = service_entries(policy.allow.iter(), json!({ "exportTo": ["*"] }));
    objects.extend(to_gateway(&policy.allow));
    for host in policy.reachable() {
        objects.push(to_host(host));
        objects.push(tls(host, &json!(["."])));
    }
    let tightened = policy.namespaces.iter();
    objects.extend(tightened.map(|(namespace, hosts)| only(namespace, hosts)));
    objects
}

/// What the mesh knows of the hosts: one object for each port where they speak TLS.
fn service_entries<'a>(hosts: impl Iterator<Item = &'a Host>, more: Value) -> Vec<Value> {
    let mut by_port = BTreeMap::<u16, Vec<&Host>>::new();
    hosts.for_each(|host| by_port.entry(host.port).or_default().push(host));
    let mut entries = Vec::new();
    for hosts in by_port.values() {
        for (part, hosts) in hosts.chunks(MAX_HOSTS).enumerate() {
            entries.push(service_entry(part, hosts, &more));
        }
    }
    entries
}

fn service_entry(part: usize, hosts: &[&Host], more: &Value) -> Value {
    let port = hosts.first().map_or(0, |host| host.port);
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let mut name = "ledgerline-hosts".to_owned();
    if !hosts.first().is_some_and(|host| host.has_usual_port()) {
        name += &format!("-{port}");
    }
    if part > 0 {
        name += &format!("-part-{}", part + 1);
    }
    let mut spec = json!({
        "hosts": names,
        "location": "MESH_EXTERNAL",
        "ports": [{ "name": "http", "number": PLAIN_PORT, "protocol": "HTTP", "targetPort": port }],
        "resolution": "DNS",
    });
    merge(&mut spec, more);
    object(NETWORKING, "ServiceEntry", &name, spec)
}

fn merge(spec: &mut Value, more: &Value) {
    if let (Value::Object(spec), Value::Object(more)) = (spec, more) {
        spec.extend(more.clone());
    }
}

/// From every sidecar to the gateway. Without `retries` Istio's own would send a call a second time.
fn to_gateway(hosts: &[Host]) -> Option<Value> {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let gateway = format!("{GATEWAY}.{NAMESPACE}.svc.cluster.local");
    let spec = json!({
        "exportTo": ["*"],
        "gateways": ["mesh"],
        "hosts": names,
        "http": [{
            "match": [{ "port": PLAIN_PORT }],
            "retries": { "attempts": 0 },
            "route": [{ "destination": { "host": gateway, "port": { "number": 443 } } }],
        }],
    });
    (!names.is_empty()).then(|| object(NETWORKING, "VirtualService", "ledgerline-to-gateway", spec))
}

fn to_host(host: &Host) -> Value {
    let destination = json!({ "host": host.name, "port": { "number": PLAIN_PORT } });
    let spec = json!({
        "exportTo": ["."],
        "gateways": [format!("{NAMESPACE}/{GATEWAY}")],
        "hosts": [host.name],
        "http": [{ "retries": { "attempts": 0 }, "route": [{ "destination": destination }] }],
    });
    object(NETWORKING, "VirtualService", &object_name(&host.name), spec)
}

/// TLS towards a host. Istio checks the certificate's name by itself only where no `sni` is given, so
/// both stand here.
fn tls(host: &Host, export_to: &Value) -> Value {
    let spec = json!({
        "exportTo": export_to,
        "host": host.name,
        "trafficPolicy": {
            "connectionPool": {
                "http": { "idleTimeout": IDLE_TIMEOUT },
                "tcp": { "connectTimeout": "5s" },
            },
            "tls": { "mode": "SIMPLE", "sni": host.name, "subjectAltNames": [host.name] },
        },
    });
    object(NETWORKING, "DestinationRule", &object_name(&host.name), spec)
}

/// Shorter than the usual 60 s of load balancers: a call on a connection that they just closed fails.
const IDLE_TIMEOUT: &str = "50s";

/// A namespace that may call these hosts alone.
fn only(namespace: &str, hosts: &[String]) -> Value {
    let from = json!([{ "source": { "namespaces": [namespace] } }]);
    let with_port = hosts.iter().map(|host| format!("{host}:*"));
    let not_hosts: Vec<String> = hosts.iter().cloned().chain(with_port).collect();
    let rule = match not_hosts.is_empty() {
        true => json!({ "from": from }),
        false => json!({ "from": from, "to": [{ "operation": { "notHosts": not_hosts } }] }),
    };
    let spec = json!({
        "action": "DENY",
        "rules": [rule],
        "selector": { "matchLabels": { "istio": GATEWAY } },
    });
    let name = object_name(&format!("ledgerline-only-{namespace}"));
    object(SECURITY, "AuthorizationPolicy", &name, spec)
}
