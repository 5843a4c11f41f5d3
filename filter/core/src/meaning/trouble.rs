//! What an answer's own words for an error mean to its caller.

use crate::outcome::{Outcome, Reason};

/// The outcome of a call whose answer says these words of what went wrong.
pub(super) fn verdict<'w>(words: impl IntoIterator<Item = &'w str>) -> (Outcome, Reason) {
    let means = |word: &str| {
        SLOW_DOWN
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, reason)| *reason)
    };
    match words.into_iter().find_map(means) {
        Some(reason) => (Outcome::Throttled, reason),
        None => (Outcome::Error, Reason::ApplicationError),
    }
}

/// Whether a model that stopped for this reason did not stop as it should. What it would not say,
/// or had no room for, is an answer.
pub(super) fn is_bad_reason(reason: &str) -> bool {
    BAD_REASONS.iter().any(|bad| bad.eq_ignore_ascii_case(reason))
}

/// OpenRouter and Mistral, Cohere, DeepSeek.
const BAD_REASONS: &[&str] =
    &["error", "error_toxic", "error_limit", "timeout", "insufficient_system_resource"];

/// Words that mean "later", and why. A quota that is used up is none of them: waiting does not help.
const SLOW_DOWN: &[(&str, Reason)] = {
    use Reason::{Overloaded, RateLimited};
    &[
        ("rate_limit_exceeded", RateLimited),
        ("rate_limit_error", RateLimited),
        ("rate_limited", RateLimited),
        ("rate_limit_reached_error", RateLimited),
        ("too_many_requests", RateLimited),
        ("TooManyRequests", RateLimited),
        ("TooManyRequestsException", RateLimited),
        ("ThrottlingException", RateLimited),
        ("RESOURCE_EXHAUSTED", RateLimited),
        ("ratelimited", RateLimited),
        ("rate_limit", RateLimited),
        ("throttled", RateLimited),
        ("RequestLimitExceeded", RateLimited),
        ("Throttling", RateLimited),
        ("Throttling.RateQuota", RateLimited),
        ("OVER_QUERY_LIMIT", RateLimited),
        ("429", RateLimited),
        ("overloaded_error", Overloaded),
        ("overloaded", Overloaded),
        ("server_overloaded", Overloaded),
        ("server_is_overloaded", Overloaded),
        ("engine_overloaded", Overloaded),
        ("engine_overloaded_error", Overloaded),
        ("slow_down", Overloaded),
        ("capacity_exceeded", Overloaded),
        ("insufficient_capacity", Overloaded),
        ("service_tier_capacity_exceeded", Overloaded),
        ("service_unavailable_error", Overloaded),
        ("ServiceUnavailableException", Overloaded),
        ("ModelNotReadyException", Overloaded),
        ("UNAVAILABLE", Overloaded),
        ("insufficient_system_resource", Overloaded),
        ("service_unavailable", Overloaded),
        ("503", Overloaded),
        ("529", Overloaded),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_later_are_throttles() {
        for (words, expected) in [
            (&["rate_limit_error"][..], (Outcome::Throttled, Reason::RateLimited)),
            (&["tokens", "rate_limit_exceeded"], (Outcome::Throttled, Reason::RateLimited)),
            (&["throttlingException"], (Outcome::Throttled, Reason::RateLimited)),
            (&["overloaded_error"], (Outcome::Throttled, Reason::Overloaded)),
            (&["insufficient_quota"], (Outcome::Error, Reason::ApplicationError)),
            (&["not_overloaded_error"], (Outcome::Error, Reason::ApplicationError)),
            (&[], (Outcome::Error, Reason::ApplicationError)),
        ] {
            assert_eq!(verdict(words.iter().copied()), expected, "{words:?}");
        }
    }
}
