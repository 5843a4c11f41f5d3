//! Real clients carry a key in every position that a call has, and none of them is found where it
//! must not be.
//!
//! ```text
//! SDK with keys ──► Gateway ──► Provider (keeps every byte that it got)
//!                      │
//!                      └──► ledger folder, Envoy's log
//! ```
//!
//! Whoever searches a log tries more than the key as it is: a part of it counts, also in base64,
//! percent-encoded and in hexadecimal digits. The same search must find every key at the far end,
//! where it belongs.

mod keys;
mod provider;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ledgerline_core::digest::{Body, End, Reading};
use ledgerline_core::key::Key as HashKey;
use ledgerline_core::mask::{Masker, Rules, Syntax};
use ledgerline_tests::client::Call;
use ledgerline_tests::envoy::{Builder, Host, Upstream};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::payload::sha256;
use ledgerline_tests::secrets::Random;
use ledgerline_tests::workspace;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use self::keys::{Key, Needles, Place};
use self::provider::{Exchange, Message, Provider};
use crate::Stage;
use crate::stage::Open;

on_each_envoy! {
    a_key_that_a_client_carries_lands_nowhere,
    where_bodies_leave_masked_no_key_leaves_in_one,
    what_only_a_text_tells_leaves_unless_that_is_configured,
    the_hash_of_a_body_with_keys_can_be_computed_again,
    with_a_key_of_the_operator_too_the_hash_can_be_computed_again,
    at_debug_level_envoy_itself_prints_headers_and_no_body,
}

async fn a_key_that_a_client_carries_lands_nowhere(stage: Stage) -> Result<()> {
    let run = Run::play(stage, "info", Ok).await?;
    run.check_ledger()?;
    check("Envoy's log", &run.found_in(run.open.gateway.log()), &[].into());
    run.check_provider(&[Place::Body, Place::Text, Place::Aside]);
    run.open.finish().await
}

async fn where_bodies_leave_masked_no_key_leaves_in_one(stage: Stage) -> Result<()> {
    let outbound = json!({"mask": {"outbound": true, "outbound_likely": true}});
    let run = Run::play(stage, "info", |gateway| Ok(gateway.plugin(&outbound))).await?;
    run.check_ledger()?;
    check("Envoy's log", &run.found_in(run.open.gateway.log()), &[].into());
    run.check_provider(&[]);
    for (entry, exchange) in run.calls()? {
        let body = &exchange.request.body;
        let hash = if body.is_empty() { Value::Null } else { sha256(body).into() };
        assert_eq!(entry["request_hash"], hash, "{}", entry["endpoint"]);
    }
    run.open.finish().await
}

/// What is certain leaves masked; what is only likely goes on as it came, and is in no log and no hash.
async fn what_only_a_text_tells_leaves_unless_that_is_configured(stage: Stage) -> Result<()> {
    let outbound = json!({"mask": {"outbound": true}});
    let run = Run::play(stage, "info", |gateway| Ok(gateway.plugin(&outbound))).await?;
    run.check_ledger()?;
    check("Envoy's log", &run.found_in(run.open.gateway.log()), &[].into());
    run.check_provider(&[Place::Text]);
    run.check_hashes(None)?;
    run.open.finish().await
}

async fn the_hash_of_a_body_with_keys_can_be_computed_again(stage: Stage) -> Result<()> {
    let run = Run::play(stage, "warning", Ok).await?;
    run.check_hashes(None)?;
    run.check_tool(None).await?;
    run.open.finish().await
}

async fn with_a_key_of_the_operator_too_the_hash_can_be_computed_again(stage: Stage) -> Result<()> {
    let secret = Random::new(4).text("0123456789abcdef", 64);
    let hash = json!({"hash": {"key_env": KEY_VARIABLE, "key_id": "k"}});
    let keyed = |gateway: Builder| Ok(gateway.environment(KEY_VARIABLE, &secret).plugin(&hash));
    let run = Run::play(stage, "warning", keyed).await?;
    run.check_hashes(Some(&secret))?;
    run.check_tool(Some(&secret)).await?;
    run.open.finish().await
}

/// Whoever turns this level on decides to write keys into Envoy's log: Envoy prints all headers.
async fn at_debug_level_envoy_itself_prints_headers_and_no_body(stage: Stage) -> Result<()> {
    let run = Run::play(stage, "debug", Ok).await?;
    run.check_ledger()?;
    let printed = run.found_in(run.open.gateway.log());
    let heads = [Place::Identity, Place::Head, Place::Aside, Place::AnswerHead];
    check("Envoy's log", &printed, &keys::labels(&run.keys, &heads));
    run.open.finish().await
}

const KEY_VARIABLE: &str = "LEDGERLINE_HASH_KEY";
const TEXT: &str = "One entry per call.";

/// A client and the host that it calls.
struct Client {
    interpreter: fn() -> Result<PathBuf>,
    program: &'static str,
    host: &'static str,
    /// What its calls bring, in their order.
    brings: fn() -> Vec<Value>,
}

const CLIENTS: [Client; 3] = [
    Client {
        interpreter: workspace::python,
        program: "openai_secrets.py",
        host: "keys.test",
        brings: || {
            let answered = ["chat", "chat_streamed", "responses", "responses_streamed"];
            let echoed = ["upload", "form", "webhook"];
            brings(&answered, &echoed)
        },
    },
    Client {
        interpreter: workspace::python,
        program: "anthropic_secrets.py",
        host: "h2.keys.test",
        brings: || brings(&["message", "message_streamed"], &["upload", "form", "webhook"]),
    },
    Client {
        interpreter: workspace::node,
        program: "fetch_secrets.mjs",
        host: "keys.test",
        brings: || {
            let answered = ["chat", "chat_streamed", "chat_uploaded_as_a_stream"];
            let echoed = ["upload", "form", "plain_text", "webhook"];
            brings(&answered, &echoed)
        },
    },
];

/// The text and the key of an answer, a list of one model, and answers that were not looked into.
fn brings(answered: &[&str], echoed: &[&str]) -> Vec<Value> {
    let answered = answered.iter().map(|call| json!({"call": call, "got": [TEXT, true]}));
    let models = json!({"call": "models", "got": 1});
    let echoed = echoed.iter().map(|call| json!({"call": call, "got": true}));
    answered.chain([models]).chain(echoed).collect()
}

/// All clients made all their calls.
struct Run {
    open: Open,
    provider: Provider,
    keys: Vec<Key>,
    needles: Needles,
    ledger: TempDir,
}

impl Run {
    /// Starts a gateway, sets the level of Envoy's log, and lets the clients call, all at once.
    async fn play(
        stage: Stage,
        level: &str,
        change: impl FnOnce(Builder) -> Result<Builder>,
    ) -> Result<Self> {
        let keys = keys::of_provider(&mut Random::new(0));
        let provider = Provider::start(&keys).await?;
        let ledger = tempfile::tempdir()?;
        let open = stage.open_with(|gateway| change(before(&provider, gateway, &ledger)?)).await?;
        let mut run = Self { open, provider, keys, needles: Needles::default(), ledger };
        run.log_at(level).await?;
        let [openai, anthropic, fetch] = &CLIENTS;
        let carried = tokio::try_join!(
            run.call_with(openai, 1),
            run.call_with(anthropic, 2),
            run.call_with(fetch, 3)
        )?;
        run.keys.extend(<[_; 3]>::from(carried).into_iter().flatten());
        run.keys.iter().for_each(|key| run.needles.add(key));
        run.open.gateway.quiesce().await?;
        Ok(run)
    }

    async fn log_at(&self, level: &str) -> Result<()> {
        let admin = self.open.gateway.admin().0;
        let call = Call::post("admin", &format!("/logging?level={level}"), "");
        ensure!(call.send(admin).await?.status == 200, "no such level of the log: {level}");
        Ok(())
    }

    /// Lets one client make its calls; the keys that it carried.
    async fn call_with(&self, client: &Client, seed: u64) -> Result<Vec<Key>> {
        let carried = keys::of_client(client.program, &mut Random::new(seed));
        let told = keys::to_json(carried.iter().chain(&self.keys)).to_string();
        let mut command = Command::new((client.interpreter)()?);
        command
            .arg(workspace::client_program(client.program)?)
            .args([self.open.gateway.url(client.host), self.open.gateway.url("discord.com")])
            .env_clear()
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stderr(Stdio::piped());
        let output = fed(&mut command, told.as_bytes()).await.context(client.program)?;
        let failure = without(&carried, &String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{} failed:\n{failure}", client.program);
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let brought: Vec<Value> = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        assert_eq!(brought, (client.brings)(), "{}", client.program);
        Ok(carried)
    }

    /// The keys of which anything stands in `text`.
    fn found_in(&self, text: impl AsRef<[u8]>) -> BTreeSet<Arc<str>> {
        self.needles.found_in(text.as_ref())
    }

    /// No file of the ledger folder has anything of a key.
    fn check_ledger(&self) -> Result<()> {
        let mut files = 0;
        for file in std::fs::read_dir(self.ledger.path())? {
            let file = file?;
            let name = file.file_name();
            let found = self.found_in(std::fs::read(file.path())?);
            check(&name.to_string_lossy(), &found, &[].into());
            files += 1;
        }
        ensure!(files == 2, "{files} files instead of entries.jsonl and connections.jsonl");
        Ok(())
    }

    /// The provider got the credentials of all heads, of the rest those in `places`, and no others.
    fn check_provider(&self, places: &[Place]) {
        let (aside, places): (Vec<_>, Vec<_>) =
            places.iter().copied().partition(|place| *place == Place::Aside);
        let exchanges = self.provider.exchanges();
        let heads: Vec<_> = exchanges.iter().map(|exchange| exchange.head.as_str()).collect();
        let heads = self.found_in(heads.join("\n"));
        let wanted = [aside, vec![Place::Head]].concat();
        check("heads at the provider", &heads, &keys::labels(&self.keys, &wanted));
        let bodies: Vec<_> = exchanges.iter().map(|exchange| &*exchange.request.body).collect();
        let bodies = self.found_in(bodies.join(&b'\n'));
        check("bodies at the provider", &bodies, &keys::labels(&self.keys, &places));
    }

    /// Each entry with what the provider saw of its call.
    fn calls(&self) -> Result<Vec<(Entry, Exchange)>> {
        let exchanges = self.provider.exchanges();
        let entries = self.open.gateway.ledger().entries()?;
        let calls: usize = CLIENTS.iter().map(|client| (client.brings)().len()).sum();
        ensure!(entries.len() == calls && exchanges.len() == calls, "a call is missing");
        let exchange = |entry: &Entry| {
            let id = entry.text("correlation_id");
            let exchange = exchanges.iter().find(|exchange| exchange.correlation_id == id);
            exchange.cloned().context("an entry without a call")
        };
        entries.into_iter().map(|entry| exchange(&entry).map(|seen| (entry, seen))).collect()
    }

    /// The hash in each entry is that of the body with its secrets replaced, here by the masker
    /// itself.
    fn check_hashes(&self, secret: Option<&str>) -> Result<()> {
        let mut masked = 0;
        for (entry, exchange) in self.calls()? {
            for (side, message) in exchange.messages() {
                let hash = message.hash(secret);
                assert_eq!(entry[format!("{side}_hash")], hash, "{side} {}", entry["endpoint"]);
                masked += usize::from(entry[side]["masked"].is_object());
            }
        }
        ensure!(masked > CLIENTS.len(), "{masked} bodies had a secret");
        Ok(())
    }

    /// `ledgerline hash` says of each body that its entry holds its hash.
    async fn check_tool(&self, secret: Option<&str>) -> Result<()> {
        for (entry, exchange) in self.calls()? {
            for (side, message) in exchange.messages() {
                if !message.body.is_empty() {
                    compare(entry.line(), side, message, secret).await?;
                }
            }
        }
        Ok(())
    }
}

/// Exactly these keys must be found, and no other one.
#[track_caller]
fn check(place: &str, found: &BTreeSet<Arc<str>>, wanted: &BTreeSet<Arc<str>>) {
    let (leaked, missing) = (found - wanted, wanted - found);
    assert!(leaked.is_empty(), "{place}: has {leaked:#?}");
    assert!(missing.is_empty(), "{place}: has not {missing:#?}");
}

/// A gateway before the provider, with a ledger folder in which nothing else is.
fn before(provider: &Provider, gateway: Builder, ledger: &TempDir) -> Result<Builder> {
    let host = |name, upstream| Host::new(name, upstream, provider.address());
    gateway
        .ledger_folder(ledger.path().to_owned())
        .host(&host("keys.test", Upstream::Http1))?
        .host(&host("h2.keys.test", Upstream::Http2))?
        .host(&host("discord.com", Upstream::Http1))
}

impl Exchange {
    fn messages(&self) -> [(&'static str, &Message); 2] {
        [("request", &self.request), ("response", &self.response)]
    }
}

impl Message {
    /// The hash that the entry of this body must have, under the operator's key if there is one.
    fn hash(&self, secret: Option<&str>) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let key = secret.and_then(|secret| HashKey::new("k", secret.as_bytes()));
        let mut view = Body::default();
        view.open(&Reading { key, ..Reading::default() }, Syntax::Opaque);
        view.push(&self.view());
        view.finish(End::Complete);
        view.digest().map(|digest| digest.to_string()).into()
    }

    /// The body with its secrets replaced.
    fn view(&self) -> Vec<u8> {
        let syntax = Syntax::of(self.content_type.as_bytes(), b"");
        let mut masker = Masker::new(Rc::new(Rules::default()), syntax);
        let mut view = Vec::new();
        masker.push(&self.body, &mut |bytes| view.extend_from_slice(bytes));
        masker.finish(&mut |bytes| view.extend_from_slice(bytes));
        view
    }
}

/// Asks `ledgerline hash` whether `message` is the body of the entry.
async fn compare(entry: &str, side: &str, message: &Message, secret: Option<&str>) -> Result<()> {
    let content_type = match message.content_type.as_str() {
        "" => "text/plain",
        content_type => content_type,
    };
    let mut command = Command::new(workspace::tool()?);
    command.args(["hash", "--entry", entry, "--side", side, "--type", content_type, "-"]);
    if let Some(secret) = secret {
        command.env(KEY_VARIABLE, secret).args(["--key-env", KEY_VARIABLE]);
    }
    let status = fed(&mut command, &message.body).await?.status;
    ensure!(status.success(), "ledgerline hash, {side}, {content_type}: {status}");
    Ok(())
}

/// Runs a program that reads all of its standard input before it writes.
async fn fed(command: &mut Command, input: &[u8]) -> Result<Output> {
    let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = process.spawn()?;
    process.stdin.take().context("standard input")?.write_all(input).await?;
    Ok(process.wait_with_output().await?)
}

/// `text` with each key in it replaced by its label.
fn without(keys: &[Key], text: &str) -> String {
    keys.iter().fold(text.to_owned(), |text, key| text.replace(&key.text, &key.label))
}
