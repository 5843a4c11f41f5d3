//! What the headers of a request say, and what is to change on them.

use super::{Edits, content::Content, note_nominated};
use crate::{
    config::Config,
    correlation, credential,
    endpoint::Target,
    entry::{Message, Retry},
    gate::Gate,
    headers::{Role, takes_trailers},
    identity::Identity,
    mask::{Rules, Syntax},
    meaning::{Clues, Meaning},
    outcome::Reason,
    passage::Passage,
    policy::Policy,
    stream::Kind,
    text::{MAX_TEXT_BYTES, Text},
    version::HttpVersion,
};

/// The request, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) seen: bool,
    pub(super) method: Option<Text>,
    /// Whether the caller asks for a tunnel instead of a call.
    pub(super) is_tunnel: bool,
    /// Whether an SDK of AWS made it: `amz-sdk-request` is theirs.
    pub(super) is_from_aws_sdk: bool,
    pub(super) http_version: Option<HttpVersion>,
    pub(super) endpoint: Option<Text>,
    pub(super) host: Option<Text>,
    pub(super) identity: Identity,
    pub(super) correlation_id: Option<Box<str>>,
    pub(super) trace_id: Option<Box<str>>,
    pub(super) credential: Option<Box<str>>,
    pub(super) retry: Retry,
    /// Whether the caller asks for another protocol, whichever it is.
    pub(super) asks_to_switch: bool,
    /// What its `connection` names: not even its trailers take that along.
    pub(super) nominated: Vec<Box<str>>,
    /// Whether it is a call of Connect.
    pub(super) is_connect: bool,
    pub(super) content: Content,
    pub(super) passage: Passage,
}

impl Request {
    /// Reads the headers: what to change on them, and where the call is bound.
    pub(super) fn read<'c, 'h>(
        &mut self,
        config: &'c Config,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        random: impl FnOnce() -> [u8; 16],
    ) -> (Edits<'c>, Target<'h>, Option<Box<Meaning>>) {
        let rules = &*config.reading.rules;
        let mut edits = Edits::default();
        let mut scan = Scan::default();
        for (name, value) in headers {
            let Some((name, roles)) = config.request_headers.find(name) else { continue };
            for role in roles {
                match *role {
                    Role::Strip => edits.remove.push(name.into()),
                    Role::Connection => {
                        note_nominated(value, &mut self.nominated, &mut edits);
                    }
                    Role::Method => {
                        self.method = Some(Text::masked(rules, value, 32));
                        self.is_tunnel = value == b"CONNECT";
                        scan.clues.method = value;
                    }
                    Role::TraceParent => {
                        self.trace_id = correlation::trace_id(value).map(Into::into)
                    }
                    Role::Upgrade => {
                        self.asks_to_switch = true;
                        if value.eq_ignore_ascii_case(b"websocket") {
                            self.content.write_in(Syntax::Opaque);
                            self.content.kind = Some(Kind::Websocket);
                        }
                    }
                    Role::ConnectProtocol => self.is_connect = true,
                    Role::RetryCount => self.retry.note_count(value),
                    Role::RetryAttempt => {
                        self.retry.note_attempt(value);
                        self.is_from_aws_sdk = true;
                    }
                    Role::Claim(claim, rank) => self.identity.claim(rules, claim, rank, value),
                    role => {
                        scan.note(rules, role, value);
                        self.content.note(rules, role, name, value);
                    }
                }
            }
        }
        self.seen = true;
        scan.cut_te(&mut edits);
        self.correlate(scan, config, random, &mut edits);
        self.fingerprint(scan, config);
        let target = self.bind(scan, config, &mut edits);
        let trace_id = self.trace_id.as_deref();
        let clues = Clues { host: target.host(), path: target.path(), trace_id, ..scan.clues };
        let meaning = Meaning::new(&config.tables, &config.reading.rules, &clues);
        if config.plain_answers.applies(meaning.as_deref()) {
            scan.ask_for_plain(&mut edits);
        }
        (edits, target, meaning)
    }

    /// A body may follow on its way to `host`: what has to watch it, unless it must not leave at all.
    pub(super) fn open(
        &mut self,
        config: &Config,
        host: &[u8],
        policy: Policy,
        edits: &mut Edits<'_>,
    ) -> Result<Option<Gate>, Reason> {
        let syntax = self.content.syntax();
        let gate = Gate::new(policy, host, &config.gates, &syntax);
        if gate.as_ref().is_some_and(Gate::masks) {
            if syntax == Syntax::Opaque {
                return Err(Reason::UnmaskableBody);
            }
            edits.remove.push("content-length".into());
        }
        self.passage.open(&config.reading, syntax);
        if let Some(kind) = self.content.kind.filter(|kind| kind.is_two_way()) {
            self.passage.open_stream(&config.reading, kind, config.list_events);
        }
        Ok(gate)
    }

    /// What an entry says of it.
    pub(super) fn message(&self) -> Message<'_> {
        Message { http_version: self.http_version, ..self.content.message(&self.passage) }
    }

    /// Tells which credential was used, if the operator has a key for that.
    fn fingerprint(&mut self, scan: Scan<'_>, config: &Config) {
        let Some(fingerprints) = &config.fingerprints else { return };
        let credential = scan.credential.map(|(_, credential)| credential);
        let credential = credential.or_else(|| credential::in_query(scan.path));
        self.credential = credential.map(|credential| fingerprints.of(credential));
    }

    /// Takes the caller's correlation id or makes one, and passes it on.
    fn correlate<'c>(
        &mut self,
        scan: Scan<'_>,
        config: &'c Config,
        random: impl FnOnce() -> [u8; 16],
        edits: &mut Edits<'c>,
    ) {
        let id = match scan.correlation_id {
            Some((_, id)) => id.into(),
            None => correlation::new_id(random()),
        };
        // What the caller wants removed on the way would be the id, too, and is set again behind that.
        if let Some(name) = &config.correlation_header
            && (scan.passed_on != id.as_bytes() || edits.remove.iter().any(|one| **one == **name))
        {
            edits.set.push((name, id.as_bytes().to_vec()));
        }
        self.correlation_id = Some(id);
    }

    /// Takes the id that the gateway answered with, if it is one.
    pub(super) fn correlate_late(&mut self, config: &Config, answered: &[u8]) {
        if let Some(id) = usable_id(&config.reading.rules, answered) {
            self.correlation_id = Some(id.into());
        }
    }

    /// Finds out where the request is bound, and binds a path-style one for its true host.
    fn bind<'h>(&mut self, scan: Scan<'h>, config: &Config, edits: &mut Edits<'_>) -> Target<'h> {
        let rules = &config.reading.rules;
        let mut target = Target::new(scan.authority, scan.path);
        if config.gateway_authorities.contains(scan.authority)
            && let Some(host_style) = target.host_style()
        {
            target = host_style;
            // Envoy's DNS cache takes names in upper and lower case for two.
            edits.set.push((":authority", target.authority().to_ascii_lowercase()));
            edits.set.push((":path", target.path().to_vec()));
            edits.reroute = true;
        }
        if !target.host().is_empty() {
            self.host = Some(Text::masked(rules, target.host(), MAX_TEXT_BYTES));
            self.endpoint = Some(target.endpoint(config.endpoint_form, rules));
        }
        target
    }
}

/// What is needed of a request's headers only while they are read.
#[derive(Clone, Copy, Default)]
struct Scan<'h> {
    authority: &'h [u8],
    path: &'h [u8],
    correlation_id: Option<(u8, &'h str)>,
    credential: Option<(u8, &'h [u8])>,
    /// The header under which the correlation id goes upstream, as it came in.
    passed_on: &'h [u8],
    /// Whether the caller takes a compressed answer, or compressed messages of a WebSocket.
    takes_encoded: bool,
    takes_extensions: bool,
    /// Whether there was a `te`, and whether one took trailers.
    te: Option<bool>,
    has_other_te: bool,
    clues: Clues<'h>,
}

impl<'h> Scan<'h> {
    /// Leaves the caller no choice but an answer that can be looked into.
    fn ask_for_plain(self, edits: &mut Edits<'_>) {
        if self.takes_encoded && !edits.remove.iter().any(|name| name == "accept-encoding") {
            edits.set.push(("accept-encoding", b"identity".to_vec()));
        }
        if self.takes_extensions {
            edits.remove.push("sec-websocket-extensions".into());
        }
    }

    /// Of what `te` says `trailers` alone goes on, which gRPC needs.
    fn cut_te(self, edits: &mut Edits<'_>) {
        match self.te {
            Some(true) if self.has_other_te => edits.set.push(("te", b"trailers".to_vec())),
            Some(false) => edits.remove.push("te".into()),
            _ => {}
        }
    }

    fn note(&mut self, rules: &Rules, role: Role, value: &'h [u8]) {
        match role {
            Role::Authority => self.authority = value,
            Role::Path => self.path = value,
            Role::Correlation(rank) => {
                prefer(&mut self.correlation_id, rank, usable_id(rules, value))
            }
            Role::CorrelationTrace(rank) => {
                prefer(&mut self.correlation_id, rank, correlation::trace_id(value));
            }
            Role::CorrelationOut => self.passed_on = value,
            Role::Credential(rank) => {
                prefer(&mut self.credential, rank, credential::in_header(value));
            }
            Role::AcceptEncoding => {
                self.takes_encoded = !value.trim_ascii().eq_ignore_ascii_case(b"identity");
            }
            Role::WebsocketExtensions => self.takes_extensions = true,
            Role::Te => {
                self.te = Some(self.te == Some(true) || takes_trailers(value));
                self.has_other_te |= !value.trim_ascii().eq_ignore_ascii_case(b"trailers");
            }
            Role::Accept => {
                self.clues.accepts_events = accepts_events(value);
                self.clues.waits_for_events = names(value, b"text/event-stream");
            }
            Role::McpMethod => self.clues.mcp_method = some(value),
            Role::McpName => self.clues.mcp_name = some(value),
            Role::McpProtocolVersion => self.clues.mcp_protocol_version = some(value),
            Role::McpSessionId => self.clues.mcp_session_id = some(value),
            _ => {}
        }
    }
}

/// A caller's id that is no secret: masked it would join calls that do not belong together.
fn usable_id<'h>(rules: &Rules, value: &'h [u8]) -> Option<&'h str> {
    correlation::usable_id(value).filter(|id| rules.mask_text(id) == *id)
}

/// Whether a client takes JSON and events alike, as MCP demands of its clients.
fn accepts_events(accept: &[u8]) -> bool {
    names(accept, b"application/json") && names(accept, b"text/event-stream")
}

fn names(accept: &[u8], media_type: &[u8]) -> bool {
    accept.windows(media_type.len()).any(|name| name.eq_ignore_ascii_case(media_type))
}

/// A header's value, unless it is empty.
fn some(value: &[u8]) -> Option<&[u8]> {
    (!value.trim_ascii().is_empty()).then_some(value)
}

/// Keeps the value of the lowest rank; of two with the same rank, the first.
fn prefer<T>(standing: &mut Option<(u8, T)>, rank: u8, value: Option<T>) {
    let outranks = standing.as_ref().is_none_or(|(standing, _)| rank < *standing);
    if let (Some(value), true) = (value, outranks) {
        *standing = Some((rank, value));
    }
}
