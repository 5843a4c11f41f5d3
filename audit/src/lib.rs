//! `ledgerline`, the auditor's tool, and what of it `make run` needs.
//!
//! ```text
//! make run    check_config, protect, show            compiled in seconds
//! ledgerline  the same, and storage, hosts, hashes   the feature `tool`: minutes, for the SDKs of the clouds
//! ```
//!
//! Whoever starts the gateway for the first time waits for a compiler. So the three things that the first
//! start does itself stand without the feature, and ask for no SDK.

#![cfg_attr(
    not(feature = "tool"),
    allow(
        dead_code,
        unused_imports,
        reason = "what the tool has and the first start does not need"
    )
)]

#[cfg(feature = "tool")]
mod admin;
#[cfg(feature = "tool")]
mod check_archive;
pub mod check_config;
#[cfg(feature = "tool")]
mod check_sink;
#[cfg(feature = "tool")]
mod command;
#[cfg(feature = "tool")]
mod compare;
#[cfg(feature = "tool")]
mod drain;
mod fault;
mod format;
#[cfg(feature = "tool")]
mod hash;
#[cfg(feature = "tool")]
mod help;
#[cfg(feature = "tool")]
mod hosts;
mod ledger;
mod plain;
#[cfg(feature = "tool")]
mod progress;
pub mod protect;
mod say;
#[cfg(feature = "tool")]
mod schema;
#[cfg(feature = "tool")]
mod ship;
pub mod show;
#[cfg(feature = "tool")]
mod store;
mod yaml;

#[cfg(feature = "tool")]
pub use self::command::main;
pub use self::fault::Fault;
