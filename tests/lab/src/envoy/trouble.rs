//! Why a gateway does not start, as far as Envoy tells.

use std::fmt;
use std::path::Path;

/// A port of 127.0.0.1 that somebody else listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenPort(pub u16);

impl fmt::Display for TakenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} of 127.0.0.1 is not free", self.0)
    }
}

/// An Envoy that ended before it served; it displays as its whole log.
#[derive(Clone, Debug)]
pub struct NotStarted {
    log: String,
}

impl NotStarted {
    /// With the log in the folder of that Envoy.
    pub(super) fn of(scratch: &Path) -> Self {
        Self { log: std::fs::read_to_string(scratch.join("envoy.log")).unwrap_or_default() }
    }

    /// What Envoy says about it in a few words: the last of its lines at the highest level that it has, without
    /// their time and source.
    ///
    /// ```text
    /// [2026-06-30 12:34:56.789][17][critical][main] [source/server/server.cc:431] error initializing configuration …
    /// ```
    pub fn reason(&self) -> &str {
        let at_level = |level: &str| self.log.lines().rfind(|line| line.contains(level));
        let line = ["[critical]", "[error]"].into_iter().find_map(at_level);
        let mut text = line.or(self.log.lines().last()).unwrap_or("it left no word");
        while let Some((_, rest)) = text.strip_prefix('[').and_then(|head| head.split_once("] ")) {
            text = rest;
        }
        text
    }

    /// Whether somebody took a port since we looked.
    pub fn is_taken_port(&self) -> bool {
        self.log.contains("Address already in use")
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envoy does not start:\n{}", self.log)
    }
}
