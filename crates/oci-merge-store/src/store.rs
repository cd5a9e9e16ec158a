//! The five verbs, and the reader that cannot hand out wrong bytes.

use crate::{Content, Error, Result};
use oci_merge_image::{Algorithm, Descriptor, Digest};
use sha2::Digest as _;
use std::io::{self, Read};

/// A place that keeps content by digest and names some of it.
pub trait Store: Send + Sync {
    /// Where this is, for messages: `127.0.0.1:5000/babylon`, `oci:./image`.
    fn name(&self) -> String;

    /// The descriptor that a tag, or a digest in text, stands for.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    fn resolve(&self, reference: &str) -> Result<Descriptor>;

    /// Whether the content is here. `true` is a statement of the store, not a proof.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn exists(&self, descriptor: &Descriptor) -> Result<bool>;

    /// Opens content. The reader never hands out more than the descriptor's size, and its last read fails if the
    /// digest differs: no caller can forget to verify.
    ///
    /// # Errors
    /// The content is not here, or cannot be opened.
    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified>;

    /// Puts content here. Idempotent; verified on the way. A manifest goes after what it names.
    ///
    /// # Errors
    /// The content cannot be read or written, or is not what the descriptor says.
    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()>;

    /// Lets a tag stand for a manifest or index that is here.
    ///
    /// # Errors
    /// The content is not here, or the store takes no tags.
    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()>;

    /// Takes a blob over from another repository of the same registry without moving its bytes. `false`: not possible.
    ///
    /// # Errors
    /// The store cannot be asked at all; a refusal is `Ok(false)`.
    fn mount(&self, _descriptor: &Descriptor, _from: &str) -> Result<bool> {
        Ok(false)
    }
}

/// A reader of content that ends in an error unless size and digest are those of the descriptor.
pub struct Verified {
    inner: Box<dyn Read + Send>,
    expected: Digest,
    size: u64,
    left: u64,
    digest: Running,
    done: bool,
    whence: String,
}

enum Running {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Verified {
    /// Wraps a reader of untrusted bytes; `whence` names the store in errors.
    pub fn new(descriptor: &Descriptor, whence: impl Into<String>, inner: impl Read + Send + 'static) -> Verified {
        let digest = match descriptor.digest.algorithm() {
            Algorithm::Sha256 => Running::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Running::Sha512(sha2::Sha512::new()),
        };
        let (expected, size) = (descriptor.digest.clone(), descriptor.size);
        Verified { inner: Box::new(inner), expected, size, left: size, digest, done: false, whence: whence.into() }
    }

    /// Reads all of a small document.
    ///
    /// # Errors
    /// More than `limit` bytes, or bytes that are not those of the descriptor.
    pub fn read_document(mut self, limit: u64) -> Result<Vec<u8>> {
        if self.size > limit {
            return Err(Error::too_long(&self.whence, &self.expected, self.size, limit));
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(|e| Error::read(&self.whence, e))?;
        Ok(bytes)
    }

    /// The last byte has been read: nothing may follow, and the digest must be right.
    fn finish(&mut self) -> io::Result<()> {
        self.done = true;
        if self.inner.read(&mut [0])? != 0 {
            return Err(Error::longer(&self.whence, &self.expected, self.size).into());
        }
        let found = match &self.digest {
            Running::Sha256(digest) => Digest::from_sha256(digest.clone().finalize().into()),
            Running::Sha512(digest) => Digest::from_sha512(digest.clone().finalize().into()),
        };
        if found != self.expected {
            return Err(Error::mismatch(&self.whence, &self.expected, &found).into());
        }
        Ok(())
    }
}

impl Read for Verified {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.finish()?;
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..most) else { return Ok(0) };
        let count = self.inner.read(space)?;
        if count == 0 {
            self.done = true;
            return Err(Error::shorter(&self.whence, &self.expected, self.size, self.size - self.left).into());
        }
        let read = space.get(..count).unwrap_or_default();
        match &mut self.digest {
            Running::Sha256(digest) => digest.update(read),
            Running::Sha512(digest) => digest.update(read),
        }
        self.left -= count as u64;
        if self.left == 0 {
            // The last byte is not handed out before everything is known to be right.
            self.finish()?;
        }
        Ok(count)
    }
}
