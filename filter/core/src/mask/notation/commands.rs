//! Options of programs whose letter says too little: `curl -u`, `sshpass -p`.

use super::{Place, Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    look::Miss,
    names::Meaning,
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

impl Reader<'_> {
    /// `curl -u user:…`.
    pub(super) fn user(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        if !name.has_before(&[b"curl", b"wget", b"http ", b"https ", b"httpie"]) {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(name.end, 4, false).map_err(|miss| Wait::of(miss, name.end))?;
        let mut at = gap.end;
        let mut first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if gap.count == 0 && first.byte == b'=' {
            at = first.next;
            first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        } else if gap.count == 0 {
            return Err(Wait::Absent);
        }
        let ends = if first.is_quote() {
            at = first.next;
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers }
        } else {
            Ends::Bare(b"")
        };
        let (mut start, mut found) = (at, false);
        for _ in 0..64 {
            match window.glyph(start) {
                Ok(glyph) if ends.at(glyph) => break,
                Ok(glyph) => {
                    start = glyph.next;
                    if glyph.byte == b':' {
                        found = true;
                        break;
                    }
                }
                Err(Miss::Absent) => break,
                Err(Miss::Unknown) => return Err(Wait::Until(at)),
            }
        }
        if !found {
            return Err(Wait::Absent);
        }
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let counts = Counts::of(probe.text());
        let user = Probe::read(window, at, Ends::Bare(b":")).map_err(|miss| Wait::of(miss, at))?;
        if counts.all == 0 {
            // A key as the user, and no password.
            let user_counts = Counts::of(user.text());
            return if user_counts.is_random(12) {
                Ok(likely(at, &user, Ends::Bare(b":")))
            } else {
                Err(Wait::Absent)
            };
        }
        if counts.all < 3 || value::is_harmless(probe.text(), &counts, b"password", self.names) {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, ends))
    }

    /// `sshpass -p …`, `docker login -p …`.
    pub(super) fn short_option(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        if !name.has_before(&[
            b"sshpass",
            b"docker login",
            b"podman login",
            b"htpasswd",
            b"mysql",
            b"mariadb",
            b"psql",
            b"az login",
            b"ldapsearch",
            b"-n login",
        ]) {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(name.end, 4, false).map_err(|miss| Wait::of(miss, name.end))?;
        if gap.count == 0 {
            return Err(Wait::Absent);
        }
        let password = Meaning::password();
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        if first.is_quote() {
            return self.literal(window, name, password, gap.end, Place::Quoted);
        }
        let probe = self.bare(window, gap.end, b"")?;
        if Counts::of(probe.text()).only_digits() {
            return Err(Wait::Absent);
        }
        self.judged(window, name, password, gap.end, probe, Place::Option)
    }
}
