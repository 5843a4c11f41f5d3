//! Amazon S3, and servers that speak like it: Object Lock through Amazon's own client.
//!
//! Two rights are enough: `s3:PutObject` writes, `s3:GetObjectRetention` reads the lock back.
//! With `s3:GetObject` as well, size and checksum are read back, and a name that is taken can be
//! looked into.

mod answer;
mod client;
mod lock;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_sdk_s3::{
    Client,
    operation::{
        get_object_retention::{GetObjectRetentionError, GetObjectRetentionOutput},
        head_object::{HeadObjectError, HeadObjectOutput},
        put_object::{PutObjectOutput, builders::PutObjectFluentBuilder},
    },
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode},
};
use aws_smithy_types::base64::encode as base64;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use self::lock::{lock_of_retention, lock_of_stray, s3_mode, s3_time};
pub(crate) use self::{
    answer::{Answer, Trouble},
    client::{Limits, connect, endpoint},
    lock::{lock_of_get, lock_of_head, lock_of_rule, s3_retention},
};
use super::{
    CONTENT_TYPE, Held, Kind, Lock, Object, Retention, SinkUrl, Sought, StoreError, Written,
};

/// A bucket and a prefix in it.
#[derive(Clone, Debug)]
pub(crate) struct S3 {
    pub(crate) client: Client,
    pub(crate) bucket: String,
    url: SinkUrl,
    retention: Option<Retention>,
    /// This writer was refused to look at an object: it is not asked again and again.
    may_not_look: Arc<AtomicBool>,
}

/// What a put asks for besides the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// Only if the name is free.
    pub(crate) only_if_new: bool,
    /// A lock of its own.
    pub(crate) lock: Option<Lock>,
}

impl S3 {
    /// With the credentials of `profile`, or those of the default chain.
    pub(crate) async fn open(
        url: &SinkUrl,
        profile: Option<&str>,
        retention: Option<Retention>,
    ) -> Result<Self, StoreError> {
        let bucket = url.bucket().unwrap_or_default().to_owned();
        let client = connect(url, profile).await?;
        Ok(Self { client, bucket, url: url.clone(), retention, may_not_look: Arc::default() })
    }

    pub(crate) async fn put(&self, object: &Object) -> Result<Written, StoreError> {
        self.put_as(object, true).await
    }

    pub(crate) async fn put_version(&self, object: &Object) -> Result<Written, StoreError> {
        self.put_as(object, false).await
    }

    async fn put_as(&self, object: &Object, only_if_new: bool) -> Result<Written, StoreError> {
        let lock = self.retention.map(|retention| retention.from(Timestamp::now()));
        let wish = Wish { only_if_new, lock };
        match self.try_put(&self.url.key(&object.name), object, wish).await {
            Ok(output) => self.written(object, &output),
            Err(answer) if answer.status() == Some(412) => Ok(Written::Exists),
            Err(answer) => Err(self.error("put", &object.name, &answer, "s3:PutObject")),
        }
    }

    /// One put under any key, and the store's own answer.
    pub(crate) async fn try_put(
        &self,
        key: &str,
        object: &Object,
        wish: Wish,
    ) -> Result<PutObjectOutput, Answer> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(CONTENT_TYPE)
            .set_content_encoding(object.encoding.map(str::to_owned))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(base64(object.sha256))
            .body(ByteStream::from(object.body.clone()));
        let limits = Limits::of(object.body.len());
        let sent = wish.of(request).customize().config_override(limits.config()).send().await;
        sent.map_err(|error| Answer::of(&error))
    }

    /// The store's checksum of what arrived, where it tells one, is ours.
    fn written(&self, object: &Object, output: &PutObjectOutput) -> Result<Written, StoreError> {
        match output.checksum_sha256() {
            Some(theirs) if theirs != base64(object.sha256) => {
                let told = "the store took it, but its checksum is not the one that was sent";
                Err(StoreError::new(Kind::Refused, "put", &self.address(object), told)
                    .fix("look for a proxy that changes what passes, and put it again"))
            }
            _ => Ok(Written::Created { version: output.version_id().and_then(known_version) }),
        }
    }

    pub(crate) async fn held(
        &self,
        sought: &Sought,
        version: Option<&str>,
    ) -> Result<Held, StoreError> {
        if version.is_some() && self.may_not_look.load(Ordering::Relaxed) {
            return self.held_by_lock(sought, version).await;
        }
        match self.head(&self.url.key(&sought.name), version).await {
            Ok(head) => self.held_by_head(sought, version, &head).await,
            Err(answer) if answer.is_forbidden() && version.is_none() => Ok(Held::Unknown {
                why: "the name was taken, and this writer may not look by what: allow it \
                      s3:GetObject on the prefix"
                    .to_owned(),
            }),
            Err(answer) if answer.is_forbidden() => {
                self.may_not_look.store(true, Ordering::Relaxed);
                self.held_by_lock(sought, version).await
            }
            Err(answer) => Err(self
                .error("read", &sought.name, &answer, "s3:GetObject")
                .missing(is_missing(&answer, version))),
        }
    }

    async fn held_by_head(
        &self,
        sought: &Sought,
        version: Option<&str>,
        head: &HeadObjectOutput,
    ) -> Result<Held, StoreError> {
        let version = version.or(head.version_id()).and_then(known_version);
        if !self.is_same(sought, version.as_deref(), head).await? {
            return Ok(Held::Different);
        }
        match lock_of_head(head) {
            Some(lock) => Ok(Held::Locked { version, lock }),
            None => self.held_by_lock(sought, version.as_deref()).await,
        }
    }

    /// Compares by the store's checksum; where it keeps none, by the bytes.
    async fn is_same(
        &self,
        sought: &Sought,
        version: Option<&str>,
        head: &HeadObjectOutput,
    ) -> Result<bool, StoreError> {
        if head.content_length() != i64::try_from(sought.bytes).ok() {
            return Ok(false);
        }
        if let Some(theirs) = head.checksum_sha256() {
            return Ok(theirs == base64(sought.sha256));
        }
        let bytes = usize::try_from(sought.bytes).unwrap_or(usize::MAX);
        match self.sha256(&self.url.key(&sought.name), version, bytes).await {
            Ok(sha256) => Ok(sha256 == sought.sha256),
            Err(answer) => Err(self.error("read", &sought.name, &answer, "s3:GetObject")),
        }
    }

    async fn held_by_lock(
        &self,
        sought: &Sought,
        version: Option<&str>,
    ) -> Result<Held, StoreError> {
        let version_told = version.map(str::to_owned);
        match self.retention(&self.url.key(&sought.name), version).await {
            Ok(Some(lock)) => Ok(Held::Locked { version: version_told, lock }),
            Ok(None) => Ok(Held::Unlocked { version: version_told }),
            Err(answer) if answer.is_forbidden() => Ok(Held::Unknown {
                why: "this writer may not read the lock back: allow it s3:GetObjectRetention on \
                      the prefix"
                    .to_owned(),
            }),
            Err(answer) => {
                let action = "s3:GetObjectRetention";
                Err(self
                    .error("read the lock of", &sought.name, &answer, action)
                    .missing(is_missing(&answer, version)))
            }
        }
    }

    pub(crate) async fn head(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<HeadObjectOutput, Answer> {
        let request = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_version_id(version.map(str::to_owned));
        request.send().await.map_err(|error| Answer::of::<HeadObjectError>(&error))
    }

    /// The lock of a version; `None` if the store says that there is none.
    pub(crate) async fn retention(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<Lock>, Answer> {
        let request = self
            .client
            .get_object_retention()
            .bucket(&self.bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned));
        match request.send().await {
            Ok(output) => {
                Ok(GetObjectRetentionOutput::retention(&output).and_then(lock_of_retention))
            }
            Err(error) => match Answer::of::<GetObjectRetentionError>(&error) {
                answer if answer.says_no_lock() => Ok(None),
                answer => error.raw_response().and_then(lock_of_stray).map(Some).ok_or(answer),
            },
        }
    }

    /// The hash of a version's bytes.
    pub(crate) async fn sha256(
        &self,
        key: &str,
        version: Option<&str>,
        bytes: usize,
    ) -> Result<[u8; 32], Answer> {
        let limits = Limits::of(bytes);
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned));
        let read = async {
            let sent = request.customize().config_override(limits.config()).send().await;
            let mut body = sent.map_err(|error| Answer::of(&error))?.body;
            let mut hash = Sha256::new();
            while let Some(chunk) = body.next().await {
                hash.update(chunk.map_err(|_| Answer::of_trouble(Trouble::Broken))?);
            }
            Ok(hash.finalize().into())
        };
        let late = |_| Answer::of_trouble(Trouble::Timeout);
        tokio::time::timeout(limits.attempt, read).await.map_err(late)?
    }

    fn address(&self, object: &Object) -> String {
        self.url.address(&object.name)
    }

    fn error(&self, verb: &str, name: &str, answer: &Answer, action: &str) -> StoreError {
        answer.error(verb, &self.url.address(name), action)
    }
}

impl Wish {
    fn of(self, request: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        let request = match self.lock {
            Some(lock) => request
                .object_lock_mode(s3_mode(lock.mode))
                .object_lock_retain_until_date(s3_time(lock.until)),
            None => request,
        };
        if self.only_if_new { request.if_none_match("*") } else { request }
    }
}

/// Nothing is there; or there never was such a version, which some stores call a bad request.
fn is_missing(answer: &Answer, version: Option<&str>) -> bool {
    match answer.status() {
        Some(404) => answer.code() != Some("NoSuchBucket"),
        Some(400) => version.is_some() && !answer.blames_the_caller(),
        _ => false,
    }
}

/// A bucket without versioning calls its only version `null`.
pub(crate) fn known_version(version: &str) -> Option<String> {
    (!matches!(version, "" | "null")).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, written) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), written);
        }
        let empty: [u8; 32] = Sha256::digest(b"").into();
        assert_eq!(base64(empty), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn null_is_no_version() {
        assert_eq!(known_version("null"), None);
        assert_eq!(known_version("3L4k"), Some("3L4k".to_owned()));
    }
}
