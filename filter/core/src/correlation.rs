//! One id for a workflow of several calls.
//!
//! Callers name a workflow in many ways: a header of their own, W3C Trace Context, or a request id
//! from the proxy before us. The first usable one, in the operator's order, is the correlation id;
//! if there is none, one is made, so that the entry, the call and the answer can still be joined.

/// The longest correlation id that is taken from a caller, in bytes. A longer one is not cut, which
/// would join calls that do not belong together, but passed over.
pub const MAX_ID_BYTES: usize = 128;

/// The trace id of a W3C `traceparent`: 32 lower-case hexadecimal digits, not all zero.
///
/// Any version and any flags are accepted: real clients send `-01` and `-03`
/// (<https://www.w3.org/TR/trace-context/#traceparent-header>).
pub fn trace_id(traceparent: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(traceparent.trim_ascii()).ok()?;
    let mut parts = text.split('-');
    let (version, trace_id) = (parts.next()?, parts.next()?);
    let (parent_id, flags) = (parts.next()?, parts.next()?);
    let well_formed = is_lower_hex(version, 2)
        && version != "ff"
        && is_lower_hex(trace_id, 32)
        && is_lower_hex(parent_id, 16)
        && is_lower_hex(flags, 2)
        && trace_id.bytes().any(|digit| digit != b'0');
    well_formed.then_some(trace_id)
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A caller's id, if it is usable as it stands: visible ASCII, neither empty nor endless.
pub fn usable_id(claimed: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(claimed.trim_ascii()).ok()?;
    let usable = (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then_some(text)
}

/// A new id from 16 random bytes, in the form of a version 4 UUID (RFC 9562, section 5.4).
pub fn new_id(mut random: [u8; 16]) -> Box<str> {
    if let Some(version) = random.get_mut(6) {
        *version = *version & 0x0f | 0x40;
    }
    if let Some(variant) = random.get_mut(8) {
        *variant = *variant & 0x3f | 0x80;
    }
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let [a, b, c, d, e] = [0..4, 4..6, 6..8, 8..10, 10..16]
        .map(|range| random.get(range).map(hex).unwrap_or_default());
    [a, b, c, d, e].join("-").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn trace_ids_come_from_well_formed_traceparents_only() {
        for flags in ["00", "01", "03"] {
            let header = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
            assert_eq!(trace_id(header.as_bytes()), Some(TRACE));
        }
        for bad in [
            String::new(),
            TRACE.into(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}é-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(trace_id(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn ids_that_cannot_be_joined_on_are_passed_over() {
        assert_eq!(usable_id(b" wf-17 "), Some("wf-17"));
        assert_eq!(usable_id(&[b'a'; MAX_ID_BYTES]).map(str::len), Some(MAX_ID_BYTES));
        for bad in
            [&b""[..], b"   ", b"two words", b"a\r\nb", b"caf\xc3\xa9", b"\xff", &[b'a'; 129]]
        {
            assert_eq!(usable_id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn new_ids_are_version_4_uuids() {
        assert_eq!(&*new_id([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(&*new_id([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
