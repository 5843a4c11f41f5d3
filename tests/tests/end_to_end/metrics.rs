//! What Prometheus reads of a gateway, and that it reads nothing else.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::workspace;
use serde_json::json;

use crate::{Stage, stage::Open};

on_each_envoy! {
    every_call_counts_for_what_its_entries_say,
    a_call_of_which_the_filter_lost_the_end_is_missing_among_the_final_entries,
    nothing_else_of_the_admin_is_behind_the_metrics,
}

async fn every_call_counts_for_what_its_entries_say(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            let denied = json!({"hosts": [{"hosts": ["h2.provider.test"], "call": "deny"}]});
            Ok(gateway.plugin(&denied).with_metrics())
        })
        .await?;
    let secrets = json!({"model": "m", "password": "hunter2", "api_key": "hunter2-hunter2"});
    let long_name = "a".repeat(5_000);
    for call in [
        Call::get("provider.test", "/v1/models"),
        Call::post_json("provider.test", "/echo", &secrets),
        Call::get("provider.test", "/v1/models").header("x-agent-id", long_name),
        Call::get("provider.test", "/status/500"),
        Call::get("refused.test", "/"),
        Call::get("provider.test", "/status/429"),
        Call::get("unlisted.test", "/v1/models"),
        Call::get("h2.provider.test", "/v1/models"),
    ] {
        call.send(open.gateway.address()).await?;
    }
    open.gateway.quiesce().await?;
    let metrics = open.gateway.metrics().await?;
    let lines = ledgerline_lines(&metrics);
    // One VM for each of two workers, one for the main thread, and one that was only tried.
    let expected = [
        r#"# TYPE ledgerline_calls_total counter"#,
        r#"ledgerline_calls_total{} 8"#,
        r#"# TYPE ledgerline_entries_total counter"#,
        r#"ledgerline_entries_total{outcome="error"} 2"#,
        r#"ledgerline_entries_total{outcome="policy_blocked"} 2"#,
        r#"ledgerline_entries_total{outcome="success"} 3"#,
        r#"ledgerline_entries_total{outcome="throttled"} 1"#,
        r#"# TYPE ledgerline_faults_total counter"#,
        r#"ledgerline_faults_total{} 0"#,
        r#"# TYPE ledgerline_masked_total counter"#,
        r#"ledgerline_masked_total{side="request"} 2"#,
        r#"ledgerline_masked_total{side="response"} 2"#,
        r#"# TYPE ledgerline_origins_total counter"#,
        r#"ledgerline_origins_total{} 4"#,
        r#"# TYPE ledgerline_truncated_entries_total counter"#,
        r#"ledgerline_truncated_entries_total{} 1"#,
    ];
    assert_eq!(lines, expected, "{}", lines.join("\n"));
    open.finish().await
}

async fn a_call_of_which_the_filter_lost_the_end_is_missing_among_the_final_entries(
    stage: Stage,
) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            let module = workspace::faulty_module()?;
            Ok(gateway.module(module).concurrency(1).with_metrics())
        })
        .await?;
    let traps = ["response_headers", "response_body"];
    for trap in traps {
        let call = Call::get("provider.test", "/v1/models").header("x-ledgerline-fault", trap);
        let correlation_id = call.correlation_id().to_owned();
        let _ = call.send(open.gateway.address()).await;
        open.provisional_entry(&correlation_id).await?;
        answered(&open).await?;
    }
    open.gateway.quiesce().await?;
    let text = open.gateway.metrics().await?;
    let metrics = numbers(&text);
    let [calls, success] =
        ["ledgerline_calls_total{}", r#"ledgerline_entries_total{outcome="success"}"#]
            .map(|name| metrics[name]);
    assert_eq!(calls - success, traps.len() as u64, "{metrics:#?}");
    // Main thread, worker, the one that was tried, and a new one after each trap.
    assert_eq!(metrics["ledgerline_origins_total{}"], 3 + traps.len() as u64, "{metrics:#?}");
    let reloads: Vec<_> =
        metrics.iter().filter(|(name, _)| name.contains("vm_reload_success")).collect();
    assert!(matches!(*reloads, [(_, 2)]), "{reloads:?} among {metrics:#?}");
    Ok(())
}

async fn nothing_else_of_the_admin_is_behind_the_metrics(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| Ok(gateway.with_metrics())).await?;
    let before = open.gateway.metrics().await?;
    assert!(before.contains("envoy_filesystem_write_failed{} 0"), "{before}");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/config_dump"),
        ("GET", "/server_info"),
        ("GET", "/stats"),
        ("GET", "/stats/prometheus/"),
        ("GET", "/stats/prometheus?usedonly"),
        ("GET", "/stats/prometheus/../../config_dump"),
        ("GET", "/stats%2fprometheus"),
        ("GET", "//stats/prometheus"),
        ("POST", "/stats/prometheus"),
        ("POST", "/quitquitquit"),
        ("POST", "/healthcheck/fail"),
        ("POST", "/reset_counters"),
    ] {
        for over_http2 in [false, true] {
            let call = Call::new(method, "metrics", path);
            let call = if over_http2 { call.over_http2() } else { call };
            let answer = call.send(open.gateway.metrics_address()?).await?;
            assert_eq!((answer.status, &*answer.body), (404, &b""[..]), "{method} {path}");
        }
    }
    assert_eq!(open.send(Call::get("provider.test", "/v1/models")).await?.answer.status, 200);
    let entries = open.gateway.ledger().entries()?;
    assert_eq!(entries.len(), 1, "the metrics are read without an entry");
    open.finish().await
}

/// Waits until a call is answered again.
async fn answered(open: &Open) -> Result<()> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while Call::get("provider.test", "/v1/models").send(open.gateway.address()).await?.status != 200
    {
        ensure!(tokio::time::Instant::now() < deadline, "the filter does not come back");
    }
    Ok(())
}

/// The filter's own lines, in the order of their names.
fn ledgerline_lines(metrics: &str) -> Vec<&str> {
    let is_ours = |line: &&str| line.trim_start_matches("# TYPE ").starts_with("ledgerline_");
    let mut lines: Vec<_> = metrics.lines().filter(is_ours).collect();
    let name = |line: &str| line.trim_start_matches("# TYPE ").replace(['{', ' '], "\0");
    lines.sort_by_key(|line| (name(line), line.to_string()));
    lines
}

/// Every counter and gauge with its labels.
pub(crate) fn numbers(metrics: &str) -> BTreeMap<&str, u64> {
    let pairs = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    pairs.filter_map(|(name, number)| Some((name, number.parse().ok()?))).collect()
}
