//! `GET /healthz`, `/metrics` and `/lease`, on a thread of their own: a shipper that hangs still answers.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE,
    server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime;

use super::{health::Health, metrics::Metrics};
use crate::{plain, say::tell};

/// Listens, and answers until the process ends.
pub(super) fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tell(&format!("health and metrics: http://{}", listener.local_addr()?));
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new()
        .name("endpoint".to_owned())
        .spawn(move || runtime.block_on(accept(listener, Arc::new(Sources { health, metrics }))))?;
    Ok(())
}

#[derive(Debug)]
struct Sources {
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

const HEADER_PATIENCE: Duration = Duration::from_secs(5);

async fn accept(listener: TcpListener, sources: Arc<Sources>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sources = Arc::clone(&sources);
        let service = service_fn(move |request| {
            let answer = sources.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

impl Sources {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => self.health(),
            (&Method::GET | &Method::HEAD, "/metrics") => {
                response(StatusCode::OK, METRICS_TYPE, self.metrics.text())
            }
            // A gateway asks so for each call, with the method and the path of the call behind it: nothing of them is read.
            (_, path) if path == "/lease" || path.starts_with("/lease/") => self.lease(),
            _ => response(
                StatusCode::NOT_FOUND,
                "text/plain",
                "/healthz, /lease, /metrics\n".to_owned(),
            ),
        }
    }

    fn lease(&self) -> Response<Full<Bytes>> {
        match self.health.holds_lease() {
            true => response(StatusCode::OK, "text/plain", String::new()),
            false => response(StatusCode::SERVICE_UNAVAILABLE, "text/plain", String::new()),
        }
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let answer = self.health.answer();
        let status = if answer.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let text = serde_json::to_string(&answer).unwrap_or_default();
        response(status, "application/json", plain::json(&text).into_owned() + "\n")
    }
}

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
