//! The fields of a multipart form that count.
//!
//! Audio and images go to a model as files in a form (`multipart/form-data`, RFC 7578), and the name
//! of the model is one of its fields:
//!
//! ```text
//! --boundary
//! Content-Disposition: form-data; name="model"
//!
//! whisper-1
//! --boundary
//! Content-Disposition: form-data; name="file"; filename="call.mp3"
//! …
//! ```
//!
//! A file may hold lines that look the same. Only what stands between two boundaries counts, and the
//! boundary is the form's own first line.

use crate::{meaning::fields::Asked, reader::MAX_VALUE_BYTES};

/// The longest line that is understood, in bytes: a boundary has at most 70 and two hyphens.
const MAX_LINE_BYTES: usize = 512;

/// Reads a form that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Form {
    state: State,
    /// Invariant: no longer than [`MAX_LINE_BYTES`].
    line: Vec<u8>,
    /// What stands before each part but the first: the end of a line, and the boundary.
    delimiter: Vec<u8>,
    /// How much of the delimiter the last bytes were.
    matched: usize,
    field: Option<Asked>,
    is_file: bool,
    /// Invariant: no longer than [`MAX_VALUE_BYTES`].
    value: Vec<u8>,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// In the first line.
    #[default]
    Opening,
    /// In the rest of a line that ends with a boundary.
    Boundary,
    /// In the headers of a part.
    Header,
    /// In its content.
    Content,
    /// Behind the last part, or in what is no form.
    Over,
}

impl Form {
    /// Whether a body that begins like this is a form.
    pub(super) fn begins_with(bytes: &[u8]) -> bool {
        bytes.first() == Some(&b'-')
    }

    /// The next bytes. A field that ends in them goes to `found`, with whether it was longer.
    pub(super) fn push(&mut self, bytes: &[u8], found: &mut dyn FnMut(Asked, &[u8], bool)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let passed = match self.state {
                State::Over => return,
                State::Content => self.content(rest, found),
                State::Opening | State::Boundary | State::Header => self.take_line(rest),
            };
            rest = rest.get(passed..).unwrap_or_default();
        }
    }

    fn take_line(&mut self, rest: &[u8]) -> usize {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let room = MAX_LINE_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(line.get(..room).unwrap_or(line));
        let Some(end) = end else { return rest.len() };
        let line = std::mem::take(&mut self.line);
        self.state = self.end_line(line.strip_suffix(b"\r").unwrap_or(&line));
        end.saturating_add(1)
    }

    fn end_line(&mut self, line: &[u8]) -> State {
        match self.state {
            State::Opening => {
                if !line.starts_with(b"--") || line.len() < 3 || line.len() > 72 {
                    return State::Over;
                }
                self.delimiter = [b"\r\n", line].concat();
                self.begin_part()
            }
            State::Boundary if line.starts_with(b"--") => State::Over,
            State::Boundary => self.begin_part(),
            State::Header if line.is_empty() => {
                self.field = self.field.filter(|_| !self.is_file);
                State::Content
            }
            State::Header => {
                self.header(line);
                State::Header
            }
            other => other,
        }
    }

    fn begin_part(&mut self) -> State {
        self.field = None;
        self.is_file = false;
        self.is_cut = false;
        self.value.clear();
        self.matched = 0;
        State::Header
    }

    fn header(&mut self, line: &[u8]) {
        let mut parts = line.split(|byte| matches!(byte, b':' | b';'));
        let is_disposition = parts
            .next()
            .is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"content-disposition"));
        if !is_disposition {
            return;
        }
        for parameter in parts.map(<[u8]>::trim_ascii) {
            if let Some(name) = parameter.strip_prefix(b"name=") {
                self.field = field(name.trim_ascii());
            }
            self.is_file |= parameter.starts_with(b"filename");
        }
    }

    /// Takes content up to the next delimiter, or all of it.
    fn content(&mut self, rest: &[u8], found: &mut dyn FnMut(Asked, &[u8], bool)) -> usize {
        let mut at = 0_usize;
        while let Some(byte) = rest.get(at) {
            if self.delimiter.get(self.matched) == Some(byte) {
                at = at.saturating_add(1);
                self.matched = self.matched.saturating_add(1);
                if self.matched == self.delimiter.len() {
                    if let Some(field) = self.field {
                        found(field, &self.value, self.is_cut);
                    }
                    self.state = State::Boundary;
                    return at;
                }
            } else if self.matched > 0 {
                // Its first byte stands nowhere else in it, so nothing of these begins another.
                let kept = self.delimiter.get(..self.matched).unwrap_or_default().to_vec();
                self.keep(&kept);
                self.matched = 0;
            } else {
                let plain = rest.get(at..).unwrap_or_default();
                let end = plain.iter().position(|byte| *byte == b'\r').unwrap_or(plain.len());
                // What follows a lone carriage return that began no delimiter is content, too.
                let end = end.max(1);
                self.keep(plain.get(..end).unwrap_or_default());
                at = at.saturating_add(end);
            }
        }
        at
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.field.is_none() {
            return;
        }
        let room = MAX_VALUE_BYTES.saturating_sub(self.value.len());
        self.is_cut |= bytes.len() > room;
        self.value.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

fn field(name: &[u8]) -> Option<Asked> {
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    match name {
        b"model" | b"model_id" => Some(Asked::Model),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8], piece: usize) -> Vec<(String, bool)> {
        let (mut form, mut found) = (Form::default(), Vec::new());
        for bytes in body.chunks(piece) {
            form.push(bytes, &mut |field, value, cut| {
                assert_eq!(field, Asked::Model);
                found.push((String::from_utf8_lossy(value).into_owned(), cut));
            });
        }
        found
    }

    fn part(disposition: &str, content: &str) -> String {
        format!("--b-1\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
    }

    #[test]
    fn only_a_field_between_two_boundaries_counts_in_any_split() {
        let spoof = part("name=\"model\"", "spoofed").replace("--b-1", "--b-2");
        let audio = part("name=\"file\"; filename=\"a.mp3\"", &format!("\r\r\n--b-\r\n{spoof}"));
        let model = part("name=\"model\"", "whisper-1");
        for (body, expected) in [
            (format!("{model}{audio}--b-1--\r\n"), vec![("whisper-1", false)]),
            (format!("{audio}{model}--b-1--\r\n"), vec![("whisper-1", false)]),
            (format!("{audio}--b-1--\r\n{model}"), vec![]),
            (part("name=model", "m") + "--b-1--", vec![("m", false)]),
            (part("name=\"model\"; filename=\"model\"", "m") + "--b-1--", vec![]),
            (part("filename=\"x\"; name=\"model\"", "m") + "--b-1--", vec![]),
            (part("name=\"model\"", "\r\n\r") + "--b-1--", vec![("\r\n\r", false)]),
            (part("name=\"model\"", "") + "--b-1--", vec![("", false)]),
            (part("name=\"model\"", "never ended").trim_end().to_owned(), vec![]),
            (part("name=\"prompt\"", "m") + "--b-1--", vec![]),
            ("-1".to_owned(), vec![]),
            ("{\"model\":\"m\"}\r\n".to_owned(), vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(value, cut): (&str, _)| (value.to_owned(), cut))
                .collect();
            for piece in 1..=body.len() {
                assert_eq!(read(body.as_bytes(), piece), expected, "{piece} of {body}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_said() {
        let body = part("name=\"model\"", &"m".repeat(9_999)) + "--b-1--";
        assert_eq!(read(body.as_bytes(), 7), [("m".repeat(MAX_VALUE_BYTES), true)]);
        let endless = [b"--".as_slice(), &[b'a'; 99_999]].concat();
        let mut form = Form::default();
        endless.chunks(1_000).for_each(|bytes| form.push(bytes, &mut |_, _, _| {}));
        assert!(form.line.len() <= MAX_LINE_BYTES);
    }

    proptest! {
        #[test]
        fn any_form_reads_the_same_in_any_split(
            body in "(--b\r\n|\r\n|--b--|[a-z]|content-disposition: form-data; name=model\r\n\r\n){0,24}",
            piece in 1_usize..20,
        ) {
            let body = format!("--b\r\n{body}");
            prop_assert_eq!(read(body.as_bytes(), piece), read(body.as_bytes(), usize::MAX));
        }
    }
}
