//! Which strings of a body are documents of their own.
//!
//! `{"arguments":"{\"password\":\"…\"}"}` holds a document in a string, and a name in it settles that its
//! value is secret; `{"content":"Use {\"password\": \"Passwort\"} for German."}` holds a sentence. They
//! differ in how the string begins, which may be far behind. So it is kept for each level of strings
//! whether the last one began with `{` or `[`: a quote of a level that stands before a member of a deeper
//! one is the one that opened the string around it.

use super::{
    embed::level_of,
    notation::{Documents, LEVELS},
    words::last_quote,
};

/// How far a body was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Openings {
    /// Everything before.
    at: usize,
    documents: Documents,
}

impl Openings {
    /// What is known at `place` of `bytes`.
    pub(super) fn at(&mut self, bytes: &[u8], place: usize) -> Documents {
        let mut found: [Option<bool>; LEVELS] = [None; LEVELS];
        let mut lowest = LEVELS;
        let mut end = place;
        while lowest > 0 {
            let piece = bytes.get(self.at..end).unwrap_or_default();
            let Some(offset) = last_quote(piece) else { break };
            let quote = self.at.saturating_add(offset);
            let before = bytes.get(..quote).unwrap_or_default();
            let before =
                before.get(before.len().saturating_sub(MAX_BACKSLASHES)..).unwrap_or_default();
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            let level = level_of(backslashes) as usize;
            if level < lowest {
                if let Some(known) = found.get_mut(level) {
                    *known = Some(begins_document(bytes, quote.saturating_add(1)));
                }
                lowest = level;
            }
            end = quote;
        }
        let known = self.documents.0.iter_mut().zip(found).skip(lowest);
        known.for_each(|(known, found)| *known = found);
        self.at = self.at.max(place);
        self.documents
    }

    /// As many bytes were dropped before those that are left.
    pub(super) fn forget(&mut self, dropped: usize) {
        self.at = self.at.saturating_sub(dropped);
    }
}

const MAX_BACKSLASHES: usize = 64;

/// Whether an object or an array begins at `at`, behind a little white space.
fn begins_document(bytes: &[u8], at: usize) -> bool {
    const MAX_SPACES: usize = 32;
    let rest = bytes.get(at..).unwrap_or_default();
    let rest = rest.get(..MAX_SPACES).unwrap_or(rest);
    let is_space = |rest: &&[u8]| {
        matches!(
            rest,
            [b' ' | b'\n' | b'\t' | b'\r', ..]
                | [b'\\', b'n' | b't' | b'r', ..]
                | [b'\\', b'\\', ..]
        )
    };
    let mut rest = rest;
    while is_space(&rest) {
        let width = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        rest = rest.get(width..).unwrap_or_default();
    }
    matches!(rest.first(), Some(b'{' | b'['))
}
