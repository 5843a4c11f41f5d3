//! A real istiod on an API server, and what it says to each proxy.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::api_server::{ApiServer, Kinds, listens, output_of};
use super::configuration::Configuration;
use super::daemon::{Daemon, scratch, scratch_in};
use super::pod::Pod;
use super::registry::Registry;
use crate::storage::free_port;
use crate::workspace::{self, Needed};

/// An Istio, with the Envoy that its proxies are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IstioVersion {
    /// The oldest that Ledgerline supports and whose source can be had.
    Oldest,
    /// The newest.
    Newest,
}

impl IstioVersion {
    /// The version, as its proxies say it.
    pub fn number(self) -> &'static str {
        match self {
            Self::Oldest => "1.29.2",
            Self::Newest => "1.31.0",
        }
    }

    /// The stock Envoy that stands for its proxy.
    pub fn envoy(self) -> &'static str {
        match self {
            Self::Oldest => workspace::OLDEST_ENVOY,
            Self::Newest => workspace::NEWEST_ENVOY,
        }
    }

    /// Its own kinds.
    pub fn kinds(self) -> Kinds {
        match self {
            Self::Oldest => Kinds::OldestIstio,
            Self::Newest => Kinds::Istio,
        }
    }

    fn needed(self) -> Needed {
        match self {
            Self::Oldest => Needed::OldestIstio,
            Self::Newest => Needed::NewestIstio,
        }
    }
}

/// The configuration of a mesh: istiod's own, beside which it reads that of the overlays.
#[derive(Clone, Copy, Debug)]
pub struct MeshConfig<'a> {
    /// YAML, as Helm writes it into the ConfigMap `istio`.
    pub own: &'a str,
    /// The ConfigMap that `SHARED_MESH_CONFIG` names.
    pub shared: &'a str,
}

/// A running istiod.
#[derive(Debug)]
pub struct Istiod {
    version: IstioVersion,
    server: Daemon,
    discovery: u16,
}

impl Istiod {
    /// Starts one on what the API server has now; `None` where it is not built.
    ///
    /// It serves once it has read everything, so its first answer knows all of it.
    pub async fn start(
        version: IstioVersion,
        api_server: &ApiServer,
        mesh: MeshConfig<'_>,
    ) -> Result<Option<Self>> {
        let Some(program) = workspace::needs(version.needed())? else { return Ok(None) };
        let folder = scratch("istiod")?;
        let [discovery, http, secure, webhooks, monitoring] = free_ports()?;
        let file = folder.path().join("mesh");
        std::fs::write(&file, mesh.own)?;
        let address = |port: u16| format!("127.0.0.1:{port}");
        let mut command = Command::new(program.join("pilot-discovery"));
        command.current_dir(folder.path()).arg("discovery");
        command.arg("--kubeconfig").arg(api_server.kubeconfig());
        command.arg("--meshConfig").arg(file).args(["--clusterID", "Kubernetes"]);
        command.args(["--grpcAddr", &address(discovery), "--httpAddr", &address(http)]);
        command.args(["--secureGRPCAddr", &address(secure), "--httpsAddr", &address(webhooks)]);
        command.args(["--monitoringAddr", &address(monitoring), "--ctrlz_port", "0"]);
        command.env_remove("KUBECONFIG").env("SHARED_MESH_CONFIG", mesh.shared);
        command.env("POD_NAMESPACE", "istio-system").env("POD_NAME", "istiod-0");
        command.env("ISTIOD_CUSTOM_HOST", "localhost").env("CLUSTER_ID", "Kubernetes");
        command.env("PILOT_ENABLE_AMBIENT", "true");
        let mut server = Daemon::start("istiod", &mut command, folder)?;
        server.until(|| listens(discovery)).await?;
        Ok(Some(Self { version, server, discovery }))
    }

    /// Its version.
    pub fn version(&self) -> IstioVersion {
        self.version
    }

    /// What it would send to the pod's proxy now, its modules fetched from the registry by Istio's
    /// agent. The modules are files that go with this istiod.
    pub fn configuration(&self, pod: &Pod, registry: &Registry) -> Result<Configuration> {
        let folder = scratch_in(self.server.folder(), &pod.name)?;
        let node = pod.node(self.version.number());
        self.dump(&node, registry, &folder)
            .with_context(|| format!("configuration of {}; {}", pod.name, self.server.log()))?;
        Configuration::read(node, &folder)
    }

    fn dump(&self, node: &Value, registry: &Registry, folder: &Path) -> Result<()> {
        let program = workspace::needs(Needed::NewestIstio)?.context("xds")?;
        let node_file = folder.join("node.json");
        std::fs::write(&node_file, node.to_string())?;
        let mut command = Command::new(program.join("xds"));
        command.args(["dump", "--istiod", &format!("127.0.0.1:{}", self.discovery)]);
        command.arg("--node").arg(node_file).arg("--folder").arg(folder);
        command.args(["--insecure-registry", registry.address()]);
        output_of(&mut command, "").map(drop)
    }
}

fn free_ports() -> Result<[u16; 5]> {
    Ok([free_port()?, free_port()?, free_port()?, free_port()?, free_port()?])
}
