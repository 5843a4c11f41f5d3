//! What may leave for which host.
//!
//! Whether a host may be called at all, and whether what the masker finds in a request stops or
//! changes it, is the operator's decision, host by host. The list is ordered and the first rule that names the host
//! counts; what it leaves open is as for all hosts.

/// What a host name of a rule looks like.
pub const HOST_PATTERN: &str =
    "`api.example.com`, `*.example.com` for every name below, or `*` for every host";

/// What holds for the requests to one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether a call may leave at all.
    pub call: Action,
    /// What leaves is masked: the body, and the head but for the credential of the call.
    pub mask_outbound: bool,
    /// Whether what is only likely a secret is replaced there, too.
    pub mask_outbound_likely: bool,
    /// What becomes of a request that shows a credential of another provider.
    pub secret_to_wrong_host: Action,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It may leave.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

/// The policies of all hosts.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    rules: Vec<(Box<[HostPattern]>, Policy)>,
    otherwise: Policy,
}

impl Policies {
    /// Policies of which the first that names a host counts, and the one for all other hosts.
    pub fn new(rules: Vec<(Box<[HostPattern]>, Policy)>, otherwise: Policy) -> Self {
        Self { rules, otherwise }
    }

    /// What holds for `host`, with or without a port.
    pub fn of(&self, host: &[u8]) -> Policy {
        if self.rules.is_empty() {
            return self.otherwise;
        }
        let name = bare_name(host);
        let names_it = |(patterns, _): &&(Box<[HostPattern]>, Policy)| {
            patterns.iter().any(|pattern| pattern.matches(&name))
        };
        self.rules.iter().find(names_it).map_or(self.otherwise, |(_, policy)| *policy)
    }
}

/// A host, or all hosts below a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Exact(Box<str>),
    /// Every host whose name ends with this: a dot and a name, or nothing at all.
    Ends(Box<str>),
}

impl HostPattern {
    /// Reads a pattern, in any case and with or without the dot that may end a name in DNS, as a call
    /// may write its host.
    ///
    /// # Errors
    /// If no host of a call could ever be named by it.
    pub fn parse(pattern: &str) -> Result<Self, NoHost> {
        let lower = pattern.to_ascii_lowercase();
        let name = match lower.strip_suffix('.') {
            Some(name) if !name.ends_with(['.', '*']) => name,
            _ => lower.as_str(),
        };
        match name.strip_prefix('*') {
            Some("") => Ok(Self::Ends("".into())),
            Some(below) => {
                check_name(below.strip_prefix('.').ok_or(NoHost::Wildcard)?)?;
                Ok(Self::Ends(below.into()))
            }
            None => check_name(name).map(|()| Self::Exact(name.into())),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(host) => **host == *name,
            Self::Ends(end) => name.ends_with(&**end),
        }
    }
}

/// Why a text names no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHost {
    /// It has a scheme.
    Url,
    /// It has a port, or is an IPv6 address.
    Colon,
    /// It has a path, a query or user information.
    Path,
    /// It holds white space or a control character.
    Space,
    /// It holds letters that are none of ASCII.
    NotAscii,
    /// A `*` does not stand alone before the first dot.
    Wildcard,
    /// It is empty, or there is nothing before, between or behind its dots.
    Dots,
    /// A label has more than 63 bytes, or the name more than 253 (RFC 1035, 2.3.4).
    Long,
    /// It holds another character that no name has.
    Character,
}

impl NoHost {
    /// What is wrong, and what to write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "this is a URL: write its host alone",
            Self::Colon => {
                "there is a `:`: leave out the port, a rule holds for every port of a host (an IPv6 address cannot be named)"
            }
            Self::Path => "there is more than a host: leave out path, query and user",
            Self::Space => "there is white space or a control character in it",
            Self::NotAscii => {
                "there are letters outside of ASCII: write the name as it crosses the wire, with `xn--`"
            }
            Self::Wildcard => "a `*` stands alone, or alone before the first dot",
            Self::Dots => "there is nothing before, between or behind its dots",
            Self::Long => "a name has at most 253 bytes, and 63 between two dots",
            Self::Character => "a name has letters, digits, `-`, `_` and dots",
        }
    }
}

/// Whether a host of a call could have this name.
fn check_name(name: &str) -> Result<(), NoHost> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match name {
        _ if name.contains("://") => Err(NoHost::Url),
        _ if name.contains(['/', '?', '#', '@', '\\']) => Err(NoHost::Path),
        _ if name.contains(|c: char| c.is_whitespace() || c.is_control()) => Err(NoHost::Space),
        _ if name.contains([':', '[', ']']) => Err(NoHost::Colon),
        _ if !name.is_ascii() => Err(NoHost::NotAscii),
        _ if name.contains('*') => Err(NoHost::Wildcard),
        _ if name.split('.').any(str::is_empty) => Err(NoHost::Dots),
        _ if name.len() > 253 || name.split('.').any(|label| label.len() > 63) => Err(NoHost::Long),
        _ if !name.bytes().all(is_part) => Err(NoHost::Character),
        _ => Ok(()),
    }
}

/// The name of a host as rules and providers know it: lower-case, without its port and without the
/// dot that may end a name in DNS.
pub(crate) fn bare_name(host: &[u8]) -> String {
    let host = String::from_utf8_lossy(host).to_ascii_lowercase();
    let name = host.split(':').next().unwrap_or_default();
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_hosts() {
        for (pattern, host, named) in [
            ("api.openai.com", "api.openai.com", true),
            ("API.OpenAI.com", "api.openai.com:8443", true),
            ("api.openai.com", "Api.OpenAI.com.", true),
            ("api.openai.com", "eu.api.openai.com", false),
            ("*.openai.azure.com", "my.openai.azure.com", true),
            ("*.openai.azure.com", "a.b.openai.azure.com", true),
            ("*.openai.azure.com", "openai.azure.com", false),
            ("*.openai.azure.com", "notopenai.azure.com", false),
            ("*", "anything", true),
            ("up.test.", "up.test", true),
            ("up.test.", "UP.test.:443", true),
            ("up.test", "up.test.", true),
            ("*.up.test.", "a.up.test", true),
            ("*.up.test.", "up.test", false),
            ("xn--bcher-kva.example", "XN--bcher-kva.example", true),
        ] {
            let policy = Policy { mask_outbound: true, ..Policy::default() };
            let patterns = Box::new([HostPattern::parse(pattern).unwrap()]);
            let policies = Policies::new(vec![(patterns, policy)], Policy::default());
            assert_eq!(policies.of(host.as_bytes()).mask_outbound, named, "{pattern} {host}");
        }
    }

    #[test]
    fn what_could_never_name_a_host_is_refused_and_says_why() {
        use NoHost::{Character, Colon, Dots, Long, NotAscii, Path, Space, Url, Wildcard};
        let (label, name) = ("a".repeat(64), ["a.".repeat(126), "ab".to_owned()].concat());
        for (pattern, problem) in [
            ("", Dots),
            (".", Dots),
            ("..", Dots),
            (".a.b", Dots),
            ("a..b", Dots),
            ("a.b..", Dots),
            ("*.", Dots),
            ("*..", Dots),
            ("*..a", Dots),
            ("*a.b", Wildcard),
            ("a.*", Wildcard),
            ("a.*.b", Wildcard),
            ("*.*.b", Wildcard),
            ("**", Wildcard),
            ("https://a.b", Url),
            ("HTTPS://A.B./v1", Url),
            ("*://a.b", Wildcard),
            ("*.https://a.b", Url),
            ("a.b:443", Colon),
            ("a.b.:443", Colon),
            ("*.a.b:*", Colon),
            ("[::1]", Colon),
            ("::1", Colon),
            ("a.b/v1", Path),
            ("u:p@a.b", Path),
            ("a.b?x", Path),
            ("a b", Space),
            (" a.b", Space),
            ("a.b\n", Space),
            ("a.b\u{200b}", NotAscii),
            ("b\u{fc}cher.example", NotAscii),
            ("a\u{3002}b", NotAscii),
            ("a,b", Character),
            ("~a.b", Character),
            (&*label, Long),
            (&*format!("*.{label}.a"), Long),
            (&*name, Long),
        ] {
            assert_eq!(HostPattern::parse(pattern), Err(problem), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_in_any_spelling_of_a_host_is_the_same() {
        for (pattern, same) in [
            ("up.test.", "up.test"),
            ("UP.Test.", "up.test"),
            ("*.up.test.", "*.up.test"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("a_b.up-1.test.", "a_b.up-1.test"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost.", "localhost"),
        ] {
            assert_eq!(HostPattern::parse(pattern), HostPattern::parse(same), "{pattern}");
            assert!(HostPattern::parse(same).is_ok(), "{same}");
        }
    }

    #[test]
    fn the_first_rule_that_names_a_host_counts() {
        let policy = |mask_outbound| Policy { mask_outbound, ..Policy::default() };
        let rule = |pattern, mask_outbound| {
            let patterns: Box<[_]> = Box::new([HostPattern::parse(pattern).unwrap()]);
            (patterns, policy(mask_outbound))
        };
        let rules = vec![rule("a.example", true), rule("*.example", false)];
        let policies = Policies::new(rules, policy(true));
        for (host, masks) in [("a.example", true), ("b.example", false), ("other.test", true)] {
            assert_eq!(policies.of(host.as_bytes()).mask_outbound, masks, "{host}");
        }
    }
}
