//! A stream of events under the name of something else.
//!
//! Gateways and home-made servers send server-sent events as `application/json`, as `text/plain` or
//! without any type, and one document per line as `application/json`. The first bytes say so:
//!
//! ```text
//! : a comment                               {"a":1}
//! data: {"a":1}                             {"a":2}
//! ```
//!
//! Lines of events alone, up to a blank line that dispatches one with `data`, are server-sent events;
//! so are they where they end, or there is no more room, within `data` that is JSON. A text whose lines
//! only begin like that, such as YAML, is none. A closing bracket, a line end and an opening bracket are
//! nowhere in one document of JSON: between two elements stands a comma, and in a string a line end is
//! escaped.
//!
//! The other way round, a server that has no stream to send, because the call failed or was not to be
//! streamed, often leaves the name: a document under `text/event-stream`, or one in many lines under
//! `application/x-ndjson`.

use super::{
    Kind,
    lines::{line_end, line_feed},
};

/// No more bytes than these are looked at.
pub(crate) const MAX_SNIFFED: usize = 4096;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// More bytes are needed.
    Undecided,
    /// No stream of events.
    Plain,
    /// A stream of this kind.
    Stream(Kind),
}

/// Tells what a body is by its first bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sniff {
    /// The kind of stream that the headers name, if they name one: of text.
    pub(crate) named: Option<Kind>,
}

impl Sniff {
    /// Looks at the first bytes of a body.
    pub(crate) fn look(self, first: &[u8]) -> Look {
        match self.see(first) {
            Look::Undecided if first.len() >= MAX_SNIFFED => self.settle(first),
            look => look,
        }
    }

    /// What a body is that ends with these first bytes, or begins with no more than them.
    pub(crate) fn settle(self, first: &[u8]) -> Look {
        let rest = without_mark(first);
        let is_document = matches!(rest.trim_ascii_start().first(), Some(b'{' | b'['));
        match (self.see(first), self.named) {
            (Look::Undecided, Some(Kind::Sse)) if is_document => Look::Plain,
            (Look::Undecided, _) if ends_in_data(rest) => Look::Stream(Kind::Sse),
            (Look::Undecided, named) => named.map_or(Look::Plain, Look::Stream),
            (look, _) => look,
        }
    }

    fn see(self, first: &[u8]) -> Look {
        let rest = without_mark(first);
        let look = match (rest.trim_ascii_start().first(), self.named) {
            (None, _) => Look::Undecided,
            _ if rest.len() < MARK.len() && MARK.starts_with(rest) => Look::Undecided,
            (Some(b'{' | b'['), Some(Kind::Ndjson)) => documents(rest),
            (Some(b'{' | b'['), _) => lines(rest),
            (Some(_), Some(Kind::Sse)) => Look::Stream(Kind::Sse),
            (Some(_), _) => fields(rest),
        };
        match (look, self.named) {
            (Look::Plain, Some(Kind::Ndjson)) if !is_begun(rest) => Look::Stream(Kind::Ndjson),
            _ => look,
        }
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(first: &[u8]) -> &[u8] {
    first.strip_prefix(MARK).unwrap_or(first)
}

/// Of bytes that begin a document of JSON.
fn lines(first: &[u8]) -> Look {
    let document = first.trim_ascii_start();
    let Some((line, rest)) = line_feed(document).and_then(|end| document.split_at_checked(end))
    else {
        return Look::Undecided;
    };
    if !matches!(line.trim_ascii_end().last(), Some(b'}' | b']')) {
        return Look::Plain;
    }
    match rest.trim_ascii_start().first() {
        None => Look::Undecided,
        Some(b'{' | b'[') => Look::Stream(Kind::Ndjson),
        Some(_) => Look::Plain,
    }
}

/// Of bytes that begin a document of JSON and are said to be one per line.
fn documents(first: &[u8]) -> Look {
    match line_feed(first.trim_ascii_start()) {
        None => Look::Undecided,
        Some(_) if is_begun(first) => Look::Plain,
        Some(_) => Look::Stream(Kind::Ndjson),
    }
}

/// Whether the first line begins a document of JSON that goes on in the next one.
fn is_begun(first: &[u8]) -> bool {
    let document = first.trim_ascii_start();
    let line = line_feed(document).and_then(|end| document.get(..end));
    let last = line.and_then(|line| line.trim_ascii_end().last());
    matches!(document.first(), Some(b'{' | b'[')) && matches!(last, Some(b'{' | b'[' | b','))
}

/// Of bytes that may begin server-sent events.
fn fields(first: &[u8]) -> Look {
    let mut rest = first;
    let mut has_data = false;
    loop {
        let (line, behind) =
            line_end(rest).and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, &[]));
        let is_whole = !behind.is_empty();
        let is_field = FIELDS.iter().any(|name| line.starts_with(name));
        let may_be = FIELDS.iter().any(|name| name.starts_with(line));
        match is_whole {
            true if line.is_empty() && has_data => return Look::Stream(Kind::Sse),
            true if line.is_empty() || is_field => {
                has_data |= line.starts_with(b"data:");
                rest = behind.strip_prefix(b"\r\n").or_else(|| behind.get(1..)).unwrap_or_default();
            }
            false if is_field || may_be => return Look::Undecided,
            _ => return Look::Plain,
        }
    }
}

/// Whether the last line with something in it is data that is JSON, or the mark of an end.
fn ends_in_data(first: &[u8]) -> bool {
    let mut lines = first.split(|byte| matches!(byte, b'\r' | b'\n'));
    let last = lines.rfind(|line| !line.is_empty()).unwrap_or_default();
    let data = last.strip_prefix(b"data:").map(<[u8]>::trim_ascii_start);
    data.is_some_and(|data| matches!(data.first(), Some(b'{' | b'[')))
}

const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_it_is_at_any_cut() {
        let sse = Look::Stream(Kind::Sse);
        let ndjson = Look::Stream(Kind::Ndjson);
        for (first, wanted) in [
            ("data: {}\n\n", sse),
            ("\u{feff}data:x\n\n", sse),
            ("event: ping\r\ndata: {}\r\n\r\n", sse),
            (": keep-alive\n\n: OPENROUTER PROCESSING\r\rdata: 1\r\r", sse),
            ("id: 7\nretry: 3\nevent: a\ndata: 1\n\n", sse),
            ("\n\ndata: 1\n\n", sse),
            ("{\"a\":1}\n{\"b\":2}\n", ndjson),
            (" {\"a\":1} \r\n\n [1]\n", ndjson),
            ("\u{feff}[1]\n{", ndjson),
            ("{\"a\":1}\n", Look::Undecided),
            ("{\"a\":1}", Look::Undecided),
            ("{\n  \"a\": 1\n}\n", Look::Plain),
            ("{\"a\":{}\n,\"b\":{}}", Look::Plain),
            ("[{\"a\":1},\n{\"a\":2}]\n", Look::Plain),
            ("{\"a\":[{}\n]}", Look::Plain),
            (" data: indented\n", Look::Plain),
            ("database: x\n", Look::Plain),
            ("data\n", Look::Plain),
            ("id: 7\nname: x\n", Look::Plain),
            ("DATA: x\n", Look::Plain),
            ("data:\n  a: 1\nkind: ConfigMap\n", Look::Plain),
            ("event: push\non: main\n", Look::Plain),
            ("data:,x,y\n1,2,3\n\n", Look::Plain),
            ("data:application/json;base64,AAAA", Look::Undecided),
            ("event: started at 5\nevent: stopped\n\n", Look::Undecided),
            ("data: 1\n", Look::Undecided),
            ("hello", Look::Plain),
            ("<html>", Look::Plain),
            ("\"data: 1\"", Look::Plain),
            ("\u{feff}", Look::Undecided),
            ("", Look::Undecided),
            (": only a comment", Look::Undecided),
        ] {
            check(None, first, wanted);
        }
        let look = |first: &[u8]| Sniff::default().look(first);
        assert_eq!(look(&b": x\n".repeat(2000)), Look::Plain);
        assert_eq!(look(&[b'{'; MAX_SNIFFED]), Look::Plain);
        let long = |start: &str| look(&[start.as_bytes(), &[b'y'; MAX_SNIFFED]].concat());
        assert_eq!(long("event: a\ndata: {\"a\":\""), sse);
        assert_eq!(long("data:application/json;base64,"), Look::Plain);
    }

    /// The look is the same at every cut, once it is decided.
    fn check(named: Option<Kind>, first: &str, wanted: Look) {
        let at = |end: usize| Sniff { named }.look(&first.as_bytes()[..end]);
        let decided = (0..=first.len()).map(at).find(|look| *look != Look::Undecided);
        assert_eq!(decided.unwrap_or(Look::Undecided), wanted, "{named:?} {first:?}");
        assert_eq!(at(first.len()), wanted, "{named:?} {first:?}");
    }

    #[test]
    fn a_short_body_is_what_its_end_makes_of_it() {
        let sse = Look::Stream(Kind::Sse);
        let ndjson = Look::Stream(Kind::Ndjson);
        for (named, first, wanted) in [
            (None, "data: {\"a\":1}", sse),
            (None, "event: a\ndata:[1]\r\n", sse),
            (None, "data: a,b", Look::Plain),
            (None, "event: a\nevent: b\n\n", Look::Plain),
            (None, "{\"a\":1}\n", Look::Plain),
            (Some(Kind::Sse), "{\"a\":1}\n", Look::Plain),
            (Some(Kind::Sse), "\n \n", sse),
            (Some(Kind::Sse), "", sse),
            (Some(Kind::Ndjson), "{\"a\":1}", ndjson),
            (Some(Kind::Ndjson), "", ndjson),
            (Some(Kind::Ndjson), "data: {}", sse),
        ] {
            assert_eq!(Sniff { named }.settle(first.as_bytes()), wanted, "{named:?} {first:?}");
        }
    }

    #[test]
    fn a_name_stands_unless_the_first_bytes_tell_otherwise() {
        let sse = Look::Stream(Kind::Sse);
        let ndjson = Look::Stream(Kind::Ndjson);
        for (first, of_events, of_lines) in [
            ("data: {}\n\n", sse, sse),
            ("anything", sse, ndjson),
            (": comment\n", sse, Look::Undecided),
            ("{\"a\":1}", Look::Undecided, Look::Undecided),
            ("{\"a\":1}\n", Look::Undecided, ndjson),
            ("{\"a\":1}\n{\"b\":1}\n", ndjson, ndjson),
            ("\n{\n \"a\": 1\n}", Look::Plain, Look::Plain),
            ("[\n 1]", Look::Plain, Look::Plain),
            ("{\"a\":1,\n\"b\":2}", Look::Plain, Look::Plain),
            ("\u{feff}{\n\"a\":1}\n", Look::Plain, Look::Plain),
            ("\u{1e}{}\n\u{1e}{}\n", sse, ndjson),
            ("1\n2\n", sse, ndjson),
            ("\n\n", Look::Undecided, Look::Undecided),
        ] {
            check(Some(Kind::Sse), first, of_events);
            check(Some(Kind::Ndjson), first, of_lines);
        }
    }
}
