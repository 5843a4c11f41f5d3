//! Why each secret of a payload was found: its rule, how sure that is, where it stands, and what is near.
//!
//! ```text
//! call.json:1:58: context, likely, byte 57: …"content":"deploy --password ***REDACTED*** --verbose"}]}
//! ```
//!
//! What is near is taken from the masked view, so no line shows a secret that was found.

use std::{
    io::{self, Write},
    path::Path,
    rc::Rc,
};

use ledgerline_core::mask::{Finding, Masker};

use super::{method::Method, payload};
use crate::{fault::Fault, plain::Shown, say::unwritten};

/// How much of the view is shown on either side of a placeholder, in bytes.
const BEFORE: usize = 40;
const BEHIND: usize = 24;

/// Lists what is masked in `file`.
pub(super) fn run(file: &Path, method: &Method) -> Result<(), Fault> {
    method.check_view(file)?;
    let rules = Rc::clone(&method.reading.rules);
    let mut masker = Masker::new(Rc::clone(&rules), method.syntax.clone()).explaining();
    let mut view = Vec::new();
    payload::each_chunk(file, false, |bytes| {
        masker.push(bytes, &mut |bytes| view.extend_from_slice(bytes));
        Ok(())
    })?;
    masker.finish(&mut |bytes| view.extend_from_slice(bytes));
    let findings = masker.masked().findings();
    let mut out = io::stdout().lock();
    let mut place = Place::default();
    for finding in findings {
        place.go_on(&view, finding);
        let line = place.line(file, finding, &view, rules.placeholder());
        writeln!(out, "{line}").map_err(|error| unwritten(&error))?;
    }
    if findings.is_empty() {
        anstream::eprintln!("{}: nothing masked", file.shown());
    }
    Ok(())
}

/// A place in the view, and where its line begins.
#[derive(Default)]
struct Place {
    at: usize,
    /// Line ends before it.
    row: usize,
    line: usize,
}

impl Place {
    /// To the next finding; the findings come in their order.
    fn go_on(&mut self, view: &[u8], finding: &Finding) {
        let at = usize::try_from(finding.view_at).unwrap_or(usize::MAX).min(view.len());
        let between = view.get(self.at..at).unwrap_or_default();
        self.row += between.iter().filter(|byte| **byte == b'\n').count();
        if let Some(end) = between.iter().rposition(|byte| *byte == b'\n') {
            self.line = self.at + end + 1;
        }
        self.at = at;
    }

    fn line(&self, file: &Path, finding: &Finding, view: &[u8], placeholder: &str) -> String {
        let near = view.get(self.at.saturating_sub(BEFORE)..self.at).unwrap_or_default();
        let behind = view.get(self.at + placeholder.len()..).unwrap_or_default();
        let behind = behind.get(..BEHIND).unwrap_or(behind);
        format!(
            "{}:{}:{}: {}, {}, byte {}: {}{placeholder}{}",
            file.shown(),
            self.row + 1,
            self.at - self.line + 1,
            finding.rule,
            finding.grade.as_str(),
            finding.at,
            shown(near),
            shown(behind),
        )
    }
}

/// Text that a terminal may show in one line.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .escape_debug()
        .to_string()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use ledgerline_core::mask::{Grade, PLACEHOLDER};

    use super::*;

    #[test]
    fn a_line_says_what_where_and_what_is_near() {
        let view = format!("a\nb password: {PLACEHOLDER}\nc");
        let view_at = view.find(PLACEHOLDER).unwrap() as u64;
        let finding = Finding { rule: "context".into(), grade: Grade::Likely, at: 14, view_at };
        let mut place = Place::default();
        place.go_on(view.as_bytes(), &finding);
        let line = place.line(Path::new("x"), &finding, view.as_bytes(), PLACEHOLDER);
        let expected =
            format!("x:2:13: context, likely, byte 14: a\\nb password: {PLACEHOLDER}\\nc");
        assert_eq!(line, expected);
    }
}
