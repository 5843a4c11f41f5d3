//! The headers of a frame, read for the name of its event.
//!
//! Each is a name behind its length in one byte, a type, and a value whose length follows from the
//! type or stands before it in two bytes. Three of them name the event: `:event-type`,
//! `:exception-type`, and `:error-code` of an error that is not modelled as an exception.

use crate::stream::name::Name;

/// The headers of one frame. If they break off or make no sense, the event has no name; where the
/// frame ends does not depend on them.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    place: Place,
    /// The name of the header under way.
    title: Name,
    role: Role,
    /// The value of `:message-type`.
    message: Name,
    event: Name,
    is_exception: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    TitleLength,
    Title(usize),
    Type,
    HighLength,
    LowLength(u8),
    Value(usize),
    /// Nothing that can be understood.
    Lost,
}

/// What a header tells about the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    None,
    Message,
    Event,
    Exception,
}

impl Role {
    fn of(title: &[u8]) -> Self {
        match title {
            b":message-type" => Self::Message,
            b":event-type" => Self::Event,
            b":exception-type" | b":error-code" => Self::Exception,
            _ => Self::None,
        }
    }
}

/// The types of values: of a fixed length, and those whose length stands before them.
const STRING: u8 = 7;

impl Headers {
    /// The next bytes of the headers.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, later)) = rest.split_first() {
            let length = match self.place {
                Place::Title(length) | Place::Value(length) => length,
                Place::Lost => return,
                place => {
                    self.place = self.step(place, *first);
                    rest = later;
                    continue;
                }
            };
            let (piece, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            self.take(piece, length.saturating_sub(piece.len()));
            rest = later;
        }
    }

    /// What comes behind a single byte that says so.
    fn step(&mut self, place: Place, byte: u8) -> Place {
        match (place, byte) {
            (Place::TitleLength, 0) => Place::Lost,
            (Place::TitleLength, length) => {
                self.title.clear();
                Place::Title(usize::from(length))
            }
            (Place::Type, type_) => self.begin_value(type_),
            (Place::HighLength, high) => Place::LowLength(high),
            (Place::LowLength(high), low) => value(u16::from_be_bytes([high, low])),
            (place, _) => place,
        }
    }

    /// A piece of a title or of a value, of which `left` bytes are to come.
    fn take(&mut self, piece: &[u8], left: usize) {
        match self.place {
            Place::Title(_) => {
                self.title.push(piece);
                self.place = if left > 0 { Place::Title(left) } else { Place::Type };
            }
            _ => {
                match self.role {
                    Role::None => {}
                    Role::Message => self.message.push(piece),
                    Role::Event | Role::Exception => self.event.push(piece),
                }
                self.place = if left > 0 { Place::Value(left) } else { Place::TitleLength };
            }
        }
    }

    fn begin_value(&mut self, type_: u8) -> Place {
        self.role = match (type_, Role::of(self.title.as_bytes())) {
            (STRING, Role::Event) if self.is_exception => Role::None,
            (STRING, role) => role,
            _ => Role::None,
        };
        match self.role {
            Role::None => {}
            Role::Message => self.message.clear(),
            Role::Event => self.event.clear(),
            Role::Exception => {
                self.is_exception = true;
                self.event.clear();
            }
        }
        match type_ {
            // True and false have no value.
            0 | 1 => Place::TitleLength,
            2 => Place::Value(1),
            3 => Place::Value(2),
            4 => Place::Value(4),
            // A number and a time.
            5 | 8 => Place::Value(8),
            // Bytes and a string.
            6 | STRING => Place::HighLength,
            // A UUID.
            9 => Place::Value(16),
            _ => Place::Lost,
        }
    }

    /// Hands over the name of the event, once the headers are whole.
    pub(super) fn with_name(&self, take: impl FnOnce(&[u8])) {
        let event = self.event.as_bytes();
        let is_exception =
            self.is_exception || matches!(self.message.as_bytes(), b"exception" | b"error");
        if is_exception { take(&[b"exception:", event].concat()) } else { take(event) }
    }
}

fn value(length: u16) -> Place {
    if length == 0 { Place::TitleLength } else { Place::Value(usize::from(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(title: &str, type_: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![title.len() as u8];
        bytes.extend(title.bytes().chain([type_]));
        if matches!(type_, 6 | 7) {
            bytes.extend((value.len() as u16).to_be_bytes());
        }
        bytes.extend(value);
        bytes
    }

    fn name(bytes: &[u8]) -> String {
        let read = |size: usize| {
            let mut headers = Headers::default();
            bytes.chunks(size).for_each(|chunk| headers.push(chunk));
            let mut name = String::new();
            headers.with_name(|bytes| name = String::from_utf8_lossy(bytes).into_owned());
            name
        };
        let whole = read(bytes.len().max(1));
        (1..9).for_each(|size| assert_eq!(read(size), whole, "in chunks of {size}"));
        whole
    }

    #[test]
    fn three_headers_name_an_event() {
        let string = |title: &str, value: &str| header(title, 7, value.as_bytes());
        let other = [
            header("a", 0, b""),
            header("b", 1, b""),
            header("c", 2, b"1"),
            header("d", 3, b"12"),
            header("e", 4, b"1234"),
            header("f", 5, b"12345678"),
            header("g", 6, b"\x07:event-type"),
            header("h", 7, b""),
            header("i", 8, b"12345678"),
            header("j", 9, b"0123456789abcdef"),
        ]
        .concat();
        for (headers, expected) in [
            (vec![], ""),
            (vec![string(":event-type", "chunk"), string(":message-type", "event")], "chunk"),
            (vec![other, string(":event-type", "metadata")], "metadata"),
            (vec![header(":event-type", 6, b"bytes")], ""),
            (
                vec![string(":exception-type", "throttlingException"), string(":event-type", "x")],
                "exception:throttlingException",
            ),
            (
                vec![string(":error-code", "Internal"), string(":message-type", "error")],
                "exception:Internal",
            ),
            (vec![string(":message-type", "exception")], "exception:"),
            (vec![header("x", 10, b""), string(":event-type", "behind nonsense")], ""),
            (vec![vec![0, 0], string(":event-type", "behind nonsense")], ""),
        ] {
            assert_eq!(name(&headers.concat()), expected, "{headers:?}");
        }
        assert_eq!(name(&string(":event-type", &"x".repeat(300))), "x".repeat(64));
    }
}
