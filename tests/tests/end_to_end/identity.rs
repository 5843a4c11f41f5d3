//! Who called, which workflow the call belongs to, and which headers may be seen by whom.

use anyhow::Result;
use ledgerline_tests::client::Call;
use serde_json::{Value, json};

use crate::Stage;

on_each_envoy! {
    what_a_caller_claims_is_recorded_and_stripped,
    nobody_is_invented,
    the_operator_names_the_headers_of_the_identity,
    what_a_client_sends_of_its_own_accord_is_read_and_reaches_the_provider,
    the_correlation_id_is_found_or_made_and_passed_on,
    the_correlation_id_has_the_name_that_the_operator_gave_it,
    headers_on_the_strip_lists_do_not_pass,
    only_headers_on_the_allow_list_are_logged,
    a_credential_reaches_the_provider_and_never_the_ledger,
}

async fn what_a_caller_claims_is_recorded_and_stripped(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let claims = [
        ("x-agent-id", "sales-assistant"),
        ("x-agent-version", "1.4.2"),
        ("x-agent-deployment", "eu-1"),
        ("x-user-id", "u_12345"),
        ("x-session-id", "s-1"),
    ];
    let call =
        claims.iter().fold(Call::get("provider.test", "/v1/models"), |call, (name, value)| {
            call.header(name, value)
        });
    let entry = open.send(call).await?.entry;
    entry.check(json!({
        "agent_id": "sales-assistant",
        "user_id": "u_12345",
        "session_id": "s-1",
        "agent": {
        "name": "sales-assistant",
        "version": "1.4.2",
        "deployment": "eu-1",
        "source": "claimed"
    },
    }))?;
    for (name, _) in claims {
        assert!(open.exchange(&entry).request_header(name).is_empty(), "{name} left the gateway");
    }
    open.finish().await
}

async fn nobody_is_invented(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let entry =
        open.send(Call::get("provider.test", "/v1/models").header("x-agent-id", "")).await?.entry;
    entry.check(json!({"agent_id": null, "user_id": null, "session_id": null, "agent": null}))?;
    open.finish().await
}

async fn the_operator_names_the_headers_of_the_identity(stage: Stage) -> Result<()> {
    let open = stage.open_with(|gateway| Ok(gateway.plugin(&json!({
        "identity": {"agent_id": ["x-first", "x-second"], "session_id": ["x-claude-code-session-id"]}
    })))).await?;
    let call = Call::get("provider.test", "/v1/models")
        .header("x-second", "second")
        .header("x-first", "first")
        .header("x-agent-id", "not asked")
        .header("x-claude-code-session-id", "s-2");
    let entry = open.send(call).await?.entry;
    entry.check(json!({"agent_id": "first", "session_id": "s-2"}))?;
    let exchange = open.exchange(&entry);
    assert!(
        exchange.request_header("x-first").is_empty()
            && exchange.request_header("x-second").is_empty()
    );
    assert_eq!(exchange.request_header("x-claude-code-session-id"), ["s-2"]);
    open.finish().await
}

async fn what_a_client_sends_of_its_own_accord_is_read_and_reaches_the_provider(
    stage: Stage,
) -> Result<()> {
    let open = stage.open().await?;
    const CLAUDE: &str = "x-claude-code-session-id";
    for (headers, session) in [
        (
            &[(CLAUDE, "27a76d85-c523-4341-b7b4-55d57e087f41")][..],
            "27a76d85-c523-4341-b7b4-55d57e087f41",
        ),
        (
            &[("session-id", "01a1fa0d"), ("thread-id", "t"), ("originator", "codex_exec")],
            "01a1fa0d",
        ),
        (&[("session_id", "01a1fa0e"), ("originator", "codex_exec")], "01a1fa0e"),
        (&[("session_id", "older"), ("session-id", "newer")], "newer"),
        (&[("session-id", "s-codex"), (CLAUDE, "s-claude")], "s-claude"),
        (&[("session-id", "s-codex"), (CLAUDE, "s-claude"), ("x-session-id", "ours")], "ours"),
    ] {
        let call =
            headers.iter().fold(Call::get("provider.test", "/v1/models"), |call, (name, value)| {
                call.header(name, value)
            });
        let entry = open.send(call).await?.entry;
        entry.check(json!({"session_id": session}))?;
        for (name, value) in headers {
            let arrived = open.exchange(&entry).request_header(name);
            let is_ours = *name == "x-session-id";
            assert_eq!(
                arrived.first().map(|one| one == value),
                (!is_ours).then_some(true),
                "{name}"
            );
        }
    }
    open.finish().await
}

async fn the_correlation_id_is_found_or_made_and_passed_on(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (mark, headers, id, trace_id) in [
        ("a", vec![("x-correlation-id", "wf-1"), ("x-trace-id", "t-1")], Some("wf-1"), Value::Null),
        ("b", vec![("x-request-id", "r-2"), ("x-trace-id", "t-2")], Some("t-2"), Value::Null),
        (
            "c",
            vec![("x-request-id", "r-3"), ("traceparent", &traceparent)],
            Some(TRACE),
            json!(TRACE),
        ),
        (
            "d",
            vec![("x-request-id", "r-4"), ("traceparent", "00-nonsense")],
            Some("r-4"),
            Value::Null,
        ),
        (
            "e",
            vec![("x-correlation-id", "two words"), ("x-request-id", "r-5")],
            Some("r-5"),
            Value::Null,
        ),
        ("f", vec![], None, Value::Null),
    ] {
        let call = Call::get("provider.test", "/v1/models")
            .without_correlation_id()
            .header("x-agent-id", mark);
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        call.send(open.gateway.address()).await?;
        let entry = open.gateway.ledger().wait_for(|entry| entry["agent_id"] == mark).await?;
        entry.check(json!({"outcome": "success", "trace_id": trace_id}))?;
        if let Some(id) = id {
            assert_eq!(entry["correlation_id"], id, "{entry}");
        }
        assert!(!entry.text("correlation_id").is_empty(), "{entry}");
        // Found under the id of the entry, so the id went upstream.
        open.check_exchange(&entry);
    }
    open.finish().await
}

async fn the_correlation_id_has_the_name_that_the_operator_gave_it(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
                "correlation": {"from": ["x-workflow"], "header": "x-ours"}
            })))
        })
        .await?;
    let call = Call::get("provider.test", "/v1/models")
        .header("x-workflow", "wf-9")
        .header("x-ours", "forged");
    call.send(open.gateway.address()).await?;
    let entry = open.entry("wf-9").await?;
    let exchange = open.simulator.exchanges().pop().expect("one exchange");
    assert_eq!(exchange.request_header("x-ours"), ["wf-9"], "{entry}");
    open.finish().await
}

async fn headers_on_the_strip_lists_do_not_pass(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
        "headers": {"strip_request": ["x-internal", "cookie"], "strip_response": ["x-twice"]}
    })))
        })
        .await?;
    let call = Call::get("provider.test", "/headers/duplicate")
        .header("x-internal", "one")
        .header("X-Internal", "two")
        .header("cookie", "fake-cookie")
        .header("x-kept", "kept");
    let seen = open.send(call).await?;
    let exchange = open.exchange(&seen.entry);
    assert!(exchange.request_header("x-internal").is_empty());
    assert!(exchange.request_header("cookie").is_empty());
    assert_eq!(exchange.request_header("x-kept"), ["kept"]);
    assert!(seen.answer.header("x-twice").is_empty());
    open.finish().await
}

async fn only_headers_on_the_allow_list_are_logged(stage: Stage) -> Result<()> {
    let open = stage
        .open_with(|gateway| {
            Ok(gateway.plugin(&json!({
                "headers": {"log_request": ["user-agent", "x-logged"], "log_response": ["x-twice"]}
            })))
        })
        .await?;
    let call = Call::get("provider.test", "/headers/duplicate")
        .header("user-agent", "test/1")
        .header("x-logged", "seen")
        .header("x-private", "fake-private-value");
    let entry = open.send(call).await?.entry;
    entry.check(json!({"request": {"headers": {"user-agent": "test/1", "x-logged": "seen"}}}))?;
    assert!(entry["response"]["headers"]["x-twice"].is_string(), "{entry}");
    assert!(!entry.line().contains("fake-private-value"), "{entry}");
    open.finish().await
}

async fn a_credential_reaches_the_provider_and_never_the_ledger(stage: Stage) -> Result<()> {
    let open = stage.open().await?;
    let credentials = [
        ("authorization", "Bearer sk-fake-openai-000"),
        ("x-api-key", "sk-ant-fake-000"),
        ("x-goog-api-key", "AIza-fake-000"),
        ("api-key", "azure-fake-000"),
    ];
    for path in ["/v1/models", "/status/401", "/status/500"] {
        let call = Call::post("provider.test", path, "question");
        let call = credentials.iter().fold(call, |call, (name, value)| call.header(name, value));
        let entry = open.send(call).await?.entry;
        for (name, value) in credentials {
            assert_eq!(open.exchange(&entry).request_header(name), [value]);
            assert!(!entry.line().contains("fake"), "{entry}");
        }
    }
    let written = open.gateway.log() + &format!("{:?}", open.gateway.connections()?);
    assert!(!written.contains("fake"), "{written}");
    open.finish().await
}
