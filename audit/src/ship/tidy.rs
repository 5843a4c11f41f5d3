//! Deleting what may go; and before that, asking the store once more.
//!
//! ```text
//! receipt ──▶ the file's bytes make the object anew ──▶ is it under that name and version, kept as today's options ask?
//!                                                          ├─ yes: the file may go
//!                                                          ├─ no: the receipt counts for nothing, the file is shipped again
//!                                                          └─ no answer: the file stays
//! ```
//!
//! A receipt that an earlier run left is only text: the store is asked for what it names before it counts as shipped.
//!
//! No byte has to be written for a file to go, so a full disk frees itself as long as its store answers.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    folder::Stamped,
    health::Loop,
    receipts::{Dropped, Moment},
    room::{AtCap, Keep, Options, Usage},
    segment::compact,
    shipper::{Look, Shipper, Unshipped, Verdict, count_entries},
    state::State,
};
use crate::{plain::Shown, protect, say::tell};

/// Who deletes.
pub(super) struct Tidier<'s, 'a> {
    shipper: &'s Shipper<'a>,
    state: &'a State<'a>,
    options: &'s Options,
    at_a_time: usize,
}

impl<'s, 'a> Tidier<'s, 'a> {
    pub(super) fn new(shipper: &'s Shipper<'a>, options: &'s Options, at_a_time: usize) -> Self {
        Self { shipper, state: shipper.state, options, at_a_time: at_a_time.max(1) }
    }

    /// Asks the store for what earlier runs were told; an error says why some are still to be asked for.
    pub(super) async fn ask_for_old_receipts(&self) -> Result<(), String> {
        let unasked = self.state.receipts.borrow().unasked();
        let files = unasked.iter().filter_map(|name| self.state.file(name));
        let asked = stream::iter(files).map(async |file| {
            let verdict = self.shipper.ask(&file, Look::AsSaid).await;
            self.state.health.beat(Loop::Tidier);
            (file, verdict)
        });
        let mut asked = std::pin::pin!(asked.buffer_unordered(self.at_a_time));
        let mut failed = None;
        while let Some((file, verdict)) = asked.next().await {
            match verdict {
                Ok(Verdict::Kept) => self.state.receipts.borrow_mut().note_asked(&file.name()),
                Ok(Verdict::Not(why)) => self.disbelieve(&file, &why),
                Err(Unshipped { text, .. }) => failed = Some(text),
            }
        }
        match failed {
            None => Ok(()),
            Some(text) => {
                let count = self.state.receipts.borrow().unasked().len();
                Err(format!(
                    "{count} sealed files have receipts of which the store could not be asked: {text}"
                ))
            }
        }
    }

    /// Deletes what is old, and what is confirmed while room is short.
    pub(super) async fn tidy(&self) -> Result<(), String> {
        let old = self.delete_old().await;
        let room = self.make_room().await;
        if self.options.at_cap == AtCap::DropOldest {
            self.drop_oldest()?;
        }
        old.and(room)
    }

    async fn delete_old(&self) -> Result<(), String> {
        let Keep::For(keep) = self.options.keep_local else { return Ok(()) };
        let keep = jiff::SignedDuration::try_from(keep).unwrap_or(jiff::SignedDuration::MAX);
        // No file is confirmed before it is sealed.
        let Ok(before) = Timestamp::now().checked_sub(keep) else { return Ok(()) };
        let before_stamp = compact(format!("{before:.6}"));
        let mut stamp = String::new();
        while let Some(file) = self.state.confirmed_behind(&stamp, Some(&before_stamp)) {
            stamp.clone_from(&file.stamp);
            if self.state.confirmed_at(&file).is_some_and(|at| at <= before) {
                self.delete_if_kept(&file).await?;
            }
        }
        Ok(())
    }

    /// Oldest first, until there is room.
    async fn make_room(&self) -> Result<(), String> {
        let mut stamp = String::new();
        while self.options.wants_room(self.usage()?)
            && let Some(file) = self.state.confirmed_behind(&stamp, None)
        {
            stamp.clone_from(&file.stamp);
            self.delete_if_kept(&file).await?;
        }
        Ok(())
    }

    fn usage(&self) -> Result<Usage, String> {
        let place = self.state.folder.path().shown();
        Usage::of(self.state).map_err(|error| format!("{place}: {error}"))
    }

    async fn delete_if_kept(&self, file: &Stamped) -> Result<(), String> {
        self.state.health.beat(Loop::Tidier);
        match self.shipper.ask(file, Look::AsMade).await {
            Ok(Verdict::Kept) => self.delete(file),
            Ok(Verdict::Not(why)) => {
                self.disbelieve(file, &why);
                Ok(())
            }
            Err(Unshipped { text, .. }) => Err(format!(
                "{}: it stays, the store could not be asked: {text}",
                file.path.shown()
            )),
        }
    }

    fn disbelieve(&self, file: &Stamped, why: &str) {
        let path = file.path.shown();
        tell(&format!("{path}: its receipt counts for nothing, all of it is shipped again: {why}"));
        self.state.disbelieve(file);
    }

    fn delete(&self, file: &Stamped) -> Result<(), String> {
        let folder = self.state.folder;
        let removed = folder
            .open_sealed(file)
            .and_then(|open| protect::lift_of(&open))
            .and_then(|_| folder.remove_sealed(file));
        removed.map_err(|error| format!("{}: {error}", file.path.shown()))?;
        self.state.forget(file);
        self.state.note_own_change();
        // What waited for room has some now.
        let _ = self.state.receipts.borrow_mut().flush();
        folder.sync().map_err(|error| format!("{}: {error}", folder.path().shown()))
    }

    /// What has a receipt first: it is the smaller risk.
    fn drop_oldest(&self) -> Result<(), String> {
        while self.options.is_over(self.usage()?, false) {
            let confirmed = self.state.confirmed_behind("", None);
            let Some(file) = confirmed.or_else(|| self.state.oldest()) else { return Ok(()) };
            let drop = self.drop_file(&file);
            drop.map_err(|error| format!("{}: {error}", file.path.shown()))?;
            self.delete(&file)?;
        }
        Ok(())
    }

    /// The receipt of the loss is on disk before the loss.
    fn drop_file(&self, file: &Stamped) -> std::io::Result<()> {
        let start = self.state.receipts.borrow().end(&file.name()).min(file.len);
        let open = self.state.folder.open_sealed(file)?;
        let entries = count_entries(&open, start)?;
        let path = file.path.shown();
        if start == file.len {
            tell(&format!(
                "{path}: deleted on its receipt alone: the ledger folder is at its cap, and the store \
                 could not be asked again"
            ));
            return Ok(());
        }
        let dropped = Dropped {
            file: file.name(),
            start,
            entries,
            bytes: file.len - start,
            at: Moment(Timestamp::now()),
        };
        tell(&format!(
            "LOST: {entries} entries of {path} were deleted unshipped: the ledger folder is at its cap and --at-cap is \
             drop-oldest"
        ));
        self.state.receipts.borrow_mut().add_dropped(dropped)?;
        self.state.metrics.dropped_entries.inc_by(entries);
        Ok(())
    }
}

/// How often the folder is tidied up.
pub(super) const EVERY: Duration = Duration::from_millis(500);
