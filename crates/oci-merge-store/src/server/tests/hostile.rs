//! Whatever comes over the socket, the server goes on, and it ends when it is told to.

use super::super::{Options, Storage};
use super::*;
use std::time::Instant;

/// Numbers without a pattern, the same in every run (xorshift64, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn garbage_is_survived() {
    let server = server();
    server.put_blob("demo", b"hello").unwrap();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let good = format!(
        "PATCH /v2/demo/blobs/uploads/x?_state=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /v2/demo/blobs/{HELLO} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=1-2\r\n\r\n"
    );
    for round in 0..400 {
        let mut bytes = match round % 2 {
            0 => (0..numbers.next() % 300).map(|_| numbers.next() as u8).collect(),
            _ => good.clone().into_bytes(),
        };
        for _ in 0..numbers.next() % 6 {
            let place = numbers.next() as usize % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = numbers.next() as u8;
            }
        }
        let mut client = Client::new(server.address());
        // The server may close before all of it is sent.
        let _ = client.send(&bytes).and_then(|()| client.0.get_mut().shutdown(std::net::Shutdown::Write));
        let _ = io::copy(&mut client.0, &mut io::sink());
    }
    assert_eq!(get(&server, &format!("/v2/demo/blobs/{HELLO}")).body, b"hello");
}

#[test]
fn a_request_of_another_protocol_is_answered() {
    let server = server();
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], 400),
        (b"GET /v2/\r\n\r\n", 400),
        (b"PUT /v2/a/manifests/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"PUT /v2/a/manifests/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /v2/ HTTP/1.1\r\n\r\n", 421),
        (b"GET /v2/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ] {
        let mut client = Client::new(server.address());
        client.send(bytes).unwrap();
        assert_eq!(client.answer("GET").unwrap().status, status, "{}", bytes.escape_ascii());
    }
    let mut client = Client::new(server.address());
    let head = format!("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(70 << 10));
    client.send(head.as_bytes()).unwrap();
    assert_eq!(client.answer("GET").unwrap().status, 431);
}

#[test]
fn a_web_page_writes_nothing() {
    let server = server();
    let post = format!("/v2/demo/blobs/uploads/?digest={HELLO}");
    // What a browser adds to the fetch() of a page from elsewhere, to one from a sandbox, and to a form.
    for field in [
        ("Origin", "https://evil.example"),
        ("origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        for (method, target) in [("POST", post.as_str()), ("PUT", "/v2/demo/manifests/a"), ("DELETE", "/v2/x")] {
            assert_eq!(ask(&server, method, target, &[field], b"hello").status, 403, "{method} with {field:?}");
        }
        assert_eq!(ask(&server, "GET", "/v2/", &[field], b"").status, 200, "{field:?}");
        assert_eq!(ask(&server, "HEAD", "/v2/", &[field], b"").status, 200, "{field:?}");
    }
    assert_eq!(server.blob("demo", &HELLO.parse().unwrap()), None);
    // Typed by the one who sits there.
    assert_eq!(ask(&server, "POST", &post, &[("Sec-Fetch-Site", "none")], b"hello").status, 201);
}

#[test]
fn a_refused_body_does_not_cost_the_answer() {
    let server = server();
    let body = vec![0; 8 << 20];
    let answer = ask(&server, "PUT", "/v2/demo/blobs/uploads/none?digest=x", &[], &body);
    assert_eq!((answer.status, answer.field("connection")), (404, Some("close")));
    // A small one is read to its end, and the connection goes on.
    let mut client = Client::new(server.address());
    for _ in 0..2 {
        assert_eq!(client.ask("PUT", "/v2/demo/blobs/uploads/none", &[], b"hello").unwrap().status, 404);
    }
}

#[test]
fn only_loopback_is_listened_on() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let refused = Server::start(Options { address: address.parse().unwrap(), ..Options::default() }).err().unwrap();
        assert_eq!(refused.kind(), crate::ErrorKind::Policy, "{address}");
    }
    let first = server();
    let taken = Server::start(Options { address: first.address(), ..Options::default() }).err().unwrap();
    assert_eq!(taken.kind(), crate::ErrorKind::Network);
}

#[test]
fn a_server_ends_though_its_clients_do_not() {
    let server = server();
    let address = server.address();
    let mut idle = Client::new(address);
    idle.ask("GET", "/v2/", &[], b"").unwrap();
    let mut halfway = Client::new(address);
    halfway.send(b"GET /v2/ HTT").unwrap();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let mut uploading = Client::new(address);
    uploading
        .send(
            format!("PATCH {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhe", begun.location()).as_bytes(),
        )
        .unwrap();
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    assert_eq!(idle.line().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_large_blob_goes_through_a_directory() {
    let temp = tempfile::tempdir().unwrap();
    let storage = Storage::Directory(temp.path().to_owned());
    let server = Server::start(Options { storage, ..Options::default() }).unwrap();
    let mut numbers = Numbers(1);
    let bytes: Vec<u8> = (0..3_000_000).map(|_| numbers.next() as u8).collect();
    let digest = Digest::of(&bytes);
    assert_eq!(ask(&server, "POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], &bytes).status, 201);
    let got = ask(&server, "GET", &format!("/v2/b/blobs/{digest}"), &[("Range", "bytes=1000000-")], b"");
    assert!(got.body == bytes[1_000_000..]);
    let sent = server.requests().last().unwrap().sent;
    assert_eq!(sent, 2_000_000);
}
