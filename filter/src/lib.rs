//! The proxy-wasm shell around `ledgerline-core`: takes bytes from the host, hands them to the
//! [`Call`], and does what it answers.
//!
//! Each callback is a few lines and returns `Continue`. It pauses the stream in one case only: the
//! call is refused, and the gateway's own answer is under way. All host calls are in [`host`]; none
//! of them panics.
//!
//! # Bodies that are changed
//!
//! Where secrets are masked on the way out, or a secret must not leave for the wrong host, the
//! request body goes through a gate (`ledgerline_core::gate`): what may go on takes the place of the
//! chunk that the host is at, and what is not decided yet stays in this VM until the next chunk or
//! the end. The host buffers nothing. If it does not take the changed bytes the call is refused:
//! nothing goes on unmasked.
//!
//! An entry exists at any moment of a call: a provisional one is set as a property when the request
//! headers arrive, again at the response headers, every second of a stream, and the final one at the
//! end. If the VM dies in between, Envoy prints the last one that was set; its periodic log does so
//! while a call is under way.
#![expect(
    missing_docs,
    reason = "the only public item is the entry point that the SDK's macro makes"
)]
#![deny(clippy::arithmetic_side_effects)]

use std::rc::Rc;

use ledgerline_core::{
    Call, Config, Entry,
    call::{Edits, HostFacts, Moment, Side},
    config::{ConfigError, Settings},
    digest::End,
    gate::Onward,
    metric::Counter,
};
use proxy_wasm::{
    traits::{Context, HttpContext, RootContext},
    types::{Action, ContextType, LogLevel},
};

#[cfg(feature = "fault-injection")]
mod fault;
mod host;
#[cfg(feature = "kernel")]
mod kernel;
mod pairs;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
}}

/// The plugin: one per Wasm VM, that is, per worker thread.
#[derive(Default)]
struct Plugin {
    config: Option<Rc<Config>>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_configure(&mut self, _size: usize) -> bool {
        match load_config() {
            Ok(config) => {
                self.config = Some(Rc::new(config));
                host::count(Counter::Origins, 1);
            }
            Err(error) => log::error!("ledgerline: configuration refused: {error}"),
        }
        self.config.is_some()
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let config = Rc::clone(self.config.as_ref()?);
        Some(Box::new(Filter::new(config)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn load_config() -> Result<Config, ConfigError> {
    Config::compile(Settings::from_plugin(&host::plugin_configuration())?, host::environment)
}

/// The filter: one per call.
struct Filter {
    call: Call,
    finished: bool,
    #[cfg(feature = "fault-injection")]
    fault: fault::Fault,
}

impl Filter {
    fn new(config: Rc<Config>) -> Self {
        let started = Moment { wall: host::wall_clock(), monotonic: host::monotonic_clock() };
        Self {
            call: Call::new(config, started),
            finished: false,
            #[cfg(feature = "fault-injection")]
            fault: fault::Fault::default(),
        }
    }

    #[cfg(feature = "fault-injection")]
    fn fault(&mut self, stage: &'static str) {
        self.fault.strike(stage);
    }

    #[cfg(not(feature = "fault-injection"))]
    fn fault(&self, _stage: &'static str) {}

    fn body(&mut self, side: Side, size: usize, end: bool) {
        for chunk in host::body(side, size) {
            match chunk {
                Some(bytes) => self.call.body(side, &bytes, host::monotonic_clock),
                None => self.call.lose_body(side),
            }
        }
        if end {
            self.call.end(side, End::Complete);
        }
        self.refresh();
    }

    /// A stream may go on for hours: what the access log prints in between shall not be its first
    /// minute.
    fn refresh(&mut self) {
        if self.call.is_due() {
            record(&self.call.provisional());
        }
    }

    /// A request body of which not everything may go on as it came.
    fn gated_body(&mut self, size: usize, end: bool) {
        let mut onward = Onward::default();
        for chunk in host::body(Side::Request, size) {
            match chunk {
                Some(bytes) => self.call.pass(&bytes, &mut onward, host::monotonic_clock),
                None => self.call.fail(),
            }
        }
        if end {
            self.call.pass_end(End::Complete, &mut onward);
        }
        if !self.call.is_refused()
            && onward.is_changed()
            && !host::replace_body(Side::Request, size, onward.bytes())
        {
            self.call.fail();
        }
        self.refresh();
    }

    /// Lets the request go on, unless the call is refused.
    fn proceed(&mut self) -> Action {
        if let Some(refusal) = self.call.refusal() {
            host::answer(&refusal);
        }
        if self.call.is_refused() { Action::Pause } else { Action::Continue }
    }

    /// The call has ended: its final entry takes the place of the provisional one.
    fn finish(&mut self) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.fault("log");
        let wanted = self.call.wanted_facts();
        if wanted.request_headers {
            let headers = host::headers(Side::Request);
            self.call.late_request_headers(headers.pairs(), host::random);
            host::count(Counter::Calls, 1);
        }
        let mut facts = HostFacts {
            status: wanted.status.then(host::response_status).flatten(),
            code_details: host::response_code_details(),
            upstream_address: host::upstream_address(),
            upstream_attempts: wanted.upstream_attempts.then(host::upstream_attempts).flatten(),
            route_name: Vec::new(),
        };
        if self.call.wants_route_name(&facts) {
            facts.route_name = host::route_name();
        }
        let entry = self.call.finish(host::monotonic_clock(), &facts);
        record(&entry);
        entry.counts().for_each(|(counter, count)| host::count(counter, count));
    }
}

impl Context for Filter {
    fn on_done(&mut self) -> bool {
        // Envoy skips `on_log` for HTTP/3 calls, whose access log waits for the last ACK.
        self.finish();
        true
    }
}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let headers = host::headers(Side::Request);
        #[cfg(feature = "fault-injection")]
        self.fault.arm(headers.pairs());
        self.fault("request_headers");
        #[cfg(feature = "kernel")]
        kernel::run(headers.pairs());
        apply(Side::Request, &self.call.request_headers(headers.pairs(), end, host::random));
        record(&self.call.provisional());
        host::count(Counter::Calls, 1);
        self.proceed()
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.fault("request_body");
        match (self.call.is_refused(), self.call.is_gated()) {
            (true, _) => {}
            (false, true) => self.gated_body(size, end),
            (false, false) => self.body(Side::Request, size, end),
        }
        self.proceed()
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        match self.call.is_gated() {
            true => self.call.pass_end(End::Trailers, &mut Onward::default()),
            false => self.call.end(Side::Request, End::Trailers),
        }
        self.proceed()
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.fault("response_headers");
        let headers = host::headers(Side::Response);
        let now = host::monotonic_clock();
        apply(Side::Response, &self.call.response_headers(headers.pairs(), end, now));
        record(&self.call.provisional());
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.fault("response_body");
        self.body(Side::Response, size, end);
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        if self.call.wants_response_trailers() {
            self.call.response_trailers(host::response_trailers().pairs());
        }
        self.call.end(Side::Response, End::Trailers);
        Action::Continue
    }

    fn on_log(&mut self) {
        self.finish();
    }
}

fn apply(side: Side, edits: &Edits<'_>) {
    edits.remove.iter().for_each(|name| host::remove_header(side, name));
    edits.set.iter().for_each(|(name, value)| host::set_header(side, name, value));
    if edits.reroute {
        host::clear_route_cache();
    }
}

/// Leaves the entry where the access log finds it.
fn record(entry: &Entry<'_>) {
    host::with_line(|line| {
        entry.write_to(line);
        host::set_entry(line);
    });
}
