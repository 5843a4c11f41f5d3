//! From the gateway to storage that nobody can rewrite: a load of calls, a fault on the way, and the count afterwards.

mod disk;
mod far;
mod lease;
mod lines;
mod load;
mod measure;
mod shipper;
mod site;
mod trouble;

pub use disk::{FileSystem, SmallDisk};
pub use far::{Far, Stored};
pub use lease::Lease;
pub use lines::Lines;
pub use load::{Load, Sent};
pub use measure::{Backlog, LeaseCost, backlog, calls_to_lock, lease_cost};
pub use shipper::{Shipper, Shipping, when_up};
pub use site::{Account, Site};

pub use crate::ledger_folder::LedgerFolder;
pub use trouble::{Finding, Scale, Trouble, survive};
