//! A real Envoy that runs what an istiod made for a pod.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::configuration::Configuration;
use super::daemon::scratch;
use super::identity::{Identity, TrustDomain};
use super::stock::{self, Places};
use crate::envoy::Admin;
use crate::ledger::Ledger;
use crate::process::{Supervised, log_tail};
use crate::workspace;

/// An Envoy with the stock part of what istiod sent.
#[derive(Debug)]
pub struct Proxy {
    process: Supervised,
    admin: Admin,
    ledger: Ledger,
    listeners: BTreeMap<String, SocketAddr>,
    folder: PathBuf,
}

/// What is around a proxy.
#[derive(Debug)]
pub struct Outside<'a> {
    /// Who signs in the mesh.
    pub trust_domain: &'a TrustDomain,
    /// The proxy's own identity.
    pub identity: &'a Identity,
    /// Who signs for the hosts outside, in PEM.
    pub public_roots: String,
    /// Where an address of the mesh, or a name outside, is really served.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// What an overlay adds to the bootstrap, as Istio's agent passes it on; may be empty.
    pub bootstrap: Value,
}

impl Proxy {
    /// Starts Envoy and waits until it has loaded everything; what it refuses is an error.
    pub async fn start(
        envoy: &str,
        configuration: &Configuration,
        outside: &Outside<'_>,
    ) -> Result<Self> {
        let scratch = scratch("proxy")?;
        let folder = scratch.path();
        let ledger = folder.join("ledger");
        std::fs::create_dir(&ledger)?;
        let places = Places {
            folder,
            ledger: &ledger,
            addresses: &outside.addresses,
            secrets: &outside.secrets(),
        };
        let (listeners, clusters) = stock::write(configuration, &places)?;
        let bootstrap = folder.join("bootstrap.json");
        let source = |path: &Path| json!({"path_config_source": {"path": path}, "resource_api_version": "V3"});
        let document = json!({
            "node": configuration.node,
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "bootstrap_extensions": [internal_listeners()],
            "dynamic_resources": {
                "lds_config": source(&listeners),
                "cds_config": source(&clusters)
            }
        });
        std::fs::write(&bootstrap, format!("{document:#}"))?;
        let mut command = command(envoy, &bootstrap, &outside.bootstrap, folder)?;
        let ledger = Ledger::from_now_on(&ledger.join("entries.jsonl"));
        let mut process = Supervised::spawn(&mut command, folder)?;
        let folder = TempDir::keep(scratch);
        let admin = Admin::when_ready(&mut process, &folder).await;
        let admin = admin.with_context(|| explain(&process, &folder))?;
        let listeners = admin.listeners().await?;
        let proxy = Self { process, admin, ledger, listeners, folder };
        proxy.check_for_refusals(configuration).await.with_context(|| proxy.explain())?;
        Ok(proxy)
    }

    /// Where a listener of this name is reached.
    pub fn listener(&self, name: &str) -> Result<SocketAddr> {
        let address = self.listeners.get(name).copied();
        address.with_context(|| format!("no listener {name} among {:?}", self.listeners))
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Envoy's admin interface.
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// Keeps all files for a person, and says where they are.
    pub fn explain(&self) -> String {
        explain(&self.process, &self.folder)
    }

    async fn check_for_refusals(&self, configuration: &Configuration) -> Result<()> {
        let refused = self.admin.stats("(update_rejected|config_fail|init_fetch_timeout)$").await?;
        let refused: Vec<_> = refused.0.into_iter().filter(|(_, count)| *count > 0).collect();
        ensure!(refused.is_empty(), "Envoy refused: {refused:?}");
        let sent = configuration.listeners.iter().filter(|one| stock::has_socket(one)).count();
        let loaded = self.listeners.len();
        ensure!(sent == loaded, "{loaded} of {sent} listeners: {:?}", self.listeners);
        Ok(())
    }
}

impl Outside<'_> {
    /// By the names that Istio gives them.
    fn secrets(&self) -> BTreeMap<String, Value> {
        let text = |text: &str| json!({"inline_string": text});
        let roots = |pem: &str| json!({"validation_context": {"trusted_ca": text(pem)}});
        let own = json!({"tls_certificate": {
            "certificate_chain": text(&self.identity.certificate),
            "private_key": text(&self.identity.key)
        }});
        let named = |name: &str, mut secret: Value| {
            secret["@type"] =
                json!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
            secret["name"] = json!(name);
            (name.to_owned(), secret)
        };
        BTreeMap::from([
            named("default", own),
            named("ROOTCA", roots(&self.trust_domain.root_pem())),
            named("file-root:system", roots(&self.public_roots)),
        ])
    }
}

/// As in Istio's own bootstrap.
fn internal_listeners() -> Value {
    const TYPE: &str =
        "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener";
    json!({"name": "envoy.bootstrap.internal_listener", "typed_config": {"@type": TYPE}})
}

fn command(envoy: &str, bootstrap: &Path, addition: &Value, folder: &Path) -> Result<Command> {
    let log = File::create(folder.join("envoy.log"))?;
    let mut command = Command::new(workspace::envoy(envoy)?);
    command.arg("--config-path").arg(bootstrap);
    if !addition.is_null() {
        let text = addition
            .to_string()
            .replace("/var/lib/ledgerline/", &format!("{}/ledger/", folder.display()));
        command.args(["--config-yaml", &text]);
    }
    command.arg("--admin-address-path").arg(folder.join("admin"));
    command.args(["--disable-hot-restart", "--log-level", "warning", "--concurrency", "2"]);
    command.args(["--file-flush-interval-msec", "10"]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

fn explain(process: &Supervised, folder: &Path) -> String {
    process.keep_scratch();
    let tail = log_tail(&folder.join("envoy.log"), |line| !line.contains("Deprecated field"));
    format!("files of this proxy: {}; {tail}", folder.display())
}
