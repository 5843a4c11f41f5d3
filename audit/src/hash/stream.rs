//! The hash chain of a stream that somebody kept, and how it compares with that of an entry.
//!
//! A stream that broke off was seen by the gateway up to some event, and by whoever kept it perhaps
//! up to another. The chain has a link for each event, so the answer is more than yes or no: how
//! many of the first events are the same.

use std::path::Path;

use clap::Args;
use ledgerline_core::{
    Entry,
    digest::{Body, Digest, End},
    entry::Flow,
    mask::{Masked, Syntax},
    stream::{Kind, Stream},
};
use serde_json::Value;

use super::{
    expected::{Recorded, Side, unusable},
    method::Method,
    payload::each_chunk,
    sum_line,
};
use crate::{
    fault::Fault,
    plain::Shown,
    say::{say, tell},
};

/// Asks for the chain of a stream.
#[derive(Debug, Args)]
#[command(next_help_heading = "Streams")]
pub(super) struct StreamOptions {
    /// The payload is a stream of this kind (sse, ndjson, eventstream, websocket, grpc, grpc_web,
    /// grpc_web_text, connect or chunked):
    /// print the chain over its events, and their number
    #[arg(long = "stream", value_name = "KIND", value_parser = parse_kind, conflicts_with = "view")]
    pub(super) kind: Option<Kind>,
    /// Every link of the chain, one line for each event
    #[arg(long, requires = "kind", conflicts_with_all = ["expect", "entry"])]
    list: bool,
    /// The stream broke off: what has no end at its end is no event
    #[arg(long, requires = "kind", conflicts_with = "entry")]
    aborted: bool,
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| {
        "expected sse, ndjson, eventstream, websocket, grpc, grpc_web, grpc_web_text, connect or \
         chunked"
            .to_owned()
    })
}

/// The chain that a stream should have.
#[derive(Debug)]
pub(super) struct ExpectedStream {
    chain: Option<Digest>,
    /// What an entry says besides.
    entry: Option<(Recorded, Flow)>,
    is_complete: bool,
}

impl ExpectedStream {
    /// A chain of which nothing else is known.
    pub(super) fn alone(chain: Digest) -> Self {
        Self { chain: Some(chain), entry: None, is_complete: true }
    }

    pub(super) fn of(entry: &Entry<'_>, side: Side, kind: Kind) -> Result<Self, Fault> {
        let Some(stream) = &entry.stream else {
            return Err(unusable("its call was no stream: leave out --stream"));
        };
        if stream.kind != kind {
            let kind = stream.kind.as_str();
            return Err(unusable(&format!("its stream is of another kind: --stream {kind}")));
        }
        let (flow, message) = match side {
            Side::Request => (stream.request.as_ref(), &entry.request),
            Side::Response => (Some(&stream.response), &entry.response),
        };
        let (Some(flow), Some(message)) = (flow, message) else {
            return Err(unusable("it has no stream on that side"));
        };
        Ok(Self {
            chain: flow.chunk_chain,
            is_complete: matches!(message.end, Some(End::Complete | End::Trailers)),
            entry: Some((Recorded::of(entry, message, side), flow.clone())),
        })
    }

    pub(super) fn entry(&self) -> Option<&Recorded> {
        self.entry.as_ref().map(|(recorded, _)| recorded)
    }

    /// The line that says yes, or the fault that says no.
    fn verdict(&self, file: &Path, stream: &Stream, method: &Method) -> Result<String, Fault> {
        let (name, how, chain) = (file.shown(), &method.summary, text(self.chain));
        let count = counted(stream.events());
        if stream.chain() == self.chain {
            return Ok(format!("{name}: equal, {count}, {how}: {chain}"));
        }
        let first = self.position(stream.event_hashes());
        let cause = match first {
            Some(first) if !self.is_complete => {
                return Ok(format!(
                    "{name}: equal as far as the call went, {first} of {count}, {how}: {chain}"
                ));
            }
            Some(first) => format!("that is the chain of the first {}", counted(first)),
            None => self.cause(stream, how),
        };
        let found = text(stream.chain());
        Err(Fault::Refused(format!(
            "{name}: different, {found} of {count} is not {chain}; {cause}"
        )))
    }

    /// After how many events a stream has the chain.
    fn position(&self, links: &[Digest]) -> Option<u64> {
        let Some(chain) = self.chain else { return Some(0) };
        links.iter().zip(1..).find_map(|(link, count)| (*link == chain).then_some(count))
    }

    /// Why the chain is none of the links.
    fn cause(&self, stream: &Stream, how: &str) -> String {
        let Some((_, flow)) = self.entry.as_ref().filter(|(_, flow)| !flow.event_hashes.is_empty())
        else {
            return format!("another stream, or not as at the gateway: {how}");
        };
        let pairs = flow.event_hashes.iter().zip(stream.event_hashes());
        let same = pairs.take_while(|(recorded, found)| recorded == found).count();
        let (events, listed) = (counted(flow.events), flow.event_hashes.len());
        let is_all = same == listed && (listed as u64) < flow.events;
        let more = if is_all { ", and the entry lists no more" } else { "" };
        format!("the first {same} of {events} match{more}")
    }
}

fn counted(events: u64) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}

fn text(chain: Option<Digest>) -> String {
    chain.map_or("none".to_owned(), |chain| chain.to_string())
}

impl StreamOptions {
    /// Prints the chain of one file, or how it compares.
    pub(super) fn answer(
        &self,
        kind: Kind,
        file: &Path,
        method: &Method,
        expected: Option<&ExpectedStream>,
    ) -> Result<Option<Masked>, Fault> {
        let complete = expected.map_or(!self.aborted, |expected| {
            if expected.entry.is_some() { expected.is_complete } else { !self.aborted }
        });
        let (stream, body) = read(kind, file, method, complete)?;
        let lines = match expected {
            Some(expected) => vec![expected.verdict(file, &stream, method)?],
            None if self.list => stream
                .event_hashes()
                .iter()
                .zip(1_u64..)
                .map(|(link, count)| line(Some(*link), count, file))
                .collect(),
            None => vec![line(stream.chain(), stream.events(), file)],
        };
        if stream.is_broken() {
            let (name, count, kind) = (file.shown(), counted(stream.events()), kind.as_str());
            tell(&format!("{name}: behind {count} the bytes are not {kind} any more"));
        }
        lines.iter().try_for_each(|line| say(line))?;
        Ok(stream.masked().or(body.masked()).cloned())
    }
}

fn line(chain: Option<Digest>, events: u64, file: &Path) -> String {
    sum_line(format!("{}  {events}", text(chain)), file)
}

/// Reads a stream to its end, as the filter does.
fn read(kind: Kind, file: &Path, method: &Method, complete: bool) -> Result<(Stream, Body), Fault> {
    let mut stream = Stream::new(kind, &method.reading, true).listing(usize::MAX);
    let takes_view = stream.takes_view();
    let mut body = Body::default();
    body.open(&method.reading, if takes_view { method.syntax.clone() } else { Syntax::Opaque });
    if kind == Kind::Chunked {
        body.link_blocks(stream.clone());
    }
    each_chunk(file, true, |bytes| {
        body.push_to(bytes, &mut |view| stream.push(view, &mut |_| {}));
        Ok(())
    })?;
    body.finish_to(End::Complete, &mut |view| stream.push(view, &mut |_| {}));
    stream.finish(complete, &mut |_| {});
    Ok((body.blocks().cloned().unwrap_or(stream), body))
}
