//! `ledgerline ship` and `ledgerline rotate`: from the gateway's file to storage that nobody can rewrite.
//!
//! ```text
//! ledger/entries.jsonl ──rotation──▶ ledger/segments/….jsonl ──shipper──▶ s3://bucket/prefix/….jsonl.gz
//!                                             ▲                               │ kept? until when?
//!                                             └── room: may it go? ◀── ledger/shipped.jsonl (receipts)
//! ```
//!
//! A file of this machine is deleted only when the store has said, asked again at that moment, that it keeps every byte
//! of it. A process that is killed at any instruction leaves files from which the next one goes on;
//! at worst an object is put a second time, and its name says so.

mod ages;
#[cfg(test)]
mod bed;
mod dir;
mod endpoint;
mod fleet;
mod folder;
mod health;
mod lease;
mod metrics;
mod once;
mod pace;
mod pressure;
mod promise;
mod receipts;
mod reconcile;
mod reopen;
mod room;
mod rotate;
mod rotation;
mod segment;
mod shipper;
mod state;
mod steady;
mod telling;
mod tidy;
mod units;
mod watched;

use std::{
    cell::RefCell,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use self::{
    ages::Ages,
    folder::Folder,
    health::Health,
    receipts::{Place, Receipts},
    shipper::{Compress, Target},
    state::State,
};
pub(crate) use self::{
    rotate::{Options as RotateOptions, run as run_rotate},
    segment::segment_name,
    units::Span,
};
use crate::{
    fault::Fault,
    ledger::RECEIPTS,
    plain::{Shown, plain},
    say::tell,
    store::{Endpoint, SinkUrl},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The ledger folder: the one that holds entries.jsonl
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// s3://bucket/prefix, az://container/prefix, gs://bucket/prefix or file:///folder
    #[arg(long, value_name = "URL")]
    to: String,
    /// Go on for ever; without it, ship what is there and say whether all of it arrived
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    rotation: rotation::Options,
    /// How objects are compressed
    #[arg(long, value_enum, default_value_t)]
    compress: Compress,
    /// This gateway's name in the names of its objects; the system's host name otherwise
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// How many segments are on their way at a time
    #[arg(long, value_name = "COUNT", default_value = "4")]
    parallel: usize,
    /// Bear a store that is asked over plain http:// and is not this machine: whoever is on the way can change what passes
    #[arg(long)]
    allow_plain_http: bool,
    #[command(flatten)]
    promise: promise::Options,
    #[command(flatten)]
    room: room::Options,
    #[command(flatten)]
    watch: Watch,
}

/// How others see how it goes.
#[derive(Debug, Args)]
struct Watch {
    /// Answer GET /healthz and GET /metrics here; port 0 takes a free one and says which
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the metrics to a file, for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    /// Trouble makes /healthz say 503 once it has lasted so long
    #[arg(long, value_name = "TIME", default_value = "5m")]
    unhealthy_after: Span,
}

const AFTER_HELP: &str = "\
Examples:
  ledgerline ship --from ledger/ --to s3://ledger-archive/egress
      Once, with no gateway running, or with one and --reopen
  ledgerline ship --from ledger/ --to s3://ledger-archive/egress --follow \\
      --reopen http://127.0.0.1:9901 --listen 127.0.0.1:9902
      Beside a gateway, for ever

Credentials and endpoints come from the environment: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 and the
others of the AWS tools; AZURE_STORAGE_ACCOUNT_NAME …; GOOGLE_APPLICATION_CREDENTIALS ….

Exit codes: 0 everything that was in the folder is confirmed; 1 something is left, and what and why is
said; 2 it could not be asked (another shipper has the folder, no such folder, a wrong URL).";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let url = options.to.parse::<SinkUrl>();
    let url = url.map_err(|error| Fault::NoAnswer(format!("error: --to: {error}")))?;
    options.promise.check_sense(&url).map_err(|text| Fault::NoAnswer(format!("error: {text}")))?;
    let folder = Folder::open(&options.from)?;
    check_outside(&url, &folder)?;
    block_on(async {
        if options.follow {
            // Whoever is told to read its settings again before it looks for that would end.
            let _ = signal(SignalKind::hangup());
        }
        let place = place(&url, options).await?;
        let receipts = open_receipts(&folder, &place)?;
        let health = Arc::new(Health::new(options.watch.unhealthy_after.0));
        let ages = RefCell::new(Ages::default());
        let bytes = options.rotation.segment_bytes();
        let state = State::new(&folder, &ages, receipts, health, bytes);
        state.refresh().map_err(|error| Fault::io(&folder.segments(), &error))?;
        tell_elsewhere(&state, &place);
        options.watch.start(&state)?;
        let host = segment::host_word(&options.host.clone().unwrap_or_else(host_name));
        let (promise, compress) = (&options.promise, options.compress);
        let target = Target { url: &url, place, promise, compress, host };
        match options.follow {
            false => once::run(&state, &target, options).await,
            true => steady::run(&state, &target, options).await,
        }
    })
}

/// A store inside the ledger would be shipped into itself, and goes with the disk of the ledger.
fn check_outside(url: &SinkUrl, folder: &Folder) -> Result<(), Fault> {
    let SinkUrl::Folder { path } = url else { return Ok(()) };
    let ledger = folder.path().canonicalize().map_err(|error| Fault::io(folder.path(), &error))?;
    // The part of it that is there already, with all links followed.
    let sink = path
        .ancestors()
        .find_map(|part| Some(part.canonicalize().ok()?.join(path.strip_prefix(part).ok()?)));
    let sink = sink.unwrap_or_else(|| path.clone());
    match sink.starts_with(&ledger) || ledger.starts_with(&sink) {
        false => Ok(()),
        true => Err(Fault::NoAnswer(format!(
            "error: --to: {url} and the ledger {} lie in each other: name a folder beside it, best on another disk",
            ledger.shown()
        ))),
    }
}

/// Who answers for the address, and whether what passes can be read on the way.
async fn place(url: &SinkUrl, options: &Options) -> Result<Place, Fault> {
    let no_answer = |text: String| Fault::NoAnswer(format!("error: {text}"));
    let endpoint = Endpoint::find(url).await.map_err(|error| no_answer(error.to_string()))?;
    if let Some(endpoint) = endpoint.as_ref().filter(|endpoint| endpoint.is_open_to_the_network()) {
        let text = format!(
            "{endpoint}: plain http: whoever is on the way can read what passes, change it, and answer for the store"
        );
        if !options.allow_plain_http {
            return Err(no_answer(format!(
                "{text}: use https://, or bear it by --allow-plain-http"
            )));
        }
        tell(&format!("{text} (--allow-plain-http)"));
    }
    Ok(Place { url: url.to_string(), endpoint: endpoint.map(|endpoint| endpoint.to_string()) })
}

/// One thread does everything but answer: shipping is waiting.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Fault::NoAnswer(format!("error: no runtime: {error}")))?;
    let done = runtime.block_on(work);
    // A disk or a mount that hangs holds its thread, and is not waited for.
    runtime.shutdown_background();
    done
}

fn open_receipts(folder: &Folder, place: &Place) -> Result<Receipts, Fault> {
    let path = folder.path().join(RECEIPTS);
    let fault = |error: std::io::Error| Fault::io(&path, &error);
    let sealed = folder.sealed().map_err(|error| Fault::io(&folder.segments(), &error))?;
    let present = sealed.iter().map(folder::Stamped::name).collect();
    let receipts = Receipts::open(folder.dir(), &present, place.clone()).map_err(fault)?;
    if receipts.unreadable > 0 {
        tell(&format!(
            "{}: {} lines are no receipts; what they stood for is shipped again",
            path.shown(),
            receipts.unreadable
        ));
    }
    Ok(receipts)
}

/// What has receipts of another store only has none here.
fn tell_elsewhere(state: &State<'_>, place: &Place) {
    for (store, files) in &state.receipts.borrow().elsewhere {
        let bytes: u64 =
            files.iter().filter_map(|file| state.file(file)).map(|file| file.len).sum();
        let here = match &place.endpoint {
            Some(endpoint) => format!("{} at {endpoint}", place.url),
            None => place.url.clone(),
        };
        tell(&format!(
            "{} sealed files have receipts of {}: they count for nothing at {here}, {bytes} bytes are shipped again",
            files.len(),
            plain(store)
        ));
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl Watch {
    fn start(&self, state: &State<'_>) -> Result<(), Fault> {
        let Some(address) = self.listen else { return Ok(()) };
        let (health, metrics) = (Arc::clone(&state.health), Arc::clone(&state.metrics));
        endpoint::serve(address, health, metrics)
            .map_err(|error| Fault::NoAnswer(format!("error: --listen {address}: {error}")))
    }

    /// A file that cannot be written is said once, by whoever calls.
    fn write(&self, state: &State<'_>) -> Result<(), String> {
        let Some(path) = &self.metrics_file else { return Ok(()) };
        state.metrics.write(path).map_err(|error| place_text(path, &error))
    }
}

fn place_text(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.shown())
}
