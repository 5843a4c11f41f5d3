//! Many calls at once, and bodies larger than any memory that a filter may have.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::payload::Pattern;
use ledgerline_tests::simulator::Exchange;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stage::Open;
use crate::{Stage, check_body};

const MIB: u64 = 1024 * 1024;

on_each_envoy! {
    ten_thousand_mixed_calls_are_ten_thousand_lines,
    bodies_of_100_mib_take_no_memory,
    bodies_of_1_gib_take_no_memory,
}

async fn ten_thousand_mixed_calls_are_ten_thousand_lines(stage: Stage) -> Result<()> {
    const CALLS: usize = 10_000;
    let open = Arc::new(stage.open().await?);
    let limit = Arc::new(Semaphore::new(50));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (open, limit) = (Arc::clone(&open), Arc::clone(&limit));
        calls.spawn(async move {
            let _turn = limit.acquire_owned().await?;
            mixed_call(&open, number).await
        });
    }
    let mut expected = Vec::new();
    while let Some(call) = calls.join_next().await {
        expected.push(call??);
    }
    open.gateway.quiesce().await?;
    assert_eq!(open.gateway.requests().await?, CALLS as u64);

    let entries = open.gateway.ledger().entries()?;
    let exchanges = by_correlation_id(open.simulator.exchanges());
    let lines: BTreeMap<_, _> =
        entries.iter().map(|entry| (entry.text("correlation_id"), entry)).collect();
    assert_eq!((entries.len(), lines.len()), (CALLS, CALLS));
    for (correlation_id, outcome) in &expected {
        let entry = lines[correlation_id.as_str()];
        entry.check(outcome)?;
        if outcome["outcome"] == "success" {
            let exchange = &exchanges[correlation_id];
            check_body(entry, "request", &exchange.request);
            check_body(entry, "response", &exchange.response);
        }
    }
    Arc::into_inner(open).expect("all calls have ended").finish().await
}

async fn bodies_of_100_mib_take_no_memory(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    carry(&open, MIB).await?;
    let before = open.gateway.resident_bytes()?;
    for _ in 0..2 {
        carry(&open, 100 * MIB).await?;
    }
    let after = open.gateway.resident_bytes()?;
    println!("resident memory of Envoy: {} MiB before, {} MiB after", before / MIB, after / MIB);
    ensure!(after < before + 24 * MIB, "Envoy grew from {before} to {after} bytes");
    open.finish().await
}

async fn bodies_of_1_gib_take_no_memory(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    carry(&open, 100 * MIB).await?;
    let before = open.gateway.resident_bytes()?;
    carry(&open, 1024 * MIB).await?;
    let after = open.gateway.resident_bytes()?;
    println!("resident memory of Envoy: {} MiB before, {} MiB after", before / MIB, after / MIB);
    ensure!(after < before + 8 * MIB, "Envoy grew from {before} to {after} bytes");
    open.finish().await
}

fn by_correlation_id(exchanges: Vec<Exchange>) -> BTreeMap<String, Exchange> {
    let id = |exchange: &Exchange| exchange.request_header("x-correlation-id").concat();
    exchanges.into_iter().map(|exchange| (id(&exchange), exchange)).collect()
}

/// Carries a body of this size up and another one down.
async fn carry(open: &Open, bytes: u64) -> Result<()> {
    let upload = Call::new("POST", "provider.test", "/sink").body(Pattern::new(bytes));
    let download = Call::get("provider.test", &format!("/download/{bytes}"));
    let hash = Pattern::new(bytes).sha256();
    let entry = open.send(upload).await?.entry;
    entry
        .check(json!({"outcome": "success", "request_hash": hash, "request": {"bytes": bytes}}))?;
    let entry = open.send(download).await?.entry;
    entry.check(
        json!({"outcome": "success", "response_hash": hash, "response": {"bytes": bytes}}),
    )?;
    Ok(())
}

async fn mixed_call(open: &Open, number: usize) -> Result<(String, Value)> {
    let question =
        json!({"model": "simulated-1", "stream": number.is_multiple_of(2), "input": number});
    let success = json!({"outcome": "success"});
    let error = |reason| json!({"outcome": "error", "reason": reason});
    let (call, expected) = match number % 12 {
        0 | 1 => (Call::post_json("provider.test", "/v1/chat/completions", &question), success),
        2 | 3 => (Call::post_json("tls.provider.test", "/v1/messages", &question), success),
        4 => (Call::post_json("h2.provider.test", "/v1/responses", &question), success),
        5 => (
            Call::new("POST", "provider.test", "/echo")
                .body(Pattern::new(number as u64).without_size()),
            success,
        ),
        6 => (Call::get("localhost", "/provider.test/download/20000"), success),
        7 => (Call::get("provider.test", "/status/500"), error("upstream_response")),
        8 => (
            Call::post("provider.test", "/status/429", "q"),
            json!({"outcome": "throttled", "reason": "rate_limited"}),
        ),
        9 => (Call::get("refused.test", "/"), error("connect_failure")),
        10 => (Call::get("faulty.test", "/reset/headers"), error("upstream_reset")),
        _ => (Call::get("provider.test", "/stall"), error("client_disconnect")),
    };
    let call = if number.is_multiple_of(5) { call.over_http2() } else { call };
    let answer = call.open(open.gateway.address()).await?;
    let correlation_id = answer.correlation_id.clone();
    if expected["reason"] != "client_disconnect" {
        answer.finish().await?;
    }
    Ok((correlation_id, expected))
}
