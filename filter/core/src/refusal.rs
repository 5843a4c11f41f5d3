//! What the gateway answers in place of a provider that must not get the call.
//!
//! ```json
//! {"error":{"type":"permission_error","reason":"secret_to_wrong_host","message":"…","correlation_id":"wf-17"}}
//! ```
//!
//! The same form as that of the gateway's other answers (`envoy/egress.yaml`), and as the errors of
//! the providers' own APIs, so that the SDKs show the message. No byte of the call is in it but the
//! correlation id, and the host where the host is the reason.

use std::borrow::Cow;

use crate::{json::Object, outcome::Reason};

/// An answer that refuses a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    fixed_headers: &'static [(&'static str, &'static str)],
    correlation_id: Option<Box<str>>,
}

impl Refusal {
    /// The answer for `reason` to a call to `host`.
    pub(crate) fn new(reason: Reason, host: Option<&str>, correlation_id: Option<&str>) -> Self {
        let Wording { status, kind, message, headers } = Wording::of(reason, host);
        let mut body = Vec::new();
        Object::write(&mut body, |json| {
            json.object("error", |json| {
                json.text("type", Some(kind));
                json.text("reason", Some(reason.as_str()));
                json.text("message", Some(&message));
                json.text("correlation_id", correlation_id);
            });
        });
        // What a client chose may hold what no header can.
        let is_value = |id: &&str| id.bytes().all(|byte| byte.is_ascii_graphic());
        let correlation_id = correlation_id.filter(is_value).map(Into::into);
        Self { status, body, fixed_headers: headers, correlation_id }
    }

    /// The headers, with the correlation id as all answers of the gateway's have it.
    pub fn headers(&self) -> Vec<(&'static str, &str)> {
        let id = self.correlation_id.as_deref().map(|id| ("x-correlation-id", id));
        self.fixed_headers.iter().copied().chain(id).collect()
    }

    /// The same for the SDKs of AWS: they know no `x-should-retry` and try 500, 502, 503 and 504
    /// again, but not 507 (botocore, `retries/standard.py`; its other clients alike).
    pub(crate) fn for_aws_sdk(self) -> Self {
        let status = if self.status == 503 { 507 } else { self.status };
        Self { status, ..self }
    }
}

struct Wording {
    status: u16,
    kind: &'static str,
    message: Cow<'static, str>,
    headers: &'static [(&'static str, &'static str)],
}

/// The SDKs obey `x-should-retry`: what is refused once is refused again.
const FINAL: &[(&str, &str)] = &[JSON, NO_RETRY];
const JSON: (&str, &str) = ("content-type", "application/json");
const NO_RETRY: (&str, &str) = ("x-should-retry", "false");

impl Wording {
    fn of(reason: Reason, host: Option<&str>) -> Self {
        match reason {
            Reason::HostNotAllowed => Self::new(403, "permission_error", not_allowed(host)),
            Reason::ConnectNotSupported => Self {
                // RFC 9110, section 15.5.6, wants to hear what else there is.
                headers: &[
                    JSON,
                    NO_RETRY,
                    ("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
                ],
                ..Self::new(405, "invalid_request_error", CONNECT)
            },
            Reason::UnmaskableBody => Self::new(
                415,
                "invalid_request_error",
                "Secrets are masked on the way to this host, and this body cannot be looked into.",
            ),
            Reason::SecretToWrongHost => Self::new(
                403,
                "permission_error",
                "The request body holds a credential of another provider.",
            ),
            _ => Self::new(503, "api_error", "The call cannot be recorded."),
        }
    }

    fn new(status: u16, kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind, message: message.into(), headers: FINAL }
    }
}

const CONNECT: &str = "The egress gateway records HTTP calls and gives no tunnel (CONNECT). Take \
    HTTPS_PROXY from this client, and give it the gateway as its base URL with the host as the \
    first part of the path, such as OPENAI_BASE_URL=http://GATEWAY/api.openai.com/v1; or call \
    http://HOST/ through HTTP_PROXY: the gateway itself speaks TLS to the provider.";

fn not_allowed(host: Option<&str>) -> String {
    let host = host.filter(|host| is_harmless(host));
    let (this, add) = (host.unwrap_or("of this call"), host.unwrap_or("HOST"));
    format!(
        "The egress gateway does not allow the host {this}: `hosts` in the configuration of its \
         filter denies it. Whoever runs the gateway can allow it there, or with `ledgerline hosts \
         add {add}` where that command keeps the list."
    )
}

/// Whether a host can stand in a sentence and in a command line.
fn is_harmless(host: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    (1..=260).contains(&host.len()) && !host.starts_with('-') && host.bytes().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_in_the_gateways_form() {
        let refusal = Refusal::new(Reason::SecretToWrongHost, None, Some("a\"b"));
        let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
        assert_eq!(body["error"]["reason"], "secret_to_wrong_host");
        assert_eq!((&body["error"]["type"], refusal.status), (&"permission_error".into(), 403));
        assert_eq!(body["error"]["correlation_id"], "a\"b");
        assert!(refusal.headers().contains(&("x-should-retry", "false")));
        assert!(refusal.headers().contains(&("x-correlation-id", "a\"b")));
        for (id, is_there) in [(Some("wf-17"), true), (Some("a\r\nb: c"), false), (None, false)] {
            let headers = Refusal::new(Reason::ConnectNotSupported, None, id);
            let has_id = headers.headers().iter().any(|(name, _)| *name == "x-correlation-id");
            assert_eq!(has_id, is_there, "{id:?}");
        }
    }

    #[test]
    fn no_refusal_is_worth_a_retry() {
        for (reason, status) in [
            (Reason::HostNotAllowed, 403),
            (Reason::ConnectNotSupported, 405),
            (Reason::UnmaskableBody, 415),
            (Reason::FilterFault, 503),
        ] {
            let refusal = Refusal::new(reason, None, None);
            assert_eq!(refusal.status, status);
            assert!(refusal.headers().contains(&NO_RETRY), "{reason:?}");
            assert_eq!(refusal.headers().iter().any(|(name, _)| *name == "allow"), status == 405);
            let for_aws = if status == 503 { 507 } else { status };
            assert_eq!(refusal.for_aws_sdk().status, for_aws);
        }
    }

    #[test]
    fn a_host_is_named_if_it_is_harmless() {
        for (host, command) in [
            (Some("api.example.com"), "`ledgerline hosts add api.example.com`"),
            (Some("a.example:8443"), "`ledgerline hosts add a.example:8443`"),
            (Some("a.example\u{202e}"), "`ledgerline hosts add HOST`"),
            (Some("a`; rm -rf /"), "`ledgerline hosts add HOST`"),
            (Some("--lift"), "`ledgerline hosts add HOST`"),
            (None, "`ledgerline hosts add HOST`"),
        ] {
            let body = Refusal::new(Reason::HostNotAllowed, host, None).body;
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains(command), "{message}");
            assert!(message.is_ascii() && !message.contains("rm -rf"), "{message}");
        }
    }
}
