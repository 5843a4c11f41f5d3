//! Tokens that providers give out, known by how they begin.
//!
//! A published rule for such a token is a regular expression that wants a certain character behind
//! it, and misses `key=sk-…&`, `\"sk-…\"` and `(sk-…)`. Here a shape is a prefix, a class of
//! characters and a least number of them. The token goes on to the first character that cannot
//! belong to it, however far that is: a provider that makes its keys longer is still masked.

use super::{
    class::{ALNUM, Class, DOT, EQUALS, HEX, WORD, is_in},
    look::{Look, Miss},
    pem,
    provider::Provider,
    window::{Step, Window},
};

/// One kind of token.
#[derive(Debug)]
pub(super) struct Shape {
    /// The name of the rule, as it is counted in an entry.
    pub(super) rule: &'static str,
    pub(super) prefix: &'static [u8],
    /// The characters that follow the prefix.
    pub(super) class: Class,
    least: usize,
    check: Check,
    /// Who gave it out, if the shape tells.
    pub(super) provider: Option<&'static Provider>,
}

/// What a shape wants beyond its prefix and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
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
    /// A digit and a capital among the least characters, and no letter or digit behind them.
    DigitCapitalExact,
    /// Eight characters, an underscore, and more of them.
    Resend,
    /// Base64 of the first line of a private key.
    Base64Pem,
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

/// A token: what of it is known to be secret so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) shape: &'static Shape,
    /// Where the secret begins.
    pub(super) start: usize,
    /// Up to where it is known to go on.
    pub(super) end: usize,
}

impl Shape {
    /// `prefix` and at least so many characters of a class.
    pub(super) const fn new(
        rule: &'static str,
        prefix: &'static str,
        class: Class,
        least: usize,
    ) -> Self {
        let prefix = prefix.as_bytes();
        Self { rule, prefix, class, least, check: Check::Nothing, provider: None }
    }

    pub(super) const fn of(mut self, provider: &'static Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(super) const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Whether it is the first line of a private key.
    pub(super) fn is_pem(&self) -> bool {
        self.check == Check::Pem
    }

    /// Whether `byte` may stand at a place of its prefix or behind it, be it as the start of an escape.
    pub(super) fn may_have(&self, place: usize, byte: u8) -> bool {
        let is_escape = matches!(byte, b'%' | b'\\');
        is_escape
            || match self.prefix.get(place) {
                Some(expected) => byte == *expected,
                None => is_in(byte, self.class),
            }
    }

    /// Whether the two bytes behind the first one are not those of the prefix.
    #[inline]
    pub(super) fn is_ruled_out(&self, next: &[u8]) -> bool {
        let differs = |expected: &u8, byte: &u8| expected != byte && !matches!(byte, b'%' | b'\\');
        match (self.prefix, next) {
            ([b'%' | b'\\', ..], _) | (_, [b'%' | b'\\', ..]) => false,
            ([_, second, third, ..], [one, two, ..]) => differs(second, one) || differs(third, two),
            ([_, second], [one, ..]) => differs(second, one),
            _ => false,
        }
    }

    /// The token of this shape at `at`.
    pub(super) fn find(&'static self, window: Window<'_>, at: usize) -> Look<Token> {
        let body = window.follow(at, self.prefix)?;
        let end = match self.check {
            Check::Pem => pem::content(window, at, body)?,
            Check::Jwt => jwt(window, body)?,
            Check::Discord => window.parts(at, &[(WORD, 23, 28), (WORD, 6, 7), (WORD, 27, 27)])?,
            Check::Airtable => window.parts(body, &[(ALNUM, 14, 14), (HEX, 64, 64)])?,
            Check::Authress => authress(window, body)?,
            Check::OpenAi => window.follow(window.least(body, ALNUM, 20)?, b"T3BlbkFJ")?,
            Check::Cloudflare => cloudflare(window, body)?,
            Check::Resend => resend(window, body)?,
            Check::Base64Pem => base64_pem(window, self.run(window, body)?)?,
            _ => self.run(window, body)?,
        };
        let start = match self.check {
            Check::KeepPrefix => body,
            Check::Pem => end,
            _ => at,
        };
        Ok(Token { shape: self, start, end })
    }

    /// The least number of characters of the class, with what is wanted among them.
    fn run(&self, window: Window<'_>, body: usize) -> Look<usize> {
        let (seen, end) = self.see(window, body)?;
        let fits = match self.check {
            Check::Digit => seen.digit,
            Check::DigitOrCapital => seen.is_random() || self.is_random_at(window, end)?,
            Check::RandomAndExact => seen.is_random(),
            Check::DigitAndCapital | Check::DigitCapitalExact => seen.digit && seen.capital,
            Check::FewAs => seen.letters_a < 7,
            _ => true,
        };
        match self.check {
            _ if !fits => Err(Miss::Absent),
            Check::Exact | Check::RandomAndExact | Check::DigitCapitalExact => window.word_end(end),
            _ => Ok(end),
        }
    }

    /// What the least characters are, and the place behind them.
    fn see(&self, window: Window<'_>, body: usize) -> Look<(Seen, usize)> {
        let mut seen = Seen::default();
        let plain = window.from(body).get(..self.least).unwrap_or_default();
        if !plain.is_empty() && plain.iter().all(|byte| seen.take(*byte, self.class)) {
            return Ok((seen, body.saturating_add(self.least)));
        }
        let (mut seen, mut at) = (Seen::default(), body);
        for _ in 0..self.least {
            at = window.one(at, |byte| seen.take(byte, self.class))?;
        }
        Ok((seen, at))
    }

    /// Whether a digit or a capital is among the next characters of the class.
    fn is_random_at(&self, window: Window<'_>, at: usize) -> Look<bool> {
        const MOST: usize = 24;
        let (mut seen, mut at) = (Seen::default(), at);
        for _ in 0..MOST {
            match window.unescaped(at) {
                Step::Char(byte, next) if seen.take(byte, self.class) => at = next,
                Step::Unknown if !seen.is_random() => return Err(Miss::Unknown),
                _ => break,
            }
        }
        Ok(seen.is_random())
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
    fn take(&mut self, byte: u8, class: Class) -> bool {
        if !is_in(byte, class) {
            return false;
        }
        self.digit |= byte.is_ascii_digit();
        self.capital |= byte.is_ascii_uppercase();
        self.letters_a = self.letters_a.saturating_add(u32::from(byte == b'A'));
        true
    }
}

/// The longest header of a JWT that is waited for. A longer one is taken for a token as it is.
const MAX_JWT_HEADER: usize = 512;

/// A JSON object in base64url, a dot, and at least six more characters or another dot
/// (RFC 7519; a compact JWE may have an empty second part).
fn jwt(window: Window<'_>, body: usize) -> Look<usize> {
    if !may_be_header(window.from(body)) {
        return Err(Miss::Absent);
    }
    let header = match window.count(body, WORD | EQUALS, MAX_JWT_HEADER)? {
        (MAX_JWT_HEADER, end) if is_jose(window.from(body)) => return Ok(end),
        (10..MAX_JWT_HEADER, end) => end,
        _ => return Err(Miss::Absent),
    };
    let second = window.follow(header, b".")?;
    match window.count(second, WORD | DOT, 6)? {
        (6, end) => Ok(end),
        (1.., end) if window.before(end).ends_with(b"..") => Ok(end),
        _ => Err(Miss::Absent),
    }
}

/// Told by two characters: behind the quote stands a letter of ASCII, and another.
fn may_be_header(behind_brace_and_quote: &[u8]) -> bool {
    match behind_brace_and_quote {
        [b'%' | b'\\', ..] => true,
        [b'_', ..] => false,
        [_, second, ..] => matches!(second, b'A'..=b'Z' | b'a'..=b'f' | b'%' | b'\\'),
        _ => true,
    }
}

/// Whether an object in base64 begins with a member that headers of JOSE have, which is what a header
/// that is too long to be waited for has to be known by: frames of Bedrock hold other JSON in base64.
fn is_jose(behind_brace_and_quote: &[u8]) -> bool {
    /// alg, typ, kid, x5…, jwk, jku, cty, enc, zip, crit, epk, apu, apv, tag, p2…, iv, b64.
    const MEMBERS: [&[u8]; 17] = [
        b"hbGci", b"0eXAi", b"raWQi", b"4N", b"qd2si", b"qa3Ui", b"jdHki", b"lbmMi", b"6aXAi",
        b"jcml0I", b"lcGsi", b"hcHUi", b"hcHYi", b"0YWci", b"wM", b"pdiI6", b"iNjQi",
    ];
    MEMBERS.iter().any(|member| behind_brace_and_quote.starts_with(member))
}

fn authress(window: Window<'_>, body: usize) -> Look<usize> {
    window.follow(window.parts(body, &[(ALNUM, 5, 30), (ALNUM, 4, 6)])?, b".acc")
}

fn cloudflare(window: Window<'_>, body: usize) -> Look<usize> {
    window.least(window.follow(window.least(body, HEX, 24)?, b"-")?, HEX, 40)
}

fn resend(window: Window<'_>, body: usize) -> Look<usize> {
    window.least(window.follow(window.least(body, ALNUM, 8)?, b"_")?, ALNUM, 16)
}

/// `end`, if the words of a private key are in what is before it, in one of the three ways that base64
/// may write them.
fn base64_pem(window: Window<'_>, end: usize) -> Look<usize> {
    const WORDS: [&[u8]; 3] = [b"BSSVZBVEUgS0VZ", b"UFJJVkFURSBLRV", b"QUklWQVRFIEtFW"];
    const REACH: usize = 48;
    let before = window.before(end);
    let near = before.get(before.len().saturating_sub(REACH)..).unwrap_or_default();
    let is_private = WORDS.iter().any(|words| near.windows(words.len()).any(|at| at == *words));
    if is_private { Ok(end) } else { Err(Miss::Absent) }
}
