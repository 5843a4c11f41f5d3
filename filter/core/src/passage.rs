//! The passage of one body through the gateway, and everything that is made of it on the way.
//!
//! The bytes are taken once: masked, hashed, and handed on as *what the body says*, piece by piece,
//! to whoever wants to know what the call was about. Of a stream it says that event by event, and
//! each event becomes a link of a hash chain.
//!
//! ```text
//! bytes ─► masker ─► view ─► SHA-256          one body, or events written as text
//!                      └───► events ─► chain, what they say
//!
//! bytes ─► frames ─► SHA-256                  events in binary frames: the masker
//!             └────► masker ─► chain, what they say       looks into each of them
//! ```
//!
//! What the headers call a document may be a stream of events all the same, and what they call a
//! stream a document, which the first bytes say. Until then what it says waits here.

use crate::{
    digest::{Body, Digest, End, Reading},
    entry::Flow,
    mask::{Masked, Scan, Syntax},
    stream::{Kind, Look, MAX_SNIFFED, Said, Sniff, Stream},
    time::Monotonic,
};

/// Takes what a body says.
pub(crate) type Hear<'h> = dyn FnMut(Said<'_>) + 'h;

/// One body on its way.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    body: Body,
    /// How the body is divided into events, if it is.
    stream: Option<Box<Stream>>,
    /// Waits for the first bytes, where the headers do not tell whether it is a stream of events.
    sniffer: Option<Box<Sniffer>>,
    /// Whether what a body that is no stream says can be understood.
    is_text: bool,
    chunks: u64,
    /// When the first and the last bytes passed that somebody looked at the clock for.
    span: Option<(Monotonic, Monotonic)>,
}

impl Passage {
    /// A body may follow the headers, written in `syntax`.
    pub(crate) fn open(&mut self, reading: &Reading, syntax: Syntax) {
        self.is_text = matches!(syntax, Syntax::Json | Syntax::Text | Syntax::Multipart(_));
        self.body.open(reading, syntax);
    }

    /// The body that may follow is a stream of this kind.
    pub(crate) fn open_stream(&mut self, reading: &Reading, kind: Kind, list_events: bool) {
        let stream = Stream::new(kind, reading, list_events);
        match kind {
            Kind::Chunked => self.body.link_blocks(stream),
            _ => self.stream = Some(Box::new(stream)),
        }
    }

    /// The body that may follow is perhaps a stream of events, if it is text, or perhaps not the one
    /// that it was opened as: its first bytes will tell.
    pub(crate) fn sniff(&mut self, reading: &Reading, list_events: bool) {
        let named = self.stream.as_ref().map(|stream| stream.kind());
        if self.is_text && named.is_none_or(|kind| !kind.is_framed()) {
            let (reading, first, sniff) = (reading.clone(), Vec::new(), Sniff { named });
            self.sniffer = Some(Box::new(Sniffer { reading, list_events, first, sniff }));
        }
    }

    /// The body turned out to be no stream.
    pub(crate) fn close_stream(&mut self) {
        self.stream = None;
    }

    /// Bytes passed that could not be read: no hash and no chain can be true any more.
    pub(crate) fn lose(&mut self) {
        self.body.lose();
        self.stream = None;
        self.sniffer = None;
    }

    /// The body itself.
    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// The body itself, to be ended.
    pub(crate) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Whether it matters when its bytes pass.
    pub(crate) fn is_stream(&self) -> bool {
        self.stream.is_some() || self.sniffer.is_some() || self.body.blocks().is_some()
    }

    /// Bytes of a stream passed at this time.
    pub(crate) fn note_time(&mut self, at: Monotonic) {
        let first = self.span.map_or(at, |(first, _)| first);
        self.span = Some((first, at));
    }

    /// When the first and the last bytes of a stream passed.
    pub(crate) fn span(&self) -> Option<(Monotonic, Monotonic)> {
        self.span
    }

    /// The next bytes, in order; what is decided of them by now goes to `view`, masked, and what
    /// they say to `hear`.
    pub(crate) fn push(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8]), hear: &mut Hear<'_>) {
        self.chunks = self.chunks.saturating_add(1);
        let Self { body, stream, sniffer, is_text, .. } = self;
        if let Some(stream) = stream
            && !stream.takes_view()
        {
            return body.push_frames(chunk, stream, hear);
        }
        body.push_to(chunk, &mut |bytes| {
            pass_on(stream, sniffer, *is_text, bytes, hear);
            view(bytes);
        });
        self.settle();
    }

    /// The message ended; what was not decided before goes to `view`, and what it says to `hear`.
    pub(crate) fn finish(&mut self, end: End, view: &mut dyn FnMut(&[u8]), hear: &mut Hear<'_>) {
        let is_first = self.body.end().is_none();
        let Self { body, stream, sniffer, is_text, .. } = self;
        if let Some(stream) = stream
            && !stream.takes_view()
        {
            return body.finish_frames(end, stream, hear);
        }
        body.finish_to(end, &mut |bytes| {
            pass_on(stream, sniffer, *is_text, bytes, hear);
            view(bytes);
        });
        if let Some(sniffer) = sniffer.take() {
            let look = sniffer.sniff.settle(&sniffer.first);
            *stream = sniffer.begin(look, &[], hear);
        }
        match stream {
            _ if !is_first => {}
            Some(stream) => stream.finish(matches!(end, End::Complete | End::Trailers), hear),
            None if *is_text => hear(Said::End { name: b"" }),
            None => {}
        }
        self.settle();
    }

    /// A body that turned out to be a stream of events has no blocks besides.
    fn settle(&mut self) {
        let is_known = self.stream.is_some() && self.sniffer.is_none();
        if is_known && self.body.blocks().is_some() {
            self.body.unlink_blocks();
        }
    }

    /// The body as a stream, if it is one; one that nothing divides is from its first block on.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        let blocks = || self.body.blocks().filter(|blocks| blocks.events() > 0);
        self.stream.as_deref().or_else(blocks)
    }

    /// The code with which this side closed its WebSocket, once it did.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.stream.as_ref()?.close_code()
    }

    /// What an entry says of the stream.
    pub(crate) fn flow(&self) -> Flow {
        let stream = self.stream();
        Flow {
            events: stream.map_or(0, Stream::events),
            chunks: self.chunks,
            chunk_chain: stream.and_then(Stream::chain),
            event_hashes: stream.map_or(&[][..], Stream::event_hashes).to_vec(),
            close_code: stream.and_then(Stream::close_code),
        }
    }

    /// Whether there were more events than are listed.
    pub(crate) fn is_list_cut(&self) -> bool {
        self.stream().is_some_and(Stream::is_cut)
    }

    /// What was replaced so far, in the body or in its frames.
    pub(crate) fn masked(&self) -> Option<&Masked> {
        let in_frames = self.stream.as_ref().and_then(|stream| stream.masked());
        self.body.masked().or(in_frames)
    }

    /// How far the body was looked into, if one could pass.
    pub(crate) fn scan(&self) -> Option<Scan> {
        let in_frames = self.stream.as_ref().and_then(|stream| stream.scan());
        self.body.scan().map(|scan| in_frames.unwrap_or(scan))
    }

    /// The digest, once the body ended.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.body.digest()
    }
}

/// Some bytes of the masked view go where they are understood: to the events that they are written
/// in, or else to `hear`, if they are text at all.
fn pass_on(
    stream: &mut Option<Box<Stream>>,
    sniffer: &mut Option<Box<Sniffer>>,
    is_text: bool,
    bytes: &[u8],
    hear: &mut Hear<'_>,
) {
    match (stream.as_mut(), sniffer.as_mut()) {
        (_, Some(waiting)) => {
            let rest = waiting.take(bytes);
            let look = waiting.sniff.look(&waiting.first);
            if look != Look::Undecided {
                *stream = waiting.begin(look, rest, hear);
                *sniffer = None;
            }
        }
        (Some(stream), None) if stream.takes_view() => stream.push(bytes, hear),
        (None, None) if is_text => say(bytes, hear),
        _ => {}
    }
}

fn say(bytes: &[u8], hear: &mut Hear<'_>) {
    if !bytes.is_empty() {
        hear(Said::Content(bytes));
    }
}

/// The first bytes of a body, until they say what it is.
#[derive(Debug)]
struct Sniffer {
    reading: Reading,
    list_events: bool,
    sniff: Sniff,
    /// At most [`MAX_SNIFFED`].
    first: Vec<u8>,
}

impl Sniffer {
    /// Takes the next bytes, as far as there is room; the others are the answer.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let free = MAX_SNIFFED.saturating_sub(self.first.len());
        let (taken, rest) = bytes.split_at_checked(free).unwrap_or((bytes, &[]));
        self.first.extend_from_slice(taken);
        rest
    }

    /// Passes on the first bytes and the `rest` as what they are: the stream, if it is one.
    fn begin(&self, look: Look, rest: &[u8], hear: &mut Hear<'_>) -> Option<Box<Stream>> {
        let Look::Stream(kind) = look else {
            say(&self.first, hear);
            say(rest, hear);
            return None;
        };
        let mut stream = Box::new(Stream::new(kind, &self.reading, self.list_events));
        stream.push(&self.first, hear);
        stream.push(rest, hear);
        Some(stream)
    }
}
