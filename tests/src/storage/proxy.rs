//! The network and the store at their worst, switched while it runs.
//!
//! Bytes pass as they are, so a signature holds: what the client signed as `Host` is the proxy's
//! own address, and the store believes that header. Only the heads of requests are read, to count
//! them and to find where their bodies end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

/// What is passed on at once, and how long a head may be.
const PIECE: usize = 16 * 1024;
const MAX_HEAD: usize = 64 * 1024;

/// What goes wrong from now on, also on connections that are open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Open connections are reset, new ones too: nobody is there.
    Refuse,
    /// Nothing moves, in either direction, until the fault is another.
    Stall,
    /// Both directions are this slow.
    Slow {
        /// How slow.
        bytes_per_second: u64,
    },
    /// The proxy takes the request and answers for the store with S3's error document.
    Status {
        /// The HTTP status.
        code: u16,
        /// What S3 calls it: `SlowDown`.
        s3_code: &'static str,
    },
    /// A stage: the proxy refuses for the store (403) what would take away something under a name that holds this text,
    /// and lets all else pass.
    Stage {
        /// Such as `/canary/`.
        names: &'static str,
    },
    /// The connection is reset when this many bytes of a request's body have passed. Requests with
    /// less are let through.
    CutAfter {
        /// How many.
        bytes: u64,
    },
}

impl Fault {
    /// What is answered for the store.
    fn answer(self, head: &Head) -> Option<(u16, &'static str)> {
        match self {
            Self::Status { code, s3_code } => Some((code, s3_code)),
            Self::Stage { names } if head.takes_away(names) => Some((403, "AccessDenied")),
            _ => None,
        }
    }
}

/// What the proxy saw.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Requests whose head arrived.
    pub requests: u64,
    /// Those of them that were `PUT`s.
    pub puts: u64,
    /// Connections reset, requests answered for the store, bodies cut: not slowness or stalling.
    pub faults: u64,
}

/// A TCP proxy before a store, on a port of its own.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    counters: Arc<Counters>,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    puts: AtomicU64,
    faults: AtomicU64,
}

impl FaultyProxy {
    /// A proxy before the store at `url`, without a fault at first.
    pub fn before(url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").context("only plain HTTP can be read")?;
        let store: SocketAddr =
            host.trim_end_matches('/').parse().context("address of the store")?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let (fault, _) = watch::channel(Fault::None);
        let (stop, stopped) = watch::channel(());
        let shared = Shared { store, fault: fault.subscribe(), counters: Arc::clone(&counters) };

        // A thread of its own: it works whatever the test's runtime waits for.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || runtime.block_on(serve(listener, shared, stopped)));
        Ok(Self { address, fault, counters, stop: Some(stop), thread: Some(thread) })
    }

    /// The URL that a client is given instead of the store's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Goes over to another fault, at once.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// What it saw so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: read(&self.counters.requests),
            puts: read(&self.counters.puts),
            faults: read(&self.counters.faults),
        }
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What every connection has.
#[derive(Clone)]
struct Shared {
    store: SocketAddr,
    fault: watch::Receiver<Fault>,
    counters: Arc<Counters>,
}

/// How a connection ends.
enum End {
    /// As one side wanted.
    Closed,
    /// By a fault: a reset.
    Broken,
}

async fn serve(listener: std::net::TcpListener, shared: Shared, mut stopped: watch::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(connection(client, shared.clone()));
                }
            }
            _ = stopped.changed() => return,
        }
    }
}

async fn connection(mut client: TcpStream, shared: Shared) {
    let _ = client.set_nodelay(true);
    let end = tokio::select! {
        biased;
        () = until_refused(shared.fault.clone()) => Ok(End::Broken),
        end = exchange(&mut client, &shared) => end,
    };
    if matches!(end, Ok(End::Closed)) {
        let _ = client.shutdown().await;
        return;
    }
    if end.is_ok() {
        shared.counters.faults.fetch_add(1, Ordering::Relaxed);
    }
    // Closing then throws away what is unsent and resets, as a cut cable or a dead host would.
    let _ = client.set_zero_linger();
}

async fn until_refused(mut fault: watch::Receiver<Fault>) {
    if fault.wait_for(|fault| *fault == Fault::Refuse).await.is_err() {
        std::future::pending().await
    }
}

/// An error is one of the sockets': the store is not there, the client is gone.
async fn exchange(client: &mut TcpStream, shared: &Shared) -> Result<End> {
    let mut store = TcpStream::connect(shared.store).await?;
    store.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_store, to_store) = store.split();
    let to_client = Mutex::new(to_client);
    tokio::select! {
        end = pass_answers(from_store, &to_client, shared.pace()) => end,
        end = pass_requests(Input::new(from_client), to_store, &to_client, shared) => end,
    }
}

async fn pass_answers(
    mut store: ReadHalf<'_>,
    client: &Mutex<WriteHalf<'_>>,
    mut pace: Pace,
) -> Result<End> {
    let mut buffer = vec![0; PIECE];
    loop {
        let read = store.read(&mut buffer).await?;
        let Some(piece @ [_, ..]) = buffer.get(..read) else { return Ok(End::Closed) };
        pace.pass(piece, &mut *client.lock().await).await?;
    }
}

async fn pass_requests(
    mut client: Input<'_>,
    mut store: WriteHalf<'_>,
    answers: &Mutex<WriteHalf<'_>>,
    shared: &Shared,
) -> Result<End> {
    let mut pace = shared.pace();
    while let Some(head) = client.head().await? {
        shared.count(&head);
        let fault = *shared.fault.borrow();
        if let Some((code, s3_code)) = fault.answer(&head) {
            shared.counters.faults.fetch_add(1, Ordering::Relaxed);
            answer(&head, code, s3_code, &mut client, answers).await?;
            continue;
        }
        pace.pass(&head.bytes, &mut store).await?;
        let mut passed = 0;
        while passed < head.body_bytes {
            let room = shared.room_before_cut(passed);
            if room == 0 {
                return Ok(End::Broken);
            }
            let piece = client.body(room.min(head.body_bytes - passed)).await?;
            pace.pass(&piece, &mut store).await?;
            passed += u64::try_from(piece.len())?;
        }
    }
    Ok(End::Closed)
}

/// Answers for the store, when the whole request is there: an answer before that could be lost in
/// the reset of a connection on which bytes are left unread.
async fn answer(
    head: &Head,
    code: u16,
    s3_code: &str,
    client: &mut Input<'_>,
    answers: &Mutex<WriteHalf<'_>>,
) -> Result<()> {
    ensure!(head.body_bytes < u64::MAX, "a chunked body has no length to wait for");
    let mut answers = answers.lock().await;
    if head.waits_for_go {
        answers.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut left = head.body_bytes;
    while left > 0 {
        left -= u64::try_from(client.body(left).await?.len())?;
    }
    let body = match head.method() {
        "HEAD" => String::new(),
        _ => format!("<Error><Code>{s3_code}</Code><Message>injected</Message></Error>"),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {code} {s3_code}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    Ok(answers.write_all(text.as_bytes()).await?)
}

impl Shared {
    fn pace(&self) -> Pace {
        Pace { fault: self.fault.clone() }
    }

    fn count(&self, head: &Head) {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        if head.method() == "PUT" {
            self.counters.puts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many bytes of a body may still pass.
    fn room_before_cut(&self, passed: u64) -> u64 {
        match *self.fault.borrow() {
            Fault::CutAfter { bytes } => bytes.saturating_sub(passed),
            _ => u64::MAX,
        }
    }
}

/// How fast bytes may pass now.
struct Pace {
    fault: watch::Receiver<Fault>,
}

impl Pace {
    async fn pass(&mut self, mut bytes: &[u8], to: &mut WriteHalf<'_>) -> Result<()> {
        while !bytes.is_empty() {
            let (now, later) = match *self.fault.borrow_and_update() {
                Fault::Stall => (0, None),
                Fault::Slow { bytes_per_second } => slow(bytes_per_second),
                _ => (bytes.len(), Some(Duration::ZERO)),
            };
            let (piece, rest) = bytes.split_at(now.min(bytes.len()));
            to.write_all(piece).await?;
            bytes = rest;
            self.wait(later).await?;
        }
        Ok(())
    }

    /// Until the time is over, or until there is another fault, which may be faster.
    async fn wait(&mut self, time: Option<Duration>) -> Result<()> {
        match time {
            Some(Duration::ZERO) => Ok(()),
            None => Ok(self.fault.changed().await?),
            Some(time) => match tokio::time::timeout(time, self.fault.changed()).await {
                Ok(changed) => Ok(changed?),
                Err(_) => Ok(()),
            },
        }
    }
}

/// A tenth of a second's bytes and the time that they take.
fn slow(bytes_per_second: u64) -> (usize, Option<Duration>) {
    let rate = bytes_per_second.max(1);
    let piece = (rate / 10).max(1);
    let time = Duration::from_millis(piece.saturating_mul(1000) / rate);
    (usize::try_from(piece).unwrap_or(usize::MAX), Some(time))
}

/// What a client sends, and what was read of it beyond the head.
struct Input<'a> {
    stream: ReadHalf<'a>,
    read: Vec<u8>,
}

/// The head of a request, as it came.
struct Head {
    bytes: Vec<u8>,
    /// `u64::MAX` for a chunked body: it ends with the connection, for all that is known here.
    body_bytes: u64,
    waits_for_go: bool,
}

impl<'a> Input<'a> {
    fn new(stream: ReadHalf<'a>) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// The next request's head, or `None` if there is no other.
    async fn head(&mut self) -> Result<Option<Head>> {
        loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.read.split_off(end + 4);
                return Ok(Some(Head::new(std::mem::replace(&mut self.read, rest))));
            }
            ensure!(self.read.len() < MAX_HEAD, "a head of more than {MAX_HEAD} bytes");
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Some bytes of the body, at least one and at most `most`.
    async fn body(&mut self, most: u64) -> Result<Vec<u8>> {
        let most = usize::try_from(most).unwrap_or(PIECE).min(PIECE);
        if self.read.is_empty() {
            let read = self.stream.read_buf(&mut self.read).await?;
            ensure!(read > 0, "the client ended in the middle of a body");
        }
        let rest = self.read.split_off(most.min(self.read.len()));
        Ok(std::mem::replace(&mut self.read, rest))
    }
}

impl Head {
    fn new(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let body_bytes = match value("transfer-encoding") {
            Some(_) => u64::MAX,
            None => value("content-length").and_then(|value| value.parse().ok()).unwrap_or(0),
        };
        let waits_for_go = value("expect").is_some();
        Self { bytes, body_bytes, waits_for_go }
    }

    /// Whether it deletes what has such a name, or changes the lock of it.
    fn takes_away(&self, names: &str) -> bool {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line).replace("%2F", "/");
        let is_lock =
            self.method() == "PUT" && (line.contains("?retention") || line.contains("&retention"));
        (self.method() == "DELETE" || is_lock) && line.contains(names)
    }

    fn method(&self) -> &str {
        let end = self.bytes.iter().position(|byte| *byte == b' ').unwrap_or(0);
        self.bytes.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}
