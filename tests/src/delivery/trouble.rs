//! What can go wrong between the gateway and the store, and one run of it under load.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::{
    Account, Far, FileSystem, Lines, Load, Sent, Shipper, Shipping, Site, SmallDisk, when_up,
};
use crate::process::eventually;
use crate::storage::Fault;
use crate::workspace::{self, Needed};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: what the others are compared with.
    Nothing,
    /// The shipper is killed (SIGKILL) and started again, this often, at instants that nobody chose.
    ShipperKilled(u32),
    /// The store behaves like this for as long as the trouble lasts, and well again afterwards.
    Store(Fault),
    /// The shipper is stopped and started again an hour earlier.
    ClockBack,
    /// A second shipper is started on the same ledger.
    SecondShipper,
    /// The store is down until the disk is as full as the shipper lets it become.
    DiskGuarded,
    /// The store is down and the disk full to its last byte: the shipper is told to look away.
    DiskFull,
    /// The store is down and every byte and every inode of the disk is taken within an instant.
    DiskAtOnce(FileSystem),
    /// Somebody removes the file that the gateway writes.
    LiveRemoved,
    /// Somebody cuts that file to nothing.
    LiveCut,
    /// Somebody moves the folder of sealed files away, while the store is down.
    SegmentsMoved,
    /// The gateway is killed (SIGKILL).
    GatewayKilled,
}

/// How hard and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Calls per second.
    pub rate: u32,
    /// How long the trouble lasts.
    pub trouble: Duration,
}

/// What a run showed.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The counts.
    pub account: Account,
    /// Who reported the trouble, and how.
    pub reported: String,
}

/// Runs a gateway under load, with a shipper that cuts a segment each second, through one trouble,
/// and counts what arrived. `None`: this machine cannot have that trouble, which was said.
pub async fn survive(trouble: Trouble, scale: Scale, far: &Far) -> Result<Option<Finding>> {
    let Some(disk) = disk_for(trouble)? else { return Ok(None) };
    let Some(earlier) = clock_for(trouble)? else { return Ok(None) };
    let parent =
        disk.as_ref().map_or_else(workspace::scratch, |disk| Ok(disk.path().to_owned()))?;
    let mut site = Site::start(&parent, |gateway| gateway).await?;
    let mut shipping = site.shipping(far);
    shipping.arguments.extend(room_for(trouble).map(str::to_owned));
    let shipper = Some(start(&shipping).await?);
    let load = Load::start(site.gateway.address(), scale.rate);
    sleep(Duration::from_secs(2)).await;

    let mut run = Run { scale, far, shipping, shipper, disk, earlier, reported: String::new() };
    run.suffer(trouble, &mut site).await?;
    far.proxy.set(Fault::None);
    sleep(Duration::from_secs(2)).await;
    let sent = load.stop().await?;
    run.account(&site, &sent).await.map(Some)
}

const DISK_BYTES: u64 = 12 << 20;
const ROOM_BYTES: u64 = 3 << 20;

/// `None`: there is none to be had. `Some(None)`: the trouble needs none of its own.
fn disk_for(trouble: Trouble) -> Result<Option<Option<SmallDisk>>> {
    match trouble {
        Trouble::DiskGuarded | Trouble::DiskFull => Ok(SmallDisk::mount(DISK_BYTES)?.map(Some)),
        Trouble::DiskAtOnce(kind) => Ok(SmallDisk::mount_as(kind, 4 * DISK_BYTES)?.map(Some)),
        _ => Ok(Some(None)),
    }
}

/// The environment of a shipper whose clock is an hour behind.
fn clock_for(trouble: Trouble) -> Result<Option<Vec<(String, String)>>> {
    if trouble != Trouble::ClockBack {
        return Ok(Some(Vec::new()));
    }
    let Some(library) = workspace::needs(Needed::Faketime)? else { return Ok(None) };
    let variables = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", "-1h".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    Ok(Some(variables.map(|(name, value)| (name.to_owned(), value)).to_vec()))
}

fn room_for(trouble: Trouble) -> impl Iterator<Item = &'static str> {
    let arguments: &[&str] = match trouble {
        Trouble::DiskGuarded => &["--min-free", "2MiB", "--reserve", "512KiB"],
        Trouble::DiskAtOnce(_) => &["--min-free", "2MiB"],
        Trouble::DiskFull => &["--min-free", "0", "--reserve", "0"],
        _ => &[],
    };
    arguments.iter().copied()
}

struct Run<'a> {
    scale: Scale,
    far: &'a Far,
    shipping: Shipping,
    shipper: Option<Shipper>,
    disk: Option<SmallDisk>,
    earlier: Vec<(String, String)>,
    reported: String,
}

impl Run<'_> {
    async fn suffer(&mut self, trouble: Trouble, site: &mut Site) -> Result<()> {
        match trouble {
            Trouble::Nothing => sleep(self.scale.trouble).await,
            Trouble::ShipperKilled(times) => self.kill_again_and_again(times).await?,
            Trouble::Store(fault) => self.wait_out(fault).await?,
            Trouble::ClockBack => self.turn_the_clock_back().await?,
            Trouble::SecondShipper => self.start_a_second().await?,
            Trouble::DiskGuarded => self.fill_the_disk(site, ROOM_BYTES).await?,
            // So little that a few seconds of calls fill it.
            Trouble::DiskFull => self.fill_the_disk(site, ROOM_BYTES / 4).await?,
            Trouble::DiskAtOnce(_) => self.take_the_disk().await?,
            Trouble::LiveRemoved => self.remove_the_live_file(site).await?,
            Trouble::LiveCut => self.cut_the_live_file(site).await?,
            Trouble::SegmentsMoved => self.move_the_segments(site).await?,
            Trouble::GatewayKilled => {
                site.gateway.process().kill();
                self.reported = "the callers: connection refused".to_owned();
            }
        }
        Ok(())
    }

    async fn kill_again_and_again(&mut self, times: u32) -> Result<()> {
        let mut random = 0x9E37_79B9_u64;
        for _ in 0..times {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let percent = u32::try_from((random >> 33) % 200)?;
            sleep(self.scale.trouble / times.max(1) * percent / 100).await;
            self.restart(&self.shipping.clone()).await?;
        }
        self.reported = format!("{times} restarts, each going on from the files");
        Ok(())
    }

    async fn wait_out(&mut self, fault: Fault) -> Result<()> {
        self.far.proxy.set(fault);
        sleep(self.scale.trouble).await;
        let said = self.metrics(&["errors_total", "unconfirmed_segments"]).await?;
        let counts = self.far.proxy.counts();
        self.reported = format!("{said}; faults injected {}", counts.faults);
        Ok(())
    }

    async fn turn_the_clock_back(&mut self) -> Result<()> {
        let mut earlier = self.shipping.clone();
        earlier.environment.append(&mut self.earlier);
        self.restart(&earlier).await?;
        sleep(self.scale.trouble).await;
        self.reported = self.metrics(&["errors_total", "unconfirmed_segments"]).await?;
        self.restart(&self.shipping.clone()).await
    }

    async fn start_a_second(&mut self) -> Result<()> {
        let output = self.shipping.once().await?;
        ensure!(output.status.code() == Some(2), "a second shipper went on: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = said.replace(&self.shipping.from.display().to_string(), "ledger");
        self.reported = format!("exit 2: {}", said.lines().next().unwrap_or_default());
        Ok(())
    }

    /// The store is down meanwhile, so nothing on the disk may be deleted.
    async fn fill_the_disk(&mut self, site: &Site, room: u64) -> Result<()> {
        let disk = self.disk.as_ref().context("a disk")?;
        self.far.proxy.set(Fault::Refuse);
        disk.leave(room)?;
        sleep(self.scale.trouble).await;
        let said = self.metrics(&["at_cap", "free_bytes"]).await?;
        let admin = site.gateway.admin();
        let failed =
            admin.stats("^filesystem.write_failed$").await?.get("filesystem.write_failed")?;
        self.reported = format!("{said}; Envoy's filesystem.write_failed {failed}");
        disk.give_back()
    }

    async fn take_the_disk(&mut self) -> Result<()> {
        let disk = self.disk.as_ref().context("a disk")?;
        self.far.proxy.set(Fault::Refuse);
        disk.take_all()?;
        sleep(self.scale.trouble).await;
        self.reported = self.metrics(&["at_cap", "free_bytes"]).await?;
        disk.give_all_back()
    }

    /// What the filter counted and no file holds is known when no buffer can hold it any more, which takes a minute.
    async fn cut_the_live_file(&mut self, site: &Site) -> Result<()> {
        let live = site.ledger.path().join("entries.jsonl");
        let begun = || std::fs::metadata(&live).is_ok_and(|file| file.len() > 20_000).then_some(());
        eventually(Duration::from_secs(20), begun).await.context("a file that grows")?;
        free(&live);
        std::fs::File::options().write(true).open(&live)?.set_len(0)?;
        sleep(self.scale.trouble.max(RECONCILED)).await;
        self.reported = self.metrics(&["losses_total", "unaccounted_entries"]).await?;
        Ok(())
    }

    async fn remove_the_live_file(&mut self, site: &Site) -> Result<()> {
        let live = site.ledger.path().join("entries.jsonl");
        free(&live);
        std::fs::remove_file(live)?;
        sleep(self.scale.trouble).await;
        self.reported = self.metrics(&["disturbed_total", "losses_total"]).await?;
        Ok(())
    }

    async fn move_the_segments(&mut self, site: &Site) -> Result<()> {
        self.far.proxy.set(Fault::Refuse);
        sleep(self.scale.trouble / 2).await;
        let segments = site.ledger.path().join("segments");
        std::fs::rename(&segments, segments.with_file_name("elsewhere"))?;
        sleep(self.scale.trouble / 2).await;
        self.reported = self.metrics(&["disturbed_total", "losses_total"]).await?;
        Ok(())
    }

    async fn restart(&mut self, shipping: &Shipping) -> Result<()> {
        self.shipper.take().context("a shipper")?.kill();
        self.shipper = Some(start(shipping).await?);
        Ok(())
    }

    async fn metrics(&self, names: &[&str]) -> Result<String> {
        let shipper = self.shipper.as_ref().context("a shipper")?;
        let mut said = Vec::new();
        for name in names {
            let value = shipper.metric(&format!("ledgerline_ship_{name}")).await?;
            said.push(format!("{name} {value}"));
        }
        let (is_healthy, _) = shipper.health().await?;
        said.push(if is_healthy { "healthy".to_owned() } else { "unhealthy".to_owned() });
        Ok(said.join(", "))
    }

    async fn account(mut self, site: &Site, sent: &Sent) -> Result<Finding> {
        site.settle(sent).await?;
        let mut shipper = self.shipper.take().context("a shipper")?;
        shipper.wait_until_empty(site.ledger.path()).await?;
        shipper.stop().await?;
        let ledger = Lines::in_ledger(site.ledger.path())?;
        let stored = self.far.stored().await?;
        Ok(Finding { account: Account::of(sent, &ledger, &stored), reported: self.reported })
    }
}

const RECONCILED: Duration = Duration::from_secs(80);

/// Takes the kernel's protection off a file, where it has one: what is done next fails otherwise.
fn free(file: &Path) {
    let _ = Command::new("chattr").arg("-a").arg(file).stderr(Stdio::null()).status();
}

async fn start(shipping: &Shipping) -> Result<Shipper> {
    let mut shipper = shipping.follow()?;
    when_up(&mut shipper).await?;
    Ok(shipper)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::ShipperKilled(times) => write!(f, "shipper killed (SIGKILL) {times} times"),
            Self::Store(fault) => f.write_str(&fault_text(*fault)),
            Self::ClockBack => f.write_str("clock of the shipper back by an hour"),
            Self::SecondShipper => f.write_str("second shipper on the same ledger"),
            Self::DiskGuarded => f.write_str("store down, disk full to `--min-free`"),
            Self::DiskFull => f.write_str("store down, disk full, `--min-free 0`"),
            Self::DiskAtOnce(kind) => {
                write!(f, "store down, {kind} full at once, 0 bytes, 0 inodes")
            }
            Self::LiveRemoved => f.write_str("`entries.jsonl` removed"),
            Self::LiveCut => f.write_str("`entries.jsonl` cut to nothing"),
            Self::SegmentsMoved => f.write_str("store down, `segments/` moved away"),
            Self::GatewayKilled => f.write_str("gateway killed (SIGKILL)"),
        }
    }
}

fn fault_text(fault: Fault) -> String {
    match fault {
        Fault::None => "store as it should be".to_owned(),
        Fault::Refuse => "store down".to_owned(),
        Fault::Stall => "store takes connections and says nothing".to_owned(),
        Fault::Slow { bytes_per_second } => format!("store slow ({bytes_per_second} B/s)"),
        Fault::Status { code, s3_code } => format!("store answers {code} {s3_code}"),
        Fault::Stage { names } => format!("store that guards {names} alone"),
        Fault::CutAfter { bytes } => format!("connection cut {bytes} bytes into each PUT"),
    }
}
