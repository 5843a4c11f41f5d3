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
    let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
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

/// One line of a filter that knows more, one of the same filter that is no call, and one as it is.
#[test]
fn show_compare_hash_and_ship_agree_about_an_entry_of_a_later_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let later = entry("later").replace(
        r#""outcome""#,
        r#""http_version":"3","reason":"quota_exceeded","upstream":{"tls":{"version":"1.3"}},"request":{"bytes":3,"scan":"xml"},"outcome""#,
    );
    let heartbeat = entry("beat")
        .replace(r#""outcome":"success""#, r#""outcome":null,"kind":"heartbeat""#)
        .replace("200", "null");
    let text = format!("{later}\n{heartbeat}\n{}\n", entry("plain"));
    fs::create_dir(path("ledger")).unwrap();
    fs::write(path("ledger/entries.jsonl"), &text).unwrap();
    fs::write(path("witness.jsonl"), &text).unwrap();

    let arguments = ["--ledger", "ledger", "--witness", "witness.jsonl"];
    let (code, report) = report(folder.path(), &arguments);
    assert_eq!((code, &report["both"]), (Some(0), &json!(3)), "{report}");
    assert_eq!(report["ledger"]["torn_lines"], 0);

    let run = |arguments: &[&str]| {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        command.args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let shown = run(&["show", "ledger/entries.jsonl"]);
    let out = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.status.code(), Some(0), "{out}");
    for part in ["quota_exceeded", "xml", "heartbeat"] {
        assert!(out.contains(part), "{part} in {out}");
    }

    fs::write(path("body"), "abc").unwrap();
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let line = later.replace(r#""request_hash":null"#, &format!(r#""request_hash":"{digest}""#));
    let known = line.replace(r#","scan":"xml""#, r#","scan":"text""#);
    let hashed = run(&["hash", "--entry", &known, "--side", "request", "body"]);
    assert_eq!(hashed.status.code(), Some(0), "{}", String::from_utf8_lossy(&hashed.stderr));
    // How the body was read nobody here knows: that is no `different`.
    let hashed = run(&["hash", "--entry", &line, "--side", "request", "body"]);
    let err = String::from_utf8_lossy(&hashed.stderr).into_owned();
    assert!(hashed.status.code() == Some(2) && err.contains("request.scan"), "{err}");

    let url = format!("file://{}", path("store").display());
    let shipped = run(&["ship", "--min-free", "0", "--from", "ledger", "--to", &url]);
    let talk = String::from_utf8_lossy(&shipped.stderr).into_owned();
    let receipts = fs::read_to_string(path("ledger/shipped.jsonl")).unwrap_or_default();
    match receipts.lines().next() {
        Some(receipt) => {
            let receipt: Value = serde_json::from_str(receipt).unwrap();
            assert_eq!(
                (&receipt["entries"], &receipt["torn"]),
                (&json!(3), &json!(0)),
                "{receipt}"
            );
        }
        // Where the kernel protects nothing, nothing is confirmed; the name says the count.
        None => assert!(find(&path("store")).iter().any(|name| name.contains("_3_")), "{talk}"),
    }
    unflag(folder.path());
}

#[test]
fn canaries_are_passed_over_by_their_kind_and_old_ones_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let canary = entry("x").replace(r#""outcome":"success""#, r#""outcome":null,"kind":"canary""#);
    let old = r#"{"about":"written by `ledgerline check-sink`","canary":"canary","name":"a"}"#;
    fs::create_dir_all(path("bucket/egress/canary")).unwrap();
    fs::create_dir_all(path("bucket/egress/2026/11/21")).unwrap();
    fs::write(path("bucket/egress/canary/1-first.jsonl"), format!("{old}\n")).unwrap();
    fs::write(path("bucket/egress/2026/11/21/c.jsonl.gz"), format!("{canary}\n")).unwrap();
    fs::write(path("bucket/egress/2026/11/21/s.jsonl"), lines(&["a", "b"])).unwrap();
    fs::write(path("w.jsonl"), lines(&["a", "b"])).unwrap();
    let (code, said) = report(folder.path(), &["--ledger", "bucket", "--witness", "w.jsonl"]);
    assert_eq!(
        (code, &said["both"], &said["ledger"]["canaries"]),
        (Some(0), &json!(2), &json!(1)),
        "{said}"
    );

    // By another name, or with more in it, it is a line that has no business there.
    fs::write(path("bucket/egress/2026/11/21/t.jsonl"), format!("{old}\n")).unwrap();
    let (code, said) = report(folder.path(), &["--ledger", "bucket", "--witness", "w.jsonl"]);
    assert_eq!((code, &said["ledger"]["torn_lines"]), (Some(1), &json!(1)), "{said}");
    fs::remove_file(path("bucket/egress/2026/11/21/t.jsonl")).unwrap();
    fs::write(path("bucket/egress/canary/2.jsonl"), lines(&["hidden"])).unwrap();
    let (code, said) = report(folder.path(), &["--ledger", "bucket", "--witness", "w.jsonl"]);
    assert_eq!((code, &said["ledger"]["only_here"]), (Some(1), &json!(1)), "{said}");
}

fn find(folder: &Path) -> Vec<String> {
    let Ok(items) = fs::read_dir(folder) else { return Vec::new() };
    let items = items.map(|item| item.unwrap().path());
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => find(&path),
        false => vec![path.display().to_string()],
    };
    items.flat_map(below).collect()
}

/// So that the folder can go.
fn unflag(folder: &Path) {
    for path in find(folder) {
        let Ok(file) = fs::File::open(&path) else { continue };
        if let Ok(flags) = rustix::fs::ioctl_getflags(&file) {
            let kept = rustix::fs::IFlags::IMMUTABLE | rustix::fs::IFlags::APPEND;
            let _ = rustix::fs::ioctl_setflags(&file, flags.difference(kept));
        }
    }
}
