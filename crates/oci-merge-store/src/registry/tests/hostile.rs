//! Peers that the registry of this crate is too decent to play: scripted, one answer a connection.

use super::*;
use crate::ErrorKind;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
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
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["POST", "PUT", "DELETE"]);
}

#[test]
fn whoever_cancels_is_obeyed_at_once() {
    use std::sync::atomic::{AtomicBool, Ordering};
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
