//! The cookies of a `Cookie:` line in a text: `theme=dark; sid=8f14e45f…; lang=en`.
//!
//! What a site calls its session nobody knows, so each value is judged by its look; the names stay, and
//! so do the cookies that are no secret.

use super::{
    look::Miss,
    names::{Meaning, Names},
    value::{self, Counts, Ends, Probe},
    window::Window,
};

/// Goes through cookies, pair by pair.
#[derive(Clone, Debug, Default)]
pub(super) struct Cookies {
    at: At,
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    Name,
    Value,
    /// Within a value that is left out.
    Secret,
}

/// What the walk came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// Everything up to here stays.
    Keep(usize),
    /// A secret begins here.
    Replace,
    /// Everything up to here goes.
    Drop(usize),
    /// What follows is not known yet.
    More,
    /// It ends here.
    Done,
}

const MAX_NAME: usize = 64;
const ENDS: Ends = Ends::Bare(b";,");

impl Cookies {
    /// What becomes of what stands at `at`.
    pub(super) fn step(&mut self, window: Window<'_>, at: usize, names: &Names) -> Walk {
        match self.at {
            At::Name => self.name(window, at),
            At::Value => self.value(window, at, names),
            At::Secret => self.secret(window, at),
        }
    }

    fn name(&mut self, window: Window<'_>, at: usize) -> Walk {
        self.name.clear();
        let mut end = at;
        for _ in 0..MAX_NAME {
            let glyph = match window.glyph(end) {
                Ok(glyph) => glyph,
                Err(Miss::Absent) => return Walk::Done,
                Err(Miss::Unknown) => return Walk::More,
            };
            match glyph.byte {
                b' ' | b';' if end == at => return Walk::Keep(glyph.next),
                b'=' if end > at => {
                    self.at = At::Value;
                    return Walk::Keep(glyph.next);
                }
                byte if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) => {
                    self.name.push(byte);
                }
                _ => return Walk::Done,
            }
            end = glyph.next;
        }
        Walk::Done
    }

    fn value(&mut self, window: Window<'_>, at: usize, names: &Names) -> Walk {
        let Ok(probe) = Probe::read(window, at, ENDS) else { return Walk::More };
        if self.is_secret(&probe, names) {
            self.at = At::Secret;
            return Walk::Replace;
        }
        self.at = At::Name;
        Walk::Keep(probe.end)
    }

    fn is_secret(&self, probe: &Probe, names: &Names) -> bool {
        let text = probe.text();
        let counts = Counts::of(text);
        let is_named = Names::is_session_cookie(&self.name)
            || names.meaning(&self.name, false).is_some_and(Meaning::is_settled);
        let is_random = counts.is_random(12) || counts.all >= 24 && counts.digits >= 1;
        !text.is_empty()
            && (is_named || is_random)
            && !value::is_harmless(text, &counts, &self.name, names)
    }

    fn secret(&mut self, window: Window<'_>, at: usize) -> Walk {
        let mut end = at;
        loop {
            match window.glyph(end) {
                Ok(glyph) if ENDS.at(glyph) => break,
                Ok(glyph) => end = glyph.next,
                Err(Miss::Absent) => break,
                Err(Miss::Unknown) if end == at => return Walk::More,
                Err(Miss::Unknown) => return Walk::Drop(end),
            }
        }
        self.at = At::Name;
        Walk::Drop(end)
    }
}
