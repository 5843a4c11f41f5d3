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
//! # Entries
//!
//! An entry exists at any moment of a call: a provisional one is set as a property when the request
//! headers arrive, again at the response headers, a second after more crossed ([`due`]), and the
//! final one at the end. If the VM dies in between, Envoy prints the last one that was set; its
//! periodic log does so while a call is under way.
#![expect(
    missing_docs,
    reason = "the only public item is the entry point that the SDK's macro makes"
)]
#![deny(clippy::arithmetic_side_effects)]

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

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

use due::{Due, Place};

mod due;
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
    due: Rc<RefCell<Due<RefCell<Filter>>>>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_configure(&mut self, _size: usize) -> bool {
        match load_config() {
            Ok(config) => {
                self.config = Some(Rc::new(config));
                host::count(Counter::Origins, 1);
                host::set_tick_period(due::TICK);
            }
            Err(error) => log::error!("ledgerline: configuration refused: {error}"),
        }
        self.config.is_some()
    }

    /// Entries that are out of date are set anew, also while nothing moves.
    fn on_tick(&mut self) {
        let ripe = self.due.try_borrow_mut().map(|mut due| due.tick()).unwrap_or_default();
        for (context_id, filter) in ripe {
            let Some(filter) = filter.upgrade() else { continue };
            if host::act_for(context_id)
                && let Ok(mut filter) = filter.try_borrow_mut()
            {
                filter.refresh();
            }
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let config = Rc::clone(self.config.as_ref()?);
        let due = Rc::clone(&self.due);
        let filter = Rc::new_cyclic(|this| {
            RefCell::new(Filter::new(config, Refresh { this: this.clone(), context_id, due }))
        });
        Some(Box::new(Stream(filter)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn load_config() -> Result<Config, ConfigError> {
    Config::compile(Settings::from_plugin(&host::plugin_configuration())?, host::environment)
}

/// What the host calls back: the filter of one call, which the tick of its plugin reaches, too.
struct Stream(Rc<RefCell<Filter>>);

impl Stream {
    /// Takes a step. No callback comes within another one; if it did, the call would go no further.
    fn take(&self, step: impl FnOnce(&mut Filter) -> Action) -> Action {
        match self.0.try_borrow_mut() {
            Ok(mut filter) => step(&mut filter),
            Err(_) => Action::Pause,
        }
    }

    fn finish(&self) {
        if let Ok(mut filter) = self.0.try_borrow_mut() {
            filter.finish();
        }
    }
}

impl Context for Stream {
    fn on_done(&mut self) -> bool {
        // Envoy skips `on_log` for HTTP/3 calls, whose access log waits for the last ACK.
        self.finish();
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        self.take(|filter| filter.request_headers(end))
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.take(|filter| filter.request_body(size, end))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.take(Filter::request_trailers)
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.take(|filter| filter.response_headers(end))
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.take(|filter| filter.response_body(size, end))
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.take(Filter::response_trailers)
    }

    fn on_log(&mut self) {
        self.finish();
    }
}

/// How the entry of a call is kept up to date.
struct Refresh {
    this: Weak<RefCell<Filter>>,
    context_id: u32,
    due: Rc<RefCell<Due<RefCell<Filter>>>>,
}

/// The filter: one per call.
struct Filter {
    call: Call,
    refresh: Refresh,
    /// Where the call waits for its turn, if its entry is out of date.
    waits: Option<Place>,
    finished: bool,
    #[cfg(feature = "fault-injection")]
    fault: fault::Fault,
}

impl Filter {
    fn new(config: Rc<Config>, refresh: Refresh) -> Self {
        let started = Moment { wall: host::wall_clock(), monotonic: host::monotonic_clock() };
        Self {
            call: Call::new(config, started),
            refresh,
            waits: None,
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
        self.wait_for_refresh();
    }

    /// A call may go on for hours, and fall silent at any moment: what the access log prints in
    /// between shall be what crossed up to then.
    fn wait_for_refresh(&mut self) {
        let Refresh { this, context_id, due } = &self.refresh;
        if self.waits.is_none()
            && self.call.is_stale()
            && let Ok(mut due) = due.try_borrow_mut()
        {
            self.waits = Some(due.add(*context_id, this.clone()));
        }
    }

    /// Sets the entry anew, within a tick that acts for this call.
    fn refresh(&mut self) {
        self.waits = None;
        if self.finished {
            return;
        }
        if !self.call.has_upstream_address() {
            self.call.note_upstream_address(&host::upstream_address());
        }
        record(&self.call.provisional());
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
        self.wait_for_refresh();
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
        if let (Some(place), Ok(mut due)) = (self.waits.take(), self.refresh.due.try_borrow_mut()) {
            due.remove(place);
        }
        let wanted = self.call.wanted_facts();
        if wanted.request_headers {
            self.call.note_protocol(&host::request_protocol());
            let (headers, answer) = (host::headers(Side::Request), host::headers(Side::Response));
            self.call.late_headers(headers.pairs(), answer.pairs(), host::random);
            host::count(Counter::Calls, 1);
        }
        let mut facts = HostFacts {
            status: wanted.status.then(host::response_status).flatten(),
            code_details: host::response_code_details(),
            upstream_address: match wanted.upstream_address {
                true => host::upstream_address(),
                false => Vec::new(),
            },
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

/// One step of a call each, as the host tells it.
impl Filter {
    fn request_headers(&mut self, end: bool) -> Action {
        let headers = host::headers(Side::Request);
        #[cfg(feature = "fault-injection")]
        self.fault.arm(headers.pairs());
        self.fault("request_headers");
        #[cfg(feature = "kernel")]
        kernel::run(headers.pairs());
        self.call.note_protocol(&host::request_protocol());
        apply(Side::Request, &self.call.request_headers(headers.pairs(), end, host::random));
        record(&self.call.provisional());
        host::count(Counter::Calls, 1);
        self.proceed()
    }

    fn request_body(&mut self, size: usize, end: bool) -> Action {
        self.fault("request_body");
        match (self.call.is_refused(), self.call.is_gated()) {
            (true, _) => {}
            (false, true) => self.gated_body(size, end),
            (false, false) => self.body(Side::Request, size, end),
        }
        self.proceed()
    }

    fn request_trailers(&mut self) -> Action {
        let trailers = host::trailers(Side::Request);
        apply_to_trailers(&self.call.request_trailers(trailers.pairs()));
        match self.call.is_gated() {
            true => self.call.pass_end(End::Trailers, &mut Onward::default()),
            false => self.call.end(Side::Request, End::Trailers),
        }
        self.wait_for_refresh();
        self.proceed()
    }

    fn response_headers(&mut self, end: bool) -> Action {
        self.fault("response_headers");
        let headers = host::headers(Side::Response);
        let now = host::monotonic_clock();
        apply(Side::Response, &self.call.response_headers(headers.pairs(), end, now));
        self.call.note_upstream_address(&host::upstream_address());
        record(&self.call.provisional());
        Action::Continue
    }

    fn response_body(&mut self, size: usize, end: bool) -> Action {
        self.fault("response_body");
        self.body(Side::Response, size, end);
        Action::Continue
    }

    fn response_trailers(&mut self) -> Action {
        let trailers = host::trailers(Side::Response);
        let stopped = self.call.response_trailers(trailers.pairs());
        stopped.iter().for_each(|name| host::remove_trailer(Side::Response, name));
        self.call.end(Side::Response, End::Trailers);
        Action::Continue
    }
}

fn apply(side: Side, edits: &Edits<'_>) {
    edits.remove.iter().for_each(|name| host::remove_header(side, name));
    edits.set.iter().for_each(|(name, value)| host::set_header(side, name, value));
    edits.masked.iter().for_each(|(name, value)| host::set_header(side, name, value));
    if edits.reroute {
        host::clear_route_cache();
    }
}

fn apply_to_trailers(edits: &Edits<'_>) {
    edits.remove.iter().for_each(|name| host::remove_trailer(Side::Request, name));
    edits.masked.iter().for_each(|(name, value)| host::set_request_trailer(name, value));
}

/// Leaves the entry where the access log finds it.
fn record(entry: &Entry<'_>) {
    host::with_line(|line| {
        entry.write_to(line);
        host::set_entry(line);
    });
}
