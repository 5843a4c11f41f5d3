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

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    dir::Mark,
    folder::Stamped,
    health::Loop,
    receipts::{Dropped, Moment},
    room::{AtCap, Keep, Options, Usage},
    shipper::{Look, Shipper, Unshipped, Verdict, count_entries},
    state::State,
};
use crate::{ledger::object, plain::Shown, protect, say::tell};

/// Who deletes.
pub(super) struct Tidier<'s, 'a> {
    shipper: &'s Shipper<'a>,
    state: &'a State<'a>,
    options: &'s Options,
    at_a_time: usize,
    /// Files of which the store could not be asked, and when.
    vain: RefCell<BTreeMap<String, Instant>>,
}

/// A file of which the store could not be asked lets others go first for so long.
const AGAIN: Duration = Duration::from_secs(60);
/// So many in a row, and it is the store.
const MOST_IN_VAIN: u32 = 8;

impl<'s, 'a> Tidier<'s, 'a> {
    pub(super) fn new(shipper: &'s Shipper<'a>, options: &'s Options, at_a_time: usize) -> Self {
        let (at_a_time, vain) = (at_a_time.max(1), RefCell::default());
        Self { shipper, state: shipper.state, options, at_a_time, vain }
    }

    /// Asks the store for what earlier runs were told; an error says why some are still to be asked for.
    pub(super) async fn ask_for_old_receipts(&self) -> Result<(), String> {
        let unasked = self.state.receipts.borrow().unasked();
        let files = unasked.iter().filter_map(|name| self.state.file(name));
        let asked = stream::iter(files).map(async |file| {
            let verdict = self.shipper.ask(&file, Look::AsNamed).await;
            self.state.health.beat(Loop::Tidier);
            (file, verdict)
        });
        let mut asked = std::pin::pin!(asked.buffer_unordered(self.at_a_time));
        let mut failed = None;
        while let Some((file, verdict)) = asked.next().await {
            match verdict {
                Ok(Verdict::Kept) => {
                    self.state.receipts.borrow_mut().note_asked(&file.name());
                    self.state.note_confirmed(&file);
                }
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
        let now = Timestamp::now();
        let Ok(before) = now.checked_sub(keep) else { return Ok(()) };
        // No file is confirmed before it is sealed, unless a clock was ahead when it was.
        let stamp = |at: Timestamp| object::compact(format!("{at:.6}"));
        let old = self.delete_from("", Some(&stamp(before)), before).await;
        old.and(self.delete_from(&stamp(now), None, before).await)
    }

    async fn delete_from(
        &self,
        from: &str,
        to: Option<&str>,
        before: Timestamp,
    ) -> Result<(), String> {
        let (mut stamp, mut vain) = (from.to_owned(), InVain::default());
        while let Some(file) = self.state.confirmed_behind(&stamp, to) {
            stamp.clone_from(&file.stamp);
            if self.state.confirmed_at(&file).is_some_and(|at| at <= before) {
                vain.note(self.delete_if_kept(&file).await)?;
            }
        }
        vain.end()
    }

    /// Oldest first, until there is room.
    async fn make_room(&self) -> Result<(), String> {
        let (mut stamp, mut vain) = (String::new(), InVain::default());
        while self.options.wants_room(self.usage()?)
            && let Some(file) = self.state.confirmed_behind(&stamp, None)
        {
            stamp.clone_from(&file.stamp);
            vain.note(self.delete_if_kept(&file).await)?;
        }
        vain.end()
    }

    fn usage(&self) -> Result<Usage, String> {
        let place = self.state.folder.path().shown();
        Usage::of(self.state).map_err(|error| format!("{place}: {error}"))
    }

    async fn delete_if_kept(&self, file: &Stamped) -> Result<(), String> {
        self.state.health.beat(Loop::Tidier);
        let is_vain = |asked: &Instant| asked.elapsed() < AGAIN;
        if self.vain.borrow().get(&file.stamp).is_some_and(is_vain) {
            return Ok(());
        }
        let verdict = self.shipper.ask(file, Look::AsMade).await;
        self.vain.borrow_mut().remove(&file.stamp);
        match verdict {
            Ok(Verdict::Kept) => self.delete(file),
            Ok(Verdict::Not(why)) => {
                self.disbelieve(file, &why);
                Ok(())
            }
            Err(Unshipped { text, .. }) => {
                self.vain.borrow_mut().insert(file.stamp.clone(), Instant::now());
                let path = file.path.shown();
                Err(format!("{path}: it stays, the store could not be asked: {text}"))
            }
        }
    }

    fn disbelieve(&self, file: &Stamped, why: &str) {
        let path = file.path.shown();
        tell(&format!("{path}: its receipt counts for nothing, all of it is shipped again: {why}"));
        self.state.disbelieve(file);
    }

    /// What somebody added since it was looked at is not confirmed, and keeps all of it here.
    fn delete(&self, file: &Stamped) -> Result<(), String> {
        let folder = self.state.folder;
        let fault = |error: std::io::Error| format!("{}: {error}", file.path.shown());
        let open = folder.open_sealed(file).map_err(fault)?;
        protect::lift_of(&open).map_err(fault)?;
        if !is_as_seen(&open, file).map_err(fault)? {
            let _ = protect::keep_immutable(&open);
            return self.state.refresh().map_err(fault);
        }
        folder.remove_sealed(file).map_err(fault)?;
        self.tell_late_lines(&open, file);
        self.state.forget(file);
        self.state.note_own_change();
        // What waited for room has some now.
        let _ = self.state.receipts.borrow_mut().flush();
        folder.sync().map_err(|error| format!("{}: {error}", folder.path().shown()))
    }

    /// Between the last look and the deletion somebody can still have added something.
    fn tell_late_lines(&self, open: &File, file: &Stamped) {
        let len = open.metadata().map_or(file.len, |now| now.len());
        if len > file.len {
            let what = format!("segments/{}", file.name());
            self.state.lose(&what, len - file.len, "somebody added it while the file was deleted");
        }
    }

    /// What has a receipt first: it is the smaller risk.
    fn drop_oldest(&self) -> Result<(), String> {
        let mut stamp = String::new();
        while self.options.is_over(self.usage()?, false) {
            let confirmed = self.state.confirmed_behind(&stamp, None);
            if let Some(file) = &confirmed {
                stamp.clone_from(&file.stamp);
            }
            let Some(file) = confirmed.or_else(|| self.state.oldest()) else { return Ok(()) };
            let drop = self.drop_file(&file);
            drop.map_err(|error| format!("{}: {error}", file.path.shown()))?;
            self.delete(&file)?;
        }
        Ok(())
    }

    /// The receipt of the loss is on disk before the loss.
    fn drop_file(&self, file: &Stamped) -> std::io::Result<()> {
        let start = self.state.receipts.borrow().asked_end(&file.name()).min(file.len);
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
            "LOST: {entries} entries of {path} were deleted unconfirmed: the ledger folder is at its cap and --at-cap is \
             drop-oldest"
        ));
        self.state.receipts.borrow_mut().add_dropped(dropped)?;
        self.state.metrics.dropped_entries.inc_by(entries);
        Ok(())
    }
}

/// How often the folder is tidied up.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// What became of asking, one file after the other.
#[derive(Default)]
struct InVain {
    first: Option<String>,
    in_a_row: u32,
}

impl InVain {
    /// One that could not be asked for holds up no other; many in a row, and nobody can be asked.
    fn note(&mut self, went: Result<(), String>) -> Result<(), String> {
        let Err(text) = went else {
            self.in_a_row = 0;
            return Ok(());
        };
        self.in_a_row += 1;
        let _ = self.first.get_or_insert(text.clone());
        if self.in_a_row < MOST_IN_VAIN { Ok(()) } else { Err(text) }
    }

    fn end(self) -> Result<(), String> {
        self.first.map_or(Ok(()), Err)
    }
}

/// Whether an open file is the one that was listed, and no longer.
fn is_as_seen(open: &File, file: &Stamped) -> std::io::Result<bool> {
    Ok(Mark::of(open)? == (file.mark, file.len))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::super::bed::{Bed, entries, entry};
    use crate::protect;

    const A: &str = "20261121T110000.000000Z";
    const B: &str = "20261121T110001.000000Z";

    #[test]
    fn what_was_added_since_the_last_look_stays_and_is_shipped() {
        let Some(bed) = Bed::protected() else { return };
        fs::write(bed.sealed(A), entries(0..5)).unwrap();
        bed.with(&["--keep-local", "0s"], async |made| {
            assert_eq!(super::super::once::ship_all(&made.shipper, 4).await, None);
            protect::lift(&bed.sealed(A)).unwrap();
            let mut file = fs::OpenOptions::new().append(true).open(bed.sealed(A)).unwrap();
            file.write_all(entry(5).as_bytes()).unwrap();
            assert_eq!(made.tidier().tidy().await, Ok(()));
            assert!(bed.sealed(A).exists() && made.state.has_rest());
            assert_eq!(super::super::once::ship_all(&made.shipper, 4).await, None);
            assert_eq!(made.shipper.done().entries, 6);
            assert_eq!(made.tidier().tidy().await, Ok(()));
            assert!(!bed.sealed(A).exists());
        });
    }

    #[test]
    fn one_file_that_cannot_be_asked_for_stops_the_deletion_of_no_other() {
        let Some(bed) = Bed::protected() else { return };
        fs::write(bed.sealed(A), entries(0..5)).unwrap();
        fs::write(bed.sealed(B), entries(5..9)).unwrap();
        bed.with(&["--keep-local", "0s"], async |made| {
            assert_eq!(super::super::once::ship_all(&made.shipper, 4).await, None);
            let object = bed.objects()[0].clone();
            protect::lift(&object).unwrap();
            fs::remove_file(&object).unwrap();
            // Whatever a link leads to: the store does not say what is there.
            std::os::unix::fs::symlink("/proc/self/mem", &object).unwrap();
            let went = made.tidier().tidy().await;
            assert!(went.unwrap_err().contains("it stays, the store could not be asked"));
            assert!(bed.sealed(A).exists() && !bed.sealed(B).exists());
            fs::remove_file(&object).unwrap();
        });
    }
}
