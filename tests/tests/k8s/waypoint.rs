//! The egress waypoint of the overlay `istio-ambient`, as istiod makes it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ledgerline_tests::cluster::{IstioVersion, Pod, Role};
use ledgerline_tests::process::eventually;
use serde_json::{Value, json};

use crate::stage::{Mesh, Module};

#[tokio::test]
async fn a_waypoint_has_the_ledger_the_filter_and_tls_to_every_host() -> Result<()> {
    let mesh = Mesh::with(IstioVersion::Newest, "istio-ambient", &[], Module::Published).await?;
    let Some(mesh) = mesh else { return Ok(()) };
    let get = ["-n", "ledgerline", "get", "deployment", "ledgerline-gateway", "-o", "json"];
    let made = eventually(Duration::from_secs(60), || mesh.api_server.kubectl(&get, "").ok()).await;
    let deployment: Value = serde_json::from_str(&made.context("istiod makes a Deployment")?)?;
    let pod_spec = &deployment["spec"]["template"]["spec"];
    ensure!(
        has(
            &pod_spec["volumes"],
            &json!({"name": "ledger", "persistentVolumeClaim": {"claimName": "ledgerline-ledger"}})
        ),
        "{pod_spec:#}"
    );
    for container in [&pod_spec["containers"][0], &pod_spec["initContainers"][0]] {
        let mount = json!({"name": "ledger", "mountPath": "/var/lib/ledgerline"});
        ensure!(has(&container["volumeMounts"], &mount), "{container:#}");
    }

    let pod = Pod::of_workload(&deployment, Role::Waypoint, "10.1.0.6")?;
    pod.run_on(&mesh.api_server, pod_spec, &[("ledgerline-gateway", "mesh", 15_008)])?;
    // istiod sends hosts to a waypoint once the waypoint has an address.
    let complete = || {
        let made = mesh.configuration(&pod).ok()?;
        made.clusters.iter().any(opens_tls_to_openai).then_some(made)
    };
    let Some(made) = eventually(Duration::from_secs(30), complete).await else {
        bail!("no TLS to api.openai.com: {:#?}", names(&mesh.configuration(&pod)?.clusters))
    };
    let configuration = &made.filter()?["configuration"];
    ensure!(configuration.to_string().contains("api.openai.com"), "{configuration:#}");
    let listeners = json!(made.listeners).to_string();
    ensure!(listeners.contains("/var/lib/ledgerline/entries.jsonl"), "no access log");
    Ok(())
}

fn opens_tls_to_openai(cluster: &Value) -> bool {
    let text = cluster.to_string();
    text.contains("UpstreamTlsContext") && text.contains("api.openai.com")
}

fn names(clusters: &[Value]) -> Vec<&Value> {
    clusters.iter().map(|cluster| &cluster["name"]).collect()
}

/// Whether a list has an object with at least these fields.
fn has(list: &Value, wanted: &Value) -> bool {
    let includes = |one: &Value| {
        wanted.as_object().into_iter().flatten().all(|(key, value)| match value {
            Value::Object(_) => {
                value.as_object().into_iter().flatten().all(|(k, v)| one[key][k] == *v)
            }
            _ => one[key] == *value,
        })
    };
    list.as_array().into_iter().flatten().any(includes)
}
