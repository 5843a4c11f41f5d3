//! A short list of names out of a body, each of them once.

use std::borrow::Cow;

use crate::{mask::Rules, text::Text};

/// So many names are kept.
const MAX_NAMES: usize = 16;

/// Names in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: Vec<Text>,
    is_full: bool,
}

impl Names {
    /// Adds `name` unless it is there already.
    pub(super) fn add(&mut self, rules: &Rules, name: &str, max_bytes: usize) {
        if name.is_empty() || self.names.iter().any(|known| *known.text == *name) {
            return;
        }
        if self.names.len() == MAX_NAMES {
            self.is_full = true;
            return;
        }
        let name = Text::masked(rules, name.as_bytes(), max_bytes);
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Whether there were more of them, or one was longer than what is kept.
    pub(super) fn is_cut(&self) -> bool {
        self.is_full || self.names.iter().any(|name| name.cut)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn to_list(&self) -> Vec<Cow<'_, str>> {
        self.names.iter().map(|name| Cow::Borrowed(&*name.text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_up_to_a_bound() {
        let (mut names, rules) = (Names::default(), Rules::default());
        for index in 0..MAX_NAMES {
            names.add(&rules, &format!("tool-{index}"), 128);
            names.add(&rules, "tool-0", 128);
            names.add(&rules, "", 128);
        }
        assert!(!names.is_cut());
        assert_eq!(names.to_list().len(), MAX_NAMES);
        names.add(&rules, "one more", 128);
        assert!(names.is_cut());
        assert_eq!(names.to_list().len(), MAX_NAMES);
    }
}
