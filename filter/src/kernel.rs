//! Test-only: hashes, masks and reads bodies that are made in the VM, to show what that alone costs
//! there.
//!
//! Built with the feature `kernel` only. The request header `x-ledgerline-kernel` says what to do:
//! `mask prose 1024 16` masks and hashes a body of 1024 KiB of prose 16 times. Each body is made
//! once, by the first request that wants it. No byte of it comes from the host, so the CPU time of
//! any later request is that of the work and of next to nothing else.
//!
//! | word | what is done with each block of 64 KiB |
//! |---|---|
//! | `hash` | hashed, as a body that cannot be looked into |
//! | `mask` | masked and hashed, as a body of its content type |
//! | `read` | the same, and read as the answer to a chat; events are told apart and chained |
//! | `prefixes` | searched by Aho-Corasick for the prefixes of the masker's shapes, and hashed |
//! | `patterns` | searched by ten published regular expressions, and hashed |
//!
//! The last two are what a masker could have been made of. They only count what they find: they
//! know no names, no escapes and no splits, so a masker of them would cost more than they do.

mod bodies;
mod stock;

use std::{cell::RefCell, collections::BTreeMap, hint::black_box, rc::Rc};

use ledgerline_core::{
    Call, Config,
    call::{HostFacts, Moment, Side},
    config::Settings,
    digest::{Body, End},
    mask::Syntax,
    time::Monotonic,
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
    Read,
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
            "read" => Self::Read,
            "prefixes" => Self::Prefixes,
            "patterns" => Self::Patterns,
            _ => return None,
        })
    }
}

/// What lasts from one request to the next.
struct Bench {
    config: Rc<Config>,
    prefixes: Prefixes,
    patterns: Patterns,
    bodies: BTreeMap<(Kind, usize), Rc<[u8]>>,
}

impl Default for Bench {
    fn default() -> Self {
        let config = Config::try_from(Settings::default());
        Self {
            config: Rc::new(config.unwrap_or_else(|_| std::process::abort())),
            prefixes: Prefixes::default(),
            patterns: Patterns::default(),
            bodies: BTreeMap::new(),
        }
    }
}

impl Bench {
    fn run(&mut self, job: &Job) {
        let body = self.bodies.entry((job.kind, job.body_bytes));
        let body = Rc::clone(body.or_insert_with(|| job.kind.body(job.body_bytes).into()));
        for _ in 0..job.count {
            self.once(job.way, job.kind, black_box(&body));
        }
    }

    fn once(&self, way: Way, kind: Kind, body: &[u8]) {
        let syntax = || Syntax::of(kind.content_type().as_bytes(), b"");
        match way {
            Way::Hash => self.digest(body, Syntax::Opaque, |_| 0),
            Way::Mask => self.digest(body, syntax(), |_| 0),
            Way::Read => self.read(body, kind.content_type()),
            Way::Prefixes => self.digest(body, Syntax::Opaque, |block| self.prefixes.count(block)),
            Way::Patterns => self.digest(body, Syntax::Opaque, |block| self.patterns.count(block)),
        }
    }

    /// In one pass over each block.
    fn digest(&self, body: &[u8], syntax: Syntax, search: impl Fn(&[u8]) -> usize) {
        let mut digest = Body::default();
        digest.open(self.config.reading(), syntax);
        for block in body.chunks(BLOCK_BYTES) {
            black_box(search(block));
            digest.push(block);
        }
        digest.finish(End::Complete);
        black_box(digest.digest());
    }

    /// By all of the way that the answer to a chat takes through the filter.
    fn read(&self, body: &[u8], content_type: &str) {
        let length = body.len().to_string();
        let mut call = Call::new(Rc::clone(&self.config), Moment::default());
        call.request_headers(bytes(&CHAT), true, || [0; 16]);
        // Without its length an answer of JSON would be a stream, too.
        let headers =
            [(":status", "200"), ("content-type", content_type), ("content-length", &length)];
        call.response_headers(bytes(&headers), false, Monotonic::default());
        for block in body.chunks(BLOCK_BYTES) {
            call.body(Side::Response, block, Monotonic::default);
        }
        call.end(Side::Response, End::Complete);
        let facts = HostFacts::default();
        let entry = black_box(call.finish(Monotonic::default(), &facts));
        if entry.gen_ai.is_none() || entry.response_hash.is_none() {
            std::process::abort();
        }
    }
}

/// A request whose answer the filter reads.
const CHAT: [(&str, &str); 4] = [
    (":method", "POST"),
    (":authority", "api.openai.com"),
    (":path", "/v1/chat/completions"),
    ("content-type", "application/json"),
];

fn bytes<'h>(headers: &[(&'h str, &'h str)]) -> impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone {
    headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}
