//! A request that somebody on the way changes: the bytes that arrive are not those that were signed.
//!
//! A store that ignores the checksum beside the bytes may still hold them to the signature, which covers
//! their SHA-256. The byte that is changed is the one in which gzip names an operating system: if the
//! object is stored all the same, its lines are still those of its name.

use aws_sdk_s3::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut,
    },
    error::BoxError,
};
use aws_smithy_types::body::SdkBody;

#[derive(Debug)]
struct Tampered;

/// Where gzip has the operating system.
const PLACE: usize = 9;

/// The same client, with somebody on the way.
pub(super) fn tampered(client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(Tampered).build())
}

fn changed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    if let Some(byte) = bytes.get_mut(PLACE) {
        *byte ^= 1;
    }
    bytes
}

impl Intercept for Tampered {
    fn name(&self) -> &'static str {
        "Tampered"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        if let Some(bytes) = body.bytes().map(changed) {
            *body = SdkBody::from(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::canary::canary, *};

    #[test]
    fn what_is_changed_is_as_long_and_unpacks_to_the_same() {
        let object = canary("changed");
        let other = changed(&object.body);
        assert!(other != object.body && other.len() == object.body.len());
        let text = |body: &[u8]| {
            let mut text = String::new();
            let mut gzip = flate2::read::GzDecoder::new(body);
            std::io::Read::read_to_string(&mut gzip, &mut text).map(|_| text).unwrap()
        };
        assert_eq!(text(&other), text(&object.body));
        assert_eq!(changed(b"short"), b"short");
    }
}
