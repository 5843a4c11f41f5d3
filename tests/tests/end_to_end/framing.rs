//! Streams as they come: without their last blank line, under another name, closed with a code or
//! torn, with their status in the body, with a secret in a frame.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::payload::sha256;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Stage;
use crate::streams::{eventstream_frame, python, recomputed};

on_each_envoy! {
    the_last_event_counts_without_its_end,
    events_are_events_whatever_the_answer_is_called,
    what_is_no_encoding_is_looked_into,
    a_websocket_ends_as_the_provider_says,
    a_websocket_ends_as_the_caller_says,
    a_websocket_over_http2_is_logged_as_any_other,
    a_status_in_the_body_is_the_calls,
    no_hash_of_frames_depends_on_a_secret,
    a_lone_informational_answer_is_none,
    an_offer_of_another_protocol_is_passed_over,
}

const CONTENT: &str = r#"data: {"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"#;

/// A chat whose answer is this body, of this content type.
fn told(media_type: Option<&str>, body: &str) -> Call {
    let told = json!({"model": "m", "told": {"type": media_type, "body": body}});
    Call::post_json("provider.test", "/v1/chat/completions", &told)
}

async fn the_last_event_counts_without_its_end(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for line_end in ["\n", "\r\n", "\r"] {
        for (last, missing, outcome, reason, tokens) in [
            (
                r#"{"error":{"type":"overloaded_error"}}"#,
                line_end,
                "throttled",
                json!("overloaded"),
                json!(null),
            ),
            (
                r#"{"error":{"type":"overloaded_error"}}"#,
                "",
                "throttled",
                json!("overloaded"),
                json!(null),
            ),
            (
                r#"{"usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
                line_end,
                "success",
                json!(null),
                json!(5),
            ),
        ] {
            let body = format!("{CONTENT}{line_end}{line_end}data: {last}{missing}");
            let entry = open.send(told(Some("text/event-stream"), &body)).await?.entry;
            let chain = recomputed("sse", body.as_bytes(), &[])?;
            entry.check(json!({
                "outcome": outcome,
                "reason": reason,
                "response_hash": sha256(body.as_bytes()),
                "stream": {"kind": "sse", "events": 2, "chunk_chain": chain},
                "gen_ai": {"output_tokens": tokens},
            }))?;
        }
    }
    open.finish().await
}

async fn events_are_events_whatever_the_answer_is_called(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let usage = r#"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;
    let sse = format!("{CONTENT}\n\n{usage}\n\ndata: [DONE]\n\n");
    let ndjson = sse.replace("data: ", "").replace("\n\n", "\n").replace("[DONE]\n", "");
    for (kind, media_type, body) in [
        ("sse", Some("text/event-stream, text/event-stream"), sse.clone()),
        ("sse", Some("TEXT/EVENT-STREAM ;charset=\"UTF-8\""), sse.clone()),
        ("sse", Some("application/json"), sse.clone()),
        ("sse", Some("text/plain"), format!("\u{feff}: hello\n\n{sse}")),
        ("sse", None, sse.clone()),
        ("ndjson", Some("application/json"), ndjson.clone()),
        ("ndjson", Some("application/json-seq"), ndjson.clone()),
        ("ndjson", None, ndjson),
    ] {
        let entry = open.send(told(media_type, &body)).await?.entry;
        let chain = recomputed(kind, body.as_bytes(), &[])?;
        entry.check(json!({
            "outcome": "success",
            "stream": {"kind": kind, "chunk_chain": chain},
            "gen_ai": {"output_tokens": 5, "response_model": "m"},
        }))?;
        open.check_exchange(&entry);
    }
    let entry = open.send(told(Some("text/plain"), "database: none\n\n")).await?.entry;
    entry.check(json!({"outcome": "success", "stream": null}))?;
    open.finish().await
}

async fn what_is_no_encoding_is_looked_into(stage: Stage) -> Result<()> {
    let settings = json!({"mask": {"outbound": true}});
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&settings))).await?;
    for (encoding, status, scan) in [
        ("none", 200, "json"),
        ("UTF-8", 200, "json"),
        ("identity", 200, "json"),
        ("aws-chunked", 200, "json"),
        ("identity, aws-chunked", 200, "json"),
        ("gzip", 415, "opaque"),
        ("aws-chunked, gzip", 415, "opaque"),
    ] {
        let question = json!({"password": "hunter2"});
        let call = Call::post_json("provider.test", "/echo", &question)
            .header("content-encoding", encoding);
        let entry = open.send_unread(call).await?;
        entry.check(json!({"status": status}))?;
        if status == 200 {
            for side in ["request", "response"] {
                ensure!(entry[side]["scan"] == scan, "{entry}");
            }
            ensure!(entry["request"]["masked"].is_object(), "{entry}");
        }
    }
    open.finish().await
}

async fn a_websocket_ends_as_the_provider_says(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (end, outcome, reason, how, code) in [
        ("fin", "error", "upstream_reset", "reset", None),
        ("reset", "error", "upstream_reset", "reset", None),
        ("half", "error", "upstream_reset", "reset", None),
        ("empty", "success", "", "complete", Some(1005)),
        ("1000", "success", "", "complete", Some(1000)),
        ("1001", "success", "", "complete", Some(1001)),
        ("1008", "error", "application_error", "complete", Some(1008)),
        ("1011", "error", "application_error", "complete", Some(1011)),
        ("1013", "throttled", "overloaded", "complete", Some(1013)),
        ("4001", "error", "application_error", "complete", Some(4001)),
    ] {
        let path = format!("/websocket/{end}");
        let mut raw = Raw::websocket_to(open.gateway.address(), "faulty.test", &path, end).await?;
        raw.read_to_end().await?;
        let entry = open.entry(end).await?;
        let reason = if reason.is_empty() { Value::Null } else { json!(reason) };
        entry.check(json!({
            "method": "GET",
            "status": 101,
            "outcome": outcome,
            "reason": reason,
            "request": {"end": how},
            "response": {"end": how},
            "stream": {"kind": "websocket", "close_code": code},
        }))?;
        assert_eq!(entry["response_hash"], open.exchange(&entry).response.sha256(), "{entry}");
    }
    open.finish().await
}

async fn a_websocket_ends_as_the_caller_says(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    // What it sends, and whether it leaves by a reset.
    for (id, frame, resets, outcome, reason, how, code) in [
        ("left", &b""[..], false, "error", "client_disconnect", "aborted", None),
        ("reset", b"", true, "error", "client_disconnect", "aborted", None),
        ("half", b"\x81\x85\0\0\0\0ab", false, "error", "client_disconnect", "aborted", None),
        ("closed", b"\x88\x82\0\0\0\0\x03\xe8", false, "success", "", "complete", Some(1000)),
        ("away", b"\x88\x82\x01\x01\x01\x01\x02\xe8", true, "success", "", "complete", Some(1001)),
        (
            "gave-up",
            b"\x88\x82\0\0\0\0\x03\xea",
            false,
            "error",
            "client_disconnect",
            "complete",
            Some(1002),
        ),
    ] {
        let address = open.gateway.address();
        let mut raw = Raw::websocket_to(address, "faulty.test", "/websocket/wait", id).await?;
        raw.read_until("session.created").await?;
        raw.write(frame).await?;
        // What was written arrives before the end: a reset could overtake it.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if resets {
            raw.reset()?
        } else {
            drop(raw)
        }
        let entry = open.entry(id).await?;
        let reason = if reason.is_empty() { Value::Null } else { json!(reason) };
        entry.check(json!({
            "status": 101,
            "outcome": outcome,
            "reason": reason,
            "request": {"end": how},
            "response": {"end": how},
            "stream": {"close_code": null, "request": {"close_code": code}},
        }))?;
    }
    open.finish().await
}

/// RFC 8441 has `CONNECT` and 200 on the wire where HTTP/1.1 has `GET` and 101.
async fn a_websocket_over_http2_is_logged_as_any_other(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (id, path, outcome, reason, how, code) in [
        ("h2-1013", "/websocket/1013", "throttled", json!("overloaded"), "complete", json!(1013)),
        ("h2-fin", "/websocket/fin", "error", json!("upstream_reset"), "reset", json!(null)),
        ("h2-left", "/websocket/wait", "error", json!("client_disconnect"), "aborted", json!(null)),
    ] {
        let stream = TokioIo::new(TcpStream::connect(open.gateway.address()).await?);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        let connection = tokio::spawn(connection);
        let request = Request::connect(format!("http://faulty.test{path}"))
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .header("x-correlation-id", id)
            .body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await?;
        assert_eq!(answer.status(), 200);
        let mut socket = TokioIo::new(hyper::upgrade::on(answer).await?);
        let mut first = [0; 28];
        socket.read_exact(&mut first).await?;
        if id != "h2-left" {
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
        let _ = socket.shutdown().await;
        drop((socket, sender));
        connection.abort();
        let entry = open.entry(id).await?;
        entry.check(json!({
            "method": "GET",
            "status": 101,
            "outcome": outcome,
            "reason": reason,
            "response": {"end": how},
            "stream": {"kind": "websocket", "close_code": code},
        }))?;
    }
    open.finish().await
}

async fn a_status_in_the_body_is_the_calls(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let message = |flags: u8, text: &str| {
        let length = u32::try_from(text.len()).unwrap_or_default().to_be_bytes();
        [&[flags][..], &length, text.as_bytes()].concat()
    };
    for (kind, media_type, last, outcome, reason) in [
        (
            "grpc_web",
            "application/grpc-web+proto",
            message(0x80, "grpc-status: 0\r\n"),
            "success",
            json!(null),
        ),
        (
            "grpc_web",
            "application/grpc-web",
            message(0x80, "grpc-status: 8\r\n"),
            "throttled",
            json!("rate_limited"),
        ),
        (
            "grpc_web",
            "application/grpc-web",
            message(0x80, "grpc-status: 13\r\n"),
            "error",
            json!("application_error"),
        ),
        ("connect", "application/connect+json", message(2, "{}"), "success", json!(null)),
        (
            "connect",
            "application/connect+proto",
            message(2, r#"{"error":{"code":"unavailable"}}"#),
            "throttled",
            json!("overloaded"),
        ),
        (
            "connect",
            "application/connect+json",
            message(2, r#"{"error":{"code":"internal"}}"#),
            "error",
            json!("application_error"),
        ),
    ] {
        let body = [message(0, "abc"), last].concat();
        let call =
            Call::post("provider.test", "/echo", body.clone()).header("content-type", media_type);
        let entry = open.send(call).await?.entry;
        let flow = json!({"events": 2, "chunk_chain": recomputed(kind, &body, &[])?});
        entry.check(json!({"status": 200, "outcome": outcome, "reason": reason}))?;
        entry.check(json!({"stream": flow}))?;
        entry.check(json!({"stream": {"kind": kind, "request": flow}}))?;
        open.check_exchange(&entry);
    }
    open.finish().await
}

async fn no_hash_of_frames_depends_on_a_secret(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let keys = ["Q3N5", "7LPZ"].map(|part| format!("AKI{}{}", "A", part.repeat(4)));
    let framed = |kind: &str, key: &str| {
        let said = format!("{{\"content\":\"use {key} and\"}}");
        let length = u32::try_from(said.len()).unwrap_or_default().to_be_bytes();
        match kind {
            "eventstream" => [
                eventstream_frame(b"", b"{}"),
                eventstream_frame(b"", said.as_bytes()),
                eventstream_frame(b"", b"{}"),
            ]
            .concat(),
            _ => [&b"\0\0\0\0\x02{}\0"[..], &length, said.as_bytes(), b"\0\0\0\0\x01x"].concat(),
        }
    };
    for (kind, media_type) in [
        ("eventstream", "application/vnd.amazon.eventstream"),
        ("grpc", "application/grpc"),
        ("grpc_web", "application/grpc-web+proto"),
        ("connect", "application/connect+json"),
    ] {
        let mut hashes = Vec::new();
        for key in &keys {
            let body = framed(kind, key);
            let call = Call::post("provider.test", "/echo", body.clone())
                .header("content-type", media_type);
            let entry = open.send_unread(call).await?;
            let wanted = python(&["--body", "--secret", key], kind, &body)?;
            assert_eq!(entry["response_hash"], wanted.trim(), "{entry}");
            assert_eq!(
                entry["stream"]["chunk_chain"],
                recomputed(kind, &body, &["--secret", key])?
            );
            ensure!(entry["response"]["masked"] == json!({"aws-access-token": 1}), "{entry}");
            ensure!(entry["response"]["scan"] != "opaque", "{entry}");
            hashes.push(entry["response_hash"].clone());
        }
        assert_eq!(hashes[0], hashes[1], "{kind}");
    }
    // A WebSocket that echoes: text in two frames, and a binary message.
    let mut hashes = Vec::new();
    for (id, key) in ["one", "other"].into_iter().zip(&keys) {
        let mut raw = Raw::websocket(open.gateway.address(), id).await?;
        let mut sent = Vec::new();
        for (first, text) in [(0x01, "use "), (0x80, key), (0x82, "binary")] {
            sent.extend([first, 0x80 | u8::try_from(text.len())?, 0, 0, 0, 0]);
            sent.extend_from_slice(text.as_bytes());
        }
        raw.write(&sent).await?;
        raw.read_until("binary").await?;
        raw.write(b"\x88\x80\0\0\0\0").await?;
        raw.read_to_end().await?;
        sent.extend_from_slice(b"\x88\x80\0\0\0\0");
        let entry = open.entry(id).await?;
        let wanted = python(&["--body", "--secret", key], "websocket", &sent)?;
        let masked = json!({"scan": "json", "masked": {"aws-access-token": 1}});
        entry.check(json!({
            "request_hash": wanted.trim(),
            "response_hash": wanted.trim(),
            "request": masked,
            "response": masked,
        }))?;
        hashes.push(entry["request_hash"].clone());
    }
    assert_eq!(hashes[0], hashes[1]);
    open.finish().await
}

async fn a_lone_informational_answer_is_none(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for code in ["102", "103", "199"] {
        let entry = open.send_unread(Call::get("faulty.test", &format!("/lone/{code}"))).await?;
        ensure!(entry["status"].is_null() || entry["status"].as_u64() > Some(199), "{entry}");
        ensure!(entry["response"]["headers"].is_null(), "{entry}");
        entry.check(json!({"outcome": "error", "reason": "upstream_reset"}))?;
    }
    open.finish().await
}

async fn an_offer_of_another_protocol_is_passed_over(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for offer in ["TLS/1.2", "tls/1.3, h2c", "h2c", "HTTP/2.0, TLS/1.2", "wss", "IRC/6.9"] {
        let call = Call::post("provider.test", "/echo", "question")
            .header("connection", "Upgrade")
            .header("upgrade", offer);
        let entry = open.send(call).await?.entry;
        entry.check(json!({"status": 200, "outcome": "success"}))?;
        let exchange = open.exchange(&entry);
        ensure!(exchange.request_header("upgrade").is_empty(), "{offer}: {exchange:?}");
        ensure!(
            !exchange.request_header("connection").concat().to_lowercase().contains("upgrade"),
            "{offer}: {exchange:?}"
        );
    }
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(
        "GET /upgrade HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: list\r\n\
         connection: keep-alive, Upgrade\r\nupgrade: h2c, WebSocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await?;
    raw.read_until("\r\n\r\n").await.context("a WebSocket among other offers")?;
    raw.write(b"\x88\x80\0\0\0\0").await?;
    raw.read_to_end().await?;
    open.entry("list").await?.check(json!({"status": 101, "outcome": "success"}))?;
    open.finish().await
}
