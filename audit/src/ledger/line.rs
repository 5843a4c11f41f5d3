//! One line of a ledger: an entry, an entry behind a tear, or none.
//!
//! A ledger may hold lines that are no entries. On a file system that is full Envoy writes part of a
//! line and drops the rest, its line feed too, so that the next entry that fits follows on the same
//! line:
//!
//! ```text
//! {"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"a{"timestamp":"2026-06-30T12:35:01.…"…}
//! ```
//!
//! The first entry is lost, the second is whole. No entry holds the bytes that another begins with:
//! they have quotes, which in a JSON string are escaped. So the last such beginning in a line is the
//! only one that can be a whole entry, one attempt is enough, and a line of a million beginnings
//! costs no more than any other.

use ledgerline_core::entry::MAX_ENTRY_BYTES;

use super::entry::{Whole, fits};

/// What every entry begins with.
const BEGINNING: &[u8] = br#"{"timestamp":""#;

/// One line of a ledger, without its line feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Which line of its file this is, from 1.
    pub(crate) number: u64,
    /// The line; of one that was too long, its end.
    pub(crate) bytes: &'a [u8],
    /// How much of its beginning is not held.
    pub(super) cut: u64,
}

/// What stands in a line.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// The line is an entry.
    Entry(Whole<'a>),
    /// An entry that was torn, and a whole one behind the tear.
    Recovered(Whole<'a>),
    /// No whole entry: why not, without a word of the line, which may be anything.
    Torn(String),
}

/// How many lines were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All lines.
    pub(crate) lines: u64,
    /// Lines that are not just an entry.
    pub(crate) torn: u64,
    /// Of these, lines with a whole entry behind the tear.
    pub(crate) recovered: u64,
}

impl<'a> Line<'a> {
    /// Reads the line as an entry, or looks for a whole one at its end.
    pub(crate) fn read(&self) -> Content<'a> {
        match self.whole() {
            Ok(whole) => Content::Entry(whole),
            Err(problem) => match self.behind_tear() {
                Some(whole) => Content::Recovered(whole),
                None => Content::Torn(problem),
            },
        }
    }

    fn whole(&self) -> Result<Whole<'a>, String> {
        let length = self.cut + self.bytes.len() as u64;
        match fits(length) {
            true => Whole::read(self.bytes),
            false => Err(format!("{length} bytes, at most {MAX_ENTRY_BYTES} are allowed")),
        }
    }

    fn behind_tear(&self) -> Option<Whole<'a>> {
        let mut windows = self.bytes.windows(BEGINNING.len());
        let start = windows.rposition(|window| window == BEGINNING)?;
        let bytes = self.bytes.get(start..).filter(|bytes| bytes.len() <= MAX_ENTRY_BYTES)?;
        Whole::read(bytes).ok()
    }
}

impl<'a> Content<'a> {
    /// What stands in a line that is held whole.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Line { number: 1, bytes, cut: 0 }.read()
    }

    /// The whole entry, wherever it was found.
    pub(crate) fn entry(&self) -> Option<&Whole<'a>> {
        match self {
            Self::Entry(whole) | Self::Recovered(whole) => Some(whole),
            Self::Torn(_) => None,
        }
    }
}

impl Counts {
    /// Counts one more line.
    pub(crate) fn add(&mut self, content: &Content<'_>) {
        self.lines += 1;
        self.torn += u64::from(!matches!(content, Content::Entry(_)));
        self.recovered += u64::from(matches!(content, Content::Recovered(_)));
    }

    /// `3 of 5 lines are no entries`; `None` if all are.
    pub(crate) fn problem(&self) -> Option<String> {
        let lost = self.torn - self.recovered;
        let recovered = match self.recovered {
            0 => String::new(),
            1 => "1 line is torn, the whole entry behind the tear was recovered".to_owned(),
            count => {
                format!("{count} lines are torn, the whole entries behind the tears were recovered")
            }
        };
        match (lost, self.recovered) {
            (0, 0) => None,
            (0, _) => Some(recovered),
            (_, 0) => Some(format!("{lost} of {} lines are no entries", self.lines)),
            _ => Some(format!("{lost} of {} lines are no entries; {recovered}", self.lines)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_what_is_lost_and_what_was_recovered() {
        let counts = |lines, torn, recovered| Counts { lines, torn, recovered }.problem();
        assert_eq!(counts(5, 0, 0), None);
        assert_eq!(counts(5, 3, 0).unwrap(), "3 of 5 lines are no entries");
        assert!(counts(5, 1, 1).unwrap().starts_with("1 line is torn, the whole entry"));
        assert!(counts(5, 3, 2).unwrap().starts_with("1 of 5 lines are no entries; 2 lines"));
    }
}
