//! As much of Google Cloud Storage as `ledgerline` calls, written here, since no emulator that is kept
//! has the XML calls by which objects are put.
//!
//! It follows Google's documentation and is no proof of what Google does. Taken from there:
//! `x-goog-if-generation-match: 0` creates and never replaces (412), and an object that was stored with
//! `content-encoding: gzip` is unpacked for whoever does not ask for gzip, without a length.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::azurite::Blob;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A stand-in for Google Cloud Storage: any bucket is there.
#[derive(Debug)]
pub struct Google {
    address: SocketAddr,
    objects: Objects,
    runtime: Option<Runtime>,
}

#[derive(Clone, Debug, Default)]
struct Objects(Arc<Mutex<BTreeMap<String, Object>>>);

#[derive(Clone, Debug)]
struct Object {
    generation: u64,
    is_encoded: bool,
    body: Bytes,
}

impl Google {
    /// Starts one of its own, on threads of its own.
    pub fn start() -> Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (address, objects) = (listener.local_addr()?, Objects::default());
        let inside = runtime.enter();
        runtime.spawn(accept(TcpListener::from_std(listener)?, objects.clone()));
        drop(inside);
        Ok(Self { address, objects, runtime: Some(runtime) })
    }

    /// What sends a client here that reads Google's settings from its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        [
            ("GOOGLE_BASE_URL", &*url),
            ("GOOGLE_BEARER_TOKEN", "none is looked at"),
            ("GOOGLE_ALLOW_HTTP", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Everything in a bucket, by name, as stored.
    pub fn objects(&self, bucket: &str) -> Vec<Blob> {
        let blob = |(path, object): (&String, &Object)| {
            let name = path.strip_prefix(&format!("/{bucket}/"))?.to_owned();
            Some(Blob { name, etag: object.generation.to_string(), body: object.body.to_vec() })
        };
        self.objects.locked().iter().filter_map(blob).collect()
    }

    /// Puts an object, whatever is under its name.
    pub fn replace(&self, bucket: &str, name: &str, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        self.objects.put(format!("/{bucket}/{name}"), body, false);
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Objects {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, path: String, body: Bytes, is_encoded: bool) -> Answer {
        let mut objects = self.locked();
        let before = objects.get(&path).map_or(0, |object| object.generation);
        let object = Object { generation: before + 1, is_encoded, body };
        let answer = object.answer(200, Bytes::new());
        objects.insert(path, object);
        answer
    }

    fn serve(&self, method: &Method, path: String, headers: &HeaderMap, body: Bytes) -> Answer {
        let found = self.locked().get(&path).cloned();
        let has = |name: &str, value: &str| headers.get(name).is_some_and(|told| told == value);
        match (method, found) {
            (&Method::PUT, Some(_)) if has("x-goog-if-generation-match", "0") => status(412),
            (&Method::PUT, _) => self.put(path, body, has("content-encoding", "gzip")),
            (&Method::DELETE, Some(_)) => {
                self.locked().remove(&path);
                status(204)
            }
            (_, Some(object)) if object.is_encoded && !has("accept-encoding", "gzip") => {
                object.unpacked()
            }
            (_, Some(object)) => object.answer(200, object.body.clone()),
            (_, None) => status(404),
        }
    }
}

impl Object {
    fn answer(&self, code: u16, body: Bytes) -> Answer {
        let mut answer = status(code);
        for (name, value) in [
            ("etag", format!("\"{}\"", self.generation)),
            ("x-goog-generation", self.generation.to_string()),
            ("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT".to_owned()),
            ("x-goog-stored-content-length", self.body.len().to_string()),
        ] {
            if let Ok(value) = value.parse() {
                answer.headers_mut().insert(name, value);
            }
        }
        *answer.body_mut() = Full::new(body).boxed();
        answer
    }

    /// In chunks: how long it becomes is not known when it begins.
    fn unpacked(&self) -> Answer {
        let mut plain = Vec::new();
        if GzDecoder::new(&self.body[..]).read_to_end(&mut plain).is_err() {
            return status(500);
        }
        let mut answer = self.answer(200, Bytes::new());
        *answer.body_mut() = Full::new(Bytes::from(plain)).map_frame(|frame| frame).boxed();
        answer
    }
}

fn status(code: u16) -> Answer {
    let mut answer = Response::new(Full::default().boxed());
    *answer.status_mut() = code.try_into().unwrap_or_default();
    answer
}

async fn accept(listener: TcpListener, objects: Objects) {
    while let Ok((stream, _)) = listener.accept().await {
        let objects = objects.clone();
        let service = service_fn(move |request| serve(request, objects.clone()));
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

async fn serve(request: Request<Incoming>, objects: Objects) -> Result<Answer, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(objects.serve(&head.method, unescaped(head.uri.path()), &head.headers, body))
}

/// The client escapes whatever is no letter and no digit. The names under test are ASCII.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        plain.push(u8::from_str_radix(code, 16).map_or('?', char::from));
        plain += rest;
    }
    plain
}
