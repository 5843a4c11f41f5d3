//! A steady load of calls, of which each is remembered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::client::Call;

/// Calls that keep coming, at a fixed rate, however long the last ones take.
#[derive(Debug)]
pub struct Load {
    is_over: Arc<AtomicBool>,
    calls: JoinHandle<Sent>,
}

/// What became of the calls of a load.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The correlation ids of the calls that the provider answered.
    pub answered: BTreeSet<String>,
    /// How many the gateway refused with a status of its own (503).
    pub refused: u64,
    /// How many got no answer at all.
    pub broken: u64,
}

impl Sent {
    fn note(&mut self, correlation_id: String, status: Option<u16>) {
        match status {
            Some(200) => drop(self.answered.insert(correlation_id)),
            Some(_) => self.refused += 1,
            None => self.broken += 1,
        }
    }
}

impl Load {
    /// Sends chats of about 1 KiB through the gateway to the simulated provider.
    pub fn start(gateway: SocketAddr, calls_per_second: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let calls = tokio::spawn(send(gateway, calls_per_second, Arc::clone(&is_over)));
        Self { is_over, calls }
    }

    /// Ends the load, and waits for the calls that are under way.
    pub async fn stop(self) -> Result<Sent> {
        self.is_over.store(true, Ordering::Relaxed);
        self.calls.await.context("the load")
    }
}

async fn send(gateway: SocketAddr, calls_per_second: u32, is_over: Arc<AtomicBool>) -> Sent {
    let mut pace = interval(Duration::from_secs(1) / calls_per_second.max(1));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut calls, mut sent) = (JoinSet::new(), Sent::default());
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        calls.spawn(call(gateway));
        while let Some(Ok((correlation_id, status))) = calls.try_join_next() {
            sent.note(correlation_id, status);
        }
    }
    while let Some(Ok((correlation_id, status))) = calls.join_next().await {
        sent.note(correlation_id, status);
    }
    sent
}

async fn call(gateway: SocketAddr) -> (String, Option<u16>) {
    let question = json!({
        "model": "simulated-1",
        "messages": [{"role": "user", "content": "What is the ledger for? ".repeat(40)}]
    });
    let call = Call::post_json("provider.test", "/v1/chat/completions", &question);
    let correlation_id = call.correlation_id().to_owned();
    let status = call.send(gateway).await.ok().map(|answer| answer.status);
    (correlation_id, status)
}
