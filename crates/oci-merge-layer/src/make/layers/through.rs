//! What a layer has below a path at which a lower layer has something other than a directory.
//!
//! Without an entry that says that it is a directory now, those who unpack onto the merged root follow a symlink there, and
//! write to wherever it leads; those who unpack each layer alone make a directory that hides it (design: collisions,
//! section 5). So of a symlink it is refused wherever it is, for it may lead to what is taken; of anything else, where
//! it is in the way.

use super::Layers;
use super::cut::Cut;
use super::tree::{has_entry_below, is_under};
use crate::whiteout::Whiteout;
use crate::{Error, Kind, LayerIndex, Result};
use oci_merge_image::{LayerPath, compare_paths};

/// Refuses layers that write through something of a lower one.
pub(super) fn judge(layers: &Layers, cut: &Cut<'_>) -> Result<()> {
    let indexes = layers.indexes();
    for (number, layer) in indexes.iter().enumerate() {
        let above = indexes.get(number + 1..).unwrap_or_default();
        for entry in layer.entries().filter(|entry| entry.kind != Kind::Directory) {
            let Some(by) = written_through(above, entry.path) else { continue };
            let path = LayerPath::parse(entry.path).unwrap_or_default();
            let (reason, what) = match entry.kind {
                Kind::Symlink => ("TAR_THROUGH_SYMLINK", "a symlink"),
                _ if !cut.decides(&path)? => continue,
                _ => ("TAR_PARENT_NOT_DIR", "no directory"),
            };
            let text = format!("has something below this path, which is {what} in a lower layer, and no entry for it");
            return Err(layers.in_layer(number + 1 + by, Error::refused(reason, text).at(&path)));
        }
    }
    Ok(())
}

/// Which of the layers above has something below a path before any of them says what is at the path.
fn written_through(above: &[&LayerIndex], path: &[u8]) -> Option<usize> {
    for (number, index) in above.iter().enumerate() {
        match index.place(path).ok().and_then(|place| index.get(place)) {
            Some(entry) if entry.kind != Kind::Directory || !entry.late => return None,
            _ => {}
        }
        if has_entry_below(index, path) || has_whiteout_below(index, path) {
            return Some(number);
        }
        if removes(index, path) {
            return None;
        }
    }
    None
}

/// A whiteout needs the directory that it stands in.
pub(super) fn has_whiteout_below(index: &LayerIndex, path: &[u8]) -> bool {
    let whiteouts = index.whiteouts();
    let next = whiteouts.partition_point(|whiteout| compare_paths(whiteout.as_bytes(), path).is_le());
    whiteouts.get(next).is_some_and(|whiteout| is_under(whiteout.as_bytes(), path))
}

/// Whether a layer takes a path away: deletes it or something above it, or has something other than a directory there.
fn removes(index: &LayerIndex, path: &[u8]) -> bool {
    let Ok(path) = LayerPath::parse(path) else { return false };
    let is_other = |above: &LayerPath| index.find(above).is_some_and(|entry| entry.kind != Kind::Directory);
    if path.ancestors().any(|above| is_other(&above)) {
        return true;
    }
    let is_gone = |path: &LayerPath| {
        let spelled = [Whiteout::Path(path.clone()), Whiteout::Content(path.parent().unwrap_or_default())];
        let spelled = spelled.iter().filter_map(Whiteout::spelled);
        spelled.into_iter().any(|spelled| index.whiteouts().binary_search(&spelled).is_ok())
    };
    !index.whiteouts().is_empty() && (is_gone(&path) || path.ancestors().any(|above| is_gone(&above)))
}
