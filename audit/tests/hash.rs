//! `ledgerline hash` as a person meets it: a payload in, the hash of its entry out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// FIPS 180-2, appendix B.1 and B.3.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const MILLION_A: &str = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

/// RFC 4231, test case 6.
const MESSAGE: &str = "Test Using Larger Than Block-Size Key - Hash Key First";
const KEY: [u8; 131] = [0xaa; 131];
const MAC: &str = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";

const RAW: [&str; 2] = ["--type", "application/octet-stream"];

struct Folder(TempDir);

/// Exit code, standard output, standard error.
type Answer = (Option<i32>, String, String);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, bytes)| fs::write(folder.path(name), bytes).unwrap());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        command.arg("hash").args(arguments).current_dir(self.0.path()).env_remove("TEST_KEY");
        command
    }

    fn hash(&self, arguments: &[&str]) -> Answer {
        answer(&mut self.command(arguments))
    }

    /// The hash of one file.
    fn digest(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.hash(arguments);
        assert_eq!(code, Some(0), "{err}");
        out.split_once("  ").unwrap().0.to_owned()
    }
}

fn answer(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn no_answer((code, out, err): Answer, words: &str) {
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains(words), "{err}");
}

#[test]
fn without_a_secret_it_is_what_sha256sum_says() {
    let folder = Folder::with(&[("abc", b"abc"), ("million", &[b'a'; 1_000_000])]);
    let (code, out, err) = folder.hash(&["abc", "million"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{ABC}  abc\n{MILLION_A}  million\n"));
}

#[test]
fn standard_input_is_read_too() {
    let folder = Folder::with(&[]);
    let mut command = folder.command(&["-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"abc").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{ABC}  -\n"));
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let folder = Folder::with(&[("abc", b"abc")]);
    let (code, out, err) = folder.hash(&["missing", "abc", "."]);
    assert_eq!((code, out), (Some(2), format!("{ABC}  abc\n")));
    assert!(err.contains("error: missing: ") && err.contains("error: .: "), "{err}");
}

#[test]
fn a_secret_is_replaced_before_the_hash_as_far_as_the_type_tells() {
    const JSON: &[u8] = br#"{"password":"hunter2","n":1}"#;
    const FORM: &[u8] = b"password=hunter2&n=1";
    const PARTS: &[u8] =
        b"--XyZ\r\ncontent-disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--XyZ--\r\n";
    for (media_type, body, counts) in [
        ("application/json", JSON, "masked name 1"),
        ("application/x-www-form-urlencoded", FORM, "masked name 1"),
        ("multipart/form-data; boundary=XyZ", PARTS, "masked name 1"),
        ("text/plain", PARTS, "nothing masked"),
        ("image/png", JSON, "not looked into"),
    ] {
        let text = String::from_utf8(body.to_owned()).unwrap();
        let is_masked = counts == "masked name 1";
        let view = if is_masked { text.replace("hunter2", "***REDACTED***") } else { text };
        let folder = Folder::with(&[("body", body), ("view", view.as_bytes())]);
        let (code, out, err) = folder.hash(&["--show-masked", "--type", media_type, "body"]);
        let expected = folder.digest(&[RAW[0], RAW[1], "view"]);
        assert_eq!((code, out), (Some(0), format!("{expected}  body\n")), "{media_type}");
        assert!(err.starts_with(&format!("body: {counts}")), "{media_type}: {err}");
        if media_type != "image/png" {
            let (code, out, err) = folder.hash(&["--view", "--type", media_type, "body"]);
            assert_eq!((code, out, err.as_str()), (Some(0), view, ""), "{media_type}");
        }
    }
}

#[test]
fn each_mask_is_explained_and_no_secret_is_shown() {
    const SECRETS: [&str; 4] = ["hunter2", "Kx7qL2mZ9w", "Rt5vB8nY3e", "314"];
    let body = [
        r#"{"password":"hunter2","cvc":314,"#,
        r#""text":"deploy --password Kx7qL2mZ9w --verbose\nsecret_key = 'Rt5vB8nY3e'"}"#,
    ]
    .join("\n");
    let folder = Folder::with(&[
        ("call.json", body.as_bytes()),
        ("except.yaml", b"mask: { except_names: [password, secret_key] }"),
        ("names.yaml", b"mask: { names: [text] }"),
        ("plain.json", b"{}"),
    ]);
    let (code, out, err) = folder.hash(&["--explain", "call.json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let expected = [
        r#"call.json:1:14: name, certain, byte 13: {"password":"***REDACTED***","#,
        "call.json:1:37: name, certain, byte 28: ",
        "call.json:2:27: context, likely, byte 59: ",
        "call.json:2:67: context, likely, byte 95: ",
    ];
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{out}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
        assert!(SECRETS.iter().all(|secret| !line.contains(secret)), "{line}");
    }
    assert!(lines[3].contains(r"--verbose\\nsecret_key = '***REDACTED***'"), "{out}");
    let explained = |rules: &str| folder.hash(&["--explain", "--rules", rules, "call.json"]).1;
    assert_eq!(explained("except.yaml").lines().count(), 1, "{}", explained("except.yaml"));
    assert_eq!(explained("names.yaml").lines().count(), 3, "{}", explained("names.yaml"));
    let (code, out, err) = folder.hash(&["--explain", "plain.json"]);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", "plain.json: nothing masked\n"));
    no_answer(folder.hash(&["--explain", "--view", "call.json"]), "cannot be used with");
    no_answer(folder.hash(&["--explain", "--encoding", "gzip", "call.json"]), "call.json: no view");
}

#[test]
fn a_compressed_body_is_hashed_as_it_is_and_has_no_view() {
    let folder = Folder::with(&[("body", br#"{"password":"hunter2"}"#)]);
    let raw = folder.digest(&[RAW[0], RAW[1], "body"]);
    assert_eq!(folder.digest(&["--encoding", "gzip", "body"]), raw);
    assert_ne!(folder.digest(&["--encoding", "identity", "body"]), raw);
    no_answer(folder.hash(&["--encoding", "gzip", "--view", "body"]), "body: no view");
}

#[test]
fn a_type_that_says_too_little_is_refused() {
    let folder = Folder::with(&[("body", b"abc")]);
    no_answer(folder.hash(&["--type", "json", "body"]), "expected a media type");
    no_answer(folder.hash(&["--type", "multipart/form-data", "body"]), "its boundary is missing");
}

#[test]
fn the_rules_come_from_the_filters_configuration_alone_or_in_a_manifest() {
    let body = br#"{"password":"a","colour":"red","note":"cust-12345678"}"#;
    let view = br#"{"password":"a","colour":"XXX","note":"XXX"}"#;
    let mask = "mask: { placeholder: XXX, names: [colour], except_names: [password], \
                rules: [{ name: customer, pattern: 'cust-[0-9]{8}' }] }";
    let manifest = format!("kind: WasmPlugin\nspec:\n  pluginConfig:\n    {mask}\n");
    let two = format!("- pluginConfig:\n    {mask}\n- pluginConfig: {{}}\n");
    let folder = Folder::with(&[
        ("body", body),
        ("view", view),
        ("bare.yaml", mask.as_bytes()),
        ("manifest.yaml", manifest.as_bytes()),
        ("two.yaml", two.as_bytes()),
        ("bad.yaml", b"mask: { placeholder: '\"' }"),
    ]);
    for rules in ["bare.yaml", "manifest.yaml"] {
        let (_, out, err) = folder.hash(&["--rules", rules, "--show-masked", "body"]);
        assert!(out.starts_with(&folder.digest(&[RAW[0], RAW[1], "view"])), "{out}");
        assert_eq!(err, "body: masked customer 1, name 1\n");
    }
    no_answer(folder.hash(&["--rules", "two.yaml", "body"]), "2 configurations in it");
    no_answer(
        folder.hash(&["--rules", "bad.yaml", "body"]),
        "bad.yaml: mask.placeholder: expected",
    );
    no_answer(folder.hash(&["--rules", "missing.yaml", "body"]), "missing.yaml: ");
}

#[test]
fn with_a_key_it_is_an_hmac_from_wherever_the_key_comes() {
    let with_line_end = [&KEY[..], b"\r\n"].concat();
    let words = *b"a key in letters, and long enough";
    let folder = Folder::with(&[
        ("body", MESSAGE.as_bytes()),
        ("key", &KEY),
        ("line", &with_line_end),
        ("words", &words),
    ]);
    assert_eq!(folder.digest(&["--key-file", "key", "body"]), MAC);
    assert_eq!(folder.digest(&["--key-file", "line", "body"]), MAC);
    let from_file = folder.hash(&["--key-file", "words", "body"]);
    let mut command = folder.command(&["--key-env", "TEST_KEY", "body"]);
    command.env("TEST_KEY", str::from_utf8(&words).unwrap());
    assert_eq!(answer(&mut command), from_file);
    assert_ne!(from_file.1, folder.hash(&["body"]).1);
}

#[test]
fn a_key_masks_first_and_signs_then() {
    let folder = Folder::with(&[
        ("body", br#"{"password":"hunter2"}"#),
        ("view", br#"{"password":"***REDACTED***"}"#),
        ("key", &KEY),
    ]);
    let expected = folder.digest(&["--key-file", "key", RAW[0], RAW[1], "view"]);
    assert_eq!(folder.digest(&["--key-file", "key", "body"]), expected);
}

#[test]
fn an_error_about_a_key_shows_neither_the_key_nor_what_was_written_in_its_place() {
    const SECRET: &str = "correct-horse-battery-staple";
    let folder =
        Folder::with(&[("body", b"abc"), ("short", SECRET.as_bytes()), ("huge", &[b'x'; 70_000])]);
    let mut short_env = folder.command(&["--key-env", "TEST_KEY", "body"]);
    short_env.env("TEST_KEY", SECRET);
    for (answer, words) in [
        (answer(&mut short_env), "--key-env: the key has 28 bytes, at least 32 are needed"),
        (folder.hash(&["--key-file", "short", "body"]), "--key-file: the key has 28 bytes"),
        (folder.hash(&["--key-file", "huge", "body"]), "that is no key"),
        (folder.hash(&["--key-file", SECRET, "body"]), "--key-file: cannot be read"),
        (folder.hash(&["--key-env", SECRET, "body"]), "no environment variable of that name"),
        (folder.hash(&["--key-env", SECRET, "--key-file", SECRET, "body"]), "cannot be used with"),
        (folder.hash(&[&format!("--key={SECRET}"), "body"]), "unexpected argument"),
    ] {
        assert!(!answer.2.contains(SECRET), "{}", answer.2);
        no_answer(answer, words);
    }
}

#[test]
fn a_configuration_with_a_key_wants_the_key() {
    let folder = Folder::with(&[
        ("body", MESSAGE.as_bytes()),
        ("key", &KEY),
        ("keyed.json", br#"{"hash":{"key_env":"LEDGERLINE_HASH_KEY","key_id":"2026-06"}}"#),
    ]);
    let refused = folder.hash(&["--rules", "keyed.json", "body"]);
    assert!(refused.2.contains("--key-env or --key-file") && refused.2.contains("2026-06"));
    no_answer(refused, "keyed.json: hashes are keyed there");
    assert_eq!(folder.digest(&["--rules", "keyed.json", "--key-file", "key", "body"]), MAC);
}

#[test]
fn a_comparison_says_yes_no_or_cannot_tell() {
    let folder = Folder::with(&[("abc", b"abc"), ("other", b"abd")]);
    let (code, out, err) = folder.hash(&["--expect", ABC, "abc"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.starts_with("abc: equal, 3 bytes, read as json, the built-in rules, no key"),
        "{out}"
    );
    assert_eq!(folder.hash(&["--expect", &ABC.to_uppercase(), "abc"]).0, Some(0));
    let (code, out, err) = folder.hash(&["--expect", ABC, "other"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    assert!(err.starts_with("other: different, "), "{err}");
    for word in ["json", "built-in rules", "no key"] {
        assert!(err.contains(word), "{word}: {err}");
    }
    no_answer(folder.hash(&["--expect", ABC, "missing"]), "missing: ");
    no_answer(folder.hash(&["--expect", "abc", "abc"]), "64 hexadecimal digits");
    no_answer(folder.hash(&["--expect", ABC, "abc", "abc"]), "2 files");
}

/// An entry with `request` as it is written, and `more` keys behind the first ten.
fn entry(request_hash: &str, request: &str, more: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":null,"user_id":null,"endpoint":"h/p","method":"POST","status":200,"request_hash":{request_hash},"response_hash":null,"outcome":"success","correlation_id":"c9f8e7"{more},"request":{request}}}"#
    )
}

fn quoted(digest: &str) -> String {
    format!("\"{digest}\"")
}

#[test]
fn an_entry_says_how_its_body_was_read() {
    let body = br#"{"password":"hunter2"}"#;
    let folder = Folder::with(&[("body", body)]);
    let read_as = |media_type: &str| quoted(&folder.digest(&["--type", media_type, "body"]));
    let (masked, raw) = (read_as("application/json"), read_as(RAW[1]));
    for (hash, request) in [
        (&masked, r#"{"bytes":22,"type":"application/json","scan":"json"}"#),
        (&masked, r#"{"bytes":22,"scan":"text"}"#),
        (&raw, r#"{"bytes":22,"type":"application/json","encoding":"gzip","scan":"opaque"}"#),
        (&raw, r#"{"bytes":22,"type":"application/json"}"#),
    ] {
        let line = entry(hash, request, "");
        let (code, out, err) = folder.hash(&["--entry", &line, "--side", "request", "body"]);
        assert_eq!(code, Some(0), "{request}: {err}");
        assert!(out.starts_with("body: equal, 22 bytes"), "{out}");
    }
}

/// The hashes are those of `tests/vectors/chain.py --body --secret hunter2`.
#[test]
fn frames_are_masked_one_by_one() {
    let message = [b"\0\0\0\0\x03abc", &b"\0\0\0\0\x16{\"password\":\"hunter2\"}"[..]].concat();
    let key = [1, 2, 3, 4].into_iter().cycle();
    let hidden: Vec<u8> =
        br#"{"password":"hunter2"}"#.iter().zip(key).map(|(byte, mask)| byte ^ mask).collect();
    let socket = [b"\x81\x96\x01\x02\x03\x04", &hidden[..], b"\x88\x02\x03\xe8"].concat();
    let folder = Folder::with(&[("message", &message), ("socket", &socket)]);
    let grpc = "c0faa2d72b8b74b9f76261d0974bbde42c30277074e63891f45b7ab934b4d5e4";
    let connect = "d3afc12178fc4b039f28eeb9ab4d0074fa5e99157858ae8a0c338b58629b0cf0";
    let websocket = "bc91c64b604e551b27975219134fa2c2faa16a1cc57f65f2ef96246aacad1065";
    for (media_type, wanted) in [
        ("application/grpc", grpc),
        ("application/grpc+proto; charset=x", grpc),
        ("application/connect+json", connect),
    ] {
        let (code, out, err) = folder.hash(&["--type", media_type, "--show-masked", "message"]);
        assert_eq!((code, out), (Some(0), format!("{wanted}  message\n")), "{media_type}: {err}");
        assert_eq!(err, "message: masked name 1\n");
    }
    let stream = |kind: &str| format!(r#","stream":{{"kind":"{kind}","request":{{"events":1}}}}"#);
    for (kind, hash, body, bytes) in
        [("grpc", grpc, "message", 35), ("websocket", websocket, "socket", 32)]
    {
        let request = format!(r#"{{"bytes":{bytes},"scan":"json","masked":{{"name":1}}}}"#);
        let line = entry(&quoted(hash), &request, &stream(kind));
        let (code, out, err) = folder.hash(&["--entry", &line, "--side", "request", body]);
        assert_eq!(code, Some(0), "{kind}: {err}");
        assert!(out.starts_with(&format!("{body}: equal, {bytes} bytes, read as {kind}")), "{out}");
    }
}

#[test]
fn an_entry_may_stand_in_a_file_behind_its_provisional_one() {
    let final_line = entry(&quoted(ABC), r#"{"bytes":3,"scan":"json"}"#, "");
    let provisional = entry("null", r#"{"bytes":0}"#, r#","provisional":true"#);
    let one = format!("{provisional}\n{final_line}\n");
    let two = format!("{final_line}\n{final_line}\n");
    let ledger = two.repeat(1000);
    let folder = Folder::with(&[
        ("abc", b"abc"),
        ("abcd", b"abcd"),
        ("one", one.as_bytes()),
        ("two", two.as_bytes()),
        ("ledger", ledger.as_bytes()),
        ("provisional", provisional.as_bytes()),
        ("torn", b"{\"secret\":"),
    ]);
    let compare = |entry: &str, side: &str, body: &str| {
        folder.hash(&["--entry", entry, "--side", side, body])
    };
    assert_eq!(compare("one", "request", "abc").0, Some(0));
    let (code, _, err) = compare("one", "request", "abcd");
    assert_eq!((code, err.lines().count()), (Some(1), 1));
    assert!(err.contains("it has 4 bytes, the entry saw 3"), "{err}");
    no_answer(compare("one", "response", "abc"), "its response_hash is null");
    no_answer(compare("two", "request", "abc"), "more than one; pick the line");
    no_answer(compare("ledger", "request", "abc"), "more than one; pick the line");
    no_answer(compare("provisional", "request", "abc"), "none that was written at the end");
    no_answer(compare("torn", "request", "abc"), "the line ends too early");
    no_answer(compare("", "request", "abc"), "no line was found");
    no_answer(folder.hash(&["--entry", "one", "abc"]), "--side");
}

#[test]
fn a_multipart_entry_wants_the_boundary_that_it_does_not_keep() {
    let body = b"--XyZ\r\ncontent-disposition: form-data; name=\"pin\"\r\n\r\n1\r\n--XyZ--\r\n";
    let folder = Folder::with(&[("body", body)]);
    let media_type = "multipart/form-data; boundary=XyZ";
    let hash = quoted(&folder.digest(&["--type", media_type, "body"]));
    let line = entry(&hash, r#"{"bytes":69,"type":"multipart/form-data","scan":"form"}"#, "");
    let compare = |more: &[&str]| {
        folder.hash(&[&["--entry", &line, "--side", "request", "body"], more].concat())
    };
    no_answer(compare(&[]), "it keeps no boundary");
    no_answer(compare(&["--type", "text/plain"]), "read the body as form, --type means text");
    assert_eq!(compare(&["--type", media_type]).0, Some(0));
}

#[test]
fn an_entry_decides_whether_a_key_is_needed() {
    let folder = Folder::with(&[("body", MESSAGE.as_bytes()), ("abc", b"abc"), ("key", &KEY)]);
    let keyed = entry(&quoted(MAC), r#"{"bytes":54,"scan":"json"}"#, r#","hash_key_id":"2026-06""#);
    let plain = entry(&quoted(ABC), r#"{"bytes":3,"scan":"json"}"#, "");
    let key = ["--key-file", "key", "--side", "request"];
    let compare = |entry: &str, more: &[&str], body: &str| {
        folder.hash(&[&["--entry", entry], more, &[body]].concat())
    };
    assert_eq!(compare(&keyed, &key, "body").0, Some(0));
    no_answer(compare(&keyed, &key[2..], "body"), "the key 2026-06 with --key-env or --key-file");
    assert_eq!(compare(&plain, &key[2..], "abc").0, Some(0));
    no_answer(compare(&plain, &key, "abc"), "its hashes are plain SHA-256");
}
