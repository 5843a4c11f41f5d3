//! Whether a value looks like one of its family, in the place where it stands.
//!
//! The numbers were measured: see [`crate::mask::value`].

use super::{Place, Reader, name::Name};
use crate::mask::{
    names::{Family, Meaning, Names},
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
        let is_one_of_its_kind = match meaning.family {
            Family::Weak | Family::Number => false,
            _ => is_plain,
        } || match meaning.family {
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

/// What no document means as a secret, be its name what it is.
pub(super) fn is_no_value(text: &[u8], name: &[u8], names: &Names) -> bool {
    let is_directory = name.eq_ignore_ascii_case(b"pwd") && text.starts_with(b"/");
    value::is_placeholder(text)
        || value::is_version(text)
        || names.is_only_words(text)
        || is_directory
}

/// What no member of a document means that has the name of a secret.
pub(super) fn is_no_member(
    text: &[u8],
    counts: &Counts,
    name: &[u8],
    meaning: Meaning,
    names: &Names,
) -> bool {
    is_no_value(text, name, names)
        || is_setting(text)
        || is_reference(text)
        || is_variable(text, names)
        || is_stub(text)
        || meaning.family == Family::BareToken && is_lexeme(text, counts)
        || meaning.family == Family::Credential && is_package(text)
        || takes_prose(meaning, name) && is_prose(text)
}

/// The same of an item of an array that has such a name.
pub(in crate::mask) fn is_no_item(text: &[u8], meaning: Meaning, names: &Names) -> bool {
    const SCOPES: [&[u8]; 9] = [
        b"read:", b"write:", b"admin:", b"manage:", b"create:", b"update:", b"delete:", b"view:",
        b"edit:",
    ];
    let counts = Counts::of(text);
    let is_word = meaning.family == Family::Credential && counts.all >= 2 && counts.only_letters();
    is_no_member(text, &counts, b"", meaning, names)
        || SCOPES.iter().any(|scope| text.starts_with(scope)) && value::is_slug(text)
        || is_word && !counts.is_random(12)
}

/// Words of configurations and of the programs that make requests, in place of a secret.
fn is_setting(text: &[u8]) -> bool {
    const WORDS: &str = "authorization_code basic bearer bool boolean client_credentials default device_code digest disabled dummy empty \
        enabled hmac implicit include inherit integer latest lm-studio lmstudio mtls n/a negotiate no-key no-key-required not-needed \
        not-required not-used not_needed notneeded ntlm number oauth oauth2 object ollama omit openid optional pkce required same-origin \
        string unused array";
    let is_algorithm = matches!(text, [b'R' | b'H' | b'E' | b'P', b'S', rest @ ..]
        if [&b"256"[..], b"384", b"512"].contains(&rest));
    is_algorithm
        || WORDS.split_ascii_whitespace().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// Where a secret is kept.
fn is_reference(text: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 30] = [
        b"process.env.",
        b"import.meta.env.",
        b"os.environ",
        b"os.getenv",
        b"ENV[",
        b"env.",
        b"secrets.",
        b"op://",
        b"bws://",
        b"vault://",
        b"secret://",
        b"gcpsm://",
        b"awssm://",
        b"ssm://",
        b"akv://",
        b"arn:aws",
        b"ref+",
        b"/run/",
        b"/var/",
        b"/etc/",
        b"/home/",
        b"/mnt/",
        b"/opt/",
        b"/usr/",
        b"/tmp/",
        b"./",
        b"../",
        b"~/",
        b"@Microsoft.KeyVault(",
        b"{{resolve:",
    ];
    let is_named = |sign: &[u8]| {
        let name = text.strip_prefix(sign);
        name.is_some_and(|name| !name.is_empty() && name.iter().all(|byte| is_identifier(*byte)))
    };
    BEGINNINGS.iter().any(|begin| text.starts_with(begin))
        || [&b"env:"[..], b"ENV:"].into_iter().any(is_named)
        || text.starts_with(b"projects/") && value::contains(text, b"/secrets/")
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `DB_PASSWORD`, `$DB_PASS1`, `%DB_PASS1%`: a variable of the environment.
fn is_variable(text: &[u8], names: &Names) -> bool {
    let bare = match text {
        [b'$', rest @ ..] => rest,
        [b'%', rest @ .., b'%'] => rest,
        _ => text,
    };
    let is_capital =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let is_marked = bare.len() < text.len();
    bare.first().is_some_and(|first| first.is_ascii_uppercase() || *first == b'_')
        && bare.iter().all(is_capital)
        && (is_marked && (bare.contains(&b'_') || !bare.iter().any(u8::is_ascii_digit))
            || bare.contains(&b'_') && names.meaning(bare, false).is_some())
}

/// `sk-...`, `sk-xxxxxxxx`, `your-token-here`: what examples have in place of a secret.
fn is_stub(text: &[u8]) -> bool {
    let begin = text.iter().rposition(|byte| matches!(byte, b'-' | b'_'));
    let rest = text.get(begin.map_or(0, |sign| sign.saturating_add(1))..).unwrap_or_default();
    let first = rest.first().copied().unwrap_or_default();
    let is_same = rest.len() >= 3 && rest.iter().all(|byte| *byte == first);
    let is_yours = text.get(..4).is_some_and(|your| your.eq_ignore_ascii_case(b"your"));
    let is_joined = text.get(4).is_some_and(|sign| matches!(sign, b'-' | b'_' | b' '));
    is_same && b"xX*.?".contains(&first)
        || rest.ends_with(b"...")
        || is_yours && is_joined && !text.iter().any(u8::is_ascii_digit)
}

/// A piece of a text or of a program, or the symbol of a coin: `;`, `NOUN`, `USDC`.
fn is_lexeme(text: &[u8], counts: &Counts) -> bool {
    (1..=3).contains(&counts.all) && counts.letters().saturating_add(counts.digits) == 0
        || (2..=8).contains(&counts.all) && counts.upper == counts.all
        || matches!(text, [b'<', .., b'>'])
}

/// Where a package comes from, or which version of it is meant: `workspace:*`, `~> 2.2`.
fn is_package(text: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 10] = [
        b"catalog:",
        b"workspace:",
        b"npm:",
        b"link:",
        b"file:",
        b"portal:",
        b"patch:",
        b"git+",
        b"github:",
        b"git://",
    ];
    let is_archive =
        || value::contains(text, b"tar.gz") || text.ends_with(b".tgz") || text.ends_with(b".git");
    let number = text.iter().position(|byte| !b"^~<>= v".contains(byte));
    let number = number.and_then(|at| text.get(at..)).unwrap_or_default();
    BEGINNINGS.iter().any(|begin| text.starts_with(begin))
        || text.starts_with(b"http") && is_archive()
        || value::is_version(number)
}

/// Whether a name is also a word of everyday, so that a sentence under it is one.
fn takes_prose(meaning: Meaning, name: &[u8]) -> bool {
    matches!(meaning.family, Family::Credential | Family::BareToken | Family::Number)
        || (1..=4).contains(&name.len()) && !name.eq_ignore_ascii_case(b"pwd")
}

/// Words, the first one with a capital: `We use cookies`.
fn is_prose(text: &[u8]) -> bool {
    const SCHEMES: [&[u8]; 7] =
        [b"Bearer", b"Basic", b"Token", b"Digest", b"ApiKey", b"Negotiate", b"Key"];
    let mut words = text.split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    let begins = first.first().is_some_and(u8::is_ascii_uppercase) && is_prose_word(first);
    let mut count = 0_usize;
    let is_word = |word: &[u8]| {
        count = count.saturating_add(1);
        is_prose_word(word)
    };
    begins && words.all(is_word) && count > 0 && !SCHEMES.contains(&first)
}

/// A word, or a short number or version.
fn is_prose_word(word: &[u8]) -> bool {
    let word = match word {
        [rest @ .., b'.' | b',' | b'!' | b'?' | b':' | b';'] => rest,
        word => word,
    };
    let is_small =
        |word: &[u8]| word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'\'');
    let is_number =
        word.len() <= 5 && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let is_short = word.len() <= 5 && word.iter().all(u8::is_ascii_uppercase);
    match word {
        [] => false,
        [first, rest @ ..] => {
            first.is_ascii_alphabetic() && is_small(rest) || is_number || is_short
        }
    }
}

/// What a text that is no document means as a secret by its name alone: any literal but these.
pub(super) fn is_no_literal(text: &[u8], counts: &Counts, name: &[u8], names: &Names) -> bool {
    let few = counts.all < 8 && counts.distinct <= 3;
    let is_harmless = value::is_harmless(text, counts, name, names);
    is_placeholder_or(text, is_harmless && !few, name, names)
}

fn is_placeholder_or(text: &[u8], is_harmless: bool, name: &[u8], names: &Names) -> bool {
    is_harmless || is_no_value(text, name, names)
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
