//! Upload sessions: opened, asked how far they are, given back (distribution-spec, Pushing a blob in chunks).

use super::Registry;
use super::answer::{Attempted, Missed};
use super::scope::Scope;
use crate::network::{Attempts, Clear, Request, Response, Url, location};
use crate::{Error, ErrorKind};
use oci_merge_image::Digest;
use std::sync::PoisonError;
use ureq::http::{Method, header};

/// An upload that a registry has opened.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Where the next request goes, as the last answer named it.
    pub(super) url: Url,
    /// How many bytes the registry has, by its own word.
    pub(super) at: u64,
    /// The fewest bytes of a chunk that is not the last.
    pub(super) least: u64,
}

impl Registry {
    /// Opens a session, or takes one that was offered in the place of a mount.
    pub(super) fn open_session(&self, digest: &Digest, attempts: &Attempts) -> Attempted<Session> {
        if let Some(kept) = self.take_session(digest) {
            return Ok(kept);
        }
        let url = self.url("blobs/uploads/").map_err(Missed::for_good)?;
        let response = self.attempt(&post(url), &Scope::push(&self.repository), attempts)?;
        self.session_of(response, attempts)
    }

    /// The session that was opened.
    pub(super) fn session_of(&self, response: Response, attempts: &Attempts) -> Attempted<Session> {
        if response.status != 202 {
            return Err(self.refused(response, &Scope::push(&self.repository), attempts));
        }
        let next = self.next_of(&response, attempts)?;
        let least = response.header("oci-chunk-min-length").and_then(|least| least.trim().parse().ok()).unwrap_or(0);
        response.discard();
        let url = next.ok_or_else(|| {
            let text = format!("{}: the registry opened an upload and named no Location for it", attempts.what());
            Missed::for_good(Error::new(ErrorKind::Network, self.reference.name(), text))
        })?;
        Ok(Session { url, at: 0, least })
    }

    /// The session, where an answer says that it goes on.
    pub(super) fn session_after(&self, answer: &Response, before: &Session, attempts: &Attempts) -> Attempted<Session> {
        let next = self.next_of(answer, attempts)?;
        Ok(Session { url: next.unwrap_or_else(|| before.url.clone()), ..before.clone() })
    }

    /// Where an upload goes on; `None`: an answer does not say. It leads no further than a redirect may, for bytes and
    /// requests are sent there just the same.
    fn next_of(&self, answer: &Response, attempts: &Attempts) -> Attempted<Option<Url>> {
        location(&self.network, answer, Clear::Named).map_err(|refused| {
            let text = format!("{}: the Location of the upload is not used: {}", attempts.what(), refused.text);
            Missed::for_good(Error::new(refused.kind, self.reference.name(), text))
        })
    }

    /// Asks a session how far it is; `None` if it is no more, or does not say.
    pub(super) fn look_up(&self, session: &Session, attempts: &Attempts) -> Option<Session> {
        let request = Request::new(Method::GET, session.url.clone());
        let response = self.attempt(&request, &Scope::push(&self.repository), attempts).ok()?;
        let at = if (200..300).contains(&response.status) { received(&response) } else { None };
        let next = self.session_after(&response, session, attempts).ok()?;
        response.discard();
        Some(Session { at: at?, ..next })
    }

    /// Ends a session that nothing will be sent to; the registry would forget it by itself, later.
    pub(super) fn close_session(&self, session: Session) {
        let mut request = Request::new(Method::DELETE, session.url);
        request.tidying = true;
        let scope = Scope::push(&self.repository);
        if let Ok(response) = self.host.exchange(&self.network, &self.repository, request, &scope) {
            response.discard();
        }
    }

    /// Keeps a session for the upload of a blob that is likely to follow.
    pub(super) fn keep_session(&self, digest: &Digest, session: Session) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.entry(digest.clone()).or_default().push(session);
    }

    fn take_session(&self, digest: &Digest) -> Option<Session> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get_mut(digest)?.pop()
    }

    /// Gives back what was kept for a blob that is there now.
    pub(super) fn close_kept_sessions(&self, digest: &Digest) {
        let kept = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
        kept.into_iter().flatten().for_each(|session| self.close_session(session));
    }
}

/// How many bytes an answer says to have been received. Nothing is said of nothing: `0-0` is what registries send for
/// both none and one.
pub(super) fn received(answer: &Response) -> Option<u64> {
    let range = answer.header("range")?;
    let range = range.trim();
    let last: u64 = range.strip_prefix("bytes=").unwrap_or(range).strip_prefix("0-")?.parse().ok()?;
    if last == 0 { Some(0) } else { last.checked_add(1) }
}

pub(super) fn post<'a>(url: Url) -> Request<'a> {
    // Some proxies want a length even for nothing.
    Request::new(Method::POST, url).header(header::CONTENT_LENGTH, "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use ureq::http::{HeaderMap, HeaderValue};

    #[test]
    fn an_upload_goes_no_further_than_a_redirect_may() {
        let network = Network::default();
        let registry = Registry::open(&network, &"registry.test/a".parse().unwrap()).unwrap();
        let attempts = Attempts::new(&network, "a test");
        let url = Url::parse("https://registry.test/v2/a/blobs/uploads/").unwrap();
        let before = Session { url: url.clone(), at: 7, least: 0 };
        let answer = |location: &'static str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
            Response { status: 202, url: url.clone(), headers, body: None }
        };
        for (location, refused) in [
            ("s/1", None),
            ("https://storage.test/s/1", None),
            ("http://registry.test/s/1", Some((ErrorKind::Policy, "leads out of https"))),
            ("http://127.0.0.1/s/1", Some((ErrorKind::Policy, "leads out of https"))),
            ("https://127.0.0.1:5000/s/1", Some((ErrorKind::Policy, "a private address"))),
            ("https://10.0.0.5/s/1", Some((ErrorKind::Policy, "a private address"))),
            ("ht!tp://[::bad", Some((ErrorKind::Network, "is not used"))),
        ] {
            let opened = registry.session_of(answer(location), &attempts).map(|session| session.url);
            let moved = registry.session_after(&answer(location), &before, &attempts).map(|session| session.url);
            for found in [opened, moved] {
                match (found, refused) {
                    (Ok(found), None) => assert_eq!(found, url.join(location).unwrap()),
                    (Err(missed), Some((kind, why))) => {
                        let text = missed.error.to_string();
                        assert!(missed.error.kind() == kind && text.contains(why), "{location}: {text}");
                    }
                    (found, _) => panic!("{location}: {:?}", found.map_err(|missed| missed.error)),
                }
            }
        }
    }
}
