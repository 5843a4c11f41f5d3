//! A client without manners: it writes bytes, and leaves when and how it likes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the gateway may take with its answer to a raw client.
const PATIENCE: Duration = Duration::from_secs(10);

/// A TCP connection to the gateway.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    /// Connects.
    pub async fn connect(gateway: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(gateway).await.context("connect to the gateway")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Connects, and asks the simulator for a WebSocket that echoes.
    pub async fn websocket(gateway: SocketAddr, correlation_id: &str) -> Result<Self> {
        Self::websocket_to(gateway, "provider.test", "/upgrade", correlation_id).await
    }

    /// Connects, and asks for a WebSocket.
    pub async fn websocket_to(
        gateway: SocketAddr,
        host: &str,
        path: &str,
        correlation_id: &str,
    ) -> Result<Self> {
        let mut raw = Self::connect(gateway).await?;
        raw.write(format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nx-correlation-id: {correlation_id}\r\n\
             connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ))
        .await?;
        raw.read_until("\r\n\r\n").await?;
        Ok(raw)
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        Ok(self.stream.flush().await?)
    }

    /// Reads until `wanted` is among the bytes received, and returns them all.
    pub async fn read_until(&mut self, wanted: &str) -> Result<String> {
        loop {
            let text = String::from_utf8_lossy(&self.received).into_owned();
            if text.contains(wanted) {
                return Ok(text);
            }
            if self.read_some().await? == 0 {
                bail!("closed before {wanted:?} came; received {text:?}");
            }
        }
    }

    /// Reads until the gateway closes, and returns all bytes received; a reset counts as a close.
    pub async fn read_to_end(&mut self) -> Result<Vec<u8>> {
        while matches!(self.read_some().await, Ok(1..)) {}
        Ok(std::mem::take(&mut self.received))
    }

    /// Says that no more will be written (FIN), and goes on reading.
    pub async fn finish_writing(&mut self) -> Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// Leaves with a reset (RST).
    pub fn reset(self) -> Result<()> {
        Ok(self.stream.set_zero_linger()?)
    }

    async fn read_some(&mut self) -> Result<usize> {
        let read = self.stream.read_buf(&mut self.received);
        Ok(timeout(PATIENCE, read).await.context("the gateway sends nothing")??)
    }
}
