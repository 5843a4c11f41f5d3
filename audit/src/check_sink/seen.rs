//! What went over the wire: to which endpoint, encrypted or not, and as whom.
//!
//! Settings come from flags, variables, profiles and defaults. What a report says is taken from the
//! requests themselves, after all of that.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};
use sha2::{Digest as _, Sha256};

use super::finding::Caller;

/// Of all requests of one client.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<Facts>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Scheme, host and port; of several the first.
    pub(super) endpoint: Option<String>,
    /// Invariant: true only if every request was encrypted.
    pub(super) is_encrypted: bool,
    pub(super) region: Option<String>,
    pub(super) caller: Option<Caller>,
}

impl Seen {
    /// The same client, watched.
    pub(super) fn watch(&self, client: &Client) -> Client {
        let config = client.config().to_builder().interceptor(self.clone()).build();
        Client::from_conf(config)
    }

    pub(super) fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, uri: &str, authorization: Option<&str>) {
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        facts.note(uri, authorization);
    }
}

impl Facts {
    fn note(&mut self, uri: &str, authorization: Option<&str>) {
        let is_encrypted = uri.starts_with("https://");
        self.is_encrypted = is_encrypted && (self.is_encrypted || self.endpoint.is_none());
        if self.endpoint.is_none() {
            self.endpoint = origin(uri);
        }
        let scope = authorization.and_then(scope);
        if let (None, Some((key, region))) = (&self.caller, scope) {
            self.caller = Some(Caller { key_id_sha256: short_hash(key), key_id_end: end(key) });
            self.region = Some(region.to_owned());
        }
    }
}

/// `https://host:port` of a URL, without what may stand before or behind it.
fn origin(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(format!("{scheme}://{host}"))
}

/// The id of the key and the region in `AWS4-HMAC-SHA256 Credential=ID/20261121/eu-central-1/s3/aws4_request, …`.
fn scope(authorization: &str) -> Option<(&str, &str)> {
    let scope = authorization.split_once("Credential=")?.1.split(',').next()?;
    let mut parts = scope.rsplit('/');
    let region = parts.nth(2)?;
    Some((scope.split('/').next()?, region))
}

fn short_hash(key: &str) -> String {
    Sha256::digest(key).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Enough to tell the keys of one account apart.
fn end(key: &str) -> String {
    let count = key.chars().count();
    let kept = if count >= 16 { 4 } else { 0 };
    key.chars().skip(count - kept).filter(char::is_ascii_alphanumeric).collect()
}

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        self.note(request.uri(), request.headers().get("authorization"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE12/20261121/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=abc";

    #[test]
    fn a_request_tells_endpoint_region_and_whose_key_without_the_key() {
        let mut facts = Facts::default();
        facts.note("https://store.example:9000/bucket/key?x=y", Some(SIGNED));
        assert_eq!(facts.endpoint.as_deref(), Some("https://store.example:9000"));
        assert_eq!(facts.region.as_deref(), Some("eu-central-1"));
        let caller = facts.caller.clone().unwrap();
        assert_eq!((caller.key_id_end.as_str(), caller.key_id_sha256.len()), ("LE12", 16));
        assert!(facts.is_encrypted && !format!("{facts:?}").contains("AKIAEXAMPLE"));
        facts.note("http://store.example/", None);
        facts.note("https://store.example:9000/", None);
        assert!(!facts.is_encrypted, "one plain request is one too many");
    }

    #[test]
    fn odd_requests_tell_nothing() {
        for (uri, authorization) in [
            ("", None),
            ("/a", Some("")),
            ("x", Some("Credential=")),
            ("http://", Some("Credential=a/b")),
        ] {
            let mut facts = Facts::default();
            facts.note(uri, authorization);
            assert!(!facts.is_encrypted && facts.caller.is_none(), "{uri}");
        }
        let mut facts = Facts::default();
        facts.note(
            "https://user:pass@store.example/",
            Some("Credential=short/20261121/r/s3/aws4_request"),
        );
        assert_eq!(facts.endpoint.as_deref(), Some("https://store.example"));
        assert_eq!(facts.caller.unwrap().key_id_end, "");
    }
}
