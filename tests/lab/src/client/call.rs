//! A call as a well-behaved client makes it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::HeaderMap;
use hyper::http::request::Builder;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::payload::Tally;

type CallBody = UnsyncBoxBody<Bytes, io::Error>;

/// A request on a connection of its own, marked with a correlation id that no other call has.
pub struct Call {
    host: String,
    path: String,
    builder: Builder,
    body: CallBody,
    correlation_id: String,
    http2: bool,
}

impl Call {
    /// A call to a host by name: the path begins with `/`.
    pub fn new(method: &str, host: &str, path: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let correlation_id = format!("call-{}-{number}", std::process::id());
        Self {
            host: host.to_owned(),
            path: path.to_owned(),
            builder: Request::builder().method(method).header("x-correlation-id", &correlation_id),
            body: Empty::new().map_err(io::Error::other).boxed_unsync(),
            correlation_id,
            http2: false,
        }
    }

    /// A `GET`.
    pub fn get(host: &str, path: &str) -> Self {
        Self::new("GET", host, path)
    }

    /// A `POST` of bytes with their `content-length`.
    pub fn post(host: &str, path: &str, body: impl Into<Bytes>) -> Self {
        Self::new("POST", host, path).body(Full::new(body.into()))
    }

    /// A `POST` of JSON.
    pub fn post_json(host: &str, path: &str, body: &Value) -> Self {
        Self::post(host, path, body.to_string()).header("content-type", "application/json")
    }

    /// Adds a header; a name may come several times, a value may be any bytes.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.builder = self.builder.header(name, value.as_ref());
        self
    }

    /// Replaces the body; without an exact size it goes out in chunks.
    pub fn body<B>(mut self, body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.body = body.map_err(io::Error::other).boxed_unsync();
        self
    }

    /// Marks the call with a UUID instead, the one form of a caller's id that an answer of the gateway repeats where the
    /// filter was not asked.
    pub fn marked_by_uuid(mut self) -> Self {
        let number = self.correlation_id.rsplit('-').next().unwrap_or_default();
        let uuid = format!("{:08x}-0000-4000-8000-{number:0>12}", std::process::id());
        if let (Some(headers), Ok(value)) = (self.builder.headers_mut(), uuid.parse()) {
            headers.insert("x-correlation-id", value);
            self.correlation_id = uuid;
        }
        self
    }

    /// Removes the correlation id, so that the gateway must find or make one.
    pub fn without_correlation_id(mut self) -> Self {
        if let Some(headers) = self.builder.headers_mut() {
            headers.remove("x-correlation-id");
        }
        self
    }

    /// Speaks HTTP/2 with prior knowledge.
    pub fn over_http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// The correlation id of the call.
    pub fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// Sends the call and reads the whole answer.
    pub async fn send(self, gateway: SocketAddr) -> Result<Answer> {
        self.open(gateway).await?.finish().await
    }

    /// Sends the call and waits for the headers of the answer. Dropping the result aborts the call.
    pub async fn open(self, gateway: SocketAddr) -> Result<Open> {
        let stream = TcpStream::connect(gateway).await.context("connect to the gateway")?;
        stream.set_nodelay(true)?;
        self.open_over(stream).await
    }

    /// Sends the call over a connection that stands, such as one with TLS.
    pub async fn open_over<S>(self, stream: S) -> Result<Open>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { host, path, builder, body, correlation_id, http2 } = self;
        let stream = TokioIo::new(stream);
        let failed = || format!("no answer to {path} ({correlation_id})");
        let (response, connection) = if http2 {
            let request = builder.uri(format!("http://{host}{path}")).body(body)?;
            let executor = TokioExecutor::new();
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(executor, stream).await?;
            let connection = Connection::drive(connection);
            (sender.send_request(request).await.with_context(failed)?, connection)
        } else {
            let request = builder.uri(&path).header("host", host).body(body)?;
            let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
                .preserve_header_case(true)
                .handshake(stream)
                .await?;
            let connection = Connection::drive(connection.with_upgrades());
            (sender.send_request(request).await.with_context(failed)?, connection)
        };
        Ok(Open { response, correlation_id, connection })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.correlation_id, self.host, self.path)
    }
}

/// A call whose answer has begun.
#[derive(Debug)]
pub struct Open {
    /// The answer, its body unread.
    pub response: Response<Incoming>,
    /// The correlation id of the call.
    pub correlation_id: String,
    connection: Connection,
}

impl Open {
    /// Reads at least `count` bytes of the body, or what there is.
    pub async fn read(&mut self, count: u64) -> Result<Tally> {
        let mut tally = Tally::default();
        while tally.bytes() < count {
            let Some(frame) = self.response.body_mut().frame().await else { break };
            tally.push(frame?.data_ref().unwrap_or(&Bytes::new()));
        }
        Ok(tally)
    }

    /// Reads the rest of the answer. A body that breaks is no error here, but noted.
    pub async fn finish(self) -> Result<Answer> {
        let (parts, mut body) = self.response.into_parts();
        let mut answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            tally: Tally::default(),
            body: Vec::new(),
            trailers: HeaderMap::new(),
            broken: None,
            correlation_id: self.correlation_id,
        };
        while let Some(frame) = body.frame().await {
            match frame.map(|frame| frame.into_data().map_err(|frame| frame.into_trailers())) {
                Ok(Ok(data)) => answer.push(&data),
                Ok(Err(trailers)) => answer.trailers = trailers.unwrap_or_default(),
                Err(error) => {
                    answer.broken = Some(error.to_string());
                    break;
                }
            }
        }
        drop(self.connection);
        Ok(answer)
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// Size and digest of the body.
    pub tally: Tally,
    /// The first MiB of the body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: HeaderMap,
    /// Why the body did not come to its end.
    pub broken: Option<String>,
    /// The correlation id of the call.
    pub correlation_id: String,
}

impl Answer {
    const KEPT_BYTES: usize = 1024 * 1024;

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&[u8]> {
        let Ok(name) = HeaderName::try_from(name) else { return Vec::new() };
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    fn push(&mut self, data: &[u8]) {
        self.tally.push(data);
        let room = Self::KEPT_BYTES.saturating_sub(self.body.len());
        self.body.extend_from_slice(data.get(..room).unwrap_or(data));
    }
}

/// The task that moves the bytes of a connection; the connection is closed with this value.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Connection {
    fn drive<E>(connection: impl Future<Output = Result<(), E>> + Send + 'static) -> Self {
        Self(tokio::spawn(async {
            // A call that breaks reports its error where its answer is read.
            let _ = connection.await;
        }))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
