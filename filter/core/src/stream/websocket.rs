//! Messages of a WebSocket (RFC 6455), from the first byte behind the 101 on.
//!
//! A message comes in one frame or in several, with pings between them; how it is cut into frames
//! is of no meaning, and a client's frames are each hidden under a random mask (section 5.3). So an
//! event is the message itself: a byte that says whether it is text (1) or binary (2), and the
//! payload of all its frames, without their masks.
//!
//! A message under `permessage-deflate` (RFC 7692) is hashed compressed: it cannot be looked into.
//! Control frames never are, so the code of a close frame can always be read. What is no frame, and
//! all behind it, is masked as a text.

use super::{Said, chain::Chain, masked::Payload, tape::Tape};
use crate::{digest::Reading, mask::Masked};

/// Finds the messages of one direction.
#[derive(Clone, Debug)]
pub(super) struct Websocket {
    head: Head,
    /// The frame whose payload is under way.
    frame: Option<Frame>,
    /// Whether a message is under way, and how it is written.
    message: Option<Coding>,
    payload: Payload,
    closing: Closing,
    /// Whether a compressed message was met.
    is_opaque: bool,
    is_broken: bool,
}

/// The body of a close frame, as far as it matters: the code in its first two bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Closing {
    bytes: [u8; 2],
    known: usize,
    code: Option<u16>,
}

/// A close frame without a code (RFC 6455, section 7.1.5).
const NO_STATUS_RECEIVED: u16 = 1005;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Plain,
    Compressed,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_control: bool,
    is_close: bool,
    is_last: bool,
    /// Bytes of payload to come.
    left: u64,
    /// The masking key, with its next byte first.
    key: Option<u32>,
}

/// The head of a frame, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    bytes: [u8; MAX_HEAD_BYTES],
    known: usize,
}

/// Two bytes, a length in eight more, and a masking key.
const MAX_HEAD_BYTES: usize = 14;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

impl Websocket {
    pub(super) fn new(reading: &Reading) -> Self {
        Self {
            head: Head::default(),
            frame: None,
            message: None,
            payload: Payload::new(reading),
            closing: Closing::default(),
            is_opaque: false,
            is_broken: false,
        }
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        tape: &mut Tape<'_>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let mut rest = bytes;
        while !self.is_broken && !rest.is_empty() {
            rest = match self.frame {
                Some(frame) => self.pass(frame, rest, tape, said),
                None => self.read_head(rest, tape),
            };
            if let Some(frame) = self.frame
                && frame.left == 0
            {
                self.end_frame(frame, tape, said);
            }
        }
        if !rest.is_empty() {
            self.payload.pass(rest, tape);
        }
    }

    /// No more bytes follow. A message that was begun is no event.
    pub(super) fn finish(&mut self, tape: &mut Tape<'_>) {
        if self.is_broken {
            self.payload.pass_end(tape);
        } else {
            self.break_off(tape);
        }
    }

    /// The message under way is never whole. Whether something in it was replaced.
    fn break_off(&mut self, tape: &mut Tape<'_>) -> bool {
        let is_plain = self.message.take() == Some(Coding::Plain);
        let is_masked = is_plain && self.payload.finish(tape.chain, &mut |_| {});
        tape.break_off(is_masked);
        is_masked
    }

    /// Takes the next byte of a head, and begins the frame that it is the last one of.
    fn read_head<'b>(&mut self, bytes: &'b [u8], tape: &mut Tape<'_>) -> &'b [u8] {
        let Some((byte, rest)) = bytes.split_first() else { return bytes };
        if self.head.known == 0 && self.message.is_none() {
            tape.begin();
        }
        tape.cross(&[*byte]);
        if self.head.push(*byte) {
            let head = std::mem::take(&mut self.head);
            self.frame = self.begin(head, tape.chain);
            match self.frame {
                None => self.give_up(head, tape),
                Some(frame) if frame.is_control && self.message.is_none() => tape.forget(),
                Some(_) => {}
            }
        }
        rest
    }

    /// `head` is none that may come now.
    fn give_up(&mut self, head: Head, tape: &mut Tape<'_>) {
        self.is_broken = true;
        if self.break_off(tape) {
            tape.cross(head.bytes.get(..head.known).unwrap_or_default());
        }
    }

    /// The frame behind `head`; `None` if it is not one that may come now.
    fn begin(&mut self, head: Head, chain: &mut Chain) -> Option<Frame> {
        let [first, ..] = head.bytes;
        let (is_last, is_compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        let (reserved, opcode) = (first & 0x30, first & 0x0f);
        let frame = Frame {
            is_control: opcode & 0x08 != 0,
            is_close: opcode == CLOSE,
            is_last,
            left: head.length(),
            key: head.key(),
        };
        if reserved != 0 || frame.left > i64::MAX as u64 {
            return None;
        }
        match (opcode, self.message) {
            (0, Some(_)) if !is_compressed => {}
            (TEXT | BINARY, None) => {
                let coding = if is_compressed { Coding::Compressed } else { Coding::Plain };
                self.is_opaque |= is_compressed;
                self.message = Some(coding);
                chain.take(&[opcode]);
            }
            (CLOSE..=10, _) if is_last && !is_compressed && frame.left <= 125 => {}
            _ => return None,
        }
        Some(frame)
    }

    /// Passes on what there is of a payload.
    fn pass<'b>(
        &mut self,
        frame: Frame,
        bytes: &'b [u8],
        tape: &mut Tape<'_>,
        said: &mut dyn FnMut(Said<'_>),
    ) -> &'b [u8] {
        let length = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let (piece, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        tape.cross(piece);
        if frame.is_close || !frame.is_control {
            self.take(frame, piece, tape.chain, said);
        }
        let left = frame.left.saturating_sub(piece.len() as u64);
        let turn = |key: u32| key.rotate_left(((piece.len() % 4) as u32).wrapping_mul(8));
        self.frame = Some(Frame { left, key: frame.key.map(turn), ..frame });
        rest
    }

    fn take(
        &mut self,
        frame: Frame,
        piece: &[u8],
        chain: &mut Chain,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let Self { payload, message, closing, .. } = self;
        let mut take = |plain: &[u8]| match message {
            _ if frame.is_close => closing.push(plain),
            Some(Coding::Plain) => payload.push(plain, chain, said),
            _ => chain.take(plain),
        };
        match frame.key {
            Some(key) => unmask(key, piece, &mut take),
            None => take(piece),
        }
    }

    fn end_frame(&mut self, frame: Frame, tape: &mut Tape<'_>, said: &mut dyn FnMut(Said<'_>)) {
        self.frame = None;
        if frame.is_close {
            self.closing.end();
        }
        if frame.is_control || !frame.is_last {
            return;
        }
        let is_plain = self.message.take() == Some(Coding::Plain);
        let is_masked = is_plain && self.payload.finish(tape.chain, said);
        tape.end(is_masked);
        said(Said::End { name: b"" });
    }

    /// The code of the first close frame; 1005 if it had none.
    pub(super) fn close_code(&self) -> Option<u16> {
        self.closing.code
    }

    pub(super) fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    pub(super) fn masked(&self) -> &Masked {
        self.payload.masked()
    }
}

impl Closing {
    fn push(&mut self, plain: &[u8]) {
        let free = self.bytes.iter_mut().skip(self.known);
        free.zip(plain).for_each(|(place, byte)| *place = *byte);
        self.known = self.known.saturating_add(plain.len());
    }

    fn end(&mut self) {
        let code = if self.known < 2 { NO_STATUS_RECEIVED } else { u16::from_be_bytes(self.bytes) };
        self.code = self.code.or(Some(code));
        self.known = 0;
    }
}

impl Head {
    /// Takes the next byte; true if it was the last one.
    fn push(&mut self, byte: u8) -> bool {
        if let Some(place) = self.bytes.get_mut(self.known) {
            *place = byte;
        }
        self.known = self.known.saturating_add(1);
        self.known >= 2 && self.known >= self.needed()
    }

    fn needed(self) -> usize {
        let key = if self.is_masked() { 4 } else { 0 };
        self.key_start().saturating_add(key)
    }

    fn is_masked(self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    fn key_start(self) -> usize {
        match self.bytes[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn length(self) -> u64 {
        let [_, second, a, b, c, d, e, f, g, h, ..] = self.bytes;
        match second & 0x7f {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => u64::from(length),
        }
    }

    fn key(self) -> Option<u32> {
        let key = self.bytes.get(self.key_start()..)?.first_chunk::<4>()?;
        self.is_masked().then_some(u32::from_be_bytes(*key))
    }
}

const BLOCK_BYTES: usize = 1024;

/// Hands over `bytes` without the mask of `key`, a block at a time.
fn unmask(key: u32, bytes: &[u8], take: &mut dyn FnMut(&[u8])) {
    let word = key.to_be_bytes();
    let wide = u128::from_ne_bytes([word; 4].as_flattened().try_into().unwrap_or_default());
    let mut block = [0; BLOCK_BYTES];
    for piece in bytes.chunks(BLOCK_BYTES) {
        let Some(plain) = block.get_mut(..piece.len()) else { return };
        plain.copy_from_slice(piece);
        let (words, rest) = plain.as_chunks_mut::<16>();
        for word in words {
            *word = (u128::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        rest.iter_mut().zip(word.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        take(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mask_is_taken_off_byte_by_byte(key: [u8; 4], bytes in prop::collection::vec(any::<u8>(), 0..2100)) {
            let mut plain = Vec::new();
            unmask(u32::from_be_bytes(key), &bytes, &mut |piece| plain.extend_from_slice(piece));
            let expected: Vec<u8> =
                bytes.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]).collect();
            prop_assert_eq!(plain, expected);
        }
    }
}
