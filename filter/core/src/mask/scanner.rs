//! The next secret of a body, whatever kind it is of.

use std::cell::Cell;

use super::{
    class::{ALNUM, is_in},
    crypt,
    documents::Openings,
    encoded::{self, Encoded},
    field::{Sign, TELEGRAM_RULE},
    look::{Look, Miss},
    marked::{self, Marked},
    notation::{CONTEXT_RULE, NAME_RULE, Reader, Value, Wait, is_name},
    own::OwnRules,
    prefilter::{Cursor, Event, Signs},
    provider::{self, Provider},
    rules::{Grade, Rules},
    shape::Token,
    skip::Skip,
    syntax::Syntax,
    tree::{Trees, Walked},
    window::{Step, Window},
    words::{Word, Words},
};

/// A secret, of which the beginning is known.
#[derive(Debug)]
pub(super) struct Hit<'r> {
    pub(super) rule: &'r str,
    pub(super) provider: Option<&'static Provider>,
    pub(super) grade: Grade,
    /// Where a look has to begin to find it: at its name, or what else tells of it.
    pub(super) from: usize,
    /// Where it begins.
    pub(super) start: usize,
    /// Up to where it is known to go on.
    pub(super) known: usize,
    /// How its end is found from there on.
    pub(super) skip: Skip,
}

/// What a look at a piece of a body found.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// No secret begins here.
    Nothing,
    /// The first secret.
    Hit(Hit<'r>),
    /// No secret begins before `hold`; to know more, look from `resume` on again.
    Pending { resume: usize, hold: usize },
}

/// Looks for secrets by the rules of the operator, in a body of one syntax.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'r> {
    pub(super) rules: &'r Rules,
    pub(super) syntax: &'r Syntax,
    /// Whether the text is one of an entry.
    pub(super) is_own_text: bool,
    /// Whether the text was decoded: what is encoded in it again is not looked into.
    pub(super) is_decoded: bool,
}

/// What a look at one place means for the walk.
enum Verdict<'r> {
    /// Go on behind this place.
    GoOn(usize),
    Stop(Found<'r>),
}

impl<'r> Scanner<'r> {
    /// The first secret at or behind `from`, in one piece of text.
    pub(super) fn scan(self, window: Window<'_>, from: usize) -> Found<'r> {
        Ahead::default().scan(self, window, from, &mut Trees::default())
    }

    /// Whether what is so sure counts.
    pub(super) fn takes(self, grade: Grade) -> bool {
        grade >= self.rules.least && !self.rules.credentials_only
    }

    /// The first secret that is known by its name.
    fn named(self, window: Window<'_>, from: usize, openings: &Cell<Openings>) -> Found<'r> {
        let names = &self.rules.names;
        let reader = Reader { names, syntax: self.syntax, is_own_text: self.is_own_text, openings };
        let mut words = Words::new(window.bytes, window.is_last);
        let mut at = from;
        let end = window.bytes.len();
        while let Some(Word { from, end: behind }) = words.next(at, names) {
            let Some(behind) = behind else {
                return Found::Pending { resume: from, hold: end };
            };
            match reader.look(window, behind) {
                Ok(value) if value.grade >= self.rules.least => {
                    return Found::Hit(named_hit(value, from));
                }
                Err(Wait::Until(hold)) => return Found::Pending { resume: from, hold },
                _ => at = behind,
            }
        }
        let is_open = window.bytes.last().is_some_and(|byte| is_name(*byte));
        match window.is_last {
            true => Found::Nothing,
            false => Found::Pending {
                resume: end.saturating_sub(usize::from(is_open)).max(at),
                hold: end,
            },
        }
    }

    fn own(self, own: &'r OwnRules, window: Window<'_>, from: usize) -> Found<'r> {
        let horizon = own.horizon(window, from);
        match own.find(window, from) {
            Some(found) if found.start < horizon || window.is_last => Found::Hit(Hit {
                rule: found.rule,
                provider: None,
                grade: Grade::Certain,
                from: found.start,
                start: found.start,
                known: found.start,
                skip: Skip::Bytes(found.length),
            }),
            _ if window.is_last => Found::Nothing,
            _ => Found::Pending { resume: horizon, hold: horizon },
        }
    }

    fn built_in(self, window: Window<'_>, from: usize) -> Found<'r> {
        let mut at = from;
        let mut cursor = Cursor::new(window.bytes);
        loop {
            let verdict = match cursor.next(at) {
                Event::Anchor(at) => self.anchor(window, at),
                Event::Run(start) => self.run(window, start),
                Event::End(_) if window.is_last => return Found::Nothing,
                Event::End(start) => return Found::Pending { resume: start, hold: start },
            };
            match verdict {
                Verdict::GoOn(next) => at = next,
                Verdict::Stop(scan) => return scan,
            }
        }
    }

    fn anchor(self, window: Window<'_>, at: usize) -> Verdict<'r> {
        let sign = Sign { at, behind: at.saturating_add(1), layers: 0, is_unicode: false };
        if sign.is_plain(window) {
            return Verdict::GoOn(sign.behind);
        }
        self.sign(window, sign)
    }

    fn sign(self, window: Window<'_>, sign: Sign) -> Verdict<'r> {
        if self.rules.credentials_only {
            return Verdict::GoOn(sign.behind);
        }
        match sign.look(window, &self.rules.names) {
            Ok(value) if value.grade >= self.rules.least => {
                Verdict::Stop(Found::Hit(named_hit(value, sign.at)))
            }
            Ok(_) | Err(Wait::Absent) => Verdict::GoOn(sign.behind),
            Err(Wait::Until(hold)) => Verdict::Stop(Found::Pending { resume: sign.at, hold }),
        }
    }

    /// A run of token characters, from its start or from a place within it.
    fn run(self, window: Window<'_>, from: usize) -> Verdict<'r> {
        if let Some(verdict) = self.run_start(window, from) {
            return verdict;
        }
        if let Some(verdict) = self.crypt(window, from).or_else(|| self.encoded(window, from)) {
            return verdict;
        }
        if let Some(verdict) = self.behind_colour(window, from) {
            return verdict;
        }
        let mut at = from;
        let mut signs = Signs::of(window.from(from));
        for sign in signs.by_ref() {
            let place = from.saturating_add(sign);
            if place < at {
                continue;
            }
            let byte = window.byte(place).unwrap_or_default();
            let verdict = match byte {
                b'%' => self.percent(window, place),
                b'\\' => self.backslashes(window, place),
                _ => self.separator(window, place, byte),
            };
            match verdict {
                Verdict::GoOn(next) => at = next,
                Verdict::Stop(found) => return Verdict::Stop(found.told_by(place)),
            }
        }
        Verdict::GoOn(from.saturating_add(signs.end()))
    }

    /// What may begin where a run does, but not within one.
    fn run_start(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        if !window.is_boundary(at) {
            return None;
        }
        if window.before(at).last().is_some_and(u8::is_ascii_whitespace)
            && !self.rules.credentials_only
        {
            return self.word_after_space(window, at);
        }
        self.word(window, at)
    }

    /// What may begin behind `31m`, the end of a sequence that colours a terminal.
    #[inline]
    fn behind_colour(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        if !matches!(window.before(at), [.., b'[' | b';']) {
            return None;
        }
        let digits =
            window.from(at).iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let letter = at.saturating_add(digits);
        match window.byte(letter) {
            Some(b'm' | b'K') => match self.word(window, letter.saturating_add(1))? {
                Verdict::Stop(found) => Some(Verdict::Stop(found.told_by(at))),
                go_on @ Verdict::GoOn(_) => Some(go_on),
            },
            _ => None,
        }
    }

    /// What `crypt` made of a password.
    fn crypt(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        if window.before(at).last() != Some(&b'$') || self.rules.credentials_only {
            return None;
        }
        let found = crypt::look(window, at);
        stop(found.map(|start| hit(crypt::RULE, start, Skip::Token(crypt::CLASS))), at)
    }

    /// A text in base64 that holds a secret.
    fn encoded(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        let found = encoded::look(self, window, at).map(|found| {
            let Encoded { rule, provider, grade, skip } = found;
            Hit { rule, provider, grade, from: at, start: at, known: at, skip }
        });
        stop(found, at)
    }

    /// What may begin where a word does.
    #[inline]
    fn word(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        if self.rules.shapes.rules_out(window, at) { None } else { self.token(window, at) }
    }

    #[cold]
    fn token(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        stop(self.rules.shapes.find(window, at).map(token_hit), at)
    }

    /// What may begin behind a space, be it written as an escape.
    fn word_after_space(self, window: Window<'_>, at: usize) -> Option<Verdict<'r>> {
        let word = self.word(window, at);
        if word.is_some() || self.rules.credentials_only {
            return word;
        }
        stop(marked::behind_scheme(window, at).map(|marked| marked_hit(marked, at)), at)
    }

    /// One of `-_.+/~` within a run.
    fn separator(self, window: Window<'_>, at: usize, byte: u8) -> Verdict<'r> {
        let next = at.saturating_add(1);
        if let Some(stop) = self.mark(window, next, byte) {
            return stop;
        }
        let word = match byte {
            b'+' => self.word_after_space(window, next),
            _ => self.word(window, next),
        };
        word.unwrap_or(Verdict::GoOn(next))
    }

    /// A token that is known by what ends right before `at`.
    #[inline]
    fn mark(self, window: Window<'_>, at: usize, byte: u8) -> Option<Verdict<'r>> {
        if !matches!(byte, b'~' | b'_' | b'.') || self.rules.credentials_only {
            return None;
        }
        stop(marked::behind_mark(window, at).map(|marked| marked_hit(marked, at)), at)
    }

    /// `%3A` or the like within a run.
    fn percent(self, window: Window<'_>, at: usize) -> Verdict<'r> {
        let (byte, next) = match window.unescaped(at) {
            Step::Char(byte, next) => (byte, next),
            _ => return pending(at),
        };
        let layers = u8::try_from(next.saturating_sub(at) / 2).unwrap_or(0);
        match byte {
            b':' if layers > 0 => {
                let sign = Sign { at, behind: next, layers, is_unicode: false };
                if let stop @ Verdict::Stop(_) = self.sign(window, sign) {
                    return stop;
                }
            }
            byte if is_in(byte, ALNUM) => {
                let word = window.is_boundary(at).then(|| self.word(window, at)).flatten();
                return word.unwrap_or(Verdict::GoOn(next));
            }
            b' ' => {
                return self.word_after_space(window, next).unwrap_or(Verdict::GoOn(next));
            }
            b'\\' => return self.letter(window, next),
            byte => {
                if let Some(stop) = self.mark(window, next, byte) {
                    return stop;
                }
            }
        }
        self.word(window, next).unwrap_or(Verdict::GoOn(next))
    }

    /// Backslashes within a run, and what they escape.
    fn backslashes(self, window: Window<'_>, at: usize) -> Verdict<'r> {
        let count = window.from(at).iter().take_while(|byte| **byte == b'\\').count();
        let letter = at.saturating_add(count);
        let last = letter.saturating_sub(1);
        match window.byte(letter) {
            Some(b'u') => self.unicode(window, last),
            None if !window.is_last => pending(last),
            _ => self.letter(window, letter),
        }
    }

    /// Behind a backslash: a letter there may belong to it, or to what follows.
    fn letter(self, window: Window<'_>, at: usize) -> Verdict<'r> {
        if let Some(word) = self.word(window, at) {
            return word;
        }
        match window.byte(at) {
            Some(b'n' | b't' | b'r' | b'b' | b'f') => {
                let next = at.saturating_add(1);
                let word = self.word(window, next).or_else(|| self.encoded(window, next));
                word.unwrap_or(Verdict::GoOn(next))
            }
            None if !window.is_last => pending(at),
            _ => Verdict::GoOn(at),
        }
    }

    /// `\u003d` or the like within a run.
    fn unicode(self, window: Window<'_>, at: usize) -> Verdict<'r> {
        let (byte, next) = match window.unescaped(at) {
            Step::Char(byte, next) => (byte, next),
            _ => return pending(at),
        };
        match byte {
            b'\\' => return self.word(window, next).unwrap_or(Verdict::GoOn(next)),
            b':' => {
                let sign = Sign { at, behind: next, layers: 0, is_unicode: true };
                if let stop @ Verdict::Stop(_) = self.sign(window, sign) {
                    return stop;
                }
            }
            byte if is_in(byte, ALNUM) => {
                return self.word(window, at).unwrap_or(Verdict::GoOn(next));
            }
            b' ' => {
                return self.word_after_space(window, next).unwrap_or(Verdict::GoOn(next));
            }
            byte => {
                if let Some(stop) = self.mark(window, next, byte) {
                    return stop;
                }
            }
        }
        let word = self.word(window, next).or_else(|| self.encoded(window, next));
        word.unwrap_or(Verdict::GoOn(next))
    }
}

/// What a look at `at` means for the walk: nothing, if nothing is there.
fn stop<'r>(look: Look<Hit<'r>>, at: usize) -> Option<Verdict<'r>> {
    match look {
        Ok(hit) => Some(Verdict::Stop(Found::Hit(hit).told_by(at))),
        Err(Miss::Unknown) => Some(pending(at)),
        Err(Miss::Absent) => None,
    }
}

fn token_hit<'r>(token: Token) -> Hit<'r> {
    let Token { shape, start, end } = token;
    let skip = if shape.is_pem() { Skip::Pem } else { Skip::Token(shape.class) };
    Hit {
        rule: shape.rule,
        provider: shape.provider,
        grade: Grade::Certain,
        from: start,
        start,
        known: end,
        skip,
    }
}

fn marked_hit<'r>(marked: Marked, start: usize) -> Hit<'r> {
    hit(marked.rule, start, Skip::Token(marked.class))
}

fn hit<'r>(rule: &'static str, start: usize, skip: Skip) -> Hit<'r> {
    Hit { rule, provider: None, grade: Grade::Certain, from: start, start, known: start, skip }
}

/// What walks through objects under names of secrets came upon.
fn leaf_hit<'r>(walked: Walked) -> Found<'r> {
    match walked {
        Walked::Leaf(leaf) => {
            let rule = if leaf.grade == Grade::Certain { NAME_RULE } else { CONTEXT_RULE };
            Found::Hit(Hit { grade: leaf.grade, ..hit(rule, leaf.start, leaf.skip()) })
        }
        Walked::Pending(hold) => Found::Pending { resume: hold, hold },
        Walked::Done => Found::Nothing,
    }
}

fn named_hit<'r>(value: Value, from: usize) -> Hit<'r> {
    let Value { rule, grade, start, skip } = value;
    let provider = (rule == TELEGRAM_RULE).then_some(&provider::TELEGRAM);
    Hit { rule, provider, grade, from, start, known: start, skip }
}

fn pending<'r>(at: usize) -> Verdict<'r> {
    Verdict::Stop(Found::Pending { resume: at, hold: at })
}

/// What is known of the bytes ahead in one window. Where several kinds of rules find something, the
/// later finds are kept for the next time: else a body full of one kind would be searched for the
/// others again and again.
#[derive(Debug, Default)]
pub(super) struct Ahead<'r> {
    built_in: Option<Found<'r>>,
    named: Option<Found<'r>>,
    own: Option<Found<'r>>,
    openings: Cell<Openings>,
}

impl<'r> Ahead<'r> {
    /// Nothing yet, in a window before which `openings` are known.
    pub(super) fn new(openings: Openings) -> Self {
        Self { openings: Cell::new(openings), ..Self::default() }
    }

    /// The first secret at or behind `from`.
    pub(super) fn scan(
        &mut self,
        scanner: Scanner<'r>,
        window: Window<'_>,
        from: usize,
        trees: &mut Trees,
    ) -> Found<'r> {
        let built_in = still(&mut self.built_in, from);
        let built_in = built_in.unwrap_or_else(|| scanner.built_in(window, from));
        let named = match scanner.rules.credentials_only {
            true => Found::Nothing,
            false => still(&mut self.named, from)
                .unwrap_or_else(|| scanner.named(window, from, &self.openings)),
        };
        let own = match &scanner.rules.own {
            None => Found::Nothing,
            Some(own) => {
                still(&mut self.own, from).unwrap_or_else(|| scanner.own(own, window, from))
            }
        };
        let walked = trees.next(window, from, &scanner.rules.names, scanner.rules.least);
        self.first([built_in, named, own], walked)
    }

    /// The first of what each kind found. Of two at one place, a name that settles the matter comes before
    /// a shape, which ends with its own characters, and a shape before what is only likely.
    fn first(&mut self, found: [Found<'r>; 3], walked: Walked) -> Found<'r> {
        let [built_in, named, own] = found;
        let all = [&built_in, &named, &own];
        let leaf = leaf_hit(walked);
        let hold = all.iter().filter_map(|found| found.hold()).chain(leaf.hold()).min();
        // What was found behind a place that is not decided is found again, by what tells of it.
        let resume = all.iter().map(|found| found.from()).min().unwrap_or_default();
        let hits = [built_in.hit_place(), named.hit_place(), own.hit_place(), leaf.hit_place()];
        let first = hits.iter().flatten().min().copied();
        let is_hit = first.is_some_and(|first| {
            !leaf.may_precede(first) && all.iter().all(|found| !found.may_precede(first))
        });
        if !is_hit {
            return match hold {
                Some(hold) => Found::Pending { resume: resume.min(hold), hold },
                None => Found::Nothing,
            };
        }
        let is_first = |found: &Found<'_>| found.hit_place() == first;
        let is_settled = matches!(&named, Found::Hit(hit) if hit.grade == Grade::Certain);
        if is_first(&leaf) && !(is_first(&named) && is_settled) {
            (self.built_in, self.named, self.own) = (Some(built_in), Some(named), Some(own));
            return leaf;
        }
        let (winner, second, third) = match () {
            () if is_first(&named) && (is_settled || !is_first(&built_in)) && !is_first(&own) => {
                (named, &mut self.built_in, built_in)
            }
            () if is_first(&named) && is_settled => (named, &mut self.built_in, built_in),
            () if is_first(&built_in) => {
                self.own = Some(own);
                self.named = Some(named);
                return built_in;
            }
            () => {
                self.built_in = Some(built_in);
                self.named = Some(named);
                return own;
            }
        };
        *second = Some(third);
        self.own = Some(own);
        winner
    }
}

/// What was found before and is not passed by now. A name that lies in another secret is none.
fn still<'r>(found: &mut Option<Found<'r>>, from: usize) -> Option<Found<'r>> {
    found.take().filter(|found| found.from() >= from)
}

impl Found<'_> {
    /// The same, told by what stands at a place before: it is looked at again together with it.
    fn told_by(mut self, place: usize) -> Self {
        match &mut self {
            Self::Nothing => {}
            Self::Hit(Hit { from, .. }) | Self::Pending { resume: from, .. } => {
                *from = place.min(*from);
            }
        }
        self
    }

    /// Where a look has to begin to find the same.
    fn from(&self) -> usize {
        match self {
            Self::Nothing => usize::MAX,
            Self::Hit(Hit { from, .. }) | Self::Pending { resume: from, .. } => *from,
        }
    }

    /// Whether it says, or with more bytes may say, that a secret begins at or before a place where something else was
    /// found: what is known of that place alone does not decide it.
    fn may_precede(&self, place: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Hit(hit) => hit.start < place,
            Self::Pending { hold, .. } => *hold <= place,
        }
    }

    fn hit_place(&self) -> Option<usize> {
        match self {
            Self::Hit(hit) => Some(hit.start),
            _ => None,
        }
    }

    /// Up to where nothing is secret, if more must be known.
    fn hold(&self) -> Option<usize> {
        match self {
            Self::Pending { hold, .. } => Some(*hold),
            _ => None,
        }
    }
}
