//! `ledgerline check-archive` where no server is needed: an archive in a folder, and copies.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;
mod place;

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use gateway::entry;
use place::{Place, answer, files, has_kernel_protection, lines, release};
use serde_json::Value;

/// A folder that `ship` filled, and the receipts beside the ledger; `None` where the kernel protects nothing.
fn shipped() -> Option<Place> {
    if !has_kernel_protection() {
        return None;
    }
    let place = Place::with_live(&lines(0..60));
    let (code, _, err) = answer(place.ship(&["--segment-bytes", "5kB"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    assert!(place.objects().len() > 2);
    Some(place)
}

fn check(url: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
    answer(command.args(["check-archive", url]).args(more).output().unwrap())
}

fn receipts(place: &Place) -> String {
    place.ledger().join("shipped.jsonl").display().to_string()
}

fn overwrite(path: &Path, bytes: &[u8]) {
    release(path);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn first_object(place: &Place) -> PathBuf {
    place.objects().remove(0)
}

#[test]
fn what_was_shipped_holds_and_its_own_receipts_are_asked() {
    let Some(place) = shipped() else { return };
    let objects = place.objects().len();
    let (code, out, err) = check(&place.url(), &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(": holds: 0 problems"), "{out}");
    assert!(out.contains(&format!("{objects} receipts asked")), "those in the store: {out}");
    let (_, out, _) = check(&place.url(), &["--receipts", &receipts(&place)]);
    assert!(out.contains(&format!("{} receipts asked", 2 * objects)), "{out}");
}

#[test]
fn each_kind_of_harm_is_said_of_the_object_that_has_it() {
    type Harm = fn(&Path);
    let harms: [(&str, &str, Harm); 5] = [
        ("other_content", "other lines than its name says", |path| {
            overwrite(path, &packed(&entry(7)));
        }),
        ("other_content", "other lines than its name says", |path| overwrite(path, b"")),
        ("broken", "broken gzip", |path| {
            let bytes = fs::read(path).unwrap();
            overwrite(path, &bytes[..bytes.len() - 9]);
        }),
        ("missing", "missing: a receipt of ", |path| {
            release(path);
            fs::remove_file(path).unwrap();
        }),
        ("no_lock", "immutable flag is off", |path| release(path)),
    ];
    for (kind, text, harm) in harms {
        let Some(place) = shipped() else { return };
        let object = first_object(&place);
        harm(&object);
        let name = object.strip_prefix(place.store()).unwrap().to_str().unwrap();
        let (code, out, err) = check(&place.url(), &[]);
        assert_eq!(code, Some(1), "{kind}: {out}{err}");
        let line = out.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{out}"));
        assert!(line.starts_with(name), "{line}");
        assert!(err.contains("does not hold"), "{err}");

        let (code, out, _) = check(&place.url(), &["--format", "json"]);
        assert_eq!(code, Some(1));
        let found: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (last, problems) = found.split_last().unwrap();
        assert!(problems.iter().any(|it| it["problem"] == kind && it["name"] == name), "{out}");
        assert_eq!(last["verdict"], "does_not_hold");
        assert_eq!(last["problems"], problems.len());
        assert_eq!(last["format"], "ledgerline.check-archive/1");
        for key in ["tool", "tool_version", "began_at", "ended_at", "sink"] {
            assert!(last[key].is_string(), "{key}: {last}");
        }
    }
}

#[test]
fn receipts_in_the_store_are_held_to_their_names_too() {
    let Some(place) = shipped() else { return };
    let receipt = files(&place.store().join("receipts")).remove(0);
    overwrite(&receipt, &packed("{}\n"));
    let (code, out, _) = check(&place.url(), &[]);
    assert!(code == Some(1) && out.contains("receipts/"), "{out}");
    let (_, _, err) = check(&place.url(), &[]);
    assert!(err.contains(" 0 receipts asked"), "forged ones are not believed: {err}");
}

#[test]
fn gzip_is_told_by_how_it_begins_and_a_link_is_no_object() {
    let Some(place) = shipped() else { return };
    let object = first_object(&place);
    let bytes = fs::read(&object).unwrap();
    let plain_name = object.with_extension("");
    fs::write(&plain_name, &bytes).unwrap();
    let (code, out, _) = check(&place.url(), &[]);
    assert_eq!(code, Some(1), "it has no flag");
    assert!(!out.contains("other lines"), "gzip without .gz: {out}");
    fs::remove_file(&plain_name).unwrap();
    symlink(&object, &plain_name).unwrap();
    let (code, out, _) = check(&place.url(), &[]);
    assert!(code == Some(1) && out.contains("no regular file"), "{out}");
}

#[test]
fn of_a_copy_content_and_receipts_are_looked_at_and_no_locks() {
    let Some(place) = shipped() else { return };
    let copy = place.0.path().join("copy");
    for file in files(&place.store()) {
        let to = copy.join(file.strip_prefix(place.store()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let url = format!("file://{}", copy.display());
    assert_eq!(check(&url, &[]).0, Some(1), "it is not locked");
    let (code, out, err) = check(&url, &["--copy-of", &place.url()]);
    assert_eq!(code, Some(0), "{out}{err}");
    let objects = place.objects().len();
    assert!(out.contains(&format!(" {objects} receipts asked")), "{out}");
    fs::remove_file(&files(&copy)[0]).unwrap();
    let (code, out, _) = check(&url, &["--copy-of", &place.url()]);
    assert!(code == Some(1) && out.contains("missing"), "{out}");
}

#[test]
fn what_cannot_be_asked_is_no_yes() {
    let place = Place::with_live("");
    fs::create_dir(place.store()).unwrap();
    let nowhere = format!("{}/nowhere", place.url());
    for (url, more, says) in [
        (place.url().as_str(), &[][..], "no segment and no receipt"),
        (nowhere.as_str(), &[], "no such folder"),
        ("az://container/a", &[], "--copy-of az://container/a"),
        ("gs://bucket", &[], "only s3:// and file://"),
        ("s3://bucket", &["--copy-of", "s3://bucket"], "a copy is a folder"),
        (place.url().as_str(), &["--receipts", "/nowhere/shipped.jsonl"], "/nowhere/shipped.jsonl"),
    ] {
        let (code, out, err) = check(url, more);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{url}: {err}");
        assert!(err.contains(says), "{url}: {err}");
    }
}

/// A name, a version and a time stand in receipts, which anybody may have written.
#[test]
fn nothing_that_a_terminal_obeys_leaves_here() {
    let place = Place::with_live("");
    fs::create_dir(place.store()).unwrap();
    let odd = "\u{1b}[2J\n\u{202e}forged: holds";
    let receipt = serde_json::json!({
        "name": odd, "url": place.url(), "version": odd, "confirmed_at": odd, "until": odd,
    });
    fs::write(place.ledger().join("shipped.jsonl"), format!("{receipt}\n")).unwrap();
    for format in ["text", "json"] {
        let (code, out, err) =
            check(&place.url(), &["--receipts", &receipts(&place), "--format", format]);
        assert_eq!(code, Some(1), "{err}");
        assert!(!(out.clone() + &err).contains(['\u{1b}', '\u{202e}']), "{out}{err}");
        assert!(!out.lines().any(|line| line.starts_with("forged")), "{out}");
    }
}
