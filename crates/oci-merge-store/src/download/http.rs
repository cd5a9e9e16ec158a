//! `https` and `http` addresses, gone on with where a connection broke (RFC 9110 sections 13.1.5 and 14).

use super::{Downloaded, MAX_DOWNLOAD, empty, unwritable};
use crate::digester::Digester;
use crate::network::{Attempts, Clear, Failure, Network, Request, Response, Url, follow, is_transient, retry_after};
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Algorithm, Digest};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;
use ureq::http::{Method, header};

/// How much is read at a time, in bytes.
const BLOCK: usize = 64 << 10;

pub(super) fn get(
    network: &Network,
    url: &str,
    sha256: Option<&Digest>,
    into: &mut File,
    observe: &dyn Fn(u64, Option<u64>),
) -> Result<(String, Downloaded)> {
    let url = Url::parse(url).map_err(|e| Error::new(ErrorKind::Policy, "the address", e.to_string()))?;
    let place = url.redacted();
    let algorithm = sha256.map_or(Algorithm::Sha256, Digest::algorithm);
    let attempts = Attempts::new(network, format!("downloading {place}"));
    let fresh = Digester::new(algorithm);
    let mut download = Download {
        network,
        url,
        place,
        into,
        observe,
        attempts,
        digester: fresh.clone(),
        fresh,
        at: 0,
        total: None,
        same: None,
        ranges: true,
        joined: false,
    };
    loop {
        let done = download.run()?;
        if download.joined && sha256.is_some_and(|expected| *expected != done.digest) {
            // Two halves that do not fit together: the server's word on what is the same was wrong.
            (download.ranges, download.joined, download.same) = (false, false, None);
            continue;
        }
        return Ok((download.place, done));
    }
}

struct Download<'a> {
    network: &'a Network,
    url: Url,
    place: String,
    into: &'a mut File,
    observe: &'a dyn Fn(u64, Option<u64>),
    attempts: Attempts,
    digester: Digester,
    fresh: Digester,
    at: u64,
    total: Option<u64>,
    /// By what the server knows its file again: a strong `ETag`, or `Last-Modified`.
    same: Option<String>,
    /// Whether the server is believed to know ranges.
    ranges: bool,
    /// Whether the bytes come from more than one answer.
    joined: bool,
}

/// Why an attempt ended.
enum End {
    /// The file is complete.
    Complete,
    /// The next attempt may go well, and when.
    Broken(String, Option<Duration>),
    /// The server cannot start in the middle.
    FromStart,
}

impl Download<'_> {
    fn run(&mut self) -> Result<Downloaded> {
        loop {
            match self.attempt()? {
                End::Complete => {
                    let digest = std::mem::replace(&mut self.digester, self.fresh.clone()).finish();
                    return Ok(Downloaded { digest, size: std::mem::take(&mut self.at) });
                }
                End::FromStart => self.ranges = false,
                End::Broken(why, after) => {
                    if !self.attempts.again(&why, after)? {
                        let text = format!("{why} (after {} attempts)", self.attempts.made());
                        return Err(self.error(ErrorKind::Network, text).retryable());
                    }
                }
            }
        }
    }

    fn attempt(&mut self) -> Result<End> {
        // Bytes as they are: a digest is of the file and not of what a server made of it on the way.
        let mut request = Request::new(Method::GET, self.url.clone()).header(header::ACCEPT_ENCODING, "identity");
        let resumed = self.same.as_ref().filter(|_| self.at > 0 && self.ranges);
        if let Some(same) = resumed {
            request = request.header(header::RANGE, &format!("bytes={}-", self.at)).header(header::IF_RANGE, same);
        }
        let resumed = resumed.is_some();
        let response = match follow(self.network, request, Clear::Anybody) {
            Ok(response) => response,
            Err(failure) if failure.transient => return Ok(End::Broken(failure.text, None)),
            Err(failure) => return Err(self.failed(failure)),
        };
        match response.status {
            200 => self.start_over(&response)?,
            206 if resumed && response.begins_at(self.at) => self.joined = true,
            206 | 416 if resumed => return Ok(End::FromStart),
            status if is_transient(status) => {
                let after = retry_after(&response, &*self.network.settings().clock);
                return Ok(End::Broken(format!("it answered {status}"), after));
            }
            status => return Err(self.refused(status)),
        }
        self.receive(response)
    }

    fn start_over(&mut self, response: &Response) -> Result<()> {
        empty(self.into).map_err(|e| unwritable(&self.place, e))?;
        (self.at, self.digester, self.joined, self.total) = (0, self.fresh.clone(), false, response.length());
        let strong = response.header("etag").filter(|tag| !tag.starts_with("W/"));
        self.same = strong.or_else(|| response.header("last-modified"));
        Ok(())
    }

    fn receive(&mut self, mut response: Response) -> Result<End> {
        let Some(mut body) = response.body.take() else { return Ok(End::Complete) };
        let mut block = vec![0; BLOCK];
        loop {
            if self.network.is_cancelled() {
                return Err(self.error(ErrorKind::Cancelled, "cancelled".into()));
            }
            let count = match body.read(&mut block) {
                Ok(0) if self.total.is_some_and(|total| self.at < total) => {
                    return Ok(End::Broken(format!("it ended at byte {}", self.at), None));
                }
                Ok(0) => return Ok(End::Complete),
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(End::Broken(format!("the connection broke at byte {}: {e}", self.at), None)),
            };
            let bytes = block.get(..count).unwrap_or_default();
            if self.at + count as u64 > MAX_DOWNLOAD {
                return Err(self.error(ErrorKind::Policy, format!("more than {MAX_DOWNLOAD} bytes")));
            }
            self.into.write_all(bytes).map_err(|e| unwritable(&self.place, e))?;
            self.digester.update(bytes);
            self.at += count as u64;
            (self.observe)(self.at, self.total);
        }
    }

    fn refused(&self, status: u16) -> Error {
        match status {
            404 | 410 => self.error(ErrorKind::NotFound, format!("there is no such file (it answered {status})")),
            401 | 403 => self.error(ErrorKind::Denied, format!("not for everybody (it answered {status})")),
            _ => self.error(ErrorKind::Network, format!("it answered {status}")),
        }
    }

    fn failed(&self, failure: Failure) -> Error {
        let text = failure.text.clone();
        failure.into_error(&self.place, text)
    }

    fn error(&self, kind: ErrorKind, text: String) -> Error {
        Error::new(kind, &self.place, text)
    }
}
