//! When to try again, when to say something, and when to stop.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::say::tell;

/// Waits that double up to half a minute, no two machines in step.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

impl Backoff {
    /// How long to wait after one more failure: from half of the full wait to all of it.
    pub(super) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        full / 2 + full.mul_f64(random() / 2.0)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn reset(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }
}

/// From 0 to 1.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

/// Says something once, until it changes.
#[derive(Debug, Default)]
pub(super) struct Once {
    said: Option<String>,
}

impl Once {
    pub(super) fn say(&mut self, text: &str) {
        if self.said.as_deref() != Some(text) {
            tell(text);
            self.said = Some(text.to_owned());
        }
    }

    /// It is over; whether it had been said.
    pub(super) fn end(&mut self) -> bool {
        self.said.take().is_some()
    }
}

/// Waits for somebody to say that settings have changed (SIGHUP), again and again.
pub(super) async fn asked_to_reload(reload: impl Fn()) -> std::convert::Infallible {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return std::future::pending().await };
    loop {
        hangup.recv().await;
        reload();
    }
}

/// Waits for somebody to end the process.
pub(super) async fn asked_to_stop() -> std::io::Result<()> {
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_stay() {
        let mut backoff = Backoff::default();
        for full in [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            let wait = backoff.next().as_millis();
            assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
        }
        (0..100).for_each(|_| assert!(backoff.next() <= LONGEST));
        assert!(backoff.next() <= LONGEST);
        assert_eq!((backoff.reset(), backoff.failures()), (110, 0));
    }
}
