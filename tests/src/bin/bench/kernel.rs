//! Work on memory of the VM alone: what hashing costs there, masking and reading, without a proxy around
//! it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ledgerline_tests::workspace;

use crate::load::{Amount, Request};
use crate::proxy::Flavour;
use crate::rounds::Lane;

/// A byte cannot be hashed in less time.
const LEAST_NANOS: f64 = 0.1;

/// What is done with each block of a body; `filter/src/kernel.rs` says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Hashed.
    Hash,
    /// Masked and hashed, in one pass.
    Mask,
    /// Masked, hashed and read for what it means, as the answer to a chat.
    Read,
    /// Searched for the prefixes of tokens by Aho-Corasick, and hashed.
    Prefixes,
    /// Searched by ten regular expressions, and hashed.
    Patterns,
}

/// What one request asks of the VM.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    /// What to do.
    pub(crate) way: Way,
    /// With what: a word of `filter/src/kernel/bodies.rs`.
    pub(crate) body: &'static str,
    /// The length of the body.
    pub(crate) kibibytes: u32,
    /// How often.
    pub(crate) count: u32,
}

impl Job {
    fn bytes(&self) -> f64 {
        f64::from(self.kibibytes) * 1024.0 * f64::from(self.count)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Hash => "hash",
            Way::Mask => "mask",
            Way::Read => "read",
            Way::Prefixes => "prefixes",
            Way::Patterns => "patterns",
        };
        write!(f, "{way} {} {} {}", self.body, self.kibibytes, self.count)
    }
}

/// An Envoy with a build of the filter that works on demand.
pub(crate) struct Kernel(Lane);

impl Kernel {
    /// The build of the filter for it.
    pub(crate) fn flavour() -> Result<Flavour> {
        let file = "target/ledgerline-kernel.wasm";
        let module: PathBuf = workspace::root().join(file);
        let build = format!("filter/build.sh --features kernel --output {file}");
        ensure!(module.exists(), "{file} is missing; `{build}` makes it");
        Ok(Flavour::Ledgerline { name: "work in the VM alone".into(), module })
    }

    /// On an Envoy with that build.
    pub(crate) fn new(lane: Lane) -> Self {
        Self(lane)
    }

    /// The CPU time of a job in nanoseconds per byte, without that of the call that asks for it.
    pub(crate) async fn run(&mut self, job: &Job) -> Result<f64> {
        // The first call for a body also makes it, so the one without work comes second.
        let both = self.cpu(job).await?;
        let call = self.cpu(&Job { count: 0, ..*job }).await?;
        let nanos = both.saturating_sub(call).as_secs_f64() * 1e9 / job.bytes();
        ensure!(nanos > LEAST_NANOS, "`{job}` took {nanos} ns per byte: no such work was done");
        Ok(nanos)
    }

    async fn cpu(&mut self, job: &Job) -> Result<Duration> {
        let request = Request::get_with("/v1/models", &format!("x-ledgerline-kernel: {job}\r\n"));
        Ok(self.0.send(request, 1, Amount::Calls(1)).await?.cpu)
    }

    /// Fails if it died, which is what it does when it does not understand a job.
    pub(crate) async fn check_for_traps(&self) -> Result<()> {
        self.0.proxy.check_for_traps().await
    }
}
