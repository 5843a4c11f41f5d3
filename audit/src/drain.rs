//! `ledgerline drain`: a gateway that is about to stop finishes its calls first.
//!
//! ```text
//! POST /healthcheck/fail             whoever asks for its health sends no more
//! POST /drain_listeners?graceful     answers say `connection: close`, HTTP/2 GOAWAY
//! GET  /stats                        until no call is in flight, and none came, for --quiet
//! ```
//!
//! A pod that stops still gets calls for a moment, until every node has heard of it: so an instant
//! without a call is not the end. It is a program, because the gateway's container has no shell.

use std::{
    fmt,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::time::sleep;
use url::Url;

use crate::{
    admin,
    fault::Fault,
    plain::plain,
    say::{say, tell},
    ship::{Span, block_on},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Example, as a preStop hook of Kubernetes:
  lifecycle: { preStop: { exec: { command: [ledgerline, drain, --timeout, 60s] } } }

Exit codes: 0 no call is in flight; 1 some still were when the time was over; 2 it could not be asked.")]
pub(crate) struct Options {
    /// The gateway's admin interface
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901")]
    admin: String,
    /// How long to wait at most
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: Span,
    /// No call for so long is the end of the calls
    #[arg(long, value_name = "TIME", default_value = "5s")]
    quiet: Span,
    /// The stat_prefix of the listener for calls
    #[arg(long, value_name = "PREFIX", default_value = "egress")]
    stat_prefix: String,
}

const POLL: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let admin = admin::read_url(&options.admin).ok_or_else(|| {
        let text = "no address such as http://127.0.0.1:9901";
        Fault::NoAnswer(format!("error: --admin: `{}` is {text}", plain(&options.admin)))
    })?;
    block_on(drain(&admin, options))
}

async fn drain(admin: &Url, options: &Options) -> Result<(), Fault> {
    let began = Instant::now();
    let hint = |text| Fault::NoAnswer(format!("error: {text}; is --admin its admin port?"));
    for (path, query) in [("/healthcheck/fail", None), ("/drain_listeners", Some("graceful"))] {
        admin::post(&at(admin, path, query)).await.map_err(hint)?;
    }
    let calls = options.calls_url(admin);
    let mut last = options.calls(&calls).await?;
    let mut quiet_since = Instant::now();
    tell(&format!("{admin}: draining, {last}"));
    loop {
        let is_quiet = quiet_since.elapsed() >= options.quiet.0;
        let elapsed = began.elapsed().as_secs_f32();
        match last.active {
            0 if is_quiet => return say(&format!("{admin}: drained after {elapsed:.1} s, {last}")),
            _ if began.elapsed() < options.timeout.0 => sleep(POLL).await,
            0 => {
                return say(&format!(
                    "{admin}: {elapsed:.1} s are over, {last}, but calls still came"
                ));
            }
            _ => {
                let text = format!("{admin}: {elapsed:.1} s are over, {last}");
                return Err(Fault::Refused(text));
            }
        }
        let calls = options.calls(&calls).await?;
        if calls.active > 0 || calls.total != last.total {
            quiet_since = Instant::now();
        }
        last = calls;
    }
}

/// What the gateway counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Calls {
    active: u64,
    total: u64,
}

impl Options {
    fn calls_url(&self, admin: &Url) -> Url {
        let mut url = at(admin, "/stats", None);
        let prefix = self.stat_prefix.replace('.', "[.]");
        let filter = format!("^http[.]{prefix}[.]downstream_rq_(active|total)$");
        url.query_pairs_mut().append_pair("filter", &filter);
        url
    }

    async fn calls(&self, url: &Url) -> Result<Calls, Fault> {
        let text =
            admin::get(url).await.map_err(|text| Fault::NoAnswer(format!("error: {text}")))?;
        Calls::read(&text).ok_or_else(|| {
            Fault::NoAnswer(format!(
                "error: the gateway counts no http.{}.downstream_rq_active and _total; is --stat-prefix \
                 the stat_prefix of its listener, and does stats_matcher keep them?",
                self.stat_prefix
            ))
        })
    }
}

fn at(admin: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = admin.clone();
    url.set_path(path);
    url.set_query(query);
    url
}

impl Calls {
    /// Reads lines such as `http.egress.downstream_rq_active: 3`.
    fn read(stats: &str) -> Option<Self> {
        let value = |end: &str| {
            let line = stats.lines().find_map(|line| line.split_once(end))?;
            line.1.strip_prefix(": ")?.trim().parse().ok()
        };
        Some(Self { active: value("downstream_rq_active")?, total: value("downstream_rq_total")? })
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.active {
            0 => f.write_str("no call in flight"),
            1 => f.write_str("1 call in flight"),
            active => write!(f, "{active} calls in flight"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_are_needed() {
        let line = |name: &str, value: u64| format!("http.egress.downstream_rq_{name}: {value}\n");
        let both = line("active", 2) + &line("total", 7);
        assert_eq!(Calls::read(&both), Some(Calls { active: 2, total: 7 }));
        for text in ["", &line("active", 2), &line("total", 7), "downstream_rq_active: -\n"] {
            assert_eq!(Calls::read(text), None, "{text}");
        }
    }
}
