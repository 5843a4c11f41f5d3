//! All versions of one name.
//!
//! Whether a name is one of check-sink's is known when the version is read that holds what the name
//! says, and that may be the last: so what is found is held back until the next name.

use super::{
    Seen,
    content::Whole,
    name::sum_of,
    report::{Kind, Problem, Report},
};
use crate::{fault::Fault, ledger::object};

#[derive(Debug)]
pub(super) struct Group {
    name: String,
    problems: Vec<Problem>,
    /// Problems beyond those that are held.
    more: u64,
    versions: u64,
    /// Versions that hold what the name says.
    good: u64,
    is_canarys: bool,
}

/// Whoever may write can put versions without end over one name.
const MOST: usize = 100;

impl Group {
    pub(super) fn new(name: &str) -> Self {
        let (name, problems) = (name.to_owned(), Vec::new());
        Self { name, problems, more: 0, versions: 0, good: 0, is_canarys: false }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn add(&mut self, problem: Problem) {
        match self.problems.len() < MOST {
            true => self.problems.push(problem),
            false => self.more += 1,
        }
    }

    /// Takes a version; of the first good one of an object of receipts, its lines.
    pub(super) fn take(&mut self, seen: Seen<'_>) -> Option<Vec<u8>> {
        self.versions += 1;
        let expected = sum_of(&self.name);
        let good = seen.whole.as_ref().filter(|whole| Some(&whole.sum) == expected.as_ref());
        self.good += u64::from(good.is_some());
        self.is_canarys |= good.is_some_and(Whole::is_canary);
        let is_first = good.is_some() && self.good == 1;
        let latest = if seen.is_latest { " (the latest version)" } else { "" };
        let content = match (good, &seen.whole) {
            (Some(_), _) => None,
            (None, Some(_)) => Some((Kind::OtherContent, "holds other lines than its name says")),
            (None, None) => Some((Kind::Broken, "is broken gzip")),
        };
        let content = content.map(|(kind, text)| (kind, format!("{text}{latest}")));
        for (kind, text) in content.into_iter().chain(seen.lock_problem) {
            let problem = Problem::new(kind, &self.name, &text);
            let version = seen.version.map(ToOwned::to_owned);
            self.add(Problem { version, is_latest: seen.is_latest, ..problem });
        }
        let is_receipts = self.name.starts_with(object::RECEIPTS_FOLDER);
        seen.whole.filter(|_| is_first && is_receipts)?.lines
    }

    pub(super) fn close(self, report: &mut Report) -> Result<(), Fault> {
        if self.is_canarys {
            report.counts.canaries += 1;
            return Ok(());
        }
        report.counts.objects += u64::from(self.versions > 0);
        report.counts.versions += self.versions;
        report.counts.repeated += self.good.saturating_sub(1);
        self.problems.iter().try_for_each(|problem| report.problem(problem))?;
        match self.more {
            0 => Ok(()),
            more => report.more(&self.name, more),
        }
    }
}
