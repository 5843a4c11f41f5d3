//! Both hashes are those of the bytes that crossed, whatever carried them.

use anyhow::Result;
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::payload::{Pattern, sha256};
use serde_json::{Value, json};

use crate::{Stage, check_body};

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

on_each_envoy! {
    a_call_leaves_and_an_entry_lands,
    every_answer_has_the_hashes_of_both_ends_over_every_protocol,
    an_encoded_body_is_hashed_as_it_crossed,
    uploads_of_any_size_and_framing_are_hashed,
    a_message_without_a_body_has_no_hash_and_an_empty_body_has_one,
    a_body_may_end_in_trailers,
    informational_answers_leave_no_trace,
    an_answer_that_ends_with_its_connection_is_whole,
    a_websocket_is_one_call_with_all_its_bytes_in_both_directions,
}

async fn a_call_leaves_and_an_entry_lands(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let question = chat(false);
    let call = Call::post_json("provider.test", "/v1/chat/completions", &question);
    let seen = open.send(call).await?;
    let text = &seen.answer.json()["choices"][0]["message"]["content"];
    assert_eq!(*text, "One entry per call.");
    seen.entry.check(json!({
        "agent_id": null,
        "user_id": null,
        "endpoint": "provider.test/v1/chat/completions",
        "method": "POST",
        "status": 200,
        "request_hash": sha256(question.to_string().as_bytes()),
        "response_hash": seen.answer.tally.sha256(),
        "outcome": "success",
        "correlation_id": seen.answer.correlation_id,
        "reason": null,
        "provisional": null,
        "request": {"type": "application/json", "encoding": null, "end": "complete"},
        "response": {"type": "application/json", "encoding": null, "end": "complete"},
        "upstream": {"host": "provider.test", "address": open.simulator.address().to_string()},
    }))?;
    let request_id = seen.answer.header("x-request-id").concat();
    assert_eq!(seen.entry["upstream"]["request_id"], *String::from_utf8_lossy(&request_id));
    open.check_exchange(&seen.entry);
    open.finish().await
}

async fn every_answer_has_the_hashes_of_both_ends_over_every_protocol(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for host in ["provider.test", "h2.provider.test", "tls.provider.test"] {
        for (method, path, body) in [
            ("POST", "/v1/chat/completions", chat(false)),
            ("POST", "/v1/chat/completions", chat(true)),
            ("POST", "/v1/responses", chat(false)),
            ("POST", "/v1/responses", chat(true)),
            ("POST", "/v1/messages", chat(false)),
            ("POST", "/v1/messages", chat(true)),
            ("POST", "/v1/embeddings", json!({"model": "m", "input": "one entry"})),
            ("GET", "/v1/models", Value::Null),
            ("POST", "/gzip", chat(false)),
            ("POST", "/echo", chat(true)),
            ("GET", "/empty", Value::Null),
            ("GET", "/status/204", Value::Null),
            ("GET", "/status/304", Value::Null),
            ("GET", "/redirect/302", Value::Null),
            ("GET", "/chunks/20/1", Value::Null),
            ("GET", "/download/3000000", Value::Null),
        ] {
            let call = || match &body {
                Value::Null => Call::new(method, host, path),
                body => Call::post_json(host, path, body),
            };
            for call in [call(), call().over_http2()] {
                let seen = open.send(call).await?;
                assert!(seen.answer.broken.is_none(), "{:?}", seen.answer);
                let ends = json!({"request": {"end": "complete"}, "response": {"end": "complete"}});
                seen.entry.check(&ends)?;
                seen.entry
                    .check(json!({"outcome": "success", "reason": null, "method": method}))?;
                open.check_exchange(&seen.entry);
            }
        }
    }
    open.finish().await
}

async fn an_encoded_body_is_hashed_as_it_crossed(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let body = "pretend this is zstd";
    let call = Call::post("provider.test", "/echo", body)
        .header("content-encoding", "zstd")
        .header("content-type", "text/plain; charset=utf-8");
    let seen = open.send(call).await?;
    let message = json!({"bytes": body.len(), "encoding": "zstd", "type": "text/plain"});
    seen.entry.check(json!({
        "request_hash": sha256(body.as_bytes()),
        "response_hash": sha256(body.as_bytes()),
        "request": message,
        "response": message,
    }))?;
    open.finish().await
}

async fn uploads_of_any_size_and_framing_are_hashed(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for length in [1, 63, 64, 65, 65_535, 65_536, 65_537, 262_144, 262_145, 5_000_000] {
        for step in [1000, 65_536] {
            let sized = || Pattern::in_steps(length, step);
            let chunked = sized().without_size();
            let post = || Call::new("POST", "provider.test", "/echo");
            for call in
                [post().body(sized()), post().body(chunked), post().body(sized()).over_http2()]
            {
                let seen = open.send(call).await?;
                check_body(&seen.entry, "request", &sized().tally());
                check_body(&seen.entry, "response", &sized().tally());
                open.check_exchange(&seen.entry);
            }
        }
    }
    open.finish().await
}

async fn a_message_without_a_body_has_no_hash_and_an_empty_body_has_one(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    for (call, request_hash, response_hash) in [
        (Call::get("provider.test", "/status/204"), Value::Null, Value::Null),
        (Call::new("HEAD", "provider.test", "/v1/models"), Value::Null, Value::Null),
        (Call::new("HEAD", "provider.test", "/download/1000"), Value::Null, Value::Null),
        (Call::get("provider.test", "/empty"), Value::Null, json!(EMPTY_SHA256)),
        (Call::post("provider.test", "/empty", ""), Value::Null, json!(EMPTY_SHA256)),
    ] {
        let entry = open.send(call).await?.entry;
        entry.check(json!({
            "request_hash": request_hash,
            "response_hash": response_hash,
            "request": {"bytes": 0, "end": "complete"},
            "response": {"bytes": 0, "end": "complete"},
            "outcome": "success",
        }))?;
    }
    open.finish().await
}

async fn a_body_may_end_in_trailers(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let seen = open.send(Call::get("faulty.test", "/trailers/5000")).await?;
    seen.entry
        .check(json!({"outcome": "success", "response": {"bytes": 5000, "end": "trailers"}}))?;
    assert_eq!(seen.answer.trailers["x-checksum"], "simulated");
    open.check_exchange(&seen.entry);
    let seen = open.send(Call::get("h2.provider.test", "/trailers").over_http2()).await?;
    seen.entry
        .check(json!({"outcome": "success", "response": {"bytes": 20, "end": "trailers"}}))?;
    open.check_exchange(&seen.entry);

    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(
        "POST /echo HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: with-trailers\r\n\
         transfer-encoding: chunked\r\ntrailer: x-checksum\r\nconnection: close\r\n\r\n\
         4\r\nbody\r\n0\r\nx-checksum: client\r\n\r\n",
    )
    .await?;
    raw.read_to_end().await?;
    let entry = open.entry("with-trailers").await?;
    entry.check(json!({
        "outcome": "success",
        "request": {"bytes": 4, "end": "trailers"},
        "request_hash": sha256(b"body"),
        "response_hash": sha256(b"body"),
    }))?;
    assert_eq!(open.exchange(&entry).request_trailers, [(b"x-checksum".into(), b"client".into())]);
    open.finish().await
}

async fn informational_answers_leave_no_trace(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let seen = open.send(Call::get("faulty.test", "/informational/3")).await?;
    seen.entry
        .check(json!({"status": 200, "outcome": "success", "response": {"end": "complete"}}))?;
    open.check_exchange(&seen.entry);

    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(
        "POST /sink HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: expects\r\n\
         expect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n",
    )
    .await?;
    raw.read_until("100 Continue").await?;
    raw.write("body").await?;
    raw.read_to_end().await?;
    let entry = open.entry("expects").await?;
    entry.check(json!({"status": 200, "outcome": "success", "request_hash": sha256(b"body")}))?;
    open.check_exchange(&entry);
    open.finish().await
}

async fn an_answer_that_ends_with_its_connection_is_whole(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for path in ["/until-close/100000", "/drip"] {
        let seen = open.send(Call::get("faulty.test", path)).await?;
        seen.entry.check(json!({"outcome": "success", "response": {"end": "complete"}}))?;
        open.check_exchange(&seen.entry);
    }
    open.finish().await
}

async fn a_websocket_is_one_call_with_all_its_bytes_in_both_directions(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let mut raw = Raw::websocket(open.gateway.address(), "socket").await?;
    for message in ["\x01\x05first", "\x00\x06second"] {
        raw.write(message).await?;
        raw.read_until(message).await?;
    }
    raw.write(b"\x88\0").await?;
    raw.read_to_end().await?;
    let entry = open.entry("socket").await?;
    let frames = sha256(b"\x01\x05first\x00\x06second\x88\0");
    entry.check(json!({
        "method": "GET", "status": 101, "outcome": "success", "reason": null,
        "request_hash": frames, "response_hash": frames,
        "request": {"bytes": 17, "end": "complete"}, "response": {"bytes": 17, "end": "complete"},
    }))?;
    open.finish().await
}

fn chat(stream: bool) -> Value {
    json!({
        "model": "simulated-1",
        "stream": stream,
        "stream_options": {"include_usage": true},
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "caf\u{e9}, \u{1f980}"}]
    })
}
