//! Credentials: they work, they go nowhere else, and a refusal says which one was sent.

use super::*;
use oci_merge_store::ErrorKind;
use oci_merge_store::network::{Event, Watcher};
use oci_merge_store::registry::Refusal;
use oci_merge_store::server::{Auth, Authorization, Desk, Realm};
use std::error::Error as _;

fn bearer(realm: Realm) -> Options {
    let auth = Auth::Bearer { login: login(), ttl: Duration::from_secs(300), realm };
    Options { auth, ..Options::default() }
}

fn basic() -> Options {
    Options { auth: Auth::Basic(login()), ..Options::default() }
}

/// The password, and what it looks like in an `Authorization`: base64 of `jon:hunter2`.
const SECRETS: [&str; 2] = ["hunter2", "am9uOmh1bnRlcjI="];

#[test]
fn every_way_to_show_who_one_is_works() {
    for (options, fault) in [
        (basic(), None),
        (bearer(Realm::Registry), None),
        (bearer(Realm::OtherPort), None),
        (bearer(Realm::OtherPort), Some("do=access-token,host=token,times=0")),
        (bearer(Realm::OtherPort), Some("do=drop,host=token,times=2")),
        (bearer(Realm::OtherPort), Some("do=status:503,host=token,times=2")),
        (bearer(Realm::OtherPort), Some("do=unauthorized,on=PUT")),
        (basic(), Some("do=redirect:cdn,path=/blobs/,times=0")),
        (bearer(Realm::OtherPort), Some("do=redirect:cdn,path=/blobs/,times=0")),
    ] {
        let what = format!("{:?} {fault:?}", options.auth);
        let stage =
            Stage::with(options, |address| settings(address, "hunter2"), &fault.into_iter().collect::<Vec<_>>());
        let image = Image::usual();
        stage.push("demo", &image).unwrap_or_else(|e| panic!("{what}: {e}"));
        image.assert_pushed(&stage, "demo", &what);
        image.assert_in(&stage.pull("demo").unwrap_or_else(|e| panic!("{what}: {e}")), &what);
        stage.assert_clean(&what);
    }
}

#[test]
fn one_token_is_asked_for_by_all_threads() {
    let stage = Stage::with(bearer(Realm::OtherPort), |address| settings(address, "hunter2"), &[]);
    stage.push("demo", &Image::usual()).unwrap();
    let tokens = stage.server.requests().iter().filter(|r| r.desk == Desk::Token).count();
    assert_eq!(tokens, 1);
    let refused = stage.server.requests().iter().filter(|r| r.status == 401).count();
    assert!(refused <= 1 + 4, "{refused} requests without a token");
}

#[test]
fn a_token_that_runs_out_is_renewed() {
    let auth = Auth::Bearer { login: login(), ttl: Duration::from_secs(1), realm: Realm::OtherPort };
    // The stall is longer than the token's life.
    let faults = ["do=stall:1.2,on=POST", "do=stall:1.2,on=PUT,path=/manifests/"];
    let stage = Stage::with(Options { auth, ..Options::default() }, |address| settings(address, "hunter2"), &faults);
    let image = Image::of(&[pattern(1, 50_000)]);
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "short tokens");
    assert!(stage.server.requests().iter().filter(|r| r.desk == Desk::Token).count() > 1);
}

#[test]
fn a_mount_has_the_right_to_read_its_source() {
    let stage = Stage::with(bearer(Realm::OtherPort), |address| settings(address, "hunter2"), &[]);
    let image = Image::of(&[pattern(1, 50_000)]);
    let layer = Descriptor::of(MediaType::ImageLayer, &image.blobs[1]);
    stage.server.put_blob("base", &image.blobs[1]).unwrap();
    assert!(stage.repository("demo").mount(&layer, "base").unwrap());
    assert!(stage.server.blob("demo", &layer.digest).is_some());
}

#[test]
fn a_refusal_says_what_was_sent_and_no_secret() {
    for options in [basic(), bearer(Realm::OtherPort), bearer(Realm::Registry)] {
        let what = format!("{:?}", options.auth);
        let stage = Stage::with(options, |address| settings(address, "wrong-password"), &[]);
        let error = stage.push("demo", &Image::of(&[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{what}: {error}");
        let text = error.to_string();
        for part in [&stage.server.address().to_string(), "401", "jon   from the caller"] {
            assert!(text.contains(part), "{what}: no {part} in: {text}");
        }
        assert!(!text.contains("wrong-password"), "{what}: {text}");
        if let Some(refusal) = error.source().and_then(|source| source.downcast_ref::<Refusal>()) {
            let used: Vec<_> = refusal.looked.iter().filter(|looked| looked.used).map(|l| l.held.as_str()).collect();
            assert_eq!((refusal.status, used), (401, vec!["jon"]), "{what}");
        } else {
            assert!(what.starts_with("Bearer"), "{what}: only a token service's word is not a registry's");
        }
        assert!(stage.server.requests().len() <= 3, "{what}: {:#?}", stage.server.requests());
    }
}

#[test]
fn without_a_login_a_refusal_says_so() {
    let stage = Stage::with(basic(), |_| Settings::default(), &[]);
    let error = stage.repository("demo").resolve("v1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("nobody"), "{error}");
}

#[test]
fn a_token_service_that_fails_is_given_up() {
    let faults = ["do=status:500,host=token,times=0"];
    let stage = Stage::with(bearer(Realm::OtherPort), |address| settings(address, "hunter2"), &faults);
    stage.repository("demo").resolve("v1").unwrap_err();
    assert_eq!(stage.server.requests().iter().filter(|r| r.desk == Desk::Token).count(), 6);
}

#[test]
fn a_password_does_not_follow_a_realm_to_another_host() {
    let stage = Stage::with(bearer(Realm::OtherHost), |address| settings(address, "hunter2"), &[]);
    stage.repository("demo").resolve("v1").unwrap_err();
    assert!(stage.server.requests().iter().all(|r| r.authorization == Authorization::None));
    // Unless somebody says that this host is trusted.
    let trusting = |address| Settings { auth_realms: vec!["127.0.0.3".into()], ..settings(address, "hunter2") };
    let stage = Stage::with(bearer(Realm::OtherHost), trusting, &[]);
    let image = Image::of(&[]);
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "a trusted realm");
}

#[test]
fn a_password_goes_to_no_realm_that_cannot_be() {
    for url in ["http://169.254.169.254/latest", "ftp://127.0.0.1/token", "http://[::bad", "", "http://jon.example/"] {
        let stage = Stage::with(bearer(Realm::Url(url.into())), |address| settings(address, "hunter2"), &[]);
        let error = stage.repository("demo").resolve("v1").unwrap_err();
        assert!(stage.server.requests().iter().all(|r| r.authorization == Authorization::None), "{url}: {error}");
        assert!(stage.server.requests().len() <= 3, "{url}");
    }
}

#[test]
fn a_password_does_not_follow_an_upload_to_another_host() {
    for options in [basic(), bearer(Realm::OtherPort)] {
        let faults = ["do=location:otherhost,on=POST,times=0"];
        let stage = Stage::with(options, |address| settings(address, "hunter2"), &faults);
        // Whether it goes there without a credential or not at all.
        let _ = stage.push("demo", &Image::of(&[pattern(1, 9_000)]));
        assert!(stage.server.faults_fired()[0] > 0);
        stage.assert_clean("uploads at another host");
    }
}

#[test]
fn no_secret_is_ever_told() {
    let told = Arc::new(Mutex::new(String::new()));
    for (options, fault) in [
        (basic(), "do=drop,on=PUT,times=3"),
        (bearer(Realm::OtherPort), "do=status:503,times=3"),
        (bearer(Realm::Registry), "do=redirect:cdn,times=0"),
        (bearer(Realm::OtherPort), "do=status:500,host=token,times=0"),
        (bearer(Realm::OtherPort), "do=unauthorized,times=0"),
    ] {
        let book = Arc::clone(&told);
        let watcher = Watcher::new(move |event: &Event| {
            let line = match event {
                Event::Request(exchange) => format!("{exchange} {exchange:?}"),
                other => format!("{other:?}"),
            };
            book.lock().unwrap().push_str(&line);
        });
        let stage = Stage::with(options, |address| Settings { watcher, ..settings(address, "hunter2") }, &[fault]);
        if let Err(error) = stage.push("demo", &Image::usual()).and_then(|_| stage.pull("demo").map(drop)) {
            told.lock().unwrap().push_str(&format!("{error} {error:?}"));
        }
        told.lock().unwrap().push_str(&format!("{:?}", stage.network));
    }
    let told = told.lock().unwrap();
    assert!(told.contains("PUT http://127.0.0.1"), "something was told");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} was told");
    }
}
