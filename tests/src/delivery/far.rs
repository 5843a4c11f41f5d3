//! The far end: a bucket that locks what it is given, behind a network that fails on demand.

use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::Lines;
use crate::storage::{FaultyProxy, Identity, LockMode, S3};

/// For how long the bucket locks.
const DAYS: i32 = 180;

/// A bucket of its own on a store.
#[derive(Debug)]
pub struct Far {
    /// The network before the store.
    pub proxy: FaultyProxy,
    store: S3,
    bucket: String,
}

/// What stands in a bucket, every version of every object.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// All lines.
    pub lines: Lines,
    /// How many versions of objects.
    pub versions: u64,
    /// How many of them are not locked in COMPLIANCE mode to their due date.
    pub unprotected: u64,
}

impl Far {
    /// Makes a bucket that locks for 180 days in COMPLIANCE mode.
    pub async fn new(store: &S3, bucket: &str) -> Result<Self> {
        store.create_locked_bucket(bucket, LockMode::Compliance, DAYS).await?;
        let proxy = FaultyProxy::before(store.url())?;
        Ok(Self { proxy, store: store.clone(), bucket: bucket.to_owned() })
    }

    /// Where `ledgerline ship` carries to.
    pub fn url(&self) -> String {
        format!("s3://{}/ledger", self.bucket)
    }

    /// The environment in which it gets there, through the proxy.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.store.at(self.proxy.url()).environment(Identity::Owner)
    }

    /// Reads everything back, past the proxy.
    pub async fn stored(&self) -> Result<Stored> {
        let due = SystemTime::now() + Duration::from_secs(86_400) * (DAYS.unsigned_abs() - 1);
        let mut stored = Stored::default();
        for object in self.store.objects(&self.bucket, "ledger/").await? {
            if object.key.starts_with("ledger/receipts/") {
                continue;
            }
            let is_locked = object.mode == Some(LockMode::Compliance)
                && object.until.is_some_and(|until| until > due);
            stored.versions += 1;
            stored.unprotected += u64::from(!is_locked);
            object.lines.iter().for_each(|line| stored.lines.add_line(line.as_bytes()));
        }
        Ok(stored)
    }
}
