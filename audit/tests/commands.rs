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
    let output = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap())
        .args(arguments)
        .output()
        .unwrap();
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
    let bootstrap =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../envoy/egress.yaml");
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
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
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
            out.starts_with(
                "2026-06-30 12:34:56.000  success        200 POST   api.stripe.com/v1/charges\n"
            ) && out.contains("by sales, correlation c9f8e7\n"),
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
        r#","reason":"application_error","stream":{"kind":"sse","events":7,"chunks":2},"#,
        r#""gen_ai":{"operation":"chat","request_model":"gpt-5","error_type":"content_filter","#,
        r#""input_tokens":12,"output_tokens":4,"tools":["search","fetch"]},"#,
        r#""mcp":{"method":"tools/call","tool":"lookup"}}"#
    );
    let entry = format!("{}{about}\n", &ENTRY[..ENTRY.len() - 1]);
    in_folder(&[("about.jsonl", &entry)], |path| {
        let (code, out, err) = ledgerline(&["show", &path("about.jsonl")]);
        assert_eq!(code, Some(0), "{err}");
        for part in [
            "application_error (content_filter), by sales",
            "chat gpt-5, 12 tokens in, 4 tokens out, calling search fetch",
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

/// C0, DEL, C1, what turns the direction, what has no width, separators, a tag: as JSON has them.
const OBEYED: &str =
    "a\\u001b[2J\\u009b31m\\u007f\\r\\n\\u202e\\u2066\\u200b\\u2028\\ufeff\\udb40\\udc41b";

fn is_obeyed(c: char) -> bool {
    let kinds = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{e0041}'];
    c != '\n' && c.is_control() || kinds.contains(&c)
}

/// A raw character is what a tampered file holds; a filter escapes it.
fn raw(text: &str) -> String {
    serde_json::from_str::<String>(&format!("\"{text}\""))
        .unwrap()
        .replace(['\u{1b}', '\r', '\n'], "")
}

#[test]
fn what_a_terminal_would_obey_is_shown() {
    let about = format!(
        r#","reason":"{OBEYED}","session_id":"{OBEYED}","gen_ai":{{"request_model":"{OBEYED}","tools":["{OBEYED}"]}},"mcp":{{"method":"{OBEYED}","tool":"{OBEYED}"}}"#
    );
    let odd = ENTRY
        .replace("api.stripe.com", OBEYED)
        .replace("POST", OBEYED)
        .replace("sales", OBEYED)
        .replace(r#""user_id":null"#, &format!(r#""user_id":"{OBEYED}""#))
        .replace("c9f8e7", OBEYED);
    let odd = format!("{}{about}}}", &odd[..odd.len() - 1]);
    let tampered = ENTRY.replace("sales", &raw(OBEYED));
    let beat =
        odd.replace(r#""outcome":"success""#, &format!(r#""outcome":null,"kind":"{OBEYED}""#));
    let name = "a\u{1b}[2J\u{202e}\nb.jsonl";
    let text = format!("{odd}\n{tampered}\n{beat}\n{}{odd}\n\u{1b}[2J\u{202e}\n", &ENTRY[..30]);
    in_folder(&[(name, &text), ("w.jsonl", &format!("{ENTRY}\n"))], |path| {
        let file = path(name);
        let missing = path("no\u{1b}[2J\u{9b}\u{202e}\nsuch");
        let bad = "x\u{1b}[2J\u{202e}\ny";
        for arguments in [
            &["show", &file][..],
            &["show", &missing],
            &["show", "--format", bad, &file],
            &["compare", "--ledger", &file, "--witness", &path("w.jsonl")],
            &["compare", "--ledger", &file, "--witness", &path("w.jsonl"), "--format", "json"],
            &["compare", "--ledger", &missing, "--witness", &file],
            &["hash", &file],
            &["hash", &missing],
            &["hash", "--show-masked", &file],
            &["hash", "--entry", &tampered, "--side", "request", &file],
            &["hash", "--type", bad, &file],
            &["hash", "--expect", bad, &file],
            &["hash", &format!("--stream={bad}"), &file],
            &["check-config", &file],
            &["check-config", &missing],
            &["check-sink", bad],
            &["check-sink", &format!("s3://{bad}/a")],
            &["protect", &missing],
            &["protect", "--lift", &missing],
            &["hosts", "check", "--overlay", &missing],
            &["hosts", "add", bad, "--overlay", &missing],
            &["drain", "--admin", bad],
            &["ship", "--from", &missing, "--to", "file:///x"],
            &["ship", "--from", &missing, "--to", bad],
            &["rotate", "--from", &missing],
            &["schema", bad],
            &[bad],
        ] {
            let (_, out, err) = ledgerline(arguments);
            assert!(
                !out.contains(is_obeyed) && !err.contains(is_obeyed),
                "{arguments:?}:\n{out}\n{err}"
            );
            assert!(!out.is_empty() || !err.is_empty(), "{arguments:?}");
            assert!(
                !err.lines().any(|line| line.starts_with("such") || line.starts_with("b.jsonl")),
                "{err}"
            );
        }
        let (_, out, _) = ledgerline(&["show", &file]);
        assert!(out.contains("a\\u{1b}[2J\\u{9b}31m\\u{7f}\\r\\n\\u{202e}\\u{2066}\\u{200b}\\u{2028}\\u{feff}\\u{e0041}b"), "{out}");
        assert_eq!(out.lines().count(), 7, "no text adds a line: {out}");
        let (_, out, _) = ledgerline(&["show", "--format", "json", &file]);
        assert!(!out.contains(is_obeyed), "{out}");
        let said: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(said[1]["agent_id"], raw(OBEYED), "it says the same");
        assert_eq!(said.len(), 4);
    });
}

/// As a shipper leaves a ledger: the live file new and empty, lines beside it, and some gone for good.
#[test]
fn show_reads_what_a_shipper_took_from_under_the_gateway() {
    let line = |id: &str| ENTRY.replace("c9f8e7", id) + "\n";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("segments")).unwrap();
    let live = path("entries.jsonl");
    fs::write(&live, "").unwrap();
    let (code, out, err) = ledgerline(&["show", &live]);
    assert!(code == Some(0) && out.is_empty() && err.contains("no entries"), "{err}");

    fs::write(path("segments/20261121T155310.000001Z.jsonl"), line("first") + &line("second"))
        .unwrap();
    fs::write(path("segments/20261121T155410.000001Z.jsonl"), line("third").trim_end()).unwrap();
    fs::write(path("entries-20261121T155510.000001Z.draining"), line("fourth")).unwrap();
    let receipt = r#"{"file":"20261121T155210.000001Z.jsonl","entries":7,"url":"s3://archive/egress","name":"x"}"#;
    fs::write(path("shipped.jsonl"), format!("{receipt}\n")).unwrap();
    for last in ["", "fifth"] {
        fs::write(&live, if last.is_empty() { String::new() } else { line(last) }).unwrap();
        let (code, out, err) = ledgerline(&["show", "--format", "json", &live]);
        let ids = ["first", "second", "third", "fourth"].map(str::to_owned).into_iter();
        let wanted: Vec<_> = ids.chain((!last.is_empty()).then(|| last.to_owned())).collect();
        let shown =
            out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let shown: Vec<_> =
            shown.map(|line| line["correlation_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((code, shown), (Some(0), wanted), "{err}");
        assert!(err.contains("with the 3 finished files beside it"), "{err}");
        assert!(
            err.contains("not shown: 7 entries that were carried to s3://archive/egress"),
            "{err}"
        );
    }
    let (code, out, err) = ledgerline(&["show", &path("segments/20261121T155310.000001Z.jsonl")]);
    assert!(code == Some(0) && out.matches("success").count() == 2 && err.is_empty(), "{err}");
}

#[test]
fn protect_makes_no_ledger_of_a_name_that_was_mistyped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let protect = |arguments: &[&str]| ledgerline(&[&["protect"], arguments].concat());
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    fs::create_dir_all(path("home/src")).unwrap();
    for (name, problem) in [
        ("FOLDR", "no such folder"),
        ("a/b/c", "no such folder"),
        ("home", "other things in it, such as src"),
    ] {
        let (code, _, err) = protect(&[&text(name)]);
        assert!(code == Some(2) && err.contains(problem) && err.contains("--create"), "{err}");
    }
    assert!(!path("FOLDR").exists() && !path("a").exists() && !path("home/entries.jsonl").exists());
    for (name, begins) in
        [("new", true), ("home", true), ("empty", false), ("volume", false), ("home", false)]
    {
        if matches!(name, "empty" | "volume") {
            fs::create_dir(path(name)).unwrap();
        }
        if name == "volume" {
            fs::create_dir(path("volume/lost+found")).unwrap();
        }
        let more: &[&str] = if begins { &["--create"] } else { &[] };
        let (code, _, err) = protect(&[more, &[&text(name)]].concat());
        assert!(
            matches!(code, Some(0 | 1)) && path(name).join("entries.jsonl").exists(),
            "{name}: {err}"
        );
        let (code, _, err) = protect(&["--lift", &text(name)]);
        assert_eq!(code, Some(0), "{err}");
    }
    fs::remove_dir_all(folder.path()).unwrap();
}

#[test]
fn lift_reaches_every_file_of_a_ledger_and_of_an_archive_and_no_other() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let flag = |name: &str, flag| {
        let file = fs::File::open(path(name)).unwrap();
        ioctl_getflags(&file).is_ok_and(|flags| ioctl_setflags(&file, flags | flag).is_ok())
    };
    let ours = [
        "ledger/entries.jsonl",
        "ledger/segments/1.jsonl",
        "archive/2026/11/21/1_2_gw_3_4.jsonl.gz",
        "archive/canary/5.jsonl",
        "archive/2026/11/22/6.jsonl",
    ];
    let others = ["archive/notes.txt", "outside/entries.jsonl"];
    for name in ours.iter().chain(&others) {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        fs::write(path(name), "x\n").unwrap();
        if !flag(
            name,
            if name.ends_with("entries.jsonl") { IFlags::APPEND } else { IFlags::IMMUTABLE },
        ) {
            eprintln!("skipped: no inode attributes here");
            return;
        }
    }
    std::os::unix::fs::symlink(path("outside"), path("archive/link")).unwrap();
    std::os::unix::fs::symlink(path("outside/entries.jsonl"), path("archive/2026/7.jsonl"))
        .unwrap();
    let is_kept = |name: &str| {
        let flags = ioctl_getflags(fs::File::open(path(name)).unwrap()).unwrap();
        flags.intersects(IFlags::APPEND | IFlags::IMMUTABLE)
    };
    for (place, count) in [("ledger", 2), ("archive", 3)] {
        let (code, out, err) = ledgerline(&["protect", "--lift", path(place).to_str().unwrap()]);
        assert!(code == Some(0) && out.contains(&format!("off {count} files")), "{out}{err}");
        assert_eq!(err.contains("notes.txt: left as it is"), place == "archive", "{err}");
    }
    let state: Vec<_> = ours.iter().chain(&others).map(|name| is_kept(name)).collect();
    assert_eq!(state, [false, false, false, false, false, true, true]);
    for name in others {
        let file = fs::File::open(path(name)).unwrap();
        let flags = ioctl_getflags(&file).unwrap();
        ioctl_setflags(&file, flags.difference(IFlags::APPEND | IFlags::IMMUTABLE)).unwrap();
    }
}

#[test]
fn check_config_refuses_a_file_without_a_configuration() {
    let files = [
        ("empty.yaml", ""),
        ("other.yaml", "kind: Service\n"),
        ("two.yaml", "{}\n---\n{}\n"),
        ("host.yaml", "hosts:\n- hosts: [up.test.]\n  call: deny\n"),
    ];
    in_folder(&files, |path| {
        for (name, problem) in [
            ("empty.yaml", "it is empty"),
            ("other.yaml", "it is a Service"),
            ("two.yaml", "2 documents"),
        ] {
            let (code, out, err) = ledgerline(&["check-config", &path(name)]);
            assert!(code == Some(1) && out.is_empty() && err.contains(problem), "{err}");
        }
        assert_eq!(ledgerline(&["check-config", &path("host.yaml")]).0, Some(0));
    });
}

/// Where the width comes from a terminal or from COLUMNS; every command is laid out in a unit test.
#[test]
fn help_is_as_wide_as_the_terminal() {
    for columns in ["40", "80", "120"] {
        for command in ["ship", "check-sink", "hash", "compare", "protect"] {
            let mut help = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
            let output = help.args([command, "--help"]).env("COLUMNS", columns).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let longest = text
                .lines()
                .filter(|line| line.contains(' '))
                .map(|line| line.chars().count())
                .max()
                .unwrap();
            let width: usize = columns.parse().unwrap();
            assert!(
                longest <= width + 12 && longest + 15 >= width,
                "{command} at {width}: {longest}\n{text}"
            );
        }
    }
}
