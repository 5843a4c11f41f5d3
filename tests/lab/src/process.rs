//! Child processes that cannot outlive the test run.
//!
//! A test binary may end without running destructors: statics are never dropped, and a person
//! presses Ctrl-C. So beside every child stands a guard, a small shell that waits for the end of a
//! pipe that we hold. The kernel closes that pipe however we end, and the guard then kills the
//! child's process group and removes its directory.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// A child in its own process group, killed with all its descendants when this value goes.
#[derive(Debug)]
pub struct Supervised {
    child: Child,
    guard: Child,
}

impl Supervised {
    /// Starts `command`; `scratch` is removed when the child is gone.
    pub fn spawn(command: &mut Command, scratch: &Path) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().with_context(|| format!("start {program}"))?;
        let guard = guard(child.id(), scratch)?;
        Ok(Self { child, guard })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status if the child has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the child to end (SIGTERM) and waits for it.
    pub async fn terminate(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        match eventually(patience, || self.ended()).await {
            Some(status) => Ok(status),
            None => bail!("process {} still runs {patience:?} after SIGTERM", self.id()),
        }
    }

    /// Ends the child at once (SIGKILL): nothing that it buffers is written.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Leaves the scratch directory in place, for a person to look into.
    pub fn keep_scratch(&self) {
        if let Some(mut pipe) = self.guard.stdin.as_ref() {
            let _ = pipe.write_all(b"keep\n");
        }
    }

    /// The memory that the process holds now, in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.bytes_of("VmRSS:")
    }

    /// The most memory that the process ever held, in bytes.
    pub fn peak_bytes(&self) -> Result<u64> {
        self.bytes_of("VmHWM:")
    }

    fn bytes_of(&self, key: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kibibytes = line.and_then(|rest| rest.split_whitespace().next());
        Ok(kibibytes.context("memory in /proc")?.parse::<u64>()? * 1024)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Polls until `probe` answers or `patience` is over.
pub async fn eventually<T>(patience: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The last lines that a process wrote into its log, of those that `counts` lets through.
pub fn log_tail(log: &Path, counts: impl Fn(&str) -> bool) -> String {
    const LINES: usize = 20;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines: Vec<_> = text.lines().rev().filter(|line| counts(line)).take(LINES).collect();
    lines.reverse();
    format!("its log ends:\n{}", lines.join("\n"))
}

fn guard(process: u32, scratch: &Path) -> Result<Child> {
    let script = r#"
        trap '' INT TERM
        keep=
        while read -r word; do keep=$word; done
        kill -s KILL -- "-$1" 2>/dev/null
        [ -n "$keep" ] || rm -rf -- "$2"
    "#;
    Command::new("/bin/sh")
        .args(["-c", script, "guard", &process.to_string()])
        .arg(scratch)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("start the guard process")
}
