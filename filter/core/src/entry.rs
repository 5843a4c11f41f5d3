//! The entry: one line of evidence for one call.
//!
//! ```json
//! {"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"sales-assistant","user_id":"u_12345",
//!  "endpoint":"api.stripe.com/v1/charges","method":"POST","status":200,
//!  "request_hash":"ba78…15ad","response_hash":"e3b0…b855","outcome":"success",
//!  "correlation_id":"c9f8e7", …}
//! ```
//!
//! The first ten keys are the contract with the outside: they are always there, in this order, and
//! their meaning does not change. Every later key is left out when it would be empty. Numbers are
//! integers; unknown is `null` or absent, never `0` or `""`.

use std::{borrow::Cow, collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};

use crate::{
    digest::{Digest, End},
    outcome::{Outcome, Reason},
    time::Timestamp,
};

/// No entry is longer than this, in bytes, without its line feed. The bounds of the single fields
/// add up to less, so nothing has to be thrown away at the end.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// One entry. As a line it is pure ASCII: everything else is written as `\uXXXX`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry<'a> {
    /// When the request headers arrived: RFC 3339, UTC, microseconds.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub timestamp: Timestamp,
    /// The agent that called, by name; null if nobody said.
    #[serde(borrow)]
    pub agent_id: Option<Cow<'a, str>>,
    /// The user on whose behalf it called; null if nobody said.
    pub user_id: Option<Cow<'a, str>>,
    /// Host and path without the query, or the host alone; null if the request named no host.
    pub endpoint: Option<Cow<'a, str>>,
    /// The request method as on the wire; null if the request was not understood.
    pub method: Option<Cow<'a, str>>,
    /// The response status as on the wire; null if no response came.
    pub status: Option<u16>,
    /// SHA-256 of the request body as it crossed the gateway; null if no body could pass.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-f]{64}$")))]
    pub request_hash: Option<Digest>,
    /// SHA-256 of the response body as it crossed the gateway; null if no body could pass.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = "^[0-9a-f]{64}$")))]
    pub response_hash: Option<Digest>,
    /// How the call ended.
    pub outcome: Outcome,
    /// One id for a workflow of several calls; null only if the filter itself failed.
    pub correlation_id: Option<Cow<'a, str>>,
    /// Why the call did not plainly succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// True on an entry that was written before the call ended. If no other follows for the same
    /// call, the gateway or the filter failed on the way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub provisional: bool,
    /// The session or conversation that the call belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Cow<'a, str>>,
    /// More about the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent<'a>>,
    /// The request, once it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Message<'a>>,
    /// The response, once it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Message<'a>>,
    /// Where the gateway sent the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream<'a>>,
    /// The W3C trace id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Cow<'a, str>>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// Keys whose values were longer than what is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'a, str>>,
}

/// More about the agent that called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Agent<'a> {
    /// Its name, the same as `agent_id`.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Cow<'a, str>>,
    /// The deployment that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Cow<'a, str>>,
    /// How far to trust it.
    pub source: Source,
}

/// Where an identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The caller said so, and nobody checked.
    Claimed,
}

/// One of the two messages of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Message<'a> {
    /// Payload bytes that crossed, without framing.
    pub bytes: u64,
    /// Media type without parameters.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none", borrow)]
    pub media_type: Option<Cow<'a, str>>,
    /// Content-encoding of the bytes that were hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Cow<'a, str>>,
    /// How the message ended, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// Headers on the operator's allow-list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
}

/// Where the gateway sent the call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Upstream<'a> {
    /// The host that was called.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub host: Option<Cow<'a, str>>,
    /// The address that it had, as `ip:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Cow<'a, str>>,
    /// The provider's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Cow<'a, str>>,
    /// How often the gateway tried, if more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
}

/// How long a call took, by a monotonic clock, from the arrival of its request headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Microseconds to the end of the call.
    pub duration_us: u64,
    /// Microseconds to the response headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Entry<'_> {
    /// Appends the entry to `line` as one line of ASCII JSON, without a line feed.
    ///
    /// # Errors
    /// None with the types of this module; serde's interface wants one.
    pub fn write_to(&self, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        self.serialize(&mut Serializer::with_formatter(line, Ascii))
    }
}

/// Writes JSON in pure ASCII, because Envoy's access log replaces other bytes one by one.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(entry: &Entry<'_>) -> String {
        let mut line = Vec::new();
        entry.write_to(&mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    fn bare() -> Entry<'static> {
        Entry {
            timestamp: Timestamp::from_nanos(0),
            agent_id: None,
            user_id: None,
            endpoint: None,
            method: None,
            status: None,
            request_hash: None,
            response_hash: None,
            outcome: Outcome::Error,
            correlation_id: Some("c".into()),
            reason: None,
            provisional: false,
            session_id: None,
            agent: None,
            request: None,
            response: None,
            upstream: None,
            trace_id: None,
            timing: None,
            truncated: Vec::new(),
        }
    }

    #[test]
    fn the_first_ten_keys_are_always_there_in_this_order() {
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00.000000Z","agent_id":null,"user_id":null,"#,
            r#""endpoint":null,"method":null,"status":null,"request_hash":null,"#,
            r#""response_hash":null,"outcome":"error","correlation_id":"c"}"#
        );
        assert_eq!(line(&bare()), expected);
    }

    #[test]
    fn a_full_entry_reads_back_as_it_was_written() {
        let entry = Entry {
            agent_id: Some("sales-assistant".into()),
            endpoint: Some("api.stripe.com/v1/charges".into()),
            status: Some(200),
            request_hash: Some(Digest::of(b"abc")),
            outcome: Outcome::PolicyBlocked,
            reason: Some(Reason::HostNotAllowed),
            provisional: true,
            agent: Some(Agent {
                name: Some("sales-assistant".into()),
                version: None,
                deployment: Some("eu-1".into()),
                source: Source::Claimed,
            }),
            request: Some(Message {
                bytes: u64::MAX,
                media_type: Some("application/json".into()),
                encoding: None,
                end: Some(End::LocalReply),
                headers: Some([("user-agent".into(), "caf\u{e9} \u{1f980}".into())].into()),
            }),
            upstream: Some(Upstream { attempts: Some(2), ..Upstream::default() }),
            timing: Some(Timing { duration_us: 1, first_byte_us: None }),
            truncated: vec!["endpoint".into()],
            ..bare()
        };
        let line = line(&entry);
        assert!(
            line.contains(r#""type":"application/json""#) && line.contains(r#""provisional":true"#)
        );
        assert_eq!(serde_json::from_str::<Entry<'_>>(&line).unwrap(), entry);
    }

    #[test]
    fn a_line_is_one_line_of_ascii() {
        let entry = Entry { agent_id: Some("é\u{1f980}\n\u{7f}\"\\".into()), ..bare() };
        let line = line(&entry);
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~' | 0x7f)), "{line}");
        assert!(line.contains(r#""\u00e9\ud83e\udd80\n"#), "{line}");
        assert_eq!(serde_json::from_str::<Entry<'_>>(&line).unwrap(), entry);
    }
}
