//! Istio with sidecars and an egress gateway.
//!
//! ```text
//! sidecar ──mTLS──▶ ledgerline-gateway ──TLS──▶ api.example.com
//!   ServiceEntry, port 80            VirtualService and DestinationRule of the host,
//!   VirtualService ledgerline-to-gateway            which only the gateway knows
//! ```
//!
//! A blocked host has the way to the gateway, where the refused call leaves its entry, and none out of it.

use serde_json::{Value, json};

use super::{NETWORKING, PLAIN_PORT, only, route, service_entries, tls};
use crate::hosts::{
    object::{GATEWAY, NAMESPACE, object},
    policy::{Host, Policy},
};

pub(crate) fn objects(policy: &Policy) -> Vec<Value> {
    let known = policy.known();
    let mut objects = service_entries(NAMESPACE, &known);
    objects.extend(to_gateway(&known));
    let gateway = format!("{NAMESPACE}/{GATEWAY}");
    for host in policy.reachable() {
        objects.push(route(NAMESPACE, &gateway, ".", host));
        objects.push(tls(NAMESPACE, ".", host));
    }
    let selector = json!({ "matchLabels": { "istio": GATEWAY } });
    let tightened = policy.namespaces.iter();
    objects
        .extend(tightened.map(|(name, hosts)| only(name, hosts, ("selector", selector.clone()))));
    objects
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
    let name = "ledgerline-to-gateway";
    (!names.is_empty()).then(|| object(NAMESPACE, NETWORKING, "VirtualService", name, spec))
}
