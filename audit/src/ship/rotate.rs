//! `ledgerline rotate`: only sealed files, for an engine that ships them itself.
//!
//! Such an engine deletes nothing, and nobody here knows what has arrived. Where no one comes after it to
//! tidy up, as in a cluster, sealed files go by their age alone, if that is asked for, and each is told.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::time::sleep;

use super::{
    ages::Ages,
    block_on,
    folder::{Folder, Stamped},
    once,
    pace::{Backoff, Once, asked_to_stop},
    place_text,
    receipts::{Place, Receipts},
    rotation::{self, Rotation},
    shipper::count_entries,
    units::Span,
};
use crate::{
    fault::Fault,
    ledger::RECEIPTS,
    plain::Shown,
    protect,
    say::{say, tell},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Engines such as Vector, Fluent Bit and the OpenTelemetry Collector read DIR/segments/*.jsonl and
DIR/entries.jsonl; somebody after them deletes what has arrived (ledgerline protect --lift). Or
--delete-after does, whether it has arrived or not: leave them time for their longest outage.

Exit codes: 0 everything is sealed; 1 something is still open, and what is said; 2 it could not be asked.")]
pub(crate) struct Options {
    /// The ledger folder: the one that holds entries.jsonl
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Go on for ever; without it, rotate once
    #[arg(long)]
    follow: bool,
    /// Delete sealed files of this age; without it, none
    #[arg(long, value_name = "TIME")]
    delete_after: Option<Span>,
    #[command(flatten)]
    rotation: rotation::Options,
}

const TICK: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let folder = Folder::open(&options.from)?;
    let latest = latest_shipped(&folder)?;
    let ages = RefCell::new(Ages::default());
    let mut rotation = Rotation::new(&folder, &options.rotation, &ages);
    let mut tidying = Tidying::new(&folder, &ages, options.delete_after);
    block_on(async {
        let sealed = once::rotate(&mut rotation, latest.as_deref()).await;
        rotation.take_notices().iter().for_each(|notice| tell(&format!("{notice}")));
        match options.follow {
            false => said(&folder, sealed.map_err(Fault::Refused)?, tidying.delete_old()),
            true => follow(&mut rotation, &mut tidying, latest.as_deref()).await,
        }
    })
}

fn said(folder: &Folder, sealed: u64, deleted: Result<u64, String>) -> Result<(), Fault> {
    let deleted = deleted.map_err(Fault::Refused)?;
    let deleted = if deleted > 0 { format!(", {deleted} deleted") } else { String::new() };
    say(&format!("{}: {sealed} files sealed{deleted}", folder.segments().shown()))
}

/// Deleting what is old enough.
struct Tidying<'a> {
    folder: &'a Folder,
    ages: &'a RefCell<Ages>,
    after: Option<Span>,
    looked: Option<Instant>,
}

/// A look asks for every file of the folder, and an age is hours.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

impl<'a> Tidying<'a> {
    fn new(folder: &'a Folder, ages: &'a RefCell<Ages>, after: Option<Span>) -> Self {
        Self { folder, ages, after, looked: None }
    }

    fn delete_old_if_due(&mut self) -> Result<(), String> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        self.delete_old().map(drop)
    }

    /// Deletes the sealed files that are old enough, and says each; how many.
    fn delete_old(&self) -> Result<u64, String> {
        let Some(Span(after)) = self.after else { return Ok(0) };
        let fault = |error: io::Error| place_text(&self.folder.segments(), &error);
        let sealed = self.folder.sealed().map_err(fault)?;
        let draining = self.folder.draining().map_err(fault)?;
        self.ages.borrow_mut().keep_only(&[draining, sealed.clone()].concat());
        let (mut deleted, mut wrong) = (0, None);
        for file in &sealed {
            if self.ages.borrow_mut().of(file) < after {
                continue;
            }
            match self.delete(file) {
                Ok(()) => deleted += 1,
                // One that cannot be read or deleted holds up no other.
                Err(error) => drop(wrong.get_or_insert_with(|| place_text(&file.path, &error))),
            }
        }
        if deleted > 0 {
            self.folder.sync().map_err(fault)?;
        }
        wrong.map_or(Ok(deleted), Err)
    }

    fn delete(&self, file: &Stamped) -> io::Result<()> {
        let open = self.folder.open_sealed(file)?;
        let entries = count_entries(&open, 0)?;
        protect::lift_of(&open)?;
        self.folder.remove_sealed(file)?;
        let path = file.path.shown();
        tell(&format!("{path}: deleted with {entries} entries: older than --delete-after"));
        Ok(())
    }
}

/// The names of a folder that was shipped before are not used again.
fn latest_shipped(folder: &Folder) -> Result<Option<String>, Fault> {
    let path = folder.path().join(RECEIPTS);
    let fault = |error: io::Error| Fault::io(&path, &error);
    if folder.dir().identity_of(RECEIPTS).map_err(fault)?.is_none() {
        return Ok(None);
    }
    let receipts =
        Receipts::open(folder.dir(), &BTreeSet::new(), Place::default()).map_err(fault)?;
    Ok(receipts.latest_file().map(ToOwned::to_owned))
}

async fn follow(
    rotation: &mut Rotation<'_>,
    tidying: &mut Tidying<'_>,
    latest: Option<&str>,
) -> Result<(), Fault> {
    tokio::select! {
        never = rotate_for_ever(rotation, tidying, latest) => match never {},
        _ = asked_to_stop() => Ok(()),
    }
}

async fn rotate_for_ever(
    rotation: &mut Rotation<'_>,
    tidying: &mut Tidying<'_>,
    latest: Option<&str>,
) -> std::convert::Infallible {
    let (mut backoff, mut once) = (Backoff::default(), Once::default());
    loop {
        let step = rotation.step(false, latest).await;
        rotation.take_notices().iter().for_each(|notice| tell(&format!("{notice}")));
        // Where there is no room for it, it is made when there is.
        let _ = rotation.prepare();
        let wait = match step.and_then(|_| tidying.delete_old_if_due()) {
            Ok(()) => {
                once.end();
                backoff.reset();
                TICK
            }
            Err(text) => {
                once.say(&text);
                backoff.next()
            }
        };
        sleep(wait).await;
    }
}
