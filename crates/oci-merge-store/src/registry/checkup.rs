//! What a registry lets us do with a repository, found out by asking it, without leaving anything behind.

use super::answer::Missed;
use super::scope::Scope;
use super::{Looked, Registry};
use crate::network::{Attempts, Request, Response, http_date};
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Descriptor, Digest, Document, Form, Index, MAX_DOCUMENT_BYTES, Manifest, shown};
use serde::Serialize;
use std::time::Duration;
use ureq::http::{Method, header};

/// Clocks that are further apart make tokens invalid: services let them begin, and end, to the second.
const MAX_SKEW: Duration = Duration::from_secs(30);

/// What was found out about a repository of a registry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checkup {
    /// One finding for each thing that was looked at, in this order: `reach`, `login`, `pull`, `push`, `mount`,
    /// `referrers`, `clock`.
    pub findings: Vec<CheckupFinding>,
    /// Every place in which a login was looked for.
    pub looked: Vec<Looked>,
    /// Why the repository cannot be reached, read, or written to: the first of these.
    pub failure: Option<Error>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckupFinding {
    /// What: `reach`, `push`, ….
    pub name: &'static str,
    /// How it is.
    pub state: CheckupState,
    /// What was found.
    pub found: String,
    /// What there is to do about it.
    pub todo: Option<String>,
}

/// How a thing is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckupState {
    /// As it should be.
    Good,
    /// Not as it should be, or not there.
    Bad,
    /// Not known, or of no account.
    Open,
}

use CheckupState::{Bad, Good, Open};

impl Registry {
    /// Finds out whether the registry can be reached, which login is used, and whether it lets us read and write this
    /// repository. Nothing is tried twice. An upload is opened and ended again; nothing else is written.
    pub fn examine(&self) -> Checkup {
        let found = self.host.credentials(&self.network, &self.repository);
        let mut checkup = Checkup { findings: Vec::new(), looked: found.looked, failure: None };
        let Some(greeting) = self.reach(&mut checkup) else { return checkup };
        self.login(&mut checkup, &greeting, found.credential.is_some());
        let root = self.pull(&mut checkup);
        self.push_nothing(&mut checkup);
        let blob = root.as_ref().and_then(|root| self.a_blob_of(root));
        self.mount_again(&mut checkup, blob.as_ref());
        self.referrers(&mut checkup, root.as_ref());
        checkup.say_clock(&greeting, self.network.settings().clock.date());
        checkup
    }

    fn reach(&self, checkup: &mut Checkup) -> Option<Response> {
        let clock = &self.network.settings().clock;
        let began = clock.now();
        match self.host.greet(&self.network) {
            Ok(response) if matches!(response.status, 200 | 401 | 403) => {
                let ms = clock.now().duration_since(began).as_millis();
                let proxy = self.network.settings().proxies.shown(&response.url).unwrap_or("none");
                checkup.say("reach", Good, format!("{} in {ms} ms, proxy {proxy}", response.url.redacted()));
                Some(response)
            }
            Ok(response) => {
                let what = Attempts::new(&self.network, format!("asking {}", response.url.redacted()));
                let error = self.refused(response, &Scope::default(), &what).error;
                let error = Error::new(ErrorKind::Network, error.place(), format!("no registry is there: {error}"));
                checkup.fail("reach", error.to_string(), error);
                None
            }
            Err(failure) => {
                let text = failure.text.clone();
                let error = failure.into_error(&self.reference.name(), text);
                checkup.fail("reach", error.to_string(), error);
                None
            }
        }
    }

    /// Whether the login is taken, apart from what it may do.
    fn login(&self, checkup: &mut Checkup, greeting: &Response, is_found: bool) {
        let used = checkup.looked.iter().find(|looked| looked.used);
        let who = used.map_or("nobody".to_owned(), |used| format!("{}, from {}", used.held, used.place));
        if greeting.status == 200 {
            return checkup.say("login", Good, format!("none is asked for (there is {who})"));
        }
        if !is_found {
            let name = self.host.name();
            checkup.say("login", Open, format!("nobody: none of {} places has a login", checkup.looked.len()));
            return checkup.todo(format!("docker login {name}, podman login {name} or oras login {name}; all count"));
        }
        match self.ask(Method::GET, "/v2/".into(), &Scope::default(), "logging in") {
            Ok(response) if response.status < 300 => checkup.say("login", Good, who),
            Ok(response) => checkup.say("login", Open, format!("{who}; the registry answers {}", response.status)),
            Err(missed) => {
                checkup.say("login", Bad, format!("{who}: {}", missed.short));
                checkup.todo("log in again, or look which of the places below comes first".into());
            }
        }
    }

    /// Whether the repository may be read; an image of it, if there is one.
    fn pull(&self, checkup: &mut Checkup) -> Option<Descriptor> {
        let path = format!("/v2/{}/tags/list?n=20", self.repository);
        let mut answer = match self.ask(Method::GET, path, &Scope::pull(&self.repository), "listing tags") {
            Ok(answer) => answer,
            Err(missed) => {
                checkup.fail("pull", missed.short, missed.error);
                return None;
            }
        };
        if answer.status == 404 {
            checkup.say("pull", Open, "there is no such repository yet".into());
            return None;
        }
        if answer.status != 200 {
            checkup.say("pull", Open, format!("the registry answers {} to a list of tags", answer.status));
            return None;
        }
        let tags: serde_json::Value = answer
            .read_all(MAX_DOCUMENT_BYTES)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let tags = tags.get("tags").and_then(|tags| tags.as_array()).into_iter().flatten();
        let tags: Vec<&str> = tags.filter_map(|tag| tag.as_str()).collect();
        // Under a digest's tag there is no image, but the list of what is attached to one.
        let image = tags.iter().find(|tag| !tag.starts_with("sha256-") && !tag.starts_with("sha512-"));
        let Some(tag) = image.or(tags.first()).copied() else {
            checkup.say("pull", Good, "granted; the repository has no tag".into());
            return None;
        };
        match self.resolve_manifest(tag) {
            Ok(root) => {
                checkup.say("pull", Good, format!("granted; read the manifest of {}", shown(tag)));
                Some(root)
            }
            Err(error) => {
                checkup.fail("pull", error.to_string(), error);
                None
            }
        }
    }

    /// Opens an upload, and ends it before a byte was sent.
    fn push_nothing(&self, checkup: &mut Checkup) {
        let path = format!("/v2/{}/blobs/uploads/", self.repository);
        let what = Attempts::new(&self.network, "opening an upload");
        match self.ask(Method::POST, path, &Scope::push(&self.repository), what.what()) {
            Ok(answer) if answer.status == 202 => match self.session_of(answer, &what) {
                Ok(session) => {
                    self.close_session(session);
                    checkup.say("push", Good, "granted; an upload was opened, and ended before a byte was sent".into());
                }
                Err(missed) => checkup.fail("push", missed.short, missed.error),
            },
            Ok(answer) => {
                let status = answer.status;
                let scope = Scope::push(&self.repository);
                let missed = self.refused(answer, &scope, &what);
                checkup.fail("push", missed.short, missed.error);
                match status {
                    404 => checkup.todo("make the repository first; this registry does not do so by itself".into()),
                    405 => checkup.todo("the registry is read-only".into()),
                    _ => {}
                }
            }
            Err(missed) => checkup.fail("push", missed.short, missed.error),
        }
    }

    /// Whether a blob is taken over without being sent. It is mounted from its own repository, where it is already.
    fn mount_again(&self, checkup: &mut Checkup, blob: Option<&Digest>) {
        let Some(blob) = blob else {
            return checkup.say("mount", Open, "not tried: there is no blob that could be mounted".into());
        };
        let path = format!("/v2/{0}/blobs/uploads/?mount={blob}&from={0}", self.repository);
        match self.ask(Method::POST, path, &Scope::push(&self.repository), "mounting a blob") {
            Ok(answer) if answer.status == 201 => {
                checkup.say("mount", Good, "blobs of other repositories are taken over without being sent".into());
            }
            Ok(answer) if answer.status == 202 => {
                if let Ok(session) = self.session_of(answer, &Attempts::new(&self.network, "mounting a blob")) {
                    self.close_session(session);
                }
                checkup.say("mount", Bad, "not offered; blobs of other repositories are sent again".into());
            }
            Ok(answer) => checkup.say("mount", Bad, format!("not offered: the registry answers {}", answer.status)),
            Err(missed) => checkup.say("mount", Open, missed.short),
        }
    }

    fn referrers(&self, checkup: &mut Checkup, root: Option<&Descriptor>) {
        // A subject need not be there: distribution-spec, Listing Referrers.
        let subject = root.map_or_else(|| Digest::of(b""), |root| root.digest.clone());
        let path = format!("/v2/{}/referrers/{subject}", self.repository);
        match self.ask(Method::GET, path, &Scope::pull(&self.repository), "listing referrers") {
            Ok(answer) if answer.status == 200 => checkup.say("referrers", Good, "offered".into()),
            Ok(answer) if answer.status == 404 && root.is_none() => {
                checkup.say("referrers", Open, "not known without an image, or not offered".into());
            }
            Ok(answer) => {
                let text = format!("not offered ({}); the sha256-… tag is used instead", answer.status);
                checkup.say("referrers", Bad, text);
            }
            Err(missed) => checkup.say("referrers", Open, missed.short),
        }
    }

    /// One request, once; the path may have a query.
    fn ask(&self, method: Method, path: String, scope: &Scope, what: &str) -> std::result::Result<Response, Missed> {
        let url = self.host.at(&path).map_err(Missed::for_good)?;
        let mut request = Request::new(method, url);
        if request.method == Method::POST {
            request = request.header(header::CONTENT_LENGTH, "0");
        }
        self.attempt(&request, scope, &Attempts::new(&self.network, what))
    }

    /// The config of an image, or of the first image of an index.
    fn a_blob_of(&self, root: &Descriptor) -> Option<Digest> {
        let read = |descriptor: &Descriptor| -> Result<Vec<u8>> {
            self.fetch_manifest(descriptor)?.read_document(MAX_DOCUMENT_BYTES)
        };
        let bytes = match Form::of(&root.media_type) {
            Form::Index => {
                let index: Document<Index> = Document::parse(read(root).ok()?).ok()?;
                read(index.value().manifests.first()?).ok()?
            }
            _ => read(root).ok()?,
        };
        let manifest: Document<Manifest> = Document::parse(bytes).ok()?;
        Some(manifest.value().config.digest.clone())
    }
}

impl Checkup {
    fn say(&mut self, name: &'static str, state: CheckupState, found: String) {
        self.findings.push(CheckupFinding { name, state, found, todo: None });
    }

    /// What to do about the last finding.
    fn todo(&mut self, todo: String) {
        if let Some(last) = self.findings.last_mut() {
            last.todo = Some(todo);
        }
    }

    fn fail(&mut self, name: &'static str, found: String, error: Error) {
        self.say(name, Bad, found);
        self.failure.get_or_insert(error);
    }

    fn say_clock(&mut self, greeting: &Response, now: std::time::SystemTime) {
        let Some(theirs) = greeting.header("date").and_then(|date| http_date::parse(&date)) else {
            return self.say("clock", Open, "the registry does not say what time it is".into());
        };
        let (apart, way) = match now.duration_since(theirs) {
            Ok(ahead) => (ahead, "ahead of"),
            Err(behind) => (behind.duration(), "behind"),
        };
        match apart.as_secs() {
            0..=1 => self.say("clock", Good, "less than 2 s apart".into()),
            s if apart <= MAX_SKEW => self.say("clock", Good, format!("{s} s apart")),
            s => {
                self.say("clock", Bad, format!("this machine is {s} s {way} the registry"));
                self.todo("set the clock: tokens that are not valid yet, or no longer, are refused".into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Url;
    use std::time::SystemTime;
    use ureq::http::{HeaderMap, HeaderValue};

    /// What is said of the clock when the registry's is at 784 111 777 s (the date is that of RFC 9110 section 5.6.7).
    fn clock(ours: u64, date: Option<&'static str>) -> CheckupFinding {
        let date = date.map(|date| (header::DATE, HeaderValue::from_static(date)));
        let url = Url::parse("https://registry.test/v2/").unwrap();
        let greeting = Response { status: 200, url, headers: HeaderMap::from_iter(date), body: None };
        let mut checkup = Checkup { findings: Vec::new(), looked: Vec::new(), failure: None };
        checkup.say_clock(&greeting, SystemTime::UNIX_EPOCH + Duration::from_secs(ours));
        checkup.findings.remove(0)
    }

    #[test]
    fn clocks_that_are_too_far_apart_are_told() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (ours, state, found) in [
            (784_111_777, Good, "less than 2 s apart"),
            (784_111_776, Good, "less than 2 s apart"),
            (784_111_747, Good, "30 s apart"),
            (784_111_746, Bad, "this machine is 31 s behind the registry"),
            (784_115_377, Bad, "this machine is 3600 s ahead of the registry"),
        ] {
            let finding = clock(ours, date);
            assert_eq!((finding.state, finding.found.as_str()), (state, found));
            assert_eq!(finding.todo.is_some(), state == Bad);
        }
        assert_eq!(clock(0, None).state, Open);
        assert_eq!(clock(0, Some("yesterday")).state, Open);
    }
}
