//! Where things are in this repository, and what to run when one is missing.
//!
//! The repository is looked for when a program starts, never compiled in: a folder that was moved or copied
//! brings its programs with it, and they would go on with what they were built beside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};

/// The oldest Envoy that Ledgerline supports.
pub const OLDEST_ENVOY: &str = "1.37.0";
/// The Envoy that `make run` starts.
pub const NEWEST_ENVOY: &str = "1.40.0";

/// The root of the repository; the paths inside the shipped configurations are relative to it.
///
/// It is the one that we stand in, else the one that this program lies in. Where there is none it is the
/// current folder, and whatever is asked for next says that it is missing there.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let places = [std::env::current_dir(), std::env::current_exe()];
        let mut places = places.iter().flatten();
        let root = places.find_map(|place| root_above(place)).unwrap_or(Path::new("."));
        root.to_path_buf()
    });
    &ROOT
}

/// The nearest folder at or above `place` that is this repository.
fn root_above(place: &Path) -> Option<&Path> {
    place.ancestors().find(|folder| folder.join(EGRESS).is_file())
}

const EGRESS: &str = "envoy/egress.yaml";

/// The Envoy binary of one version.
pub fn envoy(version: &str) -> Result<PathBuf> {
    existing(&format!(".cache/envoy/{version}/envoy"), &format!("envoy/install.sh {version}"))
}

/// The bootstrap of the egress gateway, as shipped.
pub fn egress_bootstrap() -> Result<PathBuf> {
    existing(EGRESS, "git checkout envoy/egress.yaml")
}

/// The text of a bootstrap as this Envoy takes it.
pub fn suited(bootstrap: &Path, version: &str) -> Result<String> {
    let script = existing("envoy/suit.sh", "git checkout envoy/suit.sh")?;
    let output = Command::new(script).arg(version).arg(bootstrap).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The tool `ledgerline`, built with this very program.
pub fn tool() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("ledgerline"));
    let tool = folders.find(|tool| tool.is_file());
    tool.with_context(|| {
        format!("ledgerline is not beside {}; `cargo build` makes it", own.display())
    })
}

/// The filter, as built for release.
pub fn module() -> Result<PathBuf> {
    existing("target/ledgerline.wasm", "make wasm")
}

/// The filter as an OCI layout, for a registry.
pub fn filter_image() -> Result<PathBuf> {
    existing("target/images/ledgerline-filter", "make image")
}

/// The filter with the feature `fault-injection`: a header makes it trap.
pub fn faulty_module() -> Result<PathBuf> {
    const BUILD: &str =
        "filter/build.sh --features fault-injection --output target/ledgerline-fault.wasm";
    existing("target/ledgerline-fault.wasm", BUILD)
}

/// The Python that has the real SDKs.
pub fn python() -> Result<PathBuf> {
    existing(".cache/venv/bin/python", "tests/setup.sh")
}

/// The Python that has the MCP SDK of the older protocol.
pub fn python_of_older_mcp() -> Result<PathBuf> {
    existing(".cache/venv-mcp1/bin/python", "tests/setup.sh")
}

/// The Node that has a fetch of its own.
pub fn node() -> Result<PathBuf> {
    existing(".cache/venv/bin/node", "tests/setup.sh")
}

/// Where that Node finds the JavaScript SDKs.
pub fn node_modules() -> Result<PathBuf> {
    existing(".cache/npm/node_modules", "tests/setup.sh")
}

/// One of the client programs in `tests/clients`.
pub fn client_program(name: &str) -> Result<PathBuf> {
    existing(&format!("tests/clients/{name}"), "git checkout tests/clients")
}

/// A program that some tests run and that not every machine can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needed {
    /// Ceph's daemons: Debian packages.
    Ceph,
    /// Versity's S3 gateway: built with Go.
    Versitygw,
    /// The mock of S3: Python.
    Moto,
    /// The emulator of Azure Blob Storage: JavaScript.
    Azurite,
    /// The AWS command line: Python.
    AwsCli,
    /// A library that turns a program's clock back: a Debian package.
    Faketime,
    /// The OpenTelemetry Collector: built with Go.
    Collector,
    /// rsyslog with TLS: Debian packages.
    Rsyslog,
    /// kube-apiserver and kubectl: built with Go.
    Kubernetes,
    /// etcd: built with Go.
    Etcd,
    /// The newest Istio's istiod and istioctl, and `xds`: built with Go.
    NewestIstio,
    /// The oldest Istio's istiod: built with Go.
    OldestIstio,
    /// The custom resource definitions: files of Go modules.
    Definitions,
}

const AZURITE: &str = ".cache/storage/azurite/node_modules/azurite/dist/src/blob/main.js";

impl Needed {
    fn path(self) -> PathBuf {
        match self {
            Self::Ceph => PathBuf::from("/usr/bin/radosgw"),
            Self::Versitygw => root().join(".cache/storage/versitygw/versitygw"),
            Self::Moto => root().join(".cache/storage/venv/bin/moto_server"),
            Self::Azurite => root().join(AZURITE),
            Self::AwsCli => root().join(".cache/storage/venv/bin/aws"),
            Self::Faketime => PathBuf::from("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
            Self::Collector => root().join(".cache/otelcol/otelcol"),
            Self::Rsyslog => PathBuf::from("/usr/sbin/rsyslogd"),
            Self::Kubernetes => root().join(".cache/k8s/kubernetes"),
            Self::Etcd => root().join(".cache/k8s/etcd"),
            Self::NewestIstio => root().join(".cache/k8s/istio-1.31"),
            Self::OldestIstio => root().join(".cache/k8s/istio-1.29"),
            Self::Definitions => root().join(".cache/k8s/crds"),
        }
    }

    fn set_up(self) -> &'static str {
        match self {
            Self::Collector | Self::Rsyslog => "tests/engines.sh",
            Self::Kubernetes
            | Self::Etcd
            | Self::NewestIstio
            | Self::OldestIstio
            | Self::Definitions => "tests/k8s.sh",
            Self::Azurite => "tests/setup.sh; tests/storage.sh",
            Self::Ceph | Self::Versitygw | Self::Moto | Self::AwsCli | Self::Faketime => {
                "tests/storage.sh"
            }
        }
    }
}

/// Where a program is that the calling test needs.
///
/// `None`: it is not here, which was said on stderr with the name of the test, and the test ends as
/// if it had passed. In CI (`CI=true`) that is an error: a test that is never run proves nothing.
pub fn needs(thing: Needed) -> Result<Option<PathBuf>> {
    let path = thing.path();
    if path.exists() {
        return Ok(Some(path));
    }
    let set_up = thing.set_up();
    let why = format!("{thing:?} is missing ({}); `{set_up}` brings it", path.display());
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        bail!("{why}, and in CI nothing is skipped");
    }
    let thread = std::thread::current();
    eprintln!("SKIPPED: {}: {why}", thread.name().unwrap_or("a test"));
    Ok(None)
}

/// Where files of tests lie that a memory file system will not do for.
pub fn scratch() -> Result<PathBuf> {
    let folder = root().join("target/tmp");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn existing(relative: &str, fix: &str) -> Result<PathBuf> {
    let path = root().join(relative);
    ensure!(path.exists(), "{} is missing; `{fix}` makes it", path.display());
    Ok(path)
}
