//! Istio without sidecars: a waypoint for the way out.
//!
//! ```text
//! ztunnel ──HBONE──▶ waypoint ledgerline-gateway ──TLS──▶ api.example.com
//!   ServiceEntry, bound to the waypoint    VirtualService and DestinationRule of the host
//! ```
//!
//! A blocked host is bound, too, so that the refused call leaves its entry; what the filter refuses the
//! waypoint refuses once more.

use serde_json::{Value, json};

use super::{denial, only, route, service_entries, tls};
use crate::hosts::{
    object::{GATEWAY, NAMESPACE},
    policy::Policy,
};

pub(crate) fn objects(policy: &Policy) -> Vec<Value> {
    let known = policy.known();
    let mut objects = service_entries(NAMESPACE, &known);
    objects.iter_mut().for_each(bind);
    objects.extend(policy.reachable().map(|host| route(NAMESPACE, "mesh", ".", host)));
    // Blocked ones, too: without it the waypoint would send plain text to a TLS port.
    objects.extend(known.iter().map(|host| tls(NAMESPACE, ".", host)));
    objects.extend(blocked(policy));
    let tightened = policy.namespaces.iter();
    objects.extend(tightened.map(|(name, hosts)| only(name, hosts, waypoint())));
    objects
}

fn bind(service_entry: &mut Value) {
    if let Some(Value::Object(labels)) = service_entry.pointer_mut("/metadata/labels") {
        labels.insert("istio.io/use-waypoint".to_owned(), GATEWAY.into());
    }
}

fn blocked(policy: &Policy) -> Option<Value> {
    let with_port = |host: &String| match host.as_str() {
        "*" => vec![host.clone()],
        // No pattern has a `*` on both sides, and only ends and beginnings can have one.
        wildcard if wildcard.starts_with('*') => vec![host.clone()],
        _ => vec![host.clone(), format!("{host}:*")],
    };
    let hosts: Vec<String> = policy.block.iter().flat_map(with_port).collect();
    let rule = json!({ "to": [{ "operation": { "hosts": hosts } }] });
    (!policy.block.is_empty()).then(|| denial("ledgerline-blocked", rule, waypoint()))
}

fn waypoint() -> (&'static str, Value) {
    let target =
        json!([{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY }]);
    ("targetRefs", target)
}
