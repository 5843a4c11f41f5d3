//! What an answer's own words for an error mean to its caller.

use super::MAX_WORD_BYTES;
use crate::outcome::{Outcome, Reason};

/// The outcome of a call whose answer says these words of what went wrong.
pub(super) fn verdict<'w>(words: impl IntoIterator<Item = &'w str>) -> (Outcome, Reason) {
    match words.into_iter().find_map(slow_down) {
        Some(reason) => (Outcome::Throttled, reason),
        None => (Outcome::Error, Reason::ApplicationError),
    }
}

/// The word if it means "later", and nothing if it is any other.
pub(super) fn later(word: &str) -> Option<&str> {
    slow_down(word).map(|_| word)
}

/// Whether it is a word for an error, and no sentence with whatever it quotes.
pub(super) fn is_word(word: &str) -> bool {
    (1..=MAX_WORD_BYTES).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}

fn slow_down(word: &str) -> Option<Reason> {
    let known = SLOW_DOWN.iter().find(|(known, _)| is_same(known, word));
    known.map(|(_, reason)| *reason)
}

/// Whether two words are the same in any case, and in whatever way their parts are joined:
/// `rate_limit_exceeded` is `rateLimitExceeded`.
fn is_same(known: &str, word: &str) -> bool {
    letters_of(known).eq(letters_of(word))
}

fn letters_of(word: &str) -> impl Iterator<Item = u8> {
    let letters = word.bytes().filter(|byte| !b"_-. ".contains(byte));
    letters.map(|byte| byte.to_ascii_lowercase())
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
        ("user_rate_limit_exceeded", RateLimited),
        ("rate_limit_error", RateLimited),
        ("rate_limited", RateLimited),
        ("rate_limit_reached", RateLimited),
        ("rate_limit_reached_error", RateLimited),
        ("too_many_requests", RateLimited),
        ("too_many_requests_error", RateLimited),
        ("TooManyRequestsException", RateLimited),
        ("ThrottlingException", RateLimited),
        ("RESOURCE_EXHAUSTED", RateLimited),
        ("rate_limit", RateLimited),
        ("throttled", RateLimited),
        ("RequestLimitExceeded", RateLimited),
        ("Throttling", RateLimited),
        ("Throttling.RateQuota", RateLimited),
        ("OVER_QUERY_LIMIT", RateLimited),
        ("429", RateLimited),
        ("overloaded_error", Overloaded),
        ("overloaded", Overloaded),
        ("model_overloaded", Overloaded),
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
            (&["rateLimitExceeded"], (Outcome::Throttled, Reason::RateLimited)),
            (&["RateLimitError"], (Outcome::Throttled, Reason::RateLimited)),
            (&["Too Many Requests"], (Outcome::Throttled, Reason::RateLimited)),
            (&["insufficient_quota"], (Outcome::Error, Reason::ApplicationError)),
            (&["not_overloaded_error"], (Outcome::Error, Reason::ApplicationError)),
            (&[], (Outcome::Error, Reason::ApplicationError)),
        ] {
            assert_eq!(verdict(words.iter().copied()), expected, "{words:?}");
        }
    }
}
