//! Uploads: a session that is begun, fed and finished, or all of it in one request (distribution-spec, Pushing).

use super::body::Body;
use super::guard::secret;
use super::ledger::Violation;
use super::lock;
use super::registry::Registry;
use super::reply::{Code, Halt, Reply};
use super::request::{Framing, Request};
use super::route::digest;
use super::shelf::Scratch;
use crate::Error;
use oci_merge_image::{Digest, shown};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

/// The most sessions that may be open at a time.
const MAX_SESSIONS: usize = 1_000;

/// The uploads that were begun and not finished, by their identifiers.
pub(super) type Sessions = Mutex<BTreeMap<String, Arc<Mutex<Session>>>>;

/// One upload.
pub(super) struct Session {
    id: String,
    repository: String,
    /// Nothing once it is over.
    scratch: Option<Scratch>,
    size: u64,
    /// What the `Location` carries; another one after each chunk.
    state: String,
    /// What it carried before that.
    last_state: Option<String>,
    /// Whether its owner has been lied to about what is here.
    doubted: bool,
}

impl Registry {
    /// POST: begins an upload, mounts a blob, or takes it whole.
    pub(super) fn begin(&self, request: &Request, body: &mut Body<'_>, repository: &str) -> Result<Reply, Halt> {
        if request.method != "POST" {
            return Err(Code::Unsupported.reply("an upload begins with POST").into());
        }
        self.writable()?;
        if let Some(mount) = request.parameter("mount") {
            let wanted = digest(mount)?;
            let from = request.parameter("from").filter(|from| !from.is_empty());
            if self.shelf.mount(repository, from, &wanted)? {
                return Ok(created(repository, "blobs", &wanted));
            }
        }
        let whole = request.parameter("digest").map(digest).transpose()?;
        let mut session = Session::new(repository, self.shelf.scratch()?);
        match whole {
            Some(digest) if !body.is_over() || digest == Digest::of(b"") => {
                self.receive(&mut session, body)?;
                self.finish(&mut session, &digest)
            }
            _ => {
                let reply = session.accepted();
                let mut sessions = lock(&self.sessions);
                if sessions.len() >= MAX_SESSIONS {
                    return Err(Code::TooManyRequests.reply("too many open uploads").into());
                }
                sessions.insert(session.id.clone(), Arc::new(Mutex::new(session)));
                Ok(reply)
            }
        }
    }

    /// GET, PATCH, PUT and DELETE of a session.
    pub(super) fn upload(
        &self,
        request: &Request,
        body: &mut Body<'_>,
        repository: &str,
        id: &str,
    ) -> Result<Reply, Halt> {
        let unknown = || Code::BlobUploadUnknown.reply(format!("there is no upload {} in {repository}", shown(id)));
        let session = lock(&self.sessions).get(id).cloned().ok_or_else(unknown)?;
        let mut session = lock(&session);
        if session.repository != repository {
            return Err(unknown().into());
        }
        let state = request.parameter("_state").unwrap_or_default();
        let feeds = matches!(request.method.as_str(), "PATCH" | "PUT");
        let stale = session.state != state;
        // Who lost an answer may ask how far it got, and hears it if it sends a chunk again.
        let lost_answer = stale && session.last_state.as_deref() == Some(state);
        if feeds && lost_answer {
            self.in_order(request, &session, false)?;
        }
        if stale && (feeds || !lost_answer) {
            lock(&self.ledger).violated(Violation::StaleLocation { target: request.target.clone() });
            return Err(Code::BlobUploadInvalid.reply("this is not the Location of the last answer").into());
        }
        match request.method.as_str() {
            "GET" => Ok(session.accepted().status(204)),
            "DELETE" => {
                lock(&self.sessions).remove(id);
                Ok(Reply::new(204))
            }
            "PATCH" => {
                self.in_order(request, &session, !session.doubted)?;
                self.receive(&mut session, body)?;
                session.last_state = Some(std::mem::replace(&mut session.state, secret()));
                Ok(session.accepted())
            }
            "PUT" => {
                let wanted = digest(request.parameter("digest").unwrap_or_default())?;
                if !body.is_over() {
                    self.in_order(request, &session, !session.doubted)?;
                    self.receive(&mut session, body)?;
                }
                // Whether it can be finished or not, the session is over.
                lock(&self.sessions).remove(id);
                self.finish(&mut session, &wanted)
            }
            _ => Err(Code::Unsupported.reply("an upload takes GET, PATCH, PUT and DELETE").into()),
        }
    }

    /// How many bytes of the upload that a request is about are here.
    #[cfg(feature = "faults")]
    pub(super) fn upload_size(&self, request: &Request) -> Option<u64> {
        let session = self.session_of(request)?;
        let size = lock(&session).size;
        Some(size)
    }

    /// Ends the upload that a request is about.
    #[cfg(feature = "faults")]
    pub(super) fn forget_upload(&self, request: &Request) {
        lock(&self.sessions).remove(request.path().rsplit('/').next().unwrap_or_default());
    }

    /// Remembers that the answer about an upload will not be true.
    #[cfg(feature = "faults")]
    pub(super) fn doubt_upload(&self, request: &Request) {
        if let Some(session) = self.session_of(request) {
            lock(&session).doubted = true;
        }
    }

    #[cfg(feature = "faults")]
    fn session_of(&self, request: &Request) -> Option<Arc<Mutex<Session>>> {
        lock(&self.sessions).get(request.path().rsplit('/').next()?).cloned()
    }

    /// A chunk that says where it belongs must begin where the last one ended, and be as long as it says.
    fn in_order(&self, request: &Request, session: &Session, blame: bool) -> Result<(), Halt> {
        let Some(found) = request.field("content-range") else { return Ok(()) };
        let bounds = found.strip_prefix("bytes ").unwrap_or(found).split('/').next().and_then(|r| r.split_once('-'));
        let bounds = bounds.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
        let Some((first, last)) = bounds.filter(|(first, last)| first <= last) else {
            return Err(Code::BlobUploadInvalid.reply(format!("{} is not a range", shown(found))).into());
        };
        if first != session.size {
            if blame {
                let (target, found) = (request.target.clone(), found.to_owned());
                lock(&self.ledger).violated(Violation::ChunkOutOfOrder { target, expected: session.size, found });
            }
            let reply = Code::BlobUploadInvalid.reply(format!("expected a chunk that begins at byte {}", session.size));
            let accepted = session.accepted();
            return Err(accepted.fields.into_iter().fold(reply, |r, (n, v)| r.with(n, v)).status(416).into());
        }
        match request.framing {
            Framing::Length(length) if length != (last - first).saturating_add(1) => {
                Err(Code::BlobUploadInvalid.reply(format!("{length} bytes came for the range {}", shown(found))).into())
            }
            _ => Ok(()),
        }
    }

    /// Adds a body to a session. What came before the connection broke is kept.
    fn receive(&self, session: &mut Session, body: &mut Body<'_>) -> Result<(), Halt> {
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = body.read(&mut piece)?;
            if count == 0 {
                return Ok(());
            }
            if session.size + count as u64 > self.max_blob {
                lock(&self.sessions).remove(&session.id);
                return Err(Code::SizeInvalid.reply(format!("a blob of more than {} bytes", self.max_blob)).into());
            }
            let bytes = piece.get(..count).unwrap_or_default();
            let Some(scratch) = &mut session.scratch else {
                return Err(Code::BlobUploadUnknown.reply("the upload is over").into());
            };
            if let Err(e) = scratch.write_all(bytes) {
                // Part of the piece may have been written: this session can never be right again.
                lock(&self.sessions).remove(&session.id);
                session.scratch = None;
                return Err(Error::read("an upload", e).into());
            }
            session.size += count as u64;
        }
    }

    /// Turns what was gathered into a blob, if it has the digest that it should have.
    fn finish(&self, session: &mut Session, wanted: &Digest) -> Result<Reply, Halt> {
        let over = || Code::BlobUploadUnknown.reply("the upload is over");
        self.shelf.keep(&session.repository, wanted, session.scratch.take().ok_or_else(over)?)?;
        Ok(created(&session.repository, "blobs", wanted))
    }
}

impl Session {
    fn new(repository: &str, scratch: Scratch) -> Session {
        Session {
            id: secret(),
            repository: repository.to_owned(),
            scratch: Some(scratch),
            size: 0,
            state: secret(),
            last_state: None,
            doubted: false,
        }
    }

    /// 202, where to go on, and how much there is: `0-0` for nothing, as the specification has it.
    fn accepted(&self) -> Reply {
        let location = format!("/v2/{}/blobs/uploads/{}?_state={}", self.repository, self.id, self.state);
        let range = format!("0-{}", self.size.saturating_sub(1));
        Reply::new(202).with("Location", location).with("Range", range).with("Docker-Upload-UUID", self.id.clone())
    }
}

/// 201, and where the new content is.
pub(super) fn created(repository: &str, kind: &str, digest: &Digest) -> Reply {
    Reply::new(201).with("Location", format!("/v2/{repository}/{kind}/{digest}")).of(digest)
}
