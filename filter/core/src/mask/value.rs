//! The beginning of a value, and whether it looks like a secret.
//!
//! `password = "hunter2"` is one, `password = "changeme"`, `password = get_password(user)` and
//! `password: str` are none. At most [`MAX_PROBE`] characters are read, once; from counts of them follows
//! whether they are *random* (changes between letters, digits and capitals, pairs of letters that no
//! language has), *mixed* (a digit or signs among letters), or what is never a secret: a placeholder, a
//! path, a version, code. The numbers were measured on public source code and on the examples of public
//! detectors: each of them costs finds or false finds when it is changed.

use super::{
    glyph::Glyph,
    look::{Look, Miss},
    names::Names,
    window::Window,
};

/// The most characters that are read.
pub(super) const MAX_PROBE: usize = 128;

/// Where a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// At this quote, which lies so deep, or at the end of the line.
    Quote { byte: u8, level: u32, layers: u8 },
    /// At white space, a quote or `<`; and at these.
    Bare(&'static [u8]),
}

/// The plain bytes that end a value, as a bit set.
struct Stops([u64; 4]);

impl Stops {
    fn add(&mut self, byte: u8) {
        if let Some(bits) = self.0.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|bits| bits >> (byte & 63) & 1 == 1)
    }
}

impl Ends {
    fn stops(self) -> Stops {
        let mut stops = Stops([0; 4]);
        match self {
            Self::Quote { byte, level, .. } => {
                stops.add(b'\n');
                stops.add(byte);
                if level > 0 {
                    stops.add(b'"');
                }
            }
            Self::Bare(signs) => {
                signs.iter().chain(b" \t\n\r\"'`<").for_each(|byte| stops.add(*byte));
            }
        }
        stops
    }

    /// Whether the value ends before `glyph`.
    #[inline]
    pub(super) fn at(self, glyph: Glyph) -> bool {
        match self {
            Self::Quote { byte, level, .. } => {
                glyph.byte == b'\n'
                    || glyph.byte == byte && glyph.depth.level <= level
                    || glyph.byte == b'"' && glyph.depth.level < level
            }
            Self::Bare(signs) => {
                glyph.is_space()
                    || glyph.is_quote()
                    || glyph.byte == b'<'
                    || signs.contains(&glyph.byte)
            }
        }
    }
}

/// What a value begins with.
pub(super) struct Probe {
    bytes: [u8; MAX_PROBE],
    length: usize,
    /// The place behind what was read, or behind what belongs to the value.
    pub(super) end: usize,
    /// The character that ends the value, unless the body does.
    pub(super) ended_by: Option<u8>,
    /// Whether the value goes on behind what was read.
    pub(super) is_long: bool,
}

impl Probe {
    /// Reads the value at `at`.
    pub(super) fn read(window: Window<'_>, at: usize, ends: Ends) -> Look<Self> {
        let mut probe =
            Self { bytes: [0; MAX_PROBE], length: 0, end: at, ended_by: None, is_long: false };
        let stops = ends.stops();
        while probe.length < MAX_PROBE {
            let end = probe.end;
            match window.byte(end) {
                Some(b'%' | b'\\') | None => {}
                Some(byte) if stops.has(byte) => {
                    probe.ended_by = Some(byte);
                    return Ok(probe);
                }
                Some(byte) => {
                    probe.push(byte, end.saturating_add(1));
                    continue;
                }
            }
            match window.glyph(probe.end) {
                Ok(glyph) if ends.at(glyph) => {
                    probe.ended_by = Some(glyph.byte);
                    return Ok(probe);
                }
                Ok(glyph) => probe.push(glyph.byte, glyph.next),
                Err(Miss::Absent) => return Ok(probe),
                Err(Miss::Unknown) => return Err(Miss::Unknown),
            }
        }
        probe.is_long = true;
        Ok(probe)
    }

    #[inline]
    fn push(&mut self, byte: u8, next: usize) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
        self.end = next;
    }

    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Without the signs at its end that belong to what surrounds it: fewer where the place has an end of its own
    /// (`is_bounded`). The `!` of `Summer2024!` at the end of a line belongs to the value.
    pub(super) fn trim(&mut self, window: Window<'_>, start: usize, is_bounded: bool) {
        if self.is_long {
            return;
        }
        let ends_line = matches!(self.ended_by, None | Some(b'\n' | b'\r' | b'"' | b'\''));
        let has_digit = || self.text().iter().any(u8::is_ascii_digit);
        if ends_line && matches!(self.text().last(), Some(b'!' | b'?' | b'*')) && has_digit() {
            return;
        }
        let around: &[u8] = if is_bounded { b",;)}]" } else { b",;)}].|*:!?" };
        let is_around = |byte: &u8| around.contains(byte);
        let kept = self.text().iter().rposition(|byte| !is_around(byte));
        let kept = kept.map_or(0, |last| last.saturating_add(1));
        if kept == self.length {
            return;
        }
        let mut end = start;
        for _ in 0..kept {
            let Ok(glyph) = window.glyph(end) else { break };
            end = glyph.next;
        }
        self.ended_by = self.bytes.get(kept).copied();
        (self.length, self.end) = (kept, end);
    }
}

/// Counts of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) all: usize,
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) digits: usize,
    pub(super) signs: usize,
    pub(super) spaces: usize,
    pub(super) distinct: usize,
    /// Changes between neighbours of different classes, from a capital to a small letter not counted.
    changes: usize,
    /// Equals signs at the end.
    pads: usize,
    /// Pairs of neighbouring letters, and those of them that are rare in names and in prose.
    pairs: usize,
    rare: usize,
}

impl Counts {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut counts = Self { all: text.len(), ..Self::default() };
        let (mut seen, mut before, mut kind_before) = ([0_u64; 2], 0_u8, SIGN);
        // As many bytes as a byte can count.
        for piece in text.chunks(255) {
            let mut sums = 0_u64;
            for byte in piece {
                let kind = KIND.get(usize::from(*byte)).copied().unwrap_or(SIGN);
                sums = sums.wrapping_add(1_u64.wrapping_shl(u32::from(kind) << 3));
                if let Some(bits) = seen.get_mut(usize::from(byte >> 6 & 1)) {
                    *bits |= 1 << (byte & 63);
                }
                let pair = PAIR.get(usize::from(kind_before << 3 | kind)).copied();
                let pair = pair.unwrap_or_default();
                counts.changes = counts.changes.saturating_add(usize::from(pair & 1));
                if pair & 2 != 0 {
                    counts.pairs = counts.pairs.saturating_add(1);
                    let is_rare = is_rare(before, *byte);
                    counts.rare = counts.rare.saturating_add(usize::from(is_rare));
                }
                (before, kind_before) = (*byte, kind);
            }
            let of = |kind: u8| (sums >> (u32::from(kind) << 3) & 0xff) as usize;
            counts.signs = counts.signs.saturating_add(of(SIGN));
            counts.lower = counts.lower.saturating_add(of(LOWER)).saturating_add(of(OTHER));
            counts.upper = counts.upper.saturating_add(of(UPPER));
            counts.digits = counts.digits.saturating_add(of(DIGIT));
            counts.spaces = counts.spaces.saturating_add(of(SPACE));
        }
        counts.pads = text.iter().rev().take_while(|byte| **byte == b'=').count();
        counts.distinct = seen.iter().map(|bits| bits.count_ones() as usize).sum();
        counts
    }

    pub(super) fn letters(&self) -> usize {
        self.lower.saturating_add(self.upper)
    }

    fn alnum(&self) -> usize {
        self.letters().saturating_add(self.digits)
    }

    /// At least so many characters, and put together as by chance.
    pub(super) fn is_random(&self, least: usize) -> bool {
        if self.all < least
            || self.spaces > 0
            || self.distinct < 6
            || self.alnum().saturating_mul(4) < self.all.saturating_mul(3)
        {
            return false;
        }
        let changes = self.changes >= 3 && self.changes.saturating_mul(10) >= self.all;
        let rare = |share: usize| self.rare.saturating_mul(share) >= self.pairs;
        self.digits >= 2 && self.letters() >= 2 && changes
            || self.digits >= 1 && self.pairs >= 4 && rare(4)
            || self.digits == 0
                && self.signs == 0
                && self.all >= 12
                && rare(if self.all >= 16 { 3 } else { 2 })
    }

    /// At least so many characters, not of one kind.
    pub(super) fn is_mixed(&self, least: usize) -> bool {
        self.all >= least
            && self.spaces == 0
            && self.distinct >= 4
            && (self.digits >= 1 && self.letters() >= 2
                || self.signs >= 1
                    && self.alnum() >= 5
                    && self.signs.saturating_add(self.digits) >= 2)
    }

    /// Letters that no word has next to each other.
    pub(super) fn is_no_word(&self) -> bool {
        let is_padded = self.signs <= 2 && self.digits == 0 && self.pads == self.signs;
        let is_letters = self.letters() == self.all || is_padded && self.spaces == 0;
        self.all >= 8 && is_letters && self.rare.saturating_mul(3) >= self.pairs
    }

    /// Whether letters that no word has next to each other are not few.
    pub(super) fn rare_enough(&self) -> bool {
        self.rare.saturating_mul(6) >= self.pairs
    }

    pub(super) fn only_digits(&self) -> bool {
        self.digits == self.all
    }

    pub(super) fn only_letters(&self) -> bool {
        self.letters() == self.all
    }

    /// An identifier in capitals and small letters, or with underscores.
    pub(super) fn is_camel(&self, text: &[u8]) -> bool {
        let is_identifier = text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let signs = text.iter().filter(|byte| **byte == b'_').count();
        is_identifier
            && (self.lower > 0 && self.upper > 0 || signs > 0)
            && self.changes.saturating_add(1).saturating_add(signs).saturating_mul(3) <= self.all
            && self.digits.saturating_mul(3) <= self.all
            && self.rare.saturating_mul(3) <= self.pairs
    }
}

/// Kinds of bytes.
const SIGN: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;
const SPACE: u8 = 4;
/// Of a letter that is none of ASCII.
const OTHER: u8 = 5;

/// The kind of each byte.
#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const KIND: [u8; 256] = {
    let mut table = [SIGN; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b' ' | b'\t' | b'\n' | 12 | b'\r' => SPACE,
            0x80.. => OTHER,
            _ => SIGN,
        };
        byte += 1;
    }
    table
};

/// For the kinds of two neighbours, eight times the first and the second: 1 if they differ, from a
/// capital to a small letter not counted, and 2 if both are letters.
#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const PAIR: [u8; 64] = {
    let mut table = [0; 64];
    let mut first = LOWER;
    while first <= DIGIT {
        let mut second = LOWER;
        while second <= DIGIT {
            let differ = first != second && !(first == UPPER && second == LOWER);
            let letters = first != DIGIT && second != DIGIT;
            table[(first * 8 + second) as usize] = differ as u8 + 2 * letters as u8;
            second += 1;
        }
        first += 1;
    }
    table
};

/// For each letter those that follow it in less than 0.06 % of all pairs, in 60 MB of documentation and
/// source code: a twentieth of the pairs there, and half of those of random letters.
const RARE: [u32; 26] = [
    0x2814691, 0x2edb4ee, 0x3e1b24a, 0x3ebbee6, 0x2104780, 0x3e196ce, 0x3e9de6f, 0x3e5beee,
    0x1d10780, 0x3fbffef, 0x3fbfeef, 0x2e3b6c6, 0x3eb26ec, 0x2c31682, 0x3810290, 0x2e136ee,
    0x3efffff, 0x2c182a2, 0x2e3362a, 0x2e12662, 0x3f14680, 0x3fffeee, 0x3f9be6e, 0x3f77fef,
    0x3f35fff, 0x3ffffef,
];

fn is_rare(first: u8, second: u8) -> bool {
    let place = |byte: u8| byte.to_ascii_lowercase().wrapping_sub(b'a');
    RARE.get(usize::from(place(first))).is_some_and(|row| row >> (place(second) & 31) & 1 == 1)
}

/// What nothing else looks like: as by chance, or letters, digits and a sign that only passwords have.
pub(super) fn is_plainly_secret(text: &[u8], counts: &Counts) -> bool {
    let signs = text.iter().filter(|byte| b"!#$%^&*~+".contains(byte)).count();
    let is_password =
        signs >= 1 && counts.is_mixed(9) && counts.digits >= 1 && counts.letters() >= 4;
    let is_random = counts.is_random(16) && counts.digits >= 3;
    (is_password || is_random) && !is_code(text) && !is_slug(text) && !text.contains(&b'@')
}

/// Three different signs of those that passwords have, in a text that is no code.
pub(super) fn has_odd_signs(text: &[u8], counts: &Counts) -> bool {
    let kinds = b"!#$%^@~+=*-;?".iter().filter(|sign| text.contains(sign)).count();
    let is_code = [&b"->"[..], b"==", b"||", b"&&", b"()"].iter().any(|code| contains(text, code));
    kinds >= 3 && counts.all >= 10 && counts.signs >= 4 && counts.distinct >= 10 && !is_code
}

/// One word with up to four digits behind it, as people make passwords: `hunter2`, `Welcome1`, `tiger_99`. What programs are
/// full of, `sha256` and `utf8`, is none.
pub(super) fn is_word_with_number(text: &[u8], counts: &Counts) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = text.split_at_checked(letters).unwrap_or_default();
    let number = rest.strip_prefix(b"_").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
    let number = number.strip_suffix(b"!").unwrap_or(number);
    let is_number = (1..=4).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let is_one_word = counts.upper <= 1 && word.iter().skip(1).all(u8::is_ascii_lowercase);
    counts.all >= 6 && letters >= 3 && is_number && is_one_word && !is_technical(text)
}

/// Names of formats, digests, types and versions that end with a number.
fn is_technical(text: &[u8]) -> bool {
    const WORDS: &str = "argon base blake bytes ecdsa float http ident int integer ipv ktlsv latin level line md murmur ntlmv oauth param \
        part pbkdf pkcs port python ripemd salsa sha snmpv sslv step string test tlsv type uint user utf uuid uuidv value varchar version windows";
    let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = text.get(..word).unwrap_or_default();
    WORDS.split_ascii_whitespace().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Words between signs, with few digits behind each: `my-key-1`.
pub(super) fn is_slug(text: &[u8]) -> bool {
    text.split(|byte| b"-_.:/ ".contains(byte)).all(is_slug_part)
}

fn is_slug_part(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = part.get(letters..).unwrap_or_default();
    let counts = Counts::of(part.get(..letters).unwrap_or_default());
    let is_word = counts.upper == 0 || counts.lower == 0 || counts.upper <= 1;
    let most = if letters == 0 { 4 } else { 3 };
    digits.iter().all(u8::is_ascii_digit)
        && digits.len() <= most
        && is_word
        && counts.rare.saturating_mul(3) <= counts.pairs.max(1)
}

/// `a.b.c`, of which no part is random.
pub(super) fn is_dotted(text: &[u8]) -> bool {
    let is_identifier = |part: &[u8]| {
        let counts = Counts::of(part);
        let begins = part
            .first()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
        let is_name =
            part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_$()[]?!".contains(byte));
        begins && is_name && !(counts.digits >= 3 && counts.changes >= 4)
    };
    text.contains(&b'.') && text.split(|byte| *byte == b'.').all(is_identifier)
}

/// What only code has: a call, an index, a block.
pub(super) fn is_code(text: &[u8]) -> bool {
    if text.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let is_name =
        |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'>' | b')' | b']' | b'!');
    let is_opened =
        text.windows(2).any(|pair| matches!(pair, [before, b'(' | b'['] if is_name(*before)));
    let has = |code: &[u8]| contains(text, code);
    let has_digit = text.iter().any(u8::is_ascii_digit);
    is_opened
        || is_indexed(text)
        || [&b"::"[..], b"->", b"=>", b"()", b"&&", b"||", b"++", b"${"]
            .iter()
            .any(|code| has(code))
        || !has_digit && text.contains(&b'{')
        || matches!(text.last(), Some(b'(' | b'{' | b'['))
        || matches!(text.first(), Some(b'(' | b'&' | b'*' | b'!' | b'.' | b'[' | b'{'))
}

/// A name right before a bracket: `split2[1`, `kernel_i16(data`.
fn is_indexed(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.".contains(byte);
    let name = text.iter().take_while(|byte| is_name(byte)).count();
    let begins = text.first().is_some_and(|byte| byte.is_ascii_lowercase() || b"_$".contains(byte));
    let has_sign = text.iter().take(name).any(|byte| b"_$.".contains(byte));
    begins && has_sign && matches!(text.get(name), Some(b'(' | b'['))
}

pub(super) fn contains(text: &[u8], piece: &[u8]) -> bool {
    find(text, piece).is_some()
}

/// Where `piece` first stands in `text`.
pub(super) fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    let (first, rest) = piece.split_first()?;
    let mut from = 0_usize;
    loop {
        let at = text.get(from..)?.iter().position(|byte| byte == first)?.saturating_add(from);
        from = at.saturating_add(1);
        if text.get(from..)?.starts_with(rest) {
            return Some(at);
        }
    }
}

/// Where `piece` last stands in `text`.
pub(super) fn rfind(text: &[u8], piece: &[u8]) -> Option<usize> {
    let first = piece.first()?;
    let mut to = text.len();
    loop {
        let at = text.get(..to)?.iter().rposition(|byte| byte == first)?;
        if text.get(at..)?.starts_with(piece) {
            return Some(at);
        }
        to = at;
    }
}

/// Whether a text ends with this one, whatever its case is.
pub(super) fn ends_with_any_case(text: &[u8], end: &[u8]) -> bool {
    let begin = text.len().checked_sub(end.len());
    begin.and_then(|begin| text.get(begin..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The last of these brackets that is still open at the end of a text of JSON.
pub(super) fn open_bracket(text: &[u8], brackets: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    text.iter().rposition(|byte| match byte {
        b'}' | b']' => {
            depth = depth.saturating_add(1);
            false
        }
        b'{' | b'[' if depth > 0 => {
            depth = depth.saturating_sub(1);
            false
        }
        byte => brackets.contains(byte),
    })
}

/// Whether a text alone looks like a password.
pub(super) fn may_be_password(text: &[u8]) -> bool {
    let counts = Counts::of(text);
    let is_mixed = counts.is_mixed(6) || counts.is_random(12);
    is_mixed
        && !is_placeholder(text)
        && !is_example(text, &counts)
        && !is_version(text)
        && !is_slug(text)
}

/// Words that are a password together: four groups of four letters, as Google and Apple make them, and the twelve to
/// twenty-four words of a wallet.
pub(super) fn is_phrase(text: &[u8]) -> bool {
    let words = || text.split(|byte| *byte == b' ');
    let count = words().count();
    let are_words = |least: usize, most: usize| {
        words().all(|word| {
            (least..=most).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase)
        })
    };
    match count {
        4 => are_words(4, 4) && Counts::of(text).rare_enough(),
        12 | 15 | 18 | 21 | 24 => are_words(3, 8),
        _ => false,
    }
}

/// A sentence rather than a password with spaces.
pub(super) fn is_sentence(text: &[u8], counts: &Counts) -> bool {
    const FUNCTION_WORDS: [&[u8]; 22] = [
        b"the", b"is", b"be", b"must", b"a", b"of", b"for", b"to", b"and", b"or", b"with", b"your",
        b"in", b"not", b"at", b"has", b"this", b"no", b"from", b"are", b"an", b"was",
    ];
    let mut words = text.split(u8::is_ascii_whitespace);
    let few = counts.all <= 80
        && counts.spaces <= 4
        && counts.digits >= 2
        && counts.digits.saturating_add(counts.signs) >= 3;
    !few || words.any(|word| FUNCTION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// What stands for a value and is none, also where a name alone would settle the matter.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let is_within = |open: &[u8], close: &[u8]| text.starts_with(open) && text.ends_with(close);
    let is_same = |byte: u8| text.iter().all(|other| *other == byte);
    let lower = |words: &[&[u8]]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    is_within(b"<", b">")
        || is_within(b"{{", b"}}")
        || is_within(b"${", b"}")
        || is_within(b"$(", b")")
        || is_within(b"#{", b"}")
        || is_within(b"<%", b"%>")
        || is_within(b"%(", b")s")
        || is_within(b"***", b"***")
        || text.len() >= 2 && [b'*', b'.', b'x', b'X', b'-', b'_', b'?'].into_iter().any(is_same)
        || text.starts_with(b"\xE2\x80\xA2")
        || lower(&[
            b"null",
            b"none",
            b"true",
            b"false",
            b"undefined",
            b"nil",
            b"[redacted]",
            b"redacted",
            b"[filtered]",
            b"(hidden)",
            b"***redacted***",
        ])
}

/// Whether these are bytes that nobody wrote: control characters, or so much that is no UTF-8 that
/// it is no text in an older encoding either. Among random bytes `pw=` stands in every few MiB.
pub(super) fn is_no_text(text: &[u8]) -> bool {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31 | 127);
    let invalid: usize = text.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    text.iter().any(is_control) || invalid.saturating_mul(4) > text.len()
}

/// What stands in place of a value in a URL.
pub(super) fn is_stand_in(text: &[u8], counts: &Counts, names: &Names) -> bool {
    is_placeholder(text)
        || is_template(text)
        || is_capitals(text, counts)
        || names.is_only_words(text)
}

/// What is never a secret, wherever it stands: the rest of the placeholders, names, paths, versions.
pub(super) fn is_harmless(text: &[u8], counts: &Counts, name: &[u8], names: &Names) -> bool {
    is_placeholder(text)
        || is_template(text)
        || is_example(text, counts)
        || is_plain_word(text)
        || is_capitals(text, counts)
        || names.is_only_words(text)
        || is_path(text, counts)
        || is_version(text)
        || is_digest(text)
        || is_date(text)
        || is_number(text)
        || is_same(text, name)
        || is_same(last_part(text), last_part(name))
        || is_known_prefix(text)
}

fn is_template(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:".contains(byte);
    let is_variable = match text {
        [b'$', rest @ ..] if !rest.is_empty() => {
            rest.iter().all(is_name) && !rest.iter().all(u8::is_ascii_digit)
        }
        [b'%', rest @ .., b'%'] => rest.iter().all(is_name),
        [b'@', rest @ .., b'@'] | [b'_', b'_', rest @ .., b'_', b'_'] => rest.iter().all(is_name),
        [b'{', inner @ .., b'}'] | [b'[', inner @ .., b']'] => !Counts::of(inner).is_random(8),
        [b'<', .., b'>'] => true,
        [b'<', rest @ ..] => !rest.contains(&b'>'),
        [b'%', b's' | b'v' | b'd' | b'q', ..] | [b'{', b'}', ..] => true,
        [b':', rest @ ..] if !rest.is_empty() => rest.iter().all(is_name),
        _ => false,
    };
    if !text.iter().any(|byte| b"${#<&".contains(byte)) {
        return is_variable;
    }
    let has = |piece: &[u8]| contains(text, piece);
    is_variable
        || has_within(text, b"${", b"}")
        || has_within(text, b"$(", b")")
        || has_within(text, b"{{", b"}}")
        || has_within(text, b"#{", b"}")
        || has(b"<%") && has(b"%>")
        || has(b"&lt;")
        || has(b"&#")
}

/// Whether `open` and `close` stand in `text` with none of the signs between that brackets are made of: a
/// password that has some of them by chance has not.
fn has_within(text: &[u8], open: &[u8], close: &[u8]) -> bool {
    let begins = text.windows(open.len()).position(|window| window == open);
    let inner = begins.and_then(|begin| text.get(begin.saturating_add(open.len())..));
    inner.is_some_and(|inner| {
        let ends = inner.windows(close.len()).position(|window| window == close);
        let inner = ends.and_then(|end| inner.get(..end)).unwrap_or(b"{");
        !inner.iter().any(|byte| b"{}[]<>".contains(byte))
    })
}

fn is_example(text: &[u8], counts: &Counts) -> bool {
    let mut lower = [0_u8; MAX_PROBE];
    for (place, byte) in lower.iter_mut().zip(text) {
        *place = byte.to_ascii_lowercase();
    }
    let lower = lower.get(..text.len().min(MAX_PROBE)).unwrap_or_default();
    // In a long random value such letters are chance.
    let may_be = counts.all <= 40 || !counts.is_random(24);
    let few = if counts.all >= 12 { 3 } else { 2 };
    may_be && has_mark(lower)
        || counts.distinct <= few
        || longest_run(text).saturating_mul(2) > counts.all && longest_run(text) >= 5
        || longest_run(text) >= 8 && counts.distinct < 20
        || is_sequence(lower)
        || contains(lower, b"abcdefghijklmnop")
}

/// Whether what only examples hold stands in a text in small letters.
fn has_mark(lower: &[u8]) -> bool {
    lower.iter().enumerate().any(|(at, byte)| {
        let rest = lower.get(at..).unwrap_or_default();
        let begins = |mark: &[u8]| rest.get(1) == mark.get(1) && rest.starts_with(mark);
        marks_of(*byte).iter().any(|mark| begins(mark))
    })
}

/// The marks of examples that begin with this character.
fn marks_of(first: u8) -> &'static [&'static [u8]] {
    match first {
        b'y' => &[b"your"],
        b'e' => &[b"example"],
        b'c' => &[b"changeme", b"change-me", b"change_me"],
        b'p' => &[b"placeholder"],
        b'r' => &[b"redacted", b"replace"],
        b'd' => &[b"dummy"],
        b'i' => &[b"insert"],
        b'm' => &[b"masked", b"my-secret", b"mysecret"],
        b'h' => &[b"hidden"],
        b'u' => &[b"undefined"],
        b's' => &[b"sample"],
        b't' => &[b"todo"],
        b'-' => &[b"-here"],
        b'_' => &[b"_here"],
        b'.' => &[b"..."],
        b'*' => &[b"***"],
        b'x' => &[b"xxxx"],
        _ => &[],
    }
}

fn longest_run(text: &[u8]) -> usize {
    let (mut longest, mut run, mut before) = (0_usize, 0_usize, 0_u8);
    for byte in text {
        run = if *byte == before { run.saturating_add(1) } else { 1 };
        longest = longest.max(run);
        before = *byte;
    }
    longest
}

/// Characters that ascend one by one, nearly all of them: `1234567890`, `abcdefgh`.
fn is_sequence(text: &[u8]) -> bool {
    let steps = text
        .windows(2)
        .filter(|pair| matches!(pair, [one, two] if one.wrapping_add(1) == *two))
        .count();
    (8..=40).contains(&text.len())
        && steps.saturating_mul(10) >= text.len().saturating_sub(1).saturating_mul(8)
        || (4..8).contains(&text.len())
            && steps.saturating_add(1) == text.len()
            && !text.iter().all(u8::is_ascii_digit)
}

fn is_plain_word(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 48] = [
        b"null",
        b"none",
        b"nil",
        b"false",
        b"true",
        b"yes",
        b"no",
        b"on",
        b"off",
        b"string",
        b"str",
        b"number",
        b"text",
        b"required",
        b"optional",
        b"default",
        b"unknown",
        b"empty",
        b"auto",
        b"env",
        b"user",
        b"username",
        b"value",
        b"bool",
        b"boolean",
        b"int",
        b"integer",
        b"object",
        b"array",
        b"any",
        b"void",
        b"self",
        b"this",
        b"n/a",
        b"tbd",
        b"prompt",
        b"stdin",
        b"file",
        b"include",
        b"omit",
        b"same-origin",
        b"bearer",
        b"basic",
        b"digest",
        b"oauth2",
        b"option",
        b"bytes",
        b"float",
    ];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `MY_API_KEY`.
fn is_capitals(text: &[u8], counts: &Counts) -> bool {
    counts.lower == 0
        && counts.upper >= 2
        && text.contains(&b'_')
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && counts.digits.saturating_mul(4) <= counts.all
}

fn is_path(text: &[u8], counts: &Counts) -> bool {
    let is_base64 = counts.all >= 20
        && counts.lower > 0
        && counts.upper > 0
        && counts.digits >= 2
        && counts.changes.saturating_mul(4) >= counts.all;
    let begins = |with: &[u8]| text.starts_with(with);
    let is_rooted = begins(b"/")
        && text.iter().skip(1).any(u8::is_ascii_alphabetic)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte));
    let is_drive = matches!(text, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let has_suffix = [
        &b".txt"[..],
        b".json",
        b".yaml",
        b".yml",
        b".pem",
        b".key",
        b".py",
        b".js",
        b".ts",
        b".go",
        b".rs",
        b".html",
        b".crt",
        b".env",
        b".conf",
        b".xml",
        b".md",
    ]
    .iter()
    .any(|suffix| text.ends_with(suffix));
    !is_base64
        && (is_rooted
            || is_drive
            || has_suffix
            || begins(b"./")
            || begins(b"../")
            || begins(b"~/")
            || contains(text, b"://"))
}

/// `1.2`, `v3.4.5`, `^1.0`.
pub(super) fn is_version(text: &[u8]) -> bool {
    let number = text.iter().skip_while(|byte| b"^~<>=v".contains(byte));
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let digits = number.clone().take_while(|byte| is_part(byte)).count();
    let behind = number.clone().nth(digits);
    let dots = number.clone().take(digits).filter(|byte| **byte == b'.').count();
    number.clone().next().is_some_and(u8::is_ascii_digit)
        && dots >= 1
        && text.len() <= 24
        && matches!(behind, None | Some(b'-' | b'+' | b'x'))
}

fn is_digest(text: &[u8]) -> bool {
    [&b"sha256-"[..], b"sha512-", b"sha384-", b"sha256:", b"sha512:", b"sha1-", b"md5-", b"h1:"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
}

fn is_date(text: &[u8]) -> bool {
    let is_shape = |(byte, shape): (&u8, &u8)| match shape {
        b'9' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    text.len() >= 10 && text.iter().zip(b"9999-99-99").all(is_shape)
}

/// A number of a program, with its type: `0xC000006C_u32`, `-2147212282i32`; and `2-byte`.
fn is_number(text: &[u8]) -> bool {
    const SUFFIXES: [&[u8]; 12] = [
        b"u8", b"u16", b"u32", b"u64", b"usize", b"i8", b"i16", b"i32", b"i64", b"isize", b"-byte",
        b"-bit",
    ];
    let number = text.strip_prefix(b"-").unwrap_or(text);
    SUFFIXES.iter().filter_map(|suffix| number.strip_suffix(*suffix)).any(|number| {
        let number = number.strip_suffix(b"_").unwrap_or(number);
        let (hex, rest) = match number.strip_prefix(b"0x") {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let is_digit = |byte: &u8| byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit();
        !rest.is_empty() && rest.iter().all(|byte| is_digit(byte) || *byte == b'_')
    })
}

/// Behind the last dot: `password` of `options.password`.
fn last_part(text: &[u8]) -> &[u8] {
    let dot = text.iter().rposition(|byte| *byte == b'.');
    let begin = dot.map_or(0, |dot| dot.saturating_add(1));
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.".contains(byte);
    if text.iter().all(is_name) { text.get(begin..).unwrap_or_default() } else { text }
}

/// Letters and digits only, and one of the two in the other: `password=password1`.
fn is_same(text: &[u8], name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut folded = [[0_u8; MAX_PROBE]; 2];
    let mut lengths = [0_usize; 2];
    for ((folded, length), source) in folded.iter_mut().zip(&mut lengths).zip([text, name]) {
        for (place, byte) in folded.iter_mut().zip(source.iter().filter(|byte| is_letter(byte))) {
            *place = byte.to_ascii_lowercase();
            *length = length.saturating_add(1);
        }
    }
    let [text, name] = folded;
    let [text_length, name_length] = lengths;
    let text = text.get(..text_length).unwrap_or_default();
    let name = name.get(..name_length).unwrap_or_default();
    text.len() >= 4
        && name.len() >= 4
        && text.len() <= name.len().saturating_add(24)
        && (contains_all(text, name) || contains_all(name, text) || text.ends_with(name))
}

fn contains_all(text: &[u8], piece: &[u8]) -> bool {
    let rest = text.len().saturating_sub(piece.len());
    piece.len() <= text.len() && rest <= 12 && contains(text, piece)
}

fn is_known_prefix(text: &[u8]) -> bool {
    [
        &b"ssh-"[..],
        b"AWS4-",
        b"ecdsa-sha2",
        b"urn:",
        b"arn:",
        b"LS0tLS1CRUdJTiBQVUJMSUMg",
        b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS",
        b"-----BEGIN",
    ]
    .iter()
    .any(|prefix| text.starts_with(prefix))
}
