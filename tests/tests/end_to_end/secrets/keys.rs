//! Fake keys, one for each position of a client, and the search for them in anything written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ledgerline_tests::secrets::{FORMATS, Fake, Random, base64url};
use serde_json::Value;

/// Where a key stands in a call, which decides how far it may go. Into a log it never may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In what says who calls: it stays inside.
    Identity,
    /// In the target or a header, where a credential belongs: the provider needs it.
    Head,
    /// In the target or a header, where none belongs: the provider gets it unless calls leave masked.
    Aside,
    /// In the body: the provider gets it unless bodies leave masked.
    Body,
    /// The same, told by what stands around it in a text only.
    Text,
    /// In a header of the answer.
    AnswerHead,
    /// In the body of the answer.
    AnswerBody,
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Client, position and rule: all that a failure may say of it.
    pub(super) label: Arc<str>,
    pub(super) place: Place,
    position: &'static str,
    /// What the client puts there.
    pub(super) text: String,
    /// What of it nobody may see.
    secret: String,
}

/// Its name, its place, and the rule that finds a key of the format that goes there.
type Position = (&'static str, Place, &'static str);

/// Of each kind that is told by its characters one more goes into a prompt.
const EVERY: &str = "every";
/// No format: its field's name says that it is secret.
const NAME: &str = "name";

#[rustfmt::skip]
const POSITIONS: &[Position] = &[
    ("agent_id", Place::Identity, "github-pat"),
    ("agent_version", Place::Identity, "npm-access-token"),
    ("agent_deployment", Place::Identity, "pulumi-api-token"),
    ("user_id", Place::Identity, "gitlab-pat"),
    ("session_id", Place::Identity, "notion-api-token"),
    ("correlation_id", Place::Identity, "groq-api-key"),
    ("request_id", Place::Aside, "linear-api-key"),
    ("traceparent", Place::Aside, "sentry-user-token"),
    ("user_agent", Place::Aside, "digitalocean-pat"),
    ("api_key", Place::Head, "anthropic-api-key"),
    ("userinfo", Place::Head, "vault-service-token"),
    ("cookie", Place::Head, "jwt"),
    ("unlisted_header", Place::Aside, "stripe-access-token"),
    ("query", Place::Head, "aws-amazon-bedrock-api-key-long-lived"),
    ("base_path", Place::Aside, "replicate-api-token"),
    ("webhook", Place::Head, "discord-webhook-url"),
    ("model", Place::Body, "huggingface-access-token"),
    ("system", Place::Body, "openai-api-key"),
    ("user", Place::Body, "gcp-api-key"),
    ("end_user", Place::Body, "xai-api-key"),
    ("metadata", Place::Body, "perplexity-api-key"),
    ("tool_description", Place::Body, "slack-bot-token"),
    ("tool_default", Place::Body, "nvidia-api-key"),
    ("tool_result", Place::Body, "databricks-api-token"),
    ("argument", Place::Body, "openrouter-api-key"),
    ("named_argument", Place::Body, NAME),
    ("nested_argument", Place::Body, "langsmith-api-key"),
    ("file", Place::Body, "doppler-api-token"),
    ("file_name", Place::Body, "rubygems-api-token"),
    ("named_part", Place::Body, NAME),
    ("form", Place::Body, "atlassian-api-token"),
    ("named_field", Place::Body, NAME),
];

#[rustfmt::skip]
const ANSWERS: &[Position] = &[
    ("answer_model", Place::AnswerBody, "shopify-access-token"),
    ("answer_cookie", Place::AnswerHead, "postman-api-token"),
    ("answer_id", Place::AnswerHead, "prefect-api-token"),
];

/// In which notation a text has one more each, and whether that alone is certain. The key is between `‹` and `›`.
const NOTATION: &str = "notations";
#[rustfmt::skip]
const NOTATIONS: &[(Place, &str)] = &[
    (Place::Body, "https://app.example/cb#access_token=‹{a9}{d2}{a9}›&state=1"),
    (Place::Body, "https://app.example/a?api_key=‹{a9}{d2}{a9}›"),
    (Place::Text, "password: ‹{a9}{d2}{a9}›"),
    (Place::Text, "db-password: \"‹{a9}{d2}{a9}›\""),
    (Place::Text, "secret_key = '‹{a9}{d2}{a9}›'"),
    (Place::Text, "cfg = dict(user='a', password='‹{a9}{d2}{a9}›')"),
    (Place::Text, "const clientSecret = \"‹{a9}{d2}{a9}›\";"),
    (Place::Text, "builder.setPassword(\"‹{a9}{d2}{a9}›\");"),
    (Place::Text, "export DB_PASSWORD=‹{a9}{d2}{a9}›"),
    (Place::Text, "$env:API_KEY = \"‹{a9}{d2}{a9}›\""),
    (Place::Text, "deploy --password ‹{a9}{d2}{a9}› --verbose"),
    (Place::Text, "curl -u admin:‹{a9}{d2}{a9}› https://a.example"),
    (Place::Text, "curl -H 'X-API-Key: ‹{a9}{d2}{a9}›' https://a.example"),
    (Place::Text, "machine a.example login app password ‹{a9}{d2}{a9}›"),
    (Place::Text, "Server=db;User Id=app;Password=‹{a9}{d2}{a9}›;Encrypt=true"),
    (Place::Text, "<user><password>‹{a9}{d2}{a9}›</password></user>"),
    (Place::Text, "CREATE USER app IDENTIFIED BY '‹{a9}{d2}{a9}›';"),
    (Place::Text, "//registry.example/:_authToken=‹{a9}{d2}{a9}›"),
    (Place::Text, "- name: DB_PASSWORD\n  value: ‹{a9}{d2}{a9}›"),
    (Place::Body, "> -----BEGIN RSA PRIVATE {}KEY-----\n> ‹{b64}\n> {b64}\n> {b64}›\n> -----END RSA PRIVATE {}KEY-----"),
    (Place::Body, "\u{1b}[31mdckr_{}pat_‹{a27}›\u{1b}[0m"),
];

/// New keys for every position of a client.
pub(super) fn of_client(client: &str, random: &mut Random) -> Vec<Key> {
    let mut keys: Vec<_> =
        POSITIONS.iter().map(|position| Key::new(client, *position, random)).collect();
    let every = FORMATS.iter().map(|format| (format, (EVERY, Place::Body, format.rule)));
    keys.extend(every.map(|(format, position)| Key::of(client, position, &format.make(random))));
    keys.extend(
        NOTATIONS.iter().map(|(place, line)| Key::in_notation(client, *place, line, random)),
    );
    keys
}

/// New keys for the answers.
pub(super) fn of_provider(random: &mut Random) -> Vec<Key> {
    ANSWERS.iter().map(|position| Key::new("provider", *position, random)).collect()
}

impl Key {
    fn new(client: &str, position: Position, random: &mut Random) -> Self {
        let rule = position.2;
        if rule == NAME {
            let text = random.text("abcdefghijklmnopqrstuvwxyz", 24);
            return Self::labelled(client, position, text.clone(), text);
        }
        let format = FORMATS.iter().find(|format| format.rule == rule).expect("a format");
        Self::of(client, position, &format.make(random))
    }

    fn of(client: &str, position: Position, fake: &Fake) -> Self {
        Self::labelled(client, position, fake.text.clone(), fake.secret().to_owned())
    }

    fn in_notation(client: &str, place: Place, line: &'static str, random: &mut Random) -> Self {
        Self::of(client, (NOTATION, place, line), &Fake::new(line, random))
    }

    fn labelled(
        client: &str,
        (position, place, rule): Position,
        text: String,
        secret: String,
    ) -> Self {
        let label = format!("{client}, {position}: {rule}").into();
        Self { label, place, position, text, secret }
    }
}

/// What a client is told: the key of each position, and those of every kind as one text.
pub(super) fn to_json<'k>(keys: impl Iterator<Item = &'k Key>) -> Value {
    let mut positions = BTreeMap::<_, String>::new();
    for key in keys {
        let text = positions.entry(key.position).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&key.text);
    }
    serde_json::to_value(positions).expect("JSON")
}

/// The key of one position.
pub(super) fn at<'k>(keys: &'k [Key], position: &str) -> &'k str {
    let key = keys.iter().find(|key| key.position == position);
    &key.expect("a position").text
}

/// The labels of the keys in one of these places.
pub(super) fn labels(keys: &[Key], places: &[Place]) -> BTreeSet<Arc<str>> {
    let wanted = keys.iter().filter(|key| places.contains(&key.place));
    wanted.map(|key| Arc::clone(&key.label)).collect()
}

/// The length of a piece of a key, in characters.
const PIECE: usize = 12;

/// Pieces of keys, as they are and encoded, by their length; each with the label of its key. What two
/// keys have in common is part of their format and no secret: it has none.
#[derive(Debug, Default)]
pub(super) struct Needles(BTreeMap<usize, HashMap<Vec<u8>, Option<Arc<str>>>>);

impl Needles {
    /// Adds the pieces of a key.
    pub(super) fn add(&mut self, key: &Key) {
        for form in pieces(key.secret.as_bytes()).flat_map(forms) {
            let same_length = self.0.entry(form.len()).or_default();
            let label = same_length.entry(form.into_bytes());
            let label = label.or_insert_with(|| Some(Arc::clone(&key.label)));
            label.take_if(|label| **label != *key.label);
        }
    }

    /// The labels of the keys of which a piece stands in `text`, whatever stands around it.
    pub(super) fn found_in(&self, text: &[u8]) -> BTreeSet<Arc<str>> {
        let found = self.0.iter().flat_map(|(length, needles)| {
            text.windows(*length).filter_map(|window| needles.get(window)?.clone())
        });
        found.collect()
    }
}

/// Pieces side by side from each of three offsets, and the last one. So wherever a key begins in what
/// is encoded to base64, a piece begins where three bytes do; and any 21 characters in a row hold one.
fn pieces(secret: &[u8]) -> impl Iterator<Item = &str> {
    let from = move |offset| secret.get(offset..).unwrap_or_default().chunks_exact(PIECE);
    let pieces = (0..3).flat_map(from).chain(secret.rchunks_exact(PIECE).take(1));
    pieces.filter_map(|piece| std::str::from_utf8(piece).ok())
}

/// A piece as it is, in base64, in base64 for URLs, in percent-encoding and in hexadecimal digits.
fn forms(piece: &str) -> [String; 8] {
    let coded = |code: &dyn Fn(u8) -> String| piece.bytes().map(code).collect::<String>();
    let base64url = base64url(piece);
    [
        piece.to_owned(),
        base64url.replace('-', "+").replace('_', "/"),
        base64url,
        coded(&|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).into(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).into(),
            byte => format!("%{byte:02X}"),
        }),
        coded(&|byte| format!("%{byte:02X}")),
        coded(&|byte| format!("%{byte:02x}")),
        coded(&|byte| format!("{byte:02x}")),
        coded(&|byte| format!("{byte:02X}")),
    ]
}

#[test]
fn a_piece_is_found_in_every_form_wherever_it_begins() {
    let secret = "k/".repeat(20);
    let key = Key::labelled("c", ("p", Place::Body, "r"), String::new(), secret.clone());
    let mut needles = Needles::default();
    needles.add(&key);
    let found: BTreeSet<Arc<str>> = ["c, p: r".into()].into();
    for before in ["", "a", "ab", "abc"] {
        let whole = format!("{before}{secret}~~~");
        let base64url = base64url(&whole);
        let base64 = base64url.replace('_', "/");
        for text in [whole.clone(), base64url, base64, secret.replace('/', "%2F")] {
            assert_eq!(needles.found_in(text.as_bytes()), found, "{before}");
        }
    }
    assert!(needles.found_in(b"k/k/k k/k/k/ k/k").is_empty());
}
