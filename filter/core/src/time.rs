//! Clock readings, as the shell hands them in.
//!
//! Wall time says *when* and may step; monotonic time says *how long* and may not be compared
//! between machines. An entry needs both, so the shell reads both.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// Wall time in microseconds since 1970-01-01T00:00:00Z.
///
/// Printed as RFC 3339 in UTC with exactly six fractional digits, so that timestamps sort as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the epoch, as hosts count; the rest below a microsecond is dropped.
    pub fn from_nanos(nanos: u64) -> Self {
        Self(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
    }

    /// That many microseconds later.
    pub fn after(self, micros: u64) -> Self {
        Self(self.0.saturating_add_unsigned(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{instant:.6}")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let instant: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(instant.as_microsecond()))
    }
}

/// A monotonic reading in microseconds from an arbitrary start, the same for all readings of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(u64);

impl Monotonic {
    /// From a count of microseconds.
    pub fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds from `earlier` to `self`; 0 if the readings are swapped.
    pub fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_print_six_digits_and_utc() {
        for (nanos, printed) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_782_822_896_000_000_000, "2026-06-30T12:34:56.000000Z"),
            (1_782_822_896_000_001_999, "2026-06-30T12:34:56.000001Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551Z"),
        ] {
            assert_eq!(Timestamp::from_nanos(nanos).to_string(), printed);
        }
    }

    #[test]
    fn a_timestamp_reads_back_what_it_printed() {
        let at = Timestamp::from_nanos(1_782_822_896_123_456_000);
        let json = format!("\"{at}\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn a_duration_never_goes_below_zero() {
        let (early, late) = (Monotonic::from_micros(5), Monotonic::from_micros(9));
        assert_eq!(late.micros_since(early), 4);
        assert_eq!(early.micros_since(late), 0);
    }
}
