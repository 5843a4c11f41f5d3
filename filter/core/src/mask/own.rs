//! The operator's own rules: a name and a regular expression each.
//!
//! A body passes in pieces, so a match must have a greatest length, or nobody could say when to
//! stop waiting for its end. An expression without one is refused, with the advice to bound it.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, Look, literal::Extractor};

use super::{rules::RulesError, window::Window};

/// The longest match, in bytes.
pub(super) const MAX_MATCH: usize = 256;
/// What one compiled expression may take, in bytes.
const MAX_COMPILED: usize = 256 * 1024;
/// The most rules.
const MAX_RULES: usize = 32;

/// The operator's own rules.
#[derive(Clone)]
pub(super) struct OwnRules(Vec<OwnRule>);

#[derive(Clone)]
struct OwnRule {
    name: Box<str>,
    /// Matches at the beginning of a text only.
    at_start: Regex,
    /// Matches behind the first byte of a text only, so that `\b` sees what is before it.
    behind_one: Regex,
    /// The bytes that a match may begin with.
    first: [bool; 256],
}

/// A match of one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnMatch<'r> {
    pub(super) rule: &'r str,
    pub(super) start: usize,
    pub(super) length: usize,
}

impl fmt::Debug for OwnRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|rule| &rule.name)).finish()
    }
}

impl OwnRules {
    /// Compiles pairs of a name and an expression; `None` if there are none.
    pub(super) fn new(rules: &[(String, String)]) -> Result<Option<Self>, RulesError> {
        if rules.len() > MAX_RULES {
            let problem = format!("{} rules, at most {MAX_RULES} are allowed", rules.len());
            return Err(RulesError { list: "rules", index: MAX_RULES, problem });
        }
        let compile = |(index, (name, pattern)): (usize, &(String, String))| {
            OwnRule::new(name, pattern).map_err(|problem| RulesError {
                list: "rules",
                index,
                problem,
            })
        };
        let rules: Vec<_> = rules.iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        Ok(if rules.is_empty() { None } else { Some(Self(rules)) })
    }

    /// The place from which on a match may begin that cannot be told yet.
    pub(super) fn horizon(&self, window: Window<'_>, from: usize) -> usize {
        // One byte more, for a word boundary behind the match.
        let start = window.bytes.len().saturating_sub(MAX_MATCH.saturating_add(1)).max(from);
        let may_begin = |byte: &u8| self.0.iter().any(|rule| rule.may_begin(*byte));
        let near_end = window.from(start);
        start.saturating_add(near_end.iter().position(may_begin).unwrap_or(near_end.len()))
    }

    /// The first match at or behind `from`; of two at the same place, that of the earlier rule.
    pub(super) fn find(&self, window: Window<'_>, from: usize) -> Option<OwnMatch<'_>> {
        let matches = self.0.iter().filter_map(|rule| {
            let (start, length) = rule.find(window.bytes, from)?;
            Some(OwnMatch { rule: &rule.name, start, length })
        });
        matches.min_by_key(|found| found.start)
    }
}

impl OwnRule {
    fn new(name: &str, pattern: &str) -> Result<Self, String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
            return Err("expected a name of letters, digits, `-`, `_` and `.`, at most 64".into());
        }
        let hir = regex_syntax::ParserBuilder::new()
            .utf8(false)
            .unicode(false)
            .nest_limit(64)
            .build()
            .parse(pattern)
            .map_err(|error| format!("the pattern is no regular expression: {}", reason(&error)))?;
        check(&hir)?;
        let compile = |pattern: &str| {
            let mut builder = RegexBuilder::new(pattern);
            builder.unicode(false).size_limit(MAX_COMPILED).nest_limit(72);
            builder.build().map_err(|_| {
                format!(
                    "the pattern takes more than {MAX_COMPILED} bytes compiled; make it simpler"
                )
            })
        };
        Ok(Self {
            name: name.into(),
            at_start: compile(&format!(r"\A(?:{pattern})"))?,
            behind_one: compile(&format!(r"\A(?s:.)(?:{pattern})"))?,
            first: first_bytes(&hir),
        })
    }

    /// Where the first match at or behind `from` begins, and its length.
    ///
    /// The engine is slow, and small. So it is asked only where a match may begin.
    fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut at = from;
        loop {
            let rest = bytes.get(at..)?;
            at = at.saturating_add(rest.iter().position(|byte| self.may_begin(*byte))?);
            if let Some(length) = self.match_at(bytes, at) {
                return Some((at, length));
            }
            at = at.saturating_add(1);
        }
    }

    fn may_begin(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte)).is_none_or(|may| *may)
    }

    fn match_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match at.checked_sub(1) {
            None => self.at_start.find(bytes).map(|found| found.len()),
            Some(before) => {
                let found = self.behind_one.find(bytes.get(before..)?)?;
                found.len().checked_sub(1)
            }
        }
    }
}

/// The bytes that a match may begin with; all, if nobody can tell.
fn first_bytes(hir: &Hir) -> [bool; 256] {
    let mut first = [false; 256];
    let prefixes = Extractor::new().extract(hir);
    let Some(prefixes) = prefixes.literals() else { return [true; 256] };
    for prefix in prefixes {
        match prefix.as_bytes().first().and_then(|byte| first.get_mut(usize::from(*byte))) {
            Some(may) => *may = true,
            None => return [true; 256],
        }
    }
    first
}

/// The reason without the pattern around it.
fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "it cannot be read".into(),
    }
}

fn check(hir: &Hir) -> Result<(), String> {
    let properties = hir.properties();
    if properties.minimum_len().is_none_or(|least| least == 0) {
        return Err("the pattern matches the empty text; make it match at least one byte".into());
    }
    match properties.maximum_len() {
        Some(most) if most <= MAX_MATCH => {}
        Some(most) => {
            return Err(format!(
                "the pattern may match {most} bytes, at most {MAX_MATCH} are allowed; shorten a bound"
            ));
        }
        None => {
            return Err(format!(
                "the pattern has no longest match; bound its repetitions, such as `{{16,64}}` in place of `+` (at most {MAX_MATCH} bytes in all)"
            ));
        }
    }
    let anchors =
        [Look::Start, Look::End, Look::StartLF, Look::EndLF, Look::StartCRLF, Look::EndCRLF];
    if anchors.into_iter().any(|look| properties.look_set().contains(look)) {
        return Err(
            "`^`, `$`, `\\A` and `\\z` mean nothing in a body that streams by; use `\\b`".into()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_what_the_expression_finds_in_the_whole_text() {
        for pattern in [r"\bcust-[0-9]{3,5}\b", "(?i)geheim[a-z]{2}", "[a-z]{2}[0-9]", "x|(?:y|z)w"]
        {
            let rules = [("r".to_owned(), pattern.to_owned())];
            let rules = OwnRules::new(&rules).unwrap().unwrap();
            let whole = RegexBuilder::new(pattern).unicode(false).build().unwrap();
            for text in ["cust-123", "acust-123 cust-123456 cust-1234.", "GEHEIMab9", "zw x", ""] {
                let window = Window { bytes: text.as_bytes(), is_last: true };
                let found = rules.find(window, 0).map(|found| (found.start, found.length));
                let expected =
                    whole.find(text.as_bytes()).map(|found| (found.start(), found.len()));
                assert_eq!(found, expected, "{pattern} in {text}");
            }
        }
    }

    #[test]
    fn a_rule_that_cannot_be_used_says_why() {
        for (pattern, problem) in [
            ("x*", "the pattern matches the empty text"),
            ("", "the pattern matches the empty text"),
            ("cust-[0-9]+", "the pattern has no longest match"),
            ("x{1,300}", "the pattern may match 300 bytes"),
            ("^cust-[0-9]{8}", "`^`, `$`"),
            ("cust-[0-9", "the pattern is no regular expression: unclosed character class"),
            ("(a)\\1", "the pattern is no regular expression: backreferences are not supported"),
            (
                "((((((((((x{1,2}){1,2}){1,2}){1,2}){1,2}){1,2}){1,2}){1,2}){1,2}){1,2})",
                "the pattern may match 1024",
            ),
        ] {
            let rules =
                [("cust".to_owned(), "cust-[0-9]{8}".to_owned()), ("bad".into(), pattern.into())];
            let error = OwnRules::new(&rules).unwrap_err();
            assert_eq!((error.list, error.index), ("rules", 1));
            assert!(error.problem.starts_with(problem), "{pattern}: {}", error.problem);
        }
        let error = OwnRules::new(&[("a b".to_owned(), "x".to_owned())]).unwrap_err();
        assert!(error.problem.starts_with("expected a name"));
        assert!(OwnRules::new(&[]).unwrap().is_none());
    }
}
