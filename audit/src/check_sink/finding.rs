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

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
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
