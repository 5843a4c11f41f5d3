//! Members of JSON objects, and of what looks like one.
//!
//! In a document a name settles the matter, whatever the value looks like; in a sentence that quotes one, a
//! value has to look like a secret.

use super::{
    Follow, MAX_SPACES, Place, Reader, Sought, Value, Wait, certain,
    name::Name,
    probability::is_beside_probabilities,
    rule_of,
    stand_in::{is_no_literal, is_no_member},
};
use crate::mask::{
    embed::{Content, Embedding, MAX_LEVEL},
    glyph::Glyph,
    names::{Family, Meaning},
    rules::Grade,
    skip::Skip,
    syntax::Syntax,
    tree::Tree,
    value,
    value::{Counts, Ends, Probe},
    window::Window,
};

/// For each level of strings whether the one around a place began with an object or an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::mask) struct Documents(pub(in crate::mask) [Option<bool>; LEVELS]);

/// The levels of strings that are told apart.
pub(in crate::mask) const LEVELS: usize = MAX_LEVEL as usize + 1;

impl Documents {
    /// Whether every string around a text of this level is a document.
    fn hold(self, level: u32) -> bool {
        // Of a string whose quotes are written as `\u0022` it is not known how it begins.
        let known = self.0.iter().take(level as usize).flatten();
        known.clone().all(|is_document| *is_document) && (level == 0 || known.count() > 0)
    }
}

impl Reader<'_> {
    /// A member of a JSON object, or of what looks like one.
    pub(super) fn member(
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
                self.container(window, name, meaning, first, json, at)
            }
            b'-' | b'0'..=b'9' => self.number(window, name, meaning, at, json, is_document),
            b'{' | b'[' => Err(Wait::Absent),
            _ if json.layers == 0 => self.assigned(window, name, meaning, at, Place::Code),
            _ => Err(Wait::Absent),
        }
    }

    /// The object or the array at `at`, unless it is known to hold no secret.
    fn container(
        self,
        window: Window<'_>,
        name: &Name<'_>,
        meaning: Meaning,
        first: Glyph,
        json: Embedding,
        at: usize,
    ) -> Sought {
        let wait = |miss| Wait::of(miss, at);
        let is_token = meaning.family == Family::BareToken && first.byte == b'{';
        if is_token && is_beside_probabilities(window, name, first.next).map_err(wait)? {
            return Err(Wait::Absent);
        }
        let near = name.near(OWNER_REACH);
        let owner = owner(near.text());
        if first.byte == b'['
            && owner.is_some_and(|owner| is_text_list(owner) || is_name_list(owner))
        {
            return Err(Wait::Absent);
        }
        Ok(certain(at, Skip::Tree(Box::new(Tree::new(json, at, meaning)))))
    }

    /// Whether a text says something of a field instead of being its value: `{"errors":{"password":"is too short"}}`.
    fn is_said_of(self, text: &[u8], name: &Name<'_>) -> bool {
        text.contains(&b' ') && owner(name.near(OWNER_REACH).text()).is_some_and(is_text_list)
    }

    pub(super) fn gap(
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
        Ok(certain(at, Skip::Gap { json, is_behind_colon, meaning }))
    }

    /// Whether a member there is one of a document, where its name settles the matter.
    pub(super) fn is_document(self, window: Window<'_>, place: usize, json: Embedding) -> bool {
        let is_written = json.layers > 0 || !matches!(self.syntax, Syntax::Text);
        self.is_own_text || is_written && self.documents(window, place).hold(json.level)
    }

    pub(super) fn documents(self, window: Window<'_>, place: usize) -> Documents {
        let mut openings = self.openings.get();
        let documents = openings.at(window.bytes, place);
        self.openings.set(openings);
        documents
    }

    pub(super) fn string(
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
                (true, true) => {
                    // Of a text of several lines only the first one was read.
                    probe.ended_by != Some(b'\n')
                        && (is_no_member(text, &counts, name.text(), meaning, self.names)
                            || self.is_said_of(text, name))
                }
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

    pub(super) fn number(
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
        if is_document && meaning.takes_any_number() {
            return Ok(certain(at, Skip::Number(json)));
        }
        let probe =
            Probe::read(window, at, Ends::Bare(b",}]")).map_err(|miss| Wait::of(miss, at))?;
        let digits = Counts::of(probe.text());
        // A short one is a count.
        let is_long = digits.only_digits() && digits.all >= 6;
        if is_document && meaning.takes_numbers() && is_long {
            return Ok(certain(at, Skip::Number(json)));
        }
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
}

/// How far before a member it is looked for the object that it belongs to, in bytes.
const OWNER_REACH: usize = 160;

/// The name of the object that `near` ends in, if that is near.
fn owner(near: &[u8]) -> Option<&[u8]> {
    let open = value::open_bracket(near, b"{[")?;
    let before = near.get(..open)?.trim_ascii_end().strip_suffix(b":")?;
    let name = before.trim_ascii_end().strip_suffix(b"\"")?;
    let is_escape = |byte: &u8| *byte == b'\\';
    let escapes = name.iter().rev().take_while(|byte| is_escape(byte)).count();
    let name = name.get(..name.len().saturating_sub(escapes))?;
    let begin = name.iter().rposition(|byte| matches!(byte, b'"' | b'\\'))?;
    name.get(begin.saturating_add(1)..)
}

/// Whether an object of this name holds texts about fields, each under the field's name.
fn is_text_list(owner: &[u8]) -> bool {
    const WORDS: &str = "captions description descriptions error errors fielderrors help helptexts hint hints i18n label labels locale \
        message messages placeholder placeholders strings text texts title titles tooltip tooltips translation translations validation \
        validations violations warning warnings";
    WORDS.split_ascii_whitespace().any(|word| owner.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether an object of this name holds names of fields, each list under that of another field.
fn is_name_list(owner: &[u8]) -> bool {
    matches!(owner, b"dependentRequired" | b"dependencies" | b"required")
}
