//! Envoy Gateway: a listener for all hosts.
//!
//! ```text
//! client ──▶ Gateway ledgerline-gateway ──TLS──▶ api.example.com
//!              HTTPRoute and Backend of the host
//!              HTTPRoute ledgerline-refused for every other
//! ```
//!
//! The filter runs only where there is a route, so the hosts that nobody allowed have one, too: it leads
//! to a refusal, and the call leaves its entry.

use serde_json::{Value, json};

use super::{
    object::{GATEWAY, NAMESPACE, object, object_name},
    policy::{Host, Policy},
};

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
const GROUP: &str = "gateway.envoyproxy.io";
const REFUSED: &str = "ledgerline-refused";

pub(super) fn objects(policy: &Policy) -> Vec<Value> {
    let mut objects = Vec::new();
    for host in policy.reachable() {
        objects.push(backend(host));
        objects.push(route(host));
    }
    objects.push(refusal());
    objects.push(refused());
    objects
}

/// The host, and TLS towards it: with `sni` Envoy Gateway checks the certificate for this name.
fn backend(host: &Host) -> Value {
    let spec = json!({
        "endpoints": [{ "fqdn": { "hostname": host.name, "port": host.port } }],
        "tls": { "sni": host.name, "wellKnownCACertificates": "System" },
    });
    object(NAMESPACE, &api(), "Backend", &object_name(&host.name), spec)
}

/// Without `timeouts` Envoy's 15 s would cut every long answer.
fn route(host: &Host) -> Value {
    let name = object_name(&host.name);
    let spec = json!({
        "hostnames": [host.name],
        "parentRefs": [{ "name": GATEWAY }],
        "rules": [{
            "backendRefs": [{ "group": GROUP, "kind": "Backend", "name": name }],
            "timeouts": { "request": "0s" },
        }],
    });
    object(NAMESPACE, GATEWAY_API, "HTTPRoute", &name, spec)
}

fn refusal() -> Value {
    let spec = json!({ "directResponse": { "statusCode": 403 } });
    object(NAMESPACE, &api(), "HTTPRouteFilter", REFUSED, spec)
}

fn refused() -> Value {
    let filter = json!({ "group": GROUP, "kind": "HTTPRouteFilter", "name": REFUSED });
    let spec = json!({
        "parentRefs": [{ "name": GATEWAY }],
        "rules": [{ "filters": [{ "extensionRef": filter, "type": "ExtensionRef" }] }],
    });
    object(NAMESPACE, GATEWAY_API, "HTTPRoute", REFUSED, spec)
}

fn api() -> String {
    format!("{GROUP}/v1alpha1")
}
