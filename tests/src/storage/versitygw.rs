use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::ports::free_port;
use super::s3::{Identity, S3};
use super::server::{Server, scratch};
use crate::workspace::{self, Needed};

/// Versity's S3 gateway over a folder: conditional puts, checksums, and a lock that holds where each
/// put brings its own retention.
///
/// It keeps no default retention with an object, only the rule with the bucket: an object without
/// retention of its own says that it has none, and is free when the rule is weakened.
#[derive(Debug)]
pub struct Versitygw {
    s3: S3,
    server: Server,
}

impl Versitygw {
    /// Starts one of its own; `None` where it is not built (see [`workspace::needs`]).
    pub async fn start() -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Versitygw)? else { return Ok(None) };
        let (folder, port) = (scratch("versitygw")?, free_port()?);
        for name in ["data", "versions", "users"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let s3 = S3::new(format!("http://127.0.0.1:{port}"));
        let root = s3.keys(Identity::Root).clone();
        let mut command = Command::new(&program);
        command.env("ROOT_ACCESS_KEY", root.access).env("ROOT_SECRET_KEY", root.secret);
        command.args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "--iam-cache-disable"]);
        command.arg("--iam-dir").arg(folder.path().join("users"));
        command.arg("posix").arg("--versioning-dir").arg(folder.path().join("versions"));
        command.arg(folder.path().join("data"));
        let server = Server::start(command, folder, port).await.context("start versitygw")?;
        make_users(&program, &s3)?;
        Ok(Some(Self { s3, server }))
    }

    /// The store.
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// Ends it at once (SIGKILL). The data stays.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again, on the same port and the same data.
    pub async fn restart(&self) -> Result<()> {
        self.server.restart().await
    }
}

/// The users whom a gateway at this address knows, besides its root.
pub(super) fn make_users(program: &Path, s3: &S3) -> Result<()> {
    let users =
        [(Identity::Owner, "userplus"), (Identity::Writer, "user"), (Identity::Auditor, "user")];
    for (identity, role) in users {
        let keys = s3.keys(identity);
        let root = s3.keys(Identity::Root);
        let output = Command::new(program)
            .env("ADMIN_ACCESS_KEY", &root.access)
            .env("ADMIN_SECRET_KEY", &root.secret)
            .env("ADMIN_ENDPOINT_URL", s3.url())
            .args(["admin", "--allow-insecure", "create-user", "--role", role])
            .args(["--access", &keys.access, "--secret", &keys.secret])
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "create the user {identity:?}: {error}");
    }
    Ok(())
}
