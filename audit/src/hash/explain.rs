//! Why each secret of a payload was found: its rule, how sure that is, where it stands, and what is near.
//!
//! ```text
//! call.json:1:58: context, likely: …"content":"deploy --password ***REDACTED*** --verbose"}]}
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
use crate::{fault::Fault, say::unwritten};

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
    for finding in findings {
        let line = line(file, finding, &view, rules.placeholder());
        writeln!(out, "{line}").map_err(|error| unwritten(&error))?;
    }
    if findings.is_empty() {
        anstream::eprintln!("{}: nothing masked", file.display());
    }
    Ok(())
}

fn line(file: &Path, finding: &Finding, view: &[u8], placeholder: &str) -> String {
    let at = usize::try_from(finding.view_at).unwrap_or(usize::MAX).min(view.len());
    let before = view.get(..at).unwrap_or_default();
    let row = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let near = before.get(at.saturating_sub(BEFORE)..).unwrap_or_default();
    let behind = view.get(at + placeholder.len()..).unwrap_or_default();
    let behind = behind.get(..BEHIND).unwrap_or(behind);
    format!(
        "{}:{row}:{}: {}, {}, byte {}: {}{placeholder}{}",
        file.display(),
        at - begin + 1,
        finding.rule,
        finding.grade.as_str(),
        finding.at,
        shown(near),
        shown(behind),
    )
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
        let line = line(Path::new("x"), &finding, view.as_bytes(), PLACEHOLDER);
        let expected =
            format!("x:2:13: context, likely, byte 14: a\\nb password: {PLACEHOLDER}\\nc");
        assert_eq!(line, expected);
    }
}
