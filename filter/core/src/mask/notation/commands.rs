//! Options of programs whose letter says too little: `curl -u`, `sshpass -p`, `mysql -pX`.
//!
//! A letter is an option for a password only behind the name of a program that means it so, which is
//! looked for in the line before.

use super::{MAX_GAP, Place, Reader, Sought, Value, Wait, likely, name::Name};
use crate::mask::{
    cookies::Cookies,
    glyph::Glyph,
    look::Miss,
    names::Meaning,
    notation::CONTEXT_RULE,
    rules::Grade,
    skip::Skip,
    value::{self, Counts, Ends, Probe},
    window::Window,
};

/// Programs by the letter with which they take a password.
const TAKE_PASSWORD: &[(&[u8], &[&[u8]])] = &[
    (
        b"p",
        &[
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
            b"mongo",
            b"nerdctl login",
            b"oc login",
            b"cf login",
            b"rclone",
            b"7z",
            b"psexec",
            b"cqlsh",
            b"twine",
            b"skopeo",
            b"registry login",
        ],
    ),
    (b"N", &[b"ssh-keygen"]),
    (b"k", &[b"nuget"]),
    (b"P", &[b"mosquitto", b"sqlcmd", b"bcp ", b"zip ", b"unzip ", b"isql", b"tsql"]),
    (
        b"w",
        &[b"ldapsearch", b"ldapadd", b"ldapmodify", b"ldapdelete", b"ldapwhoami", b"ldappasswd"],
    ),
    (b"a", &[b"redis-cli", b"valkey-cli"]),
];
/// Those that take a user and a password with `-u`, `-U`, `-a` or `--user`, and the sign between.
const TAKE_USER: [&[u8]; 5] = [b"curl", b"wget", b"http ", b"https ", b"httpie"];
const TAKE_USER_OF_SAMBA: [&[u8]; 4] = [b"smbclient", b"rpcclient", b"smbget", b"net ads"];
/// Those whose option is written in one with the password.
const GLUED: [&[u8]; 9] = [
    b"mysql",
    b"mysqldump",
    b"mysqladmin",
    b"mysqlimport",
    b"mysqlcheck",
    b"mariadb",
    b"mariadb-dump",
    b"7z",
    b"7za",
];
/// Before `user/password@` of Oracle.
const SLASHED: [&[u8]; 3] = [b"sqlplus", b"thin", b"impdp"];

/// How far behind a program its option may stand, in characters.
const MAX_LINE: usize = 128;

impl Reader<'_> {
    /// What an option or a program says of what follows, if the word is one.
    pub(super) fn command(self, window: Window<'_>, name: &Name<'_>) -> Option<Sought> {
        let text = name.text();
        if name.dashes > 0 {
            return self.option(window, name, text);
        }
        if GLUED.contains(&text) {
            return Some(self.glued(window, name));
        }
        SLASHED.contains(&text).then(|| self.slashed(window, name))
    }

    fn option(self, window: Window<'_>, name: &Name<'_>, text: &[u8]) -> Option<Sought> {
        let is_short = name.dashes == 1 && text.len() == 1;
        if !is_short {
            let is_user = matches!(text, b"user" | b"proxy-user");
            return is_user.then(|| self.user(window, name, b':'));
        }
        if !has_operand(window, name.end) {
            return None;
        }
        if matches!(text, b"u" | b"U" | b"a") && name.has_before(&TAKE_USER) {
            return Some(self.user(window, name, b':'));
        }
        if text == b"U" && name.has_before(&TAKE_USER_OF_SAMBA) {
            return Some(self.user(window, name, b'%'));
        }
        if text == b"u" && name.has_before(&[b"lftp"]) {
            return Some(self.user(window, name, b','));
        }
        if text == b"b" {
            return Some(self.cookies_of(window, name));
        }
        let (_, programs) = TAKE_PASSWORD.iter().find(|(letter, _)| *letter == text)?;
        Some(match name.has_before(programs) {
            true => self.short_option(window, name),
            false => Err(Wait::Absent),
        })
    }

    /// `curl -u user:…`.
    fn user(self, window: Window<'_>, name: &Name<'_>, sign: u8) -> Sought {
        if sign == b':' && !name.has_before(&TAKE_USER) {
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
        let ends = match first.is_quote() {
            true => {
                at = first.next;
                quoted_by(first)
            }
            false => Ends::Bare(b""),
        };
        self.behind_user(window, at, ends, sign)
    }

    /// The password behind the user that begins at `at`.
    fn behind_user(self, window: Window<'_>, at: usize, ends: Ends, sign: u8) -> Sought {
        const MAX_USER: usize = 64;
        let (mut start, mut found) = (at, false);
        for _ in 0..MAX_USER {
            match window.glyph(start) {
                Ok(glyph) if ends.at(glyph) => break,
                Ok(glyph) => {
                    start = glyph.next;
                    if glyph.byte == sign {
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
        if counts.all == 0 {
            return key_as_user(window, at);
        }
        if counts.all < 3 || value::is_harmless(probe.text(), &counts, b"password", self.names) {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, ends))
    }

    /// `sshpass -p …`, `docker login -p …`.
    fn short_option(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let gap = window.spaces(name.end, 4, false).map_err(|miss| Wait::of(miss, name.end))?;
        if gap.count == 0 || gap.has_line_end {
            return Err(Wait::Absent);
        }
        self.password(window, name, gap.end)
    }

    /// `curl -b 'a=…; b=…'`.
    fn cookies_of(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let gap = window.spaces(name.end, 4, false).map_err(|miss| Wait::of(miss, name.end))?;
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        match gap.count > 0 && first.is_quote() && name.has_before(&[b"curl"]) {
            true => Ok(cookies(first.next)),
            false => Err(Wait::Absent),
        }
    }

    /// `mysql -u root -p…`: the first `-p` that is not alone, in the same line.
    fn glued(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let (mut at, mut before) = (name.end, [0_u8; 2]);
        for _ in 0..MAX_LINE {
            let glyph = match window.glyph(at) {
                Ok(glyph) => glyph,
                Err(miss) => return Err(Wait::of(miss, name.end)),
            };
            let is_option = before == *b" -" && glyph.byte == b'p';
            at = glyph.next;
            if is_option || at.saturating_sub(name.end) > MAX_GAP {
                break;
            }
            let is_long_option = before == *b"-p" && glyph.byte == b'a';
            if matches!(glyph.byte, b'\n' | b'|' | b';' | b'`' | b'"') || is_long_option {
                return Err(Wait::Absent);
            }
            before = [before[1], glyph.byte];
        }
        match before == *b" -" {
            true => self.password(window, name, at),
            false => Err(Wait::Absent),
        }
    }

    fn password(self, window: Window<'_>, name: &Name<'_>, at: usize) -> Sought {
        let password = Meaning::password();
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if first.is_quote() {
            return self.literal(window, name, password, at, Place::Quoted);
        }
        let probe = self.bare(window, at, b"")?;
        // A port, or several: `-p 127.0.0.1:8080:80`.
        let is_address = |byte: &u8| byte.is_ascii_digit() || b".:/-".contains(byte);
        if probe.text().iter().all(is_address) {
            return Err(Wait::Absent);
        }
        self.judged(window, name, password, at, probe, Place::Option)
    }

    /// `sqlplus user/…@host`, `jdbc:oracle:thin:user/…@host`.
    fn slashed(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let wait = |miss| Wait::of(miss, name.end);
        let first = window.glyph(name.end).map_err(wait)?;
        if !matches!(first.byte, b' ' | b':') {
            return Err(Wait::Absent);
        }
        let user = Probe::read(window, first.next, Ends::Bare(b"/@:(")).map_err(wait)?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$#.".contains(byte);
        if user.ended_by != Some(b'/') || user.is_long || !user.text().iter().all(is_name) {
            return Err(Wait::Absent);
        }
        let start = window.glyph(user.end).map_err(wait)?.next;
        let probe = Probe::read(window, start, Ends::Bare(b"@")).map_err(wait)?;
        let counts = Counts::of(probe.text());
        let is_password =
            !user.text().is_empty() && probe.ended_by == Some(b'@') && counts.all >= 4;
        match is_password && !value::is_harmless(probe.text(), &counts, b"password", self.names) {
            true => Ok(likely(start, &probe, Ends::Bare(b"@"))),
            false => Err(Wait::Absent),
        }
    }
}

/// Whether a word of more than two characters may follow: nearly always told by a few bytes.
fn has_operand(window: Window<'_>, at: usize) -> bool {
    let is_end = |byte: &u8| byte.is_ascii_whitespace();
    match window.from(at) {
        [b' ', b' ' | b'\'' | b'"' | b'\\', ..] | [] | [_] => true,
        [b' ', b'-', ..] => false,
        [b' ' | b'+', rest @ ..] => !rest.iter().take(3).any(is_end),
        [b'%' | b'\\' | b'=', ..] => true,
        _ => false,
    }
}

/// The cookies that begin at `start`.
pub(super) fn cookies(start: usize) -> Value {
    let skip = Skip::Cookies(Box::<Cookies>::default());
    Value { rule: CONTEXT_RULE, grade: Grade::Likely, start, skip }
}

fn quoted_by(quote: Glyph) -> Ends {
    Ends::Quote { byte: quote.byte, level: quote.depth.level, layers: quote.depth.layers }
}

/// A key as the user, and no password.
fn key_as_user(window: Window<'_>, at: usize) -> Sought {
    let user = Probe::read(window, at, Ends::Bare(b":")).map_err(|miss| Wait::of(miss, at))?;
    match Counts::of(user.text()).is_random(12) {
        true => Ok(likely(at, &user, Ends::Bare(b":"))),
        false => Err(Wait::Absent),
    }
}
