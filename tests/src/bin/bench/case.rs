//! What is sent: the kinds of calls, and how many of each.

use std::time::Duration;

use clap::ValueEnum;

use crate::chat;
use crate::load::{Amount, Request};
use crate::provider::{BURST, BURST_BYTES, BURST_EVENTS, EVENTS, STREAM, burst};

const KIB: usize = 1024;
const MIB: u64 = 1024 * 1024;

/// Where OpenAI's API takes chats.
const CHAT: &str = "/v1/chat/completions";

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// 1 KiB there and back, many at a time.
    Small,
    /// The same, one at a time.
    Alone,
    /// 100 KiB there, 1 KiB back.
    Medium,
    /// 100 MiB there.
    Upload,
    /// 100 MiB back.
    Download,
    /// A stream of events, paced.
    Stream,
    /// A stream of events, many at a time.
    Burst,
}

impl Case {
    /// Its heading in the report.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Small => "1 KiB call, 16 at a time".into(),
            Self::Alone => "1 KiB call, one at a time".into(),
            Self::Medium => "100 KiB call, 16 at a time".into(),
            Self::Upload => "100 MiB upload".into(),
            Self::Download => "100 MiB download".into(),
            Self::Stream => format!("stream of {EVENTS} events, 2 ms apart, 16 at a time"),
            Self::Burst => {
                format!("stream of {BURST_EVENTS} events, {} KiB at a time", BURST_BYTES / KIB)
            }
        }
    }

    /// The request.
    pub(crate) fn request(self) -> Request {
        match self {
            Self::Small | Self::Alone => Request::post(CHAT, &chat::request(KIB)),
            Self::Medium => Request::post(CHAT, &chat::request(100 * KIB)),
            Self::Upload => Request::upload("/v1/files", 100 * MIB),
            Self::Download => Request::get(&format!("/v1/download/{}", 100 * MIB)),
            Self::Stream => Request::post(STREAM, &chat::streamed_request(KIB)),
            Self::Burst => Request::post(BURST, &chat::streamed_request(KIB)),
        }
    }

    /// How many at a time.
    pub(crate) fn concurrency(self) -> usize {
        match self {
            Self::Small | Self::Medium | Self::Stream => 16,
            Self::Alone | Self::Upload | Self::Download | Self::Burst => 1,
        }
    }

    /// How many, or for how long, in one turn of a proxy.
    pub(crate) fn amount(self) -> Amount {
        match self {
            Self::Small | Self::Alone | Self::Medium => Amount::For(Duration::from_millis(250)),
            Self::Upload | Self::Download => Amount::Calls(1),
            Self::Stream | Self::Burst => Amount::Calls(16),
        }
    }

    /// How many turns each proxy has in one round.
    pub(crate) fn slices(self, quick: bool) -> usize {
        let usual: usize = match self {
            Self::Small => 6,
            Self::Medium | Self::Stream | Self::Burst => 4,
            Self::Alone | Self::Upload | Self::Download => 2,
        };
        if quick { usual.div_ceil(2) } else { usual }
    }

    /// Bytes of both bodies of a call, where they are what matters.
    pub(crate) fn bytes(self) -> f64 {
        match self {
            Self::Upload | Self::Download => (100 * MIB) as f64,
            Self::Burst => burst().len() as f64,
            _ => 0.0,
        }
    }

    /// Events of the answer.
    pub(crate) fn events(self) -> f64 {
        match self {
            Self::Stream => EVENTS as f64,
            Self::Burst => BURST_EVENTS as f64,
            _ => 0.0,
        }
    }
}
