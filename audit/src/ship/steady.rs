//! Shipping for ever, beside a gateway.
//!
//! Two things go on at a time: the folder is looked after (rotation, room, metrics), and segments are
//! on their way. A store that is slow or gone holds up only the second.
//!
//! Told to stop, it leaves what the gateway is still writing to its next start. Where the gateway has
//! ended before, as beside it in a pod, nobody may start again: then the live file is carried, too.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    Options,
    health::Trouble,
    lease::{Writers, writers},
    once,
    pace::{Backoff, Once, asked_to_stop},
    room::Room,
    rotation::{Rotation, Step},
    shipper::{Shipper, Target, Unshipped},
    state::State,
};
use crate::{fault::Fault, say::say};

const TICK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// Who is asked to stop is killed some time later.
const LAST_PASS: Duration = Duration::from_secs(20);

pub(super) async fn run(
    state: &State<'_>,
    target: &Target<'_>,
    options: &Options,
) -> Result<(), Fault> {
    let mut keeper = Keeper::new(state, options);
    keeper.start()?;
    let mut shipper = Shipper::new(state, target);
    let wake = Notify::new();
    tokio::join!(stop(state, &wake), keeper.keep(&wake), ship(&mut shipper, state, &wake));
    if has_ended(state) {
        last_pass(&mut shipper, &mut keeper).await;
    }
    let done = shipper.done;
    say(&format!(
        "{}: {} objects confirmed: {} entries, {} torn lines, {} bytes",
        target.url, done.objects, done.entries, done.torn, done.bytes
    ))?;
    let mut left = once::what_is_left(state);
    if state.folder.live_len() > 0 {
        left.push(format!("left: {}: not rotated yet", state.folder.live().display()));
    }
    if left.is_empty() { Ok(()) } else { Err(Fault::Refused(left.join("\n"))) }
}

/// Whether the gateway has: the kernel knows that nobody writes its file any more, renamed or not.
fn has_ended(state: &State<'_>) -> bool {
    let Ok(draining) = state.folder.draining() else { return false };
    let renamed = draining.iter().map(|file| file.path.clone());
    renamed
        .chain([state.folder.live()])
        .filter_map(|path| File::open(path).ok())
        .all(|file| writers(&file) == Writers::None)
}

/// Carries what the gateway wrote last, if the store takes it in time; what is left is said afterwards.
async fn last_pass(shipper: &mut Shipper<'_>, keeper: &mut Keeper<'_>) {
    let state = keeper.state;
    let latest = state.receipts.borrow().latest_file().map(ToOwned::to_owned);
    let rotated = once::rotate(&mut keeper.rotation, latest.as_deref()).await.err();
    let listed = state.refresh().err().map(|error| error.to_string());
    let shipped = timeout(LAST_PASS, once::ship_all(shipper)).await.unwrap_or_default();
    for trouble in [rotated, listed, shipped].into_iter().flatten() {
        anstream::eprintln!("{trouble}");
    }
    keeper.look();
}

async fn stop(state: &State<'_>, wake: &Notify) {
    if let Err(error) = asked_to_stop().await {
        anstream::eprintln!("no signals: {error}");
    }
    state.stop();
    wake.notify_waiters();
}

/// Ships until it is stopped; whatever the store says, the next try follows.
async fn ship(shipper: &mut Shipper<'_>, state: &State<'_>, wake: &Notify) {
    let (mut backoff, mut once) = (Backoff::default(), Once::default());
    while !state.is_stopping() {
        let wait = match shipper.step().await {
            Ok(was_shipped) => {
                state.health.note(|facts| {
                    if was_shipped {
                        facts.store = None;
                    }
                });
                if was_shipped && once.end() {
                    anstream::eprintln!("shipping again, after {} failures", backoff.reset());
                }
                if was_shipped { Duration::ZERO } else { TICK }
            }
            Err(Unshipped { text, .. }) => {
                once.say(&text);
                state.health.note(|facts| Trouble::keep(&mut facts.store, Some(text)));
                backoff.next()
            }
        };
        pause(state, wake, wait).await;
    }
}

/// Waits, unless it is time to stop.
async fn pause(state: &State<'_>, wake: &Notify, wait: Duration) {
    if state.is_stopping() {
        return;
    }
    tokio::select! {
        () = sleep(wait) => {}
        () = wake.notified() => {}
    }
}

/// Who looks after the folder.
struct Keeper<'a> {
    state: &'a State<'a>,
    options: &'a Options,
    rotation: Rotation<'a>,
    room: Room<'a>,
    looked: Option<Instant>,
    not_before: Instant,
    backoff: Backoff,
    rotation_said: Once,
    room_said: Once,
    metrics_said: Once,
    is_first: bool,
}

impl<'a> Keeper<'a> {
    fn new(state: &'a State<'a>, options: &'a Options) -> Self {
        Self {
            state,
            options,
            rotation: Rotation::new(state.folder, &options.rotation, state.ages),
            room: Room::new(&options.room, state),
            looked: None,
            not_before: Instant::now(),
            backoff: Backoff::default(),
            rotation_said: Once::default(),
            room_said: Once::default(),
            metrics_said: Once::default(),
            is_first: true,
        }
    }

    fn start(&mut self) -> Result<(), Fault> {
        let started = self.rotation.recover().and_then(|()| self.room.announce());
        started.map_err(|error| Fault::io(self.state.folder.path(), &error))
    }

    async fn keep(&mut self, wake: &Notify) {
        while !self.state.is_stopping() {
            self.rotate().await;
            if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                self.look();
                self.looked = Some(Instant::now());
            }
            pause(self.state, wake, TICK).await;
        }
        self.look();
    }

    /// What an earlier run left in the live file is rotated at once: nobody knows how old it is.
    async fn rotate(&mut self) {
        if Instant::now() < self.not_before {
            return;
        }
        let latest = self.state.receipts.borrow().latest_file().map(ToOwned::to_owned);
        match self.rotation.step(self.is_first, latest.as_deref()).await {
            Ok(step) => self.note_step(step),
            Err(text) => {
                self.state.metrics.rotation_errors.inc();
                self.rotation_said.say(&text);
                self.state.health.note(|facts| Trouble::keep(&mut facts.rotation, Some(text)));
                self.not_before = Instant::now() + self.backoff.next();
            }
        }
    }

    fn note_step(&mut self, step: Step) {
        self.backoff.reset();
        self.rotation_said.end();
        self.state.health.note(|facts| facts.rotation = None);
        match step {
            Step::Idle | Step::Began => self.is_first = false,
            Step::Draining => {}
            Step::Sealed(took) => self.note_sealed(took),
        }
    }

    fn note_sealed(&self, took: Duration) {
        self.state.metrics.rotations.inc();
        self.state.metrics.drain.observe(took.as_secs_f64());
        if let Err(error) = self.state.refresh() {
            anstream::eprintln!("{}: {error}", self.state.folder.segments().display());
        }
    }

    fn look(&mut self) {
        match self.room.make() {
            Ok(()) => drop(self.room_said.end()),
            Err(error) => {
                let place = self.state.folder.path().display();
                self.room_said.say(&format!("{place}: no room could be made: {error}"));
            }
        }
        let draining = self.state.folder.draining().unwrap_or_default();
        self.state.note_backlog(&draining);
        match self.options.watch.write(self.state) {
            Ok(()) => drop(self.metrics_said.end()),
            Err(text) => self.metrics_said.say(&text),
        }
    }
}
