//! The word that a look begins at, and what stands before it.

use super::LOOK_BACK;
use crate::mask::{
    embed::level_of,
    glyph::Glyph,
    syntax::Syntax,
    value,
    window::{UnescapedBefore, Window},
};

/// The longest name that is read, in bytes as they are written.
const MAX_NAME_BYTES: usize = 256;

/// A name, and what stands before it.
pub(in crate::mask) struct Name<'w> {
    bytes: [u8; MAX_NAME_BYTES],
    pub(super) start: usize,
    /// The characters before it, last one first.
    pub(super) before: UnescapedBefore<'w>,
    /// Whether nothing is known to stand before it.
    pub(super) is_first: bool,
    pub(super) dashes: usize,
    pub(super) end: usize,
}

impl<'w> Name<'w> {
    /// The name that ends before `end`, where `next` stands.
    pub(super) fn before(window: Window<'w>, end: usize, next: Option<Glyph>) -> Self {
        let low = end.saturating_sub(MAX_NAME_BYTES);
        let slice = window.bytes.get(low..end).unwrap_or_default();
        let mut name = Self {
            bytes: [0; MAX_NAME_BYTES],
            start: MAX_NAME_BYTES,
            before: UnescapedBefore::new(slice),
            is_first: false,
            dashes: 0,
            end,
        };
        let is_quoted = next.is_some_and(|glyph| glyph.byte == b'"' || glyph.byte == b'\'');
        let is_open = next.is_some_and(|glyph| glyph.byte == b']');
        loop {
            if let Some((letter, rest)) = foreign_before(name.before.raw()) {
                let mut bytes = [0; 4];
                let bytes = letter.encode_utf8(&mut bytes).as_bytes();
                bytes.iter().rev().for_each(|byte| name.push(*byte));
                name.before = UnescapedBefore::new(rest);
                continue;
            }
            let mut rest = name.before;
            match rest.next() {
                Some(byte) if is_name(byte) || is_quoted && byte == b' ' => name.push(byte),
                Some(b'[') if is_open => name.push(b'['),
                Some(b']') if is_open => name.push(b']'),
                _ => break,
            }
            name.before = rest;
        }
        let start = low.saturating_add(name.before.raw().len());
        let back = window.bytes.get(end.saturating_sub(LOOK_BACK)..start).unwrap_or_default();
        name.is_first = start == 0;
        name.before = UnescapedBefore::new(back);
        name.dashes = name.text().iter().take_while(|byte| **byte == b'-').count();
        name.start = name.start.saturating_add(name.dashes);
        name
    }

    /// `owner` in the place of another name.
    pub(super) fn of(owner: &[u8], place: &Name<'w>) -> Self {
        let mut name = Self {
            bytes: [0; MAX_NAME_BYTES],
            start: MAX_NAME_BYTES,
            before: place.before,
            is_first: false,
            dashes: 0,
            end: place.end,
        };
        owner.iter().rev().for_each(|byte| name.push(*byte));
        name
    }

    pub(super) fn push(&mut self, byte: u8) {
        let Some(start) = self.start.checked_sub(1) else { return };
        if let Some(place) = self.bytes.get_mut(start) {
            *place = byte;
            self.start = start;
        }
    }

    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// What only looks like a name: a type behind `::`, the working directory.
    pub(super) fn is_no_name(&self) -> bool {
        let mut before = self.before;
        let is_type = before.next() == Some(b':') && before.next() == Some(b':');
        let is_quoted = self.before.first() == Some(b'"');
        let is_field = self.before.first() == Some(b';');
        is_type || !is_quoted && !is_field && matches!(self.text(), b"PWD" | b"OLDPWD")
    }

    pub(super) fn opens_with(&self, quote: u8) -> bool {
        self.before.first() == Some(quote)
    }

    /// Whether a quote like this one, as deep, opens right before it.
    pub(super) fn is_within(&self, quote: Glyph) -> bool {
        let raw = self.before.raw();
        let backslashes = raw.iter().rev().skip(1).take_while(|byte| **byte == b'\\').count();
        let is_as_deep = quote.byte != b'"' || level_of(backslashes) == quote.depth.level;
        self.opens_with(quote.byte) && is_as_deep
    }

    pub(super) fn is_variable(&self) -> bool {
        let is_capital = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        self.text().iter().all(is_capital)
    }

    pub(super) fn begins_with(&self, words: &[&[u8]]) -> bool {
        let last = self.text().rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        words.iter().any(|word| last.starts_with(word))
    }

    /// `?name=`, `&name=`, `#name=`, `&amp;name=`.
    pub(super) fn is_in_query(&self, syntax: &Syntax) -> bool {
        let mut before = self.before;
        match before.next() {
            Some(b'&') => true,
            Some(b'?') => before.next().is_some_and(is_url_end),
            Some(b'#') => is_behind_url(before),
            Some(b';') => before.take(4).eq(*b"pma&"),
            _ => self.is_in_form(syntax),
        }
    }

    pub(super) fn is_in_form(&self, syntax: &Syntax) -> bool {
        let is_field = self.is_first || self.before.first() == Some(b'&');
        *syntax == Syntax::Form && is_field && self.before.is_plain_end()
    }

    /// Behind `;` or among `k=v` words: a connection string.
    pub(super) fn is_in_connection(&self) -> bool {
        if !self.before.first().is_some_and(|byte| byte == b';' || byte.is_ascii_whitespace()) {
            return false;
        }
        let near = self.near(80);
        let near = near.text();
        let spaceless = near.trim_ascii_end();
        if matches!(spaceless.last(), Some(b';')) {
            return true;
        }
        // `host=h user=u password=…`.
        let is_behind_space = near.last() == Some(&b' ');
        let word = spaceless.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        let is_pair = word.contains(&b'=')
            && word.first().is_some_and(u8::is_ascii_alphabetic)
            && !word.contains(&b'(')
            && !word.ends_with(b",")
            && !word.ends_with(b"=");
        // The first pair of such a string shows by what follows only.
        is_behind_space && is_pair
    }

    /// The name of an element of XML, behind its namespace.
    pub(super) fn is_element(&self) -> bool {
        let mut before = self.before.take(40);
        before.find(|byte| !is_name(*byte) && *byte != b':') == Some(b'<')
    }

    /// The value of an attribute that names what its element holds: `<entry key="…`, `<Setting Name="…`.
    pub(super) fn is_attribute(&self) -> bool {
        let near = self.near(48);
        let near = near.text();
        let near = near.strip_suffix(b"\"").or_else(|| near.strip_suffix(b"'")).unwrap_or(near);
        let backslashes = near.iter().rev().take_while(|byte| **byte == b'\\').count();
        let near = near.get(..near.len().saturating_sub(backslashes)).unwrap_or_default();
        let is_sign = |sign: &&[u8]| value::ends_with_any_case(near, sign);
        [&b"key="[..], b"name=", b"id="].iter().any(is_sign) && near.contains(&b'<')
    }

    /// `//registry/:_authToken=`, `_auth=`.
    pub(super) fn is_assigned_bare(&self) -> bool {
        self.before.first() == Some(b':') || self.text().starts_with(b"_")
    }

    /// A name as headers have them.
    pub(super) fn is_header(&self) -> bool {
        let text = self.text();
        let known =
            [&b"authorization"[..], b"cookie"].iter().any(|known| text.eq_ignore_ascii_case(known));
        known || text.contains(&b'-') && !text.contains(&b'_') && !text.contains(&b'.')
    }

    pub(super) fn is_cookie(&self) -> bool {
        [&b"cookie"[..], b"set-cookie"].iter().any(|name| self.text().eq_ignore_ascii_case(name))
    }

    pub(super) fn is_behind(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| self.before.take(word.len()).eq(word.iter().rev().copied()))
    }

    /// The same of one piece of text in small letters, whatever its case is.
    pub(super) fn is_behind_any_case(&self, text: &[u8]) -> bool {
        let before = self.before.take(text.len()).map(|byte| byte.to_ascii_lowercase());
        before.eq(text.iter().rev().copied())
    }

    /// `login a password …` of a `.netrc` file.
    pub(super) fn is_behind_login(&self) -> bool {
        let near = self.near(120);
        let words = near.text().rsplit(u8::is_ascii_whitespace);
        let mut words = words.filter(|word| !word.is_empty());
        let is_login = words.nth(1).is_some_and(|word| word == b"login");
        let is_machine = words.nth(1).is_some_and(|word| word.ends_with(b"machine"));
        let is_default = value::contains(near.text(), b"default login");
        self.text() == b"password" && is_login && (is_machine || is_default)
    }

    /// Whether a word before it in its line begins with one of these, in any case.
    pub(super) fn has_before(&self, words: &[&[u8]]) -> bool {
        const REACH: usize = 200;
        let near = self.near(REACH);
        let text = near.text();
        let line =
            text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let line = text.get(line..).unwrap_or_default();
        let bit = |byte: u8| 1_u128.wrapping_shl(u32::from(byte.to_ascii_lowercase() & 0x7f));
        let first = words.iter().filter_map(|word| word.first());
        let firsts = first.fold(0_u128, |bits, byte| bits | bit(*byte));
        let may_begin = |byte: u8| firsts & bit(byte) != 0;
        let mut before = b' ';
        line.iter().enumerate().any(|(at, byte)| {
            let begins = !before.is_ascii_alphanumeric();
            before = *byte;
            begins && may_begin(*byte) && words.iter().any(|word| begins_with(line, at, word))
        })
    }

    pub(super) fn near(&self, most: usize) -> Near {
        let mut near = Near { bytes: [0; LOOK_BACK], start: LOOK_BACK };
        let most = most.min(LOOK_BACK);
        let raw = self.before.raw();
        let raw = raw.get(raw.len().saturating_sub(most)..).unwrap_or_default();
        if !raw.iter().any(|byte| matches!(byte, b'\\' | b'%')) {
            near.start = LOOK_BACK.saturating_sub(raw.len());
            let place = near.bytes.get_mut(near.start..).unwrap_or_default();
            place.iter_mut().zip(raw).for_each(|(place, byte)| *place = *byte);
            return near;
        }
        for byte in self.before.take(most) {
            near.start = near.start.saturating_sub(1);
            if let Some(place) = near.bytes.get_mut(near.start) {
                *place = byte;
            }
        }
        near
    }
}

/// Whether a URL may end with this character.
fn is_url_end(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-_.~=&%+:@$}]>)*".contains(&byte) || byte >= 0x80
}

/// Whether something of a URL ends there: a path or a host, without white space and quotes.
fn is_behind_url(before: UnescapedBefore<'_>) -> bool {
    const MOST: usize = 160;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>()".contains(byte);
    before.first().is_some_and(is_url_end)
        && before.take(MOST).take_while(|byte| !ends(byte)).any(|byte| byte == b'/')
}

/// Whether `word` stands at `at` of a line, in any case.
fn begins_with(line: &[u8], at: usize, word: &[u8]) -> bool {
    let Some(text) = line.get(at..at.saturating_add(word.len())) else { return false };
    text.first().map(u8::to_ascii_lowercase) == word.first().copied()
        && text.eq_ignore_ascii_case(word)
}

/// Characters before a name, in their order.
pub(super) struct Near {
    bytes: [u8; LOOK_BACK],
    start: usize,
}

impl Near {
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// The letter beyond ASCII that `\u00f1` at the end of `before` stands for, and what stands before it.
fn foreign_before(before: &[u8]) -> Option<(char, &[u8])> {
    let [.., b'\\', b'u', _, _, _, _] = before else { return None };
    let (rest, digits) = before.split_at_checked(before.len().saturating_sub(4))?;
    let code = digits
        .iter()
        .try_fold(0_u32, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))?;
    let letter = char::from_u32(code).filter(|letter| matches!(letter, '\u{80}'..'\u{f000}'))?;
    let rest = rest.strip_suffix(b"u")?;
    let backslashes = rest.iter().rev().take_while(|byte| **byte == b'\\').count();
    Some((letter, rest.get(..rest.len().saturating_sub(backslashes))?))
}

/// Whether `byte` may stand in a name.
pub(in crate::mask) fn is_name(byte: u8) -> bool {
    // What begins with 0xEF are the signs of wide scripts: `：`.
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.')
        || byte >= 0x80 && byte != 0xEF
}
