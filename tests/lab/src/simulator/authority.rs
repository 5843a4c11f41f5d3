//! A certificate authority for one run: TLS to the simulator is verified like TLS to a provider.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The host that the certificate of the simulator names.
pub const TLS_HOST: &str = "tls.provider.test";

/// A root that exists in memory only.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new root with a new key.
    pub fn new() -> Result<Self> {
        Ok(Self { root: root_named("Simulated authority")? })
    }

    /// The root certificate, for a client that shall trust it.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// Accepts TLS for these hosts, offering HTTP/2 and HTTP/1.1.
    pub fn acceptor(&self, hosts: &[&str]) -> Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let leaf = CertificateParams::new(hosts)?.signed_by(&key, &self.root)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A root of trust with a new key.
pub fn root_named(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    // A leaf with the subject of its issuer would count as self-signed.
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}
