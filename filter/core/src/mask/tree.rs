//! The leaves of a JSON object or array that stands under a secret's name.
//!
//! `"secrets":{"smtp":"…"}` must lose what is in it, and `"password":{"type":"string"}`, which describes a
//! parameter of a tool, must stay what it is, or no model could call the tool; so must
//! `"secret":{"secretName":"tls","defaultMode":420}`. So a member of such an object is judged like any other
//! text: by its own name, which the search for names sees to, and by its look. What stands under a word that
//! describes (`type`, `name`, `path`) stays, and so do numbers. An item of an array has no name of its own: it
//! is what the array is called.
//!
//! The walk goes beside the search for everything else, which sees what is in the object too.

use super::{
    embed::{Content, Embedding, Quote},
    look::Miss,
    names::{Family, Meaning, Names},
    notation::is_no_item,
    rules::Grade,
    skip::{Skip, is_number},
    value::{self, Counts, Ends, Probe},
    vocabulary::{SAMPLE_WORDS, SCHEMA_WORDS},
    window::{Step, Window},
};

/// Objects and arrays that are told apart. What lies deeper is all taken for arrays.
const MAX_DEPTH: u32 = 64;
/// Walks at once: of documents in strings of others.
const MAX_TREES: usize = 5;

/// The walks through objects and arrays that are not over.
#[derive(Clone, Debug, Default)]
pub(super) struct Trees(Vec<Tree>);

/// A walk through one object or array.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    embedding: Embedding,
    /// Everything before was looked at.
    at: usize,
    mode: Mode,
    /// Invariant: bit `n` says whether the container at depth `n + 1` is an object.
    objects: u64,
    depth: u32,
    expects_key: bool,
    says: Says,
    /// From this depth on all is described, unless it is 0.
    quiet: u32,
    /// The depth of the array that has the name of a secret, unless it is 0, and what that name means.
    list: u32,
    meaning: Meaning,
    key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Between,
    Key,
    /// Within a string.
    String,
    Number,
    /// Before a secret.
    Found(Leaf),
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    /// It is what a value is like, and none.
    Describes,
    /// It is an example of one.
    Shows,
    /// It is where a value is.
    Refers,
    /// It is secret.
    Secret(Meaning),
}

/// A secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) start: usize,
    pub(super) grade: Grade,
    is_number: bool,
    embedding: Embedding,
}

/// What a walk came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    Leaf(Leaf),
    /// No secret begins before this place; what follows is not known yet.
    Pending(usize),
    Done,
}

/// The beginning of a key.
#[derive(Clone, Copy, Debug)]
struct Key {
    bytes: [u8; 48],
    length: usize,
}

impl Leaf {
    pub(super) fn skip(self) -> Skip {
        match self.is_number {
            true => Skip::Number(self.embedding),
            false => Skip::String(self.embedding),
        }
    }
}

impl Trees {
    /// One more walk; within another one only if it lies in a string of that.
    pub(super) fn begin(&mut self, tree: Tree) {
        let level = self.0.last().map(|last| last.embedding.level);
        if self.0.len() < MAX_TREES && level.is_none_or(|level| tree.embedding.level > level) {
            self.0.push(tree);
        }
    }

    /// The first secret at or behind `from` that is at least so sure.
    #[inline]
    pub(super) fn next(
        &mut self,
        window: Window<'_>,
        from: usize,
        names: &Names,
        least: Grade,
    ) -> Walked {
        let mut first = Walked::Done;
        if self.0.is_empty() {
            return first;
        }
        self.0.retain_mut(|tree| {
            let walked = tree.next(window, from, names, least);
            first = if walked.place() < first.place() { walked } else { first };
            walked != Walked::Done
        });
        first
    }

    /// As many bytes were dropped before those that are left.
    pub(super) fn forget(&mut self, dropped: usize) {
        for tree in &mut self.0 {
            tree.at = tree.at.saturating_sub(dropped);
            if let Mode::Found(leaf) = &mut tree.mode {
                leaf.start = leaf.start.saturating_sub(dropped);
            }
        }
    }
}

impl Walked {
    fn place(self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.start,
            Self::Pending(hold) => hold,
            Self::Done => usize::MAX,
        }
    }
}

impl Tree {
    /// A walk that begins at `at`, at the bracket of an object or an array under a name that means this.
    pub(super) fn new(embedding: Embedding, at: usize, meaning: Meaning) -> Self {
        Self {
            embedding,
            at,
            mode: Mode::Between,
            objects: 0,
            depth: 0,
            expects_key: false,
            says: Says::Secret(meaning),
            quiet: 0,
            list: 0,
            meaning,
            key: Key { bytes: [0; 48], length: 0 },
        }
    }

    fn next(&mut self, window: Window<'_>, from: usize, names: &Names, least: Grade) -> Walked {
        loop {
            match self.mode {
                Mode::Found(leaf) if leaf.start >= from && leaf.grade >= least => {
                    return Walked::Leaf(leaf);
                }
                Mode::Found(leaf) => {
                    self.mode = if leaf.is_number { Mode::Number } else { Mode::String };
                }
                _ => {}
            }
            let step = match self.mode {
                Mode::Between => self.between(window, from, names),
                Mode::Key => self.in_key(window, names),
                Mode::String => self.in_string(window),
                Mode::Number => self.in_number(window),
                Mode::Found(_) => Ok(()),
            };
            if let Err(walked) = step {
                return walked;
            }
        }
    }

    fn between(&mut self, window: Window<'_>, from: usize, names: &Names) -> Result<(), Walked> {
        let (byte, next) = match window.layered(self.at, self.embedding.layers) {
            Step::Char(byte, next) => (byte, next),
            Step::End => return Err(Walked::Done),
            Step::Unknown => return Err(Walked::Pending(self.at)),
        };
        match byte {
            b'"' | b'\\' => return self.open_string(window, from, names),
            b'{' | b'[' => self.push(byte == b'{'),
            b'}' | b']' => {
                self.pop();
                if self.depth == 0 {
                    return Err(Walked::Done);
                }
            }
            b',' if self.is_object() => (self.expects_key, self.says) = (true, Says::Nothing),
            b',' => {}
            b':' => self.expects_key = false,
            b'-' | b'0'..=b'9' => {
                let is_secret = self.is_item() && self.meaning.takes_any_number();
                let leaf = self.leaf(self.at, Grade::Certain, true);
                self.mode = if is_secret { Mode::Found(leaf) } else { Mode::Number };
                return Ok(());
            }
            b'+' | b'%' if self.embedding.layers > 0 => {}
            byte if byte.is_ascii_alphanumeric() || b" \t\r\n.+".contains(&byte) => {}
            _ => return Err(Walked::Done),
        }
        self.at = next;
        Ok(())
    }

    fn leaf(&self, start: usize, grade: Grade, is_number: bool) -> Leaf {
        Leaf { start, grade, is_number, embedding: self.embedding }
    }

    fn push(&mut self, is_object: bool) {
        if self.depth < MAX_DEPTH {
            let bit = 1_u64 << self.depth;
            self.objects = if is_object { self.objects | bit } else { self.objects & !bit };
        }
        self.depth = self.depth.saturating_add(1);
        self.expects_key = self.is_object();
        match self.says {
            Says::Refers if self.quiet == 0 => self.quiet = self.depth,
            Says::Secret(meaning) if !is_object => {
                (self.list, self.meaning) = (self.depth, meaning)
            }
            _ => {}
        }
        // The items of an array are what its key says.
        if is_object || self.says == Says::Refers {
            self.says = Says::Nothing;
        }
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.expects_key = false;
        self.says = Says::Nothing;
        if self.depth < self.quiet {
            self.quiet = 0;
        }
        if self.depth < self.list {
            self.list = u32::from(self.objects & 1 == 0);
        }
    }

    fn is_object(&self) -> bool {
        match self.depth.checked_sub(1) {
            Some(bit) if bit < MAX_DEPTH => self.objects >> bit & 1 == 1,
            _ => false,
        }
    }

    /// Whether only arrays stand between a value here and a secret's name.
    fn is_item(&self) -> bool {
        let Some(outer) = self.list.checked_sub(1).filter(|outer| *outer < MAX_DEPTH) else {
            return false;
        };
        let below = self.depth.min(MAX_DEPTH).saturating_sub(outer);
        let mask = 1_u64.checked_shl(below).map_or(u64::MAX, |bit| bit.saturating_sub(1));
        self.quiet == 0 && self.objects >> outer & mask == 0
    }

    fn open_string(
        &mut self,
        window: Window<'_>,
        from: usize,
        names: &Names,
    ) -> Result<(), Walked> {
        match self.embedding.quote_at(window, self.at) {
            Quote::At { level, start, end }
                if level == self.embedding.level && start == self.at =>
            {
                if self.expects_key {
                    (self.at, self.key.length, self.mode) = (end, 0, Mode::Key);
                    return Ok(());
                }
                self.mode = match self.judge(window, end, from, names)? {
                    Some(grade) => Mode::Found(self.leaf(end, grade, false)),
                    None => Mode::String,
                };
                self.at = end;
                Ok(())
            }
            Quote::Unknown => Err(Walked::Pending(self.at)),
            _ => Err(Walked::Done),
        }
    }

    /// How sure it is that the string at `start` is secret, if it is.
    fn judge(
        &self,
        window: Window<'_>,
        start: usize,
        from: usize,
        names: &Names,
    ) -> Result<Option<Grade>, Walked> {
        let is_item = self.is_item();
        let is_said = matches!(self.says, Says::Describes | Says::Refers | Says::Secret(_));
        if start < from || self.quiet > 0 || is_said && !is_item {
            return Ok(None);
        }
        let Embedding { level, layers } = self.embedding;
        let probe = match Probe::read(window, start, Ends::Quote { byte: b'"', level, layers }) {
            Ok(probe) => probe,
            Err(Miss::Absent) => return Ok(None),
            Err(Miss::Unknown) => return Err(Walked::Pending(start)),
        };
        let text = probe.text();
        let is_secret = match is_item {
            true => {
                let is_part = probe.is_long || probe.ended_by == Some(b'\n');
                is_part || !text.is_empty() && !is_no_item(text, self.meaning, names)
            }
            false => self.looks_secret(&probe, names),
        };
        let grade = if self.says == Says::Shows { Grade::Likely } else { Grade::Certain };
        Ok(is_secret.then_some(grade))
    }

    fn looks_secret(&self, probe: &Probe, names: &Names) -> bool {
        let text = probe.text();
        let counts = Counts::of(text);
        if probe.is_long {
            return counts.spaces == 0
                && counts.is_random(24)
                && !value::is_harmless(text, &counts, b"", names);
        }
        let may_have_spaces =
            matches!(self.meaning.family, Family::Password | Family::Secret | Family::Key);
        let is_random = match self.meaning.family {
            Family::BareToken => counts.is_random(12),
            _ if counts.spaces > 0 => may_have_spaces && !value::is_sentence(text, &counts),
            _ => counts.is_mixed(6) || counts.is_random(12),
        };
        is_random
            && !value::is_slug(text)
            && !value::is_dotted(text)
            && !is_address(text)
            && !value::is_no_text(text)
            && !value::is_harmless(text, &counts, self.key.text(), names)
    }

    fn in_key(&mut self, window: Window<'_>, names: &Names) -> Result<(), Walked> {
        let end = self.string_end(window)?;
        self.key.push(window.bytes.get(self.at..end).unwrap_or_default());
        if end > self.at {
            self.at = end;
            return Ok(());
        }
        self.says = self.key.says(names);
        self.close(window)
    }

    fn in_string(&mut self, window: Window<'_>) -> Result<(), Walked> {
        let end = self.string_end(window)?;
        if end > self.at {
            self.at = end;
            return Ok(());
        }
        self.close(window)
    }

    /// Up to where the string is known to go on: here, if it ends here.
    fn string_end(&self, window: Window<'_>) -> Result<usize, Walked> {
        match self.embedding.content(window, self.at) {
            Content::Open(end) if end == self.at => Err(Walked::Pending(end)),
            Content::Open(end) | Content::Closed(end) => Ok(end),
        }
    }

    fn in_number(&mut self, window: Window<'_>) -> Result<(), Walked> {
        match window.layered(self.at, self.embedding.layers) {
            Step::Char(byte, next) if is_number(byte) => self.at = next,
            Step::Unknown => return Err(Walked::Pending(self.at)),
            _ => self.mode = Mode::Between,
        }
        Ok(())
    }

    /// Behind the quote that closes a string.
    fn close(&mut self, window: Window<'_>) -> Result<(), Walked> {
        match self.embedding.quote_at(window, self.at) {
            Quote::At { level, start, end }
                if level == self.embedding.level && start == self.at =>
            {
                (self.at, self.mode) = (end, Mode::Between);
                Ok(())
            }
            Quote::Unknown => Err(Walked::Pending(self.at)),
            _ => Err(Walked::Done),
        }
    }
}

impl Key {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
            }
            self.length = self.length.saturating_add(1);
        }
    }

    /// All of it, unless it is longer than any that is known.
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn says(&self, names: &Names) -> Says {
        let key = self.text();
        let is_one_of =
            |words: &str| words.split_ascii_whitespace().any(|word| word.as_bytes() == key);
        let is_extension = [&b"x-"[..], b"ui:", b"$"].iter().any(|sign| key.starts_with(sign));
        let refers = [&b"Ref"[..], b"From", b"_ref", b"_from", b"Reference"];
        if let Some(meaning) = names.meaning(key, false).filter(|meaning| meaning.is_settled()) {
            return Says::Secret(meaning);
        }
        match () {
            () if is_one_of(SAMPLE_WORDS) => Says::Shows,
            () if refers.iter().any(|end| key.ends_with(end)) => Says::Refers,
            () if is_extension || is_one_of(SCHEMA_WORDS) || names.describes(key) => {
                Says::Describes
            }
            () => Says::Nothing,
        }
    }
}

/// `somebody@host.example`.
fn is_address(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'@');
    let is_word = |part: &[u8]| {
        !part.is_empty()
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(byte))
    };
    let (user, host) = (parts.next(), parts.next());
    user.is_some_and(is_word)
        && host.is_some_and(|host| is_word(host) && host.contains(&b'.'))
        && parts.next().is_none()
}
