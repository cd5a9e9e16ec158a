//! What is attached to a manifest (distribution-spec, Listing Referrers and Pushing Manifests with Subject).
//!
//! A registry without the referrers API keeps the list as an index under a tag that is made of the subject's digest; the
//! client writes it (Referrers Tag Schema). Two clients that write it at once may lose one entry: the specification has
//! no remedy, and what is attached is only found less easily then.

use super::Registry;
use super::manifest::Place;
use super::scope::Scope;
use crate::network::{Attempts, Request};
use crate::{Error, Result};
use oci_merge_image::{Descriptor, Digest, Document, Index, MAX_DOCUMENT_BYTES, Manifest, MediaType, parse_strict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use ureq::http::{Method, header};

/// Digests have a `:`, and tags have none.
fn tag_of(subject: &Digest) -> String {
    subject.to_string().replace(':', "-").chars().take(128).collect()
}

/// An index as it was written, and what it lists.
struct List {
    object: Map<String, Value>,
    manifests: Vec<Descriptor>,
}

impl Registry {
    /// The manifests of a type that are attached to a manifest; none where the registry says nothing of the kind.
    pub(super) fn attached_to(&self, subject: &Digest, artifact_type: &str) -> Result<Vec<Descriptor>> {
        let scope = Scope::pull(&self.repository);
        let url = self.url(&format!("referrers/{subject}"))?.with("artifactType", artifact_type);
        // Registries that know no such thing say so in many ways, and so do the proxies before them.
        let list = match self.read_list(Request::new(Method::GET, url), &scope) {
            Ok(Some(list)) => Some(list),
            _ => self.fallback(subject, &scope).ok().flatten(),
        };
        let of_type = |d: &Descriptor| d.rest.get("artifactType").and_then(Value::as_str) == Some(artifact_type);
        Ok(list.map_or_else(Vec::new, |list| list.manifests.into_iter().filter(of_type).collect()))
    }

    /// Enters a manifest in the list of its subject, where the registry does not do so by itself. A list that is there
    /// and cannot be read stays as it is: others have entries in it.
    pub(super) fn list_below_subject(&self, manifest: &Descriptor, subject: &Subject) -> Result<()> {
        let list = self.fallback(&subject.digest, &Scope::push(&self.repository))?;
        let mut list = list.unwrap_or_else(|| List { object: Map::new(), manifests: Vec::new() });
        if list.manifests.iter().any(|there| there.digest == manifest.digest) {
            return Ok(());
        }
        list.object.insert("schemaVersion".into(), 2.into());
        list.object.insert("mediaType".into(), json!(MediaType::ImageIndex));
        let mut manifests = list.object.remove("manifests").unwrap_or_else(|| json!([]));
        if let Value::Array(manifests) = &mut manifests {
            manifests.push(json!(subject.entry(manifest)));
        }
        list.object.insert("manifests".into(), manifests);
        let index = Document::<Index>::write(list.object);
        let index = index.map_err(|e| Error::document(&self.reference.name(), "the list of referrers", e))?;
        let descriptor = index.descriptor(MediaType::ImageIndex);
        self.put_manifest(&descriptor, index.bytes(), &Place::tag(&tag_of(&subject.digest))).map(drop)
    }

    fn fallback(&self, subject: &Digest, scope: &Scope) -> Result<Option<List>> {
        let url = self.url(&format!("manifests/{}", tag_of(subject)))?;
        self.read_list(Request::new(Method::GET, url), scope)
    }

    /// A list of manifests; `None` only if there is none.
    fn read_list(&self, request: Request<'_>, scope: &Scope) -> Result<Option<List>> {
        let request = request.header(header::ACCEPT, MediaType::ImageIndex.as_ref());
        let mut attempts = Attempts::new(&self.network, "reading a list of referrers");
        loop {
            let mut answer = self.answer(&request, scope, &mut attempts)?;
            match answer.status {
                200 => {}
                404 => return Ok(None),
                _ => return Err(self.refused(answer, scope, &attempts).error),
            }
            let bytes = match answer.read_all(MAX_DOCUMENT_BYTES) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() != io::ErrorKind::InvalidData && attempts.again(&e.to_string(), None)? => continue,
                Err(e) => return Err(Error::read(&self.reference.name(), e)),
            };
            let list = parse_strict(&bytes).and_then(|object| {
                let manifests = Index::try_from(object.clone())?.manifests;
                Ok(Some(List { object, manifests }))
            });
            return list.map_err(|e| Error::document(&self.reference.name(), "the list of referrers", e));
        }
    }
}

/// What a manifest is attached to, and what the list of that says of it.
pub(super) struct Subject {
    digest: Digest,
    artifact_type: String,
    annotations: BTreeMap<String, String>,
}

impl Subject {
    /// The subject of a manifest, if it has one.
    pub(super) fn of(manifest: &[u8]) -> Option<Subject> {
        let manifest = Manifest::try_from(parse_strict(manifest).ok()?).ok()?;
        // image-spec `manifest.md`: the type of an artifact is that of its config where it names none.
        let of_config = || manifest.config.media_type.to_string();
        Some(Subject {
            digest: manifest.subject?.digest,
            artifact_type: manifest.artifact_type.unwrap_or_else(of_config),
            annotations: manifest.annotations,
        })
    }

    fn entry(&self, manifest: &Descriptor) -> Descriptor {
        let mut entry = Descriptor::new(manifest.media_type.clone(), manifest.digest.clone(), manifest.size);
        entry.rest.insert("artifactType".into(), self.artifact_type.clone().into());
        entry.annotations.clone_from(&self.annotations);
        entry
    }
}
