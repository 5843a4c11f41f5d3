//! The record of one call that an AI tool makes to the outside world.
//!
//! A gateway sees a call as a sequence of moments: request headers, body chunks, trailers, the same
//! for the response, and an end, which may come at any moment. This crate turns that sequence into
//! one [`Entry`]: who called what, with which content (as SHA-256 digests), and how it ended.
//!
//! ```text
//! identity ─► policy ─► endpoint ─► headers ─► mask ─► digest ─► stream ─► meaning ─► outcome ─► entry
//!                                              └──────── passage ───────┘
//! └────────────────────────────────────── call ────────────────────────────────────────────────────┘
//! ```
//!
//! [`Call`] is the state machine of one call; [`Config`] is what the operator decided, compiled
//! once and shared by all calls.
//!
//! # Sans-I/O
//!
//! Bytes, header pairs and clock readings go in; header edits and an entry come out. The crate knows
//! no proxy, no file, no thread and no clock, so every test runs natively and without a mock.
//!
//! # What it is not
//!
//! It knows no route: which hosts can be reached is the gateway's matter, and here they can only be
//! refused ([`policy`]). It stores nothing.
//! It looks into bodies for secrets, and at a few places of the JSON of models and tools for what a
//! call was about. It keeps and prints no credential: header values leave it only when their name is
//! on the operator's allow-list, which refuses credential names, and of a credential no more than a
//! keyed fingerprint.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod base64;
pub mod call;
pub mod config;
pub mod correlation;
pub mod credential;
pub mod digest;
pub mod endpoint;
pub mod entry;
pub mod gate;
mod head;
pub mod headers;
pub mod identity;
mod json;
pub mod key;
mod limits;
pub mod mask;
pub mod meaning;
pub mod metric;
pub mod outcome;
mod passage;
pub mod policy;
pub mod reader;
pub mod refusal;
pub mod stream;
pub mod text;
pub mod time;
pub mod version;
mod words;

pub use call::Call;
pub use config::Config;
pub use entry::Entry;
