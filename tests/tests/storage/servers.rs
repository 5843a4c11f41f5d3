//! Each store is what `storage/mod.rs` says of it, good and bad.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, ObjectIdentifier, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRetention, ObjectLockRetentionMode, VersioningConfiguration,
};
use ledgerline_tests::storage::{CephRgw, Identity, LockMode, Moto, S3, Versitygw};

use crate::stage::{bucket, ceph, versitygw};

const DAY: Duration = Duration::from_secs(86_400);
/// SHA-256 of `hello\n`, in base64.
const HELLO: &str = "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=";

/// An object in a bucket, and what may be tried against it.
struct Target {
    client: Client,
    bucket: String,
    version: String,
}

impl Target {
    /// Puts `hello\n` and keeps its version.
    async fn put(s3: &S3, bucket: &str, lock: Option<(LockMode, u32)>) -> Self {
        let client = s3.client(Identity::Owner).unwrap();
        let put = put(&client, bucket, "a/1", b"hello\n");
        let put = match lock {
            Some((mode, days)) => put
                .object_lock_mode(mode.as_str().into())
                .object_lock_retain_until_date(in_days(days)),
            None => put,
        };
        let version = put.send().await.unwrap().version_id.unwrap();
        Self { client, bucket: bucket.to_owned(), version }
    }

    async fn delete(&self, bypass: bool) -> String {
        let delete = self.client.delete_object().bucket(&self.bucket).key("a/1");
        let delete = delete.version_id(&self.version);
        // `false` is not the same to every server as the header's absence.
        let delete = delete.set_bypass_governance_retention(bypass.then_some(true));
        code(delete.send().await)
    }

    async fn delete_in_bulk(&self) -> String {
        let object = ObjectIdentifier::builder().key("a/1").version_id(&self.version);
        let delete = Delete::builder().objects(object.build().unwrap()).build().unwrap();
        let delete = self.client.delete_objects().bucket(&self.bucket).delete(delete);
        let answer = delete.send().await.unwrap();
        answer.errors().first().and_then(|error| error.code()).unwrap_or("OK").to_owned()
    }

    async fn retain(&self, mode: ObjectLockRetentionMode, days: u32, bypass: bool) -> String {
        let until = in_days(days);
        let retention = ObjectLockRetention::builder().mode(mode).retain_until_date(until);
        let put = self.client.put_object_retention().bucket(&self.bucket).key("a/1");
        let put = put.version_id(&self.version).retention(retention.build());
        code(put.set_bypass_governance_retention(bypass.then_some(true)).send().await)
    }

    async fn weaken_bucket(&self) -> [String; 2] {
        let lock = ObjectLockConfiguration::builder();
        let lock = lock.object_lock_enabled(ObjectLockEnabled::Enabled).build();
        let put = self.client.put_object_lock_configuration().bucket(&self.bucket);
        let default = code(put.object_lock_configuration(lock).send().await);
        let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended);
        let put = self.client.put_bucket_versioning().bucket(&self.bucket);
        [default, code(put.versioning_configuration(off.build()).send().await)]
    }

    async fn body(&self) -> Vec<u8> {
        let get = self.client.get_object().bucket(&self.bucket).key("a/1");
        let got = get.version_id(&self.version).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// Tries all that takes away a COMPLIANCE lock, and expects the bytes to be there after it.
    async fn withstands_its_owner(&self) {
        use ObjectLockRetentionMode::{Compliance, Governance};
        for bypass in [false, true] {
            assert_eq!(self.delete(bypass).await, "AccessDenied", "delete, bypass {bypass}");
            assert_eq!(self.retain(Compliance, 1, bypass).await, "AccessDenied", "{bypass}");
            assert_eq!(self.retain(Governance, 300, bypass).await, "AccessDenied", "{bypass}");
        }
        assert_eq!(self.delete_in_bulk().await, "AccessDenied");
        assert_eq!(self.weaken_bucket().await, ["OK", "InvalidBucketState"]);
        assert_eq!(self.delete(true).await, "AccessDenied", "after the default is gone");
        put(&self.client, &self.bucket, "a/1", b"forged\n").send().await.unwrap();
        let marker = self.client.delete_object().bucket(&self.bucket).key("a/1");
        assert_eq!(marker.send().await.unwrap().delete_marker, Some(true));
        assert_eq!(self.body().await, b"hello\n");
        assert_eq!(self.retain(Compliance, 300, false).await, "OK", "longer is always allowed");
    }
}

fn put(client: &Client, bucket: &str, key: &str, body: &'static [u8]) -> PutObjectFluentBuilder {
    client.put_object().bucket(bucket).key(key).body(ByteStream::from_static(body))
}

fn in_days(days: u32) -> DateTime {
    DateTime::from(SystemTime::now() + DAY * days)
}

fn code<T, E: ProvideErrorMetadata + std::fmt::Debug>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.code().unwrap_or_else(|| panic!("no S3 error: {error:?}")).to_owned(),
    }
}

async fn locked_bucket(s3: &S3, what: &str) -> String {
    let bucket = bucket(what);
    s3.create_locked_bucket(&bucket, LockMode::Compliance, 180).await.unwrap();
    bucket
}

/// What the two ways of saying "not twice" and "these bytes" get: the second put of a name, and a
/// put whose SHA-256 is another's.
async fn twice_and_wrong(s3: &S3) -> [String; 2] {
    let bucket = locked_bucket(s3, "twice").await;
    let client = s3.client(Identity::Owner).unwrap();
    let first = put(&client, &bucket, "a/1", b"hello\n").checksum_sha256(HELLO);
    let first: PutObjectOutput = first.if_none_match("*").send().await.unwrap();
    assert!(first.version_id.is_some());
    let second = put(&client, &bucket, "a/1", b"hello\n").if_none_match("*").send().await;
    let wrong = put(&client, &bucket, "a/2", b"other\n").checksum_sha256(HELLO).send().await;
    [code(second), code(wrong)]
}

#[tokio::test]
async fn ceph_keeps_the_default_retention_with_each_version_against_its_owner() {
    let Some(ceph) = ceph().await else { return };
    let bucket = locked_bucket(ceph.s3(), "default").await;
    let target = Target::put(ceph.s3(), &bucket, None).await;

    let [object] = &ceph.s3().objects(&bucket, "a/").await.unwrap()[..] else { panic!("one") };
    assert_eq!((&object.version, object.latest), (&target.version, true));
    assert_eq!(object.lines, ["hello"]);
    assert_eq!(object.mode, Some(LockMode::Compliance));
    let left = object.until.unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(left > DAY * 179 && left <= DAY * 180, "{left:?}");
    target.withstands_its_owner().await;
}

#[tokio::test]
async fn ceph_ignores_conditional_puts_and_wrong_checksums() {
    let Some(ceph) = ceph().await else { return };
    assert_eq!(twice_and_wrong(ceph.s3()).await, ["OK", "OK"]);
}

#[tokio::test]
async fn versitygw_keeps_a_retention_that_came_with_the_put_against_its_root() {
    let Some(store) = versitygw().await else { return };
    let bucket = locked_bucket(store.s3(), "explicit").await;
    let lock = Some((LockMode::Compliance, 181));
    let target = Target::put(store.s3(), &bucket, lock).await;
    target.withstands_its_owner().await;
    let root = Target { client: store.s3().client(Identity::Root).unwrap(), ..target };
    root.withstands_its_owner().await;
}

#[tokio::test]
async fn versitygw_does_not_keep_the_default_retention_with_an_object() {
    let Some(store) = versitygw().await else { return };
    let bucket = locked_bucket(store.s3(), "ruled").await;
    let target = Target::put(store.s3(), &bucket, None).await;
    assert_eq!(store.s3().objects(&bucket, "").await.unwrap()[0].mode, None);
    assert_eq!(target.delete(true).await, "AccessDenied", "the rule holds while it is there");
    assert_eq!(target.weaken_bucket().await, ["OK", "InvalidBucketState"]);
    assert_eq!(target.delete(false).await, "OK", "the rule is gone, and with it the lock");
}

#[tokio::test]
async fn versitygw_refuses_a_second_put_and_a_wrong_checksum() {
    let Some(store) = versitygw().await else { return };
    assert_eq!(twice_and_wrong(store.s3()).await, ["PreconditionFailed", "BadDigest"]);
}

#[tokio::test]
async fn governance_gives_way_to_who_may_bypass_it() {
    let Some(ceph) = ceph().await else { return };
    let bucket = locked_bucket(ceph.s3(), "governed").await;
    let lock = Some((LockMode::Governance, 181));
    let target = Target::put(ceph.s3(), &bucket, lock).await;
    assert_eq!(target.delete(false).await, "AccessDenied");
    assert_eq!(target.delete(true).await, "OK");
}

#[tokio::test]
async fn moto_lets_a_compliance_lock_be_shortened() {
    let Some(moto) = Moto::start().await.unwrap() else { return };
    let bucket = locked_bucket(moto.s3(), "lied-to").await;
    let target = Target::put(moto.s3(), &bucket, None).await;
    assert_eq!(target.delete(true).await, "AccessDenied");
    assert_eq!(target.retain(LockMode::Compliance, 1, false).await, "OK");
}

#[tokio::test]
async fn ceph_holds_across_a_kill_of_all_its_daemons() {
    let Some(ceph) = CephRgw::start().await.unwrap() else { return };
    let bucket = locked_bucket(ceph.s3(), "killed").await;
    let target = Target::put(ceph.s3(), &bucket, None).await;
    ceph.kill();
    assert!(ceph.s3().objects(&bucket, "").await.is_err(), "nobody is there");
    ceph.restart().await.unwrap();
    target.withstands_its_owner().await;
}

#[tokio::test]
async fn versitygw_holds_across_a_kill() {
    let Some(store) = Versitygw::start().await.unwrap() else { return };
    let bucket = locked_bucket(store.s3(), "killed").await;
    let lock = Some((LockMode::Compliance, 181));
    let target = Target::put(store.s3(), &bucket, lock).await;
    store.kill();
    assert!(store.s3().objects(&bucket, "").await.is_err(), "nobody is there");
    store.restart().await.unwrap();
    target.withstands_its_owner().await;
}
