//! Who answers for an address: the same `s3://bucket/prefix` is another store behind another endpoint.
//!
//! ```text
//! s3://ledger-archive/egress   https://s3.eu-central-1.amazonaws.com   Amazon
//! s3://ledger-archive/egress   https://storage.example.org             somebody else, with a bucket of the same name
//! ```

use std::{env, fmt, net::IpAddr};

use url::{Host, Url};

use super::{SinkUrl, StoreError, s3};

/// The endpoint of a store, without a user or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// The endpoint that the environment names for an address; `None` for a folder of this machine.
    pub(crate) async fn find(url: &SinkUrl) -> Result<Option<Self>, StoreError> {
        let text = match url {
            SinkUrl::S3 { .. } => s3::endpoint(url).await?,
            SinkUrl::Azure { .. } => azure(),
            SinkUrl::Google { .. } => google(),
            SinkUrl::Folder { .. } => return Ok(None),
        };
        Self::read(&text).map(Some).map_err(|why| {
            StoreError::wrong("open", url, why)
                .fix("write it as https://host, with a port if it needs one")
        })
    }

    /// The words of an error repeat nothing: a password may stand in what was written.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with("https://") && !text.starts_with("http://") {
            return Err("the endpoint has no scheme");
        }
        let url = Url::parse(text).map_err(|_| "the endpoint is no address")?;
        match url.username().is_empty() && url.password().is_none() {
            true => Ok(Self(url)),
            false => Err("a user or password stands in the endpoint"),
        }
    }

    /// Whether everybody on the way can read and change what passes.
    pub(crate) fn is_open_to_the_network(&self) -> bool {
        let is_loopback = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !is_loopback
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn azure() -> String {
    if is_on("AZURE_STORAGE_USE_EMULATOR") {
        let url = env::var("AZURITE_BLOB_STORAGE_URL");
        return url.unwrap_or_else(|_| "http://127.0.0.1:10000".to_owned());
    }
    first_of(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"]).unwrap_or_else(|| {
        let account = first_of(&["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME"]);
        format!("https://{}.blob.core.windows.net", account.unwrap_or_default())
    })
}

fn google() -> String {
    first_of(&["GOOGLE_BASE_URL"]).unwrap_or_else(|| "https://storage.googleapis.com".to_owned())
}

fn first_of(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env::var(name).ok()).filter(|value| !value.is_empty())
}

fn is_on(name: &str) -> bool {
    env::var(name).is_ok_and(|value| matches!(value.as_str(), "1" | "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_borne_on_this_machine_alone() {
        for (text, is_open) in [
            ("https://s3.eu-central-1.amazonaws.com", false),
            ("http://127.0.0.1:9000", false),
            ("http://127.8.9.1", false),
            ("http://[::1]:9000/", false),
            ("http://localhost:9000", false),
            ("http://minio.localhost", false),
            ("http://storage.example.org", true),
            ("http://10.0.0.7:9000", true),
            ("http://localhost.example.org", true),
            ("http://[::ffff:10.0.0.7]", true),
        ] {
            assert_eq!(Endpoint::read(text).unwrap().is_open_to_the_network(), is_open, "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_told_without_being_repeated() {
        for text in [
            "localhost:9000",
            "s3.example.org",
            "https://u:hunter2@host",
            "https://",
            "ftp://h",
            "",
        ] {
            let error = Endpoint::read(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(Endpoint::read("https://h/").unwrap().to_string(), "https://h");
    }
}
