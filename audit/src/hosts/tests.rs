//! Whatever the policy is, what follows from it is no wider.

use std::collections::BTreeSet;

use ledgerline_core::{Config, config::Settings};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use super::{
    filter::rules,
    overlay::generate,
    policy::{Policy, Topology},
};

const HOSTS: [&str; 5] = ["a.example", "b.example", "c.b.example", "example.net", "x.example.net"];
const BLOCKED: [&str; 6] =
    ["a.example", "*.example", "*.b.example", "*", "x.example.net", "z.example"];

/// The text of a policy.
fn policies() -> impl Strategy<Value = String> {
    let topology = select(&["istio", "istio-ambient", "istio-mesh-wide", "envoy-gateway"][..]);
    let host = (0..HOSTS.len(), select(&[443, 8443][..]), any::<bool>());
    let (allow, block) = (vec(host, 0..6), vec(select(&BLOCKED[..]), 0..3));
    (topology, allow, block, any::<bool>()).prop_map(|(topology, allow, block, tightens)| {
        let mut named = BTreeSet::new();
        let mut text = format!("topology: {topology}\nallow:\n");
        for (host, port, masks) in allow {
            if named.insert(host) {
                text += &format!("- {{ host: {}, port: {port}", HOSTS[host]);
                text += if masks { ", mask_outbound: true }\n" } else { " }\n" };
            }
        }
        let block: BTreeSet<_> = block.into_iter().collect();
        text += &format!("block: {}\n", serde_json::to_string(&block).unwrap());
        if tightens && topology != "envoy-gateway" {
            let few: Vec<_> = named.iter().take(1).map(|host| HOSTS[*host]).collect();
            text += &format!("namespaces: {{ team-b: {{ allow: {few:?} }} }}\n");
        }
        text
    })
}

/// What the filter does with a call, by a second implementation.
fn may_call(rules: &[Value], host: &str) -> bool {
    let names = |pattern: &str| match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => host == pattern,
    };
    let names_it = |rule: &&Value| {
        rule["hosts"].as_array().unwrap().iter().any(|p| names(p.as_str().unwrap()))
    };
    rules.iter().find(names_it).is_none_or(|rule| rule["call"] == "allow")
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

proptest! {
    #[test]
    fn the_filter_refuses_what_is_blocked_and_what_is_not_allowed(text in policies()) {
        let (policy, _) = Policy::read(&text).unwrap();
        let rules = rules(&policy);
        let is_closed = policy.topology != Topology::IstioMeshWide;
        for host in HOSTS.iter().chain(&["z.example", "other.test"]) {
            let is_allowed = policy.allow.iter().any(|allowed| allowed.name == **host);
            let expected = (is_allowed || !is_closed) && !policy.blocks(host);
            prop_assert_eq!(may_call(&rules, host), expected, "{}", host);
        }
        if is_closed {
            let last = rules.last().unwrap();
            prop_assert_eq!(last, &serde_json::json!({ "hosts": ["*"], "call": "deny" }));
        }
    }

    #[test]
    fn the_list_is_one_that_the_filter_loads(text in policies()) {
        let (policy, _) = Policy::read(&text).unwrap();
        let mut settings = serde_json::json!({ "hosts": rules(&policy) });
        if !knows_call() {
            for rule in settings["hosts"].as_array_mut().unwrap() {
                rule.as_object_mut().unwrap().remove("call");
            }
        }
        let settings = Settings::from_json(settings.to_string().as_bytes()).unwrap();
        prop_assert!(Config::check(settings).is_ok());
    }

    #[test]
    fn no_way_leads_past_the_filter_to_a_host_that_may_not_be_called(text in policies()) {
        let (policy, _) = Policy::read(&text).unwrap();
        let generated = generate(&policy).unwrap();
        let reachable: BTreeSet<_> = policy.reachable().map(|host| host.name.as_str()).collect();
        let mut identities = BTreeSet::new();
        for object in documents(&generated[1].text) {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
            let name = text("/metadata/name");
            prop_assert!(identities.insert((text("/kind"), text("/metadata/namespace"), name.clone())));
            prop_assert!(name.len() <= 63);
            let leads_out = match (policy.topology, &*text("/kind")) {
                (Topology::IstioAmbient, _) => None,
                (_, "Backend") => object.pointer("/spec/endpoints/0/fqdn/hostname"),
                (_, "DestinationRule") => object.pointer("/spec/host"),
                (_, "VirtualService") => object.pointer("/spec/http/0/route/0/destination/host"),
                _ => None,
            };
            let Some(host) = leads_out.and_then(Value::as_str) else { continue };
            prop_assert!(reachable.contains(host) || host.ends_with(".svc.cluster.local"), "{}", host);
        }
    }

    #[test]
    fn the_same_policy_gives_the_same_bytes(text in policies()) {
        let (policy, _) = Policy::read(&text).unwrap();
        prop_assert_eq!(generate(&policy).unwrap(), generate(&policy).unwrap());
    }
}

/// Whether the filter of this workspace has the key by which a rule refuses calls.
fn knows_call() -> bool {
    Settings::from_json(br#"{"hosts":[{"hosts":["*"],"call":"deny"}]}"#).is_ok()
}
