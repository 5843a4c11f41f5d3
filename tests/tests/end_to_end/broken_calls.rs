//! Calls that one of the two sides breaks off, at every stage.

use anyhow::Result;
use std::time::Duration;

use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::payload::Pattern;
use ledgerline_tests::process::eventually;
use serde_json::{Value, json};

use crate::{Stage, check_prefix};

/// More than all buffers on the way can hold, so that a call of this size is never whole.
const ENDLESS: u64 = 1 << 40;

on_each_envoy! {
    a_provider_that_breaks_before_its_answer_is_an_upstream_reset,
    a_provider_that_breaks_within_its_answer_leaves_the_part_that_crossed,
    a_stream_of_events_that_breaks_is_an_error_with_its_prefix,
    a_provider_that_stalls_within_its_answer_is_an_upstream_timeout,
    a_client_that_leaves_is_recorded_at_every_stage,
    a_client_that_leaves_an_endless_answer_has_the_hash_of_what_crossed,
    a_client_that_leaves_an_endless_upload_has_the_hash_of_what_crossed,
    a_gateway_that_is_stopped_writes_the_entries_of_open_calls,
}

async fn a_provider_that_breaks_before_its_answer_is_an_upstream_reset(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for path in [
        "/reset/headers",
        "/reset/request",
        "/close/headers",
        "/close/partial-head",
        "/garbage",
        "/oversize/200000",
    ] {
        for call in [
            Call::post("faulty.test", path, "question"),
            Call::post("faulty.test", path, "question").over_http2(),
        ] {
            let seen = open.send(call).await?;
            assert!(seen.answer.status >= 500, "{seen:?}");
            seen.entry.check(json!({
                "outcome": "error",
                "reason": "upstream_reset",
                "response": {"end": "local_reply"},
            }))?;
            seen.entry.check(json!({"upstream": {"host": "faulty.test"}}))?;
        }
    }
    open.finish().await
}

async fn a_provider_that_breaks_within_its_answer_leaves_the_part_that_crossed(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    for (host, path) in [
        ("faulty.test", "/reset/body/5000"),
        ("faulty.test", "/reset/chunks/5000"),
        ("faulty.test", "/close/body/5000"),
        ("faulty.test", "/close/chunks/5000"),
        ("faulty.test", "/bad-chunk/5000"),
        ("faulty.test", "/reset/body/0"),
        ("provider.test", "/break/5000"),
        ("h2.provider.test", "/break/5000"),
        ("tls.provider.test", "/break/5000"),
    ] {
        for call in [Call::get(host, path), Call::get(host, path).over_http2()] {
            let seen = open.send(call).await?;
            assert!(seen.answer.broken.is_some(), "{path}: {seen:?}");
            seen.entry.check(json!({
                "status": 200,
                "outcome": "error",
                "reason": "upstream_reset",
                "request": {"end": "complete"},
                "response": {"end": "reset"},
            }))?;
            check_prefix(&seen.entry, "response", 5000);
        }
    }
    open.finish().await
}

async fn a_stream_of_events_that_breaks_is_an_error_with_its_prefix(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for host in ["provider.test", "h2.provider.test"] {
        let seen = open.send(Call::get(host, "/events/break")).await?;
        seen.entry.check(json!({
            "status": 200,
            "outcome": "error",
            "reason": "upstream_reset",
            "response": {"type": "text/event-stream", "end": "reset"},
        }))?;
        crate::check_body(&seen.entry, "response", &open.exchange(&seen.entry).response);
    }
    open.finish().await
}

async fn a_provider_that_stalls_within_its_answer_is_an_upstream_timeout(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    let seen = open.send(Call::get("impatient.test", "/stall/body/5000")).await?;
    seen.entry.check(json!({
        "status": 200,
        "outcome": "error",
        "reason": "upstream_timeout",
        "response": {"end": "reset"},
    }))?;
    check_prefix(&seen.entry, "response", 5000);
    open.finish().await
}

async fn a_client_that_leaves_is_recorded_at_every_stage(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let gateway = open.gateway.address();
    let head = |id: &str, host: &str, path: &str, length: u64| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nx-correlation-id: {id}\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    for by_reset in [false, true] {
        for (stage, host, path, length, sent, wait_for, status) in [
            ("headers", "provider.test", "/sink", 9000, 0, "", Value::Null),
            ("upload", "provider.test", "/sink", 9000, 5000, "", Value::Null),
            ("silence", "provider.test", "/silent", 5000, 5000, "", Value::Null),
            ("answer", "provider.test", "/stall", 5000, 5000, "\r\n\r\n", json!(200)),
            ("stream", "faulty.test", "/stall/body/5000", 5000, 5000, "\r\n\r\n", json!(200)),
        ] {
            let id = format!("leaves-at-{stage}-{by_reset}");
            let mut raw = Raw::connect(gateway).await?;
            raw.write(head(&id, host, path, length)).await?;
            raw.write(Pattern::new(sent).next_bytes().unwrap_or_default()).await?;
            raw.read_until(wait_for).await?;
            let seen = || open.simulator.exchange(&id).filter(|now| now.request.bytes() >= sent);
            let arrived = eventually(Duration::from_secs(5), seen).await;
            assert!(arrived.is_some(), "the call {id} did not get through");
            if by_reset {
                raw.reset()?
            } else {
                drop(raw)
            }
            let entry = open.entry(&id).await?;
            let end = if sent < length { "aborted" } else { "complete" };
            entry.check(json!({
                "status": status,
                "outcome": "error",
                "reason": "client_disconnect",
                "request": {"bytes": sent, "end": end},
            }))?;
            check_prefix(&entry, "request", sent);
            check_prefix(&entry, "response", 5000);
            if !status.is_null() {
                assert_eq!(entry["response"]["end"], "aborted", "{entry}");
            }
        }
    }
    open.finish().await
}

async fn a_client_that_leaves_an_endless_answer_has_the_hash_of_what_crossed(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    let path = format!("/download/{ENDLESS}");
    for (host, path) in [
        ("provider.test", path.as_str()),
        ("h2.provider.test", &path),
        ("tls.provider.test", &path),
        ("faulty.test", "/endless"),
    ] {
        for call in [Call::get(host, path), Call::get(host, path).over_http2()] {
            let mut answer = call.open(open.gateway.address()).await?;
            let correlation_id = answer.correlation_id.clone();
            let read = answer.read(3_000_000).await?.bytes();
            drop(answer);
            let entry = open.entry(&correlation_id).await?;
            entry.check(json!({
                "status": 200,
                "outcome": "error",
                "reason": "client_disconnect",
                "request": {"end": "complete"},
                "response": {"end": "aborted"},
            }))?;
            check_prefix(&entry, "response", ENDLESS);
            assert!(entry["response"]["bytes"].as_u64() >= Some(read), "{entry}");
        }
    }
    open.finish().await
}

async fn a_client_that_leaves_an_endless_upload_has_the_hash_of_what_crossed(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    for host in ["provider.test", "h2.provider.test"] {
        for body in [Pattern::new(ENDLESS), Pattern::new(ENDLESS).without_size()] {
            for http2 in [false, true] {
                let mut call = Call::new("POST", host, "/sink").body(body.clone());
                if http2 {
                    call = call.over_http2();
                }
                let id = call.correlation_id().to_owned();
                let upload = tokio::spawn(call.send(open.gateway.address()));
                let enough =
                    || open.simulator.exchange(&id).filter(|now| now.request.bytes() > 2_000_000);
                let arrived = eventually(Duration::from_secs(10), enough).await;
                assert!(arrived.is_some(), "the upload {id} did not get through");
                upload.abort();
                let entry = open.entry(&id).await?;
                entry.check(json!({
                    "status": null,
                    "response_hash": null,
                    "outcome": "error",
                    "reason": "client_disconnect",
                    "request": {"end": "aborted"},
                }))?;
                check_prefix(&entry, "request", ENDLESS);
            }
        }
    }
    open.finish().await
}

async fn a_gateway_that_is_stopped_writes_the_entries_of_open_calls(stage: Stage) -> Result<()> {
    let mut open = stage.open().await?;
    let mut calls = Vec::new();
    for path in ["/stall", "/v1/models", "/download/1099511627776"] {
        calls.push(Call::get("provider.test", path).open(open.gateway.address()).await?);
    }
    open.gateway.stop().await?;
    let entries = open.gateway.ledger().wait_for_count(calls.len()).await?;
    assert_eq!(entries.len(), calls.len());
    for (call, outcome) in calls.iter().zip(["error", "success", "error"]) {
        let entries = open.gateway.ledger().entries_of(&call.correlation_id)?;
        assert_eq!(entries.len(), 1);
        entries[0].check(json!({"status": 200, "outcome": outcome, "provisional": null}))?;
    }
    Ok(())
}
