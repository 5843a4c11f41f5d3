//! The filter's `hosts` list: the same policy inside the proxy, whatever led a call there.
//!
//! The first rule that names a host counts, so what is blocked stands before what is allowed, and the
//! rule for everybody else, which refuses, stands at the end.

use serde_json::{Map, Value, json};

use super::policy::{Host, Policy};

pub(super) fn rules(policy: &Policy) -> Vec<Value> {
    let mut rules = Vec::new();
    if !policy.block.is_empty() {
        rules.push(json!({ "hosts": policy.block, "call": "deny" }));
    }
    let (wildcards, names): (Vec<&Host>, Vec<&Host>) =
        policy.allow.iter().partition(|host| host.is_wildcard());
    let (plain, special): (Vec<&Host>, Vec<&Host>) =
        names.into_iter().partition(|host| host.settings.is_empty());
    rules.extend(special.iter().map(|host| rule(&[host], &host.settings)));
    if !plain.is_empty() {
        rules.push(rule(&plain, &Map::new()));
    }
    rules.extend(longest_first(wildcards).iter().map(|host| rule(&[host], &host.settings)));
    rules.push(json!({ "hosts": ["*"], "call": "deny" }));
    rules
}

/// What stands for fewer hosts stands first.
fn longest_first(mut hosts: Vec<&Host>) -> Vec<&Host> {
    hosts.sort_by_key(|host| std::cmp::Reverse(host.name.len()));
    hosts
}

fn rule(hosts: &[&Host], settings: &Map<String, Value>) -> Value {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let mut rule = json!({ "hosts": names, "call": "allow" });
    if let Value::Object(rule) = &mut rule {
        rule.extend(settings.clone());
    }
    rule
}
