//! `ledgerline show`: a ledger for a person.
//!
//! ```text
//! 2026-06-30 12:34:56.000  success        200 POST   api.stripe.com/v1/charges
//!                          by sales-assistant, 1.2 kB up, 3.4 kB down, 812 ms, correlation c9f8e7
//! ```
//!
//! A ledger may hold lines that are no entries: a file system that was full tears a line in two. Such
//! a line is counted and named, a whole entry at its end is shown, and the next one is read as if
//! nothing had happened.
//!
//! Under a shipper the lines of `entries.jsonl` move on to other files, and from there into a storage.
//! So that nobody takes an empty file for an empty ledger, what is still here is read, and what is not
//! is said.

use std::{
    io::{self, BufRead, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use clap::Args;
use ledgerline_core::{
    Entry,
    digest::End,
    entry::{GenAi, Mcp, Message},
    outcome::Outcome,
    time::Timestamp,
};

use crate::{
    fault::Fault,
    format::Format,
    ledger::{self, Away, Call, Content, Counts, Line, Lines, Whole},
    plain::{Shown, plain},
    say::{say_json, tell, unwritten},
};

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

/// How long a reader that follows waits at the end of the file.
const POLL: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let mut show = Show { options, counts: Counts::default() };
    let name = options.ledger.shown();
    let is_regular = options.ledger.metadata().is_ok_and(|file| file.is_file());
    let live = ledger::open(&options.ledger).map_err(|error| Fault::io(&options.ledger, &error))?;
    if is_regular {
        show.finished()?;
    }
    show.live(live)?;
    let away = ledger::away(&options.ledger).unwrap_or_default();
    if is_regular && ledger::is_live(&options.ledger) && away.objects > 0 {
        let Away { objects, entries, url } = away;
        tell(&format!(
            "{name}: not shown: {entries} entries that were carried to {} and are no more here ({objects} objects; shipped.jsonl names them)",
            plain(&url)
        ));
    } else if show.counts.lines == 0 {
        tell(&format!("{name}: no entries"));
    }
    match show.counts.problem() {
        None => Ok(()),
        Some(problem) => Err(Fault::Refused(format!("{name}: {problem}"))),
    }
}

/// What is shown, and what was seen so far.
struct Show<'a> {
    options: &'a Options,
    counts: Counts,
}

impl Show<'_> {
    /// The files that a shipper took from under the gateway. Whoever follows wants what is new.
    fn finished(&mut self) -> Result<(), Fault> {
        let ledger = &self.options.ledger;
        let files = ledger::finished(ledger).map_err(|error| Fault::io(ledger, &error))?;
        if files.is_empty() {
            return Ok(());
        }
        let (name, count) = (ledger.shown(), files.len());
        if self.options.follow {
            tell(&format!(
                "{name}: {count} finished files beside it are not shown: leave out --follow"
            ));
            return Ok(());
        }
        tell(&format!(
            "{name}: with the {count} finished files beside it, which were taken from it to be shipped"
        ));
        files.iter().try_for_each(|file| self.file(file))
    }

    fn file(&mut self, file: &Path) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault::io(file, &error);
        let mut lines = match ledger::open(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tell(&format!("{}: gone while it was to be read: ask again", file.shown()));
                return Ok(());
            }
            lines => lines.map_err(fault)?,
        };
        while let Some(line) = lines.next_of_closed().map_err(fault)? {
            self.line(file, line)?;
        }
        Ok(())
    }

    fn live(&mut self, mut lines: Lines<Box<dyn BufRead>>) -> Result<(), Fault> {
        let ledger = &self.options.ledger;
        let fault = |error: io::Error| Fault::io(ledger, &error);
        let mut inode = ledger.metadata().map(|file| file.ino()).ok();
        loop {
            // Whoever writes the next file under this name has closed this one.
            let next = next_file(ledger, inode);
            while let Some(line) = lines.next_line().map_err(fault)? {
                self.line(ledger, line)?;
            }
            if self.options.follow && next.is_none() {
                thread::sleep(POLL);
                continue;
            }
            if let Some(rest) = lines.rest() {
                self.line(ledger, rest)?;
            }
            if !self.options.follow {
                return Ok(());
            }
            lines = ledger::open(ledger).map_err(fault)?;
            inode = next;
        }
    }

    /// Prints a line, or says why it is no entry.
    fn line(&mut self, file: &Path, line: Line<'_>) -> Result<(), Fault> {
        let content = line.read();
        self.counts.add(&content);
        let problem = match &content {
            Content::Entry(_) => None,
            Content::Recovered(_) => {
                Some("torn: an entry is lost, the one behind it is whole".to_owned())
            }
            Content::Torn(problem) => Some(format!("no entry: {problem}")),
        };
        if let Some(problem) = problem {
            tell(&format!("{}:{}: {problem}", file.shown(), line.number));
        }
        content.entry().map_or(Ok(()), |whole| print(whole, self.options.format))
    }
}

/// The inode of another file than this one that has the name now, and lines in it.
fn next_file(path: &Path, inode: Option<u64>) -> Option<u64> {
    let file = path.metadata().ok().filter(|file| file.len() > 0)?;
    Some(file.ino()).filter(|next| Some(*next) != inode)
}

fn print(whole: &Whole<'_>, format: Format) -> Result<(), Fault> {
    if matches!(format, Format::Json) {
        return say_json(&String::from_utf8_lossy(whole.bytes));
    }
    write_whole(&mut anstream::stdout().lock(), whole).map_err(|error| unwritten(&error))
}

/// Writes finished lines of a ledger as `show` prints them; how many of them are no entries.
pub fn write_lines(out: &mut impl Write, text: &[u8]) -> io::Result<u64> {
    let mut torn = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let content = Content::of(line.strip_suffix(b"\n").unwrap_or(line));
        torn += u64::from(!matches!(content, Content::Entry(_)));
        content.entry().map_or(Ok(()), |whole| write_whole(out, whole))?;
    }
    Ok(torn)
}

fn write_whole(out: &mut impl Write, whole: &Whole<'_>) -> io::Result<()> {
    match whole.call() {
        Some(call) => write_call(out, &call),
        None => write_other(out, whole),
    }
}

/// A line that is no call.
fn write_other(out: &mut impl Write, whole: &Whole<'_>) -> io::Result<()> {
    let kind = whole.kind().unwrap_or_default();
    writeln!(out, "{}  {}", moment(whole.timestamp()), plain(&kind))
}

fn write_call(out: &mut impl Write, call: &Call<'_>) -> io::Result<()> {
    let entry = &call.entry;
    let style = Style::new().fg_color(Some(color(entry).into()));
    let word = if entry.provisional { "provisional" } else { entry.outcome.as_str() };
    writeln!(
        out,
        "{}  {style}{word:<14}{style:#} {:>3} {:<6} {}",
        moment(entry.timestamp),
        entry.status.map_or("-".into(), |status| status.to_string()),
        plain(entry.method.as_deref().unwrap_or("-")),
        plain(entry.endpoint.as_deref().unwrap_or("-")),
    )?;
    let details: Vec<_> = details(call).iter().map(|detail| plain(detail).into_owned()).collect();
    writeln!(out, "{:25}{}", "", details.join(", "))
}

/// `2026-06-30 12:34:56.000`, in UTC.
fn moment(at: Timestamp) -> String {
    let time = at.to_string();
    time.get(..23).unwrap_or(&time).replacen('T', " ", 1)
}

fn details(call: &Call<'_>) -> Vec<String> {
    let entry = &call.entry;
    let known = [
        why_text(entry),
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
        entry.correlation_id.as_ref().map(|id| format!("correlation {id}")),
    ];
    let unread = call.unread.iter();
    let unread = unread.map(|later| format!("{} {} (of a later version)", later.key, later.value));
    known.into_iter().flatten().chain(unread).collect()
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

/// `application_error (not_in_channel)`: why it did not plainly succeed, in our word and in that of the other side.
fn why_text(entry: &Entry<'_>) -> Option<String> {
    let of_model = entry.gen_ai.as_ref().and_then(|gen_ai| gen_ai.error_type.as_deref());
    let ours = entry.reason.map(|reason| reason.as_str().to_owned());
    let Some(theirs) = entry.error_type.as_deref().or(of_model) else { return ours };
    Some(ours.map_or_else(|| theirs.to_owned(), |ours| format!("{ours} ({theirs})")))
}

/// `chat gpt-5-2025-08-07, 120 tokens in, 4 tokens out, calling search`, as far as it is known.
fn model_text(gen_ai: &GenAi<'_>) -> Option<String> {
    let model = gen_ai.response_model.as_ref().or(gen_ai.request_model.as_ref());
    let about: Vec<_> = gen_ai.operation.iter().chain(model).map(AsRef::as_ref).collect();
    let parts = [
        (!about.is_empty()).then(|| about.join(" ")),
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
    let name = mcp.tool.as_ref().or(mcp.prompt.as_ref()).or(mcp.resource_uri.as_ref());
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
