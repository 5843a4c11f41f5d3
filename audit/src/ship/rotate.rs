//! `ledgerline rotate`: only sealed files, for an engine that ships them itself.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use clap::Args;
use tokio::time::sleep;

use super::{
    ages::Ages,
    block_on,
    folder::Folder,
    once,
    pace::{Backoff, Once, asked_to_stop},
    rotation::{self, Rotation},
};
use crate::{fault::Fault, say::say};

#[derive(Debug, Args)]
#[command(after_help = "\
Engines such as Vector, Fluent Bit and the OpenTelemetry Collector read DIR/segments/*.jsonl and
DIR/entries.jsonl; they, or somebody after them, delete what has arrived (ledgerline protect --lift).

Exit codes: 0 everything is sealed; 1 something is still open, and what is said; 2 it could not be asked.")]
pub(crate) struct Options {
    /// The ledger folder: the one that holds entries.jsonl
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Go on for ever; without it, rotate once
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    rotation: rotation::Options,
}

const TICK: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let folder = Folder::open(&options.from)?;
    let latest = latest_shipped(&folder)?;
    let ages = RefCell::new(Ages::default());
    let mut rotation = Rotation::new(&folder, &options.rotation, &ages);
    block_on(async {
        let sealed = once::rotate(&mut rotation, latest.as_deref()).await;
        match options.follow {
            false => said(&folder, sealed.map_err(Fault::Refused)?),
            true => follow(&mut rotation, latest.as_deref()).await,
        }
    })
}

fn said(folder: &Folder, sealed: u64) -> Result<(), Fault> {
    say(&format!("{}: {sealed} files sealed", folder.segments().display()))
}

/// The names of a folder that was shipped before are not used again.
fn latest_shipped(folder: &Folder) -> Result<Option<String>, Fault> {
    match folder.receipts().exists() {
        false => Ok(None),
        true => Ok(super::open_receipts(folder)?.latest_file().map(ToOwned::to_owned)),
    }
}

async fn follow(rotation: &mut Rotation<'_>, latest: Option<&str>) -> Result<(), Fault> {
    tokio::select! {
        never = rotate_for_ever(rotation, latest) => match never {},
        _ = asked_to_stop() => Ok(()),
    }
}

async fn rotate_for_ever(
    rotation: &mut Rotation<'_>,
    latest: Option<&str>,
) -> std::convert::Infallible {
    let (mut backoff, mut once) = (Backoff::default(), Once::default());
    loop {
        let wait = match rotation.step(false, latest).await {
            Ok(_) => {
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
