//! Why the tool did not say yes.

use std::{fmt, io, path::Path, process::ExitCode};

use crate::plain::Shown;

/// The answer is no, or there is none.
#[derive(Debug)]
pub enum Fault {
    /// The question was asked and the answer is no: the finding, one line per fact.
    Refused(String),
    /// The question could not be asked: what failed, and what would help.
    NoAnswer(String),
    /// Nothing was refuted, and not everything could be proven.
    Unproven(String),
}

impl Fault {
    /// A file that could not be read or written.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        Self::NoAnswer(format!("error: {}: {error}", path.shown()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::NoAnswer(_) => ExitCode::from(2),
            Self::Unproven(_) => ExitCode::from(3),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(text) | Self::NoAnswer(text) | Self::Unproven(text)) = self;
        f.write_str(text)
    }
}
