//! Tokens that are known by what stands within or before them, not by how they begin.

use super::{
    class::{ALNUM, BASE64, Class, DOT, EQUALS, TILDE, UNDERSCORE, WORD},
    look::{Look, Miss},
    window::Window,
};

/// A token from a place on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked {
    pub(super) rule: &'static str,
    /// The characters that it goes on with.
    pub(super) class: Class,
}

/// The token at `at`, right behind a mark that it has within: what stands before the mark stays.
pub(super) fn behind_mark(window: Window<'_>, at: usize) -> Look<Marked> {
    if !may_be_mark(window, at) {
        return Err(Miss::Absent);
    }
    let mut before = window.unescaped_before(at);
    let (rule, class, least) = match before.next() {
        Some(b'~') if before.next() == Some(b'Q') && is_digit(before.next()) => {
            ("azure-ad-client-secret", WORD | DOT | TILDE, 31)
        }
        Some(b'.') if before.take(8).eq(*b"1vsalta.") => {
            ("hashicorp-tf-api-token", WORD | EQUALS, 40)
        }
        Some(b'_') => return maxmind(window, at),
        _ => return Err(Miss::Absent),
    };
    window.least(at, class, least)?;
    Ok(Marked { rule, class })
}

/// Told by a few bytes, nearly always; an escape is looked at closer.
#[inline]
fn may_be_mark(window: Window<'_>, at: usize) -> bool {
    let is_end = |byte: &&u8| !byte.is_ascii_alphanumeric();
    match window.before(at) {
        [.., b'_'] => match window.from(at).iter().take(MAXMIND_LENGTH).find(is_end) {
            Some(byte) => matches!(byte, b'%' | b'\\'),
            None => true,
        },
        [.., last, b'.'] => *last == b'1',
        _ => true,
    }
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

const MAXMIND_LENGTH: usize = 29;

/// Six characters, `_`, 29 characters, `_mmk`.
fn maxmind(window: Window<'_>, at: usize) -> Look<Marked> {
    let mark = window.least(at, ALNUM, MAXMIND_LENGTH)?;
    let id = window.unescaped_before(at).skip(1).take(6);
    if id.filter(u8::is_ascii_alphanumeric).count() < 6 {
        return Err(Miss::Absent);
    }
    window.follow(mark, b"_mmk")?;
    Ok(Marked { rule: "maxmind-license-key", class: ALNUM | UNDERSCORE })
}

/// The token at `at`, right behind `Bearer ` or `Basic `: at least 16 characters, and not a mere
/// word.
pub(super) fn behind_scheme(window: Window<'_>, at: usize) -> Look<Marked> {
    const LEAST: usize = 16;
    const CLASS: Class = BASE64 | WORD | DOT | TILDE;
    if !may_be_scheme(window.before(at)) {
        return Err(Miss::Absent);
    }
    let rule = scheme_before(window, at).ok_or(Miss::Absent)?;
    let end = window.least(at, CLASS, LEAST)?;
    let (mut next, mut is_random) = (b' ', false);
    for byte in window.unescaped_before(end).take(LEAST) {
        is_random |=
            byte.is_ascii_digit() || byte.is_ascii_lowercase() && next.is_ascii_uppercase();
        next = byte;
    }
    if is_random { Ok(Marked { rule, class: CLASS }) } else { Err(Miss::Absent) }
}

/// Told by the last bytes, nearly always.
#[inline]
fn may_be_scheme(before: &[u8]) -> bool {
    match before {
        [.., b'r' | b'R' | b'c' | b'C', b' ' | b'+'] | [.., b'%', _, _, b' ' | b'+'] => true,
        [.., b' ' | b'+'] => false,
        _ => true,
    }
}

fn scheme_before(window: Window<'_>, at: usize) -> Option<&'static str> {
    let before = window.unescaped_before(at).skip(1).map(|byte| byte.to_ascii_lowercase());
    if before.clone().take(6).eq(*b"reraeb") {
        return Some("bearer-token");
    }
    before.take(5).eq(*b"cisab").then_some("basic-credentials")
}
