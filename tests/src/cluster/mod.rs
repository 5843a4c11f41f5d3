//! A mesh without nodes: the real control planes, and a real Envoy with what they made.
//!
//! ```text
//! k8s/overlays/… ─► kube-apiserver ─► istiod ─► xds (Istio's agent) ─► Envoy ─► Simulator
//! ```
//!
//! Nothing here writes configuration. An [`ApiServer`] takes the manifests as a cluster takes them,
//! an [`Istiod`] makes of them what it would send to the proxy of a [`Pod`], and a [`Proxy`] is an
//! Envoy that runs the part of it that is stock Envoy. There is no kubelet, no controller manager
//! and no CNI: the pods and their endpoints are written by the test, and addresses lead to loopback.

mod api_server;
mod configuration;
mod daemon;
mod identity;
mod istioctl;
mod istiod;
mod overlay;
mod pod;
mod proxy;
mod registry;
mod stock;

pub use api_server::{ApiServer, Kinds};
pub use configuration::Configuration;
pub use identity::{Identity, TrustDomain};
pub use istioctl::{check_manifests, check_namespace, pod_templates};
pub use istiod::{IstioVersion, Istiod, MeshConfig};
pub use overlay::{Above, Overlay, objects};
pub use pod::{Pod, Role};
pub use proxy::{Outside, Proxy};
pub use registry::Registry;
pub use stock::NOT_STOCK;
