use super::*;
use crate::{config::Settings, digest::Digest, entry::MAX_ENTRY_BYTES};
use proptest::prelude::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

const REQUEST: Pairs<'_> = &[
    (":authority", "api.example.com"),
    (":path", "/v1/chat?key=1"),
    (":method", "POST"),
    ("content-type", "application/json; charset=utf-8"),
    ("user-agent", "Agent/1"),
    ("authorization", "Bearer sk-fake"),
    ("x-agent-id", "billing"),
    ("x-user-id", "u_1"),
    ("x-correlation-id", "wf-1"),
];
const RESPONSE: Pairs<'_> = &[
    (":status", "200"),
    ("content-type", "text/event-stream"),
    ("request-id", "req_2"),
    ("x-request-id", "req_1"),
];

fn bytes<'a>(pairs: Pairs<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
    pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

fn new_call(settings: &str) -> Call {
    let config = Config::try_from(Settings::from_json(settings.as_bytes()).unwrap()).unwrap();
    Call::new(Rc::new(config), Moment::default())
}

fn micros(micros: u64) -> Monotonic {
    Monotonic::from_micros(micros)
}

fn via_upstream() -> HostFacts {
    HostFacts {
        code_details: b"via_upstream".to_vec(),
        upstream_address: b"192.0.2.1:443".to_vec(),
        upstream_attempts: Some(1),
        ..HostFacts::default()
    }
}

fn line(entry: &Entry<'_>) -> String {
    let mut line = Vec::new();
    entry.write_to(&mut line);
    String::from_utf8(line).unwrap()
}

#[test]
fn a_whole_call_leaves_a_whole_entry() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), false, || [0; 16]);
    call.body(Side::Request, b"ab", || micros(8));
    call.body(Side::Request, b"c", || micros(8));
    call.end(Side::Request, End::Complete);
    call.response_headers(bytes(RESPONSE), false, micros(7));
    call.body(Side::Response, b"data: 1\n\n", || micros(8));
    call.end(Side::Response, End::Trailers);
    let facts = via_upstream();
    let expected = [
        r#"{"timestamp":"1970-01-01T00:00:00.000000Z","agent_id":"billing","user_id":"u_1","#,
        r#""endpoint":"api.example.com/v1/chat","method":"POST","status":200,"#,
        &format!(r#""request_hash":"{}","#, Digest::of(b"abc")),
        &format!(r#""response_hash":"{}","#, Digest::of(b"data: 1\n\n")),
        r#""outcome":"success","correlation_id":"wf-1","#,
        r#""agent":{"name":"billing","source":"claimed"},"#,
        r#""request":{"bytes":3,"type":"application/json","end":"complete","scan":"json","#,
        r#""headers":{"user-agent":"Agent/1"}},"#,
        r#""response":{"bytes":9,"type":"text/event-stream","end":"trailers","#,
        r#""scan":"json"},"stream":{"kind":"sse","started_at":"1970-01-01T00:00:00.000008Z","#,
        r#""ended_at":"1970-01-01T00:00:00.000008Z","events":1,"chunks":1,"chunk_chain":"#,
        r#""a09c24a4c18d960ce7d84aad3ec70c1591ab20daef65f2f22dcef01841d94a20"},"#,
        r#""upstream":{"host":"api.example.com","address":"192.0.2.1:443","request_id":"req_1"},"#,
        r#""timing":{"duration_us":9,"first_byte_us":7}}"#,
    ];
    assert_eq!(line(&call.finish(micros(9), &facts)), expected.concat());
}

#[test]
fn identity_leaves_the_call_and_the_correlation_id_stays() {
    let mut call = new_call(r#"{"headers":{"strip_request":["user-agent"]}}"#);
    let edits = call.request_headers(bytes(REQUEST), true, || [0; 16]);
    assert_eq!(edits.remove, ["user-agent", "x-agent-id", "x-user-id"]);
    assert_eq!((edits.set, edits.reroute), (vec![], false));
}

#[test]
fn the_first_usable_correlation_id_is_passed_on() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let made = "00000000-0000-4000-8000-000000000000";
    for (headers, id) in [
        (&[("x-request-id", "r"), ("traceparent", trace), ("x-trace-id", "t")][..], "t"),
        (&[("x-request-id", "r"), ("traceparent", trace), ("x-trace-id", "not one id")], trace_id),
        (&[("x-request-id", "r"), ("traceparent", "00-bad")], "r"),
        (&[("x-request-id", "")], made),
        (&[], made),
    ] {
        let mut call = new_call("{}");
        let edits = call.request_headers(bytes(headers), true, || [0; 16]);
        assert_eq!(edits.set, [("x-correlation-id", id.as_bytes().to_vec())]);
        assert_eq!(call.provisional().correlation_id.as_deref(), Some(id));
    }
}

#[test]
fn a_path_style_call_is_bound_for_its_true_host() {
    let mut call = new_call(r#"{"correlation":{"header":null}}"#);
    let headers = [(":authority", "localhost:10000"), (":path", "/api.example.com/v1?a=b")];
    let edits = call.request_headers(bytes(&headers), true, || [0; 16]);
    let set = [(":authority", b"api.example.com".to_vec()), (":path", b"/v1?a=b".to_vec())];
    assert_eq!((edits.set, edits.reroute), (set.to_vec(), true));
    assert_eq!(call.provisional().endpoint.as_deref(), Some("api.example.com/v1"));
}

#[test]
fn a_call_that_was_cut_keeps_the_digest_of_what_crossed() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), false, || [0; 16]);
    call.body(Side::Request, b"ab", || micros(8));
    let facts =
        HostFacts { code_details: b"downstream_remote_disconnect".into(), ..Default::default() };
    let entry = call.finish(micros(1), &facts);
    assert_eq!((entry.status, entry.request_hash), (None, Some(Digest::of(b"ab"))));
    assert_eq!(entry.request.unwrap().end, Some(End::Aborted));
    assert_eq!((entry.response, entry.response_hash), (None, None));
    assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::ClientDisconnect)));
}

#[test]
fn the_gateways_own_answer_is_told_from_a_providers() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), true, || [0; 16]);
    call.response_headers(bytes(&[(":status", "403")]), false, micros(1));
    call.body(Side::Response, b"{}", || micros(8));
    call.end(Side::Response, End::Complete);
    let facts = HostFacts { code_details: b"route_not_found".into(), ..Default::default() };
    let entry = call.finish(micros(1), &facts);
    assert_eq!(entry.response.unwrap().end, Some(End::LocalReply));
    assert_eq!((entry.request_hash, entry.response_hash), (None, Some(Digest::of(b"{}"))));
    assert_eq!(
        (entry.outcome, entry.reason),
        (Outcome::PolicyBlocked, Some(Reason::HostNotAllowed))
    );
    assert_eq!(entry.upstream, None);
}

#[test]
fn a_call_that_never_reached_the_filter_has_an_entry() {
    let mut call = new_call("{}");
    assert!(call.wanted_facts().request_headers && call.wanted_facts().status);
    let answer = [(":status", "403"), ("x-correlation-id", "of the answer"), ("a", "b")];
    call.late_headers(bytes(REQUEST), bytes(&answer), || [0; 16]);
    let facts = HostFacts {
        status: Some(403),
        code_details: b"rbac_access_denied_matched_policy[none]".into(),
        ..Default::default()
    };
    let entry = call.finish(micros(1), &facts);
    assert_eq!((entry.status, entry.request_hash), (Some(403), None));
    // What the gateway answered with is no usable id, so the caller's stands.
    assert_eq!(entry.correlation_id.as_deref(), Some("wf-1"));
    // An answer that was not seen has no length, not the length 0.
    assert_eq!(entry.response, None);
    assert_eq!(entry.endpoint.as_deref(), Some("api.example.com/v1/chat"));
    assert_eq!((entry.outcome, entry.reason), (Outcome::PolicyBlocked, Some(Reason::RbacDenied)));
}

#[test]
fn a_call_that_never_reached_the_filter_has_the_id_of_its_answer() {
    let answer = [(":status", "400"), ("x-correlation-id", "4f68ffcc-7a35-45b2")];
    for (headers, id) in [(REQUEST, "4f68ffcc-7a35-45b2"), (&[][..], "4f68ffcc-7a35-45b2")] {
        let mut call = new_call("{}");
        call.late_headers(bytes(headers), bytes(&answer), || [0; 16]);
        assert_eq!(call.provisional().correlation_id.as_deref(), Some(id));
    }
}

#[test]
fn a_lost_chunk_is_a_fault_and_never_a_wrong_digest() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), false, || [0; 16]);
    call.lose_body(Side::Request);
    call.end(Side::Request, End::Complete);
    call.response_headers(bytes(RESPONSE), true, micros(1));
    let facts = via_upstream();
    let entry = call.finish(micros(1), &facts);
    assert_eq!((entry.request_hash, entry.reason), (None, Some(Reason::FilterFault)));
}

#[test]
fn a_lost_chunk_is_never_a_wrong_chain() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), true, || [0; 16]);
    call.response_headers(bytes(RESPONSE), false, micros(1));
    call.body(Side::Response, b"data: 1\n\n", || micros(2));
    assert_eq!(call.provisional().stream.unwrap().response.events, 1);
    call.lose_body(Side::Response);
    call.body(Side::Response, b"data: 3\n\n", || micros(3));
    call.end(Side::Response, End::Complete);
    let facts = via_upstream();
    let entry = call.finish(micros(4), &facts);
    assert_eq!((entry.response_hash, entry.stream), (None, None));
    assert_eq!(entry.reason, Some(Reason::FilterFault));
}

#[test]
fn one_content_type_that_cannot_be_looked_into_is_enough() {
    for (headers, scan) in [
        (&[("content-type", "application/json")][..], "json"),
        (&[("content-type", "application/json,image/png")], "opaque"),
        (&[("content-type", "image/png"), ("content-type", "text/plain")], "opaque"),
        (&[("content-type", "text/plain"), ("content-encoding", "identity,br")], "opaque"),
        (&[("content-encoding", "identity")], "text"),
        // Its frames are looked into one by one.
        (&[("upgrade", "WebSocket")], "json"),
        (&[("upgrade", "h2c")], "text"),
        (&[], "text"),
    ] {
        let mut call = new_call("{}");
        call.request_headers(bytes(headers), false, || [0; 16]);
        let scanned = call.provisional().request.unwrap().scan.unwrap();
        assert_eq!(scanned.as_str(), scan, "{headers:?}");
    }
}

#[test]
fn an_id_that_is_a_secret_is_passed_over_and_one_in_a_name_is_masked() {
    let key = format!("sk-ant-{}-{}AA", "api03", "aB3".repeat(31));
    let mut call = new_call("{}");
    let headers = [
        ("x-correlation-id", key.as_str()),
        ("x-trace-id", "t-1"),
        ("x-agent-id", key.as_str()),
        ("content-type", key.as_str()),
        ("user-agent", key.as_str()),
        (":method", key.as_str()),
        (":authority", "api.example.com"),
    ];
    let edits = call.request_headers(bytes(&headers), false, || [0; 16]);
    assert_eq!(edits.set, [("x-correlation-id", b"t-1".to_vec())]);
    call.response_headers(bytes(&[("x-request-id", &key)]), true, micros(1));
    let facts = via_upstream();
    let entry = call.finish(micros(2), &facts);
    assert_eq!(entry.correlation_id.as_deref(), Some("t-1"));
    assert_eq!(entry.agent_id.as_deref(), Some("***REDACTED***"));
    let line = line(&entry).to_lowercase();
    assert!(!line.contains("ab3ab3"), "{line}");
}

fn gated(settings: &str, headers: Pairs<'_>) -> Call {
    let mut call = new_call(settings);
    call.request_headers(bytes(headers), false, || [0; 16]);
    call
}

#[test]
fn a_body_that_cannot_be_masked_is_refused_at_the_headers() {
    let settings = r#"{"mask":{"outbound":true}}"#;
    let headers = [(":authority", "a.example"), ("content-encoding", "gzip")];
    let mut call = gated(settings, &headers);
    assert_eq!(call.refusal().unwrap().status, 415);
    assert!(call.is_refused() && call.refusal().is_none());
    let facts = HostFacts { status: Some(415), ..HostFacts::default() };
    let entry = call.finish(micros(1), &facts);
    assert_eq!(
        (entry.outcome, entry.reason, entry.request_hash),
        (Outcome::PolicyBlocked, Some(Reason::UnmaskableBody), None)
    );
    let mut bodiless = new_call(settings);
    bodiless.request_headers(bytes(&headers), true, || [0; 16]);
    assert!(!bodiless.is_refused());
}

#[test]
fn a_masked_body_loses_its_length() {
    let mut call = new_call(r#"{"mask":{"outbound":true}}"#);
    let edits = call.request_headers(bytes(REQUEST), false, || [0; 16]);
    assert!(edits.remove.contains(&"content-length".into()));
    let mut call = new_call(r#"{"mask":{"secret_to_wrong_host":"deny"}}"#);
    let edits = call.request_headers(bytes(REQUEST), false, || [0; 16]);
    assert!(!edits.remove.contains(&"content-length".into()) && call.is_gated());
    assert!(!gated("{}", REQUEST).is_gated());
}

#[test]
fn what_could_not_be_read_or_changed_does_not_go_on() {
    let mut call = gated(r#"{"mask":{"outbound":true}}"#, REQUEST);
    call.fail();
    assert_eq!(call.refusal().unwrap().status, 503);
    let facts = HostFacts { status: Some(503), ..HostFacts::default() };
    let entry = call.finish(micros(1), &facts);
    assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::FilterFault)));
}

#[test]
fn the_path_decides_which_policy_holds() {
    let settings = r#"{"hosts":[{"hosts":["api.example.com"],"mask_outbound":true}]}"#;
    let path_style = [(":authority", "localhost"), (":path", "/API.example.com:443/v1")];
    assert!(gated(settings, &path_style).is_gated());
    assert!(!gated(settings, &[(":authority", "localhost"), (":path", "/v1")]).is_gated());
}

#[test]
fn a_call_to_a_denied_host_goes_no_further_than_its_headers() {
    let settings = r#"{"hosts":[{"hosts":["api.example.com"],"call":"allow"},
        {"hosts":["*"],"call":"deny","mask_outbound":true}]}"#;
    let to = |authority, path| [(":authority", authority), (":path", path)];
    for (authority, path, end, is_denied) in [
        ("api.example.com:8443", "/v1", false, false),
        ("localhost", "/API.example.com/v1", true, false),
        ("other.example", "/v1", false, true),
        ("other.example", "/v1", true, true),
        ("localhost", "/other.example:443/v1", false, true),
        ("", "/v1", true, true),
    ] {
        let mut call = new_call(settings);
        call.request_headers(bytes(&to(authority, path)), end, || [0; 16]);
        assert_eq!((call.is_refused(), call.is_gated()), (is_denied, false), "{authority}{path}");
        let refusal = call.refusal();
        assert_eq!(refusal.map(|refusal| refusal.status), is_denied.then_some(403));
        let facts = HostFacts { status: Some(403), ..HostFacts::default() };
        let entry = call.finish(micros(1), &facts);
        let says = (entry.outcome, entry.reason, entry.request_hash);
        let denied = (Outcome::PolicyBlocked, Some(Reason::HostNotAllowed), None);
        assert_eq!(says == denied, is_denied, "{authority}{path}");
    }
}

#[test]
fn the_name_of_the_route_is_wanted_where_it_decides() {
    let facts = HostFacts {
        status: Some(502),
        code_details: b"direct_response".to_vec(),
        route_name: b"block_all".to_vec(),
        ..HostFacts::default()
    };
    let mut call = gated("{}", REQUEST);
    assert!(call.wants_route_name(&facts) && !call.wants_route_name(&via_upstream()));
    assert_eq!(call.finish(micros(1), &facts).reason, Some(Reason::HostNotAllowed));
}

const SSE: Pairs<'_> = &[(":status", "200"), ("content-type", "text/event-stream")];

/// The line of a call with these messages, each body in pieces of `step` bytes.
fn crossed(request: (Pairs<'_>, &str), response: (Pairs<'_>, &str), step: usize) -> String {
    let mut call = new_call("{}");
    call.request_headers(bytes(request.0), false, || [0; 16]);
    for piece in request.1.as_bytes().chunks(step) {
        call.body(Side::Request, piece, || micros(1));
    }
    call.end(Side::Request, End::Complete);
    call.response_headers(bytes(response.0), false, micros(2));
    for piece in response.1.as_bytes().chunks(step) {
        call.body(Side::Response, piece, || micros(3));
    }
    call.end(Side::Response, End::Complete);
    line(&call.finish(micros(4), &via_upstream()))
}

const CHAT: Pairs<'_> = &[
    (":authority", "api.openai.com"),
    (":path", "/v1/chat/completions"),
    ("content-type", "application/json"),
    ("accept-encoding", "gzip, br"),
    ("x-stainless-retry-count", "1"),
];
const QUESTION: &str = r#"{"model":"gpt-5","stream":true,"messages":[{"content":"hi"}]}"#;

#[test]
fn a_stream_says_what_it_was_about_in_any_split() {
    let answer = concat!(
        "data: {\"id\":\"c-1\",\"model\":\"gpt-5-2026\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n"
    );
    let headers = [SSE, &[("x-ratelimit-remaining-requests", "9"), ("retry-after", "2")]];
    let headers = headers.concat();
    for step in 1..answer.len() {
        let line = crossed((CHAT, QUESTION), (&headers, answer), step);
        for part in [
            r#""gen_ai":{"provider":"openai","operation":"chat","request_model":"gpt-5","#,
            r#""response_model":"gpt-5-2026","response_id":"c-1","input_tokens":7,"#,
            r#""output_tokens":2"#,
            r#""kind":"sse""#,
            r#""events":3"#,
            r#""retry":{"count":1,"after_ms":2000},"rate_limit":{"remaining_requests":9}"#,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}

#[test]
fn a_gated_request_is_read_all_the_same() {
    let mut call = gated(r#"{"mask":{"outbound":true}}"#, CHAT);
    let mut onward = Onward::default();
    for piece in QUESTION.as_bytes().chunks(3) {
        call.pass(piece, &mut onward, || micros(1));
    }
    call.pass_end(End::Complete, &mut onward);
    assert_eq!(onward.bytes(), QUESTION.as_bytes());
    let gen_ai = call.provisional().gen_ai.unwrap();
    assert_eq!(gen_ai.request_model.as_deref(), Some("gpt-5"));
}

#[test]
fn what_an_answer_says_of_itself_tells_against_its_status() {
    let mcp: Pairs<'_> = &[
        (":authority", "mcp.example.com"),
        (":path", "/mcp"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let json: Pairs<'_> = &[(":status", "200"), ("content-type", "application/json")];
    let call_tool = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup"}}"#;
    let failed = "event: error\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}"#;
    let tool_error = r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}"#;
    for (request, response, outcome, reason) in [
        ((CHAT, QUESTION), (SSE, failed), "throttled", "overloaded"),
        ((mcp, call_tool), (json, error), "error", "application_error"),
        ((mcp, call_tool), (json, tool_error), "error", "tool_error"),
    ] {
        let line = crossed(request, response, 5);
        let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
        let word = entry.reason.map(Reason::as_str);
        assert_eq!((entry.outcome.as_str(), word), (outcome, Some(reason)), "{line}");
    }
    let about = r#""mcp":{"method":"tools/call","tool":"lookup","error_code":-32601}"#;
    let line = crossed((mcp, call_tool), (json, error), 1);
    assert!(line.contains(about), "{line}");
}

#[test]
fn known_providers_are_asked_for_answers_without_compression() {
    let plain = ("accept-encoding", b"identity".to_vec());
    let socket: Pairs<'_> = &[
        (":authority", "api.openai.com"),
        (":path", "/v1/realtime?model=m"),
        ("upgrade", "websocket"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let elsewhere: Pairs<'_> =
        &[(":authority", "api.example.com"), (":path", "/v1"), ("accept-encoding", "gzip")];
    for (setting, headers, asks, strips) in [
        ("known", CHAT, true, false),
        ("known", elsewhere, false, false),
        ("known", socket, false, true),
        ("always", elsewhere, true, false),
        ("never", CHAT, false, false),
        ("never", socket, false, false),
    ] {
        let mut call = new_call(&format!(r#"{{"upstream":{{"plain_answers":"{setting}"}}}}"#));
        let edits = call.request_headers(bytes(headers), true, || [0; 16]);
        assert_eq!(edits.set.contains(&plain), asks, "{setting} {headers:?}");
        let stripped = edits.remove.contains(&"sec-websocket-extensions".into());
        assert_eq!(stripped, strips, "{setting} {headers:?}");
    }
}

#[test]
fn what_crosses_makes_the_entry_stale_until_it_is_asked_for() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), false, || [0; 16]);
    assert!(!call.is_stale());
    call.body(Side::Request, b"{}", || micros(1));
    assert!(call.is_stale());
    assert_eq!(call.provisional().request.unwrap().bytes, 2);
    assert!(!call.is_stale());
    call.end(Side::Request, End::Complete);
    assert!(call.is_stale());
    assert_eq!(call.provisional().request_hash, Some(Digest::of(b"{}")));
    call.note_upstream_address(b"192.0.2.1:443");
    call.note_upstream_address(b"");
    call.response_headers(bytes(RESPONSE), false, micros(1));
    for at in 2..6 {
        call.body(Side::Response, b"data: x\n\n", || micros(at));
    }
    assert!(call.is_stale() && call.has_upstream_address());
    let entry = call.provisional();
    let (stream, upstream) = (entry.stream.unwrap(), entry.upstream.unwrap());
    assert_eq!((stream.response.events, stream.response.chunk_chain.is_some()), (4, true));
    assert_eq!(upstream.address.as_deref(), Some("192.0.2.1:443"));
    assert_eq!(upstream.request_id.as_deref(), Some("req_1"));
}

#[test]
fn headers_of_one_hop_stay_here() {
    let headers = [
        (":authority", "api.example.com"),
        (":method", "POST"),
        ("proxy-authorization", "Basic ZmFrZTpmYWtl"),
        ("Proxy-Connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("HTTP2-Settings", "AAA"),
        ("connection", "close, X-Internal"),
        ("te", "gzip, trailers"),
        ("x-correlation-id", "wf-1"),
        ("authorization", "Bearer sk-fake"),
    ];
    for (settings, kept) in [("{}", "fake"), (r#"{"identity":{"strip":false}}"#, "fake")] {
        let mut call = new_call(settings);
        let edits = call.request_headers(bytes(&headers), false, || [0; 16]);
        let removed = [
            "proxy-authorization",
            "proxy-connection",
            "keep-alive",
            "http2-settings",
            "x-internal",
        ];
        assert_eq!(edits.remove, removed);
        assert_eq!(edits.set, [("te", b"trailers".to_vec())]);
        let trailers = [
            ("x-sum", "1"),
            ("Proxy-Authorization", "x"),
            ("x-unknown", "2"),
            ("X-Internal", "x"),
            ("te", "x"),
            ("Connection", "x"),
            ("http2-settings", "x"),
            ("x-hop", "x"),
        ];
        let stopped = ["proxy-authorization", "x-internal", "te", "connection", "http2-settings"];
        let edits = call.request_trailers(bytes(&trailers));
        assert_eq!((edits.remove, edits.masked), (stopped.map(Cow::from).to_vec(), vec![]));
        let answer = [(":status", "407"), ("proxy-authenticate", "Basic"), ("connection", "x-hop")];
        let edits = call.response_headers(bytes(&answer), true, micros(1));
        assert_eq!(edits.remove, ["proxy-authenticate", "x-hop"]);
        let trailers = [
            ("grpc-status", "0"),
            ("x-hop", "1"),
            ("x-internal", "1"),
            ("Keep-Alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("Proxy-Authenticate", "Basic"),
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("x-sum", "1"),
        ];
        let stopped = [
            "x-hop",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "connection",
            "transfer-encoding",
        ];
        assert_eq!(call.response_trailers(bytes(&trailers)), stopped);
        assert!(!line(&call.finish(micros(2), &via_upstream())).contains(kept));
    }
    for (te, removed, set) in [("trailers", 0, 0), ("gzip", 1, 0), ("gzip, trailers", 0, 1)] {
        let mut call = new_call(r#"{"correlation":{"header":null}}"#);
        let edits = call.request_headers(bytes(&[("te", te)]), true, || [0; 16]);
        assert_eq!((edits.remove.len(), edits.set.len()), (removed, set), "{te}");
    }
    // The caller may not take the id from the call.
    let headers = [("connection", "x-correlation-id"), ("x-correlation-id", "wf-1")];
    let mut call = new_call("{}");
    let edits = call.request_headers(bytes(&headers), true, || [0; 16]);
    assert_eq!(edits.set, [("x-correlation-id", b"wf-1".to_vec())]);
}

#[test]
fn a_tunnel_is_refused_whatever_the_host() {
    for (settings, authority) in [
        ("{}", "api.openai.com:443"),
        (r#"{"hosts":[{"hosts":["*"],"call":"deny"}]}"#, "api.openai.com:443"),
        ("{}", "localhost:10000"),
        ("{}", ""),
    ] {
        let mut call = new_call(settings);
        let headers = [(":authority", authority), (":method", "CONNECT")];
        call.request_headers(bytes(&headers), false, || [0; 16]);
        let refusal = call.refusal().unwrap();
        assert_eq!(refusal.status, 405);
        let entry = call.finish(micros(1), &HostFacts { status: Some(405), ..Default::default() });
        assert_eq!(entry.reason, Some(Reason::ConnectNotSupported));
        assert_eq!((entry.outcome, entry.request_hash), (Outcome::Error, None));
    }
}

#[test]
fn a_body_of_which_nothing_came_has_no_hash() {
    let rbac = b"rbac_access_denied_matched_policy[host_not_allowed]";
    for (sent, details, hash) in [
        (&b""[..], &rbac[..], None),
        (b"ab", rbac, Some(Digest::of(b"ab"))),
        (b"", b"downstream_remote_disconnect", None),
    ] {
        let mut call = new_call("{}");
        call.request_headers(bytes(REQUEST), false, || [0; 16]);
        if !sent.is_empty() {
            call.body(Side::Request, sent, || micros(1));
        }
        let facts = HostFacts { code_details: details.into(), ..Default::default() };
        assert_eq!(call.finish(micros(1), &facts).request_hash, hash);
    }
    // One that is empty and came whole has one.
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), false, || [0; 16]);
    call.end(Side::Request, End::Complete);
    let entry = call.finish(micros(1), &via_upstream());
    assert_eq!(entry.request_hash, Some(Digest::of(b"")));
}

#[test]
fn the_version_of_http_is_the_callers() {
    for (protocol, version) in [
        (&b"HTTP/1.0"[..], Some("1.0")),
        (b"HTTP/1.1", Some("1.1")),
        (b"HTTP/2", Some("2")),
        (b"HTTP/3", Some("3")),
        (b"", None),
        (b"HTTP/4", None),
    ] {
        let mut call = new_call("{}");
        call.note_protocol(protocol);
        call.request_headers(bytes(REQUEST), true, || [0; 16]);
        let version_in_entry = call.provisional().request.unwrap().http_version;
        assert_eq!(version_in_entry.map(HttpVersion::as_str), version);
    }
}

#[test]
fn a_refused_upgrade_is_no_stream() {
    let mut call = new_call("{}");
    call.request_headers(bytes(&[("upgrade", "websocket")]), false, || [0; 16]);
    call.response_headers(bytes(&[(":status", "426")]), true, micros(1));
    assert_eq!(call.provisional().stream, None);
}

#[test]
fn a_provisional_entry_says_so_and_takes_no_end_for_granted() {
    let mut call = new_call("{}");
    call.request_headers(bytes(REQUEST), true, || [0; 16]);
    let entry = call.provisional();
    assert!(entry.provisional && entry.timing.is_none());
    assert_eq!((entry.outcome, entry.reason), (Outcome::Error, Some(Reason::Unfinished)));
}

#[test]
fn the_worst_entry_stays_within_its_bound() {
    let settings = Settings::from_json(
        br#"{"headers":{"log_request":["a","b"],"log_response":["a","b"]},
            "stream":{"list_events":true},"hash":{"key_env":"K","key_id":"k"}}"#,
    );
    let config = Config::check(settings.unwrap()).unwrap();
    let worst = "é".repeat(30_000);
    let names = [
        ":method",
        "content-type",
        "content-encoding",
        "x-agent-id",
        "x-agent-version",
        "x-agent-deployment",
        "x-user-id",
        "x-session-id",
        "a",
        "b",
        "x-request-id",
    ];
    let path = format!("/{worst}/v1/realtime");
    let mut headers: Vec<_> = names.iter().map(|name| (*name, worst.as_str())).collect();
    headers.extend([(":authority", "api.openai.com"), (":path", &path), ("upgrade", "websocket")]);
    let mut call = Call::new(Rc::new(config), Moment::default());
    call.request_headers(bytes(&headers), false, || [0; 16]);
    headers.push((":status", "101"));
    call.response_headers(bytes(&headers), false, micros(u64::MAX));
    for number in 0..1_000 {
        let name = format!("{number}{}", "é".repeat(200));
        let message = format!(
            r#"{{"type":"response.done","model":"{name}","response":{{"id":"{name}","model":"{name}",
                "status":"failed","status_details":{{"reason":"{name}","error":{{"code":"{name}"}}}},
                "output":[{{"type":"function_call","name":"{name}"}}],
                "usage":{{"input_tokens":{0},"output_tokens":{0}}}}}}}"#,
            u64::MAX
        );
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        let frame = [&[0x81, 126][..], &length, message.as_bytes()].concat();
        call.body(Side::Request, &frame, || micros(1));
        call.body(Side::Response, &frame, || micros(1));
    }
    let facts = HostFacts { status: Some(101), ..via_upstream() };
    let line = line(&call.finish(micros(u64::MAX), &facts));
    let room = MAX_ENTRY_BYTES - MAX_MASKED_BYTES;
    assert!(line.is_ascii() && line.len() <= room, "{} bytes", line.len());
    assert!(line.len() > room / 2, "not the worst case: {} bytes", line.len());
    for key in ["agent_id", "endpoint", "stream.event_hashes", "gen_ai.tools"] {
        assert!(line.contains(&format!("\"{key}\"")), "{key} in {line}");
    }
}

/// An answer to a chat: its headers, its body in chunks, and whether it came to its end.
fn answered(headers: Pairs<'_>, chunks: &[&[u8]], end: Option<End>, facts: &HostFacts) -> String {
    thread_local!(static CONFIG: Rc<Config> = Rc::new(Config::try_from(Settings::default()).unwrap()));
    let mut call = Call::new(CONFIG.with(Rc::clone), Moment::default());
    call.request_headers(bytes(CHAT), true, || [0; 16]);
    call.response_headers(bytes(headers), false, micros(1));
    chunks.iter().for_each(|chunk| call.body(Side::Response, chunk, || micros(2)));
    if let Some(end) = end {
        call.end(Side::Response, end);
    }
    line(&call.finish(micros(3), facts))
}

/// The same for every cut of the body in two and for single bytes, apart from the number of chunks.
fn answered_at_any_cut(headers: Pairs<'_>, body: &str, end: Option<End>) -> String {
    let facts = via_upstream();
    let cut = |chunks: &[&[u8]]| {
        let line = answered(headers, chunks, end, &facts);
        line.replace(&format!("\"chunks\":{}", chunks.len()), "\"chunks\":0")
    };
    let body = body.as_bytes();
    let whole = cut(&[body]);
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(cut(&[head, tail]), whole, "cut at {at}");
    }
    assert_eq!(cut(&body.chunks(1).collect::<Vec<_>>()), whole, "single bytes");
    whole
}

#[test]
fn the_last_event_counts_without_its_end() {
    const CONTENT: &str = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    const ERROR: &str = r#"{"error":{"type":"overloaded_error"}}"#;
    const USAGE: &str = r#"{"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;
    let sse = |line_end: &str, last: &str, missing: &str| {
        format!("data: {CONTENT}{line_end}{line_end}data: {last}{missing}")
    };
    for (media_type, body) in [
        ("text/event-stream", sse("\n", ERROR, "\n")),
        ("text/event-stream", sse("\n", ERROR, "")),
        ("text/event-stream", sse("\r\n", ERROR, "\r\n")),
        ("text/event-stream", sse("\r\n", ERROR, "\r")),
        ("text/event-stream", sse("\r", ERROR, "\r")),
        ("application/x-ndjson", format!("{CONTENT}\n{ERROR}")),
        ("application/json", format!("{CONTENT}\n{ERROR}")),
    ] {
        let headers = [(":status", "200"), ("content-type", media_type)];
        for end in [End::Complete, End::Trailers] {
            let line = answered_at_any_cut(&headers, &body, Some(end));
            assert!(line.contains(r#""outcome":"throttled""#), "{body:?} {line}");
            assert!(line.contains(r#""reason":"overloaded""#) && line.contains(r#""events":2"#));
        }
        let line = answered_at_any_cut(&headers, &body.replace(ERROR, USAGE), Some(End::Complete));
        assert!(line.contains(r#""input_tokens":3,"output_tokens":5"#), "{body:?} {line}");
        assert!(line.contains(r#""outcome":"success""#), "{body:?} {line}");
        // It is no event of a stream that broke off.
        let line = answered_at_any_cut(&headers, &body, None);
        assert!(line.contains(r#""reason":"client_disconnect""#), "{body:?} {line}");
        assert!(line.contains(r#""events":1"#) || media_type == "application/json", "{line}");
    }
}

#[test]
fn the_first_bytes_say_that_it_is_a_stream() {
    const EVENTS: &str = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\n\
        data: [DONE]\n\n";
    let named = |media_type| {
        let headers = [(":status", "200"), ("content-type", media_type)];
        answered_at_any_cut(&headers, EVENTS, Some(End::Complete))
    };
    let wanted = named("text/event-stream");
    assert!(
        wanted.contains(r#""events":3"#) && wanted.contains(r#""output_tokens":5"#),
        "{wanted}"
    );
    let tail = |line: &str| line.split_once(r#""stream":"#).map(|(_, tail)| tail.to_owned());
    for media_type in [
        "text/event-stream, text/event-stream",
        "Text/Event-Stream;Charset=\"utf-8\"",
        "text/event-stream charset=utf-8",
        "application/json",
        "text/plain; charset=utf-8",
        "text/html",
        "",
    ] {
        assert_eq!(tail(&named(media_type)), tail(&wanted), "{media_type}");
    }
    let untyped = answered_at_any_cut(&[(":status", "200")], EVENTS, Some(End::Complete));
    assert_eq!(tail(&untyped), tail(&wanted));
    let length = [(":status", "200"), ("content-length", "99"), ("content-type", "text/plain")];
    assert_eq!(tail(&answered_at_any_cut(&length, EVENTS, Some(End::Complete))), tail(&wanted));
    for before in ["\u{feff}", ": PROCESSING\n\n: PROCESSING\n\n", "\r\n", "retry: 1\rid: 2\r"] {
        let headers = [(":status", "200"), ("content-type", "application/json")];
        let body = format!("{before}{EVENTS}");
        let line = answered_at_any_cut(&headers, &body, Some(End::Complete));
        assert!(
            line.contains(r#""kind":"sse""#) && line.contains(r#""output_tokens":5"#),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_stream_is_read_as_before() {
    let document = r#"{"model":"m","usage":{"prompt_tokens":3,"completion_tokens":5}}"#;
    for body in [
        document.to_owned(),
        format!("{document}\n"),
        format!(" \n{}", document.replace(',', ",\n ")),
        format!("{{\"x\":\"{}\",{}", "y".repeat(9_000), &document[1..]),
    ] {
        let headers = [(":status", "200"), ("content-type", "application/json")];
        let facts = via_upstream();
        for size in [1, 100, 5_000, 20_000] {
            let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
            let line = answered(&headers, &chunks, Some(End::Complete), &facts);
            assert!(
                line.contains(r#""output_tokens":5"#) && !line.contains(r#""stream""#),
                "{line}"
            );
        }
    }
    let long = format!("{}data: x\n\n", "y".repeat(70_000));
    let headers = [(":status", "200"), ("content-type", "text/plain")];
    let line = answered(&headers, &[long.as_bytes()], Some(End::Complete), &via_upstream());
    assert!(line.contains(r#""kind":"chunked""#), "{line}");
    let events = format!("data: {{\"x\":\"{}\"}}\n\n", "y".repeat(70_000));
    let line = answered(&headers, &[events.as_bytes()], Some(End::Complete), &via_upstream());
    assert!(line.contains(r#""kind":"sse""#) && line.contains(r#""events":1"#), "{line}");
}

#[test]
fn a_text_with_lines_like_those_of_events_is_none() {
    for body in [
        "data:\n  a: 1\nkind: ConfigMap\n",
        "event: push\non: main\n",
        "event: started\nevent: stopped\n\n",
        "data:,x,y\n1,2\n\n",
        "data:application/json;base64,AAAA",
        "data: 1\n",
    ] {
        for length in [None, Some(("content-length", "50"))] {
            let mut headers = vec![(":status", "200"), ("content-type", "text/yaml")];
            headers.extend(length);
            let line = answered_at_any_cut(&headers, body, Some(End::Complete));
            assert!(!line.contains(r#""stream""#), "{body:?} {line}");
        }
    }
}

#[test]
fn what_is_called_a_stream_is_read_as_what_it_is() {
    const EVENT: &str = r#"{"choices":[{"index":0,"delta":{}}]}"#;
    const ERROR: &str = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#;
    const PRETTY: &str =
        "{\n \"error\": {\n  \"code\": 429,\n  \"type\": \"rate_limit_error\"\n }\n}";
    let (throttled, sse) = (r#""outcome":"throttled""#, "text/event-stream");
    let ndjson = "application/x-ndjson";
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;
    let tokens = r#""input_tokens":3,"output_tokens":5"#;
    for (media_type, body, kind, events, wanted) in [
        (sse, ERROR.to_owned(), "", 0, throttled),
        (sse, format!("\n{ERROR}\n"), "", 0, throttled),
        (sse, PRETTY.to_owned(), "", 0, throttled),
        (sse, usage.to_owned(), "", 0, tokens),
        (sse, usage.replace(',', ",\n"), "", 0, tokens),
        (sse, format!("data: {EVENT}\n\n{ERROR}"), "sse", 2, throttled),
        (sse, format!("data: {EVENT}\r\n\r\n{ERROR}\r\n"), "sse", 2, throttled),
        (sse, format!("data: {EVENT}\n\n{PRETTY}\n\ndata: [DONE]\n\n"), "sse", 3, throttled),
        (sse, format!("{EVENT}\n{ERROR}\n"), "ndjson", 2, throttled),
        (sse, format!("{EVENT}\n{usage}\n"), "ndjson", 2, tokens),
        (ndjson, format!("data: {EVENT}\n\ndata: {ERROR}\n\n"), "sse", 2, throttled),
        (ndjson, format!("data: {ERROR}"), "sse", 1, throttled),
        (ndjson, format!("{EVENT}\n{ERROR}"), "ndjson", 2, throttled),
        (ndjson, PRETTY.to_owned(), "", 0, throttled),
        (ndjson, usage.replace(',', ",\n"), "", 0, tokens),
        ("application/stream+json", format!("data: {usage}\n\n"), "sse", 1, tokens),
    ] {
        for length in [None, Some(("content-length", "99"))] {
            let mut headers = vec![(":status", "200"), ("content-type", media_type)];
            headers.extend(length);
            let line = answered_at_any_cut(&headers, &body, Some(End::Complete));
            assert!(line.contains(wanted), "{media_type} {body:?} {line}");
            let kind = format!(r#""kind":"{kind}""#);
            assert_eq!(line.contains(r#""stream""#), events > 0, "{media_type} {body:?} {line}");
            let is_so = line.contains(&kind) && line.contains(&format!(r#""events":{events}"#));
            assert!(events == 0 || is_so, "{media_type} {body:?} {line}");
        }
    }
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(70_000));
    let headers = [(":status", "200"), ("content-type", sse)];
    let line = answered(&headers, &[long.as_bytes()], Some(End::Complete), &via_upstream());
    assert!(line.contains(r#""kind":"chunked","started_at""#), "{line}");
}

#[test]
fn a_caller_that_hangs_up_at_the_mark_has_its_answer() {
    const EVENT: &str = r#"{"choices":[{"index":0,"delta":{}}]}"#;
    for (last, outcome) in [
        ("data: [DONE]\n\n", "success"),
        ("data: [DONE]\n", "success"),
        ("data: [DONE]", "success"),
        ("data: [DONE]\r\r", "success"),
        ("data:[DONE]\r", "success"),
        ("data: [DON", "error"),
        ("data: [DONE] x", "error"),
        ("data: {}\ndata: [DONE]\n", "error"),
        (": [DONE]\n", "error"),
    ] {
        let headers = [(":status", "200"), ("content-type", "text/event-stream")];
        let line = answered_at_any_cut(&headers, &format!("data: {EVENT}\n\n{last}"), None);
        assert!(line.contains(&format!(r#""outcome":"{outcome}""#)), "{last:?} {line}");
    }
}

#[test]
fn what_is_no_encoding_is_looked_into() {
    let body = br#"{"password":"hunter2"}"#;
    for (encoding, scan) in [
        ("none", "json"),
        ("utf-8", "json"),
        ("", "json"),
        ("identity, aws-chunked", "json"),
        ("gzip, aws-chunked", "opaque"),
        ("br", "opaque"),
    ] {
        let mut call = new_call(r#"{"mask":{"outbound":true}}"#);
        let headers: Vec<_> =
            CHAT.iter().copied().chain([("content-encoding", encoding)]).collect();
        call.request_headers(bytes(&headers), false, || [0; 16]);
        assert_eq!(call.is_refused(), scan == "opaque", "{encoding}");
        let headers = [
            (":status", "200"),
            ("content-type", "application/json"),
            ("content-encoding", encoding),
        ];
        let line = answered(&headers, &[body], Some(End::Complete), &via_upstream());
        assert!(line.contains(&format!(r#""scan":"{scan}""#)), "{encoding} {line}");
        assert_eq!(line.contains(r#""masked":{"#), scan == "json", "{line}");
    }
}

#[test]
fn an_informational_answer_is_none() {
    for status in ["100", "102", "103", "199"] {
        let mut call = new_call("{}");
        call.request_headers(bytes(CHAT), true, || [0; 16]);
        let headers = [(":status", status), ("content-type", "text/plain"), ("x-request-id", "no")];
        call.response_headers(bytes(&headers), false, micros(1));
        let provisional = call.provisional();
        assert_eq!((provisional.status, provisional.response), (None, None));
        let facts = HostFacts { status: status.parse().ok(), ..via_upstream() };
        let entry = call.finish(micros(2), &facts);
        assert_eq!((entry.status, entry.response_hash), (None, None));
        assert_eq!(entry.outcome, Outcome::Error);

        let mut call = new_call("{}");
        call.request_headers(bytes(CHAT), true, || [0; 16]);
        call.response_headers(bytes(&headers), false, micros(1));
        call.response_headers(bytes(RESPONSE), true, micros(2));
        let facts = via_upstream();
        let entry = call.finish(micros(3), &facts);
        assert_eq!((entry.status, entry.outcome), (Some(200), Outcome::Success));
        assert_eq!(entry.upstream.unwrap().request_id.as_deref(), Some("req_1"));
    }
}

/// What a side of a WebSocket does last.
fn websocket_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x80 | opcode, payload.len() as u8][..], payload].concat()
}

#[test]
fn a_websocket_ends_as_its_sides_say() {
    const HUNG_UP: &[u8] = b"downstream_remote_disconnect";
    const RESET: &[u8] = b"upstream_reset_after_response_started{connection_termination}";
    let close = |code: u16| websocket_frame(8, &code.to_be_bytes());
    let event = |text: &str| websocket_frame(1, text.as_bytes());
    let created = || event(r#"{"type":"session.created","session":{"model":"m"}}"#);
    let error = || {
        event(
            r#"{"type":"error","error":{"type":"rate_limit_exceeded","code":"rate_limit_exceeded"}}"#,
        )
    };
    let done = || event(r#"{"type":"response.done","response":{"id":"r","status":"completed"}}"#);
    let none = Vec::new;
    // The caller's last bytes, the provider's, whether it ended the connection, Envoy's words; what
    // comes of it: outcome, reason, both ends, the provider's code.
    for (sent, received, ended, details, outcome, reason, end, code) in [
        (none(), created(), true, &b"via_upstream"[..], "error", "upstream_reset", "reset", None),
        (none(), created(), false, RESET, "error", "upstream_reset", "reset", None),
        (none(), created(), false, HUNG_UP, "error", "client_disconnect", "aborted", None),
        (none(), created(), false, b"via_upstream", "error", "client_disconnect", "aborted", None),
        (
            none(),
            created(),
            false,
            b"stream_idle_timeout",
            "error",
            "upstream_timeout",
            "reset",
            None,
        ),
        (none(), done(), false, HUNG_UP, "success", "", "aborted", None),
        (none(), done(), true, b"via_upstream", "error", "upstream_reset", "reset", None),
        (none(), error(), true, b"via_upstream", "throttled", "rate_limited", "reset", None),
        (none(), error(), false, HUNG_UP, "throttled", "rate_limited", "aborted", None),
        (
            none(),
            [error(), close(1011)].concat(),
            true,
            b"via_upstream",
            "throttled",
            "rate_limited",
            "complete",
            Some(1011),
        ),
        (none(), close(1000), true, b"via_upstream", "success", "", "complete", Some(1000)),
        (close(1000), close(1000), true, b"via_upstream", "success", "", "complete", Some(1000)),
        (close(1001), none(), false, HUNG_UP, "success", "", "complete", None),
        (
            close(4001),
            close(4001),
            true,
            b"via_upstream",
            "error",
            "client_disconnect",
            "complete",
            Some(4001),
        ),
        (none(), close(1001), true, b"via_upstream", "success", "", "complete", Some(1001)),
        (
            none(),
            websocket_frame(8, b""),
            true,
            b"via_upstream",
            "success",
            "",
            "complete",
            Some(1005),
        ),
        (
            none(),
            close(1008),
            true,
            b"via_upstream",
            "error",
            "application_error",
            "complete",
            Some(1008),
        ),
        (none(), close(1011), false, RESET, "error", "application_error", "complete", Some(1011)),
        (
            none(),
            close(1013),
            true,
            b"via_upstream",
            "throttled",
            "overloaded",
            "complete",
            Some(1013),
        ),
        (
            none(),
            close(4429),
            true,
            b"via_upstream",
            "error",
            "application_error",
            "complete",
            Some(4429),
        ),
        (
            none(),
            created()[..9].to_vec(),
            true,
            b"via_upstream",
            "error",
            "upstream_reset",
            "reset",
            None,
        ),
        (
            none(),
            close(1000)[..3].to_vec(),
            true,
            b"via_upstream",
            "error",
            "upstream_reset",
            "reset",
            None,
        ),
    ] {
        let mut call = new_call("{}");
        let headers = [
            (":authority", "api.openai.com"),
            (":path", "/v1/realtime?model=m"),
            (":method", "GET"),
            ("upgrade", "websocket"),
        ];
        call.request_headers(bytes(&headers), false, || [0; 16]);
        call.response_headers(bytes(&[(":status", "101")]), false, micros(1));
        call.body(Side::Request, &sent, || micros(2));
        call.body(Side::Response, &received, || micros(2));
        if ended {
            call.end(Side::Response, End::Complete);
        }
        let facts = HostFacts { code_details: details.to_vec(), ..via_upstream() };
        let entry = call.finish(micros(3), &facts);
        let case = format!("{sent:?} {received:?} {}", String::from_utf8_lossy(details));
        let found = entry.reason.map_or("", Reason::as_str);
        assert_eq!((entry.outcome.as_str(), found), (outcome, reason), "{case}");
        let ends = [entry.request, entry.response].map(|message| message.unwrap().end.unwrap());
        assert_eq!(ends.map(End::as_str), [end; 2], "{case}");
        assert_eq!(entry.stream.unwrap().response.close_code, code, "{case}");
    }
}

#[test]
fn a_failed_call_of_connect_has_its_code_in_the_body() {
    for (version, status, body, outcome, reason) in [
        ("1", "503", r#"{"code":"unavailable","message":"x"}"#, "throttled", "overloaded"),
        ("1", "429", r#"{"code":"resource_exhausted"}"#, "throttled", "rate_limited"),
        (
            "1",
            "500",
            r#"{"message":"resource_exhausted","code":"internal"}"#,
            "error",
            "upstream_response",
        ),
        ("1", "503", "<html>", "error", "upstream_response"),
        ("1", "503", r#"{"details":[{"code":"unavailable"}]}"#, "error", "upstream_response"),
        ("", "503", r#"{"code":"unavailable"}"#, "error", "upstream_response"),
        ("1", "200", r#"{"code":"unavailable"}"#, "success", ""),
    ] {
        let mut headers = CHAT.to_vec();
        headers.extend((!version.is_empty()).then_some(("connect-protocol-version", version)));
        for size in [1, 5, 200] {
            let mut call = new_call("{}");
            call.request_headers(bytes(&headers), true, || [0; 16]);
            let answer = [(":status", status), ("content-type", "application/json")];
            call.response_headers(bytes(&answer), false, micros(1));
            let chunks = body.as_bytes().chunks(size);
            chunks.for_each(|chunk| call.body(Side::Response, chunk, || micros(2)));
            call.end(Side::Response, End::Complete);
            let facts = via_upstream();
            let entry = call.finish(micros(3), &facts);
            let found = entry.reason.map_or("", Reason::as_str);
            assert_eq!((entry.outcome.as_str(), found), (outcome, reason), "{status} {body}");
        }
    }
}

#[test]
fn a_status_in_the_body_is_the_answers() {
    let message = |flags: u8, text: &str| {
        let length = (text.len() as u32).to_be_bytes();
        [&[flags][..], &length, text.as_bytes()].concat()
    };
    for (media_type, body, outcome, reason) in [
        ("application/grpc-web+proto", message(0x80, "grpc-status: 0\r\n"), "success", ""),
        ("application/grpc-web", message(0x80, "grpc-status: 8\r\n"), "throttled", "rate_limited"),
        ("application/grpc-web", message(0x80, "grpc-status: 14\r\n"), "throttled", "overloaded"),
        (
            "application/grpc-web",
            message(0x80, "grpc-status: 13\r\n"),
            "error",
            "application_error",
        ),
        ("application/connect+json", message(2, "{}"), "success", ""),
        (
            "application/connect+proto",
            message(2, r#"{"error":{"code":"resource_exhausted"}}"#),
            "throttled",
            "rate_limited",
        ),
        (
            "application/connect+json",
            message(2, r#"{"error":{"code":"internal"}}"#),
            "error",
            "application_error",
        ),
    ] {
        let headers = [(":status", "200"), ("content-type", media_type)];
        for hangs_up in [false, true] {
            let end = (!hangs_up).then_some(End::Complete);
            let line = answered(&headers, &[&body[..3], &body[3..]], end, &via_upstream());
            let wanted = format!(r#""outcome":"{outcome}""#);
            assert!(line.contains(&wanted), "{media_type} {hangs_up} {line}");
            assert!(
                reason.is_empty() || line.contains(&format!(r#""reason":"{reason}""#)),
                "{line}"
            );
        }
        let line = answered(&headers, &[&body[..3]], None, &via_upstream());
        assert!(line.contains(r#""reason":"client_disconnect""#), "{line}");
    }
}

#[test]
fn a_message_that_an_mcp_server_took_has_its_answer_elsewhere() {
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup"}}"#;
    for (body, status, outcome) in
        [(message, "202", "success"), (message, "200", "error"), ("{}", "202", "error")]
    {
        let mut call = new_call("{}");
        let json = ("content-type", "application/json");
        let path = (":path", "/messages/?session_id=1");
        let headers: Pairs<'_> = &[(":method", "POST"), (":authority", "mcp.test"), path, json];
        call.request_headers(bytes(headers), false, || [0; 16]);
        call.body(Side::Request, body.as_bytes(), || micros(1));
        call.end(Side::Request, End::Complete);
        call.response_headers(bytes(&[(":status", status)]), false, micros(2));
        let line = line(&call.finish(micros(3), &via_upstream()));
        let wanted = format!(r#""outcome":"{outcome}""#);
        assert!(line.contains(&wanted), "{body} {status} {line}");
    }
}

#[test]
fn a_stream_that_lacks_its_end_was_cut() {
    let message = |flags: u8, text: &str| {
        let length = (text.len() as u32).to_be_bytes();
        [&[flags][..], &length, text.as_bytes()].concat()
    };
    let one = message(0, "one");
    let last = |flags, text| [message(0, "one"), message(flags, text)].concat();
    let begun = |bytes: &[u8], length: usize| bytes[..length].to_vec();
    let compressed = last(0x81, "\u{1}\u{2}");
    // Of the AWS test vectors: a frame without headers and payload.
    let frame = b"\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
    let eventstream = "application/vnd.amazon.eventstream";
    for (media_type, body, is_cut) in [
        ("application/grpc", one.clone(), true),
        ("application/grpc", begun(&one, 4), true),
        ("application/grpc", Vec::new(), true),
        ("application/grpc-web", one.clone(), true),
        ("application/grpc-web", last(0x80, "grpc-status: 0\r\n"), false),
        ("application/grpc-web", begun(&last(0x80, "grpc-status: 0\r\n"), 12), true),
        ("application/grpc-web", compressed, false),
        ("application/grpc-web-text", b"AAAAAAAA".to_vec(), true),
        ("application/connect+proto", one.clone(), true),
        ("application/connect+json", last(2, "{}"), false),
        ("application/connect+json", last(3, "\u{1f}\u{b}"), false),
        (eventstream, frame.to_vec(), false),
        (eventstream, Vec::new(), false),
        (eventstream, begun(frame, 15), true),
        (eventstream, begun(frame, 3), true),
        (eventstream, [&frame[..], &frame[..8]].concat(), true),
        (eventstream, b"no frame at all, whatever it is".to_vec(), true),
        (eventstream, b"{\"message\":\"x\"}".to_vec(), true),
        (eventstream, [&frame[..], b"<html>no frame</html>"].concat(), true),
        ("application/grpc-web", b"<html>".to_vec(), true),
        ("application/grpc-web", last(0x40, "one"), true),
        ("application/grpc-web", last(0x80, "x: y\r\n"), true),
        ("application/grpc-web", last(0x80, "grpc-status: abc\r\n"), true),
        ("application/grpc-web", last(0x80, ""), true),
        ("application/grpc-web-text", b"gAAAAAA=".to_vec(), true),
        ("application/connect+json", last(2, " {}"), false),
        ("application/connect+json", last(2, "<html>"), true),
        ("application/connect+json", last(2, ""), false),
        ("application/connect+json", last(2, "[]"), true),
        ("application/connect+json", last(0x80, "{}"), true),
        ("text/event-stream", b"data: {".to_vec(), false),
    ] {
        let headers = [(":status", "200"), ("content-type", media_type)];
        let line = answered(&headers, &[&body], Some(End::Complete), &via_upstream());
        let cut = line.contains(r#""outcome":"error""#) && line.contains(r#""upstream_reset""#);
        assert_eq!(cut, is_cut, "{media_type} {body:?} {line}");
        assert!(line.contains(r#""end":"complete""#), "{line}");
    }
    let headers = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")];
    for (body, outcome) in [(&[][..], "success"), (&one, "success"), (&one[..4], "error")] {
        let line = answered(&headers, &[body], Some(End::Complete), &via_upstream());
        assert!(line.contains(&format!(r#""outcome":"{outcome}""#)), "{body:?} {line}");
    }
}

#[test]
fn an_empty_answer_says_how_the_call_ended_or_it_was_cut() {
    let grpc = "application/grpc";
    for (asked, media_type, status, is_cut) in [
        ("application/json", grpc, "", true),
        (grpc, "application/grpc+proto", "abc", true),
        (grpc, grpc, "", true),
        (grpc, "", "", true),
        (grpc, "text/html", "", true),
        (grpc, "", "0", false),
        (grpc, grpc, "0", false),
        ("application/grpc-web", "application/grpc-web+proto", "", true),
        ("application/grpc-web", "application/grpc-web+proto", "0", false),
        ("application/grpc-web-text", "application/grpc-web-text", "", true),
        ("application/connect+proto", "application/connect+proto", "", true),
        ("application/connect+proto", "", "", true),
        ("application/json", "application/vnd.amazon.eventstream", "", false),
        ("application/json", "text/event-stream", "", false),
        ("application/json", "", "", false),
    ] {
        for has_body in [false, true] {
            let mut call = new_call("{}");
            call.request_headers(bytes(&[("content-type", asked)]), true, || [0; 16]);
            let headers =
                [(":status", "200"), ("content-type", media_type), ("grpc-status", status)];
            let headers: Vec<_> =
                headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            call.response_headers(bytes(&headers), !has_body, micros(1));
            call.end(Side::Response, End::Complete);
            let facts = via_upstream();
            let entry = call.finish(micros(2), &facts);
            let wanted = match is_cut {
                true => (Outcome::Error, Some(Reason::UpstreamReset)),
                false => (Outcome::Success, None),
            };
            let found = (entry.outcome, entry.reason);
            assert_eq!(found, wanted, "{asked} {media_type} {status} {has_body}");
        }
    }
}

#[test]
fn a_gateway_that_answers_behind_an_informational_answer_speaks_for_itself() {
    let after = "upstream_reset_after_response_started{connection_termination}";
    for status in ["100", "102", "103"] {
        let mut call = new_call("{}");
        call.request_headers(bytes(CHAT), true, || [0; 16]);
        call.response_headers(bytes(&[(":status", status)]), false, micros(1));
        let headers = [(":status", "503"), ("content-type", "application/json")];
        call.response_headers(bytes(&headers), false, micros(2));
        call.body(Side::Response, br#"{"error":{"type":"api_error"}}"#, || micros(3));
        call.end(Side::Response, End::Complete);
        let facts = HostFacts { code_details: after.into(), ..HostFacts::default() };
        let line = line(&call.finish(micros(4), &facts));
        assert!(line.contains(r#""outcome":"error""#) && !line.contains("error_type"), "{line}");
        assert!(line.contains(r#""reason":"upstream_reset""#), "{line}");
        assert!(line.contains(r#""end":"local_reply""#), "{line}");
    }
}

#[test]
fn what_is_no_status_is_none() {
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
    for (status, asked, recorded, outcome) in [
        ("000", &[][..], "null", "error"),
        ("0", &[], "null", "error"),
        ("099", &[], "null", "error"),
        ("abc", &[], "null", "error"),
        ("101", &[], "101", "error"),
        ("101", &upgrade, "101", "success"),
        ("101", &[("upgrade", "spdy/3.1")], "101", "success"),
        ("200", &[], "200", "success"),
    ] {
        let mut call = new_call("{}");
        let headers = [CHAT, asked].concat();
        call.request_headers(bytes(&headers), true, || [0; 16]);
        call.response_headers(bytes(&[(":status", status)]), true, micros(1));
        let facts = HostFacts { status: status.parse().ok(), ..via_upstream() };
        let line = line(&call.finish(micros(2), &facts));
        assert!(line.contains(&format!(r#""status":{recorded},"#)), "{line}");
        assert!(line.contains(&format!(r#""outcome":"{outcome}""#)), "{status} {line}");
        assert!(outcome == "success" || line.contains(r#""upstream_response""#), "{line}");
    }
}

/// What the counts of all rules, the operator's own among them, take in both messages of an entry.
const MAX_MASKED_BYTES: usize = 15_600;

/// What a host may tell a call, in any order.
#[derive(Clone, Debug)]
enum Step {
    RequestHeaders(Vec<(Vec<u8>, Vec<u8>)>, bool),
    RequestBody(Vec<u8>),
    RequestLost,
    RequestEnd(bool),
    ResponseHeaders(Vec<(Vec<u8>, Vec<u8>)>, bool),
    ResponseBody(Vec<u8>),
    ResponseEnd(bool),
    Provisional,
}

fn headers() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let names = prop::sample::select(vec![
        ":authority",
        ":path",
        ":method",
        ":status",
        "content-type",
        "content-encoding",
        "retry-after",
        "traceparent",
        "upgrade",
        "mcp-method",
        "x-request-id",
        "x-agent-id",
        "x-user-id",
        "user-agent",
        "x",
    ]);
    let known = prop::sample::select(vec![
        "101",
        "websocket",
        "application/json",
        "application/grpc",
        "application/vnd.amazon.eventstream",
        "text/event-stream",
        "api.openai.com",
        "/v1/responses",
    ]);
    let value = prop_oneof![
        known.prop_map(|value| value.as_bytes().to_vec()),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        any::<Vec<u8>>()
    ];
    prop::collection::vec((names.prop_map(|name| name.as_bytes().to_vec()), value), 0..12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (headers(), any::<bool>()).prop_map(|(headers, end)| Step::RequestHeaders(headers, end)),
        any::<Vec<u8>>().prop_map(Step::RequestBody),
        Just(Step::RequestLost),
        any::<bool>().prop_map(Step::RequestEnd),
        (headers(), any::<bool>()).prop_map(|(headers, end)| Step::ResponseHeaders(headers, end)),
        any::<Vec<u8>>().prop_map(Step::ResponseBody),
        any::<bool>().prop_map(Step::ResponseEnd),
        Just(Step::Provisional),
    ];
    prop::collection::vec(step, 0..16)
}

fn take(call: &mut Call, step: Step) {
    let end = |trailers| if trailers { End::Trailers } else { End::Complete };
    match step {
        Step::RequestHeaders(headers, end) => {
            let headers = headers.iter().map(|(name, value)| (&**name, &**value));
            call.request_headers(headers, end, || [7; 16]);
        }
        Step::RequestBody(chunk) => call.body(Side::Request, &chunk, || micros(8)),
        Step::RequestLost => call.lose_body(Side::Request),
        Step::RequestEnd(trailers) => call.end(Side::Request, end(trailers)),
        Step::ResponseHeaders(headers, end) => {
            let headers = headers.iter().map(|(name, value)| (&**name, &**value));
            call.response_headers(headers, end, micros(1));
        }
        Step::ResponseBody(chunk) => call.body(Side::Response, &chunk, || micros(8)),
        Step::ResponseEnd(trailers) => call.end(Side::Response, end(trailers)),
        Step::Provisional => drop(line(&call.provisional())),
    }
}

proptest! {
    #[test]
    fn any_sequence_of_steps_ends_in_one_readable_entry(
        steps in steps(),
        details in prop::sample::select(vec!["", "via_upstream", "route_not_found", "http1.codec_error"]),
    ) {
        let mut call = new_call("{}");
        steps.into_iter().for_each(|step| take(&mut call, step));
        let facts = HostFacts { code_details: details.into(), ..via_upstream() };
        let line = line(&call.finish(micros(2), &facts));
        prop_assert!(line.is_ascii() && line.len() <= MAX_ENTRY_BYTES);
        let entry: Entry<'_> = serde_json::from_str(&line).unwrap();
        prop_assert!(!entry.provisional && !line.contains(":\"\""), "{}", line);
    }
}
