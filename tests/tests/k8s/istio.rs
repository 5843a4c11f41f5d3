//! Calls through the configuration that a real istiod makes of the overlay `istio`, run by real
//! Envoys.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ledgerline_tests::client::Call;
use ledgerline_tests::cluster::{IstioVersion, Pod, check_namespace};
use serde_json::{Value, json};

use crate::stage::{GATEWAY_IP, Mesh, Module, Open, shared};

on_each_istio! {
    a_call_leaves_its_entry,
    a_streamed_answer_is_recorded_as_a_stream,
    a_host_that_nobody_allowed_is_refused_and_recorded,
    a_caller_that_nobody_allowed_is_refused_and_recorded,
    a_namespace_may_call_less_than_the_mesh,
    who_has_no_identity_gets_no_connection,
    the_provider_learns_nothing_about_the_mesh,
    a_plain_call_of_an_agent_passes_its_sidecar_and_the_gateway,
}

async fn a_call_leaves_its_entry(open: &Open) -> Result<()> {
    let call = question("api.openai.com", false)
        .header("x-agent-id", "sales-assistant")
        .header("authorization", "Bearer sk-fake-openai-000");
    let (answer, entry) = open.call_from("team-a", call).await?;
    entry.check(json!({
        "agent_id": "sales-assistant",
        "endpoint": "api.openai.com/v1/chat/completions",
        "method": "POST",
        "status": 200,
        "outcome": "success",
        "reason": null,
        "correlation_id": answer.correlation_id,
        "request": {"type": "application/json", "end": "complete", "scan": "json"},
        "response": {"type": "application/json", "end": "complete", "scan": "json"},
        "gen_ai": {"provider": "openai", "operation": "chat", "request_model": "gpt-4o"},
        "upstream": {"host": "api.openai.com"},
    }))?;
    ensure!(!entry.line().contains("fake"), "a credential in {entry}");
    open.check_exchange(&entry)
}

async fn a_streamed_answer_is_recorded_as_a_stream(open: &Open) -> Result<()> {
    let (_, entry) = open.call_from("team-a", question("api.openai.com", true)).await?;
    let exchange = open.mesh.simulator.exchange(entry.text("correlation_id"));
    let sent = exchange.and_then(|exchange| exchange.stream).context("a stream was sent")?;
    entry.check(json!({
        "outcome": "success",
        "response": {"type": "text/event-stream", "end": "complete"},
        "stream": {
            "kind": sent.framing.word(),
            "events": sent.events.len(),
            "chunk_chain": sent.chain(sent.events.len())
        },
    }))?;
    open.check_exchange(&entry)
}

async fn a_host_that_nobody_allowed_is_refused_and_recorded(open: &Open) -> Result<()> {
    let (answer, entry) = open.call_from("team-a", question("elsewhere.example", false)).await?;
    ensure!(answer.status == 403, "{entry}");
    entry.check(json!({
        "endpoint": "elsewhere.example/v1/chat/completions",
        "status": 403,
        "outcome": "policy_blocked",
        "reason": "host_not_allowed",
    }))?;
    open.check_not_sent(&entry)
}

async fn a_caller_that_nobody_allowed_is_refused_and_recorded(open: &Open) -> Result<()> {
    let (answer, entry) = open.call_from("team-c", question("api.openai.com", false)).await?;
    check_denied(&answer.json(), &entry)?;
    open.check_not_sent(&entry)
}

async fn a_namespace_may_call_less_than_the_mesh(open: &Open) -> Result<()> {
    let (_, entry) = open.call_from("team-b", question("api.openai.com", false)).await?;
    entry.check(json!({"outcome": "success"}))?;
    let (_, entry) = open.call_from("team-a", question("api.anthropic.com", false)).await?;
    open.check_exchange(&entry)?;
    let (answer, entry) = open.call_from("team-b", question("api.anthropic.com", false)).await?;
    check_denied(&answer.json(), &entry)?;
    open.check_not_sent(&entry)
}

async fn who_has_no_identity_gets_no_connection(open: &Open) -> Result<()> {
    let plain = question("api.openai.com", false).send(open.address).await;
    ensure!(plain.is_err(), "answered without TLS: {plain:?}");
    let stranger = ledgerline_tests::cluster::TrustDomain::new()?;
    let identity = stranger.issue("spiffe://cluster.local/ns/team-a/sa/agent")?;
    ensure!(identity.connect(open.address).await.is_err(), "a stranger's root is trusted");
    Ok(())
}

async fn the_provider_learns_nothing_about_the_mesh(open: &Open) -> Result<()> {
    let call = question("api.openai.com", false).header("x-agent-id", "sales-assistant");
    let (_, entry) = open.call_from("team-a", call).await?;
    let exchange = open.mesh.simulator.exchange(entry.text("correlation_id"));
    let headers = exchange.context("the call arrived")?.request_headers;
    let names: Vec<_> =
        headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
    let told = names.iter().find(|name| {
        name.starts_with("x-forwarded") || name.starts_with("x-envoy") || *name == "x-agent-id"
    });
    ensure!(told.is_none(), "{told:?} among {names:?}");
    Ok(())
}

/// The whole way as istiod made it: the application speaks plain HTTP and knows of no gateway.
async fn a_plain_call_of_an_agent_passes_its_sidecar_and_the_gateway(open: &Open) -> Result<()> {
    let pod = Pod::agent("team-a", "10.1.1.1");
    let configuration = open.mesh.configuration(&pod)?;
    let addresses = BTreeMap::from([(GATEWAY_IP.to_owned(), open.address)]);
    let sidecar = open.mesh.run(&pod, &configuration, addresses).await?;
    let answer = question("api.openai.com", false).send(sidecar.listener("0.0.0.0_80")?).await?;
    ensure!(answer.status == 200, "{answer:?} {}", sidecar.explain());
    let entry = open.entry(&answer.correlation_id).await?;
    entry.check(json!({"outcome": "success", "upstream": {"host": "api.openai.com"}}))?;
    open.check_exchange(&entry)
}

#[tokio::test]
async fn istio_finds_nothing_wrong_in_the_cluster() -> Result<()> {
    let Some(open) = shared(IstioVersion::Newest).await? else { return Ok(()) };
    for namespace in ["ledgerline", "istio-system", "team-a"] {
        check_namespace(&open.mesh.api_server, namespace)?;
    }
    Ok(())
}

/// The same in the words of newer interfaces: TrafficExtension, Gateway API, and a narrower filter.
#[tokio::test]
async fn a_call_leaves_its_entry_with_the_components_that_istio_offers() -> Result<()> {
    let edits = ["filter-limits", "traffic-extension", "gateway-api"].map(|component| {
        let taken = format!("- ../../components/{component}");
        ("kustomization.yaml", format!("# {taken}"), taken)
    });
    let edits = edits.each_ref().map(|(file, old, new)| (*file, old.as_str(), new.as_str()));
    let mesh = Mesh::with(IstioVersion::Newest, "istio", &edits, Module::Published).await?;
    let Some(mesh) = mesh else { return Ok(()) };
    let kinds: Vec<_> = mesh.objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    ensure!(!kinds.contains(&"WasmPlugin") && !kinds.contains(&"VirtualService"), "{kinds:?}");
    let open = mesh.open().await?;
    let (_, entry) = open.call_from("team-a", question("api.openai.com", false)).await?;
    entry.check(json!({"outcome": "success", "gen_ai": {"request_model": "gpt-4o"}}))?;
    open.check_exchange(&entry)?;
    let (_, entry) = open.call_from("team-a", question("elsewhere.example", false)).await?;
    entry.check(json!({"outcome": "policy_blocked", "reason": "host_not_allowed"}))
}

/// Istio's agent refuses a module whose digest is another, and puts a filter that denies all in its
/// place; the proxy's own line is then all that there is.
#[tokio::test]
async fn a_module_that_was_changed_is_not_loaded_and_no_call_leaves() -> Result<()> {
    let mesh = Mesh::with(IstioVersion::Newest, "istio", &[], Module::Changed).await?;
    let Some(mesh) = mesh else { return Ok(()) };
    let open = mesh.open().await?;
    ensure!(open.configuration.filter().is_err(), "the module was loaded");
    let identity = open.mesh.identity("team-a", "agent")?;
    let stream = identity.connect(open.address).await?;
    let answer = question("api.openai.com", false).open_over(stream).await?.finish().await?;
    ensure!(answer.status == 403, "{answer:?}");
    let entry = open.gateway.ledger().wait_for(|_| true).await?;
    entry.check(json!({
        "endpoint": "api.openai.com",
        "method": "POST",
        "status": 403,
        "request_hash": null,
        "response_hash": null,
        "outcome": "error",
        "reason": "filter_fault",
    }))?;
    ensure!(open.mesh.simulator.exchanges().is_empty(), "a call left without an entry");
    Ok(())
}

fn check_denied(answer: &Value, entry: &ledgerline_tests::ledger::Entry) -> Result<()> {
    ensure!(answer["error"]["reason"] == "rbac_denied", "{answer}");
    entry.check(json!({"status": 403, "outcome": "policy_blocked", "reason": "rbac_denied"}))
}

pub(crate) fn question(host: &str, stream: bool) -> Call {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let body = json!({"model": "gpt-4o", "messages": messages, "stream": stream});
    Call::post_json(host, "/v1/chat/completions", &body)
}
