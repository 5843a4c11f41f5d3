//! From facts to verdicts. Nothing here asks a store.
//!
//! A status alone proves nothing: servers say yes and do nothing, and no and do it. So an attempt is
//! judged by what was there before and after it.

use jiff::{SignedDuration, Timestamp};

use super::finding::Judgement;
use crate::store::{Lock, LockMode, Retention, s3::Answer};

/// What a store told, or why not.
pub(crate) type Told<T> = Result<T, Answer>;

/// What a version looks like, as far as it may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Locked(Lock),
    Unlocked,
    Gone,
    Unseen(Answer),
}

/// A rule that removes objects some day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    pub(crate) rule: String,
    pub(crate) prefix: String,
    pub(crate) when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Days after an object was written.
    Days(i64),
    /// Days after another version took its place.
    NoncurrentDays(i64),
    /// On a day of the calendar, whatever the age.
    Date,
}

/// How far the clock of the store may be behind this one.
const SLACK: SignedDuration = SignedDuration::from_hours(1);
const OWN: &str = "not needed: each object asks for its own lock";
const LOOK: &str = "allow the look with --auditor-profile";

pub(crate) fn versioning(told: &Told<Option<String>>) -> Judgement {
    match told {
        Ok(Some(status)) if status == "Enabled" => Judgement::holds(""),
        Ok(_) => Judgement::fails("switch versioning on"),
        Err(answer) => unread(answer, "s3:GetBucketVersioning"),
    }
}

/// `rule` is the bucket's default, and `None` without one. `Err` of a store that has no locks is told
/// by its words.
pub(crate) fn lock_enabled(told: &Told<bool>) -> Judgement {
    match told {
        Ok(true) => Judgement::holds(""),
        Ok(false) => Judgement::fails("Object Lock is off: create the bucket anew with it"),
        Err(answer) if answer.says_no_lock() => Judgement::fails(
            "Object Lock is off, or this store has none: create the bucket with it",
        ),
        Err(answer) => unread(answer, "s3:GetBucketObjectLockConfiguration"),
    }
}

pub(crate) fn default_mode(told: &Told<Option<Retention>>, is_own: bool) -> Judgement {
    match told {
        Ok(None) if is_own => Judgement::holds(OWN),
        Ok(Some(Retention { mode: LockMode::Compliance, .. })) => Judgement::holds(""),
        Ok(Some(Retention { mode: LockMode::Governance, .. })) => Judgement::fails(
            "GOVERNANCE: whoever has s3:BypassGovernanceRetention can delete; set COMPLIANCE",
        ),
        Ok(None) => Judgement::fails("no default: what says nothing of its own is not locked"),
        Err(answer) if answer.says_no_lock() => Judgement::fails("no Object Lock, so no default"),
        Err(answer) => unread(answer, "s3:GetBucketObjectLockConfiguration"),
    }
}

pub(crate) fn default_days(
    told: &Told<Option<Retention>>,
    required: u32,
    is_own: bool,
) -> Judgement {
    match told {
        Ok(Some(rule)) if rule.days >= required => Judgement::holds(""),
        Ok(_) if is_own => Judgement::holds(OWN),
        Ok(Some(rule)) => {
            Judgement::fails(format!("{} days are locked, {required} are required", rule.days))
        }
        Ok(None) => Judgement::fails(format!("no default, {required} days are required")),
        Err(answer) if answer.says_no_lock() => Judgement::fails("no Object Lock, so no default"),
        Err(answer) => unread(answer, "s3:GetBucketObjectLockConfiguration"),
    }
}

pub(crate) fn lifecycle(told: &Told<Vec<Expiry>>, prefix: &str, required: u32) -> Judgement {
    let rules = match told {
        Ok(rules) => rules,
        Err(answer) if answer.code() == Some("NoSuchLifecycleConfiguration") => {
            return Judgement::holds("no rule");
        }
        Err(answer) if answer.is_unknown_call() => {
            return Judgement::holds("this store knows no such rules");
        }
        Err(answer) => return unread(answer, "s3:GetLifecycleConfiguration"),
    };
    let early: Vec<_> = rules
        .iter()
        .filter(|rule| rule.reaches(prefix) && rule.is_early(required))
        .map(|rule| format!("rule `{}` {}", rule.rule, rule.when_text()))
        .collect();
    if early.is_empty() {
        return Judgement::holds(format!("{} rules, none too early", rules.len()));
    }
    Judgement::fails(format!("{}: not before day {required}", early.join(", ")))
}

impl Expiry {
    fn reaches(&self, prefix: &str) -> bool {
        let below = format!("{prefix}/");
        let prefix = if prefix.is_empty() { "" } else { &below };
        prefix.starts_with(&self.prefix) || self.prefix.starts_with(prefix)
    }

    fn is_early(&self, required: u32) -> bool {
        match self.when {
            When::Days(days) | When::NoncurrentDays(days) => days < i64::from(required),
            When::Date => true,
        }
    }

    fn when_text(&self) -> String {
        match self.when {
            When::Days(days) => format!("expires what is {days} days old"),
            When::NoncurrentDays(days) => {
                format!("expires older versions {days} days after they were replaced")
            }
            When::Date => "expires everything on a date".to_owned(),
        }
    }
}

/// The lock that the store says to have put on what was written at `written`.
pub(crate) fn canary_lock(state: &State, written: Timestamp, required: u32) -> Judgement {
    let enough = Retention { mode: LockMode::Compliance, days: required }.from(written).until;
    match state {
        State::Locked(Lock { mode: LockMode::Governance, .. }) => Judgement::fails(
            "GOVERNANCE: whoever has s3:BypassGovernanceRetention can delete; set COMPLIANCE",
        ),
        State::Locked(lock) if with_slack(lock.until) >= enough => Judgement::holds(""),
        State::Locked(_) => {
            Judgement::fails(format!("the lock ends before {enough}: {required} days are required"))
        }
        State::Unlocked => Judgement::fails("it was taken without a lock: nothing protects it"),
        State::Gone => Judgement::fails("the store said yes, and the object is not there"),
        State::Unseen(answer) => unread(answer, "s3:GetObjectRetention"),
    }
}

/// An attempt to delete a version or to weaken its lock.
pub(crate) fn attack(attempt: &Told<()>, before: &State, after: &State) -> Judgement {
    if let Some(judgement) = unclear(attempt) {
        return judgement;
    }
    match (before, after) {
        (_, State::Unseen(answer)) => match attempt {
            Ok(()) if !answer.is_forbidden() => {
                Judgement::fails(format!("the store said yes, and then: {answer}"))
            }
            Ok(()) => Judgement::fails("the store said yes, and nobody could look what came of it"),
            Err(_) => Judgement::unproven(format!(
                "refused, but the look afterwards too ({answer}): {LOOK}"
            )),
        },
        (State::Gone | State::Unseen(_), _) => Judgement::unproven("there was nothing to attack"),
        (_, State::Gone) => Judgement::fails("the version is gone"),
        (State::Unlocked, _) => match attempt {
            Ok(()) => Judgement::fails("done, and there was no lock to stop it"),
            Err(_) => {
                Judgement::unproven("refused, but there is no lock that would do it for good")
            }
        },
        (State::Locked(_), State::Unlocked) => Judgement::fails("the lock is gone"),
        (State::Locked(old), State::Locked(new)) if is_weaker(*new, *old) => {
            Judgement::fails(format!("the lock is now {new}, and was {old}"))
        }
        _ if attempt.is_ok() => Judgement::holds("the store said yes, and nothing changed"),
        _ => Judgement::holds(""),
    }
}

/// A store may say any time there is, also the last one.
fn with_slack(until: Timestamp) -> Timestamp {
    until.checked_add(SLACK).unwrap_or(Timestamp::MAX)
}

fn is_weaker(new: Lock, old: Lock) -> bool {
    let is_downgraded = new.mode == LockMode::Governance && old.mode == LockMode::Compliance;
    is_downgraded || new.until < old.until
}

/// A second put under a name that is taken. `is_same` says whether the first version still reads as
/// it was written.
pub(crate) fn overwrite(attempt: &Told<()>, is_same: &Told<bool>) -> Judgement {
    match (attempt, is_same) {
        (_, Ok(false)) => Judgement::fails("the first version reads differently now"),
        (_, Err(answer)) if answer.status() == Some(404) => {
            Judgement::fails("the first version is gone: it was replaced")
        }
        (Ok(()), Ok(true)) => Judgement::holds("a new version; the first one reads as before"),
        (Err(answer), Ok(true)) if answer.is_refusal() => {
            Judgement::holds("refused; the first version reads as before")
        }
        (Err(answer), Ok(true)) => Judgement::unproven(format!("no clear answer: {answer}")),
        (_, Err(answer)) => unread(answer, "s3:GetObjectVersion"),
    }
}

/// A put with `If-None-Match: *` under a name that is taken. No promise hangs on it: a store that
/// ignores it makes one more version.
pub(crate) fn conditional(attempt: &Told<()>) -> Judgement {
    match attempt {
        Err(answer) if matches!(answer.status(), Some(409 | 412)) => {
            Judgement::holds("If-None-Match is honoured: a retry makes no second version")
        }
        Ok(()) => Judgement::holds("If-None-Match is ignored: a retry makes one more version"),
        Err(answer) => Judgement::unproven(format!("no clear answer: {answer}")),
    }
}

/// A delete without a version, which leaves a marker that hides the name.
pub(crate) fn delete_marker(attempt: &Told<()>, after: &State) -> Judgement {
    if let Some(judgement) = unclear(attempt) {
        return judgement;
    }
    match (attempt, after) {
        (_, State::Gone) => Judgement::fails("the object is gone"),
        (Err(_), _) => Judgement::holds(""),
        (Ok(()), State::Unseen(_)) => {
            Judgement::fails("the store said yes, and nobody could look what came of it")
        }
        (Ok(()), _) => Judgement::too_wide(
            "a marker hides the name, the version stays; deny the writer s3:DeleteObject",
        ),
    }
}

/// A put that asks for a weaker lock than the bucket's default. `after` is what it got.
pub(crate) fn own_lock(
    attempt: &Told<()>,
    after: &State,
    written: Timestamp,
    required: u32,
) -> Judgement {
    if let Some(judgement) = unclear(attempt) {
        return judgement;
    }
    if attempt.is_err() {
        return Judgement::holds("");
    }
    match canary_lock(after, written, required).verdict {
        super::finding::Verdict::Holds => Judgement::holds("taken, and locked as the bucket says"),
        super::finding::Verdict::NotProven => Judgement::unproven(format!("taken; {LOOK}")),
        _ => Judgement::too_wide(
            "this writer can store what is locked for less; deny it s3:PutObjectRetention, or bound \
             it in the bucket's policy, and compare the lock of every object",
        ),
    }
}

/// Something that this writer should not be let do. `then` says what it means that it could.
pub(crate) fn forbidden(attempt: &Told<()>, then: &str) -> Judgement {
    match (unclear(attempt), attempt) {
        (Some(judgement), _) => judgement,
        (None, Err(answer)) if answer.status() == Some(404) => Judgement::too_wide(then),
        (None, Err(answer)) if answer.is_forbidden() => Judgement::holds(""),
        (None, Err(_)) => Judgement::unproven("refused, but not for want of a right"),
        (None, Ok(())) => Judgement::too_wide(then),
    }
}

/// A setting that is put as it is: whoever may do that may put another one.
pub(crate) fn not_settable(attempt: &Told<()>, then: &str) -> Judgement {
    match attempt {
        Err(answer) if answer.is_unknown_call() => Judgement::holds(UNKNOWN_CALL),
        _ => forbidden(attempt, then),
    }
}

/// As [`unread`], of what not every store has.
pub(crate) fn unread_setting(answer: &Answer, action: &str) -> Judgement {
    match answer.is_unknown_call() {
        true => Judgement::holds(UNKNOWN_CALL),
        false => unread(answer, action),
    }
}

const UNKNOWN_CALL: &str = "this store knows no such call";

/// The certificates that the machine came with.
pub(crate) const SYSTEM: &str = "system";

/// Whether every answer came from whom the certificate names.
pub(crate) fn encrypted(is_encrypted: Option<bool>, trusts: Option<&str>) -> Judgement {
    match (is_encrypted, trusts) {
        (Some(true), Some(trusts)) if trusts != SYSTEM => Judgement::holds(format!(
            "the certificate is one of {trusts}: as far as its holder is trusted"
        )),
        (Some(true), _) => Judgement::holds(""),
        _ => Judgement::unproven(
            "plain HTTP: whoever is on the way can answer in the store's place; ask over TLS",
        ),
    }
}

/// Versioning off, in a bucket with Object Lock.
pub(crate) fn suspend(attempt: &Told<()>, after: &Told<Option<String>>) -> Judgement {
    match (unclear(attempt), attempt, after) {
        (Some(judgement), ..) => judgement,
        (None, Err(_), _) => Judgement::holds(""),
        (None, Ok(()), Ok(Some(status))) if status == "Enabled" => {
            Judgement::holds("the store said yes, and versioning is still on")
        }
        (None, Ok(()), _) => Judgement::fails(
            "versioning was suspended in spite of the lock, and was switched on again",
        ),
    }
}

/// A put whose checksum is not that of its bytes.
pub(crate) fn wrong_checksum(attempt: &Told<()>) -> Judgement {
    match attempt {
        Ok(()) => Judgement::unproven("the store does not compare SHA-256"),
        Err(answer) if answer.status() == Some(403) => {
            Judgement::unproven("refused for another reason")
        }
        Err(answer) if answer.is_refusal() => Judgement::holds(""),
        Err(answer) => Judgement::unproven(format!("no clear answer: {answer}")),
    }
}

/// Bytes that changed after they were signed, at a store that does not compare the SHA-256 beside them.
pub(crate) fn tampered(attempt: &Told<()>, after: &State) -> Judgement {
    let by = "by the signature, which covers the bytes; the SHA-256 beside them is not compared";
    match attempt {
        Ok(()) => Judgement::unproven(
            "the store compares neither SHA-256 nor what was signed: bytes that change on the way are not \
             caught, so use TLS to the store itself",
        ),
        Err(answer) if answer.status() == Some(400) || answer.blames_the_caller() => {
            Judgement::holds(by)
        }
        Err(answer) if answer.status() >= Some(500) && *after == State::Gone => {
            Judgement::holds(format!("twice an error of its own, and nothing is stored: {by}"))
        }
        Err(answer) => Judgement::unproven(format!("no clear answer: {answer}")),
    }
}

/// Neither done nor refused: a time limit, a server's own error, a call that it does not know.
fn unclear(attempt: &Told<()>) -> Option<Judgement> {
    match attempt {
        Err(answer) if answer.is_unknown_call() => {
            Some(Judgement::unproven("the store does not know this call"))
        }
        Err(answer) if !answer.is_refusal() => {
            Some(Judgement::unproven(format!("no clear answer: {answer}")))
        }
        _ => None,
    }
}

pub(crate) fn unread(answer: &Answer, action: &str) -> Judgement {
    if answer.is_forbidden() {
        return Judgement::unproven(format!(
            "may not be read: name who has {action} by --auditor-profile"
        ));
    }
    if answer.is_unknown_call() {
        return Judgement::unproven("the store does not know this call");
    }
    Judgement::unproven(format!("no clear answer: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::Verdict::{self, DoesNotHold, Holds, NotProven, TooWide},
        *,
    };
    use crate::store::s3::Trouble;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn lock(mode: LockMode, until: &str) -> State {
        State::Locked(Lock { mode, until: time(until) })
    }

    fn kept() -> State {
        lock(LockMode::Compliance, "2027-05-20T10:00:00Z")
    }

    fn denied() -> Answer {
        Answer::new(403, "AccessDenied")
    }

    fn late() -> Answer {
        Answer::of_trouble(Trouble::Timeout)
    }

    #[test]
    fn versioning_is_on_or_it_does_not_hold() {
        for (told, verdict) in [
            (Ok(Some("Enabled".to_owned())), Holds),
            (Ok(Some("Suspended".to_owned())), DoesNotHold),
            (Ok(None), DoesNotHold),
            (Err(denied()), NotProven),
            (Err(late()), NotProven),
        ] {
            assert_eq!(versioning(&told).verdict, verdict, "{told:?}");
        }
    }

    #[test]
    fn a_store_without_locks_is_no_unproven_one() {
        for (told, verdict) in [
            (Ok(true), Holds),
            (Ok(false), DoesNotHold),
            (Err(Answer::new(404, "ObjectLockConfigurationNotFoundError")), DoesNotHold),
            (Err(Answer::new(501, "NotImplemented")), DoesNotHold),
            (Err(denied()), NotProven),
        ] {
            assert_eq!(lock_enabled(&told).verdict, verdict, "{told:?}");
        }
    }

    #[test]
    fn the_default_is_long_enough_and_compliance() {
        let rule = |mode, days| Ok(Some(Retention { mode, days }));
        for (told, mode, days) in [
            (rule(LockMode::Compliance, 180), Holds, Holds),
            (rule(LockMode::Compliance, 179), Holds, DoesNotHold),
            (rule(LockMode::Governance, 365), DoesNotHold, Holds),
            (Ok(None), DoesNotHold, DoesNotHold),
            (Err(denied()), NotProven, NotProven),
        ] {
            assert_eq!(default_mode(&told, false).verdict, mode, "{told:?}");
            assert_eq!(default_days(&told, 180, false).verdict, days, "{told:?}");
        }
        let governance = default_mode(&rule(LockMode::Governance, 365), false).note;
        assert!(governance.contains("s3:BypassGovernanceRetention"), "{governance}");
    }

    #[test]
    fn a_default_is_not_needed_where_each_object_asks_for_its_own_lock() {
        assert_eq!(default_mode(&Ok(None), true).verdict, Holds);
        assert_eq!(default_days(&Ok(None), 180, true).verdict, Holds);
        let short = Ok(Some(Retention { mode: LockMode::Compliance, days: 1 }));
        assert_eq!(default_days(&short, 180, true).verdict, Holds);
    }

    #[test]
    fn a_rule_that_expires_early_is_found_where_it_reaches_the_prefix() {
        let rule = |prefix: &str, when| Expiry { rule: "r".into(), prefix: prefix.into(), when };
        for (rule, verdict) in [
            (rule("", When::Days(179)), DoesNotHold),
            (rule("", When::Days(180)), Holds),
            (rule("", When::NoncurrentDays(30)), DoesNotHold),
            (rule("", When::NoncurrentDays(181)), Holds),
            (rule("", When::Date), DoesNotHold),
            (rule("egress/", When::Days(1)), DoesNotHold),
            (rule("egr", When::Days(1)), DoesNotHold),
            (rule("egress/2026/", When::Days(1)), DoesNotHold),
            (rule("egress-other/", When::Days(1)), Holds),
            (rule("tmp/", When::Days(1)), Holds),
        ] {
            let told = Ok(vec![rule.clone()]);
            assert_eq!(lifecycle(&told, "egress", 180).verdict, verdict, "{rule:?}");
        }
        let none = Err(Answer::new(404, "NoSuchLifecycleConfiguration"));
        assert_eq!(lifecycle(&none, "egress", 180).verdict, Holds);
        assert_eq!(lifecycle(&Err(denied()), "egress", 180).verdict, NotProven);
        let unknown = Err(Answer::new(501, "NotImplemented"));
        assert_eq!(lifecycle(&unknown, "egress", 180).verdict, Holds);
        let everywhere = Ok(vec![rule("tmp/", When::Days(1))]);
        assert_eq!(lifecycle(&everywhere, "", 180).verdict, DoesNotHold);
    }

    #[test]
    fn the_canary_is_locked_as_long_as_promised() {
        let written = time("2026-11-21T10:00:00Z");
        for (state, verdict) in [
            (kept(), Holds),
            (lock(LockMode::Compliance, "2027-05-20T09:00:00Z"), Holds),
            (lock(LockMode::Compliance, "2027-05-20T08:59:59Z"), DoesNotHold),
            (lock(LockMode::Governance, "2028-01-01T00:00:00Z"), DoesNotHold),
            (State::Unlocked, DoesNotHold),
            (State::Gone, DoesNotHold),
            (State::Unseen(denied()), NotProven),
        ] {
            assert_eq!(canary_lock(&state, written, 180).verdict, verdict, "{state:?}");
        }
    }

    #[test]
    fn an_attack_is_judged_by_what_it_left() {
        let governed = lock(LockMode::Governance, "2027-05-20T10:00:00Z");
        let shorter = lock(LockMode::Compliance, "2026-11-22T10:00:00Z");
        let longer = lock(LockMode::Compliance, "2028-05-20T10:00:00Z");
        for (attempt, before, after, verdict) in [
            (Err(denied()), kept(), kept(), Holds),
            (Ok(()), kept(), kept(), Holds),
            (Ok(()), kept(), longer, Holds),
            (Err(denied()), kept(), State::Gone, DoesNotHold),
            (Ok(()), kept(), State::Gone, DoesNotHold),
            (Ok(()), kept(), shorter.clone(), DoesNotHold),
            (Err(denied()), kept(), shorter, DoesNotHold),
            (Ok(()), kept(), governed, DoesNotHold),
            (Ok(()), kept(), State::Unlocked, DoesNotHold),
            (Ok(()), State::Unlocked, State::Unlocked, DoesNotHold),
            (Err(denied()), State::Unlocked, State::Unlocked, NotProven),
            (Err(denied()), kept(), State::Unseen(denied()), NotProven),
            (Ok(()), kept(), State::Unseen(denied()), DoesNotHold),
            (Err(late()), kept(), kept(), NotProven),
            (Err(Answer::new(501, "NotImplemented")), kept(), kept(), NotProven),
        ] {
            let judgement = attack(&attempt, &before, &after);
            assert_eq!(judgement.verdict, verdict, "{attempt:?} {before:?} {after:?}");
        }
    }

    #[test]
    fn an_overwrite_leaves_the_first_version() {
        for (attempt, is_same, verdict) in [
            (Ok(()), Ok(true), Holds),
            (Err(Answer::new(412, "PreconditionFailed")), Ok(true), Holds),
            (Err(denied()), Ok(true), Holds),
            (Ok(()), Ok(false), DoesNotHold),
            (Err(denied()), Ok(false), DoesNotHold),
            (Ok(()), Err(Answer::new(404, "NoSuchVersion")), DoesNotHold),
            (Ok(()), Err(denied()), NotProven),
            (Err(late()), Ok(true), NotProven),
        ] {
            assert_eq!(overwrite(&attempt, &is_same).verdict, verdict, "{attempt:?} {is_same:?}");
        }
    }

    #[test]
    fn a_right_that_is_not_needed_is_too_wide() {
        for (attempt, verdict) in [
            (Ok(()), TooWide),
            (Err(Answer::new(404, "NoSuchKey")), TooWide),
            (Err(denied()), Holds),
            (Err(Answer::new(400, "InvalidRequest")), NotProven),
            (Err(late()), NotProven),
            (Err(Answer::new(501, "NotImplemented")), NotProven),
        ] {
            assert_eq!(forbidden(&attempt, "").verdict, verdict, "{attempt:?}");
        }
    }

    #[test]
    fn a_marker_is_no_loss_and_no_good_right_either() {
        for (attempt, after, verdict) in [
            (Ok(()), kept(), TooWide),
            (Err(denied()), kept(), Holds),
            (Ok(()), State::Gone, DoesNotHold),
            (Ok(()), State::Unseen(denied()), DoesNotHold),
            (Err(denied()), State::Unseen(denied()), Holds),
        ] {
            assert_eq!(delete_marker(&attempt, &after).verdict, verdict, "{attempt:?} {after:?}");
        }
    }

    #[test]
    fn a_lock_of_its_own_is_no_weaker_one() {
        let written = time("2026-11-21T10:00:00Z");
        let short = lock(LockMode::Compliance, "2026-11-22T10:00:00Z");
        let judge = |attempt, after: State| own_lock(&attempt, &after, written, 180).verdict;
        let cases: [(Verdict, Verdict); 4] = [
            (judge(Err(denied()), State::Gone), Holds),
            (judge(Ok(()), short), TooWide),
            (judge(Ok(()), kept()), Holds),
            (judge(Ok(()), State::Unseen(denied())), NotProven),
        ];
        cases.into_iter().for_each(|(seen, verdict)| assert_eq!(seen, verdict));
    }

    #[test]
    fn versioning_that_can_be_suspended_under_a_lock_does_not_hold() {
        let on = || Ok(Some("Enabled".to_owned()));
        let off = || Ok(Some("Suspended".to_owned()));
        assert_eq!(suspend(&Err(Answer::new(409, "InvalidBucketState")), &on()).verdict, Holds);
        assert_eq!(suspend(&Ok(()), &on()).verdict, Holds);
        assert_eq!(suspend(&Ok(()), &off()).verdict, DoesNotHold);
    }

    #[test]
    fn a_wrong_checksum_is_refused_for_that_reason() {
        assert_eq!(wrong_checksum(&Err(Answer::new(400, "BadDigest"))).verdict, Holds);
        assert_eq!(wrong_checksum(&Err(denied())).verdict, NotProven);
        assert_eq!(wrong_checksum(&Ok(())).verdict, NotProven);
        for (code, verdict) in [
            ((400, "XAmzContentSHA256Mismatch"), Holds),
            ((403, "SignatureDoesNotMatch"), Holds),
            ((403, "AccessDenied"), NotProven),
            ((500, "InternalError"), Holds),
        ] {
            let told = Err(Answer::new(code.0, code.1));
            assert_eq!(tampered(&told, &State::Gone).verdict, verdict, "{code:?}");
        }
        let told = Err(Answer::new(500, "InternalError"));
        assert_eq!(tampered(&told, &State::Unlocked).verdict, NotProven, "it is there");
        assert_eq!(tampered(&Ok(()), &State::Gone).verdict, NotProven);
    }

    #[test]
    fn a_setting_that_can_be_put_is_a_right_too_many_and_plain_http_proves_nothing() {
        use super::super::finding::Verdict::{Holds, NotProven, TooWide};
        for (told, verdict) in [
            (Ok(()), TooWide),
            (Err(Answer::new(403, "AccessDenied")), Holds),
            (Err(Answer::new(501, "NotImplemented")), Holds),
            (Err(Answer::new(400, "MalformedPolicy")), NotProven),
            (Err(Answer::new(503, "SlowDown")), NotProven),
        ] {
            assert_eq!(not_settable(&told, "deny it").verdict, verdict, "{told:?}");
        }
        for (tls, verdict) in [(Some(true), Holds), (Some(false), NotProven), (None, NotProven)] {
            assert_eq!(encrypted(tls, Some("system")).verdict, verdict);
        }
        assert!(encrypted(Some(true), Some("AWS_CA_BUNDLE")).note.contains("AWS_CA_BUNDLE"));
    }
}
