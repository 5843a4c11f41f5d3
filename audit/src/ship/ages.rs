//! How long lines have been waiting, by a clock that cannot go back.
//!
//! The wall clock is asked once per file, when it is first seen, and only about files that an earlier
//! run left. What is not yet shipped from a file counts as old as the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::folder::{Stamped, read_stamp};

/// Since when each file has lines.
#[derive(Debug, Default)]
pub(super) struct Ages {
    live: Option<Instant>,
    files: BTreeMap<String, Since>,
}

#[derive(Clone, Copy, Debug)]
struct Since {
    seen: Instant,
    /// Its age at that moment.
    before: Duration,
}

impl Ages {
    /// How long the live file has had lines; it has `len` bytes now.
    pub(super) fn live(&mut self, len: u64) -> Option<Duration> {
        if len == 0 {
            self.live = None;
            return None;
        }
        Some(self.live.get_or_insert_with(Instant::now).elapsed())
    }

    /// The live file has become the one with this stamp.
    pub(super) fn rotate(&mut self, stamp: &str) {
        let seen = self.live.take().unwrap_or_else(Instant::now);
        self.files.insert(stamp.to_owned(), Since { seen, before: Duration::ZERO });
    }

    /// How long the lines of a renamed or sealed file have been waiting.
    pub(super) fn of(&mut self, file: &Stamped) -> Duration {
        let since = self
            .files
            .entry(file.stamp.clone())
            .or_insert_with(|| Since { seen: Instant::now(), before: wall_age(&file.stamp) });
        since.seen.elapsed().saturating_add(since.before)
    }

    /// A file is shipped, or gone.
    pub(super) fn forget(&mut self, stamp: &str) {
        self.files.remove(stamp);
    }

    /// Forgets all files but these.
    pub(super) fn keep_only(&mut self, files: &[Stamped]) {
        let stamps: BTreeSet<_> = files.iter().map(|file| file.stamp.as_str()).collect();
        self.files.retain(|stamp, _| stamps.contains(stamp.as_str()));
    }
}

fn wall_age(stamp: &str) -> Duration {
    let at = read_stamp(stamp).unwrap_or_default();
    jiff::Timestamp::now().duration_since(at).try_into().unwrap_or_default()
}
