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
//! A line that begins with `data:` or `event:`, behind nothing but other lines of events, is an
//! event. A closing bracket, a line end and an opening bracket are nowhere in one document of JSON:
//! between two elements stands a comma, and in a string a line end is escaped.

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

/// Looks at the first bytes of a body.
pub(crate) fn look(first: &[u8]) -> Look {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let rest = first.strip_prefix(MARK).unwrap_or(first);
    let look = match rest.trim_ascii_start().first() {
        None => Look::Undecided,
        Some(b'{' | b'[') => lines(rest),
        Some(_) if rest.len() < MARK.len() && MARK.starts_with(rest) => Look::Undecided,
        Some(_) => fields(rest),
    };
    if look == Look::Undecided && first.len() >= MAX_SNIFFED { Look::Plain } else { look }
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

/// Of bytes that may begin server-sent events.
fn fields(first: &[u8]) -> Look {
    let mut rest = first;
    loop {
        let (line, behind) =
            line_end(rest).and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, &[]));
        let is_any = |names: &[&[u8]]| names.iter().any(|name| line.starts_with(name));
        if is_any(&[b"data:", b"event:"]) {
            return Look::Stream(Kind::Sse);
        }
        let is_whole = !behind.is_empty();
        let is_field = line.is_empty() || is_any(&[b":", b"id:", b"retry:"]);
        let may_be = |name: &[u8]| name.starts_with(line);
        match is_whole {
            true if is_field => rest = behind.get(1..).unwrap_or_default(),
            false
                if is_field
                    || [&b"data:"[..], b"event:", b"id:", b"retry:"].into_iter().any(may_be) =>
            {
                return Look::Undecided;
            }
            _ => return Look::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_it_is_at_any_cut() {
        let sse = Look::Stream(Kind::Sse);
        let ndjson = Look::Stream(Kind::Ndjson);
        for (first, wanted) in [
            ("data: {}\n\n", sse),
            ("\u{feff}data:x", sse),
            ("event: ping\r\ndata: {}\r\n\r\n", sse),
            (": keep-alive\n\n: OPENROUTER PROCESSING\r\rdata: 1", sse),
            ("id: 7\nretry: 3\nevent: a", sse),
            ("\n\ndata: 1\n", sse),
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
            ("hello", Look::Plain),
            ("<html>", Look::Plain),
            ("\"data: 1\"", Look::Plain),
            ("\u{feff}", Look::Undecided),
            ("", Look::Undecided),
            (": only a comment", Look::Undecided),
        ] {
            let at = |end: usize| look(&first.as_bytes()[..end]);
            let decided = (0..=first.len()).map(at).find(|look| *look != Look::Undecided);
            assert_eq!(decided.unwrap_or(Look::Undecided), wanted, "{first:?}");
            assert_eq!(at(first.len()), wanted, "{first:?}");
        }
        assert_eq!(look(&b": x\n".repeat(2000)), Look::Plain);
        assert_eq!(look(&[b'{'; MAX_SNIFFED]), Look::Plain);
    }
}
