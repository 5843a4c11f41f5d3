//! The hash that a payload should have: given as such, or taken from an entry.

use std::{borrow::Cow, fs::File, io::Read, path::Path};

use clap::{Args, ValueEnum};
use ledgerline_core::{
    Entry,
    digest::{Body, Digest},
    entry::{MAX_ENTRY_BYTES, Message, Stream},
    mask::{Scan, Syntax},
    stream::Kind,
};
use serde_json::Value;

use super::{method::Method, stream::ExpectedStream};
use crate::{
    fault::Fault,
    ledger::{Call, Content},
    plain::Shown,
};

/// What to compare with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Compare")]
pub(super) struct Expectation {
    /// With this hash
    #[arg(long, value_name = "HASH", value_parser = parse_digest)]
    expect: Option<Digest>,
    /// With this entry: a line of a ledger, or a file that holds it. It also says how the body was
    /// read; only the boundary of a multipart has to be told, with --type
    #[arg(long, conflicts_with = "expect", requires = "side")]
    entry: Option<String>,
    /// Which of the entry's two bodies the payload is
    #[arg(long, value_enum, requires = "entry")]
    side: Option<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    /// What the agent sent
    Request,
    /// What the provider answered
    Response,
}

impl Side {
    /// What a later version says of the body may be how it was read: then no answer is right.
    fn check_understood(self, call: &Call<'_>) -> Result<(), Fault> {
        let name = match self {
            Self::Request => "request",
            Self::Response => "response",
        };
        let is_of_body = |key: &str| {
            let first = key.split('.').next().unwrap_or_default();
            first == name || matches!(first, "stream" | "hash_key_id") || key.contains(' ')
        };
        match call.unread.iter().find(|unread| is_of_body(&unread.key)) {
            None => Ok(()),
            Some(unread) => Err(unusable(&format!(
                "what it says under {} is of a later version of the filter: ask the ledgerline of that version",
                unread.key
            ))),
        }
    }
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    serde_json::from_value(Value::String(text.to_ascii_lowercase()))
        .map_err(|_| "expected 64 hexadecimal digits".to_owned())
}

impl Expectation {
    /// What is expected, if anything.
    pub(super) fn read(&self) -> Result<Option<Expected>, Fault> {
        match self.entry_text()? {
            Some((text, side)) => Expected::of(&the_entry(&text, side)?, side).map(Some),
            None => Ok(self.expect.map(|digest| Expected { digest, entry: None })),
        }
    }

    /// What is expected of a stream, if anything.
    pub(super) fn read_stream(&self, kind: Kind) -> Result<Option<ExpectedStream>, Fault> {
        match self.entry_text()? {
            Some((text, side)) => {
                ExpectedStream::of(&the_entry(&text, side)?, side, kind).map(Some)
            }
            None => Ok(self.expect.map(ExpectedStream::alone)),
        }
    }

    fn entry_text(&self) -> Result<Option<(Cow<'_, str>, Side)>, Fault> {
        let (Some(entry), Some(side)) = (&self.entry, self.side) else { return Ok(None) };
        let text = match entry.trim_start().chars().next() {
            None => return Err(unusable("empty: no line was found")),
            Some('{') => Cow::Borrowed(entry.as_str()),
            Some(_) => Cow::Owned(read_file(Path::new(entry))?),
        };
        Ok(Some((text, side)))
    }
}

/// The hash that a payload should have.
#[derive(Debug)]
pub(super) struct Expected {
    digest: Digest,
    entry: Option<Recorded>,
}

/// What an entry says about a body, besides its hash.
#[derive(Debug)]
pub(super) struct Recorded {
    bytes: u64,
    media_type: String,
    scan: Option<Scan>,
    frames: Option<Kind>,
    key_id: Option<String>,
}

impl Expected {
    fn of(entry: &Entry<'_>, side: Side) -> Result<Self, Fault> {
        let (key, digest, message) = match side {
            Side::Request => ("request_hash", entry.request_hash, &entry.request),
            Side::Response => ("response_hash", entry.response_hash, &entry.response),
        };
        let (Some(digest), Some(message)) = (digest, message) else {
            return Err(unusable(&format!("its {key} is null: no such body was seen whole")));
        };
        Ok(Self { digest, entry: Some(Recorded::of(entry, message, side)) })
    }

    /// The entry, if it comes from one.
    pub(super) fn entry(&self) -> Option<&Recorded> {
        self.entry.as_ref()
    }

    /// The line that says yes, or the fault that says no.
    pub(super) fn verdict(
        &self,
        file: &Path,
        digest: Digest,
        body: &Body,
        method: &Method,
    ) -> Result<String, Fault> {
        let (name, bytes) = (file.shown(), body.bytes());
        if digest == self.digest {
            return Ok(format!("{name}: equal, {bytes} bytes, {}: {digest}", method.summary));
        }
        let cause = match &self.entry {
            Some(entry) if entry.bytes != bytes => {
                format!(
                    "it has {bytes} bytes, the entry saw {}: not those that crossed",
                    entry.bytes
                )
            }
            _ => format!("another payload, or not as at the gateway: {}", method.summary),
        };
        let expected = self.digest;
        Err(Fault::Refused(format!("{name}: different, {digest} is not {expected}; {cause}")))
    }
}

impl Recorded {
    pub(super) fn of(entry: &Entry<'_>, message: &Message<'_>, side: Side) -> Self {
        let has_flow = |stream: &&Stream| side == Side::Response || stream.request.is_some();
        let stream = entry.stream.as_ref().filter(has_flow);
        Self {
            frames: stream.map(|stream| stream.kind).filter(|kind| kind.is_framed()),
            bytes: message.bytes,
            media_type: message.media_type.as_deref().unwrap_or_default().to_owned(),
            scan: message.scan,
            key_id: entry.hash_key_id.as_deref().map(|id| id.escape_debug().to_string()),
        }
    }

    /// The frames that the body came in, if it did.
    pub(super) fn frames(&self) -> Option<Kind> {
        self.frames
    }

    /// A key is needed if the entry names one, and else is not.
    pub(super) fn check_key(&self, is_given: bool) -> Result<(), Fault> {
        match &self.key_id {
            Some(id) if !is_given => Err(unusable(&format!(
                "its hashes are keyed: name the place of the key {id} with --key-env or --key-file"
            ))),
            None if is_given => {
                Err(unusable("its hashes are plain SHA-256: leave out --key-env and --key-file"))
            }
            _ => Ok(()),
        }
    }

    /// How the body is written. The entry knows that, but for the boundary of a multipart, which
    /// only the whole content-type holds.
    pub(super) fn syntax(&self, media_type: Option<&str>) -> Result<Syntax, Fault> {
        // An entry without it is older than the masker, and its body was hashed as it was.
        let scan = self.scan.unwrap_or(Scan::Opaque);
        let syntax = match (scan, media_type) {
            (Scan::Opaque, None) => Syntax::Opaque,
            (Scan::Json, None) => Syntax::Json,
            (Scan::Text, None) => Syntax::Text,
            (Scan::Form, None) => Syntax::of(self.media_type.as_bytes(), b""),
            (_, Some(media_type)) => Syntax::of(media_type.as_bytes(), b""),
        };
        match (syntax.scan(), media_type) {
            (read, _) if read == scan => Ok(syntax),
            (_, None) => Err(unusable(NO_BOUNDARY)),
            (read, Some(_)) => Err(unusable(&format!(
                "the gateway read the body as {}, --type means {}",
                scan.as_str(),
                read.as_str()
            ))),
        }
    }
}

const NO_BOUNDARY: &str = "it keeps no boundary: give the whole content-type of the body, such as \
                           --type 'multipart/form-data; boundary=XyZ'";

/// A provisional and a final entry of the longest kind, and some space.
const MAX_FILE_BYTES: u64 = 4 * MAX_ENTRY_BYTES as u64;

fn read_file(file: &Path) -> Result<String, Fault> {
    let io = |error| Fault::io(file, &error);
    let mut text = String::new();
    let reader = File::open(file).map_err(io)?;
    match reader.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(io)? as u64 {
        MAX_FILE_BYTES => Err(unusable(PICK_ONE)),
        _ => Ok(text),
    }
}

const PICK_ONE: &str = "more than one; pick the line, such as --entry \"$(grep ID ENTRIES.jsonl)\"";

/// The one entry that is not provisional. Messages never quote a line, which may be anything.
fn the_entry(text: &str, side: Side) -> Result<Entry<'_>, Fault> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let entries: Result<Vec<Option<Call<'_>>>, _> = lines.map(the_call).collect();
    let calls = entries?.into_iter().flatten();
    let mut last = calls.filter(|call| !call.entry.provisional);
    match (last.next(), last.next()) {
        (Some(call), None) => side.check_understood(&call).map(|()| call.entry),
        (None, _) => Err(unusable("there is none that was written at the end of its call")),
        (Some(_), Some(_)) => Err(unusable(PICK_ONE)),
    }
}

/// `None` of a line that is no call.
fn the_call(line: &str) -> Result<Option<Call<'_>>, Fault> {
    match Content::of(line.as_bytes()) {
        Content::Entry(whole) | Content::Recovered(whole) => Ok(whole.call()),
        Content::Torn(problem) => Err(unusable(&problem)),
    }
}

pub(super) fn unusable(problem: &str) -> Fault {
    Fault::NoAnswer(format!("error: --entry: {problem}"))
}
