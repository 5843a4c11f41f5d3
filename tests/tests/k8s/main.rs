//! The manifests against real control planes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, wherever in its helpers"
)]

mod istio;
mod stage;
