//! The machine under the figures: what it is, how busy it was, and which core does what.

use std::fs::read_to_string;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// What a reader must know to place the figures.
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    load_before: String,
    load_after: String,
}

impl Machine {
    /// Asks `/proc`.
    pub(crate) fn read() -> Result<Self> {
        let processors = read_to_string("/proc/cpuinfo")?;
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let release = read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Self {
            processor: model.unwrap_or("unknown").trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: processors.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: release.trim().to_owned(),
            load_before: load_average()?,
            load_after: String::new(),
        })
    }

    /// The same at the end of the run.
    pub(crate) fn finished(self) -> Result<Self> {
        Ok(Self { load_after: load_average()?, ..self })
    }

    /// One line.
    pub(crate) fn describe(&self) -> String {
        let Self { processor, cores, kernel, load_before, load_after } = self;
        format!(
            "{processor}, {cores} cores, Linux {kernel}, load average {load_before} before and {load_after} after"
        )
    }

    /// For the JSON report.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "kernel": self.kernel,
            "load_average": {"before": self.load_before, "after": self.load_after},
        })
    }
}

/// Of the last minute.
fn load_average() -> Result<String> {
    let text = read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

/// Who runs where. With one core for all, latencies and rates mean little; CPU time still does.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    load: usize,
    /// The core of all proxies, of which one is busy at a time.
    pub(crate) proxy: usize,
}

impl Cores {
    /// The first and the last of those that this process may use.
    pub(crate) fn allowed() -> Result<Self> {
        let status = read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let cores = list.context("Cpus_allowed_list in /proc/self/status")?.trim();
        let mut ends = cores.split([',', '-']);
        let first = ends.next().context("a core")?.parse()?;
        let last = ends.next_back().map_or(Ok(first), str::parse)?;
        Ok(Self { load: first, proxy: last })
    }

    /// Moves this process, which has one thread yet, to the core of the load.
    pub(crate) fn take_for_load(self) -> Result<()> {
        let pin = Command::new("taskset")
            .args(["--cpu-list", "--pid", &self.load.to_string(), &std::process::id().to_string()])
            .stdout(Stdio::null())
            .status()
            .context("start taskset, which is in Debian's util-linux")?;
        ensure!(pin.success(), "taskset ended with {pin}");
        Ok(())
    }
}
