//! Unmodified clients, pointed at the gateway by their environment and nothing else.
//!
//! What their calls were about, and what the entries say of it, is in `models.rs` and `mcp.rs`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::workspace;
use serde_json::{Value, json};

use crate::Stage;
use crate::stage::Open;

/// What every model says.
pub(crate) const TEXT: &str = "One entry per call.";

on_each_envoy! {
    the_fetch_of_node_leaves_one_true_entry_per_call,
    clients_name_their_agent_as_the_readme_says,
}

async fn the_fetch_of_node_leaves_one_true_entry_per_call(stage: Stage) -> Result<()> {
    let open = stage.open_to_providers().await?;
    let got = Client::node("fetch_client.mjs")?.run(&open, &[])?;
    assert_eq!(
        got,
        [
            json!({"call": "chat", "got": TEXT}),
            json!({"call": "chat_streamed", "got": TEXT}),
            json!({"call": "chat_uploaded_as_a_stream", "got": TEXT}),
            json!({"call": "models", "got": "simulated-1"}),
        ]
    );
    for entry in entries(&open, got.len()).await? {
        entry.check(json!({"status": 200, "outcome": "success", "agent_id": null}))?;
        assert_eq!(entry["request"]["headers"]["user-agent"], "node", "{entry}");
        check_call(&open, &entry);
    }
    open.finish().await
}

/// In code, and by variables alone; and what README.md says is what these programs do.
async fn clients_name_their_agent_as_the_readme_says(stage: Stage) -> Result<()> {
    let open = stage.open_to_providers().await?;
    let variables = ["OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"]
        .map(|name| (name, "x-agent-id: sales"));
    let python = Client::python("named_client.py")?;
    let mut calls = python.run(&open, &[])?.len();
    calls += Client::node("named_client.cjs")?.run(&open, &[])?.len();
    calls += python.with("environment").run(&open, &variables)?.len();
    assert_eq!(calls, 8);
    for entry in entries(&open, calls).await? {
        entry.check(json!({"status": 200, "outcome": "success", "agent_id": "sales"}))?;
        assert!(open.exchange(&entry).request_header("x-agent-id").is_empty(), "{entry}");
    }
    let readme = std::fs::read_to_string(workspace::root().join("README.md"))?;
    for code in [
        r#"OpenAI(default_headers={"x-agent-id": "sales"})"#,
        r#"genai.Client(http_options={"headers": {"x-agent-id": "sales"}})"#,
        r#"client.meta.events.register("before-send", "#,
        r#"request.headers["x-agent-id"] = "sales""#,
        r#"new OpenAI({defaultHeaders: {"x-agent-id": "sales"}})"#,
        r#"ANTHROPIC_CUSTOM_HEADERS="x-agent-id: sales""#,
    ] {
        ensure!(readme.contains(code), "README.md does not say {code}");
    }
    open.finish().await
}

/// A program in `tests/clients` and what runs it.
#[derive(Debug)]
pub(crate) struct Client {
    interpreter: PathBuf,
    program: &'static str,
    arguments: Vec<&'static str>,
}

impl Client {
    /// A program for the Python that has the SDKs.
    pub(crate) fn python(program: &'static str) -> Result<Self> {
        Ok(Self { interpreter: workspace::python()?, program, arguments: Vec::new() })
    }

    /// A program for the Python that has the older MCP SDK.
    pub(crate) fn python_of_older_mcp(program: &'static str) -> Result<Self> {
        Ok(Self { interpreter: workspace::python_of_older_mcp()?, program, arguments: Vec::new() })
    }

    /// A program for Node.
    pub(crate) fn node(program: &'static str) -> Result<Self> {
        Ok(Self { interpreter: workspace::node()?, program, arguments: Vec::new() })
    }

    /// Adds an argument.
    pub(crate) fn with(mut self, argument: &'static str) -> Self {
        self.arguments.push(argument);
        self
    }

    /// The command, in an environment without anything of this machine's own set-up for the SDKs.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.interpreter);
        let program = workspace::client_program(self.program)?;
        command.arg(program).args(&self.arguments).env_clear();
        Ok(command)
    }

    /// Runs the program against the gateway, with fake keys: the lines that it prints.
    pub(crate) fn run(&self, open: &Open, more: &[(&str, &str)]) -> Result<Vec<Value>> {
        let program = self.program;
        let url = |path| open.gateway.url(path);
        let output = self
            .command()?
            .env("NODE_PATH", workspace::node_modules()?)
            .env("OPENAI_BASE_URL", url("api.openai.com/v1"))
            .env("OPENAI_API_KEY", "sk-fake-openai-000")
            .env("ANTHROPIC_BASE_URL", url("api.anthropic.com"))
            .env("ANTHROPIC_API_KEY", "sk-ant-fake-000")
            .env("AZURE_OPENAI_ENDPOINT", url("simulated.openai.azure.com"))
            .env("AZURE_OPENAI_API_KEY", "fake-azure-000")
            .env("MISTRAL_BASE_URL", url("api.mistral.ai/v1"))
            .env("GROQ_BASE_URL", url("api.groq.com/openai/v1"))
            .env("GOOGLE_GEMINI_BASE_URL", url("generativelanguage.googleapis.com"))
            .env("GEMINI_API_KEY", "fake-gemini-000")
            .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url("bedrock-runtime.us-east-1.amazonaws.com"))
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "fake-id")
            .env("AWS_SECRET_ACCESS_KEY", "fake-secret")
            .envs(more.iter().copied())
            .output()
            .with_context(|| format!("start {program}"))?;
        let failure = String::from_utf8_lossy(&output.stderr);
        let explain = || open.gateway.explain();
        ensure!(output.status.success(), "{program} failed:\n{failure}\n{}", explain());
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
    }
}

/// The last entry of each call, in the order in which the calls began.
pub(crate) async fn entries(open: &Open, calls: usize) -> Result<Vec<Entry>> {
    let mut entries = open.gateway.ledger().wait_for_count(calls).await?;
    open.gateway.quiesce().await?;
    entries = open.gateway.ledger().entries().unwrap_or(entries);
    entries.retain(|entry| entry["provisional"].is_null());
    entries.sort_by_key(|entry| entry.text("timestamp").to_owned());
    ensure!(entries.len() == calls, "{} entries for {calls} calls", entries.len());
    ensure!(open.simulator.exchanges().len() <= calls, "a call left more than once");
    Ok(entries)
}

/// Checks what holds for the entry of every call of these programs.
pub(crate) fn check_call(open: &Open, entry: &Entry) {
    assert!(!entry.line().contains("fake"), "{entry}");
    let exchange = open.exchange(entry);
    if entry["response"]["end"] == "complete" {
        open.check_exchange(entry);
    }
    let keys = exchange
        .request_headers
        .iter()
        .any(|(_, value)| String::from_utf8_lossy(value).contains("fake"));
    assert!(keys, "the provider got no key: {entry}");
}
