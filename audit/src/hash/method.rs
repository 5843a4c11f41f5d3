//! How a payload is hashed: what is secret in it, how it is written, and under which key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use ledgerline_core::{digest::Reading, key::Key, mask::Syntax, stream::Kind};

use super::{expected::Recorded, key::KeySource};
use crate::{
    check_config::{Found, configurations, load, parse},
    fault::Fault,
    plain::Shown,
};

/// What decides, besides the key, how a payload is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "As at the gateway")]
pub(super) struct Reader {
    /// The content-type of the body with its parameters; text/plain if it had none [default:
    /// application/json]
    #[arg(long = "type", value_name = "MEDIA_TYPE", value_parser = media_type)]
    media_type: Option<String>,
    /// The content-encoding of the body, such as gzip: it is hashed as it is, secrets and all
    #[arg(long, conflicts_with = "entry")]
    encoding: Option<String>,
    /// The filter's configuration, alone or in an Envoy or Istio manifest, for what it says under
    /// `mask` [default: the built-in rules]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

const DEFAULT_TYPE: &str = "application/json";

fn media_type(text: &str) -> Result<String, String> {
    let (top, rest) = text.split_once('/').ok_or("expected a media type, such as text/plain")?;
    let is_multipart = top.trim().eq_ignore_ascii_case("multipart");
    if is_multipart && !matches!(Syntax::of(text.as_bytes(), b""), Syntax::Multipart(_)) {
        return Err(format!("its boundary is missing, such as '{top}/{rest}; boundary=XyZ'"));
    }
    Ok(text.to_owned())
}

/// How a payload is hashed.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) reading: Reading,
    pub(super) syntax: Syntax,
    /// The frames that the payload comes in, if it does: it is masked frame by frame then.
    pub(super) frames: Option<Kind>,
    /// What the options came to, for the person who wonders why a hash differs.
    pub(super) summary: String,
}

impl Method {
    pub(super) fn new(
        reader: &Reader,
        source: &KeySource,
        entry: Option<&Recorded>,
        stream: Option<Kind>,
    ) -> Result<Self, Fault> {
        let configured = reader.configured()?;
        let key = source.read()?;
        match (entry, &configured.key) {
            (Some(entry), _) => entry.check_key(key.is_some())?,
            (None, Some(missing)) if key.is_none() => return Err(reader.unkeyed(missing)),
            _ => {}
        }
        let frames = stream.or(reader.frames(entry)).filter(|kind| kind.is_framed());
        let syntax = if frames.is_some() { Syntax::Opaque } else { reader.syntax(entry)? };
        let summary = reader.summary(&syntax, stream.or(frames), key.is_some());
        Ok(Self { reading: Reading { rules: configured.rules, key }, syntax, frames, summary })
    }

    /// A view is for eyes that must see no secret, so there is none of what is not looked into.
    pub(super) fn check_view(&self, file: &Path) -> Result<(), Fault> {
        match self.syntax {
            Syntax::Opaque => {
                Err(unusable(file, "no view: it is hashed as it is, secrets and all"))
            }
            _ => Ok(()),
        }
    }
}

impl Reader {
    /// What the configuration says; a key in it is only a mark that there must be one.
    fn configured(&self) -> Result<Reading, Fault> {
        let Some(file) = &self.rules else { return Ok(Reading::default()) };
        let text = fs::read_to_string(file).map_err(|error| Fault::io(file, &error))?;
        let documents = parse(&text).map_err(|error| unusable(file, error.trim_end()))?;
        let found = configurations(&documents).map_err(|problem| unusable(file, &problem))?.found;
        let [Found { place, settings }] = found.as_slice() else {
            let count = found.len();
            return Err(unusable(file, &format!("{count} configurations in it, one is needed")));
        };
        let config = load(settings).map_err(|error| unusable(file, &format!("{place}{error}")))?;
        Ok(config.reading().clone())
    }

    /// The frames that the payload comes in: an entry knows, and else its type tells.
    fn frames(&self, entry: Option<&Recorded>) -> Option<Kind> {
        let is_encoded = Syntax::of(b"", self.encoding.as_deref().unwrap_or_default().as_bytes())
            == Syntax::Opaque;
        match (entry, &self.media_type) {
            (Some(entry), _) => entry.frames(),
            (None, Some(media_type)) if !is_encoded => Kind::of(media_type.as_bytes()),
            (None, _) => None,
        }
    }

    fn syntax(&self, entry: Option<&Recorded>) -> Result<Syntax, Fault> {
        if let Some(entry) = entry {
            return entry.syntax(self.media_type.as_deref());
        }
        let media_type = self.media_type.as_deref().unwrap_or(DEFAULT_TYPE);
        let encoding = self.encoding.as_deref().unwrap_or_default();
        Ok(Syntax::of(media_type.as_bytes(), encoding.as_bytes()))
    }

    fn summary(&self, syntax: &Syntax, stream: Option<Kind>, is_keyed: bool) -> String {
        let key = if is_keyed { "keyed" } else { "no key" };
        let is_masked = stream.is_some_and(Kind::is_framed) || *syntax != Syntax::Opaque;
        let rules = match &self.rules {
            _ if !is_masked => "not masked".to_owned(),
            None => "the built-in rules".to_owned(),
            Some(file) => format!("the rules of {}", file.shown()),
        };
        let form = stream.map_or(syntax.scan().as_str(), Kind::as_str);
        format!("read as {form}, {rules}, {key}")
    }

    fn unkeyed(&self, missing: &Key) -> Fault {
        let file = self.rules.as_deref().unwrap_or(Path::new("--rules"));
        let problem = format!(
            "hashes are keyed there (hash.key_id: {}): name the place of that key with --key-env \
             or --key-file",
            missing.id()
        );
        unusable(file, &problem)
    }
}

fn unusable(file: &Path, problem: &str) -> Fault {
    Fault::NoAnswer(format!("error: {}: {problem}", file.shown()))
}
