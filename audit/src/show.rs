//! `ledgerline show`: a ledger for a person.
//!
//! ```text
//! 12:34:56.000  success         200 POST   api.stripe.com/v1/charges
//!               by sales-assistant  1.2 kB up, 3.4 kB down, 812 ms  c9f8e7
//! ```
//!
//! A ledger may hold lines that are no entries: a file system that was full tears a line in two. Such
//! a line is counted and named, and the next one is read as if nothing had happened.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use ledgerline_core::{
    Entry,
    digest::End,
    entry::{GenAi, MAX_ENTRY_BYTES, Mcp, Message},
    outcome::Outcome,
};

use crate::fault::Fault;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The ledger, such as ledger/entries.jsonl
    ledger: PathBuf,
    /// Keep reading as entries land, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// For a person, or the entries as they are
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// Two lines per entry
    #[default]
    Text,
    /// The entry's own line
    Json,
}

/// How long a reader that follows waits at the end of the file.
const POLL: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let file = File::open(&options.ledger).map_err(|error| Fault::io(&options.ledger, &error))?;
    let mut lines = Lines { reader: BufReader::new(file), line: Vec::new(), number: 0 };
    let mut unreadable: u64 = 0;
    loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                unreadable += u64::from(!print(line, options.format, &options.ledger))
            }
            Ok(None) if options.follow => thread::sleep(POLL),
            Ok(None) => break,
            Err(error) => return Err(Fault::io(&options.ledger, &error)),
        }
    }
    if let Some(rest) = lines.rest() {
        unreadable += u64::from(!print(rest, options.format, &options.ledger));
    }
    match unreadable {
        0 => Ok(()),
        count => Err(Fault::Refused(format!(
            "{}: {count} of {} lines are no entries",
            options.ledger.display(),
            lines.number
        ))),
    }
}

/// The whole lines of a file that may still grow.
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

/// One line of a ledger, without its line feed.
struct Line<'a> {
    number: u64,
    bytes: &'a [u8],
}

impl<R: BufRead> Lines<R> {
    /// The next whole line; `None` if there is no more for now.
    fn next_line(&mut self) -> std::io::Result<Option<Line<'_>>> {
        if self.line.last() == Some(&b'\n') {
            self.line.clear();
        }
        self.reader.read_until(b'\n', &mut self.line)?;
        let Some(bytes) = self.line.strip_suffix(b"\n") else { return Ok(None) };
        self.number += 1;
        Ok(Some(Line { number: self.number, bytes }))
    }

    /// What stands behind the last line feed, if anything.
    fn rest(&mut self) -> Option<Line<'_>> {
        if self.line.is_empty() || self.line.ends_with(b"\n") {
            return None;
        }
        self.number += 1;
        Some(Line { number: self.number, bytes: &self.line })
    }
}

/// Prints a line; whether it was an entry.
fn print(line: Line<'_>, format: Format, ledger: &Path) -> bool {
    let mut out = anstream::stdout().lock();
    let entry = read_entry(line.bytes);
    let written = match (&entry, format) {
        (Ok(_), Format::Json) => out.write_all(line.bytes).and_then(|()| out.write_all(b"\n")),
        (Ok(entry), Format::Text) => write_text(&mut out, entry),
        (Err(problem), _) => {
            anstream::eprintln!("{}:{}: no entry: {problem}", ledger.display(), line.number);
            Ok(())
        }
    };
    if written.is_err() {
        // The reader of our output has gone, such as `head`: there is nobody left to tell.
        std::process::exit(0);
    }
    entry.is_ok()
}

/// The message never quotes the line, which may be anything.
fn read_entry(line: &[u8]) -> Result<Entry<'_>, String> {
    if line.len() > MAX_ENTRY_BYTES {
        return Err(format!("{} bytes, at most {MAX_ENTRY_BYTES} are allowed", line.len()));
    }
    serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => "the line ends too early".to_owned(),
        _ => format!("not in the form of an entry at column {}", error.column()),
    })
}

fn write_text(out: &mut impl Write, entry: &Entry<'_>) -> std::io::Result<()> {
    let time = entry.timestamp.to_string();
    let clock = time.get(11..23).unwrap_or(&time);
    let style = Style::new().fg_color(Some(color(entry).into()));
    let word = if entry.provisional { "provisional" } else { entry.outcome.as_str() };
    writeln!(
        out,
        "{clock}  {style}{word:<14}{style:#} {:>3} {:<6} {}",
        entry.status.map_or("-".into(), |status| status.to_string()),
        entry.method.as_deref().unwrap_or("-"),
        entry.endpoint.as_deref().unwrap_or("-"),
    )?;
    let details = [
        entry.reason.map(|reason| reason.as_str().to_owned()),
        Some(format!("by {}", entry.agent_id.as_deref().unwrap_or("nobody named"))),
        entry.user_id.as_ref().map(|user| format!("for {user}")),
        entry.gen_ai.as_ref().and_then(model_text),
        entry.mcp.as_ref().and_then(mcp_text),
        entry.stream.as_ref().map(|stream| format!("{} events", stream.response.events)),
        entry.request.as_ref().map(|request| body_text("up", request)),
        entry.response.as_ref().map(|response| body_text("down", response)),
        entry.timing.map(|timing| duration_text(timing.duration_us)),
        entry.request_hash.map(|hash| format!("request {}", short(&hash.to_string()))),
        entry.response_hash.map(|hash| format!("response {}", short(&hash.to_string()))),
    ];
    let details: Vec<_> = details.into_iter().flatten().collect();
    writeln!(out, "{:14}{}", "", details.join(", "))
}

fn color(entry: &Entry<'_>) -> AnsiColor {
    match entry.outcome {
        _ if entry.provisional => AnsiColor::BrightBlack,
        Outcome::Success => AnsiColor::Green,
        Outcome::Throttled => AnsiColor::Yellow,
        Outcome::Error => AnsiColor::Red,
        Outcome::PolicyBlocked => AnsiColor::Magenta,
    }
}

/// `gpt-5-2025-08-07, 120 tokens in, 4 tokens out, calling search`, as far as it is known.
fn model_text(gen_ai: &GenAi<'_>) -> Option<String> {
    let model = gen_ai.response_model.as_ref().or(gen_ai.request_model.as_ref());
    let parts = [
        model.map(ToString::to_string),
        gen_ai.input_tokens.map(|tokens| format!("{tokens} tokens in")),
        gen_ai.output_tokens.map(|tokens| format!("{tokens} tokens out")),
        (!gen_ai.tools.is_empty()).then(|| format!("calling {}", gen_ai.tools.join(" "))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `tools/call search`.
fn mcp_text(mcp: &Mcp<'_>) -> Option<String> {
    let method = mcp.method.as_ref()?;
    let name = mcp.tool.as_ref().or(mcp.prompt.as_ref());
    Some(name.map_or_else(|| method.to_string(), |name| format!("{method} {name}")))
}

fn body_text(direction: &str, message: &Message<'_>) -> String {
    let bytes = match message.bytes {
        bytes @ 0..10_000 => format!("{bytes} B"),
        bytes @ 10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        bytes => format!("{} MB", bytes / 1_000_000),
    };
    let end = message.end.filter(|end| *end != End::Complete);
    let end = end.map(|end| format!(" ({})", end.as_str())).unwrap_or_default();
    format!("{bytes} {direction}{end}")
}

fn duration_text(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
