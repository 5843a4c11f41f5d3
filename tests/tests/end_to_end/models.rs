//! What a call to a model was about, by the SDKs of the providers.
//!
//! Each row is a call: what the SDK made of the answer, and what its entries say. The simulator
//! counts other tokens in each API, so that a number tells where it was read.

use anyhow::Result;
use ledgerline_tests::client::Call;
use ledgerline_tests::envoy::{Host, Upstream};
use ledgerline_tests::ledger::Entry;
use serde_json::{Value, json};

use crate::Stage;
use crate::real_clients::{Client, TEXT, check_call, entries};
use crate::stage::Open;

on_each_envoy! {
    the_openai_sdk_for_python,
    the_openai_sdk_for_javascript,
    the_openai_sdk_for_what_is_no_chat,
    the_openai_sdk_at_other_providers,
    the_agents_sdk_of_openai,
    the_anthropic_sdk_for_python,
    the_anthropic_sdk_for_javascript,
    the_google_sdk_for_python,
    the_amazon_sdk_for_python,
    the_api_of_gemini_without_events,
    the_api_of_ollama,
}

async fn the_openai_sdk_for_python(stage: Stage) -> Result<()> {
    // It hands an error event over as an event.
    play(stage, &Client::python("openai_client.py")?, openai("error")).await
}

async fn the_openai_sdk_for_javascript(stage: Stage) -> Result<()> {
    play(stage, &Client::node("openai_client.cjs")?, openai("APIError")).await
}

/// Images, audio, moderations, what runs in the background, and what the provider keeps. Forms name
/// their model, too.
async fn the_openai_sdk_for_what_is_no_chat(stage: Stage) -> Result<()> {
    let asked = openai_call();
    let looked_up = asked.only_gen_ai(json!({"provider": "openai", "operation": "chat"}));
    let thing =
        |operation| asked.only_gen_ai(json!({"provider": "openai", "operation": operation}));
    let image = asked.gen_ai(json!({
        "operation": "image_generation", "input_tokens": 71, "output_tokens": 72
    }));
    let transcription = asked.gen_ai(json!({
        "operation": "transcription", "input_tokens": 73, "output_tokens": 74
    }));
    let moderation = asked.gen_ai(json!({
        "operation": "moderation", "response_id": "modr-simulated",
        "response_model": "simulated-1-2026-09-21"
    }));
    let background = asked.gen_ai(response());
    let done = looked_up.gen_ai(response()).gen_ai(completed());
    let failed = looked_up
        .gen_ai(response())
        .gen_ai(json!({"finish_reasons": ["failed"], "error_type": "server_error"}))
        .ends(200, "error", "application_error");
    let cancelled = looked_up.gen_ai(response()).gen_ai(json!({"finish_reasons": ["cancelled"]}));
    let file = thing("file").gen_ai(json!({"response_id": "file-simulated"}));
    let batch = thing("batch").gen_ai(json!({"response_id": "batch_simulated"}));
    let batch_done = batch.gen_ai(json!({
        "input_tokens": 75, "output_tokens": 76, "cache_read_input_tokens": 7,
        "reasoning_output_tokens": 6
    }));
    let rows = vec![
        image.row("image", json!(143)),
        image.row("image_edit", json!(143)),
        transcription.row("transcription", json!(TEXT)),
        moderation.row("moderation", json!("modr-simulated")),
        background.row("background", json!("queued")),
        done.row("background_completed", json!([TEXT, 55])),
        failed.row("background_failed", json!(["failed", "server_error"])),
        cancelled.row("background_cancelled", json!("cancelled")),
        file.row("file", json!("file-simulated")),
        batch.row("batch", json!("validating")),
        batch_done.row("batch_completed", json!(151)),
    ];
    play(stage, &Client::python("openai_kept_client.py")?, rows).await
}

async fn the_openai_sdk_at_other_providers(stage: Stage) -> Result<()> {
    let rows = [("azure", "azure.ai.openai"), ("mistral", "mistral_ai"), ("groq", "groq")];
    let rows = rows.into_iter().flat_map(|(name, provider)| {
        let call = openai_call().gen_ai(json!({"provider": provider}));
        let chat = call.gen_ai(chat()).gen_ai(json!({"finish_reasons": ["stop"]}));
        let streamed = Row { call: format!("{name}_streamed"), ..chat.row("", json!(TEXT)) };
        let whole = chat.gen_ai(chat_usage()).row("", json!([TEXT, 45]));
        [Row { call: name.to_owned(), ..whole }, streamed]
    });
    play(stage, &Client::python("compatible_client.py")?, rows.collect()).await
}

async fn the_agents_sdk_of_openai(stage: Stage) -> Result<()> {
    let response = openai_call().gen_ai(response()).gen_ai(completed());
    let tool = response.gen_ai(json!({"tools": ["weather"]}));
    let rows = vec![tool.row("run", json!([TEXT, ["Paris"]])).then(response)];
    play(stage, &Client::python("agents_client.py")?, rows).await
}

async fn the_anthropic_sdk_for_python(stage: Stage) -> Result<()> {
    play(stage, &Client::python("anthropic_client.py")?, anthropic()).await
}

async fn the_anthropic_sdk_for_javascript(stage: Stage) -> Result<()> {
    play(stage, &Client::node("anthropic_client.cjs")?, anthropic()).await
}

async fn the_google_sdk_for_python(stage: Stage) -> Result<()> {
    let call = gemini_call();
    let answer = call.gen_ai(gemini_answer());
    let tool = answer.gen_ai(json!({"tools": ["weather"]}));
    let embedding = call.gen_ai(json!({"operation": "embeddings"}));
    let cache = call.gen_ai(json!({
        "operation": "cache", "response_model": "models/simulated-1",
        "response_id": "cachedContents/simulated",
        "input_tokens": 77, "cache_creation_input_tokens": 77
    }));
    let interaction = call.gen_ai(json!({
        "response_model": "simulated-1", "response_id": "interaction-simulated",
        "input_tokens": 78, "output_tokens": 87, "cache_read_input_tokens": 9,
        "reasoning_output_tokens": 8, "finish_reasons": ["completed"]
    }));
    let rows = vec![
        answer.row("generate", json!([TEXT, 63])),
        answer.row("generate_streamed", json!([TEXT, 63])),
        tool.row("tool", json!(["weather", {"city": "Paris"}])),
        embedding.row("embed", json!([0.25, -0.5, 0.125])),
        cache.row("cache", json!(77)),
        interaction.row("interaction", json!(["completed", 165])),
    ];
    play(stage, &Client::python("google_client.py")?, rows).await
}

async fn the_amazon_sdk_for_python(stage: Stage) -> Result<()> {
    let call = Expected::success().retry(json!({"count": 0})).gen_ai(json!({
        "provider": "aws.bedrock", "operation": "chat",
        "request_model": "anthropic.simulated-1-v1:0"
    }));
    // Bedrock counts what a cache held or took beside the input.
    let answer = call.gen_ai(json!({
        "input_tokens": 58, "output_tokens": 19,
        "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5,
        "finish_reasons": ["end_turn"]
    }));
    let tool = answer.gen_ai(json!({"tools": ["weather"], "finish_reasons": ["tool_use"]}));
    let throttled = call
        .ends(429, "throttled", "rate_limited")
        .gen_ai(json!({"error_type": "ThrottlingException"}));
    let second = answer.retry(json!({"count": 1}));
    let broken = call
        .ends(200, "throttled", "rate_limited")
        .gen_ai(json!({"error_type": "throttlingException"}));
    // What an invocation is asked to do is not told by its path.
    let invoked = call
        .gen_ai(message())
        .gen_ai(json!({"operation": "generate_content", "finish_reasons": ["end_turn"]}))
        .gen_ai(json!({"response_model": "claude-simulated-1"}));
    let counted_by_headers = invoked.gen_ai(json!({"input_tokens": 47, "output_tokens": 20}));
    let types = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    let rows = vec![
        answer.row("converse", json!([TEXT, 77])),
        answer.row("converse_streamed", json!([TEXT, 77])),
        tool.row("converse_tool", json!(["weather", {"city": "Paris"}])),
        tool.row("converse_tool_streamed", json!("weather")),
        throttled.row("converse_throttled_once", json!(TEXT)).then(second),
        broken.row("converse_broken", json!("throttlingException")),
        counted_by_headers.row("invoke", json!(TEXT)),
        invoked.gen_ai(message_usage()).row("invoke_streamed", json!(types)),
    ];
    play(stage, &Client::python("bedrock_client.py")?, rows).await
}

/// A stream that is not asked for as events is one JSON array.
async fn the_api_of_gemini_without_events(stage: Stage) -> Result<()> {
    let open = stage.open_to_providers().await?;
    let path = "/v1beta/models/simulated-1:streamGenerateContent";
    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "What?"}]}]});
    let call = Call::post_json("generativelanguage.googleapis.com", path, &asked);
    let entry = open.send(call).await?.entry;
    print(&entry, "array");
    gemini_call().gen_ai(gemini_answer()).check(&entry);
    check_stream(&open, &entry);
    open.check_exchange(&entry);
    open.finish().await
}

fn gemini_call() -> Expected {
    Expected::success().gen_ai(json!({
        "provider": "gcp.gemini", "operation": "generate_content", "request_model": "simulated-1"
    }))
}

/// Thoughts are output, and what a cache held is input.
fn gemini_answer() -> Value {
    json!({
        "response_model": "simulated-1-001", "response_id": "gemini-simulated",
        "input_tokens": 41, "output_tokens": 22, "cache_read_input_tokens": 12,
        "reasoning_output_tokens": 7, "finish_reasons": ["STOP"]
    })
}

/// Ollama runs on a machine of one's own, so no name of a host tells it: its paths do.
async fn the_api_of_ollama(stage: Stage) -> Result<()> {
    let address = stage.simulator.address();
    let open = stage
        .open_with(|gateway| gateway.host(&Host::new("ollama.test", Upstream::Http1, address)))
        .await?;
    for (stream, events) in [(json!(false), Value::Null), (Value::Null, json!(5))] {
        let asked = json!({"model": "simulated-1", "messages": [], "stream": stream});
        let entry = open.send(Call::post_json("ollama.test", "/api/chat", &asked)).await?.entry;
        let expected = Expected::success().gen_ai(json!({
            "provider": "ollama", "operation": "chat",
            "request_model": "simulated-1", "response_model": "simulated-1",
            "input_tokens": 53, "output_tokens": 26, "finish_reasons": ["stop"]
        }));
        print(&entry, "chat");
        assert_eq!(entry["stream"]["events"], events, "{entry}");
        expected.check(&entry);
        check_stream(&open, &entry);
        open.check_exchange(&entry);
    }
    open.finish().await
}

/// What both SDKs of OpenAI do; they differ in what they make of an error event.
fn openai(broken: &str) -> Vec<Row> {
    let called = json!(["weather", "{\"city\":\"Paris\"}"]);
    let failed_by = json!(["failed", "server_error"]);
    let server_error = json!({"error_type": "server_error"});

    let asked = openai_call();
    let chat = asked.gen_ai(chat());
    let stop = chat.gen_ai(json!({"finish_reasons": ["stop"]}));
    let tool = chat.gen_ai(json!({"finish_reasons": ["tool_calls"], "tools": ["weather"]}));
    let broken_chat = chat.ends(200, "error", "application_error").gen_ai(server_error.clone());
    let closed = chat.ends(200, "error", "client_disconnect");
    let first_only = stop.ends(200, "error", "client_disconnect");
    let throttled = asked
        .ends(429, "throttled", "rate_limited")
        .retry(json!({"count": 0, "after_ms": 250}))
        .gen_ai(json!({"error_type": "rate_limit_exceeded"}));
    let second = stop.gen_ai(chat_usage()).retry(json!({"count": 1}));

    let response = asked.gen_ai(response());
    let completed = response.gen_ai(completed());
    let function = completed.gen_ai(json!({"tools": ["weather"]}));
    let broken_response = response.ends(200, "error", "application_error").gen_ai(server_error);
    let failed = broken_response.gen_ai(json!({"finish_reasons": ["failed"]}));

    let embeddings = asked.gen_ai(json!({
        "operation": "embeddings", "response_model": "simulated-1", "input_tokens": 9
    }));
    vec![
        stop.gen_ai(chat_usage()).row("chat", json!([TEXT, 45])),
        stop.row("chat_streamed", json!([TEXT, null])),
        stop.gen_ai(chat_usage()).row("chat_streamed_with_usage", json!([TEXT, 45])),
        tool.gen_ai(chat_usage()).row("chat_tool", called.clone()),
        tool.row("chat_tool_streamed", called.clone()),
        broken_chat.row("chat_broken", json!("APIError")),
        closed.row("chat_closed_early", json!("chat.completion.chunk")),
        stop.row("chat_closed_at_its_end", json!([TEXT, null])),
        stop.row("chat_choices", json!([TEXT, TEXT])),
        first_only.row("chat_choices_closed_after_the_first", json!("chat.completion.chunk")),
        throttled.row("chat_throttled_once", json!(TEXT)).then(second),
        completed.row("responses", json!([TEXT, 55])),
        completed.row("responses_streamed", json!([TEXT, 55])),
        function.row("responses_tool", called.clone()),
        function.row("responses_tool_streamed", called),
        failed.row("responses_failed", failed_by.clone()),
        failed.row("responses_failed_streamed", failed_by),
        broken_response.row("responses_broken", json!(broken)),
        embeddings.row("embeddings", json!([0.25, -0.5, 0.125])),
        asked.only_gen_ai(json!({"provider": "openai"})).row("models", json!(["simulated-1"])),
    ]
}

/// A call by an SDK of OpenAI.
fn openai_call() -> Expected {
    Expected::success()
        .retry(json!({"count": 0}))
        .rate_limit(json!({"remaining_requests": 499, "remaining_tokens": 29_941}))
        .gen_ai(json!({"provider": "openai", "operation": "chat", "request_model": "simulated-1"}))
}

fn chat() -> Value {
    json!({"response_model": "simulated-1-2026-09-21", "response_id": "chatcmpl-simulated"})
}

fn chat_usage() -> Value {
    json!({
        "input_tokens": 31, "output_tokens": 14, "reasoning_output_tokens": 5,
        "cache_read_input_tokens": 8, "cache_creation_input_tokens": 2
    })
}

fn response() -> Value {
    json!({"response_model": "simulated-1-2026-09-21", "response_id": "resp_simulated"})
}

/// A response that ended as it should: it has a status instead of a finish reason.
fn completed() -> Value {
    json!({
        "finish_reasons": ["completed"],
        "input_tokens": 37, "output_tokens": 18, "reasoning_output_tokens": 6,
        "cache_read_input_tokens": 16, "cache_creation_input_tokens": 4
    })
}

/// What both SDKs of Anthropic do.
fn anthropic() -> Vec<Row> {
    let called = json!(["tool_use", "weather", {"city": "Paris"}]);
    let limits = json!({
        "remaining_requests": 48, "remaining_tokens": 47_000,
        "remaining_input_tokens": 39_000, "remaining_output_tokens": 7_900
    });
    let asked = Expected::success().retry(json!({"count": 0})).rate_limit(limits).gen_ai(json!({
        "provider": "anthropic", "operation": "chat", "request_model": "simulated-1"
    }));
    let begun = asked.gen_ai(message()).gen_ai(message_usage());
    let whole = begun.gen_ai(json!({"finish_reasons": ["end_turn"]}));
    let tool = begun.gen_ai(json!({"finish_reasons": ["tool_use"], "tools": ["weather"]}));
    // The output is counted at its end; what the first event says of it means nothing.
    let begun = begun.without_output_tokens();
    let closed = begun.ends(200, "error", "client_disconnect");
    let overloaded = begun
        .ends(200, "throttled", "overloaded")
        .gen_ai(json!({"error_type": "overloaded_error"}));
    let throttled = asked
        .ends(429, "throttled", "rate_limited")
        .retry(json!({"count": 0, "after_ms": 1_000}))
        .gen_ai(json!({"error_type": "rate_limit_error"}));
    let second = whole.retry(json!({"count": 1}));
    // The simulator lists models in the name of OpenAI, whoever asks.
    let models = openai_call().only_gen_ai(json!({"provider": "anthropic"}));
    let batch = asked.gen_ai(json!({"operation": "batch", "response_id": "msgbatch_simulated"}));
    vec![
        whole.row("message", json!([TEXT, 23])),
        whole.row("message_streamed", json!([TEXT, 23])),
        closed.row("message_closed_early", json!("message_start")),
        throttled.row("message_throttled_once", json!(TEXT)).then(second),
        tool.row("tool_use", called.clone()),
        tool.row("tool_use_streamed", called),
        overloaded.row("overloaded", json!("overloaded_error")),
        asked.gen_ai(json!({"operation": "count_tokens"})).row("count_tokens", json!(68)),
        batch.row("batch", json!("in_progress")),
        models.row("models", json!(["simulated-1"])),
    ]
}

fn message() -> Value {
    json!({"response_model": "simulated-1", "response_id": "msg_simulated"})
}

/// Anthropic counts what a cache held or took beside the input.
fn message_usage() -> Value {
    json!({
        "input_tokens": 68, "output_tokens": 23,
        "cache_read_input_tokens": 34, "cache_creation_input_tokens": 13
    })
}

/// A call of a client program.
struct Row {
    /// Its name.
    call: String,
    /// What the SDK made of the answer.
    got: Value,
    /// What the entries say: one, or more if the SDK tried again.
    entries: Vec<Expected>,
}

impl Row {
    fn then(mut self, next: Expected) -> Self {
        self.entries.push(next);
        self
    }
}

/// What an entry says of status, outcome, model, tries and limits: this and nothing else.
#[derive(Clone)]
struct Expected(Value);

impl Expected {
    const KEYS: [&str; 6] = ["status", "outcome", "reason", "gen_ai", "retry", "rate_limit"];

    fn success() -> Self {
        Self(json!({"status": 200, "outcome": "success"}))
    }

    fn ends(&self, status: u16, outcome: &str, reason: &str) -> Self {
        let Self(mut entry) = self.clone();
        entry["status"] = json!(status);
        entry["outcome"] = json!(outcome);
        entry["reason"] = json!(reason);
        Self(entry)
    }

    fn retry(&self, retry: Value) -> Self {
        self.having("retry", retry)
    }

    fn rate_limit(&self, rate_limit: Value) -> Self {
        self.having("rate_limit", rate_limit)
    }

    fn only_gen_ai(&self, gen_ai: Value) -> Self {
        self.having("gen_ai", gen_ai)
    }

    /// Adds members to `gen_ai`.
    fn gen_ai(&self, more: Value) -> Self {
        let Self(mut entry) = self.clone();
        for (key, value) in more.as_object().unwrap() {
            entry["gen_ai"][key] = value.clone();
        }
        Self(entry)
    }

    fn without_output_tokens(&self) -> Self {
        let Self(mut entry) = self.clone();
        entry["gen_ai"].as_object_mut().unwrap().remove("output_tokens");
        Self(entry)
    }

    fn row(&self, call: &str, got: Value) -> Row {
        Row { call: call.to_owned(), got, entries: vec![self.clone()] }
    }

    fn having(&self, key: &str, value: Value) -> Self {
        let Self(mut entry) = self.clone();
        entry[key] = value;
        Self(entry)
    }

    fn check(&self, entry: &Entry) {
        for key in Self::KEYS {
            assert_eq!(entry[key], self.0[key], "{key} of {entry}");
        }
    }
}

/// Runs a client, and checks what it got, and then its entries.
async fn play(stage: Stage, client: &Client, rows: Vec<Row>) -> Result<()> {
    let open = stage.open_to_providers().await?;
    let got = client.run(&open, &[])?;
    let expected = rows.iter().map(|row| json!({"call": row.call, "got": row.got}));
    assert_eq!(got, expected.collect::<Vec<_>>());

    let calls: Vec<_> =
        rows.iter().flat_map(|row| row.entries.iter().map(|entry| (&row.call, entry))).collect();
    let entries = entries(&open, calls.len()).await?;
    for (entry, (call, _)) in entries.iter().zip(&calls) {
        print(entry, call);
    }
    for (entry, (call, expected)) in entries.iter().zip(calls) {
        println!("checking {call}");
        expected.check(entry);
        check_call(&open, entry);
        check_request_id(&open, entry);
        check_stream(&open, entry);
    }
    open.finish().await
}

/// An auditor quotes the provider's name of its answer to the provider.
fn check_request_id(open: &Open, entry: &Entry) {
    const NAMES: [&str; 4] = ["x-request-id", "request-id", "apim-request-id", "x-amzn-requestid"];
    let exchange = open.exchange(entry);
    let sent = NAMES.iter().find_map(|name| exchange.response_header(name).pop());
    assert_eq!(entry["upstream"]["request_id"], json!(sent), "{entry}");
}

/// The chain is that over the events as the provider sent them, however they were cut on the way.
fn check_stream(open: &Open, entry: &Entry) {
    let Some(sent) = open.exchange(entry).stream else {
        assert!(entry["stream"].is_null(), "{entry}");
        return;
    };
    let (stream, whole) = (&entry["stream"], sent.events.len());
    let events = stream["events"].as_u64().unwrap_or_default() as usize;
    assert_eq!(stream["kind"], sent.framing.word(), "{entry}");
    if entry["response"]["end"] == "complete" {
        assert_eq!(events, whole, "{entry}");
    } else {
        assert!((1..=whole).contains(&events), "{entry}");
    }
    assert_eq!(stream["chunk_chain"], sent.chain(events), "{entry}");
}

/// A line of a table for people: `--nocapture` shows it.
fn print(entry: &Entry, call: &str) {
    let client = entry["request"]["headers"]["user-agent"].as_str().unwrap_or("-");
    let client = client.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let (kind, events) = (&entry["stream"]["kind"], &entry["stream"]["events"]);
    println!(
        "| {client} | {call} | {} {} {} | {} | {kind} {events} | {} | {} | {} |",
        entry["status"],
        entry.text("outcome"),
        entry.text("reason"),
        entry["gen_ai"],
        entry["retry"],
        entry["rate_limit"],
        entry["upstream"]["request_id"],
    );
}
