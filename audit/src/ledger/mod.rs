//! The lines of a ledger, wherever they are, and what stands in them: one reader for all commands.
//!
//! ```text
//! lines   bytes → lines, of any length, in bounded memory; a file of gzip by its first bytes
//! line    a line → an entry, an entry behind a tear, or none
//! entry   what an entry is, and what one of a later version says
//! folder  where the lines of a live file go
//! object  what an object of lines is called in a store
//! ```
//!
//! Whoever counts (`ship`), compares, prints or hashes asks here, so that no two of them disagree about
//! what an entry is.

mod entry;
mod folder;
mod line;
mod lines;
pub(crate) mod object;

pub(crate) use self::{
    entry::{Call, Whole, each_key_once},
    folder::{
        Away, DRAINING_END, DRAINING_START, LIVE, PRESSURE, PRESSURE_SPARE, RECEIPTS, SEALED_END,
        SEGMENTS, away, finished, is_live,
    },
    line::{Content, Counts, Line},
    lines::{GZIP, Lines, open, open_with},
};
