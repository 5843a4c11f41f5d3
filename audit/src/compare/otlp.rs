//! Entries in OTLP/JSON, as the OpenTelemetry Collector's file exporter writes them.
//!
//! ```text
//! {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{\"timestamp\":…}"}}]}]}]}
//! ```
//!
//! One document per line, and in it any number of records. The entry is the body, one string; whatever
//! else the record holds is of no interest here.

use std::borrow::Cow;

use serde::Deserialize;

/// A document is not longer than this: four times what a collector takes in one request.
pub(super) const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Whether this is a line of such a file.
pub(super) fn is_document(line: &[u8]) -> bool {
    line.starts_with(br#"{"resourceLogs":"#)
}

/// The bodies of all records, in their order; `None` for what is no such document. A body that is not
/// a string is empty.
pub(super) fn bodies(line: &[u8]) -> Option<Vec<Cow<'_, str>>> {
    let document: Document<'_> = serde_json::from_slice(line).ok()?;
    let scopes = document.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let records = scopes.flat_map(|scope| scope.log_records);
    Some(records.map(|record| record.body.string_value).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    resource_logs: Vec<ResourceLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow, default)]
    log_records: Vec<LogRecord<'a>>,
}

#[derive(Deserialize)]
struct LogRecord<'a> {
    #[serde(borrow, default)]
    body: Body<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    string_value: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_of_all_records_are_found() {
        let line = br#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[
            {"timeUnixNano":"1","body":{"stringValue":"{\"a\":1}"},"traceId":""},{"body":{"intValue":"3"}},{}]},
            {"logRecords":[{"body":{"stringValue":"b"}}]}]},{}]}"#;
        assert!(is_document(line));
        assert_eq!(bodies(line).unwrap(), [r#"{"a":1}"#, "", "", "b"]);
        assert!(!is_document(br#"{"timestamp":"#) && bodies(br#"{"resourceLogs":[{"#).is_none());
    }
}
