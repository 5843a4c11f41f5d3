//! Inputs that were once wrong, a line each with what is right; every one stands for its kind.
//!
//! Each is tried as it is and in what an agent would wrap it: as a chat message, as an argument of a
//! tool call in one, in pieces. A `·` in the file breaks what a scanner would take for a key.

use std::collections::BTreeMap;
use std::rc::Rc;

use ledgerline_core::mask::{Grade, Masker, Rules, Syntax};
use serde::Deserialize;

use crate::position::Encoding;
use crate::stream::Stream;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: String,
    #[serde(rename = "type")]
    media_type: Option<String>,
    body: Option<String>,
    /// A request line, of which the path goes into an entry.
    request: Option<String>,
    /// A header line, of which the value goes into an entry.
    header: Option<String>,
    secret: String,
    expect: Expect,
    grade: Option<Word>,
    encode: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expect {
    Masked,
    Untouched,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Certain,
    Likely,
}

fn cases() -> Vec<Case> {
    let files = [include_str!("cases.jsonl"), include_str!("neighbours.jsonl")];
    let lines = files.iter().flat_map(|file| file.lines()).map(|line| line.replace('·', ""));
    lines.map(|line| serde_json::from_str(&line).expect("a case a line")).collect()
}

#[test]
fn every_case_is_masked_or_left_alone_as_it_should_be() {
    let rules = Rc::new(Rules::default());
    let mut kinds: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for case in cases() {
        let (tried, wrong) = kinds.entry(case.kind.clone()).or_default();
        for (way, problem) in case.problems(&rules) {
            *tried += 1;
            wrong.extend(problem.map(|problem| format!("{way}: {problem}")));
        }
    }
    println!("{:<56} {:>9}", "kind", "as wanted");
    for (kind, (tried, wrong)) in &kinds {
        println!("{kind:<56} {:>4}/{tried}", tried - wrong.len());
    }
    let wrong: Vec<String> = kinds
        .iter()
        .flat_map(|(kind, (_, wrong))| wrong.iter().map(move |wrong| format!("{kind}, {wrong}")))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl Case {
    /// The ways to try it, and what is wrong with each. No secret is told: these are fakes, but the
    /// habit is not.
    fn problems(&self, rules: &Rc<Rules>) -> Vec<(&'static str, Option<String>)> {
        if let Some(text) = self.entry_text() {
            return vec![("entry", self.judge_text(&rules.mask_text(text)))];
        }
        let (Some(body), Some(media_type)) = (&self.body, &self.media_type) else { return vec![] };
        let mut ways = vec![("alone", self.problem(rules, media_type, &self.encoded(body)))];
        if self.is_text(media_type) {
            let written = |text: &str, how: Encoding| how.apply(text);
            for (way, how) in [
                ("in a message", Encoding::Json),
                ("in a message, signs escaped", Encoding::JsonDotNet),
            ] {
                let message = format!(
                    r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}],"n":1}}"#,
                    written(body, how)
                );
                ways.push((way, self.problem(rules, "application/json", message.as_bytes())));
                let twice = format!(r#"{{"a":"{}"}}"#, written(&message, how));
                ways.push((
                    "in arguments",
                    self.problem(rules, "application/json", twice.as_bytes()),
                ));
            }
        }
        ways
    }

    fn entry_text(&self) -> Option<&str> {
        let path = self.request.as_deref().and_then(|line| Some(line.split_once(' ')?.1));
        let value = self.header.as_deref().and_then(|line| Some(line.split_once(": ")?.1));
        path.or(value)
    }

    fn is_text(&self, media_type: &str) -> bool {
        self.encode.is_none() && Syntax::of(media_type.as_bytes(), b"").scan().as_str() != "form"
    }

    fn encoded(&self, text: &str) -> Vec<u8> {
        match self.encode.as_deref() {
            Some("utf-16-le") => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Some("utf-16-be") => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Some("utf-16") => {
                let bom = std::iter::once(0xFEFF);
                bom.chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
            }
            Some("utf-32-le") => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            Some("utf-32-be") => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }

    fn problem(&self, rules: &Rc<Rules>, media_type: &str, body: &[u8]) -> Option<String> {
        let syntax = Syntax::of(media_type.as_bytes(), b"");
        let mut stream = Stream::new(rules, &syntax);
        let view = stream.view(body, &[]).to_vec();
        if let Some((split, _)) = stream.first_wrong(body, &view) {
            return Some(format!("another view, {split}"));
        }
        match self.expect {
            Expect::Untouched => (view != body).then(|| "changed".to_owned()),
            Expect::Masked => self.is_left(&view).then(|| "LEAKS".to_owned()),
        }
    }

    fn is_left(&self, view: &[u8]) -> bool {
        let forms = [self.encoded(&self.secret), self.secret.clone().into_bytes()];
        forms.iter().any(|secret| view.windows(secret.len()).any(|window| window == secret))
    }

    fn judge_text(&self, view: &str) -> Option<String> {
        (view.contains(&self.secret) == (self.expect == Expect::Masked)).then(|| "wrong".to_owned())
    }
}

/// What may change in a call unless it is configured otherwise: what is certain, and nothing else.
#[test]
fn only_what_is_certain_changes_a_call() {
    let rules = Rc::new(Rules::default().only(Grade::Certain));
    let mut wrong = Vec::new();
    for case in cases() {
        let (Some(body), Some(media_type)) = (&case.body, &case.media_type) else { continue };
        let Some(grade) = case.grade else { continue };
        let mut masker = Masker::new(Rc::clone(&rules), Syntax::of(media_type.as_bytes(), b""));
        let mut view = Vec::new();
        masker.push(&case.encoded(body), &mut |bytes| view.extend_from_slice(bytes));
        masker.finish(&mut |bytes| view.extend_from_slice(bytes));
        let is_changed = case.is_left(&view) == (case.expect == Expect::Untouched);
        let wanted = (case.expect, grade) == (Expect::Masked, Word::Certain);
        let is_wanted = match case.expect {
            Expect::Untouched => view == case.encoded(body),
            Expect::Masked => case.is_left(&view) != wanted,
        };
        if !is_wanted {
            wrong.push(format!("{}: changed {is_changed}, wanted {wanted}", case.kind));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
