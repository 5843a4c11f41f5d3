//! What the network policies let through, as Kubernetes reads them. No network plugin is here that
//! would enforce them: who asks is a reading of the manifests, by the rules of the API's documentation.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::cluster::{Above, Overlay, objects};
use ledgerline_tests::workspace;
use serde_json::{Value, json};

type Labels = BTreeMap<&'static str, &'static str>;

/// A pod, or an address outside.
#[derive(Clone, Debug)]
struct Peer {
    namespace: &'static str,
    namespace_labels: Labels,
    labels: Labels,
    address: Option<&'static str>,
}

impl Peer {
    fn pod(
        namespace: &'static str,
        more: &[(&'static str, &'static str)],
        labels: &[(&'static str, &'static str)],
    ) -> Self {
        let mut namespace_labels = Labels::from_iter(more.iter().copied());
        namespace_labels.insert("kubernetes.io/metadata.name", namespace);
        let labels = Labels::from_iter(labels.iter().copied());
        Self { namespace, namespace_labels, labels, address: None }
    }

    fn outside(address: &'static str) -> Self {
        Self {
            namespace: "",
            namespace_labels: Labels::new(),
            labels: Labels::new(),
            address: Some(address),
        }
    }
}

#[test]
fn an_agent_reaches_its_own_namespace_the_gateway_dns_and_istiod_and_nothing_else() -> Result<()> {
    let component = workspace::root().join("k8s/components/agents").canonicalize()?;
    let base = tempfile::tempdir()?;
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: team-a}}\n";
    std::fs::write(base.path().join("namespace.yaml"), namespace)?;
    let up =
        format!("{}{}", "../".repeat(12), component.display().to_string().trim_start_matches('/'));
    let text = format!("resources: [namespace.yaml]\nnamespace: team-a\ncomponents: [{up}]\n");
    std::fs::write(base.path().join("kustomization.yaml"), text)?;
    let Some(rendered) = Above::over(base.path(), "")?.render()? else { return Ok(()) };
    let objects = objects(&rendered)?;
    let label = objects.iter().find(|object| object["kind"] == "Namespace");
    let label = &label.context("the namespace")?["metadata"]["labels"]["ledgerline/agents"];
    ensure!(label == "allowed", "the namespace is not labelled");

    let gateway = ("app.kubernetes.io/name", "ledgerline-gateway");
    let of_envoy_gateway = ("gateway.envoyproxy.io/owning-gateway-name", "ledgerline-gateway");
    let agent = Peer::pod("team-a", &[], &[("app", "agent")]);
    let cases = [
        (Peer::pod("team-a", &[], &[("app", "tools")]), 8080, true),
        (Peer::pod("team-a", &[], &[("app", "database")]), 5432, true),
        (Peer::pod("team-a", &[], &[]), 15_008, true),
        (Peer::pod("ledgerline", &[], &[gateway]), 10_000, true),
        (Peer::pod("ledgerline", &[], &[gateway]), 8443, true),
        (Peer::pod("ledgerline", &[], &[gateway]), 15_008, true),
        (Peer::pod("ledgerline", &[], &[of_envoy_gateway]), 10_080, true),
        (Peer::pod("ledgerline", &[], &[gateway]), 9901, false),
        (Peer::pod("ledgerline", &[], &[("app", "other")]), 10_000, false),
        (Peer::pod("kube-system", &[], &[("k8s-app", "kube-dns")]), 53, true),
        (Peer::pod("kube-system", &[], &[("k8s-app", "kube-dns")]), 443, false),
        (Peer::pod("kube-system", &[], &[("app", "other")]), 53, false),
        (Peer::pod("openshift-dns", &[("ledgerline/dns", "allowed")], &[]), 53, true),
        (Peer::pod("openshift-dns", &[], &[]), 53, false),
        (Peer::pod("istio-system", &[], &[("app", "istiod")]), 15_012, true),
        (
            Peer::pod("control", &[("ledgerline/istiod", "allowed")], &[("app", "istiod")]),
            15_012,
            true,
        ),
        (
            Peer::pod("control", &[("ledgerline/istiod", "allowed")], &[("app", "other")]),
            15_012,
            false,
        ),
        (Peer::pod("istio-system", &[], &[("app", "egress")]), 443, false),
        (Peer::pod("team-b", &[], &[("app", "tools")]), 8080, false),
        (Peer::pod("team-b", &[("ledgerline/agents", "allowed")], &[]), 443, false),
        (Peer::outside("192.0.2.7"), 443, false),
        (Peer::outside("169.254.169.254"), 80, false),
    ];
    for (to, port, wanted) in cases {
        let allowed = allows(&objects, "Egress", &agent, &to, port);
        ensure!(allowed == wanted, "an agent to {to:?} at port {port}: {allowed}");
    }
    Ok(())
}

#[test]
fn nobody_but_who_is_labelled_reaches_a_gateway_and_it_reaches_providers_only() -> Result<()> {
    let overlays = [
        ("envoy", ("app.kubernetes.io/name", "ledgerline-gateway"), 10_000, 9903),
        ("istio", ("app.kubernetes.io/name", "ledgerline-gateway"), 8443, 15_090),
        ("istio-ambient", ("app.kubernetes.io/name", "ledgerline-gateway"), 15_008, 15_090),
        (
            "envoy-gateway",
            ("gateway.envoyproxy.io/owning-gateway-name", "ledgerline-gateway"),
            10_080,
            19_001,
        ),
    ];
    for (overlay, label, port, metrics) in overlays {
        let Some(rendered) = Overlay::shipped(overlay).render()? else { return Ok(()) };
        let objects = objects(&rendered)?;
        let gateway = Peer::pod("ledgerline", &[], &[label]);
        let agents = Peer::pod("team-a", &[("ledgerline/agents", "allowed")], &[]);
        let into = [
            (&agents, port, true),
            (&agents, metrics, false),
            (&Peer::pod("team-a", &[], &[]), port, false),
            (&Peer::pod("monitoring", &[], &[]), metrics, true),
            (
                &Peer::pod("observability", &[("ledgerline/prometheus", "allowed")], &[]),
                metrics,
                true,
            ),
            (&Peer::pod("observability", &[], &[]), metrics, false),
            (&Peer::pod("ledgerline", &[], &[]), port, false),
        ];
        for (from, port, wanted) in into {
            let allowed = allows(&objects, "Ingress", &gateway, from, port);
            ensure!(allowed == wanted, "{overlay}: {from:?} to port {port}: {allowed}");
        }
        let out = [
            (Peer::outside("203.1.113.7"), 443, true),
            (Peer::outside("203.1.113.7"), 80, false),
            (Peer::outside("10.0.0.7"), 443, false),
            (Peer::outside("169.254.169.254"), 443, false),
            (Peer::pod("kube-system", &[], &[("k8s-app", "kube-dns")]), 53, true),
            (Peer::pod("team-a", &[("ledgerline/agents", "allowed")], &[]), 443, false),
        ];
        for (to, port, wanted) in out {
            let allowed = allows(&objects, "Egress", &gateway, &to, port);
            ensure!(allowed == wanted, "{overlay}: to {to:?} at port {port}: {allowed}");
        }
    }
    Ok(())
}

/// A pod that no policy selects is free; of those that select it, one must have a rule.
fn allows(objects: &[Value], direction: &str, pod: &Peer, other: &Peer, port: u16) -> bool {
    let selecting: Vec<_> = objects
        .iter()
        .filter(|object| object["kind"] == "NetworkPolicy")
        .filter(|policy| policy["metadata"]["namespace"] == pod.namespace)
        .filter(|policy| {
            policy["spec"]["policyTypes"]
                .as_array()
                .is_some_and(|types| types.contains(&json!(direction)))
        })
        .filter(|policy| selects(&policy["spec"]["podSelector"], &pod.labels))
        .collect();
    let (rules, peers) = if direction == "Egress" { ("egress", "to") } else { ("ingress", "from") };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    selecting.is_empty()
        || selecting.iter().flat_map(|policy| list(&policy["spec"][rules])).any(|rule| {
            let ports = list(&rule["ports"]);
            let at_port = ports.is_empty() || ports.iter().any(|one| one["port"] == port);
            let whom = list(&rule[peers]);
            at_port && (whom.is_empty() || whom.iter().any(|one| is_meant(one, pod, other)))
        })
}

fn is_meant(rule: &Value, pod: &Peer, other: &Peer) -> bool {
    if let (block, Some(address)) = (&rule["ipBlock"], other.address) {
        let is_within =
            |range: &Value| range.as_str().is_some_and(|range| contains(range, address));
        let excepted = block["except"].as_array().is_some_and(|all| all.iter().any(is_within));
        return is_within(&block["cidr"]) && !excepted;
    }
    if rule["ipBlock"].is_object() {
        return false;
    }
    let in_namespace = match &rule["namespaceSelector"] {
        Value::Null => other.namespace == pod.namespace,
        selector => selects(selector, &other.namespace_labels),
    };
    in_namespace && selects(&rule["podSelector"], &other.labels)
}

/// Without anything in it a selector means all.
fn selects(selector: &Value, labels: &Labels) -> bool {
    let wanted = selector["matchLabels"].as_object().into_iter().flatten();
    wanted
        .into_iter()
        .all(|(key, value)| labels.get(key.as_str()).is_some_and(|found| value == found))
}

fn contains(range: &str, address: &str) -> bool {
    let Some((network, bits)) = range.split_once('/') else { return false };
    let parse = |text: &str| text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
    let (Some(network), Some(address)) = (parse(network), parse(address)) else { return false };
    let bits: u32 = bits.parse().unwrap_or(32);
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    network & mask == address & mask
}
