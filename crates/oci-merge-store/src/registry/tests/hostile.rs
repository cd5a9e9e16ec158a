//! Peers that the registry of this crate is too decent to play: scripted, one answer a connection.

use super::*;
use crate::{ErrorKind, Expected};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// What a scripted peer does with a request: writes to the connection, and closes it.
type Play = fn(SocketAddr, &str, &mut TcpStream) -> io::Result<()>;

/// Plays for as many connections as there are requests to be heard; the request lines come back.
fn peer(play: Play, connections: usize) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut head).unwrap_or(0) > 2 {}
            // A peer that is hung up on has nothing to complain of.
            let _ = play(address, head.lines().next().unwrap_or_default(), &mut stream);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = io::copy(&mut lines.take(1 << 20), &mut io::sink());
            heard.push(head);
        }
        heard
    });
    (address, heard)
}

fn open(address: SocketAddr) -> (Client, Registry) {
    let client = Client::new(Credentials::none());
    let registry = Registry::open(&client.network, &format!("{address}/a").parse().unwrap()).unwrap();
    (client, registry)
}

fn endless(head: &str, stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(head.as_bytes())?;
    let block = [b' '; 64 << 10];
    loop {
        stream.write_all(&block)?;
    }
}

#[test]
fn an_endless_manifest_is_given_up() {
    let play: Play = |_, _, stream| {
        endless("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n{", stream)
    };
    let (address, _) = peer(play, 1);
    let error = open(address).1.resolve("one").unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Document, Some("LIMIT_DOCUMENT_BYTES")), "{error}");
}

#[test]
fn an_endless_blob_is_given_up() {
    let (address, _) = peer(|_, _, stream| endless("HTTP/1.1 200 OK\r\n\r\n", stream), 1);
    let descriptor = Descriptor::of(MediaType::ImageLayer, b"ten bytes.");
    let error = open(address).1.fetch(&descriptor).unwrap().read_document(1 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
}

#[test]
fn an_endless_error_is_given_up() {
    let (address, _) = peer(|_, _, stream| endless("HTTP/1.1 404 Not Found\r\n\r\n", stream), 1);
    assert_eq!(open(address).1.resolve("one").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn an_endless_head_is_given_up() {
    let play: Play = |_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"X-Header: and another one\r\n")?;
        }
    };
    let (address, _) = peer(play, 1);
    assert_eq!(open(address).1.resolve("one").unwrap_err().kind(), ErrorKind::Network);
}

#[test]
fn a_location_without_a_leading_slash_lies_beside_the_request() {
    let play: Play = |_, request, stream| match request.split(' ').next() {
        Some("POST") => {
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nLocation: session/7?_state=x%2Fy\r\nContent-Length: 0\r\n\r\n")
        }
        _ => stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    };
    let (address, heard) = peer(play, 2);
    let blob = b"a blob".to_vec();
    open(address).1.push(&Descriptor::of(MediaType::ImageLayer, &blob), &blob).unwrap();
    let heard = heard.join().unwrap();
    let put = heard[1].lines().next().unwrap().to_owned();
    // RFC 3986: against /v2/a/blobs/uploads/; the query that was there stays.
    assert!(put.starts_with("PUT /v2/a/blobs/uploads/session/7?_state=x%2Fy&digest=sha256:"), "{put}");
    assert!(heard[1].to_lowercase().contains("content-length: 6\r\n") && !heard[1].to_lowercase().contains("chunked"));
}

#[test]
fn a_checkup_does_not_call_an_upload_granted_that_leads_nowhere() {
    let server = server(Auth::None);
    server.misbehave("do=location:garbage,on=POST,times=0".parse().unwrap()).unwrap();
    let checkup = Client::of(&server).open(&server, "a").examine();
    let push = checkup.findings.iter().find(|finding| finding.name == "push").unwrap();
    assert!(push.found.contains("the Location of the upload is not used"), "{push:?}");
    assert_eq!(checkup.failure.unwrap().kind(), ErrorKind::Network);
    assert!(server.requests().iter().all(|request| request.method != "DELETE"));
}

#[test]
fn an_upload_that_is_begun_with_201_and_no_location_is_not_begun() {
    let play: Play =
        |_, _, stream| stream.write_all(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let (address, heard) = peer(play, 1);
    let blob = b"a blob".to_vec();
    let error = open(address).1.push(&Descriptor::of(MediaType::ImageLayer, &blob), &blob).unwrap_err();
    let text = error.to_string();
    assert!(error.kind() == ErrorKind::Network && text.contains("sending blob") && text.contains("201"), "{text}");
    assert!(heard.join().unwrap()[0].starts_with("POST "), "once, and nothing was sent");
}

/// Answers with a status and fields, and no body.
fn say(stream: &mut TcpStream, answer: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn an_upload_that_gets_on_by_a_byte_at_a_time_is_given_up() {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let play: Play = |_, request, stream| match request.split(' ').next() {
        Some("POST") => say(stream, "202 Accepted\r\nLocation: /session"),
        Some("PUT") => say(stream, "413 Content Too Large"),
        Some("PATCH") => say(stream, &format!("202 Accepted\r\nRange: 0-{}", LAST.fetch_add(1, Ordering::SeqCst) + 1)),
        _ => say(stream, &format!("204 No Content\r\nRange: 0-{}", LAST.load(Ordering::SeqCst))),
    };
    let (address, _) = peer(play, 100);
    let blob = vec![7; 200_000];
    let error = open(address).1.push(&Descriptor::of(MediaType::ImageLayer, &blob), &blob).unwrap_err();
    let text = error.to_string();
    assert!(error.kind() == ErrorKind::Network && text.contains("less than half of what it was sent"), "{text}");
    assert_eq!(LAST.load(Ordering::SeqCst), 3, "three chunks were sent");
}

#[test]
fn an_upload_that_gets_on_by_a_byte_with_each_broken_connection_is_given_up() {
    static SENT: AtomicU64 = AtomicU64::new(0);
    let play: Play = |_, request, stream| match request.split(' ').next() {
        Some("POST") => say(stream, "202 Accepted\r\nLocation: /session"),
        Some("GET") => say(stream, &format!("204 No Content\r\nRange: 0-{}", SENT.load(Ordering::SeqCst))),
        Some("PUT" | "PATCH") => {
            SENT.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        _ => say(stream, "404 Not Found"),
    };
    let (address, _) = peer(play, 100);
    let blob = vec![7; 200_000];
    let error = open(address).1.push(&Descriptor::of(MediaType::ImageLayer, &blob), &blob).unwrap_err();
    assert!(error.kind() == ErrorKind::Network && error.is_retryable(), "{error}");
    assert_eq!(SENT.load(Ordering::SeqCst), 6, "{error}");
}

#[test]
fn a_registry_that_lets_somebody_else_move_the_tag_right_after_is_found_out() {
    // It honours no condition: the tag is not there, is taken, and stands for something else.
    let play: Play = |_, request, stream| match request.split(' ').next() {
        Some("HEAD") if MOVED.swap(true, Ordering::SeqCst) => {
            let digest = "0".repeat(64);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:{digest}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
        }
        Some("HEAD") => stream.write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        _ => stream.write_all(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    };
    static MOVED: AtomicBool = AtomicBool::new(false);
    let (address, heard) = peer(play, 3);
    let manifest = Image::new("raced").manifest;
    let tags = ["v1".to_owned()];
    let error = open(address).1.push_as(&manifest.0, &manifest.1, &tags, Some(&Expected::Absent)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TagMoved, "{error}");
    assert!(error.to_string().contains(&format!("tag moved to sha256:{}", "0".repeat(64))), "{error}");
    let heard = heard.join().unwrap();
    assert!(heard[1].starts_with("PUT ") && heard[1].to_lowercase().contains("if-none-match: *"), "{heard:?}");
}

/// The digest of what a tag stands for, in the tests below.
const OLD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_weak_etag_is_no_condition() {
    static MOVED: AtomicBool = AtomicBool::new(false);
    let play: Play = |_, request, stream| match request.split(' ').next() {
        Some("HEAD") => {
            let digest = Image::new("weak").manifest.0.digest.to_string();
            let digest = if MOVED.load(Ordering::SeqCst) { &digest } else { OLD };
            say(stream, &format!("200 OK\r\nDocker-Content-Digest: {digest}\r\nETag: W/\"{digest}\""))
        }
        _ => {
            MOVED.store(true, Ordering::SeqCst);
            say(stream, "201 Created")
        }
    };
    let (address, heard) = peer(play, 3);
    let manifest = Image::new("weak").manifest;
    let expected = Expected::At(OLD.parse().unwrap());
    open(address).1.push_as(&manifest.0, &manifest.1, &["v1".to_owned()], Some(&expected)).unwrap();
    let heard = heard.join().unwrap();
    assert!(heard[1].starts_with("PUT ") && !heard[1].to_lowercase().contains("if-match"), "{heard:?}");
}

#[test]
fn a_condition_that_is_refused_is_not_called_a_tag_that_moved() {
    let at: Play = |_, request, stream| match request.split(' ').next() {
        Some("HEAD") => say(stream, &format!("200 OK\r\nDocker-Content-Digest: {OLD}")),
        _ => say(stream, "412 Precondition Failed"),
    };
    let absent: Play = |_, request, stream| match request.split(' ').next() {
        Some("HEAD") => say(stream, "404 Not Found"),
        _ => say(stream, "412 Precondition Failed"),
    };
    let manifest = Image::new("refused").manifest;
    for (play, expected, condition) in [
        (at, Expected::At(OLD.parse().unwrap()), format!("if-match: \"{OLD}\"")),
        (absent, Expected::Absent, "if-none-match: *".to_owned()),
    ] {
        let (address, heard) = peer(play, 3);
        let error = open(address).1.push_as(&manifest.0, &manifest.1, &["v1".to_owned()], Some(&expected)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("refused the condition") && !text.contains("tag moved to"), "{text}");
        assert_eq!(error.kind(), ErrorKind::TagMoved);
        assert!(heard.join().unwrap()[1].to_lowercase().contains(&condition), "{condition}");
    }
}

#[test]
fn a_challenge_that_asks_for_nothing_we_have_is_a_refusal() {
    for challenge in ["", "WWW-Authenticate: Negotiate\r\n", "WWW-Authenticate: Bearer service=\"x\"\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = format!("HTTP/1.1 401 Unauthorized\r\n{challenge}Content-Length: 0\r\n\r\n");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        });
        assert_eq!(open(address).1.resolve("one").unwrap_err().kind(), ErrorKind::Denied, "{challenge}");
    }
}

#[test]
fn an_upload_ends_where_its_content_is_wrong_and_the_session_is_given_back() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    let promised = Descriptor::of(MediaType::ImageLayer, &[7; 200_000]);
    let error = client.open(&server, "a").push(&promised, &vec![8; 200_000]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    // The server writes the PUT down when it has seen its end, which may be after the DELETE.
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert!(methods[0] == "POST" && methods.iter().any(|method| method == "DELETE"), "{methods:?}");
}

#[test]
fn whoever_cancels_is_obeyed_at_once() {
    let server = server(Auth::None);
    let stop = Arc::new(AtomicBool::new(false));
    let (asked, told) = (Arc::clone(&stop), Arc::clone(&stop));
    let watcher = Watcher::new(move |event| {
        // Once the upload is open.
        if let Event::Request(exchange) = event {
            told.fetch_or(exchange.status == Some(202), Ordering::SeqCst);
        }
    });
    let cancelled: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(move || asked.load(Ordering::SeqCst));
    let network = Network::new(Settings { watcher, cancelled: Some(cancelled), ..Settings::default() });
    let registry = Registry::open(&network, &format!("{}/a", server.address()).parse().unwrap()).unwrap();
    let blob = vec![1; 500_000];
    let error = registry.push(&Descriptor::of(MediaType::ImageLayer, &blob), &blob).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["POST", "DELETE"], "nothing is sent, and the session is given back");
}
