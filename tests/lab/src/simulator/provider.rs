//! The provider whose answers are well-formed HTTP, in the versions 1.1 and 2.
//!
//! | path | answer |
//! |---|---|
//! | `POST /v1/chat/completions`, `/v1/responses`, `/v1/messages`, … | what the provider's [`api`] would answer |
//! | any of these with `{"told":{"type":…,"body":…}}` | that body, of that content type or of none |
//! | `/status/<code>` | that status with a JSON error; 429, 503 and 529 with `retry-after` |
//! | `/sink` | reads the whole body, then answers with its digest |
//! | `/echo` | the request body, as it arrives, with its trailers |
//! | `/download/<bytes>` | a [`Pattern`] with its `content-length` |
//! | `/chunks/<count>/<ms>` | `count` chunks of 1000 pattern bytes, one per `ms` |
//! | `/break/<bytes>` | that many pattern bytes, then the stream breaks |
//! | `/events/break` | a chat stream that breaks in its middle |
//! | `/stall` | the headers and nothing more |
//! | `/silent` | nothing at all |
//! | `/empty` | a chunked body of no bytes |
//! | `/headers/duplicate`, `/headers/large` | duplicate headers; 48 KiB in one header |
//! | `/trailers` | a body with trailers |
//! | `/early/<code>` | an answer before the request body was read |
//! | `/upgrade` | 101, then every byte comes back, until a WebSocket close frame |
//! | `/redirect/<code>` | a redirect to `/v1/models` |
//! | `/gzip` | JSON with `content-encoding: gzip` |

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::HeaderMap;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use super::exchange::{Exchange, Log, Record, Recorded, Side, pairs};
use super::reply::{Asked, Body as ReplyBody, Reply, Wish};
use super::stream::Streamed;
use super::{api, openai};
use crate::payload::Pattern;

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;
type RequestBody = Recorded<Incoming>;

/// Serves one connection, in whichever version of HTTP the client begins.
pub async fn serve<S>(stream: S, log: Arc<Log>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| exchange(request, Arc::clone(&log)));
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // A broken connection is what many tests are about; the record says how far it came.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

async fn exchange(
    request: Request<Incoming>,
    log: Arc<Log>,
) -> Result<Response<Recorded<UnsyncBoxBody<Bytes, io::Error>>>, Infallible> {
    let record = log.open(Exchange {
        method: request.method().to_string(),
        target: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
        request_headers: pairs(request.headers()),
        ..Exchange::default()
    });
    let request = request.map(|body| Recorded::new(body, record.clone(), Side::Request));
    let answer = answer(request, &record).await;
    record.update(|exchange| {
        exchange.status = answer.status().as_u16();
        exchange.response_headers = pairs(answer.headers());
    });
    Ok(answer.map(|body| Recorded::new(body, record, Side::Response)))
}

async fn answer(request: Request<RequestBody>, record: &Record) -> Answer {
    let (parts, body) = request.into_parts();
    let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    match path.as_slice() {
        ["status", code] => refusal(number(code), body).await,
        ["sink"] => digest(body, record).await,
        ["echo"] => echo(&parts, body),
        ["download", length] => stream_of(Pattern::new(number(length)), "application/octet-stream"),
        ["chunks", count, pause] => {
            drained(body).await;
            slow(number(count), Duration::from_millis(number(pause)))
        }
        ["break", length] => {
            drained(body).await;
            broken(Pattern::new(number(length)))
        }
        ["events", "break"] => {
            drained(body).await;
            broken_events()
        }
        ["stall"] => {
            drained(body).await;
            stalled()
        }
        ["silent"] => {
            drained(body).await;
            std::future::pending().await
        }
        ["empty"] => channel("text/plain", |_| std::future::ready(())),
        ["headers", "duplicate"] => headers(&[("x-twice", "first"), ("x-twice", "second")]),
        ["headers", "large"] => headers(&[("x-large", &"a".repeat(48 * 1024))]),
        ["trailers"] => {
            drained(body).await;
            trailers()
        }
        ["early", code] => early(number(code)),
        ["upgrade"] => upgrade(parts, body, record.clone()),
        ["redirect", code] => redirect(number(code)),
        ["gzip"] => {
            drained(body).await;
            gzip()
        }
        _ => {
            let question = request_json(body).await;
            if let Some(told) = question.get("told") {
                return as_told(told);
            }
            let asked = Asked::new(&parts, question);
            match api::reply(&path, &asked, &request_id()) {
                Some(reply) => api_answer(reply, asked.wishes(Wish::Linger), record),
                None => json_answer(404, &openai::error(404)),
            }
        }
    }
}

/// The answer that the question asks for, in pieces of a few bytes.
fn as_told(told: &Value) -> Answer {
    let body = told["body"].as_str().unwrap_or_default().to_owned();
    let mut answer = channel("text/plain", async move |mut sender| {
        for piece in body.as_bytes().chunks(11) {
            if sender.send_data(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
        }
    });
    answer.headers_mut().remove("content-type");
    if let Some(Ok(value)) = told["type"].as_str().map(HeaderValue::from_str) {
        answer.headers_mut().insert("content-type", value);
    }
    answer
}

fn api_answer(reply: Reply, lingers: bool, record: &Record) -> Answer {
    let answer = match reply.body {
        ReplyBody::Json(value) => {
            stream_of(Full::new(Bytes::from(value.to_string())), "application/json")
        }
        ReplyBody::Stream(stream) => in_pieces(stream, lingers, record),
    };
    let mut answer = with_status(answer, reply.status);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    answer
}

async fn refusal(status: u16, body: RequestBody) -> Answer {
    drained(body).await;
    if matches!(status, 204 | 304) {
        return with_status(Response::new(empty()), status);
    }
    let mut answer = json_answer(status, &openai::error(status));
    if matches!(status, 429 | 503 | 529) {
        answer.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    }
    answer
}

async fn digest(body: RequestBody, record: &Record) -> Answer {
    drained(body).await;
    let request = record.now().request;
    json_answer(200, &json!({"bytes": request.bytes(), "sha256": request.sha256()}))
}

fn echo(parts: &Parts, body: RequestBody) -> Answer {
    let mut answer = Response::new(body.map_err(io::Error::other).boxed_unsync());
    let names = ["content-type", "content-encoding"].map(HeaderName::from_static);
    for name in names {
        if let Some(value) = parts.headers.get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

fn slow(count: u64, pause: Duration) -> Answer {
    channel("application/octet-stream", async move |mut sender| {
        let mut pattern = Pattern::in_steps(count * 1000, 1000);
        while let Some(bytes) = pattern.next_bytes() {
            if sender.send_data(bytes).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    })
}

fn broken(mut pattern: Pattern) -> Answer {
    breaking("application/octet-stream", std::iter::from_fn(move || pattern.next_bytes()))
}

fn broken_events() -> Answer {
    let events = openai::completion_events("simulated-1", false);
    let half = events.len() / 2;
    breaking("text/event-stream", events.into_iter().take(half).map(|event| event.to_bytes()))
}

fn stalled() -> Answer {
    stream_of(Stalled, "text/plain")
}

fn headers(pairs: &[(&'static str, &str)]) -> Answer {
    let mut answer = json_answer(200, &json!({"headers": pairs.len()}));
    for (name, value) in pairs {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    answer
}

fn trailers() -> Answer {
    let mut answer = channel("text/plain", async |mut sender| {
        let mut map = HeaderMap::new();
        map.insert("x-checksum", HeaderValue::from_static("simulated"));
        if sender.send_data(Bytes::from_static(b"a body with trailers")).await.is_ok() {
            let _ = sender.send_trailers(map).await;
        }
    });
    answer.headers_mut().insert("trailer", HeaderValue::from_static("x-checksum"));
    answer
}

fn early(status: u16) -> Answer {
    // The request body is dropped unread: hyper then closes an HTTP/1.1 connection behind the
    // answer.
    json_answer(status, &openai::error(status))
}

fn redirect(status: u16) -> Answer {
    let mut answer = with_status(Response::new(empty()), status);
    answer.headers_mut().insert("location", HeaderValue::from_static("/v1/models"));
    answer
}

fn gzip() -> Answer {
    // {"compressed":true}
    const BODY: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab, 0x56, 0x4a, 0xce, 0xcf,
        0x2d, 0x28, 0x4a, 0x2d, 0x2e, 0x4e, 0x4d, 0x51, 0xb2, 0x2a, 0x29, 0x2a, 0x4d, 0xad, 0x05,
        0x00, 0xf1, 0xea, 0x39, 0x95, 0x13, 0x00, 0x00, 0x00,
    ];
    let mut answer = stream_of(Full::new(Bytes::from_static(BODY)), "application/json");
    answer.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    answer
}

/// Echoes whatever comes, also the frames of a WebSocket, mask and all: enough for a gateway, which
/// does not look into them. The end is what RFC 6455 wants of a server: after a close frame it
/// closes first.
fn upgrade(parts: Parts, body: RequestBody, record: Record) -> Answer {
    let protocol = parts.headers.get("upgrade").cloned();
    let request = Request::from_parts(parts, body);
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            let _ = echo_bytes(TokioIo::new(upgraded), &record).await;
        }
    });
    let mut answer = with_status(Response::new(empty()), 101);
    let protocol = protocol.unwrap_or(HeaderValue::from_static("websocket"));
    answer.headers_mut().insert("upgrade", protocol);
    answer.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    answer
}

/// The first byte of a close frame: final, opcode 8 (RFC 6455, section 5.2).
const CLOSE_FRAME: u8 = 0x88;

async fn echo_bytes<S>(mut stream: S, record: &Record) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = BytesMut::with_capacity(64 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        let bytes = buffer.split();
        record.update(|exchange| {
            exchange.request.push(&bytes);
            exchange.response.push(&bytes);
        });
        stream.write_all(&bytes).await?;
        if bytes.first() == Some(&CLOSE_FRAME) {
            break;
        }
    }
    record.update(|exchange| {
        exchange.request_complete = true;
        exchange.response_complete = true;
    });
    stream.shutdown().await
}

/// The first MiB of a body as JSON; the rest is read and forgotten.
async fn request_json(mut body: RequestBody) -> Value {
    const KEPT: usize = 1024 * 1024;
    let mut kept = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            kept.extend_from_slice(data.get(..KEPT.saturating_sub(kept.len())).unwrap_or(data));
        }
    }
    serde_json::from_slice(&kept).unwrap_or_default()
}

async fn drained(mut body: RequestBody) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Each piece leaves by itself, so that the gateway sees the borders of pieces and not of events.
/// The end comes with the last piece, unless the line is to stay open: clients hang up when they
/// have heard the last event.
fn in_pieces(stream: Streamed, lingers: bool, record: &Record) -> Answer {
    let pieces = stream.pieces();
    let content_type = stream.framing.content_type();
    record.update(|exchange| exchange.stream = Some(stream));
    channel(content_type, async move |mut sender| {
        let last = pieces.len();
        for (number, piece) in pieces.into_iter().enumerate() {
            if sender.send_data(piece).await.is_err() {
                return;
            }
            if number + 1 < last {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if lingers {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
}

fn json_answer(status: u16, value: &Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string()));
    let mut answer = with_status(stream_of(body, "application/json"), status);
    stamp(answer.headers_mut());
    answer
}

fn stamp(headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert("x-request-id", id);
    }
}

/// Most providers name each of their answers; an auditor quotes that name to them.
fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("req_simulated_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn breaking(
    content_type: &'static str,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> Answer {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data(piece).await.is_err() {
                return;
            }
        }
        // What was sent must leave before the break, or the peer never sees it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        sender.abort(io::Error::other("the simulator breaks here"));
    });
    stream_of(body, content_type)
}

/// An answer whose body a task writes.
fn channel<F>(
    content_type: &'static str,
    write: impl FnOnce(Sender<Bytes, io::Error>) -> F,
) -> Answer
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, body) = Channel::new(1);
    tokio::spawn(write(sender));
    stream_of(body, content_type)
}

fn stream_of<B>(body: B, content_type: &'static str) -> Answer
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut answer = Response::new(body.map_err(io::Error::other).boxed_unsync());
    answer.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    answer
}

fn empty() -> UnsyncBoxBody<Bytes, io::Error> {
    Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn with_status(mut answer: Answer, status: u16) -> Answer {
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    answer
}

/// A number in a path; 0 where there is none.
fn number<T: std::str::FromStr + Default>(text: &str) -> T {
    text.parse().unwrap_or_default()
}

/// A body that neither goes on nor ends.
struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}
