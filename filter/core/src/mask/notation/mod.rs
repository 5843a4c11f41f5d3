//! A name and its value, in every notation that people, programs and models write them in.
//!
//! ```text
//! {"password": "…"}   password=…&a=b   password: …   password = '…'   --password …   PASSWORD=…
//! <password>…</password>   setPassword("…")   X-API-Key: …   Pwd=…;   IDENTIFIED BY '…'
//! ```
//!
//! All of them have a word, then a sign, then a value. So a look begins where a word ends that may be
//! the end of a secret's name: backwards to the name, which is over and done with, and forwards past
//! what closes it (`"`, `]`), past white space and the sign, to the value. What stands there is judged by
//! the family of the name and by the notation: in a JSON document and in a form the name settles it, in
//! an `.env` file nearly so, and in code and prose only a value that looks like a secret is one.
//!
//! How sure that is decides what becomes of it: see [`Grade`].

mod call;
mod commands;
mod comparison;
mod family;
mod headers;
mod literal;
mod member;
mod name;
mod pairs;
mod probability;
mod query;
mod separator;
mod spaced;
mod sql;
mod stand_in;
mod xml;

use std::cell::Cell;

use super::{
    documents::Openings,
    glyph::Glyph,
    look::Miss,
    names::{Family, Meaning, Names},
    part, pem,
    rules::Grade,
    skip::{Skip, Skipped},
    syntax::Syntax,
    value::{Ends, Probe},
    window::Window,
};
pub(super) use member::{Documents, LEVELS};
use name::Name;
pub(super) use name::is_name;
pub(super) use stand_in::is_no_item;

/// The rule for what is found by a name that a document or a form gives it.
pub(super) const NAME_RULE: &str = "name";
/// The rule for what is found by what stands around it in a text.
pub(super) const CONTEXT_RULE: &str = "context";

/// A name that people write in several words.
struct Phrase {
    /// What stands before the last word, in small letters.
    before: &'static [u8],
    last: &'static [u8],
    /// The same in one word.
    means: &'static [u8],
}

const fn phrase(before: &'static [u8], last: &'static [u8], means: &'static [u8]) -> Phrase {
    Phrase { before, last, means }
}

const PHRASES: [Phrase; 9] = [
    phrase(b"mot de ", b"passe", b"password"),
    phrase(b"clave de ", b"acceso", b"password"),
    phrase(b"senha de ", b"acesso", b"password"),
    phrase("clé ".as_bytes(), b"api", b"api_key"),
    phrase(b"clave de ", b"api", b"api_key"),
    phrase(b"chave de ", b"api", b"api_key"),
    phrase("ключ ".as_bytes(), b"api", b"api_key"),
    phrase(b"card ", b"number", b"cardnumber"),
    phrase(b"security ", b"number", b"ssn"),
];

/// The most white space between a name, its sign and its value that is looked through at once.
const MAX_SPACES: usize = 40;
/// The farthest a value may begin behind its name, in bytes. Invariant: with [`LOOK_BACK`] no more than
/// what a body remembers.
const MAX_GAP: usize = 212;
/// How far before the end of a name it is looked for what it belongs to, in bytes.
pub(super) const LOOK_BACK: usize = 300;

/// A secret value.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) rule: &'static str,
    pub(super) grade: Grade,
    /// Where it begins.
    pub(super) start: usize,
    /// How its end is found.
    pub(super) skip: Skip,
}

/// A secret value, or why there is none.
pub(super) type Sought = Result<Value, Wait>;

/// Why no secret value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is none.
    Absent,
    /// It takes more bytes to tell, of which none before this place is secret.
    Until(usize),
}

impl Wait {
    pub(super) fn of(miss: Miss, hold: usize) -> Self {
        match miss {
            Miss::Absent => Self::Absent,
            Miss::Unknown => Self::Until(hold),
        }
    }
}

/// What a look needs to know besides the bytes.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r> {
    pub(super) names: &'r Names,
    pub(super) syntax: &'r Syntax,
    /// Whether a text of an entry is read: what its name calls secret is, whatever it looks like.
    pub(super) is_own_text: bool,
    /// Which strings began as documents, as far as the window was looked at.
    pub(super) openings: &'r Cell<Openings>,
}

/// How a name is followed.
struct Follow {
    /// The quote that closes the name, if one opens it.
    quote: Option<Glyph>,
    /// Behind what closes the name.
    at: usize,
    spaces: usize,
    has_line_end: bool,
    sign: Option<Glyph>,
}

/// Where a value stands, as far as its look matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In quotes behind a sign.
    Quoted,
    /// In quotes behind a space, a comma, a bracket or a comparison.
    QuotedLoosely,
    /// Bare, where nothing but a value can stand.
    Strong,
    /// The same in a variable of the environment, in capitals.
    Environment,
    /// The same in a command line.
    Option,
    /// Bare, in a configuration.
    Line,
    /// Bare, in code or in a sentence.
    Code,
}

impl Reader<'_> {
    /// The value that belongs to the word that ends before `end`, if that is secret.
    pub(super) fn look(self, window: Window<'_>, end: usize) -> Sought {
        let next = match window.glyph(end) {
            Ok(glyph) => Some(glyph),
            Err(Miss::Absent) => return Err(Wait::Absent),
            Err(Miss::Unknown) => return Err(Wait::Until(end)),
        };
        let name = Name::before(window, end, next);
        if let Some(found) = self.special(window, &name, next) {
            return found;
        }
        let in_query = next.is_some_and(|glyph| glyph.byte == b'=' || glyph.byte == b']')
            && name.is_in_query(self.syntax);
        let meaning = self.names.meaning(name.text(), in_query);
        match meaning.or_else(|| self.two_words(&name)) {
            Some(meaning) if !name.is_no_name() => self.named(window, &name, meaning),
            _ => Err(Wait::Absent),
        }
    }

    /// `API key: …`, `the secret key is …`: a name that people write in two words.
    fn two_words(self, name: &Name<'_>) -> Option<Meaning> {
        let last = name.text();
        let phrase = PHRASES.iter().find(|phrase| {
            phrase.last.eq_ignore_ascii_case(last) && name.is_behind_any_case(phrase.before)
        });
        if let Some(phrase) = phrase {
            return self.names.meaning(phrase.means, false);
        }
        if !last.eq_ignore_ascii_case(b"key") || name.dashes > 0 {
            return None;
        }
        const MOST: usize = 16;
        let near = name.near(MOST);
        let first = near.text().strip_suffix(b" ")?;
        let begin = first.iter().rposition(|byte| !byte.is_ascii_alphabetic());
        let first = first.get(begin.map_or(0, |at| at.saturating_add(1))..)?;
        let mut whole = *b"                _key";
        let start = MOST.saturating_sub(first.len());
        let place = whole.get_mut(start..)?;
        let letters = place.iter_mut().zip(first);
        letters.for_each(|(place, byte)| *place = byte.to_ascii_lowercase());
        if first.len() < 2 || first.eq_ignore_ascii_case(last) {
            return None;
        }
        self.names.meaning(place, false).filter(|meaning| meaning.family == Family::Key)
    }

    fn named(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning) -> Sought {
        let follow = self.follow(window, name)?;
        let Some(sign) = follow.sign else { return Err(Wait::Absent) };
        let is_near = |found: Sought| match found {
            Ok(value) if value.start.saturating_sub(name.end) > MAX_GAP => Err(Wait::Absent),
            Err(Wait::Until(hold)) if hold.saturating_sub(name.end) > MAX_GAP => Err(Wait::Absent),
            found => found,
        };
        is_near(self.signed(window, name, meaning, &follow, sign))
    }

    /// Behind what closes the name, and white space.
    fn follow(self, window: Window<'_>, name: &Name<'_>) -> Result<Follow, Wait> {
        const MAX_CLOSERS: usize = 5;
        let wait = |miss| Wait::of(miss, name.end);
        let mut follow =
            Follow { quote: None, at: name.end, spaces: 0, has_line_end: false, sign: None };
        for _ in 0..MAX_CLOSERS {
            let glyph = match window.glyph(follow.at) {
                Ok(glyph) => glyph,
                Err(miss) => return Err(wait(miss)),
            };
            match glyph.byte {
                b'"' | b'\'' | b'`' if follow.quote.is_none() && name.opens_with(glyph.byte) => {
                    follow.quote = Some(glyph);
                }
                b']' | b'*' => {}
                b'[' => {
                    let Some(end) = index_end(window, glyph.next).map_err(wait)? else { break };
                    follow.at = end;
                    continue;
                }
                _ => break,
            }
            follow.at = glyph.next;
        }
        let in_form = follow.quote.is_some_and(|quote| quote.depth.layers > 0);
        let gap = window.spaces(follow.at, MAX_SPACES, in_form).map_err(wait)?;
        (follow.spaces, follow.has_line_end) = (gap.count, gap.has_line_end);
        if gap.count == MAX_SPACES && !follow.is_member_quote() {
            return Err(Wait::Absent);
        }
        if gap.count > 0 {
            follow.sign = window.glyph(gap.end).map(Some).or_else(|miss| match miss {
                Miss::Absent => Ok(None),
                Miss::Unknown => Err(Wait::Until(name.end)),
            })?;
            follow.at = gap.end;
        } else {
            follow.sign = match window.glyph(follow.at) {
                Ok(glyph) => Some(glyph),
                Err(Miss::Absent) => None,
                Err(Miss::Unknown) => return Err(Wait::Until(name.end)),
            };
        }
        Ok(follow)
    }

    fn signed(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        if follow.is_member_quote() && (sign.byte == b':' || follow.spaces == MAX_SPACES) {
            return self.member(window, name, meaning, follow);
        }
        match sign.byte {
            b'=' => self.equals(window, name, meaning, follow, sign),
            b':' => self.colon(window, name, meaning, follow, sign),
            b'!' if follow.quote.is_none() => self.comparison(window, name, meaning, sign),
            b'>' if name.is_element() || follow.quote.is_some() && name.is_attribute() => {
                self.element(window, name, meaning, sign)
            }
            b'<' if name.is_behind(&[b"<key>", b"<name>"]) => {
                self.property(window, name, meaning, sign)
            }
            0xEF | b'\\' => self.wide_colon(window, name, meaning, sign),
            b'?' | b'+' | b'.' | b'|' | b'<' => self.compound(window, name, meaning, sign),
            b',' => self.argument(window, name, meaning, follow, sign),
            b'(' => self.call(window, name, meaning, follow, sign),
            _ if follow.spaces > 0 && !follow.has_line_end => {
                self.behind_space(window, name, meaning, follow, sign)
            }
            _ => Err(Wait::Absent),
        }
    }

    /// Words that are no names and yet say what follows: `IDENTIFIED BY`, `curl -u`, `value` of a pair.
    fn special(self, window: Window<'_>, name: &Name<'_>, next: Option<Glyph>) -> Option<Sought> {
        match name.text() {
            _ if name.text().ends_with(b"-----") => {
                Some(pem::behind_first_line(window, name.text(), name.before, name.end))
            }
            b"Private-Lines" => Some(pem::putty(window, name.end)),
            _ if name.text().eq_ignore_ascii_case(b"name") => match self.syntax {
                Syntax::Multipart(boundary) => {
                    Some(part::value(window, name.end, self.names, boundary))
                }
                _ => None,
            },
            b"by" | b"BY" | b"By" => Some(self.identified(window, name)),
            text if text.ends_with(b"login") || text.ends_with(b"Login") => {
                let open = next.filter(|glyph| glyph.byte == b'(')?;
                Some(self.second(window, name, open))
            }
            b"value" | b"Value" | b"secret_value" | b"default" | b"defaultValue"
            | b"ParameterValue" | b"parameterValue" => {
                let found = self.pair(window, name);
                (found.as_ref().err() != Some(&Wait::Absent)).then_some(found)
            }
            _ => self.command(window, name).or_else(|| self.reversed(window, name)),
        }
    }
}

impl Follow {
    /// Whether the name is closed as that of a JSON member is.
    fn is_member_quote(&self) -> bool {
        self.quote.is_some_and(|quote| quote.byte == b'"')
    }
}

/// The end of `[25]` or `[]`, behind its bracket.
fn index_end(window: Window<'_>, at: usize) -> Result<Option<usize>, Miss> {
    let mut at = at;
    for _ in 0..6 {
        match window.glyph(at)? {
            Glyph { byte: b']', next, .. } => return Ok(Some(next)),
            Glyph { byte: b'0'..=b'9', next, .. } => at = next,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn rule_of(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => NAME_RULE,
        Grade::Likely => CONTEXT_RULE,
    }
}

fn certain(start: usize, skip: Skip) -> Value {
    Value { rule: NAME_RULE, grade: Grade::Certain, start, skip }
}

fn likely(start: usize, probe: &Probe, ends: Ends) -> Value {
    let skip = match probe.is_long {
        true => Skip::Rest(ends),
        false => Skip::Bytes(probe.end.saturating_sub(start)),
    };
    Value { rule: CONTEXT_RULE, grade: Grade::Likely, start, skip }
}

/// The value at `start`, unless it is empty.
fn not_empty(mut skip: Skip, window: Window<'_>, start: usize) -> Sought {
    match skip.run(window, start) {
        Skipped::Done(end) if end == start => Err(Wait::Absent),
        Skipped::More(end) if end == start => Err(Wait::Until(start)),
        _ => Ok(certain(start, skip)),
    }
}
