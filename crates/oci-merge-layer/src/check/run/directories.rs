//! Whether paths of an image lead to directories.

use super::tree::Tree;
use super::walker::{ROOT, Walker};
use crate::Kind;
use crate::check::{BaseView, Layer};
use oci_merge_image::LayerPath;

/// Those of some paths that lead to no directory of the image, be it through symlinks; in their order.
///
/// `layers` are in the order in which they would be stacked, the lowest first.
pub fn missing_directories(base: &BaseView<'_>, layers: &[Layer<'_>], paths: &[LayerPath]) -> Vec<LayerPath> {
    let is_directory = |layer: &Layer<'_>, path| layer.index.find(path).is_some_and(|e| e.kind == Kind::Directory);
    // Most are entries of their own; only for the others is it worth while to look at everything.
    let others = paths.iter().filter(|path| !layers.iter().any(|layer| is_directory(layer, path)));
    let others: Vec<&LayerPath> = others.collect();
    if others.is_empty() {
        return Vec::new();
    }
    let tree = Tree::new(base, layers);
    let mut walker = Walker::new(&tree);
    others.into_iter().filter(|path| walker.directory(ROOT, path.as_bytes()).is_none()).cloned().collect()
}
