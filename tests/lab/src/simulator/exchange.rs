//! What the simulator saw and sent, kept while it happens.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::http::HeaderMap;

use super::stream::Streamed;
use crate::payload::Tally;

/// A header as it crossed the wire: any bytes, in order, duplicates kept.
pub type Header = (Vec<u8>, Vec<u8>);

/// One request and its answer, as far as they got.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The headers, without the pseudo-headers of HTTP/2.
    pub request_headers: Vec<Header>,
    /// The request body so far.
    pub request: Tally,
    /// Whether the request body came to its end.
    pub request_complete: bool,
    /// The trailers of the request.
    pub request_trailers: Vec<Header>,
    /// The status that was sent; 0 before that.
    pub status: u16,
    /// The headers of the answer.
    pub response_headers: Vec<Header>,
    /// The answer as a stream, where a provider's API sends one.
    pub stream: Option<Streamed>,
    /// The response body that was handed to the wire so far.
    pub response: Tally,
    /// Whether the response body came to its end.
    pub response_complete: bool,
    /// The trailers of the response.
    pub response_trailers: Vec<Header>,
}

impl Exchange {
    /// All values of a request header, by its name in any case.
    pub fn request_header(&self, name: &str) -> Vec<String> {
        values(&self.request_headers, name)
    }

    /// All values of a response header, by its name in any case.
    pub fn response_header(&self, name: &str) -> Vec<String> {
        values(&self.response_headers, name)
    }
}

fn values(headers: &[Header], name: &str) -> Vec<String> {
    let same = |header: &&Header| header.0.eq_ignore_ascii_case(name.as_bytes());
    let text = |header: &Header| String::from_utf8_lossy(&header.1).into_owned();
    headers.iter().filter(same).map(text).collect()
}

/// The exchanges of one simulator.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<Record>>);

impl Log {
    /// Opens the record of a new exchange.
    pub fn open(&self, exchange: Exchange) -> Record {
        let record = Record(Arc::new(Mutex::new(exchange)));
        lock(&self.0).push(record.clone());
        record
    }

    /// The newest exchange for which `wanted` holds.
    pub fn find(&self, wanted: impl Fn(&Exchange) -> bool) -> Option<Exchange> {
        let records = lock(&self.0);
        let found = records.iter().rev().find(|record| wanted(&lock(&record.0)));
        found.map(Record::now)
    }

    /// All exchanges, oldest first.
    pub fn all(&self) -> Vec<Exchange> {
        lock(&self.0).iter().map(Record::now).collect()
    }
}

/// The record of one exchange, written by whoever moves its bytes.
#[derive(Clone, Debug)]
pub struct Record(Arc<Mutex<Exchange>>);

impl Record {
    /// Changes the record.
    pub fn update(&self, change: impl FnOnce(&mut Exchange)) {
        change(&mut lock(&self.0));
    }

    /// A copy of the record as it is now.
    pub fn now(&self) -> Exchange {
        lock(&self.0).clone()
    }
}

/// The two directions of an exchange.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// From the client.
    Request,
    /// To the client.
    Response,
}

/// A body that writes itself into the record as it is read.
#[derive(Debug)]
pub struct Recorded<B> {
    body: B,
    record: Record,
    side: Side,
}

impl<B: Body<Data = Bytes>> Recorded<B> {
    /// Wraps one body of an exchange.
    pub fn new(body: B, record: Record, side: Side) -> Self {
        let recorded = Self { body, record, side };
        recorded.note_end();
        recorded
    }

    fn note(&self, frame: &Frame<Bytes>) {
        self.record.update(|exchange| match (self.side, frame.data_ref(), frame.trailers_ref()) {
            (Side::Request, Some(data), _) => exchange.request.push(data),
            (Side::Response, Some(data), _) => exchange.response.push(data),
            (Side::Request, _, Some(map)) => exchange.request_trailers = pairs(map),
            (Side::Response, _, Some(map)) => exchange.response_trailers = pairs(map),
            (_, None, None) => {}
        });
    }

    /// A body that says that it is at its end is not polled again, so the end is looked for each
    /// time.
    fn note_end(&self) {
        if self.body.is_end_stream() {
            self.end();
        }
    }

    fn end(&self) {
        self.record.update(|exchange| match self.side {
            Side::Request => exchange.request_complete = true,
            Side::Response => exchange.response_complete = true,
        });
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Recorded<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let next = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &next {
            Some(Ok(frame)) => {
                self.note(frame);
                if frame.is_trailers() {
                    self.end();
                }
                self.note_end();
            }
            Some(Err(_)) => {}
            None => self.end(),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The pairs of a header map, as bytes.
pub fn pairs(map: &HeaderMap) -> Vec<Header> {
    map.iter().map(|(name, value)| (name.as_str().into(), value.as_bytes().into())).collect()
}

/// A poisoned lock only says that another test failed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
