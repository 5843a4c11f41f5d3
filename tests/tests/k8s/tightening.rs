//! `tighten-only`, step by step: it warns, it lists, it refuses; and other teams' ordinary pods are
//! taken throughout.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::cluster::{ApiServer, Kinds, Overlay};
use ledgerline_tests::process::eventually;
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::stage::{DENY, edited};

/// Whoever rules the namespaces of a team, and nothing else.
const OWNER: &str = "owner-of-the-team";
/// How a policy begins what it says.
const SAYS: &str = "ValidatingAdmissionPolicy 'ledgerline-";
/// The API server watches its own objects: a policy holds a moment after it was taken.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn it_warns_first_lists_what_it_would_refuse_and_refuses_then() -> Result<()> {
    let Some(server) = ApiServer::start(&[Kinds::Istio, Kinds::GatewayApi]).await? else {
        return Ok(());
    };
    prepare(&server)?;
    let (refused, ordinary) = (documents("refused")?, ordinary()?);

    apply(&server, &Overlay::shipped("istio"))?;
    for object in &refused {
        // Every policy speaks, and what it speaks of is taken.
        let warned = eventually(PATIENCE, || {
            let said = server.warnings_for(OWNER, &object.to_string());
            match said {
                Ok(said) if !said.contains(SAYS) => None,
                said => Some(said),
            }
        });
        let warned = warned.await.with_context(|| format!("no warning of {}", name(object)))?;
        let said = warned.with_context(|| format!("not taken: {}", name(object)))?;
        ensure!(said.contains(&name(object)), "whom it means is not in: {said}");
    }
    for object in &ordinary {
        let said = server.warnings_for(OWNER, &object.to_string());
        let said = said.with_context(|| format!("not taken: {}", name(object)))?;
        ensure!(!said.contains(SAYS), "{}: {said}", name(object));
    }
    list_what_is_there(&server, &refused, &ordinary)?;

    apply(&server, &edited("istio", &[DENY])?)?;
    for object in &refused {
        let refusal =
            eventually(PATIENCE, || server.warnings_for(OWNER, &object.to_string()).err());
        let refusal = refusal.await.with_context(|| format!("taken: {}", name(object)))?;
        ensure!(format!("{refusal:#}").contains(SAYS), "refused for another reason: {refusal:#}");
    }
    for object in &ordinary {
        let taken = server.warnings_for(OWNER, &object.to_string());
        taken.with_context(|| format!("refused: {}", name(object)))?;
    }
    check_exempt(&server, &refused)?;
    println!("{} objects refused, {} ordinary ones taken", refused.len(), ordinary.len());
    Ok(())
}

/// A namespace of the mesh with an owner, one that the policies leave alone, one outside of the mesh.
fn prepare(server: &ApiServer) -> Result<()> {
    server.make_namespace("istio-system")?;
    server.apply_object(&rights_of_an_owner())?;
    let namespaces = [
        ("team-b", json!({"istio-injection": "enabled"})),
        ("team-x", json!({"istio-injection": "enabled", "ledgerline/tighten-only": "exempt"})),
        ("plain", json!({})),
    ];
    for (namespace, labels) in namespaces {
        let metadata = json!({"name": namespace, "labels": labels});
        server.apply_object(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        )?;
        let metadata = json!({"name": "default", "namespace": namespace});
        server.apply_object(
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        )?;
        let order = ["-n", namespace, "create", "rolebinding", "owner", "--clusterrole=owner"];
        server.kubectl(&[&order[..], &[&format!("--user={OWNER}")]].concat(), "")?;
    }
    Ok(())
}

/// As those of Kubernetes' role `admin`, which a controller would put together: everything in a namespace, but not
/// the namespace itself.
fn rights_of_an_owner() -> Value {
    let groups = [
        "apps",
        "batch",
        "networking.istio.io",
        "extensions.istio.io",
        "telemetry.istio.io",
        "security.istio.io",
        "gateway.networking.k8s.io",
    ];
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "owner"},
        "rules": [
            {"apiGroups": groups, "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
        ],
    })
}

fn apply(server: &ApiServer, overlay: &Overlay) -> Result<()> {
    let rendered = overlay.render_with_namespace()?.context("kubectl")?;
    server.apply(&rendered).map(drop)
}

fn documents(file: &str) -> Result<Vec<Value>> {
    let path = workspace::root().join(format!("tests/k8s/tighten-only/{file}.yaml"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_saphyr::from_multiple(&text)?)
}

/// What a team has that goes around nothing.
fn ordinary() -> Result<Vec<Value>> {
    let mut objects = documents("ordinary")?;
    objects.extend(documents("passes")?);
    Ok(objects)
}

/// `namespace/name`, as the policies call an object.
fn name(object: &Value) -> String {
    let metadata = &object["metadata"];
    let text = |key: &str| metadata[key].as_str().unwrap_or_default();
    format!("{}/{}{}", text("namespace"), text("name"), text("generateName"))
}

/// Before the step to Deny: what is in the cluster, looked at by the policies that are there.
fn list_what_is_there(server: &ApiServer, refused: &[Value], ordinary: &[Value]) -> Result<()> {
    let wanted = ["excluded-ports", "makes-such-pods", "more", "alias"];
    let loose: Vec<_> = refused
        .iter()
        .filter(|object| wanted.iter().any(|name| object["metadata"]["name"] == *name))
        .collect();
    ensure!(loose.len() == 6, "{} objects to put there", loose.len());
    let unnamed = |object: &&Value| object["metadata"]["generateName"].is_string();
    for object in loose.iter().copied().chain(ordinary.iter().filter(|object| !unnamed(object))) {
        server.apply_object(object)?;
    }
    let (code, listed, said) = would_refuse(server, &[])?;
    ensure!(code == Some(1), "exit code {code:?}: {said}");
    for object in &loose {
        ensure!(listed.contains(&name(object)), "{} is not in:\n{listed}{said}", name(object));
    }
    ensure!(listed.lines().count() == loose.len(), "more than was loose:\n{listed}");
    let there = format!("{} of ", loose.len());
    ensure!(said.contains(&there) && said.contains("would be refused"), "{said}");
    ensure!(!said.contains("reasons of its own"), "{said}");
    let (code, listed, said) = would_refuse(server, &["plain"])?;
    ensure!(code == Some(0) && listed.is_empty(), "{code:?}: {listed}{said}");
    let (code, ..) = would_refuse(server, &["--help"])?;
    ensure!(code == Some(2), "exit code {code:?}");
    for object in loose.iter().copied().chain(ordinary.iter().filter(|object| !unnamed(object))) {
        let order = ["delete", "--force", "--grace-period=0", "--wait=false", "-f", "-"];
        server.kubectl(&order, &object.to_string())?;
    }
    Ok(())
}

fn would_refuse(server: &ApiServer, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let mut command = Command::new(workspace::root().join("k8s/would-refuse.sh"));
    command.args(arguments).env("KUBECONFIG", server.kubeconfig());
    command.env("PATH", server.path()?);
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
}

/// The label of a namespace, which its owner cannot set.
fn check_exempt(server: &ApiServer, refused: &[Value]) -> Result<()> {
    for object in refused {
        let mut object = object.clone();
        object["metadata"]["namespace"] = json!("team-x");
        let said = server.warnings_for(OWNER, &object.to_string());
        let said = said.with_context(|| format!("refused: {}", name(&object)))?;
        ensure!(!said.contains(SAYS), "{}: {said}", name(&object));
    }
    let order = ["--as", OWNER, "label", "namespace", "team-b", "ledgerline/tighten-only=exempt"];
    ensure!(server.kubectl(&order, "").is_err(), "the owner of a namespace exempts it");
    Ok(())
}

/// What a controller writes about a workload that was there before makes no new pod, and goes on.
#[tokio::test]
async fn what_was_there_before_goes_on_until_its_pods_change() -> Result<()> {
    let Some(server) = ApiServer::start(&[Kinds::Istio, Kinds::GatewayApi]).await? else {
        return Ok(());
    };
    prepare(&server)?;
    let refused = documents("refused")?;
    let loose = |kind: &str| refused.iter().find(|object| object["kind"] == kind);
    let (deployment, job) = (loose("Deployment"), loose("CronJob"));
    let (deployment, job) = (deployment.context("a Deployment")?, job.context("a CronJob")?);
    server.apply_object(deployment)?;
    server.apply_object(job)?;
    apply(&server, &edited("istio", &[DENY])?)?;
    let mut another = deployment.clone();
    another["metadata"]["name"] = json!("another");
    let refusal = eventually(PATIENCE, || server.would_take(&another.to_string()).err());
    refusal.await.context("it is taken anew")?;
    let annotate = ["-n", "team-b", "annotate", "deployment,cronjob", "makes-such-pods", "note=1"];
    server.kubectl(&annotate, "")?;
    let scale = ["-n", "team-b", "scale", "deployment", "makes-such-pods", "--replicas=3"];
    server.kubectl(&scale, "")?;
    let mut changed = deployment.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("registry.example.com/agent:2");
    let refusal = server.apply_object(&changed).err().context("a roll-out is taken")?;
    ensure!(format!("{refusal:#}").contains(SAYS), "{refusal:#}");
    Ok(())
}
