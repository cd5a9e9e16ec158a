//! The lock around a change of `index.json`.

use crate::Result;
use crate::directory::Directory;
use std::ffi::OsStr;
use std::fs::File;

pub(super) const NAME: &str = "lock";

/// Held until it is dropped; other processes, and other threads of this one, wait meanwhile.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(root: &Directory) -> Result<Lock> {
        loop {
            let file = root.open_or_create(NAME)?;
            file.lock().map_err(|e| root.failed(NAME, "locking", e))?;
            // Whoever held it before may have removed the file: then this lock protects nothing.
            if root.still_names(OsStr::new(NAME), &file)? {
                return Ok(Lock { _file: file });
            }
        }
    }

    /// Removes the file too; the directory is to be left as others know it.
    pub(super) fn remove(self, root: &Directory) {
        let _ = root.unlink(OsStr::new(NAME));
    }
}
