//! `ledgerline compare` as a person meets it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, io::Write, path::Path, process::Command};

use serde_json::{Value, json};

fn entry(id: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"quiet","user_id":null,"endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,"request_hash":null,"response_hash":null,"outcome":"success","correlation_id":"{id}"}}"#
    )
}

fn lines(ids: &[&str]) -> String {
    ids.iter().map(|id| entry(id) + "\n").collect()
}

/// As the collector's file exporter writes it: one document, all entries in it.
fn otlp(ids: &[&str]) -> String {
    let record = |id: &&str| json!({"body": {"stringValue": entry(id)}, "timeUnixNano": "1"});
    let records: Vec<_> = ids.iter().map(record).collect();
    format!("{}\n", json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}))
}

/// Exit code, standard output, standard error.
fn compare(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerline"));
    let output = command.arg("compare").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn report(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let (code, out, err) = compare(folder, &[arguments, &["--format", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

#[test]
fn a_ledger_in_many_files_equals_its_witness_in_otlp() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("ledger/segments")).unwrap();
    fs::write(path("ledger/entries.jsonl"), lines(&["e"])).unwrap();
    fs::write(path("ledger/entries-1.draining"), lines(&["d"])).unwrap();
    fs::write(path("ledger/connections.jsonl"), "{}\n").unwrap();
    fs::write(path("ledger/shipped.jsonl"), "{}\n").unwrap();
    let packed = fs::File::create(path("ledger/segments/1.jsonl.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(lines(&["a", "b", "c", "c"]).as_bytes()).unwrap();
    packed.finish().unwrap();
    fs::write(path("witness.jsonl"), otlp(&["a", "b", "c"]) + &otlp(&["e", "d"])).unwrap();

    let (code, report) =
        report(folder.path(), &["--ledger", "ledger", "--witness", "witness.jsonl"]);
    assert_eq!((code, &report["equal"], &report["both"]), (Some(0), &json!(true), &json!(5)));
    let ledger = &report["ledger"];
    assert_eq!((&ledger["files"], &ledger["duplicates"]), (&json!(3), &json!(1)), "{report}");
}

#[test]
fn what_one_side_lacks_is_counted_and_named_and_nothing_else_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("l.jsonl"), lines(&["a", "b", "only-here"])).unwrap();
    fs::write(path("w.jsonl"), otlp(&["a", "b", "\\u001b[2Jgone", "gone too"])).unwrap();
    let arguments = ["--ledger", "l.jsonl", "--witness", "w.jsonl", "--list", "1"];

    let (code, out, err) = compare(folder.path(), &arguments);
    assert_eq!(code, Some(1), "{out}{err}");
    for part in [
        "different: 2 entries in both, 1 only in the ledger, 2 only in the witness\n",
        "2026-06-30T12:34:56.000000Z \\u{1b}[2Jgone api.stripe.com/v1/charges\n",
        "and 1 more",
        "2026-06-30T12:34:56.000000Z only-here api.stripe.com/v1/charges\n",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(!out.contains("quiet") && !out.contains('\x1b'), "{out}");

    let (code, report) = report(folder.path(), &arguments);
    assert_eq!((code, &report["witness"]["only_here"]), (Some(1), &json!(2)));
    let named = json!([{"timestamp": "2026-06-30T12:34:56.000000Z", "correlation_id": "only-here", "endpoint": "api.stripe.com/v1/charges"}]);
    assert_eq!(report["ledger"]["first_only_here"], named);
}

#[test]
fn an_entry_that_was_torn_in_the_file_is_what_only_the_witness_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let torn = format!("{}{}\n{}\n", &entry("a")[..60], entry("b"), entry("c"));
    fs::write(path("l.jsonl"), torn).unwrap();
    fs::write(path("w.jsonl"), otlp(&["a", "b", "c"])).unwrap();
    let arguments = ["--ledger", "l.jsonl", "--witness", "w.jsonl"];
    let (code, report) = report(folder.path(), &arguments);
    assert_eq!((code, &report["both"]), (Some(1), &json!(2)), "{report}");
    assert_eq!(report["witness"]["first_only_here"][0]["correlation_id"], "a");
    assert_eq!(
        (&report["ledger"]["torn_lines"], &report["ledger"]["recovered"]),
        (&json!(1), &json!(1))
    );
    let (_, out, _) = compare(folder.path(), &arguments);
    assert!(out.contains("1 line is torn, the whole entry behind the tear was recovered"), "{out}");
}

#[test]
fn a_question_that_cannot_be_asked_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("a.jsonl"), lines(&["a"])).unwrap();
    fs::write(path("none.jsonl"), "").unwrap();
    fs::write(path("none2.jsonl"), "").unwrap();
    for (ledger, witness, problem) in [
        ("a.jsonl", "missing.jsonl", "missing.jsonl: No such file"),
        ("a.jsonl", "empty", "empty: no files with entries"),
        ("a.jsonl", "./a.jsonl", "on both sides"),
        ("none.jsonl", "none2.jsonl", "nothing was compared"),
    ] {
        let arguments = ["--ledger", ledger, "--witness", witness];
        let (code, _, err) = compare(folder.path(), &arguments);
        assert!(code == Some(2) && err.contains(problem), "{problem}: {err}");
    }
}
