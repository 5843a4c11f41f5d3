//! Every question to an S3 store, in the order in which one leaves the next something to ask.

use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, LifecycleRule, ObjectLockConfiguration,
    ObjectLockEnabled, VersioningConfiguration,
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    Options,
    finding::{Finding, Judgement, Part, words},
    judge::{self, Expiry, State, Told, When},
};
use crate::store::{
    Lock, LockMode, Object, Retention, SinkUrl, StoreError,
    s3::{Answer, S3, Wish, known_version, lock_of_head, lock_of_rule, s3_retention},
};

/// Asks, and returns what was found and the names of what stays.
pub(crate) async fn ask(options: &Options) -> Result<(Vec<Finding>, Vec<String>), StoreError> {
    let url = &options.url;
    let writer = S3::open(url, options.writer_profile.as_deref(), None).await?;
    let reader = match &options.auditor_profile {
        Some(profile) => S3::open(url, Some(profile), None).await?,
        None => writer.clone(),
    };
    let now = Timestamp::now();
    let mut probe = Probe {
        url: url.clone(),
        required: options.retention,
        own_lock: options.lock_mode,
        far_date: options.far_date,
        stamp: now.as_microsecond(),
        writer,
        reader,
        findings: Vec::new(),
        written: Vec::new(),
    };
    let first = probe.put_canary("first").await?;
    probe.settings().await;
    probe.canary(first).await;
    probe.rights().await;
    Ok((probe.findings, probe.written))
}

struct Probe {
    url: SinkUrl,
    required: u32,
    /// Of the lock that each object asks for, where the bucket's default is not enough.
    own_lock: Option<LockMode>,
    /// Whether a canary may be locked for some eighty years.
    far_date: bool,
    /// Part of each name, so that no run meets the canaries of another one.
    stamp: i64,
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
        let other = object_of("overwritten", &first.key);
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
        let key = self.key("checksum");
        let mut object = object_of("wrong checksum", &key);
        object.sha256 = Sha256::digest(b"other bytes").into();
        let told = self.put(&key, &object, self.wish()).await;
        let of = judge::wrong_checksum(&told);
        self.storage(
            "a change on the way is refused",
            "PutObject, wrong SHA-256",
            words(&told),
            of,
        );
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
            "short",
            LockMode::Compliance,
            "PutObject, a day's COMPLIANCE",
        )
        .await;
        self.weaker_lock(
            "the writer asks for no weaker lock",
            "governed",
            LockMode::Governance,
            "PutObject, a day's GOVERNANCE",
        )
        .await;
        self.same_lock_settings().await;
        let told = self.list().await;
        let of = judge::forbidden(&told, "deny the writer s3:ListBucket");
        self.right("the writer cannot list", "ListObjectsV2", words(&told), of);
        if !self.url.prefix().is_empty() {
            self.elsewhere().await;
        }
    }

    async fn weaker_lock(
        &mut self,
        promise: &'static str,
        name: &str,
        mode: LockMode,
        tried: &str,
    ) {
        let key = self.key(name);
        let object = object_of("a shorter lock of its own", &key);
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

    async fn elsewhere(&mut self) {
        let key = format!("ledgerline-canary-elsewhere/{}.jsonl", self.stamp);
        let object = object_of("outside of the prefix", &key);
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
    fn key(&self, name: &str) -> String {
        self.url.key(&format!("canary/{}-{name}.jsonl", self.stamp))
    }

    /// Well before the required end, and late enough that a check does not outlive it.
    fn soon(&self) -> Timestamp {
        let half = SignedDuration::from_hours(12 * i64::from(self.required));
        Timestamp::now() + half.min(SignedDuration::from_hours(24))
    }

    async fn put_canary(&mut self, name: &str) -> Result<Canary, StoreError> {
        let key = self.key(name);
        let object = object_of("canary", &key);
        let written = Timestamp::now();
        let put = self.try_put(&key, &object, self.wish()).await;
        let place = self.url.address(&format!("canary/{}-{name}.jsonl", self.stamp));
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
        let name = format!("next-{}", self.written.len());
        self.put_canary(&name).await.unwrap_or(canary)
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

fn state_text(state: &State) -> String {
    match state {
        State::Locked(lock) => lock.to_string(),
        State::Unlocked => "no lock".to_owned(),
        State::Gone => "404".to_owned(),
        State::Unseen(answer) => answer.to_string(),
    }
}

/// One line that tells whoever finds it what it is.
pub(crate) fn object_of(what: &str, key: &str) -> Object {
    let about = "written by `ledgerline check-sink` to see whether it stays; no entry of a ledger";
    let line = serde_json::json!({ "canary": what, "name": key, "about": about });
    let body = bytes::Bytes::from(format!("{line}\n"));
    let sha256 = Sha256::digest(&body).into();
    Object { name: key.to_owned(), body, sha256, encoding: None }
}
