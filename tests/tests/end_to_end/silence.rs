//! A call that falls silent: what crossed up to then is on record, though nothing more comes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::process::eventually;
use serde_json::{Value, json};

use crate::Stage;
use crate::stage::Open;
use crate::streams::set_flush_interval;

on_each_envoy! {
    a_stream_that_falls_silent_is_on_record_up_to_there,
    an_upload_that_falls_silent_is_on_record_up_to_there,
    a_websocket_that_falls_silent_is_on_record_up_to_there,
    a_silent_call_costs_nothing_more,
}

/// The gateway with provisional lines every half second instead of every 15.
async fn opened(stage: Stage) -> Result<Open> {
    let often = |bootstrap: &mut Value| set_flush_interval(bootstrap, "0.5s");
    stage.open_with(|gateway| Ok(gateway.adapt(often))).await
}

fn streamed(path: &str, content_type: &str) -> (Call, Sender<Bytes>) {
    let (sender, body) = Channel::<Bytes>::new(1);
    let call = Call::new("POST", "provider.test", path).body(body);
    (call.header("content-type", content_type), sender)
}

/// Waits for a provisional line that says so, and holds it to what follows.
async fn provisional(open: &Open, id: &str, says: impl Fn(&Entry) -> bool) -> Result<Entry> {
    let wanted = || {
        let entries = open.gateway.ledger().entries_of(id).unwrap_or_default();
        entries.into_iter().find(|entry| entry["provisional"] == true && says(entry))
    };
    let entry = eventually(Duration::from_secs(5), wanted).await;
    entry.with_context(|| {
        format!("no line of {id} says so: {:?}", open.gateway.ledger().entries_of(id))
    })
}

async fn a_stream_that_falls_silent_is_on_record_up_to_there(stage: Stage) -> Result<()> {
    let open = opened(stage).await?;
    let (call, mut sender) = streamed("/echo", "text/event-stream");
    let id = call.correlation_id().to_owned();
    let mut answer = call.open(open.gateway.address()).await?;
    for number in 0..6 {
        let event = format!("data: {number}\n\n");
        sender.send_data(Bytes::from(event.clone())).await?;
        answer.read(event.len() as u64).await?;
    }
    let line = provisional(&open, &id, |entry| entry["stream"]["events"] == 6).await?;
    line.check(json!({
        "status": 200,
        "reason": "unfinished",
        "response": {"bytes": 54},
        "upstream": {"host": "provider.test", "address": open.simulator.address().to_string()},
    }))?;
    let chain = line["stream"]["chunk_chain"].clone();
    drop(sender);
    answer.finish().await?;
    let last = open.entry(&id).await?;
    last.check(json!({"outcome": "success", "stream": {"events": 6, "chunk_chain": chain}}))?;
    open.finish().await
}

async fn an_upload_that_falls_silent_is_on_record_up_to_there(stage: Stage) -> Result<()> {
    let open = opened(stage).await?;
    for (path, masked) in [("/sink", false), ("/silent", true)] {
        let (call, mut sender) =
            streamed(path, if masked { "application/json" } else { "text/plain" });
        let id = call.correlation_id().to_owned();
        let gateway = open.gateway.address();
        let call = tokio::spawn(async move { call.open(gateway).await });
        sender.send_data(Bytes::from_static(b"{\"a\":[1,")).await?;
        let line = provisional(&open, &id, |entry| entry["request"]["bytes"] == 8).await?;
        line.check(json!({
            "status": null,
            "request_hash": null,
            "response_hash": null,
            "upstream": {"host": "provider.test", "address": open.simulator.address().to_string()},
        }))?;
        // The request is whole, and the provider thinks.
        sender.send_data(Bytes::from_static(b"2]}")).await?;
        drop(sender);
        if masked {
            provisional(&open, &id, |entry| !entry["request_hash"].is_null()).await?;
            call.abort();
        } else {
            call.await??.finish().await?;
        }
        open.entry(&id).await?;
    }
    open.finish().await
}

async fn a_websocket_that_falls_silent_is_on_record_up_to_there(stage: Stage) -> Result<()> {
    let open = opened(stage).await?;
    let mut raw = Raw::websocket(open.gateway.address(), "socket").await?;
    // Two text messages with a mask of zeros, echoed as they are.
    for message in ["one", "two"] {
        let frame = [&[0x81, 0x80 | 3, 0, 0, 0, 0], message.as_bytes()].concat();
        raw.write(frame).await?;
        raw.read_until(message).await?;
    }
    let line = provisional(&open, "socket", |entry| entry["stream"]["events"] == 2).await?;
    line.check(json!({"status": 101, "stream": {"kind": "websocket", "request": {"events": 2}}}))?;
    assert!(line["stream"]["request"]["chunk_chain"].is_string(), "{line}");
    assert!(line["upstream"]["address"].is_string(), "{line}");
    drop(raw);
    open.entry("socket").await?;
    open.finish().await
}

async fn a_silent_call_costs_nothing_more(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.concurrency(1).arguments(&["--component-log-level", "wasm:trace"]))
        })
        .await?;
    let (call, mut sender) = streamed("/echo", "text/event-stream");
    let id = call.correlation_id().to_owned();
    let mut answer = call.open(open.gateway.address()).await?;
    sender.send_data(Bytes::from_static(b"data: 1\n\n")).await?;
    answer.read(9).await?;
    let is_set = |line: &&str| line.contains("[vm->host]") && line.contains("proxy_set_property");
    let sets = || open.gateway.log().lines().filter(is_set).count();
    // The request headers, the response headers, and one refresh of what crossed.
    let refreshed = eventually(Duration::from_secs(5), || (sets() >= 3).then_some(())).await;
    ensure!(refreshed.is_some(), "the entry was not set anew: {} times", sets());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(sets(), 3, "a silent call set its entry again");
    drop(sender);
    answer.finish().await?;
    open.entry(&id).await?;
    open.finish().await
}
