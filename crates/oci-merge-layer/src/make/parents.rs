//! The directories of a source, for whoever writes something that lies in them.

use crate::{Body, Entry, Kind, LayerIndex, Xattrs};
use oci_merge_image::LayerPath;
use std::collections::HashMap;

/// The directories of a source that were not written when they came.
#[derive(Default)]
pub(super) struct Parents<'a> {
    seen: HashMap<LayerPath, Entry>,
    /// The whole archive, in which a directory may come after what lies in it.
    index: Option<&'a LayerIndex>,
    /// The extended attributes of such directories, of which an index has only the names.
    late: HashMap<LayerPath, Xattrs>,
}

impl<'a> Parents<'a> {
    /// Those of an archive.
    pub(super) fn of_archive(index: &'a LayerIndex, late: HashMap<LayerPath, Xattrs>) -> Parents<'a> {
        Parents { index: Some(index), late, ..Parents::default() }
    }

    /// Remembers a directory.
    pub(super) fn see(&mut self, entry: Entry) {
        self.seen.insert(entry.path.clone(), entry);
    }

    /// A directory of the source, be it seen or still to come.
    pub(super) fn find(&self, path: &LayerPath) -> Option<Entry> {
        if let Some(entry) = self.seen.get(path) {
            return Some(entry.clone());
        }
        let found = self.index?.find(path).filter(|found| found.kind == Kind::Directory)?;
        Some(Entry {
            path: path.clone(),
            body: Body::Directory,
            mode: found.mode,
            uid: found.uid,
            gid: found.gid,
            mtime: found.mtime,
            xattrs: self.late.get(path).cloned().unwrap_or_default(),
        })
    }
}

/// Whether a directory comes after something in it, and has extended attributes.
pub(super) fn has_late_xattrs(index: &LayerIndex) -> bool {
    index.entries().any(|entry| entry.late && entry.xattrs.is_some())
}
