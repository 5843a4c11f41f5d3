//! Text from a caller or a provider, made safe to print.
//!
//! A header value is bytes: it may hold a byte that is no UTF-8, a control character that would
//! break a terminal, or 60 KiB of padding. Each such value becomes a bounded piece of text first;
//! what was cut is said, so that a reader never takes a part for the whole.

use crate::mask::Rules;

/// The longest text taken from one header value, in bytes of UTF-8, unless a field says otherwise.
pub const MAX_TEXT_BYTES: usize = 256;

/// How far beyond a cut the value is searched for secrets: as far as the longest of them needs to be
/// known for one.
const LOOK_AHEAD_BYTES: usize = 512;

/// Text that fits into an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Valid UTF-8 without control characters.
    pub text: Box<str>,
    /// Whether the value went on after `text`.
    pub cut: bool,
}

impl Text {
    /// At most `max_bytes` of `unverified`; whatever is not printable text becomes U+FFFD.
    pub fn new(unverified: &[u8], max_bytes: usize) -> Self {
        let cut = unverified.len() > max_bytes;
        let kept = unverified.get(..max_bytes).unwrap_or(unverified);
        if let (false, Some(text)) = (cut, printable_ascii(kept)) {
            return Self { text: text.into(), cut };
        }
        let mut text = String::with_capacity(kept.len());
        for character in String::from_utf8_lossy(kept).chars() {
            let safe =
                if is_unprintable(character) { char::REPLACEMENT_CHARACTER } else { character };
            // A replacement may be longer than the byte that it stands for.
            if text.len().saturating_add(safe.len_utf8()) > max_bytes {
                return Self { text: text.into(), cut: true };
            }
            text.push(safe);
        }
        Self { text: text.into(), cut }
    }

    /// The same with every secret in it replaced, also one that the bound would cut in two.
    pub fn masked(rules: &Rules, unverified: &[u8], max_bytes: usize) -> Self {
        let whole = Self::new(unverified, max_bytes.saturating_add(LOOK_AHEAD_BYTES));
        let masked = rules.mask_text(&whole.text);
        if *masked == *whole.text && whole.text.len() <= max_bytes {
            return whole;
        }
        let text = Self::new(masked.as_bytes(), max_bytes);
        Self { cut: text.cut || whole.cut, ..text }
    }
}

fn printable_ascii(bytes: &[u8]) -> Option<&str> {
    let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if printable { std::str::from_utf8(bytes).ok() } else { None }
}

/// Control characters, and the format characters that reorder or hide text on a screen
/// (Unicode TR 36, "bidirectional text spoofing").
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_become_printable_text() {
        for (value, max, text, cut) in [
            (&b"billing-agent"[..], 256, "billing-agent", false),
            (b"", 256, "", false),
            (b"caf\xc3\xa9", 256, "caf\u{e9}", false),
            (b"caf\xe9", 256, "caf\u{fffd}", false),
            (b"a\r\nb\x1b[2J", 256, "a\u{fffd}\u{fffd}b\u{fffd}[2J", false),
            (b"a\xe2\x80\xaeb", 256, "a\u{fffd}b", false),
            (b"abcdef", 4, "abcd", true),
            (b"abc\xc3\xa9", 4, "abc", true),
        ] {
            assert_eq!(Text::new(value, max), Text { text: text.into(), cut }, "{value:?}");
        }
    }

    #[test]
    fn a_secret_is_replaced_before_a_value_is_cut() {
        let secret = format!("{}-{}", "sk-ant-api03", "aB3".repeat(31));
        let rules = Rules::default();
        for (padding, max, text) in
            [(4, 256, "aaaa ***REDACTED***"), (4, 10, "aaaa ***RE"), (4, 6, "aaaa *")]
        {
            let value = format!("{} {secret}", "a".repeat(padding));
            assert_eq!(&*Text::masked(&rules, value.as_bytes(), max).text, text);
        }
        assert_eq!(Text::masked(&rules, b"plain", 256), Text::new(b"plain", 256));
    }

    proptest! {
        #[test]
        fn any_bytes_stay_within_the_bound(value: Vec<u8>, max in 0_usize..64) {
            let Text { text, .. } = Text::new(&value, max);
            prop_assert!(text.len() <= max);
            prop_assert!(!text.chars().any(is_unprintable));
        }
    }
}
