//! Content in an OCI image layout. A layout has no repositories: every blob is in all of them.

use super::kept::Kept;
use super::route::{Wanted, is_name};
use super::shelf::{Scratch, Seekable, Shelf};
use crate::layout::{Layout, REF_NAME};
use crate::{Error, ErrorKind, Result, Store as _};
use oci_merge_image::{Algorithm, Descriptor, Digest, Form, MAX_DOCUMENT_BYTES, MediaType};
use std::collections::BTreeMap;
use std::path::Path;

/// A shelf in a directory.
pub(super) struct LayoutShelf(Layout);

impl LayoutShelf {
    /// Opens a layout, or makes one if it is to be written to.
    pub(super) fn open(path: &Path, writable: bool) -> Result<LayoutShelf> {
        Ok(LayoutShelf(if writable { Layout::open_or_create(path)? } else { Layout::open(path)? }))
    }

    /// The entries that a repository has, each with its tag, if it has one: its own before those of all.
    fn entries(&self, repository: &str) -> Result<Vec<(Option<String>, Descriptor)>> {
        let mut own = Vec::new();
        let mut shared = Vec::new();
        for entry in self.0.manifests()? {
            match entry.annotations.get(REF_NAME).map(|name| Name::read(name)) {
                None => shared.push((None, entry)),
                Some(Name { repository: None, tag }) => shared.push((tag.map(str::to_owned), entry)),
                Some(Name { repository: Some(of), tag }) if of == repository => {
                    own.push((tag.map(str::to_owned), entry));
                }
                Some(_) => {}
            }
        }
        own.extend(shared);
        Ok(own)
    }

    fn read(&self, entry: &Descriptor) -> Result<Kept> {
        let bytes = self.0.fetch(entry)?.read_document(MAX_DOCUMENT_BYTES)?;
        Ok(Kept { media_type: entry.media_type.to_string(), digest: entry.digest.clone(), bytes })
    }
}

impl Shelf for LayoutShelf {
    fn blob(&self, _repository: &str, digest: &Digest) -> Result<Option<(u64, Box<dyn Seekable>)>> {
        Ok(self.0.blob(digest)?.map(|(file, size)| (size, Box::new(file) as Box<dyn Seekable>)))
    }

    fn scratch(&self) -> Result<Scratch> {
        Ok(Scratch::Staged(self.0.stage()?))
    }

    fn keep(&self, _repository: &str, digest: &Digest, scratch: Scratch) -> Result<()> {
        let media_type = MediaType::from("application/octet-stream");
        match (scratch, digest.algorithm()) {
            (Scratch::Memory(bytes), _) => {
                self.0.push(&Descriptor::new(media_type, digest.clone(), bytes.len() as u64), &bytes)
            }
            (Scratch::Staged(staged), Algorithm::Sha256) => {
                let size = staged.size();
                staged.commit(&Descriptor::new(media_type, digest.clone(), size))
            }
            // It was digested as it came, but with the other algorithm: now it is read once more.
            (Scratch::Staged(staged), Algorithm::Sha512) => {
                self.0.push(&Descriptor::new(media_type, digest.clone(), staged.size()), &staged.path().as_path())
            }
        }
    }

    fn mount(&self, repository: &str, _from: Option<&str>, digest: &Digest) -> Result<bool> {
        Ok(self.blob(repository, digest)?.is_some())
    }

    fn manifest(&self, repository: &str, wanted: &Wanted) -> Result<Option<Kept>> {
        let entry = match wanted {
            Wanted::Digest(digest) => match self.0.resolve(&digest.to_string()) {
                Ok(entry) => Some(entry),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Document) => None,
                Err(e) => return Err(e),
            },
            Wanted::Tag(wanted) => {
                let entries = self.entries(repository)?.into_iter();
                entries.filter(|(tag, _)| tag.as_ref() == Some(wanted)).map(|(_, entry)| entry).next()
            }
        };
        entry.map(|entry| self.read(&entry)).transpose()
    }

    fn keep_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Kept) -> Result<()> {
        let media_type = MediaType::from(manifest.media_type.as_str());
        let found_by_itself = Form::of(&media_type) != Form::Unknown && manifest.subject().is_none();
        let descriptor = Descriptor::new(media_type, manifest.digest.clone(), manifest.bytes.len() as u64);
        self.0.push(&descriptor, &manifest.bytes)?;
        match tag {
            Some(tag) => self.0.tag(&descriptor, &format!("{repository}:{tag}")),
            None if found_by_itself => Ok(()),
            None => self.0.tag(&descriptor, &format!("{repository}@{}", manifest.digest)),
        }
    }

    fn forget(&self, _repository: &str, _wanted: &Wanted) -> Result<bool> {
        Err(Error::new(ErrorKind::Policy, self.0.name(), "nothing is deleted from a layout that is served"))
    }

    fn tags(&self, repository: &str) -> Result<Option<BTreeMap<String, Digest>>> {
        let entries = self.entries(repository)?;
        let mut tags = BTreeMap::new();
        for (tag, entry) in &entries {
            if let Some(tag) = tag {
                tags.entry(tag.clone()).or_insert_with(|| entry.digest.clone());
            }
        }
        Ok((!entries.is_empty()).then_some(tags))
    }

    fn referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>> {
        let mut found: BTreeMap<Digest, Descriptor> = BTreeMap::new();
        for (_, entry) in self.entries(repository)? {
            if let Some(referrer) = self.read(&entry)?.as_referrer_of(subject) {
                found.insert(entry.digest, referrer);
            }
        }
        Ok(found.into_values().collect())
    }
}

/// What the reference name of an entry means to a registry.
#[derive(Debug, PartialEq)]
struct Name<'a> {
    /// Without its registry; `None` for all repositories.
    repository: Option<&'a str>,
    tag: Option<&'a str>,
}

impl Name<'_> {
    /// `full`, `babylon:full`, `ghcr.io/jon/babylon:full`, `babylon@sha256:…`; what is none of these is in no repository.
    fn read(text: &str) -> Name<'_> {
        let plain = text.split_once('@').map_or(text, |(name, _)| name);
        let (path, tag) = match plain.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ if plain.len() == text.len() && !plain.contains('/') => {
                return Name { repository: None, tag: Some(text) };
            }
            _ => (plain, None),
        };
        let path = match path.split_once('/') {
            Some((domain, rest)) if domain.contains(['.', ':']) || domain == "localhost" => rest,
            _ => path,
        };
        Name { repository: Some(if is_name(path) { path } else { "" }), tag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_become_repositories_and_tags() {
        for (text, repository, tag) in [
            ("full", None, Some("full")),
            ("22.04", None, Some("22.04")),
            ("babylon:full", Some("babylon"), Some("full")),
            ("jon/babylon:full", Some("jon/babylon"), Some("full")),
            ("ghcr.io/jon/babylon:1", Some("jon/babylon"), Some("1")),
            ("docker.io/library/ubuntu:22.04", Some("library/ubuntu"), Some("22.04")),
            ("127.0.0.1:5000/a/b:1", Some("a/b"), Some("1")),
            ("127.0.0.1:5000/a/b", Some("a/b"), None),
            ("localhost/a:1", Some("a"), Some("1")),
            ("a/b@sha256:00", Some("a/b"), None),
            ("a/b:1@sha256:00", Some("a/b"), Some("1")),
            ("Foo/Bar:1", Some(""), Some("1")),
        ] {
            assert_eq!(Name::read(text), Name { repository, tag }, "{text}");
        }
    }
}
