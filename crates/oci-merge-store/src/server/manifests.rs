//! Manifests: kept byte for byte, only when all that they name is there (distribution-spec, Pushing Manifests).

use super::body::Body;
use super::kept::Kept;
use super::ledger::{TagMove, Violation};
use super::lock;
use super::registry::Registry;
use super::reply::{Code, Halt, Reply};
use super::request::Request;
use super::route::{Wanted, wanted};
use super::uploads::created;
use oci_merge_image::{Algorithm, Digest, MAX_DOCUMENT_BYTES, shown};
use sha2::Digest as _;

impl Registry {
    pub(super) fn manifest(
        &self,
        request: &Request,
        body: &mut Body<'_>,
        repository: &str,
        wanted: &Wanted,
    ) -> Result<Reply, Halt> {
        match request.method.as_str() {
            "GET" | "HEAD" => {
                let unknown = || Code::ManifestUnknown.reply(format!("{repository} has no {}", shown(&wanted.text())));
                let Kept { media_type, digest, bytes } =
                    self.shelf.manifest(repository, wanted)?.ok_or_else(unknown)?;
                Ok(Reply::bytes(200, &media_type, bytes).of(&digest).with("ETag", format!("\"{digest}\"")))
            }
            "PUT" => self.put_manifest(request, body, repository, wanted),
            "DELETE" => self.delete_manifest(repository, wanted),
            _ => Err(Code::Unsupported.reply("a manifest takes GET, HEAD, PUT and DELETE").into()),
        }
    }

    fn put_manifest(
        &self,
        request: &Request,
        body: &mut Body<'_>,
        repository: &str,
        wanted: &Wanted,
    ) -> Result<Reply, Halt> {
        self.writable()?;
        let too_large = || Code::SizeInvalid.reply(format!("a manifest of more than {MAX_DOCUMENT_BYTES} bytes"));
        let bytes = body.read_all(MAX_DOCUMENT_BYTES)?.ok_or_else(too_large)?;
        let found = match wanted {
            Wanted::Digest(digest) if digest.algorithm() == Algorithm::Sha512 => {
                Digest::from_sha512(sha2::Sha512::digest(&bytes).into())
            }
            _ => Digest::of(&bytes),
        };
        if let Wanted::Digest(digest) = wanted
            && *digest != found
        {
            return Err(Code::DigestInvalid.reply(format!("expected {digest}, found {found}")).into());
        }
        let media_type = request.field("content-type").unwrap_or_default().to_owned();
        let manifest = Kept { media_type, digest: found, bytes };
        if manifest.own_media_type().is_some_and(|own| own != manifest.media_type) {
            lock(&self.ledger).violated(Violation::WrongMediaType { target: request.target.clone() });
            return Err(Code::ManifestInvalid.reply("the Content-Type is not the manifest's mediaType").into());
        }
        self.all_there(request, repository, wanted, &manifest)?;
        // From here to the end of the move no other request sees the tag.
        let mut ledger = lock(&self.ledger);
        let tags = match wanted {
            Wanted::Tag(tag) => vec![tag.clone()],
            // distribution-spec pull request 600: tags beside a digest.
            Wanted::Digest(_) => tags_beside(request)?,
        };
        if tags.is_empty() {
            self.shelf.keep_manifest(repository, None, &manifest)?;
        }
        for tag in &tags {
            let before = self.shelf.manifest(repository, &Wanted::Tag(tag.clone()))?.map(|before| before.digest);
            precondition(request, before.as_ref())?;
            self.shelf.keep_manifest(repository, Some(tag), &manifest)?;
            let (repository, tag, to) = (repository.to_owned(), tag.clone(), Some(manifest.digest.clone()));
            if before != to {
                ledger.moved(TagMove { repository, tag, from: before, to });
            }
        }
        let mut reply =
            created(repository, "manifests", &manifest.digest).with("ETag", format!("\"{}\"", manifest.digest));
        if matches!(wanted, Wanted::Digest(_)) && !tags.is_empty() {
            reply = reply.with("OCI-Tag", tags.join(", "));
        }
        Ok(match manifest.subject() {
            Some(subject) if self.referrers => reply.with("OCI-Subject", subject.to_string()),
            _ => reply,
        })
    }

    /// Refuses a manifest that names what the repository does not have.
    fn all_there(&self, request: &Request, repository: &str, wanted: &Wanted, manifest: &Kept) -> Result<(), Halt> {
        let named = manifest.named()?;
        let mut missing = Vec::new();
        for digest in named.blobs {
            if self.shelf.blob(repository, &digest)?.is_none() {
                missing.push(digest);
            }
        }
        for digest in named.manifests {
            if self.shelf.manifest(repository, &Wanted::Digest(digest.clone()))?.is_none() {
                missing.push(digest);
            }
        }
        let Some(first) = missing.first().cloned() else { return Ok(()) };
        let target = request.target.clone();
        let mut ledger = lock(&self.ledger);
        if request.unchecked {
            ledger.violated(match wanted {
                Wanted::Tag(_) => Violation::IncompleteTag { target, missing },
                Wanted::Digest(_) => Violation::ManifestTooEarly { target, missing },
            });
            return Ok(());
        }
        if !missing.iter().all(|digest| ledger.was_lied_about(repository, digest)) {
            ledger.violated(Violation::ManifestTooEarly { target, missing });
        }
        Err(Code::ManifestBlobUnknown.reply(format!("{repository} has no {first}, which the manifest names")).into())
    }

    fn delete_manifest(&self, repository: &str, wanted: &Wanted) -> Result<Reply, Halt> {
        self.writable()?;
        let mut ledger = lock(&self.ledger);
        let before = self.shelf.tags(repository)?.unwrap_or_default();
        if !self.shelf.forget(repository, wanted)? {
            return Err(Code::ManifestUnknown.reply(format!("{repository} has no {}", shown(&wanted.text()))).into());
        }
        let after = self.shelf.tags(repository)?.unwrap_or_default();
        for (tag, from) in before.into_iter().filter(|(tag, _)| !after.contains_key(tag)) {
            ledger.moved(TagMove { repository: repository.to_owned(), tag, from: Some(from), to: None });
        }
        Ok(Reply::new(202))
    }
}

/// The tags that a request by digest names beside it.
fn tags_beside(request: &Request) -> Result<Vec<String>, Halt> {
    let named = request.query.iter().filter(|(name, _)| name == "tag");
    named.map(|(_, tag)| wanted(tag).map(|tag| tag.text())).collect()
}

/// `If-Match` and `If-None-Match: *` on a tag (RFC 9110 section 13.1), which some registries honour.
fn precondition(request: &Request, before: Option<&Digest>) -> Result<(), Halt> {
    let held = match (request.field("if-match"), request.field("if-none-match")) {
        (Some("*"), _) => before.is_some(),
        (Some(expected), _) => before.is_some_and(|before| expected.trim_matches('"') == before.to_string()),
        (None, Some("*")) => before.is_none(),
        _ => true,
    };
    if held { Ok(()) } else { Err(Code::Denied.reply("the tag is not what the request expects").into()) }
}
