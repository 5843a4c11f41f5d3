//! What is on the shelf to find tokens with, set up as well as it goes.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{RegexSet, RegexSetBuilder};

/// Aho-Corasick over the prefixes of the masker's own shapes, as a DFA, its fastest form.
pub(crate) struct Prefixes(AhoCorasick);

impl Prefixes {
    /// How often one of them stands in `block`.
    pub(crate) fn count(&self, block: &[u8]) -> usize {
        self.0.find_iter(block).count()
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        let prefixes: Vec<_> = prefixes().collect();
        let mut builder = AhoCorasick::builder();
        let searcher = builder.kind(Some(AhoCorasickKind::DFA)).build(&prefixes).ok();
        // Fewer, and the table of shapes is not written as it was.
        let searcher = searcher.filter(|_| prefixes.len() > 150);
        Self(searcher.unwrap_or_else(|| std::process::abort()))
    }
}

/// Read from where they are written down. Those of one or two letters would be found everywhere.
fn prefixes() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../core/src/mask/shapes.rs").lines();
    let prefixes = lines.filter_map(|line| {
        let (_rule, rest) = line.trim_start().strip_prefix("shape(\"")?.split_once("\", \"")?;
        Some(rest.split_once('"')?.0)
    });
    prefixes.filter(|prefix| prefix.len() > 2)
}

/// Regular expressions in one set, with all that makes the crate fast, and bytes in place of Unicode.
pub(crate) struct Patterns(RegexSet);

impl Patterns {
    /// How many of them match in `block`.
    pub(crate) fn count(&self, block: &[u8]) -> usize {
        self.0.matches(block).iter().count()
    }
}

impl Default for Patterns {
    fn default() -> Self {
        let set = RegexSetBuilder::new(PUBLISHED).unicode(false).size_limit(1 << 26).build();
        Self(set.unwrap_or_else(|_| std::process::abort()))
    }
}

/// Of gitleaks (`config/gitleaks.toml` at b58d3f1).
const PUBLISHED: [&str; 10] = [
    // openai-api-key
    r#"\b(sk-(?:proj|svcacct|admin)-(?:[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58})T3BlbkFJ(?:[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58})\b|sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20})(?:[\x60'"\s;]|\\[nr]|$)"#,
    // anthropic-api-key
    r#"\b(sk-ant-api03-[a-zA-Z0-9_\-]{93}AA)(?:[\x60'"\s;]|\\[nr]|$)"#,
    // gcp-api-key
    r#"\b(AIza[\w-]{35})(?:[\x60'"\s;]|\\[nr]|$)"#,
    // aws-access-token
    r"\b((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b",
    // huggingface-access-token
    r#"\b(hf_(?i:[a-z]{34}))(?:[\x60'"\s;]|\\[nr]|$)"#,
    // github-pat
    r"ghp_[0-9a-zA-Z]{36}",
    // gitlab-pat
    r"glpat-[\w-]{20}",
    // slack-bot-token
    r"xoxb-[0-9]{10,13}-[0-9]{10,13}[a-zA-Z0-9-]*",
    // stripe-access-token
    r#"\b((?:sk|rk)_(?:test|live|prod)_[a-zA-Z0-9]{10,99})(?:[\x60'"\s;]|\\[nr]|$)"#,
    // jwt
    r#"\b(ey[a-zA-Z0-9]{17,}\.ey[a-zA-Z0-9\/\\_-]{17,}\.(?:[a-zA-Z0-9\/\\_-]{10,}={0,2})?)(?:[\x60'"\s;]|\\[nr]|$)"#,
];
