//! The outcome and the reason of calls that end in order, with an answer of the provider or the
//! gateway.

use anyhow::Result;
use ledgerline_tests::client::Call;
use ledgerline_tests::payload::Pattern;
use serde_json::{Value, json};

use crate::{Stage, check_prefix};

on_each_envoy! {
    the_status_of_the_provider_decides_the_outcome,
    an_answer_of_the_gateway_itself_is_named_as_such,
    an_address_inside_the_own_network_is_refused_after_its_name_was_resolved,
    a_denial_by_rbac_is_recorded_before_and_behind_the_filter,
    a_host_that_the_filter_denies_is_refused_before_a_byte_leaves,
    istios_own_refusals_are_known_by_its_words,
    a_rate_limit_of_the_gateway_is_a_throttle,
    an_answer_before_the_end_of_the_request_leaves_the_part_that_crossed,
}

async fn the_status_of_the_provider_decides_the_outcome(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (status, outcome, reason) in [
        (200, "success", Value::Null),
        (201, "success", Value::Null),
        (302, "success", Value::Null),
        (400, "error", json!("upstream_response")),
        (401, "error", json!("upstream_response")),
        (403, "error", json!("upstream_response")),
        (404, "error", json!("upstream_response")),
        (413, "error", json!("upstream_response")),
        (429, "throttled", json!("rate_limited")),
        (500, "error", json!("upstream_response")),
        (502, "error", json!("upstream_response")),
        (503, "throttled", json!("overloaded")),
        (504, "error", json!("upstream_response")),
        (529, "throttled", json!("overloaded")),
    ] {
        for host in ["provider.test", "h2.provider.test"] {
            let call = Call::post(host, &format!("/status/{status}"), "a question");
            let entry = open.send(call).await?.entry;
            entry.check(json!({
                "status": status,
                "outcome": outcome,
                "reason": reason,
                "request": {"end": "complete"},
                "response": {"end": "complete"},
            }))?;
            open.check_exchange(&entry);
        }
    }
    open.finish().await
}

async fn an_answer_of_the_gateway_itself_is_named_as_such(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    for (host, path, status, outcome, reason) in [
        ("unlisted.test", "/v1/models", 403, "policy_blocked", "host_not_allowed"),
        ("refused.test", "/v1/models", 503, "error", "connect_failure"),
        ("untrusted.provider.test", "/v1/models", 503, "error", "connect_failure"),
        ("impatient.test", "/stall/headers", 504, "error", "upstream_timeout"),
    ] {
        for call in
            [Call::post(host, path, "question"), Call::post(host, path, "question").over_http2()]
        {
            let seen = open.send(call).await?;
            assert_eq!(seen.answer.json()["error"]["reason"], reason, "{seen:?}");
            seen.entry.check(json!({
                "status": status,
                "outcome": outcome,
                "reason": reason,
                "endpoint": format!("{host}{path}"),
                "response": {"end": "local_reply", "type": "application/json"},
            }))?;
        }
    }
    open.finish().await
}

async fn an_address_inside_the_own_network_is_refused_after_its_name_was_resolved(
    stage: Stage,
) -> Result<()> {
    let open = stage.open_with(|gateway| gateway.allow_domain("127.0.0.2")).await?;
    let seen = open.send(Call::get("127.0.0.2", "/latest/meta-data")).await?;
    seen.entry.check(json!({
        "status": 403,
        "outcome": "policy_blocked",
        "reason": "address_not_allowed",
        "response": {"end": "local_reply"},
    }))?;
    open.finish().await
}

async fn a_denial_by_rbac_is_recorded_before_and_behind_the_filter(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            let (before, behind) = (deny("/v1/before"), deny("/v1/behind"));
            gateway.filters_before(&[before])?.filters_behind(&[behind])
        })
        .await?;
    for path in ["/v1/before", "/v1/behind"] {
        let call = Call::post("provider.test", path, "question").header("x-agent-id", "sales");
        open.send_unread(call.marked_by_uuid()).await?.check(json!({
            "agent_id": "sales",
            "endpoint": format!("provider.test{path}"),
            "method": "POST",
            "status": 403,
            "outcome": "policy_blocked",
            "reason": "rbac_denied",
        }))?;
    }
    open.finish().await
}

async fn a_host_that_the_filter_denies_is_refused_before_a_byte_leaves(stage: Stage) -> Result<()> {
    let hosts = json!({"hosts": [
        {"hosts": ["h2.provider.test"], "call": "deny"},
        {"hosts": ["*.provider.test"], "mask_outbound": true},
        {"hosts": ["provider.test"], "call": "allow"},
        {"hosts": ["*"], "call": "deny"},
    ]});
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&hosts))).await?;
    let upgrade = Call::get("faulty.test", "/upgrade").header("connection", "upgrade");
    for call in [
        Call::get("faulty.test", "/v1/models"),
        Call::post("h2.provider.test", "/v1/messages", "question"),
        Call::post("faulty.test", "/v1/messages", "question").over_http2(),
        Call::new("POST", "faulty.test", "/v1/messages").body(Pattern::new(20_000)),
        Call::get("localhost", "/faulty.test:443/v1/models"),
        upgrade.header("upgrade", "websocket"),
    ] {
        let seen = open.send(call).await?;
        let error = &seen.answer.json()["error"];
        assert_eq!(error["type"], "permission_error");
        assert_eq!(error["reason"], "host_not_allowed");
        assert_eq!(error["correlation_id"], seen.answer.correlation_id);
        assert!(
            error["message"].to_string().contains("faulty.test")
                || seen.entry.text("endpoint").contains("h2.provider.test"),
            "{error}"
        );
        assert_eq!(seen.answer.header("x-should-retry"), [b"false"]);
        seen.entry.check(json!({
            "status": 403,
            "outcome": "policy_blocked",
            "reason": "host_not_allowed",
            "request_hash": null,
            "response": {"end": "local_reply", "type": "application/json"},
            "upstream": null,
        }))?;
    }
    assert!(open.simulator.exchanges().is_empty(), "a call left");
    for host in ["provider.test", "tls.provider.test"] {
        open.send(Call::get(host, "/v1/models")).await?.entry.check(json!({"status": 200}))?;
    }
    open.finish().await
}

async fn istios_own_refusals_are_known_by_its_words(stage: Stage) -> Result<()> {
    let block = |name: &str| {
        json!({
            "name": name,
            "domains": [format!("{name}.test").replace('_', "-")],
            "routes": [{
                "name": name,
                "match": {"prefix": "/"},
                "direct_response": {"status": 502},
            }],
        })
    };
    let hosts = [block("block_all"), block("out_of_order")];
    let mut callers = deny("/v1/callers");
    let policies = &mut callers["typed_config"]["rules"]["policies"];
    *policies = json!({"ns[ledgerline]-policy[callers]-rule[0]": policies["no_models"]});
    let open = stage
        .open_with(|gateway| {
            let gateway = gateway.filters_behind(&[callers])?;
            Ok(gateway.adapt(|bootstrap| add_virtual_hosts(bootstrap, &hosts)))
        })
        .await?;
    for (host, path, status, outcome, reason) in [
        ("block-all.test", "/", 502, "policy_blocked", "host_not_allowed"),
        ("out-of-order.test", "/", 502, "error", "gateway_fault"),
        ("provider.test", "/v1/callers", 403, "policy_blocked", "rbac_denied"),
        ("provider.test", "/status/502", 502, "error", "upstream_response"),
    ] {
        let entry = open.send(Call::get(host, path)).await?.entry;
        entry.check(json!({"status": status, "outcome": outcome, "reason": reason}))?;
    }
    open.finish().await
}

fn add_virtual_hosts(bootstrap: &mut Value, hosts: &[Value]) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let all = &mut bootstrap.pointer_mut(manager).unwrap()["route_config"]["virtual_hosts"];
    all.as_array_mut().unwrap().extend_from_slice(hosts);
}

async fn a_rate_limit_of_the_gateway_is_a_throttle(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| gateway.filters_behind(&[one_call_an_hour()])).await?;
    let call = || Call::get("provider.test", "/v1/models");
    open.send(call()).await?.entry.check(json!({"status": 200, "outcome": "success"}))?;
    open.send(call()).await?.entry.check(json!({
        "status": 429,
        "outcome": "throttled",
        "reason": "rate_limited",
        "response": {"end": "local_reply"},
    }))?;
    open.finish().await
}

async fn an_answer_before_the_end_of_the_request_leaves_the_part_that_crossed(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    let upload = Pattern::new(20_000_000);
    for host in ["faulty.test", "h2.provider.test"] {
        let call = Call::new("POST", host, "/early/413").body(upload.clone()).over_http2();
        // Whether the answer or the end of the upload arrives first is a race that a client may
        // lose.
        let entry = open.send_unread(call).await?;
        entry.check(json!({"status": 413, "outcome": "error", "reason": "upstream_response"}))?;
        check_prefix(&entry, "request", 20_000_000);
    }
    open.finish().await
}

fn deny(path: &str) -> Value {
    http_filter(
        "rbac.v3.RBAC",
        json!({"rules": {"action": "DENY", "policies": {"no_models": {
            "principals": [{"any": true}],
            "permissions": [{"url_path": {"path": {"exact": path}}}]
        }}}}),
    )
}

fn one_call_an_hour() -> Value {
    let always = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    http_filter(
        "local_ratelimit.v3.LocalRateLimit",
        json!({
            "stat_prefix": "limit",
            "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
            "filter_enabled": always,
            "filter_enforced": always,
        }),
    )
}

fn http_filter(kind: &str, mut configuration: Value) -> Value {
    let kind = format!("type.googleapis.com/envoy.extensions.filters.http.{kind}");
    configuration["@type"] = kind.into();
    json!({"name": "test", "typed_config": configuration})
}
