//! What stops the work on one layer.

use crate::Reason;
use oci_merge_image::{LayerPath, shown};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The result of everything fallible here.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The archive is refused: readers disagree about it, or it holds what no layer may hold.
    Refused(Reason),
    /// A file or directory of the host cannot be read or written.
    Io,
    /// A file changed while it was read.
    Changed,
    /// A socket, a device or the like in a directory that is to be packed.
    NotPackable,
    /// The sources of a layer do not fit together, or do not fit its prefix.
    Source,
    /// There is no limit of that name.
    Limit,
    /// Bytes that are not those of a path index, or of one from another version of the reader.
    Index,
    /// There is no such level of compression.
    Level,
    /// The caller asked to stop.
    Cancelled,
}

/// An error of this crate: which entry or file, what was expected, what was found.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// The entry in the layer.
    path: Option<LayerPath>,
    /// The file of the host, or the layer of an image.
    file: Option<PathBuf>,
    /// Where in the uncompressed archive the entry's header begins.
    offset: Option<u64>,
    text: String,
    source: Option<io::Error>,
}

impl Error {
    /// An error of a kind.
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error { kind, path: None, file: None, offset: None, text: text.into(), source: None }
    }

    /// A refused archive.
    pub(crate) fn refused(reason: &'static str, text: impl Into<String>) -> Error {
        Error::new(ErrorKind::Refused(Reason(reason)), text)
    }

    /// A failed operation on the host's files.
    pub(crate) fn io(text: impl Into<String>, source: io::Error) -> Error {
        Error { source: Some(source), ..Error::new(ErrorKind::Io, text) }
    }

    /// The same, at an entry of the layer.
    pub(crate) fn at(self, path: &LayerPath) -> Error {
        Error { path: Some(path.clone()), ..self }
    }

    /// The same, in a file of the host.
    pub(crate) fn in_file(self, file: impl Into<PathBuf>) -> Error {
        Error { file: Some(file.into()), ..self }
    }

    /// The same, in a place that is no file of the host, such as an image or a layer of it; what it knows already stays.
    pub fn in_place(self, place: &str) -> Error {
        if self.file.is_some() { self } else { self.in_file(place) }
    }

    /// The same, at an entry whose header begins at an offset of the uncompressed archive; what it knows already
    /// stays.
    pub(crate) fn found_at(self, path: Option<LayerPath>, offset: u64) -> Error {
        Error { path: self.path.or(path), offset: self.offset.or(Some(offset)), ..self }
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The entry of the layer that it is about.
    pub fn path(&self) -> Option<&LayerPath> {
        self.path.as_ref()
    }

    /// The file of the host that it is about, or the layer of an image.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }

    /// Why an archive was refused.
    pub fn reason(&self) -> Option<Reason> {
        match self.kind {
            ErrorKind::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Puts an error into the one that [`std::io::Read`] may give; [`Error::from`] takes it out again.
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}

/// Takes out an error that a reader of this crate put in; any other is one of input or output.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        error.downcast::<Error>().unwrap_or_else(|error| Error::io("cannot be read", error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", shown(file.as_os_str().as_encoded_bytes()))?;
        }
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.text)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if let Some(reason) = self.reason() {
            write!(f, " [{reason}")?;
            self.offset.iter().try_for_each(|offset| write!(f, " at byte {offset}"))?;
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}
