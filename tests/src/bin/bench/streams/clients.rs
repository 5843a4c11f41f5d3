//! The clients of held streams: all of them open at once, on a few connections.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::STREAMS_PER_CONNECTION;
use super::provider::HELD_BYTES;
use crate::chat;
use crate::load::HOST;

/// How many are opened at a time: all at once would leave the buffers of a crowd behind.
const OPENED_AT_A_TIME: usize = 32;

const REQUEST_BYTES: usize = 1024;

/// Streams through one proxy.
pub(super) struct Streams {
    proxy: SocketAddr,
    body: Bytes,
    turns: Arc<Semaphore>,
    /// Each answers the length of what it got in all.
    tasks: JoinSet<Result<usize>>,
}

impl Streams {
    /// None yet.
    pub(super) fn new(proxy: SocketAddr) -> Self {
        let body = chat::streamed_request(REQUEST_BYTES).into();
        let turns = Arc::new(Semaphore::new(OPENED_AT_A_TIME));
        Self { proxy, body, turns, tasks: JoinSet::new() }
    }

    /// Opens so many more, and waits until each has what the provider sends before it holds.
    pub(super) async fn open(&mut self, count: usize) -> Result<()> {
        let (report, mut reports) = mpsc::channel(1);
        let mut connection = None;
        for number in 0..count {
            let sender = match connection.take() {
                Some(sender) if !number.is_multiple_of(STREAMS_PER_CONNECTION) => sender,
                _ => connect(self.proxy).await?,
            };
            connection = Some(sender.clone());
            let request = request(self.tasks.len(), self.body.clone())?;
            self.tasks.spawn(one(sender, request, Arc::clone(&self.turns), report.clone()));
        }
        for _ in 0..count {
            tokio::select! {
                Some(()) = reports.recv() => {}
                Some(ended) = self.tasks.join_next() => {
                    ended??;
                    bail!("a stream ended before all were open");
                }
            }
        }
        Ok(())
    }

    /// Waits until all ended, each with `answer_bytes` of an answer.
    pub(super) async fn finish(mut self, answer_bytes: usize) -> Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            let received = ended??;
            ensure!(received == answer_bytes, "{received} of {answer_bytes} bytes of an answer");
        }
        Ok(())
    }
}

async fn connect(proxy: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(proxy).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // Its error is also that of each stream on it.
    tokio::spawn(connection);
    Ok(sender)
}

fn request(number: usize, body: Bytes) -> Result<Request<Full<Bytes>>> {
    let request = Request::post(format!("http://{HOST}/v1/chat/completions"))
        .header("authorization", "Bearer sk-fake-not-a-key")
        .header("content-type", "application/json")
        .header("x-agent-id", "billing-agent")
        .header("x-correlation-id", format!("stream-{number}"));
    Ok(request.body(Full::new(body))?)
}

async fn one(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    turns: Arc<Semaphore>,
    report: mpsc::Sender<()>,
) -> Result<usize> {
    let turn = turns.acquire_owned().await?;
    let response = sender.send_request(request).await?;
    ensure!(response.status() == 200, "the proxy answered {}", response.status());
    let held = response.headers().get(HELD_BYTES).context(HELD_BYTES)?.to_str()?.parse()?;
    let mut answer = response.into_body();
    let mut received = receive(&mut answer, held).await?;
    drop(turn);
    report.send(()).await?;
    received += receive(&mut answer, usize::MAX).await?;
    Ok(received)
}

/// Takes so many bytes, or less if that is the end; answers how many came.
async fn receive(answer: &mut Incoming, wanted: usize) -> Result<usize> {
    let mut received = 0;
    while received < wanted {
        let Some(frame) = answer.frame().await else { break };
        received += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(received)
}
