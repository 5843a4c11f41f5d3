//! What an S3 store answered instead of yes, in words that hold no secret.

use std::{error::Error, fmt, io};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use super::super::{Kind, StoreError};

/// A status and the store's own code for it, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: Option<u16>,
    code: Option<String>,
    trouble: Option<Trouble>,
    /// Where the bucket is, if the store says that it is elsewhere.
    region: Option<String>,
}

/// Why there was no answer that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Timeout,
    /// No connection: the error of the system below, such as `Connection refused`.
    Connection(String),
    /// The answer broke off, or was not in the form of one.
    Broken,
    /// The request could not be signed: there are no credentials.
    Credentials,
    /// The request could not be made at all.
    Request,
}

/// How much of a store's code is shown.
const MAX_CODE_CHARS: usize = 64;

impl Answer {
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(told) if told.raw().status().is_success() => {
                Self::of_trouble(Trouble::Broken)
            }
            SdkError::ServiceError(told) => {
                let (status, code) = (told.raw().status().as_u16(), told.err().meta().code());
                let region = told.raw().headers().get("x-amz-bucket-region").map(plain_region);
                Self { region, ..Self::new(status, code.unwrap_or_default()) }
            }
            SdkError::ResponseError(told) => Self {
                status: Some(told.raw().status().as_u16()),
                ..Self::of_trouble(Trouble::Broken)
            },
            SdkError::TimeoutError(_) => Self::of_trouble(Trouble::Timeout),
            SdkError::DispatchFailure(told) if told.is_timeout() => {
                Self::of_trouble(Trouble::Timeout)
            }
            SdkError::DispatchFailure(told) if told.is_io() => {
                Self::of_trouble(Trouble::Connection(system_error(error)))
            }
            SdkError::DispatchFailure(_) => Self::of_trouble(unsent(error)),
            _ => Self::of_trouble(Trouble::Request),
        }
    }

    pub(crate) fn new(status: u16, code: &str) -> Self {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '.';
        let code: String = code.chars().filter(is_plain).take(MAX_CODE_CHARS).collect();
        Self {
            status: Some(status),
            code: (!code.is_empty()).then_some(code),
            trouble: None,
            region: None,
        }
    }

    pub(crate) fn of_trouble(trouble: Trouble) -> Self {
        Self { status: None, code: None, trouble: Some(trouble), region: None }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The rights do not reach: the store knows more than it tells.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == Some(403) && !self.blames_the_caller()
    }

    /// The signature, the key or the clock is wrong: no right is missing.
    pub(crate) fn blames_the_caller(&self) -> bool {
        matches!(
            self.code(),
            Some(
                "SignatureDoesNotMatch"
                    | "InvalidAccessKeyId"
                    | "ExpiredToken"
                    | "InvalidToken"
                    | "RequestTimeTooSkewed"
            )
        )
    }

    /// A refusal, whatever its reason: the request was understood and not done.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| (400..500).contains(&status) && status != 429)
            && self.trouble.is_none()
            && !self.blames_the_caller()
    }

    /// The store knows no such call.
    pub(crate) fn is_unknown_call(&self) -> bool {
        matches!(self.status, Some(405 | 501)) || self.code() == Some("NotImplemented")
    }

    /// The words for an object without a lock, or a bucket without locks, or a store without them.
    pub(crate) fn says_no_lock(&self) -> bool {
        let is_said = matches!(
            self.code(),
            Some(
                "NoSuchObjectLockConfiguration"
                    | "ObjectLockConfigurationNotFoundError"
                    | "InvalidRequest"
                    | "MissingObjectLockConfiguration"
            )
        );
        is_said || self.is_unknown_call()
    }

    pub(crate) fn kind(&self) -> Kind {
        match (&self.trouble, self.status) {
            (Some(Trouble::Credentials | Trouble::Request), _) => Kind::Wrong,
            (Some(_), _) => Kind::Busy,
            (None, Some(408 | 409 | 429 | 500..)) => Kind::Busy,
            (None, Some(404)) if self.code() == Some("NoSuchBucket") => Kind::Wrong,
            (None, Some(300..=399)) => Kind::Wrong,
            (None, Some(400)) if self.code() == Some("RequestTimeout") => Kind::Busy,
            (None, _) => Kind::Refused,
        }
    }

    /// `action` is the right that this call needs.
    pub(crate) fn error(&self, verb: &str, place: &dyn fmt::Display, action: &str) -> StoreError {
        let told = StoreError::new(self.kind(), verb, place, self.to_string());
        let is_stale = self.blames_the_caller()
            || self.trouble == Some(Trouble::Credentials)
            || self.status == Some(403);
        let told = told.stale(is_stale);
        match self.fix(action) {
            Some(fix) => told.fix(fix),
            None => told,
        }
    }

    fn fix(&self, action: &str) -> Option<String> {
        if let Some(trouble) = &self.trouble {
            return trouble.fix().map(str::to_owned);
        }
        let is_elsewhere = matches!(self.status, Some(301 | 307 | 308 | 400));
        if let Some(region) = self.region.as_ref().filter(|_| is_elsewhere) {
            return Some(format!("the bucket is in another region: set AWS_REGION={region}"));
        }
        let fix = match (self.code().unwrap_or_default(), self.status) {
            ("NoSuchBucket", _) => "create the bucket with envoy/sinks/s3, or correct its name",
            ("SignatureDoesNotMatch", _) => {
                "the secret key is not the one of this access key: check AWS_SECRET_ACCESS_KEY or the profile"
            }
            ("InvalidAccessKeyId", _) => {
                "the store knows no such access key: check AWS_ACCESS_KEY_ID or the profile"
            }
            ("ExpiredToken" | "InvalidToken", _) => "the session is over: get new credentials",
            ("RequestTimeTooSkewed", _) => {
                "this machine's clock and the store's differ: set the clock (NTP)"
            }
            ("KMS.NotFoundException" | "KMS.DisabledException", _) => {
                "the bucket's encryption key is gone or disabled: enable it"
            }
            ("BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch", _) => {
                "the bytes changed on the way: look for a proxy that changes them"
            }
            ("InvalidRequest", _) => {
                "the store takes no such request: run `ledgerline check-sink`, the bucket may have no Object Lock"
            }
            ("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
            | (_, Some(301 | 307 | 308)) => "the bucket is in another region: set AWS_REGION",
            (_, Some(403)) => {
                return Some(format!(
                    "allow this user {action} here (and its KMS key, if there is one)"
                ));
            }
            (_, Some(404)) => "nothing is under this name",
            (_, Some(409)) => "somebody else writes this name right now: try again",
            (_, Some(501)) => "this store does not know the call: it cannot keep what is promised",
            _ => return None,
        };
        Some(fix.to_owned())
    }
}

impl Trouble {
    fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Connection(_) => {
                Some("check AWS_ENDPOINT_URL_S3, the network, and that the store runs")
            }
            Self::Credentials => Some(
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given",
            ),
            Self::Request => Some("check AWS_REGION and AWS_ENDPOINT_URL_S3"),
            Self::Timeout | Self::Broken => None,
        }
    }
}

/// A region is letters, digits and hyphens, whoever says it.
fn plain_region(text: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    text.chars().filter(is_plain).take(MAX_CODE_CHARS).collect()
}

/// The deepest error that a system call or TLS made: it names no address and no key.
fn system_error(error: &(dyn Error + 'static)) -> String {
    let mut told = "no connection".to_owned();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            told = io_words(error);
        }
        next = error.source();
    }
    told
}

fn io_words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => format!("TLS: {tls}"),
        None => error.to_string(),
    }
}

/// What is no trouble of the network lies on this side: mostly, nobody gave credentials.
fn unsent(error: &(dyn Error + 'static)) -> Trouble {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() || error.is::<io::Error>() {
            return Trouble::Connection(system_error(error));
        }
        if error.to_string().contains("credentials") {
            return Trouble::Credentials;
        }
        next = error.source();
    }
    Trouble::Connection("no connection".to_owned())
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trouble) = &self.trouble {
            return trouble.fmt(f);
        }
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "{status} {code}"),
            (Some(status), None) => write!(f, "{status}"),
            (None, _) => f.write_str("no answer"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Connection(error) => write!(f, "no connection: {error}"),
            Self::Broken => f.write_str("the answer broke off or is none of S3"),
            Self::Credentials => f.write_str("no credentials"),
            Self::Request => f.write_str("the request could not be made"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_follows_from_status_and_code() {
        for (status, code, kind) in [
            (500, "InternalError", Kind::Busy),
            (503, "SlowDown", Kind::Busy),
            (429, "", Kind::Busy),
            (408, "", Kind::Busy),
            (409, "ConditionalRequestConflict", Kind::Busy),
            (400, "RequestTimeout", Kind::Busy),
            (403, "AccessDenied", Kind::Refused),
            (403, "RequestTimeTooSkewed", Kind::Refused),
            (400, "BadDigest", Kind::Refused),
            (404, "NoSuchKey", Kind::Refused),
            (404, "NoSuchBucket", Kind::Wrong),
            (301, "PermanentRedirect", Kind::Wrong),
        ] {
            assert_eq!(Answer::new(status, code).kind(), kind, "{status} {code}");
        }
        assert_eq!(Answer::of_trouble(Trouble::Timeout).kind(), Kind::Busy);
        assert_eq!(Answer::of_trouble(Trouble::Credentials).kind(), Kind::Wrong);
    }

    #[test]
    fn a_refusal_names_the_right_that_is_missing() {
        let error = Answer::new(403, "AccessDenied").error("put", &"s3://b/a", "s3:PutObject");
        assert_eq!(
            error.to_string(),
            "put s3://b/a: 403 AccessDenied: allow this user s3:PutObject here (and its KMS key, if there is one)"
        );
    }

    #[test]
    fn a_wrong_clock_is_no_missing_right() {
        let answer = Answer::new(403, "RequestTimeTooSkewed");
        assert!(!answer.is_forbidden() && !answer.is_refusal());
        assert!(answer.error("put", &"s3://b/a", "s3:PutObject").to_string().contains("clock"));
    }

    #[test]
    fn a_code_is_letters_and_nothing_that_a_store_could_smuggle() {
        let answer = Answer::new(403, "Access\nDenied: <key>AKIA</key>");
        assert_eq!(answer.code(), Some("AccessDeniedkeyAKIAkey"));
        assert_eq!(Answer::new(403, &"A".repeat(1000)).code().unwrap().len(), MAX_CODE_CHARS);
    }

    #[test]
    fn a_bucket_elsewhere_is_told_with_its_region() {
        for status in [301, 400] {
            let answer = Answer {
                region: Some(plain_region("eu-central-1\n\"")),
                ..Answer::new(status, "PermanentRedirect")
            };
            let text = answer.error("put", &"s3://b/a", "s3:PutObject").to_string();
            assert!(text.ends_with("set AWS_REGION=eu-central-1"), "{text}");
        }
    }

    #[test]
    fn no_lock_has_several_names() {
        for (status, code) in [
            (404, "NoSuchObjectLockConfiguration"),
            (404, "ObjectLockConfigurationNotFoundError"),
            (400, "InvalidRequest"),
            (501, "NotImplemented"),
            (405, ""),
        ] {
            assert!(Answer::new(status, code).says_no_lock(), "{status} {code}");
        }
        assert!(!Answer::new(403, "AccessDenied").says_no_lock());
        assert!(!Answer::new(404, "NoSuchKey").says_no_lock());
    }
}
