//! The provider simulator on its own, to play with by hand.

use anyhow::Result;
use clap::Parser;
use ledgerline_lab::simulator::Simulator;

/// A provider of AI calls on loopback that answers like the real ones, or badly if the path says so
#[derive(Parser)]
struct Arguments {
    /// Port of the well-behaved provider; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() -> Result<()> {
    let simulator = Simulator::start_on(Arguments::parse().port)?;
    println!("http://{}", simulator.address());
    eprintln!("over TLS:       https://{}", simulator.tls_address());
    eprintln!("broken answers: http://{}", simulator.faulty_address());
    eprintln!("Ctrl-C ends it.");
    loop {
        std::thread::park();
    }
}
