//! `ledgerline show`: a ledger for a person.
//!
//! ```text
//! 12:34:56.000  success         200 POST   api.stripe.com/v1/charges
//!               by sales-assistant  1.2 kB up, 3.4 kB down, 812 ms  c9f8e7
//! ```
//!
//! A ledger may hold lines that are no entries: a file system that was full tears a line in two. Such
//! a line is counted and named, a whole entry at its end is shown, and the next one is read as if
//! nothing had happened.

use std::{
    io::{self, Write},
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
};

use crate::{
    fault::Fault,
    format::Format,
    ledger::{self, Call, Content, Counts, Line, Whole},
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
    let fault = |error: io::Error| Fault::io(&options.ledger, &error);
    let mut counts = Counts::default();
    let mut inode = options.ledger.metadata().map(|file| file.ino()).ok();
    let mut lines = ledger::open(&options.ledger).map_err(fault)?;
    loop {
        // Whoever writes the next file under this name has closed this one.
        let next = next_file(&options.ledger, inode);
        while let Some(line) = lines.next_line().map_err(fault)? {
            show(line, options, &mut counts);
        }
        if options.follow && next.is_none() {
            thread::sleep(POLL);
            continue;
        }
        if let Some(rest) = lines.rest() {
            show(rest, options, &mut counts);
        }
        if !options.follow {
            break;
        }
        lines = ledger::open(&options.ledger).map_err(fault)?;
        inode = next;
    }
    match counts.problem() {
        None => Ok(()),
        Some(problem) => Err(Fault::Refused(format!("{}: {problem}", options.ledger.display()))),
    }
}

/// The inode of another file than this one that has the name now, and lines in it.
fn next_file(path: &Path, inode: Option<u64>) -> Option<u64> {
    let file = path.metadata().ok().filter(|file| file.len() > 0)?;
    Some(file.ino()).filter(|next| Some(*next) != inode)
}

/// Prints a line, or says why it is no entry.
fn show(line: Line<'_>, options: &Options, counts: &mut Counts) {
    let content = line.read();
    counts.add(&content);
    match &content {
        Content::Entry(_) => {}
        Content::Recovered(_) => {
            tell(&options.ledger, line, "torn: an entry is lost, the one behind it is whole");
        }
        Content::Torn(problem) => tell(&options.ledger, line, &format!("no entry: {problem}")),
    }
    if let Some(whole) = content.entry() {
        print(whole, options.format);
    }
}

fn tell(ledger: &Path, line: Line<'_>, problem: &str) {
    anstream::eprintln!("{}:{}: {problem}", ledger.display(), line.number);
}

fn print(whole: &Whole<'_>, format: Format) {
    let mut out = anstream::stdout().lock();
    let written = match format {
        Format::Json => out.write_all(whole.bytes).and_then(|()| out.write_all(b"\n")),
        Format::Text => match whole.call() {
            Some(call) => write_text(&mut out, &call),
            None => write_other(&mut out, whole),
        },
    };
    if written.is_err() {
        // The reader of our output has gone, such as `head`: there is nobody left to tell.
        std::process::exit(0);
    }
}

/// A line that is no call.
fn write_other(out: &mut impl Write, whole: &Whole<'_>) -> io::Result<()> {
    let kind = whole.kind().unwrap_or_default();
    writeln!(out, "{}  {}", whole.timestamp(), kind.escape_debug())
}

fn write_text(out: &mut impl Write, call: &Call<'_>) -> io::Result<()> {
    let entry = &call.entry;
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
    let unread = call.unread.iter().map(|unread| {
        format!("{} {} (of a later version)", unread.key, unread.value).escape_debug().to_string()
    });
    let details: Vec<_> = details.into_iter().flatten().chain(unread).collect();
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
