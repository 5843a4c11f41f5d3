//! How many tokens a call used.
//!
//! Providers count the same thing in different ways. To OpenAI and Gemini the cached tokens are some
//! of the input tokens; to Anthropic and Bedrock they come on top. To OpenAI the tokens of reasoning
//! are some of the output; to Gemini they come on top, and to xAI too, which says it in OpenAI's
//! words: there the total tells. An entry holds one meaning, that of OpenTelemetry: the input is all
//! input, the output all output.

/// One count, by what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// All input, whatever came out of a cache.
    Input,
    /// Input that neither came out of a cache nor went into one.
    PlainInput,
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

const COUNTS: usize = 11;

/// What was counted. What nobody counted is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage([Option<u64>; COUNTS]);

impl Usage {
    pub(super) fn set(&mut self, count: Count, number: u64) {
        if let Some(place) = self.0.get_mut(count as usize) {
            *place = Some(number);
        }
    }

    /// Takes over what `later` counts: totals so far, which replace those before.
    pub(super) fn update(&mut self, later: &Self) {
        self.join(later, |_, later| later);
    }

    /// Adds what another answer used.
    pub(super) fn add(&mut self, other: &Self) {
        self.join(other, u64::saturating_add);
    }

    fn join(&mut self, other: &Self, both: impl Fn(u64, u64) -> u64) {
        for (place, number) in self.0.iter_mut().zip(other.0) {
            *place = match (*place, number) {
                (Some(known), Some(number)) => Some(both(known, number)),
                (known, number) => known.or(number),
            };
        }
    }

    pub(super) fn input(&self) -> Option<u64> {
        let total = match self.of(Count::Input) {
            Some(input) => input.saturating_add(self.of(Count::ToolInput).unwrap_or(0)),
            None => self
                .of(Count::PlainInput)?
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
        self.0.get(count as usize).copied().flatten()
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
