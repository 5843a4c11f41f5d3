//! The command line of `ledgerline`, the auditor's tool.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 for yes, 1 for no (a
//! configuration that does not load, a ledger with lines that are no entries, a payload with another
//! hash), 2 for a question that could not be asked (bad usage, an unreadable file). `check-sink` says 3 if
//! nothing is refuted, and not everything is proven.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    check_archive, check_config, check_sink, compare, drain, hash, help, hosts, protect, say::tell,
    schema, ship, show,
};

/// Reads what a Ledgerline gateway left behind, and checks what it is told to do.
#[derive(Debug, Parser)]
#[command(name = "ledgerline", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 yes, 1 no, 2 the question could not be asked.")]
pub(crate) struct Cli {
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
    /// Say whether what was shipped to a bucket is still there, and still what it was
    CheckArchive(check_archive::Options),
    /// Find out whether a storage keeps what it is given: versions, locks, and what a writer may do
    CheckSink(check_sink::Options),
    /// Say whether a ledger and its witness copy hold the same entries
    Compare(compare::Options),
    /// Print the hash that an entry would hold for a payload, or compare the two
    Hash(hash::Options),
    /// Print the entries of a ledger, one line each, for a person
    Show(show::Options),
    /// Carry a ledger to storage that nobody can rewrite, and have it confirmed
    Ship(Box<ship::Options>),
    /// Take the finished lines from under a gateway and seal them, for another engine to ship
    Rotate(ship::RotateOptions),
    /// Take a gateway out of service, and wait until no call is in flight
    Drain(drain::Options),
    /// Let the kernel keep a ledger append-only, and say what protection it has
    Protect(protect::Options),
    /// Allow or block hosts for a whole mesh, and write the objects that this takes
    Hosts(hosts::Options),
    /// Print the JSON Schema of what is written and read
    Schema {
        /// Of what
        of: schema::Subject,
    },
}

/// What the program does.
pub fn main() -> ExitCode {
    let outcome = match help::parse::<Cli>().command {
        Command::CheckConfig { file } => check_config::run(&file),
        Command::CheckArchive(options) => check_archive::run(&options),
        Command::CheckSink(options) => check_sink::run(&options),
        Command::Compare(options) => compare::run(&options),
        Command::Hash(options) => hash::run(&options),
        Command::Show(options) => show::run(&options),
        Command::Ship(options) => ship::run(&options),
        Command::Rotate(options) => ship::run_rotate(&options),
        Command::Drain(options) => drain::run(&options),
        Command::Protect(options) => protect::run(&options),
        Command::Hosts(options) => hosts::run(&options),
        Command::Schema { of } => schema::run(of),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tell(&fault.to_string());
            fault.exit_code()
        }
    }
}
