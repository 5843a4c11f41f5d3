//! The manifests against real control planes: nothing here stands for one.
//!
//! `make k8s-test` runs these tests; without the feature `k8s` they are not built, because what
//! they need takes a quarter of an hour to build.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, wherever in its helpers"
)]

#[macro_use]
mod stage;

mod above;
mod envoy;
mod istio;
mod manifests;
mod namespaces;
mod network;
mod removal;
mod steps;
mod tightening;
mod waypoint;
