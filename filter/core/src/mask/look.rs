//! Looks at one place of a body: what stands there, if it is known yet.
//!
//! A look reads forward through any escape and stops at the first character that does not fit. It
//! has three results, and `?` hands two of them on.

use super::{
    class::{Class, is_in},
    window::{Step, Window},
};

/// What was looked for, or why it is not there.
pub(super) type Look<T> = Result<T, Miss>;

/// Why something was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// It is not there.
    Absent,
    /// It takes more bytes to tell.
    Unknown,
}

impl Window<'_> {
    /// The place behind `text`, if that is what stands at `at`.
    pub(super) fn follow(self, at: usize, text: &[u8]) -> Look<usize> {
        let same = self.from(at).iter().zip(text).take_while(|(byte, expected)| byte == expected);
        let same = same.count();
        let mut at = at.saturating_add(same);
        let is_escape = |byte: u8| matches!(byte, b'%' | b'\\');
        if same < text.len() && self.byte(at).is_some_and(|byte| !is_escape(byte)) {
            return Err(Miss::Absent);
        }
        for expected in text.iter().skip(same) {
            at = self.one(at, |byte| byte == *expected)?;
        }
        Ok(at)
    }

    /// Whether `text` stands at `at`.
    pub(super) fn follow_if(self, at: usize, text: &[u8]) -> Look<bool> {
        match self.follow(at, text) {
            Ok(_) => Ok(true),
            Err(Miss::Absent) => Ok(false),
            Err(Miss::Unknown) => Err(Miss::Unknown),
        }
    }

    /// The place behind the character at `at`, if `is` holds for it.
    pub(super) fn one(self, at: usize, is: impl FnOnce(u8) -> bool) -> Look<usize> {
        match self.unescaped(at) {
            Step::Char(byte, next) if is(byte) => Ok(next),
            Step::Unknown => Err(Miss::Unknown),
            _ => Err(Miss::Absent),
        }
    }

    /// Characters of `class` from `at` on, at most `most` of them: how many, and the place behind.
    pub(super) fn count(self, at: usize, class: Class, most: usize) -> Look<(usize, usize)> {
        let (mut at, mut counted) = (at, 0_usize);
        while counted < most {
            let rest = self.from(at);
            let rest = rest.get(..most.saturating_sub(counted)).unwrap_or(rest);
            let plain = rest.iter().take_while(|byte| is_in(**byte, class)).count();
            (at, counted) = (at.saturating_add(plain), counted.saturating_add(plain));
            if counted == most {
                break;
            }
            match self.one(at, |byte| is_in(byte, class)) {
                Ok(next) => at = next,
                Err(Miss::Absent) => return Ok((counted, at)),
                Err(Miss::Unknown) => return Err(Miss::Unknown),
            }
            counted = counted.saturating_add(1);
        }
        Ok((most, at))
    }

    /// The place behind `least` characters of `class`.
    pub(super) fn least(self, at: usize, class: Class, least: usize) -> Look<usize> {
        match self.count(at, class, least)? {
            (counted, end) if counted == least => Ok(end),
            _ => Err(Miss::Absent),
        }
    }

    /// The place behind parts of a class and a least and a greatest length, with dots between.
    pub(super) fn parts(self, at: usize, parts: &[(Class, usize, usize)]) -> Look<usize> {
        let mut at = at;
        for (index, (class, least, most)) in parts.iter().enumerate() {
            if index > 0 {
                at = self.follow(at, b".")?;
            }
            let (counted, end) = self.count(at, *class, *most)?;
            if counted < *least {
                return Err(Miss::Absent);
            }
            at = end;
        }
        Ok(at)
    }

    /// `at`, if no letter or digit stands there.
    pub(super) fn word_end(self, at: usize) -> Look<usize> {
        match self.unescaped(at) {
            Step::Char(byte, _) if byte.is_ascii_alphanumeric() => Err(Miss::Absent),
            Step::Unknown => Err(Miss::Unknown),
            _ => Ok(at),
        }
    }
}
