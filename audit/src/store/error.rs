//! Why a store did not do what it was asked.
//!
//! ```text
//! put s3://ledger-archive/egress/2026/11/21/….jsonl: 403 AccessDenied: allow the writer s3:PutObject on this prefix
//! ```

use std::fmt;

use super::SinkUrl;
use crate::plain::plain;

/// What was tried, what the store answered, and what would help. Holds no secret: whatever another
/// program wrote enters only as a code of letters, or as the error of the system below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreError {
    kind: Kind,
    tried: String,
    answer: String,
    fix: Option<String>,
    is_missing: bool,
    is_stale: bool,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Try again: the store is busy, down, or too far away.
    Busy,
    /// Try again, and call for a person: the store refuses.
    Refused,
    /// It cannot work like this: a wrong name, no credentials.
    Wrong,
}

impl StoreError {
    /// `verb` is what was tried, `place` where.
    pub(crate) fn new(
        kind: Kind,
        verb: &str,
        place: &dyn fmt::Display,
        answer: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            tried: format!("{verb} {}", plain(&place.to_string())),
            answer: plain(&answer.into()).into_owned(),
            fix: None,
            is_missing: false,
            is_stale: false,
        }
    }

    pub(crate) fn wrong(verb: &str, url: &SinkUrl, answer: impl Into<String>) -> Self {
        Self::new(Kind::Wrong, verb, url, answer)
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The store knows nothing by this name, or no such version.
    pub(crate) fn missing(mut self, is_missing: bool) -> Self {
        self.is_missing = is_missing;
        self
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// The credentials are not (or no more) the right ones: to read them again may help.
    pub(crate) fn stale(mut self, is_stale: bool) -> Self {
        self.is_stale = is_stale;
        self
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What the store said, without what was tried and what would help.
    pub(crate) fn answer(&self) -> &str {
        &self.answer
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tried, self.answer)?;
        match &self.fix {
            Some(fix) => write!(f, ": {fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StoreError {}
