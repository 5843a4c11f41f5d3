//! Real stores with a real Object Lock, started by a test on loopback, and a network that fails on demand.
//!
//! No single server proves everything, so there are two, and each proves what the other cannot
//! (`tests/tests/storage/servers.rs` holds them to this table; measured, not promised):
//!
//! | | [`CephRgw`] | [`Versitygw`] | [`Moto`] |
//! |---|---|---|---|
//! | lock of a version holds against its root | yes | explicit retention: yes | **no**: may be shortened |
//! | default retention is kept with each object | yes | **no**: only in the bucket's rule | yes |
//! | `If-None-Match: *` | **ignored**: a new version | 412 | - |
//! | wrong `x-amz-checksum-sha256` | **accepted** | 400 | - |
//! | bucket policies | yes, not `aws:PrincipalArn` | yes | none |
//! | a deny without TLS (`aws:SecureTransport`) | **ignored** | yes | - |
//! | lifecycle, public access block | yes | **501** | - |
//! | holds across a kill -9 | yes | yes | forgets all |
//!
//! So a put under the bucket's default retention is proven by Ceph, a put with retention of its own
//! and a put that must not replace anything by Versity's gateway, and moto is the liar that
//! `check-sink` has to find out.
//!
//! No one of them has all that `check-sink` asks for. [`Guarded`] is two of them as one store, and does.
//!
//! [`Azurite`] and [`Google`] stand for the other clouds as far as can be: a name is written once, and
//! nothing holds what was written.
//!
//! ```text
//! ledgerline ──► FaultyProxy ──► CephRgw | Versitygw | Moto
//! test       ───────────────────────► (S3: what is really there)
//! ```

mod azurite;
mod ceph;
mod google;
mod guarded;
mod moto;
mod ports;
mod proxy;
mod s3;
mod server;
mod versitygw;

pub use azurite::{Azurite, Blob};
pub use ceph::CephRgw;
pub use google::Google;
pub use guarded::Guarded;
pub use moto::Moto;
pub use ports::free_port;
pub use proxy::{Counts, Fault, FaultyProxy};
pub use s3::{Identity, Keys, LockMode, S3, Stored};
pub use versitygw::Versitygw;
