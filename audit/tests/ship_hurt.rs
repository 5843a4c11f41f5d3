//! `ledgerline ship` while somebody takes its files away, forges its receipts, or puts something else in their place.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;
mod place;

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::TcpListener,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use gateway::{Gateway, entry};
use place::{
    Follower, Place, answer, files, flags, has_kernel_protection, lines, plain, release, seqs,
    wait_for,
};
use rustix::{
    fs::{CWD, FileType, IFlags, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};
use serde_json::{Value, json};

const STAMP: &str = "20261121T110000.000000Z";

/// A place with one sealed file of `count` entries that nobody has shipped.
fn sealed(count: u64) -> Place {
    let place = Place::new();
    fs::create_dir(place.ledger().join("segments")).unwrap();
    fs::write(place.ledger().join(format!("segments/{STAMP}.jsonl")), lines(0..count)).unwrap();
    fs::write(place.live(), "").unwrap();
    place
}

fn forged(place: &Place, more: &Value) -> String {
    let len = lines(0..50).len();
    let mut receipt = json!({
        "name": "2026/11/21/x.jsonl.gz", "url": place.url(), "mode": "immutable", "sha256": "00".repeat(32),
        "bytes": 10, "entries": 50, "torn": 0, "confirmed_at": "2026-11-21T12:00:00Z",
        "file": format!("{STAMP}.jsonl"), "start": 0, "end": len,
    });
    let fields = receipt.as_object_mut().unwrap();
    more.as_object()
        .unwrap()
        .iter()
        .for_each(|(key, value)| drop(fields.insert(key.clone(), value.clone())));
    format!("{receipt}\n")
}

#[test]
fn a_forged_receipt_deletes_nothing_and_stops_nothing() {
    if !has_kernel_protection() {
        return;
    }
    for (what, more) in [
        ("an object that is not there", json!({})),
        ("a name that leads out", json!({"name": "../../../etc/passwd"})),
        ("more than there is", json!({"end": 1_u64 << 40})),
        ("a digest that is none", json!({"sha256": "no"})),
        (
            "a version",
            json!({"version": "forged", "mode": "COMPLIANCE", "until": "2099-01-01T00:00:00Z"}),
        ),
        ("long ago", json!({"confirmed_at": "1970-01-01T00:00:00Z"})),
    ] {
        for keep in ["7d", "0s"] {
            let place = sealed(50);
            fs::write(place.ledger().join("shipped.jsonl"), forged(&place, &more)).unwrap();
            let (code, out, err) = answer(place.ship(&["--keep-local", keep]).output().unwrap());
            assert!(code == Some(0) && out.contains("50 entries"), "{what}: {out}{err}");
            assert!(err.contains("its receipt counts for nothing"), "{what}: {err}");
            assert_eq!(seqs(&place.stored()).len(), 50, "{what}");
        }
    }
}

#[test]
fn a_receipt_that_names_another_object_deletes_nothing() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..10));
    assert_eq!(place.ship(&[]).output().unwrap().status.code(), Some(0));
    let other = place.receipts()[0].clone();
    let stolen =
        ["name", "sha256", "bytes", "mode"].map(|key| (key.to_owned(), other[key].clone()));
    fs::write(place.ledger().join(format!("segments/{STAMP}.jsonl")), lines(100..150)).unwrap();
    let more = json!({"end": lines(100..150).len()});
    let mut more = more.as_object().unwrap().clone();
    more.extend(stolen);
    let line = forged(&place, &more.into());
    let mut receipts =
        OpenOptions::new().append(true).open(place.ledger().join("shipped.jsonl")).unwrap();
    receipts.write_all(line.as_bytes()).unwrap();
    let (code, _, err) = answer(place.ship(&["--keep-local", "0s"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("no object of these lines has this name"), "{err}");
    assert_eq!(seqs(&place.stored()).len(), 60);
}

#[test]
fn receipts_of_another_store_count_for_nothing_here_and_it_is_said() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..40));
    assert_eq!(place.ship(&[]).output().unwrap().status.code(), Some(0));
    let other = format!("file://{}", place.0.path().join("other").display());
    let (code, out, err) = answer(place.ship_to(&other, &["--keep-local", "0s"]).output().unwrap());
    assert!(code == Some(0) && out.contains("40 entries"), "{out}{err}");
    assert!(err.contains(&format!("1 sealed files have receipts of {}", place.url())), "{err}");
    assert!(place.sealed().is_empty(), "the other store holds all of it");
    let there = files(&place.0.path().join("other"));
    let there: String = there
        .iter()
        .filter(|path| !path.to_str().unwrap().contains("/receipts/"))
        .map(|p| plain(p))
        .collect();
    assert_eq!(there, lines(0..40));
}

#[test]
fn an_object_that_was_deleted_or_lost_its_lock_since_is_shipped_again() {
    if !has_kernel_protection() {
        return;
    }
    for is_deleted in [true, false] {
        let place = Place::with_live(&lines(0..30));
        assert_eq!(place.ship(&[]).output().unwrap().status.code(), Some(0));
        let object = place.objects()[0].clone();
        release(&object);
        if is_deleted {
            fs::remove_file(&object).unwrap();
        }
        let (code, _, err) = answer(place.ship(&["--keep-local", "0s"]).output().unwrap());
        assert_eq!(code, Some(0), "{err}");
        assert!(err.contains("its receipt counts for nothing"), "{err}");
        assert_eq!(plain(&place.objects()[0]), lines(0..30));
        assert!(flags(&place.objects()[0]).contains(IFlags::IMMUTABLE));
    }
}

#[test]
fn receipts_go_to_the_store_too() {
    if !has_kernel_protection() {
        return;
    }
    let place = Place::with_live(&lines(0..30));
    assert_eq!(place.ship(&["--segment-bytes", "3kB"]).output().unwrap().status.code(), Some(0));
    let [archive] = &*files(&place.store().join("receipts")) else { panic!("one object") };
    let there: Vec<Value> =
        plain(archive).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(there, place.receipts());
    assert!(there.len() > 1);
    let (code, _, err) = answer(place.ship(&[]).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(files(&place.store().join("receipts")).len(), 1, "nothing new");
}

#[test]
fn the_live_file_may_lose_its_name_and_no_line_is_lost() {
    type Steal = fn(&Path);
    let steals: [(&str, Steal); 4] = [
        ("removed", |live| fs::remove_file(live).unwrap()),
        ("renamed", |live| fs::rename(live, live.with_extension("jsonl.1")).unwrap()),
        ("replaced", |live| {
            fs::rename(live, live.with_extension("jsonl.1")).unwrap();
            fs::write(live, "").unwrap();
        }),
        ("linked away", |live| {
            fs::rename(live, live.with_extension("jsonl.1")).unwrap();
            symlink("/dev/null", live).unwrap();
        }),
    ];
    for (what, steal) in steals {
        let place = Place::new();
        let gateway = Gateway::start(&place.live());
        let reopen = format!("http://{}", gateway.address());
        let follower = Follower::start(place.ship(&["--segment-age", "1h", "--reopen", &reopen]));
        wait_for("its first rotation", || {
            follower.metric("ledgerline_ship_rotations_total") >= 1.0
        });
        wait_for("lines", || place.live().metadata().is_ok_and(|live| live.len() > 5_000));
        release(&place.live());
        steal(&place.live());
        wait_for("the rescue", || follower.metric("ledgerline_ship_rotations_total") >= 2.0);
        let (status, health) = follower.get("/healthz");
        assert!(
            status == 503 && health.contains("removed, renamed or replaced"),
            "{what}: {health}"
        );
        assert!(follower.metric("ledgerline_ship_disturbed_total") >= 1.0, "{what}");
        wait_for("new lines", || place.live().metadata().is_ok_and(|live| live.len() > 5_000));
        let written = gateway.stop();
        let (_, err) = follower.stop();
        assert!(err.contains("what the old one holds is taken back"), "{what}: {err}");
        let (code, _, err) = answer(place.ship(&[]).output().unwrap());
        fs::remove_file(place.live().with_extension("jsonl.1")).ok();
        eprintln!("{what}: {written} written, {} delivered", seqs(&place.stored()).len());
        assert_eq!(seqs(&place.local()), (0..written).collect(), "{what}: {err}");
        if has_kernel_protection() {
            assert_eq!(code, Some(0), "{what}: {err}");
            assert_eq!(seqs(&place.stored()), (0..written).collect(), "{what}");
        }
    }
}

#[test]
fn a_live_file_that_is_cut_is_a_loss_that_is_said() {
    let place = Place::with_live("");
    let follower = Follower::start(place.ship(&["--segment-age", "1h"]));
    let mut live = OpenOptions::new().append(true).open(place.live()).unwrap();
    wait_for("its first look", || follower.get("/lease").0 == 200);
    live.write_all(lines(0..20).as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(500));
    release(&place.live());
    OpenOptions::new().write(true).open(place.live()).unwrap().set_len(0).unwrap();
    wait_for("the loss", || follower.metric("ledgerline_ship_losses_total") == 1.0);
    assert_eq!(follower.metric("ledgerline_ship_lost_bytes_total"), lines(0..20).len() as f64);
    assert_eq!(follower.get("/healthz").0, 503);
    let (_, err) = follower.stop();
    assert!(err.contains("LOST: ") && err.contains("cut it off"), "{err}");
    assert_eq!(place.receipts()[0]["lost"]["what"], "entries.jsonl");
}

/// A folder that nobody can make.
const NOWHERE: &str = "file:///proc/ledgerline-test";

#[test]
fn a_sealed_file_that_vanishes_unshipped_is_a_loss_that_is_said() {
    let place = sealed(50);
    let follower = Follower::start(place.ship_to(NOWHERE, &[]));
    wait_for("it to be seen", || follower.metric("ledgerline_ship_unconfirmed_segments") >= 1.0);
    let file = place.ledger().join(format!("segments/{STAMP}.jsonl"));
    let bytes = file.metadata().unwrap().len();
    release(&file);
    fs::remove_file(&file).unwrap();
    wait_for("the loss", || follower.metric("ledgerline_ship_losses_total") == 1.0);
    assert_eq!(follower.metric("ledgerline_ship_lost_bytes_total"), bytes as f64);
    assert!(follower.get("/healthz").1.contains("taken away before it was shipped"));
    let (code, err) = follower.stop();
    assert!(code == Some(1) || err.contains("LOST: "), "{err}");
    assert_eq!(place.receipts()[0]["lost"]["bytes"], bytes);
}

#[test]
fn folders_receipts_and_lock_that_are_replaced_are_said_and_taken_back() {
    let place = sealed(50);
    let follower = Follower::start(place.ship_to(NOWHERE, &[]));
    wait_for("it to be seen", || follower.metric("ledgerline_ship_unconfirmed_segments") >= 1.0);
    let ledger = place.ledger();
    fs::rename(ledger.join("segments"), ledger.join("elsewhere")).unwrap();
    fs::create_dir(ledger.join("segments")).unwrap();
    wait_for("the folder", || follower.metric("ledgerline_ship_disturbed_total") >= 1.0);
    wait_for("the file", || ledger.join(format!("segments/{STAMP}.jsonl")).exists());
    fs::remove_file(ledger.join("shipped.jsonl")).unwrap();
    wait_for("the receipts", || ledger.join("shipped.jsonl").exists());
    fs::remove_file(ledger.join("ship.lock")).unwrap();
    fs::write(ledger.join("ship.lock"), "").unwrap();
    let (code, _, err) = answer(place.ship(&[]).output().unwrap());
    assert!(
        code == Some(2) && err.contains("another ledgerline"),
        "a second one slipped in: {err}"
    );
    wait_for("all three", || follower.metric("ledgerline_ship_disturbed_total") >= 3.0);
    assert_eq!(follower.metric("ledgerline_ship_losses_total"), 0.0);
    let (_, err) = follower.stop();
    for said in [
        "segments/ was removed or replaced",
        "shipped.jsonl: somebody removed",
        "ship.lock was removed",
    ] {
        assert!(err.contains(said), "{said}: {err}");
    }
    assert_eq!(seqs(&place.local()).len(), 50);
}

#[test]
fn a_ledger_that_is_swapped_ends_the_shipper() {
    let place = sealed(50);
    let mut follower = Follower::start(place.ship_to(NOWHERE, &[]));
    wait_for("it to be seen", || follower.metric("ledgerline_ship_unconfirmed_segments") >= 1.0);
    fs::rename(place.ledger(), place.0.path().join("before")).unwrap();
    fs::create_dir(place.ledger()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while follower.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it goes on");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(follower.child.wait().unwrap().code(), Some(1));
}

#[test]
fn links_pipes_and_folders_are_neither_followed_nor_waited_for() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "not ours\n").unwrap();
    let mode = secret.path().metadata().unwrap().mode();
    type Plant = fn(&Path, &Path);
    let plants: [(&str, Plant); 3] = [
        ("link", |at, secret| symlink(secret, at).unwrap()),
        ("pipe", |at, _| mknodat(CWD, at, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap()),
        ("folder", |at, _| fs::create_dir(at).unwrap()),
    ];
    for name in [
        "segments/20261121T100000.000000Z.jsonl",
        "entries-20261121T100000.000000Z.draining",
        "entries.next",
    ] {
        for (what, plant) in plants {
            let place = sealed(50);
            plant(&place.ledger().join(name), secret.path());
            let (code, _, err) = answer(place.ship(&[]).output().unwrap());
            assert_eq!(code, Some(1), "{name}, {what}: {err}");
            assert!(err.contains(name), "{name}, {what}: {err}");
            assert_eq!(secret.path().metadata().unwrap().mode(), mode, "{name}, {what}");
            assert!(!flags(secret.path()).contains(IFlags::IMMUTABLE), "{name}, {what}");
            assert_eq!(fs::read_to_string(secret.path()).unwrap(), "not ours\n");
            if has_kernel_protection() {
                assert_eq!(
                    place.stored().concat(),
                    lines(0..50).replace('\n', ""),
                    "{name}, {what}: {err}"
                );
            }
        }
    }
    for name in ["entries.jsonl", "shipped.jsonl", "ship.lock"] {
        for (what, plant) in plants {
            let place = sealed(50);
            let _ = fs::remove_file(place.ledger().join(name));
            plant(&place.ledger().join(name), secret.path());
            let (code, _, err) = answer(place.ship(&[]).output().unwrap());
            assert!(matches!(code, Some(1 | 2)), "{name}, {what}: {err}");
            assert!(err.contains(name), "{name}, {what}: {err}");
            assert_eq!(fs::read_to_string(secret.path()).unwrap(), "not ours\n", "{name}, {what}");
            assert!(!flags(secret.path()).contains(IFlags::APPEND), "{name}, {what}");
        }
    }
}

#[test]
fn a_pipe_among_the_segments_shows_and_stops_neither_the_others_nor_the_end() {
    let place = sealed(50);
    let pipe = place.ledger().join("segments/20261121T100000.000000Z.jsonl");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    let follower = Follower::start(place.ship(&[]));
    wait_for("the strange file", || follower.metric("ledgerline_ship_strange_files") == 1.0);
    wait_for("503", || follower.get("/healthz").1.contains("no files of ours"));
    if has_kernel_protection() {
        wait_for("the other", || follower.metric("ledgerline_ship_entries_total") == 50.0);
    }
    let began = Instant::now();
    follower.stop();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_file_with_a_name_elsewhere_is_carried_and_left_as_it_is() {
    let place = sealed(50);
    let other = place.0.path().join("other-name");
    fs::hard_link(place.ledger().join(format!("segments/{STAMP}.jsonl")), &other).unwrap();
    let mode = other.metadata().unwrap().mode();
    let (_, _, err) = answer(place.ship(&[]).output().unwrap());
    assert!(err.contains("another name elsewhere"), "{err}");
    assert!(other.metadata().unwrap().mode() == mode && !flags(&other).contains(IFlags::IMMUTABLE));
    if has_kernel_protection() {
        assert_eq!(seqs(&place.stored()).len(), 50);
    }
}

#[test]
fn what_makes_no_sense_is_refused_at_the_start() {
    let place = Place::with_live(&entry(0));
    let inside = format!("file://{}/archive", place.ledger().display());
    let link = place.0.path().join("link");
    symlink(place.ledger(), &link).unwrap();
    let linked = format!("file://{}/archive", link.display());
    let around = format!("file://{}", place.0.path().display());
    for (to, more, variables, said) in [
        (&*inside, &[][..], &[][..], "lie in each other"),
        (&linked, &[], &[], "lie in each other"),
        (&around, &[], &[], "lie in each other"),
        ("gs://bucket/a", &[], &[], "--allow-unknown-lock"),
        ("az://bucket/a", &[], &[], "--allow-unknown-lock"),
        (
            "s3://bucket/a",
            &["--lock-mode", "compliance", "--retain", "30d"],
            &[],
            "shorter lock than --retention",
        ),
        (
            "s3://bucket/a",
            &["--lock-mode", "compliance", "--retain", "3650d"],
            &[],
            "--retain-for-years",
        ),
        (
            "s3://bucket/a",
            &[],
            &[("AWS_ENDPOINT_URL_S3", "http://10.0.0.1:9")],
            "--allow-plain-http",
        ),
        (
            "s3://bucket/a",
            &[],
            &[("AWS_ENDPOINT_URL", "http://store.example")],
            "--allow-plain-http",
        ),
        ("s3://bucket/a", &[], &[("AWS_ENDPOINT_URL_S3", "store.example:9000")], "no scheme"),
        (
            "s3://bucket/a",
            &[],
            &[("AWS_ENDPOINT_URL_S3", "https://u:hunter2@h")],
            "user or password",
        ),
        ("s3://bucket/a", &[], &[("AWS_CA_BUNDLE", "/dev/null")], "holds no certificate"),
    ] {
        let mut command = place.ship_to(to, more);
        command.env("AWS_REGION", "us-east-1").envs(variables.iter().copied());
        let (code, _, err) = answer(command.output().unwrap());
        assert!(
            code == Some(2) && err.contains(said),
            "{to} {more:?} {variables:?}: {code:?} {err}"
        );
        assert!(!err.contains("hunter2"), "{err}");
        assert_eq!(fs::read_to_string(place.live()).unwrap(), entry(0), "nothing was begun");
    }
}

#[test]
fn a_store_that_says_nothing_holds_up_no_end() {
    let place = Place::with_live(&entry(0));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut command = place.ship_to("s3://bucket/a", &[]);
    command
        .env("AWS_ENDPOINT_URL_S3", endpoint)
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("NO_PROXY", "127.0.0.1");
    let _writer = OpenOptions::new().append(true).open(place.live()).unwrap();
    let folder = place.ledger().join("segments");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(format!("{STAMP}.jsonl")), entry(1)).unwrap();
    let follower = Follower::start(command);
    silent.accept().unwrap();
    let began = Instant::now();
    assert_eq!(follower.stop().0, Some(1));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_year_of_receipts_is_neither_held_in_memory_nor_kept_for_ever() {
    if !has_kernel_protection() {
        return;
    }
    let place = sealed(50);
    let path = place.ledger().join("shipped.jsonl");
    let mut receipts = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    for minute in 0..YEAR {
        let file =
            format!("{:04}0101T000000.{:06}Z.jsonl", 1970 + minute / 1_000_000, minute % 1_000_000);
        let more = json!({"file": file, "version": "3HL4kqtJlcpXroDTDmJ"});
        receipts.write_all(forged(&place, &more).as_bytes()).unwrap();
    }
    receipts.flush().unwrap();
    let before = path.metadata().unwrap().len();
    let mut child = place.ship(&[]).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = kib.unwrap_or(peak).max(peak);
        thread::sleep(Duration::from_millis(5));
    }
    let after = path.metadata().unwrap().len();
    eprintln!("{YEAR} receipts, {before} bytes: peak {peak} KiB, {after} bytes afterwards");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(peak < 100 << 10, "{peak} KiB");
    assert!(after < 1 << 20, "{after} bytes of {before}");
}

/// One a minute.
const YEAR: u64 = 525_600 / SHARE;
/// A part of it where everything is slow; `make faults` takes it whole.
const SHARE: u64 = 10;

#[test]
fn many_segments_take_as_long_as_they_are_many() {
    if !has_kernel_protection() {
        return;
    }
    let took = [500, 2_000].map(|count| {
        let place = Place::new();
        fs::create_dir(place.ledger().join("segments")).unwrap();
        for number in 0..count {
            let path = place.ledger().join(format!("segments/20261121T110000.{number:06}Z.jsonl"));
            fs::write(path, entry(number)).unwrap();
        }
        let began = Instant::now();
        let (code, out, err) = answer(place.ship(&["--compress", "none"]).output().unwrap());
        assert!(code == Some(0) && out.contains(&format!("{count} entries")), "{out}{err}");
        began.elapsed()
    });
    eprintln!("500 segments {:?}, 2000 segments {:?}", took[0], took[1]);
    assert!(took[1] < took[0] * 4 * 2 + Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_changed_setting_is_read_again_at_a_hangup() {
    let place = Place::with_live(&entry(0));
    let follower = Follower::start(place.ship_to(NOWHERE, &[]));
    wait_for("its first look", || follower.get("/lease").0 == 200);
    kill_process(Pid::from_child(&follower.child), Signal::HUP).unwrap();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(follower.get("/metrics").0, 200, "it goes on");
    let (_, err) = follower.stop();
    assert!(err.contains("SIGHUP: credentials"), "{err}");
}

#[test]
fn a_lease_is_given_while_somebody_looks() {
    let place = Place::with_live("");
    let follower = Follower::start(place.ship(&[]));
    wait_for("the lease", || follower.get("/lease/v1/chat?x=y").0 == 200);
    assert_eq!(follower.get("/leasehold").0, 404);
    let full = Follower::start({
        let other = Place::with_live(&lines(0..50));
        let command = other.ship_to(NOWHERE, &["--max-local", "1kB"]);
        std::mem::forget(other);
        command
    });
    wait_for("none", || full.get("/lease").0 == 503);
    full.stop();
    follower.stop();
}

/// Names in a folder, the folder's own name, and what stands in receipts: whoever may write there writes to no terminal.
#[test]
fn a_hostile_name_or_receipt_is_shown_and_not_obeyed() {
    let odd = "\u{1b}[2J\nLOST: \u{202e}forged";
    let outer = tempfile::tempdir().unwrap();
    let ledger = outer.path().join(format!("ledger {odd}"));
    fs::create_dir_all(ledger.join("segments")).unwrap();
    fs::write(ledger.join("entries.jsonl"), "").unwrap();
    fs::write(ledger.join("segments").join(format!("{STAMP}.jsonl")), lines(0..50)).unwrap();
    for name in [format!("segments/{odd}.jsonl"), format!("entries-{odd}.draining")] {
        fs::create_dir(ledger.join(name)).unwrap();
    }
    let store = outer.path().join("store");
    let url = format!("file://{}", store.display());
    let place = Place::new();
    let forge = |more: Value| forged(&place, &more);
    let text = forge(json!({"name": odd, "url": &url}))
        + &forge(json!({"name": odd, "url": odd, "endpoint": odd, "version": odd}))
        + &format!(
            "{}\n",
            json!({"lost": {"what": odd, "bytes": 1, "why": odd, "at": "2026-11-21T12:00:00Z"}})
        );
    fs::write(ledger.join("shipped.jsonl"), text).unwrap();
    for more in [&[][..], &["--max-local", "1kB", "--at-cap", "drop-oldest"]] {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        command.args(["ship", "--host", odd, "--min-free", "0", "--to", &url, "--from"]);
        let (_, out, err) = answer(command.arg(&ledger).args(more).output().unwrap());
        let said = out + &err;
        assert!(said.contains("\\u{1b}[2J\\n"), "it is shown: {said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        assert!(
            !said.lines().any(|line| line.contains("forged") && line.starts_with("LOST")),
            "{said}"
        );
    }
    files(outer.path()).iter().for_each(|path| release(path));
}
