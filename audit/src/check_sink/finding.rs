//! What was tried, what the store answered, and what that says.

use serde::Serialize;

use crate::store::s3::Answer;

/// One question that was put to a store.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) part: Part,
    /// What is promised, such as `a version cannot be deleted`.
    pub(crate) promise: &'static str,
    /// The call, such as `DeleteObject with the version`.
    pub(crate) tried: String,
    /// A status and the store's own code, or `done`.
    pub(crate) answered: String,
    pub(crate) verdict: Verdict,
    /// What it means, and what would help. May be empty.
    pub(crate) note: String,
}

/// Whose promise it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// The bucket keeps what it has, from everybody.
    Storage,
    /// This writer may do no more than write.
    Rights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Holds,
    DoesNotHold,
    NotProven,
    /// The storage keeps its promise, and these credentials may do more than they need.
    TooWide,
}

/// A verdict and its reason, of facts alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) note: String,
}

/// Whose credentials were used: an id is no secret, and still not printed whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Caller {
    /// The first 16 digits of the SHA-256 of the access key's id.
    pub(crate) key_id_sha256: String,
    /// The last characters of that id; none of an id that is short.
    pub(crate) key_id_end: String,
}

/// How it was asked: by which program, when, over which way, as whom.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Circumstances {
    /// The form of the report.
    pub(crate) format: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) tool_version: &'static str,
    /// RFC 3339, by the clock of this machine.
    pub(crate) began_at: String,
    pub(crate) ended_at: String,
    /// Scheme, host and port that the requests went to; null for a store that is not asked over S3.
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    /// Whether every request was encrypted, and the store's certificate checked.
    pub(crate) tls: Option<bool>,
    /// Against what the certificate was checked: `system`, `AWS_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR`.
    pub(crate) trusts: Option<&'static str>,
    /// `writer`, and `auditor` if another one looked.
    pub(crate) writer: Option<Caller>,
    pub(crate) writer_profile: Option<String>,
    pub(crate) auditor: Option<Caller>,
    pub(crate) auditor_profile: Option<String>,
    /// The lock that each object asked for itself.
    pub(crate) lock_mode: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) circumstances: Circumstances,
    pub(crate) sink: String,
    pub(crate) retention_days: u32,
    pub(crate) verdict: Verdict,
    /// Objects that this check wrote and that stay until their lock ends.
    pub(crate) left_behind: Vec<String>,
    pub(crate) findings: Vec<Finding>,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotProven => "not proven",
            Self::TooWide => "too wide",
        }
    }

    /// One that does not hold outweighs all; none is proven by what was not seen.
    pub(crate) fn of(findings: &[Finding]) -> Self {
        let has = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
        [Self::DoesNotHold, Self::NotProven, Self::TooWide]
            .into_iter()
            .find(|verdict| has(*verdict))
            .unwrap_or(if findings.is_empty() { Self::NotProven } else { Self::Holds })
    }
}

impl Judgement {
    pub(crate) fn holds(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Holds, note: note.into() }
    }

    pub(crate) fn fails(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::DoesNotHold, note: note.into() }
    }

    pub(crate) fn unproven(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotProven, note: note.into() }
    }

    pub(crate) fn too_wide(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::TooWide, note: note.into() }
    }
}

impl Finding {
    pub(crate) fn new(
        part: Part,
        promise: &'static str,
        tried: impl Into<String>,
        answered: impl Into<String>,
        judgement: Judgement,
    ) -> Self {
        let Judgement { verdict, note } = judgement;
        Self { part, promise, tried: tried.into(), answered: answered.into(), verdict, note }
    }
}

/// The words for an answer, also for yes.
pub(crate) fn words<T>(told: &Result<T, Answer>) -> String {
    match told {
        Ok(_) => "done".to_owned(),
        Err(answer) => answer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(verdicts: &[Verdict]) -> Vec<Finding> {
        let finding = |verdict: &Verdict| {
            let judgement = Judgement { verdict: *verdict, note: String::new() };
            Finding::new(Part::Storage, "", "", "", judgement)
        };
        verdicts.iter().map(finding).collect()
    }

    #[test]
    fn the_worst_finding_is_the_verdict() {
        use Verdict::{DoesNotHold, Holds, NotProven, TooWide};
        for (all, verdict) in [
            (&[Holds, Holds][..], Holds),
            (&[Holds, TooWide], TooWide),
            (&[TooWide, NotProven], NotProven),
            (&[NotProven, DoesNotHold, TooWide], DoesNotHold),
            (&[], NotProven),
        ] {
            assert_eq!(Verdict::of(&findings(all)), verdict);
        }
    }
}
