//! The bodies: what agents and providers send, and what somebody would send to stall the masker.
//!
//! They hold no secret. All are made from a seed, so that each run and each way has the same.

/// What a body is made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A chat completion in English.
    Prose,
    /// The same, of whose messages a third are code.
    Mixed,
    /// A chat completion of nothing but code.
    Code,
    /// Short members with short values.
    Dense,
    /// A stream of server-sent events.
    Events,
    /// An image in base64.
    Image,
    /// Numbers of many digits.
    Embeddings,
    /// Nothing but quotes.
    Quotes,
    /// Nothing but backslashes.
    Backslashes,
    /// The beginning of a token again and again.
    Tokens,
    /// Objects under a secret name, and arrays in them, 10,000 of each deep.
    Depth,
    /// Names that end and never began.
    Colons,
    /// Events that say nothing, of which each still is a link of the chain.
    Hollow,
    /// Words of which an escape may make the end of a name.
    Names,
    /// Options of programs that take a password, without a program.
    Options,
    /// The second half of pairs of a name and a value, without the first.
    Pairs,
    /// Names of secrets and their signs, without a value.
    Secrets,
}

impl Kind {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "prose" => Self::Prose,
            "mixed" => Self::Mixed,
            "code" => Self::Code,
            "dense" => Self::Dense,
            "events" => Self::Events,
            "image" => Self::Image,
            "embeddings" => Self::Embeddings,
            "quotes" => Self::Quotes,
            "backslashes" => Self::Backslashes,
            "tokens" => Self::Tokens,
            "depth" => Self::Depth,
            "colons" => Self::Colons,
            "hollow" => Self::Hollow,
            "names" => Self::Names,
            "options" => Self::Options,
            "pairs" => Self::Pairs,
            "secrets" => Self::Secrets,
            _ => return None,
        })
    }

    /// What it is sent as.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Events | Self::Hollow => "text/event-stream",
            _ => "application/json",
        }
    }

    /// So many bytes of it. What is too long is cut, wherever that is.
    pub(crate) fn body(self, length: usize) -> Vec<u8> {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut body = self.opening();
        while body.len() < length {
            self.add(&mut body, &mut random);
        }
        body.truncate(length);
        body
    }

    fn opening(self) -> Vec<u8> {
        let opening = match self {
            Self::Prose | Self::Mixed | Self::Code => {
                r#"{"model":"gpt-5","temperature":0.7,"max_tokens":1000,"messages":[{"role":"system","content":"You are a helpful assistant."}"#
            }
            Self::Dense => "[0",
            Self::Image => {
                r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo"#
            }
            Self::Embeddings => r#"{"object":"list","data":[{"index":0,"embedding":[0.0"#,
            _ => "",
        };
        opening.into()
    }

    fn add(self, body: &mut Vec<u8>, random: &mut Random) {
        match self {
            Self::Prose => message(body, random, prose),
            Self::Code => message(body, random, code),
            Self::Mixed if random.below(3) == 0 => message(body, random, code),
            Self::Mixed => message(body, random, prose),
            Self::Dense => member(body, random),
            Self::Events => event(body, random),
            Self::Image => body.push(*random.pick(BASE64)),
            Self::Embeddings => number(body, random),
            Self::Quotes => body.extend(b"\""),
            Self::Backslashes => body.extend(b"\\"),
            Self::Tokens => body.extend(b"sk-"),
            Self::Depth => {
                body.extend(b"{\"token\":".repeat(10_000));
                body.extend(b"[".repeat(10_000));
            }
            Self::Colons => body.extend(b"\":"),
            Self::Hollow => body.extend(b"data:\n\n"),
            Self::Names => body.extend(b"%65yJ_"),
            Self::Options => body.extend(b"-p "),
            Self::Pairs => body.extend(b"value:"),
            Self::Secrets => body.extend(b"token:token="),
        }
    }
}

/// A message of a chat, of `write` so many bytes or a few more.
fn message(body: &mut Vec<u8>, random: &mut Random, write: fn(&mut Vec<u8>, &mut Random, usize)) {
    body.extend(br#",{"role":""#);
    body.extend(*random.pick(&[&b"user"[..], b"assistant"]));
    body.extend(br#"","content":""#);
    let length = random.between(500, 6000);
    write(body, random, length);
    body.extend(br#""}"#);
}

/// Sentences.
fn prose(body: &mut Vec<u8>, random: &mut Random, length: usize) {
    let end = body.len().saturating_add(length);
    while body.len() < end {
        for place in 0..random.between(5, 18) {
            let word = random.pick(WORDS).as_bytes();
            match word.split_first() {
                Some((first, rest)) if place == 0 => {
                    body.push(first.to_ascii_uppercase());
                    body.extend(rest);
                }
                _ => {
                    body.push(b' ');
                    body.extend(word);
                }
            }
        }
        body.extend(random.pick(&[". ", ". ", "? ", ".\\n\\n", ": ", ", "]).bytes());
    }
}

/// Somewhere out of this project, as a JSON string has it.
fn code(body: &mut Vec<u8>, random: &mut Random, length: usize) {
    let source = random.pick(SOURCES).as_bytes();
    let length = length.min(source.len());
    let start = random.below(source.len().saturating_sub(length));
    for byte in source.iter().skip(start).take(length) {
        match byte {
            b'\n' => body.extend(b"\\n"),
            b'"' | b'\\' => body.extend([b'\\', *byte]),
            _ => body.push(*byte),
        }
    }
}

fn member(body: &mut Vec<u8>, random: &mut Random) {
    let (id, word, number) = (random.below(100_000), random.pick(WORDS), random.below(1 << 30));
    let text = format!(
        r#",{{"id":{id},"name":"{word}","ok":true,"n":0.{number},"t":{{"a":1,"b":[1,2]}}}}"#
    );
    body.extend(text.bytes());
}

/// As OpenAI sends it, with letters that hide how long the word is.
fn event(body: &mut Vec<u8>, random: &mut Random) {
    body.extend(br#"data: {"id":"chatcmpl-CZq3vN8sKx1mWb5tYd7RfJ2hLp0Ga","object":"chat.completion.chunk","created":1767225600,"model":"gpt-5-mini-2025-08-07","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":" "#);
    let word = random.pick(WORDS).bytes();
    let padding = 14_usize.saturating_sub(word.len());
    body.extend(word);
    body.extend(br#""},"finish_reason":null}],"usage":null,"obfuscation":""#);
    body.extend((0..padding).map(|_| *random.pick(BASE64.get(..62).unwrap_or_default())));
    body.extend(b"\"}\n\n");
}

fn number(body: &mut Vec<u8>, random: &mut Random) {
    let sign = random.pick(&["", "-"]);
    let (high, low) = (random.below(100_000_000), random.below(1_000_000_000));
    body.extend(format!(",{sign}0.0{high:08}{low:09}").bytes());
}

/// Xorshift: not random, but never the same for long.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as usize).checked_rem(limit).unwrap_or_default()
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        least.saturating_add(self.below(most.saturating_sub(least)))
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        let place = self.below(items.len());
        items.iter().cycle().nth(place).unwrap_or_else(|| std::process::abort())
    }
}

/// Code in several languages.
const SOURCES: &[&str] = &[
    include_str!("../../core/src/outcome.rs"),
    include_str!("../../core/src/entry.rs"),
    include_str!("../../build.sh"),
    include_str!("../../../envoy/egress.yaml"),
    include_str!("../../../tests/clients/fetch_client.mjs"),
    include_str!("../../../tests/clients/openai_client.py"),
];

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are",
    "as", "with", "his", "they", "at", "be", "this", "have", "from", "or", "one", "had", "by",
    "word", "but", "not", "what", "all", "were", "we", "when", "your", "can", "said", "there",
    "use", "an", "each", "which", "she", "do", "how", "their", "if", "will", "up", "other", "about",
    "out", "many", "then", "them", "these", "so", "some", "her", "would", "make", "like", "him",
    "into", "time", "has", "look", "two", "more", "write", "go", "see", "number", "no", "way",
    "could", "people", "my", "than", "first", "water", "been", "call", "who", "oil", "its", "now",
    "find", "long", "down", "day", "did", "get", "come", "made", "may", "part", "over", "new",
    "sound", "take", "only", "little", "work", "know", "place", "year", "live", "me", "back",
    "give", "most", "very", "after", "thing", "our", "just", "name", "good", "sentence", "man",
    "think", "say", "great", "where", "help", "through", "much", "before", "line", "right", "too",
    "mean", "old", "any", "same", "tell", "boy", "follow", "came", "want", "show", "also", "around",
    "form", "three", "small", "set", "put", "end", "does", "another", "well", "large", "must",
    "big", "even", "such", "because", "turn", "here", "why", "ask", "went", "men", "read", "need",
    "land", "different", "home", "us", "move", "try", "kind", "hand", "picture", "again", "change",
    "off", "play", "spell", "air", "away", "animal", "house", "point", "page", "letter", "mother",
    "answer", "found", "study", "still", "learn", "should", "America", "world", "understanding",
    "information", "responsibilities", "internationalization",
];
