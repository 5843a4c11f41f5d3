//! While the ledger has no room, calls are refused: what cannot be recorded does not happen.

use std::path::Path;

use anyhow::{Context, Result};
use ledgerline_tests::client::Call;
use ledgerline_tests::envoy::Gateway;
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::real_clients::Client;
use crate::{Stage, stage::Open};

on_each_envoy! {
    no_sdk_tries_a_call_again_that_cannot_be_recorded,
    the_overlays_refuse_and_record_in_the_same_way,
    calls_are_refused_while_the_ledger_has_no_room,
}

async fn calls_are_refused_while_the_ledger_has_no_room(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let open = stage.open_with(|gateway| Ok(gateway.ledger_folder(ledger).with_metrics())).await?;
    let question = || Call::post("provider.test", "/v1/chat/completions", "question");
    assert_eq!(open.send(question()).await?.answer.status, 200);

    set_pressure(&open.gateway, folder.path(), 1).await?;
    const UUID: &str = "123e4567-e89b-42d3-a456-426614174000";
    let own = open.gateway.address().to_string();
    for (call, id) in [
        (question(), None),
        (question().over_http2(), None),
        (Call::post(&own, "/provider.test/v1/chat/completions", "question"), None),
        (Call::post("localhost", "/provider.test", "question"), None),
        (Call::post("provider.test:443", "/v1", "question"), None),
        (question().without_correlation_id().header("x-correlation-id", UUID), Some(UUID)),
        // No word of a caller is printed that could be a secret.
        (question().without_correlation_id().header("x-correlation-id", "sk-fake-000"), None),
    ] {
        let answer = call.send(open.gateway.address()).await?;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("x-should-retry"), [b"false"]);
        let body = answer.json();
        assert_eq!(body["error"]["reason"], "sink_unavailable", "{answer:?}");
        let answered = body["error"]["correlation_id"].as_str().unwrap_or_default();
        assert_eq!(answer.header("x-correlation-id"), [answered.as_bytes()]);
        assert_eq!(answered.len(), UUID.len(), "{answer:?}");
        assert!(id.is_none_or(|id| id == answered), "{answer:?}");
        open.entry(answered).await?.check(json!({
            "agent_id": null,
            "endpoint": "provider.test",
            "method": "POST",
            "status": 503,
            "outcome": "policy_blocked",
            "reason": "sink_unavailable",
        }))?;
    }

    let metrics = open.gateway.metrics().await?;
    assert!(metrics.contains("ledgerline_calls_total{} 1"), "{metrics}");

    set_pressure(&open.gateway, folder.path(), 0).await?;
    assert_eq!(open.send(question()).await?.answer.status, 200);
    open.finish().await
}

async fn no_sdk_tries_a_call_again_that_cannot_be_recorded(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().to_owned();
    let gateway = stage.gateway()?.providers(&stage.simulator)?.ledger_folder(ledger);
    let open = Open { gateway: gateway.start().await?, simulator: stage.simulator };
    set_pressure(&open.gateway, folder.path(), 1).await?;
    let mut calls = 0;
    for (client, statuses) in [
        (Client::python("refused_client.py")?, &[503, 503, 507, 507][..]),
        (Client::node("refused_client.cjs")?, &[503, 503]),
    ] {
        let got = client.run(&open, &[])?;
        let got: Vec<_> = got.iter().map(|line| line["status"].clone()).collect();
        assert_eq!(json!(got), json!(statuses));
        calls += statuses.len();
    }
    open.gateway.quiesce().await?;
    let entries = open.gateway.ledger().entries()?;
    assert_eq!(entries.len(), calls, "one attempt each: {entries:?}");
    for entry in &entries {
        entry.check(json!({"outcome": "policy_blocked", "reason": "sink_unavailable"}))?;
        let provider =
            ["api.openai.com", "api.anthropic.com", "bedrock-runtime.us-east-1.amazonaws.com"];
        assert!(provider.contains(&entry.text("endpoint")), "{entry}");
        assert_eq!(entry.text("correlation_id").len(), 36, "{entry}");
    }
    open.finish().await
}

/// What the overlays say of the gateway's own answers, in the place of what the bootstrap says.
async fn the_overlays_refuse_and_record_in_the_same_way(stage: Stage) -> Result<()> {
    for (file, has_pressure) in [
        ("istio/envoy-filter.yaml", true),
        ("istio-ambient/envoy-filter.yaml", true),
        ("istio-mesh-wide/envoy-filter.yaml", false),
        ("envoy-gateway/patches.yaml", true),
    ] {
        let text = std::fs::read_to_string(workspace::root().join("k8s/overlays").join(file))?;
        let overlay: Value = serde_saphyr::from_str(&text)?;
        let answers = own_answers(&overlay).context(file)?.clone();
        let folder = tempfile::tempdir()?;
        let gateway = stage.gateway()?.ledger_folder(folder.path().to_owned());
        let gateway = gateway.adapt(|bootstrap| {
            let filters = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0];
            filters["filters"][0]["typed_config"]["local_reply_config"] = answers;
        });
        let gateway = gateway.start().await?;
        set_pressure(&gateway, folder.path(), 1).await?;
        let question = || Call::post("provider.test", "/v1", "question");
        let from_aws = question().header("amz-sdk-invocation-id", "1");
        for (call, status) in [(Some(from_aws), 507), (has_pressure.then(question), 503)] {
            let Some(call) = call else { continue };
            let answer = call.send(gateway.address()).await?;
            assert_eq!(answer.status, status, "{file}: {answer:?}");
            assert_eq!(answer.header("x-should-retry"), [b"false"], "{file}");
            let body = answer.json();
            assert_eq!(body["error"]["reason"], "sink_unavailable", "{file}: {answer:?}");
            let id = body["error"]["correlation_id"].as_str().unwrap_or_default();
            let entry = gateway.ledger().wait_for_call(id, false).await?;
            entry.check(json!({"status": status, "endpoint": "provider.test"}))?;
        }
    }
    Ok(())
}

/// The value of the first `local_reply_config`, or of the patch that adds one.
fn own_answers(value: &Value) -> Option<&Value> {
    const KEY: &str = "local_reply_config";
    match value {
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str);
            let patch = path.filter(|path| path.ends_with(KEY)).and_then(|_| members.get("value"));
            let here = members.get(KEY).or(patch);
            here.or_else(|| members.values().find_map(own_answers))
        }
        Value::Array(list) => list.iter().find_map(own_answers),
        _ => None,
    }
}

/// Says in the ledger's folder, as `ledgerline ship` does, how much room is left, and waits until the gateway knows.
async fn set_pressure(gateway: &Gateway, ledger: &Path, pressure: u64) -> Result<()> {
    const STAT: &str = "overload.envoy.overload_actions.stop_accepting_requests.active";
    let new = ledger.join("pressure.new");
    std::fs::write(&new, pressure.to_string())?;
    std::fs::rename(new, ledger.join("pressure"))?;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while gateway.admin().stats(STAT).await?.get(STAT)? != pressure {
        let in_time = tokio::time::Instant::now() < deadline;
        in_time.then_some(()).with_context(|| format!("pressure {pressure} is not seen"))?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}
