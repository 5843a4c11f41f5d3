//! `ledgerline check-sink` against stores that hold and stores that only say so.

use ledgerline_tests::storage::{Fault, FaultyProxy, Guarded, Identity, LockMode, Moto, S3};
use ledgerline_tests::workspace;
use serde_json::Value;
use tokio::process::Command;

use crate::rights::{set_up, talk};
use crate::stage::{bucket, ceph, versitygw};

/// What a run said.
struct Answer {
    code: i32,
    report: Value,
}

impl Answer {
    /// The promises of the storage with this verdict; those of rights depend on who asks.
    fn storage(&self, verdict: &str) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let wanted =
            |finding: &&Value| finding["part"] == "storage" && finding["verdict"] == verdict;
        findings.iter().filter(wanted).map(|found| found["promise"].as_str().unwrap()).collect()
    }
}

/// Asks as the owner of the bucket, whose rights are wider than a shipper's should be.
async fn check_sink(store: &S3, bucket: &str, more: &[&str]) -> Answer {
    let mut command = Command::new(workspace::tool().unwrap());
    command.args(["check-sink", &format!("s3://{bucket}/ledger"), "--format", "json"]).args(more);
    let output = command.envs(store.environment(Identity::Owner)).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout);
    let report: Value = report.unwrap_or_else(|error| panic!("{error}: {said}"));
    Answer { code: output.status.code().unwrap(), report }
}

#[tokio::test]
async fn a_bucket_that_locks_for_long_enough_holds() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("good");
    ceph.s3().create_locked_bucket(&name, LockMode::Compliance, 180).await.unwrap();
    let answer = check_sink(ceph.s3(), &name, &[]).await;
    println!("{:#}", answer.report);
    assert!(answer.storage("holds").len() > 10, "{:#}", answer.report);
}

#[tokio::test]
async fn governance_is_told_apart_and_does_not_hold() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("governance");
    ceph.s3().create_locked_bucket(&name, LockMode::Governance, 180).await.unwrap();
    let answer = check_sink(ceph.s3(), &name, &[]).await;
    assert_eq!(answer.code, 1, "{:#}", answer.report);
    assert!(answer.report.to_string().contains("GOVERNANCE"), "{:#}", answer.report);
}

#[tokio::test]
async fn a_lock_that_ends_too_early_does_not_hold() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("short");
    ceph.s3().create_locked_bucket(&name, LockMode::Compliance, 90).await.unwrap();
    let answer = check_sink(ceph.s3(), &name, &["--retention", "180d"]).await;
    assert_eq!(answer.code, 1, "{:#}", answer.report);
    let content = check_sink(ceph.s3(), &name, &["--retention", "90d"]).await;
    assert!(content.storage("does_not_hold").len() < answer.storage("does_not_hold").len());
}

#[tokio::test]
async fn a_bucket_without_a_lock_does_not_hold() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("unlocked");
    ceph.s3().create_unlocked_bucket(&name).await.unwrap();
    let answer = check_sink(ceph.s3(), &name, &[]).await;
    assert_eq!(answer.code, 1, "{:#}", answer.report);
}

#[tokio::test]
async fn a_store_that_keeps_the_locks_that_objects_ask_for_holds() {
    let Some(versitygw) = versitygw().await else { return };
    let name = bucket("explicit");
    versitygw.s3().create_bucket_without_default(&name).await.unwrap();
    let answer = check_sink(versitygw.s3(), &name, &["--lock-mode", "compliance"]).await;
    println!("{:#}", answer.report);
    assert!(answer.storage("holds").len() > 10, "{:#}", answer.report);
}

#[tokio::test]
async fn a_server_that_takes_locks_and_lets_them_be_shortened_does_not_hold() {
    let Some(moto) = Moto::start().await.unwrap() else { return };
    moto.s3().create_locked_bucket("liar", LockMode::Compliance, 180).await.unwrap();
    let answer = check_sink(moto.s3(), "liar", &[]).await;
    assert_eq!(answer.code, 1, "{:#}", answer.report);
}

/// Nobody can answer for a canary alone: by no name, and by no delete. And who is on the way is said.
#[tokio::test]
async fn a_report_is_evidence_of_where_when_how_and_as_whom_and_its_canaries_look_like_segments() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("evidence");
    ceph.s3().create_locked_bucket(&name, LockMode::Compliance, 180).await.unwrap();
    let plain = check_sink(ceph.s3(), &name, &[]).await;
    assert_ne!(plain.code, 0);
    assert!(
        plain.storage("not_proven").contains(&"the answers are the store's own"),
        "{:#}",
        plain.report
    );
    let secure = check_sink(ceph.secure(), &name, &[]).await;
    assert!(
        secure.storage("holds").contains(&"the answers are the store's own"),
        "{:#}",
        secure.report
    );
    for (answer, store, tls) in [(&plain, ceph.s3(), false), (&secure, ceph.secure(), true)] {
        let report = &answer.report;
        assert_eq!(
            (report["tls"].as_bool(), report["endpoint"].as_str()),
            (Some(tls), Some(store.url()))
        );
        for key in ["format", "tool", "tool_version", "began_at", "ended_at", "region", "sink"] {
            assert!(report[key].is_string(), "{key} in {report:#}");
        }
        let keys = store.keys(Identity::Owner);
        assert_eq!(report["writer"]["key_id_sha256"].as_str().unwrap().len(), 16);
        assert!(
            !report.to_string().contains(&keys.access)
                && !report.to_string().contains(&keys.secret)
        );
    }
    let objects = ceph.s3().objects(&name, "").await.unwrap();
    assert!(objects.len() > 4);
    for promise in ["nor deleted among others", "nor among others by a bypass"] {
        assert!(secure.storage("holds").contains(&promise), "{promise}: {:#}", secure.report);
    }
    let text = secure.report.to_string();
    for call in ["DeleteObjects", "PutBucketPolicy", "PutBucketLifecycle", "PutObjectLegalHold"] {
        assert!(text.contains(call), "{call}: {text}");
    }
    for left in secure.report["left_behind"].as_array().unwrap() {
        let left = left.as_str().unwrap();
        assert!(!left.contains("canary") && left.contains(".jsonl.gz"), "{left}");
    }
}

/// Somebody on the way who protects what looks like a question, and lets everything else be taken away.
#[tokio::test]
async fn a_staged_store_is_found_out_and_one_that_knows_every_call_is_never_proven() {
    let Some(moto) = Moto::start().await.unwrap() else { return };
    let proxy = FaultyProxy::before(moto.s3().url()).unwrap();
    let staged = moto.s3().at(proxy.url());
    for (names, bucket) in [("/canary/", "staged"), ("ledger/", "guarded")] {
        moto.s3().create_locked_bucket(bucket, LockMode::Compliance, 180).await.unwrap();
        proxy.set(Fault::Stage { names });
        let answer = check_sink(&staged, bucket, &[]).await;
        assert_ne!(answer.code, 0, "{names}: {:#}", answer.report);
        let unproven = answer.storage("not_proven");
        assert!(unproven.contains(&"the answers are the store's own"), "{:#}", answer.report);
        let shortened = answer.storage("does_not_hold").contains(&"a lock cannot be shortened");
        assert_eq!(shortened, names == "/canary/", "{names}: {:#}", answer.report);
    }
}

/// Exit 0, seen: a writer that may put and nothing else, an auditor, TLS, and a store that keeps what it is given.
#[tokio::test]
async fn a_store_that_keeps_every_promise_with_least_rights_over_tls_holds() {
    let Some(ceph) = ceph().await else { return };
    let name = bucket("proven");
    let Some(output) = set_up(ceph.s3(), &name, &[]) else { return };
    talk(&output);
    let Some(store) = Guarded::before(ceph, &bucket("meta")).await.unwrap() else { return };
    store.let_write(&name, "egress").await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let profile = |name: &str, store: &S3, identity: Identity| {
        let keys = store.keys(identity);
        format!(
            "[profile {name}]\nendpoint_url = {}\nregion = {}\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            store.url(),
            store.region(),
            keys.access,
            keys.secret
        )
    };
    let config = folder.path().join("config");
    let text = profile("shipper", store.front(), Identity::Writer)
        + &profile("auditor", ceph.secure(), Identity::Auditor);
    std::fs::write(&config, text).unwrap();
    let bundle = folder.path().join("bundle.pem");
    let authorities = [store.front(), ceph.secure()]
        .map(|store| std::fs::read_to_string(store.authority().unwrap()).unwrap());
    std::fs::write(&bundle, authorities.concat()).unwrap();

    let ask = async |format: &str| {
        let mut command = Command::new(workspace::tool().unwrap());
        command.args(["check-sink", &format!("s3://{name}/egress"), "--format", format]);
        command.args(["--writer-profile", "shipper", "--auditor-profile", "auditor"]);
        command.env("AWS_CONFIG_FILE", &config).env("AWS_CA_BUNDLE", &bundle);
        command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.output().await.unwrap()
    };
    let output = ask("text").await;
    let text = String::from_utf8(output.stdout).unwrap();
    println!("{text}");
    assert_eq!(output.status.code(), Some(0), "{text}");
    let output = ask("json").await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["verdict"]), (Some(0), &"holds".into()));
    assert_eq!((report["tls"].as_bool(), &report["trusts"]), (Some(true), &"AWS_CA_BUNDLE".into()));
    for key in ["writer", "auditor"] {
        assert!(report[key]["key_id_sha256"].is_string(), "{key}: {report:#}");
    }
}
