//! The filter in every sidecar, without a gateway.
//!
//! ```text
//! sidecar (filter) ──TLS──▶ api.example.com
//!   ServiceEntry, VirtualService and DestinationRule of the host, in the root namespace
//! ```
//!
//! A blocked host has a route that refuses, behind the filter, so that the refused call leaves its entry.
//! Calls inside the mesh pass the same filter, so nothing can be refused there by not being listed: what
//! is not listed has no route, because the mesh is REGISTRY_ONLY.

use serde_json::{Value, json};

use super::{NETWORKING, route, service_entries, tls};
use crate::hosts::{object::object, policy::Policy};

pub(crate) fn objects(policy: &Policy) -> Vec<Value> {
    let root = policy.root_namespace.as_str();
    let mut objects = service_entries(root, &policy.known());
    for host in policy.reachable() {
        objects.push(route(root, "mesh", "*", host));
        objects.push(tls(root, "*", host));
    }
    objects.extend(refused(policy));
    objects.extend(policy.namespaces.iter().map(|(name, hosts)| only(root, name, hosts)));
    objects
}

fn refused(policy: &Policy) -> Option<Value> {
    let known = policy.known();
    let names: Vec<&str> =
        known.iter().map(|host| host.name.as_str()).filter(|name| policy.blocks(name)).collect();
    let spec = json!({
        "exportTo": ["*"],
        "gateways": ["mesh"],
        "hosts": names,
        "http": [{ "directResponse": { "status": 403 } }],
    });
    let name = "ledgerline-blocked";
    (!names.is_empty())
        .then(|| object(&policy.root_namespace, NETWORKING, "VirtualService", name, spec))
}

/// The sidecars of a namespace, which know the services of the mesh and these hosts.
fn only(root: &str, namespace: &str, hosts: &[String]) -> Value {
    let inside = "*/*.svc.cluster.local".to_owned();
    let outside = hosts.iter().map(|host| format!("{root}/{host}"));
    let known: Vec<String> = std::iter::once(inside).chain(outside).collect();
    let spec = json!({
        "egress": [{ "hosts": known }],
        "outboundTrafficPolicy": { "mode": "REGISTRY_ONLY" },
    });
    object(namespace, NETWORKING, "Sidecar", "ledgerline-only", spec)
}
