//! Tokens that providers give out, known by how they begin.
//!
//! A published rule for such a token is a regular expression that wants a certain character behind
//! it, and misses `key=sk-…&`, `\"sk-…\"` and `(sk-…)`. Here a shape is a prefix, a class of
//! characters and a least number of them. The token goes on to the first character that cannot
//! belong to it, however far that is: a provider that makes its keys longer is still masked.

use super::{
    class::{
        ALNUM, AT, BASE64, COLON, Class, DASH, DIGIT, DOT, EQUALS, HEX, LOWER, LOWER_HEX,
        PLUS_SLASH, SPACE, TILDE, UNDERSCORE, UPPER, WORD, is_in,
    },
    provider::{self, Provider},
    skip::escaped_space,
    window::{Step, Window},
};

/// One kind of token.
#[derive(Debug)]
pub(super) struct Shape {
    /// The name of the rule, as it is counted in an entry.
    pub(super) rule: &'static str,
    prefix: &'static [u8],
    /// The characters that follow the prefix.
    pub(super) class: Class,
    least: usize,
    check: Check,
    /// Who gave it out, if the shape tells.
    pub(super) provider: Option<&'static Provider>,
}

/// What a shape wants beyond its prefix and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    /// The prefix is no secret and stays: it is the public part of a URL.
    KeepPrefix,
    /// No more than a few of the letter A: base64 writes zeros so.
    FewAs,
    /// A digit or a capital among the least characters: `sk-loading-indicator` is no token.
    DigitOrCapital,
    /// A digit among the least characters.
    Digit,
    /// A digit and a capital among the least characters.
    DigitAndCapital,
    /// A digit or a capital among the least characters, and no letter or digit behind them.
    RandomAndExact,
    /// No letter or digit behind the least characters.
    Exact,
    /// 24 hexadecimal digits, a dash, and more of them.
    Cloudflare,
    /// 20 characters, then the mark of an OpenAI key.
    OpenAi,
    /// A header, a dot, and more.
    Jwt,
    /// Two more parts behind dots, of 6 and 27 characters.
    Discord,
    /// A part of 14 characters, a dot, 64 hexadecimal digits.
    Airtable,
    /// Three parts, of which the third begins with `acc`.
    Authress,
    /// What follows `PRIVATE KEY-----`.
    Pem,
}

/// What a look at one place found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    Nothing,
    /// It takes more bytes to tell.
    Unknown,
    Match(T),
}

/// A token: what of it is known to be secret so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) shape: &'static Shape,
    /// Where the secret begins.
    pub(super) start: usize,
    /// Up to where it is known to go on.
    pub(super) end: usize,
}

/// Which pairs of characters a token may begin with, and the shapes that do.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// For each first character the second ones, as a bit set.
    pairs: Vec<[u64; 4]>,
    /// For each first character the places in [`SHAPES`].
    shapes: Vec<Vec<u8>>,
}

impl Filter {
    /// For the shapes that are `wanted`.
    pub(super) fn new(wanted: impl Fn(&Shape) -> bool) -> Self {
        let mut filter = Self { pairs: vec![[0; 4]; 256], shapes: vec![Vec::new(); 256] };
        for (index, shape) in (0_u8..).zip(SHAPES).filter(|(_, shape)| wanted(shape)) {
            let Some(first) = shape.prefix.first() else { continue };
            if let Some(shapes) = filter.shapes.get_mut(usize::from(*first)) {
                shapes.push(index);
            }
            let seconds = (0..=255).filter(|second| match shape.prefix.get(1) {
                Some(expected) => second == expected,
                None => is_in(*second, shape.class),
            });
            seconds.chain(*b"%\\").for_each(|second| filter.add(*first, second));
        }
        filter
    }

    fn add(&mut self, first: u8, second: u8) {
        let row = self.pairs.get_mut(usize::from(first));
        if let Some(word) = row.and_then(|row| row.get_mut(usize::from(second >> 6))) {
            *word |= 1 << (second & 63);
        }
    }

    /// Whether no token begins at `at`: told by two bytes, nearly always.
    #[inline]
    pub(super) fn rules_out(&self, window: Window<'_>, at: usize) -> bool {
        match window.from(at) {
            [b'%' | b'\\', ..] => false,
            [first, second, ..] => !self.has_pair(*first, *second),
            _ => window.is_last,
        }
    }

    /// The token that begins at `at`, where a word may begin.
    pub(super) fn find(&self, window: Window<'_>, at: usize) -> Found<Token> {
        match window.from(at) {
            [b'%' | b'\\', ..] => self.find_escaped(window, at),
            [first, second, ..] if self.has_pair(*first, *second) => {
                self.search(*first, window, at, at.saturating_add(1))
            }
            [_, _, ..] => Found::Nothing,
            [first] if !window.is_last => self.search(*first, window, at, at.saturating_add(1)),
            [] if !window.is_last => Found::Unknown,
            _ => Found::Nothing,
        }
    }

    #[inline]
    fn has_pair(&self, first: u8, second: u8) -> bool {
        let row = self.pairs.get(usize::from(first));
        row.and_then(|row| row.get(usize::from(second >> 6)))
            .is_some_and(|word| word >> (second & 63) & 1 == 1)
    }

    /// The first character is written as an escape.
    fn find_escaped(&self, window: Window<'_>, at: usize) -> Found<Token> {
        match window.unescaped(at) {
            Step::Char(b'%' | b'\\', _) | Step::End => Found::Nothing,
            Step::Char(byte, behind) => self.search(byte, window, at, behind),
            Step::Unknown => Found::Unknown,
        }
    }

    /// Among the shapes that begin with `first`, which ends before `behind`.
    #[cold]
    fn search(&self, first: u8, window: Window<'_>, at: usize, behind: usize) -> Found<Token> {
        let shapes = self.shapes.get(usize::from(first)).map(Vec::as_slice).unwrap_or_default();
        let next = window.from(behind);
        for index in shapes {
            let Some(shape) = SHAPES.get(usize::from(*index)) else { continue };
            if shape.is_ruled_out(next) {
                continue;
            }
            match shape.find(window, at) {
                Found::Nothing => {}
                found => return found,
            }
        }
        Found::Nothing
    }
}

impl Shape {
    /// Whether the two bytes behind the first one are not those of the prefix.
    #[inline]
    fn is_ruled_out(&self, next: &[u8]) -> bool {
        let differs = |expected: &u8, byte: &u8| expected != byte && !matches!(byte, b'%' | b'\\');
        match (self.prefix, next) {
            ([b'%' | b'\\', ..], _) | (_, [b'%' | b'\\', ..]) => false,
            ([_, second, third, ..], [one, two, ..]) => differs(second, one) || differs(third, two),
            ([_, second], [one, ..]) => differs(second, one),
            _ => false,
        }
    }

    fn find(&'static self, window: Window<'_>, at: usize) -> Found<Token> {
        let body = match follow(window, at, self.prefix) {
            Found::Match(body) => body,
            Found::Unknown => return Found::Unknown,
            Found::Nothing => return Found::Nothing,
        };
        let end = match self.check {
            Check::Pem => pem(window, at, body),
            Check::Jwt => jwt(window, body),
            Check::Discord => discord(window, at),
            Check::Airtable => parts(window, body, &[(ALNUM, 14, 14), (HEX, 64, 64)]),
            Check::Authress => authress(window, body),
            Check::OpenAi => open_ai(window, body),
            Check::Cloudflare => cloudflare(window, body),
            _ => self.run(window, body),
        };
        match end {
            Found::Match(end) => Found::Match(Token {
                shape: self,
                end,
                start: match self.check {
                    Check::KeepPrefix | Check::Pem => body,
                    _ => at,
                },
            }),
            Found::Unknown => Found::Unknown,
            Found::Nothing => Found::Nothing,
        }
    }

    /// The least number of characters of the class, with what is wanted among them.
    fn run(&self, window: Window<'_>, body: usize) -> Found<usize> {
        let mut seen = Seen::default();
        let mut at = body;
        let plain = window.from(body).get(..self.least).unwrap_or_default();
        if !plain.is_empty() && seen.all(plain, self.class) {
            at = body.saturating_add(self.least);
        } else {
            seen = Seen::default();
            for _ in 0..self.least {
                match window.unescaped(at) {
                    Step::Char(byte, next) if seen.one(byte, self.class) => at = next,
                    Step::Unknown => return Found::Unknown,
                    _ => return Found::Nothing,
                }
            }
        }
        let fits = match self.check {
            Check::Digit => seen.digit,
            Check::DigitOrCapital | Check::RandomAndExact if seen.is_random() => true,
            Check::DigitOrCapital => match self.is_random_further_on(window, at) {
                Some(is_random) => is_random,
                None => return Found::Unknown,
            },
            Check::RandomAndExact => false,
            Check::DigitAndCapital => seen.digit && seen.capital,
            Check::FewAs => seen.letters_a < 7,
            _ => true,
        };
        if !fits {
            return Found::Nothing;
        }
        match self.check {
            Check::Exact | Check::RandomAndExact => ends_word(window, at),
            _ => Found::Match(at),
        }
    }
}

impl Shape {
    /// Whether a digit or a capital is among the next characters of the class, if that is known.
    fn is_random_further_on(&self, window: Window<'_>, at: usize) -> Option<bool> {
        const MOST: usize = 24;
        let (mut seen, mut at) = (Seen::default(), at);
        for _ in 0..MOST {
            match window.unescaped(at) {
                Step::Char(byte, next) if seen.one(byte, self.class) => at = next,
                Step::Unknown if !seen.is_random() => return None,
                _ => break,
            }
        }
        Some(seen.is_random())
    }
}

/// What was seen among the characters of a token.
#[derive(Default)]
struct Seen {
    digit: bool,
    capital: bool,
    letters_a: u32,
}

impl Seen {
    fn is_random(&self) -> bool {
        self.digit || self.capital
    }

    /// Takes note of a character, if it belongs to `class`.
    fn one(&mut self, byte: u8, class: Class) -> bool {
        if !is_in(byte, class) {
            return false;
        }
        self.digit |= byte.is_ascii_digit();
        self.capital |= byte.is_ascii_uppercase();
        self.letters_a = self.letters_a.saturating_add(u32::from(byte == b'A'));
        true
    }

    fn all(&mut self, bytes: &[u8], class: Class) -> bool {
        bytes.iter().all(|byte| self.one(*byte, class))
    }
}

fn ends_word(window: Window<'_>, at: usize) -> Found<usize> {
    match window.unescaped(at) {
        Step::Char(byte, _) if byte.is_ascii_alphanumeric() => Found::Nothing,
        Step::Unknown => Found::Unknown,
        _ => Found::Match(at),
    }
}

/// The place behind `text`, if that is what stands at `at`.
pub(super) fn follow(window: Window<'_>, at: usize, text: &[u8]) -> Found<usize> {
    let same = window.from(at).iter().zip(text).take_while(|(byte, expected)| byte == expected);
    let same = same.count();
    let mut at = at.saturating_add(same);
    if let Some(byte) = window.byte(at)
        && !matches!(byte, b'%' | b'\\')
        && same < text.len()
    {
        return Found::Nothing;
    }
    for expected in text.iter().skip(same) {
        match window.unescaped(at) {
            Step::Char(byte, next) if byte == *expected => at = next,
            Step::Unknown => return Found::Unknown,
            _ => return Found::Nothing,
        }
    }
    Found::Match(at)
}

/// Characters of `class` from `at` on, at most `most` of them: how many, and the place behind.
fn count(window: Window<'_>, at: usize, class: Class, most: usize) -> Found<(usize, usize)> {
    let mut at = at;
    for counted in 0..most {
        match window.unescaped(at) {
            Step::Char(byte, next) if is_in(byte, class) => at = next,
            Step::Unknown => return Found::Unknown,
            _ => return Found::Match((counted, at)),
        }
    }
    Found::Match((most, at))
}

/// Parts of a class and a least and a greatest length, with dots between them.
fn parts(window: Window<'_>, at: usize, parts: &[(Class, usize, usize)]) -> Found<usize> {
    let mut at = at;
    for (index, (class, least, most)) in parts.iter().enumerate() {
        if index > 0 {
            match follow(window, at, b".") {
                Found::Match(next) => at = next,
                other => return other,
            }
        }
        match count(window, at, *class, *most) {
            Found::Match((counted, next)) if counted >= *least => at = next,
            Found::Unknown => return Found::Unknown,
            _ => return Found::Nothing,
        }
    }
    Found::Match(at)
}

/// The longest header of a JWT that is waited for. A longer one is taken for a token as it is.
const MAX_JWT_HEADER: usize = 1024;

/// A JSON object in base64url, a dot, and at least six more characters or another dot
/// (RFC 7519; a compact JWE may have an empty second part).
fn jwt(window: Window<'_>, body: usize) -> Found<usize> {
    let header = match count(window, body, WORD | EQUALS, MAX_JWT_HEADER) {
        Found::Match((MAX_JWT_HEADER, end)) => return Found::Match(end),
        Found::Match((counted, end)) if counted >= 10 => end,
        Found::Unknown => return Found::Unknown,
        _ => return Found::Nothing,
    };
    let second = match follow(window, header, b".") {
        Found::Match(second) => second,
        other => return other,
    };
    match count(window, second, WORD | DOT, 6) {
        Found::Match((6, end)) => Found::Match(end),
        Found::Match((1.., end)) if window.before(end).ends_with(b"..") => Found::Match(end),
        Found::Unknown => Found::Unknown,
        _ => Found::Nothing,
    }
}

fn discord(window: Window<'_>, at: usize) -> Found<usize> {
    parts(window, at, &[(WORD, 23, 28), (WORD, 6, 7), (WORD, 27, 27)])
}

fn authress(window: Window<'_>, body: usize) -> Found<usize> {
    match parts(window, body, &[(ALNUM, 5, 30), (ALNUM, 4, 6)]) {
        Found::Match(end) => follow(window, end, b".acc"),
        other => other,
    }
}

fn cloudflare(window: Window<'_>, body: usize) -> Found<usize> {
    match count(window, body, HEX, 25) {
        Found::Match((24, dash)) => match follow(window, dash, b"-") {
            Found::Match(rest) => match count(window, rest, HEX, 40) {
                Found::Match((40, end)) => Found::Match(end),
                Found::Unknown => Found::Unknown,
                Found::Match(_) | Found::Nothing => Found::Nothing,
            },
            other => other,
        },
        Found::Unknown => Found::Unknown,
        _ => Found::Nothing,
    }
}

fn open_ai(window: Window<'_>, body: usize) -> Found<usize> {
    match count(window, body, ALNUM, 20) {
        Found::Match((20, mark)) => follow(window, mark, b"T3BlbkFJ"),
        Found::Unknown => Found::Unknown,
        _ => Found::Nothing,
    }
}

/// Behind the first line of a private key, and the headers that may follow it, if `at` is where its
/// last word begins (RFC 7468, and OpenPGP's armor).
fn pem(window: Window<'_>, at: usize, body: usize) -> Found<usize> {
    let before = window.unescaped_before(at);
    let is = |words: &[u8]| {
        let words = words.iter().rev().copied();
        before.take(words.len()).map(|byte| if byte == b'+' { b' ' } else { byte }).eq(words)
    };
    if !is(b"PRIVATE ") && !is(b"PRIVATE KEY ") {
        return Found::Nothing;
    }
    match pem_headers(window, body) {
        Found::Match(content) => pem_content(window, content),
        other => other,
    }
}

/// The most headers of a private key, and the longest one.
const MAX_HEADERS: usize = 4;
const MAX_HEADER: usize = 256;

/// Behind line ends, and behind lines that hold a colon.
fn pem_headers(window: Window<'_>, at: usize) -> Found<usize> {
    let mut content = at;
    for _ in 0..=MAX_HEADERS {
        content = match line_ends(window, content) {
            Found::Match(next) => next,
            other => return other,
        };
        match header(window, content) {
            Found::Match(next) => content = next,
            Found::Unknown => return Found::Unknown,
            Found::Nothing => break,
        }
    }
    Found::Match(content)
}

/// Behind the spaces and line ends at `at`, be they escaped.
fn line_ends(window: Window<'_>, at: usize) -> Found<usize> {
    let mut at = at;
    for _ in 0..MAX_HEADER {
        match window.unescaped(at) {
            Step::Char(byte, next) if is_in(byte, SPACE) => at = next,
            Step::Char(b'\\', _) => match escaped_space(window, at) {
                Some(Some(next)) => at = next,
                Some(None) => break,
                None => return Found::Unknown,
            },
            Step::Unknown => return Found::Unknown,
            _ => break,
        }
    }
    Found::Match(at)
}

/// Behind `Name: value`.
fn header(window: Window<'_>, at: usize) -> Found<usize> {
    let colon = match count(window, at, ALNUM | DASH, 32) {
        Found::Match((1.., colon)) => colon,
        Found::Unknown => return Found::Unknown,
        _ => return Found::Nothing,
    };
    let mut at = match follow(window, colon, b":") {
        Found::Match(value) => value,
        other => return other,
    };
    for _ in 0..MAX_HEADER {
        match window.unescaped(at) {
            Step::Char(b'\n' | b'\r', _) => return Found::Match(at),
            Step::Char(b'\\', next) => match escaped_space(window, at) {
                Some(Some(_)) => return Found::Match(at),
                Some(None) => at = next,
                None => return Found::Unknown,
            },
            Step::Char(_, next) => at = next,
            Step::Unknown => return Found::Unknown,
            Step::End => break,
        }
    }
    Found::Nothing
}

/// `content`, if enough of what a private key is written in stands there: a mere mention of the
/// line is no key.
fn pem_content(window: Window<'_>, content: usize) -> Found<usize> {
    const LEAST: usize = 16;
    match count(window, content, BASE64, LEAST) {
        Found::Match((LEAST, _)) => Found::Match(content),
        Found::Unknown => Found::Unknown,
        _ => Found::Nothing,
    }
}

/// The content of a private key that begins at `at`, behind the line break of its first line or
/// behind its headers.
pub(super) fn pem_line(window: Window<'_>, at: usize) -> Found<usize> {
    const MAX_BEFORE: usize = 480;
    let before = window.before(at);
    if let [.., last, space] = before
        && space.is_ascii_whitespace()
        && *last != b'-'
        && !last.is_ascii_whitespace()
    {
        return Found::Nothing;
    }
    let text = before.trim_ascii_end();
    if text.len() == before.len() {
        return Found::Nothing;
    }
    if let Some(line) = text.strip_suffix(b"-----") {
        return if is_private_line(line) { pem_content(window, at) } else { Found::Nothing };
    }
    let gap = before.get(text.len()..).unwrap_or_default();
    if gap.iter().filter(|byte| **byte == b'\n').count() < 2 {
        return Found::Nothing;
    }
    let headers = text.get(text.len().saturating_sub(MAX_BEFORE)..).unwrap_or_default();
    let Some(end) = headers.windows(5).rposition(|five| five == b"-----") else {
        return Found::Nothing;
    };
    let is_private = is_private_line(headers.get(..end).unwrap_or_default());
    if is_private { pem_content(window, at) } else { Found::Nothing }
}

fn is_private_line(line: &[u8]) -> bool {
    line.ends_with(b"PRIVATE KEY") || line.ends_with(b"PRIVATE KEY BLOCK")
}

/// Tokens that are known by a mark within them, whose last character stands right before `start`:
/// what follows the mark is masked.
pub(super) fn marked(window: Window<'_>, start: usize) -> Found<(&'static str, usize, Class)> {
    let mut before = window.unescaped_before(start);
    let (rule, class, least) = match before.next() {
        Some(b'~') if before.next() == Some(b'Q') && is_digit(before.next()) => {
            ("azure-ad-client-secret", WORD | DOT | TILDE, 31)
        }
        Some(b'.') if before.take(8).eq(*b"1vsalta.") => {
            ("hashicorp-tf-api-token", WORD | EQUALS, 40)
        }
        Some(b'_') => return maxmind(window, start),
        _ => return Found::Nothing,
    };
    match count(window, start, class, least) {
        Found::Match((counted, _)) if counted == least => Found::Match((rule, start, class)),
        Found::Unknown => Found::Unknown,
        _ => Found::Nothing,
    }
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// Six characters, `_`, 29 characters, `_mmk`.
fn maxmind(window: Window<'_>, start: usize) -> Found<(&'static str, usize, Class)> {
    const LENGTH: usize = 29;
    let found = match count(window, start, ALNUM, LENGTH) {
        Found::Match((LENGTH, mark)) => follow(window, mark, b"_mmk"),
        Found::Unknown => Found::Unknown,
        _ => return Found::Nothing,
    };
    let id = window.unescaped_before(start).skip(1).take(6);
    if id.filter(u8::is_ascii_alphanumeric).count() < 6 {
        return Found::Nothing;
    }
    match found {
        Found::Match(_) => Found::Match(("maxmind-license-key", start, ALNUM | UNDERSCORE)),
        Found::Unknown => Found::Unknown,
        Found::Nothing => Found::Nothing,
    }
}

/// A token behind `Bearer ` or `Basic `: at least 16 characters, and not a mere word.
pub(super) fn after_scheme(window: Window<'_>, at: usize) -> Found<(&'static str, Class)> {
    const LEAST: usize = 16;
    const CLASS: Class = BASE64 | WORD | DOT | TILDE;
    if !may_be_scheme(window.before(at)) {
        return Found::Nothing;
    }
    let Some(rule) = scheme_before(window, at) else { return Found::Nothing };
    let (mut at, mut previous, mut is_random) = (at, b' ', false);
    for _ in 0..LEAST {
        match window.unescaped(at) {
            Step::Char(byte, next) if is_in(byte, CLASS) => {
                is_random |= byte.is_ascii_digit();
                is_random |= byte.is_ascii_uppercase() && previous.is_ascii_lowercase();
                (at, previous) = (next, byte);
            }
            Step::Unknown => return Found::Unknown,
            _ => return Found::Nothing,
        }
    }
    if is_random { Found::Match((rule, CLASS)) } else { Found::Nothing }
}

/// Told by the last bytes, nearly always.
#[inline]
fn may_be_scheme(before: &[u8]) -> bool {
    match before {
        [.., b'r' | b'R' | b'c' | b'C', b' ' | b'+'] | [.., b'%', _, _, b' ' | b'+'] => true,
        [.., b' ' | b'+'] => false,
        _ => true,
    }
}

fn scheme_before(window: Window<'_>, at: usize) -> Option<&'static str> {
    let before = window.unescaped_before(at).skip(1).map(|byte| byte.to_ascii_lowercase());
    if before.clone().take(6).eq(*b"reraeb") {
        return Some("bearer-token");
    }
    before.take(5).eq(*b"cisab").then_some("basic-credentials")
}

const fn shape(rule: &'static str, prefix: &'static str, class: Class, least: usize) -> Shape {
    let prefix = prefix.as_bytes();
    Shape { rule, prefix, class, least, check: Check::Nothing, provider: None }
}

impl Shape {
    /// Whether it is the first line of a private key.
    pub(super) fn is_pem(&self) -> bool {
        self.check == Check::Pem
    }

    const fn of(mut self, provider: &'static Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }
}

const HEX_LOWER: Class = DIGIT | LOWER_HEX;
const PATH: Class = WORD | PLUS_SLASH | AT | DOT;

/// Every shape, the more telling prefix before the less telling one.
///
/// Rule names are those of gitleaks where it has the format. Where a published format is longer
/// than what is wanted here, the rest is taken as far as it goes.
#[rustfmt::skip]
static SHAPES: &[Shape] = &[
    // Models.
    shape("anthropic-admin-api-key", "sk-ant-admin", WORD, 20).of(&provider::ANTHROPIC),
    shape("anthropic-api-key", "sk-ant-", WORD, 20).of(&provider::ANTHROPIC),
    shape("openrouter-api-key", "sk-or-v1-", HEX, 32).of(&provider::OPENROUTER),
    shape("langfuse-secret-key", "sk-lf-", HEX | DASH, 30),
    shape("openai-api-key", "sk-proj-", WORD, 20).of(&provider::OPENAI),
    shape("openai-api-key", "sk-svcacct-", WORD, 20).of(&provider::OPENAI),
    shape("openai-api-key", "sk-service-", WORD, 20).check(Check::DigitOrCapital).of(&provider::OPENAI),
    shape("openai-api-key", "sk-admin-", WORD, 20).check(Check::DigitOrCapital).of(&provider::OPENAI),
    shape("openai-api-key", "sk-", WORD, 28).check(Check::OpenAi).of(&provider::OPENAI),
    shape("sk-api-key", "sk-", WORD, 20).check(Check::DigitOrCapital),
    shape("sk-api-key", "sk-", LOWER | DIGIT, 32),
    shape("groq-api-key", "gsk_", ALNUM, 40).of(&provider::GROQ),
    shape("xai-api-key", "xai-", ALNUM | UNDERSCORE, 40).of(&provider::XAI),
    shape("replicate-api-token", "r8_", WORD, 30).of(&provider::REPLICATE),
    shape("nvidia-api-key", "nvapi-", WORD, 40).of(&provider::NVIDIA),
    shape("langsmith-api-key", "lsv2_pt_", HEX | UNDERSCORE, 40),
    shape("langsmith-api-key", "lsv2_sk_", HEX | UNDERSCORE, 40),
    shape("pinecone-api-key", "pcsk_", ALNUM | UNDERSCORE, 40).of(&provider::PINECONE),
    shape("perplexity-api-key", "pplx-", ALNUM, 40).of(&provider::PERPLEXITY),
    shape("huggingface-access-token", "hf_", ALNUM, 30).of(&provider::HUGGINGFACE),
    shape("huggingface-organization-api-token", "api_org_", ALNUM, 30).of(&provider::HUGGINGFACE),
    shape("elevenlabs-api-key", "sk_", HEX_LOWER, 40).of(&provider::ELEVENLABS),
    shape("cerebras-api-key", "csk-", ALNUM, 40),
    shape("tavily-api-key", "tvly-", WORD, 20).check(Check::DigitOrCapital),
    shape("firecrawl-api-key", "fc-", HEX_LOWER, 32),
    shape("e2b-api-key", "e2b_", HEX_LOWER, 40),
    // Clouds.
    shape("aws-access-token", "AKIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ASIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ABIA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "ACCA", UPPER | DIGIT, 16).of(&provider::AWS),
    shape("aws-access-token", "A3T", UPPER | DIGIT, 17).of(&provider::AWS),
    shape("aws-amazon-bedrock-api-key-long-lived", "ABSK", BASE64, 40).of(&provider::AWS),
    shape("aws-amazon-bedrock-api-key-short-lived", "bedrock-api-key-", BASE64, 20).of(&provider::AWS),
    shape("gcp-api-key", "AIza", WORD, 30).of(&provider::GOOGLE),
    shape("gcp-oauth-token", "ya29.", WORD | DOT, 20).of(&provider::GOOGLE),
    shape("gcp-oauth-client-secret", "GOCSPX-", WORD, 20).of(&provider::GOOGLE),
    shape("alibaba-access-key-id", "LTAI", ALNUM, 16),
    shape("digitalocean-pat", "dop_v1_", HEX, 40),
    shape("digitalocean-access-token", "doo_v1_", HEX, 40),
    shape("digitalocean-refresh-token", "dor_v1_", HEX, 40),
    shape("yandex-access-token", "t1.", WORD | DOT | EQUALS, 80).check(Check::DigitAndCapital),
    shape("yandex-api-key", "AQVN", WORD, 30),
    shape("heroku-api-key-v2", "HRKU-AA", WORD, 40),
    shape("flyio-access-token", "fo1_", WORD, 40),
    shape("flyio-access-token", "fm1a_", BASE64, 60),
    shape("flyio-access-token", "fm1r_", BASE64, 60),
    shape("flyio-access-token", "fm2_", BASE64, 60),
    shape("scalingo-api-token", "tk-us-", WORD, 40),
    shape("openshift-user-token", "sha256~", WORD, 40),
    shape("cloudflare-origin-ca-key", "v1.0-", HEX_LOWER | DASH, 60).check(Check::Cloudflare),
    shape("supabase-token", "sbp_", HEX_LOWER, 40),
    shape("netlify-access-token", "nfp_", ALNUM, 36),
    // Code and its tools.
    shape("github-fine-grained-pat", "github_pat_", ALNUM | UNDERSCORE, 36).of(&provider::GITHUB),
    shape("github-pat", "ghp_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-oauth", "gho_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-app-token", "ghu_", ALNUM, 30).of(&provider::GITHUB),
    shape("github-app-token", "ghs_", WORD | DOT, 30).of(&provider::GITHUB),
    shape("github-refresh-token", "ghr_", ALNUM, 30).of(&provider::GITHUB),
    shape("gitlab-pat", "glpat-", WORD | DOT, 20).of(&provider::GITLAB),
    shape("gitlab-deploy-token", "gldt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-feature-flag-client-token", "glffct-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-feed-token", "glft-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-incoming-mail-token", "glimt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-cicd-job-token", "glcbt-", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-kubernetes-agent-token", "glagent-", WORD, 40).of(&provider::GITLAB),
    shape("gitlab-oauth-app-secret", "gloas-", WORD, 40).of(&provider::GITLAB),
    shape("gitlab-ptt", "glptt-", HEX, 40).of(&provider::GITLAB),
    shape("gitlab-rrt", "GR1348941", WORD, 20).of(&provider::GITLAB),
    shape("gitlab-runner-authentication-token", "glrt-", WORD | DOT, 20).of(&provider::GITLAB),
    shape("gitlab-scim-token", "glsoat-", WORD, 20).of(&provider::GITLAB),
    shape("npm-access-token", "npm_", ALNUM, 30).of(&provider::NPM),
    shape("pypi-upload-token", "pypi-AgEIcHlwaS5vcmc", WORD, 40).of(&provider::PYPI),
    shape("rubygems-api-token", "rubygems_", HEX, 40),
    shape("clojars-api-token", "CLOJARS_", ALNUM, 40),
    shape("clojars-api-token", "clojars_", ALNUM, 40),
    shape("artifactory-api-key", "AKCp", ALNUM, 60),
    shape("artifactory-reference-token", "cmVmd", ALNUM, 59).check(Check::Exact),
    shape("databricks-api-token", "dapi", HEX_LOWER, 32),
    shape("sonar-api-token", "squ_", ALNUM | EQUALS, 36),
    shape("sonar-api-token", "sqp_", ALNUM | EQUALS, 36),
    shape("sonar-api-token", "sqa_", ALNUM | EQUALS, 36),
    shape("sourcegraph-access-token", "sgp_", ALNUM | UNDERSCORE, 40),
    shape("sentry-user-token", "sntryu_", HEX, 40),
    shape("sentry-org-token", "sntrys_", BASE64 | UNDERSCORE, 40),
    shape("postman-api-token", "PMAK-", ALNUM | DASH, 40),
    shape("pulumi-api-token", "pul-", HEX, 40),
    shape("prefect-api-token", "pnu_", ALNUM, 30),
    shape("infracost-api-token", "ico-", ALNUM, 32),
    shape("octopus-deploy-api-key", "API-", UPPER | DIGIT, 26),
    shape("harness-api-key", "pat.", WORD | DOT, 60).check(Check::DigitAndCapital),
    shape("harness-api-key", "sat.", WORD | DOT, 60).check(Check::DigitAndCapital),
    shape("planetscale-api-token", "pscale_tkn_", WORD | DOT | EQUALS, 32),
    shape("planetscale-oauth-token", "pscale_oauth_", WORD | DOT | EQUALS, 32),
    shape("planetscale-password", "pscale_pw_", WORD | DOT | EQUALS, 32),
    shape("clickhouse-cloud-api-secret-key", "4b1d", ALNUM, 38).check(Check::Exact),
    shape("readme-api-token", "rdme_", ALNUM, 40),
    shape("defined-networking-api-token", "dnkey-", WORD | EQUALS, 40),
    shape("intra42-client-secret", "s-s4t2ud-", HEX, 40),
    shape("intra42-client-secret", "s-s4t2af-", HEX, 40),
    shape("settlemint-application-access-token", "sm_aat_", ALNUM, 16),
    shape("settlemint-personal-access-token", "sm_pat_", ALNUM, 16),
    shape("settlemint-service-access-token", "sm_sat_", ALNUM, 16),
    // Secrets of secret keepers.
    shape("vault-service-token", "hvs.", WORD, 24),
    shape("vault-batch-token", "hvb.", WORD, 24),
    shape("vault-recovery-token", "hvr.", WORD, 24),
    shape("vault-service-token", "s.", ALNUM, 24).check(Check::RandomAndExact),
    shape("doppler-api-token", "dp.pt.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.st.", WORD | DOT, 40),
    shape("doppler-api-token", "dp.sa.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.ct.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.scim.", ALNUM | DOT, 40),
    shape("doppler-api-token", "dp.audit.", ALNUM | DOT, 40),
    shape("age-secret-key", "AGE-SECRET-KEY-1", UPPER | DIGIT, 50),
    shape("1password-service-account-token", "ops_eyJ", BASE64, 40),
    shape("1password-secret-key", "A3-", UPPER | DIGIT | DASH, 30),
    // Money, shops, parcels.
    shape("stripe-access-token", "sk_live_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "sk_test_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "sk_prod_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_live_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_test_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-access-token", "rk_prod_", ALNUM, 10).check(Check::DigitOrCapital).of(&provider::STRIPE),
    shape("stripe-webhook-secret", "whsec_", BASE64, 24).of(&provider::STRIPE),
    shape("square-access-token", "sq0atp-", WORD, 22),
    shape("square-access-token", "sq0csp-", WORD, 22),
    shape("square-access-token", "EAAA", WORD, 22).check(Check::FewAs),
    shape("plaid-api-token", "access-sandbox-", HEX | DASH, 30),
    shape("plaid-api-token", "access-development-", HEX | DASH, 30),
    shape("plaid-api-token", "access-production-", HEX | DASH, 30),
    shape("flutterwave-secret-key", "FLWSECK_TEST-", ALNUM | DASH, 12),
    shape("flutterwave-secret-key", "FLWSECK-", ALNUM | DASH, 12),
    shape("flutterwave-public-key", "FLWPUBK_TEST-", ALNUM | DASH, 20),
    shape("flutterwave-public-key", "FLWPUBK-", ALNUM | DASH, 20),
    shape("shopify-access-token", "shpat_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-custom-access-token", "shpca_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-private-app-access-token", "shppa_", HEX, 30).of(&provider::SHOPIFY),
    shape("shopify-shared-secret", "shpss_", HEX, 30).of(&provider::SHOPIFY),
    shape("shippo-api-token", "shippo_live_", HEX, 40),
    shape("shippo-api-token", "shippo_test_", HEX, 40),
    shape("easypost-api-token", "EZAK", ALNUM, 40),
    shape("easypost-test-api-token", "EZTK", ALNUM, 40),
    shape("duffel-api-token", "duffel_test_", WORD | EQUALS, 32),
    shape("duffel-api-token", "duffel_live_", WORD | EQUALS, 32),
    shape("lob-api-key", "live_", HEX, 35),
    shape("lob-api-key", "test_", HEX, 35),
    shape("lob-pub-api-key", "live_pub_", HEX, 31),
    shape("lob-pub-api-key", "test_pub_", HEX, 31),
    shape("gocardless-api-token", "live_", WORD | EQUALS, 40).check(Check::DigitAndCapital),
    // Mail, chat, people.
    shape("slack-webhook-url", "hooks.slack.com/services/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-webhook-url", "hooks.slack.com/workflows/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-webhook-url", "hooks.slack.com/triggers/", PATH, 20).check(Check::KeepPrefix).of(&provider::SLACK),
    shape("slack-config-access-token", "xoxe.xox", WORD | DOT, 20).of(&provider::SLACK),
    shape("slack-config-refresh-token", "xoxe-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-bot-token", "xoxb-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-user-token", "xoxp-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-workspace-token", "xoxa-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-workspace-token", "xoxr-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-token", "xoxo-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-legacy-token", "xoxs-", WORD | DOT, 11).of(&provider::SLACK),
    shape("slack-app-token", "xapp-", WORD, 16).of(&provider::SLACK),
    shape("discord-webhook-url", "discord.com/api/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("discord-webhook-url", "discord.com/api/v10/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("discord-webhook-url", "discordapp.com/api/webhooks/", PATH, 20).check(Check::KeepPrefix),
    shape("microsoft-teams-webhook", "webhook.office.com/webhookb2/", PATH, 20).check(Check::KeepPrefix),
    shape("microsoft-teams-webhook", "outlook.office.com/webhook/", PATH, 20).check(Check::KeepPrefix),
    shape("telegram-bot-api-token", "api.telegram.org/bot", WORD | COLON, 20).check(Check::KeepPrefix),
    shape("zapier-webhook-url", "hooks.zapier.com/hooks/catch/", PATH, 10).check(Check::KeepPrefix),
    shape("discord-bot-token", "M", WORD | DOT, 57).check(Check::Discord),
    shape("discord-bot-token", "N", WORD | DOT, 57).check(Check::Discord),
    shape("discord-bot-token", "O", WORD | DOT, 57).check(Check::Discord),
    shape("sendgrid-api-token", "SG.", WORD | DOT | EQUALS, 40).of(&provider::SENDGRID),
    shape("sendinblue-api-token", "xkeysib-", ALNUM | DASH, 60),
    shape("mailgun-private-api-token", "key-", HEX_LOWER, 32),
    shape("mailgun-pub-key", "pubkey-", HEX_LOWER, 32),
    shape("twilio-api-key", "SK", HEX, 32).of(&provider::TWILIO),
    shape("facebook-page-access-token", "EAAM", ALNUM, 60),
    shape("facebook-page-access-token", "EAAC", ALNUM, 60),
    shape("linear-api-key", "lin_api_", ALNUM, 32),
    shape("linear-oauth-token", "lin_oauth_", ALNUM, 32),
    shape("notion-api-token", "ntn_", ALNUM, 40),
    shape("airtable-personnal-access-token", "pat", ALNUM | DOT, 79).check(Check::Airtable),
    shape("hubspot-private-app-token", "pat-na1-", HEX | DASH, 30),
    shape("hubspot-private-app-token", "pat-eu1-", HEX | DASH, 30),
    shape("atlassian-api-token", "ATATT3", WORD | EQUALS, 60),
    shape("authress-service-client-access-key", "sc_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "ext_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "scauth_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("authress-service-client-access-key", "authress_", WORD | DOT | PLUS_SLASH | EQUALS, 12).check(Check::Authress),
    shape("dropbox-short-lived-api-token", "sl.", WORD | DOT | EQUALS, 60).check(Check::DigitAndCapital),
    shape("typeform-api-token", "tfp_", WORD | DOT | EQUALS, 40),
    shape("mapbox-api-token", "pk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("mapbox-api-token", "tk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("mapbox-api-token", "sk.", ALNUM | DOT, 60).check(Check::Digit),
    shape("adobe-client-secret", "p8e-", ALNUM, 30),
    shape("frameio-api-token", "fio-u-", WORD | EQUALS, 40),
    // Watching.
    shape("grafana-api-key", "eyJrIjoi", BASE64, 60),
    shape("grafana-cloud-api-token", "glc_", BASE64, 32),
    shape("grafana-service-account-token", "glsa_", ALNUM | UNDERSCORE, 32),
    shape("dynatrace-api-token", "dt0c01.", ALNUM | DOT, 60),
    shape("dynatrace-api-token", "dt0s01.", ALNUM | DOT, 60),
    shape("new-relic-user-api-key", "NRAK-", ALNUM, 24),
    shape("new-relic-insert-key", "NRII-", ALNUM | DASH, 24),
    shape("new-relic-browser-api-token", "NRJS-", HEX, 16),
    // Anybody's.
    shape("jwt", "eyJ", WORD | DOT | EQUALS, 17).check(Check::Jwt),
    shape("jwt-base64", "ZXlK", BASE64 | WORD, 60),
    shape("private-key", "b3BlbnNzaC1rZXktdjE", BASE64, 20),
    shape(PEM_RULE, "KEY-----", 0, 0).check(Check::Pem),
    shape(PEM_RULE, "BLOCK-----", 0, 0).check(Check::Pem),
];

/// The rule for private keys in PEM.
pub(super) const PEM_RULE: &str = "private-key";
/// Whether `byte` may stand between the lines of a private key: base64, and the words of headers.
pub(super) fn is_pem(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte.is_ascii_whitespace()) && !b"\"{}[]&`".contains(&byte)
}
