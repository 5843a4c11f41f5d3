//! `ledgerline`, the auditor's tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    ledgerline_audit::main()
}
