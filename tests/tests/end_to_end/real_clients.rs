//! Unmodified clients, pointed at the gateway by their environment and nothing else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::Stage;
use crate::stage::Open;

const TEXT: &str = "One entry per call.";

on_each_envoy! {
    the_openai_sdk_leaves_one_true_entry_per_call,
    the_anthropic_sdk_leaves_one_true_entry_per_call,
    the_fetch_of_node_leaves_one_true_entry_per_call,
}

async fn the_openai_sdk_leaves_one_true_entry_per_call(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let got = run(&open, workspace::python()?, "openai_client.py")?;
    assert_eq!(
        got,
        [
            json!({"call": "chat", "got": [TEXT, 11]}),
            json!({"call": "chat_streamed", "got": [TEXT, 11]}),
            json!({"call": "responses", "got": [TEXT, 11]}),
            json!({"call": "responses_streamed", "got": [TEXT, 11]}),
            json!({"call": "embeddings", "got": [0.25, -0.5, 0.125]}),
            json!({"call": "models", "got": ["simulated-1"]}),
        ]
    );
    check_entries(&open, got.len(), "OpenAI/Python").await?;
    open.finish().await
}

async fn the_anthropic_sdk_leaves_one_true_entry_per_call(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let got = run(&open, workspace::python()?, "anthropic_client.py")?;
    assert_eq!(
        got,
        [
            json!({"call": "message", "got": [TEXT, 4]}),
            json!({"call": "message_streamed", "got": [TEXT, 4]}),
            json!({"call": "models", "got": ["simulated-1"]}),
        ]
    );
    check_entries(&open, got.len(), "Anthropic/Python").await?;
    open.finish().await
}

async fn the_fetch_of_node_leaves_one_true_entry_per_call(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let got = run(&open, workspace::node()?, "fetch_client.mjs")?;
    assert_eq!(
        got,
        [
            json!({"call": "chat", "got": TEXT}),
            json!({"call": "chat_streamed", "got": TEXT}),
            json!({"call": "chat_uploaded_as_a_stream", "got": TEXT}),
            json!({"call": "models", "got": "simulated-1"}),
        ]
    );
    check_entries(&open, got.len(), "node").await?;
    open.finish().await
}

/// Runs a client in an environment that holds the base URLs, fake keys, and nothing of this
/// machine's own set-up for these SDKs.
fn run(open: &Open, interpreter: PathBuf, program: &str) -> Result<Vec<Value>> {
    let output = Command::new(interpreter)
        .arg(workspace::client_program(program)?)
        .env_clear()
        .env("OPENAI_BASE_URL", open.gateway.url("provider.test/v1"))
        .env("OPENAI_API_KEY", "sk-fake-openai-000")
        .env("ANTHROPIC_BASE_URL", open.gateway.url("provider.test"))
        .env("ANTHROPIC_API_KEY", "sk-ant-fake-000")
        .output()
        .with_context(|| format!("start {program}"))?;
    let failure = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} failed:\n{failure}\n{}", open.gateway.explain());
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

async fn check_entries(open: &Open, calls: usize, user_agent: &str) -> Result<()> {
    let entries = open.gateway.ledger().wait_for_count(calls).await?;
    ensure!(entries.len() == calls, "{} entries for {calls} calls", entries.len());
    ensure!(open.simulator.exchanges().len() == calls, "a call left more than once");
    for entry in entries {
        entry.check(json!({"status": 200, "outcome": "success", "agent_id": null}))?;
        let logged = entry["request"]["headers"]["user-agent"].as_str().unwrap_or_default();
        assert!(logged.starts_with(user_agent), "{entry}");
        assert!(!entry.line().contains("fake"), "{entry}");
        open.check_exchange(&entry);
        let authorization = open.exchange(&entry).request_header("authorization");
        assert!(authorization.concat().contains("fake"), "the provider got no key: {entry}");
    }
    Ok(())
}
