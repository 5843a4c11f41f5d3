//! What no well-behaved client or provider sends: no trap, no lost call, exactly one line each.

use std::time::Duration;

use anyhow::{Context, Result};
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::payload::sha256;
use ledgerline_tests::process::eventually;
use serde_json::{Value, json};

use crate::{Stage, check_body};

on_each_envoy! {
    header_bytes_that_are_no_utf8_pass_in_both_directions,
    what_a_caller_writes_cannot_break_out_of_the_line,
    what_a_terminal_would_obey_does_not_reach_the_line,
    duplicate_headers_stay_duplicate_and_the_first_claim_counts,
    large_headers_pass_and_the_entry_stays_small,
    old_and_odd_but_valid_requests_are_recorded,
    a_request_that_is_none_is_refused_with_one_line,
    a_body_with_broken_framing_is_one_line_with_its_prefix,
    garbage_is_a_line_if_it_counts_as_a_request_and_a_connection_if_not,
    calls_on_one_connection_are_one_line_each,
    empty_and_tiny_chunks_change_no_hash,
}

async fn header_bytes_that_are_no_utf8_pass_in_both_directions(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
                "headers": {"log_request": ["x-bytes", "user-agent"], "log_response": ["x-bytes"]}
            })))
        })
        .await?;
    let bytes = b"caf\xe9 \xff\xfe\x80";
    for name in ["x-bytes", "x-agent-id", "x-user-id", "x-session-id", "user-agent", "traceparent"]
    {
        let call = Call::post("faulty.test", "/non-utf8", "question").header(name, bytes);
        let seen = open.send(call).await?;
        seen.entry.check(json!({"status": 200, "outcome": "success"}))?;
        assert!(seen.entry["response"]["headers"]["x-bytes"].is_string(), "{}", seen.entry);
        open.check_exchange(&seen.entry);
        assert_eq!(seen.answer.header("x-bytes"), [b"\xff\xfe\x80"]);
    }
    let call = Call::get("provider.test", "/v1/models")
        .without_correlation_id()
        .header("x-correlation-id", bytes)
        .header("x-agent-id", "named");
    call.send(open.gateway.address()).await?;
    let entry = open.gateway.ledger().wait_for(|entry| entry["agent_id"] == "named").await?;
    entry.check(json!({"outcome": "success"}))?;
    assert!(!entry.text("correlation_id").is_empty(), "{entry}");
    open.finish().await
}

async fn what_a_caller_writes_cannot_break_out_of_the_line(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for hostile in [
        r#"","outcome":"success","x":""#,
        r"\u0000\",
        "caf\u{e9} \u{1f980}",
        "%FILTER_STATE(wasm.ledgerline:PLAIN)%",
    ] {
        let call = Call::get("provider.test", "/status/500")
            .header("x-agent-id", hostile)
            .header("x-user-id", hostile)
            .header("user-agent", hostile);
        let entry = open.send(call).await?.entry;
        entry.check(json!({"outcome": "error", "agent_id": hostile, "user_id": hostile}))?;
        entry.check(json!({"request": {"headers": {"user-agent": hostile}}}))?;
    }
    open.finish().await
}

async fn what_a_terminal_would_obey_does_not_reach_the_line(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let call = Call::get("provider.test", "/v1/models").header("x-agent-id", "a\u{202e}b\tc");
    open.send(call).await?.entry.check(json!({"agent_id": "a\u{fffd}b\u{fffd}c"}))?;
    open.finish().await
}

async fn duplicate_headers_stay_duplicate_and_the_first_claim_counts(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let call = Call::get("provider.test", "/headers/duplicate")
        .header("x-twice", "one")
        .header("x-twice", "two")
        .header("x-agent-id", "first")
        .header("x-agent-id", "second");
    let seen = open.send(call).await?;
    seen.entry.check(json!({"outcome": "success", "agent_id": "first"}))?;
    assert_eq!(open.exchange(&seen.entry).request_header("x-twice"), ["one", "two"]);
    assert_eq!(seen.answer.header("x-twice"), [&b"first"[..], b"second"]);
    open.finish().await
}

async fn large_headers_pass_and_the_entry_stays_small(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
                "headers": {"log_request": ["x-large"], "log_response": ["x-large"]}
            })))
        })
        .await?;
    let large = "a".repeat(60 * 1024);
    let path = format!("/headers/large?{}", "q".repeat(10_000));
    for name in ["x-large", "x-agent-id", "authorization"] {
        let call = Call::get("provider.test", &path).header(name, &large);
        let seen = open.send(call).await?;
        seen.entry.check(json!({"status": 200, "outcome": "success"}))?;
        assert!(seen.entry.line().len() <= 64 * 1024, "{} bytes", seen.entry.line().len());
        assert!(!seen.entry["truncated"].is_null(), "{}", seen.entry);
        assert_eq!(seen.answer.header("x-large")[0].len(), 48 * 1024);
    }
    let call = Call::get("provider.test", &format!("/status/404/{}", "p".repeat(60_000)));
    let entry = open.send(call).await?.entry;
    entry.check(json!({"status": 404, "truncated": ["endpoint"]}))?;
    let call = Call::get("provider.test", "/v1/models").header("x-large", "a".repeat(200_000));
    let _ = call.send(open.gateway.address()).await;
    let entry = open.gateway.ledger().wait_for(|entry| entry["status"] == 431).await?;
    entry.check(json!({"outcome": "error", "reason": "invalid_request"}))?;
    open.finish().await
}

async fn old_and_odd_but_valid_requests_are_recorded(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (id, line_end, head, body) in [
        ("http-1.0", "\r\n", &["GET /v1/models HTTP/1.0", "host: provider.test"][..], ""),
        ("lone-line-feeds", "\n", &["GET /v1/models HTTP/1.1", "host: provider.test"], ""),
        ("other-case", "\r\n", &["GET /v1/models HTTP/1.1", "HOST: Provider.TEST"], ""),
        ("rare-method", "\r\n", &["PROPFIND /v1/models HTTP/1.1", "host: provider.test"], ""),
        (
            "absolute-form",
            "\r\n",
            &["GET http://provider.test/v1/models HTTP/1.1", "host: elsewhere.test"],
            "",
        ),
        (
            "chunk-extension",
            "\r\n",
            &["POST /v1/models HTTP/1.1", "host: provider.test", "transfer-encoding: chunked"],
            "1;a=b\r\nx\r\n0\r\n\r\n",
        ),
    ] {
        let id_line = format!("x-correlation-id: {id}");
        let lines = [head, &[&id_line, "connection: close", "", ""]].concat();
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(lines.join(line_end) + body).await?;
        let answer = raw.read_to_end().await?;
        let entry = open.entry(id).await.with_context(|| shown(&answer))?;
        entry.check(json!({"status": 200, "outcome": "success"}))?;
        entry.check(json!({"endpoint": "provider.test/v1/models"}))?;
        open.check_exchange(&entry);
    }
    open.finish().await
}

async fn a_request_that_is_none_is_refused_with_one_line(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let requests = [
        "BREW /v1/models HTTP/1.1\r\nhost: provider.test\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\n\r\n",
        "GET /v1/models HTTP/1.0\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nhost:\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nhost: a.test\r\nhost: b.test\r\n\r\n",
        "GET / v1 HTTP/1.1\r\nhost: provider.test\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nno colon here\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nhost: provider.test\r\nbad name: x\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nhost: provider.test\r\nx: a\0b\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: provider.test\r\ncontent-length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: provider.test\r\ncontent-length: 3\r\n\
         content-length: 4\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: provider.test\r\ncontent-length: 3\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: provider.test\r\ntransfer-encoding: rot13\r\n\r\n",
        "CONNECT provider.test:443 HTTP/1.1\r\nhost: provider.test:443\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: unlisted.test\r\n\r\n",
    ];
    for (number, request) in requests.iter().enumerate() {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(request).await?;
        let answer = raw.read_to_end().await?;
        let ledger = open.gateway.ledger();
        let entries = ledger.wait_for_count(number + 1).await.context(*request)?;
        let entry = &entries[number];
        let why = format!("{request:?}\n{}\n{entry}", shown(&answer));
        assert_eq!(entries.len(), number + 1, "{why}");
        assert_ne!(entry["outcome"], "success", "{why}");
        let refusals = ["invalid_request", "host_not_allowed", "connect_not_supported"];
        assert!(refusals.contains(&entry.text("reason")), "{why}");
    }
    open.finish().await
}

async fn a_body_with_broken_framing_is_one_line_with_its_prefix(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (id, body) in [("chunk-size", "4\r\nbody\r\nxyz\r\n"), ("chunk-end", "4\r\nbodyXX")] {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!(
            "POST /sink HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: {id}\r\n\
             transfer-encoding: chunked\r\n\r\n{body}"
        ))
        .await?;
        raw.finish_writing().await?;
        raw.read_to_end().await?;
        let entry = open.entry(id).await?;
        entry.check(json!({"outcome": "error"}))?;
        let blamed = ["invalid_request", "client_disconnect"];
        assert!(blamed.contains(&entry.text("reason")), "{entry}");
        let bytes = entry["request"]["bytes"].as_u64().unwrap_or_default() as usize;
        let hash = (bytes > 0).then(|| sha256(&b"body"[..bytes]));
        assert_eq!(entry["request_hash"], json!(hash), "{entry}");
    }
    open.finish().await
}

async fn garbage_is_a_line_if_it_counts_as_a_request_and_a_connection_if_not(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    let garbage: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"\xff\xff\xff\xff\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame at all, is it?",
        b"\r\n\r\n\r\n",
        b"",
    ];
    for bytes in garbage {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(bytes).await?;
        raw.finish_writing().await?;
        raw.read_to_end().await?;
    }
    let all_known = || {
        let lines =
            open.gateway.ledger().entries().ok()?.len() + open.gateway.connections().ok()?.len();
        (lines >= garbage.len()).then_some(())
    };
    let known = eventually(Duration::from_secs(5), all_known).await;
    assert!(known.is_some(), "{:?}", open.gateway.connections()?);
    for entry in open.gateway.ledger().entries()? {
        entry.check(json!({"outcome": "error", "endpoint": null}))?;
        let blamed = ["invalid_request", "client_disconnect"];
        assert!(blamed.contains(&entry.text("reason")), "{entry}");
    }
    open.finish().await
}

async fn calls_on_one_connection_are_one_line_each(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let mut raw = Raw::connect(open.gateway.address()).await?;
    let request = |number: usize, more: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: pipelined-{number}\r\n\
         content-length: 1\r\n{more}\r\n{number}"
        )
    };
    let pipeline = [request(1, ""), request(2, ""), request(3, "connection: close\r\n")].concat();
    raw.write(pipeline).await?;
    raw.read_to_end().await?;
    for number in 1..=3 {
        let entry = open.entry(&format!("pipelined-{number}")).await?;
        entry.check(
            json!({"outcome": "success", "request_hash": sha256(number.to_string().as_bytes())}),
        )?;
        check_body(&entry, "response", &open.exchange(&entry).response);
    }
    open.finish().await
}

async fn empty_and_tiny_chunks_change_no_hash(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (id, chunks) in [("none", vec![]), ("one", vec!["a"]), ("many", vec!["a"; 500])] {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!(
            "POST /echo HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: {id}\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        ))
        .await?;
        for chunk in &chunks {
            raw.write(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await?;
        }
        raw.write("0\r\n\r\n").await?;
        raw.read_to_end().await?;
        let entry = open.entry(id).await?;
        let hash: Value = sha256(chunks.concat().as_bytes()).into();
        entry.check(json!({"outcome": "success", "request_hash": hash, "response_hash": hash}))?;
    }
    open.finish().await
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
