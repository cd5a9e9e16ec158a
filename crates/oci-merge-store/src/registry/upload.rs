//! Blobs on their way there: a session, then one streamed PUT (distribution-spec, Pushing a blob monolithically).
//!
//! In pieces (Pushing a blob in chunks) go a blob that the registry finds too large for one request, and the rest of
//! one whose connection broke, from the byte on that the registry says to have. A lost answer is not a lost blob: the
//! registry is asked for it before anything is sent again.

use super::Registry;
use super::answer::{Attempted, Missed};
use super::feed::Feed;
use super::scope::Scope;
use super::session::{Session, received};
use crate::network::{Attempts, Request, Response};
use crate::{Content, Error, ErrorKind, Result};
use oci_merge_image::Descriptor;
use ureq::http::{Method, header};

/// How often a registry may forget a session before it is given up.
const MAX_SESSIONS: u32 = 3;
/// How often a registry may answer a chunk and have less than half of it more than before.
const MAX_STUCK: u32 = 3;
/// The size of chunks where a registry does not want to have them larger: what GitHub's takes.
const CHUNK: u64 = 4 << 20;
/// No registry is tried with smaller chunks, unless it asks for them.
const SMALLEST_CHUNK: u64 = 16 << 10;

impl Registry {
    /// Sends a blob.
    pub(super) fn upload(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let what = format!("sending blob {} ({} bytes)", descriptor.digest, descriptor.size);
        let mut upload = Upload {
            registry: self,
            descriptor,
            feed: Feed::new(descriptor, content, self.reference.name()),
            scope: Scope::push(&self.repository),
            attempts: Attempts::new(&self.network, what),
            session: None,
            furthest: 0,
            chunk: self.host.chunk(),
            careful: false,
            forgotten: 0,
            doubted: 0,
            stuck: 0,
        };
        loop {
            let done = match upload.go_on() {
                Ok(()) => true,
                Err(missed) => upload.find_out(missed)?,
            };
            if done {
                self.close_kept_sessions(&descriptor.digest);
                return Ok(());
            }
        }
    }
}

/// One blob, and how far it is.
struct Upload<'a> {
    registry: &'a Registry,
    descriptor: &'a Descriptor,
    feed: Feed<'a>,
    scope: Scope,
    attempts: Attempts,
    /// `None`: a new one is to be opened.
    session: Option<Session>,
    /// As far as the registry ever said to be. What is less is no progress, for it may have lied.
    furthest: u64,
    /// The most bytes of one request, once the registry has refused more.
    chunk: Option<u64>,
    /// Whether the registry is asked before a body is sent: a connection broke, and a refusal may have been lost.
    careful: bool,
    forgotten: u32,
    doubted: u32,
    stuck: u32,
}

impl Upload<'_> {
    /// Goes on from where the session is, to the end if nothing comes between.
    fn go_on(&mut self) -> Attempted<()> {
        loop {
            let session = match self.session.clone() {
                Some(session) => session,
                None => self.registry.open_session(&self.descriptor.digest, &self.attempts)?,
            };
            self.session = Some(session.clone());
            let left = self.descriptor.size.saturating_sub(session.at);
            let whole = session.at == 0 && self.chunk.is_none_or(|most| left <= most);
            if whole || left == 0 {
                return self.finish(&session, left);
            }
            // Where nothing larger was refused, all of the rest is one chunk.
            let most = self.chunk.map_or(left, |chunk| chunk.max(session.least));
            self.feed_chunk(&session, left.min(most))?;
        }
    }

    /// The last request, with all bytes or with none.
    fn finish(&mut self, session: &Session, count: u64) -> Attempted<()> {
        let request = Request::new(Method::PUT, session.url.with("digest", &self.descriptor.digest.to_string()));
        let response = match count {
            0 => self.send(request.header(header::CONTENT_LENGTH, "0"))?,
            _ => self.send_bytes(request, session.at, count)?,
        };
        match response.status {
            200 | 201 | 204 => {
                response.discard();
                Ok(())
            }
            _ => Err(self.refused(response)),
        }
    }

    fn feed_chunk(&mut self, session: &Session, count: u64) -> Attempted<()> {
        let end = session.at + count;
        let range = format!("{}-{}", session.at, end.saturating_sub(1));
        let request = Request::new(Method::PATCH, session.url.clone()).header(header::CONTENT_RANGE, &range);
        let response = self.send_bytes(request, session.at, count)?;
        // 201 is Amazon's.
        if !matches!(response.status, 200 | 201 | 202 | 204) {
            return Err(self.refused(response));
        }
        let next = self.registry.session_after(&response, session, &self.attempts)?;
        let next = Session { at: received(&response).unwrap_or(end), ..next };
        response.discard();
        // An answer that does not fit what was sent may be wrong about it; the session itself is asked.
        self.session = if next.at == end { Some(next) } else { self.look_up(&next) };
        let at = self.session.as_ref().map_or(0, |session| session.at);
        // One byte more each time would be progress without an end.
        if at >= session.at + count.div_ceil(2) {
            self.note(at);
            return Ok(());
        }
        if !self.is_stuck() {
            return Ok(());
        }
        let what = self.attempts.what();
        let text = format!(
            "{what}: the registry was sent {count} bytes that follow byte {}, and then has {at} bytes; it is given up \
             after {MAX_STUCK} answers by which it has less than half of what it was sent",
            session.at
        );
        Err(Missed::for_good(Error::new(ErrorKind::Network, self.registry.reference.name(), text)))
    }

    /// The session is here. If that is further than ever, and by enough for an end to come in sight, what follows is
    /// another matter than what was tried before.
    fn note(&mut self, at: u64) {
        let enough = self.furthest.saturating_add(SMALLEST_CHUNK).min(self.descriptor.size);
        if at > self.furthest && at >= enough {
            self.furthest = at;
            self.attempts = Attempts::new(&self.registry.network, self.attempts.what());
            (self.stuck, self.careful) = (0, false);
        }
    }

    /// Counts an answer after which the registry has little more than before, or less.
    fn is_stuck(&mut self) -> bool {
        self.stuck += 1;
        self.stuck >= MAX_STUCK
    }

    /// Where a session is; `None` if it is no more, or where it cannot be.
    fn look_up(&self, session: &Session) -> Option<Session> {
        self.registry.look_up(session, &self.attempts).filter(|now| now.at <= self.descriptor.size)
    }

    /// What is to be done about an attempt that came to nothing; `true` if the blob turns out to be there.
    fn find_out(&mut self, missed: Missed) -> Result<bool> {
        let Some(session) = self.session.clone() else { return missed.wait(&mut self.attempts).map(|()| false) };
        let missed = match missed.said.as_ref().map(|said| said.status) {
            Some(413 | 416) if self.is_to_be_smaller(&session) => {
                return Ok(false);
            }
            Some(404) if self.forgotten + 1 < MAX_SESSIONS => {
                self.forgotten += 1;
                self.session = None;
                missed.worth_another()
            }
            // Our bytes are right, for they were verified as they went out; they were spoilt on the way, once.
            Some(400) if self.doubted == 0 => {
                self.doubted += 1;
                self.session = None;
                missed.worth_another()
            }
            _ => missed,
        };
        if !missed.is_transient() {
            self.registry.close_session(session);
            return Err(missed.error);
        }
        let said = missed.said.as_ref().map(|said| said.status);
        if !matches!(said, Some(408 | 429)) && self.registry.is_there_now(self.descriptor, &self.attempts) {
            return Ok(true);
        }
        missed.wait(&mut self.attempts).inspect_err(|_| self.registry.close_session(session.clone()))?;
        self.careful = said.is_none();
        if self.session.is_some() {
            self.session = self.look_up(&session);
            let at = self.session.as_ref().map_or(0, |session| session.at);
            self.note(at);
        }
        Ok(false)
    }

    /// After a body was refused for its size or its place: whether there is another way to send it.
    fn is_to_be_smaller(&mut self, session: &Session) -> bool {
        let left = self.descriptor.size.saturating_sub(session.at);
        let sent = self.chunk.map_or(left, |chunk| left.min(chunk.max(session.least)));
        let now = self.look_up(session);
        let at = now.as_ref().map_or(0, |now| now.at);
        self.session = now;
        if at != session.at {
            // It was the place: the registry has more or less than was thought.
            return !self.is_stuck();
        }
        let smaller = CHUNK.min(sent / 2).max(session.least);
        if smaller >= sent || (smaller < SMALLEST_CHUNK && smaller > session.least) {
            return false;
        }
        self.chunk = Some(smaller);
        self.registry.host.takes_chunks_of(smaller);
        true
    }

    fn send_bytes(&self, request: Request<'_>, start: u64, count: u64) -> Attempted<Response> {
        let bytes = self.feed.from(start);
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(&bytes, count);
        self.send(if self.careful { request.header(header::EXPECT, "100-continue") } else { request })
    }

    fn send(&self, request: Request<'_>) -> Attempted<Response> {
        self.registry.attempt(&request, &self.scope, &self.attempts)
    }

    fn refused(&self, response: Response) -> Missed {
        self.registry.refused(response, &self.scope, &self.attempts)
    }
}
