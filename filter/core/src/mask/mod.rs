//! Secrets in a body, replaced as it streams by.
//!
//! `{"messages":[{"content":"my key is sk-…"}],"password":"hunter2"}` becomes
//! `{"messages":[{"content":"my key is ***REDACTED***"}],"password":"***REDACTED***"}`, whatever
//! pieces it comes in. That view is what is hashed; where the operator says so it is also what the
//! provider gets.
//!
//! # How it looks
//!
//! It does not parse the body. A body may be JSON in a form in a URL, cut anywhere, or not what its
//! headers say; a parser would have to be right about all of it. Secrets are found by what stands
//! around them, wherever that is:
//!
//! - by **name**: `"password":` with its value, `?sig=…`, `password=…`, a part called `password`;
//! - by **shape**: `sk-ant-…`, `AKIA…`, `eyJ….eyJ…`, `-----BEGIN PRIVATE KEY-----`, `user:pass@`;
//! - by the operator's **own rules**.
//!
//! [`prefilter`] finds the few places that are worth a look, many bytes at a time. [`shape`] and
//! [`field`] look there, backwards at what is over and forwards at as much as it takes to be sure.
//! [`skip`] then leaves out the rest of the secret, however long it is.
//!
//! # What it keeps
//!
//! Between two chunks a body keeps [`HISTORY`] bytes to look back at, and those bytes at its end
//! that may still turn out to begin a secret: at most [`MAX_HELD`].

mod class;
mod cookies;
mod crypt;
mod documents;
mod embed;
mod encoded;
mod encoding;
mod field;
mod glyph;
mod head;
mod look;
mod marked;
mod names;
mod notation;
mod own;
mod part;
mod path;
mod pem;
mod prefilter;
mod provider;
mod rules;
mod scanner;
mod shape;
mod shapes;
mod skip;
mod syntax;
mod tree;
mod value;
mod vocabulary;
mod window;
mod words;

use std::{borrow::Cow, rc::Rc};

use cookies::{Cookies, Walk};
use documents::Openings;
use embed::{Content, Embedding};
pub use encoding::Order;
use encoding::{SNIFFED, Sniffed, Wide, is_plain, sniff};
pub(crate) use head::Place;
use look::Miss;
use names::Meaning;
use notation::{CONTEXT_RULE, NAME_RULE};
pub use provider::Provider;
pub use rules::{Finding, Grade, Masked, Rules, RulesError};
use scanner::{Ahead, Found, Hit, Scanner};
use skip::{Skip, Skipped};
pub use syntax::{Scan, Syntax};
use tree::{Tree, Trees};
use window::Window;
pub(crate) use window::hex;

/// What stands in place of a secret, unless the operator chose something else.
pub const PLACEHOLDER: &str = "***REDACTED***";

/// The bytes before the undecided ones that a body remembers.
pub const HISTORY: usize = 512;

/// No more bytes than these are held back: the longest header of a JWT that is waited for, each
/// character written with eight backslashes.
pub const MAX_HELD: usize = 8 * 1024;

/// How far behind a quote it is told what its string begins with.
const DOCUMENT_REACH: usize = 64;

/// Of a long chunk so many bytes are copied behind what was kept of the one before. Invariant: at
/// least [`HISTORY`] and [`MAX_HELD`] together.
const JOINT: usize = 16 * 1024;

/// One body on its way: bytes go in, the same bytes come out with every secret value replaced.
#[derive(Clone, Debug)]
pub struct Masker {
    rules: Rc<Rules>,
    syntax: Syntax,
    letters: Letters,
    /// Whether the headers say that it is in UTF-16.
    is_declared_wide: bool,
    /// The end of what was pushed: bytes to look back at, then bytes that are held back.
    tail: Vec<u8>,
    progress: Progress,
    /// Bytes before those of the tail.
    forgotten: u64,
    masked: Masked,
}

/// How the letters of a body are written.
#[derive(Clone, Debug)]
enum Letters {
    /// Nobody knows yet: these bytes are too few.
    Unknown(Vec<u8>),
    Narrow,
    Wide(Wide),
    /// They cannot be looked into.
    Opaque,
}

/// How far a window was worked off.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// Everything before is in the view or left out of it.
    decided: usize,
    /// Where to look for the next secret: never behind `decided`.
    resume: usize,
    /// The secret that is being left out.
    skip: Option<Skip>,
    /// Which strings before began as documents.
    openings: Openings,
    /// Objects and arrays under names of secrets that go on.
    trees: Trees,
}

impl Masker {
    /// A masker for a body that is written in `syntax`.
    pub fn new(rules: Rc<Rules>, syntax: Syntax) -> Self {
        let (tail, progress) = (Vec::new(), Progress::default());
        let letters = match syntax {
            Syntax::Opaque => Letters::Opaque,
            _ => Letters::Unknown(Vec::new()),
        };
        let is_declared_wide = syntax == Syntax::Utf16;
        let syntax = syntax.narrow();
        Self {
            rules,
            syntax,
            letters,
            is_declared_wide,
            tail,
            progress,
            forgotten: 0,
            masked: Masked::default(),
        }
    }

    /// The next bytes. What is decided by now goes to `view`, in order; up to [`MAX_HELD`] bytes
    /// are held back until more is known.
    pub fn push(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8])) {
        if !matches!(self.letters, Letters::Narrow) {
            return self.push_otherwise(chunk, view);
        }
        self.push_narrow(chunk, view);
    }

    /// Bytes of which it is not known yet how they are written, or which are not written as the masker
    /// reads them.
    fn push_otherwise(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8])) {
        match &mut self.letters {
            Letters::Unknown(first) => {
                let missing = SNIFFED.saturating_sub(first.len()).min(chunk.len());
                let (head, rest) = chunk.split_at_checked(missing).unwrap_or((chunk, &[]));
                first.extend_from_slice(head);
                if first.len() >= SNIFFED || is_plain(first) {
                    self.begin(view);
                    self.push(rest, view);
                }
            }
            Letters::Wide(wide) => {
                let narrow = wide.narrow(chunk);
                self.pass_wide(view, |masker, view| masker.push_narrow(&narrow, view));
            }
            Letters::Opaque if chunk.is_empty() => {}
            Letters::Opaque => view(chunk),
            Letters::Narrow => {}
        }
    }

    /// As many bytes are there as tell how they are written.
    fn begin(&mut self, view: &mut dyn FnMut(&[u8])) {
        let Letters::Unknown(first) = &mut self.letters else { return };
        let first = std::mem::take(first);
        self.letters = match sniff(&first, self.is_declared_wide, self.syntax == Syntax::Json) {
            Sniffed::Narrow => Letters::Narrow,
            Sniffed::Wide(order) => {
                self.masked.widen();
                Letters::Wide(Wide::new(order))
            }
            Sniffed::Opaque => Letters::Opaque,
        };
        self.push(&first, view);
    }

    /// What the masker lets through by `work` goes to `view` as it is written in the body.
    fn pass_wide(
        &mut self,
        view: &mut dyn FnMut(&[u8]),
        work: impl FnOnce(&mut Self, &mut dyn FnMut(&[u8])),
    ) {
        let Letters::Wide(mut wide) = std::mem::replace(&mut self.letters, Letters::Narrow) else {
            return;
        };
        work(self, &mut |bytes| wide.widen(bytes, view));
        self.letters = Letters::Wide(wide);
    }

    /// How far the body is looked into.
    pub fn scan(&self) -> Scan {
        match self.letters {
            Letters::Opaque => Scan::Opaque,
            // Whoever reads it as JSON sees none.
            Letters::Wide(_) => Scan::Text,
            _ => self.syntax.scan(),
        }
    }

    fn push_narrow(&mut self, chunk: &[u8], view: &mut dyn FnMut(&[u8])) {
        match chunk.split_at_checked(JOINT) {
            Some((head, rest)) if rest.len() >= JOINT => {
                self.join(head, false, view);
                match JOINT.checked_sub(self.tail.len()).and_then(|start| chunk.get(start..)) {
                    // All that is kept lies within the chunk, which need not be copied then.
                    Some(bytes) => self.work_off(bytes, false, view),
                    None => self.join(rest, false, view),
                }
            }
            _ => self.join(chunk, false, view),
        }
    }

    /// No more bytes follow; what was held back goes to `view`. A second call does nothing.
    pub fn finish(&mut self, view: &mut dyn FnMut(&[u8])) {
        self.begin(view);
        match &mut self.letters {
            Letters::Narrow => self.finish_narrow(view),
            Letters::Wide(wide) => {
                let half = wide.end();
                self.pass_wide(view, Self::finish_narrow);
                if let Some(byte) = half {
                    view(&[byte]);
                }
            }
            _ => {}
        }
    }

    fn finish_narrow(&mut self, view: &mut dyn FnMut(&[u8])) {
        self.join(&[], true, view);
        self.tail.clear();
        self.progress = Progress::default();
    }

    /// How many of the bytes pushed so far are neither in the view nor replaced yet. They are the
    /// last ones pushed, and bytes that were replaced are not among them.
    pub fn held(&self) -> usize {
        let held = self.tail.get(self.progress.decided..).unwrap_or_default();
        match &self.letters {
            Letters::Unknown(first) => first.len(),
            Letters::Wide(wide) => wide.held(held),
            _ => held.len(),
        }
    }

    /// Which byte of a letter comes first, if the body is in UTF-16.
    pub fn order(&self) -> Option<Order> {
        match &self.letters {
            Letters::Wide(wide) => Some(wide.order()),
            _ => None,
        }
    }

    /// Remembers each replacement, for whoever wants to know why: see [`Masked::findings`].
    pub fn explaining(mut self) -> Self {
        self.masked.explained = Some(Box::default());
        self
    }

    /// What was replaced so far.
    pub fn masked(&self) -> &Masked {
        &self.masked
    }

    /// Works off `piece` behind what was kept.
    fn join(&mut self, piece: &[u8], is_last: bool, view: &mut dyn FnMut(&[u8])) {
        let rules = Rc::clone(&self.rules);
        let mut bytes = rules.scratch.take();
        bytes.clear();
        bytes.extend_from_slice(&self.tail);
        bytes.extend_from_slice(piece);
        self.work_off(&bytes, is_last, view);
        rules.scratch.replace(bytes);
    }

    /// Works off `bytes`, which begin with what was kept.
    fn work_off(&mut self, bytes: &[u8], is_last: bool, view: &mut dyn FnMut(&[u8])) {
        let scanner = Scanner {
            rules: &self.rules,
            syntax: &self.syntax,
            is_own_text: false,
            is_decoded: false,
        };
        let masked = &mut self.masked;
        let mut pass = Pass { scanner, bytes, before: self.forgotten, masked, view, home: None };
        let window = Window { bytes, is_last };
        pass.run(window, &mut self.progress);
        let (decided, rules) = (self.progress.decided, &self.rules);
        self.progress.trees.next(window, decided, &rules.names, rules.least);
        let seen = self.progress.decided.min(self.progress.resume);
        self.progress.openings.at(bytes, seen.saturating_sub(DOCUMENT_REACH));
        let kept = self.progress.forget(HISTORY);
        let dropped = self.masked.width(bytes.get(..kept).unwrap_or_default());
        self.forgotten = self.forgotten.saturating_add(dropped);
        self.tail.clear();
        self.tail.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    }
}

impl Progress {
    /// Drops all but `history` bytes before those that are not decided, and says how many.
    fn forget(&mut self, history: usize) -> usize {
        let dropped = self.decided.saturating_sub(history);
        self.decided = self.decided.saturating_sub(dropped);
        self.resume = self.resume.saturating_sub(dropped);
        self.openings.forget(dropped);
        self.trees.forget(dropped);
        dropped
    }
}

/// What the name of a member settles.
const BY_NAME: (&str, Grade) = (NAME_RULE, Grade::Certain);

/// One pass over a window.
struct Pass<'r, 'p> {
    scanner: Scanner<'r>,
    /// The window, and bytes before it.
    bytes: &'p [u8],
    before: u64,
    masked: &'p mut Masked,
    view: &'p mut dyn FnMut(&[u8]),
    /// The host that is called, if credentials of its provider stay.
    home: Option<&'p str>,
}

impl Pass<'_, '_> {
    /// Works off what can be decided by now.
    fn run(&mut self, window: Window<'_>, progress: &mut Progress) {
        let mut ahead = Ahead::new(progress.openings);
        loop {
            while let Some(skip) = progress.skip.take() {
                if !self.leave_out(window, progress, skip) {
                    return;
                }
            }
            match ahead.scan(self.scanner, window, progress.resume, &mut progress.trees) {
                Found::Hit(hit) if self.is_at_home(&hit) => self.spare(window, progress, hit),
                Found::Hit(hit) => self.begin(window, progress, hit),
                Found::Pending { resume, hold } => {
                    self.keep(window, progress, hold);
                    progress.resume = resume;
                    return;
                }
                Found::Nothing => return self.keep(window, progress, window.bytes.len()),
            }
        }
    }

    fn is_at_home(&self, hit: &Hit<'_>) -> bool {
        self.home.is_some_and(|home| hit.provider.is_some_and(|provider| provider.owns(home)))
    }

    /// The whole of a credential stays.
    fn spare(&mut self, window: Window<'_>, progress: &mut Progress, mut hit: Hit<'_>) {
        let (Skipped::Done(end) | Skipped::More(end)) = hit.skip.run(window, hit.known);
        self.keep(window, progress, end.max(hit.known));
    }

    /// What lies between the decided bytes and `end` stays as it is.
    fn keep(&mut self, window: Window<'_>, progress: &mut Progress, end: usize) {
        let kept = window.bytes.get(progress.decided..end).unwrap_or_default();
        if !kept.is_empty() {
            self.masked.pass(kept);
            (self.view)(kept);
        }
        progress.decided = progress.decided.max(end);
        progress.resume = progress.decided;
    }

    fn begin(&mut self, window: Window<'_>, progress: &mut Progress, hit: Hit<'_>) {
        self.keep(window, progress, hit.start);
        if let Skip::Tree(tree) = hit.skip {
            return progress.trees.begin(*tree);
        }
        match &hit.skip {
            Skip::Gap { .. } | Skip::Opened(_) | Skip::Cookies(_) => {}
            Skip::Number(json) => {
                self.replace(progress, (hit.rule, hit.grade), hit.provider, &json.quote());
            }
            _ => self.replace(progress, (hit.rule, hit.grade), hit.provider, b""),
        }
        progress.decided = hit.known;
        progress.skip = Some(hit.skip);
    }

    fn replace(
        &mut self,
        progress: &Progress,
        (rule, grade): (&str, Grade),
        provider: Option<&'static Provider>,
        quote: &[u8],
    ) {
        self.masked.add(rule, provider);
        let placeholder = self.scanner.rules.placeholder();
        let passed = self.bytes.get(..progress.decided).unwrap_or_default();
        let at = self.before.saturating_add(self.masked.width(passed));
        self.masked.pass(quote);
        self.masked.explain(rule, grade, at);
        self.masked.pass(placeholder.as_bytes());
        self.masked.pass(quote);
        match quote {
            [] => (self.view)(placeholder.as_bytes()),
            quote => (self.view)(&[quote, placeholder.as_bytes(), quote].concat()),
        }
    }

    /// Leaves out what belongs to a secret; false if it may go on behind the window.
    fn leave_out(&mut self, window: Window<'_>, progress: &mut Progress, mut skip: Skip) -> bool {
        let is_done = match &mut skip {
            Skip::Cookies(cookies) => self.cookies(window, progress, cookies),
            Skip::Opened(json) => {
                let json = *json;
                return self.open(window, progress, json);
            }
            Skip::Gap { json, is_behind_colon, meaning } => {
                let gap = Gap { json: *json, is_behind_colon: *is_behind_colon, meaning: *meaning };
                return self.cross(window, progress, gap);
            }
            skip => {
                let skipped = skip.run(window, progress.decided);
                let (Skipped::Done(end) | Skipped::More(end)) = skipped;
                progress.decided = end;
                matches!(skipped, Skipped::Done(_))
            }
        };
        progress.resume = progress.decided;
        if !is_done {
            progress.skip = Some(skip);
        }
        is_done
    }

    /// Goes on through the white space before a member's value, and begins that.
    fn cross(&mut self, window: Window<'_>, progress: &mut Progress, mut gap: Gap) -> bool {
        loop {
            let at = progress.decided;
            let glyph = match window.glyph(at) {
                Ok(glyph) => glyph,
                Err(Miss::Absent) => return true,
                Err(Miss::Unknown) => {
                    progress.resume = at;
                    progress.skip = Some(gap.into_skip());
                    return false;
                }
            };
            match glyph.byte {
                b':' if !gap.is_behind_colon => gap.is_behind_colon = true,
                b'"' if gap.is_behind_colon && glyph.depth == gap.json => {
                    self.keep(window, progress, glyph.next);
                    return self.open(window, progress, gap.json);
                }
                b'{' | b'[' if gap.is_behind_colon => {
                    progress.trees.begin(Tree::new(gap.json, at, gap.meaning));
                    return true;
                }
                b'-' | b'0'..=b'9' if gap.is_behind_colon && gap.meaning.takes_any_number() => {
                    self.replace(progress, BY_NAME, None, &gap.json.quote());
                    progress.skip = Some(Skip::Number(gap.json));
                    return true;
                }
                _ if glyph.is_space() => {}
                _ => return true,
            }
            self.keep(window, progress, glyph.next);
        }
    }

    /// The content of a string that is secret begins, unless it is empty.
    fn open(&mut self, window: Window<'_>, progress: &mut Progress, json: Embedding) -> bool {
        let at = progress.decided;
        match json.content(window, at) {
            Content::Closed(end) if end == at => true,
            Content::Open(end) if end == at => {
                progress.skip = Some(Skip::Opened(json));
                false
            }
            _ => {
                self.replace(progress, BY_NAME, None, b"");
                progress.skip = Some(Skip::String(json));
                true
            }
        }
    }

    /// Goes on through the cookies of a line.
    fn cookies(
        &mut self,
        window: Window<'_>,
        progress: &mut Progress,
        cookies: &mut Cookies,
    ) -> bool {
        loop {
            match cookies.step(window, progress.decided, &self.scanner.rules.names) {
                Walk::Keep(end) => self.keep(window, progress, end),
                Walk::Drop(end) => progress.decided = end,
                Walk::Replace => {
                    self.replace(progress, (CONTEXT_RULE, Grade::Likely), None, b"");
                }
                Walk::More => return false,
                Walk::Done => return true,
            }
        }
    }
}

/// Before the value of a member.
struct Gap {
    json: Embedding,
    is_behind_colon: bool,
    meaning: Meaning,
}

impl Gap {
    fn into_skip(self) -> Skip {
        let Self { json, is_behind_colon, meaning } = self;
        Skip::Gap { json, is_behind_colon, meaning }
    }
}

/// The view of a text in one piece.
fn view_of<'t>(rules: &Rules, text: &'t str) -> Cow<'t, str> {
    let window = Window { bytes: text.as_bytes(), is_last: true };
    let scanner = Scanner { rules, syntax: &Syntax::Text, is_own_text: true, is_decoded: false };
    if matches!(scanner.scan(window, 0), Found::Nothing) {
        return Cow::Borrowed(text);
    }
    let mut masked = Vec::with_capacity(text.len());
    let mut view = |bytes: &[u8]| masked.extend_from_slice(bytes);
    let counts = &mut Masked::default();
    let mut pass = Pass {
        scanner,
        bytes: window.bytes,
        before: 0,
        masked: counts,
        view: &mut view,
        home: None,
    };
    pass.run(window, &mut Progress::default());
    Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked_in(chunks: &[&[u8]], syntax: Syntax, rules: &Rc<Rules>) -> (String, Masked) {
        let mut masker = Masker::new(Rc::clone(rules), syntax);
        let mut out = Vec::new();
        for chunk in chunks {
            masker.push(chunk, &mut |bytes| out.extend_from_slice(bytes));
            assert!(masker.held() <= MAX_HELD, "{} bytes held", masker.held());
        }
        masker.finish(&mut |bytes| out.extend_from_slice(bytes));
        (String::from_utf8_lossy(&out).into_owned(), masker.masked().clone())
    }

    /// The view of `text`, the same for every split in two and for single bytes.
    fn masked(text: &str, syntax: &Syntax) -> String {
        let rules = Rc::new(Rules::default());
        let bytes = text.as_bytes();
        let (whole, counts) = masked_in(&[bytes], syntax.clone(), &rules);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        let splits = (0..=bytes.len()).map(|at| <[_; 2]>::from(bytes.split_at(at)).to_vec());
        for chunks in splits.chain([singles]) {
            let split = masked_in(&chunks, syntax.clone(), &rules);
            assert_eq!(split.0, whole, "cut at {}", chunks[0].len());
            assert_eq!(split.1, counts);
        }
        whole
    }

    /// Each `<…>` of `template` filled with `secret`, and the view that is wanted.
    fn check(template: &str, secret: &str, syntax: &Syntax) {
        let text = template.replace("<>", secret);
        assert_eq!(masked(&text, syntax), template.replace("<>", PLACEHOLDER), "{template}");
    }

    /// A find that has to wait for another kind of rule, and a name that lies in a secret.
    #[test]
    fn what_is_found_beside_something_else_does_not_depend_on_the_chunks() {
        for (text, wanted) in [
            (
                r#"{"arguments":"{\"password\":\n0","b":1}"#,
                r#"{"arguments":"{\"password\":\n\"***REDACTED***\"","b":1}"#,
            ),
            (
                r#"{"arguments":"{\"password\":\t12345}","b":1}"#,
                r#"{"arguments":"{\"password\":\t\"***REDACTED***\"}","b":1}"#,
            ),
        ] {
            assert_eq!(masked(text, &Syntax::Json), wanted);
        }
        for name in ["cookie", "password", "token"] {
            let text = format!("Basic cGFzc3dvcmQ6IGh1bnRlcjI={name} :cGFzc3dvcmQ6IGh1bnRlcjI=");
            let wanted = "Basic ***REDACTED*** :***REDACTED***";
            assert_eq!(masked(&text, &Syntax::Text), wanted, "{name}");
        }
    }

    fn token() -> String {
        format!("sk-{}-{}", "proj", "Ab3_".repeat(12))
    }

    #[test]
    fn a_token_is_found_between_any_neighbours() {
        for template in [
            "<>",
            "key=<>&a=b",
            "(<>)",
            "\"<>\"",
            "'<>'",
            "a <>, b",
            "<>}",
            "<>.",
            "<>;",
            "<>\n",
            r#"{"a":"<>"}"#,
            r#"{"a":"{\"b\":\"<>\"}"}"#,
            r#"{"a":"x\n<>\nmy"}"#,
            r#"{"a":"\u0022<>\u0022"}"#,
            "q%3D<>%26a",
            "q%253D<>%2526",
            "%22<>%22",
            "a/<>/b",
            "data: {\"delta\":\"<>\"}\n\n",
            "[\"<>\",\"<>\"]",
            "{\"<>\":1}",
            "x:<>",
            "x_<>",
            " <> ",
        ] {
            check(template, &token(), &Syntax::Json);
            check(template, &format!("ghp_{}", "aB3".repeat(12)), &Syntax::Json);
        }
    }

    #[test]
    fn a_long_run_of_base64_is_a_token_only_with_a_header_of_one() {
        let long = "aB3_".repeat(150);
        for (begun, is_token) in [
            ("eyJhbGciOi", true),
            ("eyJ0eXAiOi", true),
            ("eyJ4NWMiOl", true),
            ("eyJ0eXBlIj", false),
            ("eyJtb2RlbC", false),
        ] {
            let text = format!(r#"{{"bytes":"{begun}{long}"}}"#);
            let view = masked(&text, &Syntax::Json);
            assert_eq!(view != text, is_token, "{begun}");
        }
    }

    #[test]
    fn a_word_behind_an_escape_is_found_at_every_cut() {
        for template in [r"=<>\\n<> ", "Bearer%20<>", r"Bearer\u0020<>", "a+Basic+<>"] {
            check(template, &format!("ghp_{}", "aB3".repeat(10)), &Syntax::Text);
        }
    }

    #[test]
    fn a_value_goes_with_its_name_at_every_level() {
        for template in [
            r#"{"password":"<>","a":1}"#,
            r#"{"Api-Key" : "<>"}"#,
            r#"{"a":"{\"apiKey\": \"<>\"}"}"#,
            r#"{"a":"{\"b\":\"{\\\"apiKey\\\":\\\"<>\\\"}\"}"}"#,
            r#"payload=%7B%22password%22%3A%22<>%22%7D&b=1"#,
            r#"{"token":"<>"}"#,
            "{\n  \"client_secret\":\n \"<>\"\n}",
        ] {
            check(template, "hunter2", &Syntax::Json);
            check(template, "two words, é and {braces}", &Syntax::Json);
        }
        check(r#"{"password":"<>"}"#, r#"a\"b\\"#, &Syntax::Json);
        check(r#"{"password":"<>"}"#, "a%22b", &Syntax::Json);
    }

    #[test]
    fn values_of_any_type_go() {
        let quoted = format!("\"{PLACEHOLDER}\"");
        for (text, view) in [
            (r#"{"password":-12.5e3,"a":1}"#, r#"{"password":Q,"a":1}"#),
            (
                r#"{"secrets":["a",{"b":"c","n":[7]}],"a":"b"}"#,
                r#"{"secrets":[Q,{"b":"c","n":[7]}],"a":"b"}"#,
            ),
            (
                r#"{"password":null,"secret":true,"pwd":""}"#,
                r#"{"password":null,"secret":true,"pwd":""}"#,
            ),
            (
                r#"{"password":{"type":"string","minLength":8,"default":"hunter2x9"},"a":"b"}"#,
                r#"{"password":{"type":"string","minLength":8,"default":Q},"a":"b"}"#,
            ),
            (
                r#"{"secrets":{"db":"hunter2x9Q","n":7,"api":{"password":"p","pin":"x"}},"a":"b"}"#,
                r#"{"secrets":{"db":Q,"n":7,"api":{"password":Q,"pin":"x"}},"a":"b"}"#,
            ),
            (
                r#"{"token":5,"cookies":3,"api_key":482913}"#,
                r#"{"token":5,"cookies":3,"api_key":Q}"#,
            ),
            (r#"{"token":" the","logprob":-0.1}"#, r#"{"token":" the","logprob":-0.1}"#),
            (r#"{"max_tokens":100,"session":"x"}"#, r#"{"max_tokens":100,"session":"x"}"#),
        ] {
            assert_eq!(masked(text, &Syntax::Json), view.replace('Q', &quoted), "{text}");
        }
        // A key that never ends is the end of the object, in one piece or in many.
        let broken = "\"credentials\":{\"a\"t\"x\\\":\\\"b c\n";
        assert_eq!(masked(broken, &Syntax::Json), broken);
        let nested = r#"{"a":"{\"pin\":1,\"password\":5}"}"#;
        let view = nested.replace('5', &format!("\\\"{PLACEHOLDER}\\\""));
        assert_eq!(masked(nested, &Syntax::Json), view);
    }

    #[test]
    fn forms_and_queries_lose_their_secrets() {
        for template in ["password=<>&a=b", "a=b&client_secret=<>", "a=b&card[number]=<>&c=d"] {
            check(template, "hun%26ter2", &Syntax::Form);
        }
        for template in [
            "GET https://h.example/a?sig=<>&b=c x",
            r#"{"url":"https://h.example/?a=b\u0026X-Amz-Signature=<>"}"#,
            "url=https%3A%2F%2Fh.example%2F%3Fsig%3D<>%26b",
            "<a href='https://h.example/?a=b&amp;key=<>'>",
            "export API_KEY=<>\n",
            r#"{"env":"A=1\nAPI_KEY=<>\nB=2"}"#,
        ] {
            check(template, "0f1e2d3c4b5a6978", &Syntax::Text);
        }
        assert_eq!(masked("a=1&key=&b=2", &Syntax::Form), "a=1&key=&b=2");
        let directory = "cd; OLDPWD=/home/somebody PWD=/home/somebody/else";
        assert_eq!(masked(directory, &Syntax::Text), directory);
    }

    #[test]
    fn urls_lose_their_users_and_their_tokens() {
        for template in ["postgres://<>@db.example/x", r#"{"u":"https:\/\/<>@h.example\/"}"#] {
            check(template, "user:pa.ss", &Syntax::Text);
        }
        check("u=https%3A%2F%2F<>%40h.example", "user%3Apa.ss", &Syntax::Text);
        let text = "ssh://git@h.example/x http://h.example/a@b:c";
        assert_eq!(masked(text, &Syntax::Text), text);
        check(
            "https://hooks.slack.com/services/<>",
            "T00000000/B00000000/abcdefghijklmnopqrstuvwx",
            &Syntax::Text,
        );
        check(
            "https://api.telegram.org/bot<>/sendMessage",
            "123456789:AAabcdefghijklmnopqrstuvwxyz012345678",
            &Syntax::Text,
        );
        check("my bot 123456789:<> is", "AAabcdefghijklmnopqrstuvwxyz012345678", &Syntax::Text);
    }

    #[test]
    fn private_keys_lose_what_is_between_their_lines() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj/+ab".repeat(3);
        for line_break in ["\n", "\r\n", "\\n", "\\\\n", "%0A"] {
            let text = format!(
                "-----BEGIN RSA PRIVATE KEY-----{line_break}{body}{line_break}-----END RSA PRIVATE KEY----- x"
            );
            let view = masked(&text, &Syntax::Text);
            assert!(
                !view.contains("MII") && view.ends_with("-----END RSA PRIVATE KEY----- x"),
                "{view}"
            );
        }
        for behind in [
            "\nPlease use internationalization here.\nThen deploy it.",
            "\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7x bob@laptop\n",
            "\r\n--XyZ\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-internationalization-1",
        ] {
            for end in ["\n-----END PRIVATE KEY-----", "", "\n..."] {
                let text = format!("-----BEGIN PRIVATE KEY-----\n{body}{end}{behind}");
                let view = masked(&text, &Syntax::Text);
                assert!(view.ends_with(behind) && !view.contains("MII"), "{view}");
            }
        }
        for mention in [
            "# expects -----BEGIN PRIVATE KEY-----\nif not key.startswith(marker):\n    raise ConfigurationErrorException(msg)\n",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\nPlease implement internationalization\n",
            "The line -----END PRIVATE KEY----- closes it; see internationalization",
            r#"{"a":"-----BEGIN PRIVATE KEY-----","b":"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"}"#,
        ] {
            assert_eq!(masked(mention, &Syntax::Text), mention);
        }
        for prefix in ["> ", "    12\t", "key.pem:3:", " * ", "// ", "-"] {
            let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
            let text = [
                "-----BEGIN PRIVATE KEY-----",
                line,
                line,
                "MzEfYyjiWA4R",
                "-----END PRIVATE KEY-----",
                "next: x",
            ];
            let text = text.map(|line| format!("{prefix}{line}")).join("\n");
            let view = masked(&text, &Syntax::Text);
            assert!(!view.contains("MII") && !view.contains("MzE"), "{view}");
            assert!(view.ends_with(&format!("{prefix}next: x")), "{view}");
        }
        let public = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
        assert_eq!(masked(&public, &Syntax::Text), public);
    }

    #[test]
    fn a_part_with_a_secrets_name_is_left_out() {
        let syntax = Syntax::Multipart((*b"XyZ").into());
        let template = "--XyZ\r\nContent-Disposition: form-data; name=\"api_key\"\r\nX: y\r\n\r\n<>\r\n--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--XyZ--\r\n";
        check(template, "a\r\n--Xy\r\nb", &syntax);
        // A value of no bytes, behind line feeds alone.
        let empty = "form-data; name=\"key\"\r\n\r\n\n--XyZ";
        assert_eq!(masked(empty, &syntax), empty);
    }

    #[test]
    fn own_rules_join_the_built_in_ones() {
        let own = [("customer".to_owned(), r"\bcust-[0-9]{8}\b".to_owned())];
        let rules = Rc::new(Rules::new(PLACEHOLDER, &[], &[], &own).unwrap());
        let text = format!("a cust-12345678 b {} c cust-123456789 d cust-87654321", token());
        let view = format!("a {PLACEHOLDER} b {PLACEHOLDER} c cust-123456789 d {PLACEHOLDER}");
        for size in 1..40 {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let (masked, counts) = masked_in(&chunks, Syntax::Text, &rules);
            assert_eq!((masked.as_str(), counts.counts()["customer"]), (view.as_str(), 2));
        }
    }

    #[test]
    fn what_is_kept_of_a_hostile_body_is_bounded() {
        let letter = r"\\\\\\\\u0041";
        let header =
            format!("-----BEGIN PRIVATE KEY-----{}", format!("X: {}\\n", "y".repeat(90)).repeat(9));
        for text in [
            format!("eyJ{}", letter.repeat(900)),
            format!("https\\u003a\\u002f\\u002f{}", letter.repeat(900)),
            format!("\"token\":\"{}", "%2541".repeat(2_000)),
            header.replace('y', letter),
            "\\".repeat(20_000),
            "%25".repeat(9_000),
            "[".repeat(20_000),
            format!("\"secrets\":{}", "{\"a\":[".repeat(5_000)),
        ] {
            let mut masker = Masker::new(Rc::new(Rules::default()), Syntax::Json);
            for chunk in text.as_bytes().chunks(7) {
                masker.push(chunk, &mut |_| {});
                assert!(masker.held() <= MAX_HELD && masker.tail.len() <= HISTORY + MAX_HELD);
            }
        }
    }

    #[test]
    fn a_long_chunk_is_worked_off_like_short_ones() {
        let text = format!("{} {} ", "some words ".repeat(3_000), token()).repeat(5);
        let rules = Rc::new(Rules::default());
        let whole = masked_in(&[text.as_bytes()], Syntax::Text, &rules);
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(1000).collect();
        assert_eq!(masked_in(&chunks, Syntax::Text, &rules), whole);
        assert_eq!(whole.1.counts()["openai-api-key"], 5);
    }

    #[test]
    fn a_second_pass_changes_nothing() {
        let text =
            format!(r#"{{"password":5,"a":"{}","b":"postgres://a:b@h","secrets":["x"]}}"#, token());
        let once = masked(&text, &Syntax::Json);
        assert_eq!(masked(&once, &Syntax::Json), once);
    }

    proptest! {
        #[test]
        fn no_split_changes_the_view(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "\"", "\\", "\\\"", ":", "=", "&", "?", "%", "%22", "%3A", "%25", "password", "token", "api_key",
                "sk-proj-", "abcdefghijklmnop", "0123456789", "AKIA", "eyJ", ".", "-----", "BEGIN PRIVATE KEY",
                " ", "\n", "{", "}", "[", "]", ",", "://", "@", "user:pw", "-", "_", "u0026", "/", "name=\"key\"",
                "form-data; ", "\r\n\r\n", "--XyZ", "1", "é", "Bearer ", "~", "Q~", "123456:AAA", "*",
            ]), 0..40),
            size in 1_usize..9,
            syntax in prop::sample::select(vec![Syntax::Json, Syntax::Form, Syntax::Text, Syntax::Multipart((*b"XyZ").into())]),
        ) {
            let text = pieces.concat();
            let rules = Rc::new(Rules::default());
            let whole = masked_in(&[text.as_bytes()], syntax.clone(), &rules);
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(masked_in(&chunks, syntax, &rules), whole);
        }
    }
}
