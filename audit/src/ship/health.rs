//! Whether entries are on their way: the answer that a gateway's readiness can hang on.
//!
//! It is computed when somebody asks, from moments that the shipper notes down, so a shipper that
//! hangs cannot look healthy.

use std::{
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
    /// When the shipper last looked after its folder.
    pub(super) alive: Instant,
    pub(super) store: Option<Trouble>,
    pub(super) rotation: Option<Trouble>,
    pub(super) is_at_cap: bool,
    pub(super) local_bytes: u64,
    /// Since when the oldest unconfirmed line waits, and how long it had waited before.
    pub(super) oldest: Option<(Instant, Duration)>,
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

/// A shipper that does not look after its folder for so long hangs.
const HANGS: Duration = Duration::from_secs(60);

impl Health {
    /// Trouble is borne for as long as `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        let facts = Facts {
            alive: Instant::now(),
            store: None,
            rotation: None,
            is_at_cap: false,
            local_bytes: 0,
            oldest: None,
        };
        Self { patience, facts: Mutex::new(facts) }
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
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
        let reasons = [
            self.is_at_cap.then(|| "the ledger folder is at its cap".to_owned()),
            (self.alive.elapsed() >= HANGS).then(|| "the shipper hangs".to_owned()),
            self.store.as_ref().filter(lasts).map(|trouble| trouble.reason("store")),
            self.rotation.as_ref().filter(lasts).map(|trouble| trouble.reason("rotation")),
            (self.oldest_age() >= patience).then(|| {
                format!("the oldest entry has waited for {} s", self.oldest_age().as_secs())
            }),
        ];
        reasons.into_iter().flatten().collect()
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
