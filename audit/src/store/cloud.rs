//! Azure Blob Storage and Google Cloud Storage, through `object_store`.
//!
//! Both write a name once by a condition on the put. Their locks are settings of the container or
//! bucket, which this client cannot read: [`Held::Unknown`], unless the store tells the lock of a blob
//! beside its size, as Azure does for containers with version-level immutability.

mod observed;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use object_store::{
    Attribute, AttributeValue, Attributes, ClientOptions, ObjectStore, ObjectStoreExt as _,
    PutMode, PutOptions, PutPayload, RetryConfig, azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder, path::Path,
};

use sha2::{Digest as _, Sha256};

use self::observed::{Observed, Seen};
use super::{
    CONTENT_TYPE, Held, Kind, Lock, LockMode, Object, SinkUrl, Sought, StoreError, Written,
};

/// A container or bucket, and a prefix in it.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    url: SinkUrl,
    store: Arc<dyn ObjectStore>,
}

const CONNECT: Duration = Duration::from_secs(5);
/// For one attempt, and one second more for each megabyte that it carries.
const ATTEMPT: Duration = Duration::from_secs(60);

impl Cloud {
    pub(crate) fn open(url: &SinkUrl) -> Result<Self, StoreError> {
        // TLS of this client asks the process for its cryptography. Another part may have set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = url.bucket().unwrap_or_default();
        let store = match url {
            SinkUrl::Google { .. } => google(bucket),
            _ => azure(bucket),
        };
        match store {
            Ok(store) => Ok(Self { url: url.clone(), store }),
            Err(_) => Err(unset(url)),
        }
    }

    pub(crate) async fn put(&self, object: &Object) -> Result<Written, StoreError> {
        let options = PutOptions {
            mode: PutMode::Create,
            attributes: self.attributes(object),
            ..PutOptions::default()
        };
        let payload = PutPayload::from_bytes(object.body.clone());
        let path = self.path(&object.name)?;
        let put = self.store.put_opts(&path, payload, options);
        match self.limited("put", &object.sought(), put).await? {
            (Ok(_), _) => Ok(Written::Created { version: None }),
            (Err(object_store::Error::AlreadyExists { .. }), _) => Ok(Written::Exists),
            (Err(error), seen) => Err(self.error("put", &object.name, &error, &seen)),
        }
    }

    pub(crate) async fn held(&self, sought: &Sought) -> Result<Held, StoreError> {
        let path = self.path(&sought.name)?;
        let (head, seen) = self.limited("read", sought, self.store.head(&path)).await?;
        match head {
            Ok(head) if head.size != sought.bytes => Ok(Held::Different),
            Ok(_) => self.held_as_seen(sought, &path, &seen).await,
            Err(_) if seen.status == Some(403) => Ok(Held::Unknown {
                why: "this writer may not look: allow it to read below the prefix".to_owned(),
            }),
            Err(error) => Err(self.error("read", &sought.name, &error, &seen)),
        }
    }

    async fn held_as_seen(
        &self,
        sought: &Sought,
        path: &Path,
        seen: &Seen,
    ) -> Result<Held, StoreError> {
        if !self.is_same(sought, path).await? {
            return Ok(Held::Different);
        }
        match lock_of(seen) {
            Some(lock) => Ok(Held::Locked { version: None, lock }),
            None => Ok(Held::Unknown {
                why: "the lock is a setting of the container or bucket, which this client cannot read"
                    .to_owned(),
            }),
        }
    }

    /// Neither store keeps a SHA-256, so the bytes are compared.
    async fn is_same(&self, sought: &Sought, path: &Path) -> Result<bool, StoreError> {
        let get = async { self.store.get(path).await?.bytes().await };
        match self.limited("read", sought, get).await? {
            (Ok(bytes), _) => Ok(<[u8; 32]>::from(Sha256::digest(&bytes)) == sought.sha256),
            (Err(error), seen) => Err(self.error("read", &sought.name, &error, &seen)),
        }
    }

    pub(crate) async fn remove(&self, object: &Object) -> Result<(), StoreError> {
        let path = self.path(&object.name)?;
        match self.limited("delete", &object.sought(), self.store.delete(&path)).await? {
            (Ok(()), _) => Ok(()),
            (Err(error), seen) => Err(self.error("delete", &object.name, &error, &seen)),
        }
    }

    /// Google unpacks what is stored with an encoding, and then tells no length, without which this client
    /// takes no answer. So there the object is what its name says: a file in gzip.
    fn attributes(&self, object: &Object) -> Attributes {
        let mut attributes = Attributes::new();
        let mut set = |attribute, value| attributes.insert(attribute, AttributeValue::from(value));
        match (&self.url, object.encoding) {
            (SinkUrl::Google { .. }, Some("gzip")) => {
                set(Attribute::ContentType, "application/gzip");
            }
            (_, encoding) => {
                set(Attribute::ContentType, CONTENT_TYPE);
                encoding.map(|encoding| set(Attribute::ContentEncoding, encoding));
            }
        }
        attributes
    }

    fn path(&self, name: &str) -> Result<Path, StoreError> {
        let bad =
            |_| StoreError::wrong("put", &self.url, "the object's name is none for this store");
        Path::parse(self.url.key(name)).map_err(bad)
    }

    /// What became of a call, and what the last answer of the store looked like.
    async fn limited<T>(
        &self,
        verb: &str,
        sought: &Sought,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<(object_store::Result<T>, Seen), StoreError> {
        let limit = ATTEMPT + Duration::from_secs(sought.bytes.div_ceil(1_000_000));
        let address = self.url.address(&sought.name);
        let late = |_| StoreError::new(Kind::Busy, verb, &address, "no answer in time");
        tokio::time::timeout(limit, Seen::while_doing(call)).await.map_err(late)
    }

    /// Of the client's own words none are shown: they hold addresses, and may hold what signs them.
    fn error(
        &self,
        verb: &str,
        name: &str,
        error: &object_store::Error,
        seen: &Seen,
    ) -> StoreError {
        let address = self.url.address(name);
        let (kind, fix) = match (seen.status, error) {
            (None, _) => (Kind::Busy, "check the endpoint, the network and the credentials"),
            (Some(401), _) => (Kind::Refused, "the credentials are not valid: renew them"),
            (Some(403), _) => (Kind::Refused, "allow this user to write below the prefix"),
            (Some(404), _) if seen.says_no_container() => {
                (Kind::Wrong, "create the container or bucket, or correct its name")
            }
            (Some(404), _) => (Kind::Refused, "nothing is under this name"),
            (Some(408 | 429 | 500..), _) => (Kind::Busy, "try again"),
            (Some(200..=299), _) => (Kind::Busy, "the answer broke off: try again"),
            _ => (Kind::Refused, "look the code up in the store's documentation"),
        };
        let is_missing = seen.status == Some(404) && !seen.says_no_container();
        let is_stale = matches!(seen.status, Some(401 | 403));
        let told = StoreError::new(kind, verb, &address, seen.to_string()).fix(fix);
        told.missing(is_missing).stale(is_stale)
    }
}

fn azure(container: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let store = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .with_retry(no_retry())
        .with_client_options(client_options())
        .with_http_connector(Observed);
    Ok(Arc::new(store.build()?))
}

fn google(bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let store = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_retry(no_retry())
        .with_client_options(client_options())
        .with_http_connector(Observed);
    Ok(Arc::new(store.build()?))
}

/// Plain HTTP only to an emulator of this machine.
fn client_options() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout_disabled()
        .with_allow_http(is_emulated())
}

fn is_emulated() -> bool {
    let is_on =
        |name| std::env::var(name).is_ok_and(|value| matches!(value.as_str(), "1" | "true"));
    ["AZURE_STORAGE_USE_EMULATOR", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP"].into_iter().any(is_on)
}

fn no_retry() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

fn unset(url: &SinkUrl) -> StoreError {
    let fix = match url {
        SinkUrl::Azure { .. } => {
            "set AZURE_STORAGE_ACCOUNT_NAME, and a key, a token file or a managed identity"
        }
        _ => "set GOOGLE_APPLICATION_CREDENTIALS, or run where an identity is given",
    };
    StoreError::wrong("open", url, "the settings do not suffice").fix(fix)
}

/// Azure tells the lock of a blob where immutability is set per version.
fn lock_of(seen: &Seen) -> Option<Lock> {
    let mode = match seen.immutability_mode.as_deref()?.to_ascii_lowercase().as_str() {
        "locked" => LockMode::Compliance,
        "unlocked" => LockMode::Governance,
        _ => return None,
    };
    let until = seen.immutability_until.as_deref()?;
    let until = jiff::fmt::rfc2822::parse(until).ok()?.timestamp();
    Some(Lock { mode, until: Timestamp::max(until, Timestamp::UNIX_EPOCH) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(mode: &str, until: &str) -> Seen {
        Seen {
            immutability_mode: Some(mode.to_owned()),
            immutability_until: Some(until.to_owned()),
            ..Seen::default()
        }
    }

    #[test]
    fn azure_tells_a_lock_by_two_headers() {
        let until = "2027-05-20T10:00:00Z".parse().unwrap();
        let date = "Thu, 20 May 2027 10:00:00 GMT";
        let locked = Some(Lock { mode: LockMode::Compliance, until });
        assert_eq!(lock_of(&seen("locked", date)), locked);
        assert_eq!(
            lock_of(&seen("Unlocked", date)),
            Some(Lock { mode: LockMode::Governance, until })
        );
        assert_eq!(lock_of(&seen("mutable", date)), None);
        assert_eq!(lock_of(&seen("locked", "soon")), None);
        assert_eq!(lock_of(&Seen::default()), None);
    }
}
