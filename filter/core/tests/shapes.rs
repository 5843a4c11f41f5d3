//! Whole calls of every API, as their SDKs describe them, and what an entry should say about each.
//!
//! The calls lie in `tests/shapes`: the bodies as they are sent, and an index with what surrounds
//! them and what is expected. Here each of them is masked, taken apart into documents by a naive
//! splitter, cut into pieces of every length, and read.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use ledgerline_core::{
    Call, Config,
    call::{HostFacts, Moment, Side},
    config::Settings,
    correlation,
    digest::End,
    entry::{GenAi, Mcp},
    mask::{Masker, Rules, Syntax},
    meaning::{Clues, Meaning, RESPONSE_HEADERS, Tables},
    time::Monotonic,
};
use serde::Deserialize;
use serde_json::Value;

/// One call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape<'s> {
    name: &'s str,
    host: &'s str,
    path: &'s str,
    /// `POST` if none is named.
    #[serde(default)]
    method: Option<&'s str>,
    /// Request headers that matter here.
    #[serde(default)]
    headers: BTreeMap<&'s str, &'s str>,
    /// The file of the request body.
    request: Option<&'s str>,
    status: u16,
    #[serde(default)]
    response_headers: BTreeMap<&'s str, &'s str>,
    /// The file of the response body.
    response: Option<&'s str>,
    #[serde(default, borrow)]
    gen_ai: Option<GenAi<'s>>,
    #[serde(default, borrow)]
    mcp: Option<Mcp<'s>>,
    /// Outcome and reason, if the answer itself says that something went wrong.
    verdict: Option<(&'s str, &'s str)>,
    /// The word of a service that is no model for it.
    error_type: Option<&'s str>,
    /// The trace that the body names.
    trace_id: Option<&'s str>,
    /// Whether the answer is at its end by its own words, where that matters.
    has_ended: Option<bool>,
}

/// A JSON document of a body, and the name of the event that it came in.
type Document = (Vec<u8>, Vec<u8>);

#[test]
fn every_shape_means_what_is_expected_in_any_split() {
    let index = read("shapes.json");
    let shapes: Vec<Shape<'_>> = serde_json::from_slice(&index).expect("an index of shapes");
    let (tables, rules) = (Rc::new(Tables::new()), Rc::new(Rules::default()));
    let mut names = Vec::new();
    for shape in &shapes {
        names.push(shape.name);
        let asked = shape.request.map(|file| documents(&rules, file)).unwrap_or_default();
        let answered = shape.response.map(|file| documents(&rules, file)).unwrap_or_default();
        let longest = asked.iter().chain(&answered).map(|(_, text)| text.len()).max();
        for piece in (1..=longest.unwrap_or(1).min(512)).chain([usize::MAX]) {
            shape.check(&tables, &rules, &asked, &answered, piece);
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), shapes.len(), "two shapes have the same name");
}

#[test]
fn every_shape_means_the_same_as_a_whole_call_in_any_split() {
    let index = read("shapes.json");
    let shapes: Vec<Shape<'_>> = serde_json::from_slice(&index).expect("an index of shapes");
    let config = Rc::new(Config::try_from(Settings::default()).expect("the defaults"));
    for shape in &shapes {
        let request = shape.request.map(|file| wire(file, true)).unwrap_or_default();
        let response = shape.response.map(|file| wire(file, false)).unwrap_or_default();
        for piece in 1..=request.len().max(response.len()).max(1) {
            shape.check_call(&config, &request, &response, piece);
        }
    }
}

#[test]
fn members_mean_the_same_in_any_order() {
    let index = read("shapes.json");
    let shapes: Vec<Shape<'_>> = serde_json::from_slice(&index).expect("an index of shapes");
    let (tables, rules) = (Rc::new(Tables::new()), Rc::new(Rules::default()));
    for shape in &shapes {
        let documents = |file: Option<&str>| file.map(|file| documents(&rules, file));
        let asked = documents(shape.request).unwrap_or_default();
        let answered = documents(shape.response).unwrap_or_default();
        for backwards in [false, true] {
            let sorted = |documents: &[Document]| -> Vec<Document> {
                let sort = |(name, text): &Document| (name.clone(), sorted(text, backwards));
                documents.iter().map(sort).collect()
            };
            shape.check(&tables, &rules, &sorted(&asked), &sorted(&answered), usize::MAX);
        }
    }
}

#[test]
fn every_file_belongs_to_a_shape() {
    let index = String::from_utf8(read("shapes.json")).expect("UTF-8");
    for file in fs::read_dir(folder()).expect("the folder of shapes") {
        let name = file.expect("a file").file_name().into_string().expect("UTF-8");
        assert!(name == "shapes.json" || index.contains(&format!("\"{name}\"")), "{name}");
    }
}

impl Shape<'_> {
    fn check(
        &self,
        tables: &Rc<Tables>,
        rules: &Rc<Rules>,
        asked: &[Document],
        answered: &[Document],
        piece: usize,
    ) {
        let mut meaning = Meaning::new(tables, rules, &self.clues());
        if let Some(meaning) = &mut meaning {
            for (_, text) in asked {
                text.chunks(piece).for_each(|piece| meaning.request(piece));
                meaning.end_request();
            }
            for (name, value) in &self.response_headers {
                if RESPONSE_HEADERS.contains(name) {
                    meaning.response_header(name, value.as_bytes());
                }
            }
            if meaning.wants_response() {
                for (name, text) in answered {
                    if meaning.wants_response() {
                        text.chunks(piece).for_each(|piece| meaning.response(piece));
                        meaning.end_response(name);
                    }
                }
            }
        }
        let meaning = meaning.as_deref();
        let verdict = meaning.and_then(Meaning::verdict);
        let at = format!("{} ({}), pieces of {piece}", self.name, self.status);
        assert_eq!(meaning.and_then(Meaning::gen_ai), self.gen_ai, "{at}");
        assert_eq!(meaning.and_then(Meaning::mcp), self.mcp, "{at}");
        let verdict = verdict.map(|(outcome, reason)| (outcome.as_str(), reason.as_str()));
        assert_eq!(verdict, self.verdict, "{at}");
        assert_eq!(meaning.and_then(Meaning::error_type), self.error_type, "{at}");
        assert_eq!(meaning.and_then(Meaning::trace_id), self.trace_id, "{at}");
        if let (Some(meaning), Some(has_ended)) = (meaning, self.has_ended) {
            assert_eq!(meaning.has_ended(), has_ended, "{at}");
        }
        assert_eq!(meaning.map_or(0, |meaning| meaning.cut_keys().count()), 0, "{at}");
    }

    /// Sends both bodies through the filter's state machine, in pieces of so many bytes.
    fn check_call(&self, config: &Rc<Config>, request: &[u8], response: &[u8], piece: usize) {
        let mut call = Call::new(Rc::clone(config), Moment::default());
        call.request_headers(pairs(&self.request_headers()), request.is_empty(), || [0; 16]);
        let now = Monotonic::default;
        let carry = |call: &mut Call, side, body: &[u8]| {
            body.chunks(piece).for_each(|piece| call.body(side, piece, now));
            call.end(side, End::Complete);
        };
        let status = self.status.to_string();
        let mut headers = vec![(":status", status.as_str())];
        headers.extend(self.response_headers.iter().map(|(name, value)| (*name, *value)));
        // The messages of a socket follow its 101; any other request ends before its answer.
        if self.status == 101 {
            call.response_headers(pairs(&headers), false, now());
            carry(&mut call, Side::Request, request);
        } else {
            carry(&mut call, Side::Request, request);
            call.response_headers(pairs(&headers), response.is_empty(), now());
        }
        carry(&mut call, Side::Response, response);
        let facts = HostFacts { code_details: b"via_upstream".to_vec(), ..HostFacts::default() };
        let entry = call.finish(now(), &facts);
        let at = format!("{} ({}), pieces of {piece}", self.name, self.status);
        assert_eq!(entry.gen_ai, self.gen_ai, "{at}");
        assert_eq!(entry.mcp, self.mcp, "{at}");
        assert_eq!(entry.error_type.as_deref(), self.error_type, "{at}");
        if self.trace_id.is_some() {
            assert_eq!(entry.trace_id.as_deref(), self.trace_id, "{at}");
        }
        if let (..400, Some((outcome, reason))) = (self.status, self.verdict) {
            assert_eq!(entry.outcome.as_str(), outcome, "{at}");
            assert_eq!(entry.reason.map(|reason| reason.as_str()), Some(reason), "{at}");
        }
        assert!(entry.truncated.is_empty(), "{at}: {:?}", entry.truncated);
    }

    fn request_headers(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![
            (":method", self.method.unwrap_or("POST")),
            (":authority", self.host),
            (":path", self.path),
            match (self.status, self.request) {
                (101, _) => ("upgrade", "websocket"),
                (_, Some(file)) if file.ends_with(".form") => ("content-type", FORM),
                _ => ("content-type", "application/json"),
            },
        ];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, *value)));
        headers
    }

    fn clues(&self) -> Clues<'_> {
        let header = |name| self.headers.get(name).map(|value| value.as_bytes());
        let accept = self.headers.get("accept").copied().unwrap_or_default();
        Clues {
            host: self.host.as_bytes(),
            path: self.path.as_bytes(),
            method: self.method.unwrap_or("POST").as_bytes(),
            trace_id: header("traceparent").and_then(|value| correlation::trace_id(value)),
            mcp_method: header("mcp-method"),
            mcp_name: header("mcp-name"),
            mcp_protocol_version: header("mcp-protocol-version"),
            mcp_session_id: header("mcp-session-id"),
            accepts_events: accept.contains("application/json")
                && accept.contains("text/event-stream"),
            waits_for_events: accept.contains("text/event-stream"),
        }
    }
}

/// Forms lie in files of their own kind, all with one boundary.
const FORM: &str = "multipart/form-data; boundary=simulated";

fn pairs<'h>(headers: &'h [(&str, &str)]) -> impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone {
    headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

/// A body as it crosses, by the end of its file's name.
fn wire(file: &str, is_request: bool) -> Vec<u8> {
    let body = read(file);
    if file.ends_with(".b64") {
        base64(&body)
    } else if file.ends_with(".messages.ndjson") {
        lines(&body).iter().flat_map(|(_, text)| frame(text, is_request)).collect()
    } else {
        body
    }
}

/// A text message of a WebSocket in one frame, hidden under a mask if it is a client's.
fn frame(text: &[u8], is_masked: bool) -> Vec<u8> {
    const KEY: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];
    let mask = if is_masked { 0x80 } else { 0 };
    let mut frame = vec![0x81];
    match text.len() {
        length @ ..126 => frame.push(mask | length as u8),
        length => {
            frame.push(mask | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    match is_masked {
        true => {
            frame.extend(KEY);
            frame.extend(text.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
        false => frame.extend(text),
    }
    frame
}

/// The documents of a body, by the end of its file's name.
fn documents(rules: &Rc<Rules>, file: &str) -> Vec<Document> {
    let body = read(file);
    match file.split_once(".response.").or(file.split_once(".request.")).map(|(_, kind)| kind) {
        Some("json" | "form") => vec![(Vec::new(), masked(rules, &body))],
        Some("sse") => events(&masked(rules, &body)),
        Some("ndjson") => lines(&masked(rules, &body)),
        // Each message of a WebSocket is masked by itself.
        Some("messages.ndjson") => {
            lines(&body).into_iter().map(|(name, text)| (name, masked(rules, &text))).collect()
        }
        Some("eventstream.b64") => frames(&base64(&body))
            .into_iter()
            .map(|(name, payload)| (name, masked(rules, &payload)))
            .collect(),
        kind => panic!("no such kind of body: {kind:?}"),
    }
}

/// The document with the members of each object in the order of their names, or the reverse.
fn sorted(text: &[u8], backwards: bool) -> Vec<u8> {
    match serde_json::from_slice(text) {
        Ok(value) => written(&value, backwards).into_bytes(),
        // The mark at the end of a stream is no JSON.
        Err(_) => text.to_vec(),
    }
}

fn written(value: &Value, backwards: bool) -> String {
    match value {
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(|value| written(value, backwards)).collect();
            format!("[{}]", elements.join(","))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}:{}", Value::from(name.as_str()), written(value, backwards))
            };
            let mut members: Vec<_> = members.iter().map(member).collect();
            members.sort_unstable();
            if backwards {
                members.reverse();
            }
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn masked(rules: &Rc<Rules>, body: &[u8]) -> Vec<u8> {
    let (mut view, mut masker) = (Vec::new(), Masker::new(Rc::clone(rules), Syntax::Json));
    masker.push(body, &mut |piece| view.extend_from_slice(piece));
    masker.finish(&mut |piece| view.extend_from_slice(piece));
    view
}

/// Server-sent events with data.
fn events(body: &[u8]) -> Vec<Document> {
    let text = String::from_utf8_lossy(body);
    let of_block = |block: &str| {
        let field = |name: &str| -> Vec<String> {
            let prefix = format!("{name}: ");
            block.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        let data = field("data");
        (!data.is_empty())
            .then(|| (field("event").concat().into_bytes(), data.join("\n").into_bytes()))
    };
    text.split("\n\n").filter_map(of_block).collect()
}

fn lines(body: &[u8]) -> Vec<Document> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| (Vec::new(), line.to_vec())).collect()
}

/// Frames of AWS: total length, length of the headers, a checksum, headers, payload, a checksum.
fn frames(body: &[u8]) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let number =
            |at: usize| u32::from_be_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        let (total, headers) = (number(0) as usize, number(4) as usize);
        let name = frame_name(&rest[12..12 + headers]);
        documents.push((name, rest[12 + headers..total - 4].to_vec()));
        rest = &rest[total..];
    }
    documents
}

/// The event type, or `exception:` and the type of the exception.
fn frame_name(mut headers: &[u8]) -> Vec<u8> {
    while let [length, rest @ ..] = headers {
        let (name, rest) = rest.split_at(usize::from(*length));
        // A type (7: a string) and a length of two bytes stand before the value.
        let (value, rest) = rest[3..].split_at(usize::from(u16::from_be_bytes([rest[1], rest[2]])));
        match name {
            b":event-type" => return value.to_vec(),
            b":exception-type" => return [b"exception:", value].concat(),
            _ => headers = rest,
        }
    }
    Vec::new()
}

fn base64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.iter().filter_map(|digit| DIGITS.iter().position(|known| known == digit));
    let bits: Vec<bool> =
        digits.flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1 == 1)).collect();
    let byte = |bits: &[bool]| bits.iter().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks_exact(8).map(byte).collect()
}

/// Beside the package, wherever that is now.
fn folder() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    Path::new(&package).join("../../tests/shapes")
}

fn read(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
