//! How far long work has come.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

/// A line on the terminal, once the work takes longer than a second; it is gone at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// When, after the start, the line is due next; `None` where nobody would see it.
    due: Option<Duration>,
    is_shown: bool,
}

impl Progress {
    const PATIENCE: Duration = Duration::from_secs(1);
    const STEP: Duration = Duration::from_millis(200);

    /// Work that starts now. The line is for a terminal, and only if it `is_wanted`.
    pub(crate) fn new(is_wanted: bool) -> Self {
        let due = (is_wanted && io::stderr().is_terminal()).then_some(Self::PATIENCE);
        Self { started: Instant::now(), due, is_shown: false }
    }

    /// So many bytes are done.
    pub(crate) fn show(&mut self, bytes: u64) {
        let elapsed = self.started.elapsed();
        if self.due.is_none_or(|due| elapsed < due) {
            return;
        }
        anstream::eprint!("\r\x1b[K{}", text(bytes, elapsed));
        self.due = Some(elapsed + Self::STEP);
        self.is_shown = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            anstream::eprint!("\r\x1b[K");
        }
    }
}

fn text(bytes: u64, elapsed: Duration) -> String {
    let rate = u128::from(bytes) / elapsed.as_micros().max(1);
    format!("{} MB, {rate} MB/s", bytes / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_per_microsecond_is_a_megabyte_per_second() {
        assert_eq!(text(3_400_000_000, Duration::from_secs(10)), "3400 MB, 340 MB/s");
        assert_eq!(text(0, Duration::ZERO), "0 MB, 0 MB/s");
    }
}
