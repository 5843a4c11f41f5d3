//! How a body is written, as far as its headers say.

use crate::words::words;

words! {
    /// How far a body was looked into.
    pub enum Scan {
        /// As JSON, be it one document, one per line, or one per event.
        Json = "json",
        /// As text.
        Text = "text",
        /// As a form, URL-encoded or multipart.
        Form = "form",
        /// Not at all: it is compressed, binary or encrypted, and was hashed as it crossed.
        Opaque = "opaque",
    }
}

/// How a body is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, JSON Lines, or JSON in server-sent events.
    Json,
    /// Anything else that is text.
    Text,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/*` with the boundary between its parts.
    Multipart(Box<[u8]>),
    /// Text or JSON in UTF-16, as the headers say.
    Utf16,
    /// Bytes that cannot be looked into.
    Opaque,
}

impl Syntax {
    /// From the values of `content-type` and `content-encoding`, empty if absent.
    pub fn of(content_type: &[u8], content_encoding: &[u8]) -> Self {
        if is_encoded(content_encoding) {
            return Self::Opaque;
        }
        let end = content_type.iter().position(|byte| *byte == b';').unwrap_or(content_type.len());
        let (media_type, parameters) = content_type.split_at_checked(end).unwrap_or_default();
        let media_type = media_type.trim_ascii().to_ascii_lowercase();
        let is = |types: &[&[u8]]| types.contains(&media_type.as_slice());
        if let Some(wide) = charset(parameters) {
            return wide;
        }
        let top = media_type.split(|byte| *byte == b'/').next().unwrap_or_default();
        if top == b"multipart" {
            return boundary(parameters).map_or(Self::Text, Self::Multipart);
        }
        if is(&[b"application/x-www-form-urlencoded"]) {
            return Self::Form;
        }
        if is(&JSON) || media_type.ends_with(b"+json") {
            return Self::Json;
        }
        let is_binary = [&b"image"[..], b"audio", b"video", b"font"].contains(&top)
            && !media_type.ends_with(b"+xml");
        if is_binary || is(&BINARY) || media_type.starts_with(b"application/grpc") {
            return Self::Opaque;
        }
        Self::Text
    }

    /// The same for who reads single bytes.
    pub(super) fn narrow(self) -> Self {
        // What is a document in it and what is not, its member names tell.
        if self == Self::Utf16 { Self::Json } else { self }
    }

    /// The word for an entry.
    pub fn scan(&self) -> Scan {
        match self {
            Self::Json => Scan::Json,
            Self::Text | Self::Utf16 => Scan::Text,
            Self::Form | Self::Multipart(_) => Scan::Form,
            Self::Opaque => Scan::Opaque,
        }
    }
}

/// Whether the value of a `content-encoding` names an encoding that hides the bytes. Clients and
/// servers also write there what is none: the charset, nothing, or the framing of signed uploads to
/// S3, whose chunks stand in the body as they are.
fn is_encoded(content_encoding: &[u8]) -> bool {
    content_encoding.split(|byte| *byte == b',').any(|coding| {
        let coding = coding.trim_ascii();
        let coding = coding
            .strip_prefix(b"\"")
            .and_then(|coding| coding.strip_suffix(b"\""))
            .unwrap_or(coding);
        !PLAIN.iter().any(|plain| coding.eq_ignore_ascii_case(plain))
    })
}

const PLAIN: [&[u8]; 15] = [
    b"",
    b"identity",
    b"none",
    b"null",
    b"plain",
    b"utf-8",
    b"utf8",
    b"us-ascii",
    b"ascii",
    b"iso-8859-1",
    b"7bit",
    b"8bit",
    b"binary",
    b"chunked",
    b"aws-chunked",
];

const JSON: [&[u8]; 9] = [
    b"application/json",
    b"application/x-json",
    b"text/json",
    b"application/jsonl",
    b"application/x-jsonl",
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/json-seq",
    b"text/event-stream",
];

const BINARY: [&[u8]; 12] = [
    b"application/octet-stream",
    b"application/vnd.amazon.eventstream",
    b"application/protobuf",
    b"application/x-protobuf",
    b"application/vnd.google.protobuf",
    b"application/msgpack",
    b"application/cbor",
    b"application/pdf",
    b"application/zip",
    b"application/gzip",
    b"application/x-gzip",
    b"application/zstd",
];

/// What a `charset` of more than one byte a letter makes of a body.
fn charset(parameters: &[u8]) -> Option<Syntax> {
    let parameters = parameters.to_ascii_lowercase();
    let parameter = parameters
        .split(|byte| *byte == b';')
        .find_map(|parameter| parameter.trim_ascii().strip_prefix(b"charset="))?;
    match parameter.trim_ascii().strip_prefix(b"\"").unwrap_or(parameter) {
        [b'u', b't', b'f', b'-', b'1', b'6', ..]
        | [b'u', b't', b'f', b'1', b'6', ..]
        | [b'u', b'c', b's', b'-', b'2', ..] => Some(Syntax::Utf16),
        [b'u', b't', b'f', b'-', b'3', b'2', ..]
        | [b'u', b't', b'f', b'3', b'2', ..]
        | [b'u', b'c', b's', b'-', b'4', ..] => Some(Syntax::Opaque),
        _ => None,
    }
}

/// The `boundary` among the parameters of a content type (RFC 2046, section 5.1.1).
fn boundary(parameters: &[u8]) -> Option<Box<[u8]>> {
    const MAX_BYTES: usize = 70;
    parameters.split(|byte| *byte == b';').find_map(|parameter| {
        let (name, value) = parameter.trim_ascii().split_at_checked(9)?;
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let value = value.strip_suffix(b"\"").unwrap_or(value);
        let is_boundary = name.eq_ignore_ascii_case(b"boundary=");
        (is_boundary && (1..=MAX_BYTES).contains(&value.len())).then(|| value.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_say_how_a_body_is_written() {
        let multipart = Syntax::Multipart((*b"a-b").into());
        for (content_type, encoding, syntax) in [
            ("application/json; charset=utf-8", "", Syntax::Json),
            ("Application/Problem+JSON", "identity", Syntax::Json),
            ("text/event-stream", "", Syntax::Json),
            ("application/x-www-form-urlencoded", "", Syntax::Form),
            ("multipart/form-data; charset=x; Boundary=\"a-b\"", "", multipart.clone()),
            ("multipart/form-data;boundary=a-b", "", multipart),
            ("multipart/form-data", "", Syntax::Text),
            ("text/plain", "", Syntax::Text),
            ("", "", Syntax::Text),
            ("image/svg+xml", "", Syntax::Text),
            ("image/png", "", Syntax::Opaque),
            ("application/grpc+proto", "", Syntax::Opaque),
            ("application/octet-stream", "", Syntax::Opaque),
            ("application/json", "gzip", Syntax::Opaque),
            ("application/json", "none", Syntax::Json),
            ("application/json", "UTF-8", Syntax::Json),
            ("application/json", " , identity,utf8", Syntax::Json),
            ("application/json", "aws-chunked", Syntax::Json),
            ("application/json", "\"identity\"", Syntax::Json),
            ("application/json", "aws-chunked,gzip", Syntax::Opaque),
            ("application/json", "utf-16", Syntax::Opaque),
            ("application/json", "x-unknown", Syntax::Opaque),
        ] {
            assert_eq!(Syntax::of(content_type.as_bytes(), encoding.as_bytes()), syntax);
        }
    }
}
