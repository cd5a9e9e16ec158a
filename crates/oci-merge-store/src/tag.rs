//! Tags that two may want to move: what one must stand for before it is moved.

use crate::{Error, ErrorKind, Result};
use oci_merge_image::Digest;

/// What a tag must stand for, or it is not moved.
///
/// A registry has no way to promise it (distribution-spec issue 250): the tag is looked at right before and right
/// after, and the request says what it expects (RFC 9110 section 13.1), which some registries honour. Between the look
/// and the move of any other, somebody else may still come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: there is no such tag.
    Absent,
    /// This manifest or index.
    At(Digest),
}

impl Expected {
    /// Whether a tag may be moved to `to`, given what it stands for now. One that stands for that already is not moved.
    ///
    /// # Errors
    /// [`ErrorKind::TagMoved`]: it is not what was expected.
    pub(crate) fn allows(&self, place: &str, tag: &str, now: Option<&Digest>, to: &Digest) -> Result<bool> {
        match now {
            Some(now) if now == to => Ok(false),
            now if self.is(now) => Ok(true),
            now => Err(self.broken(place, tag, now)),
        }
    }

    /// Whether a tag stands for what is expected.
    pub(crate) fn is(&self, now: Option<&Digest>) -> bool {
        match self {
            Expected::Absent => now.is_none(),
            Expected::At(expected) => now == Some(expected),
        }
    }

    /// The tag is not what was expected.
    pub(crate) fn broken(&self, place: &str, tag: &str, now: Option<&Digest>) -> Error {
        let found = now.map_or("there is no such tag".to_owned(), |now| format!("tag moved to {now}"));
        Error::new(ErrorKind::TagMoved, place, format!("tag {tag} is not moved: {found}; expected {}", self.text()))
    }

    /// The tag is what was expected, and yet the registry says that it is not (412).
    pub(crate) fn refused(&self, place: &str, tag: &str) -> Error {
        let text = format!(
            "tag {tag} is not moved: the registry refused the condition of the request (412), though it is as expected, \
             {}; either it was something else for a moment, or the registry gets conditions wrong",
            self.text()
        );
        Error::new(ErrorKind::TagMoved, place, text)
    }

    fn text(&self) -> String {
        match self {
            Expected::Absent => "no such tag".to_owned(),
            Expected::At(digest) => digest.to_string(),
        }
    }
}
