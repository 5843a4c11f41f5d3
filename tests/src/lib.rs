//! What the end-to-end tests stand on, beside the gateway and the provider of `ledgerline-lab`: real stores,
//! real control planes, faults on the way, and readers that believe nothing.
//!
//! ```text
//! client ──► Gateway (Envoy + ledgerline.wasm) ──► Simulator (records what it saw and sent)
//!               │
//!               └──► Ledger (every line checked as it is read)
//! ```
//!
//! A test sends a call, waits for its entry and compares the entry with what the simulator
//! recorded. Nothing here computes an entry a second time: the truth is what the two ends of the
//! wire saw.
//!
//! Errors are `anyhow`: whoever reads them is a person in front of a failed test.

#![allow(
    clippy::indexing_slicing,
    reason = "only JSON is indexed, and it is null where nothing is"
)]

pub mod cluster;
pub mod delivery;
pub mod secrets;
pub mod storage;

pub use ledgerline_lab::{
    client, envoy, ledger, ledger_folder, payload, process, simulator, workspace,
};
