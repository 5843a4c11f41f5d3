//! What stays when an overlay goes: its namespace and every claim, with the ledger that was not shipped.

use anyhow::{Context, Result, ensure};
use ledgerline_tests::cluster::{ApiServer, Kinds, Overlay, objects};
use serde_json::{Value, json};

/// What Argo CD and Flux read.
const PROTECTION: [(&str, &str); 2] = [
    ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
];

#[tokio::test]
async fn deleting_an_overlay_leaves_its_namespace_and_every_claim() -> Result<()> {
    let kinds = [Kinds::Istio, Kinds::GatewayApi, Kinds::EnvoyGateway, Kinds::PrometheusOperator];
    let Some(server) = ApiServer::start(&kinds).await? else { return Ok(()) };
    server.make_namespace("istio-system")?;
    for name in Overlay::all()? {
        let overlay = Overlay::shipped(&name);
        leave_what_stays(&server, &overlay).with_context(|| format!("overlay {name}"))?;
    }
    Ok(())
}

fn leave_what_stays(server: &ApiServer, overlay: &Overlay) -> Result<()> {
    let folder = overlay.folder().display().to_string();
    let namespace = format!("{folder}/namespace");
    for folder in [&namespace, &folder] {
        server.kubectl(&["apply", "--server-side", "-k", folder], "")?;
    }
    let rendered = overlay.render()?.context("kubectl")?;
    let claimed = claims_of_replicas(&rendered)?;
    for claim in &claimed {
        server.apply_object(claim)?;
    }
    server.kubectl(&["delete", "--wait=false", "-k", &folder], "")?;
    let staying = objects(&overlay.render_namespace()?.context("kubectl")?)?;
    for object in staying.iter().chain(&claimed) {
        let found = get(server, object)?.with_context(|| format!("{} is gone", name(object)))?;
        ensure!(found["metadata"]["deletionTimestamp"].is_null(), "{} goes", name(object));
    }
    for object in objects(&rendered)? {
        let found = get(server, &object)?;
        let goes = found.is_none_or(|found| found["metadata"]["deletionTimestamp"].is_string());
        ensure!(goes, "{} is still there", name(&object));
    }
    println!("{}: stay {:?}", folder, staying.iter().chain(&claimed).map(name).collect::<Vec<_>>());
    let is_claim = |object: &&Value| object["kind"] == "PersistentVolumeClaim";
    for claim in staying.iter().filter(is_claim).chain(&claimed) {
        // Overlays share names, and nobody here lets go of a claim.
        let free = ["patch", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#];
        server.kubectl(&[&free[..], &["-f", "-"]].concat(), &claim.to_string())?;
        server.kubectl(&["delete", "--wait=false", "-f", "-"], &claim.to_string())?;
    }
    Ok(())
}

/// As the StatefulSet's controller makes them, of which there is none here.
pub(crate) fn claims_of_replicas(rendered: &str) -> Result<Vec<Value>> {
    let objects = objects(rendered)?;
    let sets = objects.iter().filter(|object| object["kind"] == "StatefulSet");
    let mut claims = Vec::new();
    for set in sets {
        ensure!(
            set["spec"]["persistentVolumeClaimRetentionPolicy"]
                == json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
            "claims go with {}",
            name(set)
        );
        for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
            for replica in 0..2 {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (claim, set_name) =
                    (text(&template["metadata"]["name"]), text(&set["metadata"]["name"]));
                claims.push(json!({
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": {
                        "name": format!("{claim}-{set_name}-{replica}"),
                        "namespace": set["metadata"]["namespace"]
                    },
                    "spec": template["spec"],
                }));
            }
        }
    }
    Ok(claims)
}

fn get(server: &ApiServer, object: &Value) -> Result<Option<Value>> {
    let order = ["get", "--ignore-not-found", "-o", "json", "-f", "-"];
    let found = server.kubectl(&order, &object.to_string())?;
    if found.trim().is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&found)?)) }
}

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// No overlay holds what holds a ledger, and no GitOps controller takes it away by itself.
#[test]
fn what_holds_a_ledger_is_protected_from_pruning_and_in_no_overlay() -> Result<()> {
    for overlay in Overlay::all()? {
        let shipped = Overlay::shipped(&overlay);
        let (Some(first), Some(rendered)) = (shipped.render_namespace()?, shipped.render()?) else {
            return Ok(());
        };
        let (staying, going) = (objects(&first)?, objects(&rendered)?);
        let holds = |object: &&Value| {
            object["kind"] == "Namespace" || object["kind"] == "PersistentVolumeClaim"
        };
        let inside: Vec<_> = going.iter().filter(holds).map(name).collect();
        ensure!(inside.is_empty(), "overlay {overlay} holds {inside:?}");
        ensure!(staying.iter().all(|object| holds(&object)), "overlay {overlay}: more stays");
        let sets = going.iter().filter(|object| object["kind"] == "StatefulSet");
        for object in staying.iter().chain(sets) {
            for (key, value) in PROTECTION {
                let found = &object["metadata"]["annotations"][key];
                ensure!(*found == value, "overlay {overlay}: {}: {key}: {found}", name(object));
            }
        }
    }
    Ok(())
}
