//! The far side of `ship`, as far as it looks: a store with locks, Amazon's token service, a proxy.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

/// A server on a port of its own, until the program ends.
pub(crate) struct Fake {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<String>,
    keys: Vec<String>,
    refused: usize,
    /// By path: checksum and length.
    objects: BTreeMap<String, (String, usize)>,
}

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Fake {
    /// A store that knows these keys, and calls the others expired.
    pub(crate) fn store(knows: fn(&str) -> bool) -> Self {
        Self::start(move |request, seen| store(request, seen, knows))
    }

    /// A token service that gives the keys `ASIATOKEN1`, `ASIATOKEN2`, and so on, each for so many seconds.
    pub(crate) fn tokens(seconds: u64) -> Self {
        Self::start(move |request, seen| give_keys(request, seen, seconds))
    }

    /// A proxy that gives nobody a tunnel.
    pub(crate) fn no_tunnel() -> Self {
        Self::start(|_, _| {
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
        })
    }

    fn start(answer: impl Fn(&Request, &mut Seen) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, answer) = (Arc::<Mutex<Seen>>::default(), Arc::new(answer));
        let fake = Self { address, seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(&stream.unwrap(), &seen, &*answer));
            }
        });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The id of the key that signed each request.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.seen.lock().unwrap().keys.clone()
    }

    pub(crate) fn refused(&self) -> usize {
        self.seen.lock().unwrap().refused
    }
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Seen>,
    answer: &(dyn Fn(&Request, &mut Seen) -> String + Send + Sync),
) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader, stream) {
        let text = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request.line.clone());
            seen.keys.extend(request.key());
            answer(&request, &mut seen)
        };
        let mut stream = stream;
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead, mut stream: &TcpStream) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.contains_key("expect") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line: line.trim_end().to_owned(), headers, body })
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Without scheme, host and query.
    fn path(&self) -> String {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        let target = target.split_once("://").map_or(target, |(_, rest)| {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        });
        target.split('?').next().unwrap_or_default().to_owned()
    }

    fn key(&self) -> Option<String> {
        let (_, scope) = self.header("authorization").split_once("Credential=")?;
        Some(scope.split('/').next()?.to_owned())
    }
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Puts, and looks that say that all of it is locked for some years.
fn store(request: &Request, seen: &mut Seen, knows: fn(&str) -> bool) -> String {
    if !request.key().is_some_and(|key| knows(&key)) {
        seen.refused += 1;
        let body = match request.method() {
            "HEAD" => "",
            _ => "<Error><Code>ExpiredToken</Code><Message>x</Message></Error>",
        };
        return response("403 Forbidden", "content-type: application/xml\r\n", body);
    }
    let checksum = request.header("x-amz-checksum-sha256").to_owned();
    match request.method() {
        "PUT" => {
            let headers = format!(
                "x-amz-version-id: v1\r\nx-amz-checksum-sha256: {checksum}\r\netag: \"x\"\r\n"
            );
            seen.objects.insert(request.path(), (checksum, request.body.len()));
            response("200 OK", &headers, "")
        }
        "HEAD" => match seen.objects.get(&request.path()) {
            None => response("404 Not Found", "", ""),
            Some((checksum, length)) => format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nx-amz-version-id: v1\r\nx-amz-checksum-sha256: {checksum}\r\n\
                 x-amz-object-lock-mode: COMPLIANCE\r\nx-amz-object-lock-retain-until-date: {}\r\n\r\n",
                time_in(Duration::from_secs(86_400 * 1000))
            ),
        },
        _ => response("501 Not Implemented", "", ""),
    }
}

fn give_keys(request: &Request, seen: &mut Seen, seconds: u64) -> String {
    let body = String::from_utf8_lossy(&request.body);
    if !body.contains("AssumeRoleWithWebIdentity") || !body.contains("not.a.real-token") {
        return response("400 Bad Request", "", "");
    }
    let number = seen.requests.len();
    let text = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/shipper/test</Arn><AssumedRoleId>A:test</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>ASIATOKEN{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>",
        time_in(Duration::from_secs(seconds))
    );
    response("200 OK", "content-type: text/xml\r\n", &text)
}

fn time_in(time: Duration) -> String {
    let until = SystemTime::now() + time;
    let until = jiff::Timestamp::try_from(until).unwrap();
    until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
