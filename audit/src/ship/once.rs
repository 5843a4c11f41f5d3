//! Shipping what is there, once.

use std::{io, time::Duration};

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

async fn ship(shipper: &Shipper<'_>, tidier: &Tidier<'_, '_>, options: &Options) -> Vec<String> {
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
    rotation.recover().map_err(|error| error.to_string())?;
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

/// Until nothing is left, or the reason why something is.
pub(super) async fn ship_all(shipper: &Shipper<'_>, at_a_time: usize) -> Option<String> {
    let mut progress = Progress::new(true);
    let mut fleet = Fleet::new(shipper, at_a_time);
    loop {
        match fleet.step().await {
            Went::Going => {}
            Went::Shipped => progress.show(shipper.done().bytes),
            Went::Idle => return None,
            Went::Waiting(wait) => sleep(wait).await,
            // It is put aside, and told at the end.
            Went::Failed(Unshipped { kind: "local", .. }, _) => {}
            Went::Failed(Unshipped { kind: "busy", .. }, failures) if failures < TRIES => {}
            Went::Failed(Unshipped { text, .. }, _) => {
                fleet.finish().await;
                return Some(text);
            }
        }
    }
}

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
        let rest = file.len.saturating_sub(state.receipts.borrow().end(&file.name()));
        if rest > 0 {
            left.push(format!("left: {}: {rest} bytes, not confirmed", file.path.shown()));
        }
    }
    left.extend(state.aside().iter().map(|why| format!("left: {why}")));
    match state.folder.strange() {
        Ok(strange) => left.extend(strange.iter().map(|path| {
            format!(
                "left: {}: no file that a rotation named: move it away, or to entries.jsonl",
                path.shown()
            )
        })),
        Err(error) => left.push(format!("left: {}: {error}", state.folder.segments().shown())),
    }
    left
}
