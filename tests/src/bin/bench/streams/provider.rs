//! The provider of held streams: it sends the beginning of an answer, and the rest when it is told to.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::STREAMS_PER_CONNECTION;
use crate::chat;
use crate::proxy;

/// The header in which an answer says how many bytes of it come before it is held.
pub(super) const HELD_BYTES: &str = "x-held-bytes";

/// Whole events before an answer is held.
const EVENTS_BEFORE: usize = 4;
/// Events of an answer.
const EVENTS: usize = 12;

/// A provider that runs.
pub(super) struct Provider {
    /// Where it is.
    pub(super) upstream: proxy::Provider,
    answer: Arc<Answer>,
    held: watch::Sender<bool>,
}

impl Provider {
    /// Starts it on a free port, for so many calls at a time.
    pub(super) async fn start(calls: usize) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let upstream = upstream(listener.local_addr()?, calls);
        let answer = Arc::new(Answer::new());
        let (held, is_held) = watch::channel(true);
        let served = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served), is_held.clone()));
            }
        });
        Ok(Self { upstream, answer, held })
    }

    /// The length of an answer.
    pub(super) fn answer_bytes(&self) -> usize {
        self.answer.bytes.len()
    }

    /// Sends the rest of all answers.
    pub(super) fn let_go(&self) {
        self.held.send_replace(false);
    }
}

fn upstream(address: SocketAddr, calls: usize) -> proxy::Provider {
    proxy::Provider::Http2 { address, streams: STREAMS_PER_CONNECTION, calls }
}

/// An answer, and where it may be cut.
struct Answer {
    bytes: Bytes,
    /// Between two events, and in three places within one.
    cuts: [usize; 4],
    /// How many were begun.
    begun: AtomicUsize,
}

impl Answer {
    fn new() -> Self {
        let events = chat::events(EVENTS);
        let before: usize = events.iter().take(EVENTS_BEFORE).map(String::len).sum();
        let next = events.get(EVENTS_BEFORE).map_or(0, String::len);
        Self {
            cuts: [0, 1, 2, 3].map(|quarter| before + next * quarter / 4),
            bytes: events.concat().into(),
            begun: AtomicUsize::new(0),
        }
    }

    /// The beginning of an answer, which ends elsewhere than that of the one before, and the rest.
    fn begin(&self) -> (Bytes, Bytes) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let cut = self.cuts.iter().cycle().nth(number % self.cuts.len()).copied();
        let mut beginning = self.bytes.clone();
        let rest = beginning.split_off(cut.unwrap_or_default());
        (beginning, rest)
    }
}

async fn serve(
    stream: TcpStream,
    answer: Arc<Answer>,
    is_held: watch::Receiver<bool>,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, is_held) = (Arc::clone(&answer), is_held.clone());
        async move { Ok::<_, Infallible>(respond(request, &answer, is_held).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new());
    Ok(connection.serve_connection(TokioIo::new(stream), service).await?)
}

async fn respond(
    request: Request<Incoming>,
    answer: &Answer,
    is_held: watch::Receiver<bool>,
) -> Response<Channel<Bytes>> {
    // Whoever asked went away if it does not come.
    let _ = request.into_body().collect().await;
    let (beginning, rest) = answer.begin();
    let held_bytes = beginning.len();
    let (sender, body) = Channel::new(1);
    tokio::spawn(send(sender, beginning, rest, is_held));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static("text/event-stream"));
    headers.insert(HELD_BYTES, held_bytes.into());
    response
}

async fn send(
    mut sender: Sender<Bytes>,
    beginning: Bytes,
    rest: Bytes,
    mut is_held: watch::Receiver<bool>,
) -> Result<()> {
    sender.send_data(beginning).await?;
    is_held.wait_for(|is_held| !is_held).await?;
    Ok(sender.send_data(rest).await?)
}
