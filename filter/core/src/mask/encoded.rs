//! Base64 of a text that holds a secret.
//!
//! A value of a Kubernetes Secret, a part of a mail, a file that an API hands out: each is a text in
//! base64, of which a reader gets the secret with one command. So base64 that stands where a value does
//! is decoded as far as it is text, which base64 of anything else ceases to be within a few characters,
//! and looked into by the same rules. What holds a secret goes as a whole: there is no way to leave a part
//! of it out. In a Kubernetes Secret a text goes too that only looks like a password.

use super::{
    class::{BASE64, WORD, is_in},
    look::{Look, Miss},
    notation::{CONTEXT_RULE, NAME_RULE},
    provider::Provider,
    rules::Grade,
    scanner::{Found, Scanner},
    skip::{Skip, Skipped},
    value,
    window::Window,
};
use crate::base64;

/// A whole text in base64.
pub(super) struct Encoded<'r> {
    pub(super) rule: &'r str,
    pub(super) provider: Option<&'static Provider>,
    pub(super) grade: Grade,
    pub(super) skip: Skip,
}

/// The most characters that are decoded.
const MOST: usize = 2048;
/// The fewest decoded bytes that are worth a look.
const LEAST: usize = 8;
/// How far before it is looked for what it belongs to, in bytes.
const REACH: usize = 480;

/// The text in base64 that begins at `at`, if it holds a secret.
pub(super) fn look<'r>(scanner: Scanner<'r>, window: Window<'_>, at: usize) -> Look<Encoded<'r>> {
    if scanner.is_decoded {
        return Err(Miss::Absent);
    }
    let begun = window.from(at).get(..LEAST).unwrap_or(window.from(at));
    let is_begun = begun.first().is_some_and(|byte| is_in(*byte, BASE64 | WORD));
    if !is_begun
        || !begun.iter().all(|byte| is_in(*byte, BASE64 | WORD) || matches!(byte, b'\\' | b'%'))
    {
        return Err(Miss::Absent);
    }
    let lines = lines(window, at).ok_or(Miss::Absent)?;
    let text = Text::decode(window, at, lines)?;
    if text.bytes.len() < LEAST {
        return Err(Miss::Absent);
    }
    let near = window.before(at);
    let near = near.get(near.len().saturating_sub(REACH)..).unwrap_or_default();
    let in_manifest = is_value(near) && is_manifest(near);
    let (rule, provider, grade) = secret(scanner, &text.bytes, in_manifest).ok_or(Miss::Absent)?;
    let skip = match (text.goes_on, lines) {
        (true, Lines::Many) => Skip::Lines,
        (true, Lines::One) => Skip::Token(BASE64 | WORD),
        (false, _) => Skip::Bytes(text.end.saturating_sub(at)),
    };
    Ok(Encoded { rule, provider, grade, skip })
}

/// On how many lines a value may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// Whether a value may begin at `at`: behind a quote, a sign or `base64,`, or as the content of a part.
fn lines(window: Window<'_>, at: usize) -> Option<Lines> {
    let before = window.before(at);
    let spaces = before.iter().rev().take(24).take_while(|byte| matches!(byte, b' ' | b'\t'));
    let text = before.get(..before.len().saturating_sub(spaces.count())).unwrap_or_default();
    match text {
        [.., b'"' | b'\'' | b'`'] => Some(Lines::Many),
        [.., b'u', b'0', b'0', b'2', b'2' | b'7'] => Some(Lines::Many),
        [.., b':' | b'='] => Some(Lines::One),
        [.., b','] => text.ends_with(b"base64,").then_some(Lines::One),
        [.., b'\n'] | [.., b'\\', b'n'] => is_content(text).then_some(Lines::Many),
        _ => None,
    }
}

/// Whether a line end there is that of a part's headers, or of the sign of a block in YAML.
fn is_content(text: &[u8]) -> bool {
    let Some((line, is_blank)) = without_line_end(text) else { return false };
    if is_blank {
        let near = line.get(line.len().saturating_sub(REACH)..).unwrap_or_default();
        return value::contains(near, b"base64") || value::contains(near, b"BASE64");
    }
    [&b"|"[..], b"|-", b">", b">-", b"|+"].iter().any(|sign| line.ends_with(sign))
}

/// What stands before one line end or two, and whether there are two.
fn without_line_end(text: &[u8]) -> Option<(&[u8], bool)> {
    let line = without_one(text)?;
    match without_one(line) {
        Some(line) => Some((line, true)),
        None => Some((line, false)),
    }
}

/// What stands before a line end, be it escaped.
fn without_one(text: &[u8]) -> Option<&[u8]> {
    let line = match text {
        [line @ .., b'\n'] => line,
        [.., b'\\', b'n'] => without_escape(text),
        _ => return None,
    };
    Some(match line {
        [line @ .., b'\r'] => line,
        [.., b'\\', b'r'] => without_escape(line),
        line => line,
    })
}

/// Without the letter at the end and the backslashes before it.
fn without_escape(text: &[u8]) -> &[u8] {
    const MOST: usize = 32;
    let letter = text.len().saturating_sub(1);
    let before = text.get(..letter).unwrap_or_default();
    let backslashes = before.iter().rev().take(MOST).take_while(|byte| **byte == b'\\').count();
    before.get(..letter.saturating_sub(backslashes)).unwrap_or_default()
}

/// Whether a value follows, and no name: a colon is behind all but quotes.
fn is_value(near: &[u8]) -> bool {
    let is_between = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\');
    let text = near.iter().rposition(|byte| !is_between(byte)).and_then(|at| near.get(..=at));
    text.is_some_and(|text| text.ends_with(b":") || text.ends_with(b"u0022"))
}

/// Whether what follows `near` is among the data of a Kubernetes Secret.
fn is_manifest(near: &[u8]) -> bool {
    const SPACE: usize = 40;
    let Some(behind) = data_key(near).and_then(|at| near.get(at..)) else { return false };
    let kind = value::rfind(near, b"kind").and_then(|at| near.get(at..));
    let is_secret = match kind.map(|kind| kind.get(..SPACE).unwrap_or(kind)) {
        Some(kind) => value::contains(kind, b"Secret"),
        None => value::contains(near, b"apiVersion"),
    };
    let ends = [&b"}"[..], b"metadata", b"kind", b"spec", b"status", b"\n---"];
    is_secret && !ends.iter().any(|end| value::contains(behind, end))
}

/// The last member called `data` or `stringData`, be it in JSON or in YAML.
fn data_key(near: &[u8]) -> Option<usize> {
    let mut end = near.len();
    loop {
        let at = value::rfind(near.get(..end)?, b"ata")?;
        let name = near.get(..at.saturating_add(3))?;
        let begin = name.iter().rposition(|byte| !byte.is_ascii_alphabetic());
        let name = name.get(begin.map_or(0, |begin| begin.saturating_add(1))..)?;
        // Behind the escape of a line end its letter belongs to that.
        if matches!(name, b"data" | b"stringData" | b"ndata" | b"nstringData") {
            return Some(at);
        }
        end = at;
    }
}

/// The first secret of a decoded text.
fn secret<'r>(
    scanner: Scanner<'r>,
    text: &[u8],
    in_manifest: bool,
) -> Option<(&'r str, Option<&'static Provider>, Grade)> {
    const MOST_HITS: usize = 8;
    let scanner = Scanner { is_decoded: true, ..scanner };
    let window = Window { bytes: text, is_last: true };
    // A cursor of a list is JSON in base64 too, with names that mean nothing to others.
    let is_json = !in_manifest
        && matches!(
            text.trim_ascii_start(),
            [b'{', b'"' | b' ' | b'\n', ..] | [b'[', b'"' | b'{' | b'0'..=b'9', ..]
        );
    let mut from = 0;
    for _ in 0..MOST_HITS {
        match scanner.scan(window, from) {
            Found::Hit(hit)
                if matches!(hit.skip, Skip::Tree(_))
                    || is_json && [NAME_RULE, CONTEXT_RULE].contains(&hit.rule) =>
            {
                from = hit.start.saturating_add(1);
            }
            Found::Hit(hit) => return Some((hit.rule, hit.provider, hit.grade)),
            _ => break,
        }
    }
    let is_password = in_manifest && scanner.takes(Grade::Likely);
    let is_text = str::from_utf8(text).is_ok();
    (is_password && is_text && value::may_be_password(text.trim_ascii())).then_some((
        CONTEXT_RULE,
        None,
        Grade::Likely,
    ))
}

/// The beginning of a text.
struct Text {
    bytes: Vec<u8>,
    /// The place behind what was read.
    end: usize,
    goes_on: bool,
}

impl Text {
    /// Absent as soon as it is no text.
    fn decode(window: Window<'_>, at: usize, lines: Lines) -> Look<Self> {
        let mut text = Self { bytes: Vec::new(), end: at, goes_on: false };
        let (mut bits, mut count, mut others) = (0_u32, 0_u32, 0_usize);
        let mut is_padded = false;
        for _ in 0..MOST {
            let (byte, next) = match digit(window, text.end, lines) {
                Ok(found) => found,
                Err(Miss::Absent) => return Ok(text),
                Err(Miss::Unknown) => return Err(Miss::Unknown),
            };
            is_padded |= byte == b'=';
            let Some(value) = base64::digit(byte) else {
                text.end = next;
                continue;
            };
            if is_padded {
                return Ok(text);
            }
            text.end = next;
            bits = bits << 6 | u32::from(value);
            count = count.saturating_add(6);
            if count < 8 {
                continue;
            }
            count = count.saturating_sub(8);
            let decoded = (bits >> count & 0xff) as u8;
            let is_control =
                decoded.is_ascii_control() && !matches!(decoded, b'\n' | b'\r' | b'\t');
            others = others.saturating_add(usize::from(!decoded.is_ascii()));
            let is_foreign = others.saturating_mul(2) > text.bytes.len().saturating_add(2);
            if is_control || is_foreign {
                return Err(Miss::Absent);
            }
            text.bytes.push(decoded);
        }
        text.goes_on = true;
        Ok(text)
    }
}

/// The next character of base64, on the next line if need be, and the place behind it.
fn digit(window: Window<'_>, at: usize, lines: Lines) -> Look<(u8, usize)> {
    const MOST_SPACES: usize = 24;
    let (mut at, mut line_ends) = (at, 0_usize);
    for _ in 0..MOST_SPACES {
        let glyph = window.glyph(at)?;
        match glyph.byte {
            byte if is_in(byte, BASE64) => return Ok((byte, glyph.next)),
            byte if is_in(byte, WORD) && line_ends == 0 => return Ok((byte, glyph.next)),
            _ if lines == Lines::One => break,
            b'\n' if line_ends == 0 => line_ends = 1,
            b'\r' if line_ends == 0 => {}
            b' ' | b'\t' if line_ends == 1 => {}
            _ => break,
        }
        at = glyph.next;
    }
    Err(Miss::Absent)
}

/// Leaves out base64 on as many lines as there are.
pub(super) fn skip(window: Window<'_>, at: usize) -> Skipped {
    let mut at = at;
    loop {
        match digit(window, at, Lines::Many) {
            Ok((_, next)) => at = next,
            Err(Miss::Absent) => return Skipped::Done(at),
            Err(Miss::Unknown) => return Skipped::More(at),
        }
    }
}
