//! What is asked of a registry when all is well: the contract of a store, and no request too many.

use super::*;
use crate::server::{Desk, Request};

/// Methods and kinds of the requests to a registry, in order.
fn asked(requests: &[Request]) -> Vec<String> {
    let kind = |target: &str| {
        ["uploads", "blobs", "manifests", "token"]
            .into_iter()
            .find(|kind| target.contains(kind))
            .unwrap_or("other")
            .to_owned()
    };
    requests.iter().map(|r| format!("{} {}", r.method, kind(&r.target))).collect()
}

#[test]
fn it_keeps_the_contract_of_a_store() {
    let auths = [Auth::None, Auth::Basic(login()), bearer(Realm::Registry), bearer(Realm::OtherHost)];
    for auth in auths {
        let server = server(auth);
        let client = Client::of(&server);
        crate::contract::contract(&client.open(&server, "a/store"));
        assert!(server.leaks().is_empty());
        no_secret_in(&client.heard());
    }
}

#[test]
fn a_first_push_asks_three_times_for_a_blob() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    let registry = client.open(&server, "jon/babylon");
    let image = Image::new("first");
    image.push(&registry, "full").unwrap();
    let blob = ["HEAD blobs", "POST uploads", "PUT uploads"];
    let expected: Vec<&str> = blob.repeat(4).into_iter().chain(["PUT manifests"; 2]).collect();
    assert_eq!(asked(&server.requests()), expected);
    assert_eq!(server.tags("jon/babylon")["full"], image.manifest.0.digest);
    assert!(server.violations().is_empty());
    // One connection serves them all.
    assert!(server.requests().iter().all(|request| request.connection == 1));
}

#[test]
fn what_was_resolved_is_not_asked_for_again() {
    let server = server(Auth::None);
    let image = Image::new("kept");
    image.push(&Client::of(&server).open(&server, "a"), "one").unwrap();
    let before = server.requests().len();
    let client = Client::of(&server);
    let registry = client.open(&server, "a");
    let descriptor = registry.resolve("one").unwrap();
    assert_eq!(descriptor, image.manifest.0);
    assert_eq!(registry.fetch(&descriptor).unwrap().read_document(1 << 20).unwrap(), image.manifest.1);
    registry.tag(&descriptor, "two").unwrap();
    assert_eq!(asked(&server.requests()[before..]), ["GET manifests", "PUT manifests"]);
}

#[test]
fn a_mount_is_one_request_and_shows_the_right_to_both_repositories() {
    let server = server(bearer(Realm::OtherHost));
    let client = Client::of(&server);
    let image = Image::new("mounted");
    image.push(&client.open(&server, "jon/java"), "21").unwrap();
    let before = server.requests().len();
    let target = client.open(&server, "jon/babylon");
    for (descriptor, _) in &image.blobs {
        assert!(target.mount(descriptor, "jon/java").unwrap());
    }
    // The first one is preceded by its token: the server refuses mounts without the right to read the source.
    let requests = &server.requests()[before..];
    assert_eq!(asked(requests), ["GET token", "POST uploads", "POST uploads", "POST uploads", "POST uploads"]);
    let token = &requests[0].target;
    assert!(token.contains("scope=repository:jon/babylon:pull,push&scope=repository:jon/java:pull"), "{token}");
    assert!(requests[1..].iter().all(|r| r.desk == Desk::Registry && r.status == 201 && r.received == 0));
}

#[test]
fn a_mount_that_is_not_done_is_an_upload_in_the_session_that_was_offered() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    let registry = client.open(&server, "jon/babylon");
    let (descriptor, bytes) = &Image::new("elsewhere").blobs[0];
    assert!(!registry.mount(descriptor, "no/such").unwrap());
    registry.push(descriptor, bytes).unwrap();
    assert_eq!(asked(&server.requests()), ["POST uploads", "PUT uploads"]);
    assert_eq!(server.blob("jon/babylon", &descriptor.digest).as_ref(), Some(bytes));
}

#[test]
fn one_token_serves_all_threads_and_repositories_are_told_apart() {
    let server = server(bearer(Realm::OtherPort));
    let client = Client::of(&server);
    let registry = client.open(&server, "a");
    let blobs: Vec<Vec<u8>> = (0..12_u8).map(|n| vec![n; 5000]).collect();
    // One request learns what the registry wants; threads that start before that all ask for themselves.
    assert!(!registry.exists(&Descriptor::of(MediaType::ImageLayer, b"none")).unwrap());
    std::thread::scope(|scope| {
        for blob in &blobs {
            scope.spawn(|| registry.push(&Descriptor::of(MediaType::ImageLayer, blob), blob).unwrap());
        }
    });
    let tokens = |server: &Server| server.requests().iter().filter(|r| r.desk == Desk::Token).count();
    assert_eq!(tokens(&server), 1);
    client.open(&server, "b").push(&Descriptor::of(MediaType::ImageLayer, &blobs[0]), &blobs[0]).unwrap();
    assert_eq!(tokens(&server), 2);
}
