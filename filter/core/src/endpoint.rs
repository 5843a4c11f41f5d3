//! Where a call goes: host and path, never the query.
//!
//! Clients reach the gateway in two styles. **Host style** is what a transparent or a forward proxy
//! sees: `Host: api.openai.com`, `/v1/models`. **Path style** needs one base-URL variable and no
//! DNS: `http://gateway:10000/api.openai.com/v1/models`. A path-style request is turned into a
//! host-style one before it is routed, so that the gateway has one allow-list of hosts, and so that
//! both styles leave the same endpoint in the ledger.

use crate::{mask::Rules, text::Text};

/// The longest endpoint that an entry holds, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 4096;

/// How much of the target an entry names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Host and path.
    #[default]
    Path,
    /// The host alone, where paths tell too much.
    Host,
}

/// Where one request is bound, as its authority and path on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    authority: &'a [u8],
    path: &'a [u8],
}

impl<'a> Target<'a> {
    /// From the `:authority` and `:path` of a request.
    pub fn new(authority: &'a [u8], path: &'a [u8]) -> Self {
        Self { authority, path }
    }

    /// The authority: host, and port if one was given.
    pub fn authority(self) -> &'a [u8] {
        self.authority
    }

    /// The path with its query, as it goes upstream.
    pub fn path(self) -> &'a [u8] {
        self.path
    }

    /// The host-style target of a path-style request to the gateway itself, if this is one: its
    /// first path segment is a host name with at least one dot, and the rest is the path.
    pub fn host_style(self) -> Option<Self> {
        let rest = self.path.strip_prefix(b"/")?;
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        if !is_host_name(authority) {
            return None;
        }
        Some(Self { authority, path: if path.is_empty() { b"/" } else { path } })
    }

    /// The host without userinfo, and without the port if it is 443, which is where every call goes
    /// unless it says otherwise.
    pub fn host(self) -> &'a [u8] {
        let host = match self.authority.iter().rposition(|byte| *byte == b'@') {
            Some(at) => self.authority.split_at(at).1.strip_prefix(b"@").unwrap_or_default(),
            None => self.authority,
        };
        host.strip_suffix(b":443").unwrap_or(host)
    }

    /// Host and path without the query, or the host alone; a secret in the path, such as that of a
    /// webhook, is masked.
    pub fn endpoint(self, form: Form, rules: &Rules) -> Text {
        let host = self.host().to_ascii_lowercase();
        let path = match form {
            Form::Host => &[][..],
            Form::Path => {
                self.path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
            }
        };
        // A webhook is known by its whole URL.
        let name = String::from_utf8_lossy(without_port(&host));
        let path = rules.mask_path(&name, path);
        let url = [SCHEME.as_bytes(), &host, &path].concat();
        let url = Text::masked(rules, &url, MAX_ENDPOINT_BYTES.saturating_add(SCHEME.len()));
        match url.text.strip_prefix(SCHEME) {
            Some(endpoint) => Text { text: endpoint.into(), cut: url.cut },
            None => url,
        }
    }
}

const SCHEME: &str = "https://";

/// The names by which clients address the gateway itself.
#[derive(Clone, Debug, Default)]
pub struct GatewayAuthorities(Vec<Box<str>>);

impl GatewayAuthorities {
    /// From lower-case authorities: `name` matches on any port, `name:port` on that one.
    pub fn new(authorities: Vec<Box<str>>) -> Self {
        Self(authorities)
    }

    /// Whether a request with this authority is addressed to the gateway itself.
    pub fn contains(&self, authority: &[u8]) -> bool {
        let name = without_port(authority);
        self.0.iter().any(|own| {
            own.as_bytes().eq_ignore_ascii_case(authority)
                || own.as_bytes().eq_ignore_ascii_case(name)
        })
    }
}

fn without_port(authority: &[u8]) -> &[u8] {
    let Some(colon) = authority.iter().rposition(|byte| *byte == b':') else { return authority };
    let (name, port) = authority.split_at(colon);
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    if is_port { name } else { authority }
}

/// Letters, digits, `-` and `_` in two or more labels (RFC 1123, and `_` as seen in the wild), and
/// an optional port.
pub(crate) fn is_host_name(authority: &[u8]) -> bool {
    let name = without_port(authority);
    let is_label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.contains(&b'.') && name.split(|byte| *byte == b'.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_name_host_and_path_and_never_the_query() {
        let rules = Rules::default();
        for (authority, path, endpoint) in [
            ("api.openai.com", "/v1/models", "api.openai.com/v1/models"),
            ("API.OpenAI.com:443", "/v1/models?limit=2", "api.openai.com/v1/models"),
            ("host.example:8443", "/", "host.example:8443/"),
            ("user:pass@host.example", "/a", "host.example/a"),
            ("host.example", "/a#b?c", "host.example/a"),
            ("host.example", "/model/x%3A1/invoke", "host.example/model/x%3A1/invoke"),
            ("host.example", "", "host.example"),
            ("host.example", "*", "host.example*"),
        ] {
            let target = Target::new(authority.as_bytes(), path.as_bytes());
            assert_eq!(&*target.endpoint(Form::Path, &rules).text, endpoint);
        }
        let target = Target::new(b"api.openai.com", b"/v1/models");
        assert_eq!(&*target.endpoint(Form::Host, &rules).text, "api.openai.com");
    }

    #[test]
    fn a_token_in_the_path_is_masked() {
        let token = "aB3".repeat(8);
        let rules = Rules::default();
        for (host, path, masked) in [
            ("hooks.slack.com", format!("/services/T024BE7LD/B024BE7LD/{token}"), "/services/"),
            ("api.telegram.org", format!("/bot123456789:A{token}bcdefghijk/sendMessage"), "/bot"),
            ("api.example.com", format!("/v1/sk-ant-api03-{token}{token}{token}{token}/x"), "/v1/"),
        ] {
            let endpoint = Target::new(host.as_bytes(), path.as_bytes());
            let Text { text, .. } = endpoint.endpoint(Form::Path, &rules);
            assert!(
                !text.contains(&token) && text.starts_with(&format!("{host}{masked}")),
                "{text}"
            );
            assert!(text.contains("***REDACTED***"), "{text}");
        }
    }

    #[test]
    fn an_endless_path_is_cut_and_says_so() {
        let target = Target::new(b"h.example", &[b"/", &[b'a'; 60_000][..]].concat())
            .endpoint(Form::Path, &Rules::default());
        assert_eq!((target.text.len(), target.cut), (MAX_ENDPOINT_BYTES, true));
    }

    #[test]
    fn path_style_becomes_host_style() {
        for (path, authority, rest) in [
            ("/api.openai.com/v1/models?a=b", "api.openai.com", "/v1/models?a=b"),
            ("/api.openai.com", "api.openai.com", "/"),
            ("/h.example:8443/x", "h.example:8443", "/x"),
        ] {
            let target = Target::new(b"localhost:10000", path.as_bytes()).host_style().unwrap();
            assert_eq!(target, Target::new(authority.as_bytes(), rest.as_bytes()));
        }
    }

    #[test]
    fn a_path_without_a_host_name_stays_as_it_is() {
        for path in [
            "",
            "/",
            "/v1/models",
            "/h.example?a=b",
            "//h.example/",
            "/a b.c/",
            "/.a/",
            "/a..b/",
            "/u@h.example/",
        ] {
            assert_eq!(Target::new(b"localhost", path.as_bytes()).host_style(), None, "{path}");
        }
    }

    #[test]
    fn the_gateway_knows_its_own_names() {
        let own = ["localhost", "[::1]", "gateway:10000"].map(Into::into).to_vec();
        let own = GatewayAuthorities::new(own);
        for (authority, is_own) in [
            ("localhost", true),
            ("LOCALHOST:10000", true),
            ("[::1]", true),
            ("[::1]:10000", true),
            ("gateway:10000", true),
            ("gateway:10001", false),
            ("gateway", false),
            ("localhost.example", false),
            ("", false),
        ] {
            assert_eq!(own.contains(authority.as_bytes()), is_own, "{authority}");
        }
    }
}
