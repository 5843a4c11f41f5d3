//! Locks as S3 writes them, and as we do.

use aws_sdk_s3::{
    config::http::HttpResponse,
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput},
    primitives::DateTime,
    types::{DefaultRetention, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode},
};
use jiff::Timestamp;

use super::super::{Lock, LockMode, Retention};

/// As far as the headers tell: without `s3:GetObjectRetention` Amazon leaves them out.
pub(crate) fn lock_of_head(head: &HeadObjectOutput) -> Option<Lock> {
    let mode = mode(head.object_lock_mode()?.as_str())?;
    Some(Lock { mode, until: time(head.object_lock_retain_until_date()?)? })
}

/// The same, of an answer with the object itself.
pub(crate) fn lock_of_get(got: &GetObjectOutput) -> Option<Lock> {
    let mode = mode(got.object_lock_mode()?.as_str())?;
    Some(Lock { mode, until: time(got.object_lock_retain_until_date()?)? })
}

pub(crate) fn lock_of_retention(retention: &ObjectLockRetention) -> Option<Lock> {
    let mode = mode(retention.mode()?.as_str())?;
    Some(Lock { mode, until: time(retention.retain_until_date()?)? })
}

/// A lock in a document that is right but for its name, which the client does not read: versitygw
/// calls it `ObjectLockRetention`.
pub(crate) fn lock_of_stray(answer: &HttpResponse) -> Option<Lock> {
    let text = std::str::from_utf8(answer.body().bytes()?).ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let until = between(text, "<RetainUntilDate>", "</RetainUntilDate>")?.parse().ok()?;
    Some(Lock { mode: mode(between(text, "<Mode>", "</Mode>")?)?, until })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// A bucket's default. A year counts 365 days, as Amazon counts it at least.
pub(crate) fn lock_of_rule(rule: &DefaultRetention) -> Option<Retention> {
    let days = match (rule.days(), rule.years()) {
        (Some(days), _) => u32::try_from(days).ok()?,
        (None, Some(years)) => u32::try_from(years).ok()?.checked_mul(365)?,
        (None, None) => return None,
    };
    Some(Retention { mode: mode(rule.mode()?.as_str())?, days })
}

pub(crate) fn s3_mode(mode: LockMode) -> ObjectLockMode {
    match mode {
        LockMode::Compliance => ObjectLockMode::Compliance,
        LockMode::Governance => ObjectLockMode::Governance,
    }
}

pub(crate) fn s3_retention(lock: Lock) -> ObjectLockRetention {
    let mode = match lock.mode {
        LockMode::Compliance => ObjectLockRetentionMode::Compliance,
        LockMode::Governance => ObjectLockRetentionMode::Governance,
    };
    ObjectLockRetention::builder().mode(mode).retain_until_date(s3_time(lock.until)).build()
}

/// To the second: servers cut finer times off, or refuse them.
pub(crate) fn s3_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_second())
}

fn mode(text: &str) -> Option<LockMode> {
    text.parse().ok()
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> aws_sdk_s3::types::builders::DefaultRetentionBuilder {
        DefaultRetention::builder().mode(ObjectLockRetentionMode::Compliance)
    }

    #[test]
    fn a_rule_counts_days_or_years() {
        let days = |days| Some(Retention { mode: LockMode::Compliance, days });
        assert_eq!(lock_of_rule(&rule().days(180).build()), days(180));
        assert_eq!(lock_of_rule(&rule().years(2).build()), days(730));
        assert_eq!(lock_of_rule(&rule().build()), None);
        assert_eq!(lock_of_rule(&rule().days(-1).build()), None);
        assert_eq!(lock_of_rule(&DefaultRetention::builder().days(1).build()), None);
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let until = "2027-05-20T10:00:00Z".parse().unwrap();
        for mode in [LockMode::Compliance, LockMode::Governance] {
            let lock = Lock { mode, until };
            assert_eq!(lock_of_retention(&s3_retention(lock)), Some(lock));
        }
    }

    #[test]
    fn a_document_by_another_name_is_read_if_the_answer_was_yes() {
        let document = concat!(
            "<ObjectLockRetention><Mode>COMPLIANCE</Mode>",
            "<RetainUntilDate>2027-05-20T16:47:49Z</RetainUntilDate></ObjectLockRetention>"
        );
        let answer = |status: u16, text: &'static str| {
            HttpResponse::new(status.try_into().unwrap(), text.into())
        };
        let until = "2027-05-20T16:47:49Z".parse().unwrap();
        let lock = Lock { mode: LockMode::Compliance, until };
        assert_eq!(lock_of_stray(&answer(200, document)), Some(lock));
        assert_eq!(lock_of_stray(&answer(403, document)), None);
        assert_eq!(lock_of_stray(&answer(200, "<Mode>COMPLIANCE</Mode>")), None);
    }

    #[test]
    fn a_mode_without_a_date_is_no_lock() {
        let half = ObjectLockRetention::builder().mode(ObjectLockRetentionMode::Compliance).build();
        assert_eq!(lock_of_retention(&half), None);
    }
}
