//! Parts of a multipart body that are secret by their name (RFC 7578).
//!
//! `Content-Disposition: form-data; name="password"`, the rest of the headers, a blank line, the value.

use super::{
    names::Names,
    notation::{NAME_RULE, Sought, Value, Wait},
    rules::Grade,
    skip::{Skip, Skipped},
    window::Window,
};

/// The longest headers of a part behind its name.
const MAX_HEADERS: usize = 1024;

/// The longest name of a part.
const MAX_NAME: usize = 128;

/// The value of the part whose parameter `name` ends before `at`.
pub(super) fn value(window: Window<'_>, at: usize, names: &Names, boundary: &[u8]) -> Sought {
    let rest = window.from(at);
    let headers = rest.get(..MAX_HEADERS).unwrap_or(rest);
    let is_cut = headers.len() == rest.len() && !window.is_last;
    let missing = if is_cut { Wait::Until(at) } else { Wait::Absent };
    let (begin, quoted) = begin(headers).ok_or(missing)?;
    let name = headers.get(begin..).unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b'"' | b';' | b'\r' | b'\n') || !quoted && *byte == b' ';
    let end = name.iter().take(MAX_NAME).position(ends);
    let end = end.ok_or(if name.len() < MAX_NAME { missing } else { Wait::Absent })?;
    if names
        .meaning(name.get(..end).unwrap_or_default(), true)
        .is_none_or(|meaning| !meaning.is_settled())
    {
        return Err(Wait::Absent);
    }
    let after_name = begin.saturating_add(end);
    let blank = blank_line(headers.get(after_name..).unwrap_or_default()).ok_or(missing)?;
    let start = at.saturating_add(after_name).saturating_add(blank);
    let delimiter = [b"--", boundary].concat();
    let value = window.from(start);
    if value.starts_with(&delimiter) {
        return Err(Wait::Absent);
    }
    if delimiter.starts_with(value) && !window.is_last {
        return Err(Wait::Until(at));
    }
    let mut skip = Skip::Part(delimiter.into());
    match skip.run(window, start) {
        Skipped::Done(end) if end == start => Err(Wait::Absent),
        Skipped::More(end) if end == start => Err(Wait::Until(at)),
        _ => Ok(Value { rule: NAME_RULE, grade: Grade::Certain, start, skip }),
    }
}

/// Behind the equals sign and the quote, and whether there is one; spaces are allowed around the sign.
fn begin(headers: &[u8]) -> Option<(usize, bool)> {
    let spaces = |at: usize| {
        let rest = headers.get(at..).unwrap_or_default();
        at.saturating_add(rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count())
    };
    let sign = spaces(0);
    (headers.get(sign)? == &b'=').then_some(())?;
    let at = spaces(sign.saturating_add(1));
    match headers.get(at)? {
        b'"' => Some((at.saturating_add(1), true)),
        _ => Some((at, false)),
    }
}

/// Behind the first blank line.
fn blank_line(headers: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let at = headers.get(from..)?.iter().position(|byte| *byte == b'\n')?.saturating_add(from);
        from = at.saturating_add(1);
        let has_return = at.checked_sub(1).and_then(|at| headers.get(at)) == Some(&b'\r');
        match headers.get(from..)? {
            [b'\n', ..] => return Some(from.saturating_add(1)),
            [b'\r', b'\n', ..] if has_return => return Some(from.saturating_add(2)),
            _ => {}
        }
    }
}
