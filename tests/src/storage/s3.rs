//! A store as its users see it: an address, and the keys of four identities.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRule, ObjectVersion,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

pub use aws_sdk_s3::types::ObjectLockRetentionMode as LockMode;

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Identity {
    /// The administrator of the whole store.
    Root,
    /// Who makes the bucket and owns it.
    Owner,
    /// Who ships: may put below its prefix, by a bucket policy.
    Writer,
    /// Who reads.
    Auditor,
}

/// An access key and its secret.
#[derive(Clone)]
pub struct Keys {
    /// The public half.
    pub access: String,
    /// The secret half; it never leaves the machine and dies with the store.
    pub secret: String,
}

/// One address of a store. [`S3::at`] gives the same store through a proxy.
#[derive(Clone, Debug)]
pub struct S3 {
    url: String,
    authority: Option<PathBuf>,
    user_arns: bool,
    root: Keys,
    owner: Keys,
    writer: Keys,
    auditor: Keys,
}

/// One version of an object, as the store gives it back.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The name, with the prefix.
    pub key: String,
    /// The version's id.
    pub version: String,
    /// Whether it is the version that a plain read gives.
    pub latest: bool,
    /// The lock that the store says the version has.
    pub mode: Option<LockMode>,
    /// The end of that lock.
    pub until: Option<SystemTime>,
    /// The bytes on the wire: compressed if they were put so.
    pub size: u64,
    /// The lines in it, decompressed; a last one without a line end counts, too.
    pub lines: Vec<String>,
}

impl Keys {
    /// New keys for one run.
    pub(super) fn new(name: &str) -> Self {
        let random = || format!("{:016X}", rand_u64());
        Self { access: format!("{name}{}", random()), secret: random() + &random() + &random() }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.access)
    }
}

impl S3 {
    /// New identities for a store that will answer on `url`.
    pub(super) fn new(url: String) -> Self {
        let [root, owner, writer, auditor] = ["ROOT", "OWNER", "WRITER", "AUDITOR"].map(Keys::new);
        Self { url, authority: None, user_arns: false, root, owner, writer, auditor }
    }

    /// For stores whose policies call a user by its ARN.
    pub(super) fn with_user_arns(self) -> Self {
        Self { user_arns: true, ..self }
    }

    /// The same store at another address: behind a proxy, for example.
    pub fn at(&self, url: impl Into<String>) -> Self {
        Self { url: url.into(), authority: None, ..self.clone() }
    }

    /// The same store by TLS, its certificate checked with the authority in this PEM file.
    pub(super) fn secured(&self, url: String, authority: PathBuf) -> Self {
        Self { url, authority: Some(authority), ..self.clone() }
    }

    /// The endpoint's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority of its certificate, a PEM file, if it speaks TLS.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &'static str {
        "us-east-1"
    }

    /// The keys of one identity.
    pub fn keys(&self, identity: Identity) -> &Keys {
        match identity {
            Identity::Root => &self.root,
            Identity::Owner => &self.owner,
            Identity::Writer => &self.writer,
            Identity::Auditor => &self.auditor,
        }
    }

    /// What the store's policies call the identity.
    pub fn principal(&self, identity: Identity) -> String {
        if self.user_arns {
            return format!("arn:aws:iam:::user/{}", format!("{identity:?}").to_lowercase());
        }
        self.keys(identity).access.clone()
    }

    /// The environment in which a program is this identity, and no other by the machine's settings.
    pub fn environment(&self, identity: Identity) -> Vec<(String, String)> {
        let keys = self.keys(identity);
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_S3", self.url.clone()),
            ("AWS_REGION", self.region().to_owned()),
            ("AWS_DEFAULT_REGION", self.region().to_owned()),
            ("AWS_ACCESS_KEY_ID", keys.access.clone()),
            ("AWS_SECRET_ACCESS_KEY", keys.secret.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ];
        if let Some(file) = &self.authority {
            let file = file.to_string_lossy().into_owned();
            variables.push(("AWS_CA_BUNDLE", file.clone()));
            variables.push(("SSL_CERT_FILE", file));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A client that tries once: a test wants to see what the store answers.
    pub fn client(&self, identity: Identity) -> Result<Client> {
        let keys = self.keys(identity);
        let credentials = Credentials::new(&keys.access, &keys.secret, None, None, "test");
        let mut trust = TrustStore::empty();
        if let Some(file) = &self.authority {
            trust.add_pem_certificate(std::fs::read(file)?);
        }
        let tls = TlsContext::builder().with_trust_store(trust).build()?;
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls)
            .build_https();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .endpoint_url(&self.url)
            .force_path_style(true)
            .http_client(http)
            .region(Region::from_static("us-east-1"))
            .retry_config(RetryConfig::disabled())
            .build();
        Ok(Client::from_conf(config))
    }

    /// Makes a bucket of the owner with Object Lock and this default retention.
    pub async fn create_locked_bucket(&self, name: &str, mode: LockMode, days: i32) -> Result<()> {
        self.create_bucket_without_default(name).await?;
        let client = self.client(Identity::Owner)?;
        let retention = DefaultRetention::builder().mode(mode).days(days).build();
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .rule(ObjectLockRule::builder().default_retention(retention).build())
            .build();
        let put = client.put_object_lock_configuration().bucket(name);
        put.object_lock_configuration(lock).send().await.context("set the default retention")?;
        Ok(())
    }

    /// Makes a bucket of the owner with Object Lock and no default retention.
    pub async fn create_bucket_without_default(&self, name: &str) -> Result<()> {
        let create = self.client(Identity::Owner)?.create_bucket().bucket(name);
        let create = create.object_lock_enabled_for_bucket(true).send();
        create.await.context("create a bucket with a lock")?;
        Ok(())
    }

    /// Makes a plain bucket of the owner: neither lock nor versions.
    pub async fn create_unlocked_bucket(&self, name: &str) -> Result<()> {
        let create = self.client(Identity::Owner)?.create_bucket().bucket(name).send();
        create.await.context("create a bucket")?;
        Ok(())
    }

    /// Sets the bucket's policy.
    pub async fn put_policy(&self, bucket: &str, policy: &str) -> Result<()> {
        let put = self.client(Identity::Owner)?.put_bucket_policy().bucket(bucket).policy(policy);
        put.send().await.context("set the bucket policy")?;
        Ok(())
    }

    /// Every version of every object below `prefix`, sorted by name. Delete markers are no objects.
    /// Read as root: on Ceph an object belongs to who put it, and the bucket's owner may not read it.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Vec<Stored>> {
        let client = self.client(Identity::Root)?;
        let mut found = Vec::new();
        for version in versions(&client, bucket, prefix).await? {
            found.push(stored(&client, bucket, version).await?);
        }
        Ok(found)
    }
}

async fn versions(client: &Client, bucket: &str, prefix: &str) -> Result<Vec<ObjectVersion>> {
    let (mut found, mut key, mut version) = (Vec::new(), None, None);
    loop {
        let list = client.list_object_versions().bucket(bucket).prefix(prefix);
        let page = list.set_key_marker(key).set_version_id_marker(version).send();
        let page = page.await.context("list the versions")?;
        found.extend(page.versions().iter().cloned());
        if page.is_truncated() != Some(true) {
            return Ok(found);
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

async fn stored(client: &Client, bucket: &str, version: ObjectVersion) -> Result<Stored> {
    let latest = version.is_latest() == Some(true);
    let key = version.key.context("a version without a name")?;
    let id = version.version_id.unwrap_or_else(|| "null".to_owned());
    let read = client.get_object().bucket(bucket).key(&key).version_id(&id).send();
    let read = read.await.with_context(|| format!("read {key}, version {id}"))?;
    // Ceph leaves the lock out of the answer when no policy lets the reader see it, root or not.
    let ask = client.get_object_retention().bucket(bucket).key(&key).version_id(&id);
    let lock = ask.send().await.ok().and_then(|answer| answer.retention);
    let (mode, until) = lock.map(|lock| (lock.mode, lock.retain_until_date)).unwrap_or_default();
    let gzip = read.content_encoding.as_deref() == Some("gzip");
    let body = read.body.collect().await?.into_bytes();
    Ok(Stored {
        latest,
        mode,
        until: until.and_then(|date| u64::try_from(date.secs()).ok()).map(since_epoch),
        size: u64::try_from(body.len())?,
        lines: lines(&body, gzip).with_context(|| format!("the lines of {key}"))?,
        key,
        version: id,
    })
}

fn since_epoch(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn lines(body: &[u8], gzip: bool) -> Result<Vec<String>> {
    let mut text = Vec::new();
    if gzip {
        flate2::read::MultiGzDecoder::new(body).read_to_end(&mut text)?;
    } else {
        text.extend_from_slice(body);
    }
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().map(str::to_owned).collect())
}

fn rand_u64() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}
