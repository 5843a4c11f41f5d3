//! For whom an answer is written.

use clap::ValueEnum;

/// The same facts in either form.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Text,
    /// For a program: JSON
    Json,
}
