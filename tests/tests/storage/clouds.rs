//! Azure and Google, as far as it goes without them: a name is written once, and what cannot be proven is
//! said.
//!
//! Azure is Microsoft's emulator, Google a stand-in of our own. Not proven here, because neither has it:
//! immutability and retention policies and their locks, roles, identities, the headers by which Azure
//! tells the lock of one version.

use std::fs;
use std::io::Read;
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use ledgerline_tests::delivery::{LedgerFolder, Shipping};
use ledgerline_tests::storage::{Azurite, Blob, Google};
use ledgerline_tests::workspace;
use serde_json::Value;

use crate::stage::{azurite, bucket};

/// Three entries, the earliest last, and a torn line that is no text; with a CR, which a careless
/// writer would change.
fn lines() -> Vec<u8> {
    let torn = b"{\"timestamp\":\"2026-11-21T10:0\xff\r\n".to_vec();
    let [a, b, c] = ["10:00:00.000001", "10:00:01.000000", "09:59:59.999999"].map(entry);
    [a.into_bytes(), b.into_bytes(), torn, c.into_bytes()].concat()
}

fn entry(time: &str) -> String {
    format!(
        concat!(
            r#"{{"timestamp":"2026-11-21T{}Z","agent_id":"\u00e9","user_id":null,"#,
            r#""endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,"#,
            r#""request_hash":null,"response_hash":null,"outcome":"success","#,
            r#""correlation_id":"c9f8e7"}}"#,
            "\n"
        ),
        time
    )
}

enum Cloud {
    Azure(&'static Azurite),
    Google(Google),
}

/// A ledger with lines in it, and a container or bucket of its own to carry them to.
struct Stage {
    cloud: Cloud,
    bucket: String,
    ledger: LedgerFolder,
}

impl Stage {
    /// One for each cloud that this machine can have; which it lacks was said.
    async fn each() -> Vec<Self> {
        let mut stages = vec![Self::new(Cloud::Google(Google::start().unwrap()))];
        if let Some(azurite) = azurite().await {
            let stage = Self::new(Cloud::Azure(azurite));
            azurite.create_container(&stage.bucket).await.unwrap();
            stages.push(stage);
        }
        stages
    }

    fn new(cloud: Cloud) -> Self {
        let ledger = LedgerFolder::new().unwrap();
        fs::write(ledger.path().join("entries.jsonl"), lines()).unwrap();
        Self { cloud, bucket: bucket("cloud"), ledger }
    }

    fn url(&self) -> String {
        let scheme = match self.cloud {
            Cloud::Azure(_) => "az",
            Cloud::Google(_) => "gs",
        };
        format!("{scheme}://{}/archive/egress", self.bucket)
    }

    fn environment(&self) -> Vec<(String, String)> {
        match &self.cloud {
            Cloud::Azure(azurite) => azurite.environment(),
            Cloud::Google(google) => google.environment(),
        }
    }

    async fn blobs(&self) -> Vec<Blob> {
        let mut blobs = match &self.cloud {
            Cloud::Azure(azurite) => azurite.blobs(&self.bucket).await.unwrap(),
            Cloud::Google(google) => google.objects(&self.bucket),
        };
        blobs.retain(|blob| !blob.name.contains("/receipts/"));
        blobs
    }

    /// What a locked policy would refuse.
    async fn replace(&self, name: &str, body: &[u8]) {
        match &self.cloud {
            Cloud::Azure(azurite) => azurite.replace(&self.bucket, name, body).await.unwrap(),
            Cloud::Google(google) => google.replace(&self.bucket, name, body),
        }
    }

    /// Ships once; the exit code, and what was said.
    async fn ship(&self, more: &[&str]) -> (i32, String) {
        let arguments = ["--host", "gw", "--min-free", "0"].iter().chain(more);
        let shipping = Shipping {
            from: self.ledger.path().to_owned(),
            to: self.url(),
            admin: None,
            environment: self.environment(),
            arguments: arguments.map(ToString::to_string).collect(),
        };
        said(&shipping.once().await.unwrap())
    }

    fn receipts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.ledger.path().join("shipped.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.get("archived").is_none()).collect()
    }

    fn forget_receipts(&self) {
        fs::remove_file(self.ledger.path().join("shipped.jsonl")).unwrap();
    }

    /// What lies in the sealed files of this machine.
    fn sealed(&self) -> Vec<u8> {
        let files = fs::read_dir(self.ledger.path().join("segments")).unwrap();
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    fn check_sink(&self) -> (i32, Value) {
        let mut command = Command::new(workspace::tool().unwrap());
        command.args(["check-sink", &self.url(), "--format", "json"]);
        let output = command.envs(self.environment()).output().unwrap();
        let (code, talk) = said(&output);
        let report = serde_json::from_slice(&output.stdout);
        (code, report.unwrap_or_else(|error| panic!("{error}: {talk}")))
    }
}

fn said(output: &Output) -> (i32, String) {
    let talk = [&output.stdout[..], &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&talk).into_owned())
}

fn plain(blob: &Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(&blob.body[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn every_byte_arrives_and_the_receipt_says_that_no_lock_was_seen() {
    for stage in Stage::each().await {
        let (code, talk) = stage.ship(&["--allow-unknown-lock"]).await;
        assert_eq!(code, 0, "{talk}");
        let [blob] = &stage.blobs().await[..] else { panic!("one segment, one object") };
        assert_eq!(plain(blob), lines());
        let day = "archive/egress/2026/11/21/20261121T095959.999999Z_20261121T100001.000000Z_gw_3_";
        assert!(blob.name.starts_with(day), "{}", blob.name);

        let [receipt] = &stage.receipts()[..] else { panic!("one receipt") };
        assert_eq!((&receipt["mode"], &receipt["until"]), (&"unknown".into(), &Value::Null));
        assert_eq!((&receipt["entries"], &receipt["torn"]), (&3.into(), &1.into()));
        assert_eq!(stage.sealed(), lines(), "confirmed, and still kept here");
    }
}

#[tokio::test]
async fn without_leave_for_an_unknown_lock_nothing_is_begun() {
    for stage in Stage::each().await {
        let (code, talk) = stage.ship(&["--keep-local", "0s"]).await;
        assert!(code == 2 && talk.contains("--allow-unknown-lock"), "{talk}");
        assert!(stage.blobs().await.is_empty(), "{talk}");

        let (code, talk) = stage.ship(&["--allow-unknown-lock"]).await;
        assert_eq!((code, stage.receipts().len()), (0, 1), "{talk}");
        assert_eq!(stage.blobs().await.len(), 1);
    }
}

#[tokio::test]
async fn a_shipper_that_forgot_everything_puts_nothing_a_second_time() {
    for stage in Stage::each().await {
        stage.ship(&["--allow-unknown-lock"]).await;
        let before = stage.blobs().await;
        assert_eq!(before.len(), 1);
        stage.forget_receipts();
        let (code, talk) = stage.ship(&["--allow-unknown-lock"]).await;
        assert_eq!((code, stage.receipts().len()), (0, 1), "{talk}");
        assert_eq!(stage.blobs().await, before);
    }
}

#[tokio::test]
async fn other_bytes_under_the_name_stay_and_the_segment_goes_beside_them() {
    for stage in Stage::each().await {
        stage.ship(&["--allow-unknown-lock"]).await;
        let first = stage.blobs().await.remove(0);
        stage.replace(&first.name, b"forged").await;
        stage.forget_receipts();
        let (code, talk) = stage.ship(&["--allow-unknown-lock"]).await;
        assert_eq!(code, 0, "{talk}");
        let [again, forged] = &stage.blobs().await[..] else { panic!("two objects") };
        assert_eq!((&forged.name, &forged.body[..]), (&first.name, &b"forged"[..]));
        assert_eq!(again.name, first.name.replace(".jsonl", "-again-1.jsonl"));
        assert_eq!(plain(again), lines());
    }
}

#[tokio::test]
async fn a_container_that_is_not_there_is_said_and_nothing_is_lost() {
    let Some(azurite) = azurite().await else { return };
    let stage = Stage::new(Cloud::Azure(azurite));
    let (code, talk) = stage.ship(&["--allow-unknown-lock"]).await;
    assert_eq!(code, 1, "{talk}");
    assert!(talk.contains("ContainerNotFound") && talk.contains("create the container"), "{talk}");
    assert_eq!(stage.sealed(), lines());
}

#[tokio::test]
async fn check_sink_finds_that_nothing_is_kept_and_says_what_to_look_at_by_hand() {
    for stage in Stage::each().await {
        let (code, report) = stage.check_sink();
        println!("{report:#}");
        assert_eq!(code, 1, "{report:#}");
        for (promise, verdict) in [
            ("an object arrives whole", "holds"),
            ("a name is written once", "holds"),
            ("what is written is locked", "not_proven"),
            ("an object cannot be deleted", "does_not_hold"),
            ("the policy is locked and long enough", "not_proven"),
            ("the writer has no other right", "not_proven"),
        ] {
            let finding = finding(&report, promise);
            assert_eq!(finding["verdict"], verdict, "{finding:#}");
        }
        let by_hand = match stage.cloud {
            Cloud::Azure(_) => "az storage container immutability-policy show",
            Cloud::Google(_) => "gcloud storage buckets describe",
        };
        let note = finding(&report, "the policy is locked and long enough")["note"].to_string();
        assert!(note.contains(by_hand), "{note}");
    }
}

fn finding<'a>(report: &'a Value, promise: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["promise"] == promise).expect(promise)
}
