//! `ledgerline hash --stream` as a person meets it: a stream in, its chain out.
//!
//! The chains here were made by `tests/vectors/chain.py`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, process::Command};

use tempfile::TempDir;

const TWO: &[u8] = b"data: a\n\ndata: b\n\n";
const FIRST: &str = "7f3d21f598022e2e812ad8dfe5d8c70634938dc49fa5736716f1dc5cc0f378c0";
const SECOND: &str = "52f70071644de4f9bfed0269a191b0751f55a11963e6ff55e43ab384ab65949a";
/// The last event of a whole body counts without the blank line behind it.
const UNENDED: &str = "d5c1a93e4efc2a105986916843ef11e8c99efed8c17a122963b4143e13d0cef6";
const KEYED: &str = "25b6c928f84647572d9155516ef30d99e162cab1b8c5ecc6d755e660fdf830cf";
const BLOCKS: &str = "113ce3019bf9c2682d9a2063037fc38346d5230ff2cf2363ee10b2e3cc86c06d";
const HELLO: &str = "fc46965c6bcd1aef82777c3b43968c306d988f23d9e0d6dc5e7cb8fd490d07c5";

struct Folder(TempDir);

/// Exit code, standard output, standard error.
type Answer = (Option<i32>, String, String);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files
            .iter()
            .for_each(|(name, bytes)| fs::write(folder.0.path().join(name), bytes).unwrap());
        folder
    }

    fn hash(&self, arguments: &[&str]) -> Answer {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        let output =
            command.arg("hash").args(arguments).current_dir(self.0.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn compare(&self, entry: &str, file: &str) -> Answer {
        self.hash(&["--stream", "sse", "--entry", entry, "--side", "response", file])
    }
}

fn no_answer((code, out, err): Answer, words: &str) {
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains(words), "{err}");
}

/// An entry of a stream that came to this `end`.
fn entry(end: &str, stream: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":null,"user_id":null,"endpoint":"h/p","method":"POST","status":200,"request_hash":null,"response_hash":null,"outcome":"success","correlation_id":"c9f8e7","response":{{"bytes":18,"type":"text/event-stream","end":"{end}","scan":"json"}},"stream":{stream}}}"#
    )
}

fn flow(events: u64, chain: &str, listed: &[&str]) -> String {
    let listed: Vec<String> = listed.iter().map(|link| format!("\"{link}\"")).collect();
    let listed = listed.join(",");
    format!(
        r#"{{"kind":"sse","events":{events},"chunks":1,"chunk_chain":"{chain}","event_hashes":[{listed}]}}"#
    )
}

#[test]
fn a_stream_has_a_chain_and_a_number_of_events() {
    let blocks = b"0123456789abcdef".repeat(10_000);
    let folder = Folder::with(&[
        ("two", TWO),
        ("half", b"data: a\n\ndata: b\n"),
        ("none", b""),
        ("blocks", &blocks),
        ("hello", b"\x81\x05hello"),
        ("key", &[b'k'; 32]),
    ]);
    for (arguments, line) in [
        (&["sse", "two"][..], format!("{SECOND}  2  two\n")),
        (&["sse", "half"], format!("{UNENDED}  2  half\n")),
        (&["sse", "half", "--aborted"], format!("{FIRST}  1  half\n")),
        (&["sse", "none"], "none  0  none\n".to_owned()),
        (&["sse", "two", "half"], format!("{SECOND}  2  two\n{UNENDED}  2  half\n")),
        (&["sse", "two", "--list"], format!("{FIRST}  1  two\n{SECOND}  2  two\n")),
        (&["sse", "two", "--key-file", "key"], format!("{KEYED}  2  two\n")),
        (&["chunked", "blocks"], format!("{BLOCKS}  2  blocks\n")),
        (&["websocket", "hello"], format!("{HELLO}  1  hello\n")),
    ] {
        let answer = folder.hash(&[&["--stream"], arguments].concat());
        assert_eq!(answer, (Some(0), line, String::new()), "{arguments:?}");
    }
}

#[test]
fn a_line_without_its_end_counts_if_the_stream_is_whole() {
    let folder = Folder::with(&[("lines", b"{\"a\":1}\n{\"b\":2}")]);
    let count = |more: &[&str]| {
        let (_, out, _) = folder.hash(&[&["--stream", "ndjson", "lines"], more].concat());
        out.split("  ").nth(1).unwrap().to_owned()
    };
    assert_eq!((count(&[]), count(&["--aborted"])), ("2".to_owned(), "1".to_owned()));
}

#[test]
fn secrets_are_replaced_in_text_and_in_frames() {
    let (body, view) = (r#"{"password":"hunter2"}"#, r#"{"password":"***REDACTED***"}"#);
    let sse = |json: &str| format!("data: {json}\n\n").into_bytes();
    let frame = |json: &str| [&[0x81, json.len() as u8], json.as_bytes()].concat();
    let folder = Folder::with(&[
        ("sse", &sse(body)),
        ("sse-view", &sse(view)),
        ("websocket", &frame(body)),
        ("websocket-view", &frame(view)),
    ]);
    for kind in ["sse", "websocket"] {
        let chain = |file: &str| {
            let (_, out, err) = folder.hash(&["--stream", kind, "--show-masked", file]);
            (out.split("  ").next().unwrap().to_owned(), err)
        };
        let (chain_of_body, masked) = chain(kind);
        assert_eq!(chain_of_body, chain(&format!("{kind}-view")).0);
        assert_eq!(masked, format!("{kind}: masked name 1\n"));
    }
}

#[test]
fn bytes_that_are_no_frames_are_told() {
    let folder = Folder::with(&[("page", b"HTTP/1.1 502")]);
    let (code, out, err) = folder.hash(&["--stream", "eventstream", "page"]);
    assert_eq!((code, out.as_str()), (Some(0), "none  0  page\n"));
    assert!(err.contains("behind 0 events the bytes are not eventstream any more"), "{err}");
}

#[test]
fn an_entry_is_equal_to_its_stream_and_to_the_beginning_of_what_it_broke_off() {
    let three = [TWO, b"data: c\n\n"].concat();
    let folder = Folder::with(&[("two", TWO), ("three", &three)]);
    let (code, out, err) = folder.compare(&entry("complete", &flow(2, SECOND, &[])), "two");
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        out,
        format!("two: equal, 2 events, read as sse, the built-in rules, no key: {SECOND}\n")
    );
    let (code, out, err) = folder.compare(&entry("aborted", &flow(2, SECOND, &[])), "three");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("three: equal as far as the call went, 2 of 3 events, "), "{out}");
    let none = r#"{"kind":"sse","events":0,"chunks":0}"#;
    assert_eq!(folder.compare(&entry("reset", none), "three").0, Some(0));
    assert_eq!(folder.compare(&entry("complete", none), "three").0, Some(1));
}

#[test]
fn a_difference_says_how_much_is_the_same() {
    let folder = Folder::with(&[
        ("one", b"data: a\n\n"),
        ("two", TWO),
        ("other", b"data: a\n\ndata: c\n\n"),
    ]);
    let refused = |entry: &str, file: &str, words: &str| {
        let (code, out, err) = folder.compare(entry, file);
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains(words), "{err}");
    };
    let listed = entry("complete", &flow(2, SECOND, &[FIRST, SECOND]));
    refused(&listed, "one", "the first 1 of 2 events match");
    refused(&listed, "other", "the first 1 of 2 events match");
    let cut = entry("complete", &flow(2, SECOND, &[FIRST]));
    refused(&cut, "other", "the first 1 of 2 events match, and the entry lists no more");
    refused(&entry("aborted", &flow(2, SECOND, &[])), "other", "another stream, or not as at the");
    refused(&entry("complete", &flow(1, FIRST, &[])), "two", "the chain of the first 1 event");
    let (code, out, err) = folder.hash(&["--stream", "sse", "--expect", FIRST, "two"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert_eq!(folder.hash(&["--stream", "sse", "--expect", SECOND, "two"]).0, Some(0));
}

#[test]
fn a_question_that_does_not_fit_the_entry_is_refused() {
    let folder = Folder::with(&[("two", TWO), ("key", &[b'k'; 32])]);
    let good = entry("complete", &flow(2, SECOND, &[]));
    let ask =
        |entry: &str, more: &[&str]| folder.hash(&[&["--entry", entry, "two"], more].concat());
    let response = ["--side", "response", "--stream"];
    let with = |kind: &'static str| [&response[..], &[kind]].concat();
    no_answer(ask(&good, &with("ndjson")), "its stream is of another kind: --stream sse");
    no_answer(ask(&good, &["--side", "request", "--stream", "sse"]), "no stream on that side");
    no_answer(ask(&entry("complete", "null"), &with("sse")), "its call was no stream");
    let keyed = [&with("sse")[..], &["--key-file", "key"]].concat();
    no_answer(ask(&good, &keyed), "its hashes are plain SHA-256");
    no_answer(ask(&good, &with("lines")), "expected sse, ndjson");
    no_answer(folder.hash(&["--list", "two"]), "--stream");
    no_answer(folder.hash(&["--stream", "sse", "--view", "two"]), "cannot be used with");
    no_answer(folder.hash(&["--stream", "sse", "--expect", FIRST, "two", "two"]), "2 files");
}
