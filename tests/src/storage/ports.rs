use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// A free port of 127.0.0.1 that stays free while its server is down.
///
/// The kernel takes the near ends of outgoing connections from 32768 upward. A killed server that
/// wants its port again must not find a client there, so the port lies below.
pub fn free_port() -> Result<u16> {
    let random = RandomState::new();
    for attempt in 0..200_u8 {
        let port = 10_000 + u16::try_from(random.hash_one(attempt) % 22_000)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port of 127.0.0.1 between 10000 and 32000")
}
