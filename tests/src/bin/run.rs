//! What `make run` starts: a gateway, a few sample calls, and their entries as they land.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use ledgerline_tests::client::Call;
use ledgerline_tests::envoy::{Gateway, Ports};
use ledgerline_tests::ledger::Tail;
use ledgerline_tests::simulator::Simulator;
use ledgerline_tests::workspace;
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
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut interrupts = Interrupts::new()?;
    let simulator = (!arguments.real).then(Simulator::start).transpose()?;
    let mut viewer = Viewer::new(&arguments.ledger.join("entries.jsonl"))?;
    let mut gateway = start(&arguments, simulator.as_ref()).await?;
    let address = gateway.address();
    eprintln!(
        "The egress gateway listens on http://{address} (Envoy {}).",
        workspace::NEWEST_ENVOY
    );
    if simulator.is_some() {
        eprintln!(
            "Sample calls go to provider.test, which this program simulates. Their entries:\n"
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
    eprintln!("Its entries appear here as they land. Ctrl-C stops the gateway.\n");
    serve(&mut gateway, &mut viewer, &mut interrupts).await?;
    viewer.show().map(drop)
}

async fn start(arguments: &Arguments, simulator: Option<&Simulator>) -> Result<Gateway> {
    protect(&arguments.ledger)?;
    let mut builder = Gateway::builder(workspace::NEWEST_ENVOY)?
        .flush_interval_ms(100)
        .ports(arguments.port.map_or(Ports::AsWritten, Ports::Calls))
        .ledger_folder(std::path::absolute(&arguments.ledger)?);
    if let Some(simulator) = simulator {
        builder = builder.simulator(simulator)?;
    }
    builder.start().await.context("the gateway does not start (--port chooses another port)")
}

/// Has the kernel keep the ledger append-only before Envoy opens it, and says whether it does.
fn protect(ledger: &Path) -> Result<()> {
    let output =
        Command::new(workspace::tool()?).args(["protect", "--create"]).arg(ledger).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    eprint!("{said}");
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
    tool: PathBuf,
    shown: u64,
}

impl Viewer {
    const POLL: Duration = Duration::from_millis(50);

    /// Shows what is added from now on.
    fn new(ledger: &Path) -> Result<Self> {
        Ok(Self { tail: Tail::from_now_on(ledger), tool: workspace::tool()?, shown: 0 })
    }

    /// Shows what is new; the number of entries so far.
    fn show(&mut self) -> Result<u64> {
        let lines = self.tail.lines()?;
        if !lines.is_empty() {
            let mut text = lines.join(&b'\n');
            text.push(b'\n');
            self.print(&text)?;
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

    fn print(&self, text: &[u8]) -> Result<()> {
        let mut command = Command::new(&self.tool);
        // A group of its own: Ctrl-C shall not end it before the last entries.
        command.args(["show", "/dev/stdin"]).stdin(Stdio::piped()).process_group(0);
        let mut tool = command.spawn().context("start the program that shows entries")?;
        if let Some(mut stdin) = tool.stdin.take() {
            stdin.write_all(text)?;
        }
        tool.wait()?;
        Ok(())
    }
}
