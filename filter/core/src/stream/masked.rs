//! The payload of frames, masked.

use std::rc::Rc;

use super::{Said, chain::Chain, tape::Tape};
use crate::{
    digest::Reading,
    mask::{Masked, Masker, Syntax},
};

/// A masker for one payload after the other: what it lets pass is hashed and said.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    masker: Masker,
    /// How much had been replaced when the payload began.
    before: u64,
}

impl Payload {
    pub(super) fn new(reading: &Reading) -> Self {
        // Frames hold JSON nearly always, and other text is masked by the same rules.
        Self { masker: Masker::new(Rc::clone(&reading.rules), Syntax::Json), before: 0 }
    }

    /// The next bytes of a payload.
    pub(super) fn push(&mut self, bytes: &[u8], chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) {
        self.masker.push(bytes, &mut |view| {
            chain.take(view);
            said(Said::Content(view));
        });
    }

    /// The payload is whole, or nothing more of it will come; the next one begins. Whether something
    /// in it was replaced.
    pub(super) fn finish(&mut self, chain: &mut Chain, said: &mut dyn FnMut(Said<'_>)) -> bool {
        self.masker.finish(&mut |view| {
            chain.take(view);
            said(Said::Content(view));
        });
        let replaced = self.replaced();
        replaced > std::mem::replace(&mut self.before, replaced)
    }

    /// Bytes that are no frames: they are masked as a text.
    pub(super) fn pass(&mut self, bytes: &[u8], tape: &mut Tape<'_>) {
        self.masker.push(bytes, &mut |view| tape.cross(view));
    }

    /// No more of them follow.
    pub(super) fn pass_end(&mut self, tape: &mut Tape<'_>) {
        self.masker.finish(&mut |view| tape.cross(view));
    }

    pub(super) fn masked(&self) -> &Masked {
        self.masker.masked()
    }

    fn replaced(&self) -> u64 {
        self.masked().counts().values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
