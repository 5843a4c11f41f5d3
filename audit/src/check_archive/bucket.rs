//! An archive in a bucket: every version of every name, page after page.

use std::{pin::pin, time::Duration};

use aws_sdk_s3::{
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{DeleteMarkerEntry, ObjectVersion},
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::time::sleep;

use super::{
    Check, Held, Seen,
    content::{Reader, Whole},
    lock_problem,
    name::sum_of,
    report::Kind,
};
use crate::{
    fault::Fault,
    store::{
        Kind as StoreKind, Lock, SinkUrl,
        s3::{Answer, Limits, S3, Trouble, lock_of_get, lock_of_head},
    },
};

pub(super) struct Bucket {
    store: S3,
    url: SinkUrl,
    days: u32,
}

/// One line of a listing.
enum Item<'a> {
    Version(&'a ObjectVersion),
    /// One that is the latest.
    Marker(&'a DeleteMarkerEntry),
}

/// What became of a line of a listing.
enum Looked<'a> {
    /// No object of a shipper.
    Other,
    Hidden(&'a str),
    /// With the bytes that were read.
    Read(Seen<'a>, usize),
}

/// How many versions are read at a time.
const READERS: usize = 8;

impl<'a> Item<'a> {
    /// The key, and whether this is the latest of it.
    fn key(&self) -> (&'a str, bool) {
        let (key, is_latest) = match self {
            Self::Version(version) => (version.key(), version.is_latest()),
            Self::Marker(marker) => (marker.key(), marker.is_latest()),
        };
        (key.unwrap_or_default(), is_latest == Some(true))
    }
}

impl Bucket {
    pub(super) async fn open(
        url: &SinkUrl,
        profile: Option<&str>,
        days: u32,
    ) -> Result<Self, Fault> {
        let store = S3::open(url, profile, None).await;
        let store = store.map_err(|error| Fault::NoAnswer(format!("error: {error}")))?;
        Ok(Self { store, url: url.clone(), days })
    }

    /// The store did not answer: what it holds is not known.
    fn unasked(&self, what: &str, answer: &Answer) -> Fault {
        let what = crate::plain::plain(what);
        Fault::NoAnswer(format!("error: {what}: {}: {answer}", self.url))
    }

    pub(super) async fn walk(&self, check: &mut Check<'_>) -> Result<(), Fault> {
        let prefix = self.url.key("");
        let (mut key, mut version) = (None, None);
        loop {
            let request = self.store.client.list_object_versions().bucket(&self.store.bucket);
            let request =
                request.prefix(&prefix).set_key_marker(key).set_version_id_marker(version);
            let page = patiently(async || {
                request.clone().send().await.map_err(|error| Answer::of(&error))
            });
            let page = page.await.map_err(|answer| self.unasked("list versions", &answer))?;
            let looks = stream::iter(items(&page)).map(|item| self.look(item, &prefix));
            let mut looks = pin!(looks.buffered(READERS));
            while let Some(looked) = looks.next().await {
                self.take(looked?, check).await?;
            }
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            key = page.next_key_marker().map(ToOwned::to_owned);
            version = page.next_version_id_marker().map(ToOwned::to_owned);
            if key.is_none() {
                return Err(self.unasked("list versions", &Answer::of_trouble(Trouble::Broken)));
            }
        }
    }

    /// Reads one version; several are read at a time.
    async fn look<'a>(&self, item: Item<'a>, prefix: &str) -> Result<Looked<'a>, Fault> {
        let (key, is_latest) = item.key();
        let name = key.strip_prefix(prefix).unwrap_or(key);
        match item {
            _ if sum_of(name).is_none() => Ok(Looked::Other),
            Item::Marker(_) => Ok(Looked::Hidden(name)),
            Item::Version(found) => {
                let read = patiently(async || self.read(found, name).await).await;
                let (whole, lock, bytes) = read.map_err(|answer| self.unasked(name, &answer))?;
                let written = found.last_modified().map(aws_smithy_types::DateTime::secs);
                let written = written.and_then(|second| Timestamp::from_second(second).ok());
                let lock_problem = lock_problem(lock, written, self.days);
                let version = found.version_id();
                Ok(Looked::Read(Seen { name, version, is_latest, whole, lock_problem }, bytes))
            }
        }
    }

    async fn take(&self, looked: Looked<'_>, check: &mut Check<'_>) -> Result<(), Fault> {
        match looked {
            Looked::Other => {
                check.pass_over();
                Ok(())
            }
            Looked::Hidden(name) => check.problem(Kind::Hidden, name, "a delete marker hides it"),
            Looked::Read(seen, bytes) => {
                check.show(bytes);
                check.version(seen).await
            }
        }
    }

    /// What is in a version, its lock, and how many bytes were read.
    async fn read(
        &self,
        found: &ObjectVersion,
        name: &str,
    ) -> Result<(Option<Whole>, Option<Lock>, usize), Answer> {
        let (key, version) = (found.key().unwrap_or_default(), found.version_id());
        let size = found.size().and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        let request = self.store.client.get_object().bucket(&self.store.bucket).key(key);
        let request = request.set_version_id(version.map(ToOwned::to_owned)).customize();
        let sent = request.config_override(Limits::of(size).config()).send().await;
        let got = sent.map_err(|error| Answer::of(&error))?;
        let told = lock_of_get(&got);
        let (mut body, mut reader, mut bytes) =
            (got.body, Reader::keeping(Check::kept_of(name)), 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| Answer::of_trouble(Trouble::Broken))?;
            reader.push(&chunk);
            bytes += chunk.len();
        }
        let lock = match told {
            Some(lock) => Some(lock),
            None => self.store.retention(key, version).await?,
        };
        Ok((reader.finish(), lock, bytes))
    }

    async fn lock(&self, key: &str, version: Option<&str>) -> Result<Option<Lock>, Answer> {
        match lock_of_head(&self.store.head(key, version).await?) {
            Some(lock) => Ok(Some(lock)),
            None => self.store.retention(key, version).await,
        }
    }

    pub(super) async fn held(&self, name: &str, version: Option<&str>) -> Result<Held, Fault> {
        let key = self.url.key(name);
        match patiently(async || self.lock(&key, version).await).await {
            Ok(Some(lock)) => Ok(Held::Locked(lock)),
            Ok(None) => Ok(Held::Unlocked),
            // No such name, no such version, or a delete marker in its place.
            Err(answer) if matches!(answer.status(), Some(400 | 404 | 405)) => Ok(Held::Missing),
            Err(answer) => Err(self.unasked(name, &answer)),
        }
    }
}

/// Versions and delete markers come in two lists, each by name: here all of a name are together.
fn items(page: &ListObjectVersionsOutput) -> Vec<Item<'_>> {
    let markers = page.delete_markers().iter().filter(|marker| marker.is_latest() == Some(true));
    let mut items: Vec<_> = markers.map(Item::Marker).collect();
    items.extend(page.versions().iter().map(Item::Version));
    items.sort_by(|one, other| one.key().0.cmp(other.key().0));
    items
}

const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// A store that is busy is asked again: one answer of thousands that says so is no finding.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Answer>) -> Result<T, Answer> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(answer) if answer.kind() == StoreKind::Busy && tries < TRIES => {
                sleep(FIRST_WAIT * (1 << (tries - 1))).await;
                tries += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_busy_store_is_asked_again_and_one_that_refuses_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (status, failures, asked, is_answered) in
            [(503, 0, 1, true), (503, 2, 3, true), (403, 1, 1, false), (429, 1, 2, true)]
        {
            let count = Cell::new(0);
            let ask = async || {
                count.set(count.get() + 1);
                if count.get() > failures { Ok(()) } else { Err(Answer::new(status, "SlowDown")) }
            };
            let answer = runtime.block_on(patiently(ask));
            assert_eq!((count.get(), answer.is_ok()), (asked, is_answered), "{status}");
        }
    }
}
