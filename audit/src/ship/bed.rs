//! A ledger folder and a folder as its store, for the tests of this module.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;

use super::{
    Options,
    ages::Ages,
    folder::Folder,
    health::Health,
    open_receipts,
    receipts::Place,
    shipper::{Compress, Shipper, Target},
    state::State,
    tidy::Tidier,
};
use crate::{protect, store::SinkUrl};

/// The folders; what the kernel protects in them is released at the end.
pub(super) struct Bed(tempfile::TempDir);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// What is under test, while it lives.
pub(super) struct Made<'a> {
    pub(super) state: &'a State<'a>,
    pub(super) shipper: Shipper<'a>,
    pub(super) options: &'a Options,
}

impl Made<'_> {
    pub(super) fn tidier(&self) -> Tidier<'_, '_> {
        Tidier::new(&self.shipper, &self.options.room, self.options.parallel)
    }
}

pub(super) fn entry(number: u64) -> String {
    format!(
        concat!(
            r#"{{"timestamp":"2026-11-21T11:00:{:02}.{:06}Z","agent_id":null,"user_id":null,"endpoint":"a/b","#,
            r#""method":"GET","status":200,"request_hash":null,"response_hash":null,"outcome":"success","#,
            r#""correlation_id":"{:032x}"}}"#,
            "\n"
        ),
        number / 1_000_000 % 60,
        number % 1_000_000,
        number
    )
}

pub(super) fn entries(range: std::ops::Range<u64>) -> String {
    range.map(entry).collect()
}

impl Bed {
    pub(super) fn new() -> Self {
        let bed = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(bed.ledger().join("segments")).unwrap();
        bed
    }

    /// One whose kernel makes files immutable: nothing is confirmed elsewhere.
    pub(super) fn protected() -> Option<Self> {
        let bed = Self::new();
        let probe = fs::File::create(bed.0.path().join("probe")).unwrap();
        let is_protected =
            protect::keep_immutable(&probe).is_ok_and(|_| crate::store::is_immutable(&probe));
        let _ = protect::lift_of(&probe);
        if !is_protected {
            eprintln!("skipped: no kernel protection here");
        }
        is_protected.then_some(bed)
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.0.path().join("ledger")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    pub(super) fn sealed(&self, stamp: &str) -> PathBuf {
        self.ledger().join(format!("segments/{stamp}.jsonl"))
    }

    pub(super) fn receipts(&self) -> PathBuf {
        self.ledger().join("shipped.jsonl")
    }

    pub(super) fn with<T>(&self, more: &[&str], work: impl AsyncFnOnce(Made<'_>) -> T) -> T {
        let url = format!("file://{}", self.store().display());
        let (ledger, line) = (self.ledger(), ["ship", "--host", "gw", "--min-free", "0"]);
        let line = line.into_iter().chain(["--to", &url, "--from", ledger.to_str().unwrap()]);
        let options = Line::parse_from(line.chain(more.iter().copied())).options;
        let sink: SinkUrl = options.to.parse().unwrap();
        let place = Place { url: sink.to_string(), endpoint: None };
        let folder = Folder::open(&options.from).unwrap();
        let receipts = open_receipts(&folder, &place).unwrap();
        let ages = RefCell::new(Ages::default());
        let health = Arc::new(Health::new(options.watch.unhealthy_after.0));
        let state = State::new(&folder, &ages, receipts, health, options.rotation.segment_bytes());
        state.refresh().unwrap();
        let (promise, compress) = (&options.promise, Compress::Gzip);
        let target = Target { url: &sink, place, promise, compress, host: "gw".into() };
        let shipper = Shipper::new(&state, &target);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work(Made { state: &state, shipper, options: &options }))
    }

    /// Ships once; what is wrong, a line each.
    pub(super) fn ship(&self, more: &[&str]) -> String {
        self.with(more, async |made| {
            let mut wrong = super::once::ship(&made.shipper, &made.tidier(), made.options).await;
            wrong.extend(super::once::what_is_left(made.state));
            wrong.join("\n")
        })
    }

    /// The objects with entries.
    pub(super) fn objects(&self) -> Vec<PathBuf> {
        let mut found = files(&self.store());
        found.retain(|path| !path.starts_with(self.store().join("receipts")));
        found
    }

    pub(super) fn archives(&self) -> Vec<PathBuf> {
        files(&self.store().join("receipts"))
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        files(self.0.path()).iter().for_each(|path| drop(protect::lift(path)));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    found.sort();
    found
}
