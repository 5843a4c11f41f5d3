//! What of a request body may go on, and when.
//!
//! A body is forwarded chunk by chunk, and a secret may begin in one chunk and be known for one only
//! in the next. So where it matters what leaves, the last bytes of a chunk stay here until more is
//! known: at most [`crate::mask::MAX_HELD`] of them, and none at all after most chunks. What goes on
//! is the masked view where the operator said so, and else the bytes as they came.
//!
//! # The end
//!
//! Held bytes follow with the next chunk or with the end of the stream. Trailers are the exception:
//! Envoy lets a filter change the body in them only if it had the body buffered since the last
//! chunk, and buffering is not safe here, because Envoy has one buffer per request for all filters.
//! A filter behind that waits (for DNS, say) keeps its bytes in it, and continues with all of it:
//! with those, too, that were held back. So nothing is ever buffered, and in the rare case of a
//! request whose body ends in bytes that may begin a secret *and* that has trailers, the request is
//! refused.

use std::rc::Rc;

use crate::{
    digest::{Body, End},
    mask::{Grade, Masker, Provider, Rules, Scan, Syntax},
    outcome::Reason,
    passage::{Hear, Passage},
    policy::{Action, Policy, bare_name},
};

/// What goes on in place of a chunk.
#[derive(Clone, Debug, Default)]
pub struct Onward {
    bytes: Vec<u8>,
    changed: bool,
}

impl Onward {
    /// The bytes that go on.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether they differ from the chunk.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Forgets everything but the allocation.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.changed = false;
    }
}

/// The rules by which gates watch.
#[derive(Clone, Debug)]
pub(crate) struct GateRules {
    /// Those of [`Rules::credentials`].
    pub(crate) credentials: Rc<Rules>,
    /// Those for what is certain.
    pub(crate) certain: Rc<Rules>,
    /// All of them.
    pub(crate) all: Rc<Rules>,
}

impl GateRules {
    pub(crate) fn new(rules: &Rules) -> Self {
        Self {
            credentials: Rc::new(rules.credentials()),
            certain: Rc::new(rules.only(Grade::Certain)),
            all: Rc::new(rules.clone()),
        }
    }
}

/// A request body of which not everything may leave.
#[derive(Debug)]
pub(crate) struct Gate {
    policy: Policy,
    host: Box<str>,
    /// Looks for credentials whose provider is known, where one to another host is denied: in
    /// whatever the body is said to be, since a caller may call a text an image. The masker of the
    /// body would not do: it replaces a value by its name without a look at it.
    watch: Option<Masker>,
    /// Replaces what is certain in what goes on, where nothing else is replaced there.
    call: Option<Masker>,
    /// The bytes as they came that are held back; empty where the masked view goes on.
    held: Vec<u8>,
}

impl Gate {
    /// A gate before `host` for a body in `syntax`, if there is anything to watch.
    pub(crate) fn new(
        policy: Policy,
        host: &[u8],
        rules: &GateRules,
        syntax: &Syntax,
    ) -> Option<Self> {
        let denies = policy.secret_to_wrong_host == Action::Deny;
        let watch = denies.then(|| Masker::new(Rc::clone(&rules.credentials), Syntax::Text));
        let host = bare_name(host).into();
        let is_certain = policy.mask_outbound && !policy.mask_outbound_likely;
        let call = is_certain.then(|| Masker::new(Rc::clone(&rules.certain), syntax.clone()));
        let watches = policy.mask_outbound || denies;
        watches.then(|| Self { policy, host, watch, call, held: Vec::new() })
    }

    /// Whether the body that leaves may be another than the one that came.
    pub(crate) fn masks(&self) -> bool {
        self.policy.mask_outbound
    }

    /// The next bytes: what of them may go on by now is added to `onward`.
    ///
    /// # Errors
    /// If the request must not go on.
    pub(crate) fn pass(
        &mut self,
        passage: &mut Passage,
        chunk: &[u8],
        onward: &mut Onward,
        hear: &mut Hear<'_>,
    ) -> Result<(), Reason> {
        let start = onward.bytes.len();
        let held = self.watch.as_mut().map_or(0, |watch| {
            watch.push(chunk, &mut |_| {});
            watch.held()
        });
        if let Some(call) = &mut self.call {
            passage.push(chunk, &mut |_| {}, hear);
            call.push(chunk, &mut |view| onward.bytes.extend_from_slice(view));
        } else if self.policy.mask_outbound {
            passage.push(chunk, &mut |view| onward.bytes.extend_from_slice(view), hear);
        } else {
            passage.push(chunk, &mut |_| {}, hear);
            self.release(chunk, held, &mut onward.bytes);
        }
        onward.changed |= onward.bytes.get(start..) != Some(chunk);
        self.check(passage.body())
    }

    /// The body ended: what was held back is added to `onward`.
    ///
    /// # Errors
    /// If the request must not go on, or cannot because there is no chunk left to change.
    pub(crate) fn finish(
        &mut self,
        passage: &mut Passage,
        end: End,
        onward: &mut Onward,
        hear: &mut Hear<'_>,
    ) -> Result<(), Reason> {
        let start = onward.bytes.len();
        if let Some(watch) = &mut self.watch {
            watch.finish(&mut |_| {});
        }
        let mut view = |bytes: &[u8]| {
            if self.policy.mask_outbound && self.call.is_none() {
                onward.bytes.extend_from_slice(bytes);
            }
        };
        passage.finish(end, &mut view, hear);
        if let Some(call) = &mut self.call {
            call.finish(&mut |view| onward.bytes.extend_from_slice(view));
        }
        onward.bytes.append(&mut self.held);
        let has_rest = onward.bytes.len() > start;
        onward.changed |= has_rest;
        self.check(passage.body())?;
        if has_rest && end == End::Trailers { Err(Reason::UnmaskableBody) } else { Ok(()) }
    }

    /// Of the bytes as they came, all but the last `held` go on.
    fn release(&mut self, chunk: &[u8], held: usize, onward: &mut Vec<u8>) {
        let decided = self.held.len().saturating_add(chunk.len()).saturating_sub(held);
        let from_held = decided.min(self.held.len());
        onward.extend(self.held.drain(..from_held));
        let from_chunk = decided.saturating_sub(from_held);
        let (released, kept) = chunk.split_at_checked(from_chunk).unwrap_or((chunk, &[]));
        onward.extend_from_slice(released);
        self.held.extend_from_slice(kept);
    }

    fn check(&self, body: &Body) -> Result<(), Reason> {
        if body.is_lost() {
            return Err(Reason::FilterFault);
        }
        if self.masks() && body.scan() == Some(Scan::Opaque) {
            return Err(Reason::UnmaskableBody);
        }
        let providers = self.watch.as_ref().map(|watch| watch.masked().providers());
        let is_foreign = |provider: &&Provider| !provider.owns(&self.host);
        if providers.unwrap_or_default().iter().any(is_foreign) {
            return Err(Reason::SecretToWrongHost);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::{Digest, Reading},
        mask::Syntax,
    };
    use proptest::prelude::*;

    const MARK: &str = "***REDACTED***";

    fn key() -> String {
        format!("sk-ant-{}-{}AA", "api03", "aB3".repeat(31))
    }

    fn masking() -> Gate {
        let policy = Policy { mask_outbound: true, ..Policy::default() };
        Gate::new(policy, b"api.example.com", &rules(), &Syntax::Json).unwrap()
    }

    fn denying(host: &str) -> Gate {
        let policy = Policy { secret_to_wrong_host: Action::Deny, ..Policy::default() };
        Gate::new(policy, host.as_bytes(), &rules(), &Syntax::Json).unwrap()
    }

    fn rules() -> GateRules {
        GateRules::new(&Rules::default())
    }

    fn opened() -> Passage {
        let mut passage = Passage::default();
        passage.open(&Reading::default(), Syntax::Json);
        passage
    }

    /// What went on of a body by its end or its refusal, and the digest.
    fn passed(gate: &mut Gate, chunks: &[&[u8]]) -> (Result<(), Reason>, Vec<u8>, Option<Digest>) {
        let (mut body, mut sent) = (opened(), Vec::new());
        for chunk in chunks {
            let mut onward = Onward::default();
            if let Err(reason) = gate.pass(&mut body, chunk, &mut onward, &mut |_| {}) {
                return (Err(reason), sent, body.digest());
            }
            assert!(onward.is_changed() || onward.bytes() == *chunk);
            sent.extend_from_slice(onward.bytes());
        }
        let mut rest = Onward::default();
        let result = gate.finish(&mut body, End::Complete, &mut rest, &mut |_| {});
        assert_eq!(rest.is_changed(), !rest.bytes().is_empty());
        sent.extend_from_slice(rest.bytes());
        (result, sent, body.digest())
    }

    #[test]
    fn a_gate_with_nothing_to_watch_is_none() {
        assert!(
            Gate::new(Policy::default(), b"api.example.com", &rules(), &Syntax::Json).is_none()
        );
    }

    #[test]
    fn a_chunk_without_secrets_goes_on_as_it_is() {
        for mut gate in [masking(), denying("api.example.com")] {
            let mut onward = Onward::default();
            gate.pass(&mut opened(), br#"{"a":1}"#, &mut onward, &mut |_| {}).unwrap();
            assert!(!onward.is_changed());
        }
    }

    #[test]
    fn an_end_that_is_not_decided_cannot_follow_in_trailers() {
        for mut gate in [masking(), denying("api.example.com")] {
            let (mut body, mut onward) = (opened(), Onward::default());
            let begun = key();
            let (begun, _) = begun.split_at(10);
            gate.pass(&mut body, format!("x {begun}").as_bytes(), &mut onward, &mut |_| {})
                .unwrap();
            assert!(!String::from_utf8_lossy(onward.bytes()).contains(begun));
            let mut rest = Onward::default();
            let result = gate.finish(&mut body, End::Trailers, &mut rest, &mut |_| {});
            assert_eq!(result, Err(Reason::UnmaskableBody));
        }
    }

    #[test]
    fn a_decided_end_may_be_followed_by_trailers() {
        let (mut body, mut onward) = (opened(), Onward::default());
        let mut gate = masking();
        gate.pass(
            &mut body,
            format!("{{\"a\":\"{}\"}}", key()).as_bytes(),
            &mut onward,
            &mut |_| {},
        )
        .unwrap();
        assert_eq!(onward.bytes(), format!("{{\"a\":\"{MARK}\"}}").as_bytes());
        gate.finish(&mut body, End::Trailers, &mut Onward::default(), &mut |_| {}).unwrap();
    }

    #[test]
    fn a_lost_chunk_stops_the_body() {
        let mut body = opened();
        body.lose();
        let result = masking().pass(&mut body, b"x", &mut Onward::default(), &mut |_| {});
        assert_eq!(result, Err(Reason::FilterFault));
    }

    #[test]
    fn a_credential_is_known_at_the_hosts_of_its_provider() {
        let text = format!("my key: {} ", key());
        for (host, result) in [
            ("api.anthropic.com", Ok(())),
            ("api.example.com", Err(Reason::SecretToWrongHost)),
            ("API.Anthropic.com.:443", Ok(())),
            ("anthropic.com.example", Err(Reason::SecretToWrongHost)),
        ] {
            assert_eq!(passed(&mut denying(host), &[text.as_bytes()]).0, result, "{host}");
        }
    }

    #[test]
    fn a_credential_is_known_under_any_name_too() {
        for text in [
            format!(r#"{{"api_key":"{}"}}"#, key()),
            format!(r#"{{"auth":{{"token":["x","{}"]}}}}"#, key()),
            format!("a=b&password={}&c=d", key()),
            format!("https://example.com/?key={}", key()),
            format!("https://user:{}@example.com/", key()),
            format!("Authorization: Bearer {}", key()),
        ] {
            for chunk in [1, 7, text.len()] {
                let chunks: Vec<&[u8]> = text.as_bytes().chunks(chunk).collect();
                let (result, sent, _) = passed(&mut denying("api.example.com"), &chunks);
                assert_eq!(result, Err(Reason::SecretToWrongHost));
                let begun = &key()[..8];
                assert!(!String::from_utf8_lossy(&sent).contains(begun));
            }
        }
    }

    /// Bodies around a key, its parts, and what only looks like one.
    fn bodies() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just(format!(" {}", key())),
            (0_usize..60).prop_map(|end| key()[..end].to_owned()),
            Just(r#"{"password":"hunter2"}"#.to_owned()),
            Just(r#""note":"#.to_owned()),
            "[a-z\"\\\\ {}:,]{0,12}",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn split<'b>(body: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.extend([0, body.len()]);
        at.sort_unstable();
        at.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
    }

    proptest! {
        #[test]
        fn what_goes_on_is_the_masked_view_and_what_was_hashed(
            body in bodies(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let (_, whole, _) = passed(&mut masking(), &[body.as_bytes()]);
            let (result, sent, digest) = passed(&mut masking(), &split(body.as_bytes(), &cuts));
            prop_assert_eq!((result, &sent), (Ok(()), &whole));
            prop_assert_eq!(digest, Some(Digest::of(&sent)));
            let leaked = String::from_utf8_lossy(&sent).contains(&format!(" {}", key()));
            prop_assert!(!leaked);
        }

        #[test]
        fn what_goes_on_unmasked_is_the_body_or_nothing_of_its_secret(
            body in bodies(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let chunks = split(body.as_bytes(), &cuts);
            let (own, sent, _) = passed(&mut denying("api.anthropic.com"), &chunks);
            prop_assert_eq!((own, sent.as_slice()), (Ok(()), body.as_bytes()));
            let (foreign, sent, _) = passed(&mut denying("api.example.com"), &chunks);
            prop_assert!(body.as_bytes().starts_with(&sent));
            match foreign {
                Ok(()) => prop_assert_eq!(sent.as_slice(), body.as_bytes()),
                Err(reason) => prop_assert_eq!(reason, Reason::SecretToWrongHost),
            }
            if let Some(at) = body.find(&format!(" {}", key())) {
                prop_assert!(sent.len() <= at + 1);
            }
        }
    }
}
