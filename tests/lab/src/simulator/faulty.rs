//! The provider whose answers break: raw TCP, one HTTP/1.1 request per connection.
//!
//! | path | behaviour |
//! |---|---|
//! | `/reset/headers` | RST instead of an answer, after the request was read |
//! | `/reset/request` | RST after the request headers, the body unread |
//! | `/reset/body/<bytes>` | `content-length` of more than twice that, the bytes, then RST |
//! | `/reset/chunks/<bytes>` | the bytes as chunks, then RST |
//! | `/close/headers` | FIN instead of an answer |
//! | `/close/partial-head` | FIN in the middle of the response headers |
//! | `/close/body/<bytes>` | `content-length` of more than twice that, the bytes, then FIN |
//! | `/close/chunks/<bytes>` | the bytes as chunks, then FIN without the last chunk |
//! | `/until-close/<bytes>` | a body without a length that ends with the connection, as HTTP/1.0 has it |
//! | `/stall/headers` | the request is read, no answer comes |
//! | `/stall/body/<bytes>` | the bytes, then nothing |
//! | `/informational/<count>` | that many `103 Early Hints`, then 200 |
//! | `/lone/<code>` | an informational answer, and FIN instead of the final one |
//! | `/websocket/<end>` | 101, one event of a WebSocket, then an end: `fin`, `reset`, `half`, `wait`, or the code of a close frame, `error-` before it for an error event before that |
//! | `/non-utf8` | header values with bytes above 0x7F |
//! | `/trailers/<bytes>` | the bytes as chunks, then a trailer |
//! | `/garbage` | bytes that are no HTTP |
//! | `/bad-chunk/<bytes>` | the bytes as chunks, then a chunk size that is no number |
//! | `/endless` | chunks until the peer goes |
//! | `/oversize/<bytes>` | one response header of that size |
//! | `/drip` | an answer, byte by byte |
//! | `/early/<code>` | an answer after the headers, the request body unread, then FIN |

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::exchange::{Exchange, Header, Log, Record};
use crate::payload::Pattern;

/// Serves one connection.
pub async fn serve(stream: TcpStream, log: Arc<Log>) {
    // A broken connection is the purpose; the record says how far it came.
    let _ = exchange(stream, &log).await;
}

async fn exchange(stream: TcpStream, log: &Log) -> io::Result<()> {
    let mut connection = Connection::open(stream, log).await?;
    let target = connection.record.now().target;
    let path = target.split('?').next().unwrap_or_default();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    match path.as_slice() {
        ["reset", "request"] => return connection.reset(),
        ["early", code] => return connection.early(code).await,
        _ => connection.read_body().await?,
    }
    let length = path.last().and_then(|last| last.parse().ok()).unwrap_or(0);
    match path.as_slice() {
        ["reset", "headers"] => connection.reset(),
        ["reset", "body", _] => {
            connection.sized_head(length * 2 + 1).await?;
            connection.body(length).await?;
            connection.arrive().await;
            connection.reset()
        }
        ["reset", "chunks", _] => {
            connection.chunked_head("").await?;
            connection.chunks(length).await?;
            connection.arrive().await;
            connection.reset()
        }
        ["close", "headers"] => Ok(()),
        ["close", "partial-head"] => connection.write(b"HTTP/1.1 200 OK\r\ncontent-t").await,
        ["close", "body", _] => {
            connection.sized_head(length * 2 + 1).await?;
            connection.body(length).await
        }
        ["close", "chunks", _] => {
            connection.chunked_head("").await?;
            connection.chunks(length).await
        }
        ["until-close", _] => {
            connection.head(200, "").await?;
            connection.complete();
            connection.body(length).await
        }
        ["stall", "headers"] => connection.wait_for_peer().await,
        ["stall", "body", _] => {
            connection.sized_head(length * 2 + 1).await?;
            connection.body(length).await?;
            connection.wait_for_peer().await
        }
        ["informational", _] => {
            for _ in 0..length {
                connection.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await?;
            }
            connection.small_answer("").await
        }
        ["lone", code] => {
            connection
                .write(format!("HTTP/1.1 {code} Simulated\r\nx-lone: 1\r\n\r\n").as_bytes())
                .await?;
            connection.arrive().await;
            Ok(())
        }
        ["websocket", end] => connection.websocket(end).await,
        ["non-utf8"] => connection.small_answer_of(b"x-bytes: \xff\xfe\x80\r\n").await,
        ["trailers", _] => {
            connection.chunked_head("trailer: x-checksum\r\n").await?;
            connection.chunks(length).await?;
            connection.complete();
            connection.write(b"0\r\nx-checksum: simulated\r\n\r\n").await
        }
        ["garbage"] => connection.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n").await,
        ["bad-chunk", _] => {
            connection.chunked_head("").await?;
            connection.chunks(length).await?;
            connection.arrive().await;
            connection.write(b"no number\r\n").await
        }
        ["endless"] => {
            connection.chunked_head("").await?;
            connection.chunks(u64::MAX).await
        }
        ["oversize", _] => {
            let value = "a".repeat(usize::try_from(length).unwrap_or_default());
            connection.small_answer(&format!("x-large: {value}\r\n")).await
        }
        ["drip"] => connection.drip().await,
        _ => connection.small_answer("x-unknown-fault: true\r\n").await,
    }
}

/// One connection and the record of its only exchange.
struct Connection {
    stream: BufReader<TcpStream>,
    record: Record,
}

impl Connection {
    async fn open(stream: TcpStream, log: &Log) -> io::Result<Self> {
        let mut stream = BufReader::new(stream);
        let mut words = line(&mut stream).await?;
        words.truncate(words.trim_ascii_end().len());
        let words = String::from_utf8_lossy(&words).into_owned();
        let mut words = words.split(' ').map(str::to_owned);
        let record = log.open(Exchange {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            request_headers: header_lines(&mut stream).await?,
            ..Exchange::default()
        });
        Ok(Self { stream, record })
    }

    async fn read_body(&mut self) -> io::Result<()> {
        let header = |name| self.record.now().request_header(name).concat();
        let length = header("content-length").parse().unwrap_or(0);
        if header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            self.read_chunks().await?;
        } else {
            self.read_bytes(length).await?;
        }
        self.record.update(|exchange| exchange.request_complete = true);
        Ok(())
    }

    async fn read_chunks(&mut self) -> io::Result<()> {
        loop {
            let size = line(&mut self.stream).await?;
            let size = String::from_utf8_lossy(&size);
            let size = size.trim().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                break;
            }
            self.read_bytes(size).await?;
            line(&mut self.stream).await?;
        }
        let trailers = header_lines(&mut self.stream).await?;
        self.record.update(|exchange| exchange.request_trailers = trailers);
        Ok(())
    }

    async fn read_bytes(&mut self, mut remaining: u64) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while remaining > 0 {
            let wanted = buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
            let window = buffer.get_mut(..wanted).unwrap_or_default();
            let count = self.stream.read(window).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let seen = window.get(..count).unwrap_or_default();
            self.record.update(|exchange| exchange.request.push(seen));
            remaining -= count as u64;
        }
        Ok(())
    }

    async fn head(&mut self, status: u16, headers: &str) -> io::Result<()> {
        self.record.update(|exchange| exchange.status = status);
        let head = format!("HTTP/1.1 {status} Simulated\r\nconnection: close\r\n{headers}\r\n");
        self.write(head.as_bytes()).await
    }

    async fn sized_head(&mut self, length: u64) -> io::Result<()> {
        self.head(200, &format!("content-type: text/plain\r\ncontent-length: {length}\r\n")).await
    }

    async fn chunked_head(&mut self, more: &str) -> io::Result<()> {
        let headers = "content-type: text/plain\r\ntransfer-encoding: chunked\r\n";
        self.head(200, &format!("{headers}{more}")).await
    }

    async fn body(&mut self, length: u64) -> io::Result<()> {
        let mut pattern = Pattern::new(length);
        while let Some(bytes) = pattern.next_bytes() {
            self.record.update(|exchange| exchange.response.push(&bytes));
            self.write(&bytes).await?;
        }
        Ok(())
    }

    async fn chunks(&mut self, length: u64) -> io::Result<()> {
        let mut pattern = Pattern::in_steps(length, 1000);
        while let Some(bytes) = pattern.next_bytes() {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(&bytes);
            chunk.extend_from_slice(b"\r\n");
            self.record.update(|exchange| exchange.response.push(&bytes));
            self.write(&chunk).await?;
        }
        Ok(())
    }

    async fn small_answer(&mut self, headers: &str) -> io::Result<()> {
        self.small_answer_of(headers.as_bytes()).await
    }

    async fn small_answer_of(&mut self, headers: &[u8]) -> io::Result<()> {
        self.record.update(|exchange| exchange.status = 200);
        let mut head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n".to_vec();
        head.extend_from_slice(headers);
        head.extend_from_slice(b"\r\n");
        self.write(&head).await?;
        self.complete();
        self.body(5).await
    }

    /// A WebSocket that ends in one of many ways.
    async fn websocket(mut self, end: &str) -> io::Result<()> {
        self.record.update(|exchange| exchange.status = 101);
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
        self.write(head.as_bytes()).await?;
        self.frame(0x81, br#"{"type":"session.created"}"#).await?;
        self.arrive().await;
        match end {
            "fin" => return Ok(()),
            "reset" => return self.reset(),
            "half" => return self.send(b"\x81\x7dhalf a fra").await,
            "wait" => return self.wait_for_peer().await,
            "empty" => self.frame(0x88, b"").await?,
            end => {
                if end.starts_with("error-") {
                    let error = br#"{"type":"error","error":{"type":"rate_limit_exceeded"}}"#;
                    self.frame(0x81, error).await?;
                }
                let code: u16 = end.trim_start_matches("error-").parse().unwrap_or(1000);
                self.frame(0x88, &code.to_be_bytes()).await?;
            }
        }
        self.complete();
        self.arrive().await;
        Ok(())
    }

    async fn frame(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        let length = u8::try_from(payload.len()).unwrap_or_default();
        self.send(&[&[first, length][..], payload].concat()).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.record.update(|exchange| exchange.response.push(bytes));
        self.write(bytes).await
    }

    async fn early(&mut self, code: &str) -> io::Result<()> {
        self.head(code.parse().unwrap_or(413), "content-length: 5\r\n").await?;
        self.complete();
        self.body(5).await?;
        // Closing over unread bytes would be a reset, and a reset can overtake the answer.
        self.arrive().await;
        Ok(())
    }

    async fn drip(&mut self) -> io::Result<()> {
        let mut answer =
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\n".to_vec();
        let head = answer.len();
        answer.extend(Pattern::new(5).next_bytes().unwrap_or_default());
        self.record.update(|exchange| exchange.status = 200);
        self.complete();
        for (place, byte) in answer.into_iter().enumerate() {
            if place >= head {
                self.record.update(|exchange| exchange.response.push(&[byte]));
            }
            self.write(&[byte]).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Gives what was sent time to arrive: a reset throws away whatever the peer has not read.
    async fn arrive(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn wait_for_peer(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        while self.stream.read(&mut buffer).await? > 0 {}
        Ok(())
    }

    /// Noted before the last bytes go: whoever has read them may ask at once.
    fn complete(&self) {
        self.record.update(|exchange| exchange.response_complete = true);
    }

    fn reset(self) -> io::Result<()> {
        self.stream.into_inner().set_zero_linger()
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    match stream.read_until(b'\n', &mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

async fn header_lines(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<Header>> {
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        let mut parts = line.trim_ascii_end().splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        if name.is_empty() {
            return Ok(headers);
        }
        let value = parts.next().unwrap_or_default().trim_ascii();
        headers.push((name.to_vec(), value.to_vec()));
    }
}
