//! What we lean on when we say "write once": the stores under test, held to what is said of them,
//! and the rights that come as files, tried by everybody who must not get far.
//!
//! The stores are shared by the tests of this binary; every test has a bucket of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, wherever in its helpers"
)]

mod check_archive;
mod check_sink;
mod cloud_setup;
mod clouds;
mod faults;
mod proxy;
mod rights;
mod servers;
mod stage;
