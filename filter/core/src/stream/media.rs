//! The media types in the value of a `content-type`, whatever form it comes in.
//!
//! Envoy joins several headers by a comma, and servers join a type with itself:
//! `text/event-stream, text/event-stream`. A comma or a semicolon in quotes belongs to a parameter.

/// The media types, each without its parameters and in lower case.
pub(crate) fn media_types(value: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    values(value).map(|value| {
        let ends = |byte: &u8| matches!(byte, b';' | b' ' | b'\t');
        let value = value.trim_ascii();
        let end = value.iter().position(ends).unwrap_or(value.len());
        value.get(..end).unwrap_or_default().to_ascii_lowercase()
    })
}

/// The values between commas that are not in quotes.
pub(crate) fn values(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |byte| {
        let was_escaped = std::mem::replace(&mut is_escaped, is_quoted && *byte == b'\\');
        is_escaped &= !was_escaped;
        is_quoted ^= *byte == b'"' && !was_escaped;
        *byte == b',' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_loses_its_parameters() {
        for (value, types) in [
            ("text/event-stream", &["text/event-stream"][..]),
            ("text/event-stream, text/event-stream", &["text/event-stream", "text/event-stream"]),
            ("TEXT/Event-Stream ;charset=\"utf-8\"", &["text/event-stream"]),
            ("text/event-stream charset=utf-8", &["text/event-stream"]),
            ("\ttext/event-stream;", &["text/event-stream"]),
            ("multipart/mixed; boundary=\"a,b\", a/b", &["multipart/mixed", "a/b"]),
            ("a/b; x=\"\\\",\", c/d", &["a/b", "c/d"]),
            ("a/b; x=\"open, c/d", &["a/b"]),
            ("", &[""]),
            (",", &["", ""]),
        ] {
            let found: Vec<_> = media_types(value.as_bytes()).collect();
            let wanted: Vec<_> = types.iter().map(|name| name.as_bytes().to_vec()).collect();
            assert_eq!(found, wanted, "{value}");
        }
    }
}
