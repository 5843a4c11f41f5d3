//! From the gateway to storage that nobody can rewrite: a load of calls, a fault on the way, and the count afterwards.

mod lines;
mod load;
mod shipper;
mod site;

pub use lines::Lines;
pub use load::{Load, Sent};
pub use shipper::{Shipper, Shipping, when_up};
pub use site::{Account, LedgerFolder, Site, Stored, scratch_on_disk};
