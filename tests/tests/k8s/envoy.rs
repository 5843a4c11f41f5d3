//! The bootstrap in the ConfigMap of the overlay `envoy` runs as it is.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::cluster::{Overlay, objects};
use ledgerline_tests::ledger::Ledger;
use ledgerline_tests::process::{Supervised, eventually};
use ledgerline_tests::workspace;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Puts the files where the image and the pod's volumes have them, in a mount namespace of its own,
/// and becomes what the container runs. The only name that leads anywhere leads to this machine.
const POD: &str = r#"
    set -eu
    files=$1; shift
    mount --bind "$files/hosts" /etc/hosts
    for place in /opt /var/lib; do mount -t tmpfs none "$place"; done
    mkdir /opt/ledgerline /opt/bin /opt/configuration /var/lib/ledgerline
    mount --bind "$files/module" /opt/ledgerline
    mount --bind "$files/ledger" /var/lib/ledgerline
    exec "$files/envoy" "$@"
"#;

/// Where the ConfigMap is mounted; in a test it is a folder like any other.
const MOUNT: &str = "/etc/ledgerline";

/// The ports are those of the manifests, so one gateway at a time.
const PORTS: [u16; 3] = [10_000, 9_901, 9_903];
static PORTS_IN_USE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn the_config_map_runs_as_it_is_on_the_oldest_envoy() -> Result<()> {
    run_as_it_is(workspace::OLDEST_ENVOY).await
}

#[tokio::test]
async fn the_config_map_runs_as_it_is_on_the_newest_envoy() -> Result<()> {
    run_as_it_is(workspace::NEWEST_ENVOY).await
}

async fn run_as_it_is(envoy: &str) -> Result<()> {
    let Some(rendered) = Overlay::shipped("envoy").render()? else { return Ok(()) };
    let _alone = PORTS_IN_USE.lock().await;
    for port in PORTS {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        free.with_context(|| format!("port {port} of 127.0.0.1 is not free"))?;
    }
    let scratch = tempfile::Builder::new().prefix("ledgerline-pod-").tempdir()?;
    let files = scratch.path();
    prepare(files, envoy, &objects(&rendered)?)?;
    let ledger = Ledger::from_now_on(&files.join("ledger/entries.jsonl"));
    let mut process = Supervised::spawn(&mut pod(files, &objects(&rendered)?)?, files)?;
    let log = || std::fs::read_to_string(files.join("log")).unwrap_or_default();
    wait_until_ready(&mut process).await.with_context(log)?;

    let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000));
    let refused = Call::get("elsewhere.example", "/v1/models").send(gateway).await?;
    ledger.wait_for_call(&refused.correlation_id, false).await?.check(json!({
        "endpoint": "elsewhere.example/v1/models",
        "status": 403,
        "outcome": "policy_blocked",
        "reason": "host_not_allowed",
    }))?;
    // An allowed name that leads inside: the guard of addresses is at work, too.
    let guarded = Call::get("api.openai.com", "/v1/models").send(gateway).await?;
    ledger.wait_for_call(&guarded.correlation_id, false).await?.check(json!({
        "endpoint": "api.openai.com/v1/models",
        "status": 403,
        "outcome": "policy_blocked",
    }))?;
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, 9_903));
    let metrics = Call::get("metrics", "/stats/prometheus").send(metrics).await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let counted = "ledgerline_entries_total{outcome=\"policy_blocked\"} 2";
    ensure!(metrics.contains(counted), "no {counted}");
    process.terminate(Duration::from_secs(20)).await.map(drop)
}

fn prepare(files: &Path, envoy: &str, objects: &[Value]) -> Result<()> {
    for folder in ["module", "ledger", "configuration"] {
        std::fs::create_dir(files.join(folder))?;
    }
    std::fs::copy(workspace::module()?, files.join("module/ledgerline.wasm"))?;
    std::fs::copy(workspace::envoy(envoy)?, files.join("envoy"))?;
    std::fs::write(files.join("hosts"), "127.0.0.1 localhost api.openai.com\n")?;
    let map = objects.iter().find(|object| object["data"]["egress.yaml"].is_string());
    let bootstrap = map.context("a ConfigMap with egress.yaml")?["data"]["egress.yaml"].as_str();
    let bootstrap = bootstrap.context("egress.yaml")?;
    let configuration = files.join("configuration/egress.yaml");
    std::fs::write(&configuration, bootstrap)?;
    let suited = workspace::suited(&configuration, envoy)?;
    Ok(std::fs::write(&configuration, suited)?)
}

/// The container of the StatefulSet: its arguments, with its environment.
fn pod(files: &Path, objects: &[Value]) -> Result<Command> {
    let workload = objects.iter().find(|object| object["kind"] == "StatefulSet");
    let containers = &workload.context("a StatefulSet")?["spec"]["template"]["spec"]["containers"];
    let container =
        containers.as_array().and_then(|all| all.iter().find(|one| one["name"] == "gateway"));
    let container = container.context("the container `gateway`")?;
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "/bin/sh", "-c", POD, "pod"]).arg(files);
    for argument in container["args"].as_array().context("args")? {
        let argument = argument.as_str().context("an argument")?;
        let configuration = files.join("configuration").display().to_string();
        command.arg(expand(argument, container, objects).replace(MOUNT, &configuration));
    }
    let log = File::create(files.join("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// `$(NAME)`, as the kubelet replaces it: by a value, or by one of a ConfigMap.
fn expand(argument: &str, container: &Value, objects: &[Value]) -> String {
    let variables = container["env"].as_array().into_iter().flatten();
    variables.fold(argument.to_owned(), |argument, variable| {
        let reference = &variable["valueFrom"]["configMapKeyRef"];
        let map = objects.iter().find(|object| {
            object["kind"] == "ConfigMap" && object["metadata"]["name"] == reference["name"]
        });
        let set = map.and_then(|map| map["data"][reference["key"].as_str()?].as_str());
        let value = variable["value"].as_str().or(set).unwrap_or_default();
        let name = variable["name"].as_str().unwrap_or_default();
        argument.replace(&format!("$({name})"), value)
    })
}

async fn wait_until_ready(process: &mut Supervised) -> Result<()> {
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, 9_903));
    let listens = || {
        let listens = std::net::TcpStream::connect(metrics).is_ok();
        (listens || process.ended().is_some()).then_some(listens)
    };
    let listens = eventually(Duration::from_secs(60), listens).await;
    ensure!(listens == Some(true), "Envoy does not serve");
    let ready = Call::get("metrics", "/ready").send(metrics).await?;
    ensure!(ready.status == 200, "not ready: {ready:?}");
    Ok(())
}
