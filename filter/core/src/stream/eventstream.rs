//! Frames of `application/vnd.amazon.eventstream`, in which Bedrock answers.
//!
//! ```text
//! total length   headers length   checksum of these 8   headers   payload   checksum of it all
//! 4 bytes        4 bytes          4 bytes                                   4 bytes
//! ```
//!
//! An event is the frame without its last checksum, which is another one once a secret in the
//! payload was replaced. The first checksum is what tells frames from other bytes; the last one is
//! not looked at. What is no frame, and all behind it, is masked as a text.

mod headers;

use super::{Said, masked::Payload, tape::Tape};
use crate::{digest::Reading, mask::Masked};
use headers::Headers;

/// Finds the frames.
#[derive(Clone, Debug)]
pub(super) struct Eventstream {
    part: Part,
    /// How much of that part is to come.
    left: usize,
    prelude: [u8; PRELUDE_BYTES],
    /// The length of the payload of this frame.
    payload_bytes: usize,
    headers: Headers,
    payload: Payload,
    /// Whether something in the payload of this frame was replaced.
    is_masked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Prelude,
    Headers,
    Payload,
    Checksum,
    /// The bytes are no frames any more.
    Broken,
}

const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;

/// Longer than any frame that a client takes: their payload has at most 24 MiB.
const MAX_FRAME_BYTES: usize = 32 * 1024 * 1024;

impl Eventstream {
    pub(super) fn new(reading: &Reading) -> Self {
        Self {
            part: Part::Prelude,
            left: PRELUDE_BYTES,
            prelude: [0; PRELUDE_BYTES],
            payload_bytes: 0,
            headers: Headers::default(),
            payload: Payload::new(reading),
            is_masked: false,
        }
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        tape: &mut Tape<'_>,
        said: &mut dyn FnMut(Said<'_>),
    ) {
        let mut rest = bytes;
        while self.part != Part::Broken && !rest.is_empty() {
            let (piece, later) = rest.split_at_checked(self.left).unwrap_or((rest, &[]));
            if (self.part, self.left) == (Part::Prelude, PRELUDE_BYTES) {
                tape.begin();
            }
            tape.cross(piece);
            self.take(piece, tape, said);
            self.left = self.left.saturating_sub(piece.len());
            while self.left == 0 && self.part != Part::Broken {
                self.end_part(tape, said);
            }
            rest = later;
        }
        if !rest.is_empty() {
            self.payload.pass(rest, tape);
        }
    }

    /// No more bytes follow. A frame that was begun is no event.
    pub(super) fn finish(&mut self, tape: &mut Tape<'_>) {
        match self.part {
            Part::Broken => self.payload.pass_end(tape),
            Part::Payload => {
                let is_masked = self.payload.finish(tape.chain, &mut |_| {});
                tape.break_off(is_masked);
            }
            Part::Checksum => tape.break_off(self.is_masked),
            Part::Prelude | Part::Headers => tape.forget(),
        }
    }

    fn take(&mut self, piece: &[u8], tape: &mut Tape<'_>, said: &mut dyn FnMut(Said<'_>)) {
        match self.part {
            Part::Prelude => {
                let known = PRELUDE_BYTES.saturating_sub(self.left);
                let places = self.prelude.iter_mut().skip(known);
                places.zip(piece).for_each(|(place, byte)| *place = *byte);
            }
            Part::Headers => {
                self.headers.push(piece);
                tape.chain.take(piece);
            }
            Part::Payload => self.payload.push(piece, tape.chain, said),
            Part::Checksum | Part::Broken => {}
        }
    }

    fn end_part(&mut self, tape: &mut Tape<'_>, said: &mut dyn FnMut(Said<'_>)) {
        (self.part, self.left) = match self.part {
            Part::Prelude => self.begin_frame(tape),
            Part::Headers => (Part::Payload, self.payload_bytes),
            Part::Payload => {
                self.is_masked = self.payload.finish(tape.chain, said);
                (Part::Checksum, CHECKSUM_BYTES)
            }
            Part::Checksum => {
                tape.end(self.is_masked);
                self.headers.with_name(|name| said(Said::End { name }));
                (Part::Prelude, PRELUDE_BYTES)
            }
            Part::Broken => (Part::Broken, 0),
        };
    }

    fn begin_frame(&mut self, tape: &mut Tape<'_>) -> (Part, usize) {
        let Some((headers, payload)) = lengths(&self.prelude) else {
            tape.forget();
            return (Part::Broken, 0);
        };
        tape.chain.take(&self.prelude);
        self.payload_bytes = payload;
        self.headers = Headers::default();
        (Part::Headers, headers)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.part == Part::Broken
    }

    /// Whether a frame was begun and not ended.
    pub(super) fn is_unfinished(&self) -> bool {
        let is_between = (self.part, self.left) == (Part::Prelude, PRELUDE_BYTES);
        !self.is_broken() && !is_between
    }

    pub(super) fn masked(&self) -> &Masked {
        self.payload.masked()
    }
}

/// The lengths of the headers and of the payload; `None` if this is not the beginning of a frame.
fn lengths(prelude: &[u8; PRELUDE_BYTES]) -> Option<(usize, usize)> {
    let (words, _) = prelude.as_chunks::<4>();
    let [total, headers, checksum] = words else { return None };
    if crc32(&[*total, *headers]) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let [total, headers] =
        [total, headers].map(|word| usize::try_from(u32::from_be_bytes(*word)).ok());
    let (total, headers) = (total?, headers?);
    let payload = total.checked_sub(PRELUDE_BYTES)?.checked_sub(CHECKSUM_BYTES)?;
    let payload = payload.checked_sub(headers)?;
    (total <= MAX_FRAME_BYTES).then_some((headers, payload))
}

/// CRC-32 as in gzip, a bit at a time: eight bytes of each frame are all that it is for.
fn crc32(words: &[[u8; 4]; 2]) -> u32 {
    let crc = words.as_flattened().iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let shifted = crc >> 1;
            if crc & 1 == 1 { shifted ^ 0xedb8_8320 } else { shifted }
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_is_known_by_its_checksum() {
        // Of the AWS test vectors: a frame without headers and payload, and one with both.
        let mut empty = *b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb";
        assert_eq!(lengths(&empty), Some((0, 0)));
        assert_eq!(lengths(b"\0\0\0\x3d\0\0\0\x20\x07\xfd\x83\x96"), Some((32, 13)));
        empty[3] = 0x11;
        assert_eq!(lengths(&empty), None);
    }

    #[test]
    fn a_length_that_cannot_be_is_no_frame() {
        for (total, headers, fits) in [
            (16_u32, 0_u32, true),
            (15, 0, false),
            (20, 5, false),
            (0, 0, false),
            (32 * 1024 * 1024, 100, true),
            (32 * 1024 * 1024 + 1, 0, false),
            (u32::MAX, u32::MAX, false),
        ] {
            let words = [total.to_be_bytes(), headers.to_be_bytes()];
            let checksum = crc32(&words).to_be_bytes();
            let prelude = [words[0], words[1], checksum].as_flattened().try_into().unwrap();
            assert_eq!(lengths(&prelude).is_some(), fits, "{total} {headers}");
        }
    }
}
