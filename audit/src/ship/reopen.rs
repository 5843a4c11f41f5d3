//! Telling the gateway to open its log file anew.

use std::{fs, path::PathBuf, str::FromStr};

use rustix::process::{Pid, Signal, kill_process};
use url::Url;

use crate::{admin, plain::Shown};

/// How the gateway is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reopen {
    /// Its admin interface: `POST /reopen_logs`.
    Admin(Url),
    /// `SIGUSR1` to this process.
    Pid(i32),
    /// `SIGUSR1` to the process whose number stands in this file.
    PidFile(PathBuf),
    /// No gateway runs.
    Nobody,
}

impl Reopen {
    /// Tells it. That it was told does not mean that it is done.
    pub(super) async fn ask(&self) -> Result<(), String> {
        match self {
            Self::Admin(url) => post(url).await,
            Self::Pid(pid) => signal(*pid),
            Self::PidFile(path) => signal(read_pid(path)?),
            Self::Nobody => Ok(()),
        }
    }
}

async fn post(url: &Url) -> Result<(), String> {
    let hint = |text| format!("{text}; is --reopen the gateway's admin port?");
    admin::post(url).await.map_err(hint)
}

fn signal(pid: i32) -> Result<(), String> {
    let process = Some(pid).filter(|pid| *pid > 1).and_then(Pid::from_raw);
    let process = process.ok_or_else(|| format!("--reopen: {pid} is no process to signal"))?;
    kill_process(process, Signal::USR1)
        .map_err(|error| format!("SIGUSR1 to process {pid}: {}", std::io::Error::from(error)))
}

fn read_pid(path: &PathBuf) -> Result<i32, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.shown()))?;
    text.trim().parse().map_err(|_| format!("{}: no process number in it", path.shown()))
}

impl FromStr for Reopen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Nobody);
        }
        if let Some(pid) = text.strip_prefix("pid:") {
            let number = pid.parse().map(Self::Pid);
            return Ok(number.unwrap_or_else(|_| Self::PidFile(pid.into())));
        }
        let mut url = admin::read_url(text).ok_or(
            "neither an address such as http://127.0.0.1:9901, nor pid:FILE, pid:NUMBER or none",
        )?;
        url.set_path("/reopen_logs");
        Ok(Self::Admin(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read() {
        for (text, way) in [
            ("none", Reopen::Nobody),
            ("pid:42", Reopen::Pid(42)),
            ("pid:/run/envoy.pid", Reopen::PidFile("/run/envoy.pid".into())),
            (
                "http://127.0.0.1:9901",
                Reopen::Admin(Url::parse("http://127.0.0.1:9901/reopen_logs").unwrap()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(way));
        }
        for text in ["", "127.0.0.1:9901", "https://127.0.0.1", "yes"] {
            assert!(text.parse::<Reopen>().is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_signals_every_process() {
        for pid in [-1, 0, 1] {
            assert!(signal(pid).is_err(), "{pid}");
        }
    }
}
