//! What is said about trying again, and about what is left of a provider's limits.
//!
//! None of it has a standard that all providers follow; each name here is one that the SDKs read or
//! send. A value that is no plain number is no value: Azure writes `-1` where it does not know.
//!
//! Sources: RFC 9110, section 10.2.3 (`retry-after`); the API references of OpenAI and Anthropic;
//! the source of their SDKs (`x-stainless-retry-count`) and of botocore (`amz-sdk-request`).

use crate::entry::{RateLimit, Retry};

/// A limit of which a provider says how much is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Requests.
    Requests,
    /// Tokens of both kinds.
    Tokens,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
}

/// Response headers that say how much is left.
pub(crate) const REMAINING: [(&str, Limit); 8] = [
    ("x-ratelimit-remaining-requests", Limit::Requests),
    ("x-ratelimit-remaining-tokens", Limit::Tokens),
    ("anthropic-ratelimit-requests-remaining", Limit::Requests),
    ("anthropic-ratelimit-tokens-remaining", Limit::Tokens),
    ("anthropic-ratelimit-input-tokens-remaining", Limit::InputTokens),
    ("anthropic-ratelimit-output-tokens-remaining", Limit::OutputTokens),
    ("x-ratelimit-remaining", Limit::Requests),
    ("ratelimit-remaining", Limit::Requests),
];

impl RateLimit {
    /// Takes note of a header of [`REMAINING`]; of several for the same limit the first counts.
    pub(crate) fn note(&mut self, limit: Limit, value: &[u8]) {
        let place = match limit {
            Limit::Requests => &mut self.remaining_requests,
            Limit::Tokens => &mut self.remaining_tokens,
            Limit::InputTokens => &mut self.remaining_input_tokens,
            Limit::OutputTokens => &mut self.remaining_output_tokens,
        };
        *place = place.or_else(|| number(value));
    }
}

impl Retry {
    /// The client counts its tries from 0: `x-stainless-retry-count: 1`.
    pub(crate) fn note_count(&mut self, value: &[u8]) {
        self.count = self.count.or_else(|| number(value));
    }

    /// The client counts its tries from 1: `amz-sdk-request: attempt=2; max=3`.
    pub(crate) fn note_attempt(&mut self, value: &[u8]) {
        let attempt = value.split(|byte| *byte == b';').find_map(|parameter| {
            let attempt = parameter.trim_ascii().strip_prefix(b"attempt=")?;
            number(attempt)?.checked_sub(1)
        });
        self.count = self.count.or(attempt);
    }

    /// `retry-after: 20`, in seconds. A date says less than it seems to: the clocks differ.
    pub(crate) fn note_after(&mut self, value: &[u8]) {
        let after = number(value).and_then(|seconds| seconds.checked_mul(1_000));
        self.after_ms = self.after_ms.or(after);
    }

    /// `retry-after-ms: 250`, which is more exact and stands.
    pub(crate) fn note_after_ms(&mut self, value: &[u8]) {
        self.after_ms = number(value).or(self.after_ms);
    }
}

/// A number without sign and fraction.
fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let is_number = value.iter().all(u8::is_ascii_digit);
    if is_number { std::str::from_utf8(value).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_numbers() {
        for (value, read) in [
            (&b"7"[..], Some(7)),
            (b" 007 ", Some(7)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"-1", None),
            (b"+1", None),
            (b"1.5", None),
            (b"", None),
            (b"1m", None),
            (b"\xff", None),
        ] {
            assert_eq!(number(value), read, "{value:?}");
        }
    }

    #[test]
    fn tries_are_counted_from_zero() {
        for (attempt, count) in
            [("attempt=1; max=3", Some(0)), ("max=3;attempt=3", Some(2)), ("attempt=0", None)]
        {
            let mut retry = Retry::default();
            retry.note_attempt(attempt.as_bytes());
            assert_eq!(retry.count, count, "{attempt}");
        }
        let mut retry = Retry::default();
        retry.note_count(b"2");
        retry.note_attempt(b"attempt=9");
        assert_eq!(retry.count, Some(2));
    }

    #[test]
    fn the_more_exact_time_stands_in_either_order() {
        let mut retry = Retry::default();
        retry.note_after(b"1");
        assert_eq!(retry.after_ms, Some(1_000));
        retry.note_after_ms(b"250");
        retry.note_after(b"1");
        assert_eq!(retry.after_ms, Some(250));
        retry.note_after_ms(b"soon");
        assert_eq!(retry.after_ms, Some(250));
    }

    #[test]
    fn what_is_left_is_kept_by_limit() {
        let mut left = RateLimit::default();
        for (name, limit) in REMAINING {
            left.note(limit, name.len().to_string().as_bytes());
        }
        let expected = RateLimit {
            remaining_requests: Some(30),
            remaining_tokens: Some(28),
            remaining_input_tokens: Some(42),
            remaining_output_tokens: Some(43),
        };
        assert_eq!(left, expected);
    }
}
