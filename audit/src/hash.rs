//! `ledgerline hash`: the hash that an entry would hold for a payload.
//!
//! ```text
//! ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  call.json
//! ```
//!
//! An entry keeps no content. Whoever has the payload of a call computes here what the gateway
//! computed, and compares. The masker and the digest are those of the filter, and the payload passes
//! them in chunks, so it may be as large as it likes.
//!
//! A hash is the answer to four things, and a person is told about each: the bytes, how they are
//! written (the media type), what is secret in them (the rules), and the key.

mod expected;
mod explain;
mod key;
mod method;
mod payload;
mod stream;

use std::{
    fmt,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use clap::Args;
use ledgerline_core::{mask::Masked, stream::Stream};

use self::{
    expected::{Expectation, Expected},
    key::KeySource,
    method::{Method, Reader},
    stream::{ExpectedStream, StreamOptions},
};
use crate::{
    fault::Fault,
    plain::{Shown, Terminal},
    say::{say, tell},
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The payload as it crossed the gateway; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Say on standard error which rules replaced how many secrets
    #[arg(long)]
    show_masked: bool,
    /// Write what is hashed, the payload with its secrets replaced, and no hash
    #[arg(long, conflicts_with_all = ["expect", "entry"])]
    view: bool,
    /// List each secret that is replaced: by which rule, how sure that is, where, and what is near it in
    /// the masked view
    #[arg(long, conflicts_with_all = ["expect", "entry", "view", "kind"])]
    explain: bool,
    #[command(flatten)]
    reader: Reader,
    #[command(flatten)]
    key: KeySource,
    #[command(flatten)]
    expectation: Expectation,
    #[command(flatten)]
    stream: StreamOptions,
}

const AFTER_HELP: &str = "\
Examples:
  ledgerline hash call.json
      The hash of a JSON payload, to look for in a ledger
  ledgerline hash --expect 1f2e…90ab call.json
      Is it this one?
  ledgerline hash --entry \"$(grep c9f8e7 ledger/entries.jsonl)\" --side request call.json
      Is it the payload of this entry?
  ledgerline hash --rules envoy/egress.yaml --key-env LEDGERLINE_HASH_KEY call.json
      With the gateway's own rules and key
  ledgerline hash --type 'multipart/form-data; boundary=XyZ' upload.bin
      A form with parts: the boundary stands in the content-type of the call
  ledgerline hash --stream sse --entry entry.json --side response answer.txt
      Are these the events of that stream? If the call broke off: are they its first ones?
  ledgerline hash --view call.json
      What is hashed, for your eyes: every secret that was found is replaced
  ledgerline hash --explain call.json
      Why was that replaced? For mask.names, mask.except_names and mask.rules

If the hashes differ, look at the payload first. It must have the bytes that crossed: not laid out
anew, not decompressed, without the line end that an editor adds. Then at --type, --rules and the
key: they must be those of the gateway when the call was made.

Exit codes: 0 done, or equal; 1 different; 2 the question could not be asked.";

pub(crate) fn run(options: &Options) -> Result<(), Fault> {
    let (reader, key) = (&options.reader, &options.key);
    if let Some(kind) = options.stream.kind {
        let expected = options.expectation.read_stream(kind)?;
        options.check_count(expected.is_some())?;
        let entry = expected.as_ref().and_then(ExpectedStream::entry);
        let method = Method::new(reader, key, entry, Some(kind))?;
        return options.each_file(|file| {
            let masked = options.stream.answer(kind, file, &method, expected.as_ref())?;
            options.tell_masked(file, masked.as_ref());
            Ok(())
        });
    }
    let expected = options.expectation.read()?;
    options.check_count(expected.is_some())?;
    let entry = expected.as_ref().and_then(Expected::entry);
    let method = Method::new(reader, key, entry, None)?;
    options.each_file(|file| options.answer(file, &method, expected.as_ref()))
}

impl Options {
    fn check_count(&self, is_compared: bool) -> Result<(), Fault> {
        match self.files.len() {
            count if is_compared && count > 1 => {
                Err(Fault::NoAnswer(format!("error: {count} files, one can be compared at a time")))
            }
            _ => Ok(()),
        }
    }

    /// Asks for every file, also behind one that gives no answer.
    fn each_file(&self, mut answer: impl FnMut(&Path) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut fault = None;
        for file in &self.files {
            if let Err(next) = answer(file)
                && let Some(earlier) = fault.replace(next)
            {
                tell(&earlier.to_string());
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn answer(
        &self,
        file: &Path,
        method: &Method,
        expected: Option<&Expected>,
    ) -> Result<(), Fault> {
        if self.explain {
            return explain::run(file, method);
        }
        if self.view {
            method.check_view(file)?;
            let mut out = io::stdout().lock();
            let (body, _) = match out.is_terminal() {
                true => payload::read(file, method, Some(&mut Terminal::new(out)))?,
                false => payload::read(file, method, Some(&mut out))?,
            };
            self.tell_masked(file, body.masked());
            return Ok(());
        }
        let (body, frames) = payload::read(file, method, None)?;
        self.tell_masked(file, frames.as_ref().and_then(Stream::masked).or(body.masked()));
        let Some(digest) = body.digest() else {
            return Err(Fault::NoAnswer(format!("error: {}: no hash", file.shown())));
        };
        let line = match expected {
            Some(expected) => expected.verdict(file, digest, &body, method)?,
            None => sum_line(digest, file),
        };
        say(&line)
    }

    fn tell_masked(&self, file: &Path, masked: Option<&Masked>) {
        if self.show_masked {
            tell(&format!("{}: {}", file.shown(), masked_text(masked)));
        }
    }
}

/// A line as `sha256sum` writes it: a name with odd characters is escaped, and the line says so. What a
/// terminal would obey is written out when it is printed.
fn sum_line(sum: impl fmt::Display, file: &Path) -> String {
    let name = file.display().to_string();
    let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let mark = if escaped == name { "" } else { "\\" };
    format!("{mark}{sum}  {escaped}")
}

fn masked_text(masked: Option<&Masked>) -> String {
    let Some(masked) = masked else { return "not looked into for secrets".to_owned() };
    if masked.counts().is_empty() {
        return "nothing masked".to_owned();
    }
    let counts = masked.counts().iter().map(|(rule, count)| format!("{rule} {count}"));
    format!("masked {}", counts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use ledgerline_core::digest::Digest;

    use super::*;

    #[test]
    fn a_name_cannot_forge_a_line() {
        let digest = Digest::of(b"");
        assert_eq!(sum_line(digest, Path::new("a b.json")), format!("{digest}  a b.json"));
        assert_eq!(sum_line(digest, Path::new("a\nb\\c")), format!("\\{digest}  a\\nb\\\\c"));
    }
}
