//! A real Envoy with the real filter, started from the bootstrap that ships.

mod admin;
mod bootstrap;
mod discovery;
mod gateway;
mod trouble;

pub use self::admin::{Admin, Stats};
pub use self::bootstrap::{Bootstrap, Host, Upstream};
pub use self::discovery::Discovery;
pub use self::gateway::{Builder, Gateway, Ports};
pub use self::trouble::{NotStarted, TakenPort};
