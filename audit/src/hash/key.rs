//! The key of keyed hashes, from where it cannot be seen.
//!
//! A command line is in the process list and in the shell's history, so it names only the place of
//! the key. Somebody who writes the key itself there by mistake finds it in no message: messages
//! repeat neither the name nor the path.

use std::{env, fs::File, io::Read, path::PathBuf};

use clap::Args;
use ledgerline_core::key::{Key, MIN_KEY_BYTES};

use crate::fault::Fault;

/// Where the key is, if there is one.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct KeySource {
    /// The environment variable that holds the gateway's key: the hash is an HMAC-SHA-256
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// The file that holds it; one line end at its end is not part of the key
    #[arg(long, value_name = "PATH")]
    key_file: Option<PathBuf>,
}

/// More than any key, so that a wrong file is noticed.
const MAX_KEY_BYTES: u64 = 64 * 1024;

impl KeySource {
    /// The key, if one was named.
    pub(super) fn read(&self) -> Result<Option<Key>, Fault> {
        match (&self.key_env, &self.key_file) {
            (Some(name), _) => key("--key-env", from_environment(name)).map(Some),
            (None, Some(path)) => key("--key-file", from_file(path)).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn from_environment(name: &str) -> Result<Vec<u8>, String> {
    let value = env::var_os(name).ok_or("no environment variable of that name is set")?;
    Ok(value.into_encoded_bytes())
}

fn from_file(path: &PathBuf) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut secret = Vec::new();
    let read = file.take(MAX_KEY_BYTES).read_to_end(&mut secret);
    match read.map_err(|error| format!("cannot be read: {error}"))? as u64 {
        MAX_KEY_BYTES => Err(format!("has {MAX_KEY_BYTES} bytes or more: that is no key")),
        _ => Ok(without_line_end(secret)),
    }
}

fn without_line_end(mut secret: Vec<u8>) -> Vec<u8> {
    if secret.ends_with(b"\n") {
        secret.pop();
        if secret.ends_with(b"\r") {
            secret.pop();
        }
    }
    secret
}

fn key(option: &str, secret: Result<Vec<u8>, String>) -> Result<Key, Fault> {
    let fault = |problem: String| Fault::NoAnswer(format!("error: {option}: {problem}"));
    let secret = secret.map_err(fault)?;
    Key::new("", &secret).ok_or_else(|| {
        let count = secret.len();
        fault(format!("the key has {count} bytes, at least {MIN_KEY_BYTES} are needed"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_dropped() {
        for (file, key) in
            [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), ("k\n\n", "k\n"), ("k\r", "k\r")]
        {
            assert_eq!(without_line_end(file.into()), key.as_bytes(), "{file:?}");
        }
    }
}
