//! Shipping what is there, once.

use std::{io, path::Path, time::Duration};

use tokio::time::sleep;

use super::{
    Options,
    fleet::{Fleet, Step as Went},
    pace::asked_to_stop,
    room::Room,
    rotation::{Rotation, Step},
    shipper::{Shipper, Target, Unshipped},
    state::State,
    tidy::Tidier,
};
use crate::{fault::Fault, plain::Shown, progress::Progress, say::say};

const POLL: Duration = Duration::from_millis(20);
/// A store that is busy gets so many tries.
const TRIES: u32 = 6;

pub(super) async fn run<'a>(
    state: &'a State<'a>,
    target: &'a Target<'a>,
    options: &'a Options,
) -> Result<(), Fault> {
    let mut left = Vec::new();
    let mut rotation = Rotation::new(state.folder, &options.rotation, state.ages);
    let latest = state.receipts.borrow().latest_file().map(ToOwned::to_owned);
    left.extend(rotate(&mut rotation, latest.as_deref()).await.err());
    rotation.take_notices().iter().for_each(|notice| state.note(notice));
    state.refresh().map_err(|error| Fault::io(&state.folder.segments(), &error))?;
    let shipper = Shipper::new(state, target);
    let tidier = Tidier::new(&shipper, &options.room, options.parallel);
    tokio::select! {
        wrong = ship(&shipper, &tidier, options) => left.extend(wrong),
        _ = asked_to_stop() => left.push("stopped by a signal".to_owned()),
    }
    left.extend(settle(state, options).err());
    left.extend(what_is_left(state));
    let done = shipper.done();
    say(&format!(
        "{}: {} objects confirmed: {} entries, {} torn lines, {} bytes",
        target.url, done.objects, done.entries, done.torn, done.bytes
    ))?;
    if left.is_empty() { Ok(()) } else { Err(Fault::Refused(left.join("\n"))) }
}

pub(super) async fn ship(
    shipper: &Shipper<'_>,
    tidier: &Tidier<'_, '_>,
    options: &Options,
) -> Vec<String> {
    let mut wrong = Vec::new();
    wrong.extend(tidier.ask_for_old_receipts().await.err());
    wrong.extend(ship_all(shipper, options.parallel).await);
    wrong.extend(tidier.tidy().await.err());
    if wrong.is_empty() {
        // A receipt that did not hold: the file is shipped again.
        wrong.extend(ship_all(shipper, options.parallel).await);
        wrong.extend(archive_all(shipper).await);
    }
    wrong
}

/// Seals what an earlier run left, and then what is in the live file.
pub(super) async fn rotate(
    rotation: &mut Rotation<'_>,
    latest: Option<&str>,
) -> Result<u64, String> {
    rotation.recover(latest).map_err(|error| error.to_string())?;
    let (mut has_begun, mut sealed) = (false, 0);
    loop {
        match rotation.step(!has_begun, latest).await? {
            Step::Idle => return Ok(sealed),
            Step::Began => has_begun = true,
            Step::Sealed(..) => {
                sealed += 1;
                if has_begun {
                    return Ok(sealed);
                }
            }
            Step::Draining => sleep(POLL).await,
        }
    }
}

/// Until nothing is left, or the reason why something is. One object that the store refuses holds up no other; many in
/// a row, and it is the store.
pub(super) async fn ship_all(shipper: &Shipper<'_>, at_a_time: usize) -> Option<String> {
    if let Err(unshipped) = shipper.store().await {
        return Some(unshipped.text).filter(|_| shipper.state.has_rest());
    }
    shipper.state.queue_all();
    let mut progress = Progress::new(true);
    let mut fleet = Fleet::giving_up(shipper, at_a_time, TRIES);
    let (mut wrong, mut in_a_row) = (None, 0);
    loop {
        match fleet.step().await {
            Went::Going | Went::Looked | Went::Failed(..) => {}
            Went::Shipped => {
                in_a_row = 0;
                progress.show(shipper.done().bytes);
            }
            Went::Idle => return wrong,
            Went::Waiting(wait) => sleep(wait).await,
            // It is put aside, and told at the end.
            Went::GaveUp(Unshipped { kind: "local", .. }) => {}
            Went::GaveUp(Unshipped { kind, text, .. }) => {
                // A busy store is busy for all.
                in_a_row += if kind == "busy" { MOST_GIVEN_UP / 4 } else { 1 };
                wrong.get_or_insert(text);
                if in_a_row >= MOST_GIVEN_UP {
                    fleet.finish().await;
                    return wrong;
                }
            }
        }
    }
}

/// So many objects in a row that a store does not take are not a matter of those objects.
const MOST_GIVEN_UP: u32 = 16;

/// Carries the receipts of this run, too.
pub(super) async fn archive_all(shipper: &Shipper<'_>) -> Option<String> {
    loop {
        match shipper.archive().await {
            Ok(true) => {}
            Ok(false) => break,
            Err(Unshipped { text, .. }) => return Some(text),
        }
    }
    let state = shipper.state;
    let compacted = state.receipts.borrow_mut().compact(state.folder.dir());
    compacted.err().map(|error| format!("shipped.jsonl: {error}"))
}

fn settle(state: &State<'_>, options: &Options) -> Result<(), String> {
    let place = |error: io::Error| format!("{}: {error}", state.folder.path().shown());
    state.receipts.borrow_mut().flush().map_err(place)?;
    let mut room = Room::new(&options.room, state);
    room.announce().and_then(|()| room.settle()).map_err(place)?;
    state.note_backlog(&state.folder.draining().map_err(place)?);
    options.watch.write(state)
}

/// One line for each file that is not confirmed to its last byte.
pub(super) fn what_is_left(state: &State<'_>) -> Vec<String> {
    let mut left = Vec::new();
    match state.folder.draining() {
        Ok(draining) => {
            for file in draining {
                left.push(format!("left: {}: {} bytes, not sealed", file.path.shown(), file.len));
            }
        }
        Err(error) => left.push(format!("left: {}: {error}", state.folder.path().shown())),
    }
    for file in state.sealed() {
        let (said, asked) = {
            let receipts = state.receipts.borrow();
            (receipts.end(&file.name()), receipts.asked_end(&file.name()))
        };
        let rest = file.len.saturating_sub(asked);
        if rest > 0 {
            let why = match said >= file.len {
                true => "it has receipts, and the store could not be asked for what they name",
                false => "not confirmed",
            };
            left.push(format!("left: {}: {rest} bytes, {why}", file.path.shown()));
        }
    }
    left.extend(state.aside().iter().map(|why| format!("left: {why}")));
    match state.folder.strange() {
        Ok(strange) => left.extend(strange.iter().map(|path| {
            format!("left: {}: no file that a rotation named: {}", path.shown(), fix_of(path))
        })),
        Err(error) => left.push(format!("left: {}: {error}", state.folder.segments().shown())),
    }
    left
}

/// Lines can be shipped from the live file; of anything else only its place is wrong.
fn fix_of(path: &Path) -> &'static str {
    match path.symlink_metadata().is_ok_and(|file| file.is_file()) {
        true => "move it away, or to entries.jsonl",
        false => "it is no regular file: move it away",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::super::bed::{Bed, entries};

    const A: &str = "20261121T110000.000000Z";
    const B: &str = "20261121T110001.000000Z";

    fn with_sealed(stamp: &str, lines: &str) -> Option<Bed> {
        let bed = Bed::protected()?;
        fs::write(bed.sealed(stamp), lines).unwrap();
        Some(bed)
    }

    fn lines(bed: &Bed) -> Vec<Value> {
        let text = fs::read_to_string(bed.receipts()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn append(bed: &Bed, line: &Value) {
        let text = fs::read_to_string(bed.receipts()).unwrap_or_default();
        fs::write(bed.receipts(), format!("{text}{line}\n")).unwrap();
    }

    #[test]
    fn a_line_that_nobody_can_read_puts_no_objects_without_end() {
        let Some(bed) = with_sealed(A, &entries(0..5)) else { return };
        fs::write(bed.receipts(), "{\"archived\":{\"name\":\"receipts/x\"}}\n").unwrap();
        for _ in 0..3 {
            assert_eq!(bed.ship(&[]), "");
        }
        assert_eq!((bed.objects().len(), bed.archives().len()), (1, 1));
    }

    /// A receipt of one file, told of another: it names a real object that the store keeps.
    #[test]
    fn a_receipt_of_other_lines_counts_for_nothing_whatever_it_names() {
        let Some(bed) = with_sealed(A, &entries(0..5)) else { return };
        assert_eq!(bed.ship(&[]), "");
        fs::write(bed.sealed(B), entries(5..9)).unwrap();
        let mut forged = lines(&bed)[0].clone();
        forged["file"] = json!(format!("{B}.jsonl"));
        forged["end"] = json!(entries(5..9).len());
        append(&bed, &forged);
        assert_eq!(bed.ship(&[]), "");
        assert_eq!(bed.objects().len(), 2);
    }

    #[test]
    fn a_receipt_that_was_only_read_confirms_nothing_while_the_store_cannot_be_asked() {
        let Some(bed) = with_sealed(A, &entries(0..5)) else { return };
        assert_eq!(bed.ship(&[]), "");
        let path = bed.objects()[0].clone();
        let away = bed.store().with_extension("away");
        fs::rename(bed.store(), &away).unwrap();
        fs::write(bed.store(), "no folder").unwrap();
        let left = bed.ship(&[]);
        assert!(left.contains("the store could not be asked for what they name"), "{left}");
        bed.with(&["--max-local", "1", "--at-cap", "drop-oldest"], async |made| {
            assert_eq!(made.state.metrics.dropped_entries.get(), 0);
            let _ = made.tidier().ask_for_old_receipts().await;
            made.state.note_backlog(&[]);
            assert!(made.state.metrics.unconfirmed.get() > 0);
            let _ = made.tidier().tidy().await;
            assert_eq!(made.state.metrics.dropped_entries.get(), 5, "nobody has confirmed them");
        });
        assert!(!bed.sealed(A).exists());
        fs::remove_file(bed.store()).unwrap();
        fs::rename(&away, bed.store()).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn objects_that_are_refused_hold_up_no_other() {
        let Some(bed) = Bed::protected() else { return };
        for number in 0..12 {
            // Those of another day cannot be put: a file is where their folder would be.
            let text = entries(number * 10..number * 10 + 3);
            let text = if number < 8 { text.replace("-11-21T", "-11-22T") } else { text };
            fs::write(bed.sealed(&format!("20261121T11{number:02}00.000000Z")), text).unwrap();
        }
        fs::create_dir_all(bed.store().join("2026/11")).unwrap();
        fs::write(bed.store().join("2026/11/22"), "").unwrap();
        let left = bed.ship(&[]);
        assert_eq!(left.lines().filter(|line| line.contains("not confirmed")).count(), 8, "{left}");
        fs::remove_file(bed.store().join("2026/11/22")).unwrap();
        assert_eq!(bed.objects().len(), 4);
        assert_eq!(bed.ship(&[]), "");
        assert_eq!(bed.objects().len(), 12);
    }

    #[test]
    fn a_file_whose_name_is_ahead_of_the_clock_goes_like_any_other() {
        let Some(bed) = with_sealed("20301121T110000.000000Z", &entries(0..5)) else { return };
        assert_eq!(bed.ship(&[]), "");
        let before = bed.receipts().metadata().unwrap().len();
        assert_eq!(bed.ship(&[]), "");
        assert_eq!(bed.receipts().metadata().unwrap().len(), before, "it is not shipped again");
        assert_eq!(bed.ship(&["--keep-local", "0s"]), "");
        assert!(!bed.sealed("20301121T110000.000000Z").exists());
    }

    #[test]
    fn what_is_said_to_be_in_the_store_is_carried_where_it_is_not() {
        let Some(bed) = with_sealed(A, &entries(0..5)) else { return };
        let lost =
            json!({"lost": {"what": "x", "bytes": 1, "why": "y", "at": "2026-11-21T12:00:00Z"}});
        append(&bed, &lost);
        let url = format!("file://{}", bed.store().display());
        append(
            &bed,
            &json!({"archived": {
                "name": "receipts/2026/11/21/x", "url": url, "mode": "immutable", "sha256": "00", "lines": 1,
                "end": 99_999_999_999_u64, "at": "2026-11-21T12:00:00Z",
            }}),
        );
        assert_eq!(bed.ship(&[]), "");
        let [archive] = &*bed.archives() else { panic!("{:?}", bed.archives()) };
        let mut text = String::new();
        let file = fs::File::open(archive).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
        assert!(text.contains("\"lost\""), "{text}");
        assert_eq!(bed.ship(&[]), "");
        assert_eq!(bed.archives().len(), 1, "the store has it now");
    }
}
