//! Room on the disk: what may stay, what goes, and what happens when nothing may go.
//!
//! ```text
//! confirmed and older than --keep-local   goes
//! at the cap: confirmed, oldest first     goes, however young
//! still at the cap: refuse-calls          pressure says 1, the gateway takes no calls
//!                   drop-oldest           the oldest unshipped file goes, counted and told
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    folder::Stamped,
    receipts::{Dropped, Moment},
    segment::Segment,
    state::State,
    units::{Size, Span},
};
use crate::protect;

/// How much of the disk is the ledger's.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Keep files on this machine for so long after the store confirmed them; or forever
    #[arg(long, value_name = "TIME", default_value = "7d")]
    keep_local: Keep,
    /// The most that the ledger folder may hold
    #[arg(long, value_name = "SIZE", default_value = "10GiB")]
    max_local: Size,
    /// The least that the file system must have free
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    min_free: Size,
    /// What happens when neither can be kept by deleting what is confirmed
    #[arg(long, value_enum, default_value_t)]
    at_cap: AtCap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    For(Duration),
    Forever,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum AtCap {
    /// The gateway is told to take no calls, by the file DIR/pressure
    #[default]
    RefuseCalls,
    /// The oldest unshipped entries are deleted, counted and reported
    DropOldest,
}

/// What the ledger takes, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    local: u64,
    free: u64,
}

/// The room of one ledger folder.
#[derive(Debug)]
pub(super) struct Room<'a> {
    options: &'a Options,
    state: &'a State<'a>,
    is_full: bool,
}

impl<'a> Room<'a> {
    /// Takes up what `pressure` says from before.
    pub(super) fn new(options: &'a Options, state: &'a State<'a>) -> Self {
        let before = fs::read_to_string(state.folder.pressure()).unwrap_or_default();
        Self { options, state, is_full: before.trim() == "1" }
    }

    /// The gateway may look for the file from now on.
    pub(super) fn announce(&self) -> io::Result<()> {
        match self.state.folder.pressure().exists() {
            true => Ok(()),
            false => self.write_pressure(),
        }
    }

    /// Deletes what may go, and says whether the gateway may take calls.
    pub(super) fn make(&mut self) -> io::Result<()> {
        self.delete_old()?;
        let mut usage = self.usage()?;
        if self.options.is_over(usage, self.is_full) {
            usage = self.delete_confirmed(usage)?;
        }
        if self.options.at_cap == AtCap::DropOldest {
            usage = self.drop_unconfirmed(usage)?;
        }
        let is_full = self.options.is_over(usage, self.is_full);
        if is_full != self.is_full {
            self.is_full = is_full;
            self.tell(usage);
        }
        self.settle(usage)
    }

    fn usage(&self) -> io::Result<Usage> {
        Ok(Usage { local: self.state.folder.len()?, free: self.state.folder.free()? })
    }

    fn delete_old(&self) -> io::Result<()> {
        let Keep::For(keep) = self.options.keep_local else { return Ok(()) };
        let now = Timestamp::now();
        let is_old = |file: &Stamped| {
            self.state.confirmed_at(file).is_some_and(|at| {
                Duration::try_from(now.duration_since(at)).is_ok_and(|age| age >= keep)
            })
        };
        let old: Vec<_> = self.state.sealed().into_iter().filter(is_old).collect();
        old.iter().try_for_each(|file| self.delete(file))
    }

    /// Oldest first, until there is room.
    fn delete_confirmed(&self, mut usage: Usage) -> io::Result<Usage> {
        for file in self.state.sealed() {
            if !self.options.is_over(usage, self.is_full) {
                break;
            }
            if self.state.confirmed_at(&file).is_some() {
                self.delete(&file)?;
                usage = usage.without(file.len);
            }
        }
        Ok(usage)
    }

    fn drop_unconfirmed(&self, mut usage: Usage) -> io::Result<Usage> {
        for file in self.state.sealed() {
            if !self.options.is_over(usage, self.is_full) {
                break;
            }
            if self.state.confirmed_at(&file).is_none() {
                self.drop_file(&file)?;
                usage = usage.without(file.len);
            }
        }
        Ok(usage)
    }

    /// The receipt of the loss is on disk before the loss.
    fn drop_file(&self, file: &Stamped) -> io::Result<()> {
        let start = self.state.receipts.borrow().end(&file.name());
        let entries = count_entries(file, start)?;
        let dropped = Dropped {
            file: file.name(),
            start,
            entries,
            bytes: file.len - start.min(file.len),
            at: Moment(Timestamp::now()),
        };
        anstream::eprintln!(
            "LOST: {entries} entries of {} were deleted unshipped: the ledger folder is at its cap and \
             --at-cap is drop-oldest",
            file.path.display()
        );
        self.state.receipts.borrow_mut().add_dropped(dropped)?;
        self.state.metrics.dropped_entries.inc_by(entries);
        self.delete(file)
    }

    fn delete(&self, file: &Stamped) -> io::Result<()> {
        protect::lift(&file.path)?;
        fs::remove_file(&file.path)?;
        self.state.forget(file);
        self.state.folder.sync()
    }

    fn tell(&self, usage: Usage) {
        let folder = self.state.folder.path().display();
        let Usage { local, free } = usage;
        match (self.is_full, self.options.at_cap) {
            (false, _) => anstream::eprintln!("{folder}: room again"),
            (true, AtCap::RefuseCalls) => anstream::eprintln!(
                "{folder}: at its cap ({local} bytes here, {free} free) with nothing confirmed to delete: \
                 the gateway is told to refuse calls"
            ),
            (true, AtCap::DropOldest) => anstream::eprintln!(
                "{folder}: at its cap ({local} bytes here, {free} free) with nothing left to drop"
            ),
        }
    }

    fn settle(&self, usage: Usage) -> io::Result<()> {
        self.state.note_room(usage.local, usage.free, self.is_full);
        let says = fs::read_to_string(self.state.folder.pressure()).ok();
        match says {
            None if !self.is_full => Ok(()),
            Some(text) if text == self.pressure() => Ok(()),
            _ => self.write_pressure(),
        }
    }

    fn pressure(&self) -> &'static str {
        match self.is_full && self.options.at_cap == AtCap::RefuseCalls {
            true => "1",
            false => "0",
        }
    }

    /// In one step: the gateway watches for a file that is moved here.
    fn write_pressure(&self) -> io::Result<()> {
        let path = self.state.folder.pressure();
        let draft = path.with_extension("new");
        File::create(&draft)?.write_all(self.pressure().as_bytes())?;
        fs::rename(&draft, &path)
    }
}

impl Options {
    /// Whoever is over needs some room before that ends, or the gateway would flutter.
    fn is_over(&self, usage: Usage, was_full: bool) -> bool {
        let (most, least) = (self.max_local.0, self.min_free.0);
        match was_full {
            true => usage.local > most - most / 10 || usage.free < least.saturating_add(least / 10),
            false => usage.local >= most || usage.free < least,
        }
    }
}

impl Usage {
    fn without(self, bytes: u64) -> Self {
        Self { local: self.local.saturating_sub(bytes), free: self.free.saturating_add(bytes) }
    }
}

/// The good entries of a file, from a byte on.
pub(super) fn count_entries(file: &Stamped, mut start: u64) -> io::Result<u64> {
    let open = File::open(&file.path)?;
    let mut entries = 0;
    while let Some(segment) = Segment::read(&open, start, COUNT_BYTES)? {
        entries += segment.count.entries;
        start = segment.end();
    }
    Ok(entries)
}

const COUNT_BYTES: u64 = 4 << 20;

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
            let usage = Usage { local, free };
            assert_eq!(options.is_over(usage, was_full), is_over, "{usage:?} {was_full}");
        }
    }

    #[test]
    fn what_is_deleted_becomes_free() {
        let usage = Usage { local: 10, free: 1 }.without(4);
        assert_eq!(usage, Usage { local: 6, free: 5 });
    }

    #[test]
    fn how_long_to_keep_is_read() {
        assert_eq!("forever".parse(), Ok(Keep::Forever));
        assert_eq!("2h".parse(), Ok(Keep::For(Duration::from_secs(7200))));
        assert!("ever".parse::<Keep>().is_err());
    }
}
