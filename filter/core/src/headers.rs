//! What each header name means to the filter, compiled once.
//!
//! A request carries twenty headers and the configuration names a dozen. Asking the host for each
//! name in turn costs a crossing per question and sees only the first of duplicates; so the whole
//! header map is walked once, and each name is looked up in a table that is indexed by its length.
//! Most headers end at an empty row or at one comparison.

use std::collections::BTreeMap;

use crate::{identity::Claim, limits::Limit, mask::Rules, stream::media_types, text::Text};

/// The bytes of logged header values that one message may add to its entry.
pub const MAX_LOGGED_BYTES: usize = 2048;

/// One reason to look at a header. A name may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `:authority`.
    Authority,
    /// `:method`.
    Method,
    /// `:path`.
    Path,
    /// `:status`.
    Status,
    /// `content-type`.
    ContentType,
    /// `content-encoding`.
    ContentEncoding,
    /// `content-length`.
    ContentLength,
    /// `accept`.
    Accept,
    /// `accept-encoding`.
    AcceptEncoding,
    /// `sec-websocket-extensions`.
    WebsocketExtensions,
    /// `retry-after`.
    RetryAfter,
    /// `retry-after-ms`.
    RetryAfterMs,
    /// The client's own count of its tries, from 0.
    RetryCount,
    /// The client's own count of its tries, from 1, among other parameters.
    RetryAttempt,
    /// How much is left of a limit.
    Remaining(Limit),
    /// `grpc-status`.
    GrpcStatus,
    /// It is a call of Connect: what failed has its code in the body.
    ConnectProtocol,
    /// `mcp-method`.
    McpMethod,
    /// `mcp-name`.
    McpName,
    /// `mcp-protocol-version`.
    McpProtocolVersion,
    /// `mcp-session-id`.
    McpSessionId,
    /// Says what a call to a model or a tool was about.
    Meaning,
    /// `traceparent`.
    TraceParent,
    /// A claim of the caller about itself, with the rank of this name among its sources.
    Claim(Claim, u8),
    /// A source of the correlation id, with its rank.
    Correlation(u8),
    /// A source of the correlation id in the form of a W3C `traceparent`, with its rank.
    CorrelationTrace(u8),
    /// The name under which the correlation id goes upstream.
    CorrelationOut,
    /// The provider's own id of the request, with its rank.
    UpstreamRequestId(u8),
    /// The caller wants the connection for another protocol.
    Upgrade,
    /// `connection`: names the headers that are for the next hop only.
    Connection,
    /// `te`, of which `trailers` alone may go on.
    Te,
    /// Carries a credential, with its rank; only if the operator has a key for fingerprints.
    Credential(u8),
    /// Logged with its value: the operator put it on the allow-list.
    Log,
    /// Removed from the message before it goes on.
    Strip,
}

/// Headers that concern this gateway and whoever is next to it, and nobody beyond: they never go on,
/// in either direction. `connection`, `te` and what `connection` [names](nominated) are the others.
///
/// Source: RFC 9110, sections 7.6.1 and 11.7; RFC 7540, section 3.2.1; Envoy itself leaves the credentials of the proxy in a
/// request.
pub(crate) const HOP_BY_HOP: [&str; 6] = [
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
];

/// Headers that frame a message: they are Envoy's to set and to remove.
const FRAMING: [&str; 7] =
    ["connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"];

/// Whether the header frames the message.
pub(crate) fn is_framing(name: &str) -> bool {
    FRAMING.contains(&name)
}

/// The headers that a `connection` header names, and that may therefore not go on: in lower case,
/// without those that frame the message and without its own options. Envoy refuses a request that
/// names more than ten; of more than [`MAX_NOMINATED`] the first count.
pub(crate) fn nominated(connection: &[u8]) -> impl Iterator<Item = String> {
    let names = connection.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let names = names.filter(|name| (1..=128).contains(&name.len()));
    let names = names.filter_map(|name| std::str::from_utf8(name).ok());
    names.map(str::to_ascii_lowercase).filter(|name| is_nominable(name)).take(MAX_NOMINATED)
}

const MAX_NOMINATED: usize = 32;

fn is_nominable(name: &str) -> bool {
    !is_framing(name) && !name.starts_with(':') && !matches!(name, "close" | "keep-alive")
}

/// Whether `trailers` is among the members of a `te` header.
pub(crate) fn takes_trailers(te: &[u8]) -> bool {
    te.split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// The roles of all header names of one message.
#[derive(Clone, Debug, Default)]
pub struct HeaderTable {
    /// Invariant: every name in row `n` is lower-case and `n` bytes long.
    rows: Vec<Vec<Row>>,
}

#[derive(Clone, Debug)]
struct Row {
    name: Box<str>,
    roles: Vec<Role>,
}

impl HeaderTable {
    /// Gives `name` (lower-case) one more role.
    pub fn add(&mut self, name: &str, role: Role) {
        if self.rows.len() <= name.len() {
            self.rows.resize_with(name.len().saturating_add(1), Vec::new);
        }
        let Some(row) = self.rows.get_mut(name.len()) else { return };
        match row.iter_mut().find(|known| *known.name == *name) {
            Some(known) if known.roles.contains(&role) => {}
            Some(known) => known.roles.push(role),
            None => row.push(Row { name: name.into(), roles: vec![role] }),
        }
    }

    /// The name, as it was added, and the roles of the header `name`, if it has any. Names are
    /// compared without regard to case.
    pub fn find(&self, name: &[u8]) -> Option<(&str, &[Role])> {
        let row = self.rows.get(name.len())?;
        let known = row.iter().find(|known| known.name.as_bytes().eq_ignore_ascii_case(name))?;
        Some((&known.name, &known.roles))
    }
}

/// The allow-listed headers of one message.
#[derive(Clone, Debug, Default)]
pub struct LoggedHeaders {
    values: BTreeMap<Box<str>, String>,
    bytes: usize,
    cut: bool,
}

impl LoggedHeaders {
    /// Keeps `value`, masked, as far as the bound allows. Values of one name are joined by a comma, as in
    /// RFC 9110, section 5.3.
    pub fn push(&mut self, rules: &Rules, name: &str, unverified_value: &[u8]) {
        let room = MAX_LOGGED_BYTES.saturating_sub(self.bytes).saturating_sub(name.len());
        let value = Text::masked(rules, unverified_value, room);
        self.cut |= value.cut;
        if value.text.is_empty() {
            return;
        }
        self.bytes = self.bytes.saturating_add(name.len()).saturating_add(value.text.len());
        match self.values.get_mut(name) {
            Some(values) => *values = [values.as_str(), &value.text].join(", "),
            None => drop(self.values.insert(name.into(), value.text.into())),
        }
    }

    /// Values by name.
    pub fn values(&self) -> &BTreeMap<Box<str>, String> {
        &self.values
    }

    /// Whether a value was cut or left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

/// The media type of a `content-type` value, without parameters and in lower case. Of several,
/// joined by commas, each stands there once.
pub fn media_type(rules: &Rules, unverified_value: &[u8]) -> Text {
    const MAX_BYTES: usize = 128;
    let mut types: Vec<_> = Vec::new();
    for media_type in media_types(unverified_value) {
        if !media_type.is_empty() && !types.contains(&media_type) {
            types.push(media_type);
        }
    }
    let Text { text, cut } = Text::masked(rules, &types.join(&b", "[..]), MAX_BYTES);
    Text { text: text.to_ascii_lowercase().into(), cut }
}

/// Whether `name` carries a credential: such a header may pass, and is never logged.
///
/// The names are the union of what clients send and what log scrubbers deny by default; the
/// fragments catch the vendors' own names.
pub fn is_credential(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "api-key",
        "apikey",
        "cookie",
        "idempotency-key",
        "private-token",
        "proxy-authenticate",
        "proxy-authentication-info",
        "set-cookie",
        "www-authenticate",
    ];
    const FRAGMENTS: [&str; 10] = [
        "-key",
        "apikey",
        "authorization",
        "credential",
        "csrf",
        "passw",
        "secret",
        "signature",
        "token",
        "xsrf",
    ];
    NAMES.contains(&name) || FRAGMENTS.iter().any(|fragment| name.contains(fragment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_case_with_all_its_roles() {
        let mut table = HeaderTable::default();
        table.add("x-user-id", Role::Claim(Claim::UserId, 0));
        table.add("x-user-id", Role::Strip);
        table.add("x-user-id", Role::Strip);
        table.add("x-agent-i", Role::Log);
        let (name, roles) = table.find(b"X-User-Id").unwrap();
        assert_eq!((name, roles), ("x-user-id", &[Role::Claim(Claim::UserId, 0), Role::Strip][..]));
        for unknown in [&b""[..], b"x-user-ie", b"x-user-id ", b"x-user-\xff\xff", &[b'x'; 60_000]]
        {
            assert!(table.find(unknown).is_none());
        }
    }

    #[test]
    fn a_connection_names_what_is_for_one_hop() {
        for (connection, named) in [
            (&b"x-internal"[..], &["x-internal"][..]),
            (b"Close, X-One ,\tx-Two", &["x-one", "x-two"]),
            (b"Keep-Alive, Upgrade, TE, Host, Content-Length, :path", &[]),
            (b", ,\xff,x-a", &["x-a"]),
            (b"", &[]),
        ] {
            assert_eq!(nominated(connection).collect::<Vec<_>>(), named);
        }
        let many = b"x-a,".repeat(20_000);
        assert_eq!(nominated(&many).count(), MAX_NOMINATED);
        for (te, trailers) in
            [("trailers", true), ("gzip, Trailers", true), ("gzip", false), ("", false)]
        {
            assert_eq!(takes_trailers(te.as_bytes()), trailers, "{te}");
        }
    }

    #[test]
    fn media_types_lose_their_parameters() {
        for (value, media) in [
            ("application/json", "application/json"),
            ("Text/Event-Stream; charset=utf-8", "text/event-stream"),
            ("multipart/form-data;boundary=x", "multipart/form-data"),
            ("text/event-stream, text/event-stream", "text/event-stream"),
            ("application/json; a=\"x,y\", image/png;q=1", "application/json, image/png"),
            (" ", ""),
            (",", ""),
        ] {
            assert_eq!(&*media_type(&Rules::default(), value.as_bytes()).text, media);
        }
    }

    #[test]
    fn credential_names_are_known() {
        for name in [
            "authorization",
            "proxy-authorization",
            "proxy-authenticate",
            "proxy-authentication-info",
            "cookie",
            "x-api-key",
            "x-goog-api-key",
            "api-key",
            "x-amz-security-token",
            "mcp-param-api-token",
            "x-vault-token",
            "xi-api-key",
            "x-csrftoken",
            "cf-access-client-secret",
            "dd-application-key",
            "x-shopify-access-token",
            "stripe-signature",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in
            ["user-agent", "content-type", "openai-organization", "x-request-id", "mcp-method"]
        {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn logged_headers_are_bounded() {
        let mut logged = LoggedHeaders::default();
        let rules = Rules::default();
        logged.push(&rules, "via", b"a");
        logged.push(&rules, "via", b"b");
        assert_eq!(logged.values(), &[("via".into(), "a, b".into())].into());
        (0..1000).for_each(|_| logged.push(&rules, "user-agent", &[b'a'; 100]));
        let bytes: usize =
            logged.values().iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MAX_LOGGED_BYTES && logged.is_cut());
    }
}
