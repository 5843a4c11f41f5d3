//! The report: which figures there are, and what they are compared with.

use serde_json::{Value, json};

use crate::case::Case;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::rounds::{Measured, Sample};
use crate::spread::Spread;
use crate::streams::Streams;
use crate::table::{Table, judge, ratio, signed, three_digits, with_unit};

/// The module may not be larger than this; `filter/build.sh` knows it too.
const MODULE_GOAL_KIB: f64 = 960.0;

/// An upload is looked into: masking may cost a quarter of the hash, and the way into the VM a tenth.
const LOOKED_INTO_GOAL: f64 = 1.35;

/// All that is known at the end of a run.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) envoy: String,
    pub(crate) module_bytes: u64,
    pub(crate) measured: Measured,
    /// Not measured when only some cases were.
    pub(crate) memory: Option<Memory>,
    /// The same, unless it was asked for.
    pub(crate) streams: Option<Streams>,
}

/// A figure of each proxy, and how the proxies are compared by it.
struct Figure {
    case: Case,
    name: &'static str,
    unit: &'static str,
    value: fn(Case, &Sample) -> f64,
    comparison: Comparison,
    goal: Option<f64>,
}

/// Each within one round.
#[derive(Clone, Copy)]
enum Comparison {
    /// The figure with the filter, divided by that without.
    Ratio,
    /// The difference of the two.
    Added,
    /// The difference, divided by what SHA-256 alone takes.
    AddedOverHash,
}

const FIGURES: &[Figure] = {
    use Comparison::{Added, AddedOverHash, Ratio};
    const fn figure(
        case: Case,
        name: &'static str,
        unit: &'static str,
        value: fn(Case, &Sample) -> f64,
        comparison: Comparison,
        goal: Option<f64>,
    ) -> Figure {
        Figure { case, name, unit, value, comparison, goal }
    }
    const CPU: &str = "CPU per call";
    const CPU_BYTE: &str = "CPU per byte";
    const CPU_EVENT: &str = "CPU per event";
    const HASH: &str = "CPU per byte: SHA-256 alone, and added";
    const RATE: &str = "calls per second";
    const THROUGHPUT: &str = "throughput";
    &[
        figure(Case::Small, CPU, "us", cpu_per_call, Ratio, Some(1.4)),
        figure(Case::Small, RATE, "", calls_per_second, Ratio, None),
        figure(Case::Small, "latency, p50", "us", p50, Ratio, None),
        figure(Case::Small, "latency, p99", "us", p99, Ratio, None),
        figure(Case::Alone, CPU, "us", cpu_per_call, Ratio, None),
        figure(Case::Alone, "latency, p50", "us", p50, Added, None),
        figure(Case::Medium, CPU, "us", cpu_per_call, Ratio, None),
        figure(Case::Medium, RATE, "", calls_per_second, Ratio, None),
        figure(Case::Upload, CPU_BYTE, "ns", cpu_per_byte, Ratio, None),
        figure(Case::Upload, HASH, "ns", cpu_per_byte, AddedOverHash, Some(LOOKED_INTO_GOAL)),
        figure(Case::Upload, THROUGHPUT, "MB/s", megabytes_per_second, Ratio, None),
        figure(Case::Download, CPU_BYTE, "ns", cpu_per_byte, Ratio, None),
        figure(Case::Download, HASH, "ns", cpu_per_byte, AddedOverHash, Some(1.1)),
        figure(Case::Download, THROUGHPUT, "MB/s", megabytes_per_second, Ratio, None),
        figure(Case::Stream, CPU_EVENT, "us", cpu_per_event, Added, Some(3.0)),
        // Below 1 some events came together, and the filter saw them as one chunk.
        figure(Case::Stream, "reads per event", "", reads_per_event, Ratio, None),
        figure(Case::Burst, CPU_EVENT, "us", cpu_per_event, Added, None),
        // A nanosecond per byte is a millisecond per megabyte.
        figure(Case::Burst, "CPU per MB", "ms", cpu_per_byte, Added, None),
        figure(Case::Burst, HASH, "ns", cpu_per_byte, AddedOverHash, None),
        figure(Case::Burst, THROUGHPUT, "MB/s", megabytes_per_second, Ratio, None),
    ]
};

fn cpu_per_call(_: Case, sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64() * 1e6 / sample.calls()
}

fn calls_per_second(_: Case, sample: &Sample) -> f64 {
    sample.calls() / sample.seen.wall.as_secs_f64()
}

fn p50(_: Case, sample: &Sample) -> f64 {
    sample.latency(50).as_secs_f64() * 1e6
}

fn p99(_: Case, sample: &Sample) -> f64 {
    sample.latency(99).as_secs_f64() * 1e6
}

fn cpu_per_byte(case: Case, sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64() * 1e9 / (sample.calls() * case.bytes())
}

fn megabytes_per_second(case: Case, sample: &Sample) -> f64 {
    sample.calls() * case.bytes() / 1e6 / sample.seen.wall.as_secs_f64()
}

fn cpu_per_event(case: Case, sample: &Sample) -> f64 {
    sample.cpu.as_secs_f64() * 1e6 / (sample.calls() * case.events())
}

fn reads_per_event(case: Case, sample: &Sample) -> f64 {
    sample.seen.reads as f64 / (sample.calls() * case.events())
}

/// A figure over the rounds.
struct Row {
    figure: &'static Figure,
    /// Of Envoy alone, or of SHA-256 alone.
    base: Spread,
    /// For each further proxy its figure, and how it compares.
    others: Vec<(Spread, Spread)>,
}

impl Row {
    fn new(figure: &'static Figure, measured: &Measured) -> Option<Self> {
        let envoy = figure.rounds(measured, 0)?;
        let base = match figure.comparison {
            Comparison::Ratio | Comparison::Added => &envoy,
            Comparison::AddedOverHash => &measured.kernel,
        };
        let compare = |place| {
            let raw = figure.rounds(measured, place)?;
            let added = zip(&raw, &envoy, |with, without| with - without);
            let (shown, compared) = match figure.comparison {
                Comparison::Ratio => (&raw, zip(&raw, &envoy, |with, without| with / without)),
                Comparison::Added => (&raw, added.clone()),
                Comparison::AddedOverHash => {
                    (&added, zip(&added, base, |added, hash| added / hash))
                }
            };
            Some((Spread::of(shown)?, Spread::of(&compared)?))
        };
        let others = (1..measured.proxies.len()).map(compare).collect::<Option<_>>()?;
        Some(Self { figure, base: Spread::of(base)?, others })
    }

    /// Whether the shipped filter reaches the goal, where there is one.
    fn verdict(&self) -> String {
        match (self.figure.goal, self.others.first()) {
            (Some(goal), Some((_, compared))) => judge(compared.median, goal, self.compared_unit()),
            _ => String::new(),
        }
    }

    fn compared_unit(&self) -> &'static str {
        match self.figure.comparison {
            Comparison::Added => self.figure.unit,
            Comparison::Ratio | Comparison::AddedOverHash => "",
        }
    }

    fn compared(&self, spread: &Spread) -> String {
        match self.figure.comparison {
            Comparison::Ratio | Comparison::AddedOverHash => ratio(spread),
            Comparison::Added => {
                let [min, max] = [spread.min, spread.max].map(three_digits);
                let print = |value| with_unit(&three_digits(value), self.figure.unit);
                format!("{} [{min} to {max}]", signed(spread.median, print))
            }
        }
    }

    fn cells(&self) -> Vec<String> {
        let shown = |spread: &Spread| with_unit(&three_digits(spread.median), self.figure.unit);
        let mut cells = vec![self.figure.name.to_owned(), shown(&self.base)];
        for (figure, compared) in &self.others {
            cells.extend([shown(figure), self.compared(compared)]);
        }
        cells.push(self.verdict());
        cells
    }

    fn to_json(&self, measured: &Measured) -> Value {
        let others = measured.proxies.iter().skip(1).zip(&self.others);
        let others = others.map(|(name, (figure, compared))| {
            (name.clone(), json!({"figure": figure, "compared": compared}))
        });
        json!({
            "case": self.figure.case.title(),
            "name": self.figure.name,
            "unit": self.figure.unit,
            "comparison": match self.figure.comparison {
                Comparison::Ratio => "ratio",
                Comparison::Added => "added",
                Comparison::AddedOverHash => "added over SHA-256 alone",
            },
            "goal": self.figure.goal,
            "base": self.base,
            "others": others.collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl Figure {
    /// One value for each round of the proxy at `place`.
    fn rounds(&self, measured: &Measured, place: usize) -> Option<Vec<f64>> {
        let case = measured.cases.iter().position(|case| *case == self.case)?;
        let samples = measured.rounds.iter().map(|round| round.get(case)?.get(place));
        samples.map(|sample| sample.map(|sample| (self.value)(self.case, sample))).collect()
    }
}

fn zip(left: &[f64], right: &[f64], join: fn(f64, f64) -> f64) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| join(*left, *right)).collect()
}

impl Report {
    /// Tables for a terminal.
    pub(crate) fn to_text(&self) -> String {
        self.print(Table::to_text)
    }

    /// Tables for a document.
    pub(crate) fn to_markdown(&self) -> String {
        self.print(Table::to_markdown)
    }

    fn print(&self, print: fn(&Table) -> String) -> String {
        let tables = std::iter::once(self.table()).chain(self.measured.masking.tables());
        let parts: Vec<_> =
            std::iter::once(self.header()).chain(tables.map(|table| print(&table))).collect();
        parts.join("\n")
    }

    /// All figures for a program.
    pub(crate) fn to_json(&self) -> Value {
        let measured = &self.measured;
        json!({
            "machine": self.machine.to_json(),
            "envoy": self.envoy,
            "rounds": measured.rounds.len(),
            "module_bytes": self.module_bytes,
            "sha256_ns_per_byte": Spread::of(&measured.kernel),
            "figures": self.rows().iter().map(|row| row.to_json(measured)).collect::<Vec<_>>(),
            "masking": measured.masking.to_json(),
            "memory": self.memory.as_ref().map(|memory| memory.to_json(&measured.proxies)),
            "streams": self.streams.as_ref().map(|streams| streams.to_json(&measured.proxies)),
        })
    }

    fn header(&self) -> String {
        let kernel = Spread::of(&self.measured.kernel).map_or(String::new(), |hash| {
            let (time, speed) = (three_digits(hash.median), three_digits(1e3 / hash.median));
            format!(" SHA-256 alone in the same VM: {time} ns per byte, {speed} MB/s.")
        });
        format!(
            "Envoy {}, one worker; {}.\nMedians of {} rounds [least to greatest]; \"x\" is a ratio within a round.{kernel}\n",
            self.envoy,
            self.machine.describe(),
            self.measured.rounds.len(),
        )
    }

    fn rows(&self) -> Vec<Row> {
        FIGURES.iter().filter_map(|figure| Row::new(figure, &self.measured)).collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new("", &self.measured.proxies);
        let mut case = None;
        for row in self.rows() {
            if case.replace(row.figure.case) != Some(row.figure.case) {
                table.heading(row.figure.case.title());
            }
            table.line(row.cells());
        }
        table.heading("size".into());
        for (name, bytes) in self.memory.iter().flat_map(Memory::lines) {
            table.line(sizes(name, &bytes));
        }
        if let Some(streams) = &self.streams {
            table.line(streams.cells());
        }
        table.line(self.module());
        table
    }

    fn module(&self) -> Vec<String> {
        let kibibytes = self.module_bytes as f64 / 1024.0;
        let mut cells = vec![String::new(); self.measured.proxies.len() * 2 - 1];
        cells.splice(
            0..1,
            ["module".into(), String::new(), with_unit(&three_digits(kibibytes), "KiB")],
        );
        cells.push(judge(kibibytes, MODULE_GOAL_KIB, "KiB"));
        cells
    }
}

fn sizes(name: String, bytes: &[u64]) -> Vec<String> {
    let mebibytes = |bytes: &u64| with_unit(&three_digits(*bytes as f64 / 1_048_576.0), "MiB");
    let mut cells = vec![name];
    cells.extend(bytes.first().map(mebibytes));
    for bytes in bytes.iter().skip(1) {
        cells.extend([mebibytes(bytes), String::new()]);
    }
    cells.push(String::new());
    cells
}
