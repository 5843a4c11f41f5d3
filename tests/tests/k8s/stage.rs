//! What a test plays on: a cluster with an overlay applied, its istiod, and the outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use ledgerline_tests::client::{Answer, Call};
use ledgerline_tests::cluster::{
    ApiServer, Configuration, Identity, IstioVersion, Istiod, Kinds, MeshConfig, Outside, Overlay,
    Pod, Proxy, Registry, Role, TrustDomain, objects,
};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::simulator::Simulator;
use ledgerline_tests::workspace;
use serde_json::{Value, json};

/// The hosts that the simulator is in these tests; the overlays allow all but the last.
const HOSTS: [&str; 3] = ["api.openai.com", "api.anthropic.com", "elsewhere.example"];

/// Addresses in the mesh.
const GATEWAY_IP: &str = "10.1.0.5";

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

/// What differs from the overlay as it ships: file, text, and what stands there instead.
pub(crate) type Edit<'a> = (&'a str, &'a str, &'a str);

impl Mesh {
    /// Applies an overlay with the edits of a user, and starts istiod; `None` where a tool is
    /// missing.
    pub(crate) async fn with(
        version: IstioVersion,
        overlay: &str,
        edits: &[Edit<'_>],
    ) -> Result<Option<Self>> {
        let Some(registry) = Registry::with_module(&workspace::module()?).await? else {
            return Ok(None);
        };
        let Some(api_server) = ApiServer::start(&[version.kinds(), Kinds::GatewayApi]).await? else {
            return Ok(None);
        };
        for namespace in ["istio-system", "team-a", "team-b"] {
            api_server.make_namespace(namespace)?;
        }
        let overlay = Overlay::copy(overlay)?;
        publish_module(&overlay, &registry)?;
        for (file, old, new) in edits {
            overlay.edit(file, old, new)?;
        }
        let rendered = overlay.render()?.context("kubectl")?;
        api_server.apply(&rendered)?;
        let objects = objects(&rendered)?;
        run_gateway(&api_server, &objects)?;
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

    /// The gateway's pod.
    pub(crate) fn gateway_pod(&self) -> Result<Pod> {
        gateway_pod(&self.objects)
    }

    /// An identity in the mesh.
    pub(crate) fn identity(&self, namespace: &str, account: &str) -> Result<Identity> {
        let id = format!("spiffe://cluster.local/ns/{namespace}/sa/{account}");
        self.trust_domain.issue(&id)
    }

    /// Runs the gateway's proxy as istiod configures it.
    pub(crate) async fn open(self) -> Result<Open> {
        let pod = self.gateway_pod()?;
        let configuration = self.configuration(&pod)?;
        let gateway = self.run(&pod, &configuration, BTreeMap::new()).await?;
        let address = gateway.listener("0.0.0.0_8443")?;
        Ok(Open { mesh: self, gateway, address })
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
}

/// Names the registry's image in the overlay, as `make image --push` tells a user to.
fn publish_module(overlay: &Overlay, registry: &Registry) -> Result<()> {
    let shipped = "registry.example.com/ledgerline-filter:0.1.0";
    overlay.edit("wasm-plugin.yaml", shipped, registry.image())?;
    overlay.edit("wasm-plugin.yaml", &"0".repeat(64), registry.sha256())
}

fn gateway_pod(objects: &[Value]) -> Result<Pod> {
    let workload = objects.iter().find(|object| object["kind"] == "StatefulSet");
    Ok(Pod::of_workload(workload.context("a StatefulSet")?, Role::Router, GATEWAY_IP))
}

/// The first pod of the gateway: its template as it is, with the claim that its controller adds.
fn run_gateway(api_server: &ApiServer, objects: &[Value]) -> Result<()> {
    let workload = objects.iter().find(|object| object["kind"] == "StatefulSet");
    let mut spec = workload.context("a StatefulSet")?["spec"]["template"]["spec"].clone();
    let claim = json!({"name": "ledger", "persistentVolumeClaim": {"claimName": "ledger-ledgerline-gateway-0"}});
    match spec["volumes"].as_array_mut() {
        Some(volumes) => volumes.push(claim),
        None => spec["volumes"] = json!([claim]),
    }
    let services = [("ledgerline-gateway", "https", 8443)];
    gateway_pod(objects)?.run_on(api_server, &spec, &services)
}
