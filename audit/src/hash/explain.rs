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

use ledgerline_core::mask::{Finding, Masker, Order};

use super::{method::Method, payload};
use crate::{fault::Fault, plain::Shown, say::unwritten};

/// How much of the view is shown on either side of a placeholder, in bytes, and in units of UTF-16.
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
    let mut place = Place { order: masker.order(), ..Place::default() };
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
    /// Which byte of a letter comes first, if the view is in UTF-16.
    order: Option<Order>,
}

impl Place {
    /// To the next finding; the findings come in their order.
    fn go_on(&mut self, view: &[u8], finding: &Finding) {
        let at = usize::try_from(finding.view_at).unwrap_or(usize::MAX).min(view.len());
        let between = self.units(view.get(self.at..at).unwrap_or_default());
        let is_end = |unit: &u16| *unit == u16::from(b'\n');
        self.row += between.iter().filter(|unit| is_end(unit)).count();
        if let Some(end) = between.iter().rposition(is_end) {
            self.line = self.at + (end + 1) * self.width();
        }
        self.at = at;
    }

    /// The bytes of a unit.
    fn width(&self) -> usize {
        if self.order.is_some() { 2 } else { 1 }
    }

    /// The units of UTF-16, or the bytes.
    fn units(&self, bytes: &[u8]) -> Vec<u16> {
        let (pairs, _) = bytes.as_chunks::<2>();
        match self.order {
            Some(Order::Big) => pairs.iter().copied().map(u16::from_be_bytes).collect(),
            Some(Order::Little) => pairs.iter().copied().map(u16::from_le_bytes).collect(),
            None => bytes.iter().copied().map(u16::from).collect(),
        }
    }

    /// Text that a terminal may show in one line.
    fn shown(&self, bytes: &[u8]) -> String {
        let text = match self.order {
            Some(_) => String::from_utf16_lossy(&self.units(bytes)),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
    }

    fn line(&self, file: &Path, finding: &Finding, view: &[u8], placeholder: &str) -> String {
        let width = self.width();
        let near = self.at.saturating_sub(BEFORE * width)..self.at;
        let near = view.get(near).unwrap_or_default();
        let behind = view.get(self.at + placeholder.len() * width..).unwrap_or_default();
        let behind = behind.get(..BEHIND * width).unwrap_or(behind);
        format!(
            "{}:{}:{}: {}, {}, byte {}: {}{placeholder}{}",
            file.shown(),
            self.row + 1,
            (self.at - self.line) / width + 1,
            finding.rule,
            finding.grade.as_str(),
            finding.at,
            self.shown(near),
            self.shown(behind),
        )
    }
}

#[cfg(test)]
mod tests {
    use ledgerline_core::mask::{Grade, PLACEHOLDER, Rules, Syntax};

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

    #[test]
    fn of_utf_16_bytes_are_told_and_letters_are_shown() {
        let rules = Rc::new(Rules::default());
        let text = "\u{feff}é\n{\"password\":\"hunter2x-Fake9\",\"b\":\"ü\"}";
        for (order, bytes) in [
            (Order::Little, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
            (Order::Big, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            let mut masker = Masker::new(Rc::clone(&rules), Syntax::Json).explaining();
            let mut view = Vec::new();
            bytes.chunks(5).for_each(|chunk| {
                masker.push(chunk, &mut |bytes| view.extend_from_slice(bytes));
            });
            masker.finish(&mut |bytes| view.extend_from_slice(bytes));
            assert_eq!(masker.order(), Some(order));
            let finding = &masker.masked().findings()[0];
            let mut place = Place { order: masker.order(), ..Place::default() };
            place.go_on(&view, finding);
            let line = place.line(Path::new("x"), finding, &view, PLACEHOLDER);
            let expected = format!(
                "x:2:14: name, certain, byte 32: \u{feff}é\\n{{\"password\":\"{PLACEHOLDER}\",\"b\":\"ü\"}}"
            );
            assert_eq!(line.replace("\\u{feff}", "\u{feff}"), expected);
        }
    }
}
