//! What was found, for a person and for a program.

use std::io::Write;

use super::finding::{Finding, Part, Report, Verdict};

pub(crate) fn print_json(report: &Report) {
    if let Ok(text) = serde_json::to_string_pretty(report) {
        print(&format!("{text}\n"));
    }
}

pub(crate) fn print_text(report: &Report) {
    let mut text = format!("{}, {} days\n", report.sink, report.retention_days);
    for (part, title) in [(Part::Storage, "storage"), (Part::Rights, "rights of the writer")] {
        let rows: Vec<_> = report.findings.iter().filter(|finding| finding.part == part).collect();
        if !rows.is_empty() {
            text += &format!("\n{title}\n{}", table(&rows));
        }
    }
    let left = report.left_behind.len();
    if left > 0 {
        text += &format!("\nleft behind until their lock ends ({left}):\n");
        report.left_behind.iter().for_each(|name| text += &format!("  {name}\n"));
    }
    text += &format!("\n{}\n", last_line(report));
    print(&text);
}

/// `s3://ledger/egress: holds: 23 of 23 promises, …`.
pub(crate) fn last_line(report: &Report) -> String {
    let count =
        |verdict| report.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let mut line = format!(
        "{}: {}: {} of {} promises hold",
        report.sink,
        report.verdict.as_str(),
        count(Verdict::Holds),
        report.findings.len()
    );
    for (verdict, word) in [
        (Verdict::DoesNotHold, "do not"),
        (Verdict::NotProven, "are not proven"),
        (Verdict::TooWide, "show rights that are too wide"),
    ] {
        match count(verdict) {
            0 => {}
            number => line += &format!(", {number} {word}"),
        }
    }
    line
}

fn table(rows: &[&Finding]) -> String {
    let width = |column: fn(&Finding) -> &str| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or_default()
    };
    let (promise, tried) = (width(|row| row.promise), width(|row| &row.tried));
    let mut text = String::new();
    for row in rows {
        let verdict = row.verdict.as_str();
        text += &format!(
            "  {verdict:<13}  {:<promise$}  {:<tried$}  {}\n",
            row.promise, row.tried, row.answered
        );
        if !row.note.is_empty() {
            text += &format!("  {:<13}  {}\n", "", row.note);
        }
    }
    text
}

fn print(text: &str) {
    if anstream::stdout().lock().write_all(text.as_bytes()).is_err() {
        // The reader of our output has gone, such as `head`: there is nobody left to tell.
        std::process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Judgement, *};

    #[test]
    fn the_last_line_names_the_sink_the_verdict_and_the_ratio() {
        let finding =
            |judgement| Finding::new(Part::Storage, "it is kept", "put", "done", judgement);
        let findings = vec![
            finding(Judgement::holds("")),
            finding(Judgement::fails("why")),
            finding(Judgement::too_wide("why")),
        ];
        let report = Report {
            sink: "s3://ledger/egress".into(),
            retention_days: 180,
            verdict: Verdict::of(&findings),
            left_behind: Vec::new(),
            findings,
        };
        assert_eq!(
            last_line(&report),
            "s3://ledger/egress: does not hold: 1 of 3 promises hold, 1 do not, 1 show rights that are too wide"
        );
    }

    #[test]
    fn a_note_stands_below_its_row() {
        let row = Finding::new(Part::Storage, "kept", "put", "403", Judgement::fails("why"));
        assert_eq!(table(&[&row]), "  does not hold  kept  put  403\n                 why\n");
    }
}
