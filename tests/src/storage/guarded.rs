use std::process::Command;

use anyhow::{Context, Result};

use super::ceph::{CephRgw, write_certificate};
use super::ports::free_port;
use super::s3::{Identity, S3};
use super::server::{Server, scratch};
use super::versitygw::make_users;
use crate::workspace::{self, Needed};

/// A store of two servers, over TLS: Versity's gateway gives out the rights, Ceph behind it keeps the locks.
///
/// Neither has both. Ceph 16 lets whoever may put ask for a lock of its own, which may be shorter; the gateway wants a
/// right of its own for that, and keeps no default retention over a folder. So who writes knows the gateway alone, and
/// who audits looks at Ceph itself.
#[derive(Debug)]
pub struct Guarded {
    front: S3,
    _server: Server,
}

impl Guarded {
    /// A gateway of its own before `store`, in which `meta` becomes the bucket of its policies; `None` where it is not
    /// built.
    pub async fn before(store: &CephRgw, meta: &str) -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Versitygw)? else { return Ok(None) };
        store.s3().create_unlocked_bucket(meta).await?;
        let (folder, port) = (scratch("guarded")?, free_port()?);
        std::fs::create_dir(folder.path().join("users"))?;
        write_certificate(folder.path())?;
        let url = format!("https://127.0.0.1:{port}");
        let front = S3::new(url.clone());
        let (root, owner) = (front.keys(Identity::Root), store.s3().keys(Identity::Owner));
        let mut command = Command::new(&program);
        command.env("ROOT_ACCESS_KEY", &root.access).env("ROOT_SECRET_KEY", &root.secret);
        command.env("VGW_S3_ACCESS_KEY", &owner.access).env("VGW_S3_SECRET_KEY", &owner.secret);
        // Of this machine; this client takes none together with --ssl-skip-verify.
        command.env_remove("AWS_CA_BUNDLE");
        command.args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "--iam-cache-disable"]);
        command.arg("--cert").arg(folder.path().join("tls.pem"));
        command.arg("--key").arg(folder.path().join("tls.key"));
        command.arg("--iam-dir").arg(folder.path().join("users"));
        // Ceph 16 knows no checksum behind a body, which this client otherwise sends.
        command.args([
            "s3",
            "--use-path-style",
            "--ssl-skip-verify",
            "--disable-data-integrity-check",
        ]);
        command.args(["--meta-bucket", meta]);
        command.args(["--endpoint", store.secure().url()]);
        let server = Server::start_tls(command, folder, port).await;
        let server = server.context("start versitygw before Ceph")?;
        let front = front.secured(url, server.folder().join("tls.pem"));
        make_users(&program, &front)?;
        Ok(Some(Self { front, _server: server }))
    }

    /// The way of those who write: nobody may do anything but what [`Self::let_write`] allows.
    pub fn front(&self) -> &S3 {
        &self.front
    }

    /// Lets the writer put below a prefix, and do nothing else.
    pub async fn let_write(&self, bucket: &str, prefix: &str) -> Result<()> {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": self.front.principal(Identity::Writer) },
                "Action": "s3:PutObject",
                "Resource": format!("arn:aws:s3:::{bucket}/{prefix}/*"),
            }],
        });
        let client = self.front.client(Identity::Root)?;
        let put = client.put_bucket_policy().bucket(bucket).policy(policy.to_string());
        put.send().await.context("set the gateway's policy")?;
        Ok(())
    }
}
