//! A few seconds of every fault between the gateway and the bucket; `make faults` takes its time over them.

use std::time::Duration;

use ledgerline_tests::delivery::{Account, Far, FileSystem, Finding, Scale, Trouble, survive};
use ledgerline_tests::storage::Fault;

use crate::stage::{bucket, ceph};

#[tokio::test]
async fn a_shipper_that_is_killed_again_and_again_loses_nothing() {
    check_complete(Trouble::ShipperKilled(10), 5).await;
}

#[tokio::test]
async fn a_store_that_is_down_loses_nothing() {
    check_complete(Trouble::Store(Fault::Refuse), 4).await;
}

#[tokio::test]
async fn a_store_that_answers_with_errors_loses_nothing() {
    for (code, s3_code) in [(500, "InternalError"), (503, "SlowDown"), (403, "AccessDenied")] {
        check_complete(Trouble::Store(Fault::Status { code, s3_code }), 3).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_of_a_put_loses_nothing() {
    check_complete(Trouble::Store(Fault::CutAfter { bytes: 2000 }), 4).await;
}

#[tokio::test]
async fn a_clock_that_goes_back_by_an_hour_loses_nothing() {
    check_complete(Trouble::ClockBack, 4).await;
}

#[tokio::test]
async fn a_second_shipper_refuses_and_harms_nothing() {
    check_complete(Trouble::SecondShipper, 1).await;
}

#[tokio::test]
async fn calls_are_refused_before_the_disk_is_full() {
    let Some(account) = account(Trouble::DiskGuarded, 20).await else { return };
    account.check_complete().unwrap();
    assert!(account.not_made > 0 && account.torn == 0, "{account:?}");
}

#[tokio::test]
async fn whatever_a_full_disk_took_is_delivered_and_the_rest_shows() {
    let Some(account) = account(Trouble::DiskFull, 30).await else { return };
    account.check_delivered().unwrap();
    assert!(account.without_line > 0, "the disk was not full: {account:?}");
}

#[tokio::test]
async fn a_disk_that_is_full_at_once_costs_calls_and_no_line() {
    for kind in [FileSystem::Tmpfs, FileSystem::Ext4] {
        let Some(account) = account(Trouble::DiskAtOnce(kind), 5).await else { return };
        account.check_complete().unwrap();
        assert!(account.not_made > 0 && account.torn == 0, "{account:?}");
    }
}

#[tokio::test]
async fn a_live_file_that_is_removed_is_delivered_all_the_same() {
    check_complete(Trouble::LiveRemoved, 6).await;
}

#[tokio::test]
async fn sealed_files_that_are_moved_away_are_delivered_all_the_same() {
    check_complete(Trouble::SegmentsMoved, 6).await;
}

#[tokio::test]
async fn what_a_killed_gateway_wrote_is_delivered() {
    let Some(account) = account(Trouble::GatewayKilled, 1).await else { return };
    account.check_delivered().unwrap();
    assert!(account.not_made > 0, "the gateway went on: {account:?}");
}

async fn check_complete(trouble: Trouble, seconds: u64) {
    let Some(account) = account(trouble, seconds).await else { return };
    account.check_complete().unwrap();
}

/// `None`: this machine lacks what it takes, which was said.
async fn account(trouble: Trouble, seconds: u64) -> Option<Account> {
    finding(trouble, seconds).await.map(|finding| finding.account)
}

async fn finding(trouble: Trouble, seconds: u64) -> Option<Finding> {
    let store = ceph().await?.s3();
    let far = Far::new(store, &bucket("faults")).await.unwrap();
    let scale = Scale { rate: 200, trouble: Duration::from_secs(seconds) };
    let finding = survive(trouble, scale, &far).await.unwrap()?;
    println!("{trouble}: {finding:?}");
    Some(finding)
}
