//! The proof that no secret gets by: fake credentials of every format, in every position, across
//! every split into chunks; names in every spelling; and text that must stay as it is.
//!
//! What is expected is known by construction: a body is put together from a credential and what
//! stands around it, and the view must be the same with the placeholder instead. The tables are
//! printed, and seen with `cargo test --test masking -- --nocapture`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, wherever in its helpers"
)]

mod benign;
mod cases;
mod corpus;
mod files;
mod naive;
mod names;
mod notations;
mod position;
mod recall;
mod stream;
