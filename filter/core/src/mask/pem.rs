//! Private keys in PEM (RFC 7468), with the headers of older ones, and in OpenPGP's armor.
//!
//! The first and the last line say what it is and stay, and so do headers; what stands between goes: the
//! lines of base64, each behind what a quote, a diff or a listing puts before it, up to the first line that
//! is none. In JSON the line ends are `\n`, in a form `%0A`, and the spaces of the first line `+`.

use super::{
    class::{BASE64, is_in},
    glyph::{Gap, Glyph},
    look::{Look, Miss},
    notation::{Sought, Value, Wait},
    rules::Grade,
    skip::Skip,
    window::{Step, UnescapedBefore, Window},
};

/// The rule for private keys.
pub(super) const RULE: &str = "private-key";

/// The most lines without base64 before the key: headers, and what code puts between two literals.
const MAX_LINES: usize = 6;
/// The longest header, and the most that a quote, a diff or a listing puts before a line.
const MAX_HEADER: usize = 160;
const MAX_PREFIX: usize = 64;
/// The most white space between two lines.
const MAX_SPACES: usize = 64;
/// How far ahead a look goes, however its characters are escaped.
const MAX_BYTES: usize = 6 * 1024;
/// Of a line of a key: the fewest characters, and as many as no word has.
const LEAST: usize = 16;
const LONG: usize = 40;

/// Where the key begins behind the dashes of its first line, which end before `dashes_end`; the
/// last word of the line is at `at`.
pub(super) fn content(window: Window<'_>, at: usize, dashes_end: usize) -> Look<usize> {
    match is_first_line(window.unescaped_before(at)) {
        true => first(window, dashes_end),
        false => Err(Miss::Absent),
    }
}

/// Whether a line ends before its last word that is the first one of a private key: `-----BEGIN RSA PRIVATE `,
/// and for that of OpenPGP `-----BEGIN PGP PRIVATE KEY `.
fn is_first_line(before: UnescapedBefore<'_>) -> bool {
    const MOST: usize = 48;
    let mut text = [0_u8; MOST];
    let mut length = 0_usize;
    let plain = before.map(|byte| if byte == b'+' { b' ' } else { byte });
    for (place, byte) in text.iter_mut().zip(plain.take_while(|byte| *byte != b'-')) {
        *place = byte;
        length = length.saturating_add(1);
    }
    let text = text.get(..length).unwrap_or_default();
    let is_private = text.starts_with(b" ETAVIRP ") || text.starts_with(b" YEK ETAVIRP ");
    is_private && text.ends_with(b" NIGEB")
}

/// The key behind the dashes of its first line, of which `last` is the last word, each of its lines behind
/// whatever a quote, a diff, a comment or a listing puts before it.
pub(super) fn behind_first_line(
    window: Window<'_>,
    last: &[u8],
    before: UnescapedBefore<'_>,
    end: usize,
) -> Sought {
    if !matches!(last, b"KEY-----" | b"BLOCK-----") || !is_first_line(before) {
        return Err(Wait::Absent);
    }
    let start = first(window, end).map_err(|miss| Wait::of(miss, end))?;
    Ok(Value { rule: RULE, grade: Grade::Certain, start, skip: Skip::Pem })
}

/// Where the first line of base64 begins: right behind `at`, or behind headers.
fn first(window: Window<'_>, at: usize) -> Look<usize> {
    let window = window.up_to(at.saturating_add(MAX_BYTES));
    let gap = spaces(window, at)?;
    let mut at = gap.end;
    if !gap.has_line_end {
        return match run(window, at, true)? {
            Run::Key if gap.count > 0 => Ok(at),
            _ => Err(Miss::Absent),
        };
    }
    for _ in 0..MAX_LINES {
        match line(window, at, true)? {
            Line::Key(start) => return Ok(start),
            Line::Header(end) => at = spaces(window, end)?.end,
            Line::Last(_) | Line::Other => break,
        }
    }
    Err(Miss::Absent)
}

/// How a key goes on.
pub(super) enum Next {
    /// With a line of which the base64 begins here.
    Line(usize),
    /// Up to its last line, of which the dashes begin here.
    Last(usize),
}

/// How a key goes on behind a run of base64, if it does.
pub(super) fn next(window: Window<'_>, at: usize) -> Look<Next> {
    let window = window.up_to(at.saturating_add(MAX_BYTES));
    let gap = spaces(window, at)?;
    if gap.count == 0 {
        return window.follow(at, b"-----").map(|_| Next::Last(at));
    }
    if !gap.has_line_end {
        return match run(window, gap.end, true)? {
            Run::Key => Ok(Next::Line(gap.end)),
            Run::Other(_) => window.follow(gap.end, b"-----").map(|_| Next::Last(gap.end)),
        };
    }
    match line(window, gap.end, false)? {
        Line::Key(start) => Ok(Next::Line(start)),
        Line::Last(at) => Ok(Next::Last(at)),
        _ => Err(Miss::Absent),
    }
}

/// What a line is.
enum Line {
    /// One of the key: its base64 begins here.
    Key(usize),
    /// The last one: its dashes begin here.
    Last(usize),
    /// A header, or signs alone; it ends here.
    Header(usize),
    Other,
}

/// The line that begins at `at`, be it the `first` of a key.
fn line(window: Window<'_>, at: usize, is_first: bool) -> Look<Line> {
    let most = if is_first { MAX_HEADER } else { MAX_PREFIX };
    let (mut at, mut prefix) = (at, Prefix::default());
    for _ in 0..most {
        let glyph = match sign(window, at) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(Line::Other),
            Err(Miss::Unknown) => return Err(Miss::Unknown),
        };
        match glyph.byte {
            b'\n' if is_first && prefix.is_header() => return Ok(Line::Header(at)),
            b'\n' => return Ok(Line::Other),
            b'"' | b'\'' | b'`' | b'{' | b'}' | b'[' | b']' if !is_first => return Ok(Line::Other),
            b'-' if window.follow_if(at, b"-----")? => return Ok(Line::Last(at)),
            b'+' if prefix.is_before_plus() => prefix.push(b'+', false),
            byte if is_in(byte, BASE64) && !prefix.is_named => {
                match run(window, at, prefix.is_bare())? {
                    Run::Key => return Ok(Line::Key(at)),
                    Run::Other(end) => {
                        let word = window.bytes.get(at..end).unwrap_or_default();
                        prefix.has_letter |= word.iter().any(u8::is_ascii_alphanumeric);
                        if prefix.has_letter && prefix.has_quote {
                            return Ok(Line::Other);
                        }
                        prefix.last = byte;
                        at = end;
                        continue;
                    }
                }
            }
            byte => prefix.push(byte, glyph.depth.layers > 0),
        }
        at = glyph.next;
    }
    Ok(Line::Other)
}

/// What stands in a line before its base64.
#[derive(Clone, Copy, Default)]
struct Prefix {
    has_letter: bool,
    has_space: bool,
    has_quote: bool,
    /// Whether a colon and a space are among it, as in a header.
    is_named: bool,
    last: u8,
    /// Whether that was written as an escape, as a colon is in a form.
    is_encoded: bool,
}

impl Prefix {
    fn push(&mut self, byte: u8, is_encoded: bool) {
        let is_space = matches!(byte, b' ' | b'\t' | b'+');
        self.is_named |= self.has_letter && self.last == b':' && is_space;
        self.has_space |= is_space && self.has_letter;
        self.has_quote |= matches!(byte, b'"' | b'\'' | b'`');
        (self.last, self.is_encoded) = (byte, is_encoded);
    }

    /// Whether a plus is a space here, as in a form.
    fn is_before_plus(self) -> bool {
        self.has_letter && self.last == b':' && self.is_encoded
    }

    fn is_header(self) -> bool {
        self.is_named || !self.has_letter
    }

    /// Signs, the number of a line, or the name of a file: no words.
    fn is_bare(self) -> bool {
        !self.has_space || b":|>#)\t".contains(&self.last)
    }
}

/// What a run of base64 is.
enum Run {
    /// A line of a key, or its beginning.
    Key,
    /// Something else, which ends here.
    Other(usize),
}

/// The run of base64 at `at`, behind nothing but signs if it `is_bare`.
fn run(window: Window<'_>, at: usize, is_bare: bool) -> Look<Run> {
    let (count, end) = window.count(at, BASE64, LONG)?;
    if count == LONG {
        return Ok(Run::Key);
    }
    if count == 0 || !is_bare {
        return Ok(Run::Other(end));
    }
    let gap = spaces(window, end)?;
    let ends_line = gap.has_line_end || gap.end == window.bytes.len();
    let is_padded = window.before(end).last() == Some(&b'=');
    let is_key = ends_line && (count >= LEAST || is_padded) || is_last(window, gap)?;
    Ok(if is_key { Run::Key } else { Run::Other(end) })
}

/// Whether the last line of a key is what follows white space.
fn is_last(window: Window<'_>, gap: Gap) -> Look<bool> {
    let most = if gap.has_line_end { MAX_PREFIX } else { 1 };
    let mut at = gap.end;
    for _ in 0..most {
        let glyph = match sign(window, at) {
            Ok(glyph) if glyph.byte != b'\n' => glyph,
            Err(Miss::Unknown) => return Err(Miss::Unknown),
            _ => break,
        };
        if glyph.byte == b'-' && window.follow_if(at, b"-----")? {
            return Ok(true);
        }
        at = glyph.next;
    }
    Ok(false)
}

/// The character at `at`; a line end may stand behind any number of backslashes.
fn sign(window: Window<'_>, at: usize) -> Look<Glyph> {
    const MAX_BACKSLASHES: usize = 16;
    let glyph = window.glyph(at)?;
    let mut letter = at;
    if glyph.byte == b'\\' {
        for _ in 0..MAX_BACKSLASHES {
            match window.unescaped(letter) {
                Step::Char(b'\\', next) => letter = next,
                Step::Unknown => return Err(Miss::Unknown),
                _ => break,
            }
        }
    }
    match window.raw(letter) {
        Step::Unknown => Err(Miss::Unknown),
        Step::Char(b'n', next) if letter > at => Ok(Glyph { byte: b'\n', next, ..glyph }),
        Step::Char(b'r' | b't', next) if letter > at => Ok(Glyph { byte: b'\t', next, ..glyph }),
        _ => Ok(glyph),
    }
}

/// Behind the white space at `at`.
fn spaces(window: Window<'_>, at: usize) -> Look<Gap> {
    let mut gap = Gap { end: at, ..Gap::default() };
    for _ in 0..MAX_SPACES {
        match sign(window, gap.end) {
            Ok(glyph) if glyph.is_space() => {
                gap.has_line_end |= glyph.byte == b'\n';
                gap.count = gap.count.saturating_add(1);
                gap.end = glyph.next;
            }
            Err(Miss::Unknown) => return Err(Miss::Unknown),
            _ => break,
        }
    }
    Ok(gap)
}

/// The key of PuTTY behind `Private-Lines`, up to the line that follows it.
pub(super) fn putty(window: Window<'_>, end: usize) -> Sought {
    let start = behind_count(window, end).map_err(|miss| Wait::of(miss, end))?;
    Ok(Value { rule: RULE, grade: Grade::Certain, start, skip: Skip::Putty })
}

/// The base64 behind `: 8` and a line end.
fn behind_count(window: Window<'_>, end: usize) -> Look<usize> {
    const MOST: usize = 12;
    let mut at = end;
    for _ in 0..MOST {
        let glyph = sign(window, at)?;
        match glyph.byte {
            b'\n' => return first(window, at),
            b':' | b' ' | b'\t' | b'\r' | b'0'..=b'9' => at = glyph.next,
            _ => break,
        }
    }
    Err(Miss::Absent)
}
