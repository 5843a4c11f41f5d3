//! The way of one call through the gateway, from its first header to its entry.
//!
//! The shell tells a [`Call`] what happens, in the order in which it happens, and does what the
//! call answers. Nothing is guaranteed to happen: a call may end before its headers were understood
//! and a body may end without a last chunk, so each method works in any state, and [`Call::finish`]
//! makes an entry out of whatever is known by then.

mod content;
mod request;
mod response;

use std::{borrow::Cow, rc::Rc};

use crate::{
    config::Config,
    digest::End,
    entry::{Agent, Entry, Message, Retry, Source, Stream, Timing, Upstream},
    gate::{Gate, Onward},
    head::HeadGate,
    headers::{HeaderTable, Role, is_framing, nominated},
    identity::Identity,
    meaning::Meaning,
    outcome::{self, Closing, Ending, Outcome, Reason, Verdict},
    passage::Passage,
    policy::Action,
    refusal::Refusal,
    stream::{Failure, Kind, Said},
    text::Text,
    time::{Monotonic, Timestamp},
    version::HttpVersion,
};
use content::borrowed;
use request::Request;
use response::Response;

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
    /// The address of the upstream: none was noted.
    pub upstream_address: bool,
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
    /// The address of the upstream that was chosen, as `ip:port`, unless it was
    /// [noted](Call::note_upstream_address) before.
    pub upstream_address: Vec<u8>,
    /// How often the gateway tried an upstream.
    pub upstream_attempts: Option<u64>,
    /// The name of the route that was taken, where [`Call::wants_route_name`].
    pub route_name: Vec<u8>,
}

/// What the shell does to a message before it goes on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edits<'a> {
    /// Headers to remove.
    pub remove: Vec<Cow<'a, str>>,
    /// Headers to set, in place of any of the same name.
    pub set: Vec<(&'a str, Vec<u8>)>,
    /// Headers to set to what is left of them without their secrets, after those of `set`.
    pub masked: Vec<(Box<str>, Vec<u8>)>,
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
    /// Stands where not every header, path and trailer may leave as it came.
    head: Option<HeadGate>,
    /// What the call is about, if it is a call to a model or a tool.
    meaning: Option<Box<Meaning>>,
    /// Who closed the WebSocket first, if somebody did.
    closed_by: Option<Side>,
    /// The address of the upstream, as `ip:port`, once it is known.
    upstream_address: Option<Box<str>>,
    /// Whether more crossed since the entry was set.
    is_stale: bool,
    refused: Option<Reason>,
    refusal_is_sent: bool,
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
            head: None,
            meaning: None,
            closed_by: None,
            upstream_address: None,
            is_stale: false,
            refused: None,
            refusal_is_sent: false,
        }
    }

    /// The caller speaks this protocol, by Envoy's name for it.
    pub fn note_protocol(&mut self, protocol: &[u8]) {
        self.request.http_version = HttpVersion::of_protocol(protocol);
    }

    /// The call went to this address, `ip:port`. Of several the last counts; one that is empty says
    /// that none was chosen yet.
    pub fn note_upstream_address(&mut self, address: &[u8]) {
        let address = std::str::from_utf8(address).ok().filter(|text| !text.is_empty());
        self.upstream_address = address.map(Into::into).or(self.upstream_address.take());
    }

    /// Whether it is known where the call went.
    pub fn has_upstream_address(&self) -> bool {
        self.upstream_address.is_some()
    }

    /// The request headers arrived; `end` if no body follows. The answer is what to change on them:
    /// identity and stripped headers go, the correlation id is passed on, and a path-style target
    /// becomes a host-style one. `random` is asked only if no caller brought a correlation id.
    pub fn request_headers<'h>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
        end: bool,
        random: impl FnOnce() -> [u8; 16],
    ) -> Edits<'_> {
        let Self { config, request, gate, head, meaning, refused, .. } = self;
        let (mut edits, target, found) = request.read(config, headers.clone(), random);
        let host = target.host();
        *meaning = found;
        if end {
            request.passage.body_mut().finish(End::Complete);
        }
        let policy = config.policies.of(host);
        if request.is_tunnel {
            *refused = Some(Reason::ConnectNotSupported);
        } else if policy.call == Action::Deny {
            *refused = Some(Reason::HostNotAllowed);
        } else {
            *head = HeadGate::new(policy, host);
        }
        if let Some(head) = head {
            // What the filter sets itself goes on in place of the client's own value.
            let set = edits.set.iter().map(|(name, _)| Cow::Borrowed(*name));
            let gone: Vec<_> = edits.remove.iter().cloned().chain(set).collect();
            match head.pass(&config.gates, target.path(), headers, &gone) {
                Ok(masked) => edits.masked = masked,
                Err(reason) => *refused = Some(reason),
            }
        }
        if end || refused.is_some() {
            return edits;
        }
        match request.open(config, host, policy, &mut edits) {
            Ok(watched) => *gate = watched,
            Err(reason) => *refused = Some(reason),
        }
        edits
    }

    /// The request headers of a call that ended before the filter saw it, such as one that was
    /// refused by a filter in front, and the headers of the gateway's own `answer` to it. There is
    /// nothing left to change on them, and the correlation id is the one that was answered with.
    pub fn late_headers<'h, 'a>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        mut answer: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        random: impl FnOnce() -> [u8; 16],
    ) {
        let Self { config, request, .. } = self;
        let (_, _, meaning) = request.read(config, headers, random);
        self.meaning = meaning;
        let answered = answer.find(|(name, _)| *name == ANSWERED_ID);
        request.correlate_late(config, answered.map_or(b"", |(_, id)| id));
    }

    /// The request ended with trailers; the answer is what to change on them.
    pub fn request_trailers<'h>(
        &mut self,
        trailers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Edits<'_> {
        let Self { config, request, head, refused, .. } = self;
        let config: &Config = config;
        let names = trailers.clone().map(|(name, _)| name);
        let stopped = stopped(&config.request_headers, &request.nominated, names);
        let remove = stopped.into_iter().map(Cow::Owned).collect();
        let mut edits = Edits { remove, ..Edits::default() };
        if let Some(head) = head.as_mut().filter(|_| refused.is_none()) {
            match head.pass(&config.gates, b"", trailers, &edits.remove) {
                Ok(masked) => edits.masked = masked,
                Err(reason) => *refused = Some(reason),
            }
        }
        edits
    }

    /// The response headers arrived; `end` if no body follows. The answer is what to change on them.
    pub fn response_headers<'h>(
        &mut self,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        end: bool,
        at: Monotonic,
    ) -> Edits<'_> {
        let Self { config, request, response, meaning, .. } = self;
        let edits = response.read(config, headers, meaning.as_deref_mut());
        if response.is_informational {
            return edits;
        }
        response.seen_after_us = Some(at.micros_since(self.started.monotonic));
        match end {
            true => response.passage.body_mut().finish(End::Complete),
            false => response.open(config, request),
        }
        edits
    }

    /// The response ended with trailers; the answer is which of them, by their names, must not go on.
    pub fn response_trailers<'h>(
        &mut self,
        trailers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Vec<String> {
        for (name, value) in trailers.clone() {
            let roles = self.config.response_headers.find(name).map_or(&[][..], |found| found.1);
            if roles.contains(&Role::GrpcStatus) {
                self.response.note_grpc_status(value);
            }
        }
        let names = trailers.map(|(name, _)| name);
        stopped(&self.config.response_headers, &self.response.nominated, names)
    }

    /// Whether the request body has to go through [`Call::pass`] and [`Call::pass_end`].
    pub fn is_gated(&self) -> bool {
        self.gate.is_some()
    }

    /// The next bytes of a gated request body. What may go on in their place is added to `onward`,
    /// unless the call is refused by now.
    pub fn pass(&mut self, chunk: &[u8], onward: &mut Onward, now: impl FnOnce() -> Monotonic) {
        let Self { request, gate: Some(gate), meaning, is_stale, .. } = self else { return };
        *is_stale = true;
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
        let Self { request, gate: Some(gate), meaning, is_stale, .. } = self else { return };
        *is_stale = true;
        let mut hear = |said: Said<'_>| hear(meaning, Side::Request, said);
        if let Err(reason) = gate.finish(&mut request.passage, end, onward, &mut hear) {
            self.refuse(reason);
        }
    }

    /// A gated request body could not be read or changed, so it must not go on.
    pub fn fail(&mut self) {
        self.request.passage.lose();
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
        let Request { host, correlation_id, .. } = &self.request;
        let host = host.as_ref().map(|host| &*host.text);
        let refusal = || Refusal::new(reason, host, correlation_id.as_deref());
        is_first.then(|| match self.request.is_from_aws_sdk {
            true => refusal().for_aws_sdk(),
            false => refusal(),
        })
    }

    fn refuse(&mut self, reason: Reason) {
        self.refused.get_or_insert(reason);
    }

    /// The next bytes of a body. `now` is asked only where it matters when they passed.
    pub fn body(&mut self, side: Side, chunk: &[u8], now: impl FnOnce() -> Monotonic) {
        self.is_stale = true;
        let Self { config, request, response, meaning, .. } = self;
        let Response { content: answered, passage: answer, failure, .. } = response;
        let (content, passage) = match side {
            Side::Request => (&request.content, &mut request.passage),
            Side::Response => (&*answered, answer),
        };
        if passage.body().is_closed() {
            passage.open(&config.reading, content.syntax());
        }
        if passage.is_stream() {
            passage.note_time(now());
        }
        passage.push(chunk, &mut |_| {}, &mut |said| {
            hear_failure(failure, side, said);
            hear(meaning, side, said);
        });
        if passage.close_code().is_some() {
            self.closed_by.get_or_insert(side);
        }
    }

    /// Bytes of a body passed that could not be read.
    pub fn lose_body(&mut self, side: Side) {
        self.passage_of(side).lose();
    }

    /// A message ended as it should.
    pub fn end(&mut self, side: Side, end: End) {
        self.is_stale = true;
        let Self { request, response, meaning, .. } = self;
        let Response { passage: answer, failure, .. } = response;
        let passage = match side {
            Side::Request => &mut request.passage,
            Side::Response => answer,
        };
        passage.finish(end, &mut |_| {}, &mut |said| {
            hear_failure(failure, side, said);
            hear(meaning, side, said);
        });
    }

    /// Whether more crossed since [`Call::provisional`] was asked for.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// The entry as it would stand if nothing more were ever heard of this call.
    pub fn provisional(&mut self) -> Entry<'_> {
        self.is_stale = false;
        Entry {
            provisional: true,
            upstream: self.upstream(None),
            ..self.entry(self.response.status, Outcome::Error, Some(Reason::Unfinished))
        }
    }

    /// The facts that [`Call::finish`] needs beyond what this call saw.
    pub fn wanted_facts(&self) -> WantedFacts {
        WantedFacts {
            request_headers: !self.request.seen,
            status: self.response.status.is_none(),
            upstream_address: self.upstream_address.is_none(),
            upstream_attempts: self.config.upstream_attempts,
        }
    }

    /// Whether it takes the name of the route to tell how the call ended. Hardly any call needs it.
    pub fn wants_route_name(&self, facts: &HostFacts) -> bool {
        let status = self.response.status.or(facts.status);
        outcome::depends_on_route(status, &facts.code_details)
    }

    /// The call ended; this is its entry.
    pub fn finish(&mut self, at: Monotonic, facts: &HostFacts) -> Entry<'_> {
        self.note_upstream_address(&facts.upstream_address);
        let status =
            self.response.status.or(facts.status.filter(|status| outcome::is_final(*status)));
        let verdict = Verdict::of(Ending {
            status,
            code_details: &facts.code_details,
            websocket: self.websocket(),
            keeps_protocol: self.request.seen && !self.request.asks_to_switch,
            connect_code: self.response.failure.as_ref().and_then(|failure| failure.code()),
            route_name: &facts.route_name,
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
        let mut entry = Entry {
            timing: Some(timing),
            upstream: self.upstream(facts.upstream_attempts),
            ..self.entry(status, outcome, reason)
        };
        if let (true, Some(gen_ai)) = (verdict.is_local, &mut entry.gen_ai) {
            // What the gateway answers is no word of the provider's.
            gen_ai.error_type = None;
        }
        if verdict.is_local {
            entry.error_type = None;
        }
        entry
    }

    fn passage_of(&mut self, side: Side) -> &mut Passage {
        match side {
            Side::Request => &mut self.request.passage,
            Side::Response => &mut self.response.passage,
        }
    }

    /// How the call ended by the answer's own words, if they tell against its status.
    fn answer(&self) -> Option<(Outcome, Reason)> {
        let by_grpc = self.response.grpc_status().and_then(outcome::of_grpc);
        let by_meaning = || self.meaning.as_ref()?.verdict();
        let cut = || self.is_cut_short().then_some((Outcome::Error, Reason::UpstreamReset));
        by_grpc.or_else(by_meaning).or_else(cut)
    }

    /// Whether the answer comes from a model, as far as one may be told.
    fn is_of_model(&self) -> bool {
        self.meaning.as_ref().is_some_and(|meaning| meaning.gen_ai().is_some())
    }

    fn is_cut_short(&self) -> bool {
        self.response.is_cut_short(self.request.content.kind)
    }

    /// Whether the last event of an answer has passed; a body of another kind ends where it ends. A
    /// message to an MCP server that was taken with 202 has its answer elsewhere, and may have had it
    /// already.
    fn has_heard_all(&self) -> bool {
        let is_mcp = || self.meaning.as_ref().is_some_and(|meaning| meaning.mcp().is_some());
        if self.response.status == Some(202) && is_mcp() {
            return true;
        }
        let stream = self.response.passage.stream();
        let Some(stream) = stream.filter(|stream| stream.kind() != Kind::Chunked) else {
            return false;
        };
        let by_meaning = || self.meaning.as_ref().is_some_and(|meaning| meaning.has_ended());
        stream.grpc_status().is_some() || stream.is_done() && self.is_of_model() || by_meaning()
    }

    /// How the WebSocket was closed, if the call became one.
    fn websocket(&self) -> Option<Closing> {
        let stream = self.response.passage.stream()?;
        (stream.kind() == Kind::Websocket).then(|| Closing {
            by_provider: stream.close_code(),
            by_caller: self.request.passage.close_code(),
            caller_was_first: self.closed_by == Some(Side::Request),
            provider_ended: self.response.passage.body().end().is_some(),
        })
    }

    fn end_bodies(&mut self, verdict: Verdict) {
        if let Some(end) = verdict.torn {
            for side in [Side::Request, Side::Response] {
                self.end(side, end);
                self.passage_of(side).body_mut().tear(end);
            }
        }
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
            error_type: self
                .meaning
                .as_ref()
                .and_then(|meaning| meaning.error_type())
                .map(Cow::Borrowed),
            provisional: false,
            session_id: identity.session_id.text().map(Cow::Borrowed),
            agent: agent(identity),
            request: self.request.seen.then(|| self.request_message()),
            response: self
                .response
                .seen_after_us
                .map(|_| self.response.content.message(&self.response.passage)),
            stream: self.stream(),
            gen_ai: self.meaning.as_ref().and_then(|meaning| meaning.gen_ai()),
            mcp: self.meaning.as_ref().and_then(|meaning| meaning.mcp()),
            upstream: None,
            retry: present(Retry { count: self.request.retry.count, ..self.response.retry }),
            rate_limit: present(self.response.rate_limit),
            trace_id: self.trace_id().map(Cow::Borrowed),
            credential: self.request.credential.as_deref().map(Cow::Borrowed),
            timing: None,
            truncated: self.truncated(),
        }
    }

    fn request_message(&self) -> Message<'_> {
        let mut message = self.request.message();
        let counts = self.head.as_ref().map(HeadGate::counts).filter(|counts| !counts.is_empty());
        if let Some(counts) = counts {
            let mut sum = message.masked.take().map(Cow::into_owned).unwrap_or_default();
            for (rule, count) in counts {
                let all = sum.entry(rule.clone()).or_default();
                *all = all.saturating_add(*count);
            }
            message.masked = Some(Cow::Owned(sum));
        }
        message
    }

    /// The trace by the header, or else by what the body says.
    fn trace_id(&self) -> Option<&str> {
        let of_body = || self.meaning.as_ref()?.trace_id();
        self.request.trace_id.as_deref().or_else(of_body)
    }

    fn stream(&self) -> Option<Stream> {
        let kind = self.response.passage.stream()?.kind();
        let span = self.response.passage.span();
        let at = |at: Monotonic| self.started.wall.after(at.micros_since(self.started.monotonic));
        Some(Stream {
            kind,
            started_at: span.map(|(first, _)| at(first)),
            ended_at: span.map(|(_, last)| at(last)),
            response: self.response.passage.flow(),
            request: kind.is_two_way().then(|| self.request.passage.flow()),
        })
    }

    fn upstream(&self, attempts: Option<u64>) -> Option<Upstream<'_>> {
        // Without an address no upstream was chosen, and the call never left.
        let address = self.upstream_address.as_deref()?;
        let request_id = self.response.upstream_request_id.as_ref();
        Some(Upstream {
            host: borrowed(&self.request.host),
            address: Some(Cow::Borrowed(address)),
            request_id: request_id.map(|(_, id)| Cow::Borrowed(&*id.text)),
            attempts: attempts.filter(|attempts| *attempts > 1),
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

/// Takes note of what the value of a `connection` names: it does not go on, nor in the trailers.
fn note_nominated(value: &[u8], noted: &mut Vec<Box<str>>, edits: &mut Edits<'_>) {
    let known = noted.len();
    noted.extend(nominated(value).map(Into::into));
    let names = noted.iter().skip(known).map(|name| Cow::Owned(name.to_string()));
    edits.remove.extend(names);
}

/// Which trailers concern the next hop only, or frame the message and so have no place there.
fn stopped<'h>(
    table: &HeaderTable,
    nominated: &[Box<str>],
    names: impl Iterator<Item = &'h [u8]>,
) -> Vec<String> {
    let names =
        names.filter_map(|name| std::str::from_utf8(name).ok()).map(str::to_ascii_lowercase);
    let is_stripped = |name: &str| {
        table.find(name.as_bytes()).is_some_and(|(_, roles)| roles.contains(&Role::Strip))
    };
    let stopped = names.filter(|name| {
        is_framing(name) || is_stripped(name) || nominated.iter().any(|one| **one == **name)
    });
    stopped.collect()
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

/// Passes on what the answer to a failed call says.
fn hear_failure(failure: &mut Option<Box<Failure>>, side: Side, said: Said<'_>) {
    if let (Some(failure), Side::Response, Said::Content(bytes)) = (failure, side, said) {
        failure.push(bytes);
    }
}

/// The header of the gateway's own answers that holds their correlation id (`envoy/egress.yaml`).
const ANSWERED_ID: &[u8] = b"x-correlation-id";

/// Something, unless it says nothing.
fn present<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
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

#[cfg(test)]
mod tests;
