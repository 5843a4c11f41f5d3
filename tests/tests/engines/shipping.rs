//! The collector carries a growing ledger into a locked bucket.

use anyhow::{Context, Result, bail};
use ledgerline_tests::storage::{CephRgw, Fault, FaultyProxy, Identity, LockMode, S3, Versitygw};
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

use crate::PATIENCE;
use crate::collector::Collector;
use crate::growing::{Arrived, Growing};

const BUCKET: &str = "ledger";

/// A ledger, a collector beside it, and a store behind a network that can fail.
struct Stage {
    folder: TempDir,
    ledger: Growing,
    collector: Collector,
    proxy: FaultyProxy,
    store: S3,
}

impl Stage {
    /// `None` where there is no collector.
    async fn open(store: &S3) -> Result<Option<Self>> {
        store.create_locked_bucket(BUCKET, LockMode::Compliance, 1).await?;
        let (folder, proxy) = (tempfile::tempdir()?, FaultyProxy::before(store.url())?);
        let ledger = Growing::new(&folder.path().join("ledger"))?;
        let Some(collector) = Collector::new("otel-collector.yaml", folder.path())? else {
            return Ok(None);
        };
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut collector = collector
            .with("LEDGERLINE_FOLDER", &path("ledger"))
            .with("LEDGERLINE_STATE", &path("state"))
            .with("LEDGERLINE_BUCKET", BUCKET)
            .with("LEDGERLINE_HOST", "gateway")
            .with("LEDGERLINE_PATH_STYLE", "true")
            .with("LEDGERLINE_FLUSH", "300ms");
        for (name, value) in store.at(proxy.url()).environment(Identity::Owner) {
            collector = collector.with(&name, &value);
        }
        collector.start().await?;
        Ok(Some(Self { folder, ledger, collector, proxy, store: store.clone() }))
    }

    async fn arrived(&self) -> Result<Arrived> {
        let objects = self.store.objects(BUCKET, "audit/gateway/").await?;
        let lines = objects.iter().flat_map(|object| &object.lines);
        Ok(self.ledger.compare(lines.map(String::as_str)))
    }

    /// Waits until every line is in the bucket.
    async fn wait_for_all(&self) -> Result<Arrived> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let arrived = self.arrived().await?;
            if arrived.missing == 0 {
                return Ok(arrived);
            }
            if Instant::now() > deadline {
                let folder = self.folder.path().display();
                bail!("{arrived:?} after {PATIENCE:?} in {folder}: {}", self.collector.log());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn every_line_is_in_the_bucket_byte_for_byte_and_locked() -> Result<()> {
    let Some(store) = CephRgw::start().await? else { return Ok(()) };
    let Some(mut stage) = Stage::open(store.s3()).await? else { return Ok(()) };
    for _ in 0..3 {
        stage.ledger.write(500)?;
        stage.ledger.write_long()?;
        stage.ledger.rotate()?;
        stage.ledger.write(100)?;
    }
    let arrived = stage.wait_for_all().await?;
    assert_eq!(arrived, Arrived { missing: 0, strange: 0, duplicates: 0 });
    let objects = stage.store.objects(BUCKET, "audit/gateway/").await?;
    for object in &objects {
        assert_eq!(object.mode, Some(LockMode::Compliance), "{}", object.key);
        assert!(object.until.context("no end of the lock")? > std::time::SystemTime::now());
    }
    stage.collector.stop().await
}

#[tokio::test]
async fn a_collector_that_is_killed_again_and_again_loses_nothing() -> Result<()> {
    let rounds = std::env::var("LEDGERLINE_KILLS").map_or(Ok(5), |count| count.parse::<usize>())?;
    let Some(store) = Versitygw::start().await? else { return Ok(()) };
    let Some(mut stage) = Stage::open(store.s3()).await? else { return Ok(()) };
    for round in 0..rounds {
        // At another place in its work each time: reading, queueing, sending.
        for _ in 0..random(60) {
            stage.ledger.write(5)?;
            sleep(Duration::from_millis(25)).await;
        }
        if round % 2 == 0 {
            stage.ledger.rotate()?;
        }
        stage.collector.kill();
        stage.ledger.write(20)?;
        stage.collector.start().await?;
    }
    let arrived = stage.wait_for_all().await?;
    let lines = stage.ledger.lines().len();
    eprintln!("{rounds} kills, {lines} lines, {} of them twice", arrived.duplicates);
    assert_eq!((arrived.missing, arrived.strange), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_store_that_refuses_for_a_while_loses_nothing() -> Result<()> {
    let Some(store) = Versitygw::start().await? else { return Ok(()) };
    let Some(mut stage) = Stage::open(store.s3()).await? else { return Ok(()) };
    let faults = [
        Fault::Refuse,
        Fault::Status { code: 503, s3_code: "SlowDown" },
        Fault::Status { code: 500, s3_code: "InternalError" },
        Fault::Status { code: 403, s3_code: "AccessDenied" },
        Fault::CutAfter { bytes: 100 },
    ];
    for fault in faults {
        let before = stage.proxy.counts().faults;
        stage.proxy.set(fault);
        stage.ledger.write(200)?;
        let deadline = Instant::now() + PATIENCE;
        while stage.proxy.counts().faults < before + 4 {
            anyhow::ensure!(Instant::now() < deadline, "{fault:?}: nobody tried");
            sleep(Duration::from_millis(50)).await;
        }
        stage.proxy.set(Fault::None);
        let arrived = stage.wait_for_all().await.with_context(|| format!("{fault:?}"))?;
        assert_eq!(arrived.strange, 0);
    }
    Ok(())
}

/// From 1 to `most`.
fn random(most: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    1 + RandomState::new().hash_one(0) % most
}
