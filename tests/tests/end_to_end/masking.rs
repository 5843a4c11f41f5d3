//! No secret lands in the ledger, and none leaves where the operator said so.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::channel::Channel;
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::envoy::{Builder, Host, Upstream};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::payload::sha256;
use ledgerline_tests::process::eventually;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Stage;
use crate::real_clients::{self, Client};
use crate::stage::Open;

on_each_envoy! {
    the_hash_is_that_of_the_masked_body_and_the_provider_gets_the_original,
    what_cannot_be_looked_into_is_hashed_as_it_crossed,
    with_a_key_hashes_and_the_credential_are_hmacs,
    no_secret_in_an_id_or_a_path_reaches_the_line,
    the_masked_body_leaves_whatever_the_framing,
    a_masked_body_may_end_in_trailers,
    an_undecided_end_before_trailers_is_refused,
    a_filter_behind_that_waits_gets_nothing_that_is_undecided,
    what_cannot_be_masked_does_not_leave,
    a_secret_for_another_provider_does_not_leave,
    a_secret_in_a_head_is_masked_and_the_credential_of_the_call_is_not,
    a_credential_of_another_provider_does_not_leave_in_a_head,
    what_is_called_an_image_is_looked_at_for_credentials,
    the_rule_of_a_host_stands_before_that_for_all,
    what_only_looks_like_a_secret_leaves_as_the_sdk_sent_it,
}

const MARK: &str = "***REDACTED***";

/// Fakes in the form of the real thing; a scanner of this repository must not find one.
fn anthropic_key() -> String {
    format!("sk-ant-{}-{}AA", "api03", &"aB3_dE6-".repeat(12)[..93])
}

fn aws_key() -> String {
    format!("{}{}", "AKIA", "Z7Q2M5XR3KTW6PLH")
}

/// A body with secrets by name and by shape, and what is left of it.
fn secrets() -> (String, String) {
    let body = |key: &str, password: &str| {
        let content = format!("use {key}, please");
        json!({"messages": [{"role": "user", "content": content}], "password": password})
            .to_string()
    };
    (body(&anthropic_key(), "hunter2"), body(MARK, MARK))
}

fn post(path: &str, body: &str) -> Call {
    Call::post("provider.test", path, body.to_owned()).header("content-type", "application/json")
}

fn masking(gateway: Builder) -> Result<Builder> {
    Ok(gateway.plugin(&json!({"mask": {"outbound": true}})))
}

fn denying(gateway: Builder) -> Result<Builder> {
    Ok(gateway.plugin(&json!({"mask": {"secret_to_wrong_host": "deny"}})))
}

/// Neither the ledger nor Envoy's log has any of the `secrets`.
#[track_caller]
fn check_silence(open: &Open, secrets: &[&str]) {
    let entries = open.gateway.ledger().entries().expect("a ledger");
    let lines: Vec<_> = entries.iter().map(Entry::line).collect();
    let written = lines.join("\n") + &open.gateway.log();
    for secret in secrets {
        assert!(!written.contains(secret), "{}… in {written}", &secret[..6]);
    }
}

async fn the_hash_is_that_of_the_masked_body_and_the_provider_gets_the_original(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    let (body, view) = secrets();
    for call in [post("/echo", &body), post("/echo", &body).over_http2()] {
        let answer = call.send(open.gateway.address()).await?;
        let entry = open.entry(&answer.correlation_id).await?;
        let masked = json!({"anthropic-api-key": 1, "name": 1});
        let message = json!({"bytes": body.len(), "scan": "json", "masked": masked});
        entry.check(json!({
            "outcome": "success", "credential": null, "hash_key_id": null,
            "request_hash": sha256(view.as_bytes()), "request": message,
            "response_hash": sha256(view.as_bytes()), "response": message,
        }))?;
        assert_eq!(open.exchange(&entry).request.sha256(), sha256(body.as_bytes()));
        assert_eq!(answer.tally.sha256(), sha256(body.as_bytes()));
    }
    let form = Call::post("provider.test", "/sink", format!("a=b&password={}", "hunter2"))
        .header("content-type", "application/x-www-form-urlencoded");
    open.send(form).await?.entry.check(json!({
        "request_hash": sha256(format!("a=b&password={MARK}").as_bytes()),
        "request": {"scan": "form", "masked": {"name": 1}},
    }))?;
    check_silence(&open, &[&anthropic_key(), "hunter2"]);
    open.finish().await
}

async fn what_cannot_be_looked_into_is_hashed_as_it_crossed(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let body = r#"{"password":"hunter2"}"#;
    let call = post("/sink", body).header("content-encoding", "br");
    open.send(call).await?.entry.check(json!({
        "request_hash": sha256(body.as_bytes()),
        "request": {"scan": "opaque", "masked": null},
        "response": {"scan": "json", "masked": null},
    }))?;
    let plain = Call::get("provider.test", "/status/204");
    open.send(plain)
        .await?
        .entry
        .check(json!({"request": {"scan": null}, "request_hash": null}))?;
    open.finish().await
}

async fn with_a_key_hashes_and_the_credential_are_hmacs(stage: Stage) -> Result<()> {
    let key = "0123456789abcdef0123456789abcdef";
    let hash = json!({"hash": {"key_env": "LEDGERLINE_HASH_KEY", "key_id": "2026-06"}});
    let open = stage
        .open_with(|gateway| Ok(gateway.environment("LEDGERLINE_HASH_KEY", key).plugin(&hash)))
        .await?;
    let (body, view) = secrets();
    let credential = anthropic_key();
    let purpose = hmac(key.as_bytes(), b"ledgerline credential");
    let fingerprint = hex(&hmac(&purpose, credential.as_bytes())[..16]);
    let bearer = format!("Bearer {credential}");
    for call in [
        post("/sink", &body).header("authorization", bearer),
        post("/sink", &body).header("x-api-key", &credential),
        post(&format!("/sink?alt=sse&key={credential}"), &body),
    ] {
        let answer = call.send(open.gateway.address()).await?;
        let entry = open.entry(&answer.correlation_id).await?;
        entry.check(json!({
            "hash_key_id": "2026-06",
            "credential": fingerprint,
            "request_hash": hex(&hmac(key.as_bytes(), view.as_bytes())),
            "response_hash": hex(&hmac(key.as_bytes(), &answer.body)),
        }))?;
    }
    open.keyless().await?.check(json!({"credential": null}))?;
    check_silence(&open, &[&credential, "hunter2", key]);
    open.finish().await
}

impl Open {
    /// A call without any credential, whose hashes are not plain.
    async fn keyless(&self) -> Result<Entry> {
        let call = Call::get("provider.test", "/v1/models");
        let answer = call.send(self.gateway.address()).await?;
        self.entry(&answer.correlation_id).await
    }
}

async fn no_secret_in_an_id_or_a_path_reaches_the_line(stage: Stage) -> Result<()> {
    let telegram = Host::new("api.telegram.org", Upstream::Http1, stage.simulator.address());
    let open = stage.open_with(|gateway| gateway.host(&telegram)).await?;
    let key = anthropic_key();
    let token = format!("{}:A{}", "123456789", &"aB3_dE6-".repeat(5)[..34]);
    let call = Call::get("api.telegram.org", &format!("/bot{token}/sendMessage"));
    let entry = open.send(call).await?.entry;
    assert!(entry.text("endpoint").starts_with("api.telegram.org/bot"), "{entry}");
    assert!(entry.text("endpoint").contains(MARK), "{entry}");

    let named = Call::get("provider.test", &format!("/v1/models/{key}"))
        .header("x-agent-id", &key)
        .header("x-user-id", format!("me {key}"))
        .header("x-session-id", &key)
        .header("user-agent", format!("Agent/1 ({key})"));
    open.send(named).await?.entry.check(json!({
        "agent_id": MARK, "user_id": format!("me {MARK}"), "session_id": MARK,
        "endpoint": format!("provider.test/v1/models/{MARK}"),
        "request": {"headers": {"user-agent": format!("Agent/1 ({MARK})")}},
    }))?;

    let call = Call::get("provider.test", "/v1/models")
        .without_correlation_id()
        .header("x-correlation-id", &key)
        .header("x-agent-id", "secretive");
    call.send(open.gateway.address()).await?;
    let entry = open.gateway.ledger().wait_for(|entry| entry["agent_id"] == "secretive").await?;
    assert_eq!(open.exchange(&entry).request_header("x-correlation-id").len(), 1);
    check_silence(&open, &[&key, &token[10..]]);
    open.finish().await
}

async fn the_masked_body_leaves_whatever_the_framing(stage: Stage) -> Result<()> {
    let open = stage.open_with(masking).await?;
    let (body, view) = secrets();
    let large = format!("{body}\n").repeat(1024 * 1024 / body.len());
    let large_view = format!("{view}\n").repeat(1024 * 1024 / body.len());
    for (sent, received, steps) in
        [(&body, &view, &[1, 2, 7, 100][..]), (&large, &large_view, &[1000, 16_384])]
    {
        let mut calls = vec![post("/sink", sent), post("/sink", sent).over_http2()];
        for step in steps {
            calls.push(post("/sink", "").body(in_chunks(sent, *step)));
            calls.push(post("/sink", "").body(in_chunks(sent, *step)).over_http2());
        }
        for call in calls {
            let entry = open.send(call).await?.entry;
            check_masked(&open, &entry, sent.len(), received);
        }
    }
    let plain = post("/sink", r#"{"model":"simulated-1","n":1}"#);
    open.check_exchange(&open.send(plain).await?.entry);
    let nothing = Call::get("provider.test", "/v1/models").header("content-encoding", "br");
    open.check_exchange(&open.send(nothing).await?.entry);
    check_silence(&open, &[&anthropic_key(), "hunter2"]);
    open.finish().await
}

/// The provider got `received`, and the entry says so.
#[track_caller]
fn check_masked(open: &Open, entry: &Entry, sent: usize, received: &str) {
    let exchange = open.exchange(entry);
    assert!(exchange.request_complete, "{exchange:?} {entry}");
    assert_eq!(exchange.request.bytes(), received.len() as u64, "{entry}");
    assert_eq!(exchange.request.sha256(), sha256(received.as_bytes()), "{entry}");
    assert_eq!(entry["request_hash"], exchange.request.sha256(), "{entry}");
    assert_eq!((&entry["outcome"], &entry["request"]["bytes"]), (&json!("success"), &json!(sent)));
    assert!(exchange.request_header("content-length").is_empty(), "{exchange:?}");
}

/// A body in frames of `step` bytes.
fn in_chunks(body: &str, step: usize) -> Channel<Bytes, Infallible> {
    let chunks: Vec<_> = body.as_bytes().chunks(step).map(Bytes::copy_from_slice).collect();
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        for chunk in chunks {
            if sender.send_data(chunk).await.is_err() {
                return;
            }
        }
    });
    channel
}

async fn a_masked_body_may_end_in_trailers(stage: Stage) -> Result<()> {
    let open = stage.open_with(masking).await?;
    let (body, view) = secrets();
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(chunked_head("with-trailers")).await?;
    for chunk in body.as_bytes().chunks(20) {
        raw.write(framed(chunk)).await?;
    }
    raw.write("0\r\nx-checksum: client\r\n\r\n").await?;
    raw.read_to_end().await?;
    let entry = open.entry("with-trailers").await?;
    entry.check(json!({"outcome": "success", "request": {"end": "trailers"}}))?;
    check_masked(&open, &entry, body.len(), &view);
    let trailers = open.exchange(&entry).request_trailers;
    assert_eq!(trailers, [(b"x-checksum".to_vec(), b"client".to_vec())]);
    open.finish().await
}

async fn an_undecided_end_before_trailers_is_refused(stage: Stage) -> Result<()> {
    let open = stage.open_with(masking).await?;
    let key = anthropic_key();
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(chunked_head("undecided")).await?;
    raw.write(framed(format!("my key is {}", &key[..10]).as_bytes())).await?;
    raw.write("0\r\nx-checksum: client\r\n\r\n").await?;
    let answer = raw.read_to_end().await?;
    let entry = open.entry("undecided").await?;
    let why = format!("{}\n{entry}", String::from_utf8_lossy(&answer));
    assert!(answer.starts_with(b"HTTP/1.1 415 "), "{why}");
    entry.check(refused(415, "unmaskable_body"))?;
    if let Some(exchange) = open.simulator.exchange("undecided") {
        assert!(!exchange.request_complete && exchange.request.bytes() <= 10, "{why}");
    }
    open.finish().await
}

fn refused(status: u16, reason: &str) -> Value {
    json!({
        "status": status, "outcome": "policy_blocked", "reason": reason,
        "response": {"end": "local_reply"},
    })
}

fn chunked_head(id: &str) -> String {
    format!(
        "POST /sink HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: {id}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\
         trailer: x-checksum\r\nconnection: close\r\n\r\n"
    )
}

fn framed(chunk: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
}

/// Envoy has one buffer per request for all filters: what waits in it goes on as it is.
async fn a_filter_behind_that_waits_gets_nothing_that_is_undecided(stage: Stage) -> Result<()> {
    let delay = json!({
        "name": "slow",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "delay": {"fixed_delay": "0.5s", "percentage": {"numerator": 100}},
        },
    });
    let open = stage.open_with(|gateway| masking(gateway)?.filters_behind(&[delay])).await?;
    let (body, view) = secrets();
    let middle = body.find("sk-ant").context("a key")? + 10;
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(chunked_head("waited-for")).await?;
    raw.write(framed(&body.as_bytes()[..middle])).await?;
    let began = || open.simulator.exchange("waited-for");
    let exchange = eventually(Duration::from_secs(5), began).await.context("never came")?;
    assert!(exchange.request.bytes() < middle as u64, "{exchange:?}");
    raw.write(framed(&body.as_bytes()[middle..])).await?;
    raw.write("0\r\n\r\n").await?;
    raw.read_to_end().await?;
    let entry = open.entry("waited-for").await?;
    check_masked(&open, &entry, body.len(), &view);
    open.finish().await
}

async fn what_cannot_be_masked_does_not_leave(stage: Stage) -> Result<()> {
    let open = stage.open_with(masking).await?;
    let image = Call::post("provider.test", "/sink", "x").header("content-type", "image/png");
    let both = post("/sink", "x").header("content-type", "image/png");
    for call in [
        post("/sink", "x").header("content-encoding", "gzip"),
        post("/sink", "x").header("content-encoding", "gzip").over_http2(),
        post("/sink", "x").header("content-encoding", "identity").header("content-encoding", "br"),
        image,
        both,
    ] {
        let seen = open.send(call).await?;
        seen.entry.check(refused(415, "unmaskable_body"))?;
        seen.entry.check(json!({"request_hash": null, "upstream": null}))?;
        assert_eq!(seen.answer.header("x-should-retry"), [b"false"]);
        let error = &seen.answer.json()["error"];
        assert_eq!(error["reason"], "unmaskable_body", "{error}");
        assert_eq!(error["correlation_id"], seen.answer.correlation_id, "{error}");
        assert!(open.simulator.exchange(&seen.answer.correlation_id).is_none());
    }
    open.finish().await
}

async fn a_secret_for_another_provider_does_not_leave(stage: Stage) -> Result<()> {
    let anthropic = Host::new("eu.api.anthropic.com", Upstream::Http1, stage.simulator.address());
    let open = stage.open_with(|gateway| denying(gateway)?.host(&anthropic)).await?;
    let leak = format!("{{\"content\":\"deploy with {}\"}}", aws_key());
    for call in [
        post("/sink", &leak),
        post("/sink", &leak).over_http2(),
        post("/sink", "").body(in_chunks(&leak, 3)),
        post("/sink", "").body(in_chunks(&leak, 1)).over_http2(),
    ] {
        let seen = open.send(call).await?;
        seen.entry.check(refused(403, "secret_to_wrong_host"))?;
        assert_eq!(seen.answer.header("x-should-retry"), [b"false"]);
        assert_eq!(seen.answer.json()["error"]["reason"], "secret_to_wrong_host");
        if let Some(exchange) = open.simulator.exchange(&seen.answer.correlation_id) {
            let before = leak.find("AKIA").context("a key")? as u64;
            assert!(!exchange.request_complete, "{exchange:?}");
            assert!(exchange.request.bytes() <= before, "{exchange:?}");
        }
    }
    let (body, view) = secrets();
    let own = Call::post("eu.api.anthropic.com", "/sink", body.clone())
        .header("content-type", "application/json");
    for call in [own, post("/sink", &leak.replace("AKIA", "akia"))] {
        let entry = open.send(call).await?.entry;
        entry.check(json!({"outcome": "success"}))?;
        let exchange = open.exchange(&entry);
        assert!([body.len(), leak.len()].contains(&(exchange.request.bytes() as usize)));
        let original = [sha256(body.as_bytes()), sha256(leak.replace("AKIA", "akia").as_bytes())];
        assert!(original.contains(&exchange.request.sha256()), "{entry}");
        assert!(
            entry["request_hash"] == sha256(view.as_bytes())
                || entry["request_hash"] == original[1]
        );
    }
    check_silence(&open, &[&aws_key(), &anthropic_key()]);
    open.finish().await
}

async fn a_secret_in_a_head_is_masked_and_the_credential_of_the_call_is_not(
    stage: Stage,
) -> Result<()> {
    let open = stage.open_with(masking).await?;
    let key = anthropic_key();
    let path = format!("/echo?q={key}&password=hunter2&key={key}&n=1");
    for call in [
        post(&path, r#"{"n":1}"#),
        post(&path, r#"{"n":1}"#).over_http2(),
        Call::get("provider.test", &path),
    ] {
        let call = call
            .header("authorization", format!("Bearer {key}"))
            .header("x-api-key", &key)
            .header("x-prompt", format!("use {key}"))
            .header("user-agent", "Agent/1");
        let entry = open.send(call).await?.entry;
        let exchange = open.exchange(&entry);
        assert_eq!(exchange.target, format!("/echo?q={MARK}&password={MARK}&key={key}&n=1"));
        assert_eq!(exchange.request_header("authorization"), [format!("Bearer {key}")]);
        assert_eq!(exchange.request_header("x-api-key"), std::slice::from_ref(&key));
        assert_eq!(exchange.request_header("x-prompt"), [format!("use {MARK}")]);
        assert_eq!(exchange.request_header("user-agent"), ["Agent/1"]);
        let masked = json!({"anthropic-api-key": 2, "name": 1});
        entry.check(json!({"outcome": "success", "request": {"masked": masked}}))?;
    }
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(chunked_head("secret-trailer")).await?;
    raw.write(framed(b"{}")).await?;
    raw.write(format!("0\r\nx-checksum: {key}\r\n\r\n")).await?;
    raw.read_to_end().await?;
    let entry = open.entry("secret-trailer").await?;
    let trailers = open.exchange(&entry).request_trailers;
    assert_eq!(trailers, [(b"x-checksum".to_vec(), MARK.as_bytes().to_vec())], "{entry}");
    check_silence(&open, &[&key, "hunter2"]);
    open.finish().await
}

async fn a_credential_of_another_provider_does_not_leave_in_a_head(stage: Stage) -> Result<()> {
    let anthropic = Host::new("api.anthropic.com", Upstream::Http1, stage.simulator.address());
    let open = stage.open_with(|gateway| denying(gateway)?.host(&anthropic)).await?;
    let (key, aws) = (anthropic_key(), aws_key());
    for call in [
        Call::get("provider.test", "/v1/models").header("authorization", format!("Bearer {key}")),
        Call::get("provider.test", &format!("/v1/models?q={aws}")),
        Call::get("provider.test", &format!("/v1/{key}")).over_http2(),
        post("/sink", "{}").header("x-note", &aws),
        Call::get("api.anthropic.com", "/v1/models").header("x-api-key", &aws),
    ] {
        let seen = open.send(call).await?;
        seen.entry.check(refused(403, "secret_to_wrong_host"))?;
        assert!(open.simulator.exchange(&seen.answer.correlation_id).is_none());
    }
    let own = Call::get("api.anthropic.com", "/v1/models").header("x-api-key", &key);
    let entry = open.send(own).await?.entry;
    entry.check(json!({"outcome": "success"}))?;
    assert_eq!(open.exchange(&entry).request_header("x-api-key"), std::slice::from_ref(&key));
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(chunked_head("foreign-trailer")).await?;
    raw.write(framed(b"{}")).await?;
    raw.write(format!("0\r\nx-checksum: {aws}\r\n\r\n")).await?;
    raw.read_to_end().await?;
    let entry = open.entry("foreign-trailer").await?;
    entry.check(refused(403, "secret_to_wrong_host"))?;
    if let Some(exchange) = open.simulator.exchange("foreign-trailer") {
        assert!(exchange.request_trailers.is_empty(), "{exchange:?}");
    }
    check_silence(&open, &[&key, &aws]);
    open.finish().await
}

async fn what_is_called_an_image_is_looked_at_for_credentials(stage: Stage) -> Result<()> {
    let open = stage.open_with(denying).await?;
    let leak = format!("{{\"content\":\"deploy with {}\"}}", aws_key());
    for media_type in ["image/png", "audio/mpeg", "application/octet-stream", "application/pdf"] {
        let call = Call::post("provider.test", "/sink", leak.clone());
        let seen = open.send(call.header("content-type", media_type)).await?;
        seen.entry.check(refused(403, "secret_to_wrong_host"))?;
    }
    let image = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0xA5; 4096]].concat();
    let call = Call::post("provider.test", "/sink", image.clone());
    let entry = open.send(call.header("content-type", "image/png")).await?.entry;
    entry.check(json!({"outcome": "success", "request": {"scan": "opaque"}}))?;
    assert_eq!(open.exchange(&entry).request.sha256(), sha256(&image));
    check_silence(&open, &[&aws_key()]);
    open.finish().await
}

async fn the_rule_of_a_host_stands_before_that_for_all(stage: Stage) -> Result<()> {
    let rules = json!({
        "mask": {"outbound": true},
        "hosts": [{"hosts": ["provider.test"], "mask_outbound": false}],
    });
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&rules))).await?;
    let (body, view) = secrets();
    for (host, received) in [("provider.test", &body), ("h2.provider.test", &view)] {
        let call = Call::post(host, "/sink", body.clone());
        let entry = open.send(call.header("content-type", "application/json")).await?.entry;
        assert_eq!(open.exchange(&entry).request.sha256(), sha256(received.as_bytes()), "{entry}");
        entry.check(json!({"request_hash": sha256(view.as_bytes())}))?;
    }
    open.finish().await
}

/// Schemas with a `password` in them, counts, log probabilities, page tokens, code and placeholders.
async fn what_only_looks_like_a_secret_leaves_as_the_sdk_sent_it(stage: Stage) -> Result<()> {
    let outbound = json!({"mask": {"outbound": true, "outbound_likely": true}});
    let gateway = stage.gateway()?.providers(&stage.simulator)?.plugin(&outbound).start().await?;
    let open = Open { gateway, simulator: stage.simulator };
    let sent = Client::python("structured_client.py")?.run(&open, &[])?;
    let entries = real_clients::entries(&open, sent.len()).await?;
    assert_eq!(entries.len(), 4);
    for (entry, call) in entries.iter().zip(&sent) {
        let arrived = open.exchange(entry).request.sha256();
        assert_eq!(entry["request_hash"], arrived, "{call} {entry}");
        entry.check(json!({"request": {"masked": null}}))?;
    }
    open.finish().await
}

/// HMAC-SHA-256 as in RFC 2104, for keys that fit into a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
