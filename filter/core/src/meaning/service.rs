//! A call to a service whose answers say that something went wrong behind a good status.
//!
//! ```text
//! 200  {"ok":false,"error":"not_in_channel"}                          Slack
//! 200  {"data":null,"errors":[{"message":"…","extensions":{"code":"UNAUTHENTICATED"}}]}  GraphQL
//! ```
//!
//! Only services count that say so in one known way: those of a known host, and GraphQL by its path.
//! An answer of GraphQL that holds errors beside data is one that went wrong, too: a mutation that
//! failed has data, with `null` in the place of what was to be changed.
//!
//! What others report with a good status is the state of a thing (a message that could not be
//! delivered) and no failure of the call, or cannot be told from it; nothing is said of these.

use super::{
    Clues, MAX_WORD_BYTES,
    api::{host_name, matches},
    fields::{Answered, Word},
    gen_ai::says_error,
    text_of, trouble,
};
use crate::{
    mask::Rules,
    outcome::{Outcome, Reason},
    reader::Value,
    text::Text,
};

/// A call to a service, as far as its answer tells how it ended.
#[derive(Debug)]
pub(super) struct ServiceCall {
    manner: Manner,
    document: Document,
    error_type: Option<Text>,
    verdict: Option<(Outcome, Reason)>,
}

/// How a service says that something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// `{"ok":false}`, with a word or a number for it.
    Ok,
    /// `{"errors":[…]}`, of which there is at least one.
    Errors,
    /// `{"errcode":93000}` where 0 means that all is well.
    ErrCode,
    /// `{"code":19001}`, the same.
    Code,
    /// `{"status":"REQUEST_DENIED"}`.
    Status,
}

/// What the document that passes says.
#[derive(Debug, Default)]
struct Document {
    has_failed: bool,
    word: String,
    number: String,
}

impl ServiceCall {
    pub(super) fn new(clues: &Clues<'_>) -> Option<Self> {
        let path = clues.path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let host = host_name(clues.host);
        let known =
            SERVICES.iter().find(|(at, under, _)| matches(at, host) && matches(under, path));
        let (_, _, manner) = *known?;
        Some(Self { manner, document: Document::default(), error_type: None, verdict: None })
    }

    /// Takes note of what stands at a place of the answer.
    pub(super) fn note(&mut self, field: Answered, value: Value<'_>) {
        let document = &mut self.document;
        let is_not_zero = !matches!(value, Value::Number(0) | Value::Null);
        match (self.manner, field) {
            (Manner::Ok, Answered::Ok) => document.has_failed |= value == Value::False,
            (Manner::Ok, Answered::Error) => keep(&mut document.word, value),
            (Manner::Ok, Answered::ErrorWord(Word::Number)) => keep(&mut document.number, value),
            (Manner::Errors, Answered::Errors) => document.has_failed |= says_error(value),
            (Manner::Errors, Answered::ErrorWord(Word::Code | Word::Type))
                if document.word.is_empty() =>
            {
                keep(&mut document.word, value);
            }
            (Manner::ErrCode, Answered::CodeOfZero)
            | (Manner::Code, Answered::ErrorWord(Word::Code)) => {
                document.has_failed |= is_not_zero;
                keep(&mut document.number, value);
            }
            (Manner::Status, Answered::Status) => {
                let status = text_of(value).unwrap_or("OK");
                document.has_failed |= !GOOD_STATUSES.contains(&status);
                keep(&mut document.word, value);
            }
            _ => {}
        }
    }

    /// A document of the answer ended. Of several the first that went wrong counts.
    pub(super) fn end_document(&mut self, rules: &Rules) {
        let Document { has_failed, word, number } = std::mem::take(&mut self.document);
        if !has_failed || self.verdict.is_some() {
            return;
        }
        let words = [&*word, &*number];
        let words = words.into_iter().filter(|word| trouble::is_word(word));
        self.verdict = Some(trouble::verdict(words.clone()));
        let word = words.clone().next();
        self.error_type = word.map(|word| Text::masked(rules, word.as_bytes(), MAX_WORD_BYTES));
    }

    pub(super) fn verdict(&self) -> Option<(Outcome, Reason)> {
        self.verdict
    }

    pub(super) fn error_type(&self) -> Option<&Text> {
        self.error_type.as_ref()
    }
}

fn keep(place: &mut String, value: Value<'_>) {
    match value {
        Value::Text { text, .. } => text.clone_into(place),
        Value::Number(number) => *place = number.to_string(),
        Value::Negative(number) => *place = number.to_string(),
        _ => {}
    }
}

/// Of Google's maps: an answer, and an answer that holds nothing.
const GOOD_STATUSES: &[&str] = &["OK", "ZERO_RESULTS"];

/// Host, path, and how the service says what went wrong. The first that matches decides.
const SERVICES: &[(&str, &str, Manner)] = &[
    ("slack.com", "/api/*", Manner::Ok),
    ("*.slack.com", "/api/*", Manner::Ok),
    ("slack-gov.com", "/api/*", Manner::Ok),
    ("*.slack-gov.com", "/api/*", Manner::Ok),
    ("api.telegram.org", "/bot*", Manner::Ok),
    ("api.weixin.qq.com", "*", Manner::ErrCode),
    ("qyapi.weixin.qq.com", "*", Manner::ErrCode),
    ("oapi.dingtalk.com", "*", Manner::ErrCode),
    ("open.feishu.cn", "/open-apis/*", Manner::Code),
    ("open.larksuite.com", "/open-apis/*", Manner::Code),
    ("maps.googleapis.com", "/maps/api/*/json", Manner::Status),
    ("api.linear.app", "/graphql", Manner::Errors),
    ("api.monday.com", "/v2", Manner::Errors),
    ("*", "*/graphql", Manner::Errors),
    ("*", "*/graphql.json", Manner::Errors),
    ("*", "*/gql", Manner::Errors),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::{Meaning, Tables};
    use std::rc::Rc;

    fn said(host: &str, path: &str, body: &str, piece: usize) -> Option<(String, String)> {
        let clues = Clues { host: host.as_bytes(), path: path.as_bytes(), ..Clues::default() };
        let mut meaning = Meaning::new(&Rc::new(Tables::new()), &Rc::default(), &clues)?;
        assert!(meaning.wants_plain_answer() && meaning.wants_response());
        body.as_bytes().chunks(piece).for_each(|bytes| meaning.response(bytes));
        meaning.end_response(b"");
        assert!(meaning.gen_ai().is_none() && meaning.mcp().is_none());
        let (_, reason) = meaning.verdict()?;
        Some((reason.as_str().to_owned(), meaning.error_type().unwrap_or_default().to_owned()))
    }

    #[test]
    fn a_good_status_is_not_always_success() {
        let slack = ("slack.com", "/api/chat.postMessage");
        let telegram = ("api.telegram.org", "/bot1:A/sendMessage");
        let graphql = ("api.example.com", "/v1/graphql");
        let shopify = ("s.myshopify.com", "/admin/api/2026-10/graphql.json?x=1");
        let wecom = ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send");
        let lark = ("open.feishu.cn", "/open-apis/bot/v2/hook/x");
        let maps = ("maps.googleapis.com", "/maps/api/geocode/json?address=x");
        for ((host, path), body, expected) in [
            (
                slack,
                r#"{"ok":false,"error":"not_in_channel"}"#,
                Some(("application_error", "not_in_channel")),
            ),
            (slack, r#"{"error":"ratelimited","ok":false}"#, Some(("rate_limited", "ratelimited"))),
            (slack, r#"{"ok":false}"#, Some(("application_error", ""))),
            (
                slack,
                r#"{"ok":false,"error":"a sentence, with more"}"#,
                Some(("application_error", "")),
            ),
            (slack, r#"{"ok":true,"error":"x","message":{"ok":false}}"#, None),
            (slack, r#"{"ok":"false"}"#, None),
            (slack, r#"{"ok":0}"#, None),
            (slack, "ok", None),
            (slack, r#"{"errors":["x"]}"#, None),
            (
                telegram,
                r#"{"ok":false,"error_code":400,"description":"Bad Request"}"#,
                Some(("application_error", "400")),
            ),
            (
                telegram,
                r#"{"ok":false,"error_code":429,"parameters":{"retry_after":5}}"#,
                Some(("rate_limited", "429")),
            ),
            (telegram, r#"{"ok":true,"result":{"ok":false}}"#, None),
            (
                graphql,
                r#"{"errors":[{"message":"no"}],"data":null}"#,
                Some(("application_error", "")),
            ),
            (
                graphql,
                r#"{"data":{"createIssue":null},"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}"#,
                Some(("application_error", "FORBIDDEN")),
            ),
            (
                graphql,
                r#"{"errors":[{"type":"RATE_LIMITED","message":"x"}]}"#,
                Some(("rate_limited", "RATE_LIMITED")),
            ),
            (graphql, r#"[{"data":{}},{"errors":[{}]}]"#, Some(("application_error", ""))),
            (graphql, r#"{"errors":["no"]}"#, Some(("application_error", ""))),
            (graphql, r#"{"errors":[],"data":{}}"#, None),
            (graphql, r#"{"errors":null,"data":{}}"#, None),
            (graphql, r#"{"errors":{},"data":{}}"#, None),
            (graphql, r#"{"data":{"errors":[{"message":"x"}]}}"#, None),
            (graphql, r#"{"ok":false,"error":"x"}"#, None),
            (
                shopify,
                r#"{"errors":[{"extensions":{"code":"THROTTLED"}}]}"#,
                Some(("rate_limited", "THROTTLED")),
            ),
            (
                wecom,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
                Some(("application_error", "93000")),
            ),
            (wecom, r#"{"errcode":-1,"errmsg":"system busy"}"#, Some(("application_error", "-1"))),
            (wecom, r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (wecom, r#"{"access_token":"x"}"#, None),
            (lark, r#"{"code":19001,"msg":"param invalid"}"#, Some(("application_error", "19001"))),
            (lark, r#"{"code":0,"data":{"code":1}}"#, None),
            (
                maps,
                r#"{"status":"REQUEST_DENIED","results":[]}"#,
                Some(("application_error", "REQUEST_DENIED")),
            ),
            (maps, r#"{"status":"OVER_QUERY_LIMIT"}"#, Some(("rate_limited", "OVER_QUERY_LIMIT"))),
            (maps, r#"{"status":"ZERO_RESULTS","results":[]}"#, None),
            (maps, r#"{"status":"OK"}"#, None),
        ] {
            let expected = expected.map(|(reason, word)| (reason.to_owned(), word.to_owned()));
            for piece in 1..=body.len() {
                assert_eq!(said(host, path, body, piece), expected, "{host} {body}, {piece}");
            }
        }
    }

    #[test]
    fn of_what_is_not_known_nothing_is_said() {
        for (host, path) in [
            ("slack.com.example", "/api/x"),
            ("notslack.com", "/api/x"),
            ("slack.com", "/help"),
            ("api.example.com", "/graphql/schema"),
            ("api.example.com", "/xgraphql"),
            ("api.stripe.com", "/v1/charges"),
        ] {
            assert_eq!(said(host, path, r#"{"ok":false,"errors":[{}]}"#, 9), None, "{host}{path}");
        }
    }
}
