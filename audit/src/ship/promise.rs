//! What a store must say about an object before it counts as shipped.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::units::Span;
use crate::store::{Held, LockMode, Retention, SinkUrl};

/// What is asked of the store.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// The store must keep every object for so long, counted from the moment it is read back
    #[arg(long, value_name = "TIME", default_value = "180d")]
    retention: Span,
    /// Be content with GOVERNANCE, which whoever has the right to bypass it can undo
    #[arg(long)]
    allow_governance: bool,
    /// Be content with a store that does not say how it keeps an object, such as gs://
    #[arg(long)]
    allow_unknown_lock: bool,
    /// Ask for this lock with every object, where the bucket's default is not enough (needs --retain)
    #[arg(long, value_enum, value_name = "MODE", requires = "retain")]
    lock_mode: Option<Mode>,
    /// For how long that lock is
    #[arg(long, value_name = "TIME", requires = "lock_mode")]
    retain: Option<Span>,
    /// Yes, --retain is for years that nobody can undo
    #[arg(long)]
    retain_for_years: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Compliance,
    Governance,
}

/// How a store keeps an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// `COMPLIANCE`, `GOVERNANCE`, `immutable` or `unknown`.
    pub(super) mode: String,
    pub(super) until: Option<Timestamp>,
    pub(super) version: Option<String>,
}

const DAY: Duration = Duration::from_secs(86_400);

/// Two years: who means more says so.
const LONG: Duration = Duration::from_secs(2 * 366 * 86_400);

impl Options {
    /// What is asked for makes sense, and is meant.
    pub(super) fn check_sense(&self, url: &SinkUrl) -> Result<(), String> {
        if let Some(Span(retain)) = self.retain {
            if retain < self.retention.0 {
                return Err(format!(
                    "--retain {} asks for a shorter lock than --retention {}, so nothing would ever count as shipped: \
                     make --retain as long, or --retention shorter",
                    days(retain),
                    days(self.retention.0)
                ));
            }
            if retain > LONG && !self.retain_for_years {
                return Err(format!(
                    "--retain {}: a COMPLIANCE lock can be undone by nobody, not by the owner of the account, and the \
                     storage is paid for until then: --retain-for-years says that it is meant",
                    days(retain)
                ));
            }
        }
        let tells_no_lock = matches!(url, SinkUrl::Azure { .. } | SinkUrl::Google { .. });
        if tells_no_lock && !self.allow_unknown_lock {
            return Err(format!(
                "{url}: this store does not say how it keeps an object, so nothing would ever count as shipped: \
                 --allow-unknown-lock is content with that (a lock that it does tell is checked all the same)"
            ));
        }
        Ok(())
    }

    pub(super) fn retention_seconds(&self) -> u64 {
        self.retention.0.as_secs()
    }

    /// The lock that every object asks for itself.
    pub(super) fn explicit(&self) -> Option<Retention> {
        let mode = match self.lock_mode? {
            Mode::Compliance => LockMode::Compliance,
            Mode::Governance => LockMode::Governance,
        };
        let days = self.retain?.0.as_secs().div_ceil(DAY.as_secs());
        Some(Retention { mode, days: u32::try_from(days).unwrap_or(u32::MAX) })
    }

    /// How an object that was written just now is kept, or why that is not enough.
    pub(super) fn check(&self, held: Held, now: Timestamp) -> Result<Kept, String> {
        self.check_since(held, now, now)
    }

    /// The same for an object that was written at some time: its lock began then.
    pub(super) fn check_since(
        &self,
        held: Held,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Kept, String> {
        match held {
            Held::Immutable => {
                Ok(Kept { mode: "immutable".to_owned(), until: None, version: None })
            }
            Held::Locked { version, lock } => {
                if lock.mode == LockMode::Governance && !self.allow_governance {
                    return Err(GOVERNANCE.to_owned());
                }
                self.check_until(lock.until, since, now)?;
                Ok(Kept { mode: lock.mode.to_string(), until: Some(lock.until), version })
            }
            Held::Unlocked { .. } => Err(UNLOCKED.to_owned()),
            Held::Different => Err("something else is under its name".to_owned()),
            Held::Unknown { .. } if self.allow_unknown_lock => {
                Ok(Kept { mode: "unknown".to_owned(), until: None, version: None })
            }
            Held::Unknown { why } => Err(format!(
                "the store does not say how it is kept: {why}; --allow-unknown-lock is content with that"
            )),
        }
    }

    /// A default of 180 days began when the object was written, not when it is read back.
    fn check_until(
        &self,
        until: Timestamp,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), String> {
        let least = SignedDuration::try_from(self.retention.0.saturating_sub(DAY));
        let least = since.saturating_add(least.unwrap_or(SignedDuration::MAX));
        match until >= least.unwrap_or(Timestamp::MAX) && until > now {
            true => Ok(()),
            false => Err(format!(
                "the store keeps it until {until} only: --retention asks for {} days",
                self.retention.0.as_secs() / DAY.as_secs()
            )),
        }
    }
}

fn days(span: Duration) -> String {
    format!("{}d", span.as_secs() / DAY.as_secs())
}

const GOVERNANCE: &str = "its lock is GOVERNANCE, which can be bypassed: set the bucket's default to \
    COMPLIANCE, or be content with it by --allow-governance";
const UNLOCKED: &str = "nothing keeps it from being deleted: the bucket needs Object Lock with a default \
    retention (a folder: a file system with chattr +i and CAP_LINUX_IMMUTABLE)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lock;

    fn options(days: u64, allow_governance: bool) -> Options {
        let retention = Span(DAY * u32::try_from(days).unwrap());
        Options {
            retention,
            allow_governance,
            allow_unknown_lock: false,
            lock_mode: None,
            retain: None,
            retain_for_years: false,
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_shipped() {
        let (s3, gs) = ("s3://bucket/a".parse().unwrap(), "gs://bucket/a".parse().unwrap());
        let check = |retain: Option<u64>, is_meant, allow_unknown_lock, url: &SinkUrl| {
            let retain = retain.map(|days| Span(DAY * u32::try_from(days).unwrap()));
            let options = Options {
                retain,
                retain_for_years: is_meant,
                allow_unknown_lock,
                ..options(180, false)
            };
            options.check_sense(url).is_ok()
        };
        assert!(check(None, false, false, &s3) && check(Some(180), false, false, &s3));
        assert!(!check(Some(179), false, false, &s3), "shorter than --retention");
        assert!(!check(Some(3650), false, false, &s3) && check(Some(3650), true, false, &s3));
        assert!(!check(None, false, false, &gs) && check(None, false, true, &gs));
    }

    #[test]
    fn a_lock_is_measured_from_when_it_began() {
        let days = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        let check = |until, since, now| {
            let lock = Lock { mode: LockMode::Compliance, until: days(until) };
            let held = Held::Locked { version: None, lock };
            options(180, false).check_since(held, days(since), days(now)).is_ok()
        };
        assert!(check(180, 0, 7) && check(179, 0, 7) && check(180, 0, 170));
        assert!(!check(178, 0, 7) && !check(180, 7, 7) && !check(180, 0, 180));
    }

    #[test]
    fn a_store_that_does_not_say_is_borne_only_if_asked_for() {
        let mut options = options(180, false);
        let check = |options: &Options| {
            options.check(Held::Unknown { why: "403".into() }, Timestamp::UNIX_EPOCH)
        };
        assert!(check(&options).is_err());
        options.allow_unknown_lock = true;
        assert_eq!(check(&options).unwrap().mode, "unknown");
        let unlocked = options.check(Held::Unlocked { version: None }, Timestamp::UNIX_EPOCH);
        assert!(unlocked.is_err(), "it did say");
    }

    fn locked(mode: LockMode, days: i64) -> Held {
        let until = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        Held::Locked { version: None, lock: Lock { mode, until } }
    }

    #[test]
    fn only_a_lock_that_is_long_and_hard_enough_counts() {
        use LockMode::{Compliance, Governance};
        for (held, allow_governance, is_kept) in [
            (locked(Compliance, 180), false, true),
            (locked(Compliance, 179), false, true),
            (locked(Compliance, 178), false, false),
            (locked(Governance, 180), false, false),
            (locked(Governance, 180), true, true),
            (locked(Governance, 10), true, false),
            (Held::Immutable, false, true),
            (Held::Unlocked { version: None }, true, false),
            (Held::Different, true, false),
            (Held::Unknown { why: "403".into() }, true, false),
        ] {
            let kept = options(180, allow_governance).check(held.clone(), Timestamp::UNIX_EPOCH);
            assert_eq!(kept.is_ok(), is_kept, "{held:?}");
        }
    }
}
