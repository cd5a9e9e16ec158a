//! What a person should know of how a layer came about.

use crate::Note;
use oci_merge_image::LayerPath;
use std::collections::BTreeMap;

/// What a person should know of how a layer came about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Where each source landed: the root of the image or a directory; in the order of the recipe.
    pub landings: Vec<LayerPath>,
    /// Why an archive's bytes could not be the layer's: all reasons of all archives. Empty for directories, and for a
    /// layer that was kept.
    pub repacked: Vec<Note>,
    /// Extended attributes that no layer keeps, by name, and how many files had them.
    pub dropped_xattrs: BTreeMap<Vec<u8>, u64>,
    /// Entries whose names had no component left after `strip`.
    pub too_short: Listed,
    /// Entries that `include` or `exclude` left out.
    pub filtered: Listed,
    /// Files of an image that lie where the layer owns nothing, and were left out.
    pub outside: Listed,
    /// What the layers of an image delete of what lies below them, and is not deleted here.
    pub deletions: Listed,
    /// Python files whose compiled form is for another time than they have now, so that it will not be used.
    pub stale_bytecode: Listed,
    /// The sources that have nothing in them, by their number in the recipe, from 0.
    pub empty: Vec<usize>,
    /// What the recipe chooses by, and chooses nothing.
    pub unmatched: Unmatched,
}

/// Globs that matched nothing, as they were written: of a source nothing that it has, of the recipe nothing that any of
/// its sources has. What lies in a directory that is left out is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unmatched {
    /// Of [`Source::include`](super::Source::include).
    pub include: Vec<String>,
    /// Of [`Recipe::exclude`](super::Recipe::exclude) and [`Source::exclude`](super::Source::exclude).
    pub exclude: Vec<String>,
}

/// How many there are, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// How many there are.
    pub count: u64,
    /// The first of them, at most [`Listed::FIRST`].
    pub first: Vec<LayerPath>,
}

impl Listed {
    /// How many are listed by name.
    pub const FIRST: usize = 20;

    pub(super) fn add(&mut self, path: &LayerPath) {
        self.count += 1;
        if self.first.len() < Listed::FIRST {
            self.first.push(path.clone());
        }
    }

    pub(super) fn append(&mut self, other: Listed) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(Listed::FIRST);
    }
}
