//! Text from outside on a terminal: shown, never obeyed.
//!
//! ```text
//! a line of a ledger   "api.example.com/\u009b2J"     clears the screen of whoever reads it
//! a name of a file     "entries\u202elnosj."          reads as another name
//! here                 api.example.com/\u{9b}2J, entries\u{202e}lnosj.
//! ```
//!
//! A terminal obeys control characters (C0, DEL, C1), and a person is led astray by characters that
//! have no shape of their own: those that turn the direction of writing, join, stand for nothing or
//! change the one before. All of them are written out, in two places. Whoever puts a text from outside
//! into a sentence takes [`plain`], and then it is one line, whatever is in it. Whatever goes to the
//! terminal passes [`printable`] last, which leaves nothing but line feeds: so a text that was
//! forgotten cannot do worse than add lines.
//!
//! In JSON the same characters are written as `\uXXXX`, which every reader of JSON reads back.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    path::Path,
    str,
};

/// A text as part of a line. A backslash is doubled, so that nothing passes for an escape.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\\' || is_unprintable(c), person)
}

/// Several lines, as they may go to a terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unprintable(c), person)
}

/// JSON that says the same, on the same lines, in characters that a terminal may get.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c != '\n' && is_unprintable(c),
        |c, text| match c {
            // Between its members; inside of a string JSON allows neither.
            '\r' | '\t' => text.push(' '),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(text, "\\u{unit:04x}");
            }),
        },
    )
}

/// The name of a file as part of a line.
pub(crate) trait Shown {
    /// It cannot end the line, and what a terminal would obey is written out.
    fn shown(&self) -> String;
}

impl Shown for Path {
    fn shown(&self) -> String {
        plain(&self.to_string_lossy()).into_owned()
    }
}

fn person(c: char, text: &mut String) {
    match c {
        '\\' => text.push_str("\\\\"),
        c => text.extend(c.escape_default()),
    }
}

fn escaped(
    text: &str,
    is_escaped: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_escaped(c) {
            true => escape(c, &mut escaped),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Whether it is no character that a person sees by itself.
fn is_unprintable(c: char) -> bool {
    match c {
        ' '..='~' => false,
        // They have the categories of letters and symbols, and no shape.
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fffc}' => true,
        // The library knows Cc, Cf, Zl, Zp, Zs but for the space, Co, Cn, and what joins the one before.
        c => c.escape_debug().len() > 1,
    }
}

/// Bytes that are mostly text on their way to a terminal, in any pieces.
#[derive(Debug)]
pub(crate) struct Terminal<W> {
    out: W,
    /// The beginning of a character whose end is to come.
    held: Vec<u8>,
}

impl<W: Write> Terminal<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, held: Vec::new() }
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(printable(text).as_bytes())
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let held = [&*std::mem::take(&mut self.held), bytes].concat();
        let mut chunks = held.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.put(chunk.valid())?;
            let is_cut = chunks.peek().is_none() && is_beginning(chunk.invalid());
            match is_cut {
                true => self.held = chunk.invalid().to_vec(),
                false => self.put(&hex(chunk.invalid()))?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let rest = hex(&std::mem::take(&mut self.held));
        self.put(&rest)?;
        self.out.flush()
    }
}

/// Whether more bytes could make it a character.
fn is_beginning(bytes: &[u8]) -> bool {
    str::from_utf8(bytes)
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Of each kind the first, the last, and neighbours.
    const OBEYED: &str = "\u{0}\u{1}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{1b}\u{1f}\u{7f}\u{80}\u{85}\u{90}\u{9b}\u{9d}\u{9f}\
        \u{ad}\u{34f}\u{600}\u{61c}\u{6dd}\u{70f}\u{8e2}\u{180e}\u{180b}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\
        \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2064}\u{2065}\u{2066}\u{2067}\
        \u{2068}\u{2069}\u{206a}\u{206f}\u{feff}\u{fff9}\u{fffb}\u{110bd}\u{13430}\u{1bca0}\u{1d173}\u{e0001}\
        \u{e0020}\u{e007f}\u{fe0f}\u{e0100}\u{e01ef}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{17b4}\u{a0}\u{2003}\u{3000}\
        \u{301}\u{20e3}\u{e000}\u{10ffff}\u{2800}";

    #[test]
    fn what_a_terminal_obeys_is_written_out_and_what_a_person_reads_stays() {
        for c in OBEYED.chars() {
            let text = format!("a{c}b");
            for shown in [plain(&text), json(&text)] {
                let is_kept = shown.contains(c) && !matches!(c, '\n');
                assert!(!is_kept, "{c:?} in {shown}");
            }
            assert!(!plain(&text).contains(c), "{c:?}");
            assert_eq!(printable(&text).contains(c), c == '\n', "{c:?}");
        }
        for text in ["api.example.com/v1?a=b", "Zoë Müller, 日本語 Ω «ж»", "\"it's\" 100% …─▶"]
        {
            assert_eq!(plain(text), text);
            assert_eq!(json(text), text);
        }
        assert_eq!(plain("a\\u{202e}\u{202e}"), "a\\\\u{202e}\\u{202e}");
        assert_eq!(plain("a\r\n\u{1b}[2J"), "a\\r\\n\\u{1b}[2J");
    }

    #[test]
    fn json_says_the_same() {
        let text = OBEYED.replace(|c: char| c < ' ', "");
        let document = format!("{{\"a\"\t:\r\"{text}\"}}");
        let read: Value = serde_json::from_str(&json(&document)).unwrap();
        assert_eq!(read["a"], *text);
    }

    proptest! {
        #[test]
        fn no_text_reaches_the_terminal_but_what_can_be_seen(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(is_unprintable));
            prop_assert!(!printable(&text).chars().any(|c| c != '\n' && is_unprintable(c)));
            prop_assert!(plain(&text).chars().all(|c| !c.is_control()));
        }

        #[test]
        fn bytes_in_any_pieces_come_out_the_same(bytes in prop::collection::vec(any::<u8>(), 0..40), cut in 0_usize..40) {
            let whole = shown(&[&bytes]);
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(&shown(&[first, second]), &whole);
            let single: Vec<_> = bytes.chunks(1).collect();
            prop_assert_eq!(&shown(&single), &whole);
            prop_assert!(!whole.chars().any(|c| c != '\n' && is_unprintable(c)));
        }
    }

    fn shown(pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out);
        pieces.iter().for_each(|piece| terminal.write_all(piece).unwrap());
        terminal.flush().unwrap();
        String::from_utf8(out).unwrap()
    }
}
