//! What the names of one file become if not all of them are taken.

use super::route::{Place, Route};
use crate::{Body, Entry, Error, LayerIndex, Result};
use oci_merge_image::LayerPath;
use std::collections::HashMap;

/// The hard links of a source.
pub(super) enum Links<'a> {
    /// Of a directory: the first name that is taken comes first, and is the file.
    Directory,
    /// Of an archive: the file comes first, whether it is taken or not.
    Archive {
        /// Where each link belongs to a group of names.
        index: &'a LayerIndex,
        /// The first name of each group that is taken, in order of path; as a path of the image.
        taken: HashMap<u32, LayerPath>,
        /// Where the file of each group was written.
        written: HashMap<u32, LayerPath>,
    },
}

impl<'a> Links<'a> {
    /// Those of an archive.
    pub(super) fn of_archive(index: &'a LayerIndex, route: &Route<'_>) -> Result<Links<'a>> {
        let mut taken = HashMap::new();
        for entry in index.entries() {
            if let Some(group) = entry.group
                && !taken.contains_key(&group)
                && let Ok(path) = LayerPath::parse(entry.path)
                && let Some(path) = route.taken(&path)?
            {
                taken.insert(group, path);
            }
        }
        Ok(Links::Archive { index, taken, written: HashMap::new() })
    }

    /// Under which path of the image an entry that is no directory is written, and as what; `None`: not at all.
    ///
    /// The file of a group is written where it comes in the archive, under its own name if that is taken, else under
    /// another one; so no content is ever needed twice.
    pub(super) fn place(&mut self, entry: &Entry, place: &Place, route: &Route<'_>) -> Result<Option<(LayerPath, Body)>> {
        let own = if let Place::Taken(path) = place { Some(path.clone()) } else { None };
        let link = if let Body::HardLink { target } = &entry.body { Some(target) } else { None };
        let lost = || Error::refused("TAR_HARDLINK_TARGET", "links to nothing that came before it").at(&entry.path);
        match self {
            Links::Directory => {
                let Some(own) = own else { return Ok(None) };
                let Some(target) = link else { return Ok(Some((own, entry.body.clone()))) };
                let target = route.taken(target)?.ok_or_else(lost)?;
                Ok(Some((own, Body::HardLink { target })))
            }
            Links::Archive { index, taken, written } => {
                let group = if taken.is_empty() { None } else { index.find(&entry.path).and_then(|found| found.group) };
                let Some(group) = group else { return Ok(own.map(|own| (own, entry.body.clone()))) };
                if link.is_none() {
                    let path = own.or_else(|| taken.get(&group).cloned());
                    written.extend(path.clone().map(|path| (group, path)));
                    return Ok(path.map(|path| (path, entry.body.clone())));
                }
                let Some(own) = own else { return Ok(None) };
                let target = written.get(&group).ok_or_else(lost)?.clone();
                Ok((target != own).then_some((own, Body::HardLink { target })))
            }
        }
    }
}
