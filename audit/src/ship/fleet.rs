//! Several segments on their way at a time.
//!
//! ```text
//! queue ──▶ packed ──▶ put, read back, signed
//!   ▲                        │
//!   └── waiting, each with a pause of its own ◀── refused, busy, not confirmed
//! ```
//!
//! One that the store refuses waits, and holds up no other; when many wait, the next ones are put aside for longer. After
//! as many failures in a row as are under way at a time it is the store that refuses: then one pause, which grows, goes
//! before each try, whatever is tried, so that it is not flooded. A file that cannot be read is put aside at once.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep;

use super::{
    pace::Backoff,
    shipper::{Event, Job, Shipper, Unshipped},
};

/// What is under way.
pub(super) struct Fleet<'s, 'a> {
    shipper: &'s Shipper<'a>,
    most: usize,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + 's>>>,
    waiting: Vec<(Instant, Job)>,
    /// Failures since something last arrived.
    in_a_row: usize,
    pause: Backoff,
    /// Nothing is tried before.
    not_before: Option<Instant>,
    /// Whoever is tried so often in vain is left alone.
    most_tries: Option<u32>,
    is_turn_of_new: bool,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Step {
    /// Something moved.
    Going,
    /// Nothing did, for a moment.
    Looked,
    Shipped,
    /// One was not shipped, and is tried again.
    Failed(Unshipped),
    /// One was not shipped, and is not tried again here.
    GaveUp(Unshipped),
    /// Nothing is to be shipped.
    Idle,
    /// Only what failed before is left, for so long.
    Waiting(Duration),
}

/// New segments are looked for while others are under way.
const LOOK: Duration = Duration::from_millis(100);
/// So many wait for their next try; others are put aside.
const MOST_WAITING: usize = 64;

impl<'s, 'a> Fleet<'s, 'a> {
    /// One that tries for ever.
    pub(super) fn new(shipper: &'s Shipper<'a>, most: usize) -> Self {
        Self {
            shipper,
            most: most.max(1),
            under_way: FuturesUnordered::new(),
            waiting: Vec::new(),
            in_a_row: 0,
            pause: Backoff::default(),
            not_before: None,
            most_tries: None,
            is_turn_of_new: false,
        }
    }

    /// One that tries so often while a store is busy, and once where it refuses.
    pub(super) fn giving_up(shipper: &'s Shipper<'a>, most: usize, most_tries: u32) -> Self {
        Self { most_tries: Some(most_tries), ..Self::new(shipper, most) }
    }

    /// Whether something has failed and is not done.
    pub(super) fn has_failed(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) async fn step(&mut self) -> Step {
        self.fill();
        if self.under_way.is_empty() {
            return self.rest();
        }
        tokio::select! {
            event = self.under_way.next() => event.map_or(Step::Going, |event| self.take(event)),
            () = sleep(LOOK), if self.under_way.len() < self.most => Step::Looked,
        }
    }

    /// Nothing is under way: until when nothing will be.
    fn rest(&self) -> Step {
        let due = self.waiting.iter().map(|(due, _)| *due).min();
        let has_more = due.is_some() || self.shipper.state.has_segments();
        match (self.not_before.filter(|_| has_more), due) {
            (None, None) => Step::Idle,
            (Some(until), None) | (None, Some(until)) => waiting(until),
            (Some(until), Some(due)) => waiting(until.max(due)),
        }
    }

    /// What is under way, to its end; nothing new.
    pub(super) async fn finish(&mut self) {
        while let Some(event) = self.under_way.next().await {
            self.take(event);
        }
    }

    fn fill(&mut self) {
        self.not_before = self.not_before.filter(|until| Instant::now() < *until);
        while self.not_before.is_none()
            && self.under_way.len() < self.most
            && let Some(job) = self.next_job()
        {
            self.under_way.push(Box::pin(self.shipper.pack(job)));
        }
    }

    /// New ones and those that failed before, in turn.
    fn next_job(&mut self) -> Option<Job> {
        self.is_turn_of_new = !self.is_turn_of_new;
        match self.is_turn_of_new {
            true => self.next_new().or_else(|| self.next_due()),
            false => self.next_due().or_else(|| self.next_new()),
        }
    }

    fn next_new(&self) -> Option<Job> {
        self.shipper.state.next_segment().map(|(file, start)| Job::new(file, start))
    }

    fn next_due(&mut self) -> Option<Job> {
        let now = Instant::now();
        let at = self.waiting.iter().position(|(due, _)| *due <= now)?;
        Some(self.waiting.swap_remove(at).1)
    }

    fn take(&mut self, event: Event) -> Step {
        let shipper = self.shipper;
        match event {
            Event::Packed(cargo) => {
                if !cargo.is_again() {
                    let (file, start) = cargo.next();
                    shipper.state.queue(file, start);
                }
                self.under_way.push(Box::pin(shipper.deliver(*cargo)));
                Step::Going
            }
            Event::Delivered => {
                self.in_a_row = 0;
                self.pause.reset();
                self.not_before = None;
                Step::Shipped
            }
            Event::Nothing => Step::Going,
            // Somebody deleted it meanwhile, which was said.
            Event::Failed(job, _) if !shipper.state.has_sealed(&job.file) => Step::Going,
            Event::Failed(job, unshipped) if unshipped.kind == "local" => {
                shipper.state.set_aside(&job.file, unshipped.text.clone());
                Step::GaveUp(unshipped)
            }
            Event::Failed(job, unshipped) => self.fail(job, unshipped),
        }
    }

    fn fail(&mut self, mut job: Job, unshipped: Unshipped) -> Step {
        let wait = job.backoff.next();
        if let Some(most) = self.most_tries
            && (unshipped.kind != "busy" || job.backoff.failures() >= most)
        {
            return Step::GaveUp(unshipped);
        }
        self.in_a_row += 1;
        if self.in_a_row >= self.most && self.most_tries.is_none() {
            self.not_before = Some(Instant::now() + self.pause.next());
        }
        match self.waiting.len() < MOST_WAITING {
            true => self.waiting.push((Instant::now() + wait, job)),
            false => self.shipper.state.set_aside(&job.file, unshipped.text.clone()),
        }
        Step::Failed(unshipped)
    }
}

fn waiting(until: Instant) -> Step {
    Step::Waiting(until.saturating_duration_since(Instant::now()))
}
