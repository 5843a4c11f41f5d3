//! Headers that concern the gateway alone, the credentials of the proxy first of all: they go no further in either
//! direction, and stand in no file.

use anyhow::Result;
use ledgerline_tests::client::{Call, Raw};
use serde_json::json;

use crate::Stage;
use crate::stage::Open;

on_each_envoy! {
    the_credentials_of_the_proxy_never_leave,
    what_a_connection_names_goes_no_further,
    trailers_carry_no_credentials_of_the_proxy_either,
}

/// `Basic` of `billing-agent:fake-gwtok`, and what of it must be nowhere.
const PROXY: &str = "Basic YmlsbGluZy1hZ2VudDpmYWtlLWd3dG9r";
const SECRET: &str = "YmlsbGluZy1hZ2VudDpmYWtlLWd3dG9r";

async fn the_credentials_of_the_proxy_never_leave(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    // The absolute form of HTTP_PROXY, in the versions that clients speak.
    for (id, version) in [("absolute-11", "1.1"), ("absolute-10", "1.0")] {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!(
            "GET http://provider.test/v1/models HTTP/{version}\r\nhost: provider.test\r\n\
             proxy-authorization: {PROXY}\r\nproxy-connection: keep-alive\r\nconnection: close\r\n\
             x-correlation-id: {id}\r\nauthorization: Bearer sk-fake\r\n\r\n"
        ))
        .await?;
        raw.read_to_end().await?;
        check(&open, id, version).await?;
    }
    for (host, path) in [("provider.test", "/v1/models"), ("localhost", "/provider.test/v1/models")]
    {
        let call = Call::get(host, path).over_http2().header("proxy-authorization", PROXY);
        let call = call.header("authorization", "Bearer sk-fake");
        let entry = open.send(call).await?.entry;
        check(&open, entry.text("correlation_id"), "2").await?;
    }
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(format!(
        "GET /upgrade HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: socket\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nproxy-authorization: {PROXY}\r\n\
         authorization: Bearer sk-fake\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ))
    .await?;
    raw.read_until("\r\n\r\n").await?;
    raw.finish_writing().await?;
    drop(raw);
    check(&open, "socket", "1.1").await?;
    // Refused, for its host or for its method.
    for request in
        ["GET http://unlisted.test/", "CONNECT provider.test:443", "CONNECT unlisted.test:443"]
    {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!(
            "{request} HTTP/1.1\r\nhost: x.test\r\nproxy-authorization: {PROXY}\r\n\r\n"
        ))
        .await?;
        raw.finish_writing().await?;
        raw.read_to_end().await?;
    }
    open.gateway.quiesce().await?;
    check_files(&open)?;
    open.finish().await
}

/// The provider got the call with its own credential and without the proxy's; no file has either.
async fn check(open: &Open, id: &str, version: &str) -> Result<()> {
    let entry = open.entry(id).await?;
    entry.check(json!({"request": {"http_version": version}}))?;
    let exchange = open.exchange(&entry);
    for name in ["proxy-authorization", "proxy-connection", "keep-alive"] {
        assert!(exchange.request_header(name).is_empty(), "{name} left: {entry}");
    }
    assert_eq!(exchange.request_header("authorization"), ["Bearer sk-fake"], "{entry}");
    check_files(open)
}

fn check_files(open: &Open) -> Result<()> {
    let entries = format!("{:?}", open.gateway.ledger().entries()?);
    let written = entries + &open.gateway.log() + &format!("{:?}", open.gateway.connections()?);
    assert!(!written.contains(SECRET) && !written.contains("fake-gwtok"), "{written}");
    Ok(())
}

async fn what_a_connection_names_goes_no_further(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (id, upgrade) in [("plain", ""), ("socket", "upgrade, ")] {
        let mut raw = Raw::connect(open.gateway.address()).await?;
        raw.write(format!(
            "GET /upgrade HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: {id}\r\n\
             connection: {upgrade}X-Internal\r\nupgrade: websocket\r\nx-internal: one\r\n\
             x-kept: two\r\nte: gzip, trailers\r\nkeep-alive: timeout=5\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ))
        .await?;
        raw.read_until("\r\n\r\n").await?;
        raw.finish_writing().await?;
        drop(raw);
        let entry = open.entry(id).await?;
        let exchange = open.exchange(&entry);
        assert!(exchange.request_header("x-internal").is_empty(), "{exchange:?}");
        assert!(exchange.request_header("keep-alive").is_empty(), "{exchange:?}");
        assert_eq!(exchange.request_header("x-kept"), ["two"]);
        assert!(["", "trailers"].contains(&&*exchange.request_header("te").concat()));
    }
    // Over HTTP/2, where gRPC needs the one value that is allowed.
    let call = Call::get("h2.provider.test", "/v1/models").over_http2().header("te", "trailers");
    let entry = open.send(call).await?.entry;
    assert_eq!(open.exchange(&entry).request_header("te"), ["trailers"]);
    open.finish().await
}

async fn trailers_carry_no_credentials_of_the_proxy_either(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let mut raw = Raw::connect(open.gateway.address()).await?;
    raw.write(format!(
        "POST /echo HTTP/1.1\r\nhost: provider.test\r\nx-correlation-id: trailers\r\nte: trailers\r\n\
         connection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
         4\r\nbody\r\n0\r\nx-sum: 9\r\nproxy-authorization: {PROXY}\r\nx-user-id: u-1\r\n\r\n"
    ))
    .await?;
    let answer = String::from_utf8_lossy(&raw.read_to_end().await?).into_owned();
    let entry = open.entry("trailers").await?;
    entry.check(json!({"status": 200, "request": {"bytes": 4, "end": "trailers"}}))?;
    let trailers = open.exchange(&entry).request_trailers;
    let has = |name: &str| trailers.iter().any(|(known, _)| *known == name.as_bytes());
    assert!(has("x-sum"), "{trailers:?}");
    assert!(!has("proxy-authorization") && !has("x-user-id"), "{trailers:?}");
    assert!(!answer.contains(SECRET) && !answer.contains("u-1"), "{answer}");
    check_files(&open)?;
    open.finish().await
}
