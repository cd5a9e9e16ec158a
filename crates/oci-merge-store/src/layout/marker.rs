//! `oci-layout`, the file that makes a directory a layout (image-spec `image-layout.md`, oci-layout File), and what
//! writers do before and after their work.

use super::lock::{self, Lock};
use super::{INDEX, IndexFile, Layout, STAGING};
use crate::directory::shown_path;
use crate::temporary::sweep;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{parse_strict, shown};
use std::ffi::{OsStr, OsString};
use std::path::Path;

pub(super) const MARKER: &str = "oci-layout";

const VERSION: &str = "1.0.0";

impl Layout {
    /// Whether the marker of a layout is here; it must be of the version that we know.
    pub(super) fn check_version(&self) -> Result<bool> {
        let Some(bytes) = self.document(MARKER, 4096)? else { return Ok(false) };
        check_version(self.place(), &bytes)?;
        Ok(true)
    }

    /// Makes this a layout that can be written to.
    pub(super) fn begin(&self) -> Result<()> {
        let root = self.root();
        if !self.check_version()? {
            let is_ours = |name: &OsString| name == lock::NAME || name == STAGING;
            // Another writer may have made it a layout since.
            if let Some(alien) = root.names()?.iter().find(|name| !is_ours(name))
                && !self.check_version()?
            {
                let text = format!(
                    "it is neither empty nor an OCI layout (it holds {}); name another directory, or empty it",
                    shown_path(Path::new(alien))
                );
                return Err(Error::new(ErrorKind::Policy, self.place(), text).because("LAYOUT_NOT_EMPTY"));
            }
        }
        if root.file(MARKER)?.is_none() || root.file(INDEX)?.is_none() {
            let _lock = Lock::take(root)?;
            if root.file(MARKER)?.is_none() {
                self.replace(MARKER, &marker())?;
            }
            if root.file(INDEX)?.is_none() {
                self.replace(INDEX, &IndexFile::bytes_of(Vec::new()))?;
            }
        }
        match root.inside(STAGING)? {
            Some(staging) => sweep(&staging, OsStr::new("")),
            None => Ok(()),
        }
    }

    /// Removes what only writers need; another writer that is at work keeps its own.
    pub(super) fn tidy(&self) -> Result<()> {
        let lock = Lock::take(self.root())?;
        if let Some(staging) = self.root().inside(STAGING)? {
            sweep(&staging, OsStr::new(""))?;
            let _ = self.root().remove_empty(STAGING);
        }
        lock.remove(self.root());
        self.root().sync()
    }
}

/// The content of an `oci-layout` file.
pub(crate) fn marker() -> Vec<u8> {
    format!("{{\"imageLayoutVersion\":\"{VERSION}\"}}").into_bytes()
}

/// Checks the content of an `oci-layout` file.
pub(crate) fn check_version(place: &str, bytes: &[u8]) -> Result<()> {
    let marker = parse_strict(bytes).map_err(|e| Error::document(place, MARKER, e))?;
    match marker.get("imageLayoutVersion").and_then(|version| version.as_str()) {
        Some(VERSION) => Ok(()),
        found => {
            let found = found.map_or("nothing of the kind".into(), |version| shown(version).to_string());
            let text = format!("{MARKER}: expected imageLayoutVersion {VERSION}, found {found}");
            Err(Error::new(ErrorKind::Document, place, text).because("LAYOUT_VERSION"))
        }
    }
}
