use super::*;
use crate::network::{Settings, StillClock};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How a server of one file behaves.
#[derive(Debug, Clone, Copy)]
struct Habits {
    /// The header by which the file is known again.
    validator: &'static str,
    /// Whether ranges are known.
    ranges: bool,
    /// Bytes of a body before the connection is cut, for so many connections.
    cut: (usize, usize),
    /// Whether the length is said.
    length: bool,
    /// Whether a range is answered with other bytes than those.
    liar: bool,
}

const DECENT: Habits = Habits { validator: "ETag: \"v1\"\r\n", ranges: true, cut: (0, 0), length: true, liar: false };

fn file() -> Vec<u8> {
    (0..200_000_u32).map(|i| (i % 251) as u8).collect()
}

/// Serves `/file`, and under other paths what the path says; the heads of the requests are written down.
fn serve(habits: Habits) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&heard);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut head).unwrap_or(0) > 2 {}
            book.lock().unwrap().push(head.to_lowercase());
            let _ = answer(&habits, number, &head.to_lowercase(), &mut stream);
        }
    });
    (format!("http://{address}"), heard)
}

fn answer(habits: &Habits, number: usize, head: &str, to: &mut TcpStream) -> io::Result<()> {
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some(status) = path.strip_prefix("/status/") {
        return write!(to, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if let Some(target) = path.strip_prefix("/to") {
        return write!(to, "HTTP/1.1 302 X\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let (file, from) = (file(), head.split("range: bytes=").nth(1).and_then(|r| r.split('-').next()?.parse().ok()));
    let from: Option<usize> = from.filter(|_| habits.ranges);
    let body = file.get(from.unwrap_or(0)..).unwrap_or_default().to_vec();
    let body: Vec<u8> = if habits.liar && from.is_some() { body.iter().map(|b| b ^ 1).collect() } else { body };
    let length = if habits.length { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    let range = from.map(|from| format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len()));
    let (status, range) = (if from.is_some() { 206 } else { 200 }, range.unwrap_or_default());
    write!(to, "HTTP/1.1 {status} X\r\n{length}{range}{}Connection: close\r\n\r\n", habits.validator)?;
    let (cut, times) = habits.cut;
    to.write_all(if number < times { &body[..cut.min(body.len())] } else { &body })
}

fn get(url: &str, sha256: Option<&Digest>) -> (Result<Downloaded>, Vec<u8>, Vec<u64>) {
    let settings = Settings { clock: Arc::new(StillClock::new(0.0)), ..Settings::default() };
    let mut into = tempfile::tempfile().unwrap();
    into.write_all(b"what was there before").unwrap();
    let seen = RefCell::new(Vec::new());
    let result = download(&Network::new(settings), url, sha256, &mut into, &|done, _| seen.borrow_mut().push(done));
    let mut bytes = Vec::new();
    into.rewind().unwrap();
    into.read_to_end(&mut bytes).unwrap();
    (result, bytes, seen.into_inner())
}

#[test]
fn what_is_downloaded_is_what_was_expected() {
    let expected = Digest::of(&file());
    for habits in [DECENT, Habits { validator: "", ..DECENT }, Habits { length: false, ..DECENT }] {
        let (base, _) = serve(habits);
        let (result, bytes, seen) = get(&format!("{base}/file?token=secret"), Some(&expected));
        assert_eq!(result.unwrap(), Downloaded { digest: expected.clone(), size: 200_000 }, "{habits:?}");
        assert!(bytes == file());
        assert!(seen.is_sorted() && seen.last() == Some(&200_000), "{seen:?}");
    }
}

#[test]
fn a_broken_connection_is_gone_on_with() {
    let last_modified = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    // What the server does, and how many requests begin in the middle.
    let rows = [
        (Habits { cut: (70_000, 2), ..DECENT }, 2),
        (Habits { cut: (70_000, 2), validator: last_modified, ..DECENT }, 2),
        (Habits { cut: (70_000, 2), validator: "", ..DECENT }, 0),
        (Habits { cut: (70_000, 2), validator: "ETag: W/\"weak\"\r\n", ..DECENT }, 0),
        (Habits { cut: (70_000, 2), ranges: false, ..DECENT }, 2),
        (Habits { cut: (0, 5), ..DECENT }, 0),
    ];
    for (habits, resumed) in rows {
        let (base, heard) = serve(habits);
        let (result, bytes, _) = get(&format!("{base}/file"), Some(&Digest::of(&file())));
        assert!(result.is_ok() && bytes == file(), "{habits:?}: {result:?}");
        let heard = heard.lock().unwrap();
        let ranges = heard.iter().filter(|head| head.contains("\nrange: bytes=")).count();
        assert_eq!((heard.len(), ranges), (habits.cut.1 + 1, resumed), "{habits:?}");
        assert!(heard.iter().all(|head| head.contains("\nrange: ") == head.contains("\nif-range: ")));
    }
}

#[test]
fn halves_that_do_not_fit_are_fetched_again_whole() {
    let (base, heard) = serve(Habits { cut: (70_000, 1), liar: true, ..DECENT });
    let (result, bytes, _) = get(&format!("{base}/file"), Some(&Digest::of(&file())));
    assert!(result.is_ok() && bytes == file(), "{result:?}");
    assert_eq!(heard.lock().unwrap().len(), 3);
}

#[test]
fn what_is_not_expected_is_not_kept() {
    let (base, heard) = serve(DECENT);
    let wrong = Digest::of(b"something else");
    let (result, bytes, _) = get(&format!("{base}/file"), Some(&wrong));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(
        error.to_string().contains(&wrong.to_string()) && error.to_string().contains(&Digest::of(&file()).to_string())
    );
    assert!(bytes.is_empty());
    assert_eq!(heard.lock().unwrap().len(), 1, "a digest that differs is not tried again");
}

#[test]
fn without_a_digest_there_is_one_to_paste() {
    let (base, _) = serve(DECENT);
    let (result, bytes, _) = get(&format!("{base}/file"), None);
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Policy);
    assert!(error.to_string().contains(&format!("sha256 = \"{}\"", Digest::of(&file()).hex())), "{error}");
    assert!(bytes.is_empty());
}

#[test]
fn what_cannot_be_had_says_why() {
    let rows = [
        ("/status/404", ErrorKind::NotFound, 1),
        ("/status/403", ErrorKind::Denied, 1),
        ("/status/418", ErrorKind::Network, 1),
        ("/status/503", ErrorKind::Network, 6),
        ("/to/file", ErrorKind::Mismatch, 2),
        ("/to/to/to/to/to/file", ErrorKind::Mismatch, 6),
        ("/to/to/to/to/to/to/file", ErrorKind::Network, 6),
        ("/toftp://127.0.0.1/", ErrorKind::Network, 1),
    ];
    for (path, kind, requests) in rows {
        let (base, heard) = serve(DECENT);
        let (result, bytes, _) = get(&format!("{base}{path}"), Some(&Digest::of(b"other")));
        assert_eq!(result.as_ref().unwrap_err().kind(), kind, "{path}: {result:?}");
        assert_eq!(heard.lock().unwrap().len(), requests, "{path}");
        assert!(bytes.is_empty());
    }
    let (base, heard) = serve(Habits { cut: (1000, usize::MAX), ..DECENT });
    let (result, bytes, _) = get(&format!("{base}/file"), Some(&Digest::of(&file())));
    let error = result.unwrap_err();
    assert!(error.kind() == ErrorKind::Network && error.to_string().contains("after 6 attempts"), "{error}");
    assert!(bytes.is_empty() && heard.lock().unwrap().len() == 6);
    for bad in ["ftp://127.0.0.1/x", "127.0.0.1/x", "", "http://jon:pw@127.0.0.1/x"] {
        assert_eq!(get(bad, None).0.unwrap_err().kind(), ErrorKind::Policy, "{bad}");
    }
    let https = get("https://127.0.0.1:1/x", None).0.unwrap_err();
    assert!(https.kind() == ErrorKind::Policy && https.to_string().contains("TLS provider"), "{https}");
}

#[test]
fn files_of_this_machine_are_verified_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b");
    std::fs::write(&path, file()).unwrap();
    let url = format!("file://{}", path.to_str().unwrap().replace(' ', "%20"));
    let (result, bytes, _) = get(&url, Some(&Digest::of(&file())));
    assert_eq!(result.unwrap().size, 200_000);
    assert!(bytes == file());
    let rows = [
        (url.clone(), Some(Digest::of(b"other")), ErrorKind::Mismatch),
        (url.clone(), None, ErrorKind::Policy),
        (format!("{url}.not"), None, ErrorKind::NotFound),
        (format!("file://{}", directory.path().display()), None, ErrorKind::Policy),
        ("file://elsewhere/x".into(), None, ErrorKind::Policy),
        ("file:///dev/zero".into(), None, ErrorKind::Policy),
    ];
    for (url, expected, kind) in rows {
        let (result, bytes, _) = get(&url, expected.as_ref());
        assert_eq!(result.unwrap_err().kind(), kind, "{url}");
        assert!(bytes.is_empty());
    }
}
