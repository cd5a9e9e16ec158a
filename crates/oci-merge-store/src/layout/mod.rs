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
//! users/                who is at work; only in the local store
//! quarantine/           blobs that were not what their name says
//! ```
//!
//! A blob is written under a temporary name, synced, verified, and then renamed; `index.json` is replaced as a whole,
//! always last, and under the lock. So whatever happens, a name never leads to content that is not there, and a torn
//! blob is found out by its digest. [`Layout::output`] leaves neither `tmp` nor `lock` behind.

mod facts;
mod index_file;
mod kept;
mod lease;
mod lock;
mod marker;
mod moment;
mod output;
mod quarantine;
mod staged;
mod store;

pub use index_file::REF_NAME;
pub(crate) use index_file::{CONTAINERD_NAME, IndexFile, is_same, nameless};
pub use kept::{Kept, KeptKind, Removal};
pub(crate) use marker::{check_version, marker};
pub use output::Output;
pub use staged::Staged;

use crate::directory::{Directory, shown_path, step};
use crate::pour::{Spilt, pour};
use crate::section::Section;
use crate::sniff::document_type;
use crate::temporary::TemporaryFile;
use crate::{Error, ErrorKind, Result, Store, Verified};
use lease::Lease;
use lock::Lock;
use marker::MARKER;
use oci_merge_image::{Algorithm, Descriptor, Digest, MAX_DOCUMENT_BYTES, MediaType};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::OpenFile;

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
    /// Of a local store.
    lease: Option<Lease>,
    wrote: AtomicBool,
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

    /// Opens a layout to keep content in it for good; makes it if there is none. What writers that were killed left
    /// behind is removed.
    ///
    /// # Errors
    /// The directory is not empty and is no OCI layout, or the disk fails.
    pub fn open_or_create(path: &Path) -> Result<Layout> {
        std::fs::create_dir_all(path).map_err(|e| Error::disk(shown_path(path), "making the directory", e))?;
        let layout = Layout::at(Directory::open(path)?, path);
        layout.begin()?;
        Ok(layout)
    }

    /// Opens a local store, or makes it: the same, shared with other processes of which each may [make
    /// room](Layout::remove). What this value, or a clone of it, has looked at or written stays while it lives.
    ///
    /// # Errors
    /// The directory is not empty and is no OCI layout, or the disk fails.
    pub fn open_store(path: &Path) -> Result<Layout> {
        let layout = Layout::open_or_create(path)?;
        // On a disk that nobody can write to, nobody makes room either.
        let lease = Lease::take(layout.root()).ok();
        Ok(Layout::leased(Directory::open(path)?, path, lease))
    }

    /// Whether a local store can be written to: if not, it is on a disk, or belongs to somebody, that does not allow it.
    pub fn is_writable(&self) -> bool {
        self.0.lease.is_some()
    }

    /// Whether anything was kept since the store was opened.
    pub fn has_grown(&self) -> bool {
        self.0.wrote.load(Ordering::Relaxed)
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
        self.push(descriptor, &OpenFile { file, place: self.place() })
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
        self.read_to_end(self.fetch(descriptor)?)
    }

    fn read_to_end(&self, mut content: Verified) -> Result<()> {
        match pour(&mut content, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(Spilt::Reading(e) | Spilt::Writing(e)) => Err(Error::read(self.place(), e)),
        }
    }

    fn at(root: Directory, path: &Path) -> Layout {
        Layout::leased(root, path, None)
    }

    fn leased(root: Directory, path: &Path, lease: Option<Lease>) -> Layout {
        let place = format!("oci:{}", shown_path(path));
        Layout(Arc::new(Inner { root, place, lease, wrote: AtomicBool::new(false) }))
    }

    /// Held while a name of a local store is looked up and marked as used, or given.
    fn guard(&self) -> Option<Lock> {
        self.0.lease.as_ref().and_then(|_| Lock::share(self.root()).ok())
    }

    /// Says that a file of a local store was used just now.
    fn mark_used(&self, file: &File) {
        if self.0.lease.is_some() {
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            // On a disk that nobody can write to, nothing is removed either.
            let _ = futimens(file, &Timestamps { last_access: now, last_modification: now });
        }
    }

    fn wrote(&self) {
        self.0.wrote.store(true, Ordering::Relaxed);
    }

    fn root(&self) -> &Directory {
        &self.0.root
    }

    fn place(&self) -> &str {
        &self.0.place
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
        let Some((file, _)) = self.root().file(name)? else { return Ok(None) };
        read_small(self.root(), name, file, limit).map(Some)
    }

    /// Replaces a small file of the root as a whole.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_small(self.root(), name, bytes)
    }

    fn write_small(&self, directory: &Directory, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_temporary(directory, name, bytes)?.keep(directory, OsStr::new(name))
    }

    /// A file with these bytes that is to get this name.
    fn write_temporary(&self, directory: &Directory, name: &str, bytes: &[u8]) -> Result<TemporaryFile> {
        let file = self.temporary()?;
        step();
        io::Write::write_all(&mut file.file(), bytes).map_err(|e| directory.failed(name, "writing", e))?;
        Ok(file)
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
        self.wrote();
        self.move_directory_aside(&blobs, digest)?;
        let _guard = self.guard();
        file.keep(&blobs, OsStr::new(&hex))
    }

    /// The directory of the blobs whose names are of the same algorithm; `None` if there is none yet.
    fn blobs_of(&self, digest: &Digest) -> Result<Option<Directory>> {
        let Some(blobs) = self.root().inside(BLOBS)? else { return Ok(None) };
        blobs.inside(digest.algorithm().name())
    }

    /// The file of a blob and its size; `None` if there is no such name.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<(File, u64)>> {
        let Some(blobs) = self.blobs_of(digest)? else { return Ok(None) };
        let _guard = self.guard();
        let found = blobs.file(&digest.hex()).map_err(|e| e.about(digest))?;
        if let Some((file, _)) = &found {
            self.mark_used(file);
        }
        Ok(found)
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

/// Reads a small file of a directory.
fn read_small(directory: &Directory, name: &str, file: File, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| directory.failed(name, "reading", e))?;
    if bytes.len() as u64 > limit {
        let text = format!("more than {limit} bytes, which is as much as is read");
        let place = shown_path(&directory.path().join(name));
        return Err(Error::new(ErrorKind::Document, place, text).because("LIMIT_DOCUMENT_BYTES"));
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod crash;
#[cfg(test)]
mod tests;
