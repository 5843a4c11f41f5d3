//! Which of the choices that a model offers are at their end.
//!
//! Asked for three answers at once (`n`, `candidateCount`), a model writes them side by side in one
//! stream, and each of them ends for itself. Who hangs up behind the first of these ends has one
//! answer, and not what was asked for.

/// So many choices can be told apart. More of them end with the stream.
const MAX_CHOICES: u64 = 128;

/// The choices of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choices {
    /// How many are asked for to each prompt.
    asked: Option<u64>,
    /// How many prompts there are, if they come as a list.
    prompts: u64,
    /// Whether a prompt came as numbers: then it is not known how many there are.
    has_numbers: bool,
    /// The highest index that was seen, and one more.
    seen: u64,
    /// Those that ended, by their index.
    ended: u128,
    /// The choice that passes.
    position: u64,
    index: Option<u64>,
    has_reason: bool,
}

impl Choices {
    pub(super) fn ask(&mut self, count: u64) {
        self.asked = Some(count);
    }

    pub(super) fn note_prompt(&mut self) {
        self.prompts = self.prompts.saturating_add(1);
    }

    pub(super) fn note_number(&mut self) {
        self.has_numbers = true;
    }

    /// A choice begins.
    pub(super) fn begin(&mut self) {
        self.index = None;
        self.has_reason = false;
    }

    pub(super) fn note_index(&mut self, index: u64) {
        self.index = Some(index);
    }

    pub(super) fn note_reason(&mut self) {
        self.has_reason = true;
    }

    /// A choice ends. One without an index has that of its place.
    pub(super) fn end(&mut self) {
        let index = self.index.unwrap_or(self.position);
        self.seen = self.seen.max(index.saturating_add(1));
        if self.has_reason {
            self.ended |=
                u32::try_from(index).map_or(0, |bit| 1_u128.checked_shl(bit).unwrap_or(0));
        }
        self.position = self.position.saturating_add(1);
    }

    /// A choice ended that has neither place nor index.
    pub(super) fn end_next(&mut self) {
        let ended = u64::from(self.ended.count_ones());
        self.begin();
        self.note_index(ended);
        self.note_reason();
        self.end();
    }

    /// The document ended; the next one begins with its first choice.
    pub(super) fn end_document(&mut self) {
        self.position = 0;
    }

    /// Another answer begins: of its choices none was seen yet.
    pub(super) fn begin_anew(&mut self) {
        let Self { asked, prompts, has_numbers, .. } = *self;
        *self = Self { asked, prompts, has_numbers, ..Self::default() };
    }

    /// Whether there is one choice at most.
    pub(super) fn is_single(&self) -> bool {
        self.expected() == Some(1)
    }

    /// Whether all of them ended, and there were any.
    pub(super) fn have_ended(&self) -> bool {
        let ended = u64::from(self.ended.count_ones());
        ended > 0 && self.expected().is_some_and(|expected| ended >= expected)
    }

    /// How many there will be, if that is known.
    fn expected(&self) -> Option<u64> {
        if self.has_numbers {
            return None;
        }
        let asked = self.asked.unwrap_or(1).max(1).saturating_mul(self.prompts.max(1));
        Some(asked.max(self.seen)).filter(|count| *count <= MAX_CHOICES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents of choices, each with its index and whether it ends.
    fn have_ended(asked: Option<u64>, prompts: u64, documents: &[&[(Option<u64>, bool)]]) -> bool {
        let mut choices = Choices { asked, prompts, ..Choices::default() };
        for document in documents {
            for (index, ends) in *document {
                choices.begin();
                if let Some(index) = index {
                    choices.note_index(*index);
                }
                if *ends {
                    choices.note_reason();
                }
                choices.end();
            }
            choices.end_document();
        }
        choices.have_ended()
    }

    #[test]
    fn all_choices_end_or_the_answer_has_not() {
        for (asked, prompts, documents, expected) in [
            (None, 0, &[][..], false),
            (None, 0, &[&[(Some(0), false)][..]], false),
            (None, 0, &[&[(Some(0), true)]], true),
            (None, 0, &[&[(None, true)]], true),
            (Some(2), 0, &[&[(Some(0), true)]], false),
            (Some(2), 0, &[&[(Some(0), true)], &[(Some(0), true)]], false),
            (Some(2), 0, &[&[(Some(1), true)], &[(Some(0), true)]], true),
            (Some(2), 0, &[&[(None, true), (None, true)]], true),
            // What was not asked for in a way that is known shows by its index.
            (None, 0, &[&[(Some(2), false)], &[(Some(0), true)]], false),
            (Some(2), 2, &[&[(Some(0), true), (Some(1), true)]], false),
            (None, 2, &[&[(Some(0), true), (Some(1), true)]], true),
            (Some(0), 0, &[&[(Some(0), true)]], true),
            (Some(u64::MAX), 9, &[&[(Some(u64::MAX), true)]], false),
        ] {
            assert_eq!(have_ended(asked, prompts, documents), expected, "{asked:?} {documents:?}");
        }
    }

    #[test]
    fn of_prompts_in_numbers_nobody_knows_how_many_there_are() {
        let mut choices = Choices::default();
        choices.note_number();
        choices.end_next();
        assert!(!choices.have_ended() && !choices.is_single());
    }
}
