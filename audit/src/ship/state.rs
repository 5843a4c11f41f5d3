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
    rotation::Notice,
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
    /// The last one that was looked at, of those that are not confirmed.
    looked_at: RefCell<String>,
    was_turn_of_aside: Cell<bool>,
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
    /// What could not be read, or was refused again and again, since when and why.
    aside: BTreeMap<String, (Instant, String)>,
}

/// What somebody has done to a sealed file.
struct Change {
    /// How many of its bytes are not there any more, or may be others.
    gone: u64,
    is_the_same_file: bool,
    text: String,
}

impl Change {
    fn between(before: &Stamped, now: &Stamped) -> Self {
        let is_the_same_file = before.mark.inode == now.mark.inode;
        let (gone, text) = match (is_the_same_file, before.len, now.len) {
            (false, ..) => (before.len, "somebody put another file in its place".to_owned()),
            (true, was, is) if is < was => {
                (was - is, format!("somebody cut {} bytes off its end", was - is))
            }
            (true, was, is) if is > was => {
                (0, format!("somebody added {} bytes, which are shipped, too", is - was))
            }
            _ => {
                (0, "somebody wrote to it, or touched it; what stands there is shipped".to_owned())
            }
        };
        Self { gone, is_the_same_file, text }
    }
}

/// What was put aside is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// How many files are looked at for a change in themselves each time.
const AT_A_LOOK: usize = 1000;
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
            looked_at: RefCell::default(),
            was_turn_of_aside: Cell::new(true),
            is_stopping: Cell::new(false),
            end: RefCell::default(),
        }
    }

    /// Looks for sealed files anew: what came, and what somebody took away, cut or replaced.
    pub(super) fn refresh(&self) -> io::Result<()> {
        self.changed.set(self.folder.segments_changed().ok());
        let found: BTreeMap<_, _> =
            self.folder.sealed()?.into_iter().map(|file| (file.stamp.clone(), file)).collect();
        let is_gone = |file: &&Stamped| !found.contains_key(&file.stamp);
        let gone: Vec<_> = self.files.borrow().values().filter(is_gone).cloned().collect();
        gone.iter().for_each(|file| self.vanish(file));
        found.into_values().for_each(|file| self.take_up(file));
        self.scanned.set(Instant::now());
        Ok(())
    }

    /// Looks at some of those that are not confirmed, in turn: what happens inside a file changes nothing in its folder.
    pub(super) fn look_at_backlog(&self) -> io::Result<()> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = self.looked_at.take();
        let backlog = self.backlog.borrow();
        let behind = backlog.rest.range::<str, _>((Excluded(from.as_str()), Unbounded));
        let stamps: Vec<_> = behind.map(|(stamp, _)| stamp.clone()).take(AT_A_LOOK).collect();
        drop(backlog);
        for stamp in &stamps {
            match self.folder.sealed_now(stamp)? {
                Some(file) => self.take_up(file),
                None => return self.refresh(),
            }
        }
        // From the first one again after the last.
        let last = stamps.last().filter(|_| stamps.len() == AT_A_LOOK);
        self.looked_at.replace(last.cloned().unwrap_or_default());
        Ok(())
    }

    /// A file as it is now: a new one, or one that was here before and may be another since.
    pub(super) fn take_up(&self, file: Stamped) {
        let before = self.files.borrow().get(&file.stamp).cloned();
        let Some(before) = before.filter(|before| *before != file) else {
            if !self.has_sealed(&file) {
                self.add(file);
            }
            return;
        };
        let change = Change::between(&before, &file);
        let unshipped = self.rest(&before.stamp).min(change.gone);
        self.metrics.disturbed.inc();
        match unshipped {
            0 => {
                let text = format!("{}: {}", before.path.shown(), change.text);
                self.health.note_loss(text.clone());
                tell(&text);
            }
            bytes => {
                let what = format!("segments/{}", before.name());
                self.lose(&what, bytes, &format!("{} before it was shipped", change.text));
            }
        }
        if !change.is_the_same_file {
            self.receipts.borrow_mut().forget(&before.name());
        }
        self.add(file);
    }

    /// The same, if anything has changed there since, or might have; whether it was looked for.
    pub(super) fn refresh_if_changed(&self) -> io::Result<bool> {
        let changed = self.folder.segments_changed()?;
        match self.changed.get() == Some(changed) && self.scanned.get().elapsed() < SCAN {
            true => Ok(false),
            false => self.refresh().map(|()| true),
        }
    }

    /// What changed in the folder just now was done by this process.
    pub(super) fn note_own_change(&self) {
        self.changed.set(self.folder.segments_changed().ok());
    }

    /// A file was sealed, or found. What has receipts is not shipped again, and confirmed once the store was asked.
    pub(super) fn add(&self, file: Stamped) {
        let end = self.receipts.borrow().end(&file.name()).min(file.len);
        let confirmed = self.receipts.borrow().asked_end(&file.name()).min(file.len);
        let before = self.files.borrow_mut().insert(file.stamp.clone(), file.clone());
        let before = before.map_or(0, |before| before.len);
        self.bytes.set(self.bytes.get().saturating_sub(before).saturating_add(file.len));
        self.set_rest(&file.stamp, file.len.saturating_sub(confirmed));
        if end < file.len {
            self.backlog.borrow_mut().queue.insert(file.stamp.clone(), end);
        }
    }

    /// Nobody is at any segment any more: what has no receipt is to be shipped, whoever was at it.
    pub(super) fn queue_all(&self) {
        let mut backlog = self.backlog.borrow_mut();
        let Backlog { rest, queue, aside, .. } = &mut *backlog;
        for stamp in rest.keys().filter(|stamp| !aside.contains_key(*stamp)) {
            let files = self.files.borrow();
            let Some(file) = files.get(stamp) else { continue };
            let end = self.receipts.borrow().end(&file.name());
            if end < file.len {
                queue.insert(stamp.clone(), end);
            }
        }
    }

    /// Whether something is not confirmed.
    pub(super) fn has_rest(&self) -> bool {
        !self.backlog.borrow().rest.is_empty()
    }

    /// Whether a segment waits for somebody to ship it.
    pub(super) fn has_segments(&self) -> bool {
        !self.backlog.borrow().queue.is_empty()
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

    /// Says, counts and writes down what must not happen to a ledger, and has.
    pub(super) fn note(&self, notice: &Notice) {
        match notice {
            Notice::Cut { name, bytes } => self.lose(name, *bytes, "somebody cut it off"),
            Notice::Given { name, bytes, why } => self.lose(name, *bytes, why),
            Notice::Stolen { name, .. } => {
                self.metrics.disturbed.inc();
                self.health.note_loss(format!("{name} was removed, renamed or replaced"));
                tell(&format!("{}: {notice}", self.folder.path().shown()));
            }
            Notice::Rescued { .. } | Notice::Aside { .. } => {
                tell(&format!("{}: {notice}", self.folder.path().shown()));
            }
        }
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
        receipts.last_at(&file.name()).filter(|_| receipts.asked_end(&file.name()) >= file.len)
    }

    /// The oldest segment that nobody is at: its file, and where it begins. What was put aside has every other turn.
    pub(super) fn next_segment(&self) -> Option<(Stamped, u64)> {
        let is_turn_of_aside = !self.was_turn_of_aside.get();
        self.was_turn_of_aside.set(is_turn_of_aside);
        match is_turn_of_aside {
            true => self.next_aside().or_else(|| self.next_queued()),
            false => self.next_queued().or_else(|| self.next_aside()),
        }
    }

    fn next_queued(&self) -> Option<(Stamped, u64)> {
        let (stamp, start) = self.backlog.borrow_mut().queue.pop_first()?;
        Some((self.files.borrow().get(&stamp)?.clone(), start))
    }

    fn next_aside(&self) -> Option<(Stamped, u64)> {
        let mut backlog = self.backlog.borrow_mut();
        let due = |(_, (since, _)): &(&String, &(Instant, String))| since.elapsed() >= AGAIN;
        let stamp = backlog.aside.iter().find(due).map(|(stamp, _)| stamp.clone())?;
        backlog.aside.remove(&stamp);
        backlog.queue.remove(&stamp);
        let file = self.files.borrow().get(&stamp)?.clone();
        let start = self.receipts.borrow().end(&file.name());
        Some((file, start))
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
            let end = self.receipts.borrow().asked_end(&file.name());
            self.set_rest(&file.stamp, file.len.saturating_sub(end));
        }
    }

    /// A file that cannot be read, or that the store refuses, does not hold up the others.
    pub(super) fn set_aside(&self, file: &Stamped, why: String) {
        self.backlog.borrow_mut().aside.insert(file.stamp.clone(), (Instant::now(), why));
    }

    /// Files that were put aside, and why.
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

    /// `refuses_calls`: because it is full, the gateway is told to.
    pub(super) fn note_room(&self, local: u64, free: u64, is_full: bool, refuses_calls: bool) {
        self.metrics.local.set(level(local));
        self.metrics.free.set(level(free));
        self.metrics.at_cap.set(i64::from(is_full));
        self.health.note(|facts| {
            (facts.is_at_cap, facts.local_bytes) = (is_full, local);
            facts.refuses_calls = refuses_calls;
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
                format!("{} sealed files are put aside: {why}", backlog.aside.len())
            });
        self.health.set("aside", aside);
        self.health.beat(Loop::Keeper);
        self.health.note(|facts| facts.oldest = oldest.map(|age| (Instant::now(), age)));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::bed::{Bed, entries};

    const A: &str = "20261121T110000.000000Z";

    type Hurt = fn(&std::path::Path);

    /// What is told when a sealed file is hurt that nobody has shipped: losses, and bytes of them.
    #[test]
    fn a_sealed_file_that_is_cut_or_replaced_unshipped_is_a_loss_that_is_said() {
        let len = entries(0..5).len() as u64;
        let hurts: [(&str, Hurt, u64, u64); 6] = [
            ("emptied", |at| fs::write(at, "").unwrap(), 1, len),
            (
                "cut",
                |at| fs::OpenOptions::new().write(true).open(at).unwrap().set_len(10).unwrap(),
                1,
                len - 10,
            ),
            (
                "replaced by a shorter one",
                |at| {
                    fs::write(at.with_extension("x"), "x\n").unwrap();
                    fs::rename(at.with_extension("x"), at).unwrap();
                },
                1,
                len,
            ),
            (
                "replaced by one as long",
                |at| {
                    fs::write(at.with_extension("x"), entries(5..10)).unwrap();
                    fs::rename(at.with_extension("x"), at).unwrap();
                },
                1,
                len,
            ),
            ("added to", |at| fs::write(at, entries(0..6)).unwrap(), 0, 0),
            ("touched", |at| fs::write(at, entries(0..5)).unwrap(), 0, 0),
        ];
        for (what, hurt, losses, bytes) in hurts {
            let bed = Bed::new();
            fs::write(bed.sealed(A), entries(0..5)).unwrap();
            bed.with(&[], async |made| {
                let state = made.state;
                state.look_at_backlog().unwrap();
                assert_eq!((state.metrics.losses.get(), state.metrics.disturbed.get()), (0, 0));
                hurt(&bed.sealed(A));
                state.look_at_backlog().unwrap();
                state.look_at_backlog().unwrap();
                let told = (state.metrics.losses.get(), state.metrics.lost_bytes.get());
                assert_eq!(told, (losses, bytes), "{what}");
                assert_eq!(state.metrics.disturbed.get(), 1, "{what}");
                let file = state.file(A).unwrap();
                assert_eq!(file.len, bed.sealed(A).metadata().unwrap().len(), "{what}");
            });
            let receipts = fs::read_to_string(bed.receipts()).unwrap();
            assert_eq!(receipts.contains("\"lost\""), losses > 0, "{what}");
        }
    }

    #[test]
    fn what_is_there_now_is_shipped() {
        let Some(bed) = Bed::protected() else { return };
        fs::write(bed.sealed(A), entries(0..5)).unwrap();
        bed.with(&[], async |made| {
            fs::write(bed.sealed(A), entries(0..7)).unwrap();
            assert_eq!(super::super::once::ship_all(&made.shipper, 4).await, None);
            assert_eq!(made.shipper.done().entries, 7);
            assert!(!made.state.has_rest());
        });
    }

    #[test]
    fn what_others_were_at_is_queued_again() {
        let bed = Bed::new();
        fs::write(bed.sealed(A), entries(0..5)).unwrap();
        bed.with(&[], async |made| {
            assert!(made.state.next_segment().is_some());
            assert!(made.state.next_segment().is_none());
            made.state.queue_all();
            assert_eq!(
                made.state.next_segment().map(|(file, at)| (file.stamp, at)),
                Some((A.into(), 0))
            );
        });
    }

    #[test]
    fn what_was_put_aside_and_what_is_new_have_their_turns() {
        let bed = Bed::new();
        for number in 0..6 {
            fs::write(bed.sealed(&format!("20261121T11000{number}.000000Z")), entries(0..5))
                .unwrap();
        }
        bed.with(&[], async |made| {
            let state = made.state;
            let long_ago = std::time::Instant::now().checked_sub(super::AGAIN).unwrap();
            for _ in 0..3 {
                let (file, _) = state.next_segment().unwrap();
                state.set_aside(&file, "refused".into());
            }
            state.backlog.borrow_mut().aside.values_mut().for_each(|(since, _)| *since = long_ago);
            let next: String = (0..6)
                .map(|_| state.next_segment().unwrap().0.stamp.as_bytes()[14] as char)
                .collect();
            let mut sorted: Vec<_> = next.chars().collect();
            sorted.sort_unstable();
            assert_eq!(sorted, ['0', '1', '2', '3', '4', '5'], "{next}");
            assert!(
                next[..2].contains(['3', '4', '5']) && next[..2].contains(['0', '1', '2']),
                "{next}"
            );
        });
    }
}
