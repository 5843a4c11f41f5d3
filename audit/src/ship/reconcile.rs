//! Does every entry that the filter counted stand in the file?
//!
//! ```text
//! counted by the filter    100    200    300         ledgerline_entries_total, from the gateway's admin
//! found in the ledger       99    200    293         final entries in live, renamed and sealed files
//! difference                 1      0      7   ──▶   what the gateway's buffer holds comes and goes; what stays is lost
//! ```
//!
//! Both go on while they are read. So what is found is counted before the filter is asked and afterwards: between the two it was
//! what the filter's count belongs to, and whatever is said to be lost is less than either explains.
//!
//! The least difference of the last minute is what no buffer explains; how much of it was not there before is what was lost
//! on the way to the file, or with it: a file that was removed, cut or put elsewhere, a disk that refused. One number shows
//! all of them, whatever their cause.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    time::Duration,
};

use url::Url;

use super::{
    dir::{Identity, identity_of},
    reopen::Reopen,
};
use crate::admin;

/// The two counts over time.
#[derive(Debug, Default)]
pub(super) struct Reconciliation {
    /// Final entries in files that are sealed by now.
    sealed: u64,
    /// What was found before the filter is asked.
    before: Option<u64>,
    is_wanted: bool,
    differences: VecDeque<i128>,
    least: Option<i128>,
    counted: u64,
}

/// How often both are read, and how many readings a buffer is given to be written.
pub(super) const EVERY: Duration = Duration::from_secs(10);
const READINGS: usize = 6;

impl Reconciliation {
    /// So many final entries were sealed.
    pub(super) fn add_sealed(&mut self, entries: u64) {
        self.sealed = self.sealed.saturating_add(entries);
    }

    /// The filter shall be asked, once it is known what stands there.
    pub(super) fn want(&mut self) {
        (self.before, self.is_wanted) = (None, true);
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// So many stand in files that are not sealed; the filter may be asked now.
    pub(super) fn begin(&mut self, in_open_files: u64) {
        self.is_wanted = false;
        self.before = Some(self.sealed.saturating_add(in_open_files));
    }

    /// Whether it is known what stands there.
    pub(super) fn has_begun(&self) -> bool {
        self.before.is_some()
    }

    /// What the filter has counted, and what stands there now; how many entries are nowhere.
    pub(super) fn compare(&mut self, counted: u64, in_open_files: u64) -> u64 {
        if counted < self.counted {
            // The gateway began anew, and counts from 0.
            (self.differences, self.least) = (VecDeque::new(), None);
        }
        self.counted = counted;
        let found = self.sealed.saturating_add(in_open_files);
        let before = self.before.take().unwrap_or(found);
        let at_least = i128::from(counted) - i128::from(found);
        let at_most = i128::from(counted) - i128::from(before);
        self.differences.push_back(at_least);
        if self.differences.len() > READINGS {
            self.differences.pop_front();
        }
        let least = self.least.map_or(at_most, |least| least.min(at_most));
        self.least = Some(least);
        let lasting = self.differences.iter().min().copied().unwrap_or(least);
        match self.differences.len() == READINGS {
            true => u64::try_from(lasting - least).unwrap_or_default(),
            false => 0,
        }
    }
}

/// Whether there is a gateway that can be asked.
pub(super) fn can_ask(reopen: Option<&Reopen>) -> bool {
    matches!(reopen, Some(Reopen::Admin(_)))
}

/// What the gateway's filter has counted; `None`: nobody can be asked, or it counts nothing.
pub(super) async fn counted(reopen: Option<&Reopen>) -> Option<u64> {
    let Some(Reopen::Admin(url)) = reopen else { return None };
    let text = admin::get(&at(url)).await.ok()?;
    let lines = text.lines().filter(|line| line.starts_with("ledgerline_entries_total{"));
    let counts: Vec<u64> = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect();
    (!counts.is_empty()).then(|| counts.iter().sum())
}

fn at(admin: &Url) -> Url {
    let mut url = admin.clone();
    url.set_path("/stats/prometheus");
    url.set_query(Some("filter=ledgerline_entries"));
    url
}

/// The final entries of the filter in files that only grow: neither what a call left on its way, nor what Envoy wrote in
/// the filter's place, nor lines that are no calls. What was read once is not read again, and no call reads more than a
/// while allows.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<Identity, Counted>);

/// So far.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    at: u64,
    entries: u64,
}

/// As much is read without a look at anything else.
const AT_A_TIME: u64 = 16 << 20;
/// More files than are open at a time.
const MOST_FILES: usize = 64;

impl Counts {
    /// So many stand in the whole lines of a file; `None`: not all of it is read yet.
    pub(super) fn of(&mut self, file: &File) -> io::Result<Option<u64>> {
        let (identity, len) = (identity_of(file)?, file.metadata()?.len());
        if self.0.len() > MOST_FILES {
            self.0.clear();
        }
        let counted = self.0.entry(identity).or_default();
        if counted.at > len {
            *counted = Counted::default();
        }
        let is_all = counted.go_on(file, AT_A_TIME)?;
        Ok(is_all.then_some(counted.entries))
    }

    /// All of a file that grows no more, and is not asked for again.
    pub(super) fn close(&mut self, file: &File) -> io::Result<u64> {
        let mut counted = self.0.remove(&identity_of(file)?).unwrap_or_default();
        counted.go_on(file, u64::MAX)?;
        Ok(counted.entries)
    }
}

impl Counted {
    /// Reads on; whether to the end.
    fn go_on(&mut self, mut file: &File, most: u64) -> io::Result<bool> {
        file.seek(SeekFrom::Start(self.at))?;
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let (mut line, mut read) = (Vec::new(), 0);
        while read < most {
            line.clear();
            let count = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            // A line that is still written is read when it is whole; one without an end is none.
            if count == 0 || (!line.ends_with(b"\n") && count < MAX_LINE) {
                return Ok(true);
            }
            self.entries += u64::from(line.ends_with(b"\n") && is_final(&line));
            (self.at, read) = (self.at + count, read + count);
        }
        Ok(false)
    }
}

const MAX_LINE: u64 = 1 << 20;

fn is_final(line: &[u8]) -> bool {
    let holds = |text: &str| line.windows(text.len()).any(|window| window == text.as_bytes());
    holds("\"outcome\":\"") && holds("\"end\":\"") && !holds("\"provisional\":true")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The last answer of several readings, each of which counts so much.
    fn lost(readings: &[(u64, u64)]) -> u64 {
        let mut both = Reconciliation::default();
        readings.iter().map(|(counted, found)| both.compare(*counted, *found)).last().unwrap()
    }

    #[test]
    fn what_a_buffer_holds_is_not_lost_and_what_stays_away_is() {
        let steady: Vec<_> = (0..20).map(|n| (n * 100 + n % 3, n * 100)).collect();
        assert_eq!(lost(&steady), 0);
        let stolen: Vec<_> =
            (0..20).map(|n| (n * 100, n * 100 - if n > 9 { 7 } else { 0 })).collect();
        assert_eq!(lost(&stolen), 7);
        let early: Vec<_> =
            (0..12).map(|n| (n * 100, n * 100 - if n > 9 { 7 } else { 0 })).collect();
        assert_eq!(lost(&early), 0, "not said before a buffer had its time");
        let restarted: Vec<_> =
            (0..20).map(|n| (if n < 10 { n * 100 } else { (n - 10) * 100 }, n * 100)).collect();
        assert_eq!(lost(&restarted), 0);
        let more_lines: Vec<_> = (0..20).map(|n| (n * 100, n * 105)).collect();
        assert_eq!(lost(&more_lines), 0, "fallback entries are no loss");
    }

    /// At a thousand entries a second, with readings that come late by any tenth of a second: nothing is lost, nothing is said.
    #[test]
    fn what_is_written_while_it_is_counted_is_no_loss_and_hides_none_for_long() {
        let at = |reading: u64, lost: u64| {
            let (asked, late) = (reading * 10_000, reading * 37 % 10 * 100);
            (asked.saturating_sub(late + lost), asked, asked + late - lost)
        };
        let mut both = Reconciliation::default();
        let mut compare = |(before, counted, after)| {
            both.begin(before);
            assert!(both.has_begun());
            both.compare(counted, after)
        };
        assert!((1..100).all(|reading| compare(at(reading, 0)) == 0));
        let said: Vec<_> = (100..120).map(|reading| compare(at(reading, 1500))).collect();
        assert!(said.iter().all(|lost| *lost <= 1500) && said.last() > Some(&0), "{said:?}");
        let quiet: Vec<_> = (0..6).map(|_| compare((1_198_500, 1_200_000, 1_198_500))).collect();
        assert_eq!(quiet.last(), Some(&1500), "{quiet:?}");
    }

    #[test]
    fn a_sealed_file_goes_on_counting() {
        let mut both = Reconciliation::default();
        for reading in 0..10 {
            both.add_sealed(50);
            assert_eq!(both.compare(50 * (reading + 1) + 5, 5), 0);
        }
    }

    #[test]
    fn only_final_entries_of_the_filter_count() {
        let mut file = tempfile::tempfile().unwrap();
        for line in [
            r#"{"timestamp":"t","outcome":"success","request":{"bytes":1,"end":"complete"}}"#,
            r#"{"timestamp":"t","outcome":"success","request":{"bytes":1,"end":"complete"},"provisional":true}"#,
            r#"{"timestamp":"t","outcome":"error","request":{"bytes":1},"response":{"bytes":2}}"#,
            r#"{"timestamp":"t","outcome":null,"kind":"heartbeat"}"#,
            "torn",
        ] {
            writeln!(file, "{line}").unwrap();
        }
        write!(file, r#"{{"outcome":"success","end":"x" without an end"#).unwrap();
        let mut counts = Counts::default();
        assert_eq!(counts.of(&file).unwrap(), Some(1));
        writeln!(file, " but now with one").unwrap();
        writeln!(file, r#"{{"outcome":"success","end":"complete"}}"#).unwrap();
        assert_eq!(counts.of(&file).unwrap(), Some(3), "only what was added is read");
        assert_eq!(counts.close(&file).unwrap(), 3);
    }

    #[test]
    fn a_large_file_is_read_in_several_goes() {
        let mut file = tempfile::tempfile().unwrap();
        let line = format!("{{\"outcome\":\"success\",\"end\":\"{}\"}}\n", "x".repeat(512 << 10));
        (0..80).for_each(|_| file.write_all(line.as_bytes()).unwrap());
        let mut counts = Counts::default();
        let goes: Vec<_> = (0..4).map(|_| counts.of(&file).unwrap()).collect();
        assert_eq!((goes[0], goes[3]), (None, Some(80)), "{goes:?}");
    }
}
