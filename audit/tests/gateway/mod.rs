//! A gateway that only writes: entries as fast as the disk takes them, and `POST /reopen_logs`.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// It runs until it is stopped.
pub(crate) struct Gateway {
    address: SocketAddr,
    signs: Arc<Signs>,
    writer: Option<JoinHandle<u64>>,
}

#[derive(Default)]
struct Signs {
    reopen: AtomicBool,
    stop: AtomicBool,
}

impl Gateway {
    pub(crate) fn start(path: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let signs = Arc::new(Signs::default());
        let (for_admin, for_writer) = (Arc::clone(&signs), Arc::clone(&signs));
        thread::spawn(move || serve(&listener, &for_admin));
        let path = path.to_path_buf();
        let writer = Some(thread::spawn(move || write(&path, &for_writer)));
        Self { address, signs, writer }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many lines it wrote.
    pub(crate) fn stop(mut self) -> u64 {
        self.signs.stop.store(true, SeqCst);
        self.writer.take().unwrap().join().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.signs.stop.store(true, SeqCst);
    }
}

fn serve(listener: &TcpListener, signs: &Signs) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
        // One that was killed has nothing to say.
        let Some(Ok(request)) = head.next() else { continue };
        let is_reopen = request.starts_with("POST /reopen_logs ");
        assert!(is_reopen || request.starts_with("GET /stats/prometheus?"), "{request}");
        while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        signs.reopen.fetch_or(is_reopen, SeqCst);
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nOK\n");
    }
}

/// How many more lines a gateway writes to the old file after it was told.
const LATE: u64 = 90;

/// As a gateway does: it writes to a file that it opened for appending, and opens a new one not when it is
/// told, but some lines later.
fn write(path: &PathBuf, signs: &Signs) -> u64 {
    let open = || OpenOptions::new().append(true).create(true).open(path).unwrap();
    let (mut file, mut seq, mut reopen_at) = (open(), 0, u64::MAX);
    while !signs.stop.load(SeqCst) {
        if signs.reopen.swap(false, SeqCst) {
            reopen_at = reopen_at.min(seq + LATE);
        }
        if seq >= reopen_at {
            (file, reopen_at) = (open(), u64::MAX);
        }
        let lines: String = (seq..seq + 3).map(entry).collect();
        file.write_all(lines.as_bytes()).unwrap();
        seq += 3;
        thread::sleep(Duration::from_micros(500));
    }
    seq
}

/// A line as an entry, with a number in it.
pub(crate) fn entry(seq: u64) -> String {
    let (minute, second) = (seq / 60 % 60, seq % 60);
    format!(
        concat!(
            r#"{{"timestamp":"2026-11-21T15:{:02}:{:02}.000000Z","agent_id":"sales","user_id":null,"#,
            r#""endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,"#,
            r#""request_hash":null,"response_hash":null,"outcome":"success","#,
            r#""correlation_id":"c9f8e7","seq":{}}}"#,
            "\n"
        ),
        minute, second, seq
    )
}
