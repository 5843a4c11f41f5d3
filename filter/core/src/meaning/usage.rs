//! How many tokens a call used.
//!
//! Providers count the same thing in different ways. To OpenAI and Gemini the cached tokens are some
//! of the input tokens; to Anthropic and Bedrock they come on top. To OpenAI the tokens of reasoning
//! are some of the output; to Gemini they come on top, and to xAI too, which says it in OpenAI's
//! words: there the total tells. An entry holds one meaning, that of OpenTelemetry: the input is all
//! input, the output all output.
//!
//! Anthropic may need several runs of a model for one answer, and lists them as *iterations*. The
//! counts of the answer hold those that wrote it, and not the one that shortened the conversation
//! before ([`Run`]).

/// One count, by what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// All input, whatever came out of a cache.
    Input,
    /// Input that neither came out of a cache nor went into one.
    PlainInput,
    /// Input that is paid for, where it is not said how much there was.
    BilledInput,
    /// Results of tools that the provider itself gave to the model.
    ToolInput,
    /// Input out of a cache, on top of [`Count::PlainInput`].
    CacheRead,
    /// Input into a cache, on top of [`Count::PlainInput`].
    CacheCreation,
    /// Input out of a cache, part of [`Count::Input`].
    CacheReadPart,
    /// Input into a cache, part of [`Count::Input`].
    CacheCreationPart,
    /// Output.
    Output,
    /// Output spent on reasoning, on top of [`Count::Output`].
    Thoughts,
    /// Output spent on reasoning, part of [`Count::Output`] unless the total says otherwise.
    Reasoning,
    /// Everything together.
    Total,
}

const COUNTS: usize = 12;

type Counts = [Option<u64>; COUNTS];

/// One of several runs of a model for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// The counts of the answer hold it.
    Counted,
    /// They do not.
    Beside,
}

/// What was counted. What nobody counted is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    counts: Counts,
    /// All runs that are listed, together.
    runs: Option<Counts>,
    /// Of these, those that the counts do not hold.
    beside: Option<Counts>,
}

impl Usage {
    pub(super) fn set(&mut self, count: Count, number: u64) {
        if let Some(place) = self.counts.get_mut(count as usize) {
            *place = Some(number);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what `later` counts: totals so far, which replace those before.
    pub(super) fn update(&mut self, later: &Self) {
        join(&mut self.counts, &later.counts, |_, later| later);
        self.runs = later.runs.or(self.runs);
        self.beside = later.beside.or(self.beside);
    }

    /// Adds what another answer used.
    pub(super) fn add(&mut self, other: &Self) {
        *self = Self { counts: self.all(), ..Self::default() };
        join(&mut self.counts, &other.all(), u64::saturating_add);
    }

    /// Adds one of the runs that are listed.
    pub(super) fn add_run(&mut self, run: Run, used: &Self) {
        join(self.runs.get_or_insert_default(), &used.counts, u64::saturating_add);
        if run == Run::Beside {
            join(self.beside.get_or_insert_default(), &used.counts, u64::saturating_add);
        }
    }

    /// All tokens, where they are all that is said.
    pub(super) fn total(&self) -> Option<u64> {
        self.of(Count::Total)
    }

    pub(super) fn input(&self) -> Option<u64> {
        let total = match self.of(Count::Input) {
            Some(input) => input.saturating_add(self.of(Count::ToolInput).unwrap_or(0)),
            None => self
                .of(Count::PlainInput)
                .or(self.of(Count::BilledInput))?
                .saturating_add(self.of(Count::CacheRead).unwrap_or(0))
                .saturating_add(self.of(Count::CacheCreation).unwrap_or(0)),
        };
        Some(total)
    }

    pub(super) fn output(&self) -> Option<u64> {
        match (self.of(Count::Output), self.thoughts()) {
            (Some(output), Some(thoughts)) => Some(output.saturating_add(thoughts)),
            (output, thoughts) => output.or(thoughts),
        }
    }

    /// Output that comes on top of [`Count::Output`].
    fn thoughts(&self) -> Option<u64> {
        let all = || {
            let parts = [self.input()?, self.of(Count::Output)?, self.of(Count::Reasoning)?];
            Some(parts.into_iter().fold(0, u64::saturating_add))
        };
        let is_on_top = || self.of(Count::Total).is_some_and(|total| all() == Some(total));
        self.of(Count::Thoughts).or_else(|| self.of(Count::Reasoning).filter(|_| is_on_top()))
    }

    pub(super) fn cache_read(&self) -> Option<u64> {
        self.of(Count::CacheRead).or(self.of(Count::CacheReadPart))
    }

    pub(super) fn cache_creation(&self) -> Option<u64> {
        self.of(Count::CacheCreation).or(self.of(Count::CacheCreationPart))
    }

    pub(super) fn reasoning(&self) -> Option<u64> {
        self.of(Count::Thoughts).or(self.of(Count::Reasoning))
    }

    fn of(&self, count: Count) -> Option<u64> {
        self.all().get(count as usize).copied().flatten()
    }

    /// The counts with the runs beside them. No run that is listed is left out of the sum, whatever
    /// the counts hold.
    #[inline(never)]
    fn all(&self) -> Counts {
        let mut all = self.counts;
        if let Some(beside) = &self.beside {
            join(&mut all, beside, u64::saturating_add);
        }
        if let Some(runs) = &self.runs {
            join(&mut all, runs, u64::max);
        }
        all
    }
}

#[inline(never)]
fn join(counts: &mut Counts, others: &Counts, both: fn(u64, u64) -> u64) {
    for (place, number) in counts.iter_mut().zip(others) {
        *place = match (*place, *number) {
            (Some(known), Some(number)) => Some(both(known, number)),
            (known, number) => known.or(number),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(counts: &[(Count, u64)]) -> Usage {
        let mut usage = Usage::default();
        counts.iter().for_each(|(count, number)| usage.set(*count, *number));
        usage
    }

    #[test]
    fn input_is_all_input_and_output_all_output() {
        use Count::*;
        for (counts, input, output) in [
            (
                &[(Input, 10), (CacheReadPart, 4), (Output, 3), (Reasoning, 2)][..],
                Some(10),
                Some(3),
            ),
            (&[(PlainInput, 10), (CacheRead, 4), (CacheCreation, 1)], Some(15), None),
            // A gateway may put the one on top of the other.
            (&[(Input, 15), (CacheRead, 4)], Some(15), None),
            (&[(Input, 10), (ToolInput, 5), (Output, 3), (Thoughts, 2)], Some(15), Some(5)),
            (&[(Input, 10), (Output, 3), (Reasoning, 2), (Total, 13)], Some(10), Some(3)),
            (&[(Input, 10), (Output, 3), (Reasoning, 2), (Total, 15)], Some(10), Some(5)),
            (&[(PlainInput, 10), (BilledInput, 9)], Some(10), None),
            (&[(BilledInput, 9)], Some(9), None),
            (&[(Thoughts, 2)], None, Some(2)),
            (&[(CacheRead, 4)], None, None),
            (&[], None, None),
            (&[(PlainInput, u64::MAX), (CacheRead, 4)], Some(u64::MAX), None),
        ] {
            let usage = usage(counts);
            assert_eq!((usage.input(), usage.output()), (input, output), "{counts:?}");
        }
    }

    #[test]
    fn no_run_is_left_out_and_none_counted_twice() {
        let run = |input, output| usage(&[(Count::PlainInput, input), (Count::Output, output)]);
        for (counted, runs, expected) in [
            (run(23, 40), &[(Run::Beside, run(180_000, 3_500))][..], (180_023, 3_540)),
            (
                run(23, 40),
                &[(Run::Beside, run(180_000, 3_500)), (Run::Counted, run(23, 40))],
                (180_023, 3_540),
            ),
            (run(30, 50), &[(Run::Counted, run(10, 20)), (Run::Counted, run(20, 30))], (30, 50)),
            // The answer's own counts are those of its last run alone.
            (run(20, 30), &[(Run::Counted, run(10, 20)), (Run::Counted, run(20, 30))], (30, 50)),
        ] {
            let mut used = counted;
            runs.iter().for_each(|(kind, run)| used.add_run(*kind, run));
            let (input, output) = expected;
            assert_eq!((used.input(), used.output()), (Some(input), Some(output)), "{runs:?}");
            let mut latest = usage(&[]);
            latest.update(&used);
            latest.update(&used);
            let mut sum = usage(&[]);
            sum.add(&latest);
            assert_eq!((sum.input(), sum.output()), (Some(input), Some(output)), "{runs:?}");
        }
    }

    #[test]
    fn every_count_has_its_place() {
        let mut usage = Usage::default();
        usage.set(Count::Total, 1);
        assert_eq!(usage.of(Count::Total), Some(1));
        assert_eq!(Count::Total as usize, COUNTS - 1);
    }

    #[test]
    fn totals_replace_and_answers_add_up() {
        let mut sum = usage(&[(Count::Input, 10), (Count::Output, 1)]);
        sum.update(&usage(&[(Count::Output, 7)]));
        assert_eq!((sum.input(), sum.output()), (Some(10), Some(7)));
        sum.add(&usage(&[(Count::Input, 5), (Count::Output, 2)]));
        assert_eq!((sum.input(), sum.output()), (Some(15), Some(9)));
    }
}
