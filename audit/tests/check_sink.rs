//! `ledgerline check-sink` where no server is needed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use rustix::fs::IFlags;

/// A folder whose files lose their flags before it goes, also if a test fails.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> String {
        format!("file://{}/sink", self.0.path().display())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        unflag(self.0.path());
    }
}

fn unflag(path: &Path) {
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            unflag(&entry.path());
            continue;
        }
        let file = File::open(entry.path()).unwrap();
        if let Ok(flags) = rustix::fs::ioctl_getflags(&file) {
            let _ = rustix::fs::ioctl_setflags(&file, flags - IFlags::IMMUTABLE);
        }
    }
}

/// Exit code, standard output, standard error.
fn check_sink(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
    let output = command.arg("check-sink").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_folder_is_never_proven_and_does_not_hold_without_the_flag() {
    let place = Place::new();
    let (code, out, err) = check_sink(&[&place.url()]);
    match out.contains("immutable") {
        true => assert!(code == Some(3) && out.contains("not proven"), "{out}{err}"),
        false => assert!(code == Some(1) && out.contains("file modes only"), "{out}{err}"),
    }
    assert!(out.contains("a name is written once") && out.contains("exists"), "{out}");
}

#[test]
fn json_holds_the_same_facts() {
    let place = Place::new();
    let (code, out, _) = check_sink(&[&place.url(), "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let verdict = if code == Some(3) { "not_proven" } else { "does_not_hold" };
    assert_eq!(report["verdict"], verdict);
    assert_eq!(report["retention_days"], 180);
    assert_eq!(report["left_behind"].as_array().unwrap().len(), 1);
    assert_eq!(report["findings"][1]["promise"], "a name is written once");
    assert_eq!(report["format"], "ledgerline.check-sink/1");
    assert_eq!(
        (&report["tool"], &report["tool_version"]),
        (&"ledgerline".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(
        report["began_at"].as_str() <= report["ended_at"].as_str()
            && report["began_at"].is_string()
    );
    assert!(report["tls"].is_null() && report["endpoint"].is_null(), "a folder has neither");
    let name = report["left_behind"][0].as_str().unwrap();
    assert!(name.ends_with(".jsonl.gz") && !name.contains("canary"), "{name}");
}

#[test]
fn an_address_that_is_none_is_no_question_and_its_secret_is_not_shown() {
    for url in ["s3://AKIAEXAMPLE:hunter2hunter2@bucket/a", "https://bucket", "file:///"] {
        let (code, out, err) = check_sink(&[url, "--retention", "180d"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(!err.contains("AKIA") && !err.contains("hunter2"), "{err}");
    }
}
