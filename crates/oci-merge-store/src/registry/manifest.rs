//! Manifests and indexes: asked for, put, tagged (distribution-spec, Pulling manifests and Pushing Manifests).

use super::Registry;
use super::referrers::Subject;
use super::scope::Scope;
use crate::digester::Digester;
use crate::network::{Attempts, Request, Response};
use crate::verified::Verified;
use crate::{Content, Error, ErrorKind, Result};
use oci_merge_image::{Descriptor, Digest, Form, MAX_DOCUMENT_BYTES, MediaType, parse_strict, shown};
use std::io::{self, Cursor};
use std::sync::Arc;
use ureq::http::{HeaderName, Method, header};

/// What may be answered: OCI's and Docker's manifests and indexes.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json";

/// Docker's manifests of before 2016, signed or not, which name no config.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// Whether a media type is kept among the manifests of a registry and not among its blobs.
pub(super) fn is_manifest(media_type: &MediaType) -> bool {
    matches!(Form::of(media_type), Form::Manifest | Form::Index)
}

/// Whether an answer says that it is about this manifest.
fn is(answer: &Response, descriptor: &Descriptor) -> bool {
    answer.status == 200 && answer.header("docker-content-digest") == Some(descriptor.digest.to_string())
}

/// What a registry says of a manifest that it took.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Whether it knows that the manifest has a subject.
    pub(super) listed: bool,
    /// The tags that it has set beside.
    pub(super) tags: Vec<String>,
}

/// Where a manifest is put.
pub(super) struct Place<'a> {
    /// A digest or a tag.
    reference: String,
    /// Beside a digest, tags that a registry may set with the same request (distribution-spec pull request 600).
    tags: &'a [String],
    /// What must hold, by registries that honour conditions (RFC 9110 section 13.1).
    condition: Option<(HeaderName, String)>,
}

impl Place<'_> {
    pub(super) fn tag(tag: &str) -> Place<'static> {
        Place { reference: tag.to_owned(), tags: &[], condition: None }
    }

    pub(super) fn digest(descriptor: &Descriptor) -> Place<'static> {
        Place::tag(&descriptor.digest.to_string())
    }

    pub(super) fn with_tags(self, tags: &[String]) -> Place<'_> {
        Place { tags, ..self }
    }

    pub(super) fn only_if(self, name: HeaderName, value: String) -> Self {
        Place { condition: Some((name, value)), ..self }
    }
}

impl Registry {
    /// The descriptor of a tag's or digest's manifest, whose bytes were read and verified on the way.
    pub(super) fn resolve_manifest(&self, reference: &str) -> Result<Descriptor> {
        let asked: Option<Digest> = match reference.contains(':') {
            true => Some(reference.parse().map_err(|e| self.policy(format!("{e}")))?),
            false => self.reference.with_tag(reference).map(|_| None).map_err(|e| self.policy(format!("{e}")))?,
        };
        let (response, bytes) = self.get_manifest(reference)?;
        let said = response.header("docker-content-digest");
        let expected = match (asked, said) {
            (Some(asked), _) => asked,
            (None, Some(said)) => {
                said.parse().map_err(|_| self.wrong(reference, &format!("its digest is {}", shown(&said))))?
            }
            (None, None) => Digest::of(&bytes),
        };
        let mut digester = Digester::new(expected.algorithm());
        digester.update(&bytes);
        let found = digester.finish();
        if found != expected {
            return Err(Error::mismatch(&self.reference.name(), &expected, &found));
        }
        let media_type = self.media_type(reference, response.header("content-type"), &bytes)?;
        self.kept.put(&expected, &bytes);
        Ok(Descriptor::new(media_type, expected, bytes.len() as u64))
    }

    pub(super) fn fetch_manifest(&self, descriptor: &Descriptor) -> Result<Verified> {
        let bytes = match self.kept.get(&descriptor.digest) {
            Some(kept) => kept,
            None => {
                let (_, bytes) = self.get_manifest(&descriptor.digest.to_string())?;
                Arc::from(bytes)
            }
        };
        Ok(Verified::new(descriptor, self.reference.name(), Cursor::new(bytes)))
    }

    /// Puts a manifest somewhere, and enters it in the list of its subject.
    pub(super) fn enter_manifest(&self, descriptor: &Descriptor, bytes: &[u8], place: &Place<'_>) -> Result<Taken> {
        let taken = self.put_manifest(descriptor, bytes, place)?;
        self.kept.put(&descriptor.digest, bytes);
        if let Some(subject) = Subject::of(bytes).filter(|_| !taken.listed) {
            self.list_below_subject(descriptor, &subject)?;
        }
        Ok(taken)
    }

    /// Puts a manifest somewhere; what the registry says of it comes back.
    pub(super) fn put_manifest(&self, descriptor: &Descriptor, bytes: &[u8], place: &Place<'_>) -> Result<Taken> {
        let Place { reference, tags, condition } = place;
        let url = tags.iter().fold(self.url(&format!("manifests/{reference}"))?, |url, tag| url.with("tag", tag));
        let mut request = Request::new(Method::PUT, url)
            .header(header::CONTENT_TYPE, descriptor.media_type.as_ref())
            .body(&bytes, bytes.len() as u64);
        if let Some((name, value)) = condition {
            request = request.header(name.clone(), value);
        }
        let scope = Scope::push(&self.repository);
        let what = format!("putting manifest {reference} ({} bytes)", bytes.len());
        let mut attempts = Attempts::new(&self.network, what);
        loop {
            let missed = match self.attempt(&request, &scope, &attempts) {
                Ok(response) if (200..300).contains(&response.status) => {
                    let set = response.headers.get_all("oci-tag").iter().filter_map(|value| value.to_str().ok());
                    let tags = set.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect();
                    let listed = response.header("oci-subject").is_some();
                    response.discard();
                    return Ok(Taken { listed, tags });
                }
                Ok(response) => return Err(self.refused(response, &scope, &attempts).error),
                Err(missed) => missed,
            };
            // The answer may be what was lost, and not the request.
            if missed.is_transient() && self.is_at(descriptor, reference, &scope, &attempts) {
                return Ok(Taken::default());
            }
            missed.wait(&mut attempts)?;
        }
    }

    /// The bytes of a manifest that is to be tagged: kept, or fetched and verified.
    pub(super) fn manifest_bytes(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        self.fetch_manifest(descriptor)?.read_document(MAX_DOCUMENT_BYTES)
    }

    /// The bytes of a manifest that is to be put, verified.
    pub(super) fn read_manifest(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<Vec<u8>> {
        let place = self.reference.name();
        if descriptor.size > MAX_DOCUMENT_BYTES {
            return Err(Error::too_long(&place, &descriptor.digest, descriptor.size, MAX_DOCUMENT_BYTES));
        }
        let mut bytes = Vec::new();
        let mut checked = crate::verified::Checked::new(
            descriptor,
            place.clone(),
            content.open().map_err(|e| Error::disk(&place, "the content to be sent cannot be opened", e))?,
        );
        io::Read::read_to_end(&mut checked, &mut bytes).map_err(|e| Error::read(&place, e))?;
        Ok(bytes)
    }

    /// Whether a tag stands for this manifest, by the registry's word.
    pub(super) fn stands_for(&self, tag: &str, descriptor: &Descriptor) -> Result<bool> {
        let scope = Scope::push(&self.repository);
        let mut attempts = Attempts::new(&self.network, format!("looking for {tag}"));
        let answer = self.answer(&self.head(tag)?, &scope, &mut attempts)?;
        Ok(is(&answer, descriptor))
    }

    /// Whether a reference already stands for this manifest, after an answer was lost. Not knowing is no.
    fn is_at(&self, descriptor: &Descriptor, reference: &str, scope: &Scope, attempts: &Attempts) -> bool {
        let Ok(head) = self.head(reference) else { return false };
        self.attempt(&head, scope, attempts).is_ok_and(|answer| is(&answer, descriptor))
    }

    pub(super) fn head(&self, reference: &str) -> Result<Request<'static>> {
        let url = self.url(&format!("manifests/{reference}"))?;
        Ok(Request::new(Method::HEAD, url).header(header::ACCEPT, ACCEPT))
    }

    /// A manifest's answer and its whole body; a body that is cut is asked for again.
    fn get_manifest(&self, reference: &str) -> Result<(Response, Vec<u8>)> {
        let request =
            Request::new(Method::GET, self.url(&format!("manifests/{reference}"))?).header(header::ACCEPT, ACCEPT);
        let scope = Scope::pull(&self.repository);
        let mut attempts = Attempts::new(&self.network, format!("reading manifest {reference}"));
        loop {
            let mut response = self.answer(&request, &scope, &mut attempts)?;
            if response.status != 200 {
                return Err(self.refused(response, &scope, &attempts).error);
            }
            match response.read_all(MAX_DOCUMENT_BYTES) {
                Ok(bytes) => return Ok((response, bytes)),
                Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                    let text = format!("manifest {reference} has {e}; no more are read");
                    return Err(
                        Error::new(ErrorKind::Document, self.reference.name(), text).because("LIMIT_DOCUMENT_BYTES")
                    );
                }
                Err(e) if attempts.again(&format!("the connection broke: {e}"), None)? => {}
                Err(e) => return Err(Error::read(&self.reference.name(), e)),
            }
        }
    }

    /// What a document is, if its header, its own field and its form agree (CVE-2021-41190: one document, two readings).
    fn media_type(&self, reference: &str, header: Option<String>, bytes: &[u8]) -> Result<MediaType> {
        let document = parse_strict(bytes).map_err(|e| {
            let beginning = shown(bytes.get(..bytes.len().min(80)).unwrap_or_default()).to_string();
            Error::document(&self.reference.name(), &format!("manifest {reference} begins with {beginning}"), e)
        })?;
        let header = header.and_then(|h| h.split(';').next().map(|h| h.trim().to_ascii_lowercase()));
        let own = document.get("mediaType").and_then(|own| own.as_str());
        // Plain file servers know no better than `application/json`.
        let header = header.filter(|h| h != "application/json");
        let refuse = |why: &str| self.wrong(reference, why).because("MANIFEST_TYPE");
        let name = match (header.as_deref(), own) {
            (Some(header), Some(own)) if header != own => {
                return Err(refuse(&format!("it came as {}, and says that it is {}", shown(header), shown(own))));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(refuse("neither the registry nor it itself says what it is")),
        };
        let media_type = MediaType::from(name);
        let (others, is) = match Form::of(&media_type) {
            Form::Manifest => (&["manifests"][..], "a manifest"),
            Form::Index => (&["layers", "config"][..], "an index"),
            _ => {
                let reason = if name.starts_with(SCHEMA_1) { "MANIFEST_SCHEMA1" } else { "MANIFEST_TYPE" };
                let why = format!("it came as {}, which is neither a manifest nor an index", shown(name));
                return Err(self.wrong(reference, &why).because(reason));
            }
        };
        match others.iter().find(|key| document.contains_key(**key)) {
            // CVE-2021-41190: one document, two readings.
            Some(key) => {
                Err(self.wrong(reference, &format!("it came as {is} and has `{key}`")).because("MANIFEST_AMBIGUOUS"))
            }
            None => Ok(media_type),
        }
    }

    fn wrong(&self, reference: &str, why: &str) -> Error {
        Error::new(ErrorKind::Document, self.reference.name(), format!("manifest {reference} is not used: {why}"))
    }
}
