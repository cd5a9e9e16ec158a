//! What went wrong at one end of a copy: where, what was expected, what was found.

use oci_merge_image::{Digest, shown};
use std::io;

/// The result of everything fallible here.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such tag or content.
    NotFound,
    /// Bytes that are not those that their descriptor promises.
    Mismatch,
    /// A document that cannot be what it claims to be.
    Document,
    /// 401 or 403, after every credential was tried.
    Denied,
    /// A registry or download that cannot be reached or does not do its part.
    Network,
    /// The local disk.
    Disk,
    /// Refused by a rule of ours: plain HTTP, a foreign realm, a tag that cannot be.
    Policy,
    /// Cancelled by the caller.
    Cancelled,
}

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {text}")]
pub struct Error {
    kind: ErrorKind,
    retryable: bool,
    place: String,
    text: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind at a place.
    pub fn new(kind: ErrorKind, place: impl Into<String>, text: impl Into<String>) -> Error {
        Error { kind, retryable: false, place: place.into(), text: text.into(), source: None }
    }

    /// The same, with what caused it.
    pub fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error { source: Some(source.into()), ..self }
    }

    /// The same, and the next attempt may go well.
    pub fn retryable(self) -> Error {
        Error { retryable: true, ..self }
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the next attempt may go well.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Where it happened.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A failed operation on the local disk.
    pub(crate) fn disk(place: impl Into<String>, doing: &str, source: io::Error) -> Error {
        Error::new(ErrorKind::Disk, place, format!("{doing}: {source}")).caused_by(source)
    }

    /// A failed read: one of ours that went through `io::Error`, or a cut connection.
    pub(crate) fn read(place: &str, source: io::Error) -> Error {
        match source.downcast::<Error>() {
            Ok(ours) => ours,
            Err(source) => {
                Error::new(ErrorKind::Network, place, format!("reading failed: {source}")).caused_by(source).retryable()
            }
        }
    }

    pub(crate) fn not_found(place: &str, what: &str) -> Error {
        Error::new(ErrorKind::NotFound, place, format!("{} is not there", shown(what)))
    }

    pub(crate) fn mismatch(place: &str, expected: &Digest, found: &Digest) -> Error {
        Error::new(ErrorKind::Mismatch, place, format!("wrong bytes: expected {expected}, found {found}"))
    }

    pub(crate) fn longer(place: &str, expected: &Digest, size: u64) -> Error {
        Error::new(ErrorKind::Mismatch, place, format!("wrong bytes for {expected}: expected {size} bytes, found more"))
    }

    pub(crate) fn shorter(place: &str, expected: &Digest, size: u64, found: u64) -> Error {
        let text = format!("wrong bytes for {expected}: expected {size} bytes, found {found}");
        Error::new(ErrorKind::Mismatch, place, text).retryable()
    }

    pub(crate) fn too_long(place: &str, what: &Digest, size: u64, limit: u64) -> Error {
        Error::new(ErrorKind::Document, place, format!("{what} has {size} bytes; at most {limit} are read"))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}
