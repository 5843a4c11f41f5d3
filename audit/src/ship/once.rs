//! Shipping what is there, once.

use std::{io, time::Duration};

use tokio::time::sleep;

use super::{
    Options,
    pace::{Backoff, asked_to_stop},
    room::Room,
    rotation::{Rotation, Step},
    shipper::{Shipper, Target, Unshipped},
    state::State,
};
use crate::{fault::Fault, progress::Progress, say::say};

const POLL: Duration = Duration::from_millis(20);
/// A store that is busy gets so many tries.
const TRIES: u32 = 6;

pub(super) async fn run(
    state: &State<'_>,
    target: &Target<'_>,
    options: &Options,
) -> Result<(), Fault> {
    let mut left = Vec::new();
    let mut rotation = Rotation::new(state.folder, &options.rotation, state.ages);
    let latest = state.receipts.borrow().latest_file().map(ToOwned::to_owned);
    left.extend(rotate(&mut rotation, latest.as_deref()).await.err());
    state.refresh().map_err(|error| Fault::io(&state.folder.segments(), &error))?;
    let mut shipper = Shipper::new(state, target);
    tokio::select! {
        error = ship_all(&mut shipper) => left.extend(error),
        _ = asked_to_stop() => left.push("stopped by a signal".to_owned()),
    }
    left.extend(tidy(state, options).err());
    left.extend(what_is_left(state));
    let done = shipper.done;
    say(&format!(
        "{}: {} objects confirmed: {} entries, {} torn lines, {} bytes",
        target.url, done.objects, done.entries, done.torn, done.bytes
    ))?;
    if left.is_empty() { Ok(()) } else { Err(Fault::Refused(left.join("\n"))) }
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
            Step::Sealed(_) => {
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
pub(super) async fn ship_all(shipper: &mut Shipper<'_>) -> Option<String> {
    let mut progress = Progress::new(true);
    let mut backoff = Backoff::default();
    loop {
        match shipper.ship_next().await {
            Ok(true) => {
                backoff.reset();
                progress.show(shipper.done.bytes);
            }
            Ok(false) => return None,
            Err(Unshipped { kind: "busy", .. }) if backoff.failures() + 1 < TRIES => {
                sleep(backoff.next()).await;
            }
            Err(Unshipped { text, .. }) => return Some(text),
        }
    }
}

fn tidy(state: &State<'_>, options: &Options) -> Result<(), String> {
    let place = |error: io::Error| format!("{}: {error}", state.folder.path().display());
    Room::new(&options.room, state).make().map_err(place)?;
    state.note_backlog(&state.folder.draining().map_err(place)?);
    options.watch.write(state)
}

/// One line for each file that is not confirmed to its last byte.
pub(super) fn what_is_left(state: &State<'_>) -> Vec<String> {
    let mut left = Vec::new();
    for file in state.folder.draining().unwrap_or_default() {
        left.push(format!("left: {}: {} bytes, not sealed", file.path.display(), file.len));
    }
    for file in state.sealed() {
        let rest = file.len.saturating_sub(state.receipts.borrow().end(&file.name()));
        if rest > 0 {
            left.push(format!("left: {}: {rest} bytes, not confirmed", file.path.display()));
        }
    }
    for path in state.folder.foreign().unwrap_or_default() {
        left.push(format!(
            "left: {}: not named by a rotation: move it away, or to entries.jsonl",
            path.display()
        ));
    }
    left
}
