//! Where things are in this repository, and what to run when one is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The oldest Envoy that Ledgerline supports.
pub const OLDEST_ENVOY: &str = "1.37.0";
/// The Envoy that `make run` starts.
pub const NEWEST_ENVOY: &str = "1.40.0";

/// The root of the repository; the paths inside the shipped configurations are relative to it.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The Envoy binary of one version.
pub fn envoy(version: &str) -> Result<PathBuf> {
    existing(&format!(".cache/envoy/{version}/envoy"), &format!("envoy/install.sh {version}"))
}

/// The bootstrap of the egress gateway, as shipped.
pub fn egress_bootstrap() -> Result<PathBuf> {
    existing("envoy/egress.yaml", "git checkout envoy/egress.yaml")
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

fn existing(relative: &str, fix: &str) -> Result<PathBuf> {
    let path = root().join(relative);
    ensure!(path.exists(), "{relative} is missing; `{fix}` makes it");
    Ok(path)
}
