//! A provider of AI calls that keeps exact books: what it saw and what it sent, byte for byte.
//!
//! The truth about a call is at its two ends. The simulator is the far end: it answers in the
//! shapes of the real providers, so that unmodified SDKs parse the answers, and it fails in every
//! way that a provider or the network before it fails. For each request it keeps an [`Exchange`]:
//! headers as they came, and a running count and digest of both bodies. No body is ever held in
//! memory, but for the short streams of the providers' APIs.
//!
//! | listener | speaks | serves |
//! |---|---|---|
//! | [`address`](Simulator::address) | HTTP/1.1 and HTTP/2 without TLS | [`provider`]: well-formed answers |
//! | [`tls_address`](Simulator::tls_address) | the same over TLS (ALPN) | the same |
//! | [`faulty_address`](Simulator::faulty_address) | one HTTP/1.1 request per connection | [`faulty`]: answers that break |
//!
//! The path of a request chooses the behaviour; the tables are in the two modules.

pub mod anthropic;
pub mod api;
pub mod authority;
pub mod bedrock;
pub mod eventstream;
pub mod exchange;
pub mod faulty;
pub mod gemini;
pub mod ollama;
pub mod openai;
pub mod provider;
pub mod reply;
pub mod stream;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

pub use self::authority::Authority;
pub use self::exchange::{Exchange, Header, Log};

/// A running simulator on free loopback ports; it stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    tls_address: SocketAddr,
    faulty_address: SocketAddr,
    authority: Authority,
    log: Arc<Log>,
    runtime: Option<Runtime>,
}

impl Simulator {
    /// Starts on free ports.
    pub fn start() -> Result<Self> {
        Self::start_on(0)
    }

    /// Starts with the plain listener on `port`, the others on free ports.
    ///
    /// It runs on threads of its own, so that it outlives the runtime of any one test.
    pub fn start_on(port: u16) -> Result<Self> {
        Self::start_with(port, &[authority::TLS_HOST])
    }

    /// Starts on free ports; over TLS it proves to be any of these hosts.
    pub fn of_hosts(hosts: &[&str]) -> Result<Self> {
        Self::start_with(0, hosts)
    }

    fn start_with(port: u16, tls_hosts: &[&str]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let (plain, tls, faulty) = (listen(port)?, listen(0)?, listen(0)?);
        let authority = Authority::new()?;
        let acceptor = authority.acceptor(tls_hosts)?;
        let log = Arc::new(Log::default());
        let addresses = (plain.local_addr()?, tls.local_addr()?, faulty.local_addr()?);
        runtime.spawn(accept(plain, Arc::clone(&log), provider::serve));
        runtime.spawn(accept(faulty, Arc::clone(&log), faulty::serve));
        runtime.spawn(accept(tls, Arc::clone(&log), move |stream, log| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    provider::serve(stream, log).await;
                }
            }
        }));
        let (address, tls_address, faulty_address) = addresses;
        drop(inside);
        let runtime = Some(runtime);
        Ok(Self { address, tls_address, faulty_address, authority, log, runtime })
    }

    /// Where the well-formed provider listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the well-formed provider listens for TLS.
    pub fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// Where the provider listens whose answers break.
    pub fn faulty_address(&self) -> SocketAddr {
        self.faulty_address
    }

    /// The authority that signed its TLS certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The exchange that carried this correlation id.
    pub fn exchange(&self, correlation_id: &str) -> Option<Exchange> {
        self.log.find(|exchange| exchange.request_header("x-correlation-id") == [correlation_id])
    }

    /// All exchanges, in the order in which they began.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.log.all()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // A runtime must not be dropped inside another one, and a stalled exchange never ends.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Listens before the first await, so that a simulator can be started in any context.
fn listen(port: u16) -> Result<TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("listen on 127.0.0.1:{port}"))?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

async fn accept<S, F>(listener: TcpListener, log: Arc<Log>, serve: S)
where
    S: Fn(TcpStream, Arc<Log>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, Arc::clone(&log)));
    }
}
