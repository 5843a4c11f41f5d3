//! A pod as the mesh sees it, written by the test in place of kubelet and controllers.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::api_server::ApiServer;

/// A pod as the control planes see it: nothing runs in it.
#[derive(Clone, Debug)]
pub struct Pod {
    /// What its proxy is.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The service account that it runs as.
    pub service_account: String,
    /// Its address in the mesh.
    pub ip: String,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// Its own proxy configuration, from the annotation `proxy.istio.io/config`; may be null.
    pub proxy_config: Value,
}

/// What a proxy is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// A gateway.
    Router,
    /// Beside an application.
    Sidecar,
    /// A proxy that stands for other pods or services, in ambient mode.
    Waypoint,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Sidecar => "sidecar",
            Self::Waypoint => "waypoint",
        }
    }
}

impl Pod {
    /// An agent's pod with a sidecar.
    pub fn agent(namespace: &str, ip: &str) -> Self {
        Self {
            role: Role::Sidecar,
            name: "agent-0".into(),
            namespace: namespace.into(),
            service_account: "agent".into(),
            ip: ip.into(),
            labels: Map::from_iter([("app".into(), json!("agent"))]),
            proxy_config: Value::Null,
        }
    }

    /// The first pod of a workload that a test found in the cluster.
    pub fn of_workload(workload: &Value, role: Role, ip: &str) -> Result<Self> {
        let text = |path: &str| {
            let value = workload.pointer(path).and_then(Value::as_str);
            value.unwrap_or("default").to_owned()
        };
        let template = &workload["spec"]["template"]["metadata"];
        let proxy_config = template["annotations"]["proxy.istio.io/config"].as_str();
        Ok(Self {
            role,
            name: format!("{}-0", text("/metadata/name")),
            namespace: text("/metadata/namespace"),
            service_account: text("/spec/template/spec/serviceAccountName"),
            ip: ip.into(),
            labels: template["labels"].as_object().cloned().unwrap_or_default(),
            proxy_config: proxy_config.map_or(Ok(Value::Null), serde_saphyr::from_str)?,
        })
    }

    /// Its identity in the mesh.
    pub fn spiffe_id(&self) -> String {
        format!("spiffe://cluster.local/ns/{}/sa/{}", self.namespace, self.service_account)
    }

    /// What a scheduler, a kubelet and the endpoint controller would write: the pod runs at its
    /// address and is ready behind `services`, given by name and target port.
    pub fn run_on(
        &self,
        server: &ApiServer,
        spec: &Value,
        services: &[(&str, &str, u16)],
    ) -> Result<()> {
        let metadata =
            json!({"name": self.name, "namespace": self.namespace, "labels": self.labels});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
        server.apply_object(&pod)?;
        let status = json!({"status": {
            "phase": "Running",
            "podIP": self.ip,
            "podIPs": [{"ip": self.ip}],
            "conditions": [{"type": "Ready", "status": "True"}]
        }});
        let target = ["-n", &self.namespace, "patch", "pod", &self.name];
        let patch = ["--subresource=status", "--type=merge", "-p", &status.to_string()];
        server.kubectl(&[&target[..], &patch[..]].concat(), "")?;
        for (service, port_name, port) in services {
            server.apply_object(&self.endpoints(service, port_name, *port))?;
        }
        Ok(())
    }

    fn endpoints(&self, service: &str, port_name: &str, port: u16) -> Value {
        let pod = json!({"kind": "Pod", "name": self.name, "namespace": self.namespace});
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("{service}-{}", self.name),
                "namespace": self.namespace,
                "labels": {"kubernetes.io/service-name": service}
            },
            "addressType": "IPv4",
            "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [self.ip], "conditions": {"ready": true}, "targetRef": pod}]
        })
    }

    /// How its proxy presents itself to istiod: what Istio's agent makes of the pod.
    pub(super) fn node(&self, istio: &str) -> Value {
        let Self { name, namespace, ip, .. } = self;
        let role = self.role.name();
        json!({
            "id": format!("{role}~{ip}~{name}.{namespace}~{namespace}.svc.cluster.local"),
            "cluster": format!("{}.{namespace}", self.service_account),
            "metadata": {
                "ISTIO_VERSION": istio,
                "CLUSTER_ID": "Kubernetes",
                "MESH_ID": "cluster.local",
                "NAME": name,
                "NAMESPACE": namespace,
                "SERVICE_ACCOUNT": self.service_account,
                "LABELS": self.labels,
                "INSTANCE_IPS": ip,
                "PROXY_CONFIG": self.proxy_config,
                "HTTP10": self.proxy_config["proxyMetadata"]["ISTIO_META_HTTP10"],
            }
        })
    }
}
