//! Two more maskers: slow, whole bodies only, by regular expressions; and whether they agree with the first.
//!
//! They were written from what a mask is, not from the first one's code. [`Naive`] knows some of the shapes, and who
//! stands in a URL: enough for every way in which a token and an escape can meet.
//! [`Described`] knows names, signs and the tests of values in lines of text, which are then wrapped and cut.
//! Members of documents are put together in `names.rs`, where what is expected is known by construction.

use std::rc::Rc;

use ledgerline_core::mask::{PLACEHOLDER, Rules, Syntax};
use ledgerline_tests::secrets::Random;
use proptest::prelude::*;
use regex::Regex;

use crate::position::Encoding;
use crate::stream::Stream;

/// Prefix, the characters that follow, how many of them at least, and whether a digit or a capital
/// must be among those or the next ones: `sk-loading-indicator` is a name.
const SHAPES: &[(&str, &str, usize, bool)] = &[
    ("sk-ant-", WORD, 20, false),
    ("sk-proj-", WORD, 20, false),
    ("sk-", WORD, 20, true),
    ("sk-", LOWER, 32, false),
    ("ghp_", ALNUM, 30, false),
    ("hf_", ALNUM, 30, false),
    ("glpat-", WORD_DOT, 20, false),
    ("npm_", ALNUM, 30, false),
    ("xoxb-", WORD_DOT, 11, false),
];

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const WORD_DOT: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

/// All that is known of secrets here.
struct Naive {
    shapes: Vec<Regex>,
    character: Regex,
    boundary: Regex,
    userinfo: Regex,
}

/// A secret that begins at a place: its end, and what stands for it.
type Secret = (usize, String);

impl Naive {
    fn new() -> Self {
        let signs: Vec<String> = (0..128_u8)
            .filter(|byte| !byte.is_ascii_alphanumeric())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let signs = signs.join("|");
        Self {
            shapes: SHAPES
                .iter()
                .map(|(prefix, class, least, _)| shape(prefix, class, *least))
                .collect(),
            character: regex(&format!(r"\A{}", any_of(WORD_DOT))),
            boundary: regex(&format!(
                r"(?:\A|[^0-9A-Za-z]|\\[ntrbf]|(?i:%(?:25){{0,2}}(?:{signs})|\\u00(?:{signs})))\z"
            )),
            userinfo: regex(r#"\A[^\s@/?\#"\\<>`{}\[\]|^:]*:[^\s/?\#"\\<>`{}\[\]|^]*@"#),
        }
    }

    /// The view of `body`.
    fn view(&self, body: &str) -> String {
        let mut view = String::new();
        let (mut at, mut replaced) = (0, 0);
        while at < body.len() {
            match self.secret(body, at, replaced) {
                Some((end, instead)) => {
                    view += &instead;
                    (at, replaced) = (end, end);
                }
                None => {
                    view += &body[at..=at];
                    at += 1;
                }
            }
        }
        view
    }

    /// The secret that begins at `at`. A sign before `replaced` belongs to another secret.
    fn secret(&self, body: &str, at: usize, replaced: usize) -> Option<Secret> {
        let is_free = |sign: &str| body[..at].rfind(sign).is_some_and(|sign| sign >= replaced);
        let user = is_free(":").then(|| self.user_and_password(body, at)).flatten();
        user.or_else(|| self.token(body, at))
    }

    fn user_and_password(&self, body: &str, at: usize) -> Option<Secret> {
        let scheme =
            body[..at].strip_suffix("://").or_else(|| body[..at].strip_suffix(r":\/\/"))?;
        if !scheme.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let found = self.userinfo.find(&body[at..])?;
        Some((at + found.end() - 1, PLACEHOLDER.to_owned()))
    }

    fn token(&self, body: &str, at: usize) -> Option<Secret> {
        if !self.boundary.is_match(&body[..at]) {
            return None;
        }
        let found = SHAPES.iter().zip(&self.shapes).find_map(
            |((prefix, _, least, is_checked), shape)| {
                let found = shape.find(&body[at..])?;
                let is_name = *is_checked && self.is_name(&body[at..], prefix, *least);
                (!is_name).then_some(found.end())
            },
        )?;
        Some((at + found, PLACEHOLDER.to_owned()))
    }

    /// No digit and no capital among the first characters.
    fn is_name(&self, token: &str, prefix: &str, least: usize) -> bool {
        let mut rest = token;
        let mut plain = String::new();
        while plain.len() < prefix.len() + least + 24 {
            let Some(found) = self.character.find(rest) else { break };
            plain.push(decoded(found.as_str()));
            rest = &rest[found.end()..];
        }
        !plain[prefix.len()..].contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
    }
}

fn regex(pattern: &str) -> Regex {
    regex::RegexBuilder::new(pattern).size_limit(1 << 26).build().expect("a good expression")
}

fn shape(prefix: &str, class: &str, least: usize) -> Regex {
    let prefix: String = prefix.chars().map(|c| any_of(&c.to_string())).collect();
    regex(&format!(r"\A{prefix}(?:{}){{{least},}}", any_of(class)))
}

/// One of `characters`, as itself or escaped.
fn any_of(characters: &str) -> String {
    let plain: String = characters.chars().map(|c| format!("\\x{:02x}", u32::from(c))).collect();
    let digits: Vec<String> = characters.bytes().map(|byte| format!("{byte:02x}")).collect();
    let digits = digits.join("|");
    let slash = if characters.contains('/') { r"|\\+/" } else { "" };
    format!(r"(?:[{plain}]|(?i:%(?:25){{0,2}}(?:{digits})|\\+u00(?:{digits})){slash})")
}

fn decoded(character: &str) -> char {
    match character.len() {
        1 => character.chars().next().unwrap_or_default(),
        length => {
            u8::from_str_radix(&character[length - 2..], 16).map(char::from).unwrap_or_default()
        }
    }
}

/// What bodies are put together from.
fn fragment() -> impl Strategy<Value = String> {
    let token = (0..SHAPES.len(), 0..50_usize, any::<u64>()).prop_map(|(index, length, seed)| {
        let (prefix, class, least, _) = SHAPES[index];
        // Around the least length, and sometimes cut short.
        let length = if length < 40 { least + length / 4 } else { length - 40 };
        format!("{prefix}{}", Random::new(seed).text(class, length))
    });
    let encoding = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Encoding::Json)),
        1 => Just(Some(Encoding::JsonSigns)),
        1 => Just(Some(Encoding::PercentBytes)),
    ];
    let encoded = (token, encoding)
        .prop_map(|(token, encoding)| encoding.map_or(token.clone(), |how| how.apply(&token)));
    prop_oneof![
        5 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        3 => encoded,
    ]
}

const PIECES: &[&str] = &[
    "\"",
    "\\\"",
    "\\\\\\\"",
    "\\",
    ",",
    "}",
    "]",
    " ",
    "\n",
    "\\n",
    "\\\\n",
    "%22",
    "%20",
    "%3D",
    "%2D",
    "%252D",
    "\\u002d",
    "\\/",
    "&",
    "&amp;",
    "=",
    "a",
    "Z9",
    "-",
    "_",
    ".",
    "/",
    "@",
    "x:y",
    "(",
    ")",
    ";",
    "'",
    "<",
    "%",
    "%2",
    "%25",
    "\\u00",
    "https://u:p4w-7@h/",
    "redis:\\/\\/:p4w-7@h",
    "http://h/a@b",
    "?q=",
    "&page=",
    "data: ",
    "sk-loading-indicator-container ",
    "sk-",
    "hf",
    "gh",
    "p_",
    "0123456789",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_maskers_see_the_same_secrets(
        fragments in proptest::collection::vec(fragment(), 1..12),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        is_json: bool,
    ) {
        thread_local! {
            static NAIVE: Naive = Naive::new();
            static RULES: Rc<Rules> = Rc::new(Rules::default());
        }
        let body = fragments.concat();
        let expected = NAIVE.with(|naive| naive.view(&body));
        let syntax = if is_json { Syntax::Json } else { Syntax::Text };
        let mut stream = RULES.with(|rules| Stream::new(rules, &syntax));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.retain(|cut| *cut > 0);
        for cuts in [&[][..], &cuts] {
            let view = String::from_utf8_lossy(stream.view(body.as_bytes(), cuts)).into_owned();
            prop_assert_eq!(&view, &expected, "{:?} {:?}", cuts, body);
        }
    }
}

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// A password: words and numbers count, too.
    Password,
    /// A key or a token: only what looks random counts.
    Key,
    /// Nothing secret.
    Nothing,
}

/// How a value stands behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// In quotes, behind a sign that assigns.
    Quoted,
    /// Bare, where nothing but a value can stand: an environment, a query, an element, a connection.
    Strong,
    /// Bare, at the end of a line of a configuration.
    Line,
    /// As a parameter of a URL, whose name settles it.
    Parameter,
}

/// A masker of lines: a name, a sign and a value in each, or none.
struct Described {
    notations: Vec<(Regex, Stand)>,
    never: Regex,
}

impl Described {
    fn new() -> Self {
        const NAME: &str = r"(?P<n>[A-Za-z][A-Za-z0-9_-]*)";
        let notation = |pattern: &str, stand| (regex(&pattern.replace("NAME", NAME)), stand);
        Self {
            notations: vec![
                notation(
                    r#"^\s*(?:const |let |var )?NAME:? (?:=|:=) ["'](?P<v>[^"']*)["'];?$"#,
                    Stand::Quoted,
                ),
                notation(r#"^\s*["']?NAME["']?(?: =>|:) ["'](?P<v>[^"']*)["'],?$"#, Stand::Quoted),
                notation(r"^(?:export )?(?P<n>[A-Z][A-Z0-9_]*)=(?P<v>[^ ]*)$", Stand::Strong),
                notation(r"^https://a\.example/\?a=1&NAME=(?P<v>[^& ]*)$", Stand::Parameter),
                notation(r"^<NAME>(?P<v>[^<]*)</[A-Za-z0-9_-]*>$", Stand::Strong),
                notation(r"^Server=db;NAME=(?P<v>[^;]*);Encrypt=true$", Stand::Strong),
                notation(r"^\s*(?:- )?NAME: (?P<v>[^ ]*)$", Stand::Line),
                notation(r"^(?:export )?NAME=(?P<v>[^ ]*)$", Stand::Line),
            ],
            // Placeholders, templates, paths, addresses, versions, digests, dates, calls.
            never: regex(
                r"^(?:<.*>|\$\{.*\}|\$[A-Za-z_]+|\{\{.*\}\}|%[sv]|\*+|\.\.\.|x+|null|none|true|false|changeme|your-.*|/[a-z/]+|https?://.*|v?\d+\.\d+(?:\.\d+)?|sha256:.*|\d{4}-\d\d-\d\d|[a-z_.]+\(.*\)|(?:[a-z]+[_-])?(?:token|password|secret)|[A-Z]+(?:_[A-Z]+)+)$",
            ),
        }
    }

    fn view(&self, text: &str) -> String {
        let lines: Vec<String> = text.split('\n').map(|line| self.line(line)).collect();
        lines.join("\n")
    }

    fn line(&self, line: &str) -> String {
        let found = self.notations.iter().find_map(|(notation, stand)| {
            let found = notation.captures(line)?;
            Some((promise(&found["n"]), *stand, found.name("v")?.range()))
        });
        match found {
            Some((promise, stand, value))
                if self.is_secret(promise, stand, &line[value.clone()]) =>
            {
                format!("{}{PLACEHOLDER}{}", &line[..value.start], &line[value.end..])
            }
            _ => line.to_owned(),
        }
    }

    fn is_secret(&self, promise: Promise, stand: Stand, value: &str) -> bool {
        let count = |is: fn(&char) -> bool| value.chars().filter(is).count();
        let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
        let is_random = value.len() >= 12 && digits >= 2 && letters >= 2;
        let is_plain = digits == 0 && letters == value.len();
        if self.never.is_match(value) || value.is_empty() {
            return false;
        }
        match (promise, stand) {
            (Promise::Nothing, _) => false,
            (_, Stand::Parameter) => true,
            (Promise::Password, Stand::Quoted) => !is_plain || value.len() >= 6,
            (Promise::Password, Stand::Strong) => value.len() >= 4,
            (Promise::Password, Stand::Line) => !is_plain && value.len() >= 6,
            (Promise::Key, _) => {
                is_random || value.len() >= 8 && digits >= 2 && value.contains('!')
            }
        }
    }
}

/// By the end of its words.
fn promise(name: &str) -> Promise {
    let folded: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    let folded = folded.to_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| folded.ends_with(word));
    match () {
        () if ["has", "is", "no"].iter().any(|word| folded.starts_with(word)) => Promise::Nothing,
        () if ends(&["password", "passwd", "passphrase"]) => Promise::Password,
        () if ends(&["apikey", "clientsecret", "privatekey"]) => Promise::Key,
        () => Promise::Nothing,
    }
}

#[rustfmt::skip]
const DESCRIBED_NAMES: &[&str] = &[
    "password", "db_password", "DB_PASSWORD", "userPassword", "admin-passwd", "KEY_PASSPHRASE", "api_key", "OPENAI_API_KEY", "apiKey",
    "client_secret", "clientSecret", "private_key", "max_tokens", "page", "MONKEY", "public_key_id", "password_hash",
    "next_page_token", "SECRET_NAME", "has_password", "author", "token_count",
];

#[rustfmt::skip]
const DESCRIBED_LINES: &[&str] = &[
    "{n} = \"{v}\"", "const {n} = '{v}';", "  {n} := \"{v}\"", "  \"{n}\": \"{v}\",", "'{n}' => '{v}',", "{n}: \"{v}\"", "{n}={v}", "export {n}={v}",
    "https://a.example/?a=1&{n}={v}", "<{n}>{v}</{n}>", "Server=db;{n}={v};Encrypt=true", "{n}: {v}", "  - {n}: {v}",
];

#[rustfmt::skip]
const DESCRIBED_VALUES: &[&str] = &[
    "", "<your key>", "${DB_PASSWORD}", "$API_KEY", "{{ x.y }}", "****", "...", "xxxx", "null", "true", "changeme", "your-key-here", "/etc/passwd",
    "https://a.example/b", "1.2.3", "v2.0", "sha256:0a1b2c3d4e5f", "2026-01-31", "get_password()", "access_token", "api-token", "MY_API_KEY",
];

/// A line of a text, and nothing that could run into the next one.
fn described_line() -> impl Strategy<Value = String> {
    let made = prop_oneof![
        2 => "[A-Za-z]{6}[0-9]{2}[A-Za-z]{6}[0-9][a-z][0-9]",
        1 => "[0-9a-f]{10}[0-9][a-f][0-9][a-f]{2}[0-9]{2}[a-f][0-9]{4}",
        1 => "[A-Z][a-z]{6}![0-9]{2}",
        2 => proptest::sample::select(DESCRIBED_VALUES).prop_map(str::to_owned),
    ];
    let line = (
        proptest::sample::select(DESCRIBED_LINES),
        proptest::sample::select(DESCRIBED_NAMES),
        made,
    );
    let line = line.prop_map(|(line, name, value)| {
        // What stands for a value in a URL is told apart in `names.rs`.
        let is_made = value.len() > 12 && value.chars().all(|c| c.is_ascii_alphanumeric());
        let value = if line.starts_with("https:") && !is_made { "1" } else { value.as_str() };
        line.replace("{n}", name).replace("{v}", value)
    });
    prop_oneof![
        4 => line,
        1 => Just("The password must be at least eight characters long.".to_owned()),
        1 => Just("for token in tokens: total += token.cost".to_owned()),
        1 => Just(String::new()),
    ]
}

/// Where a text stands, by what surrounds it and how it is written there.
#[derive(Clone, Copy, Debug)]
enum Wrap {
    Text,
    Message(Encoding),
    Arguments(Encoding),
}

impl Wrap {
    fn wrap(self, text: &str) -> String {
        let message = |how: Encoding, text: &str| {
            format!(r#"{{"role":"user","content":"Look:\n{}"}}"#, how.apply(text))
        };
        match self {
            Self::Text => text.to_owned(),
            Self::Message(how) => message(how, text),
            Self::Arguments(how) => {
                format!(r#"{{"a":[1],"b":"{}"}}"#, how.apply(&message(how, text)))
            }
        }
    }
}

const WRAPS: &[Wrap] = {
    use Encoding::{Json, JsonDotNet};
    &[Wrap::Text, Wrap::Message(Json), Wrap::Message(JsonDotNet), Wrap::Arguments(Json)]
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_maskers_read_lines_alike_wherever_they_stand(
        lines in proptest::collection::vec(described_line(), 1..6),
        wrap in proptest::sample::select(WRAPS),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        thread_local! {
            static DESCRIBED: Described = Described::new();
            static RULES: Rc<Rules> = Rc::new(Rules::default());
        }
        let text = lines.join("\n") + "\n";
        let expected = wrap.wrap(&DESCRIBED.with(|described| described.view(&text)));
        let body = wrap.wrap(&text);
        let syntax = if matches!(wrap, Wrap::Text) { Syntax::Text } else { Syntax::Json };
        let mut stream = RULES.with(|rules| Stream::new(rules, &syntax));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.retain(|cut| *cut > 0);
        for cuts in [&[][..], &cuts] {
            let view = String::from_utf8_lossy(stream.view(body.as_bytes(), cuts)).into_owned();
            prop_assert_eq!(&view, &expected, "{:?} {:?}", cuts, body);
        }
    }
}
