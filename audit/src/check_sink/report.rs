//! What was found, for a person and for a program.

use super::finding::{Circumstances, Finding, Part, Report, Verdict};
use crate::fault::Fault;

pub(crate) fn json(report: &Report) -> Result<String, Fault> {
    serde_json::to_string_pretty(report)
        .map_err(|error| Fault::NoAnswer(format!("error: the report: {error}")))
}

pub(crate) fn text(report: &Report) -> String {
    let mut text = format!("{}, {} days\n", report.sink, report.retention_days);
    text += &circumstances(&report.circumstances);
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
    text
}

/// `asked 2026-11-21T…Z by ledgerline 0.1.0 at https://store.example, as key …LE12`
fn circumstances(of: &Circumstances) -> String {
    let mut text = format!("asked {} by {} {}", of.began_at, of.tool, of.tool_version);
    if let Some(endpoint) = &of.endpoint {
        text += &format!(" at {endpoint}");
    }
    for (role, caller) in [("writer", &of.writer), ("auditor", &of.auditor)] {
        if let Some(caller) = caller {
            text += &format!(", {role} key …{} ({})", caller.key_id_end, caller.key_id_sha256);
        }
    }
    text + "\n"
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
            circumstances: Circumstances::default(),
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
