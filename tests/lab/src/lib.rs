//! A gateway on this machine and a provider behind it that can be as bad as the real ones: what `make run`
//! starts, and what the tests stand on.
//!
//! ```text
//! client ──► Gateway (Envoy + ledgerline.wasm) ──► Simulator (records what it saw and sent)
//!               │
//!               └──► Ledger (every line checked as it is read)
//! ```
//!
//! A crate of its own, because the first `make run` on a machine waits for it to compile: no SDK of a cloud
//! belongs in here. Errors are `anyhow`: whoever reads them is a person in front of a failed start or test.

#![allow(
    clippy::indexing_slicing,
    reason = "only JSON is indexed, and it is null where nothing is"
)]

pub mod client;
pub mod envoy;
pub mod ledger;
pub mod ledger_folder;
pub mod payload;
pub mod process;
pub mod simulator;
pub mod workspace;
