//! The rights that come as files, set by the script that comes with them, and tried by everybody.
//!
//! Not proven here, because neither store has it: identity policies; that only the break-glass role
//! changes the bucket (`aws:PrincipalArn`); the bounds of an explicit retention
//! (`s3:object-lock-remaining-retention-days`). Only AWS evaluates those.

use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode, ObjectLockRetention,
};
use ledgerline_tests::storage::{Identity, LockMode, S3};
use ledgerline_tests::workspace::{self, Needed};

use crate::stage::{bucket, ceph, versitygw};

/// Runs `envoy/sinks/s3/setup.sh` as the owner; `None` without the AWS command line.
pub(crate) fn set_up(s3: &S3, bucket: &str, more: &[&str]) -> Option<Output> {
    let aws = workspace::needs(Needed::AwsCli).unwrap()?;
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(workspace::root().join("envoy/sinks/s3/setup.sh"))
        .env("PATH", format!("{}:{path}", aws.parent().unwrap().display()))
        .envs(s3.environment(Identity::Owner))
        .args(["--bucket", bucket, "--writer", &s3.principal(Identity::Writer)])
        .args(["--auditor", &s3.principal(Identity::Auditor)])
        .args(["--break-glass", "arn:aws:iam::123456789012:role/break-glass"])
        .arg("--policies")
        .arg(folder.path())
        .args(more)
        .output()
        .unwrap();
    Some(output)
}

pub(crate) fn talk(output: &Output) -> String {
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{talk}");
    talk
}

/// What one identity gets for each thing that it may try against one version.
struct Tries {
    client: Client,
    bucket: String,
    key: &'static str,
    version: String,
}

impl Tries {
    async fn put(&self, key: &str) -> String {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        code(put.body(ByteStream::from_static(b"line\n")).send().await)
    }

    async fn put_with_lock(&self, days: u32) -> String {
        let put = self.client.put_object().bucket(&self.bucket).key(self.key);
        let put = put.object_lock_mode(ObjectLockMode::Compliance);
        code(put.object_lock_retain_until_date(in_days(days)).send().await)
    }

    async fn read(&self) -> String {
        let get = self.client.get_object().bucket(&self.bucket).key(self.key);
        code(get.version_id(&self.version).send().await)
    }

    async fn list(&self) -> String {
        code(self.client.list_object_versions().bucket(&self.bucket).send().await)
    }

    async fn read_lock(&self) -> String {
        let get = self.client.get_object_retention().bucket(&self.bucket).key(self.key);
        code(get.version_id(&self.version).send().await)
    }

    /// Everything that takes away: the name, the version, its lock, the bucket's rule.
    async fn take_away(&self) -> [String; 5] {
        let delete = || self.client.delete_object().bucket(&self.bucket).key(self.key);
        let retention = ObjectLockRetention::builder().mode(LockMode::Compliance);
        let retention = retention.retain_until_date(in_days(300)).build();
        let retain = self.client.put_object_retention().bucket(&self.bucket).key(self.key);
        let retain = retain.version_id(&self.version).retention(retention);
        let lock = ObjectLockConfiguration::builder();
        let lock = lock.object_lock_enabled(ObjectLockEnabled::Enabled).build();
        let rule = self.client.put_object_lock_configuration().bucket(&self.bucket);
        [
            code(delete().send().await),
            code(delete().version_id(&self.version).send().await),
            code(delete().version_id(&self.version).bypass_governance_retention(true).send().await),
            code(retain.send().await),
            code(rule.object_lock_configuration(lock).send().await),
        ]
    }
}

fn in_days(days: u32) -> DateTime {
    DateTime::from(SystemTime::now() + Duration::from_secs(86_400) * days)
}

fn code<T, E: ProvideErrorMetadata + std::fmt::Debug>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.code().unwrap_or_else(|| panic!("no S3 error: {error:?}")).to_owned(),
    }
}

/// Puts one object as the writer, and gives what `identity` may then try.
async fn tries(s3: &S3, bucket: &str, identity: Identity) -> Tries {
    let key = "egress/2026/1.jsonl";
    let writer = s3.client(Identity::Writer).unwrap();
    let put = writer.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"line\n"));
    let version = put.send().await.unwrap().version_id.unwrap();
    Tries { client: s3.client(identity).unwrap(), bucket: bucket.to_owned(), key, version }
}

const DENIED: &str = "AccessDenied";

#[tokio::test]
async fn the_writer_puts_below_its_prefix_and_reads_back_the_lock_and_nothing_else() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("writer"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    talk(&output);
    let writer = tries(s3, &bucket, Identity::Writer).await;
    assert_eq!(writer.put("egress/2026/2.jsonl").await, "OK");
    assert_eq!(writer.read_lock().await, "OK");
    assert_eq!(writer.put("other/1.jsonl").await, DENIED);
    assert_eq!(writer.list().await, DENIED);
    assert_eq!(writer.take_away().await, [DENIED; 5]);
    let objects = s3.objects(&bucket, "").await.unwrap();
    assert_eq!(objects.len(), 2);
    assert!(objects.iter().all(|object| object.mode == Some(LockMode::Compliance)));
}

#[tokio::test]
async fn the_auditor_reads_and_lists_and_changes_nothing() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("auditor"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    talk(&output);
    let auditor = tries(s3, &bucket, Identity::Auditor).await;
    assert_eq!(auditor.list().await, "OK");
    assert_eq!(auditor.read_lock().await, "OK");
    assert_eq!(auditor.put("egress/2026/2.jsonl").await, DENIED);
    assert_eq!(auditor.take_away().await, [DENIED; 5]);
}

/// The owner's rights end at the objects; the bucket's rule is held by AWS's `aws:PrincipalArn`,
/// which Ceph does not know, so here it may be weakened, for later objects.
#[tokio::test]
async fn the_owner_of_the_bucket_deletes_nothing_and_touches_no_lock() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("owner"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    talk(&output);
    let owner = tries(s3, &bucket, Identity::Owner).await;
    assert_eq!(owner.take_away().await, [DENIED, DENIED, DENIED, DENIED, "OK"]);
    assert_eq!(s3.objects(&bucket, "").await.unwrap().len(), 1);
}

/// The store's own administrator stands above every policy. What holds then is the lock alone.
#[tokio::test]
async fn with_the_root_keys_of_the_store_the_locked_version_still_stays() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("root"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    talk(&output);
    let root = tries(s3, &bucket, Identity::Root).await;
    let [marker, delete, bypass, _longer_is_allowed, rule] = root.take_away().await;
    assert_eq!([marker, delete, bypass, rule], ["OK", DENIED, DENIED, "OK"]);
    let gone = root.client.delete_bucket_policy().bucket(&bucket).send().await;
    assert_eq!(code(gone), "OK");
    assert_eq!(root.take_away().await[1..3], [DENIED; 2]);
    assert_eq!(code(root.client.delete_bucket().bucket(&bucket).send().await), "BucketNotEmpty");

    let [object] = &s3.objects(&bucket, "").await.unwrap()[..] else { panic!("one version") };
    assert_eq!((object.latest, &object.version), (false, &root.version), "hidden, not gone");
    assert_eq!(object.lines, ["line"]);
}

/// The block of docs/write-once.md, pasted: what its first line sets up is where its other lines ship to.
#[tokio::test]
async fn the_block_in_the_documents_works_as_it_stands() {
    let document = std::fs::read_to_string(workspace::root().join("docs/write-once.md")).unwrap();
    let line = |start: &str| {
        let line = document.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("docs/write-once.md has no line `{start}…`")).to_owned()
    };
    let set_up_line = line("envoy/sinks/s3/setup.sh --bucket ledger-archive ");
    assert!(!set_up_line.contains("--prefix"), "the default is the one: {set_up_line}");
    let ship_line = line("ledgerline ship --from ledger --to s3://");
    let to =
        |line: &str| line.split(' ').find(|word| word.starts_with("s3://")).unwrap().to_owned();
    assert_eq!(to(&ship_line), to(&line("ledgerline check-sink s3://")));
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("readme"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    let said = talk(&output);
    assert!(said.contains("nothing is deleted when its lock has ended"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let entry = r#"{"timestamp":"2026-11-21T15:52:01.000001Z","endpoint":"a/b","outcome":"success","correlation_id":"x"}"#;
    std::fs::write(folder.path().join("entries.jsonl"), format!("{entry}\n")).unwrap();
    let shipped = Command::new(workspace::tool().unwrap())
        .args(["ship", "--from"])
        .arg(folder.path())
        .args(["--to", &to(&ship_line).replace("ledger-archive", &bucket)])
        .envs(s3.environment(Identity::Writer))
        .output()
        .unwrap();
    let _ = Command::new(workspace::tool().unwrap())
        .args(["protect", "--lift"])
        .arg(folder.path())
        .output();
    assert!(shipped.status.success(), "{shipped:?}");
    let objects = s3.objects(&bucket, "egress/").await.unwrap();
    assert!(objects.iter().any(|object| object.lines == [entry]), "{objects:?}");
    assert!(objects.iter().all(|object| object.mode == Some(LockMode::Compliance)), "{objects:?}");
}

#[tokio::test]
async fn setting_up_twice_changes_nothing_and_a_dry_run_nothing_at_all() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("twice"));
    let Some(output) = set_up(s3, &bucket, &["--dry-run"]) else { return };
    assert!(talk(&output).contains("nothing was changed"));
    let head = s3.client(Identity::Owner).unwrap().head_bucket().bucket(&bucket).send().await;
    assert!(head.is_err(), "a dry run made the bucket");

    talk(&set_up(s3, &bucket, &[]).unwrap());
    let again = talk(&set_up(s3, &bucket, &["--days", "90"]).unwrap());
    for line in
        ["ok: the bucket", "ok: it keeps versions", "ok: default retention is COMPLIANCE, 180"]
    {
        assert!(again.contains(line), "{line}: {again}");
    }
}

#[tokio::test]
async fn a_bucket_that_was_made_without_a_lock_is_refused() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("plain"));
    s3.create_unlocked_bucket(&bucket).await.unwrap();
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("made without Object Lock"));
}

#[tokio::test]
async fn what_another_store_lacks_is_skipped_and_plain_http_is_refused_by_the_policy() {
    let Some(store) = versitygw().await else { return };
    let (s3, bucket) = (store.s3(), bucket("versity"));
    let Some(output) = set_up(s3, &bucket, &["--expire-after-lock"]) else { return };
    assert!(talk(&output).contains("skipped: this store lacks it"));
    for identity in [Identity::Writer, Identity::Auditor, Identity::Owner] {
        let client = s3.client(identity).unwrap();
        let tries =
            Tries { client, bucket: bucket.clone(), key: "egress/1", version: String::new() };
        assert_eq!(tries.put("egress/1").await, DENIED, "{identity:?} by plain HTTP");
    }
}

/// Without the statement on TLS, since this gateway speaks plain HTTP here, and without the bounds of
/// an explicit retention, whose condition keys it does not know.
#[tokio::test]
async fn with_explicit_retention_a_second_policy_engine_draws_the_same_lines() {
    let Some(store) = versitygw().await else { return };
    let (s3, bucket) = (store.s3(), bucket("explicit"));
    s3.create_locked_bucket(&bucket, LockMode::Compliance, 180).await.unwrap();
    s3.put_policy(&bucket, &policy("bucket-policy-retention.json", s3, &bucket)).await.unwrap();
    let writer = tries(s3, &bucket, Identity::Writer).await;
    assert_eq!(writer.put_with_lock(181).await, "OK");
    assert_eq!(writer.put("other/1.jsonl").await, DENIED);
    assert_eq!(writer.read().await, DENIED);
    assert_eq!(writer.list().await, DENIED);
    let auditor = Tries { client: s3.client(Identity::Auditor).unwrap(), ..writer };
    assert_eq!((&*auditor.read().await, &*auditor.list().await), ("OK", "OK"));
    assert_eq!(auditor.put("egress/2.jsonl").await, DENIED);
    assert_eq!(auditor.take_away().await, [DENIED; 5]);
}

fn policy(file: &str, s3: &S3, bucket: &str) -> String {
    let path = workspace::root().join("envoy/sinks/s3").join(file);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (name, value) in [
        ("@BUCKET@", bucket),
        ("@PREFIX@", "egress/"),
        ("@PARTITION@", "aws"),
        ("@DAYS@", "180"),
        ("@WRITER@", &s3.principal(Identity::Writer)),
        ("@AUDITOR@", &s3.principal(Identity::Auditor)),
        ("@BREAK_GLASS@", "arn:aws:iam::123456789012:role/break-glass"),
    ] {
        text = text.replace(name, value);
    }
    let mut policy: serde_json::Value = serde_json::from_str(&text).unwrap();
    let left_out = ["NoShortLock", "NoWeakLock", "OnlyTls"];
    let known = |statement: &serde_json::Value| left_out.iter().all(|sid| statement["Sid"] != *sid);
    policy["Statement"].as_array_mut().unwrap().retain(known);
    policy.to_string()
}
