//! Where frames are written down: the digest of the body, and the chain of their events.
//!
//! A frame has its length in front and sometimes a checksum behind, so it cannot be hashed with
//! another payload than it came with: whoever has the rest of it would try keys against what they
//! left in the hash. So a frame is hashed as it crossed until its end; and if something in it was
//! replaced, the digest goes back to where it began, and takes the 32 bytes of the event's link in
//! its place. A link covers the masked payload.

use super::chain::Chain;
use crate::digest::Hasher;

/// Takes down what crosses.
#[derive(Debug)]
pub(super) struct Tape<'t> {
    pub(super) chain: &'t mut Chain,
    /// The digest of the body, if it is wanted.
    pub(super) body: Option<&'t mut Hasher>,
    /// The digest where the event under way began.
    pub(super) before: &'t mut Option<Hasher>,
}

impl Tape<'_> {
    /// The next bytes as they crossed, or masked where nothing frames them.
    pub(super) fn cross(&mut self, bytes: &[u8]) {
        if let Some(body) = &mut self.body {
            body.update(bytes);
        }
    }

    /// What crosses next may begin an event.
    pub(super) fn begin(&mut self) {
        *self.before = self.body.as_deref().cloned();
    }

    /// It did not.
    pub(super) fn forget(&mut self) {
        *self.before = None;
    }

    /// The event that was begun is whole; something in it was replaced, or not.
    pub(super) fn end(&mut self, is_masked: bool) {
        self.chain.end();
        self.settle(is_masked, self.chain.last());
    }

    /// The event that was begun is never whole.
    pub(super) fn break_off(&mut self, is_masked: bool) {
        self.settle(is_masked, self.chain.partial());
    }

    fn settle(&mut self, is_masked: bool, link: Option<crate::digest::Digest>) {
        if let (Some(before), Some(body), true) = (self.before.take(), &mut self.body, is_masked) {
            **body = before;
            body.update(&link.map(|link| link.0).unwrap_or_default());
        }
    }
}
