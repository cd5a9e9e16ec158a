//! What is asked, and what comes back.

use super::bounded;
use super::pace::Incoming;
use super::url::Url;
use crate::Content;
use std::io::{self, Read};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A request; it can be made again, for its body can be opened again.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Body<'a>>,
    /// Whether it may only go to public addresses.
    pub(crate) public_only: bool,
    /// Whether it tidies up: sent although the caller wants to stop, and given up after a second.
    pub(crate) tidying: bool,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) content: &'a dyn Content,
    pub(crate) size: u64,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, url: Url) -> Request<'a> {
        Request { method, url, headers: Vec::new(), body: None, public_only: false, tidying: false }
    }

    pub(crate) fn body(self, content: &'a dyn Content, size: u64) -> Request<'a> {
        Request { body: Some(Body { content, size }), ..self }
    }

    /// The same with a header; a value that no header can hold is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Request<'a> {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// An answer whose body has not been read.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Where it came from, redirects followed.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Incoming>,
}

/// As much of a body as is read only to keep the connection.
const MAX_DISCARDED: u64 = 64 << 10;

impl Response {
    /// A header as text; of several the first.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The length that the header names.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Whether a partial answer begins at this byte (RFC 9110 section 14.4).
    pub(crate) fn begins_at(&self, at: u64) -> bool {
        let range = self.header("content-range").unwrap_or_default();
        let first = range.trim().strip_prefix("bytes ").and_then(|range| range.split_once('-')).map(|(first, _)| first);
        first.and_then(|first| first.trim().parse().ok()) == Some(at)
    }

    /// The server's own name for the request.
    pub(crate) fn request_id(&self) -> Option<String> {
        ["x-request-id", "x-github-request-id", "x-amzn-requestid", "x-amz-request-id", "x-ms-request-id"]
            .iter()
            .find_map(|name| self.header(name))
            .map(|id| id.chars().take(80).collect())
    }

    /// The whole body.
    ///
    /// # Errors
    /// It cannot be read, or `InvalidData` if it has more than `limit` bytes.
    pub(crate) fn read_all(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        self.body.take().map_or(Ok(Vec::new()), |body| bounded::read_all(body, limit))
    }

    /// The beginning of the body, however much there is of it; a cut body is as good.
    pub(crate) fn read_some(&mut self, limit: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(body) = self.body.take() {
            let _ = body.take(limit).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Reads a small body to its end, so that the connection can serve the next request.
    pub(crate) fn discard(mut self) {
        self.read_some(MAX_DISCARDED);
    }
}
