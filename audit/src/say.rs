//! The answer, on standard output.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process,
};

use crate::fault::Fault;

/// Prints a line. If the reader has gone, such as `head`, nobody is left to tell.
pub(crate) fn say(text: &str) -> Result<(), Fault> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        written => written.map_err(|error| Fault::io(Path::new("standard output"), &error)),
    }
}
