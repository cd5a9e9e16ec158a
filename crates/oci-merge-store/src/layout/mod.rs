//! A directory that is an OCI image layout (image-spec `image-layout.md`): as a source of images, as the place where
//! they are written to, and as the local store.
//!
//! ```text
//! oci-layout            says that it is one, and of which version
//! index.json            names manifests
//! blobs/sha256/HEX      content; nothing here is believed, each reader digests what it reads
//! tmp/                  blobs that are being written, while they are
//! lock                  held around a change of index.json
//! facts/HEX.KIND        what was learnt of a blob; only in the local store
//! quarantine/           blobs that were not what their name says
//! ```
//!
//! A blob is written under a temporary name, synced, verified, and then renamed; `index.json` is replaced as a whole,
//! always last, and under the lock. So whatever happens, a name never leads to content that is not there, and a torn
//! blob is found out by its digest. [`Layout::output`] leaves neither `tmp` nor `lock` behind.

mod facts;
mod index_file;
mod lock;
mod output;
mod quarantine;
mod staged;

pub use index_file::REF_NAME;
pub(crate) use index_file::{CONTAINERD_NAME, IndexFile, nameless};
pub use output::Output;
pub use staged::Staged;

use crate::directory::{Directory, shown_path, step};
use crate::section::Section;
use crate::sniff::document_type;
use crate::temporary::{TemporaryFile, sweep};
use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use lock::Lock;
use oci_merge_image::{Algorithm, Descriptor, Digest, MAX_DOCUMENT_BYTES, MediaType, parse_strict, shown};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MARKER: &str = "oci-layout";
pub(crate) const VERSION: &str = "1.0.0";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs";
const STAGING: &str = "tmp";

/// An OCI image layout in a directory. A clone is the same layout.
#[derive(Debug, Clone)]
pub struct Layout(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: Directory,
    place: String,
}

impl Layout {
    /// Opens a layout to read it.
    ///
    /// # Errors
    /// There is no directory, it is not an OCI layout, or one of another version.
    pub fn open(path: &Path) -> Result<Layout> {
        let layout = Layout::at(Directory::open(path)?, path);
        if layout.check_version()? {
            return Ok(layout);
        }
        let text = format!("it is not an OCI layout: there is no file {MARKER}");
        Err(Error::new(ErrorKind::Document, layout.place(), text).because("LAYOUT_VERSION"))
    }

    /// Opens a layout to keep content in it for good, as the local store is; makes it if there is none. What writers
    /// that were killed left behind is removed.
    ///
    /// # Errors
    /// The directory is not empty and is no OCI layout, or the disk fails.
    pub fn open_or_create(path: &Path) -> Result<Layout> {
        std::fs::create_dir_all(path).map_err(|e| Error::disk(shown_path(path), "making the directory", e))?;
        let layout = Layout::at(Directory::open(path)?, path);
        layout.begin()?;
        Ok(layout)
    }

    /// Opens a layout to write an image to it and leave it to others. An existing one is updated in place, its other
    /// images untouched; a new one appears under its name only when [`Output::finish`] is called.
    ///
    /// # Errors
    /// The directory is not empty and is no OCI layout, or the disk fails.
    pub fn output(path: &Path) -> Result<Output> {
        Output::open(path)
    }

    /// Starts a blob whose digest is not known yet.
    ///
    /// # Errors
    /// The disk fails.
    pub fn stage(&self) -> Result<Staged> {
        self.stage_as(Algorithm::Sha256)
    }

    /// Takes over a file's content as a blob: shared where the filesystem can, copied where not, verified in any case.
    /// Never a hard link, for a later change of the file would be a change of the blob.
    ///
    /// # Errors
    /// The file's bytes are not those of the descriptor, or the disk fails.
    pub fn adopt(&self, file: &File, descriptor: &Descriptor) -> Result<()> {
        self.push(descriptor, &OpenFile { file, place: self.place().to_owned() })
    }

    /// Where the content of a digest lies, or would lie. Whoever reads it there has to verify it.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root().path().join(BLOBS).join(digest.algorithm().name()).join(digest.hex())
    }

    /// What `index.json` names: each descriptor with the annotation [`REF_NAME`], if it has one.
    ///
    /// # Errors
    /// There is no `index.json`, or it is not an index.
    pub fn manifests(&self) -> Result<Vec<Descriptor>> {
        Ok(self.index()?.entries().to_vec())
    }

    /// Reads a blob to its end and says whether it is what it should be.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if it is not, [`ErrorKind::NotFound`] if there is none.
    pub fn verify(&self, descriptor: &Descriptor) -> Result<()> {
        match crate::pour::pour(&mut self.fetch(descriptor)?, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(crate::pour::Spilt::Reading(e) | crate::pour::Spilt::Writing(e)) => Err(Error::read(self.place(), e)),
        }
    }

    fn at(root: Directory, path: &Path) -> Layout {
        Layout(Arc::new(Inner { root, place: format!("oci:{}", shown_path(path)) }))
    }

    fn root(&self) -> &Directory {
        &self.0.root
    }

    fn place(&self) -> &str {
        &self.0.place
    }

    /// Whether the marker of a layout is here; it must be of the version that we know.
    fn check_version(&self) -> Result<bool> {
        let Some(bytes) = self.document(MARKER, 4096)? else { return Ok(false) };
        check_version(self.place(), &bytes)?;
        Ok(true)
    }

    /// Makes this a layout that can be written to.
    fn begin(&self) -> Result<()> {
        let root = self.root();
        if !self.check_version()? {
            let is_ours = |name: &std::ffi::OsString| name == lock::NAME || name == STAGING;
            // Another writer may have made it a layout since.
            if let Some(alien) = root.names()?.iter().find(|name| !is_ours(name))
                && !self.check_version()?
            {
                let text = format!(
                    "it is neither empty nor an OCI layout (it holds {}); name another directory, or empty it",
                    shown_path(Path::new(alien))
                );
                return Err(Error::new(ErrorKind::Policy, self.place(), text).because("LAYOUT_NOT_EMPTY"));
            }
        }
        if root.file(MARKER)?.is_none() || root.file(INDEX)?.is_none() {
            let _lock = Lock::take(root)?;
            if root.file(MARKER)?.is_none() {
                self.replace(MARKER, format!("{{\"imageLayoutVersion\":\"{VERSION}\"}}").as_bytes())?;
            }
            if root.file(INDEX)?.is_none() {
                self.replace(INDEX, &IndexFile::bytes_of(Vec::new()))?;
            }
        }
        match root.inside(STAGING)? {
            Some(staging) => sweep(&staging, OsStr::new("")),
            None => Ok(()),
        }
    }

    /// Removes what only writers need; another writer that is at work keeps its own.
    fn tidy(&self) -> Result<()> {
        let lock = Lock::take(self.root())?;
        if let Some(staging) = self.root().inside(STAGING)? {
            sweep(&staging, OsStr::new(""))?;
            let _ = self.root().remove_empty(STAGING);
        }
        lock.remove(self.root());
        self.root().sync()
    }

    fn index(&self) -> Result<IndexFile> {
        let Some(bytes) = self.document(INDEX, MAX_DOCUMENT_BYTES)? else {
            let text = format!("it is not a whole OCI layout: there is no {INDEX}");
            return Err(Error::new(ErrorKind::Document, self.place(), text).because("LAYOUT_INDEX"));
        };
        IndexFile::parse(self.place(), &bytes)
    }

    /// Changes `index.json`, alone.
    fn change_index(&self, change: impl FnOnce(&mut IndexFile)) -> Result<()> {
        let _lock = Lock::take(self.root())?;
        let mut index = self.index()?;
        change(&mut index);
        self.replace(INDEX, &index.to_bytes())
    }

    /// A small file of the root; `None` if there is none.
    fn document(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        read_small(self.root(), name, limit)
    }

    /// Replaces a small file of the root as a whole.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_small(self.root(), name, bytes)
    }

    fn write_small(&self, directory: &Directory, name: &str, bytes: &[u8]) -> Result<()> {
        let file = self.temporary()?;
        step();
        io::Write::write_all(&mut file.file(), bytes).map_err(|e| directory.failed(name, "writing", e))?;
        file.keep(directory, OsStr::new(name))
    }

    fn stage_as(&self, algorithm: Algorithm) -> Result<Staged> {
        Ok(Staged::new(self.clone(), self.temporary()?, algorithm))
    }

    fn temporary(&self) -> Result<TemporaryFile> {
        loop {
            let staging = Arc::new(self.root().make(STAGING)?);
            // Another writer that has finished may remove the directory in between.
            if let Some(file) = TemporaryFile::create(&staging, OsStr::new(""))? {
                return Ok(file);
            }
        }
    }

    /// Gives a verified blob its name, over whatever had it before.
    fn keep_blob(&self, file: TemporaryFile, digest: &Digest) -> Result<()> {
        let blobs = self.root().make(BLOBS)?.make(digest.algorithm().name())?;
        let hex = digest.hex();
        if blobs.inside(&hex).is_ok_and(|directory| directory.is_some()) {
            self.quarantine(digest)?; // a file cannot be renamed over a directory
        }
        file.keep(&blobs, OsStr::new(&hex))
    }

    /// The file of a blob and its size; `None` if there is no such name.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<(File, u64)>> {
        let Some(blobs) = self.root().inside(BLOBS)? else { return Ok(None) };
        let Some(blobs) = blobs.inside(digest.algorithm().name())? else { return Ok(None) };
        blobs.file(&digest.hex()).map_err(|e| e.about(digest))
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<File> {
        let Descriptor { digest, size, .. } = descriptor;
        match self.blob(digest)? {
            None => Err(Error::not_found(self.place(), &digest.to_string()).because("BLOB_NOT_FOUND").about(digest)),
            Some((file, found)) if found == *size => Ok(file),
            Some((_, found)) => {
                let text = format!("wrong bytes for {digest}: expected {size} bytes, found {found}");
                Err(Error::new(ErrorKind::Mismatch, self.place(), text).because("DESCRIPTOR_SIZE").about(digest))
            }
        }
    }

    /// A manifest or index that no entry of `index.json` names: its blob says what it is.
    fn describe(&self, digest: &Digest) -> Result<Descriptor> {
        let Some((file, size)) = self.blob(digest)? else {
            return Err(Error::not_found(self.place(), &digest.to_string()).about(digest));
        };
        let mut descriptor = Descriptor::new(MediaType::ImageManifest, digest.clone(), size);
        let bytes = Verified::new(&descriptor, self.place(), Section::whole(file, self.place()))
            .read_document(MAX_DOCUMENT_BYTES)?;
        descriptor.media_type = document_type(self.place(), &bytes)?;
        Ok(descriptor)
    }
}

impl Store for Layout {
    fn name(&self) -> String {
        self.place().to_owned()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let named = self.index()?.find(reference);
        match (named, reference.parse::<Digest>()) {
            (Err(e), Ok(digest)) if e.kind() == ErrorKind::NotFound => self.describe(&digest),
            (named, _) => named,
        }
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        match self.open_blob(descriptor) {
            Ok(_) => Ok(true),
            // What cannot be this content is written anew.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Mismatch) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        let file = self.open_blob(descriptor)?;
        Ok(Verified::new(descriptor, self.place(), Section::whole(file, self.place())))
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        let content = Blob { layout: self, descriptor: descriptor.clone() };
        matches!(self.blob(&descriptor.digest), Ok(Some(_)) | Err(_)).then(|| Box::new(content) as Box<dyn Content>)
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let mut staged = self.stage_as(descriptor.digest.algorithm())?;
        let failed = |e| Error::carried_by(e).unwrap_or_else(|e| Error::disk(self.place(), "opening the content", e));
        let most = descriptor.size.saturating_add(1);
        let shared = match content.file().map_err(failed)? {
            Some(file) => staged.share(&file, most)?,
            None => false,
        };
        if !shared {
            staged.fill(&mut *content.open().map_err(failed)?, most)?;
        }
        staged.commit(descriptor)
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:@/+".contains(&b);
        if tag.is_empty() || tag.len() > 1024 || !tag.bytes().all(legal) {
            let text = format!("{} cannot be a reference name: letters, digits and -._:@/+ can", shown(tag));
            return Err(Error::new(ErrorKind::Policy, self.place(), text));
        }
        self.open_blob(descriptor)?;
        self.change_index(|index| index.set(tag, descriptor))
    }
}

/// Checks the content of an `oci-layout` file.
pub(crate) fn check_version(place: &str, bytes: &[u8]) -> Result<()> {
    let marker = parse_strict(bytes).map_err(|e| Error::document(place, MARKER, e))?;
    match marker.get("imageLayoutVersion").and_then(|version| version.as_str()) {
        Some(VERSION) => Ok(()),
        found => {
            let found = found.map_or("nothing of the kind".into(), |version| shown(version).to_string());
            let text = format!("{MARKER}: expected imageLayoutVersion {VERSION}, found {found}");
            Err(Error::new(ErrorKind::Document, place, text).because("LAYOUT_VERSION"))
        }
    }
}

/// Reads a small file of a directory; `None` if there is none.
fn read_small(directory: &Directory, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some((file, _)) = directory.file(name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| directory.failed(name, "reading", e))?;
    if bytes.len() as u64 > limit {
        let text = format!("more than {limit} bytes, which is as much as is read");
        let place = shown_path(&directory.path().join(name));
        return Err(Error::new(ErrorKind::Document, place, text).because("LIMIT_DOCUMENT_BYTES"));
    }
    Ok(Some(bytes))
}

/// A blob of a layout, opened anew for every reading.
struct Blob<'a> {
    layout: &'a Layout,
    descriptor: Descriptor,
}

impl Content for Blob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let file = self.layout.open_blob(&self.descriptor)?;
        Ok(Box::new(Section::whole(file, self.layout.place())))
    }

    fn file(&self) -> io::Result<Option<File>> {
        Ok(Some(self.layout.open_blob(&self.descriptor)?))
    }
}

/// A file that is open, wherever its name went.
struct OpenFile<'a> {
    file: &'a File,
    place: String,
}

impl Content for OpenFile<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Section::whole(self.file.try_clone()?, &*self.place)))
    }

    fn file(&self) -> io::Result<Option<File>> {
        self.file.try_clone().map(Some)
    }
}

#[cfg(test)]
pub(crate) mod crash;
#[cfg(test)]
mod tests;
