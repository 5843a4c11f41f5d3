//! An answer of a provider's API, before it becomes HTTP; and what the request asked for.

use hyper::http::request::Parts;
use serde_json::Value;

use super::stream::Streamed;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The provider's own headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum Body {
    /// A JSON document.
    Json(Value),
    /// Events.
    Stream(Streamed),
}

impl Reply {
    /// A JSON answer with the status 200.
    pub fn json(value: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Json(value) }
    }

    /// A stream, which always begins with the status 200.
    pub fn stream(stream: Streamed) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Stream(stream) }
    }

    /// Another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds headers.
    pub fn with(mut self, headers: &[(&'static str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The query, empty if there is none.
    pub query: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// Which attempt of the client this is, by its own count; the first is 0.
    pub attempt: u64,
}

/// What a prompt may ask of the simulator, in so many words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `throttle me once`: 429 on the first attempt.
    ThrottleOnce,
    /// `fail behind a good status`: an answer with status 200 that says that it failed.
    Fail,
    /// `break off with an error`: a stream that ends with an error event.
    BreakOff,
    /// `keep the line open`: a stream that does not end for a while after its last event.
    Linger,
}

impl Wish {
    const ALL: [(&'static str, Self); 4] = [
        ("throttle me once", Self::ThrottleOnce),
        ("fail behind a good status", Self::Fail),
        ("break off with an error", Self::BreakOff),
        ("keep the line open", Self::Linger),
    ];
}

impl Asked {
    /// Reads a request; the SDKs of OpenAI and Anthropic count attempts in one header, Amazon's in
    /// another.
    pub fn new(head: &Parts, body: Value) -> Self {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let retries = text("x-stainless-retry-count").and_then(|count| count.parse().ok());
        let amazon = text("amz-sdk-request").and_then(|request| {
            let count = request.split(';').find_map(|part| part.trim().strip_prefix("attempt="))?;
            count.parse::<u64>().ok()?.checked_sub(1)
        });
        let query = head.uri.query().unwrap_or_default().to_owned();
        Self { query, body, attempt: retries.or(amazon).unwrap_or_default() }
    }

    /// The model that the body names.
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or("simulated-1")
    }

    /// Whether the body asks for a stream.
    pub fn streams(&self) -> bool {
        self.body["stream"] == true
    }

    /// Whether the prompt asks for this.
    pub fn wishes(&self, wish: Wish) -> bool {
        let text = self.body.to_string();
        Wish::ALL.iter().any(|(words, one)| *one == wish && text.contains(words))
    }

    /// Whether this attempt is to be refused.
    pub fn is_throttled(&self) -> bool {
        self.attempt == 0 && self.wishes(Wish::ThrottleOnce)
    }

    /// The name at `pointer`, of the tool to call: none if the body holds the result of a call
    /// already, which is written under one of the keys or values `results`.
    pub fn tool(&self, pointer: &str, results: &[&str]) -> Option<&str> {
        let text = self.body.to_string();
        let answered = results.iter().any(|word| text.contains(&format!("\"{word}\"")));
        self.body.pointer(pointer)?.as_str().filter(|_| !answered)
    }
}
