//! The clients: keep-alive connections through one proxy, and calls on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::provider::{BLOCK_BYTES, prose};
use crate::wire::Wire;

/// The host under which the proxies know the provider.
pub(crate) const HOST: &str = "provider.test";

/// What an SDK sends, and who calls.
const COMMON_HEADERS: &str = "\
    accept: application/json\r\n\
    accept-encoding: gzip, deflate\r\n\
    authorization: Bearer sk-fake-not-a-key\r\n\
    content-type: application/json\r\n\
    user-agent: OpenAI/Python 3.52.0\r\n\
    x-agent-id: billing-agent\r\n\
    x-stainless-arch: x64\r\n\
    x-stainless-lang: python\r\n\
    x-stainless-os: Linux\r\n\
    x-stainless-package-version: 3.52.0\r\n\
    x-stainless-retry-count: 0\r\n\
    x-stainless-runtime: CPython\r\n\
    x-stainless-runtime-version: 3.11.7\r\n\
    x-user-id: user-1\r\n";

/// A request, ready to be written any number of times.
pub(crate) struct Request {
    /// The head, and as much of the body as goes with it.
    opening: Vec<u8>,
    /// What is left of the body, in blocks of prose.
    rest: u64,
}

impl Request {
    /// With this body.
    pub(crate) fn post(path: &str, body: &[u8]) -> Self {
        let opening = [&post_head(path, body.len() as u64), body].concat();
        Self { opening, rest: 0 }
    }

    /// With a body of `length` bytes of text.
    pub(crate) fn upload(path: &str, length: u64) -> Self {
        let mut opening = post_head(path, length);
        let with_head = length.min(BLOCK_BYTES as u64);
        opening.extend(prose().take(usize::try_from(with_head).unwrap_or_default()));
        Self { opening, rest: length - with_head }
    }

    /// Without a body.
    pub(crate) fn get(path: &str) -> Self {
        Self::get_with(path, "")
    }

    /// Without a body, and with header lines that end in CRLF.
    pub(crate) fn get_with(path: &str, headers: &str) -> Self {
        let opening =
            format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\n{COMMON_HEADERS}{headers}\r\n");
        Self { opening: opening.into_bytes(), rest: 0 }
    }
}

fn post_head(path: &str, length: u64) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: {HOST}\r\n{COMMON_HEADERS}");
    format!("{head}content-length: {length}\r\n\r\n").into_bytes()
}

/// How much to send.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    /// So many calls in all.
    Calls(u64),
    /// As many as fit.
    For(Duration),
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// From first byte written to last byte read, in ascending order.
    pub(crate) latencies: Vec<Duration>,
    /// From the first call to the end of the last.
    pub(crate) wall: Duration,
    /// Reads that brought response bodies.
    pub(crate) reads: usize,
}

impl Seen {
    /// Adds what was seen at another time.
    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.wall += other.wall;
        self.reads += other.reads;
    }
}

/// The connections to one proxy. They stay open over all rounds: the bench is not about connecting.
pub(crate) struct Clients(Vec<Wire>);

impl Clients {
    /// Opens `count` connections.
    pub(crate) async fn connect(proxy: SocketAddr, count: usize) -> Result<Self> {
        let mut wires = Vec::new();
        for _ in 0..count {
            wires.push(Wire::new(TcpStream::connect(proxy).await?)?);
        }
        Ok(Self(wires))
    }

    /// Sends a request on `concurrency` connections, again and again.
    pub(crate) async fn send(
        &mut self,
        request: Request,
        concurrency: usize,
        amount: Amount,
    ) -> Result<Seen> {
        let order = Arc::new(Order::new(request, amount));
        let mut clients = JoinSet::new();
        for wire in self.0.drain(..concurrency.min(self.0.len())) {
            clients.spawn(fulfil(Arc::clone(&order), wire));
        }
        let mut seen = Seen::default();
        while let Some(client) = clients.join_next().await {
            let (wire, part) = client??;
            seen.add(part);
            self.0.push(wire);
        }
        seen.wall = order.begun.elapsed();
        Ok(seen)
    }
}

/// What a number of clients do together.
struct Order {
    request: Request,
    block: Vec<u8>,
    amount: Amount,
    begun: Instant,
    started: AtomicU64,
}

impl Order {
    fn new(request: Request, amount: Amount) -> Self {
        let block = prose().take(BLOCK_BYTES).collect();
        Self { request, block, amount, begun: Instant::now(), started: AtomicU64::new(0) }
    }

    fn wants_more(&self) -> bool {
        match self.amount {
            Amount::Calls(calls) => self.started.fetch_add(1, Ordering::Relaxed) < calls,
            Amount::For(time) => self.begun.elapsed() < time,
        }
    }
}

async fn fulfil(order: Arc<Order>, mut wire: Wire) -> Result<(Wire, Seen)> {
    let mut seen = Seen::default();
    while order.wants_more() {
        let begun = Instant::now();
        seen.reads += call(&mut wire, &order.request, &order.block).await?;
        seen.latencies.push(begun.elapsed());
    }
    Ok((wire, seen))
}

/// One call; answers how many reads brought the response body.
async fn call(wire: &mut Wire, request: &Request, block: &[u8]) -> Result<usize> {
    wire.write(&request.opening).await?;
    wire.write_blocks(block, request.rest).await?;
    let head = wire.head().await?;
    ensure!(head.line.starts_with("HTTP/1.1 200"), "the proxy answered {:?}", head.line);
    wire.skip(head.framing).await
}
