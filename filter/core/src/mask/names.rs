//! Names of fields that hold secrets: `api_key`, `apiKey` and `X-API-KEY` are one name.
//!
//! A name is folded first: lower case, letters and digits only, without the number of
//! `password2`. Then it is a secret's name if it is one of the exact words, or if it ends with one
//! of the endings; unless it ends with an exception, because `max_token`, `next_page_token` and
//! `tokens_per_second` count or turn pages.
//!
//! Most names of a body are no secrets. They are told by their last two characters.

/// Endings of names that hold secrets, folded. Sources: the default deny lists of Sentry, Elastic
/// APM and Rails, OpenTelemetry's `url.query` convention, and the names that providers use.
const ENDINGS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "secrets",
    "secretkey",
    "secretvalue",
    "secretstring",
    "secretbinary",
    "apikey",
    "apikeys",
    "apitoken",
    "accesskey",
    "accesskeyid",
    "token",
    "accesstokens",
    "refreshtokens",
    "tokenvalue",
    "credential",
    "credentials",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "sharedkey",
    "masterkey",
    "servicekey",
    "accountkey",
    "subscriptionkey",
    "applicationkey",
    "sessionkey",
    "authkey",
    "hostkey",
    "functionkey",
    "storagekey",
    "deploykey",
    "licensekey",
    "authorization",
    "cookie",
    "cookies",
    "csrf",
    "xsrf",
    "jwt",
    "connectionstring",
];

/// Names that hold secrets if they are the whole name, folded.
const WORDS: &[&str] = &[
    "auth",
    "pass",
    "creds",
    "otp",
    "cvv",
    "cvc",
    "ssn",
    "cardnumber",
    "codeverifier",
    "clientassertion",
    "assertion",
    "samlresponse",
];

/// Names that hold secrets in a query or a form only: elsewhere they say too little.
const QUERY_WORDS: &[&str] = &[
    "key",
    "sig",
    "signature",
    "hmac",
    "xamzsignature",
    "xamzcredential",
    "xgoogsignature",
    "xgoogcredential",
    "awsaccesskeyid",
    "googleaccessid",
    "ossaccesskeyid",
];

/// Names of cookies that hold a session, folded: they are secret in a `Cookie:` line of a text too.
const SESSION_COOKIES: &[&str] =
    &["connectsid", "phpsessid", "jsessionid", "gitlabsession", "aiohttpsession"];

/// Endings of names that look like the above and hold no secret, folded.
const EXCEPTIONS: &[&str] = &[
    "nexttoken",
    "pagetoken",
    "prevtoken",
    "previoustoken",
    "continuationtoken",
    "paginationtoken",
    "synctoken",
    "clienttoken",
    "requesttoken",
    "idempotencytoken",
    "padtoken",
    "bostoken",
    "eostoken",
    "unktoken",
    "septoken",
    "clstoken",
    "masktoken",
    "stoptoken",
    "specialtoken",
    "pertoken",
    "firsttoken",
    "maxtoken",
    "mintoken",
    "inputtoken",
    "outputtoken",
    "totaltoken",
    "prompttoken",
    "completiontoken",
    "cachedtoken",
    "reasoningtoken",
    "numtoken",
];

/// The longest name that is compared as a whole, folded. Of a longer one the end decides.
pub(super) const MAX_NAME: usize = 96;

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    Plain,
    /// It is secret.
    Secret,
    /// It is the bare word `token`, which a model's log probabilities use for a piece of text.
    Token,
}

/// All names, in the order in which they are asked.
#[derive(Clone, Debug)]
pub(super) struct Names {
    exceptions: Vec<Box<[u8]>>,
    endings: Vec<Box<[u8]>>,
    words: Vec<Box<[u8]>>,
    query_words: Vec<Box<[u8]>>,
    excepted_words: Vec<Box<[u8]>>,
    /// For each two last characters of any of these, the characters before them, as a bit set.
    tails: Vec<[u64; SYMBOLS]>,
}

/// Digits and letters, and [`NOTHING`].
const SYMBOLS: usize = 37;
/// In place of a character before the first one of a name.
const NOTHING: u8 = 36;

impl Names {
    /// The built-in names, `names` in addition and `except_names` less, each in any spelling.
    pub(super) fn new(names: &[Box<[u8]>], except_names: &[Box<[u8]>]) -> Self {
        let boxed = |list: &[&str]| -> Vec<Box<[u8]>> {
            list.iter().map(|name| name.as_bytes().into()).collect()
        };
        let mut words = boxed(WORDS);
        words.extend(boxed(SESSION_COOKIES));
        words.extend(names.iter().cloned());
        let mut all = Self {
            exceptions: boxed(EXCEPTIONS),
            endings: boxed(ENDINGS),
            words,
            query_words: boxed(QUERY_WORDS),
            excepted_words: except_names.to_vec(),
            tails: vec![[0; SYMBOLS]; SYMBOLS],
        };
        for name in all.endings.iter().chain(&all.words).chain(&all.query_words) {
            let mut letters = name.iter().rev().filter_map(|byte| symbol(*byte));
            let (Some(last), Some(before)) = (letters.next(), letters.next()) else { continue };
            let row = all.tails.get_mut(usize::from(last));
            if let Some(tail) = row.and_then(|row| row.get_mut(usize::from(before))) {
                // An ending may have anything before it, which is told when it is compared.
                *tail |= letters.next().map_or(u64::MAX, |third| 1 << third);
            }
        }
        all
    }

    /// What the name means whose characters are `reversed`, last one first. Characters that are
    /// neither letters nor digits do not count.
    pub(super) fn meaning(&self, reversed: impl Iterator<Item = u8>, in_query: bool) -> Meaning {
        match self.folded(reversed) {
            Some(folded) => self.meaning_of(folded.bytes(), in_query),
            None => Meaning::Plain,
        }
    }

    /// Whether a cookie of this name (last character first) holds a session.
    pub(super) fn is_session_cookie(&self, reversed: impl Iterator<Item = u8>) -> bool {
        let is = |name: &[u8]| SESSION_COOKIES.iter().any(|cookie| cookie.as_bytes() == name);
        self.folded(reversed).is_some_and(|folded| is(folded.bytes()))
    }

    /// The name, if any name that is known ends like it.
    fn folded(&self, reversed: impl Iterator<Item = u8>) -> Option<Folded> {
        let mut letters = letters(reversed);
        let (last, before, third) = (letters.next()?, letters.next()?, letters.next());
        let tail = self.tail(symbol(before)?, symbol(last)?);
        if tail >> third.map_or(Some(NOTHING), symbol)? & 1 == 0 {
            return None;
        }
        let mut folded = Folded::default();
        let tail = [last, before].into_iter().chain(third);
        tail.chain(letters).for_each(|letter| folded.push_front(letter));
        Some(folded)
    }

    /// Whether a name of these last three bytes may be known; a quote stands for the beginning of
    /// the name. What is no letter tells nothing.
    #[inline]
    pub(super) fn may_end(&self, third: u8, before: u8, last: u8) -> bool {
        let last = letter(last);
        if last == NOTHING {
            return true;
        }
        let tail = match letter(before) {
            // No name of one letter is known.
            NOTHING => return before != b'"',
            before => self.tail(before, last),
        };
        match letter(third) {
            NOTHING if third != b'"' => tail != 0,
            third => tail >> third & 1 == 1,
        }
    }

    #[inline]
    fn tail(&self, before: u8, last: u8) -> u64 {
        let row = self.tails.get(usize::from(last));
        row.and_then(|row| row.get(usize::from(before))).copied().unwrap_or_default()
    }

    fn meaning_of(&self, name: &[u8], in_query: bool) -> Meaning {
        let is = |list: &[Box<[u8]>]| list.iter().any(|word| **word == *name);
        let ends = |list: &[Box<[u8]>]| list.iter().any(|ending| name.ends_with(ending));
        if is(&self.excepted_words) {
            return Meaning::Plain;
        }
        if is(&self.words) || in_query && is(&self.query_words) {
            return Meaning::Secret;
        }
        if ends(&self.exceptions) || !ends(&self.endings) {
            return Meaning::Plain;
        }
        if name == b"token" { Meaning::Token } else { Meaning::Secret }
    }
}

/// The symbol of a letter in any case; [`NOTHING`] for anything else.
#[inline]
fn letter(byte: u8) -> u8 {
    LETTERS.get(usize::from(byte)).copied().unwrap_or(NOTHING)
}

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const LETTERS: [u8; 256] = {
    let mut table = [NOTHING; 256];
    let mut letter = 0;
    while letter < 26 {
        table[(b'a' + letter) as usize] = letter + 10;
        table[(b'A' + letter) as usize] = letter + 10;
        letter += 1;
    }
    table
};

/// The place of a folded character in a row of [`Names::tails`].
fn symbol(folded: u8) -> Option<u8> {
    match folded {
        b'0'..=b'9' => Some(folded.wrapping_sub(b'0')),
        b'a'..=b'z' => Some(folded.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

/// `name` as names are compared.
pub(super) fn fold(name: &[u8]) -> Box<[u8]> {
    let mut folded = Folded::default();
    letters(name.iter().rev().copied()).for_each(|letter| folded.push_front(letter));
    folded.bytes().into()
}

/// The letters and digits of a name, last one first, in lower case. The number behind a name
/// (`password2`) is no part of it.
fn letters(reversed: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let letters = reversed.filter(u8::is_ascii_alphanumeric).skip_while(u8::is_ascii_digit);
    letters.map(|letter| letter.to_ascii_lowercase())
}

/// A folded name that grows from its end to its beginning.
struct Folded {
    bytes: [u8; MAX_NAME],
    start: usize,
}

impl Default for Folded {
    fn default() -> Self {
        Self { bytes: [0; MAX_NAME], start: MAX_NAME }
    }
}

impl Folded {
    fn push_front(&mut self, byte: u8) {
        let Some(start) = self.start.checked_sub(1) else { return };
        if let Some(place) = self.bytes.get_mut(start) {
            *place = byte;
            self.start = start;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(name: &str, in_query: bool) -> Meaning {
        Names::new(&[], &[]).meaning(name.bytes().rev(), in_query)
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
        ] {
            assert_eq!(meaning(name, false), Meaning::Secret, "{name}");
        }
        assert_eq!(meaning("token", false), Meaning::Token);
    }

    #[test]
    fn names_that_count_or_turn_pages_are_none() {
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
        ] {
            assert_eq!(meaning(name, false), Meaning::Plain, "{name}");
        }
    }

    #[test]
    fn a_query_has_names_of_its_own() {
        for name in ["key", "sig", "X-Amz-Signature", "AWSAccessKeyId", "access_token"] {
            assert_eq!(meaning(name, true), Meaning::Secret, "{name}");
        }
        assert_eq!(meaning("page", true), Meaning::Plain);
    }

    #[test]
    fn the_operator_adds_and_takes_away() {
        let names = Names::new(&[fold(b"Kunden-Nr")], &[fold(b"reset_password")]);
        let meaning = |name: &str| names.meaning(name.bytes().rev(), false);
        assert_eq!(meaning("kundenNr"), Meaning::Secret);
        assert_eq!(meaning("resetPassword"), Meaning::Plain);
        assert_eq!(meaning("password"), Meaning::Secret);
    }

    #[test]
    fn an_endless_name_is_told_by_its_end() {
        assert_eq!(meaning(&format!("{}_password", "x".repeat(9_000)), false), Meaning::Secret);
    }
}
