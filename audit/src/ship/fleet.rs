//! Several segments on their way at a time.
//!
//! ```text
//! queue ──▶ packed ──▶ put, read back, signed
//!   ▲                        │
//!   └── waiting, each with a pause of its own ◀── refused, busy, not confirmed
//! ```
//!
//! Those that wait count among those under way, so a store that refuses everything is not flooded; one that refuses a
//! single object still takes the others. A file that cannot be read is put aside, and holds up nobody.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep;

use super::shipper::{Event, Job, Shipper, Unshipped};

/// What is under way.
pub(super) struct Fleet<'s, 'a> {
    shipper: &'s Shipper<'a>,
    most: usize,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + 's>>>,
    waiting: Vec<(Instant, Job)>,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Step {
    /// Something moved.
    Going,
    Shipped,
    /// One was not shipped, for the how-manieth time.
    Failed(Unshipped, u32),
    /// Nothing is to be shipped.
    Idle,
    /// Only what failed before is left, for so long.
    Waiting(Duration),
}

/// New segments are looked for while others are under way.
const LOOK: Duration = Duration::from_millis(100);

impl<'s, 'a> Fleet<'s, 'a> {
    pub(super) fn new(shipper: &'s Shipper<'a>, most: usize) -> Self {
        Self { shipper, most: most.max(1), under_way: FuturesUnordered::new(), waiting: Vec::new() }
    }

    /// Whether something has failed and is not done.
    pub(super) fn has_failed(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) async fn step(&mut self) -> Step {
        self.fill();
        if self.under_way.is_empty() {
            let due = self.waiting.iter().map(|(due, _)| due).min();
            return match due {
                None => Step::Idle,
                Some(due) => Step::Waiting(due.saturating_duration_since(Instant::now())),
            };
        }
        tokio::select! {
            event = self.under_way.next() => event.map_or(Step::Going, |event| self.take(event)),
            () = sleep(LOOK), if self.under_way.len() < self.most => Step::Going,
        }
    }

    /// What is under way, to its end; nothing new.
    pub(super) async fn finish(&mut self) {
        while let Some(event) = self.under_way.next().await {
            self.take(event);
        }
    }

    fn fill(&mut self) {
        let shipper = self.shipper;
        while let Some(job) = self.next_due() {
            self.under_way.push(Box::pin(shipper.pack(job)));
        }
        while self.under_way.len() + self.waiting.len() < self.most
            && let Some((file, start)) = shipper.state.next_segment()
        {
            self.under_way.push(Box::pin(shipper.pack(Job::new(file, start))));
        }
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
            Event::Delivered => Step::Shipped,
            Event::Nothing => Step::Going,
            // Somebody deleted it meanwhile, which was said.
            Event::Failed(job, _) if !shipper.state.has_sealed(&job.file) => Step::Going,
            Event::Failed(job, unshipped) if unshipped.kind == "local" => {
                shipper.state.set_aside(&job.file, unshipped.text.clone());
                Step::Failed(unshipped, 1)
            }
            Event::Failed(mut job, unshipped) => {
                let wait = job.backoff.next();
                let failures = job.backoff.failures();
                self.waiting.push((Instant::now() + wait, job));
                Step::Failed(unshipped, failures)
            }
        }
    }
}
