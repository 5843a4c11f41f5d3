//! Test-only: traps the VM on demand, to show what is left in the ledger when the filter dies.
//!
//! Built with the feature `fault-injection` only. The request header `x-ledgerline-fault` names the
//! stage: `request_headers`, `request_body`, `response_headers`, `response_body` or `log`.

/// The stage at which this call traps, if any.
#[derive(Default)]
pub(crate) struct Fault {
    stage: Vec<u8>,
}

impl Fault {
    pub(crate) fn arm<'h>(&mut self, headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) {
        let mut headers = headers;
        let stage = headers.find(|(name, _)| *name == b"x-ledgerline-fault");
        self.stage = stage.map(|(_, value)| value.to_vec()).unwrap_or_default();
    }

    pub(crate) fn strike(&self, stage: &'static str) {
        if self.stage == stage.as_bytes() {
            std::process::abort();
        }
    }
}
