//! Which credential a call used, told without telling the credential.
//!
//! Two agents share a provider and one of them runs up a bill; the entries should say whose key it
//! was. A hash of the key would do for anybody who has a list of keys to try, so it is an HMAC under
//! a key of its own, derived from the operator's. The same credential has the same fingerprint in
//! whatever header it comes: the word before it (`Bearer`) does not count.

use crate::{json, key::Key};

/// Headers that carry a credential, in the order in which they count.
pub(crate) const HEADERS: [&str; 8] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "xi-api-key",
    "ocp-apim-subscription-key",
    "x-auth-token",
    "private-token",
];

/// Makes fingerprints.
#[derive(Clone, Debug)]
pub struct Fingerprints(Key);

impl Fingerprints {
    /// Fingerprints under a key that is derived from `key`.
    pub fn new(key: &Key) -> Option<Self> {
        key.derive("ledgerline credential").map(Self)
    }

    /// The fingerprint of a credential: 32 lower-case hexadecimal digits.
    pub fn of(&self, credential: &[u8]) -> Box<str> {
        let digits = self.0.sign(credential).into_iter().take(16).flat_map(json::hex);
        digits.map(char::from).collect::<String>().into()
    }
}

/// The credential in the value of one of [`HEADERS`]: what follows the scheme, or of a signature by
/// AWS the id of the access key. `None` if there is none.
pub(crate) fn in_header(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let scheme_end = value.iter().position(|byte| *byte == b' ').unwrap_or_default();
    let (scheme, rest) = value.split_at_checked(scheme_end)?;
    let credential = match scheme.starts_with(b"AWS4-") {
        true => aws_access_key_id(rest)?,
        false => rest.trim_ascii(),
    };
    (!credential.is_empty()).then_some(credential)
}

/// Of `Credential=AKIA…/20260630/us-east-1/bedrock/aws4_request, SignedHeaders=…` what stands before
/// the date (AWS Signature Version 4).
fn aws_access_key_id(parameters: &[u8]) -> Option<&[u8]> {
    parameters.split(|byte| *byte == b',').find_map(|parameter| {
        let scope = parameter.trim_ascii().strip_prefix(b"Credential=")?;
        scope.split(|byte| *byte == b'/').next()
    })
}

/// The value of the query parameter `key`, as Google's APIs take one.
pub(crate) fn in_query(path: &[u8]) -> Option<&[u8]> {
    let query = path.split(|byte| *byte == b'?').nth(1)?;
    let parameters = query.split(|byte| *byte == b'&');
    let mut keys = parameters.filter_map(|parameter| parameter.strip_prefix(b"key="));
    keys.find(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_what_follows_the_scheme() {
        for (value, credential) in [
            ("Bearer k-1", Some("k-1")),
            ("bearer   k-1 ", Some("k-1")),
            ("k-1", Some("k-1")),
            ("Basic dTpw", Some("dTpw")),
            (
                "AWS4-HMAC-SHA256 Credential=ID/20260630/us-east-1/s3/aws4_request, Signature=ab",
                Some("ID"),
            ),
            ("AWS4-HMAC-SHA256 SignedHeaders=host,Credential=ID/1", Some("ID")),
            ("AWS4-HMAC-SHA256 Signature=ab", None),
            ("Bearer ", Some("Bearer")),
            ("", None),
            (" ", None),
        ] {
            let found = in_header(value.as_bytes());
            assert_eq!(found, credential.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn a_query_may_hold_a_key() {
        for (path, key) in [
            ("/v1?key=k-1", Some("k-1")),
            ("/v1?alt=sse&key=k-1&x=y", Some("k-1")),
            ("/v1?monkey=k-1&key=", None),
            ("/key=k-1", None),
        ] {
            assert_eq!(in_query(path.as_bytes()), key.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_for_the_same_credential_and_key_only() {
        let prints = |secret| Fingerprints::new(&Key::new("k", &[secret; 32]).unwrap()).unwrap();
        let print = prints(1).of(b"k-1");
        assert!(print.len() == 32 && print.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(print, prints(1).of(b"k-1"));
        assert_ne!(print, prints(1).of(b"k-2"));
        assert_ne!(print, prints(2).of(b"k-1"));
    }
}
