//! What a person or a program reads: answers on standard output, talk on standard error.
//!
//! Everything passes here, so that nothing that came from outside is obeyed by a terminal.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process,
};

use crate::{fault::Fault, plain};

/// Prints a line, or several.
pub(crate) fn say(text: &str) -> Result<(), Fault> {
    print(&plain::printable(text))
}

/// Prints a JSON document.
pub(crate) fn say_json(text: &str) -> Result<(), Fault> {
    print(&plain::json(text))
}

/// Says something beside the answer. If nobody hears it, nothing is lost.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{}", plain::printable(text));
}

fn print(text: &str) -> Result<(), Fault> {
    writeln!(io::stdout(), "{text}").map_err(|error| unwritten(&error))
}

/// Standard output takes no more. If its reader has gone, such as `head`, nobody is left to tell.
pub(crate) fn unwritten(error: &io::Error) -> Fault {
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(0);
    }
    Fault::io(Path::new("standard output"), error)
}
