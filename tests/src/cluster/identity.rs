//! Certificates of a mesh: a root, and workloads that it signs for.

use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::simulator::authority::root_named;

/// A name in the gateway's certificate besides its identity, for clients that check names only.
const GATEWAY: &str = "ledgerline-gateway.ledgerline.svc.cluster.local";

/// The root that signs for a mesh, as istiod does; its keys exist in memory only.
pub struct TrustDomain {
    root: CertifiedIssuer<'static, KeyPair>,
}

/// A workload's certificate and key.
pub struct Identity {
    /// The certificate, in PEM.
    pub certificate: String,
    /// The key, in PEM.
    pub key: String,
    certificate_der: CertificateDer<'static>,
    key_der: Vec<u8>,
    root: CertificateDer<'static>,
}

impl TrustDomain {
    /// Makes a new root with a new key.
    pub fn new() -> Result<Self> {
        Ok(Self { root: root_named("Simulated mesh")? })
    }

    /// The root certificate, in PEM.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// Signs for one identity, given as a `spiffe://` URI.
    pub fn issue(&self, spiffe_id: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([GATEWAY.to_owned()])?;
        params.subject_alt_names.push(SanType::URI(spiffe_id.try_into()?));
        let leaf = params.signed_by(&key, &self.root)?;
        Ok(Identity {
            certificate: leaf.pem(),
            key: key.serialize_pem(),
            certificate_der: leaf.der().clone(),
            key_der: key.serialize_der(),
            root: self.root.der().clone(),
        })
    }
}

impl Identity {
    /// Connects to the gateway at `address` with this identity, as a sidecar does.
    pub async fn connect(&self, address: std::net::SocketAddr) -> Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![self.certificate_der.clone()], key)?;
        let stream = TcpStream::connect(address).await.context("connect to the gateway")?;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(ServerName::try_from(GATEWAY)?, stream).await.context("mutual TLS")
    }
}

impl std::fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrustDomain")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}
