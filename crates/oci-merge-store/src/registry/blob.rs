//! Blobs on their way here: streamed, and gone on with where a connection breaks.

use super::Registry;
use super::manifest::is_manifest;
use super::scope::Scope;
use crate::network::{Attempts, Incoming, Request, Response};
use crate::verified::Verified;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::Descriptor;
use std::io::{self, Read};
use ureq::http::{Method, header};

impl Registry {
    /// Whether a blob or manifest is there. Asked with the right to write, for it is asked before writing, and a
    /// registry may hide a repository from those who may only read it until it exists.
    pub(super) fn is_there(&self, descriptor: &Descriptor) -> Result<bool> {
        let kind = if is_manifest(&descriptor.media_type) { "manifests" } else { "blobs" };
        let url = self.url(&format!("{kind}/{}", descriptor.digest))?;
        let scope = Scope::push(&self.repository);
        let ask = |method, attempts: &mut Attempts| {
            let request = Request::new(method, url.clone()).header(header::ACCEPT, descriptor.media_type.as_ref());
            self.answer(&request, &scope, attempts)
        };
        let mut attempts = Attempts::new(&self.network, format!("looking for {}", descriptor.digest));
        let mut answer = ask(Method::HEAD, &mut attempts)?;
        if matches!(answer.status, 405 | 501) {
            // A server without HEAD; the body is not read.
            answer = ask(Method::GET, &mut attempts)?;
        }
        match answer.status {
            200 => Ok(has_length(&answer, descriptor)),
            404 => Ok(false),
            _ => Err(self.refused(answer, &scope, &attempts).error),
        }
    }

    /// Whether a blob is there, after an answer was lost: asked once, and not knowing is no.
    pub(super) fn is_there_now(&self, descriptor: &Descriptor, attempts: &Attempts) -> bool {
        let Ok(url) = self.url(&format!("blobs/{}", descriptor.digest)) else { return false };
        let answer = self.attempt(&Request::new(Method::HEAD, url), &Scope::push(&self.repository), attempts);
        answer.is_ok_and(|answer| answer.status == 200 && has_length(&answer, descriptor))
    }

    pub(super) fn fetch_blob(&self, descriptor: &Descriptor) -> Result<Verified> {
        let what = format!("reading blob {} ({} bytes)", descriptor.digest, descriptor.size);
        let attempts = Attempts::new(&self.network, what);
        let mut stream = Stream {
            registry: self.clone(),
            descriptor: descriptor.clone(),
            at: 0,
            body: None,
            ranges: true,
            attempts,
        };
        stream.open()?;
        Ok(Verified::new(descriptor, self.reference.name(), stream))
    }
}

/// Content of another length is other content, whatever the address says; 0 is how some say nothing.
fn has_length(answer: &Response, descriptor: &Descriptor) -> bool {
    answer.length().is_none_or(|length| length == 0 || length == descriptor.size)
}

/// A blob's bytes. What was handed out is not asked for again, where the server can start in the middle; where it
/// cannot, the beginning is read once more and left out. Either way the reader around this one has the last word.
struct Stream {
    registry: Registry,
    descriptor: Descriptor,
    at: u64,
    body: Option<Incoming>,
    /// Whether the server is believed to know ranges.
    ranges: bool,
    attempts: Attempts,
}

impl Stream {
    fn open(&mut self) -> Result<()> {
        let url = self.registry.url(&format!("blobs/{}", self.descriptor.digest))?;
        let scope = Scope::pull(&self.registry.repository);
        loop {
            let mut request = Request::new(Method::GET, url.clone());
            if self.at > 0 && self.ranges {
                request = request.header(header::RANGE, &format!("bytes={}-", self.at));
            }
            let mut response = self.registry.answer(&request, &scope, &mut self.attempts)?;
            let start = match response.status {
                200 => 0,
                206 if response.begins_at(self.at) => self.at,
                // A server that knows ranges badly is asked for everything.
                206 | 416 if self.at > 0 && self.ranges => {
                    self.ranges = false;
                    continue;
                }
                _ => return Err(self.registry.refused(response, &scope, &self.attempts).error),
            };
            let mut body = response.body.take();
            match body.as_mut().map(|body| skip(body, self.at - start)).transpose() {
                Ok(_) => {
                    self.body = body;
                    return Ok(());
                }
                Err(e) => self.broken(&e.to_string())?,
            }
        }
    }

    fn broken(&mut self, why: &str) -> Result<()> {
        self.body = None;
        let why = format!("the connection broke at byte {}: {why}", self.at);
        if self.attempts.again(&why, None)? {
            return Ok(());
        }
        let text = format!("{}: {why} (after {} attempts)", self.attempts.what(), self.attempts.made());
        Err(Error::new(ErrorKind::Network, self.registry.reference.name(), text)
            .about(&self.descriptor.digest)
            .retryable())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.registry.network.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, self.registry.reference.name(), "cancelled").into());
            }
            let Some(body) = &mut self.body else {
                self.open()?;
                continue;
            };
            let complete = self.at >= self.descriptor.size;
            match body.read(buffer) {
                Ok(0) if !complete && !buffer.is_empty() => self.broken("it ended early")?,
                Ok(count) => {
                    self.at += count as u64;
                    return Ok(count);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // All that was promised is here; how the connection ends is of no interest.
                Err(_) if complete => return Ok(0),
                Err(e) => self.broken(&e.to_string())?,
            }
        }
    }
}

fn skip(body: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut body.take(count), &mut io::sink())?;
    if skipped < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
