//! The payload of frames, masked.

use std::rc::Rc;

use super::{Said, chain::Chain};
use crate::{
    digest::Reading,
    mask::{Masked, Masker, Syntax},
};

/// A masker for one payload after the other: what it lets pass is hashed and said.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    masker: Masker,
}

impl Payload {
    pub(super) fn new(reading: &Reading) -> Self {
        // Frames hold JSON nearly always, and other text is masked by the same rules.
        Self { masker: Masker::new(Rc::clone(&reading.rules), Syntax::Json) }
    }

    /// The next bytes of a payload.
    pub(super) fn push(&mut self, bytes: &[u8], chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        self.masker.push(bytes, &mut |view| {
            chain.take(view);
            said(Said::Content(view));
        });
    }

    /// The payload is whole; the next one begins.
    pub(super) fn finish(&mut self, chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        self.masker.finish(&mut |view| {
            chain.take(view);
            said(Said::Content(view));
        });
    }

    pub(super) fn masked(&self) -> &Masked {
        self.masker.masked()
    }
}
