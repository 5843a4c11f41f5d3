//! What shipping, rotation and room all look at.
//!
//! Every number here is kept as things change, and none is counted anew each second: what is shipped and only kept costs
//! nothing while nothing happens.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    ages::Ages,
    folder::{Folder, Stamped},
    health::{Health, Loop},
    metrics::{Metrics, level},
    receipts::{Lost, Moment, Receipts},
};
use crate::{plain::Shown, say::tell};

/// A ledger folder while it is shipped.
#[derive(Debug)]
pub(super) struct State<'a> {
    pub(super) folder: &'a Folder,
    pub(super) receipts: RefCell<Receipts>,
    pub(super) ages: &'a RefCell<Ages>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) segment_bytes: u64,
    /// The sealed files by their stamps, so oldest first.
    files: RefCell<BTreeMap<String, Stamped>>,
    bytes: Cell<u64>,
    backlog: RefCell<Backlog>,
    /// When the folder of sealed files last changed by our own hands, and when all of it was looked at.
    changed: Cell<Option<(i64, i64)>>,
    scanned: Cell<Instant>,
    is_stopping: Cell<bool>,
    /// Why it cannot go on.
    end: RefCell<Option<String>>,
}

/// What is not confirmed.
#[derive(Debug, Default)]
struct Backlog {
    /// How many bytes of a file.
    rest: BTreeMap<String, u64>,
    bytes: u64,
    segments: u64,
    /// Where the next segment of a file begins, as long as nobody is at it.
    queue: BTreeMap<String, u64>,
    /// What could not be read, since when and why.
    aside: BTreeMap<String, (Instant, String)>,
}

/// A file that could not be read is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// A change in the moment of one of our own is seen by then.
const SCAN: Duration = Duration::from_secs(300);

impl<'a> State<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        ages: &'a RefCell<Ages>,
        receipts: Receipts,
        health: Arc<Health>,
        segment_bytes: u64,
    ) -> Self {
        Self {
            folder,
            receipts: RefCell::new(receipts),
            ages,
            metrics: Arc::new(Metrics::new()),
            health,
            segment_bytes,
            files: RefCell::default(),
            bytes: Cell::new(0),
            backlog: RefCell::default(),
            changed: Cell::new(None),
            scanned: Cell::new(Instant::now()),
            is_stopping: Cell::new(false),
            end: RefCell::default(),
        }
    }

    /// Looks for sealed files anew: what came, and what somebody took away.
    pub(super) fn refresh(&self) -> io::Result<()> {
        self.changed.set(self.folder.segments_changed().ok());
        let found: BTreeMap<_, _> =
            self.folder.sealed()?.into_iter().map(|file| (file.stamp.clone(), file)).collect();
        let is_gone = |file: &&Stamped| !found.contains_key(&file.stamp);
        let gone: Vec<_> = self.files.borrow().values().filter(is_gone).cloned().collect();
        gone.iter().for_each(|file| self.vanish(file));
        for (stamp, file) in found {
            let is_known = self.files.borrow().get(&stamp) == Some(&file);
            if !is_known {
                self.add(file);
            }
        }
        self.scanned.set(Instant::now());
        Ok(())
    }

    /// The same, if anything has changed there since, or might have.
    pub(super) fn refresh_if_changed(&self) -> io::Result<()> {
        let changed = self.folder.segments_changed()?;
        match self.changed.get() == Some(changed) && self.scanned.get().elapsed() < SCAN {
            true => Ok(()),
            false => self.refresh(),
        }
    }

    /// What changed in the folder just now was done by this process.
    pub(super) fn note_own_change(&self) {
        self.changed.set(self.folder.segments_changed().ok());
    }

    /// A file was sealed, or found.
    pub(super) fn add(&self, file: Stamped) {
        let end = self.receipts.borrow().end(&file.name()).min(file.len);
        let before = self.files.borrow_mut().insert(file.stamp.clone(), file.clone());
        let before = before.map_or(0, |before| before.len);
        self.bytes.set(self.bytes.get().saturating_sub(before).saturating_add(file.len));
        self.set_rest(&file.stamp, file.len.saturating_sub(end));
        if end < file.len {
            self.backlog.borrow_mut().queue.insert(file.stamp.clone(), end);
        }
    }

    /// All sealed files, oldest first.
    pub(super) fn sealed(&self) -> Vec<Stamped> {
        self.files.borrow().values().cloned().collect()
    }

    /// The oldest sealed file behind this stamp of which all is confirmed; no further than `before`.
    pub(super) fn confirmed_behind(&self, stamp: &str, before: Option<&str>) -> Option<Stamped> {
        use std::ops::Bound::{Excluded, Unbounded};
        let files = self.files.borrow();
        let backlog = self.backlog.borrow();
        let behind = files.range::<str, _>((Excluded(stamp), Unbounded));
        behind
            .take_while(|(stamp, _)| before.is_none_or(|before| stamp.as_str() < before))
            .find(|(stamp, _)| !backlog.rest.contains_key(*stamp))
            .map(|(_, file)| file.clone())
    }

    /// The oldest sealed file.
    pub(super) fn oldest(&self) -> Option<Stamped> {
        self.files.borrow().values().next().cloned()
    }

    pub(super) fn file(&self, name: &str) -> Option<Stamped> {
        self.files.borrow().get(name.strip_suffix(".jsonl").unwrap_or(name)).cloned()
    }

    /// A sealed file was deleted by this process.
    pub(super) fn forget(&self, file: &Stamped) {
        if self.files.borrow_mut().remove(&file.stamp).is_some() {
            self.bytes.set(self.bytes.get().saturating_sub(file.len));
        }
        self.set_rest(&file.stamp, 0);
        let mut backlog = self.backlog.borrow_mut();
        backlog.queue.remove(&file.stamp);
        backlog.aside.remove(&file.stamp);
        self.receipts.borrow_mut().forget(&file.name());
    }

    /// A sealed file is gone, and nobody here has deleted it.
    fn vanish(&self, file: &Stamped) {
        let rest = self.rest(&file.stamp);
        if rest > 0 {
            let what = format!("segments/{}", file.name());
            self.lose(&what, rest, "it was taken away before it was shipped");
        } else {
            tell(&format!(
                "{}: somebody took it away; the store holds all of it",
                file.path.shown()
            ));
        }
        self.forget(file);
    }

    /// Says, counts and writes down that something was lost.
    pub(super) fn lose(&self, what: &str, bytes: u64, why: &str) {
        tell(&format!("LOST: {}/{what}: {bytes} bytes: {why}", self.folder.path().shown()));
        self.metrics.losses.inc();
        self.metrics.lost_bytes.inc_by(bytes);
        self.health.note_loss(format!("lost: {what}: {bytes} bytes: {why}"));
        let lost = Lost { what: what.into(), bytes, why: why.into(), at: Moment(Timestamp::now()) };
        if let Err(error) = self.receipts.borrow_mut().add_lost(lost) {
            tell(&format!("shipped.jsonl: the loss could not be written: {error}"));
        }
    }

    /// The store does not keep what receipts of this file say: it counts for nothing, and is shipped again.
    pub(super) fn disbelieve(&self, file: &Stamped) {
        self.receipts.borrow_mut().forget(&file.name());
        self.metrics.disbelieved.inc();
        self.set_rest(&file.stamp, file.len);
        self.backlog.borrow_mut().queue.insert(file.stamp.clone(), 0);
    }

    /// When the last byte of a file was confirmed; `None` if some are not.
    pub(super) fn confirmed_at(&self, file: &Stamped) -> Option<Timestamp> {
        let receipts = self.receipts.borrow();
        receipts.last_at(&file.name()).filter(|_| receipts.end(&file.name()) >= file.len)
    }

    /// The oldest segment that nobody is at: its file, and where it begins.
    pub(super) fn next_segment(&self) -> Option<(Stamped, u64)> {
        let mut backlog = self.backlog.borrow_mut();
        let due = |(_, (since, _)): &(&String, &(Instant, String))| since.elapsed() >= AGAIN;
        let again = backlog.aside.iter().find(due).map(|(stamp, _)| stamp.clone());
        if let Some(stamp) = again {
            backlog.aside.remove(&stamp);
            let end = self.receipts.borrow().end(&format!("{stamp}.jsonl"));
            backlog.queue.insert(stamp, end);
        }
        let (stamp, start) = backlog.queue.pop_first()?;
        Some((self.files.borrow().get(&stamp)?.clone(), start))
    }

    /// The next segment of a file begins here.
    pub(super) fn queue(&self, file: &Stamped, start: u64) {
        if start < file.len && self.has_sealed(file) {
            self.backlog.borrow_mut().queue.insert(file.stamp.clone(), start);
        }
    }

    /// Something of a file was confirmed.
    pub(super) fn note_confirmed(&self, file: &Stamped) {
        if self.has_sealed(file) {
            let end = self.receipts.borrow().end(&file.name());
            self.set_rest(&file.stamp, file.len.saturating_sub(end));
        }
    }

    /// A file that cannot be read does not hold up the others.
    pub(super) fn set_aside(&self, file: &Stamped, why: String) {
        self.backlog.borrow_mut().aside.insert(file.stamp.clone(), (Instant::now(), why));
    }

    /// Files that could not be read, and why.
    pub(super) fn aside(&self) -> Vec<String> {
        self.backlog.borrow().aside.values().map(|(_, why)| why.clone()).collect()
    }

    pub(super) fn has_sealed(&self, file: &Stamped) -> bool {
        self.files.borrow().get(&file.stamp) == Some(file)
    }

    /// The bytes of all sealed files.
    pub(super) fn sealed_bytes(&self) -> u64 {
        self.bytes.get()
    }

    fn rest(&self, stamp: &str) -> u64 {
        self.backlog.borrow().rest.get(stamp).copied().unwrap_or_default()
    }

    fn set_rest(&self, stamp: &str, rest: u64) {
        let mut backlog = self.backlog.borrow_mut();
        let before = match rest {
            0 => backlog.rest.remove(stamp),
            _ => backlog.rest.insert(stamp.to_owned(), rest),
        };
        let before = before.unwrap_or_default();
        let segments = |bytes: u64| bytes.div_ceil(self.segment_bytes);
        backlog.bytes = backlog.bytes.saturating_sub(before).saturating_add(rest);
        backlog.segments =
            backlog.segments.saturating_sub(segments(before)).saturating_add(segments(rest));
        if rest == 0 {
            self.ages.borrow_mut().forget(stamp);
        }
    }

    /// The next step is the last one.
    pub(super) fn stop(&self) {
        self.is_stopping.set(true);
    }

    /// It cannot go on, and why.
    pub(super) fn end_with(&self, why: String) {
        self.end.borrow_mut().get_or_insert(why);
        self.stop();
    }

    pub(super) fn end(&self) -> Option<String> {
        self.end.borrow().clone()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.get()
    }

    pub(super) fn note_room(&self, local: u64, free: u64, is_full: bool) {
        self.metrics.local.set(level(local));
        self.metrics.free.set(level(free));
        self.metrics.at_cap.set(i64::from(is_full));
        self.health.note(|facts| {
            (facts.is_at_cap, facts.local_bytes) = (is_full, local);
        });
    }

    /// Counts what is not confirmed, and how long it has been waiting.
    pub(super) fn note_backlog(&self, draining: &[Stamped]) {
        let backlog = self.backlog.borrow();
        let mut ages = self.ages.borrow_mut();
        let live = self.folder.live_len();
        let renamed: u64 = draining.iter().map(|file| file.len).sum();
        let mut segments = backlog.segments + live.div_ceil(self.segment_bytes);
        segments += draining.iter().map(|file| file.len.div_ceil(self.segment_bytes)).sum::<u64>();
        let mut oldest = ages.live(live);
        for file in draining.iter().filter(|file| file.len > 0) {
            oldest = oldest.max(Some(ages.of(file)));
        }
        let first = backlog.rest.keys().next();
        if let Some(file) = first.and_then(|stamp| self.files.borrow().get(stamp).cloned()) {
            oldest = oldest.max(Some(ages.of(&file)));
        }
        self.metrics.unconfirmed.set(level(backlog.bytes + live + renamed));
        self.metrics.unconfirmed_segments.set(level(segments));
        self.metrics.oldest_age.set(oldest.unwrap_or_default().as_secs_f64());
        self.metrics.set_aside.set(level(backlog.aside.len() as u64));
        self.metrics.receipts.set(level(self.receipts.borrow().bytes()));
        let aside =
            backlog.aside.values().next().map(|(_, why)| {
                format!("{} sealed files cannot be read: {why}", backlog.aside.len())
            });
        self.health.set("unreadable", aside);
        self.health.beat(Loop::Keeper);
        self.health.note(|facts| facts.oldest = oldest.map(|age| (Instant::now(), age)));
    }
}
