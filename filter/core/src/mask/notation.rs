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

use std::cell::Cell;

use super::{
    documents::Openings,
    embed::{Content, Embedding, MAX_LEVEL},
    glyph::Glyph,
    look::Miss,
    names::{Family, Meaning, Names},
    part, pem,
    rules::Grade,
    skip::{Skip, Skipped},
    syntax::Syntax,
    tree::Tree,
    value::{self, Counts, Ends, Probe},
    vocabulary::BESIDE_A_TOKEN,
    window::{UnescapedBefore, Window},
};

/// The rule for what is found by a name that a document or a form gives it.
pub(super) const NAME_RULE: &str = "name";
/// The rule for what is found by what stands around it in a text.
pub(super) const CONTEXT_RULE: &str = "context";

/// The longest name that is read, in bytes as they are written.
const MAX_NAME_BYTES: usize = 256;
/// The most white space between a name, its sign and its value that is looked through at once.
const MAX_SPACES: usize = 40;
/// The farthest a value may begin behind its name, in bytes. Invariant: with [`LOOK_BACK`] no more than
/// what a body remembers.
const MAX_GAP: usize = 212;
/// How far before a name it is looked for what it belongs to, in bytes.
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

/// For each level of strings whether the one around a place began with an object or an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Documents(pub(super) [Option<bool>; LEVELS]);

/// The levels of strings that are told apart.
pub(super) const LEVELS: usize = MAX_LEVEL as usize + 1;

impl Documents {
    /// Whether every string around a text of this level is a document.
    fn hold(self, level: u32) -> bool {
        // Of a string whose quotes are written as `\u0022` it is not known how it begins.
        let known = self.0.iter().take(level as usize).flatten();
        known.clone().all(|is_document| *is_document) && (level == 0 || known.count() > 0)
    }
}

/// A name, and what stands before it.
pub(super) struct Name<'w> {
    bytes: [u8; MAX_NAME_BYTES],
    start: usize,
    /// The characters before it, last one first.
    before: UnescapedBefore<'w>,
    /// Whether nothing is known to stand before it.
    is_first: bool,
    dashes: usize,
    end: usize,
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

impl<'r> Reader<'r> {
    /// The value that belongs to the word that ends before `end`, if that is secret.
    pub(super) fn look(self, window: Window<'_>, end: usize) -> Sought {
        let next = match window.glyph(end) {
            Ok(glyph) => Some(glyph),
            Err(Miss::Absent) => return Err(Wait::Absent),
            Err(Miss::Unknown) => return Err(Wait::Until(end)),
        };
        let name = Name::before(window, end, next);
        if let Some(found) = self.special(window, &name) {
            return found;
        }
        let in_query = next.is_some_and(|glyph| glyph.byte == b'=' || glyph.byte == b']')
            && name.is_in_query(self.syntax);
        match self.names.meaning(name.text(), in_query) {
            Some(meaning) if !name.is_no_name() => self.named(window, &name, meaning),
            _ => Err(Wait::Absent),
        }
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
            b'?' | b'+' | b'.' | b'|' | b'<' => self.compound(window, name, meaning, sign),
            b'!' if follow.quote.is_none() => self.comparison(window, name, meaning, sign),
            b'>' if name.is_element() => self.element(window, name, meaning, sign),
            b',' => self.argument(window, name, meaning, follow, sign),
            b'(' => self.call(window, name, meaning, follow, sign),
            _ if follow.spaces > 0 && !follow.has_line_end => {
                self.behind_space(window, name, meaning, follow, sign)
            }
            _ => Err(Wait::Absent),
        }
    }

    /// A member of a JSON object, or of what looks like one.
    fn member(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
    ) -> Sought {
        let Some(quote) = follow.quote else { return Err(Wait::Absent) };
        let json = quote.depth;
        if json.level > MAX_LEVEL {
            return Err(Wait::Absent);
        }
        if follow.spaces == MAX_SPACES {
            // White space without an end: a walk goes through it.
            return self.gap(window, name, meaning, json, quote.next, follow);
        }
        let colon = follow.sign.map_or(follow.at, |sign| sign.next);
        let wait = |miss| Wait::of(miss, colon);
        let gap = window.spaces(colon, MAX_SPACES, json.layers > 0).map_err(wait)?;
        if gap.count == MAX_SPACES {
            return self.gap(window, name, meaning, json, colon, follow);
        }
        let at = gap.end;
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        let is_document = self.is_document(window, name.end, json);
        match first.byte {
            b'"' if first.depth == json => self.string(window, name, meaning, first, json),
            b'"' => Err(Wait::Absent),
            b'{' | b'[' if is_document && meaning.is_settled() => {
                Ok(certain(at, Skip::Tree(Box::new(Tree::new(json)))))
            }
            b'-' | b'0'..=b'9' => self.number(window, name, meaning, at, json, is_document),
            b'{' | b'[' => Err(Wait::Absent),
            _ if json.layers == 0 => self.assigned(window, name, meaning, at, Place::Code),
            _ => Err(Wait::Absent),
        }
    }

    fn gap(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        json: Embedding,
        at: usize,
        follow: &Follow,
    ) -> Sought {
        let is_behind_colon = follow.spaces != MAX_SPACES;
        if !meaning.is_settled() || !self.is_document(window, name.end, json) {
            return Err(Wait::Absent);
        }
        Ok(certain(at, Skip::Gap { json, is_behind_colon, takes_numbers: meaning.takes_numbers() }))
    }

    /// Whether a member there is one of a document, where its name settles the matter.
    fn is_document(self, window: Window<'_>, place: usize, json: Embedding) -> bool {
        let is_written = json.layers > 0 || !matches!(self.syntax, Syntax::Text);
        self.is_own_text || is_written && self.documents(window, place).hold(json.level)
    }

    fn documents(self, window: Window<'_>, place: usize) -> Documents {
        let mut openings = self.openings.get();
        let documents = openings.at(window.bytes, place);
        self.openings.set(openings);
        documents
    }

    fn string(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        first: Glyph,
        json: Embedding,
    ) -> Sought {
        let start = first.next;
        match json.content(window, start) {
            Content::Closed(end) if end == start => return Err(Wait::Absent),
            Content::Open(end) if end == start => return Err(Wait::Until(start)),
            _ => {}
        }
        let ends = Ends::Quote { byte: b'"', level: json.level, layers: json.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        if meaning.family == Family::BareToken
            && is_beside_probabilities(window, name, probe.end)
                .map_err(|miss| Wait::of(miss, start))?
        {
            return Err(Wait::Absent);
        }
        let is_document = self.is_document(window, name.end, json);
        let text = probe.text();
        let counts = Counts::of(text);
        let is_no_value = !probe.is_long
            && match (is_document, meaning.is_settled()) {
                (true, true) => is_no_value(text, name.text(), self.names),
                (false, true) => is_no_literal(text, &counts, name.text(), self.names),
                _ => !self.fits(Place::Quoted, meaning, &probe, &counts, name),
            };
        if is_no_value {
            return Err(Wait::Absent);
        }
        let grade = if is_document && meaning.family != Family::Weak && !meaning.is_odd {
            Grade::Certain
        } else {
            Grade::Likely
        };
        Ok(Value { rule: rule_of(grade), grade, start, skip: Skip::String(json) })
    }

    fn number(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        json: Embedding,
        is_document: bool,
    ) -> Sought {
        if meaning.family == Family::BareToken
            && is_beside_probabilities(window, name, at).map_err(|miss| Wait::of(miss, at))?
        {
            return Err(Wait::Absent);
        }
        if is_document && meaning.takes_numbers() {
            return Ok(certain(at, Skip::Number(json)));
        }
        let probe =
            Probe::read(window, at, Ends::Bare(b",}]")).map_err(|miss| Wait::of(miss, at))?;
        let digits = Counts::of(probe.text());
        let fits = match meaning.family {
            Family::Number => (4..=19).contains(&digits.all),
            Family::Password => !meaning.is_odd && meaning.takes_numbers() && digits.all >= 4,
            _ => false,
        };
        let grade = if is_document { Grade::Certain } else { Grade::Likely };
        match fits && digits.only_digits() {
            true => Ok(Value { rule: rule_of(grade), grade, start: at, skip: Skip::Number(json) }),
            false => Err(Wait::Absent),
        }
    }

    /// `name=`, `name = `, `name == `, `name => `.
    fn equals(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let second = window.glyph(sign.next);
        match second {
            Ok(glyph) if glyph.byte == b'=' => return self.comparison(window, name, meaning, sign),
            Ok(glyph) if glyph.byte == b'>' => {
                return self.value(window, name, meaning, glyph.next, Place::Code);
            }
            Ok(glyph) if glyph.byte == b'~' => return Err(Wait::Absent),
            Err(Miss::Unknown) => return Err(Wait::Until(sign.next)),
            Err(Miss::Absent) => return Err(Wait::Absent),
            Ok(_) => {}
        }
        let is_adjacent = follow.spaces == 0 && follow.quote.is_none();
        if is_adjacent && name.is_in_query(self.syntax) {
            return self.field(window, name, meaning, sign);
        }
        if is_adjacent {
            match self.field(window, name, meaning, sign) {
                Err(Wait::Absent) => {}
                found => return found,
            }
        }
        let place = match is_adjacent {
            false => Place::Code,
            true if name.dashes > 0 => Place::Option,
            true if name.is_variable() => Place::Environment,
            true if name.is_assigned_bare() => Place::Strong,
            true => Place::Line,
        };
        self.value(window, name, meaning, sign.next, place)
    }

    /// The value of a field of a form or of a query, of which the name settles the matter.
    fn field(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning, sign: Glyph) -> Sought {
        let layers = sign.depth.layers;
        let start = sign.next;
        if name.is_in_form(self.syntax) && layers == 0 {
            return not_empty(Skip::Field, window, start);
        }
        if Names::is_session_cookie(name.text()) {
            return not_empty(Skip::Query(layers), window, start);
        }
        let is_in_query = name.is_in_query(self.syntax);
        if !is_in_query && !self.is_own_text {
            return self.first_field(window, name, meaning, sign);
        }
        let ends = Ends::Bare(b"&;,#<>`{}[]|^)");
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let counts = Counts::of(probe.text());
        let is_cut_short = probe.ended_by.is_some_and(|byte| matches!(byte, b'{' | b'<' | b'['));
        let text = probe.text();
        if !probe.is_long
            && (is_cut_short && text.len() < 4 || value::is_stand_in(text, &counts, self.names))
        {
            return Err(Wait::Absent);
        }
        not_empty(Skip::Query(layers), window, start)
    }

    /// `password=…&a=…` in a text: another field behind it shows that it is the first one of a form.
    fn first_field(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        const MAX_NEXT: usize = 48;
        if !meaning.is_settled() || name.dashes > 0 {
            return Err(Wait::Absent);
        }
        let start = sign.next;
        let ends = Ends::Bare(b"&;,#<>`{}[]|^)");
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        let counts = Counts::of(probe.text());
        if probe.ended_by != Some(b'&')
            || counts.all == 0
            || is_no_literal(probe.text(), &counts, name.text(), self.names)
        {
            return Err(Wait::Absent);
        }
        let wait = |miss| Wait::of(miss, start);
        let mut at = window.glyph(probe.end).map_err(wait)?.next;
        for place in 0..MAX_NEXT {
            let glyph = window.glyph(at).map_err(wait)?;
            match glyph.byte {
                b'=' if place > 0 => {
                    return not_empty(Skip::Query(sign.depth.layers), window, start);
                }
                byte if is_name(byte) || matches!(byte, b'[' | b']') => at = glyph.next,
                _ => break,
            }
        }
        Err(Wait::Absent)
    }

    /// `name: …`.
    fn colon(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let second = match window.glyph(sign.next) {
            Ok(glyph) => glyph,
            Err(miss) => return Err(Wait::of(miss, sign.next)),
        };
        match second.byte {
            b'=' => return self.value(window, name, meaning, second.next, Place::Code),
            b':' => {
                let third =
                    window.glyph(second.next).map_err(|miss| Wait::of(miss, second.next))?;
                let is_make = third.byte == b'=';
                return if is_make {
                    self.value(window, name, meaning, third.next, Place::Line)
                } else {
                    Err(Wait::Absent)
                };
            }
            b'/' | b'-' => return Err(Wait::Absent),
            // The quote that opened before the name: `"Password:"` is a label.
            byte if second.is_quote() && follow.quote.is_none() && name.opens_with(byte) => {
                return Err(Wait::Absent);
            }
            _ => {}
        }
        // `arn:aws:secret:…`, `a:secret:b`.
        if name.before.first() == Some(b':') && !second.is_space() {
            return Err(Wait::Absent);
        }
        if follow.quote.is_none() && name.is_header() {
            match self.header(window, name, meaning, sign.next) {
                Err(Wait::Absent) => {}
                found => return found,
            }
        }
        let start = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        if start.has_line_end && follow.quote.is_none() {
            return Err(Wait::Absent);
        }
        if let Some(typed) = behind_type(window, start.end)? {
            return self.assigned(window, name, meaning, typed, Place::Code);
        }
        let block = self.block(window, start.end)?;
        if let Some(at) = block {
            return self.assigned(window, name, meaning, at, Place::Line);
        }
        let place = if start.count == 0 { Place::Code } else { Place::Line };
        self.assigned(window, name, meaning, start.end, place)
    }

    /// Behind `|` or `>` and a line end: a block of YAML.
    fn block(self, window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
        let wait = |miss| Wait::of(miss, at);
        let Ok(first) = window.glyph(at) else { return Ok(None) };
        if !matches!(first.byte, b'|' | b'>') {
            return Ok(None);
        }
        let mut behind = first.next;
        if let Ok(sign) = window.glyph(behind)
            && matches!(sign.byte, b'-' | b'+' | b'0'..=b'9')
        {
            behind = sign.next;
        }
        let gap = window.spaces(behind, MAX_SPACES, false).map_err(wait)?;
        Ok(gap.has_line_end.then_some(gap.end))
    }

    /// A header line in a text.
    fn header(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning, at: usize) -> Sought {
        const SCHEMES: [&[u8]; 10] = [
            b"bearer",
            b"basic",
            b"token",
            b"apikey",
            b"key",
            b"bot",
            b"negotiate",
            b"digest",
            b"sso-key",
            b"oauth",
        ];
        let gap = window.spaces(at, 4, false).map_err(|miss| Wait::of(miss, at))?;
        if gap.has_line_end {
            return Err(Wait::Absent);
        }
        let start = gap.end;
        let probe = self.bare(window, start, b"")?;
        let text = probe.text();
        let is_scheme = SCHEMES.iter().any(|scheme| text.eq_ignore_ascii_case(scheme));
        if !is_scheme || probe.ended_by != Some(b' ') {
            if text.starts_with(b"AWS4-") || meaning.family == Family::Credential {
                return self.credential(start, probe, 12, false);
            }
            return self.judged(window, name, meaning, start, probe, Place::Strong);
        }
        let is_basic = text.eq_ignore_ascii_case(b"basic");
        let behind = window.spaces(probe.end, 2, false).map_err(|miss| Wait::of(miss, start))?;
        let credential = self.bare(window, behind.end, b"")?;
        self.credential(behind.end, credential, 8, is_basic)
    }

    fn credential(self, start: usize, probe: Probe, least: usize, is_basic: bool) -> Sought {
        let text = probe.text();
        let counts = Counts::of(text);
        let is_letters = counts.only_letters() && counts.all >= 20;
        let fits = counts.is_random(least)
            || least <= 8 && (counts.is_mixed(8) || is_letters && counts.is_no_word())
            || is_basic && is_basic_credential(text);
        let is_harmless = !is_basic && value::is_harmless(text, &counts, b"", self.names)
            || value::is_placeholder(text)
            || text.starts_with(b"AWS4-")
            || value::is_code(text);
        if !fits && !self.is_own_text || is_harmless && !probe.is_long {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, Ends::Bare(b"")))
    }

    /// `+=`, `?=`, `?:`, `??=`, `||=`, `.=`, `<-`.
    fn compound(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        let wait = |miss| Wait::of(miss, sign.next);
        let second = window.glyph(sign.next).map_err(wait)?;
        let behind = match (sign.byte, second.byte) {
            (b'?' | b'+' | b'.', b'=') | (b'?', b':') | (b'<', b'-') => second.next,
            (b'?', b'?') | (b'|', b'|') => {
                let third = window.glyph(second.next).map_err(wait)?;
                if third.byte != b'=' {
                    return Err(Wait::Absent);
                }
                third.next
            }
            _ => return Err(Wait::Absent),
        };
        self.value(window, name, meaning, behind, Place::Code)
    }

    /// `name == "…"`, `name != "…"`.
    fn comparison(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        sign: Glyph,
    ) -> Sought {
        const MAX_SIGNS: usize = 2;
        if !matches!(
            meaning.family,
            Family::Password | Family::Secret | Family::Key | Family::Token | Family::Own
        ) {
            return Err(Wait::Absent);
        }
        let wait = |miss| Wait::of(miss, sign.next);
        let mut behind = sign.next;
        let mut count = 0_usize;
        while count < MAX_SIGNS {
            let glyph = window.glyph(behind).map_err(wait)?;
            if glyph.byte != b'=' {
                break;
            }
            behind = glyph.next;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(behind, 2, false).map_err(wait)?;
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// `<name>…</name>`.
    fn element(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning, sign: Glyph) -> Sought {
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        let probe = self.bare(window, gap.end, b"")?;
        if probe.ended_by != Some(b'<')
            && !(probe.ended_by.is_some_and(|byte| byte.is_ascii_whitespace()))
        {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, gap.end, probe, Place::Strong)
    }

    /// `("name", "…")`.
    fn argument(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let Some(quote) = follow.quote else { return Err(Wait::Absent) };
        let mut before = name.before;
        before.next();
        let is_first = before.find(|byte| !matches!(byte, b' ' | b'\\' | b'\n')) == Some(b'(');
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        let first = window.glyph(gap.end).map_err(|miss| Wait::of(miss, gap.end))?;
        if !is_first || first.byte != quote.byte || first.depth != quote.depth {
            return Err(Wait::Absent);
        }
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// `setName("…")`.
    fn call(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        sign: Glyph,
    ) -> Sought {
        let is_setter = name.begins_with(&[b"set", b"with", b"add", b"Set", b"With", b"Add"]);
        let is_alone = matches!(
            meaning.family,
            Family::Secret | Family::Key | Family::Token | Family::BareToken | Family::Password
        );
        if follow.quote.is_some() || follow.spaces > 0 || !is_setter && !is_alone {
            return Err(Wait::Absent);
        }
        let gap = window.spaces(sign.next, 2, false).map_err(|miss| Wait::of(miss, sign.next))?;
        self.literal(window, name, meaning, gap.end, Place::QuotedLoosely)
    }

    /// `--name …`, `ENV NAME …`, `login x password …`, `password "…"`, `password is …`.
    fn behind_space(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        follow: &Follow,
        first: Glyph,
    ) -> Sought {
        if follow.quote.is_some() {
            return Err(Wait::Absent);
        }
        if name.dashes > 0 {
            return self.assigned(window, name, meaning, follow.at, Place::Option);
        }
        if first.is_quote() {
            return self.statement(window, name, meaning, follow.at);
        }
        let typed = typed_value(window, follow.at)?;
        if let Some(at) = typed {
            return self.assigned(window, name, meaning, at, Place::Code);
        }
        if name.is_behind(&[b"ENV ", b"ARG "]) {
            return self.assigned(window, name, meaning, follow.at, Place::Environment);
        }
        if name.is_behind_login() {
            return self.assigned(window, name, meaning, follow.at, Place::Strong);
        }
        if let Some(at) = behind_is(window, follow.at)? {
            return self.sentence(window, name, meaning, at);
        }
        self.random_word(window, name, meaning, follow.at)
    }

    /// `password "…";`: the statement ends behind it.
    fn statement(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning, at: usize) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        let start = first.next;
        let ends =
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        if probe.is_long {
            return Err(Wait::Absent);
        }
        let close = window.glyph(probe.end).map_err(|miss| Wait::of(miss, start))?;
        let is_end = match window.glyph(close.next) {
            Ok(glyph) => {
                matches!(glyph.byte, b'\n' | b'\r' | b';' | b')')
                    || glyph.is_quote()
                    || glyph.byte == b' '
            }
            Err(Miss::Absent) => true,
            Err(Miss::Unknown) => return Err(Wait::Until(start)),
        };
        match is_end {
            true => self.judged_quoted(name, meaning, start, probe, ends, Place::QuotedLoosely),
            false => Err(Wait::Absent),
        }
    }

    /// `the password is …`: one word, with a digit or a sign in it.
    fn sentence(self, window: Window<'_>, name: &Name<'_>, meaning: Meaning, at: usize) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if first.is_quote() {
            return self.literal(window, name, meaning, at, Place::QuotedLoosely);
        }
        let mut probe = self.bare(window, at, b"")?;
        probe.trim(window, at);
        let counts = Counts::of(probe.text());
        let fits = match meaning.family {
            Family::Password => counts.is_mixed(8) && !value::is_slug(probe.text()),
            _ => counts.is_random(12),
        };
        match fits {
            true => self.judged(window, name, meaning, at, probe, Place::Code),
            false => Err(Wait::Absent),
        }
    }

    /// A random value right behind a name.
    fn random_word(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
    ) -> Sought {
        let mut probe = self.bare(window, at, b"")?;
        probe.trim(window, at);
        let counts = Counts::of(probe.text());
        if counts.digits < 3 || !counts.is_random(16) {
            return Err(Wait::Absent);
        }
        self.judged(window, name, meaning, at, probe, Place::Code)
    }

    /// Behind a sign and white space.
    fn value(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let gap = window.spaces(at, MAX_SPACES, false).map_err(|miss| Wait::of(miss, at))?;
        if gap.has_line_end
            || gap.count > 0 && matches!(place, Place::Environment | Place::Option | Place::Strong)
        {
            return Err(Wait::Absent);
        }
        self.assigned(window, name, meaning, gap.end, place)
    }

    /// In quotes or bare.
    fn assigned(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if first.is_quote() {
            return self.literal(window, name, meaning, at, Place::Quoted);
        }
        let second = window.glyph(first.next);
        if matches!(first.byte, b'@' | b'b' | b'r' | b'u' | b'f' | b'L' | b'N' | b'$' | b'&') {
            match second {
                Ok(glyph) if glyph.is_quote() => {
                    return self.literal(window, name, meaning, first.next, Place::Quoted);
                }
                Err(Miss::Unknown) => return Err(Wait::Until(at)),
                _ => {}
            }
        }
        let stops: &'static [u8] = match name.is_in_connection() {
            true => b";&",
            false if place == Place::Code => b",",
            false => b"",
        };
        let probe =
            Probe::read(window, at, Ends::Bare(stops)).map_err(|miss| Wait::of(miss, at))?;
        let place = if stops == b";&" { Place::Strong } else { place };
        self.judged(window, name, meaning, at, probe, place)
    }

    /// A literal in quotes.
    fn literal(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        at: usize,
        place: Place,
    ) -> Sought {
        let first = window.glyph(at).map_err(|miss| Wait::of(miss, at))?;
        if !first.is_quote() {
            return Err(Wait::Absent);
        }
        let start = first.next;
        let ends =
            Ends::Quote { byte: first.byte, level: first.depth.level, layers: first.depth.layers };
        let probe = Probe::read(window, start, ends).map_err(|miss| Wait::of(miss, start))?;
        self.judged_quoted(name, meaning, start, probe, ends, place)
    }

    fn judged_quoted(
        self,
        name: &Name<'_>,
        meaning: Meaning,
        start: usize,
        probe: Probe,
        ends: Ends,
        place: Place,
    ) -> Sought {
        let counts = Counts::of(probe.text());
        let is_closed = probe.is_long
            || matches!((ends, probe.ended_by), (Ends::Quote { byte, .. }, Some(end)) if end == byte);
        if !is_closed || counts.all == 0 || !self.fits(place, meaning, &probe, &counts, name) {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, ends))
    }

    fn bare(self, window: Window<'_>, at: usize, stops: &'static [u8]) -> Result<Probe, Wait> {
        Probe::read(window, at, Ends::Bare(stops)).map_err(|miss| Wait::of(miss, at))
    }

    fn judged(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        start: usize,
        mut probe: Probe,
        place: Place,
    ) -> Sought {
        let has_more = probe.ended_by == Some(b' ')
            && matches!(place, Place::Line | Place::Code)
            && goes_on(window, probe.end).map_err(|miss| Wait::of(miss, start))?;
        probe.trim(window, start);
        let counts = Counts::of(probe.text());
        if counts.all == 0 || !self.fits(place, meaning, &probe, &counts, name) {
            return Err(Wait::Absent);
        }
        if has_more
            && !(counts.is_random(16) && counts.digits >= 2
                || meaning.family == Family::Password
                    && counts.is_mixed(8)
                    && !value::is_slug(probe.text()))
        {
            return Err(Wait::Absent);
        }
        Ok(likely(start, &probe, Ends::Bare(b"")))
    }

    /// Whether a value looks like one of its family there.
    fn fits(
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
        if value::is_harmless(text, counts, name.text(), self.names) {
            return false;
        }
        if meaning.is_odd && !counts.is_random(12) {
            return false;
        }
        let is_quoted = matches!(place, Place::Quoted | Place::QuotedLoosely);
        if counts.spaces > 0 && is_quoted {
            let may_have =
                matches!(meaning.family, Family::Password | Family::Secret | Family::Key);
            return may_have && !value::is_sentence(text, counts);
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
        match meaning.family {
            Family::Password => is_password(place, text, counts, probe),
            Family::Secret | Family::Key => is_key(place, text, counts),
            Family::Token => is_token(place, text, counts, name),
            Family::BareToken => is_bare_token(place, counts),
            Family::Credential => is_credential(place, text, counts),
            Family::Number => is_number(place, text, counts),
            Family::Weak => is_weak(place, text, counts, name),
            Family::Own => true,
        }
    }

    /// Words that are no names and yet say what follows: `IDENTIFIED BY`, `curl -u`, `value` of a pair.
    fn special(self, window: Window<'_>, name: &Name<'_>) -> Option<Sought> {
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
            b"u" | b"U" | b"user" | b"proxy-user" if name.dashes > 0 => {
                Some(self.user(window, name))
            }
            b"p" if name.dashes == 1 => Some(self.short_option(window, name)),
            b"value" | b"Value" | b"secret_value" | b"default" | b"defaultValue" => {
                let found = self.pair(window, name);
                (found.as_ref().err() != Some(&Wait::Absent)).then_some(found)
            }
            _ => None,
        }
    }

    /// `CREATE USER a IDENTIFIED BY '…'`.
    fn identified(self, window: Window<'_>, name: &Name<'_>) -> Sought {
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
        if gap.count == 0 || !matches!(first.byte, b'\'' | b'"') {
            return Err(Wait::Absent);
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

    /// `curl -u user:…`.
    fn user(self, window: Window<'_>, name: &Name<'_>) -> Sought {
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
    fn short_option(self, window: Window<'_>, name: &Name<'_>) -> Sought {
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

    /// `"name": "DB_PASSWORD", "value": "…"`.
    fn pair(self, window: Window<'_>, name: &Name<'_>) -> Sought {
        let near = name.near(200);
        let near = near.text();
        let Some(owner) = pair_owner(near) else { return Err(Wait::Absent) };
        let Some(meaning) = self.names.meaning(owner, false) else { return Err(Wait::Absent) };
        let follow = self.follow(window, name)?;
        let Some(sign) = follow.sign.filter(|sign| matches!(sign.byte, b':' | b'=')) else {
            return Err(Wait::Absent);
        };
        let gap = window
            .spaces(sign.next, MAX_SPACES, false)
            .map_err(|miss| Wait::of(miss, sign.next))?;
        if gap.has_line_end && follow.quote.is_none() {
            return Err(Wait::Absent);
        }
        let owned = Name::of(owner, name);
        self.assigned(window, &owned, meaning, gap.end, Place::Strong)
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

/// Behind `str = `, where a type stands between the sign of a name and its value.
fn behind_type(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MAX_TYPE: usize = 48;
    let (mut end, mut before) = (at, 0_u8);
    for place in 0..MAX_TYPE {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        let is_type = glyph.byte.is_ascii_alphanumeric() || b"_&<>[]|., ?*'".contains(&glyph.byte);
        if glyph.byte == b'=' && place > 0 && before == b' ' {
            let gap = window.spaces(glyph.next, 4, false).map_err(|miss| Wait::of(miss, at))?;
            return Ok((gap.count > 0 && !gap.has_line_end).then_some(gap.end));
        }
        if !is_type || place == 0 && !glyph.byte.is_ascii_alphabetic() && glyph.byte != b'&' {
            return Ok(None);
        }
        (before, end) = (glyph.byte, glyph.next);
    }
    Ok(None)
}

/// Behind `string = ` of `var x string = "…"`.
fn typed_value(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    const MAX_TYPE: usize = 24;
    let wait = |miss| Wait::of(miss, at);
    let mut end = at;
    for place in 0..MAX_TYPE {
        let glyph = match window.glyph(end) {
            Ok(glyph) => glyph,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
        };
        match glyph.byte {
            b' ' if place > 0 => {
                let sign = match window.glyph(glyph.next) {
                    Ok(sign) => sign,
                    Err(Miss::Absent) => return Ok(None),
                    Err(miss) => return Err(wait(miss)),
                };
                if sign.byte != b'=' {
                    return Ok(None);
                }
                let gap = window.spaces(sign.next, 4, false).map_err(wait)?;
                let first = match window.glyph(gap.end) {
                    Ok(first) => first,
                    Err(Miss::Absent) => return Ok(None),
                    Err(miss) => return Err(wait(miss)),
                };
                return Ok((gap.count > 0 && first.is_quote()).then_some(gap.end));
            }
            byte if byte.is_ascii_alphanumeric() || b"_*[].&".contains(&byte) => end = glyph.next,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Behind `is `, `was ` or `=`.
fn behind_is(window: Window<'_>, at: usize) -> Result<Option<usize>, Wait> {
    let mut end = at;
    for expected in *b"is" {
        match window.glyph(end) {
            Ok(glyph) if glyph.byte == expected => end = glyph.next,
            Err(Miss::Unknown) => return Err(Wait::Until(at)),
            _ => return Ok(None),
        }
    }
    let mut gap = window.spaces(end, 3, false).map_err(|miss| Wait::of(miss, at))?;
    if let Ok(colon) = window.glyph(gap.end)
        && colon.byte == b':'
    {
        gap = window.spaces(colon.next, 3, false).map_err(|miss| Wait::of(miss, at))?;
    }
    Ok((gap.count > 0 && !gap.has_line_end).then_some(gap.end))
}

/// Whether a word follows on the line.
fn goes_on(window: Window<'_>, at: usize) -> Result<bool, Miss> {
    let gap = window.spaces(at, MAX_SPACES, false)?;
    if gap.has_line_end {
        return Ok(false);
    }
    match window.glyph(gap.end) {
        Ok(glyph) => Ok(glyph.byte.is_ascii_alphanumeric()),
        Err(Miss::Absent) => Ok(false),
        Err(Miss::Unknown) => Err(Miss::Unknown),
    }
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

/// What no document means as a secret, be its name what it is.
pub(super) fn is_no_value(text: &[u8], name: &[u8], names: &Names) -> bool {
    let is_directory = name.eq_ignore_ascii_case(b"pwd") && text.starts_with(b"/");
    value::is_placeholder(text)
        || value::is_version(text)
        || names.is_only_words(text)
        || is_directory
}

/// What a text that is no document means as a secret by its name alone: any literal but these.
fn is_no_literal(text: &[u8], counts: &Counts, name: &[u8], names: &Names) -> bool {
    let few = counts.all < 8 && counts.distinct <= 3;
    let is_harmless = value::is_harmless(text, counts, name, names);
    is_placeholder_or(text, is_harmless && !few, name, names)
}

fn is_placeholder_or(text: &[u8], is_harmless: bool, name: &[u8], names: &Names) -> bool {
    is_harmless || is_no_value(text, name, names)
}

/// Whether a token stands beside its probability: on either side, within its object.
fn is_beside_probabilities(window: Window<'_>, name: &Name<'_>, end: usize) -> Result<bool, Miss> {
    const REACH: usize = 160;
    let before = name.raw_before(REACH);
    let object = before.iter().rposition(|byte| matches!(byte, b'{' | b'}'));
    let before = before.get(object.unwrap_or(0)..).unwrap_or_default();
    let has = |text: &[u8]| BESIDE_A_TOKEN.iter().any(|piece| value::contains(text, piece));
    if has(before) {
        return Ok(true);
    }
    let rest = window.from(end);
    let near = rest.get(..REACH).unwrap_or(rest);
    let object = near.iter().position(|byte| matches!(byte, b'{' | b'}'));
    let near = near.get(..object.unwrap_or(near.len())).unwrap_or_default();
    if has(near) {
        return Ok(true);
    }
    if object.is_none() && near.len() < REACH && !window.is_last {
        Err(Miss::Unknown)
    } else {
        Ok(false)
    }
}

/// `user:password` in base64, of any length.
fn is_basic_credential(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    text.len() >= 4 && text.iter().all(is_base64) && decoded_has_colon(text)
}

fn decoded_has_colon(text: &[u8]) -> bool {
    let digit = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(byte.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0').wrapping_add(52)),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut bits, mut count) = (0_u32, 0_u32);
    for value in text.iter().map_while(digit) {
        bits = bits << 6 | u32::from(value);
        count = count.saturating_add(6);
        if count >= 8 {
            count = count.saturating_sub(8);
            let byte = (bits >> count & 0xff) as u8;
            match byte {
                b':' => return true,
                byte if byte.is_ascii_control() => return false,
                _ => {}
            }
        }
    }
    // Of a long one the colon may lie behind what was read.
    text.len() >= value::MAX_PROBE
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

/// The name in `"name": "DB_PASSWORD", "value` or `- name: DB_PASSWORD\n  value`, which ends before the
/// word for the value.
fn pair_owner(near: &[u8]) -> Option<&[u8]> {
    const WORDS: [&[u8]; 9] =
        [b"name", b"key", b"Name", b"Key", b"id", b"header", b"param", b"variable", b"field"];
    let open = near.iter().rposition(|byte| matches!(byte, b'}' | b']'));
    let near = near.get(open.map_or(0, |open| open.saturating_add(1))..).unwrap_or_default();
    WORDS.iter().find_map(|word| {
        let at = near.windows(word.len()).rposition(|window| window == *word)?;
        let rest = near.get(at.saturating_add(word.len())..)?;
        let is_sign = |byte: &u8| b"\"'`:= \\\t".contains(byte);
        let skipped = rest.iter().take_while(|byte| is_sign(byte)).count();
        let has_sign = rest.get(..skipped)?.iter().any(|byte| matches!(byte, b':' | b'=' | b'"'));
        let owner = rest.get(skipped..)?;
        let end =
            owner.iter().position(|byte| !is_name(*byte) && *byte != b' ').unwrap_or(owner.len());
        let owner = owner.get(..end)?.trim_ascii();
        (has_sign && !owner.is_empty() && owner.len() < owner.len().max(end).saturating_add(1))
            .then_some(owner)
    })
}

/// Whether `byte` may stand in a name.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

/// Characters before a name, in their order.
struct Near {
    bytes: [u8; LOOK_BACK],
    start: usize,
}

impl Near {
    fn text(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

impl<'w> Name<'w> {
    /// The name that ends before `end`, where `next` stands.
    fn before(window: Window<'w>, end: usize, next: Option<Glyph>) -> Self {
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
            let mut rest = name.before;
            match rest.next() {
                Some(byte) if is_name(byte) || is_quoted && byte == b' ' => name.push(byte),
                Some(b'[') if is_open => name.push(b'['),
                Some(b']') if is_open => name.push(b']'),
                _ => break,
            }
            name.before = rest;
        }
        let reach = low;
        let back = window
            .bytes
            .get(reach.saturating_sub(LOOK_BACK)..reach.saturating_add(name.before.raw().len()))
            .unwrap_or_default();
        let back = back.get(back.len().saturating_sub(LOOK_BACK)..).unwrap_or_default();
        name.is_first = reach.saturating_add(name.before.raw().len()) == 0;
        name.before = UnescapedBefore::new(back);
        name.dashes = name.text().iter().take_while(|byte| **byte == b'-').count();
        name.start = name.start.saturating_add(name.dashes);
        name
    }

    /// `owner` in the place of another name.
    fn of(owner: &[u8], place: &Name<'w>) -> Self {
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

    fn push(&mut self, byte: u8) {
        let Some(start) = self.start.checked_sub(1) else { return };
        if let Some(place) = self.bytes.get_mut(start) {
            *place = byte;
            self.start = start;
        }
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// What only looks like a name: a type behind `::`, the working directory.
    fn is_no_name(&self) -> bool {
        let mut before = self.before;
        let is_type = before.next() == Some(b':') && before.next() == Some(b':');
        let is_quoted = self.before.first() == Some(b'"');
        is_type || !is_quoted && matches!(self.text(), b"PWD" | b"OLDPWD")
    }

    fn opens_with(&self, quote: u8) -> bool {
        self.before.first() == Some(quote)
    }

    fn is_variable(&self) -> bool {
        let is_capital = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        self.text().iter().all(is_capital)
    }

    fn begins_with(&self, words: &[&[u8]]) -> bool {
        let last = self.text().rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        words.iter().any(|word| last.starts_with(word))
    }

    /// `?name=`, `&name=`, `#name=`, `&amp;name=`.
    fn is_in_query(&self, syntax: &Syntax) -> bool {
        let mut before = self.before;
        match before.next() {
            Some(b'&' | b'?' | b'#') => true,
            Some(b';') => before.take(4).eq(*b"pma&"),
            _ => self.is_in_form(syntax),
        }
    }

    fn is_in_form(&self, syntax: &Syntax) -> bool {
        let is_field = self.is_first || self.before.first() == Some(b'&');
        *syntax == Syntax::Form && is_field && self.before.is_plain_end()
    }

    /// Behind `;` or among `k=v` words: a connection string.
    fn is_in_connection(&self) -> bool {
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
    fn is_element(&self) -> bool {
        let mut before = self.before.take(40);
        before.find(|byte| !is_name(*byte) && *byte != b':') == Some(b'<')
    }

    /// `//registry/:_authToken=`, `_auth=`.
    fn is_assigned_bare(&self) -> bool {
        self.before.first() == Some(b':') || self.text().starts_with(b"_")
    }

    /// A name as headers have them.
    fn is_header(&self) -> bool {
        let text = self.text();
        let known =
            [&b"authorization"[..], b"cookie"].iter().any(|known| text.eq_ignore_ascii_case(known));
        known || text.contains(&b'-') && !text.contains(&b'_') && !text.contains(&b'.')
    }

    fn is_behind(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| self.before.take(word.len()).eq(word.iter().rev().copied()))
    }

    /// `login a password …` of a `.netrc` file.
    fn is_behind_login(&self) -> bool {
        let near = self.near(120);
        let words = near.text().rsplit(u8::is_ascii_whitespace);
        let mut words = words.filter(|word| !word.is_empty());
        let is_login = words.nth(1).is_some_and(|word| word == b"login");
        let is_machine = words.nth(1).is_some_and(|word| word.ends_with(b"machine"));
        let is_default = value::contains(near.text(), b"default login");
        self.text() == b"password" && is_login && (is_machine || is_default)
    }

    /// Whether one of these words stands before it in its line, in any case.
    fn has_before(&self, words: &[&[u8]]) -> bool {
        let near = self.near(LOOK_BACK);
        let text = near.text();
        let line =
            text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
        let line = text.get(line..).unwrap_or_default().to_ascii_lowercase();
        words.iter().any(|word| value::contains(&line, word))
    }

    fn near(&self, most: usize) -> Near {
        let mut near = Near { bytes: [0; LOOK_BACK], start: LOOK_BACK };
        for byte in self.before.take(most.min(LOOK_BACK)) {
            near.start = near.start.saturating_sub(1);
            if let Some(place) = near.bytes.get_mut(near.start) {
                *place = byte;
            }
        }
        near
    }

    fn raw_before(&self, most: usize) -> &'w [u8] {
        let raw = self.before.raw();
        raw.get(raw.len().saturating_sub(most)..).unwrap_or_default()
    }
}
