//! A blob that is being written.

use super::Layout;
use crate::digester::Digester;
use crate::directory::{shown_path, step};
use crate::pour::{BUFFER, Spilt, pour};
use crate::section::Section;
use crate::temporary::TemporaryFile;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Algorithm, Descriptor, Digest, MediaType};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// A blob on its way into a [`Layout`]: takes bytes, counts and digests them, and has a name only once it is whole.
/// Dropped before that, it is gone.
///
/// Every write goes to the file; give it large ones.
///
/// ```
/// use oci_merge_image::MediaType;
/// use oci_merge_store::Layout;
/// use std::io::Write;
/// # let directory = tempfile::tempdir().unwrap();
/// let layout = Layout::open_or_create(&directory.path().join("store")).unwrap();
/// let mut blob = layout.stage().unwrap();
/// blob.write_all(b"hello").unwrap();
/// let descriptor = blob.commit_any(MediaType::ImageLayer).unwrap();
/// assert_eq!(descriptor.size, 5);
/// ```
#[derive(Debug)]
pub struct Staged {
    layout: Layout,
    file: TemporaryFile,
    digester: Digester,
    algorithm: Algorithm,
    size: u64,
}

impl Staged {
    pub(super) fn new(layout: Layout, file: TemporaryFile, algorithm: Algorithm) -> Staged {
        Staged { layout, file, digester: Digester::new(algorithm), algorithm, size: 0 }
    }

    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the bytes lie for now; until the commit, and only while this value lives.
    pub fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Gives the blob its name, if its bytes are those of the descriptor.
    ///
    /// # Errors
    /// They are not; or the disk fails.
    pub fn commit(self, descriptor: &Descriptor) -> Result<()> {
        let Staged { layout, file, digester, algorithm, size } = self;
        let (place, expected) = (layout.place(), &descriptor.digest);
        if algorithm != expected.algorithm() {
            let text = format!("expected {expected}, but the blob was staged for {}", algorithm.name());
            return Err(Error::new(ErrorKind::Mismatch, place, text).about(expected));
        }
        match size.cmp(&descriptor.size) {
            std::cmp::Ordering::Less => return Err(Error::shorter(place, expected, descriptor.size, size)),
            std::cmp::Ordering::Greater => return Err(Error::longer(place, expected, descriptor.size)),
            std::cmp::Ordering::Equal => {}
        }
        let found = digester.finish();
        if found != *expected {
            return Err(Error::mismatch(place, expected, &found));
        }
        layout.keep_blob(file, expected)
    }

    /// Gives the blob the name of whatever its bytes are, and describes it.
    ///
    /// # Errors
    /// The disk fails.
    pub fn commit_any(self, media_type: MediaType) -> Result<Descriptor> {
        let Staged { layout, file, digester, size, .. } = self;
        let digest: Digest = digester.finish();
        layout.keep_blob(file, &digest)?;
        Ok(Descriptor::new(media_type, digest, size))
    }

    /// Reads content to its end, but not beyond `most` bytes.
    pub(super) fn fill(&mut self, from: &mut dyn Read, most: u64) -> Result<()> {
        match pour(&mut from.take(most), self) {
            Ok(_) => Ok(()),
            Err(Spilt::Writing(e)) => Err(Error::read(&shown_path(&self.path()), e)),
            Err(Spilt::Reading(e)) => Err(Error::carried_by(e)
                .unwrap_or_else(|e| Error::disk(self.layout.place(), "reading what is to be stored", e))),
        }
    }

    /// Shares the bytes of a file, if the filesystem can, and digests them: nothing is copied. `false`: it cannot.
    pub(super) fn share(&mut self, from: &File, most: u64) -> Result<bool> {
        if !reflink(self.file.file(), from) {
            return Ok(false);
        }
        let path = shown_path(&self.path());
        let own = self.file.file().try_clone().map_err(|e| Error::disk(&*path, "opening", e))?;
        let mut reader = Section::whole(own, path).take(most);
        let mut buffer = vec![0; BUFFER];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(count) => self.saw(buffer.get(..count).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::read(self.layout.place(), e)),
            }
        }
    }

    fn saw(&mut self, bytes: &[u8]) {
        self.digester.update(bytes);
        self.size += bytes.len() as u64;
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        step();
        let count = match self.file.file().write(bytes) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            other => other.map_err(|e| Error::disk(shown_path(&self.path()), "writing", e))?,
        };
        self.saw(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn reflink(to: &File, from: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn reflink(_to: &File, _from: &File) -> bool {
    false
}
