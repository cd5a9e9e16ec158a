//! The lock around a change of `index.json`, and around making room in a local store.

use crate::Result;
use crate::directory::Directory;
use std::ffi::OsStr;
use std::fs::File;
use std::io;

pub(super) const NAME: &str = "lock";

/// Held until it is dropped; other processes, and other threads of this one, wait meanwhile.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(root: &Directory) -> Result<Lock> {
        Lock::by(root, File::lock)
    }

    /// The same, beside others who only look up names or give them.
    pub(super) fn share(root: &Directory) -> Result<Lock> {
        Lock::by(root, File::lock_shared)
    }

    fn by(root: &Directory, lock: fn(&File) -> io::Result<()>) -> Result<Lock> {
        loop {
            let file = root.open_or_create(NAME)?;
            lock(&file).map_err(|e| root.failed(NAME, "locking", e))?;
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
