//! The built module in an interpreter, before a host that counts, refuses and forgets.
//!
//! Envoy cannot be made to fail a single host call, and its time says little on a busy machine. What
//! can be held fast here is what Envoy's time comes from: how often the module calls its host, and
//! how much memory it takes.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use ledgerline_tests::workspace;
use wasmi::{Caller, Engine, Func, Instance, Linker, Module, Store, Val};

const REQUEST: &[(&[u8], &[u8])] = &[
    (b":authority", b"localhost:10000"),
    (b":path", b"/api.example.com/v1/chat/completions?key=1"),
    (b":method", b"POST"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"OpenAI/Python 3.52.0"),
    (b"x-agent-id", b"billing"),
    (b"x-user-id", b"u_1"),
    (b"x-request-id", b"f2b1"),
];
const RESPONSE: &[(&[u8], &[u8])] = &[(b":status", b"200"), (b"content-type", b"application/json")];

const OK: i32 = 0;
const CONTINUE: i32 = 0;
const NOT_FOUND: i32 = 1;

/// A proxy-wasm host with one call under way.
#[derive(Default)]
struct Host {
    calls: BTreeMap<String, u32>,
    /// What every call but `proxy_log` answers instead of its result.
    refusal: Option<i32>,
    /// The one call that is refused where the others are not.
    refused_call: Option<&'static str>,
    configuration: Vec<u8>,
    request: Vec<u8>,
    response: Vec<u8>,
    /// The chunk that the host is at; the module may change it.
    chunk: Vec<u8>,
    entries: Vec<String>,
    /// Every counter by its name; its place is its id.
    counters: Vec<(String, i64)>,
}

/// A module with its root context made and configured, and the call `CALL` created.
struct Plugin {
    store: Store<Host>,
    instance: Instance,
}

const ROOT: i32 = 1;
const CALL: i32 = 2;

impl Plugin {
    fn start(host: Host) -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, fs::read(workspace::module().unwrap()).unwrap()).unwrap();
        let mut store = Store::new(&engine, host);
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            let name = import.name().to_owned();
            let signature = import.ty().func().unwrap().clone();
            let function = Func::new(&mut store, signature, move |caller, arguments, results| {
                let status = answer(caller, &name, arguments);
                if let Some(result) = results.first_mut() {
                    *result = Val::I32(status);
                }
                Ok(())
            });
            linker.define(import.module(), import.name(), function).unwrap();
        }
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let mut plugin = Self { store, instance };
        plugin.tell("_initialize", &[]);
        plugin.tell("proxy_on_context_create", &[ROOT, 0]);
        plugin.tell("proxy_on_vm_start", &[ROOT, 0]);
        plugin
    }

    /// Calls the module back; its answer, if it gives one. A trap fails the test.
    fn tell(&mut self, callback: &str, arguments: &[i32]) -> Option<i32> {
        let function = self.instance.get_func(&self.store, callback).unwrap();
        let arguments: Vec<_> = arguments.iter().copied().map(Val::I32).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results).unwrap();
        results.first().and_then(Val::i32)
    }

    fn configure(&mut self) -> bool {
        let size = i32::try_from(self.host().configuration.len()).unwrap();
        self.tell("proxy_on_configure", &[ROOT, size]) == Some(1)
    }

    /// Hands over a chunk; whether it goes on.
    fn body(&mut self, callback: &str, chunk: Vec<u8>, end: bool) -> bool {
        let size = i32::try_from(chunk.len()).unwrap();
        self.host().chunk = chunk;
        self.tell(callback, &[CALL, size, i32::from(end)]) == Some(CONTINUE)
    }

    /// Hands over a chunk of the request; what of it goes on.
    fn sent(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let goes_on = self.body("proxy_on_request_body", chunk.to_vec(), end);
        if goes_on { self.host().chunk.clone() } else { Vec::new() }
    }

    /// A call whose request headers were seen, with a configuration of its own.
    fn begin(configuration: &str) -> Self {
        let mut plugin = Self::start(Host { configuration: configuration.into(), ..typical() });
        assert!(plugin.configure());
        plugin.host().calls.clear();
        plugin.begin_call();
        plugin
    }

    fn begin_call(&mut self) {
        self.tell("proxy_on_context_create", &[CALL, ROOT]);
        self.tell("proxy_on_request_headers", &[CALL, 0, 0]);
    }

    fn count(&mut self, call: &str) -> u32 {
        self.host().calls.get(call).copied().unwrap_or_default()
    }

    /// A whole call with one chunk each way.
    fn call(&mut self) {
        self.tell("proxy_on_context_create", &[CALL, ROOT]);
        self.tell("proxy_on_request_headers", &[CALL, 0, 0]);
        self.body("proxy_on_request_body", vec![b'a'; 1024], true);
        self.tell("proxy_on_response_headers", &[CALL, 0, 0]);
        self.body("proxy_on_response_body", vec![b'b'; 1024], true);
        self.end();
    }

    fn end(&mut self) {
        self.tell("proxy_on_log", &[CALL]);
        self.tell("proxy_on_done", &[CALL]);
        self.tell("proxy_on_delete", &[CALL]);
    }

    fn counters(&mut self) -> Vec<(&str, i64)> {
        let counters = self.host().counters.iter().filter(|(_, count)| *count > 0);
        counters.map(|(name, count)| (name.as_str(), *count)).collect()
    }

    fn host(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    fn memory_bytes(&self) -> usize {
        self.instance.get_memory(&self.store, "memory").unwrap().data_size(&self.store)
    }
}

fn a_call_through(host: Host) -> Plugin {
    let mut plugin = Plugin::start(host);
    assert!(plugin.configure());
    plugin.host().calls.clear();
    plugin.call();
    plugin
}

fn typical() -> Host {
    let configuration = br#"{"upstream":{"attempts":false}}"#.to_vec();
    let (request, response) = (serialized(REQUEST), serialized(RESPONSE));
    Host { configuration, request, response, ..Host::default() }
}

fn serialized(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut map = u32::try_from(pairs.len()).unwrap().to_le_bytes().to_vec();
    pairs.iter().for_each(|(name, value)| map.extend([length(name), length(value)].concat()));
    pairs.iter().for_each(|(name, value)| map.extend([*name, b"\0", *value, b"\0"].concat()));
    map
}

/// What the host does for a call by name; the status.
fn answer(mut caller: Caller<'_, Host>, name: &str, arguments: &[Val]) -> i32 {
    *caller.data_mut().calls.entry(name.to_owned()).or_default() += 1;
    let number = |at: usize| arguments[at].i32().unwrap();
    if name == "proxy_log" {
        return OK;
    }
    if let Some(refusal) = caller.data().refusal {
        return refusal;
    }
    if caller.data().refused_call == Some(name) {
        return NOT_FOUND;
    }
    match name {
        "proxy_get_header_map_pairs" if number(0) == 0 => {
            let map = caller.data().request.clone();
            give(&mut caller, &map, number(1), number(2))
        }
        "proxy_get_header_map_pairs" => {
            let map = caller.data().response.clone();
            give(&mut caller, &map, number(1), number(2))
        }
        "proxy_get_buffer_bytes" if number(0) == 7 => {
            let configuration = caller.data().configuration.clone();
            give(&mut caller, &configuration, number(3), number(4))
        }
        "proxy_get_buffer_bytes" => {
            let (start, most) =
                (usize::try_from(number(1)).unwrap(), usize::try_from(number(2)).unwrap());
            let chunk = &caller.data().chunk;
            let slice = chunk[start..chunk.len().min(start + most)].to_vec();
            give(&mut caller, &slice, number(3), number(4))
        }
        "proxy_set_buffer_bytes" => {
            assert_eq!((number(0), number(1)), (0, 0), "only a whole request chunk is replaced");
            assert_eq!(usize::try_from(number(2)).unwrap(), caller.data().chunk.len());
            caller.data_mut().chunk = read(&caller, number(3), number(4));
            OK
        }
        "proxy_get_property" => match &*read(&caller, number(0), number(1)) {
            b"response\0code_details" => give(&mut caller, b"via_upstream", number(2), number(3)),
            b"upstream\0address" => give(&mut caller, b"192.0.2.1:443", number(2), number(3)),
            _ => NOT_FOUND,
        },
        "proxy_set_property" => {
            let entry = String::from_utf8(read(&caller, number(2), number(3))).unwrap();
            caller.data_mut().entries.push(entry);
            OK
        }
        "proxy_define_metric" => {
            assert_eq!(number(0), 0, "only counters are kept");
            let name = String::from_utf8(read(&caller, number(1), number(2))).unwrap();
            let id = i32::try_from(caller.data().counters.len()).unwrap();
            caller.data_mut().counters.push((name, 0));
            write(&mut caller, number(3), &id.to_le_bytes());
            OK
        }
        "proxy_increment_metric" => {
            let id = usize::try_from(number(0)).unwrap();
            caller.data_mut().counters[id].1 += arguments[1].i64().unwrap();
            OK
        }
        _ => OK,
    }
}

fn read(caller: &Caller<'_, Host>, start: i32, size: i32) -> Vec<u8> {
    let memory = caller.get_export("memory").unwrap().into_memory().unwrap();
    let start = usize::try_from(start).unwrap();
    memory.data(caller)[start..start + usize::try_from(size).unwrap()].to_vec()
}

fn write(caller: &mut Caller<'_, Host>, start: i32, bytes: &[u8]) {
    let memory = caller.get_export("memory").unwrap().into_memory().unwrap();
    memory.write(caller, usize::try_from(start).unwrap(), bytes).unwrap();
}

/// Writes `bytes` into memory that the module allocates, and their place and size where it wants them.
fn give(caller: &mut Caller<'_, Host>, bytes: &[u8], place: i32, size: i32) -> i32 {
    let allocate = caller.get_export("proxy_on_memory_allocate").unwrap().into_func().unwrap();
    let length = i32::try_from(bytes.len()).unwrap();
    let mut allocated = [Val::I32(0)];
    allocate.call(&mut *caller, &[Val::I32(length)], &mut allocated).unwrap();
    let address = allocated[0].i32().unwrap();
    write(caller, address, bytes);
    write(caller, place, &address.to_le_bytes());
    write(caller, size, &length.to_le_bytes());
    OK
}

#[test]
fn a_plain_call_asks_the_host_no_more_than_it_must() {
    let mut plugin = a_call_through(typical());
    let calls: Vec<_> =
        plugin.host().calls.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let expected = [
        ("clock_time_get", 5), // wall; monotonic at start, first byte, end, and for a body without a length
        ("proxy_call_foreign_function", 1), // clear_route_cache: path style
        ("proxy_get_buffer_bytes", 2), // a chunk each way
        ("proxy_get_header_map_pairs", 2),
        ("proxy_get_property", 3), // version of HTTP, code details, upstream address
        ("proxy_increment_metric", 2), // the call, its final entry
        ("proxy_remove_header_map_value", 2), // x-agent-id, x-user-id
        ("proxy_replace_header_map_value", 3), // correlation id; authority and path: path style
        ("proxy_set_property", 3), // two provisional entries and the final one
    ];
    assert_eq!(calls, expected);
    let [first, second, last] = &*plugin.host().entries else { panic!("three entries expected") };
    assert!(first.contains(r#""provisional":true"#) && second.contains(r#""provisional":true"#));
    assert!(last.contains(r#""outcome":"success""#) && !last.contains("provisional"), "{last}");
}

#[test]
fn what_crossed_is_in_the_entry_a_second_later_whatever_follows() {
    let mut plugin = Plugin::begin("{}");
    let tick = |plugin: &mut Plugin| {
        plugin.tell("proxy_on_tick", &[ROOT]);
        plugin.host().entries.len()
    };
    assert_eq!((0..8).map(|_| tick(&mut plugin)).collect::<Vec<_>>(), [1; 8]);
    plugin.sent(b"some ", false);
    plugin.sent(b"bytes", false);
    assert_eq!((0..8).map(|_| tick(&mut plugin)).collect::<Vec<_>>(), [1, 1, 1, 2, 2, 2, 2, 2]);
    let entry = plugin.host().entries.pop().unwrap();
    assert!(entry.contains(r#""request":{"bytes":10"#), "{entry}");
    assert!(entry.contains("192.0.2.1:443") && entry.contains("provisional"), "{entry}");
    // Where the call is gone the host says so, and nothing is set.
    plugin.sent(b"more", false);
    plugin.host().refused_call = Some("proxy_set_effective_context");
    assert_eq!((0..4).map(|_| tick(&mut plugin)).max(), Some(1));
    plugin.host().refused_call = None;
    plugin.sent(b"more", true);
    plugin.end();
    let ended = plugin.host().entries.len();
    assert_eq!((0..8).map(|_| tick(&mut plugin)).max(), Some(ended));
}

#[test]
fn a_host_that_refuses_everything_traps_nothing() {
    for refusal in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255, -1] {
        let mut plugin = Plugin::start(Host { configuration: b"{}".to_vec(), ..Host::default() });
        assert!(plugin.configure());
        plugin.host().refusal = Some(refusal);
        plugin.call();
        plugin.tell("proxy_on_tick", &[ROOT]);
    }
}

#[test]
fn what_is_counted_is_what_the_entries_say() {
    let mut plugin = a_call_through(typical());
    let origin = ("ledgerline_origins_total", 1);
    let success = ("outcome=.=success;.;ledgerline_entries_total", 1);
    assert_eq!(plugin.counters(), [("ledgerline_calls_total", 1), success, origin]);

    // Its end is all that is heard of this one.
    plugin.tell("proxy_on_context_create", &[CALL, ROOT]);
    plugin.end();
    assert_eq!(plugin.counters()[0], ("ledgerline_calls_total", 2));

    let mut plugin = Plugin::begin("{}");
    plugin.sent(br#"{"password":"hunter2","n":1}"#, true);
    plugin.end();
    let masked = ("side=.=request;.;ledgerline_masked_total", 1);
    assert!(plugin.counters().contains(&masked), "{:?}", plugin.counters());
}

#[test]
fn a_fault_is_counted_once_for_each_refusal_of_the_host() {
    for (refused_call, faults) in [
        ("proxy_set_property", 2),     // the provisional entry and the final one
        ("proxy_set_buffer_bytes", 1), // the call ends as `filter_fault`
        ("proxy_call_foreign_function", 1),
        ("proxy_send_local_response", 2), // the answer, and what the host did not hand over
    ] {
        let configuration = MASKING.into();
        let mut plugin = Plugin::start(Host { configuration, ..typical() });
        assert!(plugin.configure());
        plugin.host().refused_call = Some(refused_call);
        plugin.tell("proxy_on_context_create", &[CALL, ROOT]);
        plugin.tell("proxy_on_request_headers", &[CALL, 0, 0]);
        if refused_call == "proxy_send_local_response" {
            plugin.host().chunk.clear();
            plugin.tell("proxy_on_request_body", &[CALL, 10, 1]);
        } else {
            plugin.sent(br#"{"password":"hunter2"}"#, true);
        }
        plugin.end();
        let counted = plugin.counters();
        assert!(
            counted.contains(&("ledgerline_faults_total", faults)),
            "{refused_call}: {counted:?}"
        );
    }
}

#[test]
fn a_host_without_counters_gets_the_same_entries() {
    let entries = |refused_call| {
        let mut plugin = a_call_through(Host { refused_call, ..typical() });
        let mut entries = std::mem::take(&mut plugin.host().entries);
        // Ids and clocks are the same in this host, too: all of them are 0.
        entries.iter_mut().for_each(|entry| *entry = entry.replace("00000000-0000", ""));
        entries
    };
    let expected = entries(None);
    assert_eq!(expected.len(), 3);
    for refused_call in ["proxy_define_metric", "proxy_increment_metric"] {
        assert_eq!(entries(Some(refused_call)), expected, "{refused_call}");
    }
}

/// What a manifest lets the module call and be called for.
fn allowed_capabilities(manifest: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(workspace::root().join(manifest)).unwrap();
    let list = manifest.split_once("allowed_capabilities:").unwrap().1.lines().skip(1);
    let names = list.map_while(|line| line.trim().split_once(": {}").map(|(name, _)| name));
    names.map(str::to_owned).collect()
}

#[test]
fn the_overlays_allow_what_the_gateway_allows() {
    let expected = allowed_capabilities("envoy/egress.yaml");
    assert!(expected.contains("proxy_on_tick") && expected.len() > 30, "{expected:?}");
    for manifest in [
        "k8s/components/filter-limits/envoy-filter.yaml",
        "k8s/overlays/envoy-gateway/patches.yaml",
    ] {
        assert_eq!(allowed_capabilities(manifest), expected, "{manifest}");
    }
}

/// The SDK imports more than the module ever calls, so what it may call is for the host to say.
#[test]
fn the_gateway_allows_what_the_module_calls_and_no_more() {
    let granted = allowed_capabilities("envoy/egress.yaml");
    let allowed: BTreeSet<_> =
        granted.iter().map(String::as_str).filter(|name| !name.starts_with("proxy_on_")).collect();

    let mut called = BTreeSet::new();
    for configuration in
        [r#"{"correlation":{"from":[]}}"#, MASKING, r#"{"hosts":[{"hosts":["*"],"call":"deny"}]}"#]
    {
        let mut plugin = Plugin::start(Host { configuration: configuration.into(), ..typical() });
        assert!(plugin.configure());
        plugin.call();
        plugin.begin_call();
        plugin.sent(br#"{"password":"hunter2"}"#, true);
        for _ in 0..4 {
            plugin.tell("proxy_on_tick", &[ROOT]);
        }
        called.extend(plugin.host().calls.keys().cloned());
    }
    // Where a key is in the environment, where something fails, and where the VM dies.
    let seldom = ["environ_get", "environ_sizes_get", "proxy_log", "fd_write", "proc_exit"];
    called.extend(seldom.map(str::to_owned));
    assert_eq!(allowed, called.iter().map(String::as_str).collect());

    let document = fs::read_to_string(workspace::root().join("docs/gateway.md")).unwrap();
    let sentence = format!("The module may call {} host functions", allowed.len());
    assert!(document.contains(&sentence), "docs/gateway.md does not say: {sentence}");
}

#[test]
fn an_end_at_any_moment_traps_nothing_and_leaves_an_entry() {
    for steps in 0..4 {
        let mut plugin = Plugin::start(typical());
        assert!(plugin.configure());
        plugin.tell("proxy_on_context_create", &[CALL, ROOT]);
        if steps > 0 {
            plugin.tell("proxy_on_request_headers", &[CALL, 0, 0]);
        }
        if steps > 1 {
            plugin.body("proxy_on_request_body", vec![0; 10], false);
        }
        if steps > 2 {
            plugin.tell("proxy_on_response_headers", &[CALL, 0, 1]);
        }
        plugin.end();
        let last = plugin.host().entries.pop().unwrap();
        assert!(last.contains(r#""timing""#) && !last.contains("provisional"), "{last}");
    }
}

#[test]
fn memory_stays_where_the_first_chunk_left_it() {
    let mut plugin = Plugin::start(typical());
    assert!(plugin.configure());
    plugin.tell("proxy_on_context_create", &[CALL, ROOT]);
    plugin.tell("proxy_on_request_headers", &[CALL, 0, 0]);
    plugin.body("proxy_on_request_body", vec![b'a'; 256 * 1024], false);
    let bytes = plugin.memory_bytes();
    for _ in 0..4 {
        plugin.body("proxy_on_request_body", vec![b'a'; 256 * 1024], false);
    }
    assert_eq!(plugin.memory_bytes(), bytes);
    assert!(bytes <= 2 * 1024 * 1024, "{bytes} bytes of VM memory");
}

const MASKING: &str = r#"{"mask":{"outbound":true}}"#;
const DENYING: &str = r#"{"mask":{"secret_to_wrong_host":"deny"}}"#;

#[test]
fn a_body_without_secrets_is_read_and_left_alone() {
    for configuration in [MASKING, DENYING] {
        let mut plugin = Plugin::begin(configuration);
        assert_eq!(plugin.sent(b"{\"n\":1}", false), b"{\"n\":1}");
        assert_eq!(plugin.sent(b"", true), b"");
        assert_eq!(plugin.count("proxy_set_buffer_bytes"), 0);
        assert_eq!(plugin.count("proxy_get_buffer_bytes"), 1);
    }
}

#[test]
fn a_masked_body_goes_on_byte_by_byte() {
    let mut plugin = Plugin::begin(MASKING);
    let mut sent = Vec::new();
    for byte in br#"{"password":"hunter2","n":1}"# {
        sent.extend(plugin.sent(&[*byte], false));
    }
    sent.extend(plugin.sent(b"", true));
    assert_eq!(sent, br#"{"password":"***REDACTED***","n":1}"#);
    plugin.end();
    let last = plugin.host().entries.pop().unwrap();
    let hash = ledgerline_tests::payload::sha256(&sent);
    assert!(last.contains(&format!(r#""request_hash":"{hash}""#)), "{last}");
}

#[test]
fn what_the_host_does_not_take_or_hand_over_does_not_go_on() {
    for refused_call in ["proxy_set_buffer_bytes", "proxy_get_buffer_bytes"] {
        let mut plugin = Plugin::begin(MASKING);
        plugin.host().refused_call = Some(refused_call);
        assert_eq!(plugin.sent(br#"{"password":"hunter2"}"#, false), b"");
        assert_eq!(plugin.count("proxy_send_local_response"), 1);
        assert_eq!(plugin.sent(br#"{"n":1}"#, true), b"");
        assert_eq!(plugin.count("proxy_send_local_response"), 1);
        plugin.end();
        let last = plugin.host().entries.pop().unwrap();
        assert!(last.contains(r#""reason":"filter_fault""#), "{last}");
    }
}

#[test]
fn a_refused_call_goes_no_further() {
    let key = format!("AKIA{}", "Z7Q2M5XR3KTW6PLH");
    let mut plugin = Plugin::begin(DENYING);
    assert_eq!(plugin.sent(format!("use {key} ").as_bytes(), false), b"");
    assert_eq!(plugin.sent(b"and go on", true), b"");
    assert_eq!(plugin.count("proxy_send_local_response"), 1);
    plugin.end();
    let last = plugin.host().entries.pop().unwrap();
    assert!(last.contains(r#""reason":"secret_to_wrong_host""#) && !last.contains(&key), "{last}");
}

#[test]
fn a_wrong_configuration_is_refused() {
    for configuration in ["[]", r#"{"identiy":{}}"#, r#"{"headers":{"log_request":["cookie"]}}"#] {
        let mut plugin =
            Plugin::start(Host { configuration: configuration.into(), ..Host::default() });
        assert!(!plugin.configure(), "{configuration}");
        assert_eq!(plugin.host().calls["proxy_log"], 1);
    }
}
