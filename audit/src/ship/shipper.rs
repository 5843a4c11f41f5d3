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
//! A segment is never given up: one that the store does not confirm is tried again and again. Some are on their way at a
//! time, so neither a store that is far away nor one object that it refuses holds up the others.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{self, Write},
    rc::Rc,
};

use bytes::Bytes;
use clap::ValueEnum;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    dir::Mark,
    folder::{Stamped, read_stamp},
    pace::Backoff,
    promise::{self, Kept},
    receipts::{Archived, Chunk, Moment, Place, Receipt},
    segment::{Count, Segment},
    state::State,
};
use crate::{
    ledger::object,
    plain::{Shown, plain},
    say::tell,
    store::{Endpoint, Held, Kind, Object, SinkUrl, Sought, Store, StoreError, Written},
};

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
    pub(super) place: Place,
    pub(super) promise: &'a promise::Options,
    pub(super) compress: Compress,
    pub(super) host: String,
}

/// The way from sealed files to receipts.
pub(super) struct Shipper<'a> {
    pub(super) state: &'a State<'a>,
    target: &'a Target<'a>,
    store: RefCell<Option<Rc<Store>>>,
    done: Cell<Done>,
    /// Receipts on their way.
    archive: RefCell<Option<(Chunk, Parcel)>>,
}

/// What this run has shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) objects: u64,
    pub(super) entries: u64,
    pub(super) torn: u64,
    pub(super) bytes: u64,
}

/// One segment to ship.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) file: Stamped,
    start: u64,
    tries: Tries,
    pub(super) backoff: Backoff,
}

/// How far an object has come.
#[derive(Clone, Debug, Default)]
struct Tries {
    again: u32,
    /// Put, as this version.
    put: Option<Option<String>>,
    /// How often it was looked for in vain since.
    looks: u32,
}

/// One segment, ready to go.
pub(super) struct Cargo {
    job: Job,
    end: u64,
    count: Count,
    parcel: Parcel,
}

/// One object on its way.
struct Parcel {
    /// The name without `-again-N` and the ending.
    stem: String,
    object: Object,
    tries: Tries,
}

/// What has become of a segment.
pub(super) enum Event {
    Packed(Box<Cargo>),
    Delivered,
    Failed(Job, Unshipped),
    /// The file does not reach so far.
    Nothing,
}

/// Why a segment has no receipt yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unshipped {
    /// `busy`, `refused`, `wrong`, `unconfirmed` or `local`.
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// The credentials should be read again.
    is_stale: bool,
}

/// What a store says of a file that has receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    Not(String),
}

/// How closely the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// For the object that the receipt names, if that is the name of these lines.
    AsNamed,
    /// For the object that the file makes, byte for byte.
    AsMade,
}

/// What became of reading a segment.
enum Packed {
    All(String, Count, u64, Object),
    Nothing,
    /// The file is not the one any more that was listed.
    Other,
}

/// Names that are tried for one segment, and looks at one object before another version is put.
const MOST_AGAIN: u32 = 9;
const MOST_LOOKS: u32 = 20;

impl Job {
    pub(super) fn new(file: Stamped, start: u64) -> Self {
        Self { file, start, tries: Tries::default(), backoff: Backoff::default() }
    }
}

impl<'a> Shipper<'a> {
    pub(super) fn new(state: &'a State<'a>, target: &'a Target<'a>) -> Self {
        Self {
            state,
            target,
            store: RefCell::default(),
            done: Cell::default(),
            archive: RefCell::default(),
        }
    }

    pub(super) fn done(&self) -> Done {
        self.done.get()
    }

    /// Opens the store, also while there is nothing to ship.
    pub(super) async fn store(&self) -> Result<Rc<Store>, Unshipped> {
        if let Some(store) = self.store.borrow().as_ref() {
            return Ok(Rc::clone(store));
        }
        self.check_place().await?;
        let store = Store::open(self.target.url, self.target.promise.explicit()).await?;
        Ok(Rc::clone(self.store.borrow_mut().insert(Rc::new(store))))
    }

    /// Receipts name who answered when this process began: nobody else is asked in its name.
    async fn check_place(&self) -> Result<(), Unshipped> {
        let now = Endpoint::find(self.target.url).await?.map(|endpoint| endpoint.to_string());
        match now == self.target.place.endpoint {
            true => Ok(()),
            false => Err(Unshipped {
                kind: "wrong",
                text: format!(
                    "{}: the settings name another endpoint than at the start, {}: start anew to ship there",
                    self.target.url,
                    now.as_deref().unwrap_or("none")
                ),
                is_stale: false,
            }),
        }
    }

    /// Credentials, proxies and certificates are read again before the next call.
    pub(super) fn reload(&self) {
        self.store.borrow_mut().take();
    }

    /// What an error has to tell besides its words.
    fn note(&self, unshipped: &Unshipped) {
        self.state.metrics.count_error(unshipped.kind);
        if unshipped.is_stale {
            self.reload();
        }
    }

    /// Reads and compresses the segment that begins at the job's place.
    pub(super) async fn pack(&self, job: Job) -> Event {
        let open = self.state.folder.open_sealed(&job.file);
        let (start, most) = (job.start, self.state.segment_bytes);
        let (host, compress) = (self.target.host.clone(), self.target.compress);
        let (again, seen) = (job.tries.again, (job.file.mark, job.file.len));
        let packed = blocking(move || {
            let open = open?;
            if Mark::of(&open)? != seen {
                return Ok(Packed::Other);
            }
            let Some(segment) = Segment::read(&open, start, most)? else {
                return Ok(Packed::Nothing);
            };
            let (stem, count, end) = (segment.name(&host), segment.count, segment.end());
            let object = compress.object(&stem, again, segment.bytes)?;
            Ok(Packed::All(stem, count, end, object))
        });
        match packed.await {
            Ok(Packed::All(stem, count, end, object)) => {
                let tries = job.tries.clone();
                Event::Packed(Box::new(Cargo {
                    job,
                    end,
                    count,
                    parcel: Parcel { stem, object, tries },
                }))
            }
            Ok(Packed::Nothing) => Event::Nothing,
            // What is there now is looked at, told and queued.
            Ok(Packed::Other) => {
                let looked = self.state.refresh().map_err(|error| error.to_string());
                let path = job.file.path.shown().to_string();
                match looked {
                    Ok(()) if !self.state.has_sealed(&job.file) => Event::Nothing,
                    Ok(()) => Event::Failed(job, Unshipped::local(format!("{path}: it changes"))),
                    Err(why) => Event::Failed(job, Unshipped::local(format!("{path}: {why}"))),
                }
            }
            Err(error) => {
                let text = format!("{}: {error}", job.file.path.shown());
                let unshipped = Unshipped::local(text);
                self.note(&unshipped);
                Event::Failed(job, unshipped)
            }
        }
    }

    /// Puts it, has it confirmed, and signs for it.
    pub(super) async fn deliver(&self, mut cargo: Cargo) -> Event {
        let kept = self.carry(&mut cargo.parcel).await;
        match kept.and_then(|kept| self.sign(&cargo, kept)) {
            Ok(()) => Event::Delivered,
            Err(unshipped) => {
                self.note(&unshipped);
                let mut job = cargo.job;
                job.tries = cargo.parcel.tries;
                Event::Failed(job, unshipped)
            }
        }
    }

    async fn carry(&self, parcel: &mut Parcel) -> Result<Kept, Unshipped> {
        let store = self.store().await?;
        if parcel.tries.put.is_none()
            && let Some(kept) = self.target.put(&store, parcel, self.state).await?
        {
            return Ok(kept);
        }
        let version = parcel.tries.put.clone().flatten();
        match store.held(&parcel.object, version.as_deref()).await {
            Ok(held) => self.target.judge(parcel, held),
            Err(error) if error.is_missing() => {
                parcel.look_again();
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The receipt, for an object that the store keeps.
    fn sign(&self, cargo: &Cargo, kept: Kept) -> Result<(), Unshipped> {
        let now = Timestamp::now();
        let (parcel, file) = (&cargo.parcel, &cargo.job.file);
        let receipt = Receipt {
            name: parcel.object.name.clone(),
            url: self.target.place.url.clone(),
            endpoint: self.target.place.endpoint.clone(),
            version: kept.version.or_else(|| parcel.tries.put.clone().flatten()),
            mode: kept.mode,
            until: kept.until.map(Moment),
            retention_seconds: Some(self.target.promise.retention_seconds()),
            sha256: object::hex(&parcel.object.sha256),
            bytes: parcel.object.body.len() as u64,
            entries: cargo.count.entries,
            torn: cargo.count.torn,
            confirmed_at: Moment(now),
            file: file.name(),
            start: cargo.job.start,
            end: cargo.end,
        };
        let fault = |error| Unshipped::local(format!("shipped.jsonl: {error}"));
        if self.state.has_sealed(file) {
            self.state.receipts.borrow_mut().add(receipt).map_err(fault)?;
            self.state.note_confirmed(file);
        }
        self.count(cargo, kept.until, now);
        Ok(())
    }

    fn count(&self, cargo: &Cargo, until: Option<Timestamp>, now: Timestamp) {
        let metrics = &self.state.metrics;
        metrics.entries.inc_by(cargo.count.entries);
        metrics.torn_lines.inc_by(cargo.count.torn);
        metrics.confirmed_segments.inc();
        metrics.last_confirmed.set(now.as_duration().as_secs_f64());
        if let Some(until) = until {
            let rest = until.duration_since(now).as_secs_f64();
            let before = metrics.shortest_retention.get();
            let is_first = before == 0.0;
            metrics.shortest_retention.set(if is_first { rest } else { rest.min(before) });
        }
        let mut done = self.done.get();
        done.objects += 1;
        done.entries += cargo.count.entries;
        done.torn += cargo.count.torn;
        done.bytes += cargo.parcel.object.body.len() as u64;
        self.done.set(done);
    }

    /// Asks the store for everything that receipts say of a file.
    pub(super) async fn ask(&self, file: &Stamped, look: Look) -> Result<Verdict, Unshipped> {
        let receipts = self.state.receipts.borrow().of(&file.name());
        for receipt in receipts {
            let Ok(receipt) = receipt else {
                return Ok(Verdict::Not("its receipt cannot be read".to_owned()));
            };
            match self.ask_for(file, &receipt, look).await? {
                Verdict::Kept => {}
                not => return Ok(not),
            }
        }
        Ok(Verdict::Kept)
    }

    async fn ask_for(
        &self,
        file: &Stamped,
        receipt: &Receipt,
        look: Look,
    ) -> Result<Verdict, Unshipped> {
        let sought = self.sought(file, receipt, look).await?;
        let Some(sought) = sought.filter(|sought| is_plain(&sought.name)) else {
            return Ok(Verdict::Not(format!(
                "{}: no object of these lines has this name",
                plain(&receipt.name)
            )));
        };
        self.state.metrics.asked.inc();
        let store = self.store().await?;
        let held = match store.held_as(&sought, receipt.version.as_deref()).await {
            Ok(held) => held,
            Err(error) if error.is_missing() => return Ok(Verdict::Not(error.to_string())),
            Err(error) => {
                let unshipped = error.into();
                self.note(&unshipped);
                return Err(unshipped);
            }
        };
        let now = Timestamp::now();
        let since = began(&[read_stamp(&file.stamp), Some(receipt.confirmed_at.0)], now);
        Ok(match self.target.promise.check_since(held, since, now) {
            Ok(_) => Verdict::Kept,
            Err(why) => Verdict::Not(format!("{}: {why}", plain(&receipt.name))),
        })
    }

    /// The object of the bytes of the file, under the name that a receipt gives it; `None` if that is not theirs.
    async fn sought(
        &self,
        file: &Stamped,
        receipt: &Receipt,
        look: Look,
    ) -> Result<Option<Sought>, Unshipped> {
        let open = self.state.folder.open_sealed(file);
        let receipt = receipt.clone();
        let made = blocking(move || {
            let segment = Segment::exactly(&open?, receipt.start, receipt.end)?;
            let Some(segment) = segment.filter(|segment| segment.is_named(&receipt.name)) else {
                return Ok(None);
            };
            match look {
                Look::AsNamed => Ok(said(&receipt)),
                Look::AsMade => made(&receipt.name, segment.bytes).map(Some),
            }
        });
        made.await.map_err(|error| Unshipped::local(format!("{}: {error}", file.path.shown())))
    }

    /// Whether the store has the lines of which an earlier run says that it carried them there; what it has not, and all
    /// behind it, is carried anew.
    async fn ask_for_claims(&self) -> Result<(), Unshipped> {
        loop {
            let claimed = self.state.receipts.borrow().claimed();
            let why = match claimed {
                Ok(None) => return Ok(()),
                Ok(Some((chunk, archived))) => match self.ask_for_chunk(chunk, &archived).await? {
                    Verdict::Kept => {
                        self.state.receipts.borrow_mut().note_claim_asked();
                        continue;
                    }
                    Verdict::Not(why) => why,
                },
                Err(error) => error.to_string(),
            };
            let place = self.state.folder.path().shown();
            tell(&format!(
                "{place}/shipped.jsonl: that lines of it are in the store counts for nothing, they are carried again: {why}"
            ));
            self.state.receipts.borrow_mut().disbelieve_claims().map_err(of_receipts)?;
        }
    }

    async fn ask_for_chunk(&self, chunk: Chunk, said: &Archived) -> Result<Verdict, Unshipped> {
        let name = &said.name;
        if !is_plain(name) || !chunk.is_named(name) {
            let why = format!("{}: no object of these lines has this name", plain(name));
            return Ok(Verdict::Not(why));
        }
        let (of_name, bytes) = (name.clone(), chunk.bytes);
        let sought = blocking(move || made(&of_name, bytes.into())).await.map_err(of_receipts)?;
        self.state.metrics.asked.inc();
        let held = match self.store().await?.held_as(&sought, said.version.as_deref()).await {
            Ok(held) => held,
            Err(error) if error.is_missing() => return Ok(Verdict::Not(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let now = Timestamp::now();
        let is_over = said.until.is_some_and(|until| until.0 <= now) && held != Held::Different;
        let since = began(&[Some(said.at.0)], now);
        Ok(match self.target.promise.check_since(held, since, now) {
            Err(why) if !is_over => Verdict::Not(format!("{}: {why}", plain(name))),
            // What it was kept for has passed.
            _ => Verdict::Kept,
        })
    }

    /// Carries the next receipts to the bucket, beside the entries; whether there were any.
    pub(super) async fn archive(&self) -> Result<bool, Unshipped> {
        let fault = of_receipts;
        self.ask_for_claims().await.inspect_err(|unshipped| self.note(unshipped))?;
        let before = self.archive.borrow_mut().take();
        let (chunk, mut parcel) = match before {
            Some(before) => before,
            None => {
                let chunk = self.state.receipts.borrow_mut().chunk(MOST_RECEIPTS).map_err(fault)?;
                let Some(chunk) = chunk else { return Ok(false) };
                let parcel = self.target.parcel_of(&chunk).map_err(fault)?;
                (chunk, parcel)
            }
        };
        match self.carry(&mut parcel).await {
            Ok(kept) => {
                let archived = self.archived(&chunk, &parcel, kept);
                self.state.receipts.borrow_mut().add_archived(archived, &chunk).map_err(fault)?;
                Ok(true)
            }
            Err(unshipped) => {
                self.note(&unshipped);
                self.archive.replace(Some((chunk, parcel)));
                Err(unshipped)
            }
        }
    }

    fn archived(&self, chunk: &Chunk, parcel: &Parcel, kept: Kept) -> Archived {
        Archived {
            name: parcel.object.name.clone(),
            url: self.target.place.url.clone(),
            endpoint: self.target.place.endpoint.clone(),
            version: kept.version.or_else(|| parcel.tries.put.clone().flatten()),
            mode: kept.mode,
            until: kept.until.map(Moment),
            sha256: object::hex(&parcel.object.sha256),
            lines: chunk.lines,
            end: chunk.end,
            latest: self.state.receipts.borrow().latest_file().map(str::to_owned),
            gone: None,
            at: Moment(Timestamp::now()),
        }
    }
}

/// Some thousand receipts.
const MOST_RECEIPTS: u64 = 4 << 20;

/// A name as this tool gives them: a way down, and nothing else.
fn is_plain(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains('\0')
}

fn said(receipt: &Receipt) -> Option<Sought> {
    let byte = |at: usize| u8::from_str_radix(receipt.sha256.get(at * 2..at * 2 + 2)?, 16).ok();
    let mut sha256 = [0; 32];
    for (at, place) in sha256.iter_mut().enumerate() {
        *place = byte(at)?;
    }
    Some(Sought { name: receipt.name.clone(), sha256, bytes: receipt.bytes })
}

/// The object that these lines make under a name.
fn made(name: &str, lines: Bytes) -> io::Result<Sought> {
    let compress = if name.ends_with(".gz") { Compress::Gzip } else { Compress::None };
    let object = compress.object("", 0, lines)?;
    Ok(Sought { name: name.to_owned(), ..object.sought() })
}

/// When the lock of an object began, as far as anything says: the latest of what is not still to come. A clock that was
/// wrong has written times ahead, and what they say holds for ever.
fn began(said: &[Option<Timestamp>], now: Timestamp) -> Timestamp {
    said.iter().flatten().filter(|at| **at <= now).max().copied().unwrap_or(now)
}

fn of_receipts(error: io::Error) -> Unshipped {
    Unshipped::local(format!("shipped.jsonl: {error}"))
}

/// Work that keeps a processor or a disk busy, beside the loops.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Compress {
    fn object(self, stem: &str, again: u32, bytes: Bytes) -> io::Result<Object> {
        let (body, encoding) = match self {
            Self::None => (bytes, None),
            Self::Gzip => (gzip(&bytes)?, Some("gzip")),
        };
        let sha256 = Sha256::digest(&body).into();
        Ok(Object { name: self.object_name(stem, again), body, sha256, encoding })
    }

    fn object_name(self, stem: &str, again: u32) -> String {
        object::name(stem, again, if self == Self::Gzip { ".gz" } else { "" })
    }
}

impl Target<'_> {
    /// `receipts/2026/11/21/20261121T155302Z_20261121T165301Z_gateway-1_60_9f86d081….jsonl.gz`
    fn parcel_of(&self, chunk: &Chunk) -> io::Result<Parcel> {
        let span = (chunk.first, chunk.last);
        let stem = object::stem(span, &self.host, chunk.lines, &chunk.bytes);
        let stem = format!("{}{stem}", object::RECEIPTS_FOLDER);
        let object = self.compress.object(&stem, 0, chunk.bytes.clone().into())?;
        Ok(Parcel { stem, object, tries: Tries::default() })
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
                    Written::Exists => parcel.tries.put = Some(None),
                }
                return Ok(None);
            }
            if parcel.tries.again == MOST_AGAIN {
                return Err(parcel.unconfirmed("all its names are taken"));
            }
            self.rename(parcel);
        }
    }

    fn rename(&self, parcel: &mut Parcel) {
        let again = parcel.tries.again + 1;
        parcel.object.name = self.compress.object_name(&parcel.stem, again);
        parcel.tries = Tries { again, ..Tries::default() };
    }

    /// What the store says about the object that was put. One that stays unlocked is put as another
    /// version, which a default that was set meanwhile will lock.
    fn judge(&self, parcel: &mut Parcel, held: Held) -> Result<Kept, Unshipped> {
        let (is_other, is_known) = (held == Held::Different, !matches!(held, Held::Unknown { .. }));
        self.promise.check(held, Timestamp::now()).map_err(|why| {
            let unshipped = parcel.unconfirmed(&why);
            if is_other && parcel.tries.again < MOST_AGAIN {
                self.rename(parcel);
            } else if is_known {
                parcel.look_again();
            }
            unshipped
        })
    }
}

impl Parcel {
    fn set_put(&mut self, version: Option<String>, state: &State<'_>) {
        state.metrics.created.inc();
        state.metrics.uploaded.inc_by(self.object.body.len() as u64);
        self.tries.put = Some(version);
    }

    /// After many looks in vain it is put once more.
    fn look_again(&mut self) {
        self.tries.looks += 1;
        if self.tries.looks >= MOST_LOOKS {
            (self.tries.put, self.tries.looks) = (None, 0);
        }
    }

    fn unconfirmed(&self, why: &str) -> Unshipped {
        let text = format!("{}: put, and not confirmed: {why}", self.object.name);
        Unshipped { kind: "unconfirmed", text, is_stale: false }
    }
}

impl Unshipped {
    fn local(text: String) -> Self {
        Self { kind: "local", text, is_stale: false }
    }
}

impl From<StoreError> for Unshipped {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            Kind::Busy => "busy",
            Kind::Refused => "refused",
            Kind::Wrong => "wrong",
        };
        Self { kind, text: error.to_string(), is_stale: error.is_stale() }
    }
}

impl Cargo {
    /// Where the next segment of the same file begins.
    pub(super) fn next(&self) -> (&Stamped, u64) {
        (&self.job.file, self.end)
    }

    /// Whether it was tried before, so that the next one is known already.
    pub(super) fn is_again(&self) -> bool {
        self.job.backoff.failures() > 0
    }
}

/// The same bytes for the same bytes: no time, no name.
fn gzip(bytes: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// Good entries of an open file, from a byte on.
pub(super) fn count_entries(file: &File, mut start: u64) -> io::Result<u64> {
    let mut entries = 0;
    while let Some(segment) = Segment::read(file, start, COUNT_BYTES)? {
        entries += segment.count.entries;
        start = segment.end();
    }
    Ok(entries)
}

const COUNT_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_began_at_the_latest_time_that_is_not_still_to_come() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (stamp, confirmed, expected) in
            [(10, 20, 20), (20, 10, 20), (200, 10, 10), (10, 200, 10), (200, 300, 100)]
        {
            let since = began(&[Some(at(stamp)), Some(at(confirmed))], at(100));
            assert_eq!(since, at(expected), "{stamp} {confirmed}");
        }
        assert_eq!(began(&[None], at(100)), at(100));
    }

    #[test]
    fn the_same_bytes_are_compressed_to_the_same() {
        let once = gzip(b"line\n").unwrap();
        assert_eq!(once, gzip(b"line\n").unwrap());
        assert_eq!(&once[4..8], [0; 4], "a modification time would make every try another object");
    }
}
