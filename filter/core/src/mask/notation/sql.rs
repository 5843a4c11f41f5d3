//! Passwords in statements of SQL.

use super::{Reader, Sought, Wait, likely, name::Name};
use crate::mask::{
    value::{self, Counts, Ends, Probe},
    window::Window,
};

impl Reader<'_> {
    /// `CREATE USER a IDENTIFIED BY '…'`.
    pub(super) fn identified(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let mut before = name.before.map(|byte| byte.to_ascii_lowercase());
        let is_identified = before.next() == Some(b' ')
            && (before.clone().take(10).eq(*b"deifitnedi") || {
                // IDENTIFIED WITH x BY.
                let near: Vec<u8> = before.take(60).collect();
                value::contains(&near, b"deifitnedi")
            });
        if !is_identified {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(name.end, 4, false).map_err(|miss| Wait::of(miss, name.end))?;
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        if gap.count == 0 {
            return Err(Wait::Absent);
        }
        if !matches!(first.byte, b'\'' | b'"') {
            let mut probe = self.bare(window, gap.end, b";,)")?;
            probe.trim(window, gap.end, true);
            let counts = Counts::of(probe.text());
            return match value::is_plainly_secret(probe.text(), &counts) {
                true => Ok(likely(gap.end, &probe, Ends::Bare(b";,)"))),
                false => Err(Wait::Absent),
            };
        }
        let start = first.next;
        let ends =
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let counts = Counts::of(probe.text());
        let is_sql =
            name.has_before(&[b"user", b"role", b"grant", b"login", b"alter", b"create", b"set "]);
        if !is_sql
            || counts.all < 3
            || value::is_harmless(probe.text(), &counts, b"name", self.names)
        {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, ends))
    }
}
