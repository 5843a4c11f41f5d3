//! How figures are printed: in a table, as text or as Markdown.

use crate::spread::Spread;

/// Lines of equally many cells.
pub(crate) struct Table {
    lines: Vec<Line>,
}

struct Line {
    is_heading: bool,
    cells: Vec<String>,
}

impl Table {
    /// What the lines are about, what all is compared with, and what is compared.
    pub(crate) fn new(subject: &str, names: &[impl AsRef<str>]) -> Self {
        let mut names = names.iter().map(|name| name.as_ref().to_owned());
        let mut cells = vec![subject.to_owned()];
        cells.extend(names.next());
        names.for_each(|name| cells.extend([name, "compared".into()]));
        cells.push("goal".into());
        Self { lines: vec![Line { is_heading: true, cells }] }
    }

    /// A line that is the title of those below.
    pub(crate) fn heading(&mut self, title: String) {
        let columns = self.lines.first().map_or(0, |line| line.cells.len());
        let mut cells = vec![String::new(); columns];
        if let Some(first) = cells.first_mut() {
            *first = title;
        }
        self.lines.push(Line { is_heading: true, cells });
    }

    /// A line of figures.
    pub(crate) fn line(&mut self, cells: Vec<String>) {
        self.lines.push(Line { is_heading: false, cells });
    }

    /// For a terminal.
    pub(crate) fn to_text(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for line in &self.lines {
            let cells = line.cells.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| match column {
                0 if line.is_heading => format!("{cell:<0$}", width + 2),
                0 => format!("  {cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let cells: Vec<_> = cells.collect();
            text.push_str(cells.join("   ").trim_end());
            text.push('\n');
        }
        text
    }

    /// For a document.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (number, line) in self.lines.iter().enumerate() {
            let cells = line.cells.iter().map(|cell| match cell.as_str() {
                "" => String::new(),
                cell if line.is_heading && number > 0 => format!("**{cell}**"),
                cell => cell.replace("<=", "≤"),
            });
            text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
            if number == 0 {
                let columns = line.cells.len();
                text.push_str(&format!("|---|{}\n", "---:|".repeat(columns.saturating_sub(1))));
            }
        }
        text
    }

    /// The widest cell of each column; a title may run into the columns beside it.
    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            let counted = if line.is_heading && number > 0 { &[][..] } else { &line.cells };
            for (column, cell) in counted.iter().enumerate() {
                if widths.len() <= column {
                    widths.push(0);
                }
                if let Some(width) = widths.get_mut(column) {
                    *width = cell.chars().count().max(*width);
                }
            }
        }
        widths
    }
}

/// Whether a value reaches its goal.
pub(crate) fn judge(value: f64, goal: f64, unit: &str) -> String {
    let verdict = if value <= goal { "met" } else { "missed" };
    format!("<= {} {verdict}", with_unit(&three_digits(goal), unit))
}

/// As people write it.
pub(crate) fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// As much of a figure as means something.
pub(crate) fn three_digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// With its sign, which a figure that adds something has.
pub(crate) fn signed(value: f64, print: impl Fn(f64) -> String) -> String {
    if value < 0.0 { print(value) } else { format!("+{}", print(value)) }
}

/// A ratio over the rounds.
pub(crate) fn ratio(spread: &Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(three_digits);
    format!("x {median} [{min} to {max}]")
}
