//! When the filter itself dies, the ledger still has one line for every call.
//!
//! These tests run a module that traps on demand, built from the same source with the feature
//! `fault-injection`.

use anyhow::{Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::workspace;
use serde_json::json;

use crate::Stage;
use crate::stage::Open;

on_each_envoy! {
    a_trap_at_the_request_headers_leaves_the_fallback_entry,
    a_fallback_entry_names_no_host_that_may_be_a_key,
    a_trap_later_in_the_call_leaves_its_provisional_entry,
    a_trap_takes_its_neighbours_down_but_not_their_lines,
}

async fn a_trap_at_the_request_headers_leaves_the_fallback_entry(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| Ok(gateway.module(workspace::faulty_module()?))).await?;
    let answer = faulty_call("request_headers").send(open.gateway.address()).await?;
    assert_eq!((answer.status, answer.header("x-should-retry")), (503, vec![&b"false"[..]]));
    let entry = open.gateway.ledger().wait_for(|entry| entry["reason"] == "filter_fault").await?;
    let body = answer.json();
    assert_eq!(body["error"]["reason"], "filter_fault");
    assert_eq!(body["error"]["correlation_id"], entry.text("correlation_id"));
    entry.check(json!({
        "agent_id": null,
        "endpoint": "provider.test",
        "method": "POST",
        "status": 503,
        "request_hash": null,
        "response_hash": null,
        "outcome": "error",
    }))?;
    assert!(open.simulator.exchanges().is_empty(), "a call left without an entry");
    recover(&open).await
}

/// Envoy's expressions can neither mask nor change the case.
async fn a_fallback_entry_names_no_host_that_may_be_a_key(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| Ok(gateway.module(workspace::faulty_module()?))).await?;
    for (host, path, endpoint) in [
        ("provider.test", "/v1", json!("provider.test")),
        ("desk-1.provider.test:8443", "/v1", json!("desk-1.provider.test:8443")),
        (&*format!("sk-{}.test", "ABCdef123"), "/v1", json!(null)),
        (&*format!("x.gHp_{}.test", "abcdef123"), "/v1", json!(null)),
        (&*format!("{}.test", "a1b2c3d4e5".repeat(4)), "/v1", json!(null)),
        ("localhost", "/provider.test/v1", json!("provider.test")),
        ("localhost", "/Provider.test/v1", json!(null)),
        ("localhost", &*format!("/sk-{}.test/v1", "abcdef123"), json!(null)),
        ("localhost", "/v1", json!("localhost")),
    ] {
        let call = Call::get(host, path).header("x-ledgerline-fault", "request_headers");
        let answer = call.send(open.gateway.address()).await?;
        let body = answer.json();
        let id = body["error"]["correlation_id"].as_str().unwrap_or_default();
        open.entry(id).await?.check(json!({"endpoint": endpoint, "reason": "filter_fault"}))?;
    }
    recover(&open).await
}

async fn a_trap_later_in_the_call_leaves_its_provisional_entry(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| Ok(gateway.module(workspace::faulty_module()?))).await?;
    for trap in ["request_body", "response_headers", "response_body", "log"] {
        let call = faulty_call(trap).header("x-agent-id", "sales");
        let correlation_id = call.correlation_id().to_owned();
        let answer = call.send(open.gateway.address()).await;
        let entry = open.provisional_entry(&correlation_id).await?;
        if let Some(answer) = answer.ok().filter(|answer| answer.status == 503) {
            assert_eq!(answer.json()["error"]["correlation_id"], correlation_id, "{answer:?}");
        }
        entry.check(json!({
            "agent_id": "sales",
            "endpoint": "provider.test/v1/chat/completions",
            "outcome": "error",
            "reason": "unfinished",
            "provisional": true,
        }))?;
        if matches!(trap, "response_body" | "log") {
            assert_eq!(entry["status"], 200, "{entry}");
        }
        revive(&open).await?;
    }
    recover(&open).await
}

async fn a_trap_takes_its_neighbours_down_but_not_their_lines(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| Ok(gateway.module(workspace::faulty_module()?).concurrency(1)))
        .await?;
    let neighbour =
        Call::get("provider.test", "/chunks/100000/5").open(open.gateway.address()).await?;
    let _ = faulty_call("request_headers").send(open.gateway.address()).await;
    let entry = open.provisional_entry(&neighbour.correlation_id.clone()).await?;
    entry.check(json!({"status": 200, "reason": "unfinished", "provisional": true}))?;
    assert!(neighbour.finish().await?.broken.is_some());
    recover(&open).await
}

fn faulty_call(trap: &str) -> Call {
    let question = json!({"model": "simulated-1"});
    Call::post_json("provider.test", "/v1/chat/completions", &question)
        .header("x-ledgerline-fault", trap)
}

/// The filter is back after a moment, and records as before; every refused call until then has a
/// line.
async fn recover(open: &Open) -> Result<()> {
    revive(open).await?;
    open.gateway.quiesce().await?;
    let (lines, calls) = (open.gateway.ledger().entries()?.len(), open.gateway.requests().await?);
    ensure!(lines as u64 == calls, "{lines} lines for {calls} calls");
    assert!(open.gateway.check_for_traps().await.is_err(), "the traps were not counted");
    Ok(())
}

async fn revive(open: &Open) -> Result<()> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut answered = 0;
    // Several in a row, because each worker has a filter of its own.
    while answered < 8 {
        ensure!(std::time::Instant::now() < deadline, "the filter does not come back");
        let answer = Call::get("provider.test", "/v1/models").send(open.gateway.address()).await?;
        if answer.status == 200 {
            answered += 1;
            let entry = open.entry(&answer.correlation_id).await?;
            entry.check(json!({"status": 200, "outcome": "success", "provisional": null}))?;
            open.check_exchange(&entry);
        } else {
            assert_eq!(answer.status, 503);
            answered = 0;
        }
    }
    Ok(())
}
