//! What `include` and `exclude` choose of one source.

use super::globs::Globs;
use super::recipe::{Recipe, Source};
use super::report::Unmatched;
use crate::Result;
use oci_merge_image::LayerPath;

/// What `include` and `exclude` choose of one source.
pub(super) struct Choice {
    /// What is taken; empty: everything.
    pub(super) include: Globs,
    /// What the source leaves out.
    pub(super) exclude: Globs,
    /// What the layer leaves out, whatever source it comes from.
    pub(super) exclude_of_all: Globs,
}

impl Choice {
    pub(super) fn new(recipe: &Recipe, source: &Source, include: Globs) -> Result<Choice> {
        Ok(Choice { include, exclude: Globs::new(&source.exclude)?, exclude_of_all: Globs::new(&recipe.exclude)? })
    }

    /// Whether a path of the image is left out.
    pub(super) fn excludes(&self, path: &LayerPath, prefix: &LayerPath) -> bool {
        // Both are asked, so that both know whether they match anything.
        self.exclude.cover(path, prefix) | self.exclude_of_all.cover(path, prefix)
    }

    /// What of the source has matched none of the paths that were looked at; and what of the layer has not.
    pub(super) fn unmatched(&self) -> (Unmatched, Vec<String>) {
        let of_source = Unmatched { include: self.include.unmatched(), exclude: self.exclude.unmatched() };
        (of_source, self.exclude_of_all.unmatched())
    }
}
