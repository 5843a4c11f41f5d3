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
        self.add_text(Text::masked(rules, name.as_bytes(), max_bytes));
    }

    /// The same of a name that is ready to be kept.
    pub(super) fn add_text(&mut self, name: Text) {
        if self.names.contains(&name) {
            return;
        }
        match self.names.len() {
            MAX_NAMES => self.is_full = true,
            _ => self.names.push(name),
        }
    }

    /// Adds all that another list holds.
    pub(super) fn add_all(&mut self, others: Self) {
        self.is_full |= others.is_full;
        others.names.into_iter().for_each(|name| self.add_text(name));
    }

    /// The first of them.
    pub(super) fn first(&self) -> Option<&Text> {
        self.names.first()
    }

    /// All of them, where they are several.
    pub(super) fn to_list_of_several(&self) -> Vec<Cow<'_, str>> {
        if self.names.len() > 1 || self.is_full { self.to_list() } else { Vec::new() }
    }

    /// Whether there were more of them, or one was longer than what is kept.
    pub(super) fn is_cut(&self) -> bool {
        self.is_full || self.names.iter().any(|name| name.cut)
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
