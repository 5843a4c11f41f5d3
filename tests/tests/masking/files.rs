//! False masks in files that nobody wrote for this: those of the packages that the tests install.
//!
//! Code, documentation and data of a few hundred projects have thousands of lines that only look as if they
//! held a secret. A mask is *right* where what is masked is the literal value of a secret's name, be it a
//! dummy's; it is *false* where that is a variable, a type, a sentence, a path. Most masks are judged by what
//! stands around them; the rest by a person, once, in `reviewed.tsv`, by a hash of what is masked. What nobody
//! judged counts as false.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ledgerline_core::digest::Digest;
use ledgerline_core::mask::{Masker, PLACEHOLDER, Rules, Syntax};
use ledgerline_tests::workspace;

/// One false mask in so many bytes, at most.
const BYTES_PER_FALSE_MASK: u64 = 10_000_000;
const LEAST_FILES: u64 = 10_000;
const LEAST_BYTES: u64 = 150_000_000;
/// Larger ones are data, and would outweigh all others.
const MOST_FILE_BYTES: u64 = 1_500_000;
/// No more than this is read: of the files so many in a hundred, chosen by their paths.
const SHARE: u64 = 60;

#[test]
fn files_of_real_packages_have_few_false_masks() {
    let rules = Rc::new(Rules::default());
    let reviewed = Reviewed::read();
    let mut sums = BTreeMap::<&str, Sum>::new();
    let mut unjudged = BTreeSet::new();
    // For the one who reviews them, on a machine of theirs: the text of each, which no log should have.
    let is_shown = env::var_os("LEDGERLINE_SHOW_UNJUDGED").is_some();
    for (source, folder) in folders() {
        let sum = sums.entry(source).or_default();
        for file in files_below(&folder) {
            let name = file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned();
            let Some(body) = text_of(&file, &name) else { continue };
            sum.files += 1;
            sum.bytes += body.len() as u64;
            for mask in masks(&rules, &body) {
                match mask.judge(&body).or_else(|| reviewed.verdict(&mask, &body)) {
                    Some(Verdict::Right) => sum.right += 1,
                    Some(Verdict::False) => sum.wrong += 1,
                    None => {
                        sum.unjudged += 1;
                        unjudged.insert(format!("{}\t{}\t{name}", mask.id(&body), mask.rule));
                        if is_shown {
                            let around = mask.around(&body);
                            println!("??\t{}\t{}\t{name}\t{around}", mask.id(&body), mask.rule);
                        }
                    }
                }
            }
        }
    }
    print(&sums);
    let all = sums.values().fold(Sum::default(), |all, sum| all.and(sum));
    for line in unjudged.iter().take(40) {
        println!("judged by nobody: {line}");
    }
    assert!(
        all.files >= LEAST_FILES && all.bytes >= LEAST_BYTES,
        "{} files and {} bytes are too few to judge by; `make test` installs the packages",
        all.files,
        all.bytes
    );
    assert!(
        (all.wrong + all.unjudged) * BYTES_PER_FALSE_MASK <= all.bytes,
        "{} false masks and {} that nobody judged in {} bytes",
        all.wrong,
        all.unjudged,
        all.bytes
    );
}

#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    right: u64,
    wrong: u64,
    unjudged: u64,
}

impl Sum {
    fn and(&self, other: &Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            right: self.right + other.right,
            wrong: self.wrong + other.wrong,
            unjudged: self.unjudged + other.unjudged,
        }
    }
}

fn print(sums: &BTreeMap<&str, Sum>) {
    println!(
        "{:<28} {:>7} {:>8} {:>7} {:>7} {:>9}",
        "files of", "files", "MB", "right", "false", "unjudged"
    );
    for (source, sum) in sums {
        let megabytes = sum.bytes as f64 / 1e6;
        println!(
            "{source:<28} {:>7} {megabytes:>8.1} {:>7} {:>7} {:>9}",
            sum.files, sum.right, sum.wrong, sum.unjudged
        );
    }
}

/// What was installed, and by whom.
fn folders() -> Vec<(&'static str, PathBuf)> {
    let cache = workspace::root().join(".cache");
    let mut folders = Vec::new();
    for (source, path) in [
        ("Python packages", "venv/lib"),
        ("Python packages", "venv-mcp1/lib"),
        ("npm packages", "npm/node_modules"),
        ("npm packages", "storage/azurite/node_modules"),
    ] {
        folders.push((source, cache.join(path)));
    }
    folders.extend(crates().into_iter().map(|folder| ("crates", folder)));
    folders
}

/// The sources of the crates in this project's lock file: others would make the figure depend on the machine.
fn crates() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let registries: Vec<_> =
        registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock")).unwrap_or_default();
    let mut folders = Vec::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(quoted) = line.strip_prefix("name = ") {
            name = quoted.trim_matches('"');
        }
        if let Some(version) = line.strip_prefix("version = ") {
            let folder = format!("{name}-{}", version.trim_matches('"'));
            let found = registries.iter().map(|registry| registry.join(&folder));
            folders.extend(found.filter(|folder| folder.is_dir()).take(1));
        }
    }
    folders
}

/// All files, in order; links are not followed.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// The file, if it is a text of a size that counts and one of those that are looked at.
fn text_of(file: &Path, name: &str) -> Option<Vec<u8>> {
    let first = Digest::of(name.as_bytes()).to_string();
    let place = u64::from_str_radix(first.get(..4)?, 16).ok()?;
    let size = fs::metadata(file).ok()?.len();
    if place % 100 >= SHARE || size == 0 || size > MOST_FILE_BYTES {
        return None;
    }
    let body = fs::read(file).ok()?;
    (!body.contains(&0)).then_some(body)
}

/// What was masked in a body.
struct Mask {
    rule: String,
    start: usize,
    end: usize,
}

/// All masks of a body. What lies between two of them is in the view as it is in the body.
fn masks(rules: &Rc<Rules>, body: &[u8]) -> Vec<Mask> {
    let mut masker = Masker::new(Rc::clone(rules), Syntax::Text).explaining();
    let mut view = 0;
    masker.push(body, &mut |bytes| view += bytes.len());
    masker.finish(&mut |bytes| view += bytes.len());
    let findings = masker.masked().findings();
    let behind = findings.iter().skip(1).map(|next| (next.at as usize, next.view_at as usize));
    let behind = behind.chain([(body.len(), view)]);
    let masks = findings.iter().zip(behind).map(|(finding, (next, next_view))| {
        let kept = next_view.saturating_sub(finding.view_at as usize + PLACEHOLDER.len());
        let start = finding.at as usize;
        Mask { rule: finding.rule.to_string(), start, end: next.saturating_sub(kept).max(start) }
    });
    masks.collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    False,
}

impl Mask {
    fn value<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        &body[self.start..self.end]
    }

    /// What a review is kept by: the rule, and what is masked, of which nothing can be read from it.
    fn id(&self, body: &[u8]) -> String {
        let text = [self.rule.as_bytes(), b"\0", self.value(body)].concat();
        Digest::of(&text).to_string()[..16].to_owned()
    }

    /// For the one who reviews.
    fn around(&self, body: &[u8]) -> String {
        let before = &body[self.start.saturating_sub(60)..self.start];
        let behind = &body[self.end..(self.end + 30).min(body.len())];
        let value = self.value(body);
        let value = &value[..value.len().min(80)];
        let text = [before, "⟦".as_bytes(), value, "⟧".as_bytes(), behind].concat();
        String::from_utf8_lossy(&text).escape_debug().to_string()
    }

    /// Right, if it is plain that it is.
    fn judge(&self, body: &[u8]) -> Option<Verdict> {
        let is_right = match self.rule.as_str() {
            // The value of a parameter, and the user of a URL: whatever stands there is one.
            "name" | "url-userinfo" | "basic-credentials" | "private-key" => true,
            "context" => self.is_literal(body),
            _ => self.value(body).iter().any(u8::is_ascii_digit),
        };
        is_right.then_some(Verdict::Right)
    }

    /// In quotes from end to end, behind a name that only secrets have, and no sentence.
    fn is_literal(&self, body: &[u8]) -> bool {
        let value = self.value(body);
        let (before, behind) = (&body[..self.start], &body[self.end..]);
        let quote = before.last().copied().unwrap_or_default();
        let is_quoted = b"\"'".contains(&quote)
            && (behind.first() == Some(&quote) || behind.starts_with(&[b'\\', quote]));
        let spaces = value.iter().filter(|byte| **byte == b' ').count();
        is_quoted && spaces < 2 && names_a_secret(before)
    }
}

/// Whether such a name stands right before a value.
fn names_a_secret(before: &[u8]) -> bool {
    const NAMES: [&[u8]; 9] =
        [b"passw", b"pwd", b"secret", b"token", b"key", b"auth", b"cred", b"cookie", b"jwt"];
    const REACH: usize = 60;
    let near = before[before.len().saturating_sub(REACH)..].to_ascii_lowercase();
    NAMES.iter().any(|name| near.windows(name.len()).any(|window| window == *name))
}

/// What a person judged.
struct Reviewed(BTreeMap<String, Verdict>);

impl Reviewed {
    fn read() -> Self {
        let lines = include_str!("reviewed.tsv").lines().filter(|line| !line.starts_with('#'));
        let verdicts = lines.map(|line| {
            let mut cells = line.split('\t');
            let id = cells.next().unwrap_or_default().to_owned();
            let verdict = match cells.next() {
                Some("right") => Verdict::Right,
                Some("false") => Verdict::False,
                other => panic!("reviewed.tsv: {id}: `right` or `false`, not {other:?}"),
            };
            (id, verdict)
        });
        Self(verdicts.collect())
    }

    fn verdict(&self, mask: &Mask, body: &[u8]) -> Option<Verdict> {
        self.0.get(&mask.id(body)).copied()
    }
}
