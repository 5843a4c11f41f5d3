//! A real API server takes every object of every overlay, and Istio's own checks find nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::cluster::{ApiServer, Kinds, Overlay, check_manifests, objects};
use ledgerline_tests::workspace;
use serde_json::{Value, json};

/// The overlays of a mesh, which also has to be one of the oldest Istio.
fn is_for_istio(overlay: &str) -> bool {
    overlay.starts_with("istio")
}

#[tokio::test]
async fn every_overlay_is_taken_and_a_second_time_nothing_changes() -> Result<()> {
    take_all(Kinds::Istio, |_| true).await
}

#[tokio::test]
async fn the_oldest_istio_takes_its_overlays_too() -> Result<()> {
    take_all(Kinds::OldestIstio, is_for_istio).await
}

async fn take_all(istio: Kinds, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let kinds = [istio, Kinds::GatewayApi, Kinds::EnvoyGateway, Kinds::PrometheusOperator];
    let Some(api_server) = ApiServer::start(&kinds).await? else { return Ok(()) };
    api_server.make_namespace("istio-system")?;
    for overlay in Overlay::all()?.iter().filter(|overlay| wanted(overlay)) {
        let rendered = Overlay::shipped(overlay).render_with_namespace()?;
        let Some(rendered) = rendered else { return Ok(()) };
        take_twice(&api_server, &rendered).with_context(|| format!("overlay {overlay}"))?;
        refuse_unknown_keys(&api_server, &rendered)
            .with_context(|| format!("overlay {overlay}"))?;
        println!("overlay {overlay} ({istio:?}): {}", summary(&objects(&rendered)?));
        remove(&api_server, &rendered)?;
    }
    Ok(())
}

fn take_twice(api_server: &ApiServer, rendered: &str) -> Result<()> {
    let first = contents(api_server.apply(rendered)?);
    let second = contents(api_server.apply(rendered)?);
    let sent = objects(rendered)?.len();
    ensure!(first.len() == sent, "{} of {sent} objects were taken", first.len());
    let changed = second.iter().find(|object| !first.contains(object));
    ensure!(
        changed.is_none(),
        "applied again, an object changes: {changed:#?}\nbefore: {first:#?}"
    );
    Ok(())
}

/// Without the books that the API server keeps on who set what when, and without the status, which
/// no manifest sets.
fn contents(mut objects: Vec<Value>) -> Vec<Value> {
    for object in &mut objects {
        object["status"].take();
        for key in ["managedFields", "resourceVersion"] {
            object["metadata"][key].take();
        }
    }
    objects
}

/// Every object again with a key that its kind does not have.
fn refuse_unknown_keys(api_server: &ApiServer, rendered: &str) -> Result<()> {
    let mut seen = Vec::new();
    for mut object in objects(rendered)? {
        let kind = format!("{} {}", object["apiVersion"], object["kind"]);
        if seen.contains(&kind) {
            continue;
        }
        let place = if object["spec"].is_object() { &mut object["spec"] } else { &mut object };
        place["unknownKey"] = json!(1);
        let Err(error) = api_server.apply_object(&object) else {
            anyhow::bail!("{kind} was taken with an unknown key")
        };
        ensure!(format!("{error:#}").contains("unknownKey"), "{error:#}");
        seen.push(kind);
    }
    Ok(())
}

/// Overlays share names, and there is no controller that would empty a namespace, or let go of a
/// claim.
fn remove(api_server: &ApiServer, rendered: &str) -> Result<()> {
    let removed: Vec<_> =
        objects(rendered)?.into_iter().filter(|object| object["kind"] != "Namespace").collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": removed});
    api_server.kubectl(&["delete", "--wait=false", "-f", "-"], &list.to_string())?;
    for claim in removed.iter().filter(|object| object["kind"] == "PersistentVolumeClaim") {
        let free = ["patch", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#];
        api_server.kubectl(&[&free[..], &["-f", "-"]].concat(), &claim.to_string())?;
    }
    Ok(())
}

fn summary(objects: &[Value]) -> String {
    let mut kinds = BTreeMap::<&str, usize>::new();
    for object in objects {
        *kinds.entry(object["kind"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let names: Vec<_> = objects.iter().map(name).collect();
    format!("{} objects ({})\n  {}", objects.len(), kinds.join(", "), names.join("\n  "))
}

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let namespace = metadata["namespace"].as_str().map(|name| format!("{name}/"));
    let kind = text(&object["kind"]);
    format!("{kind} {}{}", namespace.unwrap_or_default(), text(&metadata["name"]))
}

/// A component that is a comment in an overlay is an offer: it must be worth uncommenting.
#[tokio::test]
async fn every_component_that_an_overlay_offers_is_taken() -> Result<()> {
    let kinds = [Kinds::Istio, Kinds::GatewayApi, Kinds::EnvoyGateway, Kinds::PrometheusOperator];
    let Some(api_server) = ApiServer::start(&kinds).await? else { return Ok(()) };
    for namespace in ["istio-system", "ledgerline", "ledgerline-collector"] {
        api_server.make_namespace(namespace)?;
    }
    for name in Overlay::all()? {
        for component in offers(&name)? {
            let overlay = Overlay::copy(&name)?;
            take_up(&overlay, &component)?;
            let Some(rendered) = overlay.render()? else { return Ok(()) };
            let taken = api_server.would_take(&rendered);
            taken.with_context(|| format!("overlay {name} with {component}"))?;
            println!("overlay {name} with {component}: {} objects", objects(&rendered)?.len());
        }
    }
    Ok(())
}

/// The components that an overlay has as comments: folders, of its own or of all.
fn offers(overlay: &str) -> Result<Vec<String>> {
    let folder = Overlay::shipped(overlay).folder();
    let text = std::fs::read_to_string(folder.join("kustomization.yaml"))?;
    let offers = text.lines().filter_map(|line| line.strip_prefix("# - "));
    let names = offers.filter_map(|rest| rest.split_whitespace().next());
    let names = names.filter(|name| folder.join(name).join("kustomization.yaml").exists());
    Ok(names.map(str::to_owned).collect())
}

/// Uncomments a component; of the sinks there is one.
pub(crate) fn take_up(overlay: &Overlay, component: &str) -> Result<()> {
    if component.contains("/sink-") {
        let shipped = "\n- ../../components/sink-ship";
        overlay.edit("kustomization.yaml", shipped, "\n# - ../../components/sink-ship")?;
    }
    let taken = format!("- {component}");
    overlay.edit("kustomization.yaml", &format!("\n# {taken}"), &format!("\n{taken}"))
}

#[test]
fn the_generated_objects_are_those_of_the_policy() -> Result<()> {
    for overlay in Overlay::all()? {
        let folder = Overlay::shipped(&overlay).folder();
        if !folder.join("policy.yaml").exists() {
            continue;
        }
        let mut command = std::process::Command::new(workspace::tool()?);
        let output = command.args(["hosts", "check", "--overlay"]).arg(&folder).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "overlay {overlay}: {said}");
    }
    Ok(())
}

#[test]
fn istio_finds_nothing_wrong_in_the_files() -> Result<()> {
    for overlay in Overlay::all()?.iter().filter(|overlay| is_for_istio(overlay)) {
        let rendered = Overlay::shipped(overlay).render_with_namespace()?;
        let Some(rendered) = rendered else { return Ok(()) };
        check_manifests(&rendered).with_context(|| format!("overlay {overlay}"))?;
    }
    Ok(())
}

#[test]
fn istio_finds_a_route_to_a_gateway_that_is_not_there() -> Result<()> {
    let Some(rendered) = Overlay::shipped("istio").render()? else { return Ok(()) };
    let wrong = rendered.replace("ledgerline/ledgerline-gateway\n", "ledgerline/another-gateway\n");
    let Err(error) = check_manifests(&wrong) else { anyhow::bail!("nothing was found") };
    ensure!(format!("{error:#}").contains("IST0101"), "{error:#}");
    Ok(())
}

/// No manifest can read a file, so each overlay holds the text once more.
#[test]
fn every_overlay_has_the_fallback_entry_of_the_gateway() -> Result<()> {
    let gateway = std::fs::read_to_string(workspace::root().join("envoy/egress.yaml"))?;
    let expected = fallback_entry(&gateway).context("envoy/egress.yaml has none")?;
    for overlay in Overlay::all()? {
        let Some(rendered) = Overlay::shipped(&overlay).render()? else { return Ok(()) };
        let found = fallback_entry(&rendered).with_context(|| format!("{overlay} has none"))?;
        ensure!(found == expected, "overlay {overlay}: {found}");
    }
    Ok(())
}

/// An offer of another protocol than WebSocket leaves the call wherever the filter runs; without this Envoy answers 403.
#[test]
fn every_overlay_passes_over_the_same_offers_of_another_protocol() -> Result<()> {
    let gateway = std::fs::read_to_string(workspace::root().join("envoy/egress.yaml"))?;
    let expected = passed_over(&gateway).context("envoy/egress.yaml has none")?;
    for overlay in Overlay::all()? {
        let Some(rendered) = Overlay::shipped(&overlay).render()? else { return Ok(()) };
        ensure!(rendered.contains(expected), "overlay {overlay} has another expression, or none");
    }
    Ok(())
}

/// The expression for what is not WebSocket.
fn passed_over(yaml: &str) -> Option<&str> {
    let (_, list) = yaml.split_once("ignore_http_11_upgrade:")?;
    list.split_once("regex: '")?.1.split('\'').next()
}

/// The text between its first and its last field, whatever its lines are broken and indented like.
fn fallback_entry(yaml: &str) -> Option<String> {
    let words = yaml.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = words.find(r#"{"timestamp":"%START_TIME"#)?;
    let end = words.get(start..)?.find(r#""response":{"bytes":%BYTES_SENT%}}"#)?;
    words.get(start..start + end).map(str::to_owned)
}
