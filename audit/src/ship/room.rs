//! Room on the disk: what may stay, what goes, and what happens when nothing may go.
//!
//! ```text
//! confirmed and older than --keep-local              goes, after the store was asked again
//! near the cap: confirmed, oldest first              goes, after the store was asked again, however young
//! at the cap: refuse-calls                           pressure says 1, the gateway takes no calls
//!             drop-oldest                            the oldest file goes, counted and told
//! ```
//!
//! Telling the gateway waits for nobody; what may go is asked for beside it (see [`super::tidy`]).

use std::{io, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};

use super::{
    pressure::{self, Says},
    state::State,
    units::{Size, Span},
};
use crate::{plain::Shown, say::tell};

/// How much of the disk is the ledger's.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Keep files on this machine for so long after the store confirmed them; or forever
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(super) keep_local: Keep,
    /// The most that the ledger folder may hold
    #[arg(long, value_name = "SIZE", default_value = "10GiB")]
    max_local: Size,
    /// The least that the file system must have free
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    min_free: Size,
    /// What happens when neither can be kept by deleting what is confirmed
    #[arg(long, value_enum, default_value_t)]
    pub(super) at_cap: AtCap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    For(Duration),
    Forever,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum AtCap {
    /// The gateway is told to take no calls, by the file DIR/pressure
    #[default]
    RefuseCalls,
    /// The oldest unshipped entries are deleted, counted and reported
    DropOldest,
}

/// What the ledger takes, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    local: u64,
    free: u64,
    /// Files that can still be made, where the file system counts them.
    inodes: Option<u64>,
}

/// The room of one ledger folder.
#[derive(Debug)]
pub(super) struct Room<'a> {
    options: &'a Options,
    state: &'a State<'a>,
    is_full: bool,
}

/// A rotation and its receipts need a few files.
const LEAST_INODES: u64 = 16;

impl<'a> Room<'a> {
    /// Takes up what `pressure` says from before.
    pub(super) fn new(options: &'a Options, state: &'a State<'a>) -> Self {
        let before = pressure::read(state.folder.dir());
        Self { options, state, is_full: before == Some(Says::RefuseCalls) }
    }

    /// The gateway may look for the file from now on.
    pub(super) fn announce(&self) -> io::Result<()> {
        pressure::prepare(self.state.folder.dir())
    }

    /// Whether the disk has just filled up: asked many times a second, so it asks for nothing else.
    pub(super) fn has_changed(&self) -> bool {
        let Ok((free, inodes)) = self.state.folder.dir().free() else { return false };
        let usage = Usage { local: 0, free, inodes };
        !self.is_full && self.options.is_over(usage, false)
    }

    /// Says whether the gateway may take calls: first to the gateway, then to everybody else.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let usage = Usage::of(self.state)?;
        let is_full = self.options.is_over(usage, self.is_full);
        let was_full = std::mem::replace(&mut self.is_full, is_full);
        let refuses_calls = self.says() == Says::RefuseCalls;
        self.state.note_room(usage.local, usage.free, is_full, refuses_calls);
        let told = pressure::say(self.state.folder.dir(), self.says());
        match &told {
            Ok(()) if is_full != was_full => self.tell(usage),
            // It is said again with the next look, until it is done.
            Err(_) => self.is_full = was_full,
            Ok(()) => {}
        }
        told.map_err(|error| {
            io::Error::new(error.kind(), format!("the gateway could not be told: {error}"))
        })
    }

    fn says(&self) -> Says {
        match self.is_full && self.options.at_cap == AtCap::RefuseCalls {
            true => Says::RefuseCalls,
            false => Says::TakeCalls,
        }
    }

    fn tell(&self, usage: Usage) {
        let folder = self.state.folder.path().shown();
        let Usage { local, free, inodes } = usage;
        let inodes = inodes.map_or_else(String::new, |inodes| format!(", {inodes} files"));
        match (self.is_full, self.options.at_cap) {
            (false, _) => tell(&format!("{folder}: room again")),
            (true, AtCap::RefuseCalls) => tell(&format!(
                "{folder}: at its cap ({local} bytes here, {free} free{inodes}): the gateway is told to refuse calls"
            )),
            (true, AtCap::DropOldest) => tell(&format!(
                "{folder}: at its cap ({local} bytes here, {free} free{inodes}): the oldest goes"
            )),
        }
    }
}

impl Options {
    /// Whoever is over needs some room before that ends, or the gateway would flutter.
    pub(super) fn is_over(&self, usage: Usage, was_full: bool) -> bool {
        let (most, least) = (self.max_local.0, self.min_free.0);
        let inodes = usage.inodes.unwrap_or(u64::MAX);
        match was_full {
            true => {
                usage.local > most - most / 10
                    || usage.free < least.saturating_add(least / 10)
                    || inodes < 2 * LEAST_INODES
            }
            false => usage.local >= most || usage.free < least || inodes < LEAST_INODES,
        }
    }

    /// Whether room should be made, before calls have to be refused.
    pub(super) fn wants_room(&self, usage: Usage) -> bool {
        let (most, least) = (self.max_local.0, self.min_free.0);
        usage.local > most - most / 7
            || usage.free < least.saturating_add(least / 5)
            || usage.inodes.is_some_and(|inodes| inodes < 4 * LEAST_INODES)
    }
}

impl Usage {
    pub(super) fn of(state: &State<'_>) -> io::Result<Self> {
        let (free, inodes) = state.folder.dir().free()?;
        let local = state.sealed_bytes().saturating_add(state.folder.len_above()?);
        Ok(Self { local, free, inodes })
    }
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "forever" => Ok(Self::Forever),
            _ => text.parse().map(|Span(keep)| Self::For(keep)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(max_local: u64, min_free: u64) -> Options {
        let (max_local, min_free) = (Size(max_local), Size(min_free));
        Options { keep_local: Keep::Forever, max_local, min_free, at_cap: AtCap::RefuseCalls }
    }

    #[test]
    fn the_cap_holds_from_its_byte_on_and_ends_with_room() {
        let options = options(1000, 500);
        for (local, free, was_full, is_over) in [
            (999, 500, false, false),
            (1000, 500, false, true),
            (0, 499, false, true),
            (999, 600, true, true),
            (901, 600, true, true),
            (900, 549, true, true),
            (900, 550, true, false),
        ] {
            let usage = Usage { local, free, inodes: None };
            assert_eq!(options.is_over(usage, was_full), is_over, "{usage:?} {was_full}");
        }
    }

    #[test]
    fn room_is_made_before_calls_are_refused_and_a_disk_without_files_is_full() {
        let options = options(1000, 500);
        for (local, free, inodes, wants_room, is_over) in [
            (0, 1000, None, false, false),
            (858, 1000, None, false, false),
            (859, 1000, None, true, false),
            (0, 599, None, true, false),
            (0, 1000, Some(63), true, false),
            (0, 1000, Some(15), true, true),
            (0, 1000, Some(64), false, false),
        ] {
            let usage = Usage { local, free, inodes };
            assert_eq!(options.wants_room(usage), wants_room, "{usage:?}");
            assert_eq!(options.is_over(usage, false), is_over, "{usage:?}");
        }
    }

    #[test]
    fn how_long_to_keep_is_read() {
        assert_eq!("forever".parse(), Ok(Keep::Forever));
        assert_eq!("2h".parse(), Ok(Keep::For(Duration::from_secs(7200))));
        assert!("ever".parse::<Keep>().is_err());
    }
}
