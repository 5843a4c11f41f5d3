//! `make run`, as far as a test can press its keys.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use ledgerline_lab::ledger::Entry;
use ledgerline_lab::ledger_folder::LedgerFolder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const RUN: &str = env!("CARGO_BIN_EXE_run");

#[test]
fn run_sends_its_sample_calls_and_leaves_their_entries_in_the_ledger() -> Result<()> {
    let ledger = LedgerFolder::new()?;
    // Twice, because a second start adds to the same ledger.
    for runs in 1..=2 {
        let output = Command::new(RUN)
            .args(["--once", "--port", "0", "--ledger"])
            .arg(ledger.path())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("entries.jsonl"), "{said}");
        assert!(!output.stdout.is_empty(), "no entry was shown");

        let text = std::fs::read_to_string(ledger.path().join("entries.jsonl"))?;
        let entries: Vec<_> =
            text.lines().map(|line| Entry::parse(line.as_bytes())).collect::<Result<_>>()?;
        let ends: Vec<_> =
            entries.iter().map(|entry| (entry.text("outcome"), entry.text("reason"))).collect();
        let expected = [
            ("success", ""),
            ("success", ""),
            ("error", "upstream_response"),
            ("throttled", "rate_limited"),
            ("error", "connect_failure"),
            ("policy_blocked", "host_not_allowed"),
            ("error", "client_disconnect"),
        ];
        assert_eq!(ends, expected.repeat(runs));
        for entry in &entries {
            entry
                .check(json!({"agent_id": "sample-agent", "correlation_id": "sample-workflow"}))?;
        }
        assert!(!text.contains("fake"), "a credential is in the ledger");
    }
    Ok(())
}

#[test]
fn run_names_the_port_that_is_taken() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let ledger = LedgerFolder::new()?;
    let output = Command::new(RUN)
        .args(["--once", "--port", &port, "--ledger"])
        .arg(ledger.path())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    Ok(())
}

#[test]
fn run_stays_until_it_is_interrupted_and_then_ends_in_order() -> Result<()> {
    let ledger = LedgerFolder::new()?;
    let mut run = Command::new(RUN)
        .args(["--port", "0", "--ledger"])
        .arg(ledger.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(run.stderr.take().context("stderr")?).lines();
    let invited = said.find(|line| line.as_ref().is_ok_and(|line| line.contains("Ctrl-C")));
    invited.context("it ended before it served")??;
    let process = Pid::from_raw(i32::try_from(run.id())?).context("pid")?;
    kill_process(process, Signal::INT)?;
    let rest: Vec<_> = said.collect::<std::io::Result<_>>()?;
    assert!(run.wait()?.success(), "{rest:?}");
    let lines = std::fs::read_to_string(ledger.path().join("entries.jsonl"))?.lines().count();
    assert_eq!(lines, 7);
    Ok(())
}
