use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::api_server::output_of;
use super::daemon::scratch;
use super::overlay::objects;
use crate::workspace::{self, Needed};

/// Lets Istio's own tool look at manifests; what it says, and an error unless it finds nothing.
/// `None` where it is not built.
pub fn istioctl(order: &[&str], manifests: &str) -> Result<Option<String>> {
    let Some(istio) = workspace::needs(Needed::NewestIstio)? else { return Ok(None) };
    let folder = scratch("istioctl")?;
    let file = folder.path().join("manifests.yaml");
    std::fs::write(&file, manifests)?;
    let mut command = Command::new(istio.join("istioctl"));
    command.args(order);
    if order.first() == Some(&"validate") {
        command.arg("-f");
    }
    let said = output_of(command.arg(&file), "");
    let said = said.with_context(|| format!("istioctl {}", order.join(" ")))?;
    let finds_nothing = !said.contains("Warning [") && !said.contains("Info [");
    ensure!(finds_nothing, "istioctl {}:\n{said}", order.join(" "));
    Ok(Some(said.trim().to_owned()))
}

/// The templates from which istiod makes the pods of waypoints, as Istio's installer writes them.
/// `None` where it is not built.
pub fn pod_templates() -> Result<Option<Value>> {
    let Some(istio) = workspace::needs(Needed::NewestIstio)? else { return Ok(None) };
    let mut command = Command::new(istio.join("istioctl"));
    command.args(["manifest", "generate", "--set", "profile=ambient"]);
    let installed = objects(&output_of(&mut command, "")?)?;
    let mut templates = installed.into_iter().filter(|object| {
        object["kind"] == "ConfigMap" && object["metadata"]["name"] == "istio-sidecar-injector"
    });
    templates.next().context("the ConfigMap istio-sidecar-injector").map(Some)
}
