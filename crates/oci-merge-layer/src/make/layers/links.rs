//! What the names of one file become that are left of a layer of an image.

use super::cut::Lands;
use crate::{Body, Entry, Error, ErrorKind, Kind, LayerIndex, Result};
use oci_merge_image::LayerPath;
use std::collections::HashMap;

/// The names of the inodes of one layer.
pub(super) struct Links {
    /// Of each group, the first name in order of path that is taken.
    taken: HashMap<u32, LayerPath>,
    /// Where the file of each group was written.
    written: HashMap<u32, LayerPath>,
}

impl Links {
    pub(super) fn of(index: &LayerIndex, taken: &[bool], to: &dyn Lands) -> Result<Links> {
        let mut first = HashMap::new();
        for (entry, _) in index.entries().zip(taken).filter(|(_, taken)| **taken) {
            if let Some(group) = entry.group
                && !first.contains_key(&group)
                && let Some(path) = lands(entry.path, to)?
            {
                first.insert(group, path);
            }
        }
        Ok(Links { taken: first, written: HashMap::new() })
    }

    /// What an entry of the archive becomes; `None`: nothing. The file of a group is written where it comes, under its
    /// own name if that is taken, else under another one; so no content is ever needed twice.
    pub(super) fn place(
        &mut self,
        entry: Entry,
        index: &LayerIndex,
        taken: &[bool],
        to: &dyn Lands,
    ) -> Result<Option<Entry>> {
        if entry.path.is_root() || matches!(entry.body, Body::Directory) {
            return Ok(None);
        }
        let place = index.place(entry.path.as_bytes()).map_err(|_| another().at(&entry.path))?;
        let Some(known) = index.get(place) else { return Ok(None) };
        if known.kind == Kind::Directory {
            return Err(another().at(&entry.path));
        }
        let own = if taken.get(place) == Some(&true) { lands(known.path, to)? } else { None };
        let named = |path, body| Entry { path, body, ..entry.clone() };
        Ok(match (known.group, &entry.body, own) {
            (Some(group), Body::HardLink { .. }, Some(own)) => {
                let target = self.written.get(&group).ok_or_else(|| another().at(&entry.path))?.clone();
                (target != own).then(|| named(own, Body::HardLink { target }))
            }
            (None, Body::HardLink { .. }, _) => return Err(another().at(&entry.path)),
            (_, Body::HardLink { .. }, None) => None,
            (Some(group), body, own) => {
                let name = own.or_else(|| self.taken.get(&group).cloned());
                self.written.extend(name.iter().map(|path| (group, path.clone())));
                name.map(|path| named(path, body.clone()))
            }
            (None, body, own) => own.map(|path| named(path, body.clone())),
        })
    }
}

/// Where something that is taken and no directory lands.
fn lands(path: &[u8], to: &dyn Lands) -> Result<Option<LayerPath>> {
    let Ok(path) = LayerPath::parse(path) else { return Ok(None) };
    to.lands(&path, false)
}

/// An index that somebody else made may lie.
pub(super) fn another() -> Error {
    Error::new(ErrorKind::Index, "the layer holds something else than its index says")
}
