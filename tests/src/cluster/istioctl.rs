//! What istioctl says of manifests, and what it would install.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::api_server::{ApiServer, output_of};
use super::daemon::scratch;
use super::overlay::objects;
use crate::workspace::{self, Needed};

/// What `istioctl validate` says of every EnvoyFilter, whatever is in it.
const OF_EVERY_ENVOY_FILTER: &str = "EnvoyFilter exposes internal implementation details";

/// Lets Istio's own tool look at manifests; an error if it finds anything. `None` where it is not
/// built.
pub fn check_manifests(manifests: &str) -> Result<Option<()>> {
    let folder = scratch("istioctl")?;
    let file = folder.path().join("manifests.yaml").display().to_string();
    std::fs::write(&file, manifests)?;
    let Some(found) = istioctl(&["validate", "-f", &file])? else { return Ok(None) };
    let mut warnings = found.lines().filter(|line| line.trim_start().starts_with("* "));
    let warning = warnings.find(|line| !line.contains(OF_EVERY_ENVOY_FILTER));
    ensure!(warning.is_none(), "istioctl validate: {warning:?}");
    istioctl(&["analyze", "-A", "--use-kube=false", "--failure-threshold=Info", &file])?;
    Ok(Some(()))
}

/// Lets Istio's own tool look at a namespace as the API server has it; an error if it finds
/// anything.
pub fn check_namespace(server: &ApiServer, namespace: &str) -> Result<()> {
    let kubeconfig = server.kubeconfig().display().to_string();
    let order =
        ["analyze", "--failure-threshold=Info", "--kubeconfig", &kubeconfig, "-n", namespace];
    istioctl(&order).map(drop)
}

/// All that it prints.
fn istioctl(arguments: &[&str]) -> Result<Option<String>> {
    let Some(istio) = workspace::needs(Needed::NewestIstio)? else { return Ok(None) };
    let output = Command::new(istio.join("istioctl")).args(arguments).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "istioctl {}:\n{said}", arguments.join(" "));
    Ok(Some(said))
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
