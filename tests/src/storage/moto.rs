use std::process::Command;

use anyhow::{Context, Result};

use super::ports::free_port;
use super::s3::S3;
use super::server::{Server, scratch};
use crate::workspace::{self, Needed};

/// A mock of S3 in memory that promises Object Lock and breaks the promise.
///
/// Never a proof of anything but that a liar is found out: it knows no identities, and lets the
/// retention of a COMPLIANCE version be shortened.
#[derive(Debug)]
pub struct Moto {
    s3: S3,
    server: Server,
}

impl Moto {
    /// Starts one of its own; `None` where it is not installed (see [`workspace::needs`]).
    pub async fn start() -> Result<Option<Self>> {
        let Some(program) = workspace::needs(Needed::Moto)? else { return Ok(None) };
        let (folder, port) = (scratch("moto")?, free_port()?);
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        let server = Server::start(command, folder, port).await.context("start moto")?;
        let s3 = S3::new(format!("http://127.0.0.1:{port}"));
        Ok(Some(Self { s3, server }))
    }

    /// The mock. All its identities may do everything.
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// Ends it. What was put is forgotten.
    pub fn kill(&self) {
        self.server.kill();
    }
}
