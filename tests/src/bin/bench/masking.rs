//! What masking costs beside the hash that it feeds, on bodies of every kind, and what it would cost with
//! what is on the shelf.

use anyhow::Result;
use serde_json::{Value, json};

use crate::kernel::{Job, Kernel, Way};
use crate::spread::Spread;
use crate::table::{Table, judge, ratio, three_digits, with_unit};

/// Masking and hashing, compared with hashing alone.
const GOAL: f64 = 1.25;
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// What nearly all calls carry: the goal is for these.
    Chat,
    /// What others carry.
    Other,
    /// What somebody would send to stall the gateway.
    Hostile,
}

const BODIES: [Body; 12] = {
    use Nature::{Chat, Hostile, Other};
    const fn body(word: &'static str, title: &'static str, nature: Nature) -> Body {
        Body { word, title, nature }
    }
    [
        body("prose", "chat: prose", Chat),
        body("mixed", "chat: prose, a third of it code", Chat),
        body("code", "chat: code", Chat),
        body("dense", "dense JSON", Other),
        body("events", "server-sent events", Other),
        body("image", "image in base64", Other),
        body("embeddings", "embeddings", Other),
        body("quotes", "hostile: quotes", Hostile),
        body("backslashes", "hostile: backslashes", Hostile),
        body("tokens", "hostile: sk-sk-sk-…", Hostile),
        body("depth", "hostile: 10,000 deep", Hostile),
        body("colons", "hostile: \":\":\":…", Hostile),
    ]
};

/// The first is what the others are compared with.
const WAYS: [(Way, &str); 4] = [
    (Way::Hash, "SHA-256 alone"),
    (Way::Mask, "masked + SHA-256"),
    (Way::Prefixes, "Aho-Corasick + SHA-256"),
    (Way::Patterns, "10 regexes + SHA-256"),
];

/// One round: nanoseconds of CPU time per byte, for each body.
pub(crate) struct Round(Vec<Times>);

struct Times {
    /// For each way.
    short: [f64; WAYS.len()],
    /// Masked, a hostile body four times as long.
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
        for (time, (way, _)) in turns {
            *time = kernel.run(&Job { way, ..job }).await?;
        }
        let long = match self.nature {
            Nature::Hostile => {
                Some(kernel.run(&Job { kibibytes: LONG_KIB, count: 1, ..job }).await?)
            }
            _ => None,
        };
        Ok(Times { short, long })
    }
}

/// Figures over the rounds: a base, and others with how they compare to it.
struct Row {
    body: &'static Body,
    base: Spread,
    others: Vec<(Spread, Spread)>,
    goal: Option<f64>,
}

impl Row {
    /// A body in each way.
    fn of_ways(place: usize, body: &'static Body, rounds: &[Round]) -> Option<Self> {
        let times: Vec<&Times> = rounds.iter().filter_map(|round| round.0.get(place)).collect();
        let way = |way: usize| -> Vec<f64> {
            times.iter().filter_map(|times| times.short.get(way).copied()).collect()
        };
        let goal = (body.nature == Nature::Chat).then_some(GOAL);
        Self::new(body, way(0), (1..WAYS.len()).map(way), goal)
    }

    /// A hostile body, short and long.
    fn of_lengths(place: usize, body: &'static Body, rounds: &[Round]) -> Option<Self> {
        let times: Vec<&Times> = rounds.iter().filter_map(|round| round.0.get(place)).collect();
        let short = times.iter().map(|times| times.short[1]).collect();
        let long: Vec<f64> = times.iter().filter_map(|times| times.long).collect();
        (!long.is_empty()).then_some(())?;
        Self::new(body, short, [long].into_iter(), Some(LINEAR_GOAL))
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

const LENGTHS: [&str; 2] = ["1 MiB", "4 MiB"];

impl Masking {
    /// Beside the hash alone, and long beside short; none if it was not measured.
    pub(crate) fn tables(&self) -> Vec<Table> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut ways = Table::new("1 MiB in the VM, CPU per byte", &WAYS.map(|(_, name)| name));
        self.ways().for_each(|row| ways.line(row.cells()));
        let mut lengths = Table::new("masked, CPU per byte", &LENGTHS);
        self.lengths().for_each(|row| lengths.line(row.cells()));
        vec![ways, lengths]
    }

    /// For the JSON report.
    pub(crate) fn to_json(&self) -> Value {
        let (ways, lengths) = (WAYS.map(|(_, name)| name), LENGTHS);
        json!({
            "ways": self.ways().map(|row| row.to_json(&ways)).collect::<Vec<_>>(),
            "lengths": self.lengths().map(|row| row.to_json(&lengths)).collect::<Vec<_>>(),
        })
    }

    fn ways(&self) -> impl Iterator<Item = Row> {
        let bodies = BODIES.iter().enumerate();
        bodies.filter_map(|(place, body)| Row::of_ways(place, body, &self.0))
    }

    fn lengths(&self) -> impl Iterator<Item = Row> {
        let bodies = BODIES.iter().enumerate();
        bodies.filter_map(|(place, body)| Row::of_lengths(place, body, &self.0))
    }
}
