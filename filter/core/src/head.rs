//! What of the head of a request, and of its trailers, may go on.
//!
//! A head is where a client has to put its credential: in a header that is made for one, in a field of
//! the query (`?key=…`), in the path of a webhook. What stands there is meant for the host and goes on
//! as it came, or no call would succeed. Whatever else holds a secret (a prompt in a header, a key that
//! was pasted into a search, a password in a query) is replaced where the operator said so, by the same
//! rules and the same grades as in a body.
//!
//! A credential of another provider than the one that is called stops the call where the operator said
//! so, and there the place is no excuse: an AWS key is none of Stripe's business in whatever header.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    credential,
    gate::GateRules,
    mask::{Masked, Place, Rules},
    outcome::Reason,
    policy::{Action, Policy, bare_name},
};

/// Header pairs of a request.
pub(crate) trait Pairs<'h>: Iterator<Item = (&'h [u8], &'h [u8])> + Clone {}

impl<'h, P: Iterator<Item = (&'h [u8], &'h [u8])> + Clone> Pairs<'h> for P {}

/// A header and what is left of its value.
pub(crate) type Changed = (Box<str>, Vec<u8>);

/// Watches the head of one request, and its trailers.
#[derive(Debug)]
pub(crate) struct HeadGate {
    policy: Policy,
    host: Box<str>,
    /// What was replaced so far, by rule.
    counts: BTreeMap<Box<str>, u64>,
}

impl HeadGate {
    /// A gate before `host`, if there is anything to watch.
    pub(crate) fn new(policy: Policy, host: &[u8]) -> Option<Self> {
        let denies = policy.secret_to_wrong_host == Action::Deny;
        let host = bare_name(host).into();
        let watches = policy.mask_outbound || denies;
        watches.then(|| Self { policy, host, counts: BTreeMap::new() })
    }

    /// What was replaced so far, by rule.
    pub(crate) fn counts(&self) -> &BTreeMap<Box<str>, u64> {
        &self.counts
    }

    /// The headers that go on changed; those that are `removed` go nowhere.
    ///
    /// # Errors
    /// If the request must not go on.
    pub(crate) fn pass<'h>(
        &mut self,
        rules: &GateRules,
        path: &'h [u8],
        headers: impl Pairs<'h>,
        removed: &[Cow<'_, str>],
    ) -> Result<Vec<Changed>, Reason> {
        let is_removed =
            |name: &[u8]| removed.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(name));
        let leaving = headers.filter(|(name, _)| !name.starts_with(b":") && !is_removed(name));
        let mut texts = leaving.clone().map(|(_, value)| value).chain([path]);
        if self.policy.secret_to_wrong_host == Action::Deny
            && texts.any(|text| self.is_foreign(rules, text))
        {
            return Err(Reason::SecretToWrongHost);
        }
        if !self.policy.mask_outbound {
            return Ok(Vec::new());
        }
        let path = self.path(rules, path).map(|path| (":path".into(), path));
        Ok(path.into_iter().chain(self.fields(rules, leaving)).collect())
    }

    fn is_foreign(&self, rules: &GateRules, text: &[u8]) -> bool {
        let masked = rules.credentials.read_head(text, Place::Header, None).1;
        masked.providers().iter().any(|provider| !provider.owns(&self.host))
    }

    /// The fields whose values change, each once: with several of one name all of them are set.
    fn fields<'h>(&mut self, rules: &GateRules, fields: impl Pairs<'h>) -> Vec<Changed> {
        let mut changed: Vec<Changed> = Vec::new();
        for (name, value) in fields.clone() {
            let Ok(text) = std::str::from_utf8(name) else { continue };
            let is_known = changed.iter().any(|(known, _)| known.eq_ignore_ascii_case(text));
            if is_known || self.value(rules, text, value).is_none() {
                continue;
            }
            let same = fields.clone().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            let left: Vec<Vec<u8>> = same
                .map(|(_, value)| self.count(rules, text, value).unwrap_or_else(|| value.to_vec()))
                .collect();
            changed.push((text.into(), left.join(&b", "[..])));
        }
        changed
    }

    /// What is left of a header's value, unless that is all of it.
    fn value(&self, rules: &GateRules, name: &str, value: &[u8]) -> Option<(Vec<u8>, Masked)> {
        if is_for_credentials(self.rules(rules), name) {
            return None;
        }
        self.read(rules, value, Place::Header)
    }

    fn count(&mut self, rules: &GateRules, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let (left, masked) = self.value(rules, name, value)?;
        self.add(&masked);
        Some(left)
    }

    /// What is left of the path and the query, unless that is all of it.
    fn path(&mut self, rules: &GateRules, path: &[u8]) -> Option<Vec<u8>> {
        let query = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
        let (way, query) = path.split_at_checked(query)?;
        let read = [(way, Place::Path), (query, Place::Query)]
            .map(|(text, place)| (text, self.read(rules, text, place)));
        if read.iter().all(|(_, left)| left.is_none()) {
            return None;
        }
        let mut whole = Vec::with_capacity(path.len());
        for (text, left) in read {
            match left {
                Some((left, masked)) => {
                    self.add(&masked);
                    whole.extend_from_slice(&left);
                }
                None => whole.extend_from_slice(text),
            }
        }
        Some(whole)
    }

    fn read(&self, rules: &GateRules, text: &[u8], place: Place) -> Option<(Vec<u8>, Masked)> {
        let (left, masked) = self.rules(rules).read_head(text, place, Some(&self.host));
        (!masked.counts().is_empty()).then_some((left, masked))
    }

    fn rules<'r>(&self, rules: &'r GateRules) -> &'r Rules {
        if self.policy.mask_outbound_likely { &rules.all } else { &rules.certain }
    }

    fn add(&mut self, masked: &Masked) {
        for (rule, count) in masked.counts() {
            let sum = self.counts.entry(rule.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}

/// Whether a header of this name is made for a credential of whoever is called.
fn is_for_credentials(rules: &Rules, name: &str) -> bool {
    credential::HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
        || rules.is_secret_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "***REDACTED***";

    fn key() -> String {
        format!("sk-ant-{}-{}AA", "api03", "aB3".repeat(31))
    }

    fn aws() -> String {
        format!("{}{}", "AKIA", "Z7Q2M5XR3KTW6PLH")
    }

    fn telegram() -> String {
        format!("123456789:A{}", "aB3_dE6-".repeat(5).get(..34).unwrap_or_default())
    }

    fn pass(
        policy: Policy,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>, Reason> {
        let rules = GateRules::new(&Rules::default());
        let mut gate = HeadGate::new(policy, host.as_bytes()).unwrap();
        let pairs = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let removed = [Cow::Borrowed("x-internal")];
        let changed = gate.pass(&rules, path.as_bytes(), pairs, &removed)?;
        assert_eq!(gate.counts().is_empty(), changed.is_empty());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ok(changed.into_iter().map(|(name, value)| (name.into(), text(value))).collect())
    }

    fn masking() -> Policy {
        Policy { mask_outbound: true, ..Policy::default() }
    }

    fn denying() -> Policy {
        Policy { secret_to_wrong_host: Action::Deny, ..Policy::default() }
    }

    #[test]
    fn a_head_with_nothing_to_watch_has_no_gate() {
        assert!(HeadGate::new(Policy::default(), b"api.example.com").is_none());
    }

    #[test]
    fn a_credential_goes_on_where_a_client_has_to_put_it() {
        let (key, aws) = (key(), aws());
        let google = format!("AIza{}", "aB3_".repeat(9));
        let telegram = telegram();
        let signed = format!("AWS4-HMAC-SHA256 Credential={aws}/20260630/eu/s3/aws4_request");
        for (host, path, headers) in [
            ("api.anthropic.com", "/v1/messages".to_owned(), vec![("x-api-key", &*key)]),
            (
                "api.example.com",
                "/v1".into(),
                vec![("authorization", "Bearer abc"), ("api-key", &key)],
            ),
            ("x.googleapis.com", format!("/v1/models?alt=sse&key={google}"), vec![]),
            ("a.example", "/v1?access_token=abcdef&sig=12".into(), vec![("cookie", "sid=1")]),
            (
                "s3.amazonaws.com",
                format!("/b?X-Amz-Credential={aws}%2F1&x=1"),
                vec![("authorization", &signed)],
            ),
            ("api.telegram.org", format!("/bot{telegram}/sendMessage"), vec![]),
            (
                "hooks.slack.com",
                "/services/T024BE7LD/B024BE7LD/aB3aB3aB3aB3aB3aB3aB3aB3".into(),
                vec![],
            ),
            (
                "api.openai.com",
                "/v1".into(),
                vec![("idempotency-key", "stainless-1"), ("openai-beta", "a=v2")],
            ),
            (
                "api.example.com",
                "/v1?next_page_token=CAUQAA&limit=2".into(),
                vec![("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
            ),
        ] {
            assert_eq!(pass(masking(), host, &path, &headers), Ok(vec![]), "{host}");
        }
        for (host, path, headers) in [
            ("api.anthropic.com", "/v1/messages".to_owned(), vec![("x-api-key", &*key)]),
            ("x.googleapis.com", format!("/v1/models?key={google}"), vec![]),
            ("s3.amazonaws.com", "/".into(), vec![("authorization", &signed)]),
            ("api.example.com", "/".into(), vec![("x-internal", &key), ("x-api-key", "abc")]),
        ] {
            assert_eq!(pass(denying(), host, &path, &headers), Ok(vec![]), "{host}");
        }
    }

    #[test]
    fn what_is_no_credential_of_the_call_is_replaced() {
        let (key, telegram) = (key(), telegram());
        for (path, headers, changed) in [
            (
                format!("/search?q={key}&n=1"),
                vec![],
                vec![(":path", format!("/search?q={MARK}&n=1"))],
            ),
            (
                "/login?user=a&password=hunter2".into(),
                vec![],
                vec![(":path", format!("/login?user=a&password={MARK}"))],
            ),
            (
                "/login?pass%77ord=hunter2&x=1".into(),
                vec![],
                vec![(":path", format!("/login?pass%77ord={MARK}&x=1"))],
            ),
            (
                format!("/files/{key}/x?a=b"),
                vec![],
                vec![(":path", format!("/files/{MARK}/x?a=b"))],
            ),
            (
                format!("/bot{telegram}/x"),
                vec![],
                vec![(":path", format!("/bot123456789:{MARK}/x"))],
            ),
            (
                "/".into(),
                vec![("x-prompt", format!("use {key} please"))],
                vec![("x-prompt", format!("use {MARK} please"))],
            ),
            (
                "/".into(),
                vec![("referer", "https://a.example/?access_token=abc&b=c".into())],
                vec![("referer", format!("https://a.example/?access_token={MARK}&b=c"))],
            ),
            (
                "/".into(),
                vec![("x-a", "1".into()), ("x-a", key.clone()), ("x-b", "2".into())],
                vec![("x-a", format!("1, {MARK}"))],
            ),
            ("/".into(), vec![("x-internal", key.clone())], vec![]),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let changed: Vec<_> =
                changed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(pass(masking(), "api.example.com", &path, &headers), Ok(changed), "{path}");
        }
    }

    #[test]
    fn what_is_only_likely_is_replaced_where_that_is_wanted() {
        let headers = [("x-note", "deploy --password hunter2x-Fake9 now")];
        assert_eq!(pass(masking(), "a.example", "/", &headers), Ok(vec![]));
        let likely = Policy { mask_outbound_likely: true, ..masking() };
        let left = format!("deploy --password {MARK} now");
        assert_eq!(pass(likely, "a.example", "/", &headers), Ok(vec![("x-note".into(), left)]));
    }

    #[test]
    fn a_credential_of_another_provider_stops_the_call_wherever_it_stands() {
        let (key, aws) = (key(), aws());
        let bearer = format!("Bearer {key}");
        for (host, path, headers) in [
            ("api.openai.com", "/v1".to_owned(), vec![("authorization", &*bearer)]),
            ("api.openai.com", "/v1".into(), vec![("x-note", &aws)]),
            ("api.openai.com", format!("/v1?q={aws}"), vec![]),
            ("api.openai.com", format!("/v1/{key}"), vec![]),
            ("anthropic.com.example", "/".into(), vec![("x-api-key", &key)]),
        ] {
            let result = pass(denying(), host, &path, &headers);
            assert_eq!(result, Err(Reason::SecretToWrongHost), "{host}");
        }
    }
}
