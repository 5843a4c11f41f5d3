//! `ledgerline ship`, `rotate` and `protect` as a person and a gateway meet them, with a folder as the store.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;
mod place;

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use gateway::{Gateway, entry};
use place::{
    Follower, Place, answer, flags, has_kernel_protection, lines, plain, release, seqs, wait_for,
};
use rustix::fs::IFlags;
use serde_json::Value;

#[test]
fn once_ships_seals_confirms_and_ships_nothing_twice() {
    let place = Place::with_live(&lines(0..100));
    let (code, out, err) = answer(place.ship(&["--segment-bytes", "5kB"]).output().unwrap());
    if !has_kernel_protection() {
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("nothing keeps it from being deleted"), "{err}");
        assert_eq!(seqs(&place.local()).len(), 100);
        return;
    }
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("100 entries, 0 torn lines"), "{out}");
    assert_eq!(place.stored().concat(), lines(0..100).replace('\n', ""));
    let sealed = place.sealed();
    assert_eq!(sealed.len(), 1);
    assert!(flags(&sealed[0]).contains(IFlags::IMMUTABLE));
    assert!(flags(&place.live()).contains(IFlags::APPEND));
    let receipts = place.receipts();
    assert!(receipts.len() > 1, "5 kB each");
    assert!(receipts.iter().all(|receipt| receipt["mode"] == "immutable"));
    let objects = place.objects().len();
    let (code, out, err) = answer(place.ship(&[]).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains(": 0 objects confirmed"), "{out}");
    assert_eq!((place.objects().len(), place.receipts().len()), (objects, receipts.len()));
}

#[test]
fn a_lost_receipt_makes_a_duplicate_that_is_recognised() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..50));
    assert_eq!(place.ship(&[]).output().unwrap().status.code(), Some(0));
    let (objects, receipts) = (place.objects(), place.receipts());
    fs::remove_file(place.ledger().join("shipped.jsonl")).unwrap();
    assert_eq!(place.ship(&[]).output().unwrap().status.code(), Some(0));
    assert_eq!(place.objects(), objects);
    assert_eq!(place.receipts()[0]["name"], receipts[0]["name"]);
}

#[test]
fn another_object_under_the_name_loses_nothing() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..50));
    let none = ["--compress", "none"];
    assert_eq!(place.ship(&none).output().unwrap().status.code(), Some(0));
    let [object] = &*place.objects() else { panic!("one object") };
    release(object);
    fs::set_permissions(object, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(object, "something else\n").unwrap();
    fs::remove_file(place.ledger().join("shipped.jsonl")).unwrap();
    assert_eq!(place.ship(&none).output().unwrap().status.code(), Some(0));
    let name = place.receipts()[0]["name"].as_str().unwrap().to_owned();
    assert!(name.ends_with("-again-1.jsonl"), "{name}");
    assert_eq!(plain(&place.store().join(name)), lines(0..50));
}

#[test]
fn torn_lines_are_shipped_as_they_are_and_counted() {
    let torn = format!("{}{}{}\0\0\n{}tail", entry(0), &entry(1)[..30], entry(2), entry(3));
    let place = Place::with_live(&torn);
    let (code, out, err) = answer(place.ship(&["--compress", "none"]).output().unwrap());
    let [object] = &*place.objects() else { panic!("one object: {err}") };
    assert_eq!(plain(object), torn);
    assert!(object.to_str().unwrap().contains("_gw_3_"), "{}", object.display());
    if has_kernel_protection() {
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("3 entries, 3 torn lines"), "{out}");
    }
}

#[test]
fn what_cannot_be_asked_is_told_apart() {
    let place = Place::with_live(&entry(0));
    let wrong = "s3://user:very-secret@bucket/prefix?x=very-secret";
    let (code, _, err) = answer(place.ship_to(wrong, &[]).output().unwrap());
    assert!(code == Some(2) && !err.contains("very-secret"), "{err}");
    let mut missing = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
    missing.args(["ship", "--to", &place.url(), "--from"]).arg(place.0.path().join("none"));
    let (code, _, err) = answer(missing.output().unwrap());
    assert!(code == Some(2) && err.contains("no such folder"), "{err}");
    let first = Follower::start(place.ship(&[]));
    let (code, _, err) = answer(place.ship(&[]).output().unwrap());
    assert!(code == Some(2) && err.contains("another ledgerline"), "{err}");
    first.stop();
    assert_ne!(place.ship(&[]).output().unwrap().status.code(), Some(2));
}

#[test]
fn rotation_under_load_loses_no_line() {
    let place = Place::new();
    let gateway = Gateway::start(&place.live());
    let reopen = format!("http://{}", gateway.address());
    let quick = ["--segment-age", "1ms", "--reopen", &reopen];
    let follower = Follower::start(place.ship(&quick));
    wait_for("ten rotations", || follower.metric("ledgerline_ship_rotations_total") >= 10.0);
    let written = gateway.stop();
    follower.stop();
    let (code, _, err) = answer(place.ship(&[]).output().unwrap());
    let expected: BTreeSet<_> = (0..written).collect();
    assert_eq!(seqs(&place.local()), expected);
    if has_kernel_protection() {
        assert_eq!(code, Some(0), "{err}");
        assert_eq!(place.stored().len() as u64, written, "no line twice");
        assert_eq!(seqs(&place.stored()), expected);
    }
}

#[test]
fn what_a_gateway_wrote_last_is_carried_before_the_shipper_ends() {
    for has_ended in [true, false] {
        let place = Place::new();
        let gateway = Gateway::start(&place.live());
        let follower = Follower::start(place.ship(&["--segment-age", "1h"]));
        wait_for("its first look", || follower.get("/lease").0 == 200);
        wait_for("lines", || !place.local().is_empty());
        let written = if has_ended { Some(gateway.stop()) } else { None };
        let (code, err) = follower.stop();
        if !has_kernel_protection() {
            continue;
        }
        match written {
            Some(written) => {
                assert_eq!(code, Some(0), "{err}");
                assert_eq!(seqs(&place.stored()), (0..written).collect());
            }
            None => assert!(err.contains("not rotated yet") || err.contains("not sealed"), "{err}"),
        }
    }
}

#[test]
fn a_shipper_that_is_killed_at_any_instant_loses_no_line() {
    let place = Place::new();
    let gateway = Gateway::start(&place.live());
    let reopen = format!("http://{}", gateway.address());
    let quick =
        ["--follow", "--segment-bytes", "9kB", "--segment-age", "10ms", "--reopen", &reopen];
    for _ in 0..50 {
        let mut child = place.ship(&quick).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(RandomState::new().hash_one(0) % 250_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let written = gateway.stop();
    let (code, _, err) = answer(place.ship(&["--segment-bytes", "9kB"]).output().unwrap());
    let expected: BTreeSet<_> = (0..written).collect();
    assert_eq!(seqs(&place.local()), expected, "{err}");
    if has_kernel_protection() {
        assert_eq!(code, Some(0), "{err}");
        let stored = place.stored();
        eprintln!("{written} lines, {} stored, {} objects", stored.len(), place.objects().len());
        assert_eq!(seqs(&stored), expected, "{err}");
    }
}

#[test]
fn every_state_that_a_kill_can_leave_is_taken_up() {
    const OLD: &str = "entries-20261121T120000.000000Z.draining";
    const SEALED: &str = "segments/20261121T110000.000000Z.jsonl";
    let is_kernel = has_kernel_protection();
    let (one, two) = (lines(0..1), lines(1..2));
    for (state, files) in [
        ("before the rename", vec![("entries.next", ""), ("entries.jsonl", &*one)]),
        ("no live file yet", vec![("entries.next", ""), (OLD, &one)]),
        ("a new live file, and nobody told", vec![("entries.jsonl", ""), (OLD, &one)]),
        ("the gateway has gone on", vec![("entries.jsonl", &two), (OLD, &one)]),
        ("sealed and not protected", vec![("entries.jsonl", &two), (SEALED, &one)]),
        ("nothing but a receipt cut short", vec![("entries.jsonl", &one), ("shipped.jsonl", "{")]),
        ("an empty file renamed", vec![(OLD, ""), ("entries.jsonl", &one)]),
    ] {
        let place = Place::new();
        fs::create_dir(place.ledger().join("segments")).unwrap();
        files.iter().for_each(|(name, text)| fs::write(place.ledger().join(name), text).unwrap());
        let expected: u64 = files.iter().map(|(_, text)| text.lines().count() as u64).sum();
        let expected = expected - u64::from(state.contains("receipt"));
        let (code, _, err) = answer(place.ship(&[]).output().unwrap());
        assert_eq!(seqs(&place.local()), (0..expected).collect(), "{state}: {err}");
        assert_eq!(place.live().metadata().unwrap().len(), 0, "{state}");
        assert!(place.sealed().iter().all(|path| path.metadata().unwrap().mode() & 0o222 == 0));
        if is_kernel {
            assert_eq!(code, Some(0), "{state}: {err}");
            assert_eq!(seqs(&place.stored()).len() as u64, expected, "{state}");
            assert!(place.sealed().iter().all(|path| flags(path).contains(IFlags::IMMUTABLE)));
            assert!(flags(&place.live()).contains(IFlags::APPEND), "{state}");
        }
    }
}

#[test]
fn a_gateway_that_hears_a_signal_is_reopened_by_it() {
    let place = Place::with_live("");
    let script = "exec 3>>$0; trap 'exec 3>>$0' USR1; echo ready; while :; do echo line >&3; sleep 0.01; done";
    let mut writer = Command::new("sh");
    let mut writer =
        writer.args(["-c", script]).arg(place.live()).stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    wait_for("a line", || place.live().metadata().unwrap().len() > 0);
    let pid = place.0.path().join("pid");
    fs::write(&pid, format!("{}\n", writer.id())).unwrap();
    let folder = place.ledger();
    let more = ["--from", folder.to_str().unwrap(), "--reopen", &format!("pid:{}", pid.display())];
    let (code, out, err) = answer(place.run("rotate", &more));
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("1 files sealed"), "{out}");
    let mode = place.sealed()[0].metadata().unwrap().mode() & 0o777;
    assert_eq!(mode, 0o440);
}

#[test]
fn a_file_that_somebody_still_writes_is_not_sealed() {
    let place = Place::with_live(&entry(0));
    let writer = OpenOptions::new().append(true).open(place.live()).unwrap();
    let folder = place.ledger();
    let (code, _, err) = answer(place.run("rotate", &["--from", folder.to_str().unwrap()]));
    assert!(code == Some(1) && err.contains("--reopen says"), "{err}");
    assert!(place.sealed().is_empty());
    (&writer).write_all(entry(1).as_bytes()).unwrap();
    drop(writer);
    let (code, _, err) = answer(place.run("rotate", &["--from", folder.to_str().unwrap()]));
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(plain(&place.sealed()[0]), lines(0..2));
}

#[test]
fn sealed_files_are_deleted_by_age_if_that_is_asked_for_and_no_other() {
    let place = Place::with_live(&lines(0..7));
    let folder = place.ledger();
    let rotate = |more: &[&str]| {
        let from = ["--from", folder.to_str().unwrap()];
        answer(place.run("rotate", &[&from, more].concat()))
    };
    let (code, out, err) = rotate(&["--delete-after", "1h"]);
    assert!(code == Some(0) && out.contains("1 files sealed\n"), "{out}{err}");
    fs::write(folder.join("segments/notes.jsonl"), "no segment\n").unwrap();
    let writer = OpenOptions::new().append(true).open(place.live()).unwrap();
    (&writer).write_all(entry(7).as_bytes()).unwrap();
    let (code, out, err) = rotate(&["--delete-after", "0s"]);
    assert_eq!((code, &*out), (Some(1), ""), "what is still open cannot be sealed: {err}");
    drop(writer);
    assert_eq!(seqs(&place.local()), (0..8).collect());
    let (code, out, err) = rotate(&["--delete-after", "0s"]);
    assert!(code == Some(0) && out.contains("1 files sealed, 2 deleted"), "{out}{err}");
    assert!(err.contains("deleted with 7 entries: older than --delete-after"), "{err}");
    assert_eq!(place.sealed(), [folder.join("segments/notes.jsonl")]);
}

#[test]
fn at_the_cap_confirmed_files_go_first() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..50));
    let (code, _, err) = answer(place.ship(&["--max-local", "1"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    assert!(place.sealed().is_empty());
    assert_eq!(seqs(&place.stored()).len(), 50);
}

#[test]
fn confirmed_files_go_after_their_time_and_their_names_are_not_used_again() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::new();
    for round in 0..3 {
        let mut live = OpenOptions::new().append(true).create(true).open(place.live()).unwrap();
        live.write_all(lines(round * 10..round * 10 + 10).as_bytes()).unwrap();
        drop(live);
        let (code, _, err) = answer(place.ship(&["--keep-local", "0s"]).output().unwrap());
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(place.sealed().is_empty());
    }
    assert_eq!(seqs(&place.stored()).len(), 30);
    let names: BTreeSet<_> = place.receipts().iter().map(|r| r["file"].to_string()).collect();
    assert_eq!(names.len(), 3);
}

/// A folder that nobody can make.
const NOWHERE: &str = "file:///proc/ledgerline-test";

#[test]
fn at_the_cap_the_gateway_is_told_to_refuse_calls() {
    let place = Place::with_live(&lines(0..50));
    let follower = Follower::start(place.ship_to(NOWHERE, &["--max-local", "8kB"]));
    let pressure = || fs::read_to_string(place.ledger().join("pressure")).unwrap_or_default();
    wait_for("pressure", || pressure() == "1");
    wait_for("503", || follower.get("/healthz").0 == 503);
    let (_, text) = follower.get("/healthz");
    let health: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(health["healthy"], false);
    assert!(text.contains("at its cap"), "{text}");
    wait_for("the metric", || follower.metric("ledgerline_ship_at_cap") == 1.0);
    let (code, err) = follower.stop();
    assert_eq!(code, Some(1));
    assert!(err.contains("the gateway is told to refuse calls"), "{err}");
    assert_eq!(seqs(&place.local()).len(), 50, "nothing is dropped");
    let follower = Follower::start(place.ship_to(NOWHERE, &[]));
    wait_for("room", || pressure() == "0");
    follower.stop();
}

#[test]
fn at_the_cap_the_oldest_are_dropped_if_that_was_asked_for_and_it_is_told() {
    let place = Place::with_live(&lines(0..50));
    let folder = place.ledger();
    let from = ["--from", folder.to_str().unwrap()];
    assert_eq!(place.run("rotate", &from).status.code(), Some(0));
    let mut live = OpenOptions::new().append(true).open(place.live()).unwrap();
    live.write_all(lines(50..60).as_bytes()).unwrap();
    drop(live);
    assert_eq!(place.run("rotate", &from).status.code(), Some(0));
    let more = ["--max-local", "8kB", "--at-cap", "drop-oldest"];
    let (code, _, err) = answer(place.ship_to(NOWHERE, &more).output().unwrap());
    assert_eq!(code, Some(1));
    assert!(err.contains("LOST: 50 entries"), "{err}");
    assert_eq!(seqs(&place.local()), (50..60).collect());
    assert_eq!(place.receipts()[0]["dropped"]["entries"], 50);
}

#[test]
fn a_store_that_cannot_work_shows_in_the_health() {
    let place = Place::with_live(&entry(0));
    let follower = Follower::start(place.ship_to(NOWHERE, &["--unhealthy-after", "0s"]));
    wait_for("503", || follower.get("/healthz").1.contains("\"store\""));
    let (status, text) = follower.get("/healthz");
    assert_eq!(status, 503, "{text}");
    assert_eq!(follower.stop().0, Some(1));
}

#[test]
fn a_follower_ships_and_writes_its_metrics() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..20));
    let metrics = place.0.path().join("ledgerline.prom");
    let follower = Follower::start(place.ship(&["--metrics-file", metrics.to_str().unwrap()]));
    wait_for("entries", || follower.metric("ledgerline_ship_entries_total") == 20.0);
    wait_for("health", || follower.get("/healthz").0 == 200);
    assert_eq!(fs::read_to_string(place.ledger().join("pressure")).unwrap(), "0");
    assert_eq!(follower.get("/").0, 404);
    let (code, err) = follower.stop();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let text = fs::read_to_string(metrics).unwrap();
    assert!(text.contains("ledgerline_ship_entries_total 20\n"), "{text}");
}

#[test]
fn protect_says_what_there_is_and_lifts_it() {
    let place = Place::new();
    let folder = place.ledger();
    let folder = folder.to_str().unwrap();
    let is_kernel = has_kernel_protection();
    for _ in 0..2 {
        let (code, out, err) = answer(place.run("protect", &[folder]));
        match is_kernel {
            true => assert!(code == Some(0) && out.contains("append-only by the kernel"), "{out}"),
            false => assert!(code == Some(1) && err.contains("file modes only: "), "{err}"),
        }
    }
    assert_eq!(flags(&place.live()).contains(IFlags::APPEND), is_kernel);
    let (code, out, err) = answer(place.run("protect", &["--lift", folder]));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(&format!("{} files", u8::from(is_kernel))), "{out}");
    fs::remove_file(place.live()).unwrap();
}
