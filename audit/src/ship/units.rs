//! Sizes and spans of time as people write them: `16MiB`, `180d`.

use std::{str::FromStr, time::Duration};

/// A count of bytes, with or without `KiB`, `MiB`, `GiB`, `TiB` (or `kB`, `MB`, `GB`, `TB`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// A span of time with its unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size such as 16MiB");
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let factor = match unit {
            "" | "B" => 1,
            "kB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "GiB" => 1 << 30,
            "TB" => 1_000_000_000_000,
            "TiB" => 1 << 40,
            _ => return Err(wrong()),
        };
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no span of time such as 60s, 5m or 180d");
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let millis = number.checked_mul(millis).filter(|millis| *millis <= MAX_MILLIS);
        millis.map(|millis| Self(Duration::from_millis(millis))).ok_or_else(wrong)
    }
}

/// A thousand years: what is added to a date stays one.
const MAX_MILLIS: u64 = 365_000 * 86_400_000;

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_read_as_written() {
        for (text, bytes) in [("0", 0), ("16MiB", 16 << 20), ("2kB", 2_000), ("7B", 7)] {
            assert_eq!(text.parse(), Ok(Size(bytes)));
        }
        for (text, millis) in
            [("250ms", 250), ("60s", 60_000), ("5m", 300_000), ("7d", 604_800_000)]
        {
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(millis))));
        }
    }

    #[test]
    fn what_is_no_size_or_span_is_refused() {
        for text in ["", "MiB", "16 MiB", "-1", "1.5GiB", "99999999999TiB", "16mib"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for text in ["", "60", "d", "1w", "99999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
