//! An archive as a store: content by digest out of one file.

use super::docker::Saved;
use super::{MANIFEST, Member, Members};
use crate::layout::{IndexFile, check_version};
use crate::section::Section;
use crate::sniff::document_type;
use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use oci_merge_image::{Descriptor, Digest, MAX_DOCUMENT_BYTES, MediaType};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// An archive of images, read where it lies.
///
/// What is in the file and where is a table that the caller makes: this crate reads no tar. An archive of `docker save`
/// has no manifest in the OCI form, so one is made of it, always the same for the same archive, when an image is first
/// resolved; that reads the image's layers once.
pub struct ArchiveStore {
    archive: Archive,
    form: Form,
}

enum Form {
    Layout(IndexFile),
    Docker(Saved),
}

/// The file, and what is where in it.
pub(super) struct Archive {
    pub(super) file: Arc<File>,
    pub(super) place: String,
    pub(super) members: Members,
}

impl ArchiveStore {
    /// Opens an archive of uncompressed tar; `name` is how messages call it, such as `docker-archive:base.tar`.
    ///
    /// # Errors
    /// It is neither an OCI layout nor what `docker save` writes, or breaks their rules.
    pub fn open(file: File, name: impl Into<String>, members: Members) -> Result<ArchiveStore> {
        let archive = Archive { file: Arc::new(file), place: name.into(), members };
        let form = if archive.members.member("oci-layout").is_some() {
            check_version(&archive.place, &archive.small("oci-layout", 4096)?)?;
            Form::Layout(IndexFile::parse(&archive.place, &archive.small("index.json", MAX_DOCUMENT_BYTES)?)?)
        } else if archive.members.member(MANIFEST).is_some() {
            Form::Docker(Saved::read(&archive)?)
        } else {
            let old =
                if archive.members.member("repositories").is_some() { " (it is of docker before 1.10)" } else { "" };
            let text = format!("it is no image{old}: it has neither oci-layout nor {MANIFEST}");
            return Err(Error::new(ErrorKind::Document, archive.place, text).because("ARCHIVE_MEMBER"));
        };
        Ok(ArchiveStore { archive, form })
    }

    /// The entries of `index.json`, each with the annotation that names it.
    ///
    /// # Errors
    /// It is an archive of `docker save`, which has no index.
    pub fn manifests(&self) -> Result<Vec<Descriptor>> {
        match &self.form {
            Form::Layout(index) => Ok(index.entries().to_vec()),
            Form::Docker(_) => {
                let text = "it is an archive of `docker save`, which names no manifest; an OCI layout is expected";
                Err(Error::new(ErrorKind::Policy, self.name(), text))
            }
        }
    }

    /// A blob of a layout, from its first byte on; it is not verified.
    #[cfg(feature = "server")]
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<(Section, u64)>> {
        Ok(self.archive.blob(digest)?.map(|(offset, size)| (self.archive.section(offset, size), size)))
    }

    fn section(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>> {
        let (archive, digest) = (&self.archive, &descriptor.digest);
        let absent = || Error::not_found(&archive.place, &digest.to_string()).because("BLOB_NOT_FOUND").about(digest);
        let (offset, size) = match &self.form {
            Form::Docker(saved) => match saved.document(digest) {
                Some(bytes) => return Ok(Box::new(io::Cursor::new(bytes))),
                None => saved.layer(digest).ok_or_else(absent)?,
            },
            Form::Layout(_) => archive.blob(digest)?.ok_or_else(absent)?,
        };
        if size != descriptor.size {
            let text = format!("wrong bytes for {digest}: expected {} bytes, found {size}", descriptor.size);
            let error = Error::new(ErrorKind::Mismatch, &*archive.place, text);
            return Err(error.because("DESCRIPTOR_SIZE").about(digest));
        }
        Ok(Box::new(archive.section(offset, size)))
    }

    /// A manifest or index of a layout that `index.json` does not name.
    fn describe(&self, digest: &Digest) -> Result<Descriptor> {
        let absent = || Error::not_found(&self.archive.place, &digest.to_string()).about(digest);
        let (_, size) = self.archive.blob(digest)?.ok_or_else(absent)?;
        let mut descriptor = Descriptor::new(MediaType::ImageManifest, digest.clone(), size);
        let bytes = self.fetch(&descriptor)?.read_document(MAX_DOCUMENT_BYTES)?;
        descriptor.media_type = document_type(&self.archive.place, &bytes)?;
        Ok(descriptor)
    }

    fn refuse(&self) -> Error {
        Error::new(ErrorKind::Policy, self.name(), "an archive is only read; it is written whole")
    }
}

impl Archive {
    pub(super) fn section(&self, offset: u64, size: u64) -> Section {
        Section::new(Arc::clone(&self.file), &*self.place, offset, size)
    }

    /// The content of a small file, which no link may stand for.
    pub(super) fn small(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let refuse = |reason, text: String| Error::new(ErrorKind::Document, &*self.place, text).because(reason);
        match self.members.member(name) {
            Some(Member::File { offset, size }) if *size <= limit => self.bytes(*offset, *size),
            Some(Member::File { size, .. }) => {
                let text = format!("{name} has {size} bytes; at most {limit} are read");
                Err(refuse("LIMIT_DOCUMENT_BYTES", text))
            }
            Some(Member::Symlink(_)) => Err(refuse("ARCHIVE_LINK", format!("{name} is a link"))),
            None => Err(refuse("ARCHIVE_MEMBER", format!("there is no {name}"))),
        }
    }

    pub(super) fn bytes(&self, offset: u64, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.section(offset, size).read_to_end(&mut bytes).map_err(|e| Error::read(&self.place, e))?;
        if bytes.len() as u64 != size {
            return Err(self.cut());
        }
        Ok(bytes)
    }

    /// The file is shorter than its own table says.
    pub(super) fn cut(&self) -> Error {
        Error::new(ErrorKind::Mismatch, &*self.place, "it ends before its last member does").because("TAR_TRUNCATED")
    }

    /// Where a blob of a layout lies.
    fn blob(&self, digest: &Digest) -> Result<Option<(u64, u64)>> {
        let name = format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
        match self.members.member(&name) {
            Some(Member::File { offset, size }) => Ok(Some((*offset, *size))),
            Some(Member::Symlink(_)) => {
                let error = Error::new(ErrorKind::Mismatch, &*self.place, format!("{name} is a link, not a file"));
                Err(error.because("ARCHIVE_LINK").about(digest))
            }
            None => Ok(None),
        }
    }
}

impl fmt::Debug for ArchiveStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArchiveStore").field(&self.archive.place).finish()
    }
}

impl Store for ArchiveStore {
    fn name(&self) -> String {
        self.archive.place.clone()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        match &self.form {
            Form::Docker(saved) => saved.resolve(&self.archive, reference),
            Form::Layout(index) => match (index.find(reference), reference.parse::<Digest>()) {
                (Err(e), Ok(digest)) if e.kind() == ErrorKind::NotFound => self.describe(&digest),
                (named, _) => named,
            },
        }
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        match self.section(descriptor) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Mismatch) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        Ok(Verified::new(descriptor, &*self.archive.place, self.section(descriptor)?))
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        match self.section(descriptor) {
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            _ => Some(Box::new(Part { store: self, descriptor: descriptor.clone() })),
        }
    }

    fn push(&self, _descriptor: &Descriptor, _content: &dyn Content) -> Result<()> {
        Err(self.refuse())
    }

    fn tag(&self, _descriptor: &Descriptor, _tag: &str) -> Result<()> {
        Err(self.refuse())
    }
}

/// Content of an archive, opened anew for every reading.
struct Part<'a> {
    store: &'a ArchiveStore,
    descriptor: Descriptor,
}

impl Content for Part<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(self.store.section(&self.descriptor)?)
    }
}
