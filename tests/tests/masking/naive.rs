//! A second masker: slow, whole bodies only, by regular expressions; and whether the two agree.
//!
//! It was written from what a mask is, not from the first one's code, and knows some of the shapes
//! only: enough for every way in which a token, a name and an escape can meet.

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

/// What ends the value of a query's parameter.
const PARAMETER_ENDS: &str = " \t\n\r\u{c}&\"'\\<>`{}[]|^,;#)";

/// All that is known of secrets here.
struct Naive {
    shapes: Vec<Regex>,
    character: Regex,
    boundary: Regex,
    member: Regex,
    query: Regex,
    parameter: Regex,
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
        let is_inside = |c: &char| !PARAMETER_ENDS.contains(*c);
        let parameter: String = (0..128_u8).map(char::from).filter(is_inside).collect();
        Self {
            shapes: SHAPES
                .iter()
                .map(|(prefix, class, least, _)| shape(prefix, class, *least))
                .collect(),
            character: regex(&format!(r"\A{}", any_of(WORD_DOT))),
            boundary: regex(&format!(
                r"(?:\A|[^0-9A-Za-z]|\\[ntrbf]|(?i:%(?:25){{0,2}}(?:{signs})|\\u00(?:{signs})))\z"
            )),
            member: regex(r#"(?:\A|")([^"]*?)(\\*)"[ \n\r\t]*:[ \n\r\t]*\z"#),
            query: regex(r"(?:[?&]|&amp;)([A-Za-z0-9_.-]+)=\z"),
            parameter: regex(&format!(r"\A{}*", any_of(&parameter))),
            userinfo: regex(r#"\A[^\s@/?\#"\\<>`{}\[\]|^:]*:[^\s@/?\#"\\<>`{}\[\]|^]*@"#),
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
        let colon = is_free(":").then(|| self.value(body, at)).flatten();
        colon
            .or_else(|| is_free("=").then(|| self.parameter(body, at)).flatten())
            .or_else(|| is_free(":").then(|| self.user_and_password(body, at)).flatten())
            .or_else(|| self.token(body, at))
    }

    /// The value of a member of an object; of a string what is between its quotes.
    fn value(&self, body: &str, at: usize) -> Option<Secret> {
        if let Some((open, level)) = open_quote_before(body, at) {
            let member = self.member.captures(&body[..open])?;
            if level_of(member[2].len()) != level || !is_secret_name(&member[1], false) {
                return None;
            }
            let end = string_end(body, at, level);
            return (end > at).then(|| (end, PLACEHOLDER.to_owned()));
        }
        let member = self.member.captures(&body[..at])?;
        let quote = quote(level_of(member[2].len()));
        if !is_secret_name(&member[1], false) {
            return None;
        }
        match body.as_bytes()[at] {
            b'-' | b'0'..=b'9' => {
                let length = body[at..].find(|c: char| !"0123456789+-.eE".contains(c));
                let end = length.map_or(body.len(), |length| at + length);
                Some((end, format!("{quote}{PLACEHOLDER}{quote}")))
            }
            b'{' | b'[' => tree(body, at, &quote),
            _ => None,
        }
    }

    fn parameter(&self, body: &str, at: usize) -> Option<Secret> {
        let name = self.query.captures(&body[..at])?;
        if !is_secret_name(&name[1], true) {
            return None;
        }
        let end = at + self.parameter.find(&body[at..])?.end();
        (end > at).then(|| (end, PLACEHOLDER.to_owned()))
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

fn is_secret_name(name: &str, in_query: bool) -> bool {
    let folded: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let folded = folded.to_lowercase();
    let is_secret = folded.ends_with("password") || folded.ends_with("apikey");
    is_secret || in_query && ["key", "sig"].contains(&folded.as_str())
}

/// How deep in strings a quote stands that so many backslashes precede.
fn level_of(backslashes: usize) -> u32 {
    backslashes.trailing_ones()
}

fn quote(level: u32) -> String {
    "\\".repeat((1 << level) - 1) + "\""
}

/// The quote that ends at `at`, with those of its backslashes that are its own: its place and level.
fn open_quote_before(body: &str, at: usize) -> Option<(usize, u32)> {
    let before = body[..at].strip_suffix('"')?;
    let backslashes = before.len() - before.trim_end_matches('\\').len();
    let level = level_of(backslashes);
    Some((before.len() - ((1 << level) - 1), level))
}

/// Where the string ends that goes on at `at`: at a quote of its level or of an outer one, or with
/// the line, which no string goes beyond.
fn string_end(body: &str, at: usize, level: u32) -> usize {
    let line = body[at..].find(['\n', '\r']).map_or(body.len(), |length| at + length);
    let quotes = body[at..line].match_indices('"').map(|(offset, _)| at + offset);
    let mut ends = quotes.filter_map(|quote| {
        let content = &body[at..quote];
        let backslashes = content.len() - content.trim_end_matches('\\').len();
        let found = level_of(backslashes);
        (found <= level).then(|| quote - ((1 << found) - 1))
    });
    ends.next().unwrap_or(line)
}

/// The object or array at `at`, whose quotes are all `quote`, with every string and number in it
/// replaced. Fragments have whole ones only.
fn tree(body: &str, at: usize, quote: &str) -> Option<Secret> {
    let mut view = String::new();
    let mut depth = 0;
    let mut end = at;
    while end < body.len() {
        let rest = &body[end..];
        if let Some(content) = rest.strip_prefix(quote) {
            let (content, behind) = content.split_once(quote)?;
            let is_key = behind.trim_start().starts_with(':');
            let kept = if is_key || content.is_empty() { content } else { PLACEHOLDER };
            view += &format!("{quote}{kept}{quote}");
            end += 2 * quote.len() + content.len();
            continue;
        }
        let number = rest.find(|c: char| !"0123456789+-.eE".contains(c)).unwrap_or(rest.len());
        if rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            view += &format!("{quote}{PLACEHOLDER}{quote}");
            end += number;
            continue;
        }
        match rest.as_bytes()[0] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        view += &rest[..1];
        end += 1;
        if depth == 0 {
            return Some((end, view));
        }
    }
    Some((end, view))
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
    let member = (0..NAMES.len(), 0..VALUES.len(), 0..4_usize).prop_map(|(name, value, depth)| {
        let member = format!("\"{}\":{}", NAMES[name], VALUES[value]);
        (0..depth).fold(member, |inner, _| Encoding::Json.apply(&inner))
    });
    prop_oneof![
        5 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        3 => encoded,
        3 => member,
    ]
}

const NAMES: &[&str] =
    &["password", "api_key", "X-API-KEY", "newPassword", "content", "max_tokens"];

const VALUES: &[&str] = &[
    "\"plain\"",
    "\"\"",
    "\"a\\\"b\"",
    "\"end\\\\\"",
    "12",
    "-1.5e3",
    "true",
    "null",
    "{}",
    "[1,\"a\",\"\"]",
    "{\"a\":\"x\",\"b\":[2,{\"c\":null}]}",
    "\"open",
    "\"a b\\nc\"",
];

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
    "https://u:pw@h/",
    "redis:\\/\\/:pw@h",
    "http://h/a@b",
    "?key=",
    "&sig=",
    "?q=",
    "&page=",
    "?a=1&password=",
    "\"password\":",
    "\"api_key\" : \"",
    "password\":\"",
    "\\\"password\\\":\\\"",
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
