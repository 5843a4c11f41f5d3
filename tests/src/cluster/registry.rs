//! A registry that holds the filter.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::daemon::{Daemon, scratch};
use crate::workspace::{self, Needed};

/// A registry in memory that holds the filter as an OCI image.
#[derive(Debug)]
pub struct Registry {
    _daemon: Daemon,
    address: String,
    image: String,
    sha256: String,
}

impl Registry {
    /// Serves what `make image` made for a registry; `None` where `xds` is not built.
    pub async fn with_filter() -> Result<Option<Self>> {
        let Some(istio) = workspace::needs(Needed::NewestIstio)? else { return Ok(None) };
        let folder = scratch("registry")?;
        let mut command = Command::new(istio.join("xds"));
        command.arg("registry").arg("--layout").arg(workspace::filter_image()?);
        let mut daemon = Daemon::start("the registry", &mut command, folder)?;
        let log: PathBuf = daemon.folder().join("log");
        daemon.until(|| first_line(&log).is_some()).await?;
        let pushed: Value = serde_json::from_str(&first_line(&log).context("an answer")?)?;
        let text = |key: &str| pushed[key].as_str().unwrap_or_default().to_owned();
        Ok(Some(Self {
            _daemon: daemon,
            address: text("address"),
            image: text("image"),
            sha256: text("sha256"),
        }))
    }

    /// Where it serves.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The image's name, with the registry's address and the tag.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The digest of the image's manifest.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

fn first_line(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.split_once('\n').map(|(line, _)| line.to_owned())
}
