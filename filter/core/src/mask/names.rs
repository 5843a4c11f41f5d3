//! Names of fields that hold secrets: `api_key`, `apiKey` and `X-API-KEY` are one name.
//!
//! A name is cut into its words at signs and at capitals, and read from its end: `DB_PASSWORD_OLD` is
//! a password, with a word behind it that changes nothing; `password_hash`, `next_page_token` and
//! `has_api_key` hold none. The words are in [`super::vocabulary`].
//!
//! Nearly all words of a body are no such names. They are told by their last three letters.

use super::vocabulary::{
    DESCRIBING, HEADS, HOLDERS, IN_QUERY, KEYS, NEVER_BEFORE, NEVER_BEFORE_KEY, NEVER_BEFORE_TOKEN,
    NEVER_BEHIND, PASSWORDS, SESSION_COOKIES, TAILS, VENDORS,
};

/// The longest name that is compared as a whole, folded. Of a longer one the end decides.
pub(super) const MAX_NAME: usize = 96;
/// The most words of a name that are told apart.
const MAX_PARTS: usize = 12;
/// The most words that a head is made of.
const MAX_HEAD: usize = 4;

/// What a value is that goes by a name, which says how it must look where the place alone does not
/// settle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Password,
    Secret,
    Key,
    Token,
    /// `token` alone, which a model's log probabilities use for a piece of text.
    BareToken,
    Credential,
    /// Of a card, a person, a second factor.
    Number,
    /// `x_key`, of which nobody knows what it opens.
    Weak,
    /// What the operator called secret.
    Own,
}

/// How far a name alone settles that its value is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// Wherever a document gives it a value.
    Always,
    /// The same, but for a number: `"pass": 12` counts tests.
    Texts,
    /// If the value looks like one, too.
    Tested,
}

/// A family, and how far a name of it settles the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    family: Family,
    claim: Claim,
}

impl Kind {
    pub(super) const fn always(family: Family) -> Self {
        Self { family, claim: Claim::Always }
    }

    pub(super) const fn texts(family: Family) -> Self {
        Self { family, claim: Claim::Texts }
    }

    pub(super) const fn tested(family: Family) -> Self {
        Self { family, claim: Claim::Tested }
    }
}

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) family: Family,
    claim: Claim,
    /// Whether a word behind the head is an unknown one, so that only a random value counts.
    pub(super) is_odd: bool,
}

impl Meaning {
    /// That of a password.
    pub(super) fn password() -> Self {
        Self::of(Kind::always(Family::Password))
    }

    fn of(kind: Kind) -> Self {
        Self { family: kind.family, claim: kind.claim, is_odd: false }
    }

    /// Whether any text under this name is secret, where the name is that of a member or a field.
    pub(super) fn is_settled(self) -> bool {
        self.claim != Claim::Tested && !self.is_odd
    }

    /// Whether a number is, too.
    pub(super) fn takes_numbers(self) -> bool {
        self.claim == Claim::Always && !self.is_odd
    }

    /// Whether any number is, be it a count: that of a password or of a card.
    pub(super) fn takes_any_number(self) -> bool {
        self.takes_numbers()
            && matches!(self.family, Family::Password | Family::Number | Family::Own)
    }

    /// The kin of a head whose name goes on with a word that is not known.
    fn odd(self) -> Option<Self> {
        let goes_on = matches!(self.family, Family::Password | Family::Secret | Family::Key);
        goes_on.then_some(Self { is_odd: true, ..self })
    }
}

/// All names.
#[derive(Clone, Debug)]
pub(super) struct Names {
    heads: Vec<(&'static [u8], Kind)>,
    passwords: Vec<&'static [u8]>,
    keys: Vec<&'static [u8]>,
    words: [Vec<&'static [u8]>; LISTS],
    own: Vec<Box<[u8]>>,
    excepted: Vec<Box<[u8]>>,
    /// For each two last characters of any word that may end a name, the characters before them, as
    /// a bit set.
    ends: Vec<[u64; SYMBOLS]>,
    /// The last two bytes of words that end with no letter of ASCII: for each last one those before it, each
    /// without its highest bit, as a bit set.
    foreign: Vec<u128>,
}

const LISTS: usize = 9;
const TAIL: usize = 0;
const BEHIND: usize = 1;
const BEFORE: usize = 2;
const BEFORE_TOKEN: usize = 3;
const BEFORE_KEY: usize = 4;
const VENDOR: usize = 5;
const QUERY: usize = 6;
const HOLDER: usize = 7;
const DESCRIBES: usize = 8;

/// Digits, letters, and [`NOTHING`].
const SYMBOLS: usize = 37;
/// In place of a character that is neither a letter nor a digit.
const NOTHING: u8 = 36;

fn words(list: &'static str) -> impl Iterator<Item = &'static [u8]> {
    list.split_ascii_whitespace().map(str::as_bytes)
}

fn sorted(list: &'static str) -> Vec<&'static [u8]> {
    let mut all: Vec<_> = words(list).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn holds(list: &[&[u8]], word: &[u8]) -> bool {
    list.binary_search(&word).is_ok()
}

impl Names {
    /// The built-in names, `own` ones in addition and `excepted` ones less, each folded.
    pub(super) fn new(own: &[Box<[u8]>], excepted: &[Box<[u8]>]) -> Self {
        let mut heads: Vec<_> =
            HEADS.iter().flat_map(|(kind, list)| words(list).map(|word| (word, *kind))).collect();
        heads.extend(words(PASSWORDS).map(|word| (word, Kind::always(Family::Password))));
        heads.extend(
            words(KEYS)
                .filter(|word| *word != b"accesskey")
                .map(|word| (word, Kind::always(Family::Key))),
        );
        heads.sort_by_key(|(word, _)| *word);
        heads.dedup_by_key(|(word, _)| *word);
        let lists = [
            TAILS,
            NEVER_BEHIND,
            NEVER_BEFORE,
            NEVER_BEFORE_TOKEN,
            NEVER_BEFORE_KEY,
            VENDORS,
            IN_QUERY,
            HOLDERS,
            DESCRIBING,
        ];
        let mut all = Self {
            heads,
            passwords: words(PASSWORDS).collect(),
            keys: words(KEYS).collect(),
            words: lists.map(sorted),
            own: own.to_vec(),
            excepted: excepted.to_vec(),
            ends: vec![[0; SYMBOLS]; SYMBOLS],
            foreign: vec![0; 128],
        };
        let known = [
            PASSWORDS,
            KEYS,
            TAILS,
            IN_QUERY,
            "secret secrets token key keys by value name lines login passe acceso acesso api number mysql mysqldump mysqladmin mysqlimport mysqlcheck \
             mariadb 7z 7za sqlplus thin impdp",
        ];
        let heads = HEADS.iter().map(|(_, list)| *list);
        for word in known.into_iter().chain(heads).flat_map(words) {
            all.may_end_with(word);
        }
        for word in own {
            all.may_end_with(word);
        }
        all
    }

    fn may_end_with(&mut self, word: &[u8]) {
        let without_number = word.iter().rposition(|byte| !byte.is_ascii_digit());
        self.add_end(word.get(..=without_number.unwrap_or(0)).unwrap_or_default());
        self.add_escaped(word);
        if let [.., before, last @ 0x80..=0xff] = *word
            && let Some(bits) = self.foreign.get_mut(usize::from(last & 0x7f))
        {
            *bits |= 1 << (before & 0x7f);
        }
    }

    /// Of `contraseña` also `f1a`: so ends `contrase\u00f1a`.
    fn add_escaped(&mut self, word: &[u8]) {
        let Ok(word) = str::from_utf8(word) else { return };
        if word.is_ascii() {
            return;
        }
        let mut escaped = String::new();
        for letter in word.chars() {
            if letter.is_ascii() {
                escaped.push(letter);
                continue;
            }
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
        self.add_end(escaped.as_bytes());
    }

    fn add_end(&mut self, word: &[u8]) {
        let mut letters = word.iter().rev().map(|byte| symbol(*byte));
        let (Some(last), Some(before)) = (letters.next(), letters.next()) else { return };
        let row = self.ends.get_mut(usize::from(last));
        if let Some(end) = row.and_then(|row| row.get_mut(usize::from(before))) {
            *end |= letters.next().map_or(WHOLE, |third| 1 << third);
        }
    }

    fn ends_foreign(&self, before: u8, last: u8) -> bool {
        let bits = self.foreign.get(usize::from(last & 0x7f)).copied().unwrap_or_default();
        before >= 0x80 && bits >> (before & 0x7f) & 1 == 1
    }

    /// Whether an escape of these last three digits may end a name.
    pub(super) fn may_end_escaped(&self, third: u8, before: u8, last: u8) -> bool {
        self.end(symbol(before), symbol(last)) >> symbol(third) & 1 == 1
    }

    /// Whether a word of these last three bytes may end a name. What is no letter tells nothing.
    #[inline]
    pub(super) fn may_end(&self, third: u8, before: u8, last: u8) -> bool {
        let end = symbol(last);
        if end == NOTHING {
            return last >= 0x80 && self.ends_foreign(before, last);
        }
        let bits = self.end(symbol(before), end);
        let third_symbol = symbol(third);
        // A word of two letters begins with a capital or behind a sign.
        bits >> third_symbol & 1 == 1
            || bits & WHOLE != 0 && (!third.is_ascii_lowercase() || before.is_ascii_uppercase())
    }

    #[inline]
    fn end(&self, before: u8, last: u8) -> u64 {
        let row = self.ends.get(usize::from(last));
        row.and_then(|row| row.get(usize::from(before))).copied().unwrap_or_default()
    }

    /// What `name` means, which is written as it came, without escapes.
    pub(super) fn meaning(&self, name: &[u8], in_query: bool) -> Option<Meaning> {
        let parts = Parts::of(name);
        let folded = parts.all();
        if folded.is_empty() || self.excepted.iter().any(|word| **word == *folded) {
            return None;
        }
        if self.own.iter().any(|word| **word == *folded) {
            return Some(Meaning::of(Kind::always(Family::Own)));
        }
        if in_query && self.is(QUERY, folded) {
            return Some(Meaning::of(Kind::always(Family::Key)));
        }
        self.by_parts(&parts)
    }

    fn is(&self, list: usize, word: &[u8]) -> bool {
        self.words.get(list).is_some_and(|list| holds(list, word))
    }

    /// Whether a name says what something is like or where it is: `version`, `secretName`.
    pub(super) fn describes(&self, name: &[u8]) -> bool {
        let parts = Parts::of(name);
        let last = parts.joined(0, 1);
        self.is(BEHIND, last) && !self.is(TAIL, last) && !self.is(HOLDER, last)
            || self.is(DESCRIBES, last)
    }

    /// Word by word from the end, up to the one that is a head.
    fn by_parts(&self, parts: &Parts) -> Option<Meaning> {
        let mut unknown = 0_usize;
        for behind in 0..parts.count {
            if let Some((length, meaning)) = self.head(parts, behind) {
                let before = behind.saturating_add(length);
                if self.is_turned(parts, before, meaning.family) {
                    return None;
                }
                if unknown == 0 {
                    return Some(meaning);
                }
                let head = parts.joined(behind, length);
                let is_long = head.len() >= 6 && unknown <= 2 && parts.count <= 5;
                return if is_long { meaning.odd() } else { None };
            }
            let word = parts.joined(behind, 1);
            if self.is(BEHIND, word) && !self.is(TAIL, word) {
                return None;
            }
            if !self.is(TAIL, word) && word.len() > 1 {
                unknown = unknown.saturating_add(1);
            }
            if unknown > 2 {
                return None;
            }
        }
        None
    }

    /// The head whose last word is so many words before the end, and of how many words it is.
    fn head(&self, parts: &Parts, behind: usize) -> Option<(usize, Meaning)> {
        let most = MAX_HEAD.min(parts.count.saturating_sub(behind));
        for length in (1..=most).rev() {
            let word = parts.joined(behind, length);
            if let Ok(at) = self.heads.binary_search_by_key(&word, |(word, _)| word) {
                let kind = self.heads.get(at).map(|(_, kind)| *kind)?;
                return Some((length, self.whole(parts, word, kind)));
            }
        }
        let word = parts.joined(behind, 1);
        let before = behind.saturating_add(1);
        let kind = match word {
            b"token" if before == parts.count => Kind::always(Family::BareToken),
            b"key" | b"keys" if before < parts.count => self.key(parts.joined(before, 1)),
            word if self.passwords.iter().any(|end| ends_with(word, end)) => {
                Kind::always(Family::Password)
            }
            word if word.ends_with(b"secret") || word.ends_with(b"secrets") => {
                Kind::always(Family::Secret)
            }
            word if self.keys.iter().any(|end| ends_with(word, end)) => Kind::always(Family::Key),
            word if word.ends_with(b"token") && before < parts.count => Kind::always(Family::Token),
            _ => return None,
        };
        Some((1, Meaning::of(kind)))
    }

    /// `accessKey` alone is an attribute of HTML, with more before it a key.
    fn whole(&self, parts: &Parts, word: &[u8], kind: Kind) -> Meaning {
        let is_more = parts.all().len() > word.len();
        match (word, is_more) {
            (b"accesskey", true) => Meaning::of(Kind::always(Family::Key)),
            _ => Meaning::of(kind),
        }
    }

    fn key(&self, owner: &[u8]) -> Kind {
        if self.is(VENDOR, owner) { Kind::always(Family::Key) } else { Kind::tested(Family::Weak) }
    }

    /// Whether a word before the head turns its meaning; the head begins behind `before` words.
    fn is_turned(&self, parts: &Parts, before: usize, family: Family) -> bool {
        let last = parts.joined(before, if before < parts.count { 1 } else { 0 });
        let is_other = match family {
            Family::Token => self.is(BEFORE_TOKEN, last),
            Family::Weak => self.is_plain_key(parts, before),
            _ => false,
        };
        is_other || (before..parts.count).any(|part| self.is(BEFORE, parts.joined(part, 1)))
    }

    /// `x_key` with an `x` that makes it no key to anything.
    fn is_plain_key(&self, parts: &Parts, before: usize) -> bool {
        let owner = parts.joined(before, 1);
        self.is(BEFORE_KEY, owner)
    }

    /// Whether a cookie of this name holds a session.
    pub(super) fn is_session_cookie(name: &[u8]) -> bool {
        // Told by the last letter, nearly always.
        if !matches!(name.last(), Some(b'd' | b'D' | b'n' | b'N')) {
            return false;
        }
        let parts = Parts::of(name);
        words(SESSION_COOKIES).any(|cookie| cookie == parts.all())
    }

    /// Whether every word of `value` is one of those that names are made of: `api-token`.
    pub(super) fn is_only_words(&self, value: &[u8]) -> bool {
        let parts = Parts::of(value);
        if parts.count == 0 || parts.is_cut || value.iter().any(u8::is_ascii_digit) {
            return false;
        }
        let is_known = |part: usize| {
            let word = parts.joined(part, 1);
            [TAIL, BEHIND, BEFORE].iter().any(|list| self.is(*list, word))
                || holds(NAME_WORDS, word)
                || self.passwords.contains(&word)
                || self.heads.binary_search_by_key(&word, |(word, _)| word).is_ok()
        };
        let is_head = |part: usize| {
            let word = parts.joined(part, 1);
            self.passwords.contains(&word)
                || [&b"key"[..], b"token", b"secret", b"secrets"].contains(&word)
                || self.heads.binary_search_by_key(&word, |(word, _)| word).is_ok()
        };
        (0..parts.count).all(is_known) && (0..parts.count).any(is_head)
    }
}

/// Words of names that are no heads of their own. Invariant: sorted.
const NAME_WORDS: &[&[u8]] = &[
    b"access", b"api", b"app", b"aws", b"bearer", b"client", b"csrf", b"db", b"key", b"login",
    b"my", b"private", b"refresh", b"secret", b"secrets", b"service", b"session", b"shared",
    b"sign", b"token", b"tokens", b"user", b"x", b"xsrf", b"your",
];

/// Nearly always told by the last two bytes.
#[inline]
fn ends_with(word: &[u8], end: &[u8]) -> bool {
    let last = |text: &[u8]| (text.last().copied(), text.iter().rev().nth(1).copied());
    last(word) == last(end) && word.ends_with(end)
}

/// That no character precedes the last two.
const WHOLE: u64 = 1 << 40;

/// The symbol of a letter in any case or a digit; [`NOTHING`] for anything else.
#[inline]
fn symbol(byte: u8) -> u8 {
    SYMBOL.get(usize::from(byte)).copied().unwrap_or(NOTHING)
}

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const SYMBOL: [u8; 256] = {
    let mut table = [NOTHING; 256];
    let mut letter = 0;
    while letter < 26 {
        table[(b'a' + letter) as usize] = letter + 10;
        table[(b'A' + letter) as usize] = letter + 10;
        letter += 1;
    }
    let mut digit = 0;
    while digit < 10 {
        table[(b'0' + digit) as usize] = digit;
        digit += 1;
    }
    table
};

/// `name` as names are compared.
pub(super) fn fold(name: &[u8]) -> Box<[u8]> {
    Parts::of(name).all().into()
}

/// The words of a name, folded, the last one first. The numbers behind a word (`password2`) are no
/// part of it.
struct Parts {
    letters: [u8; MAX_NAME],
    /// Where each word begins.
    starts: [usize; MAX_PARTS],
    count: usize,
    start: usize,
    /// Whether the name goes on before the first word.
    is_cut: bool,
}

impl Parts {
    fn of(name: &[u8]) -> Self {
        let mut parts = Self {
            letters: [0; MAX_NAME],
            starts: [MAX_NAME; MAX_PARTS],
            count: 0,
            start: MAX_NAME,
            is_cut: false,
        };
        let mut open = MAX_NAME;
        let mut next = 0_u8;
        for (at, byte) in name.iter().enumerate().rev() {
            let before = at.checked_sub(1).and_then(|at| name.get(at)).copied().unwrap_or_default();
            let is_letter = byte.is_ascii_alphabetic() || *byte >= 0x80;
            let is_number = byte.is_ascii_digit() && parts.start < open;
            if (is_letter || is_number) && !parts.push(byte.to_ascii_lowercase()) {
                parts.is_cut = true;
                break;
            }
            let is_capital = byte.is_ascii_uppercase();
            let is_begun =
                is_capital && (!before.is_ascii_uppercase() || next.is_ascii_lowercase());
            if (!is_letter && !byte.is_ascii_digit() || is_begun) && parts.start < open {
                if !parts.close() {
                    break;
                }
                open = parts.start;
            }
            next = *byte;
        }
        if parts.start < open {
            parts.close();
        }
        parts
    }

    fn push(&mut self, byte: u8) -> bool {
        let Some(start) = self.start.checked_sub(1) else { return false };
        let Some(place) = self.letters.get_mut(start) else { return false };
        *place = byte;
        self.start = start;
        true
    }

    fn close(&mut self) -> bool {
        let Some(place) = self.starts.get_mut(self.count) else {
            self.is_cut = true;
            return false;
        };
        *place = self.start;
        self.count = self.count.saturating_add(1);
        true
    }

    /// All words in one.
    fn all(&self) -> &[u8] {
        self.letters.get(self.start..).unwrap_or_default()
    }

    /// So many words in one, of which the last is `behind` words before the end.
    fn joined(&self, behind: usize, count: usize) -> &[u8] {
        let end = match behind.checked_sub(1) {
            None => MAX_NAME,
            Some(later) => self.starts.get(later).copied().unwrap_or(MAX_NAME),
        };
        let first = behind.saturating_add(count).saturating_sub(1);
        if count == 0 || first >= self.count {
            return &[];
        }
        let start = self.starts.get(first).copied().unwrap_or(MAX_NAME);
        self.letters.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(name: &str, in_query: bool) -> Option<Family> {
        Names::new(&[], &[]).meaning(name.as_bytes(), in_query).map(|meaning| meaning.family)
    }

    #[test]
    fn the_words_of_a_name_are_told_apart() {
        for (name, folded, count) in [
            ("api_key", "apikey", 2),
            ("XMLHttpApiKey2", "xmlhttpapikey", 4),
            ("db-password.old", "dbpasswordold", 3),
            ("card[cvc]", "cardcvc", 2),
            ("contraseña", "contraseña", 1),
            ("", "", 0),
        ] {
            let parts = Parts::of(name.as_bytes());
            assert_eq!((parts.all(), parts.count), (folded.as_bytes(), count), "{name}");
        }
    }

    #[test]
    fn spellings_of_a_secrets_name_are_one() {
        for name in [
            "password",
            "Password",
            "db_password",
            "newPassword2",
            "api_key",
            "apiKey",
            "API-KEY",
            "x-api-key",
            "xi-api-key",
            "x-goog-api-key",
            "client_secret",
            "aws_secret_access_key",
            "aws-access-key-id",
            "sessionToken",
            "authorization",
            "Proxy-Authorization",
            "set-cookie",
            "private_key",
            "refresh_token",
            "csrf_token",
            "_csrf",
            "card[number]",
            "credentials",
            "x-vault-token",
            "dd-application-key",
            "connect.sid",
            "auth",
            "db_pass",
            "user_ssn",
            "OPENAI_KEY",
            "api_key_old",
            "SECRET_KEY_BASE",
            "card[cvc]",
            "dbPassword",
            "ContraseñaNueva",
            "пароль",
            "motDePasse",
            "PGPASSWORD",
            "_authToken",
            "mysql_pwd",
            "POSTGRES_PASSWORD_PROD",
        ] {
            assert!(meaning(name, false).is_some(), "{name}");
        }
        assert_eq!(meaning("token", false), Some(Family::BareToken));
    }

    #[test]
    fn names_that_count_or_turn_pages_or_only_look_like_one_are_none() {
        for name in [
            "max_tokens",
            "prompt_tokens",
            "token_count",
            "total_tokens",
            "tokens",
            "nextPageToken",
            "cost_per_token",
            "session",
            "session_id",
            "key",
            "sig",
            "author",
            "secretary_name",
            "passenger",
            "public_key",
            "tokenizer",
            "content",
            "role",
            "model",
            "id",
            "d",
            "",
            "cache_read_input_tokens",
            "stop_token",
            "token_type",
            "keyboard",
            "nextSequenceToken",
            "progressToken",
            "has_refresh_token",
            "password_hash",
            "passwordMinLength",
            "is_secret",
            "secret_name",
            "api_key_id",
            "primary_key",
            "monkey",
            "compass",
            "bypass",
            "hotkey",
            "continuationToken",
            "resume_token",
            "taskToken",
            "decoded_token",
            "eos_token",
            "clientToken",
            "idempotency_key",
            "cookie_policy",
        ] {
            assert_eq!(meaning(name, false), None, "{name}");
        }
    }

    #[test]
    fn a_query_has_names_of_its_own() {
        for name in ["key", "sig", "X-Amz-Signature", "AWSAccessKeyId", "access_token"] {
            assert!(meaning(name, true).is_some(), "{name}");
        }
        assert_eq!(meaning("page", true), None);
    }

    #[test]
    fn the_operator_adds_and_takes_away() {
        let names = Names::new(&[fold(b"Kunden-Nr")], &[fold(b"reset_password")]);
        let meaning =
            |name: &str| names.meaning(name.as_bytes(), false).map(|meaning| meaning.family);
        assert_eq!(meaning("kundenNr"), Some(Family::Own));
        assert_eq!(meaning("resetPassword"), None);
        assert_eq!(meaning("password"), Some(Family::Password));
    }

    #[test]
    fn an_endless_name_is_told_by_its_end() {
        assert!(meaning(&format!("{}_password", "x".repeat(9_000)), false).is_some());
    }
}
