//! The set-up scripts of Azure and Google, with a command line that writes down what it is told instead
//! of doing it: each step is said, in order, and a dry run only looks.
//!
//! Whether the clouds take these steps is not shown by this.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use ledgerline_tests::workspace;

/// A set-up script, and a command line for it that finds an account or project with nothing in it.
struct Script {
    path: &'static str,
    program: &'static str,
    /// What it answers, by how its arguments begin; it fails for any other `show` or `describe`.
    answers: &'static str,
    arguments: &'static [&'static str],
}

const AZURE: Script = Script {
    path: "envoy/sinks/azure/setup.sh",
    program: "az",
    answers: r"
        storage\ account\ show*) printf 'StorageV2\nTLS1_2\nfalse\ntrue\n' ;;
        account\ show*) echo 00000000-0000-0000-0000-000000000001 ;;
        role\ definition\ list*) ;;
        *\ show\ *) exit 3 ;;",
    arguments: &[
        "--group",
        "logs",
        "--account",
        "ledger",
        "--container",
        "archive",
        "--writer",
        "w-1",
        "--auditor",
        "a-1",
    ],
};

const GOOGLE: Script = Script {
    path: "envoy/sinks/gcs/setup.sh",
    program: "gcloud",
    answers: r"*\ describe\ *) exit 1 ;;",
    arguments: &[
        "--bucket",
        "ledger-archive",
        "--location",
        "europe-west3",
        "--writer",
        "serviceAccount:w",
        "--auditor",
        "serviceAccount:a",
    ],
};

/// A run of a script: what it said, and which of its calls were more than looking.
struct Run {
    code: Option<i32>,
    said: String,
    changes: Vec<String>,
}

impl Script {
    fn run(&self, more: &[&str]) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let (program, calls) = (folder.path().join(self.program), folder.path().join("calls"));
        let text = format!(
            "#!/bin/sh\necho \"$*\" >>'{}'\ncase \"$*\" in\n{}\nesac\n",
            calls.display(),
            self.answers
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(workspace::root().join(self.path))
            .env("PATH", format!("{}:{path}", folder.path().display()))
            .args(self.arguments)
            .args(more)
            .output()
            .unwrap();
        let calls = fs::read_to_string(calls).unwrap_or_default();
        let is_change = |call: &&str| {
            ![" show ", " describe ", " list "].iter().any(|verb| call.contains(verb))
        };
        Run {
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
            changes: calls.lines().filter(is_change).map(str::to_owned).collect(),
        }
    }
}

#[test]
fn a_dry_run_says_every_step_for_azure_and_changes_nothing() {
    let run = AZURE.run(&["--dry-run", "--lock"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert_eq!(run.changes, [""; 0]);
    assert_eq!(
        run.said.lines().collect::<Vec<_>>(),
        [
            "ok: the account takes TLS only and nothing is public",
            "make the container",
            "retention: 180 days, no appends to blobs that are there",
            "lock the retention, for good",
            "make the role Ledger writer",
            "the writer may create",
            "the auditor may read and list",
            "done: archive (nothing was changed)",
        ]
    );
}

#[test]
fn a_dry_run_says_every_step_for_google_and_changes_nothing() {
    let run = GOOGLE.run(&["--dry-run", "--lock"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert_eq!(run.changes, [""; 0]);
    assert_eq!(
        run.said.lines().collect::<Vec<_>>(),
        [
            "make the bucket: uniform access, nothing public",
            "retention: 180 days",
            "lock the retention, for good",
            "nothing is deleted when its retention has ended (--expire-after-lock would, after 181 days)",
            "the writer may create",
            "the auditor may read and list",
            "done: ledger-archive (nothing was changed)",
        ]
    );
}

#[test]
fn a_policy_is_locked_only_where_that_was_asked_for() {
    for (script, lock) in [(AZURE, "immutability-policy lock"), (GOOGLE, "--lock-retention-period")]
    {
        let locks = |run: &Run| run.changes.iter().filter(|call| call.contains(lock)).count();
        let (without, with) = (script.run(&[]), script.run(&["--lock"]));
        assert_eq!((without.code, with.code), (Some(0), Some(0)), "{}", without.said);
        assert_eq!((locks(&without), locks(&with)), (0, 1), "{}", script.program);
        assert_eq!(with.changes.len(), without.changes.len() + 1);
        assert!(without.said.contains("NOT locked"), "{}", without.said);
    }
}

#[test]
fn nothing_is_deleted_after_its_time_unless_that_was_asked_for() {
    let (without, with) = (GOOGLE.run(&[]), GOOGLE.run(&["--expire-after-lock"]));
    let rules =
        |run: &Run| run.changes.iter().filter(|call| call.contains("--lifecycle-file")).count();
    assert_eq!((rules(&without), rules(&with)), (0, 1), "{}", with.said);
    assert!(with.said.contains("DELETE each object 181 days after"), "{}", with.said);
    assert!(without.said.contains("nothing is deleted when its retention has ended"));
}

#[test]
fn the_steps_are_what_they_are_said_to_be() {
    let azure = AZURE.run(&["--days", "200"]).changes.join("\n");
    for step in [
        "storage container-rm create --storage-account ledger --resource-group logs --name archive",
        "--period 200 --allow-protected-append-writes false",
        "role definition create --role-definition {",
        "/subscriptions/00000000-0000-0000-0000-000000000001",
        "role assignment create --role Ledger writer",
        "--assignee-object-id w-1",
        "role assignment create --role Storage Blob Data Reader",
        "--assignee-object-id a-1",
    ] {
        assert!(azure.contains(step), "{step}: {azure}");
    }
    let google = GOOGLE.run(&["--days", "200"]).changes;
    assert_eq!(
        google,
        [
            "storage buckets create gs://ledger-archive --location=europe-west3 \
             --uniform-bucket-level-access --public-access-prevention",
            "storage buckets update gs://ledger-archive --retention-period=200d",
            "storage buckets add-iam-policy-binding gs://ledger-archive --member=serviceAccount:w \
             --role=roles/storage.objectCreator",
            "storage buckets add-iam-policy-binding gs://ledger-archive --member=serviceAccount:a \
             --role=roles/storage.objectViewer",
        ]
    );
}
