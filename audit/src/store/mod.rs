//! Storage that keeps what it is given: one object is written once, and asked back with its lock.
//!
//! ```text
//! s3://ledger-archive/egress/2026/11/21/20261121T155252.123456Z_….jsonl.gz
//! ╰┬╯  ╰────┬───────╯ ╰─┬──╯ ╰───────────────┬──────────────────────────╯
//! store   bucket      prefix               name
//! ```
//!
//! A store that took an object has promised nothing yet: a bucket may have no lock, a server may take
//! the lock's headers and forget them. So writing ([`Store::put`]) and believing ([`Store::held`]) are
//! two questions. What a store does not say is [`Held::Unknown`], which is never a yes.
//!
//! `s3://` speaks through Amazon's SDK, because only that one knows versions and retention. `az://` and
//! `gs://` speak through `object_store`. `file://` is a folder whose files the kernel makes immutable.
//!
//! Every call is one attempt with a time limit: whoever calls decides when to try again.

mod cloud;
mod endpoint;
mod error;
mod folder;
pub(crate) mod s3;
mod url;

use std::{fmt, str::FromStr};

use bytes::Bytes;
use jiff::Timestamp;

use self::{cloud::Cloud, folder::Folder, s3::S3};
pub(crate) use self::{
    endpoint::Endpoint,
    error::{Kind, StoreError},
    folder::{is_immutable, open_plainly},
    url::SinkUrl,
};

/// What every object is: JSON, one value a line.
pub(crate) const CONTENT_TYPE: &str = "application/x-ndjson";

/// An open store.
pub(crate) struct Store(Kept);

enum Kept {
    S3(Box<S3>),
    Cloud(Cloud),
    Folder(Folder),
}

/// One object to write once.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Below the prefix, with `/`.
    pub(crate) name: String,
    pub(crate) body: Bytes,
    /// SHA-256 of the body as it is stored, so of the compressed one.
    pub(crate) sha256: [u8; 32],
    /// `gzip`, or none.
    pub(crate) encoding: Option<&'static str>,
}

/// An object as it can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) name: String,
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
}

impl Object {
    pub(crate) fn sought(&self) -> Sought {
        Sought { name: self.name.clone(), sha256: self.sha256, bytes: self.body.len() as u64 }
    }
}

/// Until when a store refuses to delete a version, and whether somebody may overrule that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) mode: LockMode,
    pub(crate) until: Timestamp,
}

/// Who may take a lock away before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockMode {
    /// Nobody.
    Compliance,
    /// Whoever has the right to bypass it.
    Governance,
}

/// A lock that is asked for with each object, where the bucket's default is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) mode: LockMode,
    pub(crate) days: u32,
}

/// What a put did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Created {
        version: Option<String>,
    },
    /// The name was taken: ask [`Store::held`] by what.
    Exists,
}

/// What the store says about an object, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Locked {
        version: Option<String>,
        lock: Lock,
    },
    /// The kernel lets nobody change or remove the file while its immutable flag is on.
    Immutable,
    /// It is there, and nothing keeps it from being deleted.
    Unlocked {
        version: Option<String>,
    },
    /// Something else is under this name: its checksum or its size differs.
    Different,
    /// The store does not say. Never counts as confirmed.
    Unknown {
        why: String,
    },
}

impl Store {
    /// With `retention`, each object asks for its own lock; without, the bucket's default locks it.
    pub(crate) async fn open(
        url: &SinkUrl,
        retention: Option<Retention>,
    ) -> Result<Self, StoreError> {
        if retention.is_some() && !matches!(url, SinkUrl::S3 { .. }) {
            return Err(StoreError::wrong(
                "open",
                url,
                "no lock of one object can be asked for here",
            )
            .fix("set the retention on the container or bucket, and ask for none here"));
        }
        Ok(Self(match url {
            SinkUrl::S3 { .. } => Kept::S3(Box::new(S3::open(url, None, retention).await?)),
            SinkUrl::Azure { .. } | SinkUrl::Google { .. } => Kept::Cloud(Cloud::open(url)?),
            SinkUrl::Folder { path } => Kept::Folder(Folder::open(url, path)?),
        }))
    }

    /// Writes an object if its name is free, and compares the checksum of what arrived.
    ///
    /// A store that knows no condition on a put (Ceph) makes another version of the same name.
    pub(crate) async fn put(&self, object: &Object) -> Result<Written, StoreError> {
        match &self.0 {
            Kept::S3(s3) => s3.put(object).await,
            Kept::Cloud(cloud) => cloud.put(object).await,
            Kept::Folder(folder) => folder.put(object).await,
        }
    }

    /// Writes an object as one more version of a name that is taken.
    ///
    /// For a name behind which a writer without the right to read cannot look: the version written
    /// here is known, byte for byte, and its lock can be asked for. Where a store has no versions,
    /// the same as [`Self::put`].
    pub(crate) async fn put_version(&self, object: &Object) -> Result<Written, StoreError> {
        match &self.0 {
            Kept::S3(s3) => s3.put_version(object).await,
            Kept::Cloud(cloud) => cloud.put(object).await,
            Kept::Folder(folder) => folder.put(object).await,
        }
    }

    /// Tries to delete an object, for who wants to see that it fails. `None`: not tried here, where
    /// versions are deleted, and not names.
    pub(crate) async fn remove(&self, object: &Object) -> Option<Result<(), StoreError>> {
        match &self.0 {
            Kept::S3(_) => None,
            Kept::Cloud(cloud) => Some(cloud.remove(object).await),
            Kept::Folder(folder) => Some(folder.remove(object).await),
        }
    }

    /// What is under the object's name, and what protects it. With `version`, that version.
    pub(crate) async fn held(
        &self,
        object: &Object,
        version: Option<&str>,
    ) -> Result<Held, StoreError> {
        self.held_as(&object.sought(), version).await
    }

    /// The same, of an object that is not at hand.
    pub(crate) async fn held_as(
        &self,
        sought: &Sought,
        version: Option<&str>,
    ) -> Result<Held, StoreError> {
        match &self.0 {
            Kept::S3(s3) => s3.held(sought, version).await,
            Kept::Cloud(cloud) => cloud.held(sought).await,
            Kept::Folder(folder) => folder.held(sought).await,
        }
    }
}

impl Retention {
    /// The lock that an object gets which is written at `now`.
    pub(crate) fn from(self, now: Timestamp) -> Lock {
        let seconds = i64::from(self.days) * 86_400;
        let until = Timestamp::from_second(now.as_second().saturating_add(seconds));
        Lock { mode: self.mode, until: until.unwrap_or(Timestamp::MAX) }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compliance => "COMPLIANCE",
            Self::Governance => "GOVERNANCE",
        })
    }
}

impl FromStr for LockMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "compliance" => Ok(Self::Compliance),
            "governance" => Ok(Self::Governance),
            _ => Err("neither compliance nor governance".to_owned()),
        }
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {}", self.mode, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_counts_days_of_24_hours() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let lock = Retention { mode: LockMode::Compliance, days: 180 }.from(now);
        assert_eq!(lock.to_string(), "COMPLIANCE until 2027-05-20T10:00:00Z");
    }

    #[test]
    fn a_retention_beyond_the_calendar_ends_with_it() {
        let retention = Retention { mode: LockMode::Compliance, days: u32::MAX };
        assert_eq!(retention.from(Timestamp::UNIX_EPOCH).until, Timestamp::MAX);
    }
}
