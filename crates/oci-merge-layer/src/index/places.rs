//! What may stand where: no path twice, nothing below what is not a directory.

use super::builder::{layer_path, same_metadata};
use super::{DROPPED, IndexBuilder, LATE};
use crate::{Kind, Result};

impl IndexBuilder {
    /// Entries with the same path are neighbours; leaves one of each in the order.
    pub(super) fn join_duplicates(&mut self, order: &mut Vec<u32>) -> Result<()> {
        let mut dropped: Vec<u32> = Vec::new();
        let mut from = 0;
        let mut runs = Vec::new();
        while let Some(&first) = order.get(from) {
            let path = self.path(first);
            let run = order.get(from..).unwrap_or_default().iter().take_while(|&&o| self.path(o) == path).count();
            if run > 1 {
                runs.push(from..from + run);
            }
            from += run;
        }
        for run in &runs {
            let same_path = order.get(run.clone()).unwrap_or_default();
            let (Some((&first, rest)), Some(&last)) = (same_path.split_first(), same_path.last()) else { continue };
            let path = layer_path(self.path(first));
            let same = self.record(first).kind == Kind::Directory
                && rest.iter().all(|&other| same_metadata(self.record(first), self.record(other)));
            self.odd(same, "TAR_DUPLICATE", &path, || format!("the layer has this path {} times", run.len()))?;
            // Equal directories are one, made by the first header; of others in a base, the last is what remains.
            let stays = if same { first } else { last };
            dropped.extend(same_path.iter().filter(|&&other| other != stays));
        }
        for dropped in dropped {
            self.record_mut(dropped).flags |= DROPPED;
        }
        if !runs.is_empty() {
            order.retain(|&sequence| self.record(sequence).flags & DROPPED == 0);
        }
        Ok(())
    }

    /// Non-directories with something below them are neighbours in the order; marks late directories.
    pub(super) fn judge_places(&mut self, order: &[u32]) -> Result<()> {
        let mut above: Vec<u32> = Vec::new();
        for pair in order.windows(2) {
            let [before, this] = *pair else { continue };
            if self.record(before).flags & DROPPED == 0 {
                above.push(before);
            }
            let path = self.path(this);
            while above.last().is_some_and(|&top| !is_below(path, self.path(top))) {
                above.pop();
            }
            let Some(&parent) = above.last() else { continue };
            let kind = self.record(parent).kind;
            if kind != Kind::Directory {
                let reason = if kind == Kind::Symlink { "TAR_THROUGH_SYMLINK" } else { "TAR_PARENT_NOT_DIR" };
                let (path, parent_path) = (layer_path(path), layer_path(self.path(parent)));
                self.odd(false, reason, &path, || format!("lies below {parent_path}, which is not a directory"))?;
                if parent > this {
                    // What came later took the place of the directory, and of everything in it.
                    self.record_mut(this).flags |= DROPPED;
                }
                continue;
            }
            // Every directory above it is late if it came after this entry.
            for i in (0..above.len()).rev() {
                let Some(&top) = above.get(i).filter(|&&top| top > this) else { break };
                self.record_mut(top).flags |= LATE;
            }
        }
        Ok(())
    }
}

/// Whether a path is another or lies below it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
