//! Keys in the path of an endpoint: `/hooks/4xk3…`, `/api_key/…/list`, an RPC provider's `/eth/4a3b…`.
//!
//! Only the text of an entry is looked at in this way. In a call a path is an address, and in a body it is
//! a text like others.

use std::borrow::Cow;

use super::{
    names::Meaning,
    rules::Rules,
    value::{self, Counts},
};

/// Segments behind which an address goes on with its key.
const HOOKS: [&[u8]; 6] =
    [b"hook", b"hooks", b"webhook", b"incoming", b"incomingwebhook", b"catch"];
/// Providers of blockchain nodes, whose keys stand in the path.
const NODES: [&str; 14] = [
    "alchemy.com",
    "alchemyapi.io",
    "ankr.com",
    "blastapi.io",
    "blockpi.network",
    "chainstack.com",
    "drpc.org",
    "getblock.io",
    "infura.io",
    "moralis-nodes.com",
    "nodereal.io",
    "quiknode.pro",
    "tenderly.co",
    "onfinality.io",
];

impl Rules {
    /// `path` with the keys among its segments replaced; it is called at `host`, in lower case.
    pub fn mask_path<'p>(&self, host: &str, path: &'p [u8]) -> Cow<'p, [u8]> {
        let is_node = NODES.iter().any(|node| host.ends_with(node));
        let segments = || path.split(|byte| *byte == b'/');
        let befores = std::iter::once(&b""[..]).chain(segments());
        let mut pairs = befores.zip(segments());
        if !pairs.clone().any(|(before, segment)| self.is_key(before, segment, is_node)) {
            return Cow::Borrowed(path);
        }
        let mut masked = Vec::with_capacity(path.len());
        if let Some((_, first)) = pairs.next() {
            masked.extend_from_slice(first);
        }
        for (before, segment) in pairs {
            masked.push(b'/');
            match self.is_key(before, segment, is_node) {
                true => masked.extend_from_slice(self.placeholder().as_bytes()),
                false => masked.extend_from_slice(segment),
            }
        }
        Cow::Owned(masked)
    }

    fn is_key(&self, before: &[u8], segment: &[u8], is_node: bool) -> bool {
        let is_short = segment.len() < 8 || segment.len() > 512;
        if is_short || !segment.iter().any(u8::is_ascii_digit) || is_uuid(segment) {
            return false;
        }
        let counts = Counts::of(segment);
        let is_random = |least: usize| counts.is_random(least) && !value::is_slug(segment);
        is_node && is_random(20)
            || HOOKS.iter().any(|hook| before.eq_ignore_ascii_case(hook)) && is_random(16)
            || self.names.meaning(before, false).is_some_and(Meaning::is_settled) && is_random(10)
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'-').map(<[u8]>::len).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_among_the_segments_go_and_ids_stay() {
        let rules = Rules::default();
        for (host, path, masked) in [
            ("chat.example", "/hooks/4xk3m9q7w5e1r8t2y6u0", "/hooks/***REDACTED***"),
            ("chat.example", "/webhook/4xk3m9q7w5e1r8t2y6u0/x", "/webhook/***REDACTED***/x"),
            ("a.example", "/api_key/h4nt3r2xF4k39a/list", "/api_key/***REDACTED***/list"),
            ("a.example", "/v1/token/A1b2C3d4E5f6G7h8", "/v1/token/***REDACTED***"),
            ("rpc.ankr.com", "/eth/4a3b2c1d4a3b2c1d4a3b2c1d4a3b2c1d", "/eth/***REDACTED***"),
            ("x.drpc.org", "/ogrpc/4Xk3m9q7W5e1r8T2y6u0i3o5p7aB", "/ogrpc/***REDACTED***"),
            ("a.example", "/v2/4Xk3m9q7W5e1r8T2y6u0i3o5p7aB", "/v2/4Xk3m9q7W5e1r8T2y6u0i3o5p7aB"),
            (
                "a.example",
                "/v1/webhooks/we_1MgTAS2eZvKYlo2Cdu",
                "/v1/webhooks/we_1MgTAS2eZvKYlo2Cdu",
            ),
            ("a.example", "/oauth/token/revoke", "/oauth/token/revoke"),
            (
                "a.example",
                "/secret/0b7a1d2e-3f4a-4b5c-8d6e-7f8a9b0c1d2e",
                "/secret/0b7a1d2e-3f4a-4b5c-8d6e-7f8a9b0c1d2e",
            ),
            ("a.example", "", ""),
        ] {
            assert_eq!(rules.mask_path(host, path.as_bytes()), masked.as_bytes(), "{path}");
        }
    }
}
