//! How fast `ledgerline ship` is: through a backlog, and for one call; and what it costs a call to ask it.

use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::{Far, Lease, LedgerFolder, Shipping, Site, when_up};
use crate::client::Call;
use crate::envoy::Gateway;
use crate::simulator::Simulator;
use crate::workspace;

/// How long one of them may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What it took to ship a backlog in one go.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Entries in the ledger.
    pub entries: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
    /// From the start of the program to its end.
    pub took: Duration,
    /// The most memory that it held, in bytes.
    pub peak: u64,
}

/// Ships a ledger of so many entries, with nothing in the way.
pub async fn backlog(entries: u64, far: &Far, arguments: &[&str]) -> Result<Backlog> {
    let folder = LedgerFolder::new_in(&workspace::scratch()?)?;
    let bytes = fill(&folder, entries)?;
    let shipping = Shipping {
        from: folder.path().to_owned(),
        to: far.url(),
        admin: None,
        environment: far.environment(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    };
    let began = Instant::now();
    let mut running = shipping.start_once()?;
    let mut peak = 0;
    let status = loop {
        peak = running.peak_bytes().unwrap_or(peak).max(peak);
        if let Some(status) = running.ended() {
            break status;
        }
        ensure!(began.elapsed() < PATIENCE, "not shipped within {PATIENCE:?}");
        sleep(Duration::from_millis(5)).await;
    };
    ensure!(status.success(), "ship ended with {status}:\n{}", running.log());
    Ok(Backlog { entries, bytes, took: began.elapsed(), peak })
}

/// From the moment that a call is sent until its entry is in the store, locked; so many times.
pub async fn calls_to_lock(times: u32, far: &Far, segment_age: &str) -> Result<Vec<Duration>> {
    let site = Site::start(&workspace::scratch()?, |gateway| gateway).await?;
    let mut shipping = site.shipping(far);
    shipping.arguments = ["--segment-age", segment_age].map(str::to_owned).to_vec();
    let mut shipper = shipping.follow()?;
    when_up(&mut shipper).await?;
    let mut took = Vec::new();
    for _ in 0..times {
        took.push(call_to_lock(&site, far).await?);
    }
    took.sort();
    Ok(took)
}

async fn call_to_lock(site: &Site, far: &Far) -> Result<Duration> {
    let call = Call::post("provider.test", "/v1/chat/completions", "question");
    let correlation_id = call.correlation_id().to_owned();
    let began = Instant::now();
    call.send(site.gateway.address()).await?;
    loop {
        let stored = far.stored().await?;
        if stored.lines.correlation_ids().contains(&correlation_id) {
            ensure!(stored.unprotected == 0, "it is in the store, but not locked");
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < PATIENCE, "{correlation_id} is not in the store");
        sleep(Duration::from_millis(20)).await;
    }
}

/// What a call takes, one after the other, each on a connection of its own.
#[derive(Clone, Copy, Debug)]
pub struct LeaseCost {
    /// The median without a lease.
    pub without: Duration,
    /// The median with one.
    pub with: Duration,
}

/// Two gateways that differ in `envoy/sinks/lease.yaml` alone, called in turn, so many times each.
pub async fn lease_cost(calls: u32) -> Result<LeaseCost> {
    let simulator = Simulator::start()?;
    let (watched, plain) = (LedgerFolder::new()?, LedgerFolder::new()?);
    let archive = LedgerFolder::new()?;
    let shipping = Shipping {
        from: watched.path().to_owned(),
        to: format!("file://{}/sink", archive.path().display()),
        admin: None,
        environment: Vec::new(),
        arguments: ["--segment-age", "1h", "--min-free", "0"].map(str::to_owned).to_vec(),
    };
    std::fs::write(watched.path().join("entries.jsonl"), "")?;
    let mut shipper = shipping.follow()?;
    when_up(&mut shipper).await?;
    let lease = Lease::of(shipper.address().port())?;
    let builder = |ledger: &LedgerFolder| -> Result<_> {
        let builder = Gateway::builder(workspace::NEWEST_ENVOY)?.simulator(&simulator)?;
        Ok(builder.ledger_folder(ledger.path().to_owned()))
    };
    let mut is_added = None;
    let with = builder(&watched)?.adapt(|bootstrap| is_added = lease.add_to(bootstrap));
    let (with, without) = (with.start().await?, builder(&plain)?.start().await?);
    is_added.context("the bootstrap has no place for a lease")?;
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..calls {
        for (gateway, took) in [&without, &with].into_iter().zip(&mut took) {
            took.push(one_call(gateway).await?);
        }
    }
    shipper.stop().await?;
    let [without, with] = took.map(median);
    Ok(LeaseCost { without: without.context("no call")?, with: with.context("no call")? })
}

async fn one_call(gateway: &Gateway) -> Result<Duration> {
    let call = Call::post("provider.test", "/v1/chat/completions", "question");
    let began = Instant::now();
    let answer = call.send(gateway.address()).await?;
    let took = began.elapsed();
    ensure!(answer.status == 200, "{answer:?}");
    Ok(took)
}

fn median(mut took: Vec<Duration>) -> Option<Duration> {
    took.sort();
    took.get(took.len() / 2).copied()
}

/// Entries as of chats, each with a time and an id of its own; how many bytes.
fn fill(folder: &LedgerFolder, entries: u64) -> Result<u64> {
    let file = std::fs::File::create(folder.path().join("entries.jsonl"))?;
    let mut out = BufWriter::new(file);
    for number in 0..entries {
        let (second, micro) = (number / 1000, number % 1000 * 1000);
        let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
        let hash = format!(
            "{:064x}",
            u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        );
        writeln!(
            out,
            r#"{{"timestamp":"2026-06-30T{hour:02}:{minute:02}:{second:02}.{micro:06}Z","agent_id":"sales-assistant","user_id":"u_12345","endpoint":"api.openai.com/v1/chat/completions","method":"POST","status":200,"request_hash":"{hash}","response_hash":"{hash}","outcome":"success","correlation_id":"{number:032x}","agent":{{"name":"sales-assistant","version":"1.4.2","source":"claimed"}},"request":{{"bytes":1040,"type":"application/json","end":"complete","scan":"json"}},"response":{{"bytes":830,"type":"application/json","end":"complete","scan":"json"}},"gen_ai":{{"provider":"openai","operation":"chat","request_model":"gpt-6","response_model":"gpt-6-2026-05-01","input_tokens":211,"output_tokens":94,"finish_reasons":["stop"]}},"upstream":{{"host":"api.openai.com","address":"192.0.2.7:443","request_id":"req_{number:016x}"}},"timing":{{"duration_us":812340,"first_byte_us":809900}}}}"#
        )?;
    }
    out.flush()?;
    out.get_ref().metadata().map(|file| file.len()).context("its length")
}
