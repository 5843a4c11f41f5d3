use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair};

use super::ports::free_port;
use super::s3::{Identity, S3};
use super::server::{Server, scratch};
use crate::workspace::{self, Needed};

/// Ceph's object gateway over one monitor and one storage daemon, on disk: it survives a kill -9.
///
/// Seen of Debian's 16.2: bucket policies are enforced, default retention is stamped on each
/// version, the lock holds against its root. `If-None-Match` and a wrong SHA-256 are ignored.
#[derive(Debug)]
pub struct CephRgw {
    s3: S3,
    secure: S3,
    server: Server,
}

impl CephRgw {
    /// Starts a store of its own; `None` where Ceph is not installed (see [`workspace::needs`]).
    pub async fn start() -> Result<Option<Self>> {
        if workspace::needs(Needed::Ceph)?.is_none() {
            return Ok(None);
        }
        let folder = scratch("ceph")?;
        let [monitor, http, https] = [free_port()?, free_port()?, free_port()?];
        let s3 = S3::new(format!("http://127.0.0.1:{http}")).with_user_arns();
        write_users(folder.path(), &s3)?;
        write_certificate(folder.path())?;

        let mut command = Command::new(workspace::root().join("tests/storage/ceph.sh"));
        command.arg(folder.path());
        command.args([monitor, http, https].map(|port| port.to_string()));
        let server = Server::start(command, folder, http).await.context("start Ceph")?;
        let authority = server.folder().join("tls.pem");
        let secure = s3.secured(format!("https://127.0.0.1:{https}"), authority);
        Ok(Some(Self { s3, secure, server }))
    }

    /// The store by plain HTTP.
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// The store by TLS: what policies that demand TLS let in.
    pub fn secure(&self) -> &S3 {
        &self.secure
    }

    /// Ends all daemons at once (SIGKILL). The data stays.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts all daemons again, on the same ports and the same data.
    pub async fn restart(&self) -> Result<()> {
        self.server.restart().await
    }
}

fn write_users(folder: &Path, s3: &S3) -> Result<()> {
    let mut text = String::new();
    for (name, identity) in [
        ("root", Identity::Root),
        ("owner", Identity::Owner),
        ("writer", Identity::Writer),
        ("auditor", Identity::Auditor),
    ] {
        let keys = s3.keys(identity);
        text += &format!("{name} {} {}\n", keys.access, keys.secret);
    }
    Ok(std::fs::write(folder.join("users"), text)?)
}

pub(super) fn write_certificate(folder: &Path) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.self_signed(&key)?;
    std::fs::write(folder.join("tls.pem"), certificate.pem())?;
    std::fs::write(folder.join("tls.key"), key.serialize_pem())?;
    Ok(())
}
