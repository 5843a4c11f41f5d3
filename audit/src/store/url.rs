//! Where objects go: `s3://bucket/prefix`, `az://container/prefix`, `gs://bucket/prefix`, `file:///dir`.
//!
//! Credentials, regions and endpoints come from the environment and never stand in this address, so it
//! may be shown to anybody. An address that holds a user or a query is refused, and not repeated.

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

use clap::{
    Arg, Command,
    builder::{TypedValueParser, ValueParserFactory},
    error::ErrorKind,
};

/// A place that keeps objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkUrl {
    /// Amazon S3, or a server that speaks like it.
    S3 {
        bucket: String,
        /// Without `/` at either end; may be empty.
        prefix: String,
    },
    /// Azure Blob Storage; the account comes from the environment.
    Azure { container: String, prefix: String },
    /// Google Cloud Storage.
    Google { bucket: String, prefix: String },
    /// A folder of this machine, absolute.
    Folder { path: PathBuf },
}

/// Why an address is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlError {
    Scheme,
    Credentials,
    Query,
    Bucket(String),
    Prefix(String),
    PrefixTooLong(usize),
    Folder,
}

/// S3 and Google take 1024 bytes for a key, and the name of an object needs some 200 of them.
const MAX_PREFIX_BYTES: usize = 512;

impl SinkUrl {
    /// The whole key of an object, of its name below the prefix.
    pub(crate) fn key(&self, name: &str) -> String {
        match self.prefix() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }

    /// What stands before every name, without `/` at its end; a folder has none.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::S3 { prefix, .. } | Self::Azure { prefix, .. } | Self::Google { prefix, .. } => {
                prefix
            }
            Self::Folder { .. } => "",
        }
    }

    /// The bucket or container, and `None` for a folder.
    pub(crate) fn bucket(&self) -> Option<&str> {
        match self {
            Self::S3 { bucket, .. } | Self::Google { bucket, .. } => Some(bucket),
            Self::Azure { container, .. } => Some(container),
            Self::Folder { .. } => None,
        }
    }

    /// The address of one object, for messages.
    pub(crate) fn address(&self, name: &str) -> String {
        format!("{self}/{name}")
    }
}

impl FromStr for SinkUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        match scheme {
            "file" => folder(text),
            "s3" => bucket_and_prefix(rest).map(|(bucket, prefix)| Self::S3 { bucket, prefix }),
            "az" => {
                bucket_and_prefix(rest).map(|(container, prefix)| Self::Azure { container, prefix })
            }
            "gs" => bucket_and_prefix(rest).map(|(bucket, prefix)| Self::Google { bucket, prefix }),
            _ => Err(UrlError::Scheme),
        }
    }
}

/// The command line's own words for a wrong value repeat it, with the password that may stand in it.
/// These do not.
#[derive(Clone, Debug)]
pub(crate) struct UrlParser;

impl ValueParserFactory for SinkUrl {
    type Parser = UrlParser;

    fn value_parser() -> Self::Parser {
        UrlParser
    }
}

impl TypedValueParser for UrlParser {
    type Value = SinkUrl;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<SinkUrl, clap::Error> {
        let told = |error: UrlError| {
            let argument = argument.map_or_else(|| "the address".to_owned(), ToString::to_string);
            let text = format!("{argument}: {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        };
        value.to_str().ok_or(UrlError::Scheme).and_then(str::parse).map_err(told)
    }
}

fn bucket_and_prefix(rest: &str) -> Result<(String, String), UrlError> {
    if rest.contains('@') {
        return Err(UrlError::Credentials);
    }
    if rest.contains(['?', '#']) {
        return Err(UrlError::Query);
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    check_bucket(bucket)?;
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    check_prefix(prefix)?;
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// The letters that all three clouds take: no place for a port, a user or a path.
fn check_bucket(bucket: &str) -> Result<(), UrlError> {
    let is_allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
    };
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = bucket.as_bytes();
    let is_good = (3..=63).contains(&bytes.len())
        && bytes.iter().copied().all(is_allowed)
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && !bucket.contains("..");
    if is_good { Ok(()) } else { Err(UrlError::Bucket(bucket.escape_default().to_string())) }
}

/// Characters that need no escaping anywhere, so that a key reads the same in a policy, in a URL and
/// in a listing.
fn check_prefix(prefix: &str) -> Result<(), UrlError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._=!'()".contains(&byte);
    let is_good = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_allowed);
    if prefix.len() > MAX_PREFIX_BYTES {
        return Err(UrlError::PrefixTooLong(prefix.len()));
    }
    match prefix.split('/').find(|part| !prefix.is_empty() && !is_good(part)) {
        Some(part) => Err(UrlError::Prefix(part.escape_default().to_string())),
        None => Ok(()),
    }
}

fn folder(text: &str) -> Result<SinkUrl, UrlError> {
    let url = url::Url::parse(text).map_err(|_| UrlError::Folder)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::Query);
    }
    let path = url.to_file_path().map_err(|()| UrlError::Folder)?;
    if path.parent().is_none() {
        return Err(UrlError::Folder);
    }
    Ok(SinkUrl::Folder { path })
}

impl fmt::Display for SinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, bucket, prefix) = match self {
            Self::S3 { bucket, prefix } => ("s3", bucket, prefix),
            Self::Azure { container, prefix } => ("az", container, prefix),
            Self::Google { bucket, prefix } => ("gs", bucket, prefix),
            Self::Folder { path } => {
                return write!(f, "file://{}", path.display().to_string().trim_end_matches('/'));
            }
        };
        write!(f, "{scheme}://{bucket}")?;
        if prefix.is_empty() { Ok(()) } else { write!(f, "/{prefix}") }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str(
                "not s3://bucket/prefix, az://container/prefix, gs://bucket/prefix or file:///folder",
            ),
            Self::Credentials => f.write_str(
                "a user or password stands in the address: credentials come from the environment",
            ),
            Self::Query => f.write_str(
                "`?` or `#` stands in the address: region and endpoint come from the environment",
            ),
            Self::Bucket(name) => write!(
                f,
                "`{name}` is no bucket: 3 to 63 lower-case letters, digits, `-`, `.` and `_`, with a letter or digit at both ends"
            ),
            Self::Prefix(part) => write!(
                f,
                "`{part}` cannot stand in a prefix: letters, digits and -._=!'() between single `/`"
            ),
            Self::PrefixTooLong(bytes) => {
                write!(f, "the prefix has {bytes} bytes, at most {MAX_PREFIX_BYTES} are allowed")
            }
            Self::Folder => f.write_str("not file:///folder with an absolute folder of this machine"),
        }
    }
}

impl std::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SinkUrl, UrlError> {
        text.parse()
    }

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in [
            "s3://ledger-archive",
            "s3://ledger-archive/egress",
            "s3://ledger.archive-1/team=a/egress_(1)",
            "az://ledger/egress",
            "gs://ledger_archive/egress",
            "file:///var/lib/ledger",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn one_slash_at_the_end_says_nothing() {
        assert_eq!(parse("s3://bucket/"), parse("s3://bucket"));
        assert_eq!(parse("s3://bucket/a/b/"), parse("s3://bucket/a/b"));
        assert_eq!(parse("file:///a/b/").unwrap().to_string(), "file:///a/b");
    }

    #[test]
    fn a_key_is_the_prefix_and_the_name() {
        assert_eq!(parse("s3://bucket/a/b").unwrap().key("2026/x"), "a/b/2026/x");
        assert_eq!(parse("s3://bucket").unwrap().key("2026/x"), "2026/x");
        assert_eq!(parse("s3://bucket").unwrap().address("2026/x"), "s3://bucket/2026/x");
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (text, error) in [
            ("", UrlError::Scheme),
            ("bucket/prefix", UrlError::Scheme),
            ("https://bucket/prefix", UrlError::Scheme),
            ("S3://bucket", UrlError::Scheme),
            ("s3://", UrlError::Bucket(String::new())),
            ("s3:///prefix", UrlError::Bucket(String::new())),
            ("s3://ab", UrlError::Bucket("ab".into())),
            ("s3://Bucket", UrlError::Bucket("Bucket".into())),
            ("s3://bucket:9000/a", UrlError::Bucket("bucket:9000".into())),
            ("s3://-bucket", UrlError::Bucket("-bucket".into())),
            ("s3://buc..ket", UrlError::Bucket("buc..ket".into())),
            ("s3://bucket//a", UrlError::Prefix(String::new())),
            ("s3://bucket/a//b", UrlError::Prefix(String::new())),
            ("s3://bucket/../a", UrlError::Prefix("..".into())),
            ("s3://bucket/a b", UrlError::Prefix("a b".into())),
            ("s3://bucket/a%2fb", UrlError::Prefix("a%2fb".into())),
            ("s3://bucket/a\nb", UrlError::Prefix("a\\nb".into())),
            ("s3://bucket/*", UrlError::Prefix("*".into())),
            ("s3://bucket/a?versionId=1", UrlError::Query),
            ("s3://bucket/a#b", UrlError::Query),
            ("file://", UrlError::Folder),
            ("file:///", UrlError::Folder),
            ("file://host/folder", UrlError::Folder),
            ("file:///folder?x", UrlError::Query),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        let long = format!("s3://bucket/{}", "a".repeat(513));
        assert_eq!(parse(&long), Err(UrlError::PrefixTooLong(513)));
    }

    #[test]
    fn a_secret_in_an_address_is_not_repeated() {
        for text in [
            "s3://AKIAEXAMPLE:wJalrXUtnFEMI@bucket/a",
            "az://container/a?sig=wJalrXUtnFEMI",
            "s3://wJalrXUtnFEMI@bucket",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("wJalr") && !error.contains("AKIA"), "{error}");
        }
    }
}
