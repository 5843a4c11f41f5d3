//! A stream is on record before its end, and any part of it can be proven.
//!
//! The chain is recomputed by `tests/vectors/chain.py`, which shares no line with the filter.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use hyper::http::HeaderMap;
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::payload::sha256;
use ledgerline_tests::workspace;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Stage;

on_each_envoy! {
    anyone_can_recompute_the_chain_of_a_stream,
    an_aborted_stream_has_the_chain_of_what_crossed,
    a_long_stream_is_on_record_before_its_end,
    a_websocket_has_a_chain_for_each_direction,
    a_failed_grpc_call_is_an_error_whatever_its_status,
    events_are_listed_under_a_key,
    a_body_that_nothing_divides_has_a_chain_over_its_blocks,
    an_encoded_stream_has_no_events,
    answers_without_compression_are_asked_for_where_the_operator_says_so,
}

const SSE: &str =
    ": hello\n\nevent: a\ndata: one\n\ndata: two\r\ndata: lines\r\n\r\nid: 3\rdata:3\r\r";
const NDJSON: &str = "{\"a\":1}\n\n{\"b\":\"caf\u{e9}\"}\r\n{\"c\":3}";

async fn anyone_can_recompute_the_chain_of_a_stream(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (kind, media_type, bytes, events) in [
        ("sse", "text/event-stream; charset=utf-8", SSE.as_bytes().to_vec(), 3),
        ("ndjson", "application/x-ndjson", NDJSON.as_bytes().to_vec(), 3),
        ("eventstream", "application/vnd.amazon.eventstream", eventstream(), 2),
        ("grpc", "application/grpc+proto", grpc(), 3),
    ] {
        for step in [1, 7, bytes.len()] {
            let (mut sender, body) = Channel::<Bytes>::new(1);
            let pieces: Vec<_> = bytes.chunks(step).map(Bytes::copy_from_slice).collect();
            tokio::spawn(async move {
                for piece in pieces {
                    // The gateway may be done with the call before it is told everything.
                    let _ = sender.send_data(piece).await;
                }
            });
            let call = Call::new("POST", "provider.test", "/echo")
                .body(body)
                .header("content-type", media_type);
            let seen = open.send(call).await?;
            let chain = recomputed(kind, &bytes, &[])?;
            let stream = json!({"kind": kind, "events": events, "chunk_chain": chain});
            let both_talk = kind == "grpc";
            // An echo has no trailers, and so no status.
            let reason = if both_talk { json!("upstream_reset") } else { Value::Null };
            seen.entry.check(json!({"reason": reason, "stream": stream}))?;
            ensure!(seen.entry["stream"]["request"].is_object() == both_talk, "{}", seen.entry);
            check_span(&seen.entry);
            open.check_exchange(&seen.entry);
        }
    }
    open.finish().await
}

async fn an_aborted_stream_has_the_chain_of_what_crossed(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for kept in [0, 1, 2, 5] {
        let (call, mut sender) = events_call();
        let correlation_id = call.correlation_id().to_owned();
        let mut answer = call.open(open.gateway.address()).await?;
        let whole = "data: event\n\n".repeat(kept);
        let begun = format!("{whole}data: cut");
        sender.send_data(Bytes::from(begun.clone())).await?;
        answer.read(begun.len() as u64).await?;
        drop(answer);
        let entry = open.entry(&correlation_id).await?;
        entry.check(json!({
            "outcome": "error",
            "reason": "client_disconnect",
            "response": {"end": "aborted", "bytes": begun.len()},
            "response_hash": sha256(begun.as_bytes()),
            "stream": {
                "kind": "sse",
                "events": kept,
                "chunk_chain": recomputed("sse", begun.as_bytes(), &["--aborted"])?,
            },
        }))?;
    }
    open.finish().await
}

async fn a_long_stream_is_on_record_before_its_end(stage: Stage) -> Result<()> {
    let often = |bootstrap: &mut Value| set_flush_interval(bootstrap, "0.5s");
    let open = stage.open_with(|gateway| Ok(gateway.adapt(often))).await?;
    let (call, mut sender) = events_call();
    let correlation_id = call.correlation_id().to_owned();
    let mut answer = call.open(open.gateway.address()).await?;
    let mut sent = String::new();
    for number in 0..8 {
        let event = format!("data: {number}\n\n");
        sender.send_data(Bytes::from(event.clone())).await?;
        answer.read(event.len() as u64).await?;
        sent.push_str(&event);
        sleep(Duration::from_millis(400)).await;
    }
    let is_last = |entry: &Entry| entry["provisional"].is_null();
    let before = open.gateway.ledger().entries_of(&correlation_id)?;
    ensure!(before.len() >= 4 && !before.iter().any(is_last), "{} lines", before.len());
    drop(sender);
    answer.finish().await?;
    let last = open.entry(&correlation_id).await?;
    last.check(json!({
        "outcome": "success",
        "stream": {"events": 8, "chunk_chain": recomputed("sse", sent.as_bytes(), &[])?},
    }))?;
    let mut known = 0;
    for entry in before {
        entry.check(json!({"provisional": true, "reason": "unfinished", "status": 200}))?;
        let stream = &entry["stream"];
        let events = usize::try_from(stream["events"].as_u64().context("events")?)?;
        ensure!(events >= known, "{events} events after {known}");
        known = events;
        let prefix: String = (0..events).map(|number| format!("data: {number}\n\n")).collect();
        let chain = recomputed("sse", prefix.as_bytes(), &[])?;
        assert_eq!(stream["chunk_chain"], chain, "{entry}");
    }
    ensure!(known >= 5, "the last provisional entry knows of {known} events");
    open.finish().await
}

async fn a_websocket_has_a_chain_for_each_direction(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let mut raw = Raw::websocket(open.gateway.address(), "frames").await?;
    let mut sent = Vec::new();
    for (first_byte, text) in
        [(0x81, "{\"type\":\"a\"}"), (0x01, "half "), (0x89, "ping"), (0x80, "whole")]
    {
        // A mask of zeros leaves the text readable on its way, for this client to wait for.
        let mut frame = vec![first_byte, 0x80 | u8::try_from(text.len())?, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        raw.write(&frame).await?;
        raw.read_until(text).await?;
        sent.extend(frame);
    }
    raw.write(b"\x88\x80\0\0\0\0").await?;
    raw.read_to_end().await?;
    let entry = open.entry("frames").await?;
    let flow = json!({"events": 2, "chunk_chain": recomputed("websocket", &sent, &[])?});
    entry.check(json!({"status": 101, "outcome": "success", "stream": flow}))?;
    entry.check(json!({"stream": {"kind": "websocket", "request": flow}}))?;
    open.finish().await
}

async fn a_failed_grpc_call_is_an_error_whatever_its_status(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (status, outcome, reason) in [
        ("0", "success", Value::Null),
        ("8", "throttled", json!("rate_limited")),
        ("14", "throttled", json!("overloaded")),
        ("13", "error", json!("application_error")),
    ] {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            let mut trailers = HeaderMap::new();
            if let Ok(status) = status.parse() {
                trailers.insert("grpc-status", status);
            }
            let _ = sender.send_data(Bytes::from(grpc())).await;
            let _ = sender.send_trailers(trailers).await;
        });
        let call = Call::new("POST", "h2.provider.test", "/echo")
            .body(body)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .over_http2();
        let entry = open.send(call).await?.entry;
        entry.check(json!({"status": 200, "outcome": outcome, "reason": reason}))?;
        let flow = json!({"events": 3, "chunk_chain": recomputed("grpc", &grpc(), &[])?});
        entry.check(json!({"stream": flow}))?;
        entry.check(json!({"stream": {"kind": "grpc", "request": flow}}))?;
    }
    open.finish().await
}

async fn events_are_listed_under_a_key(stage: Stage) -> Result<()> {
    let settings = json!({
        "stream": {"list_events": true},
        "hash": {"key_env": "LEDGERLINE_HASH_KEY", "key_id": "k1"},
    });
    let key = "00112233445566778899aabbccddeeff";
    let open = stage
        .open_with(|gateway| Ok(gateway.plugin(&settings).environment("LEDGERLINE_HASH_KEY", key)))
        .await?;
    let call =
        Call::post("provider.test", "/echo", SSE).header("content-type", "text/event-stream");
    let entry = open.send_unread(call).await?;
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let printed = python(&["--key-hex", &hex, "--list"], "sse", SSE.as_bytes())?;
    let links: Vec<_> = printed.lines().map(str::to_owned).collect();
    assert_eq!(entry["stream"]["event_hashes"], json!(links[..3]), "{entry}");
    assert_eq!(entry["stream"]["chunk_chain"], json!(links[2]));

    let many = "data: x\n\n".repeat(1000);
    let call =
        Call::post("provider.test", "/echo", many).header("content-type", "text/event-stream");
    let entry = open.send_unread(call).await?;
    assert_eq!(entry["stream"]["events"], 1000);
    assert_eq!(entry["truncated"], json!(["stream.event_hashes"]), "{entry}");
    open.finish().await
}

async fn a_body_that_nothing_divides_has_a_chain_over_its_blocks(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (path, blocks) in [("/chunks/200/0", 3), ("/chunks/10/0", 0), ("/download/200000", 0)] {
        let seen = open.send(Call::get("provider.test", path)).await?;
        match blocks {
            0 => ensure!(seen.entry["stream"].is_null(), "{}", seen.entry),
            blocks => seen.entry.check(json!({"stream": {"kind": "chunked", "events": blocks}}))?,
        }
    }
    open.finish().await
}

async fn an_encoded_stream_has_no_events(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let call = Call::post("provider.test", "/echo", SSE)
        .header("content-type", "text/event-stream")
        .header("content-encoding", "zstd");
    let entry = open.send(call).await?.entry;
    entry.check(json!({"stream": null, "response": {"scan": "opaque", "encoding": "zstd"}}))?;
    open.finish().await
}

async fn answers_without_compression_are_asked_for_where_the_operator_says_so(
    stage: Stage,
) -> Result<()> {
    let settings = json!({"upstream": {"plain_answers": "always"}});
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&settings))).await?;
    for (accepted, asked) in [(Some("gzip, br"), vec!["identity"]), (None, vec![])] {
        let mut call = Call::get("provider.test", "/v1/models");
        if let Some(accepted) = accepted {
            call = call.header("accept-encoding", accepted);
        }
        let entry = open.send(call).await?.entry;
        assert_eq!(open.exchange(&entry).request_header("accept-encoding"), asked);
    }
    open.finish().await
}

/// A call that echoes the events that are sent to it, for as long as they come.
fn events_call() -> (Call, Sender<Bytes>) {
    let (sender, body) = Channel::<Bytes>::new(1);
    let call = Call::new("POST", "provider.test", "/echo")
        .body(body)
        .header("content-type", "text/event-stream");
    (call, sender)
}

pub(crate) fn set_flush_interval(bootstrap: &mut Value, interval: &str) {
    match bootstrap {
        Value::Object(members) => {
            if let Some(set) = members.get_mut("access_log_flush_interval") {
                *set = json!(interval);
            }
            members.values_mut().for_each(|member| set_flush_interval(member, interval));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(|member| set_flush_interval(member, interval));
        }
        _ => {}
    }
}

fn check_span(entry: &Entry) {
    let [start, first, last] =
        [&entry["timestamp"], &entry["stream"]["started_at"], &entry["stream"]["ended_at"]]
            .map(|at| at.as_str().unwrap_or_default());
    assert!(start < first && first <= last, "{entry}");
}

/// The chain of a stream by the second implementation.
pub(crate) fn recomputed(kind: &str, stream: &[u8], options: &[&str]) -> Result<Value> {
    let printed = python(options, kind, stream)?;
    let chain = printed.split_whitespace().nth(1).context("no chain")?;
    Ok(if chain == "none" { Value::Null } else { json!(chain) })
}

pub(crate) fn python(options: &[&str], kind: &str, stream: &[u8]) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), stream)?;
    let script = workspace::root().join(Path::new("tests/vectors/chain.py"));
    let output = Command::new(workspace::python()?)
        .arg(script)
        .args(options)
        .arg(kind)
        .arg(file.path())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Two frames of AWS's event stream, the second one without headers.
fn eventstream() -> Vec<u8> {
    let header = [&b"\x0b:event-type\x07\x00\x05"[..], b"chunk"].concat();
    [eventstream_frame(&header, b"{\"a\":1}"), eventstream_frame(b"", b"")].concat()
}

/// A frame of AWS's event stream.
pub(crate) fn eventstream_frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap_or_default();
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend(u32::try_from(headers.len()).unwrap_or_default().to_be_bytes());
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend([headers, payload].concat());
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    })
}

/// Three messages of gRPC, one of them empty and one marked as compressed.
fn grpc() -> Vec<u8> {
    [&b"\0\0\0\0\x03abc"[..], b"\0\0\0\0\0", b"\x01\0\0\0\x02zz"].concat()
}
