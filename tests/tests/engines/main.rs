//! Engines that exist carry the ledger, each with the configuration that ships.
//!
//! The OpenTelemetry Collector and rsyslog run here for real. Of Vector and Fluent Bit, which no
//! package registry has, only the configurations are read.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, wherever in its helpers"
)]

mod collector;
mod configurations;
mod growing;
mod shipping;
mod syslog;
mod witness;

use std::path::PathBuf;
use std::time::Duration;

/// How long lines may take from the file to the far end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A file that ships in `envoy/sinks`.
fn shipped(name: &str) -> PathBuf {
    ledgerline_tests::workspace::root().join("envoy/sinks").join(name)
}
