//! A provider that keeps what it got, and whose answers hold keys too.
//!
//! The simulator keeps digests, because its bodies may be endless. Here the bodies themselves are
//! the evidence.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ledgerline_tests::simulator::stream::Event;
use ledgerline_tests::simulator::{anthropic, openai};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::keys::{self, Key};

/// One call, as its far end saw it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) correlation_id: String,
    /// The target and all headers of the request.
    pub(super) head: String,
    pub(super) request: Message,
    pub(super) response: Message,
}

/// A body and its content type.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// A running provider; it ends with the runtime that it was started on.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    address: SocketAddr,
    /// The keys in its answers.
    keys: Arc<[Key]>,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Provider {
    /// Starts on a free port, for HTTP/1.1 and HTTP/2, with `keys` to put into its answers.
    pub(super) async fn start(keys: &[Key]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let provider = Self { address, keys: keys.into(), exchanges: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        Ok(provider)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All calls so far.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn serve(self, stream: TcpStream) {
        let service = service_fn(move |request| self.clone().exchange(request));
        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn exchange(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let header = |name| {
            let value = parts.headers.get(name).map(|value| value.as_bytes().to_vec());
            String::from_utf8(value.unwrap_or_default()).unwrap_or_default()
        };
        let request = Message { content_type: header("content-type"), body };
        let response = self.answer(parts.uri.path(), &request);
        let answer = Response::builder()
            .header("content-type", &response.content_type)
            .header("set-cookie", format!("session={}", keys::at(&self.keys, "answer_cookie")))
            .header("x-request-id", keys::at(&self.keys, "answer_id"))
            .body(Full::new(response.body.clone()));
        let exchange = Exchange {
            correlation_id: header("x-correlation-id"),
            head: format!("{} {:?}", parts.uri, parts.headers),
            request,
            response,
        };
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(answer.unwrap_or_default())
    }

    /// In the shape of the API; what has none here comes back as it came.
    fn answer(&self, path: &str, request: &Message) -> Message {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let model = keys::at(&self.keys, "answer_model");
        let (_, api) = path.split_once("/v1/").unwrap_or_default();
        match (api, asked["stream"] == true) {
            ("chat/completions", true) => events(openai::completion_events(model, false)),
            ("chat/completions", false) => json(&openai::completion(model)),
            ("responses", true) => events(openai::response_events(model)),
            ("responses", false) => json(&openai::response(model)),
            ("messages", true) => events(anthropic::message_events(model)),
            ("messages", false) => json(&anthropic::message(model)),
            ("models", _) => json(&openai::models()),
            _ => request.clone(),
        }
    }
}

fn json(value: &Value) -> Message {
    Message { content_type: "application/json".into(), body: value.to_string().into() }
}

fn events(events: Vec<Event>) -> Message {
    let body: Vec<_> = events.iter().flat_map(Event::to_bytes).collect();
    Message { content_type: "text/event-stream".into(), body: body.into() }
}
