//! Test-only: hashes and masks bodies that are made in the VM, to show what that alone costs there.
//!
//! Built with the feature `kernel` only. The request header `x-ledgerline-kernel` says what to do:
//! `mask prose 1024 16` masks and hashes a body of 1024 KiB of prose 16 times. Each body is made
//! once, by the first request that wants it. No byte of it comes from the host, so the CPU time of
//! any later request is that of the work and of next to nothing else.
//!
//! | word | what is done with each block of 64 KiB |
//! |---|---|
//! | `hash` | hashed, as a body that cannot be looked into |
//! | `mask` | masked and hashed, as a body of JSON |
//! | `prefixes` | searched by Aho-Corasick for the prefixes of the masker's shapes, and hashed |
//! | `patterns` | searched by ten published regular expressions, and hashed |
//!
//! The last two are what a masker could have been made of. They only count what they find: they
//! know no names, no escapes and no splits, so a masker of them would cost more than they do.

mod bodies;
mod stock;

use std::{cell::RefCell, collections::BTreeMap, hint::black_box, rc::Rc};

use ledgerline_core::{
    digest::{Body, End, Reading},
    mask::Syntax,
};

use bodies::Kind;
use stock::{Patterns, Prefixes};

/// As large as the slices in which bodies are hashed.
const BLOCK_BYTES: usize = 64 * 1024;

thread_local!(static BENCH: RefCell<Bench> = RefCell::default());

/// Does what the request asks for. What it asks for in error traps the VM, and so the bench fails.
pub(crate) fn run<'h>(headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) {
    let mut headers = headers;
    let Some((_, job)) = headers.find(|(name, _)| *name == b"x-ledgerline-kernel") else { return };
    match std::str::from_utf8(job).ok().and_then(Job::parse) {
        Some(job) => BENCH.with_borrow_mut(|bench| bench.run(&job)),
        None => std::process::abort(),
    }
}

/// What a request asks for.
struct Job {
    way: Way,
    kind: Kind,
    body_bytes: usize,
    count: u32,
}

#[derive(Clone, Copy)]
enum Way {
    Hash,
    Mask,
    Prefixes,
    Patterns,
}

impl Job {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let job = Self {
            way: Way::parse(words.next()?)?,
            kind: Kind::parse(words.next()?)?,
            body_bytes: words.next()?.parse::<usize>().ok()?.checked_mul(1024)?,
            count: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(job)
    }
}

impl Way {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "hash" => Self::Hash,
            "mask" => Self::Mask,
            "prefixes" => Self::Prefixes,
            "patterns" => Self::Patterns,
            _ => return None,
        })
    }
}

/// What lasts from one request to the next.
#[derive(Default)]
struct Bench {
    reading: Reading,
    prefixes: Prefixes,
    patterns: Patterns,
    bodies: BTreeMap<(Kind, usize), Rc<[u8]>>,
}

impl Bench {
    fn run(&mut self, job: &Job) {
        let body = self.bodies.entry((job.kind, job.body_bytes));
        let body = Rc::clone(body.or_insert_with(|| job.kind.body(job.body_bytes).into()));
        for _ in 0..job.count {
            self.once(job.way, black_box(&body));
        }
    }

    fn once(&self, way: Way, body: &[u8]) {
        match way {
            Way::Hash => self.digest(body, Syntax::Opaque, |_| 0),
            Way::Mask => self.digest(body, Syntax::Json, |_| 0),
            Way::Prefixes => self.digest(body, Syntax::Opaque, |block| self.prefixes.count(block)),
            Way::Patterns => self.digest(body, Syntax::Opaque, |block| self.patterns.count(block)),
        }
    }

    /// In one pass over each block.
    fn digest(&self, body: &[u8], syntax: Syntax, search: impl Fn(&[u8]) -> usize) {
        let mut digest = Body::default();
        digest.open(&self.reading, syntax);
        for block in body.chunks(BLOCK_BYTES) {
            black_box(search(block));
            digest.push(block);
        }
        digest.finish(End::Complete);
        black_box(digest.digest());
    }
}
