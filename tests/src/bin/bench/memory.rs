//! What a body far larger than any buffer leaves behind in memory.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::load::{Amount, Request};
use crate::rounds::{Bench, Lane};

const MIB: u64 = 1024 * 1024;

/// The memory of each proxy around a large upload and a large download.
pub(crate) struct Memory {
    /// The length of each of the two bodies, in MiB.
    pub(crate) body_mib: u64,
    /// One for each proxy.
    pub(crate) proxies: Vec<Resident>,
}

/// Resident memory of one proxy, in bytes.
pub(crate) struct Resident {
    /// With the rounds behind it.
    pub(crate) before: u64,
    /// After both bodies.
    pub(crate) after: u64,
    /// The most while they passed.
    pub(crate) peak: u64,
}

impl Memory {
    /// Sends both bodies through each proxy.
    pub(crate) async fn measure(bench: &mut Bench) -> Result<Self> {
        let body_mib = if bench.extent.quick { 256 } else { 1024 };
        let mut proxies = Vec::new();
        for lane in &mut bench.lanes {
            eprintln!("{body_mib} MiB up and down: {}", lane.proxy.name());
            proxies.push(Resident::measure(lane, body_mib * MIB).await?);
        }
        Ok(Self { body_mib, proxies })
    }

    /// The lines of the report, each with a number of bytes for each proxy.
    pub(crate) fn lines(&self) -> [(String, Vec<u64>); 3] {
        let each = |size: fn(&Resident) -> u64| self.proxies.iter().map(size).collect::<Vec<_>>();
        [
            (
                format!("memory before {} MiB up and down", self.body_mib),
                each(|memory| memory.before),
            ),
            ("memory after".into(), each(|memory| memory.after)),
            ("memory, most in between".into(), each(|memory| memory.peak)),
        ]
    }

    /// For the JSON report.
    pub(crate) fn to_json(&self, names: &[String]) -> Value {
        let proxies = names.iter().cloned().zip(self.proxies.iter().map(Resident::to_json));
        let proxies: Map<String, Value> = proxies.collect();
        json!({"body_mib": self.body_mib, "resident_bytes": proxies})
    }
}

impl Resident {
    fn to_json(&self) -> Value {
        json!({"before": self.before, "after": self.after, "peak": self.peak})
    }

    async fn measure(lane: &mut Lane, bytes: u64) -> Result<Self> {
        let before = lane.proxy.resident_bytes()?;
        lane.proxy.forget_peak()?;
        let upload = Request::upload("/v1/files", bytes);
        let download = Request::get(&format!("/v1/download/{bytes}"));
        for request in [upload, download] {
            lane.send(request, 1, Amount::Calls(1)).await?;
        }
        let (after, peak) = (lane.proxy.resident_bytes()?, lane.proxy.peak_resident_bytes()?);
        Ok(Self { before, after, peak })
    }
}
