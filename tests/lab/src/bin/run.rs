//! What `make run` starts: a gateway, a few sample calls, and their entries as they land.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use clap::Parser;
use ledgerline_audit::{Fault, check_config, protect, show};
use ledgerline_lab::client::Call;
use ledgerline_lab::envoy::{Gateway, NotStarted, Ports, TakenPort};
use ledgerline_lab::ledger::Tail;
use ledgerline_lab::simulator::Simulator;
use ledgerline_lab::workspace;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs the egress gateway on this machine, and shows its ledger as it grows
#[derive(Parser)]
struct Arguments {
    /// End after the sample calls
    #[arg(long)]
    once: bool,
    /// No simulated provider and no sample calls: only the gateway, before the real providers
    #[arg(long, conflicts_with = "once")]
    real: bool,
    /// Listen on this port of 127.0.0.1 instead of the one in envoy/egress.yaml; 0 takes a free one
    #[arg(long)]
    port: Option<u16>,
    /// The folder of the ledger
    #[arg(long, default_value = "ledger")]
    ledger: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", text_of(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, and what would help where that is known; not Envoy's whole log.
fn text_of(error: &Error) -> String {
    const PORT: &str =
        "\n  fix: end what listens there, or choose another port: make run ARGS='--port 10001'";
    if let Some(port) = error.downcast_ref::<TakenPort>() {
        return format!("{port}{PORT}");
    }
    match error.downcast_ref::<NotStarted>() {
        Some(envoy) if envoy.is_taken_port() => format!("{}{PORT}", envoy.reason()),
        Some(envoy) => format!(
            "Envoy does not start with {}: {}\n  fix: what it names there",
            shown(&workspace::root().join("envoy/egress.yaml")).display(),
            envoy.reason()
        ),
        None => format!("{error:#}"),
    }
}

/// A path as a person would type it here.
fn shown(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut interrupts = Interrupts::new()?;
    check_configuration()?;
    let simulator = (!arguments.real).then(Simulator::start).transpose()?;
    let mut viewer = Viewer::new(&arguments.ledger.join("entries.jsonl"));
    let mut gateway = start(&arguments, simulator.as_ref()).await?;
    let address = gateway.address();
    eprintln!(
        "The egress gateway listens on http://{address} (Envoy {}).",
        workspace::NEWEST_ENVOY
    );
    if simulator.is_some() {
        eprintln!(
            "Seven sample calls go to provider.test, which this program simulates. Five of them fail on purpose, so that \
             you see how that looks: status 500, status 429, a closed port, a host that is not allowed, and a \
             caller that hangs up. Their entries:\n"
        );
        let calls = sample_calls(address).await?;
        viewer.show_until(calls).await?;
    }
    eprintln!(
        "\nThe ledger: {}, one entry per line.",
        arguments.ledger.join("entries.jsonl").display()
    );
    if arguments.once {
        gateway.stop().await?;
        return viewer.show().map(drop);
    }
    eprintln!("Point a client of your own at the gateway, with your own key:");
    eprintln!("  export OPENAI_BASE_URL=http://{address}/api.openai.com/v1");
    eprintln!("  export ANTHROPIC_BASE_URL=http://{address}/api.anthropic.com");
    eprintln!("Its entries appear here as they land. Ctrl-C stops the gateway.");
    eprintln!("The tool that reads, checks and ships a ledger: make tool\n");
    serve(&mut gateway, &mut viewer, &mut interrupts).await?;
    viewer.show().map(drop)
}

async fn start(arguments: &Arguments, simulator: Option<&Simulator>) -> Result<Gateway> {
    keep(&arguments.ledger)?;
    let mut builder = Gateway::builder(workspace::NEWEST_ENVOY)?
        .flush_interval_ms(100)
        .ports(arguments.port.map_or(Ports::AsWritten, Ports::Calls))
        .ledger_folder(std::path::absolute(&arguments.ledger)?);
    if let Some(simulator) = simulator {
        builder = builder.simulator(simulator)?;
    }
    builder.start().await
}

/// Asks what `ledgerline check-config` would say, before Envoy says it in two thousand characters.
fn check_configuration() -> Result<()> {
    let bootstrap = workspace::egress_bootstrap()?;
    check_config::check(shown(&bootstrap)).map(drop).map_err(Error::msg)
}

/// Has the kernel keep the ledger append-only before Envoy opens it, and says whether it does.
fn keep(ledger: &Path) -> Result<()> {
    match protect::keep(ledger) {
        Ok(said) | Err(Fault::Refused(said)) => eprintln!("{said}"),
        Err(fault) => bail!(fault),
    }
    Ok(())
}

/// One call of each kind that a ledger should tell apart; returns how many.
async fn sample_calls(gateway: SocketAddr) -> Result<u64> {
    let own = gateway.to_string();
    let question = |stream| {
        json!({
            "model": "simulated-1",
            "stream": stream,
            "messages": [{"role": "user", "content": "What is the ledger for?"}]
        })
    };
    let post = |path, body: &Value| as_agent(Call::post_json(&own, path, body));
    let chat = "/provider.test/v1/chat/completions";
    let calls = [
        post(chat, &question(false)),
        post(chat, &question(true)),
        post("/provider.test/status/500", &question(false)),
        post("/provider.test/status/429", &question(false)),
        post("/refused.test/v1/chat/completions", &question(false)),
        post("/unlisted.test/v1/chat/completions", &question(false)),
    ];
    let mut sent = 0;
    for call in calls {
        call.send(gateway).await?;
        sent += 1;
    }
    let aborted = as_agent(Call::get(&own, "/provider.test/chunks/1000/10"));
    aborted.open(gateway).await?.read(5000).await?;
    Ok(sent + 1)
}

/// All of them belong to one workflow of one agent.
fn as_agent(call: Call) -> Call {
    call.without_correlation_id()
        .header("x-correlation-id", "sample-workflow")
        .header("x-agent-id", "sample-agent")
        .header("x-agent-version", "1.0.0")
        .header("x-user-id", "u_12345")
        .header("authorization", "Bearer sk-fake-openai-000")
}

async fn serve(
    gateway: &mut Gateway,
    viewer: &mut Viewer,
    interrupts: &mut Interrupts,
) -> Result<()> {
    loop {
        tokio::select! {
            () = interrupts.next() => break,
            () = tokio::time::sleep(Viewer::POLL) => viewer.show().map(drop)?,
        }
        if let Some(status) = gateway.process().ended() {
            bail!("Envoy ended ({status}); its log says:\n{}", gateway.explain());
        }
    }
    eprintln!("\nStopping. Open calls are cut and recorded; Ctrl-C again kills.");
    let killed = tokio::select! {
        stopped = gateway.stop() => stopped.map(|_| false)?,
        () = interrupts.next() => true,
    };
    if killed {
        gateway.process().kill();
        bail!("killed; the last entries may be missing");
    }
    Ok(())
}

/// Ctrl-C, and what a service manager sends.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn new() -> Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Shows new lines of the ledger as the auditor's tool prints them for a person.
struct Viewer {
    tail: Tail,
    shown: u64,
}

impl Viewer {
    const POLL: Duration = Duration::from_millis(50);

    /// Shows what is added from now on.
    fn new(ledger: &Path) -> Self {
        Self { tail: Tail::from_now_on(ledger), shown: 0 }
    }

    /// Shows what is new; the number of entries so far.
    fn show(&mut self) -> Result<u64> {
        let lines = self.tail.lines()?;
        if !lines.is_empty() {
            let mut text = lines.join(&b'\n');
            text.push(b'\n');
            // Whoever read the entries may have gone, such as `head`; the gateway stays.
            let torn = show::write_lines(&mut anstream::stdout().lock(), &text).unwrap_or(0);
            if torn > 0 {
                eprintln!("{torn} lines of the ledger are no entries: ledgerline show tells more");
            }
        }
        self.shown += lines.len() as u64;
        Ok(self.shown)
    }

    async fn show_until(&mut self, count: u64) -> Result<()> {
        let enough = async {
            while self.show()? < count {
                tokio::time::sleep(Self::POLL).await;
            }
            Ok(())
        };
        let patience = Duration::from_secs(10);
        tokio::time::timeout(patience, enough).await.context("not all entries landed")?
    }
}
