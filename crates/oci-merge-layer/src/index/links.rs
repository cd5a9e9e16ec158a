//! Hard links: what is one inode.

use super::builder::layer_path;
use super::{DROPPED, HAS_CONTENT, IndexBuilder, NONE, Record};
use crate::make::CAPABILITY;
use crate::{Kind, Result};
use oci_merge_image::{LayerPath, compare_paths};
use std::collections::HashMap;

impl IndexBuilder {
    /// Gives every hard link what its target has, and all names of one inode the same group.
    pub(super) fn join_links(&mut self, order: &[u32]) -> Result<()> {
        for (sequence, target) in std::mem::take(&mut self.links) {
            if self.record(sequence).flags & DROPPED != 0 {
                continue;
            }
            let path = layer_path(self.path(sequence));
            let Some(found) = self.link_target(order, sequence, &target, &path)? else { continue };
            let link = self.record(sequence);
            let original = self.record(found);
            let same_mode = original.kind == Kind::Symlink || link.mode == original.mode;
            let same_xattrs = link.xattrs == NONE || link.xattrs == original.xattrs;
            let same_owner = (link.uid, link.gid) == (original.uid, original.gid);
            let lacks_capabilities = link.xattrs == NONE && self.has_capabilities(found);
            let mut joined = Record {
                path: link.path,
                path_length: link.path_length,
                group: if original.group == NONE { found } else { original.group },
                ..original.clone()
            };
            if !(same_mode && same_xattrs && same_owner) {
                self.odd(false, "TAR_HARDLINK_META", &path, || {
                    format!("hard link to {target}: has another mode, owner or other xattrs than its target")
                })?;
                // Runtimes disagree about the inode's attributes: such a file is like no other.
                joined.flags &= !HAS_CONTENT;
            }
            if lacks_capabilities {
                // They give the inode its owner once more with each name of it, and with that the kernel drops them.
                self.odd(true, "TAR_HARDLINK_META", &path, || {
                    format!("hard link to {target}: without its capabilities, which docker and containerd then drop")
                })?;
            }
            let original = self.record_mut(found);
            original.flags &= joined.flags;
            original.group = joined.group;
            *self.record_mut(sequence) = joined;
        }
        Ok(())
    }

    fn has_capabilities(&self, sequence: u32) -> bool {
        let set = self.arena.xattrs.get(self.record(sequence).xattrs as usize);
        set.is_some_and(|set| set.names.iter().any(|name| name == CAPABILITY))
    }

    /// The entry that a hard link names: before it, and not a directory.
    fn link_target(
        &mut self,
        order: &[u32],
        sequence: u32,
        target: &LayerPath,
        path: &LayerPath,
    ) -> Result<Option<u32>> {
        let place = order.binary_search_by(|&other| compare_paths(self.path(other), target.as_bytes()));
        let found = place.ok().and_then(|place| order.get(place)).copied().filter(|&found| found < sequence);
        let why = match found {
            None => "the layer has no such entry before it",
            Some(found) if self.record(found).kind == Kind::Directory => "is a directory",
            Some(found) => return Ok(Some(found)),
        };
        self.odd(false, "TAR_HARDLINK_TARGET", path, || format!("hard link to {target}: {why}"))?;
        Ok(None)
    }

    /// Numbers the groups from 0 in order of path, so that an index does not depend on the order of the archive.
    pub(super) fn number_groups(&mut self, order: &[u32]) {
        let mut numbers = HashMap::new();
        for &sequence in order {
            let group = self.record(sequence).group;
            if group != NONE {
                let next = numbers.len() as u32;
                self.record_mut(sequence).group = *numbers.entry(group).or_insert(next);
            }
        }
    }
}
