//! What the filter costs: Envoy with it against Envoy without it, in one run.
//!
//! ```text
//!                        one core                    another core
//!                 ┌────────────────────┐   ┌──────────────────────────────────┐
//! clients ──────► │ Envoy, plain log   │ ─►│ provider                         │
//!         ──────► │ Envoy + Ledgerline │ ─►│ (answers from memory, keeps its  │
//!         ──────► │ Envoy + hash alone │   │  connections, shares the core    │
//!                 └────────────────────┘   │  and the thread of the clients)  │
//!                                          └──────────────────────────────────┘
//! ```
//!
//! Absolute figures of one machine and one minute say little, so everything is alive at once and takes
//! its turn in each round; what counts is the ratio within a round, and its median over the rounds.
//! CPU time is read from the scheduler's own account of the proxy's threads, which neighbours on the
//! machine disturb least; latencies and rates they do disturb.
//!
//! The kernel hashes, masks and reads memory of its VM, on demand and without a proxy around it: what
//! the filter adds to Envoy, what masking adds to hashing, and reading to both, is held against that.
//!
//! It reports. It does not judge: times never make it fail, but a wrong answer, a lost connection, or
//! a call without its line in the log does, because then the figures would be of something else.

mod case;
mod chat;
mod kernel;
mod load;
mod machine;
mod masking;
mod memory;
mod provider;
mod proxy;
mod report;
mod rounds;
mod spread;
mod streams;
mod table;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use ledgerline_tests::workspace;

use crate::case::Case;
use crate::kernel::Kernel;
use crate::machine::{Cores, Machine};
use crate::memory::Memory;
use crate::proxy::{Flavour, Launch, Provider, Proxy};
use crate::report::Report;
use crate::rounds::{Bench, Extent};
use crate::streams::Streams;

/// Measures what the filter costs: Envoy with it against Envoy without it
#[derive(Parser)]
struct Arguments {
    /// A shorter run, with wider ranges
    #[arg(long)]
    quick: bool,
    /// Number of rounds, instead of 10, or 3 if quick
    #[arg(long)]
    rounds: Option<usize>,
    /// Print the table in Markdown
    #[arg(long)]
    markdown: bool,
    /// Also write all figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only send these
    #[arg(long, value_name = "CASE")]
    case: Vec<Case>,
    /// Only measure what masking costs beside hashing, and reading beside both
    #[arg(long)]
    masking: bool,
    /// Hold so many streams open at once, instead of 10000, or 3000 if quick; 0 for none
    #[arg(long, value_name = "NUMBER")]
    streams: Option<usize>,
    /// Version of Envoy
    #[arg(long, default_value = workspace::NEWEST_ENVOY)]
    envoy: String,
    /// Also measure a gateway whose entry logger has no condition and no fallback beside it
    #[arg(long, hide = true)]
    without_fallback: bool,
    /// Also measure another build of the filter, or another bootstrap if it is a `.yaml`
    #[arg(long, hide = true, value_name = "FILE")]
    compare: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let machine = Machine::read()?;
    let cores = Cores::allowed()?;
    // Before the first thread or child starts, so that all of them inherit it.
    cores.take_for_load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(measure(arguments, machine, cores))?;
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report.to_json())?;
        std::fs::write(file, json + "\n").with_context(|| file.display().to_string())?;
    }
    print!("{}", if arguments.markdown { report.to_markdown() } else { report.to_text() });
    Ok(())
}

async fn measure(arguments: &Arguments, machine: Machine, cores: Cores) -> Result<Report> {
    let launch = Launch {
        envoy: arguments.envoy.clone(),
        core: cores.proxy,
        provider: Provider::Http1(provider::start().await?),
    };
    let flavours = flavours(arguments)?;
    let mut proxies = Vec::new();
    for flavour in &flavours {
        proxies.push(Proxy::start(&launch, flavour).await?);
    }
    let kernel = Proxy::start(&launch, &Kernel::flavour()?).await?;

    let (masking, quick) = (arguments.masking, arguments.quick);
    let extent = Extent::new(&arguments.case, masking, quick, arguments.rounds);
    let open = arguments.streams.unwrap_or_else(|| extent.open_streams());
    let mut bench = Bench::connect(proxies, kernel, extent).await?;
    let measured = bench.run().await?;
    let memory = match bench.extent.is_everything() {
        true => Some(Memory::measure(&mut bench).await?),
        false => None,
    };
    bench.check_for_traps().await?;
    let streams = match open {
        0 => None,
        open => Some(Streams::measure(&launch, &flavours, open).await?),
    };
    Ok(Report {
        machine: machine.finished()?,
        envoy: arguments.envoy.clone(),
        module_bytes: std::fs::metadata(workspace::module()?)?.len(),
        measured,
        memory,
        streams,
    })
}

/// Without the filter, with it, and what else was asked for.
fn flavours(arguments: &Arguments) -> Result<Vec<Flavour>> {
    let ledgerline = |name: &str, module| Flavour::Ledgerline { name: name.to_owned(), module };
    let mut flavours = vec![Flavour::Plain, ledgerline("Envoy + Ledgerline", workspace::module()?)];
    if arguments.without_fallback {
        flavours.push(Flavour::WithoutFallback { module: workspace::module()? });
    }
    for file in &arguments.compare {
        let file = std::path::absolute(file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_module = file.extension().is_some_and(|extension| extension == "wasm");
        flavours.push(if is_module {
            ledgerline(&name, file)
        } else {
            Flavour::Other { name, bootstrap: file }
        });
    }
    Ok(flavours)
}
