//! What is said when something cannot be installed: the tools' own words, and the tools themselves against an index that
//! is not there, a file that was changed, and a list with a hole.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use ledgerline_lab::workspace;
use tempfile::TempDir;

/// Nobody listens there (tcpmux, RFC 1078, long dead).
const NOBODY: &str = "http://127.0.0.1:1";

/// Messages as the tools print them.
const WORDS: &[(&str, &str)] = &[
    (
        "changed",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated",
    ),
    (
        "changed",
        "npm error code EINTEGRITY\nnpm error Integrity checksum failed when using sha512: wanted sha512-AA",
    ),
    (
        "changed",
        "verifying golang.org/x/sync@v0.8.0: checksum mismatch\n\tdownloaded: h1:3N\n\nSECURITY ERROR\n",
    ),
    ("changed", "error: checksum for `itoa v1.0.15` changed between lock files"),
    ("changed", "error: failed to verify the checksum of `itoa v1.0.15`"),
    ("changed", "E: Failed to fetch http://deb.test/a.deb  Hash Sum mismatch"),
    ("changed", "W: GPG error: http://deb.test bookworm InRelease: NO_PUBKEY 0E98404D386FA1D9"),
    (
        "incomplete",
        "ERROR: Hashes are required in --require-hashes mode, but they are missing from some requirements.",
    ),
    (
        "incomplete",
        "ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:",
    ),
    ("incomplete", "a 1.0 requires b, which is not installed."),
    (
        "incomplete",
        "npm error code EUSAGE\nnpm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.\nnpm error Missing: fast-sha256@1.3.0 from lock file",
    ),
    (
        "incomplete",
        "main.go:3:8: missing go.sum entry for module providing package golang.org/x/sync/errgroup",
    ),
    ("incomplete", "go: updates to go.mod needed; to update it:\n\tgo mod tidy"),
    (
        "incomplete",
        "main.go:3:8: cannot find module providing package golang.org/x/sync/errgroup: import lookup disabled by -mod=readonly",
    ),
    (
        "incomplete",
        "error: cannot update the lock file /a/Cargo.lock because --locked was passed to prevent this",
    ),
    (
        "unreachable",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/six/\nERROR: Could not find a version that satisfies the requirement six==1.17.0 (from versions: none)\nERROR: No matching distribution found for six==1.17.0",
    ),
    (
        "unreachable",
        "WARNING: Retrying (Retry(total=1)) after connection broken by 'ReadTimeoutError(\"Read timed out. (read timeout=15)\")'",
    ),
    (
        "unreachable",
        "npm error code ENOTFOUND\nnpm error network request to http://nowhere.invalid/a failed, reason: getaddrinfo ENOTFOUND nowhere.invalid",
    ),
    (
        "unreachable",
        "go: downloading golang.org/x/sync v0.9.0\nmain.go:3:8: golang.org/x/sync@v0.9.0: Get \"https://nowhere.invalid/golang.org/x/sync/@v/v0.9.0.zip\": dial tcp: lookup nowhere.invalid on 192.0.2.53:53: no such host",
    ),
    (
        "unreachable",
        "error: failed to get `itoa`\n\nCaused by:\n  [7] Could not connect to server (Failed to connect to 127.0.0.1 port 9 after 0 ms)",
    ),
    (
        "unreachable",
        "warning: spurious network error (3 tries remaining): [6] Could not resolve hostname",
    ),
    (
        "unreachable",
        "Err:1 http://deb.test/debian bookworm/main amd64 hello\n  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)",
    ),
    (
        "unreachable",
        "E: Failed to fetch http://deb.test/a.deb  Temporary failure resolving 'deb.test'",
    ),
    (
        "unreachable",
        "error: could not download file from 'https://rust.test/a': error sending request for url",
    ),
    ("unreachable", "npm error code E503\nnpm error 503 Service Unavailable - GET http://a.test/b"),
    (
        "untrusted",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'))'",
    ),
    ("untrusted", "npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error network request failed"),
    (
        "untrusted",
        "Get \"https://a.test/b\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ),
    (
        "untrusted",
        "  [60] SSL peer certificate or SSH remote key was not OK (SSL certificate problem: unable to get local issuer certificate)",
    ),
    (
        "untrusted",
        "E: Failed to fetch https://deb.test/a.deb  Certificate verification failed: The certificate is NOT trusted.",
    ),
    (
        "refused",
        "main.go:3:8: golang.org/x/sync@v0.800.0: reading https://a.test/golang.org/x/sync/@v/v0.800.0.zip: 403 Forbidden",
    ),
    ("refused", "ERROR: HTTP error 401 while getting https://a.test/simple/six/"),
    ("refused", "npm error code E401\nnpm error Incorrect or missing password."),
    (
        "refused",
        "  failed to get successful HTTP response from `https://a.test/config.json` (192.0.2.1), got 407",
    ),
    (
        "gone",
        "ERROR: Could not find a version that satisfies the requirement six==99.1.0 (from versions: 1.5.0, 1.17.0)\nERROR: No matching distribution found for six==99.1.0",
    ),
    (
        "gone",
        "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError()'\nERROR: Could not find a version that satisfies the requirement six==99.1.0 (from versions: 1.5.0, 1.17.0)",
    ),
    (
        "gone",
        "ERROR: Could not find a version that satisfies the requirement six==1.17.0 (from versions: none)\nERROR: No matching distribution found for six==1.17.0",
    ),
    (
        "gone",
        "npm error code ETARGET\nnpm error notarget No matching version found for fast-sha256@99.9.9.",
    ),
    ("gone", "npm error code E404\nnpm error 404 Not Found - GET http://a.test/b"),
    (
        "gone",
        "go: golang.org/x/sync@v0.800.0: reading https://a.test/golang.org/x/sync/@v/v0.800.0.mod: 410 Gone",
    ),
    ("gone", "error: could not find `itoa` in registry `crates-io` with version `=99.0.0`"),
    (
        "gone",
        "error: failed to select a version for the requirement `itoa = \"=1.0.999\"` (locked to 1.0.999)",
    ),
    ("gone", "E: Unable to locate package nosuchpackage"),
    ("gone", "E: Version '99' for 'hello' was not found"),
    ("gone", "E: Package 'rustc-web' has no installation candidate"),
    (
        "full",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    ),
    ("full", "npm error code ENOSPC\nnpm error syscall write"),
    ("full", "E: You don't have enough free space in /var/cache/apt/archives/."),
    (
        "unknown",
        "error: expected `;`, found `}`\nerror: could not compile `ledgerline-core` (lib) due to 1 previous error; 404 timed out",
    ),
    ("unknown", "Segmentation fault"),
    ("unknown", ""),
];

#[test]
fn the_words_of_each_tool_say_what_it_was() -> Result<()> {
    let place = Place::new()?;
    for (number, (_, words)) in WORDS.iter().enumerate() {
        std::fs::write(place.path().join(number.to_string()), words)?;
    }
    let script = format!("for log in $(seq 0 {}); do kind_of_failure $log; done", WORDS.len() - 1);
    let output = place.bash(&script, &[])?;
    let kinds = String::from_utf8(output.stdout)?;
    let expected: Vec<_> = WORDS.iter().map(|(kind, _)| *kind).collect();
    for ((kind, expected), (_, words)) in kinds.lines().zip(&expected).zip(WORDS) {
        assert_eq!(kind, *expected, "{words}");
    }
    assert_eq!(kinds.lines().count(), expected.len());
    Ok(())
}

/// One environment for all, because to make one takes seconds: what is installed by a list that fails stays.
#[test]
fn pip_is_said_to_meet_what_it_meets() -> Result<()> {
    const NO_INDEX: &[(&str, &str)] =
        &[("PIP_NO_INDEX", "0"), ("PIP_FIND_LINKS", ""), ("PIP_INDEX_URL", NOBODY)];
    let place = Place::with_wheels()?;
    for (what, packages, is_changed, environment, expected) in [
        ("no index", &["needed"][..], false, NO_INDEX, "cannot be reached"),
        ("a changed file", &["needed"], true, &[], "is not the one that was locked"),
        ("a version that is not there", &["gone"], false, &[], "no such version"),
        ("a dependency that is not in the list", &["whole"], false, &[], "is not complete"),
        (
            "an extra that is not in the list",
            &["eager", "whole", "needed"],
            false,
            &[],
            "is not complete",
        ),
    ] {
        place.list(packages)?;
        if is_changed {
            place.change_hashes()?;
        }
        let output = place.install_python(environment)?;
        let is_said = !output.status.success() && said(&output).contains(expected);
        assert!(is_said, "{what}: {}", said(&output));
        let stamp = place.path().join(".cache/venv/installed.sha256");
        assert!(!stamp.exists(), "{what}: taken as installed");
    }
    Ok(())
}

#[test]
fn pip_installs_a_list_that_is_whole_and_its_programs_can_be_moved() -> Result<()> {
    let place = Place::with_wheels()?;
    place.list(&["whole", "needed"])?;
    let output = place.install_python(&[])?;
    ensure!(output.status.success(), "{}", said(&output));
    let moved = place.path().join("moved");
    std::fs::rename(place.path().join(".cache"), &moved)?;
    let program = Command::new(moved.join("venv/bin/whole")).output()?;
    assert_eq!(String::from_utf8_lossy(&program.stdout), "needed\n", "{}", said(&program));
    Ok(())
}

/// Of a list with a hole it asks the index first, so that is among the words only.
#[test]
fn npm_is_said_to_meet_what_it_meets() -> Result<()> {
    let python = workspace::python()?;
    let venv = python.ancestors().nth(2).context("a venv")?.display().to_string();
    let place = Place::new()?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(workspace::client_program(file)?, place.path().join(file))?;
    }
    let environment = [
        ("npm_config_registry", NOBODY),
        ("npm_config_fetch_retries", "0"),
        ("npm_config_cache", "npm-cache"),
    ];
    let script =
        format!("source .tools/node.sh; venv='{venv}'; install_javascript npm package-lock.json");
    let output = place.bash(&script, &environment)?;
    let is_said = !output.status.success() && said(&output).contains("cannot be reached");
    assert!(is_said, "{}", said(&output));
    Ok(())
}

#[test]
fn go_is_said_to_meet_what_it_meets() -> Result<()> {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("SKIPPED: there is no Go here");
        return Ok(());
    }
    const SUMS: &str = "golang.org/x/sync v0.8.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
        golang.org/x/sync v0.8.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    for (sums, expected) in [(SUMS, "cannot be reached"), ("", "is not complete")] {
        let place = Place::new()?;
        place.write(
            "m/go.mod",
            "module a.test/a\n\ngo 1.21\n\nrequire golang.org/x/sync v0.8.0\n",
        )?;
        place.write("m/go.sum", sums)?;
        place.write(
            "m/main.go",
            "package main\n\nimport _ \"golang.org/x/sync/errgroup\"\n\nfunc main() {}\n",
        )?;
        // Somebody's own GOFLAGS must not have the list rewritten.
        let environment = [
            ("GOPROXY", NOBODY),
            ("GOMODCACHE", "/nowhere/go"),
            ("GOFLAGS", "-mod=mod"),
            ("GOTOOLCHAIN", "local"),
            ("HOME", "/nowhere"),
            ("GOCACHE", "/nowhere/cache"),
        ];
        let modules = place.path().join("modules").display().to_string();
        let environment = environment.map(|(name, value)| {
            (name, if value.starts_with("/nowhere") { modules.as_str() } else { value })
        });
        let output = place
            .bash("source .tools/optional.sh; build_go Something m . -o out .", &environment)?;
        assert!(!output.status.success() && said(&output).contains(expected), "{}", said(&output));
        assert_eq!(std::fs::read_to_string(place.path().join("m/go.sum"))?, sums);
    }
    Ok(())
}

#[test]
fn cargo_is_said_to_meet_what_it_meets() -> Result<()> {
    let place = Place::new()?;
    let home = place.path().join("cargo").display().to_string();
    let environment = [
        ("CARGO_HOME", home.as_str()),
        ("XDG_CACHE_HOME", home.as_str()),
        ("CARGO_HTTP_PROXY", NOBODY),
        ("CARGO_NET_RETRY", "0"),
    ];
    let output =
        place.bash("source .tools/rust.sh; bring_cargo_tool cargo-deny 0.20.2", &environment)?;
    assert!(
        !output.status.success() && said(&output).contains("cannot be reached"),
        "{}",
        said(&output)
    );
    Ok(())
}

/// A folder with the scripts of this repository, and nothing that they brought.
struct Place(TempDir);

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ledgerline-install-").tempdir()?;
        std::os::unix::fs::symlink(workspace::root().join(".tools"), folder.path().join(".tools"))?;
        std::fs::create_dir(folder.path().join(".cache"))?;
        Ok(Self(folder))
    }

    /// Also with packages: `whole` needs `needed`, `eager` needs an extra of `whole`, which nobody has.
    fn with_wheels() -> Result<Self> {
        let place = Self::new()?;
        std::fs::create_dir(place.path().join("wheels"))?;
        let made =
            Command::new("python3").args(["-c", WHEELS]).current_dir(place.path()).output()?;
        ensure!(made.status.success(), "{}", said(&made));
        Ok(place)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(std::fs::write(path, text)?)
    }

    fn list(&self, packages: &[&str]) -> Result<()> {
        let hashes = std::fs::read_to_string(self.path().join("hashes"))?;
        let wanted =
            |line: &&str| packages.iter().any(|name| line.starts_with(&format!("{name}==")));
        let lines: Vec<_> = hashes.lines().filter(wanted).collect();
        assert_eq!(lines.len(), packages.len());
        self.write(
            "list.txt",
            &format!("{}\n", lines.join("\n").replace(" --hash", " \\\n    --hash")),
        )
    }

    fn change_hashes(&self) -> Result<()> {
        let list = std::fs::read_to_string(self.path().join("list.txt"))?;
        let (kept, _) = list.split_once("sha256:").context("a hash")?;
        self.write("list.txt", &format!("{kept}sha256:{:064}\n", 0))
    }

    fn install_python(&self, environment: &[(&str, &str)]) -> Result<Output> {
        let local =
            [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", "wheels"), ("PIP_CONFIG_FILE", "/dev/null")];
        let environment = [&local, environment].concat();
        self.bash(
            "source .tools/python.sh; install_python .cache/venv list.txt something",
            &environment,
        )
    }

    fn bash(&self, script: &str, environment: &[(&str, &str)]) -> Result<Output> {
        let script = format!("set -euo pipefail; source .tools/packages.sh; {script}");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).current_dir(self.path()).envs(environment.iter().copied());
        Ok(command.output()?)
    }
}

fn said(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// Writes wheels, and a list of all with their hashes.
const WHEELS: &str = r#"
import hashlib, zipfile

def wheel(name, *needs, program=None):
    path = f"wheels/{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", program or "")
        file.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *needs]) + "\n\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        if program:
            file.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        file.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(open(path, 'rb').read()).hexdigest()}"

lines = [
    wheel("needed"),
    wheel("whole", "Requires-Dist: needed", "Provides-Extra: more", "Requires-Dist: nowhere; extra == 'more'",
          program="def main():\n    import needed\n    print(needed.__name__)\n"),
    wheel("eager", "Requires-Dist: whole[more]"),
    "gone==2.0 --hash=sha256:" + "0" * 64,
]
wheel("gone")
open("hashes", "w").write("\n".join(lines) + "\n")
"#;
