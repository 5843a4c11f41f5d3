//! The faulty proxy itself: each fault is what it is called, and nothing else happens to a request.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use ledgerline_tests::process::eventually;
use ledgerline_tests::storage::{Fault, FaultyProxy, Identity, S3, Versitygw};

use crate::stage::{bucket, versitygw};

/// Long enough for a thing that must not happen to happen.
const A_WHILE: Duration = Duration::from_millis(500);

struct Stage {
    proxy: FaultyProxy,
    store: S3,
    client: Client,
    bucket: String,
}

impl Stage {
    async fn before(store: &Versitygw) -> Self {
        let (store, bucket) = (store.s3().clone(), bucket("proxied"));
        store.create_unlocked_bucket(&bucket).await.unwrap();
        let proxy = FaultyProxy::before(store.url()).unwrap();
        let client = store.at(proxy.url()).client(Identity::Owner).unwrap();
        Self { proxy, store, client, bucket }
    }

    async fn put(&self, key: &str, bytes: usize) -> Result<(), SdkError<PutObjectError>> {
        let body = ByteStream::from(vec![b'x'; bytes]);
        self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await.map(drop)
    }

    async fn sizes(&self) -> Vec<u64> {
        let objects = self.store.objects(&self.bucket, "").await.unwrap();
        objects.iter().map(|object| object.size).collect()
    }
}

#[tokio::test]
async fn without_a_fault_signed_requests_pass_and_are_counted() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    stage.put("a", 3_000_000).await.unwrap();
    stage.put("b", 0).await.unwrap();
    assert_eq!(stage.sizes().await, [3_000_000, 0]);
    let counts = stage.proxy.counts();
    assert_eq!((counts.requests, counts.puts, counts.faults), (2, 2, 0));
}

#[tokio::test]
async fn a_status_is_answered_for_the_store_and_the_store_sees_nothing() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    for (code, s3_code) in [(500, "InternalError"), (503, "SlowDown"), (403, "AccessDenied")] {
        stage.proxy.set(Fault::Status { code, s3_code });
        let error = stage.put("a", 3_000_000).await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), code);
        assert_eq!(error.into_service_error().code(), Some(s3_code));
    }
    assert_eq!(stage.sizes().await, [0; 0]);
    assert_eq!(stage.proxy.counts().faults, 3);
    stage.proxy.set(Fault::None);
    stage.put("a", 1).await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_and_a_cut_body_leave_no_object() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    for fault in [Fault::Refuse, Fault::CutAfter { bytes: 1_000_000 }] {
        stage.proxy.set(fault);
        let error = stage.put("a", 3_000_000).await.unwrap_err();
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{fault:?}: {error:?}");
    }
    assert_eq!(stage.proxy.counts().faults, 2);
    stage.put("small", 1_000_000).await.unwrap();
    assert_eq!(stage.sizes().await, [1_000_000]);
}

#[tokio::test]
async fn a_stalled_put_goes_on_where_it_stood() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    stage.proxy.set(Fault::Stall);
    let put = stage.put("a", 3_000_000);
    tokio::pin!(put);
    assert!(tokio::time::timeout(A_WHILE, &mut put).await.is_err(), "it was stalled");
    assert_eq!(stage.sizes().await, [0; 0]);
    stage.proxy.set(Fault::None);
    put.await.unwrap();
    assert_eq!(stage.sizes().await, [3_000_000]);
}

#[tokio::test]
async fn a_slow_put_is_as_fast_as_it_is_let() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    stage.proxy.set(Fault::Slow { bytes_per_second: 1 });
    let put = stage.put("a", 100);
    tokio::pin!(put);
    assert!(tokio::time::timeout(A_WHILE, &mut put).await.is_err(), "a byte a second");
    stage.proxy.set(Fault::Slow { bytes_per_second: 1_000_000_000 });
    put.await.unwrap();
    assert_eq!(stage.sizes().await, [100]);
}

#[tokio::test]
async fn an_open_connection_is_reset_when_the_store_goes_down() {
    let Some(store) = versitygw().await else { return };
    let stage = Stage::before(store).await;
    stage.proxy.set(Fault::Stall);
    let (put, refused) = tokio::join!(stage.put("a", 3_000_000), async {
        let seen = || (stage.proxy.counts().requests == 1).then_some(());
        eventually(Duration::from_secs(10), seen).await.expect("the request arrived");
        stage.proxy.set(Fault::Refuse);
    });
    assert!(matches!(put.unwrap_err(), SdkError::DispatchFailure(_)));
    let () = refused;
}
