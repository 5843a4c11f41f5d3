//! What a call to an MCP server was about, by the SDK of the protocol, in both of its eras.
//!
//! The servers are real, too: what they answer, and in how many exchanges, is not for a test to
//! decide.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use ledgerline_core::mask::PLACEHOLDER;
use ledgerline_tests::envoy::{Host, Upstream};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::process::{Supervised, eventually};
use serde_json::{Value, json};

use crate::Stage;
use crate::real_clients::Client;
use crate::stage::Open;

on_each_envoy! {
    the_sdk_of_the_protocol_of_2026,
    the_sdk_of_the_protocol_of_2025,
    the_sdk_over_the_two_connections_of_2024,
    a_session_whose_calls_leave_masked,
}

async fn the_sdk_of_the_protocol_of_2026(stage: Stage) -> Result<()> {
    let server = Client::python("mcp_server.py")?;
    let (open, got) = play(stage, &server, &Client::python("mcp_client.py")?).await?;
    assert_eq!(
        got,
        [
            json!({"call": "list_tools", "got": ["weather", "storm"]}),
            json!({"call": "good_tool", "got": [false, "sunny in Paris"]}),
            json!({"call": "traced_tool", "got": [false, "sunny in Rome"]}),
            json!({"call": "failing_tool", "got": [true, "Error executing tool storm"]}),
            json!({"call": "resource", "got": "bring an umbrella"}),
            json!({"call": "prompt", "got": "What will the weather be in Paris?"}),
            json!({"call": "unknown_prompt", "got": -32_603}),
            json!({"call": "unknown_method", "got": -32_601}),
        ]
    );
    let success = |mcp: Value| said("POST", 200, "success", Value::Null, mcp);
    let error = |status, reason: &str, mcp| said("POST", status, "error", json!(reason), mcp);
    let unknown =
        json!({"method": "completion/complete", "prompt": "forecast", "error_code": -32_601});
    let nothing = json!({"method": "prompts/get", "prompt": "nothing", "error_code": -32_603});
    let expected = [
        success(json!({"method": "server/discover"})),
        success(json!({"method": "tools/list"})),
        success(json!({"method": "tools/call", "tool": "weather"})),
        success(json!({"method": "tools/call", "tool": "weather"})),
        error(200, "tool_error", json!({"method": "tools/call", "tool": "storm"})),
        success(json!({"method": "resources/read", "resource_uri": "notes://paris"})),
        success(json!({"method": "prompts/get", "prompt": "forecast"})),
        error(200, "application_error", nothing),
        error(404, "upstream_response", unknown),
    ];
    let entries = entries(&open)?;
    assert_eq!(entries.iter().map(saying).collect::<Vec<_>>(), expected);
    check_trace(&entries);
    for entry in entries {
        entry.check(json!({"stream": null, "mcp": {"protocol_version": "2026-07-28"}}))?;
        entry.check(json!({"mcp": {"session_id": null}}))?;
    }
    open.finish().await
}

/// What the older SDK makes of the answers, over either transport.
fn told_by_the_older_sdk() -> Vec<Value> {
    let told = "Error executing tool storm: no instruments in Paris";
    vec![
        json!({"call": "initialize", "got": "2025-11-25"}),
        json!({"call": "list_tools", "got": ["weather", "storm"]}),
        json!({"call": "good_tool", "got": [false, "sunny in Paris"]}),
        json!({"call": "traced_tool", "got": [false, "sunny in Rome"]}),
        json!({"call": "failing_tool", "got": [true, told]}),
        json!({"call": "resource", "got": "bring an umbrella"}),
        json!({"call": "prompt", "got": "What will the weather be in Paris?"}),
        json!({"call": "unknown_prompt", "got": 0}),
        json!({"call": "unknown_method", "got": -32_601}),
    ]
}

async fn the_sdk_of_the_protocol_of_2025(stage: Stage) -> Result<()> {
    let server = Client::python_of_older_mcp("mcp1_server.py")?;
    let client = Client::python_of_older_mcp("mcp1_client.py")?;
    let (open, got) = play(stage, &server, &client).await?;
    assert_eq!(got, told_by_the_older_sdk());
    let success = |mcp: Value| said("POST", 200, "success", Value::Null, mcp);
    let error = |reason: &str, mcp| said("POST", 200, "error", json!(reason), mcp);
    let expected = [
        success(json!({"method": "initialize"})),
        said("POST", 202, "success", Value::Null, json!({"method": "notifications/initialized"})),
        success(json!({"method": "tools/list"})),
        success(json!({"method": "tools/call", "tool": "weather"})),
        success(json!({"method": "tools/call", "tool": "weather"})),
        error("tool_error", json!({"method": "tools/call", "tool": "storm"})),
        success(json!({"method": "resources/read", "resource_uri": "notes://paris"})),
        success(json!({"method": "prompts/get", "prompt": "forecast"})),
        error(
            "application_error",
            json!({"method": "prompts/get", "prompt": "nothing", "error_code": 0}),
        ),
        error(
            "application_error",
            json!({"method": "completion/complete", "prompt": "forecast", "error_code": -32_601}),
        ),
        said("DELETE", 200, "success", Value::Null, json!({})),
    ];
    // The stream for what the server itself has to say ends when its client hangs up.
    let (standing, calls): (Vec<_>, Vec<_>) =
        entries(&open)?.into_iter().partition(|entry| entry["method"] == "GET");
    assert_eq!(calls.iter().map(saying).collect::<Vec<_>>(), expected);
    check_trace(&calls);
    assert_eq!(standing.len(), 1, "{standing:?}");
    let ended = json!({"status": 200, "outcome": "success", "reason": null});
    standing.iter().try_for_each(|entry| entry.check(ended.clone()))?;
    let session = &calls[0]["mcp"]["session_id"];
    assert!(session.as_str().is_some_and(|id| !id.is_empty()), "{}", calls[0]);
    for entry in calls.iter().chain(&standing) {
        let protocol = "2025-11-25";
        entry.check(json!({"mcp": {"session_id": session, "protocol_version": protocol}}))?;
        let is_stream = entry["response"]["type"] == "text/event-stream";
        assert_eq!(entry["stream"]["kind"] == "sse", is_stream, "{entry}");
        let answered = entry["method"] == "POST" && is_stream;
        assert!(!answered || entry["stream"]["events"].as_u64() >= Some(1), "{entry}");
    }
    open.finish().await
}

/// Progress, schemas and structured answers come through; of a call only the value of its password is replaced.
async fn a_session_whose_calls_leave_masked(stage: Stage) -> Result<()> {
    let server = Client::python_of_older_mcp("mcp1_private_server.py")?;
    let client = Client::python_of_older_mcp("mcp1_private_client.py")?;
    let outbound = json!({"mask": {"outbound": true, "outbound_likely": true}});
    let (open, got) = play_with(stage, &server, &client, "mcp.test/mcp", &outbound).await?;
    let steps = [1, 2, 3].map(|step| json!([f64::from(step), 3.0, format!("step {step}")]));
    let account = json!({
        "user": "ada", "password_length": PLACEHOLDER.len(), "token": null,
        "next_page_token": "CAUQAA",
    });
    assert_eq!(
        got,
        [
            json!({"call": "schema", "got": {"title": "Password", "type": "string"}}),
            json!({"call": "progress", "got": [false, {"result": 3}, steps]}),
            json!({"call": "structured", "got": [false, account]}),
        ]
    );
    open.finish().await
}

/// The calls are posted on one connection and taken with 202; what became of them comes on the other. The server says
/// where to post them to, as a path of its own, so that the gateway has to be the proxy here.
async fn the_sdk_over_the_two_connections_of_2024(stage: Stage) -> Result<()> {
    let server = Client::python_of_older_mcp("mcp1_server.py")?.with("--sse");
    let client = Client::python_of_older_mcp("mcp1_client.py")?.with("--sse");
    let (open, got) = play_with(stage, &server, &client, "http://mcp.test/sse", &json!({})).await?;
    assert_eq!(got, told_by_the_older_sdk());
    let posted = |mcp: Value| said("POST", 202, "success", Value::Null, mcp);
    let expected = [
        posted(json!({"method": "initialize"})),
        posted(json!({"method": "notifications/initialized"})),
        posted(json!({"method": "tools/list"})),
        posted(json!({"method": "tools/call", "tool": "weather"})),
        posted(json!({"method": "tools/call", "tool": "weather"})),
        posted(json!({"method": "tools/call", "tool": "storm"})),
        posted(json!({"method": "resources/read", "resource_uri": "notes://paris"})),
        posted(json!({"method": "prompts/get", "prompt": "forecast"})),
        posted(json!({"method": "prompts/get", "prompt": "nothing"})),
        posted(json!({"method": "completion/complete", "prompt": "forecast"})),
    ];
    let (standing, calls): (Vec<_>, Vec<_>) =
        entries(&open)?.into_iter().partition(|entry| entry["method"] == "GET");
    assert_eq!(calls.iter().map(saying).collect::<Vec<_>>(), expected);
    check_trace(&calls);
    assert_eq!(standing.len(), 1, "{standing:?}");
    standing.iter().try_for_each(|entry| {
        entry.check(json!({"outcome": "error", "reason": "tool_error", "stream": {"kind": "sse"}}))
    })?;
    open.finish().await
}

/// The one call that carried a trace says which, and no other does.
fn check_trace(entries: &[Entry]) {
    let traces: Vec<_> = entries.iter().filter(|entry| !entry["trace_id"].is_null()).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert_eq!(traces[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(traces[0]["mcp"]["tool"], "weather");
}

/// Runs a client against a server behind the gateway.
async fn play(stage: Stage, server: &Client, client: &Client) -> Result<(Open, Vec<Value>)> {
    play_with(stage, server, client, "mcp.test/mcp", &json!({})).await
}

/// As [`play`], with a configuration of the filter, or where the server is at another path of the gateway, or has the gateway as the proxy to a URL.
async fn play_with(
    stage: Stage,
    server: &Client,
    client: &Client,
    url: &str,
    configuration: &Value,
) -> Result<(Open, Vec<Value>)> {
    let folder = tempfile::Builder::new().prefix("ledgerline-mcp-").tempdir()?;
    let output = folder.path().join("port");
    let mut command = server.command()?;
    command.stdout(File::create(&output)?).stderr(Stdio::null());
    let _running = Supervised::spawn(&mut command, folder.path())?;
    let port = eventually(Duration::from_secs(30), || {
        std::fs::read_to_string(&output).ok()?.strip_suffix('\n')?.parse::<u16>().ok()
    });
    let address = ([127, 0, 0, 1], port.await.context("the MCP server does not start")?).into();
    let host = Host::new("mcp.test", Upstream::Http1, address);
    let open = stage.open_with(|gateway| gateway.plugin(configuration).host(&host)).await?;
    let proxy = open.gateway.url("");
    let got = match url.contains("://") {
        true => client.run(&open, &[("MCP_URL", url), ("HTTP_PROXY", &proxy)])?,
        false => client.run(&open, &[("MCP_URL", &open.gateway.url(url))])?,
    };
    open.gateway.quiesce().await?;
    Ok((open, got))
}

/// The last entry of each call, in the order in which the calls began.
fn entries(open: &Open) -> Result<Vec<Entry>> {
    let mut entries = open.gateway.ledger().entries()?;
    entries.retain(|entry| entry["provisional"].is_null());
    entries.sort_by_key(|entry| entry.text("timestamp").to_owned());
    entries.iter().for_each(print);
    Ok(entries)
}

/// What an entry shall say of how a call ended, and of what it was about.
fn said(method: &str, status: u16, outcome: &str, reason: Value, mcp: Value) -> Value {
    json!({"method": method, "status": status, "outcome": outcome, "reason": reason, "mcp": mcp})
}

/// What it says, without what is the same in all entries of a session.
fn saying(entry: &Entry) -> Value {
    let mut mcp = entry["mcp"].clone();
    if let Some(members) = mcp.as_object_mut() {
        members.remove("protocol_version");
        members.remove("session_id");
    }
    json!({
        "method": entry["method"], "status": entry["status"],
        "outcome": entry["outcome"], "reason": entry["reason"], "mcp": mcp
    })
}

/// A line of a table for people: `--nocapture` shows it.
fn print(entry: &Entry) {
    let client = entry["request"]["headers"]["user-agent"].as_str().unwrap_or("-");
    println!(
        "| {client} | {} | {} {} {} | {} | {} {} | {} {} |",
        entry.text("method"),
        entry["status"],
        entry.text("outcome"),
        entry.text("reason"),
        entry["mcp"],
        entry["stream"]["kind"],
        entry["stream"]["events"],
        entry["response"]["type"],
        entry["session_id"],
    );
}
