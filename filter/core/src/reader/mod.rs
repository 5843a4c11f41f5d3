//! Scalars at chosen places of JSON documents, as they stream by.
//!
//! A body of twenty megabytes holds its model's name, four token counts and a finish reason, and
//! between them a conversation that nobody asked for. A parser would build all of it; here nothing
//! is built. [`Paths`] say what is asked for, and [`Reader`] walks the bytes once, hands over what
//! lies at one of them, and passes over the rest many bytes at a time:
//!
//! ```
//! use ledgerline_core::reader::{Paths, Reader, Value};
//!
//! let paths = Paths::new(&[("model", 'm'), ("usage.input_tokens", 'i')]);
//! let mut reader = Reader::default();
//! let mut tokens = None;
//! for chunk in [&br#"{"model":"m-1","usage":{"input_to"#[..], br#"kens":12}}"#] {
//!     reader.push(&paths, chunk, &mut |field, value| {
//!         if let ('i', Value::Number(number)) = (field, value) {
//!             tokens = Some(number);
//!         }
//!     });
//! }
//! assert_eq!(tokens, Some(12));
//! ```
//!
//! The state is of constant size. Containers that lead to something asked for lie on a stack which
//! is no deeper than the longest path; of all others only the depth is counted. Bytes are copied
//! only of a value or a name that is escaped or lies in two chunks, and no more than
//! [`MAX_VALUE_BYTES`] of it.
//!
//! It is no validator. What is no JSON yields what it yields, the same in any split, and where
//! brackets do not match the rest of the document is passed over.

mod paths;
mod scan;
mod text;

use paths::{Node, NodeId};
use scan::Tree;
use text::{Capture, Unescape};

pub use paths::{MAX_PATH_DEPTH, Paths};

/// The longest text that is handed over whole, in bytes of UTF-8.
pub const MAX_VALUE_BYTES: usize = 256;

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'v> {
    /// A string without its escapes; what is no UTF-8 became U+FFFD.
    Text {
        /// At most [`MAX_VALUE_BYTES`] of it.
        text: &'v str,
        /// Whether it went on after `text`.
        cut: bool,
    },
    /// An integer that is not negative, also one that is written as `2.0`.
    Number(u64),
    /// A negative integer.
    Negative(i64),
    /// A number with a fraction or an exponent, or one too large for the two others.
    OtherNumber,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
    /// An object begins (`path{}`).
    Begin,
    /// An object ends (`path{}`), or a string that came in pieces does (`path~`).
    End,
    /// Some bytes of a string, without its escapes (`path~`).
    Piece(&'v [u8]),
}

/// Reads documents that come in chunks, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    state: State,
    open: Stack,
    /// Where the value lies that passes or comes next; none if nobody asked for it.
    node: Next,
    /// The object or array that is being passed over.
    tree: Tree,
    /// Whether the next byte of the string that passes is escaped.
    is_escaped: bool,
    /// Whether what passes began in an earlier chunk.
    is_split: bool,
    capture: Capture,
    unescape: Unescape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// A value comes.
    #[default]
    Value,
    /// A member's name comes.
    Name,
    /// The colon behind a name comes.
    Colon,
    /// A comma or the end of the container comes.
    Behind,
    /// Within a string.
    String(Use),
    /// Within a number or a word.
    Word,
    /// Within an object or array that nobody asked into.
    Tree,
    /// Nothing more can be told of this document.
    Broken,
}

/// What a string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Name,
    Text,
    Pieces,
    Nothing,
}

/// Where the next value lies. It begins with the document itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Next(Option<NodeId>);

impl Default for Next {
    fn default() -> Self {
        Self(Some(NodeId::ROOT))
    }
}

/// An open container that holds something asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    node: NodeId,
    is_array: bool,
}

/// The open containers, the outermost first.
#[derive(Clone, Debug, Default)]
struct Stack {
    frames: [Frame; MAX_PATH_DEPTH],
    len: usize,
}

impl Stack {
    /// Whether there was room.
    fn push(&mut self, frame: Frame) -> bool {
        let Some(free) = self.frames.get_mut(self.len) else { return false };
        *free = frame;
        self.len = self.len.saturating_add(1);
        true
    }

    fn top(&self) -> Option<Frame> {
        self.frames.get(self.len.checked_sub(1)?).copied()
    }

    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }
}

impl Reader {
    /// The next bytes, in order. What they hold goes to `found`, with what the table says of its
    /// path.
    pub fn push<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        bytes: &[u8],
        found: &mut dyn FnMut(F, Value<'_>),
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let passed = self.step(paths, rest, found);
            rest = rest.get(passed..).unwrap_or_default();
        }
    }

    /// The document ended, complete or not. The next bytes begin another one.
    pub fn finish<F: Copy>(&mut self, paths: &Paths<F>, found: &mut dyn FnMut(F, Value<'_>)) {
        // Only a number at the top ends with its document. Within a container it was broken off.
        if self.state == State::Word && self.open.len == 0 {
            self.word(paths, &[], true, found);
        }
        self.capture.clear();
        *self = Self { capture: std::mem::take(&mut self.capture), ..Self::default() };
    }

    /// Whether nothing of a document was read yet.
    pub fn is_new(&self) -> bool {
        self.state == State::Value && self.open.len == 0 && self.node == Next::default()
    }

    /// Goes on by at least one byte, or to a state that will.
    fn step<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        rest: &[u8],
        found: &mut dyn FnMut(F, Value<'_>),
    ) -> usize {
        match self.state {
            State::String(usage) => return self.string(paths, rest, usage, found),
            State::Word => return self.pass_word(paths, rest, found),
            State::Tree => return self.pass_tree(paths, rest, found),
            State::Broken => return rest.len(),
            State::Value | State::Name | State::Colon | State::Behind => {}
        }
        let spaces = rest.iter().take_while(|byte| is_space(**byte)).count();
        let Some(byte) = rest.get(spaces) else { return spaces };
        if self.state == State::Value && !scan::ends_word(*byte) {
            self.state = State::Word;
            self.is_split = false;
            return spaces;
        }
        self.sign(paths, *byte, found);
        spaces.saturating_add(1)
    }

    /// Takes a byte that stands between values or begins one.
    fn sign<F: Copy>(&mut self, paths: &Paths<F>, byte: u8, found: &mut dyn FnMut(F, Value<'_>)) {
        let top = self.open.top();
        let is_array = top.map(|frame| frame.is_array);
        self.state = match (self.state, byte, is_array) {
            (State::Value, b'"', _) => self.begin_string(value_use(self.node(paths))),
            (State::Value, b'{' | b'[', _) => return self.begin_container(paths, byte, found),
            (State::Value | State::Behind, b']', Some(true))
            | (State::Name | State::Behind, b'}', Some(false)) => {
                return self.end_container(paths, found);
            }
            (State::Name, b'"', _) => self.begin_string(Use::Name),
            (State::Colon, b':', _) => State::Value,
            (State::Behind, b',', Some(true)) => {
                let array = top.and_then(|frame| paths.node(frame.node));
                self.node = Next(array.and_then(|node| node.elements));
                State::Value
            }
            (State::Behind, b',', Some(false)) => State::Name,
            _ => State::Broken,
        };
    }

    fn node<'p, F>(&self, paths: &'p Paths<F>) -> Option<&'p Node<F>> {
        paths.node(self.node.0?)
    }

    fn begin_string(&mut self, usage: Use) -> State {
        self.is_split = false;
        self.is_escaped = false;
        State::String(usage)
    }

    fn begin_container<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        byte: u8,
        found: &mut dyn FnMut(F, Value<'_>),
    ) {
        let is_array = byte == b'[';
        if let (Some(field), false) = (self.node(paths).and_then(|node| node.object), is_array) {
            found(field, Value::Begin);
        }
        let holds = self.node(paths).is_some_and(|node| node.holds(is_array));
        let frame = Frame { node: self.node.0.unwrap_or_default(), is_array };
        if !holds || !self.open.push(frame) {
            self.tree = Tree::new();
            if is_array {
                self.node = Next(None);
            }
            self.state = State::Tree;
        } else if is_array {
            self.node = Next(self.node(paths).and_then(|node| node.elements));
            self.state = State::Value;
        } else {
            self.state = State::Name;
        }
    }

    fn end_container<F: Copy>(&mut self, paths: &Paths<F>, found: &mut dyn FnMut(F, Value<'_>)) {
        let top = self.open.top();
        self.open.pop();
        self.node = Next(top.filter(|frame| !frame.is_array).map(|frame| frame.node));
        self.end_object(paths, found);
    }

    /// The value at `node` ended; if it may be an object, it was one.
    fn end_object<F: Copy>(&mut self, paths: &Paths<F>, found: &mut dyn FnMut(F, Value<'_>)) {
        if let Some(field) = self.node(paths).and_then(|node| node.object) {
            found(field, Value::End);
        }
        self.end_value();
    }

    fn end_value(&mut self) {
        if self.open.len == 0 {
            self.node = Next::default();
            self.state = State::Value;
        } else {
            self.state = State::Behind;
        }
    }

    fn pass_tree<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        rest: &[u8],
        found: &mut dyn FnMut(F, Value<'_>),
    ) -> usize {
        let Some(end) = self.tree.end(rest) else { return rest.len() };
        self.end_object(paths, found);
        end
    }

    fn pass_word<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        rest: &[u8],
        found: &mut dyn FnMut(F, Value<'_>),
    ) -> usize {
        let end = rest.iter().position(|byte| scan::ends_word(*byte));
        let passed = end.unwrap_or(rest.len());
        let word = rest.get(..passed).unwrap_or_default();
        self.word(paths, word, end.is_some(), found);
        passed
    }

    /// Some bytes of a number or a word, the last ones of it if `is_end`.
    fn word<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        word: &[u8],
        is_end: bool,
        found: &mut dyn FnMut(F, Value<'_>),
    ) {
        let field = self.node(paths).and_then(|node| node.scalar);
        if field.is_some() && (self.is_split || !is_end) {
            self.capture.push_raw(word);
        }
        self.is_split = true;
        if !is_end {
            return;
        }
        if let Some(field) = field {
            let word = if self.capture.is_empty() { word } else { self.capture.bytes() };
            if let Some(value) = text::read_word(word) {
                found(field, value);
            }
            self.capture.clear();
        }
        self.end_value();
    }

    fn string<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        rest: &[u8],
        usage: Use,
        found: &mut dyn FnMut(F, Value<'_>),
    ) -> usize {
        let end = scan::string_end(rest, &mut self.is_escaped);
        let content = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        match usage {
            Use::Nothing => {}
            Use::Pieces => self.pieces(paths, content, end.is_some(), found),
            Use::Name | Use::Text if end.is_some() && !self.is_split && is_plain(content) => {
                self.take_string(paths, content, usage, found);
            }
            Use::Name | Use::Text => {
                self.capture.push(&mut self.unescape, content);
                if end.is_some() {
                    self.capture.finish(&mut self.unescape);
                    let capture = std::mem::take(&mut self.capture);
                    self.take_string(paths, capture.bytes(), usage, found);
                    self.capture = capture;
                    self.capture.clear();
                }
            }
        }
        self.is_split = true;
        let Some(end) = end else { return rest.len() };
        if usage == Use::Name {
            self.state = State::Colon;
        } else {
            self.end_value();
        }
        end.saturating_add(1)
    }

    /// A whole string without its escapes, or the beginning of one that is too long.
    fn take_string<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        string: &[u8],
        usage: Use,
        found: &mut dyn FnMut(F, Value<'_>),
    ) {
        if usage == Use::Name {
            let object = self.open.top().and_then(|frame| paths.node(frame.node));
            let name = Some(string).filter(|name| name.len() <= MAX_VALUE_BYTES);
            self.node = Next(object.zip(name).and_then(|(node, name)| node.member(name)));
        } else if let Some(field) = self.node(paths).and_then(|node| node.scalar) {
            text::with_text(string, |text, cut| found(field, Value::Text { text, cut }));
        }
    }

    fn pieces<F: Copy>(
        &mut self,
        paths: &Paths<F>,
        content: &[u8],
        is_end: bool,
        found: &mut dyn FnMut(F, Value<'_>),
    ) {
        let Some(field) = self.node(paths).and_then(|node| node.pieces) else { return };
        self.unescape.push(content, &mut |piece| found(field, Value::Piece(piece)));
        if is_end {
            self.unescape.finish(&mut |piece| found(field, Value::Piece(piece)));
            found(field, Value::End);
        }
    }
}

fn value_use<F>(node: Option<&Node<F>>) -> Use {
    match node {
        Some(node) if node.pieces.is_some() => Use::Pieces,
        Some(node) if node.scalar.is_some() => Use::Text,
        _ => Use::Nothing,
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Whether what is kept of a string's content stands there without an escape.
fn is_plain(content: &[u8]) -> bool {
    content.iter().take(MAX_VALUE_BYTES).all(|byte| *byte != b'\\')
}

#[cfg(test)]
mod tests;
