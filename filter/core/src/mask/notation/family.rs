//! Whether a value looks like one of its family, in the place where it stands.
//!
//! The numbers were measured: see [`crate::mask::value`].

use super::{Place, Reader, name::Name};
use crate::mask::{
    names::{Family, Meaning},
    value,
    value::{Counts, Probe},
};

impl Reader<'_> {
    /// Whether a value looks like one of its family there.
    pub(super) fn fits(
        self,
        place: Place,
        meaning: Meaning,
        probe: &Probe,
        counts: &Counts,
        name: &Name<'_>,
    ) -> bool {
        let text = probe.text();
        if probe.is_long && counts.spaces > 0 {
            return false;
        }
        if self.is_own_text {
            return !value::is_placeholder(text);
        }
        self.looks_like(place, meaning, probe, counts, name)
            && !value::is_no_text(text)
            && !value::is_harmless(text, counts, name.text(), self.names)
    }

    fn looks_like(
        self,
        place: Place,
        meaning: Meaning,
        probe: &Probe,
        counts: &Counts,
        name: &Name<'_>,
    ) -> bool {
        let text = probe.text();
        let is_plain = value::is_plainly_secret(text, counts);
        if meaning.is_odd
            && !is_plain
            && !counts.is_random(12)
            && !value::has_odd_signs(text, counts)
        {
            return false;
        }
        let is_quoted = matches!(place, Place::Quoted | Place::QuotedLoosely);
        if counts.spaces > 0 && is_quoted && value::is_phrase(text) {
            return matches!(meaning.family, Family::Password | Family::Credential);
        }
        if counts.spaces > 0 && is_quoted {
            let may_have =
                matches!(meaning.family, Family::Password | Family::Secret | Family::Key);
            return may_have && !value::is_sentence(text, counts);
        }
        if !text.is_ascii() && counts.digits == 0 && matches!(place, Place::Line | Place::Code) {
            return false;
        }
        let may_be_plain = !matches!(meaning.family, Family::Weak | Family::Number);
        let is_one_of_its_kind = match meaning.family {
            _ if is_plain && may_be_plain => true,
            Family::Password => is_password(place, text, counts, probe),
            Family::Secret | Family::Key => is_key(place, text, counts),
            Family::Token => is_token(place, text, counts, name),
            Family::BareToken => is_bare_token(place, counts),
            Family::Credential => is_credential(place, text, counts),
            Family::Number => is_number(place, text, counts),
            Family::Weak => is_weak(place, text, counts, name),
            Family::Own => true,
        };
        if !is_one_of_its_kind {
            return false;
        }
        let is_code = value::is_code(text) && !value::has_odd_signs(text, counts);
        if is_code && !is_quoted {
            return false;
        }
        if is_code
            && is_quoted
            && (value::contains(text, b"\\x")
                || text.contains(&b'{')
                || value::contains(text, b"()"))
        {
            return false;
        }
        true
    }
}

fn is_password(place: Place, text: &[u8], counts: &Counts, probe: &Probe) -> bool {
    let is_lower = counts.lower == counts.all && counts.all >= 6;
    let digits = counts.only_digits() && counts.all >= 4;
    let word_and_digits = counts.all >= 6
        && counts.digits >= 1
        && counts.digits <= 4
        && text.iter().skip_while(|byte| byte.is_ascii_alphabetic()).all(u8::is_ascii_digit);
    let ends_line = matches!(probe.ended_by, None | Some(b'\n' | b'\r' | b'"' | b'\'' | b'`'));
    match place {
        Place::Quoted => {
            let is_letters =
                text.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:/".contains(byte));
            match is_letters {
                true => {
                    is_lower
                        || counts.is_random(16)
                        || counts.is_mixed(10) && !value::is_slug(text) && !value::is_dotted(text)
                }
                false => counts.is_mixed(5) || digits,
            }
        }
        Place::QuotedLoosely => {
            let is_letters =
                text.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:/".contains(byte));
            digits || counts.is_mixed(8) && !is_letters || counts.is_random(16)
        }
        Place::Strong => counts.all >= 3,
        Place::Environment => counts.all >= 4,
        Place::Option => counts.all >= 3 && !counts.only_letters() && !text.starts_with(b"-"),
        Place::Line | Place::Code => {
            if ends_line && value::is_word_with_number(text, counts) {
                return true;
            }
            let is_identifier = counts.is_camel(text) || value::is_dotted(text);
            if is_identifier && !counts.is_random(14) {
                return false;
            }
            value::has_odd_signs(text, counts)
                || counts.is_mixed(6)
                    && (place == Place::Line
                        || !value::is_slug(text)
                        || counts.digits >= 2 && text.contains(&b'-'))
                || place == Place::Line && word_and_digits
                || digits && place == Place::Line
                || counts.is_no_word()
                || place == Place::Line && is_lower && ends_line
        }
    }
}

fn strong_signs(text: &[u8]) -> usize {
    text.iter()
        .filter(|byte| byte.is_ascii_punctuation() && !b"_-.:/,()[]{}<>".contains(byte))
        .count()
}

fn is_key(place: Place, text: &[u8], counts: &Counts) -> bool {
    let is_slug = value::is_slug(text);
    match place {
        Place::Quoted | Place::QuotedLoosely => {
            counts.is_random(12)
                || counts.is_mixed(8) && counts.digits >= 1 && !is_slug
                || counts.all >= 8 && strong_signs(text) >= 2
                || counts.only_digits() && counts.all >= 6
        }
        Place::Strong | Place::Environment | Place::Option => {
            let is_long = place == Place::Environment
                && counts.only_letters()
                && counts.all >= 16
                && counts.rare_enough();
            counts.all >= 8
                && !is_slug
                && (counts.digits >= 1
                    || counts.is_random(12)
                    || strong_signs(text) >= 2
                    || is_long)
        }
        Place::Line | Place::Code => {
            let is_identifier = counts.is_camel(text) || value::is_dotted(text);
            !is_identifier
                && (counts.is_random(12) || counts.is_mixed(10) && counts.digits >= 2 && !is_slug)
        }
    }
}

fn is_token(place: Place, text: &[u8], counts: &Counts, name: &Name<'_>) -> bool {
    let is_mixed = counts.is_mixed(8) && counts.digits >= 2 && !value::is_slug(text);
    match place {
        Place::Quoted | Place::QuotedLoosely => {
            counts.is_random(10) || is_mixed || counts.only_digits() && counts.all >= 9
        }
        Place::Strong | Place::Environment | Place::Option => {
            let digits = name.is_variable() && counts.only_digits() && counts.all >= 8;
            counts.is_random(10) || is_mixed || digits
        }
        Place::Line | Place::Code => {
            counts.is_random(14) && !counts.is_camel(text) && !value::is_dotted(text)
        }
    }
}

fn is_bare_token(place: Place, counts: &Counts) -> bool {
    match place {
        Place::Quoted | Place::QuotedLoosely => counts.is_random(12),
        Place::Strong | Place::Environment | Place::Option | Place::Line => {
            counts.is_random(12) && counts.digits >= 2
        }
        Place::Code => counts.is_random(20) && counts.digits >= 3,
    }
}

fn is_credential(place: Place, text: &[u8], counts: &Counts) -> bool {
    match place {
        Place::Quoted | Place::QuotedLoosely => counts.is_random(12),
        Place::Strong | Place::Environment | Place::Option => {
            counts.is_random(12) && counts.digits >= 1
        }
        Place::Line | Place::Code => {
            counts.is_random(16) && counts.digits >= 2 && !value::is_dotted(text)
        }
    }
}

fn is_number(place: Place, text: &[u8], counts: &Counts) -> bool {
    let grouped = text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' '));
    let digits = counts.digits;
    let is_card = grouped && (13..=19).contains(&digits);
    let is_person = grouped && digits == 9 && counts.signs == 2;
    match place {
        Place::Quoted | Place::QuotedLoosely => {
            counts.only_digits() && (3..=8).contains(&digits) || is_card || is_person
        }
        Place::Strong | Place::Environment | Place::Option => {
            counts.only_digits() && (3..=19).contains(&digits) || is_person || is_card
        }
        Place::Line => counts.only_digits() && (3..=8).contains(&digits) || is_card || is_person,
        Place::Code => is_card || is_person,
    }
}

fn is_weak(place: Place, text: &[u8], counts: &Counts, name: &Name<'_>) -> bool {
    if is_uuid(text)
        || text.contains(&b',')
        || counts.spaces > 0
        || value::contains(text, b"\\x")
        || value::contains(text, b"\\0")
    {
        return false;
    }
    match place {
        Place::Quoted | Place::QuotedLoosely => {
            counts.is_random(16)
                && counts.digits >= 2
                && !value::is_slug(text)
                && !value::is_dotted(text)
        }
        _ => {
            let least = if name.is_variable() { 14 } else { 20 };
            let has_signs = text.iter().any(|byte| matches!(byte, b'.' | b'/'));
            counts.is_random(least) && counts.digits >= 3 && !has_signs && !counts.is_camel(text)
        }
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36 && text.split(|byte| *byte == b'-').map(<[u8]>::len).eq([8, 4, 4, 4, 12])
}
