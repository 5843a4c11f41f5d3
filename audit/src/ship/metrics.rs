//! What the shipper counts, in Prometheus' text form.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicI64, AtomicU64},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// All of them; the registry holds the same ones.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    pub(super) entries: Counter,
    pub(super) torn_lines: Counter,
    pub(super) uploaded: Counter,
    pub(super) created: Counter,
    pub(super) duplicates: Counter,
    pub(super) errors: Family<ErrorLabels, Counter>,
    pub(super) confirmed_segments: Counter,
    pub(super) unconfirmed_segments: Gauge,
    pub(super) unconfirmed: Gauge,
    pub(super) oldest_age: Seconds,
    pub(super) local: Gauge,
    pub(super) free: Gauge,
    pub(super) at_cap: Gauge,
    pub(super) dropped_entries: Counter,
    pub(super) losses: Counter,
    pub(super) lost_bytes: Counter,
    pub(super) disbelieved: Counter,
    pub(super) asked: Counter,
    pub(super) disturbed: Counter,
    pub(super) set_aside: Gauge,
    pub(super) strange: Gauge,
    pub(super) unaccounted: Gauge,
    pub(super) unreadable: Gauge,
    pub(super) receipts: Gauge,
    pub(super) rotations: Counter,
    pub(super) rotation_errors: Counter,
    pub(super) drain: Histogram,
    pub(super) shortest_retention: Seconds,
    pub(super) last_confirmed: Seconds,
}

type Seconds = Gauge<f64, AtomicU64>;

/// What kind of error it was: `busy`, `refused`, `wrong`, `unconfirmed` or `local`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ErrorLabels {
    pub(super) kind: &'static str,
}

const DRAIN_SECONDS: [f64; 7] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("ledgerline_ship"),
            entries: Counter::default(),
            torn_lines: Counter::default(),
            uploaded: Counter::default(),
            created: Counter::default(),
            duplicates: Counter::default(),
            errors: Family::default(),
            confirmed_segments: Counter::default(),
            unconfirmed_segments: Gauge::<i64, AtomicI64>::default(),
            unconfirmed: Gauge::<i64, AtomicI64>::default(),
            oldest_age: Seconds::default(),
            local: Gauge::<i64, AtomicI64>::default(),
            free: Gauge::<i64, AtomicI64>::default(),
            at_cap: Gauge::<i64, AtomicI64>::default(),
            dropped_entries: Counter::default(),
            losses: Counter::default(),
            lost_bytes: Counter::default(),
            disbelieved: Counter::default(),
            asked: Counter::default(),
            disturbed: Counter::default(),
            set_aside: Gauge::<i64, AtomicI64>::default(),
            unaccounted: Gauge::<i64, AtomicI64>::default(),
            strange: Gauge::<i64, AtomicI64>::default(),
            unreadable: Gauge::<i64, AtomicI64>::default(),
            receipts: Gauge::<i64, AtomicI64>::default(),
            rotations: Counter::default(),
            rotation_errors: Counter::default(),
            drain: Histogram::new(DRAIN_SECONDS),
            shortest_retention: Seconds::default(),
            last_confirmed: Seconds::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let Self { registry, .. } = self;
        let mut count = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        count("entries", "Entries in objects that the store confirmed", &self.entries);
        count("torn_lines", "Lines in them that are no entry", &self.torn_lines);
        count("objects_created", "Objects put under a new name or version", &self.created);
        count("duplicates", "Objects that the store had already", &self.duplicates);
        count("segments_confirmed", "Segments that have a receipt", &self.confirmed_segments);
        count("dropped_entries", "Entries deleted unshipped, to make room", &self.dropped_entries);
        count("losses", "Files that vanished, or shrank, before they were shipped", &self.losses);
        count("asked", "Objects that the store was asked for again", &self.asked);
        let help = "Sealed files whose receipts the store does not confirm";
        count("disbelieved", help, &self.disbelieved);
        let help = "Files or folders of the ledger that somebody else replaced or changed";
        count("disturbed", help, &self.disturbed);
        count("rotations", "Files taken from the gateway and sealed", &self.rotations);
        count("rotation_errors", "Steps of a rotation that failed", &self.rotation_errors);
        registry.register("errors", "Failed attempts to ship a segment", self.errors.clone());
        let mut level = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(name, help, gauge.clone());
        };
        level("at_cap", "1 while the ledger folder is at its cap", &self.at_cap);
        level("set_aside_files", "Sealed files that cannot be read", &self.set_aside);
        let help = "Final entries that the filter counted and that are in no file";
        level("unaccounted_entries", help, &self.unaccounted);
        level("strange_files", "Names in the folder that nobody ships", &self.strange);
        level("folder_unreadable", "1 while the folder cannot be looked at", &self.unreadable);
        level("unconfirmed_segments", "Segments without a receipt", &self.unconfirmed_segments);
        self.register_units();
    }

    fn register_units(&mut self) {
        let Self { registry, .. } = self;
        let help = "Bytes of objects put";
        registry.register_with_unit("uploaded", help, Unit::Bytes, self.uploaded.clone());
        let help = "Bytes that were lost before they were shipped";
        registry.register_with_unit("lost", help, Unit::Bytes, self.lost_bytes.clone());
        let mut bytes = |name: &str, help: &str, gauge: &Gauge| {
            registry.register_with_unit(name, help, Unit::Bytes, gauge.clone());
        };
        bytes("local", "Bytes of the ledger folder", &self.local);
        bytes("free", "Free bytes of its file system", &self.free);
        bytes("receipts", "Bytes of shipped.jsonl", &self.receipts);
        bytes("unconfirmed", "Bytes of entries without a receipt", &self.unconfirmed);
        let mut seconds = |name: &str, help: &str, gauge: &Seconds| {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        };
        seconds("oldest_unconfirmed_age", "How long the oldest has waited", &self.oldest_age);
        seconds(
            "shortest_retention",
            "The least that the store kept of this run's objects, when read back",
            &self.shortest_retention,
        );
        seconds("last_confirmed_timestamp", "When the last receipt came", &self.last_confirmed);
        let help = "From the rename of a file until nobody wrote it any more";
        registry.register_with_unit("drain", help, Unit::Seconds, self.drain.clone());
    }

    /// Everything, as a scraper reads it (version 0.0.4 of the text form).
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        classic(&text)
    }

    /// Writes a file for node_exporter's textfile collector, in one step.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("prom.new");
        // Whatever has this name is neither followed nor waited for.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::create_new(&draft)?;
        file.write_all(self.text().as_bytes())?;
        fs::rename(&draft, path)
    }

    pub(super) fn count_error(&self, kind: &'static str) {
        self.errors.get_or_create(&ErrorLabels { kind }).inc();
    }
}

/// OpenMetrics as Prometheus' older text form, the only one that node_exporter reads: there a counter has
/// its whole name also in its head, and units are no lines of their own.
fn classic(text: &str) -> String {
    let type_of =
        |line: &str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(str::to_owned);
    let counters: BTreeSet<String> = text.lines().filter_map(type_of).collect();
    let head = |line: &str| -> Option<String> {
        let (mark, name, rest) = match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", mark @ ("HELP" | "TYPE"), name, rest] => (mark, name, rest),
            ["#", ..] => return None,
            _ => return Some(format!("{line}\n")),
        };
        let end = if counters.contains(name) { "_total" } else { "" };
        Some(format!("# {mark} {name}{end} {rest}\n"))
    };
    text.lines().filter_map(head).collect()
}

/// A gauge holds an `i64`.
pub(super) fn level(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_or_a_pipe_in_the_place_of_the_draft_is_neither_followed_nor_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let place = tempfile::tempdir().unwrap();
        let (path, draft) = (place.path().join("ship.prom"), place.path().join("ship.prom.new"));
        let other = place.path().join("other");
        fs::write(&other, "not ours").unwrap();
        std::os::unix::fs::symlink(&other, &draft).unwrap();
        Metrics::new().write(&path).unwrap();
        mknodat(CWD, &draft, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        Metrics::new().write(&path).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "not ours");
        assert!(path.symlink_metadata().unwrap().is_file());
        fs::create_dir(&draft).unwrap();
        assert!(Metrics::new().write(&path).is_err());
    }

    #[test]
    fn names_say_their_unit() {
        let metrics = Metrics::new();
        metrics.entries.inc_by(7);
        metrics.local.set(level(u64::MAX));
        metrics.count_error("refused");
        let text = metrics.text();
        for line in [
            "ledgerline_ship_entries_total 7\n",
            "ledgerline_ship_local_bytes 9223372036854775807\n",
            "ledgerline_ship_errors_total{kind=\"refused\"} 1\n",
            "ledgerline_ship_oldest_unconfirmed_age_seconds 0.0\n",
            "ledgerline_ship_uploaded_bytes_total 0\n",
            "ledgerline_ship_drain_seconds_count 0\n",
            "# TYPE ledgerline_ship_uploaded_bytes_total counter\n",
            "# TYPE ledgerline_ship_local_bytes gauge\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }
}
