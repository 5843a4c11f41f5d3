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
    /// The body that leaves is the masked one.
    pub mask_outbound: bool,
    /// What becomes of a body that shows a credential of another provider.
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
    /// Reads a pattern, in any case; `None` if it is none.
    pub fn parse(pattern: &str) -> Option<Self> {
        let pattern = pattern.to_ascii_lowercase();
        let (name, is_wildcard) = match pattern.strip_prefix('*') {
            Some(rest) => (rest, true),
            None => (pattern.as_str(), false),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match (is_wildcard, name.strip_prefix('.')) {
            (true, _) if name.is_empty() => Some(Self::Ends(name.into())),
            (true, Some(rest)) if !rest.is_empty() && rest.bytes().all(is_name) => {
                Some(Self::Ends(name.into()))
            }
            (false, None) if !name.is_empty() && name.bytes().all(is_name) => {
                Some(Self::Exact(name.into()))
            }
            _ => None,
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(host) => **host == *name,
            Self::Ends(end) => name.ends_with(&**end),
        }
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
        ] {
            let policy = Policy { mask_outbound: true, ..Policy::default() };
            let patterns = Box::new([HostPattern::parse(pattern).unwrap()]);
            let policies = Policies::new(vec![(patterns, policy)], Policy::default());
            assert_eq!(policies.of(host.as_bytes()).mask_outbound, named, "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_none() {
        for pattern in ["", "*.", "*a.b", "a.*", "https://a.b", "a.b:443", "a b", ".a.b", "**"] {
            assert_eq!(HostPattern::parse(pattern), None, "{pattern}");
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
