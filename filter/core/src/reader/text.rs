//! What a string or a word says: its escapes undone, its bytes made text, its number read.

use super::{MAX_VALUE_BYTES, Value};

/// Undoes the escapes of a JSON string (RFC 8259, section 7) that comes in pieces.
///
/// A lone surrogate becomes U+FFFD, and so does a `\u` without four digits. Any other character
/// behind a backslash stands for itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Unescape {
    escape: Escape,
    /// The first half of a pair of surrogates.
    high: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    Unicode {
        digits: u8,
        unit: u16,
    },
}

impl Unescape {
    /// Hands on what `content` says.
    pub(super) fn push(&mut self, content: &[u8], out: &mut dyn FnMut(&[u8])) {
        let mut rest = content;
        while let [byte, behind @ ..] = rest {
            match self.escape {
                Escape::None if *byte == b'\\' => {
                    self.escape = Escape::Backslash;
                    rest = behind;
                }
                Escape::None => {
                    self.flush(out);
                    let end = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
                    let (plain, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    out(plain);
                    rest = behind;
                }
                Escape::Backslash => {
                    self.escaped(*byte, out);
                    rest = behind;
                }
                Escape::Unicode { digits, unit } => match char::from(*byte).to_digit(16) {
                    Some(digit) => {
                        self.digit(digits, unit << 4 | digit as u16, out);
                        rest = behind;
                    }
                    // It is no escape, and the byte is read anew.
                    None => self.unit(None, out),
                },
            }
        }
    }

    /// The string ended.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        if matches!(self.escape, Escape::Unicode { .. }) {
            self.unit(None, out);
        }
        self.flush(out);
        *self = Self::default();
    }

    /// The byte behind a backslash.
    fn escaped(&mut self, byte: u8, out: &mut dyn FnMut(&[u8])) {
        self.escape = Escape::None;
        let plain = match byte {
            b'u' => {
                self.escape = Escape::Unicode { digits: 0, unit: 0 };
                return;
            }
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => other,
        };
        self.flush(out);
        out(&[plain]);
    }

    /// One more digit of an escape that had `digits` of them, and is `unit` with it.
    fn digit(&mut self, digits: u8, unit: u16, out: &mut dyn FnMut(&[u8])) {
        if digits < 3 {
            self.escape = Escape::Unicode { digits: digits.saturating_add(1), unit };
        } else {
            self.unit(Some(unit), out);
        }
    }

    /// A UTF-16 code unit, or none where one was announced.
    fn unit(&mut self, unit: Option<u16>, out: &mut dyn FnMut(&[u8])) {
        self.escape = Escape::None;
        let pair = self.high.zip(unit).map(|(high, low)| char::decode_utf16([high, low]).next());
        if let Some(Some(Ok(character))) = pair {
            self.high = None;
            return put(character, out);
        }
        self.flush(out);
        match unit {
            Some(high @ 0xd800..=0xdbff) => self.high = Some(high),
            Some(unit) => {
                put(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER), out);
            }
            None => put(char::REPLACEMENT_CHARACTER, out),
        }
    }

    /// The second half of a pair did not come.
    fn flush(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.high.take().is_some() {
            put(char::REPLACEMENT_CHARACTER, out);
        }
    }
}

fn put(character: char, out: &mut dyn FnMut(&[u8])) {
    out(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// As much of a value as tells whether it is too long.
const MAX_CAPTURE: usize = MAX_VALUE_BYTES + 1;

/// The beginning of a value that is escaped or lies in two chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Capture {
    /// Invariant: no longer than [`MAX_CAPTURE`].
    kept: Vec<u8>,
}

impl Capture {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Keeps what it can of `bytes`.
    pub(super) fn push_raw(&mut self, bytes: &[u8]) {
        if self.kept.capacity() == 0 && !bytes.is_empty() {
            self.kept.reserve_exact(MAX_CAPTURE);
        }
        let free = MAX_CAPTURE.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(bytes.get(..free).unwrap_or(bytes));
    }

    /// The same of a string's content, without its escapes.
    pub(super) fn push(&mut self, unescape: &mut Unescape, content: &[u8]) {
        for content in content.chunks(MAX_CAPTURE) {
            if self.kept.len() >= MAX_CAPTURE {
                return;
            }
            unescape.push(content, &mut |bytes| self.push_raw(bytes));
        }
    }

    /// The string ended.
    pub(super) fn finish(&mut self, unescape: &mut Unescape) {
        unescape.finish(&mut |bytes| self.push_raw(bytes));
    }
}

/// Hands `string` to `take` as text: [`MAX_VALUE_BYTES`] of it at most, and whether that is a part.
pub(super) fn with_text(string: &[u8], take: impl FnOnce(&str, bool)) {
    let kept = string.get(..MAX_VALUE_BYTES).unwrap_or(string);
    let cut = kept.len() < string.len();
    match std::str::from_utf8(kept) {
        Ok(text) => take(text, cut),
        // The cut went through a character.
        Err(error) if cut && error.error_len().is_none() => {
            let whole = kept.get(..error.valid_up_to()).unwrap_or_default();
            take(std::str::from_utf8(whole).unwrap_or_default(), cut);
        }
        Err(_) => with_lossy_text(kept, cut, take),
    }
}

/// The same of bytes that are not UTF-8. A replacement is longer than the byte it stands for.
fn with_lossy_text(kept: &[u8], cut: bool, take: impl FnOnce(&str, bool)) {
    let mut text = String::new();
    for chunk in kept.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_replaced = !chunk.invalid().is_empty();
        if is_replaced {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    let end = text.floor_char_boundary(MAX_VALUE_BYTES);
    take(text.get(..end).unwrap_or_default(), cut || end < text.len());
}

/// What a number or a word says, if anything.
pub(super) fn read_word(word: &[u8]) -> Option<Value<'static>> {
    match word {
        b"true" => return Some(Value::True),
        b"false" => return Some(Value::False),
        b"null" => return Some(Value::Null),
        _ => {}
    }
    let kept = word.get(..MAX_CAPTURE).unwrap_or(word);
    let digits = kept.strip_prefix(b"-").unwrap_or(kept);
    let is_number = digits.first().is_some_and(u8::is_ascii_digit)
        && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    is_number.then(|| read_integer(kept).unwrap_or(Value::OtherNumber))
}

fn read_integer(word: &[u8]) -> Option<Value<'static>> {
    let digits = std::str::from_utf8(word).ok().filter(|word| word.len() <= MAX_VALUE_BYTES)?;
    match digits.parse::<u64>() {
        Ok(number) => Some(Value::Number(number)),
        Err(_) => match digits.parse::<i64>() {
            Ok(0) => Some(Value::Number(0)),
            Ok(number) => Some(Value::Negative(number)),
            Err(_) => read_integer(without_fraction(word)?),
        },
    }
}

/// What some languages make of an integer: `2.0`.
fn without_fraction(word: &[u8]) -> Option<&[u8]> {
    let point = word.iter().position(|byte| *byte == b'.')?;
    let (number, fraction) = word.split_at_checked(point)?;
    let is_none = fraction.len() > 1 && fraction.iter().skip(1).all(|byte| *byte == b'0');
    is_none.then_some(number)
}
