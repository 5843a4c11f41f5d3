//! What an open stream holds in memory: many of them at once, all in the middle of an answer.
//!
//! Each gets a few events of a chat, three of four of them the beginning of one more, and then nothing
//! until all are open: what is measured is what a gateway holds for models that think. Then all go on
//! to their end, and the access log must have a line for each.
//!
//! Every proxy is a fresh one. What it left free while it started, a gateway with a VM more than one
//! without, is the first that streams take, and none of that shows from outside. So the memory of one
//! stream is what the second half of them adds to the first. Streams share connections, on both sides
//! (HTTP/2), so that little of it is Envoy's buffers, and no limit of files or ports is in the way.

mod clients;
mod provider;

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use crate::proxy::{Flavour, Launch, Proxy};
use crate::table::{signed, with_unit};

/// On one connection, which the shipped gateway allows, and every HTTP/2 library.
const STREAMS_PER_CONNECTION: usize = 100;

/// The memory of each proxy around many open streams.
pub(crate) struct Streams {
    /// How many were open at once.
    open: usize,
    /// One for each proxy.
    proxies: Vec<Resident>,
}

/// Resident memory of one proxy, in bytes.
struct Resident {
    /// Without any.
    before: u64,
    /// With half of the streams open.
    half: u64,
    /// With all of them open.
    open: u64,
    /// When all had ended.
    after: u64,
}

impl Streams {
    /// Holds so many streams open through each proxy, one proxy after the other.
    pub(crate) async fn measure(
        launch: &Launch,
        flavours: &[Flavour],
        open: usize,
    ) -> Result<Self> {
        let mut proxies = Vec::new();
        for flavour in flavours {
            let name = flavour.name();
            eprintln!("{open} open streams: {name}");
            let resident = Resident::measure(launch, flavour, open).await;
            proxies.push(resident.with_context(|| format!("{name}: {open} open streams"))?);
        }
        Ok(Self { open, proxies })
    }

    /// The line of the report: bytes for each stream, and how many the filter adds.
    pub(crate) fn cells(&self) -> Vec<String> {
        let bytes = |bytes: f64| with_unit(&format!("{bytes:.0}"), "B");
        let mut each = self.proxies.iter().map(|memory| memory.of_a_stream(self.open));
        let mut cells = vec![format!("memory of each of {} open streams", self.open)];
        let base = each.next().unwrap_or_default();
        cells.push(bytes(base));
        each.for_each(|with| cells.extend([bytes(with), signed(with - base, bytes)]));
        cells.push(String::new());
        cells
    }

    /// For the JSON report.
    pub(crate) fn to_json(&self, names: &[String]) -> Value {
        let proxies = self.proxies.iter().map(|memory| memory.to_json(self.open));
        let proxies: Map<String, Value> = names.iter().cloned().zip(proxies).collect();
        json!({"open": self.open, "resident_bytes": proxies})
    }
}

impl Resident {
    async fn measure(launch: &Launch, flavour: &Flavour, open: usize) -> Result<Self> {
        let provider = provider::Provider::start(open).await?;
        let launch = Launch { provider: provider.upstream, ..launch.clone() };
        let proxy = Proxy::start(&launch, flavour).await?;
        let before = proxy.resident_bytes()?;
        let mut streams = clients::Streams::new(proxy.address());
        streams.open(open / 2).await?;
        let half = proxy.resident_bytes()?;
        streams.open(open - open / 2).await?;
        let at_once = proxy.resident_bytes()?;

        provider.let_go();
        streams.finish(provider.answer_bytes()).await?;
        let entries = proxy.ended_calls(open).await?;
        let after = proxy.resident_bytes()?;
        if !matches!(flavour, Flavour::Plain) {
            check(&entries, provider.answer_bytes())?;
        }
        proxy.check_for_traps().await?;
        Ok(Self { before, half, open: at_once, after })
    }

    fn of_a_stream(&self, open: usize) -> f64 {
        (self.open as f64 - self.half as f64) / (open - open / 2) as f64
    }

    fn to_json(&self, open: usize) -> Value {
        json!({
            "before": self.before,
            "half": self.half,
            "open": self.open,
            "after": self.after,
            "of_a_stream": self.of_a_stream(open),
        })
    }
}

/// Every stream has one final entry, and it saw the whole answer.
fn check(entries: &[String], answer_bytes: usize) -> Result<()> {
    let mut streams = HashSet::new();
    for line in entries {
        let entry: Value = serde_json::from_str(line)?;
        let bytes = entry.pointer("/response/bytes").and_then(Value::as_u64);
        let end = entry.pointer("/response/end").and_then(Value::as_str);
        let is_whole = bytes == Some(answer_bytes as u64) && end == Some("complete");
        ensure!(is_whole, "a stream of {answer_bytes} bytes has the entry {line}");
        let id = entry.get("correlation_id").and_then(Value::as_str).context("a correlation id")?;
        ensure!(streams.insert(id.to_owned()), "{id} has two final entries");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_one_entry_of_its_whole_answer() {
        let entry = |id: &str, bytes: usize, end: &str| {
            json!({"correlation_id": id, "response": {"bytes": bytes, "end": end}}).to_string()
        };
        let good = [entry("stream-0", 9, "complete"), entry("stream-1", 9, "complete")];
        assert!(check(&good, 9).is_ok());
        for bad in [
            entry("stream-0", 9, "complete"),
            entry("stream-2", 8, "complete"),
            entry("stream-2", 9, "reset"),
        ] {
            let entries = [good.as_slice(), &[bad]].concat();
            assert!(check(&entries, 9).is_err(), "{entries:?}");
        }
    }
}
