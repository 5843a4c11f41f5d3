//! What the gateway itself answers: true in the entry, useful to the caller, and not worth a retry.

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ledgerline_tests::client::{Call, Raw};
use ledgerline_tests::ledger::Entry;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::Stage;

on_each_envoy! {
    a_tunnel_is_refused_for_what_it_is,
    a_tunnel_over_http2_is_refused_for_what_it_is,
    a_refused_host_is_named_with_what_to_do,
    what_was_refused_before_it_was_read_has_no_hash,
    an_answer_has_the_correlation_id_of_its_entry,
    names_that_do_not_exist_make_no_room_for_others_and_it_is_said,
}

async fn a_tunnel_is_refused_for_what_it_is(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let port = open.gateway.address().port();
    let own = format!("127.0.0.1:{port}");
    let mut known = 0;
    for (target, version, endpoint) in [
        ("provider.test:443", "1.1", "provider.test"),
        ("provider.test:443", "1.0", "provider.test"),
        ("provider.test:8443", "1.1", "provider.test:8443"),
        ("unlisted.test:443", "1.1", "unlisted.test"),
        (&own, "1.1", &own),
    ] {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!("CONNECT {target} HTTP/{version}\r\nhost: {target}\r\n\r\n")).await?;
        let answer = String::from_utf8_lossy(&raw.read_to_end().await?).into_owned();
        known += 1;
        let entry = open.gateway.ledger().wait_for_count(known).await?.pop().expect("an entry");
        check_connect(&entry, endpoint, version)?;
        assert!(answer.starts_with(&format!("HTTP/{version} 405 ")), "{answer}");
        let id = entry["correlation_id"].as_str().unwrap_or_default();
        let id = format!("\r\nx-correlation-id: {id}\r\n");
        let parts = ["\r\nallow: GET", "x-should-retry: false", "HTTPS_PROXY", "OPENAI_BASE_URL="];
        for part in parts.into_iter().chain([&*id]) {
            assert!(answer.contains(part), "{part} is not in {answer}");
        }
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body)?;
        assert_eq!(body["error"]["correlation_id"], entry["correlation_id"]);
        assert_eq!(body["error"]["reason"], "connect_not_supported");
    }
    open.finish().await
}

async fn a_tunnel_over_http2_is_refused_for_what_it_is(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (number, (target, endpoint)) in [
        ("provider.test:443", "provider.test"),
        ("provider.test:8443", "provider.test:8443"),
        ("unlisted.test:443", "unlisted.test"),
    ]
    .into_iter()
    .enumerate()
    {
        let stream = TokioIo::new(TcpStream::connect(open.gateway.address()).await?);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(Request::connect(target).body(String::new())?).await?;
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["x-should-retry"], "false");
        let id = answer.headers()["x-correlation-id"].to_str()?.to_owned();
        let body = answer.into_body().collect().await?.to_bytes();
        let body: Value = serde_json::from_slice(&body)?;
        let entry =
            open.gateway.ledger().wait_for_count(number + 1).await?.pop().expect("an entry");
        check_connect(&entry, endpoint, "2")?;
        assert_eq!(entry["correlation_id"], *id);
        assert_eq!(body["error"]["correlation_id"], entry["correlation_id"]);
        connection.abort();
    }
    open.finish().await
}

fn check_connect(entry: &Entry, endpoint: &str, version: &str) -> Result<()> {
    entry.check(json!({
        "method": "CONNECT",
        "endpoint": endpoint,
        "status": 405,
        "outcome": "error",
        "reason": "connect_not_supported",
        "request_hash": null,
        "upstream": null,
        "request": {"http_version": version},
    }))
}

async fn a_refused_host_is_named_with_what_to_do(stage: Stage) -> Result<()> {
    let denied = json!({"hosts": [{"hosts": ["h2.provider.test"], "call": "deny"}]});
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&denied))).await?;
    for (host, path, named, advice) in [
        ("unlisted.test", "/v1", "the host unlisted.test.", "domains in envoy/egress.yaml"),
        ("Unlisted.Test:8443", "/v1", "the host Unlisted.Test:8443.", "domains in"),
        ("localhost", "/unlisted.test/v1", "the host unlisted.test.", "domains in"),
        ("localhost", "/v1/models", "names no host", "first in the path"),
        ("127.0.0.1:21250", "//unlisted.test/v1", "names no host", "first in the path"),
        ("[2001:db8::1]", "/v1", "the host [2001:db8::1].", "domains in"),
        (
            "h2.provider.test",
            "/v1",
            "the host h2.provider.test:",
            "`ledgerline hosts add h2.provider.test`",
        ),
    ] {
        let seen = open.send(Call::post(host, path, "question")).await?;
        assert_eq!(
            (seen.answer.status, seen.answer.header("x-should-retry")),
            (403, vec![&b"false"[..]])
        );
        let body = seen.answer.json();
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(named) && message.contains(advice), "{message}");
        seen.entry.check(json!({"outcome": "policy_blocked", "reason": "host_not_allowed"}))?;
    }
    open.finish().await
}

async fn what_was_refused_before_it_was_read_has_no_hash(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
                "mask": {"outbound": true},
                "hosts": [{"hosts": ["tls.provider.test"], "call": "deny"}]
            })))
        })
        .await?;
    let body = "x".repeat(103);
    for (call, status) in [
        (Call::post("unlisted.test", "/v1", body.clone()), 403),
        (Call::post("unlisted.test", "/v1", body.clone()).over_http2(), 403),
        (Call::post("localhost", "/unlisted.test/v1", body.clone()), 403),
        (Call::post("tls.provider.test", "/v1", body.clone()), 403),
        (Call::post("provider.test", "/v1", body.clone()).header("content-encoding", "gzip"), 415),
        (Call::get("unlisted.test", "/v1"), 403),
    ] {
        let seen = open.send(call).await?;
        assert_eq!(seen.answer.status, status);
        seen.entry.check(json!({"request_hash": null, "request": {"bytes": 0}}))?;
    }
    open.finish().await
}

async fn an_answer_has_the_correlation_id_of_its_entry(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (host, path) in
        [("unlisted.test", "/v1"), ("refused.test", "/v1"), ("impatient.test", "/stall/headers")]
    {
        for call in [Call::get(host, path), Call::get(host, path).without_correlation_id()] {
            let answer = call.send(open.gateway.address()).await?;
            let body = answer.json();
            let id = body["error"]["correlation_id"].as_str().unwrap_or_default();
            open.entry(id).await?;
            assert_eq!(answer.header("x-correlation-id"), [id.as_bytes()]);
        }
    }
    // What never reached the filter.
    for request in
        ["GET / HTTP/1.1\r\nhost: a b\r\n\r\n", "NO SUCH\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]
    {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(request).await?;
        let answer = String::from_utf8_lossy(&raw.read_to_end().await?).into_owned();
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body)?;
        let id = body["error"]["correlation_id"].as_str().unwrap_or_default();
        open.entry(id).await?.check(json!({"reason": "invalid_request"}))?;
    }
    open.finish().await
}

/// A wildcard lets a caller ask for any name, and the gateway remembers each for a while.
async fn names_that_do_not_exist_make_no_room_for_others_and_it_is_said(
    stage: Stage,
) -> Result<()> {
    let few = |bootstrap: &mut Value| {
        each_max_hosts(bootstrap, &mut |most| {
            assert!(most.as_u64() >= Some(8192), "{most}: what ships has room for more");
            *most = json!(4);
        })
    };
    let open = stage.open_with(|gateway| Ok(gateway.allow_domain("*.invalid")?.adapt(few))).await?;
    let mut refused = 0;
    for number in 0..6 {
        let seen = open.send(Call::get(&format!("n{number}.invalid"), "/v1")).await?;
        assert_eq!(seen.answer.status, 503);
        let body = seen.answer.json();
        match &body["error"]["reason"] {
            Value::String(reason) if reason == "overloaded" => {
                refused += 1;
                seen.entry.check(json!({"outcome": "throttled", "reason": "overloaded"}))?;
            }
            _ => seen.entry.check(json!({"outcome": "error", "reason": "connect_failure"}))?,
        }
        assert_eq!(body["error"]["correlation_id"], seen.entry["correlation_id"]);
    }
    const STAT: &str = "dns_cache.providers.host_overflow";
    let counted = open.gateway.admin().stats(&format!("^{STAT}$")).await?.get(STAT)?;
    assert_eq!((refused, counted), (2, 2));
    open.finish().await
}

fn each_max_hosts(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(members) => {
            members.get_mut("max_hosts").into_iter().for_each(&mut *change);
            members.values_mut().for_each(|member| each_max_hosts(member, change));
        }
        Value::Array(list) => list.iter_mut().for_each(|member| each_max_hosts(member, change)),
        _ => {}
    }
}
