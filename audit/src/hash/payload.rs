//! A payload, read once from its first byte to its last.

use std::{
    fs::File,
    io::{self, ErrorKind, IsTerminal, Read, Write},
    path::Path,
};

use ledgerline_core::{
    digest::{Body, End},
    stream::Stream,
};

use super::method::Method;
use crate::{fault::Fault, progress::Progress, say::unwritten};

/// So much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Reads the payload to its end, and its frames, if it has any. Its masked view goes to `view`, if
/// there is one: of frames there is none.
pub(super) fn read(
    file: &Path,
    method: &Method,
    view: Option<&mut dyn Write>,
) -> Result<(Body, Option<Stream>), Fault> {
    let is_wanted = view.is_none() || !io::stdout().is_terminal();
    let mut nowhere = io::sink();
    let view = view.unwrap_or(&mut nowhere);
    let mut body = Body::default();
    body.open(&method.reading, method.syntax.clone());
    if let Some(kind) = method.frames {
        let mut frames = Stream::new(kind, &method.reading, false);
        each_chunk(file, is_wanted, |bytes| {
            body.push_frames(bytes, &mut frames, &mut |_| {});
            Ok(())
        })?;
        body.finish_frames(End::Complete, &mut frames, &mut |_| {});
        return Ok((body, Some(frames)));
    }
    each_chunk(file, is_wanted, |bytes| write(view, |take| body.push_to(bytes, take)))?;
    write(view, |take| body.finish_to(End::Complete, take))?;
    view.flush().map_err(|error| unwritten(&error))?;
    Ok((body, None))
}

/// Hands over the bytes of a file in order; `is_shown` if a terminal may tell how far it has come.
pub(super) fn each_chunk(
    file: &Path,
    is_shown: bool,
    mut take: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut input = open(file)?;
    let mut progress = Progress::new(is_shown);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut count = 0_u64;
    loop {
        let bytes = next(&mut input, &mut chunk).map_err(|error| Fault::io(file, &error))?;
        if bytes.is_empty() {
            return Ok(());
        }
        take(bytes)?;
        count += bytes.len() as u64;
        progress.show(count);
    }
}

fn open(file: &Path) -> Result<Box<dyn Read>, Fault> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Fault::io(file, &error)),
    }
}

/// The next bytes; none at the end.
fn next<'c>(input: &mut dyn Read, chunk: &'c mut [u8]) -> io::Result<&'c [u8]> {
    loop {
        match input.read(chunk) {
            Ok(count) => return Ok(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes all that `give` hands out. After a failure nothing more is written.
fn write(view: &mut dyn Write, give: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Result<(), Fault> {
    let mut written = Ok(());
    give(&mut |bytes| {
        if written.is_ok() {
            written = view.write_all(bytes);
        }
    });
    written.map_err(|error| unwritten(&error))
}
