//! How a call ended: one of four outcomes, and the reason when it was not plain success.
//!
//! The status alone does not tell. A 503 may be the provider's own, a throttle, or the gateway's
//! word for a refused connection; a 200 may break off in the middle; an aborted call has no status
//! at all. Envoy knows which it was and says so in its *response code details*, which this module
//! reads as a table: the first prefix that matches decides.
//!
//! Source: Envoy, "Response code details" and "Response flags"; each string was seen on Envoy 1.37
//! and 1.40 in the end-to-end tests.

use serde::{Deserialize, Serialize};

use crate::digest::End;

/// How a call ended, for the reader in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The provider answered, and its answer reached the caller whole.
    Success,
    /// The provider or the gateway asked to slow down.
    Throttled,
    /// Anything else that went wrong, on either side.
    Error,
    /// The gateway refused the call.
    PolicyBlocked,
}

/// Why a call did not plainly succeed. The list is closed: it grows only with the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The provider answered with an error status.
    UpstreamResponse,
    /// A rate limit, the provider's (429) or the gateway's.
    RateLimited,
    /// The provider (529, or 503 with `retry-after`) or the gateway has too much to do.
    Overloaded,
    /// The provider did not answer, or not to the end, in time.
    UpstreamTimeout,
    /// The provider's connection broke after the request was on its way.
    UpstreamReset,
    /// No connection to the provider: name, address, port or certificate.
    ConnectFailure,
    /// The caller went away.
    ClientDisconnect,
    /// The caller did not send its request in time.
    ClientTimeout,
    /// The caller sent something that is not a valid request.
    InvalidRequest,
    /// The host is not on the allow-list.
    HostNotAllowed,
    /// The host's name points into a private, link-local or otherwise internal network.
    AddressNotAllowed,
    /// The gateway's role-based access control refused the call.
    RbacDenied,
    /// The gateway's external authorization service, or its check of a token, refused the call.
    AuthorizationDenied,
    /// The gateway stopped the call for a reason of its own, such as a drain or a limit.
    GatewayFault,
    /// The filter failed during the call.
    FilterFault,
    /// The entry is provisional: nothing was heard of the end of the call yet.
    Unfinished,
}

/// What is known when a call has ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending<'a> {
    /// The status that went to the caller.
    pub status: Option<u16>,
    /// Envoy's response code details; empty if it gave none.
    pub code_details: &'a [u8],
    /// Whether the response carried `retry-after`.
    pub retry_after: bool,
    /// Whether the response reached its end: last byte, trailers, or headers without a body.
    pub response_complete: bool,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// The reason, unless it was plain success.
    pub reason: Option<Reason>,
    /// How a body ended whose own end was never seen.
    pub cut_end: End,
    /// Whether the answer was the gateway's own.
    pub is_local: bool,
}

impl Verdict {
    fn new(outcome: Outcome, reason: Reason, cut_end: End) -> Self {
        Self { outcome, reason: Some(reason), cut_end, is_local: cut_end == End::LocalReply }
    }

    /// Judges the end of a call.
    pub fn of(ending: Ending<'_>) -> Self {
        let known = DETAILS.iter().find(|(prefix, ..)| ending.code_details.starts_with(prefix));
        match (known, ending.status) {
            (Some((_, outcome, reason, cut_end)), _) => Self::new(*outcome, *reason, *cut_end),
            (None, None) => Self::new(Outcome::Error, Reason::ClientDisconnect, End::Aborted),
            (None, Some(status)) => Self::of_status(status, ending),
        }
    }

    /// The answer decides: nothing broke on the way that Envoy has a word for.
    fn of_status(status: u16, ending: Ending<'_>) -> Self {
        let from_upstream = ending.code_details == b"via_upstream";
        let cut_end = if from_upstream { End::Reset } else { End::LocalReply };
        let is_tunnel = status == 101;
        let error = |outcome, reason| Self {
            is_local: !from_upstream,
            ..Self::new(outcome, reason, cut_end)
        };
        match status {
            429 => error(Outcome::Throttled, Reason::RateLimited),
            529 => error(Outcome::Throttled, Reason::Overloaded),
            503 if ending.retry_after => error(Outcome::Throttled, Reason::Overloaded),
            400.. if from_upstream => error(Outcome::Error, Reason::UpstreamResponse),
            400.. => error(Outcome::Error, Reason::GatewayFault),
            _ if is_tunnel => Self {
                outcome: Outcome::Success,
                reason: None,
                cut_end: End::Complete,
                is_local: false,
            },
            _ if !ending.response_complete => error(Outcome::Error, Reason::UpstreamReset),
            _ => {
                Self { outcome: Outcome::Success, reason: None, cut_end, is_local: !from_upstream }
            }
        }
    }
}

/// Response code details by prefix; the first that matches decides.
const DETAILS: &[(&[u8], Outcome, Reason, End)] = {
    use End::{Aborted, LocalReply, Reset};
    use Outcome::{Error, PolicyBlocked, Throttled};
    use Reason::*;
    &[
        (b"route_not_found", PolicyBlocked, HostNotAllowed, LocalReply),
        (b"host_not_allowed", PolicyBlocked, HostNotAllowed, LocalReply),
        (
            b"rbac_access_denied_matched_policy[private_address",
            PolicyBlocked,
            AddressNotAllowed,
            LocalReply,
        ),
        (b"rbac_access_denied", PolicyBlocked, RbacDenied, LocalReply),
        (b"ext_authz_error", Error, GatewayFault, LocalReply),
        (b"ext_authz", PolicyBlocked, AuthorizationDenied, LocalReply),
        (b"jwt_authn_access_denied", PolicyBlocked, AuthorizationDenied, LocalReply),
        (b"request_rate_limited", Throttled, RateLimited, LocalReply),
        (b"local_rate_limited", Throttled, RateLimited, LocalReply),
        (b"overload", Throttled, Overloaded, LocalReply),
        (
            b"upstream_reset_before_response_started{connection_failure",
            Error,
            ConnectFailure,
            LocalReply,
        ),
        (
            b"upstream_reset_before_response_started{remote_connection_failure",
            Error,
            ConnectFailure,
            LocalReply,
        ),
        (
            b"upstream_reset_before_response_started{local_connection_failure",
            Error,
            ConnectFailure,
            LocalReply,
        ),
        (b"upstream_reset_before_response_started{overflow", Throttled, Overloaded, LocalReply),
        (b"upstream_reset_before_response_started", Error, UpstreamReset, LocalReply),
        (b"upstream_reset_after_response_started", Error, UpstreamReset, Reset),
        (b"no_healthy_upstream", Error, ConnectFailure, LocalReply),
        (b"dns_resolution_failure", Error, ConnectFailure, LocalReply),
        (b"dns_cache", Throttled, Overloaded, LocalReply),
        (b"cluster_not_found", Error, GatewayFault, LocalReply),
        (b"response_timeout", Error, UpstreamTimeout, LocalReply),
        (b"upstream_response_timeout", Error, UpstreamTimeout, LocalReply),
        (b"upstream_per_try", Error, UpstreamTimeout, LocalReply),
        (b"upstream_max_stream_duration_reached", Error, UpstreamTimeout, LocalReply),
        (b"max_duration_timeout", Error, UpstreamTimeout, LocalReply),
        (b"stream_idle_timeout", Error, UpstreamTimeout, Reset),
        (b"request_overall_timeout", Error, ClientTimeout, LocalReply),
        (b"request_header_timeout", Error, ClientTimeout, LocalReply),
        (b"downstream_remote_disconnect", Error, ClientDisconnect, Aborted),
        (b"downstream_remote_reset", Error, ClientDisconnect, Aborted),
        (b"http2.remote_re", Error, ClientDisconnect, Aborted),
        (b"downstream_local_disconnect", Error, GatewayFault, Aborted),
        (b"wasm_fail_stream", Error, FilterFault, LocalReply),
        (b"http1.", Error, InvalidRequest, LocalReply),
        (b"http2.", Error, InvalidRequest, LocalReply),
        (b"low_version", Error, InvalidRequest, LocalReply),
        (b"missing_", Error, InvalidRequest, LocalReply),
        (b"invalid_", Error, InvalidRequest, LocalReply),
        (b"path_normalization_failed", Error, InvalidRequest, LocalReply),
        (b"request_payload_too_large", Error, InvalidRequest, LocalReply),
        (b"request_headers_too_large", Error, InvalidRequest, LocalReply),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::*;
    use Reason::*;

    #[test]
    fn every_end_has_an_outcome_and_a_reason() {
        let judge = |status: u16, code_details: &str, retry_after, response_complete| {
            let status = (status != 0).then_some(status);
            let code_details = code_details.as_bytes();
            Verdict::of(Ending { status, code_details, retry_after, response_complete })
        };
        for (status, details, retry_after, complete, outcome, reason, cut_end) in [
            (200, "via_upstream", false, true, Success, None, End::Reset),
            (301, "via_upstream", false, true, Success, None, End::Reset),
            (101, "via_upstream", false, false, Success, None, End::Complete),
            (200, "via_upstream", false, false, Error, Some(UpstreamReset), End::Reset),
            (404, "via_upstream", false, true, Error, Some(UpstreamResponse), End::Reset),
            (429, "via_upstream", false, true, Throttled, Some(RateLimited), End::Reset),
            (529, "via_upstream", false, true, Throttled, Some(Overloaded), End::Reset),
            (503, "via_upstream", true, true, Throttled, Some(Overloaded), End::Reset),
            (503, "via_upstream", false, true, Error, Some(UpstreamResponse), End::Reset),
            (200, "direct_response", false, true, Success, None, End::LocalReply),
            (500, "direct_response", false, true, Error, Some(GatewayFault), End::LocalReply),
            (
                404,
                "route_not_found",
                false,
                true,
                PolicyBlocked,
                Some(HostNotAllowed),
                End::LocalReply,
            ),
            (
                403,
                "rbac_access_denied_matched_policy[none]",
                false,
                true,
                PolicyBlocked,
                Some(RbacDenied),
                End::LocalReply,
            ),
            (
                503,
                "upstream_reset_before_response_started{connection_failure|x}",
                false,
                true,
                Error,
                Some(ConnectFailure),
                End::LocalReply,
            ),
            (
                503,
                "upstream_reset_before_response_started{connection_termination}",
                false,
                true,
                Error,
                Some(UpstreamReset),
                End::LocalReply,
            ),
            (
                200,
                "upstream_reset_after_response_started{connection_termination}",
                false,
                false,
                Error,
                Some(UpstreamReset),
                End::Reset,
            ),
            (504, "response_timeout", false, true, Error, Some(UpstreamTimeout), End::LocalReply),
            (
                0,
                "downstream_remote_disconnect",
                false,
                false,
                Error,
                Some(ClientDisconnect),
                End::Aborted,
            ),
            (
                200,
                "downstream_remote_disconnect",
                false,
                false,
                Error,
                Some(ClientDisconnect),
                End::Aborted,
            ),
            (0, "", false, false, Error, Some(ClientDisconnect), End::Aborted),
            (400, "http1.codec_error", false, true, Error, Some(InvalidRequest), End::LocalReply),
            (503, "wasm_fail_stream", false, true, Error, Some(FilterFault), End::LocalReply),
        ] {
            let verdict = judge(status, details, retry_after, complete);
            assert_eq!(
                (verdict.outcome, verdict.reason, verdict.cut_end),
                (outcome, reason, cut_end),
                "{status} {details}"
            );
        }
    }
}
