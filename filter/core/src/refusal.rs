//! What the gateway answers in place of a provider that must not get the call.
//!
//! ```json
//! {"error":{"type":"permission_error","reason":"secret_to_wrong_host","message":"…","correlation_id":"wf-17"}}
//! ```
//!
//! The same form as that of the gateway's other answers (`envoy/egress.yaml`), and as the errors of
//! the providers' own APIs, so that the SDKs show the message. No byte of the call is in it but the
//! correlation id.

use crate::{json::Object, outcome::Reason};

/// An answer that refuses a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: Vec<u8>,
}

impl Refusal {
    /// The answer for `reason`.
    pub(crate) fn new(reason: Reason, correlation_id: Option<&str>) -> Self {
        let Wording { status, kind, message, headers } = Wording::of(reason);
        let mut body = Vec::new();
        Object::write(&mut body, |json| {
            json.object("error", |json| {
                json.text("type", Some(kind));
                json.text("reason", Some(reason.as_str()));
                json.text("message", Some(message));
                json.text("correlation_id", correlation_id);
            });
        });
        Self { status, headers, body }
    }
}

struct Wording {
    status: u16,
    kind: &'static str,
    message: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

const JSON: (&str, &str) = ("content-type", "application/json");

impl Wording {
    /// The SDKs obey `x-should-retry`: what is refused for its host or its content is refused again.
    fn of(reason: Reason) -> Self {
        const FINAL: &[(&str, &str)] = &[JSON, ("x-should-retry", "false")];
        let (status, kind, message, headers) = match reason {
            Reason::HostNotAllowed => {
                (403, "permission_error", "The egress gateway does not allow this host.", FINAL)
            }
            Reason::UnmaskableBody => (
                415,
                "invalid_request_error",
                "Secrets are masked on the way to this host, and this body cannot be looked into.",
                FINAL,
            ),
            Reason::SecretToWrongHost => (
                403,
                "permission_error",
                "The request body holds a credential of another provider.",
                FINAL,
            ),
            _ => (503, "api_error", "The call cannot be recorded.", &[JSON][..]),
        };
        Self { status, kind, message, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_in_the_gateways_form() {
        let refusal = Refusal::new(Reason::SecretToWrongHost, Some("a\"b"));
        let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
        assert_eq!(body["error"]["reason"], "secret_to_wrong_host");
        assert_eq!((&body["error"]["type"], refusal.status), (&"permission_error".into(), 403));
        assert_eq!(body["error"]["correlation_id"], "a\"b");
        assert!(refusal.headers.contains(&("x-should-retry", "false")));
    }
}
