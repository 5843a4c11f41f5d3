//! What a test plays on: a simulator, a gateway before it, and the checks that hold for every test.

use anyhow::{Context, Result, ensure};
use ledgerline_tests::client::{Answer, Call};
use ledgerline_tests::envoy::{Builder, Gateway};
use ledgerline_tests::ledger::Entry;
use ledgerline_tests::payload::{Pattern, Tally};
use ledgerline_tests::simulator::{Exchange, Simulator};

/// Makes tests of functions that take a [`Stage`]: each runs on the oldest and on the newest Envoy.
macro_rules! on_each_envoy {
    ($($test:ident,)*) => {
        on_each_envoy!(@version oldest, OLDEST_ENVOY, $($test)*);
        on_each_envoy!(@version newest, NEWEST_ENVOY, $($test)*);
    };
    (@version $module:ident, $version:ident, $($test:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    let version = ledgerline_tests::workspace::$version;
                    let stage = $crate::Stage::new(version).unwrap();
                    if let Err(error) = super::$test(stage).await {
                        panic!("{error:#}");
                    }
                }
            )*
        }
    };
}

/// An Envoy version and a simulator.
#[derive(Debug)]
pub(crate) struct Stage {
    version: &'static str,
    /// The far end of the calls.
    pub(crate) simulator: Simulator,
}

impl Stage {
    pub(crate) fn new(version: &'static str) -> Result<Self> {
        Ok(Self { version, simulator: Simulator::start()? })
    }

    /// Starts the gateway as it ships, with the simulator's hosts added.
    pub(crate) async fn open(self) -> Result<Open> {
        self.open_with(Ok).await
    }

    /// Starts the gateway with changes.
    pub(crate) async fn open_with(
        self,
        change: impl FnOnce(Builder) -> Result<Builder>,
    ) -> Result<Open> {
        let gateway = change(self.gateway()?)?.start().await?;
        Ok(Open { gateway, simulator: self.simulator })
    }

    /// Starts the gateway with the hosts of real providers led to the simulator.
    pub(crate) async fn open_to_providers(self) -> Result<Open> {
        let gateway = self.gateway()?.providers(&self.simulator)?.start().await?;
        Ok(Open { gateway, simulator: self.simulator })
    }

    /// A gateway as it ships, with the simulator's hosts added, not started.
    pub(crate) fn gateway(&self) -> Result<Builder> {
        Gateway::builder(self.version)?.simulator(&self.simulator)
    }
}

/// A gateway at work.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) gateway: Gateway,
    pub(crate) simulator: Simulator,
}

/// Everything that is known of one call.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What the client got.
    pub(crate) answer: Answer,
    /// What the ledger says.
    pub(crate) entry: Entry,
}

impl Open {
    /// Sends a call, waits for its entry, and checks it against what the client got.
    pub(crate) async fn send(&self, call: Call) -> Result<Seen> {
        let answer = call.send(self.gateway.address()).await?;
        let entry = self.last_entry(&answer.correlation_id).await?;
        assert_eq!(entry["status"], answer.status, "{entry}");
        if answer.broken.is_none() {
            check_body(&entry, "response", &answer.tally);
        }
        Ok(Seen { answer, entry })
    }

    /// Sends a call whose answer the client may never see, and waits for its entry.
    pub(crate) async fn send_unread(&self, call: Call) -> Result<Entry> {
        let correlation_id = call.correlation_id().to_owned();
        let _ = call.send(self.gateway.address()).await;
        self.entry(&correlation_id).await
    }

    /// Waits for the entry of a call.
    pub(crate) async fn entry(&self, correlation_id: &str) -> Result<Entry> {
        let entry = self.gateway.ledger().wait_for_call(correlation_id, false).await;
        entry.with_context(|| self.gateway.explain())
    }

    /// Waits for an entry of a call that may be its last word though it has not ended.
    pub(crate) async fn provisional_entry(&self, correlation_id: &str) -> Result<Entry> {
        let entry = self.gateway.ledger().wait_for_call(correlation_id, true).await;
        entry.with_context(|| self.gateway.explain())
    }

    /// Waits for the entry of a call that ended; a long one leaves others before.
    async fn last_entry(&self, correlation_id: &str) -> Result<Entry> {
        let is_last = |entry: &Entry| {
            entry["correlation_id"] == correlation_id && entry["provisional"].is_null()
        };
        let entry = self.gateway.ledger().wait_for(is_last).await;
        entry.with_context(|| format!("waiting for {correlation_id}; {}", self.gateway.explain()))
    }

    /// What the simulator recorded of a call.
    pub(crate) fn exchange(&self, entry: &Entry) -> Exchange {
        let exchange = self.simulator.exchange(entry.text("correlation_id"));
        exchange.unwrap_or_else(|| panic!("the simulator never saw this call: {entry}"))
    }

    /// Checks an entry against what the simulator saw and sent, both to its end.
    pub(crate) fn check_exchange(&self, entry: &Entry) {
        let exchange = self.exchange(entry);
        assert!(exchange.request_complete && exchange.response_complete, "{exchange:?} {entry}");
        assert_eq!(entry["status"], exchange.status, "{entry}");
        check_body(entry, "request", &exchange.request);
        check_body(entry, "response", &exchange.response);
    }

    /// Ends the test: one final entry per request, no trap, nothing provisional that none follows.
    pub(crate) async fn finish(self) -> Result<()> {
        let gateway = &self.gateway;
        gateway.quiesce().await?;
        gateway.check_for_traps().await.with_context(|| gateway.explain())?;
        let entries = gateway.ledger().entries()?;
        let (provisional, last): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry["provisional"] == true);
        let counted = gateway.requests().await?;
        ensure!(last.len() as u64 == counted, "{} entries for {counted} calls", last.len());
        for entry in provisional {
            let follows = |last: &&Entry| {
                ["timestamp", "correlation_id"].iter().all(|key| last[key] == entry[key])
            };
            ensure!(last.iter().any(follows), "a provisional entry is left: {entry}");
        }
        Ok(())
    }
}

/// Checks what an entry says about one whole body; a message without one has no hash.
#[track_caller]
pub(crate) fn check_body(entry: &Entry, side: &str, body: &Tally) {
    let hash = &entry[format!("{side}_hash")];
    assert_eq!(entry[side]["bytes"], body.bytes(), "{side}.bytes in {entry}");
    let matches = *hash == body.sha256() || body.bytes() == 0 && hash.is_null();
    assert!(matches, "{side}_hash is not {} in {entry}", body.sha256());
}

/// Checks what an entry says about a body of pattern bytes of which any part may have crossed.
#[track_caller]
pub(crate) fn check_prefix(entry: &Entry, side: &str, at_most: u64) {
    let bytes = entry[side]["bytes"].as_u64().unwrap_or_default();
    assert!(bytes <= at_most, "{side}.bytes is above {at_most} in {entry}");
    let hash = &entry[format!("{side}_hash")];
    let matches = *hash == Pattern::new(bytes).sha256() || bytes == 0 && hash.is_null();
    assert!(matches, "{side}_hash is not that of the first {bytes} bytes in {entry}");
}
