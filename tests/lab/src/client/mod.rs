//! Clients: one that speaks HTTP correctly, and one that speaks whatever a test wants.

mod call;
mod raw;

pub use self::call::{Answer, Call, Open};
pub use self::raw::Raw;
