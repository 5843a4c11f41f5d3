//! The stores of this test binary, each started by the first test that wants it.

use std::sync::atomic::{AtomicU32, Ordering};

use ledgerline_tests::storage::{Azurite, CephRgw, Versitygw};
use tokio::sync::OnceCell;

pub(crate) async fn ceph() -> Option<&'static CephRgw> {
    static STORE: OnceCell<Option<CephRgw>> = OnceCell::const_new();
    STORE.get_or_init(async || CephRgw::start().await.unwrap()).await.as_ref()
}

pub(crate) async fn versitygw() -> Option<&'static Versitygw> {
    static STORE: OnceCell<Option<Versitygw>> = OnceCell::const_new();
    STORE.get_or_init(async || Versitygw::start().await.unwrap()).await.as_ref()
}

pub(crate) async fn azurite() -> Option<&'static Azurite> {
    static STORE: OnceCell<Option<Azurite>> = OnceCell::const_new();
    STORE.get_or_init(async || Azurite::start().await.unwrap()).await.as_ref()
}

/// A name for a bucket that no other test has.
pub(crate) fn bucket(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
