//! The objects that are written to see what becomes of them.
//!
//! Who answers for a store can prepare for a question that announces itself: refuse what is done to
//! `…/canary/…`, and let everything else be deleted. So a canary looks like what `ship` writes: a name
//! of the same form, gzip, and in it a line of a ledger. The line says that it is no call
//! (`"kind":"canary"`), which is how `compare` knows it, and whoever reads the bucket in a year.
//!
//! It is no disguise against whoever reads the bodies as well: docs/write-once.md says so.

use std::{
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{ship, store::Object};

/// What a line says in its `kind`.
pub(crate) const KIND: &str = "canary";

/// An object with a name that no other has. `what` is for whoever finds it.
pub(super) fn canary(what: &str) -> Object {
    let line = line(what, Timestamp::now());
    let name = format!("{}.jsonl.gz", ship::segment_name(line.as_bytes()));
    packed(name, &line)
}

/// Other bytes under the same name.
pub(super) fn another(what: &str, name: &str) -> Object {
    packed(name.to_owned(), &line(what, Timestamp::now()))
}

fn packed(name: String, line: &str) -> Object {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let written = gzip.write_all(line.as_bytes());
    let body = written.and_then(|()| gzip.finish()).unwrap_or_default();
    let sha256 = Sha256::digest(&body).into();
    Object { name, body: body.into(), sha256, encoding: Some("gzip") }
}

fn line(what: &str, at: Timestamp) -> String {
    let about = format!("written by `ledgerline check-sink` to see whether it stays: {what}");
    format!(
        concat!(
            r#"{{"timestamp":"{at:.6}","agent_id":null,"user_id":null,"endpoint":null,"method":null,"#,
            r#""status":null,"request_hash":null,"response_hash":null,"outcome":null,"#,
            r#""correlation_id":"{id}","kind":"{kind}","about":"{about}"}}"#,
            "\n"
        ),
        at = at,
        id = unique(at),
        kind = KIND,
        about = about,
    )
}

/// As long and as random to look at as the ids of calls.
fn unique(at: Timestamp) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{} {} {count}", at.as_nanosecond(), std::process::id());
    Sha256::digest(seed).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, io::Read as _};

    use super::*;
    use crate::ledger::Content;

    fn unpacked(object: &Object) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*object.body).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_canary_is_named_and_packed_as_a_segment_and_says_inside_what_it_is() {
        let object = canary("first");
        let text = unpacked(&object);
        let content = Content::of(text.trim_end().as_bytes());
        assert_eq!(content.entry().unwrap().kind().as_deref(), Some(KIND));
        assert!(text.contains("first"), "{text}");
        let name = object.name.strip_suffix(".jsonl.gz").unwrap();
        assert_eq!(name, ship::segment_name(text.as_bytes()), "as `ship` would name these lines");
        assert!(!object.name.contains("canary"), "{}", object.name);
    }

    #[test]
    fn no_two_have_a_name_and_other_bytes_may_have_the_same() {
        let names: BTreeSet<_> = (0..50).map(|_| canary("x").name).collect();
        assert_eq!(names.len(), 50);
        let first = canary("first");
        let other = another("other", &first.name);
        assert!(other.name == first.name && other.body != first.body);
    }
}
