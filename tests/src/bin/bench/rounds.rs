//! Rounds: in each, the proxies take turns with each case.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::case::Case;
use crate::kernel::{Job, Kernel, Way};
use crate::load::{Amount, Clients, Request, Seen};
use crate::masking::{self, Masking};
use crate::provider::EVENTS;
use crate::proxy::Proxy;

/// Enough for all concurrencies.
const CONNECTIONS: usize = 16;

/// What the cases of large bodies are compared with.
const HASH_ALONE: Job = Job { way: Way::Hash, body: "prose", kibibytes: 1024, count: 25 };

/// How much is measured.
pub(crate) struct Extent {
    /// What is sent.
    pub(crate) cases: Vec<Case>,
    /// Whether work in the VM alone is measured, too.
    pub(crate) masking: bool,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Less in each of them.
    pub(crate) quick: bool,
}

impl Extent {
    /// Everything and the usual number of rounds, if nothing is given.
    pub(crate) fn new(cases: &[Case], masking: bool, quick: bool, rounds: Option<usize>) -> Self {
        let is_everything = cases.is_empty() && !masking;
        let cases = if is_everything { Case::value_variants() } else { cases };
        Self {
            cases: cases.to_vec(),
            masking: masking || is_everything,
            rounds: rounds.unwrap_or(if quick { 3 } else { 10 }).max(1),
            quick,
        }
    }

    /// How many streams are held open at once; 3,000 are the fewest that tell their size apart from what
    /// a proxy leaves free while it starts.
    pub(crate) fn open_streams(&self) -> usize {
        match (self.is_everything(), self.quick) {
            (false, _) => 0,
            (true, true) => 3_000,
            (true, false) => 10_000,
        }
    }

    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.masking && self.cases.len() == Case::value_variants().len()
    }
}

/// One proxy, one case, one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// What the clients saw.
    pub(crate) seen: Seen,
    /// CPU time of the proxy.
    pub(crate) cpu: Duration,
}

impl Sample {
    /// How many calls ended, each with status 200.
    pub(crate) fn calls(&self) -> f64 {
        self.seen.latencies.len() as f64
    }

    /// The latency that `percent` of the calls do not exceed.
    pub(crate) fn latency(&self, percent: usize) -> Duration {
        let latencies = &self.seen.latencies;
        latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default()
    }

    fn add(&mut self, slice: Self) {
        self.cpu += slice.cpu;
        self.seen.add(slice.seen);
    }
}

/// All samples.
pub(crate) struct Measured {
    /// The names of the proxies, the one without the filter first.
    pub(crate) proxies: Vec<String>,
    /// What was sent.
    pub(crate) cases: Vec<Case>,
    /// For each round, for each case, for each proxy.
    pub(crate) rounds: Vec<Vec<Vec<Sample>>>,
    /// For each round in which it was measured, the CPU time of SHA-256 in the VM in nanoseconds per byte.
    pub(crate) kernel: Vec<f64>,
    /// Work in the VM alone; no rounds if it was not asked for.
    pub(crate) masking: Masking,
}

/// A proxy and its clients.
pub(crate) struct Lane {
    pub(crate) proxy: Proxy,
    clients: Clients,
}

/// Everything that is alive during the run.
pub(crate) struct Bench {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) extent: Extent,
    kernel: Kernel,
}

impl Bench {
    /// Connects clients to all proxies.
    pub(crate) async fn connect(
        proxies: Vec<Proxy>,
        kernel: Proxy,
        extent: Extent,
    ) -> Result<Self> {
        let mut lanes = Vec::new();
        for proxy in proxies {
            lanes.push(Lane::connect(proxy).await?);
        }
        Ok(Self { lanes, kernel: Kernel::new(Lane::connect(kernel).await?), extent })
    }

    /// Measures, after a warm-up.
    pub(crate) async fn run(&mut self) -> Result<Measured> {
        self.check_reading().await?;
        self.round(true).await?;
        self.masking(0, true).await?;
        let mut measured = Measured {
            proxies: self.lanes.iter().map(|lane| lane.proxy.name().to_owned()).collect(),
            cases: self.extent.cases.clone(),
            rounds: Vec::new(),
            kernel: Vec::new(),
            masking: Masking::default(),
        };
        for number in 1..=self.extent.rounds {
            let begun = Instant::now();
            let (samples, kernel) = self.round(self.extent.quick).await?;
            measured.rounds.push(samples);
            measured.kernel.extend(kernel);
            measured.masking.0.extend(self.masking(number, self.extent.quick).await?);
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("round {number} of {}: {seconds:.1} s", self.extent.rounds);
        }
        Ok(measured)
    }

    /// Fails if the shipped filter does not read what streams say: the figures would be of less work.
    async fn check_reading(&mut self) -> Result<()> {
        let lane = self.lanes.get_mut(1).context("a proxy with the filter")?;
        lane.clients.send(Case::Stream.request(), 1, Amount::Calls(1)).await?;
        let entries = lane.proxy.ended_calls(1).await?;
        let entry: Value = serde_json::from_str(entries.first().context("an entry")?)?;
        let seen = entry.pointer("/stream/events").and_then(Value::as_u64);
        let tokens = entry.pointer("/gen_ai/output_tokens").and_then(Value::as_u64);
        ensure!(
            seen == Some(EVENTS as u64) && tokens.is_some(),
            "of {EVENTS} events of a chat the filter saw {seen:?}, and {tokens:?} output tokens"
        );
        lane.proxy.empty_log()
    }

    /// Fails if a filter died since the start.
    pub(crate) async fn check_for_traps(&self) -> Result<()> {
        for lane in &self.lanes {
            lane.proxy.check_for_traps().await?;
        }
        self.kernel.check_for_traps().await
    }

    async fn masking(&mut self, number: usize, quick: bool) -> Result<Option<masking::Round>> {
        if !self.extent.masking {
            return Ok(None);
        }
        Ok(Some(masking::Round::run(&mut self.kernel, number, quick).await?))
    }

    /// Every case on every proxy, and the hash alone beside the cases that it is compared with.
    async fn round(&mut self, quick: bool) -> Result<(Vec<Vec<Sample>>, Option<f64>)> {
        let mut samples = Vec::new();
        let mut kernel = Vec::new();
        for case in self.extent.cases.clone() {
            let mut of_case = vec![Sample::default(); self.lanes.len()];
            for slice in 0..case.slices(quick) {
                self.slice(case, slice, &mut of_case).await?;
                if case.bytes() > 0.0 {
                    kernel.push(self.kernel.run(&HASH_ALONE).await?);
                }
            }
            samples.push(of_case);
        }
        let mean = kernel.iter().sum::<f64>() / kernel.len() as f64;
        Ok((samples, (!kernel.is_empty()).then_some(mean)))
    }

    /// A short turn for each proxy, so that whatever else happens on the machine meets all of them. Who
    /// begins changes from slice to slice.
    async fn slice(&mut self, case: Case, number: usize, samples: &mut [Sample]) -> Result<()> {
        let count = self.lanes.len();
        for turn in 0..count {
            let place = (number + turn) % count;
            let lane = self.lanes.get_mut(place).context("a lane")?;
            let slice = lane.send(case.request(), case.concurrency(), case.amount()).await;
            let slice =
                slice.with_context(|| format!("{}: {}", lane.proxy.name(), case.title()))?;
            samples.get_mut(place).context("a lane")?.add(slice);
        }
        Ok(())
    }
}

impl Lane {
    async fn connect(proxy: Proxy) -> Result<Self> {
        let clients = Clients::connect(proxy.address(), CONNECTIONS).await?;
        Ok(Self { proxy, clients })
    }

    /// Sends calls, and takes the account of the proxy before them and when their log is written.
    pub(crate) async fn send(
        &mut self,
        request: Request,
        concurrency: usize,
        amount: Amount,
    ) -> Result<Sample> {
        let before = self.proxy.cpu_time()?;
        let seen = self.clients.send(request, concurrency, amount).await?;
        self.proxy.ended_calls(seen.latencies.len()).await?;
        self.proxy.empty_log()?;
        let cpu = self.proxy.cpu_time()?.saturating_sub(before);
        Ok(Sample { seen, cpu })
    }
}
