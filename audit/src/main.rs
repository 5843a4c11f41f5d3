//! `ledgerline`, the auditor's tool.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 for yes, 1 for no (a
//! configuration that does not load, a ledger with lines that are no entries, a payload with another
//! hash), 2 for a question that could not be asked (bad usage, an unreadable file).

mod check_config;
mod compare;
mod fault;
mod hash;
mod ledger;
mod progress;
mod schema;
mod show;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Reads what a Ledgerline gateway left behind, and checks what it is told to do.
#[derive(Debug, Parser)]
#[command(name = "ledgerline", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 yes, 1 no, 2 the question could not be asked.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a configuration loads, in the words that the filter would use
    CheckConfig {
        /// The configuration as JSON or YAML, or an Envoy or Istio manifest that holds it
        file: PathBuf,
    },
    /// Say whether a ledger and its witness copy hold the same entries
    Compare(compare::Options),
    /// Print the hash that an entry would hold for a payload, or compare the two
    Hash(hash::Options),
    /// Print the entries of a ledger, one line each, for a person
    Show(show::Options),
    /// Print the JSON Schema of what is written and read
    Schema {
        /// Of what
        of: schema::Subject,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::CheckConfig { file } => check_config::run(&file),
        Command::Compare(options) => compare::run(&options),
        Command::Hash(options) => hash::run(&options),
        Command::Show(options) => show::run(&options),
        Command::Schema { of } => schema::run(of),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            anstream::eprintln!("{fault}");
            fault.exit_code()
        }
    }
}
