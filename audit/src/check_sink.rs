//! `ledgerline check-sink`: does this storage keep what it is given?
//!
//! ```text
//! storage
//!   holds          versioning is on              GetBucketVersioning       done
//!   does not hold  a lock cannot be shortened    PutObjectRetention, 1 d   done
//!                  the lock is now COMPLIANCE until 2026-11-22T10:00:00Z, and was …
//! ```
//!
//! A bucket's settings say what is meant; servers take a lock's headers and forget them. So a small
//! object, the canary, is written with the shipper's own credentials, and everything is tried on it
//! that must not succeed. What was tried is judged by what is there afterwards, never by the status
//! alone. The canary stays until its lock ends, as it must.
//!
//! Two kinds of promise are told apart. `storage`: the bucket keeps, against everybody. `rights`: these
//! credentials can do no more than write.

pub(crate) mod canary;
mod finding;
mod judge;
mod plain;
mod probe;
mod report;
mod seen;
mod tampered;

use clap::Args;

use jiff::Timestamp;

use self::finding::{Circumstances, Finding, Report, Verdict};
use crate::{
    fault::Fault,
    format::Format,
    say::{say, say_json},
    store::{LockMode, SinkUrl, StoreError},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// s3://bucket/prefix, az://container/prefix, gs://bucket/prefix or file:///folder
    url: SinkUrl,
    /// How long an object must be locked, in days
    #[arg(long, default_value = "180d", value_parser = days, value_name = "DAYS")]
    retention: u32,
    /// Each object asks for a lock of its own, as with `ship --lock-mode`
    #[arg(long, value_name = "MODE")]
    lock_mode: Option<LockMode>,
    /// Also try a lock until 2107, which Ceph 16 takes for a date that is past. In a store that holds,
    /// an object of some hundred bytes then stays until 2107, if these credentials may extend locks
    #[arg(long)]
    far_date: bool,
    /// AWS profile of the shipper; without it, the default chain of credentials
    #[arg(long, value_name = "NAME")]
    writer_profile: Option<String>,
    /// AWS profile that may read settings, locks and versions; without it, the writer looks itself
    #[arg(long, value_name = "NAME")]
    auditor_profile: Option<String>,
    /// For a person, or one JSON document with the same facts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  ledgerline check-sink s3://ledger-archive/egress --retention 180d
      With the shipper's credentials, as the environment gives them
  ledgerline check-sink s3://ledger-archive/egress --writer-profile shipper --auditor-profile auditor
      The shipper writes and tries to destroy, the auditor looks what is left
  AWS_ENDPOINT_URL_S3=https://store.example:9000 ledgerline check-sink s3://ledger/egress
      A server of your own that speaks S3

Each check leaves a few objects of some hundred bytes, under the lock of the bucket: they go when it ends. Without Object Lock they can be
deleted. Their names are those of segments, so that nobody can answer for them alone; the line in each says `kind: canary`, by
which `compare` passes over them. The report names each.

Words: `holds`; `does not hold`; `not proven`, which says what is missing; `too wide`, the storage keeps
its promise, but these credentials may do more than a shipper needs. The owner of a bucket is always
found too wide: ask with the shipper's own.

Over plain HTTP nothing is proven: whoever is on the way can answer in the store's place.

Exit codes: 0 every promise holds; 1 one does not; 2 the question could not be asked (no such bucket, no
credentials, a writer that may not write); 3 nothing is refuted, but something is not proven, or rights
are too wide. For az://, gs:// and file:// 3 is the best: their locks cannot be read back.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::NoAnswer(format!("error: {error}")))?;
    let report = runtime.block_on(ask(options)).map_err(|error| unasked(&error))?;
    match options.format {
        Format::Text => say(report::text(&report).trim_end())?,
        Format::Json => say_json(&report::json(&report)?)?,
    }
    match report.verdict {
        Verdict::Holds => Ok(()),
        Verdict::DoesNotHold => Err(Fault::Refused(short(&report))),
        Verdict::NotProven | Verdict::TooWide => Err(Fault::Unproven(short(&report))),
    }
}

async fn ask(options: &Options) -> Result<Report, StoreError> {
    let began_at = Timestamp::now().to_string();
    let Asked { findings, left_behind, circumstances } = match &options.url {
        SinkUrl::S3 { .. } => probe::ask(options).await?,
        _ => plain::ask(&options.url).await?,
    };
    let circumstances = Circumstances {
        format: "ledgerline.check-sink/1",
        tool: env!("CARGO_PKG_NAME"),
        tool_version: env!("CARGO_PKG_VERSION"),
        began_at,
        ended_at: Timestamp::now().to_string(),
        ..circumstances
    };
    Ok(Report {
        circumstances,
        sink: options.url.to_string(),
        retention_days: options.retention,
        verdict: Verdict::of(&findings),
        left_behind,
        findings,
    })
}

/// What a store was asked.
struct Asked {
    findings: Vec<Finding>,
    /// The names of what stays there.
    left_behind: Vec<String>,
    /// As far as they were seen on the way.
    circumstances: Circumstances,
}

fn short(report: &Report) -> String {
    format!("{}: {}", report.sink, report.verdict.as_str())
}

fn unasked(error: &StoreError) -> Fault {
    Fault::NoAnswer(format!("error: {error}"))
}

/// `180d`, or `180`.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    match text.strip_suffix('d').unwrap_or(text).parse() {
        Ok(days @ 1..=36_500) => Ok(days),
        _ => Err("not a number of days from 1d to 36500d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_a_number_of_days() {
        for (text, told) in [("180d", Some(180)), ("1", Some(1)), ("36500d", Some(36_500))] {
            assert_eq!(days(text).ok(), told);
        }
        for text in ["", "d", "0d", "-1d", "36501d", "180h", "6 months"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
