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
    Builder as HttpBuilder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::service_config::ServiceConfigKey;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::super::{Endpoint, SinkUrl, StoreError};

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
    let shared = load(http.clone(), profile).await;
    let mut settings = settings(url, &shared)?;
    if let Some(profile) = profile {
        settings = settings.credentials_provider(of_profile(profile, &shared, http));
    }
    Ok(Client::from_conf(settings.build()))
}

/// Environment and profiles, as they are now.
async fn load(http: SharedHttpClient, profile: Option<&str>) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(SMALL));
    match profile {
        Some(profile) => loader.profile_name(profile).load().await,
        None => loader.load().await,
    }
}

/// Who answers for a bucket.
pub(crate) async fn endpoint(url: &SinkUrl) -> Result<String, StoreError> {
    let shared = load(http_client(url)?, None).await;
    let region = shared.region().map_or(ANY_REGION, Region::as_ref);
    Ok(own_endpoint(&shared).unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")))
}

/// The endpoint that is asked in Amazon's place, as the SDK itself finds it: `AWS_ENDPOINT_URL_S3`, `services` in the
/// profile, `AWS_ENDPOINT_URL`, `endpoint_url` in the profile; none of them, if they are to be ignored.
fn own_endpoint(shared: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL");
    let key = key.profile("endpoint_url").build().ok()?;
    let of_s3 = shared.service_config().and_then(|services| services.load_config(key));
    let of_s3 = of_s3.filter(|value| !value.is_empty());
    let of_all = || shared.endpoint_url().map(str::to_owned);
    of_s3.or_else(of_all).filter(|value| !value.is_empty())
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
    let own = own_endpoint(shared);
    if let Some(Err(why)) = own.as_deref().map(Endpoint::read) {
        return Err(StoreError::wrong("open", url, why)
            .fix("set AWS_ENDPOINT_URL_S3 to something like https://storage.example.org"));
    }
    let has_endpoint = own.is_some();
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(STALLED).build();
    let mut settings = Builder::from(shared);
    // What receipts name is what is asked.
    settings.set_endpoint_url(own);
    let settings = settings
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

/// Trusts what the machine trusts, and what `AWS_CA_BUNDLE` names; goes through the proxy that `HTTPS_PROXY`,
/// `HTTP_PROXY` and `NO_PROXY` name.
fn http_client(url: &SinkUrl) -> Result<SharedHttpClient, StoreError> {
    let context = match env::var_os("AWS_CA_BUNDLE").filter(|bundle| !bundle.is_empty()) {
        None => TlsContext::default(),
        Some(bundle) => {
            let unread = |error: std::io::Error| {
                StoreError::wrong("open", url, format!("AWS_CA_BUNDLE cannot be read: {error}"))
                    .fix("name a file of PEM certificates")
            };
            trusting(&fs::read(bundle).map_err(unread)?).map_err(|why| {
                StoreError::wrong("open", url, format!("AWS_CA_BUNDLE {why}"))
                    .fix("name a file of PEM certificates")
            })?
        }
    };
    Ok(HttpBuilder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .proxy_config(proxies());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    }))
}

/// As the environment has them. A `*` in `NO_PROXY` is for all hosts, which the client takes for those with a name alone.
fn proxies() -> ProxyConfig {
    let no_proxy = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| env::var(name).ok());
    let is_for_all = no_proxy.is_some_and(|hosts| hosts.split(',').any(|host| host.trim() == "*"));
    if is_for_all { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
}

/// Besides what the machine trusts, the certificates of a file: at least one, and each of them good.
fn trusting(pem: &[u8]) -> Result<TlsContext, &'static str> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "is broken PEM")?;
        let added = RootCertStore::empty().add(certificate);
        added.map_err(|_| "holds a certificate that cannot be used")?;
        count += 1;
    }
    if count == 0 {
        return Err("holds no certificate");
    }
    let trusted = TrustStore::default().with_pem_certificate(pem.to_vec());
    let context = TlsContext::builder().with_trust_store(trusted).build();
    context.map_err(|_| "holds no certificate that can be used")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_certificates_is_refused() {
        for pem in [
            "",
            "# nothing here\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nnot base64\n",
        ] {
            assert!(trusting(pem.as_bytes()).is_err(), "{pem}");
        }
    }

    #[expect(deprecated, reason = "the new names stand in a crate that is asked for nothing else")]
    fn found(profile: &str) -> Option<String> {
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
        let files = ProfileFiles::builder().with_contents(ProfileFileKind::Config, profile).build();
        let loaded = aws_config::defaults(BehaviorVersion::latest()).profile_files(files).load();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        own_endpoint(&runtime.block_on(loaded))
    }

    /// Nothing in the environment of the tests names one.
    #[test]
    fn the_endpoint_is_the_one_that_the_profile_names() {
        if env::vars().any(|(name, _)| name.starts_with("AWS_")) {
            return;
        }
        let services =
            "services = mine\n[services mine]\ns3 =\n  endpoint_url = https://s3.example.org\n";
        for (profile, expected) in [
            ("[default]\n".to_owned(), None),
            (
                "[default]\nendpoint_url = https://all.example.org\n".to_owned(),
                Some("https://all.example.org"),
            ),
            (format!("[default]\n{services}"), Some("https://s3.example.org")),
            (
                format!("[default]\nendpoint_url = https://all.example.org\n{services}"),
                Some("https://s3.example.org"),
            ),
            (format!("[default]\nignore_configured_endpoint_urls = true\n{services}"), None),
        ] {
            assert_eq!(found(&profile).as_deref(), expected, "{profile}");
        }
    }

    #[test]
    fn a_larger_object_may_take_longer() {
        assert_eq!(Limits::of(0).attempt, Duration::from_secs(60));
        assert_eq!(Limits::of(1).attempt, Duration::from_secs(61));
        assert_eq!(Limits::of(16_000_000).attempt, Duration::from_secs(76));
    }
}
