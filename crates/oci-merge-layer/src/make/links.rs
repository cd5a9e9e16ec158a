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
        /// The first name of each group that is taken, in order of path: in the source, and in the image.
        taken: HashMap<u32, (LayerPath, LayerPath)>,
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
                && let Ok(source) = LayerPath::parse(entry.path)
                && let Some(path) = route.taken(&source)?
            {
                taken.insert(group, (source, path));
            }
        }
        Ok(Links::Archive { index, taken, written: HashMap::new() })
    }

    /// What an entry that is no directory becomes; `None`: nothing.
    ///
    /// The file of a group is written where it comes in the archive, under its own name if that is taken, else under
    /// another one; so no content is ever needed twice.
    pub(super) fn place(&mut self, entry: &Entry, place: Place, route: &Route<'_>) -> Result<Option<Named>> {
        let own = match place {
            Place::Taken(path) => Some((entry.path.clone(), path)),
            _ => None,
        };
        let named = |(source, path), body| Named { source, path, body };
        let lost = || Error::refused("TAR_HARDLINK_TARGET", "links to nothing that came before it").at(&entry.path);
        Ok(match (self, &entry.body) {
            (Links::Directory, Body::HardLink { target }) => match own {
                None => None,
                Some(own) => {
                    let target = route.taken(target)?.ok_or_else(lost)?;
                    Some(named(own, Body::HardLink { target }))
                }
            },
            (Links::Archive { index, taken, written }, body) if !taken.is_empty() => {
                let group = index.find(&entry.path).and_then(|found| found.group);
                match (group, body, own) {
                    (Some(group), Body::HardLink { .. }, Some(own)) => {
                        let target = written.get(&group).ok_or_else(lost)?.clone();
                        (target != own.1).then(|| named(own, Body::HardLink { target }))
                    }
                    (_, Body::HardLink { .. }, None) => None,
                    (Some(group), body, own) => {
                        let name = own.or_else(|| taken.get(&group).cloned());
                        written.extend(name.iter().map(|(_, path)| (group, path.clone())));
                        name.map(|name| named(name, body.clone()))
                    }
                    (None, body, own) => own.map(|own| named(own, body.clone())),
                }
            }
            (_, body) => own.map(|own| named(own, body.clone())),
        })
    }
}

/// The name under which something is written.
pub(super) struct Named {
    /// As the source has it.
    pub(super) source: LayerPath,
    /// As the image has it.
    pub(super) path: LayerPath,
    /// What is written.
    pub(super) body: Body,
}
