//! What a call costs in crossings between Envoy and the filter, the dearest thing that a filter
//! does.

use anyhow::Result;
use ledgerline_tests::client::Call;
use serde_json::json;

use crate::Stage;

on_each_envoy! {
    a_plain_call_crosses_into_the_host_seldom,
}

async fn a_plain_call_crosses_into_the_host_seldom(stage: Stage) -> Result<()> {
    // At this level Envoy logs each host call of each VM.
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.concurrency(1).arguments(&["--component-log-level", "wasm:trace"]))
        })
        .await?;
    let question = json!({"model": "simulated-1"});
    let call = || Call::post_json("provider.test", "/v1/chat/completions", &question);
    open.send(call()).await?;
    let before = host_calls(&open.gateway.log());
    open.send(call()).await?;
    let calls = host_calls(&open.gateway.log()).split_off(before.len());
    println!("{} host calls:\n{}", calls.len(), calls.join("\n"));
    assert!(!calls.is_empty(), "Envoy logged no host call");
    assert!(calls.len() <= MOST_HOST_CALLS, "{} host calls:\n{}", calls.len(), calls.join("\n"));
    open.finish().await
}

/// As many as a plain call with one chunk in each direction needs now; a change that needs more
/// says why.
const MOST_HOST_CALLS: usize = 21;

fn host_calls(log: &str) -> Vec<String> {
    let calls = log.lines().filter_map(|line| line.split_once("[vm->host] "));
    calls.map(|(_, call)| call.to_owned()).collect()
}
