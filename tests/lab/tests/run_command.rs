//! `make run`, as far as a test can press its keys.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use ledgerline_lab::ledger::Entry;
use ledgerline_lab::ledger_folder::LedgerFolder;
use ledgerline_lab::workspace;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// The program that cargo built with this test, wherever its folder is now.
fn run() -> Command {
    Command::new(std::env::var_os("CARGO_BIN_EXE_run").unwrap_or_default())
}

#[test]
fn run_sends_its_sample_calls_and_leaves_their_entries_in_the_ledger() -> Result<()> {
    let ledger = LedgerFolder::new()?;
    // Twice, because a second start adds to the same ledger.
    for runs in 1..=2 {
        let output =
            run().args(["--once", "--port", "0", "--ledger"]).arg(ledger.path()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("entries.jsonl"), "{said}");
        let shown = String::from_utf8_lossy(&output.stdout);
        let missing = shown_in_readme()?.into_iter().find(|part| !shown.contains(part));
        assert_eq!(missing, None, "README.md shows it, and this was shown:\n{shown}");

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

/// What README.md shows of the sample calls, in parts: without the times, and how long each took.
fn shown_in_readme() -> Result<Vec<String>> {
    const MARK: &str = "<!-- run by tests/lab/tests/run_command.rs -->\n```text\n";
    const TIME: &str = "2026-06-30 12:34:56.000  ";
    let readme = std::fs::read_to_string(workspace::root().join("README.md"))?;
    let (_, block) = readme.split_once(MARK).context("the block")?;
    let lines = block.split("```").next().unwrap_or_default().lines();
    let parts = lines.filter_map(|line| line.get(TIME.len()..)).flat_map(|line| line.split(", "));
    let parts: Vec<_> =
        parts.filter(|part| !part.ends_with(" ms")).map(ToOwned::to_owned).collect();
    anyhow::ensure!(parts.len() > 6, "only {parts:?}");
    Ok(parts)
}

#[test]
fn run_names_the_port_that_is_taken() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let ledger = LedgerFolder::new()?;
    let output = run().args(["--once", "--port", &port, "--ledger"]).arg(ledger.path()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    Ok(())
}

#[test]
fn run_stays_until_it_is_interrupted_and_then_ends_in_order() -> Result<()> {
    let ledger = LedgerFolder::new()?;
    let mut child = run()
        .args(["--port", "0", "--ledger"])
        .arg(ledger.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let invited = said.find(|line| line.as_ref().is_ok_and(|line| line.contains("Ctrl-C")));
    invited.context("it ended before it served")??;
    let process = Pid::from_raw(i32::try_from(child.id())?).context("pid")?;
    kill_process(process, Signal::INT)?;
    let rest: Vec<_> = said.collect::<std::io::Result<_>>()?;
    assert!(child.wait()?.success(), "{rest:?}");
    let lines = std::fs::read_to_string(ledger.path().join("entries.jsonl"))?.lines().count();
    assert_eq!(lines, 7);
    Ok(())
}

/// A repository as far as `run` sees it, at another place: its own bootstrap, and what takes long to make.
fn moved_folder(change: impl FnOnce(String) -> String) -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("ledgerline-moved-").tempdir()?;
    std::fs::create_dir_all(folder.path().join("envoy"))?;
    std::fs::create_dir_all(folder.path().join("target"))?;
    for linked in [".cache", ".tools", "envoy/suit.sh", "target/ledgerline.wasm"] {
        std::os::unix::fs::symlink(workspace::root().join(linked), folder.path().join(linked))?;
    }
    let bootstrap = std::fs::read_to_string(workspace::egress_bootstrap()?)?;
    std::fs::write(folder.path().join("envoy/egress.yaml"), change(bootstrap))?;
    Ok(folder)
}

fn run_in(folder: &Path) -> Result<(bool, String)> {
    let output = run().args(["--once", "--port", "0"]).current_dir(folder).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // So that the folder can go.
    ledgerline_audit::protect::lift_from(&folder.join("ledger"));
    Ok((output.status.success(), said))
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    text.replace(old, new)
}

#[test]
fn a_moved_folder_starts_its_own_bootstrap_and_writes_its_own_ledger() -> Result<()> {
    let folder = moved_folder(|text| {
        replaced(&text, "agent_version: [x-agent-version]", "agent_version: [x-nobody-sends]")
    })?;
    let (succeeded, said) = run_in(folder.path())?;
    assert!(succeeded, "{said}");
    let ledger = folder.path().join("ledger");
    let text = std::fs::read_to_string(ledger.join("entries.jsonl"))?;
    assert_eq!(text.lines().count(), 7);
    assert!(!text.contains("1.0.0"), "the version was read as the other folder's bootstrap says");
    Ok(())
}

#[test]
fn run_says_what_is_wrong_with_the_bootstrap_in_one_sentence() -> Result<()> {
    for (what, old, new, expected) in [
        ("a key of the filter", "agent_version: [", "agent_versoin: [", "agent_versoin"),
        ("a value of the filter", "strip: true #", "strip: maybe #", "strip"),
        ("no YAML", "admin:\n", "admin: [\n", "egress.yaml"),
        ("a key of Envoy", "overload_manager:\n", "overlord_manager:\n", "overlord_manager"),
        (
            "a value of Envoy",
            "cluster: admin, timeout: 10s",
            "cluster: admin, timeout: soon",
            "route.timeout",
        ),
        (
            "a cluster that is not there",
            "cluster: admin, timeout",
            "cluster: nowhere, timeout",
            "nowhere",
        ),
    ] {
        let folder = moved_folder(|text| text.replacen(old, new, 1))?;
        assert!(
            std::fs::read_to_string(folder.path().join("envoy/egress.yaml"))?.contains(new),
            "{what}"
        );
        let (succeeded, said) = run_in(folder.path())?;
        assert!(!succeeded && said.contains(expected), "{what}: {said}");
        assert!(
            said.len() < 1000 && !said.contains("--port"),
            "{what}: {} bytes: {said}",
            said.len()
        );
    }
    Ok(())
}

#[test]
fn no_envoy_warns_of_its_bootstrap() -> Result<()> {
    for version in [workspace::OLDEST_ENVOY, workspace::NEWEST_ENVOY] {
        let folder = moved_folder(|text| text)?;
        let bootstrap = folder.path().join("envoy/egress.yaml");
        std::fs::write(&bootstrap, workspace::suited(&workspace::egress_bootstrap()?, version)?)?;
        std::fs::create_dir(folder.path().join("ledger"))?;
        let output = Command::new(workspace::envoy(version)?)
            .args(["--mode", "validate", "--log-level", "warning", "-c", "envoy/egress.yaml"])
            .current_dir(folder.path())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("[warning]"), "{version}: {said}");
    }
    Ok(())
}

/// Cargo does not build anew in a folder that was moved or copied, so what was compiled in leads to the old one.
#[test]
fn no_program_has_its_folder_compiled_in() -> Result<()> {
    let mut folders = vec![workspace::root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path)?;
                for variable in ["CARGO_MANIFEST_DIR", "CARGO_BIN_EXE", "OUT_DIR"] {
                    let compiled_in = format!("env!(\"{variable}");
                    assert!(!text.contains(&compiled_in), "{}: {variable}", path.display());
                }
            }
        }
    }
    Ok(())
}
