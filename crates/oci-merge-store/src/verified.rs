//! The reader that cannot hand out wrong bytes.

use crate::digester::Digester;
use crate::{Error, Result};
use oci_merge_image::{Descriptor, Digest};
use std::io::{self, Read};

/// A reader of content that ends in an error unless size and digest are those of the descriptor.
pub struct Verified(Checked<Box<dyn Read + Send>>);

impl Verified {
    /// Wraps a reader of untrusted bytes; `whence` names the store in errors.
    pub fn new(descriptor: &Descriptor, whence: impl Into<String>, inner: impl Read + Send + 'static) -> Verified {
        Verified(Checked::new(descriptor, whence, Box::new(inner)))
    }

    /// The same reader, which tells how many bytes it has read so far.
    pub fn watched(mut self, tell: impl FnMut(u64) + Send + 'static) -> Verified {
        let inner = std::mem::replace(&mut self.0.inner, Box::new(io::empty()));
        self.0.inner = Box::new(Watched { inner, done: 0, tell });
        self
    }

    /// Reads all of a small document.
    ///
    /// # Errors
    /// More than `limit` bytes, or bytes that are not those of the descriptor.
    pub fn read_document(mut self, limit: u64) -> Result<Vec<u8>> {
        let Checked { whence, expected, size, .. } = &self.0;
        if *size > limit {
            return Err(Error::too_long(whence, expected, *size, limit));
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(|e| Error::read(&self.0.whence, e))?;
        Ok(bytes)
    }
}

impl Read for Verified {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Tells how far it is.
struct Watched<F> {
    inner: Box<dyn Read + Send>,
    done: u64,
    tell: F,
}

impl<F: FnMut(u64)> Read for Watched<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        (self.tell)(self.done);
        Ok(count)
    }
}

/// What [`Verified`] is made of, for readers that borrow.
pub(crate) struct Checked<R> {
    inner: R,
    expected: Digest,
    size: u64,
    left: u64,
    digester: Digester,
    end: Option<Result<()>>,
    whence: String,
}

impl<R: Read> Checked<R> {
    pub(crate) fn new(descriptor: &Descriptor, whence: impl Into<String>, inner: R) -> Checked<R> {
        let digester = Digester::new(descriptor.digest.algorithm());
        let (expected, size) = (descriptor.digest.clone(), descriptor.size);
        Checked { inner, expected, size, left: size, digester, end: None, whence: whence.into() }
    }

    /// The last byte has been read: nothing may follow, and the digest must be right.
    fn finish(&mut self) -> io::Result<()> {
        if self.read_inner(&mut [0])? != 0 {
            return self.ended(Err(Error::longer(&self.whence, &self.expected, self.size)));
        }
        let found = self.digester.clone().finish();
        if found != self.expected {
            return self.ended(Err(Error::mismatch(&self.whence, &self.expected, &found)));
        }
        self.ended(Ok(()))
    }

    /// Whoever reads on after an error gets the error again, and never an end of file.
    fn ended(&mut self, end: Result<()>) -> io::Result<()> {
        self.end = Some(end.clone());
        Ok(end?)
    }

    fn read_inner(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(end) = &self.end {
            return Ok(end.clone().map(|()| 0)?);
        }
        if self.left == 0 {
            return self.finish().map(|()| 0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..most) else { return Ok(0) };
        let count = self.read_inner(space)?;
        if count == 0 {
            let found = self.size.saturating_sub(self.left);
            let short = Error::shorter(&self.whence, &self.expected, self.size, found);
            return self.ended(Err(short)).map(|()| 0);
        }
        self.digester.update(space.get(..count).unwrap_or_default());
        self.left = self.left.saturating_sub(count as u64);
        if self.left == 0 {
            // The last byte is not handed out before everything is known to be right.
            self.finish()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::MediaType;

    /// Reads everything, in reads of `step` bytes.
    fn read(bytes: &[u8], promised: &Descriptor, step: usize) -> io::Result<Vec<u8>> {
        let mut reader = Verified::new(promised, "a test", io::Cursor::new(bytes.to_vec()));
        let (mut all, mut buffer) = (Vec::new(), vec![0; step]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(all),
                Ok(n) => all.extend_from_slice(&buffer[..n]),
                Err(e) => {
                    assert!(reader.read(&mut buffer).is_err(), "an end of file after an error");
                    assert!(all.len() < promised.size as usize || promised.size == 0, "the last byte came out");
                    return Err(e);
                }
            }
        }
    }

    #[test]
    fn only_what_was_promised_comes_out() {
        for right in [&b"six..."[..], b""] {
            let promised = Descriptor::of(MediaType::ImageLayer, right);
            let long = [right, b"!"].concat();
            for step in [1, 4, 100] {
                assert_eq!(read(right, &promised, step).unwrap(), right);
                let error = Error::carried_by(read(&long, &promised, step).unwrap_err()).unwrap();
                assert_eq!(error.reason(), Some("DESCRIPTOR_SIZE"));
            }
        }
        let promised = Descriptor::of(MediaType::ImageLayer, b"six...");
        for (wrong, reason) in [("SIX...", "DIGEST_MISMATCH"), ("six", "DESCRIPTOR_SIZE"), ("", "DESCRIPTOR_SIZE")] {
            for step in [1, 4, 100] {
                let error = Error::carried_by(read(wrong.as_bytes(), &promised, step).unwrap_err()).unwrap();
                assert_eq!(error.reason(), Some(reason), "{wrong:?}");
                assert_eq!(error.digest(), Some(&promised.digest));
            }
        }
    }

    #[test]
    fn sha512_is_verified_too() {
        // printf abc | sha512sum
        let digest = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                      2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        let promised = Descriptor::new(MediaType::ImageLayer, digest.parse().unwrap(), 3);
        assert_eq!(read(b"abc", &promised, 2).unwrap(), b"abc");
        assert!(read(b"abd", &promised, 2).is_err());
    }

    #[test]
    fn a_document_over_the_limit_is_not_read() {
        let promised = Descriptor::of(MediaType::ImageManifest, b"12345");
        let open = || Verified::new(&promised, "a test", &b"12345"[..]);
        assert_eq!(open().read_document(5).unwrap(), b"12345");
        assert_eq!(open().read_document(4).unwrap_err().reason(), Some("LIMIT_DOCUMENT_BYTES"));
    }
}
