//! A configuration that is wrong does not start.

use anyhow::Result;
use serde_json::json;

use crate::Stage;

on_each_envoy! {
    a_wrong_configuration_refuses_to_load_and_names_the_key,
}

async fn a_wrong_configuration_refuses_to_load_and_names_the_key(stage: Stage) -> Result<()> {
    for (configuration, key) in [
        (json!({"identiti": {}}), "identiti"),
        (json!({"identity": {"agent": ["x-agent"]}}), "agent"),
        (json!({"headers": {"strip_request": "cookie"}}), "headers.strip_request"),
        (json!({"headers": {"log_request": ["authorization"]}}), "headers.log_request"),
        (json!({"endpoint": {"form": "url"}}), "endpoint.form"),
        (json!({"mask": {"rules": [{"name": "all", "pattern": ".*"}]}}), "mask.rules[0]"),
        (json!({"hosts": [{"hosts": ["https://a.test"]}]}), "hosts[0].hosts[0]"),
        (json!({"hash": {"key_env": "LEDGERLINE_HASH_KEY", "key_id": "k"}}), "is not set"),
    ] {
        let gateway = stage.gateway()?.plugin(&configuration).start().await;
        let error = gateway.map(drop).expect_err("it started");
        let error = format!("{error:#}");
        assert!(error.contains("ledgerline") && error.contains(key), "{configuration}: {error}");
    }
    Ok(())
}
