//! Every call to the host, and nothing else.
//!
//! The SDK's own wrappers panic on a status that they do not know, on a header byte that is not
//! UTF-8, and on a property that the host cannot serialize; each of these can be had from outside,
//! and a panic kills the VM of a whole worker with every call on it. The functions here take the
//! same imports (proxy-wasm ABI 0.2.1) with the status as a plain number: anything but 0 reads as
//! "the host did not say".

use std::{cell::RefCell, ffi::OsString, ops::Deref, ptr, time::Duration};

use ledgerline_core::{
    call::Side,
    metric::Counter,
    refusal::Refusal,
    time::{Monotonic, Timestamp},
};

use crate::pairs::{self, Pairs};

/// Body bytes are copied into the VM in slices of this size. The memory of a VM never shrinks, so a
/// megabyte chunk must not become a megabyte of VM.
const SLICE_BYTES: usize = 64 * 1024;

const OK: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_set_effective_context(context_id: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, nanos: *mut u64) -> u32;
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

/// Bytes that the host wrote into memory which the SDK's `proxy_on_memory_allocate` gave it.
#[derive(Default)]
pub(crate) struct HostBytes(Vec<u8>);

impl Deref for HostBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl HostBytes {
    /// Calls the host, which answers with a status and, if that is `OK`, an allocation of `size`.
    fn read(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Self> {
        let (mut data, mut size) = (ptr::null_mut(), 0);
        if call(&raw mut data, &raw mut size) != OK {
            return None;
        }
        if data.is_null() {
            return Some(Self::default());
        }
        // SAFETY: `proxy_on_memory_allocate` made this allocation as a boxed slice of `size` bytes
        // in this VM, the host filled all of them, and nobody else keeps the pointer.
        Some(Self(unsafe { Vec::from_raw_parts(data, size, size) }))
    }
}

/// The ABI's `MapType` of the headers of a message.
fn map_type(side: Side) -> u32 {
    match side {
        Side::Request => 0,
        Side::Response => 2,
    }
}

/// The ABI's `MapType` of the trailers of a message.
fn trailers_type(side: Side) -> u32 {
    match side {
        Side::Request => 1,
        Side::Response => 3,
    }
}

/// The ABI's `BufferType` of the body of a message.
fn buffer_type(side: Side) -> u32 {
    match side {
        Side::Request => 0,
        Side::Response => 1,
    }
}

/// A copy of a header map.
pub(crate) struct HeaderMap(HostBytes);

impl HeaderMap {
    pub(crate) fn pairs(&self) -> Pairs<'_> {
        Pairs::new(&self.0)
    }
}

pub(crate) fn headers(side: Side) -> HeaderMap {
    header_map(map_type(side))
}

pub(crate) fn trailers(side: Side) -> HeaderMap {
    header_map(trailers_type(side))
}

fn header_map(map_type: u32) -> HeaderMap {
    // SAFETY: both out-pointers are valid for the call.
    let map =
        HostBytes::read(|data, size| unsafe { proxy_get_header_map_pairs(map_type, data, size) });
    HeaderMap(map.unwrap_or_default())
}

pub(crate) fn remove_header(side: Side, name: &str) {
    remove(map_type(side), name);
}

pub(crate) fn remove_trailer(side: Side, name: &str) {
    remove(trailers_type(side), name);
}

fn remove(map_type: u32, name: &str) {
    // SAFETY: the name is valid for the call.
    unsafe { proxy_remove_header_map_value(map_type, name.as_ptr(), name.len()) };
}

pub(crate) fn set_header(side: Side, name: &str, value: &[u8]) {
    set(map_type(side), name, value);
}

pub(crate) fn set_request_trailer(name: &str, value: &[u8]) {
    set(trailers_type(Side::Request), name, value);
}

fn set(map_type: u32, name: &str, value: &[u8]) {
    // SAFETY: name and value are valid for the call.
    unsafe {
        proxy_replace_header_map_value(
            map_type,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
}

/// The `size` bytes of the chunk that the host is at, slice by slice; `None` for one that it did
/// not hand over.
pub(crate) fn body(side: Side, size: usize) -> impl Iterator<Item = Option<HostBytes>> {
    (0..size).step_by(SLICE_BYTES).map(move |start| {
        let wanted = SLICE_BYTES.min(size.saturating_sub(start));
        let slice = buffer(buffer_type(side), start, wanted);
        slice.filter(|bytes| bytes.len() == wanted)
    })
}

/// Puts `bytes` in the place of the `size` bytes of the chunk that the host is at; whether it did.
///
/// Envoy replaces from the start of the chunk or appends to it, and nothing in between; it does not
/// touch `content-length` (its `Buffer::copyFrom`).
#[must_use]
pub(crate) fn replace_body(side: Side, size: usize, bytes: &[u8]) -> bool {
    // SAFETY: the bytes are valid for the call.
    let status =
        unsafe { proxy_set_buffer_bytes(buffer_type(side), 0, size, bytes.as_ptr(), bytes.len()) };
    if status != OK {
        log::error!("ledgerline: the host refused the masked body (status {status})");
    }
    status == OK
}

/// Answers the call itself. Envoy does so once the callback has returned.
pub(crate) fn answer(refusal: &Refusal) {
    const NOT_GRPC: i32 = -1;
    let headers = pairs::serialize(&refusal.headers());
    // SAFETY: body and headers are valid for the call; there are no details. With details Envoy's
    // own answers would take the place of this body.
    let status = unsafe {
        proxy_send_local_response(
            refusal.status.into(),
            ptr::null(),
            0,
            refusal.body.as_ptr(),
            refusal.body.len(),
            headers.as_ptr(),
            headers.len(),
            NOT_GRPC,
        )
    };
    if status != OK {
        count(Counter::Faults, 1);
        log::error!(
            "ledgerline: the host refused an answer (status {status}); the call stays paused"
        );
    }
}

fn buffer(buffer: u32, start: usize, max_size: usize) -> Option<HostBytes> {
    // SAFETY: both out-pointers are valid for the call.
    HostBytes::read(|data, size| unsafe {
        proxy_get_buffer_bytes(buffer, start, max_size, data, size)
    })
}

pub(crate) fn plugin_configuration() -> HostBytes {
    const PLUGIN_CONFIGURATION: u32 = 7;
    buffer(PLUGIN_CONFIGURATION, 0, usize::MAX).unwrap_or_default()
}

pub(crate) fn response_status() -> Option<u16> {
    u16::try_from(number(b"response\0code")?).ok()
}

pub(crate) fn response_code_details() -> Vec<u8> {
    property(b"response\0code_details").unwrap_or_default().0
}

/// The version of HTTP that the caller speaks, such as `HTTP/1.1`.
pub(crate) fn request_protocol() -> Vec<u8> {
    property(b"request\0protocol").unwrap_or_default().0
}

pub(crate) fn route_name() -> Vec<u8> {
    property(b"xds\0route_name").unwrap_or_default().0
}

pub(crate) fn upstream_address() -> Vec<u8> {
    property(b"upstream\0address").unwrap_or_default().0
}

pub(crate) fn upstream_attempts() -> Option<u64> {
    number(b"upstream\0request_attempt_count")
}

/// A number among the host's properties: 8 bytes, little-endian.
fn number(path: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*property(path)?.first_chunk()?))
}

fn property(path: &[u8]) -> Option<HostBytes> {
    // SAFETY: the path and both out-pointers are valid for the call.
    HostBytes::read(|data, size| unsafe {
        proxy_get_property(path.as_ptr(), path.len(), data, size)
    })
}

/// Sets the property that the access log prints as `%FILTER_STATE(wasm.ledgerline:PLAIN)%`.
pub(crate) fn set_entry(line: &[u8]) {
    const NAME: &[u8] = b"ledgerline";
    // SAFETY: name and line are valid for the call.
    let status =
        unsafe { proxy_set_property(NAME.as_ptr(), NAME.len(), line.as_ptr(), line.len()) };
    if status != OK {
        count(Counter::Faults, 1);
        log::error!("ledgerline: the host refused the entry (status {status})");
    }
}

/// Adds to a counter. Where the host refuses it nothing is counted, and nothing else is different.
pub(crate) fn count(counter: Counter, by: u64) {
    thread_local!(static IDS: Vec<(Counter, u32)> = defined().collect());
    let id = IDS.with(|ids| ids.iter().find(|(each, _)| *each == counter).map(|(_, id)| *id));
    if let Some(id) = id {
        // SAFETY: the call takes numbers only.
        unsafe { proxy_increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX)) };
    }
}

/// The counters that the host takes, all at once and once for this VM: one that stands at 0 can be
/// watched, one that is not there cannot.
fn defined() -> impl Iterator<Item = (Counter, u32)> {
    Counter::ALL.into_iter().filter_map(|counter| Some((counter, define(&counter.name())?)))
}

fn define(name: &str) -> Option<u32> {
    const COUNTER: u32 = 0;
    let mut id = 0;
    // SAFETY: the name and the out-pointer are valid for the call.
    let status = unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) };
    if status != OK {
        log::warn!("ledgerline: the host refused the counter {name} (status {status})");
    }
    (status == OK).then_some(id)
}

/// Lets the host choose a route for the changed request.
pub(crate) fn clear_route_cache() {
    const NAME: &[u8] = b"clear_route_cache";
    let results = HostBytes::read(|data, size| {
        // SAFETY: the name and both out-pointers are valid for the call; there are no arguments.
        unsafe {
            proxy_call_foreign_function(NAME.as_ptr(), NAME.len(), ptr::null(), 0, data, size)
        }
    });
    if results.is_none() {
        count(Counter::Faults, 1);
        log::error!("ledgerline: the host has no `clear_route_cache`; the call keeps its route");
    }
}

/// Has the host call the plugin back again and again, with this much time in between.
pub(crate) fn set_tick_period(period: Duration) {
    let period = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    // SAFETY: the call takes numbers only.
    let status = unsafe { proxy_set_tick_period_milliseconds(period) };
    if status != OK {
        log::error!(
            "ledgerline: the host gives no tick (status {status}); provisional entries say nothing \
             of what crossed behind the headers"
        );
    }
}

/// Until the end of this callback the host calls are those of another context; whether it is there.
#[must_use]
pub(crate) fn act_for(context_id: u32) -> bool {
    // SAFETY: the call takes numbers only.
    unsafe { proxy_set_effective_context(context_id) == OK }
}

pub(crate) fn wall_clock() -> Timestamp {
    const REALTIME: u32 = 0;
    Timestamp::from_nanos(clock(REALTIME))
}

pub(crate) fn monotonic_clock() -> Monotonic {
    const MONOTONIC: u32 = 1;
    Monotonic::from_micros(clock(MONOTONIC) / 1_000)
}

fn clock(id: u32) -> u64 {
    let mut nanos = 0;
    // SAFETY: the out-pointer is valid for the call; on failure it stays 0.
    unsafe { clock_time_get(id, 0, &raw mut nanos) };
    nanos
}

/// An environment variable of this VM, if the host passes it on.
pub(crate) fn environment(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(OsString::into_encoded_bytes)
}

/// 16 random bytes from the host; zeros if it has none.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // SAFETY: the buffer is valid for the call and as long as it says.
    unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    bytes
}

/// Lends the one line buffer of this VM, empty: entries are written one at a time.
pub(crate) fn with_line(write: impl FnOnce(&mut Vec<u8>)) {
    thread_local!(static LINE: RefCell<Vec<u8>> = RefCell::default());
    LINE.with(|line| {
        if let Ok(mut line) = line.try_borrow_mut() {
            line.clear();
            write(&mut line);
        }
    });
}
