//! A ledger folder, a folder as its store, and the tool as a process.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use rustix::{
    fs::{IFlags, ioctl_getflags, ioctl_setflags},
    process::{Pid, Signal, kill_process},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::entry;

/// A ledger folder and a store; what the kernel protects in them is released at the end.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.ledger()).unwrap();
        place
    }

    pub(crate) fn with_live(text: &str) -> Self {
        let place = Self::new();
        fs::write(place.live(), text).unwrap();
        place
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.path().join("ledger")
    }

    pub(crate) fn live(&self) -> PathBuf {
        self.ledger().join("entries.jsonl")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.store().display())
    }

    pub(crate) fn ship(&self, more: &[&str]) -> Command {
        self.ship_to(&self.url(), more)
    }

    pub(crate) fn ship_to(&self, url: &str, more: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        command.args(["ship", "--host", "gw", "--min-free", "0", "--to", url, "--from"]);
        command.arg(self.ledger()).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, subcommand: &str, more: &[&str]) -> Output {
        let mut command = Command::new(std::env::var_os("CARGO_BIN_EXE_ledgerline").unwrap());
        command.arg(subcommand).args(more);
        command.output().unwrap()
    }

    /// The plain lines of every object in the store.
    pub(crate) fn stored(&self) -> Vec<String> {
        let files = self.objects();
        let text: String = files.iter().map(|path| plain(path)).collect();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The objects with entries.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let mut objects = files(&self.store());
        objects.retain(|path| !path.starts_with(self.store().join("receipts")));
        objects
    }

    /// The lines that are still on this machine.
    pub(crate) fn local(&self) -> Vec<String> {
        let mut paths = files(&self.ledger());
        paths.retain(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name != "shipped.jsonl" && !name.starts_with("pressure")
        });
        let lines = paths.iter().filter(|path| path.extension().is_some_and(|end| end != "lock"));
        let text: String = lines.filter_map(|path| fs::read_to_string(path).ok()).collect();
        text.lines().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn receipts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.ledger().join("shipped.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.get("archived").is_none()).collect()
    }

    pub(crate) fn sealed(&self) -> Vec<PathBuf> {
        files(&self.ledger().join("segments"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        files(self.0.path()).iter().for_each(|path| release(path));
    }
}

pub(crate) fn release(path: &Path) {
    // Nobody would ever write into a pipe.
    if !path.symlink_metadata().is_ok_and(|file| file.is_file()) {
        return;
    }
    let Ok(file) = File::open(path) else { return };
    if let Ok(flags) = ioctl_getflags(&file) {
        let _ = ioctl_setflags(&file, flags.difference(IFlags::APPEND | IFlags::IMMUTABLE));
    }
}

pub(crate) fn flags(path: &Path) -> IFlags {
    ioctl_getflags(File::open(path).unwrap()).unwrap_or(IFlags::empty())
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    found.sort();
    found
}

pub(crate) fn plain(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).unwrap();
    match path.extension().unwrap() == "gz" {
        true => GzDecoder::new(file).read_to_string(&mut text).unwrap(),
        false => BufReader::new(file).read_to_string(&mut text).unwrap(),
    };
    text
}

/// Whether the kernel protects files here: an ordinary user cannot have it, and nothing is confirmed then.
pub(crate) fn has_kernel_protection() -> bool {
    let place = Place::new();
    let output = place.run("protect", &[place.ledger().to_str().unwrap()]);
    let says = output.status.code() == Some(0);
    if !says {
        eprintln!("no kernel protection here: {}", String::from_utf8_lossy(&output.stderr));
    }
    says
}

/// Exit code, standard output, standard error.
pub(crate) fn answer(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn lines(range: std::ops::Range<u64>) -> String {
    range.map(entry).collect()
}

pub(crate) fn seqs(lines: &[String]) -> BTreeSet<u64> {
    let seq = |line: &String| serde_json::from_str::<Value>(line).ok()?.get("seq")?.as_u64();
    lines.iter().filter_map(seq).collect()
}

pub(crate) fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_there() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A shipper that goes on for ever, until it is ended.
pub(crate) struct Follower {
    pub(crate) child: Child,
    err: BufReader<ChildStderr>,
    /// Of its endpoint.
    address: String,
}

impl Follower {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.args(["--follow", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(err.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Self { child, err, address }
    }

    /// Status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let mut err = String::new();
        self.err.read_to_string(&mut err).unwrap();
        (code, err)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
