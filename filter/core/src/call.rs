//! The way of one call through the gateway, from its first header to its entry.
//!
//! The shell tells a [`Call`] what happens, in the order in which it happens, and does what the
//! call answers. Nothing is guaranteed to happen: a call may end before its headers were understood
//! and a body may end without a last chunk, so each method works in any state, and [`Call::finish`]
//! makes an entry out of whatever is known by then.

use std::{borrow::Cow, rc::Rc};

use crate::{
    config::Config,
    correlation, credential,
    digest::End,
    endpoint::Target,
    entry::{Agent, Entry, Message, RateLimit, Retry, Source, Stream, Timing, Upstream},
    gate::{Gate, Onward},
    headers::{LoggedHeaders, Role, media_type},
    identity::Identity,
    mask::{Masked, Rules, Syntax},
    meaning::{Clues, Meaning},
    outcome::{self, Ending, Outcome, Reason, Verdict},
    passage::Passage,
    refusal::Refusal,
    stream::{Kind, Said},
    text::{MAX_TEXT_BYTES, Text},
    time::{Monotonic, Timestamp},
};

/// One of the two messages of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// From the caller to the provider.
    Request,
    /// From the provider, or the gateway itself, to the caller.
    Response,
}

/// Both clocks, read together when the request headers arrive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Wall time: when.
    pub wall: Timestamp,
    /// Monotonic time: the zero of all durations of the call.
    pub monotonic: Monotonic,
}

/// Which facts of an ended call are not known yet. Each costs the host a look-up, so only those
/// are asked for that this call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedFacts {
    /// The request headers: no callback brought them.
    pub request_headers: bool,
    /// The status: no response headers were seen.
    pub status: bool,
    /// The number of upstream attempts: the operator wants it.
    pub upstream_attempts: bool,
}

/// What the host knows about an ended call. Empty and `None` stand for "it did not say".
#[derive(Clone, Debug, Default)]
pub struct HostFacts {
    /// The status that went to the caller.
    pub status: Option<u16>,
    /// Envoy's response code details.
    pub code_details: Vec<u8>,
    /// The address of the upstream that was chosen, as `ip:port`.
    pub upstream_address: Vec<u8>,
    /// How often the gateway tried an upstream.
    pub upstream_attempts: Option<u64>,
}

/// What the shell does to a message before it goes on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edits<'a> {
    /// Headers to remove.
    pub remove: Vec<&'a str>,
    /// Headers to set, in place of any of the same name.
    pub set: Vec<(&'a str, Vec<u8>)>,
    /// Whether the request is bound elsewhere than its route was chosen for.
    pub reroute: bool,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    config: Rc<Config>,
    started: Moment,
    request: Request,
    response: Response,
    /// Stands where not every request body may leave as it came.
    gate: Option<Gate>,
    /// What the call is about, if it is a call to a model or a tool.
    meaning: Option<Box<Meaning>>,
    /// When the entry was set last, in a stream.
    recorded: Monotonic,
    refused: Option<Reason>,
    refusal_is_sent: bool,
}

#[derive(Debug, Default)]
struct Request {
    seen: bool,
    method: Option<Text>,
    endpoint: Option<Text>,
    host: Option<Text>,
    identity: Identity,
    correlation_id: Option<Box<str>>,
    trace_id: Option<Box<str>>,
    credential: Option<Box<str>>,
    retry: Retry,
    content: Content,
    passage: Passage,
}

#[derive(Debug, Default)]
struct Response {
    seen_after_us: Option<u64>,
    status: Option<u16>,
    retry_after: bool,
    retry: Retry,
    rate_limit: RateLimit,
    /// The word of gRPC for how the call ended, once it came.
    grpc_status: Option<u64>,
    upstream_request_id: Option<(u8, Text)>,
    content: Content,
    passage: Passage,
}

/// What the headers say about a body.
#[derive(Debug, Default)]
struct Content {
    media_type: Option<Text>,
    encoding: Option<Text>,
    logged: LoggedHeaders,
    written_in: Option<Syntax>,
    /// How the body is divided into events, by its type.
    kind: Option<Kind>,
    has_length: bool,
    /// Whether its bytes are compressed, or encoded in another way.
    is_encoded: bool,
}

impl Content {
    /// Takes note of a header that both messages have.
    fn note(&mut self, rules: &Rules, role: Role, name: &str, value: &[u8]) {
        match role {
            Role::ContentType => {
                self.media_type = Some(media_type(rules, value));
                self.kind = self.kind.or(Kind::of(value));
                self.write_in(syntax_of(value));
            }
            Role::ContentEncoding => {
                self.encoding = Some(Text::masked(rules, value.trim_ascii(), 64));
                if Syntax::of(b"", value) == Syntax::Opaque {
                    self.write_in(Syntax::Opaque);
                    self.is_encoded = true;
                }
            }
            Role::ContentLength => self.has_length = true,
            Role::Log => self.logged.push(rules, name, value),
            _ => {}
        }
    }

    /// Of several headers the first counts, unless one of them says that the body cannot be looked
    /// into.
    fn write_in(&mut self, syntax: Syntax) {
        if self.written_in.is_none() || syntax == Syntax::Opaque {
            self.written_in = Some(syntax);
        }
    }

    fn syntax(&self) -> Syntax {
        self.written_in.clone().unwrap_or(Syntax::Text)
    }

    /// How an answer of this content is divided into events. Of one that is encoded nobody sees the
    /// events, and one of a known length is no stream.
    fn stream_kind(&self) -> Option<Kind> {
        match self.kind {
            Some(kind) if !self.is_encoded => Some(kind),
            _ if self.has_length => None,
            _ => Some(Kind::Chunked),
        }
    }
}

impl Call {
    /// A call of which nothing is known yet but that it `started`.
    pub fn new(config: Rc<Config>, started: Moment) -> Self {
        Self {
            config,
            started,
            request: Request::default(),
            response: Response::default(),
            gate: None,
            meaning: None,
            recorded: started.monotonic,
            refused: None,
            refusal_is_sent: false,
        }
    }

    /// The request headers arrived; `end` if no body follows. The answer is what to change on them:
    /// identity and stripped headers go, the correlation id is passed on, and a path-style target
    /// becomes a host-style one. `random` is asked only if no caller brought a correlation id.
    pub fn request_headers<'h>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        end: bool,
        random: impl FnOnce() -> [u8; 16],
    ) -> Edits<'_> {
        let Self { config, request, gate, meaning, refused, .. } = self;
        let (mut edits, host, found) = request.read(config, headers, random);
        *meaning = found;
        if end {
            request.passage.body_mut().finish(End::Complete);
            return edits;
        }
        match request.open(config, host, &mut edits) {
            Ok(watched) => *gate = watched,
            Err(reason) => *refused = Some(reason),
        }
        edits
    }

    /// The request headers of a call that ended before the filter saw it, such as one that was
    /// refused by a filter in front. There is nothing left to change on them.
    pub fn late_request_headers<'h>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        random: impl FnOnce() -> [u8; 16],
    ) {
        let Self { config, request, .. } = self;
        let (_, _, meaning) = request.read(config, headers, random);
        self.meaning = meaning;
    }

    /// The response headers arrived; `end` if no body follows. The answer is what to change on them.
    pub fn response_headers<'h>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        end: bool,
        at: Monotonic,
    ) -> Edits<'_> {
        let Self { config, request, response, meaning, .. } = self;
        let rules = &config.reading.rules;
        let mut edits = Edits::default();
        response.seen_after_us = Some(at.micros_since(self.started.monotonic));
        for (name, value) in headers {
            let Some((name, roles)) = config.response_headers.find(name) else { continue };
            for role in roles {
                match *role {
                    Role::Status => response.status = parse_status(value),
                    Role::RetryAfter => {
                        response.retry_after = true;
                        response.retry.note_after(value);
                    }
                    Role::RetryAfterMs => response.retry.note_after_ms(value),
                    Role::Remaining(limit) => response.rate_limit.note(limit, value),
                    Role::GrpcStatus => response.note_grpc_status(value),
                    Role::Meaning => {
                        if let Some(meaning) = meaning {
                            meaning.response_header(name, value);
                        }
                    }
                    Role::UpstreamRequestId(rank) => response.claim_request_id(rules, rank, value),
                    Role::Strip => edits.remove.push(name),
                    role => response.content.note(rules, role, name, value),
                }
            }
        }
        match end {
            true => response.passage.body_mut().finish(End::Complete),
            false => response.open(config, request),
        }
        edits
    }

    /// Whether [`Call::response_trailers`] would find something in the trailers of the response.
    pub fn wants_response_trailers(&self) -> bool {
        self.response.content.kind == Some(Kind::Grpc)
    }

    /// The trailers of the response arrived.
    pub fn response_trailers<'h>(&mut self, trailers: impl Iterator<Item = (&'h [u8], &'h [u8])>) {
        for (name, value) in trailers {
            let roles = self.config.response_headers.find(name).map_or(&[][..], |found| found.1);
            if roles.contains(&Role::GrpcStatus) {
                self.response.note_grpc_status(value);
            }
        }
    }

    /// Whether the request body has to go through [`Call::pass`] and [`Call::pass_end`].
    pub fn is_gated(&self) -> bool {
        self.gate.is_some()
    }

    /// The next bytes of a gated request body. What may go on in their place is added to `onward`,
    /// unless the call is refused by now.
    pub fn pass(&mut self, chunk: &[u8], onward: &mut Onward, now: impl FnOnce() -> Monotonic) {
        let Self { request, gate: Some(gate), meaning, .. } = self else { return };
        let passage = &mut request.passage;
        if passage.is_stream() {
            passage.note_time(now());
        }
        let mut hear = |said: Said<'_>| hear(meaning, Side::Request, said);
        if let Err(reason) = gate.pass(passage, chunk, onward, &mut hear) {
            self.refuse(reason);
        }
    }

    /// A gated request body ended. What was held back of it is added to `onward`, unless the call is
    /// refused by now.
    pub fn pass_end(&mut self, end: End, onward: &mut Onward) {
        let Self { request, gate: Some(gate), meaning, .. } = self else { return };
        let mut hear = |said: Said<'_>| hear(meaning, Side::Request, said);
        if let Err(reason) = gate.finish(&mut request.passage, end, onward, &mut hear) {
            self.refuse(reason);
        }
    }

    /// A gated request body could not be read or changed, so it must not go on.
    pub fn fail(&mut self) {
        self.request.passage.body_mut().lose();
        self.refuse(Reason::FilterFault);
    }

    /// Whether the call is refused: nothing of it may go on any more.
    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// The answer to a refused call, once.
    pub fn refusal(&mut self) -> Option<Refusal> {
        let reason = self.refused?;
        let is_first = !std::mem::replace(&mut self.refusal_is_sent, true);
        is_first.then(|| Refusal::new(reason, self.request.correlation_id.as_deref()))
    }

    fn refuse(&mut self, reason: Reason) {
        self.refused.get_or_insert(reason);
    }

    /// The next bytes of a body. `now` is asked only where it matters when they passed.
    pub fn body(&mut self, side: Side, chunk: &[u8], now: impl FnOnce() -> Monotonic) {
        let Self { config, request, response, meaning, .. } = self;
        let (content, passage) = match side {
            Side::Request => (&request.content, &mut request.passage),
            Side::Response => (&response.content, &mut response.passage),
        };
        if passage.body().is_closed() {
            passage.open(&config.reading, content.syntax());
        }
        if passage.is_stream() {
            passage.note_time(now());
        }
        passage.push(chunk, &mut |_| {}, &mut |said| hear(meaning, side, said));
    }

    /// Bytes of a body passed that could not be read.
    pub fn lose_body(&mut self, side: Side) {
        self.passage_of(side).body_mut().lose();
    }

    /// A message ended as it should.
    pub fn end(&mut self, side: Side, end: End) {
        let Self { request, response, meaning, .. } = self;
        let passage = match side {
            Side::Request => &mut request.passage,
            Side::Response => &mut response.passage,
        };
        passage.finish(end, &mut |_| {}, &mut |said| hear(meaning, side, said));
    }

    /// Whether a stream went on for so long since its entry was set that it is time to set it anew;
    /// if so, that counts as done.
    pub fn is_due(&mut self) -> bool {
        let spans = [&self.request.passage, &self.response.passage].map(Passage::span);
        let Some(last) = spans.into_iter().flatten().map(|(_, last)| last).max() else {
            return false;
        };
        let is_due = last.micros_since(self.recorded) >= REFRESH_US;
        if is_due {
            self.recorded = last;
        }
        is_due
    }

    /// The entry as it would stand if nothing more were ever heard of this call.
    pub fn provisional(&self) -> Entry<'_> {
        Entry {
            provisional: true,
            ..self.entry(self.response.status, Outcome::Error, Some(Reason::Unfinished))
        }
    }

    /// The facts that [`Call::finish`] needs beyond what this call saw.
    pub fn wanted_facts(&self) -> WantedFacts {
        WantedFacts {
            request_headers: !self.request.seen,
            status: self.response.status.is_none(),
            upstream_attempts: self.config.upstream_attempts,
        }
    }

    /// The call ended; this is its entry.
    pub fn finish<'a>(&'a mut self, at: Monotonic, facts: &'a HostFacts) -> Entry<'a> {
        let status = self.response.status.or(facts.status);
        let verdict = Verdict::of(Ending {
            status,
            code_details: &facts.code_details,
            retry_after: self.response.retry_after,
            response_cut: self.response.seen_after_us.is_some()
                && self.response.passage.body().end().is_none(),
            refusal: self.refused,
            answer: self.answer(),
            answer_has_ended: self.has_heard_all(),
        });
        self.end_bodies(verdict);
        let is_lost = |passage: &Passage| passage.body().is_lost();
        let lost = is_lost(&self.request.passage) || is_lost(&self.response.passage);
        let (outcome, reason) = match lost {
            true => (Outcome::Error, Some(Reason::FilterFault)),
            false => (verdict.outcome, verdict.reason),
        };
        let timing = Timing {
            duration_us: at.micros_since(self.started.monotonic),
            first_byte_us: self.response.seen_after_us,
        };
        Entry {
            timing: Some(timing),
            upstream: self.upstream(facts),
            ..self.entry(status, outcome, reason)
        }
    }

    fn passage_of(&mut self, side: Side) -> &mut Passage {
        match side {
            Side::Request => &mut self.request.passage,
            Side::Response => &mut self.response.passage,
        }
    }

    /// How the call ended by the answer's own words, if they tell against its status.
    fn answer(&self) -> Option<(Outcome, Reason)> {
        let by_grpc = self.response.grpc_status.and_then(outcome::of_grpc);
        by_grpc.or_else(|| self.meaning.as_ref()?.verdict())
    }

    /// Whether the last event of an answer has passed; a body of another kind ends where it ends.
    fn has_heard_all(&self) -> bool {
        let stream = self.response.passage.stream();
        let is_stream = stream.is_some_and(|stream| stream.kind() != Kind::Chunked);
        is_stream && self.meaning.as_ref().is_some_and(|meaning| meaning.has_ended())
    }

    fn end_bodies(&mut self, verdict: Verdict) {
        self.end(Side::Request, verdict.cut_end);
        if verdict.is_local {
            self.response.passage.body_mut().answer_locally();
        }
        self.end(Side::Response, verdict.cut_end);
    }

    fn entry(&self, status: Option<u16>, outcome: Outcome, reason: Option<Reason>) -> Entry<'_> {
        let Request { identity, passage, .. } = &self.request;
        Entry {
            timestamp: self.started.wall,
            agent_id: identity.agent_id.text().map(Cow::Borrowed),
            user_id: identity.user_id.text().map(Cow::Borrowed),
            endpoint: borrowed(&self.request.endpoint),
            method: borrowed(&self.request.method),
            status,
            request_hash: passage.digest(),
            response_hash: self.response.passage.digest(),
            outcome,
            correlation_id: self.request.correlation_id.as_deref().map(Cow::Borrowed),
            hash_key_id: self.config.reading.key.as_ref().map(|key| Cow::Borrowed(key.id())),
            reason,
            provisional: false,
            session_id: identity.session_id.text().map(Cow::Borrowed),
            agent: agent(identity),
            request: self.request.seen.then(|| message(&self.request.content, passage)),
            response: self
                .response
                .seen_after_us
                .map(|_| message(&self.response.content, &self.response.passage)),
            stream: self.stream(),
            gen_ai: self.meaning.as_ref().and_then(|meaning| meaning.gen_ai()),
            mcp: self.meaning.as_ref().and_then(|meaning| meaning.mcp()),
            upstream: None,
            retry: present(Retry { count: self.request.retry.count, ..self.response.retry }),
            rate_limit: present(self.response.rate_limit),
            trace_id: self.request.trace_id.as_deref().map(Cow::Borrowed),
            credential: self.request.credential.as_deref().map(Cow::Borrowed),
            timing: None,
            truncated: self.truncated(),
        }
    }

    fn stream(&self) -> Option<Stream> {
        let kind = self.response.passage.stream()?.kind();
        let span = self.response.passage.span();
        let at = |at: Monotonic| self.started.wall.after(at.micros_since(self.started.monotonic));
        let both_talk = matches!(kind, Kind::Websocket | Kind::Grpc);
        Some(Stream {
            kind,
            started_at: span.map(|(first, _)| at(first)),
            ended_at: span.map(|(_, last)| at(last)),
            response: self.response.passage.flow(),
            request: both_talk.then(|| self.request.passage.flow()),
        })
    }

    fn upstream<'a>(&'a self, facts: &'a HostFacts) -> Option<Upstream<'a>> {
        // Without an address no upstream was chosen, and the call never left.
        let address =
            std::str::from_utf8(&facts.upstream_address).ok().filter(|text| !text.is_empty())?;
        let request_id = self.response.upstream_request_id.as_ref();
        Some(Upstream {
            host: borrowed(&self.request.host),
            address: Some(Cow::Borrowed(address)),
            request_id: request_id.map(|(_, id)| Cow::Borrowed(&*id.text)),
            attempts: facts.upstream_attempts.filter(|attempts| *attempts > 1),
        })
    }

    fn truncated(&self) -> Vec<Cow<'_, str>> {
        let Request { identity, content, .. } = &self.request;
        let is_cut = |text: &Option<Text>| text.as_ref().is_some_and(|text| text.cut);
        let keys = [
            ("agent_id", identity.agent_id.is_cut()),
            ("user_id", identity.user_id.is_cut()),
            ("endpoint", is_cut(&self.request.endpoint)),
            ("method", is_cut(&self.request.method)),
            ("session_id", identity.session_id.is_cut()),
            ("agent.version", identity.agent_version.is_cut()),
            ("agent.deployment", identity.agent_deployment.is_cut()),
            ("request.type", is_cut(&content.media_type)),
            ("request.encoding", is_cut(&content.encoding)),
            ("request.headers", content.logged.is_cut()),
            ("response.type", is_cut(&self.response.content.media_type)),
            ("response.encoding", is_cut(&self.response.content.encoding)),
            ("response.headers", self.response.content.logged.is_cut()),
            ("stream.event_hashes", self.response.passage.is_list_cut()),
            ("stream.request.event_hashes", self.request.passage.is_list_cut()),
            ("upstream.host", is_cut(&self.request.host)),
        ];
        let cut = keys.into_iter().filter(|(_, cut)| *cut).map(|(key, _)| key);
        let meant = self.meaning.iter().flat_map(|meaning| meaning.cut_keys());
        cut.chain(meant).map(Cow::Borrowed).collect()
    }
}

/// How a body of this content type is written. Envoy joins several content types by a comma, and
/// nobody knows which of them the provider believes: one that cannot be looked into is enough.
fn syntax_of(content_type: &[u8]) -> Syntax {
    let mut types = content_type.split(|byte| *byte == b',');
    match types.any(|content_type| Syntax::of(content_type, b"") == Syntax::Opaque) {
        true => Syntax::Opaque,
        false => Syntax::of(content_type, b""),
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
    clues: Clues<'h>,
}

impl<'h> Scan<'h> {
    /// Leaves the caller no choice but an answer that can be looked into.
    fn ask_for_plain(self, edits: &mut Edits<'_>) {
        if self.takes_encoded && !edits.remove.contains(&"accept-encoding") {
            edits.set.push(("accept-encoding", b"identity".to_vec()));
        }
        if self.takes_extensions {
            edits.remove.push("sec-websocket-extensions");
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
            Role::Accept => self.clues.accepts_events = accepts_events(value),
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
    let accept = accept.to_ascii_lowercase();
    let names = |media_type: &[u8]| accept.windows(media_type.len()).any(|name| name == media_type);
    names(b"application/json") && names(b"text/event-stream")
}

/// Passes on what a body says to what wants to know what the call is about.
fn hear(meaning: &mut Option<Box<Meaning>>, side: Side, said: Said<'_>) {
    let Some(meaning) = meaning else { return };
    match (side, said) {
        (Side::Request, _) if !meaning.wants_request() => {}
        (Side::Request, Said::Content(bytes)) => meaning.request(bytes),
        (Side::Request, Said::End { .. }) => meaning.end_request(),
        (Side::Response, _) if !meaning.wants_response() => {}
        (Side::Response, Said::Content(bytes)) => meaning.response(bytes),
        (Side::Response, Said::End { name }) => meaning.end_response(name),
    }
}

/// A header's value, unless it is empty.
fn some(value: &[u8]) -> Option<&[u8]> {
    (!value.trim_ascii().is_empty()).then_some(value)
}

/// Something, unless it says nothing.
fn present<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// Keeps the value of the lowest rank; of two with the same rank, the first.
fn prefer<T>(standing: &mut Option<(u8, T)>, rank: u8, value: Option<T>) {
    let outranks = standing.as_ref().is_none_or(|(standing, _)| rank < *standing);
    if let (Some(value), true) = (value, outranks) {
        *standing = Some((rank, value));
    }
}

impl Request {
    /// Reads the headers: what to change on them, and the host that is called.
    fn read<'c, 'h>(
        &mut self,
        config: &'c Config,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        random: impl FnOnce() -> [u8; 16],
    ) -> (Edits<'c>, &'h [u8], Option<Box<Meaning>>) {
        let rules = &*config.reading.rules;
        let mut edits = Edits::default();
        let mut scan = Scan::default();
        for (name, value) in headers {
            let Some((name, roles)) = config.request_headers.find(name) else { continue };
            for role in roles {
                match *role {
                    Role::Strip => edits.remove.push(name),
                    Role::Method => self.method = Some(Text::masked(rules, value, 32)),
                    Role::TraceParent => {
                        self.trace_id = correlation::trace_id(value).map(Into::into)
                    }
                    Role::Upgrade if value.eq_ignore_ascii_case(b"websocket") => {
                        self.content.write_in(Syntax::Opaque);
                        self.content.kind = Some(Kind::Websocket);
                    }
                    Role::RetryCount => self.retry.note_count(value),
                    Role::RetryAttempt => self.retry.note_attempt(value),
                    Role::Claim(claim, rank) => self.identity.claim(rules, claim, rank, value),
                    role => {
                        scan.note(rules, role, value);
                        self.content.note(rules, role, name, value);
                    }
                }
            }
        }
        self.seen = true;
        self.correlate(scan, config, random, &mut edits);
        self.fingerprint(scan, config);
        let target = self.bind(scan, config, &mut edits);
        let clues = Clues { host: target.host(), path: target.path(), ..scan.clues };
        let meaning = Meaning::new(&config.tables, &config.reading.rules, &clues);
        if config.plain_answers.applies(meaning.as_deref()) {
            scan.ask_for_plain(&mut edits);
        }
        (edits, target.host(), meaning)
    }

    /// A body may follow on its way to `host`: what has to watch it, unless it must not leave at all.
    fn open(
        &mut self,
        config: &Config,
        host: &[u8],
        edits: &mut Edits<'_>,
    ) -> Result<Option<Gate>, Reason> {
        let syntax = self.content.syntax();
        let gate = Gate::new(config.policies.of(host), host, &config.credentials);
        if gate.as_ref().is_some_and(Gate::masks) {
            if syntax == Syntax::Opaque {
                return Err(Reason::UnmaskableBody);
            }
            edits.remove.push("content-length");
        }
        self.passage.open(&config.reading, syntax);
        if let Some(kind @ (Kind::Websocket | Kind::Grpc)) = self.content.kind {
            self.passage.open_stream(&config.reading, kind, config.list_events);
        }
        Ok(gate)
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
        if let Some(name) = &config.correlation_header
            && scan.passed_on != id.as_bytes()
        {
            edits.set.push((name, id.as_bytes().to_vec()));
        }
        self.correlation_id = Some(id);
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

impl Response {
    /// A body may follow the headers of the answer to `request`.
    fn open(&mut self, config: &Config, request: &mut Request) {
        let is_switched = self.status == Some(SWITCHING_PROTOCOLS);
        let is_websocket = request.content.kind == Some(Kind::Websocket);
        if is_switched {
            self.content.write_in(Syntax::Opaque);
        } else if is_websocket {
            request.passage.close_stream();
        }
        self.passage.open(&config.reading, self.content.syntax());
        let kind = match is_switched {
            true => is_websocket.then_some(Kind::Websocket),
            false => self.content.stream_kind(),
        };
        if let Some(kind) = kind {
            self.passage.open_stream(&config.reading, kind, config.list_events);
        }
    }

    fn note_grpc_status(&mut self, value: &[u8]) {
        let status = std::str::from_utf8(value).ok().and_then(|status| status.parse().ok());
        self.grpc_status = self.grpc_status.or(status);
    }

    fn claim_request_id(&mut self, rules: &Rules, rank: u8, value: &[u8]) {
        let id = value.trim_ascii();
        let outranked =
            self.upstream_request_id.as_ref().is_some_and(|(standing, _)| *standing <= rank);
        if !id.is_empty() && !outranked {
            self.upstream_request_id = Some((rank, Text::masked(rules, id, MAX_TEXT_BYTES)));
        }
    }
}

/// The status of an accepted upgrade: what follows are frames of another protocol.
const SWITCHING_PROTOCOLS: u16 = 101;

/// How long the entry of a stream may stand before it is set anew, in microseconds: Envoy's periodic
/// log prints what stands.
const REFRESH_US: u64 = 1_000_000;

fn parse_status(value: &[u8]) -> Option<u16> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn agent(identity: &Identity) -> Option<Agent<'_>> {
    let [name, version, deployment] =
        [&identity.agent_id, &identity.agent_version, &identity.agent_deployment]
            .map(|claimed| claimed.text().map(Cow::Borrowed));
    if name.is_none() && version.is_none() && deployment.is_none() {
        return None;
    }
    Some(Agent { name, version, deployment, source: Source::Claimed })
}

fn message<'a>(content: &'a Content, passage: &'a Passage) -> Message<'a> {
    let headers = content.logged.values();
    let body = passage.body();
    let masked = passage.masked().map(Masked::counts).filter(|counts| !counts.is_empty());
    Message {
        bytes: body.bytes(),
        media_type: borrowed(&content.media_type),
        encoding: borrowed(&content.encoding),
        end: body.end(),
        scan: body.scan(),
        masked: masked.map(Cow::Borrowed),
        headers: (!headers.is_empty()).then_some(Cow::Borrowed(headers)),
    }
}

fn borrowed(text: &Option<Text>) -> Option<Cow<'_, str>> {
    text.as_ref().map(|text| Cow::Borrowed(&*text.text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Settings, digest::Digest, entry::MAX_ENTRY_BYTES};
    use proptest::prelude::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    const REQUEST: Pairs<'_> = &[
        (":authority", "api.example.com"),
        (":path", "/v1/chat?key=1"),
        (":method", "POST"),
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", "Agent/1"),
        ("authorization", "Bearer sk-fake"),
        ("x-agent-id", "billing"),
        ("x-user-id", "u_1"),
        ("x-correlation-id", "wf-1"),
    ];
    const RESPONSE: Pairs<'_> = &[
        (":status", "200"),
        ("content-type", "text/event-stream"),
        ("request-id", "req_2"),
        ("x-request-id", "req_1"),
    ];

    fn bytes<'a>(pairs: Pairs<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
    }

    fn new_call(settings: &str) -> Call {
        let config = Config::try_from(Settings::from_json(settings.as_bytes()).unwrap()).unwrap();
        Call::new(Rc::new(config), Moment::default())
    }

    fn micros(micros: u64) -> Monotonic {
        Monotonic::from_micros(micros)
    }

    fn via_upstream() -> HostFacts {
        HostFacts {
            code_details: b"via_upstream".to_vec(),
            upstream_address: b"192.0.2.1:443".to_vec(),
            upstream_attempts: Some(1),
            ..HostFacts::default()
        }
    }

    fn line(entry: &Entry<'_>) -> String {
        let mut line = Vec::new();
        entry.write_to(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_whole_call_leaves_a_whole_entry() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), false, || [0; 16]);
        call.body(Side::Request, b"ab", || micros(8));
        call.body(Side::Request, b"c", || micros(8));
        call.end(Side::Request, End::Complete);
        call.response_headers(bytes(RESPONSE), false, micros(7));
        call.body(Side::Response, b"data: 1\n\n", || micros(8));
        call.end(Side::Response, End::Trailers);
        let facts = via_upstream();
        let expected = [
            r#"{"timestamp":"1970-01-01T00:00:00.000000Z","agent_id":"billing","user_id":"u_1","#,
            r#""endpoint":"api.example.com/v1/chat","method":"POST","status":200,"#,
            &format!(r#""request_hash":"{}","#, Digest::of(b"abc")),
            &format!(r#""response_hash":"{}","#, Digest::of(b"data: 1\n\n")),
            r#""outcome":"success","correlation_id":"wf-1","#,
            r#""agent":{"name":"billing","source":"claimed"},"#,
            r#""request":{"bytes":3,"type":"application/json","end":"complete","scan":"json","#,
            r#""headers":{"user-agent":"Agent/1"}},"#,
            r#""response":{"bytes":9,"type":"text/event-stream","end":"trailers","#,
            r#""scan":"json"},"stream":{"kind":"sse","started_at":"1970-01-01T00:00:00.000008Z","#,
            r#""ended_at":"1970-01-01T00:00:00.000008Z","events":1,"chunks":1,"chunk_chain":"#,
            r#""a09c24a4c18d960ce7d84aad3ec70c1591ab20daef65f2f22dcef01841d94a20"},"#,
            r#""upstream":{"host":"api.example.com","address":"192.0.2.1:443","request_id":"req_1"},"#,
            r#""timing":{"duration_us":9,"first_byte_us":7}}"#,
        ];
        assert_eq!(line(&call.finish(micros(9), &facts)), expected.concat());
    }

    #[test]
    fn identity_leaves_the_call_and_the_correlation_id_stays() {
        let mut call = new_call(r#"{"headers":{"strip_request":["user-agent"]}}"#);
        let edits = call.request_headers(bytes(REQUEST), true, || [0; 16]);
        assert_eq!(edits.remove, ["user-agent", "x-agent-id", "x-user-id"]);
        assert_eq!((edits.set, edits.reroute), (vec![], false));
    }

    #[test]
    fn the_first_usable_correlation_id_is_passed_on() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let made = "00000000-0000-4000-8000-000000000000";
        for (headers, id) in [
            (&[("x-request-id", "r"), ("traceparent", trace), ("x-trace-id", "t")][..], "t"),
            (
                &[("x-request-id", "r"), ("traceparent", trace), ("x-trace-id", "not one id")],
                trace_id,
            ),
            (&[("x-request-id", "r"), ("traceparent", "00-bad")], "r"),
            (&[("x-request-id", "")], made),
            (&[], made),
        ] {
            let mut call = new_call("{}");
            let edits = call.request_headers(bytes(headers), true, || [0; 16]);
            assert_eq!(edits.set, [("x-correlation-id", id.as_bytes().to_vec())]);
            assert_eq!(call.provisional().correlation_id.as_deref(), Some(id));
        }
    }

    #[test]
    fn a_path_style_call_is_bound_for_its_true_host() {
        let mut call = new_call(r#"{"correlation":{"header":null}}"#);
        let headers = [(":authority", "localhost:10000"), (":path", "/api.example.com/v1?a=b")];
        let edits = call.request_headers(bytes(&headers), true, || [0; 16]);
        let set = [(":authority", b"api.example.com".to_vec()), (":path", b"/v1?a=b".to_vec())];
        assert_eq!((edits.set, edits.reroute), (set.to_vec(), true));
        assert_eq!(call.provisional().endpoint.as_deref(), Some("api.example.com/v1"));
    }

    #[test]
    fn a_call_that_was_cut_keeps_the_digest_of_what_crossed() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), false, || [0; 16]);
        call.body(Side::Request, b"ab", || micros(8));
        let facts = HostFacts {
            code_details: b"downstream_remote_disconnect".into(),
            ..Default::default()
        };
        let entry = call.finish(micros(1), &facts);
        assert_eq!((entry.status, entry.request_hash), (None, Some(Digest::of(b"ab"))));
        assert_eq!(entry.request.unwrap().end, Some(End::Aborted));
        assert_eq!((entry.response, entry.response_hash), (None, None));
        assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::ClientDisconnect)));
    }

    #[test]
    fn the_gateways_own_answer_is_told_from_a_providers() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), true, || [0; 16]);
        call.response_headers(bytes(&[(":status", "403")]), false, micros(1));
        call.body(Side::Response, b"{}", || micros(8));
        call.end(Side::Response, End::Complete);
        let facts = HostFacts { code_details: b"route_not_found".into(), ..Default::default() };
        let entry = call.finish(micros(1), &facts);
        assert_eq!(entry.response.unwrap().end, Some(End::LocalReply));
        assert_eq!((entry.request_hash, entry.response_hash), (None, Some(Digest::of(b"{}"))));
        assert_eq!(
            (entry.outcome, entry.reason),
            (Outcome::PolicyBlocked, Some(Reason::HostNotAllowed))
        );
        assert_eq!(entry.upstream, None);
    }

    #[test]
    fn a_call_that_never_reached_the_filter_has_an_entry() {
        let mut call = new_call("{}");
        assert!(call.wanted_facts().request_headers && call.wanted_facts().status);
        call.late_request_headers(bytes(REQUEST), || [0; 16]);
        let facts = HostFacts {
            status: Some(403),
            code_details: b"rbac_access_denied_matched_policy[none]".into(),
            ..Default::default()
        };
        let entry = call.finish(micros(1), &facts);
        assert_eq!((entry.status, entry.request_hash), (Some(403), None));
        // An answer that was not seen has no length, not the length 0.
        assert_eq!(entry.response, None);
        assert_eq!(entry.endpoint.as_deref(), Some("api.example.com/v1/chat"));
        assert_eq!(
            (entry.outcome, entry.reason),
            (Outcome::PolicyBlocked, Some(Reason::RbacDenied))
        );
    }

    #[test]
    fn a_lost_chunk_is_a_fault_and_never_a_wrong_digest() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), false, || [0; 16]);
        call.lose_body(Side::Request);
        call.end(Side::Request, End::Complete);
        call.response_headers(bytes(RESPONSE), true, micros(1));
        let facts = via_upstream();
        let entry = call.finish(micros(1), &facts);
        assert_eq!((entry.request_hash, entry.reason), (None, Some(Reason::FilterFault)));
    }

    #[test]
    fn one_content_type_that_cannot_be_looked_into_is_enough() {
        for (headers, scan) in [
            (&[("content-type", "application/json")][..], "json"),
            (&[("content-type", "application/json,image/png")], "opaque"),
            (&[("content-type", "image/png"), ("content-type", "text/plain")], "opaque"),
            (&[("content-type", "text/plain"), ("content-encoding", "identity,br")], "opaque"),
            (&[("content-encoding", "identity")], "text"),
            (&[("upgrade", "WebSocket")], "opaque"),
            (&[("upgrade", "h2c")], "text"),
            (&[], "text"),
        ] {
            let mut call = new_call("{}");
            call.request_headers(bytes(headers), false, || [0; 16]);
            let scanned = call.provisional().request.unwrap().scan.unwrap();
            assert_eq!(scanned.as_str(), scan, "{headers:?}");
        }
    }

    #[test]
    fn an_id_that_is_a_secret_is_passed_over_and_one_in_a_name_is_masked() {
        let key = format!("sk-ant-{}-{}AA", "api03", "aB3".repeat(31));
        let mut call = new_call("{}");
        let headers = [
            ("x-correlation-id", key.as_str()),
            ("x-trace-id", "t-1"),
            ("x-agent-id", key.as_str()),
            ("content-type", key.as_str()),
            ("user-agent", key.as_str()),
            (":method", key.as_str()),
            (":authority", "api.example.com"),
        ];
        let edits = call.request_headers(bytes(&headers), false, || [0; 16]);
        assert_eq!(edits.set, [("x-correlation-id", b"t-1".to_vec())]);
        call.response_headers(bytes(&[("x-request-id", &key)]), true, micros(1));
        let facts = via_upstream();
        let entry = call.finish(micros(2), &facts);
        assert_eq!(entry.correlation_id.as_deref(), Some("t-1"));
        assert_eq!(entry.agent_id.as_deref(), Some("***REDACTED***"));
        let line = line(&entry).to_lowercase();
        assert!(!line.contains("ab3ab3"), "{line}");
    }

    fn gated(settings: &str, headers: Pairs<'_>) -> Call {
        let mut call = new_call(settings);
        call.request_headers(bytes(headers), false, || [0; 16]);
        call
    }

    #[test]
    fn a_body_that_cannot_be_masked_is_refused_at_the_headers() {
        let settings = r#"{"mask":{"outbound":true}}"#;
        let headers = [(":authority", "a.example"), ("content-encoding", "gzip")];
        let mut call = gated(settings, &headers);
        assert_eq!(call.refusal().unwrap().status, 415);
        assert!(call.is_refused() && call.refusal().is_none());
        let facts = HostFacts { status: Some(415), ..HostFacts::default() };
        let entry = call.finish(micros(1), &facts);
        assert_eq!(
            (entry.outcome, entry.reason, entry.request_hash),
            (Outcome::PolicyBlocked, Some(Reason::UnmaskableBody), None)
        );
        let mut bodiless = new_call(settings);
        bodiless.request_headers(bytes(&headers), true, || [0; 16]);
        assert!(!bodiless.is_refused());
    }

    #[test]
    fn a_masked_body_loses_its_length() {
        let mut call = new_call(r#"{"mask":{"outbound":true}}"#);
        let edits = call.request_headers(bytes(REQUEST), false, || [0; 16]);
        assert!(edits.remove.contains(&"content-length"));
        let mut call = new_call(r#"{"mask":{"secret_to_wrong_host":"deny"}}"#);
        let edits = call.request_headers(bytes(REQUEST), false, || [0; 16]);
        assert!(!edits.remove.contains(&"content-length") && call.is_gated());
        assert!(!gated("{}", REQUEST).is_gated());
    }

    #[test]
    fn what_could_not_be_read_or_changed_does_not_go_on() {
        let mut call = gated(r#"{"mask":{"outbound":true}}"#, REQUEST);
        call.fail();
        assert_eq!(call.refusal().unwrap().status, 503);
        let facts = HostFacts { status: Some(503), ..HostFacts::default() };
        let entry = call.finish(micros(1), &facts);
        assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::FilterFault)));
    }

    #[test]
    fn the_path_decides_which_policy_holds() {
        let settings = r#"{"hosts":[{"hosts":["api.example.com"],"mask_outbound":true}]}"#;
        let path_style = [(":authority", "localhost"), (":path", "/API.example.com:443/v1")];
        assert!(gated(settings, &path_style).is_gated());
        assert!(!gated(settings, &[(":authority", "localhost"), (":path", "/v1")]).is_gated());
    }

    const SSE: Pairs<'_> = &[(":status", "200"), ("content-type", "text/event-stream")];

    /// The line of a call with these messages, each body in pieces of `step` bytes.
    fn crossed(request: (Pairs<'_>, &str), response: (Pairs<'_>, &str), step: usize) -> String {
        let mut call = new_call("{}");
        call.request_headers(bytes(request.0), false, || [0; 16]);
        for piece in request.1.as_bytes().chunks(step) {
            call.body(Side::Request, piece, || micros(1));
        }
        call.end(Side::Request, End::Complete);
        call.response_headers(bytes(response.0), false, micros(2));
        for piece in response.1.as_bytes().chunks(step) {
            call.body(Side::Response, piece, || micros(3));
        }
        call.end(Side::Response, End::Complete);
        line(&call.finish(micros(4), &via_upstream()))
    }

    const CHAT: Pairs<'_> = &[
        (":authority", "api.openai.com"),
        (":path", "/v1/chat/completions"),
        ("content-type", "application/json"),
        ("accept-encoding", "gzip, br"),
        ("x-stainless-retry-count", "1"),
    ];
    const QUESTION: &str = r#"{"model":"gpt-5","stream":true,"messages":[{"content":"hi"}]}"#;

    #[test]
    fn a_stream_says_what_it_was_about_in_any_split() {
        let answer = concat!(
            "data: {\"id\":\"c-1\",\"model\":\"gpt-5-2026\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n",
            "data: [DONE]\n\n"
        );
        let headers = [SSE, &[("x-ratelimit-remaining-requests", "9"), ("retry-after", "2")]];
        let headers = headers.concat();
        for step in 1..answer.len() {
            let line = crossed((CHAT, QUESTION), (&headers, answer), step);
            for part in [
                r#""gen_ai":{"provider":"openai","operation":"chat","request_model":"gpt-5","#,
                r#""response_model":"gpt-5-2026","response_id":"c-1","input_tokens":7,"#,
                r#""output_tokens":2"#,
                r#""kind":"sse""#,
                r#""events":3"#,
                r#""retry":{"count":1,"after_ms":2000},"rate_limit":{"remaining_requests":9}"#,
            ] {
                assert!(line.contains(part), "{part} in {line}");
            }
        }
    }

    #[test]
    fn what_an_answer_says_of_itself_tells_against_its_status() {
        let mcp: Pairs<'_> = &[
            (":authority", "mcp.example.com"),
            (":path", "/mcp"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let json: Pairs<'_> = &[(":status", "200"), ("content-type", "application/json")];
        let call_tool =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup"}}"#;
        let failed = "event: error\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n";
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}"#;
        let tool_error = r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}"#;
        for (request, response, outcome, reason) in [
            ((CHAT, QUESTION), (SSE, failed), "throttled", "overloaded"),
            ((mcp, call_tool), (json, error), "error", "application_error"),
            ((mcp, call_tool), (json, tool_error), "error", "tool_error"),
        ] {
            let line = crossed(request, response, 5);
            let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
            let word = entry.reason.map(Reason::as_str);
            assert_eq!((entry.outcome.as_str(), word), (outcome, Some(reason)), "{line}");
        }
        let about = r#""mcp":{"method":"tools/call","tool":"lookup","error_code":-32601}"#;
        let line = crossed((mcp, call_tool), (json, error), 1);
        assert!(line.contains(about), "{line}");
    }

    #[test]
    fn known_providers_are_asked_for_answers_without_compression() {
        let plain = ("accept-encoding", b"identity".to_vec());
        let socket: Pairs<'_> = &[
            (":authority", "api.openai.com"),
            (":path", "/v1/realtime?model=m"),
            ("upgrade", "websocket"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ];
        let elsewhere: Pairs<'_> =
            &[(":authority", "api.example.com"), (":path", "/v1"), ("accept-encoding", "gzip")];
        for (setting, headers, asks, strips) in [
            ("known", CHAT, true, false),
            ("known", elsewhere, false, false),
            ("known", socket, false, true),
            ("always", elsewhere, true, false),
            ("never", CHAT, false, false),
            ("never", socket, false, false),
        ] {
            let mut call = new_call(&format!(r#"{{"upstream":{{"plain_answers":"{setting}"}}}}"#));
            let edits = call.request_headers(bytes(headers), true, || [0; 16]);
            assert_eq!(edits.set.contains(&plain), asks, "{setting} {headers:?}");
            let stripped = edits.remove.contains(&"sec-websocket-extensions");
            assert_eq!(stripped, strips, "{setting} {headers:?}");
        }
    }

    #[test]
    fn the_entry_of_a_stream_is_due_once_a_second() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), true, || [0; 16]);
        call.response_headers(bytes(SSE), false, micros(1));
        for (at, is_due) in [(2, false), (1_000_000, true), (1_000_001, false), (2_500_000, true)] {
            call.body(Side::Response, b"data: x\n\n", || micros(at));
            assert_eq!(call.is_due(), is_due, "{at}");
        }
        assert_eq!(call.provisional().stream.unwrap().response.events, 4);
    }

    #[test]
    fn a_refused_upgrade_is_no_stream() {
        let mut call = new_call("{}");
        call.request_headers(bytes(&[("upgrade", "websocket")]), false, || [0; 16]);
        call.response_headers(bytes(&[(":status", "426")]), true, micros(1));
        assert_eq!(call.provisional().stream, None);
    }

    #[test]
    fn a_provisional_entry_says_so_and_takes_no_end_for_granted() {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), true, || [0; 16]);
        let entry = call.provisional();
        assert!(entry.provisional && entry.timing.is_none());
        assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::Unfinished)));
    }

    #[test]
    fn the_worst_entry_stays_within_its_bound() {
        let settings = r#"{"headers":{"log_request":["a","b"],"log_response":["a","b"]}}"#;
        let worst = "é".repeat(30_000);
        let names = [
            ":authority",
            ":path",
            ":method",
            "content-type",
            "content-encoding",
            "x-agent-id",
            "x-agent-version",
            "x-agent-deployment",
            "x-user-id",
            "x-session-id",
            "a",
            "b",
            ":status",
            "x-request-id",
        ];
        let headers: Vec<_> = names.iter().map(|name| (*name, worst.as_str())).collect();
        let mut call = new_call(settings);
        call.request_headers(bytes(&headers), false, || [0; 16]);
        call.response_headers(bytes(&headers), false, micros(u64::MAX));
        let facts = HostFacts { status: Some(200), ..via_upstream() };
        let line = line(&call.finish(micros(u64::MAX), &facts));
        assert!(line.is_ascii() && line.len() <= MAX_ENTRY_BYTES, "{} bytes", line.len());
        assert!(line.len() > MAX_ENTRY_BYTES / 4, "not the worst case: {} bytes", line.len());
        assert!(
            line.contains(r#""truncated":["agent_id","user_id","endpoint","method","session_id""#)
        );
    }

    /// What a host may tell a call, in any order.
    #[derive(Clone, Debug)]
    enum Step {
        RequestHeaders(Vec<(Vec<u8>, Vec<u8>)>, bool),
        RequestBody(Vec<u8>),
        RequestLost,
        RequestEnd(bool),
        ResponseHeaders(Vec<(Vec<u8>, Vec<u8>)>, bool),
        ResponseBody(Vec<u8>),
        ResponseEnd(bool),
        Provisional,
    }

    fn headers() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
        let names = prop::sample::select(vec![
            ":authority",
            ":path",
            ":method",
            ":status",
            "content-type",
            "content-encoding",
            "retry-after",
            "traceparent",
            "upgrade",
            "mcp-method",
            "x-request-id",
            "x-agent-id",
            "x-user-id",
            "user-agent",
            "x",
        ]);
        let known = prop::sample::select(vec![
            "101",
            "websocket",
            "application/json",
            "application/grpc",
            "application/vnd.amazon.eventstream",
            "text/event-stream",
            "api.openai.com",
            "/v1/responses",
        ]);
        let value = prop_oneof![
            known.prop_map(|value| value.as_bytes().to_vec()),
            "[ -~]{0,40}".prop_map(String::into_bytes),
            any::<Vec<u8>>()
        ];
        prop::collection::vec((names.prop_map(|name| name.as_bytes().to_vec()), value), 0..12)
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (headers(), any::<bool>())
                .prop_map(|(headers, end)| Step::RequestHeaders(headers, end)),
            any::<Vec<u8>>().prop_map(Step::RequestBody),
            Just(Step::RequestLost),
            any::<bool>().prop_map(Step::RequestEnd),
            (headers(), any::<bool>())
                .prop_map(|(headers, end)| Step::ResponseHeaders(headers, end)),
            any::<Vec<u8>>().prop_map(Step::ResponseBody),
            any::<bool>().prop_map(Step::ResponseEnd),
            Just(Step::Provisional),
        ];
        prop::collection::vec(step, 0..16)
    }

    fn take(call: &mut Call, step: Step) {
        let end = |trailers| if trailers { End::Trailers } else { End::Complete };
        match step {
            Step::RequestHeaders(headers, end) => {
                let headers = headers.iter().map(|(name, value)| (&**name, &**value));
                call.request_headers(headers, end, || [7; 16]);
            }
            Step::RequestBody(chunk) => call.body(Side::Request, &chunk, || micros(8)),
            Step::RequestLost => call.lose_body(Side::Request),
            Step::RequestEnd(trailers) => call.end(Side::Request, end(trailers)),
            Step::ResponseHeaders(headers, end) => {
                let headers = headers.iter().map(|(name, value)| (&**name, &**value));
                call.response_headers(headers, end, micros(1));
            }
            Step::ResponseBody(chunk) => call.body(Side::Response, &chunk, || micros(8)),
            Step::ResponseEnd(trailers) => call.end(Side::Response, end(trailers)),
            Step::Provisional => drop(line(&call.provisional())),
        }
    }

    proptest! {
        #[test]
        fn any_sequence_of_steps_ends_in_one_readable_entry(
            steps in steps(),
            details in prop::sample::select(vec!["", "via_upstream", "route_not_found", "http1.codec_error"]),
        ) {
            let mut call = new_call("{}");
            steps.into_iter().for_each(|step| take(&mut call, step));
            let facts = HostFacts { code_details: details.into(), ..via_upstream() };
            let line = line(&call.finish(micros(2), &facts));
            prop_assert!(line.is_ascii() && line.len() <= MAX_ENTRY_BYTES);
            let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
            prop_assert!(!entry.provisional && !line.contains(":\"\""), "{}", line);
        }
    }
}
