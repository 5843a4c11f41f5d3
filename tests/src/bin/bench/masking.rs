//! What masking costs beside the hash that it feeds, on bodies of every kind, and what it would cost with
//! what is on the shelf; and what it costs to read such bodies for what they mean, on top of both.

use anyhow::Result;
use serde_json::{Value, json};

use crate::kernel::{Job, Kernel, Way};
use crate::spread::Spread;
use crate::table::{Table, judge, ratio, three_digits, with_unit};

/// Masking and hashing, compared with hashing alone: of sentences, of code, of JSON.
const PROSE_GOAL: f64 = 1.35;
const CODE_GOAL: f64 = 1.8;
const JSON_GOAL: f64 = 1.5;
/// Reading, masking and hashing, compared with masking and hashing alone.
const READING_GOAL: f64 = 1.1;
/// The same for events: each is a link of a chain, which hashes its bytes a second time.
const CHAINED_GOAL: f64 = 1.6;
/// A byte of a long hostile body, compared with one of a short one.
const LINEAR_GOAL: f64 = 1.1;

const SHORT_KIB: u32 = 1024;
const LONG_KIB: u32 = 4 * SHORT_KIB;

/// One kind of body.
struct Body {
    /// What the filter calls it.
    word: &'static str,
    /// What the report calls it.
    title: &'static str,
    nature: Nature,
    /// What masking may cost, where that is said.
    goal: Option<f64>,
    /// What reading may cost, where that is said.
    reading_goal: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// What calls carry.
    Ordinary,
    /// What somebody would send to stall the gateway.
    Hostile,
}

const BODIES: [Body; 17] = {
    use Nature::{Hostile, Ordinary};
    const fn body(word: &'static str, title: &'static str, nature: Nature) -> Body {
        Body { word, title, nature, goal: None, reading_goal: None }
    }
    const fn masked(word: &'static str, title: &'static str, goal: f64) -> Body {
        Body { goal: Some(goal), ..body(word, title, Ordinary) }
    }
    const fn read(body: Body, goal: f64) -> Body {
        Body { reading_goal: Some(goal), ..body }
    }
    [
        read(masked("prose", "chat: prose", PROSE_GOAL), READING_GOAL),
        body("mixed", "chat: prose, a third of it code", Ordinary),
        masked("code", "chat: code", CODE_GOAL),
        masked("dense", "dense JSON", JSON_GOAL),
        read(body("events", "server-sent events", Ordinary), CHAINED_GOAL),
        read(body("image", "image in base64", Ordinary), READING_GOAL),
        read(body("embeddings", "embeddings", Ordinary), READING_GOAL),
        body("quotes", "hostile: quotes", Hostile),
        body("backslashes", "hostile: backslashes", Hostile),
        body("tokens", "hostile: sk-sk-sk-…", Hostile),
        body("depth", "hostile: 10,000 deep", Hostile),
        body("colons", "hostile: \":\":\":…", Hostile),
        body("hollow", "hostile: empty events", Hostile),
        body("names", "hostile: %65yJ_%65yJ_…", Hostile),
        body("options", "hostile: -p -p -p …", Hostile),
        body("pairs", "hostile: value:value:…", Hostile),
        body("secrets", "hostile: token:token=…", Hostile),
    ]
};

const WAYS: [Way; 5] = [Way::Hash, Way::Mask, Way::Prefixes, Way::Patterns, Way::Read];
/// Their places.
const HASH: usize = 0;
const MASK: usize = 1;
const READ: usize = 4;

/// One round: nanoseconds of CPU time per byte, for each body.
pub(crate) struct Round(Vec<Times>);

struct Times {
    /// For each way.
    short: [f64; WAYS.len()],
    /// Read, a hostile body four times as long.
    long: Option<f64>,
}

impl Round {
    /// Every body in every way, the ways of one body right behind each other. Which one begins changes
    /// from round to round.
    pub(crate) async fn run(kernel: &mut Kernel, number: usize, quick: bool) -> Result<Self> {
        let mut bodies = Vec::new();
        for body in &BODIES {
            bodies.push(body.run(kernel, number, quick).await?);
        }
        Ok(Self(bodies))
    }
}

impl Body {
    async fn run(&self, kernel: &mut Kernel, number: usize, quick: bool) -> Result<Times> {
        let count = match (self.nature, quick) {
            (Nature::Hostile, true) => 2,
            (Nature::Hostile, false) => 4,
            (_, true) => 8,
            (_, false) => 16,
        };
        let job = Job { way: Way::Mask, body: self.word, kibibytes: SHORT_KIB, count };
        let mut short = [0.0; WAYS.len()];
        let mut turns: Vec<_> = short.iter_mut().zip(WAYS).collect();
        turns.rotate_left(number % WAYS.len());
        for (time, way) in turns {
            *time = kernel.run(&Job { way, ..job }).await?;
        }
        let long = match self.nature {
            Nature::Hostile => {
                let job = Job { way: Way::Read, kibibytes: LONG_KIB, count: 1, ..job };
                Some(kernel.run(&job).await?)
            }
            _ => None,
        };
        Ok(Times { short, long })
    }
}

/// For each round, the time of one body in one way.
fn times(place: usize, way: usize, rounds: &[Round]) -> Vec<f64> {
    let times = rounds.iter().filter_map(|round| round.0.get(place)?.short.get(way));
    times.copied().collect()
}

/// Figures over the rounds: a base, and others with how they compare to it.
struct Row {
    body: &'static Body,
    base: Spread,
    others: Vec<(Spread, Spread)>,
    goal: Option<f64>,
}

impl Row {
    /// A body in each way but that of reading.
    fn of_ways(place: usize, body: &'static Body, rounds: &[Round]) -> Option<Self> {
        let others = (MASK..READ).map(|way| times(place, way, rounds));
        Self::new(body, times(place, HASH, rounds), others, body.goal)
    }

    /// A body masked, and read besides.
    fn of_reading(place: usize, body: &'static Body, rounds: &[Round]) -> Option<Self> {
        let read = times(place, READ, rounds);
        Self::new(body, times(place, MASK, rounds), [read].into_iter(), body.reading_goal)
    }

    /// A hostile body, short and long.
    fn of_lengths(place: usize, body: &'static Body, rounds: &[Round]) -> Option<Self> {
        let long = rounds.iter().filter_map(|round| round.0.get(place)?.long);
        let long: Vec<f64> = long.collect();
        (!long.is_empty()).then_some(())?;
        Self::new(body, times(place, READ, rounds), [long].into_iter(), Some(LINEAR_GOAL))
    }

    fn new(
        body: &'static Body,
        base: Vec<f64>,
        others: impl Iterator<Item = Vec<f64>>,
        goal: Option<f64>,
    ) -> Option<Self> {
        let others = others.map(|other| {
            let ratios: Vec<f64> =
                other.iter().zip(&base).map(|(other, base)| other / base).collect();
            Some((Spread::of(&other)?, Spread::of(&ratios)?))
        });
        Some(Self { body, others: others.collect::<Option<_>>()?, base: Spread::of(&base)?, goal })
    }

    fn cells(&self) -> Vec<String> {
        let time = |time: &Spread| with_unit(&three_digits(time.median), "ns");
        let mut cells = vec![self.body.title.to_owned(), time(&self.base)];
        for (figure, compared) in &self.others {
            cells.extend([time(figure), ratio(compared)]);
        }
        cells.push(match (self.goal, self.others.first()) {
            (Some(goal), Some((_, compared))) => judge(compared.median, goal, ""),
            _ => String::new(),
        });
        cells
    }

    fn to_json(&self, names: &[&str]) -> Value {
        let others = names.iter().skip(1).zip(&self.others).map(|(name, (figure, compared))| {
            ((*name).to_owned(), json!({"figure": figure, "compared": compared}))
        });
        json!({
            "body": self.body.title,
            "unit": "ns per byte",
            "goal": self.goal,
            "base": self.base,
            "others": others.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// All rounds.
#[derive(Default)]
pub(crate) struct Masking(pub(crate) Vec<Round>);

/// What is held against what.
struct Comparison {
    /// In the JSON report.
    key: &'static str,
    /// In the corner of the table.
    subject: &'static str,
    /// The first is what the others are compared with.
    names: &'static [&'static str],
    row: fn(usize, &'static Body, &[Round]) -> Option<Row>,
}

const COMPARISONS: [Comparison; 3] = {
    const MASKED: &str = "masked + SHA-256";
    [
        Comparison {
            key: "ways",
            subject: "1 MiB in the VM, CPU per byte",
            names: &["SHA-256 alone", MASKED, "Aho-Corasick + SHA-256", "10 regexes + SHA-256"],
            row: Row::of_ways,
        },
        Comparison {
            key: "reading",
            subject: "1 MiB in the VM, CPU per byte",
            names: &[MASKED, "the same, and read"],
            row: Row::of_reading,
        },
        Comparison {
            key: "lengths",
            subject: "masked, hashed and read, CPU per byte",
            names: &["1 MiB", "4 MiB"],
            row: Row::of_lengths,
        },
    ]
};

impl Masking {
    /// Beside the hash alone, read beside masked, and long beside short; none if it was not measured.
    pub(crate) fn tables(&self) -> Vec<Table> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let tables = COMPARISONS.iter().map(|comparison| {
            let mut table = Table::new(comparison.subject, comparison.names);
            self.rows(comparison).for_each(|row| table.line(row.cells()));
            table
        });
        tables.collect()
    }

    /// For the JSON report.
    pub(crate) fn to_json(&self) -> Value {
        let comparisons = COMPARISONS.iter().map(|comparison| {
            let rows = self.rows(comparison).map(|row| row.to_json(comparison.names));
            (comparison.key.to_owned(), rows.collect())
        });
        Value::Object(comparisons.collect())
    }

    fn rows(&self, comparison: &Comparison) -> impl Iterator<Item = Row> {
        let bodies = BODIES.iter().enumerate();
        bodies.filter_map(|(place, body)| (comparison.row)(place, body, &self.0))
    }
}
