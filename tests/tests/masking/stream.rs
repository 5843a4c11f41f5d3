//! A body through the masker, in any chunks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use ledgerline_core::mask::{Masker, Rules, Syntax};
use ledgerline_tests::secrets::Random;

/// Bodies up to this size are tried with every split in two.
pub(crate) const EVERY_SPLIT: usize = 600;

/// The view of one body, again and again.
pub(crate) struct Stream {
    rules: Rc<Rules>,
    syntax: Syntax,
    view: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(rules: &Rc<Rules>, syntax: &Syntax) -> Self {
        Self { rules: Rc::clone(rules), syntax: syntax.clone(), view: Vec::new() }
    }

    /// The view of `body`, cut at `cuts`.
    pub(crate) fn view(&mut self, body: &[u8], cuts: &[usize]) -> &[u8] {
        self.masked(body, cuts);
        &self.view
    }

    /// How often each rule replaced something in `body`.
    pub(crate) fn counts(&mut self, body: &[u8]) -> BTreeMap<Box<str>, u64> {
        self.masked(body, &[]).masked().counts().clone()
    }

    fn masked(&mut self, body: &[u8], cuts: &[usize]) -> Masker {
        self.view.clear();
        let mut masker = Masker::new(Rc::clone(&self.rules), self.syntax.clone());
        for chunk in chunks(body.len(), cuts) {
            masker.push(&body[chunk], &mut |bytes| self.view.extend_from_slice(bytes));
        }
        masker.finish(&mut |bytes| self.view.extend_from_slice(bytes));
        masker
    }

    /// The first way to cut `body` up whose view is not `expected`, and that view.
    pub(crate) fn first_wrong(
        &mut self,
        body: &[u8],
        expected: &[u8],
    ) -> Option<(String, Vec<u8>)> {
        let mut wrong = |split: &dyn Fn() -> String, cuts: &[usize]| {
            let view = self.view(body, cuts);
            (view != expected).then(|| (split(), view.to_vec()))
        };
        if let Some(found) = wrong(&|| "whole".to_owned(), &[]) {
            return Some(found);
        }
        let two_ways = if body.len() < EVERY_SPLIT { 1..body.len() } else { 0..0 };
        let two_ways = two_ways.map(|at| (format!("cut at {at}"), vec![at]));
        two_ways
            .chain([("single bytes".to_owned(), (1..body.len()).collect())])
            .chain(
                (0..8).map(|seed| (format!("random cuts {seed}"), random_cuts(body.len(), seed))),
            )
            .find_map(|(split, cuts)| wrong(&|| split.clone(), &cuts))
    }
}

fn chunks(length: usize, cuts: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([length]);
    starts.zip(ends).map(|(start, end)| start..end)
}

fn random_cuts(length: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed ^ length as u64);
    let most = *random.pick(&[3, 20, 70, 300]);
    let mut at = 0;
    std::iter::from_fn(|| {
        at += 1 + random.below(most);
        (at < length).then_some(at)
    })
    .collect()
}
