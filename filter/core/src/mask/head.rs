//! The texts of a request's head: the values of its headers, its path, its query.
//!
//! They are whole and short, and read by the same rules as a body. What differs is what may stay, which
//! is a credential of the host that is called, and in a query every credential: there a name says whether
//! a field authenticates the call (`key=…`, `sig=…`) or tells the host a secret (`password=…`).

use super::{
    NAME_RULE, Pass, Progress,
    names::Family,
    rules::{Masked, Rules},
    scanner::Scanner,
    syntax::Syntax,
    window::{UnescapedBefore, Window},
};

/// Where a text stands in the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The value of a header or of a trailer.
    Header,
    /// The path without its query.
    Path,
    /// The query.
    Query,
}

impl Rules {
    /// `text` with its secrets replaced, and what they were. Credentials that are at home at the host
    /// `home` stay.
    pub(crate) fn read_head(
        &self,
        text: &[u8],
        place: Place,
        home: Option<&str>,
    ) -> (Vec<u8>, Masked) {
        let (mut left, mut masked) = (Vec::new(), Masked::default());
        match place {
            Place::Query => self.read_query(text, home, &mut left, &mut masked),
            Place::Header | Place::Path => self.read_whole(text, home, &mut left, &mut masked),
        }
        (left, masked)
    }

    fn read_whole(&self, text: &[u8], home: Option<&str>, left: &mut Vec<u8>, masked: &mut Masked) {
        let window = Window { bytes: text, is_last: true };
        let scanner =
            Scanner { rules: self, syntax: &Syntax::Text, is_own_text: false, is_decoded: false };
        let view = &mut |bytes: &[u8]| left.extend_from_slice(bytes);
        let mut pass = Pass { scanner, bytes: window.bytes, before: 0, masked, view, home };
        pass.run(window, &mut Progress::default());
    }

    fn read_query(
        &self,
        query: &[u8],
        home: Option<&str>,
        left: &mut Vec<u8>,
        masked: &mut Masked,
    ) {
        for field in query.split_inclusive(|byte| *byte == b'&') {
            let sign = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
            let (name, value) = field.split_at_checked(sign).unwrap_or((field, &[]));
            match self.field(name) {
                Field::Plain => self.read_whole(field, home, left, masked),
                Field::Credential => left.extend_from_slice(field),
                Field::Secret if value.len() <= 1 || value == b"=&" => {
                    left.extend_from_slice(field);
                }
                Field::Secret => {
                    masked.add(NAME_RULE, None);
                    left.extend_from_slice(name);
                    left.push(b'=');
                    left.extend_from_slice(self.placeholder().as_bytes());
                    left.extend(value.last().filter(|byte| **byte == b'&'));
                }
            }
        }
    }

    fn field(&self, name: &[u8]) -> Field {
        let name = name.strip_prefix(b"?").unwrap_or(name);
        let mut plain: Vec<u8> = UnescapedBefore::new(name).collect();
        plain.reverse();
        match self.names.meaning(&plain, true).filter(|meaning| meaning.is_settled()) {
            None => Field::Plain,
            Some(meaning) => match meaning.family {
                Family::Password | Family::Number | Family::Own => Field::Secret,
                _ => Field::Credential,
            },
        }
    }
}

/// What the name of a query's field says of its value.
enum Field {
    /// Nothing.
    Plain,
    /// It authenticates the call.
    Credential,
    /// It is a secret that is told.
    Secret,
}
