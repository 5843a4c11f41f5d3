//! The provider behind the proxies: fast, and always the same.
//!
//! | path | answer, once the whole request was read |
//! |---|---|
//! | `/v1/events` | [`EVENTS`] server-sent events, one every two milliseconds |
//! | `/v1/download/<bytes>` | a body of that length |
//! | anything else | a JSON body of about 1 KiB |
//!
//! An answer before the end of the request would make Envoy close both connections, and the bench would
//! measure connecting.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::MissedTickBehavior;

use crate::wire::Wire;

/// How many events a stream has.
pub(crate) const EVENTS: u32 = 200;
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
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Envoy closes idle connections as it likes; a client notices if it was one in use.
            tokio::spawn(async move { serve(stream).await });
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

async fn serve(stream: TcpStream) -> Result<()> {
    let mut wire = Wire::new(stream)?;
    let json = json_answer();
    let block: Vec<u8> = prose().take(BLOCK_BYTES).collect();
    loop {
        let head = wire.head().await?;
        wire.skip(head.framing).await?;
        let path = head.line.split(' ').nth(1).unwrap_or_default();
        if path == "/v1/events" {
            send_events(&mut wire).await?;
        } else if let Some(length) = path.strip_prefix("/v1/download/") {
            send_download(&mut wire, length.parse()?, &block).await?;
        } else {
            wire.write(&json).await?;
        }
    }
}

fn json_answer() -> Vec<u8> {
    let content: String = prose().take(880).map(char::from).collect();
    let body = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}"}}}}]}}"#
    );
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{COMMON_HEADERS}\r\n{body}"
    )
    .into_bytes()
}

async fn send_events(wire: &mut Wire) -> Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";
    wire.write(format!("{head}{COMMON_HEADERS}\r\n").as_bytes()).await?;
    let event = concat!(
        r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-5","#,
        r#""choices":[{"index":0,"delta":{"content":" invoices"},"finish_reason":null}]}"#,
        "\n\n"
    );
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    let mut ticks = tokio::time::interval(EVENT_INTERVAL);
    // Late is late: events that catch up in one burst would be one chunk.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..EVENTS {
        ticks.tick().await;
        wire.write(chunk.as_bytes()).await?;
    }
    ticks.tick().await;
    wire.write(b"0\r\n\r\n").await
}

async fn send_download(wire: &mut Wire, length: u64, block: &[u8]) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n";
    wire.write(format!("{head}content-length: {length}\r\n{COMMON_HEADERS}\r\n").as_bytes())
        .await?;
    wire.write_blocks(block, length).await
}
