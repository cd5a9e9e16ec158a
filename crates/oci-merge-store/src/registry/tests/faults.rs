//! What networks and registries do to a client. The rows are those of the fault table that the project is built to.

use super::*;
use crate::ErrorKind;
use crate::server::faults::Fault;

/// How it has to end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    Badly(ErrorKind),
}
use End::{Badly, Well};

fn misbehave(server: &Server, faults: &str) {
    for fault in faults.split(' ') {
        server.misbehave(fault.parse::<Fault>().unwrap()).unwrap();
    }
}

fn check(row: &str, end: End, result: Result<()>, server: &Server, client: &Client) {
    let text = format!("{row}: {result:?}\n{}", client.heard());
    match (&result, end) {
        (Ok(()), Well) => {}
        (Err(error), Badly(kind)) => assert_eq!(error.kind(), kind, "{text}"),
        _ => panic!("expected {end:?} of {text}"),
    }
    assert!(server.leaks().is_empty(), "{row} leaks: {:?}", server.leaks());
    assert!(server.violations().is_empty(), "{row}: {:?}", server.violations());
    no_secret_in(&text);
}

/// Pushes under each fault; the tag moves once, or not at all.
#[test]
fn a_push_survives_what_may_pass() {
    use ErrorKind::{Denied, Network};
    let rows = [
        ("do=drop,on=POST", Well),
        ("do=drop,on=PUT", Well),
        ("do=reset,on=PUT", Well),
        ("do=drop-body:100000,on=PUT", Well),
        ("do=reset-body:500,on=PUT,times=5", Well),
        ("do=status:429,retry-after=2,times=2", Well),
        ("do=status:429,retry-after=1,times=0", Badly(Network)),
        ("do=status:503,on=POST,times=2", Well),
        ("do=status:500,on=PUT,path=/blobs/,times=2", Well),
        ("do=status:500,on=PUT,path=/manifests/,times=2", Well),
        ("do=lost-response,on=PUT,path=/blobs/", Well),
        ("do=lost-response,on=PUT,path=/manifests/", Well),
        ("do=lose-session,on=PUT", Well),
        ("do=lose-session,on=PUT,times=0", Badly(Network)),
        ("do=early-status:413,on=PUT,path=/manifests/", Badly(Network)),
        ("do=location:absolute,on=POST,times=0", Well),
        ("do=location:relative,on=POST,times=0", Well),
        ("do=location:missing,on=POST,times=0", Badly(Network)),
        ("do=location:garbage,on=POST,times=0", Badly(Network)),
        ("do=location:otherhost,on=POST,times=0", Well),
        ("do=keepalive-drop,times=0", Well),
        ("do=close,times=0", Well),
        ("do=status:400,on=PUT,path=/blobs/", Well),
        ("do=status:400,on=PUT,path=/blobs/,times=2", Badly(Network)),
        ("do=status:403,on=POST", Badly(Denied)),
        ("do=unauthorized,times=0", Badly(Denied)),
        ("do=unauthorized,on=PUT,path=/blobs/", Well),
        ("do=drop,host=token", Well),
        ("do=status:500,host=token,times=0", Badly(Denied)),
        ("do=access-token,host=token,times=0", Well),
        ("do=status:405,on=HEAD,times=0", Well),
    ];
    let image = Image::new("pushed");
    for (row, end) in rows {
        let server = server(bearer(Realm::OtherHost));
        let client = Client::of(&server);
        misbehave(&server, row);
        let result = image.push(&client.open(&server, "jon/babylon"), "full");
        let went_well = result.is_ok();
        check(row, end, result, &server, &client);
        assert!(server.faults_fired()[0] > 0, "{row} never happened");
        assert_eq!(server.tag_moves().len(), usize::from(went_well), "{row}");
        assert_eq!(server.tags("jon/babylon").get("full"), went_well.then_some(&image.manifest.0.digest), "{row}");
    }
}

#[test]
fn a_pull_survives_what_may_pass_and_takes_no_wrong_byte() {
    use ErrorKind::{Document, Mismatch, Network};
    let rows = [
        ("do=truncate:60000,on=GET,path=/blobs/,times=5", Well),
        ("do=truncate-reset:60000,on=GET,path=/blobs/,times=5", Well),
        ("do=truncate:10000,on=GET,path=/blobs/,times=0", Badly(Network)),
        ("do=truncate:60000,on=GET,path=/blobs/ do=no-range,on=GET,path=/blobs/,times=0", Well),
        ("do=truncate:60000,on=GET,path=/blobs/ do=bad-range,on=GET,path=/blobs/,times=0", Badly(Mismatch)),
        ("do=truncate:100,on=GET,path=/manifests/,times=3", Well),
        ("do=flip:100,on=GET,path=/blobs/", Badly(Mismatch)),
        ("do=swap,on=GET,path=/blobs/", Badly(Mismatch)),
        ("do=shorter:7,on=GET,path=/blobs/", Well),
        ("do=longer:7,on=GET,path=/blobs/", Well),
        ("do=no-length,on=GET,times=0", Well),
        ("do=chunked,on=GET,times=0", Well),
        ("do=flip:30,path=/manifests/full,times=0", Badly(Mismatch)),
        (
            "do=header-digest:sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,path=/manifests/full,times=0",
            Badly(Mismatch),
        ),
        ("do=header-digest:nonsense,path=/manifests/full,times=0", Badly(Document)),
        ("do=content-type:text/html,path=/manifests/full,times=0", Badly(Document)),
        ("do=content-type:application/vnd.oci.image.index.v1+json,path=/manifests/full,times=0", Badly(Document)),
        ("do=html,path=/manifests/full,times=0", Badly(Document)),
        ("do=redirect:cdn,on=GET,path=/blobs/,times=0", Well),
        ("do=redirect:registry,on=GET,path=/blobs/", Well),
        ("do=redirect:loop,on=GET,path=/blobs/,times=0", Badly(Network)),
        ("do=redirect:http://192.0.2.1/,on=GET,path=/blobs/,times=0", Badly(ErrorKind::Policy)),
        ("do=status:503,times=3", Well),
    ];
    let image = Image::new("pulled");
    for (row, end) in rows {
        let server = server(bearer(Realm::OtherHost));
        image.push(&Client::of(&server).open(&server, "jon/babylon"), "full").unwrap();
        let client = Client::of(&server);
        misbehave(&server, row);
        let result = pull(&client.open(&server, "jon/babylon"), "full");
        check(row, end, result, &server, &client);
        assert!(server.faults_fired()[0] > 0, "{row} never happened");
    }
}

#[test]
fn by_digest_a_wrong_header_is_of_no_account() {
    let server = server(Auth::None);
    let image = Image::new("digest");
    image.push(&Client::of(&server).open(&server, "a"), "full").unwrap();
    misbehave(&server, "do=header-digest:sha256:nonsense,path=/manifests/,times=0");
    let digest = image.manifest.0.digest.to_string();
    assert_eq!(Client::of(&server).open(&server, "a").resolve(&digest).unwrap(), image.manifest.0);
}

#[test]
fn a_lost_answer_is_not_a_lost_blob() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    misbehave(&server, "do=lost-response,on=PUT,path=/blobs/ do=lost-response,on=PUT,path=/manifests/full");
    Image::new("lost").push(&client.open(&server, "a"), "full").unwrap();
    let puts = |part: &str| server.requests().iter().filter(|r| r.method == "PUT" && r.target.contains(part)).count();
    assert_eq!((puts("uploads"), puts("manifests")), (4, 2), "{}", client.heard());
}

#[test]
fn a_server_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    misbehave(&server, "do=status:429,retry-after=7,on=HEAD,times=2");
    Image::new("busy").push(&client.open(&server, "a"), "full").unwrap();
    // Seven seconds, and half a second of jitter.
    assert_eq!(client.clock.slept(), [Duration::from_millis(7500); 2]);
}

#[test]
fn an_error_names_what_was_done_and_how_often_it_was_tried() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    misbehave(&server, "do=status:429,on=POST,times=0");
    let error = Image::new("tried").push(&client.open(&server, "jon/babylon"), "full").unwrap_err();
    let text = error.to_string();
    let digest = Image::new("tried").blobs[0].0.digest.to_string();
    for part in ["/jon/babylon: ", "sending blob", &digest, "429", "after 6 attempts"] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert!(error.is_retryable());
    let refusal = std::error::Error::source(&error).unwrap().downcast_ref::<super::super::Refusal>().unwrap();
    assert_eq!((refusal.status, refusal.attempts, refusal.repository.as_str()), (429, 6, "jon/babylon"));
}

#[test]
fn mounts_that_go_wrong_are_uploads() {
    let image = Image::new("mounts");
    for row in ["202", "403", "404", "405", "500"] {
        let server = server(bearer(Realm::OtherHost));
        let client = Client::of(&server);
        image.push(&client.open(&server, "java"), "21").unwrap();
        misbehave(&server, &format!("do=mount:{row},times=0"));
        let target = client.open(&server, "babylon");
        for (descriptor, bytes) in &image.blobs {
            assert!(!target.mount(descriptor, "java").unwrap(), "{row}");
            target.push(descriptor, bytes).unwrap();
        }
        assert!(server.leaks().is_empty() && server.violations().is_empty(), "{row}");
        assert!(client.clock.slept().is_empty(), "{row} was waited for");
    }
}

#[test]
fn a_manifest_that_lacks_blobs_says_so_to_those_who_copy() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    let image = Image::new("lacking");
    let error = client.open(&server, "a").push(&image.manifest.0, &image.manifest.1).unwrap_err();
    assert_eq!(error.reason(), Some(crate::MANIFEST_BLOB_UNKNOWN), "{error}");
}
