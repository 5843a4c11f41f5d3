//! What shipping, rotation and room all look at.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    ages::Ages,
    folder::{Folder, Stamped},
    health::Health,
    metrics::{Metrics, level},
    receipts::Receipts,
};

/// A ledger folder while it is shipped.
#[derive(Debug)]
pub(super) struct State<'a> {
    pub(super) folder: &'a Folder,
    pub(super) receipts: RefCell<Receipts>,
    pub(super) ages: &'a RefCell<Ages>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) segment_bytes: u64,
    /// The sealed files, oldest first: nobody else makes or deletes any.
    sealed: RefCell<Vec<Stamped>>,
    is_stopping: Cell<bool>,
}

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
            sealed: RefCell::default(),
            is_stopping: Cell::new(false),
        }
    }

    /// Looks for sealed files anew.
    pub(super) fn refresh(&self) -> io::Result<()> {
        let sealed = self.folder.sealed()?;
        let names = sealed.iter().map(Stamped::name).collect();
        self.receipts.borrow_mut().keep_only(&names);
        *self.sealed.borrow_mut() = sealed;
        Ok(())
    }

    pub(super) fn sealed(&self) -> Vec<Stamped> {
        self.sealed.borrow().clone()
    }

    /// A sealed file is gone.
    pub(super) fn forget(&self, file: &Stamped) {
        self.sealed.borrow_mut().retain(|other| other != file);
    }

    /// When the last byte of a file was confirmed; `None` if some are not.
    pub(super) fn confirmed_at(&self, file: &Stamped) -> Option<Timestamp> {
        let receipts = self.receipts.borrow();
        receipts.last_at(&file.name()).filter(|_| receipts.end(&file.name()) >= file.len)
    }

    /// The oldest sealed file with unconfirmed bytes, and where they begin.
    pub(super) fn next_unconfirmed(&self) -> Option<(Stamped, u64)> {
        let receipts = self.receipts.borrow();
        let sealed = self.sealed.borrow();
        let mut files = sealed.iter().map(|file| (file, receipts.end(&file.name())));
        files.find(|(file, end)| *end < file.len).map(|(file, end)| (file.clone(), end))
    }

    pub(super) fn has_sealed(&self, file: &Stamped) -> bool {
        self.sealed.borrow().contains(file)
    }

    /// The next step is the last one.
    pub(super) fn stop(&self) {
        self.is_stopping.set(true);
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
        let (mut bytes, mut segments, mut oldest) = (0, 0, None);
        let mut add = |rest: u64, age: Option<Duration>| {
            bytes += rest;
            segments += rest.div_ceil(self.segment_bytes);
            oldest = oldest.max(age.filter(|_| rest > 0));
        };
        let mut ages = self.ages.borrow_mut();
        let live = self.folder.live_len();
        add(live, ages.live(live));
        draining.iter().for_each(|file| add(file.len, Some(ages.of(file))));
        let receipts = self.receipts.borrow();
        for file in self.sealed.borrow().iter() {
            let rest = file.len.saturating_sub(receipts.end(&file.name()));
            if rest > 0 {
                add(rest, Some(ages.of(file)));
            }
        }
        ages.keep_only(&[draining, &self.sealed.borrow()].concat());
        self.metrics.unconfirmed.set(level(bytes));
        self.metrics.unconfirmed_segments.set(level(segments));
        self.metrics.oldest_age.set(oldest.unwrap_or_default().as_secs_f64());
        self.health.note(|facts| {
            facts.alive = Instant::now();
            facts.oldest = oldest.map(|age| (Instant::now(), age));
        });
    }
}
