//! Secrets that are known by what stands around a colon: `postgres://user:password@host`, `123456:AA…` of
//! a Telegram bot, `host:5432:db:user:password` of a `.pgpass` file.
//!
//! Each is found from the sign on: first backwards to what precedes it, which is over and done with, then
//! forwards, of which only the beginning must be at hand.

use super::{
    class::WORD,
    embed::Backwards,
    names::Names,
    notation::{CONTEXT_RULE, Sought, Value, Wait},
    rules::Grade,
    skip::{Skip, ends_userinfo},
    value::{self, Counts, Ends, Probe},
    window::{ANY_ESCAPE, Step, Window},
};

const USERINFO_RULE: &str = "url-userinfo";
pub(super) const TELEGRAM_RULE: &str = "telegram-bot-api-token";

/// The longest user and password that are waited for. Longer ones are taken for what they are
/// without an `@`: no host name is that long.
const MAX_USERINFO: usize = 320;

/// A colon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) at: usize,
    /// The place behind it.
    pub(super) behind: usize,
    /// How often it was percent-encoded.
    pub(super) layers: u8,
    /// Whether it is written as an escape of JSON, as its neighbours may be too.
    pub(super) is_unicode: bool,
}

impl Sign {
    /// Whether the bytes around the sign rule out that a secret follows: most do.
    #[inline]
    pub(super) fn is_plain(self, window: Window<'_>) -> bool {
        let next = window.byte(self.behind);
        match window.before(self.at) {
            [.., last] if last.is_ascii_alphabetic() => {
                !matches!(next, Some(b'/' | b'\\' | b'%') | None)
            }
            [.., before, last] if last.is_ascii_digit() => {
                !matches!(next, Some(b'A' | b'/' | b'\\' | b'%') | None)
                    && !matches!(before, b'0'..=b'9' | b':')
            }
            _ => true,
        }
    }

    /// The value behind it, if that is secret.
    pub(super) fn look(self, window: Window<'_>, names: &Names) -> Sought {
        match Backwards::new(window.before(self.at), self.layers).peek() {
            Some(byte) if byte.is_ascii_digit() => match self.telegram(window) {
                Err(Wait::Absent) => match self.userinfo(window, names) {
                    Err(Wait::Absent) => self.pgpass(window, names),
                    found => found,
                },
                found => found,
            },
            Some(byte) if byte.is_ascii_alphabetic() => self.userinfo(window, names),
            _ => Err(Wait::Absent),
        }
    }

    /// `scheme://user:password@host`. There may be an `@` in the password: the last one counts.
    fn userinfo(self, window: Window<'_>, names: &Names) -> Sought {
        let start = window.follow(self.behind, b"//");
        let start = start.map_err(|miss| Wait::of(miss, self.behind))?;
        let layers = if self.is_unicode { ANY_ESCAPE } else { self.layers };
        let (mut at, mut colon, mut end) = (start, None, None);
        // `#` and `?` have to be encoded in a password, and people do not; behind a port they are what they say.
        let mut is_password = false;
        for length in 0..=MAX_USERINFO {
            match window.layered(at, layers) {
                Step::Unknown => return Err(Wait::Until(start)),
                Step::Char(byte, next)
                    if byte == b'@'
                        || !ends_userinfo(byte)
                        || is_password && matches!(byte, b'#' | b'?') =>
                {
                    if length == MAX_USERINFO && end.is_none() {
                        return Ok(certain(USERINFO_RULE, start, Skip::Userinfo(layers)));
                    }
                    is_password |= colon.is_some() && !byte.is_ascii_digit();
                    if byte == b':' && colon.is_none() {
                        colon = Some(next);
                    }
                    if byte == b'@' {
                        end = Some((at, length));
                    }
                    at = next;
                }
                _ => break,
            }
        }
        let Some((end, length)) = end else { return Err(Wait::Absent) };
        // A name alone is no secret (`ssh://git@host`), unless it is as long as a token.
        let is_secret = match colon.filter(|colon| *colon <= end) {
            Some(colon) => !is_sample(window, colon, end, names),
            None => length >= 20,
        };
        match is_secret && end > start {
            true => Ok(certain(USERINFO_RULE, start, Skip::Bytes(end.saturating_sub(start)))),
            false => Err(Wait::Absent),
        }
    }

    /// `digits:A` and 34 more characters.
    fn telegram(self, window: Window<'_>) -> Sought {
        let unknown = |miss| Wait::of(miss, self.behind);
        window.one(self.behind, |byte| byte == b'A').map_err(unknown)?;
        let digits = window.unescaped_before(self.at).take(17).take_while(u8::is_ascii_digit);
        if !(5..=16).contains(&digits.count()) {
            return Err(Wait::Absent);
        }
        window.least(self.behind, WORD, 35).map_err(unknown)?;
        Ok(certain(TELEGRAM_RULE, self.behind, Skip::Token(WORD)))
    }

    /// The line `host:port:database:user:password`.
    fn pgpass(self, window: Window<'_>, names: &Names) -> Sought {
        let mut before = window.unescaped_before(self.at);
        let digits = before.by_ref().take(6).take_while(u8::is_ascii_digit).count();
        if !(2..=5).contains(&digits) || window.unescaped_before(self.at).nth(digits) != Some(b':')
        {
            return Err(Wait::Absent);
        }
        let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_*".contains(byte);
        let host = window
            .unescaped_before(self.at)
            .skip(digits.saturating_add(1))
            .take(100)
            .take_while(is_host)
            .count();
        let line =
            window.unescaped_before(self.at).nth(digits.saturating_add(1).saturating_add(host));
        if host == 0 || !matches!(line, None | Some(b'\n' | b'"' | b'\'' | b'`' | b' ')) {
            return Err(Wait::Absent);
        }
        let mut at = self.behind;
        for field in 0..2 {
            let probe =
                Probe::read(window, at, Ends::Bare(b":/")).map_err(|miss| Wait::of(miss, at))?;
            let text = probe.text();
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._*-".contains(byte);
            let is_number = field == 0 && text.iter().all(u8::is_ascii_digit);
            if text.is_empty()
                || is_number
                || !text.iter().all(is_name)
                || probe.ended_by != Some(b':')
            {
                return Err(Wait::Absent);
            }
            at = probe.end.saturating_add(1);
        }
        let probe =
            Probe::read(window, at, Ends::Bare(b":/")).map_err(|miss| Wait::of(miss, at))?;
        let counts = Counts::of(probe.text());
        let is_value =
            counts.all >= 4 && !probe.is_long && !matches!(probe.ended_by, Some(b':' | b'/'));
        match is_value && !value::is_harmless(probe.text(), &counts, b"password", names) {
            true => Ok(Value {
                rule: CONTEXT_RULE,
                grade: Grade::Likely,
                start: at,
                skip: Skip::Bytes(probe.end.saturating_sub(at)),
            }),
            false => Err(Wait::Absent),
        }
    }
}

fn certain(rule: &'static str, start: usize, skip: Skip) -> Value {
    Value { rule, grade: Grade::Certain, start, skip }
}

/// Whether the password between two places is that of an example: `user:pass@`, `a:b@`, `x:{}@`.
fn is_sample(window: Window<'_>, start: usize, end: usize, names: &Names) -> bool {
    let bytes = window.bytes.get(start..end).unwrap_or_default();
    let text = Window { bytes, is_last: true };
    let Ok(probe) = Probe::read(text, 0, Ends::Bare(b"")) else { return false };
    let counts = Counts::of(probe.text());
    let is_short = counts.all <= 3 && counts.only_letters();
    !probe.is_long && (is_short || value::is_harmless(probe.text(), &counts, b"", names))
}
