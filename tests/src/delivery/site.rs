//! A gateway, its ledger, a store behind a proxy that can fail, and the count of what arrived.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Far, Lines, Sent, Shipping, Stored};
use crate::envoy::{Builder, Gateway};
use crate::ledger_folder::LedgerFolder;
use crate::simulator::Simulator;
use crate::workspace;

/// How long the last entries may take to their file.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with a ledger of its own.
#[derive(Debug)]
pub struct Site {
    /// The gateway; as shipped, with its entries flushed every 100 ms.
    pub gateway: Gateway,
    /// Its ledger.
    pub ledger: LedgerFolder,
    _simulator: Simulator,
}

impl Site {
    /// Starts it with its ledger below `parent`.
    pub async fn start(parent: &Path, change: impl FnOnce(Builder) -> Builder) -> Result<Self> {
        let simulator = Simulator::start()?;
        let ledger = LedgerFolder::new_in(parent)?;
        protect(ledger.path())?;
        let builder = Gateway::builder(workspace::NEWEST_ENVOY)?
            .simulator(&simulator)?
            .flush_interval_ms(100)
            .ledger_folder(ledger.path().to_owned());
        let gateway = change(builder).start().await?;
        Ok(Self { gateway, ledger, _simulator: simulator })
    }

    /// How `ledgerline ship` carries this ledger to `far`, with a segment each second.
    pub fn shipping(&self, far: &Far) -> Shipping {
        Shipping {
            from: self.ledger.path().to_owned(),
            to: far.url(),
            admin: Some(self.gateway.admin().0),
            environment: far.environment(),
            arguments: ["--segment-age", "1s"].map(str::to_owned).to_vec(),
        }
    }

    /// Waits until every call that was answered has its line, as far as it ever will.
    pub async fn settle(&self, sent: &Sent) -> Result<Lines> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let lines = Lines::in_ledger(self.ledger.path())?;
            let is_settled = sent.answered.is_subset(&lines.correlation_ids());
            if is_settled || tokio::time::Instant::now() > deadline {
                return Ok(lines);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What became of every call and every line.
#[derive(Clone, Debug)]
pub struct Account {
    /// Calls that the provider answered.
    pub calls: u64,
    /// Calls that the gateway refused, or that broke.
    pub not_made: u64,
    /// Answered calls without a line in the ledger.
    pub without_line: u64,
    /// Lines that reached the ledger.
    pub lines: u64,
    /// Of these, lines that are no entry.
    pub torn: u64,
    /// Versions of objects in the store.
    pub objects: u64,
    /// Versions that are not locked as they should be.
    pub unprotected: u64,
    /// Lines that are in the store again.
    pub repeated: u64,
    /// Lines of the ledger that are not in the store.
    pub lost: u64,
}

impl Account {
    /// Counts. A line that is in the store alone was in the ledger once: the shipper deletes what is confirmed
    /// when the disk is full.
    pub fn of(sent: &Sent, ledger: &Lines, stored: &Stored) -> Self {
        let gone = stored.lines.missing_in(ledger);
        let recorded: BTreeSet<_> = &ledger.correlation_ids() | &stored.lines.correlation_ids();
        let without_line = sent.answered.difference(&recorded).count() as u64;
        Self {
            calls: sent.answered.len() as u64,
            not_made: sent.refused + sent.broken,
            without_line,
            lines: ledger.count() + gone,
            torn: ledger.torn(),
            objects: stored.versions,
            unprotected: stored.unprotected,
            repeated: stored.lines.repeated(),
            lost: ledger.missing_in(&stored.lines),
        }
    }

    /// Fails unless every line of the ledger is in the store, under its lock.
    pub fn check_delivered(&self) -> Result<()> {
        ensure!(self.lines > 0, "nothing was recorded: {self:?}");
        ensure!(self.lost == 0, "lines were lost on the way to the store: {self:?}");
        ensure!(self.unprotected == 0, "objects are not locked: {self:?}");
        Ok(())
    }

    /// Fails unless, besides, every answered call has its line.
    pub fn check_complete(&self) -> Result<()> {
        ensure!(self.without_line == 0, "calls have no line: {self:?}");
        self.check_delivered()
    }
}

/// Puts the ledger under the kernel's protection where that is to be had.
fn protect(ledger: &Path) -> Result<()> {
    let status =
        std::process::Command::new(workspace::tool()?).arg("protect").arg(ledger).output()?;
    let code = status.status.code();
    ensure!(matches!(code, Some(0 | 1)), "protect: {}", String::from_utf8_lossy(&status.stderr));
    Ok(())
}
