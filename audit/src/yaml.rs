//! What is wrong with a file of YAML, for who wrote it.

use serde_saphyr::Error;

use crate::plain::plain;

/// What is wrong, with its line and column. Of a key that stands there twice the parser would say how a program can
/// allow it, which is no help to who wrote the file.
pub(crate) fn malformed(error: &Error) -> String {
    let Error::DuplicateMappingKey { key, location } = error.without_snippet() else {
        return error.to_string();
    };
    let (line, column) = (location.line(), location.column());
    format!(
        "{} stands there twice, again at line {line} column {column}: leave out one",
        name(key.as_deref())
    )
}

/// The same in one line, without the piece of the file that the parser shows, for who says the line before it.
pub(crate) fn malformed_in_its_line(error: &Error) -> String {
    match error.without_snippet() {
        Error::DuplicateMappingKey { key, .. } => {
            format!("{} stands there twice; leave out one", name(key.as_deref()))
        }
        error => error.to_string(),
    }
}

fn name(key: Option<&str>) -> String {
    key.map_or_else(|| "the key".to_owned(), |key| format!("the key `{}`", plain(key)))
}
