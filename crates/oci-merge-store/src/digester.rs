//! A digest in the making.

use oci_merge_image::{Algorithm, Digest};
use sha2::Digest as _;

/// Takes bytes and ends as their digest.
#[derive(Debug, Clone)]
pub(crate) enum Digester {
    Sha256(sha2::Sha256),
    Sha512(Box<sha2::Sha512>),
}

impl Digester {
    pub(crate) fn new(algorithm: Algorithm) -> Digester {
        match algorithm {
            Algorithm::Sha256 => Digester::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Digester::Sha512(Box::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Digester::Sha256(digest) => digest.update(bytes),
            Digester::Sha512(digest) => digest.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        match self {
            Digester::Sha256(digest) => Digest::from_sha256(digest.finalize().into()),
            Digester::Sha512(digest) => Digest::from_sha512(digest.finalize().into()),
        }
    }
}

impl std::io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
