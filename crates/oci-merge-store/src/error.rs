//! What went wrong at one end of a copy: where, what was expected, what was found.

use oci_merge_image::{Digest, shown};
use std::fmt;
use std::io;
use std::sync::Arc;

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
    /// A tag that stands for something else than was expected.
    TagMoved,
    /// Cancelled by the caller.
    Cancelled,
}

/// The end of a copy at which something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where the content came from.
    Source,
    /// Where the content was to go.
    Target,
}

/// An error of this crate.
///
/// It is opaque: [`kind`](Error::kind) says what kind of thing went wrong, [`place`](Error::place) where,
/// [`side`](Error::side) at which end of a copy, [`digest`](Error::digest) with what content; its text is meant for
/// people. A clone is cheap.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Parts>);

/// Behind a pointer, for every result has room for it.
#[derive(Debug, Clone)]
struct Parts {
    kind: ErrorKind,
    reason: Option<&'static str>,
    retryable: bool,
    side: Option<Side>,
    digest: Option<Digest>,
    place: String,
    text: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A registry's refusal of a manifest because of blobs that it does not have after all; [`Error::reason`] says it.
///
/// `copy` then sends the blobs that it had found or mounted there, once.
pub const MANIFEST_BLOB_UNKNOWN: &str = "MANIFEST_BLOB_UNKNOWN";

impl Error {
    /// An error of a kind at a place.
    pub fn new(kind: ErrorKind, place: impl Into<String>, text: impl Into<String>) -> Error {
        let (place, text) = (place.into(), text.into());
        Error(Box::new(Parts {
            kind,
            reason: None,
            retryable: false,
            side: None,
            digest: None,
            place,
            text,
            source: None,
        }))
    }

    /// The same, with the reason as a stable code in capitals, such as `LAYOUT_BLOB_NOT_FILE`.
    pub fn because(mut self, reason: &'static str) -> Error {
        self.0.reason = Some(reason);
        self
    }

    /// The same, about this content; a digest that is known already stays.
    pub fn about(mut self, digest: &Digest) -> Error {
        self.0.digest.get_or_insert_with(|| digest.clone());
        self
    }

    /// The same, at this end of a copy; an end that is known already stays.
    pub fn at(mut self, side: Side) -> Error {
        self.0.side.get_or_insert(side);
        self
    }

    /// The same, with what caused it.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(source.into().into());
        self
    }

    /// The same, and the next attempt may go well.
    pub fn retryable(mut self) -> Error {
        self.0.retryable = true;
        self
    }

    /// The same, about another place: where a person would look for what is wrong.
    pub fn in_place(mut self, place: impl Into<String>) -> Error {
        self.0.place = place.into();
        self
    }

    /// The same, at this end of a copy and no other.
    pub(crate) fn moved_to(mut self, side: Side) -> Error {
        self.0.side = Some(side);
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the next attempt may go well.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Where it happened.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// The reason as a stable code in capitals, where there is one.
    pub fn reason(&self) -> Option<&'static str> {
        self.0.reason
    }

    /// At which end of a copy it happened; `None` outside of a copy.
    pub fn side(&self) -> Option<Side> {
        self.0.side
    }

    /// The content that it was about, where it was about one.
    pub fn digest(&self) -> Option<&Digest> {
        self.0.digest.as_ref()
    }

    /// The error of this crate that another error carries: bytes that are read through somebody else's code, a
    /// decompressor perhaps, report ours inside of theirs. An error that carries none comes back.
    ///
    /// # Errors
    /// The error that was given, if none of ours is in it.
    pub fn carried_by<E: std::error::Error + 'static>(error: E) -> std::result::Result<Error, E> {
        let mut link: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(this) = link {
            // `io::Error::source` skips the error inside and goes to that one's source.
            let inside = this.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(ours) = inside.and_then(|i| i.downcast_ref()).or_else(|| this.downcast_ref::<Error>()) {
                return Ok(ours.clone());
            }
            link = this.source();
        }
        Err(error)
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
        let text = format!("wrong bytes: expected {expected}, found {found}");
        Error::new(ErrorKind::Mismatch, place, text).because("DIGEST_MISMATCH").about(expected)
    }

    pub(crate) fn longer(place: &str, expected: &Digest, size: u64) -> Error {
        let text = format!("wrong bytes for {expected}: expected {size} bytes, found more");
        Error::new(ErrorKind::Mismatch, place, text).because("DESCRIPTOR_SIZE").about(expected)
    }

    pub(crate) fn shorter(place: &str, expected: &Digest, size: u64, found: u64) -> Error {
        let text = format!("wrong bytes for {expected}: expected {size} bytes, found {found}");
        Error::new(ErrorKind::Mismatch, place, text).because("DESCRIPTOR_SIZE").about(expected).retryable()
    }

    pub(crate) fn too_long(place: &str, what: &Digest, size: u64, limit: u64) -> Error {
        let text = format!("{what} has {size} bytes; at most {limit} are read");
        Error::new(ErrorKind::Document, place, text).because("LIMIT_DOCUMENT_BYTES").about(what)
    }

    /// A document that cannot be what it claims to be.
    pub(crate) fn document(place: &str, what: &str, source: oci_merge_image::Error) -> Error {
        let reason = source.reason();
        Error::new(ErrorKind::Document, place, format!("{what}: {source}")).because(reason).caused_by(source)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", end_of_copy(&self.side), self.place, self.text)
    }
}

impl std::error::Error for Parts {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // What is in the `Arc`: an `Arc` is an error itself, and nobody could look through it for the type inside.
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}

fn end_of_copy(side: &Option<Side>) -> &'static str {
    match side {
        None => "",
        Some(Side::Source) => "reading from ",
        Some(Side::Target) => "writing to ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_way_through_a_reader() {
        let ours = Error::new(ErrorKind::Mismatch, "oci:x", "wrong bytes").about(&Digest::of(b"x"));
        let through = io::Error::from(ours);
        assert_eq!(Error::read("elsewhere", through).place(), "oci:x");

        #[derive(Debug, thiserror::Error)]
        #[error("theirs")]
        struct Theirs(#[source] io::Error);
        let ours = Error::new(ErrorKind::Mismatch, "oci:x", "wrong bytes");
        assert_eq!(Error::carried_by(Theirs(ours.into())).unwrap().kind(), ErrorKind::Mismatch);
        assert!(Error::carried_by(Theirs(io::Error::other("no"))).is_err());
    }

    #[test]
    fn the_cause_can_be_had_by_its_type() {
        let cause = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::disk("oci:x", "writing", cause);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn the_end_of_a_copy_is_said_once() {
        let error = Error::new(ErrorKind::Disk, "oci:x", "full").at(Side::Target).at(Side::Source);
        assert_eq!(error.to_string(), "writing to oci:x: full");
        assert_eq!(error.side(), Some(Side::Target));
    }
}
