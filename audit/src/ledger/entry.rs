//! What an entry is, and what it says: strict about the one, liberal about the other.
//!
//! ```text
//! {"timestamp":…,"agent_id":…, … ,"correlation_id":…   ten keys, always there: these make an entry
//!  ,"reason":"quota_exceeded"                          a word of a later version: kept as it is, unread
//!  ,"upstream":{"host":"a.example","tls":{…}}          a key of a later version: passed over
//! ```
//!
//! A ledger is read for years by tools that are older or newer than the filters that wrote it. So an
//! entry is what has the ten keys of the contract, each of its type, and every key once (of a key that
//! stands there twice nobody can say what it says). Everything behind them is taken as far as it is
//! understood, and what is not is named, never guessed.
//!
//! A line that is no call (a later filter writes such, with a `kind`) has null where a key has no
//! meaning, its outcome among them.

use std::{borrow::Cow, collections::HashSet, fmt};

use ledgerline_core::{
    Entry, digest::Digest, entry::MAX_ENTRY_BYTES, outcome::Outcome, time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// A whole entry.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    /// Its own bytes, without a line feed.
    pub(crate) bytes: &'a [u8],
    /// The keys that make it an entry.
    contract: Contract<'a>,
}

/// The ten keys that every entry has, and what tells a line that is no call.
#[derive(Debug, Deserialize)]
struct Contract<'a> {
    timestamp: Timestamp,
    #[serde(borrow, deserialize_with = "present")]
    endpoint: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "present")]
    outcome: Option<Outcome>,
    #[serde(borrow, deserialize_with = "present")]
    correlation_id: Option<Cow<'a, str>>,
    #[serde(rename = "agent_id", deserialize_with = "present")]
    _agent_id: Option<Text>,
    #[serde(rename = "user_id", deserialize_with = "present")]
    _user_id: Option<Text>,
    #[serde(rename = "method", deserialize_with = "present")]
    _method: Option<Text>,
    #[serde(rename = "status", deserialize_with = "present")]
    _status: Option<u16>,
    #[serde(rename = "request_hash", deserialize_with = "present")]
    _request_hash: Option<Digest>,
    #[serde(rename = "response_hash", deserialize_with = "present")]
    _response_hash: Option<Digest>,
    #[serde(default)]
    kind: Option<IgnoredAny>,
}

/// What an entry of a call says, as far as this version understands it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Without what is not understood.
    pub(crate) entry: Entry<'a>,
    /// What is not understood of the keys that this version knows: where it stands, and what.
    pub(crate) unread: Vec<Unread>,
}

/// A value of a later version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Such as `reason`, or `request.scan`.
    pub(crate) key: String,
    /// As JSON.
    pub(crate) value: String,
}

/// Of one entry so many values are named that are not understood; with more of them, its ten keys
/// are all that is read.
const MOST_UNREAD: usize = 32;

impl<'a> Whole<'a> {
    /// Reads an entry; an error says why it is none, without a word of what stands there.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let contract: Contract<'a> = serde_json::from_slice(bytes).map_err(|error| why(&error))?;
        if contract.outcome.is_none() && contract.kind.is_none() {
            return Err("`outcome` is null, and no `kind` says that it is no call".to_owned());
        }
        each_key_once(bytes).map_err(|error| why(&error))?;
        Ok(Self { bytes, contract })
    }

    /// When the request headers arrived.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.contract.timestamp
    }

    /// The id of its workflow.
    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.contract.correlation_id.as_deref()
    }

    /// Whom the call was for.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.contract.endpoint.as_deref()
    }

    /// All that the entry says of its call; `None` of a line that is no call.
    pub(crate) fn call(&self) -> Option<Call<'a>> {
        self.contract.outcome?;
        match serde_json::from_slice(self.bytes) {
            Ok(entry) => Some(Call { entry, unread: Vec::new() }),
            Err(_) => of_later_version(self.bytes),
        }
    }

    /// What a line that is no call is; `None` of one that is.
    pub(crate) fn kind(&self) -> Option<String> {
        if self.contract.outcome.is_some() {
            return None;
        }
        let value: Value = serde_json::from_slice(self.bytes).ok()?;
        let kind = value.get("kind")?;
        Some(kind.as_str().map_or_else(|| kind.to_string(), ToOwned::to_owned))
    }
}

/// A text that is not kept.
#[derive(Debug)]
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer).map(|_| Self)
    }
}

/// A key that may be null and may not be missing.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Of the parser's words only those that quote nothing.
fn why(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let missing = text.strip_prefix("missing field `").and_then(|text| text.split_once('`'));
    match (missing, error.classify()) {
        (Some((key, _)), _) => format!("the key `{key}` is missing"),
        (_, serde_json::error::Category::Eof) => "the line ends too early".to_owned(),
        _ if text.starts_with(TWICE) => {
            format!("a key stands there twice, at column {}", error.column())
        }
        _ => format!("not in the form of an entry at column {}", error.column()),
    }
}

const TWICE: &str = "a key stands here twice";

/// Takes away, one after the other, what is not understood.
fn of_later_version(bytes: &[u8]) -> Option<Call<'static>> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    let mut unread = Vec::new();
    while unread.len() < MOST_UNREAD {
        match serde_path_to_error::deserialize::<_, Entry<'static>>(value.clone()) {
            Ok(entry) => return Some(Call { entry, unread }),
            Err(error) => match take_out(&mut value, error.path()) {
                Some(taken) => unread.push(taken),
                None => break,
            },
        }
    }
    let object = value.as_object_mut()?;
    object.retain(|key, _| CONTRACT.contains(&key.as_str()));
    let rest = Unread { key: "all later keys".to_owned(), value: "…".to_owned() };
    Some(Call { entry: Entry::deserialize(value).ok()?, unread: vec![rest] })
}

/// The keys that make an entry, in their order.
const CONTRACT: [&str; 10] = [
    "timestamp",
    "agent_id",
    "user_id",
    "endpoint",
    "method",
    "status",
    "request_hash",
    "response_hash",
    "outcome",
    "correlation_id",
];

fn take_out(value: &mut Value, path: &Path) -> Option<Unread> {
    let mut place = value;
    let mut names: Vec<String> = Vec::new();
    let mut steps = path.iter().peekable();
    while let Some(step) = steps.next() {
        let is_last = !matches!(steps.peek(), Some(Segment::Map { .. } | Segment::Seq { .. }));
        match (step, is_last) {
            (Segment::Map { key }, false) => place = place.get_mut(key)?,
            (Segment::Seq { index }, false) => place = place.get_mut(*index)?,
            (Segment::Map { key }, true) => {
                names.push(key.clone());
                let value = place.as_object_mut()?.remove(key)?.to_string();
                return Some(Unread { key: names.join("."), value });
            }
            (Segment::Seq { index }, true) => {
                let list = place.as_array_mut()?;
                let value = (*index < list.len()).then(|| list.remove(*index))?.to_string();
                return Some(Unread { key: names.join("."), value });
            }
            _ => return None,
        }
        names.push(step.to_string());
    }
    None
}

/// Whether no object in a JSON text has a key twice; what of two values is meant readers disagree about.
pub(crate) fn each_key_once(json: &[u8]) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_slice(json);
    EachOnce.deserialize(&mut json)?;
    json.end()
}

/// Any JSON in which no object has a key twice.
struct EachOnce;

#[derive(Deserialize, PartialEq, Eq, Hash)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for EachOnce {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EachOnce {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names: HashSet<Name<'de>> = HashSet::new();
        while let Some(name) = members.next_key()? {
            if !names.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
            members.next_value_seed(Self)?;
        }
        Ok(())
    }
}

/// Whether so many bytes can be an entry.
pub(super) fn fits(bytes: u64) -> bool {
    bytes <= MAX_ENTRY_BYTES as u64
}

#[cfg(test)]
mod tests {
    use ledgerline_core::{mask::Scan, outcome::Reason};

    use super::*;

    /// An entry with more behind its ten keys.
    fn entry(more: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-06-30T12:34:56.000000Z","agent_id":"a","user_id":null,"endpoint":"h/p","method":"POST","status":200,"request_hash":null,"response_hash":null,"outcome":"error","correlation_id":"c"{more}}}"#
        )
    }

    fn unread(more: &str) -> Vec<String> {
        let line = entry(more);
        let call = Whole::read(line.as_bytes()).unwrap().call().unwrap();
        call.unread.iter().map(|unread| format!("{} {}", unread.key, unread.value)).collect()
    }

    #[test]
    fn what_a_later_version_adds_is_no_tear() {
        for more in [
            "",
            r#","http_version":"3""#,
            r#","chain":{"origin":"x","index":7,"hash":"y"},"z":[{"a":[1.5,-2,null,true]}]"#,
            r#","upstream":{"host":"a","tls":{"version":"1.3"}}"#,
            r#","stream":{"kind":"sse","events":1,"chunks":1,"later":[]}"#,
            r#","request":{"bytes":3,"later":1},"agent":{"source":"claimed","later":1}"#,
            r#","gen_ai":{"later":{}},"mcp":{"uri":"x"},"retry":{"x":1},"timing":{"duration_us":1,"x":2}"#,
        ] {
            assert_eq!(unread(more), [""; 0], "{more}");
        }
    }

    #[test]
    fn a_word_of_a_later_version_is_named_and_the_rest_is_read() {
        for (more, expected) in [
            (r#","reason":"quota_exceeded""#, vec![r#"reason "quota_exceeded""#]),
            (r#","request":{"bytes":3,"scan":"xml"}"#, vec![r#"request.scan "xml""#]),
            (
                r#","request":{"bytes":3,"end":7,"scan":"xml"}"#,
                vec!["request.end 7", r#"request.scan "xml""#],
            ),
            (
                r#","agent":{"name":"a","source":"verified"}"#,
                vec![r#"agent.source "verified""#, r#"agent {"name":"a"}"#],
            ),
            (r#","timing":"soon""#, vec![r#"timing "soon""#]),
            (r#","gen_ai":{"tools":["a",{"name":"b"},"c"]}"#, vec![r#"gen_ai.tools {"name":"b"}"#]),
        ] {
            assert_eq!(unread(more), expected, "{more}");
        }
        let line = entry(
            r#","reason":"rate_limited","request":{"bytes":3,"scan":"xml"},"response":{"bytes":4,"scan":"json"}"#,
        );
        let call = Whole::read(line.as_bytes()).unwrap().call().unwrap();
        assert_eq!(call.entry.reason, Some(Reason::RateLimited));
        assert_eq!(call.entry.request.unwrap().bytes, 3);
        assert_eq!(call.entry.response.unwrap().scan, Some(Scan::Json));
    }

    #[test]
    fn of_an_entry_that_says_nothing_else_the_ten_keys_are_read() {
        let tools: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        let line = entry(&format!(r#","gen_ai":{{"tools":[{}]}}"#, tools.join(",")));
        let call = Whole::read(line.as_bytes()).unwrap().call().unwrap();
        assert_eq!(call.entry.endpoint.as_deref(), Some("h/p"));
        assert_eq!(call.unread.len(), 1);
    }

    #[test]
    fn an_entry_has_each_of_ten_keys_once_and_of_its_type() {
        let line = entry("");
        let value: Value = serde_json::from_str(&line).unwrap();
        for key in CONTRACT {
            let mut without = value.clone();
            without.as_object_mut().unwrap().remove(key);
            let problem = Whole::read(without.to_string().as_bytes()).unwrap_err();
            assert_eq!(problem, format!("the key `{key}` is missing"));
            for wrong in [Value::from(-1), Value::from(true), serde_json::json!({"a": 1})] {
                let mut other = value.clone();
                other[key] = wrong;
                let problem = Whole::read(other.to_string().as_bytes()).unwrap_err();
                assert!(problem.starts_with("not in the form of an entry"), "{key}: {problem}");
            }
            let twice = format!("{},\"{key}\":{}}}", line.trim_end_matches('}'), value[key]);
            assert!(Whole::read(twice.as_bytes()).is_err(), "{key}");
        }
        for twice in [
            r#","reason":"rate_limited","reason":"overloaded""#,
            r#","later":1,"l\u0061ter":2"#,
            r#","later":[{"a":{"b":1,"b":2}}]"#,
        ] {
            let problem = Whole::read(entry(twice).as_bytes()).unwrap_err();
            assert!(problem.starts_with("a key stands there twice"), "{twice}: {problem}");
        }
        for hostile in [
            "[".repeat(10_000),
            format!(r#","later":{}1{}"#, "[".repeat(10_000), "]".repeat(10_000)),
            r#","later":1e999"#.to_owned(),
            r#","status":99999"#.to_owned(),
        ] {
            assert!(Whole::read(entry(&hostile).as_bytes()).is_err(), "{hostile:.40}");
        }
    }

    #[test]
    fn the_order_of_the_keys_is_free_because_collectors_write_anew() {
        let value: Value = serde_json::from_str(&entry("")).unwrap();
        let members = value.as_object().unwrap().iter().rev();
        let members: Vec<_> = members.map(|(key, value)| format!("\"{key}\" : {value}")).collect();
        assert!(Whole::read(format!(" {{ {} }}\r", members.join(" , ")).as_bytes()).is_ok());
    }

    #[test]
    fn a_line_that_is_no_call_says_its_kind() {
        let nothing = entry("").replace(r#""outcome":"error""#, r#""outcome":null"#);
        assert!(Whole::read(nothing.as_bytes()).unwrap_err().contains("`outcome` is null"));
        let heartbeat = nothing.replace('}', r#","kind":"heartbeat","counts":{"calls":3}}"#);
        let whole = Whole::read(heartbeat.as_bytes()).unwrap();
        assert_eq!(whole.kind().as_deref(), Some("heartbeat"));
        assert!(whole.call().is_none());
        let call = entry(r#","kind":"x""#);
        let call = Whole::read(call.as_bytes()).unwrap();
        assert!(call.kind().is_none() && call.call().is_some());
    }

    #[test]
    fn a_problem_quotes_nothing_of_the_line() {
        for line in [
            entry("").replace("\"error\"", "\"hunter2hunter2\""),
            entry("").replace("200", "\"hunter2hunter2\""),
            entry(r#","hunter2hunter2":1,"hunter2hunter2":1"#),
            "hunter2hunter2".to_owned(),
        ] {
            let problem = Whole::read(line.as_bytes()).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
