//! What a test plays on: a cluster with an overlay applied, its istiod, and the outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use ledgerline_tests::client::{Answer, Call};
use ledgerline_tests::cluster::{
    ApiServer, Configuration, Identity, IstioVersion, Istiod, Kinds, MeshConfig, Outside, Overlay,
    Pod, Proxy, Registry, Role, TrustDomain, objects, pod_templates,
};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::simulator::Simulator;
use ledgerline_tests::workspace;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The hosts that the simulator is in these tests; the overlays allow all but the last.
const HOSTS: [&str; 3] = ["api.openai.com", "api.anthropic.com", "elsewhere.example"];

/// Where the gateway's pod is in the mesh.
pub(crate) const GATEWAY_IP: &str = "10.1.0.5";

/// Makes tests of functions that take an [`Open`]: each runs on the oldest and on the newest Istio.
macro_rules! on_each_istio {
    ($($test:ident,)*) => {
        on_each_istio!(@version oldest, Oldest, $($test)*);
        on_each_istio!(@version newest, Newest, $($test)*);
    };
    (@version $module:ident, $version:ident, $($test:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    let version = ledgerline_tests::cluster::IstioVersion::$version;
                    let result = match $crate::stage::shared(version).await {
                        Ok(Some(open)) => super::$test(open).await,
                        Ok(None) => Ok(()),
                        Err(error) => Err(error),
                    };
                    if let Err(error) = result {
                        panic!("{error:#}");
                    }
                }
            )*
        }
    };
}

/// The overlay `istio` with the gateway running, one for all tests of a version; `None` where a tool
/// is missing. Agents of team-a and team-b may call, those of team-b OpenAI only.
pub(crate) async fn shared(version: IstioVersion) -> Result<Option<&'static Open>> {
    // What failed for one test is not tried again by the next.
    type Shared = OnceCell<Result<Option<Open>, String>>;
    static MESHES: [Shared; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let [oldest, newest] = &MESHES;
    let mesh = match version {
        IstioVersion::Oldest => oldest,
        IstioVersion::Newest => newest,
    };
    let edits = [
        ("settings.yaml", "namespaces: [\"*\"]", "namespaces: [team-a, team-b]"),
        ("policy.yaml", "namespaces: {}", "namespaces: { team-b: { allow: [api.openai.com] } }"),
        DENY,
    ];
    let open = mesh.get_or_init(async || {
        let open = open_shared(version, &edits).await;
        open.map_err(|error| format!("{error:#}"))
    });
    match open.await {
        Ok(open) => Ok(open.as_ref()),
        Err(error) => bail!("{error}"),
    }
}

async fn open_shared(version: IstioVersion, edits: &[Edit<'_>]) -> Result<Option<Open>> {
    match Mesh::with(version, "istio", edits, Module::Published).await? {
        Some(mesh) => mesh.open().await.map(Some),
        None => Ok(None),
    }
}

/// A mesh with an overlay applied.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) api_server: ApiServer,
    pub(crate) registry: Registry,
    pub(crate) istiod: Istiod,
    pub(crate) simulator: Simulator,
    pub(crate) objects: Vec<Value>,
    trust_domain: TrustDomain,
}

/// Whether the overlay names the image that the registry has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Module {
    /// By name and digest.
    Published,
    /// By name, with the digest of another image.
    Changed,
}

/// The second step of `tighten-only`: what could loosen the policy is refused.
pub(crate) const DENY: Edit<'static> = (
    "kustomization.yaml",
    "# - ../../components/tighten-only-deny",
    "- ../../components/tighten-only-deny",
);

/// The second step of `mesh`: sidecars know the hosts of the policy and no others.
pub(crate) const REGISTRY_ONLY: Edit<'static> =
    ("kustomization.yaml", "# - registry-only", "- registry-only");

/// What differs from the overlay as it ships: file, text, and what stands there instead.
pub(crate) type Edit<'a> = (&'a str, &'a str, &'a str);

impl Mesh {
    /// Applies an overlay with the edits of a user, and starts istiod; `None` where a tool is
    /// missing.
    pub(crate) async fn with(
        version: IstioVersion,
        overlay: &str,
        edits: &[Edit<'_>],
        module: Module,
    ) -> Result<Option<Self>> {
        let Some(registry) = Registry::with_filter().await? else { return Ok(None) };
        let kinds = [version.kinds(), Kinds::GatewayApi];
        let Some(api_server) = ApiServer::start(&kinds).await? else { return Ok(None) };
        api_server.make_namespace("istio-system")?;
        for team in ["team-a", "team-b"] {
            api_server.apply_object(&namespace_of_the_mesh(team))?;
        }
        let overlay = edited(overlay, edits)?;
        publish_module(&overlay, &registry, module)?;
        api_server.apply(&overlay.render_namespace()?.context("kubectl")?)?;
        let rendered = overlay.render()?.context("kubectl")?;
        api_server.apply(&rendered)?;
        if version == IstioVersion::Newest {
            api_server.apply_object(&pod_templates()?.context("istioctl")?)?;
        }
        let objects = objects(&rendered)?;
        if let Some(workload) = workload(&objects) {
            run_gateway(&api_server, workload)?;
        }
        let mesh = MeshConfig { own: "{}", shared: "ledgerline-mesh" };
        let Some(istiod) = Istiod::start(version, &api_server, mesh).await? else {
            return Ok(None);
        };
        let simulator = Simulator::of_hosts(&HOSTS)?;
        let trust_domain = TrustDomain::new()?;
        Ok(Some(Self { api_server, registry, istiod, simulator, objects, trust_domain }))
    }

    /// What istiod sends to the proxy of a pod.
    pub(crate) fn configuration(&self, pod: &Pod) -> Result<Configuration> {
        self.istiod.configuration(pod, &self.registry)
    }

    /// An identity in the mesh.
    pub(crate) fn identity(&self, namespace: &str, account: &str) -> Result<Identity> {
        let id = format!("spiffe://cluster.local/ns/{namespace}/sa/{account}");
        self.trust_domain.issue(&id)
    }

    /// Runs the gateway's proxy as istiod configures it.
    pub(crate) async fn open(self) -> Result<Open> {
        let workload = workload(&self.objects).context("a StatefulSet")?;
        let pod = Pod::of_workload(workload, Role::Router, GATEWAY_IP)?;
        let configuration = self.configuration(&pod)?;
        let gateway = self.run(&pod, &configuration, BTreeMap::new()).await?;
        let address = gateway.listener("0.0.0.0_8443")?;
        Ok(Open { mesh: self, gateway, configuration, address })
    }

    /// Runs the proxy of a pod; all hosts lead to the simulator.
    pub(crate) async fn run(
        &self,
        pod: &Pod,
        configuration: &Configuration,
        mut addresses: BTreeMap<String, SocketAddr>,
    ) -> Result<Proxy> {
        for host in HOSTS {
            addresses.insert(host.to_owned(), self.simulator.tls_address());
        }
        let outside = Outside {
            trust_domain: &self.trust_domain,
            identity: &self.trust_domain.issue(&pod.spiffe_id())?,
            public_roots: self.simulator.authority().root_pem(),
            addresses,
            bootstrap: Value::Null,
        };
        Proxy::start(self.istiod.version().envoy(), configuration, &outside).await
    }
}

/// A mesh whose gateway runs.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) mesh: Mesh,
    pub(crate) gateway: Proxy,
    pub(crate) configuration: Configuration,
    pub(crate) address: SocketAddr,
}

impl Open {
    /// Calls through the gateway, as the sidecar of an agent in `namespace` does.
    pub(crate) async fn call_from(&self, namespace: &str, call: Call) -> Result<(Answer, Entry)> {
        let identity = self.mesh.identity(namespace, "agent")?;
        let stream = identity.connect(self.address).await?;
        let answer = call.open_over(stream).await?.finish().await?;
        let entry = self.entry(&answer.correlation_id).await?;
        Ok((answer, entry))
    }

    /// Waits for the final entry of a call.
    pub(crate) async fn entry(&self, correlation_id: &str) -> Result<Entry> {
        let entry = self.gateway.ledger().wait_for_call(correlation_id, false).await;
        entry.with_context(|| self.gateway.explain())
    }

    /// What is the same in the entry and at the far end of a call that reached it.
    pub(crate) fn check_exchange(&self, entry: &Entry) -> Result<()> {
        let exchange = self.mesh.simulator.exchange(entry.text("correlation_id"));
        let exchange = exchange.with_context(|| format!("the call never arrived: {entry}"))?;
        entry.check(json!({
            "status": exchange.status,
            "request_hash": exchange.request.sha256(),
            "response_hash": exchange.response.sha256(),
            "request": {"bytes": exchange.request.bytes()},
            "response": {"bytes": exchange.response.bytes()},
        }))
    }

    /// Fails if the far end saw anything of a call.
    pub(crate) fn check_not_sent(&self, entry: &Entry) -> Result<()> {
        let exchange = self.mesh.simulator.exchange(entry.text("correlation_id"));
        ensure!(exchange.is_none(), "the call left the gateway: {entry}");
        Ok(())
    }
}

fn namespace_of_the_mesh(name: &str) -> Value {
    let metadata = json!({"name": name, "labels": {"istio-injection": "enabled"}});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

/// A copy of an overlay with the edits of a user, and `ledgerline hosts write` where they are in
/// its policy.
pub(crate) fn edited(name: &str, edits: &[Edit<'_>]) -> Result<Overlay> {
    let overlay = Overlay::copy(name)?;
    for (file, old, new) in edits {
        overlay.edit(file, old, new)?;
    }
    if edits.iter().any(|(file, ..)| *file == "policy.yaml") {
        let mut command = Command::new(workspace::tool()?);
        let written =
            command.args(["hosts", "write", "--overlay"]).arg(overlay.folder()).output()?;
        let said = String::from_utf8_lossy(&written.stderr);
        ensure!(written.status.success(), "ledgerline hosts write: {said}");
    }
    Ok(overlay)
}

/// Names the registry's image in the overlay, as `make image --push` tells a user to.
fn publish_module(overlay: &Overlay, registry: &Registry, module: Module) -> Result<()> {
    let shipped = "registry.example.com/ledgerline-filter:0.1.0";
    overlay.edit("wasm-plugin.yaml", shipped, registry.image())?;
    match module {
        Module::Published => overlay.edit("wasm-plugin.yaml", &"0".repeat(64), registry.sha256()),
        Module::Changed => Ok(()),
    }
}

fn workload(objects: &[Value]) -> Option<&Value> {
    objects.iter().find(|object| object["kind"] == "StatefulSet")
}

/// The first pod of the gateway: its template as it is, with the claim that its controller adds, and
/// the image that Istio's injector puts in.
fn run_gateway(api_server: &ApiServer, workload: &Value) -> Result<()> {
    let pod = Pod::of_workload(workload, Role::Router, GATEWAY_IP)?;
    let claim = json!({
        "name": "ledger",
        "persistentVolumeClaim": {"claimName": format!("ledger-{}", pod.name)}
    });
    let mut spec = workload["spec"]["template"]["spec"].clone();
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        if container["image"] == "auto" {
            container["image"] = json!("istio/proxyv2");
        }
    }
    match spec["volumes"].as_array_mut() {
        Some(volumes) => volumes.push(claim),
        None => spec["volumes"] = json!([claim]),
    }
    pod.run_on(api_server, &spec, &[("ledgerline-gateway", "https", 8443)])
}
