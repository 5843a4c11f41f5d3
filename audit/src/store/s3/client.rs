//! The connection: TLS by rustls, settings by the usual AWS environment, and a limit for every wait.

use std::{env, fs, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, timeout::TimeoutConfig,
};
use aws_sdk_s3::{
    Client,
    config::{
        Builder, RequestChecksumCalculation, SharedHttpClient, StalledStreamProtectionConfig,
        retry::RetryConfig,
    },
};
use aws_smithy_http_client::{
    Builder as HttpBuilder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use super::super::{SinkUrl, StoreError};

/// How long one attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attempt: Duration,
}

const CONNECT: Duration = Duration::from_secs(5);
/// A call that carries next to nothing.
const SMALL: Duration = Duration::from_secs(30);
/// A call that carries an object, and one second more for each of its megabytes.
const LARGE: Duration = Duration::from_secs(60);
/// How long not one byte may move.
const STALLED: Duration = Duration::from_secs(20);
/// What servers that are not Amazon's mostly call their only region.
const ANY_REGION: &str = "us-east-1";

impl Limits {
    /// For an object of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self { attempt: LARGE + Duration::from_secs(bytes.div_ceil(1_000_000) as u64) }
    }

    pub(crate) fn config(self) -> Builder {
        aws_sdk_s3::Config::builder().timeout_config(timeouts(self.attempt))
    }
}

/// A client with the credentials of `profile`, or those of the default chain: environment, profile,
/// web identity, container, instance.
pub(crate) async fn connect(url: &SinkUrl, profile: Option<&str>) -> Result<Client, StoreError> {
    let http = http_client(url)?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(SMALL));
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    let shared = loader.load().await;
    let mut settings = settings(url, &shared)?;
    if let Some(profile) = profile {
        settings = settings.credentials_provider(of_profile(profile, &shared, http));
    }
    Ok(Client::from_conf(settings.build()))
}

/// A profile that was asked for by name goes before the environment, which the default chain asks
/// first.
fn of_profile(
    profile: &str,
    shared: &SdkConfig,
    http: SharedHttpClient,
) -> ProfileFileCredentialsProvider {
    let surroundings = ProviderConfig::without_region()
        .with_region(shared.region().cloned())
        .with_http_client(http);
    ProfileFileCredentialsProvider::builder().configure(&surroundings).profile_name(profile).build()
}

/// With an endpoint of its own the bucket stands in the path: few such servers answer for
/// `bucket.host`, and the region is a mere word to them.
fn settings(url: &SinkUrl, shared: &SdkConfig) -> Result<Builder, StoreError> {
    let has_endpoint =
        shared.endpoint_url().is_some() || env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(STALLED).build();
    let settings = Builder::from(shared)
        .force_path_style(has_endpoint)
        .stalled_stream_protection(stalled)
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported);
    match shared.region() {
        Some(_) => Ok(settings),
        None if has_endpoint => Ok(settings.region(Region::new(ANY_REGION))),
        None => Err(StoreError::wrong("open", url, "no region").fix("set AWS_REGION")),
    }
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt)
        .build()
}

/// Trusts what the machine trusts, and what `AWS_CA_BUNDLE` names.
fn http_client(url: &SinkUrl) -> Result<SharedHttpClient, StoreError> {
    let builder = HttpBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let Some(bundle) = env::var_os("AWS_CA_BUNDLE") else { return Ok(builder.build_https()) };
    let unread = |error: std::io::Error| {
        StoreError::wrong("open", url, format!("AWS_CA_BUNDLE cannot be read: {error}"))
            .fix("name a file of PEM certificates")
    };
    let trusted = TrustStore::default().with_pem_certificate(fs::read(bundle).map_err(unread)?);
    let context = TlsContext::builder().with_trust_store(trusted).build().map_err(|_| {
        StoreError::wrong("open", url, "AWS_CA_BUNDLE holds no certificate that can be used")
            .fix("name a file of PEM certificates")
    })?;
    Ok(builder.tls_context(context).build_https())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_object_may_take_longer() {
        assert_eq!(Limits::of(0).attempt, Duration::from_secs(60));
        assert_eq!(Limits::of(1).attempt, Duration::from_secs(61));
        assert_eq!(Limits::of(16_000_000).attempt, Duration::from_secs(76));
    }
}
