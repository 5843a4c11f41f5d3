//! Where a credential can stand in a body, and how it is written there.

use ledgerline_core::mask::{PLACEHOLDER, Syntax};
use ledgerline_tests::secrets::Fake;

/// A place in a body.
pub(crate) struct Position {
    pub(crate) name: String,
    pub(crate) syntax: Syntax,
    before: String,
    after: String,
    encodings: Vec<Encoding>,
}

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    /// As in a JSON string.
    Json,
    /// The same with `\/`, as PHP writes it.
    JsonSlashes,
    /// Every sign as `\u002d`.
    JsonSigns,
    /// Quotes and what HTML gives a meaning to as `\u0022`: the default of System.Text.Json.
    JsonDotNet,
    /// Every byte as `\u002d`.
    JsonBytes,
    /// As `encodeURIComponent` does it.
    Percent,
    /// As in a form: a space is `+`.
    Form,
    /// Every byte as `%2D`.
    PercentBytes,
    /// Every byte as `%2d`.
    PercentBytesLower,
}

impl Encoding {
    pub(crate) fn apply(self, text: &str) -> String {
        text.chars().map(|letter| self.letter(letter)).collect()
    }

    fn letter(self, letter: char) -> String {
        let is_json =
            matches!(self, Self::Json | Self::JsonSlashes | Self::JsonSigns | Self::JsonDotNet);
        if !letter.is_ascii() && is_json {
            return letter.to_string();
        }
        let mut bytes = [0; 4];
        letter.encode_utf8(&mut bytes).bytes().map(|byte| self.byte(byte)).collect()
    }

    fn byte(self, byte: u8) -> String {
        let plain = char::from(byte).to_string();
        match self {
            Self::Json | Self::JsonSlashes | Self::JsonSigns => match byte {
                b'\n' => r"\n".to_owned(),
                b'\r' => r"\r".to_owned(),
                b'\t' => r"\t".to_owned(),
                b'"' | b'\\' => format!("\\{plain}"),
                b'/' if matches!(self, Self::JsonSlashes) => r"\/".to_owned(),
                _ if matches!(self, Self::JsonSigns) && !byte.is_ascii_alphanumeric() => {
                    format!("\\u{byte:04x}")
                }
                _ => plain,
            },
            Self::JsonDotNet if b"\"'<>&+`".contains(&byte) => format!("\\u{byte:04X}"),
            Self::JsonDotNet => Self::Json.byte(byte),
            Self::JsonBytes => format!("\\u{byte:04X}"),
            Self::Form if byte == b' ' => "+".to_owned(),
            Self::Percent | Self::Form if byte.is_ascii_alphanumeric() => plain,
            Self::Percent if b"-_.!~*'()".contains(&byte) => plain,
            Self::Form if b"-_.*".contains(&byte) => plain,
            Self::PercentBytesLower => format!("%{byte:02x}"),
            Self::Percent | Self::Form | Self::PercentBytes => format!("%{byte:02X}"),
        }
    }
}

impl Position {
    fn new(name: impl Into<String>, syntax: Syntax, around: [&str; 2]) -> Self {
        let [before, after] = around.map(str::to_owned);
        Self { name: name.into(), syntax, before, after, encodings: Vec::new() }
    }

    /// What stands here is written like this.
    fn written(mut self, encoding: Encoding) -> Self {
        self.encodings.push(encoding);
        self
    }

    /// What was put together so far, as a string within `around`.
    fn within(mut self, encoding: Encoding, around: [&str; 2]) -> Self {
        self.before = format!("{}{}", around[0], encoding.apply(&self.before));
        self.after = format!("{}{}", encoding.apply(&self.after), around[1]);
        self.written(encoding)
    }

    /// A body with `fake` at this position.
    pub(crate) fn body(&self, fake: &Fake) -> String {
        self.around(fake, &self.encoded(fake.secret()))
    }

    /// The view that it must have.
    pub(crate) fn expected(&self, fake: &Fake) -> String {
        self.around(fake, PLACEHOLDER)
    }

    /// `text` as it is written here.
    pub(crate) fn encoded(&self, text: &str) -> String {
        let written = |text: String, encoding: &Encoding| encoding.apply(&text);
        self.encodings.iter().fold(text.to_owned(), written)
    }

    fn around(&self, fake: &Fake, secret: &str) -> String {
        let [before, after] = [fake.before(), fake.after()].map(|text| self.encoded(text));
        format!("{}{before}{secret}{after}{}", self.before, self.after)
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Position> {
    let mut all = neighbours();
    all.extend(json());
    all.extend(urls());
    all.extend(forms());
    all
}

fn neighbours() -> Vec<Position> {
    let left =
        ["", "=", ":", "\"", " ", "\n", r"\n", r"\t", "(", "/", "%3D", "%20", "%253D", "'", "`"];
    let right = [
        "", "&", ",", "}", ")", ".", ";", "'", " ", "\n", "\\\"", "\\\\\\\"", "%22", r"\n", "<",
        "`", "]", "%26", "%2522", "\r\n", "|", "?",
    ];
    let left = left.map(|sign| {
        Position::new(
            format!("text, behind {sign:?}"),
            Syntax::Text,
            [&format!("Look: it is{sign}"), " there"],
        )
    });
    let right = right.map(|sign| {
        let rest = match sign {
            "" => "",
            // A token may have dots within; a full stop has a space behind it.
            "." => " And so on",
            _ => "and so on",
        };
        Position::new(
            format!("text, before {sign:?}"),
            Syntax::Text,
            ["It is ", &format!("{sign}{rest}")],
        )
    });
    let alone = Position::new("text, alone", Syntax::Text, ["", ""]);
    let in_json = Position::new("JSON with no strings, alone", Syntax::Json, ["", ""]);
    // Where nothing stands between a word and the credential, nothing tells where it begins.
    left.into_iter().skip(1).chain(right).chain([alone, in_json]).collect()
}

fn json() -> Vec<Position> {
    use Encoding::{Json, JsonBytes, JsonSigns, JsonSlashes, Percent};
    let value = [r#"{"model":"m","text":""#, r#"","n":1}"#];
    let position = |name: &str, around| Position::new(name, Syntax::Json, around);
    let inner = || Position::new("", Syntax::Json, [r#"{"text":""#, r#""}"#]).written(Json);
    let outer = [r#"{"arguments":""#, r#"","index":0}"#];
    let named = |name: &str, position: Position| Position { name: name.to_owned(), ..position };
    vec![
        position("JSON value", value).written(Json),
        position("JSON value in a sentence", [r#"{"content":"Use "#, r#" for it, please."}"#])
            .written(Json),
        position("JSON value behind a line", [r#"{"content":"Key:\n"#, r#"\nThanks"}"#])
            .written(Json),
        position("JSON value, slashes escaped", value).written(JsonSlashes),
        position("JSON value, signs escaped", value).written(JsonSigns),
        position("JSON value, all escaped", value).written(JsonBytes),
        position("JSON value, cut off", [r#"{"text":""#, ""]).written(Json),
        position("JSON key", [r#"{"a":1,""#, r#"":true}"#]).written(Json),
        position("JSON array", [r#"{"list":[0,""#, r#"","b"]}"#]).written(Json),
        position("JSON array at the top", [r#"[""#, r#""]"#]).written(Json),
        position("JSON, pretty", ["{\n  \"text\": \"", "\"\n}\n"]).written(Json),
        named("JSON in JSON", inner().within(Json, outer)),
        named("JSON in JSON in JSON", inner().within(Json, outer).within(Json, outer)),
        named(
            "JSON four deep",
            inner().within(Json, outer).within(Json, outer).within(Json, outer),
        ),
        named("JSON in JSON, slashes escaped", inner().within(JsonSlashes, outer)),
        named(
            "URL in JSON",
            position("", [r#"{"url":"https://a.example/b?q="#, r#"&r=1"}"#]).written(Percent),
        ),
        position("JSON Lines", ["{\"a\":1}\n{\"text\":\"", "\"}\n{\"b\":2}\n"]).written(Json),
        position(
            "event stream",
            ["event: delta\ndata: {\"delta\":{\"text\":\"", "\"}}\n\ndata: [DONE]\n\n"],
        )
        .written(Json),
        position("event stream, bare", ["data: ", "\n\n"]),
    ]
}

fn urls() -> Vec<Position> {
    use Encoding::{Percent, PercentBytes};
    let position = |name: &str, around| Position::new(name, Syntax::Text, around);
    vec![
        position("URL path, at its end", ["GET https://a.example/v1/", ""]).written(Percent),
        position("URL path, before a query", ["https://a.example/v1/", "?x=1 "]).written(Percent),
        position("URL query", ["https://a.example/v1?q=", "&alt=sse"]).written(Percent),
        position("URL query, first and last", ["https://a.example/?q=", " HTTP/1.1"])
            .written(Percent),
        position("URL fragment", ["https://a.example/#q=", "\n"]).written(Percent),
        position(
            "URL in a query",
            ["https://a.example/?next=https%3A%2F%2Fb.example%2F%3Fq%3D", "%26r%3D1"],
        )
        .written(Percent)
        .written(Percent),
        position("URL query, every byte", ["https://a.example/v1?q=", "&alt=sse"])
            .written(PercentBytes),
        position("HTML attribute", ["<a href=\"/x?q=", "&amp;b=1\">"]).written(Percent),
        position("HTML text", ["<b>", "</b>"]),
        position("Markdown", ["Use `", "` or **nothing**."]),
        position("shell", ["export A_B='", "'; run"]),
        position("YAML", ["a:\n  b: ", "\n  c: 1\n"]),
        position("header", ["X-Thing: ", "\r\nAccept: */*\r\n"]),
    ]
}

fn forms() -> Vec<Position> {
    use Encoding::{Form, Json, Percent, PercentBytes, PercentBytesLower};
    let multipart = || Syntax::Multipart((*b"b-1").into());
    let value = ["a=1&note=", "&b=2"];
    let position = |name: &str, around| Position::new(name, Syntax::Form, around);
    let part = [
        "--b-1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n",
        "\r\n--b-1\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--b-1--\r\n",
    ];
    let json =
        || Position::new("JSON in a form", Syntax::Form, [r#"{"text":""#, r#""}"#]).written(Json);
    vec![
        position("form", value).written(Form),
        position("form, spaces as %20", value).written(Percent),
        position("form, first and last", ["note=", ""]).written(Form),
        position("form, twice", value).written(Percent).written(Percent),
        position("form, every byte", value).written(PercentBytes),
        position("form, every byte, small digits", value).written(PercentBytesLower),
        position("form, every byte, twice", value).written(PercentBytes).written(Percent),
        json().within(Form, ["payload=", "&x=1"]),
        Position {
            name: "JSON in JSON in a form".to_owned(),
            ..json().within(Json, [r#"{"a":""#, r#""}"#]).within(Form, ["payload=", ""])
        },
        Position::new("multipart", multipart(), part),
        Position::new(
            "multipart, JSON",
            multipart(),
            [&format!("{}{{\"text\":\"", part[0]), &format!("\"}}{}", part[1])],
        )
        .written(Json),
    ]
}
