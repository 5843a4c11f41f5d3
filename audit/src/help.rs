//! Arguments in, help and refusals out.
//!
//! Help is laid out for the terminal that it is read on. The library wraps what options say; of the
//! text behind them it only breaks lines that are too long, which leaves a stump of every line that
//! was broken by hand before. So that text is laid out here: paragraphs are filled, the lines of an
//! example stay apart, and a command that is too long for one line goes on behind a `\`, so that it can
//! be pasted.
//!
//! A refusal quotes what was written on the command line, which may come from a script and from
//! anywhere: it is shown as [`plain`] shows it.

use std::env;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, error::Error};

use crate::{
    plain::{plain, printable},
    say::tell,
};

/// What was asked for; whoever asked for help, or for what there is not, gets that, and the process ends.
pub(crate) fn parse<T: CommandFactory + FromArgMatches>() -> T {
    let command = built(T::command(), width());
    let read = |matches: ArgMatches| T::from_arg_matches(&matches);
    command.try_get_matches().and_then(read).unwrap_or_else(|error| refuse(&error))
}

fn refuse(error: &Error) -> ! {
    let text = error.to_string();
    let (shown, is_changed) = env::args_os().fold((text, false), |(text, is_changed), argument| {
        let argument = argument.to_string_lossy();
        let values = [argument.split_once('=').map(|(_, value)| value), Some(&*argument)];
        let odd = values
            .into_iter()
            .flatten()
            .find(|value| value.chars().any(char::is_control) && text.contains(*value));
        match odd {
            Some(value) => (text.replace(value, &plain(value)), true),
            None => (text, is_changed),
        }
    });
    if error.use_stderr() && (is_changed || printable(&shown) != shown) {
        tell(shown.trim_end());
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// Where nobody says how wide a line is.
const WIDTH: usize = 100;

/// As the library would find it.
fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let columns = || env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(columns).filter(|width| *width > 0).unwrap_or(WIDTH)
}

/// The command, and all below it, with help that is so wide.
fn built(command: Command, width: usize) -> Command {
    let mut command = command.term_width(width);
    // Only then each command knows what it is called.
    command.build();
    laid_out(command, width)
}

fn laid_out(command: Command, width: usize) -> Command {
    let command = command.term_width(width).mut_subcommands(|command| laid_out(command, width));
    let command = usage_laid_out(command, width);
    match command.get_after_help().map(|text| fill(&text.to_string(), width)) {
        Some(text) => command.after_help(text),
        None => command,
    }
}

fn usage_laid_out(mut command: Command, width: usize) -> Command {
    let usage = command.render_usage().to_string();
    let Some(text) = usage.strip_prefix(USAGE) else { return command };
    if text.contains('\n') || usage.chars().count() <= width {
        return command;
    }
    let whole = Paragraph { indent: 0, is_command: false, text: text.to_owned() };
    let lines = whole.lines(width.saturating_sub(USAGE.len()));
    command.override_usage(lines.join(&format!("\n{}", " ".repeat(USAGE.len()))))
}

const USAGE: &str = "Usage: ";

/// One line as its author meant it, however long.
#[derive(Debug, PartialEq, Eq)]
struct Paragraph {
    indent: usize,
    is_command: bool,
    text: String,
}

fn fill(text: &str, width: usize) -> String {
    let paragraphs = paragraphs(text);
    let lines: Vec<String> = paragraphs.iter().flat_map(|it| it.lines(width)).collect();
    lines.join("\n")
}

/// Lines of the same depth are one paragraph; an empty line, another depth, a `:` at the end and a
/// command divide.
fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    for line in text.lines() {
        let body = line.trim();
        let indent = line.len() - line.trim_start().len();
        let is_command = body.starts_with("ledgerline ")
            || body.contains("=https://") && body.contains(" ledgerline ");
        match paragraphs.last_mut() {
            Some(last) if last.is_command && last.text.ends_with('\\') => {
                last.text.truncate(last.text.len() - 1);
                last.text.push_str(body);
            }
            Some(last) if last.takes(body, indent, is_command) => {
                last.text.push(' ');
                last.text.push_str(body);
            }
            _ => paragraphs.push(Paragraph { indent, is_command, text: body.to_owned() }),
        }
    }
    paragraphs
}

impl Paragraph {
    fn words(&self) -> Vec<&str> {
        if self.is_command { words(&self.text) } else { self.text.split_whitespace().collect() }
    }

    fn takes(&self, body: &str, indent: usize, is_command: bool) -> bool {
        let is_whole = self.is_command || self.text.is_empty() || self.text.ends_with(':');
        !is_whole && !is_command && !body.is_empty() && self.indent == indent
    }

    fn lines(&self, width: usize) -> Vec<String> {
        let (tail, more) = if self.is_command { (" \\", 4) } else { ("", 0) };
        let indent = self.indent.min(width / 4);
        let mut lines = vec![" ".repeat(indent)];
        for word in self.words() {
            let Some(line) = lines.last_mut() else { break };
            let is_empty = line.trim().is_empty();
            let length = line.chars().count() + 1 + word.chars().count() + tail.len();
            match (is_empty, length > width) {
                (true, _) => line.push_str(word),
                (false, false) => *line += &format!(" {word}"),
                (false, true) => {
                    line.push_str(tail);
                    lines.push(" ".repeat(indent + more) + word);
                }
            }
        }
        lines
    }
}

/// The words of a command; what stands in quotes is one.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (' ', None) => {
                words.extend(text.get(start..at).filter(|word| !word.is_empty()));
                start = at + 1;
            }
            ('\'' | '"', None)
                if text
                    .get(start..at)
                    .is_some_and(|word| !word.ends_with(char::is_alphanumeric)) =>
            {
                quote = Some(c);
            }
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    words.extend(text.get(start..).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Cli;

    fn each(command: Command, check: &mut dyn FnMut(&mut Command)) {
        let mut command = command;
        check(&mut command);
        for below in command.get_subcommands().cloned().collect::<Vec<_>>() {
            each(below, check);
        }
    }

    fn texts(width: usize) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        each(built(Cli::command(), width), &mut |command| {
            let name = command.get_name().to_owned();
            texts.push((name.clone(), command.render_help().to_string()));
            texts.push((name, command.render_long_help().to_string()));
        });
        texts
    }

    #[test]
    fn no_line_of_help_is_longer_than_the_terminal_or_broken_before_it_must_be() {
        let whole = texts(100_000);
        assert!(whole.len() > 20, "{} texts", whole.len());
        for width in [40, 80, 100, 120] {
            for ((name, text), (_, whole)) in texts(width).iter().zip(&whole) {
                let lines: Vec<_> = text.lines().collect();
                for line in &lines {
                    let is_one_word = line.split_whitespace().count() <= 2;
                    let length = line.chars().count();
                    assert!(length <= width || is_one_word, "{name} at {width}: {length}: {line}");
                }
                for pair in lines.windows(2) {
                    let [line, next] = pair else { continue };
                    check_filled(line, next, whole, width, name);
                }
            }
        }
    }

    /// A line that goes on has no room for the first word of the next one.
    fn check_filled(line: &str, next: &str, whole: &str, width: usize, name: &str) {
        let first = if line.ends_with('\\') {
            words(next.trim())
        } else {
            next.split_whitespace().collect()
        };
        let Some(word) = first.first().copied() else { return };
        // What stands in quotes is not taken apart, unless it is longer than the terminal.
        if line.ends_with('\\') && line.contains(['"', '\'']) {
            return;
        }
        let text = next.trim().trim_end_matches(" \\");
        let begins =
            |whole: &str| whole.trim().starts_with(text) || whole.contains(&format!("  {text}"));
        if line.trim().is_empty() || whole.lines().any(begins) {
            return;
        }
        let tail = if line.ends_with('\\') { 0 } else { 1 };
        let length = line.chars().count() + tail + word.chars().count();
        assert!(length > width, "{name} at {width}: broken too early:\n{line}\n{next}");
    }

    #[test]
    fn a_paragraph_is_filled_and_a_command_can_be_pasted() {
        let text = "Examples:\n  ledgerline hash --type 'a; b=c' \\\n      x.json y.json\n      What it is,\n      and more\n\nExit codes: 0\nyes; 1 no.";
        let filled = "Examples:\n  ledgerline hash \\\n      --type 'a; b=c' \\\n      x.json y.json\n      What it is, and\n      more\n\nExit codes: 0 yes; 1 no.";
        assert_eq!(fill(text, 24), filled);
        let wide = "Examples:\n  ledgerline hash --type 'a; b=c' x.json y.json\n      What it is, and more\n\nExit codes: 0 yes; 1 no.";
        assert_eq!(fill(text, 80), wide);
    }
}
