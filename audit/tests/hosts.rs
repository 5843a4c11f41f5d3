//! `ledgerline hosts` as a person meets it, and what it writes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const TOPOLOGIES: [&str; 4] = ["istio", "istio-ambient", "istio-mesh-wide", "envoy-gateway"];

const POLICY: &str = "# Who may be called.
topology: istio
allow: # everything else is refused
- api.openai.com # models
# payments
- host: api.stripe.com
  secret_to_wrong_host: deny
block: []
namespaces:
  team-b: { allow: [api.openai.com] }
";

struct Overlay(TempDir);

impl Overlay {
    fn new(policy: &str) -> Self {
        let overlay = Self(tempfile::tempdir().unwrap());
        fs::write(overlay.0.path().join("policy.yaml"), policy).unwrap();
        overlay
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// Exit code, standard output, standard error.
    fn hosts(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        hosts(self.0.path(), arguments)
    }
}

fn hosts(overlay: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
    let output =
        command.arg("hosts").args(arguments).arg("--overlay").arg(overlay).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn golden(topology: &str) -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("tests/hosts").join(topology)
}

#[test]
fn the_files_of_every_topology_are_what_their_policy_says() {
    for topology in TOPOLOGIES {
        let (code, out, err) = hosts(&golden(topology), &["check"]);
        assert!(code == Some(0) && out.contains("OK, 5 host(s)"), "{topology}: {out}{err}");
        assert!(err.contains("`api.blocked.example` is allowed and blocked: blocked"), "{err}");
    }
}

#[test]
fn an_edit_keeps_what_a_person_wrote_and_an_edit_back_leaves_no_trace() {
    let overlay = Overlay::new(POLICY);
    assert_eq!(overlay.hosts(&["write"]).0, Some(0));
    let before = overlay.read("generated/hosts.yaml");
    let (code, out, err) = overlay.hosts(&["add", "API.Mistral.ai", "mcp.example.com:8443"]);
    assert!(code == Some(0) && out.contains("hosts.yaml: written"), "{out}{err}");
    let added =
        "  secret_to_wrong_host: deny\n- api.mistral.ai\n- host: mcp.example.com\n  port: 8443\n";
    assert_eq!(
        overlay.read("policy.yaml"),
        POLICY.replace("  secret_to_wrong_host: deny\n", added)
    );
    assert_ne!(overlay.read("generated/hosts.yaml"), before);
    assert_eq!(overlay.hosts(&["add", "api.mistral.ai"]), (Some(0), String::new(), String::new()));
    let (code, _, err) = overlay.hosts(&["remove", "api.mistral.ai", "mcp.example.com"]);
    let left = "  kubectl --namespace ledgerline delete --ignore-not-found destinationrule/api.mistral.ai \
                destinationrule/mcp.example.com serviceentry/ledgerline-hosts-8443 \
                virtualservice/api.mistral.ai virtualservice/mcp.example.com\n";
    assert!(code == Some(0) && err.ends_with(left), "{err}");
    assert_eq!(overlay.hosts(&["block", "*.example.net"]).0, Some(0));
    assert!(overlay.read("policy.yaml").contains("block:\n- \"*.example.net\"\n"));
    assert!(overlay.read("generated/filter-hosts.yaml").contains("\"*.example.net\""));
    assert_eq!(overlay.hosts(&["unblock", "*.example.net"]).0, Some(0));
    assert_eq!(overlay.read("policy.yaml"), POLICY);
    assert_eq!(overlay.read("generated/hosts.yaml"), before);
}

#[test]
fn check_finds_what_was_changed_by_hand_and_what_was_not_written() {
    let overlay = Overlay::new(POLICY);
    let (code, _, err) = overlay.hosts(&["check"]);
    assert!(code == Some(1) && err.contains("kustomization.yaml: not what"), "{err}");
    overlay.hosts(&["write"]);
    assert_eq!(overlay.hosts(&["check"]).0, Some(0));
    let file = overlay.0.path().join("generated/hosts.yaml");
    fs::write(&file, overlay.read("generated/hosts.yaml").replace("api.openai", "api.openal"))
        .unwrap();
    let (code, _, err) = overlay.hosts(&["check"]);
    assert!(code == Some(1) && err.contains("hosts.yaml: not what"), "{err}");
    assert!(!err.contains("kustomization.yaml"), "{err}");
}

#[test]
fn what_is_refused_changes_nothing() {
    for (policy, arguments, reason) in [
        (
            POLICY,
            &["remove", "api.openai.com"][..],
            "policy.yaml:9: namespaces.team-b.allow[0]: `api.openai.com` is not in",
        ),
        (POLICY, &["remove", "api.mistral.ai"], "api.mistral.ai: refused: it is not in `allow`"),
        (POLICY, &["unblock", "api.mistral.ai"], "it is not in `block`"),
        (
            POLICY,
            &["add", "ok.example.com", "https://api.mistral.ai/"],
            "write the host alone: `api.mistral.ai`",
        ),
        (POLICY, &["add", "ok.example.com:0"], "`0` is no port"),
        (POLICY, &["add", "api.openai.com:8443"], "it is allowed with port 443; remove it first"),
        (POLICY, &["add", "*.example.com"], "list them one by one"),
        (
            "topology: istio\nallow: [a.example,\n  b.example]\n",
            &["add", "c.example"],
            "edit it by hand",
        ),
        ("topology: mesh\n", &["add", "c.example"], "policy.yaml:1: unknown variant `mesh`"),
    ] {
        let overlay = Overlay::new(policy);
        let (code, out, err) = overlay.hosts(arguments);
        assert!(code == Some(1) && err.contains(reason), "{arguments:?}: {out}{err}");
        assert_eq!(overlay.read("policy.yaml"), policy, "{arguments:?}");
        assert!(!overlay.0.path().join("generated").exists(), "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = hosts(folder.path(), &["list"]);
    assert!(code == Some(2) && err.contains("--overlay names the folder"), "{err}");
}

#[test]
fn list_says_who_may_be_called_for_a_person_and_for_a_program() {
    let overlay = golden("istio");
    let (code, out, _) = hosts(&overlay, &["list"]);
    assert_eq!(code, Some(0));
    let lines: Vec<String> =
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let wanted = [
        "api.openai.com 443",
        "api.stripe.com 443 secret_to_wrong_host: deny",
        "mcp.example.com 8443",
        "a-host-with-a-name-that-is-longer-than-the-name-of-an-object.example.com 443",
        "api.blocked.example 443 blocked",
        "blocked: *.blocked.example, paste.example.net",
        "namespace team-b: only api.openai.com, mcp.example.com",
        "namespace team-c: only nothing",
        "everything else is refused",
    ];
    assert_eq!(lines, wanted);
    let (code, out, _) = hosts(&overlay, &["list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &list["allow"][4]["blocked"]), (Some(0), &true.into()));
    assert_eq!(list["namespaces"]["team-b"][1], "mcp.example.com");
}

/// Of access logs, as `kubectl logs` prints them, between lines of other programs.
#[test]
fn seen_lists_what_is_called_today_and_says_what_the_policy_lacks() {
    let line = |authority: &str, rest: &str| {
        format!(
            r#"[2026-06-30T12:34:56.000Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 1 2 3 "-" "curl/8" "id" "{authority}" "192.0.2.7:80" {rest}"#
        )
    };
    let log = [
        line(
            "api.openai.com",
            "outbound|80||api.openai.com 10.1.1.1:1 240.0.0.1:80 10.1.1.1:2 - default",
        ),
        line(
            "files.example.com",
            "PassthroughCluster 10.1.1.1:1 192.0.2.7:80 10.1.1.1:2 - allow_any",
        ),
        line(
            "files.example.com",
            "PassthroughCluster 10.1.1.1:1 192.0.2.7:80 10.1.1.1:2 - allow_any",
        ),
        line("-", "PassthroughCluster 10.1.1.1:1 192.0.2.7:5432 10.1.1.1:2 - -"),
        "2026-06-30T12:34:56.000000Z info Envoy proxy is ready".to_owned(),
    ];
    let overlay = Overlay::new(POLICY);
    let file = overlay.0.path().join("log");
    fs::write(&file, log.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, err) = overlay.hosts(&["seen", file]);
    let lines: Vec<String> =
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(code, Some(1), "{out}{err}");
    let wanted = [
        "192.0.2.7 5432 1 an address, no name: nothing to allow",
        "api.openai.com 80 1 allowed",
        "files.example.com 80 2 not in policy.yaml",
    ];
    assert_eq!(lines, wanted);
    assert!(err.contains("3 host(s) seen, 2 of them not allowed by policy.yaml"), "{err}");

    let (code, ..) = overlay.hosts(&["add", "files.example.com"]);
    assert_eq!(code, Some(0));
    fs::write(file, log[..3].join("\n")).unwrap();
    let (code, out, err) = overlay.hosts(&["seen", file, "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &list[1]["calls"]), (Some(0), &2.into()), "{out}{err}");

    fs::write(file, "an agent's own words\n").unwrap();
    let (code, _, err) = overlay.hosts(&["seen", file]);
    assert!(code == Some(2) && err.contains("access log on"), "{err}");
}

#[test]
fn the_root_namespace_of_a_mesh_is_a_setting() {
    let overlay = Overlay::new(
        "topology: istio-mesh-wide\nroot_namespace: control\nallow: [a.example.com]\nnamespaces: { team-b: { allow: [a.example.com] } }\n",
    );
    let (code, _, err) = overlay.hosts(&["write"]);
    assert_eq!(code, Some(0), "{err}");
    let hosts = overlay.read("generated/hosts.yaml");
    assert!(
        hosts.contains("namespace: control") && hosts.contains("control/a.example.com"),
        "{hosts}"
    );
    assert!(!hosts.contains("istio-system"), "{hosts}");
    for (policy, reason) in [
        ("topology: istio\nroot_namespace: control\n", "take it off"),
        ("topology: istio-mesh-wide\nroot_namespace: A_b\n", "expected the name of a namespace"),
    ] {
        let (code, _, err) = Overlay::new(policy).hosts(&["write"]);
        assert!(code == Some(1) && err.contains(reason), "{err}");
    }
}
