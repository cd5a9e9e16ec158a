//! A JSON document together with its exact bytes: what was fetched is never serialised again.

use crate::{Descriptor, Digest, Error, ErrorKind, MediaType, Result, json};
use serde_json::{Map, Value};

/// The largest manifest, index or config that is read: 4 MiB, the least that distribution-spec asks of a registry.
pub const MAX_DOCUMENT_BYTES: u64 = 4 << 20;

/// A manifest, index or config: its bytes, their digest, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<T> {
    bytes: Vec<u8>,
    digest: Digest,
    value: T,
}

impl<T: TryFrom<Map<String, Value>, Error = Error>> Document<T> {
    /// Reads a document that somebody else wrote, and keeps its bytes.
    ///
    /// # Errors
    /// More than 4 MiB, JSON that has two readings, or a value that is not a `T`.
    pub fn parse(bytes: Vec<u8>) -> Result<Document<T>> {
        if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(Error::new(
                ErrorKind::Json,
                "LIMIT_DOCUMENT_BYTES",
                format!("a document of {} bytes; at most {MAX_DOCUMENT_BYTES} are read", bytes.len()),
            ));
        }
        let value = T::try_from(json::parse_strict(&bytes)?)?;
        Ok(Document { digest: Digest::of(&bytes), bytes, value })
    }

    /// Writes a new document in canonical form: sorted keys, no spaces.
    ///
    /// # Errors
    /// The value is not a `T`, or larger than 4 MiB.
    pub fn write(value: Map<String, Value>) -> Result<Document<T>> {
        Document::parse(json::to_canonical(&Value::Object(value)))
    }
}

impl<T> Document<T> {
    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 digest of the bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What the bytes mean.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// A descriptor of this document under a media type.
    pub fn descriptor(&self, media_type: MediaType) -> Descriptor {
        Descriptor::new(media_type, self.digest.clone(), self.bytes.len() as u64)
    }
}
