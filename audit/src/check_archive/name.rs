//! What the name of an object says of its lines.

use crate::ledger::object;

/// Half of the SHA-256 of the lines in a segment, or in an object of receipts. `None` of another name.
pub(super) fn sum_of(name: &str) -> Option<String> {
    let name = name.strip_prefix(object::RECEIPTS_FOLDER).unwrap_or(name);
    if !name.strip_suffix(".gz").unwrap_or(name).ends_with(".jsonl") {
        return None;
    }
    let (rest, sum) = object::stem_of(name).rsplit_once('_')?;
    let is_sum = sum.len() == 32 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_sum && rest.split('/').count() == 4 && rest.matches('_').count() >= 3)
        .then(|| sum.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_segment_or_of_receipts_says_what_is_in_it() {
        let good = "2026/11/21/20261121T155252.123456Z_20261121T155310.000001Z_gateway-1_512_9f86d081884c7d659a2feaa0c55ad015";
        for start in ["", object::RECEIPTS_FOLDER] {
            for end in [".jsonl", ".jsonl.gz", "-again-2.jsonl.gz"] {
                assert_eq!(
                    sum_of(&format!("{start}{good}{end}")).unwrap(),
                    "9f86d081884c7d659a2feaa0c55ad015"
                );
            }
        }
        for name in [
            "",
            "a.jsonl",
            "canary/1-first.jsonl",
            "receipts/2026/11/21/x.jsonl",
            "receipts/",
            &good[..90],
            &format!("{good}.txt"),
            &format!("{good}-again-.jsonl"),
            &format!("receipts/receipts/{good}.jsonl"),
        ] {
            assert_eq!(sum_of(name), None, "{name}");
        }
    }
}
