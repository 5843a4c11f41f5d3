//! The gateway's admin interface, which speaks plain HTTP to this machine.

use std::time::Duration;

use reqwest::{Client, Response};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the address of an admin interface; what fails is a word for it.
pub(crate) fn read_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| url.scheme() == "http")
}

/// `POST`; an error says what failed.
pub(crate) async fn post(url: &Url) -> Result<(), String> {
    let answer = client().map(|client| client.post(url.clone()))?;
    succeeded(answer.send().await).map(drop).map_err(|text| format!("POST {url}: {text}"))
}

/// The body of a `GET`; an error says what failed.
pub(crate) async fn get(url: &Url) -> Result<String, String> {
    let fault = |text: String| format!("GET {url}: {text}");
    let answer = client().map(|client| client.get(url.clone()))?;
    let answer = succeeded(answer.send().await).map_err(fault)?;
    answer.text().await.map_err(|_| fault("the answer broke off".to_owned()))
}

fn client() -> Result<Client, String> {
    // Whoever was first has set one, and any will do: nothing here is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().timeout(PATIENCE).build();
    client.map_err(|error| error.to_string())
}

fn succeeded(answer: reqwest::Result<Response>) -> Result<Response, String> {
    let answer = answer.map_err(|error| match error.is_timeout() {
        true => "no answer".to_owned(),
        false => "no connection".to_owned(),
    })?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        status => Err(format!("status {}", status.as_u16())),
    }
}
