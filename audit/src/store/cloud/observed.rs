//! The client hides what a store answered behind its own words. This looks at the answer as it passes:
//! the status, the store's code, and the headers that tell a lock.

use std::{cell::RefCell, fmt, future::Future, pin::Pin};

use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
        ReqwestConnector,
    },
};

/// Makes connections that are looked at.
#[derive(Debug)]
pub(super) struct Observed;

/// The last answer of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) status: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) immutability_mode: Option<String>,
    pub(super) immutability_until: Option<String>,
}

tokio::task_local! {
    /// Of the call that this task waits for.
    static SEEN: RefCell<Seen>;
}

const MAX_CODE_CHARS: usize = 64;

impl Seen {
    /// Does something, and tells what the store answered last meanwhile.
    pub(super) async fn while_doing<T>(work: impl Future<Output = T>) -> (T, Self) {
        SEEN.scope(RefCell::default(), async {
            let done = work.await;
            (done, SEEN.with(|seen| seen.take()))
        })
        .await
    }

    fn of(response: &HttpResponse) -> Self {
        let text = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric();
        Self {
            status: Some(response.status().as_u16()),
            code: text("x-ms-error-code")
                .map(|code| code.chars().filter(is_plain).take(MAX_CODE_CHARS).collect()),
            immutability_mode: text("x-ms-immutability-policy-mode"),
            immutability_until: text("x-ms-immutability-policy-until-date"),
        }
    }

    pub(super) fn says_no_container(&self) -> bool {
        self.code.as_deref() == Some("ContainerNotFound")
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "{status} {code}"),
            (Some(status), None) => write!(f, "{status}"),
            (None, _) => f.write_str("no connection, or no credentials"),
        }
    }
}

impl HttpConnector for Observed {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Looked(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Looked(HttpClient);

/// Written out as its trait expands.
impl HttpService for Looked {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let response = self.0.execute(request).await?;
            let _ = SEEN.try_with(|seen| seen.replace(Seen::of(&response)));
            Ok(response)
        })
    }
}
