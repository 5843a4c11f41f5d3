//! What the documents show is what the code takes, and what they name is there.
//!
//! Every fence is run here, or says who runs it, or says why nobody does (see [`documents`]).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, path::Path};

use ledgerline_core::{Config, Entry, config::Settings};
use serde_json::Value;

mod documents;

use documents::{Fence, Mark, Page, Place, help, page, pages, root};

#[test]
fn every_fence_is_run_or_says_why_not() {
    no_failures(pages().iter().flat_map(|page| {
        let place = Place::with_ledger(&ledger());
        let fences = page.fences.iter().enumerate();
        let problems = fences.filter_map(|(index, fence)| {
            let problem = match &fence.mark {
                Mark::RunBy(test) => not_named(test, page),
                Mark::NotRun(why) => (why.len() < 5).then(|| "no reason".to_owned()),
                Mark::Ours if index > 0 && is_output(&page.fences[index - 1], fence) => None,
                Mark::Ours => run(&place, fence, page.fences.get(index + 1)),
            };
            problem.map(|problem| format!("{}: {problem}", fence.place))
        });
        problems.collect::<Vec<_>>()
    }));
}

fn no_failures(failures: impl IntoIterator<Item = String>) {
    let failures: Vec<_> = failures.into_iter().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whether a fence shows what the one before it prints.
fn is_output(before: &Fence, fence: &Fence) -> bool {
    let is_ours = before.mark == Mark::Ours && fence.mark == Mark::Ours;
    is_ours && before.language == "sh" && fence.language == "text"
}

/// What is wrong with the claim that a test reads this page.
fn not_named(test: &str, page: &Page) -> Option<String> {
    let Ok(source) = fs::read_to_string(root().join(test)) else {
        return Some(format!("{test}: there is no such file"));
    };
    let name = Path::new(&page.name).file_name().unwrap().to_str().unwrap();
    (!source.contains(name)).then(|| format!("{test} does not name {name}"))
}

/// What is wrong with a fence that nobody else knows.
fn run(place: &Place, fence: &Fence, next: Option<&Fence>) -> Option<String> {
    let text = &fence.text;
    match fence.language.as_str() {
        "json" => not_read(text),
        // The policy of a mesh: what follows is asked of it.
        "yaml" if text.starts_with("topology:") => {
            place.write("k8s/overlays/istio/policy.yaml", text);
            commands(place, "ledgerline hosts write --overlay k8s/overlays/istio", None)
        }
        "yaml" => match serde_saphyr::from_str::<Value>(text) {
            Ok(settings) => not_loaded(&settings.to_string()),
            Err(error) => Some(error.to_string()),
        },
        "text" if text.starts_with("$ ") => session(place, text),
        "sh" => commands(place, text, next.filter(|next| is_output(fence, next))),
        "python" => script(place, text),
        language => Some(format!("nobody runs `{language}`: say who does, or why not")),
    }
}

/// Commands that succeed, and print what is shown.
fn commands(place: &Place, text: &str, shown: Option<&Fence>) -> Option<String> {
    if text.contains("| jq ") && !place.has_jq() {
        return None;
    }
    let (success, output) = place.bash(text);
    if !success {
        return Some(format!("fails: {output}"));
    }
    let mut shown = shown.map_or("", |shown| &shown.text).lines();
    let missing = shown.find(|line| !output.contains(line.trim()));
    missing.map(|line| format!("does not print `{line}` but\n{output}"))
}

/// `$ command` and what it prints, several times.
fn session(place: &Place, text: &str) -> Option<String> {
    let steps = text.strip_prefix("$ ")?.split("\n$ ");
    steps.map(|step| step.split_once('\n').unwrap_or((step, ""))).find_map(|(line, shown)| {
        let (_, output) = place.bash(line);
        let same = output.trim_end() == shown.trim_end();
        (!same).then(|| format!("`{line}` prints\n{output}"))
    })
}

/// A program that finds the links of the stream that the commands before it wrote.
fn script(place: &Place, text: &str) -> Option<String> {
    place.write("script.py", text);
    let (_, links) = place.bash("ledgerline hash --stream sse --list stream.txt");
    let (success, output) = place.bash("python3 script.py");
    let all = success && !output.is_empty() && output.lines().all(|link| links.contains(link));
    (!all).then(|| format!("prints\n{output}and the tool\n{links}"))
}

/// The entries that the documents show, and one that did not go well.
fn ledger() -> Vec<String> {
    let pages = ["README.md", "docs/entry.md"].map(page);
    let fences = pages.iter().flat_map(|page| &page.fences);
    let json = fences.filter(|fence| fence.language == "json");
    let mut lines: Vec<_> = json.map(|fence| one_line(&fence.text)).collect();
    let went_well = lines.first().unwrap();
    let failed = went_well
        .replace(r#""outcome":"success""#, r#""outcome":"error""#)
        .replace(r#","agent":"#, r#","reason":"upstream_timeout","agent":"#);
    assert_ne!(failed, *went_well);
    lines.push(failed);
    lines
}

/// A document that is laid out over several lines is one line.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

/// JSON is an entry, to the last byte, or a configuration.
fn not_read(text: &str) -> Option<String> {
    let line = one_line(text);
    if !line.starts_with(r#"{"timestamp":"#) {
        return not_loaded(&line);
    }
    let read: Entry<'_> = match serde_json::from_str(&line) {
        Ok(entry) => entry,
        Err(error) => return Some(format!("no entry: {error}")),
    };
    let mut written = Vec::new();
    read.write_to(&mut written);
    let written = String::from_utf8(written).unwrap();
    (written != line).then(|| format!("is written as\n{written}"))
}

fn not_loaded(configuration: &str) -> Option<String> {
    match Settings::from_json(configuration.as_bytes()) {
        Ok(settings) => Config::try_from(settings).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn every_link_leads_somewhere() {
    no_failures(pages().iter().flat_map(|page| {
        let links = page.links().into_iter();
        let lost = links.filter(|link| !leads_somewhere(&page.name, link));
        lost.map(|link| format!("{}: {link}", page.name)).collect::<Vec<_>>()
    }));
}

fn leads_somewhere(from: &str, link: &str) -> bool {
    if link.starts_with("https://") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => root().join(from),
        file => root().join(from).parent().unwrap().join(file),
    };
    let Ok(target) = target.canonicalize() else { return false };
    let Ok(target) = target.strip_prefix(root()) else { return false };
    anchor.is_empty() || page(target.to_str().unwrap()).anchors().iter().any(|one| one == anchor)
}

#[test]
fn every_file_that_is_named_is_there() {
    const FOLDERS: [&str; 8] =
        ["filter/", "audit/", "envoy/", "k8s/", "tests/", "docs/", ".tools/", ".ci/"];
    no_failures(pages().iter().flat_map(|page| {
        let code = page.code();
        let names = code.iter().filter_map(|code| code.split([' ', ':']).next());
        let paths = names.filter(|name| FOLDERS.iter().any(|folder| name.starts_with(folder)));
        let paths = paths.filter(|name| !name.contains(['*', '<', '…', '$', '@']));
        let lost = paths.filter(|name| !name.contains("NAME") && !root().join(name).exists());
        lost.map(|name| format!("{}: {name}", page.name)).collect::<Vec<_>>()
    }));
}

#[test]
fn every_command_that_is_named_is_one() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    no_failures(pages().iter().flat_map(|page| {
        let fenced = page.fences.iter().flat_map(|fence| fence.text.lines().map(str::to_owned));
        let lines = page.code().into_iter().chain(fenced);
        let problems = lines.filter_map(|line| {
            let problem = wrong_option(&line).or_else(|| wrong_target(&line, &makefile))?;
            Some(format!("{}: {line}: {problem}", page.name))
        });
        problems.collect::<Vec<_>>()
    }));
}

/// What is wrong with a line that is a call of the tool: `ledgerline COMMAND --option …`.
fn wrong_option(line: &str) -> Option<String> {
    let call = line.strip_prefix("$ ").unwrap_or(line).strip_prefix("ledgerline ")?;
    let call = call.split(['|', '#', ';', '&']).next()?;
    let mut words = call.split(' ');
    let is_name = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let mut command = vec![words.next().filter(|word| is_name(word))?];
    if command == ["hosts"] {
        command.extend(words.next().filter(|word| is_name(word)));
    }
    let Some(help) = help(&command) else { return Some("no such command".to_owned()) };
    let options = words.filter(|word| word.starts_with("--"));
    let mut options = options.filter_map(|word| word.split('=').next());
    let unknown = options.find(|option| !help.contains(option))?;
    Some(format!("no such option: {unknown}"))
}

/// What is wrong with a line that is `make TARGET`.
fn wrong_target(line: &str, makefile: &str) -> Option<String> {
    let target = line.strip_prefix("make ")?.split(' ').next()?;
    // Among packages to be installed it is one of them.
    let is_target = !line.contains(" gcc ") && !makefile.contains(&format!("\n{target}:"));
    is_target.then(|| format!("no such target: {target}"))
}

#[test]
fn every_key_of_the_configuration_is_explained() {
    let explained = Words::of(&["docs/configuration.md"]);
    let one_host = br#"{"hosts":[{"hosts":["*"],"call":"deny","mask_outbound":true,
        "mask_outbound_likely":true,"secret_to_wrong_host":"deny"}]}"#;
    let settings = serde_json::to_value(Settings::from_json(one_host).unwrap()).unwrap();
    for (section, keys) in settings.as_object().unwrap() {
        let keys = keys.get(0).unwrap_or(keys).as_object().unwrap().keys();
        let names = keys.map(|key| [format!("{section}.{key}"), format!(".{key}")]);
        let missing: Vec<_> =
            names.filter(|names| names.iter().all(|name| !explained.0.contains(name))).collect();
        assert!(missing.is_empty(), "docs/configuration.md does not explain {missing:?}");
    }
}

#[test]
fn every_key_and_word_of_an_entry_is_explained() {
    let explained = Words::of(&["docs/entry.md", "docs/streams.md", "docs/models-and-tools.md"]);
    let (_, schema) = Place::with_ledger(&[]).bash("ledgerline schema entry");
    let mut words = BTreeSet::new();
    words_of(&serde_json::from_str(&schema).unwrap(), &mut words);
    assert!(words.len() > 100, "only {words:?}");
    let missing: Vec<_> = words.iter().filter(|word| !explained.have(word)).collect();
    assert!(missing.is_empty(), "not explained: {missing:?}");
}

/// The names of members, and the words of closed lists.
fn words_of(schema: &Value, words: &mut BTreeSet<String>) {
    let members = schema.get("properties").and_then(Value::as_object);
    words.extend(members.into_iter().flat_map(|members| members.keys().cloned()));
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.chain(schema.get("const")).filter_map(Value::as_str);
    words.extend(listed.map(str::to_owned));
    match schema {
        Value::Object(members) => members.values().for_each(|value| words_of(value, words)),
        Value::Array(values) => values.iter().for_each(|value| words_of(value, words)),
        _ => {}
    }
}

#[test]
fn every_command_is_listed() {
    let listed = Words::of(&["docs/tool.md"]);
    let help = help(&[]).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<_> = names.filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(names.len() > 10, "{help}");
    let missing: Vec<_> = names.iter().filter(|name| !listed.0.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/tool.md does not list {missing:?}");
}

#[test]
fn every_alert_is_listed_and_counted() {
    let alerts = fs::read_to_string(root().join("k8s/components/monitoring/alerts.yaml")).unwrap();
    let alerts = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: BTreeSet<_> = alerts.map(str::to_owned).collect();
    let listed = Words::of(&["docs/operate.md"]).0;
    let listed = listed.into_iter().filter(|word| word.starts_with("Ledgerline"));
    assert_eq!(listed.collect::<BTreeSet<_>>(), alerts);
    let count = format!("{} alerts with a runbook", alerts.len());
    let overview = page("docs/kubernetes/README.md");
    assert!(overview.prose().any(|line| line.contains(&count)), "not said: {count}");
}

/// What stands between backticks in some pages.
struct Words(BTreeSet<String>);

impl Words {
    fn of(names: &[&str]) -> Self {
        Self(names.iter().flat_map(|name| page(name).code()).collect())
    }

    /// Whether the word stands there, be it alone or as the last part of a longer name.
    fn have(&self, word: &str) -> bool {
        let suffix = format!(".{word}");
        self.0.iter().any(|code| code == word || code.ends_with(&suffix))
    }
}
