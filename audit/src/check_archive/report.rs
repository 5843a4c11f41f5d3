//! What was found, for a person and for a program.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    fault::Fault,
    format::Format,
    plain::plain,
    say::{say, say_json},
    store::SinkUrl,
};

/// What is wrong with a version, or with what a receipt names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The lines are not those of which the name tells the sum.
    OtherContent,
    /// Gzip that cannot be unpacked.
    Broken,
    /// A delete marker is the latest version.
    Hidden,
    NoLock,
    Governance,
    ShortLock,
    /// A receipt names it, and it is not there.
    Missing,
    /// It vanished before it was shipped.
    Lost,
    /// It was deleted unshipped, to make room.
    Dropped,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    pub(super) problem: Kind,
    pub(super) name: String,
    pub(super) version: Option<String>,
    /// Whether whoever reads the name plainly gets this version.
    pub(super) is_latest: bool,
    pub(super) text: String,
}

/// The verdict, and from how much it was taken.
#[derive(Debug)]
pub(super) struct Report {
    sink: String,
    retention_days: u32,
    format: Format,
    began_at: Timestamp,
    pub(super) counts: Counts,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    problems: u64,
    /// Names of segments and of receipts.
    pub(super) objects: u64,
    pub(super) versions: u64,
    /// Versions that hold the same lines again.
    pub(super) repeated: u64,
    /// Receipts that were asked for their object.
    pub(super) receipts: u64,
    /// Names that are check-sink's.
    pub(super) canaries: u64,
    /// Objects that are not named as a shipper names them.
    pub(super) other_objects: u64,
    /// Lines of the receipts that are of another store, or no receipts.
    pub(super) other_lines: u64,
}

impl Problem {
    pub(super) fn new(problem: Kind, name: &str, text: &str) -> Self {
        let (name, text) = (name.to_owned(), text.to_owned());
        Self { problem, name, version: None, is_latest: false, text }
    }

    fn line(&self) -> String {
        let version = self.version.as_deref().map(|version| format!(" version {version}"));
        format!(
            "{}: {}",
            plain(&(self.name.clone() + &version.unwrap_or_default())),
            plain(&self.text)
        )
    }
}

impl Report {
    pub(super) fn new(sink: &SinkUrl, retention_days: u32, format: Format) -> Self {
        let (sink, began_at, counts) = (sink.to_string(), Timestamp::now(), Counts::default());
        Self { sink, retention_days, format, began_at, counts }
    }

    pub(super) fn problem(&mut self, problem: &Problem) -> Result<(), Fault> {
        self.counts.problems += 1;
        match self.format {
            Format::Text => say(&problem.line()),
            Format::Json => json_line(problem),
        }
    }

    /// So many more of the same name.
    pub(super) fn more(&mut self, name: &str, count: u64) -> Result<(), Fault> {
        self.counts.problems += count;
        #[derive(Serialize)]
        struct More<'a> {
            name: &'a str,
            more_problems: u64,
        }
        match self.format {
            Format::Text => say(&format!("{}: and {count} problems more", plain(name))),
            Format::Json => json_line(&More { name, more_problems: count }),
        }
    }

    pub(super) fn verdict(&self) -> Result<(), Fault> {
        let Counts { problems, objects, receipts, .. } = self.counts;
        if (problems, objects, receipts) == (0, 0, 0) {
            return Err(Fault::NoAnswer(format!(
                "error: {}: no segment and no receipt is there: look at the prefix",
                self.sink
            )));
        }
        let word = if problems == 0 { "holds" } else { "does not hold" };
        if let Format::Json = self.format {
            self.json_verdict(if problems == 0 { "holds" } else { "does_not_hold" })?;
        }
        match (problems, self.format) {
            (0, Format::Text) => say(&self.text(word)),
            (0, Format::Json) => Ok(()),
            (_, Format::Text) => Err(Fault::Refused(self.text(word))),
            (_, Format::Json) => Err(Fault::Refused(format!("{}: {word}", self.sink))),
        }
    }

    fn json_verdict(&self, verdict: &'static str) -> Result<(), Fault> {
        #[derive(Serialize)]
        struct Last<'a> {
            format: &'static str,
            tool: &'static str,
            tool_version: &'static str,
            began_at: String,
            ended_at: String,
            sink: &'a str,
            retention_days: u32,
            verdict: &'static str,
            #[serde(flatten)]
            counts: &'a Counts,
        }
        json_line(&Last {
            format: "ledgerline.check-archive/1",
            tool: env!("CARGO_PKG_NAME"),
            tool_version: env!("CARGO_PKG_VERSION"),
            began_at: self.began_at.to_string(),
            ended_at: Timestamp::now().to_string(),
            sink: &self.sink,
            retention_days: self.retention_days,
            verdict,
            counts: &self.counts,
        })
    }

    fn text(&self, word: &str) -> String {
        let Counts { problems, objects, versions, receipts, .. } = self.counts;
        let mut text = format!(
            "{}: {word}: {problems} problems; {versions} versions of {objects} objects read, {receipts} receipts asked",
            self.sink
        );
        for (count, what) in [
            (self.counts.repeated, "versions with the same lines again"),
            (self.counts.canaries, "names of check-sink passed over"),
            (self.counts.other_objects, "other objects passed over"),
            (self.counts.other_lines, "lines that are no receipts of this store"),
        ] {
            if count > 0 {
                text += &format!("; {count} {what}");
            }
        }
        text
    }
}

fn json_line(value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(value);
    say_json(&text.map_err(|error| Fault::NoAnswer(format!("error: the report: {error}")))?)
}
