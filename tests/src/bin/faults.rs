//! What is lost between a call and the bucket when things fail: `make faults`.
//!
//! A gateway under load, `ledgerline ship` behind it, and a real store with Object Lock behind a
//! network that fails on demand. After each fault every line is counted: in the ledger, in the store,
//! and under which lock. It reports, and fails if a line that reached the ledger is not in the store.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use ledgerline_tests::delivery::{
    Account, Backlog, Far, FileSystem, Finding, LeaseCost, Scale, Trouble, backlog, calls_to_lock,
    lease_cost, survive,
};
use ledgerline_tests::storage::{CephRgw, Fault};

/// Counts what is lost when shipper, store, disk or gateway fail under load
#[derive(Parser)]
struct Arguments {
    /// A few seconds of each fault instead of up to two minutes
    #[arg(long)]
    quick: bool,
    /// Calls per second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Only faults whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let ceph = CephRgw::start().await?.context("Ceph is not installed: tests/storage.sh")?;
    println!(
        "| fault | calls answered | refused, broken | lines | torn | calls without a line | objects | lines again | lost | reported by |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut lost = 0;
    for (number, (trouble, seconds)) in troubles().into_iter().enumerate() {
        let name = trouble.to_string();
        if arguments.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let seconds = if arguments.quick { seconds.min(8) } else { seconds };
        let scale = Scale { rate: arguments.rate, trouble: Duration::from_secs(seconds) };
        eprintln!("{name}: {seconds} s");
        let far = Far::new(ceph.s3(), &format!("faults-{number}")).await?;
        let Some(finding) = survive(trouble, scale, &far).await.context(name)? else { continue };
        lost += finding.account.lost + finding.account.unprotected;
        println!("{}", row(trouble, &finding));
    }
    if arguments.only.is_none() {
        measure(arguments, &ceph).await?;
    }
    ensure!(lost == 0, "{lost} lines are not in the store, or not under its lock");
    Ok(())
}

/// How fast it is when nothing fails.
async fn measure(arguments: &Arguments, ceph: &CephRgw) -> Result<()> {
    let entries = if arguments.quick { 50_000 } else { 500_000 };
    println!("\n| backlog, one go | entries | MB | s | entries/s | MB/s | peak memory |");
    println!("|---|---|---|---|---|---|---|");
    for (number, compress) in ["gzip", "none"].into_iter().enumerate() {
        let far = Far::new(ceph.s3(), &format!("backlog-{number}")).await?;
        let Backlog { bytes, took, peak, .. } =
            backlog(entries, &far, &["--compress", compress]).await?;
        let (seconds, megabytes) = (took.as_secs_f64(), bytes as f64 / 1e6);
        println!(
            "| --compress {compress} | {entries} | {megabytes:.0} | {seconds:.1} | {:.0} | {:.0} | {} MiB |",
            entries as f64 / seconds,
            megabytes / seconds,
            peak >> 20
        );
    }
    println!("\n| from the call to the locked object | least | median | most |");
    println!("|---|---|---|---|");
    for (number, age) in ["1s", "60s"].into_iter().enumerate() {
        let times = if age == "1s" { 15 } else { 3 };
        let far = Far::new(ceph.s3(), &format!("latency-{number}")).await?;
        let took = calls_to_lock(times, &far, age).await?;
        let [Some(least), Some(median), Some(most)] =
            [took.first(), took.get(took.len() / 2), took.last()]
        else {
            continue;
        };
        println!("| --segment-age {age} | {least:.1?} | {median:.1?} | {most:.1?} |");
    }
    let LeaseCost { without, with } = lease_cost(if arguments.quick { 300 } else { 3000 }).await?;
    println!("\n| one call after the other | median |");
    println!("|---|---|");
    println!("| without a lease | {without:.0?} |");
    println!("| envoy/sinks/lease.yaml | {with:.0?} |");
    Ok(())
}

/// Each with how many seconds of it.
fn troubles() -> Vec<(Trouble, u64)> {
    let answers = |code, s3_code| Trouble::Store(Fault::Status { code, s3_code });
    vec![
        (Trouble::Nothing, 20),
        (Trouble::ShipperKilled(50), 60),
        (Trouble::Store(Fault::Refuse), 120),
        (Trouble::Store(Fault::Stall), 30),
        (Trouble::Store(Fault::Slow { bytes_per_second: 1 }), 90),
        (answers(500, "InternalError"), 20),
        (answers(503, "SlowDown"), 20),
        (answers(403, "AccessDenied"), 20),
        (Trouble::Store(Fault::CutAfter { bytes: 2000 }), 20),
        (Trouble::ClockBack, 20),
        (Trouble::SecondShipper, 5),
        (Trouble::DiskGuarded, 30),
        (Trouble::DiskFull, 30),
        (Trouble::DiskAtOnce(FileSystem::Tmpfs), 10),
        (Trouble::DiskAtOnce(FileSystem::Ext4), 10),
        (Trouble::LiveRemoved, 10),
        (Trouble::LiveCut, 80),
        (Trouble::SegmentsMoved, 10),
        (Trouble::GatewayKilled, 1),
    ]
}

fn row(trouble: Trouble, finding: &Finding) -> String {
    let Account { calls, not_made, without_line, lines, torn, objects, repeated, lost, .. } =
        finding.account;
    format!(
        "| {trouble} | {calls} | {not_made} | {lines} | {torn} | {without_line} | {objects} | {repeated} | {lost} | {} |",
        finding.reported
    )
}
