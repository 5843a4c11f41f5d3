//! `policy.yaml`, compiled: after this no host is malformed, named twice or wider than the mesh allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use ledgerline_core::config::HostSettings;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::yaml;

/// What the calls of a mesh may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) topology: Topology,
    pub(super) mode: Mode,
    pub(super) allow: Vec<Host>,
    /// Names, `*.` and a name, or `*`; they win over `allow`.
    pub(super) block: Vec<String>,
    /// Invariant: every host of every namespace is covered by `allow`.
    pub(super) namespaces: BTreeMap<String, Vec<String>>,
    /// Where Istio reads what goes for every namespace.
    pub(super) root_namespace: String,
}

/// A host that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// A DNS name in lower case.
    pub(super) name: String,
    /// Where it speaks TLS.
    pub(super) port: u16,
    /// The keys of the filter's `hosts` rule that differ for it.
    pub(super) settings: Map<String, Value>,
}

/// Which objects a host needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Topology {
    /// Istio with sidecars and an egress gateway.
    Istio,
    /// Istio without sidecars, and a waypoint for the way out.
    IstioAmbient,
    /// Istio with the filter in every sidecar.
    IstioMeshWide,
    /// Envoy Gateway.
    EnvoyGateway,
}

impl Topology {
    /// Only the gateway's own StatefulSet takes part in the mode `blocking`.
    fn refuses(self, mode: &Spanned<Mode>) -> Option<Problem> {
        let instead = match self {
            _ if mode.value == Mode::BestEffort => return None,
            Self::Istio => return None,
            Self::IstioAmbient | Self::EnvoyGateway => {
                "a low `local-max` in settings.yaml refuses calls while so much waits for the storage"
            }
            Self::IstioMeshWide => {
                "in the pods of others nothing refuses calls; use the topology `istio`"
            }
        };
        let text = format!("`blocking` does not work in this topology: {instead}");
        Some(Problem::new(mode.referenced.line(), "mode".to_owned(), text))
    }
}

/// What happens while a call cannot be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// It leaves.
    #[default]
    BestEffort,
    /// It does not.
    Blocking,
}

/// The lines (from 1) on which the members of the lists begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) allow: Vec<u64>,
    pub(super) block: Vec<u64>,
}

/// What is wrong, where, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    line: u64,
    key: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    topology: Topology,
    mode: Option<Spanned<Mode>>,
    allow: Option<Vec<Spanned<Value>>>,
    block: Option<Vec<Spanned<String>>>,
    namespaces: Option<BTreeMap<String, RawNamespace>>,
    root_namespace: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNamespace {
    allow: Vec<Spanned<String>>,
}

const TLS_PORT: u16 = 443;

/// Istio's own default.
const ROOT_NAMESPACE: &str = "istio-system";

impl Policy {
    /// Reads a `policy.yaml`.
    ///
    /// # Errors
    /// With everything that is wrong, each with its line and key.
    pub(super) fn read(text: &str) -> Result<(Self, Places), Vec<Problem>> {
        let raw: Raw = serde_saphyr::from_str(text).map_err(|error| vec![malformed(&error)])?;
        let mut problems = Vec::new();
        let allow = raw.allow.unwrap_or_default();
        let block = raw.block.unwrap_or_default();
        let places = Places {
            allow: allow.iter().map(|host| host.referenced.line()).collect(),
            block: block.iter().map(|host| host.referenced.line()).collect(),
        };
        let mode = raw.mode.map_or_else(Mode::default, |mode| {
            problems.extend(raw.topology.refuses(&mode));
            mode.value
        });
        let mut policy = Self {
            topology: raw.topology,
            mode,
            allow: allowed(&allow, &mut problems),
            block: blocked(&block, &mut problems),
            namespaces: BTreeMap::new(),
            root_namespace: root_namespace(raw.topology, raw.root_namespace, &mut problems),
        };
        for (name, namespace) in raw.namespaces.unwrap_or_default() {
            let hosts = policy.tightened(&name, &namespace.allow, &mut problems);
            policy.namespaces.insert(name, hosts);
        }
        if problems.is_empty() { Ok((policy, places)) } else { Err(problems) }
    }

    /// Whether `block` names this host, or every host below its name.
    pub(super) fn blocks(&self, host: &str) -> bool {
        self.block.iter().any(|pattern| covers(pattern, host))
    }

    /// The allowed hosts that no `block` takes away.
    pub(super) fn reachable(&self) -> impl Iterator<Item = &Host> {
        self.allow.iter().filter(|host| !self.blocks(&host.name))
    }

    /// The hosts that have a name here: allowed ones, and blocked ones, whose calls are to be seen.
    pub(super) fn known(&self) -> Vec<Host> {
        let is_new = |name: &&String| {
            !name.starts_with('*') && !self.allow.iter().any(|host| host.name == **name)
        };
        let blocked = self.block.iter().filter(is_new).cloned().map(Host::usual);
        self.allow.iter().cloned().chain(blocked).collect()
    }

    fn tightened(
        &self,
        namespace: &str,
        hosts: &[Spanned<String>],
        problems: &mut Vec<Problem>,
    ) -> Vec<String> {
        let line = hosts.first().map_or(0, |host| host.referenced.line());
        if self.topology == Topology::EnvoyGateway {
            let text = "Envoy Gateway cannot tell from which namespace a call comes; take it off, and \
                        give the namespace a gateway of its own";
            problems.push(Problem::new(line, format!("namespaces.{namespace}"), text));
        }
        if !is_label(namespace) {
            let key = format!("namespaces.{namespace}");
            problems.push(Problem::new(line, key, "expected the name of a namespace"));
        }
        let mut names = Vec::new();
        for (index, host) in hosts.iter().enumerate() {
            let problem = |text: String| {
                let key = format!("namespaces.{namespace}.allow[{index}]");
                Problem::new(host.referenced.line(), key, text)
            };
            let name = host.value.to_ascii_lowercase();
            if !self.allow.iter().any(|allowed| allowed.name == name) {
                problems.push(problem(format!(
                    "`{name}` is not in `allow`: a namespace may only call less than the mesh; \
                     add it to `allow`, or take it off here"
                )));
            } else if names.contains(&name) {
                problems.push(problem(format!("`{name}` is here twice; take one off")));
            }
            names.push(name);
        }
        names
    }
}

fn root_namespace(
    topology: Topology,
    name: Option<Spanned<String>>,
    problems: &mut Vec<Problem>,
) -> String {
    let Some(name) = name else { return ROOT_NAMESPACE.to_owned() };
    let text = match topology {
        Topology::IstioMeshWide if is_label(&name.value) => return name.value,
        Topology::IstioMeshWide => "expected the name of a namespace",
        _ => "nothing of this topology is in Istio's root namespace; take it off",
    };
    problems.push(Problem::new(name.referenced.line(), "root_namespace", text));
    ROOT_NAMESPACE.to_owned()
}

/// Whether a name, or every name below it, is this host (or pattern).
fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => pattern == host,
    }
}

fn allowed(hosts: &[Spanned<Value>], problems: &mut Vec<Problem>) -> Vec<Host> {
    let mut names = BTreeSet::new();
    let mut read = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let line = host.referenced.line();
        match Host::read(&host.value) {
            Ok(host) if names.insert(host.name.clone()) => read.push(host),
            Ok(host) => problems.push(Problem::new(
                line,
                format!("allow[{index}]"),
                format!("`{}` is here twice; take one off", host.name),
            )),
            Err((key, text)) => {
                problems.push(Problem::new(line, format!("allow[{index}]{key}"), text));
            }
        }
    }
    read
}

fn blocked(hosts: &[Spanned<String>], problems: &mut Vec<Problem>) -> Vec<String> {
    let mut read = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let mut problem = |text| {
            problems.push(Problem::new(host.referenced.line(), format!("block[{index}]"), text));
        };
        match block_pattern(&host.value) {
            Ok(name) if read.contains(&name) => {
                problem(format!("`{name}` is here twice; take one off"));
            }
            Ok(name) => read.push(name),
            Err(text) => problem(text),
        }
    }
    read
}

impl Host {
    /// A host with nothing that differs.
    fn plain(name: String, port: u16) -> Self {
        Self { name, port, settings: Map::new() }
    }

    /// A host on the port of HTTPS.
    pub(super) fn usual(name: String) -> Self {
        Self::plain(name, TLS_PORT)
    }

    /// Reads what a person writes on a command line: `HOST` or `HOST:PORT`.
    pub(super) fn from_argument(text: &str) -> Result<Self, String> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && !port.starts_with('/') => {
                (name, port.parse().ok().filter(|port| *port != 0).ok_or_else(|| bad_port(port))?)
            }
            _ => (text, TLS_PORT),
        };
        Ok(Self::plain(allow_name(name)?, port))
    }

    /// Reads a member of `allow`; an error is a key below it and a sentence.
    fn read(value: &Value) -> Result<Self, (String, String)> {
        let here = |text| (String::new(), text);
        let mut settings = match value {
            Value::String(name) => {
                return allow_name(name).map(Self::usual).map_err(here);
            }
            Value::Object(settings) => settings.clone(),
            other => return Err(here(format!("`{other}` is no host; {WANTED}"))),
        };
        let Some(Value::String(name)) = settings.remove("host") else {
            return Err((".host".to_owned(), format!("no name; {WANTED}")));
        };
        let name = allow_name(&name).map_err(|text| (".host".to_owned(), text))?;
        let port = match settings.remove("port") {
            None => TLS_PORT,
            Some(port) => read_port(&port).map_err(|text| (".port".to_owned(), text))?,
        };
        check_settings(&name, &settings)?;
        Ok(Self { name, port, settings })
    }

    /// Whether it speaks TLS where the world does.
    pub(super) fn has_usual_port(&self) -> bool {
        self.port == TLS_PORT
    }
}

const WANTED: &str =
    "write `- api.example.com`, or `- host: api.example.com` with settings below it";

fn read_port(port: &Value) -> Result<u16, String> {
    let number = port.as_u64().and_then(|port| u16::try_from(port).ok());
    number.filter(|port| *port != 0).ok_or_else(|| bad_port(port))
}

fn bad_port(port: impl fmt::Display) -> String {
    format!("`{port}` is no port; write a number from 1 to 65535")
}

/// The filter's own type reads the settings, so that they are exactly what it knows.
fn check_settings(name: &str, settings: &Map<String, Value>) -> Result<(), (String, String)> {
    let known = setting_keys();
    for key in settings.keys() {
        if matches!(key.as_str(), "call" | "hosts") {
            let text = "it is not set here: `allow` and `block` decide who may be called";
            return Err((format!(".{key}"), text.to_owned()));
        }
        if !known.contains(key) {
            let known = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let text = format!("there is no such setting; there are `host`, `port`, {known}");
            return Err((format!(".{key}"), text));
        }
    }
    for (key, value) in settings {
        let mut rule = Map::from_iter([(key.clone(), value.clone())]);
        rule.insert("hosts".to_owned(), vec![name].into());
        serde_json::from_value::<HostSettings>(rule.into())
            .map_err(|error| (format!(".{key}"), error.to_string()))?;
    }
    Ok(())
}

/// The keys of the filter's `hosts` rule that are settings.
fn setting_keys() -> Vec<String> {
    let schema = schemars::schema_for!(HostSettings).to_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys = properties.into_iter().flat_map(Map::keys);
    keys.filter(|key| !matches!(key.as_str(), "call" | "hosts")).cloned().collect()
}

/// A host as it may stand in `allow`.
fn allow_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    if name.starts_with('*') {
        return Err(format!(
            "`{name}` stands for many hosts; the way to each (its address, the name in its certificate) is \
             written beforehand: list them one by one"
        ));
    }
    dns_name(&name)
}

/// A host as it may stand in `block`.
pub(super) fn block_pattern(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    match name.strip_prefix('*') {
        Some("") => Ok(name),
        Some(below) if below.starts_with('.') => {
            dns_labels(below.trim_start_matches('.')).map(|()| name)
        }
        _ => dns_name(&name),
    }
}

/// A name of a host outside the cluster.
fn dns_name(name: &str) -> Result<String, String> {
    dns_labels(name)?;
    let is_inside = [".cluster.local", ".svc"].iter().any(|end| name.ends_with(end));
    if is_inside || !name.contains('.') {
        return Err(format!(
            "`{name}` is a name inside the cluster; only hosts outside are listed"
        ));
    }
    Ok(name.to_owned())
}

/// A DNS name (RFC 1123), in lower case.
fn dns_labels(name: &str) -> Result<(), String> {
    if let Some((_, rest)) = name.split_once("://") {
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        return Err(format!("`{name}` is a URL; write the host alone: `{host}`"));
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return Err(format!(
            "`{name}` is an address; write a name, against which a certificate can be checked"
        ));
    }
    if let Some((host, port)) = name.split_once(':') {
        return Err(format!(
            "`{name}` has a port; write `- host: {host}` and `port: {port}` below it"
        ));
    }
    if let Some(host) = name.strip_suffix('.') {
        return Err(format!("`{name}` ends with a dot; write `{host}`"));
    }
    if name.contains('*') {
        return Err(format!(
            "`{name}`: a `*` stands alone before the first dot, as in `*.example.com`"
        ));
    }
    let numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = name.len() <= 253
        && name.split('.').all(is_label)
        && !name.rsplit('.').next().is_some_and(numeric);
    match is_name {
        true => Ok(()),
        false => Err(format!(
            "`{name}` is no DNS name: labels of 1 to 63 letters (a to z; others as `xn--`), digits \
             and `-`, with dots between them"
        )),
    }
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn malformed(error: &serde_saphyr::Error) -> Problem {
    let line = error.location().map_or(0, |location| location.line());
    Problem::new(line, String::new(), yaml::malformed_in_its_line(error))
}

impl Problem {
    fn new(line: u64, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { line, key: key.into(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, key, text } = self;
        if *line > 0 {
            write!(f, "{line}: ")?;
        }
        match key.as_str() {
            "" => f.write_str(text),
            key => write!(f, "{key}: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(policy: &str) -> String {
        let problems = Policy::read(policy).unwrap_err();
        problems.iter().map(|problem| format!("{problem}\n")).collect()
    }

    #[test]
    fn a_policy_is_read_as_it_is_meant() {
        let text = "topology: istio\nmode: blocking\nallow:\n- API.OpenAI.com\n\
                    - { host: mcp.example.com, port: 8443, mask_outbound: true }\n\
                    block: ['*.Example.net', mcp.example.com]\nnamespaces:\n  a: { allow: [api.OPENAI.com] }\n";
        let (policy, places) = Policy::read(text).unwrap();
        assert_eq!((policy.topology, policy.mode), (Topology::Istio, Mode::Blocking));
        assert_eq!(policy.allow[0], Host::usual("api.openai.com".to_owned()));
        assert_eq!((&*policy.allow[1].name, policy.allow[1].port), ("mcp.example.com", 8443));
        assert_eq!(policy.allow[1].settings["mask_outbound"], true);
        assert_eq!(policy.block, ["*.example.net", "mcp.example.com"]);
        assert_eq!(policy.namespaces["a"], ["api.openai.com"]);
        assert_eq!(places, Places { allow: vec![4, 5], block: vec![6, 6] });
        assert_eq!(
            policy.reachable().map(|host| &*host.name).collect::<Vec<_>>(),
            ["api.openai.com"]
        );
        let (policy, _) = Policy::read("topology: istio\n").unwrap();
        assert_eq!((policy.mode, policy.allow.len()), (Mode::BestEffort, 0));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_its_key_and_a_fix() {
        for (allow, problem) in [
            ("https://api.openai.com/v1", "is a URL; write the host alone: `api.openai.com`"),
            ("192.0.2.7", "is an address; write a name"),
            ("'2001:db8::1'", "is an address"),
            ("'[::1]'", "is an address"),
            ("api.openai.com:8443", "write `- host: api.openai.com` and `port: 8443` below it"),
            ("api.openai.com.", "ends with a dot; write `api.openai.com`"),
            ("'*.openai.azure.com'", "list them one by one"),
            ("'*'", "list them one by one"),
            ("'api.*.com'", "a `*` stands alone before the first dot"),
            ("reviews", "is a name inside the cluster"),
            ("reviews.default.svc", "is a name inside the cluster"),
            ("reviews.default.svc.cluster.local", "is a name inside the cluster"),
            ("a_b.example", "is no DNS name"),
            ("-a.example", "is no DNS name"),
            ("a..example", "is no DNS name"),
            ("a.123", "is no DNS name"),
            ("bücher.example", "others as `xn--`"),
            ("a.example/v1", "is no DNS name"),
            ("7", "`7` is no host; write `- api.example.com`"),
            ("[a.example]", "is no host"),
            ("{ port: 443 }", "allow[0].host: no name"),
            ("{ host: a.example, port: 0 }", "allow[0].port: `0` is no port; write a number"),
            ("{ host: a.example, port: 65536 }", "allow[0].port: `65536` is no port"),
            ("{ host: a.example, port: '443' }", "is no port"),
            ("{ host: a.example, call: allow }", "allow[0].call: it is not set here"),
            ("{ host: a.example, hosts: [] }", "allow[0].hosts: it is not set here"),
            ("{ host: a.example, outbound: true }", "there are `host`, `port`, `mask_outbound`"),
            ("{ host: a.example, mask_outbound: 1 }", "allow[0].mask_outbound: invalid type"),
            (
                "{ host: a.example, secret_to_wrong_host: block }",
                "allow[0].secret_to_wrong_host: unknown variant `block`, expected `allow` or `deny`",
            ),
        ] {
            let said = problems(&format!("topology: istio\nallow:\n- {allow}\n"));
            assert!(said.starts_with("3: allow[0]") && said.contains(problem), "{allow}: {said}");
        }
        for topology in ["istio-ambient", "istio-mesh-wide", "envoy-gateway"] {
            let said = problems(&format!("topology: {topology}\nmode: blocking\n"));
            assert!(
                said.starts_with("2: mode: `blocking` does not work in this topology"),
                "{said}"
            );
        }
        for (rest, problem) in [
            ("allow: [a.example, A.example]", "2: allow[1]: `a.example` is here twice"),
            ("block: [a.example, A.example]", "2: block[1]: `a.example` is here twice"),
            ("block: ['*a.example']", "2: block[0]: `*a.example`: a `*` stands alone"),
            (
                "allow: [a.example]\nnamespaces: { b: { allow: [c.example] } }",
                "3: namespaces.b.allow[0]: `c.example` is not in `allow`: a namespace may only",
            ),
            (
                "allow: [a.example]\nnamespaces: { b_c: { allow: [a.example] } }",
                "3: namespaces.b_c: expected the name of a namespace",
            ),
            ("alow: [a.example]", "unknown field `alow`"),
            ("mode: strict", "unknown variant `strict`"),
            ("namespaces: { b: { block: [a.example] } }", "unknown field `block`"),
            (
                "allow: [a.example]\nallow: [b.example]",
                "3: the key `allow` stands there twice; leave out one",
            ),
            ("allow: [a.example\n", "2: "),
        ] {
            let said = problems(&format!("topology: istio\n{rest}\n"));
            assert!(said.contains(problem), "{rest}: {said}");
        }
        let gateway = "topology: envoy-gateway\nallow: [a.example]\nnamespaces: { b: { allow: [a.example] } }";
        assert!(problems(gateway).contains("3: namespaces.b: Envoy Gateway cannot tell"));
        assert!(problems("allow: []").contains("missing field `topology`"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let said = problems("topology: istio\nallow: [a, b.example, 10.0.0.1]\nblock: ['**']\n");
        assert_eq!(said.lines().count(), 3, "{said}");
    }
}
