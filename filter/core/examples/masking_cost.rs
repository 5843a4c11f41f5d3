//! What the masker costs on inputs that are made to be costly: seconds for a MiB, the worst first.
//!
//! ```sh
//! cargo run --release -p ledgerline-core --example masking_cost
//! ```
//!
//! Each input repeats what begins a look and leads to nothing. None may cost more than 0.15 s.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{rc::Rc, time::Instant};

use ledgerline_core::mask::{Masker, Rules, Syntax};

const MIB: usize = 1 << 20;
const CHUNK: usize = 16 * 1024;
const TRIES: usize = 3;

/// What is repeated, and the content type of it.
const UNITS: &[(&str, &str)] = &[
    ("default:", JSON),
    ("%22default%22:", JSON),
    ("\\\"default\\\": ", JSON),
    ("mysql -a ", JSON),
    ("curl -u aaa ", JSON),
    ("password x ", JSON),
    ("token_a ", JSON),
    ("secret_aaaa=", JSON),
    ("password - ", JSON),
    ("%65yJ_", JSON),
    ("a=a=", JSON),
    ("\"", JSON),
    ("\\", JSON),
    ("\\\"", JSON),
    ("\\\\\\\"", JSON),
    ("\\n", JSON),
    ("key:", JSON),
    ("key ", JSON),
    ("api key ", JSON),
    ("secret ", JSON),
    ("password: ", JSON),
    ("password:x ", JSON),
    ("password=", JSON),
    ("password=a&", JSON),
    ("\"password\":\"changeme\",", JSON),
    ("\"token\":1,", JSON),
    ("\"token\":\"a\",", JSON),
    ("\"token\": \"Bearer\",", JSON),
    ("token=", JSON),
    ("\"value\":\"x\",", JSON),
    ("value: x\n", JSON),
    ("\"name\":\"password\",\"value\":", JSON),
    ("curl -u a ", JSON),
    (" -u x", JSON),
    (" -p x", JSON),
    (" -p xyz1 ", JSON),
    ("mysql ", JSON),
    ("mysql -u root -h x ", JSON),
    ("if \"a\" == b ", JSON),
    ("cookie: a=b; c=d\n", JSON),
    ("Authorization: Bearer ", JSON),
    ("identified by ", JSON),
    ("\"VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVy\",", JSON),
    ("=VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBv", JSON),
    ("$6$abcdefgh$aaaaaaaaaaaaaaaaaaaa", JSON),
    ("eyJhbGciOiJIUzI1NiJ9", JSON),
    ("-----BEGIN PRIVATE KEY-----\n", JSON),
    ("://a", JSON),
    ("sk-", JSON),
    ("12345:A", JSON),
    ("a:5432:b:c:", JSON),
    ("<password>", TEXT),
    ("password string = ", JSON),
    ("Password { get; set; } = ", JSON),
    ("user%5Bpassword%5D=a&", FORM),
    ("password=a&", FORM),
    ("name=\"password\" ", MULTIPART),
    ("name=", MULTIPART),
];

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=b";

fn main() {
    let rules = Rc::new(Rules::default());
    let mut costs: Vec<_> =
        UNITS.iter().map(|(unit, kind)| (cost(&rules, unit, kind), unit)).collect();
    costs.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (seconds, unit) in costs {
        println!("{seconds:.3} s/MiB  {unit:?}");
    }
}

fn cost(rules: &Rc<Rules>, unit: &str, kind: &str) -> f64 {
    let body: Vec<u8> = unit.bytes().cycle().take(MIB).collect();
    let tries = (0..TRIES).map(|_| {
        let started = Instant::now();
        let mut masker = Masker::new(Rc::clone(rules), Syntax::of(kind.as_bytes(), b""));
        body.chunks(CHUNK).for_each(|chunk| masker.push(chunk, &mut |_| {}));
        masker.finish(&mut |_| {});
        started.elapsed().as_secs_f64()
    });
    tries.fold(f64::INFINITY, f64::min)
}
