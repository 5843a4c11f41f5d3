//! Writes JSON objects in pure ASCII, in the order of the calls.
//!
//! An entry is written three times during a call, so writing is a visible part of what the filter
//! costs: serde_json takes four times as long for the same line inside a Wasm VM. Reading is not,
//! and stays with serde.

use std::ops::Deref;

/// One object on its way into `out`. Members with a value of `None` are left out by the `some_…`
/// methods and are `null` with the others.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    /// Writes `{ … }` around what `members` writes.
    pub(crate) fn write(out: &'o mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object { out, is_empty: true });
        out.push(b'}');
    }

    /// Member names are our own: ASCII that needs no escape.
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(if self.is_empty { b"\"" } else { b",\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.is_empty = false;
    }

    pub(crate) fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        Object::write(self.out, members);
    }

    pub(crate) fn text(&mut self, name: &str, text: Option<&str>) {
        self.name(name);
        match text {
            Some(text) => write_text(self.out, text),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    pub(crate) fn some_text(&mut self, name: &str, text: Option<&str>) {
        if text.is_some() {
            self.text(name, text);
        }
    }

    pub(crate) fn number(&mut self, name: &str, number: Option<u64>) {
        self.name(name);
        match number {
            Some(number) => write_number(self.out, number),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    pub(crate) fn some_number(&mut self, name: &str, number: Option<u64>) {
        if number.is_some() {
            self.number(name, number);
        }
    }

    pub(crate) fn some_integer(&mut self, name: &str, number: Option<i64>) {
        if let Some(number) = number {
            self.name(name);
            if number < 0 {
                self.out.push(b'-');
            }
            write_number(self.out, number.unsigned_abs());
        }
    }

    pub(crate) fn some_true(&mut self, name: &str, flag: bool) {
        if flag {
            self.name(name);
            self.out.extend_from_slice(b"true");
        }
    }

    pub(crate) fn some_texts(&mut self, name: &str, texts: &[impl Deref<Target = str>]) {
        if !texts.is_empty() {
            self.texts(name, texts.iter().map(|text| &**text));
        }
    }

    fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.name(name);
        self.out.push(b'[');
        for (index, text) in texts.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write_text(self.out, text);
        }
        self.out.push(b']');
    }

    /// A member whose name is not our own.
    pub(crate) fn foreign(&mut self, name: &str, text: &str) {
        self.foreign_name(name);
        write_text(self.out, text);
    }

    /// A number whose name is not our own.
    pub(crate) fn foreign_number(&mut self, name: &str, number: u64) {
        self.foreign_name(name);
        write_number(self.out, number);
    }

    fn foreign_name(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_text(self.out, name);
        self.out.push(b':');
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars().for_each(|character| write_escaped(out, character));
    }
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        ' '..='~' => out.push(character as u8),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let [high, low] = unit.to_be_bytes();
                out.extend_from_slice(b"\\u");
                out.extend_from_slice(&hex(high));
                out.extend_from_slice(&hex(low));
            }
        }
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut length = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10) as u8);
        rest /= 10;
        length = length.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(digits.len().saturating_sub(length)));
}

/// The two lower-case hexadecimal digits of a byte.
pub(crate) fn hex(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0x0f].map(|nibble| match nibble {
        0..=9 => b'0'.wrapping_add(nibble),
        _ => b'a'.wrapping_add(nibble).wrapping_sub(10),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(members: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        Object::write(&mut out, members);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_stand_in_order_and_absent_ones_do_not() {
        let json = written(|object| {
            object.text("a", None);
            object.some_text("b", None);
            object.number("c", Some(0));
            object.some_number("d", Some(10));
            object.some_true("e", false);
            object.some_texts("f", &["x", "y"].map(Box::<str>::from));
            object.some_texts("f", &[""; 0].map(Box::<str>::from));
            object.some_integer("n", Some(-7));
            object.object("g", |object| object.foreign("h\"", "i"));
        });
        assert_eq!(json, r#"{"a":null,"c":0,"d":10,"f":["x","y"],"n":-7,"g":{"h\"":"i"}}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_ascii_and_reads_back(text: String) {
            let json = written(|object| object.text("text", Some(&text)));
            prop_assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(value["text"].as_str(), Some(&*text));
        }

        #[test]
        fn any_number_reads_back(number: u64) {
            prop_assert_eq!(written(|object| object.number("n", Some(number))), format!("{{\"n\":{number}}}"));
        }
    }
}
