//! Recall on what is not ours: the notations and formats of public detectors.
//!
//! `gitleaks.jsonl`, `detect_secrets.jsonl` and `prefixes.jsonl` say which. They hold no secret and no value of those projects:
//! a value is made from its format when the test runs.

use std::collections::BTreeMap;
use std::rc::Rc;

use ledgerline_core::mask::{Rules, Syntax};
use ledgerline_tests::secrets::{Fake, Random, hint};
use serde::Deserialize;

use crate::position::Encoding;
use crate::stream::Stream;

/// Goal of the issue that asked for this: gitleaks' positives in a chat message.
const GITLEAKS_GOAL: f64 = 0.98;
/// The same: what a name says, in its own notations.
const DETECT_SECRETS_GOAL: f64 = 0.99;
/// Some want a digit or a capital among their characters, which one in thirty has not.
const PREFIX_GOAL: f64 = 0.98;

/// How many characters of a secret in a row may turn up in a view.
const PIECE: usize = 12;

/// `text` in the message of a chat.
pub(crate) fn chat(text: &str) -> String {
    let text = Encoding::Json.apply(text);
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}],"n":1}}"#)
}

/// What was found, by kind.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, Kind>);

#[derive(Default)]
struct Kind {
    tried: usize,
    found: usize,
    left: Vec<String>,
}

impl Tally {
    /// Whether `secret` is gone from `view`; `about` says where it stood, and shows nothing of it.
    pub(crate) fn add(
        &mut self,
        kind: &str,
        view: &[u8],
        secret: &str,
        about: impl FnOnce() -> String,
    ) {
        let kind = self.0.entry(kind.to_owned()).or_default();
        kind.tried += 1;
        if is_left(view, secret) {
            kind.left.push(about());
        } else {
            kind.found += 1;
        }
    }

    fn sums(&self) -> (usize, usize) {
        self.0
            .values()
            .fold((0, 0), |(tried, found), kind| (tried + kind.tried, found + kind.found))
    }

    /// A table, and what is left, by kind.
    pub(crate) fn print(&self, title: &str) {
        let (tried, found) = self.sums();
        println!("{title:<60} {:>7} {:>7} {:>8}", "tried", "found", "recall");
        for (name, kind) in
            self.0.iter().filter(|(_, kind)| kind.tried > kind.found || self.0.len() < 40)
        {
            println!(
                "{name:<60} {:>7} {:>7} {:>7.2}%",
                kind.tried,
                kind.found,
                percent(kind.tried, kind.found)
            );
        }
        println!("{:<60} {tried:>7} {found:>7} {:>7.2}%", "all", percent(tried, found));
        for (name, kind) in self.0.iter().filter(|(_, kind)| !kind.left.is_empty()) {
            println!("left, {name}: {}, such as {}", kind.left.len(), kind.left[0]);
        }
    }

    pub(crate) fn check(&self, goal: f64) {
        let (tried, found) = self.sums();
        assert!(
            found as f64 >= goal * tried as f64,
            "{found} of {tried} found, which is under {} %",
            100.0 * goal
        );
    }
}

fn percent(tried: usize, found: usize) -> f64 {
    100.0 * found as f64 / tried as f64
}

fn is_left(view: &[u8], secret: &str) -> bool {
    let piece = PIECE.min(secret.len());
    let has = |piece: &[u8]| view.windows(piece.len()).any(|window| window == piece);
    secret.as_bytes().windows(piece).any(has)
}

/// One line of a file of facts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Fact {
    /// Where they are from.
    Source { source: String, commit: String, licence: String },
    /// A line with a name and a value, for all that have a format.
    Notation { notation: String },
    /// Whose name, and which format.
    Named { rule: String, name: String, format: String },
    /// A line of its own, and the format of the secret in it.
    Line { rule: String, line: String, format: String },
    /// Whose, and its format, which begins with what tells it.
    Prefix { rule: String, format: String },
    /// A line with a secret or without one.
    Judged { kind: String, line: String, is_secret: bool },
}

fn facts(file: &str) -> Vec<Fact> {
    let facts = file.lines().map(|line| serde_json::from_str(line).expect("a fact a line"));
    let facts: Vec<Fact> = facts.collect();
    let Some(Fact::Source { source, commit, licence }) = facts.first() else {
        panic!("the first line says where they are from")
    };
    println!("{source} @{}, {licence}", &commit[..7]);
    facts
}

/// A text with a secret in it, and which rule of theirs finds it.
struct Sample {
    rule: String,
    text: String,
    /// What nobody may see; what every secret of the kind begins with may stay.
    secret: String,
}

fn samples(file: &str) -> Vec<Sample> {
    let facts = facts(file);
    let notations = facts.iter().filter_map(|fact| match fact {
        Fact::Notation { notation } => Some(notation.as_str()),
        _ => None,
    });
    let notations: Vec<&str> = notations.collect();
    let mut random = Random::new(8);
    let mut samples = Vec::new();
    for fact in &facts {
        match fact {
            Fact::Named { rule, name, format } => {
                samples.extend(notations.iter().map(|notation| {
                    let line = notation.replace("{i}", name).replace("{I}", &name.to_uppercase());
                    sample(rule, &line, format, &mut random)
                }))
            }
            Fact::Line { rule, line, format } => {
                samples.push(sample(rule, line, format, &mut random));
            }
            _ => {}
        }
    }
    samples
}

fn sample(rule: &str, line: &str, format: &str, random: &mut Random) -> Sample {
    let value = Fake::new(format, random).text;
    let secret = value.strip_prefix(hint(format)).filter(|rest| !rest.is_empty()).unwrap_or(&value);
    Sample { rule: rule.to_owned(), text: line.replace("{s}", &value), secret: secret.to_owned() }
}

#[test]
fn what_gitleaks_finds_is_found_in_a_message_and_in_a_text() {
    let rules = Rc::new(Rules::default());
    let (mut in_message, mut in_text) = (Tally::default(), Tally::default());
    for sample in samples(include_str!("gitleaks.jsonl")) {
        let about = || sample.text.replace(&sample.secret, "…");
        let body = chat(&sample.text);
        let view = Stream::new(&rules, &Syntax::Json).view(body.as_bytes(), &[]).to_vec();
        in_message.add(&sample.rule, &view, &sample.secret, about);
        let view = Stream::new(&rules, &Syntax::Text).view(sample.text.as_bytes(), &[]).to_vec();
        in_text.add(&sample.rule, &view, &sample.secret, about);
    }
    in_message.print("gitleaks' positives in a chat message, by rule with misses");
    in_text.print("gitleaks' positives in a text, by rule with misses");
    in_message.check(GITLEAKS_GOAL);
    in_text.check(GITLEAKS_GOAL);
}

/// A value with all the signs that a template might have, and one of letters and digits.
fn detect_secrets_values(random: &mut Random) -> [String; 2] {
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    let mut word = |length| random.text(LOWER, length);
    let odd = format!(
        "{}{{{{{}}}{})p${{{}]7{}(x{}[{}>-_$#{}}}}}",
        word(1),
        word(1),
        word(1),
        word(2),
        word(3),
        word(3),
        word(4),
        word(5)
    );
    [odd, format!("{}R7{}Q", word(8), word(9))]
}

#[test]
fn what_detect_secrets_finds_is_found_and_nothing_in_its_lines_without_a_secret() {
    let rules = Rc::new(Rules::default());
    let mut random = Random::new(9);
    let mut tally = Tally::default();
    let mut changed = Vec::new();
    for fact in facts(include_str!("detect_secrets.jsonl")) {
        let Fact::Judged { kind, line, is_secret } = fact else { continue };
        for value in detect_secrets_values(&mut random) {
            let text = line.replace("{s}", &value);
            for (syntax, body) in [(Syntax::Text, text.clone()), (Syntax::Json, chat(&text))] {
                let view = Stream::new(&rules, &syntax).view(body.as_bytes(), &[]).to_vec();
                if is_secret {
                    tally.add(&kind, &view, &Encoding::Json.apply(&value), || line.clone());
                } else if view != body.as_bytes() {
                    changed.push(line.clone());
                }
            }
        }
    }
    tally.print("detect-secrets' notations");
    assert!(changed.is_empty(), "changed without a secret: {changed:#?}");
    tally.check(DETECT_SECRETS_GOAL);
}

#[test]
fn what_other_detectors_know_by_its_prefix_is_found() {
    const EACH: usize = 10;
    let rules = Rc::new(Rules::default());
    let mut random = Random::new(10);
    let mut tally = Tally::default();
    for fact in facts(include_str!("prefixes.jsonl")) {
        let Fact::Prefix { rule, format } = fact else { continue };
        for _ in 0..EACH {
            let value = Fake::new(&format, &mut random).text;
            let secret = value.strip_prefix(hint(&format)).unwrap_or(&value);
            for line in
                ["Use {s}, please", "\u{1b}[31m{s}\u{1b}[0m", "https://a.example/?q={s}&r=1"]
            {
                let text = line.replace("{s}", &value);
                for (syntax, body) in [(Syntax::Text, text.clone()), (Syntax::Json, chat(&text))] {
                    let view = Stream::new(&rules, &syntax).view(body.as_bytes(), &[]).to_vec();
                    tally.add(&rule, &view, secret, || format!("{format} in {line:?}"));
                }
            }
        }
    }
    tally.print("prefixes that other detectors know, by provider with misses");
    tally.check(PREFIX_GOAL);
}
