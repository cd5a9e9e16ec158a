//! Blobs on their way there: a session, then one streamed PUT (distribution-spec, Pushing a blob monolithically).
//!
//! Bodies are files, so every attempt starts over from the first byte. A lost answer is not a lost blob: the registry
//! is asked for it before it is sent again.

use super::Registry;
use super::answer::{Attempted, Missed};
use super::scope::Scope;
use crate::network::{Attempts, Request, Response, Url};
use crate::verified::Checked;
use crate::{Content, Error, ErrorKind, Result};
use oci_merge_image::{Descriptor, shown};
use std::io::{self, Read};
use ureq::http::{Method, header};

/// How often a registry may forget a session before it is given up.
const MAX_SESSIONS: u32 = 3;

impl Registry {
    /// Sends a blob.
    pub(super) fn upload(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let what = format!("sending blob {} ({} bytes)", descriptor.digest, descriptor.size);
        let mut attempts = Attempts::new(&self.network, what);
        let (mut forgotten, mut doubted) = (0, 0);
        loop {
            let session = match self.take_session(&descriptor.digest) {
                Some(session) => session,
                None => match self.open_session(&attempts) {
                    Ok(session) => session,
                    Err(missed) => {
                        missed.wait(&mut attempts)?;
                        continue;
                    }
                },
            };
            let missed = match self.put_blob(descriptor, content, &session, &attempts) {
                Ok(()) => return Ok(()),
                Err(missed) => missed,
            };
            let missed = match missed.said.as_ref().map(|said| said.status) {
                Some(404) if forgotten + 1 < MAX_SESSIONS => {
                    forgotten += 1;
                    missed.worth_another()
                }
                // Our bytes are right, for they were verified as they went out; they were spoilt on the way, once.
                Some(400) if doubted == 0 => {
                    doubted += 1;
                    missed.worth_another()
                }
                _ => missed,
            };
            if !missed.is_transient() {
                self.close_session(session);
            } else if self.is_there(descriptor).unwrap_or(false) {
                return Ok(());
            }
            missed.wait(&mut attempts)?;
        }
    }

    /// Asks for a blob of another repository. A session that is offered instead is kept for the upload that follows.
    pub(super) fn mount_blob(&self, descriptor: &Descriptor, from: &str) -> Result<bool> {
        let url = self.url("blobs/uploads/")?.with("mount", &descriptor.digest.to_string()).with("from", from);
        // Docker Hub wants to see the right to read the source in the same token.
        let scope = Scope::push(&self.repository).and(&Scope::pull(from));
        let mut attempts = Attempts::new(&self.network, format!("mounting {} from {}", descriptor.digest, shown(from)));
        loop {
            let missed = match self.attempt(&post(url.clone()), &scope, &attempts) {
                Ok(response) if response.status == 201 => {
                    response.discard();
                    return Ok(true);
                }
                Ok(response) => {
                    if let Ok(session) = self.session_of(response, &attempts) {
                        self.keep_session(&descriptor.digest, session);
                    }
                    return Ok(false);
                }
                Err(missed) => missed,
            };
            match missed.said.as_ref().map(|said| said.status) {
                Some(408 | 429) | None if missed.is_transient() => missed.wait(&mut attempts)?,
                // Whatever it said: an ordinary upload will show whether it means it.
                Some(_) => return Ok(false),
                None if missed.error.kind() == ErrorKind::Denied => return Ok(false),
                None => return Err(missed.error),
            }
        }
    }

    fn open_session(&self, attempts: &Attempts) -> Attempted<Url> {
        let url = self.url("blobs/uploads/").map_err(Missed::for_good)?;
        let response = self.attempt(&post(url), &Scope::push(&self.repository), attempts)?;
        self.session_of(response, attempts)
    }

    /// The address of the session that was opened.
    fn session_of(&self, response: Response, attempts: &Attempts) -> Attempted<Url> {
        let (status, url) = (response.status, response.url.clone());
        if status != 202 {
            return Err(self.refused(response, &Scope::push(&self.repository), attempts));
        }
        let location = response.header("location");
        response.discard();
        let wrong = |why: String| {
            let text = format!("{}: the registry opened an upload and {why}", attempts.what());
            Missed::for_good(Error::new(ErrorKind::Network, self.reference.name(), text))
        };
        let location = location.ok_or_else(|| wrong("named no Location for it".into()))?;
        url.join(&location).map_err(|e| wrong(format!("its Location cannot be: {e}")))
    }

    fn put_blob(
        &self,
        descriptor: &Descriptor,
        content: &dyn Content,
        session: &Url,
        attempts: &Attempts,
    ) -> Attempted<()> {
        let sound = Sound { descriptor, content, place: self.reference.name() };
        let request = Request::new(Method::PUT, session.with("digest", &descriptor.digest.to_string()))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(&sound, descriptor.size);
        let response = self.attempt(&request, &Scope::push(&self.repository), attempts)?;
        match response.status {
            200 | 201 | 204 => {
                response.discard();
                Ok(())
            }
            _ => Err(self.refused(response, &Scope::push(&self.repository), attempts)),
        }
    }

    /// Ends a session that nothing will be sent to; the registry would forget it by itself, later.
    fn close_session(&self, session: Url) {
        let mut request = Request::new(Method::DELETE, session);
        request.tidying = true;
        let scope = Scope::push(&self.repository);
        if let Ok(response) = self.host.exchange(&self.network, &self.repository, request, &scope) {
            response.discard();
        }
    }
}

fn post<'a>(url: Url) -> Request<'a> {
    // Some proxies want a length even for nothing.
    Request::new(Method::POST, url).header(header::CONTENT_LENGTH, "0")
}

/// Content that ends in an error unless it is what its descriptor says.
struct Sound<'a> {
    descriptor: &'a Descriptor,
    content: &'a dyn Content,
    place: String,
}

impl Content for Sound<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Checked::new(self.descriptor, self.place.clone(), self.content.open()?)))
    }
}
