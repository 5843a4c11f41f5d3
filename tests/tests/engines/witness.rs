//! Envoy writes each entry twice, and `ledgerline compare` tells whether both say the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use ledgerline_tests::client::Call;
use ledgerline_tests::envoy::{Bootstrap, Gateway};
use ledgerline_tests::simulator::Simulator;
use ledgerline_tests::storage::free_port;
use ledgerline_tests::workspace::{self, NEWEST_ENVOY, OLDEST_ENVOY};
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::{PATIENCE, shipped};

const CALLS: u64 = 40;

#[tokio::test]
async fn the_witness_equals_the_file_and_tells_what_it_missed_on_the_oldest_envoy() -> Result<()> {
    the_witness_equals_the_file_and_tells_what_it_missed(OLDEST_ENVOY).await
}

#[tokio::test]
async fn the_witness_equals_the_file_and_tells_what_it_missed_on_the_newest_envoy() -> Result<()> {
    the_witness_equals_the_file_and_tells_what_it_missed(NEWEST_ENVOY).await
}

async fn the_witness_equals_the_file_and_tells_what_it_missed(version: &str) -> Result<()> {
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    let (ledger, copy) = (folder.path().join("ledger"), folder.path().join("witness.jsonl"));
    let Some(collector) = Collector::new("otlp-witness-collector.yaml", folder.path())? else {
        return Ok(());
    };
    let mut collector = collector
        .with("LEDGERLINE_OTLP", &format!("127.0.0.1:{port}"))
        .with("LEDGERLINE_WITNESS", &copy.display().to_string());
    collector.start().await?;
    let simulator = Simulator::start()?;
    let snippet = Bootstrap::read(&shipped("otlp-witness.yaml"))?.document().clone();
    let gateway = Gateway::builder(version)?
        .simulator(&simulator)?
        .ledger_folder(ledger.clone())
        .adapt(|bootstrap| add_witness(bootstrap, &snippet, port))
        .start()
        .await?;

    // Down before the first call, so that Envoy has no connection to a collector that is going.
    call(&gateway).await?;
    wait_for_stat(&gateway, "logs_written", CALLS + 1).await?;
    collector.stop().await?;
    let report = compare(&ledger, &copy)?;
    assert_eq!((&report["equal"], &report["both"]), (&json!(true), &json!(CALLS + 1)), "{report}");

    call(&gateway).await?;
    let dropped = wait_for_stat(&gateway, "logs_dropped", CALLS + 1).await?;
    let report = compare(&ledger, &copy)?;
    assert_eq!(report["ledger"]["only_here"], dropped, "{report}");
    assert_eq!(report["witness"]["only_here"], 0, "{report}");

    // Somebody takes a line out of the file.
    let entries = ledger.join("entries.jsonl");
    let text = std::fs::read_to_string(&entries)?;
    let (first, rest) = text.split_once('\n').context("a line")?;
    std::fs::write(&entries, rest)?;
    let report = compare(&ledger, &copy)?;
    assert_eq!(report["witness"]["only_here"], 1, "{report}");
    let named = &report["witness"]["first_only_here"][0]["correlation_id"];
    let first: Value = serde_json::from_str(first)?;
    assert_eq!(*named, first["correlation_id"]);
    gateway.check_for_traps().await
}

/// Calls that end well, and one that never reached the filter and leaves a fallback entry.
async fn call(gateway: &Gateway) -> Result<()> {
    for _ in 0..CALLS {
        Call::get("provider.test", "/v1/models").send(gateway.address()).await?;
    }
    Call::get("nobody.test", "/").send(gateway.address()).await?;
    gateway.quiesce().await
}

async fn wait_for_stat(gateway: &Gateway, name: &str, at_least: u64) -> Result<u64> {
    let name = format!("access_logs.open_telemetry_access_log.ledgerline.{name}");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let stats = gateway.admin().stats("^access_logs").await?;
        if let Ok(count) = stats.get(&name)
            && count >= at_least
        {
            return Ok(count);
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "{name}: {stats:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Adds each list of the snippet to the one that it names, and leads the cluster to `port`.
fn add_witness(bootstrap: &mut Value, snippet: &Value, port: u16) {
    let items = |name: &str| snippet[name].as_array().unwrap().clone();
    access_log(bootstrap).as_array_mut().unwrap().extend(items("access_log"));
    let patterns = &mut bootstrap["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"];
    patterns.as_array_mut().unwrap().extend(items("patterns"));
    for mut cluster in items("clusters") {
        let endpoint =
            &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"]["socket_address"]["port_value"] = json!(port);
        let clusters = &mut bootstrap["static_resources"]["clusters"];
        clusters.as_array_mut().unwrap().push(cluster);
    }
}

/// The loggers of the HTTP connection manager.
pub(crate) fn access_log(bootstrap: &mut Value) -> &mut Value {
    let listeners = bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
    let egress = listeners.iter_mut().find(|listener| listener["name"] == "egress").unwrap();
    &mut egress["filter_chains"][0]["filters"][0]["typed_config"]["access_log"]
}

fn compare(ledger: &Path, witness: &Path) -> Result<Value> {
    let mut command = Command::new(workspace::tool()?);
    command.args(["compare", "--format", "json", "--list", "1", "--ledger"]).arg(ledger);
    let output = command.arg("--witness").arg(witness).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout);
    report.with_context(|| format!("{}: {said}", output.status))
}
