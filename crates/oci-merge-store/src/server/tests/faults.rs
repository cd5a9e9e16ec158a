//! Each fault does what it says, when it says, and nothing else.

use super::super::faults::Fault;
use super::super::{Auth, Desk, Login, Options, Realm, Violation};
use super::*;
use std::time::Instant;

/// A registry with the blob `hello` in `demo` and these faults.
fn faulty(faults: &[&str]) -> Server {
    let server = server();
    server.put_blob("demo", b"hello").unwrap();
    misbehave(&server, faults);
    server
}

fn misbehave(server: &Server, faults: &[&str]) {
    for fault in faults {
        server.misbehave(fault.parse::<Fault>().unwrap()).unwrap();
    }
}

fn hello() -> String {
    format!("/v2/demo/blobs/{HELLO}")
}

fn begin(server: &Server) -> Answer {
    ask(server, "POST", "/v2/demo/blobs/uploads/", &[], b"")
}

#[test]
fn a_fault_happens_when_it_should() {
    let server = faulty(&["do=drop,on=GET,path=/blobs/,nth=2,times=2"]);
    let gone = |target: &str| try_ask(&server, "GET", target, &[], b"").is_err();
    assert!(!gone("/v2/"));
    assert!(!gone(&hello()));
    assert!(gone(&hello()));
    assert!(!gone("/v2/"));
    assert!(gone(&hello()));
    assert!(!gone(&hello()));
    assert_eq!(server.faults_fired(), [2]);
    server.behave();
    misbehave(&server, &["do=drop,on=GET|HEAD,times=0"]);
    assert!(gone("/v2/") && try_ask(&server, "HEAD", "/v2/", &[], b"").is_err() && gone("/v2/"));
    assert_eq!(ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"").status, 202);
}

#[test]
fn connections_break() {
    for fault in ["do=drop", "do=reset", "do=drop-body:2", "do=reset-body:2"] {
        let server = faulty(&[&format!("{fault},on=PUT")]);
        let begun = begin(&server);
        let target = format!("{}&digest={HELLO}", begun.location());
        let error = try_ask(&server, "PUT", &target, &[], &vec![b'x'; 4 << 20]).err().unwrap();
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{fault}: {error}");
        // Nothing was stored, and the session goes on.
        assert_eq!(ask(&server, "GET", begun.location(), &[], b"").field("range"), Some("0-0"), "{fault}");
        let read = server.requests().iter().find(|r| r.method == "PUT").unwrap().received;
        assert_eq!(read, if fault.ends_with(":2") { 2 } else { 0 }, "{fault}");
    }
}

#[test]
fn a_reset_is_a_reset() {
    // Nothing of the request is unread, so only SO_LINGER makes the kernel reset.
    let server = faulty(&["do=reset,on=GET"]);
    let error = try_ask(&server, "GET", "/v2/", &[], b"").err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let server = faulty(&["do=drop,on=GET"]);
    let error = try_ask(&server, "GET", "/v2/", &[], b"").err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn statuses_are_injected() {
    let server = faulty(&["do=status:429,retry-after=2,on=PUT", "do=early-status:413,on=PATCH", "do=html,on=GET"]);
    let begun = begin(&server);
    let mut client = Client::new(server.address());
    let limited = client.ask("PUT", begun.location(), &[], b"hello").unwrap();
    assert_eq!(
        (limited.status, limited.field("retry-after"), limited.code().as_str()),
        (429, Some("2"), "TOOMANYREQUESTS")
    );
    let early = ask(&server, "PATCH", begun.location(), &[], &vec![0; 8 << 20]);
    assert_eq!((early.status, early.field("connection")), (413, Some("close")));
    assert!(client.ask("GET", "/v2/", &[], b"").unwrap().body.starts_with(b"<!DOCTYPE html>"));
}

#[test]
fn answers_are_late_or_never_come() {
    let server = faulty(&["do=stall:0.3", "do=hang,on=HEAD", "do=slow:50,path=/blobs/,on=GET"]);
    let start = Instant::now();
    assert_eq!(get(&server, "/v2/").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
    let start = Instant::now();
    assert_eq!(get(&server, &hello()).body, b"hello");
    assert!(start.elapsed() >= Duration::from_millis(90), "5 bytes at 50 a second");
    let mut client = Client::new(server.address());
    client.0.get_mut().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = client.ask("HEAD", "/v2/", &[], b"").err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(5), "the end of the server wakes the sleepers");
}

#[test]
fn an_answer_is_lost_after_the_deed() {
    let server = faulty(&["do=lost-response,on=PUT"]);
    let bytes = manifest(&server, "demo", &[]);
    assert!(try_ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST)], &bytes).is_err());
    assert_eq!(server.tags("demo")["v1"], Digest::of(&bytes));
}

#[test]
fn bodies_come_wrong() {
    let body = |fault: &str| {
        let server = faulty(&[&format!("{fault},on=GET")]);
        let answer = ask(&server, "GET", &hello(), &[("Range", "bytes=0-")], b"");
        (answer.body, answer.whole)
    };
    assert_eq!(body("do=truncate:2"), (b"he".to_vec(), false));
    assert!(!body("do=truncate-reset:2").1);
    assert_eq!(body("do=flip:1"), (b"hdllo".to_vec(), true)); // e is 0x65, d is 0x64
    let (swapped, whole) = body("do=swap");
    assert!(whole && swapped.len() == 5 && swapped != b"hello");
    assert_eq!(body("do=bad-range"), (swapped, true));
    assert_eq!(body("do=longer:7"), (b"hello".to_vec(), false));
    assert_eq!(body("do=shorter:2"), (b"hel".to_vec(), true));
    assert_eq!(body("do=no-length"), (b"hello".to_vec(), true));
    assert_eq!(body("do=chunked"), (b"hello".to_vec(), true));
    assert_eq!(body("do=slow:1000000"), (b"hello".to_vec(), true));
}

#[test]
fn fields_come_wrong() {
    let field = |fault: &str, name: &str| {
        let server = faulty(&[&format!("{fault},on=GET,path=/blobs/")]);
        get(&server, &hello()).field(name).map(str::to_owned)
    };
    assert_eq!(field("do=header-digest:sha256:00", "docker-content-digest").unwrap(), "sha256:00");
    assert_eq!(field("do=content-type:text/html", "content-type").unwrap(), "text/html");
    assert_eq!(field("do=warning:old", "warning").unwrap(), "299 - \"old\"");
    assert_eq!(field("do=close", "connection").unwrap(), "close");
    assert_eq!(field("do=no-length", "content-length"), None);
    assert_eq!(field("do=chunked", "content-length"), None);
    assert_eq!(field("do=shorter:2", "content-length").unwrap(), "3");
    assert_eq!(field("do=longer:2", "content-length").unwrap(), "7");
    let server = faulty(&["do=no-range"]);
    assert_eq!(ask(&server, "GET", &hello(), &[("Range", "bytes=1-2")], b"").status, 200);
}

#[test]
fn a_kept_connection_dies() {
    let server = faulty(&["do=keepalive-drop"]);
    let mut client = Client::new(server.address());
    let answer = client.ask("GET", &hello(), &[], b"").unwrap();
    assert_eq!((answer.status, answer.whole, answer.field("connection")), (200, true, None));
    assert!(client.ask("GET", &hello(), &[], b"").is_err());
}

#[test]
fn uploads_are_elsewhere() {
    let location = |kind: &str| {
        let server = faulty(&[&format!("do=location:{kind},on=POST")]);
        let begun = begin(&server);
        (begun.field("location").map(str::to_owned), server)
    };
    let (absolute, server) = location("absolute");
    assert!(absolute.unwrap().starts_with(&format!("http://{}/v2/demo/blobs/uploads/", server.address())));
    assert!(location("relative").0.unwrap().starts_with("/v2/demo/blobs/uploads/"));
    let noslash = location("noslash").0.unwrap();
    assert!(!noslash.contains('/') && noslash.contains("?_state="), "{noslash}");
    assert_eq!(location("missing").0, None);
    assert_eq!(location("garbage").0.unwrap(), "ht!tp://[::bad");
    let (otherhost, server) = location("otherhost");
    let otherhost = otherhost.unwrap();
    let (address, path) = otherhost.strip_prefix("http://").unwrap().split_at(otherhost[7..].find('/').unwrap());
    assert!(address.starts_with("127.0.0.2:"));
    let mut client = Client::new(address.parse().unwrap());
    let put = client.ask("PUT", &format!("{path}&digest={HELLO}"), &[("Authorization", "Basic x")], b"hello").unwrap();
    assert_eq!(put.status, 201);
    let leaks = server.leaks();
    assert_eq!((leaks.len(), leaks[0].desk, leaks[0].method.as_str()), (1, Desk::Cdn, "PUT"));
}

#[test]
fn blobs_are_elsewhere() {
    let server = faulty(&["do=redirect:cdn"]);
    let redirected = get(&server, &hello());
    assert_eq!(redirected.status, 307);
    let url = redirected.location().strip_prefix("http://").unwrap().to_owned();
    let (address, path) = url.split_at(url.find('/').unwrap());
    let mut cdn = Client::new(address.parse().unwrap());
    assert_eq!(cdn.ask("GET", path, &[], b"").unwrap().body, b"hello");
    assert_eq!(server.leaks(), []);
    cdn.ask("GET", path, &[("Authorization", "Bearer x")], b"").unwrap();
    assert_eq!(server.leaks().len(), 1);
    assert_eq!(cdn.ask("GET", "/v2/demo/tags/list", &[], b"").unwrap().status, 404, "it has blobs and uploads only");

    let server = faulty(&["do=redirect:registry"]);
    let again = get(&server, &hello()).location().split_once(&server.address().to_string()).unwrap().1.to_owned();
    assert_eq!(get(&server, &again).body, b"hello");
    let server = faulty(&["do=redirect:loop,times=0"]);
    let mut target = hello();
    for _ in 0..100 {
        target = get(&server, &target).location().to_owned();
    }
    assert_eq!(get(&server, &target).status, 508);
    let server = faulty(&["do=redirect:http://127.0.0.9/x"]);
    assert_eq!(get(&server, &hello()).location(), "http://127.0.0.9/x");
}

#[test]
fn mounts_are_refused_or_lied_about() {
    let mount = |fault: &str, digest: &str| {
        let server = faulty(&[fault]);
        let answer = ask(&server, "POST", &format!("/v2/new/blobs/uploads/?mount={digest}&from=demo"), &[], b"");
        (answer.status, server)
    };
    let (status, server) = mount("do=mount:202", HELLO);
    assert_eq!((status, server.blob("new", &HELLO.parse().unwrap())), (202, None));
    assert_eq!(mount("do=mount:405", HELLO).0, 405);
    assert_eq!(mount("do=mount:403", HELLO).0, 403);
    let layer = Digest::of(b"layer").to_string();
    let (status, server) = mount("do=mount:lie", &layer);
    assert_eq!((status, server.blob("new", &Digest::of(b"layer"))), (201, None));
    // The client that believed it is not to blame.
    server.put_blob("new", b"{}").unwrap();
    let bytes = manifest_of(&[b"layer"]);
    let put = ask(&server, "PUT", "/v2/new/manifests/v1", &[("Content-Type", MANIFEST)], &bytes);
    assert_eq!((put.code().as_str(), server.violations().len()), ("MANIFEST_BLOB_UNKNOWN", 0));
    let (status, server) = mount("do=mount:lie", HELLO);
    assert_eq!((status, server.blob("new", &HELLO.parse().unwrap()).is_some()), (201, true), "no lie is needed");
}

#[test]
fn head_lies_about_what_is_not_there() {
    let server = faulty(&["do=head-lies,times=0"]);
    let layer = Digest::of(b"layer");
    assert_eq!(ask(&server, "HEAD", &format!("/v2/demo/blobs/{layer}"), &[], b"").status, 200);
    assert_eq!(get(&server, &format!("/v2/demo/blobs/{layer}")).status, 404);
    server.put_blob("demo", b"{}").unwrap();
    ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST)], &manifest_of(&[b"layer"]));
    assert_eq!(server.violations(), []);
}

#[test]
fn chunks_are_lost() {
    let server = faulty(&["do=partial:2,on=PATCH"]);
    let begun = begin(&server);
    assert!(try_ask(&server, "PATCH", begun.location(), &[], b"hello").is_err());
    assert_eq!(ask(&server, "GET", begun.location(), &[], b"").field("range"), Some("0-1"));

    let server = faulty(&["do=discard-chunk,on=PATCH,nth=2"]);
    let first = ask(&server, "PATCH", begin(&server).location(), &[("Content-Range", "0-1")], b"he");
    let second = ask(&server, "PATCH", first.location(), &[("Content-Range", "2-3")], b"ll");
    assert_eq!((second.status, second.field("range")), (202, Some("0-3")), "as if it were kept");
    let put = format!("{}&digest={HELLO}", second.location());
    let put = ask(&server, "PUT", &put, &[("Content-Range", "4-4")], b"o");
    assert_eq!((put.status, server.violations().len()), (416, 0));

    let server = faulty(&["do=range-stuck,on=PATCH,nth=2"]);
    let first = ask(&server, "PATCH", begin(&server).location(), &[("Content-Range", "0-1")], b"he");
    let second = ask(&server, "PATCH", first.location(), &[("Content-Range", "2-3")], b"ll");
    assert_eq!(second.field("range"), Some("0-1"));
    assert_eq!(ask(&server, "GET", second.location(), &[], b"").field("range"), Some("0-3"));

    let server = faulty(&["do=lose-session,on=PUT"]);
    let begun = begin(&server);
    assert_eq!(ask(&server, "PUT", begun.location(), &[], b"hello").code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(ask(&server, "PUT", begun.location(), &[], b"hello").code(), "BLOB_UPLOAD_UNKNOWN");

    let server = faulty(&["do=patch-status:201"]);
    server.behave();
    misbehave(&server, &["do=patch-status:201,on=PATCH"]);
    assert_eq!(ask(&server, "PATCH", begin(&server).location(), &[], b"he").status, 201);
}

#[test]
fn chunks_have_bounds() {
    let server = faulty(&["do=chunk-max:3:416,times=0"]);
    let begun = begin(&server);
    assert_eq!(ask(&server, "PATCH", begun.location(), &[], b"hello").status, 416);
    assert_eq!(ask(&server, "PATCH", begun.location(), &[], b"hel").status, 202);

    let server = faulty(&["do=chunk-min:3,times=0"]);
    let begun = begin(&server);
    assert_eq!(begun.field("oci-chunk-min-length"), Some("3"));
    let first = ask(&server, "PATCH", begun.location(), &[], b"hel");
    let small = ask(&server, "PATCH", first.location(), &[], b"l");
    assert_eq!((small.status, server.violations().len()), (202, 0), "it may be the last");
    assert_eq!(ask(&server, "PATCH", small.location(), &[], b"o").status, 416);
    assert!(matches!(server.violations()[..], [Violation::SmallChunk { .. }]));
}

#[test]
fn tags_are_moved_by_others_and_to_what_is_not_whole() {
    let server = faulty(&["do=move-tag,on=PUT"]);
    let bytes = manifest(&server, "demo", &[]);
    let put =
        ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST), ("If-None-Match", "*")], &bytes);
    assert_eq!(put.status, 412);
    assert_eq!(server.tag_moves().len(), 1);
    assert_ne!(server.tags("demo")["v1"], Digest::of(&bytes));

    let server = faulty(&["do=unchecked,on=PUT"]);
    let put = ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST)], &manifest_of(&[]));
    assert_eq!(put.status, 201);
    assert!(matches!(server.violations()[..], [Violation::IncompleteTag { .. }]));
}

#[test]
fn credentials_are_of_no_use() {
    let login = Login { user: "jon".into(), password: "secret".into() };
    let auth = Auth::Bearer { login, ttl: Duration::from_secs(9), realm: Realm::OtherHost };
    let server = Server::start(Options { auth, ..Options::default() }).unwrap();
    misbehave(&server, &["do=unauthorized", "do=access-token,host=token", "do=drop,host=token,nth=2"]);
    let challenge = get(&server, "/v2/demo/tags/list");
    let challenge = challenge.field("www-authenticate").unwrap();
    assert!(challenge.ends_with("scope=\"repository:demo:pull,push\""), "{challenge}");
    let address = challenge.split(['/', '"']).nth(3).unwrap().parse().unwrap();
    let token = || Client::new(address).ask("GET", "/token", &[("Authorization", "Basic am9uOnNlY3JldA==")], b"");
    let given = token().unwrap().json();
    assert!(given.get("token").is_none() && given["access_token"].is_string());
    assert!(token().is_err());
    assert_eq!(token().unwrap().status, 200);
    // A name and a password have no business anywhere else there.
    Client::new(address).ask("GET", "/v2/", &[("Authorization", "Basic x")], b"").unwrap();
    assert_eq!(server.leaks().len(), 1);
}
