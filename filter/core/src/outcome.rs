//! How a call ended: one of four outcomes, and the reason when it was not plain success.
//!
//! The status alone does not tell. A 503 may be the provider's own, a throttle, or the gateway's
//! word for a refused connection; a 200 may break off in the middle; an aborted call has no status
//! at all. Envoy knows which it was and says so in its *response code details*, which this module
//! reads as a table: the first prefix that matches decides.
//!
//! Source: Envoy, "Response code details" and "Response flags"; each string was seen on Envoy 1.37
//! and 1.40 in the end-to-end tests.

mod websocket;

pub use websocket::Closing;

use crate::{digest::End, words::words};

words! {
    /// How a call ended, for the reader in a hurry.
    pub enum Outcome {
        /// The provider answered, and its answer reached the caller whole.
        Success = "success",
        /// The provider or the gateway asked to slow down.
        Throttled = "throttled",
        /// Anything else that went wrong, on either side.
        Error = "error",
        /// The gateway refused the call.
        PolicyBlocked = "policy_blocked",
    }
}

words! {
    /// Why a call did not plainly succeed. The list is closed: it grows only with the schema.
    pub enum Reason {
        /// The provider answered with an error status, with one that is none, or with another protocol
        /// than the caller asked for.
        UpstreamResponse = "upstream_response",
        /// A rate limit, the provider's (429) or the gateway's.
        RateLimited = "rate_limited",
        /// The provider (529, or 503 with `retry-after`) or the gateway has too much to do.
        Overloaded = "overloaded",
        /// The provider did not answer, or not to the end, in time.
        UpstreamTimeout = "upstream_timeout",
        /// The provider's connection broke after the request was on its way.
        UpstreamReset = "upstream_reset",
        /// No connection to the provider: name, address, port or certificate.
        ConnectFailure = "connect_failure",
        /// A tool of an MCP server says that it failed, in an answer with a good status.
        ToolError = "tool_error",
        /// The answer itself says that the call failed, though its status is a good one.
        ApplicationError = "application_error",
        /// The caller went away.
        ClientDisconnect = "client_disconnect",
        /// The caller did not send its request in time.
        ClientTimeout = "client_timeout",
        /// The caller sent something that is not a valid request.
        InvalidRequest = "invalid_request",
        /// The caller asked for a tunnel (`CONNECT`), which the gateway does not give.
        ConnectNotSupported = "connect_not_supported",
        /// The host is not on the allow-list.
        HostNotAllowed = "host_not_allowed",
        /// The host's name points into a private, link-local or otherwise internal network.
        AddressNotAllowed = "address_not_allowed",
        /// The gateway's role-based access control refused the call.
        RbacDenied = "rbac_denied",
        /// The gateway's external authorization service, or its check of a token, refused the call.
        AuthorizationDenied = "authorization_denied",
        /// The body cannot be looked into, and to this host nothing leaves unmasked.
        UnmaskableBody = "unmaskable_body",
        /// The body holds a credential of another provider than the one that is called.
        SecretToWrongHost = "secret_to_wrong_host",
        /// There is no room to record the call, so it was not made.
        SinkUnavailable = "sink_unavailable",
        /// The gateway stopped the call for a reason of its own, such as a drain or a limit.
        GatewayFault = "gateway_fault",
        /// The filter failed during the call.
        FilterFault = "filter_fault",
        /// The entry is provisional: nothing was heard of the end of the call yet.
        Unfinished = "unfinished",
    }
}

/// What is known when a call has ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending<'a> {
    /// The status that went to the caller.
    pub status: Option<u16>,
    /// Envoy's response code details; empty if it gave none.
    pub code_details: &'a [u8],
    /// The name of the route, where it [decides](depends_on_route); else empty.
    pub route_name: &'a [u8],
    /// Whether the response carried `retry-after`.
    pub retry_after: bool,
    /// Whether response headers were seen, and then never the end of the response.
    pub response_cut: bool,
    /// Why the filter itself refused the call, if it did.
    pub refusal: Option<Reason>,
    /// How the call ended by the provider's own words, where they tell against a good status.
    pub answer: Option<(Outcome, Reason)>,
    /// The code of a failed call of Connect, by gRPC's numbers, if it was one and said so.
    pub connect_code: Option<u64>,
    /// How the WebSocket was closed, if the call became one.
    pub websocket: Option<Closing>,
    /// Whether the caller did not ask for another protocol.
    pub keeps_protocol: bool,
    /// Whether the answer was at its end by its own words. The SDKs of OpenAI hang up at `[DONE]`,
    /// those of MCP behind the answer, and the end of the body may come later.
    pub answer_has_ended: bool,
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
    /// How both bodies of a WebSocket ended that nobody closed, whatever end they seemed to have.
    pub torn: Option<End>,
}

impl Verdict {
    fn new(outcome: Outcome, reason: Reason, cut_end: End) -> Self {
        let is_local = cut_end == End::LocalReply;
        Self { outcome, reason: Some(reason), cut_end, is_local, torn: None }
    }

    /// The gateway's own answers reach their end: one that did not was a provider's.
    fn of_cut_response(self) -> Self {
        let cut_end = if self.is_local { End::Reset } else { self.cut_end };
        Self { cut_end, is_local: false, ..self }
    }

    /// Judges the end of a call.
    pub fn of(ending: Ending<'_>) -> Self {
        let mut verdict = Self::of_transport(ending);
        let has_good_status = ending.status.is_some_and(|status| status < 400);
        if verdict.reason == Some(Reason::ClientDisconnect)
            && has_good_status
            && ending.answer_has_ended
        {
            verdict = Self { outcome: Outcome::Success, reason: None, ..verdict };
        }
        // Over a WebSocket a provider says what went wrong, and then closes it with a code or hangs up.
        let is_open_to_the_answer =
            verdict.outcome == Outcome::Success || ending.websocket.is_some();
        match (is_open_to_the_answer, ending.answer) {
            (true, Some((outcome, reason))) if !verdict.is_local => {
                Self { outcome, reason: Some(reason), ..verdict }
            }
            _ => verdict,
        }
    }

    /// A tunnel has no end of its own: that one side hung up is how it should end.
    const CLOSED: Self = Self {
        outcome: Outcome::Success,
        reason: None,
        cut_end: End::Complete,
        is_local: false,
        torn: None,
    };

    /// By the codes with which it was closed, or by who hung up without.
    fn of_websocket(closing: Closing, ending: Ending<'_>) -> Self {
        if closing.is_closed() {
            let (outcome, reason) = closing.verdict().unzip();
            return Self { outcome: outcome.unwrap_or(Outcome::Success), reason, ..Self::CLOSED };
        }
        let known = DETAILS.iter().find(|(prefix, ..)| ending.code_details.starts_with(prefix));
        let verdict = match known {
            Some((_, outcome, reason, cut_end)) => {
                Self::new(*outcome, *reason, *cut_end).of_cut_response()
            }
            None if closing.provider_ended => {
                Self::new(Outcome::Error, Reason::UpstreamReset, End::Reset)
            }
            None => Self::new(Outcome::Error, Reason::ClientDisconnect, End::Aborted),
        };
        Self { torn: Some(verdict.cut_end), ..verdict }
    }

    /// By everything but what the answer says.
    fn of_transport(ending: Ending<'_>) -> Self {
        if ending.status == Some(SWITCHING_PROTOCOLS) && !ending.keeps_protocol {
            return ending
                .websocket
                .map_or(Self::CLOSED, |closing| Self::of_websocket(closing, ending));
        }
        if let Some(reason) = ending.refusal {
            let verdict = Self::of_refusal(reason);
            return if ending.response_cut { verdict.of_cut_response() } else { verdict };
        }
        let known = DETAILS.iter().find(|(prefix, ..)| ending.code_details.starts_with(prefix));
        let verdict = match (known, ending.status) {
            (Some((_, _, Reason::UpstreamTimeout, _)), Some(408)) => {
                Self::new(Outcome::Error, Reason::ClientTimeout, End::LocalReply)
            }
            (Some((_, outcome, reason, cut_end)), _) => Self::new(*outcome, *reason, *cut_end),
            (None, None) if ending.code_details == VIA_UPSTREAM && !ending.response_cut => {
                Self::new(Outcome::Error, Reason::UpstreamResponse, End::Reset)
            }
            (None, None) => Self::new(Outcome::Error, Reason::ClientDisconnect, End::Aborted),
            (None, Some(status)) => Self::of_status(status, ending),
        };
        if ending.response_cut { verdict.of_cut_response() } else { verdict }
    }

    /// The filter answered itself. Envoy has no code details for that.
    fn of_refusal(reason: Reason) -> Self {
        let outcome = match reason {
            Reason::FilterFault | Reason::ConnectNotSupported => Outcome::Error,
            _ => Outcome::PolicyBlocked,
        };
        Self::new(outcome, reason, End::LocalReply)
    }

    /// The answer decides: nothing broke on the way that Envoy has a word for.
    fn of_status(status: u16, ending: Ending<'_>) -> Self {
        let is_local = ending.code_details != VIA_UPSTREAM;
        let cut_end = if is_local { End::LocalReply } else { End::Reset };
        let failed =
            |outcome, reason| Self { outcome, reason: Some(reason), cut_end, is_local, torn: None };
        let by_connect = ending.connect_code.and_then(of_grpc).filter(|_| !is_local);
        if let (400.., false, Some((Outcome::Throttled, reason))) =
            (status, ending.response_cut, by_connect)
        {
            return failed(Outcome::Throttled, reason);
        }
        match status {
            // Envoy has a word for an upstream that breaks off, and none for an HTTP/2 client that
            // cancels with NO_ERROR (seen on 1.40).
            _ if ending.response_cut => {
                Self::new(Outcome::Error, Reason::ClientDisconnect, End::Aborted)
            }
            429 => failed(Outcome::Throttled, Reason::RateLimited),
            529 => failed(Outcome::Throttled, Reason::Overloaded),
            503 if ending.retry_after => failed(Outcome::Throttled, Reason::Overloaded),
            _ if depends_on_route(Some(status), ending.code_details)
                && ending.route_name == ISTIO_BLOCKS_ALL =>
            {
                failed(Outcome::PolicyBlocked, Reason::HostNotAllowed)
            }
            400.. if is_local => failed(Outcome::Error, Reason::GatewayFault),
            // Here 101 is one that nobody asked for.
            400.. | SWITCHING_PROTOCOLS => failed(Outcome::Error, Reason::UpstreamResponse),
            _ => Self { cut_end, is_local, ..Self::CLOSED },
        }
    }
}

/// The route by which Istio refuses a host that its registry does not know, where
/// `outboundTrafficPolicy` is `REGISTRY_ONLY`: a direct response with 502 to every path.
///
/// Source: istio/istio, `pilot/pkg/networking/core/httproute.go`, `buildCatchAllVirtualHost`.
const ISTIO_BLOCKS_ALL: &[u8] = b"block_all";

/// Whether the name of the route tells a refusal from a fault.
pub(crate) fn depends_on_route(status: Option<u16>, code_details: &[u8]) -> bool {
    status == Some(502) && code_details == b"direct_response"
}

/// What gRPC's own status means, which comes with HTTP's 200 whatever it is. `None` for success.
///
/// Source: <https://grpc.io/docs/guides/status-codes/>.
pub(crate) fn of_grpc(status: u64) -> Option<(Outcome, Reason)> {
    const RESOURCE_EXHAUSTED: u64 = 8;
    const UNAVAILABLE: u64 = 14;
    match status {
        0 => None,
        RESOURCE_EXHAUSTED => Some((Outcome::Throttled, Reason::RateLimited)),
        UNAVAILABLE => Some((Outcome::Throttled, Reason::Overloaded)),
        _ => Some((Outcome::Error, Reason::ApplicationError)),
    }
}

/// Whether an answer ends with this status: of the informational ones only 101 does. Below them there
/// is none.
pub(crate) fn is_final(status: u16) -> bool {
    status == SWITCHING_PROTOCOLS || status >= 200
}

/// What Envoy says of an answer that is the provider's.
const VIA_UPSTREAM: &[u8] = b"via_upstream";

/// The status of an accepted upgrade, such as to WebSocket.
pub(crate) const SWITCHING_PROTOCOLS: u16 = 101;

/// Response code details by prefix; the first that matches decides.
const DETAILS: &[(&[u8], Outcome, Reason, End)] = {
    use End::{Aborted, LocalReply, Reset};
    use Outcome::{Error, PolicyBlocked, Throttled};
    use Reason::*;
    &[
        (b"route_not_found", PolicyBlocked, HostNotAllowed, LocalReply),
        (
            b"rbac_access_denied_matched_policy[host_not_allowed",
            PolicyBlocked,
            HostNotAllowed,
            LocalReply,
        ),
        (
            b"rbac_access_denied_matched_policy[private_address",
            PolicyBlocked,
            AddressNotAllowed,
            LocalReply,
        ),
        (
            b"rbac_access_denied_matched_policy[sink_unavailable",
            PolicyBlocked,
            SinkUnavailable,
            LocalReply,
        ),
        (b"dns_resolution_failure{address_denied", PolicyBlocked, AddressNotAllowed, LocalReply),
        (b"rbac_access_denied", PolicyBlocked, RbacDenied, LocalReply),
        (b"ext_authz_error", Error, GatewayFault, LocalReply),
        (b"ext_authz", PolicyBlocked, AuthorizationDenied, LocalReply),
        (b"jwt_authn_access_denied", PolicyBlocked, AuthorizationDenied, LocalReply),
        (b"request_rate_limited", Throttled, RateLimited, LocalReply),
        (b"local_rate_limited", Throttled, RateLimited, LocalReply),
        (b"overload", Throttled, Overloaded, LocalReply),
        (b"dns_cache_overflow", Throttled, Overloaded, LocalReply),
        (b"dynamic_forward_proxy_pending_request_overflow", Throttled, Overloaded, LocalReply),
        (b"upstream_reset_before_response_started{overflow", Throttled, Overloaded, LocalReply),
        (
            b"upstream_reset_before_response_started{connection_failure",
            Error,
            ConnectFailure,
            LocalReply,
        ),
        (
            b"upstream_reset_before_response_started{connection_timeout",
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
        (
            b"upstream_reset_before_response_started{remote_connection_failure",
            Error,
            ConnectFailure,
            LocalReply,
        ),
        (b"upstream_reset_before_response_started", Error, UpstreamReset, LocalReply),
        // Behind an informational answer only, it is the gateway that answers.
        (b"upstream_reset_after_response_started", Error, UpstreamReset, LocalReply),
        (b"websocket_handshake_unsuccessful", Error, UpstreamResponse, Reset),
        (b"no_healthy_upstream", Error, ConnectFailure, LocalReply),
        (b"dns_resolution_failure", Error, ConnectFailure, LocalReply),
        (b"cluster_not_found", Error, GatewayFault, LocalReply),
        (b"response_timeout", Error, UpstreamTimeout, LocalReply),
        (b"upstream_response_timeout", Error, UpstreamTimeout, LocalReply),
        (b"upstream_per_try", Error, UpstreamTimeout, LocalReply),
        (b"upstream_max_stream_duration_reached", Error, UpstreamTimeout, LocalReply),
        (b"max_duration_timeout", Error, UpstreamTimeout, LocalReply),
        (b"stream_idle_timeout", Error, UpstreamTimeout, LocalReply),
        (b"request_overall_timeout", Error, ClientTimeout, LocalReply),
        (b"request_header_timeout", Error, ClientTimeout, LocalReply),
        (b"downstream_remote_disconnect", Error, ClientDisconnect, Aborted),
        (b"http2.remote_re", Error, ClientDisconnect, Aborted),
        (b"downstream_local_disconnect", Error, GatewayFault, Aborted),
        (b"wasm_fail_stream", Error, FilterFault, LocalReply),
        (b"http", Error, InvalidRequest, LocalReply),
        (b"low_version", Error, InvalidRequest, LocalReply),
        (b"missing_", Error, InvalidRequest, LocalReply),
        (b"invalid_", Error, InvalidRequest, LocalReply),
        (b"absolute_path_rejected", Error, InvalidRequest, LocalReply),
        (b"upgrade_failed", Error, InvalidRequest, LocalReply),
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

    /// Status (0 for none), code details, and what becomes of a body that was under way.
    #[test]
    fn every_end_has_an_outcome_and_a_reason() {
        let before = |cause| format!("upstream_reset_before_response_started{{{cause}}}");
        let after = |cause| format!("upstream_reset_after_response_started{{{cause}}}");
        let rbac = |policy| format!("rbac_access_denied_matched_policy[{policy}]");
        for (status, details, outcome, reason, cut_end) in [
            (200, "via_upstream".into(), Success, None, End::Reset),
            (301, "via_upstream".into(), Success, None, End::Reset),
            (101, "via_upstream".into(), Success, None, End::Complete),
            (101, "downstream_remote_disconnect".into(), Success, None, End::Complete),
            (101, after("connection_termination"), Success, None, End::Complete),
            (404, "via_upstream".into(), Error, Some(UpstreamResponse), End::Reset),
            (429, "via_upstream".into(), Throttled, Some(RateLimited), End::Reset),
            (529, "via_upstream".into(), Throttled, Some(Overloaded), End::Reset),
            (503, "via_upstream".into(), Error, Some(UpstreamResponse), End::Reset),
            (200, "direct_response".into(), Success, None, End::LocalReply),
            (500, "direct_response".into(), Error, Some(GatewayFault), End::LocalReply),
            (404, "route_not_found".into(), PolicyBlocked, Some(HostNotAllowed), End::LocalReply),
            (403, rbac("host_not_allowed"), PolicyBlocked, Some(HostNotAllowed), End::LocalReply),
            (403, rbac("private_address"), PolicyBlocked, Some(AddressNotAllowed), End::LocalReply),
            (403, rbac("none"), PolicyBlocked, Some(RbacDenied), End::LocalReply),
            (
                403,
                rbac("ns[ledgerline]-policy[callers]-rule[0]"), // Istio's AuthorizationPolicy
                PolicyBlocked,
                Some(RbacDenied),
                End::LocalReply,
            ),
            (502, "direct_response".into(), Error, Some(GatewayFault), End::LocalReply),
            (503, before("connection_timeout"), Error, Some(ConnectFailure), End::LocalReply),
            (
                503,
                before("remote_connection_failure|TLS_error:x"),
                Error,
                Some(ConnectFailure),
                End::LocalReply,
            ),
            (503, before("connection_termination"), Error, Some(UpstreamReset), End::LocalReply),
            (502, before("protocol_error"), Error, Some(UpstreamReset), End::LocalReply),
            (503, before("overflow"), Throttled, Some(Overloaded), End::LocalReply),
            (503, "dns_cache_overflow".into(), Throttled, Some(Overloaded), End::LocalReply),
            (503, after("connection_termination"), Error, Some(UpstreamReset), End::LocalReply),
            (502, after("protocol_error"), Error, Some(UpstreamReset), End::LocalReply),
            (200, after("protocol_error"), Error, Some(UpstreamReset), End::LocalReply), // gRPC's
            (0, "via_upstream".into(), Error, Some(UpstreamResponse), End::Reset),
            (504, "response_timeout".into(), Error, Some(UpstreamTimeout), End::LocalReply),
            (408, "stream_idle_timeout".into(), Error, Some(ClientTimeout), End::LocalReply),
            (0, "downstream_remote_disconnect".into(), Error, Some(ClientDisconnect), End::Aborted),
            (0, "http2.remote_reset".into(), Error, Some(ClientDisconnect), End::Aborted),
            (0, String::new(), Error, Some(ClientDisconnect), End::Aborted),
            (400, "http1.codec_error".into(), Error, Some(InvalidRequest), End::LocalReply),
            (400, "http.invalid_authority".into(), Error, Some(InvalidRequest), End::LocalReply),
            (503, "wasm_fail_stream".into(), Error, Some(FilterFault), End::LocalReply),
        ] {
            let status = (status != 0).then_some(status);
            let verdict = Verdict::of(Ending {
                status,
                code_details: details.as_bytes(),
                ..Ending::default()
            });
            let is_local = cut_end == End::LocalReply;
            assert_eq!(
                verdict,
                Verdict { outcome, reason, cut_end, is_local, torn: None },
                "{status:?} {details}"
            );
        }
    }

    #[test]
    fn a_protocol_that_nobody_asked_for_is_no_answer() {
        for (keeps_protocol, outcome, reason) in
            [(false, Success, None), (true, Error, Some(UpstreamResponse))]
        {
            let verdict = Verdict::of(Ending {
                status: Some(SWITCHING_PROTOCOLS),
                code_details: VIA_UPSTREAM,
                keeps_protocol,
                ..Ending::default()
            });
            assert_eq!((verdict.outcome, verdict.reason), (outcome, reason));
        }
    }

    #[test]
    fn istios_refusal_of_unknown_hosts_is_told_from_another_502() {
        for (status, details, route_name, outcome, reason) in [
            (502, "direct_response", "block_all", PolicyBlocked, HostNotAllowed),
            (502, "direct_response", "default", Error, GatewayFault),
            (502, "direct_response", "", Error, GatewayFault),
            (503, "direct_response", "block_all", Error, GatewayFault),
            (502, "via_upstream", "block_all", Error, UpstreamResponse),
        ] {
            let verdict = Verdict::of(Ending {
                status: Some(status),
                code_details: details.as_bytes(),
                route_name: route_name.as_bytes(),
                ..Ending::default()
            });
            assert_eq!((verdict.outcome, verdict.reason), (outcome, Some(reason)), "{route_name}");
        }
    }

    #[test]
    fn a_response_that_was_cut_is_a_providers() {
        for (details, reason, cut_end) in [
            (&b"response_timeout"[..], UpstreamTimeout, End::Reset),
            (b"stream_idle_timeout", UpstreamTimeout, End::Reset),
            (b"upstream_reset_after_response_started{x}", UpstreamReset, End::Reset),
            (b"downstream_remote_disconnect", ClientDisconnect, End::Aborted),
            (b"via_upstream", ClientDisconnect, End::Aborted),
        ] {
            let ending = Ending {
                status: Some(200),
                code_details: details,
                response_cut: true,
                ..Ending::default()
            };
            let expected = Verdict {
                outcome: Error,
                reason: Some(reason),
                cut_end,
                is_local: false,
                torn: None,
            };
            assert_eq!(Verdict::of(ending), expected);
        }
    }

    #[test]
    fn a_caller_that_hangs_up_behind_the_answer_has_its_answer() {
        let hung_up = b"downstream_remote_disconnect";
        for (status, details, has_ended, answer, outcome, reason) in [
            (200, &hung_up[..], true, None, Success, None),
            (200, b"via_upstream", true, None, Success, None),
            (200, hung_up, true, Some((Throttled, Overloaded)), Throttled, Some(Overloaded)),
            (200, hung_up, false, None, Error, Some(ClientDisconnect)),
            (500, hung_up, true, None, Error, Some(ClientDisconnect)),
            (200, b"upstream_reset_after_response_started", true, None, Error, Some(UpstreamReset)),
        ] {
            let verdict = Verdict::of(Ending {
                status: Some(status),
                code_details: details,
                response_cut: true,
                answer,
                answer_has_ended: has_ended,
                ..Ending::default()
            });
            assert_eq!((verdict.outcome, verdict.reason), (outcome, reason), "{status}");
            assert!(verdict.reason == Some(UpstreamReset) || verdict.cut_end == End::Aborted);
        }
    }

    #[test]
    fn an_answer_tells_against_a_good_status_only() {
        let answer = Some((Error, ToolError));
        for (status, details, cut, outcome, reason) in [
            (200, "via_upstream", false, Error, ToolError),
            (101, "via_upstream", false, Error, ToolError),
            (429, "via_upstream", false, Throttled, RateLimited),
            (200, "via_upstream", true, Error, ClientDisconnect),
            (403, "rbac_access_denied", false, PolicyBlocked, RbacDenied),
        ] {
            let ending = Ending {
                status: Some(status),
                code_details: details.as_bytes(),
                response_cut: cut,
                answer,
                ..Ending::default()
            };
            let verdict = Verdict::of(ending);
            assert_eq!((verdict.outcome, verdict.reason), (outcome, Some(reason)), "{status}");
        }
        let local = Ending { status: Some(200), answer, ..Ending::default() };
        assert_eq!(Verdict::of(local).outcome, Success);
        assert_eq!(
            [0, 8, 14, 5].map(|status| of_grpc(status).map(|(outcome, _)| outcome)),
            [None, Some(Throttled), Some(Throttled), Some(Error)]
        );
    }

    #[test]
    fn a_refusal_of_the_filter_stands_whatever_became_of_the_call() {
        for (status, details) in
            [(Some(403), &b""[..]), (None, b"downstream_remote_disconnect"), (None, b"")]
        {
            let refusal = Some(SecretToWrongHost);
            let ending = Ending { status, code_details: details, refusal, ..Ending::default() };
            let verdict = Verdict::of(ending);
            assert_eq!((verdict.outcome, verdict.reason), (PolicyBlocked, refusal));
            assert!(verdict.is_local);
        }
        for reason in [FilterFault, ConnectNotSupported] {
            let ending = Ending { refusal: Some(reason), ..Ending::default() };
            assert_eq!(Verdict::of(ending).outcome, Error);
        }
    }

    #[test]
    fn a_503_that_says_when_to_come_back_is_a_throttle() {
        let ending = Ending {
            status: Some(503),
            code_details: b"via_upstream",
            retry_after: true,
            ..Ending::default()
        };
        assert_eq!(
            (Verdict::of(ending).outcome, Verdict::of(ending).reason),
            (Throttled, Some(Overloaded))
        );
    }
}
