//! While the ledger has no room, calls are refused: what cannot be recorded does not happen.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::delivery::{FileSystem, Lease, Lines, Load, Site, SmallDisk};
use ledgerline_tests::envoy::Gateway;
use ledgerline_tests::process::eventually;
use ledgerline_tests::workspace;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::real_clients::Client;
use crate::{Stage, stage::Open};

on_each_envoy! {
    no_sdk_tries_a_call_again_that_cannot_be_recorded,
    the_overlays_refuse_and_record_in_the_same_way,
    calls_are_refused_while_the_ledger_has_no_room,
    calls_are_refused_while_nobody_watches,
}

/// A shipper that is killed when this value goes.
struct Shipper(Child);

impl Shipper {
    fn start(ledger: &Path, to: &str, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(workspace::tool()?);
        command.args(["ship", "--follow", "--to", to, "--from"]).arg(ledger).args(more);
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A store that nobody can have.
const NOWHERE: &str = "file:///proc/ledgerline-test";

/// With `envoy/sinks/lease.yaml`: a shipper that never ran, hangs or is dead says nothing, and nothing is not yes.
async fn calls_are_refused_while_nobody_watches(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let lease = Lease::of(port)?;
    let open = stage
        .open_with(|gateway| {
            let gateway = gateway.ledger_folder(ledger).with_metrics();
            Ok(gateway.adapt(|bootstrap| lease.add_to(bootstrap).unwrap()))
        })
        .await?;
    let listen = format!("127.0.0.1:{port}");
    let admin = format!("http://{}", open.gateway.admin().0);
    // Nothing is rotated: the entries stay where the gateway writes them.
    let more = ["--min-free", "0", "--segment-age", "1h", "--reopen", &admin, "--listen", &listen];
    let start = || Shipper::start(folder.path(), NOWHERE, &more);

    expect_status(&open, 503).await?;
    let shipper = start()?;
    expect_status(&open, 200).await?;
    shipper.signal(Signal::STOP)?;
    expect_status(&open, 503).await?;
    shipper.signal(Signal::CONT)?;
    expect_status(&open, 200).await?;
    drop(shipper);
    expect_status(&open, 503).await?;

    let answer = question().send(open.gateway.address()).await?;
    assert_eq!(answer.json()["error"]["reason"], "sink_unavailable", "{answer:?}");
    // Whichever file the shipper left to the gateway when it was killed.
    let is_there = || {
        let entries = Lines::in_ledger(folder.path()).ok()?.entries();
        entries.into_iter().find(|entry| entry["correlation_id"] == answer.correlation_id.as_str())
    };
    let entry = eventually(Duration::from_secs(30), is_there).await.context("an entry")?;
    for (key, value) in [
        ("status", json!(503)),
        ("outcome", json!("policy_blocked")),
        ("reason", json!("sink_unavailable")),
    ] {
        ensure!(entry[key] == value, "{key} in {entry}");
    }
    Ok(())
}

fn question() -> Call {
    Call::post("provider.test", "/v1/chat/completions", "question")
        .header("authorization", "Bearer not-for-the-shipper")
}

async fn expect_status(open: &Open, expected: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = question().send(open.gateway.address()).await?.status;
        if status == expected {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{status} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// To the last byte and the last inode, within a fraction of a second, under load: the gateway is told by what was there
/// before, and what it writes until it hears of it has its place.
#[tokio::test]
async fn a_disk_that_fills_up_at_once_costs_no_line() {
    for kind in [FileSystem::Tmpfs, FileSystem::Ext4] {
        for _ in 0..3 {
            fill_at_once(kind).await.unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
        }
    }
}

async fn fill_at_once(kind: FileSystem) -> Result<()> {
    let Some(disk) = SmallDisk::mount_as(kind, 48 << 20)? else { return Ok(()) };
    let site = Site::start(disk.path(), |gateway| gateway).await?;
    let more = ["--min-free", "8MiB", "--reopen", &format!("http://{}", site.gateway.admin().0)];
    let _shipper = Shipper::start(site.ledger.path(), NOWHERE, &more)?;
    let load = Load::start(site.gateway.address(), 200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    disk.take_all()?;
    let took = began.elapsed();
    let (bytes, inodes) = disk.free()?;
    let says = || std::fs::read_to_string(site.ledger.path().join("pressure"));
    let is_told = || says().is_ok_and(|says| says == "1").then_some(());
    eventually(Duration::from_secs(30), is_told).await.context("the gateway is not told")?;
    let told = began.elapsed();
    // As long as the gateway takes to look, and some calls more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (says, sent) = (says()?, load.stop().await?);
    let recorded = site.settle(&sent).await?;
    let ids = Lines::in_ledger(site.ledger.path())?.correlation_ids();
    let without = sent.answered.difference(&ids).count();
    eprintln!(
        "{kind:?}: full in {took:?} ({bytes} bytes, {inodes} inodes free), told after {told:?}, pressure {says}: \
         {} answered, {} refused, {without} without a line, {} torn",
        sent.answered.len(),
        sent.refused,
        recorded.torn()
    );
    ensure!(bytes < 4096 && inodes == 0, "{bytes} bytes, {inodes} inodes are free");
    ensure!(says == "1", "the gateway was not told: {says}");
    ensure!(
        sent.refused > 0 && without == 0 && recorded.torn() == 0,
        "{without} calls without a line"
    );
    Ok(())
}

/// A store that takes everything empties a full disk again, without a byte of it.
#[tokio::test]
async fn a_full_disk_frees_itself_while_the_store_is_good() {
    for kind in [FileSystem::Tmpfs, FileSystem::Ext4] {
        free_itself(kind).await.unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
    }
}

async fn free_itself(kind: FileSystem) -> Result<()> {
    let Some(disk) = SmallDisk::mount_as(kind, 48 << 20)? else { return Ok(()) };
    let archive = tempfile::tempdir()?;
    let site = Site::start(disk.path(), |gateway| gateway).await?;
    let (to, reopen) = (
        format!("file://{}", archive.path().display()),
        format!("http://{}", site.gateway.admin().0),
    );
    let more =
        ["--min-free", "1MiB", "--segment-age", "1s", "--reserve", "512KiB", "--reopen", &reopen];
    let shipper = Shipper::start(site.ledger.path(), &to, &more)?;
    let load = Load::start(site.gateway.address(), 400);
    tokio::time::sleep(Duration::from_secs(6)).await;
    shipper.signal(Signal::STOP)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    disk.take_all()?;
    shipper.signal(Signal::CONT)?;
    let pressure =
        || std::fs::read_to_string(site.ledger.path().join("pressure")).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(30);
    let segments =
        || std::fs::read_dir(site.ledger.path().join("segments")).map_or(0, Iterator::count);
    while disk.free()?.0 < 1 << 20 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sent = load.stop().await?;
    let (bytes, inodes) = disk.free()?;
    eprintln!(
        "{kind:?}: {bytes} bytes, {inodes} inodes are free again, {} segments left, pressure {}; {} answered, {} refused",
        segments(),
        pressure(),
        sent.answered.len(),
        sent.refused
    );
    lift(archive.path())?;
    ensure!(bytes > 128 << 10 && inodes > 0, "nothing was freed: {bytes} bytes, {inodes} inodes");
    Ok(())
}

/// The archive's files are immutable where the kernel can.
fn lift(archive: &Path) -> Result<()> {
    Command::new("chattr").args(["-R", "-i"]).arg(archive).stderr(Stdio::null()).status()?;
    Ok(())
}

async fn calls_are_refused_while_the_ledger_has_no_room(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let open = stage.open_with(|gateway| Ok(gateway.ledger_folder(ledger).with_metrics())).await?;
    let question = || Call::post("provider.test", "/v1/chat/completions", "question");
    assert_eq!(open.send(question()).await?.answer.status, 200);

    set_pressure(&open.gateway, folder.path(), 1).await?;
    const UUID: &str = "123e4567-e89b-42d3-a456-426614174000";
    let own = open.gateway.address().to_string();
    for (call, id) in [
        (question(), None),
        (question().over_http2(), None),
        (Call::post(&own, "/provider.test/v1/chat/completions", "question"), None),
        (Call::post("localhost", "/provider.test", "question"), None),
        (Call::post("provider.test:443", "/v1", "question"), None),
        (question().without_correlation_id().header("x-correlation-id", UUID), Some(UUID)),
        // No word of a caller is printed that could be a secret.
        (question().without_correlation_id().header("x-correlation-id", "sk-fake-000"), None),
    ] {
        let answer = call.send(open.gateway.address()).await?;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("x-should-retry"), [b"false"]);
        let body = answer.json();
        assert_eq!(body["error"]["reason"], "sink_unavailable", "{answer:?}");
        let answered = body["error"]["correlation_id"].as_str().unwrap_or_default();
        assert_eq!(answer.header("x-correlation-id"), [answered.as_bytes()]);
        assert_eq!(answered.len(), UUID.len(), "{answer:?}");
        assert!(id.is_none_or(|id| id == answered), "{answer:?}");
        open.entry(answered).await?.check(json!({
            "agent_id": null,
            "endpoint": "provider.test",
            "method": "POST",
            "status": 503,
            "outcome": "policy_blocked",
            "reason": "sink_unavailable",
        }))?;
    }

    let metrics = open.gateway.metrics().await?;
    assert!(metrics.contains("ledgerline_calls_total{} 1"), "{metrics}");

    set_pressure(&open.gateway, folder.path(), 0).await?;
    assert_eq!(open.send(question()).await?.answer.status, 200);
    open.finish().await
}

async fn no_sdk_tries_a_call_again_that_cannot_be_recorded(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let gateway = stage.gateway()?.providers(&stage.simulator)?.ledger_folder(ledger);
    let open = Open { gateway: gateway.start().await?, simulator: stage.simulator };
    set_pressure(&open.gateway, folder.path(), 1).await?;
    let mut calls = 0;
    for (client, statuses) in [
        (Client::python("refused_client.py")?, &[503, 503, 507, 507][..]),
        (Client::node("refused_client.cjs")?, &[503, 503]),
    ] {
        let got = client.run(&open, &[])?;
        let got: Vec<_> = got.iter().map(|line| line["status"].clone()).collect();
        assert_eq!(json!(got), json!(statuses));
        calls += statuses.len();
    }
    open.gateway.quiesce().await?;
    let entries = open.gateway.ledger().entries()?;
    assert_eq!(entries.len(), calls, "one attempt each: {entries:?}");
    for entry in &entries {
        entry.check(json!({"outcome": "policy_blocked", "reason": "sink_unavailable"}))?;
        let provider =
            ["api.openai.com", "api.anthropic.com", "bedrock-runtime.us-east-1.amazonaws.com"];
        assert!(provider.contains(&entry.text("endpoint")), "{entry}");
        assert_eq!(entry.text("correlation_id").len(), 36, "{entry}");
    }
    open.finish().await
}

/// What the overlays say of the gateway's own answers, in the place of what the bootstrap says.
async fn the_overlays_refuse_and_record_in_the_same_way(stage: Stage) -> Result<()> {
    for (file, has_pressure) in [
        ("istio/envoy-filter.yaml", true),
        ("istio-ambient/envoy-filter.yaml", true),
        ("istio-mesh-wide/envoy-filter.yaml", false),
        ("envoy-gateway/patches.yaml", true),
    ] {
        let text = std::fs::read_to_string(workspace::root().join("k8s/overlays").join(file))?;
        let overlay: Value = serde_saphyr::from_str(&text)?;
        let answers = own_answers(&overlay).context(file)?.clone();
        let folder = tempfile::tempdir()?;
        let gateway = stage.gateway()?.ledger_folder(folder.path().to_owned());
        let gateway = gateway.adapt(|bootstrap| {
            let filters = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0];
            filters["filters"][0]["typed_config"]["local_reply_config"] = answers;
        });
        let gateway = gateway.start().await?;
        set_pressure(&gateway, folder.path(), 1).await?;
        let question = || Call::post("provider.test", "/v1", "question");
        let from_aws = question().header("amz-sdk-invocation-id", "1");
        for (call, status) in [(Some(from_aws), 507), (has_pressure.then(question), 503)] {
            let Some(call) = call else { continue };
            let answer = call.send(gateway.address()).await?;
            assert_eq!(answer.status, status, "{file}: {answer:?}");
            assert_eq!(answer.header("x-should-retry"), [b"false"], "{file}");
            let body = answer.json();
            assert_eq!(body["error"]["reason"], "sink_unavailable", "{file}: {answer:?}");
            let id = body["error"]["correlation_id"].as_str().unwrap_or_default();
            let entry = gateway.ledger().wait_for_call(id, false).await?;
            entry.check(json!({"status": status, "endpoint": "provider.test"}))?;
        }
    }
    Ok(())
}

/// The value of the first `local_reply_config`, or of the patch that adds one.
fn own_answers(value: &Value) -> Option<&Value> {
    const KEY: &str = "local_reply_config";
    match value {
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            let patch = path.filter(|path| path.ends_with(KEY)).and_then(|_| members.get("value"));
            let here = members.get(KEY).or(patch);
            here.or_else(|| members.values().find_map(own_answers))
        }
        Value::Array(list) => list.iter().find_map(own_answers),
        _ => None,
    }
}

/// Says in the ledger's folder, as `ledgerline ship` does, how much room is left, and waits until the gateway knows.
async fn set_pressure(gateway: &Gateway, ledger: &Path, pressure: u64) -> Result<()> {
    const STAT: &str = "overload.envoy.overload_actions.stop_accepting_requests.active";
    let new = ledger.join("pressure.new");
    std::fs::write(&new, pressure.to_string())?;
    std::fs::rename(new, ledger.join("pressure"))?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while gateway.admin().stats(STAT).await?.get(STAT)? != pressure {
        let in_time = tokio::time::Instant::now() < deadline;
        in_time.then_some(()).with_context(|| format!("pressure {pressure} is not seen"))?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
