//! Shipping for ever, beside a gateway.
//!
//! Three things go on at a time: the folder is looked after (rotation, room, the gateway, what somebody else does to it),
//! segments are on their way, and what is confirmed is asked for again and deleted. A store that is slow or gone holds up
//! only the last two; each shows in the health when it makes no progress.
//!
//! Told to stop, it leaves what the gateway is still writing to its next start. Where the gateway has
//! ended before, as beside it in a pod, nobody may start again: then the live file is carried, too.

use std::{
    cell::RefCell,
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    Options,
    dir::Dir,
    fleet::{Fleet, Step as Went},
    folder::Swapped,
    health::{Loop, Trouble},
    lease::{Writers, writers},
    once,
    pace::{Backoff, Once, asked_to_reload, asked_to_stop},
    reconcile::{self, Counts, Reconciliation},
    room::Room,
    rotation::{Rotation, Step},
    shipper::{Shipper, Target, Unshipped},
    state::State,
    tidy::{self, Tidier},
};
use crate::{
    fault::Fault,
    ledger::LIVE,
    plain::Shown,
    say::{say, tell},
};

const TICK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// What is on its way when somebody asks to stop.
const GRACE: Duration = Duration::from_secs(3);
/// Who is asked to stop is killed some time later.
const LAST_PASS: Duration = Duration::from_secs(20);
/// Receipts go to the bucket, too, when there are so many, or so old.
const MANY_RECEIPTS: u64 = 1000;
const OLD_RECEIPTS: Duration = Duration::from_secs(3600);

pub(super) async fn run<'a>(
    state: &'a State<'a>,
    target: &'a Target<'a>,
    options: &'a Options,
) -> Result<(), Fault> {
    let reconciliation = RefCell::new(Reconciliation::default());
    let counted = RefCell::new(None);
    let mut keeper = Keeper::new(state, options, &reconciliation, &counted);
    keeper.start()?;
    let shipper = Shipper::new(state, target);
    let wake = Notify::new();
    let reload = || {
        tell("SIGHUP: credentials, proxies and certificates are read again");
        shipper.reload();
        wake.notify_waiters();
    };
    let going_on = async {
        tokio::join!(
            keeper.keep(&wake),
            ship(&shipper, state, options, &wake),
            tidy(&shipper, options, &wake),
            ask_the_filter(state, options, &reconciliation, &counted, &wake)
        )
    };
    tokio::select! {
        _ = async { tokio::join!(stop(state, &wake), going_on) } => {}
        never = asked_to_reload(reload) => match never {},
    }
    keeper.rescue_now();
    if has_ended(state.folder.dir(), state) {
        last_pass(&shipper, &mut keeper).await;
    }
    let done = shipper.done();
    say(&format!(
        "{}: {} objects confirmed: {} entries, {} torn lines, {} bytes",
        target.url, done.objects, done.entries, done.torn, done.bytes
    ))?;
    let mut left: Vec<_> = state.end().into_iter().collect();
    left.extend(once::what_is_left(state));
    if state.folder.live_len() > 0 {
        left.push(format!("left: {}: not rotated yet", state.folder.live().shown()));
    }
    if left.is_empty() { Ok(()) } else { Err(Fault::Refused(left.join("\n"))) }
}

/// Whether the gateway has: the kernel knows that nobody writes its file any more, renamed or not.
fn has_ended(dir: &Dir, state: &State<'_>) -> bool {
    let Ok(draining) = state.folder.draining() else { return false };
    let renamed = draining.iter().map(|file| file.draining_name());
    renamed
        .chain([LIVE.to_owned()])
        .filter_map(|name| dir.read(&name).ok())
        .all(|file| writers(&file) == Writers::None)
}

/// Carries what the gateway wrote last, if the store takes it in time; what is left is said afterwards.
async fn last_pass(shipper: &Shipper<'_>, keeper: &mut Keeper<'_>) {
    let (state, options) = (keeper.state, keeper.options);
    let latest = state.receipts.borrow().latest_file().map(ToOwned::to_owned);
    let rotated = once::rotate(&mut keeper.rotation, latest.as_deref()).await.err();
    keeper.note_notices();
    let listed = state.refresh().err().map(|error| error.to_string());
    let all = async {
        let wrong = once::ship_all(shipper, options.parallel).await;
        let receipts = once::archive_all(shipper).await;
        wrong.or(receipts)
    };
    let shipped = timeout(LAST_PASS, all).await.unwrap_or_default();
    for trouble in [rotated, listed, shipped].into_iter().flatten() {
        tell(&trouble);
    }
    keeper.look();
}

async fn stop(state: &State<'_>, wake: &Notify) {
    tokio::select! {
        asked = asked_to_stop() => if let Err(error) = asked {
            tell(&format!("no signals: {error}"));
        },
        () = stopped(state, wake) => {}
    }
    state.stop();
    wake.notify_waiters();
}

/// Waits until it is time to stop.
async fn stopped(state: &State<'_>, wake: &Notify) {
    loop {
        let woken = wake.notified();
        if state.is_stopping() {
            return;
        }
        woken.await;
    }
}

/// Ships until it is stopped; whatever the store says, the next try follows. What is on its way then has a moment.
async fn ship(shipper: &Shipper<'_>, state: &State<'_>, options: &Options, wake: &Notify) {
    let mut fleet = Fleet::new(shipper, options.parallel);
    let mut log = ShipLog::default();
    state.health.beat(Loop::Shipper);
    loop {
        let went = tokio::select! {
            biased;
            () = stopped(state, wake) => break,
            went = fleet.step() => went,
        };
        // A step that only passed the time is no progress.
        if !matches!(went, Went::Looked) {
            state.health.beat(Loop::Shipper);
        }
        let wait = log.note(went, &fleet, shipper).await;
        pause(state, wake, wait).await;
    }
    let _ = timeout(GRACE, fleet.finish()).await;
}

/// What is said about shipping, once.
#[derive(Default)]
struct ShipLog {
    once: Once,
    failures: u32,
    backoff: Backoff,
}

impl ShipLog {
    /// How long to wait for the next step.
    async fn note(&mut self, went: Went, fleet: &Fleet<'_, '_>, shipper: &Shipper<'_>) -> Duration {
        match went {
            Went::Going | Went::Looked => Duration::ZERO,
            Went::Shipped => {
                self.end(fleet, shipper.state);
                Duration::ZERO
            }
            Went::Failed(unshipped) | Went::GaveUp(unshipped) => {
                self.fail(&unshipped, shipper.state);
                Duration::ZERO
            }
            Went::Waiting(wait) => wait.min(LOOK),
            // Whether the store can be had is known before something is to be shipped.
            Went::Idle => match shipper.store().await {
                Ok(_) => {
                    self.end(fleet, shipper.state);
                    TICK
                }
                Err(unshipped) => {
                    shipper.state.metrics.count_error(unshipped.kind);
                    self.fail(&unshipped, shipper.state);
                    self.backoff.next()
                }
            },
        }
    }

    fn fail(&mut self, unshipped: &Unshipped, state: &State<'_>) {
        self.failures = self.failures.saturating_add(1);
        self.once.say(&unshipped.text);
        if unshipped.kind != "local" {
            let text = unshipped.text.clone();
            state.health.note(|facts| Trouble::keep(&mut facts.store, Some(text)));
        }
    }

    fn end(&mut self, fleet: &Fleet<'_, '_>, state: &State<'_>) {
        if fleet.has_failed() {
            return;
        }
        self.backoff.reset();
        state.health.note(|facts| facts.store = None);
        let failures = std::mem::take(&mut self.failures);
        if self.once.end() {
            tell(&format!("shipping again, after {failures} failures"));
        }
    }
}

/// Asks again, deletes, and carries receipts, until it is stopped.
async fn tidy(shipper: &Shipper<'_>, options: &Options, wake: &Notify) {
    let state = shipper.state;
    let tidier = Tidier::new(shipper, &options.room, options.parallel);
    let (mut said, mut backoff, mut archived) =
        (Once::default(), Backoff::default(), Instant::now());
    loop {
        state.health.beat(Loop::Tidier);
        let round = async {
            let asked = tidier.ask_for_old_receipts().await;
            let tidied = tidier.tidy().await;
            asked.and(tidied)?;
            let fresh = state.receipts.borrow().fresh();
            if fresh >= MANY_RECEIPTS || (fresh > 0 && archived.elapsed() >= OLD_RECEIPTS) {
                archived = Instant::now();
                once::archive_all(shipper).await.map_or(Ok(()), Err)?;
            }
            Ok::<_, String>(())
        };
        let went = tokio::select! {
            biased;
            () = stopped(state, wake) => return,
            went = round => went,
        };
        let wait = match went {
            Ok(()) => {
                said.end();
                backoff.reset();
                state.health.set("tidying", None);
                tidy::EVERY
            }
            Err(text) => {
                said.say(&text);
                state.health.set("tidying", (backoff.failures() > MANY_FAILURES).then_some(text));
                backoff.next()
            }
        };
        pause(state, wake, wait).await;
    }
}

/// A minute, or two, of a store that does not answer.
const MANY_FAILURES: u32 = 8;

/// Asks the gateway, now and then, how many entries its filter counted.
async fn ask_the_filter(
    state: &State<'_>,
    options: &Options,
    reconciliation: &RefCell<Reconciliation>,
    counted: &RefCell<Option<u64>>,
    wake: &Notify,
) {
    let reopen = options.rotation.reopen.as_ref();
    while reconcile::can_ask(reopen) && !state.is_stopping() {
        reconciliation.borrow_mut().want();
        while !reconciliation.borrow().has_begun() && !state.is_stopping() {
            pause(state, wake, SOON).await;
        }
        let now = tokio::select! {
            () = stopped(state, wake) => return,
            now = reconcile::counted(reopen) => now,
        };
        counted.replace(now);
        pause(state, wake, reconcile::EVERY).await;
    }
}

/// The keeper looks as often.
const SOON: Duration = Duration::from_millis(100);

/// Waits, unless it is time to stop.
async fn pause(state: &State<'_>, wake: &Notify, wait: Duration) {
    let woken = wake.notified();
    if state.is_stopping() || wait.is_zero() {
        // The other loops have their turn all the same.
        tokio::task::yield_now().await;
        return;
    }
    tokio::select! {
        () = sleep(wait) => {}
        () = woken => {}
    }
}

/// Who looks after the folder.
struct Keeper<'a> {
    reconciliation: &'a RefCell<Reconciliation>,
    /// What the filter counted, if it was asked since.
    counted: &'a RefCell<Option<u64>>,
    /// What stands in the files that are not sealed.
    counts: Counts,
    unaccounted: u64,
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
    folder_said: Once,
    strange_said: Once,
    receipts_said: Once,
    /// What was found among the sealed files that is none.
    strange_sealed: Option<Vec<PathBuf>>,
    is_first: bool,
}

impl<'a> Keeper<'a> {
    fn new(
        state: &'a State<'a>,
        options: &'a Options,
        reconciliation: &'a RefCell<Reconciliation>,
        counted: &'a RefCell<Option<u64>>,
    ) -> Self {
        Self {
            reconciliation,
            counted,
            counts: Counts::default(),
            unaccounted: 0,
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
            folder_said: Once::default(),
            strange_said: Once::default(),
            receipts_said: Once::default(),
            strange_sealed: None,
            is_first: true,
        }
    }

    fn start(&mut self) -> Result<(), Fault> {
        // On a full disk nothing new can be made, and what is there may go on.
        if let Err(error) = self.room.announce() {
            tell(&format!("{}: {error}", self.state.folder.path().shown()));
        }
        let latest = self.state.receipts.borrow().latest_file().map(ToOwned::to_owned);
        let started = self.rotation.recover(latest.as_deref());
        self.note_notices();
        started.map_err(|error| Fault::io(self.state.folder.path(), &error))
    }

    async fn keep(&mut self, wake: &Notify) {
        while !self.state.is_stopping() {
            self.rotate().await;
            if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) || self.room.has_changed()
            {
                self.look();
                self.looked = Some(Instant::now());
            }
            pause(self.state, wake, TICK).await;
        }
        // It may have ended by itself.
        wake.notify_waiters();
        self.look();
    }

    /// What an earlier run left in the live file is rotated at once: nobody knows how old it is.
    async fn rotate(&mut self) {
        if Instant::now() < self.not_before {
            return;
        }
        let latest = self.state.receipts.borrow().latest_file().map(ToOwned::to_owned);
        let step = self.rotation.step(self.is_first, latest.as_deref()).await;
        self.note_notices();
        let stolen =
            "the gateway's file was taken away, and what it held is not back yet".to_owned();
        self.state.health.set("stolen", self.rotation.has_strays().then_some(stolen));
        match step {
            Ok(step) => self.note_step(step),
            Err(text) => {
                self.state.metrics.rotation_errors.inc();
                self.rotation_said.say(&text);
                self.state.health.note(|facts| Trouble::keep(&mut facts.rotation, Some(text)));
                self.not_before = Instant::now() + self.backoff.next().min(LOOK);
            }
        }
    }

    fn rescue_now(&mut self) {
        let latest = self.state.receipts.borrow().latest_file().map(ToOwned::to_owned);
        self.rotation.rescue_now(latest.as_deref());
        self.note_notices();
    }

    fn note_notices(&mut self) {
        self.rotation.take_notices().iter().for_each(|notice| self.state.note(notice));
    }

    fn note_step(&mut self, step: Step) {
        self.backoff.reset();
        self.rotation_said.end();
        self.state.health.note(|facts| facts.rotation = None);
        match step {
            Step::Idle | Step::Began => self.is_first = false,
            Step::Draining => {}
            Step::Sealed(took, file) => {
                self.state.metrics.rotations.inc();
                self.state.metrics.drain.observe(took.as_secs_f64());
                if let Some(file) = file {
                    let open = self.state.folder.open_sealed(&file);
                    let counted = open.and_then(|open| self.counts.close(&open));
                    self.reconciliation.borrow_mut().add_sealed(counted.unwrap_or_default());
                    self.state.add(file);
                    self.state.note_own_change();
                }
            }
        }
    }

    fn look(&mut self) {
        self.make_room();
        self.look_for_swaps();
        self.reconcile();
        // On a full disk there was none, and it is made when there is room.
        let _ = self.rotation.prepare();
        let looked = self.state.refresh_if_changed().and_then(|has_changed| {
            self.state.look_at_backlog()?;
            self.look_for_strange_files(has_changed)?;
            self.state.note_backlog(&self.state.folder.draining()?);
            Ok(())
        });
        self.state.metrics.unreadable.set(i64::from(looked.is_err()));
        let unreadable = looked.err().map(|error| {
            format!("{}: it cannot be looked at: {error}", self.state.folder.path().shown())
        });
        say_while(&mut self.folder_said, unreadable.as_deref());
        self.state.health.set("folder", unreadable);
        self.state.health.beat(Loop::Keeper);
        say_while(&mut self.metrics_said, self.options.watch.write(self.state).err().as_deref());
    }

    /// Compares, when the filter has been asked, what it counted with what stands in the ledger.
    fn reconcile(&mut self) {
        let Some(counted) = self.counted.take() else { return self.begin_to_reconcile() };
        let found = match self.count_open_files() {
            Ok(Some(found)) => found,
            // It goes on with the next look.
            Ok(None) => {
                self.counted.replace(Some(counted));
                return;
            }
            Err(_) => return,
        };
        let lost = self.reconciliation.borrow_mut().compare(counted, found);
        self.state.metrics.unaccounted.set(super::metrics::level(lost));
        if lost > self.unaccounted {
            let text =
                format!("{lost} entries that the filter counted stand in no file of the ledger");
            tell(&format!("LOST: {}: {text}", self.state.folder.path().shown()));
            self.state.health.note_loss(text);
        }
        self.unaccounted = lost;
    }

    /// What stands there is counted before the filter is asked, too.
    fn begin_to_reconcile(&mut self) {
        if !self.reconciliation.borrow().is_wanted() {
            return;
        }
        if let Ok(Some(found)) = self.count_open_files() {
            self.reconciliation.borrow_mut().begin(found);
        }
    }

    /// Final entries in files that are not sealed yet; `None`: they are not all read yet.
    fn count_open_files(&mut self) -> io::Result<Option<u64>> {
        let folder = self.state.folder;
        let mut files = Vec::new();
        match folder.dir().read(LIVE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            live => files.push(live?),
        }
        for file in folder.draining()? {
            files.push(folder.open_draining(&file)?);
        }
        let mut found = 0;
        for file in files.iter().chain(self.rotation.strays().iter().map(|stray| &stray.file)) {
            let Some(entries) = self.counts.of(file)? else { return Ok(None) };
            found += entries;
        }
        Ok(Some(found))
    }

    fn make_room(&mut self) {
        let flushed = self.state.receipts.borrow_mut().flush();
        let place = self.state.folder.path().shown();
        let waiting = self.state.receipts.borrow().waiting();
        let waits = flushed.err().map(|error| format!("{waiting} receipts wait for room: {error}"));
        let settled = self.room.settle().err().map(|error| format!("{place}: {error}"));
        say_while(&mut self.room_said, settled.as_deref());
        self.state.health.set("room", settled.or(waits));
    }

    /// `has_changed`: there may be others among the sealed files than at the last look.
    fn look_for_strange_files(&mut self, has_changed: bool) -> io::Result<()> {
        if has_changed || self.strange_sealed.is_none() {
            self.strange_sealed = Some(self.state.folder.strange_sealed()?);
        }
        let mut strange = self.state.folder.strange_above()?;
        strange.extend(self.strange_sealed.iter().flatten().cloned());
        self.state.metrics.strange.set(super::metrics::level(strange.len() as u64));
        let text = strange.first().map(|first| {
            format!(
                "{} names in the ledger are no files of ours, and nobody ships them: {}",
                strange.len(),
                first.shown()
            )
        });
        say_while(&mut self.strange_said, text.as_deref());
        self.state.health.set("strange", text);
        Ok(())
    }

    /// What this process holds is still what the names lead to.
    fn look_for_swaps(&mut self) {
        let state = self.state;
        let place = state.folder.path().shown();
        let watched = state.receipts.borrow_mut().watch(state.folder.dir());
        let changes = state.receipts.borrow_mut().take_disturbed();
        state.metrics.disturbed.inc_by(changes);
        let told = match &watched {
            Ok(false) => Some("somebody removed or replaced it: it is written anew"),
            Ok(true) if changes > 0 => Some(
                "somebody wrote into it or cut it: what has no receipt any more is shipped again",
            ),
            _ => None,
        };
        if let Some(told) = told {
            state.health.note_loss(format!("shipped.jsonl: {told}"));
            tell(&format!("{place}/shipped.jsonl: {told}"));
        }
        let unwatched = watched.err().map(|error| format!("{place}/shipped.jsonl: {error}"));
        say_while(&mut self.receipts_said, unwatched.as_deref());
        state.health.set("receipts", unwatched);
        for swapped in state.folder.swapped().unwrap_or_default() {
            state.metrics.disturbed.inc();
            let told = match swapped {
                Swapped::Lock => match state.folder.retake_lock() {
                    Ok(()) => "ship.lock was removed or replaced, and is locked again".to_owned(),
                    Err(error) => format!("ship.lock was replaced, and cannot be locked: {error}"),
                },
                Swapped::Segments => match state.folder.retake_segments() {
                    Ok(files) => {
                        let _ = state.refresh();
                        format!(
                            "segments/ was removed or replaced: it is made anew, {files} files are back"
                        )
                    }
                    Err(error) => format!("segments/ was removed or replaced: {error}"),
                },
                Swapped::Folder => {
                    let text = "another folder has the ledger's name: what this one still holds is shipped, and the \
                                next start takes the other";
                    state.end_with(format!("{place}: {text}"));
                    text.to_owned()
                }
            };
            tell(&format!("{place}: {told}"));
            state.health.note_loss(told);
        }
    }
}

/// Says what is wrong while it is, once.
fn say_while(once: &mut Once, wrong: Option<&str>) {
    match wrong {
        Some(text) => once.say(text),
        None => drop(once.end()),
    }
}
