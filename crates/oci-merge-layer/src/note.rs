//! What is odd about an archive, and yet means the same to every reader.

use crate::{Error, Reason};
use oci_merge_image::LayerPath;

/// Something that keeps an archive from being used byte for byte, though there is no doubt about what it holds.
///
/// An archive with notes may be written anew, never passed through. Of a base, a note is what readers disagree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The reason that a strict reading would refuse the archive for.
    pub reason: Reason,
    /// The entry that it is about, if it is about one.
    pub path: Option<LayerPath>,
    /// What was found, for a person.
    pub text: String,
}

impl Note {
    /// The same as a refusal, for an archive whose bytes must be kept.
    pub fn into_error(self) -> Error {
        let error = Error::refused(self.reason.0, self.text);
        match self.path {
            Some(path) => error.at(&path),
            None => error,
        }
    }
}
