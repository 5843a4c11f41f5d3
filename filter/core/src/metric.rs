//! What the filter counts, for whoever watches a gateway and not its single calls.
//!
//! ```text
//! ledgerline_calls_total                       12
//! ledgerline_entries_total{outcome="success"}   9
//! ledgerline_entries_total{outcome="error"}     2
//! ```
//!
//! Twelve calls have a provisional entry, eleven have their final one: one is under way, or its end
//! was lost. No counter is more than the entries say, and none has a label that a caller chooses.
//!
//! A proxy-wasm host knows no labels, only names. Ours are written as Istio writes its own:
//! `outcome=.=success;.;ledgerline_entries_total`, which Istio's `extraStatTags` and the
//! `stats_tags` of `envoy/egress.yaml` turn into labels.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    call::Side,
    entry::{Entry, Message},
    outcome::{Outcome, Reason},
};

/// Something that is counted, and never counted down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Calls of which an entry exists, be it a provisional one.
    Calls,
    /// Final entries.
    Entries(Outcome),
    /// Secrets that were replaced before a body was hashed.
    Masked(Side),
    /// Final entries of which something was too long to keep whole.
    TruncatedEntries,
    /// What the host refused, and calls during which the filter failed.
    Faults,
    /// Configurations that a VM loaded.
    Origins,
}

impl Counter {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Calls,
        Self::Entries(Outcome::Success),
        Self::Entries(Outcome::Throttled),
        Self::Entries(Outcome::Error),
        Self::Entries(Outcome::PolicyBlocked),
        Self::Masked(Side::Request),
        Self::Masked(Side::Response),
        Self::TruncatedEntries,
        Self::Faults,
        Self::Origins,
    ];

    /// The name under which a host keeps it, the label before it.
    pub fn name(self) -> Cow<'static, str> {
        let (label, name) = match self {
            Self::Calls => (None, "ledgerline_calls_total"),
            Self::Entries(outcome) => {
                (Some(("outcome", outcome.as_str())), "ledgerline_entries_total")
            }
            Self::Masked(Side::Request) => (Some(("side", "request")), "ledgerline_masked_total"),
            Self::Masked(Side::Response) => (Some(("side", "response")), "ledgerline_masked_total"),
            Self::TruncatedEntries => (None, "ledgerline_truncated_entries_total"),
            Self::Faults => (None, "ledgerline_faults_total"),
            Self::Origins => (None, "ledgerline_origins_total"),
        };
        match label {
            Some((label, value)) => format!("{label}=.={value};.;{name}").into(),
            None => name.into(),
        }
    }
}

impl Entry<'_> {
    /// What counts, and how often, once this entry is the last word on its call.
    pub fn counts(&self) -> impl Iterator<Item = (Counter, u64)> {
        let has_fault = self.reason == Some(Reason::FilterFault);
        let counts = [
            (Counter::Entries(self.outcome), 1),
            (Counter::Masked(Side::Request), masked(self.request.as_ref())),
            (Counter::Masked(Side::Response), masked(self.response.as_ref())),
            (Counter::TruncatedEntries, u64::from(!self.truncated.is_empty())),
            (Counter::Faults, u64::from(has_fault)),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0)
    }
}

fn masked(message: Option<&Message<'_>>) -> u64 {
    let counts = message.and_then(|message| message.masked.as_deref());
    counts.map_or(0, |counts: &BTreeMap<_, u64>| counts.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(more: &str) -> Entry<'static> {
        let line = format!(
            r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":null,"user_id":null,
                "endpoint":null,"method":null,"status":200,"request_hash":null,
                "response_hash":null,"correlation_id":null,{more}}}"#
        );
        serde_json::from_str(line.leak()).unwrap()
    }

    #[test]
    fn an_entry_counts_for_what_it_says() {
        use Counter::{Entries, Faults, Masked, TruncatedEntries};
        let request = r#""request":{"bytes":9,"masked":{"openai":2,"password":1}}"#;
        let response = r#""response":{"bytes":9,"masked":{"slack":4}}"#;
        for (more, counts) in [
            (r#""outcome":"success""#.to_owned(), vec![(Entries(Outcome::Success), 1)]),
            (
                format!(r#""outcome":"throttled",{request},{response}"#),
                vec![
                    (Entries(Outcome::Throttled), 1),
                    (Masked(Side::Request), 3),
                    (Masked(Side::Response), 4),
                ],
            ),
            (
                r#""outcome":"error","reason":"filter_fault","truncated":["user_id"]"#.to_owned(),
                vec![(Entries(Outcome::Error), 1), (TruncatedEntries, 1), (Faults, 1)],
            ),
            (
                r#""outcome":"policy_blocked","reason":"rbac_denied""#.to_owned(),
                vec![(Entries(Outcome::PolicyBlocked), 1)],
            ),
        ] {
            assert_eq!(entry(&more).counts().collect::<Vec<_>>(), counts, "{more}");
        }
    }

    #[test]
    fn names_are_istios_notation_and_differ() {
        let mut names = Counter::ALL.map(Counter::name);
        assert_eq!(names[1], "outcome=.=success;.;ledgerline_entries_total");
        assert_eq!(names[5], "side=.=request;.;ledgerline_masked_total");
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
