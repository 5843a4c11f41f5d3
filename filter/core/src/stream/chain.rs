//! The hash chain over the events of a stream.
//!
//! `response_hash` proves a stream that is known to its last byte. Of one that broke off, the two
//! sides often have different beginnings, and one hash over all of it proves neither. So each event
//! makes a link:
//!
//! ```text
//! link 0 = H("ledgerline.stream.v1:" kind)
//! link i = H(link i-1, the bytes of event i)
//! ```
//!
//! `H` is SHA-256, or HMAC-SHA-256 with the operator's key; links go in as their 32 bytes. The last
//! link is in the entry, and whoever has that many events computes it anew: nothing before it can
//! have been changed, left out, added or moved.

use super::Kind;
use crate::digest::{Digest, Hasher, Reading};

/// What the links of one construction begin with; the word of a [`Kind`] follows.
const DOMAIN: &[u8] = b"ledgerline.stream.v1:";

/// The running chain of one stream. An event is hashed as its bytes come; none are kept.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// A hasher that has seen nothing yet.
    fresh: Hasher,
    last: Digest,
    /// The link of an event of which some bytes are known.
    open: Option<Hasher>,
    events: u64,
    links: Vec<Digest>,
    /// How many links are listed at most.
    max_listed: usize,
}

impl Chain {
    /// A chain of no events yet.
    pub(super) fn new(kind: Kind, reading: &Reading, max_listed: usize) -> Self {
        let fresh = Hasher::new(reading.key.as_ref());
        let mut first = fresh.clone();
        first.update(DOMAIN);
        first.update(kind.as_str().as_bytes());
        let last = first.finish();
        Self { fresh, last, open: None, events: 0, links: Vec::new(), max_listed }
    }

    /// Lists so many links instead.
    pub(super) fn list(&mut self, max_listed: usize) {
        self.max_listed = max_listed;
    }

    /// The next bytes of the event that is under way.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.begun().update(bytes);
        }
    }

    /// The event ends with what was taken.
    pub(super) fn end(&mut self) {
        self.last = self.begun().finish();
        self.open = None;
        self.events = self.events.saturating_add(1);
        if self.links.len() < self.max_listed {
            self.links.push(self.last);
        }
    }

    /// An event whose bytes are known at once.
    pub(super) fn link(&mut self, bytes: &[u8]) {
        self.take(bytes);
        self.end();
    }

    /// What would be the next link if the event under way ended here.
    pub(super) fn partial(&self) -> Option<Digest> {
        self.open.as_ref().map(Hasher::finish)
    }

    fn begun(&mut self) -> &mut Hasher {
        self.open.get_or_insert_with(|| {
            let mut link = self.fresh.clone();
            link.update(&self.last.0);
            link
        })
    }

    /// Whole events so far.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// The last link; `None` before the first event.
    pub(super) fn last(&self) -> Option<Digest> {
        (self.events > 0).then_some(self.last)
    }

    /// The links from the first event on, as many as are listed.
    pub(super) fn links(&self) -> &[Digest] {
        &self.links
    }

    /// Whether there are links that are wanted and not listed.
    pub(super) fn is_cut(&self) -> bool {
        self.max_listed > 0 && self.events > self.links.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_link_covers_the_one_before_and_the_event() {
        let mut chain = Chain::new(Kind::Sse, &Reading::default(), 2);
        assert_eq!((chain.last(), chain.events(), chain.is_cut()), (None, 0, false));
        let mut expected = Digest::of(b"ledgerline.stream.v1:sse");
        let mut links = Vec::new();
        for event in [&b"data: a\n\n"[..], b"data: b\n\n", b"data: c\n\n"] {
            chain.take(&event[..3]);
            chain.take(b"");
            chain.link(&event[3..]);
            expected = Digest::of(&[&expected.0, event].concat());
            links.push(expected);
        }
        chain.take(b"data: half");
        assert_eq!((chain.last(), chain.events()), (Some(expected), 3));
        assert_eq!((chain.links(), chain.is_cut()), (&links[..2], true));
    }

    #[test]
    fn with_a_key_every_link_is_an_hmac() {
        let key = Key::new("k", &[7; 32]).unwrap();
        let reading = Reading { key: Some(key.clone()), ..Reading::default() };
        let mut chain = Chain::new(Kind::Chunked, &reading, 0);
        chain.link(b"abc");
        let first = key.sign(b"ledgerline.stream.v1:chunked");
        assert_eq!(chain.last(), Some(Digest(key.sign(&[&first[..], b"abc"].concat()))));
        assert!(chain.links().is_empty() && !chain.is_cut());
    }
}
