//! Content in an OCI image layout, a directory or an archive. A layout has no repositories: every blob is in all of
//! them.

use super::kept::Kept;
use super::route::{Wanted, is_name};
use super::shelf::{Scratch, Seekable, Shelf};
use crate::archive::ArchiveStore;
use crate::layout::{Layout, REF_NAME};
use crate::{Error, ErrorKind, Result, Store};
use oci_merge_image::{Algorithm, Descriptor, Digest, Form, MAX_DOCUMENT_BYTES, MediaType};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The repository under which an image is told that is in all of them.
const ANY_REPOSITORY: &str = "image";

/// A shelf in a directory, or in an archive, which is only read.
pub(super) enum LayoutShelf {
    Directory(Layout),
    Archive(Arc<ArchiveStore>),
}

impl LayoutShelf {
    /// Opens a layout, or makes one if it is to be written to.
    pub(super) fn open(path: &Path, writable: bool) -> Result<LayoutShelf> {
        Ok(LayoutShelf::Directory(if writable { Layout::open_or_create(path)? } else { Layout::open(path)? }))
    }

    /// Looks into an archive, which must be one of a layout.
    pub(super) fn of_archive(archive: &Arc<ArchiveStore>, writable: bool) -> Result<LayoutShelf> {
        if writable {
            return Err(Error::new(ErrorKind::Policy, archive.name(), "an archive takes no pushes; a directory does"));
        }
        archive.manifests()?;
        Ok(LayoutShelf::Archive(Arc::clone(archive)))
    }

    fn store(&self) -> &dyn Store {
        match self {
            LayoutShelf::Directory(layout) => layout,
            LayoutShelf::Archive(archive) => &**archive,
        }
    }

    /// The layout that is written to.
    fn directory(&self) -> Result<&Layout> {
        match self {
            LayoutShelf::Directory(layout) => Ok(layout),
            LayoutShelf::Archive(archive) => {
                Err(Error::new(ErrorKind::Policy, archive.name(), "an archive takes no pushes"))
            }
        }
    }

    fn manifests(&self) -> Result<Vec<Descriptor>> {
        match self {
            LayoutShelf::Directory(layout) => layout.manifests(),
            LayoutShelf::Archive(archive) => archive.manifests(),
        }
    }

    /// The entries that a repository has, each with its tag, if it has one: its own before those of all.
    fn entries(&self, repository: &str) -> Result<Vec<(Option<String>, Descriptor)>> {
        let mut own = Vec::new();
        let mut shared = Vec::new();
        for entry in self.manifests()? {
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
        let bytes = self.store().fetch(entry)?.read_document(MAX_DOCUMENT_BYTES)?;
        Ok(Kept { media_type: entry.media_type.to_string(), digest: entry.digest.clone(), bytes })
    }
}

impl Shelf for LayoutShelf {
    fn blob(&self, _repository: &str, digest: &Digest) -> Result<Option<(u64, Box<dyn Seekable>)>> {
        Ok(match self {
            LayoutShelf::Directory(layout) => {
                layout.blob(digest)?.map(|(file, size)| (size, Box::new(file) as Box<dyn Seekable>))
            }
            LayoutShelf::Archive(archive) => {
                archive.blob(digest)?.map(|(section, size)| (size, Box::new(section) as Box<dyn Seekable>))
            }
        })
    }

    fn scratch(&self) -> Result<Scratch> {
        Ok(Scratch::Staged(self.directory()?.stage()?))
    }

    fn keep(&self, _repository: &str, digest: &Digest, scratch: Scratch) -> Result<()> {
        let media_type = MediaType::from("application/octet-stream");
        match (scratch, digest.algorithm()) {
            (Scratch::Memory(bytes), _) => {
                self.directory()?.push(&Descriptor::new(media_type, digest.clone(), bytes.len() as u64), &bytes)
            }
            (Scratch::Staged(staged), Algorithm::Sha256) => {
                let size = staged.size();
                staged.commit(&Descriptor::new(media_type, digest.clone(), size))
            }
            // It was digested as it came, but with the other algorithm: now it is read once more.
            (Scratch::Staged(staged), Algorithm::Sha512) => {
                let descriptor = Descriptor::new(media_type, digest.clone(), staged.size());
                self.directory()?.push(&descriptor, &staged.path().as_path())
            }
        }
    }

    fn mount(&self, repository: &str, _from: Option<&str>, digest: &Digest) -> Result<bool> {
        Ok(self.blob(repository, digest)?.is_some())
    }

    fn manifest(&self, repository: &str, wanted: &Wanted) -> Result<Option<Kept>> {
        let entry = match wanted {
            Wanted::Digest(digest) => match self.store().resolve(&digest.to_string()) {
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
        let referrer = manifest.subject().and_then(|subject| manifest.as_referrer_of(&subject));
        let found_by_itself = Form::of(&media_type) != Form::Unknown && referrer.is_none();
        let descriptor = Descriptor::new(media_type, manifest.digest.clone(), manifest.bytes.len() as u64);
        let descriptor = referrer.unwrap_or(descriptor);
        let layout = self.directory()?;
        layout.push(&descriptor, &manifest.bytes)?;
        match tag {
            Some(tag) => layout.tag(&descriptor, &format!("{repository}:{tag}")),
            None if found_by_itself => Ok(()),
            None => layout.tag(&descriptor, &format!("{repository}@{}", manifest.digest)),
        }
    }

    fn forget(&self, _repository: &str, _wanted: &Wanted) -> Result<bool> {
        Err(Error::new(ErrorKind::Policy, self.store().name(), "nothing is deleted from a layout that is served"))
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

    fn images(&self) -> Result<Vec<String>> {
        let entries = self.manifests()?;
        let names = entries.iter().filter_map(|entry| entry.annotations.get(REF_NAME)).filter_map(|name| {
            let Name { repository, tag } = Name::read(name);
            let repository = repository.unwrap_or(ANY_REPOSITORY);
            (!repository.is_empty()).then_some(format!("{repository}:{}", tag?))
        });
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
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
