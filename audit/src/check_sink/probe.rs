//! Every question to an S3 store, in the order in which one leaves the next something to ask.

use std::ffi::OsString;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, Delete, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, ObjectIdentifier,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
    VersioningConfiguration,
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    Asked, Options,
    canary::{another, canary},
    finding::{Circumstances, Finding, Judgement, Part, words},
    judge::{self, Expiry, State, Told, When},
    seen::{Facts, Seen},
    tampered::tampered,
};
use crate::store::{
    Lock, LockMode, Object, Retention, SinkUrl, StoreError,
    s3::{Answer, S3, Trouble, Wish, known_version, lock_of_head, lock_of_rule, s3_retention},
};

/// Asks, and returns what was found and what stays.
pub(super) async fn ask(options: &Options) -> Result<Asked, StoreError> {
    let url = &options.url;
    let (by_writer, by_reader) = (Seen::default(), Seen::default());
    let mut writer = S3::open(url, options.writer_profile.as_deref(), None).await?;
    writer.client = by_writer.watch(&writer.client);
    let mut reader = writer.clone();
    if let Some(profile) = &options.auditor_profile {
        reader = S3::open(url, Some(profile), None).await?;
        reader.client = by_reader.watch(&reader.client);
    }
    let mut probe = Probe {
        url: url.clone(),
        required: options.retention,
        own_lock: options.lock_mode,
        far_date: options.far_date,
        writer,
        reader,
        findings: Vec::new(),
        written: Vec::new(),
    };
    let first = probe.put_canary("first").await?;
    probe.settings().await;
    probe.canary(first).await;
    probe.rights().await;
    let circumstances = circumstances(options, &by_writer.facts(), &by_reader.facts());
    let encrypted = encrypted(&circumstances);
    probe.findings.insert(0, encrypted);
    Ok(Asked { findings: probe.findings, left_behind: probe.written, circumstances })
}

fn circumstances(options: &Options, writer: &Facts, reader: &Facts) -> Circumstances {
    let is_encrypted = writer.is_encrypted && (reader.is_encrypted || reader.endpoint.is_none());
    Circumstances {
        endpoint: writer.endpoint.clone(),
        region: writer.region.clone(),
        tls: Some(is_encrypted),
        trusts: is_encrypted.then_some(trusts(|name| std::env::var_os(name))),
        writer: writer.caller.clone(),
        writer_profile: options.writer_profile.clone(),
        auditor: reader.caller.clone(),
        auditor_profile: options.auditor_profile.clone(),
        lock_mode: options.lock_mode.map(|mode| mode.to_string()),
        ..Circumstances::default()
    }
}

/// Against what certificates are checked: a bundle besides what the machine trusts, what somebody named in the place of
/// that, or what it came with. An empty value names nothing.
fn trusts(variable: impl Fn(&str) -> Option<OsString>) -> &'static str {
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .find(is_set)
        .unwrap_or(judge::SYSTEM)
}

/// Every other finding rests on this one.
fn encrypted(circumstances: &Circumstances) -> Finding {
    let endpoint = circumstances.endpoint.as_deref().unwrap_or("-");
    let of = judge::encrypted(circumstances.tls, circumstances.trusts);
    Finding::new(Part::Storage, "the answers are the store's own", "TLS", endpoint, of)
}

struct Probe {
    url: SinkUrl,
    required: u32,
    /// Of the lock that each object asks for, where the bucket's default is not enough.
    own_lock: Option<LockMode>,
    /// Whether a canary may be locked for some eighty years.
    far_date: bool,
    writer: S3,
    reader: S3,
    findings: Vec<Finding>,
    written: Vec<String>,
}

/// A small object of our own, and the version of it that is watched.
struct Canary {
    key: String,
    object: Object,
    version: Option<String>,
    written: Timestamp,
    /// What it looked like when it was new.
    state: State,
}

/// Beyond 32 bits of seconds, which end in February 2106.
const FAR_DATE: &str = "2107-01-01T00:00:00Z";

impl Probe {
    fn storage(&mut self, promise: &'static str, tried: &str, answered: String, of: Judgement) {
        self.findings.push(Finding::new(Part::Storage, promise, tried, answered, of));
    }

    fn right(&mut self, promise: &'static str, tried: &str, answered: String, of: Judgement) {
        self.findings.push(Finding::new(Part::Rights, promise, tried, answered, of));
    }

    /// What the bucket is told to do.
    async fn settings(&mut self) {
        let versioning = self.versioning().await;
        let answered = match &versioning {
            Ok(status) => status.clone().unwrap_or_else(|| "never on".to_owned()),
            Err(answer) => answer.to_string(),
        };
        let of = judge::versioning(&versioning);
        self.storage("versioning is on", "GetBucketVersioning", answered, of);
        self.lock_settings().await;
        let rules = self.lifecycle().await;
        let of = judge::lifecycle(&rules, self.url.prefix(), self.required);
        self.storage("no rule expires early", "GetBucketLifecycle", words(&rules), of);
    }

    async fn lock_settings(&mut self) {
        let (call, is_own) = ("GetObjectLockConfiguration", self.own_lock.is_some());
        let told = self.lock_configuration().await;
        let enabled = told.as_ref().map(is_enabled).map_err(Clone::clone);
        let rule = told.as_ref().map(default_of).map_err(Clone::clone);
        self.storage("Object Lock is on", call, words(&told), judge::lock_enabled(&enabled));
        let mode = match &rule {
            Ok(Some(rule)) => rule.mode.to_string(),
            Ok(None) => "no default".to_owned(),
            Err(answer) => answer.to_string(),
        };
        self.storage(
            "nobody may overrule the default",
            call,
            mode,
            judge::default_mode(&rule, is_own),
        );
        let days = match &rule {
            Ok(Some(rule)) => format!("{} days", rule.days),
            Ok(None) => "no default".to_owned(),
            Err(answer) => answer.to_string(),
        };
        let of = judge::default_days(&rule, self.required, is_own);
        self.storage("the default is long enough", call, days, of);
    }

    /// What becomes of a small object.
    async fn canary(&mut self, first: Canary) {
        let state = first.state.clone();
        let same = Judgement::holds("the store's SHA-256, where it tells one, is ours");
        self.storage("an object arrives whole", "PutObject, SHA-256 sent", "done".to_owned(), same);
        let of = judge::canary_lock(&state, first.written, self.required);
        self.storage(
            "what is written is locked",
            "HeadObject, GetObjectRetention",
            state_text(&state),
            of,
        );
        self.overwrites(&first).await;
        self.wrong_checksum().await;
        let mut first = self.weaken(first).await;
        if self.far_date {
            first = self.far_date(first).await;
        }
        self.delete(first).await;
        self.suspend().await;
    }

    async fn overwrites(&mut self, first: &Canary) {
        let other = another("overwritten", &first.object.name);
        let again = self.put(&first.key, &other, self.wish()).await;
        let same = self.is_same(first).await;
        let of = judge::overwrite(&again, &same);
        self.storage(
            "an overwrite leaves the old version",
            "PutObject, same name",
            words(&again),
            of,
        );
        let wish = Wish { only_if_new: true, ..self.wish() };
        let again = self.put(&first.key, &other, wish).await;
        let of = judge::conditional(&again);
        self.storage("a retry is recognised", "PutObject, If-None-Match: *", words(&again), of);
    }

    async fn wrong_checksum(&mut self) {
        let mut object = canary("wrong checksum");
        let key = self.url.key(&object.name);
        object.sha256 = Sha256::digest(b"other bytes").into();
        let promise = "a change on the way is refused";
        let told = self.put(&key, &object, self.wish()).await;
        if told.is_err() {
            let of = judge::wrong_checksum(&told);
            return self.storage(promise, "PutObject, wrong SHA-256", words(&told), of);
        }
        let (mut told, mut after) = self.put_tampered().await;
        if told.as_ref().is_err_and(|answer| !answer.is_refusal()) {
            // Once may be chance.
            (told, after) = self.put_tampered().await;
        }
        let of = judge::tampered(&told, &after);
        self.storage(promise, "PutObject, changed when signed", words(&told), of);
    }

    /// Other bytes than those that were signed, and what is there then.
    async fn put_tampered(&mut self) -> (Told<()>, State) {
        let object = canary("changed on the way");
        let key = self.url.key(&object.name);
        let honest = self.writer.client.clone();
        self.writer.client = tampered(&honest);
        let told = self.put(&key, &object, self.wish()).await;
        self.writer.client = honest;
        (told, self.look(&key, None).await)
    }

    async fn weaken(&mut self, mut canary: Canary) -> Canary {
        let soon = self.soon();
        let shorter = Some(Lock { mode: LockMode::Compliance, until: soon });
        let later =
            Timestamp::now() + SignedDuration::from_hours(24 * (i64::from(self.required) + 1));
        let weaker = Some(Lock { mode: LockMode::Governance, until: later });
        for (promise, tried, lock, is_bypass) in [
            ("a lock cannot be shortened", "PutObjectRetention, shorter", shorter, false),
            ("nor shortened by a bypass", "the same, bypass header", shorter, true),
            ("COMPLIANCE stays COMPLIANCE", "PutObjectRetention, GOVERNANCE", weaker, false),
            ("nor lowered by a bypass", "the same, bypass header", weaker, true),
            ("a lock cannot be taken away", "PutObjectRetention, none", None, false),
            ("nor taken away by a bypass", "the same, bypass header", None, true),
        ] {
            canary = self.fresh(canary).await;
            let before = self.look_at(&canary).await;
            let told = self.put_retention(&canary, lock, is_bypass).await;
            let of = judge::attack(&told, &before, &self.look_at(&canary).await);
            self.storage(promise, tried, words(&told), of);
        }
        canary
    }

    /// Ceph 16 keeps dates in 32 bits: a lock until 2107 ended long ago, and the version can go.
    async fn far_date(&mut self, canary: Canary) -> Canary {
        let Ok(until) = FAR_DATE.parse() else { return canary };
        let canary = self.fresh(canary).await;
        let before = self.look_at(&canary).await;
        let lock = Some(Lock { mode: LockMode::Compliance, until });
        let told = self.put_retention(&canary, lock, false).await;
        let of = judge::attack(&told, &before, &self.look_at(&canary).await);
        self.storage("a far date ends no lock", "PutObjectRetention, 2107", words(&told), of);
        canary
    }

    async fn delete(&mut self, mut canary: Canary) {
        for (promise, tried, is_bypass) in [
            ("a version cannot be deleted", "DeleteObject, version", false),
            ("nor deleted by a bypass", "the same, bypass header", true),
        ] {
            canary = self.fresh(canary).await;
            let before = self.look_at(&canary).await;
            let told = self.delete_version(&canary, is_bypass).await;
            let of = judge::attack(&told, &before, &self.look_at(&canary).await);
            self.storage(promise, tried, words(&told), of);
        }
        for (promise, tried, is_bypass) in [
            ("nor deleted among others", "DeleteObjects, version", false),
            ("nor among others by a bypass", "the same, bypass header", true),
        ] {
            canary = self.fresh(canary).await;
            let before = self.look_at(&canary).await;
            let told = self.delete_in_bulk(&canary, is_bypass).await;
            let of = judge::attack(&told, &before, &self.look_at(&canary).await);
            self.storage(promise, tried, words(&told), of);
        }
        self.legal_hold(&canary).await;
        canary = self.fresh(canary).await;
        let told = self.delete_name(&canary.key).await;
        let of = judge::delete_marker(&told, &self.look_at(&canary).await);
        self.right("a name cannot be hidden", "DeleteObject, no version", words(&told), of);
    }

    /// Only in a bucket with a lock, whose versioning nobody can suspend: else a yes would do harm.
    async fn suspend(&mut self) {
        let is_locked = self.lock_configuration().await.as_ref().is_ok_and(is_enabled);
        if !is_locked {
            return;
        }
        let told = self.set_versioning(BucketVersioningStatus::Suspended).await;
        let after = self.versioning().await;
        if told.is_ok() {
            let _ = self.set_versioning(BucketVersioningStatus::Enabled).await;
        }
        let of = judge::suspend(&told, &after);
        self.storage("versioning stays on", "PutBucketVersioning, Suspended", words(&told), of);
    }

    /// What these credentials may do besides.
    async fn rights(&mut self) {
        self.weaker_lock(
            "the writer asks for no shorter lock",
            LockMode::Compliance,
            "PutObject, a day's COMPLIANCE",
        )
        .await;
        self.weaker_lock(
            "the writer asks for no weaker lock",
            LockMode::Governance,
            "PutObject, a day's GOVERNANCE",
        )
        .await;
        self.same_lock_settings().await;
        self.same_policy().await;
        self.same_lifecycle().await;
        let told = self.list().await;
        let of = judge::forbidden(&told, "deny the writer s3:ListBucket");
        self.right("the writer cannot list", "ListObjectsV2", words(&told), of);
        if !self.url.prefix().is_empty() {
            self.elsewhere().await;
        }
    }

    async fn weaker_lock(&mut self, promise: &'static str, mode: LockMode, tried: &str) {
        let object = canary("a shorter lock of its own");
        let key = self.url.key(&object.name);
        let written = Timestamp::now();
        let lock = Some(Lock { mode, until: self.soon() });
        let put = self.try_put(&key, &object, Wish { only_if_new: false, lock }).await;
        let version = put.as_ref().ok().cloned().flatten();
        let state = self.look(&key, version.as_deref()).await;
        let told = put.map(|_| ());
        let of = judge::own_lock(&told, &state, written, self.required);
        self.right(promise, tried, words(&told), of);
    }

    /// Puts what is there already, so a yes changes nothing.
    async fn same_lock_settings(&mut self) {
        let Ok(current) = self.lock_configuration().await else { return };
        if !is_enabled(&current) {
            return;
        }
        let request = self.writer.client.put_object_lock_configuration();
        let request = request.bucket(&self.writer.bucket).object_lock_configuration(current);
        let told = request.send().await.map(|_| ()).map_err(|error| Answer::of(&error));
        let of = judge::forbidden(&told, "deny the writer s3:PutBucketObjectLockConfiguration");
        self.right(
            "the writer cannot set the lock",
            "PutObjectLockConfiguration, as it is",
            words(&told),
            of,
        );
    }

    /// Puts the policy that is there. Where there is none, one that says nothing, which is taken away again.
    async fn same_policy(&mut self) {
        let (promise, then) =
            ("the writer cannot set the policy", "deny the writer s3:PutBucketPolicy");
        let current = self.reader.client.get_bucket_policy().bucket(&self.reader.bucket);
        let current = current.send().await.map_err(|error| Answer::of(&error));
        let (policy, is_new) = match current {
            Ok(told) => (told.policy().unwrap_or_default().to_owned(), false),
            Err(answer) if answer.code() == Some("NoSuchBucketPolicy") => {
                (SILENT_POLICY.to_owned(), true)
            }
            Err(answer) => {
                let of = judge::unread(&answer, "s3:GetBucketPolicy");
                return self.right(promise, "GetBucketPolicy", answer.to_string(), of);
            }
        };
        let client = &self.writer.client;
        let put = client.put_bucket_policy().bucket(&self.writer.bucket).policy(policy);
        let told = put.send().await.map(|_| ()).map_err(|error| Answer::of(&error));
        if told.is_ok() && is_new {
            let _ = client.delete_bucket_policy().bucket(&self.writer.bucket).send().await;
        }
        let of = judge::not_settable(&told, then);
        self.right(promise, "PutBucketPolicy, as it is", words(&told), of);
    }

    /// The same for the rules that expire objects; a rule that is new is off and names nothing.
    async fn same_lifecycle(&mut self) {
        let (promise, then) = (
            "the writer cannot let objects expire",
            "deny the writer s3:PutLifecycleConfiguration",
        );
        let current = self.reader.client.get_bucket_lifecycle_configuration();
        let current = current.bucket(&self.reader.bucket).send().await;
        let (rules, is_new) = match current.map_err(|error| Answer::of(&error)) {
            Ok(told) if !told.rules().is_empty() => (told.rules().to_vec(), false),
            Ok(_) => (silent_rule().into_iter().collect(), true),
            Err(answer) if answer.code() == Some("NoSuchLifecycleConfiguration") => {
                (silent_rule().into_iter().collect(), true)
            }
            Err(answer) => {
                let of = judge::unread_setting(&answer, "s3:GetLifecycleConfiguration");
                return self.right(promise, "GetBucketLifecycle", answer.to_string(), of);
            }
        };
        let client = &self.writer.client;
        let Ok(rules) = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()
        else {
            return;
        };
        let put = client.put_bucket_lifecycle_configuration().bucket(&self.writer.bucket);
        let told = put.lifecycle_configuration(rules).send().await;
        let told = told.map(|_| ()).map_err(|error| Answer::of(&error));
        if told.is_ok() && is_new {
            let _ = client.delete_bucket_lifecycle().bucket(&self.writer.bucket).send().await;
        }
        let of = judge::not_settable(&told, then);
        self.right(promise, "PutBucketLifecycle, as it is", words(&told), of);
    }

    /// Takes off a hold that is not there: a yes changes nothing.
    async fn legal_hold(&mut self, canary: &Canary) {
        let hold = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::Off).build();
        let request = self
            .writer
            .client
            .put_object_legal_hold()
            .bucket(&self.writer.bucket)
            .key(&canary.key)
            .set_version_id(canary.version.clone())
            .legal_hold(hold);
        let told = request.send().await.map(|_| ()).map_err(|error| Answer::of(&error));
        let of = judge::not_settable(&told, "deny the writer s3:PutObjectLegalHold");
        self.right("the writer sets no legal hold", "PutObjectLegalHold, off", words(&told), of);
    }

    async fn elsewhere(&mut self) {
        let object = canary("outside of the prefix");
        let unique: String = object.name.chars().rev().skip(".jsonl.gz".len()).take(8).collect();
        let key = format!("{unique}/{}", object.name);
        let put = self.put(&key, &object, self.wish()).await;
        let of = judge::forbidden(&put, "bound s3:PutObject to the prefix");
        self.right("the writer writes nowhere else", "PutObject, other prefix", words(&put), of);
        let read = self.writer.sha256(&key, None, object.body.len()).await.map(|_| ());
        let mut of = judge::forbidden(&read, "bound s3:GetObject to the prefix");
        if put.is_err() && read.is_err() && of.note.is_empty() {
            of.note = "of a name that is not there".to_owned();
        }
        self.right("the writer reads nowhere else", "GetObject, other prefix", words(&read), of);
    }
}

/// The canary and what is done to it.
impl Probe {
    /// Well before the required end, and late enough that a check does not outlive it.
    fn soon(&self) -> Timestamp {
        let half = SignedDuration::from_hours(12 * i64::from(self.required));
        Timestamp::now() + half.min(SignedDuration::from_hours(24))
    }

    async fn put_canary(&mut self, what: &str) -> Result<Canary, StoreError> {
        let object = canary(what);
        let key = self.url.key(&object.name);
        let written = Timestamp::now();
        let put = self.try_put(&key, &object, self.wish()).await;
        let place = self.url.address(&object.name);
        let version = put.map_err(|answer| answer.error("put", &place, "s3:PutObject"))?;
        let state = self.look(&key, version.as_deref()).await;
        Ok(Canary { key, object, version, written, state })
    }

    fn wish(&self) -> Wish {
        let lock = |mode| Retention { mode, days: self.required }.from(Timestamp::now());
        Wish { only_if_new: false, lock: self.own_lock.map(lock) }
    }

    /// The same canary, or another one if something became of that one.
    async fn fresh(&mut self, canary: Canary) -> Canary {
        let is_whole = match self.look_at(&canary).await {
            State::Unseen(answer) => answer.is_forbidden(),
            state => state == canary.state,
        };
        if is_whole {
            return canary;
        }
        self.put_canary("next").await.unwrap_or(canary)
    }

    async fn put(&mut self, key: &str, object: &Object, wish: Wish) -> Told<()> {
        self.try_put(key, object, wish).await.map(|_| ())
    }

    /// The version that a put made.
    async fn try_put(&mut self, key: &str, object: &Object, wish: Wish) -> Told<Option<String>> {
        let output = self.writer.try_put(key, object, wish).await?;
        let version = output.version_id().and_then(known_version);
        let shown = version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        self.written.push(format!("{key}{shown}"));
        Ok(version)
    }

    async fn look_at(&self, canary: &Canary) -> State {
        self.look(&canary.key, canary.version.as_deref()).await
    }

    async fn look(&self, key: &str, version: Option<&str>) -> State {
        match self.reader.head(key, version).await {
            Err(answer) if answer.status() == Some(404) => return State::Gone,
            // A delete marker, where nothing tells versions apart.
            Err(answer) if answer.status() == Some(405) => return State::Gone,
            Err(answer) if !answer.is_forbidden() => return State::Unseen(answer),
            Ok(head) if lock_of_head(&head).is_some() => {
                return lock_of_head(&head).map_or(State::Unlocked, State::Locked);
            }
            _ => {}
        }
        match self.reader.retention(key, version).await {
            Ok(Some(lock)) => State::Locked(lock),
            Ok(None) => State::Unlocked,
            Err(answer) if answer.status() == Some(404) => State::Gone,
            Err(answer) => State::Unseen(answer),
        }
    }

    async fn is_same(&self, canary: &Canary) -> Told<bool> {
        let (version, bytes) = (canary.version.as_deref(), canary.object.body.len());
        let sha256 = self.reader.sha256(&canary.key, version, bytes).await?;
        Ok(sha256 == canary.object.sha256)
    }

    async fn put_retention(
        &self,
        canary: &Canary,
        lock: Option<Lock>,
        is_bypass: bool,
    ) -> Told<()> {
        let empty = || aws_sdk_s3::types::ObjectLockRetention::builder().build();
        let request = self
            .writer
            .client
            .put_object_retention()
            .bucket(&self.writer.bucket)
            .key(&canary.key)
            .set_version_id(canary.version.clone())
            .set_bypass_governance_retention(is_bypass.then_some(true))
            .retention(lock.map_or_else(empty, s3_retention));
        request.send().await.map(|_| ()).map_err(|error| Answer::of(&error))
    }

    /// A bucket without versions calls its only one `null`.
    async fn delete_version(&self, canary: &Canary, is_bypass: bool) -> Told<()> {
        let request = self
            .writer
            .client
            .delete_object()
            .bucket(&self.writer.bucket)
            .key(&canary.key)
            .version_id(canary.version.as_deref().unwrap_or("null"))
            .set_bypass_governance_retention(is_bypass.then_some(true));
        request.send().await.map(|_| ()).map_err(|error| Answer::of(&error))
    }

    /// The status of a bulk delete is that of the call; what became of an object stands inside.
    async fn delete_in_bulk(&self, canary: &Canary, is_bypass: bool) -> Told<()> {
        let version = canary.version.as_deref().unwrap_or("null");
        let object = ObjectIdentifier::builder().key(&canary.key).version_id(version).build();
        let delete = object.and_then(|object| Delete::builder().objects(object).build());
        let delete = delete.map_err(|_| Answer::of_trouble(Trouble::Request))?;
        let request = self
            .writer
            .client
            .delete_objects()
            .bucket(&self.writer.bucket)
            .delete(delete)
            .set_bypass_governance_retention(is_bypass.then_some(true));
        let told = request.send().await.map_err(|error| Answer::of(&error))?;
        match told.errors().first() {
            Some(error) => Err(Answer::new(403, error.code().unwrap_or_default())),
            None => Ok(()),
        }
    }

    async fn delete_name(&self, key: &str) -> Told<()> {
        let request = self.writer.client.delete_object().bucket(&self.writer.bucket).key(key);
        request.send().await.map(|_| ()).map_err(|error| Answer::of(&error))
    }

    async fn list(&self) -> Told<()> {
        let request = self.writer.client.list_objects_v2().bucket(&self.writer.bucket).max_keys(1);
        request.send().await.map(|_| ()).map_err(|error| Answer::of(&error))
    }
}

/// The bucket.
impl Probe {
    async fn versioning(&self) -> Told<Option<String>> {
        let request = self.reader.client.get_bucket_versioning().bucket(&self.reader.bucket);
        let told = request.send().await.map_err(|error| Answer::of(&error))?;
        Ok(told.status().map(|status| status.as_str().to_owned()))
    }

    async fn set_versioning(&self, status: BucketVersioningStatus) -> Told<()> {
        let wanted = VersioningConfiguration::builder().status(status).build();
        let request = self.writer.client.put_bucket_versioning().bucket(&self.writer.bucket);
        let sent = request.versioning_configuration(wanted).send().await;
        sent.map(|_| ()).map_err(|error| Answer::of(&error))
    }

    async fn lock_configuration(&self) -> Told<ObjectLockConfiguration> {
        let request = self.reader.client.get_object_lock_configuration();
        let told = request.bucket(&self.reader.bucket).send().await;
        let told = told.map_err(|error| Answer::of(&error))?;
        let empty = || ObjectLockConfiguration::builder().build();
        Ok(told.object_lock_configuration().cloned().unwrap_or_else(empty))
    }

    async fn lifecycle(&self) -> Told<Vec<Expiry>> {
        let request = self.reader.client.get_bucket_lifecycle_configuration();
        let told = request.bucket(&self.reader.bucket).send().await;
        let told = told.map_err(|error| Answer::of(&error))?;
        Ok(told.rules().iter().flat_map(expiries).collect())
    }
}

fn is_enabled(told: &ObjectLockConfiguration) -> bool {
    told.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled)
}

fn default_of(told: &ObjectLockConfiguration) -> Option<Retention> {
    lock_of_rule(told.rule()?.default_retention()?)
}

/// What a rule that is on removes, and when.
fn expiries(rule: &LifecycleRule) -> Vec<Expiry> {
    if rule.status() != &ExpirationStatus::Enabled {
        return Vec::new();
    }
    let current = rule.expiration().and_then(|expiry| match (expiry.days(), expiry.date()) {
        (Some(days), _) => Some(When::Days(days.into())),
        (None, Some(_)) => Some(When::Date),
        (None, None) => None,
    });
    let noncurrent = rule.noncurrent_version_expiration();
    let noncurrent =
        noncurrent.map(|expiry| When::NoncurrentDays(expiry.noncurrent_days().unwrap_or(0).into()));
    let expiry = |when| Expiry {
        rule: rule.id().unwrap_or("without a name").escape_default().to_string(),
        prefix: prefix_of(rule).to_owned(),
        when,
    };
    [current, noncurrent].into_iter().flatten().map(expiry).collect()
}

#[expect(deprecated, reason = "old rules have their prefix outside of the filter")]
fn prefix_of(rule: &LifecycleRule) -> &str {
    let filter = rule.filter();
    filter
        .and_then(|filter| filter.prefix().or(filter.and().and_then(|and| and.prefix())))
        .or(rule.prefix())
        .unwrap_or_default()
}

/// A rule that is off, for names that nobody has.
fn silent_rule() -> Option<LifecycleRule> {
    LifecycleRule::builder()
        .id("off")
        .status(ExpirationStatus::Disabled)
        .filter(LifecycleRuleFilter::builder().prefix("no-such-name/").build())
        .expiration(LifecycleExpiration::builder().days(36_500).build())
        .build()
        .ok()
}

const SILENT_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

fn state_text(state: &State) -> String {
    match state {
        State::Locked(lock) => lock.to_string(),
        State::Unlocked => "no lock".to_owned(),
        State::Gone => "404".to_owned(),
        State::Unseen(answer) => answer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::trusts;

    #[test]
    fn what_is_trusted_is_what_somebody_named() {
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "system"),
            (&[("AWS_CA_BUNDLE", "/a")], "AWS_CA_BUNDLE"),
            (&[("AWS_CA_BUNDLE", "")], "system"),
            (&[("AWS_CA_BUNDLE", ""), ("SSL_CERT_FILE", "/a")], "SSL_CERT_FILE"),
            (&[("SSL_CERT_DIR", "/a")], "SSL_CERT_DIR"),
            (&[("AWS_CA_BUNDLE", "/a"), ("SSL_CERT_FILE", "/b")], "AWS_CA_BUNDLE"),
        ];
        for (variables, expected) in cases {
            let of = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into())
            };
            assert_eq!(trusts(of), expected, "{variables:?}");
        }
    }
}
