//! A real API server with its etcd, which takes manifests as a cluster does.

use std::ffi::OsString;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::KeyPair;
use serde_json::Value;

use super::daemon::{Daemon, scratch};
use crate::process::eventually;
use crate::storage::free_port;
use crate::workspace::{self, Needed};

/// Who applies; server-side apply keeps which field is whose.
const FIELD_MANAGER: &str = "--field-manager=ledgerline";

/// How long the definitions of kinds may take to be served.
const DEFINITION_PATIENCE: Duration = Duration::from_secs(60);

/// A kube-apiserver with an etcd of its own.
#[derive(Debug)]
pub struct ApiServer {
    server: Daemon,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    _etcd: Daemon,
}

/// Kinds that are not Kubernetes' own, named after the folder of their definitions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kinds {
    /// The newest Istio's.
    Istio,
    /// The oldest Istio's.
    OldestIstio,
    /// The Gateway API's standard channel.
    GatewayApi,
    /// Envoy Gateway's.
    EnvoyGateway,
    /// The Prometheus operator's.
    PrometheusOperator,
}

impl Kinds {
    fn folder(self) -> &'static str {
        match self {
            Self::Istio => "istio-1.31",
            Self::OldestIstio => "istio-1.29",
            Self::GatewayApi => "gateway-api",
            Self::EnvoyGateway => "envoy-gateway",
            Self::PrometheusOperator => "prometheus-operator",
        }
    }
}

impl ApiServer {
    /// Starts one that knows these kinds; `None` where it is not built (see [`workspace::needs`]).
    pub async fn start(kinds: &[Kinds]) -> Result<Option<Self>> {
        let (Some(kubernetes), Some(etcd), Some(_)) = (
            workspace::needs(Needed::Kubernetes)?,
            workspace::needs(Needed::Etcd)?,
            workspace::needs(Needed::Definitions)?,
        ) else {
            return Ok(None);
        };
        let (etcd, storage) = start_etcd(&etcd).await?;
        let port = free_port()?;
        let mut server = start_server(&kubernetes, port, &storage)?;
        let kubeconfig = server.folder().join("kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_for(port))?;
        let kubectl = kubernetes.join("kubectl");
        let probe = || {
            listens(port) && run(&kubectl, &kubeconfig, &["get", "--raw", "/readyz"], "").is_ok()
        };
        server.until(probe).await?;
        let server = Self { server, kubectl, kubeconfig, _etcd: etcd };
        server.define(kinds).await?;
        Ok(Some(server))
    }

    /// The file with which clients find and enter it.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A search path on which `kubectl` is the one that belongs to it.
    pub fn path(&self) -> Result<OsString> {
        let own = self.kubectl.parent().context("the folder of kubectl")?.to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        Ok(std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)))?)
    }

    /// Runs kubectl; what it prints, or what it says about its failure.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String> {
        run(&self.kubectl, &self.kubeconfig, arguments, input)
    }

    /// Takes every object by server-side apply; a key that the kind does not have is an error.
    /// The objects as they are then.
    pub fn apply(&self, manifests: &str) -> Result<Vec<Value>> {
        let order = ["apply", "--server-side", "--validate=strict", FIELD_MANAGER];
        let arguments = [&order[..], &["-o", "json", "-f", "-"]].concat();
        let applied: Value = serde_json::from_str(&self.kubectl(&arguments, manifests)?)?;
        Ok(match applied["items"].as_array() {
            Some(items) => items.clone(),
            None => vec![applied],
        })
    }

    /// Whether it would take every object; nothing is kept.
    pub fn would_take(&self, manifests: &str) -> Result<()> {
        let order = ["apply", "--server-side", "--dry-run=server", "--validate=strict"];
        self.kubectl(&[&order[..], &["-f", "-"]].concat(), manifests).map(drop)
    }

    /// What it warns a user of when it would make every object; nothing is kept.
    pub fn warnings_for(&self, user: &str, manifests: &str) -> Result<String> {
        let order = ["create", "--dry-run=server", "--validate=strict", "--as", user, "-f", "-"];
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(order);
        outputs_of(&mut command, manifests).map(|(_, said)| said)
    }

    /// Applies one object that a test wrote.
    pub fn apply_object(&self, object: &Value) -> Result<()> {
        self.apply(&object.to_string()).map(drop)
    }

    /// Makes a namespace.
    pub fn make_namespace(&self, name: &str) -> Result<()> {
        self.kubectl(&["create", "namespace", name], "").map(drop)
    }

    /// Takes the definitions and waits until their kinds are served.
    async fn define(&self, kinds: &[Kinds]) -> Result<()> {
        let definitions = workspace::needs(Needed::Definitions)?.context("definitions")?;
        let folders: Vec<_> = kinds
            .iter()
            .map(|kinds| format!("-f={}", definitions.join(kinds.folder()).display()))
            .collect();
        let folders: Vec<_> = folders.iter().map(String::as_str).collect();
        let order = ["apply", "--server-side", "-o", "name"];
        let applied = self.kubectl(&[&order[..], &folders].concat(), "")?;
        let definition = |line: &&str| line.starts_with("customresourcedefinition");
        let definitions: Vec<_> = applied.lines().filter(definition).collect();
        let get = [&["get", "-o", "json"], definitions.as_slice()].concat();
        let served =
            || self.kubectl(&get, "").is_ok_and(|list| are_established(&list)).then_some(());
        let served = eventually(DEFINITION_PATIENCE, served).await;
        served.with_context(|| format!("definitions are not served; {}", self.server.log()))
    }
}

/// Whether every definition of a list is served.
fn are_established(list: &str) -> bool {
    let list: Value = serde_json::from_str(list).unwrap_or_default();
    let is_established = |definition: &Value| {
        let conditions = definition["status"]["conditions"].as_array();
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    };
    list["items"].as_array().is_some_and(|items| items.iter().all(is_established))
}

async fn start_etcd(program: &Path) -> Result<(Daemon, String)> {
    let (folder, port) = (scratch("etcd")?, free_port()?);
    let (clients, peers) =
        (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()?));
    let mut command = Command::new(program.join("etcd"));
    command.arg("--data-dir").arg(folder.path().join("data"));
    command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
    command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
    command.args(["--initial-cluster", &format!("default={peers}"), "--unsafe-no-fsync"]);
    let mut etcd = Daemon::start("etcd", &mut command, folder)?;
    etcd.until(|| listens(port)).await?;
    Ok((etcd, clients))
}

fn start_server(program: &Path, port: u16, storage: &str) -> Result<Daemon> {
    let folder = scratch("apiserver")?;
    let place = |name: &str| folder.path().join(name);
    let accounts = KeyPair::generate()?;
    std::fs::write(place("accounts.key"), accounts.serialize_pem())?;
    std::fs::write(place("accounts.pub"), accounts.public_key_pem())?;
    std::fs::write(
        place("tokens"),
        "administrator,administrator,administrator,\"system:masters\"\n",
    )?;
    let mut command = Command::new(program.join("kube-apiserver"));
    command.args(["--etcd-servers", storage, "--bind-address", "127.0.0.1"]);
    command.args([
        "--secure-port",
        &port.to_string(),
        "--service-cluster-ip-range",
        "10.96.0.0/16",
    ]);
    command.args(["--service-account-issuer", "https://kubernetes.default.svc"]);
    command.arg("--service-account-key-file").arg(place("accounts.pub"));
    command.arg("--service-account-signing-key-file").arg(place("accounts.key"));
    command.arg("--cert-dir").arg(place("certificates"));
    command.arg("--token-auth-file").arg(place("tokens"));
    command.args(["--authorization-mode", "RBAC", "--enable-priority-and-fairness=false"]);
    Daemon::start("kube-apiserver", &mut command, folder)
}

/// The server's certificate is its own work of this minute, and it listens on loopback only.
fn kubeconfig_for(port: u16) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: test,\n\
         clusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}],\n\
         users: [{{name: test, user: {{token: administrator}}}}],\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]}}\n"
    )
}

pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

fn run(kubectl: &Path, kubeconfig: &Path, arguments: &[&str], input: &str) -> Result<String> {
    let mut command = Command::new(kubectl);
    command.arg("--kubeconfig").arg(kubeconfig).args(arguments);
    output_of(&mut command, input).with_context(|| format!("kubectl {}", arguments.join(" ")))
}

/// What a program prints for this input; an error with all that it said if it fails.
pub(super) fn output_of(command: &mut Command, input: &str) -> Result<String> {
    outputs_of(command, input).map(|(printed, _)| printed)
}

/// What a program prints for this input, and what it says besides.
fn outputs_of(command: &mut Command, input: &str) -> Result<(String, String)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", command.get_program().display()))?;
    let mut pipe = child.stdin.take().context("stdin")?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that needs no input may have ended.
        let _ = pipe.write_all(input.as_bytes());
    });
    let output = child.wait_with_output()?;
    let _ = writer.join();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}\n{printed}{said}", output.status);
    Ok((printed, said))
}
