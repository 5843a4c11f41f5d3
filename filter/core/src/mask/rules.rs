//! What counts as a secret, compiled once and shared by all bodies.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, fmt};

use super::{
    PLACEHOLDER, encoding,
    names::{self, Meaning, Names},
    own::OwnRules,
    prefilter::MIN_RUN,
    provider::Provider,
    shapes::Shapes,
    view_of,
};

/// How sure it is that something is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// By what stands around it in a text: code, configurations, command lines, sentences.
    Likely,
    /// By its own shape, or by the name that a document, a form or a header gives it.
    Certain,
}

/// All rules: built-in names and shapes, and the operator's own.
#[derive(Clone)]
pub struct Rules {
    placeholder: Box<str>,
    pub(super) names: Names,
    pub(super) shapes: Shapes,
    pub(super) own: Option<OwnRules>,
    /// Whether only tokens count whose provider is known.
    pub(super) credentials_only: bool,
    /// What is less sure than this stays.
    pub(super) least: Grade,
    /// Where a chunk is put together with what was held back before it: one for all bodies.
    pub(super) scratch: RefCell<Vec<u8>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(PLACEHOLDER, Names::new(&[], &[]), None)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Grade {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
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
        let placeholder = checked_placeholder(placeholder)?;
        let names = Names::new(&folded("names", names)?, &folded("except_names", except_names)?);
        Ok(Self::of(placeholder, names, OwnRules::new(own)?))
    }

    fn of(placeholder: &str, names: Names, own: Option<OwnRules>) -> Self {
        Self {
            placeholder: placeholder.into(),
            names,
            shapes: Shapes::new(|_| true),
            own,
            credentials_only: false,
            least: Grade::Likely,
            scratch: RefCell::default(),
        }
    }

    /// Rules that find tokens whose provider is known, and nothing else: under a secret's name too,
    /// where these rules replace the whole value without a look at it.
    pub fn credentials(&self) -> Self {
        Self {
            shapes: Shapes::new(|shape| shape.provider.is_some()),
            own: None,
            credentials_only: true,
            ..self.clone()
        }
    }

    /// The same rules, for what is at least so sure.
    pub fn only(&self, least: Grade) -> Self {
        Self { least, ..self.clone() }
    }

    /// What stands in place of a secret.
    pub fn placeholder(&self) -> &str {
        &self.placeholder
    }

    /// `text` with every secret in it replaced: for ids, names and paths that stand in an entry.
    pub fn mask_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // Most ids and names are shorter than any token, and hold no sign.
        let is_short =
            text.len() < MIN_RUN && !text.bytes().any(|byte| matches!(byte, b':' | b'='));
        if is_short && self.own.is_none() { Cow::Borrowed(text) } else { view_of(self, text) }
    }

    /// Whether a field or a header of this name holds a secret.
    pub fn is_secret_name(&self, name: &str) -> bool {
        self.names.meaning(name.as_bytes(), false).is_some_and(Meaning::is_settled)
    }
}

/// The placeholder stands in JSON, in forms and in URLs: it needs no escape in any of them.
fn checked_placeholder(placeholder: &str) -> Result<&str, RulesError> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"*-_.".contains(&byte);
    if !placeholder.is_empty() && placeholder.len() <= 64 && placeholder.bytes().all(is_safe) {
        return Ok(placeholder);
    }
    let problem = "expected 1 to 64 letters, digits, `*`, `-`, `_` and `.`".to_owned();
    Err(RulesError { list: "placeholder", index: 0, problem })
}

fn folded(list: &'static str, names: &[String]) -> Result<Vec<Box<[u8]>>, RulesError> {
    let fold = |(index, name): (usize, &String)| {
        let folded = names::fold(name.as_bytes());
        if (2..names::MAX_NAME).contains(&folded.len()) {
            return Ok(folded);
        }
        let problem =
            "expected the name of a field, such as `api_key`: at least two letters or digits";
        Err(RulesError { list, index, problem: problem.into() })
    };
    names.iter().enumerate().map(fold).collect()
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
        match self.list {
            "placeholder" => write!(f, "placeholder: {}", self.problem),
            list => write!(f, "{list}[{}]: {}", self.index, self.problem),
        }
    }
}

impl std::error::Error for RulesError {}

/// How often each rule replaced something, and whose credentials they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    counts: BTreeMap<Box<str>, u64>,
    providers: Vec<&'static Provider>,
    /// Each replacement, where somebody wants to know.
    pub(super) explained: Option<Box<Explained>>,
}

/// Each replacement, and how long the view is by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Explained {
    findings: Vec<Finding>,
    view: u64,
    /// Whether the body is in UTF-16.
    is_wide: bool,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule by which it was found.
    pub rule: Box<str>,
    /// How sure that is.
    pub grade: Grade,
    /// Where the secret begins in the body, in bytes.
    pub at: u64,
    /// Where the placeholder begins in the view.
    pub view_at: u64,
}

impl Masked {
    /// Replacements by rule name.
    pub fn counts(&self) -> &BTreeMap<Box<str>, u64> {
        &self.counts
    }

    /// The providers whose credentials were found, each once.
    pub fn providers(&self) -> &[&'static Provider] {
        &self.providers
    }

    /// Each replacement in its order; none unless the masker is one that explains.
    pub fn findings(&self) -> &[Finding] {
        self.explained.as_ref().map_or(&[], |explained| &explained.findings)
    }

    /// The body is in UTF-16.
    pub(super) fn widen(&mut self) {
        if let Some(explained) = &mut self.explained {
            explained.is_wide = true;
        }
    }

    /// How many bytes of the body stand for these of the masker's.
    pub(super) fn width(&self, bytes: &[u8]) -> u64 {
        let is_wide = self.explained.as_ref().is_some_and(|explained| explained.is_wide);
        (if is_wide { encoding::width(bytes) } else { bytes.len() }) as u64
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let width = self.width(bytes);
        if let Some(explained) = &mut self.explained {
            explained.view = explained.view.saturating_add(width);
        }
    }

    pub(super) fn explain(&mut self, rule: &str, grade: Grade, at: u64) {
        if let Some(explained) = &mut self.explained {
            let view_at = explained.view;
            explained.findings.push(Finding { rule: rule.into(), grade, at, view_at });
        }
    }

    pub(super) fn add(&mut self, rule: &str, provider: Option<&'static Provider>) {
        match self.counts.get_mut(rule) {
            Some(count) => *count = count.saturating_add(1),
            None => drop(self.counts.insert(rule.into(), 1)),
        }
        if let Some(provider) = provider
            && !self.providers.contains(&provider)
        {
            self.providers.push(provider);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        let error = |placeholder: &str, names: &[&str], except: &[&str]| {
            let owned =
                |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            Rules::new(placeholder, &owned(names), &owned(except), &[]).unwrap_err().to_string()
        };
        assert!(error("a\"b", &[], &[]).starts_with("placeholder: expected"));
        assert!(error("", &[], &[]).starts_with("placeholder: expected"));
        assert!(error("X", &["ok", "-"], &[]).starts_with("names[1]: expected"));
        assert!(error("X", &[], &["?"]).starts_with("except_names[0]: expected"));
    }
}
