//! The folder of an overlay: the policy that a person writes, and what follows from it.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    envoy_gateway, filter, istio,
    object::yaml,
    policy::{Mode, Places, Policy, Topology},
};
use crate::{fault::Fault, plain::Shown};

const POLICY: &str = "policy.yaml";
const GENERATED: &str = "generated";
const KUSTOMIZATION: &str = "kustomization.yaml";
const HOSTS: &str = "hosts.yaml";
const FILTER_HOSTS: &str = "filter-hosts.yaml";

/// An overlay.
#[derive(Debug)]
pub(super) struct Overlay {
    folder: PathBuf,
}

/// A policy as it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) policy: Policy,
    pub(super) places: Places,
}

/// A file that follows from a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generated {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// What was written.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) written: Vec<PathBuf>,
    /// Objects that were there before and follow from the policy no longer.
    pub(super) gone: Vec<Identity>,
}

/// By what an object is known in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) namespace: String,
    /// `kind/name`
    pub(super) object: String,
}

impl Identity {
    fn of(object: &Value) -> Option<Self> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?.to_ascii_lowercase();
        Some(Self {
            namespace: text("/metadata/namespace")?.to_owned(),
            object: format!("{kind}/{}", text("/metadata/name")?),
        })
    }
}

impl Overlay {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    pub(super) fn policy_path(&self) -> PathBuf {
        self.folder.join(POLICY)
    }

    /// Reads the policy.
    pub(super) fn read(&self) -> Result<Written, Fault> {
        let path = self.policy_path();
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::NoAnswer(format!(
                "error: {}: no such file: --overlay names the folder that holds {POLICY}",
                path.shown()
            )),
            _ => Fault::io(&path, &error),
        })?;
        self.compile(text)
    }

    /// Reads a text as this overlay's policy.
    pub(super) fn compile(&self, text: String) -> Result<Written, Fault> {
        let path = self.policy_path();
        let (policy, places) = Policy::read(&text).map_err(|problems| {
            let path = path.shown();
            let lines: Vec<_> =
                problems.iter().map(|problem| format!("{path}:{problem}")).collect();
            Fault::Refused(lines.join("\n"))
        })?;
        Ok(Written { text, policy, places })
    }

    pub(super) fn write_policy(&self, text: &str) -> Result<(), Fault> {
        let path = self.policy_path();
        replace(&path, text).map_err(|error| Fault::io(&path, &error))
    }

    /// Writes the files that are not as they should be.
    pub(super) fn write(&self, policy: &Policy) -> Result<Done, Fault> {
        let folder = self.folder.join(GENERATED);
        fs::create_dir_all(&folder).map_err(|error| Fault::io(&folder, &error))?;
        let before = self.identities();
        let mut written = Vec::new();
        for (path, text) in self.differing(policy)? {
            replace(&path, &text).map_err(|error| Fault::io(&path, &error))?;
            written.push(path);
        }
        let gone = before.difference(&self.identities()).cloned().collect();
        Ok(Done { written, gone })
    }

    /// The objects of hosts.yaml as it is; none if nobody wrote it, or it is broken.
    fn identities(&self) -> BTreeSet<Identity> {
        let path = self.folder.join(GENERATED).join(HOSTS);
        let text = fs::read_to_string(path).unwrap_or_default();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap_or_default();
        documents.iter().filter_map(Identity::of).collect()
    }

    /// The files that are not as they should be, and how they should be.
    pub(super) fn differing(&self, policy: &Policy) -> Result<Vec<(PathBuf, String)>, Fault> {
        let mut differing = Vec::new();
        for Generated { name, text } in generate(policy)? {
            let path = self.folder.join(GENERATED).join(name);
            match fs::read(&path) {
                Ok(found) if found == text.as_bytes() => {}
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Fault::io(&path, &error));
                }
                _ => differing.push((path, text)),
            }
        }
        Ok(differing)
    }
}

/// In one step, with the rights of the file before: nobody finds half a file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    if let Ok(before) = path.metadata() {
        fs::set_permissions(&draft, before.permissions())?;
    }
    fs::rename(&draft, path)
}

/// What follows from a policy.
pub(super) fn generate(policy: &Policy) -> Result<Vec<Generated>, Fault> {
    let objects = match policy.topology {
        Topology::Istio => istio::gateway::objects(policy),
        Topology::IstioAmbient => istio::ambient::objects(policy),
        Topology::IstioMeshWide => istio::mesh_wide::objects(policy),
        Topology::EnvoyGateway => envoy_gateway::objects(policy),
    };
    let (patch, target) = filter::patch(policy);
    let file = |name, about: &str, documents: &[Value]| -> Result<Generated, Fault> {
        let header = "# Written by `ledgerline hosts write`; edit ../policy.yaml.";
        Ok(Generated { name, text: format!("{header}\n# {about}\n{}", yaml(documents)?) })
    };
    Ok(vec![
        file(
            KUSTOMIZATION,
            "What the hosts and the mode of this overlay need, as a component of it.",
            &[kustomization(policy, target, !objects.is_empty())],
        )?,
        file(HOSTS, "The way of a call to each host, and who may take it.", &objects)?,
        file(
            FILTER_HOSTS,
            "The same list for the filter: the first rule that names a host counts.",
            &[patch],
        )?,
    ])
}

fn kustomization(policy: &Policy, target: Value, has_objects: bool) -> Value {
    let mut kustomization = Map::from_iter([
        ("apiVersion".to_owned(), "kustomize.config.k8s.io/v1alpha1".into()),
        ("kind".to_owned(), "Component".into()),
        ("patches".to_owned(), json!([{ "path": FILTER_HOSTS, "target": target }])),
    ]);
    if has_objects {
        kustomization.insert("resources".to_owned(), json!([HOSTS]));
    }
    if policy.mode == Mode::Blocking {
        kustomization.insert("components".to_owned(), json!(["../../../components/blocking"]));
    }
    kustomization.into()
}
