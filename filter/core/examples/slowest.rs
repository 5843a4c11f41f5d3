//! Searches for the bodies that the masker is slowest on: `cargo run --release --example slowest -- [SECONDS [SEED]]`.
//!
//! A fuzzer finds what crashes; what stalls is found by climbing. A body is a few pieces repeated. Pieces are
//! changed one by one, and what costs more CPU per byte stays. What it finds is a row of `make bench`
//! (`filter/src/kernel/bodies.rs`), where a body must not cost more than 0.15 s a MiB.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool for developers"
)]

use std::{
    fs,
    hint::black_box,
    rc::Rc,
    time::{Duration, Instant},
};

use ledgerline_core::mask::{Masker, Rules, Syntax};

/// The size of a body in which the pieces are repeated.
const BYTES: usize = 32 * 1024;
const MOST_PIECES: usize = 7;
const KEPT: usize = 12;

/// What names, values, signs and escapes are made of.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "password", "api_key", "token", "secret", "key", "PASSWORD", "X-API-Key", "db_password_", "pass", "value", "name", "by",
    "Authorization", "cookie", "curl", "mysql", "login", "user", "ENV ", "IDENTIFIED ", "kind: Secret", "data", "%65y", "pass%77ord",
    "pass\\u0077ord", "contraseña", "密码", "ключ", "key2", "_", "-", ".", " ", "  ", "                ", "\n", "\t", "\\n", "\\t", "\\\\n",
    "=", ":", "==", "=>", ":=", "::", ":::=", "?=", "+=", "<-", "!=", ",", ";", "&", "?", "#", "(", ")", "[", "]", "{", "}", "<", ">", "</", "/>",
    "\"", "'", "`", "\\\"", "\\\\\\\"", "\\u0022", "\\u0027", "%22", "%27", "%2522", "\\", "%", "%2", "%25", "%5B", "%5D", "\\u00", "\\u005c", "*", "|",
    "--", "-p ", "-u ", "-D", "@", "://", "a:b@", "hunter2x", "A1b2C3d4E5f6G7h8", "x", "sk-", "ghp_", "eyJ", "AKIA", "s.", "LS0tLS1CRUdJTi",
    "-----BEGIN PRIVATE KEY-----", "-----END", "\n> ", "\\n  ", "MIIE", "aHVudGVyMg==", "AZDO", "Q~", ".v1.", "Bearer ", "Basic ", "0", "17", "\"logprob\"",
    "\"type\":", "$ref", "true", "null", "arn:", "AWS4-", "data: ", "\r\n", "\u{1b}[31m", "is ", "the ", "var ", "string ", ": str", "ssh", "Server=a;Password=",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|word| word.parse().ok()).unwrap_or(60);
    let mut random = Random(arguments.next().and_then(|word| word.parse().ok()).unwrap_or(14));
    let until = Instant::now() + Duration::from_secs(seconds);
    let bench = Bench { rules: Rc::new(Rules::default()) };
    let mut worst: Vec<(f64, Vec<usize>)> = Vec::new();
    let mut tried = 0;
    while Instant::now() < until {
        let pieces = match worst.len() {
            KEPT if random.below(8) > 0 => {
                let parent = random.below(KEPT);
                random.changed(&worst[parent].1)
            }
            _ => random.pieces(),
        };
        let cost = bench.nanos_per_byte(&pieces);
        tried += 1;
        if worst.first().is_none_or(|(worst, _)| *worst < cost) {
            eprintln!("{:>9.4} s  {:?}", seconds_per_mebibyte(cost), text(&pieces));
        }
        match worst.iter().position(|(_, known)| is_same_kind(known, &pieces)) {
            Some(place) if worst[place].0 < cost => worst[place] = (cost, pieces),
            Some(_) => {}
            None => worst.push((cost, pieces)),
        }
        worst.sort_by(|one, two| two.0.total_cmp(&one.0));
        worst.truncate(KEPT);
    }
    println!("{tried} bodies tried; CPU a MiB, and what is repeated:");
    for (_, pieces) in &worst {
        let costs = [0; 3].map(|_| bench.nanos_per_byte(pieces));
        let cost = costs.into_iter().fold(f64::INFINITY, f64::min);
        println!("{:>9.4} s  {:?}", seconds_per_mebibyte(cost), text(pieces));
    }
}

fn seconds_per_mebibyte(nanos_per_byte: f64) -> f64 {
    nanos_per_byte * 1_048_576.0 / 1e9
}

/// Whether two have most of their pieces in common.
fn is_same_kind(one: &[usize], two: &[usize]) -> bool {
    let common = one.iter().filter(|piece| two.contains(piece)).count();
    common * 2 > one.len().max(two.len())
}

fn text(pieces: &[usize]) -> String {
    pieces.iter().map(|piece| PIECES[*piece]).collect()
}

struct Bench {
    rules: Rc<Rules>,
}

impl Bench {
    /// The CPU time of the slowest of three syntaxes, whole and in pieces as a proxy gets them.
    fn nanos_per_byte(&self, pieces: &[usize]) -> f64 {
        let body = text(pieces).into_bytes();
        let body: Vec<u8> = body.iter().copied().cycle().take(BYTES).collect();
        let syntaxes = [Syntax::Json, Syntax::Text, Syntax::Form];
        let costs = syntaxes.map(|syntax| {
            let before = cpu_nanos();
            let mut masker = Masker::new(Rc::clone(&self.rules), syntax);
            for chunk in body.chunks(16 * 1024) {
                masker.push(chunk, &mut |bytes| {
                    black_box(bytes);
                });
            }
            masker.finish(&mut |bytes| {
                black_box(bytes);
            });
            (cpu_nanos() - before) as f64 / body.len() as f64
        });
        costs.into_iter().fold(0.0, f64::max)
    }
}

/// What this thread has used so far, as Linux counts it.
fn cpu_nanos() -> u64 {
    let line = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    line.split(' ').next().and_then(|word| word.parse().ok()).expect("a number")
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as usize) % bound
    }

    fn pieces(&mut self) -> Vec<usize> {
        let count = 1 + self.below(MOST_PIECES);
        (0..count).map(|_| self.below(PIECES.len())).collect()
    }

    /// The same with a piece more, fewer or another, or two in another order.
    fn changed(&mut self, pieces: &[usize]) -> Vec<usize> {
        let mut pieces = pieces.to_vec();
        let place = self.below(pieces.len());
        match self.below(4) {
            0 if pieces.len() < MOST_PIECES => pieces.insert(place, self.below(PIECES.len())),
            1 if pieces.len() > 1 => drop(pieces.remove(place)),
            2 => {
                let other = self.below(pieces.len());
                pieces.swap(place, other);
            }
            _ => pieces[place] = self.below(PIECES.len()),
        }
        pieces
    }
}
