//! `ledgerline check-archive` against what was shipped to a real store, and against what others did to it.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ObjectLockMode;
use ledgerline_tests::delivery::{LedgerFolder, Shipping};
use ledgerline_tests::storage::{Identity, LockMode, S3};
use ledgerline_tests::workspace;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::rights::{set_up, talk};
use crate::stage::{bucket, ceph};

/// An archive that `ledgerline ship` filled, and the ledger that it came from.
struct Archive {
    store: S3,
    bucket: String,
    prefix: &'static str,
    ledger: LedgerFolder,
}

/// What a run said.
#[derive(Debug)]
struct Answer {
    code: i32,
    problems: Vec<Value>,
    last: Value,
}

impl Answer {
    fn kinds(&self) -> Vec<&str> {
        self.problems.iter().filter_map(|problem| problem["problem"].as_str()).collect()
    }
}

const SEGMENTS: u64 = 3;

impl Archive {
    /// In a bucket that locks for 180 days.
    async fn new(store: &S3, what: &str) -> Self {
        let bucket = bucket(what);
        store.create_locked_bucket(&bucket, LockMode::Compliance, 180).await.unwrap();
        Self::shipped(store, bucket, "ledger", Identity::Owner).await
    }

    async fn shipped(store: &S3, bucket: String, prefix: &'static str, by: Identity) -> Self {
        let ledger = LedgerFolder::new_in(&workspace::scratch().unwrap()).unwrap();
        let segments = ledger.path().join("segments");
        std::fs::create_dir(&segments).unwrap();
        for number in 0..SEGMENTS {
            let file = segments.join(format!("20261121T11000{number}.000000Z.jsonl"));
            std::fs::write(file, entry(number)).unwrap();
        }
        std::fs::write(ledger.path().join("entries.jsonl"), "").unwrap();
        let shipping = Shipping {
            from: ledger.path().to_owned(),
            to: format!("s3://{bucket}/{prefix}"),
            admin: None,
            environment: store.environment(by),
            arguments: Vec::new(),
        };
        let output = shipping.once().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        Self { store: store.clone(), bucket, prefix, ledger }
    }

    fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn client(&self) -> Client {
        self.store.client(Identity::Owner).unwrap()
    }

    fn receipts(&self) -> String {
        self.ledger.path().join("shipped.jsonl").display().to_string()
    }

    /// The name of one of its segments.
    fn a_segment(&self) -> String {
        let text = std::fs::read_to_string(self.receipts()).unwrap();
        let receipt: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        receipt["name"].as_str().unwrap().to_owned()
    }

    async fn put(&self, name: &str, lines: &str) {
        let key = format!("{}/{name}", self.prefix);
        let put = self.client().put_object().bucket(&self.bucket).key(key);
        put.body(ByteStream::from(lines.as_bytes().to_vec())).send().await.unwrap();
    }

    async fn put_with_lock(&self, name: &str, lines: &str, mode: ObjectLockMode, days: u64) {
        let until = SystemTime::now() + Duration::from_secs(86_400 * days);
        let key = format!("{}/{name}", self.prefix);
        let put = self.client().put_object().bucket(&self.bucket).key(key);
        let put = put.object_lock_mode(mode).object_lock_retain_until_date(DateTime::from(until));
        put.body(ByteStream::from(lines.as_bytes().to_vec())).send().await.unwrap();
    }

    async fn check(&self, by: Identity, more: &[&str]) -> Answer {
        let mut command = Command::new(workspace::tool().unwrap());
        command.args(["check-archive", &self.url(), "--format", "json"]).args(more);
        let output = command.envs(self.store.environment(by)).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut problems: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = problems.pop().unwrap_or_else(|| panic!("nothing was said: {said}"));
        Answer { code: output.status.code().unwrap(), problems, last }
    }
}

fn entry(number: u64) -> String {
    format!(
        "{}\n",
        serde_json::json!({
            "timestamp": format!("2026-11-21T11:00:00.{:06}Z", number % 1_000_000), "agent_id": null,
            "user_id": null, "endpoint": "a.test/v1", "method": "POST", "status": 200,
            "request_hash": null, "response_hash": null, "outcome": "success",
            "correlation_id": format!("{number:032x}"),
        })
    )
}

/// As `ship` names these lines.
fn name_of(lines: &str) -> String {
    let sum: String =
        Sha256::digest(lines).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("2026/11/22/20261122T110000.000000Z_20261122T110000.000000Z_gw_1_{sum}.jsonl")
}

#[tokio::test]
async fn what_a_writer_shipped_holds_for_an_auditor_with_the_rights_that_come_as_files() {
    let Some(ceph) = ceph().await else { return };
    let (s3, bucket) = (ceph.s3(), bucket("audited"));
    let Some(output) = set_up(s3, &bucket, &[]) else { return };
    talk(&output);
    let archive = Archive::shipped(s3, bucket, "egress", Identity::Writer).await;
    let receipts = archive.receipts();
    let answer = archive.check(Identity::Auditor, &["--receipts", &receipts]).await;
    assert_eq!((answer.code, answer.problems.len()), (0, 0), "{answer:#?}");
    assert_eq!(answer.last["verdict"], "holds");
    assert_eq!(answer.last["objects"], SEGMENTS + 1, "the receipts are one of them: {answer:#?}");
    assert_eq!(answer.last["receipts"], 2 * SEGMENTS, "in the bucket and here: {answer:#?}");
    for key in ["sink", "tool_version", "began_at", "ended_at"] {
        assert!(answer.last[key].is_string(), "{key}: {answer:#?}");
    }
}

/// A retry, a forged version above, one that is hidden, and locks that are too short or too soft.
#[tokio::test]
async fn what_was_done_to_an_archive_is_said_of_the_version_that_has_it() {
    let Some(ceph) = ceph().await else { return };
    let archive = Archive::new(ceph.s3(), "harmed").await;
    let name = archive.a_segment();
    for (lines, kinds) in
        [(entry(7), &["other_content"][..]), (String::new(), &["other_content"; 2])]
    {
        archive.put(&name, &lines).await;
        let answer = archive.check(Identity::Owner, &[]).await;
        assert_eq!((answer.code, answer.kinds()), (1, kinds.to_vec()), "{answer:#?}");
        let newest = answer.problems.iter().find(|problem| problem["is_latest"] == true).unwrap();
        assert_eq!(newest["name"], name.as_str(), "{answer:#?}");
        assert!(newest["version"].as_str().is_some_and(|version| !version.is_empty()));
    }

    let archive = Archive::new(ceph.s3(), "hidden").await;
    let name = archive.a_segment();
    let key = format!("ledger/{name}");
    archive.client().delete_object().bucket(&archive.bucket).key(key).send().await.unwrap();
    let answer = archive.check(Identity::Owner, &[]).await;
    assert_eq!((answer.code, answer.kinds()), (1, vec!["hidden"]), "{answer:#?}");

    let archive = Archive::new(ceph.s3(), "soft").await;
    let (short, soft, again) = (entry(100), entry(101), entry(102));
    archive.put_with_lock(&name_of(&short), &short, ObjectLockMode::Compliance, 1).await;
    archive.put_with_lock(&name_of(&soft), &soft, ObjectLockMode::Governance, 200).await;
    archive.put(&name_of(&again), &again).await;
    archive.put(&name_of(&again), &again).await;
    let answer = archive.check(Identity::Owner, &[]).await;
    let mut kinds = answer.kinds();
    kinds.sort_unstable();
    assert_eq!((answer.code, kinds), (1, vec!["governance", "short_lock"]), "{answer:#?}");
    assert_eq!(answer.last["repeated"], 1, "a retry is none: {answer:#?}");
    let answer = archive.check(Identity::Owner, &["--retention", "1d"]).await;
    assert_eq!(answer.kinds(), ["governance"], "{answer:#?}");
}

#[tokio::test]
async fn what_a_receipt_names_must_be_there_in_its_version_and_for_as_long() {
    let Some(ceph) = ceph().await else { return };
    let archive = Archive::new(ceph.s3(), "receipts").await;
    let text = std::fs::read_to_string(archive.receipts()).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for (what, key, value, kind) in [
        ("name", "name", Value::from("2026/11/21/never.jsonl.gz"), "missing"),
        ("version", "version", Value::from("never"), "missing"),
        ("lock", "until", Value::from("2099-01-01T00:00:00Z"), "short_lock"),
    ] {
        let mut receipt = first.clone();
        receipt[key] = value;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{receipt}\n{first}\nno receipt\n")).unwrap();
        let path = file.path().display().to_string();
        let answer = archive.check(Identity::Owner, &["--receipts", &path]).await;
        assert_eq!((answer.code, answer.kinds()), (1, vec![kind]), "{what}: {answer:#?}");
        assert_eq!(answer.last["receipts"], SEGMENTS + 2, "{what}: {answer:#?}");
    }
}

/// Its canaries are overwritten, hidden and badly locked on purpose. Nobody passes for one who is none.
#[tokio::test]
async fn the_objects_of_check_sink_are_passed_over_and_nobody_hides_behind_them() {
    let Some(ceph) = ceph().await else { return };
    let archive = Archive::new(ceph.s3(), "canaries").await;
    let mut command = Command::new(workspace::tool().unwrap());
    command.args(["check-sink", &archive.url(), "--format", "json"]);
    let output = command.envs(archive.store.environment(Identity::Owner)).output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = archive.check(Identity::Owner, &[]).await;
    assert_eq!((answer.code, answer.problems.len()), (0, 0), "{answer:#?}");
    assert!(answer.last["canaries"].as_u64().unwrap() > 3, "{answer:#?}");
    assert_eq!(answer.last["objects"], SEGMENTS + 1, "{answer:#?}");

    let (canary, version) = report["left_behind"][0].as_str().unwrap().split_once(' ').unwrap();
    let get = archive.client().get_object().bucket(&archive.bucket).key(canary);
    let body =
        get.version_id(version).send().await.unwrap().body.collect().await.unwrap().into_bytes();
    let key = format!("ledger/{}", archive.a_segment());
    let put = archive.client().put_object().bucket(&archive.bucket).key(key);
    put.body(ByteStream::from(body)).send().await.unwrap();
    let answer = archive.check(Identity::Owner, &[]).await;
    assert_eq!(answer.kinds(), ["other_content"], "over a segment it is a forgery: {answer:#?}");
}

/// A store lists a thousand versions at a time.
#[tokio::test]
async fn an_archive_of_several_pages_is_read_to_its_end() {
    let Some(ceph) = ceph().await else { return };
    let archive = Archive::new(ceph.s3(), "pages").await;
    const MORE: u64 = 1100;
    let mut puts = JoinSet::new();
    for number in 1000..1000 + MORE {
        let lines = entry(number);
        let put = archive.client().put_object().bucket(&archive.bucket);
        let put = put.key(format!("ledger/{}", name_of(&lines)));
        puts.spawn(put.body(ByteStream::from(lines.into_bytes())).send());
        if puts.len() == 16 {
            puts.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(put) = puts.join_next().await {
        put.unwrap().unwrap();
    }
    let answer = archive.check(Identity::Owner, &[]).await;
    assert_eq!((answer.code, answer.problems.len()), (0, 0), "{answer:#?}");
    assert_eq!(answer.last["objects"], MORE + SEGMENTS + 1, "{answer:#?}");
    let mut names: Vec<_> = (1000..1000 + MORE).map(|number| name_of(&entry(number))).collect();
    names.sort();
    let (first, last) = (names.first().unwrap(), names.last().unwrap());
    for name in [first, last] {
        archive.put(name, &entry(1)).await;
    }
    let answer = archive.check(Identity::Owner, &[]).await;
    let found: Vec<_> = answer.problems.iter().map(|problem| &problem["name"]).collect();
    assert_eq!(found, [first.as_str(), last.as_str()], "{answer:#?}");
}
