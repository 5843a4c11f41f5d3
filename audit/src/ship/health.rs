//! Whether entries are on their way: the answer that a gateway's readiness can hang on.
//!
//! It is computed when somebody asks, from moments that the loops note down, so a loop that hangs, whatever it waits
//! for, cannot look healthy.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;

/// What is known now.
#[derive(Debug)]
pub(super) struct Health {
    patience: Duration,
    facts: Mutex<Facts>,
}

#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Whether the keeper has looked at all.
    has_looked: bool,
    /// When each loop last went round.
    beats: BTreeMap<Loop, Instant>,
    pub(super) store: Option<Trouble>,
    pub(super) rotation: Option<Trouble>,
    pub(super) is_at_cap: bool,
    /// Calls would find no room, and the gateway is told to refuse them.
    pub(super) refuses_calls: bool,
    pub(super) local_bytes: u64,
    /// Since when the oldest unconfirmed line waits, and how long it had waited before.
    pub(super) oldest: Option<(Instant, Duration)>,
    /// What is wrong now and is not borne, each under a name.
    wrong: BTreeMap<&'static str, String>,
    /// The last loss.
    lost: Option<(Instant, String)>,
}

/// What goes on side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loop {
    /// Looks after the folder: rotation, room, the gateway.
    Keeper,
    /// Carries segments to the store.
    Shipper,
    /// Asks the store again, and deletes.
    Tidier,
}

impl Loop {
    /// How long one round may take: the keeper waits for no network.
    fn limit(self) -> Duration {
        match self {
            Self::Keeper => Duration::from_secs(20),
            Self::Shipper | Self::Tidier => Duration::from_secs(180),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Keeper => "the look after the folder",
            Self::Shipper => "shipping",
            Self::Tidier => "tidying",
        }
    }
}

/// Something that has failed since a moment.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) since: Instant,
    pub(super) text: String,
}

/// The answer to `/healthz`.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) healthy: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// What the store last answered, if it was no.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// What the last step of a rotation failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<String>,
    oldest_unconfirmed_age_seconds: u64,
    local_bytes: u64,
}

/// A loss is a reason for so long; the counter stays.
const LOSS_SHOWS: Duration = Duration::from_secs(900);
/// Who watches a disk that fills up looks more often than that.
const LEASE: Duration = Duration::from_secs(3);

impl Health {
    /// Trouble is borne for as long as `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        let facts = Facts {
            has_looked: false,
            beats: BTreeMap::from([(Loop::Keeper, Instant::now())]),
            store: None,
            rotation: None,
            is_at_cap: false,
            refuses_calls: false,
            local_bytes: 0,
            oldest: None,
            wrong: BTreeMap::new(),
            lost: None,
        };
        Self { patience, facts: Mutex::new(facts) }
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A loop has gone round.
    pub(super) fn beat(&self, which: Loop) {
        self.note(|facts| {
            facts.has_looked |= which == Loop::Keeper;
            let _ = facts.beats.insert(which, Instant::now());
        });
    }

    /// Something is wrong, or no more.
    pub(super) fn set(&self, what: &'static str, text: Option<String>) {
        self.note(|facts| match text {
            Some(text) => drop(facts.wrong.insert(what, text)),
            None => drop(facts.wrong.remove(what)),
        });
    }

    pub(super) fn note_loss(&self, text: String) {
        self.note(|facts| facts.lost = Some((Instant::now(), text)));
    }

    /// Whether somebody looks after the disk right now, and calls need not be refused for want of room: what a gateway can ask with each call.
    pub(super) fn holds_lease(&self) -> bool {
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = facts.beats.get(&Loop::Keeper);
        facts.has_looked
            && !facts.refuses_calls
            && looked.is_some_and(|looked| looked.elapsed() < LEASE)
    }

    pub(super) fn answer(&self) -> Answer {
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reasons = facts.reasons(self.patience);
        Answer {
            healthy: reasons.is_empty(),
            reasons,
            oldest_unconfirmed_age_seconds: facts.oldest_age().as_secs(),
            local_bytes: facts.local_bytes,
            store: facts.store.map(|trouble| trouble.text),
            rotation: facts.rotation.map(|trouble| trouble.text),
        }
    }
}

impl Facts {
    fn oldest_age(&self) -> Duration {
        self.oldest.map_or(Duration::ZERO, |(since, before)| since.elapsed() + before)
    }

    fn reasons(&self, patience: Duration) -> Vec<String> {
        let lasts = |trouble: &&Trouble| trouble.since.elapsed() >= patience;
        let hangs = self.beats.iter().filter(|(which, beat)| beat.elapsed() >= which.limit());
        let hangs = hangs.map(|(which, beat)| {
            format!("{} hangs: no progress for {} s", which.name(), beat.elapsed().as_secs())
        });
        let lost = self.lost.as_ref().filter(|(at, _)| at.elapsed() < LOSS_SHOWS);
        let reasons = [
            self.is_at_cap.then(|| "the ledger folder is at its cap".to_owned()),
            self.store.as_ref().filter(lasts).map(|trouble| trouble.reason("store")),
            self.rotation.as_ref().filter(lasts).map(|trouble| trouble.reason("rotation")),
            (self.oldest_age() >= patience).then(|| {
                format!("the oldest entry has waited for {} s", self.oldest_age().as_secs())
            }),
            lost.map(|(_, text)| text.clone()),
        ];
        reasons.into_iter().flatten().chain(hangs).chain(self.wrong.values().cloned()).collect()
    }
}

impl Trouble {
    /// The same trouble goes on, or a new one begins.
    pub(super) fn keep(place: &mut Option<Self>, text: Option<String>) {
        *place = text.map(|text| Self {
            since: place.as_ref().map_or_else(Instant::now, |before| before.since),
            text,
        });
    }

    fn reason(&self, what: &str) -> String {
        format!("{what}: failing for {} s: {}", self.since.elapsed().as_secs(), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(patience: Duration, change: impl FnOnce(&mut Facts)) -> usize {
        let health = Health::new(patience);
        health.note(change);
        let answer = health.answer();
        assert_eq!(answer.healthy, answer.reasons.is_empty());
        answer.reasons.len()
    }

    #[test]
    fn trouble_is_borne_for_a_while_and_the_cap_is_not() {
        let trouble = || Some(Trouble { since: Instant::now(), text: "503".into() });
        let (none, long) = (Duration::ZERO, Duration::from_secs(3600));
        assert_eq!(reasons(long, |_| ()), 0);
        assert_eq!(reasons(long, |facts| facts.store = trouble()), 0);
        assert_eq!(reasons(long, |facts| facts.rotation = trouble()), 0);
        assert_eq!(reasons(long, |facts| facts.is_at_cap = true), 1);
        assert_eq!(reasons(long, |facts| facts.oldest = Some((Instant::now(), long))), 1);
        assert_eq!(reasons(none, |facts| facts.store = trouble()), 2);
    }

    #[test]
    fn a_loop_that_hangs_shows_whatever_it_waits_for() {
        let long = Duration::from_secs(3600);
        for which in [Loop::Keeper, Loop::Shipper, Loop::Tidier] {
            let stopped = |facts: &mut Facts| {
                let before = Instant::now().checked_sub(which.limit()).unwrap();
                facts.beats.insert(which, before);
            };
            assert_eq!(reasons(long, stopped), 1, "{which:?}");
        }
    }

    #[test]
    fn a_lease_needs_somebody_who_looks_and_room() {
        let health = Health::new(Duration::from_secs(3600));
        assert!(!health.holds_lease(), "nobody has looked yet");
        health.beat(Loop::Keeper);
        assert!(health.holds_lease());
        health.note(|facts| facts.is_at_cap = true);
        assert!(health.holds_lease(), "the oldest entries make room (--at-cap drop-oldest)");
        health.note(|facts| facts.refuses_calls = true);
        assert!(!health.holds_lease());
        health.note(|facts| facts.refuses_calls = false);
        let before = Instant::now().checked_sub(LEASE).unwrap();
        health.note(|facts| {
            let _ = facts.beats.insert(Loop::Keeper, before);
        });
        assert!(!health.holds_lease());
        health.beat(Loop::Keeper);
        assert!(health.holds_lease());
    }

    #[test]
    fn what_is_wrong_is_a_reason_until_it_is_over_and_a_loss_for_a_while() {
        let long = Duration::from_secs(3600);
        let health = Health::new(long);
        health.set("strange", Some("a link".into()));
        health.note_loss("lost".into());
        assert_eq!(health.answer().reasons.len(), 2);
        health.set("strange", None);
        assert_eq!(health.answer().reasons, ["lost"]);
    }

    #[test]
    fn trouble_that_changes_its_words_is_as_old_as_before() {
        let mut place = None;
        Trouble::keep(&mut place, Some("a".into()));
        let since = place.as_ref().unwrap().since;
        Trouble::keep(&mut place, Some("b".into()));
        let trouble = place.as_ref().unwrap();
        assert_eq!((trouble.since, trouble.text.as_str()), (since, "b"));
        Trouble::keep(&mut place, None);
        assert!(place.is_none());
    }
}
