//! What people and models really send, with no secret in it: nothing of it may change.

use std::rc::Rc;

use ledgerline_core::mask::{Rules, Syntax};
use ledgerline_tests::secrets::Random;

use crate::stream::Stream;

#[test]
fn what_is_no_secret_stays_as_it_is() {
    let rules = Rc::new(Rules::default());
    let mut changed = Vec::new();
    println!("{:<28} {:>9} {:>12}", "text", "bytes", "false masks");
    for (name, syntax, body) in corpus() {
        let mut stream = Stream::new(&rules, &syntax);
        let counts = stream.counts(body.as_bytes());
        let masks: u64 = counts.values().sum();
        println!("{name:<28} {:>9} {masks:>12}", body.len());
        let view = stream.view(body.as_bytes(), &[]);
        let tolerated =
            TOLERATED.iter().find(|(text, _)| *text == name).map_or(0, |(_, most)| *most);
        if masks > tolerated || masks == 0 && view != body.as_bytes() {
            let at =
                view.iter().zip(body.as_bytes()).take_while(|(view, body)| view == body).count();
            let around = at.saturating_sub(40)..body.len().min(at + 60);
            let around = String::from_utf8_lossy(&body.as_bytes()[around]).into_owned();
            changed.push(format!("{name}: {counts:?}, first at {at}: …{around}…"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// Random letters hold any short prefix now and then, here `_sk-`: about once in eight of these.
/// Only base64url has both of its dashes among them.
const TOLERATED: &[(&str, u64)] = &[("base64url blob", 1)];

fn corpus() -> Vec<(&'static str, Syntax, String)> {
    let mut random = Random::new(2026);
    let random = &mut random;
    vec![
        ("English", Syntax::Text, english(random, 6_000)),
        ("English as a chat call", Syntax::Json, chat(&english(random, 3_000))),
        ("Rust", Syntax::Text, RUST.repeat(20)),
        ("Python", Syntax::Text, PYTHON.repeat(20)),
        ("JavaScript", Syntax::Text, JAVASCRIPT.repeat(20)),
        ("HTML and CSS", Syntax::Text, HTML.repeat(20)),
        ("shell and YAML", Syntax::Text, SHELL.repeat(20)),
        ("SQL", Syntax::Text, SQL.repeat(20)),
        (
            "all of the code as a chat",
            Syntax::Json,
            chat(&[RUST, PYTHON, JAVASCRIPT, HTML, SHELL, SQL].concat()),
        ),
        (
            "base64 image",
            Syntax::Json,
            chat(&format!("data:image/png;base64,{}", image(random, BASE64))),
        ),
        ("base64url blob", Syntax::Json, chat(&blob(random, BASE64URL, 1 << 20))),
        ("base64 with line ends", Syntax::Text, lines(&blob(random, BASE64, 1 << 19))),
        ("hex blob", Syntax::Text, blob(random, HEX, 1 << 18)),
        ("UUIDs", Syntax::Json, listed(random, 4_000, uuid)),
        ("SHA-1, 256, 512", Syntax::Json, listed(random, 4_000, digest)),
        ("digests with names", Syntax::Text, named_digests(random)),
        ("git log", Syntax::Text, git_log(random)),
        ("provider ids", Syntax::Json, listed(random, 3_000, provider_id)),
        ("embeddings", Syntax::Json, embeddings(random)),
        ("usage", Syntax::Json, USAGE.repeat(20)),
        ("tool schemas", Syntax::Json, TOOLS.repeat(20)),
        ("log probabilities", Syntax::Json, log_probabilities(random)),
        ("Markdown tables", Syntax::Text, MARKDOWN.repeat(20)),
        ("URLs", Syntax::Text, URLS.repeat(20)),
        ("form", Syntax::Form, FORM.to_owned()),
        ("words joined by dashes", Syntax::Text, joined(random, "-")),
        ("words joined by underscores", Syntax::Text, joined(random, "_")),
        ("words joined by dots", Syntax::Text, joined(random, ".")),
        ("words joined by slashes", Syntax::Text, joined(random, "/")),
        ("numbers and times", Syntax::Text, numbers(random)),
    ]
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &str = "0123456789abcdef";

const WORDS: &[&str] = &[
    "the",
    "of",
    "a",
    "model",
    "token",
    "tokens",
    "secret",
    "password",
    "key",
    "keys",
    "answer",
    "bearer",
    "basic",
    "private",
    "public",
    "session",
    "author",
    "authorization",
    "please",
    "write",
    "a",
    "function",
    "that",
    "returns",
    "risk",
    "task",
    "desk",
    "ask",
    "skeleton",
    "loading",
    "indicator",
    "button",
    "primary",
    "container",
    "wrapper",
    "header",
    "footer",
    "navigation",
    "api",
    "application",
    "internationalization",
    "responsibility",
    "configuration",
    "cookie",
    "login",
    "sign",
    "in",
    "with",
    "your",
    "account",
    "and",
    "reset",
    "it",
    "here",
    "why",
    "is",
    "sky",
    "blue",
    "explain",
    "like",
    "five",
    "pattern",
    "live",
    "test",
    "service",
    "admin",
    "project",
    "access",
    "refresh",
    "credential",
    "credentials",
    "webhook",
    "hooks",
    "pat",
    "sat",
    "pk",
    "sk",
    "rk",
    "key",
    "pul",
    "ops",
    "api",
    "hf",
    "xai",
    "gsk",
    "whsec",
    "eyes",
    "sl",
    "s",
];

fn english(random: &mut Random, sentences: usize) -> String {
    let sentence = |random: &mut Random| {
        let length = 4 + random.below(14);
        let words: Vec<&str> = (0..length).map(|_| *random.pick(WORDS)).collect();
        let end =
            random.pick(&[". ", "? ", "! ", ".\n", ":\n", "; ", " - ", " (e.g. \"this\"), ", ", "]);
        words.join(" ") + end
    };
    (0..sentences).map(|_| sentence(random)).collect()
}

fn joined(random: &mut Random, sign: &str) -> String {
    let name = |random: &mut Random| {
        let words: Vec<&str> = (0..2 + random.below(9)).map(|_| *random.pick(WORDS)).collect();
        words.join(sign)
    };
    (0..20_000).map(|_| name(random) + *random.pick(&[" ", "\n", ", ", "(", ") ", "\" "])).collect()
}

fn chat(text: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(
        r#"{{"model":"m-1","max_tokens":1024,"messages":[{{"role":"user","content":{text}}}],"stream":true}}"#
    )
}

fn blob(random: &mut Random, alphabet: &str, length: usize) -> String {
    random.text(alphabet, length)
}

/// Base64 as of a picture: long runs of zero bytes, which are As, between random ones.
fn image(random: &mut Random, alphabet: &str) -> String {
    let mut image = String::from("iVBORw0KGgoAAAANSUhEUgAA");
    while image.len() < 1 << 20 {
        let random_part = random.below(200);
        image += &random.text(alphabet, random_part);
        image += &"A".repeat(random.below(120));
        image += &"/".repeat(random.below(3));
        image += &"E".repeat(random.below(3));
    }
    image
}

fn lines(text: &str) -> String {
    text.as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n")
        .collect()
}

fn uuid(random: &mut Random) -> String {
    [8, 4, 4, 4, 12].map(|length| random.text(HEX, length)).join("-")
}

fn digest(random: &mut Random) -> String {
    let length = *random.pick(&[32, 40, 64, 96, 128]);
    let digest = random.text(HEX, length);
    if random.below(4) == 0 { digest.to_uppercase() } else { digest }
}

fn named_digests(random: &mut Random) -> String {
    let names = [
        "sha256:",
        "sha512-",
        "SHA1=",
        "md5 ",
        "image@sha256:",
        "etag: \"",
        "W/\"",
        "commit ",
        "v1.0-",
        "build-",
        "pkg:npm/a@1.0.0#",
    ];
    (0..4_000).map(|_| format!("{}{}\n", random.pick(&names), digest(random))).collect()
}

fn listed(random: &mut Random, count: usize, item: impl Fn(&mut Random) -> String) -> String {
    let items: Vec<String> = (0..count).map(|_| format!("\"{}\"", item(random))).collect();
    format!("{{\"items\":[{}]}}", items.join(","))
}

/// Ids that name a thing and open nothing.
fn provider_id(random: &mut Random) -> String {
    let prefix = *random.pick(&[
        "chatcmpl-",
        "msg_01",
        "toolu_01",
        "call_",
        "resp_",
        "file-",
        "asst_",
        "thread_",
        "run_",
        "step_",
        "org-",
        "req_",
        "ch_",
        "pi_",
        "cus_",
        "sub_",
        "in_",
        "evt_",
        "price_",
        "acct_",
        "fp_",
        "batch_",
        "vs_",
        "srvtoolu_01",
        "gen-",
        "sess_",
        "modelcap-",
        "pk_live_x",
        "re_",
        "wh_",
        "key_id_",
    ]);
    let length = *random.pick(&[10, 16, 24, 29, 34]);
    prefix.to_owned()
        + &random.text("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", length)
}

fn git_log(random: &mut Random) -> String {
    let commit = |random: &mut Random| {
        let (hash, tree) = (random.text(HEX, 40), random.text(HEX, 7));
        let subject = english(random, 1);
        format!(
            "commit {hash} ({tree})\nAuthor: A. Person <a.person@team.example>\nDate:   Fri Nov 20 12:00:00 2026 +0100\n\n    {subject}\n"
        )
    };
    (0..1_000).map(|_| commit(random)).collect()
}

fn embeddings(random: &mut Random) -> String {
    let number = |random: &mut Random| {
        format!("{}0.{:016}", random.pick(&["", "-"]), random.below(10_000_000_000_000_000))
    };
    let numbers: Vec<String> = (0..20_000).map(|_| number(random)).collect();
    format!(r#"{{"object":"list","data":[{{"embedding":[{}]}}]}}"#, numbers.join(","))
}

fn log_probabilities(random: &mut Random) -> String {
    let token = |random: &mut Random| {
        let word = *random.pick(WORDS);
        format!(
            r#"{{"token":" {word}","logprob":-0.{:06},"bytes":[32,97],"top_logprobs":[{{"token":"{word}","logprob":-1.5,"bytes":null}}]}}"#,
            random.below(1_000_000)
        )
    };
    let tokens: Vec<String> = (0..2_000).map(|_| token(random)).collect();
    format!(r#"{{"choices":[{{"logprobs":{{"content":[{}]}}}}]}}"#, tokens.join(","))
}

fn numbers(random: &mut Random) -> String {
    let number = |random: &mut Random| {
        let value = random.next_u64();
        match random.below(5) {
            0 => format!("2026-11-20T12:{:02}:{:02}Z ", value % 60, value % 59),
            1 => format!("12:{:02}:34.567 ", value % 60),
            2 => format!("{value}, "),
            3 => format!("+49 30 {} ", value % 100_000_000),
            _ => format!("https://127.0.0.1:{}/a ", value % 65_536),
        }
    };
    (0..10_000).map(|_| number(random)).collect()
}

const RUST: &str = r##"
use std::{collections::BTreeMap, fmt};
/// A token: what the lexer gives out. `token.kind` says which.
pub struct Token<'t> { pub kind: TokenKind, pub text: &'t str }
impl Token<'_> {
    pub fn is_secret(&self) -> bool { self.text.starts_with("sk-") || matches!(self.kind, TokenKind::Secret) }
}
fn password_of(user: &User) -> Result<Password, PasswordError> {
    let password = user.password.as_ref().ok_or(PasswordError::Missing)?;
    let (key, value): (&str, &str) = line.split_once('=').unwrap_or(("key", "")); // key=value
    let token: Token = lexer.next_token(); let n = max_tokens - prompt_tokens;
    assert_eq!(hash, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    println!("{}:{}@{}", user.name, "…", host::<A>::of(password)); a::b::<C>(d?e:f&g);
    Err(fmt::Error::custom(format!("Bearer token is missing for {key:?}")))
}
#[derive(Debug, Clone, serde::Deserialize)] #[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings { api_key: Option<SecretString>, client_secret: SecretString, x: [u8; 32] }
"##;

const PYTHON: &str = r##"
import os, json
from openai import OpenAI
client = OpenAI(api_key=os.environ["OPENAI_API_KEY"], base_url="http://127.0.0.1:10000/api.openai.com/v1")
def login(user: str, password: str = None, *, token: str | None = None) -> dict[str, str]:
    """Log in. Raises ValueError if `password` is empty."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"} if token else {}
    secret = getpass.getpass("Secret: "); assert secret != password
    return requests.post(URL, auth=(user, password), headers=headers, timeout=30).json()["access_token"]
for key, value in sorted(params.items()): query += f"&{key}={value}" if query else f"?{key}={value}"
tokenizer = AutoTokenizer.from_pretrained("org/model-7b-instruct-v0.2"); print(len(tokenizer(text)["input_ids"]))
"##;

const JAVASCRIPT: &str = r#"
import { apiKey } from "./config.js"; export const secretKey = () => process.env.SECRET_KEY ?? "";
const res = await fetch(`${base}/v1/items?page=${page}&limit=50&sort=-created_at`, { headers: { "x-api-key": apiKey } });
if (!res.ok) throw new Error(`status ${res.status}: ${await res.text()}`);
const { data: { token }, ...rest } = await res.json(); sessionStorage.setItem("token", token); // token: string
type Props = { password: string; onChange: (password: string) => void; key?: number };
export default function Form({ password, onChange }: Props) { return <input type="password" name="password" value={password} onChange={e => onChange(e.target.value)} />; }
module.exports = { entry: "./src/index.tsx", output: { filename: "[name].[contenthash].js" } };
"#;

const HTML: &str = r##"
<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="stylesheet" href="/static/css/main.4f2a9c1b.chunk.css">
<style>.sk-loading-indicator-container-wrapper{color:#0af}.sk-fading-circle .sk-circle-1:before{animation:sk-circle-fade-delay 1.2s infinite ease-in-out both}
.sk-cube-grid .sk-cube-grid-item-number-nine{width:33%}.hf-button--primary_large{margin:0 auto}.key-value-pairs-of-things > .pk-row{display:flex}</style></head>
<body class="sk-spinner-container-with-a-long-name api-docs-page"><form action="/login?next=/home&amp;lang=en" method="post">
<label for="password">Password:</label><input id="password" name="password" type="password" autocomplete="current-password">
<a href="https://example.com/docs/api-keys#create-a-secret-key">Create a secret key</a> &middot; <a href="mailto:a.person@example.com">Mail</a></form></body></html>
"##;

const SHELL: &str = r##"
export OPENAI_API_KEY=$(pass show openai/key) PATH="$HOME/.local/bin:$PATH"; curl -sS -H "Authorization: Bearer $OPENAI_API_KEY" https://api.openai.com/v1/models | jq '.data[].id'
git clone git@github.com:org/repo.git && ssh -i ~/.ssh/id_ed25519 deploy@10.0.0.7 'systemctl --user restart app.service'
docker run --rm -e PASSWORD -v "$PWD:/work:ro" registry.example.com/team/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
apiVersion: v1
kind: Deployment
spec: { template: { spec: { containers: [ { name: app, image: "app:1.2.3", env: [ { name: API_KEY, valueFrom: { secretKeyRef: { name: app, key: api-key } } } ] } ] } } }
ssh-ed25519 public keys begin with ssh-ed25519; -----BEGIN CERTIFICATE----- and -----BEGIN PUBLIC KEY----- are public.
"##;

const SQL: &str = r#"
SELECT u.id, u.name, count(*) AS tokens FROM users u JOIN api_keys k ON k.user_id = u.id WHERE k.revoked_at IS NULL AND u.email LIKE '%@example.com' GROUP BY 1, 2 HAVING count(*) > 3;
CREATE TABLE sessions (id uuid PRIMARY KEY, token_hash bytea NOT NULL, created_at timestamptz DEFAULT now(), UNIQUE (token_hash)); -- key: token_hash
"#;

const USAGE: &str = r#"{"id":"chatcmpl-9xYzAbCdEfGhIjKlMnOpQrStUv","object":"chat.completion","created":1763640000,"model":"gpt-x-2026-01-01","choices":[{"index":0,"message":{"role":"assistant","content":"Hi.","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"accepted_prediction_tokens":0}},"system_fingerprint":"fp_44709d6fcb","service_tier":"default"}
{"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1},"stop_reason":null,"stop_sequence":null}}
{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":7,"totalTokenCount":11,"promptTokensDetails":[{"modality":"TEXT","tokenCount":4}]},"nextPageToken":"CAUQAA","modelVersion":"g-2"}
{"max_tokens":1024,"max_output_tokens":99,"stop":["\n"],"logit_bias":{"50256":-100},"eos_token_id":2,"pad_token":"<pad>","bos_token":"<s>","tokens_per_minute":90000,"x-ratelimit-remaining-tokens":"149984"}
"#;

const TOOLS: &str = r##"{"tools":[{"type":"function","function":{"name":"create_user","description":"Creates a user. Needs a password and an API key.","parameters":{"type":"object","properties":{"name":{"type":"string"},"password":{"type":"string","description":"At least twelve characters","format":"password"},"api_key":{"type":["string","null"],"title":"API key"},"credentials":{"$ref":"#/$defs/Credentials"},"session":{"type":"string"}},"required":["name","password","api_key"],"additionalProperties":false}}}],"tool_choice":"auto"}
{"name":"search","input_schema":{"type":"object","properties":{"query":{"type":"string"},"page_token":{"type":"string","description":"From the last answer"},"max_tokens":{"type":"integer","minimum":1,"default":100}}}}
"##;

const MARKDOWN: &str = "
| key | default | meaning |
|---|---|---|
| `api_key` | `null` | the key: see [keys](https://example.com/docs#keys) |
| `token` | required | a bearer token; `Authorization: Bearer <token>` |
| `password` | `\"\"` | never logged |

1. Run `sk-loading --help`; 2. see <https://example.com/a_b-c.d?x=1&y=2>; **note**: `key = value`, `a:b@c`, user@host:path, http://[::1]:80/
- [ ] sk-this-is-a-kebab-case-identifier-of-some-length, pk.eleven.twelve.thirteen, s.toLowerCase().split(x), sl.prefix-of-a-thing
";

const URLS: &str = "
https://example.com/a/b/c.html?page=2&sort=name&lang=en#top http://localhost:8080/ https://a.example:8443/x@y/z?e=a@b.example
https://cdn.example.net/assets/vendor.3f9a1c7b8d2e4f60.js https://example.com/2026/11/20/a-long-title-of-an-article-with-many-words/
wss://stream.example.com/v1/realtime?model=m-1 ftp://ftp.example.org/pub/ urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66
https://en.wikipedia.org/wiki/Bearer_token?action=history&offset=&limit=500 https://hooks.slack.com/ https://discord.com/developers/docs/resources/webhook
https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s https://maps.example.com/@52.5200,13.4050,12z https://medium.com/@person/a-post-about-keys-1a2b3c4d5e6f
";

const FORM: &str = "name=A+Person&email=a.person%40example.com&page=2&monkey=banana&max_tokens=100&next_page_token=CAUQAA&text=The+key+is+here%3A+under+the+mat.&utm_source=news&csrfless=1";
