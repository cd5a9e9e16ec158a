//! One error type: what about a document, a path or a reference is not acceptable.

/// The result of everything fallible here.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing was wrong; the text says which and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not a digest that the OCI image specification allows.
    Digest,
    /// A JSON text that two readers would read differently, or that is not JSON.
    Json,
    /// A manifest, index or config that breaks the image specification.
    Document,
    /// Not a reference of the form `[domain/]path[:tag][@digest]`.
    Reference,
    /// Not a platform of the form `os/arch[/variant]`.
    Platform,
    /// A path that cannot be one of a layer.
    Path,
    /// Layers, environment or config that cannot be put together.
    Stack,
}

/// An error of this crate.
///
/// It is opaque: [`kind`](Error::kind) says what kind of thing was wrong, [`reason`](Error::reason) is the short
/// code in capitals that findings carry, and its text is meant for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    kind: ErrorKind,
    reason: &'static str,
    text: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: &'static str, text: impl Into<String>) -> Error {
        Error { kind, reason, text: text.into() }
    }

    /// What kind of thing was wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The reason as a stable code in capitals, such as `JSON_DUPLICATE_KEY`.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}
