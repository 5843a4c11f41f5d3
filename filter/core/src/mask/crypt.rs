//! Hashes of passwords as `crypt` and its kin write them: `$6$salt$…`, `$2b$12$…`, `$argon2id$v=19$…`.
//!
//! Whoever has one can guess the password at leisure. They are told by what stands between the dollar
//! signs and by the exact number of characters that follow: a loose pattern would take templates and
//! regular expressions for them. The salt stays, what is made of the password goes.

use super::{
    class::{ALNUM, Class, DOT, PLUS_SLASH},
    look::{Look, Miss},
    window::Window,
};

/// The rule for them.
pub(super) const RULE: &str = "password-hash";
/// What they are made of.
pub(super) const CLASS: Class = ALNUM | DOT | PLUS_SLASH;

/// The most that stands before one, in bytes.
const REACH: usize = 120;

/// `at`, if the hash of a password begins there, behind a dollar sign.
pub(super) fn look(window: Window<'_>, at: usize) -> Look<usize> {
    let before = window.before(at);
    let Some(before) = before.strip_suffix(b"$") else { return Err(Miss::Absent) };
    let near = before.get(before.len().saturating_sub(REACH)..).unwrap_or_default();
    let (least, most) = length(near).ok_or(Miss::Absent)?;
    match window.count(at, CLASS, most.saturating_add(1))? {
        (count, _) if (least..=most).contains(&count) => Ok(at),
        _ => Err(Miss::Absent),
    }
}

/// How many characters follow what stands before the last dollar sign.
fn length(near: &[u8]) -> Option<(usize, usize)> {
    let mut parts = near.rsplit(|byte| *byte == b'$').filter(|part| !part.is_empty());
    let last = parts.next()?;
    if last.ends_with(b"P") || last.ends_with(b"H") {
        return (last.len() == 1).then_some((31, 31));
    }
    let before = parts.next()?;
    if matches!(before, b"2" | b"2a" | b"2b" | b"2x" | b"2y") {
        return is_cost(last).then_some((53, 53));
    }
    let is_rounds = before.starts_with(b"rounds=");
    let id = if is_rounds { parts.next()? } else { before };
    match id {
        b"1" | b"apr1" | b"md5" => Some((22, 22)),
        b"5" => Some((43, 43)),
        b"6" => Some((86, 86)),
        b"y" | b"gy" | b"7" => Some((43, 44)),
        _ => long(near),
    }
}

fn is_cost(part: &[u8]) -> bool {
    part.len() == 2 && part.iter().all(u8::is_ascii_digit)
}

/// Those that name themselves.
fn long(near: &[u8]) -> Option<(usize, usize)> {
    const IDS: [&[u8]; 4] = [b"$argon2", b"$y$", b"pbkdf2", b"$scrypt$"];
    let names_itself = |id: &&[u8]| near.windows(id.len()).any(|text| text == *id);
    IDS.iter().any(names_itself).then_some((16, 128))
}
