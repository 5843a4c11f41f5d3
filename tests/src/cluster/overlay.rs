//! An overlay of k8s/: a copy that a test may edit, built by kustomize.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::api_server::output_of;
use super::daemon::scratch;
use crate::workspace::{self, Needed};

/// An overlay of `k8s/overlays`, rendered by `kubectl kustomize`.
#[derive(Debug)]
pub struct Overlay {
    name: String,
    k8s: PathBuf,
    _copy: Option<TempDir>,
}

impl Overlay {
    /// One as it ships.
    pub fn shipped(name: &str) -> Self {
        Self { name: name.to_owned(), k8s: workspace::root().join("k8s"), _copy: None }
    }

    /// A copy that a test may edit, as a user edits a checkout.
    pub fn copy(name: &str) -> Result<Self> {
        let folder = scratch("k8s")?;
        let k8s = folder.path().join("k8s");
        copy_folder(&workspace::root().join("k8s"), &k8s)?;
        Ok(Self { name: name.to_owned(), k8s, _copy: Some(folder) })
    }

    /// All overlays that ship.
    pub fn all() -> Result<Vec<String>> {
        let folder = workspace::root().join("k8s/overlays");
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut names: Vec<_> = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        names.sort();
        Ok(names)
    }

    /// The overlay's folder.
    pub fn folder(&self) -> PathBuf {
        self.k8s.join("overlays").join(&self.name)
    }

    /// Replaces text in one of the overlay's files; the text must be there.
    pub fn edit(&self, file: &str, old: &str, new: &str) -> Result<()> {
        let path = self.folder().join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        ensure!(text.contains(old), "{} does not have: {old}", path.display());
        Ok(std::fs::write(path, text.replace(old, new))?)
    }

    /// Everything that `kubectl apply -k` would send; `None` where kubectl is not built.
    pub fn render(&self) -> Result<Option<String>> {
        build(&self.folder())
    }

    /// What stays when the overlay goes, and is applied before it.
    pub fn render_namespace(&self) -> Result<Option<String>> {
        build(&self.folder().join("namespace"))
    }

    /// Both, in the order in which a cluster needs them.
    pub fn render_with_namespace(&self) -> Result<Option<String>> {
        let (Some(first), Some(then)) = (self.render_namespace()?, self.render()?) else {
            return Ok(None);
        };
        Ok(Some(format!("{first}---\n{then}")))
    }
}

/// An own kustomization of somebody who takes an overlay as it is and changes it from above.
#[derive(Debug)]
pub struct Above {
    folder: TempDir,
}

impl Above {
    /// One over an overlay as it ships, with these further lines in its `kustomization.yaml`.
    pub fn of(overlay: &str, lines: &str) -> Result<Self> {
        Self::over(&Overlay::shipped(overlay).folder(), lines)
    }

    /// One over whatever is in a folder.
    pub fn over(base: &Path, lines: &str) -> Result<Self> {
        let above = Self { folder: scratch("above")? };
        // kustomize takes a base by a relative path only.
        let up = "../".repeat(above.folder.path().canonicalize()?.components().count() - 1);
        let base = base.canonicalize()?.display().to_string();
        let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization";
        let base = base.trim_start_matches('/');
        let text = format!("{head}\nresources: [{up}{base}]\n{lines}");
        above.write("kustomization.yaml", &text)?;
        Ok(above)
    }

    /// Puts a file beside its `kustomization.yaml`.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.path().join(name), text)?)
    }

    /// Everything that `kubectl apply -k` would send; `None` where kubectl is not built.
    pub fn render(&self) -> Result<Option<String>> {
        build(self.folder.path())
    }
}

fn build(folder: &Path) -> Result<Option<String>> {
    let Some(kubernetes) = workspace::needs(Needed::Kubernetes)? else { return Ok(None) };
    let mut command = Command::new(kubernetes.join("kubectl"));
    command.arg("kustomize").arg(folder);
    let built = output_of(&mut command, "");
    built.with_context(|| format!("build {}", folder.display())).map(Some)
}

/// The documents of a rendered overlay.
pub fn objects(rendered: &str) -> Result<Vec<Value>> {
    let documents = rendered.split("\n---\n").filter(|text| !text.trim().is_empty());
    documents.map(|text| serde_saphyr::from_str(text).with_context(|| text.to_owned())).collect()
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
