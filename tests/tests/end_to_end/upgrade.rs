//! The filter is exchanged while calls are under way, and nobody notices but the reader of the ledger.
//!
//! The bootstrap is the one that ships, but for the place from which Envoy has the filter: by
//! ECDS, as in Istio, so that a new one comes without a restart. The second module is another file
//! (built with the feature `fault-injection`), and its configuration logs one header more, by which
//! its entries are known.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use ledgerline_tests::client::{Answer, Call};
use ledgerline_tests::envoy::Discovery;
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::workspace;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::metrics::numbers;
use crate::stage::Open;
use crate::{Stage, check_body};

on_each_envoy! {
    the_filter_is_exchanged_and_taken_back_without_a_lost_entry,
    what_does_not_load_changes_nothing,
    while_the_module_cannot_be_fetched_no_call_leaves_and_each_has_a_line,
}

const CLIENTS: usize = 8;
const STREAMS: usize = 6;

/// One of two builds of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    Shipped,
    Other,
}

impl Build {
    fn deliver(self, discovery: &Discovery) -> Result<()> {
        match self {
            Self::Shipped => discovery.deliver(&workspace::module()?, &json!({})),
            Self::Other => {
                let logged = json!({"headers": {"log_request": ["user-agent", "x-build"]}});
                discovery.deliver(&workspace::faulty_module()?, &logged)
            }
        }
    }

    fn of(entry: &Entry) -> Self {
        match entry["request"]["headers"]["x-build"].is_null() {
            true => Self::Shipped,
            false => Self::Other,
        }
    }
}

async fn the_filter_is_exchanged_and_taken_back_without_a_lost_entry(stage: Stage) -> Result<()> {
    let (open, discovery) = open(stage, Build::Shipped).await?;
    let open = Arc::new(open);
    let load = Load::start(&open);
    let mut streams = Vec::new();
    let mut exchanges = Vec::new();
    for (from, to) in [(Build::Shipped, Build::Other), (Build::Other, Build::Shipped)] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let talks = Talks::start(&open).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        to.deliver(&discovery)?;
        until_all_calls_meet(to, &open).await?;
        exchanges.push(Exchange { from, to, begin, end: Instant::now() });
        streams.extend(talks.stop(&open).await?.into_iter().map(|answer| (from, answer)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = load.stop().await?;
    open.gateway.quiesce().await?;
    let entries = open.gateway.ledger().entries()?;
    check_calls(&calls, &exchanges, &entries)?;
    check_streams(&streams, &entries)?;
    check_metrics(&open).await?;
    Arc::into_inner(open).expect("all calls have ended").finish().await
}

async fn what_does_not_load_changes_nothing(stage: Stage) -> Result<()> {
    let (open, discovery) = open(stage, Build::Other).await?;
    for (module, settings, times) in [
        (workspace::module()?, json!({"identiti": {}}), 1),
        (PathBuf::from("target/no-such.wasm"), json!({}), 2),
        (workspace::egress_bootstrap()?, json!({}), 3),
    ] {
        discovery.deliver(&module, &settings)?;
        until_rejected(&open, times).await?;
        for _ in 0..8 {
            let entry = open.send(call()).await?.entry;
            assert_eq!(Build::of(&entry), Build::Other, "{entry}");
        }
    }
    Build::Shipped.deliver(&discovery)?;
    until_all_calls_meet(Build::Shipped, &open).await?;
    open.gateway.quiesce().await?;
    let entries = open.gateway.ledger().entries()?;
    assert_eq!(entries.len() as u64, open.gateway.requests().await?);
    entries.iter().try_for_each(|entry| entry.check(json!({"outcome": "success"})))
}

async fn while_the_module_cannot_be_fetched_no_call_leaves_and_each_has_a_line(
    stage: Stage,
) -> Result<()> {
    let (open, discovery) = open(stage, Build::Shipped).await?;
    let talks = Talks::start(&open).await?;
    discovery.deliver_denial()?;
    until_answered_with(403, &open).await?;
    let left = open.simulator.exchanges().len();
    assert_eq!(call().send(open.gateway.address()).await?.status, 403);
    assert_eq!(open.simulator.exchanges().len(), left, "a call left");
    // The streams go on with the filter that they have.
    let streams = talks.stop(&open).await?;
    Build::Other.deliver(&discovery)?;
    until_answered_with(200, &open).await?;
    until_all_calls_meet(Build::Other, &open).await?;
    open.gateway.quiesce().await?;
    let entries = open.gateway.ledger().entries()?;
    let streams: Vec<_> = streams.into_iter().map(|answer| (Build::Shipped, answer)).collect();
    check_streams(&streams, &entries)?;
    let fallback = entries.iter().filter(|entry| entry["reason"] == "filter_fault");
    fallback
        .clone()
        .try_for_each(|entry| entry.check(json!({"status": 403, "outcome": "error"})))?;
    ensure!(fallback.count() > 16, "the calls that were refused have no lines");
    open.finish().await
}

/// A gateway that takes the filter from a file, with entries of open calls once a second.
async fn open(stage: Stage, build: Build) -> Result<(Open, Discovery)> {
    let folder = tempfile::tempdir()?.keep();
    let mut discovery = None;
    let open = stage
        .open_with(|gateway| {
            let (gateway, source) = gateway.discover_filter(&folder.join("filter.json"))?;
            build.deliver(&source)?;
            discovery = Some(source);
            Ok(gateway.with_metrics().adapt(|bootstrap| {
                let manager = "/static_resources/listeners/0/filter_chains/0/filters/0";
                let manager = &mut bootstrap.pointer_mut(manager).unwrap()["typed_config"];
                manager["access_log_options"]["access_log_flush_interval"] = json!("1s");
            }))
        })
        .await?;
    Ok((open, discovery.expect("it was set")))
}

fn call() -> Call {
    let question = json!({"model": "simulated-1", "messages": [{"role": "user", "content": "?"}]});
    Call::post_json("provider.test", "/v1/chat/completions", &question).header("x-build", "other")
}

/// One call of the load.
#[derive(Debug)]
struct Answered {
    correlation_id: String,
    began: Instant,
    took: Duration,
}

/// Clients that call one after the other until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Result<Vec<Answered>>>,
}

impl Load {
    fn start(open: &Arc<Open>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(Arc::clone(open), Arc::clone(&stop)));
        }
        Self { stop, clients }
    }

    async fn stop(self) -> Result<Vec<Answered>> {
        self.stop.store(true, Ordering::Relaxed);
        let calls: Result<Vec<_>> = self.clients.join_all().await.into_iter().collect();
        Ok(calls?.into_iter().flatten().collect())
    }
}

async fn client(open: Arc<Open>, stop: Arc<AtomicBool>) -> Result<Vec<Answered>> {
    let mut calls = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let Answer { status, correlation_id, broken, .. } =
            call().send(open.gateway.address()).await?;
        ensure!(status == 200 && broken.is_none(), "{correlation_id}: {status} {broken:?}");
        calls.push(Answered { correlation_id, began, took: began.elapsed() });
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(calls)
}

/// Streams both ways that go on until they are told to end.
struct Talks {
    stop: Arc<AtomicBool>,
    correlation_ids: Vec<String>,
    streams: JoinSet<Result<Answer>>,
}

impl Talks {
    async fn start(open: &Open) -> Result<Self> {
        let (stop, streams) = (Arc::default(), JoinSet::new());
        let mut talks = Self { stop, correlation_ids: Vec::new(), streams };
        for _ in 0..STREAMS {
            let (sender, body) = Channel::<Bytes, Infallible>::new(1);
            let call = Call::new("POST", "provider.test", "/echo").body(body);
            tokio::spawn(talk(sender, Arc::clone(&talks.stop)));
            let stream = call.header("x-build", "other").open(open.gateway.address()).await?;
            talks.correlation_ids.push(stream.correlation_id.clone());
            talks.streams.spawn(stream.finish());
        }
        Ok(talks)
    }

    /// Ends them once each is on record.
    async fn stop(self, open: &Open) -> Result<Vec<Answer>> {
        for correlation_id in &self.correlation_ids {
            open.provisional_entry(correlation_id).await?;
        }
        self.stop.store(true, Ordering::Relaxed);
        self.streams.join_all().await.into_iter().collect()
    }
}

async fn talk(mut sender: Sender<Bytes, Infallible>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) && sender.send_data(Bytes::from("a word ")).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until every worker has the new filter.
async fn until_all_calls_meet(build: Build, open: &Open) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut met = 0;
    while met < 16 {
        ensure!(Instant::now() < deadline, "the filter is not exchanged");
        let entry = open.send(call()).await?.entry;
        met = if Build::of(&entry) == build { met + 1 } else { 0 };
    }
    Ok(())
}

/// Waits until every worker answers with this status.
async fn until_answered_with(status: u16, open: &Open) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut met = 0;
    while met < 16 {
        ensure!(Instant::now() < deadline, "calls are not answered with {status}");
        let answer = call().send(open.gateway.address()).await?;
        met = if answer.status == status { met + 1 } else { 0 };
    }
    Ok(())
}

/// Waits until Envoy refused that many configurations.
async fn until_rejected(open: &Open, times: u64) -> Result<()> {
    const STAT: &str = "extension_config_discovery.http_filter.ledgerline.update_rejected";
    let deadline = Instant::now() + Duration::from_secs(30);
    while open.gateway.admin().stats(STAT).await?.get(STAT)? != times {
        ensure!(Instant::now() < deadline, "{times} configurations are not refused");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// One build takes the place of another.
#[derive(Debug)]
struct Exchange {
    from: Build,
    to: Build,
    begin: Instant,
    end: Instant,
}

impl Exchange {
    fn touches(&self, call: &Answered) -> bool {
        call.began < self.end && call.began + call.took > self.begin
    }
}

/// The build that a call must have met, unless it was under way during an exchange.
fn build_met(call: &Answered, exchanges: &[Exchange]) -> Option<Build> {
    if exchanges.iter().any(|exchange| exchange.touches(call)) {
        return None;
    }
    let before = exchanges.iter().rev().find(|exchange| exchange.end <= call.began);
    before.map(|exchange| exchange.to).or(exchanges.first().map(|first| first.from))
}

/// Every answered call has its one final entry, of the build that was there when it began.
fn check_calls(calls: &[Answered], exchanges: &[Exchange], entries: &[Entry]) -> Result<()> {
    let last = finals(entries);
    let mut met = [0, 0];
    for call in calls {
        let found = last.get(call.correlation_id.as_str()).map_or(&[][..], Vec::as_slice);
        let [entry] = found else { bail!("{} final entries of {call:?}", found.len()) };
        entry.check(json!({"status": 200, "outcome": "success"}))?;
        let build = Build::of(entry);
        ensure!(build_met(call, exchanges).is_none_or(|met| met == build), "{build:?}: {call:?}");
        met[usize::from(build == Build::Other)] += 1;
    }
    ensure!(met.iter().all(|count| *count > 50), "calls of each build: {met:?}");
    for exchange in exchanges {
        let during = calls.iter().filter(|call| exchange.touches(call));
        println!(
            "{:?} to {:?}: {:?}, {} calls meanwhile, the slowest {:?}",
            exchange.from,
            exchange.to,
            exchange.end - exchange.begin,
            during.clone().count(),
            during.map(|call| call.took).max().unwrap_or_default()
        );
    }
    println!("{} calls answered and recorded, {met:?} by build", calls.len());
    Ok(())
}

/// Every stream ran to its end, with the filter with which it began.
fn check_streams(streams: &[(Build, Answer)], entries: &[Entry]) -> Result<()> {
    let last = finals(entries);
    for (build, answer) in streams {
        ensure!(answer.status == 200 && answer.broken.is_none(), "{answer:?}");
        let [entry] = &*last[answer.correlation_id.as_str()] else { bail!("{answer:?}") };
        assert_eq!(Build::of(entry), *build, "{entry}");
        entry.check(json!({"outcome": "success", "response": {"end": "complete"}}))?;
        check_body(entry, "request", &answer.tally);
        check_body(entry, "response", &answer.tally);
    }
    println!("{} streams in flight at an exchange ran to their end", streams.len());
    Ok(())
}

async fn check_metrics(open: &Open) -> Result<()> {
    let text = open.gateway.metrics().await?;
    let metrics = numbers(&text);
    let entries = metrics.iter().filter(|(name, _)| name.starts_with("ledgerline_entries_total"));
    let entries: u64 = entries.map(|(_, count)| count).sum();
    assert_eq!(metrics["ledgerline_calls_total{}"], entries, "{metrics:#?}");
    println!("{} origins", metrics["ledgerline_origins_total{}"]);
    Ok(())
}

fn finals(entries: &[Entry]) -> BTreeMap<&str, Vec<&Entry>> {
    let mut finals: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry["provisional"] != Value::Bool(true)) {
        finals.entry(entry.text("correlation_id")).or_default().push(entry);
    }
    finals
}
