//! A name and its value in every notation: where they stand in the wild, not in ours.
//!
//! A [`Notation`] is a line with a place for a name and one for its value. Each is tried in text, in the
//! message of a chat, in the arguments of a tool call and in an event, and cut in every place.

use std::fmt::Write;
use std::rc::Rc;

use ledgerline_core::mask::{PLACEHOLDER, Rules, Syntax};
use ledgerline_tests::secrets::Random;

use crate::position::Encoding;
use crate::recall::{Tally, chat};
use crate::stream::Stream;

/// What a line belongs to, and the line: `{n}` is a name as `db_password`, `{c}` as `dbPassword`, `{C}` as
/// `DbPassword`, `{k}` as `db-password`, `{K}` as `Db-Password`, `{N}` as `DB_PASSWORD`, `{s}` its value.
struct Notation(&'static str, &'static str);

#[rustfmt::skip]
const NOTATIONS: &[Notation] = &[
    Notation("JSON", r#"{"{n}": "{s}"}"#),
    Notation("JSON", r#"{"id":1,"{c}":"{s}","z":[]}"#),
    Notation("JSON", "{\n  \"{N}\" : \"{s}\"\n}"),
    Notation("JSON5 and JSONC", "{ {c}: '{s}', // comment\n}"),
    Notation("query and form", "https://a.example/cb?{n}={s}&x=1"),
    Notation("query and form", "https://a.example/cb?x=1&{n}={s}"),
    Notation("query and form", "https://a.example/cb#{n}={s}&state=1"),
    Notation("query and form", "grant_type=x&{n}={s}&scope=a"),
    Notation("query and form", "user%5B{n}%5D={s}&a=1"),
    Notation("YAML", "db:\n  {n}: {s}\n  port: 5432\n"),
    Notation("YAML", "{k}: \"{s}\"\n"),
    Notation("YAML", "- {c}: '{s}'\n  b: 1\n"),
    Notation("YAML", "{n}: |\n  {s}\n"),
    Notation("YAML", "{n}: >-\n  {s}\nb: 1\n"),
    Notation("YAML", "{ user: a, {n}: '{s}' }"),
    Notation("TOML, ini, properties", "[db]\n{n} = \"{s}\"\n"),
    Notation("TOML, ini, properties", "[db]\n{n} = {s}\nport = 5432\n"),
    Notation("TOML, ini, properties", "{n}={s}\n"),
    Notation("TOML, ini, properties", "spring.datasource.{n}={s}\n"),
    Notation("TOML, ini, properties", "app.{k}: {s}\n"),
    Notation("environment", "{N}={s}\n"),
    Notation("environment", "export {N}={s}\n"),
    Notation("environment", "export {N}=\"{s}\"\n"),
    Notation("environment", "{N}='{s}' ./run\n"),
    Notation("environment", "A=1\n{N} = {s}\n"),
    Notation("environment", "ENV {N} {s}\n"),
    Notation("environment", "ENV {N}={s}\n"),
    Notation("environment", "$env:{N} = \"{s}\"\n"),
    Notation("environment", "docker run -e {N}={s} image\n"),
    Notation("environment", "set {N}={s}\r\n"),
    Notation("Python", "{n} = '{s}'\n"),
    Notation("Python", "cfg = {'user': 'a', '{n}': '{s}'}\n"),
    Notation("Python", "client = Client(host, {n}=\"{s}\")\n"),
    Notation("Python", "{n}: str = \"{s}\"\n"),
    Notation("Python", "os.environ[\"{N}\"] = \"{s}\"\n"),
    Notation("Ruby", ":{n} => \"{s}\",\n"),
    Notation("Ruby", "config.{n} = '{s}'\n"),
    Notation("PHP", "'{n}' => '{s}',\n"),
    Notation("PHP", "define('{N}', '{s}');\n"),
    Notation("PHP", "${c} = '{s}';\n"),
    Notation("JavaScript", "const {c} = \"{s}\";\n"),
    Notation("JavaScript", "new Pool({ user: 'a', {c}: '{s}' });\n"),
    Notation("JavaScript", "const {c} = `{s}`;\n"),
    Notation("JavaScript", "process.env.{N} = '{s}'\n"),
    Notation("JavaScript", "let {c}: string = \"{s}\";\n"),
    Notation("Go", "{c} := \"{s}\"\n"),
    Notation("Go", "Config{\n\t{C}: \"{s}\",\n}\n"),
    Notation("Go", "var {c} string = \"{s}\"\n"),
    Notation("Go", "const {c} = `{s}`\n"),
    Notation("Go", "os.Setenv(\"{N}\", \"{s}\")\n"),
    Notation("Java, Kotlin, C#", "String {c} = \"{s}\";\n"),
    Notation("Java, Kotlin, C#", "private static final String {N} = \"{s}\";\n"),
    Notation("Java, Kotlin, C#", "builder.set{C}(\"{s}\");\n"),
    Notation("Java, Kotlin, C#", "props.setProperty(\"{n}\", \"{s}\");\n"),
    Notation("Java, Kotlin, C#", "val {c} = \"{s}\"\n"),
    Notation("Java, Kotlin, C#", "var {c} = @\"{s}\";\n"),
    Notation("Rust, C, Swift, R", "let {n} = \"{s}\";\n"),
    Notation("Rust, C, Swift, R", "const {N}: &str = \"{s}\";\n"),
    Notation("Rust, C, Swift, R", "char {n}[] = \"{s}\";\n"),
    Notation("Rust, C, Swift, R", "{n} <- \"{s}\"\n"),
    Notation("HCL and make", "resource \"a\" \"b\" {\n  {n} = \"{s}\"\n}\n"),
    Notation("HCL and make", "variable \"{n}\" {\n  default = \"{s}\"\n}\n"),
    Notation("HCL and make", "{N} := {s}\n"),
    Notation("HCL and make", "{N} ?= {s}\n"),
    Notation("comparison", "if ({c} == \"{s}\") {\n"),
    Notation("comparison", "if (\"{s}\" === {c}) {\n"),
    Notation("XML", "<user><{c}>{s}</{c}></user>"),
    Notation("XML", "<{n}>\n  {s}\n</{n}>\n"),
    Notation("XML", "<add key=\"{C}\" value=\"{s}\" />"),
    Notation("XML", "<user {n}=\"{s}\" />"),
    Notation("pairs", "{\"env\":[{\"name\":\"{N}\",\"value\":\"{s}\"}]}"),
    Notation("pairs", "env:\n- name: {N}\n  value: {s}\n"),
    Notation("pairs", "{\"key\": \"{n}\", \"value\": \"{s}\"}"),
    Notation("header lines", "GET / HTTP/1.1\r\nX-{K}: {s}\r\nAccept: */*\r\n"),
    Notation("header lines", "curl -H 'X-{K}: {s}' https://a.example\n"),
    Notation("command lines", "deploy --{k} {s} --verbose\n"),
    Notation("command lines", "deploy --{k}={s} --verbose\n"),
    Notation("command lines", "deploy --{n} '{s}'\n"),
    Notation("command lines", "helm install a b --set app.{c}={s}\n"),
    Notation("command lines", "java -D{n}={s} -jar a.jar\n"),
    Notation("connection strings", "Server=db;User Id=app;{C}={s};Encrypt=true"),
    Notation("connection strings", "host=db user=app {n}={s} dbname=x"),
    Notation("connection strings", "jdbc:mysql://h/db?user=a&{n}={s}"),
    Notation("sentences", "The {n} is {s}, keep it.\n"),
];

/// Notations that have a name of their own, or none.
#[rustfmt::skip]
const FIXED: &[Notation] = &[
    Notation("header lines", "Authorization: Bearer {s}\r\n"),
    Notation("header lines", "curl -H \"Authorization: token {s}\" https://a.example\n"),
    Notation("header lines", "Cookie: theme=dark; connect.sid={s}\r\n"),
    Notation("command lines", "curl -u admin:{s} https://a.example\n"),
    Notation("command lines", "sshpass -p {s} ssh root@10.0.0.1\n"),
    Notation("command lines", "mysql -u root -p{s} shop\n"),
    Notation("command lines", "docker login -u app -p {s} registry.example\n"),
    Notation("files of passwords", "machine a.example login app password {s}\n"),
    Notation("files of passwords", "db.example:5432:shop:app:{s}\n"),
    Notation("files of passwords", "//registry.example/:_authToken={s}\n"),
    Notation("connection strings", "postgres://app:{s}@db.example:5432/shop"),
    Notation("connection strings", "amqp://app:{s}@mq.example/%2F"),
    Notation("connection strings", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={s};EndpointSuffix=x"),
    Notation("connection strings", "SharedAccessKeyName=a;SharedAccessKey={s}"),
    Notation("connection strings", "https://a.blob.example/c?sv=2026-01-01&sig={s}"),
    Notation("SQL", "CREATE USER app IDENTIFIED BY '{s}';\n"),
    Notation("SQL", "ALTER ROLE app WITH PASSWORD '{s}';\n"),
    Notation("Kubernetes Secret", "kind: Secret\nstringData:\n  password: {s}\n"),
];

/// Names of secrets, as a program would write them.
const NAMES: &[&str] = &[
    "password",
    "db_password",
    "user_passwd",
    "admin_pwd",
    "passphrase",
    "smtp_password",
    "redis_password",
    "postgres_password",
    "root_password",
    "password_old",
    "secret",
    "client_secret",
    "app_secret",
    "jwt_secret",
    "webhook_secret",
    "consumer_secret",
    "secret_key",
    "secret_key_base",
    "api_key",
    "openai_api_key",
    "stripe_api_key",
    "api_key_prod",
    "private_key",
    "aws_secret_access_key",
    "encryption_key",
    "signing_key",
    "master_key",
    "account_key",
    "subscription_key",
    "access_token",
    "refresh_token",
    "auth_token",
    "github_token",
    "slack_bot_token",
    "session_token",
    "api_token",
];

/// Values of such a name with a digit or a sign: what a program makes up, and for passwords and secrets what a
/// person does.
fn values(name: &str, random: &mut Random) -> Vec<(&'static str, String)> {
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const DIGITS: &str = "0123456789";
    const HEX: &str = "0123456789abcdef";
    let upper = LOWER.to_uppercase();
    let all = format!("{LOWER}{upper}{DIGITS}");
    let mut text = |alphabet: &str, length| random.text(alphabet, length);
    let digits = text(DIGITS, 2);
    let mut values = vec![
        ("20 letters and digits", format!("{}{digits}{}", text(&all, 9), text(&all, 9))),
        ("hex", text(HEX, 32)),
        ("base64url", format!("{}{digits}_-{}", text(&all, 20), text(&all, 16))),
        ("with dashes", format!("{}-{}-{digits}{}", text(&all, 6), text(&all, 6), text(&all, 6))),
    ];
    if ["pass", "pwd", "secret"].iter().any(|word| name.contains(word)) {
        let word = format!("{}{}!{digits}", text(&upper, 1), text(LOWER, 8));
        let signs = format!("{}{digits}@{}.{}!", text(LOWER, 4), text(&all, 4), text(&upper, 2));
        values.extend([("a password", word), ("with signs", signs)]);
    }
    values
}

impl Notation {
    fn line(&self, name: &str, value: &str) -> String {
        let words: Vec<&str> = name.split('_').collect();
        let capital = |word: &&str| word[..1].to_uppercase() + &word[1..];
        let pascal: String = words.iter().map(capital).collect();
        let train: Vec<String> = words.iter().map(capital).collect();
        let camel = pascal[..1].to_lowercase() + &pascal[1..];
        let places = [
            ("{n}", name.to_owned()),
            ("{c}", camel),
            ("{C}", pascal),
            ("{k}", words.join("-")),
            ("{K}", train.join("-")),
            ("{N}", name.to_uppercase()),
            ("{s}", value.to_owned()),
        ];
        places.iter().fold(self.1.to_owned(), |line, (place, text)| line.replace(place, text))
    }

    /// Such a line, with the names that it can have.
    fn names(&self) -> &'static [&'static str] {
        if FIXED.iter().any(|fixed| fixed.1 == self.1) { &NAMES[..1] } else { NAMES }
    }
}

fn all() -> impl Iterator<Item = &'static Notation> {
    NOTATIONS.iter().chain(FIXED)
}

/// Goal of the issue that asked for this: where a notation names the secret.
const GOAL: f64 = 0.99;

#[test]
fn where_a_notation_names_a_secret_it_is_found() {
    let rules = Rc::new(Rules::default());
    let mut tally = Tally::default();
    for notation in all() {
        let mut random = Random::new(14);
        for name in notation.names() {
            for (kind, value) in values(name, &mut random) {
                let line = notation.line(name, &value);
                for (syntax, body) in [(Syntax::Text, line.clone()), (Syntax::Json, chat(&line))] {
                    let view = Stream::new(&rules, &syntax).view(body.as_bytes(), &[]).to_vec();
                    let about = || format!("{:?}, {name}, {kind}", notation.1);
                    tally.add(notation.0, &view, &value, about);
                }
            }
        }
    }
    tally.print("where a notation names the secret");
    tally.check(GOAL);
}

/// The chunk oracle: what is masked is the value, all of it and nothing else, wherever the line stands and
/// wherever the body is cut.
#[test]
fn in_every_notation_the_value_alone_is_masked_across_any_split() {
    let rules = Rc::new(Rules::default());
    let (mut tried, mut wrong) = (0, String::new());
    for notation in all() {
        // Of a URL the user goes, too: the naive masker knows.
        if notation.1.contains("://app:") {
            continue;
        }
        let mut random = Random::new(7);
        let (_, value) = values("api_key", &mut random).swap_remove(0);
        let body = notation.line("api_key", &value);
        for (place, syntax, around) in PLACES {
            tried += 1;
            let body = around.iter().fold(body.clone(), |inner, way| way.around(&inner));
            let expected = body.replacen(&value, PLACEHOLDER, 1);
            let mut stream = Stream::new(&rules, syntax);
            if let Some((split, view)) = stream.first_wrong(body.as_bytes(), expected.as_bytes()) {
                let view = String::from_utf8_lossy(&view).into_owned();
                writeln!(wrong, "{:?} {place}, {split}:\n   {view}", notation.1).expect("a string");
            }
        }
    }
    println!("{tried} bodies, each cut in every place");
    assert!(wrong.is_empty(), "{wrong}");
}

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
enum Around {
    Text,
    Message(Encoding),
    Event,
}

impl Around {
    fn around(self, text: &str) -> String {
        match self {
            Self::Text => format!("Look:\n{text}\nThat was it."),
            Self::Message(how) => {
                format!(r#"{{"role":"user","content":"{}","n":1}}"#, how.apply(text))
            }
            Self::Event => format!("event: delta\ndata: {text}\n\ndata: [DONE]\n\n"),
        }
    }
}

const PLACES: &[(&str, Syntax, &[Around])] = {
    use Around::{Event, Message, Text};
    use Encoding::{Json, JsonDotNet, JsonSlashes};
    &[
        ("in a text", Syntax::Text, &[Text]),
        ("in a message", Syntax::Json, &[Text, Message(Json)]),
        ("in a message of .NET", Syntax::Json, &[Text, Message(JsonDotNet)]),
        ("in a message of PHP", Syntax::Json, &[Text, Message(JsonSlashes)]),
        ("in arguments", Syntax::Json, &[Text, Message(Json), Message(Json)]),
        ("in an event", Syntax::Text, &[Text, Message(Json), Event]),
    ]
};
