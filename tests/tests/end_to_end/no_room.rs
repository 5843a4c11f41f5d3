//! While the ledger has no room, calls are refused: what cannot be recorded does not happen.

use std::path::Path;

use anyhow::{Context, Result};
use ledgerline_tests::client::Call;
use serde_json::json;

use crate::{Stage, stage::Open};

on_each_envoy! {
    calls_are_refused_while_the_ledger_has_no_room,
}

async fn calls_are_refused_while_the_ledger_has_no_room(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let open = stage.open_with(|gateway| Ok(gateway.ledger_folder(ledger).with_metrics())).await?;
    let question = || Call::post("provider.test", "/v1/chat/completions", "question");
    assert_eq!(open.send(question()).await?.answer.status, 200);

    set_pressure(&open, folder.path(), 1).await?;
    let answer = question().send(open.gateway.address()).await?;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"]["reason"], "sink_unavailable", "{answer:?}");
    let entry = open.gateway.ledger().wait_for(|entry| entry["status"] == 503).await?;
    entry.check(json!({
        "agent_id": null,
        "endpoint": "provider.test",
        "method": "POST",
        "outcome": "policy_blocked",
        "reason": "sink_unavailable",
    }))?;

    let metrics = open.gateway.metrics().await?;
    assert!(metrics.contains("ledgerline_calls_total{} 1"), "{metrics}");

    set_pressure(&open, folder.path(), 0).await?;
    assert_eq!(open.send(question()).await?.answer.status, 200);
    open.finish().await
}

/// Says in the ledger's folder, as `ledgerline ship` does, how much room is left, and waits until the gateway knows.
async fn set_pressure(open: &Open, ledger: &Path, pressure: u64) -> Result<()> {
    const STAT: &str = "overload.envoy.overload_actions.stop_accepting_requests.active";
    let new = ledger.join("pressure.new");
    std::fs::write(&new, pressure.to_string())?;
    std::fs::rename(new, ledger.join("pressure"))?;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while open.gateway.admin().stats(STAT).await?.get(STAT)? != pressure {
        let in_time = tokio::time::Instant::now() < deadline;
        in_time.then_some(()).with_context(|| format!("pressure {pressure} is not seen"))?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}
