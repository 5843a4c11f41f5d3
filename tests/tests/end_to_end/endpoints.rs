//! Where a call went, in both styles of addressing the gateway.

use anyhow::Result;
use ledgerline_tests::client::Call;
use serde_json::{Value, json};

use crate::Stage;

on_each_envoy! {
    path_style_and_host_style_leave_the_same_endpoint,
    a_query_goes_upstream_and_never_into_the_ledger,
    a_path_goes_upstream_byte_by_byte,
    the_endpoint_may_be_the_host_alone,
    a_host_that_is_not_on_the_list_is_refused_in_both_styles,
}

async fn path_style_and_host_style_leave_the_same_endpoint(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let own = open.gateway.address().to_string();
    let port = open.gateway.address().port();
    for (host, path) in [
        ("provider.test".to_owned(), "/v1/models"),
        (own.clone(), "/provider.test/v1/models"),
        (format!("localhost:{port}"), "/provider.test/v1/models"),
        (format!("[::1]:{port}"), "/provider.test/v1/models"),
        ("127.0.0.1".to_owned(), "/provider.test/v1/models"),
    ] {
        for call in [Call::get(&host, path), Call::get(&host, path).over_http2()] {
            let entry = open.send(call).await?.entry;
            entry.check(json!({
                "endpoint": "provider.test/v1/models",
                "status": 200,
                "outcome": "success",
                "upstream": {"host": "provider.test"},
            }))?;
            let exchange = open.exchange(&entry);
            assert_eq!(exchange.target, "/v1/models");
            assert_eq!(exchange.request_header("host"), ["provider.test"]);
        }
    }
    open.finish().await
}

async fn a_query_goes_upstream_and_never_into_the_ledger(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (host, path) in [
        ("provider.test", "/v1/models?key=fake-query-secret"),
        ("localhost", "/provider.test/v1/models?key=fake-query-secret"),
    ] {
        let entry = open.send(Call::get(host, path)).await?.entry;
        entry.check(json!({"endpoint": "provider.test/v1/models"}))?;
        assert_eq!(open.exchange(&entry).target, "/v1/models?key=fake-query-secret");
        assert!(!entry.line().contains("fake-query-secret"), "{entry}");
    }
    open.finish().await
}

async fn a_path_goes_upstream_byte_by_byte(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for path in
        ["/status/404/%2e%2E/a//b/../c", "/status/404/a%2Fb%00%ff;x=1", "/status/404/~!$&'()*+,=:@"]
    {
        for (host, prefix) in [("provider.test", ""), ("localhost", "/provider.test")] {
            let entry = open.send(Call::get(host, &format!("{prefix}{path}"))).await?.entry;
            assert_eq!(open.exchange(&entry).target, path);
            entry.check(json!({"endpoint": format!("provider.test{path}")}))?;
        }
    }
    open.finish().await
}

async fn the_endpoint_may_be_the_host_alone(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| Ok(gateway.plugin(&json!({"endpoint": {"form": "host"}}))))
        .await?;
    for (host, path) in [("provider.test", "/v1/models"), ("localhost", "/provider.test/v1/models")]
    {
        let entry = open.send(Call::get(host, path)).await?.entry;
        entry.check(json!({"endpoint": "provider.test", "outcome": "success"}))?;
    }
    open.finish().await
}

async fn a_host_that_is_not_on_the_list_is_refused_in_both_styles(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (host, path, endpoint) in [
        ("unlisted.test", "/v1/models", "unlisted.test/v1/models"),
        ("provider.test.evil.test", "/v1", "provider.test.evil.test/v1"),
        ("provider.test:8443", "/v1/models", "provider.test:8443/v1/models"),
        ("localhost", "/unlisted.test/v1/models", "unlisted.test/v1/models"),
        ("localhost", "/v1/models", "localhost/v1/models"),
        ("localhost", "/", "localhost/"),
    ] {
        let seen = open.send(Call::post(host, path, "question")).await?;
        assert_eq!(seen.answer.header("x-should-retry"), [b"false"]);
        seen.entry.check(json!({
            "endpoint": endpoint,
            "status": 403,
            "outcome": "policy_blocked",
            "reason": "host_not_allowed",
            "upstream": Value::Null,
        }))?;
    }
    open.finish().await
}
