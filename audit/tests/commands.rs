//! The tool as a person meets it: arguments in, words and an exit code out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

const ENTRY: &str = concat!(
    r#"{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"sales","user_id":null,"#,
    r#""endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,"request_hash":null,"#,
    r#""response_hash":null,"outcome":"success","correlation_id":"c9f8e7"}"#
);

/// Exit code, standard output, standard error.
fn ledgerline(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ledgerline")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn in_folder(files: &[(&str, &str)], check: impl FnOnce(&dyn Fn(&str) -> String)) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    files.iter().for_each(|(name, text)| fs::write(path(name), text).unwrap());
    check(&path);
}

#[test]
fn check_config_says_yes_no_or_cannot_tell() {
    let files = [("good.json", "{}"), ("bad.json", r#"{"headers":{"log_request":["cookie"]}}"#)];
    in_folder(&files, |path| {
        let (code, out, _) = ledgerline(&["check-config", &path("good.json")]);
        assert!(code == Some(0) && out.contains("OK"), "{out}");
        let (code, _, err) = ledgerline(&["check-config", &path("bad.json")]);
        assert!(
            code == Some(1) && err.contains("headers.log_request[0]: `cookie` carries"),
            "{err}"
        );
        assert_eq!(ledgerline(&["check-config", &path("missing.json")]).0, Some(2));
    });
}

#[test]
fn the_shipped_bootstrap_has_a_configuration_that_loads() {
    let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/egress.yaml");
    let (code, out, err) = ledgerline(&["check-config", bootstrap.to_str().unwrap()]);
    assert!(code == Some(0) && out.contains("1 configuration"), "{out}{err}");
}

#[test]
fn show_follows_a_ledger_through_its_rotation() {
    in_folder(&[("entries.jsonl", "")], |path| {
        let (live, old) = (path("entries.jsonl"), path("old.jsonl"));
        let add = |file: &str| {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
            writeln!(file, "{ENTRY}").unwrap();
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerline"));
        command.args(["show", "--follow", "--format", "json", &live]).stdout(Stdio::piped());
        let mut show = command.spawn().unwrap();
        let mut shown = BufReader::new(show.stdout.take().unwrap()).lines();
        add(&live);
        assert_eq!(shown.next().unwrap().unwrap(), ENTRY);
        fs::rename(&live, &old).unwrap();
        fs::write(&live, "").unwrap();
        add(&old);
        assert_eq!(shown.next().unwrap().unwrap(), ENTRY);
        add(&live);
        assert_eq!(shown.next().unwrap().unwrap(), ENTRY);
        show.kill().unwrap();
        show.wait().unwrap();
        assert_eq!(shown.count(), 0, "a line was shown twice");
    });
}

#[test]
fn show_prints_entries_and_counts_what_is_none() {
    let torn = format!("{ENTRY}\n{}\n\n{ENTRY}\n{}", &ENTRY[..40], &ENTRY[..50]);
    in_folder(&[("whole.jsonl", &format!("{ENTRY}\n")), ("torn.jsonl", &torn)], |path| {
        let (code, out, _) = ledgerline(&["show", &path("whole.jsonl")]);
        assert_eq!(code, Some(0));
        assert!(
            out.starts_with("12:34:56.000  success        200 POST   api.stripe.com/v1/charges\n"),
            "{out}"
        );
        let (code, out, _) = ledgerline(&["show", "--format", "json", &path("whole.jsonl")]);
        assert_eq!((code, out), (Some(0), format!("{ENTRY}\n")));
        let (code, out, err) = ledgerline(&["show", &path("torn.jsonl")]);
        assert_eq!((code, out.matches("success").count()), (Some(1), 2));
        assert!(err.contains(":2: no entry: the line ends too early"), "{err}");
        assert!(err.contains("3 of 5 lines are no entries"), "{err}");
    });
}

#[test]
fn show_recovers_the_entry_behind_a_tear() {
    let fused = format!("{ENTRY}\n{}{ENTRY}\n", &ENTRY[..70]);
    in_folder(&[("fused.jsonl", &fused)], |path| {
        let (code, out, err) = ledgerline(&["show", "--format", "json", &path("fused.jsonl")]);
        assert_eq!((code, out), (Some(1), format!("{ENTRY}\n{ENTRY}\n")));
        assert!(err.contains(":2: torn: an entry is lost"), "{err}");
        assert!(err.contains("1 line is torn, the whole entry behind the tear was"), "{err}");
    });
}

#[test]
fn show_tells_what_a_call_was_about() {
    let about = concat!(
        r#","stream":{"kind":"sse","events":7,"chunks":2},"gen_ai":{"request_model":"gpt-5","#,
        r#""input_tokens":12,"output_tokens":4,"tools":["search","fetch"]},"#,
        r#""mcp":{"method":"tools/call","tool":"lookup"}}"#
    );
    let entry = format!("{}{about}\n", &ENTRY[..ENTRY.len() - 1]);
    in_folder(&[("about.jsonl", &entry)], |path| {
        let (code, out, err) = ledgerline(&["show", &path("about.jsonl")]);
        assert_eq!(code, Some(0), "{err}");
        for part in [
            "gpt-5, 12 tokens in, 4 tokens out, calling search fetch",
            "tools/call lookup",
            "7 events",
        ] {
            assert!(out.contains(part), "{out}");
        }
    });
}

#[test]
fn schemas_are_printed_as_json() {
    for subject in ["config", "entry"] {
        let (code, out, _) = ledgerline(&["schema", subject]);
        assert_eq!(code, Some(0));
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(schema["type"], "object");
    }
}
