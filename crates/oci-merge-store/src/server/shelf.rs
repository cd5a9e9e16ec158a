//! Where a server's blobs, manifests and tags are: in memory or in a directory.

use super::kept::Kept;
use super::route::Wanted;
use crate::Result;
use crate::layout::Staged;
use oci_merge_image::{Descriptor, Digest};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};

/// A place for content. Each call is atomic; calls from many threads may overlap.
pub(super) trait Shelf: Send + Sync {
    /// The length and the bytes of a blob that a repository has.
    fn blob(&self, repository: &str, digest: &Digest) -> Result<Option<(u64, Box<dyn Seekable>)>>;

    /// Where the bytes of an upload are gathered.
    fn scratch(&self) -> Result<Scratch>;

    /// Turns gathered bytes into a blob of a repository; [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) if that
    /// is not their digest.
    fn keep(&self, repository: &str, digest: &Digest, scratch: Scratch) -> Result<()>;

    /// Lets a repository have a blob that another one has, or `from` being `None`, that any has.
    fn mount(&self, repository: &str, from: Option<&str>, digest: &Digest) -> Result<bool>;

    /// A manifest of a repository.
    fn manifest(&self, repository: &str, wanted: &Wanted) -> Result<Option<Kept>>;

    /// Keeps a manifest, under a tag or without.
    fn keep_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Kept) -> Result<()>;

    /// Forgets a tag, or a manifest and all of its tags. False if there is none; an error where nothing is deleted.
    fn forget(&self, repository: &str, wanted: &Wanted) -> Result<bool>;

    /// The tags of a repository; `None` if there is no such repository.
    fn tags(&self, repository: &str) -> Result<Option<BTreeMap<String, Digest>>>;

    /// Every tag with its repository, as `REPOSITORY:TAG`, sorted.
    fn images(&self) -> Result<Vec<String>>;

    /// The manifests of a repository whose subject is this one.
    fn referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>>;
}

/// What can be read from any place in it.
pub(super) trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// The bytes of an upload so far.
pub(super) enum Scratch {
    Memory(Vec<u8>),
    Staged(Staged),
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Scratch::Memory(all) => all.write(bytes),
            Scratch::Staged(staged) => staged.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
