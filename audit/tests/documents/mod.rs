//! The documents as a test reads them: pages, fences with what is said about them, links, code in lines.
//!
//! ````text
//! <!-- not run: it stays up -->         why nothing runs it
//! <!-- run by tests/….rs -->            who does
//! ```sh                                 without either, audit/tests/readme.rs runs it itself
//! make run
//! ```
//! ````

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One page.
pub(crate) struct Page {
    /// From the root of the repository, such as `docs/entry.md`.
    pub(crate) name: String,
    /// Each line, and whether it is inside of a fence or begins or ends one.
    lines: Vec<(String, bool)>,
    pub(crate) fences: Vec<Fence>,
}

/// One fenced block.
pub(crate) struct Fence {
    /// Where it begins: the page and the line, for whoever reads a failure.
    pub(crate) place: String,
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) mark: Mark,
}

/// What the comment before a fence says of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing: this test program has to know what to do with it.
    Ours,
    /// Another test reads it: its file.
    RunBy(String),
    /// Nothing runs it, and why.
    NotRun(String),
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..").canonicalize().unwrap()
}

/// Every page: at the top, in `docs/` and in `k8s/`.
pub(crate) fn pages() -> Vec<Page> {
    let mut names = Vec::new();
    collect("", false, &mut names);
    collect("docs", true, &mut names);
    collect("k8s", true, &mut names);
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

fn collect(folder: &str, deep: bool, names: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = Path::new(folder).join(entry.file_name()).display().to_string();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && deep => collect(&name, deep, names),
            kind if kind.is_file() && name.ends_with(".md") => names.push(name),
            _ => {}
        }
    }
}

/// One page by its name.
pub(crate) fn page(name: &str) -> Page {
    Page::read(name)
}

impl Page {
    fn read(name: &str) -> Self {
        Self::of(name, &fs::read_to_string(root().join(name)).unwrap())
    }

    pub(crate) fn of(name: &str, text: &str) -> Self {
        let mut page = Self { name: name.to_owned(), lines: Vec::new(), fences: Vec::new() };
        let mut open: Option<Fence> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let fence = line.trim_start().strip_prefix("```");
            match (open.take(), fence) {
                (None, None) => page.lines.push((line.to_owned(), false)),
                (None, Some(language)) => {
                    let mark = page.lines.last().map_or(Mark::Ours, |(line, _)| Mark::of(line));
                    let place = format!("{name}:{number}");
                    let language = language.trim().to_owned();
                    open = Some(Fence { place, language, text: String::new(), mark });
                    page.lines.push((line.to_owned(), true));
                }
                (Some(fence), Some(_)) => {
                    page.fences.push(fence);
                    page.lines.push((line.to_owned(), true));
                }
                (Some(mut fence), None) => {
                    fence.text += line;
                    fence.text.push('\n');
                    open = Some(fence);
                    page.lines.push((line.to_owned(), true));
                }
            }
        }
        assert!(open.is_none(), "{name}: a fence does not end");
        page
    }

    /// The lines outside of fences.
    pub(crate) fn prose(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|(_, fenced)| !fenced).map(|(line, _)| line.as_str())
    }

    /// What stands between backticks in the prose.
    pub(crate) fn code(&self) -> Vec<String> {
        // A span may go on in the next line.
        let text = self.prose().collect::<Vec<_>>().join("\n");
        let paragraphs = text.split("\n\n");
        let spans = paragraphs.flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
        spans.map(|span| span.replace('\n', " ")).collect()
    }

    /// Where its links lead, as they are written.
    pub(crate) fn links(&self) -> Vec<String> {
        let text = self.prose().collect::<Vec<_>>().join("\n");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target.to_owned()).collect()
    }

    /// The anchors of its headings.
    pub(crate) fn anchors(&self) -> Vec<String> {
        self.prose().filter(|line| line.starts_with('#')).map(anchor).collect()
    }
}

/// As forges make it: in lower case, without signs, a dash for each space.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

impl Mark {
    fn of(line: &str) -> Self {
        let comment = line.trim().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(comment) = comment else { return Self::Ours };
        if let Some(file) = comment.strip_prefix("run by ") {
            return Self::RunBy(file.to_owned());
        }
        comment.strip_prefix("not run: ").map_or(Self::Ours, |why| Self::NotRun(why.to_owned()))
    }
}

/// A folder in which a reader has the repository's examples, the tool, and a ledger.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn with_ledger(entries: &[String]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["envoy", "k8s"] {
            copy(&root().join(folder), &place.0.path().join(folder));
        }
        let lines = entries.iter().map(|entry| format!("{entry}\n"));
        fs::create_dir(place.0.path().join("ledger")).unwrap();
        place.write("ledger/entries.jsonl", &lines.collect::<String>());
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Whether commands succeed, and all that they print. This folder is their `/tmp`.
    pub(crate) fn bash(&self, commands: &str) -> (bool, String) {
        let here = self.0.path().to_str().unwrap();
        let script = format!("set -euo pipefail\nexec 2>&1\n{}", commands.replace("/tmp", here));
        let mut path = vec![tool().parent().unwrap().to_owned()];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(here).env("PATH", env::join_paths(path).unwrap());
        let output = bash.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether questions can be asked with jq; in CI they must be.
    pub(crate) fn has_jq(&self) -> bool {
        let has = self.bash("jq --version").0;
        let is_ci = env::var_os("CI").is_some_and(|value| value == "true");
        assert!(has || !is_ci, "jq is missing, and in CI nothing is skipped");
        if !has {
            eprintln!("skipped: jq is missing");
        }
        has
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// What a command of the tool says of itself; `None` if there is no such command.
pub(crate) fn help(command: &[&str]) -> Option<String> {
    let output = Command::new(tool()).args(command).arg("--help").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn tool() -> PathBuf {
    env::var_os("CARGO_BIN_EXE_ledgerline").unwrap().into()
}

#[test]
fn a_page_is_read_as_a_forge_reads_it() {
    let text = "# A *b*: c, `d`\n\n<!-- not run: x -->\n```sh\nls\n```\nsee [e](f.md#g) and `h\ni`\n\n<!-- run by t.rs -->\n```text\n# no heading, [no](link)\n```\n```json\n{}\n```\n";
    let page = Page::of("p.md", text);
    assert_eq!(page.anchors(), ["a-b-c-d"]);
    assert_eq!(page.links(), ["f.md#g"]);
    assert_eq!(page.code(), ["d", "h i"]);
    let marks: Vec<_> = page.fences.iter().map(|fence| &fence.mark).collect();
    assert_eq!(marks, [&Mark::NotRun("x".into()), &Mark::RunBy("t.rs".into()), &Mark::Ours]);
    assert_eq!(page.fences[2].place, "p.md:14");
}
