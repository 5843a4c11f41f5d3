//! What stands under the name of a secret and is none: placeholders, references, settings, prose.
//!
//! ```text
//! "password": "<your password>"        "api_key": "OPENAI_API_KEY"        "token": "op://vault/item"
//! "auth": "oauth2"                     "cookies": "We use cookies"        "api_key": ["read:x"]
//! ```
//!
//! In a document a name settles that any text under it is secret, so here is what that would be wrong of.

use crate::mask::{
    names::{Family, Meaning, Names},
    value,
    value::Counts,
};

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
