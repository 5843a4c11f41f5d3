//! The names of the objects that a shipper puts into a store, and what they say of the lines in them.
//!
//! ```text
//! 2026/11/21/20261121T155252.123456Z_20261121T155310.000001Z_gateway-1_512_9f86d081….jsonl.gz
//!            first entry             last entry             host      entries, half of the lines' SHA-256
//! receipts/2026/11/21/…                                     of receipts
//! ….-again-2.jsonl.gz                                       something else had the first name
//! ```

use sha2::{Digest, Sha256};

/// Where a shipper keeps its receipts.
pub(crate) const RECEIPTS_FOLDER: &str = "receipts/";

const AGAIN: &str = "-again-";

/// The name of so many lines, without folder and ending.
pub(crate) fn stem(
    (first, last): (impl ToString, impl ToString),
    host: &str,
    count: u64,
    lines: &[u8],
) -> String {
    let first = first.to_string();
    let day = first.get(..10).unwrap_or_default().replace('-', "/");
    let (first, last, sum) = (compact(first), compact(last), half_sum(lines));
    format!("{day}/{first}_{last}_{host}_{count}_{sum}")
}

/// The name of an object after its stem, which was tried for the `again`th time.
pub(crate) fn name(stem: &str, again: u32, end: &str) -> String {
    let mark = if again == 0 { String::new() } else { format!("{AGAIN}{again}") };
    format!("{stem}{mark}.jsonl{end}")
}

/// What stands before `-again-N` and the ending.
pub(crate) fn stem_of(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    match stem.rsplit_once(AGAIN) {
        Some((first, again)) if again.parse::<u32>().is_ok() => first,
        _ => stem,
    }
}

/// The first half of the SHA-256 of some lines.
pub(crate) fn half_sum(lines: &[u8]) -> String {
    hex(Sha256::digest(lines).get(..16).unwrap_or_default())
}

/// A time without what a name need not have: `20261121T155252.123456Z`.
pub(crate) fn compact(at: impl ToString) -> String {
    at.to_string().replace(['-', ':'], "")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
