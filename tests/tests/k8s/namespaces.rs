//! One policy for the whole mesh: a namespace may do less, and the API server lets none do more.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ledgerline_tests::cluster::{ApiServer, IstioVersion, Pod};
use serde_json::{Value, json};

use crate::stage::{Mesh, Module, Open, REGISTRY_ONLY};

on_each_istio! {
    no_namespace_can_loosen_the_policy,
    no_pod_of_the_mesh_can_go_around_its_sidecar,
    a_namespace_may_tighten_it,
}

#[tokio::test]
async fn the_sidecars_of_two_namespaces_have_one_filter_and_their_own_hosts() -> Result<()> {
    let tightened = [
        ("policy.yaml", "namespaces: {}", "namespaces: { team-b: { allow: [api.openai.com] } }"),
        REGISTRY_ONLY,
    ];
    let mesh =
        Mesh::with(IstioVersion::Newest, "istio-mesh-wide", &tightened, Module::Published).await?;
    let Some(mesh) = mesh else { return Ok(()) };
    let agents = [Pod::agent("team-a", "10.1.1.1"), Pod::agent("team-b", "10.1.2.1")];
    let [first, second] = &agents;
    let (first_made, second_made) = (mesh.configuration(first)?, mesh.configuration(second)?);
    let filters = (parts(first_made.filter()?), parts(second_made.filter()?));
    ensure!(filters.0 == filters.1, "the filters differ: {filters:#?}");
    let hosts = (first_made.hosts(), second_made.hosts());
    ensure!(hosts.0.contains(&"api.anthropic.com"), "{hosts:?}");
    ensure!(hosts.1.contains(&"api.openai.com"), "{hosts:?}");
    ensure!(!hosts.1.contains(&"api.anthropic.com"), "{hosts:?}");

    let sidecar = mesh.run(first, &first_made, BTreeMap::new()).await?;
    let call = crate::istio::question("api.anthropic.com", false);
    let answer = call.send(sidecar.listener("0.0.0.0_80")?).await?;
    let entry = sidecar.ledger().wait_for_call(&answer.correlation_id, false).await;
    let entry = entry.with_context(|| sidecar.explain())?;
    entry.check(
        json!({"status": 200, "outcome": "success", "upstream": {"host": "api.anthropic.com"}}),
    )?;

    let sidecar = mesh.run(second, &second_made, BTreeMap::new()).await?;
    let sent = mesh.simulator.exchanges().len();
    let call = crate::istio::question("api.anthropic.com", false);
    let answer = call.send(sidecar.listener("0.0.0.0_80")?).await?;
    ensure!(answer.status == 502, "{answer:?}");
    ensure!(mesh.simulator.exchanges().len() == sent, "the call left the sidecar");
    let entry = sidecar.ledger().wait_for_call(&answer.correlation_id, false).await;
    entry
        .with_context(|| sidecar.explain())?
        .check(json!({"status": 502, "outcome": "policy_blocked"}))
}

/// Of a filter what matters for its calls; the folder of the module is each agent's own.
fn parts(filter: &Value) -> [&Value; 3] {
    [&filter["configuration"], &filter["failure_policy"], &filter["root_id"]]
}

async fn no_namespace_can_loosen_the_policy(open: &Open) -> Result<()> {
    let server = &open.mesh.api_server;
    for object in loosening(open.mesh.istiod.version()) {
        check_refused(server, &object).await?;
    }
    Ok(())
}

async fn no_pod_of_the_mesh_can_go_around_its_sidecar(open: &Open) -> Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "agent", "namespace": "team-a"}});
    open.mesh.api_server.apply_object(&account)?;
    let spec =
        json!({"serviceAccountName": "agent", "containers": [{"name": "agent", "image": "agent"}]});
    let mut pod = object("v1", "Pod", "team-a", spec);
    open.mesh.api_server.would_take(&pod.to_string())?;
    for annotation in ["traffic.sidecar.istio.io/excludeOutboundPorts", "proxy.istio.io/config"] {
        pod["metadata"]["annotations"] = json!({annotation: "443"});
        check_refused(&open.mesh.api_server, &pod).await?;
    }
    Ok(())
}

async fn a_namespace_may_tighten_it(open: &Open) -> Result<()> {
    let namespaced = |kind: &str, group: &str, spec: Value| object(group, kind, "team-b", spec);
    for object in [
        namespaced("Sidecar", "networking.istio.io/v1", json!({"egress": [{"hosts": ["./*"]}]})),
        namespaced("AuthorizationPolicy", "security.istio.io/v1", json!({"action": "DENY"})),
        namespaced(
            "PeerAuthentication",
            "security.istio.io/v1",
            json!({"mtls": {"mode": "STRICT"}}),
        ),
    ] {
        open.mesh.api_server.would_take(&object.to_string())?;
    }
    Ok(())
}

fn loosening(version: IstioVersion) -> Vec<Value> {
    const NETWORKING: &str = "networking.istio.io/v1";
    let outside = "elsewhere.example";
    let route = json!([{"route": [{"destination": {"host": outside}}]}]);
    let ports = json!([{"number": 443, "name": "tls", "protocol": "TLS"}]);
    let in_team = |group: &str, kind: &str, spec: Value| object(group, kind, "team-b", spec);
    let mut objects = vec![
        in_team(
            NETWORKING,
            "ServiceEntry",
            json!({"hosts": [outside], "ports": ports, "resolution": "DNS"}),
        ),
        in_team(NETWORKING, "Sidecar", json!({"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}})),
        in_team(NETWORKING, "Sidecar", json!({"egress": [{"hosts": ["*/*"]}]})),
        in_team(NETWORKING, "VirtualService", json!({"hosts": ["api.openai.com"], "http": route})),
        in_team(NETWORKING, "DestinationRule", json!({"host": "api.openai.com"})),
        in_team("networking.istio.io/v1alpha3", "EnvoyFilter", json!({"configPatches": []})),
        in_team(
            "extensions.istio.io/v1alpha1",
            "WasmPlugin",
            json!({"url": "oci://elsewhere.example/x"}),
        ),
        in_team(
            "telemetry.istio.io/v1",
            "Telemetry",
            json!({"accessLogging": [{"disabled": true}]}),
        ),
        in_team("v1", "Service", json!({"type": "ExternalName", "externalName": outside})),
    ];
    if version == IstioVersion::Newest {
        let lua = json!({"lua": {"inlineCode": "function envoy_on_request(handle) end"}});
        objects.push(in_team("extensions.istio.io/v1alpha1", "TrafficExtension", lua));
    }
    objects
}

fn object(group: &str, kind: &str, namespace: &str, spec: Value) -> Value {
    let metadata = json!({"name": "of-the-team", "namespace": namespace});
    json!({"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec})
}

/// A policy holds a moment after it was taken: the API server watches its own objects.
async fn check_refused(server: &ApiServer, object: &Value) -> Result<()> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = server.would_take(&object.to_string());
        match answer {
            Err(error)
                if format!("{error:#}").contains("ValidatingAdmissionPolicy 'ledgerline-") =>
            {
                return Ok(());
            }
            Err(error) => {
                return Err(error.context(format!("refused for another reason: {object}")));
            }
            Ok(_) if tokio::time::Instant::now() > deadline => bail!("taken: {object}"),
            Ok(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
