//! Blobs that are not what their name says, moved out of the way.

use super::{BLOBS, Layout};
use crate::directory::shown_path;
use crate::{Error, Result};
use oci_merge_image::Digest;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

pub(super) const QUARANTINE: &str = "quarantine";

impl Layout {
    /// Moves what lies under a digest's name to `quarantine/`, whatever it is, so that the content can be fetched again
    /// and somebody can look at what had become of it. Returns where it is now; `None` if there was nothing.
    ///
    /// # Errors
    /// The disk fails.
    pub fn quarantine(&self, digest: &Digest) -> Result<Option<PathBuf>> {
        let name = OsString::from(digest.hex());
        let Some(blobs) = self.root().inside(BLOBS)? else { return Ok(None) };
        let Some(blobs) = blobs.inside(digest.algorithm().name())? else { return Ok(None) };
        if blobs.look(&name)?.is_none() {
            return Ok(None);
        }
        let quarantine = self.root().make(QUARANTINE)?;
        let mut number = 0;
        let place = loop {
            let place = OsString::from(format!("{}.{number}", digest.hex()));
            if quarantine.look(&place)?.is_none() {
                break place;
            }
            number += 1;
        };
        let path = quarantine.path().join(&place);
        let moved = blobs.rename(&name, &quarantine, OsStr::new(&place));
        moved.map_err(|e| Error::disk(shown_path(&path), "moving a wrong blob to", e).about(digest))?;
        Ok(Some(path))
    }
}
