//! Shipping: segment after segment is put, read back, and gets a receipt.
//!
//! ```text
//! put ──created──▶ held? ──kept long enough──▶ receipt
//!  │                 └─ no: ask again and again before another version is put
//!  └─name taken──▶ held? ──ours and kept──▶ receipt (a duplicate, recognised)
//!                    ├─ ours: put as one more version
//!                    └─ something else: put under a name with -again-N
//! ```
//!
//! A segment is never given up. One that the store does not confirm stays the next one.

use std::{fs::File, io::Write};

use bytes::Bytes;
use clap::ValueEnum;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    folder::Stamped,
    promise::{self, Kept},
    receipts::{Moment, Receipt},
    segment::{Count, Segment, hex},
    state::State,
};
use crate::store::{Held, Kind, Object, SinkUrl, Store, StoreError, Written};

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compress {
    None,
    #[default]
    Gzip,
}

/// Where to, and how.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) url: &'a SinkUrl,
    pub(super) promise: &'a promise::Options,
    pub(super) compress: Compress,
    pub(super) host: String,
}

/// The way from sealed files to receipts.
pub(super) struct Shipper<'a> {
    state: &'a State<'a>,
    target: &'a Target<'a>,
    store: Option<Store>,
    current: Option<Parcel>,
    pub(super) done: Done,
}

/// What this run has shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) objects: u64,
    pub(super) entries: u64,
    pub(super) torn: u64,
    pub(super) bytes: u64,
}

/// One segment on its way.
struct Parcel {
    file: Stamped,
    start: u64,
    end: u64,
    count: Count,
    /// The name without `-again-N` and the ending.
    stem: String,
    again: u32,
    object: Object,
    /// Put, as this version.
    put: Option<Option<String>>,
    /// How often it was looked for in vain since.
    looks: u32,
}

/// Why a segment has no receipt yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unshipped {
    /// `busy`, `refused`, `wrong`, `unconfirmed` or `local`.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// Names that are tried for one segment, and looks at one object before another version is put.
const MOST_AGAIN: u32 = 9;
const MOST_LOOKS: u32 = 20;

impl<'a> Shipper<'a> {
    pub(super) fn new(state: &'a State<'a>, target: &'a Target<'a>) -> Self {
        Self { state, target, store: None, current: None, done: Done::default() }
    }

    /// Opens the store, also while there is nothing to ship, and ships the next segment.
    pub(super) async fn step(&mut self) -> Result<bool, Unshipped> {
        self.open().await?;
        self.ship_next().await
    }

    /// Ships the next segment; whether there was one.
    pub(super) async fn ship_next(&mut self) -> Result<bool, Unshipped> {
        let Some(mut parcel) = self.take_parcel()? else { return Ok(false) };
        let kept = self.deliver(&mut parcel).await;
        match kept.and_then(|kept| self.sign(&parcel, kept)) {
            Ok(()) => Ok(true),
            Err(unshipped) => {
                self.state.metrics.count_error(unshipped.kind);
                self.current = Some(parcel);
                Err(unshipped)
            }
        }
    }

    fn take_parcel(&mut self) -> Result<Option<Parcel>, Unshipped> {
        // A file that was dropped meanwhile is no more waited for.
        let current = self.current.take().filter(|parcel| self.state.has_sealed(&parcel.file));
        if current.is_some() {
            return Ok(current);
        }
        let Some((file, start)) = self.state.next_unconfirmed() else { return Ok(None) };
        self.pack(&file, start).map_err(|error| self.unreadable(&file, &error))
    }

    /// A sealed file that somebody took away is not waited for.
    fn unreadable(&self, file: &Stamped, error: &std::io::Error) -> Unshipped {
        if error.kind() == std::io::ErrorKind::NotFound {
            self.state.forget(file);
        }
        Unshipped::local(format!("{}: {error}", file.path.display()))
    }

    fn pack(&self, file: &Stamped, start: u64) -> std::io::Result<Option<Parcel>> {
        let open = File::open(&file.path)?;
        let Some(segment) = Segment::read(&open, start, self.state.segment_bytes)? else {
            return Ok(None);
        };
        let (stem, count, end) = (segment.name(&self.target.host), segment.count, segment.end());
        let object = self.target.object(&stem, segment.bytes)?;
        let file = file.clone();
        Ok(Some(Parcel { file, start, end, count, stem, again: 0, object, put: None, looks: 0 }))
    }

    async fn deliver(&mut self, parcel: &mut Parcel) -> Result<Kept, Unshipped> {
        let target = self.target;
        let state = self.state;
        let store = self.open().await?;
        if parcel.put.is_none()
            && let Some(kept) = target.put(store, parcel, state).await?
        {
            return Ok(kept);
        }
        let version = parcel.put.clone().flatten();
        let held = store.held(&parcel.object, version.as_deref()).await?;
        target.judge(parcel, held)
    }

    async fn open(&mut self) -> Result<&Store, Unshipped> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open(self.target.url, self.target.promise.explicit()).await?,
        };
        Ok(self.store.insert(store))
    }

    /// The receipt, for an object that the store keeps.
    fn sign(&mut self, parcel: &Parcel, kept: Kept) -> Result<(), Unshipped> {
        let now = Timestamp::now();
        let receipt = Receipt {
            name: parcel.object.name.clone(),
            url: self.target.url.to_string(),
            version: kept.version.or_else(|| parcel.put.clone().flatten()),
            mode: kept.mode,
            until: kept.until.map(Moment),
            sha256: hex(&parcel.object.sha256),
            bytes: parcel.object.body.len() as u64,
            entries: parcel.count.entries,
            torn: parcel.count.torn,
            confirmed_at: Moment(now),
            file: parcel.file.name(),
            start: parcel.start,
            end: parcel.end,
        };
        let fault = |error| Unshipped::local(format!("shipped.jsonl: {error}"));
        self.state.receipts.borrow_mut().add(receipt).map_err(fault)?;
        self.count(parcel, kept.until, now);
        Ok(())
    }

    fn count(&mut self, parcel: &Parcel, until: Option<Timestamp>, now: Timestamp) {
        let metrics = &self.state.metrics;
        metrics.entries.inc_by(parcel.count.entries);
        metrics.torn_lines.inc_by(parcel.count.torn);
        metrics.confirmed_segments.inc();
        metrics.last_confirmed.set(now.as_duration().as_secs_f64());
        if let Some(until) = until {
            let rest = until.duration_since(now).as_secs_f64();
            let before = metrics.shortest_retention.get();
            let is_first = before == 0.0;
            metrics.shortest_retention.set(if is_first { rest } else { rest.min(before) });
        }
        self.done.objects += 1;
        self.done.entries += parcel.count.entries;
        self.done.torn += parcel.count.torn;
        self.done.bytes += parcel.object.body.len() as u64;
    }
}

impl Target<'_> {
    fn object(&self, stem: &str, bytes: Bytes) -> std::io::Result<Object> {
        let (body, encoding) = match self.compress {
            Compress::None => (bytes, None),
            Compress::Gzip => (gzip(&bytes)?, Some("gzip")),
        };
        let sha256 = Sha256::digest(&body).into();
        Ok(Object { name: self.object_name(stem, 0), body, sha256, encoding })
    }

    fn object_name(&self, stem: &str, again: u32) -> String {
        let mark = if again == 0 { String::new() } else { format!("-again-{again}") };
        let end = if self.compress == Compress::Gzip { ".gz" } else { "" };
        format!("{stem}{mark}.jsonl{end}")
    }

    /// Puts the object under the first name that is free or holds it already; if so, how it is kept.
    async fn put(
        &self,
        store: &Store,
        parcel: &mut Parcel,
        state: &State<'_>,
    ) -> Result<Option<Kept>, Unshipped> {
        loop {
            if let Written::Created { version } = store.put(&parcel.object).await? {
                parcel.set_put(version, state);
                return Ok(None);
            }
            let held = store.held(&parcel.object, None).await?;
            let (is_other, is_known) =
                (held == Held::Different, !matches!(held, Held::Unknown { .. }));
            if is_known && let Ok(kept) = self.promise.check(held, Timestamp::now()) {
                state.metrics.duplicates.inc();
                return Ok(Some(kept));
            }
            if !is_other {
                match store.put_version(&parcel.object).await? {
                    Written::Created { version } => parcel.set_put(version, state),
                    // A store without versions: this object is all that it will have.
                    Written::Exists => parcel.put = Some(None),
                }
                return Ok(None);
            }
            if parcel.again == MOST_AGAIN {
                return Err(parcel.unconfirmed("all its names are taken"));
            }
            self.rename(parcel);
        }
    }

    fn rename(&self, parcel: &mut Parcel) {
        parcel.again += 1;
        parcel.object.name = self.object_name(&parcel.stem, parcel.again);
        (parcel.put, parcel.looks) = (None, 0);
    }

    /// What the store says about the object that was put. One that stays unlocked is put as another
    /// version, which a default that was set meanwhile will lock.
    fn judge(&self, parcel: &mut Parcel, held: Held) -> Result<Kept, Unshipped> {
        let (is_other, is_known) = (held == Held::Different, !matches!(held, Held::Unknown { .. }));
        self.promise.check(held, Timestamp::now()).map_err(|why| {
            let unshipped = parcel.unconfirmed(&why);
            parcel.looks += 1;
            if is_other && parcel.again < MOST_AGAIN {
                self.rename(parcel);
            } else if is_known && parcel.looks >= MOST_LOOKS {
                (parcel.put, parcel.looks) = (None, 0);
            }
            unshipped
        })
    }
}

impl Parcel {
    fn set_put(&mut self, version: Option<String>, state: &State<'_>) {
        state.metrics.created.inc();
        state.metrics.uploaded.inc_by(self.object.body.len() as u64);
        self.put = Some(version);
    }

    fn unconfirmed(&self, why: &str) -> Unshipped {
        let text = format!("{}: put, and not confirmed: {why}", self.object.name);
        Unshipped { kind: "unconfirmed", text }
    }
}

impl Unshipped {
    fn local(text: String) -> Self {
        Self { kind: "local", text }
    }
}

impl From<StoreError> for Unshipped {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            Kind::Busy => "busy",
            Kind::Refused => "refused",
            Kind::Wrong => "wrong",
        };
        Self { kind, text: error.to_string() }
    }
}

/// The same bytes for the same bytes: no time, no name.
fn gzip(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_compressed_to_the_same() {
        let once = gzip(b"line\n").unwrap();
        assert_eq!(once, gzip(b"line\n").unwrap());
        assert_eq!(&once[4..8], [0; 4], "a modification time would make every try another object");
    }
}
