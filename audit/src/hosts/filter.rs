//! The filter's `hosts` list: the same policy inside the proxy, whatever led a call there.
//!
//! The first rule that names a host counts, so what is blocked stands before what is allowed, and the
//! rule for everybody else, which refuses, stands at the end.

use serde_json::{Map, Value, json};

use super::policy::{Host, Policy, Topology};

/// The list of a policy.
pub(super) fn rules(policy: &Policy) -> Vec<Value> {
    let mut rules = Vec::new();
    if !policy.block.is_empty() {
        rules.push(json!({ "hosts": policy.block, "call": "deny" }));
    }
    let (plain, special): (Vec<&Host>, Vec<&Host>) =
        policy.allow.iter().partition(|host| host.settings.is_empty());
    rules.extend(special.iter().map(|host| rule(&[host], &host.settings)));
    if !plain.is_empty() {
        rules.push(rule(&plain, &Map::new()));
    }
    // In a sidecar it would refuse the calls inside the mesh.
    if policy.topology != Topology::IstioMeshWide {
        rules.push(json!({ "hosts": ["*"], "call": "deny" }));
    }
    rules
}

fn rule(hosts: &[&Host], settings: &Map<String, Value>) -> Value {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let mut rule = json!({ "hosts": names, "call": "allow" });
    if let Value::Object(rule) = &mut rule {
        rule.extend(settings.clone());
    }
    rule
}

/// The patch that puts the list into the object that holds the filter's configuration, and which object that is.
pub(super) fn patch(policy: &Policy) -> (Value, Value) {
    let rules = rules(policy);
    match policy.topology {
        // Its configuration is a member of a list, which a merge would replace as a whole.
        Topology::EnvoyGateway => (
            json!([{ "op": "add", "path": "/spec/wasm/0/config/hosts", "value": rules }]),
            json!({ "kind": "EnvoyExtensionPolicy", "name": "ledgerline" }),
        ),
        _ => (
            json!({
                "apiVersion": "extensions.istio.io/v1alpha1",
                "kind": "WasmPlugin",
                "metadata": { "name": "ledgerline" },
                "spec": { "pluginConfig": { "hosts": rules } },
            }),
            json!({ "kind": "WasmPlugin", "name": "ledgerline" }),
        ),
    }
}
