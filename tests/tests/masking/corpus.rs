//! Every format in every position across every split.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::thread;

use ledgerline_core::mask::{PLACEHOLDER, Rules, Syntax};
use ledgerline_tests::secrets::{FORMATS, Fake, Format, Random};

use crate::position::{self, Position};
use crate::stream::Stream;

/// How many characters of a secret in a row may turn up in a view: fewer than this are chance, or
/// what every credential of its kind has.
const PIECE: usize = 12;

#[test]
fn no_format_gets_by_in_any_position_across_any_split() {
    let results = for_each_format(all_positions);
    println!("{:<44} {:>9}", "format", "positions");
    for (format, result) in FORMATS.iter().zip(&results) {
        let name = format!("{} {}…", format.rule, format.hint());
        println!("{name:<44} {:>4}/{}", result.passed, result.tried);
    }
    report("positions", &results);
}

#[test]
fn no_credential_of_any_format_is_a_lucky_one() {
    let results = for_each_format(many_of_one);
    report("credentials", &results);
}

#[test]
fn what_is_masked_is_counted_under_the_rule_of_its_format() {
    let rules = Rc::new(Rules::default());
    let wrong: Vec<String> = FORMATS
        .iter()
        .filter_map(|format| {
            let fake = format.make(&mut Random::new(3));
            let counts =
                Stream::new(&rules, &Syntax::Text).counts(format!(" {} ", fake.text).as_bytes());
            let as_expected = counts.len() == 1 && counts.get(format.rule) == Some(&1);
            (!as_expected).then(|| format!("{} {}…: {counts:?}", format.rule, format.hint()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_format_gets_by_in_the_texts_of_an_entry() {
    let rules = Rules::default();
    let mut wrong = BTreeSet::new();
    for format in FORMATS {
        let fake = format.make(&mut Random::new(4));
        for [before, after] in
            [["", ""], ["agent-", ""], ["a:", "/b"], ["", " b"], ["u_", ""], ["x/", "?y"]]
        {
            let text = format!("{before}{}{after}", fake.text);
            let masked = rules.mask_text(&text);
            let is_expected = [&fake, &fake.wider()].into_iter().any(|fake| {
                let expected =
                    format!("{before}{}{PLACEHOLDER}{}{after}", fake.before(), fake.after());
                same(&masked, &expected, after, fake)
            });
            if !is_expected {
                wrong.insert(format!(
                    "{} {}…: {before:?} {after:?} {}",
                    format.rule,
                    format.hint(),
                    verdict(&masked, fake.secret(), fake.secret())
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What became of the tries for one format.
#[derive(Default)]
struct Result {
    tried: usize,
    passed: usize,
    failures: Vec<String>,
}

impl Result {
    fn add(&mut self, failure: Option<String>) {
        self.tried += 1;
        self.passed += usize::from(failure.is_none());
        self.failures.extend(failure);
    }
}

fn for_each_format(check: impl Fn(&Format, &mut Random) -> Result + Sync) -> Vec<Result> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = FORMATS.len().div_ceil(threads);
    let check = &check;
    thread::scope(|scope| {
        let workers: Vec<_> = FORMATS
            .chunks(share)
            .enumerate()
            .map(|(part, formats)| {
                scope.spawn(move || {
                    let mut random = Random::new(part as u64);
                    formats.iter().map(|format| check(format, &mut random)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("it does not panic")).collect()
    })
}

fn all_positions(format: &Format, random: &mut Random) -> Result {
    let rules = Rc::new(Rules::default());
    let mut result = Result::default();
    for position in position::all() {
        let fake = format.make(random);
        result.add(at_position(&rules, format, &position, &fake));
    }
    result
}

fn at_position(
    rules: &Rc<Rules>,
    format: &Format,
    position: &Position,
    fake: &Fake,
) -> Option<String> {
    let body = position.body(fake);
    let mut stream = Stream::new(rules, &position.syntax);
    let whole = stream.view(body.as_bytes(), &[]).to_vec();
    let exact = position.expected(fake);
    let wider = position.expected(&fake.wider());
    // Some tokens have dots within. Such a one takes a full stop with it.
    let stop = if fake.after().is_empty() { "." } else { "" };
    let with_stop = exact.replacen(&format!("{PLACEHOLDER}{stop}"), PLACEHOLDER, 1);
    let all = [exact, wider, with_stop];
    let expected = all.iter().find(|expected| whole == expected.as_bytes()).unwrap_or(&all[0]);
    let written = position.encoded(fake.secret());
    assert!(!leaks(expected, fake.secret(), &written), "the expectation leaks");
    let (split, view) = stream.first_wrong(body.as_bytes(), expected.as_bytes())?;
    let verdict = verdict(&String::from_utf8_lossy(&view), fake.secret(), &written);
    Some(format!("{} {}… in {}, {split}: {verdict}", format.rule, format.hint(), position.name))
}

fn many_of_one(format: &Format, random: &mut Random) -> Result {
    let rules = Rc::new(Rules::default());
    let mut stream = Stream::new(&rules, &Syntax::Text);
    let mut result = Result::default();
    for _ in 0..400 {
        let fake = format.make(random);
        let body = format!("({})", fake.text);
        let expected = format!("({}{PLACEHOLDER}{})", fake.before(), fake.after());
        let view = String::from_utf8_lossy(stream.view(body.as_bytes(), &[])).into_owned();
        let verdict = (view != expected).then(|| verdict(&view, fake.secret(), fake.secret()));
        result.add(verdict.map(|verdict| format!("{} {}…: {verdict}", format.rule, format.hint())));
    }
    result
}

fn same(masked: &str, expected: &str, after: &str, fake: &Fake) -> bool {
    let may_go_on = after.starts_with('/') && fake.after().is_empty();
    masked == expected || may_go_on && Some(masked) == expected.strip_suffix(after)
}

/// What is wrong with a view, without a byte of the secret, which is written there as `written`.
fn verdict(view: &str, secret: &str, written: &str) -> String {
    let (bytes, length) = (view.len(), secret.len());
    if leaks(view, secret, written) {
        return format!("LEAKS of {length} secret bytes");
    }
    let placeholders = view.matches(PLACEHOLDER).count();
    format!("wrong part: {placeholders} placeholders, {bytes} bytes of view, {length} secret")
}

/// Whether a piece of `secret` is in `view`, written as in `written`.
fn leaks(view: &str, secret: &str, written: &str) -> bool {
    let piece = written.len() * PIECE.min(secret.len()) / secret.len();
    written.as_bytes().windows(piece).any(|piece| contains(view.as_bytes(), piece))
}

fn contains(text: &[u8], piece: &[u8]) -> bool {
    text.windows(piece.len()).any(|window| window == piece)
}

fn report(what: &str, results: &[Result]) {
    let tried: usize = results.iter().map(|result| result.tried).sum();
    let passed: usize = results.iter().map(|result| result.passed).sum();
    let failures: Vec<&String> = results.iter().flat_map(|result| &result.failures).collect();
    let leaks = failures.iter().filter(|failure| failure.contains("LEAKS")).count();
    println!(
        "{passed} of {tried} {what} as expected; recall {:.3} %",
        100.0 * (tried - leaks) as f64 / tried as f64
    );
    assert!(
        failures.is_empty(),
        "{} wrong, of these {leaks} leaks:\n{}",
        failures.len(),
        some(results)
    );
}

/// The first failures of each format, and how many there are.
fn some(results: &[Result]) -> String {
    const EACH: usize = 4;
    let each = results.iter().filter(|result| !result.failures.is_empty()).map(|result| {
        let first = &result.failures[..result.failures.len().min(EACH)];
        format!(
            "{} of {}, such as\n   {}",
            result.failures.len(),
            result.tried,
            first.join("\n   ")
        )
    });
    each.collect::<Vec<_>>().join("\n")
}
