//! The file of a spec, replaced as a whole.

use super::Edited;
use crate::{Error, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

impl Edited {
    /// Writes the new text over the file that had the old one: whole or not at all, with the mode that it had, and only if
    /// nobody else has changed it meanwhile. A link stays one, and what it leads to is replaced.
    ///
    /// # Errors
    /// The file has another text by now, or cannot be written.
    pub fn write(&self, file: &Path, old: &str) -> Result<()> {
        let unreadable = |e| Error::disk(file, "cannot be read", e);
        let failed = |e| Error::disk(file, "cannot be written", e);
        let target = fs::canonicalize(file).map_err(unreadable)?;
        let mode = fs::metadata(&target).map_err(unreadable)?.permissions();
        if mode.readonly() {
            return Err(failed(std::io::ErrorKind::PermissionDenied.into()));
        }
        let directory = target.parent().unwrap_or(Path::new("/"));
        let mut new = tempfile::Builder::new().prefix(".oci-merge-").tempfile_in(directory).map_err(failed)?;
        new.write_all(self.text.as_bytes()).map_err(failed)?;
        new.as_file().set_permissions(mode).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        // As late as can be: somebody may be editing it by hand.
        if fs::read(&target).map_err(unreadable)? != old.as_bytes() {
            let name = oci_merge_image::shown(file.as_os_str().as_encoded_bytes()).to_string();
            return Err(Error::usage(format!("{name} was changed meanwhile, so it was left as it is; run this again")));
        }
        new.persist(&target).map_err(|e| failed(e.error))?;
        Ok(())
    }
}
