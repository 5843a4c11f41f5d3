//! A call goes through a real Envoy with the real filter; its entry must say what the two ends saw.
//!
//! Every test has a gateway of its own and ends with [`stage::Open::finish`], which proves for the
//! whole of it: as many lines in the ledger as Envoy counted requests, every line well-formed, no
//! trap.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, wherever in its helpers"
)]

#[macro_use]
mod stage;

mod bad_input;
mod bodies;
mod broken_calls;
mod configuration;
mod cost;
mod drain;
mod endpoints;
mod filter_faults;
mod framing;
mod identity;
mod load;
mod masking;
mod mcp;
mod metrics;
mod models;
mod no_room;
mod one_hop;
mod outcomes;
mod own_answers;
mod real_clients;
mod secrets;
mod silence;
mod streams;
mod upgrade;

use stage::{Stage, check_body, check_prefix};
