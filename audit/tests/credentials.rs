//! Whose credentials `ledgerline ship` uses, and which way it goes: a token service, a corrected key, proxies, certificates.
//!
//! The far side is simulated: a store that takes what is signed with a key that it knows, and Amazon's token service.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fake;
mod gateway;
mod place;

use std::{
    cell::Cell, fs, net::TcpListener, path::PathBuf, process::Command, thread, time::Duration,
};

use fake::Fake;
use gateway::entry;
use place::{Follower, Place, answer, wait_for};

const STAMP: &str = "20261121T110000";

/// A ledger with one sealed file, and a shipper to an `s3://` that the environment does not know yet.
fn ready(more: &[&str]) -> (Place, Command) {
    let place = Place::with_live("");
    fs::create_dir(place.ledger().join("segments")).unwrap();
    seal(&place, 0);
    let mut command = place.ship_to("s3://bucket/a", more);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ] {
        command.env(name, value);
    }
    (place, command)
}

fn seal(place: &Place, number: u64) {
    let file = place.ledger().join(format!("segments/{STAMP}.{number:06}Z.jsonl"));
    fs::write(file, entry(number)).unwrap();
}

fn with_key(command: &mut Command, id: &str) {
    command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", "secret");
}

fn with_web_identity(command: &mut Command, place: &Place, sts: &Fake) {
    let token = place.0.path().join("token");
    fs::write(&token, "not.a.real-token").unwrap();
    command
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/shipper")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_SESSION_NAME", "test")
        .env("AWS_ENDPOINT_URL_STS", sts.url());
}

fn confirmed(follower: &Follower) -> f64 {
    follower.metric("ledgerline_ship_segments_confirmed_total")
}

#[test]
fn a_web_identity_is_exchanged_for_keys_and_again_before_they_end() {
    // The client renews some seconds before the end.
    let (sts, store) = (Fake::tokens(12), Fake::store(|_| true));
    let (place, mut command) = ready(&[]);
    with_web_identity(&mut command, &place, &sts);
    let follower = Follower::start({
        command.env("AWS_ENDPOINT_URL_S3", store.url());
        command
    });
    wait_for("the first segment", || confirmed(&follower) >= 1.0);
    assert_eq!(store.keys().first().map(String::as_str), Some("ASIATOKEN1"));
    let number = Cell::new(0);
    wait_for("other keys", || {
        number.set(number.get() + 1);
        seal(&place, number.get());
        thread::sleep(Duration::from_millis(500));
        store.keys().iter().any(|key| key == "ASIATOKEN2")
    });
    let (_, err) = follower.stop();
    assert!(!err.contains("not.a.real-token") && !err.contains("ExpiredToken"), "{err}");
}

#[test]
fn keys_that_the_store_calls_expired_are_asked_for_anew_without_a_restart() {
    let sts = Fake::tokens(3600);
    let store = Fake::store(|key| key != "ASIATOKEN1");
    let (place, mut command) = ready(&[]);
    with_web_identity(&mut command, &place, &sts);
    command.env("AWS_ENDPOINT_URL_S3", store.url());
    let follower = Follower::start(command);
    wait_for("the segment", || confirmed(&follower) >= 1.0);
    let (_, err) = follower.stop();
    assert!(err.contains("ExpiredToken") && err.contains("shipping again"), "{err}");
    assert!(!err.contains("ASIATOKEN"), "no key is shown: {err}");
}

#[test]
fn a_corrected_key_in_a_file_is_taken_up_without_a_restart() {
    let store = Fake::store(|key| key == "AKIARIGHT");
    let (place, mut command) = ready(&[]);
    let file = place.0.path().join("credentials");
    let write = |id: &str| {
        let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = s\n");
        fs::write(&file, text).unwrap();
    };
    write("AKIAWRONG");
    command.env("AWS_SHARED_CREDENTIALS_FILE", &file).env("AWS_ENDPOINT_URL_S3", store.url());
    let follower = Follower::start(command);
    wait_for("a refusal", || store.refused() > 0);
    assert_eq!(confirmed(&follower), 0.0);
    write("AKIARIGHT");
    wait_for("the segment", || confirmed(&follower) >= 1.0);
    let (_, err) = follower.stop();
    assert!(!err.contains("AKIA"), "no key is shown: {err}");
}

#[test]
fn a_proxy_is_gone_through_for_either_scheme_and_not_where_no_proxy_says_so() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = format!("http://{dead}");

    // Plain HTTP: the proxy gets the whole address.
    let proxy = Fake::store(|_| true);
    let (place, mut command) = ready(&["--allow-plain-http"]);
    with_key(&mut command, "AKIA1");
    command.env("AWS_ENDPOINT_URL_S3", "http://store.test").env("HTTP_PROXY", proxy.url());
    let (code, _, err) = answer(command.output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    let asked = proxy.requests();
    assert!(asked.iter().all(|line| line.contains(" http://store.test/bucket/a/")), "{asked:?}");
    drop(place);

    // HTTPS: the proxy is asked for a tunnel, and learns no more.
    let proxy = Fake::no_tunnel();
    let (place, mut command) = ready(&[]);
    with_key(&mut command, "AKIA1");
    command.env("AWS_ENDPOINT_URL_S3", "https://store.test").env("HTTPS_PROXY", proxy.url());
    let (code, _, _) = answer(command.output().unwrap());
    assert_eq!(code, Some(1));
    let asked = proxy.requests();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line.starts_with("CONNECT store.test:443")),
        "{asked:?}"
    );
    drop(place);

    for (no_proxy, is_direct) in [
        ("127.0.0.1", true),
        ("other.test, 127.0.0.0/8", true),
        ("*", true),
        ("other.test,*", true),
        ("other.test", false),
        ("", false),
    ] {
        let store = Fake::store(|_| true);
        let (_place, mut command) = ready(&[]);
        with_key(&mut command, "AKIA1");
        command.env("AWS_ENDPOINT_URL_S3", store.url());
        command.env("HTTP_PROXY", &dead).env("NO_PROXY", no_proxy);
        let (code, _, err) = answer(command.output().unwrap());
        assert_eq!(code == Some(0), is_direct, "NO_PROXY={no_proxy}: {err}");
        assert_eq!(store.requests().is_empty(), !is_direct, "NO_PROXY={no_proxy}");
    }
}

#[test]
fn a_bundle_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    for (bundle, says) in [
        (write("empty.pem", ""), "holds no certificate"),
        (write("text.pem", "no certificate at all\n"), "holds no certificate"),
        (folder.path().join("nowhere.pem"), "cannot be read"),
        (PathBuf::from("/"), "cannot be read"),
    ] {
        for follow in [&[][..], &["--follow"]] {
            let (_place, mut command) = ready(follow);
            with_key(&mut command, "AKIA1");
            command.env("AWS_ENDPOINT_URL_S3", "https://127.0.0.1:1").env("AWS_CA_BUNDLE", &bundle);
            let (code, _, err) = answer(command.output().unwrap());
            assert_eq!(code, Some(2), "{}: {err}", bundle.display());
            assert!(err.contains("AWS_CA_BUNDLE") && err.contains(says), "{err}");
        }
    }
}
