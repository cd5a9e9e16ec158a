//! The head of one HTTP/1.1 request (RFC 9112): method, target, fields, and how its body is framed.

use std::io::{self, BufRead, ErrorKind};

/// The largest head that is read, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// The most fields of a head that are read.
const MAX_FIELDS: usize = 128;

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By a `Content-Length`; without any, nothing follows.
    Length(u64),
    /// By a last chunk of no bytes.
    Chunked,
}

/// The head of a request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path with its query, as it was sent.
    pub(super) target: String,
    /// The decoded parameters of the query, in their order.
    pub(super) query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    /// Whether a fault lets a manifest pass that names what is not there.
    pub(super) unchecked: bool,
}

/// Why no request could be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// The peer has closed, or the connection broke.
    Gone,
    /// What it sent is not a request that this server takes: the status to answer with.
    Bad(u16),
}

impl From<io::Error> for Unread {
    fn from(_: io::Error) -> Unread {
        Unread::Gone
    }
}

impl Request {
    /// Reads up to the empty line, and no byte of the body.
    pub(super) fn read(from: &mut impl BufRead) -> Result<Request, Unread> {
        let head = read_head(from)?;
        let mut space = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut space);
        match parsed.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Unread::Bad(431)),
            _ => return Err(Unread::Bad(400)),
        }
        let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(Unread::Bad(400));
        };
        let mut fields = Vec::new();
        for field in parsed.headers.iter() {
            let value = std::str::from_utf8(field.value).map_err(|_| Unread::Bad(400))?;
            fields.push((field.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let keep_alive = version == 1
            && !fields.iter().any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"));
        let query = target.split_once('?').map(|(_, query)| parameters(query)).unwrap_or_default();
        let framing = framing(&fields)?;
        Ok(Request {
            method: method.into(),
            target: target.into(),
            query,
            fields,
            framing,
            keep_alive,
            unchecked: false,
        })
    }

    /// The path without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// A field by its lower-case name; of several the first.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Forgets a field, as if the peer had not sent it.
    #[cfg(feature = "faults")]
    pub(super) fn without_field(&mut self, name: &str) {
        self.fields.retain(|(n, _)| n != name);
    }
}

/// `a=b&c=d` with `%XX` and `+` decoded, as URLs and forms write it.
pub(super) fn parameters(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escape = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (byte, escape.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Everything up to and with the empty line, at most [`MAX_HEAD`] bytes.
fn read_head(from: &mut impl BufRead) -> Result<Vec<u8>, Unread> {
    let mut head = Vec::new();
    loop {
        let start = head.len();
        if start == 0 && from.fill_buf()?.first().is_some_and(|b| !b.is_ascii_uppercase() && !b.is_ascii_whitespace()) {
            // The hello of TLS, say, in which no empty line will ever come.
            return Err(Unread::Bad(400));
        }
        let room = (MAX_HEAD - start) as u64;
        match io::Read::take(&mut *from, room).read_until(b'\n', &mut head) {
            Ok(_) if head.len() == MAX_HEAD => return Err(Unread::Bad(431)),
            Ok(count) if count > 0 && head.last() == Some(&b'\n') => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Ok(_) | Err(_) => return Err(Unread::Gone),
        }
        match head.get(start..) {
            // RFC 9112 section 2.2: empty lines before a request line are passed over.
            Some(b"\r\n" | b"\n") if start == 0 => head.clear(),
            Some(b"\r\n" | b"\n") => return Ok(head),
            _ => {}
        }
    }
}

/// RFC 9112 section 6.3. What two readers could frame differently is refused: that is how requests are smuggled.
fn framing(fields: &[(String, String)]) -> Result<Framing, Unread> {
    let mut length = None;
    let mut chunked = false;
    for (name, value) in fields {
        match name.as_str() {
            "content-length" => {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let value = value.parse().ok().filter(|_| digits).ok_or(Unread::Bad(400))?;
                if length.is_some_and(|earlier| earlier != value) {
                    return Err(Unread::Bad(400));
                }
                length = Some(value);
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") && !chunked => chunked = true,
            "transfer-encoding" => return Err(Unread::Bad(501)),
            _ => {}
        }
    }
    match (length, chunked) {
        (Some(_), true) => Err(Unread::Bad(400)),
        (_, true) => Ok(Framing::Chunked),
        (length, false) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, Unread> {
        Request::read(&mut text.as_bytes())
    }

    #[test]
    fn a_head_is_taken_apart() {
        let text =
            "\r\nGET /v2/a/blobs/x?digest=sha256%3Aab&from=a%2Fb+c&bad=%zz HTTP/1.1\r\nRange:  bytes=0-1 \r\n\r\nrest";
        let request = read(text).unwrap();
        assert_eq!((request.method.as_str(), request.path()), ("GET", "/v2/a/blobs/x"));
        assert_eq!(request.parameter("digest"), Some("sha256:ab"));
        assert_eq!(request.parameter("from"), Some("a/b c"));
        assert_eq!(request.parameter("bad"), Some("%zz"));
        assert_eq!(request.field("range"), Some("bytes=0-1"));
        assert_eq!((request.framing, request.keep_alive), (Framing::Length(0), true));
    }

    #[test]
    fn only_one_way_to_frame_a_body_is_taken() {
        let framed = |fields: &str| read(&format!("PUT / HTTP/1.1\r\n{fields}\r\n\r\n")).map(|r| r.framing);
        assert_eq!(framed("content-LENGTH: 12").unwrap(), Framing::Length(12));
        assert_eq!(framed("Transfer-Encoding: Chunked").unwrap(), Framing::Chunked);
        for bad in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: +1",
            "Content-Length: 99999999999999999999",
            "Content-Length: 1, 1",
            "Content-Length:",
        ] {
            assert!(matches!(framed(bad), Err(Unread::Bad(400))), "{bad}");
        }
        assert!(matches!(framed("Transfer-Encoding: gzip, chunked"), Err(Unread::Bad(501))));
    }

    #[test]
    fn heads_are_bounded() {
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        assert!(matches!(read(&long), Err(Unread::Bad(431))));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
        assert!(matches!(read(&many), Err(Unread::Bad(431))));
        assert!(matches!(read("GET / HTTP/1.1\r\nA: b"), Err(Unread::Gone)));
        assert!(matches!(read("GET / HTTP/1.1\r\nA: b\r\n"), Err(Unread::Gone)));
        assert!(matches!(read(""), Err(Unread::Gone)));
        assert!(matches!(read("\x16\x03\x01\x02"), Err(Unread::Bad(400))));
    }
}
