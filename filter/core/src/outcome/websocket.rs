//! How a WebSocket ended, by the codes of its close frames.
//!
//! Either side closes a WebSocket with a code, and the other one answers with the same (RFC 6455,
//! section 7). A provider that has no room, or that does not like what it was sent, has no status to
//! say so with: it closes with 1013 or 1008. One that goes away without a close frame has broken
//! off, whatever TCP says.
//!
//! Source: IANA, "WebSocket Close Code Number Registry"; RFC 6455, section 7.4.

use super::{Outcome, Reason};

/// How a WebSocket was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// The code of the provider's close frame, if it sent one; 1005 if the frame held none.
    pub by_provider: Option<u16>,
    /// The code of the caller's, likewise.
    pub by_caller: Option<u16>,
    /// Whether the caller's came first.
    pub caller_was_first: bool,
    /// Whether the provider ended the connection.
    pub provider_ended: bool,
}

impl Closing {
    /// Whether somebody said that it is over.
    pub fn is_closed(self) -> bool {
        self.by_provider.or(self.by_caller).is_some()
    }

    /// What went wrong, if something did. The provider's word counts unless it only echoes the
    /// caller's.
    pub fn verdict(self) -> Option<(Outcome, Reason)> {
        let is_echo = self.caller_was_first && self.by_caller == self.by_provider;
        let by_provider = self.by_provider.filter(|_| !is_echo).and_then(of_provider);
        by_provider.or_else(|| {
            let is_echo = !self.caller_was_first && self.by_caller == self.by_provider;
            self.by_caller.filter(|_| !is_echo).and_then(of_caller)
        })
    }
}

/// What a code of the provider means; `None` if it ends as it should.
///
/// | code | name in the registry | |
/// |---|---|---|
/// | 1000, 1001, 1005 | normal closure, going away, no status received | as it should |
/// | 1012, 1013 | service restart, try again later | throttled, overloaded |
/// | 3008 | timeout | error, `upstream_timeout` |
/// | 1002, 1003, 1004, 1006, 1007 | protocol error, unsupported data, two that must not be sent, invalid payload | error, `application_error` |
/// | 1008, 1009, 1010, 1011, 1014, 1015 | policy violation, message too big, mandatory extension, internal error, bad gateway, TLS handshake | the same |
/// | 3000, 3003, all others of 3000 to 3999, 4000 to 4999, any other | unauthorized, forbidden, of libraries, private use | the same |
fn of_provider(code: u16) -> Option<(Outcome, Reason)> {
    match code {
        1000 | 1001 | 1005 => None,
        1012 | 1013 => Some((Outcome::Throttled, Reason::Overloaded)),
        3008 => Some((Outcome::Error, Reason::UpstreamTimeout)),
        _ => Some((Outcome::Error, Reason::ApplicationError)),
    }
}

/// What a code of the caller means. With any but those three it gave up on the provider.
fn of_caller(code: u16) -> Option<(Outcome, Reason)> {
    match code {
        1000 | 1001 | 1005 => None,
        _ => Some((Outcome::Error, Reason::ClientDisconnect)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Error, Throttled};
    use Reason::{ApplicationError, ClientDisconnect, Overloaded, UpstreamTimeout};

    #[test]
    fn every_registered_code_has_an_outcome() {
        let failed = Some((Error, ApplicationError));
        for (codes, by_provider, by_caller) in [
            (&[1000, 1001, 1005][..], None, None),
            (&[1012, 1013], Some((Throttled, Overloaded)), Some((Error, ClientDisconnect))),
            (&[3008], Some((Error, UpstreamTimeout)), Some((Error, ClientDisconnect))),
            (
                &[1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1011, 1014, 1015],
                failed,
                Some((Error, ClientDisconnect)),
            ),
            (
                &[0, 999, 1016, 2999, 3000, 3003, 3999, 4000, 4429, 4999, 5000, u16::MAX],
                failed,
                Some((Error, ClientDisconnect)),
            ),
        ] {
            for code in codes.iter().copied() {
                let provider = Closing { by_provider: Some(code), ..Closing::default() };
                assert_eq!(provider.verdict(), by_provider, "{code}");
                let echoed = Closing { by_caller: Some(code), ..provider };
                assert_eq!(echoed.verdict(), by_provider, "{code} echoed by the caller");
                let caller =
                    Closing { by_caller: Some(code), caller_was_first: true, ..Closing::default() };
                assert_eq!(caller.verdict(), by_caller, "{code} of the caller");
                let echoed = Closing { by_provider: Some(code), ..caller };
                assert_eq!(echoed.verdict(), by_caller, "{code} echoed by the provider");
            }
        }
    }

    #[test]
    fn of_two_that_cross_the_providers_word_counts() {
        for caller_was_first in [false, true] {
            let closing = |by_provider, by_caller| Closing {
                by_provider: Some(by_provider),
                by_caller: Some(by_caller),
                caller_was_first,
                provider_ended: true,
            };
            let failed = Some((Error, ApplicationError));
            assert_eq!(closing(1011, 1000).verdict(), failed);
            assert_eq!(closing(1011, 1002).verdict(), failed);
            assert_eq!(closing(1000, 1002).verdict(), Some((Error, ClientDisconnect)));
            assert_eq!(closing(1000, 1001).verdict(), None);
        }
    }
}
