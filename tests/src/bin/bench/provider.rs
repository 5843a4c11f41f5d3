//! The provider behind the proxies: fast, and always the same.
//!
//! | path | answer, once the whole request was read |
//! |---|---|
//! | [`STREAM`] | a chat in [`EVENTS`] server-sent events, one every two milliseconds |
//! | [`BURST`] | a chat in 1 MiB of such events, as fast as they go |
//! | `/v1/download/<bytes>` | a body of that length |
//! | anything else | a chat in a JSON body of about 1 KiB |
//!
//! The paths of chats end as those of OpenAI's API do, by which the filter knows what to read.
//!
//! An answer before the end of the request would make Envoy close both connections, and the bench would
//! measure connecting.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::MissedTickBehavior;

use crate::chat;
use crate::wire::Wire;

/// Where an answer comes in single events.
pub(crate) const STREAM: &str = "/stream/v1/chat/completions";
/// Where an answer comes in many events at a time.
pub(crate) const BURST: &str = "/burst/v1/chat/completions";

/// How many events a stream has, the one that ends it among them.
pub(crate) const EVENTS: usize = 200;
/// How many events there are in all bursts of an answer, which is 1 MiB and a little.
pub(crate) const BURST_EVENTS: usize = 3450;
/// How much of an answer is written at a time, wherever that cuts an event.
pub(crate) const BURST_BYTES: usize = 64 * 1024;
/// Shorter, and a machine that is not quite idle would let Envoy read two of them at a time.
const EVENT_INTERVAL: Duration = Duration::from_millis(2);

/// Text for bodies, in the unit in which large ones are written.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;

/// Headers as OpenAI's API sends them.
const COMMON_HEADERS: &str = "\
    date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
    x-request-id: req_0123456789abcdef0123456789abcdef\r\n\
    openai-organization: example\r\n\
    openai-processing-ms: 412\r\n\
    openai-version: 2020-10-01\r\n\
    x-ratelimit-limit-requests: 10000\r\n\
    x-ratelimit-remaining-requests: 9999\r\n\
    strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n";

/// Starts it on a free port, in the thread of the clients.
pub(crate) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let answers = Arc::new(Answers::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Envoy closes idle connections as it likes; a client notices if it was one in use.
            tokio::spawn(serve(stream, Arc::clone(&answers)));
        }
    });
    Ok(address)
}

/// Prose of any length for request and response bodies.
pub(crate) fn prose() -> impl Iterator<Item = u8> {
    b"The agent asked for the open invoices of the quarter, and the tool answered in a table. "
        .iter()
        .copied()
        .cycle()
}

/// What is answered, ready to be written.
struct Answers {
    json: Vec<u8>,
    /// What stands before the chunks of a stream.
    stream_head: Vec<u8>,
    /// A chunk for each event.
    events: Vec<Vec<u8>>,
    /// A chunk for each burst.
    bursts: Vec<Vec<u8>>,
    block: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let stream_head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";
        Self {
            json: json_answer(),
            stream_head: format!("{stream_head}{COMMON_HEADERS}\r\n").into_bytes(),
            events: chat::events(EVENTS).iter().map(|event| chunk(event.as_bytes())).collect(),
            bursts: burst().as_bytes().chunks(BURST_BYTES).map(chunk).collect(),
            block: prose().take(BLOCK_BYTES).collect(),
        }
    }
}

/// All events of the answer that comes in bursts.
pub(crate) fn burst() -> String {
    chat::events(BURST_EVENTS).concat()
}

fn json_answer() -> Vec<u8> {
    let body = chat::answer();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{COMMON_HEADERS}\r\n{body}"
    )
    .into_bytes()
}

/// RFC 9112, section 7.1.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

async fn serve(stream: TcpStream, answers: Arc<Answers>) -> Result<()> {
    let mut wire = Wire::new(stream)?;
    loop {
        let head = wire.head().await?;
        wire.skip(head.framing).await?;
        let path = head.line.split(' ').nth(1).unwrap_or_default();
        if path == STREAM {
            send_events(&mut wire, &answers).await?;
        } else if path == BURST {
            send_bursts(&mut wire, &answers).await?;
        } else if let Some(length) = path.strip_prefix("/v1/download/") {
            send_download(&mut wire, length.parse()?, &answers.block).await?;
        } else {
            wire.write(&answers.json).await?;
        }
    }
}

async fn send_events(wire: &mut Wire, answers: &Answers) -> Result<()> {
    wire.write(&answers.stream_head).await?;
    let mut ticks = tokio::time::interval(EVENT_INTERVAL);
    // Late is late: events that catch up in one burst would be one chunk.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for event in &answers.events {
        ticks.tick().await;
        wire.write(event).await?;
    }
    ticks.tick().await;
    wire.write(b"0\r\n\r\n").await
}

async fn send_bursts(wire: &mut Wire, answers: &Answers) -> Result<()> {
    wire.write(&answers.stream_head).await?;
    for burst in &answers.bursts {
        wire.write(burst).await?;
    }
    wire.write(b"0\r\n\r\n").await
}

async fn send_download(wire: &mut Wire, length: u64, block: &[u8]) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n";
    wire.write(format!("{head}content-length: {length}\r\n{COMMON_HEADERS}\r\n").as_bytes())
        .await?;
    wire.write_blocks(block, length).await
}
