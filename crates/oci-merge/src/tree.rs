//! The tree that layers leave when they are unpacked one after the other (image-spec `layer.md`, Applying Changesets).

use oci_merge_image::LayerPath;
use oci_merge_layer::{EntryView, Kind, LayerIndex};
use std::collections::BTreeMap;

/// What is kept of each path of a tree.
#[derive(Debug)]
pub(crate) struct Tree<T>(BTreeMap<LayerPath, T>);

impl<T> Default for Tree<T> {
    fn default() -> Tree<T> {
        Tree(BTreeMap::new())
    }
}

impl<T> Tree<T> {
    /// Unpacks a layer onto the tree; `keep` says what is kept of an entry, if anything.
    pub(crate) fn apply(&mut self, layer: &LayerIndex, keep: impl Fn(&LayerPath, &EntryView<'_>) -> Option<T>) {
        // Whiteouts hide lower layers only, wherever they stand in the archive.
        for whiteout in layer.whiteouts() {
            let Some((directory, name)) = whiteout.parent().zip(whiteout.name()) else { continue };
            if name == b".wh..wh..opq" {
                self.remove(&directory, false);
            } else if let Some(hidden) = name.strip_prefix(b".wh.").and_then(|name| LayerPath::parse(name).ok())
                && let Ok(path) = directory.join(&hidden)
            {
                self.remove(&path, true);
            }
        }
        for entry in layer.entries() {
            let Ok(path) = LayerPath::parse(entry.path) else { continue };
            if entry.kind != Kind::Directory {
                self.remove(&path, true);
            }
            if let Some(kept) = keep(&path, &entry) {
                self.0.insert(path, kept);
            }
        }
    }

    /// What is left, in order of path.
    pub(crate) fn into_paths(self) -> BTreeMap<LayerPath, T> {
        self.0
    }

    /// Removes what lies below a path, and the path itself if it is to go too. Descendants follow their ancestor.
    fn remove(&mut self, path: &LayerPath, itself: bool) {
        let gone = |at: &LayerPath| itself || at != path;
        let below = self.0.range(path.clone()..).take_while(|(at, _)| at.is_within(path));
        let below: Vec<LayerPath> = below.map(|(at, _)| at.clone()).filter(gone).collect();
        for path in below {
            self.0.remove(&path);
        }
    }
}
