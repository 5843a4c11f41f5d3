//! Private keys in PEM (RFC 7468), with the headers of older ones, and in OpenPGP's armor.
//!
//! The first and the last line say what it is and stay, and so do headers; what stands between goes.
//! In JSON the line ends are `\n`, in a form `%0A`, and the spaces of the first line `+`.

use super::{
    class::{ALNUM, BASE64, DASH, SPACE, is_in},
    look::{Look, Miss},
    notation::{Sought, Value, Wait},
    rules::Grade,
    skip::{Skip, escaped_space},
    window::{Step, UnescapedBefore, Window},
};

/// The rule for private keys.
pub(super) const RULE: &str = "private-key";

/// The most headers, the longest one, and the most line ends between two.
const MAX_HEADERS: usize = 3;
const MAX_HEADER: usize = 96;
const MAX_LINE_ENDS: usize = 16;
/// The longest first line with headers.
const MAX_BEFORE: usize = 480;

/// Where the key begins behind the dashes of its first line, which end before `dashes_end`; the
/// last word of the line is at `at`.
pub(super) fn content(window: Window<'_>, at: usize, dashes_end: usize) -> Look<usize> {
    let before = window.unescaped_before(at);
    let is = |words: &[u8]| {
        let words = words.iter().rev().copied();
        before.take(words.len()).map(|byte| if byte == b'+' { b' ' } else { byte }).eq(words)
    };
    if !is(b"PRIVATE ") && !is(b"PRIVATE KEY ") {
        return Err(Miss::Absent);
    }
    key(window, headers(window, dashes_end)?)
}

/// `at`, if a key begins there: behind the line end of its first line, or behind its headers.
pub(super) fn line(window: Window<'_>, at: usize) -> Look<usize> {
    let before = window.before(at);
    if let [.., last, space] = before
        && space.is_ascii_whitespace()
        && *last != b'-'
        && !last.is_ascii_whitespace()
    {
        return Err(Miss::Absent);
    }
    let text = before.trim_ascii_end();
    let gap = before.get(text.len()..).unwrap_or_default();
    let first_line = match text.strip_suffix(b"-----") {
        Some(line) if !gap.is_empty() => Some(line),
        _ if gap.iter().filter(|byte| **byte == b'\n').count() >= 2 => first_line(text),
        _ => None,
    };
    let is_private =
        |line: &[u8]| line.ends_with(b"PRIVATE KEY") || line.ends_with(b"PRIVATE KEY BLOCK");
    if first_line.is_some_and(is_private) { key(window, at) } else { Err(Miss::Absent) }
}

/// The line that ended with the last dashes before the headers that `text` ends with.
fn first_line(text: &[u8]) -> Option<&[u8]> {
    let near = text.get(text.len().saturating_sub(MAX_BEFORE)..)?;
    near.get(..near.windows(5).rposition(|five| five == b"-----")?)
}

/// The key behind the dashes of its first line, of which `last` is the last word, each of its lines behind
/// whatever a quote, a diff, a comment or a listing puts before it.
pub(super) fn behind_first_line(
    window: Window<'_>,
    last: &[u8],
    before: UnescapedBefore<'_>,
    end: usize,
) -> Sought {
    let is_key = matches!(last, b"KEY-----" | b"BLOCK-----");
    let reversed = if last.starts_with(b"BLOCK") { &b" YEK ETAVIRP"[..] } else { b" ETAVIRP" };
    let plain = before.map(|byte| if byte == b'+' { b' ' } else { byte });
    if !is_key || !plain.take(reversed.len()).eq(reversed.iter().copied()) {
        return Err(Wait::Absent);
    }
    let start = prefixed(window, end).map_err(|miss| Wait::of(miss, end))?;
    if start.saturating_sub(end) > MAX_PREFIXED {
        return Err(Wait::Absent);
    }
    Ok(Value { rule: RULE, grade: Grade::Certain, start, skip: Skip::Pem })
}

/// The longest text between the dashes and the key, in bytes.
const MAX_PREFIXED: usize = 200;

/// Where base64 begins on one of the next lines.
fn prefixed(window: Window<'_>, at: usize) -> Look<usize> {
    const MOST: usize = 180;
    const LEAST: usize = 16;
    // A header of an older key has a colon and a space, what a listing puts before a line has not.
    let (mut at, mut is_inside, mut is_header, mut before) = (at, true, false, 0_u8);
    // In a form a space is a plus.
    let mut is_encoded = false;
    for _ in 0..MOST {
        let glyph = window.glyph(at)?;
        let is_base64 = is_in(glyph.byte, BASE64);
        let is_space = glyph.byte == b' ' || is_encoded && glyph.byte == b'+';
        is_header = glyph.byte != b'\n' && (is_header || before == b':' && is_space);
        (before, is_encoded) = (glyph.byte, glyph.depth.layers > 0);
        if is_base64 && !is_inside && !is_header {
            match window.least(at, BASE64, LEAST) {
                Err(Miss::Absent) => {}
                found => return found.map(|_| at),
            }
        }
        is_inside = is_base64;
        at = glyph.next;
    }
    Err(Miss::Absent)
}

/// The key of PuTTY behind `Private-Lines`, up to the line that follows it.
pub(super) fn putty(window: Window<'_>, end: usize) -> Sought {
    let start = prefixed(window, end).map_err(|miss| Wait::of(miss, end))?;
    Ok(Value { rule: RULE, grade: Grade::Certain, start, skip: Skip::Putty })
}

/// `at`, if enough of a key stands there: a mere mention of the first line is none.
fn key(window: Window<'_>, at: usize) -> Look<usize> {
    const LEAST: usize = 16;
    window.least(at, BASE64, LEAST).map(|_| at)
}

/// Behind line ends, and behind lines that hold a colon.
fn headers(window: Window<'_>, at: usize) -> Look<usize> {
    let mut at = at;
    for _ in 0..=MAX_HEADERS {
        at = line_ends(window, at)?;
        match header(window, at) {
            Ok(next) => at = next,
            Err(Miss::Absent) => break,
            Err(Miss::Unknown) => return Err(Miss::Unknown),
        }
    }
    Ok(at)
}

/// Behind the spaces and line ends at `at`, be they escaped.
fn line_ends(window: Window<'_>, at: usize) -> Look<usize> {
    let mut at = at;
    for _ in 0..MAX_LINE_ENDS {
        at = match window.unescaped(at) {
            Step::Char(byte, next) if is_in(byte, SPACE) => next,
            Step::Char(b'\\', _) => match escaped_space(window, at) {
                Ok(next) => next,
                Err(Miss::Absent) => break,
                Err(Miss::Unknown) => return Err(Miss::Unknown),
            },
            Step::Unknown => return Err(Miss::Unknown),
            _ => break,
        }
    }
    Ok(at)
}

/// The end of the line `Name: value`.
fn header(window: Window<'_>, at: usize) -> Look<usize> {
    let (1.., colon) = window.count(at, ALNUM | DASH, 32)? else { return Err(Miss::Absent) };
    let mut at = window.follow(colon, b":")?;
    for _ in 0..MAX_HEADER {
        match window.unescaped(at) {
            Step::Char(b'\n' | b'\r', _) => return Ok(at),
            Step::Char(b'\\', next) => match escaped_space(window, at) {
                Ok(_) => return Ok(at),
                Err(Miss::Absent) => at = next,
                Err(Miss::Unknown) => return Err(Miss::Unknown),
            },
            Step::Char(_, next) => at = next,
            Step::Unknown => return Err(Miss::Unknown),
            Step::End => break,
        }
    }
    Err(Miss::Absent)
}

/// Whether `byte` may stand between the lines: base64, and the words of headers.
pub(super) fn is_content(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte.is_ascii_whitespace()) && !b"\"{}[]&`".contains(&byte)
}
